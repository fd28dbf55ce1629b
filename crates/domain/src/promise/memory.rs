//! What was learned, as rows.
//!
//! One table: the sums of each group, the bins of two histograms, and one row of figures. Every one
//! is small, and how many there are is bounded.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use serde::{Deserialize, Serialize};

use super::delivering::DeliveryDays;
use super::effects::Sum;
use super::learner::Figures;
use super::tally::Tally;

/// A row's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LearnedKey {
    /// What it is of. The numbers are in the rows' keys and never mean something else.
    pub kind: u8,
    /// Which of them.
    pub number: u64,
}

impl LearnedKey {
    /// Groups have the kinds below; see `Group::kind`.
    pub(super) const GROUPS: u8 = 100;

    pub(super) const FIGURES: LearnedKey = LearnedKey { kind: 200, number: 0 };

    /// What became of promises.
    pub(super) const TALLY: u8 = 201;

    /// A piece of a track's histogram.
    pub(super) fn bins(track: u8, piece: u64) -> Self {
        LearnedKey { kind: Self::GROUPS + track, number: piece }
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnedRow(pub(super) Row);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Row {
    /// Of one group, each at its stage's slot.
    Sums(Vec<Sum>),
    /// Of one piece of a histogram.
    Bins(Vec<u64>),
    Figures(Box<Figures>),
    /// What became of the promises of one kind.
    Tally(Tally),
}

/// Reads what was learned.
pub trait Learned {
    /// A row.
    fn learned(&self, key: LearnedKey) -> Option<&LearnedRow>;
    /// The first place after one that has a row.
    fn next_learned(&self, after: LearnedKey) -> Option<LearnedKey>;
    /// The days in which durations are learned and promised.
    fn delivery_days(&self) -> &DeliveryDays;
}

/// Learns.
pub trait Learning: Learned {
    /// Replaces a row, or adds it; `None` takes it out.
    fn put_learned(&mut self, key: LearnedKey, row: Option<LearnedRow>);
}

/// Rows on their own, for who learns without a market's state.
#[derive(Debug)]
pub struct Shelf {
    rows: BTreeMap<LearnedKey, LearnedRow>,
    days: DeliveryDays,
}

impl Shelf {
    /// Nothing is learned yet.
    pub fn new(days: DeliveryDays) -> Self {
        Shelf { rows: BTreeMap::new(), days }
    }
}

impl Learned for Shelf {
    fn learned(&self, key: LearnedKey) -> Option<&LearnedRow> {
        self.rows.get(&key)
    }

    fn next_learned(&self, after: LearnedKey) -> Option<LearnedKey> {
        self.rows.range((Excluded(after), Unbounded)).next().map(|(&key, _)| key)
    }

    fn delivery_days(&self) -> &DeliveryDays {
        &self.days
    }
}

impl Learning for Shelf {
    fn put_learned(&mut self, key: LearnedKey, row: Option<LearnedRow>) {
        match row {
            Some(row) => self.rows.insert(key, row),
            None => self.rows.remove(&key),
        };
    }
}

#[cfg(test)]
impl Default for Shelf {
    fn default() -> Self {
        Shelf::new(DeliveryDays::EVERY)
    }
}

#[cfg(test)]
impl Shelf {
    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }
}
