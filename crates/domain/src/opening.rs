//! When a node works: opening hours by day of the week, dates with hours of their own, a cut-off
//! (rule T1). Days and hours are in the node's zone.

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::calendar;

/// Minutes of a day.
pub const DAY_MINUTES: u16 = 1_440;
/// Days looked at before a calendar counts as closed for good: two years.
const MAX_DAYS: u32 = 732;

/// Hours of one day, in minutes of the local day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hours {
    /// It opens.
    pub opens: u16,
    /// It closes: not open at this minute any more; up to [`DAY_MINUTES`].
    pub closes: u16,
}

/// When a node works. What the fold accepted: hours are in order and do not overlap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// IANA name of its zone, checked when it was set.
    pub zone: String,
    /// Monday first.
    pub week: [Vec<Hours>; 7],
    /// Dates with hours of their own, in days since 1970-01-01, sorted; no hours: closed.
    pub special: Vec<(i32, Vec<Hours>)>,
    /// The last minute of the local day at which what comes is begun on that day.
    pub cut_off: Option<u16>,
    /// What an order takes, in milliseconds of opening hours.
    pub processing_ms: i64,
}

/// Whether a node begins work, and until when that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    /// When it begins what comes now: an instant in the past or now where it is at work.
    pub begins: i64,
    /// The first instant at which another answer holds.
    pub until: i64,
}

impl Opening {
    fn zone(&self) -> TimeZone {
        calendar::zone(&self.zone).expect("checked when it was set")
    }

    fn hours(&self, date: Date) -> &[Hours] {
        let day = calendar::day_number(date);
        match self.special.binary_search_by_key(&day, |(day, _)| *day) {
            Ok(place) => &self.special[place].1,
            Err(_) => &self.week[date.weekday().to_monday_zero_offset() as usize],
        }
    }

