//! Reading: positions, scans and waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::chunk::{Fault, Head, Place, Want, copy_records};
use super::core::Core;
use super::store::Store;
use super::topic::{Signal, Topic};
use crate::{Fetched, LogError, Reader, RecordBuf};

/// Reads a fixed set of topics.
pub struct EmbeddedReader {
    core: Arc<Core>,
    cursors: Vec<Cursor>,
    signal: Arc<Signal>,
    /// Where chunks are decoded.
    scratch: Vec<u8>,
}

/// Where one topic is read.
struct Cursor {
    topic: Arc<Topic>,
    /// Next offset to read.
    position: u64,
    /// What the last fetch left of its last chunk, so that small fetches do not read it again.
    rest: Option<Rest>,
}

struct Rest {
    records: Vec<u8>,
    head: Head,
    place: Place,
}

impl EmbeddedReader {
    /// A reader of these topics from these positions.
    pub fn new(core: Arc<Core>, positions: &[(String, u64)]) -> Result<Self, LogError> {
        let signal = Arc::new(Signal::default());
        let cursors = positions.iter().map(|(name, position)| {
            let topic = core.topic(name)?;
            topic.check_position(*position)?;
            topic.watch(&signal);
            Ok(Cursor { topic, position: *position, rest: None })
        });
        let cursors = cursors.collect::<Result<_, LogError>>()?;
        Ok(Self { core, cursors, signal, scratch: Vec::new() })
    }

    fn more_to_read(&self) -> bool {
        self.cursors.iter().any(|cursor| {
            cursor.position < cursor.topic.end() || cursor.topic.check_there().is_err()
        })
    }
}

impl Reader for EmbeddedReader {
    fn fetch(
        &mut self,
        topic: usize,
        max_bytes: usize,
        into: &mut RecordBuf,
    ) -> Result<Fetched, LogError> {
        let store = self.core.committer.store();
        let cursor = &mut self.cursors[topic];
        cursor.topic.check_there()?;
        cursor.topic.check_position(cursor.position)?;
        let end = cursor.topic.end();
        let held = into.len();
        let max_bytes = into.byte_len().saturating_add(max_bytes);
        let want = Want { topic, from: cursor.position, max_bytes, held };
        match cursor.read(store, end, &want, &mut self.scratch, into) {
            // Good records before the damage are given first; the next fetch tells.
            Err(_) if into.len() > held => cursor.rest = None,
            outcome => outcome?,
        }
        let (records, next) = (into.len() - held, cursor.position);
        Ok(Fetched { records, next, at_end: next == end, end })
    }

    fn wait(&mut self, timeout: Duration) -> Result<(), LogError> {
        let deadline = Instant::now() + timeout;
        while !self.more_to_read() && Instant::now() < deadline {
            self.signal.wait(deadline);
        }
        Ok(())
    }
}

impl Cursor {
    fn read(
        &mut self,
        store: &Store,
        end: u64,
        want: &Want,
        scratch: &mut Vec<u8>,
        into: &mut RecordBuf,
    ) -> Result<(), LogError> {
        if self.finish_rest(store, want, into)? || self.position >= end {
            return Ok(());
        }
        let mut chunks = store.chunks(self.topic.number, 0, end);
        chunks.iterator.seek_for_prev(super::topic::key::chunk(self.topic.number, self.position));
        while self.position < end {
            let current = chunks.current();
            let current =
                current.map_err(|e| store.scan_failed(&self.topic.name, self.position, &e));
            let missing = Fault { offset: self.position, detail: "the record is missing" };
            let (base, bytes) =
                current?.ok_or_else(|| store.damaged(&self.topic.name, &missing))?;
            let outcome = self.read_chunk(base, bytes, want, scratch, into);
            if outcome.map_err(|fault| store.damaged(&self.topic.name, &fault))? {
                return Ok(());
            }
            chunks.iterator.next();
        }
        Ok(())
    }

    /// Reads on in the chunk the last fetch stopped in; true where the wanted bytes are over.
    fn finish_rest(
        &mut self,
        store: &Store,
        want: &Want,
        into: &mut RecordBuf,
    ) -> Result<bool, LogError> {
        let Some(mut rest) = self.rest.take() else { return Ok(false) };
        let outcome = copy_records(&rest.records, rest.head, &mut rest.place, want, into);
        self.position = rest.head.base + u64::from(rest.place.index);
        outcome.map_err(|fault| store.damaged(&self.topic.name, &fault))?;
        let over = self.position < rest.head.end();
        self.rest = over.then_some(rest);
        Ok(over)
    }

    /// Reads from a chunk that must hold the position; true where the wanted bytes are over.
    fn read_chunk(
        &mut self,
        base: u64,
        bytes: &[u8],
        want: &Want,
        scratch: &mut Vec<u8>,
        into: &mut RecordBuf,
    ) -> Result<bool, Fault> {
        let head = Head::read(bytes, self.topic.number, base)?;
        if !head.holds(self.position) {
            return Err(Fault { offset: self.position, detail: "the record is missing" });
        }
        let mut place = Place::FIRST;
        let records = head.records(bytes, scratch)?;
        let outcome = copy_records(records, head, &mut place, want, into);
        self.position = self.position.max(head.base + u64::from(place.index));
        outcome?;
        let over = self.position < head.end();
        if over {
            // Only what is left is kept, so the place counts from there.
            let left = records[place.byte..].to_vec();
            self.rest = Some(Rest { records: left, head, place: Place { byte: 0, ..place } });
        }
        Ok(over)
    }
}
