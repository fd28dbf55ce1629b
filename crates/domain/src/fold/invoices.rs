//! Suppliers' bills: matched with the order and its receipts (three-way match, rule P1).

use omnifold_events::v1;

use super::check;
use super::purchasing::{MAX_LINES, find, happen, line_of, price, put, refuse_held};
use crate::purchase::{Invoice, InvoiceLine};
use crate::transitions::PurchaseOrderEvent;
use crate::{PurchaseOrder, Reason, Refusal, State, SupplyNotice, Work};

/// Most bills a purchase order may have.
const MAX_INVOICES: usize = 1_000;

pub(super) fn bill<S: State>(
    state: &mut S,
    event: &v1::SupplierInvoiceReceived,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let before = find(state, &event.purchase_order_id)?;
    refuse_held(&before)?;
    let mut order = before.clone();
    happen(&mut order, PurchaseOrderEvent::Bill)?;
    check_new(&order, event)?;
    let mut lines: Vec<InvoiceLine> = Vec::with_capacity(event.lines.len());
    for line in &event.lines {
        let asked = asked(state, &order, line)?;
        if lines.iter().any(|other| other.line == asked.line) {
            let detail = format!("line `{}` is named twice", line.line_id);
            return Err(Refusal::new(Reason::DuplicateLine, detail));
        }
        lines.push(asked);
    }
    let id = event.invoice_id.clone();
    order.invoices.push(Invoice { id, result: v1::MatchResult::Exception.into(), lines });
    let place = order.invoices.len() - 1;
    let told = match_again(state, &mut order, place, false)?;
    put(state, Some(&before), order)?;
    work.push(Work::SupplyNotice(Box::new(told)));
    Ok(())
}

fn check_new(order: &PurchaseOrder, event: &v1::SupplierInvoiceReceived) -> Result<(), Refusal> {
    check::name("invoice_id", &event.invoice_id)?;
    if order.invoices.iter().any(|known| known.id == event.invoice_id) {
        let detail = format!("bill `{}` of `{}` was received", event.invoice_id, order.id);
        return Err(Refusal::new(Reason::DuplicateInvoice, detail));
    }
    if event.lines.is_empty() {
        return Err(Refusal::new(Reason::NoLines, "the bill has no lines"));
    }
    if event.lines.len() > MAX_LINES || order.invoices.len() == MAX_INVOICES {
        let detail = format!("a purchase order takes {MAX_INVOICES} bills of {MAX_LINES} lines");
        return Err(Refusal::new(Reason::TooManyReceipts, detail));
    }
    Ok(())
}

/// What a bill asks for a line. What no receipt could ever make payable is refused.
fn asked<S: State>(
    state: &S,
    order: &PurchaseOrder,
    said: &v1::InvoiceLine,
) -> Result<InvoiceLine, Refusal> {
    let place = line_of(order, &said.line_id)?;
    let line = &order.lines[place];
    check::quantity("billed quantity", said.quantity_milli, 1, state.item(line.sku))?;
    let none =
        || Refusal::new(Reason::InvalidMoney, format!("line `{}` has no price", said.line_id));
    let unit_price = price(state, said.unit_price.as_ref())?.ok_or_else(none)?;
    let (units, left) = (said.quantity_milli, order.billing_bound(line) - i128::from(line.billed));
    if i128::from(units) > left {
        let detail = format!("{units} of line `{}` billed, {left} may be", said.line_id);
        return Err(Refusal::new(Reason::OverBilled, detail));
    }
    amount(units, unit_price)?;
    Ok(InvoiceLine { line: place as u32, units, unit_price, payable: 0 })
}

/// Price of so many units, minor units, rounded half up.
fn amount(units: i64, unit_price: i64) -> Result<i64, Refusal> {
    let exact = i128::from(units) * i128::from(unit_price);
    let overflow = |_| Refusal::new(Reason::Overflow, "a line of the bill would not fit 64 bits");
    i64::try_from((exact + 500) / 1_000).map_err(overflow)
}

/// Matches a bill with the order and its receipts as they are now, in place of what it was matched
/// with before. What it makes payable counts as billed at once: no other bill is paid for it.
fn match_again<S: State>(
    state: &S,
    order: &mut PurchaseOrder,
    place: usize,
    accepts_price: bool,
) -> Result<SupplyNotice, Refusal> {
    let mut lines = order.invoices[place].lines.clone();
    let mut matched = Vec::with_capacity(lines.len());
    for asked in &mut lines {
        order.lines[asked.line as usize].billed -= asked.payable;
        let step = state.item(order.lines[asked.line as usize].sku).step_milli();
        matched.push(match_line(order, asked, step, accepts_price)?);
        order.lines[asked.line as usize].billed += asked.payable;
    }
    let agrees = matched.iter().all(|line| line.over_milli == 0 && line.price_over_minor == 0);
    let result = if agrees { v1::MatchResult::Matched } else { v1::MatchResult::Exception };
    order.invoices[place].lines = lines;
    order.invoices[place].result = result.into();
    told(state, order, place, matched)
}

