//! Orders made to hurt: too much work, sums that overflow, failed assertions. Each gets its outcome
//! or its refusal within counted steps, is undone as a whole where it fails, and the market goes on.

mod engine;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use engine::{Engine, MARKET, TEN, count, event, item, market, node, order, small_world};
use omnifold_domain::MAX_QUANTITY_MILLI;
use omnifold_events::jsonl::FileEvent;
use omnifold_events::v1;
use omnifold_projector::{Options, Query, StateAt, rebuild, verify};
use omnifold_simulation::output::Output;

fn check_whole_run(engine: &Engine) {
    let options = engine.options.clone();
    let verified = verify(engine.log.clone(), MARKET, options.clone(), &mut |_| {}).expect("read");
    assert!(verified.ok, "{:?}", verified.violations);
    let live = engine.query(Query::Market).expect("an answer").position;
    let rebuilt = rebuild(engine.log.clone(), MARKET, options, &mut |_| {}).expect("a rebuild");
    assert_eq!(rebuilt.position.digest, live.digest);
}

fn assigned<'a>(outputs: &'a [Output], order_id: &str) -> Vec<&'a v1::FulfilmentAssigned> {
    let of_order = outputs.iter().filter_map(|output| match output {
        Output::Assigned(m) if m.order_id == order_id => Some(m),
        _ => None,
    });
    of_order.collect()
}

fn refused(outputs: &[Output], order_id: &str) -> Option<String> {
    outputs.iter().find_map(|output| match output {
        Output::Outcome(m)
            if m.order_id == order_id && m.status() == v1::OutcomeStatus::Refused =>
        {
            Some(m.reason.clone())
        }
        _ => None,
    })
}

fn rejected(outputs: &[Output]) -> Vec<&str> {
    let reasons = outputs.iter().filter_map(|output| match output {
        Output::Rejected(m) => Some(m.reason.as_str()),
        _ => None,
    });
    reasons.collect()
}

const NODES: usize = 50;
const LINES: usize = 400;

/// A fixed number that looks random (the finish of splitmix64).
fn scrambled(number: usize) -> u64 {
    let mixed = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 32
}

/// Each node is out of three SKUs of five, so that no few nodes have it all and very many sets have
/// to be looked at.
fn crowded_world() -> Vec<FileEvent> {
    let mut events = vec![market(TEN)];
    for place in 0..NODES {
        events.push(node(&format!("n{place:02}"), 48_000_000, place as i32 * 10_000, TEN));
    }
    for sku in 0..LINES {
        let name = format!("s{sku:03}");
        events.push(item(&name, TEN));
        for place in 0..NODES {
            let short = scrambled(sku * NODES + place) % 100 < 60;
            let units = if short { 0 } else { 1 };
            let id = format!("count {sku} {place}");
            events.push(count(&id, &format!("n{place:02}"), &name, units, TEN));
        }
    }
    events
}

