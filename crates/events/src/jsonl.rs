//! The form for files: one event a line, as CloudEvents JSON (structured mode).
//!
//! ```json
//! {"specversion":"1.0","id":"o-1","source":"shop","type":"omnifold.v1.OrderPlaced",
//!  "time":"2025-06-02T10:00:00Z","data":{"channel":"web","orderId":"1001","lines":[]}}
//! ```

use serde::{Deserialize, Serialize};

use crate::{
    ContentType, DecodeError, Event, MAX_ATTRIBUTE_BYTES, TimeError, decode, format_time,
    parse_time, shortened,
};

/// An event with its attributes, owned.
#[derive(Debug, Clone, PartialEq)]
pub struct FileEvent {
    /// Unique within `source`.
    pub id: String,
    /// Who published the event.
    pub source: String,
    /// When it happened, UTC milliseconds.
    pub time_ms: Option<i64>,
    /// The event itself.
    pub event: Event,
}

/// A line that is not an event.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Not the CloudEvents JSON form.
    #[error("not a CloudEvents JSON object")]
    Shape(#[source] serde_json::Error),
    /// `specversion` is not 1.0.
    #[error("CloudEvents version `{0}` is not supported; send `1.0`")]
    SpecVersion(String),
    /// `id` or `source` is empty or too long.
    #[error("`{name}` must hold 1 to {MAX_ATTRIBUTE_BYTES} bytes, holds {bytes}")]
    Attribute {
        /// Which of the two.
        name: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// `datacontenttype` is there and is not JSON.
    #[error("`datacontenttype` is `{0}`; a line of a file carries application/json")]
    ContentType(String),
    /// `time` is not RFC 3339.
    #[error("`time`")]
    Time(#[source] TimeError),
    /// `data` is not the event that `type` says.
    #[error("`data`")]
    Data(#[source] DecodeError),
}

impl LineError {
    /// The stable code of this fault, as in `rejected`.
    pub fn reason(&self) -> &'static str {
        match self {
            LineError::Shape(_) => "malformed",
            LineError::SpecVersion(_) => "unknown_version",
            LineError::ContentType(_) => "unknown_content_type",
            LineError::Attribute { .. } | LineError::Time(_) => "malformed_header",
            LineError::Data(error) => error.reason(),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    specversion: String,
    id: String,
    source: String,
    #[serde(rename = "type")]
    type_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    datacontenttype: Option<String>,
    data: Box<serde_json::value::RawValue>,
}

/// Reads one line.
pub fn parse_line(text: &str) -> Result<FileEvent, LineError> {
    let line: Line = serde_json::from_str(text).map_err(LineError::Shape)?;
    if line.specversion != "1.0" {
        return Err(LineError::SpecVersion(shortened(&line.specversion)));
    }
    if let Some(other) = line.datacontenttype.filter(|media| media != "application/json") {
        return Err(LineError::ContentType(shortened(&other)));
    }
    attribute("id", &line.id)?;
    attribute("source", &line.source)?;
    let time_ms = match &line.time {
        None => None,
        Some(time) => Some(parse_time(time).map_err(LineError::Time)?),
    };
    let event = decode(&line.type_name, ContentType::Json, line.data.get().as_bytes())
        .map_err(LineError::Data)?;
    Ok(FileEvent { id: line.id, source: line.source, time_ms, event })
}

fn attribute(name: &'static str, value: &str) -> Result<(), LineError> {
    match value.len() {
        1..=MAX_ATTRIBUTE_BYTES => Ok(()),
        bytes => Err(LineError::Attribute { name, bytes }),
    }
}

/// Writes one line, without the line feed.
pub fn to_line(event: &FileEvent) -> String {
    let data = serde_json::value::to_raw_value(&event.event.to_json()).expect("JSON of JSON");
    let line = Line {
        specversion: "1.0".to_owned(),
        id: event.id.clone(),
        source: event.source.clone(),
        type_name: event.event.type_name().to_owned(),
        time: event.time_ms.map(format_time),
        datacontenttype: None,
        data,
    };
    serde_json::to_string(&line).expect("strings and JSON")
}
