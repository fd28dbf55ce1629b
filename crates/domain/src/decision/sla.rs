//! The clocks of fulfilments whose nodes have an SLA (rule T4): begun by the assignment, ended by the
//! last dispatch, breached by time, withdrawn where the whole order was cancelled soon enough.

use omnifold_events::v1;

use crate::scorecard::{self, Conduct};
use crate::sla::WITHDRAWN_WITHIN_MS;
use crate::{FulfilmentId, Order, OrderKey, SlaClock, State, SupplyNotice, Work};

/// Begins the clock of the newest fulfilment.
pub(super) fn begin(order: &mut Order, started_at: i64, due_at: i64) {
    let fulfilment = u32::try_from(order.fulfilments.len() - 1).expect("fulfilments are bounded");
    let clock = SlaClock { fulfilment, started_at, due_at, breached: false, cancelled_at: 0 };
    order.details.get_or_insert_default().slas.push(clock);
}

fn change_clocks<S: State>(state: &mut S, key: OrderKey, change: impl Fn(&mut SlaClock)) {
    state.change_order(key, &mut |order| {
        if let Some(details) = &mut order.details {
            details.slas.iter_mut().for_each(&change);
        }
    });
}

/// Notes and tells every clock of an order that ran out with units still there.
pub(crate) fn breach<S: State>(state: &mut S, key: OrderKey, due_ms: i64, work: &mut Vec<Work>) {
    let Some(order) = state.shared_order(key) else { return };
    let late = |clock: &&SlaClock| {
        !clock.breached && clock.due_at <= due_ms && order.late_units(clock) > 0
    };
    let late: Vec<SlaClock> = order.slas().iter().filter(late).copied().collect();
    for clock in &late {
        if !order.fulfilments[clock.fulfilment as usize].missed_units() {
            let node = order.fulfilments[clock.fulfilment as usize].node;
            scorecard::count(state, node, Conduct::Late, clock.due_at);
        }
        let told = breached(state, &order, clock);
        work.push(Work::SupplyNotice(Box::new(SupplyNotice::SlaBreached(told))));
    }
    change_clocks(state, key, |clock| {
        clock.breached |= late.iter().any(|known| known.fulfilment == clock.fulfilment);
    });
}

fn breached<S: State>(state: &S, order: &Order, clock: &SlaClock) -> v1::SlaBreached {
    let place = clock.fulfilment as usize;
    let node = order.fulfilments[place].node;
    v1::SlaBreached {
        channel: order.channel.clone(),
        order_id: order.order_id.clone(),
        fulfilment_id: id_of(order, clock),
        node_id: state.nodes()[node.0 as usize].id.clone(),
        started_at_ms: clock.started_at,
        due_at_ms: clock.due_at,
        late_milli: order.late_units(clock),
        held: order.is_fulfilment_held(place),
        step: 0,
    }
}

fn id_of(order: &Order, clock: &SlaClock) -> String {
    let (channel, order_id) = (&*order.channel, &*order.order_id);
    FulfilmentId { channel, order_id, number: clock.fulfilment + 1 }.to_string()
}

/// A cancellation is asked for: within 72 hours of its start it may undo a breach.
pub(crate) fn note_cancellation<S: State>(state: &mut S, key: OrderKey, now_ms: i64) {
    let counts = |clock: &SlaClock| now_ms < clock.started_at.saturating_add(WITHDRAWN_WITHIN_MS);
    let Some(order) = state.order(key) else { return };
    if order.slas().iter().any(counts) {
        change_clocks(state, key, |clock| {
            if counts(clock) {
                clock.cancelled_at = now_ms;
            }
        });
    }
}

/// Takes back the breaches of an order of which every unit is cancelled.
pub(super) fn withdraw<S: State>(state: &mut S, key: OrderKey, work: &mut Vec<Work>) {
    let Some(order) = state.shared_order(key) else { return };
    if order.slas().is_empty() || order.lines.iter().any(|line| line.cancelled < line.ordered) {
        return;
    }
    let undone = |clock: &&SlaClock| clock.breached && clock.cancelled_at != 0;
    for clock in order.slas().iter().filter(undone) {
        let fulfilment = &order.fulfilments[clock.fulfilment as usize];
        let node = fulfilment.node;
        if !fulfilment.missed_units() {
            scorecard::uncount(state, node, Conduct::Late, clock.due_at);
        }
        let told = v1::SlaBreachWithdrawn {
            channel: order.channel.clone(),
            order_id: order.order_id.clone(),
            fulfilment_id: id_of(&order, clock),
            node_id: state.nodes()[node.0 as usize].id.clone(),
            step: 0,
        };
        work.push(Work::SupplyNotice(Box::new(SupplyNotice::SlaBreachWithdrawn(told))));
    }
    change_clocks(state, key, |clock| clock.breached &= clock.cancelled_at == 0);
}
