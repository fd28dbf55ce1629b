//! Serial numbers that events name: read, compared with the books, moved.
//!
//! Who takes units from a place can correct what was read, so a serial number that stands elsewhere is
//! refused, and so is one that goods-in names while it is in stock. What is physically there is
//! taken as it is: a count, a return, what a transfer brought. Where the books say otherwise they
//! follow, and [`v1::SerialDiscrepancy`] tells somebody.

use omnifold_events::v1::{self, SerialDiscrepancyKind as Kind};

use super::booking::Shelf;
use super::check;
use super::subject::{Move, line_of};
use crate::serials::{self, Named, whole_units};
use crate::{
    MAX_SERIALS, NodeIx, Order, OrderKey, Reason, Refusal, Serial, SerialEvent, SerialKey,
    SerialPlace, SkuIx, State, SupplyNotice, UNIT_MILLI, Work,
};

/// Serial numbers of one item that an event names.
#[derive(Debug, Clone)]
pub(super) struct Units {
    pub sku: SkuIx,
    pub named: Vec<Named>,
}

/// Names of serial numbers, whether or not they are kept.
pub(super) fn check_names(serials: &[String]) -> Result<(), Refusal> {
    if serials.len() > MAX_SERIALS {
        let detail = format!("more than {MAX_SERIALS} serial numbers in one event");
        return Err(Refusal::new(Reason::TooManySerials, detail));
    }
    serials.iter().try_for_each(|serial| check::name("serial", serial))
}

/// The serial numbers that an event names of so many units. None where the item is not serialised:
/// then they are carried and not kept.
pub(super) fn read<S: State>(
    state: &S,
    sku: SkuIx,
    serials: &[String],
    units: i64,
) -> Result<Units, Refusal> {
    check_names(serials)?;
    if !state.item(sku).serialised || serials.is_empty() {
        return Ok(Units { sku, named: Vec::new() });
    }
    if serials.len() > whole_units(units) {
        let detail = format!("{} serial numbers of {units} milli-units", serials.len());
        return Err(Refusal::new(Reason::SerialsExceedUnits, detail));
    }
    let named = |serial: &String| Named { key: SerialKey::of(sku, serial), serial: serial.clone() };
    let units = Units { sku, named: serials.iter().map(named).collect() };
    units.check_distinct()?;
    Ok(units)
}

impl Units {
    pub(super) fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    pub(super) fn keys(&self) -> Vec<SerialKey> {
        self.named.iter().map(|unit| unit.key).collect()
    }

    /// No number stands twice.
    pub(super) fn check_distinct(&self) -> Result<(), Refusal> {
        let mut keys = self.keys();
        keys.sort_unstable();
        let twice = keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        let Some(unit) = twice.and_then(|key| self.named.iter().find(|unit| unit.key == key))
        else {
            return Ok(());
        };
        let detail = format!("serial number `{}` is named twice", unit.serial);
        Err(Refusal::new(Reason::DuplicateSerial, detail))
    }

    /// Units leave a place: each stands there, or nobody knows where it is.
    pub(super) fn check_at<S: State>(
        &self,
        state: &mut S,
        place: &SerialPlace,
        time_ms: i64,
    ) -> Result<(), Refusal> {
        for unit in &self.named {
            let Some(row) = state.serial(unit.key) else { continue };
            let stop = row.newest().clone();
            if stop.at_ms > time_ms || stop.place == *place {
                continue;
            }
            let reason = match stop.place {
                SerialPlace::Unaccounted(_) => continue,
                SerialPlace::Shipped { .. } => Reason::SerialShipped,
                _ => Reason::SerialElsewhere,
            };
            return Err(misplaced(state, reason, &unit.serial, &stop.place));
        }
        Ok(())
    }

    /// Goods come in from outside: what is in stock does not. What left with an order may come back so;
    /// that is returned, to be told.
    pub(super) fn check_new<S: State>(
        &self,
        state: &mut S,
        place: &SerialPlace,
        time_ms: i64,
    ) -> Result<Vec<v1::DiscrepantSerial>, Refusal> {
        for unit in &self.named {
            let Some(row) = state.serial(unit.key) else { continue };
            let stop = row.newest().clone();
            let in_stock = matches!(
                stop.place,
                SerialPlace::OnHand(_) | SerialPlace::Quarantine(_) | SerialPlace::InTransit(_)
            );
            if in_stock && stop.at_ms <= time_ms {
                return Err(misplaced(state, Reason::SerialInStock, &unit.serial, &stop.place));
            }
        }
        self.check_room(state, place)?;
        Ok(self.compare(state, time_ms, |known| seen_elsewhere(known, place)))
    }

