//! What a wave plans an order by: which nodes may serve it, and what shipments and units count.
//!
//! Planning again must price every plan alike and exactly, so orders are left out whose rule ranks by
//! what stock there is, keeps stock back, or has a floor for the value of shipments.

use omnifold_domain::policy::{Cost, Mode, Splits};
use omnifold_domain::{NodeIx, Order, Priced, SkuIx, View, shadow_price};
use omnifold_events::v1::Verdict;

use super::compile::{Compiled, CompiledRule};
use super::facts::{Asked, service_of};
use super::filter::filter;
use super::least_cost::known;
use super::rank::Ranking;
use crate::candidates::{Asking, Candidates, is_ruled_out};
use crate::decide::{Router, Turn};
use crate::distance::UNKNOWN;

/// What a shipment counts where only shipments and metres do: more than all metres of a wave.
pub(crate) const SHIPMENT: i64 = 1_000_000_000_000;
/// What an unknown distance counts as: farther than any place.
const HALF_THE_EARTH_M: i64 = 20_015_115;

/// What an order is planned by.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    /// The rule; empty: the market's settings.
    pub rule: String,
    /// Costs count, in 1/1000 of the minor unit; else shipments, and of as many their metres.
    pub by_cost: bool,
    /// A line comes from one node.
    pub whole_lines: bool,
    /// Most nodes.
    pub max_shipments: usize,
    /// Nodes take so many orders a day.
    pub counts_capacity: bool,
    /// By node: whether it may be given units.
    pub permitted: Vec<bool>,
    /// By node: whether what it has is against the rule itself, and not only now.
    pub against_rule: Vec<bool>,
    /// By node: a shipment.
    pub shipment: Vec<i64>,
    /// What a unit costs by weight and way, and a shipment by its weight, shadow prices apart; `None`:
    /// nothing.
    pub carriage: Option<Cost>,
    /// How many days units are to last.
    pub min_shelf_days: u32,
    /// Metres by node.
    pub metres: Vec<u32>,
}

impl Model {
    /// What a unit of a SKU costs at a node.
    pub(crate) fn unit_of<V: View>(&self, view: &V, now_ms: i64, sku: SkuIx, node: usize) -> i64 {
        let at = NodeIx(node as u32);
        let Some(cost) = &self.carriage else { return 0 };
        let way = cost.of_unit(known(self.metres[node]), view.item(sku).weight_g);
        way + shadow_price(view, Priced::Stock(sku), at, now_ms)
    }

    /// In per mille, how much counts of what a unit loses if it is not sold where it is.
    pub(crate) fn markdown(&self) -> i64 {
        self.carriage.as_ref().map_or(0, |cost| cost.markdown)
    }

    /// The costs of a rule that prices shipments by steps of their weight.
    pub(crate) fn tables(&self) -> Option<&Cost> {
        self.carriage.as_ref().filter(|cost| cost.has_steps())
    }

    /// Whether a shipment of so many milligrams may leave a node.
    pub(crate) fn carries(&self, node: usize, weight_mg: i64) -> bool {
        let rates = self.carriage.as_ref().and_then(|cost| cost.rates_at(known(self.metres[node])));
        rates.is_none_or(|rates| rates.price(weight_mg).is_some())
    }

    fn of_settings(candidates: &Candidates) -> Self {
        // An order that goes nobody knows where has nothing to gain by going less far.
        let has_place = candidates.distances.iter().any(|&metres| metres != UNKNOWN);
        let way = |&metres: &u32| if has_place { far(metres) } else { 0 };
        let shipment = candidates.distances.iter().map(|metres| SHIPMENT + way(metres)).collect();
        Model { shipment, ..Model::base(candidates) }
    }

    fn base(candidates: &Candidates) -> Self {
        let verdicts = candidates.verdicts.iter();
        let is_open = |verdict: Verdict| {
            use Verdict::{KeptBack, MoreShipments, NoFreeStock, NotStocked, ShelfLife};
            matches!(verdict, KeptBack | MoreShipments | NoFreeStock | NotStocked | ShelfLife)
        };
        let is_against = |verdict: Verdict| {
            matches!(verdict, Verdict::Filtered | Verdict::OutOfRadius | Verdict::NotPermitted)
        };
        Model {
            rule: String::new(),
            by_cost: false,
            whole_lines: true,
            max_shipments: usize::MAX,
            counts_capacity: true,
            permitted: verdicts.clone().map(|&it| is_open(it) && !is_ruled_out(it)).collect(),
            against_rule: verdicts.map(|&it| is_against(it)).collect(),
            shipment: vec![SHIPMENT; candidates.verdicts.len()],
            carriage: None,
            min_shelf_days: 0,
            metres: candidates.distances.clone(),
        }
    }
}

