//! Delivery promises: kept beside their orders, made anew when the facts change, and learned from.
//!
//! What is promised when nodes get an order is a decision, and comes with its message. What follows
//! from events alone is a function of the rows, told on `notices`: what remains at hand-over, and that
//! a promised day has passed. Of a market that promises nothing, nothing here is touched.

use omnifold_events::v1;

use super::check;
use super::network::MAX_DAYS_OFF;
use crate::decision::Moment as Caused;
use crate::notice::notify;
use crate::promise::{
    self, DeliveryCalendar, DeliveryDays, Fate, Given, Made, Moment, Open, OrderPromise,
    PromiseKind, PromiseRules, Promised, Spending,
};
use crate::{Decision, Order, OrderKey, OrderStatus, Reason, Refusal, State, View, Work, calendar};

/// Days that are promised of an overdue order where nothing is known of orders that late.
const UNKNOWN_DAYS: i32 = 7;

/// Longest handling or transit by plan, days.
const MAX_DAYS: u32 = 365;

/// The rules that a market asks for, checked.
pub(super) fn rules_from(
    event: Option<&v1::PromiseRules>,
) -> Result<Option<Box<PromiseRules>>, Refusal> {
    let Some(event) = event else { return Ok(None) };
    let zone = if event.zone.is_empty() { "UTC" } else { &event.zone };
    if calendar::zone(zone).is_none() {
        let detail = format!("zone `{zone}` is not in the data of this build");
        return Err(Refusal::new(Reason::UnknownZone, detail));
    }
    let (late_ppm, early_ppm) = (event.late_ppm, event.early_ppm);
    if late_ppm > 400_000 || early_ppm > 500_000 {
        let detail = "a promise states 40 % late and 50 % early at most";
        return Err(Refusal::new(Reason::InvalidPromise, detail));
    }
    let spending = match event.spending() {
        v1::PromiseSpending::Thrifty => Spending::Thrifty,
        v1::PromiseSpending::Even | v1::PromiseSpending::Unspecified => Spending::Even,
    };
    let learned = promise::Settings { late_ppm, early_ppm, spending };
    let learned = (late_ppm > 0).then_some(learned);
    let calendar = event.calendar.as_ref().map(calendar_from).transpose()?;
    let rules = PromiseRules { zone: zone.to_owned(), learned, calendar };
    if rules.learned.is_none() && rules.plan().is_none() {
        let detail = "a market that learns no promises makes them by a calendar";
        return Err(Refusal::new(Reason::InvalidPromise, detail));
    }
    Ok(Some(Box::new(rules)))
}

fn calendar_from(event: &v1::DeliveryCalendar) -> Result<DeliveryCalendar, Refusal> {
    let range = |what: &str, least: u32, most: u32| {
        if least <= most && most <= MAX_DAYS {
            return Ok((least, most));
        }
        let detail = format!("{what} of {least} to {most} days: least first, {MAX_DAYS} at most");
        Err(Refusal::new(Reason::InvalidPromise, detail))
    };
    if event.days_off.len() > MAX_DAYS_OFF {
        let detail = format!("a delivery calendar has {MAX_DAYS_OFF} days off at most");
        return Err(Refusal::new(Reason::InvalidPromise, detail));
    }
    let moves = check::weekdays(&event.moves, DeliveryDays::EVERY_WEEKDAY)?;
    let weekdays = check::weekdays(&event.delivers, moves)?;
    Ok(DeliveryCalendar {
        handling: range("handling", event.handling_least_days, event.handling_most_days)?,
        transit: range("transit", event.transit_least_days, event.transit_most_days)?,
        moves,
        delivery: DeliveryDays { weekdays, off: check::days_off(&event.days_off)? },
        days_only: event.days_only,
    })
}

/// An order was placed that will be promised a day, unless its customer collects it.
pub(super) fn begin<S: State>(
    state: &mut S,
    key: OrderKey,
    order: &Order,
    to: Option<&v1::Destination>,
) {
    if !order.is_pickup() {
        let areas = to.map(promise::regions).unwrap_or_default();
        state.put_promise(key, OrderPromise::none(order.placed_step, areas));
    }
}

/// An order goes elsewhere from now on. What is promised of it is said when its nodes are told.
pub(super) fn goes_to<S: State>(state: &mut S, key: OrderKey, to: &v1::Destination) {
    if let Some((_, mut row)) = kept(state, key) {
        row.areas = promise::regions(to);
        state.put_promise(key, row);
    }
}

fn rules<V: View>(view: &V) -> Option<&PromiseRules> {
    view.settings()?.promise.as_deref()
}