    /// A bucket keeps a bounded number of serial numbers.
    pub(super) fn check_room<S: State>(
        &self,
        state: &mut S,
        place: &SerialPlace,
    ) -> Result<(), Refusal> {
        let there = match place {
            SerialPlace::OnHand(node) => {
                state.serial_shelf(self.sku, *node).map_or(0, |shelf| shelf.on_hand.len())
            }
            SerialPlace::Quarantine(node) => {
                state.serial_shelf(self.sku, *node).map_or(0, |shelf| shelf.quarantine.len())
            }
            SerialPlace::Shipped { order, .. } => {
                state.order(*order).map_or(0, |order| order.serials().len())
            }
            _ => 0,
        };
        if there + self.named.len() <= MAX_SERIALS {
            return Ok(());
        }
        let detail = format!("a place may have {MAX_SERIALS} serial numbers of an item");
        Err(Refusal::new(Reason::TooManySerials, detail))
    }

    /// Compares what was seen with the books. `kind_of` says what is wrong with where a serial number
    /// stands; `None`: nothing. To be called before they are moved.
    pub(super) fn compare<S: State>(
        &self,
        state: &mut S,
        time_ms: i64,
        mut kind_of: impl FnMut(Option<&SerialPlace>) -> Option<Kind>,
    ) -> Vec<v1::DiscrepantSerial> {
        let mut found = Vec::new();
        for unit in &self.named {
            let stop = state.serial(unit.key).map(|row| row.newest().clone());
            if stop.as_ref().is_some_and(|stop| stop.at_ms > time_ms) {
                continue;
            }
            let place = stop.map(|stop| stop.place);
            if let Some(kind) = kind_of(place.as_ref()) {
                found.push(discrepant(state, &unit.serial, kind, place.as_ref()));
            }
        }
        found
    }

    /// The units stand at a place from an instant on.
    pub(super) fn go<S: State>(
        &self,
        state: &mut S,
        place: &SerialPlace,
        by: SerialEvent,
        at_ms: i64,
    ) {
        if self.is_empty() {
            return;
        }
        self.lift(state, at_ms);
        self.land(state, place, by, at_ms);
    }

    /// The units leave the books of where they stand: before fewer units are booked there, so that
    /// no others are presumed to have left.
    pub(super) fn lift<S: State>(&self, state: &mut S, at_ms: i64) {
        serials::lift(state, self.named.iter().map(|unit| unit.key), at_ms);
    }

    /// The second half of [`Units::go`], once the units are booked.
    pub(super) fn land<S: State>(
        &self,
        state: &mut S,
        place: &SerialPlace,
        by: SerialEvent,
        at_ms: i64,
    ) {
        if self.is_empty() {
            return;
        }
        serials::land(state, self.sku, &self.named, place, (by, at_ms));
        if let SerialPlace::OnHand(node) | SerialPlace::Quarantine(node) = *place {
            serials::trim(state, self.sku, node, at_ms);
        }
    }
}

/// Those of an item that stand somewhere, under their names.
pub(super) fn of_keys<S: State>(state: &mut S, sku: SkuIx, keys: &[SerialKey]) -> Units {
    let mut named = Vec::with_capacity(keys.len());
    for &key in keys {
        let serial = state.serial(key).expect("it is in a book").serial.clone();
        named.push(Named { key, serial });
    }
    Units { sku, named }
}

/// The serial numbers that a count found, and those that stood there and were not found.
pub(super) fn counted<S: State>(
    state: &mut S,
    shelf: Shelf,
    found: &Units,
    time_ms: i64,
    work: &mut Vec<Work>,
) {
    let Shelf { sku, node } = shelf;
    let here = SerialPlace::OnHand(node);
    let mut seen = found.keys();
    seen.sort_unstable();
    let known = state.serial_shelf(sku, node).map_or(Vec::new(), |row| row.on_hand.clone());
    let mut missing: Vec<SerialKey> = Vec::new();
    for key in known.into_iter().filter(|key| seen.binary_search(key).is_err()) {
        if state.serial(key).is_some_and(|row| row.newest().at_ms <= time_ms) {
            missing.push(key);
        }
    }
    let mut told = found.compare(state, time_ms, |place| seen_elsewhere(place, &here));
    for &key in &missing {
        let serial = state.serial(key).expect("it is in a book").serial.clone();
        told.push(discrepant(state, &serial, Kind::NotFound, Some(&here)));
    }
    serials::lose_sight(state, &missing, node, (SerialEvent::NotFound, time_ms));
    found.go(state, &here, SerialEvent::Counted, time_ms);
    tell(state, shelf, String::new(), told, work);
}

