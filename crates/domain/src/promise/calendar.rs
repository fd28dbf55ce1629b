//! A delivery promise by calendars: when a node can hand an order over and a carrier can deliver it
//! (rules T1 to T3). Pure date arithmetic; what is learned of the past is beside it.

use jiff::civil::Date;

use crate::calendar::{Calendar, Days, delivered_on};

/// The fewest and the most days something takes, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayRange {
    least: u32,
    most: u32,
}

impl DayRange {
    /// `None` where the most is less than the least.
    pub fn new(least: u32, most: u32) -> Option<Self> {
        (least <= most).then_some(DayRange { least, most })
    }
}

/// A carrier's service to a destination (rule T2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Days on which it moves goods, counted from the day after hand-over.
    pub moves: Days,
    /// Days on which it delivers.
    pub delivers: Days,
    /// Days of moving.
    pub transit: DayRange,
}

/// An interval of delivery dates, both included; local to the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// Where all takes its least.
    pub earliest: Date,
    /// Where all takes its most: the date that is promised.
    pub latest: Date,
}

/// The promise for an order that reaches a node at an instant (milliseconds since the Unix epoch),
/// is handled within a range of working days (rule T3) and goes by a service. `None` where a
/// calendar has no day in two years, or the instant is outside of the calendar's years.
pub fn promise(
    node: &Calendar,
    handling: DayRange,
    service: &Service,
    ordered_at_ms: i64,
) -> Option<Promise> {
    let date = |handling_days, transit_days| {
        let handed_over = node.handled_on(ordered_at_ms, handling_days)?;
        delivered_on(handed_over, transit_days, &service.moves, &service.delivers)
    };
    let earliest = date(handling.least, service.transit.least)?;
    let latest = date(handling.most, service.transit.most)?;
    Some(Promise { earliest, latest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::{date_of, local_day, zone};
    use jiff::civil::date;
    use proptest::prelude::*;

    const DAY_MS: i64 = 86_400_000;

    fn week(weekdays: u8) -> Days {
        Days { weekdays, off: Vec::new() }
    }

    fn range(least: u32, most: u32) -> DayRange {
        DayRange::new(least, most).expect("a range")
    }

    fn node(working: Days, cut_off_minute: Option<u16>) -> Calendar {
        let zone = zone("America/New_York").expect("a zone of the bundled data");
        Calendar { zone, working, cut_off_minute }
    }

    #[test]
    fn pd_02_both_ends_of_the_range() {
        let node = node(week(Days::WORKING_WEEK), Some(15 * 60));
        let six = week(0b011_1111);
        let service = Service { moves: six.clone(), delivers: six, transit: range(3, 5) };
        let ordered: jiff::Timestamp = "2025-01-08T15:30:00-05:00".parse().expect("a time");
        let found = promise(&node, range(0, 1), &service, ordered.as_millisecond());
        let (earliest, latest) = (date(2025, 1, 13), date(2025, 1, 16));
        assert_eq!(found, Some(Promise { earliest, latest }));
    }

    #[test]
    fn a_range_is_not_upside_down_and_a_node_that_never_works_promises_nothing() {
        assert_eq!(DayRange::new(2, 1), None);
        let daily = week(0b111_1111);
        let service = Service { moves: daily.clone(), delivers: daily, transit: range(1, 1) };
        assert_eq!(promise(&node(week(0), None), range(0, 0), &service, 0), None);
    }

    /// A calendar of weekdays with some dates off, around a day.
    fn days(weekdays: u8, off: &[i32], around: i32) -> Days {
        let dates = off.iter().map(|day| date_of(around + day).expect("a date"));
        let mut off: Vec<Date> = dates.collect();
        off.sort_unstable();
        off.dedup();
        Days { weekdays, off }
    }

    proptest! {
        /// L17, L18: a promise is not before the order, nor upside down; no day off, no day more
        /// and no earlier cut-off makes either of its ends earlier; a later order neither.
        #[test]
        fn less_time_to_work_never_promises_earlier(
            ordered in 0i64..15_000 * DAY_MS,
            later in 0i64..3 * DAY_MS,
            (works, moves, delivers) in (1u8..128, 1u8..128, 1u8..128),
            off in proptest::collection::vec(0i32..30, 0..5),
            cut_off in proptest::option::of(0u16..1_440),
            (handling, handling_more) in (0u32..4, 0u32..4),
            (transit, transit_more) in (0u32..8, 0u32..8),
            which in 0usize..6,
        ) {
            let day = (ordered / DAY_MS) as i32;
            let make = |which: usize| {
                let off_of = |calendar: usize| if which == calendar { off.as_slice() } else { &[] };
                let cut_off = if which == 3 { cut_off.map(|minute| minute / 2) } else { cut_off };
                let more = |calendar: usize| u32::from(which == calendar);
                let node = node(days(works, off_of(0), day), cut_off);
                let transit = range(transit + more(4), transit + more(4) + transit_more);
                let service = Service {
                    moves: days(moves, off_of(1), day),
                    delivers: days(delivers, off_of(2), day),
                    transit,
                };
                let handling = range(handling + more(5), handling + more(5) + handling_more);
                (node, handling, service)
            };
            let (calendar, handling, service) = make(usize::MAX);
            let plain = promise(&calendar, handling, &service, ordered).expect("days come");
            prop_assert!(plain.earliest <= plain.latest);
            let today = local_day(&calendar.zone, ordered).expect("a day");
            prop_assert!(Some(plain.earliest) >= date_of(today));
            let (slow_node, slow_handling, slow_service) = make(which);
            let slower = promise(&slow_node, slow_handling, &slow_service, ordered);
            let waited = promise(&calendar, handling, &service, ordered + later);
            for other in [slower.expect("days come"), waited.expect("days come")] {
                prop_assert!(other.earliest >= plain.earliest, "{other:?} {plain:?}");
                prop_assert!(other.latest >= plain.latest, "{other:?} {plain:?}");
            }
        }
    }
}
