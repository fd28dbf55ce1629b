//! Serial numbers: units of an item that are told apart one by one.
//!
//! Serial numbers are a third book beside the stock row and its lots, for items that are defined as
//! serialised; others pay nothing for it. The stock row stays the truth, and feeds are patchy: a serial
//! number is moved by events that name it. A place never has more serial numbers than units: where
//! units leave unnamed, those that stood there longest are presumed to be among them, and are
//! *unaccounted* for until somebody names them again. What is told for an earlier time than the newest
//! stop enters the history and moves nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3Default;

use crate::{NodeIx, Order, OrderKey, SkuIx, State, TransferKey, UNIT_MILLI};

/// Most serial numbers of one event, of one bucket of a (SKU, node), of a transfer and of an order.
pub const MAX_SERIALS: usize = 10_000;

/// Newest stops that a serial number remembers.
pub const MAX_STOPS: usize = 32;

/// A serial number's key: XXH3-128 of the item's number and the serial number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SerialKey(pub u128);

impl SerialKey {
    /// The key of a serial number of an item.
    pub fn of(sku: SkuIx, serial: &str) -> Self {
        let mut hash = Xxh3Default::new();
        hash.update(&sku.0.to_be_bytes());
        hash.update(serial.as_bytes());
        SerialKey(hash.digest128())
    }
}

/// Where a unit is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SerialPlace {
    /// Sellable, at a node.
    OnHand(NodeIx),
    /// There, not sellable.
    Quarantine(NodeIx),
    /// Under way between two nodes, with the transfer of that id.
    InTransit(String),
    /// Left with an order.
    Shipped {
        /// The order.
        order: OrderKey,
        /// Place in its fulfilments.
        fulfilment: u32,
        /// Place in its lines.
        line: u32,
    },
    /// Lost, destroyed, expired, in the books of that node.
    WrittenOff(NodeIx),
    /// Sent back to who supplied it.
    ReturnedToSupplier(NodeIx),
    /// Left the market there: an adjustment said so.
    Gone(NodeIx),
    /// Was there or left there, and nobody said how it went on.
    Unaccounted(NodeIx),
}

/// What made a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the event of that name
pub enum SerialEvent {
    Received,
    Counted,
    Adjusted,
    Moved,
    Dispatched,
    Arrived,
    /// Its transfer was cancelled.
    Recalled,
    Shipped,
    Lost,
    ReturnedToOrigin,
    Returned,
    Inspected,
    /// Came back without a receipt.
    BlindReturned,
    /// The receipt that brought it was a mistake.
    Reversed,
    /// A count of serial numbers did not find it.
    NotFound,
    /// More serial numbers were known than units are left.
    Presumed,
}

impl SerialEvent {
    /// As queries name it.
    pub fn name(self) -> &'static str {
        match self {
            SerialEvent::Received => "received",
            SerialEvent::Counted => "counted",
            SerialEvent::Adjusted => "adjusted",
            SerialEvent::Moved => "moved",
            SerialEvent::Dispatched => "dispatched",
            SerialEvent::Arrived => "arrived",
            SerialEvent::Recalled => "recalled",
            SerialEvent::Shipped => "shipped",
            SerialEvent::Lost => "lost",
            SerialEvent::ReturnedToOrigin => "returned_to_origin",
            SerialEvent::Returned => "returned",
            SerialEvent::Inspected => "inspected",
            SerialEvent::BlindReturned => "blind_returned",
            SerialEvent::Reversed => "reversed",
            SerialEvent::NotFound => "not_found",
            SerialEvent::Presumed => "presumed",
        }
    }
}

/// A place where a unit has been.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Where.
    pub place: SerialPlace,
    /// What took it there.
    pub by: SerialEvent,
    /// Since when, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// One serial number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serial {
    /// The item.
    pub sku: SkuIx,
    /// The number itself.
    pub serial: String,
    /// Where it has been, by time; the newest is where it is. At least one, at most [`MAX_STOPS`].
    pub stops: Vec<Stop>,
}

impl Serial {
    /// Where it is, and since when.
    pub fn newest(&self) -> &Stop {
        self.stops.last().expect("it was seen somewhere")
    }

    fn add(&mut self, stop: Stop) {
        let place = self.stops.partition_point(|known| known.at_ms <= stop.at_ms);
        self.stops.insert(place, stop);
        if self.stops.len() > MAX_STOPS {
            self.stops.remove(0);
        }
    }
}

