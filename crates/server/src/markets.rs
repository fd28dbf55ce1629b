//! What the server needs of the engine: a trait, so that it can be tested without one.

use omnifold_events::jsonl::FileEvent;
use omnifold_log::TopicKind;
use omnifold_projector::{Answer, MarketStatus, Query, StateReport, VerifyReport};

use crate::RecordPage;

/// The markets of one instance. Calls may block for as long as one slice of work takes.
pub trait Markets: Send + Sync + 'static {
    /// How each market stands.
    fn status(&self) -> Vec<MarketStatus>;

    /// Answers a question from the market's rows, between two slices of its writer.
    fn query(&self, market: &str, query: Query) -> Result<Answer, MarketsError>;

    /// Recomputes the state's digest by a scan and evaluates the invariants of its rows.
    fn verify_state(&self, market: &str) -> Result<StateReport, MarketsError>;

    /// Refolds the market's log into a second store and decides every decision again. Takes as
    /// long as a rebuild.
    fn verify(&self, market: &str) -> Result<VerifyReport, MarketsError>;

    /// Publishes events to the market's topics, durably. Returns when they are in the log, not
    /// when they have been decided.
    fn publish(&self, market: &str, events: Vec<FileEvent>) -> Result<(), MarketsError>;

    /// Reads records of one of the market's topics, decoded. `from` is an offset; without one, the
    /// last few.
    fn records(
        &self,
        market: &str,
        topic: TopicKind,
        from: Option<u64>,
        limit: usize,
    ) -> Result<RecordPage, MarketsError>;
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MarketsError {
    /// The instance does not serve this market.
    #[error("market `{market}` is not served here; served: {}", known.join(", "))]
    UnknownMarket {
        /// The market asked for.
        market: String,
        /// The markets that are.
        known: Vec<String>,
    },
    /// The market has no such thing.
    #[error("{what} is not known to the market")]
    NotFound {
        /// What was asked for, `order web/1001`.
        what: String,
    },
    /// The market cannot answer now: it is starting, stopped or shutting down.
    #[error("not ready: {0}")]
    NotReady(String),
    /// The log or the state failed.
    #[error("{0}")]
    Failed(String),
}
