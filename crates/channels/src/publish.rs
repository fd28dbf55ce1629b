//! Events to the topics of one market.
//!
//! An event goes to the topic of its type, keyed by what it is about, with its CloudEvents
//! attributes as headers. Records are appended in batches and in the order they were given.
//! Publishing an event again is harmless: it is known by its source and id, so an import that was
//! cut off is simply run again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use omnifold_events::jsonl::FileEvent;
use omnifold_events::v1::fulfilment_target::Target;
use omnifold_events::{ContentType, Envelope, Event, MAX_ATTRIBUTE_BYTES, MAX_EVENT_BYTES, v1};
use omnifold_log::{HeadersBuilder, Log, LogError, Producer, RecordBuf, TopicKind, topic_name};
use serde::Serialize;

/// How a [`Publisher`] writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublisherOptions {
    /// Protobuf unless a person is to read the topic.
    pub content_type: ContentType,
    /// Records of one append.
    pub batch_records: usize,
    /// Bytes of one append, about.
    pub batch_bytes: usize,
}

impl Default for PublisherOptions {
    fn default() -> Self {
        PublisherOptions {
            content_type: ContentType::Protobuf,
            batch_records: 5_000,
            batch_bytes: 4 << 20,
        }
    }
}

/// What was published.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Published {
    /// Events.
    pub events: u64,
    /// Events by topic (`orders`, `stock` ...).
    pub by_topic: BTreeMap<&'static str, u64>,
    /// Events by CloudEvents type.
    pub by_type: BTreeMap<&'static str, u64>,
    /// Bytes of headers, keys and values.
    pub bytes: u64,
    /// Appends.
    pub batches: u64,
}

/// An event that cannot be published, or a log that does not take it.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The log did not take the batch.
    #[error(
        "publishing stopped after {published} events; run it again when the log is well: what is \
         there already has no effect twice"
    )]
    Log {
        /// Events that are durable in the log.
        published: u64,
        /// What the log said.
        #[source]
        source: LogError,
    },
    /// `id` or `source` would be refused by the engine.
    #[error("event `{id}`: `{name}` must hold 1 to {MAX_ATTRIBUTE_BYTES} bytes, holds {bytes}")]
    Attribute {
        /// The event's id.
        id: String,
        /// `id` or `source`.
        name: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// The event would be refused by the engine for its size.
    #[error("event `{id}` takes {bytes} bytes, more than the {MAX_EVENT_BYTES} allowed")]
    TooLarge {
        /// The event's id.
        id: String,
        /// Its length.
        bytes: usize,
    },
}

impl PublishError {
    /// The code that the engine would refuse the event with; `None` where the log failed.
    pub(crate) fn reason(&self) -> Option<&'static str> {
        match self {
            PublishError::Log { .. } => None,
            PublishError::Attribute { .. } => Some("malformed_header"),
            PublishError::TooLarge { .. } => Some("too_large"),
        }
    }
}

/// Publishes events of one market.
pub struct Publisher {
    producer: Box<dyn Producer>,
    /// Full names, in the order of [`TopicKind::INPUTS`].
    topics: Vec<String>,
    options: PublisherOptions,
    batch: RecordBuf,
    headers: HeadersBuilder,
    pending: Published,
    published: Published,
}

impl Publisher {
    /// A publisher to `{prefix}.{market}.*` of a log. The topics must exist.
    pub fn new(
        log: &Arc<dyn Log>,
        prefix: &str,
        market: &str,
        options: PublisherOptions,
    ) -> Result<Self, PublishError> {
        let producer =
            log.producer().map_err(|source| PublishError::Log { published: 0, source })?;
        Ok(Self::with_producer(producer, prefix, market, options))
    }

