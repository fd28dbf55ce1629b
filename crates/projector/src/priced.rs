//! Shadow prices beside the stock rows that a query answers with.

use omnifold_domain::{Priced, View, shadow_price};
use serde_json::Value;

use crate::query::units;

/// Adds `shadow_price`, in minor units a unit, to every row whose unit has a price now.
pub(crate) fn with_prices<V: View>(view: &V, now_ms: i64, mut body: Value) -> Value {
    for row in body["rows"].as_array_mut().into_iter().flatten() {
        let named = row["sku"].as_str().zip(row["node"].as_str());
        let places = named.and_then(|(sku, node)| view.item_named(sku).zip(view.node_named(node)));
        let Some((sku, node)) = places else { continue };
        let price_milli = shadow_price(view, Priced::Stock(sku), node, now_ms);
        if price_milli > 0 {
            row["shadow_price"] = units(price_milli).into();
        }
    }
    body
}
