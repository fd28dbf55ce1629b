//! What plans of an order cost at the least, whatever others hold: a search need not look at what cannot be
//! cheaper.

use super::Assigned;
use crate::solver::{NEVER, Problem};

/// What no plan of an order is cheaper than, whatever is free.
#[derive(Clone, Default)]
pub(super) struct Floor {
    /// Any plan.
    pub cost: i64,
    /// Plans in which a node ships something of a pool: `node * pools + pool`. Empty: nothing is known.
    with: Vec<i64>,
    pools: usize,
    /// Nodes that a plan may use, by what such plans cost at the least.
    nodes: Vec<(i64, usize)>,
}

/// Of an order, what any plan pays.
struct Least {
    /// All units, each where it is cheapest, without shipments.
    units: i64,
    /// A unit, by row.
    unit: Vec<i64>,
    /// What there is in a plan beside a shipment that is not alone.
    beside: i64,
}

impl Floor {
    /// Of an order that was written down as if everything were free, where plans cost so much at least, and
    /// those in which a node ships something of a row as much as is given (`node * rows + row`).
    pub fn of(assigned: &Assigned, nodes: usize, cost: i64, by_row: &[i64]) -> Self {
        let (order, pools) = (&assigned.order, assigned.skus.len());
        let (least, rows) = (Least::of(assigned, nodes), order.units.len());
        let with = |node: usize, pool: usize| {
            let of_pool = (0..rows).filter(|&row| order.pool[row] == pool);
            let by_prices = of_pool.map(|row| by_row[node * rows + row]).min().unwrap_or(NEVER);
            if by_prices == NEVER { NEVER } else { by_prices.max(least.with(order, node, pool)) }
        };
        let with: Vec<i64> = (0..nodes)
            .flat_map(|node| (0..pools).map(move |pool| (node, pool)))
            .map(|(node, pool)| with(node, pool))
            .collect();
        let of_node =
            |(node, with): (usize, &[i64])| (with.iter().min().copied().unwrap_or(NEVER), node);
        let mut nodes: Vec<(i64, usize)> = with
            .chunks(pools.max(1))
            .enumerate()
            .map(of_node)
            .filter(|node| node.0 < NEVER)
            .collect();
        nodes.sort_unstable();
        Floor { cost, with, pools, nodes }
    }

    /// Nodes that plans may use which cost less than that, by number.
    pub fn nodes_below(&self, below: i64) -> Vec<usize> {
        let end = self.nodes.partition_point(|node| node.0 < below);
        let mut nodes: Vec<usize> = self.nodes[..end].iter().map(|node| node.1).collect();
        nodes.sort_unstable();
        nodes
    }

    /// Plans in which a node ships something of a pool.
    pub fn with(&self, node: usize, pool: usize) -> i64 {
        self.with.get(node * self.pools + pool).copied().unwrap_or(self.cost)
    }
}

impl Least {
    fn of(assigned: &Assigned, nodes: usize) -> Self {
        let order = &assigned.order;
        let least = |row: usize| {
            let there = (0..nodes).filter(|&node| order.reach(node, row) > 0);
            let cheapest = there.map(|node| order.unit_cost(node, row)).min();
            cheapest.unwrap_or(i64::MAX).min(order.unserved_unit[row])
        };
        let unit: Vec<i64> = (0..order.units.len()).map(least).collect();
        let each = order.units.iter().zip(&unit).map(|(units, each)| units.saturating_mul(*each));
        let units = each.fold(0, i64::saturating_add);
        let parcel = (0..nodes).map(|node| order.lightest_shipment(node)).min().unwrap_or(0);
        let served: i64 = assigned.flows.iter().map(|flow| flow.units).sum();
        let is_whole = served == order.units.iter().sum::<i64>();
        let beside = if is_whole { parcel } else { parcel.min(order.unserved_fixed) };
        Least { units, unit, beside }
    }

    /// Such a plan serves all of the order from one node, or there is another shipment beside it and a unit
    /// costs what it costs there. A shipment costs no less than the lightest one.
    fn with(&self, order: &Problem, node: usize, pool: usize) -> i64 {
        let rows = (0..order.units.len()).filter(|&row| order.pool[row] == pool);
        let more = rows.map(|row| order.unit_cost(node, row).saturating_sub(self.unit[row])).min();
        let parcels = order.lightest_shipment(node).saturating_add(self.beside);
        let among = parcels.saturating_add(self.units).saturating_add(more.unwrap_or(0).max(0));
        among.min(order.cost_alone(node))
    }
}

#[cfg(test)]
#[path = "../../tests/support/dice.rs"]
mod dice;

#[cfg(test)]
mod tests {
    use super::dice::Dice;
    use super::*;
    use crate::solver::{Beyond, Bracket, Flow, Solver};

    const NODES: usize = 3;

