//! Shipments priced by steps of their weight: the solver against brute force, which tries every way to
//! share the units out, and against a solver of mixed integer programs with a choice for each bracket.

#[path = "support/instances.rs"]
mod instances;
#[path = "support/tables.rs"]
mod tables;

use instances::{Dice, Shape, instance};
use microlp::{ComparisonOp, LinearExpr, OptimizationDirection, Variable};
use omnifold_routing::solver::{Beyond, Bracket, Problem, Solution, Solver};
use tables::{Carriers, price_by_weight};

const STEPS: u32 = 2_000_000;

/// A problem, and all that it was told in numbers of one's own.
struct Plain {
    problem: Problem,
    carriers: Carriers,
    nodes: usize,
    rows: usize,
    supply: Vec<Vec<i64>>,
    unit: Vec<Vec<i64>>,
}

impl Plain {
    fn of(dice: &mut Dice, shape: &Shape) -> Self {
        let nodes = shape.nodes;
        let mut problem = instance(dice, shape);
        let carriers = price_by_weight(dice, &mut problem, nodes);
        Plain::reading(problem, carriers, shape)
    }

    /// A unit in a thousand parts, each of which may go another way.
    fn in_parts(dice: &mut Dice, shape: &Shape) -> Self {
        let (nodes, rows) = (shape.nodes, shape.rows);
        let mut problem = instance(dice, shape);
        let carriers = price_by_weight(dice, &mut problem, nodes);
        for row in 0..rows {
            problem.units[row] = problem.units[row] * 1_000 - dice.below(500);
            problem.weight[row] = 1 + dice.below(4);
            problem.unserved_unit[row] = 100;
            for node in 0..nodes {
                *problem.supply_mut(node, row) *= 700;
                *problem.unit_cost_mut(node, row) /= 1_000;
            }
        }
        Plain::reading(problem, carriers, shape)
    }

    fn reading(mut problem: Problem, carriers: Carriers, shape: &Shape) -> Self {
        let (nodes, rows) = (shape.nodes, shape.rows);
        let pools = problem.pool.clone();
        let mut cells = |of: &mut dyn FnMut(&mut Problem, usize, usize) -> i64| -> Vec<Vec<i64>> {
            let row = |node| (0..rows).map(|row| of(&mut problem, node, row)).collect();
            (0..nodes).map(row).collect()
        };
        let supply = cells(&mut |problem, node, row| *problem.supply_mut(node, pools[row]));
        let unit = cells(&mut |problem, node, row| *problem.unit_cost_mut(node, row));
        Plain { problem, carriers, nodes, rows, supply, unit }
    }

    /// What a plan costs, units by place and row, nobody at the end; `None`: it cannot be.
    fn cost(&self, plan: &[Vec<i64>]) -> Option<i64> {
        let mut total = 0;
        let mut shipments = 0;
        for (node, its) in plan[..self.nodes].iter().enumerate() {
            if its.iter().all(|units| *units == 0) {
                continue;
            }
            shipments += 1;
            total += self.problem.fixed[node];
            let units = its.iter().zip(&self.unit[node]);
            total += units.map(|(units, cost)| units * cost).sum::<i64>();
            let weights = its.iter().zip(&self.problem.weight);
            let weight = weights.map(|(units, weight)| units * weight).sum();
            if let Some(table) = self.carriers.of_node[node] {
                total += self.carriers.tables[table].price(weight)?;
            }
        }
        let left = &plan[self.nodes];
        let of_left = left.iter().zip(&self.problem.unserved_unit);
        total += of_left.map(|(units, cost)| units * cost).sum::<i64>();
        total += if left.iter().any(|units| *units > 0) { self.problem.unserved_fixed } else { 0 };
        (shipments <= self.problem.max_shipments).then_some(total)
    }

    fn brute_force(&self) -> i64 {
        let mut best = i64::MAX;
        let mut plan = vec![vec![0; self.rows]; self.nodes + 1];
        self.try_all(&mut plan, 0, 0, self.problem.units[0], &mut best);
        best
    }

