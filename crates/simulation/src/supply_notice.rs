//! What the engine says on `notices` about purchasing, suppliers' work and units told apart.

use omnifold_events::v1;
use prost::{DecodeError, Message};

/// One such message.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // each variant is documented by its message in proto/
pub enum SupplyNotice {
    Discrepancy(v1::ReceiptDiscrepancy),
    InvoiceMatched(v1::SupplierInvoiceMatched),
    SlaBreached(v1::SlaBreached),
    SlaBreachWithdrawn(v1::SlaBreachWithdrawn),
    PurchaseOrderDue(v1::PurchaseOrderDue),
    PurchaseSuggested(v1::PurchaseSuggested),
    Serials(v1::SerialDiscrepancy),
    LotExpired(v1::LotExpired),
    TransferSuggested(v1::TransferSuggested),
}

impl SupplyNotice {
    /// Reads one by its type; `None` where it is another message.
    pub fn read(type_name: &[u8], value: &[u8]) -> Option<Result<Self, DecodeError>> {
        Some(match type_name {
            b"omnifold.v1.ReceiptDiscrepancy" => {
                v1::ReceiptDiscrepancy::decode(value).map(SupplyNotice::Discrepancy)
            }
            b"omnifold.v1.SupplierInvoiceMatched" => {
                v1::SupplierInvoiceMatched::decode(value).map(SupplyNotice::InvoiceMatched)
            }
            b"omnifold.v1.SlaBreached" => {
                v1::SlaBreached::decode(value).map(SupplyNotice::SlaBreached)
            }
            b"omnifold.v1.SlaBreachWithdrawn" => {
                v1::SlaBreachWithdrawn::decode(value).map(SupplyNotice::SlaBreachWithdrawn)
            }
            b"omnifold.v1.PurchaseOrderDue" => {
                v1::PurchaseOrderDue::decode(value).map(SupplyNotice::PurchaseOrderDue)
            }
            b"omnifold.v1.PurchaseSuggested" => {
                v1::PurchaseSuggested::decode(value).map(SupplyNotice::PurchaseSuggested)
            }
            b"omnifold.v1.SerialDiscrepancy" => {
                v1::SerialDiscrepancy::decode(value).map(SupplyNotice::Serials)
            }
            b"omnifold.v1.LotExpired" => {
                v1::LotExpired::decode(value).map(SupplyNotice::LotExpired)
            }
            b"omnifold.v1.TransferSuggested" => {
                v1::TransferSuggested::decode(value).map(SupplyNotice::TransferSuggested)
            }
            _ => return None,
        })
    }

    /// The step that caused it.
    pub fn step(&self) -> u64 {
        match self {
            SupplyNotice::Discrepancy(m) => m.step,
            SupplyNotice::InvoiceMatched(m) => m.step,
            SupplyNotice::SlaBreached(m) => m.step,
            SupplyNotice::SlaBreachWithdrawn(m) => m.step,
            SupplyNotice::PurchaseOrderDue(m) => m.step,
            SupplyNotice::PurchaseSuggested(m) => m.step,
            SupplyNotice::Serials(m) => m.step,
            SupplyNotice::LotExpired(m) => m.step,
            SupplyNotice::TransferSuggested(m) => m.step,
        }
    }

    /// The short name of its type.
    pub fn name(&self) -> &'static str {
        match self {
            SupplyNotice::Discrepancy(_) => "ReceiptDiscrepancy",
            SupplyNotice::InvoiceMatched(_) => "SupplierInvoiceMatched",
            SupplyNotice::SlaBreached(_) => "SlaBreached",
            SupplyNotice::SlaBreachWithdrawn(_) => "SlaBreachWithdrawn",
            SupplyNotice::PurchaseOrderDue(_) => "PurchaseOrderDue",
            SupplyNotice::PurchaseSuggested(_) => "PurchaseSuggested",
            SupplyNotice::Serials(_) => "SerialDiscrepancy",
            SupplyNotice::LotExpired(_) => "LotExpired",
            SupplyNotice::TransferSuggested(_) => "TransferSuggested",
        }
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            SupplyNotice::Discrepancy(m) => m.encode_to_vec(),
            SupplyNotice::InvoiceMatched(m) => m.encode_to_vec(),
            SupplyNotice::SlaBreached(m) => m.encode_to_vec(),
            SupplyNotice::SlaBreachWithdrawn(m) => m.encode_to_vec(),
            SupplyNotice::PurchaseOrderDue(m) => m.encode_to_vec(),
            SupplyNotice::PurchaseSuggested(m) => m.encode_to_vec(),
            SupplyNotice::Serials(m) => m.encode_to_vec(),
            SupplyNotice::LotExpired(m) => m.encode_to_vec(),
            SupplyNotice::TransferSuggested(m) => m.encode_to_vec(),
        }
    }
}
