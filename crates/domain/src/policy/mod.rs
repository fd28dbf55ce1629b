//! A routing policy: which nodes may serve which orders, who comes first, how an order may be split,
//! and what becomes of what nobody serves. A declarative document in TOML; docs/POLICIES.md explains
//! every key.
//!
//! The document is read and checked when PolicyActivated is folded ([`Policy::read`]), so what is in
//! force has no fault. The row keeps its canonical form: the same rules have the same hash, whatever
//! the comments and the order of keys.

mod area;
mod case;
mod check;
pub mod expression;
mod rates;
mod read;
mod tariff;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use area::{Area, plain_postcode};
pub use case::{
    Case, CaseFault, CaseLine, CaseLot, CaseNode, CaseOrder, CaseStatus, Expected, Shelf,
};
pub use rates::{Kilograms, Rates, Step};
pub use read::PolicyFault;
pub use tariff::{Parcel, Tariff};
/// A value with its place in the document.
pub use toml::Spanned;

/// A policy as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The operator's name for it.
    pub name: String,
    /// Grows with every change of the policy of this name.
    pub version: u32,
    /// Only an active one can be activated.
    #[serde(default)]
    pub state: Lifecycle,
    /// RFC 3339: before, the market decides as without a policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Spanned<String>>,
    /// RFC 3339: from then on, the market decides as without a policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Spanned<String>>,
    /// In which order what waits is served; ties, and what is not said, by priority, then age.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub serve_by: Vec<Spanned<ServeBy>>,
    /// Names for sets of nodes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, Vec<String>>,
    /// Where nodes serve: a country, or a country and the beginning of postcodes, `DE 10`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub areas: BTreeMap<String, Vec<Spanned<String>>>,
    /// What shipping costs, for rules that say nothing of it themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Spanned<Cost>>,
    /// One or more.
    #[serde(rename = "rule", default)]
    pub rules: Vec<Spanned<Rule>>,
    /// Examples that `omnifold policy check` tries; no part of what is activated.
    #[serde(rename = "case", default, skip_serializing)]
    pub cases: Vec<Spanned<Case>>,
}

/// Where a policy stands in its own life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifecycle {
    /// Being written.
    #[default]
    Draft,
    /// May be activated.
    Active,
    /// Has been replaced.
    Archived,
}

/// One rule: whom it serves, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Unique in the policy.
    pub name: String,
    /// Tried after every rule that is none, however much it says about the orders it takes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fallback: bool,
    /// Among rules as specific, the smaller is tried first.
    #[serde(default)]
    pub sequence: u32,
    /// Only orders of these channels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
    /// Only orders with these shipping methods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// Only orders of these sellers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sellers: Vec<String>,
    /// Only orders of these types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order_types: Vec<String>,
    /// Only orders of customers of these segments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<String>,
    /// Only orders for which this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Spanned<String>>,
    /// Whether an order is routed when it comes or with the next wave.
    #[serde(default, skip_serializing_if = "is_default")]
    pub schedule: Schedule,
    /// An order that is wanted on a day is not routed before so many days before it. 0: at any time.
    #[serde(default, skip_serializing_if = "is_default")]
    pub days_ahead: u32,
    /// How nodes are combined.
    #[serde(default)]
    pub mode: Mode,
    /// Which nodes may serve.
    #[serde(default)]
    pub nodes: NodeFilter,
    /// Who comes first: each ranker breaks the ties of those before it (rule R4).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rank: Vec<Spanned<Ranker>>,
    /// First among nodes that all rankers hold equal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_node: Option<String>,
    /// How an order may be split.
    #[serde(default)]
    pub split: Split,
    /// What shipping costs, for `least_cost` and the ranker `landed_cost`; else [`Policy::cost`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// What becomes of an order that is not served whole.
    #[serde(default)]
    pub outcome: Outcome,
}

/// What orders that wait are put in order by; one that has none of it comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServeBy {
    /// The end of the window in which its customer wants it, else of the day: soonest first.
    Wanted,
    /// The last day that its customer was promised: soonest first.
    Promise,
    /// When a partner must have dispatched what it holds of it (rule T4): soonest first.
    DispatchBy,
    /// The order's priority: highest first.
    Priority,
    /// When it was placed: oldest first.
    Age,
}

/// When an order is routed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// When it comes.
    #[default]
    AtOnce,
    /// When a wave is closed.
    Wave,
}

/// How nodes are combined to serve an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Fewest nodes, then fewest split lines, then the best ranks (rule R2).
    #[default]
    FewestShipments,
    /// Nodes in rank order, each as much as it has, line by line (rule R3).
    PriorityFill,
    /// The least of what [`Cost`] says.
    LeastCost,
}

