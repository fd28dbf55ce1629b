//! Shadow prices: what one more unit of stock, or one more order of capacity, at a node would save.
//!
//! They are solved outside the core from a forecast and enter as PricesPublished, so a decision
//! that was taken with them is taken again the same way. Without them every price is 0, and routing
//! takes the best plan for the order in hand.

use serde::{Deserialize, Serialize};

use crate::{NodeIx, SkuIx, View};

/// What has a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Priced {
    /// A unit of a SKU.
    Stock(SkuIx),
    /// An order, at nodes that take so many a day.
    Capacity,
}

/// The prices of one thing at each node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadowPrices {
    /// First instant at which they hold; 0: from the beginning.
    pub from: i64,
    /// First instant at which they do not hold any more.
    pub until: i64,
    /// 1/1000 of a minor unit, by node; nodes that are not named have no price.
    pub nodes: Vec<(NodeIx, i64)>,
}

impl ShadowPrices {
    /// The price at a node, whether or not it holds now.
    pub fn at(&self, node: NodeIx) -> i64 {
        let place = self.nodes.binary_search_by_key(&node, |row| row.0);
        place.map_or(0, |place| self.nodes[place].1)
    }

    /// Whether the prices hold at an instant.
    pub fn hold(&self, now_ms: i64) -> bool {
        (self.from..self.until).contains(&now_ms)
    }
}

/// What routing charges beside real costs: for a unit of a SKU, or for an order, at a node. 1/1000
/// of a minor unit.
pub fn shadow_price<V: View>(view: &V, of: Priced, node: NodeIx, now_ms: i64) -> i64 {
    match view.prices(of) {
        Some(prices) if prices.hold(now_ms) => prices.at(node),
        _ => 0,
    }
}
