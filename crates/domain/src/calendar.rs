//! Local days, cut-offs and working days (rules T1 to T4). Pure date arithmetic: instants are
//! milliseconds since the Unix epoch, zones are IANA names looked up in the data that is compiled
//! in, never in the machine's, so that every machine agrees.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// Days looked at before a calendar is taken to have no working day at all: two years.
const MAX_DAYS: u32 = 732;

/// A zone of the compiled-in data.
pub fn zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

/// The local date of an instant, in days since 1970-01-01. Instants outside jiff's years have none.
pub fn local_day(zone: &TimeZone, at_ms: i64) -> Option<i32> {
    local_date(zone, at_ms).map(day_number)
}

/// The instant at which a local day begins: midnight, or where a clock change skips it, the first
/// instant after.
pub fn start_of_day(zone: &TimeZone, day: i32) -> Option<i64> {
    start_of(zone, date_of(day)?)
}

/// The date of a day since 1970-01-01.
pub fn date_of(day: i32) -> Option<Date> {
    EPOCH.checked_add(day.days()).ok()
}

/// The day since 1970-01-01 of a date written `YYYY-MM-DD`.
pub fn day_named(text: &str) -> Option<i32> {
    let date: Date = text.parse().ok()?;
    (text.len() == 10).then(|| day_number(date))
}

const NANOS_A_MINUTE: i64 = 60_000_000_000;
const EPOCH: Date = Date::constant(1970, 1, 1);

fn local(zone: &TimeZone, at_ms: i64) -> Option<jiff::civil::DateTime> {
    let instant = Timestamp::from_millisecond(at_ms).ok()?;
    Some(zone.to_datetime(instant))
}

fn start_of(zone: &TimeZone, date: Date) -> Option<i64> {
    let start = date.to_zoned(zone.clone()).ok()?;
    Some(start.timestamp().as_millisecond())
}

/// The local date of an instant.
pub(crate) fn local_date(zone: &TimeZone, at_ms: i64) -> Option<Date> {
    Some(local(zone, at_ms)?.date())
}

/// A date in days since 1970-01-01.
pub fn day_number(date: Date) -> i32 {
    date.since(EPOCH).map_or(0, |span| span.get_days())
}

/// The instant of a minute of a local day, 1440 being its end. Where a clock change skips it, the
/// first instant after the gap that is as far on.
pub(crate) fn at_minute(zone: &TimeZone, date: Date, minute: u16) -> Option<i64> {
    if minute >= 1_440 {
        return start_of(zone, date.tomorrow().ok()?);
    }
    let time = date.at((minute / 60) as i8, (minute % 60) as i8, 0, 0);
    Some(time.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond())
}

/// The instant at which the day after that of an instant begins.
pub(crate) fn next_midnight(zone: &TimeZone, at_ms: i64) -> Option<i64> {
    start_of(zone, local_date(zone, at_ms)?.tomorrow().ok()?)
}

/// The days on which something is done: some days of the week, less single dates.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Days {
    /// Bit 0 is Monday, bit 6 Sunday.
    pub weekdays: u8,
    /// Dates off, sorted.
    pub off: Vec<Date>,
}

impl Days {
    /// Monday to Friday.
    pub const WORKING_WEEK: u8 = 0b001_1111;

    /// Whether it is done on that date.
    pub fn includes(&self, date: Date) -> bool {
        let weekday = date.weekday().to_monday_zero_offset();
        self.weekdays & (1 << weekday) != 0 && self.off.binary_search(&date).is_err()
    }

