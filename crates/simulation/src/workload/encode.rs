//! Events of the mix to records. Orders are written in reused memory; the rest is rare.

use std::fmt::Write as _;

use omnifold_events::{ContentType, Envelope, Event, v1};
use omnifold_log::{HeadersBuilder, RecordBuf, TopicKind};
use prost::Message;

use super::plan::Wanted;
use crate::random::Random;

const SHOP: &str = "bench/shop";
const WMS: &str = "bench/wms";
const CHANNEL: &str = "web";
/// Grid of the nodes, microdegrees: about 170 by 220 km.
const NODE_STEP_E6: (i32, i32) = (1_500_000, 3_000_000);
const FIRST_NODE_E6: (i32, i32) = (44_000_000, 1_000_000);

/// Writes events into records.
pub(super) struct Encoder {
    form: ContentType,
    skus: Vec<String>,
    order: v1::OrderPlaced,
    headers: HeadersBuilder,
    id: String,
    key: String,
    value: Vec<u8>,
}

impl Encoder {
    pub fn new(skus: usize, form: ContentType) -> Self {
        Encoder {
            form,
            skus: (0..skus).map(|sku| format!("sku-{sku:05}-black-m")).collect(),
            order: blank_order(),
            headers: HeadersBuilder::default(),
            id: String::new(),
            key: String::new(),
            value: Vec::new(),
        }
    }

    /// Length of the payload written last.
    pub fn value_len(&self) -> usize {
        self.value.len()
    }

    /// An order for these lines, to a place near a node.
    pub fn order(
        &mut self,
        into: &mut RecordBuf,
        order: u64,
        lines: &[Wanted; 3],
        near: usize,
        random: &mut Random,
        time_ms: i64,
    ) {
        self.fill_order(order, lines, near, random);
        self.value.clear();
        match self.form {
            ContentType::Protobuf => {
                self.order.encode(&mut self.value).expect("a vector grows");
            }
            ContentType::Json => {
                serde_json::to_writer(&mut self.value, &self.order).expect("a vector grows");
            }
        }
        self.id.clear();
        write!(self.id, "order-{order}").expect("a string grows");
        self.key.clear();
        write!(self.key, "{CHANNEL}/{}", self.order.order_id).expect("a string grows");
        self.push(into, TopicKind::Orders, SHOP, "omnifold.v1.OrderPlaced", time_ms);
    }

    fn fill_order(&mut self, order: u64, lines: &[Wanted; 3], near: usize, random: &mut Random) {
        let message = &mut self.order;
        message.order_id.clear();
        write!(message.order_id, "2025-{order:08}").expect("a string grows");
        for (line, wanted) in message.lines.iter_mut().zip(lines) {
            line.sku.clone_from(&self.skus[wanted.sku]);
            line.quantity_milli = wanted.units * 1_000;
            if let Some(price) = &mut line.unit_price {
                price.minor = 499 + 100 * (wanted.sku as i64 % 150);
            }
        }
        if let Some(to) = &mut message.destination {
            to.postcode_area.clear();
            let area = random.below(AREAS) as usize;
            write!(to.postcode_area, "{:05}", 10_000 + near * 4_000 + area)
                .expect("a string grows");
            to.location = Some(centroid(near, area));
        }
        message.priority = u32::from(random.permille(50));
        message.customer_ref.clear();
        write!(message.customer_ref, "c-{:016x}{:016x}", random.bits(), random.bits())
            .expect("a string grows");
    }

    fn push(
        &mut self,
        into: &mut RecordBuf,
        topic: TopicKind,
        source: &str,
        type_name: &str,
        time_ms: i64,
    ) {
        self.headers.clear();
        let envelope = Envelope {
            id: &self.id,
            source,
            type_name,
            time_ms: Some(time_ms),
            content_type: self.form,
        };
        envelope.to_headers(|name, value| self.headers.put(name, value));
        let place = TopicKind::INPUTS.iter().position(|kind| *kind == topic).expect("an input");
        let headers = self.headers.as_headers();
        into.push(place, 0, time_ms, headers, self.key.as_bytes(), Some(&self.value));
    }

    /// Any other event.
    pub fn event(
        &mut self,
        into: &mut RecordBuf,
        id: &str,
        key: &[u8],
        time_ms: i64,
        event: impl Into<Event>,
    ) {
        let event = event.into();
        self.value = match self.form {
            ContentType::Protobuf => event.encode(),
            ContentType::Json => event.to_json().to_string().into_bytes(),
        };
        id.clone_into(&mut self.id);
        self.key = String::from_utf8_lossy(key).into_owned();
        let topic = TopicKind::parse(event.topic()).expect("every event has its topic");
        self.push(into, topic, WMS, event.type_name(), time_ms);
    }

