//! A transfer that is suggested as it may be, and otherwise.

use omnifold_events::v1::{self, Cause};

use super::super::*;
use super::report;
use super::story::*;

/// An order waits for two units, and a node has three: what is suggested of them.
fn suggested(units: i64, to: &str) -> Story {
    let mut story = Story::default();
    story.input(market());
    story.input(count("A", "S", 3_000));
    story.input(count("B", "S", 0));
    let step = story.input(order("O", &[("S", 2_000)]));
    let status = v1::OutcomeStatus::Waiting;
    let row = v1::SuggestedTransfer {
        sku: "S".into(),
        from_node_id: "A".into(),
        to_node_id: to.into(),
        quantity_milli: units,
    };
    let waiting = vec![v1::LineQuantity { line_id: "1".into(), quantity_milli: 2_000 }];
    let transfers = Some(Box::new(v1::TransferPlan { moves: vec![row] }));
    let said = outcome(("O", 1, step, Cause::Placed), status);
    story.decide(Output::Outcome(v1::OrderOutcome { waiting, transfers, ..said }));
    story
}

fn rules(story: Story) -> Vec<Rule> {
    report(&story).violations.into_iter().map(|violation| violation.rule).collect()
}

#[test]
fn what_waits_and_is_there_may_be_moved() {
    assert_eq!(rules(suggested(2_000, "B")), []);
}

#[test]
fn no_more_is_moved_than_waits_or_is_there_and_never_to_where_it_is() {
    assert_eq!(rules(suggested(3_000, "B")), [Rule::Transfers], "two wait");
    assert_eq!(rules(suggested(4_000, "B")), [Rule::Transfers; 2], "and three are there");
    assert_eq!(rules(suggested(2_000, "A")), [Rule::Transfers]);
}
