//! The orders of the day and what becomes of them, in time order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use omnifold_events::jsonl::FileEvent;
use omnifold_events::{Event, v1};

use super::catalogue::Catalogue;
use super::cities::CITIES;
use super::fate::{self, Happening};
use super::{HOUR_MS, Options, event};
use crate::random::{Random, Weighted};

/// Seals the personal data of one order: key id of the person, clear text.
pub type Sealer<'a> = Box<dyn FnMut(&str, &[u8]) -> v1::Sealed + Send + 'a>;

/// Orders per hour of the day, relative to each other: quiet nights, a peak at eight in the
/// evening.
const HOURS: [u64; 24] =
    [14, 8, 5, 4, 4, 6, 12, 24, 36, 44, 50, 54, 58, 54, 50, 50, 54, 62, 76, 96, 110, 90, 56, 30];

const CHANNELS: [&str; 3] = ["web", "app", "marketplace"];

/// The orders still to be placed, and what is still to happen to those that were.
pub struct Day<'a> {
    seed: u64,
    orders: u64,
    day_ms: i64,
    placed: u64,
    cities: Weighted,
    /// Whether the article of a rank is there whenever it is asked for.
    plentiful: Vec<bool>,
    /// Earliest first.
    ahead: BinaryHeap<Reverse<(i64, u64, Happening)>>,
    sealer: Option<Sealer<'a>>,
}

impl<'a> Day<'a> {
    /// The day of these options.
    pub fn new(options: &Options, day_ms: i64, plentiful: Vec<bool>) -> Self {
        Day {
            seed: options.seed,
            orders: options.orders,
            day_ms,
            placed: 0,
            cities: Weighted::new(CITIES.iter().map(|city| city.population)),
            plentiful,
            ahead: BinaryHeap::new(),
            sealer: None,
        }
    }

    /// Orders carry a recipient from now on.
    pub fn seal_with(&mut self, sealer: Sealer<'a>) {
        self.sealer = Some(sealer);
    }

    /// When the next event happens; `None`: nothing more happens.
    pub fn next_time(&self) -> Option<i64> {
        let ahead = self.ahead.peek().map(|Reverse((time, ..))| *time);
        match (self.next_order_time(), ahead) {
            (Some(order), Some(ahead)) => Some(order.min(ahead)),
            (order, ahead) => order.or(ahead),
        }
    }

    /// The next event.
    pub fn next_event(&mut self, catalogue: &Catalogue) -> Option<FileEvent> {
        let time = self.next_time()?;
        match self.ahead.peek() {
            Some(Reverse((ahead, ..))) if *ahead == time => self.happen(),
            _ => Some(self.place(catalogue, time)),
        }
    }

    /// How many things are still to happen to orders already placed.
    #[cfg(test)]
    pub fn ahead_len(&self) -> usize {
        self.ahead.len()
    }

    fn next_order_time(&self) -> Option<i64> {
        (self.placed < self.orders).then(|| {
            let mut random = self.of_order(self.placed);
            self.day_ms + time_of_day(self.placed, random.below(1_000), self.orders)
        })
    }

    fn of_order(&self, order: u64) -> Random {
        Random::of_part(self.seed, order)
    }

    fn place(&mut self, catalogue: &Catalogue, time: i64) -> FileEvent {
        let order = self.placed;
        self.placed += 1;
        let mut random = self.of_order(order);
        // The first draw is the order's time, see `next_order_time`.
        random.below(1_000);
        let ranks = line_ranks(catalogue, &mut random);
        let plentiful = ranks.iter().all(|&rank| self.plentiful[rank]);
        if let Some((next, delay)) = fate::first(self.seed, order, plentiful, ranks.len()) {
            self.ahead.push(Reverse((time + delay, order, next)));
        }
        let placed = self.order_placed(order, &ranks, catalogue, &mut random);
        event("demo/shop", &format!("order-{order}"), time, placed)
    }

    fn order_placed(
        &mut self,
        order: u64,
        ranks: &[usize],
        catalogue: &Catalogue,
        random: &mut Random,
    ) -> v1::OrderPlaced {
        let lines = ranks.iter().enumerate().map(|(place, &rank)| {
            let article = catalogue.at_rank(rank);
            v1::OrderLine {
                line_id: (place + 1).to_string(),
                sku: article.sku.clone(),
                quantity_milli: units(random) * 1_000,
                unit_price: Some(price(article.price_minor)),
            }
        });
        let lines = lines.collect();
        v1::OrderPlaced {
            channel: self.channel(order).to_owned(),
            order_id: order_id(order),
            lines,
            destination: Some(self.destination(order, random)),
            priority: if random.permille(80) { 5 } else { 0 },
            customer_ref: format!("c{:07}", random.below(self.orders.max(10) * 3 / 4)),
            ..Default::default()
        }
    }

