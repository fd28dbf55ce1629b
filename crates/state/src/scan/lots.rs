//! What the rows of lots must say: no more than is there, and promised to orders that know it.

use std::collections::BTreeMap;

use omnifold_domain::invariants::{self, Violation};
use omnifold_domain::{Lots, NodeIx, Order, OrderKey, SkuIx, Stock, TimerKey};

use super::{ScanReport, note};
use crate::backend::{Backend, StateError};
use crate::rows::{Table, decode, key_u32};

/// What orders hold of lots, and the lots. Memory grows with the lots, not with history.
#[derive(Default)]
pub(super) struct Sums {
    promised: BTreeMap<(u32, u32, String), BTreeMap<OrderKey, i64>>,
    rows: BTreeMap<(u32, u32), Lots>,
}

impl Sums {
    /// Adds what an order holds.
    pub(super) fn add(&mut self, order: &Order) {
        for share in order.lots().iter().filter(|share| share.promised != 0) {
            let fulfilment = &order.fulfilments[share.fulfilment as usize];
            let line = fulfilment.lines[share.line as usize].line as usize;
            let place = (order.lines[line].sku.0, fulfilment.node.0, share.lot.name.clone());
            let held = self.promised.entry(place).or_default();
            *held.entry(order.key()).or_default() += share.promised;
        }
    }

    /// Reads the lots once all orders are known; each that ends has its timer.
    pub(super) fn read(
        &mut self,
        backend: &dyn Backend,
        report: &mut ScanReport,
        timers: &mut Vec<TimerKey>,
    ) -> Result<(), StateError> {
        backend.scan(Table::Lots, &[], &[], &mut |key, value| {
            let lots: Lots = decode(Table::Lots, key, value)?;
            let place = (key_u32(key, 0).unwrap_or(0), key_u32(key, 4).unwrap_or(0));
            timers.extend(lots.timer(SkuIx(place.0), NodeIx(place.1)));
            for lot in &lots.rows {
                let name = (place.0, place.1, lot.id.name.clone());
                let owned = self.promised.remove(&name).unwrap_or_default();
                if !invariants::i6_lots_have_owners(lot, &owned) {
                    let what = format!("lot {name:?}: {lot:?}, orders hold {owned:?}");
                    note(&mut report.violations, Violation::new("I6", what));
                }
            }
            self.rows.insert(place, lots);
            Ok(())
        })?;
        for (place, units) in std::mem::take(&mut self.promised) {
            let what = format!("{units:?} promised of lot {place:?} that has no row");
            note(&mut report.violations, Violation::new("I6", what));
        }
        Ok(())
    }

    /// Compares the lots of a stock row with what is on hand.
    pub(super) fn check_on_hand(
        &self,
        place: (u32, u32),
        stock: &Stock,
        violations: &mut Vec<Violation>,
    ) {
        let Some(lots) = self.rows.get(&place) else { return };
        if !invariants::i1_lots_are_there(lots, stock) {
            let what = format!("lots of {place:?}: {lots:?}, beside {stock:?}");
            note(violations, Violation::new("I1", what));
        }
    }
}
