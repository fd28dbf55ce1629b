//! The prices against a simplex method that shares no code with them: over every plan of every
//! class, written out.

use std::hash::{BuildHasher, RandomState};

use microlp::{ComparisonOp, LinearExpr, OptimizationDirection, Problem as Program};
use omnifold_pricing::{Class, IMPOSSIBLE, Line, Problem, Resource, Settings, Solver, nodes_of};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Close to the plain linear program: what smoothing is for is not wanted here.
const SHARP: Settings = Settings {
    temperature: 2e-4,
    barrier: 2e-4,
    spare: 0.0,
    tolerance: 1e-6,
    steps: 200,
    rounds: 200,
};

fn every_plan(class: &Class) -> impl Iterator<Item = Vec<u16>> {
    let (nodes, lines) = (class.fixed.len(), class.lines.len());
    (0..nodes.pow(lines as u32)).map(move |mut number| {
        let digit = |_| {
            let node = number % nodes;
            number /= nodes;
            node as u16
        };
        (0..lines).map(digit).collect()
    })
}

/// Optimal value of the linear program.
fn by_simplex(problem: &Problem) -> f64 {
    let mut program = Program::new(OptimizationDirection::Minimize);
    let mut used = vec![LinearExpr::empty(); problem.supplies.len()];
    for class in &problem.classes {
        let mut all = LinearExpr::empty();
        for plan in every_plan(class) {
            let cost = class.cost_of(&plan);
            if cost >= IMPOSSIBLE {
                continue;
            }
            let often = program.add_var(cost as f64, (0.0, f64::INFINITY));
            all.add(often, 1.0);
            let mut amounts = vec![0.0; used.len()];
            for (line, &node) in class.lines.iter().zip(&plan) {
                let stock = Resource::Stock { node, sku: line.sku };
                problem.place(stock).into_iter().for_each(|at| amounts[at] += line.units);
            }
            for node in nodes_of(&plan) {
                let capacity = Resource::Capacity { node };
                problem.place(capacity).into_iter().for_each(|at| amounts[at] += 1.0);
            }
            for (row, amount) in used.iter_mut().zip(amounts).filter(|(_, amount)| *amount > 0.0) {
                row.add(often, amount);
            }
        }
        program.add_constraint(all, ComparisonOp::Eq, class.orders);
    }
    for (row, &(_, supply)) in used.into_iter().zip(&problem.supplies) {
        program.add_constraint(row, ComparisonOp::Le, supply);
    }
    program.solve().unwrap().into_solution().ok().unwrap().objective()
}

const NODES: usize = 3;

/// Three nodes and a fourth that stands for "not served", four SKUs, some nodes with a limit.
fn problems() -> impl Strategy<Value = Problem> {
    let lines = prop::collection::btree_map(0..4u32, 1..3u8, 1..4);
    let class = (lines, 1..40u8, prop::collection::vec(100..900i64, 4 * (NODES + 1)));
    let classes = prop::collection::vec(class, 1..6);
    let stock = prop::collection::vec(0..60u8, NODES * 4);
    let limits = prop::collection::vec(prop::option::of(0..60u8), NODES);
    (classes, stock, limits).prop_map(|(classes, stock, limits)| {
        let classes =
            classes.into_iter().map(|(lines, orders, costs)| class_of(lines, orders, &costs));
        let mut supplies = Vec::new();
        for (cell, &units) in stock.iter().enumerate() {
            let (node, sku) = ((cell / 4) as u16, (cell % 4) as u32);
            supplies.push((Resource::Stock { node, sku }, f64::from(units)));
        }
        for (node, limit) in (0..).zip(&limits) {
            let capacity = Resource::Capacity { node };
            supplies.extend(limit.map(|orders| (capacity, f64::from(orders))));
        }
        Problem::new(classes.collect(), supplies)
    })
}

