//! When the units that an order waits for will be there, by what is inbound (rules Q6 and H6): what comes
//! serves the orders ahead of it first. Nothing is set aside for anybody by it; it is what a promise to a
//! waiting customer is made of.

use std::collections::BTreeMap;

use crate::phased::atp_by_date;
use crate::{NodeIx, Order, SkuIx, View, WaitingKey};

/// Orders of a SKU's queue that are given a date: so many from the first.
pub const MOST_DATED: usize = 256;

/// Where and when what an order waits for will be there, the last of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StockDue {
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Where most of it comes in.
    pub node: NodeIx,
}

/// When all these units of an order (place of the line, units) can be promised. `None`: nobody knows, all
/// of them are there now, or what is to bring them is overdue.
pub fn stock_due<V: View>(
    view: &mut V,
    order: &Order,
    waiting: &[(usize, i64)],
    now_ms: i64,
) -> Option<StockDue> {
    let mut wanted: BTreeMap<SkuIx, i64> = BTreeMap::new();
    for &(line, units) in waiting {
        *wanted.entry(order.lines[line].sku).or_default() += units;
    }
    let mut last: Option<StockDue> = None;
    for (sku, units) in wanted {
        let due = due_of_sku(view, order, sku, units)?;
        last = last.max(Some(due));
    }
    last.filter(|due| due.at_ms > now_ms)
}

/// When units of one SKU can be promised; 0: now.
fn due_of_sku<V: View>(view: &mut V, order: &Order, sku: SkuIx, units: i64) -> Option<StockDue> {
    let coming = coming(view, order, sku);
    if coming.iter().all(|&(at_ms, _, atp)| at_ms == 0 && atp <= 0) {
        return None; // nothing is there and nothing comes: nobody ahead need be counted
    }
    let needed = ahead_of(view, order, sku)?.checked_add(units)?;
    let mut known: BTreeMap<NodeIx, i64> = BTreeMap::new();
    let mut total = 0i64;
    for at_date in coming.chunk_by(|a, b| a.0 == b.0) {
        let mut most = (0, at_date[0].1);
        for &(_, node, atp) in at_date {
            let before = known.insert(node, atp.max(0)).unwrap_or(0);
            let grown = atp.max(0) - before;
            total = total.saturating_add(grown);
            most = if grown > most.0 { (grown, node) } else { most };
        }
        if total >= needed {
            return Some(StockDue { at_ms: at_date[0].0, node: most.1 });
        }
    }
    None
}

/// (from when on, node, units that can be promised there then), by date and node.
fn coming<V: View>(view: &mut V, order: &Order, sku: SkuIx) -> Vec<(i64, NodeIx, i64)> {
    let nodes = u32::try_from(view.nodes().len()).expect("nodes fit a u32");
    let mut coming = Vec::new();
    for node in (0..nodes).map(NodeIx) {
        if !may_serve(view, order, node) {
            continue;
        }
        let inbound = view.inbound(sku, node).cloned();
        let stock = view.stock_at(sku, node);
        let is_out = stock.is_some_and(|stock| stock.flagged_out);
        if inbound.is_none() && stock.is_none() || is_out {
            continue;
        }
        let dates = atp_by_date(&stock.unwrap_or_default(), &inbound.unwrap_or_default());
        coming.extend(dates.into_iter().map(|(at_ms, atp)| (at_ms, node, atp)));
    }
    coming.sort_unstable();
    coming
}

fn may_serve<V: View>(view: &V, order: &Order, node: NodeIx) -> bool {
    let channels = view.settings().map(|settings| &settings.channels);
    let channel = channels.and_then(|channels| channels.get(&order.channel));
    view.nodes()[node.0 as usize].takes_work()
        && order.permits(channel, node)
        && !order.excluded.contains(&node)
}

/// Units of a SKU that orders ahead of this one wait for. `None`: there are too many of them.
fn ahead_of<V: View>(view: &mut V, order: &Order, sku: SkuIx) -> Option<i64> {
    let own = WaitingKey::of(order, sku);
    let (mut sum, mut after) = (0i64, None);
    for _ in 0..MOST_DATED {
        let Some((place, key)) = view.next_waiting(sku, after).filter(|(place, _)| *place < own)
        else {
            return Some(sum);
        };
        sum = sum.saturating_add(view.order(key).map_or(0, |order| order.waiting_of(sku)));
        after = Some(place);
    }
    None
}
