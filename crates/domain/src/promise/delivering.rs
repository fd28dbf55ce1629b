//! The days that count: those on which parcels reach customers.
//!
//! What is learned is learned in such days, so that a holiday on the way of some orders does not make
//! their lane slow for those after them, and no promise ends on a day on which nothing is delivered.

use serde::{Deserialize, Serialize};

use super::facts::Moment;
use super::track::DAY_MS;

/// On which days a carrier delivers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryDays {
    /// Days of the week; bit 0 is Monday, and one of them is set.
    pub weekdays: u8,
    /// Days since 1970-01-01 on which it does not, sorted.
    pub off: Vec<i32>,
}

/// 1970-01-01 was a Thursday.
const FIRST_WEEKDAY: i32 = 3;

impl DeliveryDays {
    /// All days of the week.
    pub const EVERY_WEEKDAY: u8 = 0b111_1111;

    /// Every day of the year, for who keeps no calendar.
    pub const EVERY: DeliveryDays = DeliveryDays { weekdays: Self::EVERY_WEEKDAY, off: Vec::new() };

    fn is_on_weekday(&self, day: i32) -> bool {
        self.weekdays & (1 << day.wrapping_add(FIRST_WEEKDAY).rem_euclid(7)) != 0
    }

    /// Delivery days after a day, up to and with another; none where that is not later.
    pub(super) fn between(&self, after: i32, until: i32) -> i32 {
        let days = until.saturating_sub(after).max(0);
        let whole = days / 7 * self.weekdays.count_ones() as i32;
        let rest = (0..days % 7).filter(|rest| self.is_on_weekday(until - rest)).count() as i32;
        let position = |day| self.off.partition_point(|off| *off <= day);
        let off = self.off.get(position(after)..position(until)).unwrap_or_default();
        let lost = off.iter().filter(|day| self.is_on_weekday(**day)).count() as i32;
        whole + rest - lost
    }

    /// Delivery days that pass until something that is on its way since a day comes on another.
    /// What comes out of turn counts as coming on the next delivery day.
    pub(super) fn taken(&self, since: i32, delivered: i32) -> i32 {
        let until = self.from(delivered);
        self.between(since, until)
    }

    /// The first delivery day of these: a day and those after it.
    fn from(&self, day: i32) -> i32 {
        self.after(day.saturating_sub(1), 1)
    }

    /// The delivery day by which so many have passed after a day; with none, that day or the first
    /// after it.
    pub(super) fn after(&self, day: i32, count: i32) -> i32 {
        if count <= 0 {
            return self.from(day);
        }
        let mut reached = day;
        loop {
            // No more days than that are missing, so that it stops on the day itself.
            let missing = count - self.between(day, reached);
            if missing <= 0 || reached == i32::MAX {
                return reached;
            }
            reached = reached.saturating_add(missing);
        }
    }

    /// Milliseconds between two moments, without the days between them on which nothing is delivered.
    pub(super) fn elapsed_ms(&self, from: Moment, to: Moment) -> i64 {
        let days = to.day.saturating_sub(from.day).max(0) - self.between(from.day, to.day);
        let idle_ms = i64::from(days) * DAY_MS;
        to.ms.saturating_sub(from.ms).saturating_sub(idle_ms).max(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Monday to Friday, without 2018-01-01, a Monday.
    fn new_year() -> DeliveryDays {
        DeliveryDays { weekdays: 0b1_1111, off: vec![17_532] }
    }

    const FRIDAY: i32 = 17_529; // 2017-12-29

    #[test]
    fn a_holiday_and_a_weekend_do_not_count() {
        let days = new_year();
        assert_eq!(days.after(FRIDAY, 1), FRIDAY + 4, "Tuesday");
        assert_eq!(days.taken(FRIDAY, FRIDAY + 4), 1);
        assert_eq!(days.after(FRIDAY, 0), FRIDAY);
        assert_eq!(days.after(FRIDAY + 1, 0), FRIDAY + 4, "nothing comes before");
        assert_eq!(
            days.taken(FRIDAY, FRIDAY + 1),
            1,
            "what comes on Saturday is as early as Tuesday"
        );
        let at =
            |day: i32, hour: i64| Moment { ms: i64::from(day) * DAY_MS + hour * 3_600_000, day };
        assert_eq!(days.elapsed_ms(at(FRIDAY, 20), at(FRIDAY + 4, 8)), 12 * 3_600_000);
        assert_eq!(days.elapsed_ms(at(FRIDAY, 8), at(FRIDAY, 20)), 12 * 3_600_000);
    }

    #[test]
    fn the_end_of_the_calendar_is_an_end() {
        assert_eq!(new_year().after(i32::MAX - 3, 100), i32::MAX);
        assert_eq!(DeliveryDays::EVERY.after(10, 5), 15);
        assert_eq!(DeliveryDays::EVERY.taken(10, 15), 5);
    }

    proptest! {
        /// Both ways, beside a count day by day.
        #[test]
        fn as_counted_day_by_day(
            weekdays in 1u8..128,
            off in prop::collection::btree_set(0i32..120, 0..12),
            from in -5i32..60,
            count in 0i32..30,
        ) {
            let days = DeliveryDays { weekdays, off: off.iter().copied().collect() };
            let delivers = |day: &i32| days.is_on_weekday(*day) && !off.contains(day);
            let plain = match count {
                0 => (from..).find(delivers),
                _ => (from + 1..).filter(delivers).nth(count as usize - 1),
            };
            let reached = days.after(from, count);
            prop_assert_eq!(Some(reached), plain);
            let passed = (from + 1..=reached).filter(delivers).count() as i32;
            prop_assert_eq!(days.between(from, reached), passed);
            prop_assert_eq!(days.taken(from, reached), passed);
        }
    }
}