    /// Every way to give the units left of a row to the places from one on, and of the rows after it.
    fn try_all(&self, plan: &mut [Vec<i64>], row: usize, place: usize, left: i64, best: &mut i64) {
        if place == self.nodes {
            if self.problem.whole_rows && left != 0 && left != self.problem.units[row] {
                return;
            }
            plan[place][row] = left;
            if row + 1 < self.rows {
                self.try_all(plan, row + 1, 0, self.problem.units[row + 1], best);
            } else if let Some(cost) = self.cost(plan) {
                *best = cost.min(*best);
            }
            plan[place][row] = 0;
            return;
        }
        let pool = self.problem.pool[row];
        let is_of_pool = |other: &usize| self.problem.pool[*other] == pool;
        let gone: i64 = (0..row).filter(is_of_pool).map(|other| plan[place][other]).sum();
        for units in 0..=left.min(self.supply[place][row] - gone) {
            if self.problem.whole_rows && units != 0 && units != self.problem.units[row] {
                continue;
            }
            plan[place][row] = units;
            self.try_all(plan, row, place + 1, left - units, best);
            plan[place][row] = 0;
        }
    }

    /// What the mixed integer program says it costs: of each node one bracket at most is bought.
    fn mixed_integer(&self) -> i64 {
        let mut program = microlp::Problem::new(OptimizationDirection::Minimize);
        let problem = &self.problem;
        let add_open =
            |program: &mut microlp::Problem, cost: i64| program.add_binary_var(cost as f64);
        let opens: Vec<Variable> =
            problem.fixed.iter().map(|&cost| add_open(&mut program, cost)).collect();
        let nobody = add_open(&mut program, problem.unserved_fixed);
        let mut weighs: Vec<LinearExpr> = opens.iter().map(|_| LinearExpr::empty()).collect();
        for row in 0..self.rows {
            let wanted = problem.units[row];
            let mut served = LinearExpr::empty();
            for node in 0..self.nodes {
                let reach = self.supply[node][row].min(wanted) as i32;
                let units = program.add_integer_var(self.unit[node][row] as f64, (0, reach));
                served.add(units, 1.0);
                weighs[node].add(units, problem.weight[row] as f64);
                let open = (opens[node], -f64::from(reach));
                program.add_constraint([(units, 1.0), open], ComparisonOp::Le, 0.0);
            }
            let left =
                program.add_integer_var(problem.unserved_unit[row] as f64, (0, wanted as i32));
            served.add(left, 1.0);
            program.add_constraint([(left, 1.0), (nobody, -wanted as f64)], ComparisonOp::Le, 0.0);
            program.add_constraint(served, ComparisonOp::Eq, wanted as f64);
        }
        for (node, weight) in weighs.into_iter().enumerate() {
            self.buy_bracket(&mut program, node, opens[node], weight);
        }
        let count: Vec<(Variable, f64)> = opens.iter().map(|&open| (open, 1.0)).collect();
        program.add_constraint(&count, ComparisonOp::Le, problem.max_shipments as f64);
        match program.solve().expect("a program that leaving all unserved satisfies") {
            microlp::SolveOutcome::Solution(solution) => solution.objective().round() as i64,
            microlp::SolveOutcome::Interrupted(_) => panic!("no limit was set"),
        }
    }

