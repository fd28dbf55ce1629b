//! What a channel may sell (rule Q4).

use crate::{Channel, SkuIx, View};

/// Channel ATP: the node ATP of every exposed, enabled node that does not flag the SKU out, a
/// negative one counted as nothing, less the channel's threshold; at least 0.
pub fn channel_atp<V: View>(view: &mut V, channel: &Channel, sku: SkuIx) -> i64 {
    let rows = view.stock_of(sku).to_vec();
    let nodes = view.nodes();
    let sells = |row: &&crate::StockAt| {
        !row.stock.flagged_out
            && channel.exposes(row.node)
            && nodes[row.node.0 as usize].takes_work()
    };
    let shown = rows.iter().filter(sells).map(|row| row.stock.atp().max(0));
    let sum = shown.fold(0i64, i64::saturating_add);
    sum.saturating_sub(channel.threshold).max(0)
}
