//! Transfers that are suggested for orders, as their outcomes tell them.

use omnifold_events::v1;

use super::audit::{Audit, Key};
use super::report::Rule;

impl Audit {
    /// Nothing is suggested that the order does not wait for, or that is not free where it is to come
    /// from.
    pub(super) fn transfers_suggested(&mut self, key: Key, name: &str, outcome: &v1::OrderOutcome) {
        let Some(plan) = &outcome.transfers else { return };
        let mut sums: Vec<(u32, i64)> = Vec::new();
        for row in &plan.moves {
            let (sku, units) = (self.names.number(&row.sku), row.quantity_milli);
            let shelf = self.shelf(&row.from_node_id, &row.sku);
            let free = if shelf.flagged_out { 0 } else { shelf.free() };
            if units <= 0 || units > free || row.from_node_id == row.to_node_id {
                let detail = format!("{row:?} is suggested, {free} free");
                self.violation(Rule::Transfers, name, detail);
            }
            match sums.iter_mut().find(|sum| sum.0 == sku) {
                Some(sum) => sum.1 += units,
                None => sums.push((sku, units)),
            }
        }
        let Some(order) = self.orders.get(&key) else { return };
        let waits = |sku: u32| -> i64 {
            order.lines.iter().filter(|line| line.sku == sku).map(|line| line.waiting).sum()
        };
        let over = sums.into_iter().find(|&(sku, units)| units > waits(sku));
        if let Some((sku, units)) = over {
            let detail = format!("{units} are to be moved, {} wait", waits(sku));
            self.violation(Rule::Transfers, name, detail);
        }
    }
}
