//! A story that an engine without fault would tell holds; with any one thing wrong in it, the rule
//! that it breaks is named.

mod deferred;
mod holds;
mod kits;
mod memory_log;
mod shelves;
mod soft_holds;
mod story;
mod transfers;
mod units;
mod waves;
mod work;

use omnifold_events::v1::{self, Cause, OutcomeStatus, RejectionReason};

use super::*;
use story::*;

/// Orders that are served whole, in part, after waiting and after a rejection; cancelled by line
/// and whole; shipped; refused for want of stock and for an unknown SKU; and a duplicate.
fn story() -> Story {
    let mut story = Story::default();
    story.input(market());
    for shelf in [count("A", "S", 10), count("B", "S", 10), count("A", "T", 1), count("B", "T", 0)]
    {
        story.input(shelf);
    }
    served_and_rerouted(&mut story);
    partly_served_and_completed(&mut story);
    refused(&mut story);
    let first_order = story.inputs[5].clone();
    story.inputs.push(first_order);
    cancelled_and_shipped(&mut story);
    story
}

fn served_and_rerouted(story: &mut Story) {
    let step = story.input(order("O1", &[("S", 3)]));
    story.decide(Output::Assigned(whole("O1", step, "A", &[("1", "S", 3)])));
    let step = story.input(reject("web/O1/f1", RejectionReason::Mismatch));
    let what = ("O1", 2, step, Cause::Rerouted);
    story.decide(Output::Assigned(assigned(what, 2, "B", &[("1", "S", 3)])));
}

fn partly_served_and_completed(story: &mut Story) {
    let step = story.input(order("O2", &[("S", 2), ("T", 2)]));
    let partly = outcome(("O2", 1, step, Cause::Placed), OutcomeStatus::PartlyAssigned);
    let waiting = quantities(&[("2", 1)]);
    story.decide(Output::Outcome(v1::OrderOutcome { waiting, ..partly }));
    let what = ("O2", 2, step, Cause::Placed);
    story.decide(Output::Assigned(assigned(what, 1, "A", &[("1", "S", 2), ("2", "T", 1)])));
    let step = story.input(adjust("B", "T", 5));
    let what = ("O2", 3, step, Cause::StockAppeared);
    story.decide(Output::Assigned(assigned(what, 2, "B", &[("2", "T", 1)])));
}

fn refused(story: &mut Story) {
    let step = story.input(order("O3", &[("S", 100)]));
    let refused = outcome(("O3", 1, step, Cause::Placed), OutcomeStatus::Refused);
    let reason = "unfillable".to_owned();
    story.decide(Output::Outcome(v1::OrderOutcome { reason, ..refused }));

    let step = story.input(order("O4", &[("nothing", 1)]));
    story.refuse("unknown_sku");
    let refused = outcome(("O4", 0, step, Cause::Placed), OutcomeStatus::Refused);
    let reason = "unknown_sku".to_owned();
    story.decide(Output::Outcome(v1::OrderOutcome { reason, ..refused }));

    story.input(order("O1", &[("S", 1)]));
    story.refuse("duplicate_order");
}

fn cancelled_and_shipped(story: &mut Story) {
    let step = story.input(cancel("O1", &[("1", 1)]));
    let cause = Cause::Cancelled;
    story.decide(Output::Changed(changed(("O1", 3, step, cause), 2, "B", &[("1", "S", 2)])));
    let answer = outcome(("O1", 4, step, cause), OutcomeStatus::Cancelled);
    let cancelled = quantities(&[("1", 1)]);
    story.decide(Output::Outcome(v1::OrderOutcome { cancelled, ..answer }));
    story.input(ship(target("web/O1/f2")));

    let step = story.input(cancel("O2", &[]));
    let lines = [("1", "S", 2), ("2", "T", 1)];
    story.decide(Output::Released(released(("O2", 4, step, cause), 1, "A", &lines)));
    story.decide(Output::Released(released(("O2", 5, step, cause), 2, "B", &[("2", "T", 1)])));
    let answer = outcome(("O2", 6, step, cause), OutcomeStatus::Cancelled);
    let cancelled = quantities(&[("1", 2), ("2", 2)]);
    story.decide(Output::Outcome(v1::OrderOutcome { cancelled, ..answer }));
}

