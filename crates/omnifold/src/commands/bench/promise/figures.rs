//! What the promises came to, beside those that were given to the customers.

use std::collections::BTreeMap;

use omnifold_channels::olist::Delivery;
use omnifold_domain::promise::Promised;
use serde::Serialize;

use super::replay::{DAY_MS, History, Told, moment};

/// Months whose slow tenth took so many times as long as that of the whole history are surges.
const SURGE: f64 = 1.2;

/// Allowed off the stated rate of a quarter or region, where two standard errors are less.
const ALLOWED: f64 = 0.04;

/// How often promises were broken, and how long they were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Rate {
    /// Orders.
    pub orders: u64,
    /// Share of them that came after the promised day.
    pub late: f64,
    /// Days from purchase to the promised day, on average.
    pub days: f64,
}

/// The stated rates of one group of orders and what they came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// A quarter, a surge month or a region.
    pub name: String,
    /// Whether it is held against the limits: surge months are not.
    pub counts: bool,
    /// One a stated rate.
    pub rates: Vec<Rate>,
}

/// One delivered order.
pub struct Order<'a> {
    pub told: &'a Delivery,
    bought_day: i32,
    delivered_day: i32,
    olist_day: i32,
    number: usize,
}

impl Order<'_> {
    /// `2018-03` and `2018Q1`.
    fn month_and_quarter(&self) -> (String, String) {
        let time = omnifold_events::format_time(i64::from(self.bought_day) * DAY_MS);
        let month: u32 = time[5..7].parse().unwrap_or(1);
        (time[..7].to_owned(), format!("{}Q{}", &time[..4], month.div_ceil(3)))
    }

    fn days(&self) -> i32 {
        self.delivered_day - self.bought_day
    }

    /// Brazil's regions, its two largest states apart.
    fn region(&self) -> &'static str {
        match self.told.state.as_str() {
            "SP" => "Sao Paulo",
            "RJ" => "Rio de Janeiro",
            "MG" => "Minas Gerais",
            "ES" => "Espirito Santo",
            "PR" | "SC" | "RS" => "South",
            "DF" | "GO" | "MT" | "MS" => "Centre-West",
            "BA" | "SE" | "AL" | "PE" | "PB" | "RN" | "CE" | "PI" | "MA" => "North-East",
            _ => "North",
        }
    }
}

/// The delivered orders, whose promise to the customer is known.
pub fn delivered(history: &History) -> Vec<Order<'_>> {
    let orders = history.orders.iter().enumerate().filter(|(_, (order, _))| order.is_delivered);
    let orders = orders.filter_map(|(number, (told, _))| {
        Some(Order {
            told,
            bought_day: moment(told.bought_ms).day,
            delivered_day: moment(told.delivered_ms?).day,
            olist_day: moment(told.promised_ms?).day,
            number,
        })
    });
    orders.collect()
}

fn rate(days: impl Iterator<Item = (i32, i32, i32)>) -> Rate {
    let (mut orders, mut late, mut sum) = (0u64, 0u64, 0i64);
    for (bought, promised, delivered) in days {
        orders += 1;
        late += u64::from(delivered > promised);
        sum += i64::from(promised - bought);
    }
    let share = |part: f64| part / orders.max(1) as f64;
    Rate { orders, late: share(late as f64), days: share(sum as f64) }
}

