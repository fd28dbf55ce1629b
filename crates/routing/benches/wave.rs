//! What planning a wave again saves and takes, as a section of docs/benchmarks.md:
//! `cargo bench -p omnifold-routing --bench wave`.

#![allow(clippy::disallowed_methods)] // it measures time, which the crate must not

#[path = "../tests/support/dice.rs"]
mod dice;
#[path = "../tests/support/waves.rs"]
mod waves;

use std::time::Instant;

use dice::Dice;
use omnifold_routing::solver::Solver;
use omnifold_routing::wave::improve;
use waves::{Shape, one_after_the_other};

/// As many steps as a wave may have.
const STEPS: u32 = 5_000_000;
/// Waves of each kind. The table shows their sums, and the time of the middle one.
const WAVES: usize = 5;

const HEAD: &str = "
## Waves planned again

Orders of three lines, each planned at the least cost for what those before it left, then all planned again
together within 5,000,000 steps. A parcel costs 4.00, a unit 0.20 and 0.01 for each of up to 1,000 km from the
node. Of `scarce` of the SKUs the nodes have half of what is wanted; of the others, twice. `cargo bench -p
omnifold-routing --bench wave`, sums of five waves, times of the middle one.

| orders | nodes | SKUs | scarce | saved % | changed | us an order | ms | steps an order | bound hit |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";

fn main() {
    println!("{HEAD}");
    for (orders, nodes) in [(10, 20), (100, 20), (1_000, 20), (1_000, 200)] {
        for scarce_percent in [10, 50] {
            measure(&Shape {
                orders,
                nodes,
                skus: (orders / 5).max(5),
                scarce_percent,
                by_weight: false,
                lasting: false,
            });
        }
    }
}

fn measure(shape: &Shape) {
    let (mut dice, mut solver) = (Dice(20_261_122), Solver::default());
    let (mut before, mut after, mut changed, mut steps, mut hit) = (0, 0, 0, 0, 0);
    let mut took = Vec::with_capacity(WAVES);
    for _ in 0..WAVES {
        let mut wave = one_after_the_other(&mut dice, shape, &mut solver);
        let start = Instant::now();
        let said = improve(&mut wave, &mut solver, STEPS);
        took.push(start.elapsed().as_nanos());
        before += said.before;
        after += said.after;
        changed += said.changed.len();
        steps += said.steps as usize;
        hit += u32::from(said.bound_hit);
    }
    took.sort_unstable();
    let nanos = took[WAVES / 2] as f64;
    let Shape { orders, nodes, skus, scarce_percent, .. } = shape;
    let saved = (before - after) as f64 * 100.0 / before as f64;
    let (us, ms) = (nanos / 1e3 / *orders as f64, nanos / 1e6);
    let (changed, steps) = (changed / WAVES, steps / WAVES / orders);
    println!(
        "| {orders} | {nodes} | {skus} | {scarce_percent} % | {saved:.2} | {changed} | {us:.0} | {ms:.1} | \
         {steps} | {hit} of {WAVES} |"
    );
}
