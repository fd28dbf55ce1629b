//! Made-up waves: orders that came one after the other and took what was cheapest.

use omnifold_routing::solver::{Beyond, Bracket, Problem, Solver};
use omnifold_routing::wave::{Assigned, Wave};

use super::Dice;

/// How a wave is made.
pub struct Shape {
    pub orders: usize,
    pub nodes: usize,
    pub skus: usize,
    /// Per cent of the SKUs of which there is too little.
    pub scarce_percent: i64,
    /// Shipments are priced by their weight, too.
    pub by_weight: bool,
    /// Some orders ask for units that last, or that last longer still.
    pub lasting: bool,
}

const LINES: usize = 3;
const STEPS: u32 = 1_000_000;

/// Orders of three lines, each planned at the least cost for what those before it left.
pub fn one_after_the_other(dice: &mut Dice, shape: &Shape, solver: &mut Solver) -> Wave {
    let &Shape { orders, nodes, skus, .. } = shape;
    let mut free = stock(dice, shape);
    let columns = if shape.lasting { 3 * skus } else { skus };
    if shape.lasting {
        free = with_shelves(dice, skus, &free);
    }
    let mut wave = Wave { columns, free, orders: Vec::with_capacity(orders) };
    for _ in 0..orders {
        let mut wanted: Vec<usize> = Vec::with_capacity(LINES);
        while wanted.len() < LINES {
            let sku = dice.below(skus as i64) as usize;
            if !wanted.contains(&sku) {
                wanted.push(sku);
            }
        }
        let mut order = order(dice, nodes);
        if shape.by_weight {
            price_by_weight(dice, &mut order, nodes);
        }
        let level = if shape.lasting { dice.below(3) as usize } else { 0 };
        let of_sku = |sku: &usize| (1..=level).map(|shelf| shelf * skus + sku).collect();
        let shelves: Vec<Vec<usize>> = wanted.iter().map(of_sku).collect();
        for node in 0..nodes {
            for (pool, sku) in wanted.iter().enumerate() {
                let counts = shelves[pool].iter().chain([sku]);
                let free = counts.map(|column| wave.free[node * columns + column]).min();
                *order.supply_mut(node, pool) = free.unwrap();
            }
        }
        let flows = solver.solve(&order, STEPS).flows.clone();
        for flow in &flows {
            for column in shelves[flow.row].iter().chain([&wanted[flow.row]]) {
                wave.free[flow.node * columns + column] -= flow.units;
            }
        }
        let (skus, blocked) = (wanted, Vec::new());
        wave.orders.push(Assigned { order, skus, shelves, flows, blocked });
    }
    wave
}

/// Some of the units last, and some of these last longer still.
fn with_shelves(dice: &mut Dice, skus: usize, free: &[i64]) -> Vec<i64> {
    let mut columns = Vec::with_capacity(3 * free.len());
    for of_node in free.chunks(skus) {
        let lasting: Vec<i64> = of_node.iter().map(|units| dice.below(units + 1)).collect();
        let longer = lasting.iter().map(|units| dice.below(units + 1));
        columns.extend(of_node.iter().chain(&lasting).copied().chain(longer));
    }
    columns
}

/// Units come to nodes one by one: of a scarce SKU half of what is wanted, of others twice as many.
fn stock(dice: &mut Dice, shape: &Shape) -> Vec<i64> {
    let &Shape { orders, nodes, skus, scarce_percent, .. } = shape;
    let mut free = vec![0; nodes * skus];
    let wanted = (orders * LINES * 3 / 2).div_ceil(skus);
    for sku in 0..skus {
        let is_scarce = dice.below(100) < scarce_percent;
        let units = if is_scarce { wanted.div_ceil(2) } else { wanted * 2 };
        for _ in 0..units {
            free[dice.below(nodes as i64) as usize * skus + sku] += 1;
        }
    }
    free
}

/// One or two units of each line; costs in 1/1000 of the minor unit, by how far each node is.
fn order(dice: &mut Dice, nodes: usize) -> Problem {
    let mut order = Problem::default();
    order.reset(nodes, LINES);
    order.unserved_fixed = 5_000_000;
    order.unserved_unit.fill(2_000_000);
    order.fixed.fill(400_000);
    for row in 0..LINES {
        order.units[row] = 1 + i64::from(dice.one_in(2));
    }
    for node in 0..nodes {
        let unit = 20_000 + dice.below(1_000) * 1_000;
        (0..LINES).for_each(|row| *order.unit_cost_mut(node, row) = unit);
    }
    order
}

/// Units weigh up to 3 kg. One table for near nodes and one for far ones, and a parcel of either may be
/// dearer than two lighter ones, or too heavy to be one.
fn price_by_weight(dice: &mut Dice, order: &mut Problem, nodes: usize) {
    order.weight.iter_mut().for_each(|weight| *weight = 100 + dice.below(2_900));
    for zone in 0..2 {
        let (mut up_to, mut price) = (1_000 + dice.below(2_000), zone * 100_000);
        let mut steps = Vec::new();
        for _ in 0..3 {
            steps.push(Bracket { up_to, price });
            up_to += 500 + dice.below(2_500);
            price += dice.below(500_000);
        }
        let beyond = Beyond { each: 1_000, price: dice.below(300_000), heaviest: 30_000 };
        order.add_table(steps, dice.one_in(2).then_some(beyond));
    }
    (0..nodes).for_each(|node| order.price_by(node, dice.below(2) as usize));
}
