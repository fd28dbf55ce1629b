//! Events on `fulfilment` that say yes, no, left and arrived.

use omnifold_events::v1;

use super::parcels::{self, Label};
use super::subject::{
    Move, allocated, allocated_stock, find, in_state, line_of, moved_stock, moves, order, under_way,
};
use super::{Context, check, serve_if_waited};
use crate::{FulfilmentState, NodeIx, Order, OrderKey, Reason, Refusal, SkuIx, State, Work};

pub(super) fn accept<S: State>(
    state: &mut S,
    event: &v1::FulfilmentAccepted,
) -> Result<(), Refusal> {
    let subject = find(state, event.target.as_ref())?;
    let order = order(state, &subject);
    let accepted = in_state(order, &subject, |state| state == FulfilmentState::Assigned)?;
    state.change_order(subject.key, &mut |order| {
        for &place in &accepted {
            order.fulfilments[place].state = FulfilmentState::Accepted;
        }
    });
    Ok(())
}

/// Rule R11: the allocation is released, then the reason's stock effect is booked; the node is
/// excluded for this order, whose units are routed again before anybody else is served.
pub(super) fn reject<S: State>(
    state: &mut S,
    event: &v1::FulfilmentRejected,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    if event.reason() == v1::RejectionReason::Unspecified {
        let detail = "a rejection needs a reason";
        return Err(Refusal::new(Reason::Malformed, detail));
    }
    let subject = find(state, event.target.as_ref())?;
    let order = order(state, &subject);
    let rejected = in_state(order, &subject, |state| {
        matches!(state, FulfilmentState::Assigned | FulfilmentState::Accepted)
    })?;
    let stock = allocated_stock(order, &rejected);
    state.change_order(subject.key, &mut |order| {
        for &place in &rejected {
            give_back(order, place);
        }
    });
    work.push(Work::Route { order: subject.key, cause: v1::Cause::Rerouted });
    for (sku, node, units) in stock {
        release_missing(state, sku, node, units, event.reason(), 0);
        serve_if_waited(state, sku, work);
    }
    Ok(())
}

fn give_back(order: &mut Order, place: usize) {
    let fulfilment = &mut order.fulfilments[place];
    fulfilment.state = FulfilmentState::Rejected;
    for line in &mut fulfilment.lines {
        let units = std::mem::take(&mut line.allocated);
        line.backordered = 0;
        order.lines[line.line as usize].allocated -= units;
        order.lines[line.line as usize].open += units;
    }
    if !order.excluded.contains(&fulfilment.node) {
        order.excluded.push(fulfilment.node);
    }
}

/// Rule R11. `in_hand`: units that are known to be there, whatever was not found.
pub(super) fn release_missing<S: State>(
    state: &mut S,
    sku: SkuIx,
    node: NodeIx,
    units: i64,
    reason: v1::RejectionReason,
    in_hand: i64,
) {
    let mut stock = state.stock_at(sku, node).expect("what is allocated is stocked");
    stock.allocated -= units;
    let before = stock.on_hand;
    match reason {
        v1::RejectionReason::NotInStock => stock.on_hand = stock.on_hand.min(in_hand),
        v1::RejectionReason::Mismatch => stock.on_hand -= units,
        v1::RejectionReason::Damaged => {
            stock.on_hand -= units;
            stock.quarantine += units;
            stock.entered += units;
        }
        v1::RejectionReason::NoVariance | v1::RejectionReason::Unspecified => {}
    }
    stock.entered += stock.on_hand - before;
    state.put_stock(sku, node, stock);
}

/// Rule S2: what is dispatched must be there, however validly it was promised.
pub(super) fn ship<S: State>(state: &mut S, event: &v1::FulfilmentShipped) -> Result<(), Refusal> {
    let subject = find(state, event.target.as_ref())?;
    let order = order(state, &subject);
    if order.is_pickup() {
        let detail = format!("order `{}` is collected by its customer", order.order_id);
        return Err(Refusal::new(Reason::PickupOrder, detail));
    }
    let moves = moves(order, &subject, &event.lines, allocated)?;
    check_dispatches(state, subject.key, &moves)?;
    let label = Label { carrier: &event.carrier, tracking_number: &event.tracking_number };
    let parcel = parcels::labelled(state, subject.key, label, &moves)?;
    leave(state, subject.key, &moves);
    if let Some((key, parcel)) = parcel {
        parcels::put_handed_over(state, subject.key, key, parcel);
    }
    Ok(())
}

