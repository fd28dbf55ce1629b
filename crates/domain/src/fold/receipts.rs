//! Goods of a purchase order arrive, or a receipt turns out to be a mistake (rule P1).

use omnifold_events::v1;

use super::booking::{Shelf, book_checked};
use super::goods::{self, Goods};
use super::purchasing::{MAX_LINES, check_bounds, find, happen, line_of, put, refuse_held};
use super::{Context, check};
use crate::purchase::{PurchaseTerms, Receipt, ReceiptLine};
use crate::transitions::PurchaseOrderEvent;
use crate::{
    Entry, EntryKind, MovementKind, PurchaseOrder, Reason, Refusal, SkuIx, State, SupplyNotice,
    Work,
};

/// Most receipts a purchase order may have.
const MAX_RECEIPTS: usize = 1_000;

pub(super) fn book<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::ReceiptBooked,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let before = find(state, &event.purchase_order_id)?;
    refuse_held(&before)?;
    let mut order = before.clone();
    let mut receipt = new_receipt(&order, context, event)?;
    let notice = match event.notice_id.as_str() {
        "" => None,
        id => Some(notice_of(&order, id)?),
    };
    let mut known = Vec::new();
    for line in &event.lines {
        let mut arrived = arrived(state, &order, context, line)?;
        if receipt.lines.iter().any(|row| (row.line, row.sku) == (arrived.line, arrived.sku)) {
            let detail = format!("line `{}` `{}` is named twice", line.line_id, line.sku);
            return Err(Refusal::new(Reason::DuplicateLine, detail));
        }
        arrive(&mut order, &mut arrived, notice)?;
        let goods = Goods::of(state, context, order.node, &arrived, line)?;
        arrived.units = goods.kept();
        receipt.lines.push(arrived);
        known.push(goods);
    }
    goods::check_distinct(&known)?;
    let rest = order.is_received();
    let event =
        if rest { PurchaseOrderEvent::ReceiveRest } else { PurchaseOrderEvent::ReceivePart };
    happen(&mut order, event)?;
    let discrepancy = discrepancy(state, &order, &receipt);
    let (node, lines) = (order.node, receipt.lines.clone());
    let reference = order.id.clone();
    order.receipts.push(receipt);
    put(state, Some(&before), order)?;
    for (line, goods) in lines.iter().zip(known) {
        let shelf = Shelf { sku: line.sku, node };
        book_units(state, context, shelf, line.taken_in(), EntryKind::PurchaseReceived, work);
        goods.put_in(state, context, shelf, &reference, work);
    }
    work.extend(discrepancy.map(|told| Work::SupplyNotice(Box::new(told))));
    Ok(())
}

fn new_receipt(
    order: &PurchaseOrder,
    context: Context<'_>,
    event: &v1::ReceiptBooked,
) -> Result<Receipt, Refusal> {
    check::name("receipt_id", &event.receipt_id)?;
    if order.receipts.iter().any(|known| known.id == event.receipt_id) {
        let detail = format!("receipt `{}` of `{}` was booked", event.receipt_id, order.id);
        return Err(Refusal::new(Reason::DuplicateReceipt, detail));
    }
    if event.lines.is_empty() {
        return Err(Refusal::new(Reason::NoLines, "the receipt has no lines"));
    }
    if event.lines.len() > MAX_LINES || order.receipts.len() == MAX_RECEIPTS {
        let detail = format!("a purchase order takes {MAX_RECEIPTS} receipts of {MAX_LINES} lines");
        return Err(Refusal::new(Reason::TooManyReceipts, detail));
    }
    let (id, at) = (event.receipt_id.clone(), context.time_ms);
    Ok(Receipt { id, at, reversed: false, lines: Vec::new() })
}

fn notice_of(order: &PurchaseOrder, id: &str) -> Result<usize, Refusal> {
    let unknown = || format!("no delivery `{id}` of purchase order `{}` was announced", order.id);
    let place = order.notices.iter().position(|notice| notice.id == id);
    place.ok_or_else(|| Refusal::new(Reason::UnknownNotice, unknown()))
}

