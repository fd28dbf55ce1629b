//! When the customer is to have an order: said in its decisions once every unit has a node.
//!
//! What was learned comes first; while that states no rate, the calendars of nodes and carrier. The
//! order is there when its last part is: learned, the part with the longest way stands for all.

use omnifold_domain::promise::{self, Foreseen, Given, Moment, PromiseRules, Promised};
use omnifold_domain::{Decision, NodeIx, Order, OrderKey, StockDue, View, stock_due};
use omnifold_events::v1::{self, OutcomeStatus, PromiseLevel, PromiseSource};

use crate::Turn;
use crate::decide::quantities;
use crate::distance::haversine_m;

/// Whether the market promises: nearly none does.
fn promises<V: View>(view: &V) -> bool {
    view.settings().is_some_and(|settings| settings.promise.is_some())
}

/// Says it in decisions that were just written, where the market promises.
pub(crate) fn attach<V: View>(view: &mut V, turn: Turn, order: &Order, decisions: &mut [Decision]) {
    if !promises(view) {
        return;
    }
    if let Some(waiting) = waiting(order, decisions) {
        let told = of_inbound(view, turn, order, &waiting);
        let outcome = decisions.iter_mut().find_map(|decision| match decision {
            Decision::Outcome(outcome) => Some(outcome),
            _ => None,
        });
        outcome.expect("it says what waits").promise = told.map(Box::new);
        return;
    }
    let Some(told) = made(view, turn, order, decisions) else { return };
    for decision in decisions {
        match decision {
            Decision::Outcome(outcome) => outcome.promise = Some(Box::new(told)),
            Decision::Assigned(message) => match &mut message.outcome {
                Some(outcome) => outcome.promise = Some(Box::new(told)),
                None => message.promise = Some(Box::new(told)),
            },
            _ => {}
        }
    }
}

/// Says it in decisions that serve an order otherwise because a wave was planned again: never a later
/// last day than its customer was promised. The nodes that were added keep that day by themselves; where
/// one that had a part of it before makes the whole later, as it is reckoned now, what was promised stands.
pub(crate) fn attach_in_wave<V: View>(
    view: &mut V,
    turn: Turn,
    order: &Order,
    decisions: &mut [Decision],
) {
    if !promises(view) {
        return;
    }
    let Some(told) = made(view, turn, order, decisions) else { return };
    let told = standing(view, turn, order).map_or(told, |(_, given)| no_later(told, &given));
    for decision in decisions {
        if let Decision::Assigned(message) = decision {
            message.promise = Some(Box::new(told));
        }
    }
}

fn no_later(told: v1::Promise, given: &Given) -> v1::Promise {
    let is_known = told.source() != PromiseSource::Unspecified;
    if is_known && told.latest_day <= given.promised.latest_day {
        return told;
    }
    let v1::Promise { node, distance_m, nodes, made_at_ms, .. } = told;
    v1::Promise { node, distance_m, nodes, made_at_ms, ..given.message() }
}

/// What the customer of an order was promised, with the areas that it goes to; `None`: nothing, or a day
/// that has passed. Days before today are not said again.
pub(crate) fn standing<V: View>(
    view: &mut V,
    turn: Turn,
    order: &Order,
) -> Option<([u64; 3], Given)> {
    let today = view.settings()?.promise.as_deref()?.day_of(turn.now_ms);
    let row = view.promise_of(OrderKey::of(&order.channel, &order.order_id))?;
    let given = row.given.filter(|given| given.promised.latest_day >= today)?;
    let earliest_day = given.promised.earliest_day.max(today);
    let promised = Promised { earliest_day, ..given.promised };
    Some((row.areas, Given { promised, ..given }))
}

/// The last day that the calendars promise of what a node gets now.
pub(crate) fn calendar_day<V: View>(view: &V, turn: Turn, node: NodeIx) -> Option<i32> {
    let rules = view.settings()?.promise.as_deref()?;
    let promised = from_calendar(view, rules, node, turn.now_ms);
    promised.map(|promised| promised.latest_day)
}

