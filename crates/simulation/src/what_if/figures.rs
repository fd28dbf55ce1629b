//! What came of the demand of a window, read from the topics: `assignments`, and what nodes turned down.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use omnifold_events::Event;
use omnifold_events::v1::fulfilment_target::Target;
use omnifold_events::v1::{self, OutcomeStatus};
use serde::Serialize;

use crate::output::Output;

/// What is counted, of orders placed within the window.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Orders with an outcome.
    pub orders: u64,
    /// Wholly promised by the first decision.
    pub filled_at_once: u64,
    /// In part.
    pub filled_in_part: u64,
    /// Not at all, and waiting.
    pub waiting_at_first: u64,
    /// Refused by the first decision.
    pub refused: u64,
    /// Units asked for.
    pub units: f64,
    /// Units that a node has, or has shipped, at the end.
    pub units_assigned: f64,
    /// Of the units asked for, in per cent.
    pub fill_rate_percent: f64,
    /// Times that a SKU was short for an order.
    pub stock_outs: u64,
    /// SKUs that were short for some order.
    pub skus_short: u64,
    /// Orders at more than one node at the end.
    pub split: u64,
    /// Fulfilments with units at the end: parcels, at the least.
    pub fulfilments: u64,
    /// Kilometres from node to customer, over fulfilments at the end, where they are known.
    pub mean_distance_km: f64,
    /// Units and fulfilments of each node at the end.
    pub load: BTreeMap<String, Load>,
}

/// What a node has to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Load {
    /// Fulfilments.
    pub fulfilments: u64,
    /// Units.
    pub units: f64,
}

/// Follows the decisions on each order.
#[derive(Debug, Clone, Default)]
pub struct Account {
    orders: HashMap<String, Standing>,
}

#[derive(Debug, Clone, Default)]
struct Standing {
    ordered: i64,
    first: Option<OutcomeStatus>,
    short: BTreeSet<String>,
    /// By number of the fulfilment.
    parts: BTreeMap<u32, Part>,
}

#[derive(Debug, Clone, Default)]
struct Part {
    node: String,
    metres: u32,
    /// Units by line.
    lines: BTreeMap<String, i64>,
}

impl Part {
    fn units(&self) -> i64 {
        self.lines.values().sum()
    }

    /// Takes units away: all of a line where no quantity is said.
    fn lose<'a>(&mut self, lost: impl IntoIterator<Item = (&'a str, i64)>) {
        for (line, units) in lost {
            if let Some(left) = self.lines.get_mut(line) {
                *left = if units == 0 { 0 } else { (*left - units).max(0) };
            }
        }
    }
}

const MILLI: f64 = 1_000.0;

impl Account {
    /// Says that an order is counted: placed within the window.
    pub fn placed(&mut self, order: &v1::OrderPlaced) {
        let standing = self.orders.entry(name(&order.channel, &order.order_id)).or_default();
        if standing.ordered == 0 {
            standing.ordered = order.lines.iter().map(|line| line.quantity_milli).sum();
        }
    }

    /// Takes a decision.
    pub fn hear(&mut self, output: &Output) {
        match output {
            Output::Outcome(outcome) => self.outcome(outcome),
            Output::Assigned(assigned) => {
                assigned.outcome.iter().for_each(|outcome| self.outcome(outcome));
                let lines = by_line(&assigned.lines);
                let part =
                    Part { node: assigned.node_id.clone(), metres: assigned.distance_m, lines };
                self.change(&assigned.channel, &assigned.order_id, |standing| {
                    standing.parts.insert(assigned.fulfilment, part);
                });
            }
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

    /// Takes what a node said: what it turns down, or cannot find, it does not have any more. The
    /// engine tells nobody of that but the node that gets it next.
    pub fn said(&mut self, event: &Event) {
        let (target, short) = match event {
            Event::FulfilmentRejected(rejected) => (&rejected.target, None),
            Event::FulfilmentShortPicked(short) => (&short.target, Some(&short.lines)),
            _ => return,
        };
        let Some(Target::FulfilmentId(id)) =
            target.as_ref().and_then(|target| target.target.as_ref())
        else {
            return;
        };
        let named = id
            .rsplit_once("/f")
            .and_then(|(order, number)| Some((self.orders.get_mut(order)?, number.parse().ok()?)));
        let Some((standing, number)) = named else { return };
        let Some(part) = standing.parts.get_mut(&number) else { return };
        match short {
            None => part.lines.clear(),
            Some(lines) => {
                part.lose(lines.iter().map(|line| (line.line_id.as_str(), line.quantity_milli)));
            }
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
            standing.short.extend(outcome.shortages.iter().map(|short| short.sku.clone()));
        });
    }

    /// What it all comes to.
    pub fn figures(&self) -> Figures {
        let mut figures = Figures::default();
        let (mut metres, mut measured) = (0u64, 0u64);
        let mut short = BTreeSet::new();
        for standing in self.orders.values().filter(|standing| standing.first.is_some()) {
            figures.orders += 1;
            match standing.first {
                Some(OutcomeStatus::Assigned) => figures.filled_at_once += 1,
                Some(OutcomeStatus::PartlyAssigned) => figures.filled_in_part += 1,
                Some(OutcomeStatus::Waiting) => figures.waiting_at_first += 1,
                _ => figures.refused += 1,
            }
            figures.units += standing.ordered as f64 / MILLI;
            figures.stock_outs += standing.short.len() as u64;
            short.extend(&standing.short);
            figures.split += u64::from(standing.nodes().len() > 1);
            for part in standing.parts.values().filter(|part| part.units() > 0) {
                let units = part.units() as f64 / MILLI;
                figures.fulfilments += 1;
                figures.units_assigned += units;
                metres += u64::from(part.metres);
                measured += u64::from(part.metres > 0);
                let load = figures.load.entry(part.node.clone()).or_default();
                load.fulfilments += 1;
                load.units += units;
            }
        }
        figures.skus_short = short.len() as u64;
        figures.mean_distance_km = metres as f64 / measured.max(1) as f64 / MILLI;
        figures.fill_rate_percent = 100.0 * figures.units_assigned / figures.units.max(1e-9);
        figures
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
    fn nodes(&self) -> BTreeMap<&str, i64> {
        let mut nodes = BTreeMap::new();
        for part in self.parts.values().filter(|part| part.units() > 0) {
            *nodes.entry(part.node.as_str()).or_default() += part.units();
        }
        nodes
    }
}

fn by_line(lines: &[v1::AssignedLine]) -> BTreeMap<String, i64> {
    lines.iter().map(|line| (line.line_id.clone(), line.quantity_milli)).collect()
}

fn name(channel: &str, order_id: &str) -> String {
    format!("{channel}/{order_id}")
}
