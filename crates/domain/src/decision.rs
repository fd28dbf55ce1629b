//! Folding decisions. A decision is folded from the very message that is published, so taking it
//! and replaying it are one code path.

mod assigned;
mod dropship;
mod returns;
pub(crate) mod sla;
mod soft_hold;
mod waiting;

use dropship::Asked;
use omnifold_events::v1;

use crate::fold::{promises, suggestions, tickets};
use crate::notice;
use crate::standing::{Standing, settle};
use crate::timer::change_order;
use crate::transitions::{self, FulfilmentEvent};
use crate::{
    AskedBack, Entry, EntryKind, Fulfilment, Hold, Line, NodeIx, Order, OrderKey, SkuIx, StandIn,
    State, Work, queues, replenishment,
};

/// One message on `assignments`.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // each variant is documented by its message in proto/
#[allow(clippy::large_enum_variant)] // the large ones are nearly all there are
pub enum Decision {
    Outcome(v1::OrderOutcome),
    Assigned(v1::FulfilmentAssigned),
    Changed(v1::FulfilmentChanged),
    ReleaseRequested(v1::FulfilmentReleaseRequested),
    Released(v1::FulfilmentReleased),
    ReturnAuthorised(Box<v1::ReturnAuthorised>),
    ReturnRefused(v1::ReturnRefused),
    RefundDue(Box<v1::RefundDue>),
    SoftHold(v1::StockHoldOutcome),
    Wave(Box<v1::WavePlanned>),
}

/// When a decision was caused: number of the record, and of the timers that fired since it.
pub type Moment = (u64, u32);

/// A decision that does not fit the state: the log or this build is wrong, never the input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("decision on `{channel}/{order_id}` does not fit the state: {what}")]
pub struct Misfit {
    /// The order's channel.
    pub channel: String,
    /// The order.
    pub order_id: String,
    /// What does not fit.
    pub what: String,
}

impl Decision {
    /// The step that caused it.
    pub fn step(&self) -> u64 {
        match self {
            Decision::Outcome(m) => m.step,
            Decision::Assigned(m) => m.outcome.as_ref().map_or(m.step, |outcome| outcome.step),
            Decision::Changed(m) => m.step,
            Decision::ReleaseRequested(m) => m.step,
            Decision::Released(m) => m.step,
            Decision::ReturnAuthorised(m) => m.step,
            Decision::ReturnRefused(m) => m.step,
            Decision::RefundDue(m) => m.step,
            Decision::SoftHold(m) => m.step,
            Decision::Wave(m) => m.step,
        }
    }

    /// The step that caused it, and which of the timers after it; 0: the record itself.
    pub fn moment(&self) -> Moment {
        let timer = match self {
            Decision::Outcome(m) => m.timer,
            Decision::Assigned(m) => m.outcome.as_ref().map_or(m.timer, |outcome| outcome.timer),
            Decision::Changed(m) => m.timer,
            Decision::ReleaseRequested(m) => m.timer,
            Decision::Released(m) => m.timer,
            Decision::ReturnAuthorised(m) => m.timer,
            Decision::ReturnRefused(m) => m.timer,
            Decision::RefundDue(m) => m.timer,
            Decision::SoftHold(m) => m.timer,
            Decision::Wave(m) => m.timer,
        };
        (self.step(), timer)
    }

    /// Its number among the decisions on its order; holds and waves have none.
    pub fn number(&self) -> u32 {
        match self {
            Decision::Outcome(m) => m.decision,
            Decision::Assigned(m) => m.outcome.as_ref().map_or(m.decision, |o| o.decision),
            Decision::Changed(m) => m.decision,
            Decision::ReleaseRequested(m) => m.decision,
            Decision::Released(m) => m.decision,
            Decision::ReturnAuthorised(m) => m.decision,
            Decision::ReturnRefused(m) => m.decision,
            Decision::RefundDue(m) => m.decision,
            Decision::SoftHold(_) | Decision::Wave(_) => 0,
        }
    }

