//! What tests that use a broker rely on.

use std::time::Duration;

use omnifold_kafka_testkit::Broker;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

fn answers(broker: &Broker) -> bool {
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker.address())
        .create()
        .expect("the settings are right");
    client.fetch_metadata(None, Duration::from_secs(2)).is_ok()
}

#[test]
fn a_broker_is_paused_resumed_killed_restarted_and_leaves_nothing_behind() {
    let Some(mut broker) = omnifold_kafka_testkit::own() else { return };
    assert!(answers(&broker));
    assert!(broker.cpu_seconds() > 0.0);

    broker.pause();
    assert!(!answers(&broker), "a paused broker does not answer");
    broker.resume();
    assert!(answers(&broker));

    let (address, first) = (broker.address(), broker.pid());
    broker.kill();
    assert!(!answers(&broker), "a killed broker does not answer");
    broker.restart().expect("it comes up again");
    assert_eq!(broker.address(), address);
    assert!(answers(&broker));

    let second = broker.pid();
    assert_ne!(first, second);
    drop(broker);
    for pid in [first, second] {
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "{pid} still runs");
    }
}
