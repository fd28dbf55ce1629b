//! Events about what is physically there, and what of it is offered.

use omnifold_events::v1;

use super::booking::{Shelf, book_checked, book_entry, check_entry, ledger_of, put};
use super::lots::Side;
use super::{Context, check, lots, moves, serials};
use crate::{
    Entry, EntryKind, Ledger, MAX_QUANTITY_MILLI, MAX_RECENT, MovementKind, Reason, Refusal,
    SafetyStock, SerialEvent, SerialPlace, State, Stock, Work,
};

pub(super) fn set<S: State>(
    state: &mut S,
    event: &v1::StockSettingsSet,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let shelf = shelf(state, &event.sku, &event.node_id)?;
    let item = state.item(shelf.sku);
    check::quantity("buffer", event.buffer_milli, 0, item)?;
    check::quantity("backorder limit", event.backorder_limit_milli, 0, item)?;
    check_safety(event)?;
    keep_safety(state, shelf, event);
    let old = state.stock_at(shelf.sku, shelf.node).unwrap_or_default();
    let new = Stock {
        buffer: buffer_in_force(state, shelf, old.on_hand).unwrap_or(event.buffer_milli),
        backorder_limit: event.backorder_limit_milli,
        flagged_out: event.flagged_out,
        ..old
    };
    put(state, shelf, &old, new, work);
    Ok(())
}

/// Most weeks of sales that may be kept back: ten years, so that every product of them fits.
const MAX_WEEKS_MILLI: i64 = 520_000;

fn check_safety(event: &v1::StockSettingsSet) -> Result<(), Refusal> {
    let fault = if event.buffer_percent > 100 {
        format!("buffer_percent {} is over 100", event.buffer_percent)
    } else if !(0..=MAX_WEEKS_MILLI).contains(&event.buffer_weeks_milli) {
        format!("buffer_weeks_milli {} is not in 0 to {MAX_WEEKS_MILLI}", event.buffer_weeks_milli)
    } else {
        return Ok(());
    };
    Err(Refusal::new(Reason::InvalidQuantity, fault))
}

/// Only a buffer that moves with the stock or the sales is kept in the ledger row.
fn keep_safety<S: State>(state: &mut S, shelf: Shelf, event: &v1::StockSettingsSet) {
    let moves = event.buffer_percent > 0 || event.buffer_weeks_milli > 0;
    let safety = moves.then_some(SafetyStock {
        absolute: event.buffer_milli,
        percent: event.buffer_percent,
        weeks_milli: event.buffer_weeks_milli,
    });
    let old = ledger_of(state, shelf);
    if old.safety != safety {
        state.put_ledger(shelf.sku, shelf.node, Ledger { safety, ..old });
    }
}

fn buffer_in_force<S: State>(state: &mut S, shelf: Shelf, on_hand: i64) -> Option<i64> {
    let step = state.item(shelf.sku).step_milli();
    state.ledger(shelf.sku, shelf.node)?.buffer(on_hand, step)
}

pub(super) fn set_sales_rate<S: State>(
    state: &mut S,
    event: &v1::SalesRateSet,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let shelf = shelf(state, &event.sku, &event.node_id)?;
    if !(0..=MAX_QUANTITY_MILLI).contains(&event.weekly_milli) {
        let detail = format!("weekly_milli {} is negative or too large", event.weekly_milli);
        return Err(Refusal::new(Reason::InvalidQuantity, detail));
    }
    let ledger = ledger_of(state, shelf);
    let ledger = Ledger { weekly_sales: event.weekly_milli, ..ledger };
    state.put_ledger(shelf.sku, shelf.node, ledger);
    let Some(old) = state.stock_at(shelf.sku, shelf.node) else { return Ok(()) };
    let buffer = buffer_in_force(state, shelf, old.on_hand).unwrap_or(old.buffer);
    put(state, shelf, &old, Stock { buffer, ..old }, work);
    Ok(())
}

