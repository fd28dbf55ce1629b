//! Returns: asked for, come in, inspected, given up (rule S3).

use omnifold_events::v1;

use super::booking::{Shelf, book_checked, book_entry};
use super::lots::Side;
use super::serials::Units;
use super::{Context, check, kits, lots, moves, serials};
use crate::serials as books;
use crate::work::{Repay, RepayLine};
use crate::{
    Entry, EntryKind, LotId, MovementKind, NodeIx, Order, OrderKey, Reason, Refusal, Return,
    ReturnKey, ReturnLine, ReturnState, SerialEvent, SerialPlace, State, Work,
};

/// Most returns of one order, refused ones included.
const MAX_RETURNS: usize = 100;

/// Whether the policy takes it is decided in the same step: ReturnAuthorised or ReturnRefused.
pub(super) fn request<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::ReturnRequested,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    check::channel(&event.return_id)?;
    let from = check::location(event.from.as_ref())?;
    let order_key = OrderKey::of(&event.channel, &event.order_id);
    let order = order_named(state, &event.channel, &event.order_id)?;
    let key = ReturnKey::of(order_key, &event.return_id);
    if state.return_of(key).is_some() {
        let detail = format!("return `{}` was asked for before", event.return_id);
        return Err(Refusal::new(Reason::DuplicateReturn, detail));
    }
    let earlier = order.details.as_ref().map_or(0, |details| details.returns.len());
    if earlier >= MAX_RETURNS {
        let detail = format!("an order may have {MAX_RETURNS} returns");
        return Err(Refusal::new(Reason::TooManyReturns, detail));
    }
    let lines = requested_lines(state, &order, &kits::of_customer(&order, &event.lines)?)?;
    let replacement = replacement_name(state, event)?;
    let row = Return {
        order: order_key,
        return_id: event.return_id.clone(),
        state: ReturnState::Requested,
        requested_at: context.time_ms,
        from: from.or(order.destination),
        node: None,
        replacement,
        fee_taken: false,
        requested_step: context.step,
        expires_at: 0,
        lines,
        to_inspect: Vec::new(),
        serials_to_inspect: Vec::new(),
    };
    state.change_order(order_key, &mut |order| {
        order.details.get_or_insert_default().returns.push(key);
    });
    state.put_return(key, row);
    work.push(Work::Authorise(key));
    Ok(())
}

fn order_named<S: State>(state: &mut S, channel: &str, order_id: &str) -> Result<Order, Refusal> {
    state.order(OrderKey::of(channel, order_id)).cloned().ok_or_else(|| {
        Refusal::new(Reason::UnknownOrder, format!("no order `{channel}/{order_id}`"))
    })
}

fn requested_lines<S: State>(
    state: &S,
    order: &Order,
    lines: &[v1::ReturnLine],
) -> Result<Vec<ReturnLine>, Refusal> {
    if lines.is_empty() {
        return Err(Refusal::new(Reason::NoLines, "the return has no lines"));
    }
    let mut rows: Vec<ReturnLine> = Vec::with_capacity(lines.len());
    for wanted in lines {
        let place = line_named(order, &wanted.line_id)?;
        let item = state.item(order.lines[place].sku);
        check::quantity("returned quantity", wanted.quantity_milli, 1, item)?;
        if wanted.response() == v1::ReturnResponse::Unspecified {
            let detail = format!("line `{}` needs REFUND, CREDIT or REPLACE", wanted.line_id);
            return Err(Refusal::new(Reason::Malformed, detail));
        }
        if rows.iter().any(|row| row.line as usize == place) {
            let detail = format!("line `{}` is named twice", wanted.line_id);
            return Err(Refusal::new(Reason::DuplicateLine, detail));
        }
        rows.push(ReturnLine {
            line: place as u32,
            units: wanted.quantity_milli,
            received: 0,
            response: wanted.response,
            condition: wanted.condition,
        });
    }
    Ok(rows)
}

fn line_named(order: &Order, line_id: &str) -> Result<usize, Refusal> {
    order.line_named(line_id).ok_or_else(|| {
        let detail = format!("order `{}` has no line `{line_id}`", order.order_id);
        Refusal::new(Reason::UnknownLine, detail)
    })
}

