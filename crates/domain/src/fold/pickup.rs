//! Pick-up orders at their node (rule R10): ready, collected, not collected, back on the shelf.

use omnifold_events::v1::{self, NoticeKind};

use super::fulfilment::{check_dispatches, leave, note_arrival, places};
use super::gathering;
use super::losses::{Fate, GivenUp, give_up};
use super::questions::{by_line, refuse_held};
use super::subject::{Move, Subject, find, moves, open_to, order};
use super::{Context, lots, serials};
use crate::notice::{notify, quantities};
use crate::timer::change_order;
use crate::transitions::FulfilmentEvent;
use crate::{
    Entry, EntryKind, Fulfilment, FulfilmentState, Order, OrderKey, Reason, Refusal, SerialEvent,
    SerialPlace, State, Timing, Work,
};

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
    let mut found = open_to(order, &subject, event)?;
    found.retain(|&place| lies_here(&order.fulfilments[place]));
    if found.is_empty() {
        let detail = format!("the units of `{}` are not where they are collected", order.order_id);
        return Err(Refusal::new(Reason::WrongState, detail));
    }
    Ok((subject, found))
}

/// Whether it stands at the node where it is collected.
fn lies_here(part: &Fulfilment) -> bool {
    use FulfilmentState::{AtNode, ReadyAtNode};
    part.send_to().is_none() || matches!(part.state, AtNode | ReadyAtNode)
}

/// Units of a line that lie where they are collected.
fn lying(part: &Fulfilment, line: usize) -> i64 {
    part.lines[line].allocated + part.line_progress(line).at_node
}

/// Of what the customer may come for, these units.
fn ready_units(part: &Fulfilment, line: usize) -> i64 {
    if part.state.lies_ready() { lying(part, line) } else { 0 }
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
        if is_all_ready(order) {
            order.change_timing(|timing| {
                (timing.remind_at, timing.ready_until) = (remind_at, ready_until);
            });
        }
    });
    if is_all_ready(order(state, &subject)) {
        let ready = lying_ready(order(state, &subject));
        tell(state, subject.key, NoticeKind::ReadyForPickup, &ready, work);
    }
    Ok(())
}

/// The customer comes once: when no part is to come any more.
fn is_all_ready(order: &Order) -> bool {
    let is_done = |part: &Fulfilment| {
        let left = |line: usize| part.lines[line].allocated + part.outstanding(line);
        part.state.lies_ready() || (0..part.lines.len()).all(|line| left(line) == 0)
    };
    order.fulfilments.iter().all(is_done)
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
            let part = &order.fulfilments[place];
            let numbered = part.lines.iter().enumerate();
            let lines = numbered.map(|(at, line)| (line.line as usize, lying(part, at)));
            let lines: Vec<_> = lines.filter(|&(_, units)| units > 0).collect();
            notice.lines = quantities(order, &lines);
            notice.due_ms = order.timing.as_ref().map_or(0, |timing| timing.ready_until);
        });
    }
}

fn lying_ready(order: &Order) -> Vec<usize> {
    let numbered = order.fulfilments.iter().enumerate();
    let ready = numbered.filter(|(_, part)| part.state.lies_ready());
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

/// The units leave and arrive in one. What was sent there had left before.
pub(super) fn collect<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::FulfilmentCollected,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let collects = FulfilmentEvent::CollectPart;
    let (subject, _) = pickups(state, event.target.as_ref(), collects)?;
    let all = moves(order(state, &subject), &subject, &event.lines, ready_units)?;
    refuse_held(order(state, &subject), &all)?;
    let (sent, own) = gathering::parted(state, subject.key, all);
    check_dispatches(state, context, subject.key, &own)?;
    lots::check_fresh(order(state, &subject), &own, &[], context.time_ms)?;
    let serials = serials::leaving(state, subject.key, &own, &event.serials, context.time_ms)?;
    if !own.is_empty() {
        serials.lift(state, context.time_ms);
        leave(state, context, subject.key, &own, Fulfilment::were_collected, work);
        serials.land(state, context.time_ms);
        note_arrival(state, subject.key, &own, context.time_ms);
    }
    if !sent.is_empty() {
        state.change_order(subject.key, &mut |order| take_away(order, &sent));
        note_arrival(state, subject.key, &sent, context.time_ms);
        change_order(state, subject.key, &mut |order| {
            places(&sent).into_iter().for_each(|place| order.fulfilments[place].were_collected());
        });
    }
    Ok(())
}

fn take_away(order: &mut Order, moves: &[Move]) {
    for step in moves {
        let part = &mut order.fulfilments[step.fulfilment];
        part.progress_mut().lines[step.line].at_node -= step.units;
    }
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

/// What nobody came for is released and cancelled. What was sent there enters the stock of the node
/// where it lies, and what was paid for it is due.
pub(super) fn return_to_stock<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::FulfilmentReturnedToStock,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let reshelves = FulfilmentEvent::Reshelve;
    let (subject, all) = pickups(state, event.target.as_ref(), reshelves)?;
    let is_sent = |&place: &usize| order(state, &subject).fulfilments[place].send_to().is_some();
    let (sent, found): (Vec<usize>, Vec<usize>) = all.into_iter().partition(is_sent);
    shelve_sent(state, context, &subject, &sent, work)?;
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

fn shelve_sent<S: State>(
    state: &mut S,
    context: Context<'_>,
    subject: &Subject,
    places: &[usize],
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let order = order(state, subject);
    let moves: Vec<Move> =
        places.iter().flat_map(|&place| gathering::all_of(order, place)).collect();
    let Some(node) = order.gathers_at().filter(|_| !moves.is_empty()) else { return Ok(()) };
    let shelf = SerialPlace::OnHand(node);
    let serials = serials::of_order(state, subject.key, &moves, &[])?;
    for (_, _, units) in &serials {
        units.check_room(state, &shelf)?;
    }
    let entry = Entry::new(EntryKind::Return, "NOT_COLLECTED", context.time_ms);
    give_up(state, subject, &GivenUp { moves: &moves, fate: Fate::OnShelf, entry }, work);
    for (_, _, units) in serials {
        units.go(state, &shelf, SerialEvent::Returned, context.time_ms);
    }
    crate::serials::settle_order(state, subject.key, context.time_ms);
    Ok(())
}
