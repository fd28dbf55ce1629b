//! What a channel may sell (rule Q4).

use crate::{Channel, Kit, SkuIx, View, reserved_for_others};

/// Channel ATP: the node ATP of every exposed, enabled node that does not flag the SKU out, a
/// negative one counted as nothing, less the channel's threshold; at least 0. Of a kit, each node
/// has as many as the scarcest of its parts makes up; one that may be split, as many as all nodes
/// together make up. What stands assembled comes on top.
/// What is reserved for others is not there. `channel` is the channel's name and its definition.
pub fn channel_atp<V: View>(view: &mut V, channel: (&str, &Channel), sku: SkuIx) -> i64 {
    let kit = view.item(sku).kit.clone();
    let assembled = kit.as_deref().is_none_or(|kit| kit.assembled_first);
    let mut sum: i64 = if assembled { total(&shown(view, channel, sku)) } else { 0 };
    if let Some(kit) = kit.as_deref() {
        sum = sum.saturating_add(kits(view, channel, kit));
    }
    sum.saturating_sub(channel.1.threshold).max(0)
}

/// (number of the node, units it shows) of the nodes that the channel sells from.
fn shown<V: View>(view: &mut V, channel: (&str, &Channel), sku: SkuIx) -> Vec<(u32, i64)> {
    let kept = reserved_for_others(view, channel.0, sku);
    let kept = |node: u32| kept.get(node as usize).copied().unwrap_or(0);
    let rows = view.stock_of(sku).to_vec();
    let nodes = view.nodes();
    let sells = |row: &&crate::StockAt| {
        !row.stock.flagged_out
            && channel.1.exposes(row.node)
            && nodes[row.node.0 as usize].takes_work()
    };
    let left = |row: &crate::StockAt| row.stock.atp().saturating_sub(kept(row.node.0)).max(0);
    rows.iter().filter(sells).map(|row| (row.node.0, left(row))).collect()
}

fn total(shown: &[(u32, i64)]) -> i64 {
    shown.iter().map(|row| row.1).fold(0i64, i64::saturating_add)
}

/// Whole kits that the parts make up.
fn kits<V: View>(view: &mut V, channel: (&str, &Channel), kit: &Kit) -> i64 {
    let parts = kit.components.iter().map(|part| (part.sku, shown(view, channel, part.sku)));
    let parts: Vec<(SkuIx, Vec<(u32, i64)>)> = parts.collect();
    let rows = |sku: SkuIx| parts.iter().find(|row| row.0 == sku).map_or(&[][..], |row| &row.1);
    if kit.may_split {
        return kit.whole(|sku| total(rows(sku)));
    }
    let first = parts.first().map_or(&[][..], |row| &row.1);
    let at =
        |node: u32, sku: SkuIx| rows(sku).iter().find(|row| row.0 == node).map_or(0, |row| row.1);
    let made = first.iter().map(|&(node, _)| kit.whole(|sku| at(node, sku)));
    made.fold(0i64, i64::saturating_add)
}
