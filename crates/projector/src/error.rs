//! Why a market stops, and what to do about it.

use omnifold_log::LogError;
use omnifold_state::StateError;

use crate::gather::ReplayGap;
use crate::machine::Halt;

/// A market cannot go on, or an operation on it failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectorError {
    /// The log.
    #[error("the log")]
    Log(#[from] LogError),
    /// The state's medium.
    #[error("the state")]
    State(#[from] StateError),
    /// The fold.
    #[error("market `{market}`")]
    Halt {
        /// The market.
        market: String,
        /// Why.
        #[source]
        source: Halt,
    },
    /// An epoch's inputs are gone.
    #[error("market `{market}`, epoch {epoch}")]
    Gap {
        /// The market.
        market: String,
        /// The epoch.
        epoch: u64,
        /// What is missing.
        #[source]
        source: ReplayGap,
    },
    /// I4: what was folded is not what the mark says.
    #[error("I4: market `{market}`, epoch {epoch}: {what} is {found}, the mark says {expected}")]
    Mismatch {
        /// The market.
        market: String,
        /// The epoch.
        epoch: u64,
        /// Which figure.
        what: &'static str,
        /// As folded.
        found: String,
        /// As marked.
        expected: String,
    },
    /// Topics are missing or set up so that history would be lost.
    #[error("topics are not fit:\n  {}", .0.join("\n  "))]
    Topics(Vec<String>),
    /// The stored state is ahead of the journal.
    #[error(
        "market `{market}`: the stored state stands at epoch {epoch}, which the journal does not \
         hold: the log was cut or replaced. Restore the log, or delete the state folder to rebuild \
         it from what the log holds"
    )]
    AheadOfJournal {
        /// The market.
        market: String,
        /// The stored epoch.
        epoch: u64,
    },
    /// A topic was deleted and made again.
    #[error(
        "topic `{topic}` is not the one this state was folded from (identity {found}, was \
         {expected}): it was deleted and created again. Use a new prefix or market name, or restore \
         the topic"
    )]
    TopicReplaced {
        /// The topic.
        topic: String,
        /// As the mark says.
        expected: String,
        /// As it is.
        found: String,
    },
    /// The journal or the stored position cannot be read.
    #[error("market `{market}`: {what} cannot be read: {detail}")]
    Unreadable {
        /// The market.
        market: String,
        /// What.
        what: &'static str,
        /// Why.
        detail: String,
    },
    /// A thread of the market ended without saying why.
    #[error("market `{market}`: a worker thread died; see the log output")]
    Died {
        /// The market.
        market: String,
    },
}

impl ProjectorError {
    /// Whether the log could not be reached: to be tried again, nothing is wrong with the market.
    pub(crate) fn is_outage(&self) -> bool {
        let log = match self {
            ProjectorError::Log(log) => log,
            ProjectorError::Gap { source: ReplayGap::Log(log), .. } => log,
            _ => return false,
        };
        matches!(log, LogError::Unavailable { .. })
    }
}
