//! How long the solver takes: `cargo bench -p omnifold-routing --bench solver`. The costs of each
//! line of output are nanoseconds a decision.

#![allow(clippy::disallowed_methods)] // it measures time, which the crate must not

#[path = "../tests/support/instances.rs"]
mod instances;

use std::time::Instant;

use instances::{Dice, Shape, instance};
use omnifold_routing::solver::{Problem, Solver};

/// As many steps as a market allows where it says nothing.
const STEPS: u32 = 200_000;

fn main() {
    for (nodes, rows, count) in [(5, 3, 5_000), (20, 3, 5_000), (50, 5, 2_000), (200, 10, 500)] {
        for empty in [10, 4, 2] {
            let shape =
                Shape { nodes, rows, units: 3, empty, whole_rows: false, shares_pools: false };
            measure(&shape, count);
        }
    }
}

fn measure(shape: &Shape, count: usize) {
    let mut dice = Dice(1);
    let problems: Vec<Problem> = (0..count).map(|_| instance(&mut dice, shape)).collect();
    let mut solver = Solver::default();
    let mut took: Vec<u128> = Vec::with_capacity(count);
    let (mut branches, mut hits, mut steps) = (0, 0, 0);
    for problem in &problems {
        let start = Instant::now();
        let hit = solver.solve(problem, STEPS).bound_hit;
        took.push(start.elapsed().as_nanos());
        hits += u32::from(hit);
        steps = steps.max(solver.steps());
        branches = branches.max(solver.branches());
    }
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 100];
    println!(
        "nodes {:>3} rows {:>2} empty 1/{:<2} median {:>8} p99 {:>9} most {:>10} branches {:>5} steps {:>6} bound hit {}",
        shape.nodes,
        shape.rows,
        shape.empty,
        at(50),
        at(99),
        at(100),
        branches,
        steps,
        hits
    );
}
