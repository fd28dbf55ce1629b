//! Soft holds: units kept for a cart or a checkout until they are ordered, released or the time is
//! up (rules H1 to H4). Quantities are in 1/1000 unit.

use serde::{Deserialize, Serialize};

use crate::timer::{TimerKey, TimerKind};
use crate::{NodeIx, OrderKey, SkuIx};

/// A hold's key: as an order's, of its channel and its id. Holds and orders have tables of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SoftHoldKey(pub u128);

impl SoftHoldKey {
    /// The key of a hold.
    pub fn of(channel: &str, hold_id: &str) -> Self {
        SoftHoldKey(OrderKey::of(channel, hold_id).0)
    }
}

/// An active hold. One that ended has no row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoftHold {
    /// Where it was asked for.
    pub channel: String,
    /// The channel's name for it.
    pub hold_id: String,
    /// Number of the input record that made it, or made it anew.
    pub step: u64,
    /// Active before this instant and gone at it (rule H3), milliseconds since the Unix epoch.
    pub expires_at: i64,
    /// What is held; each (SKU, node) once.
    pub units: Vec<HeldUnits>,
}

/// Units held at one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldUnits {
    /// The SKU.
    pub sku: SkuIx,
    /// The node.
    pub node: NodeIx,
    /// How many.
    pub quantity: i64,
}

impl SoftHold {
    /// Its key.
    pub fn key(&self) -> SoftHoldKey {
        SoftHoldKey::of(&self.channel, &self.hold_id)
    }

    /// The timer that ends it.
    pub fn timer(&self) -> TimerKey {
        TimerKey { due_ms: self.expires_at, kind: TimerKind::HoldExpires, step: self.step }
    }

    /// Units of a SKU that it holds at a node.
    pub fn held_at(&self, sku: SkuIx, node: NodeIx) -> i64 {
        let there = self.units.iter().filter(|held| (held.sku, held.node) == (sku, node));
        there.map(|held| held.quantity).sum()
    }
}

/// What a StockHeld asks for, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoftHoldRequest {
    /// Where it is asked for.
    pub channel: String,
    /// The channel's name for it.
    pub hold_id: String,
    /// Units of each SKU, as asked; the same SKU may stand twice (rule H1).
    pub lines: Vec<(SkuIx, i64)>,
    /// Where the units are to be held; `None`: anywhere.
    pub node: Option<NodeIx>,
    /// When it ends, milliseconds since the Unix epoch.
    pub expires_at: i64,
}
