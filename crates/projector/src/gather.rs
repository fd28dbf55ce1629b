//! Gathering a slice: the input topics merged by record time, then topic, then offset.
//!
//! A record is taken only when every other topic's next record is known and not older, or that
//! topic is at its end. Where a topic's fetched records run out in the middle, the slice is cut
//! there: where slices are cut changes no decision.

use std::time::{Duration, Instant};

use omnifold_events::parse_time;
use omnifold_log::{LogError, Reader, Record, RecordBuf, TopicKind};

use crate::mark::Frontier;

/// How much one slice takes.
#[derive(Debug, Clone, Copy)]
pub struct SliceLimits {
    /// Records.
    pub records: usize,
    /// Bytes.
    pub bytes: usize,
    /// How long an idle market waits for records before it looks around.
    pub wait: Duration,
}

impl Default for SliceLimits {
    fn default() -> Self {
        SliceLimits { records: 10_000, bytes: 4 << 20, wait: Duration::from_millis(50) }
    }
}

/// One topic's records, fetched and not yet taken.
#[derive(Default)]
struct Queue {
    records: RecordBuf,
    /// Place of the next record to take.
    cursor: usize,
    /// Record time of the next record, where there is one.
    head_ms: Option<i64>,
    at_end: bool,
    /// Next offset to take.
    next: u64,
    /// The topic's end as last seen.
    end: u64,
}

/// Rounds of fetching before a slice: under a stream of news the last one may leave a topic behind.
const MAX_ROUNDS: usize = 8;
/// Consumed bytes kept in a queue before they are moved out.
const MAX_CONSUMED: usize = 8 << 20;

impl Queue {
    fn find_head(&mut self) {
        let there = self.cursor < self.records.len();
        self.head_ms = there.then(|| record_time(&self.records.get(self.cursor)));
    }

    /// Makes room: called between slices, when no slice points into the records.
    fn compact(&mut self) {
        if self.cursor == self.records.len() {
            self.records.clear();
            self.cursor = 0;
        } else if self.cursor > 0 && self.records.byte_len() > MAX_CONSUMED {
            let mut kept = RecordBuf::default();
            for place in self.cursor..self.records.len() {
                let r = self.records.get(place);
                kept.push(r.topic, r.offset, r.time_ms, r.headers, r.key, r.value);
            }
            self.records = kept;
            self.cursor = 0;
        }
    }
}

/// The record time: the CloudEvents time where there is one, else the log's timestamp.
fn record_time(record: &Record<'_>) -> i64 {
    let time = record.headers.get("ce_time").and_then(|bytes| std::str::from_utf8(bytes).ok());
    time.and_then(|text| parse_time(text).ok()).unwrap_or(record.time_ms)
}

/// Reads one market's inputs.
pub(crate) struct Gatherer {
    reader: Box<dyn Reader>,
    queues: [Queue; TopicKind::INPUTS.len()],
    slice: Vec<(usize, usize)>,
}

impl Gatherer {
    /// `reader` reads the input topics, in their order, from `frontier` on.
    pub(crate) fn new(reader: Box<dyn Reader>, frontier: Frontier) -> Self {
        let queues = frontier.map(|next| Queue { next, ..Queue::default() });
        Gatherer { reader, queues, slice: Vec::new() }
    }

    /// Gathers what is there, within the limits. Returns the number of records.
    pub(crate) fn gather(&mut self, limits: &SliceLimits) -> Result<usize, LogError> {
        self.begin();
        self.fetch_all(limits.bytes)?;
        let mut bytes = 0;
        while self.slice.len() < limits.records && bytes < limits.bytes {
            let starved = |queue: &Queue| queue.head_ms.is_none() && !queue.at_end;
            if self.queues.iter().any(starved) {
                break;
            }
            let Some(place) = self.oldest(|_, _| true) else { break };
            bytes += self.take(place);
        }
        Ok(self.slice.len())
    }

    /// Gathers exactly the records before a frontier: the slice of an epoch that was.
    pub(crate) fn gather_until(&mut self, frontier: &Frontier) -> Result<usize, ReplayGap> {
        self.begin();
        for (place, &until) in frontier.iter().enumerate() {
            self.fetch_until(place, until)?;
        }
        while let Some(place) = self.oldest(|place, offset| offset < frontier[place]) {
            self.take(place);
        }
        for (queue, &until) in self.queues.iter_mut().zip(frontier) {
            queue.next = queue.next.max(until);
        }
        Ok(self.slice.len())
    }

    fn begin(&mut self) {
        self.slice.clear();
        for queue in &mut self.queues {
            queue.compact();
        }
    }

