//! Assignments of a wave improved together, before anybody picks.
//!
//! Each order was given the cheapest plan for the stock that was free when it came. So an order may
//! hold the unit that would have spared a later one a shipment, and stock that came since may spare it
//! one. Here orders are taken back and planned again, alone and in pairs, as long as that is cheaper.
//!
//! Pure and deterministic: a wave in, a wave out. It is never dearer than before, no order gets less
//! than it had, and no more is taken from a node than the wave held there and was free.

mod gather;
mod told;

use crate::solver::{Flow, Problem, Solver};

/// Cells of nodes and SKUs that are written down for one counted step.
const CELLS_A_STEP: usize = 100;

/// One order of a wave and how it is assigned.
#[derive(Debug, Clone)]
pub struct Assigned {
    /// What it asks for, and what serving it costs. What there is is written by [`improve`].
    pub order: Problem,
    /// Number of the SKU of each pool of the order.
    pub skus: Vec<usize>,
    /// Its plan. What it leaves of a row is unserved.
    pub flows: Vec<Flow>,
    /// Whether the order may have nothing of a pool at a node: `node * pools + pool`. Empty: it may have
    /// all that is free anywhere.
    pub blocked: Vec<bool>,
}

/// Orders that nobody picks yet.
#[derive(Debug, Clone, Default)]
pub struct Wave {
    /// SKUs of the wave.
    pub skus: usize,
    /// Units that no order holds, by node and SKU: `node * skus + sku`.
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
    /// Counted steps: those of the solver, one for each pair looked at, and what it takes to write down
    /// what a large network has.
    pub steps: u32,
    /// The bound on the steps was hit: more may be possible.
    pub bound_hit: bool,
}

/// Plans the orders of a wave again, alone and in pairs, until no such change makes it cheaper or so
/// many steps are used up; the last search may go beyond them by as much as one order takes.
pub fn improve(wave: &mut Wave, solver: &mut Solver, max_steps: u32) -> Improved {
    let before = wave.cost();
    let old: Vec<Vec<Flow>> = wave.orders.iter().map(|order| order.flows.clone()).collect();
    let mut desk = Desk { solver, left: max_steps };
    let mut is_done = false;
    while !is_done && desk.left > 0 {
        is_done = !desk.pass(wave);
    }
    let is_changed = |&order: &usize| wave.orders[order].flows != old[order];
    let changed = (0..old.len()).filter(is_changed).collect();
    let (after, steps) = (wave.cost(), max_steps - desk.left);
    Improved { before, after, changed, steps, bound_hit: !is_done || desk.left == 0 }
}

impl Wave {
    /// What all plans cost.
    pub fn cost(&self) -> i64 {
        self.orders.iter().map(Assigned::cost).sum()
    }

    /// Takes the units of an order's plan out of what is free, or gives them back.
    fn book(&mut self, order: usize, sign: i64) {
        let Assigned { order, skus, flows, .. } = &self.orders[order];
        for flow in flows {
            let sku = skus[order.pool[flow.row]];
            self.free[flow.node * self.skus + sku] -= sign * flow.units;
        }
    }

    fn compete(&self, one: usize, other: usize) -> bool {
        self.orders[one].skus.iter().any(|sku| self.orders[other].skus.contains(sku))
    }
}

impl Assigned {
    /// What the plan costs.
    pub fn cost(&self) -> i64 {
        self.order.cost_of(&self.flows)
    }

    /// Whether each row gets at least the units that it got by another plan.
    fn serves_all_of(&self, other: &[Flow]) -> bool {
        let served = |flows: &[Flow], row: usize| -> i64 {
            flows.iter().filter(|flow| flow.row == row).map(|flow| flow.units).sum()
        };
        let rows = 0..self.order.units.len();
        rows.into_iter().all(|row| served(&self.flows, row) >= served(other, row))
    }
}

/// New plans of some orders, and what they cost together.
struct Plans {
    cost: i64,
    flows: Vec<(usize, Vec<Flow>)>,
}

/// Hands the orders round.
struct Desk<'a> {
    solver: &'a mut Solver,
    left: u32,
}

impl Desk<'_> {
    /// Each order alone, then each pair that wants the same. Returns whether anything is cheaper.
    fn pass(&mut self, wave: &mut Wave) -> bool {
        let mut is_cheaper = false;
        for one in 0..wave.orders.len() {
            is_cheaper |= self.plan_again(wave, &[one]);
            for other in 0..one {
                if self.left == 0 {
                    return is_cheaper;
                }
                self.left -= 1;
                if wave.compete(one, other) {
                    is_cheaper |= self.plan_again(wave, &[one, other]);
                }
            }
        }
        is_cheaper
    }

    /// Takes orders back and plans them one after the other, first come first served, and the other
    /// way round. Keeps what is cheaper than what was.
    fn plan_again(&mut self, wave: &mut Wave, orders: &[usize]) -> bool {
        let before: i64 = orders.iter().map(|&order| wave.orders[order].cost()).sum();
        let turned: Vec<usize> = orders.iter().rev().copied().collect();
        let ways = if orders.len() > 1 { vec![orders, &turned] } else { vec![orders] };
        let mut best: Option<Plans> = None;
        orders.iter().for_each(|&order| wave.book(order, -1));
        for way in ways {
            let Some(plans) = self.plan(wave, way) else { continue };
            if plans.cost < best.as_ref().map_or(before, |best| best.cost) {
                best = Some(plans);
            }
        }
        let is_cheaper = best.is_some();
        for (order, flows) in best.into_iter().flat_map(|best| best.flows) {
            wave.orders[order].flows = flows;
        }
        orders.iter().for_each(|&order| wave.book(order, 1));
        is_cheaper
    }

    /// Plans orders one after the other with what is free, and puts everything back. `None` where one
    /// of them would get less than it has.
    fn plan(&mut self, wave: &mut Wave, way: &[usize]) -> Option<Plans> {
        let kept: Vec<Vec<Flow>> = way.iter().map(|&o| wave.orders[o].flows.clone()).collect();
        let (mut total, mut is_served) = (0, true);
        for (&order, kept) in way.iter().zip(&kept) {
            total += self.plan_one(wave, order);
            wave.book(order, 1);
            is_served &= wave.orders[order].serves_all_of(kept);
        }
        way.iter().for_each(|&order| wave.book(order, -1));
        let orders = &mut wave.orders;
        let put_back = |(&order, kept): (&usize, Vec<Flow>)| {
            (order, std::mem::replace(&mut orders[order].flows, kept))
        };
        let flows = way.iter().zip(kept).map(put_back).collect();
        is_served.then_some(Plans { cost: total, flows })
    }

    /// The cheapest plan of one order with what is free. Returns its cost.
    fn plan_one(&mut self, wave: &mut Wave, order: usize) -> i64 {
        let nodes = wave.free.len() / wave.skus.max(1);
        let Assigned { order, skus, flows, blocked } = &mut wave.orders[order];
        for node in 0..nodes {
            for (pool, &sku) in skus.iter().enumerate() {
                let is_blocked = blocked.get(node * skus.len() + pool).is_some_and(|it| *it);
                let free = wave.free[node * wave.skus + sku].max(0);
                *order.supply_mut(node, pool) = if is_blocked { 0 } else { free };
            }
        }
        let found = self.solver.solve(order, self.left);
        // Writing down what a large network has is work too.
        let written = u32::try_from(nodes * skus.len() / CELLS_A_STEP).unwrap_or(u32::MAX);
        self.left = self.left.saturating_sub(found.steps.max(1).saturating_add(written));
        flows.clone_from(&found.flows);
        found.cost
    }
}
