//! Work given to a node: units of an order are promised there.

use omnifold_events::v1;

use super::dropship::{self, Asked};
use super::{Units, note_promise, sla};
use crate::fold::{suggestions, tickets};
use crate::timer::change_order;
use crate::{
    EntryKind, Fulfilment, FulfilmentLine, FulfilmentState, LotShare, NodeDay, NodeIx, Order,
    OrderKey, State, TimerKey, TimerKind, Work, queues, replenishment, reservation,
};

pub(super) fn apply<S: State>(
    state: &mut S,
    key: OrderKey,
    message: &v1::FulfilmentAssigned,
    work: &mut Vec<Work>,
) -> Result<(), String> {
    let node = state
        .node_named(&message.node_id)
        .ok_or_else(|| format!("no node `{}`", message.node_id))?;
    let order = state.order(key).expect("checked by fold");
    if order.fulfilments.len() + 1 != message.fulfilment as usize {
        return Err(format!("fulfilment f{} is out of turn", message.fulfilment));
    }
    let units = assigned_units(order, message)?;
    let lots = assigned_lots(state, node, &units, message)?;
    let order = state.order(key).expect("checked by fold");
    let of_line = |line: usize| -> i64 {
        units.iter().filter(|part| part.line == line).map(|part| part.quantity).sum()
    };
    if order.details.is_some() && !order.are_whole_kits(of_line) {
        return Err("it holds a part of a kit without the others".to_owned());
    }
    let send_to = destination(state, node, &message.send_to_node_id)?;
    let order = state.order(key).expect("checked by fold");
    let decision = message.outcome.as_ref().map_or(message.decision, |outcome| outcome.decision);
    let waited = replenishment::waiting_of(order);
    let counts =
        message.capacity_day != 0 && order.fulfilments.iter().all(|part| part.node != node);
    let is_timed =
        message.accept_by_ms != 0 || message.dispatch_by_ms != 0 || order.timing.is_some();
    let change = &mut |order: &mut Order| {
        order.decisions = decision;
        promise(order, node, &units, message.accept_by_ms);
        if let Some(to) = send_to {
            send(order, to);
        }
        if message.dispatch_by_ms != 0 {
            sla::begin(order, message.sla_started_at_ms, message.dispatch_by_ms);
        }
        order.settle_timing();
    };
    if is_timed {
        change_order(state, key, change);
    } else {
        state.change_order(key, change); // nearly every order: no timer to look for
    }
    allocate(state, node, &units)?;
    if state.settings().is_some_and(|settings| settings.reserves) {
        for part in &units {
            reservation::consume(state, &message.channel, part.sku, node, part.quantity);
        }
    }
    if !lots.is_empty() {
        promise_lots(state, key, &units, lots);
    }
    if counts {
        count_order(state, node, message.capacity_day);
    }
    if !waited.is_empty() {
        queues::settle(state, key);
        replenishment::settle(state, key, &waited, work);
        suggestions::settle(state, key, work);
    }
    if !waited.is_empty() || message.cause() == v1::Cause::HoldReleased {
        tickets::settle_short(state, key, "assigned", work);
    }
    for part in units.iter().filter(|part| part.backordered > 0) {
        replenishment::look(state, part.sku, 0, work);
    }
    if state.nodes()[node.0 as usize].is_partner() {
        dropship::tell(state, key, &Asked::assigned(message, decision), work);
    }
    Ok(())
}

/// The lots that the node is told to take, as the order keeps them. They have the units.
fn assigned_lots<S: State>(
    state: &mut S,
    node: NodeIx,
    units: &[Units],
    message: &v1::FulfilmentAssigned,
) -> Result<Vec<LotShare>, String> {
    let mut shares: Vec<LotShare> = Vec::new();
    for (place, line) in message.lines.iter().enumerate() {
        let told: i64 = line.lots.iter().map(|row| row.quantity_milli).sum();
        if told > line.quantity_milli - line.backordered_milli {
            return Err(format!("{told} of lots for line `{}`", line.line_id));
        }
        for row in &line.lots {
            let sku = units[place].sku;
            let of_lot = |share: &&LotShare| {
                units[share.line as usize].sku == sku && share.lot.name == row.lot
            };
            let before: i64 = shares.iter().filter(of_lot).map(|share| share.promised).sum();
            let lot = state.lots(sku, node).and_then(|lots| lots.named(&row.lot));
            let promised = row.quantity_milli;
            let free = lot.map_or(0, |lot| lot.on_hand - lot.promised);
            let Some(lot) = lot.filter(|_| promised > 0 && before + promised <= free) else {
                return Err(format!("{promised} of lot `{}`, {free} are free", row.lot));
            };
            let (fulfilment, line) = (message.fulfilment - 1, place as u32);
            let lot = lot.id.clone();
            shares.push(LotShare { fulfilment, line, lot, promised, shipped: 0 });
        }
    }
    Ok(shares)
}

