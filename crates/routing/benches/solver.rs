//! How long the solver takes, as a section of docs/benchmarks.md:
//! `cargo bench -p omnifold-routing --bench solver`.

#![allow(clippy::disallowed_methods)] // it measures time, which the crate must not

#[path = "../tests/support/instances.rs"]
mod instances;
#[path = "../tests/support/tables.rs"]
mod tables;

use std::time::Instant;

use instances::{Dice, Shape, instance};
use omnifold_routing::solver::{Problem, Solver};
use tables::{price_by_weight, price_by_zone};

/// As many steps as a market allows where it says nothing.
const STEPS: u32 = 200_000;

const HEAD: &str = "
## The cheapest plan of an order

The solver alone, on random orders: a third with arbitrary unit costs, a third with scarce stock, a third
with at most one to three shipments; nothing of a SKU at one node in so many. `proven`: orders whose plan was
proven best within the 200,000 steps that a market allows. `cargo bench -p omnifold-routing --bench solver`

| nodes | lines | empty | orders | median us | p99 us | slowest us | most branches | most steps | proven |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";

const STEPPED: &str = "
### By a carrier's table

The same orders where a shipment has a price by steps of its weight, nothing of a SKU at one node in 4.
`zones`: a carrier's table of five steps up to 31.5 kg for each of four zones, units of up to 6 kg. `any`:
tables made up at random, in which a step may cost so much that more parcels are cheaper, or end.

| prices | nodes | lines | orders | median us | p99 us | slowest us | most branches | most steps | proven |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";

/// What an instance is priced by beside its own costs.
type Pricing = fn(&mut Dice, &mut Problem, usize);

fn main() {
    println!("{HEAD}");
    let shape = |nodes, rows, empty| Shape {
        nodes,
        rows,
        units: 3,
        empty,
        whole_rows: false,
        shares_pools: false,
    };
    for (nodes, rows, count) in [(5, 3, 5_000), (20, 3, 5_000), (50, 5, 2_000), (200, 10, 500)] {
        for empty in [10, 4, 2] {
            let name = format!("{nodes} | {rows} | 1 in {empty}");
            measure(&name, &shape(nodes, rows, empty), count, |_, _, _| ());
        }
    }
    println!("{STEPPED}");
    let by_weight: Pricing = |dice, problem, nodes| _ = price_by_weight(dice, problem, nodes);
    for (name, pricing) in [("zones", price_by_zone as Pricing), ("any", by_weight)] {
        for (nodes, rows, count) in [(5, 3, 5_000), (20, 3, 2_000), (50, 5, 500)] {
            let name = format!("{name} | {nodes} | {rows}");
            measure(&name, &shape(nodes, rows, 4), count, pricing);
        }
    }
}

fn measure(name: &str, shape: &Shape, count: usize, pricing: Pricing) {
    let mut dice = Dice(1);
    let mut priced = || {
        let mut problem = instance(&mut dice, shape);
        pricing(&mut dice, &mut problem, shape.nodes);
        problem
    };
    let problems: Vec<Problem> = (0..count).map(|_| priced()).collect();
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
    let (median, p99, most) = (at(50), at(99), at(100));
    println!(
        "| {name} | {count} | {median:.1} | {p99:.0} | {most:.0} | \
         {branches} | {steps} | {proven} |"
    );
}
