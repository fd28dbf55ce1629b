//! `FILE.csv` through a [`Mapping`].
//!
//! Rows that share the text of the mapping's `group_by` column are one event and must stand
//! together: the file is read once, in bounded memory. A group that turns up again later in the
//! file is rejected, because publishing it would be another event under the same id.

use std::cell::Cell as Counter;
use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;

use csv::ByteRecord;
use omnifold_events::jsonl::FileEvent;
use omnifold_events::{ContentType, Event, MAX_EVENT_BYTES, decode};
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_128;

use super::cells::{Row, Source, object};
use super::mapping::{Mapping, Seal, Template};
use super::{Fault, FileError, FileOptions, FileReport, Import, open, read_error};
use crate::publish::Publisher;
use crate::sealing::{Keyring, KeyringError, recipient_purpose};

/// A row longer than this is a quote that was never closed.
const MAX_ROW_BYTES: u64 = 2 * MAX_EVENT_BYTES as u64;
/// Rows of one event.
const MAX_GROUP_ROWS: usize = 10_000;

/// Publishes the events of a CSV file; `-` is the standard input. A mapping that seals needs the
/// keyring. `progress` is told how many of how many bytes were read (0 where the size is not
/// known).
pub fn publish_csv(
    file: &Path,
    mapping: &Mapping,
    keyring: Option<&Keyring>,
    options: &FileOptions,
    publisher: &mut Publisher,
    progress: &dyn Fn(u64, u64),
) -> Result<FileReport, FileError> {
    if mapping.seal.is_some() && keyring.is_none() {
        return Err(FileError::NoKeyring { mapping: mapping.file.clone() });
    }
    let (input, size) = open(file)?;
    let since_row = Rc::new(Counter::new(0));
    let guarded = Guarded { input, since_row: since_row.clone() };
    let mut reader =
        csv::ReaderBuilder::new().delimiter(mapping.delimiter).flexible(true).from_reader(guarded);
    let header = reader.byte_headers().map_err(|error| csv_error(file, error))?.clone();
    let columns = columns(file, mapping, &header)?;
    let mut import = Import::new(file, options, publisher);
    import.rejects.header = [&raw(&header, mapping.delimiter)[..], b"\n"].concat();
    let mut groups =
        Groups { mapping, keyring, columns: &columns, open: None, seen: HashSet::new() };
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|error| csv_error(file, error))? {
        since_row.set(0);
        import.report.lines += 1;
        groups.row(&mut import, &record, header.len())?;
        progress(reader.position().byte(), size);
    }
    groups.close(&mut import)?;
    import.finish()
}

/// Place of each column; every column the mapping names and the file lacks, at once.
fn columns(
    file: &Path,
    mapping: &Mapping,
    header: &ByteRecord,
) -> Result<HashMap<String, usize>, FileError> {
    let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    let columns: HashMap<String, usize> = header.iter().map(name).zip(0..).collect();
    let twice = |column: &String| header.iter().filter(|bytes| name(bytes) == *column).count() > 1;
    let mut names: Vec<&str> = columns.keys().map(String::as_str).collect();
    names.sort_unstable();
    let fault = |(column, line): (&String, &usize)| {
        let what = match columns.contains_key(column) {
            true if twice(column) => "more than one",
            true => return None,
            false => "no",
        };
        let (file, mapping, names) = (file.display(), mapping.file.display(), names.join(", "));
        Some(format!("{file}:1: {what} column `{column}` ({mapping}:{line}); columns are {names}"))
    };
    let faults: Vec<String> = mapping.columns.iter().filter_map(fault).collect();
    if faults.is_empty() { Ok(columns) } else { Err(FileError::Header { faults }) }
}

/// Ends a row that never ends, before it fills the memory.
struct Guarded {
    input: Box<dyn Read>,
    since_row: Rc<Counter<u64>>,
}

impl Read for Guarded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_row.get() > MAX_ROW_BYTES {
            let detail =
                format!("a row is longer than {MAX_ROW_BYTES} bytes; is a quote left open?");
            return Err(io::Error::other(detail));
        }
        let read = self.input.read(buffer)?;
        self.since_row.set(self.since_row.get() + read as u64);
        Ok(read)
    }
}

