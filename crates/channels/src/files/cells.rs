//! Cells of a row to values of the event's JSON.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use omnifold_events::{minor_digits, parse_time};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};

use crate::decimal::{Finer, scaled};

/// Where a text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Column(String),
    Constant(String),
}

/// How a text becomes a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Conversion {
    Text,
    /// Split at a separator.
    Texts(String),
    Integer,
    Bool,
    Enum(Vec<String>),
    Decimal {
        digits: u32,
        finer: Finer,
    },
    /// Decimals as the currency has them.
    Money {
        currency: Source,
    },
    Instant(Instant),
}

/// How an instant is written.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Instant {
    /// strftime's; absent: ISO 8601.
    pub(super) format: Option<String>,
    /// For texts without an offset of their own.
    pub(super) zone: Option<TimeZone>,
    /// Seconds or milliseconds since 1970 instead of text: decimals to milliseconds.
    pub(super) epoch_digits: Option<u32>,
}

/// One field of the event and the cell that gives it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    /// Keys of the canonical JSON, outermost first.
    pub(super) path: Vec<String>,
    pub(super) source: Source,
    /// Stands for an empty cell.
    pub(super) default: Option<String>,
    /// An empty cell leaves the field out.
    pub(super) optional: bool,
    /// Texts of the file and what they stand for.
    pub(super) values: BTreeMap<String, String>,
    pub(super) conversion: Conversion,
}

/// A row of the file with its columns by name.
pub(super) struct Row<'a> {
    pub(super) columns: &'a HashMap<String, usize>,
    pub(super) record: &'a csv::ByteRecord,
    /// `,` where the file writes 1,50.
    pub(super) decimal_mark: char,
}

impl<'a> Row<'a> {
    /// The text of a column, without blanks around it.
    pub(super) fn column(&self, name: &str) -> Result<&'a str, String> {
        let bytes = self.columns.get(name).and_then(|&at| self.record.get(at)).unwrap_or_default();
        let text = std::str::from_utf8(bytes);
        text.map(str::trim).map_err(|_| format!("column `{name}` is not UTF-8"))
    }

    fn text(&self, source: &Source) -> Result<String, String> {
        match source {
            Source::Column(name) => self.column(name).map(str::to_owned),
            Source::Constant(text) => Ok(text.clone()),
        }
    }
}

/// The fields of a row as JSON, or everything that is wrong with it.
pub(super) fn object(cells: &[Cell], row: &Row) -> Result<Map<String, Value>, Vec<String>> {
    let mut object = Map::new();
    let mut faults = Vec::new();
    for cell in cells {
        match cell.value(row) {
            Ok(Some(value)) => insert(&mut object, &cell.path, value),
            Ok(None) => {}
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(object) } else { Err(faults) }
}

fn insert(object: &mut Map<String, Value>, path: &[String], value: Value) {
    let (key, rest) = path.split_first().expect("a path has a key");
    if rest.is_empty() {
        object.insert(key.clone(), value);
        return;
    }
    let inner = object.entry(key.clone()).or_insert_with(|| Value::Object(Map::new()));
    insert(inner.as_object_mut().expect("only messages are entered"), rest, value);
}

impl Cell {
    /// The value of the field; `None` where an empty cell leaves it out.
    pub(super) fn value(&self, row: &Row) -> Result<Option<Value>, String> {
        let mut text = row.text(&self.source)?;
        if text.is_empty() {
            match &self.default {
                Some(default) => text.clone_from(default),
                None if self.optional => return Ok(None),
                None => return Err(format!("{} is empty", self.source.name())),
            }
        }
        let meant = self.values.get(&text).unwrap_or(&text);
        let convert = |fault: String| format!("{}: `{text}` {fault}", self.source.name());
        self.conversion.value(meant, row).map(Some).map_err(convert)
    }
}

impl Source {
    /// As messages name it.
    fn name(&self) -> String {
        match self {
            Source::Column(name) => format!("column `{name}`"),
            Source::Constant(_) => "value".to_owned(),
        }
    }
}

impl Conversion {
    fn value(&self, text: &str, row: &Row) -> Result<Value, String> {
        let decimal = |digits, finer| {
            let plain = with_point(text, row.decimal_mark)?;
            scaled(&plain, digits, finer).map_err(|error| error.to_string())
        };
        Ok(match self {
            Conversion::Text => text.into(),
            Conversion::Texts(separator) => text.split(separator).map(str::trim).collect(),
            Conversion::Integer => {
                text.parse::<i64>().map_err(|_| "is not a whole number".to_owned())?.into()
            }
            Conversion::Bool => boolean(text)?.into(),
            Conversion::Enum(names) => enum_name(names, text)?.into(),
            Conversion::Decimal { digits, finer } => decimal(*digits, *finer)?.into(),
            Conversion::Money { currency } => {
                let code = row.text(currency)?;
                let digits = minor_digits(&code)
                    .ok_or_else(|| format!("is in `{code}`, which is no ISO 4217 currency"))?;
                decimal(digits, Finer::Refuse)?.into()
            }
            Conversion::Instant(instant) => instant.milliseconds(text)?.into(),
        })
    }
}

/// A decimal with a point, from one with the file's mark. A point in a file with commas is a
/// thousands separator or a slip; either way it is not guessed at.
fn with_point(text: &str, mark: char) -> Result<String, String> {
    if mark == '.' {
        return Ok(text.to_owned());
    }
    if text.contains('.') {
        return Err(format!("has a point; decimals are marked by `{mark}`"));
    }
    Ok(text.replacen(mark, ".", 1))
}

fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err("is neither true, yes, 1 nor false, no, 0".to_owned()),
    }
}

