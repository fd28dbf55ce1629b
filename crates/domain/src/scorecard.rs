//! What a node made of the work it was given: the score that policies filter and rank by.
//!
//! A fulfilment counts once, at the first of: it was rejected, it timed out, its picker missed units, its
//! dispatch SLA was breached, or the last of its units left. What customers and operators take back
//! counts as nothing. Counts are kept by day for a window of days, so a score is a share of plain
//! numbers that anybody can count in the log, and what is long ago is forgotten.
//!
//! Scorecards are kept in every market, whatever its policy asks: a score is then a function of the
//! log, and not of when a policy began. A placed order costs nothing, one that leaves costs an addition in
//! a row that is in memory.

use serde::{Deserialize, Serialize};

use crate::{NodeIx, Order, OrderKey, State};

/// Days that count: the day itself and those before it, in UTC.
pub const WINDOW_DAYS: i32 = 28;

/// Fulfilments of fewer than this say nothing about a node: it has no score.
pub const FEWEST_SETTLED: u64 = 10;

/// The best score, in per mille.
pub const FULL_SCORE: u32 = 1_000;

const DAY_MS: i64 = 86_400_000;

/// What became of a fulfilment at its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conduct {
    /// All of its units left, none too late.
    Kept,
    /// Its dispatch SLA passed with units still there (rule T4).
    Late,
    /// The node turned it down (rule R11).
    Rejected,
    /// The node gave no answer, or did not pick, in time.
    TimedOut,
    /// The node could not find units of it (rule S8).
    Short,
}

/// Fulfilments that were settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)] // one a [`Conduct`]
pub struct Settled {
    pub kept: u32,
    pub late: u32,
    pub rejected: u32,
    pub timed_out: u32,
    pub short: u32,
}

impl Settled {
    fn of_mut(&mut self, conduct: Conduct) -> &mut u32 {
        match conduct {
            Conduct::Kept => &mut self.kept,
            Conduct::Late => &mut self.late,
            Conduct::Rejected => &mut self.rejected,
            Conduct::TimedOut => &mut self.timed_out,
            Conduct::Short => &mut self.short,
        }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        let failed = [self.late, self.rejected, self.timed_out, self.short];
        u64::from(self.kept) + failed.into_iter().map(u64::from).sum::<u64>()
    }

    /// Those that were kept, in per mille; `None`: too few to say.
    pub fn score(&self) -> Option<u32> {
        let total = self.total();
        let share = || u64::from(self.kept) * u64::from(FULL_SCORE) / total;
        (total >= FEWEST_SETTLED).then(|| share() as u32)
    }

    fn add(&mut self, other: &Settled) {
        self.kept = self.kept.saturating_add(other.kept);
        self.late = self.late.saturating_add(other.late);
        self.rejected = self.rejected.saturating_add(other.rejected);
        self.timed_out = self.timed_out.saturating_add(other.timed_out);
        self.short = self.short.saturating_add(other.short);
    }
}

/// What one node settled, by day.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Scorecard {
    /// Days since 1970-01-01 on which anything was, oldest first: at most [`WINDOW_DAYS`].
    pub days: Vec<(i32, Settled)>,
}

/// The day of an instant, in days since 1970-01-01, UTC.
fn day_of(at_ms: i64) -> i32 {
    i32::try_from(at_ms.div_euclid(DAY_MS)).expect("record times are of four-digit years")
}

impl Scorecard {
    /// What was settled in the window that ends with the day of an instant, milliseconds since the Unix
    /// epoch.
    pub fn settled(&self, now_ms: i64) -> Settled {
        let today = day_of(now_ms);
        let mut sum = Settled::default();
        let counts = |day: i32| day > today - WINDOW_DAYS && day <= today;
        self.days.iter().filter(|(day, _)| counts(*day)).for_each(|(_, of_day)| sum.add(of_day));
        sum
    }

    /// The score at an instant; `None`: too few were settled to say.
    pub fn score(&self, now_ms: i64) -> Option<u32> {
        self.settled(now_ms).score()
    }

    /// Whether the row is as this module writes it: bounded, each day once and in order (I7).
    pub fn is_bounded(&self) -> bool {
        let in_order = self.days.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let span = self.days.first().zip(self.days.last()).map_or(0, |(old, new)| new.0 - old.0);
        in_order && span < WINDOW_DAYS
    }

    /// Adds one on the day of an instant. Of a day that no window holds any more, nothing is kept.
    fn count(&mut self, conduct: Conduct, at_ms: i64) {
        let day = day_of(at_ms);
        let newest = self.days.last().map_or(day, |(newest, _)| day.max(*newest));
        let oldest = newest - WINDOW_DAYS + 1;
        if day < oldest {
            return;
        }
        let place = self.days.partition_point(|(other, _)| *other < day);
        if self.days.get(place).is_none_or(|(other, _)| *other != day) {
            self.days.insert(place, (day, Settled::default()));
        }
        let units = self.days[place].1.of_mut(conduct);
        *units = units.saturating_add(1);
        if self.days[0].0 < oldest {
            self.days.retain(|(other, _)| *other >= oldest);
        }
    }

