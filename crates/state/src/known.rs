//! Which keys there may be. Nearly every order and event id that is looked for is new, and finding
//! that out from RocksDB costs as much as folding the event.
//!
//! What was there when the state was opened is read by a thread of its own, so that opening does
//! not wait for it. Until it is done, and for good where there are too many keys for a filter to
//! tell apart, the backend is asked. Nothing but speed depends on this.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use xxhash_rust::xxh3::xxh3_128;

use crate::backend::{Backend, StateError};
use crate::filter::Filter;
use crate::rows::Table;

/// A filter over the keys of one range of a table, by their ids ([`id_of`]).
#[derive(Clone)]
pub(crate) struct Known {
    lines: usize,
    /// Added since the state was opened.
    added: Filter,
    count: u64,
    /// Those that were there when the state was opened; empty while they are read.
    before: Option<Arc<OnceLock<Filter>>>,
}

/// Keys of one range that are to be read.
pub(crate) struct Unread {
    table: Table,
    from: Vec<u8>,
    to: Vec<u8>,
    lines: usize,
    found: Arc<OnceLock<Filter>>,
}

/// Ids a line beyond which one in ten absent ones is asked for in vain, and more and more.
const MAX_IDS_A_LINE: u64 = 76;

impl Known {
    /// A range that holds no key yet. 64 bytes of memory a line, for 43 ids.
    pub(crate) fn none(lines: usize) -> Self {
        Known { lines, added: Filter::new(lines), count: 0, before: None }
    }

    /// A range that may hold keys, and the reading that it waits for.
    pub(crate) fn stored(table: Table, from: &[u8], to: &[u8], lines: usize) -> (Self, Unread) {
        let found = Arc::new(OnceLock::new());
        let known = Known { before: Some(found.clone()), ..Known::none(lines) };
        (known, Unread { table, from: from.to_vec(), to: to.to_vec(), lines, found })
    }

    /// Notes a new id.
    pub(crate) fn insert(&mut self, id: u128) {
        self.added.insert(id);
        self.count += 1;
    }

    /// Notes an id that may have been noted before.
    pub(crate) fn note(&mut self, id: u128) {
        if !self.added.may_contain(id) {
            self.insert(id);
        }
    }

    /// False: it is certainly not there.
    pub(crate) fn may_contain(&self, id: u128) -> bool {
        let before =
            |found: &Arc<OnceLock<Filter>>| found.get().is_none_or(|filter| filter.may_contain(id));
        self.count > max_ids(self.lines)
            || self.added.may_contain(id)
            || self.before.as_ref().is_some_and(before)
    }
}

/// The id of a key: its last 16 bytes, which are a hash where it has as many, else a hash of it.
pub(crate) fn id_of(key: &[u8]) -> u128 {
    key.last_chunk().map_or_else(|| xxh3_128(key), |id| u128::from_be_bytes(*id))
}

fn max_ids(lines: usize) -> u64 {
    lines as u64 * MAX_IDS_A_LINE
}

/// The thread that reads what was there.
pub(crate) struct Reading {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Reading {
    pub(crate) fn start(backend: Arc<dyn Backend>, ranges: Vec<Unread>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::Builder::new()
            .name("known keys".to_owned())
            .spawn(move || {
                // What was added last is asked for first.
                for range in ranges.into_iter().rev() {
                    // Where reading fails, the fault shows again when a row is asked for.
                    if let Some(filter) = range.read(&*backend, &stopped) {
                        let _ = range.found.set(filter);
                    }
                }
            })
            .expect("a thread can be started");
        Reading { stop, thread: Some(thread) }
    }

    #[cfg(test)]
    fn finish(mut self) {
        self.thread.take().expect("not taken before").join().expect("it does not panic");
    }
}

/// The backend is free again when the thread has ended.
impl Drop for Reading {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Unread {
    /// A filter over the stored keys; `None` where it was stopped, or there are too many.
    fn read(&self, backend: &dyn Backend, stop: &AtomicBool) -> Option<Filter> {
        let mut filter = Filter::new(self.lines);
        let mut count = 0;
        let read = backend.scan(self.table, &self.from, &self.to, &mut |key, _| {
            count += 1;
            if stop.load(Ordering::Relaxed) || count > max_ids(self.lines) {
                return Err(ended());
            }
            filter.insert(id_of(key));
            Ok(())
        });
        read.is_ok().then_some(filter)
    }
}

/// Ends a scan.
fn ended() -> StateError {
    StateError::Io { what: "reading keys", place: String::new(), detail: "ended".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Checkpoint, Images, MemoryBackend};

    fn id(number: u64) -> u128 {
        xxhash_rust::xxh3::xxh3_128(&number.to_be_bytes())
    }

    #[test]
    fn what_was_there_before_and_what_was_added_may_be_there_and_little_else() {
        let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::default());
        let mut images = Images::default();
        for number in 0..1_000 {
            images.plant(Table::Order, &id(number).to_be_bytes(), &[1]);
        }
        backend.write(&Checkpoint::new(vec![images.into()], Vec::new()), &|| ()).unwrap();
        let (mut known, unread) = Known::stored(Table::Order, &[], &[], 64);
        (1_000..2_000).for_each(|number| known.insert(id(number)));
        assert!((0..3_000).all(|number| known.may_contain(id(number))), "nothing was read yet");
        Reading::start(backend, vec![unread]).finish();
        assert!((0..2_000).all(|number| known.may_contain(id(number))));
        let in_vain = (2_000..12_000).filter(|&number| known.may_contain(id(number))).count();
        assert!(in_vain < 300, "{in_vain} of 10,000 absent ids");
    }

    #[test]
    fn more_keys_than_a_filter_can_tell_apart_are_asked_for() {
        let mut known = Known::none(1);
        (0..1_000).for_each(|_| known.note(id(1)));
        assert!(!known.may_contain(id(2)), "one id, however often it is noted");
        (0..=MAX_IDS_A_LINE).for_each(|number| known.insert(id(number)));
        assert!((0..1_000).all(|number| known.may_contain(id(number))));
        assert!(!Known::none(1).may_contain(id(1)));
    }
}
