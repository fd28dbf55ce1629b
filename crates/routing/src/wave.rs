//! Assignments of a wave improved together, before anybody picks.
//!
//! Each order was given the cheapest plan for the stock that was free when it came. So an order may
//! hold the unit that would have spared a later one a shipment, and stock that came since may spare it
//! one. Here orders are taken back and planned again, alone and together with those that hold what they
//! lack (`desk`), as long as that is cheaper.
//!
//! Pure and deterministic: a wave in, a wave out. It is never dearer than before, no order gets less
//! than it had, and no more is taken from a node than the wave held there and was free.

mod days;
mod desk;
mod floor;
mod gather;
mod shelves;
mod told;
mod tries;

use crate::solver::{Flow, Problem, Solver};
use desk::Desk;

/// One order of a wave and how it is assigned.
#[derive(Debug, Clone)]
pub struct Assigned {
    /// What it asks for, and what serving it costs. What there is is written by [`improve`].
    pub order: Problem,
    /// Number of the SKU of each pool of the order.
    pub skus: Vec<usize>,
    /// By pool, the columns of what is free in which its units count beside that of the SKU: units that last
    /// long enough for it, those that last shortest first. Empty: any unit will do.
    pub shelves: Vec<Vec<usize>>,
    /// Its plan. What it leaves of a row is unserved.
    pub flows: Vec<Flow>,
    /// Whether the order may have nothing of a pool at a node: `node * pools + pool`. Empty: it may have
    /// all that is free anywhere.
    pub blocked: Vec<bool>,
}

/// Orders that nobody picks yet.
#[derive(Debug, Clone, Default)]
pub struct Wave {
    /// SKUs of the wave, and shelves: units of a SKU that last so long.
    pub columns: usize,
    /// Units that no order holds, by node and SKU or shelf: `node * columns + column`. In that of a shelf,
    /// no order that asks for units that last as long.
    pub free: Vec<i64>,
    /// The orders. Each knows all nodes, by the same numbers.
    pub orders: Vec<Assigned>,
}

/// What planning again came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Improved {
    /// Cost of all plans before.
    pub before: i64,
    /// Cost of all plans now; never more.
    pub after: i64,
    /// Orders whose plan is another one now, in the wave's order.
    pub changed: Vec<usize>,
    /// Counted steps: those of the solver, and what it takes to write down what a large network has and
    /// to find who holds what.
    pub steps: u32,
    /// The bound on the steps was hit: more may be possible.
    pub bound_hit: bool,
}

/// Plans the orders of a wave again, alone and with those that hold what they lack, until no such change
/// makes it cheaper or so many steps are used up; the last search may go beyond them by as much as one
/// order takes.
pub fn improve(wave: &mut Wave, solver: &mut Solver, max_steps: u32) -> Improved {
    let before = wave.cost();
    let old: Vec<Vec<Flow>> = wave.orders.iter().map(|order| order.flows.clone()).collect();
    let mut desk = Desk::new(wave, solver, max_steps);
    let is_done = desk.run(wave);
    let steps = desk.steps();
    let is_changed = |&order: &usize| wave.orders[order].flows != old[order];
    let changed = (0..old.len()).filter(is_changed).collect();
    Improved { before, after: wave.cost(), changed, steps, bound_hit: !is_done }
}

impl Wave {
    /// What all plans cost.
    pub fn cost(&self) -> i64 {
        self.orders.iter().map(Assigned::cost).sum()
    }

    /// How many nodes there are.
    fn nodes(&self) -> usize {
        self.free.len() / self.columns.max(1)
    }

    /// Takes units that an order has, or may have, out of what is free.
    fn take(&mut self, order: usize, flows: &[Flow]) {
        self.book(order, flows, 1);
    }

    /// Puts them back.
    fn give_back(&mut self, order: usize, flows: &[Flow]) {
        self.book(order, flows, -1);
    }

    fn book(&mut self, order: usize, flows: &[Flow], sign: i64) {
        let assigned = &self.orders[order];
        for flow in flows {
            for column in assigned.columns_of(assigned.order.pool[flow.row]) {
                self.free[flow.node * self.columns + column] -= sign * flow.units;
            }
        }
    }

    /// Units of a pool that an order could have at a node: free ones, that last long enough.
    fn free_for(&self, order: usize, node: usize, pool: usize) -> i64 {
        let columns = self.orders[order].columns_of(pool);
        let free = columns.map(|column| self.free[node * self.columns + column]);
        free.min().expect("a pool is of a SKU")
    }
}

impl Assigned {
    /// What the plan costs.
    pub fn cost(&self) -> i64 {
        self.order.cost_of(&self.flows)
    }

    /// Whether a plan gives each row at least the units that it has now.
    fn is_served_by(&self, flows: &[Flow]) -> bool {
        let served = |flows: &[Flow], row: usize| -> i64 {
            flows.iter().filter(|flow| flow.row == row).map(|flow| flow.units).sum()
        };
        let mut rows = 0..self.order.units.len();
        rows.all(|row| served(flows, row) >= served(&self.flows, row))
    }

    /// Where units of a pool are counted: the SKU's own column first.
    fn columns_of(&self, pool: usize) -> impl Iterator<Item = usize> {
        let shelves = self.shelves.get(pool).into_iter().flatten();
        std::iter::once(self.skus[pool]).chain(shelves.copied())
    }

    /// Whether the order may have anything of a pool at a node.
    fn may_have(&self, node: usize, pool: usize) -> bool {
        !self.blocked.get(node * self.skus.len() + pool).is_some_and(|it| *it)
    }
}
