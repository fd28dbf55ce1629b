//! The topics of a log and what is stored about them.
//!
//! Rows of the column family `topics` (numbers big endian):
//!
//! ```text
//! v               format version u8
//! n               number the next new topic gets, u32
//! t, name         version u8, number u32, compaction u8, start u64, identity 16 bytes
//! f, number u32, holder    floor u64
//! ```
//!
//! A number is never used twice, so what was left of a deleted topic can never be read as a new
//! one's. The end of a topic is not stored: it is where its last chunk ends.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::{Compaction, LogError, TopicDescription};

/// One topic. Offsets: `start <= end <= next`.
#[derive(Debug)]
pub struct Topic {
    pub name: String,
    pub number: u32,
    pub identity: [u8; 16],
    pub compaction: Compaction,
    /// First offset held.
    start: AtomicU64,
    /// Next offset to be read: what lies before it is synced.
    end: AtomicU64,
    /// Next offset to be given; moved by the commit thread alone.
    next: AtomicU64,
    deleted: AtomicBool,
    /// Floor of each holder.
    pub floors: Mutex<BTreeMap<String, u64>>,
    watchers: Mutex<Vec<Weak<Signal>>>,
}

impl Topic {
    /// A topic that holds `start..end`.
    pub fn new(row: TopicRow, name: &str, end: u64, floors: BTreeMap<String, u64>) -> Self {
        assert!(row.start <= end, "`{name}` starts at {} and ends at {end}", row.start);
        Self {
            name: name.to_owned(),
            number: row.number,
            identity: row.identity,
            compaction: row.compaction,
            start: AtomicU64::new(row.start),
            end: AtomicU64::new(end),
            next: AtomicU64::new(end),
            deleted: AtomicBool::new(false),
            floors: Mutex::new(floors),
            watchers: Mutex::default(),
        }
    }

    pub fn start(&self) -> u64 {
        self.start.load(Ordering::Acquire)
    }

    pub fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    pub fn next(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// Gives `count` offsets away and returns the first. Only for the commit thread.
    pub fn take_offsets(&self, count: u64) -> u64 {
        self.next.fetch_add(count, Ordering::Relaxed)
    }

    /// Lets readers see everything given so far. Only for the commit thread, after its sync.
    pub fn publish(&self) {
        self.end.store(self.next(), Ordering::Release);
        let mut watchers = lock(&self.watchers);
        watchers.retain(|watcher| watcher.upgrade().is_some_and(|signal| signal.raise()));
    }

    pub fn set_start(&self, start: u64) {
        assert!(start <= self.end(), "a trim beyond the end");
        self.start.store(start, Ordering::Release);
    }

    pub fn delete(&self) {
        self.deleted.store(true, Ordering::Release);
    }

    /// An error where the topic was deleted.
    pub fn check_there(&self) -> Result<(), LogError> {
        if self.deleted.load(Ordering::Acquire) {
            return Err(LogError::NoTopic { topic: self.name.clone() });
        }
        Ok(())
    }

    /// An error where a position is outside of what the topic holds.
    pub fn check_position(&self, asked: u64) -> Result<(), LogError> {
        let (start, end) = (self.start(), self.end());
        if (start..=end).contains(&asked) {
            return Ok(());
        }
        Err(LogError::OutOfRange { topic: self.name.clone(), asked, start, end })
    }

    /// Raises the signal at every commit from now on, as long as it is held by someone.
    pub fn watch(&self, signal: &Arc<Signal>) {
        let mut watchers = lock(&self.watchers);
        watchers.retain(|watcher| watcher.strong_count() > 0);
        watchers.push(Arc::downgrade(signal));
    }

    /// How the topic stands.
    pub fn describe(&self) -> TopicDescription {
        TopicDescription {
            name: self.name.clone(),
            identity: hex(&self.identity),
            start: self.start(),
            end: self.end(),
            partitions: 1,
            compaction: self.compaction,
            retention_ms: None,
            retention_bytes: None,
        }
    }

    /// What is stored about it, with this start.
    pub fn row(&self, start: u64) -> TopicRow {
        TopicRow {
            number: self.number,
            compaction: self.compaction,
            start,
            identity: self.identity,
        }
    }
}

/// Wakes one reader.
#[derive(Debug, Default)]
pub struct Signal {
    raised: Mutex<bool>,
    changed: Condvar,
}

impl Signal {
    fn raise(&self) -> bool {
        *lock(&self.raised) = true;
        self.changed.notify_one();
        true
    }

