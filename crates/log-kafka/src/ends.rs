//! How far this process itself has appended to each topic.
//!
//! A commit returns before its markers are written, so for a moment a broker may still answer a
//! reader that nothing follows. What this process knows to be committed must not be overlooked by
//! itself: an end below it is not believed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Next offset after the newest own append, by topic.
#[derive(Debug, Default)]
pub(crate) struct Ends(Mutex<HashMap<String, Arc<AtomicU64>>>);

impl Ends {
    /// The topic's figure, shared with all who read or append there.
    pub(crate) fn of(&self, topic: &str) -> Arc<AtomicU64> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(end) = map.get(topic) {
            return Arc::clone(end);
        }
        Arc::clone(map.entry(topic.to_owned()).or_default())
    }

    /// Forgets a topic that has just been made: one of that name may have been there before.
    pub(crate) fn forget(&self, topic: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(topic);
    }
}

/// Notes an append that ended before `next`.
pub(crate) fn raise(end: &AtomicU64, next: u64) {
    end.fetch_max(next, Ordering::AcqRel);
}

/// What has been noted.
pub(crate) fn known(end: &AtomicU64) -> u64 {
    end.load(Ordering::Acquire)
}
