//! The one configuration: file, environment and flags, the later winning over the earlier.
//!
//! * A file: `--config FILE`, or `./omnifold.toml` where it exists.
//! * The environment: `OMNIFOLD_` and the key in capitals, `__` for the dot:
//!   `OMNIFOLD_LOG__KIND=kafka`. `OMNIFOLD_TEST_...` and the variables of the development tools
//!   are not keys.
//! * Flags: `--data`, `--kafka`, `--prefix`, `--market`.
//!
//! A key that does not exist is refused, and all faults are told at once, each with the key, the
//! value, where it came from and what is allowed. Every key is one row of [`keys::KEYS`].

mod faults;
mod keys;
mod load;
mod paths;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use faults::{ConfigFaults, Fault};
pub use keys::{KEYS, display_properties};
pub use load::{Flags, Loaded, Sources, load};

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// First part of every topic's name.
    pub prefix: String,
    /// Markets to work on. Empty: every market there is in the log.
    pub markets: Vec<String>,
    /// Folder of the embedded log and of the markets' state.
    pub data: PathBuf,
    /// Folder of the keys that seal personal data.
    pub keys: PathBuf,
    /// Which log.
    pub log: LogConfig,
    /// Bounds of one slice of input.
    pub slice: SliceConfig,
    /// How often the state is checkpointed.
    pub checkpoint: CheckpointConfig,
    /// Memory for a market's rows, bytes.
    pub cache_bytes: usize,
    /// The HTTP listener of `serve`.
    pub http: HttpConfig,
    /// Shadow prices that `serve` keeps solved.
    pub prices: PricesConfig,
    /// What is logged and how.
    pub trace: TraceConfig,
    /// Longest time `serve` takes to stop.
    pub shutdown_seconds: u64,
}

/// Which log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogConfig {
    /// Embedded or Kafka.
    pub kind: LogKind,
    /// Settings of Kafka.
    pub kafka: KafkaConfig,
}

/// Where the topics are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKind {
    /// In the data folder.
    Embedded,
    /// On a Kafka cluster.
    Kafka,
}

/// Settings of Kafka.
#[derive(Debug, Clone, PartialEq)]
pub struct KafkaConfig {
    /// `host:port`, several with commas.
    pub brokers: String,
    /// Consumer group of the instances that share the markets.
    pub group: String,
    /// Name of this instance in the group (static membership). None: a dynamic member.
    pub instance_id: Option<String>,
    /// How long the broker lets a transaction stand, milliseconds.
    pub transaction_timeout_ms: u32,
    /// Settings handed to librdkafka as they are: TLS, SASL, timeouts.
    pub properties: BTreeMap<String, String>,
}

/// Bounds of one slice of input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SliceConfig {
    /// Most records.
    pub records: usize,
    /// Most bytes.
    pub bytes: usize,
    /// Longest wait for more, milliseconds.
    pub wait_ms: u64,
}

/// How often the state is checkpointed: whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CheckpointConfig {
    /// Bytes of changed rows.
    pub bytes: usize,
    /// Time since the last, milliseconds.
    pub interval_ms: u64,
}

/// The HTTP listener of `serve`.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpConfig {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
}

/// Shadow prices that `serve` keeps solved, for the markets that it owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PricesConfig {
    /// They are solved again after so many minutes by the market's clock. 0: never.
    pub every_minutes: u64,
    /// Sooner where this share of what was scarce has gone or come.
    pub drift_percent: u64,
    /// Days of demand that today's stock is to last for.
    pub horizon_days: u64,
}

/// What is logged and how.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceConfig {
    /// Form of a line.
    pub format: TraceFormat,
    /// Filter, as `RUST_LOG` writes it. None: `info` for `serve`, `warn` for other commands.
    pub level: Option<String>,
}

/// Form of a line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// Longest time `serve` takes to stop.
    pub fn shutdown_within(&self) -> Duration {
        Duration::from_secs(self.shutdown_seconds)
    }

    /// Folder of the embedded log.
    pub fn log_folder(&self) -> PathBuf {
        self.data.join("log")
    }

    /// Folder of the markets' rows. Each log has its own: rows belong to the log they fold.
    pub fn state_folder(&self) -> PathBuf {
        match self.log.kind {
            LogKind::Embedded => self.data.join("state"),
            LogKind::Kafka => self.data.join("state-kafka"),
        }
    }

    /// File in which `serve` leaves its address.
    pub fn address_file(&self) -> PathBuf {
        self.data.join("server.addr")
    }
}