    /// What made the engine take it.
    pub fn cause(&self) -> v1::Cause {
        match self {
            Decision::Outcome(m) => m.cause(),
            Decision::Assigned(m) => m.outcome.as_ref().map_or(m.cause(), v1::OrderOutcome::cause),
            Decision::Changed(m) => m.cause(),
            Decision::ReleaseRequested(m) => m.cause(),
            Decision::Released(m) => m.cause(),
            Decision::ReturnAuthorised(m) => m.cause(),
            Decision::ReturnRefused(m) => m.cause(),
            Decision::RefundDue(m) => m.cause(),
            Decision::SoftHold(m) => m.cause(),
            Decision::Wave(m) => m.cause(),
        }
    }

    /// Channel and id of its order or hold; no channel and the id of its wave.
    pub fn order(&self) -> (&str, &str) {
        match self {
            Decision::Outcome(m) => (&m.channel, &m.order_id),
            Decision::Assigned(m) => (&m.channel, &m.order_id),
            Decision::Changed(m) => (&m.channel, &m.order_id),
            Decision::ReleaseRequested(m) => (&m.channel, &m.order_id),
            Decision::Released(m) => (&m.channel, &m.order_id),
            Decision::ReturnAuthorised(m) => (&m.channel, &m.order_id),
            Decision::ReturnRefused(m) => (&m.channel, &m.order_id),
            Decision::RefundDue(m) => (&m.channel, &m.order_id),
            Decision::SoftHold(m) => (&m.channel, &m.hold_id),
            Decision::Wave(m) => ("", &m.wave_id),
        }
    }

    fn misfit(&self, what: impl Into<String>) -> Misfit {
        let (channel, order_id) = self.order();
        Misfit { channel: channel.into(), order_id: order_id.into(), what: what.into() }
    }
}

/// Folds one decision, and adds the work it opens to `work`: stock that is free again.
pub fn fold<S: State>(
    state: &mut S,
    decision: &Decision,
    work: &mut Vec<Work>,
) -> Result<(), Misfit> {
    if decision.cause() == v1::Cause::Void {
        return Ok(()); // what is taken back never took effect
    }
    if let Decision::Wave(_) = decision {
        return Ok(()); // what it changed stands in the decisions before it
    }
    if let Decision::SoftHold(outcome) = decision {
        return soft_hold::apply(state, outcome, work).map_err(|what| decision.misfit(what));
    }
    let (channel, order_id) = decision.order();
    let key = OrderKey::of(channel, order_id);
    if state.order(key).is_none() {
        // An order refused before it entered the state has an outcome and no row.
        return match decision {
            Decision::Outcome(outcome) if outcome.decision == 0 => Ok(()),
            _ => Err(decision.misfit("no such order")),
        };
    }
    let applied = match decision {
        Decision::Outcome(m) => apply_outcome(state, key, m, work),
        Decision::Assigned(m) => assigned::apply(state, key, m, work),
        Decision::Changed(m) => {
            take_back(state, key, m.fulfilment, m.decision, &Left::Of(&m.lines), work)
                .map(|()| dropship::tell(state, key, &Asked::changed(m), work))
        }
        Decision::ReleaseRequested(m) => ask_back(state, key, m),
        Decision::Released(m) => {
            let left =
                if m.cause() == v1::Cause::TimedOut { Left::TimedOut } else { Left::Nothing };
            take_back(state, key, m.fulfilment, m.decision, &left, work)
                .map(|()| dropship::tell(state, key, &Asked::released(m), work))
        }
        Decision::ReturnAuthorised(m) => returns::authorised(state, key, m, work),
        Decision::ReturnRefused(m) => returns::refused(state, key, m),
        Decision::RefundDue(m) => returns::refund_due(state, key, m),
        Decision::SoftHold(_) | Decision::Wave(_) => unreachable!("folded above"),
    };
    applied.map_err(|what| decision.misfit(what))?;
    promises::of_decision(state, key, decision, work);
    notice::of_decision(state, key, decision, work);
    Ok(())
}

