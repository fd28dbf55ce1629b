//! The solver against brute force and against a solver of mixed integer programs: the same cost on
//! every instance.

#[path = "support/instances.rs"]
mod instances;

use instances::{Dice, Shape, instance};
use microlp::{ComparisonOp, LinearExpr, OptimizationDirection, Variable};
use omnifold_routing::solver::{Problem, Solution, Solver};

const STEPS: u32 = 2_000_000;

/// The problem in plain numbers, read back through its public face.
struct Plain {
    problem: Problem,
    nodes: usize,
    rows: usize,
}

impl Plain {
    fn of(problem: Problem, shape: &Shape) -> Self {
        Plain { problem, nodes: shape.nodes, rows: shape.rows }
    }

    fn supply(&mut self, node: usize, row: usize) -> i64 {
        let pool = self.problem.pool[row];
        *self.problem.supply_mut(node, pool)
    }

    fn cost(&mut self, node: usize, row: usize) -> i64 {
        *self.problem.unit_cost_mut(node, row)
    }
}

/// The least cost over every set of nodes; within a set, every assignment of whole rows, or the
/// cheapest units first.
fn brute_force(plain: &mut Plain) -> i64 {
    let mut best = i64::MAX;
    for set in 0u32..1 << plain.nodes {
        if set.count_ones() as usize > plain.problem.max_shipments {
            continue;
        }
        let nodes: Vec<usize> = (0..plain.nodes).filter(|node| set >> node & 1 == 1).collect();
        let fixed: i64 = nodes.iter().map(|&node| plain.problem.fixed[node]).sum();
        for unserved in [false, true] {
            let more = if unserved { plain.problem.unserved_fixed } else { 0 };
            let units = if plain.problem.whole_rows {
                whole(plain, &nodes, unserved, 0, &mut Vec::new())
            } else {
                (0..plain.rows)
                    .try_fold(0, |sum, row| Some(sum + split(plain, &nodes, unserved, row)?))
            };
            best = best.min(units.map_or(i64::MAX, |units| fixed + more + units));
        }
    }
    best
}

fn split(plain: &mut Plain, nodes: &[usize], unserved: bool, row: usize) -> Option<i64> {
    let mut offers: Vec<(i64, i64)> =
        nodes.iter().map(|&node| (plain.cost(node, row), plain.supply(node, row))).collect();
    if unserved {
        offers.push((plain.problem.unserved_unit[row], i64::MAX));
    }
    offers.sort_unstable();
    let (mut missing, mut cost) = (plain.problem.units[row], 0);
    for (unit, there) in offers {
        let units = there.min(missing);
        missing -= units;
        cost += units * unit;
    }
    (missing == 0).then_some(cost)
}

fn whole(
    plain: &mut Plain,
    nodes: &[usize],
    unserved: bool,
    row: usize,
    taken: &mut Vec<(usize, usize, i64)>,
) -> Option<i64> {
    if row == plain.rows {
        return Some(0);
    }
    let (units, pool) = (plain.problem.units[row], plain.problem.pool[row]);
    let mut best: Option<i64> = None;
    for &node in nodes {
        let gone: i64 = taken.iter().filter(|t| (t.0, t.1) == (node, pool)).map(|t| t.2).sum();
        if plain.supply(node, row) - gone >= units {
            taken.push((node, pool, units));
            if let Some(rest) = whole(plain, nodes, unserved, row + 1, taken) {
                let cost = rest + units * plain.cost(node, row);
                best = Some(best.map_or(cost, |best| best.min(cost)));
            }
            taken.pop();
        }
    }
    if unserved && let Some(rest) = whole(plain, nodes, unserved, row + 1, taken) {
        let cost = rest + units * plain.problem.unserved_unit[row];
        best = Some(best.map_or(cost, |best| best.min(cost)));
    }
    best
}

/// What the mixed integer program says it costs.
fn mixed_integer(plain: &mut Plain) -> i64 {
    let mut program = microlp::Problem::new(OptimizationDirection::Minimize);
    let fixed = plain.problem.fixed.clone();
    let opens: Vec<Variable> =
        fixed.iter().map(|&cost| program.add_binary_var(cost as f64)).collect();
    let nobody = program.add_binary_var(plain.problem.unserved_fixed as f64);
    for row in 0..plain.rows {
        let wanted = plain.problem.units[row] as f64;
        let mut served = LinearExpr::empty();
        for (node, &open) in opens.iter().enumerate() {
            let reach = (plain.supply(node, row) as f64).min(wanted);
            let cost = plain.cost(node, row) as f64;
            let units = program.add_var(cost, (0.0, reach));
            served.add(units, 1.0);
            program.add_constraint([(units, 1.0), (open, -reach)], ComparisonOp::Le, 0.0);
        }
        let left = program.add_var(plain.problem.unserved_unit[row] as f64, (0.0, wanted));
        served.add(left, 1.0);
        program.add_constraint([(left, 1.0), (nobody, -wanted)], ComparisonOp::Le, 0.0);
        program.add_constraint(served, ComparisonOp::Eq, wanted);
    }
    let count: Vec<(Variable, f64)> = opens.iter().map(|&open| (open, 1.0)).collect();
    program.add_constraint(&count, ComparisonOp::Le, plain.problem.max_shipments as f64);
    match program.solve().expect("a program that leaving all unserved satisfies") {
        microlp::SolveOutcome::Solution(solution) => solution.objective().round() as i64,
        microlp::SolveOutcome::Interrupted(_) => panic!("no limit was set"),
    }
}

