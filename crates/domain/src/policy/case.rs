//! A policy's own examples: a small network with stock, an order, and the plan that is expected.
//! They are part of the file, not of what is activated: the canonical form leaves them out.

use std::collections::BTreeMap;

use omnifold_events::{Event, parse_time, v1};
use serde::Deserialize;
use toml::Spanned;

use super::{Kind, Lifecycle, Policy};

/// Orders that a node may be said to have taken, and cases of a policy.
const MAX_TAKEN: u32 = 1_000;
/// What nodes have besides, so that they can have taken orders.
const FILLER: &str = "(taken before)";
/// The channel of an order that names none, and the id of every case's order.
const CHANNEL: &str = "web";
const ORDER: &str = "case";
/// When a case without a time is played: noon of a Wednesday, UTC.
const NOON_MS: i64 = 1_735_732_800_000;
/// Degrees are told to six decimals.
const DECIMALS: usize = 6;

/// One example.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// When the order comes, RFC 3339. Without it the policy's validity is left aside.
    #[serde(default)]
    pub at: Option<Spanned<String>>,
    /// What nobody serves waits, where the rule leaves that to the market; otherwise it is refused.
    #[serde(default)]
    pub market_waits: bool,
    /// The network.
    pub nodes: BTreeMap<String, Spanned<CaseNode>>,
    /// Whole units on hand, by node and SKU.
    #[serde(default)]
    pub stock: Shelf,
    /// Units that the nodes keep back.
    #[serde(default)]
    pub buffer: Shelf,
    /// Units that they may promise without stock.
    #[serde(default)]
    pub backorder: Shelf,
    /// Whole units that the nodes sell in a week.
    #[serde(default)]
    pub weekly_sales: Shelf,
    /// Minor units that a unit loses where it is.
    #[serde(default)]
    pub markdown: Shelf,
    /// Lots, by node and SKU: units beside those of `stock`.
    #[serde(default)]
    pub lots: BTreeMap<String, BTreeMap<String, Vec<CaseLot>>>,
    /// Grams of a unit, by SKU.
    #[serde(default)]
    pub weight_g: BTreeMap<String, u32>,
    /// What is asked for.
    pub order: Spanned<CaseOrder>,
    /// What is to come of it.
    pub expect: Spanned<Expected>,
}

/// Whole units by node and SKU.
pub type Shelf = BTreeMap<String, BTreeMap<String, u32>>;

/// Units of one lot.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseLot {
    /// How many.
    pub units: u32,
    /// Their last day, `YYYY-MM-DD`; without it they do not expire.
    #[serde(default)]
    pub last_day: String,
}

/// A node of an example.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CaseNode {
    /// What kind it is.
    pub kind: Option<Kind>,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// `latitude,longitude` in degrees.
    pub at: Option<String>,
    /// Orders it takes a day; 0: as many as come.
    pub capacity: u32,
    /// Orders it has taken that day; only with a capacity.
    pub taken: u32,
    /// Fulfilments that it has kept lately: they count for its score, and not for its capacity.
    pub kept: u32,
    /// Fulfilments that it has failed.
    pub failed: u32,
    /// How long an order takes here, in hours.
    pub processing_hours: u32,
}

/// The order of an example.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CaseOrder {
    /// Default `web`.
    pub channel: Option<String>,
    /// What is wanted.
    pub lines: Vec<CaseLine>,
    /// `latitude,longitude` in degrees.
    pub to: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Leading part of the postcode.
    pub postcode_area: String,
    /// Shipping method.
    pub service: String,
    /// Who sells.
    pub seller: String,
    /// The kind of order.
    pub order_type: String,
    /// The kind of customer.
    pub segment: String,
    /// The day on which its customer wants it, `YYYY-MM-DD`.
    pub date: String,
    /// Higher is served first.
    pub priority: u32,
    /// Whether a part may be served.
    pub allow_partial: bool,
}

/// A line of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseLine {
    /// What.
    pub sku: String,
    /// How many.
    pub units: u32,
    /// Of a unit, in minor units.
    #[serde(default)]
    pub price: i64,
}

