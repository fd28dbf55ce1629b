//! By what rules a market promises.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{DayRange, DeliveryDays, Promised, Service, Settings, promise};
use crate::calendar::{self, Calendar, Days};
use crate::{Node, NodeIx, Opening, View};

/// By what rules a market promises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromiseRules {
    /// IANA name of the zone that promised dates are in, checked when it was set.
    pub zone: String,
    /// What is learned is promised so; `None`: by calendar only.
    pub learned: Option<Settings>,
    /// What is promised while too little is known; `None`: nothing.
    pub calendar: Option<DeliveryCalendar>,
}

/// How long nodes and carriers take by plan. Ranges are (least, most).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryCalendar {
    /// Working days of the node until it hands over.
    pub handling: (u32, u32),
    /// Days of moving.
    pub transit: (u32, u32),
    /// Days of the week on which the carrier moves goods; bit 0 is Monday.
    pub moves: u8,
    /// On which days it delivers; on its days off it moves nothing either.
    pub delivery: DeliveryDays,
    /// Nothing is promised by it: only its days count.
    pub days_only: bool,
}

/// Of a market without a calendar.
static EVERY_DELIVERY_DAY: DeliveryDays = DeliveryDays::EVERY;

impl PromiseRules {
    /// The days in which a market learns and promises, by its rules: every day where it has no calendar.
    pub fn delivery_days(rules: Option<&Self>) -> &DeliveryDays {
        let calendar = rules.and_then(|rules| rules.calendar.as_ref());
        calendar.map_or(&EVERY_DELIVERY_DAY, |calendar| &calendar.delivery)
    }

    /// The calendar that promises are made by, where there is one.
    pub fn plan(&self) -> Option<&DeliveryCalendar> {
        self.calendar.as_ref().filter(|calendar| !calendar.days_only)
    }

    /// The local date of an instant, in days since 1970-01-01.
    pub fn day_of(&self, at_ms: i64) -> i32 {
        let zone = calendar::zone(&self.zone).expect("checked when it was set");
        calendar::local_day(&zone, at_ms).expect("record times are of four-digit years")
    }

    /// The instant at which a day is over; of days beyond the calendar's years, the end of time.
    pub fn end_of(&self, day: i32) -> i64 {
        let zone = calendar::zone(&self.zone).expect("checked when it was set");
        calendar::start_of_day(&zone, day.saturating_add(1)).unwrap_or(i64::MAX)
    }

    /// The same of units that reach a node within an interval of days, and leave it for their customer.
    pub fn by_calendar_after(&self, node: &Node, reached: Promised) -> Option<Promised> {
        let first = self.end_of(reached.earliest_day.saturating_sub(1));
        let first = self.by_calendar(node, first, 0)?;
        let last = self.by_calendar(node, self.end_of(reached.latest_day).saturating_sub(1), 0)?;
        Some(Promised { earliest_day: first.earliest_day, latest_day: last.latest_day })
    }

    /// What is promised by calendar of an order that a node gets at an instant, which has work for so many
    /// of its working days before it ([`days_behind`]). `None` where the market has none, or node or carrier
    /// have no day in two years.
    pub fn by_calendar(&self, node: &Node, at_ms: i64, behind: u32) -> Option<Promised> {
        let terms = self.plan()?;
        let dates = |days: &[i32]| -> Vec<Date> {
            days.iter().filter_map(|&day| calendar::date_of(day)).collect()
        };
        let carrier = |weekdays| Days { weekdays, off: dates(&terms.delivery.off) };
        let service = Service {
            moves: carrier(terms.moves),
            delivers: carrier(terms.delivery.weekdays),
            transit: DayRange::new(terms.transit.0, terms.transit.1)?,
        };
        let (node, from_ms) = match node.opening.as_deref() {
            Some(opening) => working(opening, at_ms),
            None => {
                let zone = calendar::zone(&self.zone)?;
                let working = Days { weekdays: DeliveryDays::EVERY_WEEKDAY, off: Vec::new() };
                (Calendar { zone, working, cut_off_minute: None }, at_ms)
            }
        };
        let handling = DayRange::new(terms.handling.0 + behind, terms.handling.1 + behind)?;
        let found = promise(&node, handling, &service, from_ms)?;
        let earliest_day = calendar::day_number(found.earliest);
        Some(Promised { earliest_day, latest_day: calendar::day_number(found.latest) })
    }
}

/// Most days that a node's work counts for: more are as bad.
const MOST_BEHIND: u32 = 365;

/// Working days for which a node has work before it takes up what it gets now (rule R8): a day for each time
/// that it took today what it can do in one. Nodes without a limit take up at once.
pub fn days_behind<V: View>(view: &V, node: NodeIx, now_ms: i64) -> u32 {
    let Some(capacity) = view.nodes()[node.0 as usize].capacity.as_deref() else { return 0 };
    let taken = view.node_day(node);
    let is_today = taken.day == capacity.day_of(now_ms);
    let days = taken.orders.checked_div(capacity.orders_per_day).unwrap_or(MOST_BEHIND);
    if is_today { days.min(MOST_BEHIND) } else { 0 }
}

/// A node's working days, and when what comes at an instant is ready to be handled. Its own processing
/// time counts its opening hours, and the cut-off with them. A day that is open out of turn counts
/// as none: what is promised is never too early for it.
fn working(opening: &Opening, at_ms: i64) -> (Calendar, i64) {
    let open = (0..7).filter(|&day| !opening.week[day].is_empty());
    let weekdays = open.fold(0, |days, day| days | 1 << day);
    let closed = opening.special.iter().filter(|(_, hours)| hours.is_empty());
    let off = closed.filter_map(|&(day, _)| calendar::date_of(day)).collect();
    let zone = calendar::zone(&opening.zone).expect("checked when it was set");
    let (cut_off_minute, from_ms) = match opening.processing_ms {
        0 => (opening.cut_off, at_ms),
        span => (None, opening.after(at_ms, span)),
    };
    (Calendar { zone, working: Days { weekdays, off }, cut_off_minute }, from_ms)
}
