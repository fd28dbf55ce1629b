//! Seeded choices. The same seed gives the same choices on every machine and in every build: the
//! sequence is xoshiro256++, a published algorithm, and what is made of it here uses integers
//! only. (Generators whose crates may change their sequence in a minor version are no use here.)

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

/// A sequence of choices.
#[derive(Debug, Clone)]
pub struct Random(Xoshiro256PlusPlus);

impl Random {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Random(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// The sequence of one part of a seeded whole, so that what one part draws does not move what
    /// another gets: order 7 stays order 7 whatever was drawn for order 6.
    pub fn of_part(seed: u64, part: u64) -> Self {
        let mixed = (seed ^ part.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Random::new(mixed ^ part)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from 0 to `bound - 1`.
    ///
    /// # Panics
    /// Where `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "nothing to choose from");
        // Multiply and shift: the bias is below bound / 2^64, far under what anyone could see.
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `low` to `high`, both possible.
    ///
    /// # Panics
    /// Where `high` is less than `low`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low).expect("low first") + 1;
        low + self.below(span) as i64
    }

    /// True in `parts` of a thousand cases.
    pub fn permille(&mut self, parts: u64) -> bool {
        self.below(1_000) < parts
    }

    /// One of these.
    ///
    /// # Panics
    /// Where there is none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }

    /// Puts a list into an arbitrary order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let chosen = self.below(last as u64 + 1) as usize;
            list.swap(last, chosen);
        }
    }
}

/// Places of a list, each chosen as often as its weight says.
#[derive(Debug, Clone)]
pub struct Weighted {
    /// Sum of the weights up to and including each place.
    sums: Vec<u64>,
}

impl Weighted {
    /// A table of these weights.
    ///
    /// # Panics
    /// Where they add up to 0.
    pub fn new(weights: impl IntoIterator<Item = u64>) -> Self {
        let mut total = 0;
        let sums: Vec<u64> = weights
            .into_iter()
            .map(|weight| {
                total += weight;
                total
            })
            .collect();
        assert!(total > 0, "nothing to choose from");
        Weighted { sums }
    }

    /// A place in the list.
    pub fn pick(&self, random: &mut Random) -> usize {
        let drawn = random.below(self.total());
        self.sums.partition_point(|&sum| sum <= drawn)
    }

    /// Sum of all weights.
    pub fn total(&self) -> u64 {
        *self.sums.last().expect("checked in new")
    }

    /// The weight of a place.
    pub fn weight(&self, place: usize) -> u64 {
        self.sums[place] - place.checked_sub(1).map_or(0, |before| self.sums[before])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_these_numbers_for_ever() {
        let mut random = Random::new(1);
        let drawn: Vec<u64> = (0..4).map(|_| random.below(1_000)).collect();
        // Worked out apart from this code: xoshiro256++ seeded by SplitMix64(1), times 1000.
        assert_eq!(drawn, [811, 747, 100, 746]);
    }

    #[test]
    fn parts_of_a_seed_are_different_and_repeatable() {
        let first = |seed, part| Random::of_part(seed, part).bits();
        assert_eq!(first(7, 3), first(7, 3));
        let mut seen: Vec<u64> = (0..1_000).map(|part| first(7, part)).collect();
        seen.push(first(8, 3));
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 1_001);
    }

    #[test]
    fn choices_stay_within_their_bounds_and_reach_them() {
        let mut random = Random::new(5);
        let drawn: Vec<i64> = (0..1_000).map(|_| random.between(-2, 2)).collect();
        assert_eq!(drawn.iter().min(), Some(&-2));
        assert_eq!(drawn.iter().max(), Some(&2));
    }

    #[test]
    fn a_weight_is_the_share_of_choices() {
        let table = Weighted::new([1, 0, 3]);
        let mut random = Random::new(9);
        let mut counts = [0u32; 3];
        for _ in 0..40_000 {
            counts[table.pick(&mut random)] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((9_500..10_500).contains(&counts[0]), "{counts:?}");
        assert_eq!((table.weight(0), table.weight(1), table.weight(2)), (1, 0, 3));
    }

    #[test]
    fn a_shuffle_keeps_every_element() {
        let mut list: Vec<u32> = (0..50).collect();
        Random::new(3).shuffle(&mut list);
        assert_ne!(list, (0..50).collect::<Vec<_>>());
        list.sort_unstable();
        assert_eq!(list, (0..50).collect::<Vec<_>>());
    }
}
