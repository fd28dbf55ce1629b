//! Events on `fulfilment` between yes and gone: picked, short, packed, handed over, moved.

use omnifold_events::v1;

use super::booking::Shelf;
use super::fulfilment::{
    Missing, check_dispatches, leave, places, refuse_collected, release_missing, tell_shipped,
};
use super::parcels::{self, Label};
use super::questions::{by_line, gone_though_asked, refuse_held};
use super::subject::{
    Move, Subject, find, find_fulfilment, line_of, moved_stock, moves, open_to, order, unpicked,
};
use super::{Context, check, kits, lots, serials};
use crate::scorecard::{self, Conduct};
use crate::timer::change_order;
use crate::transitions::FulfilmentEvent;
use crate::{
    EntryKind, Fulfilment, NodeIx, Order, OrderKey, PackedParcel, Reason, Refusal, SkuIx, State,
    Work,
};

/// Most parcels of one fulfilment.
const MAX_PARCELS: usize = 200;

pub(super) fn pick<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::FulfilmentPicked,
) -> Result<(), Refusal> {
    let subject = find(state, event.target.as_ref())?;
    open_to(order(state, &subject), &subject, FulfilmentEvent::PickPart)?;
    let moves = moves(order(state, &subject), &subject, &event.lines, unpicked)?;
    let named = lots::named(state, subject.key, &moves, &event.lots, context.time_ms)?;
    lots::retarget(state, subject.key, &named);
    change_order(state, subject.key, &mut |order| {
        for step in &moves {
            let fulfilment = &mut order.fulfilments[step.fulfilment];
            fulfilment.progress_mut().lines[step.line].picked += step.units;
            fulfilment.were_worked_on();
        }
    });
    Ok(())
}

/// Rule S8: the missing units are released, the reason's effect is booked, the node is excluded for
/// the SKU, and they are routed again before anybody else is served.
pub(super) fn short_pick<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::FulfilmentShortPicked,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    if event.reason() == v1::RejectionReason::Unspecified {
        return Err(Refusal::new(Reason::Malformed, "a short pick needs a reason"));
    }
    if event.lines.is_empty() {
        return Err(Refusal::new(Reason::NoLines, "a short pick names what is missing"));
    }
    let subject = find(state, event.target.as_ref())?;
    let moves = moves(order(state, &subject), &subject, &event.lines, unpicked)?;
    check_steps(state, subject.key, &moves)?;
    let stock = moved_stock(order(state, &subject), &moves);
    // The rest of a kit that misses a part is given back with it: it is there, and not wanted.
    let freed = kits::left_incomplete(order(state, &subject), &moves);
    let back = moved_stock(order(state, &subject), &freed);
    let short = places(&moves);
    scorecard::count_all(state, subject.key, &short, Conduct::Short, context.now_ms);
    let mut asked = Vec::new();
    change_order(state, subject.key, &mut |order| {
        for place in short.iter().copied() {
            let is_counted = order.is_counted(place);
            order.fulfilments[place].progress_mut().missed_units |= !is_counted;
        }
        for step in &moves {
            miss(order, step);
            asked.extend(gone_though_asked(order, step));
        }
        for step in &freed {
            order.reopen(step.fulfilment, step.line, step.units);
            asked.extend(gone_though_asked(order, step));
        }
        for &place in &short {
            order.fulfilments[place].were_taken_back();
        }
    });
    if !asked.is_empty() {
        // The node was asked for them: they are cancelled, not sent elsewhere.
        work.push(Work::Cancel {
            order: subject.key,
            lines: by_line(asked),
            cause: v1::Cause::Cancelled,
        });
    }
    work.push(Work::Route { order: subject.key, cause: v1::Cause::Rerouted });
    for (sku, node, units) in stock {
        let in_hand = picked_of(order(state, &subject), sku, node);
        let missing = Missing { units, in_hand, kind: EntryKind::ShortPick };
        release_missing(state, context, Shelf { sku, node }, &missing, event.reason(), work);
    }
    for (sku, node, units) in back {
        let there = Missing { units, in_hand: 0, kind: EntryKind::Release };
        let reason = v1::RejectionReason::NoVariance;
        release_missing(state, context, Shelf { sku, node }, &there, reason, work);
    }
    Ok(())
}

