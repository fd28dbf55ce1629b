//! Purchase orders: issued, acknowledged, held, changed, announced, closed, cancelled.

use omnifold_events::v1;

use super::check;
use crate::purchase::{Acknowledged, NoticeLine, PurchaseLine, PurchaseTerms, ShipNotice};
use crate::transitions::{self, PurchaseOrderEvent};
use crate::{
    PurchaseOrder, PurchaseOrderKey, PurchaseOrderState, Reason, Refusal, State, Supplier,
    SupplierKey, inbound,
};

/// Most lines a purchase order, a receipt or a bill may have.
pub(super) const MAX_LINES: usize = 1_000;
/// Most deliveries that may be announced for one purchase order.
const MAX_NOTICES: usize = 200;
/// Largest allowance or tolerance, 1/1000: ten times what was agreed is no tolerance any more.
const MAX_PERMILLE: u32 = 10_000;

pub(super) fn issue<S: State>(
    state: &mut S,
    event: &v1::PurchaseOrderIssued,
) -> Result<(), Refusal> {
    check::name("purchase_order_id", &event.purchase_order_id)?;
    check::name("supplier_id", &event.supplier_id)?;
    if !event.company_id.is_empty() {
        check::name("company_id", &event.company_id)?;
    }
    if state.purchase_order(PurchaseOrderKey::of(&event.purchase_order_id)).is_some() {
        let detail = format!("purchase order `{}` was issued", event.purchase_order_id);
        return Err(Refusal::new(Reason::DuplicatePurchaseOrder, detail));
    }
    due("due_at_ms", event.due_at_ms)?;
    let mut order = PurchaseOrder {
        id: event.purchase_order_id.clone(),
        supplier: event.supplier_id.clone(),
        company: event.company_id.clone(),
        node: check::node(state, &event.node_id)?,
        state: PurchaseOrderState::Issued,
        hold: None,
        terms: terms(event.terms.as_ref())?,
        due_at: event.due_at_ms,
        lines: Vec::new(),
        notices: Vec::new(),
        receipts: Vec::new(),
        invoices: Vec::new(),
    };
    if event.lines.is_empty() {
        return Err(Refusal::new(Reason::NoLines, "the purchase order has no lines"));
    }
    for line in &event.lines {
        if order.line_named(&line.line_id).is_some() {
            return Err(twice(&line.line_id));
        }
        add_line(state, &mut order, line)?;
    }
    put(state, None, order)
}

fn terms(event: Option<&v1::PurchaseTerms>) -> Result<PurchaseTerms, Refusal> {
    let Some(event) = event else { return Ok(PurchaseTerms::default()) };
    let terms = PurchaseTerms {
        receipt_allowance: event.receipt_allowance_permille,
        billing_basis: event.billing_basis,
        billing_allowance: event.billing_allowance_permille,
        price_tolerance: event.price_tolerance_permille,
    };
    let shares = [terms.receipt_allowance, terms.billing_allowance, terms.price_tolerance];
    if let Some(share) = shares.into_iter().find(|&share| share > MAX_PERMILLE) {
        let detail = format!("an allowance of {share} is over {MAX_PERMILLE} per mille");
        return Err(Refusal::new(Reason::InvalidQuantity, detail));
    }
    Ok(terms)
}

fn due(what: &str, at_ms: i64) -> Result<(), Refusal> {
    if at_ms == 0 { Ok(()) } else { check::instant(what, at_ms) }
}

fn twice(line_id: &str) -> Refusal {
    Refusal::new(Reason::DuplicateLine, format!("line `{line_id}` is named twice"))
}

/// A line that was not there before.
fn add_line<S: State>(
    state: &S,
    order: &mut PurchaseOrder,
    line: &v1::PurchaseLine,
) -> Result<(), Refusal> {
    check::name("line_id", &line.line_id)?;
    let sku = check::sku(state, &line.sku)?;
    check::quantity("quantity", line.quantity_milli, 1, state.item(sku))?;
    due("due_at_ms", line.due_at_ms)?;
    if order.lines.len() == MAX_LINES {
        let detail = format!("a purchase order takes {MAX_LINES} lines");
        return Err(Refusal::new(Reason::TooManyLines, detail));
    }
    let none =
        || Refusal::new(Reason::InvalidMoney, format!("line `{}` has no price", line.line_id));
    let unit_price = price(state, line.unit_price.as_ref())?.ok_or_else(none)?;
    order.lines.push(PurchaseLine {
        line_id: line.line_id.clone(),
        sku,
        ordered: line.quantity_milli,
        unit_price,
        due_at: line.due_at_ms,
        acknowledged: None,
        received: 0,
        accepted: 0,
        on_time: 0,
        billed: 0,
    });
    Ok(())
}