/// The serial numbers of one (SKU, node), those that came first in front.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SerialShelf {
    /// Known to be on hand.
    pub on_hand: Vec<SerialKey>,
    /// Known to be in quarantine.
    pub quarantine: Vec<SerialKey>,
}

impl SerialShelf {
    fn bucket(&mut self, place: &SerialPlace) -> &mut Vec<SerialKey> {
        match place {
            SerialPlace::OnHand(_) => &mut self.on_hand,
            _ => &mut self.quarantine,
        }
    }
}

/// A serial number that is with the customer of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SerialShare {
    /// Place in [`Order::fulfilments`] that it left with.
    pub fulfilment: u32,
    /// Place in [`Order::lines`].
    pub line: u32,
    /// The serial number.
    pub serial: SerialKey,
}

impl Order {
    /// Serial numbers that left with it and have not come back, first shipped first.
    pub fn serials(&self) -> &[SerialShare] {
        self.details.as_ref().map_or(&[], |details| &details.serials)
    }

    /// Units of a line that left and are neither back nor lost.
    pub fn units_out(&self, line: usize) -> i64 {
        let line = &self.lines[line];
        line.shipped - line.returned - line.undelivered
    }
}

/// Whole units.
pub fn whole_units(milli: i64) -> usize {
    (milli.max(0) / UNIT_MILLI) as usize
}

/// A serial number as an event names it.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub key: SerialKey,
    pub serial: String,
}

/// Takes units out of the books of the places where they stand, unless that is known for a later time.
pub(crate) fn lift<S: State>(
    state: &mut S,
    units: impl IntoIterator<Item = SerialKey>,
    time_ms: i64,
) {
    let mut places: BTreeMap<(SkuIx, SerialPlace), Vec<SerialKey>> = BTreeMap::new();
    for key in units {
        let Some(row) = state.serial(key) else { continue };
        if row.newest().at_ms <= time_ms {
            places.entry((row.sku, row.newest().place.clone())).or_default().push(key);
        }
    }
    for ((sku, place), mut keys) in places {
        keys.sort_unstable();
        leave(state, sku, &place, &keys);
    }
}

/// `keys` are in their order.
fn leave<S: State>(state: &mut S, sku: SkuIx, place: &SerialPlace, keys: &[SerialKey]) {
    let stays = |key: &SerialKey| keys.binary_search(key).is_err();
    match place {
        SerialPlace::OnHand(node) | SerialPlace::Quarantine(node) => {
            change_shelf(state, sku, *node, |shelf| shelf.bucket(place).retain(stays));
        }
        SerialPlace::InTransit(id) => {
            let transfer_key = TransferKey::of(id);
            if let Some(mut transfer) = state.transfer(transfer_key).cloned() {
                transfer.serials.retain(|(_, key)| stays(key));
                state.put_transfer(transfer_key, Some(transfer));
            }
        }
        SerialPlace::Shipped { order, .. } => state.change_order(*order, &mut |order| {
            if let Some(details) = &mut order.details {
                details.serials.retain(|share| stays(&share.serial));
            }
        }),
        _ => {} // no book but its own
    }
}

/// Writes down where units of an item are from an instant on, after [`lift`] with the same time.
pub(crate) fn land<S: State>(
    state: &mut S,
    sku: SkuIx,
    units: &[Named],
    place: &SerialPlace,
    (by, at_ms): (SerialEvent, i64),
) {
    let mut here = Vec::with_capacity(units.len());
    for unit in units {
        let stop = Stop { place: place.clone(), by, at_ms };
        let known = state.serial(unit.key).cloned();
        if known.as_ref().is_none_or(|row| row.newest().at_ms <= at_ms) {
            here.push(unit.key);
        }
        let unseen = || Serial { sku, serial: unit.serial.clone(), stops: Vec::new() };
        let mut row = known.unwrap_or_else(unseen);
        row.add(stop);
        state.put_serial(unit.key, row);
    }
    if !here.is_empty() {
        enter(state, sku, place, &here);
    }
}

fn enter<S: State>(state: &mut S, sku: SkuIx, place: &SerialPlace, keys: &[SerialKey]) {
    match place {
        SerialPlace::OnHand(node) | SerialPlace::Quarantine(node) => {
            change_shelf(state, sku, *node, |shelf| shelf.bucket(place).extend_from_slice(keys));
        }
        SerialPlace::InTransit(id) => {
            let key = TransferKey::of(id);
            let mut transfer = state.transfer(key).cloned().expect("it is under way");
            transfer.serials.extend(keys.iter().map(|&key| (sku, key)));
            state.put_transfer(key, Some(transfer));
        }
        &SerialPlace::Shipped { order, fulfilment, line } => {
            let share = |&serial: &SerialKey| SerialShare { fulfilment, line, serial };
            state.change_order(order, &mut |order| {
                let details = order.details.get_or_insert_default();
                details.serials.extend(keys.iter().map(share));
            });
        }
        _ => {}
    }
}

