//! What became of each order, read from the topics: `assignments`, and what nodes and couriers said.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use omnifold_events::Event;
use omnifold_events::v1::fulfilment_target::Target;
use omnifold_events::v1::{self, OutcomeStatus};

use super::couriers::Couriers;
use super::days::Days;
use crate::output::Output;

/// Follows the decisions on each order.
#[derive(Debug, Clone, Default)]
pub struct Account {
    couriers: Couriers,
    pub(super) days: Days,
    pub(super) orders: HashMap<String, Standing>,
    /// The latest time heard of, milliseconds since the Unix epoch.
    pub(super) latest_ms: i64,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    pub ordered: i64,
    pub placed_ms: i64,
    /// The rate that its parcels are priced by.
    pub rate: Option<usize>,
    pub is_place_known: bool,
    pub first: Option<OutcomeStatus>,
    pub short: BTreeSet<String>,
    /// The day that the customer wants it on.
    pub wanted_day: Option<i32>,
    /// The last day that it was promised first.
    pub promised_day: Option<i32>,
    /// By number of the fulfilment.
    pub parts: BTreeMap<u32, Part>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    pub node: String,
    pub metres: u32,
    /// Its SKU and units, by line.
    lines: BTreeMap<String, (String, i64)>,
    /// Before when all of it must have left; 0: no such limit.
    pub due_ms: i64,
    /// When its node got it.
    pub given_ms: i64,
    /// When the last of it left.
    pub left_ms: Option<i64>,
    /// When its customer got the last of it.
    pub delivered_ms: Option<i64>,
}

impl Part {
    pub fn units(&self) -> i64 {
        self.lines.values().map(|(_, units)| units).sum()
    }

    /// What is in it: SKU and units of each line.
    pub fn contents(&self) -> Vec<(&str, i64)> {
        self.lines.values().map(|(sku, units)| (sku.as_str(), *units)).collect()
    }

    /// Takes units away: all of a line where no quantity is said.
    fn lose<'a>(&mut self, lost: impl IntoIterator<Item = (&'a str, i64)>) {
        for (line, units) in lost {
            if let Some((_, left)) = self.lines.get_mut(line) {
                *left = if units == 0 { 0 } else { (*left - units).max(0) };
            }
        }
    }
}

impl Account {
    /// No orders yet. `couriers` know the codes of carriers, `days` when a day begins.
    pub fn new(couriers: Couriers, days: Days) -> Self {
        Account { couriers, days, ..Account::default() }
    }

    /// Says that an order is counted: placed within the window, at that time. `rate`: what its parcels
    /// are priced by.
    pub fn placed(&mut self, order: &v1::OrderPlaced, at_ms: i64, rate: Option<usize>) {
        let standing = self.orders.entry(name(&order.channel, &order.order_id)).or_default();
        if standing.ordered == 0 {
            let to = order.destination.as_ref();
            standing.ordered = order.lines.iter().map(|line| line.quantity_milli).sum();
            standing.is_place_known = to.is_some_and(|to| to.location.is_some());
            (standing.placed_ms, standing.rate) = (at_ms, rate);
            let wanted = order.delivery.as_ref().map(|terms| terms.requested_date.as_str());
            standing.wanted_day = wanted.and_then(Days::written);
        }
    }

    /// Takes a decision, as it was published at a time.
    pub fn hear(&mut self, output: &Output, at_ms: i64) {
        match output {
            Output::Outcome(outcome) => self.outcome(outcome),
            Output::Assigned(assigned) => self.assigned(assigned, at_ms),
            Output::Changed(changed) => {
                let lines = by_line(&changed.lines);
                self.change(&changed.channel, &changed.order_id, |standing| {
                    if let Some(part) = standing.parts.get_mut(&changed.fulfilment) {
                        part.lines = lines;
                    }
                });
            }
            Output::Released(released) => {
                let lost = released.lines.iter();
                let lost = lost.map(|line| (line.line_id.as_str(), line.quantity_milli));
                self.change(&released.channel, &released.order_id, |standing| {
                    if let Some(part) = standing.parts.get_mut(&released.fulfilment) {
                        part.lose(lost);
                    }
                });
            }
            _ => {}
        }
    }

    fn assigned(&mut self, assigned: &v1::FulfilmentAssigned, at_ms: i64) {
        assigned.outcome.iter().for_each(|outcome| self.outcome(outcome));
        let part = Part {
            node: assigned.node_id.clone(),
            metres: assigned.distance_m,
            lines: by_line(&assigned.lines),
            due_ms: assigned.dispatch_by_ms,
            given_ms: at_ms,
            left_ms: None,
            delivered_ms: None,
        };
        self.change(&assigned.channel, &assigned.order_id, |standing| {
            standing.hear_promise(assigned.promise.as_deref());
            standing.parts.insert(assigned.fulfilment, part);
        });
    }

