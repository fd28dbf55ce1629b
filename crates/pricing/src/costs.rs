//! What serving the expected orders costs: by the cost model that routing minimises.

use omnifold_domain::policy::{Parcel, Policy, PolicyFault, Tariff};
use omnifold_domain::{Item, View};

use crate::problem::MilliMinor;

/// A shipment, a unit, and a unit for each kilometre, by the published benchmark, taken for cents, in
/// 1/1000 of a minor unit: there 8.759 a shipment, 0.423 a unit, 0.000541 a unit and mile.
pub const PUBLISHED: (MilliMinor, MilliMinor, MilliMinor) = (875_900, 42_300, 34);

const MILLI: f64 = 1_000.0;

/// A cost model, and what is lost with an order that nobody serves.
#[derive(Debug, Clone)]
pub struct Costs {
    tariff: Tariff,
    rate: usize,
    /// An order of which something is not served, beside what sending its units farthest costs. 1/1000 of
    /// a minor unit.
    pub unserved: MilliMinor,
}

impl Costs {
    /// Those of a policy: of its rule that says least about the orders it takes, for of the orders to come
    /// only SKUs and region are expected. Lateness is not counted. Not serving costs two shipments. `None`:
    /// no rule has costs.
    pub fn of(policy: Policy) -> Option<Self> {
        let tariff = Tariff::of(policy)?;
        let rate = tariff.broadest();
        let costs = Costs { tariff, rate, unserved: 0 };
        let unserved = costs.shipment("", 0).saturating_mul(2);
        Some(Costs { unserved, ..costs })
    }

    /// So much a shipment, a unit, and a unit for each kilometre begun, from wherever; 1/1000 of a minor
    /// unit.
    ///
    /// # Errors
    /// Where a cost is beyond what a policy may say.
    pub fn flat(
        shipment: MilliMinor,
        unit: MilliMinor,
        unit_km: MilliMinor,
    ) -> Result<Self, PolicyFault> {
        let document = format!(
            "name = \"flat\"\nversion = 1\n[[rule]]\nname = \"all\"\nmode = \"least_cost\"\n\
             [rule.cost]\nshipment = {shipment}\nunit = {unit}\nunit_km = {unit_km}\n"
        );
        Ok(Costs::of(Policy::read(&document)?).expect("it has costs"))
    }

    /// Those of the policy that rules the market; `None`: there is none, or it has no costs.
    pub fn in_force(view: &dyn View) -> Option<Self> {
        let policy = view.settings()?.policy.as_deref()?;
        Costs::of(Policy::read(&policy.document).ok()?)
    }

    /// Whose costs they are.
    pub fn policy(&self) -> &Policy {
        self.tariff.policy()
    }

    /// A shipment of a node, before anything is in it.
    pub(crate) fn shipment(&self, node: &str, metres: u32) -> MilliMinor {
        self.price(node, metres, 0, 0)
    }

    /// So many units in a shipment.
    pub(crate) fn line(&self, node: &str, metres: u32, units: f64, item: &Item) -> MilliMinor {
        let units_milli = (units * MILLI).round() as i64;
        let weight_mg = units_milli.saturating_mul(i64::from(item.weight_g));
        self.price(node, metres, units_milli, weight_mg) - self.shipment(node, metres)
    }

    fn price(&self, node: &str, metres: u32, units_milli: i64, weight_mg: i64) -> MilliMinor {
        let parcel = Parcel { node, metres: Some(metres), units_milli, weight_mg };
        self.tariff.price(self.rate, parcel)
    }

    /// What tells a price from none: the larger of a shipment and a unit.
    pub(crate) fn least(&self) -> MilliMinor {
        let unit = self.price("", 0, 1_000, 0) - self.shipment("", 0);
        self.shipment("", 0).max(unit)
    }
}

impl Default for Costs {
    fn default() -> Self {
        let (shipment, unit, unit_km) = PUBLISHED;
        Costs::flat(shipment, unit, unit_km).expect("within what a policy may say")
    }
}
