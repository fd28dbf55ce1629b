//! Settings of the projector. Nothing here changes a decision.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use omnifold_domain::{Rules, rules};
use omnifold_events::v1::Sealed;

use crate::gather::SliceLimits;
use crate::machine::TripWire;

/// Where rows rest between checkpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateAt {
    /// Nowhere: folded anew each time.
    Memory,
    /// In RocksDB, one folder a market below this one.
    Folder(PathBuf),
}

/// When a checkpoint is made: whatever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointLimits {
    /// Bytes of changed rows.
    pub bytes: usize,
    /// Time since the last one.
    pub interval: Duration,
}

impl Default for CheckpointLimits {
    fn default() -> Self {
        CheckpointLimits { bytes: 16 << 20, interval: Duration::from_secs(10) }
    }
}

/// Seals the bytes of refused events before they are published on `rejected`.
pub trait Sealer: Send + Sync {
    /// Seals under the key of a UTC day (days since 1970-01-01).
    fn seal(&self, day: i64, bytes: &[u8]) -> Result<Sealed, String>;
}

/// Where a market's threads are, for tests that end the process there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Phase {
    Gather,
    Step,
    Publish,
    /// Committed to the log, not yet known to the loop.
    Acknowledge,
    CheckpointBatch,
    CheckpointFlush,
    Recovery,
}

/// Told of each phase as it begins.
pub type Observer = Arc<dyn Fn(&str, Phase) + Send + Sync>;

/// Settings of the projector.
#[derive(Clone)]
pub struct Options {
    /// First part of every topic's name.
    pub prefix: String,
    /// Where rows rest.
    pub state: StateAt,
    /// How much one epoch takes.
    pub slice: SliceLimits,
    /// When checkpoints are made.
    pub checkpoint: CheckpointLimits,
    /// Memory for rows that a checkpoint holds already, bytes a market.
    pub cache_bytes: usize,
    /// The rules this build knows.
    pub known_rules: &'static [Rules],
    /// Seals refused bytes. Without one, `rejected` names topic and offset and carries no bytes.
    pub sealer: Option<Arc<dyn Sealer>>,
    /// For tests.
    pub observer: Option<Observer>,
    /// For tests: orders that trip an assertion.
    pub trip_wire: Option<TripWire>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            prefix: "omnifold".to_owned(),
            state: StateAt::Memory,
            slice: SliceLimits::default(),
            checkpoint: CheckpointLimits::default(),
            cache_bytes: 64 << 20,
            known_rules: rules::KNOWN,
            sealer: None,
            observer: None,
            trip_wire: None,
        }
    }
}

impl Options {
    pub(crate) fn observe(&self, market: &str, phase: Phase) {
        if let Some(observer) = &self.observer {
            observer(market, phase);
        }
    }
}
