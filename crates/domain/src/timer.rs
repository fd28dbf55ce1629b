//! Timers: what happens because time passes and nobody says anything.
//!
//! A timer is a row like any other: the due instant, the kind, and the age of its subject. The
//! machine fires the timers due at or before a record's time before it folds the record, in key
//! order. Firing removes the row and opens work, as an event does.

use omnifold_events::v1;
use serde::{Deserialize, Serialize};

use crate::scorecard::{self, Conduct};
use crate::{NodeIx, Order, OrderKey, ReturnKey, SoftHoldKey, State, Work};

/// A timer's place: they fire in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TimerKey {
    /// When it fires, milliseconds since the Unix epoch, never negative.
    pub due_ms: i64,
    /// What it is for.
    pub kind: TimerKind,
    /// The age of its subject: the step that placed the order or made the hold; a node's number.
    pub step: u64,
}

/// What a timer is for. The numbers are part of the rows' keys and decide the order within an
/// instant: what gives units back comes before what wants some, and giving up comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum TimerKind {
    /// A soft hold ends.
    HoldExpires = 1,
    /// A node that was full begins a new day.
    NodeDay = 2,
    /// A node has not accepted or picked in time.
    FulfilmentDue = 3,
    /// A pre-order is routed.
    ReleaseDate = 4,
    /// Units that still wait are cancelled.
    WaitingEnds = 5,
    /// A pause of a node ends.
    NodeResumes = 60,
    /// A closed node comes within the market's reach.
    NodeOpens = 61,
    /// The customer of a pick-up order is reminded.
    PickupReminder = 62,
    /// A pick-up order expires.
    PickupExpires = 63,
    /// A return is not expected any more.
    ReturnExpires = 64,
    /// A supplier's stock feed is believed no longer.
    SupplierStockStale = 50,
    /// A partner has not dispatched in time (rule T4).
    DispatchSla = 51,
    /// A lot may not be sold any more.
    LotExpires = 40,
    /// A node that a policy left out for a time may serve a waiting order again.
    NodeReturns = 70,
    /// An order is routed that its policy did not route before.
    EarliestSchedule = 180,
    /// A promised day is over and the order has not come, or it is not waited for any longer.
    PromiseDue = 90,
}

impl TimerKind {
    /// Every kind.
    pub const ALL: [TimerKind; 16] = [
        TimerKind::HoldExpires,
        TimerKind::NodeDay,
        TimerKind::FulfilmentDue,
        TimerKind::ReleaseDate,
        TimerKind::WaitingEnds,
        TimerKind::NodeResumes,
        TimerKind::NodeOpens,
        TimerKind::PickupReminder,
        TimerKind::PickupExpires,
        TimerKind::ReturnExpires,
        TimerKind::SupplierStockStale,
        TimerKind::DispatchSla,
        TimerKind::LotExpires,
        TimerKind::NodeReturns,
        TimerKind::PromiseDue,
        TimerKind::EarliestSchedule,
    ];

    /// The kind of that number.
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|&kind| kind as u8 == number)
    }
}

/// How far a timer is put off whose work failed, or whose subject is on hold: what it would end
/// still ends.
pub const PUT_OFF_MS: i64 = 3_600_000;

/// The timers that an order must have: a function of its row, so that none leaks.
pub fn timers_of(order: &Order) -> Vec<TimerKey> {
    let key = |due_ms, kind| TimerKey { due_ms, kind, step: order.placed_step };
    let mut timers = Vec::new();
    for fulfilment in order.fulfilments.iter().filter(|fulfilment| fulfilment.due_at != 0) {
        let timer = key(fulfilment.due_at, TimerKind::FulfilmentDue);
        if !timers.contains(&timer) {
            timers.push(timer);
        }
    }
    // A clock runs while something of its fulfilment has not left.
    let runs = |clock: &&crate::SlaClock| !clock.breached && order.late_units(clock) > 0;
    for clock in order.slas().iter().filter(runs) {
        let timer = key(clock.due_at, TimerKind::DispatchSla);
        if !timers.contains(&timer) {
            timers.push(timer);
        }
    }
    if let Some(timing) = &order.timing {
        // What was cancelled before its date may be taken back, and then has to wait for it.
        if timing.release_at != 0 && order.lines.iter().any(|line| line.open > 0) {
            timers.push(key(timing.release_at, TimerKind::ReleaseDate));
        }
        if timing.waiting_until != 0 {
            timers.push(key(timing.waiting_until, TimerKind::WaitingEnds));
        }
        if timing.retry_at != 0 {
            timers.push(key(timing.retry_at, TimerKind::NodeReturns));
        }
        if timing.schedule_at != 0 {
            timers.push(key(timing.schedule_at, TimerKind::EarliestSchedule));
        }
        let ready = [
            (timing.remind_at, TimerKind::PickupReminder),
            (timing.ready_until, TimerKind::PickupExpires),
        ];
        let ready = ready.into_iter().filter(|&(at, _)| at != 0 && order.lies_ready());
        timers.extend(ready.map(|(at, kind)| key(at, kind)));
    }
    timers
}

/// Changes an order, and with it its timers and what it holds of lots.
pub(crate) fn change_order<S: State>(
    state: &mut S,
    key: OrderKey,
    change: &mut dyn FnMut(&mut Order),
) {
    let before = state.order(key).map(timers_of).unwrap_or_default();
    state.change_order(key, change);
    settle(state, key, &before);
    crate::lots::settle(state, key);
}

