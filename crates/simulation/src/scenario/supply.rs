//! Commands about purchase orders, and what suppliers sell from their own shelves.

use omnifold_events::{Event, v1};

use super::changes::euros;
use super::parse::{choice, lines, order_line};
use super::serials;
use super::words::{Fault, Words, minor, number, quantity};

/// The event of one of these commands; `None` where the word is none of them.
pub fn event(verb: &str, words: &mut Words<'_>) -> Result<Option<Event>, Fault> {
    Ok(Some(match verb {
        "purchase" => purchase(words)?.into(),
        "acknowledge" => acknowledge(words)?.into(),
        "hold_purchase" => {
            let purchase_order_id = order_id(words)?;
            let reason = words.next("a reason")?.to_owned();
            let extensions = Default::default();
            v1::PurchaseOrderHeld { purchase_order_id, reason, extensions }.into()
        }
        "unhold_purchase" => {
            let purchase_order_id = order_id(words)?;
            v1::PurchaseOrderHoldReleased { purchase_order_id, ..Default::default() }.into()
        }
        "change_purchase" => change(words)?.into(),
        "close_purchase" => {
            let purchase_order_id = order_id(words)?;
            v1::PurchaseOrderClosed { purchase_order_id, ..Default::default() }.into()
        }
        "cancel_purchase" => {
            let purchase_order_id = order_id(words)?;
            v1::PurchaseOrderCancelled { purchase_order_id, ..Default::default() }.into()
        }
        "announce" => announce(words)?.into(),
        "goods" => goods(words)?.into(),
        "unreceive" => {
            let (purchase_order_id, receipt_id) = (order_id(words)?, id(words, "a receipt")?);
            let extensions = Default::default();
            v1::ReceiptReversed { purchase_order_id, receipt_id, extensions }.into()
        }
        "bill" => bill(words)?.into(),
        "release_bill" => release_bill(words)?.into(),
        "list_item" => list_item(words)?.into(),
        "feed" => feed(words)?.into(),
        "reserve" => reserve(words)?.into(),
        _ => return Ok(None),
    }))
}

fn id(words: &mut Words<'_>, what: &str) -> Result<String, Fault> {
    words.next(what).map(str::to_owned)
}

fn order_id(words: &mut Words<'_>) -> Result<String, Fault> {
    id(words, "a purchase order")
}

/// `2%` or `2.5%` in 1/1000.
fn permille(text: &str) -> Result<u32, Fault> {
    let fault = || format!("`{text}` is no share (2%, 2.5%)");
    let percent = text.strip_suffix('%').ok_or_else(fault)?;
    let milli = quantity(percent).map_err(|_| fault())?;
    if milli % 100 == 0 { u32::try_from(milli / 100).map_err(|_| fault()) } else { Err(fault()) }
}

fn terms(words: &mut Words<'_>) -> Result<Option<v1::PurchaseTerms>, Fault> {
    let basis = words.option("basis");
    let shares = ["receipt_allowance", "billing_allowance", "tolerance"];
    let [receipt, billing, price] = shares.map(|name| words.option(name));
    if [basis, receipt, billing, price].iter().all(Option::is_none) {
        return Ok(None);
    }
    let basis = basis.unwrap_or("unspecified");
    Ok(Some(v1::PurchaseTerms {
        receipt_allowance_permille: receipt.map_or(Ok(0), permille)?,
        billing_basis: choice("BILLING_BASIS", basis, v1::BillingBasis::from_str_name)?.into(),
        billing_allowance_permille: billing.map_or(Ok(0), permille)?,
        price_tolerance_permille: price.map_or(Ok(0), permille)?,
    }))
}

/// `S:10@100.00`.
fn purchase_line(number: u32, text: &str) -> Result<v1::PurchaseLine, Fault> {
    let (line, _) = order_line(number as usize, text)?;
    let v1::OrderLine { line_id, sku, quantity_milli, unit_price } = line;
    Ok(v1::PurchaseLine { line_id, sku, quantity_milli, unit_price, due_at_ms: 0 })
}

fn purchase(words: &mut Words<'_>) -> Result<v1::PurchaseOrderIssued, Fault> {
    let purchase_order_id = order_id(words)?;
    words.take("from");
    let supplier_id = id(words, "a supplier")?;
    words.take("to");
    let node_id = id(words, "a node")?;
    let mut lines = Vec::new();
    while let Some(line) = words.take_if(|word| word.contains(':')) {
        lines.push(purchase_line(lines.len() as u32 + 1, line)?);
    }
    Ok(v1::PurchaseOrderIssued {
        purchase_order_id,
        supplier_id,
        company_id: words.option("company").unwrap_or_default().to_owned(),
        node_id,
        lines,
        due_at_ms: words.time_option("due")?,
        terms: terms(words)?,
        extensions: Default::default(),
    })
}

