//! The promises that are open, where no engine keeps them with its orders.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Facts, Moment};
use super::memory::Shelf;
use super::open::Open;
use super::{DeliveryDays, Foreseen, Promised, Settings, foresee};

/// Open orders at most; beyond, the one for which something is due first is forgotten.
const MAX_OPEN: usize = 1 << 18;

/// What was learned, with the orders it waits for. Orders are numbers that the caller gives.
#[derive(Debug)]
pub struct Book {
    settings: Settings,
    shelf: Shelf,
    open: BTreeMap<u64, Open>,
    /// The day at whose end something becomes of each.
    due: BTreeSet<(i32, u64)>,
}

impl Book {
    /// An empty book.
    pub fn new(settings: Settings, days: DeliveryDays) -> Self {
        Book { settings, shelf: Shelf::new(days), open: BTreeMap::new(), due: BTreeSet::new() }
    }

    /// What would be promised. Changes nothing.
    pub fn foresee(&self, facts: &Facts, placed: Moment) -> Foreseen {
        foresee(&self.shelf, self.settings, facts, placed)
    }

    /// Orders that are open.
    pub fn open_orders(&self) -> usize {
        self.open.len()
    }

    /// The days before this one are over: what was due in them and is not there is late. Told by
    /// every event too; a caller without events tells it by a timer.
    pub fn advance(&mut self, day: i32) {
        while let Some(&(due_day, order)) = self.due.first()
            && due_day < day
        {
            let mut open = self.take(order).expect("what is due is open");
            if open.advance(&mut self.shelf, self.settings, due_day + 1) {
                self.keep(order, open);
            }
        }
    }

    /// An order was placed. Its promise; `None` while too little is known. An order that is open
    /// already keeps its promise.
    pub fn placed(&mut self, order: u64, facts: Facts, at: Moment) -> Option<Promised> {
        self.advance(at.day);
        if let Some(open) = self.open.get(&order) {
            return open.promised();
        }
        if self.open.len() >= MAX_OPEN
            && let Some(&(_, due_first)) = self.due.first()
        {
            self.take(due_first);
        }
        let open = Open::placed(&mut self.shelf, self.settings, facts, at);
        let promised = open.promised();
        self.keep(order, open);
        promised
    }

    /// An order was handed to the carrier: the promise of what remains, dated from now. Only the
    /// first hand-over of an open order counts.
    pub fn handed_over(&mut self, order: u64, at: Moment) -> Option<Promised> {
        self.advance(at.day);
        let mut open = self.take(order)?;
        let promised = open.handed_over(&mut self.shelf, self.settings, at);
        self.keep(order, open);
        promised
    }

    /// An order was delivered.
    pub fn delivered(&mut self, order: u64, at: Moment) {
        self.advance(at.day);
        if let Some(open) = self.take(order) {
            open.delivered(&mut self.shelf, self.settings, at);
        }
    }

    /// An order was called off: its promise counts for nothing.
    pub fn cancelled(&mut self, order: u64, at: Moment) {
        self.advance(at.day);
        if let Some(mut open) = self.take(order) {
            open.cancelled(&mut self.shelf, self.settings, Some(at));
        }
    }

    fn keep(&mut self, order: u64, open: Open) {
        self.due.insert((open.due_day(), order));
        self.open.insert(order, open);
    }

    /// Takes an order out, with what is due for it.
    fn take(&mut self, order: u64) -> Option<Open> {
        let open = self.open.remove(&order)?;
        self.due.remove(&(open.due_day(), order));
        Some(open)
    }
}
