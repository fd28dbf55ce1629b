//! Rows to events in time order.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, bail};
use omnifold_events::jsonl::FileEvent;
use omnifold_events::v1::fulfilment_target::Target;
use omnifold_events::{Event, format_time, v1};

use super::holidays::{DELIVERS, holidays};
use super::places::{Places, coarse};
use super::stock::{self, Carried};
use super::tables::{Customer, Item, Order, Payment, Review, Seller, Tables};
use super::{OddTimes, OlistOptions, OlistSummary};
use crate::decimal::{Finer, scaled};
use crate::publish::input_topic;
use crate::sealing::{Keyring, feedback_purpose, recipient_purpose};

const HOUR_MS: i64 = 3_600_000;
pub(super) const SECOND_MS: i64 = 1_000;
const UNIT_MILLI: i64 = 1_000;
const CURRENCY: &str = "BRL";
const COUNTRY: &str = "BR";
/// Brasilia standard time by its IANA name, whose sign is the other way round.
const ZONE: &str = "Etc/GMT+3";
/// Share of orders that may come before the first promised day.
const EARLY_PPM: u32 = 50_000;

pub(super) fn replay(
    tables: &Tables,
    options: &OlistOptions,
    keyring: &Keyring,
) -> anyhow::Result<(Vec<FileEvent>, OlistSummary)> {
    let places = Places::of(&tables.geolocation)?;
    let as_shipped = options.promise_late_ppm.is_some();
    let stock =
        if as_shipped { stock::as_shipped(tables) } else { stock::derive(tables, options.seed) };
    let mut history = History::new(tables, options, keyring, &places)?;
    history.orders()?;
    let opening_ms = history.first_ms()? - HOUR_MS;
    history.network(opening_ms);
    history.stock(opening_ms, &stock);
    history.in_time_order();
    let stock = if as_shipped {
        stock::summary_as_shipped(&stock)
    } else {
        stock::summary(&stock, options.seed)
    };
    let summary = OlistSummary { stock, ..history.summary() };
    Ok((history.events, summary))
}

struct History<'a> {
    tables: &'a Tables,
    options: &'a OlistOptions,
    keyring: &'a Keyring,
    places: &'a Places,
    /// Rows of each order, by their number.
    items: HashMap<&'a str, Vec<&'a Item>>,
    payments: HashMap<&'a str, Vec<&'a Payment>>,
    reviews: HashMap<&'a str, Vec<&'a Review>>,
    events: Vec<FileEvent>,
    counted: OlistSummary,
}

impl<'a> History<'a> {
    fn new(
        tables: &'a Tables,
        options: &'a OlistOptions,
        keyring: &'a Keyring,
        places: &'a Places,
    ) -> anyhow::Result<Self> {
        let persons = tables.customers.values().map(|c| c.customer_unique_id.as_str());
        keyring.prepare(persons).context("keys of the customers")?;
        let mut items: HashMap<&str, Vec<&Item>> = HashMap::new();
        for item in &tables.items {
            items.entry(&item.order_id).or_default().push(item);
        }
        items.values_mut().for_each(|rows| rows.sort_by_key(|item| item.order_item_id));
        let mut payments: HashMap<&str, Vec<&Payment>> = HashMap::new();
        for payment in &tables.payments {
            payments.entry(&payment.order_id).or_default().push(payment);
        }
        let mut reviews: HashMap<&str, Vec<&Review>> = HashMap::new();
        for review in &tables.reviews {
            reviews.entry(&review.order_id).or_default().push(review);
        }
        let mut counted = OlistSummary::default();
        counted.places.prefixes = places.len() as u64;
        counted.places.points_outside = places.points_outside;
        let events = Vec::new();
        Ok(History { tables, options, keyring, places, items, payments, reviews, events, counted })
    }

    fn add(&mut self, id: String, time_ms: i64, event: impl Into<Event>) {
        let source = self.options.source.clone();
        self.events.push(FileEvent { id, source, time_ms: Some(time_ms), event: event.into() });
    }

    fn orders(&mut self) -> anyhow::Result<()> {
        for order in &self.tables.orders {
            self.order(order).with_context(|| format!("order {}", order.order_id))?;
        }
        Ok(())
    }

