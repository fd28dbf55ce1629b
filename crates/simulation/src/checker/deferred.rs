//! Orders that their policy does not route before the earliest schedule time: that time is to come when it
//! is said, and neither stock, a node, a wave nor a timer before it serves them.

use omnifold_events::v1::{self, Cause, OutcomeStatus};

use super::audit::{Audit, Key};
use super::report::Rule;
use crate::output::Output;

impl Audit {
    /// Looks at what a decision of that time makes of an order that is put off.
    pub(super) fn check_deferred(&mut self, key: Key, name: &str, output: &Output, time_ms: i64) {
        let (outcome, assigns) = match output {
            Output::Outcome(outcome) => (Some(outcome), false),
            Output::Assigned(message) => (message.outcome.as_ref(), true),
            _ => return,
        };
        if assigns || outcome.is_some_and(is_routed) {
            self.end_deferral(key, name, output.cause(), time_ms);
        }
        let Some(outcome) = outcome.filter(|outcome| outcome.earliest_schedule_ms != 0) else {
            return;
        };
        let until_ms = outcome.earliest_schedule_ms;
        let is_scheduled = outcome.status() == OutcomeStatus::Scheduled && !outcome.for_wave;
        if !is_scheduled || until_ms <= time_ms {
            let detail = format!("put off until {until_ms}, at {time_ms}: {:?}", outcome.status());
            self.violation(Rule::Deferred, name, detail);
        }
        self.deferred.insert(key, until_ms);
    }

    fn end_deferral(&mut self, key: Key, name: &str, cause: Cause, time_ms: i64) {
        use Cause::{InboundChanged, NodeReturned, ReleaseDate, StockAppeared, WaveClosed};
        let Some(until_ms) = self.deferred.remove(&key) else { return };
        let nobody_asked =
            matches!(cause, InboundChanged | NodeReturned | StockAppeared | WaveClosed);
        if nobody_asked || cause == ReleaseDate && time_ms < until_ms {
            let detail = format!("routed by {} before {until_ms}", cause.as_str_name());
            self.violation(Rule::Deferred, name, detail);
        }
    }
}

/// Whether it was looked at again: served, or put off otherwise. What a customer takes back leaves the
/// rest as it is.
fn is_routed(outcome: &v1::OrderOutcome) -> bool {
    use OutcomeStatus::{Assigned, PartlyAssigned, Refused, Scheduled, Waiting};
    let looked_at = [Assigned, PartlyAssigned, Refused, Scheduled, Waiting];
    looked_at.contains(&outcome.status()) && outcome.cause() != Cause::Cancelled
}
