//! Promised days: upright, made when the decision was taken, and not in the past. A wave, which nobody but
//! the seller gains by, makes none later.

use std::collections::HashMap;

use omnifold_events::v1::{self, Cause, PromiseSource};
use rustc_hash::FxBuildHasher;

use super::audit::{Audit, Key};
use super::report::Rule;
use crate::output::Output;

const DAY_MS: i64 = 86_400_000;

/// The last day that the customer of each order was told by decisions.
pub type LastDays = HashMap<Key, i32, FxBuildHasher>;

impl Audit {
    /// Looks at what a decision of that time promises.
    pub(super) fn check_promises(&mut self, key: Key, name: &str, output: &Output, time_ms: i64) {
        let (outcome, own) = match output {
            Output::Outcome(outcome) => (Some(outcome), None),
            Output::Assigned(message) => (message.outcome.as_ref(), message.promise.as_deref()),
            Output::Changed(message) => (None, message.promise.as_deref()),
            _ => (None, None),
        };
        let of_outcome = outcome.and_then(|outcome| outcome.promise.as_deref());
        for promise in own.into_iter().chain(of_outcome) {
            if let Some(detail) = fault(promise, time_ms) {
                self.violation(Rule::Promise, name, detail);
            }
            let days =
                (promise.source() != PromiseSource::Unspecified).then_some(promise.latest_day);
            if output.cause() == Cause::WaveClosed {
                self.check_no_later(key, name, days, time_ms);
            }
            self.note_last_day(key, days);
        }
        if of_outcome.is_none() && outcome.is_some_and(|outcome| !outcome.waiting.is_empty()) {
            self.note_last_day(key, None);
        }
    }

    fn note_last_day(&mut self, key: Key, day: Option<i32>) {
        match day {
            Some(day) => self.last_days.insert(key, day),
            None => self.last_days.remove(&key),
        };
    }

    /// A day that has passed, in whatever zone, binds nobody: another has been told since.
    fn check_no_later(&mut self, key: Key, name: &str, told: Option<i32>, time_ms: i64) {
        let tomorrow = time_ms.div_euclid(DAY_MS) + 1;
        let Some(&before) = self.last_days.get(&key) else { return };
        if i64::from(before) >= tomorrow && told.is_none_or(|day| day > before) {
            let told = told.map_or("no day".to_owned(), |day| format!("day {day}"));
            let detail = format!("day {before} was promised, a wave makes it {told}");
            self.violation(Rule::Promise, name, detail);
        }
    }
}

/// What is wrong with a promise made at an instant. No zone is more than a day off.
fn fault(promise: &v1::Promise, time_ms: i64) -> Option<String> {
    let (earliest, latest) = (promise.earliest_day, promise.latest_day);
    let yesterday = time_ms.div_euclid(DAY_MS) - 1;
    if promise.made_at_ms != time_ms {
        Some(format!("made at {}, decided at {time_ms}", promise.made_at_ms))
    } else if promise.nodes == 0 {
        Some("of no node".to_owned())
    } else if promise.source() == PromiseSource::Unspecified {
        (earliest != 0 || latest != 0).then(|| "days of no source".to_owned())
    } else if earliest > latest || i64::from(earliest) < yesterday {
        Some(format!("days {earliest} to {latest}, made on {}", yesterday + 1))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_stand_upright_and_ahead() {
        let source = PromiseSource::Calendar.into();
        let good = v1::Promise {
            earliest_day: 10,
            latest_day: 12,
            source,
            nodes: 1,
            made_at_ms: 10 * DAY_MS,
            ..v1::Promise::default()
        };
        assert_eq!(fault(&good, 10 * DAY_MS), None);
        assert!(fault(&good, 10 * DAY_MS + 1).is_some(), "made at another time");
        let bad = [
            v1::Promise { earliest_day: 13, ..good },
            v1::Promise { earliest_day: 8, ..good },
            v1::Promise { nodes: 0, ..good },
            v1::Promise { source: 0, ..good },
        ];
        assert!(bad.iter().all(|promise| fault(promise, 10 * DAY_MS).is_some()));
    }
}
