//! What the engine says of purchasing and suppliers' work, as lines of text.

use omnifold_events::{format_time, v1};

use super::render::{money, order_name, units};
use crate::supply_notice::SupplyNotice;

pub(super) fn supply_line(notice: &SupplyNotice) -> String {
    match notice {
        SupplyNotice::Discrepancy(message) => discrepancy_line(message),
        SupplyNotice::InvoiceMatched(message) => invoice_line(message),
        SupplyNotice::SlaBreached(message) => {
            let (id, due) = (short(&message.fulfilment_id), format_time(message.due_at_ms));
            let held = if message.held { " on hold" } else { "" };
            format!(
                "{id} {} late x{} since {due}{held}",
                message.node_id,
                units(message.late_milli)
            )
        }
        SupplyNotice::SlaBreachWithdrawn(message) => {
            format!("{} {} late no longer", short(&message.fulfilment_id), message.node_id)
        }
        SupplyNotice::PurchaseOrderDue(message) => due_line(message),
        SupplyNotice::PurchaseSuggested(message) => {
            let (sku, supplier) = (&message.sku, &message.supplier_id);
            format!("buy in {sku} x{} of {supplier}", units(message.quantity_milli))
        }
        SupplyNotice::Serials(message) => serials_line(message),
        SupplyNotice::LotExpired(message) => expired_line(message),
        SupplyNotice::TransferSuggested(message) => {
            let (sku, quantity) = (&message.sku, units(message.quantity_milli));
            let order = order_name(&message.channel, &message.order_id);
            format!(
                "move {sku} x{quantity} from {} to {} for {order}",
                message.from_node_id, message.to_node_id
            )
        }
    }
}

/// `N S serials: A seen_elsewhere (on_hand M); B not_found (on_hand N)`.
fn serials_line(message: &v1::SerialDiscrepancy) -> String {
    let each = |row: &v1::DiscrepantSerial| {
        let kind = row.kind().as_str_name().trim_start_matches("SERIAL_DISCREPANCY_KIND_");
        let recorded = if row.recorded.is_empty() { "unknown" } else { &row.recorded };
        let with = short(&row.recorded_with);
        let known: Vec<&str> = [recorded, &row.recorded_node, with]
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect();
        format!("{} {} ({})", row.serial, kind.to_lowercase(), known.join(" "))
    };
    let rows: Vec<String> = message.serials.iter().map(each).collect();
    format!("{} {} serials: {}", message.node_id, message.sku, rows.join("; "))
}

/// `N S lot L1 expired 2025-06-30 x3; promised A/f1 line 1 x2`.
fn expired_line(message: &v1::LotExpired) -> String {
    let each = |row: &v1::LotPromise| {
        let id = format!("{}/{}/f{}", row.channel, row.order_id, row.fulfilment);
        format!("{} line {} x{}", short(&id), row.line_id, units(row.quantity_milli))
    };
    let promises: Vec<String> = message.promises.iter().map(each).collect();
    let v1::LotExpired { node_id, sku, lot, expires_on, quantity_milli, .. } = message;
    let units = units(*quantity_milli);
    let promises = promises.join(", ");
    format!("{node_id} {sku} lot {lot} expired {expires_on} x{units}; promised {promises}")
}

/// Channel `web` goes without saying.
fn short(id: &str) -> &str {
    id.strip_prefix("web/").unwrap_or(id)
}

/// `PO receipt R1 differs; line 1 S over 2, damaged 1`.
fn discrepancy_line(message: &v1::ReceiptDiscrepancy) -> String {
    let mut text = format!("{} receipt {} differs", message.purchase_order_id, message.receipt_id);
    for line in &message.lines {
        let parts = [
            ("over", line.over_milli),
            ("damaged", line.damaged_milli),
            ("refused", line.refused_milli),
            ("unexpected", line.unexpected_milli),
        ];
        let parts = parts.into_iter().filter(|(_, milli)| *milli != 0);
        let parts: Vec<String> =
            parts.map(|(word, milli)| format!("{word} {}", units(milli))).collect();
        let name = if line.line_id.is_empty() { "" } else { "line " };
        let name = format!("{name}{} {}", line.line_id, line.sku);
        text += &format!("; {} {}", name.trim(), parts.join(", "));
    }
    text
}

/// `PO bill I1 exception; line 1 over 5; 90 payable 900.00; disputed 50.00`.
fn invoice_line(message: &v1::SupplierInvoiceMatched) -> String {
    let result = message.result().as_str_name().trim_start_matches("MATCH_RESULT_").to_lowercase();
    let mut text = format!("{} bill {} {result}", message.purchase_order_id, message.invoice_id);
    for line in &message.lines {
        text += &format!("; line {}", line.line_id);
        if line.over_milli != 0 {
            text += &format!(" over {}", units(line.over_milli));
        }
        if line.price_over_minor != 0 {
            text += &format!(" price over {}", money(line.price_over_minor));
        }
        text += &format!(" payable {}", units(line.payable_milli));
    }
    let minor = |amount: &Option<v1::Money>| amount.as_ref().map_or(0, |amount| amount.minor);
    let (payable, disputed) = (minor(&message.payable), minor(&message.disputed));
    text += &format!("; payable {}", money(payable));
    if disputed == 0 { text } else { text + &format!("; disputed {}", money(disputed)) }
}

/// `buy of SUP O/f1 S x2 (X-1 at 4.20)`, with the status where it is not the first.
fn due_line(message: &v1::PurchaseOrderDue) -> String {
    let each = |line: &v1::DropshipLine| {
        let cost = line.unit_cost.as_ref().map(|cost| format!("at {}", money(cost.minor)));
        let name = Some(line.supplier_sku.clone()).filter(|sku| !sku.is_empty());
        let known: Vec<String> = [name, cost].into_iter().flatten().collect();
        let known =
            if known.is_empty() { String::new() } else { format!(" ({})", known.join(" ")) };
        format!("{} x{}{known}", line.sku, units(line.quantity_milli))
    };
    let status = message.status().as_str_name();
    let status = match status.trim_start_matches("PURCHASE_ORDER_DUE_STATUS_") {
        "DUE" => String::new(),
        other => format!(" {}", other.to_lowercase()),
    };
    let lines: Vec<String> = message.lines.iter().map(each).collect();
    let lines = if lines.is_empty() { String::new() } else { format!(" {}", lines.join(", ")) };
    let held = if message.held { " on hold" } else { "" };
    let id = short(&message.fulfilment_id);
    format!("buy of {} {id}{status}{lines}{held}", message.node_id)
}
