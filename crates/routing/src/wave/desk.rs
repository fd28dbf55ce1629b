//! Where the orders of a wave are planned again, one at a time with those that hold what it lacks.
//!
//! An order is first planned as if everything of the wave were free: where even that is no cheaper than
//! what it has, it is left alone. Else it is planned with what is free; then with what one other holds of
//! what it could use, who is planned again with the rest; then with what several hold. The best of
//! these is kept, and it is looked at again until nothing is. In the end each thing that another holds is
//! asked for by itself, too.
//!
//! Few pairs are planned: what several orders hold alike is tried once, and what an order could have
//! anyway, or what no cheaper plan of it has a use for (`floor`, `tries`), not at all. Only nodes are written
//! down that may be of a cheaper plan.

use std::collections::BTreeMap;

use super::floor::Floor;
use super::tries::{Left, Loss, Try};
use super::{Assigned, Wave};
use crate::solver::{Flow, Problem, Solver};

/// Cells of nodes and SKUs that are written down for one counted step.
pub(super) const CELLS_A_STEP: usize = 100;
/// Most steps of one plan: one that is hard to prove does not stop the others from being found.
const MAX_STEPS_A_PLAN: u32 = 250;
/// Most steps to find out what an order costs at the least.
const MAX_STEPS_A_FLOOR: u32 = 1_000;
/// Orders that are planned again so that one gets what they hold.
const MAX_HOLDERS: usize = 4;

/// New plans of some orders, and what they save together.
struct Move {
    saved: i64,
    plans: Vec<(usize, Vec<Flow>)>,
}

/// Units that an order may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cell {
    pub node: usize,
    /// Of the order.
    pub pool: usize,
    pub units: i64,
    /// Of the columns in which the order's units count, those in which these do: the first so many.
    pub columns: usize,
}

/// Orders by what they hold that another one could use.
pub(super) type Holders = BTreeMap<Vec<Cell>, Vec<usize>>;

/// A plan of an order, and its cost.
pub(super) struct Found {
    pub cost: i64,
    pub flows: Vec<Flow>,
}

/// Hands the orders round.
pub(super) struct Desk<'a> {
    pub solver: &'a mut Solver,
    max_steps: u32,
    pub left: u32,
    /// The plan that is looked for, and the nodes that may be of it.
    pub problem: Problem,
    pub nodes: Vec<usize>,
    /// Orders by what they want.
    wanting: Vec<Vec<usize>>,
    /// By order: what no plan of it is cheaper than.
    pub floors: Vec<Floor>,
    /// What others hold is asked for one by one, too.
    is_close: bool,
    /// Changes that were made; how many when each order was last looked at, and looked at closer; and by
    /// SKU, when it last changed hands.
    pub moves: u64,
    settled: [Vec<Option<u64>>; 2],
    pub changed: Vec<u64>,
    /// When anything last changed hands, by node and SKU.
    touched: Vec<u64>,
    pub losses: BTreeMap<(usize, Left), Loss>,
}

impl<'a> Desk<'a> {
    pub fn new(wave: &Wave, solver: &'a mut Solver, max_steps: u32) -> Self {
        let mut wanting = vec![Vec::new(); wave.columns];
        for (place, order) in wave.orders.iter().enumerate() {
            for &sku in &order.skus {
                if wanting[sku].last() != Some(&place) {
                    wanting[sku].push(place);
                }
            }
        }
        let count = wave.orders.len();
        Desk {
            solver,
            max_steps,
            left: max_steps,
            problem: Problem::default(),
            nodes: Vec::new(),
            wanting,
            floors: vec![Floor::default(); count],
            moves: 0,
            is_close: false,
            settled: [vec![None; count], vec![None; count]],
            changed: vec![0; wave.columns],
            touched: vec![0; wave.free.len()],
            losses: BTreeMap::new(),
        }
    }

    /// Steps taken.
    pub fn steps(&self) -> u32 {
        self.max_steps - self.left
    }

    /// Looks at orders until none can be served cheaper: those whose SKUs changed hands first, and when
    /// there are no more of them all, and closer. `false`: the steps were used up before.
    pub fn run(&mut self, wave: &mut Wave) -> bool {
        self.measure(wave);
        loop {
            self.is_close = false;
            while self.pass(wave) {}
            self.is_close = true;
            if !self.pass(wave) {
                return self.left > 0;
            }
        }
    }

