//! Answers about serial numbers, and about what lots and serial numbers a stock row has.

use omnifold_domain::{
    Lot, Lots, NodeIx, Order, SerialKey, SerialPlace, SkuIx, State as _, Stop, View as _,
    serial_whereabouts,
};
use omnifold_events::format_time;
use omnifold_state::Store;
use serde_json::{Value, json};

use super::{QueryError, units};

/// Where a unit is, and where it has been.
pub(super) fn serial_body(store: &mut Store, sku: &str, serial: &str) -> Result<Value, QueryError> {
    let missing = || QueryError::NotFound(format!("no item `{sku}`"));
    let ix = store.item_named(sku).ok_or_else(missing)?;
    let row = store.serial(SerialKey::of(ix, serial)).cloned();
    let unknown = || QueryError::NotFound(format!("nobody has named `{serial}` of `{sku}`"));
    let row = row.ok_or_else(unknown)?;
    let history: Vec<Value> = row.stops.iter().map(|stop| stop_body(store, stop)).collect();
    let mut body = json!({ "sku": sku, "serial": row.serial, "history": history });
    let newest = stop_body(store, row.newest());
    for name in ["place", "node", "with", "since", "by"] {
        let of = if name == "since" { "at" } else { name };
        body[name] = newest[of].clone();
    }
    Ok(body)
}

/// `with`: the fulfilment that it left with, or the transfer.
fn stop_body(store: &mut Store, stop: &Stop) -> Value {
    let (place, node, with) = serial_whereabouts(store, &stop.place);
    let with = match stop.place {
        SerialPlace::Shipped { fulfilment, .. } => format!("{with}/f{}", fulfilment + 1),
        _ => with,
    };
    let told = |text: String| if text.is_empty() { Value::Null } else { json!(text) };
    json!({
        "place": place, "node": told(node), "with": told(with), "by": stop.by.name(),
        "at": format_time(stop.at_ms),
    })
}

/// Serial numbers that left with an order and are with its customer.
pub(super) fn of_order(store: &mut Store, order: &Order) -> Vec<Value> {
    let mut found = Vec::new();
    for share in order.serials() {
        let serial = store.serial(share.serial).map(|row| row.serial.clone());
        found.push(json!({
            "serial": serial, "line_id": order.lines[share.line as usize].line_id,
            "fulfilment": share.fulfilment + 1,
        }));
    }
    found
}

/// How many serial numbers are known of a shelf; null where its item has none.
pub(super) fn of_shelf(store: &mut Store, sku: SkuIx, node: NodeIx) -> Value {
    if !store.item(sku).serialised {
        return Value::Null;
    }
    let known = store.serial_shelf(sku, node).cloned().unwrap_or_default();
    json!({ "on_hand": known.on_hand.len(), "quarantine": known.quarantine.len() })
}

/// The lots of a shelf, what expires first in front.
pub(super) fn lots_body(lots: &Lots) -> Vec<Value> {
    let one = |lot: &Lot| {
        json!({
            "lot": lot.id.name, "expires_on": lot.id.last_day(),
            "on_hand": units(lot.on_hand), "promised": units(lot.promised),
            "quarantine": units(lot.quarantine), "orders": lot.orders.len(),
        })
    };
    lots.rows.iter().map(one).collect()
}
