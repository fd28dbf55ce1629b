//! Reading topics: one record after the other, and the inputs in the order in which the engine
//! took them.
//!
//! That order is rebuilt, not asked for: of the topics' next records the oldest is taken, of the
//! same time that of the first topic. A record that is older than the one before it in its topic is
//! so taken right after that one. Each mark of the journal cuts the inputs at its frontiers; the
//! merge never reaches over a cut, since a record that came late stands in a later epoch than one
//! that is younger.

use anyhow::{Context, bail};
use omnifold_events::{Envelope, EnvelopeError, parse_time};
use omnifold_log::{Log, Reader, Record, RecordBuf, TopicKind, topic_name};

/// Bytes fetched at a time from one topic.
const FETCH_BYTES: usize = 1 << 20;

/// Number of input topics.
pub const INPUTS: usize = TopicKind::INPUTS.len();

/// Topics of one market, read from their start.
pub struct Topics {
    reader: Box<dyn Reader>,
}

/// Reads one topic of a [`Topics`].
pub struct Cursor {
    /// Place of the topic in the reader.
    place: usize,
    buffer: RecordBuf,
    at: usize,
    ended: bool,
}

impl Topics {
    /// Opens these topics. One that does not exist, or that was trimmed, cannot be checked.
    pub fn open(
        log: &dyn Log,
        prefix: &str,
        market: &str,
        kinds: &[TopicKind],
    ) -> anyhow::Result<(Topics, Vec<Cursor>)> {
        let names: Vec<String> =
            kinds.iter().map(|kind| topic_name(prefix, market, *kind)).collect();
        let borrowed: Vec<&str> = names.iter().map(String::as_str).collect();
        let described = log.describe(&borrowed).context("describing the topics")?;
        for (name, topic) in names.iter().zip(described) {
            let topic = topic.with_context(|| format!("topic `{name}` does not exist"))?;
            if topic.start > 0 {
                bail!(
                    "topic `{name}` starts at {}: records before were removed, and only a whole \
                     history can be checked",
                    topic.start
                );
            }
        }
        let from_start: Vec<(String, u64)> = names.into_iter().map(|name| (name, 0)).collect();
        let reader = log.reader(&from_start).context("opening the topics")?;
        let cursors = (0..kinds.len()).map(Cursor::new).collect();
        Ok((Topics { reader }, cursors))
    }
}

impl Cursor {
    fn new(place: usize) -> Self {
        Cursor { place, buffer: RecordBuf::default(), at: 0, ended: false }
    }

    /// Makes the next record available to [`Cursor::record`]. `false`: the topic ends here.
    pub fn load(&mut self, topics: &mut Topics) -> anyhow::Result<bool> {
        while self.at == self.buffer.len() && !self.ended {
            self.buffer.clear();
            self.at = 0;
            let fetched = topics
                .reader
                .fetch(self.place, FETCH_BYTES, &mut self.buffer)
                .with_context(|| format!("reading topic number {}", self.place))?;
            self.ended = fetched.records == 0 && fetched.at_end;
        }
        Ok(self.at < self.buffer.len())
    }

    /// The record loaded.
    pub fn record(&self) -> Record<'_> {
        self.buffer.get(self.at)
    }

    /// Goes on to the next.
    pub fn advance(&mut self) {
        self.at += 1;
    }
}

/// One input record with its place in the engine's order.
pub struct Input<'a> {
    /// Place of its topic in [`TopicKind::INPUTS`].
    pub topic: usize,
    /// The record.
    pub record: Record<'a>,
    /// Its attributes, or why it has none.
    pub envelope: Result<Envelope<'a>, EnvelopeError>,
    /// Its time: the envelope's, or else the record's.
    pub time_ms: i64,
}

/// The inputs in the order in which the engine took them.
pub struct Merge {
    cursors: Vec<Cursor>,
    /// Next offset that is beyond the current cut.
    limits: [u64; INPUTS],
    taken: Option<usize>,
}

impl Merge {
    /// The first [`INPUTS`] cursors must be those of [`TopicKind::INPUTS`].
    pub fn new(cursors: Vec<Cursor>) -> Self {
        assert_eq!(cursors.len(), INPUTS, "one cursor an input topic");
        Merge { cursors, limits: [u64::MAX; INPUTS], taken: None }
    }

    /// Records at these offsets and beyond belong to a later slice.
    pub fn cut_at(&mut self, limits: [u64; INPUTS]) {
        self.limits = limits;
    }

    /// The next record of the slice.
    pub fn next(&mut self, topics: &mut Topics) -> anyhow::Result<Option<Input<'_>>> {
        if let Some(taken) = self.taken.take() {
            self.cursors[taken].advance();
        }
        let mut first: Option<(i64, usize)> = None;
        for topic in 0..INPUTS {
            let Some(time) = self.peek(topic, topics)? else { continue };
            if first.is_none_or(|(earliest, _)| time < earliest) {
                first = Some((time, topic));
            }
        }
        let Some((time_ms, topic)) = first else { return Ok(None) };
        self.taken = Some(topic);
        let record = self.cursors[topic].record();
        let envelope = Envelope::from_headers(record.headers.iter());
        Ok(Some(Input { topic, record, envelope, time_ms }))
    }

    fn peek(&mut self, topic: usize, topics: &mut Topics) -> anyhow::Result<Option<i64>> {
        let cursor = &mut self.cursors[topic];
        if !cursor.load(topics)? {
            return Ok(None);
        }
        let record = cursor.record();
        Ok((record.offset < self.limits[topic]).then(|| own_time(&record)))
    }
}

/// The event's time, where it has one that can be read; else the record's.
fn own_time(record: &Record<'_>) -> i64 {
    let time = record.headers.get("ce_time").and_then(|time| std::str::from_utf8(time).ok());
    time.and_then(|time| parse_time(time).ok()).unwrap_or(record.time_ms)
}
