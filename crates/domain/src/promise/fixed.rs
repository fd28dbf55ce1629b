//! Logarithms and powers of two in fixed point, the same on every machine.
//!
//! A value in "16ths" below is an integer of 1/65536: `1 << 16` is one.

/// One in 1/65536.
pub(super) const ONE: i32 = 1 << 16;

/// 2^(1/2), 2^(1/4), ... 2^(1/65536), each times 2^32, rounded.
const ROOTS: [u64; 16] = [
    6_074_001_000,
    5_107_605_667,
    4_683_695_048,
    4_485_121_744,
    4_389_014_833,
    4_341_736_423,
    4_318_288_544,
    4_306_612_134,
    4_300_785_774,
    4_297_875_550,
    4_296_421_177,
    4_295_694_175,
    4_295_330_720,
    4_295_149_004,
    4_295_058_149,
    4_295_012_722,
];

/// Logarithm to base 2 in 1/65536, rounded down. Of zero: that of one.
pub(super) fn log2(value: u64) -> i32 {
    let value = value.max(1);
    let whole = 63 - value.leading_zeros();
    // The rest as 1.x with 32 binary places; squaring it brings one binary place of its logarithm.
    let mut rest = if whole <= 32 { value << (32 - whole) } else { value >> (whole - 32) };
    let mut places = 0;
    for _ in 0..16 {
        let square = ((u128::from(rest) * u128::from(rest)) >> 32) as u64;
        let carried = square >> 33;
        rest = square >> carried;
        places = places << 1 | carried as i32;
    }
    (whole as i32) << 16 | places
}

/// 2 to the power of `exponent`/65536, times 2^`binary_places`, rounded down; at most 2^62.
pub(super) fn exp2(exponent: i32, binary_places: u32) -> u64 {
    let mut product = 1 << 32;
    for (place, root) in ROOTS.iter().enumerate() {
        if exponent & (1 << (15 - place)) != 0 {
            product = ((u128::from(product) * u128::from(*root)) >> 32) as u64;
        }
    }
    let shift = (exponent >> 16) + binary_places as i32 - 32;
    match shift {
        0..=29 => product << shift,
        30.. => 1 << 62,
        _ => product.checked_shr(shift.unsigned_abs()).unwrap_or(0),
    }
}

/// What is left of one after so many days, times 2^32, where half is left after `half_days`.
pub(super) fn left_after(days: i32, half_days: i32) -> u64 {
    if days <= 0 {
        return 1 << 32;
    }
    let halvings = i64::from(days) * i64::from(ONE) / i64::from(half_days);
    exp2(-(halvings.min(64 << 16) as i32), 32)
}

/// A signed amount times a factor of 2^32.
pub(super) fn times(amount: i64, factor: u64) -> i64 {
    ((i128::from(amount) * i128::from(factor)) >> 32) as i64
}

/// The product of two values in 1/65536.
pub(super) fn product(a: i32, b: i32) -> i32 {
    clamp((i64::from(a) * i64::from(b)) >> 16)
}

/// An intermediate result as a value again: far beyond what any duration needs.
pub(super) fn clamp(value: i64) -> i32 {
    const MOST: i64 = 64 << 16;
    value.clamp(-MOST, MOST) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_logarithms_and_powers_come_out() {
        assert_eq!([log2(0), log2(1), log2(2), log2(1 << 40)], [0, 0, ONE, 40 * ONE]);
        assert_eq!(log2(3), 103_872); // 1.58496 x 65536 = 103,872.0
        assert_eq!(exp2(10 * ONE, 0), 1_024);
        assert_eq!(exp2(ONE / 2, 20), 1_482_910); // the root of two
        assert_eq!(exp2(-ONE, 16), 1 << 15);
        assert_eq!(exp2(i32::MIN, 0), 0);
        assert_eq!(exp2(i32::MAX, 32), 1 << 62);
    }

    #[test]
    fn half_is_left_after_the_half_life() {
        assert_eq!(left_after(0, 60), 1 << 32);
        assert_eq!(left_after(-5, 60), 1 << 32);
        assert_eq!(left_after(60, 60), 1 << 31);
        assert_eq!(left_after(180, 60), 1 << 29);
        assert_eq!(left_after(i32::MAX, 1), 0);
    }

    proptest! {
        /// A power undoes a logarithm, to four digits; both rise with what they are of.
        #[test]
        fn they_undo_each_other(value in 1_000u64..1 << 50, more in 0u64..1 << 40) {
            let back = exp2(log2(value), 0);
            prop_assert!(back <= value && value - back <= value / 20_000 + 1, "{value} {back}");
            prop_assert!(log2(value + more) >= log2(value));
            prop_assert!(exp2(log2(value + more), 0) >= back);
        }
    }
}