    /// Waits until raised, or the time is over; takes it down.
    pub fn wait(&self, deadline: Instant) {
        let mut raised = lock(&self.raised);
        while !*raised {
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return;
            }
            let waited = self.changed.wait_timeout(raised, left);
            raised = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *raised = false;
    }
}

/// The lock's content. Nothing that is locked here can be left half changed by a panic.
pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is stored about a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicRow {
    pub number: u32,
    pub compaction: Compaction,
    pub start: u64,
    pub identity: [u8; 16],
}

const ROW_VERSION: u8 = 1;
const ROW_LENGTH: usize = 30;

impl TopicRow {
    /// The row as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(ROW_LENGTH);
        bytes.push(ROW_VERSION);
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.push(u8::from(self.compaction == Compaction::Compacted));
        bytes.extend_from_slice(&self.start.to_be_bytes());
        bytes.extend_from_slice(&self.identity);
        bytes
    }

    /// The row of these bytes; `None` where they are none.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; ROW_LENGTH] = bytes.try_into().ok()?;
        let compaction = match bytes[5] {
            0 => Compaction::None,
            1 => Compaction::Compacted,
            _ => return None,
        };
        (bytes[0] == ROW_VERSION).then_some(Self {
            number: u32::from_be_bytes(bytes[1..5].try_into().ok()?),
            compaction,
            start: u64::from_be_bytes(bytes[6..14].try_into().ok()?),
            identity: bytes[14..].try_into().ok()?,
        })
    }
}

/// Keys of the column family `topics`.
pub mod key {
    /// Format version.
    pub const FORMAT: &[u8] = b"v";
    /// Number of the next new topic.
    pub const NEXT_NUMBER: &[u8] = b"n";
    /// First byte of a topic's row.
    pub const TOPIC: u8 = b't';
    /// First byte of a floor.
    pub const FLOOR: u8 = b'f';
    /// Written when a log is closed.
    pub const CLOSED: &[u8] = b"c";

    /// Row of a topic.
    pub fn topic(name: &str) -> Vec<u8> {
        [&[TOPIC], name.as_bytes()].concat()
    }

    /// Every floor of a topic begins with this.
    pub fn floors(number: u32) -> Vec<u8> {
        [&[FLOOR], &number.to_be_bytes()[..]].concat()
    }

    /// A holder's floor of a topic.
    pub fn floor(number: u32, holder: &str) -> Vec<u8> {
        [&floors(number), holder.as_bytes()].concat()
    }

    /// A chunk, in the column family `records`.
    pub fn chunk(number: u32, base: u64) -> [u8; 12] {
        let mut key = [0; 12];
        key[..4].copy_from_slice(&number.to_be_bytes());
        key[4..].copy_from_slice(&base.to_be_bytes());
        key
    }

    /// Topic number and base of a chunk's key.
    pub fn parse_chunk(key: &[u8]) -> Option<(u32, u64)> {
        let (number, base) = key.split_first_chunk::<4>()?;
        Some((u32::from_be_bytes(*number), u64::from_be_bytes(base.try_into().ok()?)))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_back_as_it_was_stored() {
        let row = TopicRow {
            number: 7,
            compaction: Compaction::Compacted,
            start: 1 << 40,
            identity: *b"0123456789abcdef",
        };
        assert_eq!(TopicRow::decode(&row.encode()), Some(row));
    }

    #[test]
    fn the_bytes_of_a_row_never_change() {
        let identity = *b"0123456789abcdef";
        let row = TopicRow { number: 7, compaction: Compaction::None, start: 258, identity };
        let golden = b"\x01\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x01\x020123456789abcdef";
        assert_eq!(row.encode(), golden);
        assert_eq!(TopicRow::decode(&golden[1..]), None);
    }
}