    fn buy_bracket(
        &self,
        program: &mut microlp::Problem,
        node: usize,
        open: Variable,
        mut weight: LinearExpr,
    ) {
        let Some(table) = self.carriers.of_node[node] else { return };
        let rates = &self.carriers.tables[table];
        let rows = self.problem.units.iter().zip(&self.problem.weight);
        let total: i64 = rows.map(|(units, weight)| units * weight).sum();
        let mut ends: Vec<i64> = rates.steps.iter().map(|step| step.up_to).collect();
        while let Some(beyond) = rates.beyond
            && ends[ends.len() - 1] < total.min(beyond.heaviest)
        {
            ends.push((ends[ends.len() - 1] + beyond.each).min(beyond.heaviest));
        }
        let mut bought = LinearExpr::empty();
        for end in ends {
            let price = rates.price(end).expect("an end has a price");
            let bracket = program.add_binary_var(price as f64);
            bought.add(bracket, 1.0);
            weight.add(bracket, -(end as f64));
        }
        bought.add(open, -1.0);
        program.add_constraint(bought, ComparisonOp::Eq, 0.0);
        program.add_constraint(weight, ComparisonOp::Le, 0.0);
    }

    /// The plan is one: it serves every row, from what is there, for what it says.
    fn check(&self, solution: &Solution) {
        let mut plan = vec![vec![0; self.rows]; self.nodes + 1];
        for flow in &solution.flows {
            assert!(flow.units > 0 && plan[flow.node][flow.row] == 0, "one flow of each cell");
            plan[flow.node][flow.row] = flow.units;
        }
        for &(row, units) in &solution.unserved {
            plan[self.nodes][row] = units;
        }
        for row in 0..self.rows {
            let served: i64 = plan.iter().map(|place| place[row]).sum();
            assert_eq!(served, self.problem.units[row]);
            let is_whole = |units: &i64| *units == 0 || *units == self.problem.units[row];
            let all_whole = plan.iter().all(|place| is_whole(&place[row]));
            assert!(all_whole || !self.problem.whole_rows, "a whole row was split");
            for (node, there) in self.supply.iter().enumerate() {
                let of_pool = |other: &usize| self.problem.pool[*other] == self.problem.pool[row];
                let units: i64 =
                    (0..self.rows).filter(of_pool).map(|other| plan[node][other]).sum();
                assert!(units <= there[row], "more than there is");
            }
        }
        assert_eq!(self.cost(&plan), Some(solution.cost));
        assert_eq!(self.problem.cost_of(&solution.flows), solution.cost);
        assert_eq!(solution.at_least, solution.cost);
        assert!(!solution.bound_hit);
    }
}

#[test]
fn the_cost_is_that_of_brute_force() {
    let (mut dice, mut solver) = (Dice(20_261_122), Solver::default());
    for nth in 0..20_000 {
        let (nodes, rows) = (1 + dice.below(4) as usize, 1 + dice.below(3) as usize);
        let whole_rows = nth % 3 == 0;
        let shares_pools = whole_rows && dice.one_in(2);
        let shape = Shape { nodes, rows, units: 4, empty: 4, whole_rows, shares_pools };
        let plain = Plain::of(&mut dice, &shape);
        let solution = solver.solve(&plain.problem, STEPS).clone();
        plain.check(&solution);
        assert_eq!(solution.cost, plain.brute_force(), "instance {nth}: {:?}", plain.problem);
    }
}

#[test]
fn the_cost_is_that_of_a_mixed_integer_program() {
    let (mut dice, mut solver) = (Dice(8), Solver::default());
    for nth in 0..3_000 {
        let (nodes, rows) = (2 + dice.below(5) as usize, 1 + dice.below(4) as usize);
        let shape =
            Shape { nodes, rows, units: 4, empty: 3, whole_rows: false, shares_pools: false };
        let plain = Plain::of(&mut dice, &shape);
        let solution = solver.solve(&plain.problem, STEPS).clone();
        plain.check(&solution);
        assert_eq!(solution.cost, plain.mixed_integer(), "instance {nth}: {:?}", plain.problem);
    }
}

