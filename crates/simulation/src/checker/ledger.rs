//! Orders as the topics tell them: what was ordered, what was promised, shipped, taken back.
//! Quantities in 1/1000 unit.

use omnifold_events::v1;

use super::gathering::Gathering;
use super::holds::Handling;
use super::kits::KitLine;
use super::names::Names;

/// One order.
#[derive(Debug, Default)]
pub struct Order {
    /// Its lines, as placed.
    pub lines: Box<[Line]>,
    /// Its fulfilments; number N stands at place N-1.
    pub fulfilments: Vec<Fulfilment>,
    /// Units of lines in fulfilments.
    pub shares: Vec<Share>,
    /// Highest decision number seen.
    pub decision: u32,
    /// What few orders have.
    pub limits: Option<Box<Limits>>,
    /// Parcels packed and not handed over.
    pub packed: Vec<Packed>,
    /// Fulfilments, by number, whose work has begun: they are turned down no more.
    pub begun: Vec<u32>,
    /// What was said to be due, by line, minor units.
    pub repaid: Vec<(u32, i64)>,
    /// Holds and payments, which few orders have.
    pub handling: Option<Box<Handling>>,
    /// What lies somewhere for its customer, which few orders have.
    pub gathering: Option<Box<Gathering>>,
    /// Lines that are served as the parts of kits.
    pub kits: Vec<KitLine>,
    /// SKUs that the customer takes in place of a line's own: (number of the line's name, SKU).
    pub substitutes: Vec<(u32, u32)>,
}

/// One line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Line {
    /// Number of its name.
    pub line_id: u32,
    /// Number of its SKU.
    pub sku: u32,
    /// Units wanted.
    pub ordered: i64,
    /// Units taken back by the customer or refused by the engine.
    pub cancelled: i64,
    /// Units that the engine says wait.
    pub waiting: i64,
    /// Price of a unit, minor units.
    pub unit_price: i64,
    /// Tax less discount on the whole line, minor units.
    pub charges: i64,
    /// Units that the price is for, where it is not the price of one; 0: one.
    pub price_for: i64,
}

/// One node's share of an order.
#[derive(Debug, Clone, Copy)]
pub struct Fulfilment {
    /// Number of the node.
    pub node: u32,
    /// Highest `seq` seen.
    pub seq: u32,
    /// How far it goes; 0: not known.
    pub metres: u32,
}

/// Units of one line in one fulfilment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Share {
    /// Number of the fulfilment, from 1.
    pub fulfilment: u32,
    /// Place of the line.
    pub line: u32,
    /// Promised and still there.
    pub live: i64,
    /// Of those, taken from the shelf.
    pub picked: i64,
    /// Of the live ones, those that the node was asked to give up.
    pub asked: i64,
    /// Left.
    pub shipped: i64,
    /// Of those, back or given up.
    pub ended: i64,
}

/// A packed parcel.
#[derive(Debug, Clone)]
pub struct Packed {
    /// Number of the fulfilment, from 1.
    pub fulfilment: u32,
    /// Number of its id.
    pub parcel: u32,
    /// Place in [`Order::shares`], and units.
    pub contents: Box<[(u32, i64)]>,
}

/// Which nodes may serve the order.
#[derive(Debug, Default)]
pub struct Limits {
    /// Only these; empty: any.
    pub only: Vec<u32>,
    /// Turned it down.
    pub excluded: Vec<u32>,
    /// Could not find a SKU of it: (node, SKU).
    pub not_found: Vec<(u32, u32)>,
}

impl Order {
    /// The order that an event asks for. `is_supplied`: where it is collected, other nodes may send
    /// units.
    pub fn placed(event: &v1::OrderPlaced, is_supplied: bool, names: &mut Names) -> Order {
        let line = |line: &v1::OrderLine| Line {
            line_id: names.number(&line.line_id),
            sku: names.number(&line.sku),
            ordered: line.quantity_milli,
            unit_price: line.unit_price.as_ref().map_or(0, |price| price.minor),
            ..Line::default()
        };
        let mut lines: Box<[Line]> = event.lines.iter().map(line).collect();
        for charges in &event.line_charges {
            let line_id = names.number(&charges.line_id);
            let minor = |money: &Option<v1::Money>| money.as_ref().map_or(0, |money| money.minor);
            if let Some(line) = lines.iter_mut().find(|line| line.line_id == line_id) {
                line.charges = minor(&charges.tax) - minor(&charges.discount);
            }
        }
        let only: Vec<u32> = event.fulfil_from.iter().map(|node| names.number(node)).collect();
        let mut only = only;
        let mut gathering = None;
        if !event.pickup_node.is_empty() {
            let node = names.number(&event.pickup_node);
            gathering = Some(Gathering::collected_at(node, is_supplied));
            if !is_supplied {
                only.push(node);
            }
        }
        let limits = (!only.is_empty()).then(|| Box::new(Limits { only, ..Limits::default() }));
        Order { lines, limits, gathering, ..Order::default() }
    }

