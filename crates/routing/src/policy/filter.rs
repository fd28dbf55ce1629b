//! Which nodes a rule takes for an order.

use omnifold_domain::View;
use omnifold_events::v1::Verdict;

use super::compile::CompiledRule;
use super::facts::{Asked, PairFacts};
use crate::candidates::Candidates;
use crate::distance::UNKNOWN;

/// Takes out of the running what the rule does not take. The rest keeps its verdicts.
pub(super) fn filter<V: View>(
    candidates: &mut Candidates,
    rule: &CompiledRule,
    asked: Asked<'_, V>,
) {
    let radius_m = rule.rule.nodes.radius_km.map(|km| u64::from(km) * 1_000);
    for node in 0..candidates.verdicts.len() {
        let metres = candidates.distances[node];
        let is_far = |radius: u64| metres == UNKNOWN || u64::from(metres) > radius;
        if !rule.passes[node] {
            candidates.drop_node(node, Verdict::Filtered);
        } else if radius_m.is_some_and(is_far) {
            candidates.drop_node(node, Verdict::OutOfRadius);
        } else if let Some(when) = &rule.node_when
            && !when.holds(&PairFacts { asked, candidates: &*candidates, node })
        {
            candidates.drop_node(node, Verdict::Filtered);
        }
    }
    leave_behind(candidates, rule);
    if rule.rule.outcome.backorder == Some(false) {
        candidates.forget_backorders();
    }
}

/// Units that these orders do not take from any node.
fn leave_behind(candidates: &mut Candidates, rule: &CompiledRule) {
    let (units, percent) = (rule.rule.nodes.leave_units, rule.rule.nodes.leave_percent);
    if units == 0 && percent == 0 {
        return;
    }
    for node in 0..candidates.verdicts.len() {
        if !candidates.has_free_stock(node) {
            continue;
        }
        for sku in 0..candidates.skus.len() {
            let (free, step) = (candidates.free(node)[sku], candidates.skus[sku].step);
            let share = (i128::from(free) * i128::from(percent) / 100) as i64;
            let kept = share.max(i64::from(units) * 1_000);
            let kept = kept.saturating_add(step - 1) / step * step;
            candidates.leave(node, sku, kept.clamp(0, free.max(0)));
        }
        if candidates.free(node).iter().all(|&units| units <= 0) {
            candidates.verdicts[node] = Verdict::KeptBack;
        }
    }
}