    /// A publisher through a producer of the caller's own, such as one that sends to a server.
    pub fn with_producer(
        producer: Box<dyn Producer>,
        prefix: &str,
        market: &str,
        options: PublisherOptions,
    ) -> Self {
        let topics =
            TopicKind::INPUTS.into_iter().map(|kind| topic_name(prefix, market, kind)).collect();
        Publisher {
            producer,
            topics,
            options,
            batch: RecordBuf::default(),
            headers: HeadersBuilder::default(),
            pending: Published::default(),
            published: Published::default(),
        }
    }

    /// Adds an event to the batch, and appends the batch when it is full. An event without a time
    /// gets no `ce_time`; its record carries the machine's.
    pub fn publish(&mut self, event: &FileEvent) -> Result<(), PublishError> {
        for (name, text) in [("id", &event.id), ("source", &event.source)] {
            if text.is_empty() || text.len() > MAX_ATTRIBUTE_BYTES {
                let (id, bytes) = (event.id.chars().take(64).collect(), text.len());
                return Err(PublishError::Attribute { id, name, bytes });
            }
        }
        let value = encode(&event.event, self.options.content_type);
        if value.len() > MAX_EVENT_BYTES {
            return Err(PublishError::TooLarge { id: event.id.clone(), bytes: value.len() });
        }
        self.push(event, &value);
        let full = self.batch.len() >= self.options.batch_records
            || self.batch.byte_len() >= self.options.batch_bytes;
        if full { self.flush() } else { Ok(()) }
    }

    fn push(&mut self, event: &FileEvent, value: &[u8]) {
        self.headers.clear();
        let envelope = Envelope {
            id: &event.id,
            source: &event.source,
            type_name: event.event.type_name(),
            time_ms: event.time_ms,
            content_type: self.options.content_type,
        };
        envelope.to_headers(|name, value| self.headers.put(name, value));
        let key = record_key(&event.event);
        let (place, topic) = input_topic(&event.event);
        let time_ms = event.time_ms.unwrap_or_else(machine_time_ms);
        self.batch.push(place, 0, time_ms, self.headers.as_headers(), key.as_bytes(), Some(value));
        self.pending.events += 1;
        *self.pending.by_topic.entry(topic).or_default() += 1;
        *self.pending.by_type.entry(event.event.type_name()).or_default() += 1;
    }

    /// Appends what is left of the batch. When it returns, every event given is durable.
    pub fn flush(&mut self) -> Result<(), PublishError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.producer
            .append(&self.topics, &self.batch)
            .map_err(|source| PublishError::Log { published: self.published.events, source })?;
        self.pending.bytes = self.batch.byte_len() as u64;
        self.pending.batches = 1;
        self.published.add(&std::mem::take(&mut self.pending));
        self.batch.clear();
        Ok(())
    }

    /// What is durable in the log so far.
    pub fn published(&self) -> &Published {
        &self.published
    }
}

impl Published {
    fn add(&mut self, other: &Published) {
        self.events += other.events;
        self.bytes += other.bytes;
        self.batches += other.batches;
        for (topic, count) in &other.by_topic {
            *self.by_topic.entry(topic).or_default() += count;
        }
        for (name, count) in &other.by_type {
            *self.by_type.entry(name).or_default() += count;
        }
    }
}

fn encode(event: &Event, form: ContentType) -> Vec<u8> {
    match form {
        ContentType::Protobuf => event.encode(),
        ContentType::Json => event.to_json().to_string().into_bytes(),
    }
}

/// Place of the event's topic in [`TopicKind::INPUTS`], and its short name.
pub(crate) fn input_topic(event: &Event) -> (usize, &'static str) {
    let name = event.topic();
    let place = TopicKind::INPUTS.iter().position(|kind| kind.name() == name);
    (place.expect("every event type has an input topic"), name)
}

