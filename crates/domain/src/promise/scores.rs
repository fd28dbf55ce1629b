//! How far off past predictions were: a histogram whose old entries count less, and its quantiles.

use serde::{Deserialize, Serialize};

use super::fixed::{ONE, exp2};
use super::memory::{Learned, LearnedKey, LearnedRow, Learning, Row};

/// Bins of 1/64 of a doubling, from -8 to 8 doublings.
const BINS: usize = 1_024;
/// Bins of one row.
const PIECE: usize = 64;
const PIECES: u64 = (BINS / PIECE) as u64;
const BIN_WIDTH: i32 = ONE / 64;
const LOWEST: i32 = -8 * ONE;

/// Scores, as heavy as new ones, that lie above a quantile at least: what one or two outcomes say of
/// the tail is chance.
const LEAST_BEYOND: u64 = 3;

/// Instead of making old entries lighter every day, new ones are made heavier; after so many half
/// lives all are scaled down.
const RESCALE_HALVINGS: u32 = 20;

/// One million: rates are parts of it.
pub(super) const MILLION: u32 = 1_000_000;

/// No larger share of late orders is stated or aimed at.
pub(super) const MOST_LATE_PPM: u32 = 400_000;

/// One histogram's bins in the memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bins {
    /// Number of its track.
    pub(super) track: u8,
    /// Days after which an entry counts half.
    pub(super) half_days: i32,
}

/// Decayed scores, in 1/65536 of a doubling: what stands beside their bins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Scores {
    total: u64,
    /// The day on which an entry weighs 65536; none before the first entry.
    origin: Option<i32>,
}

impl Bins {
    fn piece<M: Learned>(self, memory: &M, piece: u64) -> &[u64] {
        match memory.learned(LearnedKey::bins(self.track, piece)) {
            Some(LearnedRow(Row::Bins(bins))) => bins,
            _ => &[0; PIECE],
        }
    }

    fn change<M: Learning>(self, memory: &mut M, piece: u64, change: impl FnOnce(&mut [u64])) {
        let mut bins = self.piece(memory, piece).to_vec();
        change(&mut bins);
        let row = Some(LearnedRow(Row::Bins(bins)));
        memory.put_learned(LearnedKey::bins(self.track, piece), row);
    }

    /// Every bin that holds something, lowest first: (its number, what it holds).
    fn rising<M: Learned>(self, memory: &M) -> impl Iterator<Item = (usize, u64)> {
        (0..PIECES).flat_map(move |piece| numbered(piece, self.piece(memory, piece)))
    }

    /// As [`Bins::rising`], highest first.
    fn falling<M: Learned>(self, memory: &M) -> impl Iterator<Item = (usize, u64)> {
        (0..PIECES).rev().flat_map(move |piece| numbered(piece, self.piece(memory, piece)).rev())
    }

    /// What an entry of a day weighs. It is bounded, so that a leap of time cannot overflow.
    fn weight(self, origin: Option<i32>, day: i32) -> u64 {
        let days = day.saturating_sub(origin.unwrap_or(day));
        let halvings = i64::from(days.max(0)) * i64::from(ONE) / i64::from(self.half_days);
        exp2(halvings.min(i64::from(RESCALE_HALVINGS) << 16) as i32, 16)
    }
}

fn numbered(piece: u64, bins: &[u64]) -> impl DoubleEndedIterator<Item = (usize, u64)> {
    let first = piece as usize * PIECE;
    bins.iter().enumerate().map(move |(bin, &weight)| (first + bin, weight))
}

fn bin_of(score: i32) -> usize {
    (score.saturating_sub(LOWEST) / BIN_WIDTH).clamp(0, BINS as i32 - 1) as usize
}

impl Scores {
    /// One more score.
    pub(super) fn add<M: Learning>(&mut self, memory: &mut M, bins: Bins, score: i32, day: i32) {
        let origin = *self.origin.get_or_insert(day);
        let period = bins.half_days * RESCALE_HALVINGS as i32;
        for _ in 0..(day.saturating_sub(origin) / period).min(4) {
            self.scale_down(memory, bins);
        }
        let (bin, weight) = (bin_of(score), bins.weight(self.origin, day));
        bins.change(memory, (bin / PIECE) as u64, |piece| piece[bin % PIECE] += weight);
        self.total += weight;
    }

    fn scale_down<M: Learning>(&mut self, memory: &mut M, bins: Bins) {
        for piece in 0..PIECES {
            bins.change(memory, piece, |piece| {
                piece.iter_mut().for_each(|bin| *bin >>= RESCALE_HALVINGS);
            });
        }
        self.total = bins.rising(memory).map(|(_, weight)| weight).sum();
        let period = bins.half_days * RESCALE_HALVINGS as i32;
        self.origin = self.origin.map(|origin| origin + period);
    }

    /// The score that a share of so many millionths lies above, counting the order that is asked
    /// for as one that may lie above them all (split conformal prediction). `None` while there are
    /// too few scores to state so small a share: [`LEAST_BEYOND`] have to lie above.
    pub(super) fn upper<M: Learned>(
        &self,
        memory: &M,
        bins: Bins,
        above_ppm: u32,
        day: i32,
    ) -> Option<i32> {
        self.upper_of(self.total, (memory, bins), above_ppm, day)
    }

