//! Examples of what is bought, and of what suppliers sell from their own shelves.

use omnifold_events::{Event, v1};

use super::{extensions, money};

const DUE_MS: i64 = 1_749_549_600_000;

fn id() -> String {
    "PO-4711".to_owned()
}

fn sku() -> String {
    "tea-500".to_owned()
}

fn terms() -> Option<v1::PurchaseTerms> {
    Some(v1::PurchaseTerms {
        receipt_allowance_permille: 50,
        billing_basis: v1::BillingBasis::Received.into(),
        billing_allowance_permille: 20,
        price_tolerance_permille: 10,
    })
}

fn line() -> v1::PurchaseLine {
    v1::PurchaseLine {
        line_id: "1".to_owned(),
        sku: sku(),
        quantity_milli: 100_000,
        unit_price: money(420),
        due_at_ms: DUE_MS,
    }
}

pub fn inputs() -> Vec<Event> {
    let mut all = orders();
    all.extend(deliveries());
    all.extend(bills());
    all.extend(shelves());
    all
}

fn orders() -> Vec<Event> {
    vec![
        v1::PurchaseOrderIssued {
            purchase_order_id: id(),
            supplier_id: "acme".to_owned(),
            company_id: "north".to_owned(),
            node_id: "berlin-1".to_owned(),
            lines: vec![line()],
            due_at_ms: DUE_MS,
            terms: terms(),
            extensions: extensions(),
        }
        .into(),
        v1::PurchaseOrderAcknowledged {
            purchase_order_id: id(),
            lines: vec![v1::AcknowledgedLine {
                line_id: "1".to_owned(),
                quantity_milli: 95_000,
                unit_price: money(430),
                due_at_ms: DUE_MS + 86_400_000,
            }],
            extensions: extensions(),
        }
        .into(),
        v1::PurchaseOrderHeld {
            purchase_order_id: id(),
            reason: "audit".to_owned(),
            extensions: extensions(),
        }
        .into(),
        v1::PurchaseOrderHoldReleased { purchase_order_id: id(), extensions: extensions() }.into(),
        v1::PurchaseOrderChanged {
            purchase_order_id: id(),
            lines: vec![line()],
            due_at_ms: DUE_MS,
            terms: terms(),
            extensions: extensions(),
        }
        .into(),
        v1::PurchaseOrderClosed { purchase_order_id: id(), extensions: extensions() }.into(),
        v1::PurchaseOrderCancelled { purchase_order_id: id(), extensions: extensions() }.into(),
    ]
}

fn deliveries() -> Vec<Event> {
    let (notice_id, receipt_id) = ("ASN-7".to_owned(), "GR-9".to_owned());
    vec![
        v1::ShipNoticeReceived {
            purchase_order_id: id(),
            notice_id: notice_id.clone(),
            expected_at_ms: DUE_MS,
            lines: vec![v1::LineQuantity { line_id: "1".to_owned(), quantity_milli: 90_000 }],
            extensions: extensions(),
        }
        .into(),
        v1::ReceiptBooked {
            purchase_order_id: id(),
            receipt_id: receipt_id.clone(),
            notice_id,
            lines: vec![v1::ReceiptLine {
                line_id: "1".to_owned(),
                sku: sku(),
                accepted_milli: 84_000,
                damaged_milli: 1_000,
                refused_milli: 5_000,
                units: super::units(),
                damaged_serials: vec!["S-3".to_owned()],
            }],
            extensions: extensions(),
        }
        .into(),
        v1::ReceiptReversed { purchase_order_id: id(), receipt_id, extensions: extensions() }
            .into(),
    ]
}

fn bills() -> Vec<Event> {
    let invoice_id = || "INV-88".to_owned();
    vec![
        v1::SupplierInvoiceReceived {
            purchase_order_id: id(),
            invoice_id: invoice_id(),
            lines: vec![v1::InvoiceLine {
                line_id: "1".to_owned(),
                quantity_milli: 95_000,
                unit_price: money(430),
            }],
            extensions: extensions(),
        }
        .into(),
        v1::SupplierInvoiceReleased {
            purchase_order_id: id(),
            invoice_id: invoice_id(),
            resolution: v1::InvoiceResolution::AcceptPrice.into(),
            extensions: extensions(),
        }
        .into(),
    ]
}