/// What the customers were promised.
pub fn olist(orders: &[&Order<'_>]) -> Rate {
    rate(orders.iter().map(|order| (order.bought_day, order.olist_day, order.delivered_day)))
}

/// What a run promised to those it promised something.
pub fn at_purchase(orders: &[&Order<'_>], told: &[Told]) -> Rate {
    rate(orders.iter().filter_map(|order| {
        let promised = told[order.number].first?;
        Some((order.bought_day, promised.latest_day, order.delivered_day))
    }))
}

/// The same at hand-over, in days from then.
pub fn at_hand_over(orders: &[&Order<'_>], told: &[Told]) -> Rate {
    rate(orders.iter().filter_map(|order| {
        let (day, promised) = told[order.number].second?;
        Some((day, promised.latest_day, order.delivered_day))
    }))
}

/// Mean days of the interval as it was at purchase and as it is at hand-over, over the orders that
/// have both.
pub fn widths(orders: &[&Order<'_>], told: &[Told]) -> (f64, f64) {
    let width = |promised: Promised| f64::from(promised.latest_day - promised.earliest_day);
    let both = orders.iter().filter_map(|order| {
        let told = told[order.number];
        Some((width(told.first?), width(told.second?.1)))
    });
    let both: Vec<(f64, f64)> = both.collect();
    let count = both.len().max(1) as f64;
    (both.iter().map(|w| w.0).sum::<f64>() / count, both.iter().map(|w| w.1).sum::<f64>() / count)
}

/// Days at a late rate, between the two nearest runs of a ladder, by the rate's logarithm.
pub fn days_at(ladder: &[Rate], late: f64) -> Option<f64> {
    let mut sorted = ladder.to_vec();
    sorted.sort_by(|a, b| a.late.total_cmp(&b.late));
    let pair = sorted.windows(2).find(|pair| pair[0].late <= late && late <= pair[1].late)?;
    let (low, high) = (pair[0], pair[1]);
    if low.late == high.late {
        return Some(low.days);
    }
    let part = (late / low.late).ln() / (high.late / low.late).ln();
    Some(low.days + (high.days - low.days) * part)
}

/// Those for which every run promised something.
pub fn told_by_all<'a, 'b>(orders: &'a [Order<'b>], runs: &[Vec<Told>]) -> Vec<&'a Order<'b>> {
    let told = |order: &&Order<'_>| runs.iter().all(|run| run[order.number].first.is_some());
    orders.iter().filter(told).collect()
}

/// Quarters with their surge months apart, then regions; `runs` are one a stated rate.
pub fn groups(orders: &[&Order<'_>], runs: &[Vec<Told>]) -> Vec<Group> {
    let surges = surges(orders);
    let mut by_time: BTreeMap<String, Vec<&Order<'_>>> = BTreeMap::new();
    let mut by_place: BTreeMap<&str, Vec<&Order<'_>>> = BTreeMap::new();
    for order in orders {
        let (month, quarter) = order.month_and_quarter();
        let name = if surges.contains(&month) { format!("surge {month}") } else { quarter };
        by_time.entry(name).or_default().push(order);
        by_place.entry(order.region()).or_default().push(order);
    }
    let group = |name: &str, orders: &[&Order<'_>]| Group {
        name: name.to_owned(),
        counts: !name.starts_with("surge"),
        rates: runs.iter().map(|run| at_purchase(orders, run)).collect(),
    };
    let times = by_time.iter().map(|(name, orders)| group(name, orders));
    times.chain(by_place.iter().map(|(name, orders)| group(name, orders))).collect()
}

/// Months in which deliveries were slow, whatever was promised.
fn surges(orders: &[&Order<'_>]) -> Vec<String> {
    let mut months: BTreeMap<String, Vec<i32>> = BTreeMap::new();
    let mut all = Vec::new();
    for order in orders {
        months.entry(order.month_and_quarter().0).or_default().push(order.days());
        all.push(order.days());
    }
    let limit = slow_tenth(&mut all) * SURGE;
    months.retain(|_, days| slow_tenth(days) >= limit);
    months.into_keys().collect()
}

fn slow_tenth(days: &mut [i32]) -> f64 {
    days.sort_unstable();
    days.get(days.len() * 9 / 10).copied().map_or(0.0, f64::from)
}

/// Whether a group's late rate is within its limit of the stated one.
pub fn holds(stated: f64, rate: &Rate) -> bool {
    let deviation = (stated * (1.0 - stated) / rate.orders.max(1) as f64).sqrt();
    (rate.late - stated).abs() <= f64::max(ALLOWED, 2.0 * deviation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_is_broken_on_the_day_after_it() {
        let days = [(0, 10, 10), (0, 10, 11), (5, 10, 9)];
        let found = rate(days.into_iter());
        assert_eq!((found.orders, found.late), (3, 1.0 / 3.0));
        assert_eq!(found.days, 25.0 / 3.0);
    }

    #[test]
    fn days_are_read_between_two_rungs() {
        let rung = |late, days| Rate { orders: 1, late, days };
        let ladder = [rung(0.08, 20.0), rung(0.02, 30.0)];
        assert_eq!(days_at(&ladder, 0.04), Some(25.0));
        assert_eq!(days_at(&ladder, 0.02), Some(30.0));
        assert_eq!(days_at(&ladder, 0.01), None);
    }

    #[test]
    fn a_small_group_has_a_wider_limit() {
        let rate = |orders| Rate { orders, late: 0.17, days: 0.0 };
        assert!(!holds(0.10, &rate(1_000)));
        assert!(holds(0.10, &rate(60)));
    }
}
