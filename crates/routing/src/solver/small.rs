//! Orders of few rows, each served whole by one place: every way to share the rows out.
//!
//! First the cheapest place for each set of rows, then the cheapest way to divide the rows into such
//! sets, by dynamic programming. That takes 2^rows steps a place and 3^rows beside, and for few rows it
//! is done before a bound is found.

use super::problem::Problem;
use super::scale::Scaled;

/// Most rows looked at in this way, and sets of so many rows.
const MAX_ROWS: usize = 6;
const MAX_SETS: usize = 1 << MAX_ROWS;
/// Places beyond which nodes are better left out, and bounds found.
const MAX_PLACES: usize = 250;
/// The cost of what cannot be: two of them fit, and no real cost comes near.
const IMPOSSIBLE: i64 = i64::MAX / 4;

/// Rows of some set that one place serves, and the place.
#[derive(Debug, Clone, Copy)]
struct Part {
    cost: i64,
    rows: usize,
    place: u32,
}

/// Memory for reuse.
#[derive(Debug, Clone)]
pub(super) struct Small {
    /// The cheapest place for each set of rows.
    alone: [Part; MAX_SETS],
    rows: usize,
}

const NONE: Part = Part { cost: IMPOSSIBLE, rows: 0, place: 0 };

impl Default for Small {
    fn default() -> Self {
        Small { alone: [NONE; MAX_SETS], rows: 0 }
    }
}

impl Small {
    /// Whether an order has few rows, all of which may be shipped apart.
    pub(super) fn suits(problem: &Problem) -> bool {
        let shares = |row: usize| problem.pool[..row].contains(&problem.pool[row]);
        problem.rows <= MAX_ROWS
            && problem.nodes < MAX_PLACES
            && problem.max_shipments >= problem.rows.min(problem.nodes)
            && !(0..problem.rows).any(shares)
    }

    /// Finds the cheapest place for each set of rows. `false` where some place has a part of a row:
    /// then the cheapest plan may split it.
    pub(super) fn load(&mut self, problem: &Problem, kept: &[usize], scaled: &Scaled) -> bool {
        self.rows = problem.rows;
        self.alone[..1 << self.rows].fill(NONE);
        let mut costs = [0; MAX_ROWS];
        for (place, &node) in kept.iter().enumerate() {
            for (row, cost) in costs[..self.rows].iter_mut().enumerate() {
                let (reach, wanted) = (problem.reach(node, row), problem.units[row]);
                if reach > 0 && reach < wanted {
                    return false;
                }
                let unit = problem.unit_cost[node * problem.rows + row] * scaled.factor;
                *cost = if reach > 0 { unit * wanted } else { IMPOSSIBLE };
            }
            self.admit(scaled, place, &costs);
        }
        for (row, cost) in costs[..self.rows].iter_mut().enumerate() {
            *cost = problem.unserved_unit[row] * scaled.factor * problem.units[row];
        }
        self.admit(scaled, scaled.nobody(), &costs);
        true
    }

    fn admit(&mut self, scaled: &Scaled, place: usize, costs: &[i64; MAX_ROWS]) {
        let mut sums = [scaled.fixed[place]; MAX_SETS];
        for set in 1usize..1 << self.rows {
            let row = set.trailing_zeros() as usize;
            sums[set] = (sums[set & (set - 1)] + costs[row]).min(IMPOSSIBLE);
            if sums[set] < self.alone[set].cost {
                self.alone[set] = Part { cost: sums[set], rows: set, place: place as u32 };
            }
        }
    }

    /// Most cells that an order takes.
    pub(super) fn most_cells(problem: &Problem) -> u64 {
        ((problem.nodes + 1) << problem.rows) as u64 + 3u64.pow(problem.rows as u32)
    }

    /// Writes the cheapest plan: (place, row, units). Returns its cost.
    ///
    /// A set is divided into the part with its first row and the rest. Two parts of one place would pay
    /// its fixed cost twice, so they are never cheaper than the two as one.
    pub(super) fn run(&self, problem: &Problem, given: &mut Vec<(u32, u32, i64)>) -> i64 {
        let all = wanted_rows(problem);
        let mut best = [NONE; MAX_SETS];
        best[0].cost = 0;
        for set in 1..=all {
            let first = set & set.wrapping_neg();
            let others = set & !first;
            let mut more = others;
            loop {
                let part = self.alone[first | more];
                let cost = part.cost + best[others & !more].cost;
                if cost < best[set].cost {
                    best[set] = Part { cost, ..part };
                }
                if more == 0 {
                    break;
                }
                more = (more - 1) & others;
            }
        }
        given.clear();
        let mut left = all;
        while left > 0 {
            let Part { rows, place, .. } = best[left];
            let served = (0..self.rows).filter(|row| rows >> row & 1 == 1);
            given.extend(served.map(|row| (place, row as u32, problem.units[row])));
            left &= !rows;
        }
        best[all].cost
    }
}

/// The set of rows of which anything is wanted.
fn wanted_rows(problem: &Problem) -> usize {
    let rows = (0..problem.rows).filter(|&row| problem.units[row] > 0);
    rows.fold(0, |set, row| set | 1 << row)
}
