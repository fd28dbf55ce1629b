//! The fewest nodes that together have all that is needed (rule R2 a to c).
//!
//! Sets are tried by size, and within a size in rank order compared best first, so the first set
//! found without a needless split is the best there is. A branch is cut as soon as the nodes left
//! cannot supply what is missing. Every node looked at is a counted step.

use crate::candidates::{Candidates, Demand};
use crate::fill::most_whole;

/// What the search found.
pub(crate) struct Cover {
    /// Chosen nodes in rank order.
    pub nodes: Vec<usize>,
    /// Counted steps.
    pub steps: u32,
    /// The bound was hit: the nodes cover, and may not be the best set that does.
    pub bound_hit: bool,
}

/// Finds the best set for the demands, of which `need` is the sum by SKU, and which the ranked nodes
/// can supply together.
pub(crate) fn find(
    candidates: &Candidates,
    demands: &[Demand],
    ranked: &[usize],
    need: &[i64],
    max_steps: u32,
) -> Cover {
    if need.iter().all(|&units| units == 0) {
        return Cover { nodes: Vec::new(), steps: 0, bound_hit: false };
    }
    let mut search = Search::new(candidates, demands, ranked, need, max_steps);
    for size in search.least_size()..=ranked.len() {
        search.chosen.clear();
        search.missing = need.to_vec();
        search.extend(0, size);
        if search.best.is_some() || search.is_spent() {
            break;
        }
    }
    let bound_hit = search.is_spent() || search.cut_short;
    let steps = search.steps.min(max_steps);
    let best = search.best.take().map(|(_, nodes)| nodes);
    let nodes = best.unwrap_or_else(|| greedy(candidates, ranked, need));
    Cover { nodes, steps, bound_hit }
}

struct Search<'a> {
    candidates: &'a Candidates,
    ranked: &'a [usize],
    need: &'a [i64],
    /// The lines of each SKU that several lines ask for: they compete for its units.
    shared: Vec<(usize, Vec<Demand>)>,
    /// Placing such lines hit its own bound.
    cut_short: bool,
    /// `supply_after[place * skus + sku]`: what the nodes from `place` on have together.
    supply_after: Vec<i64>,
    /// Lines that no node can ship whole: every set splits at least these.
    least_splits: usize,
    max_steps: u32,
    steps: u32,
    chosen: Vec<usize>,
    missing: Vec<i64>,
    best: Option<(usize, Vec<usize>)>,
}

impl<'a> Search<'a> {
    fn new(
        candidates: &'a Candidates,
        demands: &[Demand],
        ranked: &'a [usize],
        need: &'a [i64],
        max_steps: u32,
    ) -> Self {
        let skus = need.len();
        let mut supply_after = vec![0; (ranked.len() + 1) * skus];
        for (place, &node) in ranked.iter().enumerate().rev() {
            for (sku, &free) in candidates.free(node).iter().enumerate() {
                supply_after[place * skus + sku] = supply_after[(place + 1) * skus + sku] + free;
            }
        }
        let mut search = Search {
            candidates,
            ranked,
            need,
            shared: shared_skus(demands, need.len()),
            cut_short: false,
            supply_after,
            least_splits: 0,
            max_steps,
            steps: 0,
            chosen: Vec::new(),
            missing: Vec::new(),
            best: None,
        };
        search.least_splits = search.splits(ranked);
        search
    }

    fn is_spent(&self) -> bool {
        self.steps >= self.max_steps
    }

    /// No set can be smaller than the fewest nodes that have enough of any one SKU.
    fn least_size(&self) -> usize {
        let fewest = |sku: usize| {
            let mut free: Vec<i64> =
                self.ranked.iter().map(|&node| self.candidates.free(node)[sku]).collect();
            free.sort_unstable_by(|a, b| b.cmp(a));
            let mut missing = self.need[sku];
            let enough = free.iter().position(|&units| {
                missing -= units;
                missing <= 0
            });
            enough.map_or(0, |place| place + 1)
        };
        let needed = (0..self.need.len()).filter(|&sku| self.need[sku] > 0);
        needed.map(fewest).max().unwrap_or(1).max(1)
    }

    /// Tries every set of `size` more nodes from `from` on. Stops when nothing better can come.
    fn extend(&mut self, from: usize, size: usize) -> bool {
        if size == 0 {
            return self.take_if_better();
        }
        for place in from..=self.ranked.len().saturating_sub(size) {
            if self.is_spent() {
                return true;
            }
            self.steps += 1;
            if !self.can_be_covered(place) {
                return false; // nor from any later place: supply only shrinks
            }
            let node = self.ranked[place];
            if !self.is_useful(node) {
                continue;
            }
            self.choose(node, -1);
            let done = self.extend(place + 1, size - 1);
            self.choose(node, 1);
            if done {
                return true;
            }
        }
        false
    }

