//! Three hundred clients order a hundred units at once.

mod support;

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use omnifold_events::v1::{self, OutcomeStatus};
use omnifold_log::{Log, RecordBuf, TopicKind};
use omnifold_projector::{Options, run_market};
use omnifold_simulation::output::Output;
use omnifold_simulation::workload::Workload;
use support::{Place, START_MS, options, put, read_topic, reckon};

const MARKET: &str = "sale";
const CLIENTS: usize = 300;
const UNITS: usize = 100;
/// Connections that the clients share.
const CONNECTIONS: usize = 6;

/// A market with a hundred units of one SKU at one node.
fn open_the_shop(log: &dyn Log, prefix: &str, shortage: v1::Shortage) {
    let mut batch = RecordBuf::default();
    let market = v1::MarketConfigured {
        clock: v1::ClockKind::Events.into(),
        currency: "EUR".into(),
        coverage: v1::Coverage::ShipComplete.into(),
        shortage: shortage.into(),
        ..Default::default()
    };
    put(&mut batch, "market", START_MS, market);
    let location = v1::Location { lat_e6: 48_850_000, lon_e6: 2_350_000 };
    let node = v1::NodeDefined {
        node_id: "N".into(),
        kind: v1::NodeKind::Warehouse.into(),
        location: Some(location),
        ..Default::default()
    };
    put(&mut batch, "node", START_MS, node);
    put(&mut batch, "item", START_MS, v1::ItemDefined { sku: "S".into(), ..Default::default() });
    let count = v1::StockCounted {
        node_id: "N".into(),
        sku: "S".into(),
        on_hand_milli: UNITS as i64 * 1_000,
        ..Default::default()
    };
    put(&mut batch, "count", START_MS, count);
    let producer = log.producer().expect("a producer");
    producer.append(&Workload::topics(prefix, MARKET), &batch).expect("appended");
}

/// One client: waits for the others, then orders one unit.
fn order(log: &dyn Log, prefix: &str, client: usize, start: &Barrier) {
    let line = v1::OrderLine {
        line_id: "1".into(),
        sku: "S".into(),
        quantity_milli: 1_000,
        unit_price: None,
    };
    let placed = v1::OrderPlaced {
        channel: "web".into(),
        order_id: format!("{client:03}"),
        lines: vec![line],
        ..Default::default()
    };
    let mut batch = RecordBuf::default();
    put(&mut batch, &format!("order-{client:03}"), START_MS + 1, placed);
    let producer = log.producer().expect("a producer");
    start.wait();
    producer.append(&Workload::topics(prefix, MARKET), &batch).expect("appended");
}

/// Order ids in the order in which the log took them.
fn ids_in_log_order(log: &dyn Log, prefix: &str) -> Vec<String> {
    let orders = read_topic(log, prefix, MARKET, TopicKind::Orders);
    let id = |record: omnifold_log::Record<'_>| {
        String::from_utf8_lossy(record.key).trim_start_matches("order-").to_owned()
    };
    orders.iter().map(id).collect()
}

/// Order id and outcome of every decision, in order.
fn outcomes(log: &dyn Log, prefix: &str) -> Vec<(String, v1::OrderOutcome)> {
    let decisions = read_topic(log, prefix, MARKET, TopicKind::Assignments);
    let outcome = |record: omnifold_log::Record<'_>| {
        let output = Output::from_record(&record).expect("an output");
        let id = output.order().1.to_owned();
        match output {
            Output::Assigned(assigned) => (id, assigned.outcome.expect("one node has it all")),
            Output::Outcome(outcome) => (id, outcome),
            other => panic!("nobody asked for {other:?}"),
        }
    };
    decisions.iter().map(outcome).collect()
}

fn hold_the_sale(place: &Place, shortage: v1::Shortage) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = place.with_topics(&[MARKET]);
    let prefix = place.prefix();
    open_the_shop(&*log, prefix, shortage);
    let connections: Vec<Arc<dyn Log>> = match place {
        Place::Kafka { .. } => (0..CONNECTIONS).map(|_| place.open()).collect(),
        Place::Embedded(_) => vec![log.clone()],
    };
    let options = options(place, &folder.path().join("state"));
    let start = Barrier::new(CLIENTS);
    std::thread::scope(|scope| {
        let engine = scope.spawn(|| run_until_all_decided(&log, &options));
        for client in 0..CLIENTS {
            let (connection, start) = (&connections[client % connections.len()], &start);
            scope.spawn(move || order(&**connection, prefix, client, start));
        }
        engine.join().expect("the engine ends");
    });
    check(&*log, prefix, shortage);
    reckon(place, &log, MARKET, &folder.path().join("state"), CLIENTS as u64);
}

fn run_until_all_decided(log: &Arc<dyn Log>, options: &Options) {
    let deadline = Instant::now() + Duration::from_secs(60);
    run_market(log, MARKET, options, &mut |_| {}, &mut |now| {
        now.orders == CLIENTS as u64 || Instant::now() > deadline
    })
    .expect("the market runs");
}

fn check(log: &dyn Log, prefix: &str, shortage: v1::Shortage) {
    let expected = ids_in_log_order(log, prefix);
    let outcomes = outcomes(log, prefix);
    assert_eq!(outcomes.len(), CLIENTS, "one decision an order, and nothing else");
    let (status, reason) = match shortage {
        v1::Shortage::Wait => (OutcomeStatus::Waiting, ""),
        _ => (OutcomeStatus::Refused, "unfillable"),
    };
    for (place, (id, outcome)) in outcomes.iter().enumerate() {
        assert_eq!(*id, expected[place], "decided in the order of the log");
        let assigned = place < UNITS;
        let due = if assigned { OutcomeStatus::Assigned } else { status };
        assert_eq!(outcome.status(), due, "number {place}, order {id}");
        assert_eq!(outcome.reason, if assigned { "" } else { reason });
    }
}

#[test]
fn exactly_100_of_300_are_assigned_and_the_rest_waits_on_kafka() {
    let Some(place) = Place::on_kafka("sale-wait") else { return };
    hold_the_sale(&place, v1::Shortage::Wait);
}

#[test]
fn exactly_100_of_300_are_assigned_and_the_rest_is_refused_on_kafka() {
    let Some(place) = Place::on_kafka("sale-refuse") else { return };
    hold_the_sale(&place, v1::Shortage::Refuse);
}

#[test]
fn exactly_100_of_300_are_assigned_on_the_embedded_log() {
    for shortage in [v1::Shortage::Wait, v1::Shortage::Refuse] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        hold_the_sale(&Place::Embedded(folder.path().join("log")), shortage);
    }
}
