//! Branch and bound over which nodes ship.

use super::assign::Assignment;
use super::bound::{Bound, Gate};
use super::last::Last;
use super::parcels::Parcels;
use super::problem::{Flow, Problem, Solution};
use super::reduce::Reduction;
use super::scale::Scaled;
use super::small::Small;

/// Cells looked at that count as one step.
const CELLS_A_STEP: u64 = 64;

/// Finds cheapest plans. Holds memory for reuse and nothing that an answer depends on.
#[derive(Debug, Clone, Default)]
pub struct Solver {
    pub(super) reduction: Reduction,
    pub(super) scaled: Scaled,
    pub(super) bound: Bound,
    assignment: Assignment,
    small: Small,
    last: Last,
    /// Whether the last shipment is chosen by looking at every node.
    tries_last: bool,
    /// Prices by weight, and whether they count in the search under way.
    pub(super) parcels: Parcels,
    pub(super) is_weighed: bool,
    pub(super) gates: Vec<Gate>,
    /// Places closed since the root, to be opened again on the way back.
    pub(super) closed: Vec<usize>,
    allowed: Vec<bool>,
    best: Vec<(u32, u32, i64)>,
    pub(super) best_cost: i64,
    /// Only plans that cost less are of use.
    below: Option<i64>,
    pub(super) cells: u64,
    pub(super) max_cells: u64,
    /// Nodes of the search tree.
    pub(super) branches: u32,
    pub(super) bound_hit: bool,
    solution: Solution,
}

impl Solver {
    /// Finds the cheapest plan in so many steps at most, or the best that these found.
    ///
    /// # Panics
    /// Where the costs are so large that their sum does not fit 60 bits, or are negative.
    pub fn solve(&mut self, problem: &Problem, max_steps: u32) -> &Solution {
        let looked_at = problem.nodes * problem.rows;
        (self.cells, self.max_cells) = (looked_at as u64, u64::from(max_steps) * CELLS_A_STEP);
        (self.branches, self.bound_hit) = (0, false);
        self.assignment.cut_short = false;
        let at_least = if problem.is_weighed() {
            self.search_weighed(problem)
        } else {
            self.look_at_all(problem).unwrap_or_else(|| self.search(problem))
        };
        self.write(problem, at_least);
        &self.solution
    }

    /// As `solve`, for a plan that costs less than that; `None`: there is none, or the steps did not find
    /// one. Where the bound says that there is none the search is short.
    pub(crate) fn solve_below(
        &mut self,
        problem: &Problem,
        below: i64,
        max_steps: u32,
    ) -> Option<&Solution> {
        self.below = Some(below);
        self.solve(problem, max_steps);
        self.below = None;
        let is_plan = !self.best.is_empty() || problem.units.iter().all(|units| *units == 0);
        Some(&self.solution).filter(|found| is_plan && found.cost < below)
    }

    /// Finds the best plan of a small order, without a search.
    fn look_at_all(&mut self, problem: &Problem) -> Option<i64> {
        if !Small::suits(problem) || self.cells + Small::most_cells(problem) > self.max_cells {
            return None;
        }
        self.cells += Small::most_cells(problem);
        self.reduction.keep_all(problem);
        let kept = &self.reduction.kept;
        self.scaled.measure(problem, kept);
        let is_loaded = self.small.load(problem, kept, &self.scaled);
        is_loaded.then(|| self.small.run(problem, &mut self.best))
    }

    /// Branch and bound. Returns what no plan can beat.
    fn search(&mut self, problem: &Problem) -> i64 {
        self.prepare(problem);
        self.leave_all_unserved(problem);
        self.explore(problem)
    }

    /// Nothing is decided, and nothing found.
    pub(super) fn prepare(&mut self, problem: &Problem) {
        self.reduction.run(problem);
        self.set_up(problem);
        self.tries_last = problem.max_shipments < self.scaled.nobody() && Last::suits(problem);
    }

    /// The nodes that are kept, scaled, and none of them opened or closed.
    pub(super) fn set_up(&mut self, problem: &Problem) {
        self.scaled.measure(problem, &self.reduction.kept);
        self.scaled.fill_offers(problem, &self.reduction.kept);
        self.gates.clear();
        self.gates.resize(self.scaled.places, Gate::Free);
        self.closed.clear();
        self.best.clear();
        // Ties count less than a unit of cost.
        let most = i64::MAX / 2;
        let below = self.below.map(|below| below.saturating_mul(self.scaled.factor));
        self.best_cost = below.map_or(most, |below| below.min(most));
    }

