//! The modelled part: what nodes do with the work they are given, and when it is delivered.
//!
//! Where a node had an order in reality it does with it what it did then, as long after it was
//! told. Other work it ships whole, after its median time from told to shipped, or the market's
//! where it never shipped anything. Nodes accept at once. What was shipped is delivered after as long
//! as it was under way in reality, or as long as others from there take that far ([`super::transit`]).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use omnifold_events::jsonl::FileEvent;
use omnifold_events::v1::fulfilment_target::Target;
use omnifold_events::{Event, v1};

use super::couriers::Couriers;
use super::transit::{Sender, Transit, Way, middle};
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
    /// By order.
    told: HashMap<String, Vec<Work>>,
    deeds: HashMap<Sender, Deed>,
    delays: BTreeMap<String, Vec<i64>>,
    couriers: Couriers,
    ways: BTreeMap<Sender, Way>,
}

/// What a node was told to do.
#[derive(Debug, Clone)]
struct Work {
    id: String,
    node: String,
    metres: u32,
    told_ms: i64,
    /// When the last of it left.
    left_ms: Option<i64>,
}

/// Where a market never shipped anything.
const DAY_MS: i64 = 86_400_000;

impl Learned {
    /// Nothing yet. `couriers` know the codes of carriers.
    pub fn new(couriers: Couriers) -> Self {
        Learned { couriers, ..Learned::default() }
    }

    /// Takes an assignment as it was published, at a time.
    pub fn told(&mut self, assigned: &v1::FulfilmentAssigned, at_ms: i64) {
        let work = Work {
            id: fulfilment_id(assigned),
            node: assigned.node_id.clone(),
            metres: assigned.distance_m,
            told_ms: at_ms,
            left_ms: None,
        };
        self.told.entry(order_of(assigned)).or_default().push(work);
    }

    /// Takes what a node or a courier said, at a time. What names no node was said by every node that
    /// had the order.
    pub fn heard(&mut self, event: &Event, at_ms: i64) {
        if let Some((about, rejected)) = word_of(event) {
            self.answered(&about, rejected, at_ms);
        }
        let (arrived, arrived_ms) = self.couriers.delivered(event, at_ms);
        arrived.iter().for_each(|about| self.delivered(about, arrived_ms));
    }

    /// Only a node's first word on an order counts.
    fn answered(&mut self, about: &Target, rejected: Option<i32>, at_ms: i64) {
        let order = order_named(about);
        for work in self.told.get_mut(&order).into_iter().flatten() {
            if !is_about(about, work) {
                continue;
            }
            if rejected.is_none() {
                work.left_ms = Some(at_ms);
            }
            let after = (at_ms - work.told_ms).max(0);
            let deed =
                rejected.map_or(Deed::Shipped(after), |reason| Deed::Rejected(after, reason));
            let key = (order.clone(), work.node.clone());
            if self.deeds.contains_key(&key) {
                continue;
            }
            if rejected.is_none() {
                self.delays.entry(work.node.clone()).or_default().push(after);
            }
            self.deeds.insert(key, deed);
        }
    }

    /// Of what was delivered in pieces, or not from where it first left, the last counts.
    fn delivered(&mut self, about: &Target, at_ms: i64) {
        let order = order_named(about);
        for work in self.told.get(&order).into_iter().flatten() {
            let Some(left_ms) = work.left_ms.filter(|_| is_about(about, work)) else { continue };
            let way = Way { metres: work.metres, took_ms: (at_ms - left_ms).max(0) };
            self.ways.insert((order.clone(), work.node.clone()), way);
        }
    }

    /// Nodes that do the like again.
    pub fn nodes(&self) -> Nodes {
        let median = |delays: &[i64]| middle(&mut delays.to_vec());
        let medians = self.delays.iter().map(|(node, delays)| (node.clone(), median(delays)));
        let all: Vec<i64> = self.delays.values().flatten().copied().collect();
        Nodes {
            deeds: self.deeds.clone(),
            medians: medians.collect(),
            median: if all.is_empty() { DAY_MS } else { median(&all) },
            transit: Transit::learn(self.ways.clone()),
            due: BTreeMap::new(),
            gone: BTreeSet::new(),
            said: 0,
            as_recorded: 0,
            modelled: 0,
        }
    }
}

