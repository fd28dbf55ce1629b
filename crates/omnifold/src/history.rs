//! What was published to a market's input topics, read back.

use anyhow::Result;
use omnifold_events::{Envelope, Event, decode};
use omnifold_log::{Log, Record, RecordBuf, TopicKind, topic_name};

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

/// Takes every record of one topic that there is now, in order.
pub fn each_record(log: &dyn Log, topic: String, mut take: impl FnMut(&Record<'_>)) -> Result<()> {
    let start = log.describe(&[&topic])?.into_iter().flatten().next();
    let Some(start) = start.map(|topic| topic.start) else { return Ok(()) };
    let mut reader = log.reader(&[(topic, start)])?;
    let mut buffer = RecordBuf::default();
    loop {
        buffer.clear();
        let fetched = reader.fetch(0, FETCH_BYTES, &mut buffer)?;
        buffer.iter().for_each(|record| take(&record));
        if fetched.at_end {
            return Ok(());
        }
    }
}

/// Takes every readable event of one input topic. Returns how many records were not readable.
pub fn each_event(
    log: &dyn Log,
    (prefix, market): (&str, &str),
    kind: TopicKind,
    mut take: impl FnMut(Published<'_>),
) -> Result<u64> {
    let mut unreadable = 0;
    each_record(log, topic_name(prefix, market, kind), |record| match read(record) {
        Some(published) => take(published),
        None => unreadable += 1,
    })?;
    Ok(unreadable)
}

fn read<'a>(record: &Record<'a>) -> Option<Published<'a>> {
    let envelope = Envelope::from_headers(record.headers.iter()).ok()?;
    let event = decode(envelope.type_name, envelope.content_type, record.value?).ok()?;
    let time_ms = envelope.time_ms.unwrap_or(record.time_ms);
    Some(Published { envelope, time_ms, event })
}
