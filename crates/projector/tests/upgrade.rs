//! Two versions of the rules in one log: what was decided under the old one stays true for ever,
//! and a build that does not know the new one says so by name.

mod engine;

use engine::{Engine, MARKET, TEN, count, event, item, market, node};
use omnifold_domain::Rules;
use omnifold_domain::rules::SplitFrom;
use omnifold_events::jsonl::FileEvent;
use omnifold_events::v1;
use omnifold_projector::{Halt, Options, ProjectorError, Query, rebuild, run_until_idle, verify};
use omnifold_simulation::output::Output;

const FIRST: Rules = Rules { version: 1, split_from: SplitFrom::BestRank };
const SECOND: Rules = Rules { version: 2, split_from: SplitFrom::MostFree };
static BOTH: &[Rules] = &[FIRST, SECOND];
static OLD_BUILD: &[Rules] = &[FIRST];

fn both(options: &mut Options) {
    options.known_rules = BOTH;
}

/// The nearer node has fewer units, so the two versions split differently.
fn world() -> Vec<FileEvent> {
    vec![
        market(TEN),
        node("far", 50_000_000, 2_000_000, TEN),
        node("near", 48_100_000, 2_000_000, TEN),
        item("S", TEN),
        count("far", "far", "S", 50, TEN),
        count("near", "near", "S", 40, TEN),
    ]
}

/// More than either node has.
fn split_order(order_id: &str, units: i64) -> FileEvent {
    let location = Some(v1::Location { lat_e6: 48_000_000, lon_e6: 2_000_000 });
    let placed = v1::OrderPlaced {
        channel: "web".into(),
        order_id: order_id.into(),
        lines: vec![v1::OrderLine {
            line_id: "1".into(),
            sku: "S".into(),
            quantity_milli: units * 1_000,
            unit_price: None,
        }],
        destination: Some(v1::Destination { location, ..Default::default() }),
        ..Default::default()
    };
    event(&format!("order {order_id}"), TEN, placed)
}

fn activate(version: u32) -> FileEvent {
    let activated = v1::RulesActivated { version, ..Default::default() };
    event(&format!("rules {version}"), TEN, activated)
}

/// Units by node, in message order.
fn split(outputs: &[Output]) -> Vec<(&str, i64)> {
    let assigned = outputs.iter().filter_map(|output| match output {
        Output::Assigned(m) => Some((m.node_id.as_str(), m.lines[0].quantity_milli / 1_000)),
        _ => None,
    });
    assigned.collect()
}

/// Counts both shelves again so that the next order meets the same stock.
fn refill(round: u32, time_ms: i64, taken: i64) -> Vec<FileEvent> {
    vec![
        count(&format!("far {round}"), "far", "S", 50 + taken, time_ms),
        count(&format!("near {round}"), "near", "S", 40 + taken, time_ms),
    ]
}

fn upgraded() -> Engine {
    let mut engine = Engine::with(both);
    engine.take(&world());
    let under_first = engine.take(&[split_order("old", 60)]);
    assert_eq!(split(&under_first), [("near", 40), ("far", 20)]);
    engine.take(&refill(1, TEN + 1, 100));
    let mut settled = engine.take(&[activate(2)]);
    assert!(settled.is_empty(), "{settled:?}");
    settled = engine.take(&[split_order("new", 250)]);
    // Free: 130 at `far`, 100 at `near`; 20 are missing.
    assert_eq!(split(&settled), [("near", 100), ("far", 130)]);
    engine.take(&refill(2, TEN + 2, 300));
    let under_second = engine.take(&[split_order("newer", 260)]);
    assert_eq!(split(&under_second).iter().map(|part| part.1).sum::<i64>(), 260);
    engine
}

#[test]
fn decisions_before_the_upgrade_stand_and_later_ones_follow_the_new_rules() {
    let mut engine = Engine::with(both);
    engine.take(&world());
    let under_first = engine.take(&[split_order("old", 60)]);
    assert_eq!(split(&under_first), [("near", 40), ("far", 20)], "the best rank gives first");
    engine.take(&[
        count("far 2", "far", "S", 70, TEN + 1),
        count("near 2", "near", "S", 80, TEN + 1),
    ]);
    // Free again: 50 at `far`, 40 at `near`.
    let outputs = engine.take(&[activate(2), split_order("new", 60)]);
    assert_eq!(split(&outputs), [("near", 10), ("far", 50)], "the fuller shelf gives first");
}

#[test]
fn every_old_mark_stays_true_after_the_upgrade() {
    let engine = upgraded();
    let options = engine.options.clone();
    let verified = verify(engine.log.clone(), MARKET, options.clone(), &mut |_| {}).expect("read");
    assert!(verified.ok, "{:?}", verified.violations);
    let live = engine.query(Query::Market).expect("an answer").position;
    let rebuilt = rebuild(engine.log.clone(), MARKET, options, &mut |_| {}).expect("a rebuild");
    assert_eq!((rebuilt.position.digest, rebuilt.position.epoch), (live.digest, live.epoch));
}

#[test]
fn a_build_without_the_rules_refuses_the_market_by_their_number() {
    let mut engine = upgraded();
    engine.options.known_rules = OLD_BUILD;
    let fault = rebuild(engine.log.clone(), MARKET, engine.options.clone(), &mut |_| {});
    let markets = [MARKET.to_owned()];
    let run = run_until_idle(engine.log.clone(), &markets, engine.options.clone(), &mut |_| {});
    for fault in [fault.map(|_| ()), run.map(|_| ())] {
        match fault.expect_err("a refusal") {
            ProjectorError::Halt { source: Halt::UnknownRules(2), .. } => {}
            other => panic!("{other:?}"),
        }
    }
    let text = Halt::UnknownRules(2).to_string();
    assert!(text.contains("rules version 2"), "{text}");
}

#[test]
fn rules_that_no_build_here_knows_are_refused_and_so_is_going_back() {
    let mut engine = Engine::with(both);
    engine.take(&world());
    let outputs = engine.take(&[activate(3)]);
    assert!(matches!(&outputs[..], [Output::Rejected(m)] if m.reason == "unknown_rules"));
    assert!(engine.take(&[activate(2)]).is_empty());
    let outputs = engine.take(&[activate(1)]);
    assert!(matches!(&outputs[..], [Output::Rejected(m)] if m.reason == "unknown_rules"));
    // Configuring the market again keeps the rules in force.
    let again = FileEvent { id: "market again".into(), ..market(TEN) };
    assert!(engine.take(&[again]).is_empty());
    let settings = engine.query(Query::Market).expect("a market").body["settings"].clone();
    assert_eq!(settings["rules_version"], 2);
}