fn miss(order: &mut Order, step: &Move) {
    order.reopen(step.fulfilment, step.line, step.units);
    let node = order.fulfilments[step.fulfilment].node;
    let sku = order.lines[line_of(order, step).line as usize].sku;
    let not_found = &mut order.details.get_or_insert_default().not_found_at;
    if !not_found.contains(&(sku, node)) {
        not_found.push((sku, node));
    }
}

/// Units of a SKU that the order's fulfilments at a node have off the shelf.
fn picked_of(order: &Order, sku: SkuIx, node: NodeIx) -> i64 {
    let there = order.fulfilments.iter().filter(|fulfilment| fulfilment.node == node);
    there
        .flat_map(|fulfilment| (0..fulfilment.lines.len()).map(move |line| (fulfilment, line)))
        .filter(|(f, line)| order.lines[f.lines[*line].line as usize].sku == sku)
        .map(|(fulfilment, line)| fulfilment.line_progress(line).picked)
        .sum()
}

fn check_steps<S: State>(state: &mut S, key: OrderKey, moves: &[Move]) -> Result<(), Refusal> {
    let sums = moved_stock(state.order(key).expect("found before"), moves);
    for (sku, _, units) in sums {
        check::quantity("quantity", units, 1, state.item(sku))?;
    }
    Ok(())
}

/// Rule R13: a parcel holds units from stock or units promised without it, never both; and it holds
/// one unit or weighs no more than the market allows.
pub(super) fn pack<S: State>(state: &mut S, event: &v1::FulfilmentPacked) -> Result<(), Refusal> {
    check::name("parcel_id", &event.parcel_id)?;
    if event.lines.is_empty() {
        return Err(Refusal::new(Reason::NoLines, "the parcel is empty"));
    }
    let subject = find_fulfilment(state, &event.fulfilment_id)?;
    let place = open_to(order(state, &subject), &subject, FulfilmentEvent::PackRest)?[0];
    let others = without_parcel(&order(state, &subject).fulfilments[place], &event.parcel_id);
    let contents = parcel_contents(order(state, &subject), &subject, &others, event)?;
    check_weight(state, event, &contents)?;
    change_order(state, subject.key, &mut |order| {
        let mut fulfilment = others.clone();
        let parcel = PackedParcel {
            id: event.parcel_id.clone(),
            weight_g: event.weight_g,
            backordered: event.backordered,
            contents: contents.clone(),
        };
        fulfilment.progress_mut().packed.push(parcel);
        pick_what_is_packed(&mut fulfilment);
        fulfilment.were_worked_on();
        order.fulfilments[place] = fulfilment;
    });
    Ok(())
}

fn without_parcel(fulfilment: &Fulfilment, parcel_id: &str) -> Fulfilment {
    let mut others = fulfilment.clone();
    others.progress_mut().packed.retain(|parcel| parcel.id != parcel_id);
    others
}

fn parcel_contents(
    order: &Order,
    subject: &Subject,
    others: &Fulfilment,
    event: &v1::FulfilmentPacked,
) -> Result<Vec<(u32, i64)>, Refusal> {
    let progress = others.progress.as_ref().expect("made before");
    if progress.packed.len() + progress.parcels.len() >= MAX_PARCELS {
        let detail = format!("a fulfilment may have {MAX_PARCELS} parcels");
        return Err(Refusal::new(Reason::TooManyParcels, detail));
    }
    let unpacked = |fulfilment: &Fulfilment, line: usize| {
        let packed = others.packed_units(line, true) + others.packed_units(line, false);
        fulfilment.lines[line].allocated - packed
    };
    let moves = moves(order, subject, &event.lines, unpacked)?;
    let mut contents: Vec<(u32, i64)> = Vec::with_capacity(moves.len());
    for step in moves {
        let line = &others.lines[step.line];
        let kind =
            if event.backordered { line.backordered } else { line.allocated - line.backordered };
        if step.units > kind - others.packed_units(step.line, event.backordered) {
            let detail = "units from stock and units promised without it share no parcel";
            return Err(Refusal::new(Reason::MixedParcel, detail));
        }
        contents.push((step.line as u32, step.units));
    }
    Ok(contents)
}