    /// Keeps the chosen set if it covers and splits fewer lines. `true`: none can be better.
    fn take_if_better(&mut self) -> bool {
        if self.missing.iter().any(|&units| units > 0) {
            return false;
        }
        let chosen = std::mem::take(&mut self.chosen);
        let splits = self.splits(&chosen);
        self.chosen = chosen;
        if self.best.as_ref().is_none_or(|(fewest, _)| splits < *fewest) {
            self.best = Some((splits, self.chosen.clone()));
        }
        splits <= self.least_splits
    }

    fn can_be_covered(&self, place: usize) -> bool {
        let skus = self.need.len();
        let supply = &self.supply_after[place * skus..(place + 1) * skus];
        self.missing.iter().zip(supply).all(|(missing, supply)| missing <= supply)
    }

    fn is_useful(&self, node: usize) -> bool {
        let free = self.candidates.free(node);
        self.missing.iter().zip(free).any(|(&missing, &free)| missing > 0 && free > 0)
    }

    fn choose(&mut self, node: usize, sign: i64) {
        for (missing, free) in self.missing.iter_mut().zip(self.candidates.free(node)) {
            *missing += sign * free;
        }
        if sign < 0 {
            self.chosen.push(node);
        } else {
            self.chosen.pop();
        }
    }

    /// Lines that must be split when these nodes ship. Placing lines that share a SKU is counted
    /// work too.
    fn splits(&mut self, nodes: &[usize]) -> usize {
        let free = |node: usize, sku: usize| self.candidates.free(node)[sku];
        let is_shared = |sku: usize| self.shared.iter().any(|shared| shared.0 == sku);
        let whole = |sku: usize| nodes.iter().any(|&node| free(node, sku) >= self.need[sku]);
        let alone = (0..self.need.len()).filter(|&sku| self.need[sku] > 0 && !is_shared(sku));
        let mut splits = alone.filter(|&sku| !whole(sku)).count();
        for (sku, lines) in &self.shared {
            let mut left: Vec<i64> = nodes.iter().map(|&node| free(node, *sku)).collect();
            let placed = most_whole(lines, &mut left);
            splits += lines.len() - placed.lines;
            self.steps = self.steps.saturating_add(placed.steps);
            self.cut_short |= placed.cut_short;
        }
        splits
    }
}

fn shared_skus(demands: &[Demand], skus: usize) -> Vec<(usize, Vec<Demand>)> {
    let lines_of = |sku: usize| demands.iter().filter(move |d| d.sku == sku && d.units > 0);
    let shared = (0..skus).filter(|&sku| lines_of(sku).nth(1).is_some());
    shared.map(|sku| (sku, crate::fill::largest_first(lines_of(sku).copied()))).collect()
}

/// A set that covers, found without a search: the node that helps most, again and again; then
/// nodes that turn out to be needless go, worst rank first.
fn greedy(candidates: &Candidates, ranked: &[usize], need: &[i64]) -> Vec<usize> {
    let mut missing = need.to_vec();
    let mut chosen: Vec<usize> = Vec::new();
    while missing.iter().any(|&units| units > 0) {
        let help = |node: usize| -> i64 {
            let free = candidates.free(node);
            missing.iter().zip(free).map(|(&m, &f)| f.min(m).max(0)).sum()
        };
        let rest = (0..ranked.len()).filter(|place| !chosen.contains(place));
        let best = rest.max_by_key(|&place| (help(ranked[place]), std::cmp::Reverse(place)));
        let best = best.expect("the ranked nodes supply the need together");
        for (missing, free) in missing.iter_mut().zip(candidates.free(ranked[best])) {
            *missing -= free;
        }
        chosen.push(best);
    }
    chosen.sort_unstable();
    drop_needless(candidates, ranked, need, &mut chosen);
    chosen.into_iter().map(|place| ranked[place]).collect()
}

fn drop_needless(candidates: &Candidates, ranked: &[usize], need: &[i64], chosen: &mut Vec<usize>) {
    for place in chosen.clone().into_iter().rev() {
        let covers_without = (0..need.len()).all(|sku| {
            let others = chosen.iter().filter(|&&other| other != place);
            others.map(|&other| candidates.free(ranked[other])[sku]).sum::<i64>() >= need[sku]
        });
        if covers_without {
            chosen.retain(|&other| other != place);
        }
    }
}
