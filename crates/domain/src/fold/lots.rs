//! Lots that events name: put on the shelf, taken from it, expired.

use omnifold_events::v1;

use super::booking::{Shelf, book_checked};
use super::check;
use super::subject::{Move, line_of};
use crate::lots::change;
use crate::supplier::shelf_of;
use crate::{
    Entry, EntryKind, LotId, Lots, MAX_LOTS, MovementKind, NodeIx, Order, OrderKey, Reason,
    Refusal, SkuIx, State, Work, calendar,
};

/// The lot that an event names; `None`: it names none.
pub(super) fn lot_from<S: State>(
    state: &S,
    node: NodeIx,
    name: &str,
    expires_on: &str,
) -> Result<Option<LotId>, Refusal> {
    let name = if name.is_empty() { expires_on } else { name };
    if name.is_empty() {
        return Ok(None);
    }
    check::name("lot", name)?;
    let name = name.to_owned();
    if expires_on.is_empty() {
        return Ok(Some(LotId { name, ..LotId::default() }));
    }
    let invalid = || Refusal::new(Reason::InvalidDate, format!("no day `{expires_on}`"));
    let day = calendar::day_named(expires_on).ok_or_else(invalid)?;
    let opening = state.nodes()[node.0 as usize].opening.as_deref();
    let zone = opening.map_or("UTC", |opening| &opening.zone);
    let zone = calendar::zone(zone).ok_or_else(invalid)?;
    let next = day.checked_add(1).and_then(|day| calendar::start_of_day(&zone, day));
    let ends_at = next.filter(|&at| at > 0).ok_or_else(invalid)?;
    Ok(Some(LotId { name, expires_on: Some(day), ends_at }))
}

/// Whether units of a lot may be put on a shelf; returns the lot as the shelf knows it. A lot has one
/// expiry date, and what has expired is not sellable.
pub(super) fn check_in<S: State>(
    state: &mut S,
    shelf: Shelf,
    lot: LotId,
    now_ms: i64,
) -> Result<LotId, Refusal> {
    let known = state.lots(shelf.sku, shelf.node);
    let full = known.is_some_and(|lots| lots.rows.len() >= MAX_LOTS);
    let lot = match known.and_then(|lots| lots.named(&lot.name)) {
        Some(row) if lot.expires_on.is_some() && row.id != lot => {
            let detail = format!(
                "lot `{}` expires on {}, not {}",
                lot.name,
                row.id.last_day(),
                lot.last_day()
            );
            return Err(Refusal::new(Reason::LotMismatch, detail));
        }
        Some(row) => row.id.clone(),
        None if full => {
            let detail = format!("a shelf may have {MAX_LOTS} lots of an item");
            return Err(Refusal::new(Reason::TooManyLots, detail));
        }
        None => lot,
    };
    check_life(&lot, now_ms)?;
    Ok(lot)
}

fn check_life(lot: &LotId, at_ms: i64) -> Result<(), Refusal> {
    if !lot.is_expired(at_ms) {
        return Ok(());
    }
    let detail = format!("the last day of lot `{}` was {}", lot.name, lot.last_day());
    Err(Refusal::new(Reason::LotExpired, detail))
}

/// Whether a lot has so many units on a shelf.
pub(super) fn check_out<S: State>(
    state: &mut S,
    shelf: Shelf,
    name: &str,
    units: i64,
) -> Result<LotId, Refusal> {
    let Some(lot) = state.lots(shelf.sku, shelf.node).and_then(|lots| lots.named(name)) else {
        let (sku, node) = (&state.item(shelf.sku).sku, &state.nodes()[shelf.node.0 as usize].id);
        let detail = format!("`{node}` has no lot `{name}` of `{sku}`");
        return Err(Refusal::new(Reason::UnknownLot, detail));
    };
    if lot.on_hand >= units {
        return Ok(lot.id.clone());
    }
    let detail = format!("{units} milli-units of lot `{name}` are asked, {} there", lot.on_hand);
    Err(Refusal::new(Reason::InsufficientLot, detail))
}

