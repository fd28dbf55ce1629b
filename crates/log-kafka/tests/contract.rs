//! The contract of every log, on a real broker.

use std::sync::Arc;

use omnifold_log::{Log, contract};
use omnifold_log_kafka::{KafkaLog, KafkaOptions};

#[test]
fn kafka_keeps_every_promise_of_a_log() {
    let Some(broker) = omnifold_kafka_testkit::shared() else { return };
    contract::run_all(&|| {
        let mut options = KafkaOptions::new(broker.address());
        options.prefix = contract::PREFIX.to_owned();
        Arc::new(KafkaLog::connect(options).expect("the broker answers")) as Arc<dyn Log>
    });
}
