//! Work at nodes and what comes back: a story that holds, and each thing that could be wrong in it.

use omnifold_events::v1::{self, Cause, OutcomeStatus, RejectionReason};

use super::story::*;
use super::{CheckReport, Output, Rule, about, report};

/// One of two is not found and goes elsewhere; the other is packed, handed over and comes back.
fn story() -> Story {
    let mut story = Story::default();
    story.input(market());
    story.input(count("A", "S", 2_000));
    story.input(count("B", "S", 5_000));
    let mut placed = order("O", &[("S", 2_000)]);
    placed.lines[0].unit_price = Some(euros(500));
    let step = story.input(placed);
    story.decide(Output::Assigned(whole("O", step, "A", &[("1", "S", 2_000)])));
    let step = story.input(short());
    let rerouted = assigned(("O", 2, step, Cause::Rerouted), 2, "B", &[("1", "S", 1_000)]);
    story.decide(Output::Assigned(rerouted));
    story.input(packed());
    story.input(handed_over());
    let step = story.input(received(1_000));
    story.decide(Output::RefundDue(Box::new(refund(step, 500))));
    story
}

fn euros(minor: i64) -> v1::Money {
    v1::Money { minor, currency: "EUR".to_owned() }
}

fn short() -> v1::FulfilmentShortPicked {
    v1::FulfilmentShortPicked {
        target: target("web/O/f1"),
        lines: quantities(&[("1", 1_000)]),
        reason: RejectionReason::Mismatch.into(),
        ..Default::default()
    }
}

fn packed() -> v1::FulfilmentPacked {
    v1::FulfilmentPacked {
        fulfilment_id: "web/O/f1".to_owned(),
        parcel_id: "P1".to_owned(),
        lines: quantities(&[("1", 0)]),
        ..Default::default()
    }
}

fn handed_over() -> v1::FulfilmentHandedOver {
    let (parcel_id, tracking_number) = ("P1".to_owned(), "1Z9".to_owned());
    v1::FulfilmentHandedOver {
        fulfilment_id: "web/O/f1".to_owned(),
        carrier: "ups".to_owned(),
        parcels: vec![v1::HandedParcel { parcel_id, tracking_number }],
        ..Default::default()
    }
}

fn received(units: i64) -> v1::ReturnReceived {
    v1::ReturnReceived {
        channel: "web".to_owned(),
        order_id: "O".to_owned(),
        return_id: "R1".to_owned(),
        node_id: "A".to_owned(),
        lines: vec![v1::ReceivedLine {
            line_id: "1".to_owned(),
            quantity_milli: units,
            disposition: v1::Disposition::Restock.into(),
            lot: String::new(),
            serials: Vec::new(),
        }],
        ..Default::default()
    }
}

fn refund(step: u64, minor: i64) -> v1::RefundDue {
    v1::RefundDue {
        channel: "web".to_owned(),
        order_id: "O".to_owned(),
        return_id: "R1".to_owned(),
        lines: vec![v1::RefundLine {
            line_id: "1".to_owned(),
            quantity_milli: 1_000,
            amount_minor: minor,
            response: v1::ReturnResponse::Refund.into(),
        }],
        refund: Some(euros(minor)),
        revision: 1,
        decision: 3,
        step,
        cause: Cause::Returned.into(),
        ..Default::default()
    }
}

fn breaks(rule: Rule, change: impl FnOnce(&mut Story)) {
    let mut story = story();
    change(&mut story);
    let report: CheckReport = report(&story);
    let noticed = report.violations.iter().any(|violation| violation.rule == rule);
    assert!(noticed, "{rule:?} was not noticed: {report}");
}

#[test]
fn the_honest_story_holds() {
    let report = report(&story());
    assert!(report.violations.is_empty(), "{report}");
}

#[test]
fn units_promised_where_they_were_not_found_are_noticed() {
    breaks(Rule::NodeNotAllowed, |story| {
        let place = about(story, "O", 1);
        let Output::Assigned(message) = &mut story.decided[place].output else { panic!() };
        message.node_id = "A".to_owned();
    });
}

#[test]
fn more_back_than_left_is_noticed() {
    breaks(Rule::Accounting, |story| {
        story.input(received(1_000));
    });
}

#[test]
fn more_money_than_was_paid_is_noticed() {
    breaks(Rule::Accounting, |story| {
        let place = about(story, "O", 2);
        let Output::RefundDue(message) = &mut story.decided[place].output else { panic!() };
        message.lines[0].amount_minor = 1_001;
    });
}

#[test]
fn a_restocked_unit_may_be_sold_again_and_no_other() {
    let sold = |units: i64| {
        let mut story = story();
        let step = story.input(order("P", &[("S", units)]));
        let what = ("P", 0, 0, Cause::Unspecified);
        let outcome = outcome(("P", 1, step, Cause::Placed), OutcomeStatus::Assigned);
        let bare = assigned(what, 1, "A", &[("1", "S", units)]);
        let whole = v1::FulfilmentAssigned { outcome: Some(outcome), ..bare };
        story.decide(Output::Assigned(whole));
        report(&story).violations.iter().any(|violation| violation.rule == Rule::Oversold)
    };
    assert!(!sold(1_000));
    assert!(sold(1_001));
}
