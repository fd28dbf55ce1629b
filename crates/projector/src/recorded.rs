//! Reading the journal and the decisions back, mark by mark.

use std::collections::VecDeque;
use std::time::Duration;

use omnifold_events::v1::Cause;
use omnifold_log::{Log, Reader, Record, RecordBuf};

use crate::error::ProjectorError;
use crate::machine::{Feed, Recorded};
use crate::mark::Mark;
use crate::topics::{JOURNAL, Topics};

/// Incarnation and epoch, as the `epoch` header names them.
type EpochId = (u64, u64);

/// A decision as it stands in the log.
struct Written {
    epoch: EpochId,
    /// Published again with a later mark: not to be folded there.
    again: bool,
    recorded: Recorded,
    next: u64,
}

/// A mark with the decisions that were published with it.
pub(crate) struct Epoch {
    pub mark: Mark,
    pub feed: Feed,
    /// Every payload published with the mark, in order: what its hash is over.
    pub payloads: Vec<Vec<u8>>,
    pub journal_next: u64,
    pub assignments_next: u64,
}

/// Reads one market's journal and assignments.
pub(crate) struct RecordedReader {
    market: String,
    reader: Box<dyn Reader>,
    marks: VecDeque<(Mark, u64)>,
    written: VecDeque<Written>,
    journal_next: u64,
    assignments_next: u64,
    /// Decisions without a mark, found on the way.
    pub voids: Vec<Recorded>,
}

const ASSIGNMENTS_PLACE: usize = 0;
const JOURNAL_PLACE: usize = 1;
const FETCH: usize = 1 << 20;

impl RecordedReader {
    pub(crate) fn open(
        log: &dyn Log,
        market: &str,
        topics: &Topics,
        journal_next: u64,
        assignments_next: u64,
    ) -> Result<Self, ProjectorError> {
        let reader = log.reader(&[
            (topics.outputs[0].clone(), assignments_next),
            (topics.outputs[JOURNAL].clone(), journal_next),
        ])?;
        Ok(RecordedReader {
            market: market.to_owned(),
            reader,
            marks: VecDeque::new(),
            written: VecDeque::new(),
            journal_next,
            assignments_next,
            voids: Vec::new(),
        })
    }

    /// The next epoch that follows `head`; `None` at the journal's end.
    pub(crate) fn next(&mut self, head: &Mark) -> Result<Option<Epoch>, ProjectorError> {
        loop {
            if self.marks.is_empty() && !self.fetch_marks()? {
                return Ok(None);
            }
            let Some((mark, next)) = self.marks.pop_front() else { continue };
            self.journal_next = next;
            if !mark.follows(head) {
                // Written by an owner that was fenced, or torn: the chain of marks decides.
                tracing::warn!(
                    market = self.market,
                    epoch = mark.body.epoch,
                    incarnation = mark.body.incarnation,
                    "a mark outside the chain is passed over"
                );
                continue;
            }
            return self.epoch_of(mark).map(Some);
        }
    }

    /// Waits for more of the journal.
    pub(crate) fn wait(&mut self, timeout: Duration) -> Result<(), ProjectorError> {
        Ok(self.reader.wait(timeout)?)
    }

    /// Decisions at the end of the log that no mark speaks of. Called at the journal's end.
    pub(crate) fn take_voids(&mut self) -> Result<Vec<Recorded>, ProjectorError> {
        while self.fetch_decisions()? {}
        self.voids.extend(self.written.drain(..).map(|written| {
            self.assignments_next = written.next;
            written.recorded
        }));
        Ok(std::mem::take(&mut self.voids))
    }

    pub(crate) fn positions(&self) -> (u64, u64) {
        (self.journal_next, self.assignments_next)
    }

    /// Whether anything came. False: the journal's end.
    fn fetch_marks(&mut self) -> Result<bool, ProjectorError> {
        let mut buffer = RecordBuf::default();
        let fetched = self.reader.fetch(JOURNAL_PLACE, FETCH, &mut buffer)?;
        for record in buffer.iter() {
            let payload = record.value.unwrap_or_default();
            let mark = Mark::decode(payload)
                .map_err(|error| self.unreadable("a mark", &record, error.to_string()))?;
            self.marks.push_back((mark, record.offset + 1));
        }
        Ok(fetched.records > 0 || !fetched.at_end)
    }

    fn fetch_decisions(&mut self) -> Result<bool, ProjectorError> {
        let mut buffer = RecordBuf::default();
        let fetched = self.reader.fetch(ASSIGNMENTS_PLACE, FETCH, &mut buffer)?;
        for record in buffer.iter() {
            let written = read_decision(&record)
                .map_err(|detail| self.unreadable("a decision", &record, detail))?;
            self.written.push_back(written);
        }
        Ok(fetched.records > 0 || !fetched.at_end)
    }

    fn unreadable(
        &self,
        what: &'static str,
        record: &Record<'_>,
        detail: String,
    ) -> ProjectorError {
        let detail = format!("offset {}: {detail}", record.offset);
        ProjectorError::Unreadable { market: self.market.clone(), what, detail }
    }

    fn epoch_of(&mut self, mark: Mark) -> Result<Epoch, ProjectorError> {
        let id: EpochId = (mark.body.incarnation, mark.body.epoch);
        let mut feed = Feed { undone_steps: mark.body.undone_steps.clone(), ..Feed::default() };
        let mut payloads = Vec::with_capacity(mark.body.decisions as usize);
        let mut patience = PATIENCE;
        while payloads.len() < mark.body.decisions as usize {
            match self.written.front().map(|front| front.epoch) {
                Some(front) if front > id => break,
                Some(_) => self.take_decision(id, &mut feed, &mut payloads),
                None => {
                    self.fetch_decisions()?;
                    if self.written.is_empty() {
                        if patience == 0 {
                            break;
                        }
                        patience -= 1;
                        self.reader.wait(Duration::from_millis(20))?;
                    }
                }
            }
        }
        Ok(Epoch {
            mark,
            feed,
            payloads,
            journal_next: self.journal_next,
            assignments_next: self.assignments_next,
        })
    }

    fn take_decision(&mut self, id: EpochId, feed: &mut Feed, payloads: &mut Vec<Vec<u8>>) {
        let written = self.written.pop_front().expect("looked at before");
        self.assignments_next = written.next;
        if written.epoch < id {
            self.voids.push(written.recorded);
            return;
        }
        payloads.push(written.recorded.payload.clone());
        // An answer to a torn transaction is no decision of the fold either.
        if !written.again && written.recorded.decision.cause() != Cause::Void {
            feed.decisions.push_back(written.recorded);
        }
    }
}

/// Empty fetches before a mark's decisions are taken to be missing: 20 ms each.
const PATIENCE: u32 = 50;

fn read_decision(record: &Record<'_>) -> Result<Written, String> {
    let header = |name: &str| record.headers.get(name);
    let type_name = header("ce_type").and_then(|bytes| std::str::from_utf8(bytes).ok());
    let type_name = type_name.ok_or("header `ce_type` is missing")?;
    let epoch: [u8; 16] = header("epoch")
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or("header `epoch` is missing: this record was not written by the engine")?;
    let epoch = u128::from_be_bytes(epoch);
    let payload = record.value.unwrap_or_default();
    let decision = crate::machine::decode_decision(type_name, payload)?;
    Ok(Written {
        epoch: ((epoch >> 64) as u64, epoch as u64),
        again: header("again").is_some(),
        recorded: Recorded { decision, payload: payload.to_vec() },
        next: record.offset + 1,
    })
}
