//! What the engine said, as lines of text.

use super::*;

pub(super) fn outcome(status: v1::OutcomeStatus, cause: v1::Cause) -> v1::OrderOutcome {
    v1::OrderOutcome {
        channel: "web".to_owned(),
        order_id: "O".to_owned(),
        status: status.into(),
        cause: cause.into(),
        ..Default::default()
    }
}

fn quantities(lines: &[(&str, i64)]) -> Vec<v1::LineQuantity> {
    let row = |(line, units): &(&str, i64)| v1::LineQuantity {
        line_id: (*line).to_owned(),
        quantity_milli: *units,
    };
    lines.iter().map(row).collect()
}

#[test]
fn an_outcome_is_one_line_of_text() {
    use v1::{Cause, OutcomeStatus};
    let shortage =
        v1::SkuShortage { sku: "S".to_owned(), requested_milli: 6_000, available_milli: 5_500 };
    let refused = v1::OrderOutcome {
        reason: "unfillable".to_owned(),
        shortages: vec![shortage],
        cancelled: quantities(&[("1", 6_000)]),
        ..outcome(OutcomeStatus::Refused, Cause::Placed)
    };
    let waiting = v1::OrderOutcome {
        waiting: quantities(&[("1", 500), ("2", 1_000)]),
        channel: "app".to_owned(),
        ..outcome(OutcomeStatus::PartlyAssigned, Cause::Rerouted)
    };
    let cancelled = v1::OrderOutcome {
        cancelled: quantities(&[("1", 1_000)]),
        ..outcome(OutcomeStatus::Cancelled, Cause::Cancelled)
    };
    let too_late = v1::OrderOutcome {
        reason: "already_shipped".to_owned(),
        ..outcome(OutcomeStatus::Refused, Cause::Cancelled)
    };
    let all = [refused, waiting, cancelled, too_late].map(Output::Outcome);
    assert_eq!(
        render(&all),
        [
            "O refused unfillable; S requested 6 available 5.5",
            "app/O partly_assigned (rerouted); waiting line 1 x0.5, line 2 x1",
            "O cancelled line 1 x1",
            "O cancellation refused already_shipped",
        ]
    );
}

#[test]
fn holds_questions_and_kept_units_are_told() {
    use v1::{Cause, HoldReason, OutcomeStatus};
    let hold =
        |id: &str, reason: HoldReason| v1::Hold { hold_id: id.to_owned(), reason: reason.into() };
    let held = v1::OrderOutcome {
        holds: vec![hold("h1", HoldReason::Fraud), hold("", HoldReason::Payment)],
        ..outcome(OutcomeStatus::Held, Cause::Placed)
    };
    let asked = v1::OrderOutcome {
        release_requested: quantities(&[("1", 1_000)]),
        ..outcome(OutcomeStatus::ReleaseRequested, Cause::Cancelled)
    };
    let both = v1::OrderOutcome {
        cancelled: quantities(&[("2", 1_000)]),
        status: OutcomeStatus::Cancelled.into(),
        ..asked.clone()
    };
    let kept = v1::OrderOutcome {
        reason: "release_refused".to_owned(),
        kept: quantities(&[("1", 1_000)]),
        ..outcome(OutcomeStatus::Refused, Cause::Cancelled)
    };
    assert_eq!(
        render(&[held, asked, both, kept].map(Output::Outcome)),
        [
            "O held; held by h1 fraud, payment",
            "O release requested line 1 x1",
            "O cancelled line 2 x1; release requested line 1 x1",
            "O cancellation refused release_refused; kept line 1 x1",
        ]
    );
}

#[test]
fn kits_and_substitutes_are_told_in_a_word() {
    let Event::ItemDefined(item) = only_event("item K of=S:2,T:0.5 assembled may_split").event
    else {
        panic!("no item")
    };
    let parts: Vec<(&str, i64)> =
        item.components.iter().map(|part| (part.sku.as_str(), part.quantity_milli)).collect();
    assert_eq!(parts, [("S", 2_000), ("T", 500)]);
    assert!(item.may_split && item.picking() == v1::KitPicking::AssembledFirst);

    let Event::OrderPlaced(order) = only_event("order O lines K:1 S|T|U:2@5").event else {
        panic!("no order")
    };
    assert_eq!((order.lines[1].sku.as_str(), order.lines[1].quantity_milli), ("S", 2_000));
    let skus = vec!["T".to_owned(), "U".to_owned()];
    assert_eq!(order.substitutes, [v1::LineSubstitutes { line_id: "2".to_owned(), skus }]);
    for bad in ["item K of=S", "timephased 1-2 order=3@0", "timephased 1/2 order=3@0"] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn what_stands_in_for_something_else_is_said() {
    let stand_in = |sku: &str| v1::StandIn {
        line_id: "1".to_owned(),
        ordered_sku: "S".to_owned(),
        sku: sku.to_owned(),
        quantity_milli: 1_000,
    };
    let outcome = v1::OrderOutcome {
        channel: "web".to_owned(),
        order_id: "O".to_owned(),
        status: v1::OutcomeStatus::Assigned.into(),
        stand_ins: vec![stand_in("T"), stand_in("")],
        ..Default::default()
    };
    let said = render(&[Output::Outcome(outcome)]);
    assert_eq!(said, ["O assigned; line 1 T for S; line 1 S as parts"]);
}

#[test]
fn a_fulfilment_is_one_line_and_two_with_the_outcome_inside() {
    let line = |sku: &str, units: i64, backordered: i64| v1::AssignedLine {
        line_id: "1".to_owned(),
        sku: sku.to_owned(),
        quantity_milli: units,
        backordered_milli: backordered,
        origin: None,
        lots: Vec::new(),
    };
    let assigned = v1::FulfilmentAssigned {
        channel: "web".to_owned(),
        order_id: "O".to_owned(),
        fulfilment: 1,
        node_id: "N".to_owned(),
        lines: vec![line("S", 3_000, 1_000), line("T", 1_000, 0)],
        outcome: Some(outcome(v1::OutcomeStatus::Assigned, v1::Cause::Placed)),
        ..Default::default()
    };
    let released = v1::FulfilmentReleased {
        channel: "web".to_owned(),
        order_id: "O".to_owned(),
        fulfilment: 1,
        node_id: "N".to_owned(),
        lines: vec![line("S", 2_000, 0)],
        cause: v1::Cause::Cancelled.into(),
        ..Default::default()
    };
    let rejected = v1::RejectedEvent {
        event_type: "omnifold.v1.OrderPlaced".to_owned(),
        reason: "id_reused".to_owned(),
        ..Default::default()
    };
    let outputs =
        [Output::Assigned(assigned), Output::Released(released), Output::Rejected(rejected)];
    assert_eq!(
        render(&outputs),
        [
            "O assigned",
            "O/f1 N S x3 (1 backordered), T x1",
            "O/f1 N released S x2 (cancelled)",
            "rejected OrderPlaced id_reused",
        ]
    );
}