    pub(super) fn steps_of_cells(&self) -> u32 {
        u32::try_from(self.cells / CELLS_A_STEP).unwrap_or(u32::MAX)
    }

    /// Whether the newest answer was found within the steps: nothing is cheaper.
    pub(crate) fn is_proven(&self) -> bool {
        !self.solution.bound_hit
    }

    /// Nodes of the search tree that the newest answer took; none where the order was small.
    pub fn branches(&self) -> u32 {
        self.branches
    }

    /// Counted steps that the newest answer took.
    pub fn steps(&self) -> u32 {
        self.solution.steps
    }

    /// A plan there always is.
    pub(super) fn leave_all_unserved(&mut self, problem: &Problem) {
        self.allowed.clear();
        self.allowed.resize(self.scaled.places, false);
        self.allowed[self.scaled.nobody()] = true;
        self.assign(problem);
        self.keep_if_better();
    }

    /// Looks for better plans among those that the gates allow. Returns the bound.
    fn explore(&mut self, problem: &Problem) -> i64 {
        if self.cells >= self.max_cells {
            self.bound_hit = true;
            return i64::MIN;
        }
        self.branches += 1;
        self.bound.cells = 0;
        self.bound.find(&self.scaled, &self.gates, self.best_cost - self.scaled.grain);
        self.cells += self.bound.cells + (self.scaled.places * 2) as u64;
        let at_least = self.bound.value;
        if self.is_no_better(at_least) {
            return at_least;
        }
        if self.tries_last && self.open_nodes() + 1 == problem.max_shipments {
            self.try_last(problem);
            return at_least;
        }
        let mark = self.closed.len();
        self.try_tight(problem);
        self.close_hopeless(at_least, problem);
        if !self.is_no_better(at_least)
            && let Some(place) = self.next_branch()
        {
            self.gates[place] = Gate::Open;
            self.explore(problem);
            self.gates[place] = Gate::Closed;
            self.explore(problem);
            self.gates[place] = Gate::Free;
        }
        for place in self.closed.drain(mark..) {
            self.gates[place] = Gate::Free;
        }
        at_least
    }

    /// Costs are multiples of the grain: what is not a whole one below the best is not below.
    pub(super) fn is_no_better(&self, cost: i64) -> bool {
        cost > self.best_cost - self.scaled.grain
    }

    fn open_nodes(&self) -> usize {
        let nobody = self.scaled.nobody();
        self.gates[..nobody].iter().filter(|gate| **gate == Gate::Open).count()
    }

    /// The best plans with one more node, with units left unserved and without: no others are left.
    fn try_last(&mut self, problem: &Problem) {
        let nobody = self.scaled.nobody();
        for may_leave in [false, true] {
            if self.gates[nobody] == if may_leave { Gate::Closed } else { Gate::Open } {
                continue;
            }
            self.last.cells = 0;
            let found = self.last.find(&self.scaled, &self.gates, may_leave);
            self.cells += self.last.cells;
            if let Some((cost, place)) = found.filter(|found| found.0 < self.best_cost) {
                self.allowed.clear();
                self.allowed.extend(self.gates.iter().map(|gate| *gate == Gate::Open));
                self.allowed[nobody] = may_leave;
                place.into_iter().for_each(|place| self.allowed[place] = true);
                let is_plan = self.assign(problem);
                debug_assert!(is_plan && self.assignment.cost <= cost, "the plan that was found");
                self.keep_if_better();
            }
        }
    }

    /// Nodes that cannot be in a better plan: too dear, or one shipment too many.
    pub(super) fn close_hopeless(&mut self, at_least: i64, problem: &Problem) {
        let nobody = self.scaled.nobody();
        let full = self.open_nodes() >= problem.max_shipments;
        for place in 0..self.scaled.places {
            let more = self.bound.slack[place].max(0);
            let too_many = full && place != nobody;
            if self.gates[place] == Gate::Free && (too_many || self.is_no_better(at_least + more)) {
                self.gates[place] = Gate::Closed;
                self.closed.push(place);
            }
        }
    }

    /// The plan of the nodes whose fixed cost the prices use up, less those it is cheaper without.
    fn try_tight(&mut self, problem: &Problem) {
        self.allow_tight();
        if self.assign(problem) {
            self.improve(problem);
        }
    }

