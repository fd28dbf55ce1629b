//! What must hold of holds, and that each of it is noticed where it does not.

use omnifold_events::Event;
use omnifold_events::v1::StockHoldStatus;

use super::*;

/// A cart holds five of ten and ends; another order gets what was held.
fn cart() -> Story {
    let mut story = Story::default();
    story.input(market());
    story.input(count("A", "S", 10));
    let step = story.input(held("cart", "S", 5, 1_500));
    let (units, ends) = (("A", "S", 5), step as i64 * STEP_MS + 1_500);
    story.decide(Output::SoftHold(hold_outcome(
        "cart",
        (step, 0),
        StockHoldStatus::Held,
        units,
        ends,
    )));
    let step = story.input(count("B", "S", 0));
    story.decide(Output::SoftHold(hold_outcome(
        "cart",
        (step, 1),
        StockHoldStatus::Expired,
        units,
        ends,
    )));
    let step = story.input(order("O", &[("S", 10)]));
    story.decide(Output::Assigned(whole("O", step, "A", &[("1", "S", 10)])));
    story
}

fn breaks(rule: Rule, change: impl FnOnce(&mut Story)) {
    let mut story = cart();
    change(&mut story);
    let report = report(&story);
    let noticed = report.violations.iter().any(|violation| violation.rule == rule);
    assert!(noticed, "{rule:?} was not noticed: {report}");
}

fn outcome_of(story: &mut Story, nth: usize) -> &mut v1::StockHoldOutcome {
    let Output::SoftHold(outcome) = &mut story.decided[nth].output else { panic!("no hold") };
    outcome
}

#[test]
fn a_cart_that_ends_in_time_holds() {
    assert!(report(&cart()).is_clean(), "{}", report(&cart()));
}

#[test]
fn a_hold_that_outlives_its_end_is_noticed() {
    breaks(Rule::HoldOutlived, |story| {
        story.decided.remove(1);
    });
}

#[test]
fn a_hold_of_units_that_are_not_there_is_noticed() {
    breaks(Rule::Oversold, |story| outcome_of(story, 0).units[0].node_id = "B".to_owned());
    breaks(Rule::Oversold, |story| {
        let Event::StockCounted(count) = &mut story.inputs[1].2 else { panic!("no count") };
        count.on_hand_milli = 4;
    });
}

#[test]
fn a_hold_of_more_or_less_than_was_asked_for_is_noticed() {
    breaks(Rule::Accounting, |story| outcome_of(story, 0).units[0].quantity_milli = 4);
}

#[test]
fn a_request_without_an_outcome_and_an_outcome_without_a_request_are_noticed() {
    breaks(Rule::OutcomeMissing, |story| {
        story.decided.drain(..2);
    });
    breaks(Rule::OutcomeExtra, |story| {
        story.inputs[2].2 = count("B", "S", 0).into();
    });
    breaks(Rule::UnknownSubject, |story| {
        story.decided.remove(0);
    });
    breaks(Rule::OutcomeDisagrees, |story| {
        outcome_of(story, 0).status = StockHoldStatus::Refused.into();
    });
}

#[test]
fn a_hold_under_another_key_is_noticed() {
    breaks(Rule::Labels, |story| story.decided[0].key = "web/cart".to_owned());
}
