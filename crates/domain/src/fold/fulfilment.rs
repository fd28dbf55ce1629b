//! Events on `fulfilment` that say yes, no, left and arrived.

use omnifold_events::v1;

use super::booking::{Shelf, book_checked, was_counted};
use super::parcels::{self, Label};
use super::questions::{by_line, gone_though_asked, refuse_held};
use super::subject::{
    Move, Subject, allocated_stock, find, line_of, moved_stock, moves, open_to, order, sendable,
    to_customer,
};
use super::{Context, check, lots, promises, serials, serve_if_waited, tickets};
use crate::notice::{capture_due, is_wanted, notify, quantities};
use crate::scorecard::{self, Conduct};
use crate::timer::change_order;
use crate::transitions::FulfilmentEvent;
use crate::{
    Entry, EntryKind, Fulfilment, MovementKind, NodeDay, NodeIx, Order, OrderKey, Reason, Refusal,
    State, Work,
};

pub(super) fn accept<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::FulfilmentAccepted,
) -> Result<(), Refusal> {
    let subject = find(state, event.target.as_ref())?;
    let order = order(state, &subject);
    let accepted = open_to(order, &subject, FulfilmentEvent::Accept)?;
    let due: Vec<i64> =
        accepted.iter().map(|&place| pick_by(state, &subject, place, context)).collect();
    change_order(state, subject.key, &mut |order| {
        for (&place, &due_at) in accepted.iter().zip(&due) {
            order.fulfilments[place].happen(FulfilmentEvent::Accept);
            order.fulfilments[place].due_at = due_at;
        }
    });
    Ok(())
}

/// When a node that accepts now must have picked; 0: no deadline.
fn pick_by<S: State>(state: &mut S, subject: &Subject, place: usize, context: Context<'_>) -> i64 {
    let node = order(state, subject).fulfilments[place].node;
    let market = state.settings().expect("checked before every fold").deadlines;
    state.nodes()[node.0 as usize].pick_by(context.now_ms, market)
}

/// Rule R11: the allocation is released, then the reason's stock effect is booked; the node is
/// excluded for this order, whose units are routed again before anybody else is served.
pub(super) fn reject<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::FulfilmentRejected,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    if event.reason() == v1::RejectionReason::Unspecified {
        let detail = "a rejection needs a reason";
        return Err(Refusal::new(Reason::Malformed, detail));
    }
    let subject = find(state, event.target.as_ref())?;
    let order = order(state, &subject);
    let rejected = open_to(order, &subject, FulfilmentEvent::Reject)?;
    let stock = allocated_stock(order, &rejected);
    let nodes: Vec<NodeIx> = rejected.iter().map(|&place| order.fulfilments[place].node).collect();
    scorecard::count_all(state, subject.key, &rejected, Conduct::Rejected, context.now_ms);
    for node in nodes {
        let known = state.node_day(node);
        state.put_node_day(node, NodeDay { rejected_at: context.now_ms, ..known });
    }
    let mut asked = Vec::new();
    change_order(state, subject.key, &mut |order| {
        for &place in &rejected {
            give_back(order, place);
            asked.extend(order.take_asked_back(place));
        }
    });
    if !asked.is_empty() {
        // The node was asked for them: they are cancelled, not sent elsewhere.
        work.push(Work::Cancel {
            order: subject.key,
            lines: by_line(asked),
            cause: v1::Cause::Cancelled,
        });
    }
    work.push(Work::Route { order: subject.key, cause: v1::Cause::Rerouted });
    for (sku, node, units) in stock {
        let missing = Missing { units, in_hand: 0, kind: EntryKind::Reject };
        release_missing(state, context, Shelf { sku, node }, &missing, event.reason(), work);
    }
    Ok(())
}