/// The plan is one: it serves every row, from what is there, for what it says.
fn check_plan(plain: &mut Plain, solution: &Solution) {
    let mut cost = 0;
    let mut used: Vec<usize> = solution.flows.iter().map(|flow| flow.node).collect();
    used.sort_unstable();
    used.dedup();
    assert!(used.len() <= plain.problem.max_shipments);
    cost += used.iter().map(|&node| plain.problem.fixed[node]).sum::<i64>();
    cost += if solution.unserved.is_empty() { 0 } else { plain.problem.unserved_fixed };
    for row in 0..plain.rows {
        let flows = solution.flows.iter().filter(|flow| flow.row == row);
        let left = solution.unserved.iter().filter(|left| left.0 == row);
        let served: i64 = flows.clone().map(|flow| flow.units).sum();
        let unserved: i64 = left.map(|left| left.1).sum();
        assert_eq!(served + unserved, plain.problem.units[row]);
        cost += unserved * plain.problem.unserved_unit[row];
        for flow in flows {
            assert!(flow.units > 0);
            cost += flow.units * plain.cost(flow.node, row);
            let whole = flow.units == plain.problem.units[row];
            assert!(whole || !plain.problem.whole_rows, "a whole row was split");
        }
    }
    for node in used {
        for row in 0..plain.rows {
            let pool = plain.problem.pool[row];
            let of_pool = solution
                .flows
                .iter()
                .filter(|flow| flow.node == node && plain.problem.pool[flow.row] == pool);
            let units: i64 = of_pool.map(|flow| flow.units).sum();
            assert!(units <= plain.supply(node, row), "more than there is");
        }
    }
    assert_eq!(cost, solution.cost);
    assert_eq!(solution.at_least, solution.cost);
    assert!(!solution.bound_hit);
}

#[test]
fn the_cost_is_that_of_brute_force() {
    let (mut dice, mut solver) = (Dice(20_251_122), Solver::default());
    for nth in 0..20_000 {
        let (nodes, rows) = (1 + dice.below(6) as usize, 1 + dice.below(4) as usize);
        let whole_rows = nth % 3 == 0;
        let shares_pools = whole_rows && dice.one_in(2);
        let shape = Shape { nodes, rows, units: 4, empty: 3, whole_rows, shares_pools };
        let mut plain = Plain::of(instance(&mut dice, &shape), &shape);
        let solution = solver.solve(&plain.problem, STEPS).clone();
        check_plan(&mut plain, &solution);
        assert_eq!(solution.cost, brute_force(&mut plain), "instance {nth}: {:?}", plain.problem);
    }
}

#[test]
fn the_cost_is_that_of_a_mixed_integer_program() {
    let (mut dice, mut solver) = (Dice(7), Solver::default());
    for nth in 0..12_000 {
        let (nodes, rows) = (2 + dice.below(9) as usize, 1 + dice.below(5) as usize);
        let shape =
            Shape { nodes, rows, units: 5, empty: 3, whole_rows: false, shares_pools: false };
        let mut plain = Plain::of(instance(&mut dice, &shape), &shape);
        let solution = solver.solve(&plain.problem, STEPS).clone();
        check_plan(&mut plain, &solution);
        assert_eq!(solution.cost, mixed_integer(&mut plain), "instance {nth}: {:?}", plain.problem);
    }
}

#[test]
fn of_equal_cost_fewer_shipments_win_and_then_better_ranks() {
    let mut problem = Problem::default();
    problem.reset(4, 2);
    (problem.units[0], problem.units[1]) = (1, 1);
    problem.unserved_unit.fill(1_000_000);
    for (node, row) in [(0, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1)] {
        *problem.supply_mut(node, row) = 5;
    }
    let mut solver = Solver::default();
    let nodes = |solution: &Solution| -> Vec<usize> {
        solution.flows.iter().map(|flow| flow.node).collect()
    };
    assert_eq!(nodes(solver.solve(&problem, STEPS)), [2, 2]);
    problem.max_shipments = 2;
    *problem.supply_mut(2, 1) = 0;
    *problem.supply_mut(3, 0) = 0;
    assert_eq!(nodes(solver.solve(&problem, STEPS)), [0, 1]);
}

#[test]
fn the_same_problem_has_the_same_answer_whatever_was_solved_before() {
    let shape =
        Shape { nodes: 30, rows: 5, units: 5, empty: 2, whole_rows: false, shares_pools: false };
    let mut dice = Dice(99);
    let problems: Vec<Problem> = (0..200).map(|_| instance(&mut dice, &shape)).collect();
    let mut used = Solver::default();
    for problem in &problems {
        let answer = used.solve(problem, STEPS).clone();
        assert_eq!(&answer, Solver::default().solve(problem, STEPS));
    }
}

#[test]
fn a_bound_on_the_work_is_kept_and_said() {
    let shape =
        Shape { nodes: 60, rows: 10, units: 9, empty: 2, whole_rows: false, shares_pools: false };
    let (mut dice, mut hits) = (Dice(5), 0);
    for _ in 0..50 {
        let problem = instance(&mut dice, &shape);
        let mut solver = Solver::default();
        let least = solver.solve(&problem, STEPS).cost;
        let hasty = solver.solve(&problem, 60).clone();
        assert!(hasty.cost >= least && hasty.at_least <= least);
        if hasty.bound_hit {
            hits += 1;
        } else {
            assert_eq!(hasty.cost, least);
        }
    }
    assert!(hits > 0, "60 steps are not enough for some of these");
}