/// What a line of a receipt says, before it is counted.
fn arrived<S: State>(
    state: &S,
    order: &PurchaseOrder,
    context: Context<'_>,
    said: &v1::ReceiptLine,
) -> Result<ReceiptLine, Refusal> {
    let (line, sku) = meant(state, order, said)?;
    let item = state.item(sku);
    let units = [said.accepted_milli, said.damaged_milli, said.refused_milli];
    for part in units {
        check::quantity("received quantity", part, 0, item)?;
    }
    check::quantity("received quantity", units.iter().sum(), 1, item)?;
    let due = line.map_or(0, |place| order.due_of(&order.lines[place]));
    Ok(ReceiptLine {
        line: line.map(|place| place as u32),
        sku,
        accepted: said.accepted_milli,
        damaged: said.damaged_milli,
        refused: said.refused_milli,
        on_time: line.is_some() && (due == 0 || context.time_ms <= due),
        announced: Vec::new(),
        units: None,
    })
}

/// The line that goods belong to: the one named, or of their SKU the first that is not received, or
/// none: nobody ordered them.
fn meant<S: State>(
    state: &S,
    order: &PurchaseOrder,
    said: &v1::ReceiptLine,
) -> Result<(Option<usize>, SkuIx), Refusal> {
    if said.line_id.is_empty() {
        let sku = check::sku(state, &said.sku)?;
        let mut of_sku = (0..order.lines.len()).filter(|&place| order.lines[place].sku == sku);
        let first = of_sku.clone().next();
        let open = of_sku.find(|&place| order.on_order(&order.lines[place]) > 0);
        return Ok((open.or(first), sku));
    }
    let place = line_of(order, &said.line_id)?;
    let sku = order.lines[place].sku;
    if !said.sku.is_empty() && check::sku(state, &said.sku)? != sku {
        let detail = format!("line `{}` is of another SKU than `{}`", said.line_id, said.sku);
        return Err(Refusal::new(Reason::UnknownLine, detail));
    }
    Ok((Some(place), sku))
}

/// Counts the units of a line. Rule P1: more than is ordered and allowed is refused (Q7: with what
/// could still come).
fn arrive(
    order: &mut PurchaseOrder,
    arrived: &mut ReceiptLine,
    notice: Option<usize>,
) -> Result<(), Refusal> {
    let Some(place) = arrived.line.map(|line| line as usize) else { return Ok(()) };
    let units = arrived.received();
    let line = &order.lines[place];
    let most = PurchaseTerms::and_share(line.ordered, order.terms.receipt_allowance);
    if i128::from(line.received) + i128::from(units) > most {
        let left = (most - i128::from(line.received)).max(0);
        let detail = format!("{units} of line `{}` arrived, {left} may still come", line.line_id);
        return Err(Refusal::new(Reason::OverReceipt, detail));
    }
    take_announced(order, arrived, notice);
    count(order, arrived, 1);
    Ok(())
}

/// Adds a line of a receipt to the figures of its order, or with -1 takes it away.
fn count(order: &mut PurchaseOrder, arrived: &ReceiptLine, sign: i64) {
    let Some(place) = arrived.line else { return };
    let line = &mut order.lines[place as usize];
    line.received += sign * arrived.received();
    line.accepted += sign * arrived.accepted;
    if arrived.on_time {
        line.on_time += sign * arrived.received();
    }
    for &(notice, units) in &arrived.announced {
        let rows = &mut order.notices[notice as usize].lines;
        for row in rows.iter_mut().filter(|row| row.line == place) {
            row.arrived += sign * units;
        }
    }
}

/// What arrives is taken off what was announced: of the delivery named, or of the earliest.
fn take_announced(order: &PurchaseOrder, arrived: &mut ReceiptLine, notice: Option<usize>) {
    let mut places: Vec<usize> = match notice {
        Some(place) => vec![place],
        None => (0..order.notices.len()).collect(),
    };
    places.sort_by_key(|&place| order.notices[place].expected_at);
    let mut left = arrived.received();
    for place in places {
        let rows = order.notices[place].lines.iter();
        let there = rows.filter(|row| Some(row.line) == arrived.line).map(|row| row.under_way());
        let units = left.min(there.sum());
        if units > 0 {
            arrived.announced.push((place as u32, units));
            left -= units;
        }
    }
}

fn book_units<S: State>(
    state: &mut S,
    context: Context<'_>,
    shelf: Shelf,
    (on_hand, quarantine): (i64, i64),
    kind: EntryKind,
    work: &mut Vec<Work>,
) {
    if on_hand != 0 || quarantine != 0 {
        let entered = on_hand + quarantine;
        let entry = Entry { on_hand, quarantine, entered, ..Entry::new(kind, "", context.time_ms) };
        book_checked(state, shelf, &entry, MovementKind::Moved, work);
    }
}

