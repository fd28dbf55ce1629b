//! CloudEvents 1.0 in the Kafka binding's binary mode: the attributes are record headers, the
//! record's value is the event's data.
//! Source: <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md>

use crate::shortened;
use crate::time::{TimeError, format_time, parse_time};

/// How an event's data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentType {
    /// `application/protobuf`.
    Protobuf,
    /// `application/json`: protobuf's canonical JSON mapping.
    Json,
}

impl ContentType {
    /// The media type as it stands in the `content-type` header.
    pub fn media_type(self) -> &'static str {
        match self {
            ContentType::Protobuf => "application/protobuf",
            ContentType::Json => "application/json",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let media = text.split(';').next().unwrap_or_default().trim();
        let is = |name: &str| media.eq_ignore_ascii_case(name);
        if is("application/protobuf") || is("application/x-protobuf") {
            Some(ContentType::Protobuf)
        } else if is("application/json") {
            Some(ContentType::Json)
        } else {
            None
        }
    }
}

/// The attributes of one event, borrowed from its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// Unique within `source`.
    pub id: &'a str,
    /// Who published the event.
    pub source: &'a str,
    /// Full name of the message, `omnifold.v1.OrderPlaced`.
    pub type_name: &'a str,
    /// When it happened, UTC milliseconds; absent: the record's own timestamp counts.
    pub time_ms: Option<i64>,
    /// How the value is written.
    pub content_type: ContentType,
}

/// Headers that are not a CloudEvents envelope. [`EnvelopeError::reason`] is the stable code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// A required header is missing or empty.
    #[error("header `{0}` is missing or empty")]
    Missing(&'static str),
    /// A header is not UTF-8.
    #[error("header `{0}` is not UTF-8")]
    NotText(&'static str),
    /// `ce_specversion` is not 1.0.
    #[error("CloudEvents version `{0}` is not supported; send `1.0`")]
    SpecVersion(String),
    /// `content-type` is neither protobuf nor JSON.
    #[error("content type `{0}` is not supported; send application/protobuf or application/json")]
    ContentType(String),
    /// `ce_time` is not an RFC 3339 time.
    #[error("header `ce_time`: {0}")]
    Time(TimeError),
    /// `ce_id`, `ce_source` or `ce_type` is longer than [`MAX_ATTRIBUTE_BYTES`].
    #[error("header `{0}` is longer than {MAX_ATTRIBUTE_BYTES} bytes")]
    TooLong(&'static str),
}

/// Longest `ce_id`, `ce_source` or `ce_type` taken.
pub const MAX_ATTRIBUTE_BYTES: usize = 512;

impl EnvelopeError {
    /// The stable code of this fault in `rejected`.
    pub fn reason(&self) -> &'static str {
        match self {
            EnvelopeError::Missing(_) => "missing_header",
            EnvelopeError::SpecVersion(_) => "unknown_version",
            EnvelopeError::ContentType(_) => "unknown_content_type",
            EnvelopeError::NotText(_) | EnvelopeError::Time(_) | EnvelopeError::TooLong(_) => {
                "malformed_header"
            }
        }
    }
}

impl<'a> Envelope<'a> {
    /// Reads the attributes from record headers. Headers that are not ours are passed over; of two
    /// with the same name the last counts.
    pub fn from_headers(
        headers: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<Self, EnvelopeError> {
        let mut found = Attributes::default();
        for (name, value) in headers {
            found.take(name, value);
        }
        found.finish()
    }

    /// Writes the attributes as record headers.
    pub fn to_headers(&self, mut put: impl FnMut(&str, &[u8])) {
        put("ce_specversion", b"1.0");
        put("ce_id", self.id.as_bytes());
        put("ce_source", self.source.as_bytes());
        put("ce_type", self.type_name.as_bytes());
        if let Some(ms) = self.time_ms {
            put("ce_time", format_time(ms).as_bytes());
        }
        put("content-type", self.content_type.media_type().as_bytes());
    }
}

#[derive(Default)]
struct Attributes<'a> {
    spec: Option<&'a [u8]>,
    id: Option<&'a [u8]>,
    source: Option<&'a [u8]>,
    type_name: Option<&'a [u8]>,
    time: Option<&'a [u8]>,
    content_type: Option<&'a [u8]>,
}

impl<'a> Attributes<'a> {
    fn take(&mut self, name: &[u8], value: &'a [u8]) {
        let slot = match name {
            b"ce_specversion" => &mut self.spec,
            b"ce_id" => &mut self.id,
            b"ce_source" => &mut self.source,
            b"ce_type" => &mut self.type_name,
            b"ce_time" => &mut self.time,
            b"content-type" => &mut self.content_type,
            _ => return,
        };
        *slot = Some(value);
    }

    fn finish(self) -> Result<Envelope<'a>, EnvelopeError> {
        let spec = required("ce_specversion", self.spec)?;
        if spec != "1.0" {
            return Err(EnvelopeError::SpecVersion(shortened(spec)));
        }
        let media = required("content-type", self.content_type)?;
        let content_type = match media {
            "application/protobuf" => ContentType::Protobuf,
            other => ContentType::parse(other)
                .ok_or_else(|| EnvelopeError::ContentType(shortened(other)))?,
        };
        let time_ms = match self.time {
            None => None,
            Some(bytes) => Some(parse_time(text("ce_time", bytes)?).map_err(EnvelopeError::Time)?),
        };
        Ok(Envelope {
            id: bounded("ce_id", self.id)?,
            source: bounded("ce_source", self.source)?,
            type_name: bounded("ce_type", self.type_name)?,
            time_ms,
            content_type,
        })
    }
}

fn text<'a>(name: &'static str, bytes: &'a [u8]) -> Result<&'a str, EnvelopeError> {
    std::str::from_utf8(bytes).map_err(|_| EnvelopeError::NotText(name))
}

fn required<'a>(name: &'static str, value: Option<&'a [u8]>) -> Result<&'a str, EnvelopeError> {
    match value {
        None | Some([]) => Err(EnvelopeError::Missing(name)),
        Some(bytes) => text(name, bytes),
    }
}

fn bounded<'a>(name: &'static str, value: Option<&'a [u8]>) -> Result<&'a str, EnvelopeError> {
    let text = required(name, value)?;
    if text.len() > MAX_ATTRIBUTE_BYTES {
        return Err(EnvelopeError::TooLong(name));
    }
    Ok(text)
}