/// A physical count at a time is the truth for that time (rule E2): what the ledger holds of later
/// movements keeps its effect.
pub(super) fn count<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::StockCounted,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let shelf = shelf(state, &event.sku, &event.node_id)?;
    check::quantity("on_hand", event.on_hand_milli, 0, state.item(shelf.sku))?;
    let as_of = if event.as_of_ms == 0 { context.time_ms } else { event.as_of_ms };
    check_as_of(as_of, context.time_ms)?;
    let stock = state.stock_at(shelf.sku, shelf.node).unwrap_or_default();
    let since = ledger_of(state, shelf).since(as_of);
    let (after, shipped_after) = since.ok_or_else(|| too_old(event, as_of))?;
    let found = lots::counted(state, shelf, event, context.now_ms)?;
    let serials = serials::read(state, shelf.sku, &event.serials, event.on_hand_milli)?;
    let looked_at = !found.is_empty() || !serials.is_empty();
    if looked_at && (after, shipped_after) != (0, 0) {
        let detail = "units moved since the instant for which lots or serial numbers were counted";
        return Err(Refusal::new(Reason::CountTooOld, detail));
    }
    let net = event.basis() == v1::CountBasis::NetOfOpenOrders;
    // Rule Q5: who counts net of open orders has taken off what is promised here and on the shelf.
    let on_shelf = if net {
        let promised = stock.allocated.checked_add(shipped_after);
        promised.and_then(|promised| event.on_hand_milli.checked_add(promised))
    } else {
        Some(event.on_hand_milli)
    };
    let expected = stock.on_hand.checked_sub(after);
    let variance = on_shelf.zip(expected).and_then(|(there, expected)| there.checked_sub(expected));
    let variance = variance.ok_or_else(|| overflow(event))?;
    let entry = Entry {
        on_hand: variance,
        entered: variance,
        ..Entry::new(EntryKind::Count, event.reason().as_str_name(), as_of)
    };
    let kind = MovementKind::Counted { net, reason: event.reason };
    book_entry(state, shelf, &entry, kind, work)?;
    if !found.is_empty() {
        lots::replace(state, shelf, &found);
    }
    if !serials.is_empty() {
        serials::counted(state, shelf, &serials, as_of, work);
    }
    Ok(())
}

fn too_old(event: &v1::StockCounted, as_of: i64) -> Refusal {
    let (sku, node) = (&event.sku, &event.node_id);
    let detail = format!(
        "the ledger of `{sku}` at `{node}` remembers {MAX_RECENT} movements, and {as_of} is before them"
    );
    Refusal::new(Reason::CountTooOld, detail)
}

/// Nobody has counted tomorrow's stock; a count that said so would hide every movement until then.
fn check_as_of(as_of: i64, time_ms: i64) -> Result<(), Refusal> {
    if (0..=time_ms).contains(&as_of) {
        return Ok(());
    }
    let detail = format!("as_of_ms {as_of} is not between 1970 and the event's own time {time_ms}");
    Err(Refusal::new(Reason::FromTheFuture, detail))
}

pub(super) fn adjust<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::StockAdjusted,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let shelf = shelf(state, &event.sku, &event.node_id)?;
    check::quantity("delta", event.delta_milli, -MAX_QUANTITY_MILLI, state.item(shelf.sku))?;
    let entry = Entry {
        on_hand: event.delta_milli,
        entered: event.delta_milli,
        ..Entry::new(EntryKind::Adjust, event.reason().as_str_name(), context.time_ms)
    };
    match &event.units {
        None => book_entry(state, shelf, &entry, MovementKind::Moved, work),
        Some(units) => adjust_units(state, context, shelf, &entry, units, work),
    }
}

/// An adjustment that says which units came or went.
fn adjust_units<S: State>(
    state: &mut S,
    context: Context<'_>,
    shelf: Shelf,
    entry: &Entry,
    named: &v1::UnitAttributes,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    moves::check_units(Some(named))?;
    let (units, time_ms, node) = (entry.on_hand.abs(), context.time_ms, shelf.node);
    let comes = entry.on_hand > 0;
    let lot = match lots::lot_of(state, node, Some(named))? {
        Some(lot) if comes => Some(lots::check_in(state, shelf, lot, context.now_ms)?),
        Some(lot) => Some(lots::check_out(state, shelf, &lot.name, units)?),
        None => None,
    };
    let here = SerialPlace::OnHand(node);
    let serials = serials::read(state, shelf.sku, &named.serials, units)?;
    let told = if comes {
        serials.check_new(state, &here, time_ms)?
    } else {
        serials.check_at(state, &here, time_ms)?;
        Vec::new()
    };
    check_entry(state, shelf, entry, MovementKind::Moved)?;
    if let Some(lot) = lot.as_ref().filter(|_| !comes) {
        lots::take_out(state, shelf, lot, units, Side::OnHand);
    }
    serials.lift(state, time_ms);
    book_checked(state, shelf, entry, MovementKind::Moved, work);
    if let Some(lot) = lot.as_ref().filter(|_| comes) {
        lots::put_in(state, shelf, lot, units, Side::OnHand);
    }
    let place = if comes { here } else { SerialPlace::Gone(node) };
    serials.land(state, &place, SerialEvent::Adjusted, time_ms);
    serials::tell(state, shelf, String::new(), told, work);
    Ok(())
}

fn shelf<S: State>(state: &S, sku: &str, node: &str) -> Result<Shelf, Refusal> {
    let node = check::node(state, node)?;
    Ok(Shelf { sku: check::sku(state, sku)?, node })
}

fn overflow(event: &impl std::fmt::Debug) -> Refusal {
    Refusal::new(Reason::Overflow, format!("the stock would not fit 64 bits: {event:?}"))
}