/// Which nodes may serve. What is not given does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeFilter {
    /// In one of these groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Spanned<String>>,
    /// In none of these groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_groups: Vec<Spanned<String>>,
    /// Of one of these kinds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<Kind>,
    /// In one of these countries, ISO 3166-1 alpha-2.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<String>,
    /// No farther from the destination; a node or destination without a place is too far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub radius_km: Option<u32>,
    /// The order goes to one of the node's `[areas]`; a node without any serves nowhere.
    #[serde(skip_serializing_if = "is_default")]
    pub in_area: bool,
    /// This holds for the node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<Spanned<String>>,
    /// It begins the order on the day it comes, where the node is: by its calendar and cut-off.
    #[serde(skip_serializing_if = "is_default")]
    pub begins_today: bool,
    /// It begins the order within so many hours, by its calendar and cut-off; 0: at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begins_within_hours: Option<u32>,
    /// Not for so many minutes after it rejected an order, whichever; 0: at once again.
    #[serde(skip_serializing_if = "is_default")]
    pub cool_down_minutes: u32,
    /// Its score is at least this, in per mille; a node that has none passes. 0: whatever it is.
    #[serde(skip_serializing_if = "is_default")]
    pub min_score: u32,
    /// Only units count whose lot may still be sold so many days after the node is done with them.
    #[serde(skip_serializing_if = "is_default")]
    pub min_shelf_days: u32,
    /// A node may take more orders a day than its capacity (rule R8).
    #[serde(skip_serializing_if = "is_default")]
    pub ignore_capacity: bool,
    /// Whole units of each SKU that these orders leave at the node, beside its own buffer.
    #[serde(skip_serializing_if = "is_default")]
    pub leave_units: u32,
    /// The same as a share of what is free, in per cent.
    #[serde(skip_serializing_if = "is_default")]
    pub leave_percent: u32,
    /// The same as weeks of the SKU's sales at the node, as SalesRateSet tells them.
    #[serde(skip_serializing_if = "is_default")]
    pub leave_weeks: u32,
}

/// `NodeDefined.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A warehouse.
    Warehouse,
    /// A store.
    Store,
    /// A 3PL or dropship partner.
    Partner,
    /// A supplier.
    Supplier,
}

impl Kind {
    /// The kind as the event says it.
    pub fn number(self) -> omnifold_events::v1::NodeKind {
        use omnifold_events::v1::NodeKind;
        match self {
            Kind::Warehouse => NodeKind::Warehouse,
            Kind::Store => NodeKind::Store,
            Kind::Partner => NodeKind::Partner,
            Kind::Supplier => NodeKind::Supplier,
        }
    }
}

/// Gives each node a number, lower is better, or abstains (rule R4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranker {
    /// What it looks at.
    pub by: By,
    /// Numbers within the same band of this width are equal; 0: no bands.
    #[serde(default, skip_serializing_if = "is_default")]
    pub band: u32,
    /// For `distance`: metres to a unit, to the nearest one. Default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_m: Option<u32>,
    /// For `table`: the number of each node; the others abstain. For `quota`: each node's share of
    /// the orders.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub table: BTreeMap<String, i32>,
    /// For `sum`: what is added up, none of it itself a sum.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<Ranker>,
    /// Of a term: what its number counts. Default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
    /// For `when`: 0 where it holds, 1 where not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Spanned<String>>,
    /// For `weeks_of_supply`: the configured weeks of rule R9. Default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weeks: Option<u32>,
    /// The number of nodes of which it would say nothing: they stay in the running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<i64>,
}

impl Ranker {
    /// Whether it, or a term of it, looks at that.
    pub fn looks_at(&self, by: By) -> bool {
        self.by == by || self.terms.iter().any(|term| term.looks_at(by))
    }
}

impl Rule {
    /// Whether some ranker looks at that.
    pub fn ranks_by(&self, by: By) -> bool {
        self.rank.iter().any(|ranker| ranker.get_ref().looks_at(by))
    }
}

impl Policy {
    /// What shipping costs by a rule: what it says itself, else what the policy says for all.
    pub fn cost_of<'a>(&'a self, rule: &'a Rule) -> Option<&'a Cost> {
        rule.cost.as_ref().or_else(|| self.cost.as_ref().map(|cost| cost.get_ref()))
    }
}

/// What a ranker looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Metres from the destination; abstains where either place is unknown.
    Distance,
    /// A number for each node, written down.
    Table,
    /// Units of the order that the node does not have: fewer is better.
    Missing,
    /// Free units of the order's SKUs: more is better.
    Stock,
    /// Orders taken today, in per mille of the capacity; abstains where there is none.
    Load,
    /// Orders taken today, for each part of the node's share; abstains where it has no share.
    Quota,
    /// What a node failed of its work, in per mille; abstains where too little is known.
    Score,
    /// Weeks that the node's stock lasts: more is better; nodes of which it is not known come last
    /// (rule R9).
    WeeksOfSupply,
    /// Days until the first of its lots ends: fewer is better; abstains where no lot does.
    Expiry,
    /// What selling the units there saves of markdowns: more is better; abstains where nobody said what
    /// they lose.
    Markdown,
    /// Days until its customer has what it gets now, as it would be promised: fewer is better; abstains where
    /// it never would.
    Promise,
    /// What delivering the whole order from there would cost: less is better; abstains where nobody knows how
    /// far it is, or an item is heavier than any parcel.
    LandedCost,
    /// A predicate.
    When,
    /// A weighted sum; abstains where a term does.
    Sum,
}

