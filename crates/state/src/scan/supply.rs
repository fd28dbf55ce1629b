//! What the rows of purchase orders and suppliers must say of each other.

use std::collections::BTreeMap;

use omnifold_domain::invariants::{self, Violation};
use omnifold_domain::{
    Expected, Inbound, NodeIx, PurchaseOrder, SkuIx, Supplier, SupplierItem, SupplierKey, TimerKey,
    Transfer,
};

use super::{ScanReport, note};
use crate::backend::{Backend, StateError};
use crate::rows::{Table, decode, key_u32};

/// Sums over all rows that something is to come from. Memory grows with what is under way and with
/// the suppliers, not with history.
#[derive(Default)]
struct Sums {
    expected: BTreeMap<(u32, u32), Vec<Expected>>,
    suppliers: BTreeMap<SupplierKey, (i128, i128)>,
}

/// Checks purchase orders, what is expected, and suppliers' records; adds the timers that stock feeds
/// need to `timers`.
pub(super) fn scan(
    backend: &dyn Backend,
    report: &mut ScanReport,
    timers: &mut Vec<TimerKey>,
) -> Result<(), StateError> {
    let mut sums = Sums::default();
    backend.scan(Table::Transfer, &[], &[], &mut |key, value| {
        let transfer: Transfer = decode(Table::Transfer, key, value)?;
        sums.expect(transfer.expected());
        Ok(())
    })?;
    backend.scan(Table::PurchaseOrder, &[], &[], &mut |key, value| {
        let order: PurchaseOrder = decode(Table::PurchaseOrder, key, value)?;
        if !invariants::l21_purchase_is_within_bounds(&order) {
            let what = format!("purchase order `{}`: {:?}", order.id, order.lines);
            note(&mut report.violations, Violation::new("L21", what));
        }
        sums.add(&order);
        Ok(())
    })?;
    sums.compare_inbound(backend, report)?;
    sums.compare_suppliers(backend, report)?;
    backend.scan(Table::SupplierItem, &[], &[], &mut |key, value| {
        let item: SupplierItem = decode(Table::SupplierItem, key, value)?;
        timers.extend(item.feed.and_then(|feed| feed.timer()));
        Ok(())
    })
}

impl Sums {
    fn expect(&mut self, expected: Vec<Expected>) {
        for row in expected {
            self.expected.entry((row.sku.0, row.node.0)).or_default().push(row);
        }
    }

    fn add(&mut self, order: &PurchaseOrder) {
        self.expect(order.expected());
        let (ordered, on_time) = order.punctuality();
        let key = SupplierKey::of(&order.supplier, &order.company);
        let sum = self.suppliers.entry(key).or_default();
        *sum = (sum.0 + ordered, sum.1 + on_time);
    }

    fn compare_inbound(
        &mut self,
        backend: &dyn Backend,
        report: &mut ScanReport,
    ) -> Result<(), StateError> {
        backend.scan(Table::Inbound, &[], &[], &mut |key, value| {
            let row: Inbound = decode(Table::Inbound, key, value)?;
            let place = (key_u32(key, 0).unwrap_or(0), key_u32(key, 4).unwrap_or(0));
            let expected = self.expected.remove(&place).unwrap_or_default();
            check_inbound(place, &row, &expected, &mut report.violations);
            Ok(())
        })?;
        for (place, expected) in std::mem::take(&mut self.expected) {
            check_inbound(place, &Inbound::default(), &expected, &mut report.violations);
        }
        Ok(())
    }

    fn compare_suppliers(
        &mut self,
        backend: &dyn Backend,
        report: &mut ScanReport,
    ) -> Result<(), StateError> {
        backend.scan(Table::Supplier, &[], &[], &mut |key, value| {
            let row: Supplier = decode(Table::Supplier, key, value)?;
            let sum = self.suppliers.remove(&SupplierKey::of(&row.id, &row.company));
            if sum.unwrap_or_default() != (row.ordered, row.on_time) {
                let what = format!("supplier `{}`: {row:?}, its orders say {sum:?}", row.id);
                note(&mut report.violations, Violation::new("L21", what));
            }
            Ok(())
        })?;
        for (key, sum) in std::mem::take(&mut self.suppliers) {
            if sum != (0, 0) {
                let what = format!("{key:?} has no row, its orders say {sum:?}");
                note(&mut report.violations, Violation::new("L21", what));
            }
        }
        Ok(())
    }
}

fn check_inbound(
    (sku, node): (u32, u32),
    row: &Inbound,
    expected: &[Expected],
    violations: &mut Vec<Violation>,
) {
    if !invariants::i1_inbound_has_sources(row, expected) {
        let place = (SkuIx(sku), NodeIx(node));
        let what = format!("inbound of {place:?}: {row:?}, its sources say {expected:?}");
        note(violations, Violation::new("I1", what));
    }
}