    fn order(&mut self, order: &Order) -> anyhow::Result<()> {
        let bought_ms = order.order_purchase_timestamp.context("no purchase time")?;
        let id = &order.order_id;
        let placed = self.placed(order)?;
        self.count_order(order, &placed);
        self.add(format!("placed/{id}"), bought_ms, placed);
        self.approved(order)?;
        self.reviewed(order)?;
        if let Some(time_ms) = order.order_delivered_carrier_date {
            let shipped =
                v1::FulfilmentShipped { target: self.any_node(order), ..Default::default() };
            self.add(format!("shipped/{id}"), time_ms, shipped);
        }
        if let Some(time_ms) = order.order_delivered_customer_date {
            let delivered =
                v1::FulfilmentDelivered { target: self.any_node(order), ..Default::default() };
            self.add(format!("delivered/{id}"), time_ms, delivered);
        }
        if order.is_cancelled() {
            let cancelled = v1::OrderCancelled {
                channel: self.options.channel.clone(),
                order_id: id.clone(),
                reason: order.order_status.clone(),
                ..Default::default()
            };
            self.add(
                format!("cancelled/{id}"),
                order.last_known_ms(bought_ms) + SECOND_MS,
                cancelled,
            );
        }
        Ok(())
    }

    /// What was approved came in. Some rows of the file are of nothing.
    fn approved(&mut self, order: &Order) -> anyhow::Result<()> {
        let Some(time_ms) = order.order_approved_at else { return Ok(()) };
        let rows = self.payments.get(order.order_id.as_str()).cloned().unwrap_or_default();
        for row in rows {
            let number = row.payment_sequential;
            let minor = scaled(&row.payment_value, 2, Finer::Refuse)
                .with_context(|| format!("payment {number}: value `{}`", row.payment_value))?;
            if minor == 0 {
                continue;
            }
            let captured = v1::PaymentCaptured {
                channel: self.options.channel.clone(),
                order_id: order.order_id.clone(),
                payment_id: number.to_string(),
                amount: Some(v1::Money { minor, currency: CURRENCY.to_owned() }),
                ..Default::default()
            };
            self.add(format!("approved/{}/{number}", order.order_id), time_ms, captured);
        }
        Ok(())
    }

    fn reviewed(&mut self, order: &Order) -> anyhow::Result<()> {
        let customer = self.tables.customers.get(&order.customer_id);
        let customer = customer.with_context(|| format!("no customer {}", order.customer_id))?;
        let rows = self.reviews.get(order.order_id.as_str()).cloned().unwrap_or_default();
        for row in rows {
            let time_ms = row.review_answer_timestamp;
            let time_ms = time_ms.with_context(|| format!("review {}: no time", row.review_id))?;
            let feedback = v1::OrderFeedback {
                channel: self.options.channel.clone(),
                order_id: order.order_id.clone(),
                feedback_id: row.review_id.clone(),
                score: row.review_score,
                text: self.sealed_words(row, customer)?,
                ..Default::default()
            };
            self.add(format!("review/{}/{}", order.order_id, row.review_id), time_ms, feedback);
        }
        Ok(())
    }

    /// What the customer wrote; none where it is nothing.
    fn sealed_words(
        &self,
        row: &Review,
        customer: &Customer,
    ) -> anyhow::Result<Option<v1::Sealed>> {
        let (title, message) = (&row.review_comment_title, &row.review_comment_message);
        if title.is_empty() && message.is_empty() {
            return Ok(None);
        }
        let words = serde_json::json!({ "title": title, "message": message }).to_string();
        let purpose = feedback_purpose(&self.options.channel, &row.order_id, &row.review_id);
        let person = &customer.customer_unique_id;
        self.keyring.seal(person, &purpose, words.as_bytes()).map(Some).map_err(Into::into)
    }

    fn placed(&mut self, order: &Order) -> anyhow::Result<v1::OrderPlaced> {
        let customer = self.tables.customers.get(&order.customer_id);
        let customer = customer.with_context(|| format!("no customer {}", order.customer_id))?;
        let rows = self.items.get(order.order_id.as_str()).map_or(&[][..], Vec::as_slice);
        Ok(v1::OrderPlaced {
            channel: self.options.channel.clone(),
            order_id: order.order_id.clone(),
            lines: lines(rows)?,
            fulfil_from: self.sellers(rows),
            destination: Some(self.destination(order, customer)?),
            customer_ref: self.keyring.pseudonym(&customer.customer_unique_id)?,
            ..Default::default()
        })
    }