/// The value's full name, from that or from its last part in any case: `store` is
/// `NODE_KIND_STORE`.
fn enum_name(names: &[String], text: &str) -> Result<String, String> {
    let prefix = names[0].strip_suffix("UNSPECIFIED").unwrap_or_default();
    let is_it = |name: &&String| {
        name.eq_ignore_ascii_case(text) || name[prefix.len()..].eq_ignore_ascii_case(text)
    };
    names.iter().find(is_it).cloned().ok_or_else(|| format!("is none of {}", names.join(", ")))
}

impl Instant {
    /// UTC milliseconds.
    pub(super) fn milliseconds(&self, text: &str) -> Result<i64, String> {
        if let Some(digits) = self.epoch_digits {
            return scaled(text, digits, Finer::Round).map_err(|error| error.to_string());
        }
        let local = match &self.format {
            Some(format) => {
                let time = BrokenDownTime::parse(format, text)
                    .map_err(|error| format!("is not `{format}`: {error}"))?;
                if time.offset().is_some() {
                    return time
                        .to_timestamp()
                        .map(Timestamp::as_millisecond)
                        .map_err(|e| e.to_string());
                }
                time.to_datetime()
                    .or_else(|_| time.to_date().map(|date| date.at(0, 0, 0, 0)))
                    .map_err(|error| error.to_string())?
            }
            None => match parse_time(text) {
                Ok(ms) => return Ok(ms),
                Err(_) => {
                    text.parse::<DateTime>().map_err(|_| "is not an ISO 8601 time".to_owned())?
                }
            },
        };
        let zone = self.zone.clone().ok_or("has no zone; give `zone` in the mapping")?;
        let zoned = local.to_zoned(zone).map_err(|error| error.to_string())?;
        Ok(zoned.timestamp().as_millisecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(format: Option<&str>, zone: Option<&str>, text: &str) -> Result<i64, String> {
        let zone = zone.map(|name| TimeZone::get(name).expect("a zone"));
        Instant { format: format.map(str::to_owned), zone, epoch_digits: None }.milliseconds(text)
    }

    #[test]
    fn times_are_read_in_their_zone() {
        let noon = Ok(1_748_858_400_000); // 2025-06-02T10:00:00Z
        assert_eq!(instant(None, None, "2025-06-02T10:00:00Z"), noon);
        assert_eq!(instant(None, Some("Europe/Berlin"), "2025-06-02 12:00:00"), noon);
        assert_eq!(
            instant(Some("%d.%m.%Y %H:%M"), Some("Europe/Berlin"), "02.06.2025 12:00"),
            noon
        );
        assert_eq!(instant(Some("%Y-%m-%d %H:%M %z"), None, "2025-06-02 12:00 +0200"), noon);
        assert_eq!(instant(Some("%d/%m/%Y"), Some("UTC"), "02/06/2025"), Ok(1_748_822_400_000));
        assert_eq!(
            instant(None, Some("Europe/Berlin"), "2025-06-02T10:00:00Z"),
            noon,
            "own offset"
        );
    }

    #[test]
    fn times_without_a_zone_or_sense_are_refused() {
        let error = instant(None, None, "2025-06-02 12:00:00").expect_err("no zone");
        assert!(error.contains("zone"), "{error}");
        assert!(instant(None, Some("UTC"), "yesterday").expect_err("no time").contains("ISO 8601"));
        let error = instant(Some("%d.%m.%Y"), Some("UTC"), "2025-06-02").expect_err("no time");
        assert!(error.contains("`%d.%m.%Y`"), "{error}");
    }

    #[test]
    fn seconds_and_milliseconds_since_1970_are_read() {
        let at = |digits, text| {
            Instant { epoch_digits: Some(digits), ..Instant::default() }.milliseconds(text)
        };
        assert_eq!(at(3, "1748858400.25"), Ok(1_748_858_400_250));
        assert_eq!(at(0, "1748858400250"), Ok(1_748_858_400_250));
        assert!(at(0, "soon").is_err());
    }

    #[test]
    fn a_decimal_comma_is_read_and_a_thousands_point_is_not_guessed_at() {
        assert_eq!(with_point("12,50", ',').as_deref(), Ok("12.50"));
        assert!(with_point("1.250,00", ',').is_err());
        assert_eq!(with_point("12.50", '.').as_deref(), Ok("12.50"));
    }

    #[test]
    fn enum_values_may_be_short() {
        let names = ["NODE_KIND_UNSPECIFIED".to_owned(), "NODE_KIND_STORE".to_owned()];
        for text in ["NODE_KIND_STORE", "STORE", "store"] {
            assert_eq!(enum_name(&names, text).as_deref(), Ok("NODE_KIND_STORE"));
        }
        assert!(enum_name(&names, "shop").expect_err("none").contains("NODE_KIND_STORE"));
    }
}