/// What somebody has to take up with the supplier.
fn discrepancy<S: State>(
    state: &S,
    order: &PurchaseOrder,
    receipt: &Receipt,
) -> Option<SupplyNotice> {
    let told = |row: &ReceiptLine| {
        let line = row.line.map(|place| &order.lines[place as usize]);
        v1::DiscrepantLine {
            line_id: line.map_or_else(String::new, |line| line.line_id.clone()),
            sku: state.item(row.sku).sku.clone(),
            over_milli: line.map_or(0, |line| (line.received - line.ordered).max(0)),
            damaged_milli: row.damaged,
            refused_milli: row.refused,
            unexpected_milli: if line.is_none() { row.accepted } else { 0 },
        }
    };
    let differs = |line: &v1::DiscrepantLine| {
        [line.over_milli, line.damaged_milli, line.refused_milli, line.unexpected_milli] != [0; 4]
    };
    let lines: Vec<_> = receipt.lines.iter().map(told).filter(differs).collect();
    (!lines.is_empty()).then(|| {
        SupplyNotice::Discrepancy(v1::ReceiptDiscrepancy {
            purchase_order_id: order.id.clone(),
            supplier_id: order.supplier.clone(),
            receipt_id: receipt.id.clone(),
            node_id: state.nodes()[order.node.0 as usize].id.clone(),
            lines,
            step: 0,
        })
    })
}

pub(super) fn reverse<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::ReceiptReversed,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let before = find(state, &event.purchase_order_id)?;
    refuse_held(&before)?;
    let mut order = before.clone();
    let place = standing_receipt(&order, &event.receipt_id)?;
    order.receipts[place].reversed = true;
    let lines = order.receipts[place].lines.clone();
    for line in &lines {
        count(&mut order, line, -1);
    }
    check_bounds(&order)?;
    let event = if order.receipts.iter().all(|receipt| receipt.reversed) {
        PurchaseOrderEvent::ReverseRest
    } else if order.is_received() {
        PurchaseOrderEvent::ReverseExcess
    } else {
        PurchaseOrderEvent::ReversePart
    };
    happen(&mut order, event)?;
    let node = order.node;
    for line in &lines {
        check_quarantine(state, Shelf { sku: line.sku, node }, line, &lines)?;
    }
    put(state, Some(&before), order)?;
    for line in &lines {
        let ((on_hand, quarantine), shelf) = (line.taken_in(), Shelf { sku: line.sku, node });
        goods::take_out(state, context, shelf, line);
        let back = (-on_hand, -quarantine);
        book_units(state, context, shelf, back, EntryKind::PurchaseReversed, work);
    }
    Ok(())
}

fn standing_receipt(order: &PurchaseOrder, id: &str) -> Result<usize, Refusal> {
    let place = order.receipts.iter().position(|receipt| receipt.id == id);
    let unknown = || format!("purchase order `{}` has no receipt `{id}`", order.id);
    let place = place.ok_or_else(|| Refusal::new(Reason::UnknownReceipt, unknown()))?;
    if !order.receipts[place].reversed {
        return Ok(place);
    }
    let detail = format!("receipt `{id}` of `{}` was reversed before", order.id);
    Err(Refusal::new(Reason::AlreadyReversed, detail))
}

/// Units that left quarantine since cannot be taken out of it again; on_hand may go below zero, as by
/// any correction.
fn check_quarantine<S: State>(
    state: &mut S,
    shelf: Shelf,
    line: &ReceiptLine,
    lines: &[ReceiptLine],
) -> Result<(), Refusal> {
    let there = state.stock_at(shelf.sku, shelf.node).map_or(0, |stock| stock.quarantine);
    let of_sku = lines.iter().filter(|other| other.sku == line.sku);
    let wanted: i64 = of_sku.map(|line| line.taken_in().1).sum();
    if wanted <= there {
        return Ok(());
    }
    let sku = &state.item(shelf.sku).sku;
    let detail = format!("{wanted} of `{sku}` were put into quarantine, {there} are there");
    Err(Refusal::new(Reason::InsufficientStock, detail))
}
