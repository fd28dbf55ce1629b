//! The modelled part: what nodes do with the work they are given.
//!
//! Where a node had an order in reality it does with it what it did then, as long after it was
//! told. Other work it ships whole, after its median time from told to shipped, or the market's
//! where it never shipped anything. Nodes accept at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use omnifold_events::jsonl::FileEvent;
use omnifold_events::v1::fulfilment_target::Target;
use omnifold_events::{Event, v1};

use crate::output::Output;

/// What a node did with an order, and how long after it was told, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Shipped(i64),
    Rejected(i64, i32),
}

/// What is learned of nodes from what happened.
#[derive(Debug, Clone, Default)]
pub struct Learned {
    /// Work told, by order: fulfilment id, node and time.
    told: HashMap<String, Vec<(String, String, i64)>>,
    deeds: HashMap<(String, String), Deed>,
    delays: BTreeMap<String, Vec<i64>>,
}

/// Where a market never shipped anything.
const DAY_MS: i64 = 86_400_000;

impl Learned {
    /// Takes an assignment as it was published, at a time.
    pub fn told(&mut self, assigned: &v1::FulfilmentAssigned, at_ms: i64) {
        let work = (fulfilment_id(assigned), assigned.node_id.clone(), at_ms);
        self.told.entry(order_of(assigned)).or_default().push(work);
    }

    /// Takes what a node said, at a time. Only its first word on an order counts. What names no
    /// node was said by every node that had the order.
    pub fn heard(&mut self, event: &Event, at_ms: i64) {
        let Some((about, rejected)) = word_of(event) else { return };
        let order = match &about {
            Target::FulfilmentId(id) => {
                id.rsplit_once('/').map_or("", |(order, _)| order).to_owned()
            }
            Target::AnyNode(any) => format!("{}/{}", any.channel, any.order_id),
        };
        for (id, node, told_ms) in self.told.get(&order).into_iter().flatten() {
            if matches!(&about, Target::FulfilmentId(named) if named != id) {
                continue;
            }
            let after = (at_ms - told_ms).max(0);
            let deed =
                rejected.map_or(Deed::Shipped(after), |reason| Deed::Rejected(after, reason));
            let key = (order.clone(), node.clone());
            if self.deeds.contains_key(&key) {
                continue;
            }
            if rejected.is_none() {
                self.delays.entry(node.clone()).or_default().push(after);
            }
            self.deeds.insert(key, deed);
        }
    }

    /// Nodes that do the like again.
    pub fn nodes(&self) -> Nodes {
        let medians = self.delays.iter().map(|(node, delays)| (node.clone(), median(delays)));
        let all: Vec<i64> = self.delays.values().flatten().copied().collect();
        Nodes {
            deeds: self.deeds.clone(),
            medians: medians.collect(),
            median: if all.is_empty() { DAY_MS } else { median(&all) },
            due: BTreeMap::new(),
            gone: BTreeSet::new(),
            said: 0,
            as_recorded: 0,
            modelled: 0,
        }
    }
}

fn median(delays: &[i64]) -> i64 {
    let mut sorted = delays.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

/// The nodes of a replay.
#[derive(Debug, Clone)]
pub struct Nodes {
    deeds: HashMap<(String, String), Deed>,
    medians: BTreeMap<String, i64>,
    median: i64,
    /// By time and number.
    due: BTreeMap<(i64, u64), (String, Deed)>,
    /// Fulfilments that were taken back whole.
    gone: BTreeSet<String>,
    said: u64,
    as_recorded: u64,
    modelled: u64,
}

impl Nodes {
    /// Takes what the engine tells nodes, at its clock.
    pub fn hear(&mut self, output: &Output, now_ms: i64) {
        match output {
            Output::Assigned(assigned) => self.take_on(assigned, now_ms),
            Output::Released(released) => {
                let order = (&released.channel, &released.order_id);
                self.gone.insert(format!("{}/{}/f{}", order.0, order.1, released.fulfilment));
            }
            // Units are left: it is still to be shipped.
            Output::Changed(changed) if !changed.lines.is_empty() => {
                let order = (&changed.channel, &changed.order_id);
                self.gone.remove(&format!("{}/{}/f{}", order.0, order.1, changed.fulfilment));
            }
            _ => {}
        }
    }

    fn take_on(&mut self, assigned: &v1::FulfilmentAssigned, now_ms: i64) {
        let known = self.deeds.get(&(order_of(assigned), assigned.node_id.clone())).copied();
        match known {
            Some(_) => self.as_recorded += 1,
            None => self.modelled += 1,
        }
        let delay = self.medians.get(&assigned.node_id).copied().unwrap_or(self.median);
        let deed = known.unwrap_or(Deed::Shipped(delay));
        let after = match deed {
            Deed::Shipped(after) | Deed::Rejected(after, _) => after,
        };
        self.said += 1;
        self.due.insert((now_ms + after, self.said), (fulfilment_id(assigned), deed));
    }

    /// When the next of them says something.
    pub fn next_due(&self) -> Option<i64> {
        self.due.first_key_value().map(|(key, _)| key.0)
    }

    /// What they say before an instant, not earlier than the clock.
    pub fn due_before(&mut self, end_ms: i64, now_ms: i64) -> Vec<FileEvent> {
        let later = self.due.split_off(&(end_ms, 0));
        let due = std::mem::replace(&mut self.due, later);
        let mut events = Vec::new();
        for ((at_ms, number), (id, deed)) in due {
            if self.gone.contains(&id) {
                continue;
            }
            let target = Some(v1::FulfilmentTarget { target: Some(Target::FulfilmentId(id)) });
            let event: Event = match deed {
                Deed::Shipped(_) => v1::FulfilmentShipped { target, ..Default::default() }.into(),
                Deed::Rejected(_, reason) => {
                    v1::FulfilmentRejected { target, reason, ..Default::default() }.into()
                }
            };
            let (id, source) = (format!("node-{number}"), "what-if".to_owned());
            events.push(FileEvent { id, source, time_ms: Some(at_ms.max(now_ms)), event });
        }
        events
    }

    /// Fulfilments that went as recorded, and those that were modelled.
    pub fn counts(&self) -> (u64, u64) {
        (self.as_recorded, self.modelled)
    }
}

fn order_of(assigned: &v1::FulfilmentAssigned) -> String {
    format!("{}/{}", assigned.channel, assigned.order_id)
}

fn fulfilment_id(assigned: &v1::FulfilmentAssigned) -> String {
    format!("{}/{}/f{}", assigned.channel, assigned.order_id, assigned.fulfilment)
}

/// What an event is about, and the reason where the node turned it down.
fn word_of(event: &Event) -> Option<(Target, Option<i32>)> {
    let of = |target: &Option<v1::FulfilmentTarget>| target.as_ref()?.target.clone();
    match event {
        Event::FulfilmentRejected(rejected) => Some((of(&rejected.target)?, Some(rejected.reason))),
        Event::FulfilmentShortPicked(short) => Some((of(&short.target)?, Some(short.reason))),
        Event::FulfilmentShipped(shipped) => Some((of(&shipped.target)?, None)),
        Event::FulfilmentHandedOver(handed) => {
            Some((Target::FulfilmentId(handed.fulfilment_id.clone()), None))
        }
        _ => None,
    }
}