/// The id of the order that will replace what comes back; it must be free.
fn replacement_name<S: State>(
    state: &mut S,
    event: &v1::ReturnRequested,
) -> Result<Option<String>, Refusal> {
    if event.lines.iter().all(|line| line.response() != v1::ReturnResponse::Replace) {
        return Ok(None);
    }
    let order_id = format!("{}/{}", event.order_id, event.return_id);
    check::name("order_id of the replacement", &order_id)?;
    if state.order(OrderKey::of(&event.channel, &order_id)).is_some() {
        let detail = format!("order `{order_id}` stands; name the return otherwise");
        return Err(Refusal::new(Reason::DuplicateOrder, detail));
    }
    Ok(Some(order_id))
}

/// A return that units may still come in for.
fn open_return<S: State>(
    state: &mut S,
    channel: &str,
    order_id: &str,
    return_id: &str,
) -> Result<(ReturnKey, Return, Order), Refusal> {
    let (key, row, order) = known_return(state, channel, order_id, return_id)?;
    let reason = match row.state {
        open if open.is_open() => return Ok((key, row, order)),
        ReturnState::Received => Reason::AlreadyReturned,
        _ => Reason::WrongState,
    };
    let detail = format!("return `{return_id}` of `{order_id}` is {:?}", row.state);
    Err(Refusal::new(reason, detail))
}

pub(super) fn known_return<S: State>(
    state: &mut S,
    channel: &str,
    order_id: &str,
    return_id: &str,
) -> Result<(ReturnKey, Return, Order), Refusal> {
    let order = order_named(state, channel, order_id)?;
    let key = ReturnKey::of(order.key(), return_id);
    let row = state.return_of(key).cloned().ok_or_else(|| {
        let detail = format!("no return `{return_id}` of `{channel}/{order_id}`");
        Refusal::new(Reason::UnknownReturn, detail)
    })?;
    Ok((key, row, order))
}

/// The goods never came: their units are the customer's again, and the replacement is cancelled as
/// far as it has not left.
pub(super) fn expire<S: State>(
    state: &mut S,
    event: &v1::ReturnExpired,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let (key, row, _) = open_return(state, &event.channel, &event.order_id, &event.return_id)?;
    if let Some((order, lines)) = give_up(state, key, row) {
        work.push(Work::Cancel { order, lines, cause: v1::Cause::Cancelled });
    }
    Ok(())
}

/// The wait for a return is over.
pub(crate) fn end_wait<S: State>(state: &mut S, key: ReturnKey, due_ms: i64, work: &mut Vec<Work>) {
    let open = |row: &&Return| row.state.is_open() && (1..=due_ms).contains(&row.expires_at);
    if let Some(row) = state.return_of(key).filter(open).cloned()
        && let Some((order, lines)) = give_up(state, key, row)
    {
        work.push(Work::Cancel { order, lines, cause: v1::Cause::TimedOut });
    }
}

/// Returns what is left of the order that replaces the goods: (place of the line, units).
fn give_up<S: State>(
    state: &mut S,
    key: ReturnKey,
    mut row: Return,
) -> Option<(OrderKey, Vec<(usize, i64)>)> {
    forget_end(state, &row);
    row.state = ReturnState::Expired;
    let order = state.order(row.order).expect("a return has its order");
    let replacement = row.replacement.as_ref().map(|id| OrderKey::of(&order.channel, id));
    state.change_order(row.order, &mut |order| {
        for line in &row.lines {
            let details = order.line_details_mut(line.line as usize);
            details.announced -= line.units - line.received;
        }
    });
    state.put_return(key, row);
    let replacement = replacement?;
    let left = state.order(replacement)?.lines.iter().map(|line| line.open + line.allocated);
    let lines: Vec<(usize, i64)> = left.enumerate().filter(|&(_, units)| units > 0).collect();
    (!lines.is_empty()).then_some((replacement, lines))
}

fn forget_end<S: State>(state: &mut S, row: &Return) {
    if let Some(timer) = row.timer() {
        state.remove_timer(timer);
    }
}

/// Units of one line that came in, and where they had left from.
struct Arrival {
    /// Place in the return's lines.
    row: usize,
    units: i64,
    disposition: v1::Disposition,
    /// What they are known by.
    known: Known,
}

/// What units that came back are known by.
pub(super) struct Known {
    pub lot: Option<LotId>,
    pub serials: Units,
}

