//! When nodes begin what comes now, and which do not for longer than the market allows. Looked up
//! once for each span of time in which the answer stays the same, not once an order.

use omnifold_domain::{Node, Presence, View};

/// What is known of each node's calendar.
#[derive(Default, Clone)]
pub(crate) struct Closed {
    network_version: u64,
    /// By number; `None`: not looked up yet, or it opens in no time that can be looked at.
    presences: Vec<Option<(i64, Presence)>>,
}

impl Closed {
    /// Forgets what was known of an earlier network.
    pub(crate) fn renew<V: View>(&mut self, view: &V) {
        if self.network_version != view.network_version() {
            self.network_version = view.network_version();
            self.presences.clear();
        }
    }

    /// Whether the node of that number is closed for longer than `max_closed_ms` from now.
    pub(crate) fn is_closed(
        &mut self,
        number: usize,
        node: &Node,
        now_ms: i64,
        max_closed_ms: i64,
    ) -> bool {
        self.begins(number, node, now_ms).is_none_or(|begins| begins - now_ms > max_closed_ms)
    }

    /// When the node of that number begins what comes now: at once where it has no calendar. `None`: in
    /// no time that can be looked at.
    pub(crate) fn begins(&mut self, number: usize, node: &Node, now_ms: i64) -> Option<i64> {
        let Some(opening) = &node.opening else { return Some(now_ms) };
        if self.presences.len() <= number {
            self.presences.resize(number + 1, None);
        }
        let known = self.presences[number]
            .filter(|(since, presence)| (*since..presence.until).contains(&now_ms));
        let found = known.or_else(|| Some((now_ms, opening.presence(now_ms)?)));
        self.presences[number] = found;
        found.map(|(_, presence)| presence.begins)
    }
}
