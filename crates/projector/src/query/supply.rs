//! Answers about purchase orders, and about what a stock row may expect.

use omnifold_domain::inbound::Source;
use omnifold_domain::purchase::{Invoice, Receipt, ShipNotice};
use omnifold_domain::{
    Inbound, NodeIx, PurchaseOrder, PurchaseOrderKey, SkuIx, State as _, Stock, SupplierKey,
    View as _, atp_by_date,
};
use omnifold_events::v1;
use omnifold_state::Store;
use serde_json::{Value, json};

use super::{Order, QueryError, instant, node_id, units};

/// What is expected, by date and source, those without a date last.
pub(super) fn expected_body(inbound: &Inbound) -> Vec<Value> {
    let each = |(due, source, milli): &(i64, Source, i64)| {
        let (kind, id) = match source {
            Source::PurchaseOrder(id) => ("purchase_order", id.clone()),
            Source::ShipNotice(order, notice) => ("ship_notice", format!("{order}/{notice}")),
            Source::Transfer(id) => ("transfer", id.clone()),
        };
        json!({ "due_at": instant(*due), "source": kind, "id": id, "units": units(*milli) })
    };
    inbound.rows.iter().map(each).collect()
}

/// What can be promised from each date on, by what is expected (rule Q6); the first is now.
pub(super) fn phased_body(stock: &Stock, inbound: &Inbound) -> Vec<Value> {
    let phased = atp_by_date(stock, inbound).into_iter();
    phased.map(|(from, milli)| json!({ "from": instant(from), "atp": units(milli) })).collect()
}

/// The inbound row of a (node, SKU).
pub(super) fn inbound_of(store: &mut Store, sku: SkuIx, node: NodeIx) -> Inbound {
    store.inbound(sku, node).cloned().unwrap_or_default()
}

pub(super) fn purchase_order_body(store: &mut Store, id: &str) -> Result<Value, QueryError> {
    let found = store.purchase_order(PurchaseOrderKey::of(id)).cloned();
    let order = found.ok_or_else(|| QueryError::NotFound(format!("no purchase order `{id}`")))?;
    let basis = v1::BillingBasis::try_from(order.terms.billing_basis).unwrap_or_default();
    Ok(json!({
        "purchase_order_id": order.id, "supplier": order.supplier, "company": order.company,
        "node": node_id(store, order.node), "state": order.state, "on_hold": order.hold,
        "due_at": instant(order.due_at),
        "receipt_allowance_permille": order.terms.receipt_allowance,
        "billing_basis": basis.as_str_name(),
        "billing_allowance_permille": order.terms.billing_allowance,
        "price_tolerance_permille": order.terms.price_tolerance,
        "lines": lines_body(store, &order),
        "ship_notices": order.notices.iter().map(|n| notice_body(&order, n)).collect::<Vec<_>>(),
        "receipts": order.receipts.iter().map(|r| receipt_body(store, &order, r)).collect::<Vec<_>>(),
        "invoices": order.invoices.iter().map(|i| invoice_body(&order, i)).collect::<Vec<_>>(),
        "supplier_on_time_permille": on_time(store, &order),
    }))
}

/// Rule P3, over all orders of this supplier and company.
fn on_time(store: &mut Store, order: &PurchaseOrder) -> Option<i64> {
    let key = SupplierKey::of(&order.supplier, &order.company);
    let rate = store.supplier(key)?.on_time_permille()?;
    i64::try_from(rate).ok()
}

fn lines_body(store: &Store, order: &PurchaseOrder) -> Vec<Value> {
    let each = |line: &omnifold_domain::purchase::PurchaseLine| {
        let promise = line.acknowledged;
        json!({
            "line_id": line.line_id, "sku": store.item(line.sku).sku,
            "ordered": units(line.ordered),
            "acknowledged": promise.map(|promise| units(promise.units)),
            "received": units(line.received), "accepted": units(line.accepted),
            "on_order": units(order.on_order(line)), "billed": units(line.billed),
            "unit_price_minor": line.unit_price,
            "acknowledged_price_minor": promise.map(|promise| promise.unit_price),
            "due_at": instant(order.due_of(line)),
            "promised_for": promise.and_then(|promise| instant(promise.due_at)),
        })
    };
    order.lines.iter().map(each).collect()
}

fn notice_body(order: &PurchaseOrder, notice: &ShipNotice) -> Value {
    let rows = notice.lines.iter().map(|row| {
        json!({
            "line_id": order.lines[row.line as usize].line_id,
            "announced": units(row.announced), "arrived": units(row.arrived),
        })
    });
    json!({
        "notice_id": notice.id, "expected_at": instant(notice.expected_at),
        "lines": rows.collect::<Vec<_>>(),
    })
}

fn receipt_body(store: &Store, order: &PurchaseOrder, receipt: &Receipt) -> Value {
    let rows = receipt.lines.iter().map(|row| {
        json!({
            "line_id": row.line.map(|place| &order.lines[place as usize].line_id),
            "sku": store.item(row.sku).sku, "accepted": units(row.accepted),
            "damaged": units(row.damaged), "refused": units(row.refused),
        })
    });
    json!({
        "receipt_id": receipt.id, "at": instant(receipt.at), "reversed": receipt.reversed,
        "lines": rows.collect::<Vec<_>>(),
    })
}

fn invoice_body(order: &PurchaseOrder, invoice: &Invoice) -> Value {
    let rows = invoice.lines.iter().map(|row| {
        json!({
            "line_id": order.lines[row.line as usize].line_id, "billed": units(row.units),
            "payable": units(row.payable), "unit_price_minor": row.unit_price,
        })
    });
    let result = v1::MatchResult::try_from(invoice.result).unwrap_or_default();
    json!({
        "invoice_id": invoice.id, "result": result.as_str_name(),
        "lines": rows.collect::<Vec<_>>(),
    })
}

/// When a fulfilment must be dispatched wholly (rule T4).
pub(super) fn dispatch_by(order: &Order, number: u32) -> Option<String> {
    let clock = order.slas().iter().find(|clock| clock.fulfilment + 1 == number)?;
    instant(clock.due_at)
}
