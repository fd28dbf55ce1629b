//! Pick-up orders at their node (rule R10): ready, collected, not collected, back on the shelf.

use omnifold_events::v1::{self, NoticeKind};

use super::fulfilment::{check_dispatches, leave, note_arrival};
use super::questions::{by_line, refuse_held};
use super::subject::{Subject, allocated, find, moves, open_to, order};
use super::{Context, lots, serials};
use crate::notice::{notify, quantities};
use crate::timer::change_order;
use crate::transitions::FulfilmentEvent;
use crate::{Fulfilment, FulfilmentState, Order, OrderKey, Reason, Refusal, State, Timing, Work};

/// The fulfilments of a pick-up order that stand where an event needs them.
fn pickups<S: State>(
    state: &mut S,
    target: Option<&v1::FulfilmentTarget>,
    event: FulfilmentEvent,
) -> Result<(Subject, Vec<usize>), Refusal> {
    let subject = find(state, target)?;
    let order = order(state, &subject);
    if !order.is_pickup() {
        let detail = format!("order `{}` is sent to its customer", order.order_id);
        return Err(Refusal::new(Reason::NotPickup, detail));
    }
    let found = open_to(order, &subject, event)?;
    Ok((subject, found))
}

/// What lies ready was taken from the shelf.
pub(super) fn ready<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::FulfilmentReadyForPickup,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let (subject, found) = pickups(state, event.target.as_ref(), FulfilmentEvent::MakeReady)?;
    let settings = state.settings().expect("checked before every fold");
    let by = |span: i64| if span == 0 { 0 } else { context.now_ms + span };
    let remind_at = by(settings.pickup_reminder_after_ms);
    let ready_until = by(settings.pickup_expires_after_ms);
    change_order(state, subject.key, &mut |order| {
        for &place in &found {
            let fulfilment = &mut order.fulfilments[place];
            for line in 0..fulfilment.lines.len() {
                let units = fulfilment.lines[line].allocated;
                fulfilment.progress_mut().lines[line].picked = units;
            }
            fulfilment.happen(FulfilmentEvent::MakeReady);
        }
        order.change_timing(|timing| {
            (timing.remind_at, timing.ready_until) = (remind_at, ready_until);
        });
    });
    tell(state, subject.key, NoticeKind::ReadyForPickup, &found, work);
    Ok(())
}

/// Until when each of these lies ready.
fn tell<S: State>(
    state: &mut S,
    key: OrderKey,
    kind: NoticeKind,
    places: &[usize],
    work: &mut Vec<Work>,
) {
    for &place in places {
        notify(state, key, kind, work, |order, notice| {
            notice.fulfilment = place as u32 + 1;
            let lines = order.fulfilments[place].lines.iter();
            let lines = lines.map(|line| (line.line as usize, line.allocated));
            let lines: Vec<_> = lines.filter(|&(_, units)| units > 0).collect();
            notice.lines = quantities(order, &lines);
            notice.due_ms = order.timing.as_ref().map_or(0, |timing| timing.ready_until);
        });
    }
}

fn lying_ready(order: &Order) -> Vec<usize> {
    let numbered = order.fulfilments.iter().enumerate();
    let ready = numbered.filter(|(_, part)| part.state == FulfilmentState::ReadyForPickup);
    ready.map(|(place, _)| place).collect()
}

/// Nobody has come for it yet.
pub(crate) fn remind<S: State>(state: &mut S, key: OrderKey, due_ms: i64, work: &mut Vec<Work>) {
    let Some(order) = state.order(key) else { return };
    let due = |timing: &Timing| (1..=due_ms).contains(&timing.remind_at);
    if !order.timing.as_deref().is_some_and(due) {
        return;
    }
    let ready = lying_ready(order);
    change_order(state, key, &mut |order| order.change_timing(|timing| timing.remind_at = 0));
    tell(state, key, NoticeKind::PickupReminder, &ready, work);
}

/// Nobody came in time. The units stay promised until the node has them back on its shelf.
pub(crate) fn end_wait<S: State>(state: &mut S, key: OrderKey, due_ms: i64) {
    let Some(order) = state.order(key) else { return };
    let due = |timing: &Timing| (1..=due_ms).contains(&timing.ready_until);
    if !order.timing.as_deref().is_some_and(due) {
        return;
    }
    let ready = lying_ready(order);
    change_order(state, key, &mut |order| {
        ready.iter().for_each(|&place| {
            order.fulfilments[place].happen(FulfilmentEvent::ExpirePickup);
        });
        order.change_timing(|timing| (timing.remind_at, timing.ready_until) = (0, 0));
    });
}

/// The units leave and arrive in one.
pub(super) fn collect<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::FulfilmentCollected,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let collects = FulfilmentEvent::CollectPart;
    let (subject, _) = pickups(state, event.target.as_ref(), collects)?;
    let moves = moves(order(state, &subject), &subject, &event.lines, allocated)?;
    refuse_held(order(state, &subject), &moves)?;
    check_dispatches(state, context, subject.key, &moves)?;
    lots::check_fresh(order(state, &subject), &moves, &[], context.time_ms)?;
    let serials = serials::leaving(state, subject.key, &moves, &event.serials, context.time_ms)?;
    serials.lift(state, context.time_ms);
    leave(state, context, subject.key, &moves, Fulfilment::were_collected, work);
    serials.land(state, context.time_ms);
    note_arrival(state, subject.key, &moves, context.time_ms);
    Ok(())
}

/// The units stay where they are and stay promised until they are back in stock.
pub(super) fn expire<S: State>(
    state: &mut S,
    event: &v1::FulfilmentPickupExpired,
) -> Result<(), Refusal> {
    let expires = FulfilmentEvent::ExpirePickup;
    let (subject, found) = pickups(state, event.target.as_ref(), expires)?;
    change_order(state, subject.key, &mut |order| {
        found.iter().for_each(|&place| order.fulfilments[place].happen(expires));
    });
    Ok(())
}

/// What nobody came for is released and cancelled.
pub(super) fn return_to_stock<S: State>(
    state: &mut S,
    event: &v1::FulfilmentReturnedToStock,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let reshelves = FulfilmentEvent::Reshelve;
    let (subject, found) = pickups(state, event.target.as_ref(), reshelves)?;
    change_order(state, subject.key, &mut |order| {
        for &place in &found {
            order.fulfilments[place].happen(reshelves);
            order.take_asked_back(place); // this answers what the node was asked for
        }
    });
    for fulfilment in found {
        let held = order(state, &subject).fulfilments[fulfilment].lines.iter();
        let held = held.map(|part| (part.line as usize, part.allocated));
        let lines = by_line(held.filter(|&(_, units)| units > 0).collect());
        work.push(Work::Release { order: subject.key, fulfilment, lines });
    }
    Ok(())
}