    fn channel(&self, order: u64) -> &'static str {
        let drawn = Random::of_part(!self.seed, order).below(10);
        CHANNELS[[0, 0, 0, 0, 0, 0, 1, 1, 1, 2][drawn as usize]]
    }

    fn destination(&mut self, order: u64, random: &mut Random) -> v1::Destination {
        let city = &CITIES[self.cities.pick(random)];
        let (area, location) = city.area(random.below(city.area_count()));
        let recipient = self.sealer.as_mut().map(|seal| {
            let clear = recipient(random, city.name);
            seal(&format!("demo-{order}"), clear.as_bytes())
        });
        v1::Destination {
            country: city.country.to_owned(),
            postcode_area: area.to_owned(),
            location: Some(location),
            recipient,
        }
    }

    fn happen(&mut self) -> Option<FileEvent> {
        let Reverse((time, order, happening)) = self.ahead.pop()?;
        if let Some((next, delay)) = fate::after(self.seed, order, happening) {
            self.ahead.push(Reverse((time + delay, order, next)));
        }
        let (source, message) = self.happening(order, happening);
        Some(event(source, &format!("{}-{order}", word(happening)), time, message))
    }

    fn happening(&self, order: u64, happening: Happening) -> (&'static str, Event) {
        let target = Some(self.first_fulfilment(order));
        match happening {
            Happening::CancelledWhole => ("demo/shop", self.cancel(order, &[]).into()),
            Happening::CancelledLine => ("demo/shop", self.cancel(order, &["1"]).into()),
            Happening::Accepted => {
                ("demo/wms", v1::FulfilmentAccepted { target, ..Default::default() }.into())
            }
            Happening::Rejected => {
                let reason = fate::rejection_reason(self.seed, order, self.orders).into();
                let rejected = v1::FulfilmentRejected { target, reason, ..Default::default() };
                ("demo/wms", rejected.into())
            }
            Happening::Shipped => {
                let carrier = ["DHL", "GLS", "UPS"][(order % 3) as usize].to_owned();
                let tracking_number = format!("{carrier}{order:09}");
                ("demo/wms", shipped(target, carrier, tracking_number).into())
            }
            Happening::Delivered => {
                ("demo/courier", v1::FulfilmentDelivered { target, ..Default::default() }.into())
            }
        }
    }

    /// The fulfilment that an order surely has if it has any.
    fn first_fulfilment(&self, order: u64) -> v1::FulfilmentTarget {
        let id = format!("{}/{}/f1", self.channel(order), order_id(order));
        let target = Some(v1::fulfilment_target::Target::FulfilmentId(id));
        v1::FulfilmentTarget { target }
    }

    fn cancel(&self, order: u64, lines: &[&str]) -> v1::OrderCancelled {
        let all_of =
            |line: &&str| v1::LineQuantity { line_id: (*line).to_owned(), quantity_milli: 0 };
        v1::OrderCancelled {
            channel: self.channel(order).to_owned(),
            order_id: order_id(order),
            lines: lines.iter().map(all_of).collect(),
            reason: "changed_mind".to_owned(),
            ..Default::default()
        }
    }
}

fn shipped(
    target: Option<v1::FulfilmentTarget>,
    carrier: String,
    tracking_number: String,
) -> v1::FulfilmentShipped {
    v1::FulfilmentShipped { target, carrier, tracking_number, ..Default::default() }
}

fn word(happening: Happening) -> &'static str {
    match happening {
        Happening::CancelledWhole => "cancel",
        Happening::CancelledLine => "cancel-line",
        Happening::Rejected => "reject",
        Happening::Accepted => "accept",
        Happening::Shipped => "ship",
        Happening::Delivered => "deliver",
    }
}

fn order_id(order: u64) -> String {
    format!("{:07}", order + 1)
}

fn price(minor: i64) -> v1::Money {
    v1::Money { minor, currency: "EUR".to_owned() }
}

/// Articles of an order, each once: one to five, mostly one or two.
fn line_ranks(catalogue: &Catalogue, random: &mut Random) -> Vec<usize> {
    let lines = [1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5][random.below(11) as usize];
    let mut ranks = Vec::with_capacity(lines);
    while ranks.len() < lines {
        let rank = catalogue.pick_rank(random);
        if !ranks.contains(&rank) {
            ranks.push(rank);
        }
    }
    ranks
}

fn units(random: &mut Random) -> i64 {
    [1, 1, 1, 1, 1, 1, 1, 1, 2, 3][random.below(10) as usize]
}

/// When an order is placed, milliseconds into the day. Grows with the order's number: the orders
/// are cut out of the day's curve in equal shares, each somewhere in its share.
fn time_of_day(order: u64, thousandth: u64, orders: u64) -> i64 {
    let all: u64 = HOURS.iter().sum();
    let place = (u128::from(order) * 1_000 + u128::from(thousandth)) * u128::from(all);
    let unit = u128::from(orders) * 1_000;
    let mut before = 0;
    for (hour, &weight) in HOURS.iter().enumerate() {
        let upto = (before + u128::from(weight)) * unit;
        if place < upto {
            let into = (place - before * unit) * HOUR_MS as u128 / (u128::from(weight) * unit);
            return hour as i64 * HOUR_MS + into as i64;
        }
        before += u128::from(weight);
    }
    24 * HOUR_MS - 1
}

/// Name and street of nobody.
fn recipient(random: &mut Random, city: &str) -> String {
    const FIRST: [&str; 8] = ["Ada", "Bela", "Chiara", "Dario", "Elif", "Finn", "Greta", "Hugo"];
    const LAST: [&str; 8] =
        ["Andersen", "Bianchi", "Costa", "Dubois", "Evans", "Fischer", "Garcia", "Horvat"];
    let (first, last) = (random.pick(&FIRST), random.pick(&LAST));
    format!("{first} {last}, {} Station Road, {city}", 1 + random.below(180))
}