    pub(super) fn allow_tight(&mut self) {
        self.allowed.clear();
        for (gate, slack) in self.gates.iter().zip(&self.bound.slack) {
            self.allowed.push(*gate == Gate::Open || *gate == Gate::Free && *slack <= 0);
        }
    }

    /// Takes nodes out of the newest plan while that is cheaper or they are too many, and keeps it.
    pub(super) fn improve(&mut self, problem: &Problem) {
        while self.shipments() > problem.max_shipments || self.is_worth_improving() {
            let forced = self.shipments() > problem.max_shipments;
            if !self.drop_one(problem, forced) {
                break;
            }
        }
        self.assign(problem);
        if self.shipments() <= problem.max_shipments {
            self.keep_if_better();
        }
    }

    fn shipments(&self) -> usize {
        self.assignment.used[..self.scaled.nobody()].iter().filter(|used| **used).count()
    }

    /// Whether the plan uses more than one node.
    fn is_worth_improving(&self) -> bool {
        self.shipments() > 1
    }

    /// Takes out of the allowed nodes the one without which the plan is cheapest; unless forced,
    /// only where that is cheaper than with it.
    fn drop_one(&mut self, problem: &Problem, forced: bool) -> bool {
        let with = self.assignment.cost;
        for place in 0..self.scaled.places {
            self.allowed[place] &= self.assignment.used[place] || place == self.scaled.nobody();
        }
        let mut best = (if forced { i64::MAX } else { with }, None);
        for place in 0..self.scaled.nobody() {
            if !std::mem::replace(&mut self.allowed[place], false) {
                continue;
            }
            if self.assign(problem) && self.assignment.cost < best.0 {
                best = (self.assignment.cost, Some(place));
            }
            self.allowed[place] = true;
        }
        if let Some(place) = best.1 {
            self.allowed[place] = false;
        }
        self.assign(problem);
        best.1.is_some()
    }

    pub(super) fn assign(&mut self, problem: &Problem) -> bool {
        self.assignment.cells = 0;
        let kept = &self.reduction.kept;
        let done = self.assignment.run(problem, kept, &self.scaled, &self.allowed);
        if done && self.is_weighed {
            self.parcels.weigh(problem, kept, &self.scaled, &mut self.assignment);
        }
        self.cells += self.assignment.cells + (self.scaled.rows + self.scaled.places) as u64;
        done
    }

    fn keep_if_better(&mut self) {
        if self.assignment.cost < self.best_cost {
            self.best_cost = self.assignment.cost;
            self.best.clone_from(&self.assignment.given);
        }
    }

    /// The free node with the most of the newest plan; else the one closest to paying for itself.
    pub(super) fn next_branch(&self) -> Option<usize> {
        let free = |place: &usize| self.gates[*place] == Gate::Free;
        let places = (0..self.scaled.places).filter(free);
        places.min_by_key(|&place| {
            let used = self.assignment.used[place];
            (
                !used,
                self.bound.slack[place].max(0),
                std::cmp::Reverse(self.scaled.worth[place]),
                place,
            )
        })
    }

    fn write(&mut self, problem: &Problem, at_least: i64) {
        let solution = &mut self.solution;
        solution.flows.clear();
        solution.unserved.clear();
        solution.cost = 0;
        self.best.sort_unstable_by_key(|&(place, row, _)| (row, place));
        let nobody = self.scaled.nobody();
        self.allowed.clear();
        self.allowed.resize(self.scaled.places, false);
        for &(place, row, units) in &self.best {
            let (place, row) = (place as usize, row as usize);
            let first = !std::mem::replace(&mut self.allowed[place], true);
            if place == nobody {
                solution.unserved.push((row, units));
                solution.cost += units * problem.unserved_unit[row];
                solution.cost += if first { problem.unserved_fixed } else { 0 };
            } else {
                let node = self.reduction.kept[place];
                match solution.flows.last_mut() {
                    Some(flow) if (flow.node, flow.row) == (node, row) => flow.units += units,
                    _ => solution.flows.push(Flow { node, row, units }),
                }
                solution.cost += units * problem.unit_cost[node * problem.rows + row];
                solution.cost += if first { problem.fixed[node] } else { 0 };
            }
        }
        solution.cost += problem.prices_of(&solution.flows);
        solution.bound_hit = self.bound_hit || self.assignment.cut_short;
        let rounded_up = -(-at_least.max(0)).div_euclid(self.scaled.factor);
        solution.at_least =
            if solution.bound_hit { rounded_up.min(solution.cost) } else { solution.cost };
        self.solution.steps = self.steps_of_cells();
    }
}
