//! The messages the engine itself writes.

use prost::Message;

use crate::v1;

/// A message on one of the engine's own topics.
pub trait Output: Message + Default {
    /// The CloudEvents `type`.
    const TYPE: &'static str;
}

macro_rules! outputs {
    ($($name:ident),+ $(,)?) => {
        $(impl Output for v1::$name {
            const TYPE: &'static str = concat!("omnifold.v1.", stringify!($name));
        })+

        /// Canonical JSON of the bytes of an output message; `None` where `type_name` is not one
        /// of them or the bytes are not that message. For people and tools that look at the log.
        pub fn output_json(type_name: &str, bytes: &[u8]) -> Option<serde_json::Value> {
            match type_name {
                $(concat!("omnifold.v1.", stringify!($name)) => {
                    serde_json::to_value(v1::$name::decode(bytes).ok()?).ok()
                })+
                _ => None,
            }
        }
    };
}

outputs! {
    AvailabilityChanged, CountVariance, EpochMark, FulfilmentAssigned, FulfilmentChanged,
    FulfilmentReleaseRequested, FulfilmentReleased, OrderOutcome, ReceiptDiscrepancy, RefundDue,
    RejectedEvent, ReturnAuthorised, ReturnRefused, StockHoldOutcome, Notice, PurchaseOrderDue,
    PurchaseSuggested, SlaBreachWithdrawn, SlaBreached, SupplierInvoiceMatched, SerialDiscrepancy,
    LotExpired,
    WavePlanned,
    TransferSuggested,
}

/// The CloudEvents `type` of an output message.
pub fn type_name<M: Output>() -> &'static str {
    M::TYPE
}