fn shelves() -> Vec<Event> {
    vec![
        v1::SupplierItemListed {
            node_id: "acme-lyon".to_owned(),
            sku: sku(),
            supplier_sku: "AC-0815".to_owned(),
            name: "Green tea 500 g".to_owned(),
            scale: 1,
            unit_cost: money(410),
            withdrawn: true,
            extensions: extensions(),
        }
        .into(),
        v1::SupplierStockFed {
            node_id: "acme-lyon".to_owned(),
            sku: sku(),
            quantity_milli: 250_000,
            as_of_ms: 1_748_858_400_000,
            stale_after_ms: 14_400_000,
            basis: v1::CountBasis::NetOfOpenOrders.into(),
            extensions: extensions(),
        }
        .into(),
    ]
}

/// A bill in dispute.
pub fn supplier_invoice_matched() -> v1::SupplierInvoiceMatched {
    v1::SupplierInvoiceMatched {
        purchase_order_id: id(),
        supplier_id: "acme".to_owned(),
        invoice_id: "INV-88".to_owned(),
        result: v1::MatchResult::Exception.into(),
        lines: vec![v1::MatchedLine {
            line_id: "1".to_owned(),
            over_milli: 5_000,
            price_over_minor: 10,
            payable_milli: 90_000,
            payable_minor: 37_800,
            disputed_minor: 3_050,
        }],
        payable: money(37_800),
        disputed: money(3_050),
        step: 90_004,
    }
}

/// Goods that were not as ordered.
pub fn receipt_discrepancy() -> v1::ReceiptDiscrepancy {
    v1::ReceiptDiscrepancy {
        purchase_order_id: id(),
        supplier_id: "acme".to_owned(),
        receipt_id: "GR-9".to_owned(),
        node_id: "berlin-1".to_owned(),
        lines: vec![v1::DiscrepantLine {
            line_id: "1".to_owned(),
            sku: sku(),
            over_milli: 2_000,
            damaged_milli: 1_000,
            refused_milli: 5_000,
            unexpected_milli: 500,
        }],
        step: 90_003,
    }
}

/// A partner was late.
pub fn sla_breached() -> v1::SlaBreached {
    v1::SlaBreached {
        channel: "web".to_owned(),
        order_id: "1001".to_owned(),
        fulfilment_id: "web/1001/f1".to_owned(),
        node_id: "acme-lyon".to_owned(),
        started_at_ms: 1_748_858_400_000,
        due_at_ms: 1_749_038_400_000,
        late_milli: 2_000,
        held: true,
        step: 90_005,
    }
}

/// That does not count.
pub fn sla_breach_withdrawn() -> v1::SlaBreachWithdrawn {
    v1::SlaBreachWithdrawn {
        channel: "web".to_owned(),
        order_id: "1001".to_owned(),
        fulfilment_id: "web/1001/f1".to_owned(),
        node_id: "acme-lyon".to_owned(),
        step: 90_006,
    }
}

/// A purchase order for units that a supplier ships itself.
pub fn purchase_order_due() -> v1::PurchaseOrderDue {
    v1::PurchaseOrderDue {
        channel: "web".to_owned(),
        order_id: "1001".to_owned(),
        fulfilment_id: "web/1001/f1".to_owned(),
        node_id: "acme-lyon".to_owned(),
        status: v1::PurchaseOrderDueStatus::Changed.into(),
        lines: vec![v1::DropshipLine {
            line_id: "1".to_owned(),
            sku: sku(),
            quantity_milli: 2_000,
            supplier_sku: "AC-0815".to_owned(),
            unit_cost: Some(v1::Money { minor: 410, currency: "EUR".to_owned() }),
        }],
        held: true,
        dispatch_by_ms: 1_749_038_400_000,
        decision: 3,
        step: 90_007,
    }
}

/// Units that customers wait for.
pub fn purchase_suggested() -> v1::PurchaseSuggested {
    v1::PurchaseSuggested {
        sku: sku(),
        supplier_id: "acme".to_owned(),
        quantity_milli: 24_000,
        waiting_milli: 20_000,
        backordered_milli: 5_000,
        inbound_milli: 6_000,
        step: 90_008,
    }
}

/// What a unit loses if it is not sold where it is.
pub fn markdown_set() -> Event {
    v1::MarkdownSet {
        node_id: "berlin-1".to_owned(),
        sku: sku(),
        amount_minor: 500,
        until_ms: 1_751_320_800_000,
        extensions: extensions(),
    }
    .into()
}

/// Units of one node that an order waits for at another.
pub fn transfer_suggested() -> v1::TransferSuggested {
    v1::TransferSuggested {
        channel: "web".to_owned(),
        order_id: "1001".to_owned(),
        sku: sku(),
        from_node_id: "north".to_owned(),
        to_node_id: "berlin-1".to_owned(),
        quantity_milli: 2_000,
        decision: 3,
        step: 90_009,
    }
}