fn check_weight<S: State>(
    state: &S,
    event: &v1::FulfilmentPacked,
    contents: &[(u32, i64)],
) -> Result<(), Refusal> {
    let limit = state.settings().expect("checked before every fold").max_parcel_g;
    let units: i64 = contents.iter().map(|(_, units)| units).sum();
    if limit == 0 || event.weight_g <= limit || units <= 1_000 {
        return Ok(());
    }
    let detail = format!("{} g in one parcel of several units, {limit} g allowed", event.weight_g);
    Err(Refusal::new(Reason::ParcelOverweight, detail))
}

fn pick_what_is_packed(fulfilment: &mut Fulfilment) {
    for line in 0..fulfilment.lines.len() {
        let packed = fulfilment.packed_units(line, true) + fulfilment.packed_units(line, false);
        let picked = &mut fulfilment.progress_mut().lines[line].picked;
        *picked = packed.max(*picked);
    }
}

/// Packed parcels leave with a carrier, each under the carrier's number.
pub(super) fn hand_over<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::FulfilmentHandedOver,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    check::name("carrier", &event.carrier)?;
    let subject = find_fulfilment(state, &event.fulfilment_id)?;
    let place = open_to(order(state, &subject), &subject, FulfilmentEvent::PackRest)?[0];
    refuse_collected(order(state, &subject), &subject)?;
    let handed = handed_parcels(order(state, &subject), place, event)?;
    let mut rows = Vec::with_capacity(handed.len());
    let mut all = Vec::new();
    for (parcel, tracking_number) in &handed {
        let moves = moves_of(place, parcel);
        let label = Label { carrier: &event.carrier, tracking_number };
        let (key, mut row) = parcels::labelled(state, subject.key, label, &moves)?;
        row.parcel_id.clone_from(&parcel.id);
        row.manifest_id.clone_from(&event.manifest_id);
        row.weight_g = row.weight_g.saturating_add(parcel.weight_g);
        rows.push((key, row));
        all.extend(moves);
    }
    refuse_held(order(state, &subject), &all)?;
    check_dispatches(state, context, subject.key, &all)?;
    lots::check_fresh(order(state, &subject), &all, &[], context.time_ms)?;
    let serials = serials::leaving(state, subject.key, &all, &event.serials, context.time_ms)?;
    serials.lift(state, context.time_ms);
    state.change_order(subject.key, &mut |order| {
        let packed = &mut order.fulfilments[place].progress_mut().packed;
        packed.retain(|parcel| handed.iter().all(|(gone, _)| gone.id != parcel.id));
    });
    leave(state, context, subject.key, &all, Fulfilment::have_left, work);
    serials.land(state, context.time_ms);
    for ((key, row), (parcel, tracking_number)) in rows.into_iter().zip(&handed) {
        let label = Label { carrier: &event.carrier, tracking_number };
        let moves = moves_of(place, parcel);
        tell_shipped(state, subject.key, &moves, label, work);
        parcels::put_handed_over(state, subject.key, key, row);
    }
    Ok(())
}

fn moves_of(fulfilment: usize, parcel: &PackedParcel) -> Vec<Move> {
    let step = |&(line, units): &(u32, i64)| Move { fulfilment, line: line as usize, units };
    parcel.contents.iter().map(step).collect()
}

/// The packed parcels that an event names, each with its number.
fn handed_parcels(
    order: &Order,
    place: usize,
    event: &v1::FulfilmentHandedOver,
) -> Result<Vec<(PackedParcel, String)>, Refusal> {
    if event.parcels.is_empty() {
        return Err(Refusal::new(Reason::NoLines, "no parcel is handed over"));
    }
    let packed = order.fulfilments[place].progress.iter().flat_map(|progress| &progress.packed);
    let packed: Vec<&PackedParcel> = packed.collect();
    let mut handed: Vec<(PackedParcel, String)> = Vec::new();
    for row in &event.parcels {
        check::name("tracking_number", &row.tracking_number)?;
        let Some(parcel) = packed.iter().find(|parcel| parcel.id == row.parcel_id) else {
            let detail = format!("no packed parcel `{}`", row.parcel_id);
            return Err(Refusal::new(Reason::UnknownParcel, detail));
        };
        let twice = |other: &(PackedParcel, String)| {
            other.0.id == row.parcel_id || other.1 == row.tracking_number
        };
        if handed.iter().any(twice) {
            let detail = format!("parcel `{}` or its number stands twice", row.parcel_id);
            return Err(Refusal::new(Reason::DuplicateLine, detail));
        }
        handed.push(((*parcel).clone(), row.tracking_number.clone()));
    }
    Ok(handed)
}