/// The moment an event speaks of, with its local date.
fn moment<V: View>(view: &V, ms: i64) -> Moment {
    let day = rules(view).map_or(0, |rules| rules.day_of(ms)); // no promise is kept without rules
    Moment { ms, day }
}

/// What a decision says of the order's promise. Called once it is folded.
pub(crate) fn of_decision<S: State>(
    state: &mut S,
    key: OrderKey,
    decision: &Decision,
    work: &mut Vec<Work>,
) {
    if rules(state).is_none() {
        return; // nearly every market
    }
    let (outcome, told) = match decision {
        Decision::Outcome(m) => (Some(m), m.promise.as_deref()),
        Decision::Assigned(m) => {
            let outcome = m.outcome.as_ref();
            (outcome, outcome.and_then(|m| m.promise.as_deref()).or(m.promise.as_deref()))
        }
        Decision::Changed(m) => (None, m.promise.as_deref()),
        _ => (None, None),
    };
    let caused = (decision.moment(), decision.cause());
    match (told, outcome) {
        (Some(told), _) => give(state, key, told, caused, work),
        (None, Some(outcome)) if !outcome.waiting.is_empty() => withdraw(state, key, work),
        (None, Some(outcome)) if !outcome.cancelled.is_empty() => settle(state, key, None, work),
        _ => {}
    }
}

/// Every unit of an order has a node: its customer is promised a day. The messages of one moment all
/// say the same.
fn give<S: State>(
    state: &mut S,
    key: OrderKey,
    told: &v1::Promise,
    (moment, cause): (Caused, v1::Cause),
    work: &mut Vec<Work>,
) {
    let Some((learned, mut row)) = kept(state, key) else { return };
    if row.decided == moment {
        return;
    }
    if row.fate != Fate::Open {
        row = OrderPromise::none(row.placed_step, row.areas); // called off and resumed, or added to
    }
    row.decided = moment;
    let at = self::moment(state, told.made_at_ms);
    // Of what waits no node is known yet, and nothing learned.
    let learned = learned.filter(|_| told.source() != v1::PromiseSource::Inbound);
    if let Some(learned) = learned {
        let order = state.shared_order(key).expect("its decision was folded");
        let facts = promise::facts(state, &order, row.areas, told);
        match &mut row.open {
            None => row.open = Some(Open::placed(state, learned, facts, at)),
            Some(open) => open.rerouted(state, learned, facts, at),
        }
    }
    let word = cause.as_str_name().trim_start_matches("CAUSE_").to_lowercase();
    tell(state, key, &mut row, (Given::of(told), &word), work);
    row.given = Given::of(told);
    row.first = row.first.or(row.given.map(|given| made_first(&given, at.day)));
    keep(state, key, row);
}

fn made_first(given: &Given, day: i32) -> Made {
    let kind = match v1::PromiseSource::try_from(given.source) {
        Ok(v1::PromiseSource::Learned) => PromiseKind::Learned,
        Ok(v1::PromiseSource::Inbound) => PromiseKind::Inbound,
        _ => PromiseKind::Calendar,
    };
    Made { day, promised: given.promised, kind }
}

/// Units wait that had a node: nobody can say when the order comes.
fn withdraw<S: State>(state: &mut S, key: OrderKey, work: &mut Vec<Work>) {
    let Some((_, mut row)) = kept(state, key) else { return };
    if row.given.is_some() {
        tell(state, key, &mut row, (None, "waiting"), work);
        row.given = None;
        keep(state, key, row);
    }
}

/// Looks at what became of an order: all of it left, came, was called off or lost. `at_ms` is the
/// event's own time; `None`: what happened is of no time of its own.
pub(crate) fn settle<S: State>(
    state: &mut S,
    key: OrderKey,
    at_ms: Option<i64>,
    work: &mut Vec<Work>,
) {
    let Some((learned, mut row)) = kept(state, key) else { return };
    if row.fate != Fate::Open {
        return;
    }
    let at = at_ms.map(|ms| moment(state, ms));
    let status = state.order(key).expect("it has a promise").status();
    match (status, at) {
        (OrderStatus::Shipped, Some(at)) => hand_over(state, key, (learned, &mut row), at, work),
        (OrderStatus::Delivered, Some(at)) => arrive(state, learned, &mut row, at),
        (OrderStatus::Delivered, None)
        | (OrderStatus::Cancelled | OrderStatus::Undelivered | OrderStatus::Returned, _) => {
            end(state, learned, &mut row);
        }
        _ => return,
    }
    keep(state, key, row);
}