    /// Looks at orders, one after the other. Returns whether any is served cheaper.
    fn pass(&mut self, wave: &mut Wave) -> bool {
        let mut is_cheaper = false;
        for one in 0..wave.orders.len() {
            if self.left == 0 {
                return false;
            }
            if self.is_due(wave, one) {
                is_cheaper |= self.look(wave, one);
                self.settled[usize::from(self.is_close)][one] = Some(self.moves);
            }
        }
        is_cheaper
    }

    /// Whether anything changed since the order was last looked at that a cheaper plan could use; in a closer
    /// look, anything of its SKUs.
    fn is_due(&self, wave: &Wave, one: usize) -> bool {
        let Some(last) = self.settled[usize::from(self.is_close)][one] else { return true };
        let it = &wave.orders[one];
        if self.is_close || it.skus.iter().all(|&sku| self.changed[sku] <= last) {
            return it.skus.iter().any(|&sku| self.changed[sku] > last);
        }
        let (floor, cost) = (&self.floors[one], it.cost());
        let is_new = |node: usize, pool: usize| {
            let at = node * wave.columns + it.skus[pool];
            self.touched[at] > last && floor.with(node, pool) < cost
        };
        let nodes = floor.nodes_below(cost);
        nodes.iter().any(|&node| (0..it.skus.len()).any(|pool| is_new(node, pool)))
    }

    /// Finds out what each order costs at the least.
    fn measure(&mut self, wave: &mut Wave) {
        let held: Vec<Vec<Flow>> = wave.orders.iter().map(|order| order.flows.clone()).collect();
        (0..held.len()).for_each(|order| wave.give_back(order, &held[order]));
        for order in 0..held.len() {
            if self.left == 0 {
                break;
            }
            self.write_all(wave, order);
            let problem = &wave.orders[order].order;
            let found = self.solver.solve(problem, self.left.min(MAX_STEPS_A_FLOOR));
            let (at_least, steps) = (found.at_least, found.steps.max(1));
            let (by_row, more) = self.solver.least_with(problem);
            self.left = self.left.saturating_sub(steps + more);
            self.floors[order] = Floor::of(&wave.orders[order], wave.nodes(), at_least, &by_row);
        }
        (0..held.len()).for_each(|order| wave.take(order, &held[order]));
    }

    /// Serves an order cheaper, by as much as is possible, until it cannot be. Returns whether it was.
    fn look(&mut self, wave: &mut Wave, one: usize) -> bool {
        let mut is_cheaper = false;
        while self.slack(wave, one) > 0 && self.left > 0 {
            let Some(better) = self.best_move(wave, one) else { break };
            self.make(wave, better);
            is_cheaper = true;
        }
        is_cheaper
    }

    /// What could be saved of an order at the most. Nothing where its nodes may not have it any more.
    pub(super) fn slack(&self, wave: &Wave, one: usize) -> i64 {
        wave.orders[one].cost().saturating_sub(self.floors[one].cost).max(0)
    }

    fn make(&mut self, wave: &mut Wave, better: Move) {
        self.moves += 1;
        let mut old = Vec::new();
        for (order, flows) in &better.plans {
            let flows = std::mem::replace(&mut wave.orders[*order].flows, flows.clone());
            wave.give_back(*order, &flows);
            old.push((*order, flows));
        }
        better.plans.iter().for_each(|(order, flows)| wave.take(*order, flows));
        for (order, flow) in old
            .iter()
            .chain(&better.plans)
            .flat_map(|(order, flows)| flows.iter().map(move |flow| (*order, flow)))
        {
            let Assigned { order, skus, .. } = &wave.orders[order];
            let sku = skus[order.pool[flow.row]];
            self.changed[sku] = self.moves;
            self.touched[flow.node * wave.columns + sku] = self.moves;
        }
    }

    fn best_move(&mut self, wave: &mut Wave, one: usize) -> Option<Move> {
        let held = wave.orders[one].flows.clone();
        wave.give_back(one, &held);
        let best = self.alone(wave, one).or_else(|| self.with_others(wave, one));
        wave.take(one, &held);
        best
    }

