//! Ownership of markets where there is one process: it owns them all.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::{LogError, Membership, OwnershipHandler};

/// Membership in a group of one. A thread of its own tells the handler `assigned` for every
/// market, in the order given, and on leaving `revoke` in the reverse order. `lost` never happens:
/// the folder's lock keeps every other process out.
pub struct EmbeddedMembership {
    /// Dropped to leave.
    stay: Option<Sender<()>>,
    left: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl EmbeddedMembership {
    /// Joins with these markets.
    pub fn join(markets: &[String], handler: Arc<dyn OwnershipHandler>) -> Result<Self, LogError> {
        let markets = markets.to_vec();
        let (stay, leave) = bounded::<()>(0);
        let (done, left) = bounded(1);
        let run = move || {
            markets.iter().for_each(|market| handler.assigned(market));
            // Nothing is ever sent: this returns when the other side is dropped.
            let _ = leave.recv();
            markets.iter().rev().for_each(|market| handler.revoke(market));
            let _ = done.send(());
        };
        let thread = std::thread::Builder::new().name("log-membership".to_owned()).spawn(run);
        let thread = thread.map_err(|error| LogError::Unavailable {
            what: "the membership thread cannot be started".to_owned(),
            detail: error.to_string(),
        })?;
        Ok(Self { stay: Some(stay), left, thread: Some(thread) })
    }
}

impl Membership for EmbeddedMembership {
    /// There is no group whose lag tools could ask.
    fn report(&self, _market: &str, _positions: &[(String, u64)]) {}

    fn leave(&mut self, timeout: Duration) {
        drop(self.stay.take());
        // Disconnected means that it has left before. Where it takes longer, it goes on.
        if self.left.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!(?timeout, "markets were not given back in time");
        }
    }
}

impl Drop for EmbeddedMembership {
    fn drop(&mut self) {
        drop(self.stay.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the membership thread panicked");
        }
    }
}