/// A price of one unit, where one is given.
pub(super) fn price<S: State>(
    state: &S,
    money: Option<&v1::Money>,
) -> Result<Option<i64>, Refusal> {
    let settings = state.settings().expect("checked before every fold");
    money.map(|money| check::money_of(settings, "unit_price", money, 0)).transpose()
}

/// The purchase order of that name.
pub(super) fn find<S: State>(state: &mut S, id: &str) -> Result<PurchaseOrder, Refusal> {
    let found = state.purchase_order(PurchaseOrderKey::of(id)).cloned();
    let unknown = || format!("no purchase order `{id}` in this market");
    found.ok_or_else(|| Refusal::new(Reason::UnknownPurchaseOrder, unknown()))
}

/// Place of a line.
pub(super) fn line_of(order: &PurchaseOrder, line_id: &str) -> Result<usize, Refusal> {
    let unknown = || format!("purchase order `{}` has no line `{line_id}`", order.id);
    order.line_named(line_id).ok_or_else(|| Refusal::new(Reason::UnknownLine, unknown()))
}

/// Rule P2: nothing is received or billed while an order is on hold.
pub(super) fn refuse_held(order: &PurchaseOrder) -> Result<(), Refusal> {
    let Some(why) = &order.hold else { return Ok(()) };
    let detail = format!("purchase order `{}` is on hold: {why}", order.id);
    Err(Refusal::new(Reason::OnHold, detail))
}

/// Takes the next state from the table, or refuses.
pub(super) fn happen(order: &mut PurchaseOrder, event: PurchaseOrderEvent) -> Result<(), Refusal> {
    match transitions::purchase_order(order.state, event) {
        Ok(next) => order.state = next,
        Err(reason) => {
            let detail = format!("{event:?} on purchase order `{}`, {:?}", order.id, order.state);
            return Err(Refusal::new(reason, detail));
        }
    }
    Ok(())
}

/// Writes an order, and what follows from it: what its node may expect, and its supplier's record.
/// May still refuse; what it writes is all or nothing.
pub(super) fn put<S: State>(
    state: &mut S,
    before: Option<&PurchaseOrder>,
    after: PurchaseOrder,
) -> Result<(), Refusal> {
    let was = before.map(PurchaseOrder::expected).unwrap_or_default();
    let change = inbound::change(state, &was, &after.expected())?;
    change.write(state);
    let (was, is) = (before.map_or((0, 0), PurchaseOrder::punctuality), after.punctuality());
    if was != is {
        let key = SupplierKey::of(&after.supplier, &after.company);
        let new = || Supplier {
            id: after.supplier.clone(),
            company: after.company.clone(),
            ..Supplier::default()
        };
        let mut record = state.supplier(key).cloned().unwrap_or_else(new);
        record.ordered += is.0 - was.0;
        record.on_time += is.1 - was.1;
        state.put_supplier(key, record);
    }
    state.put_purchase_order(PurchaseOrderKey::of(&after.id), after);
    Ok(())
}

pub(super) fn acknowledge<S: State>(
    state: &mut S,
    event: &v1::PurchaseOrderAcknowledged,
) -> Result<(), Refusal> {
    let before = find(state, &event.purchase_order_id)?;
    let mut order = before.clone();
    happen(&mut order, PurchaseOrderEvent::Acknowledge)?;
    if event.lines.is_empty() {
        for line in &mut order.lines {
            let (units, unit_price) = (line.ordered, line.unit_price);
            line.acknowledged = Some(Acknowledged { units, unit_price, due_at: 0 });
        }
    }
    let mut named = Vec::new();
    for line in &event.lines {
        let place = line_of(&order, &line.line_id)?;
        if named.contains(&place) {
            return Err(twice(&line.line_id));
        }
        named.push(place);
        order.lines[place].acknowledged = Some(promise(state, &order, place, line)?);
    }
    put(state, Some(&before), order)
}

