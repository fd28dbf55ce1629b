//! Event types, the CloudEvents envelope and its codecs.
//!
//! * [`v1`]: the generated messages of `proto/omnifold/v1/`, with canonical JSON.
//! * [`Event`]: one row per input event type: its CloudEvents type, its topic, its message.
//! * [`Envelope`]: the CloudEvents attributes as Kafka headers (binary mode).
//! * [`jsonl`]: the JSON-lines form for files (structured mode, one event a line).
//!
//! This crate knows how events look, not what they mean.

mod currency;
mod decode;
mod envelope;
mod event;
pub mod jsonl;
mod message;
mod schema;
mod time;

pub use currency::{is_iso4217, minor_digits};
pub use decode::{DecodeError, MAX_EVENT_BYTES, decode};
pub use envelope::{ContentType, Envelope, EnvelopeError, MAX_ATTRIBUTE_BYTES};
pub use event::{Event, UnknownType};
pub use message::{Output, output_json, type_name};
pub use time::{MAX_TIME_MS, TimeError, format_time, parse_time};

/// The generated messages. Their documentation is in `proto/omnifold/v1/`.
#[allow(missing_docs, clippy::all)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/omnifold.v1.rs"));
    include!(concat!(env!("OUT_DIR"), "/omnifold.v1.serde.rs"));
}

/// The compiled schema, for readers that want to look fields up by name or number.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// A foreign text as an error may quote it: its first 64 characters.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(64) {
        Some((cut, _)) => format!("{}...", &text[..cut]),
        None => text.to_owned(),
    }
}
