//! Units that change their bucket, or come in from outside.

use omnifold_events::v1::{self, StockBucket};

use super::booking::{Shelf, book_checked, book_entry, check_entry, was_counted};
use super::lots::Side;
use super::serials::Units;
use super::{Context, check, lots, serials};
use crate::{
    Entry, EntryKind, LotId, MovementKind, NodeIx, Reason, Refusal, SerialEvent, SerialPlace,
    State, Work,
};

/// The ways that a StockMoved may take. What was returned to a supplier is gone for good; units in
/// transit and shipped ones move by events of their own.
pub const LEGAL_MOVES: &[(StockBucket, StockBucket)] = &[
    (StockBucket::OnHand, StockBucket::Quarantine),
    (StockBucket::OnHand, StockBucket::WrittenOff),
    (StockBucket::OnHand, StockBucket::ReturnedToSupplier),
    (StockBucket::Quarantine, StockBucket::OnHand),
    (StockBucket::Quarantine, StockBucket::WrittenOff),
    (StockBucket::Quarantine, StockBucket::ReturnedToSupplier),
    (StockBucket::WrittenOff, StockBucket::OnHand),
    (StockBucket::WrittenOff, StockBucket::Quarantine),
];

pub(super) fn relocate<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::StockMoved,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let (from, to) = (event.from(), event.to());
    let node = check::node(state, &event.node_id)?;
    let sku = check::sku(state, &event.sku)?;
    check::quantity("quantity", event.quantity_milli, 1, state.item(sku))?;
    check_units(event.units.as_ref())?;
    if !LEGAL_MOVES.contains(&(from, to)) {
        let detail = format!("no way from {} to {}", from.as_str_name(), to.as_str_name());
        return Err(Refusal::new(Reason::IllegalMovement, detail));
    }
    let shelf = Shelf { sku, node };
    check_there(state, shelf, context, from, event)?;
    let lots = lots_of(state, shelf, context, (from, to), event)?;
    let serials = serials_of(state, shelf, context, (from, to), event)?;
    let mut entry = Entry::new(EntryKind::Move, event.reason().as_str_name(), context.time_ms);
    *bucket(&mut entry, from) -= event.quantity_milli;
    *bucket(&mut entry, to) += event.quantity_milli;
    check_entry(state, shelf, &entry, MovementKind::Moved)?;
    // What is named leaves first, so that the others stay when the row is booked.
    if let Some((lot, units, side)) = &lots.leaves {
        lots::take_out(state, shelf, lot, *units, *side);
    }
    serials.lift(state, context.time_ms);
    book_checked(state, shelf, &entry, MovementKind::Moved, work);
    if let Some((lot, side)) = &lots.enters {
        lots::put_in(state, shelf, lot, event.quantity_milli, *side);
    }
    serials.land(state, &place_of(to, node), SerialEvent::Moved, context.time_ms);
    Ok(())
}

/// What a move does to the lot that it names.
#[derive(Default)]
struct LotMove {
    /// Units that the books of a lot lose.
    leaves: Option<(LotId, i64, Side)>,
    /// Where all units go, if lots are kept there.
    enters: Option<(LotId, Side)>,
}

fn lots_of<S: State>(
    state: &mut S,
    shelf: Shelf,
    context: Context<'_>,
    (from, to): (StockBucket, StockBucket),
    event: &v1::StockMoved,
) -> Result<LotMove, Refusal> {
    let Some(mut lot) = lots::lot_of(state, shelf.node, event.units.as_ref())? else {
        return Ok(LotMove::default());
    };
    let units = event.quantity_milli;
    let known = match side(from) {
        Some(Side::OnHand) => {
            lot = lots::check_out(state, shelf, &lot.name, units)?;
            units
        }
        Some(Side::Quarantine) => lots::check_aside(state, shelf, &lot.name, units)?,
        None => 0,
    };
    let enters = match side(to) {
        Some(Side::OnHand) => {
            lot = lots::check_in(state, shelf, lot, context.now_ms)?;
            Some((lot.clone(), Side::OnHand))
        }
        Some(Side::Quarantine) => {
            lot = lots::check_known(state, shelf, lot)?;
            Some((lot.clone(), Side::Quarantine))
        }
        None => None,
    };
    let leaves = side(from).filter(|_| known > 0).map(|side| (lot, known, side));
    Ok(LotMove { leaves, enters })
}

fn side(bucket: StockBucket) -> Option<Side> {
    match bucket {
        StockBucket::OnHand => Some(Side::OnHand),
        StockBucket::Quarantine => Some(Side::Quarantine),
        _ => None,
    }
}

/// The serial numbers that move. Where all units of a bucket go and none is named, all of them do.
fn serials_of<S: State>(
    state: &mut S,
    shelf: Shelf,
    context: Context<'_>,
    (from, to): (StockBucket, StockBucket),
    event: &v1::StockMoved,
) -> Result<Units, Refusal> {
    let serials = event.units.as_ref().map_or(&[][..], |units| &units.serials);
    let mut units = serials::read(state, shelf.sku, serials, event.quantity_milli)?;
    units.check_at(state, &place_of(from, shelf.node), context.time_ms)?;
    if units.is_empty() && state.item(shelf.sku).serialised {
        units = whole_bucket(state, shelf, from, event.quantity_milli);
    }
    units.check_room(state, &place_of(to, shelf.node))?;
    Ok(units)
}

fn whole_bucket<S: State>(state: &mut S, shelf: Shelf, from: StockBucket, units: i64) -> Units {
    let stock = state.stock_at(shelf.sku, shelf.node).unwrap_or_default();
    let known = state.serial_shelf(shelf.sku, shelf.node).cloned().unwrap_or_default();
    let keys = match from {
        StockBucket::OnHand if stock.on_hand == units => known.on_hand,
        StockBucket::Quarantine if stock.quarantine == units => known.quarantine,
        _ => Vec::new(),
    };
    serials::of_keys(state, shelf.sku, &keys)
}