fn apply_outcome<S: State>(
    state: &mut S,
    key: OrderKey,
    outcome: &v1::OrderOutcome,
    work: &mut Vec<Work>,
) -> Result<(), String> {
    // A later refusal under the same order id says nothing about the order that stands.
    if outcome.decision == 0 {
        return Ok(());
    }
    let waited = replenishment::waiting_of(state.order(key).expect("checked by fold"));
    for told in &outcome.stand_ins {
        stand_in(state, key, told)?;
    }
    let order = state.order(key).expect("checked by fold");
    let waiting = places(order, &outcome.waiting)?;
    let cancelled = places(order, &outcome.cancelled)?;
    let before = Standing::of(order);
    let mut faults = Vec::new();
    change_order(state, key, &mut |order| {
        order.decisions = outcome.decision;
        for &(place, units) in &cancelled {
            let line = &mut order.lines[place];
            line.open -= units;
            line.cancelled += units;
            line.waiting = line.waiting.min(line.open);
        }
        for &(place, units) in &waiting {
            order.lines[place].waiting = units;
        }
        if outcome.puts_on_hold {
            order.handling_mut().holds.push(Hold::of_unserved());
        }
        waiting::settle(order, outcome);
        faults.extend(order.lines.iter().filter(|line| !line.is_accounted()).map(unaccounted));
    });
    queues::settle(state, key);
    replenishment::settle(state, key, &waited, work);
    match &outcome.transfers {
        Some(plan) => suggestions::replace(state, key, plan, work)?,
        None => suggestions::settle(state, key, work),
    }
    let lacks = outcome.puts_on_hold || !(waiting.is_empty() && cancelled.is_empty());
    if outcome.cause() == v1::Cause::Rerouted && lacks {
        tickets::open(state, key, v1::TicketKind::Short, 0, work);
    } else {
        tickets::settle_short(state, key, "cancelled", work);
    }
    if outcome.puts_on_hold {
        settle(state, key, &before, v1::Cause::Held, work);
    }
    if !cancelled.is_empty() {
        // What is cancelled need not be paid: the rest may go on.
        settle(state, key, &before, v1::Cause::Payment, work);
        cancel_rest_of_kits(state, key, work);
        sla::withdraw(state, key, work);
    }
    faults.pop().map_or(Ok(()), Err)
}

fn stand_in<S: State>(state: &mut S, key: OrderKey, told: &v1::StandIn) -> Result<(), String> {
    let by = match told.sku.as_str() {
        "" => StandIn::Parts,
        sku => StandIn::Sku(state.item_named(sku).ok_or_else(|| format!("no item `{sku}`"))?),
    };
    queues::stand_in(state, key, &told.line_id, by)
}

/// A kit of which a part will not come is not wanted: what has not left of the others goes too.
fn cancel_rest_of_kits<S: State>(state: &mut S, key: OrderKey, work: &mut Vec<Work>) {
    let order = state.order(key).expect("checked by fold");
    let lines = order.beyond_whole_kits();
    if !lines.is_empty() {
        work.push(Work::Cancel { order: key, lines, cause: v1::Cause::KitIncomplete });
    }
}

fn unaccounted(line: &Line) -> String {
    format!("line `{}` does not add up: {line:?}", line.line_id)
}

fn places(order: &Order, lines: &[v1::LineQuantity]) -> Result<Vec<(usize, i64)>, String> {
    lines
        .iter()
        .map(|line| {
            let place = order.line_named(&line.line_id);
            let place = place.ok_or_else(|| format!("no line `{}`", line.line_id))?;
            Ok((place, line.quantity_milli))
        })
        .collect()
}

/// Units of one line that a node is to ship.
struct Units {
    line: usize,
    sku: SkuIx,
    quantity: i64,
    backordered: i64,
}

/// The entry of a promise: no unit moves.
fn note_promise<S: State>(state: &mut S, sku: SkuIx, node: NodeIx, kind: EntryKind, units: i64) {
    state.note(sku, node, &Entry { allocated: units, ..Entry::new(kind, "", 0) });
}

