//! A mapping: how the rows of a CSV file become events. TOML; docs/EVENTS.md has an example.
//!
//! It is checked against the schema when it is read, and all that is wrong with it is said at once,
//! each with its line.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use prost_reflect::MessageDescriptor;
use serde::Deserialize;
use toml::{Spanned, Value};

use super::cells::{Cell, Conversion, Instant, Source};
use super::schema::{self, Kind, Target};
use crate::decimal::Finer;

/// How the rows of a file become events.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub(super) file: PathBuf,
    pub(super) type_name: String,
    pub(super) source: String,
    pub(super) id: Template,
    pub(super) time: Option<Cell>,
    pub(super) delimiter: u8,
    pub(super) decimal_mark: char,
    /// Rows that have the same text here are one event.
    pub(super) group_by: Option<String>,
    pub(super) fields: Vec<Cell>,
    /// The list that each row adds an entry to.
    pub(super) repeated: Option<(String, Vec<Cell>)>,
    pub(super) seal: Option<Seal>,
    /// Columns that are named, with the line of the mapping that names them.
    pub(super) columns: BTreeMap<String, usize>,
}

/// Columns to be sealed into an order's `destination.recipient`.
#[derive(Debug, Clone)]
pub(super) struct Seal {
    pub(super) person: String,
    pub(super) columns: Vec<String>,
}

/// A text with holes: `{column}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(pub(super) Vec<Source>);

/// A mapping that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// The file cannot be read.
    #[error("{} cannot be read", file.display())]
    Io {
        /// The mapping.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Everything that is wrong with it.
    #[error("{}", faults.join("\n"))]
    Faults {
        /// One `FILE:LINE: what is wrong` each.
        faults: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    event: Spanned<String>,
    source: Spanned<String>,
    id: Spanned<String>,
    time: Option<Spanned<Value>>,
    delimiter: Option<Spanned<String>>,
    decimal_mark: Option<Spanned<String>>,
    group_by: Option<Spanned<String>>,
    #[serde(default)]
    fields: BTreeMap<Spanned<String>, Value>,
    #[serde(default)]
    repeated: BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Value>>,
    seal: Option<Spanned<WrittenSeal>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSeal {
    person: String,
    columns: Vec<String>,
}

/// A field's right-hand side; a plain text is a column.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct WrittenCell {
    column: Option<String>,
    value: Option<Value>,
    unit: Option<String>,
    default: Option<Value>,
    #[serde(default)]
    optional: bool,
    format: Option<String>,
    zone: Option<String>,
    split: Option<String>,
    #[serde(default)]
    values: BTreeMap<String, String>,
}

impl Mapping {
    /// Whether columns are sealed, so that a keyring is needed.
    pub fn seals(&self) -> bool {
        self.seal.is_some()
    }

    /// Reads and checks a mapping.
    pub fn read(file: &Path) -> Result<Mapping, MappingError> {
        let text = std::fs::read_to_string(file)
            .map_err(|source| MappingError::Io { file: file.to_owned(), source })?;
        Self::parse(file, &text)
    }

    /// Checks a mapping's text; `file` names it in errors.
    pub fn parse(file: &Path, text: &str) -> Result<Mapping, MappingError> {
        let mut reader = Checker { file, text, faults: Vec::new(), columns: BTreeMap::new() };
        let mapping = match toml::from_str::<Written>(text) {
            Ok(written) => reader.mapping(written),
            Err(error) => {
                reader.fault(error.span().unwrap_or_default(), error.message());
                None
            }
        };
        reader.faults.sort();
        let faults = reader.faults.into_iter();
        let faults: Vec<String> =
            faults.map(|(line, fault)| format!("{}:{line}: {fault}", file.display())).collect();
        match mapping {
            Some(mapping) if faults.is_empty() => Ok(mapping),
            _ => Err(MappingError::Faults { faults }),
        }
    }
}

/// Checks a mapping and collects what is wrong with it.
struct Checker<'a> {
    file: &'a Path,
    text: &'a str,
    faults: Vec<(usize, String)>,
    columns: BTreeMap<String, usize>,
}

