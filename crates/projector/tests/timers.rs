//! What time brings: in its place whatever the cuts, without traffic on a wall clock, undone as a
//! whole where it fails, never lost, never too much at once. Rule H3, invariants I4, I5, I6.

mod engine;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use engine::{Engine, MARKET, PREFIX, TEN, count, event, item, node, order, small_world};
use omnifold_events::jsonl::FileEvent;
use omnifold_events::v1::{self, Cause, StockHoldStatus};
use omnifold_projector::{Instance, Options, Query, StateAt, rebuild, verify, verify_state};
use omnifold_simulation::checker::{CheckOptions, check};
use omnifold_simulation::output::Output;

const MINUTE: i64 = 60_000;

fn hold(hold_id: &str, units: i64, ttl_ms: i64, time_ms: i64) -> FileEvent {
    let lines = vec![v1::StockHoldLine { sku: "S".into(), quantity_milli: units * 1_000 }];
    let (channel, hold_id) = ("web".to_owned(), hold_id.to_owned());
    let id = format!("hold {hold_id} {time_ms}");
    event(&id, time_ms, v1::StockHeld { channel, hold_id, lines, ttl_ms, ..Default::default() })
}

/// An event that does nothing but bring its time.
fn tick(time_ms: i64) -> FileEvent {
    event(&format!("tick {time_ms}"), time_ms, item("tick", time_ms).event)
}

fn market(time_ms: i64, clock: v1::ClockKind) -> FileEvent {
    let configured = v1::MarketConfigured {
        clock: clock.into(),
        currency: "EUR".into(),
        coverage: v1::Coverage::AllowPartial.into(),
        shortage: v1::Shortage::Wait.into(),
        accept_within_ms: 15 * MINUTE,
        cancel_waiting_after_ms: 90 * MINUTE,
        ..Default::default()
    };
    event("market", time_ms, configured)
}

fn world(clock: v1::ClockKind, units: i64, time_ms: i64) -> Vec<FileEvent> {
    vec![
        market(time_ms, clock),
        node("N", 48_850_000, 2_350_000, time_ms),
        node("M", 45_760_000, 4_840_000, time_ms),
        item("S", time_ms),
        count("count N", "N", "S", units, time_ms),
        count("count M", "M", "S", units, time_ms),
    ]
}

fn digest(engine: &Engine) -> String {
    engine.query(Query::Market).expect("an answer").position.digest
}

/// Live, stored, verified and rebuilt state are one, and the independent books agree.
fn check_whole_run(engine: &Engine) {
    let (options, live) = (engine.options.clone(), digest(engine));
    if let StateAt::Folder(_) = options.state {
        let stored = verify_state(MARKET, &options).expect("a scan");
        assert!(stored.ok, "{:?}", stored.violations);
    }
    let verified = verify(engine.log.clone(), MARKET, options.clone(), &mut |_| {}).expect("read");
    assert!(verified.ok, "{:?}", verified.violations);
    let rebuilt = rebuild(engine.log.clone(), MARKET, options, &mut |_| {}).expect("a rebuild");
    assert_eq!(rebuilt.position.digest, live);
    let report = check(&*engine.log, PREFIX, MARKET, &CheckOptions::default()).expect("readable");
    assert!(report.is_clean(), "{report}");
}

