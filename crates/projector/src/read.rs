//! A market's state, read once by who works outside the core: the log is folded into memory, and
//! nothing of a running instance is touched.

use std::sync::Arc;

use omnifold_domain::View;
use omnifold_log::Log;
use omnifold_state::MemoryBackend;

use crate::error::ProjectorError;
use crate::follower::{Follower, How};
use crate::mark::Standing;
use crate::options::{Options, StateAt};
use crate::recorded::Tail;

/// Folds a market's log up to its newest mark and hands the state to `read`, with the market's
/// clock in milliseconds since the Unix epoch. Reads the whole log.
pub fn read_market<T>(
    log: &Arc<dyn Log>,
    market: &str,
    options: &Options,
    read: impl FnOnce(&mut dyn View, i64) -> T,
) -> Result<(T, Standing), ProjectorError> {
    let options = Options { state: StateAt::Memory, ..options.clone() };
    let mut follower = Follower::open(log, market, &options, Arc::new(MemoryBackend::default()))?;
    follower.catch_up(How::Follow, Tail::Growing)?;
    let clock_ms = follower.machine.clock_ms;
    let found = read(&mut follower.machine.store, clock_ms);
    Ok((found, Standing::of(&follower.head.body)))
}