fn made<V: View>(
    view: &mut V,
    turn: Turn,
    order: &Order,
    decisions: &[Decision],
) -> Option<v1::Promise> {
    let areas = view.promise_of(OrderKey::of(&order.channel, &order.order_id))?.areas;
    if units_left(order, decisions) > 0 {
        return None;
    }
    let ways = ways(view, order, decisions);
    let &Way { node, distance_m, .. } =
        ways.iter().max_by_key(|way| (way.distance_m, way.node.0))?;
    let nodes = ways.len() as u32;
    let way = v1::Promise { node: node.0, distance_m, nodes, ..v1::Promise::default() };
    let way = v1::Promise { made_at_ms: turn.now_ms, ..way };
    let rules = view.settings()?.promise.as_deref()?;
    let learned = learned(view, rules, order, areas, &way);
    Some(learned.or_else(|| by_calendar(view, rules, &ways, &way)).unwrap_or(way))
}

/// Says it in decisions that tell nodes of a changed order, where its new address or lines make it
/// another one: as it would have been promised at the time.
pub(crate) fn attach_changed<V: View>(
    view: &mut V,
    turn: Turn,
    order: &Order,
    decisions: &mut [Decision],
) {
    if !promises(view) {
        return;
    }
    let Some(told) = made_anew(view, turn, order, decisions) else { return };
    for decision in decisions {
        if let Decision::Changed(message) = decision {
            message.promise = Some(Box::new(told));
        }
    }
}

fn made_anew<V: View>(
    view: &mut V,
    turn: Turn,
    order: &Order,
    decisions: &[Decision],
) -> Option<v1::Promise> {
    let given = view.promise_of(OrderKey::of(&order.channel, &order.order_id))?.given?;
    let told = made(view, Turn { now_ms: given.made_at, ..turn }, order, decisions)?;
    let today = view.settings()?.promise.as_deref()?.day_of(turn.now_ms);
    let is_known = told.source() != PromiseSource::Unspecified && told.latest_day >= today;
    let days = (told.earliest_day.max(today), told.latest_day);
    let before = (given.promised.earliest_day.max(today), given.promised.latest_day);
    let made_at_ms = turn.now_ms;
    (is_known && days != before).then_some(v1::Promise { earliest_day: days.0, made_at_ms, ..told })
}

/// What waits for stock, as an outcome says it: (place of the line, units).
fn waiting(order: &Order, decisions: &[Decision]) -> Option<Vec<(usize, i64)>> {
    let outcome = decisions.iter().find_map(|decision| match decision {
        Decision::Outcome(outcome) => Some(outcome),
        _ => None,
    })?;
    if outcome.waiting.is_empty() || outcome.status() == OutcomeStatus::Scheduled {
        return None;
    }
    let place =
        |line: &v1::LineQuantity| Some((order.line_named(&line.line_id)?, line.quantity_milli));
    Some(outcome.waiting.iter().filter_map(place).collect())
}

/// When an order comes of which units wait: as if a node got it when the last of them is there.
fn of_inbound<V: View>(
    view: &mut V,
    turn: Turn,
    order: &Order,
    waiting: &[(usize, i64)],
) -> Option<v1::Promise> {
    let areas = view.promise_of(OrderKey::of(&order.channel, &order.order_id))?.areas;
    let StockDue { at_ms, node } = stock_due(view, order, waiting, turn.now_ms)?;
    let place = view.nodes()[node.0 as usize].location.zip(order.destination);
    let distance_m = place.map_or(0, |(from, to)| haversine_m(from, to));
    let then =
        v1::Promise { node: node.0, distance_m, nodes: 1, made_at_ms: at_ms, ..Default::default() };
    let rules = view.settings()?.promise.as_deref()?;
    let learned = learned(view, rules, order, areas, &then);
    let over = order.gathers_at().filter(|over| *over != node);
    let ways = [Way { node, distance_m, over }];
    let told = learned.or_else(|| by_calendar(view, rules, &ways, &then))?;
    let (made_at_ms, stock_due_ms) = (turn.now_ms, at_ms);
    let source = PromiseSource::Inbound.into();
    Some(v1::Promise { source, made_at_ms, stock_due_ms, ..told })
}

