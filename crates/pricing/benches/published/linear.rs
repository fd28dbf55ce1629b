//! The linear program that the published figures are divided by, solved by simplex: each line is
//! shared out among nodes, and a node is used at least as often as each line is served there. A
//! relaxation of ours, and so the harder yardstick.

use microlp::{ComparisonOp, LinearExpr, OptimizationDirection, Problem as Program};
use omnifold_pricing::Resource;

use crate::instance::{CENTRES, Instance, NODES};

/// Its optimal value, 1/1000 minor unit.
pub fn published_bound(instance: &Instance) -> f64 {
    let problem = instance.problem();
    let mut program = Program::new(OptimizationDirection::Minimize);
    let mut used: Vec<LinearExpr> = vec![LinearExpr::empty(); problem.supplies.len()];
    for class in &instance.classes {
        let opened: Vec<_> = class
            .fixed
            .iter()
            .map(|&fixed| program.add_var(fixed as f64 * class.orders, (0.0, 1.0)))
            .collect();
        for (line, costs) in class.lines.iter().zip(class.costs.chunks(NODES)) {
            let mut whole = LinearExpr::empty();
            for (node, &cost) in costs.iter().enumerate() {
                let stock = Resource::Stock { node: node as u16, sku: line.sku };
                let place = problem.place(stock);
                if node < CENTRES && place.is_none() {
                    continue;
                }
                let share = program.add_var(cost as f64 * class.orders, (0.0, 1.0));
                whole.add(share, 1.0);
                if let Some(place) = place {
                    used[place].add(share, class.orders);
                }
                program.add_constraint([(share, 1.0), (opened[node], -1.0)], ComparisonOp::Le, 0.0);
            }
            program.add_constraint(whole, ComparisonOp::Eq, 1.0);
        }
    }
    for (expression, &(_, supply)) in used.into_iter().zip(&problem.supplies) {
        program.add_constraint(expression, ComparisonOp::Le, supply);
    }
    let outcome = program.solve().expect("not serving is always possible");
    outcome.into_solution().unwrap_or_else(|_| unreachable!("no limit was set")).objective()
}
