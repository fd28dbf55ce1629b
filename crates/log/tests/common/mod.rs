//! What the tests of the embedded log share.
#![allow(dead_code, missing_docs)] // each test binary uses its part

use std::path::{Path, PathBuf};
use std::sync::Arc;

use omnifold_log::embedded::EmbeddedLog;
use omnifold_log::{Compaction, Headers, Log, LogError, RecordBuf, TopicSpec};

pub const ORDERS: &str = "test.m.orders";
pub const STOCK: &str = "test.m.stock";

/// Opens the log of a folder with the two topics of the tests.
pub fn open(dir: &Path) -> Arc<EmbeddedLog> {
    let log = EmbeddedLog::open(dir).expect("the log opens");
    create(log.as_ref());
    log
}

pub fn create(log: &EmbeddedLog) {
    let spec = |name: &str| TopicSpec { name: name.to_owned(), compaction: Compaction::None };
    log.create_topics(&[spec(ORDERS), spec(STOCK)]).expect("topics");
}

pub fn names() -> [String; 2] {
    [ORDERS.to_owned(), STOCK.to_owned()]
}

/// A batch of text records, each with the place of its topic in [`names`].
pub fn batch<'a>(records: impl IntoIterator<Item = (usize, &'a str)>) -> RecordBuf {
    let mut batch = RecordBuf::default();
    for (topic, text) in records {
        batch.push(topic, 0, 1, Headers::default(), b"key", Some(text.as_bytes()));
    }
    batch
}

/// One append that puts the text into both topics.
pub fn append_to_both(log: &dyn Log, text: &str) -> Result<(), LogError> {
    log.producer()?.append(&names(), &batch([(0, text), (1, text)]))
}

/// The values of a topic, from its start.
pub fn texts(log: &dyn Log, topic: &str) -> Vec<String> {
    try_texts(log, topic).expect("the topic can be read")
}

pub fn try_texts(log: &dyn Log, topic: &str) -> Result<Vec<String>, LogError> {
    let start = log.describe(&[topic])?[0].as_ref().expect("the topic").start;
    let mut reader = log.reader(&[(topic.to_owned(), start)])?;
    let mut buffer = RecordBuf::default();
    while !reader.fetch(0, 1 << 16, &mut buffer)?.at_end {}
    let text = |value: Option<&[u8]>| String::from_utf8(value.expect("a value").to_vec());
    Ok(buffer.iter().map(|record| text(record.value).expect("text")).collect())
}

/// The folder as a crash at this moment would leave it.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for path in files(from) {
        let name = path.file_name().expect("a name");
        std::fs::copy(&path, to.join(name)).expect("a copy");
    }
}

/// Files of a folder, by name.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).expect("a folder");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

/// Files of a folder with this extension, by name.
pub fn files_with(dir: &Path, extension: &str) -> Vec<PathBuf> {
    files(dir).into_iter().filter(|path| path.extension().is_some_and(|e| e == extension)).collect()
}

/// The newest write-ahead log file.
pub fn wal(dir: &Path) -> PathBuf {
    files_with(dir, "log").pop().expect("a write-ahead log")
}

/// Changes one byte of a file.
pub fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).expect("readable");
    bytes[at] ^= 0x5a;
    std::fs::write(path, bytes).expect("writable");
}

/// Text that does not compress, so that it is stored in as many bytes.
pub fn noise(seed: u64, length: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + (state % 90) as u8)
    };
    std::iter::repeat_with(&mut next).take(length).collect()
}
