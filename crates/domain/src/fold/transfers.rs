//! Stock under way between two nodes (rule S7): free units only, all or nothing, owned by neither
//! node until they are received. They stand as `in_transit` in the ledger of the source.

use omnifold_events::v1;

use super::booking::{Shelf, book_checked, was_counted};
use super::cargo::{self, Cargo, Load};
use super::{Context, check, suggestions};
use crate::{
    Entry, EntryKind, Expected, MovementKind, Reason, Refusal, SkuIx, State, Transfer, TransferKey,
    Work, inbound,
};

/// Most lines a transfer may have.
const MAX_LINES: usize = 1_000;

pub(super) fn dispatch<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::TransferDispatched,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let transfer = transfer_from(state, event)?;
    let inbound = inbound::change(state, &[], &transfer.expected())?;
    for &(sku, units) in &transfer.under_way {
        check_free(state, Shelf { sku, node: transfer.from }, units, context.time_ms)?;
    }
    let load = Load::of(state, context, &transfer, &event.lines)?;
    load.take_out(state, context, transfer.from);
    for &(sku, units) in &transfer.under_way {
        let entry = Entry {
            on_hand: -units,
            in_transit: units,
            ..Entry::new(EntryKind::TransferDispatched, "", context.time_ms)
        };
        book_checked(state, Shelf { sku, node: transfer.from }, &entry, MovementKind::Moved, work);
    }
    inbound.write(state);
    let (key, lots) = (TransferKey::of(&transfer.id), load.lots());
    let awaited = suggestions::sent(state, &transfer, work);
    state.put_transfer(key, Some(Transfer { lots, awaited, ..transfer }));
    load.go(state, context, &event.transfer_id);
    Ok(())
}

fn transfer_from<S: State>(
    state: &mut S,
    event: &v1::TransferDispatched,
) -> Result<Transfer, Refusal> {
    check::name("transfer_id", &event.transfer_id)?;
    if state.transfer(TransferKey::of(&event.transfer_id)).is_some() {
        let detail = format!("transfer `{}` is under way", event.transfer_id);
        return Err(Refusal::new(Reason::DuplicateTransfer, detail));
    }
    let from = check::node(state, &event.from_node)?;
    let to = check::node(state, &event.to_node)?;
    if from == to {
        let detail = format!("`{}` is both ends of the transfer", event.from_node);
        return Err(Refusal::new(Reason::IllegalMovement, detail));
    }
    check_count(event.lines.len())?;
    if event.lines.is_empty() {
        return Err(Refusal::new(Reason::NoLines, "the transfer has no lines"));
    }
    let mut under_way = Vec::new();
    for line in &event.lines {
        let sku = check::sku(state, &line.sku)?;
        check::quantity("quantity", line.quantity_milli, 1, state.item(sku))?;
        add(&mut under_way, sku, line.quantity_milli)?;
    }
    let (id, expected_at) = (event.transfer_id.clone(), event.expected_at_ms);
    if expected_at != 0 {
        check::instant("expected_at_ms", expected_at)?;
    }
    let (lots, serials, awaited) = (Vec::new(), Vec::new(), Vec::new());
    Ok(Transfer { id, from, to, under_way, expected_at, lots, serials, awaited })
}

fn check_count(lines: usize) -> Result<(), Refusal> {
    if lines <= MAX_LINES {
        return Ok(());
    }
    let detail = format!("the transfer has {lines} lines, {MAX_LINES} are allowed");
    Err(Refusal::new(Reason::TooManyLines, detail))
}

/// Lines of the same SKU add up.
fn add(sums: &mut Vec<(SkuIx, i64)>, sku: SkuIx, units: i64) -> Result<(), Refusal> {
    match sums.iter_mut().find(|row| row.0 == sku) {
        None => sums.push((sku, units)),
        Some(row) => {
            let overflow =
                || Refusal::new(Reason::Overflow, "the lines' sum would not fit 64 bits");
            row.1 = row.1.checked_add(units).ok_or_else(overflow)?;
        }
    }
    Ok(())
}