fn report(story: &Story) -> CheckReport {
    check(&story.log(), "t", "m", &CheckOptions::default()).expect("readable topics")
}

/// The story with one thing changed breaks this rule, whatever else follows from it.
fn breaks(rule: Rule, change: impl FnOnce(&mut Story)) {
    let mut story = story();
    change(&mut story);
    let report = report(&story);
    let noticed = report.violations.iter().any(|violation| violation.rule == rule);
    assert!(noticed, "{rule:?} was not noticed: {report}");
}

/// The place of the n-th decision about an order.
fn about(story: &Story, order_id: &str, nth: usize) -> usize {
    let mut places = story.decided.iter().enumerate();
    places.by_ref().filter(|(_, d)| d.output.order().1 == order_id).nth(nth).expect("decided").0
}

fn change_assigned(
    story: &mut Story,
    order_id: &str,
    nth: usize,
    change: impl FnOnce(&mut v1::FulfilmentAssigned),
) {
    let place = about(story, order_id, nth);
    let Output::Assigned(message) = &mut story.decided[place].output else {
        panic!("decision {nth} of {order_id} is no assignment")
    };
    change(message);
}

fn change_outcome(story: &mut Story, order_id: &str, change: impl FnOnce(&mut v1::OrderOutcome)) {
    let place = about(story, order_id, 0);
    match &mut story.decided[place].output {
        Output::Outcome(message) => change(message),
        Output::Assigned(message) => change(message.outcome.as_mut().expect("an outcome inside")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_story_without_fault_holds_and_is_counted() {
    let report = report(&story());
    assert!(report.is_clean(), "{report}");
    let counts = &report.counts;
    assert_eq!((counts.orders, counts.duplicates, counts.rejected), (4, 1, 2));
    assert_eq!((counts.assigned, counts.rerouted, counts.served_from_waiting), (4, 1, 1));
    assert_eq!((counts.taken_back, counts.waiting_milli), (3, 0));
    assert_eq!(counts.outcomes["assigned"], 1);
    assert_eq!(counts.outcomes["partly_assigned"], 1);
    assert_eq!(counts.outcomes["refused"], 2);
}

#[test]
fn an_order_without_its_outcome_is_noticed() {
    breaks(Rule::OutcomeMissing, |story| {
        let place = about(story, "O3", 0);
        story.decided.remove(place);
    });
    breaks(Rule::OutcomeMissing, |story| {
        story.input(order("O9", &[("S", 1)]));
    });
}

#[test]
fn a_refused_request_without_its_outcome_is_noticed_too() {
    breaks(Rule::OutcomeMissing, |story| {
        let place = about(story, "O4", 0);
        story.decided.remove(place);
    });
}

#[test]
fn a_second_outcome_is_noticed() {
    breaks(Rule::OutcomeExtra, |story| {
        let place = about(story, "O4", 0);
        story.decided.insert(place, story.decided[place].clone());
    });
}

#[test]
fn an_outcome_that_nobody_asked_for_is_noticed() {
    breaks(Rule::OutcomeExtra, |story| {
        let step = story.input(adjust("A", "S", 1));
        let extra = outcome(("O9", 0, step, Cause::Placed), OutcomeStatus::Refused);
        let reason = "unfillable".to_owned();
        story.decide(Output::Outcome(v1::OrderOutcome { reason, ..extra }));
    });
}

#[test]
fn an_order_placed_twice_and_not_refused_is_noticed() {
    breaks(Rule::OutcomeExtra, |story| {
        story.rejected.retain(|event| event.reason != "duplicate_order");
    });
}

#[test]
fn a_status_that_does_not_agree_with_the_assignments_is_noticed() {
    breaks(Rule::OutcomeDisagrees, |story| {
        change_outcome(story, "O1", |outcome| outcome.set_status(OutcomeStatus::Waiting));
    });
    breaks(Rule::OutcomeDisagrees, |story| {
        change_outcome(story, "O2", |outcome| outcome.set_status(OutcomeStatus::Assigned));
    });
    breaks(Rule::OutcomeDisagrees, |story| {
        change_outcome(story, "O3", |outcome| outcome.reason.clear());
    });
}

#[test]
fn a_fulfilment_number_left_out_or_repeated_is_noticed() {
    breaks(Rule::FulfilmentNumber, |story| {
        change_assigned(story, "O1", 1, |message| message.fulfilment = 3);
        let place = about(story, "O1", 1);
        story.decided[place].key = "web/O1/f3".to_owned();
    });
    breaks(Rule::FulfilmentNumber, |story| {
        change_assigned(story, "O2", 2, |message| message.fulfilment = 1);
        let place = about(story, "O2", 2);
        story.decided[place].key = "web/O2/f1".to_owned();
    });
}

#[test]
fn a_repeated_decision_is_noticed() {
    breaks(Rule::DecisionRepeated, |story| {
        let place = about(story, "O2", 2);
        story.decided.insert(place, story.decided[place].clone());
    });
}

#[test]
fn a_sequence_number_that_does_not_grow_is_noticed() {
    breaks(Rule::SequenceRepeated, |story| {
        let place = about(story, "O1", 2);
        story.decided[place].seq = Some(1);
    });
}

#[test]
fn a_key_or_header_that_says_something_else_is_noticed() {
    breaks(Rule::Labels, |story| story.decided[0].key = "web/O2/f1".to_owned());
    breaks(Rule::Labels, |story| story.decided[0].node = Some("B".to_owned()));
    breaks(Rule::Labels, |story| story.decided[0].seq = None);
}

#[test]
fn an_assignment_of_an_unknown_order_or_line_is_noticed() {
    breaks(Rule::UnknownSubject, |story| {
        let step = story.input(adjust("A", "S", 1));
        let what = ("O9", 1, step, Cause::StockAppeared);
        story.decide(Output::Assigned(assigned(what, 1, "A", &[("1", "S", 1)])));
    });
    breaks(Rule::UnknownSubject, |story| {
        change_assigned(story, "O1", 0, |message| message.lines[0].sku = "T".to_owned());
    });
}

#[test]
fn more_units_than_ordered_are_noticed() {
    breaks(Rule::Accounting, |story| {
        change_assigned(story, "O2", 2, |message| message.lines[0].quantity_milli = 2);
    });
    breaks(Rule::Accounting, |story| {
        change_assigned(story, "O1", 1, |message| message.lines[0].quantity_milli = 4);
    });
}

#[test]
fn units_that_are_lost_are_noticed() {
    // The rerouted units went nowhere.
    breaks(Rule::Accounting, |story| {
        story.decided.truncate(about(story, "O1", 1));
    });
    // The node keeps fewer units than it should, and nobody has the others.
    breaks(Rule::Accounting, |story| {
        let place = about(story, "O1", 2);
        let Output::Changed(message) = &mut story.decided[place].output else { panic!() };
        message.lines[0].quantity_milli = 1;
    });
    // A waiting unit that the outcome does not mention.
    breaks(Rule::Accounting, |story| {
        change_outcome(story, "O2", |outcome| outcome.waiting.clear())
    });
}

#[test]
fn units_still_promised_after_their_cancellation_are_noticed() {
    breaks(Rule::Accounting, |story| {
        let place = about(story, "O2", 3);
        story.decided.remove(place);
    });
}

#[test]
fn a_release_of_units_that_did_not_stand_there_is_noticed() {
    breaks(Rule::Accounting, |story| {
        let place = about(story, "O2", 3);
        let Output::Released(message) = &mut story.decided[place].output else { panic!() };
        message.lines[0].quantity_milli = 7;
    });
}

#[test]
fn a_node_that_a_channel_does_not_sell_is_noticed() {
    let assigned_to = |node: &str| {
        let mut story = story();
        story.input(count("A", "S", 10));
        story.input(count("B", "S", 10));
        let (channel, nodes) = ("web".to_owned(), vec!["A".to_owned()]);
        story.input(v1::ChannelDefined { channel, nodes, ..Default::default() });
        let step = story.input(order("O8", &[("S", 1)]));
        story.decide(Output::Assigned(whole("O8", step, node, &[("1", "S", 1)])));
        report(&story)
    };
    assert!(assigned_to("A").is_clean(), "{}", assigned_to("A"));
    assert_eq!(assigned_to("B").violations[0].rule, Rule::NodeNotAllowed);
}

#[test]
fn a_node_that_turned_the_order_down_or_was_not_named_is_noticed() {
    breaks(Rule::NodeNotAllowed, |story| {
        change_assigned(story, "O1", 1, |message| message.node_id = "A".to_owned());
        let place = about(story, "O1", 1);
        story.decided[place].node = Some("A".to_owned());
    });
    breaks(Rule::NodeNotAllowed, |story| {
        let only =
            v1::OrderPlaced { fulfil_from: vec!["B".to_owned()], ..order("O1", &[("S", 3)]) };
        story.inputs[5].2 = only.into();
    });
}

#[test]
fn decisions_out_of_their_step_are_noticed() {
    breaks(Rule::StepOrder, |story| {
        let place = about(story, "O2", 2);
        let moved = story.decided.remove(place);
        story.decided.push(moved);
    });
    breaks(Rule::StepOrder, |story| {
        change_assigned(story, "O2", 2, |message| message.step = 999);
        let place = about(story, "O2", 2);
        let moved = story.decided.remove(place);
        story.decided.push(moved);
    });
}

#[test]
fn an_unreadable_input_that_was_not_refused_is_noticed() {
    let mut log = story().log();
    let orders = log.topics.get_mut("t.m.orders").expect("a topic");
    orders[0].value = vec![0xff; 4];
    let report = check(&log, "t", "m", &CheckOptions::default()).expect("readable topics");
    assert_eq!(report.violations[0].rule, Rule::UnreadableAccepted);
}

#[test]
fn units_of_any_node_ship_from_wherever_they_stand() {
    let mut story = story();
    let step = story.input(order("O8", &[("S", 9)]));
    let split = outcome(("O8", 1, step, Cause::Placed), OutcomeStatus::Assigned);
    story.decide(Output::Outcome(split));
    let what = |decision| ("O8", decision, step, Cause::Placed);
    story.decide(Output::Assigned(assigned(what(2), 1, "A", &[("1", "S", 7)])));
    story.decide(Output::Assigned(assigned(what(3), 2, "B", &[("1", "S", 2)])));
    let partly = v1::FulfilmentShipped { lines: quantities(&[("1", 8)]), ..ship(any_node("O8")) };
    story.input(partly);
    let report = report(&story);
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.counts.split, 1);
    // Seven left from A and one from B, so a new count of one at B leaves none to sell there:
    // one is still promised.
    story.input(count("B", "S", 1));
    let step = story.input(order("O9", &[("S", 1)]));
    story.decide(Output::Assigned(whole("O9", step, "B", &[("1", "S", 1)])));
    assert_eq!(check_first(&story), Some(Rule::Oversold));
}

fn check_first(story: &Story) -> Option<Rule> {
    report(story).violations.first().map(|violation| violation.rule)
}

#[test]
fn marks_cut_the_merge_so_that_a_late_record_stands_in_its_own_epoch() {
    let mut story = story();
    story.mark(1, 1);
    // Older than everything before it, and yet the engine took it last.
    story.inputs.push(("late".to_owned(), STEP_MS, cancel("O9", &[]).into()));
    story.refuse("unknown_order");
    let step = story.input(order("O8", &[("S", 1)]));
    story.decide(Output::Assigned(whole("O8", step, "A", &[("1", "S", 1)])));
    story.decided.last_mut().expect("a decision").epoch = (1, 2);
    story.mark(1, 2);
    let report = report(&story);
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.counts.marks, 2);
}

#[test]
fn a_mark_that_counts_other_records_than_its_frontiers_is_noticed() {
    breaks(Rule::MarkCount, |story| {
        story.mark(1, 1);
        story.marks[0].steps += 1;
    });
}

#[test]
fn a_decision_without_its_mark_is_void_and_must_be_answered() {
    let mut story = story();
    story.mark(1, 1);
    let step = story.input(order("O8", &[("S", 1)]));
    // Published by an owner whose epoch never got its mark; then decided again.
    story.decide(Output::Assigned(whole("O8", step, "B", &[("1", "S", 1)])));
    story.decided.last_mut().expect("a decision").epoch = (1, 2);
    let mut answered = story.clone();
    for story in [&mut story, &mut answered] {
        story.decide(Output::Assigned(whole("O8", step, "A", &[("1", "S", 1)])));
        story.decided.last_mut().expect("a decision").epoch = (2, 2);
    }
    let what = ("O8", 1, step, Cause::Void);
    answered.decide(Output::Released(released(what, 1, "B", &[("1", "S", 1)])));
    for story in [&mut story, &mut answered] {
        story.mark(2, 2);
    }
    let report = report(&answered);
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.counts.void, 1);
    assert_eq!(check_first(&story), Some(Rule::VoidUnanswered));
}

