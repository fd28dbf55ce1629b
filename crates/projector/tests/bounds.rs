//! What stays bounded as history grows: remembered ids, rows in memory, the work of one slice, the
//! time of a shutdown. Invariant I7, and laws L2 and L9 across every bound.

mod engine;

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::{Engine, MARKET, PREFIX, TEN, count, event, market, order, small_world};
use omnifold_events::jsonl::FileEvent;
use omnifold_events::{Event, v1};
use omnifold_projector::{
    CheckpointLimits, Instance, Query, Role, StateAt, rebuild, run_until_idle, topic_specs, verify,
    verify_state,
};
use omnifold_simulation::output::Output;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn digest(engine: &Engine) -> String {
    engine.query(Query::Market).expect("an answer").position.digest
}

/// Live, stored, verified and rebuilt state are one.
fn check_whole_run(engine: &Engine) {
    let options = engine.options.clone();
    let live = digest(engine);
    if let StateAt::Folder(_) = options.state {
        let stored = verify_state(MARKET, &options).expect("a scan");
        assert!(stored.ok, "{:?}", stored.violations);
    }
    let verified = verify(engine.log.clone(), MARKET, options.clone(), &mut |_| {}).expect("read");
    assert!(verified.ok, "{:?}", verified.violations);
    let rebuilt = rebuild(engine.log.clone(), MARKET, options, &mut |_| {}).expect("a rebuild");
    assert_eq!(rebuilt.position.digest, live);
}

fn rejected(outputs: &[Output]) -> Vec<&str> {
    let reasons = outputs.iter().filter_map(|output| match output {
        Output::Rejected(m) => Some(m.reason.as_str()),
        _ => None,
    });
    reasons.collect()
}

/// A market that remembers ids for an hour, with its clock a minute ahead at most.
fn hourly(units: i64) -> Vec<FileEvent> {
    let mut world = small_world(units);
    let Event::MarketConfigured(configured) = market(TEN).event else { unreachable!() };
    let hourly =
        v1::MarketConfigured { dedupe_horizon_ms: 60 * MINUTE, max_ahead_ms: DAY, ..configured };
    world[0] = event("market", TEN, hourly);
    world
}

#[test]
fn ids_are_forgotten_by_bucket_and_nothing_is_ever_taken_twice() {
    for restart_every in [1usize, 7, 40] {
        let mut engine = Engine::with(|options| {
            options.slice.records = 5;
            options.checkpoint =
                CheckpointLimits { bytes: 2_000, interval: Duration::from_secs(60) };
        });
        engine.take(&hourly(1_000));
        let minutes: Vec<i64> = (0..40i64).map(|place| place * 90).collect();
        for some in minutes.chunks(restart_every) {
            let orders = some
                .iter()
                .map(|minute| order(&format!("o{minute}"), &[("S", 1)], TEN + minute * MINUTE));
            engine.publish(&orders.collect::<Vec<_>>());
            engine.run();
        }
        let outputs = engine.outputs();
        assert_eq!(outputs.len(), 40, "{:?}", rejected(&outputs));
        // Everything again: too late or known, never taken.
        let again: Vec<_> = minutes
            .iter()
            .map(|minute| order(&format!("o{minute}"), &[("S", 1)], TEN + minute * MINUTE))
            .collect();
        let outputs = engine.take(&again);
        assert_eq!(rejected(&outputs), vec!["too_late"; 39]);
        assert_eq!(outputs.len(), 39, "the last is a duplicate, and nothing was decided");
        check_whole_run(&engine);
    }
}

#[test]
fn where_epochs_are_cut_does_not_show_though_ids_are_forgotten_meanwhile() {
    let digests: Vec<String> = [1usize, 3, 10_000]
        .iter()
        .map(|&records| {
            let engine = Engine::with(|options| {
                options.slice.records = records;
                options.state = StateAt::Memory;
            });
            engine.publish(&hourly(1_000));
            for place in 0..60i64 {
                let time = TEN + place * 50 * MINUTE;
                engine.publish(&[order(&format!("o{place}"), &[("S", 1)], time)]);
            }
            engine.run();
            digest(&engine)
        })
        .collect();
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[0], digests[2]);
}

#[test]
fn orders_that_left_memory_are_read_back_and_go_on() {
    let mut engine = Engine::with(|options| {
        options.cache_bytes = 100_000; // some 50 orders
        options.slice.records = 100;
        options.checkpoint = CheckpointLimits { bytes: 20_000, interval: Duration::from_secs(60) };
    });
    let orders: Vec<_> =
        (0..3_000).map(|place| order(&format!("o{place}"), &[("S", 1)], TEN)).collect();
    engine.publish_together(&small_world(10_000));
    engine.publish_together(&orders);
    engine.run();
    let ship = |place: usize| {
        let target = v1::fulfilment_target::Target::FulfilmentId(format!("web/o{place}/f1"));
        let target = Some(v1::FulfilmentTarget { target: Some(target) });
        let shipped = v1::FulfilmentShipped { target, ..Default::default() };
        event(&format!("ship {place}"), TEN + 1, shipped) // after the count: rule E2
    };
    let cancel = |place: usize| {
        let (channel, order_id) = ("web".to_owned(), format!("o{place}"));
        let cancelled = v1::OrderCancelled { channel, order_id, ..Default::default() };
        event(&format!("cancel {place}"), TEN, cancelled)
    };
    engine.outputs();
    let old: Vec<_> =
        (0..300).map(|place| if place % 2 == 0 { ship(place) } else { cancel(place) }).collect();
    engine.publish_together(&old);
    engine.run();
    let outputs = engine.outputs();
    assert_eq!(rejected(&outputs), Vec::<&str>::new());
    let row = engine.query(Query::Stock { node: None, sku: None, limit: 1 }).expect("stock").body;
    assert_eq!(row["rows"][0]["on_hand"], "9850");
    assert_eq!(row["rows"][0]["allocated"], "2700");
    check_whole_run(&engine);
}