/// The source's promises stay: only what is not promised may go.
fn check_free<S: State>(
    state: &mut S,
    shelf: Shelf,
    units: i64,
    time_ms: i64,
) -> Result<(), Refusal> {
    let free = state.stock_at(shelf.sku, shelf.node).map_or(0, |stock| stock.free());
    if free >= units || was_counted(state, shelf, time_ms, MovementKind::Moved) {
        return Ok(());
    }
    let (sku, node) = (&state.item(shelf.sku).sku, &state.nodes()[shelf.node.0 as usize].id);
    let detail = format!("{units} milli-units of `{sku}` cannot leave `{node}`: {free} free");
    Err(Refusal::new(Reason::InsufficientStock, detail))
}

/// What one line of a receipt does.
struct Arrival {
    sku: SkuIx,
    good: i64,
    damaged: i64,
    /// Of what is under way.
    expected: i64,
    /// What the units are known by.
    cargo: Cargo,
}

pub(super) fn receive<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::TransferReceived,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let mut transfer = find(state, &event.transfer_id)?;
    let before = transfer.expected();
    let mut arrivals = arrivals(state, &transfer, event)?;
    for (place, arrival) in arrivals.iter_mut().enumerate() {
        let Arrival { sku, good, damaged, .. } = *arrival;
        let units = cargo::Arriving { sku, good, damaged, said: event.lines.get(place) };
        arrival.cargo = Cargo::arriving(state, context, &transfer, &units)?;
        // What expired on its way is not put on the shelf.
        arrival.good -= arrival.cargo.expired;
        arrival.damaged += arrival.cargo.expired;
        settle(&mut transfer, arrival);
    }
    let (was, mut lost) = (transfer.clone(), Vec::new());
    for arrival in &arrivals {
        arrive(state, context, &transfer, arrival, work);
    }
    if event.closes {
        lost = std::mem::take(&mut transfer.under_way);
        for &(sku, units) in &lost {
            let entry = Entry {
                in_transit: -units,
                written_off: units,
                ..Entry::new(EntryKind::TransferLost, "", context.time_ms)
            };
            let shelf = Shelf { sku, node: transfer.from };
            book_checked(state, shelf, &entry, MovementKind::Moved, work);
        }
    }
    let arrived = arrivals.iter().map(|row| (row.sku, row.expected));
    let ended: Vec<(SkuIx, i64)> = arrived.chain(lost.iter().copied()).collect();
    let awaited = transfer.take_awaited(&ended);
    keep(state, &before, transfer);
    for arrival in arrivals {
        let shelf = Shelf { sku: arrival.sku, node: was.to };
        arrival.cargo.put_in(state, context, shelf, &was.id, work);
    }
    cargo::settle(state, context, &was, &lost);
    suggestions::ended(state, (was.from, was.to), &awaited, work);
    Ok(())
}

fn find<S: State>(state: &mut S, id: &str) -> Result<Transfer, Refusal> {
    let found = state.transfer(TransferKey::of(id)).cloned();
    let unknown = || format!("no transfer `{id}` is under way");
    found.ok_or_else(|| Refusal::new(Reason::UnknownTransfer, unknown()))
}

fn arrivals<S: State>(
    state: &S,
    transfer: &Transfer,
    event: &v1::TransferReceived,
) -> Result<Vec<Arrival>, Refusal> {
    check_count(event.lines.len())?;
    if event.lines.is_empty() {
        let all = transfer.under_way.iter();
        let whole = |&(sku, units): &(SkuIx, i64)| Arrival {
            sku,
            good: units,
            damaged: 0,
            expected: units,
            cargo: Cargo::default(),
        };
        return Ok(all.map(whole).collect());
    }
    let mut found: Vec<Arrival> = Vec::new();
    for line in &event.lines {
        let arrival = arrival(state, transfer, line)?;
        if found.iter().any(|other| other.sku == arrival.sku) {
            let detail = format!("`{}` is named twice", line.sku);
            return Err(Refusal::new(Reason::DuplicateLine, detail));
        }
        found.push(arrival);
    }
    Ok(found)
}

