//! What purchasing, suppliers' work and units that are told apart make known on `notices`. Functions
//! of the fold: nothing reads them back, and nothing is decided by them.

use omnifold_events::v1;

/// One message of `notices` about supply. The machine fills in its step.
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

/// No field of these messages is a float.
impl Eq for SupplyNotice {}
