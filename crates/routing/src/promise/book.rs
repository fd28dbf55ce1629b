//! The promises that are open, and what becomes of them.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Facts, Moment};
use super::learner::Learner;
use super::track::Issued;
use super::{Look, Promised, Settings};

/// Open orders at most; beyond, the one for which something is due first is forgotten.
const MAX_OPEN: usize = 1 << 18;

/// Days after its promise on which an order that has not come is taken for lost.
const LOST_AFTER_DAYS: i32 = 45;

/// Days after which an open order is forgotten, and its delivery not learned from.
const FORGOTTEN_AFTER_DAYS: i32 = 200;

/// A learner with the orders it waits for. Orders are numbers that the caller gives.
///
/// Everything is told in the order in which it happens, and a promise is made of what was told
/// before it: nothing else is there.
#[derive(Debug)]
pub struct Book {
    learner: Learner,
    open: BTreeMap<u64, Open>,
    /// What is due, by day.
    due: BTreeSet<(i32, u64, Due)>,
}

#[derive(Debug)]
struct Open {
    facts: Facts,
    first: Issued,
    second: Option<Issued>,
}

/// What happens to an open order because days pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Overdue(Look),
    Lost(Look),
    Forgotten,
}

impl Book {
    /// An empty book.
    pub fn new(settings: Settings) -> Self {
        Book { learner: Learner::new(settings), open: BTreeMap::new(), due: BTreeSet::new() }
    }

    /// What it has learned, for queries.
    pub fn learner(&self) -> &Learner {
        &self.learner
    }

    /// Orders that are open.
    pub fn open_orders(&self) -> usize {
        self.open.len()
    }

    /// The days before this one are over: what was due in them and is not there is late. Told by
    /// every event too; a caller without events tells it by a timer.
    pub fn advance(&mut self, day: i32) {
        while let Some(&(due_day, order, due)) = self.due.first()
            && due_day < day
        {
            self.due.pop_first();
            self.fall_due(order, due);
        }
    }

    fn fall_due(&mut self, order: u64, due: Due) {
        let Some(open) = self.open.get_mut(&order) else { return };
        match due {
            Due::Overdue(look) => {
                if let Some(issued) = open.issued(look) {
                    self.learner.overdue(look, &mut issued.counted);
                }
            }
            Due::Lost(look) => {
                if let Some(issued) = open.issued(look) {
                    self.learner.given_up(look, &mut issued.counted, true);
                }
            }
            Due::Forgotten => self.forget(order),
        }
    }

    /// An order was placed. Its promise; `None` while too little is known. An order that is open
    /// already keeps its promise.
    pub fn placed(&mut self, order: u64, facts: Facts, at: Moment) -> Option<Promised> {
        self.advance(at.day);
        if let Some(open) = self.open.get(&order) {
            return open.first.promised;
        }
        if self.open.len() >= MAX_OPEN
            && let Some(&(_, first_due, _)) = self.due.first()
        {
            self.forget(first_due);
        }
        let first = self.learner.placed(&facts, at);
        self.remind(order, Look::First, first.promised);
        let forgotten = at.day.saturating_add(FORGOTTEN_AFTER_DAYS);
        self.due.insert((forgotten, order, Due::Forgotten));
        self.open.insert(order, Open { facts, first, second: None });
        first.promised
    }

    fn remind(&mut self, order: u64, look: Look, promised: Option<Promised>) {
        if let Some(Promised { latest_day, .. }) = promised {
            self.due.insert((latest_day, order, Due::Overdue(look)));
            let lost = latest_day.saturating_add(LOST_AFTER_DAYS);
            self.due.insert((lost, order, Due::Lost(look)));
        }
    }

    /// An order was handed to the carrier: the promise of what remains, dated from now. Only the
    /// first hand-over of an open order counts.
    pub fn handed_over(&mut self, order: u64, at: Moment) -> Option<Promised> {
        self.advance(at.day);
        let open = self.open.get_mut(&order).filter(|open| open.second.is_none())?;
        let second = self.learner.handed_over(&open.facts, open.first.from, at);
        open.second = Some(second);
        self.remind(order, Look::Second, second.promised);
        second.promised
    }

    /// An order was delivered.
    pub fn delivered(&mut self, order: u64, at: Moment) {
        self.advance(at.day);
        if let Some(open) = self.close(order) {
            self.learner.delivered(&open.facts, &open.first, open.second.as_ref(), at);
        }
    }

    /// An order was called off: its promise counts for nothing.
    pub fn cancelled(&mut self, order: u64, at: Moment) {
        self.advance(at.day);
        let Some(mut open) = self.close(order) else { return };
        if open.second.is_none() {
            self.learner.left(&open.facts, open.first.from, at);
        }
        for look in [Look::First, Look::Second] {
            if let Some(issued) = open.issued(look) {
                self.learner.given_up(look, &mut issued.counted, false);
            }
        }
    }

    fn forget(&mut self, order: u64) {
        self.close(order);
    }

    /// Takes an order out, with all that is due for it.
    fn close(&mut self, order: u64) -> Option<Open> {
        let open = self.open.remove(&order)?;
        let forgotten = open.first.from.day.saturating_add(FORGOTTEN_AFTER_DAYS);
        self.due.remove(&(forgotten, order, Due::Forgotten));
        let looks = [(Look::First, Some(open.first)), (Look::Second, open.second)];
        for (look, issued) in looks {
            if let Some(promised) = issued.and_then(|issued| issued.promised) {
                self.due.remove(&(promised.latest_day, order, Due::Overdue(look)));
                let lost = promised.latest_day.saturating_add(LOST_AFTER_DAYS);
                self.due.remove(&(lost, order, Due::Lost(look)));
            }
        }
        Some(open)
    }
}

impl Open {
    fn issued(&mut self, look: Look) -> Option<&mut Issued> {
        match look {
            Look::First => Some(&mut self.first),
            Look::Second => self.second.as_mut(),
        }
    }
}
