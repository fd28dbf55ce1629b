//! The broker is gone for longer than readers wait, and comes back: markets go on by themselves.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use omnifold_log::Log;
use omnifold_log_kafka::{KafkaLog, KafkaOptions};
use omnifold_projector::{Instance, MarketStatus, Role};
use support::{Backlog, Place, options, reckon};

const MARKET: &str = "m";
const ORDERS: u64 = 60;
const PATIENCE: Duration = Duration::from_secs(60);

fn wait_for(instance: &Instance, what: &str, holds: impl Fn(&MarketStatus) -> bool) {
    let began = Instant::now();
    loop {
        let status = instance.status().remove(0);
        if holds(&status) {
            return;
        }
        assert_ne!(status.role, Role::Stopped, "{what}: {:?}", status.stopped_because);
        assert!(began.elapsed() < PATIENCE, "{what}: {status:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn has_taken(records: usize) -> impl Fn(&MarketStatus) -> bool {
    move |status| {
        let step = status.position.as_ref().map_or(0, |position| position.step);
        status.role == Role::Owner && step == records as u64
    }
}

#[test]
fn a_market_goes_on_when_the_broker_comes_back() {
    let Some(mut broker) = omnifold_kafka_testkit::own() else { return };
    let place = Place::Kafka { brokers: broker.address(), prefix: "outage".to_owned() };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = folder.path().join("state");
    let feeder = place.with_topics(&[MARKET]);
    let (backlog, half) = (Backlog::of(ORDERS), 330);
    backlog.send(&*feeder, place.prefix(), MARKET, 0..half);

    let mut impatient = KafkaOptions::new(broker.address());
    impatient.prefix = place.prefix().to_owned();
    impatient.reader_patience = Duration::from_secs(1);
    let log: Arc<dyn Log> = Arc::new(KafkaLog::connect(impatient).expect("the broker answers"));
    let markets = vec![MARKET.to_owned()];
    let instance = Instance::start(log, markets, options(&place, &state)).expect("it starts");
    wait_for(&instance, "the first half", has_taken(half));

    broker.kill();
    wait_for(&instance, "the outage is noticed", |status| status.role != Role::Owner);
    broker.restart().expect("the broker comes back");
    backlog.send(&*feeder, place.prefix(), MARKET, half..backlog.records.len());
    wait_for(&instance, "the second half", has_taken(backlog.records.len()));
    let report = instance.shutdown(Duration::from_secs(10));
    assert_eq!(report.stopped, [MARKET], "{report:?}");
    reckon(&place, &feeder, MARKET, &state, ORDERS);
}