/// What is to come of an example. What is not given does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expected {
    /// Units by node and SKU; empty: nobody gets any.
    pub plan: Option<Shelf>,
    /// The rule that decides; empty: none of them.
    pub rule: Option<String>,
    /// What the order is told.
    pub status: Option<CaseStatus>,
    /// Units that nodes are suggested to send others, by the node that has them and SKU.
    pub moves: Option<Shelf>,
}

/// What an order is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseStatus {
    /// All of it is promised.
    Assigned,
    /// A part is.
    PartlyAssigned,
    /// It waits.
    Waiting,
    /// It is refused.
    Refused,
    /// It is put on hold.
    Held,
    /// It goes with the next wave.
    Scheduled,
}

/// A fault of a case, by its offset in the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFault {
    /// In bytes.
    pub offset: usize,
    /// What is wrong.
    pub what: String,
}

impl Case {
    /// When the order comes, milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// Where that is no time.
    pub fn now_ms(&self) -> Result<i64, CaseFault> {
        let Some(at) = &self.at else { return Ok(NOON_MS) };
        parse_time(at.get_ref())
            .map_err(|error| CaseFault { offset: at.span().start, what: error.to_string() })
    }

    /// The events that set the example up: market, network, stock, the orders that were taken before,
    /// the policy, and last the order.
    ///
    /// # Errors
    /// What cannot be: a place that is none, more taken than may be.
    pub fn events(&self, policy: &Policy) -> Result<Vec<Event>, CaseFault> {
        let mut events = vec![self.market(), item(FILLER, 0)];
        let (stock, sold) = (&self.stock, &self.weekly_sales);
        let shelves = [stock, &self.buffer, &self.backorder, sold, &self.markdown];
        let stocked = shelves.into_iter().flat_map(BTreeMap::values).flat_map(BTreeMap::keys);
        let stocked = stocked.chain(self.lots.values().flat_map(BTreeMap::keys));
        let wanted = self.order.get_ref().lines.iter().map(|line| &line.sku);
        let mut skus: Vec<&String> = stocked.chain(wanted).collect();
        skus.sort_unstable();
        skus.dedup();
        let weight_g = |sku: &String| self.weight_g.get(sku).copied().unwrap_or(0);
        events.extend(skus.into_iter().map(|sku| item(sku, weight_g(sku))));
        for (id, node) in &self.nodes {
            let fault = |what: String| CaseFault { offset: node.span().start, what };
            events.extend(node.get_ref().events(id).map_err(fault)?);
        }
        events.extend(self.stock_events());
        for (id, node) in &self.nodes {
            events.extend((0..node.get_ref().taken).map(|nth| taken(id, nth)));
        }
        events.push(self.activated(policy));
        let offset = self.order.span().start;
        events.push(self.placed().map_err(|what| CaseFault { offset, what })?);
        Ok(events)
    }

    fn market(&self) -> Event {
        let mut market = v1::MarketConfigured { currency: "EUR".to_owned(), ..Default::default() };
        market.set_clock(v1::ClockKind::Events);
        market.set_coverage(v1::Coverage::ShipComplete);
        market.set_explanation(v1::ExplanationLevel::Full);
        let waits = self.market_waits;
        market.set_shortage(if waits { v1::Shortage::Wait } else { v1::Shortage::Refuse });
        market.into()
    }

