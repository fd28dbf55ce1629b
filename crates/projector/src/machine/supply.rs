//! What purchasing, suppliers' work and units told apart came to, told on `notices`. Nothing is decided.

use omnifold_domain::SupplyNotice;
use omnifold_events::v1;
use prost::Message;

use crate::topics::NOTICES;

use super::{Machine, Output, Told};

/// A notice's parts of its record.
struct Record {
    type_name: &'static str,
    /// What it is about; with the moment it is the record's id.
    key: String,
    payload: Vec<u8>,
}

impl Machine {
    /// Tells one notice. What it is about and the moment name it, so readers can drop repeats.
    pub(super) fn tell_of_supply(&self, notice: SupplyNotice, out: &mut Output) {
        let (step, timer) = self.moment();
        // One step may say something of the same fulfilment or SKU more than once.
        let detail = match &notice {
            SupplyNotice::PurchaseOrderDue(message) => format!("/d{}", message.decision),
            SupplyNotice::PurchaseSuggested(message) => {
                format!("/{}/{}", message.waiting_milli, message.quantity_milli)
            }
            SupplyNotice::LotExpired(message) => format!("/{}", message.part),
            SupplyNotice::TransferSuggested(message) => {
                let v1::TransferSuggested { sku, from_node_id: from, to_node_id: to, .. } = message;
                format!("/{sku}/{from}/{to}/{}/d{}", message.quantity_milli, message.decision)
            }
            SupplyNotice::Serials(message) => format!("/{}", named_by(message)),
            _ => String::new(),
        };
        let notice = match notice {
            SupplyNotice::LotExpired(message) => {
                SupplyNotice::LotExpired(v1::LotExpired { timer, ..message })
            }
            notice => notice,
        };
        let Record { type_name, key, payload } = record_of(notice, step);
        let kind = type_name.trim_start_matches("omnifold.v1.");
        let id = format!("{kind}/{key}{detail}/{step}.{timer}");
        let told = Told { type_name, id: &id, key: key.as_bytes(), payload: &payload };
        out.tell(NOTICES, &told, &self.source, self.clock_ms);
    }
}

fn record_of(notice: SupplyNotice, step: u64) -> Record {
    match notice {
        SupplyNotice::Discrepancy(message) => {
            let key = format!("{}/{}", message.purchase_order_id, message.receipt_id);
            record(key, v1::ReceiptDiscrepancy { step, ..message })
        }
        SupplyNotice::InvoiceMatched(message) => {
            let key = format!("{}/{}", message.purchase_order_id, message.invoice_id);
            record(key, v1::SupplierInvoiceMatched { step, ..message })
        }
        SupplyNotice::SlaBreached(message) => {
            record(message.fulfilment_id.clone(), v1::SlaBreached { step, ..message })
        }
        SupplyNotice::SlaBreachWithdrawn(message) => {
            record(message.fulfilment_id.clone(), v1::SlaBreachWithdrawn { step, ..message })
        }
        SupplyNotice::PurchaseOrderDue(message) => {
            record(message.fulfilment_id.clone(), v1::PurchaseOrderDue { step, ..message })
        }
        SupplyNotice::PurchaseSuggested(message) => {
            record(message.sku.clone(), v1::PurchaseSuggested { step, ..message })
        }
        SupplyNotice::Serials(message) => {
            let key = format!("{}/{}", message.node_id, message.sku);
            record(key, v1::SerialDiscrepancy { step, ..message })
        }
        SupplyNotice::TransferSuggested(message) => {
            let key = format!("{}/{}", message.channel, message.order_id);
            record(key, v1::TransferSuggested { step, ..message })
        }
        SupplyNotice::LotExpired(message) => {
            let key = format!("{}/{}/{}", message.node_id, message.sku, message.lot);
            record(key, v1::LotExpired { step, ..message })
        }
    }
}

/// What one discrepancy of a step is told from the others of its shelf by: its first serial number.
fn named_by(message: &v1::SerialDiscrepancy) -> &str {
    message.serials.first().map_or("", |row| &row.serial)
}

fn record<M: omnifold_events::Output + Message>(key: String, message: M) -> Record {
    Record { type_name: M::TYPE, key, payload: message.encode_to_vec() }
}
