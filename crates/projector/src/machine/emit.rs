//! What an epoch publishes: decisions, refusals and what else is told.

use omnifold_domain::{Decision, Refusal};
use omnifold_events::{ContentType, Envelope, v1};
use omnifold_log::{HeadersBuilder, RecordBuf};

use super::scribe::{Scribe, Timed, Written};
use super::writing::Writing;

/// An event that was refused, with its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Rejection {
    pub event: v1::RejectedEvent,
    pub value: Vec<u8>,
}

/// A message for the outside.
pub(crate) struct Told<'a> {
    pub type_name: &'static str,
    pub id: &'a str,
    pub key: &'a [u8],
    pub payload: &'a [u8],
}

/// Decisions that are handed to the writing thread together.
const CHUNK: usize = 128;

/// What one epoch publishes, mark excepted.
///
/// A decision becomes bytes at once, unless a thread of its own writes them ([`Output::writing`]):
/// then it waits until its step is over, because a step that fails takes its decisions back.
pub(crate) struct Output {
    /// Topic numbers are places in the epoch's list of output topics.
    pub records: RecordBuf,
    pub rejections: Vec<Rejection>,
    pub decisions: u32,
    hash: u128,
    scribe: Scribe,
    headers: HeadersBuilder,
    /// Incarnation and epoch, as the `epoch` header has them.
    epoch: [u8; 16],
    writing: Option<Writing>,
    /// Decisions for the writing thread.
    pending: Vec<Timed>,
}

/// Place of `assignments` in an epoch's list of output topics.
pub(crate) const ASSIGNMENTS: usize = 0;

impl Output {
    /// Writes in the caller's thread.
    pub(crate) fn new() -> Self {
        Output {
            records: RecordBuf::default(),
            rejections: Vec::new(),
            decisions: 0,
            hash: 0,
            scribe: Scribe::default(),
            headers: HeadersBuilder::default(),
            epoch: [0; 16],
            writing: None,
            pending: Vec::new(),
        }
    }

    /// Has decisions written by a thread of its own.
    pub(crate) fn writing(market: &str, source: &str) -> Self {
        Output { writing: Some(Writing::start(market, source)), ..Output::new() }
    }

    /// Starts an epoch. The memory stays.
    pub(crate) fn begin(&mut self, incarnation: u64, epoch: u64) {
        self.records.clear();
        self.rejections.clear();
        self.decisions = 0;
        self.hash = 0;
        self.epoch[..8].copy_from_slice(&incarnation.to_be_bytes());
        self.epoch[8..].copy_from_slice(&epoch.to_be_bytes());
    }

    /// Incarnation and epoch, as the `epoch` header has them.
    pub(crate) fn epoch(&self) -> [u8; 16] {
        self.epoch
    }

    /// The hash over the payloads of the decisions so far. To be asked after [`Output::finish`].
    pub(crate) fn decisions_hash(&self) -> u128 {
        self.hash
    }

    /// Encodes a decision's payload, counts and hashes it.
    pub(crate) fn encode(&mut self, decision: &Decision) -> &[u8] {
        self.decisions += 1;
        self.scribe.encode(decision);
        self.hash = self.scribe.chain(self.hash);
        self.scribe.payload()
    }

    /// Encodes a decision's payload.
    pub(crate) fn preview(&mut self, decision: &Decision) -> &[u8] {
        self.scribe.encode(decision);
        self.scribe.payload()
    }

    /// Counts and hashes a payload as it stands in the log.
    pub(crate) fn note(&mut self, payload: &[u8]) {
        self.decisions += 1;
        self.scribe.take(payload);
        self.hash = self.scribe.chain(self.hash);
    }

    /// Adds a decision as a record.
    pub(crate) fn push(&mut self, decision: Decision, source: &str, time_ms: i64) {
        let timed = Timed { decision, time_ms };
        self.decisions += 1;
        if self.writing.is_some() {
            self.pending.push(timed);
            return;
        }
        self.hash = self.scribe.write(&timed, source, &self.epoch, self.hash, &mut self.records);
    }

    /// Adds a message of a topic that is never read back: no decision, and no part of the hash.
    pub(crate) fn tell(&mut self, topic: usize, told: &Told<'_>, source: &str, time_ms: i64) {
        self.headers.clear();
        let envelope = Envelope {
            id: told.id,
            source,
            type_name: told.type_name,
            time_ms: None,
            content_type: ContentType::Protobuf,
        };
        envelope.to_headers(|name, value| self.headers.put(name, value));
        self.headers.put("epoch", &self.epoch);
        let headers = self.headers.as_headers();
        self.records.push(topic, 0, time_ms, headers, told.key, Some(told.payload));
    }

    pub(crate) fn reject(&mut self, event: v1::RejectedEvent, value: &[u8]) {
        self.rejections.push(Rejection { event, value: value.to_vec() });
    }

    /// Where the epoch stands between two steps, to come back to it with [`Output::cut`].
    pub(crate) fn bookmark(&mut self) -> Bookmark {
        if self.pending.len() >= CHUNK {
            self.hand_over();
        }
        Bookmark {
            records: self.records.len(),
            rejections: self.rejections.len(),
            decisions: self.decisions,
            pending: self.pending.len(),
            hash: self.hash,
        }
    }

    /// Takes back everything since a bookmark.
    pub(crate) fn cut(&mut self, bookmark: Bookmark) {
        self.records.truncate(bookmark.records);
        self.rejections.truncate(bookmark.rejections);
        self.decisions = bookmark.decisions;
        self.pending.truncate(bookmark.pending);
        self.hash = bookmark.hash;
    }

    /// Waits until every decision of the epoch is written; their records go before the others.
    /// `spare` is memory for the next epoch's.
    pub(crate) fn finish(&mut self, spare: &mut RecordBuf) {
        if !self.pending.is_empty() {
            self.hand_over();
        }
        let Some(writing) = &mut self.writing else { return };
        let Some(Written { mut records, hash }) = writing.finish(spare) else { return };
        self.hash = hash;
        records.append(&self.records);
        *spare = std::mem::replace(&mut self.records, records);
        spare.clear();
    }

    fn hand_over(&mut self) {
        let Some(writing) = &mut self.writing else { return };
        writing.write(&mut self.pending, self.epoch, self.hash);
    }
}

/// A place in an epoch's output.
pub(crate) struct Bookmark {
    records: usize,
    rejections: usize,
    decisions: u32,
    pending: usize,
    hash: u128,
}

/// What a refusal says on `rejected`.
pub(crate) fn rejected_event(refusal: &Refusal, step: u64) -> v1::RejectedEvent {
    v1::RejectedEvent {
        step,
        reason: refusal.reason.code().to_owned(),
        detail: refusal.detail.clone(),
        ..v1::RejectedEvent::default()
    }
}