/// Units that are on hand now are of a lot, as far as they are there: a later count may have seen
/// them leave.
pub(super) fn put_in<S: State>(state: &mut S, shelf: Shelf, lot: &LotId, units: i64) {
    let Shelf { sku, node } = shelf;
    tell_item(state, sku);
    let on_hand = state.stock_at(sku, node).map_or(0, |stock| stock.on_hand);
    change(state, sku, node, |lots| {
        let room = (on_hand - lots.on_hand()).max(0);
        lots.entry(lot).on_hand += units.min(room);
    });
}

/// Units of a lot leave their shelf; the caller has checked that they are there.
pub(super) fn take_out<S: State>(state: &mut S, shelf: Shelf, lot: &LotId, units: i64) {
    change(state, shelf.sku, shelf.node, |lots| lots.entry(lot).on_hand -= units);
}

/// Fewer units are on hand: the lots cannot be more.
pub(super) fn trim<S: State>(state: &mut S, shelf: Shelf, on_hand: i64) {
    let Shelf { sku, node } = shelf;
    if state.lots(sku, node).is_some_and(|lots| lots.on_hand() > on_hand.max(0)) {
        change(state, sku, node, |lots| lots.trim(on_hand));
    }
}

/// The flag that lets everything else pass by an item without lots.
fn tell_item<S: State>(state: &mut S, sku: SkuIx) {
    let item = state.item(sku);
    if !item.has_lots {
        let item = crate::Item { has_lots: true, ..item.clone() };
        state.put_item(sku, item);
    }
}

/// The lots that a count found, checked. More than it counted they cannot be.
pub(super) fn counted<S: State>(
    state: &mut S,
    shelf: Shelf,
    event: &v1::StockCounted,
    now_ms: i64,
) -> Result<Vec<(LotId, i64)>, Refusal> {
    let mut found: Vec<(LotId, i64)> = Vec::new();
    let mut left = event.on_hand_milli;
    if event.lots.len() > MAX_LOTS {
        let detail = format!("a shelf may have {MAX_LOTS} lots of an item");
        return Err(Refusal::new(Reason::TooManyLots, detail));
    }
    for row in &event.lots {
        check::quantity("units of a lot", row.quantity_milli, 1, state.item(shelf.sku))?;
        let lot = lot_from(state, shelf.node, &row.lot, &row.expires_on)?;
        let Some(lot) = lot.filter(|lot| found.iter().all(|(other, _)| other.name != lot.name))
        else {
            let detail = format!("lot `{}` has no name or stands twice", row.lot);
            return Err(Refusal::new(Reason::DuplicateLine, detail));
        };
        left -= row.quantity_milli;
        if left < 0 {
            let detail = format!("the lots are more than {} milli-units", event.on_hand_milli);
            return Err(Refusal::new(Reason::LotsExceedUnits, detail));
        }
        found.push((check_in(state, shelf, lot, now_ms)?, row.quantity_milli));
    }
    Ok(found)
}

/// A count of lots is the truth for all lots of its shelf.
pub(super) fn replace<S: State>(state: &mut S, shelf: Shelf, found: &[(LotId, i64)]) {
    tell_item(state, shelf.sku);
    change(state, shelf.sku, shelf.node, |lots| {
        lots.rows.iter_mut().for_each(|lot| lot.on_hand = 0);
        found.iter().for_each(|(lot, units)| lots.entry(lot).on_hand = *units);
        lots.rows.retain(|lot| lot.on_hand != 0 || lot.promised != 0);
    });
}

/// Units of moves that a node says are of a lot.
pub(super) struct Named {
    fulfilment: usize,
    line: usize,
    shelf: Shelf,
    lot: LotId,
    units: i64,
}

