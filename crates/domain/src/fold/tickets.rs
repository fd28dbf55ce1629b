//! Tickets: what somebody has to look at, until it is done; and what customers say of an order.

use omnifold_events::v1::{self, NoticeKind, TicketKind};

use super::check;
use crate::notice::notify;
use crate::{Feedback, Order, OrderKey, Reason, Refusal, State, Ticket, Work};

/// Most things a customer may have said of one order.
const MAX_FEEDBACK: usize = 20;
/// Best score.
const MAX_SCORE: u32 = 5;

/// Opens a ticket, unless one like it is open. `fulfilment` is its number; 0: the whole order.
pub(crate) fn open<S: State>(
    state: &mut S,
    key: OrderKey,
    kind: TicketKind,
    fulfilment: u32,
    work: &mut Vec<Work>,
) {
    let order = state.order(key).expect("tickets are about orders that are there");
    let same = |ticket: &Ticket| (ticket.kind, ticket.fulfilment) == (kind.into(), fulfilment);
    if order.details.as_ref().is_some_and(|details| details.tickets.iter().any(same)) {
        return;
    }
    let mut number = 0;
    state.change_order(key, &mut |order| {
        let details = order.details.get_or_insert_default();
        details.tickets_opened += 1;
        number = details.tickets_opened;
        details.tickets.push(Ticket { number, kind: kind.into(), fulfilment });
    });
    let ticket = Ticket { number, kind: kind.into(), fulfilment };
    tell(state, key, NoticeKind::TicketOpened, ticket, "", work);
}

fn tell<S: State>(
    state: &mut S,
    key: OrderKey,
    kind: NoticeKind,
    ticket: Ticket,
    reason: &str,
    work: &mut Vec<Work>,
) {
    notify(state, key, kind, work, |_, notice| {
        notice.fulfilment = ticket.fulfilment;
        notice.ticket = ticket.number;
        notice.ticket_kind = ticket.kind;
        notice.reason = reason.to_owned();
    });
}

/// Closes the open tickets that are settled by what happened.
pub(crate) fn settle<S: State>(
    state: &mut S,
    key: OrderKey,
    is_settled: impl Fn(&Ticket) -> bool,
    resolution: &str,
    work: &mut Vec<Work>,
) {
    let order = state.order(key).expect("tickets are about orders that are there");
    let open = order.details.iter().flat_map(|details| &details.tickets);
    let settled: Vec<Ticket> = open.copied().filter(|ticket| is_settled(ticket)).collect();
    if settled.is_empty() {
        return;
    }
    state.change_order(key, &mut |order| {
        let details = order.details.get_or_insert_default();
        details.tickets.retain(|ticket| !settled.contains(ticket));
    });
    for ticket in settled {
        tell(state, key, NoticeKind::TicketClosed, ticket, resolution, work);
    }
}

/// The tickets about the way of a fulfilment: it goes on, has arrived, or has come back.
pub(crate) fn settle_way<S: State>(
    state: &mut S,
    key: OrderKey,
    fulfilment: u32,
    resolution: &str,
    work: &mut Vec<Work>,
) {
    let of_way = |ticket: &Ticket| {
        ticket.fulfilment == fulfilment && ticket.kind != i32::from(TicketKind::Short)
    };
    settle(state, key, of_way, resolution, work);
}

/// A ticket about missing units is settled once none of them is open.
pub(crate) fn settle_short<S: State>(
    state: &mut S,
    key: OrderKey,
    resolution: &str,
    work: &mut Vec<Work>,
) {
    let order = state.order(key).expect("tickets are about orders that are there");
    if order.details.is_none() || order.lines.iter().any(|line| line.open > 0) {
        return;
    }
    let short = i32::from(TicketKind::Short);
    settle(state, key, |ticket| ticket.kind == short, resolution, work);
}

fn known<'s, S: State>(
    state: &'s mut S,
    channel: &str,
    order_id: &str,
) -> Result<(OrderKey, &'s Order), Refusal> {
    let key = OrderKey::of(channel, order_id);
    let unknown = || Refusal::new(Reason::UnknownOrder, format!("no order `{channel}/{order_id}`"));
    Ok((key, state.order(key).ok_or_else(unknown)?))
}

/// Somebody is done with a ticket.
pub(super) fn close<S: State>(
    state: &mut S,
    event: &v1::TicketClosed,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    if !event.resolution.is_empty() {
        check::name("resolution", &event.resolution)?;
    }
    let (key, order) = known(state, &event.channel, &event.order_id)?;
    let mut open = order.details.iter().flat_map(|details| &details.tickets);
    if !open.any(|ticket| ticket.number == event.ticket) {
        let detail = format!("no open ticket {} of `{}`", event.ticket, event.order_id);
        return Err(Refusal::new(Reason::UnknownTicket, detail));
    }
    settle(state, key, |ticket| ticket.number == event.ticket, &event.resolution, work);
    Ok(())
}

pub(super) fn take_feedback<S: State>(
    state: &mut S,
    event: &v1::OrderFeedback,
) -> Result<(), Refusal> {
    check::name("feedback_id", &event.feedback_id)?;
    let (key, order) = known(state, &event.channel, &event.order_id)?;
    if !(1..=MAX_SCORE).contains(&event.score) {
        let detail = format!("score {} is not in 1 to {MAX_SCORE}", event.score);
        return Err(Refusal::new(Reason::InvalidScore, detail));
    }
    let said = order.details.as_ref().map_or(&[][..], |details| &details.feedback);
    let is_new = said.iter().all(|known| known.id != event.feedback_id);
    if is_new && said.len() >= MAX_FEEDBACK {
        let detail = format!("an order may have {MAX_FEEDBACK} feedbacks");
        return Err(Refusal::new(Reason::TooMuchFeedback, detail));
    }
    state.change_order(key, &mut |order| {
        let feedback = &mut order.details.get_or_insert_default().feedback;
        feedback.retain(|known| known.id != event.feedback_id);
        feedback.push(Feedback { id: event.feedback_id.clone(), score: event.score });
    });
    Ok(())
}