fn match_line(
    order: &PurchaseOrder,
    asked: &mut InvoiceLine,
    step: i64,
    accepts_price: bool,
) -> Result<v1::MatchedLine, Refusal> {
    let line = &order.lines[asked.line as usize];
    let limit = order.billing_limit(line) - i128::from(line.billed);
    let limit = i64::try_from(limit.max(0)).unwrap_or(i64::MAX);
    asked.payable = asked.units.min(limit - limit % step);
    let (price, ordered) = (i128::from(asked.unit_price), i128::from(line.unit_price));
    let tolerated = ordered * (1_000 + i128::from(order.terms.price_tolerance));
    let too_dear = !accepts_price && price * 1_000 > tolerated;
    let unit_price = if too_dear { line.unit_price } else { asked.unit_price };
    let payable_minor = amount(asked.payable, unit_price)?;
    Ok(v1::MatchedLine {
        line_id: line.line_id.clone(),
        over_milli: asked.units - asked.payable,
        price_over_minor: if too_dear { asked.unit_price - line.unit_price } else { 0 },
        payable_milli: asked.payable,
        payable_minor,
        disputed_minor: amount(asked.units, asked.unit_price)? - payable_minor,
    })
}

fn told<S: State>(
    state: &S,
    order: &PurchaseOrder,
    place: usize,
    lines: Vec<v1::MatchedLine>,
) -> Result<SupplyNotice, Refusal> {
    let invoice = &order.invoices[place];
    let currency = &state.settings().expect("checked before every fold").currency;
    let sum = |amount: fn(&v1::MatchedLine) -> i64| {
        let sum = lines.iter().try_fold(0i64, |sum, line| sum.checked_add(amount(line)));
        let overflow = || Refusal::new(Reason::Overflow, "the bill would not fit 64 bits");
        let minor = sum.ok_or_else(overflow)?;
        Ok::<_, Refusal>(Some(v1::Money { minor, currency: currency.clone() }))
    };
    Ok(SupplyNotice::InvoiceMatched(v1::SupplierInvoiceMatched {
        purchase_order_id: order.id.clone(),
        supplier_id: order.supplier.clone(),
        invoice_id: invoice.id.clone(),
        result: invoice.result,
        payable: sum(|line| line.payable_minor)?,
        disputed: sum(|line| line.disputed_minor)?,
        lines,
        step: 0,
    }))
}

/// A bill in dispute goes on: matched again, with its prices accepted or not, or settled for what is
/// payable.
pub(super) fn release<S: State>(
    state: &mut S,
    event: &v1::SupplierInvoiceReleased,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let before = find(state, &event.purchase_order_id)?;
    refuse_held(&before)?;
    let mut order = before.clone();
    happen(&mut order, PurchaseOrderEvent::ReleaseBill)?;
    let place = disputed(&order, &event.invoice_id)?;
    let resolution = event.resolution();
    let accepts = resolution == v1::InvoiceResolution::AcceptPrice;
    let mut notice = match_again(state, &mut order, place, accepts)?;
    if resolution == v1::InvoiceResolution::PayMatched {
        order.invoices[place].result = v1::MatchResult::Settled.into();
        if let SupplyNotice::InvoiceMatched(told) = &mut notice {
            told.result = v1::MatchResult::Settled.into();
        }
    }
    put(state, Some(&before), order)?;
    work.push(Work::SupplyNotice(Box::new(notice)));
    Ok(())
}

fn disputed(order: &PurchaseOrder, id: &str) -> Result<usize, Refusal> {
    let place = order.invoices.iter().position(|invoice| invoice.id == id);
    let unknown = || format!("purchase order `{}` has no bill `{id}`", order.id);
    let place = place.ok_or_else(|| Refusal::new(Reason::UnknownInvoice, unknown()))?;
    if order.invoices[place].result == i32::from(v1::MatchResult::Exception) {
        return Ok(place);
    }
    let detail = format!("nothing of bill `{id}` of `{}` is in dispute", order.id);
    Err(Refusal::new(Reason::NothingInDispute, detail))
}
