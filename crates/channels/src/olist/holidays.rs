//! The days on which parcels are delivered in Brazil, as anybody could know them years before.

use jiff::civil::{Date, date};

/// Easter Sundays of the files' years. Carnival, Good Friday and Corpus Christi hang on them.
const EASTER: [Date; 3] = [date(2016, 3, 27), date(2017, 4, 16), date(2018, 4, 1)];

/// Monday and Tuesday of carnival, Good Friday and Corpus Christi: days from Easter Sunday.
const MOVABLE: [i64; 4] = [-48, -47, -2, 60];

/// (Month, day): New Year, Tiradentes, Labour Day, Independence, Our Lady of Aparecida, All Souls, the
/// Republic, Christmas.
const FIXED: [(i8, i8); 8] =
    [(1, 1), (4, 21), (5, 1), (9, 7), (10, 12), (11, 2), (11, 15), (12, 25)];

/// Monday is 1.
pub const DELIVERS: [u32; 5] = [1, 2, 3, 4, 5];

/// The holidays that the banks keep, with them the post (laws 662 of 1949, 6,802 of 1980 and 9,093 of
/// 1995; resolution 2,932 of the central bank), sorted.
pub fn holidays() -> Vec<Date> {
    let of_year = |easter: &Date| {
        let movable = MOVABLE.map(|days| *easter + jiff::Span::new().days(days));
        let fixed = FIXED.map(|(month, day)| date(easter.year(), month, day));
        movable.into_iter().chain(fixed)
    };
    let mut days: Vec<Date> = EASTER.iter().flat_map(of_year).collect();
    days.sort_unstable();
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn movable_feasts_are_on_their_dates() {
        let days = holidays();
        for day in [
            date(2016, 5, 26),
            date(2017, 2, 27),
            date(2017, 2, 28),
            date(2017, 4, 14),
            date(2018, 2, 13),
            date(2018, 5, 31),
            date(2018, 12, 25),
        ] {
            assert!(days.contains(&day), "{day}");
        }
        assert_eq!(days.len(), 36);
    }
}