    /// Takes one back that was counted on the day of an instant, where that day is still kept.
    fn uncount(&mut self, conduct: Conduct, at_ms: i64) {
        let day = day_of(at_ms);
        let Ok(place) = self.days.binary_search_by_key(&day, |row| row.0) else { return };
        let units = self.days[place].1.of_mut(conduct);
        *units = units.saturating_sub(1);
        if self.days[place].1 == Settled::default() {
            self.days.remove(place);
        }
    }
}

impl Order {
    /// Whether the fulfilment at that place was counted before anything of it was settled.
    pub(crate) fn is_counted(&self, place: usize) -> bool {
        let breached = |clock: &&crate::SlaClock| clock.breached;
        self.fulfilments[place].missed_units()
            || self.slas().iter().filter(breached).any(|clock| clock.fulfilment as usize == place)
    }
}

/// Counts for a node what became of one of its fulfilments at an instant.
pub(crate) fn count<S: State>(state: &mut S, node: NodeIx, conduct: Conduct, at_ms: i64) {
    let mut card = state.scorecard(node).cloned().unwrap_or_default();
    card.count(conduct, at_ms);
    state.put_scorecard(node, card);
}

/// Takes back what was counted for a node at an instant.
pub(crate) fn uncount<S: State>(state: &mut S, node: NodeIx, conduct: Conduct, at_ms: i64) {
    let Some(mut card) = state.scorecard(node).cloned() else { return };
    card.uncount(conduct, at_ms);
    state.put_scorecard(node, card);
}

/// Counts what became of those of an order's fulfilments that were not counted before.
pub(crate) fn count_all<S: State>(
    state: &mut S,
    key: OrderKey,
    places: &[usize],
    conduct: Conduct,
    at_ms: i64,
) {
    let Some(order) = state.order(key) else { return };
    let fresh = places.iter().filter(|&&place| !order.is_counted(place));
    let nodes: Vec<NodeIx> = fresh.map(|&place| order.fulfilments[place].node).collect();
    for node in nodes {
        count(state, node, conduct, at_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn card(counts: &[(i32, Conduct)]) -> Scorecard {
        let mut card = Scorecard::default();
        for &(day, conduct) in counts {
            card.count(conduct, i64::from(day) * DAY_MS + 5);
        }
        card
    }

    #[test]
    fn a_score_is_the_share_that_was_kept_of_enough() {
        let nine = vec![(100, Conduct::Kept); 9];
        assert_eq!(card(&nine).score(100 * DAY_MS), None);
        let failed = [Conduct::Late, Conduct::Rejected, Conduct::TimedOut, Conduct::Short];
        for conduct in failed {
            let ten = [nine.clone(), vec![(101, conduct)]].concat();
            assert_eq!(card(&ten).score(101 * DAY_MS), Some(900), "{conduct:?}");
        }
    }

    #[test]
    fn what_is_older_than_the_window_does_not_count() {
        let old = card(&[(100, Conduct::Kept), (127, Conduct::Rejected)]);
        assert_eq!(old.settled(127 * DAY_MS).total(), 2);
        assert_eq!(old.settled(128 * DAY_MS).total(), 1);
        let newer = card(&[(100, Conduct::Kept), (128, Conduct::Rejected), (100, Conduct::Kept)]);
        assert_eq!(newer.settled(128 * DAY_MS), Settled { rejected: 1, ..Settled::default() });
        assert_eq!(newer.days.len(), 1);
    }

    #[test]
    fn i7_catches_days_that_no_window_holds() {
        let days = |days: &[i32]| Scorecard {
            days: days.iter().map(|&day| (day, Settled::default())).collect(),
        };
        assert!(days(&[]).is_bounded() && days(&[5, 32]).is_bounded());
        assert!(!days(&[5, 33]).is_bounded() && !days(&[5, 5]).is_bounded());
    }

    #[test]
    fn what_is_taken_back_leaves_no_trace() {
        let mut both = card(&[(100, Conduct::Late), (101, Conduct::Kept)]);
        both.uncount(Conduct::Late, 100 * DAY_MS);
        both.uncount(Conduct::Late, 99 * DAY_MS);
        assert_eq!(both, card(&[(101, Conduct::Kept)]));
    }

    proptest! {
        /// I7: whatever is counted in whatever order, a row stays small and in order, and says what a
        /// plain count of the window says.
        #[test]
        fn a_row_is_bounded_and_right(days in proptest::collection::vec(0i32..200, 1..200)) {
            let (mut card, mut newest) = (Scorecard::default(), 0);
            let mut kept: Vec<i32> = Vec::new();
            for day in days {
                card.count(Conduct::Kept, i64::from(day) * DAY_MS);
                newest = newest.max(day);
                if day > newest - WINDOW_DAYS {
                    kept.push(day);
                }
                prop_assert!(card.is_bounded());
            }
            let inside = kept.iter().filter(|&&day| day > newest - WINDOW_DAYS).count();
            prop_assert_eq!(card.settled(i64::from(newest) * DAY_MS).kept as usize, inside);
        }
    }
}
