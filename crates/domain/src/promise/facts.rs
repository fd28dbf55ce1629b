//! What is known of an order when it is placed, and the groups it belongs to.

use serde::{Deserialize, Serialize};

use super::fixed::{ONE, log2};
use super::memory::LearnedKey;

/// A moment as it is needed here: for durations, and for promises, which are dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment {
    /// Milliseconds since the Unix epoch.
    pub ms: i64,
    /// The local date where the order is delivered, in days since 1970-01-01.
    pub day: i32,
}

/// What is known of an order when it is placed. Places and nodes are numbers that the caller gives
/// and keeps: only whether two are the same is read from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The node that ships, the farthest where there are several.
    pub node: u64,
    /// The region in which that node is.
    pub origin: u64,
    /// Where it goes, from broad to narrow: a region, an area of it, an area of that.
    pub areas: [u64; 3],
    /// From node to destination, metres.
    pub distance_m: u32,
    /// Of all units together, grams; 0 where unknown.
    pub weight_g: u32,
    /// Nodes that ship a part of it.
    pub nodes: u32,
    /// Units.
    pub units: u32,
}

/// By what orders are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// All orders.
    All,
    /// The day of the week on which it was placed.
    Weekday,
    /// The node that ships.
    Node,
    /// A band of distance: half a doubling of (20 km + distance).
    Distance,
    /// A band of weight: a doubling of (200 g + weight).
    Weight,
    /// The destination's region, its area, or the area of that.
    Area(usize),
    /// From one region to another.
    Lane,
    /// Whether several nodes ship, and whether there are one, two or more units.
    Parts,
}

const NEAR_M: u64 = 20_000;
const LIGHT_G: u64 = 200;

impl Group {
    /// The group's row.
    pub(super) fn key(self, facts: &Facts, placed: Moment) -> LearnedKey {
        LearnedKey { kind: self.kind(), number: self.of(facts, placed) }
    }

    /// Its kind, as in the rows' keys: below [`LearnedKey::GROUPS`], and never anything else's.
    fn kind(self) -> u8 {
        match self {
            Group::All => 0,
            Group::Weekday => 1,
            Group::Node => 2,
            Group::Distance => 3,
            Group::Weight => 4,
            Group::Area(depth) => 5 + depth as u8,
            Group::Lane => 8,
            Group::Parts => 9,
        }
    }

    /// The group's number. Of different kinds of groups, the same number means nothing.
    fn of(self, facts: &Facts, placed: Moment) -> u64 {
        match self {
            Group::All => 0,
            Group::Weekday => placed.day.rem_euclid(7) as u64,
            Group::Node => facts.node,
            Group::Distance => band(u64::from(facts.distance_m), NEAR_M, ONE / 2),
            Group::Weight => band(u64::from(facts.weight_g), LIGHT_G, ONE),
            Group::Area(depth) => facts.areas[depth],
            Group::Lane => lane(facts.origin, facts.areas[0]),
            Group::Parts => u64::from(facts.nodes.min(2) * 4 + facts.units.min(3)),
        }
    }
}

/// Which band of so many doublings (in 1/65536) above `least` a value is in.
fn band(value: u64, least: u64, width: i32) -> u64 {
    ((log2(least + value) - log2(least)) / width) as u64
}

/// One number of two. Lanes that share one by chance learn together, which costs exactness only.
fn lane(from: u64, to: u64) -> u64 {
    from.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32) ^ to
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_widen_with_distance() {
        let bands = |metres: &[u64]| -> Vec<u64> {
            metres.iter().map(|metres| band(*metres, NEAR_M, ONE / 2)).collect()
        };
        assert_eq!(bands(&[0, 8_000, 9_000, 20_000, 2_540_000]), [0, 0, 1, 2, 14]);
    }

    #[test]
    fn a_lane_has_a_direction() {
        assert_ne!(lane(1, 2), lane(2, 1));
        assert_eq!(lane(1, 2), lane(1, 2));
    }
}