    /// Who may serve an order: with promises, who did.
    fn sellers(&self, rows: &[&Item]) -> Vec<String> {
        if self.options.promise_late_ppm.is_none() {
            return Vec::new();
        }
        let mut sellers: Vec<String> = rows.iter().map(|item| item.seller_id.clone()).collect();
        sellers.sort_unstable();
        sellers.dedup();
        sellers
    }

    fn destination(
        &mut self,
        order: &Order,
        customer: &Customer,
    ) -> anyhow::Result<v1::Destination> {
        let prefix = customer.customer_zip_code_prefix;
        let found = self.places.locate(prefix);
        self.counted.places.orders_at_nearest_prefix += u64::from(found.is_nearest);
        let personal = serde_json::json!({
            "customer_id": order.customer_id,
            "customer_unique_id": customer.customer_unique_id,
            "city": customer.customer_city,
            "state": customer.customer_state,
            "zip_code_prefix": format!("{prefix:05}"),
        });
        let purpose = recipient_purpose(&self.options.channel, &order.order_id);
        let person = &customer.customer_unique_id;
        let sealed = self.keyring.seal(person, &purpose, personal.to_string().as_bytes())?;
        Ok(v1::Destination {
            country: COUNTRY.to_owned(),
            postcode_area: format!("{:03}", prefix / 100),
            location: Some(coarse(found.location)),
            recipient: Some(sealed),
        })
    }

    fn any_node(&self, order: &Order) -> Option<v1::FulfilmentTarget> {
        let channel = self.options.channel.clone();
        let units = v1::AnyNode { channel, order_id: order.order_id.clone() };
        Some(v1::FulfilmentTarget { target: Some(Target::AnyNode(units)) })
    }

    fn count_order(&mut self, order: &Order, placed: &v1::OrderPlaced) {
        let counted = &mut self.counted;
        counted.orders += 1;
        let has_lines = !placed.lines.is_empty();
        counted.orders_with_lines += u64::from(has_lines);
        counted.orders_without_lines += u64::from(!has_lines);
        counted.lines += placed.lines.len() as u64;
        counted.units +=
            self.items.get(order.order_id.as_str()).map_or(0, |rows| rows.len() as u64);
        *counted.orders_by_status.entry(order.order_status.clone()).or_default() += 1;
        order.count_odd_times(has_lines, &mut counted.odd_times);
    }

    fn first_ms(&self) -> anyhow::Result<i64> {
        match self.events.iter().filter_map(|event| event.time_ms).min() {
            Some(first) => Ok(first),
            None => bail!("the orders file is empty"),
        }
    }

    fn network(&mut self, time_ms: i64) {
        let market = v1::MarketConfigured {
            clock: v1::ClockKind::Events.into(),
            currency: CURRENCY.to_owned(),
            coverage: v1::Coverage::AllowPartial.into(),
            shortage: v1::Shortage::Wait.into(),
            promise: self.options.promise_late_ppm.map(|late_ppm| v1::PromiseRules {
                zone: ZONE.to_owned(),
                late_ppm,
                early_ppm: EARLY_PPM,
                spending: self.options.promise_spending.into(),
                calendar: Some(delivery_days()),
            }),
            ..Default::default()
        };
        self.add("market".to_owned(), time_ms, market);
        for seller in &self.tables.sellers {
            let node = self.node(seller);
            self.add(format!("node/{}", seller.seller_id), time_ms, node);
        }
        for product in &self.tables.products {
            let category = &product.product_category_name;
            let item = v1::ItemDefined {
                sku: product.product_id.clone(),
                name: self.tables.categories.get(category).unwrap_or(category).clone(),
                scale: 0,
                weight_g: product.product_weight_g.unwrap_or_default(),
                ..Default::default()
            };
            self.add(format!("item/{}", product.product_id), time_ms, item);
        }
        self.counted.nodes = self.tables.sellers.len() as u64;
        self.counted.items = self.tables.products.len() as u64;
    }

