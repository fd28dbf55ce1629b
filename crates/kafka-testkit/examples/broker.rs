//! Runs a Kafka broker in the foreground, prints its address, and ends it when interrupted.
//!
//! `cargo run --release -p omnifold-kafka-testkit --example broker [PORT [FOLDER]]`
//!
//! Without a folder the data is temporary.

use omnifold_kafka_testkit::{Broker, BrokerError, BrokerOptions};

fn main() -> Result<(), BrokerError> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().map(|text| text.parse().expect("the first argument is a port"));
    let data = arguments.next().map(Into::into);
    let broker = Broker::start(BrokerOptions { port, data, ..BrokerOptions::default() })?;
    println!("{}", broker.address());
    loop {
        std::thread::park();
    }
}
