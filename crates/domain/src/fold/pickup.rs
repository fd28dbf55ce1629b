//! Pick-up orders at their node (rule R10): ready, collected, not collected, back on the shelf.

use omnifold_events::v1;

use super::Context;
use super::fulfilment::{arrive, check_dispatches, leave};
use super::subject::{Subject, allocated, find, in_state, moves, order};
use crate::{FulfilmentState, Reason, Refusal, State, Work};

/// The fulfilments of a pick-up order that stand where an event needs them.
fn pickups<S: State>(
    state: &mut S,
    target: Option<&v1::FulfilmentTarget>,
    wanted: impl Fn(FulfilmentState) -> bool,
) -> Result<(Subject, Vec<usize>), Refusal> {
    let subject = find(state, target)?;
    let order = order(state, &subject);
    if !order.is_pickup() {
        let detail = format!("order `{}` is sent to its customer", order.order_id);
        return Err(Refusal::new(Reason::NotPickup, detail));
    }
    let found = in_state(order, &subject, wanted)?;
    Ok((subject, found))
}

fn set_state<S: State>(state: &mut S, subject: &Subject, places: &[usize], to: FulfilmentState) {
    state.change_order(subject.key, &mut |order| {
        for &place in places {
            order.fulfilments[place].state = to;
        }
    });
}

/// What lies ready was taken from the shelf.
pub(super) fn ready<S: State>(
    state: &mut S,
    event: &v1::FulfilmentReadyForPickup,
) -> Result<(), Refusal> {
    let (subject, found) = pickups(state, event.target.as_ref(), FulfilmentState::is_at_node)?;
    state.change_order(subject.key, &mut |order| {
        for &place in &found {
            let fulfilment = &mut order.fulfilments[place];
            for line in 0..fulfilment.lines.len() {
                let units = fulfilment.lines[line].allocated;
                fulfilment.progress_mut().lines[line].picked = units;
            }
        }
    });
    set_state(state, &subject, &found, FulfilmentState::ReadyForPickup);
    Ok(())
}

/// The units leave and arrive in one.
pub(super) fn collect<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::FulfilmentCollected,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let is_ready = |state| state == FulfilmentState::ReadyForPickup;
    let (subject, found) = pickups(state, event.target.as_ref(), is_ready)?;
    let moves = moves(order(state, &subject), &subject, &event.lines, allocated)?;
    check_dispatches(state, context, subject.key, &moves)?;
    leave(state, context, subject.key, &moves, work);
    arrive(state, subject.key, &moves, context.time_ms);
    for place in found {
        let lines = &order(state, &subject).fulfilments[place].lines;
        let is_left = lines.iter().any(|line| line.allocated > 0);
        let to = if is_left { FulfilmentState::ReadyForPickup } else { FulfilmentState::Collected };
        set_state(state, &subject, &[place], to);
    }
    Ok(())
}

/// The units stay where they are and stay promised until they are back in stock.
pub(super) fn expire<S: State>(
    state: &mut S,
    event: &v1::FulfilmentPickupExpired,
) -> Result<(), Refusal> {
    let is_ready = |state| state == FulfilmentState::ReadyForPickup;
    let (subject, found) = pickups(state, event.target.as_ref(), is_ready)?;
    set_state(state, &subject, &found, FulfilmentState::PickupExpired);
    Ok(())
}

/// What nobody came for is released and cancelled.
pub(super) fn return_to_stock<S: State>(
    state: &mut S,
    event: &v1::FulfilmentReturnedToStock,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let is_expired = |state| state == FulfilmentState::PickupExpired;
    let (subject, found) = pickups(state, event.target.as_ref(), is_expired)?;
    let order = order(state, &subject);
    let mut lines: Vec<(usize, i64)> = Vec::new();
    for part in found.iter().flat_map(|&place| &order.fulfilments[place].lines) {
        if part.allocated > 0 {
            lines.push((part.line as usize, part.allocated));
        }
    }
    work.push(Work::Cancel { order: subject.key, lines });
    Ok(())
}
