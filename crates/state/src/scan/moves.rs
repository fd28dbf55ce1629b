//! What orders say is suggested to be moved for them, beside what the ledgers of the nodes say.

use std::collections::BTreeMap;

use omnifold_domain::invariants::Violation;
use omnifold_domain::{Ledger, Order};

use super::note;

/// Units that orders suggest to move, by SKU and node that they leave.
#[derive(Default)]
pub(super) struct Suggested(BTreeMap<(u32, u32), i64>);

impl Suggested {
    /// An order: nothing is to come for units that do not wait.
    pub(super) fn add(&mut self, order: &Order, violations: &mut Vec<Violation>) {
        for row in order.moves() {
            *self.0.entry((row.sku.0, row.from.0)).or_default() += row.units;
            let awaited: i64 = order.moves_of(row.sku).map(|row| row.units + row.under_way).sum();
            if row.units < 0 || row.under_way < 0 || awaited > order.waiting_of(row.sku) {
                let what = format!("order {}: {row:?} is more than waits", order.order_id);
                note(violations, Violation::new("I6", what));
            }
        }
    }

    /// A ledger, once all orders are known.
    pub(super) fn check(&mut self, place: (u32, u32), ledger: &Ledger, found: &mut Vec<Violation>) {
        let told = self.0.remove(&place).unwrap_or(0);
        if told != ledger.suggested {
            let what = format!("SKU {} at node {}: orders suggest {told}", place.0, place.1);
            note(found, Violation::new("I6", format!("{what}, its ledger {}", ledger.suggested)));
        }
    }

    /// What is left has no ledger.
    pub(super) fn end(self, violations: &mut Vec<Violation>) {
        for (place, units) in self.0.into_iter().filter(|row| row.1 != 0) {
            let what = format!("SKU {} at node {} has no ledger", place.0, place.1);
            note(violations, Violation::new("I6", format!("{what}, orders suggest {units}")));
        }
    }
}
