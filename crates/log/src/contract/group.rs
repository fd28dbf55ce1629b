//! Membership in the group that shares the markets.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use super::harness::unique;
use super::{Make, PATIENCE, PREFIX};
use crate::{OwnershipHandler, TopicKind};

/// The markets this member owns at the moment.
#[derive(Default)]
struct Owned {
    markets: Mutex<Vec<String>>,
    changed: Condvar,
}

impl Owned {
    fn remove(&self, market: &str) {
        self.markets.lock().expect("a lock").retain(|owned| owned != market);
        self.changed.notify_all();
    }

    /// Waits until exactly these are owned.
    fn wait_for(&self, expected: &[String]) {
        let deadline = Instant::now() + PATIENCE;
        let mut owned = self.markets.lock().expect("a lock");
        loop {
            let mut sorted = owned.clone();
            sorted.sort();
            if sorted == expected {
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "owns {sorted:?}, not {expected:?}");
            owned = self.changed.wait_timeout(owned, left).expect("a lock").0;
        }
    }
}

impl OwnershipHandler for Owned {
    fn assigned(&self, market: &str) {
        self.markets.lock().expect("a lock").push(market.to_owned());
        self.changed.notify_all();
    }

    fn revoke(&self, market: &str) {
        self.remove(market);
    }

    fn lost(&self, market: &str) {
        self.remove(market);
    }
}

pub(super) fn a_lone_member_gets_every_market_and_gives_it_back(make: Make<'_>) {
    let log = make();
    let mut markets = vec![unique("m"), unique("m")];
    markets.sort();
    let journals: Vec<_> =
        markets.iter().map(|market| TopicKind::Journal.spec(PREFIX, market)).collect();
    log.create_topics(&journals).expect("journals");
    let owned = Arc::new(Owned::default());
    let mut membership = log.join(&markets, owned.clone()).expect("a member");
    owned.wait_for(&markets);
    membership.report(&markets[0], &[(journals[0].name.clone(), 0)]);
    membership.leave(PATIENCE);
    owned.wait_for(&[]);
    drop(membership);
}
