//! Small waves against all there is: how far from the best that any planning could do.

#[path = "support/dice.rs"]
mod dice;
#[path = "support/waves.rs"]
mod waves;

use dice::Dice;
use omnifold_routing::solver::{Flow, Solver};
use omnifold_routing::wave::{Assigned, Wave, improve};
use waves::{Shape, one_after_the_other};

/// Every plan of an order that gives each row what it has at least, cheapest first.
fn plans(assigned: &Assigned, nodes: usize) -> Vec<(i64, Vec<Flow>)> {
    let mut plans = vec![Vec::new()];
    for (row, &wanted) in assigned.order.units.iter().enumerate() {
        let had = units_of(&assigned.flows, row);
        let mut shares = vec![Vec::new()];
        for node in 0..nodes {
            shares = longer(&shares, |share| {
                let left = wanted - units_of(share, row);
                (0..=left).map(move |units| Flow { node, row, units }).collect()
            });
        }
        shares.retain(|share| units_of(share, row) >= had);
        plans = longer_by(&plans, &shares);
    }
    let cost = |flows: Vec<Flow>| (assigned.order.cost_of(&flows), flows);
    let mut plans: Vec<(i64, Vec<Flow>)> = plans.into_iter().map(cost).collect();
    plans.sort_by_key(|plan| plan.0);
    plans
}

fn units_of(flows: &[Flow], row: usize) -> i64 {
    flows.iter().filter(|flow| flow.row == row).map(|flow| flow.units).sum()
}

/// Each list with each flow that may follow it; one of no units is none.
fn longer(lists: &[Vec<Flow>], next: impl Fn(&[Flow]) -> Vec<Flow>) -> Vec<Vec<Flow>> {
    let with = |list: &Vec<Flow>, flow: Flow| {
        let flow = Some(flow).filter(|flow| flow.units > 0);
        list.iter().copied().chain(flow).collect()
    };
    let each = |list: &Vec<Flow>| -> Vec<Vec<Flow>> {
        next(list).into_iter().map(|flow| with(list, flow)).collect()
    };
    lists.iter().flat_map(each).collect()
}

fn longer_by(lists: &[Vec<Flow>], more: &[Vec<Flow>]) -> Vec<Vec<Flow>> {
    let each = |list: &Vec<Flow>| -> Vec<Vec<Flow>> {
        more.iter().map(|more| [list.as_slice(), more].concat()).collect()
    };
    lists.iter().flat_map(each).collect()
}

/// What a wave costs at the least: every plan of every order with every plan of the others.
struct Search {
    plans: Vec<Vec<(i64, Vec<Flow>)>>,
    /// Columns in which units count, by order and pool.
    columns: Vec<Vec<Vec<usize>>>,
    count: usize,
    best: i64,
}

impl Search {
    fn run(wave: &Wave) -> i64 {
        let nodes = wave.free.len() / wave.columns;
        let mut there = wave.free.clone();
        for order in &wave.orders {
            book(&mut there, wave.columns, &columns_of(order), &order.flows, -1);
        }
        let plans = wave.orders.iter().map(|order| plans(order, nodes)).collect();
        let columns = wave.orders.iter().map(columns_of).collect();
        let mut search = Search { plans, columns, count: wave.columns, best: wave.cost() };
        search.add(0, 0, &mut there);
        search.best
    }

    fn add(&mut self, order: usize, cost: i64, there: &mut Vec<i64>) {
        if order == self.plans.len() {
            self.best = self.best.min(cost);
            return;
        }
        let others: i64 = self.plans[order + 1..].iter().map(|plans| plans[0].0).sum();
        for place in 0..self.plans[order].len() {
            let (more, flows) = self.plans[order][place].clone();
            if cost + more + others >= self.best {
                return; // so are all that follow
            }
            let columns = self.columns[order].clone();
            book(there, self.count, &columns, &flows, 1);
            if there.iter().all(|units| *units >= 0) {
                self.add(order + 1, cost + more, there);
            }
            book(there, self.count, &columns, &flows, -1);
        }
    }
}

/// Where units of an order count, by pool.
fn columns_of(order: &Assigned) -> Vec<Vec<usize>> {
    let shelves = order.shelves.iter().zip(&order.skus);
    shelves.map(|(shelves, sku)| [&[*sku], shelves.as_slice()].concat()).collect()
}

fn book(there: &mut [i64], count: usize, columns: &[Vec<usize>], flows: &[Flow], sign: i64) {
    for flow in flows {
        for column in &columns[flow.row] {
            there[flow.node * count + column] -= sign * flow.units;
        }
    }
}

/// How close waves of two to four orders come: (per mille above the best before, after, of a hundred waves so
/// many are the best).
fn closeness(by_weight: bool, lasting: bool) -> (f64, f64, usize) {
    let (mut dice, mut solver) = (Dice(20_261_123), Solver::default());
    let (mut before, mut after, mut best, mut exact) = (0, 0, 0, 0);
    const WAVES: usize = 300;
    for number in 0..WAVES {
        let orders = 2 + number % 3;
        let shape = Shape { orders, nodes: 3, skus: 4, scarce_percent: 40, by_weight, lasting };
        let mut wave = one_after_the_other(&mut dice, &shape, &mut solver);
        let least = Search::run(&wave);
        let said = improve(&mut wave, &mut solver, 1_000_000);
        assert!(least <= said.after && said.after <= said.before, "{least}, {said:?}");
        before += said.before;
        after += said.after;
        best += least;
        exact += usize::from(said.after == least);
    }
    let per_mille = |cost: i64| (cost - best) as f64 * 1e3 / best as f64;
    let (was, is) = (per_mille(before), per_mille(after));
    println!("{was:.2} per mille above the best before, {is:.2} after; {exact} of {WAVES} exact");
    (was, is, exact * 100 / WAVES)
}

#[test]
fn small_waves_come_close_to_the_best_there_is() {
    let (was, is, exact) = closeness(false, false);
    assert!(is <= was / 5.0 && exact >= 90, "{was:.2}, {is:.2}, {exact}");
}

#[test]
fn small_waves_by_weight_come_close_to_the_best_there_is() {
    let (was, is, exact) = closeness(true, false);
    assert!(is <= was / 5.0 && exact >= 85, "{was:.2}, {is:.2}, {exact}");
}

#[test]
fn small_waves_of_units_that_last_come_close_to_the_best_there_is() {
    let (was, is, exact) = closeness(false, true);
    assert!(is <= was / 5.0 && exact >= 90, "{was:.2}, {is:.2}, {exact}");
}
