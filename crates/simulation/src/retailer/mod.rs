//! The demo's retailer: one seeded day of a European retailer as a stream of events.
//!
//! Named cities at their true places, warehouses, stores and dropship partners, a few thousand
//! SKUs, counts before the day, then the orders of the day with its evening peak; nodes accept,
//! turn down and ship, couriers deliver, customers cancel, lorries bring what ran out.
//!
//! The stream is in time order and is made as it is read. Memory: the assortment, the stock plan,
//! and a few bytes for each thing that is still to happen to an order already placed.
//! Everything about order N comes from the seed and N alone.

mod catalogue;
mod cities;
mod day;
mod fate;
mod nodes;
mod stocking;

use std::collections::VecDeque;

use omnifold_events::jsonl::FileEvent;
use omnifold_events::{Event, v1};

pub use day::Sealer;

use catalogue::Catalogue;
use day::Day;
use nodes::Place;
use stocking::{Shelf, StockMove, Stocking};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

// Parts of the seed. Orders use their own number, which never comes near these.
const PART_CATALOGUE: u64 = u64::MAX;
const PART_STOCK: u64 = u64::MAX - 1;
const PART_COURSE: u64 = u64::MAX - 2;

/// Which retailer, and which day.
#[derive(Debug, Clone)]
pub struct Options {
    /// Orders of the day.
    pub orders: u64,
    /// Same seed, same bytes.
    pub seed: u64,
    /// The day, `YYYY-MM-DD`, UTC.
    pub day: String,
}

impl Default for Options {
    fn default() -> Self {
        Options { orders: 100_000, seed: 1, day: "2025-06-02".to_owned() }
    }
}

/// The stream of events. See the module's head.
pub struct Retailer<'a> {
    day_ms: i64,
    catalogue: Catalogue,
    places: Vec<Place>,
    /// What was said before the day: market, nodes, items, counts.
    opening: Opening,
    stock_moves: VecDeque<(i64, StockMove)>,
    moved: u64,
    day: Day<'a>,
}

/// How far the opening was told.
struct Opening {
    told: usize,
    morning: Vec<Shelf>,
}

/// Before the day: operators declare, then the stock is counted.
const DECLARED_BEFORE_MS: i64 = 3 * HOUR_MS;
const COUNTED_BEFORE_MS: i64 = 2 * HOUR_MS;

impl<'a> Retailer<'a> {
    /// The retailer of these options. Orders carry no personal data.
    ///
    /// # Errors
    /// Where the day is not a date.
    pub fn new(options: &Options) -> Result<Self, omnifold_events::TimeError> {
        let day_ms = omnifold_events::parse_time(&format!("{}T00:00:00Z", options.day))?;
        let catalogue = Catalogue::new(options.seed);
        let places = nodes::places();
        let stocking = Stocking::new(options.seed, options.orders, &catalogue, &places);
        let plentiful = (0..catalogue.articles.len()).map(|rank| stocking.is_plentiful(rank));
        Ok(Retailer {
            day_ms,
            day: Day::new(options, day_ms, plentiful.collect()),
            catalogue,
            places,
            opening: Opening { told: 0, morning: stocking.morning },
            stock_moves: stocking.during.into(),
            moved: 0,
        })
    }

    /// Gives each order a recipient (name and street, made up), sealed by the caller.
    pub fn with_recipients(mut self, sealer: Sealer<'a>) -> Self {
        self.day.seal_with(sealer);
        self
    }

    /// How many nodes there are.
    pub fn node_count(&self) -> usize {
        self.places.len()
    }

    /// How many SKUs there are.
    pub fn sku_count(&self) -> usize {
        self.catalogue.articles.len()
    }

    /// How many events come before the first one of the day: market, nodes, items and counts.
    pub fn opening_count(&self) -> usize {
        1 + self.places.len() + self.catalogue.articles.len() + self.opening.morning.len()
    }

    fn open(&mut self) -> Option<FileEvent> {
        let (places, articles) = (self.places.len(), self.catalogue.articles.len());
        let number = self.opening.told;
        if number >= self.opening_count() {
            return None;
        }
        self.opening.told += 1;
        let declared = self.day_ms - DECLARED_BEFORE_MS;
        Some(if number == 0 {
            network_event("market", declared, market())
        } else if number <= places {
            let place = &self.places[number - 1];
            network_event(&place.node_id, declared, place.definition())
        } else if number <= places + articles {
            let article = &self.catalogue.articles[number - 1 - places];
            network_event(&article.sku, declared, item(article))
        } else {
            let shelf = self.opening.morning[number - 1 - places - articles];
            self.counted(&format!("morning-{number}"), shelf, self.day_ms - COUNTED_BEFORE_MS)
        })
    }

    fn counted(&self, id: &str, shelf: Shelf, time_ms: i64) -> FileEvent {
        let counted = v1::StockCounted {
            node_id: self.places[shelf.place].node_id.clone(),
            sku: self.catalogue.at_rank(shelf.rank).sku.clone(),
            on_hand_milli: shelf.units * 1_000,
            ..Default::default()
        };
        event("demo/wms", id, time_ms, counted)
    }

    fn delivered(&self, id: &str, shelf: Shelf, time_ms: i64) -> FileEvent {
        let adjusted = v1::StockAdjusted {
            node_id: self.places[shelf.place].node_id.clone(),
            sku: self.catalogue.at_rank(shelf.rank).sku.clone(),
            delta_milli: shelf.units * 1_000,
            reason: v1::AdjustmentReason::Received.into(),
            ..Default::default()
        };
        event("demo/wms", id, time_ms, adjusted)
    }

    fn move_stock(&mut self) -> Option<FileEvent> {
        let (time, change) = self.stock_moves.pop_front()?;
        self.moved += 1;
        let time_ms = self.day_ms + time;
        Some(match change {
            StockMove::Delivery(shelf) => {
                self.delivered(&format!("delivery-{}", self.moved), shelf, time_ms)
            }
            StockMove::Recount(shelf) => {
                self.counted(&format!("recount-{}", self.moved), shelf, time_ms)
            }
        })
    }
}

impl Iterator for Retailer<'_> {
    type Item = FileEvent;

    fn next(&mut self) -> Option<FileEvent> {
        if let Some(event) = self.open() {
            return Some(event);
        }
        let stock_at = self.stock_moves.front().map(|(time, _)| self.day_ms + time);
        let order_at = self.day.next_time();
        match (stock_at, order_at) {
            (Some(stock), Some(order)) if stock <= order => self.move_stock(),
            (Some(_), None) => self.move_stock(),
            _ => self.day.next_event(&self.catalogue),
        }
    }
}

fn event(source: &str, id: &str, time_ms: i64, event: impl Into<Event>) -> FileEvent {
    let (id, source) = (id.to_owned(), source.to_owned());
    FileEvent { id, source, time_ms: Some(time_ms), event: event.into() }
}

fn network_event(id: &str, time_ms: i64, message: impl Into<Event>) -> FileEvent {
    event("demo/operator", id, time_ms, message)
}

fn market() -> v1::MarketConfigured {
    v1::MarketConfigured {
        clock: v1::ClockKind::Events.into(),
        currency: "EUR".to_owned(),
        coverage: v1::Coverage::AllowPartial.into(),
        shortage: v1::Shortage::Wait.into(),
        explanation: v1::ExplanationLevel::Full.into(),
        ..Default::default()
    }
}

fn item(article: &catalogue::Article) -> v1::ItemDefined {
    v1::ItemDefined {
        sku: article.sku.clone(),
        name: article.name.clone(),
        scale: 0,
        ..Default::default()
    }
}

#[cfg(test)]
mod tests;