    /// That date, or the next one that is included. `None` where none comes.
    pub fn from(&self, date: Date) -> Option<Date> {
        let mut day = date;
        for _ in 0..MAX_DAYS {
            if self.includes(day) {
                return Some(day);
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    /// So many included days after a date, itself not counted.
    fn after(&self, date: Date, days: u32) -> Option<Date> {
        let mut day = date;
        for _ in 0..days {
            day = self.from(day.tomorrow().ok()?)?;
        }
        Some(day)
    }
}

/// When a node works.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// Where its days are (rule T1).
    pub zone: TimeZone,
    /// Its working days.
    pub working: Days,
    /// Minute of the local day up to and at which an order is in time; `None`: the whole day.
    pub cut_off_minute: Option<u16>,
}

impl Calendar {
    /// The day on which handling of so many days ends (rules T1, T3). Day 0 is the order's own
    /// working day, or the next one where it came after the cut-off.
    pub fn handled_on(&self, ordered_at_ms: i64, handling_days: u32) -> Option<Date> {
        let ordered = local(&self.zone, ordered_at_ms)?;
        let in_time = self.cut_off_minute.is_none_or(|minute| {
            let time = ordered.time();
            let now = (i64::from(time.hour()) * 60 + i64::from(time.minute())) * NANOS_A_MINUTE
                + i64::from(time.second()) * 1_000_000_000
                + i64::from(time.subsec_nanosecond());
            now <= i64::from(minute) * NANOS_A_MINUTE
        });
        let date = ordered.date();
        let first = match self.working.from(date)? {
            same if same == date && !in_time => self.working.after(date, 1)?,
            day => day,
        };
        self.working.after(first, handling_days)
    }
}

/// When something shipped on a date arrives (rule T2): the days on which the carrier moves goods are
/// counted from the day after, then the next day on which it delivers.
pub fn delivered_on(
    shipped: Date,
    transit_days: u32,
    moves: &Days,
    delivers: &Days,
) -> Option<Date> {
    delivers.from(moves.after(shipped, transit_days)?)
}

/// Before which instant an order must be dispatched wholly (rule T4, `calendar_inclusive`): the
/// working day of payment is day 1, or the next working day; the end of day n is the limit.
pub fn dispatch_due(zone: &TimeZone, working: &Days, paid_at_ms: i64, days: u32) -> Option<i64> {
    let first = working.from(local(zone, paid_at_ms)?.date())?;
    let last = working.after(first, days.saturating_sub(1))?;
    start_of(zone, last.tomorrow().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().expect("RFC 3339").as_millisecond()
    }

    fn in_zone(name: &str) -> TimeZone {
        zone(name).expect("a zone of the bundled data")
    }

    fn week(weekdays: u8) -> Days {
        Days { weekdays, off: Vec::new() }
    }

    const MONDAY_TO_SATURDAY: u8 = 0b011_1111;
    const EVERY_DAY: u8 = 0b111_1111;

    #[test]
    fn pd_01_a_holiday_on_the_way() {
        let canada_day = date(2025, 7, 1);
        let moves = Days { off: vec![canada_day], ..week(Days::WORKING_WEEK) };
        let delivers = Days { off: vec![canada_day], ..week(EVERY_DAY) };
        let shipped = date(2025, 6, 26);
        assert_eq!(delivered_on(shipped, 1, &moves, &delivers), Some(date(2025, 6, 27)));
        assert_eq!(delivered_on(shipped, 2, &moves, &delivers), Some(date(2025, 6, 30)));
        assert_eq!(delivered_on(shipped, 3, &moves, &delivers), Some(date(2025, 7, 2)));
        // The last day of transit is no day of delivery: the next one that is.
        let moves = week(EVERY_DAY);
        assert_eq!(delivered_on(shipped, 5, &moves, &delivers), Some(date(2025, 7, 2)));
    }

    #[test]
    fn pd_02_after_the_cut_off() {
        let calendar = Calendar {
            zone: in_zone("America/New_York"),
            working: week(Days::WORKING_WEEK),
            cut_off_minute: Some(15 * 60),
        };
        let moves = week(MONDAY_TO_SATURDAY);
        let promised = |ordered: &str, handling, transit| {
            let shipped = calendar.handled_on(at(ordered), handling)?;
            delivered_on(shipped, transit, &moves, &moves)
        };
        let late = "2025-01-08T15:30:00-05:00";
        assert_eq!(promised(late, 0, 3), Some(date(2025, 1, 13)));
        assert_eq!(promised(late, 1, 5), Some(date(2025, 1, 16)));
        // At the cut-off is in time, the millisecond after is not, and Saturday is Monday.
        let handled = |ordered: &str| calendar.handled_on(at(ordered), 0);
        assert_eq!(handled("2025-01-08T15:00:00-05:00"), Some(date(2025, 1, 8)));
        assert_eq!(handled("2025-01-08T15:00:00.001-05:00"), Some(date(2025, 1, 9)));
        assert_eq!(handled("2025-01-11T16:00:00-05:00"), Some(date(2025, 1, 13)));
    }

    #[test]
    fn sl_01_dispatch_within_the_agreed_days() {
        let (zone, working) = (in_zone("Australia/Sydney"), week(Days::WORKING_WEEK));
        let due = |paid: &str, days| dispatch_due(&zone, &working, at(paid), days);
        let a = due("2025-06-19T23:59:00+10:00", 1).expect("a day");
        assert_eq!(a, at("2025-06-20T00:00:00+10:00"));
        assert!(at("2025-06-20T09:00:00+10:00") >= a, "breach");
        let b = due("2025-06-20T10:00:00+10:00", 2).expect("a day");
        assert_eq!(b, at("2025-06-24T00:00:00+10:00"));
        assert!(at("2025-06-23T18:00:00+10:00") < b, "met");
        // Paid on Saturday: Monday is day 1.
        assert_eq!(due("2025-06-21T10:00:00+10:00", 1), Some(at("2025-06-24T00:00:00+10:00")));
    }

    #[test]
    fn local_days_follow_the_zone_and_its_clock_changes() {
        let zone = in_zone("America/New_York");
        let day = local_day(&zone, at("2025-06-02T23:59:59.999-04:00")).expect("a day");
        assert_eq!(local_day(&zone, at("2025-06-03T00:00:00-04:00")), Some(day + 1));
        assert_eq!(start_of_day(&zone, day + 1), Some(at("2025-06-03T00:00:00-04:00")));
        // In Santiago the clock goes from 24:00 to 01:00 on that date: the day begins at one.
        let zone = in_zone("America/Santiago");
        let skipped = local_day(&zone, at("2025-09-07T12:00:00-03:00")).expect("a day");
        assert_eq!(start_of_day(&zone, skipped), Some(at("2025-09-07T01:00:00-03:00")));
        assert!(super::zone("Europe/Atlantis").is_none());
    }

    #[test]
    fn a_calendar_without_working_days_promises_nothing() {
        assert_eq!(delivered_on(date(2025, 6, 2), 1, &week(0), &week(EVERY_DAY)), None);
    }

    proptest! {
        /// L17, L18: more transit and more days off never come earlier, and no promise is in the past.
        #[test]
        fn a_day_off_or_a_day_more_never_makes_a_promise_earlier(
            start in 0i32..30_000, transit in 0u32..12, weekdays in 1u8..128, off in 0i32..20,
        ) {
            let shipped = EPOCH.checked_add(start.days()).expect("a date");
            let days = week(weekdays);
            let promise = delivered_on(shipped, transit, &days, &days).expect("some day works");
            prop_assert!(promise >= shipped);
            let slower = delivered_on(shipped, transit + 1, &days, &days).expect("some day works");
            prop_assert!(slower >= promise);
            let off = shipped.checked_add(off.days()).expect("a date");
            let fewer = Days { off: vec![off], ..days };
            let later = delivered_on(shipped, transit, &fewer, &fewer).expect("some day works");
            prop_assert!(later >= promise);
        }
    }
}
