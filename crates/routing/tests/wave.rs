//! Waves planned again: cheaper where they can be, never dearer, and nobody loses anything.

#[path = "support/dice.rs"]
mod dice;

use dice::Dice;
use omnifold_routing::solver::{Flow, Problem, Solver};
use omnifold_routing::wave::{Assigned, Improved, Wave, improve};

const STEPS: u32 = 1_000_000;

/// A wave whose orders came one after the other and took what was cheapest; then some stock came.
fn wave(dice: &mut Dice, solver: &mut Solver) -> Wave {
    let (nodes, skus) = (2 + dice.below(3) as usize, 1 + dice.below(4) as usize);
    let free = (0..nodes * skus).map(|_| dice.below(4)).collect();
    let mut wave = Wave { columns: skus, free, orders: Vec::new() };
    for _ in 0..1 + dice.below(6) {
        let (mut order, wanted) = order(dice, nodes, skus);
        for node in 0..nodes {
            for (pool, sku) in wanted.iter().enumerate() {
                *order.supply_mut(node, pool) = wave.free[node * skus + sku];
            }
        }
        let flows = solver.solve(&order, STEPS).flows.clone();
        for flow in &flows {
            wave.free[flow.node * skus + wanted[flow.row]] -= flow.units;
        }
        let blocked = Vec::new();
        wave.orders.push(Assigned { order, skus: wanted, shelves: Vec::new(), flows, blocked });
    }
    wave.free.iter_mut().for_each(|units| *units += i64::from(dice.one_in(4)));
    wave
}

fn order(dice: &mut Dice, nodes: usize, skus: usize) -> (Problem, Vec<usize>) {
    let wanted: Vec<usize> = (0..skus).filter(|_| !dice.one_in(3)).collect();
    let wanted = if wanted.is_empty() { vec![0] } else { wanted };
    let mut order = Problem::default();
    order.reset(nodes, wanted.len());
    order.whole_rows = dice.one_in(2);
    order.unserved_fixed = 50_000;
    order.unserved_unit.fill(20_000);
    order.fixed.fill(8_000);
    for row in 0..wanted.len() {
        order.units[row] = 1 + dice.below(2);
        (0..nodes).for_each(|node| *order.unit_cost_mut(node, row) = dice.below(4_000));
    }
    (order, wanted)
}

/// Units of a wave by node and SKU, free or held.
fn units(wave: &Wave) -> Vec<i64> {
    let mut units = wave.free.clone();
    for Assigned { skus, flows, .. } in &wave.orders {
        flows
            .iter()
            .for_each(|flow| units[flow.node * wave.columns + skus[flow.row]] += flow.units);
    }
    units
}

fn served(flows: &[Flow], row: usize) -> i64 {
    flows.iter().filter(|flow| flow.row == row).map(|flow| flow.units).sum()
}

fn check(before: &Wave, after: &Wave, said: &Improved) {
    assert!(said.after <= said.before);
    assert_eq!((said.before, said.after), (before.cost(), after.cost()));
    assert_eq!(units(before), units(after));
    assert!(after.free.iter().all(|units| *units >= 0), "{:?}", after.free);
    for (number, (old, new)) in before.orders.iter().zip(&after.orders).enumerate() {
        assert_eq!(old.flows != new.flows, said.changed.contains(&number));
        for (row, &wanted) in new.order.units.iter().enumerate() {
            let (had, has) = (served(&old.flows, row), served(&new.flows, row));
            assert!(has >= had && has <= wanted, "row {row} had {had}, has {has} of {wanted}");
        }
    }
}

#[test]
fn a_wave_is_never_dearer_and_no_row_gets_less() {
    let (mut dice, mut solver) = (Dice(20_261_122), Solver::default());
    let (mut cheaper, mut hurried) = (0, 0);
    for _ in 0..5_000 {
        let before = wave(&mut dice, &mut solver);
        let mut after = before.clone();
        let said = improve(&mut after, &mut solver, STEPS);
        check(&before, &after, &said);
        assert!(!said.bound_hit);
        cheaper += u32::from(said.after < said.before);
        let again = improve(&mut after, &mut solver, STEPS);
        assert_eq!((again.changed, again.after), (vec![], said.after));
        let mut after = before.clone();
        let said = improve(&mut after, &mut solver, 3);
        check(&before, &after, &said);
        hurried += u32::from(said.bound_hit);
    }
    assert!(cheaper > 1_000 && hurried > 1_000, "{cheaper} cheaper, {hurried} hurried");
}