/// Keys and payloads of every decision, and the digest.
type Found = (Vec<(Vec<u8>, Vec<u8>)>, String);

/// More waiting orders than one slice may serve, and stock for all at once.
#[test]
fn work_left_over_is_done_in_later_slices_with_the_same_decisions() {
    const WAITING: usize = 10_500;
    let mut seen: Option<Found> = None;
    for records in [500usize, 10_000] {
        let mut engine = Engine::with(|options| {
            options.slice.records = records;
            options.state = StateAt::Memory;
        });
        engine.publish_together(&small_world(0));
        let orders: Vec<_> =
            (0..WAITING).map(|place| order(&format!("o{place}"), &[("S", 1)], TEN)).collect();
        engine.publish_together(&orders);
        engine.run();
        engine.outputs();
        let plenty = count("plenty", "N", "S", WAITING as i64 + 1, TEN);
        let outputs = engine.take(&[plenty, order("newer", &[("S", 1)], TEN + 1)]);
        let assigned = |output: &Output| matches!(output, Output::Assigned(_));
        assert_eq!(outputs.iter().filter(|output| assigned(output)).count(), WAITING + 1);
        assert_eq!(outputs.last().map(|last| last.order().1), Some("newer"), "older orders first");
        let found = (engine.assignments(), digest(&engine));
        check_whole_run(&engine);
        match &seen {
            None => seen = Some(found),
            Some(first) => {
                assert_eq!(first.1, found.1);
                assert!(first.0 == found.0, "the decisions differ with the cuts");
            }
        }
    }
}

#[test]
fn markets_of_one_process_go_on_side_by_side_and_stop_within_their_bound() {
    let engine = Engine::with(|options| options.slice.wait = Duration::from_millis(5));
    let names = ["test", "north", "south"].map(str::to_owned);
    for name in &names[1..] {
        engine.log.create_topics(&topic_specs(PREFIX, name)).expect("topics");
    }
    let instance = Instance::start(engine.log.clone(), names.to_vec(), engine.options.clone());
    let instance = instance.expect("a start");
    engine.publish_together(&small_world(500));
    for place in 0..200 {
        engine.publish(&[order(&format!("o{place}"), &[("S", 1)], TEN)]);
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    let all_served = || {
        let query = Query::Order { channel: "web".into(), order_id: "o199".into() };
        instance.query(MARKET, query).is_ok()
    };
    while !all_served() {
        assert!(Instant::now() < deadline, "{:?}", instance.status());
        std::thread::sleep(Duration::from_millis(20));
    }
    for status in instance.status() {
        assert_eq!(status.role, Role::Owner, "{status:?}");
    }
    let report = instance.verify_state(MARKET).expect("a scan while it runs");
    assert!(report.ok, "{:?}", report.violations);
    assert!(instance.query("west", Query::Market).is_err());
    let began = Instant::now();
    let report = instance.shutdown(Duration::from_secs(10));
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(report.stopped.len(), 3, "{report:?}");
    assert!(report.cut_off.is_empty() && report.failed.is_empty(), "{report:?}");
    check_whole_run(&engine);
}

#[test]
fn a_market_that_stops_says_why_and_spares_the_others() {
    let engine = Engine::new();
    let names = vec![MARKET.to_owned(), "north".to_owned()];
    engine.log.create_topics(&topic_specs(PREFIX, "north")).expect("topics");
    engine.publish(&small_world(5));
    engine.publish(&[order("first", &[("S", 1)], TEN)]);
    run_until_idle(engine.log.clone(), &names, engine.options.clone(), &mut |_| {}).expect("a run");
    engine::tamper(&engine.state_folder(), omnifold_state::Table::Order, |row| row.truncate(2));
    let log: Arc<dyn omnifold_log::Log> = engine.log.clone();
    let instance = Instance::start(log, names, engine.options.clone()).expect("a start");
    let cancelled = v1::OrderCancelled {
        channel: "web".into(),
        order_id: "first".into(),
        ..Default::default()
    };
    engine.publish(&[event("cancel", TEN, cancelled)]);
    let deadline = Instant::now() + Duration::from_secs(30);
    let stopped = loop {
        let mut statuses = instance.status().into_iter();
        let status = statuses.find(|status| status.market == MARKET).expect("a status");
        if status.role == Role::Stopped {
            break status;
        }
        assert!(Instant::now() < deadline, "{status:?}");
        std::thread::sleep(Duration::from_millis(20));
    };
    let why = stopped.stopped_because.expect("a reason");
    assert!(why.contains("table `order`") && why.contains("damaged"), "{why}");
    assert!(instance.query(MARKET, Query::Market).is_err());
    assert!(instance.query("north", Query::Market).is_ok(), "the other market answers");
    let report = instance.shutdown(Duration::from_secs(10));
    assert_eq!((report.stopped.len(), report.failed.len()), (1, 1), "{report:?}");
}
