//! Nodes that no best plan needs.

use super::problem::Problem;
use super::tables::Table;

/// Rows that fit the masks below; orders with more are searched without this reduction.
const MAX_MASK_ROWS: usize = 64;

/// Nodes that may be needed, in rank order. Memory for reuse.
#[derive(Debug, Clone, Default)]
pub(super) struct Reduction {
    pub kept: Vec<usize>,
    /// Rows that a node has something of.
    some: Vec<u64>,
    /// Rows of which a node has all that all rows of their pool want.
    whole: Vec<u64>,
    wanted: Vec<i64>,
    /// What a node's lightest shipment costs.
    fixed: Vec<i64>,
    gone: Vec<bool>,
    /// Whether one table replaces another: 0 where nobody asked yet, 1 no, 2 yes.
    tables: Vec<u8>,
}

impl Reduction {
    /// Leaves out only nodes that have nothing.
    pub(super) fn keep_all(&mut self, problem: &Problem) {
        self.kept.clear();
        let has_any = |node: &usize| (0..problem.rows).any(|row| problem.reach(*node, row) > 0);
        self.kept.extend((0..problem.nodes).filter(has_any));
    }

    /// Leaves out nodes that have nothing, and nodes that another one replaces in every plan at no
    /// more cost: it has all of every row the node could give any of, each at no higher cost, and
    /// its fixed cost is lower, or as low with a better rank. Where weights have prices, one parcel of
    /// both shipments never costs more by its table than the two.
    pub(super) fn run(&mut self, problem: &Problem) {
        self.keep_all(problem);
        if problem.rows > MAX_MASK_ROWS {
            return;
        }
        self.mask(problem);
        self.gone.clear();
        self.gone.resize(self.kept.len(), false);
        let weight = if problem.is_weighed() { Some(problem.total_weight()) } else { None };
        self.tables.clear();
        self.tables.resize((problem.tables.len() + 1).pow(2), 0);
        for place in 0..self.kept.len() {
            self.gone[place] = (0..self.kept.len()).any(|other| {
                let is_other = other != place && !self.gone[other];
                is_other
                    && self.replaces(problem, other, place)
                    && weight.is_none_or(|weight| self.merges(problem, other, place, weight))
            });
        }
        let mut place = 0;
        self.kept.retain(|_| {
            place += 1;
            !self.gone[place - 1]
        });
    }

    fn mask(&mut self, problem: &Problem) {
        super::problem::refill(&mut self.wanted, problem.pools);
        for row in 0..problem.rows {
            self.wanted[problem.pool[row]] += problem.units[row];
        }
        self.some.clear();
        self.whole.clear();
        self.fixed.clear();
        self.fixed.extend(self.kept.iter().map(|&node| problem.lightest_shipment(node)));
        for &node in &self.kept {
            let (mut some, mut whole) = (0, 0);
            for row in 0..problem.rows {
                some |= u64::from(problem.reach(node, row) > 0) << row;
                let enough = problem.supply(node, row) >= self.wanted[problem.pool[row]];
                whole |= u64::from(enough) << row;
            }
            self.some.push(some);
            self.whole.push(whole);
        }
    }

    fn replaces(&self, problem: &Problem, other: usize, place: usize) -> bool {
        let (by, node) = (self.kept[other], self.kept[place]);
        let fixed = self.fixed[other].cmp(&self.fixed[place]).then(by.cmp(&node));
        let some = self.some[place];
        if some & !self.whole[other] != 0 || fixed.is_gt() {
            return false;
        }
        let cost = |node: usize| &problem.unit_cost[node * problem.rows..][..problem.rows];
        let pairs = cost(by).iter().zip(cost(node)).enumerate();
        pairs.into_iter().all(|(row, (by, own))| some >> row & 1 == 0 || by <= own)
    }

    /// Whether the table of one place never asks more for the parcels of both.
    fn merges(&mut self, problem: &Problem, other: usize, place: usize, weight: i64) -> bool {
        let tables = &problem.tables;
        let (one, two) = (self.kept[other], self.kept[place]);
        if problem.fixed[one].cmp(&problem.fixed[two]).then(one.cmp(&two)).is_gt() {
            return false; // only its lightest parcel costs less, or as much with a worse rank
        }
        let (by, of) = (tables.number(one), tables.number(two));
        let known = &mut self.tables[by * (tables.len() + 1) + of];
        if *known == 0 {
            let is_cheaper = merges(tables.numbered(by), tables.numbered(of), weight);
            *known = 1 + u8::from(is_cheaper);
        }
        *known == 2
    }
}

/// Brackets beyond which two tables are not compared.
const MAX_COMPARED: usize = 40;

/// Whether a parcel costs no more by one table than by another, and one of two parcels no more by the
/// first than both apart, in an order of that weight. A price is least for what it buys at the end of
/// its bracket, so only ends are compared.
fn merges(by: Table<'_>, of: Table<'_>, weight: i64) -> bool {
    let ends = |table: Table<'_>| table.bracket(weight.min(table.heaviest())).unwrap_or(0);
    if weight > by.heaviest() || ends(by) > MAX_COMPARED || ends(of) > MAX_COMPARED {
        return false;
    }
    let costs = |weight_of: i64| by.price_at(weight_of.min(weight)).unwrap_or(i64::MAX);
    (0..=ends(of)).all(|light| {
        let (reach, price) = (of.upper(light).min(weight), of.price(light));
        let is_least = costs(reach) <= price;
        is_least
            && (0..=ends(by)).all(|heavy| {
                let both = by.upper(heavy).min(weight).saturating_add(reach);
                costs(both) <= by.price(heavy) + price
            })
    })
}