/// What is said of a fulfilment next.
#[derive(Debug, Clone)]
struct Due {
    id: String,
    word: Word,
}

#[derive(Debug, Clone, Copy)]
enum Word {
    /// It has left. With what it takes from there.
    Shipped(Option<i64>),
    Rejected(i32),
    Delivered,
}

/// The nodes and couriers of a replay.
#[derive(Debug, Clone)]
pub struct Nodes {
    deeds: HashMap<(String, String), Deed>,
    medians: BTreeMap<String, i64>,
    median: i64,
    transit: Transit,
    /// By time and number.
    due: BTreeMap<(i64, u64), Due>,
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
        let sender = (order_of(assigned), assigned.node_id.clone());
        let known = self.deeds.get(&sender).copied();
        match known {
            Some(_) => self.as_recorded += 1,
            None => self.modelled += 1,
        }
        let delay = self.medians.get(&assigned.node_id).copied().unwrap_or(self.median);
        let (after, word) = match known.unwrap_or(Deed::Shipped(delay)) {
            Deed::Rejected(after, reason) => (after, Word::Rejected(reason)),
            Deed::Shipped(after) => {
                let goes_to_customer = assigned.send_to_node_id.is_empty();
                let took = self.transit.of(&sender, assigned.distance_m);
                (after, Word::Shipped(took.filter(|_| goes_to_customer)))
            }
        };
        self.say(now_ms + after, Due { id: fulfilment_id(assigned), word });
    }

    fn say(&mut self, at_ms: i64, due: Due) {
        self.said += 1;
        self.due.insert((at_ms, self.said), due);
    }

    /// When the next of them says something.
    pub fn next_due(&self) -> Option<i64> {
        self.due.first_key_value().map(|(key, _)| key.0)
    }

    /// What they say before an instant, not earlier than the clock.
    pub fn due_before(&mut self, end_ms: i64, now_ms: i64) -> Vec<FileEvent> {
        let mut events = Vec::new();
        while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 < end_ms) {
            let ((at_ms, number), due) = entry.remove_entry();
            if !self.gone.contains(&due.id) {
                let at_ms = at_ms.max(now_ms);
                events.push(event_of(&due, number, at_ms));
                self.follow(due, at_ms);
            }
        }
        events
    }

    /// What was shipped is delivered.
    fn follow(&mut self, said: Due, at_ms: i64) {
        if let Word::Shipped(Some(took_ms)) = said.word {
            self.say(at_ms.saturating_add(took_ms), Due { word: Word::Delivered, ..said });
        }
    }

    /// Fulfilments that went as recorded, and those that were modelled.
    pub fn counts(&self) -> (u64, u64) {
        (self.as_recorded, self.modelled)
    }
}

fn event_of(due: &Due, number: u64, at_ms: i64) -> FileEvent {
    let target = Some(Target::FulfilmentId(due.id.clone()));
    let target = Some(v1::FulfilmentTarget { target });
    let event: Event = match due.word {
        Word::Shipped(_) => v1::FulfilmentShipped { target, ..Default::default() }.into(),
        Word::Delivered => v1::FulfilmentDelivered { target, ..Default::default() }.into(),
        Word::Rejected(reason) => {
            v1::FulfilmentRejected { target, reason, ..Default::default() }.into()
        }
    };
    let (id, source) = (format!("node-{number}"), "what-if".to_owned());
    FileEvent { id, source, time_ms: Some(at_ms), event }
}

fn order_named(about: &Target) -> String {
    match about {
        Target::FulfilmentId(id) => id.rsplit_once('/').map_or("", |(order, _)| order).to_owned(),
        Target::AnyNode(any) => format!("{}/{}", any.channel, any.order_id),
    }
}

fn is_about(about: &Target, work: &Work) -> bool {
    !matches!(about, Target::FulfilmentId(named) if *named != work.id)
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
