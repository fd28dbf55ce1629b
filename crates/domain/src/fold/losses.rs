//! Units that left and will not arrive: lost or damaged on the way, or back at their origin (rule
//! S5).

use omnifold_events::v1;

use super::booking::{Shelf, book_checked};
use super::fulfilment::places;
use super::returns::between;
use super::subject::{Move, Subject, find, moves, order, outstanding};
use super::{Context, promises, serials, tickets};
use crate::serials as books;
use crate::work::{Repay, RepayLine};
use crate::{
    Entry, EntryKind, MovementKind, Order, Reason, Refusal, SerialEvent, SerialPlace, State, Work,
};

/// The units are written off; what was paid for them is due.
pub(super) fn lose<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::FulfilmentLost,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    if event.kind() == v1::LossKind::Unspecified {
        return Err(Refusal::new(Reason::Malformed, "a loss is LOST or DAMAGED"));
    }
    let subject = find(state, event.target.as_ref())?;
    let moves = moves(order(state, &subject), &subject, &event.lines, outstanding)?;
    let serials = serials::of_order(state, subject.key, &moves, &event.serials)?;
    let whose = order(state, &subject).clone();
    for (line, _, units) in &serials {
        serials::check_lost(state, &whose, *line, units, context.time_ms)?;
    }
    let lost = Entry::new(EntryKind::Lost, event.kind().as_str_name(), context.time_ms);
    let gone = GivenUp { moves: &moves, fate: Fate::WrittenOff, entry: lost };
    give_up(state, &subject, &gone, work);
    for (_, node, units) in &serials {
        let place = SerialPlace::WrittenOff(*node);
        units.go(state, &place, SerialEvent::Lost, context.time_ms);
    }
    books::settle_order(state, subject.key, context.time_ms);
    let lost = event.kind() == v1::LossKind::Lost;
    let kind = if lost { v1::TicketKind::Lost } else { v1::TicketKind::Damaged };
    for place in places(&moves) {
        tickets::open(state, subject.key, kind, place as u32 + 1, work);
    }
    Ok(())
}

/// Rule S5: only after the cancellation that called the units back, and dated after it.
pub(super) fn return_to_origin<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::FulfilmentReturnedToOrigin,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let fate = match event.disposition() {
        v1::Disposition::Quarantine => Fate::AtOrigin,
        v1::Disposition::Destroy => Fate::WrittenOff,
        _ => {
            let detail = "what returns to its origin goes to QUARANTINE, or DESTROY";
            return Err(Refusal::new(Reason::Malformed, detail));
        }
    };
    let subject = find(state, event.target.as_ref())?;
    let order = order(state, &subject);
    let recalled_at = order.details.as_ref().map_or(0, |details| details.recalled_at);
    if recalled_at == 0 || context.time_ms <= recalled_at {
        let detail = format!("units of `{}` were not called back before", order.order_id);
        return Err(Refusal::new(Reason::NotRecalled, detail));
    }
    let moves = moves(order, &subject, &event.lines, outstanding)?;
    let serials = serials::of_order(state, subject.key, &moves, &event.serials)?;
    let is_destroyed = event.disposition() == v1::Disposition::Destroy;
    let aside = |node| match is_destroyed {
        true => SerialPlace::WrittenOff(node),
        false => SerialPlace::Quarantine(node),
    };
    for (_, node, units) in &serials {
        units.check_room(state, &aside(*node))?;
    }
    let whose = self::order(state, &subject).clone();
    let reason = event.disposition().as_str_name();
    let entry = Entry::new(EntryKind::ReturnedToOrigin, reason, context.time_ms);
    give_up(state, &subject, &GivenUp { moves: &moves, fate, entry }, work);
    for (line, node, units) in serials {
        let wrong = serials::came_back(state, &whose, line, &units, context.time_ms);
        units.go(state, &aside(node), SerialEvent::ReturnedToOrigin, context.time_ms);
        let reference = format!("{}/{}", whose.channel, whose.order_id);
        serials::tell(state, Shelf { sku: units.sku, node }, reference, wrong, work);
    }
    books::settle_order(state, subject.key, context.time_ms);
    for place in places(&moves) {
        tickets::settle_way(state, subject.key, place as u32 + 1, "returned_to_origin", work);
    }
    Ok(())
}

