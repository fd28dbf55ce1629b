//! Nodes that no best plan needs.

use super::problem::Problem;

/// Rows that fit the masks below; orders with more are searched without this reduction.
const MAX_MASK_ROWS: usize = 64;

/// Nodes that may be needed, in rank order. Memory for reuse.
#[derive(Debug, Clone, Default)]
pub(super) struct Reduction {
    pub kept: Vec<usize>,
    /// Rows that a node has something of.
    some: Vec<u64>,
    /// Rows of which a node has all that all rows of their pool want.
    whole: Vec<u64>,
    wanted: Vec<i64>,
    gone: Vec<bool>,
}

impl Reduction {
    /// Leaves out only nodes that have nothing.
    pub(super) fn keep_all(&mut self, problem: &Problem) {
        self.kept.clear();
        let has_any = |node: &usize| (0..problem.rows).any(|row| problem.reach(*node, row) > 0);
        self.kept.extend((0..problem.nodes).filter(has_any));
    }

    /// Leaves out nodes that have nothing, and nodes that another one replaces in every plan at no
    /// more cost: it has all of every row the node could give any of, each at no higher cost, and
    /// its fixed cost is lower, or as low with a better rank.
    pub(super) fn run(&mut self, problem: &Problem) {
        self.keep_all(problem);
        if problem.rows > MAX_MASK_ROWS {
            return;
        }
        self.mask(problem);
        self.gone.clear();
        self.gone.resize(self.kept.len(), false);
        for place in 0..self.kept.len() {
            let beaten = |other: usize| {
                other != place && !self.gone[other] && self.replaces(problem, other, place)
            };
            self.gone[place] = (0..self.kept.len()).any(beaten);
        }
        let mut place = 0;
        self.kept.retain(|_| {
            place += 1;
            !self.gone[place - 1]
        });
    }

    fn mask(&mut self, problem: &Problem) {
        super::problem::refill(&mut self.wanted, problem.pools);
        for row in 0..problem.rows {
            self.wanted[problem.pool[row]] += problem.units[row];
        }
        self.some.clear();
        self.whole.clear();
        for &node in &self.kept {
            let (mut some, mut whole) = (0, 0);
            for row in 0..problem.rows {
                some |= u64::from(problem.reach(node, row) > 0) << row;
                let enough = problem.supply(node, row) >= self.wanted[problem.pool[row]];
                whole |= u64::from(enough) << row;
            }
            self.some.push(some);
            self.whole.push(whole);
        }
    }

    fn replaces(&self, problem: &Problem, other: usize, place: usize) -> bool {
        let (by, node) = (self.kept[other], self.kept[place]);
        let fixed = problem.fixed[by].cmp(&problem.fixed[node]).then(by.cmp(&node));
        let some = self.some[place];
        if some & !self.whole[other] != 0 || fixed.is_gt() {
            return false;
        }
        let cost = |node: usize| &problem.unit_cost[node * problem.rows..][..problem.rows];
        let pairs = cost(by).iter().zip(cost(node)).enumerate();
        pairs.into_iter().all(|(row, (by, own))| some >> row & 1 == 0 || by <= own)
    }
}
