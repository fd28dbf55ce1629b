//! Images that no flushed checkpoint holds: of the epoch under way, and of those before it. A row
//! changed lately is read from here, so it need not be kept in memory in another form.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::images::Images;

pub(crate) struct Recent {
    /// The epoch under way.
    pub current: Images,
    pub epoch: u64,
    /// Ended epochs, oldest first; the last is the one before the epoch under way.
    ended: VecDeque<Arc<Images>>,
}

impl Recent {
    pub(crate) fn new() -> Self {
        Recent { current: Images::default(), epoch: 1, ended: VecDeque::new() }
    }

    /// The stored form of the row at a place of an epoch that is still here.
    pub(crate) fn row(&self, epoch: u64, place: u32) -> Option<&[u8]> {
        let images = if epoch == self.epoch {
            &self.current
        } else {
            let age = usize::try_from(self.epoch - epoch).ok()?;
            &**self.ended.get(self.ended.len().checked_sub(age)?)?
        };
        images.value(place as usize)
    }

    /// Ends the epoch under way.
    pub(crate) fn end(&mut self) -> Arc<Images> {
        let next = Images::sized_like(&self.current);
        let ended = Arc::new(std::mem::replace(&mut self.current, next));
        self.epoch += 1;
        // An epoch that changed nothing is never part of a checkpoint.
        if !(ended.is_empty() && self.ended.is_empty()) {
            self.ended.push_back(ended.clone());
        }
        ended
    }

    /// A checkpoint up to this epoch is on the medium.
    pub(crate) fn flushed(&mut self, epoch: u64) {
        let first = self.epoch - self.ended.len() as u64;
        let gone = (epoch + 1).saturating_sub(first).min(self.ended.len() as u64);
        self.ended.drain(..gone as usize);
    }
}