fn arrival<S: State>(
    state: &S,
    transfer: &Transfer,
    line: &v1::TransferReceipt,
) -> Result<Arrival, Refusal> {
    let sku = check::sku(state, &line.sku)?;
    let (good, damaged) = (line.quantity_milli, line.damaged_milli);
    check::quantity("quantity", good, 0, state.item(sku))?;
    check::quantity("damaged quantity", damaged, 0, state.item(sku))?;
    let under_way = transfer.under_way.iter().find(|row| row.0 == sku).map_or(0, |row| row.1);
    let expected = under_way.min(good + damaged);
    Ok(Arrival { sku, good, damaged, expected, cargo: Cargo::default() })
}

/// What was expected ends at the source; all that came enters at the other node.
fn arrive<S: State>(
    state: &mut S,
    context: Context<'_>,
    transfer: &Transfer,
    arrival: &Arrival,
    work: &mut Vec<Work>,
) {
    let &Arrival { sku, good, damaged, expected, .. } = arrival;
    if expected > 0 {
        let entry = Entry {
            in_transit: -expected,
            entered: -expected,
            ..Entry::new(EntryKind::TransferArrived, "", context.time_ms)
        };
        let shelf = Shelf { sku, node: transfer.from };
        book_checked(state, shelf, &entry, MovementKind::Moved, work);
    }
    if good + damaged > 0 {
        let entry = Entry {
            on_hand: good,
            quarantine: damaged,
            entered: good + damaged,
            ..Entry::new(EntryKind::TransferReceived, "", context.time_ms)
        };
        let shelf = Shelf { sku, node: transfer.to };
        book_checked(state, shelf, &entry, MovementKind::Moved, work);
    }
}

fn settle(transfer: &mut Transfer, arrival: &Arrival) {
    if let Some(row) = transfer.under_way.iter_mut().find(|row| row.0 == arrival.sku) {
        row.1 -= arrival.expected;
    }
    transfer.under_way.retain(|row| row.1 > 0);
    arrival.cargo.settle(transfer);
}

fn keep<S: State>(state: &mut S, before: &[Expected], transfer: Transfer) {
    let fewer = inbound::change(state, before, &transfer.expected());
    fewer.expect("no source is added").write(state);
    let key = TransferKey::of(&transfer.id);
    let open = !transfer.under_way.is_empty();
    state.put_transfer(key, open.then_some(transfer));
}

pub(super) fn cancel<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::TransferCancelled,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let mut transfer = find(state, &event.transfer_id)?;
    let (before, from) = (transfer.expected(), transfer.from);
    let (to, under_way) = (transfer.to, transfer.under_way.clone());
    let (mut back, awaited) = (Vec::new(), transfer.take_awaited(&under_way));
    for (sku, units) in std::mem::take(&mut transfer.under_way) {
        let shelf = Shelf { sku, node: from };
        let cargo = Cargo::recalled(state, context, &transfer, shelf);
        let entry = Entry {
            on_hand: units - cargo.expired,
            quarantine: cargo.expired,
            in_transit: -units,
            ..Entry::new(EntryKind::TransferCancelled, "", context.time_ms)
        };
        book_checked(state, shelf, &entry, MovementKind::Moved, work);
        back.push((shelf, cargo));
    }
    keep(state, &before, transfer);
    for (shelf, cargo) in back {
        cargo.put_in(state, context, shelf, &event.transfer_id, work);
    }
    suggestions::ended(state, (from, to), &awaited, work);
    Ok(())
}