#[test]
fn a_void_decision_taken_again_byte_for_byte_needs_no_release() {
    let mut story = story();
    story.mark(1, 1);
    let step = story.input(order("O8", &[("S", 1)]));
    for incarnation in [1, 2] {
        story.decide(Output::Assigned(whole("O8", step, "B", &[("1", "S", 1)])));
        let decided = story.decided.last_mut().expect("a decision");
        (decided.epoch, decided.seq) = ((incarnation, 2), Some(1));
    }
    story.mark(2, 2);
    let report = report(&story);
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.counts.void, report.counts.assigned), (1, 5));
}

#[test]
fn the_mark_of_a_fenced_owner_makes_nothing_effective() {
    let mut story = story();
    story.mark(1, 1);
    let step = story.input(order("O8", &[("S", 1)]));
    story.decide(Output::Assigned(whole("O8", step, "B", &[("1", "S", 1)])));
    story.decided.last_mut().expect("a decision").epoch = (1, 2);
    let what = ("O8", 1, step, Cause::Void);
    story.decide(Output::Released(released(what, 1, "B", &[("1", "S", 1)])));
    story.decide(Output::Assigned(whole("O8", step, "A", &[("1", "S", 1)])));
    story.decided.last_mut().expect("a decision").epoch = (2, 2);
    story.mark(2, 2);
    // The stale owner's mark lands late; it names the mark before the one that took its place.
    let stale = v1::EpochMark { incarnation: 1, ..story.marks[1].clone() };
    story.marks.push(stale);
    let report = report(&story);
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.counts.marks, report.counts.stray_marks, report.counts.void), (2, 1, 1));
}

