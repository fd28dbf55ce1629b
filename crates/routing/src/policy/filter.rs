//! Which nodes a rule takes for an order.

use omnifold_domain::{NodeIx, View};
use omnifold_events::v1::Verdict;

use super::compile::CompiledRule;
use super::facts::{Asked, PairFacts};
use super::known::Known;
use crate::candidates::Candidates;
use crate::distance::UNKNOWN;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

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
        } else if rule.rule.nodes.in_area && !rule.serves(node, asked.order) {
            candidates.drop_node(node, Verdict::Filtered);
        } else if let Some(back_at) = cooling_until(rule, asked, node) {
            candidates.drop_for_a_time(node, Verdict::CoolingDown, Some(back_at));
        } else if is_below(rule, asked, node) {
            candidates.drop_node(node, Verdict::LowScore);
        } else if let Some(back_at) = begins_too_late(candidates, rule, asked, node) {
            candidates.drop_for_a_time(node, Verdict::Closed, back_at);
        } else if let Some(when) = &rule.node_when
            && !when.holds(&PairFacts { asked, candidates: &*candidates, node })
        {
            candidates.drop_node(node, Verdict::Filtered);
        }
    }
    keep_lasting(candidates, rule, asked.known);
    leave_behind(candidates, rule, asked.known);
    if rule.rule.outcome.backorder == Some(false) {
        candidates.forget_backorders();
    }
}

/// Until when the rule leaves the node alone, because it turned work down; `None`: it does not.
fn cooling_until<V: View>(rule: &CompiledRule, asked: Asked<'_, V>, node: usize) -> Option<i64> {
    let cool_down_ms = i64::from(rule.rule.nodes.cool_down_minutes) * MINUTE_MS;
    if cool_down_ms == 0 {
        return None;
    }
    let rejected_at = asked.view.node_day(NodeIx(node as u32)).rejected_at;
    let until = rejected_at + cool_down_ms;
    (rejected_at != 0 && asked.now_ms < until).then_some(until)
}

/// Where the node failed too much of its work lately. Of a node of which too little is known nobody
/// can say so: it passes.
fn is_below<V: View>(rule: &CompiledRule, asked: Asked<'_, V>, node: usize) -> bool {
    let floor = rule.rule.nodes.min_score;
    floor > 0 && asked.score(node).is_some_and(|score| score < floor)
}

/// Whether the node begins the order later than the rule wants, by its calendar and cut-off: the instant
/// from which it does not, where there is one. `None`: it begins in time.
fn begins_too_late<V: View>(
    candidates: &mut Candidates,
    rule: &CompiledRule,
    asked: Asked<'_, V>,
    node: usize,
) -> Option<Option<i64>> {
    let (wanted, now_ms) = (&rule.rule.nodes, asked.now_ms);
    if !wanted.begins_today && wanted.begins_within_hours.is_none() {
        return None;
    }
    let row = &asked.view.nodes()[node];
    let Some(begins) = candidates.closed.begins(node, row, now_ms) else { return Some(None) };
    let opening = row.opening.as_ref()?; // without one it begins at once
    let another_day = wanted.begins_today && !opening.on_one_day(now_ms, begins);
    let within_ms = wanted.begins_within_hours.map(|hours| i64::from(hours) * HOUR_MS);
    let too_far = within_ms.filter(|within| begins - now_ms > *within);
    if !another_day && too_far.is_none() {
        return None;
    }
    let day = if another_day { opening.start_of_day(begins) } else { Some(now_ms) };
    let near = too_far.map_or(now_ms, |within| begins - within);
    Some(day.map(|day| day.max(near)))
}

/// Units that do not last as long as the rule wants count for nothing. Of a SKU with lots, those of no
/// lot: nobody knows how long they last.
fn keep_lasting(candidates: &mut Candidates, rule: &CompiledRule, known: &Known) {
    if rule.rule.nodes.min_shelf_days == 0 {
        return;
    }
    leave(candidates, Verdict::ShelfLife, |node, sku, free| {
        (free - known.shelf_life.lasting(node, sku)).max(0)
    });
}

/// Units that these orders do not take from any node.
fn leave_behind(candidates: &mut Candidates, rule: &CompiledRule, known: &Known) {
    let (units, percent) = (rule.rule.nodes.leave_units, rule.rule.nodes.leave_percent);
    let weeks = i64::from(rule.rule.nodes.leave_weeks);
    if units == 0 && percent == 0 && weeks == 0 {
        return;
    }
    leave(candidates, Verdict::KeptBack, |node, sku, free| {
        let share = (i128::from(free) * i128::from(percent) / 100) as i64;
        let sold = known.weekly_sales(node, sku).saturating_mul(weeks);
        share.max(i64::from(units) * 1_000).max(sold)
    });
}

/// Leaves units of each SKU where they are, in whole steps of it: so many of those that are free at a node.
/// A node of which nothing is left to take has this verdict.
fn leave(candidates: &mut Candidates, verdict: Verdict, units: impl Fn(usize, usize, i64) -> i64) {
    for node in 0..candidates.verdicts.len() {
        if !candidates.has_free_stock(node) {
            continue;
        }
        for sku in 0..candidates.skus.len() {
            let (free, step) = (candidates.free(node)[sku], candidates.skus[sku].step);
            let left = units(node, sku, free).saturating_add(step - 1) / step * step;
            candidates.leave(node, sku, left.clamp(0, free.max(0)));
        }
        if candidates.free(node).iter().all(|&units| units <= 0) {
            candidates.verdicts[node] = verdict;
        }
    }
}