/// Where units of a bucket are.
fn place_of(bucket: StockBucket, node: NodeIx) -> SerialPlace {
    match bucket {
        StockBucket::OnHand => SerialPlace::OnHand(node),
        StockBucket::Quarantine => SerialPlace::Quarantine(node),
        StockBucket::ReturnedToSupplier => SerialPlace::ReturnedToSupplier(node),
        _ => SerialPlace::WrittenOff(node),
    }
}

/// More cannot leave a bucket than it holds. What left before the newest count did so before it.
fn check_there<S: State>(
    state: &mut S,
    shelf: Shelf,
    context: Context<'_>,
    from: StockBucket,
    event: &v1::StockMoved,
) -> Result<(), Refusal> {
    let stock = state.stock_at(shelf.sku, shelf.node).unwrap_or_default();
    let there = match from {
        StockBucket::OnHand => stock.on_hand,
        StockBucket::Quarantine => stock.quarantine,
        _ => state.ledger(shelf.sku, shelf.node).map_or(0, |ledger| ledger.written_off),
    };
    let counted = from == StockBucket::OnHand
        && was_counted(state, shelf, context.time_ms, MovementKind::Moved);
    if there >= event.quantity_milli || counted {
        return Ok(());
    }
    let (asked, sku, node) = (event.quantity_milli, &event.sku, &event.node_id);
    let name = from.as_str_name();
    let detail =
        format!("{asked} milli-units of `{sku}` asked of {name} at `{node}`: {there} there");
    Err(Refusal::new(Reason::InsufficientStock, detail))
}

fn bucket(entry: &mut Entry, bucket: StockBucket) -> &mut i64 {
    match bucket {
        StockBucket::OnHand => &mut entry.on_hand,
        StockBucket::Quarantine => &mut entry.quarantine,
        StockBucket::WrittenOff => &mut entry.written_off,
        StockBucket::ReturnedToSupplier => &mut entry.returned_to_supplier,
        StockBucket::Unspecified => unreachable!("no way leads there"),
    }
}

pub(super) fn receive<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::StockReceived,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let node = check::node(state, &event.node_id)?;
    let sku = check::sku(state, &event.sku)?;
    check::quantity("quantity", event.quantity_milli, 1, state.item(sku))?;
    check_units(event.units.as_ref())?;
    let into = match event.into() {
        StockBucket::Unspecified => StockBucket::OnHand,
        into @ (StockBucket::OnHand | StockBucket::Quarantine) => into,
        other => {
            let detail = format!("nothing is received into {}", other.as_str_name());
            return Err(Refusal::new(Reason::IllegalMovement, detail));
        }
    };
    let units = event.quantity_milli;
    let received = Entry::new(EntryKind::Receive, "", context.time_ms);
    let mut entry = Entry { entered: units, ..received };
    *bucket(&mut entry, into) += units;
    let shelf = Shelf { sku, node };
    let side = if into == StockBucket::OnHand { Side::OnHand } else { Side::Quarantine };
    let lot = match (lots::lot_of(state, node, event.units.as_ref())?, side) {
        (Some(lot), Side::OnHand) => Some(lots::check_in(state, shelf, lot, context.now_ms)?),
        (Some(lot), Side::Quarantine) => Some(lots::check_known(state, shelf, lot)?),
        (None, _) => None,
    };
    let place = place_of(into, node);
    let serials = event.units.as_ref().map_or(&[][..], |units| &units.serials);
    let serials = serials::read(state, sku, serials, units)?;
    let told = serials.check_new(state, &place, context.time_ms)?;
    book_entry(state, shelf, &entry, MovementKind::Moved, work)?;
    if let Some(lot) = lot {
        lots::put_in(state, shelf, &lot, units, side);
    }
    serials.go(state, &place, SerialEvent::Received, context.time_ms);
    serials::tell(state, shelf, event.reference.clone(), told, work);
    Ok(())
}

/// An expiry date is a date; names are names.
pub(super) fn check_units(units: Option<&v1::UnitAttributes>) -> Result<(), Refusal> {
    let Some(units) = units else { return Ok(()) };
    if !units.lot.is_empty() {
        check::name("lot", &units.lot)?;
    }
    if !units.expires_on.is_empty() && !is_date(&units.expires_on) {
        let detail = "expires_on is not a date, YYYY-MM-DD";
        return Err(Refusal::new(Reason::InvalidIdentifier, detail));
    }
    serials::check_names(&units.serials)
}

fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut part = |digits: usize, most: u32| {
        let part = parts.next().filter(|part| part.len() == digits);
        let number = part.filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        number.and_then(|part| part.parse::<u32>().ok()).is_some_and(|n| (1..=most).contains(&n))
    };
    part(4, 9_999) && part(2, 12) && part(2, 31) && text.len() == 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_told_from_what_is_none() {
        assert!(is_date("2026-05-31") && is_date("0001-12-01"));
        for text in ["", "2026-5-31", "2026-13-01", "2026-05-32", "2026-05-31-1", "+026-05-31"] {
            assert!(!is_date(text), "{text}");
        }
    }

    #[test]
    fn every_way_between_buckets_conserves_units() {
        for &(from, to) in LEGAL_MOVES {
            let mut entry = Entry::new(EntryKind::Move, "", 1);
            *bucket(&mut entry, from) -= 3;
            *bucket(&mut entry, to) += 3;
            assert!(entry.is_balanced() && entry != Entry::new(EntryKind::Move, "", 1));
        }
    }
}