    fn alone(&mut self, wave: &mut Wave, one: usize) -> Option<Move> {
        let (was, found) = (wave.orders[one].cost(), self.cheaper(wave, one, &[])?);
        Some(Move { saved: was - found.cost, plans: vec![(one, found.flows)] })
    }

    /// Plans an order, which is taken back, with what others hold. The first of equal moves counts.
    fn with_others(&mut self, wave: &mut Wave, one: usize) -> Option<Move> {
        let was = wave.orders[one].cost();
        let (holders, all) = self.holders(wave, one);
        let mut best: Option<Move> = None;
        let saved = |best: &Option<Move>| best.as_ref().map_or(0, |best| best.saved);
        let (look, tries) = self.tries(wave, one, holders);
        for Try { least, units, others, there } in &tries {
            // However they are planned, no more is saved than of each by itself.
            let slack = |other: &usize| self.slack(wave, *other);
            let below = was + others.iter().map(slack).max().unwrap_or(0) - saved(&best);
            if *least >= below {
                continue;
            }
            let below = below.min(was);
            let found = match look.prices.with_more(&look.problem, there) {
                Some((_, earned)) => self.served_with(wave, one, &look, there, (below, earned)),
                None => self.served(wave, one, (units, below)),
            };
            let Some(found) = found else { continue };
            for &other in others {
                let gained = was - found.cost - saved(&best);
                if gained + self.slack(wave, other) > 0
                    && self.may_give(wave, (one, &found), other, gained)
                {
                    let both = self.both(wave, (one, &found), other);
                    best = both.filter(|both| both.saved > saved(&best)).or(best);
                }
            }
        }
        let several = if all.len() > 1 { self.with_several(wave, one, &all) } else { None };
        several.filter(|several| several.saved > saved(&best)).or(best)
    }

    /// An order gets what another one holds, who is planned with the rest; where that saves nothing, the
    /// other way round, if the other has a use for what the first gives up.
    fn both(&mut self, wave: &mut Wave, one: (usize, &Found), other: usize) -> Option<Move> {
        self.first_then(wave, one, &[other]).or_else(|| {
            let is_of_use = self.could_use(wave, other, one.0, wave.orders[other].cost());
            if is_of_use { self.after(wave, one.0, other) } else { None }
        })
    }

    /// The others by what they hold of what the order could use: in a closer look with each thing that they
    /// hold, too. And a list of all, each once.
    fn holders(&mut self, wave: &Wave, one: usize) -> (Holders, Vec<(usize, Vec<Cell>)>) {
        let useful = self.useful(wave, one);
        let (mut holders, mut all) = (Holders::new(), Vec::new());
        let mut others: Vec<usize> = Vec::new();
        for &sku in &wave.orders[one].skus {
            others.extend(self.wanting[sku].iter().filter(|other| **other != one));
        }
        others.sort_unstable();
        others.dedup();
        self.spend(1 + others.len() / CELLS_A_STEP);
        for other in others {
            let (it, holder) = (&wave.orders[one], &wave.orders[other]);
            let mut units: Vec<Cell> = Vec::new();
            for &Flow { node, row, units: held } in &holder.flows {
                let held_of = holder.order.pool[row];
                let pool = it.skus.iter().position(|wanted| *wanted == holder.skus[held_of]);
                if let Some(pool) = pool.filter(|pool| useful[node * it.skus.len() + pool]) {
                    let both = it.columns_of(pool).zip(holder.columns_of(held_of));
                    let columns = both.take_while(|(own, its)| own == its).count();
                    units.push(Cell { node, pool, units: held, columns });
                }
            }
            units.sort_unstable();
            if self.is_close && units.len() > 1 {
                for cell in &units {
                    holders.entry(vec![*cell]).or_default().push(other);
                }
            }
            if !units.is_empty() {
                holders.entry(units.clone()).or_default().push(other);
                all.push((other, units));
            }
        }
        (holders, all)
    }