fn give_back(order: &mut Order, place: usize) {
    let fulfilment = &mut order.fulfilments[place];
    fulfilment.happen(FulfilmentEvent::Reject);
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

/// Promised units that a node does not have for an order.
pub(super) struct Missing {
    pub units: i64,
    /// Units that are known to be there, whatever was not found.
    pub in_hand: i64,
    /// What the ledger calls it.
    pub kind: EntryKind,
}

/// Rule R11: the promise is released, and the reason says what else is true of the units.
pub(super) fn release_missing<S: State>(
    state: &mut S,
    context: Context<'_>,
    shelf: Shelf,
    missing: &Missing,
    reason: v1::RejectionReason,
    work: &mut Vec<Work>,
) {
    let stock = state.stock_at(shelf.sku, shelf.node).expect("what is allocated is stocked");
    let units = missing.units;
    let released = Entry::new(missing.kind, reason.as_str_name(), context.time_ms);
    let released = Entry { allocated: -units, ..released };
    let entry = match reason {
        v1::RejectionReason::NotInStock => {
            let gone = (stock.on_hand - missing.in_hand).max(0);
            Entry { on_hand: -gone, entered: -gone, ..released }
        }
        v1::RejectionReason::Mismatch => Entry { on_hand: -units, entered: -units, ..released },
        v1::RejectionReason::Damaged => Entry { on_hand: -units, quarantine: units, ..released },
        v1::RejectionReason::NoVariance | v1::RejectionReason::Unspecified => released,
    };
    book_checked(state, shelf, &entry, MovementKind::Moved, work);
    serve_if_waited(state, shelf.sku, work);
}

/// Rule S2: what is dispatched must be there, however validly it was promised.
pub(super) fn ship<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::FulfilmentShipped,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let subject = find(state, event.target.as_ref())?;
    let order = order(state, &subject);
    refuse_collected(order, &subject)?;
    let moves = moves(order, &subject, &event.lines, sendable(order))?;
    refuse_held(order, &moves)?;
    check_dispatches(state, context, subject.key, &moves)?;
    let named = lots::named(state, subject.key, &moves, &event.lots, context.time_ms)?;
    let serials = serials::leaving(state, subject.key, &moves, &event.serials, context.time_ms)?;
    let fresh = state.order(subject.key).expect("found before");
    lots::check_fresh(fresh, &moves, &named, context.time_ms)?;
    let label = Label { carrier: &event.carrier, tracking_number: &event.tracking_number };
    let given = label.given()?;
    let parcel = given.map(|label| parcels::labelled(state, subject.key, label, &moves));
    let parcel = parcel.transpose()?;
    lots::retarget(state, subject.key, &named);
    serials.lift(state, context.time_ms);
    leave(state, context, subject.key, &moves, Fulfilment::have_left, work);
    serials.land(state, context.time_ms);
    tell_shipped(state, subject.key, &moves, label, work);
    if let Some((key, parcel)) = parcel {
        parcels::put_handed_over(state, subject.key, key, parcel);
    }
    Ok(())
}

/// What its customer collects where it lies is sent nowhere.
pub(super) fn refuse_collected(order: &Order, subject: &Subject) -> Result<(), Refusal> {
    let stays =
        |(place, part): (usize, &Fulfilment)| !subject.covers(place) || part.send_to().is_none();
    if order.is_pickup() && order.fulfilments.iter().enumerate().all(stays) {
        let detail = format!("order `{}` is collected by its customer", order.order_id);
        return Err(Refusal::new(Reason::PickupOrder, detail));
    }
    Ok(())
}

/// The customer is told what is on its way to them; what goes to a node first is told when it leaves
/// there.
pub(super) fn tell_shipped<S: State>(
    state: &mut S,
    key: OrderKey,
    moves: &[Move],
    label: Label<'_>,
    work: &mut Vec<Work>,
) {
    let order = state.order(key).expect("found before");
    let is_sent = |step: &&Move| order.fulfilments[step.fulfilment].send_to().is_none();
    let sent: Vec<Move> = moves.iter().filter(is_sent).cloned().collect();
    tell_moves(state, key, v1::NoticeKind::Shipped, &sent, label, work);
}

/// Whether the units of all moves are there to leave (rule S2).
pub(super) fn check_dispatches<S: State>(
    state: &mut S,
    context: Context<'_>,
    key: OrderKey,
    moves: &[Move],
) -> Result<(), Refusal> {
    let order = state.order(key).expect("found before");
    for (sku, node, units) in moved_stock(order, moves) {
        check_dispatch(state, Shelf { sku, node }, units, context.time_ms)?;
    }
    Ok(())
}