fn csv_error(file: &Path, error: csv::Error) -> FileError {
    let line = error.position().map_or(0, csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Io(source) => read_error(file, source),
        other => {
            let source = io::Error::other(format!("line {line}: {other:?}"));
            read_error(file, source)
        }
    }
}

/// A row as it is written again: its cells byte for byte.
fn raw(record: &ByteRecord, delimiter: u8) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .terminator(csv::Terminator::Any(b'\n'))
        .flexible(true)
        .from_writer(Vec::new());
    writer.write_byte_record(record).expect("memory takes all");
    let mut bytes = writer.into_inner().expect("memory takes all");
    bytes.pop();
    bytes
}

/// Rows on their way to becoming events.
struct Groups<'a> {
    mapping: &'a Mapping,
    keyring: Option<&'a Keyring>,
    columns: &'a HashMap<String, usize>,
    open: Option<Group>,
    /// Hashes of the groups closed.
    seen: HashSet<u128>,
}

/// The rows of one event so far.
struct Group {
    key: Vec<u8>,
    line: u64,
    raw: Vec<u8>,
    rows: usize,
    draft: Result<Draft, Fault>,
}

/// An event in the making.
struct Draft {
    id: String,
    time_ms: Option<i64>,
    data: Map<String, Value>,
    entries: Vec<Value>,
    personal: Option<Personal>,
}

/// What is to be sealed.
struct Personal {
    person: String,
    text: String,
}

impl Groups<'_> {
    fn row(
        &mut self,
        import: &mut Import,
        record: &ByteRecord,
        width: usize,
    ) -> Result<(), FileError> {
        let line = record.position().map_or(0, csv::Position::line);
        let draft = self.draft(record, width);
        let key = self.key(record);
        match &mut self.open {
            Some(group) if key.is_some() && key.as_deref() == Some(&group.key[..]) => {
                group.add(line, &raw(record, self.mapping.delimiter), draft);
            }
            _ => {
                self.close(import)?;
                let key = key.unwrap_or_default();
                let raw = raw(record, self.mapping.delimiter);
                self.open = Some(Group { key, line, raw, rows: 1, draft });
            }
        }
        Ok(())
    }

    /// The group's key; `None` where every row is an event.
    fn key(&self, record: &ByteRecord) -> Option<Vec<u8>> {
        let place = self.columns[self.mapping.group_by.as_ref()?];
        Some(record.get(place).unwrap_or_default().trim_ascii().to_vec())
    }

    /// Publishes or rejects the group that is open.
    fn close(&mut self, import: &mut Import) -> Result<(), FileError> {
        let Some(group) = self.open.take() else { return Ok(()) };
        let is_new = match &self.mapping.group_by {
            Some(_) => self.seen.insert(xxh3_128(&group.key)),
            None => true,
        };
        let event = match group.draft {
            _ if !is_new => Err(self.scattered(&group.key)),
            Err(fault) => Err(fault),
            Ok(draft) => self.event(draft)?,
        };
        import.take(group.line, &group.raw, event)
    }

    fn scattered(&self, key: &[u8]) -> Fault {
        let column = self.mapping.group_by.as_deref().unwrap_or_default();
        let key = String::from_utf8_lossy(key);
        Fault::malformed(format!(
            "rows of `{column}` `{key}` do not stand together; sort the file by `{column}`"
        ))
    }

    fn draft(&self, record: &ByteRecord, width: usize) -> Result<Draft, Fault> {
        let mapping = self.mapping;
        if record.len() != width {
            let detail = format!("{} cells, the header has {width}", record.len());
            return Err(Fault::malformed(detail));
        }
        let row = Row { columns: self.columns, record, decimal_mark: mapping.decimal_mark };
        let data = object(&mapping.fields, &row);
        let entry = mapping.repeated.as_ref().map(|(_, cells)| object(cells, &row)).transpose();
        let id = mapping.id.fill(&row).map_err(|fault| vec![fault]);
        let time = mapping.time.as_ref().map(|cell| cell.value(&row)).transpose();
        let time = time.map_err(|fault| vec![fault]);
        let personal = mapping.seal.as_ref().map(|seal| seal.personal(&row)).transpose();
        let personal = personal.map_err(|fault| vec![fault]);
        match (data, entry, id, time, personal) {
            (Ok(data), Ok(entry), Ok(id), Ok(time), Ok(personal)) => Ok(Draft {
                id,
                time_ms: time.flatten().and_then(|value| value.as_i64()),
                data,
                entries: entry.map(Value::Object).into_iter().collect(),
                personal,
            }),
            (data, entry, id, time, personal) => {
                let faults = [data.err(), entry.err(), id.err(), time.err(), personal.err()];
                let faults: Vec<String> = faults.into_iter().flatten().flatten().collect();
                Err(Fault::malformed(faults.join("; ")))
            }
        }
    }

    fn event(&self, mut draft: Draft) -> Result<Result<FileEvent, Fault>, KeyringError> {
        if let Some((key, _)) = &self.mapping.repeated {
            draft.data.insert(key.clone(), Value::Array(draft.entries));
        }
        let json = Value::Object(draft.data).to_string();
        let decoded = decode(&self.mapping.type_name, ContentType::Json, json.as_bytes());
        let mut event = match decoded {
            Ok(event) => event,
            Err(error) => {
                return Ok(Err(Fault { reason: error.reason(), detail: error.to_string() }));
            }
        };
        if let (Some(keyring), Some(personal)) = (self.keyring, &draft.personal) {
            personal.seal_into(&mut event, keyring)?;
        }
        let (id, source) = (draft.id, self.mapping.source.clone());
        Ok(Ok(FileEvent { id, source, time_ms: draft.time_ms, event }))
    }
}

