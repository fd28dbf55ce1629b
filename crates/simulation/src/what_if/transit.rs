//! How long parcels were under way, and how long others like them would be.

use std::collections::BTreeMap;

/// Deliveries that make a group: of fewer, those of a broader one say more.
const ENOUGH: usize = 5;

/// An order, and a node that shipped it or a part of it.
pub(super) type Sender = (String, String);

/// One way: metres, and milliseconds from leaving to the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    pub metres: u32,
    pub took_ms: i64,
}

/// How long parcels are under way in a replay, milliseconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Transit {
    known: BTreeMap<Sender, Way>,
    by_lane: BTreeMap<(String, u32), i64>,
    by_band: BTreeMap<u32, i64>,
    all: Option<i64>,
}

impl Transit {
    /// Learns from ways that were gone.
    pub fn learn(known: BTreeMap<Sender, Way>) -> Self {
        let mut lanes: BTreeMap<(String, u32), Vec<i64>> = BTreeMap::new();
        let mut bands: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
        for ((_, node), way) in &known {
            let band = band(way.metres);
            lanes.entry((node.clone(), band)).or_default().push(way.took_ms);
            bands.entry(band).or_default().push(way.took_ms);
        }
        let mut all: Vec<i64> = known.values().map(|way| way.took_ms).collect();
        Transit {
            by_lane: lanes.into_iter().filter_map(median).collect(),
            by_band: bands.into_iter().filter_map(median).collect(),
            all: (!all.is_empty()).then(|| middle(&mut all)),
            known,
        }
    }

    /// How long a parcel is under way: as long as the same order from the same node was, else the median of
    /// the node over about that distance, of all nodes over it, of all. `None` where nothing was ever
    /// delivered.
    pub fn of(&self, sender: &Sender, metres: u32) -> Option<i64> {
        let band = band(metres);
        let known = self.known.get(sender).map(|way| way.took_ms);
        known
            .or_else(|| self.by_lane.get(&(sender.1.clone(), band)).copied())
            .or_else(|| self.by_band.get(&band).copied())
            .or(self.all)
    }
}

/// Distances of which none is twice another: 0 below a kilometre or unknown, 1 below two, 2 below four.
fn band(metres: u32) -> u32 {
    u32::BITS - (metres / 1_000).leading_zeros()
}

/// The median of a group that is large enough.
fn median<K>((group, mut times): (K, Vec<i64>)) -> Option<(K, i64)> {
    (times.len() >= ENOUGH).then(|| (group, middle(&mut times)))
}

/// The middle of some numbers, of which there is one at least.
pub(super) fn middle(numbers: &mut [i64]) -> i64 {
    let half = numbers.len() / 2;
    *numbers.select_nth_unstable(half).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(order: &str, node: &str) -> (String, String) {
        (order.to_owned(), node.to_owned())
    }

    #[test]
    fn the_same_way_takes_as_long_again_and_others_what_the_narrowest_group_that_is_known_takes() {
        let nothing = Transit::learn(BTreeMap::new());
        assert_eq!(nothing.of(&key("x", "N"), 5_000), None, "nothing was ever delivered");
        let mut known = BTreeMap::from([(key("o", "O"), Way { metres: 5_500, took_ms: 7 })]);
        for (nth, took_ms) in [40, 10, 50, 20, 30].into_iter().enumerate() {
            for (node, metres, more) in [("N", 5_000, 0), ("M", 6_000, 100), ("F", 900_000, 1_000)]
            {
                let way = Way { metres, took_ms: took_ms + more };
                known.insert(key(&format!("{node}{nth}"), node), way);
            }
        }
        let transit = Transit::learn(known);
        assert_eq!(transit.of(&key("N0", "N"), 5_000), Some(40), "as it was");
        assert_eq!(
            transit.of(&key("new", "N"), 4_100),
            Some(30),
            "the node, over about that distance"
        );
        assert_eq!(transit.of(&key("new", "O"), 5_000), Some(50), "one delivery makes no group");
        assert_eq!(transit.of(&key("new", "N"), 800_000), Some(1_030), "other nodes, as far");
        assert_eq!(transit.of(&key("new", "N"), 100_000), Some(130), "nobody went as far");
    }

    #[test]
    fn bands_double() {
        let bands = [0, 999, 1_000, 1_999, 2_000, 3_999, 4_000, u32::MAX].map(band);
        assert_eq!(bands, [0, 0, 1, 1, 2, 2, 3, 23]);
    }
}
