//! The plans that the linear program chooses from: only those that some prices made the cheapest.

use omnifold_routing::solver;

use crate::problem::{Class, IMPOSSIBLE, MilliMinor, Problem, Resource};

/// One plan of one class.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    plan: Box<[u16]>,
    /// Its cost without shadow prices.
    pub cost: f64,
    /// What one order uses: places of resources, and amounts.
    pub uses: Box<[(u32, f64)]>,
}

/// Plans of a class that stay although others are cheaper now. Beyond it the dearest goes.
const MOST_COLUMNS: usize = 64;

/// Steps in which the plan of one class is looked for; where they do not suffice the best plan found
/// is taken, and what no plan can beat counts for the bound.
const MOST_STEPS: u32 = 100_000;

/// The plans of every class.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    pub of_class: Vec<Vec<Column>>,
    order: solver::Problem,
    router: solver::Solver,
    plan: Vec<u16>,
}

impl Columns {
    pub fn new(classes: usize) -> Self {
        Columns { of_class: vec![Vec::new(); classes], ..Columns::default() }
    }

    /// Adds the plan that is cheapest under these prices to every class that lacks it. Returns how
    /// many were added, and what the expected orders cost under the prices at the least.
    pub fn price_out(&mut self, problem: &Problem, prices: &[f64]) -> (usize, f64) {
        let (mut added, mut total) = (0, 0.0);
        for (number, class) in problem.classes.iter().enumerate() {
            let Some(cost) = self.cheapest(problem, class, prices) else { continue };
            total += class.orders * cost as f64;
            let known = &mut self.of_class[number];
            if known.iter().any(|column| *column.plan == *self.plan) {
                continue;
            }
            let cost = class.cost_of(&self.plan) as f64;
            let uses = problem.uses(class, &self.plan).into();
            known.push(Column { plan: self.plan.as_slice().into(), cost, uses });
            added += 1;
            drop_dearest(known, prices);
        }
        (added, total)
    }

    /// Finds the cheapest plan of a class under prices. Returns what no plan of it can beat, `None`
    /// where some line can be had nowhere.
    fn cheapest(&mut self, problem: &Problem, class: &Class, prices: &[f64]) -> Option<MilliMinor> {
        self.charge(problem, class, prices);
        let found = self.router.solve(&self.order, MOST_STEPS);
        if !found.unserved.is_empty() {
            return None;
        }
        self.plan.clear();
        self.plan.extend(found.flows.iter().map(|flow| flow.node as u16)); // one flow a row, by row
        Some(found.at_least)
    }

    /// States an order of a class with the prices of what it would use. Each line is a row of one
    /// unit: its units stay together.
    fn charge(&mut self, problem: &Problem, class: &Class, prices: &[f64]) {
        let price = |resource| problem.place(resource).map_or(0.0, |place| prices[place]);
        let (nodes, order) = (class.fixed.len(), &mut self.order);
        order.reset(nodes, class.lines.len());
        order.whole_rows = true;
        for (node, (cost, &fixed)) in (0..).zip(order.fixed.iter_mut().zip(&class.fixed)) {
            *cost = fixed + price(Resource::Capacity { node }).round() as MilliMinor;
        }
        let mut all = 1 + order.fixed.iter().sum::<MilliMinor>();
        for (row, (line, costs)) in class.lines.iter().zip(class.costs.chunks(nodes)).enumerate() {
            let price = |node| line.units * price(Resource::Stock { node, sku: line.sku });
            all += offer(order, row, costs, price);
        }
        order.unserved_fixed = all; // more than any plan
    }
}

/// States what a line costs where it can be had. Returns the most of it.
fn offer(
    order: &mut solver::Problem,
    row: usize,
    costs: &[MilliMinor],
    price: impl Fn(u16) -> f64,
) -> MilliMinor {
    order.units[row] = 1;
    let mut dearest = 0;
    for (node, &cost) in (0..).zip(costs).filter(|(_, cost)| **cost < IMPOSSIBLE) {
        let cost = cost + price(node).round() as MilliMinor;
        *order.supply_mut(usize::from(node), row) = 1;
        *order.unit_cost_mut(usize::from(node), row) = cost;
        dearest = dearest.max(cost);
    }
    dearest
}

/// Cost of a plan under prices.
pub(crate) fn priced(column: &Column, prices: &[f64]) -> f64 {
    let uses = column.uses.iter().map(|&(place, amount)| amount * prices[place as usize]);
    column.cost + uses.sum::<f64>()
}

fn drop_dearest(columns: &mut Vec<Column>, prices: &[f64]) {
    if columns.len() > MOST_COLUMNS {
        let costs = columns.iter().map(|column| priced(column, prices)).enumerate();
        let dearest = costs.max_by(|a, b| a.1.total_cmp(&b.1)).expect("there are some");
        columns.swap_remove(dearest.0);
    }
}