impl Checker<'_> {
    fn line(&self, span: Range<usize>) -> usize {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        1 + before.iter().filter(|&&byte| byte == b'\n').count()
    }

    fn fault(&mut self, span: Range<usize>, what: impl Into<String>) {
        let line = self.line(span);
        self.faults.push((line, what.into()));
    }

    /// The value, or `None` with its fault noted.
    fn check<T>(&mut self, span: Range<usize>, result: Result<T, String>) -> Option<T> {
        result.map_err(|fault| self.fault(span, fault)).ok()
    }

    fn uses(&mut self, column: &str, span: Range<usize>) {
        let line = self.line(span);
        self.columns.entry(column.to_owned()).or_insert(line);
    }

    /// `None` where something is missing without which the rest cannot be checked.
    fn mapping(&mut self, written: Written) -> Option<Mapping> {
        let span = written.event.span();
        let event = self.check(span, schema::event(written.event.get_ref()))?;
        let id = self.template(&written.id);
        let time = written.time.and_then(|time| self.time(time));
        let delimiter = self.one_character(&written.delimiter, ',').filter(char::is_ascii);
        let decimal_mark = self.one_character(&written.decimal_mark, '.');
        if let Some(group_by) = &written.group_by {
            self.uses(group_by.get_ref(), group_by.span());
        }
        let fields = self.cells(&event, written.fields);
        let repeated = self.repeated(&event, written.repeated);
        let seal = written.seal.and_then(|seal| self.seal(&event, seal));
        Some(Mapping {
            file: self.file.to_owned(),
            type_name: event.full_name().to_owned(),
            source: written.source.into_inner(),
            id: id?,
            time,
            delimiter: u8::try_from(delimiter.unwrap_or(',')).expect("an ASCII character"),
            decimal_mark: decimal_mark.unwrap_or('.'),
            group_by: written.group_by.map(Spanned::into_inner),
            fields,
            repeated,
            seal,
            columns: std::mem::take(&mut self.columns),
        })
    }

    fn one_character(&mut self, written: &Option<Spanned<String>>, usual: char) -> Option<char> {
        let Some(written) = written else { return Some(usual) };
        let mut characters = written.get_ref().chars();
        match (characters.next(), characters.next()) {
            (Some(only), None) if only.is_ascii() => Some(only),
            _ => {
                self.fault(written.span(), "must be one ASCII character");
                None
            }
        }
    }

    fn template(&mut self, written: &Spanned<String>) -> Option<Template> {
        let template = self.check(written.span(), Template::parse(written.get_ref()))?;
        for part in &template.0 {
            if let Source::Column(name) = part {
                self.uses(name, written.span());
            }
        }
        Some(template)
    }

    fn time(&mut self, written: Spanned<Value>) -> Option<Cell> {
        let target = Target { path: vec!["time".to_owned()], kind: Kind::Milliseconds };
        let span = written.span();
        self.cell(span, target, written.into_inner(), None)
    }

    fn repeated(
        &mut self,
        event: &MessageDescriptor,
        written: BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Value>>,
    ) -> Option<(String, Vec<Cell>)> {
        let mut lists: Vec<_> = written.into_iter().collect();
        lists.sort_by_key(|(name, _)| name.span().start);
        let mut lists = lists.into_iter();
        let (name, fields) = lists.next()?;
        for (second, _) in lists {
            self.fault(second.span(), "a row can add to one list only");
        }
        let (key, entry) = self.check(name.span(), schema::list(event, name.get_ref()))?;
        Some((key, self.cells(&entry, fields)))
    }

    fn seal(&mut self, event: &MessageDescriptor, written: Spanned<WrittenSeal>) -> Option<Seal> {
        let span = written.span();
        if event.name() != "OrderPlaced" {
            self.fault(span, format!("{} carries no personal data to seal", event.name()));
            return None;
        }
        let WrittenSeal { person, columns } = written.into_inner();
        for column in columns.iter().chain([&person]) {
            self.uses(column, span.clone());
        }
        Some(Seal { person, columns })
    }

    fn cells(
        &mut self,
        message: &MessageDescriptor,
        written: BTreeMap<Spanned<String>, Value>,
    ) -> Vec<Cell> {
        let mut flat = Vec::new();
        for (name, value) in written {
            flatten(message, name.get_ref().clone(), name.span(), value, &mut flat);
        }
        flat.sort_by_key(|(_, span, _)| span.start);
        let currencies: BTreeMap<String, Source> = flat
            .iter()
            .filter_map(|(path, _, value)| Some((path.clone(), source(value)?)))
            .collect();
        let cell = |(path, span, value): (String, Range<usize>, Value)| {
            let target = self.check(span.clone(), schema::target(message, &path))?;
            let currency = path.strip_suffix("minor").map(|parent| format!("{parent}currency"));
            let currency = currency.and_then(|path| currencies.get(&path).cloned());
            self.cell(span, target, value, currency)
        };
        flat.into_iter().filter_map(cell).collect()
    }

    fn cell(
        &mut self,
        span: Range<usize>,
        target: Target,
        value: Value,
        currency: Option<Source>,
    ) -> Option<Cell> {
        let written = self.check(span.clone(), WrittenCell::of(value))?;
        let source = self.check(span.clone(), written.source())?;
        if let Source::Column(name) = &source {
            self.uses(name, span.clone());
        }
        let conversion = self.check(span, written.conversion(&target, currency))?;
        Some(Cell {
            path: target.path,
            source,
            default: written.default.as_ref().and_then(scalar),
            optional: written.optional,
            values: written.values,
            conversion,
        })
    }
}