/// What the supplier says of a line. More than may be received it cannot promise.
fn promise<S: State>(
    state: &S,
    order: &PurchaseOrder,
    place: usize,
    said: &v1::AcknowledgedLine,
) -> Result<Acknowledged, Refusal> {
    let line = &order.lines[place];
    check::quantity("quantity", said.quantity_milli, 0, state.item(line.sku))?;
    due("due_at_ms", said.due_at_ms)?;
    let most = PurchaseTerms::and_share(line.ordered, order.terms.receipt_allowance);
    if i128::from(said.quantity_milli) > most {
        let (id, units) = (&line.line_id, said.quantity_milli);
        let detail = format!("{units} of line `{id}` acknowledged, {most} may be received");
        return Err(Refusal::new(Reason::OverReceipt, detail));
    }
    let unit_price = price(state, said.unit_price.as_ref())?.unwrap_or(line.unit_price);
    Ok(Acknowledged { units: said.quantity_milli, unit_price, due_at: said.due_at_ms })
}

pub(super) fn hold<S: State>(state: &mut S, event: &v1::PurchaseOrderHeld) -> Result<(), Refusal> {
    let before = find(state, &event.purchase_order_id)?;
    if !event.reason.is_empty() {
        check::name("reason", &event.reason)?;
    }
    let mut order = before.clone();
    happen(&mut order, PurchaseOrderEvent::Hold)?;
    if order.hold.replace(event.reason.clone()).is_some() {
        let detail = format!("purchase order `{}` is on hold", order.id);
        return Err(Refusal::new(Reason::DuplicateHold, detail));
    }
    put(state, Some(&before), order)
}

pub(super) fn release<S: State>(
    state: &mut S,
    event: &v1::PurchaseOrderHoldReleased,
) -> Result<(), Refusal> {
    let before = find(state, &event.purchase_order_id)?;
    let mut order = before.clone();
    happen(&mut order, PurchaseOrderEvent::Release)?;
    if order.hold.take().is_none() {
        let detail = format!("purchase order `{}` is not on hold", order.id);
        return Err(Refusal::new(Reason::UnknownHold, detail));
    }
    put(state, Some(&before), order)
}

pub(super) fn change<S: State>(
    state: &mut S,
    event: &v1::PurchaseOrderChanged,
) -> Result<(), Refusal> {
    let before = find(state, &event.purchase_order_id)?;
    let mut order = before.clone();
    due("due_at_ms", event.due_at_ms)?;
    if event.due_at_ms != 0 {
        order.due_at = event.due_at_ms;
    }
    if event.terms.is_some() {
        order.terms = terms(event.terms.as_ref())?;
    }
    let mut named: Vec<&str> = Vec::new();
    for line in &event.lines {
        if named.contains(&line.line_id.as_str()) {
            return Err(twice(&line.line_id));
        }
        named.push(&line.line_id);
        match order.line_named(&line.line_id) {
            Some(place) => change_line(state, &mut order.lines[place], line)?,
            None => add_line(state, &mut order, line)?,
        }
    }
    check_bounds(&order)?;
    let rest = order.is_received();
    let event = if rest { PurchaseOrderEvent::ChangeRest } else { PurchaseOrderEvent::ChangePart };
    happen(&mut order, event)?;
    if order == before {
        let detail = format!("purchase order `{}` is so already", order.id);
        return Err(Refusal::new(Reason::NothingToChange, detail));
    }
    put(state, Some(&before), order)
}

/// What the supplier acknowledged of more units than are wanted now holds for those.
fn change_line<S: State>(
    state: &S,
    line: &mut PurchaseLine,
    wanted: &v1::PurchaseLine,
) -> Result<(), Refusal> {
    if !wanted.sku.is_empty() && check::sku(state, &wanted.sku)? != line.sku {
        let detail = format!("line `{}` is of another SKU than `{}`", line.line_id, wanted.sku);
        return Err(Refusal::new(Reason::UnknownLine, detail));
    }
    due("due_at_ms", wanted.due_at_ms)?;
    if wanted.quantity_milli != 0 {
        check::quantity("quantity", wanted.quantity_milli, 1, state.item(line.sku))?;
        line.ordered = wanted.quantity_milli;
    }
    if wanted.due_at_ms != 0 {
        line.due_at = wanted.due_at_ms;
    }
    line.unit_price = price(state, wanted.unit_price.as_ref())?.unwrap_or(line.unit_price);
    if let Some(promise) = &mut line.acknowledged {
        promise.units = promise.units.min(line.ordered);
    }
    Ok(())
}

