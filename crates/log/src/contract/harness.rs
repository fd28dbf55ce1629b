//! Names, batches and bounded reads that the checks share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{PATIENCE, PREFIX};
use crate::{Compaction, Headers, HeadersBuilder, Log, LogError, Reader, RecordBuf, TopicSpec};

/// A record's timestamp in these checks, UTC milliseconds.
pub const TIME_MS: i64 = 1_750_000_000_000;

/// One record, owned, for comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub offset: u64,
    pub time_ms: i64,
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
}

impl Seen {
    /// The value as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.value.clone().expect("a value")).expect("text")
    }
}

/// A name no other run has used.
pub fn unique(what: &str) -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{what}-{:x}-{:x}-{count}", since.as_nanos(), std::process::id())
}

/// Creates a topic of this suite and returns its name.
pub fn new_topic(log: &dyn Log) -> String {
    let name = format!("{PREFIX}.{}.orders", unique("m"));
    let spec = TopicSpec { name: name.clone(), compaction: Compaction::None };
    let made = log.create_topics(&[spec]).expect("a topic is created");
    assert_eq!(made, std::slice::from_ref(&name));
    name
}

/// A batch of records without headers, for the first topic, whose values are these texts.
pub fn batch<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> RecordBuf {
    let mut batch = RecordBuf::default();
    for text in texts {
        put(&mut batch, 0, text.as_ref());
    }
    batch
}

/// Adds one record without headers.
pub fn put(batch: &mut RecordBuf, topic: usize, text: &str) {
    batch.push(topic, 0, TIME_MS, Headers::default(), b"key", Some(text.as_bytes()));
}

/// Headers of these names and values.
pub fn headers(pairs: &[(&str, &[u8])]) -> HeadersBuilder {
    let mut headers = HeadersBuilder::default();
    for (name, value) in pairs {
        headers.put(name, value);
    }
    headers
}

/// The first offset the topic holds.
pub fn start_of(log: &dyn Log, topic: &str) -> u64 {
    let described = log.describe(&[topic]).expect("topics are described");
    described[0].as_ref().expect("the topic is there").start
}

/// A reader of one topic.
pub fn reader_at(log: &dyn Log, topic: &str, position: u64) -> Box<dyn Reader> {
    log.reader(&[(topic.to_owned(), position)]).expect("a reader")
}

/// Everything a reader has to give, read until it holds `expected` records and stands at the end.
/// Panics where that does not happen in time, or where there are more.
pub fn read_exactly(reader: &mut dyn Reader, expected: usize) -> Vec<Seen> {
    let seen = read_until(reader, expected);
    assert_eq!(seen.len(), expected, "records read");
    seen
}

/// The records of one topic from a position on; there must be exactly `expected`.
pub fn read_from(log: &dyn Log, topic: &str, position: u64, expected: usize) -> Vec<Seen> {
    read_exactly(reader_at(log, topic, position).as_mut(), expected)
}

/// The records of one topic from its start on; there must be exactly `expected`.
pub fn read_all(log: &dyn Log, topic: &str, expected: usize) -> Vec<Seen> {
    read_from(log, topic, start_of(log, topic), expected)
}

fn read_until(reader: &mut dyn Reader, expected: usize) -> Vec<Seen> {
    let deadline = Instant::now() + PATIENCE;
    let mut seen = Vec::new();
    loop {
        let at_end = fetch_some(reader, 0, &mut seen);
        if at_end && seen.len() >= expected {
            return seen;
        }
        assert!(
            Instant::now() < deadline,
            "read {} of {expected} records in {PATIENCE:?}, at_end={at_end}",
            seen.len()
        );
        reader.wait(Duration::from_millis(100)).expect("a wait");
    }
}

/// One fetch; returns whether the reader stands at the end.
pub fn fetch_some(reader: &mut dyn Reader, topic: usize, seen: &mut Vec<Seen>) -> bool {
    let mut buffer = RecordBuf::default();
    let fetched = reader.fetch(topic, 1 << 20, &mut buffer).expect("a fetch");
    assert_eq!(fetched.records, buffer.len(), "the fetch counts what it appended");
    assert!(fetched.next <= fetched.end, "{fetched:?}: next is beyond the end");
    for record in buffer.iter() {
        assert_eq!(record.topic, topic, "a record is marked with its topic's place");
        assert!(record.offset < fetched.next, "{fetched:?}: next is not after {}", record.offset);
        seen.push(Seen {
            offset: record.offset,
            time_ms: record.time_ms,
            headers: record.headers.iter().map(|(n, v)| (n.to_vec(), v.to_vec())).collect(),
            key: record.key.to_vec(),
            value: record.value.map(<[u8]>::to_vec),
        });
    }
    assert!(seen.is_sorted_by(|a, b| a.offset < b.offset), "offsets do not grow");
    at_end(fetched)
}

fn at_end(fetched: crate::Fetched) -> bool {
    assert!(!fetched.at_end || fetched.next == fetched.end, "{fetched:?}: at the end, yet not");
    fetched.at_end
}

/// The values of records as text.
pub fn texts(seen: &[Seen]) -> Vec<String> {
    seen.iter().map(Seen::text).collect()
}

/// Whether an error says that a topic does not exist, and names it.
pub fn is_no_topic(error: &LogError, name: &str) -> bool {
    matches!(error, LogError::NoTopic { topic } if topic == name)
}