/// What is wrong with where a unit stands that was seen somewhere.
pub(super) fn seen_elsewhere(place: Option<&SerialPlace>, here: &SerialPlace) -> Option<Kind> {
    match place? {
        place if place == here => None,
        SerialPlace::Unaccounted(_) | SerialPlace::Gone(_) | SerialPlace::WrittenOff(_) => None,
        SerialPlace::ReturnedToSupplier(_) => None,
        SerialPlace::Shipped { .. } => Some(Kind::LeftWithOrder),
        _ => Some(Kind::SeenElsewhere),
    }
}

/// Tells what does not agree with the books, if anything.
pub(super) fn tell<S: State>(
    state: &S,
    shelf: Shelf,
    reference: String,
    serials: Vec<v1::DiscrepantSerial>,
    work: &mut Vec<Work>,
) {
    if serials.is_empty() {
        return;
    }
    let told = v1::SerialDiscrepancy {
        node_id: state.nodes()[shelf.node.0 as usize].id.clone(),
        sku: state.item(shelf.sku).sku.clone(),
        reference,
        serials,
        step: 0,
    };
    work.push(Work::SupplyNotice(Box::new(SupplyNotice::Serials(told))));
}

fn discrepant<S: State>(
    state: &mut S,
    serial: &str,
    kind: Kind,
    place: Option<&SerialPlace>,
) -> v1::DiscrepantSerial {
    let (recorded, node, with) = match place {
        None => ("", String::new(), String::new()),
        Some(place) => whereabouts(state, place),
    };
    v1::DiscrepantSerial {
        serial: serial.to_owned(),
        kind: kind.into(),
        recorded: recorded.to_owned(),
        recorded_node: node,
        recorded_with: with,
    }
}

/// A place in words: what it is, its node, and the order or transfer that it is with.
pub fn whereabouts<S: State>(state: &mut S, place: &SerialPlace) -> (&'static str, String, String) {
    let (name, node, with) = match place {
        SerialPlace::OnHand(node) => ("on_hand", Some(*node), String::new()),
        SerialPlace::Quarantine(node) => ("quarantine", Some(*node), String::new()),
        SerialPlace::InTransit(id) => ("in_transit", None, id.clone()),
        &SerialPlace::Shipped { order, fulfilment, .. } => {
            let order = state.order(order).expect("orders are kept");
            let node = order.fulfilments.get(fulfilment as usize).map(|part| part.node);
            ("shipped", node, format!("{}/{}", order.channel, order.order_id))
        }
        SerialPlace::WrittenOff(node) => ("written_off", Some(*node), String::new()),
        SerialPlace::ReturnedToSupplier(node) => {
            ("returned_to_supplier", Some(*node), String::new())
        }
        SerialPlace::Gone(node) => ("gone", Some(*node), String::new()),
        SerialPlace::Unaccounted(node) => ("unaccounted", Some(*node), String::new()),
    };
    let id = |node: NodeIx| state.nodes()[node.0 as usize].id.clone();
    (name, node.map(id).unwrap_or_default(), with)
}

fn misplaced<S: State>(
    state: &mut S,
    reason: Reason,
    serial: &str,
    place: &SerialPlace,
) -> Refusal {
    let (name, node, with) = whereabouts(state, place);
    let at = [node, with].into_iter().filter(|text| !text.is_empty());
    let at: Vec<String> = at.map(|text| format!("`{text}`")).collect();
    Refusal::new(reason, format!("serial number `{serial}` is {name}: {}", at.join(", ")))
}

/// Serial numbers of units that leave with an order, by the fulfilment that they leave with.
pub(super) struct Leaving(Vec<(SerialPlace, Units)>);

