//! What a policy's rules say that shipping costs, read from the document's own words. In 1/1000 of the minor
//! unit, weights in milligrams.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Milligrams of a kilogram.
const KG_MG: i128 = 1_000_000;
/// Nothing heavier is a parcel, whatever a kilogram more costs.
const HEAVIEST_MG: i128 = 10_000 * KG_MG;

/// A policy, as far as waves are priced by it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Tariff {
    pub groups: BTreeMap<String, Vec<String>>,
    /// For rules that say nothing of it.
    cost: Option<Cost>,
    pub rule: Vec<TariffRule>,
}

impl Tariff {
    /// A rule's name and costs, where plans are compared by them.
    pub(super) fn charged_by(&self, rule: TariffRule) -> Option<(String, Cost)> {
        let cost = rule.cost.or_else(|| self.cost.clone())?;
        (rule.mode == "least_cost").then_some((rule.name, cost))
    }
}

#[derive(Deserialize)]
pub(super) struct TariffRule {
    pub name: String,
    #[serde(default)]
    mode: String,
    #[serde(default)]
    pub nodes: Nodes,
    cost: Option<Cost>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Nodes {
    /// How many days units are to last once their node is done with them.
    pub min_shelf_days: i64,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cost {
    shipment: i64,
    shipment_of: BTreeMap<String, i64>,
    unit: i64,
    unit_km: i64,
    kg: i64,
    kg_km: i64,
    zones: Vec<Zone>,
    #[serde(flatten)]
    any: Steps,
    late_day: i64,
    /// In per mille.
    markdown: i64,
}

#[derive(Clone, Deserialize)]
struct Zone {
    up_to_km: Option<i64>,
    #[serde(default)]
    unit: i64,
    #[serde(default)]
    kg: i64,
    #[serde(flatten)]
    own: Steps,
}

/// A carrier's table.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Steps {
    steps: Vec<Step>,
    over_kg: Option<i64>,
}

#[derive(Clone, Deserialize)]
struct Step {
    up_to_kg: f64,
    price: i64,
}

impl Step {
    fn up_to_mg(&self) -> i128 {
        (self.up_to_kg * 1_000.0).round() as i128 * 1_000
    }
}

impl Cost {
    /// A shipment of a node, whatever it weighs.
    pub fn of_shipment(&self, groups: &BTreeMap<String, Vec<String>>, node: &str) -> i128 {
        let mut its = groups.iter().filter(|(_, nodes)| nodes.iter().any(|it| it == node));
        let own = its.find_map(|(group, _)| self.shipment_of.get(group));
        i128::from(*own.unwrap_or(&self.shipment))
    }

    /// A unit of so many grams sent that far.
    pub fn of_unit(&self, metres: u32, grams: u32) -> i128 {
        let km = kilometres(metres);
        let (unit, kg) = match self.zone(metres) {
            Some(zone) => (zone.unit, zone.kg),
            None => (self.unit_km * km, self.kg + self.kg_km * km),
        };
        let of_weight = (i128::from(kg) * i128::from(grams) + 500) / 1_000;
        i128::from(self.unit + unit) + of_weight
    }

    /// A unit that loses so much less, in minor units, if it is not sold there than where it loses most.
    pub fn of_markdown(&self, less_minor: i64) -> i128 {
        i128::from(less_minor) * i128::from(self.markdown)
    }

    /// What a carrier asks for a parcel by its weight; `None`: it takes none as heavy.
    pub fn of_parcel(&self, metres: u32, weight_mg: i128) -> Option<i128> {
        let table = self.zone(metres).map_or(&self.any, |zone| &zone.own);
        let Some(last) = table.steps.last() else { return Some(0) };
        if let Some(step) = table.steps.iter().find(|step| weight_mg <= step.up_to_mg()) {
            return Some(step.price.into());
        }
        let each = i128::from(table.over_kg?);
        let begun = (weight_mg - last.up_to_mg() + KG_MG - 1) / KG_MG;
        (weight_mg <= HEAVIEST_MG).then(|| i128::from(last.price) + begun * each)
    }

    /// Whether a plan may be said to cost so much more than what is counted here: how late shipments are is
    /// not, but it is charged by whole days.
    pub fn may_be_late(&self, more: i128) -> bool {
        more == 0 || more > 0 && self.late_day > 0 && more % i128::from(self.late_day) == 0
    }

    fn zone(&self, metres: u32) -> Option<&Zone> {
        let km = kilometres(metres);
        self.zones.iter().find(|zone| zone.up_to_km.is_none_or(|reach| km <= reach))
    }
}

/// Kilometres begun.
fn kilometres(metres: u32) -> i64 {
    i64::from(metres.div_ceil(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONES: &str = "[[rule]]\nname = \"r\"\n[rule.cost]\nshipment = 9\nunit = 5\n\
        [[rule.cost.zones]]\nup_to_km = 50\nkg = 3\nover_kg = 7\n\
        steps = [{ up_to_kg = 2, price = 40 }, { up_to_kg = 31.5, price = 90 }]\n\
        [[rule.cost.zones]]\nunit = 8\n";

    #[test]
    fn a_parcel_is_priced_by_the_table_of_its_zone() {
        let tariff: Tariff = toml::from_str(ZONES).unwrap();
        let cost = tariff.rule[0].cost.clone().unwrap();
        let near = |kg: i128| cost.of_parcel(50_000, kg * KG_MG);
        assert_eq!([near(0), near(2), near(3)], [Some(40), Some(40), Some(90)]);
        assert_eq!([near(32), near(33)], [Some(97), Some(104)]);
        assert_eq!(cost.of_parcel(50_000, 31_500_001), Some(97));
        assert_eq!([near(10_000), near(10_001)], [Some(90 + 7 * 9_969), None]);
        assert_eq!(cost.of_parcel(50_001, 99 * KG_MG), Some(0));
        assert_eq!((cost.of_unit(1, 1_500), cost.of_unit(50_001, 1_500)), (5 + 5, 13));
    }
}
