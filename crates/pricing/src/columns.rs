//! The plans that the linear program chooses from: only those that some prices made the cheapest.

use crate::plan::{self, MilliMinor, Planner};
use crate::problem::{Class, Problem, Resource};

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

/// The plans of every class.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    pub of_class: Vec<Vec<Column>>,
    planner: Planner,
    fixed: Vec<MilliMinor>,
    lines: Vec<MilliMinor>,
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
            self.charge(problem, class, prices);
            let charged = plan::Ask { fixed: &self.fixed, lines: &self.lines };
            let Some((cost, plan)) = self.planner.cheapest(charged) else { continue };
            total += class.orders * cost as f64;
            let known = &mut self.of_class[number];
            if known.iter().any(|column| *column.plan == *plan) {
                continue;
            }
            let cost = plan::cost_of(class.ask(), plan) as f64;
            let uses = problem.uses(class, plan).into();
            known.push(Column { plan: plan.into(), cost, uses });
            added += 1;
            drop_dearest(known, prices);
        }
        (added, total)
    }

    /// The costs of a class with the prices of what it would use.
    fn charge(&mut self, problem: &Problem, class: &Class, prices: &[f64]) {
        let price = |resource| problem.place(resource).map_or(0.0, |place| prices[place]);
        self.fixed.clear();
        let nodes = class.fixed.iter().zip(0..);
        self.fixed.extend(nodes.map(|(&fixed, node)| {
            fixed.saturating_add(price(Resource::Capacity { node }).round() as MilliMinor)
        }));
        self.lines.clear();
        for (line, costs) in class.lines.iter().zip(class.costs.chunks(class.fixed.len())) {
            self.lines.extend(costs.iter().zip(0..).map(|(&cost, node)| {
                let charged = line.units * price(Resource::Stock { node, sku: line.sku });
                cost.saturating_add(charged.round() as MilliMinor).min(plan::IMPOSSIBLE)
            }));
        }
    }
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
