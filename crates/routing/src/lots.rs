//! Which lots a node is to take: first expired first out. Expired ones are not taken, nor those that a
//! policy's rule holds too old, nor what other orders were promised of a lot.

use omnifold_domain::{Decision, NodeIx, Order, SkuIx, View, lasts_until};
use omnifold_events::v1;

use crate::Turn;

/// Names the lots in assignments that were just written. An order without a SKU that has lots costs
/// a look at each line's item. `min_days`: how long they are to last, as the rule says; 0: it does not.
pub(crate) fn name<V: View>(
    view: &mut V,
    turn: Turn,
    order: &Order,
    min_days: u32,
    decisions: &mut [Decision],
) {
    if order.lines.iter().all(|line| !view.item(line.sku).has_lots) {
        return;
    }
    let mut taken = Vec::new();
    for decision in decisions {
        if let Decision::Assigned(message) = decision {
            name_in(view, (turn.now_ms, min_days), order, message, &mut taken);
        }
    }
}

/// Units that earlier lines of the same decisions take of a lot.
type Taken = Vec<(SkuIx, NodeIx, String, i64)>;

fn name_in<V: View>(
    view: &mut V,
    (now_ms, min_days): (i64, u32),
    order: &Order,
    message: &mut v1::FulfilmentAssigned,
    taken: &mut Taken,
) {
    let node = view.node_named(&message.node_id).expect("it was chosen among the nodes");
    let at_ms = match min_days {
        0 => now_ms,
        days => lasts_until(&view.nodes()[node.0 as usize], now_ms, days),
    };
    for line in &mut message.lines {
        let place = order.line_named(&line.line_id).expect("it was written from the order");
        let sku = order.lines[place].sku;
        let units = line.quantity_milli - line.backordered_milli;
        line.lots = lots_for(view, at_ms, (sku, node), units, taken);
    }
}

fn lots_for<V: View>(
    view: &mut V,
    at_ms: i64,
    (sku, node): (SkuIx, NodeIx),
    units: i64,
    taken: &mut Taken,
) -> Vec<v1::LotQuantity> {
    let Some(lots) = view.lots(sku, node) else { return Vec::new() };
    let mut missing = units;
    let mut named = Vec::new();
    for lot in lots.rows.iter().filter(|lot| !lot.id.is_expired(at_ms)) {
        let of_lot = |row: &&(SkuIx, NodeIx, String, i64)| {
            (row.0, row.1) == (sku, node) && row.2 == lot.id.name
        };
        let before: i64 = taken.iter().filter(of_lot).map(|row| row.3).sum();
        let units = (lot.on_hand - lot.promised - before).min(missing);
        if units > 0 {
            missing -= units;
            named.push(lot.id.told(units));
            taken.push((sku, node, lot.id.name.clone(), units));
        }
    }
    named
}
