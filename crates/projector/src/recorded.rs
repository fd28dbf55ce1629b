//! Reading the journal and the decisions back, mark by mark.
//!
//! A transaction becomes visible topic by topic, so a mark may be read before its decisions. Only
//! who knows that nothing can still appear ([`Tail::Settled`]) may take them to be missing.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use omnifold_domain::decision::Moment;
use omnifold_events::v1::Cause;
use omnifold_log::{Fetched, Log, LogError, Reader, Record, RecordBuf};

use crate::error::ProjectorError;
use crate::gather::pause;
use crate::machine::{Feed, Recorded};
use crate::mark::Mark;
use crate::topics::{JOURNAL, Topics};

/// Incarnation and epoch, as the `epoch` header names them.
type EpochId = (u64, u64);

/// What is known about the end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// An owner may be at work: a mark whose decisions cannot be read yet is left for later.
    Growing,
    /// No owner is at work: a mark whose decisions are not there has lost them.
    Settled,
}

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
    /// Decisions without a mark, found on the way and not answered in what was read.
    pub voids: Vec<Recorded>,
    /// Epochs whose decisions were taken to be missing: what comes of them late is not void.
    missing: BTreeSet<EpochId>,
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
            missing: BTreeSet::new(),
        })
    }

    /// The next epoch that follows `head`; `None` at the end of what can be read now.
    pub(crate) fn next(
        &mut self,
        head: &Mark,
        tail: Tail,
    ) -> Result<Option<Epoch>, ProjectorError> {
        loop {
            if self.marks.is_empty() && !self.fetch_marks()? {
                return Ok(None);
            }
            let Some((mark, next)) = self.marks.pop_front() else { continue };
            if mark.follows(head) && !self.load_decisions(&mark, tail)? {
                self.marks.push_front((mark, next));
                return Ok(None);
            }
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
            return Ok(Some(self.epoch_of(mark)));
        }
    }

    /// Waits for more of the journal.
    pub(crate) fn wait(&mut self, timeout: Duration) -> Result<(), ProjectorError> {
        Ok(self.reader.wait(timeout)?)
    }

    /// Reads to the end of the log: what comes after the last mark is void. Returns the next
    /// offset of `assignments`.
    pub(crate) fn read_voids(&mut self) -> Result<u64, ProjectorError> {
        loop {
            let fetched = self.fetch_decisions()?;
            if fetched.at_end {
                break;
            }
            if fetched.records == 0 {
                pause(&mut *self.reader)?;
            }
        }
        while let Some(written) = self.written.pop_front() {
            self.assignments_next = written.next;
            self.note_void(written);
        }
        Ok(self.assignments_next)
    }

    /// A published epoch went so far: its owner has answered the voids up to there.
    pub(crate) fn answered(&mut self, moment: Moment) {
        self.voids.retain(|void| void.decision.moment() > moment);
    }

    /// Decisions published again with a mark of their own take effect where they were first.
    fn note_void(&mut self, written: Written) {
        if !written.again && !self.missing.contains(&written.epoch) {
            self.voids.push(written.recorded);
        }
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
        if fetched.records == 0 && !fetched.at_end {
            pause(&mut *self.reader)?;
        }
        Ok(fetched.records > 0 || !fetched.at_end)
    }

    fn fetch_decisions(&mut self) -> Result<Fetched, ProjectorError> {
        let mut buffer = RecordBuf::default();
        let fetched = self.reader.fetch(ASSIGNMENTS_PLACE, FETCH, &mut buffer)?;
        for record in buffer.iter() {
            let written = read_decision(&record)
                .map_err(|detail| self.unreadable("a decision", &record, detail))?;
            self.written.push_back(written);
        }
        Ok(fetched)
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

    /// Reads until the decisions of a mark are there, or are known to be missing. False: they
    /// cannot be read yet.
    fn load_decisions(&mut self, mark: &Mark, tail: Tail) -> Result<bool, ProjectorError> {
        let mut last_news = Instant::now();
        while !self.has_decisions_of(mark) {
            let fetched = self.fetch_decisions()?;
            if fetched.records > 0 {
                last_news = Instant::now();
                continue;
            }
            let silent = last_news.elapsed();
            match tail {
                Tail::Growing if silent > A_MOMENT => return Ok(false),
                Tail::Settled if fetched.at_end && silent > PATIENCE => return Ok(true),
                Tail::Settled if silent > LONGEST_SILENCE => return Err(self.silence(silent)),
                _ => pause(&mut *self.reader)?,
            }
        }
        Ok(true)
    }

    /// Whether all decisions of a mark are there, or one of a later epoch, which proves that no
    /// more will come.
    fn has_decisions_of(&self, mark: &Mark) -> bool {
        let id: EpochId = (mark.body.incarnation, mark.body.epoch);
        let mut lacking = mark.body.decisions as usize;
        for written in &self.written {
            if lacking == 0 || written.epoch > id {
                return true;
            }
            lacking -= usize::from(written.epoch == id);
        }
        lacking == 0
    }

    fn silence(&self, silent: Duration) -> ProjectorError {
        let what = format!("reading the decisions of market `{}`", self.market);
        let detail = format!("the log says neither more nor that there is none, for {silent:.0?}");
        LogError::Unavailable { what, detail }.into()
    }

    fn epoch_of(&mut self, mark: Mark) -> Epoch {
        let id: EpochId = (mark.body.incarnation, mark.body.epoch);
        let undone_timers = &mark.body.undone_timers;
        let mut feed = Feed {
            undone_steps: mark.body.undone_steps.clone(),
            undone_timers: undone_timers.iter().map(|undone| (undone.step, undone.timer)).collect(),
            ..Feed::default()
        };
        let mut payloads = Vec::with_capacity(mark.body.decisions as usize);
        while payloads.len() < mark.body.decisions as usize
            && self.written.front().is_some_and(|front| front.epoch <= id)
        {
            self.take_decision(id, &mut feed, &mut payloads);
        }
        if payloads.len() < mark.body.decisions as usize {
            self.missing.insert(id);
        }
        let (journal_next, assignments_next) = (self.journal_next, self.assignments_next);
        Epoch { mark, feed, payloads, journal_next, assignments_next }
    }

    fn take_decision(&mut self, id: EpochId, feed: &mut Feed, payloads: &mut Vec<Vec<u8>>) {
        let written = self.written.pop_front().expect("looked at before");
        self.assignments_next = written.next;
        if written.epoch < id {
            return self.note_void(written);
        }
        payloads.push(written.recorded.payload.clone());
        // An answer to a torn transaction is no decision of the fold either.
        if !written.again && written.recorded.decision.cause() != Cause::Void {
            feed.decisions.push_back(written.recorded);
        }
    }
}

/// How long a follower looks for the decisions of a mark before it looks around.
const A_MOMENT: Duration = Duration::from_millis(20);
/// How long the end of the log must stand before a mark's decisions are taken to be missing.
const PATIENCE: Duration = Duration::from_secs(1);
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

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
        recorded: Recorded { decision, payload: payload.to_vec(), offset: record.offset },
        next: record.offset + 1,
    })
}
