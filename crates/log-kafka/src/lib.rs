//! The log trait on Apache Kafka, by librdkafka. Brokers from 3.6 on.
//!
//! Rules:
//!
//! * **One partition a topic.** Offsets of partition 0 are the positions of the log.
//! * **One `transactional.id` a market**, `{prefix}.{market}`, always. Opening an owner runs
//!   `init_transactions`, which aborts what the owner before left open and fences it: its next
//!   append fails and leaves nothing that a reader of committed records sees.
//! * **A commit whose outcome is unknown is never retried** on the same producer. The appender is
//!   of no use from then on; a new owner settles what became of it.
//! * **Readers read committed records at explicit positions.** A group's committed offsets are
//!   written for lag tools and never read back. A position outside of the topic is an error, never
//!   moved.
//! * **Settings that would break one of these are refused** when the log is opened, all together.
//! * **Ends.** A reader stands at the end of a topic when the broker has said that nothing
//!   committed follows its position. That is the state of the last answer, at most
//!   `fetch.wait.max.ms` old, and never older than an append by this same [`KafkaLog`]: what this
//!   process has appended counts as there until it has been read.
//! * **Unreachable brokers.** Clients reconnect for ever by themselves. Appends and administration
//!   fail within their bounds; a reader goes on without records and reports
//!   [`LogError::Unavailable`](omnifold_log::LogError::Unavailable) once no broker has answered for
//!   `reader_patience`, again and again until one does. It stays usable.
//!
//! Dropping an appender, a reader or a producer returns within a fraction of a second: librdkafka's
//! own shutdown, which may wait for the network, goes on in a thread of its own.

mod admin;
mod client;
mod ends;
mod error;
mod floors;
mod group;
mod log;
mod options;
mod owner;
mod producer;
mod reader;
mod sending;

pub use log::KafkaLog;
pub use options::{KafkaOptions, MAX_RECORD_BYTES};
