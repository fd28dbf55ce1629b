//! Branch and bound where shipments are priced by steps of their weight.
//!
//! As `search`, with the lines of `parcels` for costs. A plan is found by them and then priced as it
//! is; where that is more than the lines of the open places say, the brackets of the worst of these are
//! divided, and at last its units, until line and price agree. So a leaf is exact.

use super::bound::{Gate, INFEASIBLE};
use super::parcels::Division;
use super::problem::Problem;
use super::search::Solver;

/// Levels of the search tree, beyond which the best plan found stands: the stack is bounded.
const MAX_DEPTH: u32 = 1_000;

impl Solver {
    /// Branch and bound. Returns what no plan can beat.
    pub(super) fn search_weighed(&mut self, problem: &Problem) -> i64 {
        self.is_weighed = true;
        self.prepare(problem);
        self.parcels.begin(problem, &self.reduction.kept, &self.scaled);
        self.leave_all_unserved(problem);
        let at_least = self.explore_weighed(problem, 0);
        self.is_weighed = false;
        at_least
    }

    /// Looks for better plans among those that gates, brackets and units allow. Returns the bound.
    fn explore_weighed(&mut self, problem: &Problem, depth: u32) -> i64 {
        if self.cells >= self.max_cells || depth > MAX_DEPTH {
            self.bound_hit = true;
            return i64::MIN;
        }
        self.branches += 1;
        let at_least = self.find_bound(problem);
        if self.is_no_better(at_least) {
            return at_least;
        }
        let mark = self.closed.len();
        let division = self.try_weighed(problem);
        self.close_hopeless(at_least, problem);
        if !self.is_no_better(at_least) {
            match division {
                Some(Division::Bracket { place, bracket, heavy_first, weight }) => {
                    self.parcels.slots[place].aim = weight; // from now on its line touches there
                    self.divide_brackets(problem, (place, bracket), heavy_first, depth);
                }
                Some(Division::Units { place, row, units }) => {
                    self.divide_units(problem, place * problem.rows + row, units, depth);
                }
                None => self.open_and_close(problem, depth),
            }
        }
        for place in self.closed.drain(mark..) {
            self.gates[place] = Gate::Free;
        }
        at_least
    }

    fn find_bound(&mut self, problem: &Problem) -> i64 {
        self.parcels.cells = 0;
        let kept = &self.reduction.kept;
        let is_possible = self.parcels.write(problem, kept, &self.gates, &mut self.scaled);
        self.cells += self.parcels.cells;
        if !is_possible {
            return INFEASIBLE;
        }
        self.bound.cells = 0;
        let enough = self.best_cost - self.scaled.grain - self.parcels.held_cost;
        self.bound.find(&self.scaled, &self.gates, enough);
        self.cells += self.bound.cells + (self.scaled.places * 2) as u64;
        self.bound.value.saturating_add(self.parcels.held_cost)
    }

    /// The plan of the open places and of those that the prices pay for. Says how to go on where it
    /// costs more than the lines say.
    fn try_weighed(&mut self, problem: &Problem) -> Option<Division> {
        self.allow_tight();
        if !self.assign(problem) {
            return None;
        }
        let kept = &self.reduction.kept;
        let division = self.parcels.division(problem, kept, &self.gates, &self.scaled);
        self.improve(problem);
        division
    }

    fn open_and_close(&mut self, problem: &Problem, depth: u32) {
        let Some(place) = self.next_branch() else { return };
        self.gates[place] = Gate::Open;
        self.explore_weighed(problem, depth + 1);
        self.gates[place] = Gate::Closed;
        self.explore_weighed(problem, depth + 1);
        self.gates[place] = Gate::Free;
    }

    fn divide_brackets(
        &mut self,
        problem: &Problem,
        (place, bracket): (usize, usize),
        heavy_first: bool,
        depth: u32,
    ) {
        let whole = self.parcels.slots[place];
        for is_heavy in [heavy_first, !heavy_first] {
            let slot = &mut self.parcels.slots[place];
            *slot = whole;
            if is_heavy {
                slot.low = bracket + 1;
            } else {
                slot.high = bracket;
            }
            self.parcels.draw(problem, &self.reduction.kept, &self.scaled, place);
            self.explore_weighed(problem, depth + 1);
        }
        self.parcels.slots[place] = whole;
        self.parcels.draw(problem, &self.reduction.kept, &self.scaled, place);
    }

    fn divide_units(&mut self, problem: &Problem, cell: usize, units: i64, depth: u32) {
        let most = std::mem::replace(&mut self.parcels.most[cell], units - 1);
        self.explore_weighed(problem, depth + 1);
        self.parcels.most[cell] = most;
        let least = std::mem::replace(&mut self.parcels.least[cell], units);
        self.explore_weighed(problem, depth + 1);
        self.parcels.least[cell] = least;
    }
}
