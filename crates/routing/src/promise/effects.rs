//! What groups of orders have in common: decayed means, shrunk towards the broader group.
//!
//! A value is told by stages from broad to narrow. Each stage learns what the stages before it
//! left over, and counts for `n / (n + k)` of it after `n` (decayed) observations. So a lane that
//! was never seen is told by its distance, and one with many orders by itself.

use rustc_hash::FxHashMap;

use super::facts::{Facts, Group, Moment};
use super::fixed::{ONE, clamp, left_after, times};

/// One stage. Its number is part of the key of its rows and never means something else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage {
    pub(super) number: u8,
    pub(super) group: Group,
    /// Days after which an observation counts half.
    pub(super) half_days: i32,
    /// Observations at which a group counts for half of its own mean.
    pub(super) shrink: i64,
}

/// A decayed count and sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum {
    /// Of the values, in 1/2^32.
    sum: i64,
    /// Observations, in 1/65536.
    pub(super) weight: i64,
    /// The day up to which it is decayed.
    day: i32,
}

impl Sum {
    /// As it stands on a day. A day before its own is its own.
    pub(super) fn on(mut self, day: i32, half_days: i32) -> Sum {
        let left = left_after(day.saturating_sub(self.day), half_days);
        self.sum = times(self.sum, left);
        self.weight = times(self.weight, left);
        self.day = self.day.max(day);
        self
    }

    fn mean(self, shrink: i64) -> i32 {
        clamp(self.sum / (self.weight + (shrink << 16)))
    }
}

/// Rows kept at most, some 40 bytes each. What comes when it is full is told by its broader group.
const MAX_ROWS: usize = 1 << 18;

/// A row that weighs less than a tenth of an observation is forgotten first.
const LIGHT: i64 = ONE as i64 / 10;

/// The sums of all groups of all stages.
#[derive(Debug, Default)]
pub(super) struct Effects {
    rows: FxHashMap<(u8, u64), Sum>,
    swept_day: i32,
}

impl Effects {
    /// The sum of the stages' means for an order, in the unit of what they observe.
    pub(super) fn tell(&self, stages: &[Stage], facts: &Facts, placed: Moment, day: i32) -> i32 {
        let mean = |stage: &Stage| self.mean(stage, stage.group.of(facts, placed), day);
        clamp(stages.iter().map(|stage| i64::from(mean(stage))).sum())
    }

    /// Learns a value: each stage what is left of it by the stages before.
    pub(super) fn learn(
        &mut self,
        stages: &[Stage],
        facts: &Facts,
        placed: Moment,
        value: i32,
        day: i32,
    ) -> i32 {
        let mut rest = value;
        for stage in stages {
            let group = stage.group.of(facts, placed);
            let known = self.mean(stage, group, day);
            let sum = self.on(stage.number, group, day, stage.half_days);
            self.put(stage.number, group, sum.with(rest), stage.half_days);
            rest -= known;
        }
        rest
    }

    fn mean(&self, stage: &Stage, group: u64, day: i32) -> i32 {
        self.on(stage.number, group, day, stage.half_days).mean(stage.shrink)
    }

    /// The sum of a group as of a day; of an unknown one, nothing.
    pub(super) fn on(&self, number: u8, group: u64, day: i32, half_days: i32) -> Sum {
        let unknown = Sum { day, ..Sum::default() };
        self.rows.get(&(number, group)).copied().unwrap_or(unknown).on(day, half_days)
    }

    /// Keeps the sum of a group, unless there is no room for another.
    pub(super) fn put(&mut self, number: u8, group: u64, sum: Sum, half_days: i32) {
        let is_full = self.rows.len() >= MAX_ROWS && !self.rows.contains_key(&(number, group));
        if is_full && self.swept_day < sum.day {
            // By the half life of who asks, for all rows. What is kept depends on each row alone, not
            // on the order in which rows are visited.
            self.rows.retain(|_, row| row.on(sum.day, half_days).weight >= LIGHT);
            self.swept_day = sum.day;
        }
        if !is_full || self.rows.len() < MAX_ROWS {
            self.rows.insert((number, group), sum);
        }
    }
}

impl Sum {
    /// With one more observation, in 1/65536.
    pub(super) fn with(mut self, value: i32) -> Sum {
        self.sum += i64::from(value) << 16;
        self.weight += i64::from(ONE);
        self
    }

    /// With a part of an observation less; never less than none.
    pub(super) fn without(mut self, weight: i64) -> Sum {
        self.weight = (self.weight - weight).max(0);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Stage = Stage { number: 1, group: Group::All, half_days: 60, shrink: 1 };
    const NODE: Stage = Stage { number: 2, group: Group::Node, half_days: 60, shrink: 4 };

    fn at(day: i32) -> Moment {
        Moment { ms: i64::from(day) * 86_400_000, day }
    }

    fn from(node: u64) -> Facts {
        let (areas, distance_m, weight_g) = ([0; 3], 0, 0);
        Facts { node, origin: 0, areas, distance_m, weight_g, nodes: 1, units: 1 }
    }

    #[test]
    fn an_unknown_node_is_told_by_all_and_a_known_one_by_itself() {
        let (stages, mut effects) = ([ALL, NODE], Effects::default());
        for _ in 0..200 {
            effects.learn(&stages, &from(1), at(0), ONE, 0);
            effects.learn(&stages, &from(2), at(0), 3 * ONE, 0);
        }
        let told = |node| effects.tell(&stages, &from(node), at(0), 0) as f64 / f64::from(ONE);
        assert!((told(1) - 1.0).abs() < 0.1, "{}", told(1));
        assert!((told(2) - 3.0).abs() < 0.1, "{}", told(2));
        assert!((told(3) - 2.0).abs() < 0.1, "{}", told(3));
    }

    #[test]
    fn what_is_old_counts_less() {
        let (stages, mut effects) = ([ALL], Effects::default());
        for _ in 0..100 {
            effects.learn(&stages, &from(1), at(0), ONE, 0);
        }
        for _ in 0..50 {
            effects.learn(&stages, &from(1), at(60), 3 * ONE, 60);
        }
        // 100 that count half and 50 that count: the mean is 2, but for what is shrunk.
        let told = effects.tell(&stages, &from(1), at(60), 60);
        assert!((told - 2 * ONE).abs() < ONE / 20, "{told}");
    }

    #[test]
    fn rows_are_bounded_and_the_lightest_go_first() {
        let (stages, mut effects) = ([NODE], Effects::default());
        for node in 0..MAX_ROWS as u64 + 10 {
            effects.learn(&stages, &from(node), at(0), ONE, 0);
        }
        assert_eq!(effects.rows.len(), MAX_ROWS);
        assert_eq!(effects.tell(&stages, &from(MAX_ROWS as u64 + 1), at(0), 0), 0);
        effects.learn(&stages, &from(7), at(300), ONE, 300);
        effects.learn(&stages, &from(u64::MAX), at(301), ONE, 301);
        assert_eq!(effects.rows.len(), 2, "all but the two that are young");
    }
}