fn machine_time_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// What an event is about, as the record's key: `channel/order_id`, `node_id/sku`, or the id of
/// what it declares.
pub fn record_key(event: &Event) -> String {
    let pair = |first: &str, second: &str| format!("{first}/{second}");
    match event {
        Event::MarketConfigured(_) => "market".to_owned(),
        Event::RulesActivated(_) => "rules".to_owned(),
        Event::NodeDefined(node) => node.node_id.clone(),
        Event::NodeCapacitySet(capacity) => capacity.node_id.clone(),
        Event::NodeCalendarSet(calendar) => calendar.node_id.clone(),
        Event::NodePaused(node) => node.node_id.clone(),
        Event::NodeResumed(node) => node.node_id.clone(),
        Event::NodeOffboarded(node) => node.node_id.clone(),
        Event::ItemDefined(item) => item.sku.clone(),
        Event::StockSettingsSet(set) => pair(&set.node_id, &set.sku),
        Event::SalesRateSet(rate) => pair(&rate.node_id, &rate.sku),
        Event::MarkdownSet(set) => pair(&set.node_id, &set.sku),
        Event::ChannelDefined(channel) => channel.channel.clone(),
        Event::PricesPublished(_) => "prices".to_owned(),
        Event::WaveClosed(wave) => wave.wave_id.clone(),
        Event::StockMoved(moved) => pair(&moved.node_id, &moved.sku),
        Event::StockReceived(received) => pair(&received.node_id, &received.sku),
        Event::ChannelStockReserved(kept) => pair(&kept.node_id, &kept.sku),
        Event::TransferDispatched(transfer) => transfer.transfer_id.clone(),
        Event::TransferReceived(transfer) => transfer.transfer_id.clone(),
        Event::TransferCancelled(transfer) => transfer.transfer_id.clone(),
        Event::PurchaseOrderIssued(v1::PurchaseOrderIssued { purchase_order_id, .. })
        | Event::PurchaseOrderAcknowledged(v1::PurchaseOrderAcknowledged {
            purchase_order_id,
            ..
        })
        | Event::PurchaseOrderHeld(v1::PurchaseOrderHeld { purchase_order_id, .. })
        | Event::PurchaseOrderHoldReleased(v1::PurchaseOrderHoldReleased {
            purchase_order_id,
            ..
        })
        | Event::PurchaseOrderChanged(v1::PurchaseOrderChanged { purchase_order_id, .. })
        | Event::PurchaseOrderClosed(v1::PurchaseOrderClosed { purchase_order_id, .. })
        | Event::PurchaseOrderCancelled(v1::PurchaseOrderCancelled { purchase_order_id, .. })
        | Event::ShipNoticeReceived(v1::ShipNoticeReceived { purchase_order_id, .. })
        | Event::ReceiptBooked(v1::ReceiptBooked { purchase_order_id, .. })
        | Event::ReceiptReversed(v1::ReceiptReversed { purchase_order_id, .. })
        | Event::SupplierInvoiceReceived(v1::SupplierInvoiceReceived {
            purchase_order_id, ..
        })
        | Event::SupplierInvoiceReleased(v1::SupplierInvoiceReleased {
            purchase_order_id, ..
        }) => purchase_order_id.clone(),
        Event::SupplierItemListed(listed) => pair(&listed.node_id, &listed.sku),
        Event::SupplierStockFed(fed) => pair(&fed.node_id, &fed.sku),
        Event::StockCounted(count) => pair(&count.node_id, &count.sku),
        Event::StockAdjusted(change) => pair(&change.node_id, &change.sku),
        Event::OrderPlaced(order) => pair(&order.channel, &order.order_id),
        Event::OrderCancelled(cancel) => pair(&cancel.channel, &cancel.order_id),
        Event::OrderResumed(resumed) => pair(&resumed.channel, &resumed.order_id),
        Event::OrderChanged(change) => pair(&change.channel, &change.order_id),
        Event::OrderHeld(held) => pair(&held.channel, &held.order_id),
        Event::OrderHoldReleased(released) => pair(&released.channel, &released.order_id),
        Event::PaymentAuthorised(payment) => pair(&payment.channel, &payment.order_id),
        Event::PaymentCaptured(payment) => pair(&payment.channel, &payment.order_id),
        Event::PaymentFailed(payment) => pair(&payment.channel, &payment.order_id),
        Event::PaymentVoided(payment) => pair(&payment.channel, &payment.order_id),
        Event::PaymentRefunded(payment) => pair(&payment.channel, &payment.order_id),
        Event::StockHeld(hold) => pair(&hold.channel, &hold.hold_id),
        Event::StockHoldReleased(hold) => pair(&hold.channel, &hold.hold_id),
        Event::FulfilmentAccepted(v1::FulfilmentAccepted { target, .. })
        | Event::FulfilmentRejected(v1::FulfilmentRejected { target, .. })
        | Event::FulfilmentShipped(v1::FulfilmentShipped { target, .. })
        | Event::FulfilmentDelivered(v1::FulfilmentDelivered { target, .. })
        | Event::FulfilmentReleaseConfirmed(v1::FulfilmentReleaseConfirmed { target, .. })
        | Event::FulfilmentReleaseRefused(v1::FulfilmentReleaseRefused { target, .. })
        | Event::FulfilmentPicked(v1::FulfilmentPicked { target, .. })
        | Event::FulfilmentShortPicked(v1::FulfilmentShortPicked { target, .. })
        | Event::FulfilmentReadyForPickup(v1::FulfilmentReadyForPickup { target, .. })
        | Event::FulfilmentCollected(v1::FulfilmentCollected { target, .. })
        | Event::FulfilmentPickupExpired(v1::FulfilmentPickupExpired { target, .. })
        | Event::FulfilmentReturnedToStock(v1::FulfilmentReturnedToStock { target, .. })
        | Event::FulfilmentLost(v1::FulfilmentLost { target, .. })
        | Event::FulfilmentArrivedAtNode(v1::FulfilmentArrivedAtNode { target, .. })
        | Event::FulfilmentForwarded(v1::FulfilmentForwarded { target, .. })
        | Event::FulfilmentReturnedToOrigin(v1::FulfilmentReturnedToOrigin { target, .. }) => {
            order_of(target)
        }
        Event::FulfilmentPacked(v1::FulfilmentPacked { fulfilment_id, .. })
        | Event::FulfilmentHandedOver(v1::FulfilmentHandedOver { fulfilment_id, .. })
        | Event::FulfilmentMoved(v1::FulfilmentMoved { fulfilment_id, .. }) => {
            order_of_fulfilment(fulfilment_id)
        }
        Event::CarrierDefined(carrier) => carrier.carrier.clone(),
        Event::TrackingUpdated(told) => pair(&told.carrier, &told.tracking_number),
        Event::ParcelHandedOn(handed) => pair(&handed.carrier, &handed.tracking_number),
        Event::OrderFeedback(said) => pair(&said.channel, &said.order_id),
        Event::TicketClosed(closed) => pair(&closed.channel, &closed.order_id),
        Event::ReturnRequested(asked) => pair(&asked.channel, &asked.order_id),
        Event::ReturnExpired(expired) => pair(&expired.channel, &expired.order_id),
        Event::ReturnReceived(received) => pair(&received.channel, &received.order_id),
        Event::ReturnInspected(inspected) => pair(&inspected.channel, &inspected.order_id),
        Event::BlindReturnReceived(blind) => pair(&blind.node_id, &blind.sku),
        Event::PolicyActivated(_) | Event::PolicyRetired(_) => "policy".to_owned(),
    }
}

fn order_of_fulfilment(id: &str) -> String {
    id.rsplit_once("/f").map_or(id, |(order, _)| order).to_owned()
}

/// `channel/order_id` of a target, so that all of an order's events share a key.
fn order_of(target: &Option<v1::FulfilmentTarget>) -> String {
    match target.as_ref().and_then(|target| target.target.as_ref()) {
        Some(Target::AnyNode(units)) => format!("{}/{}", units.channel, units.order_id),
        Some(Target::FulfilmentId(id)) => order_of_fulfilment(id),
        None => String::new(),
    }
}
