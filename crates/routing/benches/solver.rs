//! How long the solver takes, as a section of docs/benchmarks.md:
//! `cargo bench -p omnifold-routing --bench solver`.

#![allow(clippy::disallowed_methods)] // it measures time, which the crate must not

#[path = "../tests/support/instances.rs"]
mod instances;

use std::time::Instant;

use instances::{Dice, Shape, instance};
use omnifold_routing::solver::{Problem, Solver};

/// As many steps as a market allows where it says nothing.
const STEPS: u32 = 200_000;

const HEAD: &str = "
## The cheapest plan of an order

The solver alone, on random orders: a third with arbitrary unit costs, a third with scarce stock, a third
with at most one to three shipments; nothing of a SKU at one node in so many. `proven`: orders whose plan was
proven best within the 200,000 steps that a market allows. `cargo bench -p omnifold-routing --bench solver`

| nodes | lines | empty | orders | median us | p99 us | slowest us | most branches | most steps | proven |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";

fn main() {
    println!("{HEAD}");
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
    let (mut branches, mut proven, mut steps) = (0, 0, 0);
    for problem in &problems {
        let start = Instant::now();
        let hit = solver.solve(problem, STEPS).bound_hit;
        took.push(start.elapsed().as_nanos());
        proven += u32::from(!hit);
        steps = steps.max(solver.steps());
        branches = branches.max(solver.branches());
    }
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 100] as f64 / 1_000.0;
    let Shape { nodes, rows, empty, .. } = shape;
    let (median, p99, most) = (at(50), at(99), at(100));
    println!(
        "| {nodes} | {rows} | 1 in {empty} | {count} | {median:.1} | {p99:.0} | {most:.0} | \
         {branches} | {steps} | {proven} |"
    );
}
