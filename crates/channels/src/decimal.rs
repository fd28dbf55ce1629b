//! Decimal text to integers of a smaller unit, exactly: `1.5` units are 1,500 milli-units. No
//! binary float is ever in between.

/// What to do with digits finer than the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finer {
    /// They must be zeros: money and quantities are never cut.
    Refuse,
    /// The nearest step, halves away from zero: places.
    Round,
}

/// Why a text is not a decimal of that unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecimalError {
    /// Not digits with at most one sign and one point.
    #[error("is not a decimal number")]
    NotDecimal,
    /// Finer than the unit.
    #[error("has more than {0} decimals")]
    TooFine(u32),
    /// Beyond 64 bits.
    #[error("is too large")]
    TooLarge,
}

/// `text` times ten to the power of `digits`.
pub(crate) fn scaled(text: &str, digits: u32, finer: Finer) -> Result<i64, DecimalError> {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err(DecimalError::NotDecimal);
    }
    let (kept, cut) = fraction.split_at(fraction.len().min(digits as usize));
    if finer == Finer::Refuse && cut.bytes().any(|byte| byte != b'0') {
        return Err(DecimalError::TooFine(digits));
    }
    let padding = digits as usize - kept.len();
    let mut steps = whole.bytes().chain(kept.bytes()).chain(std::iter::repeat_n(b'0', padding));
    let magnitude = steps
        .try_fold(0i64, |sum, byte| sum.checked_mul(10)?.checked_add(i64::from(byte - b'0')))
        .ok_or(DecimalError::TooLarge)?;
    let up = i64::from(cut.bytes().next().is_some_and(|byte| byte >= b'5'));
    let magnitude = magnitude.checked_add(up).ok_or(DecimalError::TooLarge)?;
    Ok(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_become_whole_steps() {
        for (text, digits, value) in [
            ("2", 3, 2_000),
            ("1.5", 3, 1_500),
            ("-0.001", 3, -1),
            ("+.25", 2, 25),
            ("7.", 0, 7),
            ("99.90", 1, 999),
            ("0", 0, 0),
            ("9223372036854775.807", 3, i64::MAX),
        ] {
            assert_eq!(scaled(text, digits, Finer::Refuse), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_is_finer_is_refused_or_rounded() {
        assert_eq!(scaled("1.005", 2, Finer::Refuse), Err(DecimalError::TooFine(2)));
        assert_eq!(scaled("-23.5456215", 6, Finer::Round), Ok(-23_545_622));
        assert_eq!(scaled("23.54562149", 6, Finer::Round), Ok(23_545_621));
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in ["", ".", "-", "1,5", "1e3", "1.2.3", " 1", "0x10", "--1", "١"] {
            assert_eq!(scaled(text, 2, Finer::Refuse), Err(DecimalError::NotDecimal), "{text}");
        }
        let error = scaled("9223372036854775.808", 3, Finer::Refuse);
        assert_eq!(error, Err(DecimalError::TooLarge));
    }

    proptest! {
        #[test]
        fn a_value_comes_back_from_its_text(value: i32, digits in 0u32..7) {
            let power = 10i64.pow(digits);
            let (whole, part) = (i64::from(value).abs() / power, i64::from(value).abs() % power);
            let sign = if value < 0 { "-" } else { "" };
            let width = digits as usize;
            let text = match digits {
                0 => format!("{sign}{whole}"),
                _ => format!("{sign}{whole}.{part:0width$}"),
            };
            prop_assert_eq!(scaled(&text, digits, Finer::Refuse), Ok(i64::from(value)));
        }
    }
}
