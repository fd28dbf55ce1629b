//! The history in time order through the learner, and what was promised to each order.

use std::path::Path;

use anyhow::{Context as _, Result};
use omnifold_channels::olist::{DELIVERS, Delivery, Seller, deliveries, holidays};
use omnifold_domain::Location;
use omnifold_domain::promise::{Book, DeliveryDays, Facts, Moment, Promised, Settings};
use omnifold_events::v1;
use omnifold_routing::haversine_m;

pub const DAY_MS: i64 = 86_400_000;

/// Dates of the files are Brasilia standard time.
const ZONE_MS: i64 = -3 * 3_600_000;

/// The history with what the learner may know of each order when it is placed.
pub struct History {
    pub orders: Vec<(Delivery, Facts)>,
    /// (time, what, order), in time order.
    happened: Vec<(i64, What, usize)>,
}

/// In the order in which they are taken at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Delivered,
    HandedOver,
    Cancelled,
    Bought,
}

/// What the learner promised to one order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// When it was bought.
    pub first: Option<Promised>,
    /// When it was handed over, and the day of that.
    pub second: Option<(i32, Promised)>,
}

impl History {
    /// Reads the folder of the Olist files.
    pub fn read(dir: &Path) -> Result<Self> {
        let orders = deliveries(dir)?;
        let facts: Result<Vec<Facts>> = orders.iter().map(facts).collect();
        Ok(History::of(orders.into_iter().zip(facts?).collect()))
    }

    fn of(orders: Vec<(Delivery, Facts)>) -> Self {
        let mut happened = Vec::with_capacity(orders.len() * 3);
        for (number, (order, _)) in orders.iter().enumerate() {
            let times = [
                (order.delivered_ms, What::Delivered),
                (order.handed_over_ms, What::HandedOver),
                (order.cancelled_ms, What::Cancelled),
                (Some(order.bought_ms), What::Bought),
            ];
            let times = times.into_iter().filter_map(|(time, what)| Some((time?, what, number)));
            happened.extend(times);
        }
        happened.sort_unstable();
        History { orders, happened }
    }

    /// Events of the history.
    pub fn events(&self) -> usize {
        self.happened.len()
    }

    /// What a learner with these settings promises, told each event at its time and none before.
    pub fn replay(&self, settings: Settings) -> Vec<Told> {
        let mut book = Book::new(settings, delivery_days());
        let mut told = vec![Told::default(); self.orders.len()];
        for (time_ms, what, number) in &self.happened {
            let (at, order) = (moment(*time_ms), *number as u64);
            match what {
                What::Bought => {
                    told[*number].first = book.placed(order, self.orders[*number].1, at);
                }
                What::HandedOver => {
                    let promised = book.handed_over(order, at);
                    told[*number].second = promised.map(|promised| (at.day, promised));
                }
                What::Delivered => book.delivered(order, at),
                What::Cancelled => book.cancelled(order, at),
            }
        }
        told
    }
}

/// Monday to Friday but for the holidays.
fn delivery_days() -> DeliveryDays {
    let weekdays = DELIVERS.iter().fold(0, |days, day| days | 1 << (day - 1));
    let off = holidays().into_iter().map(omnifold_domain::calendar::day_number).collect();
    DeliveryDays { weekdays, off }
}

pub fn moment(ms: i64) -> Moment {
    Moment { ms, day: (ms + ZONE_MS).div_euclid(DAY_MS) as i32 }
}

fn location(place: v1::Location) -> Location {
    Location { lat_e6: place.lat_e6, lon_e6: place.lon_e6 }
}

/// The farthest seller stands for the order: it is whole when the last part is there.
fn facts(order: &Delivery) -> Result<Facts> {
    let metres = |seller: &&Seller| haversine_m(location(seller.place), location(order.place));
    let farthest = order.sellers.iter().max_by_key(metres).context("an order without sellers")?;
    Ok(Facts {
        node: farthest.number,
        origin: letters(&farthest.state),
        areas: [
            letters(&order.state),
            u64::from(order.prefix / 1_000),
            u64::from(order.prefix / 100),
        ],
        distance_m: metres(&farthest),
        weight_g: order.weight_g,
        nodes: order.sellers.len() as u32,
        units: order.units,
    })
}

fn letters(state: &str) -> u64 {
    state.bytes().fold(0, |number, letter| number << 8 | u64::from(letter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnifold_domain::promise::Spending;

    const SETTINGS: Settings =
        Settings { late_ppm: 100_000, early_ppm: 50_000, spending: Spending::Even };

    /// Ten orders a day from one seller, three to twelve days on their way.
    fn orders(days: i64) -> Vec<Delivery> {
        let place = v1::Location { lat_e6: -23_500_000, lon_e6: -46_600_000 };
        let seller = Seller { number: 3, state: "SP".to_owned(), place };
        let order = |number: i64| {
            let bought_ms = number * DAY_MS / 10;
            let handed_over_ms = bought_ms + DAY_MS;
            Delivery {
                bought_ms,
                handed_over_ms: Some(handed_over_ms),
                delivered_ms: Some(handed_over_ms + (2 + number * 7 % 10) * DAY_MS),
                cancelled_ms: None,
                promised_ms: Some(bought_ms + 20 * DAY_MS),
                is_delivered: true,
                sellers: vec![seller.clone()],
                state: "RJ".to_owned(),
                prefix: 20_041,
                place: v1::Location { lat_e6: -22_900_000, lon_e6: -43_200_000 },
                units: 1,
                weight_g: 300,
            }
        };
        (0..days * 10).map(order).collect()
    }

    fn replay(orders: &[Delivery]) -> Vec<Told> {
        let with_facts = |order: &Delivery| (order.clone(), facts(order).expect("facts"));
        History::of(orders.iter().map(with_facts).collect()).replay(SETTINGS)
    }

    /// The whole way from the files' rows to a promise: what is planted after a day, in the orders
    /// bought before it too, changes no promise made before it.
    #[test]
    fn a_planted_future_is_not_seen() {
        let known = orders(200);
        let limit = 150 * DAY_MS;
        let mut planted = known.clone();
        for order in &mut planted {
            order.promised_ms = Some(0);
            order.is_delivered = order.delivered_ms < Some(limit);
            order.delivered_ms =
                order.delivered_ms.map(|time| if time < limit { time } else { time + limit });
        }
        let (told, other) = (replay(&known), replay(&planted));
        let before = known.iter().filter(|order| order.handed_over_ms < Some(limit)).count();
        assert_eq!(told[..before], other[..before]);
        assert!(told[..before].iter().filter(|told| told.first.is_some()).count() > 500);
        assert_ne!(told, other, "but when its time comes it is");
    }
}
