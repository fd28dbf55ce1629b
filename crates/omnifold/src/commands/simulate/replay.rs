//! One replay: a scratch log, the engine as it is, and the feed that answers for nodes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use omnifold_channels::publish::{Publisher, PublisherOptions};
use omnifold_log::{Log, Reader, RecordBuf, TopicKind, topic_name};
use omnifold_projector::{Options, Progress, SliceLimits, StateAt, run_market};
use omnifold_simulation::output::Output;
use omnifold_simulation::what_if::Feed;
use omnifold_simulation::what_if::account::Account;
use omnifold_simulation::what_if::change::Change;
use omnifold_simulation::what_if::demand::demand;

use super::History;
use crate::commands::topics::create_for;
use crate::context::Context;

/// What one replay came to.
pub struct Replayed {
    pub account: Account,
    /// Events that the engine refused.
    pub refused: u64,
    /// Fulfilments that went as recorded.
    pub as_recorded: u64,
    /// Fulfilments that were modelled.
    pub modelled: u64,
}

/// Replays the demand with a change. Log and state are in a folder that is gone at the end.
pub fn play(context: &Context, history: &History, change: &Change) -> Result<Replayed> {
    context.output.note(&format!("replaying {} ...", change.name()));
    let market = history.market.as_str();
    let folder = tempfile::Builder::new().prefix("omnifold-simulate-").tempdir()?;
    let scratch = context.with_data(folder.path(), market);
    let opened = scratch.scratch_log()?;
    create_for(&scratch, &opened, market)?;
    let inputs = demand(history.inputs.clone(), change, history.window);
    let feed = Feed::new(inputs, history.learned.nodes(), history.step_ms);
    let mut driver = Driver::new(&opened.log(), &scratch, market, feed, history.orders())?;
    let options = Options {
        state: StateAt::Memory,
        // The feed has everything there is: waiting for more is waiting in vain.
        slice: SliceLimits { wait: Duration::from_millis(1), ..scratch.options().slice },
        ..scratch.options()
    };
    let mut fault = None;
    let mut until = |progress: &Progress| match driver.turn(progress.clock_ms) {
        Ok(is_over) => is_over,
        Err(error) => {
            fault = Some(error);
            true
        }
    };
    let summary = run_market(&opened.log(), market, &options, &mut |_| {}, &mut until)?;
    if let Some(error) = fault {
        return Err(error.context("the replay stopped"));
    }
    let (as_recorded, modelled) = driver.feed.counts();
    let refused = summary.tally.rejected;
    Ok(Replayed { account: driver.account, refused, as_recorded, modelled })
}

/// Hears what the engine publishes, and publishes what comes next.
struct Driver {
    feed: Feed,
    account: Account,
    publisher: Publisher,
    assignments: Box<dyn Reader>,
    buffer: RecordBuf,
}

const FETCH_BYTES: usize = 4 << 20;

impl Driver {
    fn new(
        log: &Arc<dyn Log>,
        scratch: &Context,
        market: &str,
        feed: Feed,
        account: Account,
    ) -> Result<Self> {
        let prefix = &scratch.config().prefix;
        let assignments = topic_name(prefix, market, TopicKind::Assignments);
        Ok(Driver {
            feed,
            account,
            publisher: Publisher::new(log, prefix, market, PublisherOptions::default())?,
            assignments: log.reader(&[(assignments, 0)])?,
            buffer: RecordBuf::default(),
        })
    }

    /// To be called when the engine has nothing left to do. Says whether the replay is over.
    fn turn(&mut self, clock_ms: i64) -> Result<bool> {
        let told = self.hear()?;
        let events = self.feed.next(&told, clock_ms);
        for event in &events {
            self.account.said(&event.event, event.time_ms.unwrap_or_default());
            self.publisher.publish(event).context("a replayed event")?;
        }
        self.publisher.flush()?;
        Ok(events.is_empty())
    }

    fn hear(&mut self) -> Result<Vec<(i64, Output)>> {
        let mut told = Vec::new();
        loop {
            self.buffer.clear();
            let fetched = self.assignments.fetch(0, FETCH_BYTES, &mut self.buffer)?;
            for record in self.buffer.iter() {
                // Outputs that a replay has no use for are of other types.
                let Ok(output) = Output::from_record(&record) else { continue };
                self.account.hear(&output, record.time_ms);
                told.push((record.time_ms, output));
            }
            if fetched.at_end {
                return Ok(told);
            }
        }
    }
}