    /// Takes what a node said, at a time: what it turns down, or cannot find, it does not have any more
    /// (the engine tells nobody of that but the node that gets it next), what has left, and what came.
    pub fn said(&mut self, event: &Event, at_ms: i64) {
        self.latest_ms = self.latest_ms.max(at_ms);
        let named = |target: &Option<v1::FulfilmentTarget>| target.as_ref()?.target.clone();
        match event {
            Event::FulfilmentRejected(rejected) => {
                self.each_part(named(&rejected.target), |part| part.lines.clear());
            }
            Event::FulfilmentShortPicked(short) => self.each_part(named(&short.target), |part| {
                let lost = short.lines.iter();
                part.lose(lost.map(|line| (line.line_id.as_str(), line.quantity_milli)));
            }),
            Event::FulfilmentShipped(shipped) => {
                self.each_part(named(&shipped.target), |part| part.left_ms = Some(at_ms));
            }
            Event::FulfilmentHandedOver(handed) => {
                let id = Target::FulfilmentId(handed.fulfilment_id.clone());
                self.each_part(Some(id), |part| part.left_ms = Some(at_ms));
            }
            _ => {}
        }
        let (arrived, arrived_ms) = self.couriers.delivered(event, at_ms);
        for target in arrived {
            self.each_part(Some(target), |part| {
                part.delivered_ms = part.delivered_ms.max(Some(arrived_ms));
            });
        }
    }

    /// The fulfilment that is named; where none is, each of the order's.
    fn each_part(&mut self, target: Option<Target>, mut change: impl FnMut(&mut Part)) {
        match target {
            Some(Target::FulfilmentId(id)) => {
                let Some((order, number)) = id.rsplit_once("/f") else { return };
                let standing = self.orders.get_mut(order);
                let parts = standing.map(|standing| &mut standing.parts);
                let number = number.parse::<u32>().ok();
                if let Some(part) = parts.zip(number).and_then(|(all, nth)| all.get_mut(&nth)) {
                    change(part);
                }
            }
            Some(Target::AnyNode(any)) => {
                let standing = self.orders.get_mut(&name(&any.channel, &any.order_id));
                standing.into_iter().flat_map(|it| it.parts.values_mut()).for_each(change);
            }
            None => {}
        }
    }

    fn change(&mut self, channel: &str, order_id: &str, change: impl FnOnce(&mut Standing)) {
        if let Some(standing) = self.orders.get_mut(&name(channel, order_id)) {
            change(standing);
        }
    }

    fn outcome(&mut self, outcome: &v1::OrderOutcome) {
        self.change(&outcome.channel, &outcome.order_id, |standing| {
            let is_routed = matches!(
                outcome.status(),
                OutcomeStatus::Assigned
                    | OutcomeStatus::PartlyAssigned
                    | OutcomeStatus::Waiting
                    | OutcomeStatus::Refused
            );
            if is_routed && standing.first.is_none() {
                standing.first = Some(outcome.status());
            }
            standing.hear_promise(outcome.promise.as_deref());
            standing.short.extend(outcome.shortages.iter().map(|short| short.sku.clone()));
        });
    }

    /// Orders that other nodes serve, or the same ones with other units.
    pub fn moved(&self, other: &Account) -> u64 {
        self.orders.keys().filter(|order| self.nodes_of(order) != other.nodes_of(order)).count()
            as u64
    }

    fn nodes_of(&self, order: &str) -> Option<BTreeMap<&str, i64>> {
        self.orders.get(order).map(Standing::nodes)
    }
}

impl Standing {
    fn hear_promise(&mut self, promise: Option<&v1::Promise>) {
        let nothing = v1::PromiseSource::Unspecified;
        let promise = promise.filter(|promise| promise.source() != nothing);
        self.promised_day = self.promised_day.or(promise.map(|promise| promise.latest_day));
    }

    /// The day by which the customer expects it: as it was asked for, else as promised first.
    pub fn due_day(&self) -> Option<i32> {
        self.wanted_day.or(self.promised_day)
    }

    /// When the customer got the last of what nodes have of it; `None` while anything is still to come.
    pub fn delivered_ms(&self) -> Option<i64> {
        let parts = self.parts.values().filter(|part| part.units() > 0);
        parts.map(|part| part.delivered_ms).try_fold(None, |last, at| Some(last.max(Some(at?))))?
    }

    /// Units that are left at each node.
    pub fn nodes(&self) -> BTreeMap<&str, i64> {
        let mut nodes = BTreeMap::new();
        for part in self.parts.values().filter(|part| part.units() > 0) {
            *nodes.entry(part.node.as_str()).or_default() += part.units();
        }
        nodes
    }
}

fn by_line(lines: &[v1::AssignedLine]) -> BTreeMap<String, (String, i64)> {
    let row = |line: &v1::AssignedLine| (line.sku.clone(), line.quantity_milli);
    lines.iter().map(|line| (line.line_id.clone(), row(line))).collect()
}

fn name(channel: &str, order_id: &str) -> String {
    format!("{channel}/{order_id}")
}