#[test]
fn an_order_of_400_lines_at_50_nodes_ends_at_its_bound_and_says_so() {
    let mut engine = Engine::with(|options| options.state = StateAt::Memory);
    engine.publish_together(&crowded_world());
    engine.run();
    let names: Vec<String> = (0..LINES).map(|sku| format!("s{sku:03}")).collect();
    let lines: Vec<(&str, i64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let began = Instant::now();
    engine.outputs();
    let outputs = engine.take(&[order("huge", &lines, TEN), order("next", &lines[..1], TEN)]);
    let took = began.elapsed();
    let shipped: i64 = assigned(&outputs, "huge")
        .iter()
        .flat_map(|assigned| &assigned.lines)
        .map(|line| line.quantity_milli)
        .sum();
    assert_eq!(shipped, LINES as i64 * 1_000, "every line is served");
    let explanation = outputs.iter().find_map(|output| match output {
        Output::Outcome(m) if m.order_id == "huge" => m.explanation.as_ref(),
        _ => None,
    });
    let explanation = explanation.expect("an explanation");
    assert!(explanation.solver_steps <= 200_000, "{}", explanation.solver_steps);
    assert_eq!(explanation.bound_hit, explanation.solver_steps == 200_000);
    assert!(explanation.bound_hit, "this order is too much to be searched through");
    assert_eq!(assigned(&outputs, "next").len(), 1, "the market goes on");
    assert!(took < Duration::from_secs(20), "{took:?}");
    check_whole_run(&engine);
}

/// Lines of the same SKU whose sum does not fit 64 bits.
fn overflowing(order_id: &str) -> FileEvent {
    let lines = (1..=6).map(|number| v1::OrderLine {
        line_id: number.to_string(),
        sku: "S".into(),
        quantity_milli: MAX_QUANTITY_MILLI / 1_000 * 1_000,
        unit_price: None,
    });
    event(
        &format!("order {order_id}"),
        TEN,
        v1::OrderPlaced {
            channel: "web".into(),
            order_id: order_id.into(),
            lines: lines.collect(),
            ..Default::default()
        },
    )
}

#[test]
fn an_order_that_overflows_is_refused_and_leaves_nothing_behind() {
    let mut engine = Engine::new();
    engine.take(&small_world(10));
    let before = engine.rows(&["poison"]);
    let outputs = engine.take(&[overflowing("poison")]);
    assert_eq!(refused(&outputs, "poison").as_deref(), Some("overflow"), "{outputs:?}");
    assert_eq!(rejected(&outputs), ["overflow"]);
    assert_eq!(engine.rows(&["poison"]), before);
    // In one epoch with good orders it takes nothing of them along.
    let mixed = [order("a", &[("S", 1)], TEN), overflowing("b"), order("c", &[("S", 2)], TEN)];
    let outputs = engine.take(&mixed);
    assert_eq!((assigned(&outputs, "a").len(), assigned(&outputs, "c").len()), (1, 1));
    assert_eq!(refused(&outputs, "b").as_deref(), Some("overflow"));
    // The refused order is not known: it can be placed again under another event.
    let again = FileEvent { id: "second try".into(), ..order("poison", &[("S", 1)], TEN) };
    assert_eq!(assigned(&engine.take(&[again]), "poison").len(), 1);
    check_whole_run(&engine);
}

#[test]
fn stock_that_overflows_in_sum_refuses_the_order_and_not_the_market() {
    let mut engine = Engine::new();
    let mut world = small_world(10);
    world.push(item("T", TEN));
    for name in ["A", "B", "C", "D", "E", "F"] {
        world.push(node(name, 48_000_000, 2_000_000, TEN));
        let huge = v1::StockCounted {
            node_id: name.into(),
            sku: "T".into(),
            on_hand_milli: MAX_QUANTITY_MILLI / 1_000 * 1_000,
            ..Default::default()
        };
        world.push(event(&format!("count {name}"), TEN, huge));
    }
    engine.take(&world);
    let outputs = engine.take(&[order("t", &[("T", 1)], TEN), order("s", &[("S", 1)], TEN)]);
    assert_eq!(refused(&outputs, "t").as_deref(), Some("overflow"));
    assert_eq!(assigned(&outputs, "s").len(), 1);
    check_whole_run(&engine);
}

fn named_poison(order_id: &str) -> bool {
    order_id == "poison"
}

fn tripping(trips: fn(&str) -> bool) -> impl FnOnce(&mut Options) {
    move |options| options.trip_wire = Some(trips)
}

#[test]
fn an_order_that_trips_an_assertion_is_refused_and_the_market_goes_on() {
    let mut engine = Engine::with(tripping(named_poison));
    engine.take(&small_world(10));
    let before = engine.rows(&["poison"]);
    let outputs = engine.take(&[order("poison", &[("S", 1)], TEN)]);
    assert_eq!(refused(&outputs, "poison").as_deref(), Some("assertion_failed"));
    assert_eq!(rejected(&outputs), ["assertion_failed"]);
    assert_eq!(engine.rows(&["poison"]), before);
    let outputs = engine.take(&[order("good", &[("S", 1)], TEN)]);
    assert_eq!(assigned(&outputs, "good").len(), 1);
    check_whole_run(&engine);
    // Whoever follows the log needs no trip wire: the mark names the step.
    engine.options.trip_wire = None;
    let live = engine.query(Query::Market).expect("an answer").position;
    let rebuilt = rebuild(engine.log.clone(), MARKET, engine.options.clone(), &mut |_| {});
    assert_eq!(rebuilt.expect("a rebuild").position.digest, live.digest);
}

/// How often the order `late` was routed in this pass over the log.
static LATE_ROUTED: AtomicU32 = AtomicU32::new(0);

/// Trips when `late` is routed for the second time: while stock that appeared is given out.
fn second_routing_of_late(order_id: &str) -> bool {
    order_id == "late" && LATE_ROUTED.fetch_add(1, Ordering::SeqCst) == 1
}

#[test]
fn what_a_step_decided_before_it_failed_is_undone_with_it_and_verifies() {
    let mut engine = Engine::with(tripping(second_routing_of_late));
    engine.take(&small_world(0));
    engine.take(&[order("early", &[("S", 1)], TEN), order("late", &[("S", 1)], TEN)]);
    let before = engine.rows(&["early", "late"]);
    // `early` is served first, then `late` trips: the count as a whole is refused.
    let outputs = engine.take(&[count("more", "N", "S", 5, TEN)]);
    assert_eq!(rejected(&outputs), ["assertion_failed"]);
    assert_eq!(outputs.len(), 1, "no decision of the step is published: {outputs:?}");
    assert_eq!(engine.rows(&["early", "late"]), before);
    let outputs = engine.take(&[count("again", "N", "S", 5, TEN)]);
    assert_eq!((assigned(&outputs, "early").len(), assigned(&outputs, "late").len()), (1, 1));
    LATE_ROUTED.store(0, Ordering::SeqCst);
    check_whole_run(&engine);
}