/// Which units of moves leave. Each serial number stands on the node's shelf, or nobody knows where.
pub(super) fn leaving<S: State>(
    state: &mut S,
    key: OrderKey,
    moves: &[Move],
    lines: &[v1::LineSerials],
    time_ms: i64,
) -> Result<Leaving, Refusal> {
    let mut parts: Vec<Part> = Vec::new();
    for row in lines {
        check_names(&row.serials)?;
        let order = state.order(key).expect("found before");
        let known = parts.len();
        parts.extend(parts_of(order, key, moves, &row.line_id));
        if parts[..known].iter().any(|part| parts[known..].iter().any(|new| new.is_like(part))) {
            let detail = format!("line `{}` is named twice", row.line_id);
            return Err(Refusal::new(Reason::DuplicateLine, detail));
        }
        let of_line = &mut parts[known..];
        let Some(first) = of_line.first() else { return Err(not_among(&row.line_id)) };
        if !state.item(first.units.sku).serialised {
            continue;
        }
        for serial in &row.serials {
            hand_out(state, of_line, serial, &row.line_id, time_ms)?;
        }
    }
    parts.retain(|part| !part.units.is_empty());
    for sku in parts.iter().map(|part| part.units.sku) {
        let of_sku = parts.iter().filter(|part| part.units.sku == sku);
        let named = of_sku.flat_map(|part| part.units.named.clone()).collect();
        Units { sku, named }.check_distinct()?;
    }
    if let Some(part) = parts.first() {
        let named = parts.iter().flat_map(|part| part.units.named.clone()).collect();
        Units { sku: part.units.sku, named }.check_room(state, &part.place)?;
    }
    Ok(Leaving(parts.into_iter().map(|part| (part.place, part.units)).collect()))
}

/// Units of one move, and the serial numbers among them.
struct Part {
    place: SerialPlace,
    node: NodeIx,
    room: usize,
    units: Units,
}

impl Part {
    fn is_like(&self, other: &Part) -> bool {
        self.place == other.place
    }
}

fn parts_of(order: &Order, key: OrderKey, moves: &[Move], line_id: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for step in moves {
        let line = line_of(order, step).line;
        if order.lines[line as usize].line_id != line_id {
            continue;
        }
        let fulfilment = step.fulfilment as u32;
        let place = SerialPlace::Shipped { order: key, fulfilment, line };
        let room = whole_units(step.units);
        if let Some(part) = parts.iter_mut().find(|part| part.place == place) {
            part.room += room;
            continue;
        }
        let units = Units { sku: order.lines[line as usize].sku, named: Vec::new() };
        let node = order.fulfilments[step.fulfilment].node;
        parts.push(Part { place, node, room, units });
    }
    parts
}

/// Gives a serial number to the first move of its line from whose node it can leave.
fn hand_out<S: State>(
    state: &mut S,
    parts: &mut [Part],
    serial: &str,
    line_id: &str,
    time_ms: i64,
) -> Result<(), Refusal> {
    let mut why_not = not_among(line_id);
    for part in parts.iter_mut().filter(|part| part.units.named.len() < part.room) {
        let sku = part.units.sku;
        let unit = Named { key: SerialKey::of(sku, serial), serial: serial.to_owned() };
        let alone = Units { sku, named: vec![unit] };
        match alone.check_at(state, &SerialPlace::OnHand(part.node), time_ms) {
            Ok(()) => {
                part.units.named.extend(alone.named);
                return Ok(());
            }
            Err(refusal) => why_not = refusal,
        }
    }
    Err(why_not)
}

fn not_among(line_id: &str) -> Refusal {
    let detail = format!("more serial numbers of line `{line_id}` than units of the event");
    Refusal::new(Reason::SerialsExceedUnits, detail)
}

impl Leaving {
    /// Before the units are booked.
    pub(super) fn lift<S: State>(&self, state: &mut S, time_ms: i64) {
        self.0.iter().for_each(|(_, units)| units.lift(state, time_ms));
    }

    /// Once they are.
    pub(super) fn land<S: State>(&self, state: &mut S, time_ms: i64) {
        for (place, units) in &self.0 {
            units.land(state, place, SerialEvent::Shipped, time_ms);
        }
    }
}

