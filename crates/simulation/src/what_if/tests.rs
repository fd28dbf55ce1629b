//! The parts of a replay, one by one. The whole is tested with the command.

use omnifold_events::v1::fulfilment_target::Target;

use super::demand::{Window, demand};
use super::figures::Account;
use super::nodes::Learned;
use super::settings::{Settings, SettingsError};
use super::*;
use crate::output::Output;
use omnifold_events::v1;

const HOUR_MS: i64 = 3_600_000;

fn at(time_ms: i64, event: Event) -> FileEvent {
    FileEvent { id: format!("e{time_ms}"), source: "test".into(), time_ms: Some(time_ms), event }
}

fn market(shortage: v1::Shortage) -> Event {
    v1::MarketConfigured {
        clock: v1::ClockKind::Wall.into(),
        currency: "EUR".into(),
        shortage: shortage.into(),
        max_ahead_ms: 5,
        ..Default::default()
    }
    .into()
}

fn order(id: &str) -> Event {
    let line = v1::OrderLine {
        line_id: "1".into(),
        sku: "S".into(),
        quantity_milli: 2_000,
        ..Default::default()
    };
    v1::OrderPlaced {
        channel: "web".into(),
        order_id: id.into(),
        lines: vec![line],
        ..Default::default()
    }
    .into()
}

fn assigned(order: &str, fulfilment: u32, node: &str, units: i64) -> v1::FulfilmentAssigned {
    let line = v1::AssignedLine { quantity_milli: units * 1_000, ..Default::default() };
    v1::FulfilmentAssigned {
        channel: "web".into(),
        order_id: order.into(),
        fulfilment,
        node_id: node.into(),
        lines: vec![line],
        distance_m: 10_000,
        ..Default::default()
    }
}

fn target(id: &str) -> Option<v1::FulfilmentTarget> {
    Some(v1::FulfilmentTarget { target: Some(Target::FulfilmentId(id.to_owned())) })
}

fn shipped(id: &str) -> Event {
    v1::FulfilmentShipped { target: target(id), ..Default::default() }.into()
}

fn settings(words: &[&str]) -> Result<Settings, SettingsError> {
    Settings::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
}

#[test]
fn a_change_of_settings_is_read_by_the_schema() {
    let change = settings(&["shortage=wait", "acceptWithinMs=60000"]).expect("it is one");
    let Event::MarketConfigured(before) = market(v1::Shortage::Refuse) else { unreachable!() };
    let [Event::MarketConfigured(after)] = &change.begin(&before)[..] else { unreachable!() };
    assert_eq!((after.shortage(), after.accept_within_ms), (v1::Shortage::Wait, 60_000));
    assert_eq!(after.currency, "EUR");
    assert_eq!(change.name(), "shortage=SHORTAGE_WAIT acceptWithinMs=60000");
    for (word, fault) in [
        ("shortage", "Form"),
        ("clock=wall", "Fixed"),
        ("shortage=maybe", "Value"),
        ("no_such=1", "Value"),
    ] {
        let error = settings(&[word]).expect_err(word);
        assert!(format!("{error:?}").starts_with(fault), "{word}: {error:?}");
    }
}

#[test]
fn the_change_counts_from_the_window_on_and_what_nodes_did_is_left_out() {
    let recorded = vec![
        at(0, market(v1::Shortage::Refuse)),
        at(10, order("early")),
        at(20, shipped("web/early/f1")),
        at(30, order("late")),
        at(40, market(v1::Shortage::Refuse)),
        at(50, order("after")),
    ];
    let change = settings(&["shortage=WAIT"]).expect("it is one");
    let window = Window { from_ms: 25, until_ms: 50 };
    let replayed = demand(recorded, &change, window);
    let told: Vec<(i64, i32)> = replayed
        .iter()
        .map(|event| match &event.event {
            Event::MarketConfigured(m) => (time_of(event), m.shortage * 10 + m.clock),
            _ => (time_of(event), 0),
        })
        .collect();
    // REFUSE is 1, WAIT is 2; the clock of a replay is 2, that of its records.
    assert_eq!(told, [(0, 12), (10, 0), (25, 22), (30, 0), (40, 22)]);
    let whole = Window { from_ms: i64::MIN, until_ms: i64::MAX };
    let replayed =
        demand(vec![at(0, market(v1::Shortage::Refuse)), at(9, order("a"))], &change, whole);
    assert_eq!(replayed.iter().map(time_of).collect::<Vec<_>>(), [0, 9], "altered where it stands");
}