fn promise_lots<S: State>(state: &mut S, key: OrderKey, units: &[Units], shares: Vec<LotShare>) {
    let place = shares[0].fulfilment as usize;
    let node = state.order(key).expect("checked by fold").fulfilments[place].node;
    for share in &shares {
        let sku = units[share.line as usize].sku;
        crate::lots::change(state, sku, node, |lots| {
            lots.entry(&share.lot).promise(key, share.promised);
        });
    }
    state.change_order(key, &mut |order| {
        order.details.get_or_insert_default().lots.extend_from_slice(&shares);
    });
}

/// An order counts once at a node, on the day it came (rule R8). When the node is full, the waiting
/// orders are tried again as its next day begins.
fn count_order<S: State>(state: &mut S, node: NodeIx, day: i32) {
    let before = state.node_day(node);
    let orders = if before.day == day { before.orders + 1 } else { 1 };
    state.put_node_day(node, NodeDay { day, orders, ..before });
    let Some(capacity) = &state.nodes()[node.0 as usize].capacity else { return };
    if orders >= capacity.orders_per_day {
        let (due_ms, step) = (capacity.day_after(day), u64::from(node.0));
        let timer = TimerKey { due_ms, kind: TimerKind::NodeDay, step };
        state.put_timer(timer, u128::from(node.0));
    }
}

fn assigned_units(order: &Order, message: &v1::FulfilmentAssigned) -> Result<Vec<Units>, String> {
    message
        .lines
        .iter()
        .map(|assigned| {
            let place = order.line_named(&assigned.line_id);
            let line = place.ok_or_else(|| format!("no line `{}`", assigned.line_id))?;
            let open = order.lines[line].open;
            let (quantity, backordered) = (assigned.quantity_milli, assigned.backordered_milli);
            if quantity <= 0 || quantity > open || !(0..=quantity).contains(&backordered) {
                return Err(format!("{quantity} of line `{}`, {open} are open", assigned.line_id));
            }
            Ok(Units { line, sku: order.lines[line].sku, quantity, backordered })
        })
        .collect()
}

fn promise(order: &mut Order, node: NodeIx, units: &[Units], due_at: i64) {
    let mut lines = Vec::with_capacity(units.len());
    for part in units {
        let line = &mut order.lines[part.line];
        line.open -= part.quantity;
        line.waiting = line.waiting.min(line.open);
        line.allocated += part.quantity;
        lines.push(FulfilmentLine {
            line: u32::try_from(part.line).expect("lines are bounded"),
            allocated: part.quantity,
            backordered: part.backordered,
            shipped: 0,
            delivered: 0,
        });
    }
    let state = FulfilmentState::Assigned;
    order.fulfilments.push(Fulfilment { node, state, seq: 1, lines, progress: None, due_at });
}

/// The node to which another one is to send what it ships.
fn destination<S: State>(state: &S, from: NodeIx, to: &str) -> Result<Option<NodeIx>, String> {
    if to.is_empty() {
        return Ok(None);
    }
    let found = state.node_named(to).ok_or_else(|| format!("no node `{to}`"))?;
    if found == from {
        return Err(format!("`{to}` is to send units to itself"));
    }
    Ok(Some(found))
}

/// The newest fulfilment goes to a node before its customer gets it.
fn send(order: &mut Order, to: NodeIx) {
    let newest = order.fulfilments.last_mut().expect("it was just added");
    newest.progress_mut().send_to = Some(to);
    order.details.get_or_insert_default().gathers_at = Some(to);
}

/// I2: what is promised is there, or is said to be backordered and within the limit.
fn allocate<S: State>(state: &mut S, node: NodeIx, units: &[Units]) -> Result<(), String> {
    for part in units {
        let Some(mut stock) = state.stock_at(part.sku, node) else {
            return Err(format!("node does not stock `{}`", state.item(part.sku).sku));
        };
        let from_stock = part.quantity - part.backordered;
        if !crate::invariants::i2_promise_is_covered(&stock, from_stock, part.backordered) {
            return Err(format!(
                "I2: {from_stock} and {} backordered of {stock:?}",
                part.backordered
            ));
        }
        stock.allocated += part.quantity;
        state.put_stock(part.sku, node, stock);
        note_promise(state, part.sku, node, EntryKind::Allocate, part.quantity);
    }
    Ok(())
}