/// L21: no change, and no reversal, puts what was received or billed beyond what is allowed.
pub(super) fn check_bounds(order: &PurchaseOrder) -> Result<(), Refusal> {
    for line in &order.lines {
        let (received, billed) = (line.received, line.billed);
        let most = PurchaseTerms::and_share(line.ordered, order.terms.receipt_allowance);
        if i128::from(received) > most {
            let detail = format!("{received} of line `{}` received, {most} allowed", line.line_id);
            return Err(Refusal::new(Reason::AlreadyReceived, detail));
        }
        let most = order.billing_limit(line);
        if i128::from(billed) > most {
            let detail = format!("{billed} of line `{}` billed, {most} allowed", line.line_id);
            return Err(Refusal::new(Reason::AlreadyBilled, detail));
        }
    }
    Ok(())
}

pub(super) fn announce<S: State>(
    state: &mut S,
    event: &v1::ShipNoticeReceived,
) -> Result<(), Refusal> {
    let before = find(state, &event.purchase_order_id)?;
    check::name("notice_id", &event.notice_id)?;
    check::instant("expected_at_ms", event.expected_at_ms)?;
    let mut order = before.clone();
    happen(&mut order, PurchaseOrderEvent::Announce)?;
    let known = order.notices.iter().position(|notice| notice.id == event.notice_id);
    if known.is_none() && event.lines.is_empty() {
        return Err(Refusal::new(Reason::NoLines, "nothing is announced"));
    }
    if known.is_none() && order.notices.len() == MAX_NOTICES {
        let detail = format!("{MAX_NOTICES} deliveries of a purchase order may be announced");
        return Err(Refusal::new(Reason::TooManyReceipts, detail));
    }
    let mut notice = ShipNotice {
        id: event.notice_id.clone(),
        expected_at: event.expected_at_ms,
        lines: known.map_or(Vec::new(), |place| order.notices[place].lines.clone()),
    };
    announce_lines(state, &order, &mut notice, &event.lines)?;
    match known {
        Some(place) => order.notices[place] = notice,
        None => order.notices.push(notice),
    }
    put(state, Some(&before), order)
}

/// What arrived of an earlier announcement stays arrived.
fn announce_lines<S: State>(
    state: &S,
    order: &PurchaseOrder,
    notice: &mut ShipNotice,
    lines: &[v1::LineQuantity],
) -> Result<(), Refusal> {
    for line in &mut notice.lines {
        line.announced = 0;
    }
    let mut named = Vec::new();
    for line in lines {
        let place = line_of(order, &line.line_id)?;
        if named.contains(&place) {
            return Err(twice(&line.line_id));
        }
        named.push(place);
        let announced = line.quantity_milli;
        check::quantity("quantity", announced, 1, state.item(order.lines[place].sku))?;
        let place = place as u32;
        match notice.lines.iter_mut().find(|row| row.line == place) {
            Some(row) => row.announced = announced,
            None => notice.lines.push(NoticeLine { line: place, announced, arrived: 0 }),
        }
    }
    Ok(())
}

pub(super) fn close<S: State>(
    state: &mut S,
    event: &v1::PurchaseOrderClosed,
) -> Result<(), Refusal> {
    end(state, &event.purchase_order_id, PurchaseOrderEvent::Close)
}

pub(super) fn cancel<S: State>(
    state: &mut S,
    event: &v1::PurchaseOrderCancelled,
) -> Result<(), Refusal> {
    end(state, &event.purchase_order_id, PurchaseOrderEvent::Cancel)
}

/// An order that ends is on hold no longer.
fn end<S: State>(state: &mut S, id: &str, event: PurchaseOrderEvent) -> Result<(), Refusal> {
    let before = find(state, id)?;
    let mut order = before.clone();
    happen(&mut order, event)?;
    order.hold = None;
    put(state, Some(&before), order)
}
