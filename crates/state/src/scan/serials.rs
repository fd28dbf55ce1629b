//! What the rows of serial numbers must say: each stands at one place, and no place has more of them
//! than units.

use std::collections::BTreeMap;

use omnifold_domain::invariants::{self, Violation};
use omnifold_domain::{
    NodeIx, Order, Serial, SerialKey, SerialPlace, SerialShelf, SkuIx, Stock, Transfer,
};

use super::{ScanReport, note};
use crate::backend::{Backend, StateError};
use crate::rows::{Table, decode, key_u32};

/// Whose books have which serial number. Memory grows with the serial numbers, not with history.
#[derive(Default)]
pub(super) struct Books {
    places: BTreeMap<SerialKey, SerialPlace>,
    shelves: BTreeMap<(u32, u32), SerialShelf>,
    twice: Vec<SerialKey>,
}

impl Books {
    /// Adds what left with an order.
    pub(super) fn add(&mut self, order: &Order, violations: &mut Vec<Violation>) {
        if !invariants::i1_serials_left_with_units(order) {
            let name = format!("order `{}/{}`", order.channel, order.order_id);
            note(violations, Violation::new("I1", format!("{name}: more serials than units")));
        }
        for share in order.serials() {
            let (order, fulfilment, line) = (order.key(), share.fulfilment, share.line);
            self.keep(share.serial, SerialPlace::Shipped { order, fulfilment, line });
        }
    }

    fn keep(&mut self, key: SerialKey, place: SerialPlace) {
        if self.places.insert(key, place).is_some() {
            self.twice.push(key);
        }
    }

    /// Reads the serial numbers once all orders are known.
    pub(super) fn read(
        &mut self,
        backend: &dyn Backend,
        report: &mut ScanReport,
    ) -> Result<(), StateError> {
        self.read_cargo(backend, report)?;
        self.read_shelves(backend)?;
        backend.scan(Table::Serial, &[], &[], &mut |key, value| {
            let row: Serial = decode(Table::Serial, key, value)?;
            let book = self.places.remove(&SerialKey::of(row.sku, &row.serial));
            if !invariants::i1_serial_stands_at_one_place(&row, book.as_ref()) {
                let what =
                    format!("serial `{}`: {:?}, books say {book:?}", row.serial, row.newest());
                note(&mut report.violations, Violation::new("I1", what));
            }
            Ok(())
        })?;
        for (key, place) in std::mem::take(&mut self.places) {
            let what = format!("{key:?} stands at {place:?} and has no serial row");
            note(&mut report.violations, Violation::new("I1", what));
        }
        for key in &self.twice {
            let what = format!("{key:?} stands in two books of serial numbers");
            note(&mut report.violations, Violation::new("I1", what));
        }
        Ok(())
    }

    fn read_cargo(
        &mut self,
        backend: &dyn Backend,
        report: &mut ScanReport,
    ) -> Result<(), StateError> {
        backend.scan(Table::Transfer, &[], &[], &mut |key, value| {
            let transfer: Transfer = decode(Table::Transfer, key, value)?;
            if !invariants::i1_cargo_is_under_way(&transfer) {
                let what = format!("lots or serials of transfer `{}`: {transfer:?}", transfer.id);
                note(&mut report.violations, Violation::new("I1", what));
            }
            for (_, serial) in &transfer.serials {
                self.keep(*serial, SerialPlace::InTransit(transfer.id.clone()));
            }
            Ok(())
        })
    }

    fn read_shelves(&mut self, backend: &dyn Backend) -> Result<(), StateError> {
        backend.scan(Table::SerialShelf, &[], &[], &mut |key, value| {
            let shelf: SerialShelf = decode(Table::SerialShelf, key, value)?;
            let place = (key_u32(key, 0).unwrap_or(0), key_u32(key, 4).unwrap_or(0));
            let node = NodeIx(place.1);
            shelf.on_hand.iter().for_each(|&key| self.keep(key, SerialPlace::OnHand(node)));
            shelf.quarantine.iter().for_each(|&key| self.keep(key, SerialPlace::Quarantine(node)));
            self.shelves.insert(place, shelf);
            Ok(())
        })
    }

    /// Compares the serial numbers at a stock row's node with its units.
    pub(super) fn check_units(
        &mut self,
        place: (u32, u32),
        stock: &Stock,
        violations: &mut Vec<Violation>,
    ) {
        let Some(shelf) = self.shelves.remove(&place) else { return };
        if !invariants::i1_serials_are_units(&shelf, stock) {
            let what = format!("serials of {place:?}: {shelf:?}, beside {stock:?}");
            note(violations, Violation::new("I1", what));
        }
    }

    /// Serial numbers where no stock row is.
    pub(super) fn end(&self, violations: &mut Vec<Violation>) {
        for (sku, node) in self.shelves.keys() {
            let what = format!("serials of {:?} at {:?} without a row", SkuIx(*sku), NodeIx(*node));
            note(violations, Violation::new("I1", what));
        }
    }
}
