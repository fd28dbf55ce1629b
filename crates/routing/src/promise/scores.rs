//! How far off past predictions were: a histogram whose old entries count less, and its quantiles.

use super::fixed::{ONE, exp2};

/// Bins of 1/64 of a doubling, from -8 to 8 doublings.
const BINS: usize = 1_024;
const BIN_WIDTH: i32 = ONE / 64;
const LOWEST: i32 = -8 * ONE;

/// Instead of making old entries lighter every day, new ones are made heavier; after so many half
/// lives all are scaled down.
const RESCALE_HALVINGS: u32 = 20;

/// One million: rates are parts of it.
pub(super) const MILLION: u32 = 1_000_000;

/// No larger share of late orders is stated or aimed at.
pub(super) const MOST_LATE_PPM: u32 = 400_000;

/// Decayed scores, in 1/65536 of a doubling.
#[derive(Debug)]
pub(super) struct Scores {
    bins: Box<[u64]>,
    total: u64,
    half_days: i32,
    /// The day on which an entry weighs 65536; none before the first entry.
    origin: Option<i32>,
}

impl Scores {
    /// No scores; an entry counts half after so many days.
    pub(super) fn new(half_days: i32) -> Self {
        Scores { bins: vec![0; BINS].into_boxed_slice(), total: 0, half_days, origin: None }
    }

    /// One more score.
    pub(super) fn add(&mut self, score: i32, day: i32) {
        let origin = *self.origin.get_or_insert(day);
        let period = self.half_days * RESCALE_HALVINGS as i32;
        for _ in 0..(day.saturating_sub(origin) / period).min(4) {
            self.scale_down();
        }
        let bin = (score.saturating_sub(LOWEST) / BIN_WIDTH).clamp(0, BINS as i32 - 1);
        let weight = self.weight(day);
        self.bins[bin as usize] += weight;
        self.total += weight;
    }

    fn scale_down(&mut self) {
        self.bins.iter_mut().for_each(|bin| *bin >>= RESCALE_HALVINGS);
        self.total = self.bins.iter().sum();
        let period = self.half_days * RESCALE_HALVINGS as i32;
        self.origin = self.origin.map(|origin| origin + period);
    }

    /// What an entry of that day weighs. It is bounded, so that a leap of time cannot overflow.
    fn weight(&self, day: i32) -> u64 {
        let days = day.saturating_sub(self.origin.unwrap_or(day));
        let halvings = i64::from(days.max(0)) * i64::from(ONE) / i64::from(self.half_days);
        exp2(halvings.min(i64::from(RESCALE_HALVINGS) << 16) as i32, 16)
    }

    /// The score that a share of so many millionths lies above, counting the order that is asked
    /// for as one that may lie above them all (split conformal prediction). `None` while there are
    /// too few scores to state so small a share.
    pub(super) fn upper(&self, above_ppm: u32, day: i32) -> Option<i32> {
        let (above_ppm, million) = (u128::from(above_ppm), u128::from(MILLION));
        let own = u128::from(self.weight(day)) * (million - above_ppm);
        let allowed = (u128::from(self.total) * above_ppm).checked_sub(own)? / million;
        let allowed = u64::try_from(allowed).ok().filter(|allowed| *allowed > 0)?;
        let bins = self.bins.iter().enumerate().rev();
        let (bin, into) = find(bins, allowed)?;
        Some(LOWEST + (bin as i32 + 1) * BIN_WIDTH - into)
    }

    /// The score that a share of so many millionths lies below.
    pub(super) fn lower(&self, below_ppm: u32) -> Option<i32> {
        let allowed = u128::from(self.total) * u128::from(below_ppm) / u128::from(MILLION);
        let (bin, into) = find(self.bins.iter().enumerate(), u64::try_from(allowed).ok()?)?;
        Some(LOWEST + bin as i32 * BIN_WIDTH + into)
    }
}

/// The first bin at whose end more than `allowed` is passed, and how far into it that happens.
fn find<'a>(bins: impl Iterator<Item = (usize, &'a u64)>, allowed: u64) -> Option<(usize, i32)> {
    let mut passed = 0;
    for (bin, weight) in bins {
        if passed + weight > allowed {
            let share = u128::from(allowed - passed) * BIN_WIDTH as u128 / u128::from(*weight);
            return Some((bin, share as i32));
        }
        passed += weight;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hundred(half_days: i32) -> Scores {
        let mut scores = Scores::new(half_days);
        (1..=100).for_each(|score| scores.add(score * ONE / 16, 0));
        scores
    }

    #[test]
    fn a_tenth_lies_above_the_ninetieth_of_a_hundred() {
        let scores = hundred(60);
        let upper = scores.upper(100_000, 0).expect("enough scores");
        // 9.1 of 100 may lie above: between the 90th and the 91st, one bin wide.
        assert!((90 * ONE / 16..=92 * ONE / 16).contains(&upper), "{upper}");
        let lower = scores.lower(100_000).expect("scores");
        assert!((10 * ONE / 16..=11 * ONE / 16 + BIN_WIDTH).contains(&lower), "{lower}");
    }

    #[test]
    fn what_a_hundred_scores_cannot_tell_is_not_stated() {
        let scores = hundred(60);
        assert_eq!(scores.upper(9_000, 0), None, "100 scores do not tell 99.1 %");
        assert!(scores.upper(11_000, 0).is_some(), "but 98.9 %");
        assert_eq!(Scores::new(60).upper(500_000, 0), None);
    }

    #[test]
    fn new_scores_outweigh_old_ones_and_years_do_no_harm() {
        let mut scores = hundred(60);
        (0..100).for_each(|_| scores.add(-ONE, 600));
        let upper = scores.upper(100_000, 600).expect("enough scores");
        assert!(upper < 0, "ten half lives later: {upper}");
        for day in (0..2_000_000).step_by(1_201) {
            scores.add(2 * ONE, day);
        }
        assert!(scores.total < 1 << 40, "{}", scores.total);
    }

    #[test]
    fn scores_beyond_the_scale_stand_at_its_ends() {
        let mut scores = Scores::new(60);
        (0..10).for_each(|_| scores.add(i32::MAX, 0));
        assert!(scores.upper(500_000, 0).expect("scores") > 7 * ONE);
        (0..30).for_each(|_| scores.add(i32::MIN, 0));
        assert!(scores.upper(500_000, 0).expect("scores") < -7 * ONE);
    }
}