/// Says anew when a waiting order comes, where what is inbound makes that another day.
pub fn redate<V: View>(view: &mut V, turn: Turn, key: OrderKey) -> Vec<Decision> {
    let order = view.shared_order(key).expect("work names orders that are there");
    let waiting = order.lines.iter().map(|line| line.waiting).enumerate();
    let waiting: Vec<(usize, i64)> = waiting.filter(|&(_, units)| units > 0).collect();
    let Some(given) = view.promise_of(key).map(|row| row.given) else { return Vec::new() };
    if order.is_held() || order.is_scheduled() || waiting.is_empty() {
        return Vec::new();
    }
    let told = of_inbound(view, turn, &order, &waiting);
    let days = told.map(|told| (told.earliest_day, told.latest_day));
    let before = given.map(|given| (given.promised.earliest_day, given.promised.latest_day));
    if days == before {
        return Vec::new();
    }
    let all_wait = order.lines.iter().all(|line| line.allocated + line.shipped == 0);
    let status = if all_wait { OutcomeStatus::Waiting } else { OutcomeStatus::PartlyAssigned };
    vec![Decision::Outcome(v1::OrderOutcome {
        channel: order.channel.clone(),
        order_id: order.order_id.clone(),
        revision: order.revision,
        decision: order.decisions + 1,
        step: turn.step,
        timer: turn.timer,
        cause: turn.cause.into(),
        status: status.into(),
        waiting: quantities(&order, &waiting),
        promise: told.map(Box::new),
        ..v1::OrderOutcome::default()
    })]
}

/// Units that no node has, once the decisions are folded.
fn units_left(order: &Order, decisions: &[Decision]) -> i64 {
    let cancelled = |outcome: &v1::OrderOutcome| -> i64 {
        outcome.cancelled.iter().map(|line| line.quantity_milli).sum()
    };
    let settled = |decision: &Decision| match decision {
        Decision::Outcome(outcome) => cancelled(outcome),
        Decision::Assigned(message) => {
            let lines: i64 = message.lines.iter().map(|line| line.quantity_milli).sum();
            lines + message.outcome.as_ref().map_or(0, cancelled)
        }
        _ => 0,
    };
    let open: i64 = order.lines.iter().map(|line| line.open).sum();
    open - decisions.iter().map(settled).sum::<i64>()
}

/// A node that has units to ship.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    node: NodeIx,
    /// To the customer.
    distance_m: u32,
    /// The node that it sends them to first.
    over: Option<NodeIx>,
}

/// The nodes that have units to ship, each once.
fn ways<V: View>(view: &V, order: &Order, decisions: &[Decision]) -> Vec<Way> {
    let metres = |node: NodeIx| {
        let place = view.nodes()[node.0 as usize].location;
        place.zip(order.destination).map_or(0, |(from, to)| haversine_m(from, to))
    };
    let released = decisions.iter().filter_map(|decision| match decision {
        Decision::Released(message) => Some(message.fulfilment as usize),
        _ => None,
    });
    let released: Vec<usize> = released.collect();
    let has_units = |(place, part): &(usize, &omnifold_domain::Fulfilment)| {
        !released.contains(&(place + 1)) && part.lines.iter().any(|line| line.allocated > 0)
    };
    let kept = order.fulfilments.iter().enumerate().filter(has_units).map(|(_, part)| part);
    let way = |part: &omnifold_domain::Fulfilment| Way {
        node: part.node,
        distance_m: metres(part.node),
        over: part.send_to(),
    };
    let mut ways: Vec<Way> = kept.map(way).collect();
    ways.extend(decisions.iter().filter_map(|decision| match decision {
        Decision::Assigned(message) => {
            let node = view.node_named(&message.node_id)?;
            let over = view.node_named(&message.send_to_node_id);
            Some(Way { node, distance_m: message.distance_m, over })
        }
        _ => None,
    }));
    ways.sort_unstable();
    ways.dedup_by_key(|way| way.node);
    ways
}