#[test]
fn a_refused_cancellation_has_its_answer_and_an_unreadable_record_may_come_twice() {
    let mut story = story();
    let step = story.input(cancel("O3", &[]));
    story.refuse("nothing_left");
    let answer = outcome(("O3", 0, step, Cause::Cancelled), OutcomeStatus::Refused);
    let reason = "nothing_left".to_owned();
    story.decide(Output::Outcome(v1::OrderOutcome { reason, ..answer }));
    story.input(adjust("A", "S", 0));
    story.refuse("malformed");
    let malformed = story.inputs.last().expect("an input").clone();
    story.inputs.push(malformed);
    let mut log = story.log();
    let stock = log.topics.get_mut("t.m.stock").expect("a topic");
    stock.iter_mut().rev().take(2).for_each(|record| record.value = vec![0xff; 4]);
    let report = check(&log, "t", "m", &CheckOptions::default()).expect("readable topics");
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.counts.duplicates, 2);
}

#[test]
fn a_running_engine_may_lag_behind_its_inputs() {
    let mut story = story();
    story.mark(1, 1);
    story.input(order("O8", &[("S", 1)]));
    assert_eq!(check_first(&story), Some(Rule::OutcomeMissing));
    let lagging = CheckOptions { may_lag: true, ..Default::default() };
    let report = check(&story.log(), "t", "m", &lagging).expect("readable topics");
    assert!(report.is_clean(), "{report}");
}

#[test]
fn the_list_of_violations_is_bounded_and_all_are_counted() {
    let mut story = story();
    for number in 0..30 {
        story.input(order(&format!("X{number}"), &[("S", 1)]));
    }
    let few = CheckOptions { most_violations: 5, ..Default::default() };
    let report = check(&story.log(), "t", "m", &few).expect("readable topics");
    assert_eq!(report.violations.len(), 5);
    // Each has no outcome, and its unit is nowhere.
    assert_eq!(report.violation_count, 60);
}

#[test]
fn a_topic_that_is_missing_or_was_trimmed_cannot_be_checked() {
    let mut log = story().log();
    log.start = 3;
    let error = check(&log, "t", "m", &CheckOptions::default()).expect_err("trimmed");
    assert!(error.to_string().contains("were removed"), "{error}");
    let error = check(&log, "t", "other", &CheckOptions::default()).expect_err("missing");
    assert!(error.to_string().contains("t.other.network"), "{error}");
}
