//! What became of promises, for who asks whether the stated rate is the observed one.

use serde::{Deserialize, Serialize};

use super::memory::{Learned, LearnedKey, LearnedRow, Learning, Row};
use super::{Made, PromiseKind};

/// Of all orders that were promised in one way and have come. Days are sums over the orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Orders.
    pub orders: u64,
    /// Of which came after their last day.
    pub late: u64,
    /// Of which came before their first day.
    pub early: u64,
    /// Days from the promise to its last day.
    pub promised_days: i64,
    /// Days from its first day to its last.
    pub width_days: i64,
    /// Days from the promise to the delivery.
    pub taken_days: i64,
}

impl Tally {
    fn with(mut self, made: &Made, day: i32) -> Self {
        let days = |from: i32, to: i32| i64::from(to) - i64::from(from);
        self.orders += 1;
        self.late += u64::from(day > made.promised.latest_day);
        self.early += u64::from(day < made.promised.earliest_day);
        self.promised_days += days(made.day, made.promised.latest_day);
        self.width_days += days(made.promised.earliest_day, made.promised.latest_day);
        self.taken_days += days(made.day, day);
        self
    }
}

fn key(kind: PromiseKind) -> LearnedKey {
    LearnedKey { kind: LearnedKey::TALLY, number: kind as u64 }
}

/// What became of the promises of one kind.
pub fn tally<M: Learned>(memory: &M, kind: PromiseKind) -> Tally {
    match memory.learned(key(kind)) {
        Some(LearnedRow(Row::Tally(tally))) => *tally,
        _ => Tally::default(),
    }
}

/// An order came on that day.
pub(crate) fn count<M: Learning>(memory: &mut M, made: &Made, day: i32) {
    let tally = tally(memory, made.kind).with(made, day);
    memory.put_learned(key(made.kind), Some(LearnedRow(Row::Tally(tally))));
}

#[cfg(test)]
mod tests {
    use super::super::{Promised, Shelf};
    use super::*;

    #[test]
    fn late_is_after_the_last_day_and_early_before_the_first() {
        let mut shelf = Shelf::default();
        let promised = Promised { earliest_day: 13, latest_day: 16 };
        let made = Made { day: 10, promised, kind: PromiseKind::Learned };
        [12, 13, 16, 17].iter().for_each(|&day| count(&mut shelf, &made, day));
        let found = tally(&shelf, PromiseKind::Learned);
        assert_eq!((found.orders, found.late, found.early), (4, 1, 1));
        assert_eq!((found.promised_days, found.width_days, found.taken_days), (24, 12, 18));
        assert_eq!(tally(&shelf, PromiseKind::Calendar), Tally::default());
    }
}
