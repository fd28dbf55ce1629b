//! The input events: one row each. Adding a type is adding a row here, a message in `proto/`,
//! and a fold in the domain crate (docs/ARCHITECTURE.md lists the places).

use prost::Message;

use crate::v1;

/// An event type this build does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event type `{0}` is not known to this build")]
pub struct UnknownType(pub String);

macro_rules! events {
    ($($name:ident on $topic:literal),+ $(,)?) => {
        /// An input event.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs)] // each variant is documented by its message in proto/
        pub enum Event { $($name(v1::$name)),+ }

        impl Event {
            /// Every input event type: its CloudEvents type and the topic it belongs to.
            pub const TYPES: &'static [(&'static str, &'static str)] =
                &[$((concat!("omnifold.v1.", stringify!($name)), $topic)),+];

            /// The CloudEvents `type`: the full name of the message.
            pub fn type_name(&self) -> &'static str {
                match self { $(Event::$name(_) => concat!("omnifold.v1.", stringify!($name))),+ }
            }

            /// The topic this event belongs to (`orders`, `stock` ...).
            pub fn topic(&self) -> &'static str {
                match self { $(Event::$name(_) => $topic),+ }
            }

            /// The place of its type in [`Event::TYPES`].
            pub(crate) fn place(&self) -> usize {
                enum Place { $($name),+ }
                match self { $(Event::$name(_) => Place::$name as usize),+ }
            }

            /// Protobuf bytes. The same event always gives the same bytes.
            pub fn encode(&self) -> Vec<u8> {
                match self { $(Event::$name(m) => m.encode_to_vec()),+ }
            }

            /// Canonical JSON (protobuf's JSON mapping).
            pub fn to_json(&self) -> serde_json::Value {
                match self { $(Event::$name(m) => serde_json::to_value(m)),+ }
                    .expect("protobuf messages have a JSON form")
            }

            pub(crate) fn decode_protobuf(type_name: &str, bytes: &[u8])
                -> Result<Result<Event, prost::DecodeError>, UnknownType>
            {
                match type_name {
                    $(concat!("omnifold.v1.", stringify!($name)) =>
                        Ok(v1::$name::decode(bytes).map(Event::$name)),)+
                    other => Err(UnknownType(other.to_owned())),
                }
            }

            pub(crate) fn decode_json(type_name: &str, bytes: &[u8])
                -> Result<Result<Event, serde_json::Error>, UnknownType>
            {
                match type_name {
                    $(concat!("omnifold.v1.", stringify!($name)) =>
                        Ok(serde_json::from_slice(bytes).map(Event::$name)),)+
                    other => Err(UnknownType(other.to_owned())),
                }
            }
        }

        $(impl From<v1::$name> for Event {
            fn from(message: v1::$name) -> Self { Event::$name(message) }
        })+
    };
}

events! {
    MarketConfigured on "network",
    RulesActivated on "network",
    NodeDefined on "network",
    NodeCapacitySet on "network",
    ItemDefined on "network",
    StockSettingsSet on "network",
    SalesRateSet on "network",
    ChannelDefined on "network",
    PricesPublished on "network",
    StockCounted on "stock",
    StockAdjusted on "stock",
    StockMoved on "stock",
    StockReceived on "stock",
    TransferDispatched on "supply",
    TransferReceived on "supply",
    TransferCancelled on "supply",
    PurchaseOrderIssued on "supply",
    PurchaseOrderAcknowledged on "supply",
    PurchaseOrderHeld on "supply",
    PurchaseOrderHoldReleased on "supply",
    PurchaseOrderChanged on "supply",
    PurchaseOrderClosed on "supply",
    PurchaseOrderCancelled on "supply",
    ShipNoticeReceived on "supply",
    ReceiptBooked on "supply",
    ReceiptReversed on "supply",
    SupplierInvoiceReceived on "supply",
    SupplierInvoiceReleased on "supply",
    SupplierItemListed on "supply",
    SupplierStockFed on "supply",
    OrderPlaced on "orders",
    OrderCancelled on "orders",
    OrderResumed on "orders",
    OrderChanged on "orders",
    OrderHeld on "orders",
    OrderHoldReleased on "orders",
    PaymentAuthorised on "orders",
    PaymentCaptured on "orders",
    PaymentFailed on "orders",
    PaymentVoided on "orders",
    PaymentRefunded on "orders",
    StockHeld on "orders",
    StockHoldReleased on "orders",
    FulfilmentAccepted on "fulfilment",
    FulfilmentRejected on "fulfilment",
    FulfilmentShipped on "fulfilment",
    FulfilmentDelivered on "fulfilment",
    CarrierDefined on "network",
    ReturnRequested on "orders",
    ReturnExpired on "orders",
    FulfilmentPicked on "fulfilment",
    FulfilmentShortPicked on "fulfilment",
    FulfilmentPacked on "fulfilment",
    FulfilmentHandedOver on "fulfilment",
    FulfilmentReadyForPickup on "fulfilment",
    FulfilmentCollected on "fulfilment",
    FulfilmentPickupExpired on "fulfilment",
    FulfilmentReturnedToStock on "fulfilment",
    FulfilmentMoved on "fulfilment",
    TrackingUpdated on "fulfilment",
    ParcelHandedOn on "fulfilment",
    FulfilmentLost on "fulfilment",
    FulfilmentReturnedToOrigin on "fulfilment",
    ReturnReceived on "fulfilment",
    ReturnInspected on "fulfilment",
    BlindReturnReceived on "fulfilment",
    FulfilmentReleaseConfirmed on "fulfilment",
    FulfilmentReleaseRefused on "fulfilment",
    NodeCalendarSet on "network",
    NodePaused on "network",
    NodeResumed on "network",
    NodeOffboarded on "network",
    OrderFeedback on "fulfilment",
    TicketClosed on "fulfilment",
    PolicyActivated on "network",
    PolicyRetired on "network",
    ChannelStockReserved on "stock",
    FulfilmentArrivedAtNode on "fulfilment",
    FulfilmentForwarded on "fulfilment",
    WaveClosed on "network",
    MarkdownSet on "network",
}
