//! Holds and questions that stand between a node and the units it was given: what is held does not
//! leave, and what a node was asked to give up is answered by it.

use omnifold_events::v1;

use super::check;
use super::subject::{Move, find, line_of, order};
use crate::{Order, OrderKey, Reason, Refusal, State, Work};

/// Sums units by line.
pub(super) fn by_line(units: Vec<(usize, i64)>) -> Vec<(usize, i64)> {
    let mut sums: Vec<(usize, i64)> = Vec::with_capacity(units.len());
    for (line, units) in units {
        match sums.iter_mut().find(|(other, _)| *other == line) {
            Some((_, sum)) => *sum += units,
            None => sums.push((line, units)),
        }
    }
    sums
}

/// What is held does not leave.
pub(super) fn refuse_held(order: &Order, moves: &[Move]) -> Result<(), Refusal> {
    let held = |step: &&Move| order.is_fulfilment_held(step.fulfilment);
    let Some(step) = moves.iter().find(held) else { return Ok(()) };
    let holds = order.holds_of_fulfilment(step.fulfilment);
    let detail = format!("f{} is on hold: {holds:?}", step.fulfilment + 1);
    Err(Refusal::new(Reason::OnHold, detail))
}

/// The node was asked for units that it has no more: the question is answered for those.
pub(super) fn gone_though_asked(order: &mut Order, step: &Move) -> Option<(usize, i64)> {
    let line = *line_of(order, step);
    let over = order.asked_back_of(step.fulfilment, &line) - line.allocated;
    if over <= 0 {
        return None;
    }
    let answered = (line.line as usize, over);
    order.answer_asked(step.fulfilment, line.line as usize, over);
    Some(answered)
}

/// The node gives up what it was asked for: it is taken back and cancelled.
pub(super) fn give_up<S: State>(
    state: &mut S,
    event: &v1::FulfilmentReleaseConfirmed,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let (key, fulfilment, lines) = answered(state, event.target.as_ref())?;
    work.push(Work::Release { order: key, fulfilment, lines });
    Ok(())
}

/// The node keeps what it was asked for: the cancellation is refused for those units.
pub(super) fn keep<S: State>(
    state: &mut S,
    event: &v1::FulfilmentReleaseRefused,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    if !event.reason.is_empty() {
        check::name("reason", &event.reason)?;
    }
    let (order, _, lines) = answered(state, event.target.as_ref())?;
    work.push(Work::Keep { order, lines, reason: Reason::ReleaseRefused });
    Ok(())
}

/// An order, the place of one of its fulfilments, and (place of the line, units).
type Answered = (OrderKey, usize, Vec<(usize, i64)>);

/// The units that one node was asked for, off the books now.
fn answered<S: State>(
    state: &mut S,
    target: Option<&v1::FulfilmentTarget>,
) -> Result<Answered, Refusal> {
    let subject = find(state, target)?;
    let Some(place) = subject.fulfilment else {
        let detail = "an answer to a request names one fulfilment";
        return Err(Refusal::new(Reason::UnknownFulfilment, detail));
    };
    let handling = order(state, &subject).handling.as_ref();
    let asked = handling.map_or(&[][..], |handling| &handling.asked_back);
    if !asked.iter().any(|asked| asked.fulfilment as usize == place) {
        let detail = "the node was not asked to give up anything of it";
        return Err(Refusal::new(Reason::ReleaseNotRequested, detail));
    }
    let mut lines = Vec::new();
    state.change_order(subject.key, &mut |order| lines = order.take_asked_back(place));
    Ok((subject.key, place, by_line(lines)))
}