/// `destination.country = "land"` without quotes is a table in TOML; it means the same. A table at
/// a field that has no fields of its own says how its cell is read.
fn flatten(
    message: &MessageDescriptor,
    path: String,
    span: Range<usize>,
    value: Value,
    into: &mut Vec<(String, Range<usize>, Value)>,
) {
    match value {
        Value::Table(table) if schema::target(message, &path).is_err() => {
            for (name, inner) in table {
                flatten(message, format!("{path}.{name}"), span.clone(), inner, into);
            }
        }
        other => into.push((path, span, other)),
    }
}

fn source(value: &Value) -> Option<Source> {
    WrittenCell::of(value.clone()).ok()?.source().ok()
}

/// A constant as the text that a cell would have held.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}

impl WrittenCell {
    fn of(value: Value) -> Result<Self, String> {
        match value {
            Value::String(column) => {
                Ok(WrittenCell { column: Some(column), ..WrittenCell::default() })
            }
            Value::Table(_) => {
                value.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
            }
            _ => Err("must be a column's name, or { column = ... } or { value = ... }".to_owned()),
        }
    }

    fn source(&self) -> Result<Source, String> {
        match (&self.column, &self.value) {
            (Some(column), None) => Ok(Source::Column(column.clone())),
            (None, Some(value)) => scalar(value).map(Source::Constant).ok_or_else(|| {
                "`value` must be a text, a whole number, true or false; write decimals in quotes"
                    .to_owned()
            }),
            _ => Err("must have either `column` or `value`".to_owned()),
        }
    }

    fn conversion(&self, target: &Target, currency: Option<Source>) -> Result<Conversion, String> {
        let unit = self.unit.as_deref();
        let needs = |units: &str| Err(format!("`{}` needs `unit`: {units}", target.path.join(".")));
        let decimal = |digits, finer| Ok(Conversion::Decimal { digits, finer });
        let is_time = target.kind == Kind::Milliseconds;
        if !is_time && (self.format.is_some() || self.zone.is_some()) {
            return Err("`format` and `zone` are for times".to_owned());
        }
        match (&target.kind, unit) {
            (Kind::Milli, Some("decimal")) => decimal(3, Finer::Refuse),
            (Kind::Milli, None) => needs("`decimal` for units (1.5), `integer` for thousandths"),
            (Kind::Microdegrees, Some("decimal")) => decimal(6, Finer::Round),
            (Kind::Microdegrees, None) => {
                needs("`decimal` for degrees, `integer` for microdegrees")
            }
            (Kind::Minor, Some("decimal")) => match currency {
                Some(currency) => Ok(Conversion::Money { currency }),
                None => Err("a decimal amount needs its `currency` mapped beside it".to_owned()),
            },
            (Kind::Minor, None) => needs("`decimal` for 12.50, `integer` for minor units"),
            (Kind::Milliseconds, None) => self.instant(None),
            (Kind::Milliseconds, Some("seconds")) => self.instant(Some(3)),
            (Kind::Milliseconds, Some("milliseconds")) => self.instant(Some(0)),
            (Kind::Milli | Kind::Minor | Kind::Microdegrees | Kind::Integer, Some("integer"))
            | (Kind::Integer, None) => Ok(Conversion::Integer),
            (_, Some(other)) => Err(format!("`{}` has no unit `{other}`", target.path.join("."))),
            (Kind::Text, None) => Ok(Conversion::Text),
            (Kind::Texts, None) => {
                Ok(Conversion::Texts(self.split.clone().unwrap_or_else(|| "|".to_owned())))
            }
            (Kind::Bool, None) => Ok(Conversion::Bool),
            (Kind::Enum(names), None) => Ok(Conversion::Enum(names.clone())),
        }
    }

    fn instant(&self, epoch_digits: Option<u32>) -> Result<Conversion, String> {
        let zone = self.zone.as_deref().map(zone).transpose()?;
        let format = self.format.clone();
        Ok(Conversion::Instant(Instant { format, zone, epoch_digits }))
    }
}

/// An IANA zone (`Europe/Berlin`) or an offset (`-03:00`).
fn zone(name: &str) -> Result<TimeZone, String> {
    jiff::fmt::temporal::DateTimeParser::new()
        .parse_time_zone(name)
        .map_err(|_| format!("`{name}` is no zone; write Europe/Berlin or -03:00"))
}

impl Template {
    fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let unclosed = || format!("`{text}`: `{{` without `}}`");
            let (column, after) = after.split_once('}').ok_or_else(unclosed)?;
            if !before.is_empty() {
                parts.push(Source::Constant(before.to_owned()));
            }
            parts.push(Source::Column(column.to_owned()));
            rest = after;
        }
        if !parts.iter().any(|part| matches!(part, Source::Column(_))) {
            return Err(format!("`{text}` names no column; every event needs an id of its own"));
        }
        if !rest.is_empty() {
            parts.push(Source::Constant(rest.to_owned()));
        }
        Ok(Template(parts))
    }
}
