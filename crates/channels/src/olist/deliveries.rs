//! What the history says of deliveries, for learning when orders arrive. No events, and no persons:
//! places are prefixes, and their centroids.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context;
use omnifold_events::v1;

use super::history::SECOND_MS;
use super::places::Places;
use super::tables::{Item, Order, Tables};

/// One order's way. Times are UTC milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// When it was bought.
    pub bought_ms: i64,
    /// When the carrier got it.
    pub handed_over_ms: Option<i64>,
    /// When the customer got it.
    pub delivered_ms: Option<i64>,
    /// When it was cancelled: one second after the last thing known of it.
    pub cancelled_ms: Option<i64>,
    /// The start of the day that was promised to the customer.
    pub promised_ms: Option<i64>,
    /// Whether its last status is that it was delivered.
    pub is_delivered: bool,
    /// Who ships, each once.
    pub sellers: Vec<Seller>,
    /// State of the customer, two letters.
    pub state: String,
    /// Zip prefix of the customer, five digits.
    pub prefix: u32,
    /// Centroid of that prefix.
    pub place: v1::Location,
    /// Units.
    pub units: u32,
    /// Of all units, grams; those without a weight count nothing.
    pub weight_g: u32,
}

/// Who ships.
#[derive(Debug, Clone, PartialEq)]
pub struct Seller {
    /// Its line in the file of sellers.
    pub number: u64,
    /// Its state, two letters.
    pub state: String,
    /// Centroid of its zip prefix.
    pub place: v1::Location,
}

/// All orders that have items, by the time they were bought, then by their id.
pub fn deliveries(dir: &Path) -> anyhow::Result<Vec<Delivery>> {
    let tables = Tables::read(dir)?;
    let history = History::of(&tables)?;
    let mut orders: Vec<&Order> = tables.orders.iter().collect();
    orders.sort_by_key(|order| (order.order_purchase_timestamp, &order.order_id));
    let mut found = Vec::with_capacity(orders.len());
    for order in orders {
        let told = history.delivery(order);
        found.extend(told.with_context(|| format!("order {}", order.order_id))?);
    }
    Ok(found)
}

struct History<'a> {
    tables: &'a Tables,
    places: Places,
    items: HashMap<&'a str, Vec<&'a Item>>,
    sellers: HashMap<&'a str, Seller>,
    weights: HashMap<&'a str, u32>,
}

impl<'a> History<'a> {
    fn of(tables: &'a Tables) -> anyhow::Result<Self> {
        let places = Places::of(&tables.geolocation)?;
        let mut items: HashMap<&str, Vec<&Item>> = HashMap::new();
        for item in &tables.items {
            items.entry(&item.order_id).or_default().push(item);
        }
        let sellers = (0..).zip(&tables.sellers).map(|(number, seller)| {
            let place = places.locate(seller.seller_zip_code_prefix).location;
            let state = seller.seller_state.clone();
            (seller.seller_id.as_str(), Seller { number, state, place })
        });
        let sellers = sellers.collect();
        let weights = tables.products.iter().map(|product| {
            (product.product_id.as_str(), product.product_weight_g.unwrap_or_default())
        });
        Ok(History { tables, items, sellers, weights: weights.collect(), places })
    }

    /// `None` where the order has no items: nothing was shipped that could be learned from.
    fn delivery(&self, order: &Order) -> anyhow::Result<Option<Delivery>> {
        let Some(items) = self.items.get(order.order_id.as_str()) else { return Ok(None) };
        let bought_ms = order.order_purchase_timestamp.context("no purchase time")?;
        let customer = self.tables.customers.get(&order.customer_id).context("no customer")?;
        let prefix = customer.customer_zip_code_prefix;
        let cancelled = order.is_cancelled().then(|| order.last_known_ms(bought_ms) + SECOND_MS);
        Ok(Some(Delivery {
            bought_ms,
            handed_over_ms: order.order_delivered_carrier_date,
            delivered_ms: order.order_delivered_customer_date,
            cancelled_ms: cancelled,
            promised_ms: order.order_estimated_delivery_date,
            is_delivered: order.order_status == "delivered",
            sellers: self.sellers_of(items)?,
            state: customer.customer_state.clone(),
            prefix,
            place: self.places.locate(prefix).location,
            units: items.len() as u32,
            weight_g: self.weight_of(items),
        }))
    }

    fn sellers_of(&self, items: &[&Item]) -> anyhow::Result<Vec<Seller>> {
        let mut found: Vec<Seller> = Vec::new();
        for item in items {
            let seller = self.sellers.get(item.seller_id.as_str());
            let seller = seller.with_context(|| format!("no seller {}", item.seller_id))?;
            if !found.contains(seller) {
                found.push(seller.clone());
            }
        }
        found.sort_by_key(|seller| seller.number);
        Ok(found)
    }

    fn weight_of(&self, items: &[&Item]) -> u32 {
        let weight = |item: &&Item| self.weights.get(item.product_id.as_str()).copied();
        items.iter().filter_map(weight).fold(0, u32::saturating_add)
    }
}