    /// Fetches where nothing is left, and asks topics that stood at their end again as long as
    /// another one has news: what was appended to several topics at once is seen in all or in none.
    fn fetch_all(&mut self, bytes: usize) -> Result<(), LogError> {
        for _ in 0..MAX_ROUNDS {
            let mut news = 0;
            for place in 0..self.queues.len() {
                let queue = &self.queues[place];
                if queue.at_end || queue.cursor == queue.records.len() {
                    news += self.fetch(place, bytes)?;
                }
            }
            if news == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Returns the number of records that came.
    fn fetch(&mut self, place: usize, bytes: usize) -> Result<usize, LogError> {
        let queue = &mut self.queues[place];
        let fetched = self.reader.fetch(place, bytes, &mut queue.records)?;
        queue.at_end = fetched.at_end;
        queue.end = fetched.end;
        queue.find_head();
        Ok(fetched.records)
    }

    fn fetch_until(&mut self, place: usize, until: u64) -> Result<(), ReplayGap> {
        let mut last_news = Instant::now();
        loop {
            let queue = &self.queues[place];
            let last =
                queue.records.len().checked_sub(1).map(|last| queue.records.get(last).offset);
            // The frontier is one past the last record taken, so that record must be there.
            if queue.next >= until || last.is_some_and(|last| last + 1 >= until) {
                return Ok(());
            }
            let before = queue.records.len();
            self.fetch(place, REPLAY_FETCH)?;
            let queue = &self.queues[place];
            if queue.records.len() > before {
                last_news = Instant::now();
            } else if last_news.elapsed() > patience(queue.at_end) {
                let topic = TopicKind::INPUTS[place].name();
                return Err(ReplayGap::Missing { topic, until });
            } else {
                pause(&mut *self.reader)?;
            }
        }
    }

    /// The topic whose next record is the oldest; of the same time, the first topic.
    fn oldest(&self, may_take: impl Fn(usize, u64) -> bool) -> Option<usize> {
        let heads = self.queues.iter().enumerate().filter_map(|(place, queue)| {
            let head = queue.head_ms?;
            may_take(place, queue.records.get(queue.cursor).offset).then_some((head, place))
        });
        heads.min().map(|(_, place)| place)
    }

    fn take(&mut self, place: usize) -> usize {
        let queue = &mut self.queues[place];
        let record = queue.records.get(queue.cursor);
        let bytes = record.headers.as_bytes().len()
            + record.key.len()
            + record.value.map_or(0, <[u8]>::len);
        queue.next = record.offset + 1;
        self.slice.push((place, queue.cursor));
        queue.cursor += 1;
        queue.find_head();
        bytes
    }

    /// The slice's records in the order they are to be taken.
    pub(crate) fn slice(&self) -> impl ExactSizeIterator<Item = (TopicKind, Record<'_>)> {
        self.slice
            .iter()
            .map(|&(place, at)| (TopicKind::INPUTS[place], self.queues[place].records.get(at)))
    }

    /// Gives back the records of the slice from the `taken`-th on: they open the next slice.
    pub(crate) fn give_back(&mut self, taken: usize) {
        for (place, at) in self.slice.drain(taken..).rev() {
            let queue = &mut self.queues[place];
            queue.cursor = at;
            queue.next = queue.records.get(at).offset;
            queue.find_head();
        }
    }

    /// Next offset to take of each topic.
    pub(crate) fn frontier(&self) -> Frontier {
        std::array::from_fn(|place| self.queues[place].next)
    }

    /// Records between the frontier and the topics' ends, as last seen.
    pub(crate) fn lag(&self) -> u64 {
        self.queues.iter().map(|queue| queue.end.saturating_sub(queue.next)).sum()
    }

    /// Record time of the oldest record that is fetched and not taken.
    pub(crate) fn oldest_ms(&self) -> Option<i64> {
        self.queues.iter().filter_map(|queue| queue.head_ms).min()
    }

    /// Waits until something may be there.
    pub(crate) fn wait(&mut self, timeout: Duration) -> Result<(), LogError> {
        self.reader.wait(timeout)
    }
}

const REPLAY_FETCH: usize = 4 << 20;

/// How long a record that a mark speaks of may not come before it is missing: a log that says it
/// has no more is soon believed, one that says nothing is given time to answer.
fn patience(at_end: bool) -> Duration {
    Duration::from_secs(if at_end { 5 } else { 60 })
}

/// Waits a little for more. The reader wakes for news of any of its topics, also of one that is
/// not asked for now, so this never returns at once.
pub(crate) fn pause(reader: &mut dyn Reader) -> Result<(), LogError> {
    let began = Instant::now();
    reader.wait(Duration::from_millis(20))?;
    std::thread::sleep(Duration::from_millis(1).saturating_sub(began.elapsed()));
    Ok(())
}

/// An epoch's inputs cannot be read again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayGap {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log ends before the mark's frontier.
    #[error("`{topic}` ends before offset {until}, which a mark has read: records were lost")]
    Missing {
        /// The topic.
        topic: &'static str,
        /// The mark's frontier.
        until: u64,
    },
}
