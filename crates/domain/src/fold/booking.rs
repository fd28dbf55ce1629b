//! Booking one entry of the ledger: the stock row, the ledger row, and whom the change concerns.

use omnifold_events::v1;

use super::{lots, serve_if_waited};
use crate::ledger::book;
use crate::serials;
use crate::{
    Entry, Ledger, MovementKind, NodeIx, Reason, Refusal, SkuIx, State, Stock, Variance, Work,
};

/// A stock row's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shelf {
    pub sku: SkuIx,
    pub node: NodeIx,
}

/// Books an entry, or refuses it before the first write.
pub(super) fn book_entry<S: State>(
    state: &mut S,
    shelf: Shelf,
    entry: &Entry,
    kind: MovementKind,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    assert!(entry.is_balanced(), "L1: an entry of the ledger loses units: {entry:?}");
    let Shelf { sku, node } = shelf;
    let known = state.stock_at(sku, node);
    let old = known.unwrap_or_default();
    let step = state.item(sku).step_milli();
    let booked = book(&old, state.ledger(sku, node), entry, kind, step);
    let mut booked = booked.ok_or_else(|| overflow(entry))?;
    if let MovementKind::Counted { reason, .. } = kind {
        booked.stock.counted_as_of = old.counted_as_of.max(entry.time_ms);
        // There is nothing to compare the first count of a row with.
        let told = !is_feed(reason) && entry.on_hand != 0;
        if told && known.is_some_and(|row| row.entered != 0) {
            let (as_of_ms, units) = (entry.time_ms, entry.on_hand);
            let variance = Variance { as_of_ms, units, corrected_from: None, reason };
            work.push(Work::Report { sku, node, variance });
        }
    }
    if let Some(variance) = booked.variance.filter(|variance| !is_feed(variance.reason)) {
        work.push(Work::Report { sku, node, variance });
    }
    if let Some(ledger) = booked.ledger {
        state.put_ledger(sku, node, ledger);
    }
    state.note(sku, node, entry);
    if let Some(correction) = &booked.correction {
        state.note(sku, node, correction);
    }
    put(state, shelf, &old, booked.stock, work);
    if booked.stock.on_hand < old.on_hand || booked.stock.quarantine < old.quarantine {
        follow(state, shelf, &booked.stock, entry.time_ms);
    }
    Ok(())
}

/// Whether an entry could be booked: for events that write to other rows before it.
pub(super) fn check_entry<S: State>(
    state: &mut S,
    shelf: Shelf,
    entry: &Entry,
    kind: MovementKind,
) -> Result<(), Refusal> {
    let Shelf { sku, node } = shelf;
    let stock = state.stock_at(sku, node).unwrap_or_default();
    let step = state.item(sku).step_milli();
    let booked = book(&stock, state.ledger(sku, node), entry, kind, step);
    booked.map(drop).ok_or_else(|| overflow(entry))
}

/// Fewer units are there: the books of lots and serial numbers beside the row cannot say more.
fn follow<S: State>(state: &mut S, shelf: Shelf, stock: &Stock, time_ms: i64) {
    let Shelf { sku, node } = shelf;
    if state.item(sku).has_lots {
        lots::trim(state, shelf, stock);
    }
    if state.item(sku).serialised {
        serials::trim(state, sku, node, time_ms);
    }
}

/// As [`book_entry`], for events that check everything and then write to several rows.
pub(super) fn book_checked<S: State>(
    state: &mut S,
    shelf: Shelf,
    entry: &Entry,
    kind: MovementKind,
    work: &mut Vec<Work>,
) {
    book_entry(state, shelf, entry, kind, work).unwrap_or_else(|refusal| panic!("{refusal}"));
}

/// Writes a stock row, and serves who waits where more can be promised now.
pub(super) fn put<S: State>(
    state: &mut S,
    shelf: Shelf,
    old: &Stock,
    new: Stock,
    work: &mut Vec<Work>,
) {
    state.put_stock(shelf.sku, shelf.node, new);
    let promisable = |stock: &Stock| stock.on_hand_available() + stock.backorder_available();
    if promisable(&new) > promisable(old) {
        serve_if_waited(state, shelf.sku, work);
    }
}

/// Whether a count saw already what happened at this time (rule E2): the units are not taken from,
/// or put to, what was counted after it.
pub(super) fn was_counted<S: State>(
    state: &mut S,
    shelf: Shelf,
    time_ms: i64,
    kind: MovementKind,
) -> bool {
    let Some(stock) = state.stock_at(shelf.sku, shelf.node) else { return false };
    ledger_of(state, shelf).was_counted(&stock, time_ms, kind)
}

/// The ledger of a row, also where it has no row of its own yet.
pub(super) fn ledger_of<S: State>(state: &mut S, shelf: Shelf) -> Ledger {
    if let Some(ledger) = state.ledger(shelf.sku, shelf.node) {
        return ledger.clone();
    }
    Ledger::opened_by(&state.stock_at(shelf.sku, shelf.node).unwrap_or_default())
}

/// A supplier's figures differ from ours whenever it sells to others.
fn is_feed(reason: i32) -> bool {
    reason == i32::from(v1::CountReason::SupplierFeed)
}

fn overflow(entry: &Entry) -> Refusal {
    Refusal::new(Reason::Overflow, format!("the stock would not fit 64 bits: {entry:?}"))
}