/// Holds, deadlines, pre-orders and waiting orders that end all over each other.
fn busy_day() -> Vec<FileEvent> {
    let mut events = world(v1::ClockKind::Events, 40, TEN);
    for place in 0..120i64 {
        let time = TEN + place * MINUTE;
        events.push(match place % 6 {
            0 | 3 => hold(&format!("h{}", place % 12), 1 + place % 7, 11 * MINUTE, time),
            5 => {
                let mut early = order(&format!("early{place}"), &[("S", 2)], time);
                if let omnifold_events::Event::OrderPlaced(placed) = &mut early.event {
                    placed.release_at_ms = TEN + (place + 20) / 20 * 20 * MINUTE;
                }
                early
            }
            4 => {
                let number = place / 6 * 6 + 1;
                let target =
                    v1::fulfilment_target::Target::FulfilmentId(format!("web/o{number}/f1"));
                let target = Some(v1::FulfilmentTarget { target: Some(target) });
                let accepted = v1::FulfilmentAccepted { target, ..Default::default() };
                event(&format!("accept {place}"), time, accepted)
            }
            _ => {
                let mut placed = order(&format!("o{place}"), &[("S", 1 + place % 3)], time);
                if let omnifold_events::Event::OrderPlaced(order) = &mut placed.event {
                    order.hold_id = format!("h{}", place % 12);
                }
                placed
            }
        });
    }
    events.push(tick(TEN + 600 * MINUTE));
    events
}

type Published = Vec<(Vec<u8>, Vec<u8>)>;

fn decide(records: usize, restarts: usize) -> (Published, String) {
    let engine = Engine::with(|options| options.slice.records = records);
    let events = busy_day();
    for part in events.chunks(events.len() / restarts + 1) {
        engine.publish(part);
        engine.run();
    }
    check_whole_run(&engine);
    (engine.assignments(), digest(&engine))
}

fn is_expiry(output: &Output) -> bool {
    matches!(output, Output::SoftHold(hold) if hold.status() == StockHoldStatus::Expired)
}

#[test]
fn timers_fire_alike_in_epochs_of_1_7_and_10_000_records_and_across_restarts() {
    let whole = decide(10_000, 1);
    let timed = |outputs: &[Output], wanted: fn(&Output) -> bool| {
        outputs.iter().filter(|o| wanted(o)).count()
    };
    let mut engine = Engine::new();
    let outputs = engine.take(&busy_day());
    assert!(timed(&outputs, is_expiry) > 3);
    assert!(
        timed(&outputs, |o| matches!(o, Output::Released(m) if m.cause() == Cause::TimedOut)) > 3
    );
    assert!(timed(&outputs, |o| o.cause() == Cause::ReleaseDate) > 3);
    assert!(
        timed(&outputs, |o| matches!(o, Output::Outcome(m) if m.cause() == Cause::TimedOut)) > 0
    );
    for (records, restarts) in [(1, 1), (7, 1), (10_000, 17), (7, 5)] {
        assert!(decide(records, restarts) == whole, "epochs of {records}, {restarts} runs");
    }
}

#[test]
fn more_timers_than_one_slice_fires_are_fired_in_the_next_and_decide_alike() {
    // Every cart ends at one instant, and an order of that instant finds all of it free.
    let carts = 10_500;
    let mut events = small_world(carts);
    for place in 0..carts {
        let until = TEN + 60 * MINUTE;
        events.push(hold(&format!("c{place}"), 1, until - TEN, TEN));
    }
    let mut engine = Engine::with(|options| options.state = StateAt::Memory);
    engine.publish_together(&events);
    let held = engine.run();
    assert_eq!(held.tally.soft_held, carts as u64);
    engine.outputs();
    engine.publish(&[order("all", &[("S", carts)], TEN + 60 * MINUTE)]);
    let run = engine.run();
    assert_eq!(run.tally.timers, carts as u64);
    assert_eq!(run.epochs, 2 + 1, "the incarnation's mark, the timers of one slice, and the rest");
    let outputs = engine.outputs();
    assert_eq!(outputs.len(), carts as usize + 1);
    assert!(matches!(outputs.last(), Some(Output::Assigned(all)) if all.order_id == "all"));
    let moments = outputs.iter().filter_map(|output| match output {
        Output::SoftHold(outcome) => Some((outcome.step, outcome.timer)),
        _ => None,
    });
    let last_record = events.len() as u64;
    assert!(moments.eq((1..=carts as u32).map(|timer| (last_record, timer))));
    check_whole_run(&engine);
}

/// How often the order named `poison` was routed in this run.
static ROUTED: AtomicU32 = AtomicU32::new(0);