/// The serial numbers of units that left with an order and will not arrive, or are back: those that the
/// event names, and where all of a line's units are meant and none is named, all of the line. (place of
/// the line, node that it left from, serial numbers).
pub(super) fn of_order<S: State>(
    state: &mut S,
    key: OrderKey,
    moves: &[Move],
    lines: &[v1::LineSerials],
) -> Result<Vec<(usize, NodeIx, Units)>, Refusal> {
    let order = state.order(key).expect("found before");
    if lines.is_empty() && order.serials().is_empty() {
        return Ok(Vec::new());
    }
    let order = order.clone();
    for (place, row) in lines.iter().enumerate() {
        if lines[..place].iter().any(|other| other.line_id == row.line_id) {
            let detail = format!("line `{}` is named twice", row.line_id);
            return Err(Refusal::new(Reason::DuplicateLine, detail));
        }
        if parts_of(&order, key, moves, &row.line_id).is_empty() {
            return Err(not_among(&row.line_id));
        }
    }
    let mut found: Vec<(usize, NodeIx, Units)> = Vec::new();
    for (line, row) in order.lines.iter().enumerate() {
        let parts = parts_of(&order, key, moves, &row.line_id);
        let Some(node) = parts.first().map(|part| part.node) else { continue };
        let moved = parts.iter().map(|part| part.room as i64 * UNIT_MILLI).sum();
        let named = lines.iter().find(|said| said.line_id == row.line_id);
        let named = named.map_or(&[][..], |said| &said.serials);
        let mut units = read(state, row.sku, named, moved)?;
        if units.is_empty() {
            units = whole_line(state, &order, line, moved);
        }
        if !units.is_empty() {
            found.push((line, node, units));
        }
    }
    Ok(found)
}

/// The serial numbers of a line, where all its units that are out are meant.
pub(super) fn whole_line<S: State>(state: &mut S, order: &Order, line: usize, units: i64) -> Units {
    let of_line = order.serials().iter().filter(|share| share.line as usize == line);
    let all = order.units_out(line) == units;
    let keys: Vec<SerialKey> = of_line.filter(|_| all).map(|share| share.serial).collect();
    of_keys(state, order.lines[line].sku, &keys)
}

/// Whether a unit of an order's line can be of this serial number: it left with the line, or not all
/// that left were named.
pub(super) fn belongs(
    order: &Order,
    key: OrderKey,
    line: usize,
    unnamed: &mut usize,
    place: Option<&SerialPlace>,
) -> bool {
    match place {
        Some(SerialPlace::Shipped { order: with, line: of, .. }) => {
            (*with, *of as usize) == (key, line)
        }
        None | Some(SerialPlace::Unaccounted(_)) => {
            let could_be = *unnamed > 0 && line < order.lines.len();
            *unnamed = unnamed.saturating_sub(1);
            could_be
        }
        _ => false,
    }
}

/// Units of a line with the customer that left without a serial number.
pub(super) fn unnamed(order: &Order, line: usize) -> usize {
    let named = order.serials().iter().filter(|share| share.line as usize == line).count();
    whole_units(order.units_out(line)).saturating_sub(named)
}

/// What is wrong with a unit that came back for an order's line.
pub(super) fn came_back<S: State>(
    state: &mut S,
    order: &Order,
    line: usize,
    units: &Units,
    time_ms: i64,
) -> Vec<v1::DiscrepantSerial> {
    let (key, mut unnamed) = (order.key(), unnamed(order, line));
    units.compare(state, time_ms, |place| {
        let fits = belongs(order, key, line, &mut unnamed, place);
        (!fits).then_some(Kind::NotShippedWithOrder)
    })
}

/// Units that are lost left with the order: nobody read their numbers, so they can be corrected.
pub(super) fn check_lost<S: State>(
    state: &mut S,
    order: &Order,
    line: usize,
    units: &Units,
    time_ms: i64,
) -> Result<(), Refusal> {
    let wrong = came_back(state, order, line, units, time_ms);
    let Some(first) = wrong.first() else { return Ok(()) };
    let detail = format!("serial number `{}` did not leave with the line", first.serial);
    Err(Refusal::new(Reason::SerialNotShipped, detail))
}

/// Of a row, whether it still stands where a receipt put it.
pub(super) fn stands_at(row: &Serial, node: NodeIx) -> bool {
    let place = &row.newest().place;
    *place == SerialPlace::OnHand(node) || *place == SerialPlace::Quarantine(node)
}