pub(super) fn receive<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::ReturnReceived,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let (key, mut row, order) =
        open_return(state, &event.channel, &event.order_id, &event.return_id)?;
    let node = check::node(state, &event.node_id)?;
    let lines = kits::of_customer(&order, &event.lines)?;
    let mut arrivals = arrivals(state, &row, &order, &lines)?;
    for (arrival, received) in arrivals.iter_mut().zip(&*lines) {
        let line = row.lines[arrival.row].line as usize;
        arrival.known.lot = lot_of(state, context, node, &order, line, received)?;
        arrival.known.serials = serials_of(state, node, &order, line, received)?;
    }
    check_distinct(arrivals.iter().map(|arrival| &arrival.known.serials))?;
    for arrival in &arrivals {
        take_in(state, context, &mut row, node, arrival, work);
    }
    for arrival in &arrivals {
        take_serials(state, context, &mut row, node, (arrival, &order), work);
    }
    books::settle_order(state, row.order, context.time_ms);
    state.change_order(row.order, &mut |order| {
        let details = order.details.get_or_insert_default();
        details.arrived_at = details.arrived_at.max(context.time_ms);
    });
    let complete = row.lines.iter().all(|line| line.received == line.units);
    if complete {
        forget_end(state, &row);
    }
    row.state = if complete { ReturnState::Received } else { ReturnState::PartlyReceived };
    let lines = due(&row, &arrivals);
    state.put_return(key, row);
    if !lines.is_empty() {
        let (order, cause) = (order.key(), v1::Cause::Returned);
        work.push(Work::Repay(Repay { order, returned: Some(key), lines, cause }));
    }
    Ok(())
}

/// One shipped unit comes back once (rule S3).
fn arrivals<S: State>(
    state: &S,
    row: &Return,
    order: &Order,
    lines: &[v1::ReceivedLine],
) -> Result<Vec<Arrival>, Refusal> {
    if lines.is_empty() {
        return Err(Refusal::new(Reason::NoLines, "nothing came in"));
    }
    let mut left: Vec<i64> = row.lines.iter().map(|line| line.units - line.received).collect();
    let mut found = Vec::with_capacity(lines.len());
    for received in lines {
        let place = announced_place(row, order, &received.line_id)?;
        let item = state.item(order.lines[row.lines[place].line as usize].sku);
        check::quantity("received quantity", received.quantity_milli, 1, item)?;
        check_disposition(received.disposition())?;
        if received.quantity_milli > left[place] {
            let detail = format!(
                "{} milli-units of line `{}` came in, {} are expected",
                received.quantity_milli, received.line_id, left[place]
            );
            return Err(Refusal::new(Reason::AlreadyReturned, detail));
        }
        left[place] -= received.quantity_milli;
        let line = &order.lines[row.lines[place].line as usize];
        let arriving = row.lines[place].units - row.lines[place].received - left[place];
        if arriving > line.shipped - line.undelivered - line.returned {
            let detail = format!("units of line `{}` were given up on their way", line.line_id);
            return Err(Refusal::new(Reason::StandsElsewhere, detail));
        }
        let (units, disposition) = (received.quantity_milli, received.disposition());
        let known = Known { lot: None, serials: Units { sku: line.sku, named: Vec::new() } };
        found.push(Arrival { row: place, units, disposition, known });
    }
    Ok(found)
}

pub(super) fn announced_place(
    row: &Return,
    order: &Order,
    line_id: &str,
) -> Result<usize, Refusal> {
    let line = line_named(order, line_id)?;
    row.lines.iter().position(|known| known.line as usize == line).ok_or_else(|| {
        let detail = format!("line `{line_id}` is not in return `{}`", row.return_id);
        Refusal::new(Reason::UnknownLine, detail)
    })
}

pub(super) fn check_disposition(disposition: v1::Disposition) -> Result<(), Refusal> {
    if disposition == v1::Disposition::Unspecified {
        return Err(Refusal::new(Reason::Malformed, "what came in needs a disposition"));
    }
    Ok(())
}

fn take_in<S: State>(
    state: &mut S,
    context: Context<'_>,
    row: &mut Return,
    node: NodeIx,
    arrival: &Arrival,
    work: &mut Vec<Work>,
) {
    let line = row.lines[arrival.row].line as usize;
    row.lines[arrival.row].received += arrival.units;
    let order = state.order(row.order).expect("a return has its order");
    let sku = order.lines[line].sku;
    let origins = origins(order, line, arrival.units);
    state.change_order(row.order, &mut |order| {
        order.lines[line].returned += arrival.units;
        order.line_details_mut(line).announced -= arrival.units;
        for &(fulfilment, place, units) in &origins {
            come_back(order, fulfilment, place, units);
        }
    });
    for (fulfilment, _, units) in origins {
        let order = state.order(row.order).expect("a return has its order");
        let origin = order.fulfilments[fulfilment].node;
        let came = entry_into(EntryKind::Return, context, units, arrival.disposition);
        for (node, entry) in between(origin, node, came, units) {
            book_checked(state, Shelf { sku, node }, &entry, MovementKind::Moved, work);
        }
    }
    if let Some((lot, side)) = arrival.known.lot.as_ref().zip(side_of(arrival.disposition)) {
        lots::put_in(state, Shelf { sku, node }, lot, arrival.units, side);
    }
    if arrival.disposition == v1::Disposition::Inspect {
        row.to_inspect.push((node, arrival.row as u32, arrival.units));
    }
}