#[test]
fn a_node_does_again_what_it_did_and_ships_other_work_after_its_median() {
    let mut learned = Learned::default();
    for (order, node, hours) in [("a", "N", 1), ("b", "N", 3), ("c", "N", 8), ("d", "M", 2)] {
        learned.told(&assigned(order, 1, node, 1), 0);
        learned.heard(&shipped(&format!("web/{order}/f1")), hours * HOUR_MS);
    }
    learned.told(&assigned("e", 1, "M", 1), 0);
    let no = v1::FulfilmentRejected {
        target: target("web/e/f1"),
        reason: v1::RejectionReason::Mismatch.into(),
        ..Default::default()
    };
    learned.heard(&no.into(), HOUR_MS);
    // A history that names no node: whoever had the order.
    learned.told(&assigned("f", 1, "X", 1), 0);
    let any = v1::AnyNode { channel: "web".into(), order_id: "f".into() };
    let any = Some(v1::FulfilmentTarget { target: Some(Target::AnyNode(any)) });
    let shipped_by_any = v1::FulfilmentShipped { target: any, ..Default::default() };
    learned.heard(&shipped_by_any.into(), 3 * HOUR_MS);
    let mut nodes = learned.nodes();
    // Numbers of fulfilments may differ; the order at its node counts.
    nodes.hear(&Output::Assigned(assigned("c", 2, "N", 1)), 0);
    nodes.hear(&Output::Assigned(assigned("e", 1, "M", 1)), 0);
    nodes.hear(&Output::Assigned(assigned("new", 1, "N", 1)), 0);
    nodes.hear(&Output::Assigned(assigned("new", 2, "X", 1)), 0);
    let said: Vec<(i64, &str)> = nodes
        .due_before(100 * HOUR_MS, 0)
        .iter()
        .map(|event| {
            let target = |target: &Option<v1::FulfilmentTarget>| target.clone();
            match &event.event {
                Event::FulfilmentShipped(e) => (time_of(event), target(&e.target), "shipped"),
                Event::FulfilmentRejected(e) => (time_of(event), target(&e.target), "rejected"),
                other => panic!("{other:?}"),
            }
        })
        .map(|(at, target, word)| {
            assert!(target.is_some());
            (at / HOUR_MS, word)
        })
        .collect();
    assert_eq!(said, [(1, "rejected"), (3, "shipped"), (3, "shipped"), (8, "shipped")]);
    assert_eq!(nodes.counts(), (2, 2));
}

#[test]
fn work_that_was_taken_back_is_not_shipped() {
    let mut nodes = Learned::default().nodes();
    nodes.hear(&Output::Assigned(assigned("a", 1, "N", 1)), 0);
    let released = v1::FulfilmentReleased {
        channel: "web".into(),
        order_id: "a".into(),
        fulfilment: 1,
        ..Default::default()
    };
    nodes.hear(&Output::Released(released), 5);
    assert_eq!(nodes.due_before(i64::MAX, 0), []);
}

#[test]
fn a_feed_hands_out_each_event_once_and_in_order_of_time() {
    let recorded = vec![at(0, order("a")), at(10, order("b")), at(10_000, order("c"))];
    let mut feed = Feed::new(recorded, Learned::default().nodes(), 100);
    let times = |events: Vec<FileEvent>| events.iter().map(time_of).collect::<Vec<_>>();
    assert_eq!(times(feed.next(&[], 0)), [0, 10]);
    let told = [(10, Output::Assigned(assigned("a", 1, "N", 1)))];
    assert_eq!(times(feed.next(&told, 10)), [10_000]);
    assert_eq!(times(feed.next(&[], 10_000)), [10 + 86_400_000]);
    assert_eq!(feed.next(&[], 86_400_010), []);
}

#[test]
fn figures_follow_an_order_to_where_it_ends() {
    let mut recorded = Account::default();
    let mut other = Account::default();
    for account in [&mut recorded, &mut other] {
        for id in ["a", "b"] {
            let Event::OrderPlaced(placed) = order(id) else { unreachable!() };
            account.placed(&placed);
        }
    }
    let outcome = |id: &str, status: v1::OutcomeStatus| v1::OrderOutcome {
        channel: "web".into(),
        order_id: id.into(),
        status: status.into(),
        ..Default::default()
    };
    let whole = v1::FulfilmentAssigned {
        outcome: Some(outcome("a", v1::OutcomeStatus::Assigned)),
        ..assigned("a", 1, "N", 2)
    };
    recorded.hear(&Output::Assigned(whole.clone()));
    other.hear(&Output::Assigned(whole));
    let mut refused = outcome("b", v1::OutcomeStatus::Refused);
    refused.shortages.push(v1::SkuShortage { sku: "S".into(), ..Default::default() });
    recorded.hear(&Output::Outcome(refused));
    // The replay serves b from two nodes, and a from another node after it was taken back.
    other.hear(&Output::Outcome(outcome("b", v1::OutcomeStatus::Assigned)));
    other.hear(&Output::Assigned(assigned("b", 1, "N", 1)));
    other.hear(&Output::Assigned(assigned("b", 2, "M", 1)));
    let back = v1::FulfilmentReleased {
        channel: "web".into(),
        order_id: "a".into(),
        fulfilment: 1,
        lines: assigned("a", 1, "N", 2).lines,
        ..Default::default()
    };
    other.hear(&Output::Released(back));
    other.hear(&Output::Assigned(assigned("a", 2, "M", 2)));
    // N turns its part of b down, and M gets that too.
    let no = v1::FulfilmentRejected { target: target("web/b/f1"), ..Default::default() };
    other.said(&no.into());
    other.hear(&Output::Assigned(assigned("b", 3, "M", 1)));
    let (before, after) = (recorded.figures(), other.figures());
    assert_eq!((before.refused, before.stock_outs, before.split), (1, 1, 0));
    assert_eq!((after.filled_at_once, after.stock_outs, after.split), (2, 0, 0));
    assert_eq!((before.fill_rate_percent, after.fill_rate_percent), (50.0, 100.0));
    assert_eq!(after.load["M"], super::figures::Load { fulfilments: 3, units: 4.0 });
    assert_eq!(after.mean_distance_km, 10.0);
    assert_eq!(recorded.moved(&other), 2);
    assert_eq!(recorded.moved(&recorded), 0);
}
