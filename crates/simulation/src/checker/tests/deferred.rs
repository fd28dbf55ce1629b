//! An order that is put off until its time, and what breaks that.

use omnifold_events::v1::{self, Cause, OutcomeStatus};

use super::super::*;
use super::report;
use super::story::*;

/// An order put off until so long after it came, and routed two seconds after it came by some cause.
fn put_off(for_ms: i64, cause: Cause) -> Story {
    let mut story = Story::default();
    story.input(market());
    let step = story.input(order("O", &[("S", 1_000)]));
    let told = outcome(("O", 1, step, Cause::Placed), OutcomeStatus::Scheduled);
    let waiting = quantities(&[("1", 1_000)]);
    let earliest_schedule_ms = 2 * STEP_MS + for_ms;
    story.decide(Output::Outcome(v1::OrderOutcome { waiting, earliest_schedule_ms, ..told }));
    story.input(count("B", "S", 1_000));
    let step = story.input(count("A", "S", 1_000));
    let told = outcome(("O", 2, step, cause), OutcomeStatus::Assigned);
    story.decide(Output::Outcome(told));
    story.decide(Output::Assigned(assigned(("O", 3, step, cause), 1, "A", &[("1", "S", 1_000)])));
    story
}

#[test]
fn an_order_that_is_put_off_is_routed_at_its_time_or_because_somebody_asked() {
    for (story, holds) in [
        (put_off(2 * STEP_MS, Cause::ReleaseDate), true),
        (put_off(2 * STEP_MS + 1, Cause::ReleaseDate), false),
        (put_off(9 * STEP_MS, Cause::PolicyChanged), true),
        (put_off(9 * STEP_MS, Cause::Changed), true),
        (put_off(9 * STEP_MS, Cause::StockAppeared), false),
        (put_off(9 * STEP_MS, Cause::WaveClosed), false),
        (put_off(0, Cause::PolicyChanged), false),
    ] {
        let broken = report(&story).violations;
        assert_eq!(broken.is_empty(), holds, "{broken:?}");
        assert!(broken.iter().all(|broken| broken.rule == Rule::Deferred), "{broken:?}");
    }
}