fn learned<V: View>(
    view: &V,
    rules: &PromiseRules,
    order: &Order,
    areas: [u64; 3],
    way: &v1::Promise,
) -> Option<v1::Promise> {
    let settings = rules.learned?;
    let facts = promise::facts(view, order, areas, way);
    let at = Moment { ms: way.made_at_ms, day: rules.day_of(way.made_at_ms) };
    let Foreseen { promised, level, deliveries } = promise::foresee(view, settings, &facts, at);
    let Promised { earliest_day, latest_day } = promised?;
    Some(v1::Promise {
        earliest_day,
        latest_day,
        source: PromiseSource::Learned.into(),
        level: level_named(level).into(),
        deliveries,
        late_ppm: settings.late_ppm,
        ..*way
    })
}

/// From where and when an order would be sent.
#[derive(Clone, Copy)]
pub(crate) struct From {
    pub node: NodeIx,
    /// To the customer; 0: not known.
    pub metres: u32,
    /// As so many parts.
    pub nodes: u32,
    pub now_ms: i64,
}

/// The last day that would be promised for an order that a node gets now, by what was learned. `None`: the
/// market promises by calendar only, or too little is known.
pub(crate) fn learned_day<V: View>(
    view: &V,
    order: &Order,
    areas: [u64; 3],
    from: From,
) -> Option<i32> {
    let rules = view.settings()?.promise.as_deref()?;
    let From { node, metres: distance_m, nodes, now_ms: made_at_ms } = from;
    let way = v1::Promise { node: node.0, distance_m, nodes, made_at_ms, ..Default::default() };
    Some(learned(view, rules, order, areas, &way)?.latest_day)
}

fn level_named(level: u8) -> PromiseLevel {
    match level {
        0 => PromiseLevel::All,
        1 => PromiseLevel::Distance,
        2 => PromiseLevel::Region,
        3 => PromiseLevel::Lane,
        4 => PromiseLevel::Area,
        _ => PromiseLevel::PostcodeArea,
    }
}

/// What the calendars promise of what a node gets at an instant, after the work that it has.
pub(crate) fn from_calendar<V: View>(
    view: &V,
    rules: &PromiseRules,
    node: NodeIx,
    at_ms: i64,
) -> Option<Promised> {
    let behind = promise::days_behind(view, node, at_ms);
    rules.by_calendar(&view.nodes()[node.0 as usize], at_ms, behind)
}

/// Each part has its own interval; the order's begins and ends with the last of them.
fn by_calendar<V: View>(
    view: &V,
    rules: &PromiseRules,
    ways: &[Way],
    way: &v1::Promise,
) -> Option<v1::Promise> {
    let mut whole: Option<Promised> = None;
    for Way { node, over, .. } in ways {
        let mut part = from_calendar(view, rules, *node, way.made_at_ms)?;
        if let Some(over) = over {
            part = rules.by_calendar_after(&view.nodes()[over.0 as usize], part)?;
        }
        let known = whole.unwrap_or(part);
        whole = Some(Promised {
            earliest_day: known.earliest_day.max(part.earliest_day),
            latest_day: known.latest_day.max(part.latest_day),
        });
    }
    let Promised { earliest_day, latest_day } = whole?;
    let source = PromiseSource::Calendar.into();
    Some(v1::Promise { earliest_day, latest_day, source, ..*way })
}
