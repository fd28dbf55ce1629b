//! How what is left over rises with one figure: a decayed, shrunk regression through the mean.

use serde::{Deserialize, Serialize};

use super::fixed::{clamp, left_after, product, times};

/// Days after which an observation counts half.
const HALF_DAYS: i32 = 400;

/// One figure's slope.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Slope {
    /// Observations, in 1/65536.
    weight: i64,
    /// Of the figure, in 1/2^32.
    sum: i64,
    /// Of its squared distance from the mean, in 1/2^32.
    squares: i64,
    /// Of that distance times what was left over, in 1/2^32.
    products: i64,
    day: i32,
}

impl Slope {
    /// What a figure (in 1/65536) adds. The slope believes in itself by half when its squares come to
    /// `shrink`.
    pub(super) fn tell(&self, figure: i32, shrink: i64) -> i32 {
        let slope = clamp(self.products / ((self.squares + (shrink << 32)) >> 16));
        product(slope, self.beside_mean(figure))
    }

    /// Learns what was left over where the figure stood so.
    pub(super) fn learn(&mut self, figure: i32, rest: i32, day: i32) {
        let left = left_after(day.saturating_sub(self.day), HALF_DAYS);
        for sum in [&mut self.weight, &mut self.sum, &mut self.squares, &mut self.products] {
            *sum = times(*sum, left);
        }
        self.day = self.day.max(day);
        self.weight += 1 << 16;
        self.sum += i64::from(figure) << 16;
        let beside_mean = i64::from(self.beside_mean(figure));
        self.squares += beside_mean * beside_mean;
        self.products += beside_mean * i64::from(rest);
    }

    fn beside_mean(&self, figure: i32) -> i32 {
        if self.weight == 0 { figure } else { figure - clamp(self.sum / self.weight) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixed::ONE;
    use super::*;

    #[test]
    fn a_slope_is_found_and_an_unsure_one_is_flat() {
        let mut slope = Slope::default();
        slope.learn(ONE, ONE, 0);
        assert_eq!(slope.tell(2 * ONE, 5), 0, "one point has no slope");
        for day in 0..400 {
            let figure = (day % 5 - 2) * ONE;
            slope.learn(figure, figure / 2 + ONE, day);
        }
        // The level belongs to the stages; only the slope of a half is learned.
        let rise = slope.tell(2 * ONE, 5) - slope.tell(0, 5);
        assert!((rise - ONE).abs() < ONE / 10, "{rise}");
    }
}