/// Which side of a shelf units go to; `None`: they are destroyed.
pub(super) fn side_of(disposition: v1::Disposition) -> Option<Side> {
    match disposition {
        v1::Disposition::Restock => Some(Side::OnHand),
        v1::Disposition::Destroy | v1::Disposition::Unspecified => None,
        _ => Some(Side::Quarantine),
    }
}

/// Where units that came back are.
pub(super) fn place_of(disposition: v1::Disposition, node: NodeIx) -> SerialPlace {
    match side_of(disposition) {
        Some(Side::OnHand) => SerialPlace::OnHand(node),
        Some(Side::Quarantine) => SerialPlace::Quarantine(node),
        None => SerialPlace::WrittenOff(node),
    }
}

/// The lot of units that come back, as their shelf knows it. What is not to be sold is taken in
/// whatever is wrong with its lot.
pub(super) fn lot_of<S: State>(
    state: &mut S,
    context: Context<'_>,
    node: NodeIx,
    order: &Order,
    line: usize,
    received: &v1::ReceivedLine,
) -> Result<Option<LotId>, Refusal> {
    let Some(lot) = lots::of_return(order, line, received)? else { return Ok(None) };
    let shelf = Shelf { sku: order.lines[line].sku, node };
    match side_of(received.disposition()) {
        Some(Side::OnHand) => lots::check_in(state, shelf, lot, context.now_ms).map(Some),
        Some(Side::Quarantine) => Ok(lots::arriving(state, shelf, &lot)),
        None => Ok(None),
    }
}

/// The serial numbers of units that come back.
fn serials_of<S: State>(
    state: &mut S,
    node: NodeIx,
    order: &Order,
    line: usize,
    received: &v1::ReceivedLine,
) -> Result<Units, Refusal> {
    let (sku, units) = (order.lines[line].sku, received.quantity_milli);
    let named = serials::read(state, sku, &received.serials, units)?;
    let named = match named.is_empty() {
        true => serials::whole_line(state, order, line, units),
        false => named,
    };
    named.check_room(state, &place_of(received.disposition(), node))?;
    Ok(named)
}

/// No serial number comes back twice in one event.
pub(super) fn check_distinct<'u>(all: impl Iterator<Item = &'u Units>) -> Result<(), Refusal> {
    let mut keys: Vec<_> = all.flat_map(Units::keys).collect();
    let named = keys.len();
    keys.sort_unstable();
    keys.dedup();
    if keys.len() == named {
        return Ok(());
    }
    Err(Refusal::new(Reason::DuplicateSerial, "a serial number came back twice in one event"))
}

/// Serial numbers are where their units are; what does not fit the order is told.
fn take_serials<S: State>(
    state: &mut S,
    context: Context<'_>,
    row: &mut Return,
    node: NodeIx,
    (arrival, order): (&Arrival, &Order),
    work: &mut Vec<Work>,
) {
    let units = &arrival.known.serials;
    let line = row.lines[arrival.row].line as usize;
    let wrong = serials::came_back(state, order, line, units, context.time_ms);
    let place = place_of(arrival.disposition, node);
    units.go(state, &place, SerialEvent::Returned, context.time_ms);
    let reference = format!("{}/{}", order.channel, order.order_id);
    serials::tell(state, Shelf { sku: units.sku, node }, reference, wrong, work);
    if arrival.disposition == v1::Disposition::Inspect {
        let waiting = units.keys().into_iter().map(|key| (node, arrival.row as u32, key));
        row.serials_to_inspect.extend(waiting);
    }
}

/// What comes back from the customer had arrived there, whether anybody said so or not.
fn come_back(order: &mut Order, fulfilment: usize, place: usize, units: i64) {
    let fulfilment = &mut order.fulfilments[fulfilment];
    let progress = &mut fulfilment.progress_mut().lines[place];
    progress.returned += units;
    let returned = progress.returned;
    let row = &mut fulfilment.lines[place];
    let unsaid = (returned - row.delivered).max(0);
    row.delivered += unsaid;
    order.lines[row.line as usize].delivered += unsaid;
    if unsaid > 0 {
        fulfilment.have_ended(true);
    }
}

