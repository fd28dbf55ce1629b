//! What a record says by itself: its envelope, identity and event. None of it needs the market's
//! state.

use omnifold_domain::{Reason, Refusal};
use omnifold_events::{DecodeError, Envelope, EnvelopeError, Event, decode};
use omnifold_log::{Record, TopicKind};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64_with_seed};

/// A record as it came, and what it says.
pub(crate) struct Arrival<'a> {
    pub topic: TopicKind,
    pub record: Record<'a>,
    /// Why its headers are no envelope, or the message.
    pub message: Result<Message<'a>, Refusal>,
}

/// A record that has an envelope.
pub(crate) struct Message<'a> {
    pub envelope: Envelope<'a>,
    /// When it happened, milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// Hash of source and id.
    pub id: u128,
    /// Hash of type and payload.
    pub content: u64,
    /// Why its payload is no event of its topic, or the event.
    pub event: Result<Event, Refusal>,
}

impl<'a> Arrival<'a> {
    /// Reads a record.
    pub(crate) fn of(topic: TopicKind, record: Record<'a>) -> Self {
        let message = match Envelope::from_headers(record.headers.iter()) {
            Ok(envelope) => Ok(Message::of(topic, &record, envelope)),
            Err(error) => Err(Refusal::new(envelope_reason(&error), error.to_string())),
        };
        Arrival { topic, record, message }
    }
}

impl<'a> Message<'a> {
    fn of(topic: TopicKind, record: &Record<'a>, envelope: Envelope<'a>) -> Self {
        let value = record.value.unwrap_or_default();
        Message {
            time_ms: envelope.time_ms.unwrap_or(record.time_ms),
            id: event_id(&envelope),
            content: xxh3_64_with_seed(value, type_seed(envelope.type_name)),
            event: event_of(topic, record, &envelope),
            envelope,
        }
    }
}

fn event_of(
    topic: TopicKind,
    record: &Record<'_>,
    envelope: &Envelope<'_>,
) -> Result<Event, Refusal> {
    let Some(value) = record.value else {
        let detail = "the record has no value; nothing is deleted by a tombstone here";
        return Err(Refusal::new(Reason::Malformed, detail));
    };
    let event = decode(envelope.type_name, envelope.content_type, value)
        .map_err(|error| Refusal::new(decode_reason(&error), error.to_string()))?;
    if event.topic() != topic.name() {
        let detail = format!("{} belongs on `{}`", event.type_name(), event.topic());
        return Err(Refusal::new(Reason::WrongTopic, detail));
    }
    Ok(event)
}

fn event_id(envelope: &Envelope<'_>) -> u128 {
    let mut hash = Xxh3Default::new();
    hash.update(envelope.source.as_bytes());
    hash.update(&[0]);
    hash.update(envelope.id.as_bytes());
    hash.digest128()
}

/// The same bytes as another type are other content.
fn type_seed(type_name: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(type_name.as_bytes())
}

fn envelope_reason(error: &EnvelopeError) -> Reason {
    match error.reason() {
        "missing_header" => Reason::MissingHeader,
        "unknown_version" => Reason::UnknownVersion,
        "unknown_content_type" => Reason::UnknownContentType,
        _ => Reason::MalformedHeader,
    }
}

fn decode_reason(error: &DecodeError) -> Reason {
    match error {
        DecodeError::UnknownType(_) => Reason::UnknownType,
        DecodeError::TooLarge { .. } => Reason::TooLarge,
        DecodeError::Malformed { .. } => Reason::Malformed,
        DecodeError::UndeclaredField { .. } => Reason::UndeclaredField,
    }
}