/// The units of the moves leave their nodes; `tell` says so to each fulfilment. Where a node had
/// been asked for them, that question is answered: they stay with the order.
pub(super) fn leave<S: State>(
    state: &mut S,
    context: Context<'_>,
    key: OrderKey,
    moves: &[Move],
    tell: fn(&mut Fulfilment),
    work: &mut Vec<Work>,
) {
    let stock = moved_stock(state.order(key).expect("found before"), moves);
    let (mut kept, mut done) = (Vec::new(), Vec::new());
    change_order(state, key, &mut |order| {
        for step in moves {
            ship_move(order, step);
            kept.extend(gone_though_asked(order, step));
        }
        for place in places(moves) {
            tell(&mut order.fulfilments[place]);
            if order.fulfilments[place].units_left() == 0 && !order.is_counted(place) {
                done.push(order.fulfilments[place].node);
            }
        }
    });
    for node in done {
        scorecard::count(state, node, Conduct::Kept, context.now_ms);
    }
    if !kept.is_empty() {
        let (lines, reason) = (by_line(kept), Reason::AlreadyShipped);
        work.push(Work::Keep { order: key, lines, reason });
    }
    for (sku, node, units) in stock {
        let entry = Entry {
            on_hand: -units,
            allocated: -units,
            shipped: units,
            ..Entry::new(EntryKind::Ship, "", context.time_ms)
        };
        book_checked(state, Shelf { sku, node }, &entry, MovementKind::Shipped, work);
    }
    capture_due(state, key, work);
    promises::settle(state, key, Some(context.time_ms), work);
}

/// What left before the newest count is no longer among what was counted.
fn check_dispatch<S: State>(
    state: &mut S,
    shelf: Shelf,
    units: i64,
    time_ms: i64,
) -> Result<(), Refusal> {
    let Shelf { sku, node } = shelf;
    let on_hand = state.stock_at(sku, node).map_or(0, |stock| stock.on_hand);
    check::quantity("shipped quantity", units, 1, state.item(sku))?;
    if on_hand >= units || was_counted(state, shelf, time_ms, MovementKind::Shipped) {
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
pub(super) fn places(moves: &[Move]) -> Vec<usize> {
    let mut places: Vec<usize> = moves.iter().map(|step| step.fulfilment).collect();
    places.sort_unstable();
    places.dedup();
    places
}

pub(super) fn deliver<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::FulfilmentDelivered,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let subject = find(state, event.target.as_ref())?;
    let moves = moves(order(state, &subject), &subject, &event.lines, to_customer)?;
    arrive(state, subject.key, &moves, context.time_ms);
    tell_arrival(state, subject.key, &moves, Label::NONE, work);
    Ok(())
}

/// The customer is told what arrived, and what was open about its way is settled.
pub(super) fn tell_arrival<S: State>(
    state: &mut S,
    key: OrderKey,
    moves: &[Move],
    label: Label<'_>,
    work: &mut Vec<Work>,
) {
    tell_moves(state, key, v1::NoticeKind::Delivered, moves, label, work);
    for place in places(moves) {
        tickets::settle_way(state, key, place as u32 + 1, "delivered", work);
    }
}

/// One notice for each fulfilment that moves are of.
pub(super) fn tell_moves<S: State>(
    state: &mut S,
    key: OrderKey,
    kind: v1::NoticeKind,
    moves: &[Move],
    label: Label<'_>,
    work: &mut Vec<Work>,
) {
    if !is_wanted(state, kind) {
        return;
    }
    for place in places(moves) {
        let of_place = moves.iter().filter(|step| step.fulfilment == place);
        notify(state, key, kind, work, |order, notice| {
            let units = of_place.map(|step| (line_of(order, step).line as usize, step.units));
            let units: Vec<(usize, i64)> = units.collect();
            notice.fulfilment = place as u32 + 1;
            notice.lines = quantities(order, &units);
            notice.carrier = label.carrier.to_owned();
            notice.tracking_number = label.tracking_number.to_owned();
        });
    }
}

/// The units of the moves arrive at an instant.
pub(super) fn arrive<S: State>(state: &mut S, key: OrderKey, moves: &[Move], at: i64) {
    note_arrival(state, key, moves, at);
    state.change_order(key, &mut |order| {
        for place in places(moves) {
            order.fulfilments[place].have_ended(true);
        }
    });
}

/// As [`arrive`], where the fulfilments are told otherwise.
pub(super) fn note_arrival<S: State>(state: &mut S, key: OrderKey, moves: &[Move], at: i64) {
    state.change_order(key, &mut |order| {
        for step in moves {
            deliver_move(order, step);
        }
        let details = order.details.get_or_insert_default();
        details.arrived_at = details.arrived_at.max(at);
    });
    promises::settle(state, key, Some(at), &mut Vec::new()); // an arrival moves no promise
}

fn deliver_move(order: &mut Order, step: &Move) {
    let place = line_of(order, step).line as usize;
    let fulfilment = &mut order.fulfilments[step.fulfilment];
    fulfilment.lines[step.line].delivered += step.units;
    order.lines[place].delivered += step.units;
}
