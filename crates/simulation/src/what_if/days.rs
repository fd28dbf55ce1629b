//! The days of a market.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use omnifold_events::Event;
use omnifold_events::jsonl::FileEvent;

/// Says which day it is where the market promises; dates are days since 1970-01-01.
#[derive(Debug, Clone)]
pub struct Days {
    zone: TimeZone,
}

impl Default for Days {
    fn default() -> Self {
        Days { zone: TimeZone::UTC }
    }
}

impl Days {
    /// Those of the zone that a market's newest settings promise in; without one, UTC.
    pub fn of(network: &[FileEvent]) -> Self {
        let mut days = Days::default();
        for event in network {
            if let Event::MarketConfigured(market) = &event.event {
                let zone = market.promise.as_ref().map_or("", |promise| promise.zone.as_str());
                days.zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
            }
        }
        days
    }

    /// The day of an instant, in milliseconds since the Unix epoch.
    pub fn at(&self, at_ms: i64) -> Option<i32> {
        let instant = Timestamp::from_millisecond(at_ms).ok()?;
        number(self.zone.to_datetime(instant).date())
    }

    /// A day written as `YYYY-MM-DD`.
    pub fn written(date: &str) -> Option<i32> {
        number(date.parse().ok()?)
    }
}

fn number(date: Date) -> Option<i32> {
    Some(Date::constant(1970, 1, 1).until(date).ok()?.get_days())
}

#[cfg(test)]
mod tests {
    use omnifold_events::v1;

    use super::*;

    #[test]
    fn a_day_begins_where_the_market_promises() {
        let market = |zone: &str| {
            let promise = v1::PromiseRules { zone: zone.to_owned(), ..Default::default() };
            let market = v1::MarketConfigured { promise: Some(promise), ..Default::default() };
            let (id, source) = (zone.to_owned(), "test".to_owned());
            FileEvent { id, source, time_ms: None, event: market.into() }
        };
        let evening = 23 * 3_600_000;
        let day = |network: &[FileEvent]| Days::of(network).at(evening);
        assert_eq!(day(&[]), Some(0));
        assert_eq!(day(&[market("Europe/Berlin")]), Some(1));
        assert_eq!(day(&[market("Europe/Berlin"), market("")]), Some(0), "the newest counts");
        assert_eq!(Days::written("1970-01-31"), Some(30));
        assert_eq!(Days::written(""), None);
    }
}