    /// An order of up to two lines that nobody serves yet, where all of it may be had somewhere.
    fn order(dice: &mut Dice) -> Problem {
        let rows = 1 + dice.below(2) as usize;
        let mut order = Problem::default();
        order.reset(NODES, rows);
        order.whole_rows = dice.one_in(3);
        (order.unserved_fixed, order.unserved_unit) = (90_000, vec![90_000; rows]);
        for row in 0..rows {
            (order.units[row], order.weight[row]) = (1 + dice.below(3), dice.below(900));
            for node in 0..NODES {
                *order.unit_cost_mut(node, row) = dice.below(2_000);
                *order.supply_mut(node, row) = dice.below(4);
            }
            *order.supply_mut(0, row) += 3;
        }
        for node in 0..NODES {
            order.fixed[node] = dice.below(3_000);
        }
        if dice.one_in(2) {
            let (light, heavy) = (dice.below(2_000), 2_000 + dice.below(4_000));
            let step = |up_to: i64, price: i64| Bracket { up_to, price };
            let steps = [step(300 + dice.below(900), light), step(1_500, heavy)];
            let beyond = Beyond { each: 500, price: dice.below(2_000), heaviest: 9_000 };
            order.add_table(steps, Some(beyond));
            (0..NODES).filter(|node| node % 2 == 0).for_each(|node| order.price_by(node, 0));
        }
        order
    }

    /// Every plan that serves all of the order with what there is.
    fn plans(order: &Problem) -> Vec<Vec<Flow>> {
        let mut plans: Vec<Vec<Flow>> = vec![Vec::new()];
        for row in 0..order.units.len() {
            let longer = |plan: Vec<Flow>| {
                let shares = shares(order, row).into_iter();
                shares.map(move |share| [plan.clone(), share].concat()).collect::<Vec<_>>()
            };
            plans = plans.into_iter().flat_map(longer).collect();
        }
        plans
    }

    fn shares(order: &Problem, row: usize) -> Vec<Vec<Flow>> {
        let wanted = order.units[row];
        let reach = |node: usize| order.reach(node, row);
        let mut found = Vec::new();
        for first in 0..=reach(0) {
            for second in 0..=reach(1).min(wanted - first) {
                let units = [first, second, wanted - first - second];
                let is_whole = !order.whole_rows || units.contains(&wanted);
                if units[2] <= reach(2) && is_whole {
                    let flow = |node: usize| Flow { node, row, units: units[node] };
                    found.push((0..NODES).map(flow).filter(|flow| flow.units > 0).collect());
                }
            }
        }
        found
    }

    #[test]
    fn no_plan_costs_less() {
        let (mut dice, mut solver) = (Dice(20_261_124), Solver::default());
        let (mut met, mut among) = (0, 0);
        for _ in 0..3_000 {
            let order = order(&mut dice);
            let plans = plans(&order);
            let skus: Vec<usize> = (0..order.units.len()).collect();
            let flows = plans[0].clone();
            let found = solver.solve(&order, 1_000).clone();
            let one = Assigned { order, skus, shelves: Vec::new(), flows, blocked: Vec::new() };
            let (by_row, _) = solver.least_with(&one.order);
            let floor = Floor::of(&one, NODES, found.at_least, &by_row);
            for plan in &plans {
                let cost = one.order.cost_of(plan);
                assert!(floor.cost <= cost, "{one:?}: {plan:?}");
                for flow in plan {
                    let least = floor.with(flow.node, flow.row);
                    assert!(least <= cost, "{least} for {cost}: {one:?}, {plan:?}");
                    (met, among) = (met + u32::from(least == cost), among + 1);
                }
            }
        }
        assert!(met * 20 > among, "{met} of {among} are met");
    }

    #[test]
    fn no_plan_that_needs_more_costs_less() {
        let (mut dice, mut solver) = (Dice(20_261_125), Solver::default());
        let (mut met, mut needed) = (0, 0);
        for _ in 0..3_000 {
            let order = order(&mut dice);
            let (prices, _) = solver.prices(&order);
            let (node, row) =
                (dice.below(3) as usize, dice.below(order.units.len() as i64) as usize);
            let mut richer = order.clone();
            *richer.supply_mut(node, row) += 1 + dice.below(2);
            let there = *richer.supply_mut(node, row);
            let Some((least, earned)) = prices.with_more(&order, &[(node, row, there)]) else {
                continue; // priced by weight
            };
            for plan in plans(&richer) {
                let cost = order.cost_of(&plan);
                let is_more = |flow: &Flow| {
                    (flow.node, flow.row) == (node, row) && flow.units > order.reach(node, row)
                };
                if plan.iter().any(is_more) {
                    assert!(least <= cost, "{least} for {cost}: {order:?}, {plan:?}");
                    (met, needed) = (met + u32::from(least == cost), needed + 1);
                }
                for flow in plan.iter().filter(|flow| flow.node != node) {
                    assert!(prices.least_of(flow.node, earned) <= cost, "{order:?}, {plan:?}");
                }
            }
        }
        assert!(met > 100 && needed > 1_000, "{met} of {needed} are met");
    }

    #[test]
    fn a_plan_below_a_cost_is_found_where_there_is_one() {
        let (mut dice, mut solver) = (Dice(20_261_126), Solver::default());
        for _ in 0..3_000 {
            let order = order(&mut dice);
            let best = solver.solve(&order, 10_000).cost;
            for below in [best - 700, best, best + 1, best + 700] {
                let found = solver.solve_below(&order, below, 10_000).map(|found| found.cost);
                assert_eq!(found, (best < below).then_some(best), "below {below}: {order:?}");
            }
            assert_eq!(solver.solve(&order, 10_000).cost, best);
        }
    }
}
