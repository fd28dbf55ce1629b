//! What lots say of a node's free units: in how many days the first of them ends, and how many of them
//! last as long as a rule wants. Looked up where a rule asks, and for SKUs that have lots.

use omnifold_domain::policy::By;
use omnifold_domain::{Lot, NodeIx, View, lasts_until};

use super::compile::CompiledRule;
use crate::candidates::Candidates;

/// Days are of 24 hours from now on, whatever the calendars of nodes say.
const DAY_MS: i64 = 86_400_000;

/// What the rule that is tried asked for. Its memory is reused from order to order.
#[derive(Default)]
pub(crate) struct ShelfLife {
    /// Whole days until the first of its lots ends, by node; empty where the rule does not ask.
    ends_in: Vec<Option<i64>>,
    /// Units that last long enough, by node and place of the SKU; empty where the rule does not ask.
    lasting: Vec<i64>,
    skus: usize,
}

impl ShelfLife {
    pub(super) fn clear(&mut self) {
        self.ends_in.clear();
        self.lasting.clear();
    }

    /// Looks up what the rule asks. What a node cannot send before it ends counts for nothing.
    pub(super) fn gather<V: View>(
        &mut self,
        view: &mut V,
        now_ms: i64,
        candidates: &Candidates,
        rule: &CompiledRule,
    ) {
        let min_days = rule.rule.nodes.min_shelf_days;
        if min_days == 0 && !rule.rule.ranks_by(By::Expiry) {
            return; // nearly every rule
        }
        self.skus = candidates.skus.len();
        self.ends_in.resize(candidates.verdicts.len(), None);
        self.lasting.resize(candidates.verdicts.len() * self.skus, i64::MAX);
        for node in (0..candidates.verdicts.len()).filter(|&node| candidates.has_free_stock(node)) {
            let until_ms = lasts_until(&view.nodes()[node], now_ms, min_days);
            for (place, demand) in candidates.skus.iter().enumerate() {
                if candidates.free(node)[place] <= 0 || !view.item(demand.sku).has_lots {
                    continue;
                }
                let lots = view.lots(demand.sku, NodeIx(node as u32));
                let lots = lots.map_or(&[][..], |lots| &lots.rows);
                let lasting = lots.iter().filter(|lot| !lot.id.is_expired(until_ms));
                self.lasting[node * self.skus + place] = lasting.clone().map(Lot::free).sum();
                let ends = lasting.filter(|lot| lot.free() > 0 && lot.id.ends_at != 0);
                let first = ends.map(|lot| (lot.id.ends_at - now_ms) / DAY_MS).min();
                let known = self.ends_in[node];
                self.ends_in[node] = [known, first].into_iter().flatten().min();
            }
        }
    }

    /// Whole days from now until the first of a node's lots ends; `None`: no lot of it does, or the rule
    /// does not ask.
    pub(super) fn ends_in(&self, node: usize) -> Option<i64> {
        self.ends_in.get(node).copied().flatten()
    }

    /// Units of a SKU that last as long as the rule wants; of a SKU without lots, any number.
    pub(super) fn lasting(&self, node: usize, sku: usize) -> i64 {
        self.lasting.get(node * self.skus + sku).copied().unwrap_or(i64::MAX)
    }
}
