//! Which orders there may be. Nearly every order that is looked for is new, and finding that out
//! from RocksDB costs as much as folding it.
//!
//! What was there when the state was opened is read by a thread of its own, so that opening does
//! not wait for it. Until it is done, and for good where there are too many orders for a filter to
//! tell apart, the backend is asked. Nothing but speed depends on this.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use omnifold_domain::OrderKey;

use crate::backend::{Backend, StateError};
use crate::filter::Filter;
use crate::rows::Table;

/// 64-byte lines of the filter: 4 MiB.
const LINES: usize = 65_536;
/// Orders beyond which one in ten absent ones is asked for in vain, and more and more.
const MAX_ORDERS: u64 = 5_000_000;

/// A filter over the keys of all orders.
pub(crate) struct KnownOrders {
    /// Added since the state was opened.
    added: Filter,
    count: u64,
    before: Option<Before>,
}

/// The orders that were there when the state was opened.
struct Before {
    filter: Arc<OnceLock<Filter>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl KnownOrders {
    pub(crate) fn open(backend: &Arc<dyn Backend>) -> Result<Self, StateError> {
        let before = (!is_empty(&**backend)?).then(|| Before::read(backend.clone()));
        Ok(KnownOrders { added: Filter::new(LINES), count: 0, before })
    }

    /// Notes a new order.
    pub(crate) fn insert(&mut self, key: OrderKey) {
        self.added.insert(key.0);
        self.count += 1;
    }

    /// False: there is certainly no such order.
    pub(crate) fn may_contain(&self, key: OrderKey) -> bool {
        self.count > MAX_ORDERS
            || self.added.may_contain(key.0)
            || self.before.as_ref().is_some_and(|before| before.may_contain(key))
    }
}

impl Before {
    fn read(backend: Arc<dyn Backend>) -> Self {
        let filter = Arc::new(OnceLock::new());
        let stop = Arc::new(AtomicBool::new(false));
        let (done, stopped) = (filter.clone(), stop.clone());
        let thread = std::thread::Builder::new()
            .name("known orders".to_owned())
            .spawn(move || {
                // Where reading fails, the fault shows again when a row is asked for.
                if let Some(filter) = filter_of(&*backend, &stopped) {
                    let _ = done.set(filter);
                }
            })
            .expect("a thread can be started");
        Before { filter, stop, thread: Some(thread) }
    }

    fn may_contain(&self, key: OrderKey) -> bool {
        self.filter.get().is_none_or(|filter| filter.may_contain(key.0))
    }
}

/// The backend is free again when the thread has ended.
impl Drop for Before {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A filter over the stored orders; `None` where it was stopped, or there are too many.
fn filter_of(backend: &dyn Backend, stop: &AtomicBool) -> Option<Filter> {
    let mut filter = Filter::new(LINES);
    let mut count = 0;
    let read = backend.scan(Table::Order, &[], &[], &mut |key, _| {
        count += 1;
        if stop.load(Ordering::Relaxed) || count > MAX_ORDERS {
            return Err(ended());
        }
        if let Ok(key) = key.try_into() {
            filter.insert(u128::from_be_bytes(key));
        }
        Ok(())
    });
    read.is_ok().then_some(filter)
}

fn is_empty(backend: &dyn Backend) -> Result<bool, StateError> {
    let mut empty = true;
    let looked = backend.scan(Table::Order, &[], &[], &mut |_, _| {
        empty = false;
        Err(ended())
    });
    if empty { looked.map(|()| true) } else { Ok(false) }
}

/// Ends a scan.
fn ended() -> StateError {
    StateError::Io { what: "scanning orders", place: String::new(), detail: "ended".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Checkpoint, Images, MemoryBackend};

    fn key(number: u64) -> OrderKey {
        OrderKey::of("web", &number.to_string())
    }

    #[test]
    fn what_was_there_before_and_what_was_added_may_be_there_and_little_else() {
        let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::default());
        let mut images = Images::default();
        for number in 0..1_000 {
            images.plant(Table::Order, &key(number).0.to_be_bytes(), &[1]);
        }
        backend.write(&Checkpoint::new(vec![Arc::new(images)], Vec::new()), &|| ()).unwrap();
        let mut known = KnownOrders::open(&backend).unwrap();
        (1_000..2_000).for_each(|number| known.insert(key(number)));
        assert!((0..2_000).all(|number| known.may_contain(key(number))), "while it is read");
        known.before.as_mut().unwrap().thread.take().unwrap().join().unwrap();
        assert!((0..2_000).all(|number| known.may_contain(key(number))));
        assert!((2_000..3_000).filter(|&number| known.may_contain(key(number))).count() < 20);
    }

    #[test]
    fn an_empty_state_knows_that_nothing_is_there() {
        let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::default());
        let known = KnownOrders::open(&backend).unwrap();
        assert!(known.before.is_none() && !known.may_contain(key(1)));
    }
}
