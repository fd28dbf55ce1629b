//! What of all that others hold is worth trying, judged before anything is planned.
//!
//! An order that is looked at is priced once, for what is free. Those prices say what plans cost at the least
//! that need what others hold, and which nodes they may use. And what an order costs at the least that loses
//! something is kept, for all that want it of them.

use super::desk::{CELLS_A_STEP, Cell, Desk, Found, Holders, free_with};
use super::{Assigned, Wave};
use crate::solver::{Flow, Prices, Problem};

/// An order that is looked at, with what is free, and the nodes that a cheaper plan may use.
pub(super) struct Look {
    pub prices: Prices,
    pub problem: Problem,
    pub nodes: Vec<usize>,
}

/// What others hold alike of what an order could use.
pub(super) struct Try {
    /// Plans that need any of it cost no less.
    pub least: i64,
    pub units: Vec<Cell>,
    pub others: Vec<usize>,
    /// What there would be: (place of the node, pool, units).
    pub there: Vec<(usize, usize, i64)>,
}

/// What is left to an order: (node, pool, units).
pub(super) type Left = (usize, usize, i64);

/// What an order costs at the least that loses something.
#[derive(Clone, Copy)]
pub(super) struct Loss {
    /// As of so many moves.
    at: u64,
    least: i64,
    /// It costs that; else that or more.
    is_exact: bool,
}

impl Desk<'_> {
    /// What others hold, by what plans that need any of it cost at the least.
    pub(super) fn tries(&mut self, wave: &Wave, one: usize, holders: Holders) -> (Look, Vec<Try>) {
        self.write(wave, one, (&[], wave.orders[one].cost()));
        let (prices, steps) = self.solver.prices(&self.problem);
        self.left = self.left.saturating_sub(steps);
        let (problem, nodes) = (self.problem.clone(), self.nodes.clone());
        let look = Look { prices, problem, nodes };
        let mut tries = Vec::with_capacity(holders.len());
        for (units, others) in holders {
            let same = |one: &Cell, other: &Cell| (one.node, one.pool) == (other.node, other.pool);
            let there = units.chunk_by(same).filter_map(|cells| {
                let place = look.nodes.binary_search(&cells[0].node).ok()?;
                Some((place, cells[0].pool, free_with(wave, one, cells)))
            });
            let there: Vec<(usize, usize, i64)> = there.collect();
            let floor = |cell: &Cell| self.floors[one].with(cell.node, cell.pool);
            let known = units.iter().map(floor).min().unwrap_or(i64::MAX);
            let by_prices = look.prices.with_more(&look.problem, &there);
            let least = by_prices.map_or(known, |(least, _)| least.max(known));
            tries.push(Try { least, units, others, there });
        }
        tries.sort_unstable_by(|a, b| (a.least, &a.units).cmp(&(b.least, &b.units)));
        (look, tries)
    }

    /// The cheapest plan of an order with what is free and more, among nodes that may be of one that costs
    /// less than that where nodes earn so much by the more.
    pub(super) fn served_with(
        &mut self,
        wave: &Wave,
        one: usize,
        look: &Look,
        there: &[(usize, usize, i64)],
        (below, earned): (i64, i64),
    ) -> Option<Found> {
        let may_be = |&place: &usize| {
            let has_more = there.binary_search_by_key(&place, |more| more.0).is_ok();
            has_more || look.prices.least_of(place, earned) < below
        };
        let places: Vec<usize> = (0..look.nodes.len()).filter(may_be).collect();
        self.problem.narrow(&look.problem, &places);
        for &(place, pool, units) in there {
            let place = places.binary_search(&place).expect("it has more");
            *self.problem.supply_mut(place, pool) = units.max(0);
        }
        self.nodes = places.iter().map(|&place| look.nodes[place]).collect();
        self.spend(look.nodes.len() / CELLS_A_STEP);
        self.found_below(wave, one, below)
    }

    /// Whether another order may lose what one is to get of it, and cost less than so much more. Nothing is
    /// said of one that could use what the first gives up.
    pub(super) fn may_give(
        &mut self,
        wave: &mut Wave,
        (one, found): (usize, &Found),
        other: usize,
        gained: i64,
    ) -> bool {
        let most = wave.orders[other].cost() + gained;
        if self.could_use(wave, other, one, most) {
            return true;
        }
        let Some(left) = left_of(wave, (one, found), other) else { return true };
        let (was, key) = (wave.orders[other].cost(), (other, left));
        let is_new = |at: u64| wave.orders[other].skus.iter().all(|&sku| self.changed[sku] <= at);
        let known = self.losses.get(&key).filter(|loss| is_new(loss.at)).copied();
        let known = known.filter(|loss| loss.is_exact || loss.least >= was + gained);
        let loss = known.unwrap_or_else(|| {
            let loss = self.loss(wave, one, key, was + 2 * gained);
            self.losses.insert(key, loss);
            loss
        });
        loss.least < was + gained
    }

    /// What the cheapest plan of an order costs at the least that is left so much of something, while the
    /// first, which is taken back, keeps what it has.
    fn loss(
        &mut self,
        wave: &mut Wave,
        one: usize,
        (other, (node, pool, units)): (usize, Left),
        below: i64,
    ) -> Loss {
        let flows = [one, other].map(|order| wave.orders[order].flows.clone());
        wave.take(one, &flows[0]);
        wave.give_back(other, &flows[1]);
        self.write(wave, other, (&[], below));
        if let Ok(place) = self.nodes.binary_search(&node) {
            let supply = self.problem.supply_mut(place, pool);
            *supply = units.max(0).min(*supply);
        }
        let found = self.found_below(wave, other, below);
        wave.take(other, &flows[1]);
        wave.give_back(one, &flows[0]);
        let is_proven = self.solver.is_proven();
        let least = match found {
            _ if !is_proven => 0,
            Some(found) => found.cost,
            None => below,
        };
        Loss { at: self.moves, least, is_exact: least != below }
    }

    /// Whether a plan of an order that costs less than that could use what another one holds.
    pub(super) fn could_use(&self, wave: &Wave, one: usize, other: usize, below: i64) -> bool {
        let (it, holder) = (&wave.orders[one], &wave.orders[other]);
        holder.flows.iter().any(|flow| {
            let sku = holder.skus[holder.order.pool[flow.row]];
            let mut pools = (0..it.skus.len()).filter(|&pool| it.skus[pool] == sku);
            pools.any(|pool| {
                it.may_have(flow.node, pool) && self.floors[one].with(flow.node, pool) < below
            })
        })
    }
}

/// What is left to another order of the first thing that it cannot keep where one, which is taken back, is
/// planned so. `None`: it can keep all, or nobody knows.
fn left_of(wave: &Wave, (one, found): (usize, &Found), other: usize) -> Option<Left> {
    let (it, holder) = (&wave.orders[one], &wave.orders[other]);
    holder.flows.iter().find_map(|held| {
        let pool = holder.order.pool[held.row];
        let sku = holder.skus[pool];
        let is_here = |order: &Assigned, flow: &Flow| {
            flow.node == held.node && order.skus[order.order.pool[flow.row]] == sku
        };
        let units = |order: &Assigned, flows: &[Flow]| -> i64 {
            flows.iter().filter(|flow| is_here(order, flow)).map(|flow| flow.units).sum()
        };
        let (own, taken) = (units(holder, &holder.flows), units(it, &found.flows));
        let left = wave.free[held.node * wave.columns + sku] + own - taken;
        (taken > 0 && left < own).then_some((held.node, pool, left))
    })
}
