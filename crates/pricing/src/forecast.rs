//! Demand learned from the log: how often which SKUs are ordered together, and where to.
//!
//! Each order counts for its region (country and postcode area) and its set of SKUs. What was seen
//! fades by half in a half-life, so the forecast rolls on by itself. Kinds of orders that were never
//! seen are not expected; what they would need is in the prices of the kinds that share their SKUs.

use std::collections::BTreeMap;

use omnifold_domain::Location;
use omnifold_events::v1;

/// Orders that are alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// ISO 3166-1 alpha-2 and postcode area: `DE-10`. Empty where orders name neither.
    pub region: String,
    /// SKUs, each once, in order.
    pub skus: Vec<String>,
}

/// What was seen of a kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Orders, faded to the forecast's time.
    pub orders: f64,
    /// Units of an order, by SKU, as seen on average.
    pub units: Vec<f64>,
    /// Where the newest order went.
    pub place: Option<Location>,
}

/// A rolling forecast of one market.
#[derive(Debug, Clone)]
pub struct Forecast {
    half_life_ms: i64,
    first_ms: Option<i64>,
    now_ms: i64,
    kinds: BTreeMap<Kind, (Seen, i64)>,
    /// Kinds that were given up because there were too many.
    dropped: u64,
}

/// Most lines of a kind: few enough for the engine's solver to prove its plans.
pub const MAX_LINES: usize = 8;
/// Kinds kept. Beyond it the rarest half is given up.
const MOST_KINDS: usize = 20_000;
const MILLI: f64 = 1_000.0;

impl Forecast {
    /// A forecast that knows nothing yet.
    ///
    /// # Panics
    /// Where the half-life is not positive.
    pub fn new(half_life_ms: i64) -> Self {
        assert!(half_life_ms > 0, "a half-life of {half_life_ms} ms");
        let (first_ms, kinds) = (None, BTreeMap::new());
        Forecast { half_life_ms, first_ms, now_ms: i64::MIN, kinds, dropped: 0 }
    }

    /// Learns from an order placed at a time. An order of many SKUs counts as several orders of
    /// [`MAX_LINES`] each.
    pub fn learn(&mut self, order: &v1::OrderPlaced, time_ms: i64) {
        self.advance(time_ms);
        self.first_ms.get_or_insert(time_ms);
        let mut units: BTreeMap<&str, i64> = BTreeMap::new();
        for line in order.lines.iter().filter(|line| line.quantity_milli > 0) {
            let sum = units.entry(&line.sku).or_default();
            *sum = sum.saturating_add(line.quantity_milli);
        }
        let all: Vec<(&str, i64)> = units.into_iter().collect();
        for part in all.chunks(MAX_LINES) {
            self.note(order, part);
        }
        if self.kinds.len() > MOST_KINDS {
            self.give_up_rarest();
        }
    }

    /// Brings the time forward: what was seen fades.
    pub fn advance(&mut self, time_ms: i64) {
        self.now_ms = self.now_ms.max(time_ms);
    }

    /// Every kind with the orders expected in a span of time, most first.
    pub fn expected(&self, span_ms: i64) -> Vec<(&Kind, Seen)> {
        let per_order = span_ms as f64 / self.memory_ms().max(1.0);
        let mut rows: Vec<(&Kind, Seen)> = self
            .kinds
            .iter()
            .map(|(kind, (seen, at))| {
                let orders = seen.orders * self.faded(*at) * per_order;
                (kind, Seen { orders, ..seen.clone() })
            })
            .collect();
        rows.sort_by(|a, b| b.1.orders.total_cmp(&a.1.orders).then_with(|| a.0.cmp(b.0)));
        rows
    }

    /// Kinds that were given up because there were too many.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn note(&mut self, order: &v1::OrderPlaced, lines: &[(&str, i64)]) {
        let skus = lines.iter().map(|(sku, _)| (*sku).to_owned()).collect();
        let kind = Kind { region: region_of(order), skus };
        let now_ms = self.now_ms;
        let nothing = Seen { orders: 0.0, units: vec![0.0; lines.len()], place: None };
        let fading = |at: i64| fade(now_ms - at, self.half_life_ms);
        let (seen, at) = self.kinds.entry(kind).or_insert((nothing, now_ms));
        let before = seen.orders * fading(std::mem::replace(at, now_ms));
        seen.orders = before + 1.0;
        for (mean, (_, milli)) in seen.units.iter_mut().zip(lines) {
            *mean += (*milli as f64 / MILLI - *mean) / seen.orders;
        }
        seen.place = place_of(order).or(seen.place);
    }

    fn faded(&self, at_ms: i64) -> f64 {
        fade(self.now_ms - at_ms, self.half_life_ms)
    }

    /// What the time since the first order would weigh if an order came every millisecond: rates
    /// are right from the first day, and not only after a few half-lives.
    fn memory_ms(&self) -> f64 {
        let Some(first) = self.first_ms else { return 0.0 };
        let mean_life = self.half_life_ms as f64 / std::f64::consts::LN_2;
        mean_life * (1.0 - self.faded(first))
    }

    fn give_up_rarest(&mut self) {
        let weight =
            |row: &(Seen, i64)| row.0.orders * fade(self.now_ms - row.1, self.half_life_ms);
        let mut weights: Vec<f64> = self.kinds.values().map(weight).collect();
        weights.sort_by(f64::total_cmp);
        let middle = weights[weights.len() / 2];
        let before = self.kinds.len();
        let (now_ms, half_life_ms) = (self.now_ms, self.half_life_ms);
        self.kinds.retain(|_, (seen, at)| seen.orders * fade(now_ms - *at, half_life_ms) > middle);
        self.dropped += (before - self.kinds.len()) as u64;
    }
}

