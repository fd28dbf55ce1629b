//! What the units of an order wait for, as an outcome says it.

use omnifold_events::v1;

use crate::Order;

/// Until when they wait, when they are tried again, and whether they go with the next wave or not before
/// some time.
pub(super) fn settle(order: &mut Order, outcome: &v1::OrderOutcome) {
    if outcome.waiting_until_ms != 0 {
        order.change_timing(|timing| timing.waiting_until = outcome.waiting_until_ms);
    }
    let at_a_time = outcome.retry_at_ms != 0 || outcome.earliest_schedule_ms != 0;
    let says_more = at_a_time || outcome.for_wave;
    if is_of_routing(outcome) && (says_more || order.timing.is_some()) {
        order.change_timing(|timing| {
            (timing.retry_at, timing.for_wave) = (outcome.retry_at_ms, outcome.for_wave);
            timing.schedule_at = outcome.earliest_schedule_ms;
        });
    }
    order.settle_timing();
}

/// Outcomes of other kinds say nothing of what is waited for.
fn is_of_routing(outcome: &v1::OrderOutcome) -> bool {
    use v1::OutcomeStatus::{Assigned, PartlyAssigned, Scheduled, Waiting};
    matches!(outcome.status(), Assigned | PartlyAssigned | Scheduled | Waiting)
}