/// The last of an order left: what remains is promised anew, and told where it is later.
fn hand_over<S: State>(
    state: &mut S,
    key: OrderKey,
    (learned, row): (Option<promise::Settings>, &mut OrderPromise),
    at: Moment,
    work: &mut Vec<Work>,
) {
    let Some((open, learned)) = row.open.as_mut().zip(learned) else { return };
    if open.is_handed_over() {
        return;
    }
    let Some(expected) = open.handed_over(state, learned, at) else { return };
    row.expected = Some(Made { day: at.day, promised: expected, kind: PromiseKind::HandedOver });
    if row.given.is_some_and(|given| expected.latest_day > given.promised.latest_day) {
        move_to(state, key, row, (expected, at.ms, "shipped"), work);
    }
}

fn arrive<S: State>(
    state: &mut S,
    learned: Option<promise::Settings>,
    row: &mut OrderPromise,
    at: Moment,
) {
    if let Some((open, learned)) = row.open.take().zip(learned) {
        open.delivered(state, learned, at);
    }
    for made in row.first.iter().chain(&row.expected) {
        promise::count(state, made, at.day);
    }
    row.fate = Fate::Delivered(at.day);
}

fn end<S: State>(state: &mut S, learned: Option<promise::Settings>, row: &mut OrderPromise) {
    if let Some((mut open, learned)) = row.open.take().zip(learned) {
        open.cancelled(state, learned, None);
    }
    row.fate = Fate::Ended;
}

/// A day is over on which something was due.
pub(crate) fn fall_due<S: State>(state: &mut S, key: OrderKey, due_ms: i64, work: &mut Vec<Work>) {
    let Some(mut row) = state.promise_of(key).cloned() else { return };
    if row.due_at == 0 || row.due_at > due_ms {
        return;
    }
    let Some(rules) = rules(state) else {
        row.due_at = 0; // the market promises nothing any more
        return state.put_promise(key, row);
    };
    // The timer may have been put off: the day that it stands for counts.
    let (today, learned) = (rules.day_of(row.due_at), rules.learned);
    row.open = row
        .open
        .take()
        .zip(learned)
        .and_then(|(mut open, learned)| open.advance(state, learned, today).then_some(open));
    if row.given.is_some_and(|given| given.promised.latest_day < today) {
        let known = row.open.as_ref().zip(learned);
        let known = known.and_then(|(open, learned)| open.still_to_come(state, learned, today));
        let unknown =
            Promised { earliest_day: today, latest_day: today.saturating_add(UNKNOWN_DAYS) };
        let again = (known.unwrap_or(unknown), due_ms, "late");
        move_to(state, key, &mut row, again, work);
    }
    keep(state, key, row);
}

/// The customer is told another interval, for a reason.
fn move_to<S: State>(
    state: &mut S,
    key: OrderKey,
    row: &mut OrderPromise,
    (promised, made_at, reason): (Promised, i64, &str),
    work: &mut Vec<Work>,
) {
    let given = row.given.map(|given| Given { promised, made_at, ..given });
    tell(state, key, row, (given, reason), work);
    row.given = given;
}

/// Tells the customer who was promised a day that it is another, where it is later.
fn tell<S: State>(
    state: &mut S,
    key: OrderKey,
    row: &mut OrderPromise,
    (next, reason): (Option<Given>, &str),
    work: &mut Vec<Work>,
) {
    let Some(before) = row.given else { return };
    if next.is_some_and(|next| next.promised.latest_day <= before.promised.latest_day) {
        return;
    }
    row.moved += 1;
    notify(state, key, v1::NoticeKind::PromiseMoved, work, |_, notice| {
        notice.promised_before = Some(before.message());
        notice.promised = next.map(|next| next.message());
        notice.reason = reason.to_owned();
    });
}

/// How promises are learned, and what stands beside an order. `None`: the market promises nothing, as
/// nearly every one, or not this order.
fn kept<S: State>(
    state: &mut S,
    key: OrderKey,
) -> Option<(Option<promise::Settings>, OrderPromise)> {
    let learned = rules(state)?.learned;
    Some((learned, state.promise_of(key)?.clone()))
}

/// The row stands again, with its timer and no other.
fn keep<S: State>(state: &mut S, key: OrderKey, mut row: OrderPromise) {
    if let Some(rules) = rules(state) {
        row.settle_due(rules);
    }
    let before = state.promise_of(key).and_then(OrderPromise::timer);
    let after = row.timer();
    state.put_promise(key, row);
    if before != after {
        if let Some(timer) = before {
            state.remove_timer(timer);
        }
        if let Some(timer) = after {
            state.put_timer(timer, key.0);
        }
    }
}