/// `acknowledge PO 1:8@9.50 2:0 [due=TIME]`; without lines everything as ordered.
fn acknowledge(words: &mut Words<'_>) -> Result<v1::PurchaseOrderAcknowledged, Fault> {
    let purchase_order_id = order_id(words)?;
    let due_at_ms = words.time_option("due")?;
    let mut lines = Vec::new();
    while let Some(line) = words.take_if(|word| word.contains(':')) {
        let (line, _) = order_line(0, line)?;
        let v1::OrderLine { sku: line_id, quantity_milli, unit_price, .. } = line;
        lines.push(v1::AcknowledgedLine { line_id, quantity_milli, unit_price, due_at_ms });
    }
    Ok(v1::PurchaseOrderAcknowledged { purchase_order_id, lines, ..Default::default() })
}

/// `change_purchase PO [line 1 x20] [add 2 T:5@1.00] [due=TIME] [receipt_allowance=50%]`.
fn change(words: &mut Words<'_>) -> Result<v1::PurchaseOrderChanged, Fault> {
    let purchase_order_id = order_id(words)?;
    let mut changed = Vec::new();
    for line in lines(words)? {
        let v1::LineQuantity { line_id, quantity_milli } = line;
        changed.push(v1::PurchaseLine { line_id, quantity_milli, ..Default::default() });
    }
    if let (Some(price), Some(line)) = (words.option("price"), changed.last_mut()) {
        line.unit_price = Some(euros(minor(price)?));
    }
    while words.take("add") {
        let line = number(words.next("a line's number")?)?;
        changed.push(purchase_line(line, words.next("a line")?)?);
    }
    Ok(v1::PurchaseOrderChanged {
        purchase_order_id,
        lines: changed,
        due_at_ms: words.time_option("due")?,
        terms: terms(words)?,
        extensions: Default::default(),
    })
}

fn announce(words: &mut Words<'_>) -> Result<v1::ShipNoticeReceived, Fault> {
    Ok(v1::ShipNoticeReceived {
        purchase_order_id: order_id(words)?,
        notice_id: id(words, "a delivery")?,
        expected_at_ms: words.time_option("due")?,
        lines: lines(words)?,
        extensions: Default::default(),
    })
}

/// `goods PO R1 1:90/0/5 *T:3`: line, and units accepted, damaged and refused at the door; `*` names
/// a SKU in place of a line.
fn goods(words: &mut Words<'_>) -> Result<v1::ReceiptBooked, Fault> {
    let (purchase_order_id, receipt_id) = (order_id(words)?, id(words, "a receipt")?);
    let mut lines = Vec::new();
    while let Some(line) = words.take_if(|word| word.contains(':')) {
        let (name, units) = line.split_once(':').ok_or("a line is `LINE:units`")?;
        let (line_id, sku) = name.strip_prefix('*').map_or((name, ""), |sku| ("", sku));
        let mut parts = units.split('/').map(quantity);
        let mut part = || parts.next().unwrap_or(Ok(0));
        lines.push(v1::ReceiptLine {
            line_id: line_id.to_owned(),
            sku: sku.to_owned(),
            accepted_milli: part()?,
            damaged_milli: part()?,
            refused_milli: part()?,
            ..Default::default()
        });
    }
    name_units(words, &mut lines);
    let notice_id = words.option("notice").unwrap_or_default().to_owned();
    let extensions = Default::default();
    Ok(v1::ReceiptBooked { purchase_order_id, receipt_id, notice_id, lines, extensions })
}

/// `goods ... lot=1:L1@2025-06-30 serials=1:A,1:B damaged_serials=1:C`, by line or `*SKU`.
fn name_units(words: &mut Words<'_>, lines: &mut [v1::ReceiptLine]) {
    let [lot, serials, damaged] =
        ["lot", "serials", "damaged_serials"].map(|name| words.option(name).unwrap_or_default());
    for line in lines {
        let name = [line.line_id.clone(), format!("*{}", line.sku)];
        let name = &name[usize::from(line.line_id.is_empty())];
        let of = lot.strip_prefix(&format!("{name}:")).unwrap_or_default();
        let (lot, expires_on) = of.split_once('@').unwrap_or((of, ""));
        let serials = serials::of(serials, name);
        if !lot.is_empty() || !serials.is_empty() {
            let (lot, expires_on) = (lot.to_owned(), expires_on.to_owned());
            line.units = Some(v1::UnitAttributes { lot, expires_on, serials });
        }
        line.damaged_serials = serials::of(damaged, name);
    }
}