/// Rule R12: all is checked here, so that the release and the allocation that follow in this step
/// both happen.
pub(super) fn relocate<S: State>(
    state: &mut S,
    event: &v1::FulfilmentMoved,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let subject = find_fulfilment(state, &event.fulfilment_id)?;
    let place = open_to(order(state, &subject), &subject, FulfilmentEvent::PackRest)?[0];
    let to = check::node(state, &event.to_node)?;
    check_nodes(state, &subject, place, to)?;
    let moves = moves(order(state, &subject), &subject, &event.lines, unpicked)?;
    check_steps(state, subject.key, &moves)?;
    check_free_to_move(order(state, &subject), &moves)?;
    kits::check_whole(order(state, &subject), &moves)?;
    for (sku, _, units) in moved_stock(order(state, &subject), &moves) {
        if order(state, &subject).was_not_found_at(sku, to) {
            let item = &state.item(sku).sku;
            let detail = format!("`{}` could not find `{item}` for this order", event.to_node);
            return Err(Refusal::new(Reason::NodeNotPermitted, detail));
        }
        let Some(stock) = state.stock_at(sku, to) else {
            let detail = format!("`{}` does not stock `{}`", event.to_node, state.item(sku).sku);
            return Err(Refusal::new(Reason::NotStocked, detail));
        };
        let available = stock.on_hand_available();
        if available < units {
            let detail = format!(
                "{units} milli-units of `{}` asked of `{}`, {available} available",
                state.item(sku).sku,
                event.to_node
            );
            return Err(Refusal::new(Reason::InsufficientStock, detail));
        }
    }
    let lines = moves.iter().map(|step| (step.line, step.units)).collect();
    work.push(Work::Move { order: subject.key, fulfilment: place, to, lines });
    Ok(())
}

/// Units of an order on hold are promised to nobody else, and those that the node was asked to give
/// up stay until it answers.
fn check_free_to_move(order: &Order, moves: &[Move]) -> Result<(), Refusal> {
    if order.is_held() {
        let detail = format!("order `{}` is on hold", order.order_id);
        return Err(Refusal::new(Reason::OnHold, detail));
    }
    let asked = |step: &&Move| {
        let line = line_of(order, step);
        order.asked_back_of(step.fulfilment, line) > line.allocated - step.units
    };
    if moves.iter().any(|step| asked(&step)) {
        let detail = format!("the node was asked to give up units of `{}`", order.order_id);
        return Err(Refusal::new(Reason::WrongState, detail));
    }
    Ok(())
}

fn check_nodes<S: State>(
    state: &mut S,
    subject: &Subject,
    place: usize,
    to: NodeIx,
) -> Result<(), Refusal> {
    let order = order(state, subject).clone();
    let from = order.fulfilments[place].node;
    let name = |node: NodeIx| &state.nodes()[node.0 as usize].id;
    let channel = state.settings().and_then(|settings| settings.channels.get(&order.channel));
    let permitted = order.permits(channel, to);
    let (reason, detail) = if order.is_pickup() && order.fulfilments[place].send_to().is_none() {
        (Reason::PickupOrder, format!("order `{}` is collected at its node", order.order_id))
    } else if state.nodes()[from.0 as usize].is_partner() {
        (Reason::HeldByPartner, format!("partner `{}` holds the work", name(from)))
    } else if !state.nodes()[to.0 as usize].takes_work() {
        (Reason::NodeDisabled, format!("node `{}` is disabled, paused or gone", name(to)))
    } else if from == to || !permitted || order.excluded.contains(&to) {
        (
            Reason::NodeNotPermitted,
            format!("order `{}` may not go to `{}`", order.order_id, name(to)),
        )
    } else {
        return Ok(());
    };
    Err(Refusal::new(reason, detail))
}
