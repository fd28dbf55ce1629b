//! Which lots a node is to take: first expired first out. Expired ones are not taken, nor those that a
//! policy's rule holds too old, nor what other orders were promised of a lot.

use omnifold_domain::{Decision, LotId, NodeIx, Order, SkuIx, View, lasts_until};
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
    name_next(view, (turn.now_ms, min_days), order, decisions, &mut Vec::new());
}

/// The same after other decisions that are not folded yet: now, and with so many days to last.
pub(crate) fn name_next<V: View>(
    view: &mut V,
    when: (i64, u32),
    order: &Order,
    decisions: &mut [Decision],
    taken: &mut Taken,
) {
    if order.lines.iter().all(|line| !view.item(line.sku).has_lots) {
        return;
    }
    for decision in decisions {
        if let Decision::Assigned(message) = decision {
            name_in(view, when, order, message, taken);
        }
    }
}

/// Notes what an order gives back of lots by a decision that is not folded yet: all that a fulfilment
/// holds beyond what it keeps.
pub(crate) fn give_back(order: &Order, decision: &Decision, taken: &mut Taken) {
    let (number, kept) = match decision {
        Decision::Released(message) => (message.fulfilment, &[][..]),
        Decision::Changed(message) => (message.fulfilment, &message.lines[..]),
        _ => return,
    };
    let place = number as usize - 1;
    let fulfilment = &order.fulfilments[place];
    for (part, row) in fulfilment.lines.iter().enumerate().filter(|(_, row)| row.allocated > 0) {
        let line = &order.lines[row.line as usize];
        let keeps = kept.iter().find(|kept| kept.line_id == line.line_id);
        let keeps = keeps.map_or(0, |kept| kept.quantity_milli);
        let mut add = |units: i64, sign: i64| {
            let lots = order.lots_held(place, part, units).into_iter();
            let row =
                |(lot, units): (LotId, i64)| (line.sku, fulfilment.node, lot.name, sign * units);
            taken.extend(lots.map(row));
        };
        add(row.allocated, -1);
        add(keeps, 1);
    }
}

/// Units that decisions before take of a lot, or give back (less than 0).
pub(crate) type Taken = Vec<(SkuIx, NodeIx, String, i64)>;

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