    /// Place of the line of that name.
    pub fn line_named(&self, line_id: u32) -> Option<usize> {
        self.lines.iter().position(|line| line.line_id == line_id)
    }

    /// Units of a line that are promised and have not left.
    pub fn live(&self, line: usize) -> i64 {
        self.shares_of(line).map(|share| share.live).sum()
    }

    /// Units of a line that nodes were asked to give up.
    pub fn asked(&self, line: usize) -> i64 {
        self.shares_of(line).map(|share| share.asked).sum()
    }

    /// A node answers for what it was asked: given up, it is cancelled; kept, it stays promised.
    pub fn answer(&mut self, fulfilment: u32, gives_up: bool) {
        for share in self.shares.iter_mut().filter(|share| share.fulfilment == fulfilment) {
            let units = std::mem::take(&mut share.asked);
            if gives_up {
                self.lines[share.line as usize].cancelled += units;
            }
        }
    }

    /// Units of a line that left.
    pub fn shipped(&self, line: usize) -> i64 {
        self.shares_of(line).map(|share| share.shipped).sum()
    }

    fn shares_of(&self, line: usize) -> impl Iterator<Item = &Share> {
        self.shares.iter().filter(move |share| share.line as usize == line)
    }

    /// Units of a line that are promised nowhere and not cancelled.
    pub fn open(&self, line: usize) -> i64 {
        let row = &self.lines[line];
        row.ordered - row.cancelled - self.live(line) - self.shipped(line)
    }

    /// The order that replaces what a return brings back.
    pub fn replacing(placed: &v1::ReplacementOrder, names: &mut Names) -> Order {
        let line = |line: &v1::AssignedLine| Line {
            line_id: names.number(&line.line_id),
            sku: names.number(&line.sku),
            ordered: line.quantity_milli,
            ..Line::default()
        };
        Order { lines: placed.lines.iter().map(line).collect(), ..Order::default() }
    }

    /// Units of a share that stand in packed parcels.
    pub fn packed_of(&self, share: usize) -> i64 {
        let contents = self.packed.iter().flat_map(|parcel| parcel.contents.iter());
        contents.filter(|(place, _)| *place as usize == share).map(|(_, units)| units).sum()
    }

    /// Whether a node said that it could not find a SKU of it.
    pub fn was_not_found(&self, node: u32, sku: u32) -> bool {
        self.limits.as_ref().is_some_and(|limits| limits.not_found.contains(&(node, sku)))
    }

    /// Whether the node may serve it; if not, why.
    pub fn forbids(&self, node: u32) -> Option<&'static str> {
        let limits = self.limits.as_ref()?;
        if limits.excluded.contains(&node) {
            return Some("the node turned this order down");
        }
        let permitted = limits.only.is_empty() || limits.only.contains(&node);
        (!permitted).then_some("the order names other nodes")
    }

    /// The node turned it down.
    pub fn exclude(&mut self, node: u32) {
        let limits = self.limits.get_or_insert_default();
        if !limits.excluded.contains(&node) {
            limits.excluded.push(node);
        }
    }

    /// Fulfilments that a node may still turn down: something is promised, no work has begun and
    /// nothing left.
    pub fn rejectable(&self, only: Option<u32>) -> Vec<u32> {
        let mut live = self.live_fulfilments(only);
        let gone = |number: u32| {
            self.shares.iter().any(|share| share.fulfilment == number && share.shipped > 0)
        };
        live.retain(|&number| !self.begun.contains(&number) && !gone(number));
        live
    }

    /// Fulfilments that something is promised by.
    pub fn live_fulfilments(&self, only: Option<u32>) -> Vec<u32> {
        let numbers = 1..=self.fulfilments.len() as u32;
        let is_live = |number: u32| {
            self.shares.iter().any(|share| share.fulfilment == number && share.live > 0)
        };
        let wanted = |number: &u32| only.is_none_or(|only| only == *number) && is_live(*number);
        numbers.filter(wanted).collect()
    }
}
