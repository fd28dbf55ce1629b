//! RFC 3339 text to UTC milliseconds and back.

/// Text that is not an RFC 3339 instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an RFC 3339 time: {detail}")]
pub struct TimeError {
    /// The text as it came, its first 64 characters.
    pub text: String,
    /// What is wrong with it.
    pub detail: String,
}

/// The last instant that RFC 3339 can write: 9999-12-31T23:59:59.999Z, in milliseconds.
pub const MAX_TIME_MS: i64 = 253_402_300_799_999;

/// Milliseconds since the Unix epoch; finer digits are cut off, not rounded.
pub fn parse_time(text: &str) -> Result<i64, TimeError> {
    if let Some(ms) = parse_utc(text.as_bytes()) {
        return Ok(ms);
    }
    text.parse::<jiff::Timestamp>()
        .map(|instant| instant.as_millisecond())
        .map_err(|error| TimeError { text: crate::shortened(text), detail: error.to_string() })
}

/// `2025-06-02T10:00:00Z`, with milliseconds only where there are any.
///
/// # Panics
/// Where the time is outside the years -9999 to 9999.
pub fn format_time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).expect("a time within the calendar").to_string()
}

/// The usual form, `YYYY-MM-DDTHH:MM:SS[.mmm]Z`, without a calendar library: it is parsed once an
/// event. Anything else, odd but legal, is left to jiff.
fn parse_utc(text: &[u8]) -> Option<i64> {
    let millis = match text.len() {
        20 => 0,
        24 if text[19] == b'.' => digits(&text[20..23])?,
        _ => return None,
    };
    let shape = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if shape.iter().any(|&(at, mark)| text[at] != mark) || text[text.len() - 1] != b'Z' {
        return None;
    }
    let year = digits(&text[0..4])?;
    let month = digits(&text[5..7])?;
    let day = digits(&text[8..10])?;
    let (hour, minute, second) =
        (digits(&text[11..13])?, digits(&text[14..16])?, digits(&text[17..19])?);
    let in_range = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !in_range {
        return None;
    }
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds * 1_000 + millis)
}

/// The number that these digits write. What is no digit is noted and judged once at the end: this
/// runs for every event.
fn digits(text: &[u8]) -> Option<i64> {
    let mut sum = 0u32;
    let mut odd = 0u8;
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        odd |= u8::from(digit > 9);
        sum = sum.wrapping_mul(10).wrapping_add(u32::from(digit));
    }
    (odd == 0).then_some(i64::from(sum))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of the proleptic Gregorian calendar, by counting whole eras of 400 years
/// from a year that starts in March, so that the leap day is a year's last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_agrees_with_the_calendar_library() {
        let mut ms = -2_208_988_800_000; // 1900-01-01
        while ms < 4_102_444_800_000 {
            let text = format_time(ms);
            assert_eq!(parse_time(&text), Ok(ms), "{text}");
            ms += 86_400_000 * 3 + 3_723_001;
        }
    }

    #[test]
    fn offsets_and_finer_digits_are_read() {
        assert_eq!(parse_time("1970-01-01T01:00:00+01:00"), Ok(0));
        assert_eq!(parse_time("1970-01-01T00:00:00.0019Z"), Ok(1));
    }

    #[test]
    fn nonsense_is_named() {
        for text in ["", "yesterday", "2025-02-30T00:00:00Z", "2025-06-02T25:00:00Z"] {
            let error = parse_time(text).expect_err(text);
            assert_eq!(error.text, text);
        }
    }
}