/// An order has the timers that its row asks for, and no others.
pub(crate) fn settle<S: State>(state: &mut S, key: OrderKey, before: &[TimerKey]) {
    let after = state.order(key).map(timers_of).unwrap_or_default();
    for &timer in before.iter().filter(|timer| !after.contains(timer)) {
        state.remove_timer(timer);
    }
    for &timer in after.iter().filter(|timer| !before.contains(timer)) {
        state.put_timer(timer, key.0);
    }
}

/// One of the times at which an order is routed again.
type TimeOf = fn(&mut crate::Timing) -> &mut i64;

/// Routes an order again whose time has come, and takes the time away.
fn route_again<S: State>(
    state: &mut S,
    (order, cause): (OrderKey, v1::Cause),
    at: TimeOf,
    due_ms: i64,
    work: &mut Vec<Work>,
) {
    if is_timed(state, order, |timing| (1..=due_ms).contains(at(&mut { *timing }))) {
        state.change_order(order, &mut |order| order.change_timing(|timing| *at(timing) = 0));
        work.push(Work::Route { order, cause });
    }
}

/// Fires one timer: takes its row away and adds the work it opens to `work`. One whose subject has
/// gone further meanwhile opens none.
pub fn fire<S: State>(state: &mut S, timer: TimerKey, subject: u128, work: &mut Vec<Work>) {
    state.remove_timer(timer);
    let (hold, order, due_ms) = (SoftHoldKey(subject), OrderKey(subject), timer.due_ms);
    match timer.kind {
        TimerKind::HoldExpires => {
            if state.soft_hold(hold).is_some_and(|hold| hold.expires_at <= due_ms) {
                let (status, order_id) = (v1::StockHoldStatus::Expired, String::new());
                work.push(Work::EndSoftHold { hold, status, order_id });
            }
        }
        TimerKind::NodeDay => crate::fold::network::serve_every_queue(state, work),
        TimerKind::FulfilmentDue => time_out(state, order, due_ms, work),
        TimerKind::ReleaseDate => {
            let at: TimeOf = |timing| &mut timing.release_at;
            route_again(state, (order, v1::Cause::ReleaseDate), at, due_ms, work);
        }
        TimerKind::WaitingEnds => {
            let due = |timing: &crate::Timing| (1..=due_ms).contains(&timing.waiting_until);
            if is_timed(state, order, due) {
                work.push(Work::EndWaiting { order });
            }
        }
        TimerKind::NodeReturns => {
            let at: TimeOf = |timing| &mut timing.retry_at;
            route_again(state, (order, v1::Cause::NodeReturned), at, due_ms, work);
        }
        TimerKind::EarliestSchedule => {
            let at: TimeOf = |timing| &mut timing.schedule_at;
            route_again(state, (order, v1::Cause::ReleaseDate), at, due_ms, work);
        }
        TimerKind::NodeResumes => {
            crate::fold::nodes::end_pause(state, NodeIx(subject as u32), due_ms, work);
        }
        TimerKind::NodeOpens => {
            crate::fold::network::serve_every_queue(state, work);
            crate::fold::nodes::await_opening(state, NodeIx(subject as u32), due_ms);
        }
        TimerKind::PickupReminder => crate::fold::pickup::remind(state, order, due_ms, work),
        TimerKind::PickupExpires => crate::fold::pickup::end_wait(state, order, due_ms),
        TimerKind::ReturnExpires => {
            crate::fold::returns::end_wait(state, ReturnKey(subject), due_ms, work);
        }
        TimerKind::DispatchSla => crate::decision::sla::breach(state, order, due_ms, work),
        TimerKind::LotExpires => crate::fold::lots::expire(state, subject, due_ms, work),
        TimerKind::PromiseDue => crate::fold::promises::fall_due(state, order, due_ms, work),
        TimerKind::SupplierStockStale => {
            crate::fold::supplier_stock::decay(state, subject, due_ms, work);
        }
    }
}

/// Work that is on hold is not taken from its node: its deadline is put off. Of the rest, units
/// that the node was asked for are cancelled, not sent elsewhere.
fn time_out<S: State>(state: &mut S, key: OrderKey, due_ms: i64, work: &mut Vec<Work>) {
    let Some(order) = state.order(key) else { return };
    let overdue = order.overdue(due_ms);
    let (held, late): (Vec<_>, Vec<_>) =
        overdue.partition(|&place| order.is_fulfilment_held(place));
    let asked = order.asked_back_by(&late);
    if !held.is_empty() {
        change_order(state, key, &mut |order| {
            for &place in &held {
                order.fulfilments[place].due_at = due_ms.saturating_add(PUT_OFF_MS);
            }
        });
    }
    if late.is_empty() {
        return;
    }
    scorecard::count_all(state, key, &late, Conduct::TimedOut, due_ms);
    work.push(Work::TimeOut { order: key, due_ms });
    if !asked.is_empty() {
        work.push(Work::Cancel { order: key, lines: asked, cause: v1::Cause::Cancelled });
    }
    work.push(Work::Route { order: key, cause: v1::Cause::Rerouted });
}

fn is_timed<S: State>(
    state: &mut S,
    order: OrderKey,
    due: impl Fn(&crate::Timing) -> bool,
) -> bool {
    state.order(order).and_then(|order| order.timing.as_deref()).is_some_and(due)
}
