//! What lies where, as the stock events and the promises say. Quantities in 1/1000 unit.

use std::collections::HashMap;

use omnifold_events::v1::RejectionReason;
use rustc_hash::FxBuildHasher;

/// Stock of one SKU at one node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shelf {
    /// There and sellable.
    pub on_hand: i64,
    /// Promised.
    pub promised: i64,
    /// Held for carts.
    pub held: i64,
    /// Kept back.
    pub buffer: i64,
    /// Kept back too: per cent of what is there.
    pub percent: i64,
    /// Kept back too: 1/1000 weeks of sales.
    pub weeks: i64,
    /// Units sold in a week.
    pub weekly: i64,
    /// May be promised without stock.
    pub backorder_limit: i64,
    /// Not offered at all.
    pub flagged_out: bool,
    /// Kept for channels: (channel, units).
    reserved: Vec<(u32, i64)>,
    /// The newest count spoke for this instant. Movements up to it were seen by who counted.
    counted_as_of: Option<i64>,
    /// So did the newest count that had not taken open orders off.
    shelf_seen_as_of: Option<i64>,
    /// (time, change, of which shipped) of the movements after the newest count.
    after: Vec<(i64, i64, i64)>,
}

/// All shelves, by (node, SKU).
#[derive(Debug, Default)]
pub struct Shelves(HashMap<(u32, u32), Shelf, FxBuildHasher>);

impl Shelves {
    /// The shelf of a (node, SKU).
    pub fn at(&mut self, node: u32, sku: u32) -> &mut Shelf {
        self.0.entry((node, sku)).or_default()
    }
}

impl Shelf {
    /// A count is the truth for its instant, and what came after it is added; an older count than
    /// the newest says nothing of what is there now.
    pub fn counted(&mut self, units: i64, as_of: i64, net: bool) {
        if !net {
            self.shelf_seen_as_of = self.shelf_seen_as_of.max(Some(as_of));
        }
        if self.counted_as_of.is_some_and(|newest| as_of < newest) {
            return;
        }
        let later = self.after.iter().filter(|(time, ..)| *time > as_of);
        let (change, shipped) = later.fold((0, 0), |sum, (_, c, s)| (sum.0 + c, sum.1 + s));
        let open_orders = if net { self.promised + shipped } else { 0 };
        self.on_hand = units + open_orders + change;
        self.counted_as_of = Some(as_of);
        self.after.retain(|(time, ..)| *time > as_of);
    }

    /// A movement, unless the newest count saw it already.
    pub fn moved(&mut self, delta: i64, time: i64) {
        if self.counted_as_of.is_none_or(|as_of| time > as_of) {
            self.on_hand += delta;
            self.after.push((time, delta, 0));
        }
    }

    /// Units left the node. Who counted net of open orders had not seen them leave.
    pub fn shipped(&mut self, units: i64, time: i64) {
        self.promised -= units;
        if self.shelf_seen_as_of.is_none_or(|as_of| time > as_of) {
            self.on_hand -= units;
            self.after.push((time, -units, units));
        }
    }

    /// The node gave units back and said what that means for its stock.
    /// `in_hand`: units off the shelf already, which are there whatever was not found.
    pub fn given_back(&mut self, units: i64, reason: RejectionReason, in_hand: i64, time: i64) {
        self.promised -= units;
        match reason {
            RejectionReason::NotInStock => self.moved(-(self.on_hand - in_hand).max(0), time),
            RejectionReason::Mismatch | RejectionReason::Damaged => self.moved(-units, time),
            RejectionReason::NoVariance | RejectionReason::Unspecified => {}
        }
    }

    /// Units kept back: the largest of the three.
    fn kept_back(&self) -> i64 {
        let share = (i128::from(self.on_hand.max(0)) * i128::from(self.percent) + 99) / 100;
        let weeks = (i128::from(self.weekly) * i128::from(self.weeks) + 999) / 1_000;
        self.buffer.max(i64::try_from(share.max(weeks)).unwrap_or(i64::MAX))
    }

    /// Units that may be promised or held from what is there.
    pub fn free(&self) -> i64 {
        (self.on_hand - self.promised - self.held).saturating_sub(self.kept_back())
    }

    /// Keeps units for a channel, in place of what was kept for it.
    pub fn reserve(&mut self, channel: u32, units: i64) {
        self.reserved.retain(|row| row.0 != channel);
        self.reserved.push((channel, units));
    }

    /// What is kept for other channels than this. Its own falls by the units that it gets.
    fn take_reserved(&mut self, channel: u32, units: i64) -> i64 {
        let mut others = 0;
        for row in &mut self.reserved {
            if row.0 == channel {
                row.1 -= units.min(row.1);
            } else {
                others += row.1;
            }
        }
        others
    }

    /// Promises units to a channel's order, of which some without stock. What is wrong with that, if
    /// anything. What operators move is not stopped by what is kept for other channels.
    pub fn promise(
        &mut self,
        channel: u32,
        (units, backordered): (i64, i64),
        is_moved: bool,
    ) -> Option<String> {
        let of_others = self.take_reserved(channel, units);
        let free = self.free() - if is_moved { 0 } else { of_others };
        self.promised += units;
        let from_stock = units - backordered;
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
        let free = self.free().saturating_add(self.backorder_limit);
        self.held += units;
        if self.flagged_out {
            return Some("the SKU is flagged out there".to_owned());
        }
        (units > free).then(|| format!("{units} held, {free} free"))
    }
}