/// Two orders of one unit each: what they cost together at the least.
fn by_trying_all(wave: &Wave) -> i64 {
    let nodes = wave.orders[0].order.fixed.len();
    let there = units(wave);
    let places = |order: &Assigned| -> Vec<(Option<usize>, i64)> {
        let mut flows = vec![(None, order.order.cost_of(&[]))];
        for node in (0..nodes).filter(|node| there[*node] > 0) {
            let cost = order.order.cost_of(&[Flow { node, row: 0, units: 1 }]);
            flows.push((Some(node), cost));
        }
        flows
    };
    let (one, other) = (places(&wave.orders[0]), places(&wave.orders[1]));
    let pairs = one.iter().flat_map(|one| other.iter().map(move |other| (one, other)));
    let fits = |one: Option<usize>, other| one.is_none() || one != other || there[one.unwrap()] > 1;
    pairs.filter(|(a, b)| fits(a.0, b.0)).map(|(a, b)| a.1 + b.1).min().unwrap()
}

#[test]
fn two_orders_swap_what_is_cheaper_the_other_way_round() {
    let (mut dice, mut solver) = (Dice(9), Solver::default());
    let mut swapped = 0;
    for _ in 0..20_000 {
        let mut wave = wave(&mut dice, &mut solver);
        let alike = |order: &Assigned| order.order.units == [1] && !order.flows.is_empty();
        wave.orders.retain(alike);
        if wave.columns != 1 || wave.orders.len() < 2 {
            continue;
        }
        wave.orders.truncate(2);
        let best = by_trying_all(&wave);
        let said = improve(&mut wave, &mut solver, STEPS);
        assert_eq!(said.after, best, "{wave:?}");
        swapped += u32::from(said.changed.len() == 2);
    }
    assert!(swapped > 20, "{swapped}");
}

#[test]
fn stock_that_came_since_spares_a_shipment() {
    let mut order = Problem::default();
    order.reset(2, 2);
    order.units.fill(1);
    order.fixed.fill(900);
    order.unserved_unit.fill(10_000);
    let apart = [(0, 0), (1, 1)].map(|(node, row)| Flow { node, row, units: 1 });
    let (skus, flows) = (vec![0, 1], apart.to_vec());
    let first = Assigned { order, skus, flows, shelves: Vec::new(), blocked: Vec::new() };
    let mut wave = Wave { columns: 2, free: vec![0, 1, 0, 0], orders: vec![first] };
    let said = improve(&mut wave, &mut Solver::default(), STEPS);
    assert_eq!((said.before, said.after, &said.changed[..]), (1_800, 900, &[0][..]));
    assert!(wave.orders[0].flows.iter().all(|flow| flow.node == 0));
    assert_eq!(wave.free, [0, 0, 0, 1]);
}

#[test]
fn an_order_is_given_only_units_that_last() {
    let order = |fixed: [i64; 2]| {
        let mut order = Problem::default();
        order.reset(2, 1);
        order.units.fill(1);
        order.fixed.copy_from_slice(&fixed);
        order.unserved_unit.fill(10_000);
        let flows = vec![Flow { node: 0, row: 0, units: 1 }];
        Assigned { order, skus: vec![0], shelves: vec![vec![1]], flows, blocked: Vec::new() }
    };
    // Two units are free at the second node, of which one lasts.
    let orders = vec![order([900, 300]), order([900, 200])];
    let mut wave = Wave { columns: 2, free: vec![0, 0, 2, 1], orders };
    let said = improve(&mut wave, &mut Solver::default(), STEPS);
    assert_eq!((said.after, said.changed), (1_100, vec![1]));
    assert_eq!(wave.free, [1, 1, 1, 0]);
    // Of one that asks for less the unit may be had, but what it holds lasts for nobody.
    let any = Assigned { shelves: Vec::new(), ..order([900, 300]) };
    let orders = vec![any, order([900, 200])];
    let mut wave = Wave { columns: 2, free: vec![0, 0, 1, 1], orders };
    let said = improve(&mut wave, &mut Solver::default(), STEPS);
    assert_eq!((said.after, said.changed), (1_100, vec![1]));
}

#[test]
fn an_order_is_not_given_what_it_may_not_have() {
    let mut order = Problem::default();
    order.reset(3, 1);
    order.units.fill(1);
    order.fixed.copy_from_slice(&[900, 300, 100]);
    order.unserved_unit.fill(10_000);
    let flows = vec![Flow { node: 0, row: 0, units: 1 }];
    let blocked = vec![false, false, true];
    let first = Assigned { order, skus: vec![0], shelves: Vec::new(), flows, blocked };
    let mut wave = Wave { columns: 1, free: vec![-1, 1, 1], orders: vec![first] };
    let said = improve(&mut wave, &mut Solver::default(), STEPS);
    assert_eq!((said.before, said.after), (900, 300));
    assert_eq!(wave.free, [0, 0, 1]);
}
