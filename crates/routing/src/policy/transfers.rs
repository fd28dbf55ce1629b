//! What is suggested to be moved: units that wait, that a rule's nodes do not have and that others do,
//! from where the rule does not let the order be served to the best of the nodes where it does.
//!
//! Nothing is taken by it. Units that are suggested for other orders, or on their way for this one, are
//! not suggested again.

use omnifold_domain::policy::Unserved;
use omnifold_domain::{NodeIx, Offer, Order, SkuIx, SuggestedMove, View, reserved_for_others};
use omnifold_events::v1::Verdict;

use super::compile::CompiledRule;
use super::facts::Asked;
use super::rank::Ranking;
use crate::candidates::Candidates;
use crate::decide::{Plan, Router};
use crate::distance::haversine_m;

impl Router {
    /// Where units of the order are to be moved, where the rule suggests that at all.
    pub(super) fn move_to<V: View>(
        &self,
        rule: &CompiledRule,
        asked: Asked<'_, V>,
        plan: &Plan,
    ) -> Option<NodeIx> {
        if rule.rule.outcome.none != Unserved::Transfer || plan.uncovered.is_empty() {
            return None;
        }
        let nodes = 0..self.candidates.verdicts.len();
        let may_serve = |&node: &usize| may_serve(self.candidates.verdicts[node]);
        let found =
            Ranking(asked).first_of(&self.candidates, rule, nodes.filter(may_serve).collect());
        found.map(|node| NodeIx(node as u32))
    }

    /// What of the uncovered units others are suggested to send there.
    pub(super) fn moves<V: View>(
        &self,
        view: &mut V,
        order: &Order,
        uncovered: &[(usize, i64)],
        to: NodeIx,
    ) -> Vec<SuggestedMove> {
        let mut moves = Vec::new();
        for (sku, units) in by_sku(order, uncovered) {
            let under_way: i64 = order.moves_of(sku).map(|row| row.under_way).sum();
            let flagged = |offer: &Offer| offer.node == to && offer.flagged_out;
            let is_useless = view.offers_of(sku).iter().any(flagged);
            if is_useless || order.was_not_found_at(sku, to) {
                continue;
            }
            let mut missing = units - under_way;
            for (from, free) in sources(view, order, &self.candidates, sku, to) {
                let units = free.min(missing);
                if units > 0 {
                    missing -= units;
                    moves.push(SuggestedMove { sku, from, to, units, under_way: 0 });
                }
            }
        }
        moves
    }
}

/// Whether the rule lets a node serve the order, once it has the units.
fn may_serve(verdict: Verdict) -> bool {
    use Verdict::{
        AgainstRule, Chosen, Costlier, Farther, KeptBack, MoreShipments, MoreSplitLines,
    };
    use Verdict::{NoFreeStock, NotStocked, Outranked, ShelfLife, TieBreak};
    let has_some = matches!(
        verdict,
        Chosen | MoreShipments | MoreSplitLines | Farther | TieBreak | Outranked | Costlier
    );
    let keeps_some = matches!(verdict, KeptBack | AgainstRule | ShelfLife);
    has_some || keeps_some || matches!(verdict, NotStocked | NoFreeStock)
}

/// Whether a node does not serve the order for good, and so may give what it has to one that does. What
/// is left out for a time may serve it yet.
fn may_give(verdict: Verdict) -> bool {
    use Verdict::{Abstained, Disabled, Filtered, LowScore, NotPermitted, OutOfRadius};
    matches!(verdict, Abstained | Disabled | Filtered | LowScore | NotPermitted | OutOfRadius)
}

fn by_sku(order: &Order, uncovered: &[(usize, i64)]) -> Vec<(SkuIx, i64)> {
    let mut rows: Vec<(SkuIx, i64)> = Vec::new();
    for &(line, units) in uncovered {
        let sku = order.lines[line].sku;
        match rows.iter_mut().find(|row| row.0 == sku) {
            Some(row) => row.1 += units,
            None => rows.push((sku, units)),
        }
    }
    rows
}

/// Who may give units of a SKU and how many, the nearest to where they go first; of as near, the smaller
/// id. What orders of this channel may not get, and what others are to get from there, stays.
fn sources<V: View>(
    view: &mut V,
    order: &Order,
    candidates: &Candidates,
    sku: SkuIx,
    to: NodeIx,
) -> Vec<(NodeIx, i64)> {
    let kept = reserved_for_others(view, &order.channel, sku);
    let step = view.item(sku).step_milli();
    let offers = view.offers_of(sku).iter().copied();
    let gives = |offer: &Offer| {
        let node = offer.node.0 as usize;
        offer.node != to && !offer.flagged_out && may_give(candidates.verdicts[node])
    };
    let offers: Vec<Offer> = offers.filter(gives).collect();
    let mut found = Vec::with_capacity(offers.len());
    for offer in offers {
        let node = offer.node;
        let offer = kept.get(node.0 as usize).map_or(offer, |&units| offer.without(units));
        let own: i64 =
            order.moves_of(sku).filter(|row| row.from == node).map(|row| row.units).sum();
        let suggested = view.ledger(sku, node).map_or(0, |ledger| ledger.suggested);
        let free = offer.on_hand - (suggested - own);
        found.push((node, free - free.rem_euclid(step)));
    }
    let place = |node: NodeIx| view.nodes()[node.0 as usize].location;
    let metres = |node| place(node).zip(place(to)).map_or(u32::MAX, |(a, b)| haversine_m(a, b));
    found.retain(|row| row.1 > 0);
    found.sort_by_key(|&(node, _)| (metres(node), view.nodes()[node.0 as usize].id.clone()));
    found
}
