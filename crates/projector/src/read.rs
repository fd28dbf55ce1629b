//! The state of a market for readers that are not its owner.

use std::sync::Arc;
use std::time::Duration;

use omnifold_domain::View;
use omnifold_log::Log;
use omnifold_state::MemoryBackend;

use crate::error::ProjectorError;
use crate::follower::{Follower, How};
use crate::mark::Standing;
use crate::options::{Options, StateAt};
use crate::recorded::Tail;

/// A market's state, folded from its log and kept in memory. It follows the log as far as it is told to.
pub struct Reading {
    follower: Follower,
}

impl Reading {
    /// Begins at the log's beginning, with nothing folded yet.
    pub fn open(
        log: &Arc<dyn Log>,
        market: &str,
        options: &Options,
    ) -> Result<Self, ProjectorError> {
        let options = Options { state: StateAt::Memory, ..options.clone() };
        let follower = Follower::open(log, market, &options, Arc::new(MemoryBackend::default()))?;
        Ok(Reading { follower })
    }

    /// Folds up to the newest mark. Returns the number of epochs.
    pub fn catch_up(&mut self) -> Result<u64, ProjectorError> {
        self.follower.catch_up(How::Follow, Tail::Growing)
    }

    /// Waits until the log may have more, no longer than this.
    pub fn wait(&mut self, timeout: Duration) -> Result<(), ProjectorError> {
        self.follower.wait(timeout)
    }

    /// Hands out the state, with the market's clock in milliseconds since the Unix epoch, and says what it
    /// stands for.
    pub fn read<T>(&mut self, read: impl FnOnce(&mut dyn View, i64) -> T) -> (T, Standing) {
        let clock_ms = self.follower.machine.clock_ms;
        let found = read(&mut self.follower.machine.store, clock_ms);
        (found, Standing::of(&self.follower.head.body))
    }
}
