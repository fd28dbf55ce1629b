//! Parts of an order that come together at a node before their customer gets them: where they are
//! collected (ship to store), or where they become one parcel (merge in transit). What lies there
//! belongs to the order and is no stock of that node.

use omnifold_events::v1;

use super::fulfilment::{places, tell_moves};
use super::parcels::{self, Label};
use super::questions::refuse_held;
use super::subject::{Move, find, moves, open_to, order, to_node};
use super::tickets;
use crate::transitions::FulfilmentEvent;
use crate::{Order, OrderKey, Reason, Refusal, State, Work};

/// Units reached the node that they were sent to.
pub(super) fn arrive<S: State>(
    state: &mut S,
    event: &v1::FulfilmentArrivedAtNode,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let subject = find(state, event.target.as_ref())?;
    let moves = moves(order(state, &subject), &subject, &event.lines, to_node)?;
    state.change_order(subject.key, &mut |order| {
        for step in &moves {
            let part = &mut order.fulfilments[step.fulfilment];
            part.progress_mut().lines[step.line].at_node += step.units;
        }
        for place in places(&moves) {
            order.fulfilments[place].have_reached_node();
        }
    });
    for place in places(&moves) {
        tickets::settle_way(state, subject.key, place as u32 + 1, "at_node", work);
    }
    Ok(())
}

/// Moves to a node, and moves to the customer.
pub(super) fn parted<S: State>(
    state: &mut S,
    key: OrderKey,
    moves: Vec<Move>,
) -> (Vec<Move>, Vec<Move>) {
    if moves.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let order = state.order(key).expect("found before");
    moves.into_iter().partition(|step| order.fulfilments[step.fulfilment].send_to().is_some())
}

/// What lies at the node leaves it for its customer. From then on it is a fulfilment that was shipped
/// like any other.
pub(super) fn forward<S: State>(
    state: &mut S,
    event: &v1::FulfilmentForwarded,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let subject = find(state, event.target.as_ref())?;
    let order = order(state, &subject);
    let found = open_to(order, &subject, FulfilmentEvent::Forward)?;
    if order.is_pickup() {
        let detail = format!("order `{}` is collected by its customer", order.order_id);
        return Err(Refusal::new(Reason::PickupOrder, detail));
    }
    let moves: Vec<Move> = found.iter().flat_map(|&place| all_of(order, place)).collect();
    refuse_held(order, &moves)?;
    let label = Label { carrier: &event.carrier, tracking_number: &event.tracking_number };
    let to_customer = (subject.key, None);
    let given = label.given()?;
    let parcel = given.map(|label| parcels::sent_to(state, to_customer, label, &moves));
    let parcel = parcel.transpose()?;
    state.change_order(subject.key, &mut |order| {
        for &place in &found {
            let part = &mut order.fulfilments[place];
            part.happen(FulfilmentEvent::Forward);
            let progress = part.progress_mut();
            progress.send_to = None;
            progress.lines.iter_mut().for_each(|line| line.at_node = 0);
        }
    });
    tell_moves(state, subject.key, v1::NoticeKind::Shipped, &moves, label, work);
    if let Some((key, parcel)) = parcel {
        parcels::put_handed_over(state, subject.key, key, parcel);
    }
    Ok(())
}

/// What lies at the node of a fulfilment that is sent to one.
pub(super) fn all_of(order: &Order, fulfilment: usize) -> Vec<Move> {
    let part = &order.fulfilments[fulfilment];
    let step = |line: usize| Move { fulfilment, line, units: part.line_progress(line).at_node };
    (0..part.lines.len()).map(step).filter(|step| step.units > 0).collect()
}
