//! What was published to a market's input topics, read back.

use anyhow::Result;
use omnifold_events::{Envelope, Event, decode};
use omnifold_log::{Log, Reader, Record, RecordBuf, TopicKind, topic_name};

/// One readable event of a topic.
pub struct Published<'a> {
    /// Its attributes.
    pub envelope: Envelope<'a>,
    /// When it happened, milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// The event.
    pub event: Event,
}

/// Bytes of one fetch.
const FETCH_BYTES: usize = 4 << 20;

/// A topic that is read on as it grows.
pub struct Tail {
    /// `None`: there is no such topic.
    reader: Option<Box<dyn Reader>>,
    buffer: RecordBuf,
}

impl Tail {
    /// From the beginning of an input topic.
    pub fn open(log: &dyn Log, of: (&str, &str), kind: TopicKind) -> Result<Self> {
        Tail::of_topic(log, topic_name(of.0, of.1, kind))
    }

    fn of_topic(log: &dyn Log, topic: String) -> Result<Self> {
        let start = log.describe(&[&topic])?.into_iter().flatten().next();
        let reader = start.map(|start| log.reader(&[(topic, start.start)])).transpose()?;
        Ok(Tail { reader, buffer: RecordBuf::default() })
    }

    /// Takes every record that came since, in order.
    pub fn each(&mut self, mut take: impl FnMut(&Record<'_>)) -> Result<()> {
        let Some(reader) = &mut self.reader else { return Ok(()) };
        loop {
            self.buffer.clear();
            let fetched = reader.fetch(0, FETCH_BYTES, &mut self.buffer)?;
            self.buffer.iter().for_each(|record| take(&record));
            if fetched.at_end {
                return Ok(());
            }
        }
    }

    /// Takes every readable event that came since. Returns how many records were not readable.
    pub fn each_event(&mut self, mut take: impl FnMut(Published<'_>)) -> Result<u64> {
        let mut unreadable = 0;
        self.each(|record| match read(record) {
            Some(published) => take(published),
            None => unreadable += 1,
        })?;
        Ok(unreadable)
    }
}

/// Takes every record of one topic that there is now, in order.
pub fn each_record(log: &dyn Log, topic: String, take: impl FnMut(&Record<'_>)) -> Result<()> {
    Tail::of_topic(log, topic)?.each(take)
}

/// Takes every readable event of one input topic. Returns how many records were not readable.
pub fn each_event(
    log: &dyn Log,
    of: (&str, &str),
    kind: TopicKind,
    take: impl FnMut(Published<'_>),
) -> Result<u64> {
    Tail::open(log, of, kind)?.each_event(take)
}

fn read<'a>(record: &Record<'a>) -> Option<Published<'a>> {
    let envelope = Envelope::from_headers(record.headers.iter()).ok()?;
    let event = decode(envelope.type_name, envelope.content_type, record.value?).ok()?;
    let time_ms = envelope.time_ms.unwrap_or(record.time_ms);
    Some(Published { envelope, time_ms, event })
}