    /// As [`Scores::upper`], of those scores alone that lie above one: what is to come of an order
    /// that has come so far already.
    pub(super) fn upper_beyond<M: Learned>(
        &self,
        memory: &M,
        bins: Bins,
        score: i32,
        (above_ppm, day): (u32, i32),
    ) -> Option<i32> {
        let beyond = bins.falling(memory).take_while(|&(bin, _)| bin > bin_of(score));
        let total = beyond.map(|(_, weight)| weight).sum();
        self.upper_of(total, (memory, bins), above_ppm, day)
    }

    fn upper_of<M: Learned>(
        &self,
        total: u64,
        (memory, bins): (&M, Bins),
        above_ppm: u32,
        day: i32,
    ) -> Option<i32> {
        let (above_ppm, million) = (u128::from(above_ppm), u128::from(MILLION));
        let own = u128::from(bins.weight(self.origin, day)) * (million - above_ppm);
        let allowed = (u128::from(total) * above_ppm).checked_sub(own)? / million;
        let least = LEAST_BEYOND * bins.weight(self.origin, day);
        let allowed = u64::try_from(allowed).ok().filter(|allowed| *allowed >= least)?;
        let (bin, into) = find(bins.falling(memory), allowed)?;
        Some(LOWEST + (bin as i32 + 1) * BIN_WIDTH - into)
    }

    /// The score that a share of so many millionths lies below.
    pub(super) fn lower<M: Learned>(&self, memory: &M, bins: Bins, below_ppm: u32) -> Option<i32> {
        let allowed = u128::from(self.total) * u128::from(below_ppm) / u128::from(MILLION);
        let (bin, into) = find(bins.rising(memory), u64::try_from(allowed).ok()?)?;
        Some(LOWEST + bin as i32 * BIN_WIDTH + into)
    }
}

/// The first bin at whose end more than `allowed` is passed, and how far into it that happens.
fn find(bins: impl Iterator<Item = (usize, u64)>, allowed: u64) -> Option<(usize, i32)> {
    let mut passed = 0;
    for (bin, weight) in bins {
        if passed + weight > allowed {
            let share = u128::from(allowed - passed) * BIN_WIDTH as u128 / u128::from(weight);
            return Some((bin, share as i32));
        }
        passed += weight;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::memory::Shelf;
    use super::*;

    const BINS: Bins = Bins { track: 0, half_days: 60 };

    #[derive(Default)]
    struct Histogram(Shelf, Scores);

    impl Histogram {
        fn add(&mut self, score: i32, day: i32) {
            self.1.add(&mut self.0, BINS, score, day);
        }

        fn upper(&self, above_ppm: u32, day: i32) -> Option<i32> {
            self.1.upper(&self.0, BINS, above_ppm, day)
        }

        fn lower(&self, below_ppm: u32) -> Option<i32> {
            self.1.lower(&self.0, BINS, below_ppm)
        }
    }

    fn hundred() -> Histogram {
        let mut scores = Histogram::default();
        (1..=100).for_each(|score| scores.add(score * ONE / 16, 0));
        scores
    }

    #[test]
    fn a_tenth_lies_above_the_ninetieth_of_a_hundred() {
        let scores = hundred();
        let upper = scores.upper(100_000, 0).expect("enough scores");
        // 9.1 of 100 may lie above: between the 90th and the 91st, one bin wide.
        assert!((90 * ONE / 16..=92 * ONE / 16).contains(&upper), "{upper}");
        let lower = scores.lower(100_000).expect("scores");
        assert!((10 * ONE / 16..=11 * ONE / 16 + BIN_WIDTH).contains(&lower), "{lower}");
    }

    #[test]
    fn of_those_beyond_the_half_a_fifth_is_a_tenth_of_all() {
        let scores = hundred();
        let beyond = |score, ppm| scores.1.upper_beyond(&scores.0, BINS, score, (ppm, 0));
        let upper = beyond(50 * ONE / 16, 200_000).expect("enough scores");
        // 9.2 of the 50 above may lie above.
        assert!((90 * ONE / 16..=92 * ONE / 16).contains(&upper), "{upper}");
        assert_eq!(beyond(98 * ONE / 16, 200_000), None, "two scores tell no fifth");
    }

    #[test]
    fn what_a_hundred_scores_cannot_tell_is_not_stated() {
        let scores = hundred();
        assert_eq!(scores.upper(30_000, 0), None, "100 scores do not tell 97 %");
        assert!(scores.upper(40_000, 0).is_some(), "but 96 %");
        assert_eq!(Histogram::default().upper(500_000, 0), None);
    }

    #[test]
    fn new_scores_outweigh_old_ones_and_years_do_no_harm() {
        let mut scores = hundred();
        (0..100).for_each(|_| scores.add(-ONE, 600));
        let upper = scores.upper(100_000, 600).expect("enough scores");
        assert!(upper < 0, "ten half lives later: {upper}");
        for day in (0..2_000_000).step_by(1_201) {
            scores.add(2 * ONE, day);
        }
        assert!(scores.1.total < 1 << 40, "{}", scores.1.total);
    }

    #[test]
    fn scores_beyond_the_scale_stand_at_its_ends() {
        let mut scores = Histogram::default();
        (0..10).for_each(|_| scores.add(i32::MAX, 0));
        assert!(scores.upper(500_000, 0).expect("scores") > 7 * ONE);
        (0..30).for_each(|_| scores.add(i32::MIN, 0));
        assert!(scores.upper(500_000, 0).expect("scores") < -7 * ONE);
    }
}