    /// By node and pool: whether more than is free there could make a cheaper plan.
    fn useful(&self, wave: &Wave, one: usize) -> Vec<bool> {
        let it = &wave.orders[one];
        let (pools, cost) = (it.skus.len(), it.cost());
        let mut useful = vec![false; wave.nodes() * pools];
        for node in 0..wave.nodes() {
            for pool in 0..pools {
                let is_short = wave.free_for(one, node, pool) < it.order.wanted(pool);
                let is_useful = is_short && it.may_have(node, pool);
                useful[node * pools + pool] = is_useful && self.floors[one].with(node, pool) < cost;
            }
        }
        useful
    }

    /// Some give up what they have, the first gets what it was found to need, and they are planned
    /// again with the rest.
    fn first_then(
        &mut self,
        wave: &mut Wave,
        (one, found): (usize, &Found),
        others: &[usize],
    ) -> Option<Move> {
        let held: Vec<Vec<Flow>> = others.iter().map(|it| wave.orders[*it].flows.clone()).collect();
        others.iter().zip(&held).for_each(|(&other, held)| wave.give_back(other, held));
        wave.take(one, &found.flows);
        let mut saved = wave.orders[one].cost() - found.cost;
        let mut later: i64 = others.iter().map(|&other| self.slack(wave, other)).sum();
        let mut plans = vec![(one, found.flows.clone())];
        for &other in others {
            let was = wave.orders[other].cost();
            later -= self.slack(wave, other);
            let Some(next) = self.served(wave, other, (&[], was + saved + later)) else { break };
            saved += was - next.cost;
            wave.take(other, &next.flows);
            plans.push((other, next.flows));
        }
        plans.iter().for_each(|(order, flows)| wave.give_back(*order, flows));
        others.iter().zip(&held).for_each(|(&other, held)| wave.take(other, held));
        (plans.len() > others.len() && saved > 0).then_some(Move { saved, plans })
    }

    /// The other one gives up what it has and is planned first, and the order with the rest.
    fn after(&mut self, wave: &mut Wave, one: usize, other: usize) -> Option<Move> {
        let held = wave.orders[other].flows.clone();
        wave.give_back(other, &held);
        let was = wave.orders[one].cost() + wave.orders[other].cost();
        let first = self.served(wave, other, (&[], was - self.floors[one].cost));
        let both = first.and_then(|first| {
            wave.take(other, &first.flows);
            let second = self.served(wave, one, (&[], was - first.cost));
            wave.give_back(other, &first.flows);
            second.map(|second| (first, second))
        });
        wave.take(other, &held);
        let (first, second) = both?;
        let saved = was - first.cost - second.cost;
        let plans = vec![(other, first.flows), (one, second.flows)];
        (saved > 0).then_some(Move { saved, plans })
    }

    /// The order gets what it could use, whoever holds it: as few others as are found, each in its turn.
    fn with_several(
        &mut self,
        wave: &mut Wave,
        one: usize,
        holds: &[(usize, Vec<Cell>)],
    ) -> Option<Move> {
        let mut all: Vec<Cell> =
            holds.iter().flat_map(|(_, units)| units.iter().copied()).collect();
        all.sort_unstable();
        let found = self.cheaper(wave, one, &all)?;
        let others = self.asked(wave, one, &found.flows, holds)?;
        let turned: Vec<usize> = others.iter().rev().copied().collect();
        let ways = [others, turned];
        let moves = ways.map(|others| self.first_then(wave, (one, &found), &others));
        moves.into_iter().flatten().max_by_key(|found| found.saved)
    }

    /// Who must give up units so that the order can be served so; `None`: one, or too many.
    fn asked(
        &self,
        wave: &Wave,
        one: usize,
        flows: &[Flow],
        holds: &[(usize, Vec<Cell>)],
    ) -> Option<Vec<usize>> {
        let it = &wave.orders[one];
        let mut short: BTreeMap<(usize, usize), i64> = BTreeMap::new();
        for flow in flows {
            for column in it.columns_of(it.order.pool[flow.row]) {
                let free = wave.free[flow.node * wave.columns + column]; // less than 0: a node is short
                *short.entry((flow.node, column)).or_insert(-free) += flow.units;
            }
        }
        let mut asked = Vec::new();
        for (other, units) in holds {
            let columns = |cell: &Cell| it.columns_of(cell.pool).take(cell.columns);
            let is_short = |at: (usize, usize)| short.get(&at).is_some_and(|missing| *missing > 0);
            let helps = |cell: &Cell| columns(cell).any(|column| is_short((cell.node, column)));
            if units.iter().any(helps) {
                for cell in units {
                    for column in columns(cell) {
                        *short.entry((cell.node, column)).or_default() -= cell.units;
                    }
                }
                asked.push(*other);
            }
        }
        (2..=MAX_HOLDERS).contains(&asked.len()).then_some(asked)
    }