/// Where units of a line had left from: the oldest fulfilments first. (fulfilment, line, units).
fn origins(order: &Order, line: usize, units: i64) -> Vec<(usize, usize, i64)> {
    let mut missing = units;
    let mut found = Vec::new();
    for (place, fulfilment) in order.fulfilments.iter().enumerate() {
        for (part, row) in fulfilment.lines.iter().enumerate() {
            let progress = fulfilment.line_progress(part);
            let out = row.shipped - progress.undelivered - progress.returned;
            let taken = if row.line as usize == line { out.min(missing) } else { 0 };
            if taken > 0 {
                missing -= taken;
                found.push((place, part, taken));
            }
        }
    }
    assert_eq!(missing, 0, "what is announced was shipped and has not come back");
    found
}

/// The entry of units that come in from outside, into the bucket that their disposition says. A
/// node that never stocked the SKU does from now on.
pub(super) fn entry_into(
    kind: EntryKind,
    context: Context<'_>,
    units: i64,
    disposition: v1::Disposition,
) -> Entry {
    let entry = Entry::new(kind, disposition.as_str_name(), context.time_ms);
    let entry = Entry { entered: units, ..entry };
    match disposition {
        v1::Disposition::Restock => Entry { on_hand: units, ..entry },
        v1::Disposition::Inspect | v1::Disposition::Refurbish | v1::Disposition::Quarantine => {
            Entry { quarantine: units, ..entry }
        }
        v1::Disposition::Destroy => Entry { written_off: units, ..entry },
        v1::Disposition::Unspecified => unreachable!("refused before"),
    }
}

/// The entries of units that had left from one node and come in at one: they leave the first
/// node's books and enter the other's, or change their bucket where both are one.
pub(super) fn between(
    origin: NodeIx,
    node: NodeIx,
    came: Entry,
    units: i64,
) -> Vec<(NodeIx, Entry)> {
    if origin == node {
        return vec![(node, Entry { shipped: -units, entered: 0, ..came })];
    }
    let left = Entry::new(came.kind, came.reason, came.time_ms);
    vec![(origin, Entry { shipped: -units, entered: -units, ..left }), (node, came)]
}

/// What is due for what came in, one row a line. What is replaced is not paid back.
fn due(row: &Return, arrivals: &[Arrival]) -> Vec<RepayLine> {
    let mut rows: Vec<RepayLine> = Vec::new();
    for arrival in arrivals {
        let line = &row.lines[arrival.row];
        let response = v1::ReturnResponse::try_from(line.response).unwrap_or_default();
        if response == v1::ReturnResponse::Replace {
            continue;
        }
        match rows.iter_mut().find(|known| known.line == line.line as usize) {
            Some(known) => known.units += arrival.units,
            None => {
                rows.push(RepayLine { line: line.line as usize, units: arrival.units, response })
            }
        }
    }
    rows
}

/// A return without a receipt: the units enter the stock, and nothing is due by us.
pub(super) fn receive_blind<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::BlindReturnReceived,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let node = check::node(state, &event.node_id)?;
    let sku = check::sku(state, &event.sku)?;
    check::quantity("returned quantity", event.quantity_milli, 1, state.item(sku))?;
    check_disposition(event.disposition())?;
    moves::check_units(event.units.as_ref())?;
    let (units, disposition) = (event.quantity_milli, event.disposition());
    let (shelf, side, place) =
        (Shelf { sku, node }, side_of(disposition), place_of(disposition, node));
    let lot = match (lots::lot_of(state, node, event.units.as_ref())?, side) {
        (Some(lot), Some(Side::OnHand)) => Some(lots::check_in(state, shelf, lot, context.now_ms)?),
        (Some(lot), Some(Side::Quarantine)) => lots::arriving(state, shelf, &lot),
        _ => None,
    };
    let named = event.units.as_ref().map_or(&[][..], |units| &units.serials);
    let serials = serials::read(state, sku, named, units)?;
    serials.check_room(state, &place)?;
    let entry = entry_into(EntryKind::BlindReturn, context, units, disposition);
    book_entry(state, shelf, &entry, MovementKind::Moved, work)?;
    if let Some((lot, side)) = lot.as_ref().zip(side) {
        lots::put_in(state, shelf, lot, units, side);
    }
    let told =
        serials.compare(state, context.time_ms, |known| serials::seen_elsewhere(known, &place));
    serials.go(state, &place, SerialEvent::BlindReturned, context.time_ms);
    serials::tell(state, shelf, String::new(), told, work);
    Ok(())
}