/// Whether the units of all moves are there to leave (rule S2).
pub(super) fn check_dispatches<S: State>(
    state: &mut S,
    key: OrderKey,
    moves: &[Move],
) -> Result<(), Refusal> {
    let order = state.order(key).expect("found before");
    for (sku, node, units) in moved_stock(order, moves) {
        check_dispatch(state, sku, node, units)?;
    }
    Ok(())
}

/// The units of the moves leave their nodes.
pub(super) fn leave<S: State>(state: &mut S, key: OrderKey, moves: &[Move]) {
    let stock = moved_stock(state.order(key).expect("found before"), moves);
    state.change_order(key, &mut |order| {
        for step in moves {
            ship_move(order, step);
        }
        for place in places(moves) {
            let fulfilment = &mut order.fulfilments[place];
            fulfilment.drop_packed_beyond_allocated();
            fulfilment.state = fulfilment.state_by_units();
        }
    });
    for (sku, node, units) in stock {
        let mut row = state.stock_at(sku, node).expect("what is allocated is stocked");
        row.on_hand -= units;
        row.allocated -= units;
        row.shipped += units;
        state.put_stock(sku, node, row);
    }
}

fn check_dispatch<S: State>(
    state: &mut S,
    sku: SkuIx,
    node: NodeIx,
    units: i64,
) -> Result<(), Refusal> {
    let on_hand = state.stock_at(sku, node).map_or(0, |stock| stock.on_hand);
    check::quantity("shipped quantity", units, 1, state.item(sku))?;
    if on_hand >= units {
        return Ok(());
    }
    let (item, node) = (&state.item(sku).sku, &state.nodes()[node.0 as usize].id);
    let detail =
        format!("{units} milli-units of `{item}` cannot leave `{node}`: {on_hand} on hand");
    Err(Refusal::new(Reason::InsufficientStock, detail))
}

fn ship_move(order: &mut Order, step: &Move) {
    let fulfilment = &mut order.fulfilments[step.fulfilment];
    let line = &mut fulfilment.lines[step.line];
    line.allocated -= step.units;
    line.backordered = line.backordered.min(line.allocated);
    line.shipped += step.units;
    let order_line = &mut order.lines[line.line as usize];
    order_line.allocated -= step.units;
    order_line.shipped += step.units;
    if let Some(progress) = &mut fulfilment.progress {
        let picked = &mut progress.lines[step.line].picked;
        *picked -= step.units.min(*picked);
    }
}

/// The fulfilments that moves touch, each once.
fn places(moves: &[Move]) -> Vec<usize> {
    let mut places: Vec<usize> = moves.iter().map(|step| step.fulfilment).collect();
    places.sort_unstable();
    places.dedup();
    places
}

pub(super) fn deliver<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::FulfilmentDelivered,
) -> Result<(), Refusal> {
    let subject = find(state, event.target.as_ref())?;
    let moves = moves(order(state, &subject), &subject, &event.lines, under_way)?;
    arrive(state, subject.key, &moves, context.time_ms);
    Ok(())
}

/// The units of the moves arrive at an instant.
pub(super) fn arrive<S: State>(state: &mut S, key: OrderKey, moves: &[Move], at: i64) {
    state.change_order(key, &mut |order| {
        for step in moves {
            deliver_move(order, step);
        }
        for place in places(moves) {
            order.fulfilments[place].state = order.fulfilments[place].state_by_units();
        }
        let details = order.details.get_or_insert_default();
        details.arrived_at = details.arrived_at.max(at);
    });
}

fn deliver_move(order: &mut Order, step: &Move) {
    let place = line_of(order, step).line as usize;
    let fulfilment = &mut order.fulfilments[step.fulfilment];
    fulfilment.lines[step.line].delivered += step.units;
    order.lines[place].delivered += step.units;
}