/// It is placed well, trips when its deadline has passed, and is routed well an hour later. A
/// verification takes the same turns.
fn trips(order_id: &str) -> bool {
    order_id == "poison" && ROUTED.fetch_add(1, Ordering::SeqCst) == 1
}

fn check_from_the_start(engine: &Engine) {
    ROUTED.store(0, Ordering::SeqCst);
    check_whole_run(engine);
}

#[test]
fn a_timer_that_fails_is_undone_as_a_whole_and_tried_again_an_hour_later() {
    let mut engine = Engine::with(|options| options.trip_wire = Some(trips));
    engine.take(&world(v1::ClockKind::Events, 5, TEN));
    let placed = [order("poison", &[("S", 2)], TEN), hold("cart", 1, 15 * MINUTE, TEN)];
    assert_eq!(engine.take(&placed).len(), 2);
    // Its node has missed the deadline; what is due with it happens.
    let outputs = engine.take(&[tick(TEN + 16 * MINUTE)]);
    assert!(outputs.len() == 1 && is_expiry(&outputs[0]), "{outputs:?}");
    assert_eq!(allocated(&engine), [("M".to_owned(), "2".to_owned())], "nothing was released");
    check_from_the_start(&engine);
    assert_eq!(engine.take(&[tick(TEN + 74 * MINUTE)]), []);
    let outputs = engine.take(&[tick(TEN + 76 * MINUTE)]);
    assert!(
        matches!(&outputs[0], Output::Released(m) if m.cause() == Cause::TimedOut),
        "{outputs:?}"
    );
    assert_eq!(allocated(&engine), [("N".to_owned(), "2".to_owned())]);
    check_from_the_start(&engine);
}

/// Nodes with promised units.
fn allocated(engine: &Engine) -> Vec<(String, String)> {
    let all = Query::Stock { node: None, sku: None, limit: 10 };
    let body = engine.query(all).expect("stock").body;
    let rows = body["rows"].as_array().expect("rows").iter();
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    rows.map(|row| (text(&row["node"]), text(&row["allocated"])))
        .filter(|(_, units)| units != "0")
        .collect()
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.expect("after 1970").as_millis() as i64
}

fn wait_for(what: &str, mut seen: impl FnMut() -> bool) {
    let began = Instant::now();
    while !seen() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what} did not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn on_a_wall_clock_timers_fire_without_traffic_and_a_standby_follows() {
    let mut engine = Engine::new();
    let start = now_ms();
    engine.take(&world(v1::ClockKind::Wall, 5, start));
    let (owner, standby) =
        (engine.options.clone(), Options { state: StateAt::Memory, ..engine.options.clone() });
    let held = engine.take(&[hold("cart", 5, 3_000, now_ms())]);
    let Output::SoftHold(outcome) = &held[0] else { panic!("{held:?}") };
    let ends = outcome.expires_at_ms;
    let owner = Instance::start(engine.log.clone(), vec![MARKET.to_owned()], owner);
    let owner = owner.expect("an instance");
    wait_for("the hold's end", || !engine.outputs().is_empty());
    assert!(now_ms() >= ends, "not before its time");
    owner.shutdown(Duration::from_secs(20));
    check_whole_run(&engine);
    let again = rebuild(engine.log.clone(), MARKET, standby, &mut |_| {}).expect("a rebuild");
    assert_eq!(again.position.digest, digest(&engine));
}

#[test]
fn what_came_due_while_no_owner_ran_fires_when_one_does() {
    let mut engine = Engine::new();
    let start = now_ms();
    engine.take(&world(v1::ClockKind::Wall, 5, start));
    engine.take(&[hold("cart", 5, 200, now_ms())]);
    std::thread::sleep(Duration::from_millis(250));
    engine.run();
    let outputs = engine.outputs();
    assert!(outputs.iter().any(is_expiry), "{outputs:?}");
    check_whole_run(&engine);
}