/// `bill PO I1 1:95@10.00`.
fn bill(words: &mut Words<'_>) -> Result<v1::SupplierInvoiceReceived, Fault> {
    let (purchase_order_id, invoice_id) = (order_id(words)?, id(words, "a bill")?);
    let mut lines = Vec::new();
    while let Some(line) = words.take_if(|word| word.contains(':')) {
        let (line, _) = order_line(0, line)?;
        let v1::OrderLine { sku: line_id, quantity_milli, unit_price, .. } = line;
        lines.push(v1::InvoiceLine { line_id, quantity_milli, unit_price });
    }
    let extensions = Default::default();
    Ok(v1::SupplierInvoiceReceived { purchase_order_id, invoice_id, lines, extensions })
}

fn release_bill(words: &mut Words<'_>) -> Result<v1::SupplierInvoiceReleased, Fault> {
    let (purchase_order_id, invoice_id) = (order_id(words)?, id(words, "a bill")?);
    let word = words.take_if(|_| true).unwrap_or("match_again");
    let find = v1::InvoiceResolution::from_str_name;
    let resolution = choice("INVOICE_RESOLUTION", word, find)?.into();
    let extensions = Default::default();
    Ok(v1::SupplierInvoiceReleased { purchase_order_id, invoice_id, resolution, extensions })
}

fn list_item(words: &mut Words<'_>) -> Result<v1::SupplierItemListed, Fault> {
    let (node_id, sku) = (id(words, "a node")?, id(words, "a SKU")?);
    let cost = words.option("cost").map(minor).transpose()?;
    Ok(v1::SupplierItemListed {
        node_id,
        name: sku.clone(),
        sku,
        supplier_sku: words.option("as").unwrap_or_default().to_owned(),
        scale: words.option("scale").map_or(Ok(0), number)?,
        unit_cost: cost.map(euros),
        withdrawn: words.take("withdrawn"),
        extensions: Default::default(),
    })
}

fn feed(words: &mut Words<'_>) -> Result<v1::SupplierStockFed, Fault> {
    let basis = words.option("basis").unwrap_or("unspecified");
    Ok(v1::SupplierStockFed {
        node_id: id(words, "a node")?,
        sku: id(words, "a SKU")?,
        quantity_milli: quantity(words.next("a quantity")?)?,
        as_of_ms: words.time_option("as_of")?,
        stale_after_ms: words.span_option("stale_after")?,
        basis: choice("COUNT_BASIS", basis, v1::CountBasis::from_str_name)?.into(),
        extensions: Default::default(),
    })
}

/// `reserve web N S 5`.
fn reserve(words: &mut Words<'_>) -> Result<v1::ChannelStockReserved, Fault> {
    Ok(v1::ChannelStockReserved {
        channel: id(words, "a channel")?,
        node_id: id(words, "a node")?,
        sku: id(words, "a SKU")?,
        quantity_milli: quantity(words.next("a quantity")?)?,
        extensions: Default::default(),
    })
}

/// `buy_of=ACME multiple=6`.
pub(super) fn bought_in(words: &mut Words<'_>) -> Result<Option<v1::ItemPurchase>, Fault> {
    let order_multiple_milli = words.quantity_option("multiple")?;
    let supplier_id = words.option("buy_of").map(str::to_owned);
    Ok(supplier_id.map(|supplier_id| v1::ItemPurchase { supplier_id, order_multiple_milli }))
}

/// `sla_days=2 zone=Australia/Sydney off=2025-06-09,2025-06-20`.
pub(super) fn dispatch_sla(words: &mut Words<'_>) -> Result<Option<v1::DispatchSla>, Fault> {
    let Some(days) = words.option("sla_days") else { return Ok(None) };
    let off = words.option("off").unwrap_or_default();
    Ok(Some(v1::DispatchSla {
        days: number(days)?,
        zone: words.option("zone").unwrap_or("UTC").to_owned(),
        weekdays: Vec::new(),
        days_off: off.split(',').filter(|day| !day.is_empty()).map(str::to_owned).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stock_is_reserved_and_items_are_bought_in() {
        let mut words = Words::of("web N S 2.5");
        let kept = reserve(&mut words).expect("a reservation");
        assert_eq!((&kept.channel[..], &kept.node_id[..], &kept.sku[..]), ("web", "N", "S"));
        assert_eq!(kept.quantity_milli, 2_500);
        let bought =
            bought_in(&mut Words::of("buy_of=ACME multiple=6")).expect("one").expect("one");
        assert_eq!((&bought.supplier_id[..], bought.order_multiple_milli), ("ACME", 6_000));
        assert_eq!(bought_in(&mut Words::of("")), Ok(None));
        assert!(reserve(&mut Words::of("web N S")).is_err());
    }
}
