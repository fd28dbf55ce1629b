//! Orders on hold, unpaid orders, and units asked back: a story that holds, and what breaks it.

use omnifold_events::v1::{self, Cause, OutcomeStatus, PaymentRule};

use super::super::*;
use super::report;
use super::story::*;

fn hold(order_id: &str, hold_id: &str) -> v1::OrderHeld {
    v1::OrderHeld {
        channel: "web".to_owned(),
        order_id: order_id.to_owned(),
        hold_id: hold_id.to_owned(),
        reason: v1::HoldReason::Fraud.into(),
        ..Default::default()
    }
}

fn unhold(order_id: &str, hold_id: &str) -> v1::OrderHoldReleased {
    let (channel, order_id, hold_id) = ("web".into(), order_id.into(), hold_id.into());
    v1::OrderHoldReleased { channel, order_id, hold_id, ..Default::default() }
}

fn captured(order_id: &str, minor: i64) -> v1::PaymentCaptured {
    v1::PaymentCaptured {
        channel: "web".to_owned(),
        order_id: order_id.to_owned(),
        payment_id: "card".to_owned(),
        amount: Some(v1::Money { minor, currency: "EUR".to_owned() }),
        ..Default::default()
    }
}

/// A market that waits for captured money, with ten of S at A.
fn paid_market() -> Story {
    let mut story = Story::default();
    story.input(v1::MarketConfigured { payment: PaymentRule::Captured.into(), ..market() });
    story.input(count("A", "S", 10_000));
    story
}

/// Two units of S at 5.00 each.
fn priced() -> v1::OrderPlaced {
    let mut placed = order("O", &[("S", 2_000)]);
    placed.lines[0].unit_price = Some(v1::Money { minor: 500, currency: "EUR".to_owned() });
    placed
}

fn held_outcome(step: u64) -> Output {
    Output::Outcome(outcome(("O", 1, step, Cause::Placed), OutcomeStatus::Held))
}

/// The order waits for its money, and is assigned when the last of it comes in.
fn paid_in_two_parts(first: i64, second: i64) -> Story {
    let mut story = paid_market();
    let step = story.input(priced());
    story.decide(held_outcome(step));
    story.input(captured("O", first));
    let step = story.input(captured("O", second));
    let what = ("O", 2, step, Cause::Payment);
    story.decide(Output::Outcome(outcome(what, OutcomeStatus::Assigned)));
    let what = ("O", 3, step, Cause::Payment);
    story.decide(Output::Assigned(assigned(what, 1, "A", &[("1", "S", 2_000)])));
    story
}

/// An order whose node was asked for one of its two units.
fn asked_back(units: i64) -> Story {
    let mut story = Story::default();
    story.input(market());
    story.input(count("A", "S", 10_000));
    let step = story.input(order("O", &[("S", 2_000)]));
    story.decide(Output::Assigned(whole("O", step, "A", &[("1", "S", 2_000)])));
    let step = story.input(cancel("O", &[("1", 1_000)]));
    let what = ("O", 2, step, Cause::Cancelled);
    let asked = assigned(what, 1, "A", &[("1", "S", units)]);
    story.decide(Output::ReleaseRequested(v1::FulfilmentReleaseRequested {
        channel: asked.channel,
        order_id: asked.order_id,
        fulfilment: 1,
        node_id: asked.node_id,
        lines: asked.lines,
        revision: 1,
        decision: 2,
        step,
        cause: Cause::Cancelled.into(),
        timer: 0,
    }));
    let what = ("O", 3, step, Cause::Cancelled);
    story.decide(Output::Outcome(outcome(what, OutcomeStatus::ReleaseRequested)));
    story
}

fn give_up(story: &mut Story, left: i64) {
    let answer =
        v1::FulfilmentReleaseConfirmed { target: target("web/O/f1"), ..Default::default() };
    let step = story.input(answer);
    let what = ("O", 4, step, Cause::Cancelled);
    story.decide(Output::Changed(changed(what, 1, "A", &[("1", "S", left)])));
    let cancelled = quantities(&[("1", 1_000)]);
    let answer = outcome(("O", 5, step, Cause::Cancelled), OutcomeStatus::Cancelled);
    story.decide(Output::Outcome(v1::OrderOutcome { cancelled, ..answer }));
}

fn assert_breaks(rule: Rule, story: &Story) {
    let report = report(story);
    let noticed = report.violations.iter().any(|violation| violation.rule == rule);
    assert!(noticed, "{rule:?} was not noticed: {report}");
}

#[test]
fn an_order_that_waits_for_its_money_holds() {
    let report = report(&paid_in_two_parts(400, 600));
    assert!(report.is_clean(), "{report}");
}

#[test]
fn an_order_assigned_before_it_is_paid_is_noticed() {
    assert_breaks(Rule::OnHold, &paid_in_two_parts(400, 599));
}

#[test]
fn a_held_outcome_of_an_order_that_nothing_holds_is_noticed() {
    let mut story = Story::default();
    story.input(market());
    let step = story.input(priced());
    story.decide(held_outcome(step));
    assert_breaks(Rule::OutcomeDisagrees, &story);
}

#[test]
fn a_shipment_of_what_is_on_hold_must_be_refused() {
    let mut story = paid_in_two_parts(400, 600);
    story.input(hold("O", "h1"));
    story.input(ship(target("web/O/f1")));
    assert_breaks(Rule::OnHold, &story);
    story.refuse("on_hold");
    story.input(unhold("O", "h1"));
    story.input(ship(target("web/O/f1")));
    let report = report(&story);
    assert!(report.is_clean(), "{report}");
}

#[test]
fn a_release_of_a_hold_that_nobody_put_on_must_be_refused() {
    let mut story = paid_in_two_parts(400, 600);
    story.input(unhold("O", "h1"));
    assert_breaks(Rule::UnknownSubject, &story);
}

#[test]
fn units_asked_back_stay_until_they_are_given_up() {
    let mut story = asked_back(1_000);
    assert!(report(&story).is_clean(), "{}", report(&story));
    give_up(&mut story, 1_000);
    assert!(report(&story).is_clean(), "{}", report(&story));
}

#[test]
fn more_units_asked_back_or_given_up_than_there_are_is_noticed() {
    assert_breaks(Rule::Accounting, &asked_back(3_000));
    let mut story = asked_back(1_000);
    give_up(&mut story, 0);
    assert_breaks(Rule::Accounting, &story);
}
