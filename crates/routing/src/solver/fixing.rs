//! What plans cost at the least that use a node: by the prices of the bound, as programs fix variables whose
//! reduced cost is too high.
//!
//! The bound is what the rows are worth at their prices, less what nodes earn. A plan in which a node ships
//! something pays what the prices leave of its fixed cost, too, and for a unit that costs more there than
//! its row's price the difference.

use super::problem::Problem;
use super::search::Solver;

/// No plan does it.
pub(crate) const NEVER: i64 = i64::MAX;

/// What the bound says of a problem: what a unit of each row is worth, and what is left of each node's fixed
/// cost. Scaled.
#[derive(Debug, Default)]
pub(crate) struct Prices {
    value: i64,
    rows: Vec<i64>,
    slack: Vec<i64>,
    factor: i64,
    /// Shipments have prices by weight, for as much as a node has: more would change them.
    is_weighed: bool,
}

impl Solver {
    /// The prices of a problem, and the counted steps that they took.
    pub(crate) fn prices(&mut self, problem: &Problem) -> (Prices, u32) {
        self.cells = (problem.nodes * problem.rows) as u64;
        self.reduction.keep_all(problem);
        self.set_up(problem);
        let kept = &self.reduction.kept;
        let is_weighed = problem.is_weighed();
        let mut held = 0;
        if is_weighed {
            self.parcels.begin(problem, kept, &self.scaled);
            self.parcels.write(problem, kept, &self.gates, &mut self.scaled);
            held = self.parcels.held_cost;
        }
        self.bound.cells = 0;
        self.bound.find(&self.scaled, &self.gates, i64::MAX);
        self.cells += self.bound.cells;
        let factor = self.scaled.factor;
        let of_node = |node: usize| problem.lightest_shipment(node).saturating_mul(factor);
        let mut slack: Vec<i64> = (0..problem.nodes).map(of_node).collect();
        for (place, &node) in kept.iter().enumerate() {
            slack[node] = self.bound.slack[place].max(0);
        }
        let rows = (0..problem.rows).map(|row| self.bound.price(row)).collect();
        let value = self.bound.value.saturating_add(held);
        (Prices { value, rows, slack, factor, is_weighed }, self.steps_of_cells())
    }

    /// What plans cost at the least in which a node ships anything of a row, `node * rows + row`, and the
    /// counted steps.
    pub(crate) fn least_with(&mut self, problem: &Problem) -> (Vec<i64>, u32) {
        let (prices, steps) = self.prices(problem);
        let mut least = vec![NEVER; problem.nodes * problem.rows];
        for row in 0..problem.rows {
            for offer in self.scaled.row(row) {
                let Some(&node) = self.reduction.kept.get(offer.place as usize) else { continue };
                let more = prices.slack[node] + (offer.cost - prices.rows[row]).max(0);
                least[node * problem.rows + row] = prices.cost(more);
            }
        }
        (least, steps)
    }
}

impl Prices {
    /// So much above the bound. Ties count less than a unit of cost: rounded down it is below.
    fn cost(&self, more: i64) -> i64 {
        self.value.saturating_add(more).div_euclid(self.factor)
    }

    /// What plans cost at the least that need more of pools than there is, and what nodes earn by that more:
    /// (node, pool, units that there would be), by node. `None`: nothing is known.
    pub(crate) fn with_more(
        &self,
        problem: &Problem,
        more: &[(usize, usize, i64)],
    ) -> Option<(i64, i64)> {
        if self.is_weighed {
            return None;
        }
        let (mut earned, mut least) = (0, i64::MAX);
        for of_node in more.chunk_by(|one, other| one.0 == other.0) {
            let (mut slack, mut dearer) = (self.slack[of_node[0].0], i64::MAX);
            for &(node, pool, there) in of_node {
                for row in (0..problem.rows).filter(|row| problem.pool[*row] == pool) {
                    let more = problem.reach_of(row, there) - problem.reach(node, row);
                    let worth = self.rows[row] - problem.unit_cost(node, row) * self.factor;
                    slack -= more.max(0) * worth.max(0);
                    dearer = dearer.min((-worth).max(0));
                }
            }
            earned += (-slack).max(0);
            least = least.min(slack.max(0).saturating_add(dearer));
        }
        Some((self.cost(least.saturating_sub(earned)), earned))
    }

    /// What plans cost at the least in which a node ships anything, where others earn so much.
    pub(crate) fn least_of(&self, node: usize, earned: i64) -> i64 {
        self.cost(self.slack[node].saturating_sub(earned))
    }
}
