//! Fetching ahead: reading what an event will read, so that it is in a cache by then.
//!
//! Folding an event looks into a few dozen places of tables far larger than a cache, each found by
//! what the one before said, and waits for every one. Looked into early, and for several events at
//! once, they are waited for together. Nothing is changed, loaded or counted, and what is found is
//! thrown away: only time depends on it.

use std::hint::black_box;

use omnifold_domain::{OrderKey, SkuIx};

use super::Store;

impl Store {
    /// What tells whether an event id was seen.
    pub fn warm_id(&self, id: u128) {
        black_box(self.seen.warm(id));
    }

    /// What tells whether an order is there.
    pub fn warm_order(&self, key: OrderKey) {
        black_box(self.orders.warm(key));
    }

    /// An item by its name, and where its stock lies. Its number, for [`Store::warm_stock`].
    pub fn warm_item(&self, sku: &str) -> Option<SkuIx> {
        let number = self.items.named(sku)?;
        let name = &self.items.all()[number as usize].sku;
        black_box(name.as_bytes().first());
        black_box(self.stock.warm_block(SkuIx(number)));
        Some(SkuIx(number))
    }

    /// What the nodes have to offer of an item.
    pub fn warm_stock(&self, sku: SkuIx) {
        black_box(self.stock.warm_offers(sku));
    }
}