/// Where units are that left and will not reach their customer.
#[derive(Clone, Copy)]
pub(super) enum Fate {
    /// Nowhere.
    WrittenOff,
    /// At their origin again, in quarantine.
    AtOrigin,
    /// On the shelf of the node that they were sent to.
    OnShelf,
}

/// Units that left and will not reach their customer.
pub(super) struct GivenUp<'a> {
    pub moves: &'a [Move],
    pub fate: Fate,
    /// What the ledger is to say, with no units in it yet.
    pub entry: Entry,
}

pub(super) fn give_up<S: State>(
    state: &mut S,
    subject: &Subject,
    gone: &GivenUp<'_>,
    work: &mut Vec<Work>,
) {
    let stock = stock_given_up(order(state, subject), gone);
    let GivenUp { moves, fate, .. } = *gone;
    let lines = due(order(state, subject), moves);
    state.change_order(subject.key, &mut |order| {
        for step in moves {
            let fulfilment = &mut order.fulfilments[step.fulfilment];
            let line = fulfilment.lines[step.line].line as usize;
            fulfilment.progress_mut().lines[step.line].undelivered += step.units;
            let outstanding = fulfilment.outstanding(step.line);
            let at_node = &mut fulfilment.progress_mut().lines[step.line].at_node;
            *at_node = outstanding.min(*at_node);
            order.lines[line].undelivered += step.units;
        }
        for place in places(moves) {
            order.fulfilments[place].have_ended(false);
        }
    });
    promises::settle(state, subject.key, None, work);
    for (shelf, entry) in stock {
        book_checked(state, shelf, &entry, MovementKind::Moved, work);
    }
    let cause = match fate {
        Fate::WrittenOff => v1::Cause::Lost,
        Fate::AtOrigin | Fate::OnShelf => v1::Cause::Returned,
    };
    work.push(Work::Repay(Repay { order: subject.key, returned: None, lines, cause }));
}

/// What the ledgers of the nodes say of it.
fn stock_given_up(order: &Order, gone: &GivenUp<'_>) -> Vec<(Shelf, Entry)> {
    let GivenUp { moves, fate, entry } = *gone;
    let mut found = Vec::new();
    for step in moves {
        let part = &order.fulfilments[step.fulfilment];
        let sku = order.lines[part.lines[step.line].line as usize].sku;
        let (origin, units) = (part.node, step.units);
        let left = Entry { shipped: -units, ..entry };
        let here = match fate {
            Fate::WrittenOff => vec![(origin, Entry { written_off: units, ..left })],
            Fate::AtOrigin => vec![(origin, Entry { quarantine: units, ..left })],
            Fate::OnShelf => {
                let node = part.send_to().expect("it lies at the node it was sent to");
                let came = Entry { on_hand: units, entered: units, ..entry };
                between(origin, node, came, units)
            }
        };
        for (node, entry) in here {
            add(&mut found, Shelf { sku, node }, entry);
        }
    }
    found
}

/// One entry a shelf.
fn add(found: &mut Vec<(Shelf, Entry)>, shelf: Shelf, entry: Entry) {
    let same = |row: &&mut (Shelf, Entry)| (row.0.sku, row.0.node) == (shelf.sku, shelf.node);
    let Some((_, sum)) = found.iter_mut().find(same) else { return found.push((shelf, entry)) };
    sum.shipped += entry.shipped;
    sum.on_hand += entry.on_hand;
    sum.quarantine += entry.quarantine;
    sum.written_off += entry.written_off;
    sum.entered += entry.entered;
}

/// What is due, one row a line.
fn due(order: &Order, moves: &[Move]) -> Vec<RepayLine> {
    let mut rows: Vec<RepayLine> = Vec::new();
    for step in moves {
        let line = order.fulfilments[step.fulfilment].lines[step.line].line as usize;
        match rows.iter_mut().find(|row| row.line == line) {
            Some(row) => row.units += step.units,
            None => rows.push(RepayLine {
                line,
                units: step.units,
                response: v1::ReturnResponse::Refund,
            }),
        }
    }
    rows
}
