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
}

impl Transfer {
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
