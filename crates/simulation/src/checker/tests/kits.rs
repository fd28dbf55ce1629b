//! What must hold of kits and substitutes, and that each of it is noticed where it does not.

use super::*;

const ONE: i64 = 1_000;

/// Two kits of two cups and a tea, one at each node.
fn boxes() -> Story {
    let mut story = Story::default();
    story.input(market());
    let part = |sku: &str, units: i64| v1::KitComponent {
        sku: sku.to_owned(),
        quantity_milli: units * ONE,
    };
    let components = vec![part("cup", 2), part("tea", 1)];
    story.input(v1::ItemDefined { sku: "box".to_owned(), components, ..Default::default() });
    for (node, sku) in [("A", "cup"), ("A", "tea"), ("B", "cup"), ("B", "tea"), ("B", "mug")] {
        story.input(count(node, sku, 2 * ONE));
    }
    let step = story.input(order("O", &[("box", 2 * ONE)]));
    story.decide(Output::Outcome(outcome(("O", 1, step, Cause::Placed), OutcomeStatus::Assigned)));
    let half = [("1/cup", "cup", 2 * ONE), ("1/tea", "tea", ONE)];
    for (number, node) in [(1, "A"), (2, "B")] {
        let what = ("O", number + 1, step, Cause::Placed);
        story.decide(Output::Assigned(assigned(what, number, node, &half)));
    }
    story
}

/// A line of which a mug is allowed to stand in.
fn mugs() -> Story {
    let mut story = boxes();
    let skus = vec!["mug".to_owned()];
    let substitutes = vec![v1::LineSubstitutes { line_id: "1".to_owned(), skus }];
    let step = story.input(v1::OrderPlaced { substitutes, ..order("S", &[("cup", ONE)]) });
    let placed = outcome(("S", 1, step, Cause::Placed), OutcomeStatus::Assigned);
    let stand_ins = vec![v1::StandIn {
        line_id: "1".to_owned(),
        ordered_sku: "cup".to_owned(),
        sku: "mug".to_owned(),
        quantity_milli: ONE,
    }];
    story.decide(Output::Outcome(v1::OrderOutcome { stand_ins, ..placed }));
    let what = ("S", 2, step, Cause::Placed);
    story.decide(Output::Assigned(assigned(what, 1, "B", &[("1", "mug", ONE)])));
    story
}

fn breaks(mut story: Story, rule: Rule, change: impl FnOnce(&mut Story)) {
    change(&mut story);
    let report = report(&story);
    let noticed = report.violations.iter().any(|violation| violation.rule == rule);
    assert!(noticed, "{rule:?} was not noticed: {report}");
}

fn assigned_to<'s>(story: &'s mut Story, node: &str) -> &'s mut v1::FulfilmentAssigned {
    let found = story.decided.iter_mut().find_map(|decided| match &mut decided.output {
        Output::Assigned(message) if message.node_id == node => Some(message),
        _ => None,
    });
    found.expect("assigned")
}

#[test]
fn whole_kits_and_allowed_substitutes_hold() {
    assert!(report(&mugs()).is_clean(), "{}", report(&mugs()));
}

#[test]
fn half_a_kit_at_a_node_is_noticed() {
    breaks(boxes(), Rule::HalfKit, |story| {
        assigned_to(story, "A").lines[1].quantity_milli = 2 * ONE;
        assigned_to(story, "B").lines.pop();
    });
}

#[test]
fn a_kit_that_misses_a_part_does_not_add_up() {
    breaks(boxes(), Rule::Accounting, |story| {
        assigned_to(story, "B").lines.pop();
    });
}

#[test]
fn a_part_that_is_not_there_is_oversold() {
    breaks(boxes(), Rule::Oversold, |story| story.inputs[2].2 = count("A", "cup", ONE).into());
}

#[test]
fn a_substitute_that_nobody_allowed_is_noticed() {
    breaks(mugs(), Rule::UnknownSubject, |story| {
        let place = about(story, "S", 0);
        let Output::Outcome(outcome) = &mut story.decided[place].output else { panic!("none") };
        outcome.stand_ins[0].sku = "tea".to_owned();
    });
}

#[test]
fn the_rest_of_a_kit_goes_back_with_its_missing_part() {
    let mut story = boxes();
    let step = story.input(v1::FulfilmentShortPicked {
        target: target("web/O/f1"),
        lines: quantities(&[("1/tea", ONE)]),
        reason: RejectionReason::NoVariance.into(),
        ..Default::default()
    });
    let waits = outcome(("O", 4, step, Cause::Rerouted), OutcomeStatus::Waiting);
    let waiting = quantities(&[("1/cup", 2 * ONE), ("1/tea", ONE)]);
    story.decide(Output::Outcome(v1::OrderOutcome { waiting, ..waits }));
    assert!(report(&story).is_clean(), "{}", report(&story));
    // The cups are free again.
    let step = story.input(order("P", &[("cup", 2 * ONE)]));
    story.decide(Output::Assigned(whole("P", step, "A", &[("1", "cup", 2 * ONE)])));
    assert!(report(&story).is_clean(), "{}", report(&story));
}