fn class_of(lines: std::collections::BTreeMap<u32, u8>, orders: u8, costs: &[i64]) -> Class {
    let costs = lines.iter().zip(costs.chunks(NODES + 1)).flat_map(|((_, &units), costs)| {
        let unserved = [9_000 * i64::from(units)];
        costs[..NODES].iter().map(move |cost| cost * i64::from(units)).chain(unserved)
    });
    Class {
        costs: costs.collect(),
        lines: lines.iter().map(|(&sku, &units)| Line { sku, units: f64::from(units) }).collect(),
        orders: f64::from(orders),
        fixed: vec![1_000, 1_200, 900, 4_000],
    }
}

/// A new one each time, said where a test fails; `OMNIFOLD_SEED` takes the same problems again.
fn seed() -> RngSeed {
    let given = std::env::var("OMNIFOLD_SEED").ok();
    let given = given.map(|text| text.parse().expect("OMNIFOLD_SEED is a number"));
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one(()));
    println!("OMNIFOLD_SEED={seed}");
    RngSeed::Fixed(seed)
}

proptest! {
    // 256 problems, or as many as PROPTEST_CASES says.
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: seed(),
        ..ProptestConfig::default()
    })]

    /// The value of the dual at any prices is a lower bound, and at the right ones it is the value of
    /// the linear program.
    #[test]
    fn the_bound_at_the_prices_is_the_value_of_the_linear_program(problem in problems()) {
        let wanted = by_simplex(&problem);
        let mut solver = Solver::new(problem);
        let solved = solver.solve_cold(&SHARP);
        prop_assert!(solved.complete);
        // Prices are charged in whole numbers, so the bound may be off by half of one a unit.
        prop_assert!(solved.bound <= wanted * (1.0 + 1e-6) + 200.0, "{} {wanted}", solved.bound);
        prop_assert!(solved.bound >= wanted * (1.0 - 5e-3) - 200.0, "{solved:?} {wanted}");
    }
}

#[test]
fn a_unit_that_saves_a_parcel_has_the_price_of_a_parcel() {
    // Ten orders of both SKUs. Node 0 has both, but only five of the second; node 1 has the rest.
    let class = Class {
        lines: vec![Line { sku: 0, units: 1.0 }, Line { sku: 1, units: 1.0 }],
        orders: 10.0,
        fixed: vec![1_000_000, 1_000_000],
        costs: vec![0, IMPOSSIBLE, 0, 0],
    };
    let stock = [(0, 0, 20.0), (0, 1, 5.0), (1, 1, 20.0)];
    let supplies = stock.map(|(node, sku, units)| (Resource::Stock { node, sku }, units)).to_vec();
    let mut solver = Solver::new(Problem::new(vec![class], supplies));
    let solved = solver.solve_cold(&SHARP);
    assert!((solved.bound - 15e6).abs() < 15e3, "{solved:?}");
    let [ample, scarce, other] = solver.prices() else { unreachable!() };
    assert!((scarce - 1e6).abs() < 1e4 && *ample < 1e3 && *other < 1e3, "{:?}", solver.prices());
}

#[test]
fn prices_fall_when_stock_comes_and_need_few_steps_from_the_last_ones() {
    let class = |orders| Class {
        lines: vec![Line { sku: 0, units: 1.0 }],
        orders,
        fixed: vec![500_000, 900_000],
        costs: vec![0, 0],
    };
    let supplies = vec![(Resource::Stock { node: 0, sku: 0 }, 50.0)];
    let mut solver = Solver::new(Problem::new(vec![class(100.0)], supplies));
    solver.solve_cold(&Settings::default());
    let before = solver.prices()[0];
    solver.problem_mut().supplies[0].1 = 140.0;
    let solved = solver.solve(&Settings::default());
    let after = solver.prices()[0];
    assert!(before > 300_000.0 && after < 60_000.0, "{before} then {after}");
    assert!(solved.steps < 30, "{solved:?}");
}
