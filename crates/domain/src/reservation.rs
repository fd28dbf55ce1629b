//! Stock reserved for a channel: units that only its orders may be promised. To the other channels they
//! are as a buffer. What is assigned to the channel's own orders is taken off its reservation first.

use crate::{Ledger, NodeIx, Offer, SkuIx, State, View};

impl Ledger {
    /// Units kept for other channels than this one.
    pub fn reserved_for_others(&self, channel: &str) -> i64 {
        let others = self.reserved.iter().filter(|row| row.0 != channel);
        others.map(|row| row.1).fold(0, i64::saturating_add)
    }

    /// Keeps so many units for a channel, in place of what was kept for it before.
    pub(crate) fn reserve(&mut self, channel: &str, units: i64) {
        self.reserved.retain(|row| row.0 != channel);
        if units > 0 {
            self.reserved.push((channel.to_owned(), units));
            self.reserved.sort_unstable();
        }
    }

    fn reserved_for(&self, channel: &str) -> i64 {
        self.reserved.iter().find(|row| row.0 == channel).map_or(0, |row| row.1)
    }
}

impl Offer {
    /// What is left of it for who may not have so many units: stock first, then what is promised
    /// without stock, as for a buffer.
    #[inline]
    pub fn without(self, reserved: i64) -> Self {
        let on_hand = (self.on_hand - reserved).max(0);
        let all = self.on_hand.saturating_add(self.backorder).saturating_sub(reserved).max(0);
        Offer { on_hand, backorder: all - on_hand, ..self }
    }
}

/// Units of a SKU that each node keeps for other channels, by number of the node; empty where the
/// market never reserved any.
pub fn reserved_for_others<V: View>(view: &mut V, channel: &str, sku: SkuIx) -> Vec<i64> {
    if !view.settings().is_some_and(|settings| settings.reserves) {
        return Vec::new();
    }
    let nodes = u32::try_from(view.nodes().len()).expect("nodes fit a u32");
    let mut kept = |node: u32| {
        let ledger = view.ledger(sku, NodeIx(node));
        ledger.map_or(0, |ledger| ledger.reserved_for_others(channel))
    };
    (0..nodes).map(&mut kept).collect()
}

/// Units were assigned to an order of a channel.
pub(crate) fn consume<S: State>(
    state: &mut S,
    channel: &str,
    sku: SkuIx,
    node: NodeIx,
    units: i64,
) {
    let kept = state.ledger(sku, node).map_or(0, |ledger| ledger.reserved_for(channel));
    if kept > 0 {
        let mut ledger = state.ledger(sku, node).cloned().expect("just read");
        ledger.reserve(channel, (kept - units).max(0));
        state.put_ledger(sku, node, ledger);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_is_to_others_as_a_buffer() {
        let offer = Offer { node: NodeIx(0), flagged_out: false, on_hand: 5, backorder: 3 };
        let left = |reserved: i64| {
            let left = offer.without(reserved);
            (left.on_hand, left.backorder)
        };
        assert_eq!(
            [left(0), left(2), left(5), left(7), left(9)],
            [(5, 3), (3, 3), (0, 3), (0, 1), (0, 0)]
        );
    }

    #[test]
    fn each_channel_keeps_its_own() {
        let mut ledger = Ledger::default();
        ledger.reserve("web", 5);
        ledger.reserve("app", 2);
        ledger.reserve("web", 4);
        let others = |channel: &str| ledger.reserved_for_others(channel);
        assert_eq!((others("web"), others("app"), others("shop")), (2, 4, 6));
        ledger.reserve("web", 0);
        assert_eq!(ledger.reserved, [("app".to_owned(), 2)]);
    }
}
