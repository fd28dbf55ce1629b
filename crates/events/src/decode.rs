//! Bytes to [`Event`], refusing whatever is not declared.
//!
//! An error names the place and the kind of a fault and never repeats a value: it stands in clear
//! text on `rejected`, and the payload may hold personal data.

use crate::schema::Schema;
use crate::{ContentType, Event, shortened};

/// Larger payloads are refused before they are decoded.
pub const MAX_EVENT_BYTES: usize = 1 << 20;

/// Why bytes are not an event. [`DecodeError::reason`] is the stable code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The type is not one of [`Event::TYPES`].
    #[error("event type `{0}` is not known to this build")]
    UnknownType(String),
    /// The payload is larger than [`MAX_EVENT_BYTES`].
    #[error("payload of {bytes} bytes is larger than the {MAX_EVENT_BYTES} allowed")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// The bytes are cut short, are not UTF-8 where text is due, or are not the message at all.
    #[error("payload is not a valid {type_name}: {detail}")]
    Malformed {
        /// The type it should have been.
        type_name: String,
        /// The decoder's words: where and what.
        detail: String,
    },
    /// A field that the schema does not declare.
    #[error("undeclared field `{field}`; what is not in the schema travels in `extensions`")]
    UndeclaredField {
        /// Its path, by name or by number.
        field: String,
    },
}

impl DecodeError {
    /// The stable code of this fault in `rejected`.
    pub fn reason(&self) -> &'static str {
        match self {
            DecodeError::UnknownType(_) => "unknown_type",
            DecodeError::TooLarge { .. } => "too_large",
            DecodeError::Malformed { .. } => "malformed",
            DecodeError::UndeclaredField { .. } => "undeclared_field",
        }
    }
}

/// Decodes a payload of the given CloudEvents type.
pub fn decode(type_name: &str, form: ContentType, bytes: &[u8]) -> Result<Event, DecodeError> {
    if bytes.len() > MAX_EVENT_BYTES {
        return Err(DecodeError::TooLarge { bytes: bytes.len() });
    }
    match form {
        ContentType::Protobuf => decode_protobuf(type_name, bytes),
        ContentType::Json => decode_json(type_name, bytes),
    }
}

fn decode_protobuf(type_name: &str, bytes: &[u8]) -> Result<Event, DecodeError> {
    let event = Event::decode_protobuf(type_name, bytes)
        .map_err(|unknown| DecodeError::UnknownType(shortened(&unknown.0)))?
        .map_err(|error| malformed(type_name, error))?;
    match Schema::get().undeclared(event.place(), bytes) {
        Some(field) => Err(DecodeError::UndeclaredField { field }),
        None => Ok(event),
    }
}

fn decode_json(type_name: &str, bytes: &[u8]) -> Result<Event, DecodeError> {
    Event::decode_json(type_name, bytes)
        .map_err(|unknown| DecodeError::UnknownType(shortened(&unknown.0)))?
        .map_err(|error| json_fault(type_name, &error.to_string()))
}

fn malformed(type_name: &str, detail: impl ToString) -> DecodeError {
    DecodeError::Malformed { type_name: type_name.to_owned(), detail: detail.to_string() }
}

fn json_fault(type_name: &str, text: &str) -> DecodeError {
    let quoted = |prefix: &str| text.strip_prefix(prefix).and_then(|rest| rest.split_once('`'));
    match quoted("unknown field `") {
        Some((field, _)) => DecodeError::UndeclaredField { field: shortened(field) },
        None => malformed(type_name, without_values(text)),
    }
}

/// serde's words without the value they quote: `invalid type: string "5 High St", expected ...`
/// becomes `invalid type: string, expected ...`.
fn without_values(text: &str) -> String {
    const QUOTING: [&str; 3] = ["invalid type: ", "invalid value: ", "unknown variant "];
    let Some(prefix) = QUOTING.iter().find(|prefix| text.starts_with(**prefix)) else {
        return text.to_owned();
    };
    let Some((quoting, expected)) = text.rsplit_once(", expected") else { return text.to_owned() };
    let kind = quoting[prefix.len()..].split(['"', '`']).next().unwrap_or_default();
    let kept = format!("{prefix}{kind}");
    format!("{}, expected{expected}", kept.trim_end())
}
