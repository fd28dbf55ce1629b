//! Why each node won or lost, in a few bytes a node.

use omnifold_domain::View;
use omnifold_events::v1::{Explanation, ExplanationLevel, Verdict};

use crate::candidates::Candidates;
use crate::distance::UNKNOWN;
use crate::fill::Shipment;

/// Nodes and SKUs beyond which losers with stock are not told apart: it takes nodes x chosen x
/// SKUs steps.
const MAX_COMPARISONS: usize = 20_000;

/// Fills in the verdicts of the losers that had stock, given who was chosen for what need.
pub(crate) fn judge_losers<V: View>(
    view: &V,
    candidates: &mut Candidates,
    need: &[i64],
    shipments: &[Shipment],
) {
    for shipment in shipments {
        candidates.verdicts[shipment.node] = Verdict::Chosen;
    }
    let mut chosen: Vec<usize> = shipments.iter().map(|shipment| shipment.node).collect();
    let nodes = candidates.verdicts.len();
    if chosen.is_empty() || nodes * chosen.len() * need.len() > MAX_COMPARISONS {
        return;
    }
    let splits = splits(candidates, need, &chosen);
    for node in 0..nodes {
        if candidates.has_free_stock(node) {
            candidates.verdicts[node] = judge(view, candidates, need, &mut chosen, splits, node);
        }
    }
}

/// As [`judge_losers`], where one node ships the whole order: the others have it all too, or not.
pub(crate) fn judge_losers_of_one<V: View>(view: &V, candidates: &mut Candidates, chosen: usize) {
    for node in 0..candidates.verdicts.len() {
        if node != chosen && candidates.has_all(node) {
            candidates.verdicts[node] = lost_by_rank(view, candidates, node, chosen);
        }
    }
    candidates.verdicts[chosen] = Verdict::Chosen;
}

/// How a node that would have done as well lost to another.
fn lost_by_rank<V: View>(view: &V, candidates: &Candidates, node: usize, to: usize) -> Verdict {
    if !candidates.places.is_empty() {
        return Verdict::Outranked;
    }
    let tie = candidates.distances[node] == candidates.distances[to]
        && view.nodes()[node].id > view.nodes()[to].id;
    if tie { Verdict::TieBreak } else { Verdict::Farther }
}

/// What would have happened had the node stood in for one of the chosen.
fn judge<V: View>(
    view: &V,
    candidates: &Candidates,
    need: &[i64],
    chosen: &mut [usize],
    splits_chosen: usize,
    node: usize,
) -> Verdict {
    let mut verdict = Verdict::MoreShipments;
    for place in 0..chosen.len() {
        let replaced = std::mem::replace(&mut chosen[place], node);
        let covers = covers(candidates, need, chosen);
        let splits_more = covers && splits(candidates, need, chosen) > splits_chosen;
        chosen[place] = replaced;
        if splits_more {
            verdict = Verdict::MoreSplitLines;
        } else if covers {
            return lost_by_rank(view, candidates, node, replaced);
        }
    }
    verdict
}

fn covers(candidates: &Candidates, need: &[i64], nodes: &[usize]) -> bool {
    (0..need.len())
        .all(|sku| nodes.iter().map(|&n| candidates.free(n)[sku]).sum::<i64>() >= need[sku])
}

fn splits(candidates: &Candidates, need: &[i64], nodes: &[usize]) -> usize {
    let whole = |sku: usize| nodes.iter().any(|&node| candidates.free(node)[sku] >= need[sku]);
    (0..need.len()).filter(|&sku| need[sku] > 0 && !whole(sku)).count()
}

/// The explanation at the level the market keeps; `None` where it keeps none.
pub(crate) fn explanation(
    candidates: &Candidates,
    level: ExplanationLevel,
    steps: u32,
    bound_hit: bool,
) -> Option<Explanation> {
    let kept = match level {
        ExplanationLevel::None => return None,
        ExplanationLevel::ChosenAndRunnerUp => chosen_and_runner_up(candidates),
        ExplanationLevel::Full | ExplanationLevel::Unspecified => stocking(candidates),
    };
    let metres = |&node: &usize| match candidates.distances[node] {
        UNKNOWN => 0,
        metres => metres,
    };
    Some(Explanation {
        nodes: kept.iter().map(|&node| node as u32).collect(),
        verdicts: kept.iter().map(|&node| candidates.verdicts[node] as u8).collect(),
        distances_m: kept.iter().map(metres).collect(),
        solver_steps: steps,
        bound_hit,
        policy: None,
    })
}

fn stocking(candidates: &Candidates) -> Vec<usize> {
    let mut nodes = Vec::with_capacity(candidates.stocking.len());
    nodes.extend((0..candidates.stocking.len()).filter(|&node| candidates.stocking[node]));
    nodes
}

fn chosen_and_runner_up(candidates: &Candidates) -> Vec<usize> {
    let verdict = |node: &usize| candidates.verdicts[*node];
    let nodes = 0..candidates.verdicts.len();
    let runner_up = nodes
        .clone()
        .filter(|node| {
            let close = [Verdict::Farther, Verdict::TieBreak, Verdict::MoreSplitLines];
            close.contains(&verdict(node)) || verdict(node) == Verdict::MoreShipments
        })
        .min_by_key(|&node| {
            (verdict(&node) == Verdict::MoreShipments, candidates.distances[node], node)
        });
    nodes.filter(|node| verdict(node) == Verdict::Chosen || Some(*node) == runner_up).collect()
}