/// Thousands of parts that just do not fit a bracket are a knapsack: not each is proven in so many steps.
#[test]
fn of_units_in_small_parts_the_cost_is_that_of_a_mixed_integer_program_where_it_is_proven() {
    let (mut dice, mut solver, mut hits) = (Dice(9), Solver::default(), 0);
    for nth in 0..100 {
        let (nodes, rows) = (2 + dice.below(2) as usize, 1 + dice.below(2) as usize);
        let shape =
            Shape { nodes, rows, units: 3, empty: 4, whole_rows: false, shares_pools: false };
        let plain = Plain::in_parts(&mut dice, &shape);
        let solution = solver.solve(&plain.problem, STEPS / 10).clone();
        let least = plain.mixed_integer();
        if solution.bound_hit {
            hits += 1;
            assert!(solution.at_least <= least && least <= solution.cost, "instance {nth}");
        } else {
            plain.check(&solution);
            assert_eq!(solution.cost, least, "instance {nth}: {:?}", plain.problem);
        }
    }
    assert!(hits <= 5, "{hits} of 100 were not proven");
}

#[test]
fn the_same_problem_has_the_same_answer_whatever_was_solved_before() {
    let (mut dice, mut used) = (Dice(98), Solver::default());
    for nth in 0..300 {
        let whole_rows = nth % 2 == 0;
        let shape =
            Shape { nodes: 12, rows: 4, units: 3, empty: 3, whole_rows, shares_pools: false };
        let mut problem = instance(&mut dice, &shape);
        if nth % 3 > 0 {
            price_by_weight(&mut dice, &mut problem, shape.nodes);
        }
        let answer = used.solve(&problem, STEPS).clone();
        assert_eq!(&answer, Solver::default().solve(&problem, STEPS));
    }
}

#[test]
fn a_bound_on_the_work_is_kept_and_said() {
    let shape =
        Shape { nodes: 20, rows: 5, units: 4, empty: 2, whole_rows: false, shares_pools: false };
    let (mut dice, mut hits) = (Dice(6), 0);
    for _ in 0..50 {
        let plain = Plain::of(&mut dice, &shape);
        let mut solver = Solver::default();
        let least = solver.solve(&plain.problem, STEPS).clone();
        let hasty = solver.solve(&plain.problem, 40).clone();
        assert!(hasty.cost >= least.at_least && hasty.at_least <= least.cost);
        if hasty.bound_hit {
            hits += 1;
        } else {
            assert_eq!(hasty.cost, least.cost);
        }
    }
    assert!(hits > 0, "40 steps are not enough for some of these");
}

/// Two units of 3 kg at one of two nodes: one heavy parcel or two light ones, as the table says.
#[test]
fn a_table_decides_between_one_heavy_parcel_and_two_light_ones() {
    let answer = |heavy: i64, beyond: Option<Beyond>| {
        let mut problem = Problem::default();
        problem.reset(2, 1);
        (problem.units[0], problem.weight[0]) = (2, 3_000);
        (problem.unserved_fixed, problem.unserved_unit[0]) = (1_000_000, 1_000_000);
        let light = Bracket { up_to: 3_000, price: 500 };
        let steps = [light, Bracket { up_to: 10_000, price: heavy }];
        let steps = if beyond.is_some() { &steps[..1] } else { &steps };
        let table = problem.add_table(steps.iter().copied(), beyond);
        for node in 0..2 {
            *problem.supply_mut(node, 0) = 2;
            problem.price_by(node, table);
        }
        let mut solver = Solver::default();
        let solution = solver.solve(&problem, STEPS);
        (solution.flows.len(), solution.cost)
    };
    assert_eq!(answer(999, None), (1, 999));
    assert_eq!(answer(1_000, None), (1, 1_000), "of equal cost fewer shipments win");
    assert_eq!(answer(1_001, None), (2, 1_000));
    let beyond = |price, heaviest| Some(Beyond { each: 1_000, price, heaviest });
    assert_eq!(answer(0, beyond(166, 9_000)), (1, 500 + 3 * 166));
    assert_eq!(answer(0, beyond(167, 9_000)), (2, 1_000));
    assert_eq!(answer(0, beyond(0, 5_999)), (2, 1_000), "one parcel would be too heavy");
}
