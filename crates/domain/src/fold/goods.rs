//! What goods of a purchase order are known by: the lot and the serial numbers of a receipt's line.

use omnifold_events::v1;

use super::booking::Shelf;
use super::lots::{self, Side};
use super::serials::{self, Units};
use super::{Context, moves};
use crate::purchase::{ReceiptLine, ReceivedUnits};
use crate::serials as books;
use crate::{LotId, NodeIx, Refusal, SerialEvent, SerialPlace, State, Work};

/// What the goods of one line are known by.
pub(super) struct Goods {
    lot: Option<LotId>,
    /// Units for the shelf, and units for quarantine.
    units: (i64, i64),
    /// Their serial numbers.
    serials: (Units, Units),
    /// Serial numbers that the books have elsewhere.
    told: Vec<v1::DiscrepantSerial>,
}

impl Goods {
    /// Reads and checks what a line of a receipt says.
    pub(super) fn of<S: State>(
        state: &mut S,
        context: Context<'_>,
        node: NodeIx,
        line: &ReceiptLine,
        said: &v1::ReceiptLine,
    ) -> Result<Goods, Refusal> {
        let shelf = Shelf { sku: line.sku, node };
        let (on_hand, quarantine) = line.taken_in();
        moves::check_units(said.units.as_ref())?;
        let lot = match lots::lot_of(state, node, said.units.as_ref())? {
            Some(lot) if on_hand > 0 => Some(lots::check_in(state, shelf, lot, context.now_ms)?),
            Some(lot) => Some(lots::check_known(state, shelf, lot)?),
            None => None,
        };
        let accepted = said.units.as_ref().map_or(&[][..], |units| &units.serials);
        let accepted = serials::read(state, line.sku, accepted, line.accepted)?;
        let damaged = serials::read(state, line.sku, &said.damaged_serials, line.damaged)?;
        let here = side_of(line, node);
        let aside = SerialPlace::Quarantine(node);
        let mut told = accepted.check_new(state, &here, context.time_ms)?;
        told.extend(damaged.check_new(state, &aside, context.time_ms)?);
        Ok(Goods { lot, units: (on_hand, quarantine), serials: (accepted, damaged), told })
    }

    /// What the receipt keeps of it; `None`: nothing was said.
    pub(super) fn kept(&self) -> Option<Box<ReceivedUnits>> {
        let serials = [self.serials.0.keys(), self.serials.1.keys()].concat();
        let said = self.lot.is_some() || !serials.is_empty();
        said.then(|| Box::new(ReceivedUnits { lot: self.lot.clone(), serials }))
    }

    /// Once the units are booked.
    pub(super) fn put_in<S: State>(
        self,
        state: &mut S,
        context: Context<'_>,
        shelf: Shelf,
        reference: &str,
        work: &mut Vec<Work>,
    ) {
        for (units, side) in [(self.units.0, Side::OnHand), (self.units.1, Side::Quarantine)] {
            if let Some(lot) = self.lot.as_ref().filter(|_| units > 0) {
                lots::put_in(state, shelf, lot, units, side);
            }
        }
        let (by, at_ms) = (SerialEvent::Received, context.time_ms);
        let aside = SerialPlace::Quarantine(shelf.node);
        // Goods that nobody ordered are put aside, accepted or not.
        let here = if self.units.0 > 0 { SerialPlace::OnHand(shelf.node) } else { aside.clone() };
        self.serials.0.go(state, &here, by, at_ms);
        self.serials.1.go(state, &aside, by, at_ms);
        serials::tell(state, shelf, reference.to_owned(), self.told, work);
    }
}

fn side_of(line: &ReceiptLine, node: NodeIx) -> SerialPlace {
    match line.taken_in() {
        (0, _) => SerialPlace::Quarantine(node),
        _ => SerialPlace::OnHand(node),
    }
}

/// No serial number of an item stands twice in a receipt.
pub(super) fn check_distinct(lines: &[Goods]) -> Result<(), Refusal> {
    let all = lines.iter().flat_map(|line| [&line.serials.0, &line.serials.1]);
    let named = all.clone().flat_map(|units| units.named.clone()).collect();
    let sku = all.map(|units| units.sku).next();
    sku.map_or(Ok(()), |sku| Units { sku, named }.check_distinct())
}

/// A receipt was a mistake: what it brought and still stands where it was put was never there.
pub(super) fn take_out<S: State>(
    state: &mut S,
    context: Context<'_>,
    shelf: Shelf,
    line: &ReceiptLine,
) {
    let Some(known) = &line.units else { return };
    if let Some(lot) = &known.lot {
        let (on_hand, quarantine) = line.taken_in();
        lots::take_what_is_there(state, shelf, lot, on_hand, Side::OnHand);
        lots::take_what_is_there(state, shelf, lot, quarantine, Side::Quarantine);
    }
    let mut there = known.serials.clone();
    there.retain(|&key| {
        let row = state.serial(key);
        row.is_some_and(|row| serials::stands_at(row, shelf.node))
    });
    books::lose_sight(state, &there, shelf.node, (SerialEvent::Reversed, context.time_ms));
}