    fn stock_events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for (node, sku, units) in rows(&self.stock) {
            events.push(counted(node, sku, units));
        }
        let mut kept: BTreeMap<(&str, &str), (u32, u32)> = BTreeMap::new();
        for (node, sku, units) in rows(&self.buffer) {
            kept.entry((node, sku)).or_default().0 = units;
        }
        for (node, sku, units) in rows(&self.backorder) {
            kept.entry((node, sku)).or_default().1 = units;
        }
        events.extend(kept.into_iter().map(|((node, sku), (buffer, backorder))| {
            v1::StockSettingsSet {
                node_id: node.to_owned(),
                sku: sku.to_owned(),
                buffer_milli: milli(buffer),
                backorder_limit_milli: milli(backorder),
                ..Default::default()
            }
            .into()
        }));
        events.extend(rows(&self.weekly_sales).map(|(node, sku, units)| {
            let (node_id, sku) = (node.to_owned(), sku.to_owned());
            let weekly_milli = milli(units);
            v1::SalesRateSet { node_id, sku, weekly_milli, ..Default::default() }.into()
        }));
        events.extend(rows(&self.markdown).map(|(node, sku, amount)| {
            let (node_id, sku, amount_minor) = (node.to_owned(), sku.to_owned(), amount.into());
            v1::MarkdownSet { node_id, sku, amount_minor, ..Default::default() }.into()
        }));
        events.extend(self.lots_received());
        events
    }

    fn lots_received(&self) -> impl Iterator<Item = Event> {
        let shelves =
            self.lots.iter().flat_map(|(node, skus)| skus.iter().map(move |it| (node, it)));
        shelves.flat_map(|(node, (sku, lots))| {
            (1..).zip(lots).map(move |(nth, lot)| received(node, sku, nth, lot))
        })
    }

    fn activated(&self, policy: &Policy) -> Event {
        let mut policy = policy.clone();
        policy.state = Lifecycle::Active;
        if self.at.is_none() {
            (policy.valid_from, policy.valid_until) = (None, None);
        }
        v1::PolicyActivated { document: policy.canonical(), ..Default::default() }.into()
    }

    fn placed(&self) -> Result<Event, String> {
        let order = self.order.get_ref();
        let line = |(nth, line): (usize, &CaseLine)| v1::OrderLine {
            line_id: (nth + 1).to_string(),
            sku: line.sku.clone(),
            quantity_milli: milli(line.units),
            unit_price: Some(v1::Money { minor: line.price, currency: "EUR".to_owned() }),
        };
        let delivery = v1::DeliveryTerms {
            shipping_method: order.service.clone(),
            requested_date: order.date.clone(),
            ..Default::default()
        };
        let has_terms = delivery != v1::DeliveryTerms::default();
        let mut placed = v1::OrderPlaced {
            channel: order.channel.clone().unwrap_or_else(|| CHANNEL.to_owned()),
            order_id: ORDER.to_owned(),
            lines: order.lines.iter().enumerate().map(line).collect(),
            destination: Some(v1::Destination {
                country: order.country.clone(),
                postcode_area: order.postcode_area.clone(),
                location: order.to.as_deref().map(place).transpose()?,
                ..Default::default()
            }),
            priority: order.priority,
            class: Some(Box::new(v1::OrderClass {
                seller_id: order.seller.clone(),
                order_type: order.order_type.clone(),
                customer_segment: order.segment.clone(),
            })),
            delivery: has_terms.then(|| Box::new(delivery)),
            ..Default::default()
        };
        let is_partial = order.allow_partial;
        let coverage =
            if is_partial { v1::Coverage::AllowPartial } else { v1::Coverage::ShipComplete };
        placed.set_coverage(coverage);
        Ok(placed.into())
    }
}

impl CaseNode {
    fn events(&self, id: &str) -> Result<Vec<Event>, String> {
        if self.taken > MAX_TAKEN || (self.taken > 0 && self.taken > self.capacity) {
            return Err(format!("`taken` is at most the capacity, and {MAX_TAKEN}"));
        }
        if self.kept > MAX_TAKEN || self.failed > MAX_TAKEN {
            return Err(format!("`kept` and `failed` are at most {MAX_TAKEN} each"));
        }
        let mut node = v1::NodeDefined {
            node_id: id.to_owned(),
            country: self.country.clone(),
            location: self.at.as_deref().map(place).transpose()?,
            ..Default::default()
        };
        node.set_kind(self.kind.map_or(v1::NodeKind::Warehouse, Kind::number));
        let capacity = v1::NodeCapacitySet {
            node_id: id.to_owned(),
            zone: "UTC".to_owned(),
            orders_per_day: self.capacity,
            ..Default::default()
        };
        let filler = counted(id, FILLER, self.taken + self.kept + self.failed);
        let mut events = vec![node.into(), self.calendar(id), filler];
        events.extend((0..self.kept).flat_map(|nth| settled(id, nth, true)));
        events.extend((0..self.failed).flat_map(|nth| settled(id, nth, false)));
        events.push(capacity.into());
        Ok(events)
    }

