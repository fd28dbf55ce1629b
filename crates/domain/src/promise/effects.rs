//! What groups of orders have in common: decayed means, shrunk towards the broader group.
//!
//! A value is told by stages from broad to narrow. Each stage learns what the stages before it
//! left over, and counts for `n / (n + k)` of it after `n` (decayed) observations. So a lane that
//! was never seen is told by its distance, and one with many orders by itself.

use serde::{Deserialize, Serialize};

use super::facts::{Facts, Group, Moment};
use super::fixed::{ONE, clamp, left_after, times};
use super::memory::{Learned, LearnedKey, LearnedRow, Learning, Row};

/// One stage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage {
    pub(super) group: Group,
    /// Place of its sum in the group's row; never something else's.
    pub(super) slot: usize,
    /// Days after which an observation counts half.
    pub(super) half_days: i32,
    /// Observations at which a group counts for half of its own mean.
    pub(super) shrink: i64,
}

/// A decayed count and sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// Groups kept at most, some 200 bytes each. What comes when it is full is told by its broader group.
const MAX_GROUPS: u32 = 1 << 16;

/// A group of which no sum weighs a tenth of an observation makes room for another.
const LIGHT: i64 = ONE as i64 / 10;

/// By what half life that is judged, days.
const LIGHT_HALF_DAYS: i32 = 100;

/// Groups looked at for room at each group that finds none.
const MAX_LOOKS: usize = 8;

/// How many groups there are, and where room was looked for last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Room {
    groups: u32,
    looked_at: Option<LearnedKey>,
}

/// The sum of the stages' means for an order, in the unit of what they observe.
pub(super) fn tell<M: Learned>(
    memory: &M,
    stages: &[Stage],
    facts: &Facts,
    placed: Moment,
    day: i32,
) -> i32 {
    let means = stages.iter().map(|stage| {
        let sum = sum_on(memory, stage, stage.group.key(facts, placed), day);
        i64::from(sum.mean(stage.shrink))
    });
    clamp(means.sum())
}

/// Learns a value: each stage what is left of it by the stages before. Returns what is left by all.
pub(super) fn learn<M: Learning>(
    memory: &mut M,
    room: &mut Room,
    stages: &[Stage],
    (facts, placed): (&Facts, Moment),
    (value, day): (i32, i32),
) -> i32 {
    let mut rest = value;
    for stage in stages {
        let group = stage.group.key(facts, placed);
        let sum = sum_on(memory, stage, group, day);
        put(memory, room, (group, stage.slot), sum.with(rest));
        rest -= sum.mean(stage.shrink);
    }
    rest
}

/// The sum of a stage's group as of a day; of an unknown one, nothing.
pub(super) fn sum_on<M: Learned>(memory: &M, stage: &Stage, group: LearnedKey, day: i32) -> Sum {
    let sum = sums(memory, group).get(stage.slot).copied();
    sum.unwrap_or(Sum { day, ..Sum::default() }).on(day, stage.half_days)
}

fn sums<M: Learned>(memory: &M, group: LearnedKey) -> &[Sum] {
    match memory.learned(group) {
        Some(LearnedRow(Row::Sums(sums))) => sums,
        _ => &[],
    }
}

/// Keeps a sum of a group, unless there is no room for another group.
pub(super) fn put<M: Learning>(
    memory: &mut M,
    room: &mut Room,
    (group, slot): (LearnedKey, usize),
    sum: Sum,
) {
    let mut sums = sums(memory, group).to_vec();
    if sums.is_empty() {
        if room.groups >= MAX_GROUPS {
            make_room(memory, room, sum.day);
        }
        if room.groups >= MAX_GROUPS {
            return;
        }
        room.groups += 1;
    }
    if sums.len() <= slot {
        sums.resize(slot + 1, Sum::default());
    }
    sums[slot] = sum;
    memory.put_learned(group, Some(LearnedRow(Row::Sums(sums))));
}

/// Takes out what is light of the next few groups, round and round.
fn make_room<M: Learning>(memory: &mut M, room: &mut Room, day: i32) {
    let first = LearnedKey { kind: 0, number: 0 };
    for _ in 0..MAX_LOOKS {
        let next = memory.next_learned(room.looked_at.unwrap_or(first));
        room.looked_at = next.filter(|group| group.kind < LearnedKey::GROUPS);
        let Some(group) = room.looked_at else { continue };
        let is_light = |sum: &Sum| sum.on(day, LIGHT_HALF_DAYS).weight < LIGHT;
        if sums(memory, group).iter().all(is_light) {
            memory.put_learned(group, None);
            room.groups -= 1;
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
    use super::super::memory::Shelf;
    use super::*;

    const ALL: Stage = Stage { group: Group::All, slot: 0, half_days: 60, shrink: 1 };
    const NODE: Stage = Stage { group: Group::Node, slot: 2, half_days: 60, shrink: 4 };

    #[derive(Default)]
    struct Effects(Shelf, Room);

    impl Effects {
        fn learn(&mut self, stages: &[Stage], facts: &Facts, value: i32, day: i32) {
            learn(&mut self.0, &mut self.1, stages, (facts, at(day)), (value, day));
        }

        fn tell(&self, stages: &[Stage], facts: &Facts, day: i32) -> i32 {
            tell(&self.0, stages, facts, at(day), day)
        }
    }

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
            effects.learn(&stages, &from(1), ONE, 0);
            effects.learn(&stages, &from(2), 3 * ONE, 0);
        }
        let told = |node| effects.tell(&stages, &from(node), 0) as f64 / f64::from(ONE);
        assert!((told(1) - 1.0).abs() < 0.1, "{}", told(1));
        assert!((told(2) - 3.0).abs() < 0.1, "{}", told(2));
        assert!((told(3) - 2.0).abs() < 0.1, "{}", told(3));
    }

    #[test]
    fn what_is_old_counts_less() {
        let (stages, mut effects) = ([ALL], Effects::default());
        for _ in 0..100 {
            effects.learn(&stages, &from(1), ONE, 0);
        }
        for _ in 0..50 {
            effects.learn(&stages, &from(1), 3 * ONE, 60);
        }
        // 100 that count half and 50 that count: the mean is 2, but for what is shrunk.
        let told = effects.tell(&stages, &from(1), 60);
        assert!((told - 2 * ONE).abs() < ONE / 20, "{told}");
    }

    #[test]
    fn groups_are_bounded_and_the_light_ones_make_room() {
        let (stages, mut effects) = ([NODE], Effects::default());
        let most = u64::from(MAX_GROUPS);
        for node in 0..most + 10 {
            effects.learn(&stages, &from(node), ONE, 0);
        }
        assert_eq!(effects.0.rows() as u64, most);
        assert_eq!(effects.tell(&stages, &from(most + 1), 0), 0, "there was no room");
        effects.learn(&stages, &from(u64::MAX), ONE, 500);
        assert_ne!(effects.tell(&stages, &from(u64::MAX), 500), 0, "what is old made room");
        assert_eq!(effects.0.rows() as u64, most + 1 - MAX_LOOKS as u64);
    }
}
