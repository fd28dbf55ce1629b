//! Made-up carriers' tables for made-up orders.

use omnifold_routing::solver::{Beyond, Bracket, Problem};

use super::instances::Dice;

/// A carrier's table, as the problem was given it.
pub struct Rates {
    pub steps: Vec<Bracket>,
    pub beyond: Option<Beyond>,
}

impl Rates {
    /// What a shipment costs, from the words of the table alone.
    #[allow(dead_code)] // the oracles ask
    pub fn price(&self, weight: i64) -> Option<i64> {
        for step in &self.steps {
            if weight <= step.up_to {
                return Some(step.price);
            }
        }
        let (last, beyond) = (self.steps.last()?, self.beyond?);
        let mut price = last.price;
        let mut reach = last.up_to;
        while reach < weight {
            reach += beyond.each;
            price += beyond.price;
        }
        (weight <= beyond.heaviest).then_some(price)
    }
}

/// Tables, and the one of each node.
#[allow(dead_code)] // the oracles ask
pub struct Carriers {
    pub tables: Vec<Rates>,
    pub of_node: Vec<Option<usize>>,
}

/// Gives the rows weights and most nodes a table: with many small steps or few large ones, cheaper by
/// the step or dearer, with an end or without.
pub fn price_by_weight(dice: &mut Dice, problem: &mut Problem, nodes: usize) -> Carriers {
    for weight in &mut problem.weight {
        *weight = if dice.one_in(6) { 0 } else { 1 + dice.below(2_000) };
    }
    let mut tables = Vec::new();
    for _ in 0..1 + dice.below(3) {
        let rates = table(dice);
        problem.add_table(rates.steps.iter().copied(), rates.beyond);
        tables.push(rates);
    }
    let mut of_node = Vec::new();
    for node in 0..nodes {
        let table = dice.below(tables.len() as i64) as usize;
        let has_one = !dice.one_in(8);
        if has_one {
            problem.price_by(node, table);
        }
        of_node.push(has_one.then_some(table));
    }
    Carriers { tables, of_node }
}

/// Gives the rows weights, and each node the table of one of four zones: a carrier's, in which what is
/// heavier costs less by the kilogram.
#[allow(dead_code)] // the bench measures by it
pub fn price_by_zone(dice: &mut Dice, problem: &mut Problem, nodes: usize) {
    for weight in &mut problem.weight {
        *weight = 50 + dice.below(6_000);
    }
    for zone in 0..4 {
        let prices = [4_900, 5_990, 8_490, 12_490, 16_490].map(|price| price + price / 6 * zone);
        let ends = [2_000, 5_000, 10_000, 20_000, 31_500];
        let steps = ends.into_iter().zip(prices);
        let beyond = Beyond { each: 1_000, price: 700, heaviest: 10_000_000 };
        problem.add_table(steps.map(|(up_to, price)| Bracket { up_to, price }), Some(beyond));
    }
    for node in 0..nodes {
        problem.price_by(node, dice.below(4) as usize);
    }
}

fn table(dice: &mut Dice) -> Rates {
    let (widest, dearest) = (500 + dice.below(4_000), 1 + dice.below(9_000));
    let mut steps = Vec::new();
    let (mut up_to, mut price) = (0, dice.below(6_000));
    for _ in 0..1 + dice.below(6) {
        up_to += 1 + dice.below(widest);
        steps.push(Bracket { up_to, price });
        price += dice.below(dearest);
    }
    let each = 200 + dice.below(1_000);
    let heaviest = if dice.one_in(4) { up_to + dice.below(9_000) } else { 10_000_000 };
    let beyond = Beyond { each, price: dice.below(2_000), heaviest };
    Rates { steps, beyond: dice.one_in(2).then_some(beyond) }
}