    /// Open day and night; without hours of work, no calendar.
    fn calendar(&self, id: &str) -> Event {
        let day = |weekday| v1::OpeningHours {
            weekday,
            closes_minute: u32::from(crate::DAY_MINUTES),
            ..Default::default()
        };
        let works = self.processing_hours > 0;
        v1::NodeCalendarSet {
            node_id: id.to_owned(),
            zone: "UTC".to_owned(),
            week: if works { (1..=7).map(day).collect() } else { Vec::new() },
            processing_ms: i64::from(self.processing_hours) * 3_600_000,
            ..Default::default()
        }
        .into()
    }
}

fn rows(shelf: &Shelf) -> impl Iterator<Item = (&str, &str, u32)> {
    shelf.iter().flat_map(|(node, skus)| {
        skus.iter().map(move |(sku, units)| (node.as_str(), sku.as_str(), *units))
    })
}

fn milli(units: u32) -> i64 {
    i64::from(units) * 1_000
}

fn item(sku: &str, weight_g: u32) -> Event {
    v1::ItemDefined { sku: sku.to_owned(), weight_g, ..Default::default() }.into()
}

fn counted(node: &str, sku: &str, units: u32) -> Event {
    let (node_id, sku) = (node.to_owned(), sku.to_owned());
    let on_hand_milli = milli(units);
    v1::StockCounted { node_id, sku, on_hand_milli, ..Default::default() }.into()
}

fn received(node: &str, sku: &str, nth: u32, lot: &CaseLot) -> Event {
    let (name, expires_on) = (format!("lot {nth}"), lot.last_day.clone());
    v1::StockReceived {
        node_id: node.to_owned(),
        sku: sku.to_owned(),
        quantity_milli: milli(lot.units),
        units: Some(v1::UnitAttributes { lot: name, expires_on, ..Default::default() }),
        ..Default::default()
    }
    .into()
}

/// An order that a node had before, and what became of it there.
fn settled(node: &str, nth: u32, kept: bool) -> [Event; 2] {
    let order_id = format!("{}-{node}-{nth}", if kept { "kept" } else { "failed" });
    let id = crate::FulfilmentId { channel: CHANNEL, order_id: &order_id, number: 1 }.to_string();
    let of = v1::fulfilment_target::Target::FulfilmentId(id);
    let target = Some(v1::FulfilmentTarget { target: Some(of) });
    let what_became: Event = if kept {
        v1::FulfilmentShipped { target, ..Default::default() }.into()
    } else {
        let lines = vec![v1::LineQuantity { line_id: "1".to_owned(), quantity_milli: 0 }];
        let reason = v1::RejectionReason::NoVariance.into();
        v1::FulfilmentShortPicked { target, lines, reason, ..Default::default() }.into()
    };
    [had(node, order_id), what_became]
}

/// An order that a node took before.
fn taken(node: &str, nth: u32) -> Event {
    had(node, format!("taken-{node}-{nth}"))
}

fn had(node: &str, order_id: String) -> Event {
    let line = v1::OrderLine {
        line_id: "1".to_owned(),
        sku: FILLER.to_owned(),
        quantity_milli: 1_000,
        ..Default::default()
    };
    v1::OrderPlaced {
        channel: CHANNEL.to_owned(),
        order_id,
        lines: vec![line],
        fulfil_from: vec![node.to_owned()],
        ..Default::default()
    }
    .into()
}

/// `48.85,-2.35`, in degrees.
fn place(text: &str) -> Result<v1::Location, String> {
    let fault = || format!("`{text}` is not `latitude,longitude` in degrees");
    let (lat, lon) = text.split_once(',').ok_or_else(fault)?;
    let degrees = |text: &str| micro_degrees(text.trim()).ok_or_else(fault);
    Ok(v1::Location { lat_e6: degrees(lat)?, lon_e6: degrees(lon)? })
}

fn micro_degrees(text: &str) -> Option<i32> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > DECIMALS || !is_number(whole) || !is_number(part) {
        return None;
    }
    let micro: i32 = format!("{whole}{part:0<DECIMALS$}").parse().ok()?;
    Some(sign * micro)
}
