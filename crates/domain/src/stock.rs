//! The stock of one SKU at one node (rules Q2, Q3). Quantities are in 1/1000 unit.

use serde::{Deserialize, Serialize};

use crate::NodeIx;

/// Stock of one (node, SKU).
///
/// Every unit that ever entered is on hand, in quarantine, shipped or set aside: see
/// [`Stock::is_conserved`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stock {
    /// Sellable and physically there. Below zero only by outside facts.
    pub on_hand: i64,
    /// Firm promises to orders, backordered units included.
    pub allocated: i64,
    /// Soft holds that have not expired.
    pub held: i64,
    /// There, not sellable.
    pub quarantine: i64,
    /// Left with a courier and not come back.
    pub shipped: i64,
    /// In transit to another node, written off or returned to a supplier: [`crate::Ledger`] says
    /// how many of each.
    pub aside: i64,
    /// Net sum of what the outside world said came or went: counts' variances, adjustments.
    pub entered: i64,
    /// Kept back from orders (rule R8): the figure in force, see [`crate::SafetyStock`].
    pub buffer: i64,
    /// May be promised without stock (rule R6).
    pub backorder_limit: i64,
    /// Not offered, whatever is on hand.
    pub flagged_out: bool,
    /// The instant for which the newest count spoke, milliseconds since the Unix epoch.
    pub counted_as_of: i64,
}

impl Stock {
    /// `on_hand - allocated - held` (rule Q3): what is neither promised nor held; negative where
    /// that exceeds stock.
    #[inline]
    pub fn free(&self) -> i64 {
        self.on_hand - self.allocated - self.held
    }

    /// Node ATP: `free - buffer + backorder_limit`, negative as it may be.
    #[inline]
    pub fn atp(&self) -> i64 {
        self.free() - self.buffer + self.backorder_limit
    }

    /// What can be promised from stock that is there: free units above the buffer.
    #[inline]
    pub fn on_hand_available(&self) -> i64 {
        if self.flagged_out { 0 } else { (self.free() - self.buffer).max(0) }
    }

    /// What can be promised beyond [`Stock::on_hand_available`], within the backorder limit.
    #[inline]
    pub fn backorder_available(&self) -> i64 {
        if self.flagged_out { 0 } else { self.atp().max(0) - self.on_hand_available() }
    }

    /// Promised units that are not there (rule Q2).
    pub fn short(&self) -> i64 {
        (self.allocated - self.on_hand).max(0)
    }

    /// I1: what entered is on hand, in quarantine, shipped or set aside.
    pub fn is_conserved(&self) -> bool {
        self.on_hand + self.quarantine + self.shipped + self.aside == self.entered
    }
}

/// Stock at a node, as listed for one SKU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StockAt {
    /// The node.
    pub node: NodeIx,
    /// Its stock of the SKU.
    pub stock: Stock,
}

/// What a node can promise of one SKU: all that routing asks of a stock row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// The node.
    pub node: NodeIx,
    /// Not offered, whatever is on hand.
    pub flagged_out: bool,
    /// [`Stock::on_hand_available`].
    pub on_hand: i64,
    /// [`Stock::backorder_available`].
    pub backorder: i64,
}

impl Offer {
    /// What this stock offers.
    pub fn of(node: NodeIx, stock: &Stock) -> Self {
        Offer {
            node,
            flagged_out: stock.flagged_out,
            on_hand: stock.on_hand_available(),
            backorder: stock.backorder_available(),
        }
    }
}
