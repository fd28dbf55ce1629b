//! Who comes first (rule R4): rankers in order, each breaking the ties of those before it.

use omnifold_domain::policy::By;
use omnifold_domain::scorecard::FULL_SCORE;
use omnifold_domain::{NodeIx, View};
use omnifold_events::v1::Verdict;

use super::compile::{CompiledRanker, CompiledRule};
use super::facts::{Asked, PairFacts};
use crate::candidates::Candidates;
use crate::distance::UNKNOWN;

/// What rankers look at.
pub(super) struct Ranking<'a, V>(pub Asked<'a, V>);

impl<V: View> Ranking<'_, V> {
    /// Gives every node in the running its place. Nodes of which a ranker says nothing drop out, unless
    /// it says nothing of any. `scores`: what the first ranker made of each.
    pub(super) fn run(
        &self,
        candidates: &mut Candidates,
        rule: &CompiledRule,
        scores: &mut Vec<i64>,
    ) {
        let mut running: Vec<usize> = (0..candidates.verdicts.len())
            .filter(|&node| candidates.is_in_the_running(node))
            .collect();
        scores.clear();
        scores.resize(candidates.verdicts.len(), 0);
        for node in self.arrange(candidates, rule, &mut running, scores) {
            candidates.drop_node(node, Verdict::Abstained);
        }
        candidates.places.resize(candidates.verdicts.len(), u32::MAX);
        for (place, node) in (0..).zip(running) {
            candidates.places[node] = place;
        }
    }

    /// The first of some nodes, whether or not they have anything of the order.
    pub(super) fn first_of(
        &self,
        candidates: &Candidates,
        rule: &CompiledRule,
        mut nodes: Vec<usize>,
    ) -> Option<usize> {
        let mut scores = vec![0; candidates.verdicts.len()];
        self.arrange(candidates, rule, &mut nodes, &mut scores);
        nodes.first().copied()
    }

    /// Puts nodes in order. Those of which a ranker says nothing are taken out and returned.
    fn arrange(
        &self,
        candidates: &Candidates,
        rule: &CompiledRule,
        running: &mut Vec<usize>,
        scores: &mut [i64],
    ) -> Vec<usize> {
        let mut keys: Vec<Vec<i64>> = vec![Vec::new(); candidates.verdicts.len()];
        let mut silent = Vec::new();
        for (nth, ranker) in rule.rankers.iter().enumerate() {
            let said = |node: &usize| self.number(candidates, ranker, *node);
            let numbers: Vec<Option<i64>> = running.iter().map(said).collect();
            if numbers.iter().all(Option::is_none) {
                continue;
            }
            let is_last = ranker.ranker.by == By::WeeksOfSupply; // rule R9: not left out
            let mut left = Vec::with_capacity(running.len());
            for (&node, number) in running.iter().zip(&numbers) {
                let Some(number) = *number else {
                    if is_last {
                        keys[node].push(i64::MAX);
                        left.push(node);
                    } else {
                        silent.push(node);
                    }
                    continue;
                };
                scores[node] = if nth == 0 { number } else { scores[node] };
                let band = i64::from(ranker.ranker.band.max(1));
                keys[node].push(number.div_euclid(band));
                left.push(node);
            }
            *running = left;
        }
        self.sort(running, &keys, rule);
        silent
    }

    /// Refuses the nodes of which a ranker says nothing while it says something of others.
    pub(super) fn refuse(
        &self,
        candidates: &Candidates,
        rule: &CompiledRule,
        permitted: &mut [bool],
    ) {
        for ranker in &rule.rankers {
            let nodes = 0..permitted.len();
            let says = |node| permitted[node] && self.number(candidates, ranker, node).is_some();
            let said: Vec<bool> = nodes.map(says).collect();
            if said.contains(&true) {
                permitted.copy_from_slice(&said);
            }
        }
    }

    /// Ties go to the default node, then to the smaller id.
    fn sort(&self, running: &mut [usize], keys: &[Vec<i64>], rule: &CompiledRule) {
        let nodes = self.0.view.nodes();
        let is_default = |node: usize| rule.default_node == Some(NodeIx(node as u32));
        running.sort_unstable_by(|&a, &b| {
            let by_default = is_default(b).cmp(&is_default(a));
            keys[a].cmp(&keys[b]).then(by_default).then_with(|| nodes[a].id.cmp(&nodes[b].id))
        });
    }

    /// Lower is better; `None`: the ranker abstains.
    fn number(&self, candidates: &Candidates, ranker: &CompiledRanker, node: usize) -> Option<i64> {
        self.said(candidates, ranker, node).or(ranker.ranker.otherwise)
    }

    fn said(&self, candidates: &Candidates, ranker: &CompiledRanker, node: usize) -> Option<i64> {
        let free = || candidates.free(node).iter().zip(&candidates.skus);
        match ranker.ranker.by {
            By::Distance => match candidates.distances[node] {
                UNKNOWN => None,
                metres => {
                    let unit = i64::from(ranker.ranker.unit_m.unwrap_or(1));
                    Some((i64::from(metres) + unit / 2) / unit)
                }
            },
            By::Table => ranker.table[node].map(i64::from),
            By::Missing => Some(free().map(|(free, want)| (want.wanted - free).max(0)).sum()),
            By::Stock => Some(-free().map(|(free, _)| *free.max(&0)).fold(0, i64::saturating_add)),
            By::Load => {
                let capacity = self.0.view.nodes()[node].capacity.as_deref()?;
                let taken = self.0.orders_today(node);
                Some(taken * 1_000 / i64::from(capacity.orders_per_day))
            }
            By::Quota => {
                let share = i64::from(ranker.table[node]?);
                Some(self.0.orders_today(node) * 1_000 / share)
            }
            By::Score => self.0.score(node).map(|score| i64::from(FULL_SCORE - score)),
            By::WeeksOfSupply => {
                let weeks = ranker.ranker.weeks.unwrap_or(1);
                Some(-self.0.known.weeks_of_supply(candidates, node, weeks)?)
            }
            By::Expiry => self.0.known.shelf_life.ends_in(node),
            By::Promise => self.0.known.days_until_there(node),
            By::LandedCost => self.0.known.landed_cost(node),
            By::Markdown => self.0.known.saved(candidates, node).map(|saved| -saved),
            By::When => {
                let facts = PairFacts { asked: self.0, candidates, node };
                let holds = ranker.when.as_ref().is_some_and(|when| when.holds(&facts));
                Some(i64::from(!holds))
            }
            By::Sum => ranker.terms.iter().try_fold(0i64, |sum, term| {
                let weight = i64::from(term.ranker.weight.unwrap_or(1));
                let number = self.number(candidates, term, node)?;
                Some(sum.saturating_add(number.saturating_mul(weight)))
            }),
        }
    }
}
