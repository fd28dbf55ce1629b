//! Events on `network` about when a node works: its calendar, a pause, the end of one, its leaving.

use omnifold_events::v1;

use super::network::{check_span, serve_every_queue};
use super::{Context, check};
use crate::opening::{DAY_MINUTES, Hours, Opening};
use crate::timer::change_order;
use crate::{
    Absence, Node, NodeIx, Order, OrderKey, Reason, Refusal, State, TimerKey, TimerKind, Work,
    calendar,
};

/// Most dates with hours of their own.
const MAX_SPECIAL_DAYS: usize = 400;
/// Most spans of opening on one day.
const MAX_SPANS: usize = 8;

pub(super) fn set_calendar<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::NodeCalendarSet,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let ix = check::node(state, &event.node_id)?;
    check_span("processing_ms", event.processing_ms)?;
    let opening = if event.week.is_empty() { None } else { Some(Box::new(opening_of(event)?)) };
    let node = Node { opening, ..state.nodes()[ix.0 as usize].clone() };
    state.put_node(ix, node);
    await_opening(state, ix, context.now_ms);
    serve_every_queue(state, work);
    Ok(())
}

fn opening_of(event: &v1::NodeCalendarSet) -> Result<Opening, Refusal> {
    if calendar::zone(&event.zone).is_none() {
        let detail = format!("zone `{}` is not in the data of this build", event.zone);
        return Err(Refusal::new(Reason::UnknownZone, detail));
    }
    let mut week: [Vec<Hours>; 7] = Default::default();
    for row in &event.week {
        let weekday = (row.weekday() as usize).checked_sub(1);
        let weekday = weekday.ok_or_else(|| invalid("opening hours need a weekday"))?;
        week[weekday].push(hours(row.opens_minute, row.closes_minute)?);
    }
    week.iter_mut().try_for_each(|day| in_order(day))?;
    let cut_off = match event.cut_off_minute {
        None => None,
        Some(minute) if minute < u32::from(DAY_MINUTES) => Some(minute as u16),
        Some(minute) => return Err(invalid(format!("cut_off_minute {minute} is not in a day"))),
    };
    let special = special_days(&event.special_days)?;
    let (zone, processing_ms) = (event.zone.clone(), event.processing_ms);
    Ok(Opening { zone, week, special, cut_off, processing_ms })
}

fn invalid(detail: impl Into<String>) -> Refusal {
    Refusal::new(Reason::InvalidHours, detail)
}

fn hours(opens: u32, closes: u32) -> Result<Hours, Refusal> {
    if opens >= closes || closes > u32::from(DAY_MINUTES) {
        return Err(invalid(format!("{opens} to {closes} are no minutes of a day")));
    }
    Ok(Hours { opens: opens as u16, closes: closes as u16 })
}

fn in_order(day: &mut [Hours]) -> Result<(), Refusal> {
    day.sort_unstable();
    if day.len() > MAX_SPANS || day.windows(2).any(|pair| pair[1].opens < pair[0].closes) {
        return Err(invalid(format!("hours of a day overlap, or are more than {MAX_SPANS}")));
    }
    Ok(())
}

fn special_days(days: &[v1::SpecialDay]) -> Result<Vec<(i32, Vec<Hours>)>, Refusal> {
    if days.len() > MAX_SPECIAL_DAYS {
        return Err(invalid(format!("{} dates, {MAX_SPECIAL_DAYS} are allowed", days.len())));
    }
    let mut special = Vec::with_capacity(days.len());
    for day in days {
        let date = calendar::day_named(&day.date);
        let date = date.ok_or_else(|| invalid(format!("`{}` is not a date", day.date)))?;
        let spans = day.hours.iter().map(|span| hours(span.opens_minute, span.closes_minute));
        let mut spans: Vec<Hours> = spans.collect::<Result<_, _>>()?;
        in_order(&mut spans)?;
        special.push((date, spans));
    }
    special.sort_unstable_by_key(|(day, _)| *day);
    if special.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(invalid("a date stands twice"));
    }
    Ok(special)
}

/// Every node with a calendar, after the market changed how long one may be closed.
pub(super) fn await_openings<S: State>(state: &mut S, now_ms: i64) {
    for ix in 0..state.nodes().len() as u32 {
        await_opening(state, NodeIx(ix), now_ms);
    }
}

/// When a closed node comes within the market's reach, those who wait are tried again: they come
/// before any newer order (rule R5). A timer that stands from an earlier calendar does that once and
/// goes on with this one.
pub(crate) fn await_opening<S: State>(state: &mut S, ix: NodeIx, now_ms: i64) {
    let reach = state.settings().map_or(0, |settings| settings.max_closed_ms);
    let Some(opening) = &state.nodes()[ix.0 as usize].opening else { return };
    if reach == 0 {
        return;
    }
    if let Some(due_ms) = opening.in_reach_after(now_ms, reach) {
        state.put_timer(timer(TimerKind::NodeOpens, ix, due_ms), u128::from(ix.0));
    }
}

fn timer(kind: TimerKind, ix: NodeIx, due_ms: i64) -> TimerKey {
    TimerKey { due_ms, kind, step: u64::from(ix.0) }
}

