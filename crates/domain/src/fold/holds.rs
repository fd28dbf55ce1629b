//! Holds: several at once, on a whole order or on one fulfilment of it.

use omnifold_events::v1;

use super::{check, orders};
use crate::standing::{Standing, settle};
use crate::{Hold, Order, Reason, Refusal, State, Work};

/// Most holds an order may have at once.
const MAX_HOLDS: usize = 64;
/// Longest note of a hold, in bytes.
const MAX_NOTE_BYTES: usize = 512;

pub(super) fn hold<S: State>(
    state: &mut S,
    event: &v1::OrderHeld,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    check::name("hold_id", &event.hold_id)?;
    if event.reason() == v1::HoldReason::Unspecified {
        return Err(Refusal::new(Reason::Malformed, "a hold needs a reason"));
    }
    if event.note.len() > MAX_NOTE_BYTES {
        let detail = format!("the note is longer than {MAX_NOTE_BYTES} bytes");
        return Err(Refusal::new(Reason::TooLarge, detail));
    }
    let key = orders::find(state, &event.channel, &event.order_id)?;
    let order = state.order(key).expect("found before");
    check_hold(order, event)?;
    let before = Standing::of(order);
    let hold =
        Hold { id: event.hold_id.clone(), reason: event.reason, fulfilment: event.fulfilment };
    state.change_order(key, &mut |order| order.handling_mut().holds.push(hold.clone()));
    settle(state, key, &before, v1::Cause::Held, work);
    Ok(())
}

fn check_hold(order: &Order, event: &v1::OrderHeld) -> Result<(), Refusal> {
    let holds = order.handling.as_ref().map_or(&[][..], |handling| &handling.holds);
    if holds.iter().any(|hold| hold.id == event.hold_id) {
        let detail = format!("hold `{}` stands on the order already", event.hold_id);
        return Err(Refusal::new(Reason::DuplicateHold, detail));
    }
    if holds.len() >= MAX_HOLDS {
        let detail = format!("an order takes {MAX_HOLDS} holds at once");
        return Err(Refusal::new(Reason::TooManyHolds, detail));
    }
    if event.fulfilment == 0 {
        return orders::all_that_is_left(order).map(drop);
    }
    let unknown = || {
        let detail = format!("order `{}` has no fulfilment f{}", order.order_id, event.fulfilment);
        Refusal::new(Reason::UnknownFulfilment, detail)
    };
    let fulfilment = order.fulfilments.get(event.fulfilment as usize - 1).ok_or_else(unknown)?;
    if fulfilment.state.is_open() {
        return Ok(());
    }
    let detail = format!("fulfilment f{} is {:?}", event.fulfilment, fulfilment.state);
    Err(Refusal::new(Reason::WrongState, detail))
}

pub(super) fn release<S: State>(
    state: &mut S,
    event: &v1::OrderHoldReleased,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let key = orders::find(state, &event.channel, &event.order_id)?;
    let order = state.order(key).expect("found before");
    let mut holds = order.handling.iter().flat_map(|handling| &handling.holds);
    let Some(place) = holds.position(|hold| hold.id == event.hold_id) else {
        let detail = format!("order `{}` has no hold `{}`", event.order_id, event.hold_id);
        return Err(Refusal::new(Reason::UnknownHold, detail));
    };
    let before = Standing::of(order);
    state.change_order(key, &mut |order| {
        order.handling_mut().holds.remove(place);
        order.tidy_handling();
    });
    settle(state, key, &before, v1::Cause::HoldReleased, work);
    Ok(())
}
