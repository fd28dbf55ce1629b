//! Correction by what became of the promises themselves: adaptive conformal inference.
//!
//! Each outcome moves the share of late orders that is aimed at: a late one down, one in time up,
//! in the ratio that leaves it where it is when the stated rate holds. Whatever the predictions
//! miss, in the long run the stated rate comes out. Outcomes arrive weeks after their promise, so
//! the gain is small: a larger one swings.
//!
//! An order that is not there when its day ends is late at that moment, not when it arrives at
//! last. But some never arrive, and a loss is no lateness: it counts at once for as much of a late
//! order as overdue orders have arrived at all, for the rest when it arrives, and for nothing when
//! it is given up.

use serde::{Deserialize, Serialize};

use super::fixed::exp2;
use super::scores::{MILLION, MOST_LATE_PPM};

/// A step at a late order, in 1/2^24 of a doubling of the aimed share: 1/1024.
const GAIN: i64 = 1 << 14;

/// The aimed share stays within four times and a quarter of the stated one.
const MOST: i64 = 2 << 24;

/// Overdue orders whose fate is remembered, half of each forgotten beyond.
const MAX_FATES: u32 = 1 << 12;

/// How far a promise has been counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Counted {
    /// Not yet.
    #[default]
    No,
    /// As late in part, in 1/65536: it is overdue.
    InPart(i64),
    /// It was given up, and counts for nothing.
    GivenUp,
}

/// The correction of the stated rate, which is the market's to change: it is given to each call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Feedback {
    /// Logarithm to base 2 of aimed share / stated share, in 1/2^24.
    shift: i64,
    /// Overdue orders that arrived, and that did not.
    arrived: u32,
    lost: u32,
}

const WHOLE: i64 = 1 << 16;

/// None yet; of overdue orders half are expected to arrive.
impl Default for Feedback {
    fn default() -> Self {
        Feedback { shift: 0, arrived: 2, lost: 2 }
    }
}

impl Feedback {
    /// The share to aim at, corrected and times 2 to the power of `tilt`/65536; at most 40 %.
    pub(super) fn aim_ppm(&self, late_ppm: u32, tilt: i32) -> u32 {
        let exponent = tilt + (self.shift >> 8) as i32;
        let aimed = (u128::from(late_ppm) * u128::from(exp2(exponent, 20))) >> 20;
        aimed.clamp(1, u128::from(MOST_LATE_PPM)) as u32
    }

    fn step(&mut self, by: i64) {
        self.shift = (self.shift + by).clamp(-MOST, MOST);
    }

    fn late(&mut self, late_ppm: u32, part: i64) {
        let step = GAIN * i64::from(MILLION - late_ppm) / i64::from(MILLION);
        self.step(-(step * part / WHOLE));
    }

    /// A promise was kept.
    pub(super) fn in_time(&mut self, late_ppm: u32) {
        self.step(GAIN * i64::from(late_ppm) / i64::from(MILLION));
    }

    /// The day of a promise ended without a delivery.
    pub(super) fn overdue(&mut self, late_ppm: u32, counted: &mut Counted) {
        if *counted == Counted::No {
            let part = WHOLE * i64::from(self.arrived) / i64::from(self.arrived + self.lost);
            self.late(late_ppm, part);
            *counted = Counted::InPart(part);
        }
    }

    /// A late order arrived after all.
    pub(super) fn arrived_late(&mut self, late_ppm: u32, counted: Counted) {
        match counted {
            Counted::No => self.late(late_ppm, WHOLE),
            Counted::InPart(part) => self.late(late_ppm, WHOLE - part),
            Counted::GivenUp => {}
        }
        self.arrived += 1;
        self.forget_old_fates();
    }

    /// An overdue order is not waited for any longer, or was called off.
    pub(super) fn given_up(&mut self, late_ppm: u32, counted: &mut Counted, is_lost: bool) {
        if let Counted::InPart(part) = *counted {
            self.late(late_ppm, -part);
            self.lost += u32::from(is_lost);
            self.forget_old_fates();
        }
        *counted = Counted::GivenUp;
    }

    fn forget_old_fates(&mut self) {
        if self.arrived + self.lost > MAX_FATES {
            self.arrived = self.arrived.div_ceil(2);
            self.lost = self.lost.div_ceil(2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stated_rate_leaves_the_aim_where_it_is() {
        let mut feedback = Feedback::default();
        for order in 0..5_000 {
            match order % 10 {
                0 => feedback.arrived_late(100_000, Counted::No),
                _ => feedback.in_time(100_000),
            }
        }
        let aim = feedback.aim_ppm(100_000, 0);
        assert!((99_500..=100_500).contains(&aim), "{aim}");
    }

    #[test]
    fn twice_the_stated_rate_lowers_the_aim_and_none_raises_it() {
        let (mut often, mut never) = (Feedback::default(), Feedback::default());
        for order in 0..10_000 {
            match order % 5 {
                0 => often.arrived_late(100_000, Counted::No),
                _ => often.in_time(100_000),
            }
            never.in_time(100_000);
        }
        assert!(often.aim_ppm(100_000, 0) < 60_000, "{}", often.aim_ppm(100_000, 0));
        assert!(never.aim_ppm(100_000, 0) > 180_000, "{}", never.aim_ppm(100_000, 0));
        (0..100_000).for_each(|_| often.arrived_late(100_000, Counted::No));
        assert_eq!(often.aim_ppm(100_000, 0), 25_000, "bounded at a quarter");
    }

    #[test]
    fn an_overdue_order_counts_at_once_and_once_in_all() {
        let (mut at_once, mut at_last) = (Feedback::default(), Feedback::default());
        let mut counted = Counted::No;
        at_once.overdue(50_000, &mut counted);
        assert!(at_once.shift < 0, "before it arrives");
        at_once.arrived_late(50_000, counted);
        at_last.arrived_late(50_000, Counted::No);
        assert!((at_once.shift - at_last.shift).abs() <= 1, "{at_once:?} {at_last:?}");
        let mut lost = Feedback::default();
        let mut counted = Counted::No;
        lost.overdue(50_000, &mut counted);
        lost.given_up(50_000, &mut counted, true);
        assert_eq!(lost.shift, 0, "a loss is no lateness");
        lost.given_up(50_000, &mut counted, true);
        assert_eq!((lost.shift, lost.lost), (0, 3), "once");
    }
}
