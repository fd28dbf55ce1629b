//! What lies where, as the stock events and the promises say. Quantities in 1/1000 unit.

use std::collections::HashMap;

use omnifold_events::v1::RejectionReason;
use rustc_hash::FxBuildHasher;

/// Stock of one SKU at one node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shelf {
    /// There and sellable.
    pub on_hand: i64,
    /// Promised.
    pub promised: i64,
    /// Held for carts.
    pub held: i64,
    /// Kept back.
    pub buffer: i64,
    /// May be promised without stock.
    pub backorder_limit: i64,
    /// Not offered at all.
    pub flagged_out: bool,
    /// The newest count spoke for this instant. Movements up to it were seen by who counted.
    counted_as_of: Option<i64>,
    /// What is there cannot be told, see [`super::Counts::shelves_not_checked`].
    pub unclear: bool,
}

/// All shelves, by (node, SKU).
#[derive(Debug, Default)]
pub struct Shelves(HashMap<(u32, u32), Shelf, FxBuildHasher>);

impl Shelves {
    /// The shelf of a (node, SKU).
    pub fn at(&mut self, node: u32, sku: u32) -> &mut Shelf {
        self.0.entry((node, sku)).or_default()
    }

    /// Shelves that could not be checked.
    pub fn unclear_count(&self) -> u64 {
        self.0.values().filter(|shelf| shelf.unclear).count() as u64
    }
}

impl Shelf {
    /// A count is the truth for its instant; an older count than the newest says nothing.
    pub fn counted(&mut self, units: i64, as_of: i64, own_time: i64) {
        if self.counted_as_of.is_some_and(|newest| as_of < newest) {
            return;
        }
        self.unclear |= as_of < own_time;
        self.on_hand = units;
        self.counted_as_of = Some(as_of);
    }

    /// A movement, unless the newest count saw it already.
    pub fn moved(&mut self, delta: i64, time: i64) {
        if self.counted_as_of.is_none_or(|as_of| time > as_of) {
            self.on_hand += delta;
        }
    }

    /// Units left the node.
    pub fn shipped(&mut self, units: i64) {
        self.on_hand -= units;
        self.promised -= units;
    }

    /// The node gave units back and said what that means for its stock.
    pub fn given_back(&mut self, units: i64, reason: RejectionReason) {
        self.promised -= units;
        match reason {
            RejectionReason::NotInStock => self.on_hand = self.on_hand.min(0),
            RejectionReason::Mismatch | RejectionReason::Damaged => self.on_hand -= units,
            RejectionReason::NoVariance | RejectionReason::Unspecified => {}
        }
    }

    /// Promises units, of which some without stock. What is wrong with that, if anything.
    pub fn promise(&mut self, units: i64, backordered: i64) -> Option<String> {
        let free = self.on_hand - self.promised - self.held - self.buffer;
        self.promised += units;
        let from_stock = units - backordered;
        if self.unclear {
            return None;
        }
        if self.flagged_out {
            return Some("the SKU is flagged out there".to_owned());
        }
        if from_stock > 0 && from_stock > free {
            return Some(format!("{from_stock} promised from stock, {free} free"));
        }
        let allowed = free + self.backorder_limit;
        (backordered > 0 && units > allowed)
            .then(|| format!("{units} promised with backorder, {allowed} allowed"))
    }

    /// Holds units. What is wrong with that, if anything.
    pub fn hold(&mut self, units: i64) -> Option<String> {
        let free = self.on_hand - self.promised - self.held - self.buffer + self.backorder_limit;
        self.held += units;
        if self.unclear {
            return None;
        }
        if self.flagged_out {
            return Some("the SKU is flagged out there".to_owned());
        }
        (units > free).then(|| format!("{units} held, {free} free"))
    }
}
