//! Rows given to a set of places, each unit where it costs least.

use super::problem::Problem;
use super::scale::{Offer, Scaled};

/// Steps of placing whole rows of one pool, before the best placing found stands.
const MAX_PLACINGS: u32 = 10_000;

/// The cheapest assignment to a set, and what it costs. Memory for reuse.
#[derive(Debug, Clone, Default)]
pub(super) struct Assignment {
    /// (place, row, units).
    pub given: Vec<(u32, u32, i64)>,
    /// Places that give anything, by place.
    pub used: Vec<bool>,
    /// The cost, fixed costs of the used places included.
    pub cost: i64,
    /// Cells looked at.
    pub cells: u64,
    /// Placing whole rows hit its bound.
    pub cut_short: bool,
    whole: Placing,
}

impl Assignment {
    /// Assigns every row, or says that the set cannot take them all.
    pub(super) fn run(
        &mut self,
        problem: &Problem,
        kept: &[usize],
        scaled: &Scaled,
        allowed: &[bool],
    ) -> bool {
        self.given.clear();
        self.used.clear();
        self.used.resize(scaled.places, false);
        self.cost = 0;
        for row in 0..scaled.rows {
            let is_first = problem.pool[..row].iter().all(|pool| *pool != problem.pool[row]);
            let is_last = problem.pool[row + 1..].iter().all(|pool| *pool != problem.pool[row]);
            let done = match (is_first, is_last) {
                (true, true) => self.fill(scaled, allowed, row),
                (true, false) => self.place_pool(problem, kept, scaled, allowed, row),
                (false, _) => true, // with the first row of its pool
            };
            if !done {
                return false;
            }
        }
        for (place, used) in self.used.iter().enumerate() {
            self.cost += if *used { scaled.fixed[place] } else { 0 };
        }
        true
    }

    fn fill(&mut self, scaled: &Scaled, allowed: &[bool], row: usize) -> bool {
        let mut missing = scaled.wanted[row];
        for offer in scaled.row(row) {
            if missing == 0 {
                break;
            }
            self.cells += 1;
            if allowed[offer.place as usize] {
                let units = missing.min(offer.reach);
                self.give(*offer, row, units);
                missing -= units;
            }
        }
        missing == 0
    }

    fn give(&mut self, offer: Offer, row: usize, units: i64) {
        self.given.push((offer.place, row as u32, units));
        self.used[offer.place as usize] = true;
        self.cost += units * offer.cost;
    }

    /// Whole rows of one pool compete for its units: a search of its own.
    fn place_pool(
        &mut self,
        problem: &Problem,
        kept: &[usize],
        scaled: &Scaled,
        allowed: &[bool],
        first: usize,
    ) -> bool {
        let mut whole = std::mem::take(&mut self.whole);
        whole.begin(problem, kept, scaled, first);
        whole.search(scaled, allowed, 0, 0);
        self.cells += u64::from(whole.steps) * scaled.row(first).len() as u64;
        self.cut_short |= whole.steps >= MAX_PLACINGS;
        let found = whole.least.is_some();
        if found {
            for (&row, offer) in whole.rows.iter().zip(&whole.best) {
                self.give(*offer, row, scaled.wanted[row]);
            }
        }
        self.whole = whole;
        found
    }
}

/// Which place takes which whole row of one pool.
#[derive(Debug, Clone, Default)]
struct Placing {
    /// The pool's rows, the largest first.
    rows: Vec<usize>,
    /// Units left of the pool, by place.
    left: Vec<i64>,
    current: Vec<Offer>,
    best: Vec<Offer>,
    least: Option<i64>,
    steps: u32,
}

impl Placing {
    fn begin(&mut self, problem: &Problem, kept: &[usize], scaled: &Scaled, first: usize) {
        let pool = problem.pool[first];
        self.rows.clear();
        self.rows.extend((first..problem.rows).filter(|&row| problem.pool[row] == pool));
        self.rows.sort_unstable_by_key(|&row| (std::cmp::Reverse(problem.units[row]), row));
        self.left.clear();
        self.left.extend(kept.iter().map(|&node| problem.supply(node, first)));
        self.left.push(i64::MAX / 2); // whatever is left unserved
        debug_assert_eq!(self.left.len(), scaled.places);
        self.current.clear();
        self.best.clear();
        self.least = None;
        self.steps = 0;
    }

    fn search(&mut self, scaled: &Scaled, allowed: &[bool], at: usize, cost: i64) {
        if self.least.is_some_and(|least| cost >= least) || self.steps >= MAX_PLACINGS {
            return;
        }
        self.steps += 1;
        let Some(&row) = self.rows.get(at) else {
            self.least = Some(cost);
            self.best.clone_from(&self.current);
            return;
        };
        let units = scaled.wanted[row];
        for offer in scaled.row(row) {
            let place = offer.place as usize;
            if allowed[place] && self.left[place] >= units {
                self.left[place] -= units;
                self.current.push(*offer);
                self.search(scaled, allowed, at + 1, cost + units * offer.cost);
                self.current.pop();
                self.left[place] += units;
            }
        }
    }
}
