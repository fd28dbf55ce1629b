//! Starts a real Apache Kafka broker (KRaft, one node) for tests, demos and benchmarks.
//!
//! The jars come from `deploy/kafka/fetch.sh`. Rules:
//!
//! * A broker listens on 127.0.0.1 only, on ports that were free, with its data in a temporary
//!   folder that is removed with it.
//! * A broker never outlives the process that started it, however that process ends: a small shell
//!   guard holds the other end of a pipe and kills the broker when the pipe closes.
//! * Where the jars are missing a test is skipped with a line on standard error that says how to
//!   fetch them; with `OMNIFOLD_REQUIRE_KAFKA=1` it fails instead.
//!
//! For development only: nothing in production links this crate.

mod broker;
mod install;
mod process;
mod settings;

use std::io::Write;
use std::sync::OnceLock;

pub use broker::{Broker, BrokerError, BrokerOptions};
pub use install::kafka_home;
pub use process::cpu_seconds;

/// The one broker that all tests of this process share, started at the first call. `None` where
/// the jars are missing: the test should return, the reason has been printed.
///
/// # Panics
/// Where the broker cannot start, and where the jars are missing while `OMNIFOLD_REQUIRE_KAFKA=1`.
pub fn shared() -> Option<&'static Broker> {
    static SHARED: OnceLock<Option<Broker>> = OnceLock::new();
    SHARED.get_or_init(own).as_ref()
}

/// A broker of the caller's own, to kill, pause or restart. `None` as with [`shared`].
///
/// # Panics
/// As [`shared`].
pub fn own() -> Option<Broker> {
    match Broker::start(BrokerOptions::default()) {
        Ok(broker) => Some(broker),
        Err(missing @ BrokerError::NotInstalled { .. }) if !required() => {
            say_skipped(&missing);
            None
        }
        Err(fault) => panic!("cannot start a Kafka broker: {fault}"),
    }
}

fn required() -> bool {
    std::env::var("OMNIFOLD_REQUIRE_KAFKA").is_ok_and(|value| value == "1")
}

/// Written past the test harness, which would keep the line of a passing test to itself.
fn say_skipped(missing: &BrokerError) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {missing}");
}
