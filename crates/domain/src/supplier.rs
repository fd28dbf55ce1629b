//! Suppliers: how punctual they are (rule P3), and what they sell from their own shelves.

use serde::{Deserialize, Serialize};

use crate::{NodeIx, SkuIx, TimerKey, TimerKind};

/// Key of a supplier's record with one buying company.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SupplierKey(pub u128);

impl SupplierKey {
    /// The key of a supplier and a company.
    pub fn of(supplier: &str, company: &str) -> Self {
        SupplierKey(crate::OrderKey::of(supplier, company).0)
    }
}

/// A supplier's record with one buying company.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Supplier {
    /// The supplier.
    pub id: String,
    /// Who buys; empty where a market has one company.
    pub company: String,
    /// Units ordered, 1/1000; wide, for sums over a supplier's whole history.
    pub ordered: i128,
    /// Of those, units received by their due date.
    pub on_time: i128,
}

impl Supplier {
    /// Rule P3: the on-time rate in 1/1000, rounded down; `None` where nothing was ordered.
    pub fn on_time_permille(&self) -> Option<i128> {
        (self.ordered > 0).then(|| self.on_time * 1_000 / self.ordered)
    }
}

/// An item that a supplier or a partner sells from its own shelves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SupplierItem {
    /// The supplier's name for it; empty: not told.
    pub supplier_sku: String,
    /// Asked for one unit, minor units; `None`: not told.
    pub unit_cost: Option<i64>,
    /// No longer sold.
    pub withdrawn: bool,
    /// What its stock feed said last, while that is believed.
    pub feed: Option<StockFeed>,
}

/// What a stock feed said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockFeed {
    /// Number of the record that said it.
    pub step: u64,
    /// Units.
    pub units: i64,
    /// When that was true, milliseconds since the Unix epoch.
    pub as_of: i64,
    /// Until when it is believed; 0: until the next one.
    pub stale_at: i64,
}

impl StockFeed {
    /// What ends it, where anything but the next one does.
    pub fn timer(&self) -> Option<TimerKey> {
        let Self { stale_at: due_ms, step, .. } = *self;
        (due_ms != 0).then_some(TimerKey { due_ms, kind: TimerKind::SupplierStockStale, step })
    }
}

/// The subject of a feed's timer.
pub(crate) fn subject_of(sku: SkuIx, node: NodeIx) -> u128 {
    (u128::from(sku.0) << 32) | u128::from(node.0)
}

/// The shelf that such a timer is about.
pub(crate) fn shelf_of(subject: u128) -> (SkuIx, NodeIx) {
    let low = u128::from(u32::MAX);
    (SkuIx(((subject >> 32) & low) as u32), NodeIx((subject & low) as u32))
}
