//! In which queues an order stands: of the SKUs that units of it wait for, and of those that may
//! stand in for them. Stock of either is a reason to try the order again.

use crate::{Order, OrderKey, SkuIx, StandIn, State, View, WaitingKey};

/// The SKUs that matter to an order, each once, and whether units of it wait for stock of that SKU.
/// A pre-order waits for its date first, others for their policy's time or a wave.
fn queues<V: View>(view: &V, order: &Order) -> Vec<(SkuIx, bool)> {
    let mut queues: Vec<(SkuIx, bool)> = Vec::with_capacity(order.lines.len());
    let mut add = |sku: SkuIx, waits: bool| match queues.iter_mut().find(|row| row.0 == sku) {
        Some(row) => row.1 |= waits,
        None => queues.push((sku, waits)),
    };
    for (place, line) in order.lines.iter().enumerate() {
        let is_put_off = order.deferred_until().is_some() || order.awaits_wave();
        let waits = line.waiting > 0 && !is_put_off && !order.is_scheduled();
        add(line.sku, waits);
        for sku in others(view, order, place) {
            add(sku, waits && !order.stand_ins(view, place).is_empty());
        }
    }
    queues
}

/// What may be served in place of a line, whether it may be now or not.
fn others<V: View>(view: &V, order: &Order, place: usize) -> Vec<SkuIx> {
    let parts = view.item(order.lines[place].sku).kit.iter().flat_map(|kit| &kit.components);
    let mut skus: Vec<SkuIx> = parts.map(|part| part.sku).collect();
    skus.extend(order.substitutes(place).into_iter().flat_map(|row| &row.skus));
    skus
}

/// An order stands in a queue exactly while units of it wait for stock of that SKU.
pub(crate) fn settle<S: State>(state: &mut S, key: OrderKey) {
    let Some(places) = places(state, key) else { return };
    for (place, waits) in places {
        if waits {
            state.enqueue(place, key);
        } else {
            state.dequeue(place);
        }
    }
}

/// Takes an order out of every queue, whatever waits.
pub(crate) fn leave<S: State>(state: &mut S, key: OrderKey) {
    for (place, _) in places(state, key).into_iter().flatten() {
        state.dequeue(place);
    }
}

fn places<S: State>(state: &mut S, key: OrderKey) -> Option<Vec<(WaitingKey, bool)>> {
    let order = state.shared_order(key)?;
    let mut queues = queues(state, &order);
    // Nearly always nobody is put off, and there is no queue to look into.
    let is_deferred = order.deferred_until().is_some();
    for (queue, stands) in [(SkuIx::WAVE, order.awaits_wave()), (SkuIx::DEFERRED, is_deferred)] {
        if stands || state.next_waiting(queue, None).is_some() {
            let waits = stands && order.lines.iter().any(|line| line.waiting > 0);
            queues.push((queue, waits));
        }
    }
    Some(queues.into_iter().map(|(sku, waits)| (WaitingKey::of(&order, sku), waits)).collect())
}

/// Serves a line of an order otherwise, as a decision says.
pub(crate) fn stand_in<S: State>(
    state: &mut S,
    key: OrderKey,
    line_id: &str,
    by: StandIn,
) -> Result<(), String> {
    let order = state.shared_order(key).ok_or("no such order")?;
    let place = order.line_named(line_id);
    let place = place.filter(|&place| order.stand_ins(state, place).contains(&by));
    let place = place.ok_or_else(|| format!("line `{line_id}` cannot be served otherwise"))?;
    leave(state, key);
    let mut changed = Order::clone(&order);
    changed.stand_in(state, place, by);
    state.change_order(key, &mut |order| order.clone_from(&changed));
    Ok(())
}