fn change_shelf<S: State>(
    state: &mut S,
    sku: SkuIx,
    node: NodeIx,
    change: impl FnOnce(&mut SerialShelf),
) {
    let mut shelf = state.serial_shelf(sku, node).cloned().unwrap_or_default();
    change(&mut shelf);
    let is_empty = shelf.on_hand.is_empty() && shelf.quarantine.is_empty();
    state.put_serial_shelf(sku, node, (!is_empty).then_some(shelf));
}

/// Nobody knows where these are from now on; the last that is known is the node.
pub(crate) fn lose_sight<S: State>(
    state: &mut S,
    keys: &[SerialKey],
    node: NodeIx,
    (by, at_ms): (SerialEvent, i64),
) {
    lift(state, keys.iter().copied(), i64::MAX);
    for &key in keys {
        let mut row = state.serial(key).cloned().expect("it is in a book");
        let at_ms = at_ms.max(row.newest().at_ms);
        row.add(Stop { place: SerialPlace::Unaccounted(node), by, at_ms });
        state.put_serial(key, row);
    }
}

/// A bucket has no more serial numbers than units: those that stood there longest are presumed to have
/// left unnamed.
pub(crate) fn trim<S: State>(state: &mut S, sku: SkuIx, node: NodeIx, at_ms: i64) {
    let Some(shelf) = state.serial_shelf(sku, node).cloned() else { return };
    let stock = state.stock_at(sku, node).unwrap_or_default();
    let mut excess: Vec<SerialKey> = Vec::new();
    for (keys, units) in [(shelf.on_hand, stock.on_hand), (shelf.quarantine, stock.quarantine)] {
        let more = keys.len().saturating_sub(whole_units(units));
        excess.extend_from_slice(&keys[..more]);
    }
    if !excess.is_empty() {
        lose_sight(state, &excess, node, (SerialEvent::Presumed, at_ms));
    }
}

/// An order has no more serial numbers of a line than units with its customer.
pub(crate) fn settle_order<S: State>(state: &mut S, key: OrderKey, at_ms: i64) {
    let Some(order) = state.order(key).filter(|order| !order.serials().is_empty()) else { return };
    let mut excess: BTreeMap<NodeIx, Vec<SerialKey>> = BTreeMap::new();
    for line in 0..order.lines.len() {
        let of_line = || order.serials().iter().filter(|share| share.line as usize == line);
        let more = of_line().count().saturating_sub(whole_units(order.units_out(line)));
        for share in of_line().take(more) {
            let node = order.fulfilments[share.fulfilment as usize].node;
            excess.entry(node).or_default().push(share.serial);
        }
    }
    for (node, keys) in excess {
        lose_sight(state, &keys, node, (SerialEvent::Presumed, at_ms));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stop(node: u32, at_ms: i64) -> Stop {
        Stop { place: SerialPlace::OnHand(NodeIx(node)), by: SerialEvent::Counted, at_ms }
    }

    #[test]
    fn old_news_enters_the_history_and_the_newest_stop_is_where_it_is() {
        let mut row =
            Serial { sku: SkuIx(0), serial: "A".to_owned(), stops: vec![stop(1, 5), stop(2, 9)] };
        row.add(stop(3, 7));
        row.add(stop(4, 9));
        let nodes: Vec<i64> = row.stops.iter().map(|stop| stop.at_ms).collect();
        assert_eq!((nodes, row.newest()), (vec![5, 7, 9, 9], &stop(4, 9)));
        (10..60).for_each(|at_ms| row.add(stop(5, at_ms)));
        assert_eq!((row.stops.len(), row.stops[0].at_ms), (MAX_STOPS, 60 - MAX_STOPS as i64));
    }

    #[test]
    fn the_same_number_of_another_item_is_another_unit() {
        assert_ne!(SerialKey::of(SkuIx(1), "7"), SerialKey::of(SkuIx(2), "7"));
        assert_eq!([whole_units(-1), whole_units(999), whole_units(2_500)], [0, 0, 2]);
    }
}
