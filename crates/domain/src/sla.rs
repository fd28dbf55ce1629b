//! The dispatch SLA of partners and suppliers (rule T4): terms by node, and one clock a fulfilment.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::calendar::{self, Days};

/// How long after the start of its clock a wholly cancelled order's breach is withdrawn: 72 hours.
pub const WITHDRAWN_WITHIN_MS: i64 = 72 * 3_600_000;

/// Terms that a node worked under, kept for the orders placed under them.
pub const MAX_TERMS: usize = 8;

/// Within how many working days a node dispatches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlaTerms {
    /// In force for orders placed at or after this instant, milliseconds since the Unix epoch.
    pub since: i64,
    /// Working days; 0: no limit.
    pub days: u32,
    /// IANA name of the zone its days are in, checked when it was set.
    pub zone: String,
    /// Bit 0 is Monday, bit 6 Sunday.
    pub weekdays: u8,
    /// Days off, sorted: days since 1970-01-01.
    pub off: Vec<i32>,
}

impl SlaTerms {
    /// Before which instant work that began at another must be dispatched wholly; `None`: no limit.
    pub fn due(&self, started_at: i64) -> Option<i64> {
        if self.days == 0 {
            return None;
        }
        let zone = calendar::zone(&self.zone).expect("checked when it was set");
        let off: Vec<Date> = self.off.iter().filter_map(|&day| calendar::date_of(day)).collect();
        let working = Days { weekdays: self.weekdays, off };
        calendar::dispatch_due(&zone, &working, started_at, self.days)
    }

    /// Whether these are the terms of the others, whenever they began.
    pub(crate) fn agrees(&self, others: &SlaTerms) -> bool {
        *self == SlaTerms { since: self.since, ..others.clone() }
    }
}

/// The terms in force when an order was placed; of an older order than all of them, the first.
pub fn in_force(terms: &[SlaTerms], placed_at: i64) -> Option<&SlaTerms> {
    terms.iter().rev().find(|terms| terms.since <= placed_at).or(terms.first())
}

/// The clock of one fulfilment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlaClock {
    /// Place in [`crate::Order::fulfilments`].
    pub fulfilment: u32,
    /// When its node got the work, milliseconds since the Unix epoch.
    pub started_at: i64,
    /// Before when all of it must have left.
    pub due_at: i64,
    /// It had not.
    pub breached: bool,
    /// When a cancellation was last asked for within 72 hours of the start; 0: never.
    pub cancelled_at: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(since: i64, days: u32) -> SlaTerms {
        let zone = "Australia/Sydney".to_owned();
        SlaTerms { since, days, zone, weekdays: Days::WORKING_WEEK, off: vec![20_259] }
    }

    #[test]
    fn an_order_keeps_the_terms_it_was_placed_under() {
        let all = [terms(100, 1), terms(200, 2)];
        let days = |placed_at| in_force(&all, placed_at).map(|terms| terms.days);
        assert_eq!([days(50), days(100), days(199), days(200)], [1, 1, 1, 2].map(Some));
        assert!(in_force(&[], 50).is_none());
        assert!(all[0].agrees(&terms(300, 1)) && !all[0].agrees(&all[1]));
    }

    /// SL-01 b, with Friday 2025-06-20 off: Monday is day 1 and Tuesday the last.
    #[test]
    fn a_day_off_is_no_working_day_and_no_days_are_no_limit() {
        let at = |text: &str| omnifold_events::parse_time(text).expect("a time");
        let paid = at("2025-06-20T00:00:00Z");
        assert_eq!(terms(0, 2).due(paid), Some(at("2025-06-24T14:00:00Z")));
        let worked = SlaTerms { off: Vec::new(), ..terms(0, 2) };
        assert_eq!(worked.due(paid), Some(at("2025-06-23T14:00:00Z")));
        assert_eq!(terms(0, 0).due(paid), None);
    }
}