    /// The spans of opening that end after an instant, oldest first: (start, end).
    fn spans<'a>(&'a self, zone: &'a TimeZone, from_ms: i64) -> impl Iterator<Item = (i64, i64)> {
        let first = calendar::local_date(zone, from_ms);
        let days =
            (0..i64::from(MAX_DAYS)).map_while(move |day| first?.checked_add(day.days()).ok());
        days.flat_map(move |date| {
            self.hours(date).iter().filter_map(move |hours| {
                let start = calendar::at_minute(zone, date, hours.opens)?;
                Some((start, calendar::at_minute(zone, date, hours.closes)?))
            })
        })
        .filter(move |&(start, end)| end > from_ms && end > start)
    }

    /// The instant from which what comes on that day is left for the next one; `None`: never.
    fn too_late_from(&self, zone: &TimeZone, at_ms: i64) -> Option<i64> {
        let date = calendar::local_date(zone, at_ms)?;
        Some(calendar::at_minute(zone, date, self.cut_off?)?.saturating_add(1))
    }

    /// Whether two instants are on one day where the node is.
    pub fn on_one_day(&self, at_ms: i64, other_ms: i64) -> bool {
        let zone = self.zone();
        let day = calendar::local_date(&zone, at_ms);
        day.is_some() && day == calendar::local_date(&zone, other_ms)
    }

    /// The instant at which the local day of an instant begins where the node is.
    pub fn start_of_day(&self, at_ms: i64) -> Option<i64> {
        let zone = self.zone();
        calendar::start_of_day(&zone, calendar::local_day(&zone, at_ms)?)
    }

    /// Whether work that comes at an instant is begun then, and if not, when. `None`: in no time
    /// that can be looked at.
    pub fn presence(&self, at_ms: i64) -> Option<Presence> {
        let zone = self.zone();
        let too_late = self.too_late_from(&zone, at_ms);
        let is_late = too_late.is_some_and(|late| at_ms >= late);
        let from = if is_late { calendar::next_midnight(&zone, at_ms)? } else { at_ms };
        let (start, end) = self.spans(&zone, from).next()?;
        if start > at_ms || is_late {
            let begins = start.max(from);
            return Some(Presence { begins, until: begins });
        }
        Some(Presence { begins: start, until: too_late.map_or(end, |late| end.min(late)) })
    }

    /// The instant at which so many milliseconds of opening hours are over, counted from when the
    /// node begins what comes at an instant. Where it opens in no time that can be looked at, the
    /// plain time counts.
    pub fn after(&self, at_ms: i64, span_ms: i64) -> i64 {
        let plain = at_ms.saturating_add(span_ms);
        let Some(presence) = self.presence(at_ms) else { return plain };
        let (zone, mut left) = (self.zone(), span_ms);
        let from = presence.begins.max(at_ms);
        for (start, end) in self.spans(&zone, from) {
            let start = start.max(from);
            if left <= end - start {
                return start + left;
            }
            left -= end - start;
        }
        plain
    }

    /// The next instant after one at which the node comes within reach of a market that lets it be
    /// closed for so long. `None`: it stays within reach, or out of it.
    pub fn in_reach_after(&self, at_ms: i64, max_closed_ms: i64) -> Option<i64> {
        let mut from = at_ms;
        for _ in 0..MAX_DAYS {
            let presence = self.presence(from)?;
            let reached = presence.begins.saturating_sub(max_closed_ms);
            if presence.begins > from && reached > at_ms {
                return Some(reached);
            }
            from = presence.until;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use proptest::prelude::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().expect("RFC 3339").as_millisecond()
    }

    const HOUR_MS: i64 = 3_600_000;

    /// Monday to Friday 9 to 12 and 13 to 17, closed on 2025-06-09, open on Sunday 2025-06-15.
    fn shop() -> Opening {
        let day = vec![Hours { opens: 540, closes: 720 }, Hours { opens: 780, closes: 1_020 }];
        let mut week: [Vec<Hours>; 7] = Default::default();
        (0..5).for_each(|weekday| week[weekday].clone_from(&day));
        let holiday = calendar::day_number(jiff::civil::date(2025, 6, 9));
        let special =
            vec![(holiday, vec![]), (holiday + 6, vec![Hours { opens: 600, closes: 660 }])];
        let zone = "Europe/Berlin".to_owned();
        Opening { zone, week, special, cut_off: Some(900), processing_ms: 0 }
    }

    #[test]
    fn work_begins_at_once_while_it_is_open_and_the_cut_off_has_not_passed() {
        let begins = |text: &str| shop().presence(at(text)).expect("it opens").begins;
        assert_eq!(begins("2025-06-06T10:00:00+02:00"), at("2025-06-06T09:00:00+02:00"));
        assert_eq!(begins("2025-06-06T12:00:00+02:00"), at("2025-06-06T13:00:00+02:00"));
        assert_eq!(begins("2025-06-06T15:00:00+02:00"), at("2025-06-06T13:00:00+02:00"), "T1");
        // Friday after the cut-off; Monday is a holiday.
        assert_eq!(begins("2025-06-06T15:00:00.001+02:00"), at("2025-06-10T09:00:00+02:00"));
        assert_eq!(begins("2025-06-14T08:00:00+02:00"), at("2025-06-15T10:00:00+02:00"));
    }

    #[test]
    fn a_span_counts_opening_hours_only() {
        let over = |text: &str, hours: i64| shop().after(at(text), hours * HOUR_MS);
        assert_eq!(over("2025-06-06T11:00:00+02:00", 1), at("2025-06-06T12:00:00+02:00"));
        assert_eq!(over("2025-06-06T11:00:00+02:00", 2), at("2025-06-06T14:00:00+02:00"));
        assert_eq!(over("2025-06-06T16:00:00+02:00", 2), at("2025-06-10T11:00:00+02:00"));
    }

    #[test]
    fn a_node_comes_into_reach_before_it_opens() {
        let reach = |text: &str, hours: i64| shop().in_reach_after(at(text), hours * HOUR_MS);
        // Friday evening: Tuesday 9:00 is the next opening; twelve hours before it.
        assert_eq!(reach("2025-06-06T18:00:00+02:00", 12), Some(at("2025-06-09T21:00:00+02:00")));
        // Noon is no closing of twelve hours.
        assert_eq!(reach("2025-06-10T10:00:00+02:00", 12), Some(at("2025-06-10T21:00:00+02:00")));
        let always = vec![Hours { opens: 0, closes: DAY_MINUTES }];
        let week = std::array::from_fn(|_| always.clone());
        let open = Opening { week, special: vec![], cut_off: None, ..shop() };
        assert_eq!(open.in_reach_after(at("2025-06-10T10:00:00+02:00"), HOUR_MS), None);
    }

    #[test]
    fn hours_follow_the_clock_changes_of_the_zone() {
        let always = vec![Hours { opens: 0, closes: DAY_MINUTES }];
        let week = std::array::from_fn(|_| always.clone());
        let open = Opening { week, special: vec![], cut_off: None, ..shop() };
        // 2025-03-30 has 23 hours there.
        let start = at("2025-03-30T00:00:00+01:00");
        assert_eq!(open.after(start, 24 * HOUR_MS), start + 24 * HOUR_MS);
        let day = Opening {
            week: std::array::from_fn(|_| vec![Hours { opens: 60, closes: 300 }]),
            ..open
        };
        // 1:00 to 5:00 is three hours long on that day.
        assert_eq!(day.after(start, 3 * HOUR_MS), at("2025-03-30T05:00:00+02:00"));
    }

    proptest! {
        /// L17, L18: a day off never makes a deadline earlier, none is in the past, and an answer
        /// holds until the instant that it names.
        #[test]
        fn a_day_off_never_makes_a_deadline_earlier(
            start in 0i64..2_000_000, span in 1i64..200, off in 0i32..20,
        ) {
            let from = at("2025-01-01T00:00:00Z") + start * 60_000;
            let (open, span) = (Opening { special: vec![], ..shop() }, span * HOUR_MS / 4);
            let due = open.after(from, span);
            prop_assert!(due >= from + span);
            let day = calendar::local_day(&open.zone(), from).expect("a day") + off;
            let closed = Opening { special: vec![(day, vec![])], ..open.clone() };
            prop_assert!(closed.after(from, span) >= due);
            let presence = open.presence(from).expect("it opens");
            let before = open.presence(presence.until - 1).expect("it opens");
            prop_assert_eq!(before.begins.max(from), presence.begins.max(from));
        }
    }
}