fn check_reason(reason: &str) -> Result<(), Refusal> {
    if reason.is_empty() { Ok(()) } else { check::name("reason", reason) }
}

/// A node that has not left the network.
fn member<S: State>(state: &S, node_id: &str) -> Result<(NodeIx, Node), Refusal> {
    let ix = check::node(state, node_id)?;
    let node = state.nodes()[ix.0 as usize].clone();
    if node.is_offboarded() {
        let detail = format!("node `{node_id}` has left the network");
        return Err(Refusal::new(Reason::NodeOffboarded, detail));
    }
    Ok((ix, node))
}

pub(super) fn pause<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::NodePaused,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let (ix, node) = member(state, &event.node_id)?;
    check_reason(&event.reason)?;
    let until_ms = event.until_ms;
    if until_ms != 0 && until_ms <= context.now_ms {
        let detail = format!("a pause until {until_ms} is over by {}", context.now_ms);
        return Err(Refusal::new(Reason::InvalidTime, detail));
    }
    forget_end(state, ix, &node);
    if until_ms != 0 {
        state.put_timer(timer(TimerKind::NodeResumes, ix, until_ms), u128::from(ix.0));
    }
    let absence = Absence::Paused { reason: event.reason.clone(), until_ms };
    state.put_node(ix, Node { absence: Some(Box::new(absence)), ..node });
    if event.open_work() != v1::PausedWork::Keep {
        move_work(state, ix, v1::Cause::NodePaused, work);
    }
    Ok(())
}

/// The end of a pause that is over otherwise.
fn forget_end<S: State>(state: &mut S, ix: NodeIx, node: &Node) {
    if let Some(Absence::Paused { until_ms: until_ms @ 1.., .. }) = node.absence.as_deref() {
        state.remove_timer(timer(TimerKind::NodeResumes, ix, *until_ms));
    }
}

pub(super) fn resume<S: State>(
    state: &mut S,
    event: &v1::NodeResumed,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let (ix, node) = member(state, &event.node_id)?;
    if node.absence.is_none() {
        let detail = format!("node `{}` is not paused", event.node_id);
        return Err(Refusal::new(Reason::NotPaused, detail));
    }
    forget_end(state, ix, &node);
    state.put_node(ix, Node { absence: None, ..node });
    serve_every_queue(state, work);
    Ok(())
}

/// A pause whose time is up.
pub(crate) fn end_pause<S: State>(state: &mut S, ix: NodeIx, due_ms: i64, work: &mut Vec<Work>) {
    let node = state.nodes()[ix.0 as usize].clone();
    if let Some(Absence::Paused { until_ms, .. }) = node.absence.as_deref()
        && (1..=due_ms).contains(until_ms)
    {
        state.put_node(ix, Node { absence: None, ..node });
        serve_every_queue(state, work);
    }
}

pub(super) fn offboard<S: State>(
    state: &mut S,
    event: &v1::NodeOffboarded,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let (ix, node) = member(state, &event.node_id)?;
    check_reason(&event.reason)?;
    forget_end(state, ix, &node);
    let absence = Absence::Offboarded { reason: event.reason.clone() };
    state.put_node(ix, Node { absence: Some(Box::new(absence)), ..node });
    move_work(state, ix, v1::Cause::NodeOffboarded, work);
    Ok(())
}

/// What the node is to give up is taken back and routed again, the oldest order first. Of that, the
/// units it was asked for are cancelled, not sent elsewhere.
fn move_work<S: State>(state: &mut S, node: NodeIx, cause: v1::Cause, work: &mut Vec<Work>) {
    for key in state.orders_open_at(node) {
        let order = state.order(key).expect("it was found just now");
        let leaving = order.leaving(node, cause);
        if leaving.is_empty() {
            continue;
        }
        let asked = asked_of(order, &leaving);
        work.push(Work::TakeBack { order: key, node, cause });
        if !asked.is_empty() {
            answer(state, key, &asked);
            work.push(Work::Cancel {
                order: key,
                lines: super::questions::by_line(lines(&asked)),
                cause: v1::Cause::Cancelled,
            });
        }
        work.push(Work::Route { order: key, cause: v1::Cause::Rerouted });
    }
}

/// Of units that leave a node, those that it was asked for: (fulfilment, line of the order, units).
fn asked_of(order: &Order, leaving: &[(usize, Vec<(usize, i64)>)]) -> Vec<(usize, usize, i64)> {
    let mut found = Vec::new();
    for (place, parts) in leaving {
        for &(part, units) in parts {
            let row = &order.fulfilments[*place].lines[part];
            let asked = order.asked_back_of(*place, row).min(units);
            if asked > 0 {
                found.push((*place, row.line as usize, asked));
            }
        }
    }
    found
}

fn lines(asked: &[(usize, usize, i64)]) -> Vec<(usize, i64)> {
    asked.iter().map(|&(_, line, units)| (line, units)).collect()
}

fn answer<S: State>(state: &mut S, key: OrderKey, asked: &[(usize, usize, i64)]) {
    change_order(state, key, &mut |order| {
        for &(place, line, units) in asked {
            order.answer_asked(place, line, units);
        }
    });
}
