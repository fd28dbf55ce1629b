//! Events on `orders`: placed and cancelled.

use omnifold_events::v1;

use super::{Context, check};
use crate::timer;
use crate::{HoldKey, Line, NodeIx, Order, OrderKey, Reason, Refusal, State, Timing, Work};

/// Most lines an order may have.
pub(super) const MAX_LINES: usize = 1_000;

pub(super) fn place<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::OrderPlaced,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    check::channel(&event.channel)?;
    check::name("order_id", &event.order_id)?;
    let key = OrderKey::of(&event.channel, &event.order_id);
    if let Some(order) = state.order(key) {
        let detail = format!("order `{}/{}` was placed before", order.channel, order.order_id);
        return Err(Refusal::new(Reason::DuplicateOrder, detail));
    }
    let order = order_from(state, context, event)?;
    let consumed = consumed_hold(state, event, &order)?;
    let is_timed = order.timing.is_some();
    state.put_order(key, order);
    if is_timed {
        timer::settle(state, key, &[]);
    }
    // Its units are free again before the order is routed, and nobody comes between.
    if let Some(hold) = consumed {
        let (status, order_id) = (v1::HoldStatus::Consumed, event.order_id.clone());
        work.push(Work::EndHold { hold, status, order_id });
    }
    work.push(Work::Route { order: key, cause: v1::Cause::Placed });
    Ok(())
}

fn order_from<S: State>(
    state: &S,
    context: Context<'_>,
    event: &v1::OrderPlaced,
) -> Result<Order, Refusal> {
    let settings = state.settings().expect("checked before every fold");
    let destination = event.destination.as_ref();
    check::country(destination.map_or("", |to| &to.country))?;
    Ok(Order {
        channel: event.channel.clone(),
        order_id: event.order_id.clone(),
        revision: 1,
        decisions: 0,
        placed_step: context.step,
        placed_at: context.time_ms,
        priority: event.priority,
        destination: check::location(destination.and_then(|to| to.location.as_ref()))?,
        allow_partial: match event.coverage() {
            v1::Coverage::Unspecified => settings.allow_partial,
            v1::Coverage::ShipComplete => false,
            v1::Coverage::AllowPartial => true,
        },
        fulfil_from: nodes_named(state, &event.fulfil_from)?,
        excluded: Vec::new(),
        lines: lines_from(state, event)?,
        fulfilments: Vec::new(),
        timing: timing_of(event, context.now_ms)?,
    })
}

/// The active hold that an order takes the place of. A hold that has ended is no reason to refuse
/// the order: it competes like any other (rule H4).
fn consumed_hold<S: State>(
    state: &S,
    event: &v1::OrderPlaced,
    order: &Order,
) -> Result<Option<HoldKey>, Refusal> {
    if event.hold_id.is_empty() {
        return Ok(None);
    }
    check::name("hold_id", &event.hold_id)?;
    if order.is_scheduled() {
        let detail = "a pre-order is routed later and cannot take the place of a hold";
        return Err(Refusal::new(Reason::InvalidTime, detail));
    }
    let key = HoldKey::of(&event.channel, &event.hold_id);
    Ok(state.hold(key).map(|_| key))
}

/// A pre-order's release date; one that has passed is none.
fn timing_of(event: &v1::OrderPlaced, now_ms: i64) -> Result<Option<Box<Timing>>, Refusal> {
    let release_at = event.release_at_ms;
    if release_at == 0 || (1..=now_ms).contains(&release_at) {
        return Ok(None);
    }
    check::instant("release_at_ms", release_at)?;
    Ok(Some(Box::new(Timing { release_at, ..Timing::default() })))
}

fn nodes_named<S: State>(state: &S, ids: &[String]) -> Result<Vec<NodeIx>, Refusal> {
    ids.iter().map(|id| check::node(state, id)).collect()
}

fn lines_from<S: State>(state: &S, event: &v1::OrderPlaced) -> Result<Vec<Line>, Refusal> {
    let count = event.lines.len();
    if count == 0 {
        return Err(Refusal::new(Reason::NoLines, "the order has no lines"));
    }
    if count > MAX_LINES {
        let detail = format!("the order has {count} lines, {MAX_LINES} are allowed");
        return Err(Refusal::new(Reason::TooManyLines, detail));
    }
    refuse_duplicate_lines(&event.lines)?;
    event.lines.iter().map(|line| line_from(state, line)).collect()
}

