//! The history of the Olist marketplace (Brazil, 2016 to 2018), replayed as events in time order.
//!
//! What becomes what:
//! * the market: its clock moves with the events, orders may be served in part, what nobody can
//!   serve waits, prices are in BRL;
//! * every seller is a partner node at the centroid of its zip prefix, every product an item sold
//!   in whole units;
//! * every order is placed when it was bought. The file has one row a unit, so rows of one product
//!   at one price become one line, named by the number of its first row. An order without rows
//!   is placed without lines, and the engine refuses it: nothing is invented;
//! * `delivered_carrier_date` is the order shipped and `delivered_customer_date` the order
//!   delivered. Both name the order and no node, because our assignment is not the history's;
//! * status `canceled` or `unavailable` is the order cancelled, one second after the last thing
//!   known of it, because the file has no time for it. Where that is after shipping, the engine
//!   says so;
//! * `order_approved_at` is each of its payments captured, except those of nothing; an order that was
//!   never approved has none. What was paid holds nothing back: the market waits for no money;
//! * a review is feedback at the time it was answered, its words sealed under the person's key.
//!
//! Stock is not in the data. [`stock`] derives it by a seeded rule, which the summary states.
//! Network and stock are dated one hour before the first event of the history.
//!
//! Times in the files carry no zone. They are read as Brasilia standard time (UTC-3) without
//! daylight saving, so that no hour is skipped or doubled and their order stays that of the file.
//! Odd times are kept: an order shipped before it was bought is published so.
//!
//! Personal data (customer ids, city, state and zip prefix) is sealed under the person's key. Clear
//! are the country, the first three digits of the zip prefix, and the centroid of the prefix
//! rounded to 0.01 degree (about a kilometre).
//!
//! The same folder, seed and keyring give the same bytes.

mod deliveries;
mod history;
mod holidays;
mod places;
mod stock;
mod tables;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use omnifold_events::jsonl::FileEvent;
use omnifold_events::v1;
use serde::Serialize;

pub use deliveries::{Delivery, Seller, deliveries};
pub use holidays::{DELIVERS, holidays};

use crate::publish::Publisher;
use crate::sealing::Keyring;

/// How the history is turned into events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OlistOptions {
    /// Seed of the rule that derives stock.
    pub seed: u64,
    /// The channel of the orders.
    pub channel: String,
    /// The CloudEvents source of the events.
    pub source: String,
    /// Every order is promised a day that so many of a million come after; `None`: none is. Orders
    /// are then limited to the sellers that shipped them, who have all that was ordered of them, so
    /// that what is learned is what happened.
    pub promise_late_ppm: Option<u32>,
    /// Where that share is spent.
    pub promise_spending: v1::PromiseSpending,
}

impl Default for OlistOptions {
    fn default() -> Self {
        let name = "olist".to_owned();
        OlistOptions {
            seed: 1,
            channel: name.clone(),
            source: name,
            promise_late_ppm: None,
            promise_spending: v1::PromiseSpending::Even,
        }
    }
}

/// What an import of the history came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OlistSummary {
    /// Orders of the file.
    pub orders: u64,
    /// Of which with items.
    pub orders_with_lines: u64,
    /// Of which without; the engine refuses them (`no_lines`).
    pub orders_without_lines: u64,
    /// Order lines: rows of one product at one price are one line.
    pub lines: u64,
    /// Units ordered: rows of the items file.
    pub units: u64,
    /// Orders by their last status in the file.
    pub orders_by_status: BTreeMap<String, u64>,
    /// Sellers.
    pub nodes: u64,
    /// Products.
    pub items: u64,
    /// The derived stock.
    pub stock: StockSummary,
    /// Persons whose data was sealed.
    pub persons: u64,
    /// Where places came from.
    pub places: PlacesSummary,
    /// Times of the file that contradict each other; they are kept.
    pub odd_times: OddTimes,
    /// Events.
    pub events: u64,
    /// Events by topic.
    pub events_by_topic: BTreeMap<&'static str, u64>,
    /// Events by CloudEvents type.
    pub events_by_type: BTreeMap<&'static str, u64>,
    /// Time of the first event, RFC 3339.
    pub first_time: String,
    /// Time of the last event, RFC 3339.
    pub last_time: String,
}

/// The stock that was derived.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StockSummary {
    /// Seed of the rule.
    pub seed: u64,
    /// The rule in words.
    pub rule: String,
    /// Counts published: one a seller and product it carries.
    pub rows: u64,
    /// Of which hold all that was ordered.
    pub enough: u64,
    /// Of which hold half of it.
    pub scarce: u64,
    /// Of which hold nothing.
    pub none: u64,
    /// Units in all.
    pub units: u64,
}

/// Where places came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PlacesSummary {
    /// Zip prefixes with a centroid.
    pub prefixes: u64,
    /// Points of the file outside Brazil, left out of the centroids.
    pub points_outside: u64,
    /// Orders whose customer's prefix is missing; they stand at the numerically nearest prefix.
    pub orders_at_nearest_prefix: u64,
    /// Sellers whose prefix is missing; they stand at the numerically nearest prefix.
    pub nodes_at_nearest_prefix: u64,
}

/// Times that contradict each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct OddTimes {
    /// Orders handed to the carrier before they were bought.
    pub shipped_before_bought: u64,
    /// Orders delivered before they were handed to the carrier.
    pub delivered_before_shipped: u64,
    /// Orders cancelled that were handed to the carrier before.
    pub cancelled_after_shipped: u64,
    /// Orders without items that were handed to the carrier.
    pub shipped_without_lines: u64,
}

/// The events of a history, in time order, and their summary. Makes the keys of the persons it
/// seals for; publishes nothing.
pub fn events(
    dir: &Path,
    options: &OlistOptions,
    keyring: &Keyring,
) -> anyhow::Result<(Vec<FileEvent>, OlistSummary)> {
    let tables = tables::Tables::read(dir)?;
    history::replay(&tables, options, keyring)
        .with_context(|| format!("Olist history in {}", dir.display()))
}

/// Publishes the events of a history. When it returns, all of them are durable in the log.
/// `progress` is told how many of how many events were given to the log.
pub fn import(
    dir: &Path,
    options: &OlistOptions,
    publisher: &mut Publisher,
    keyring: &Keyring,
    progress: &dyn Fn(u64, u64),
) -> anyhow::Result<OlistSummary> {
    let (events, summary) = events(dir, options, keyring)?;
    for (done, event) in (1..).zip(&events) {
        publisher.publish(event)?;
        progress(done, summary.events);
    }
    publisher.flush()?;
    Ok(summary)
}
