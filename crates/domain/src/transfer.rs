//! Stock under way between two nodes (rule S7).

use serde::{Deserialize, Serialize};

use crate::inbound::{Expected, Source};
use crate::{LotId, NodeIx, SerialKey, SkuIx};

/// A transfer's key: XXH3-128 of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TransferKey(pub u128);

impl TransferKey {
    /// The key of a transfer.
    pub fn of(id: &str) -> Self {
        TransferKey(xxhash_rust::xxh3::xxh3_128(id.as_bytes()))
    }
}

/// Units of an order that one node is suggested to send another. Quantities in 1/1000 unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuggestedMove {
    /// Of what.
    pub sku: SkuIx,
    /// The node that has them, and does not serve the order.
    pub from: NodeIx,
    /// The node that may serve it.
    pub to: NodeIx,
    /// Still to be sent.
    pub units: i64,
    /// Sent for it, and not there yet.
    pub under_way: i64,
}

impl SuggestedMove {
    /// Whether it is of the same SKU and nodes.
    pub(crate) fn is_like(&self, other: &SuggestedMove) -> bool {
        (self.sku, self.from, self.to) == (other.sku, other.from, other.to)
    }

    /// Units that are to come by it.
    pub(crate) fn awaited(&self) -> i64 {
        self.units + self.under_way
    }
}

/// Units that left one node for another. A transfer with nothing under way has no row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// The operator's name for it.
    pub id: String,
    /// Where it left; its units stand as `in_transit` there.
    pub from: NodeIx,
    /// Where it goes.
    pub to: NodeIx,
    /// Units still under way, each SKU once.
    pub under_way: Vec<(SkuIx, i64)>,
    /// When it will arrive, milliseconds since the Unix epoch; 0: nobody knows.
    pub expected_at: i64,
    /// Of what is under way, units of a lot: what expires first stands first.
    pub lots: Vec<(SkuIx, LotId, i64)>,
    /// Serial numbers under way.
    pub serials: Vec<(SkuIx, SerialKey)>,
    /// Of what is under way, units that were suggested for orders.
    pub awaited: Vec<(SkuIx, i64)>,
}

impl Transfer {
    /// Units are under way no more: how many of them orders await. Those come before the others.
    pub(crate) fn take_awaited(&mut self, ended: &[(SkuIx, i64)]) -> Vec<(SkuIx, i64)> {
        let mut taken = Vec::new();
        for (sku, left) in &mut self.awaited {
            let units: i64 = ended.iter().filter(|row| row.0 == *sku).map(|row| row.1).sum();
            let units = units.min(*left);
            if units > 0 {
                *left -= units;
                taken.push((*sku, units));
            }
        }
        self.awaited.retain(|row| row.1 > 0);
        taken
    }

    /// What the node it goes to may expect.
    pub fn expected(&self) -> Vec<Expected> {
        let each = |&(sku, units): &(SkuIx, i64)| Expected {
            sku,
            node: self.to,
            source: Source::Transfer(self.id.clone()),
            due_at: self.expected_at,
            units,
        };
        self.under_way.iter().map(each).collect()
    }
}