fn far(metres: u32) -> i64 {
    if metres == UNKNOWN { HALF_THE_EARTH_M } else { i64::from(metres) }
}

impl Router {
    /// What the order is planned by: the first rule that takes it and that its present plan keeps to
    /// (`fits`), or the settings where none takes it. `None`: it cannot be planned again exactly.
    pub(crate) fn wave_model<V: View>(
        &mut self,
        view: &mut V,
        turn: Turn,
        order: &Order,
        fits: impl Fn(&Model) -> bool,
    ) -> Option<Model> {
        let settings = view.settings().expect("a market with orders has settings");
        let policy = settings.policy.as_deref().filter(|policy| policy.rules_at(turn.now_ms));
        if let Some(policy) = policy {
            let compiled = self.compiled(view, policy);
            let found = self.by_rules(&compiled, view, turn, order, &fits);
            self.desk.compiled = Some(compiled);
            if let Some(found) = found {
                return found;
            }
        }
        self.candidates.gather(view, order, turn.now_ms, &mut self.distances);
        Some(Model::of_settings(&self.candidates)).filter(fits)
    }

    /// `None`: no rule takes it.
    fn by_rules<V: View>(
        &mut self,
        compiled: &Compiled,
        view: &mut V,
        turn: Turn,
        order: &Order,
        fits: &impl Fn(&Model) -> bool,
    ) -> Option<Option<Model>> {
        let (service, mut is_taken) = (service_of(order), false);
        let mut found = None;
        let mut facts = std::mem::take(&mut self.desk.known);
        for rule in &compiled.rules {
            let counts_capacity = !rule.rule.nodes.ignore_capacity;
            let asking = Asking { now_ms: turn.now_ms, counts_capacity };
            self.candidates.gather_within(view, order, asking, &mut self.distances);
            let (groups, now_ms) = (compiled.groups.as_slice(), turn.now_ms);
            facts.gather_for_wave(view, order, now_ms, &self.candidates, rule);
            let known = &facts;
            let asked = Asked { view: &*view, order, service: &service, groups, now_ms, known };
            if !self.takes(rule, asked) {
                continue;
            }
            is_taken = true;
            if !is_exact(rule) {
                break;
            }
            filter(&mut self.candidates, rule, asked);
            let model = self.by_rule(rule, asked);
            if fits(&model) {
                found = Some(model);
                break;
            }
        }
        self.desk.known = facts;
        is_taken.then_some(found)
    }

    fn by_rule<V: View>(&self, rule: &CompiledRule, asked: Asked<'_, V>) -> Model {
        let candidates = &self.candidates;
        let mut model = Model::base(candidates);
        Ranking(asked).refuse(candidates, rule, &mut model.permitted);
        let split = &rule.rule.split;
        model.max_shipments = match (split.allow, split.max_shipments) {
            (Splits::None, _) => 1,
            (_, 0) => usize::MAX,
            (_, most) => most as usize,
        };
        model.rule.clone_from(&rule.rule.name);
        model.min_shelf_days = rule.rule.nodes.min_shelf_days;
        model.counts_capacity = !rule.rule.nodes.ignore_capacity;
        if let Some(cost) = rule.charged() {
            let price = |node| {
                shadow_price(asked.view, Priced::Capacity, NodeIx(node as u32), asked.now_ms)
            };
            let late = |node| cost.late_day * asked.known.late_days(node);
            let nodes = rule.shipment.iter().enumerate();
            model.by_cost = true;
            model.whole_lines = split.allow != Splits::Quantity;
            model.shipment = nodes.map(|(node, cost)| cost + late(node) + price(node)).collect();
            model.carriage = Some(cost.clone());
        }
        model
    }
}

/// Whether plans by the rule can be compared while stock changes hands.
fn is_exact(rule: &CompiledRule) -> bool {
    let nodes = &rule.rule.nodes;
    rule.rule.mode != Mode::PriorityFill
        && rule.rule.split.min_shipment_value == 0
        && rule.rule.split.merge_at.is_none()
        && (nodes.leave_units, nodes.leave_percent, nodes.leave_weeks) == (0, 0, 0)
        && rule.node_when.is_none()
}
