//! The log trait and the embedded durable log.
//!
//! A log is a set of named topics. Each topic is one sequence of records with growing offsets;
//! gaps are allowed (Kafka leaves them for transaction markers and compaction), so a position is
//! always the *next offset to read*. What every implementation promises, and `contract` tests:
//!
//! * [`Appender::append`] is atomic over topics and durable when it returns: all of a batch is
//!   read, in order, or none of it.
//! * There is one owner a market: opening a new [`Log::owner`] fences the one before. A fenced
//!   owner's append fails and leaves nothing to read.
//! * A failed append may have happened ([`LogError::Unknown`]). The owner is dropped then, never
//!   retried: opening a new one settles what became of it.
//! * Readers see only what was committed, in offset order, each record once.
//!
//! This crate knows bytes, not what events mean.

pub mod contract;
pub mod embedded;
mod error;
mod record;
mod topic;

use std::time::Duration;

pub use error::LogError;
pub use record::{Headers, HeadersBuilder, Record, RecordBuf};
pub use topic::{Compaction, TopicDescription, TopicKind, TopicSpec, topic_name};

/// A set of topics, on some medium.
pub trait Log: Send + Sync {
    /// `embedded` or `kafka`.
    fn kind(&self) -> &'static str;

    /// Makes the topics that are missing; leaves those that are there as they are. Returns the
    /// names of those it made.
    fn create_topics(&self, specs: &[TopicSpec]) -> Result<Vec<String>, LogError>;

    /// How each topic stands, in the order asked; `None` where there is no such topic.
    fn describe(&self, topics: &[&str]) -> Result<Vec<Option<TopicDescription>>, LogError>;

    /// Reads the topics from the given positions (next offset to read), committed records only.
    /// A position before the topic's start, or beyond its end, is [`LogError::OutOfRange`]: it is
    /// never moved silently.
    fn reader(&self, topics: &[(String, u64)]) -> Result<Box<dyn Reader>, LogError>;

    /// Becomes the one writer of a market and fences the one before. When this returns, nothing of
    /// an earlier owner can still appear.
    fn owner(&self, market: &str) -> Result<Box<dyn Appender>, LogError>;

    /// A publisher for adapters: no fencing, records of many threads share a sync.
    fn producer(&self) -> Result<Box<dyn Producer>, LogError>;

    /// Joins the group of instances that share these markets. The handler is told which markets
    /// are this instance's, from a thread of the log's own.
    fn join(
        &self,
        markets: &[String],
        handler: std::sync::Arc<dyn OwnershipHandler>,
    ) -> Result<Box<dyn Membership>, LogError>;

    /// Says that records of `topic` before `offset` are no longer needed by `holder`, and may be
    /// removed once no other holder needs them.
    fn set_floor(&self, holder: &str, topic: &str, offset: u64) -> Result<(), LogError>;

    /// Removes records of `topic` before `offset`. Refused ([`LogError::StillNeeded`]) where a
    /// holder's floor is lower.
    fn trim(&self, topic: &str, offset: u64) -> Result<(), LogError>;
}

/// Reads a fixed set of topics; a topic is named by its place in the list given to
/// [`Log::reader`].
pub trait Reader: Send {
    /// Appends the next records of one topic to `into`, at most about `max_bytes` of them (always
    /// at least one where there is one). Does not wait for new ones.
    fn fetch(
        &mut self,
        topic: usize,
        max_bytes: usize,
        into: &mut RecordBuf,
    ) -> Result<Fetched, LogError>;

    /// Waits until one of the topics may have more to read, or the time is over.
    fn wait(&mut self, timeout: Duration) -> Result<(), LogError>;
}

/// What a fetch found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetched {
    /// Records appended.
    pub records: usize,
    /// Next offset to read.
    pub next: u64,
    /// The topic held nothing committed beyond `next` at this moment.
    pub at_end: bool,
    /// The topic's committed end as last seen, for lag figures.
    pub end: u64,
}

/// The one writer of a market.
pub trait Appender: Send {
    /// Appends the records as one atomic, durable batch. [`Record::topic`] is the place in
    /// `topics`. Returns, per topic of the list, the next offset after the batch (or what it was
    /// before where the batch has nothing for it).
    fn append(&mut self, topics: &[String], batch: &RecordBuf) -> Result<Vec<u64>, LogError>;
}

/// A publisher of input events. Shared by threads.
pub trait Producer: Send + Sync {
    /// Appends the records, as [`Appender::append`] does, durable when it returns. On Kafka each
    /// topic's records keep their order; the batch as a whole is not atomic there.
    fn append(&self, topics: &[String], batch: &RecordBuf) -> Result<(), LogError>;
}

/// Told which markets this instance owns. Calls come one at a time.
pub trait OwnershipHandler: Send + Sync {
    /// The market is this instance's from now on.
    fn assigned(&self, market: &str);
    /// The market goes to another instance. Returns when this one has let go of it: drained,
    /// checkpointed, transaction ended.
    fn revoke(&self, market: &str);
    /// The market was taken away without asking (session lost). Let go at once.
    fn lost(&self, market: &str);
}

/// Membership in the group. Dropping it leaves the group, after revoking what is still owned.
pub trait Membership: Send + Sync {
    /// Tells the group how far a market was read, for lag tools only. Never blocks.
    fn report(&self, market: &str, positions: &[(String, u64)]);
    /// Revokes what is owned, leaves, and waits at most this long.
    fn leave(&mut self, timeout: Duration);
}
