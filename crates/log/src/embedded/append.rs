//! Writing: a market's one owner, and producers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::chunk::{Chunk, ChunkBuilder, RECORD_OVERHEAD};
use super::commit::{Fence, Part, Work};
use super::core::Core;
use super::topic::Topic;
use crate::{Appender, LogError, Producer, RecordBuf};

/// A chunk is closed once it holds this much. Large enough that a chunk costs nothing beside its
/// records, small enough that reading a few records reads little.
const CHUNK_BYTES: usize = 256 << 10;

/// Largest append. One append is one write, so this bounds what is held in memory at once.
const MAX_APPEND_BYTES: usize = 256 << 20;

/// The one writer of a market.
pub struct EmbeddedAppender {
    core: Arc<Core>,
    fence: Fence,
}

impl EmbeddedAppender {
    /// Takes the market over. Waits for what was handed over before, so that nothing of an earlier
    /// owner can appear once this returns.
    pub fn take_over(
        core: Arc<Core>,
        market: &str,
        newest: Arc<AtomicU64>,
    ) -> Result<Self, LogError> {
        let generation = newest.fetch_add(1, Ordering::AcqRel) + 1;
        core.committer.commit(Work::default())?;
        Ok(Self { core, fence: Fence { market: market.into(), newest, generation } })
    }
}

impl Appender for EmbeddedAppender {
    fn append(&mut self, topics: &[String], batch: &RecordBuf) -> Result<Vec<u64>, LogError> {
        let work = work(&self.core, topics, batch)?;
        self.core.committer.commit(Work { fence: Some(self.fence.clone()), ..work })
    }
}

/// A publisher.
pub struct EmbeddedProducer {
    core: Arc<Core>,
}

impl EmbeddedProducer {
    pub fn new(core: Arc<Core>) -> Self {
        Self { core }
    }
}

impl Producer for EmbeddedProducer {
    fn append(&self, topics: &[String], batch: &RecordBuf) -> Result<(), LogError> {
        self.core.committer.commit(work(&self.core, topics, batch)?).map(drop)
    }
}

fn work(core: &Core, topics: &[String], batch: &RecordBuf) -> Result<Work, LogError> {
    let asked: Vec<_> = topics.iter().map(|name| core.topic(name)).collect::<Result<_, _>>()?;
    let bytes = batch.byte_len() + batch.len() * RECORD_OVERHEAD;
    if bytes > MAX_APPEND_BYTES {
        return Err(LogError::Refused {
            detail: format!("{bytes} bytes in one append, at most {MAX_APPEND_BYTES}; split it"),
        });
    }
    let parts = encode(&asked, batch, core.compress)?;
    Ok(Work { parts, asked, ..Work::default() })
}

/// The records as chunks, by topic.
fn encode(topics: &[Arc<Topic>], batch: &RecordBuf, compress: bool) -> Result<Vec<Part>, LogError> {
    let new = || Encoder { open: None, full: Vec::new(), compress };
    let mut encoders: Vec<Encoder> = topics.iter().map(|_| new()).collect();
    let expected = batch.byte_len() + batch.len() * RECORD_OVERHEAD;
    for index in 0..batch.len() {
        let place = batch.topic(index);
        let (topic, encoder) =
            topics.get(place).zip(encoders.get_mut(place)).ok_or_else(|| LogError::Refused {
                detail: format!("record {index} is for topic {place} of {}", topics.len()),
            })?;
        encoder.push(topic.number, batch, index, expected);
    }
    let filled = topics.iter().zip(encoders).filter_map(|(topic, encoder)| {
        let chunks = encoder.finish();
        (!chunks.is_empty()).then(|| Part { topic: Arc::clone(topic), chunks })
    });
    Ok(filled.collect())
}

/// Chunks of one topic.
struct Encoder {
    open: Option<ChunkBuilder>,
    full: Vec<Chunk>,
    compress: bool,
}

impl Encoder {
    fn push(&mut self, topic: u32, batch: &RecordBuf, index: usize, expected: usize) {
        let parts = batch.parts(index);
        let size = parts.bytes.len() + RECORD_OVERHEAD;
        if self.open.as_ref().is_some_and(|open| open.byte_len() + size > CHUNK_BYTES) {
            self.close();
        }
        let capacity = expected.min(CHUNK_BYTES).max(size);
        self.open.get_or_insert_with(|| ChunkBuilder::new(topic, capacity)).push(&parts);
    }

    fn finish(mut self) -> Vec<Chunk> {
        self.close();
        self.full
    }

    fn close(&mut self) {
        self.full.extend(self.open.take().map(|open| open.finish(self.compress)));
    }
}
