//! Lots that events name: put on the shelf, taken from it, expired.

use omnifold_events::v1;

use super::booking::{Shelf, book_checked};
use super::check;
use super::subject::{Move, line_of};
use crate::lots::change;
use crate::supplier::shelf_of;
use crate::{
    Entry, EntryKind, Lot, LotId, MAX_LOTS, MovementKind, NodeIx, Order, OrderKey, Reason, Refusal,
    SkuIx, State, Stock, SupplyNotice, Work, calendar,
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

/// The lot of a shelf that units are of which an event describes.
pub(super) fn lot_of<S: State>(
    state: &S,
    node: NodeIx,
    units: Option<&v1::UnitAttributes>,
) -> Result<Option<LotId>, Refusal> {
    let Some(units) = units else { return Ok(None) };
    lot_from(state, node, &units.lot, &units.expires_on)
}

/// Whether units of a lot may be put on a shelf; returns the lot as the shelf knows it. A lot has one
/// expiry date, and what has expired is not sellable.
pub(super) fn check_in<S: State>(
    state: &mut S,
    shelf: Shelf,
    lot: LotId,
    now_ms: i64,
) -> Result<LotId, Refusal> {
    let lot = check_known(state, shelf, lot)?;
    check_life(&lot, now_ms)?;
    Ok(lot)
}

/// As [`check_in`], for units that are not to be sold.
pub(super) fn check_known<S: State>(
    state: &mut S,
    shelf: Shelf,
    lot: LotId,
) -> Result<LotId, Refusal> {
    let known = state.lots(shelf.sku, shelf.node);
    let full = known.is_some_and(|lots| lots.is_full());
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

/// Whether quarantine can have so many units of a lot: those that it knows, and those of no lot.
/// Returns how many it knows.
pub(super) fn check_aside<S: State>(
    state: &mut S,
    shelf: Shelf,
    name: &str,
    units: i64,
) -> Result<i64, Refusal> {
    let there = state.stock_at(shelf.sku, shelf.node).map_or(0, |stock| stock.quarantine);
    let lots = state.lots(shelf.sku, shelf.node);
    let (known, all) = lots.map_or((0, 0), |lots| {
        (lots.named(name).map_or(0, |lot| lot.quarantine), lots.quarantined())
    });
    if known + (there - all) >= units {
        return Ok(known.min(units));
    }
    let detail = format!("{units} milli-units of lot `{name}` in quarantine, {known} are there");
    Err(Refusal::new(Reason::InsufficientLot, detail))
}

/// Which units of a shelf: those on hand, or those in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    OnHand,
    Quarantine,
}

impl Side {
    fn of(self, lot: &mut Lot) -> &mut i64 {
        match self {
            Side::OnHand => &mut lot.on_hand,
            Side::Quarantine => &mut lot.quarantine,
        }
    }
}

/// Units that are there now are of a lot, as far as there are any: a later count may have seen them
/// leave.
pub(super) fn put_in<S: State>(state: &mut S, shelf: Shelf, lot: &LotId, units: i64, side: Side) {
    let Shelf { sku, node } = shelf;
    tell_item(state, sku);
    let stock = state.stock_at(sku, node).unwrap_or_default();
    change(state, sku, node, |lots| {
        let room = match side {
            Side::OnHand => stock.on_hand - lots.on_hand(),
            Side::Quarantine => stock.quarantine - lots.quarantined(),
        };
        *side.of(lots.entry(lot)) += units.min(room.max(0));
    });
}

/// Units of a lot leave; the caller has checked that they are there.
pub(super) fn take_out<S: State>(state: &mut S, shelf: Shelf, lot: &LotId, units: i64, side: Side) {
    change(state, shelf.sku, shelf.node, |lots| *side.of(lots.entry(lot)) -= units);
}

/// As [`take_out`], as far as they are there.
pub(super) fn take_what_is_there<S: State>(
    state: &mut S,
    shelf: Shelf,
    lot: &LotId,
    units: i64,
    side: Side,
) {
    let lots = state.lots(shelf.sku, shelf.node);
    let mut known = lots.and_then(|lots| lots.named(&lot.name)).cloned();
    let there = known.as_mut().map_or(0, |row| *side.of(row)).min(units);
    if there > 0 {
        take_out(state, shelf, lot, there, side);
    }
}

/// Units of a lot that came from another shelf, as this one knows it: its day ends in the zone of its
/// node. `None`: no further lot can be kept, so they are of none.
pub(super) fn arriving<S: State>(state: &mut S, shelf: Shelf, lot: &LotId) -> Option<LotId> {
    let known = state.lots(shelf.sku, shelf.node);
    if let Some(row) = known.and_then(|lots| lots.named(&lot.name)) {
        return Some(row.id.clone());
    }
    let full = state.lots(shelf.sku, shelf.node).is_some_and(|lots| lots.is_full());
    let own = lot_from(state, shelf.node, &lot.name, &lot.last_day());
    own.ok().flatten().filter(|_| !full)
}

/// The lots of units that leave a shelf: those named, which must be there, and of the rest what leaves
/// first.
pub(super) fn leaving<S: State>(
    state: &mut S,
    shelf: Shelf,
    named: &[v1::LotQuantity],
    units: i64,
) -> Result<Vec<(LotId, i64)>, Refusal> {
    let Some(mut lots) = state.lots(shelf.sku, shelf.node).cloned() else {
        return named.first().map_or(Ok(Vec::new()), |row| {
            check_out(state, shelf, &row.lot, row.quantity_milli).map(|_| Vec::new())
        });
    };
    let mut on_hand = state.stock_at(shelf.sku, shelf.node).map_or(0, |stock| stock.on_hand);
    let mut found: Vec<(LotId, i64)> = Vec::new();
    let mut left = units;
    for row in named {
        check::quantity("units of a lot", row.quantity_milli, 1, state.item(shelf.sku))?;
        let before: i64 =
            found.iter().filter(|part| part.0.name == row.lot).map(|part| part.1).sum();
        let lot = check_out(state, shelf, &row.lot, before + row.quantity_milli)?;
        lots.entry(&lot).on_hand -= row.quantity_milli;
        on_hand -= row.quantity_milli;
        left -= row.quantity_milli;
        found.push((lot, row.quantity_milli));
    }
    if left < 0 {
        let detail = format!("the lots are more than {units} milli-units");
        return Err(Refusal::new(Reason::LotsExceedUnits, detail));
    }
    found.extend(lots.leaving(on_hand, left));
    Ok(found)
}

/// Fewer units are there: the lots cannot be more.
pub(super) fn trim<S: State>(state: &mut S, shelf: Shelf, stock: &Stock) {
    let Shelf { sku, node } = shelf;
    let (on_hand, quarantine) = (stock.on_hand.max(0), stock.quarantine.max(0));
    let more = |lots: &crate::Lots| lots.on_hand() > on_hand || lots.quarantined() > quarantine;
    if state.lots(sku, node).is_some_and(more) {
        change(state, sku, node, |lots| lots.trim(on_hand, quarantine));
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
        change(state, sku, node, |lots| lots.entry(&part.lot).promise(key, more));
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

/// What expired is there and not sellable. Promises stay, and are short where nothing else is there:
/// the orders that hold them are told.
pub(crate) fn expire<S: State>(state: &mut S, subject: u128, due_ms: i64, work: &mut Vec<Work>) {
    let (sku, node) = shelf_of(subject);
    let shelf = Shelf { sku, node };
    let over = |lot: &&Lot| lot.on_hand > 0 && lot.id.is_expired(due_ms);
    let found = state
        .lots(sku, node)
        .map_or(Vec::new(), |lots| lots.rows.iter().filter(over).cloned().collect::<Vec<Lot>>());
    let units: i64 = found.iter().map(|lot| lot.on_hand).sum();
    if units == 0 {
        return;
    }
    found.iter().for_each(|lot| take_out(state, shelf, &lot.id, lot.on_hand, Side::OnHand));
    let reason = v1::MoveReason::Expired.as_str_name();
    let entry = Entry::new(EntryKind::Move, reason, due_ms);
    let entry = Entry { on_hand: -units, quarantine: units, ..entry };
    book_checked(state, shelf, &entry, MovementKind::Moved, work);
    for lot in &found {
        put_in(state, shelf, &lot.id, lot.on_hand, Side::Quarantine);
        tell_holders(state, shelf, lot, work);
    }
}

/// Orders that one message of an expired lot names.
const HOLDERS_TOLD: usize = 500;

/// Who was promised units of a lot that expired, in messages of a bounded size.
fn tell_holders<S: State>(state: &mut S, shelf: Shelf, lot: &Lot, work: &mut Vec<Work>) {
    let mut promises = Vec::new();
    for &(key, _) in &lot.orders {
        let order = state.order(key).expect("it holds units of the lot");
        promises.extend(holdings(order, shelf, &lot.id.name));
    }
    for (part, promises) in promises.chunks(HOLDERS_TOLD).enumerate() {
        let told = v1::LotExpired {
            node_id: state.nodes()[shelf.node.0 as usize].id.clone(),
            sku: state.item(shelf.sku).sku.clone(),
            lot: lot.id.name.clone(),
            expires_on: lot.id.last_day(),
            quantity_milli: lot.on_hand,
            promises: promises.to_vec(),
            part: part as u32 + 1,
            ..Default::default()
        };
        work.push(Work::SupplyNotice(Box::new(SupplyNotice::LotExpired(told))));
    }
}

/// What an order holds of a lot of a shelf.
fn holdings(order: &Order, shelf: Shelf, lot: &str) -> Vec<v1::LotPromise> {
    let mut found = Vec::new();
    for share in order.lots().iter().filter(|share| share.promised > 0 && share.lot.name == lot) {
        let fulfilment = &order.fulfilments[share.fulfilment as usize];
        let line = &order.lines[fulfilment.lines[share.line as usize].line as usize];
        if (line.sku, fulfilment.node) == (shelf.sku, shelf.node) {
            found.push(v1::LotPromise {
                channel: order.channel.clone(),
                order_id: order.order_id.clone(),
                fulfilment: share.fulfilment + 1,
                line_id: line.line_id.clone(),
                quantity_milli: share.promised,
            });
        }
    }
    found
}