    /// A cheaper plan of an order, which is taken back, with what is free and more.
    fn cheaper(&mut self, wave: &mut Wave, one: usize, more: &[Cell]) -> Option<Found> {
        let was = wave.orders[one].cost();
        self.served(wave, one, (more, was))
    }

    /// The cheapest plan of an order with what is free and more. `None`: some row gets less than it had,
    /// or it costs that much.
    fn served(
        &mut self,
        wave: &mut Wave,
        one: usize,
        (more, below): (&[Cell], i64),
    ) -> Option<Found> {
        if self.left == 0 || self.floors[one].cost >= below {
            return None;
        }
        self.write(wave, one, (more, below));
        self.found_below(wave, one, below)
    }

    /// The cheapest plan of an order as it is written down.
    pub(super) fn found_below(&mut self, wave: &Wave, one: usize, below: i64) -> Option<Found> {
        let most = self.left.min(MAX_STEPS_A_PLAN);
        let found = self.solver.solve_below(&self.problem, below, most);
        let found = found.map(|found| (found.cost, found.flows.clone()));
        self.left = self.left.saturating_sub(self.solver.steps().max(1));
        let (cost, mut flows) = found?;
        flows.iter_mut().for_each(|flow| flow.node = self.nodes[flow.node]);
        wave.orders[one].is_served_by(&flows).then_some(Found { cost, flows })
    }

    /// Writes down what an order may have of all that is free.
    fn write_all(&mut self, wave: &mut Wave, one: usize) {
        let (nodes, pools) = (wave.nodes(), wave.orders[one].skus.len());
        for node in 0..nodes {
            for pool in 0..pools {
                let may_have = wave.orders[one].may_have(node, pool);
                let units = if may_have { wave.free_for(one, node, pool).max(0) } else { 0 };
                *wave.orders[one].order.supply_mut(node, pool) = units;
            }
        }
        self.spend(nodes * pools / CELLS_A_STEP);
    }

    /// Writes down what an order may have, as far as plans that cost less than that may use it: what is
    /// free, and more, in order.
    pub(super) fn write(&mut self, wave: &Wave, one: usize, (more, below): (&[Cell], i64)) {
        let (it, floor) = (&wave.orders[one], &self.floors[one]);
        self.nodes = floor.nodes_below(below);
        self.problem.narrow(&it.order, &self.nodes);
        for (place, &node) in self.nodes.iter().enumerate() {
            for pool in 0..it.skus.len() {
                let free = wave.free_for(one, node, pool);
                let is_open = it.may_have(node, pool) && floor.with(node, pool) < below;
                *self.problem.supply_mut(place, pool) = if is_open { free.max(0) } else { 0 };
            }
        }
        for cells in more.chunk_by(|a, b| (a.node, a.pool) == (b.node, b.pool)) {
            if let Ok(place) = self.nodes.binary_search(&cells[0].node) {
                let units = free_with(wave, one, cells).max(0);
                *self.problem.supply_mut(place, cells[0].pool) = units;
            }
        }
        self.spend(self.nodes.len() * it.skus.len() / CELLS_A_STEP);
    }

    pub(super) fn spend(&mut self, steps: usize) {
        self.left = self.left.saturating_sub(u32::try_from(steps).unwrap_or(u32::MAX));
    }
}

/// Units of a pool that an order could have at a node if others gave it these.
pub(super) fn free_with(wave: &Wave, one: usize, cells: &[Cell]) -> i64 {
    let Cell { node, pool, .. } = cells[0];
    let columns = wave.orders[one].columns_of(pool).enumerate();
    let units = columns.map(|(place, column)| {
        let given = cells.iter().filter(|cell| place < cell.columns).map(|cell| cell.units);
        wave.free[node * wave.columns + column] + given.sum::<i64>()
    });
    units.min().expect("a pool is of a SKU")
}
