//! What a change of holds or of the amount due means for an order: who is told, what leaves the
//! queues, what may be routed again.

use omnifold_events::v1;

use crate::fold::suggestions;
use crate::timer::change_order;
use crate::{Order, OrderKey, State, Work, queues, replenishment};

/// What held an order before a change.
pub(crate) struct Standing {
    held: bool,
    /// What held each fulfilment, by place.
    fulfilments: Vec<Vec<v1::Hold>>,
}

impl Standing {
    /// How the order stands now. Nothing is allocated for an order that needs no handling.
    pub fn of(order: &Order) -> Self {
        if order.handling.is_none() {
            return Standing { held: false, fulfilments: Vec::new() };
        }
        let places = 0..order.fulfilments.len();
        Standing {
            held: order.is_held(),
            fulfilments: places.map(|place| order.holds_of_fulfilment(place)).collect(),
        }
    }

    fn held_by(&self, place: usize) -> &[v1::Hold] {
        self.fulfilments.get(place).map_or(&[], Vec::as_slice)
    }
}

/// Draws the consequences of a change: nodes of open fulfilments are told what holds them now, an
/// order that is held leaves the queues, and one that no longer is has its open units routed.
pub(crate) fn settle<S: State>(
    state: &mut S,
    key: OrderKey,
    before: &Standing,
    cause: v1::Cause,
    work: &mut Vec<Work>,
) {
    let order = state.order(key).expect("the change was made to it");
    let now = Standing::of(order);
    let differs = |place: &usize| {
        order.fulfilments[*place].state.is_open() && now.held_by(*place) != before.held_by(*place)
    };
    let fulfilments: Vec<usize> = (0..order.fulfilments.len()).filter(differs).collect();
    if !fulfilments.is_empty() {
        push_once(work, Work::Tell { order: key, fulfilments, cause });
    }
    let is_open = order.lines.iter().any(|line| line.open > 0);
    if now.held && !before.held {
        leave_queues(state, key, work);
    } else if before.held && !now.held && is_open {
        consume_soft_hold(state, key, work);
        push_once(work, Work::Route { order: key, cause });
    }
}

/// The units of its soft hold are free again before the order is routed, and nobody comes between.
fn consume_soft_hold<S: State>(state: &mut S, key: OrderKey, work: &mut Vec<Work>) {
    let order = state.order(key).expect("the change was made to it");
    let handling = order.handling.as_ref();
    let Some(hold) = handling.and_then(|handling| handling.soft_hold) else { return };
    let (status, order_id) = (v1::StockHoldStatus::Consumed, order.order_id.clone());
    work.push(Work::EndSoftHold { hold, status, order_id });
    state.change_order(key, &mut |order| {
        order.handling_mut().soft_hold = None;
        order.tidy_handling();
    });
}

/// Adds work that is not there yet.
pub(crate) fn push_once(work: &mut Vec<Work>, new: Work) {
    if !work.contains(&new) {
        work.push(new);
    }
}

/// Units of a held order wait for nobody's stock.
fn leave_queues<S: State>(state: &mut S, key: OrderKey, work: &mut Vec<Work>) {
    let order = state.order(key).expect("the change was made to it");
    if order.lines.iter().all(|line| line.waiting == 0) {
        return;
    }
    let waited = replenishment::waiting_of(order);
    queues::leave(state, key);
    change_order(state, key, &mut |order| {
        for line in &mut order.lines {
            line.waiting = 0;
        }
        order.settle_timing();
    });
    replenishment::settle(state, key, &waited, work);
    suggestions::settle(state, key, work);
}
