//! Made-up orders against made-up nodes, the same ones on every machine.

#[path = "dice.rs"]
mod dice;

pub use dice::Dice;
use omnifold_routing::solver::Problem;

/// How an instance is made.
pub struct Shape {
    pub nodes: usize,
    pub rows: usize,
    /// Largest quantity of a row.
    pub units: i64,
    /// One in so many (node, row) has nothing.
    pub empty: i64,
    pub whole_rows: bool,
    pub shares_pools: bool,
}

/// An order of that shape. Unit costs grow with the node's distance, as carriage does, or are
/// arbitrary; stock is scarce or plentiful.
pub fn instance(dice: &mut Dice, shape: &Shape) -> Problem {
    let mut problem = Problem::default();
    problem.reset(shape.nodes, shape.rows);
    problem.whole_rows = shape.whole_rows;
    let (arbitrary, scarce, same_fixed) = (dice.one_in(3), dice.one_in(3), !dice.one_in(3));
    for row in 0..shape.rows {
        problem.units[row] = 1 + dice.below(shape.units);
        problem.unserved_unit[row] = 3_000 + dice.below(3_000);
        if shape.shares_pools && row > 0 && dice.one_in(3) {
            problem.pool[row] = problem.pool[row - 1];
        }
    }
    problem.unserved_fixed = dice.below(20_000);
    for node in 0..shape.nodes {
        problem.fixed[node] = if same_fixed { 8_759 } else { dice.below(12_000) };
        let far = dice.below(3_000);
        for row in 0..shape.rows {
            let cost = if arbitrary { dice.below(3_000) } else { 423 + far };
            *problem.unit_cost_mut(node, row) = cost;
            let most = if scarce { shape.units } else { shape.units * 4 };
            let there = if dice.one_in(shape.empty) { 0 } else { 1 + dice.below(most) };
            *problem.supply_mut(node, row) = there;
        }
    }
    if dice.one_in(3) {
        problem.max_shipments = 1 + dice.below(3) as usize;
    }
    problem
}
