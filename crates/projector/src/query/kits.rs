//! What an order's customer ordered as kits.

use omnifold_domain::{KitLine, Order, UNIT_MILLI, View};
use serde_json::{Value, json};

use super::units;

/// The lines that the customer ordered as kits, and the lines of their parts.
pub(super) fn kits_body<V: View>(store: &V, order: &Order) -> Vec<Value> {
    let row = |kit: &KitLine| {
        let parts = kit.parts.iter().map(|part| &order.lines[part.line as usize].line_id);
        let ordered = kit.kits_of(|line| order.lines[line].ordered) * UNIT_MILLI;
        json!({
            "line_id": kit.line_id, "sku": store.item(kit.sku).sku, "ordered": units(ordered),
            "parts": parts.collect::<Vec<_>>(),
        })
    };
    order.kits().iter().map(row).collect()
}