impl Group {
    /// Adds a row: its entry, if the rest of it says the same as the rows before.
    fn add(&mut self, line: u64, raw: &[u8], draft: Result<Draft, Fault>) {
        self.raw.push(b'\n');
        self.raw.extend_from_slice(raw);
        self.rows += 1;
        let Ok(event) = &mut self.draft else { return };
        let fault = match draft {
            Err(fault) => Fault { detail: format!("line {line}: {}", fault.detail), ..fault },
            Ok(_) if self.rows > MAX_GROUP_ROWS => {
                Fault::malformed(format!("more than {MAX_GROUP_ROWS} rows are one event"))
            }
            Ok(row) => match event.differs_from(&row) {
                Some(what) => {
                    Fault::malformed(format!("line {line}: {what} differs from line {}", self.line))
                }
                None => {
                    event.entries.extend(row.entries);
                    return;
                }
            },
        };
        self.draft = Err(fault);
    }
}

impl Draft {
    /// What two rows of one event do not agree on.
    fn differs_from(&self, row: &Draft) -> Option<String> {
        let field = self.data.iter().find(|(key, value)| row.data.get(*key) != Some(value));
        let other = || row.data.keys().find(|key| !self.data.contains_key(*key));
        match field.map(|(key, _)| key).or_else(other) {
            Some(key) => Some(format!("`{key}`")),
            None if self.id != row.id => Some("the id".to_owned()),
            None if self.time_ms != row.time_ms => Some("the time".to_owned()),
            None => None,
        }
    }
}

impl Template {
    fn fill(&self, row: &Row) -> Result<String, String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Source::Constant(constant) => text.push_str(constant),
                Source::Column(name) => match row.column(name)? {
                    "" => return Err(format!("column `{name}` is empty and is part of the id")),
                    cell => text.push_str(cell),
                },
            }
        }
        Ok(text)
    }
}

impl Seal {
    fn personal(&self, row: &Row) -> Result<Personal, String> {
        let person = row.column(&self.person)?.to_owned();
        if person.is_empty() {
            return Err(format!("column `{}` is empty and names the person", self.person));
        }
        let mut fields = Map::new();
        for column in &self.columns {
            fields.insert(column.clone(), row.column(column)?.into());
        }
        Ok(Personal { person, text: Value::Object(fields).to_string() })
    }
}

impl Personal {
    /// Seals the recipient, and names the customer by the person's pseudonym unless the mapping
    /// named one.
    fn seal_into(&self, event: &mut Event, keyring: &Keyring) -> Result<(), KeyringError> {
        let Event::OrderPlaced(order) = event else { return Ok(()) };
        let purpose = recipient_purpose(&order.channel, &order.order_id);
        let sealed = keyring.seal(&self.person, &purpose, self.text.as_bytes())?;
        order.destination.get_or_insert_default().recipient = Some(sealed);
        if order.customer_ref.is_empty() {
            order.customer_ref = keyring.pseudonym(&self.person)?;
        }
        Ok(())
    }
}