/// How an order may be split.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Split {
    /// What may be parted.
    #[serde(skip_serializing_if = "is_default")]
    pub allow: Splits,
    /// Most nodes that ship; 0: any number.
    #[serde(skip_serializing_if = "is_default")]
    pub max_shipments: u32,
    /// Least value of each shipment and of the remainder, in minor units, where there is more than
    /// one complete shipment (rule R7).
    #[serde(skip_serializing_if = "is_default")]
    pub min_shipment_value: i64,
    /// The node where the parts of a split order become one parcel: the others send there what they
    /// ship.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge_at: Option<String>,
}

/// What may be parted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Splits {
    /// Lines, and the units of a line.
    #[default]
    Quantity,
    /// Lines; a line comes from one node.
    Line,
    /// Nothing: one node serves the order.
    None,
}

/// What shipping costs, in 1/1000 of the minor unit of the market's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// A shipment.
    pub shipment: i64,
    /// A shipment from a node of a group, instead; the first group in the alphabet counts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shipment_of: BTreeMap<String, i64>,
    /// A unit.
    #[serde(default)]
    pub unit: i64,
    /// A unit, for each kilometre begun.
    #[serde(default)]
    pub unit_km: i64,
    /// A kilogram.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kg: i64,
    /// A kilogram, for each kilometre begun.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kg_km: i64,
    /// A shipment, for each day that its customer would have it too late.
    #[serde(default, skip_serializing_if = "is_default")]
    pub late_day: i64,
    /// How much of what a unit loses if it is not sold where it is counts as a cost of serving it from
    /// elsewhere, in per mille.
    #[serde(default, skip_serializing_if = "is_default")]
    pub markdown: i64,
    /// By distance, instead of `unit_km` and `kg_km`: the first that reaches far enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<Spanned<Zone>>,
    /// A shipment by its weight, where there are no zones: the first step that is heavy enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Spanned<Step>>,
    /// A shipment, for each kilogram begun beyond the last step; without it, no node ships more at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_kg: Option<i64>,
}

/// One row of a table of rates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// As far as this; without it, any distance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to_km: Option<u32>,
    /// A unit; a zone without steps says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<i64>,
    /// A kilogram.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kg: i64,
    /// A shipment by its weight, as [`Cost::steps`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Spanned<Step>>,
    /// As [`Cost::over_kg`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_kg: Option<i64>,
}

impl Zone {
    fn rates(&self) -> Rates<'_> {
        Rates { steps: &self.steps, over_kg: self.over_kg }
    }
}

/// What becomes of an order that this rule does not serve whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Outcome {
    /// Where a part can be served and the order allows it.
    #[serde(skip_serializing_if = "is_default")]
    pub partial: Partial,
    /// Where no rule serves the order, and this was the last one tried: what becomes of the units.
    #[serde(skip_serializing_if = "is_default")]
    pub none: Unserved,
    /// What waits is cancelled after so many hours; 0: when the market says.
    #[serde(skip_serializing_if = "is_default")]
    pub cancel_after_hours: u32,
    /// Whether units may be promised without stock, after all stock is used (rule R6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backorder: Option<bool>,
}

/// What becomes of a part that can be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Partial {
    /// It is assigned.
    #[default]
    Assign,
    /// The next rule is tried.
    Next,
}

/// What becomes of units that nobody serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unserved {
    /// As the market's settings say.
    #[default]
    AsMarket,
    /// They wait for stock.
    Wait,
    /// The order is refused, or those units cancelled.
    Refuse,
    /// They are put on hold until somebody releases them.
    Hold,
    /// They wait, and what nodes have of them that the rule does not take is suggested to be moved to
    /// one that it takes.
    Transfer,
}

/// The policy in force, as the settings keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivePolicy {
    /// The policy's name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// xxh3-128 of the document, 32 hexadecimal digits.
    pub hash: String,
    /// The canonical document.
    pub document: String,
    /// Not before this instant, milliseconds since the Unix epoch.
    pub valid_from: i64,
    /// Before this instant.
    pub valid_until: i64,
    /// Whether it asks which country and postcode area an order goes to: only then orders keep them.
    pub asks_place: bool,
    /// In which order what waits is served.
    pub serve_by: Vec<ServeBy>,
    /// Whether some rule has orders wait for a wave, or for the days before the one they are wanted on.
    pub has_waves: bool,
}

impl ActivePolicy {
    /// Whether it rules at that time.
    pub fn rules_at(&self, now_ms: i64) -> bool {
        (self.valid_from..self.valid_until).contains(&now_ms)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests;