fn refuse_duplicate_lines(lines: &[v1::OrderLine]) -> Result<(), Refusal> {
    let mut ids: Vec<&str> = lines.iter().map(|line| line.line_id.as_str()).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => {
            let detail = format!("line `{}` stands twice in the order", pair[0]);
            Err(Refusal::new(Reason::DuplicateLine, detail))
        }
    }
}

fn line_from<S: State>(state: &S, line: &v1::OrderLine) -> Result<Line, Refusal> {
    check::name("line_id", &line.line_id)?;
    let sku = check::sku(state, &line.sku)?;
    check::quantity("quantity", line.quantity_milli, 1, state.item(sku))?;
    if let Some(price) = &line.unit_price {
        check::price(price)?;
    }
    Ok(Line {
        line_id: line.line_id.clone(),
        sku,
        ordered: line.quantity_milli,
        open: line.quantity_milli,
        waiting: 0,
        allocated: 0,
        shipped: 0,
        delivered: 0,
        cancelled: 0,
    })
}

/// Cancelling takes back what has not left (rule S1); the units that have stay sold.
pub(super) fn cancel<S: State>(
    state: &mut S,
    event: &v1::OrderCancelled,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let key = OrderKey::of(&event.channel, &event.order_id);
    let Some(order) = state.order(key) else {
        let detail = format!("no order `{}/{}`", event.channel, event.order_id);
        return Err(Refusal::new(Reason::UnknownOrder, detail));
    };
    let lines = if event.lines.is_empty() {
        all_that_is_left(order)?
    } else {
        named_lines(order, &event.lines)?
    };
    check_steps(state, key, &lines)?;
    work.push(Work::Cancel { order: key, lines });
    Ok(())
}

fn all_that_is_left(order: &Order) -> Result<Vec<(usize, i64)>, Refusal> {
    let left = order.lines.iter().map(|line| line.open + line.allocated).enumerate();
    let lines: Vec<(usize, i64)> = left.filter(|&(_, units)| units > 0).collect();
    if lines.is_empty() {
        return Err(nothing_left(order, order.lines.iter().any(|line| line.shipped > 0)));
    }
    Ok(lines)
}

fn named_lines(order: &Order, named: &[v1::LineQuantity]) -> Result<Vec<(usize, i64)>, Refusal> {
    let mut lines: Vec<(usize, i64)> = Vec::with_capacity(named.len());
    for wanted in named {
        let (place, units) = named_line(order, wanted)?;
        if lines.iter().any(|&(other, _)| other == place) {
            let detail = format!("line `{}` is named twice", wanted.line_id);
            return Err(Refusal::new(Reason::DuplicateLine, detail));
        }
        lines.push((place, units));
    }
    Ok(lines)
}

fn named_line(order: &Order, wanted: &v1::LineQuantity) -> Result<(usize, i64), Refusal> {
    let Some(place) = order.line_named(&wanted.line_id) else {
        let detail = format!("order `{}` has no line `{}`", order.order_id, wanted.line_id);
        return Err(Refusal::new(Reason::UnknownLine, detail));
    };
    let line = &order.lines[place];
    let left = line.open + line.allocated;
    let units = if wanted.quantity_milli == 0 { left } else { wanted.quantity_milli };
    if units < 0 {
        let detail = format!("quantity {units} of line `{}` is negative", wanted.line_id);
        return Err(Refusal::new(Reason::InvalidQuantity, detail));
    }
    if units == 0 || units > left {
        return Err(nothing_left(order, line.shipped > 0));
    }
    Ok((place, units))
}

fn nothing_left(order: &Order, shipped: bool) -> Refusal {
    let name = format!("order `{}/{}`", order.channel, order.order_id);
    if shipped {
        let detail =
            format!("{name}: the units have left the node; only a return brings them back");
        Refusal::new(Reason::AlreadyShipped, detail)
    } else {
        Refusal::new(Reason::NothingLeft, format!("{name}: fewer units are left to cancel"))
    }
}

fn check_steps<S: State>(
    state: &mut S,
    key: OrderKey,
    lines: &[(usize, i64)],
) -> Result<(), Refusal> {
    for &(place, units) in lines {
        let sku = state.order(key).expect("looked up before").lines[place].sku;
        check::quantity("cancelled quantity", units, 1, state.item(sku))?;
    }
    Ok(())
}
