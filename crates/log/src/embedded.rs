//! The embedded durable log: all topics of one folder in one RocksDB.
//!
//! What it promises beside the promises of every [`Log`]:
//!
//! * **Durable**: an append returns after its bytes were synced. Appends that wait at the same time
//!   share one sync (`embedded/commit.rs`).
//! * **Nothing is cut silently**: a torn tail, which nobody was told about, is cut off when the log
//!   is opened. Every other damage is reported with file or topic, and left alone
//!   (`embedded/wal.rs`). Each record carries its sequence and checksum, looked at in every read
//!   (`embedded/chunk.rs`); [`EmbeddedLog::verify`] reads them all.
//! * **A failed write ends it**: after a failed write or sync the log takes no more until it is
//!   opened again.
//! * **One process**: the folder is locked, and whoever comes second is told who holds it.
//!
//! Owners are told apart within the process: a newer owner of a market fences the older.
//! Offsets have no gaps. Compacted topics keep every record: compaction is only a promise that a
//! reader needs no more than the newest record of a key, and [`Log::trim`] bounds their size.
//!
//! ```text
//! caller thread             commit thread                        RocksDB
//! encode into chunks  --->  gather a group, give offsets  --->   one batch, one sync
//!                     <---  answer, wake readers          <---
//! ```

mod append;
mod chunk;
mod commit;
mod core;
mod folder;
mod membership;
mod read;
mod store;
mod topic;
mod wal;

use std::path::Path;
use std::sync::Arc;

use self::append::{EmbeddedAppender, EmbeddedProducer};
use self::core::Core;
pub use self::core::EmbeddedStats;
use self::membership::EmbeddedMembership;
use self::read::EmbeddedReader;
use self::store::Store;
use crate::{
    Appender, Log, LogError, Membership, OwnershipHandler, Producer, Reader, TopicDescription,
    TopicSpec,
};

/// Bounds of an embedded log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedOptions {
    /// Bytes of each memtable. Records stay there until it is full and is written out.
    pub write_buffer_bytes: usize,
    /// Memtables at most; appends wait while all are full.
    pub write_buffers: i32,
    /// Bytes of the cache for index and data blocks.
    pub block_cache_bytes: usize,
    /// Bytes of write-ahead log files, hence what is read when the log is opened.
    pub wal_bytes: u64,
    /// Whether records are compressed (LZ4). A log may hold both.
    pub compress: bool,
    /// Whether an append waits until it is on the disk. Without it a power cut takes records that were
    /// acknowledged: for a log that is gone with its process anyway.
    pub sync: bool,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            write_buffer_bytes: 16 << 20,
            write_buffers: 3,
            block_cache_bytes: 8 << 20,
            wal_bytes: 128 << 20,
            compress: true,
            sync: true,
        }
    }
}

/// The log of one folder. It is closed when this and everything made from it was dropped.
pub struct EmbeddedLog {
    core: Arc<Core>,
}

impl EmbeddedLog {
    /// Opens the log of a folder, or makes one.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] where another process has it open or the folder cannot be used;
    /// [`LogError::Damaged`] and [`LogError::DamagedFile`] where acknowledged records are damaged
    /// or missing; [`LogError::Configuration`] where a newer program wrote it.
    pub fn open(dir: &Path) -> Result<Arc<Self>, LogError> {
        Self::open_with(dir, &EmbeddedOptions::default())
    }

    /// Opens with other bounds.
    ///
    /// # Errors
    /// As [`EmbeddedLog::open`].
    pub fn open_with(dir: &Path, options: &EmbeddedOptions) -> Result<Arc<Self>, LogError> {
        let core = Core::start(Store::open(dir, options)?, options.compress)?;
        Ok(Arc::new(Self { core: Arc::new(core) }))
    }

    /// Counts and figures, for metrics.
    pub fn stats(&self) -> EmbeddedStats {
        self.core.stats()
    }

    /// Names of all topics, in order.
    pub fn topics(&self) -> Vec<String> {
        self.core.all_topics().iter().map(|topic| topic.name.clone()).collect()
    }

    /// Reads every record of every topic and checks it. Returns how many there are.
    ///
    /// # Errors
    /// The first damage, named.
    pub fn verify(&self) -> Result<u64, LogError> {
        self.core.verify()
    }

    /// Removes a topic with all its records and floors. One made again under this name has another
    /// identity.
    ///
    /// # Errors
    /// [`LogError::NoTopic`] where there is none.
    pub fn delete_topic(&self, name: &str) -> Result<(), LogError> {
        self.core.delete_topic(name)
    }

    /// Writes what is in memory to table and blob files, so that opening reads less. Nothing needs
    /// it to be durable.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] where the files cannot be written.
    pub fn flush(&self) -> Result<(), LogError> {
        self.core.committer.store().flush()
    }
}

impl Log for EmbeddedLog {
    fn kind(&self) -> &'static str {
        "embedded"
    }

    fn create_topics(&self, specs: &[TopicSpec]) -> Result<Vec<String>, LogError> {
        self.core.create_topics(specs)
    }

    fn describe(&self, topics: &[&str]) -> Result<Vec<Option<TopicDescription>>, LogError> {
        Ok(topics.iter().map(|name| self.core.find(name).map(|topic| topic.describe())).collect())
    }

    fn reader(&self, topics: &[(String, u64)]) -> Result<Box<dyn Reader>, LogError> {
        Ok(Box::new(EmbeddedReader::new(Arc::clone(&self.core), topics)?))
    }

    fn owner(&self, market: &str) -> Result<Box<dyn Appender>, LogError> {
        let newest = self.core.newest_owner(market);
        Ok(Box::new(EmbeddedAppender::take_over(Arc::clone(&self.core), market, newest)?))
    }

    fn producer(&self) -> Result<Box<dyn Producer>, LogError> {
        Ok(Box::new(EmbeddedProducer::new(Arc::clone(&self.core))))
    }

    fn join(
        &self,
        markets: &[String],
        handler: Arc<dyn OwnershipHandler>,
    ) -> Result<Box<dyn Membership>, LogError> {
        Ok(Box::new(EmbeddedMembership::join(markets, handler)?))
    }

    fn set_floor(&self, holder: &str, topic: &str, offset: u64) -> Result<(), LogError> {
        self.core.set_floor(holder, topic, offset)
    }

    fn trim(&self, topic: &str, offset: u64) -> Result<(), LogError> {
        self.core.trim(topic, offset)
    }
}