    pub fn node(&mut self, into: &mut RecordBuf, node: usize, time_ms: i64) {
        let defined = v1::NodeDefined {
            node_id: node_id(node),
            name: format!("Node {node}"),
            kind: v1::NodeKind::Warehouse.into(),
            location: Some(place_of(node)),
            country: "DE".to_owned(),
            ..Default::default()
        };
        let id = node_id(node);
        self.event(into, &id, id.as_bytes(), time_ms, defined);
    }

    pub fn item(&mut self, into: &mut RecordBuf, sku: usize, time_ms: i64) {
        let sku = self.skus[sku].clone();
        let defined =
            v1::ItemDefined { name: format!("Item {sku}"), sku: sku.clone(), ..Default::default() };
        self.event(into, &sku, sku.as_bytes(), time_ms, defined);
    }

    pub fn count(&mut self, into: &mut RecordBuf, node: usize, sku: usize, units: i64, time: i64) {
        let counted = v1::StockCounted {
            node_id: node_id(node),
            sku: self.skus[sku].clone(),
            on_hand_milli: units * 1_000,
            ..Default::default()
        };
        let key = format!("{}/{}", counted.node_id, counted.sku);
        self.event(into, &format!("count-{key}"), key.as_bytes(), time, counted);
    }

    /// Units of a SKU come in at a node.
    pub fn delivery(
        &mut self,
        into: &mut RecordBuf,
        number: u64,
        (node, sku, units): (usize, usize, i64),
        time_ms: i64,
    ) {
        let adjusted = v1::StockAdjusted {
            node_id: node_id(node),
            sku: self.skus[sku].clone(),
            delta_milli: units * 1_000,
            reason: v1::AdjustmentReason::Received.into(),
            ..Default::default()
        };
        let key = format!("{}/{}", adjusted.node_id, adjusted.sku);
        self.event(into, &format!("delivery-{number}"), key.as_bytes(), time_ms, adjusted);
    }

    /// The node of an order's first fulfilment turns it down.
    pub fn rejection(
        &mut self,
        into: &mut RecordBuf,
        order: u64,
        reason: v1::RejectionReason,
        time_ms: i64,
    ) {
        let fulfilment = format!("{CHANNEL}/2025-{order:08}/f1");
        let target = v1::fulfilment_target::Target::FulfilmentId(fulfilment.clone());
        let rejected = v1::FulfilmentRejected {
            target: Some(v1::FulfilmentTarget { target: Some(target) }),
            reason: reason.into(),
            ..Default::default()
        };
        let id = format!("reject-{order}");
        self.event(into, &id, fulfilment.as_bytes(), time_ms, rejected);
    }
}

fn node_id(node: usize) -> String {
    format!("node-{node:02}")
}

fn place_of(node: usize) -> v1::Location {
    let (row, column) = (node as i32 / 5, node as i32 % 5);
    v1::Location {
        lat_e6: FIRST_NODE_E6.0 + row * NODE_STEP_E6.0,
        lon_e6: FIRST_NODE_E6.1 + column * NODE_STEP_E6.1,
    }
}

/// Postcode areas around each node, a square grid of them.
const AREAS: u64 = 900;
const AREAS_A_SIDE: i32 = 30;

/// Orders of one postcode area go to one place: adapters send the area's centroid.
fn centroid(node: usize, area: usize) -> v1::Location {
    let centre = place_of(node);
    let (row, column) = (area as i32 / AREAS_A_SIDE, area as i32 % AREAS_A_SIDE);
    let off = |range: i32, step: i32| (step - AREAS_A_SIDE / 2) * (range / AREAS_A_SIDE);
    v1::Location {
        lat_e6: centre.lat_e6 + off(NODE_STEP_E6.0, row),
        lon_e6: centre.lon_e6 + off(NODE_STEP_E6.1, column),
    }
}

fn blank_order() -> v1::OrderPlaced {
    let line = |number: usize| v1::OrderLine {
        line_id: number.to_string(),
        unit_price: Some(v1::Money { minor: 0, currency: "EUR".to_owned() }),
        ..Default::default()
    };
    v1::OrderPlaced {
        channel: CHANNEL.to_owned(),
        lines: (1..=3).map(line).collect(),
        destination: Some(v1::Destination { country: "DE".to_owned(), ..Default::default() }),
        ..Default::default()
    }
}
