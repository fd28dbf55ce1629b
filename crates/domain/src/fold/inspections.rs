//! What becomes of units of a return that were received to be inspected (rule S3).

use omnifold_events::v1;

use super::booking::{Shelf, book_checked};
use super::lots::Side;
use super::returns::{
    Known, announced_place, check_disposition, check_distinct, entry_into, known_return, lot_of,
    place_of, side_of,
};
use super::serials::Units;
use super::{Context, check, kits, lots, serials};
use crate::{
    Entry, EntryKind, MovementKind, NodeIx, Reason, Refusal, Return, SerialEvent, SerialPlace,
    SkuIx, State, Work,
};

/// What was received to be inspected leaves quarantine or stays there for good.
pub(super) fn inspect<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::ReturnInspected,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let (key, mut row, order) =
        known_return(state, &event.channel, &event.order_id, &event.return_id)?;
    let node = check::node(state, &event.node_id)?;
    if event.lines.is_empty() {
        return Err(Refusal::new(Reason::NoLines, "nothing was inspected"));
    }
    let mut inspected = Vec::with_capacity(event.lines.len());
    let mut found = Vec::with_capacity(event.lines.len());
    for line in &*kits::with_parts(&order, &event.lines)? {
        let place = announced_place(&row, &order, &line.line_id)?;
        let sku = order.lines[row.lines[place].line as usize].sku;
        check::quantity("inspected quantity", line.quantity_milli, 1, state.item(sku))?;
        let disposition = line.disposition();
        check_disposition(disposition)?;
        if disposition == v1::Disposition::Inspect {
            return Err(Refusal::new(
                Reason::Malformed,
                "an inspection says what becomes of units",
            ));
        }
        let serials = inspected_serials(state, context, &row, (node, place), sku, line)?;
        take_inspected(&mut row, node, place, line)?;
        row.serials_to_inspect.retain(|waiting| !serials.keys().contains(&waiting.2));
        let at = row.lines[place].line as usize;
        let lot = lot_of(state, context, node, &order, at, line)?;
        found.push(Known { lot: lot.or(lots::of_return(&order, at, line)?), serials });
        inspected.push((sku, line.quantity_milli, disposition));
    }
    check_distinct(found.iter().map(|known| &known.serials))?;
    check_quarantine(state, node, &inspected)?;
    for ((sku, units, disposition), known) in inspected.into_iter().zip(found) {
        if !leaves_quarantine(disposition) {
            continue;
        }
        let shelf = Shelf { sku, node };
        if let Some(lot) = &known.lot {
            lots::take_what_is_there(state, shelf, lot, units, Side::Quarantine);
        }
        known.serials.lift(state, context.time_ms);
        let entry = entry_into(EntryKind::Inspect, context, units, disposition);
        let entry = Entry { quarantine: -units, entered: 0, ..entry };
        book_checked(state, shelf, &entry, MovementKind::Moved, work);
        if let Some((lot, side)) = known.lot.as_ref().zip(side_of(disposition)) {
            lots::put_in(state, shelf, lot, units, side);
        }
        let place = place_of(disposition, node);
        known.serials.land(state, &place, SerialEvent::Inspected, context.time_ms);
    }
    state.put_return(key, row);
    Ok(())
}

/// The serial numbers of units that were inspected: those named, and where all that waits of a line is
/// meant and none is named, all of it.
fn inspected_serials<S: State>(
    state: &mut S,
    context: Context<'_>,
    row: &Return,
    (node, place): (NodeIx, usize),
    sku: SkuIx,
    line: &v1::ReceivedLine,
) -> Result<Units, Refusal> {
    let aside = SerialPlace::Quarantine(node);
    let named = serials::read(state, sku, &line.serials, line.quantity_milli)?;
    named.check_at(state, &aside, context.time_ms)?;
    named.check_room(state, &place_of(line.disposition(), node))?;
    let is_it = |at: &NodeIx, of: &u32| (*at, *of as usize) == (node, place);
    let waits = row.to_inspect.iter().filter(|(at, of, _)| is_it(at, of));
    if !named.is_empty() || waits.map(|waits| waits.2).sum::<i64>() != line.quantity_milli {
        return Ok(named);
    }
    let waiting = row.serials_to_inspect.iter().filter(|(at, of, _)| is_it(at, of));
    let mut keys: Vec<_> = waiting.map(|waits| waits.2).collect();
    keys.retain(|&key| state.serial(key).is_some_and(|row| row.newest().place == aside));
    Ok(serials::of_keys(state, sku, &keys))
}

fn take_inspected(
    row: &mut Return,
    node: NodeIx,
    place: usize,
    line: &v1::ReceivedLine,
) -> Result<(), Refusal> {
    let mut missing = line.quantity_milli;
    for (at, row_line, units) in &mut row.to_inspect {
        if (*at, *row_line as usize) == (node, place) {
            let taken = missing.min(*units);
            *units -= taken;
            missing -= taken;
        }
    }
    row.to_inspect.retain(|&(_, _, units)| units > 0);
    if missing == 0 {
        return Ok(());
    }
    let detail = format!("{missing} milli-units of line `{}` wait for no inspection", line.line_id);
    Err(Refusal::new(Reason::StandsElsewhere, detail))
}

fn leaves_quarantine(disposition: v1::Disposition) -> bool {
    matches!(disposition, v1::Disposition::Restock | v1::Disposition::Destroy)
}

/// What waits for inspection stands in quarantine, unless a StockMoved took it out since.
fn check_quarantine<S: State>(
    state: &mut S,
    node: NodeIx,
    inspected: &[(SkuIx, i64, v1::Disposition)],
) -> Result<(), Refusal> {
    let leaving = |sku: SkuIx| -> i64 {
        let rows = inspected.iter().filter(|row| row.0 == sku && leaves_quarantine(row.2));
        rows.map(|row| row.1).sum()
    };
    for &(sku, ..) in inspected {
        let there = state.stock_at(sku, node).map_or(0, |stock| stock.quarantine);
        let asked = leaving(sku);
        if asked > there {
            let (item, node) = (&state.item(sku).sku, &state.nodes()[node.0 as usize].id);
            let detail = format!(
                "{asked} milli-units of `{item}` leave quarantine at `{node}`: {there} there"
            );
            return Err(Refusal::new(Reason::InsufficientStock, detail));
        }
    }
    Ok(())
}