fn fade(age_ms: i64, half_life_ms: i64) -> f64 {
    (-(age_ms.max(0) as f64) / half_life_ms as f64).exp2()
}

fn region_of(order: &v1::OrderPlaced) -> String {
    let Some(to) = &order.destination else { return String::new() };
    match (to.country.as_str(), to.postcode_area.as_str()) {
        ("", "") => place_of(order).map_or_else(String::new, grid),
        (country, area) => format!("{country}-{area}"),
    }
}

/// A square of one degree, where an order says where it goes and not what the place is called.
fn grid(place: Location) -> String {
    format!("{},{}", place.lat_e6.div_euclid(1_000_000), place.lon_e6.div_euclid(1_000_000))
}

fn place_of(order: &v1::OrderPlaced) -> Option<Location> {
    let place = order.destination.as_ref()?.location.as_ref()?;
    Some(Location { lat_e6: place.lat_e6, lon_e6: place.lon_e6 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn order(area: &str, lines: &[(&str, i64)]) -> v1::OrderPlaced {
        let line = |&(sku, units): &(&str, i64)| v1::OrderLine {
            sku: sku.to_owned(),
            quantity_milli: units * 1_000,
            ..Default::default()
        };
        v1::OrderPlaced {
            lines: lines.iter().map(line).collect(),
            destination: Some(v1::Destination {
                country: "DE".to_owned(),
                postcode_area: area.to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    #[test]
    fn the_rate_is_right_from_the_first_day_and_follows_when_it_changes() {
        let mut forecast = Forecast::new(24 * HOUR_MS);
        for minute in 0..24 * 60 {
            forecast.learn(&order("10", &[("A", 1), ("B", 2)]), minute * 60_000);
        }
        let expected = forecast.expected(HOUR_MS);
        let [(kind, seen)] = &expected[..] else { panic!("{expected:?}") };
        assert_eq!((kind.region.as_str(), kind.skus.len()), ("DE-10", 2));
        assert!((seen.orders - 60.0).abs() < 1.0, "{seen:?}");
        assert_eq!(seen.units, [1.0, 2.0]);
        // Nothing for two half-lives: what is expected falls faster than to a quarter, because the
        // silence counts as well.
        forecast.advance(72 * HOUR_MS);
        let after = forecast.expected(HOUR_MS)[0].1.orders;
        assert!((5.0..15.0).contains(&after), "{after}");
    }

    #[test]
    fn lines_of_a_sku_add_up_and_their_order_does_not_matter() {
        let mut forecast = Forecast::new(HOUR_MS);
        forecast.learn(&order("10", &[("B", 1), ("A", 1), ("B", 2)]), 0);
        forecast.learn(&order("10", &[("A", 3), ("B", 1)]), 0);
        let expected = forecast.expected(HOUR_MS);
        assert_eq!(expected.len(), 1);
        assert_eq!(expected[0].1.units, [2.0, 2.0]);
    }

    #[test]
    fn a_long_order_counts_as_several_and_too_many_kinds_are_given_up() {
        let mut forecast = Forecast::new(HOUR_MS);
        let names: Vec<String> = (0..10).map(|number| format!("S{number}")).collect();
        let lines: Vec<(&str, i64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
        forecast.learn(&order("10", &lines), 0);
        let sizes: Vec<usize> =
            forecast.expected(HOUR_MS).iter().map(|(kind, _)| kind.skus.len()).collect();
        assert_eq!(sizes, [8, 2]);
        for number in 0..=MOST_KINDS {
            let repeats = 1 + number % 2;
            (0..repeats).for_each(|_| forecast.learn(&order(&format!("{number}"), &[("A", 1)]), 0));
        }
        assert!(forecast.expected(HOUR_MS).len() <= MOST_KINDS);
        assert!(forecast.dropped() > 0);
    }
}