/// Finds the units that the named lots are of. Each lot must have them on the node's shelf and may
/// not have expired.
pub(super) fn named<S: State>(
    state: &mut S,
    key: OrderKey,
    moves: &[Move],
    lots: &[v1::LineLot],
    time_ms: i64,
) -> Result<Vec<Named>, Refusal> {
    let mut rest: Vec<Move> = moves.to_vec();
    let mut found: Vec<Named> = Vec::new();
    for row in lots {
        let mut missing = row.quantity_milli;
        for step in &mut rest {
            let order = state.order(key).expect("found before");
            let line = &order.lines[line_of(order, step).line as usize];
            let units = step.units.min(missing);
            if line.line_id != row.line_id || units <= 0 {
                continue;
            }
            let (sku, node) = (line.sku, order.fulfilments[step.fulfilment].node);
            let shelf = Shelf { sku, node };
            let same = |other: &&Named| other.shelf == shelf && other.lot.name == row.lot;
            let before: i64 = found.iter().filter(same).map(|other| other.units).sum();
            let lot = check_out(state, shelf, &row.lot, before + units)?;
            check_life(&lot, time_ms)?;
            (step.units, missing) = (step.units - units, missing - units);
            let (fulfilment, line) = (step.fulfilment, step.line);
            found.push(Named { fulfilment, line, shelf, lot, units });
        }
        if missing != 0 || row.quantity_milli <= 0 {
            let detail = format!("units of lot `{}` are not among those of the event", row.lot);
            return Err(Refusal::new(Reason::LotsExceedUnits, detail));
        }
    }
    Ok(found)
}

/// The order's units are of the lots that its node took.
pub(super) fn retarget<S: State>(state: &mut S, key: OrderKey, named: &[Named]) {
    for part in named {
        let mut more = 0;
        state.change_order(key, &mut |order| {
            more = order.take_from_lot(part.fulfilment, part.line, &part.lot, part.units);
        });
        let Shelf { sku, node } = part.shelf;
        change(state, sku, node, |lots| lots.entry(&part.lot).promised += more);
    }
}

/// Units of a lot that has expired do not leave: the node names the lot that it took, or reports
/// them short. `named` comes first, as [`retarget`] will put it.
pub(super) fn check_fresh(
    order: &Order,
    moves: &[Move],
    named: &[Named],
    time_ms: i64,
) -> Result<(), Refusal> {
    if order.lots().is_empty() {
        return Ok(());
    }
    for step in moves {
        let of_step = |part: &&Named| (part.fulfilment, part.line) == (step.fulfilment, step.line);
        let told: i64 = named.iter().filter(of_step).map(|part| part.units).sum();
        for (lot, _) in order.lots_held(step.fulfilment, step.line, step.units - told) {
            check_life(&lot, time_ms)?;
        }
    }
    Ok(())
}

/// The lot of units that come back to be sold. Named, it must be one that left; not named, it is
/// known where one lot left.
pub(super) fn of_return(
    order: &Order,
    line: usize,
    received: &v1::ReceivedLine,
) -> Result<Option<LotId>, Refusal> {
    let shipped = order.lots_shipped(line);
    if received.lot.is_empty() {
        let only = shipped.first().filter(|lot| shipped.len() == 1 && !lot.name.is_empty());
        return Ok(only.map(|&lot| lot.clone()));
    }
    let left = shipped.iter().find(|lot| lot.name == received.lot);
    let unknown = || {
        let detail = format!("line `{}` has nothing of lot `{}`", received.line_id, received.lot);
        Refusal::new(Reason::LotNotShipped, detail)
    };
    left.map(|&lot| Some(lot.clone())).ok_or_else(unknown)
}

/// What expired is there and not sellable. Promises stay, and are short where nothing else is there.
pub(crate) fn expire<S: State>(state: &mut S, subject: u128, due_ms: i64, work: &mut Vec<Work>) {
    let (sku, node) = shelf_of(subject);
    let shelf = Shelf { sku, node };
    let is_over = |lots: &Lots| -> i64 {
        let over = lots.rows.iter().filter(|lot| lot.id.is_expired(due_ms));
        over.map(|lot| lot.on_hand).sum()
    };
    let units = state.lots(sku, node).map_or(0, is_over);
    if units == 0 {
        return;
    }
    change(state, sku, node, |lots| {
        let over = lots.rows.iter_mut().filter(|lot| lot.id.is_expired(due_ms));
        over.for_each(|lot| lot.on_hand = 0);
    });
    let reason = v1::MoveReason::Expired.as_str_name();
    let entry = Entry::new(EntryKind::Move, reason, due_ms);
    let entry = Entry { on_hand: -units, quarantine: units, ..entry };
    book_checked(state, shelf, &entry, MovementKind::Moved, work);
}
