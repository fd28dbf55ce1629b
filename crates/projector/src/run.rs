//! Working off what there is, and returning: `run --until-idle`, demo, benchmarks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use omnifold_log::Log;
use serde::Serialize;

use crate::error::ProjectorError;
use crate::follower::{Follower, How};
use crate::machine::Tally;
use crate::mark::Standing;
use crate::market::open_backend;
use crate::options::Options;
use crate::owner::{Exit, Order, Owner, Turned};
use crate::recorded::Tail;

/// How far a run is.
#[derive(Debug, Clone, Serialize)]
pub struct Progress {
    /// The market.
    pub market: String,
    /// Input records taken in this run.
    pub records: u64,
    /// Orders placed in this run.
    pub orders: u64,
    /// Decisions published in this run.
    pub decisions: u64,
    /// Places in the queues of waiting orders.
    pub waiting: u64,
    /// Input records not taken, as last seen.
    pub lag: u64,
    /// The market's clock, milliseconds since the Unix epoch.
    pub clock_ms: i64,
    /// The epoch reached.
    pub epoch: u64,
}

/// What a run did.
#[derive(Debug, Clone, Serialize)]
pub struct RunSummary {
    /// Where the market stands now.
    pub position: Standing,
    /// What was counted.
    pub tally: Tally,
    /// Places in the queues of waiting orders at the end.
    pub waiting: u64,
    /// Time from the first record's gathering to the last acknowledgement.
    pub seconds: f64,
    /// Input records a second.
    pub events_per_second: f64,
    /// Orders a second.
    pub orders_per_second: f64,
    /// Epochs that this run folded from the log before it went on.
    pub epochs_recovered: u64,
    /// Time that recovery took.
    pub recovery_seconds: f64,
    /// Epochs published.
    pub epochs: u64,
}

/// When a run ends.
pub type Until<'a> = &'a mut dyn FnMut(&Progress) -> bool;

const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Takes each market over, works off all there is, checkpoints, and returns. `progress` is told how
/// far it is about five times a second.
pub fn run_until_idle(
    log: Arc<dyn Log>,
    markets: &[String],
    options: Options,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Vec<RunSummary>, ProjectorError> {
    let idle_is_enough = &mut |_: &Progress| true;
    markets
        .iter()
        .map(|market| run_market(&log, market, &options, progress, idle_is_enough))
        .collect()
}

/// As [`run_until_idle`], for one market, and goes on while idle until `until` says so: for demos
/// and benchmarks that feed the log meanwhile.
pub fn run_market(
    log: &Arc<dyn Log>,
    market: &str,
    options: &Options,
    progress: &mut dyn FnMut(&Progress),
    until: Until<'_>,
) -> Result<RunSummary, ProjectorError> {
    let backend = open_backend(market, options)?;
    let recovery_began = Instant::now();
    // What was decided by this run is not lost with a taking over; what was counted is counted on.
    let mut tally = Tally::default();
    let mut epochs_recovered = 0;
    let mut began = None;
    loop {
        let mut follower = Follower::open(log, market, options, backend.clone())?;
        follower.catch_up(How::Follow, Tail::Growing)?;
        let appender = log.owner(market)?;
        let epochs = follower.catch_up(How::Follow, Tail::Settled)? + follower.head.body.epoch;
        let recovery_seconds = recovery_began.elapsed().as_secs_f64();
        let began = *began.get_or_insert_with(Instant::now);
        follower.machine.tally = std::mem::take(&mut tally);
        epochs_recovered = epochs_recovered.max(epochs);
        let first_epoch = follower.head.body.epoch;
        let exit = match Owner::take_over(&mut follower, appender, options)? {
            Err(exit) => exit,
            Ok(owner) => owner.run(&mut reporter(progress, until))?,
        };
        tally = follower.machine.tally.clone();
        match exit {
            Exit::Stopped => {
                let seconds = began.elapsed().as_secs_f64();
                let rate = |count: u64| count as f64 / seconds.max(1e-9);
                return Ok(RunSummary {
                    position: Standing::of(&follower.head.body),
                    waiting: follower.machine.store.figures().waiting as u64,
                    events_per_second: rate(tally.records),
                    orders_per_second: rate(tally.orders),
                    tally,
                    seconds,
                    epochs_recovered,
                    recovery_seconds,
                    epochs: follower.head.body.epoch - first_epoch,
                });
            }
            Exit::TakeOver(error) => {
                tracing::warn!(market, %error, "taking over again");
                follower.checkpointer.wait(&mut follower.machine.store)?;
                std::thread::sleep(Duration::from_millis(200));
            }
        }
    }
}

fn reporter<'a>(
    progress: &'a mut dyn FnMut(&Progress),
    until: Until<'a>,
) -> impl FnMut(Turned<'_>) -> Order + 'a {
    let mut shown = Instant::now();
    move |turned| {
        let due = shown.elapsed() >= PROGRESS_EVERY;
        if !due && !turned.idle {
            return Order::GoOn;
        }
        let now = progress_of(turned.follower);
        if due {
            shown = Instant::now();
            progress(&now);
        }
        if turned.idle && until(&now) {
            progress(&now);
            return Order::Drain;
        }
        Order::GoOn
    }
}

pub(crate) fn progress_of(follower: &Follower) -> Progress {
    let tally = &follower.machine.tally;
    Progress {
        market: follower.market.clone(),
        records: tally.records,
        orders: tally.orders,
        decisions: tally.decisions,
        waiting: follower.machine.store.figures().waiting as u64,
        lag: follower.gatherer.lag(),
        clock_ms: follower.machine.clock_ms,
        epoch: follower.head.body.epoch,
    }
}
