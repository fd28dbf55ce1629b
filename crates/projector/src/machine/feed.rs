//! Recorded decisions of one epoch, to be folded or compared at their steps.

use std::collections::VecDeque;

use omnifold_domain::Decision;
use omnifold_domain::decision::Moment;

/// One recorded decision.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub decision: Decision,
    /// The payload as it was published.
    pub payload: Vec<u8>,
    /// Its place on `assignments`; 0 for one that is kept without its place.
    pub offset: u64,
}

/// The decisions of one epoch, in the order they were published.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    pub decisions: VecDeque<Recorded>,
    /// Steps that were undone while deciding.
    pub undone_steps: Vec<u64>,
    /// Timers that were undone while deciding.
    pub undone_timers: Vec<Moment>,
}

impl Feed {
    /// The next decision, where this record or timer caused it.
    pub(crate) fn next_of(&mut self, moment: Moment) -> Option<Recorded> {
        if self.decisions.front()?.decision.moment() != moment {
            return None;
        }
        self.decisions.pop_front()
    }
}
