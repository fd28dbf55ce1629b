//! Units that last: what orders of rules with `min_shelf_days` may be given in a wave.
//!
//! Of each SKU that has lots, and each number of days that some order of the wave asks for, a shelf counts
//! the units that last so long and that no such order holds. An order that asks for 20 days counts on the
//! shelf of 10, too: so as many orders find units that last as the shelves say, whichever of them are told
//! first what lasts just long enough, those that ask for most first. Others are told what is left; of what
//! they hold now nothing is counted on.

use std::collections::{BTreeMap, BTreeSet};

use omnifold_domain::{Lot, NodeIx, SkuIx, View, lasts_until};

use super::gather::{Gathered, parts};

/// The shelves of a wave, numbered in order.
pub(super) struct Shelves {
    /// (SKU, days).
    kinds: Vec<(SkuIx, u32)>,
    /// What orders with such rules hold, by SKU and node.
    held: BTreeMap<(SkuIx, NodeIx), Vec<Held>>,
}

/// Units that an order holds at a node, and of which lots; units of no lot have no name.
struct Held {
    days: u32,
    units: i64,
    lots: Vec<(String, i64)>,
}

impl Shelves {
    pub fn of<V: View>(wave: &Gathered, view: &V) -> Self {
        let mut kinds = BTreeSet::new();
        let mut held: BTreeMap<(SkuIx, NodeIx), Vec<Held>> = BTreeMap::new();
        for member in wave.members.iter().filter(|member| member.model.min_shelf_days > 0) {
            let (order, days) = (&member.order, member.model.min_shelf_days);
            let has_lots = |sku: &SkuIx| view.item(*sku).has_lots;
            kinds.extend(
                member.rows.iter().map(|row| row.sku).filter(has_lots).map(|sku| (sku, days)),
            );
            for (place, part) in parts(order) {
                for (row, line) in part.lines.iter().enumerate() {
                    let lots = order.lots_held(place, row, line.allocated).into_iter();
                    let lots = lots.map(|(lot, units)| (lot.name, units)).collect();
                    let sku = order.lines[line.line as usize].sku;
                    let its = held.entry((sku, part.node)).or_default();
                    its.push(Held { days, units: line.allocated, lots });
                }
            }
        }
        Shelves { kinds: kinds.into_iter().collect(), held }
    }

    pub fn count(&self) -> usize {
        self.kinds.len()
    }

    /// Shelves of a SKU on which an order counts that asks for so many days: those of fewer days first.
    pub fn up_to(&self, sku: SkuIx, days: u32) -> impl Iterator<Item = usize> {
        let is_asked = move |of: &(SkuIx, u32)| of.0 == sku && of.1 <= days;
        (0..self.kinds.len()).filter(move |&number| is_asked(&self.kinds[number]))
    }

    /// (node, shelf, units): what lasts so long and nobody holds who asks for it. Less than nothing where
    /// what they hold does not last as long any more.
    pub fn free<V: View>(&self, view: &mut V, now_ms: i64) -> Vec<(usize, usize, i64)> {
        let mut free = Vec::new();
        for (number, &(sku, days)) in self.kinds.iter().enumerate() {
            let step = view.item(sku).step_milli().max(1);
            let nodes: Vec<NodeIx> = view.stock_of(sku).iter().map(|row| row.node).collect();
            for node in nodes {
                let until_ms = lasts_until(&view.nodes()[node.0 as usize], now_ms, days);
                let lots = view.lots(sku, node).map_or(&[][..], |lots| &lots.rows);
                let its = self.held.get(&(sku, node)).map_or(&[][..], Vec::as_slice);
                let its: Vec<&Held> = its.iter().filter(|held| held.days >= days).collect();
                let lasting = lots.iter().filter(|lot| !lot.id.is_expired(until_ms));
                let there: i64 = lasting.map(|lot| there(lot, &its)).sum();
                let taken: i64 = its.iter().map(|held| held.units).sum();
                free.push((node.0 as usize, number, there.div_euclid(step) * step - taken));
            }
        }
        free
    }
}

/// Units of a lot that nobody else was told to take.
fn there(lot: &Lot, its: &[&Held]) -> i64 {
    let rows = its.iter().flat_map(|held| &held.lots).filter(|row| row.0 == lot.id.name);
    let own: i64 = rows.map(|row| row.1).sum();
    (lot.on_hand - lot.promised + own).max(0)
}