/// A question to a node: the units stay its work until it answers.
fn ask_back<S: State>(
    state: &mut S,
    key: OrderKey,
    message: &v1::FulfilmentReleaseRequested,
) -> Result<(), String> {
    let order = state.order(key).expect("checked by fold");
    let place = (message.fulfilment as usize).wrapping_sub(1);
    let fulfilment = order.fulfilments.get(place);
    let fulfilment = fulfilment.ok_or_else(|| format!("no fulfilment f{}", message.fulfilment))?;
    transitions::fulfilment(fulfilment.state, FulfilmentEvent::AskBack)
        .map_err(|_| format!("fulfilment f{} cannot be asked back", message.fulfilment))?;
    let mut asked = Vec::with_capacity(message.lines.len());
    for wanted in &message.lines {
        let line = order.line_named(&wanted.line_id).map(|line| line as u32);
        let units = wanted.quantity_milli;
        let row = fulfilment.lines.iter().find(|row| Some(row.line) == line);
        let there = row.map_or(0, |row| row.allocated - order.asked_back_of(place, row));
        let Some(line) = line.filter(|_| units > 0 && units <= there) else {
            return Err(format!("{units} of line `{}` asked, {there} stand", wanted.line_id));
        };
        asked.push(AskedBack { fulfilment: message.fulfilment - 1, line, units });
    }
    state.change_order(key, &mut |order| {
        order.decisions = message.decision;
        order.fulfilments[place].seq += 1;
        order.handling_mut().asked_back.extend_from_slice(&asked);
    });
    Ok(())
}

/// What a fulfilment keeps.
enum Left<'m> {
    Nothing,
    /// Nothing, and the node is not asked again for this order.
    TimedOut,
    Of(&'m [v1::AssignedLine]),
}

fn take_back<S: State>(
    state: &mut S,
    key: OrderKey,
    number: u32,
    decision: u32,
    left: &Left<'_>,
    work: &mut Vec<Work>,
) -> Result<(), String> {
    let order = state.order(key).expect("checked by fold");
    let place = (number as usize).wrapping_sub(1);
    let Some(fulfilment) = order.fulfilments.get(place).filter(|f| f.state.is_open()) else {
        return Err(format!("fulfilment f{number} is not open"));
    };
    let node = fulfilment.node;
    let taken = taken_back(order, fulfilment, left)?;
    let excludes = matches!(left, Left::TimedOut);
    change_order(state, key, &mut |order| {
        order.decisions = decision;
        return_units(order, place, &taken);
        if excludes {
            order.take_asked_back(place); // it gave no answer in time
            if !order.excluded.contains(&node) {
                order.excluded.push(node);
            }
        }
    });
    for part in &taken {
        let mut stock = state.stock_at(part.sku, node).ok_or("stock row is missing")?;
        stock.allocated -= part.quantity;
        state.put_stock(part.sku, node, stock);
        note_promise(state, part.sku, node, EntryKind::Release, -part.quantity);
        crate::work::serve_if_waited(state, part.sku, work);
    }
    Ok(())
}

/// `line` of the result is a place in the fulfilment's lines.
fn taken_back(
    order: &Order,
    fulfilment: &Fulfilment,
    left: &Left<'_>,
) -> Result<Vec<Units>, String> {
    let mut taken = Vec::new();
    for (place, line) in fulfilment.lines.iter().enumerate() {
        let order_line = &order.lines[line.line as usize];
        let keeps = match left {
            Left::Nothing | Left::TimedOut => 0,
            Left::Of(lines) => lines
                .iter()
                .find(|kept| kept.line_id == order_line.line_id)
                .map_or(0, |kept| kept.quantity_milli),
        };
        let quantity = line.allocated - keeps;
        if quantity < 0 || keeps < 0 {
            return Err(format!("line `{}` would keep {keeps}", order_line.line_id));
        }
        if quantity > 0 {
            taken.push(Units { line: place, sku: order_line.sku, quantity, backordered: 0 });
        }
    }
    Ok(taken)
}

/// The units are open again; the outcome that follows says what becomes of them.
fn return_units(order: &mut Order, place: usize, taken: &[Units]) {
    order.fulfilments[place].seq += 1;
    for part in taken {
        order.reopen(place, part.line, part.quantity);
    }
    order.fulfilments[place].were_taken_back();
}
