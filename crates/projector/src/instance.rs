//! All markets of one process. The log says which of them this instance owns; it follows the rest,
//! warm, to take over at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};
use omnifold_log::{Log, Membership, OwnershipHandler};
use serde::Serialize;

use crate::error::ProjectorError;
use crate::market::{Command, MarketStatus, MarketThread, visit};
use crate::options::Options;
use crate::query::{Answer, Query, QueryError, answer};
use crate::topics::check_topics;
use crate::verify::{StateReport, scan_state};

/// Longest wait of a revocation for a market to let go.
const LET_GO_PATIENCE: Duration = Duration::from_secs(60);
/// Longest wait for an answer between two slices.
const QUERY_PATIENCE: Duration = Duration::from_secs(10);

/// How a shutdown went.
#[derive(Debug, Clone, Serialize)]
pub struct ShutdownReport {
    /// Markets that drained, checkpointed and ended.
    pub stopped: Vec<String>,
    /// Markets that did not end in time; their next start replays a little more.
    pub cut_off: Vec<String>,
    /// Markets that ended with a fault, and why.
    pub failed: Vec<(String, String)>,
}

/// All markets of one process.
pub struct Instance {
    log: Arc<dyn Log>,
    options: Options,
    markets: BTreeMap<String, MarketThread>,
    membership: Box<dyn Membership>,
}

/// Passes on what the log says about ownership.
struct Dispatcher(BTreeMap<String, Sender<Command>>);

impl Dispatcher {
    fn let_go(&self, market: &str, patience: Duration) {
        let Some(commands) = self.0.get(market) else { return };
        let (done, let_go) = bounded(1);
        if commands.send(Command::LetGo(done)).is_ok() {
            let _ = let_go.recv_timeout(patience);
        }
    }
}

impl OwnershipHandler for Dispatcher {
    fn assigned(&self, market: &str) {
        tracing::info!(market, "assigned to this instance");
        if let Some(commands) = self.0.get(market) {
            let _ = commands.send(Command::Own);
        }
    }

    fn revoke(&self, market: &str) {
        tracing::info!(market, "revoked from this instance");
        self.let_go(market, LET_GO_PATIENCE);
    }

    fn lost(&self, market: &str) {
        tracing::warn!(market, "lost by this instance");
        self.let_go(market, LET_GO_PATIENCE);
    }
}

impl Instance {
    /// Checks the topics, starts every market as standby, and joins the group.
    pub fn start(
        log: Arc<dyn Log>,
        markets: Vec<String>,
        options: Options,
    ) -> Result<Instance, ProjectorError> {
        let faults = check_topics(&*log, &options.prefix, &markets)?;
        if !faults.is_empty() {
            return Err(ProjectorError::Topics(faults));
        }
        let threads: BTreeMap<String, MarketThread> = markets
            .iter()
            .map(|market| (market.clone(), MarketThread::start(log.clone(), market, &options)))
            .collect();
        let commands = threads.iter().map(|(market, t)| (market.clone(), t.commands.clone()));
        let membership = log.join(&markets, Arc::new(Dispatcher(commands.collect())))?;
        Ok(Instance { log, options, markets: threads, membership })
    }

    /// How each market stands.
    pub fn status(&self) -> Vec<MarketStatus> {
        let statuses = self.markets.values().map(|market| market.status.lock());
        statuses.map(|status| status.expect("no panic holds it").clone()).collect()
    }

    fn market(&self, market: &str) -> Result<&MarketThread, QueryError> {
        self.markets.get(market).ok_or_else(|| QueryError::NoMarket(market.to_owned()))
    }

    /// Answers a query between two slices of the market's thread.
    pub fn query(&self, market: &str, query: Query) -> Result<Answer, QueryError> {
        let thread = self.market(market)?;
        let (log, options) = (self.log.clone(), self.options.clone());
        visit(&thread.commands, QUERY_PATIENCE, move |follower| {
            answer(&*log, &options, follower, &query)
        })
        .ok_or_else(|| QueryError::NoAnswer(market.to_owned()))?
    }

    /// Recomputes the digest of the stored rows and looks at each row's invariants. The market
    /// checkpoints first and waits meanwhile.
    pub fn verify_state(&self, market: &str) -> Result<StateReport, QueryError> {
        let thread = self.market(market)?;
        visit(&thread.commands, Duration::from_secs(600), scan_state)
            .ok_or_else(|| QueryError::NoAnswer(market.to_owned()))?
            .map_err(|error| QueryError::Failed(crate::market::chain(&error)))
    }

    /// Drains, checkpoints and leaves, within a bound.
    pub fn shutdown(mut self, within: Duration) -> ShutdownReport {
        let deadline = Instant::now() + within;
        for market in self.markets.values() {
            let _ = market.commands.send(Command::Stop);
        }
        let mut report =
            ShutdownReport { stopped: Vec::new(), cut_off: Vec::new(), failed: Vec::new() };
        for (name, market) in std::mem::take(&mut self.markets) {
            while !market.thread.is_finished() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            }
            if !market.thread.is_finished() {
                report.cut_off.push(name);
                continue;
            }
            match market.thread.join() {
                Ok(Ok(())) => report.stopped.push(name),
                Ok(Err(error)) => report.failed.push((name, crate::market::chain(&error))),
                Err(_) => report.failed.push((name, "the market's thread panicked".to_owned())),
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        self.membership.leave(left.max(Duration::from_secs(1)));
        report
    }
}