    fn node(&mut self, seller: &Seller) -> v1::NodeDefined {
        let found = self.places.locate(seller.seller_zip_code_prefix);
        self.counted.places.nodes_at_nearest_prefix += u64::from(found.is_nearest);
        v1::NodeDefined {
            node_id: seller.seller_id.clone(),
            name: format!("{}, {}", seller.seller_city, seller.seller_state),
            kind: v1::NodeKind::Partner.into(),
            location: Some(found.location),
            country: COUNTRY.to_owned(),
            ..Default::default()
        }
    }

    fn stock(&mut self, time_ms: i64, stock: &[Carried]) {
        for row in stock {
            let count = v1::StockCounted {
                node_id: row.seller.to_owned(),
                sku: row.product.to_owned(),
                on_hand_milli: row.units * UNIT_MILLI,
                ..Default::default()
            };
            self.add(format!("stock/{}/{}", row.seller, row.product), time_ms, count);
        }
    }

    /// By time, then as the engine takes topics, then as they were added.
    fn in_time_order(&mut self) {
        self.events.sort_by_key(|event| (event.time_ms, input_topic(&event.event).0));
    }

    fn summary(&self) -> OlistSummary {
        let mut summary = self.counted.clone();
        summary.events = self.events.len() as u64;
        for event in &self.events {
            *summary.events_by_topic.entry(event.event.topic()).or_default() += 1;
            *summary.events_by_type.entry(event.event.type_name()).or_default() += 1;
        }
        let time = |event: Option<&FileEvent>| {
            event.and_then(|event| event.time_ms).map(format_time).unwrap_or_default()
        };
        summary.first_time = time(self.events.first());
        summary.last_time = time(self.events.last());
        let mut persons: Vec<&str> =
            self.tables.customers.values().map(|c| c.customer_unique_id.as_str()).collect();
        persons.sort_unstable();
        persons.dedup();
        summary.persons = persons.len() as u64;
        summary
    }
}

/// Rows of one product at one price are one line, named by the number of its first row.
fn lines(rows: &[&Item]) -> anyhow::Result<Vec<v1::OrderLine>> {
    let mut lines: Vec<v1::OrderLine> = Vec::new();
    let mut place: BTreeMap<(&str, i64), usize> = BTreeMap::new();
    for item in rows {
        let minor = scaled(&item.price, 2, Finer::Refuse)
            .with_context(|| format!("item {}: price `{}`", item.order_item_id, item.price))?;
        let at = *place.entry((&item.product_id, minor)).or_insert(lines.len());
        if at == lines.len() {
            lines.push(v1::OrderLine {
                line_id: item.order_item_id.to_string(),
                sku: item.product_id.clone(),
                quantity_milli: 0,
                unit_price: Some(v1::Money { minor, currency: CURRENCY.to_owned() }),
            });
        }
        lines[at].quantity_milli += UNIT_MILLI;
    }
    Ok(lines)
}

impl Order {
    pub(super) fn is_cancelled(&self) -> bool {
        matches!(self.order_status.as_str(), "canceled" | "unavailable")
    }

    pub(super) fn last_known_ms(&self, bought_ms: i64) -> i64 {
        let later = [
            self.order_approved_at,
            self.order_delivered_carrier_date,
            self.order_delivered_customer_date,
        ];
        later.into_iter().flatten().fold(bought_ms, i64::max)
    }

    fn count_odd_times(&self, has_lines: bool, odd: &mut OddTimes) {
        let Some(shipped) = self.order_delivered_carrier_date else { return };
        let after = |earlier: Option<i64>| earlier.is_some_and(|earlier| shipped < earlier);
        let delivered = self.order_delivered_customer_date;
        odd.shipped_before_bought += u64::from(after(self.order_purchase_timestamp));
        odd.delivered_before_shipped += u64::from(delivered.is_some_and(|time| time < shipped));
        odd.cancelled_after_shipped += u64::from(self.is_cancelled());
        odd.shipped_without_lines += u64::from(!has_lines);
    }
}

/// On which days parcels are delivered, and nothing that is promised by it.
fn delivery_days() -> v1::DeliveryCalendar {
    v1::DeliveryCalendar {
        delivers: DELIVERS.to_vec(),
        days_off: holidays().iter().map(ToString::to_string).collect(),
        days_only: true,
        ..Default::default()
    }
}
