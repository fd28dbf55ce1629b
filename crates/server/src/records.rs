//! Records of any topic as JSON, for people and tools that look at the log.
//!
//! A payload that cannot be decoded is told by its size and the fault, never printed: it may hold
//! personal data in clear.

use omnifold_events::{ContentType, Envelope, decode, format_time, output_json};
use omnifold_log::{Log, LogError, Record, RecordBuf};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How many records are shown where nobody says from where.
pub const DEFAULT_TAIL: u64 = 10;

/// Most bytes fetched at a time.
const FETCH_BYTES: usize = 1 << 20;

/// Some records of a topic, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordPage {
    /// The topic's full name.
    pub topic: String,
    /// The records, see [`record_json`].
    pub records: Vec<Value>,
    /// Next offset to ask for.
    pub next: u64,
    /// The topic's end when it was read.
    pub end: u64,
}

/// Reads at most `limit` committed records of a topic, from an offset on or the last few.
///
/// # Errors
/// Where there is no such topic, the offset lies outside of it, or the log fails.
pub fn read_records(
    log: &dyn Log,
    topic: &str,
    from: Option<u64>,
    limit: usize,
) -> Result<RecordPage, LogError> {
    let place = log.describe(&[topic])?.pop().flatten();
    let place = place.ok_or_else(|| LogError::NoTopic { topic: topic.to_owned() })?;
    let from = from.unwrap_or(place.end.saturating_sub(DEFAULT_TAIL).max(place.start));
    let mut page =
        RecordPage { topic: topic.to_owned(), records: Vec::new(), next: from, end: place.end };
    let mut reader = log.reader(&[(topic.to_owned(), from)])?;
    let mut buffer = RecordBuf::default();
    while page.records.len() < limit {
        buffer.clear();
        let fetched = reader.fetch(0, FETCH_BYTES, &mut buffer)?;
        page.end = fetched.end;
        let room = limit - page.records.len();
        page.records.extend(buffer.iter().take(room).map(|record| record_json(topic, record)));
        page.next = match buffer.len() > room {
            true => buffer.get(room).offset,
            false => fetched.next,
        };
        if fetched.at_end {
            break;
        }
    }
    Ok(page)
}

/// One record: where it stands, its envelope, its event.
pub fn record_json(topic: &str, record: Record<'_>) -> Value {
    let mut object = Map::new();
    object.insert("topic".to_owned(), topic.into());
    object.insert("offset".to_owned(), record.offset.into());
    object.insert("time".to_owned(), format_time(record.time_ms).into());
    object.insert("key".to_owned(), String::from_utf8_lossy(record.key).into());
    match Envelope::from_headers(record.headers.iter()) {
        Ok(envelope) => put_event(&mut object, &envelope, &record),
        Err(fault) => {
            put_fault(&mut object, fault.reason(), &fault.to_string(), record.value);
        }
    }
    for name in ["node", "seq"] {
        if let Some(value) = record.headers.get(name) {
            object.insert(name.to_owned(), String::from_utf8_lossy(value).into());
        }
    }
    if let Some(epoch) = record.headers.get("epoch").and_then(epoch_of) {
        object.insert("epoch".to_owned(), epoch);
    }
    Value::Object(object)
}

fn put_event(object: &mut Map<String, Value>, envelope: &Envelope<'_>, record: &Record<'_>) {
    object.insert("id".to_owned(), envelope.id.into());
    object.insert("source".to_owned(), envelope.source.into());
    object.insert("type".to_owned(), envelope.type_name.into());
    if let Some(time_ms) = envelope.time_ms {
        object.insert("time".to_owned(), format_time(time_ms).into());
    }
    let Some(bytes) = record.value else {
        object.insert("data".to_owned(), Value::Null);
        return;
    };
    match data_json(envelope, bytes) {
        Ok(data) => {
            object.insert("data".to_owned(), data);
        }
        Err((reason, detail)) => put_fault(object, reason, &detail, record.value),
    }
}

fn data_json(envelope: &Envelope<'_>, bytes: &[u8]) -> Result<Value, (&'static str, String)> {
    if envelope.content_type == ContentType::Protobuf
        && let Some(value) = output_json(envelope.type_name, bytes)
    {
        return Ok(value);
    }
    decode(envelope.type_name, envelope.content_type, bytes)
        .map(|event| event.to_json())
        .map_err(|fault| (fault.reason(), fault.to_string()))
}

fn put_fault(object: &mut Map<String, Value>, reason: &str, detail: &str, value: Option<&[u8]>) {
    let bytes = value.map_or(0, <[u8]>::len);
    let fault = json!({ "reason": reason, "detail": detail, "bytes": bytes });
    object.insert("undecodable".to_owned(), fault);
}

/// The `epoch` header: incarnation and epoch, each u64 big endian.
fn epoch_of(bytes: &[u8]) -> Option<Value> {
    let (incarnation, rest) = bytes.split_first_chunk::<8>()?;
    let epoch: &[u8; 8] = rest.try_into().ok()?;
    Some(json!({
        "incarnation": u64::from_be_bytes(*incarnation),
        "epoch": u64::from_be_bytes(*epoch),
    }))
}

#[cfg(test)]
mod tests {
    use omnifold_events::{Event, type_name, v1};
    use omnifold_log::HeadersBuilder;

    use super::*;

    fn render(type_name: &str, form: ContentType, value: Option<&[u8]>) -> Value {
        let envelope =
            Envelope { id: "1", source: "shop", type_name, time_ms: Some(0), content_type: form };
        let mut headers = HeadersBuilder::default();
        envelope.to_headers(|name, value| headers.put(name, value));
        headers.put("node", b"berlin");
        headers.put("epoch", &[0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 9]);
        let mut buffer = RecordBuf::default();
        buffer.push(0, 4, 0, headers.as_headers(), b"key", value);
        record_json("omnifold.de.orders", buffer.get(0))
    }

    #[test]
    fn inputs_and_outputs_are_told_in_full() {
        let event = Event::from(v1::OrderCancelled { channel: "web".into(), ..Default::default() });
        let shown = render(event.type_name(), ContentType::Protobuf, Some(&event.encode()));
        assert_eq!(shown["data"]["channel"], "web");
        assert_eq!(shown["offset"], 4);
        let shown = render(type_name::<v1::EpochMark>(), ContentType::Protobuf, Some(&[]));
        assert_eq!(shown["epoch"], json!({ "incarnation": 2, "epoch": 9 }));
        assert_eq!(shown["node"], "berlin");
        assert!(shown["data"].is_object(), "{shown}");
    }

    #[test]
    fn what_cannot_be_decoded_is_never_printed() {
        let private = br#"{"name":"Ada Lovelace"}"#;
        let shown = render("omnifold.v1.OrderPlaced", ContentType::Json, Some(private));
        assert_eq!(shown["undecodable"]["reason"], "undeclared_field");
        assert_eq!(shown["undecodable"]["bytes"], private.len());
        assert!(!shown.to_string().contains("Lovelace"), "{shown}");
    }
}
