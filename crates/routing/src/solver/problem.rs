//! What is asked of the solver, and what it answers.

use super::tables::{Beyond, Bracket, Table, Tables};

/// What a plan costs in which a shipment is too heavy to be one: more than any that can be.
const TOO_HEAVY: i64 = 1 << 60;

/// One order against the nodes that may serve it. Reused from order to order: [`Problem::reset`].
#[derive(Debug, Clone, Default)]
pub struct Problem {
    pub(super) nodes: usize,
    pub(super) rows: usize,
    pub(super) pools: usize,
    /// Cost of a node that ships anything.
    pub fixed: Vec<i64>,
    /// Units wanted, by row.
    pub units: Vec<i64>,
    /// The pool that each row draws on: rows of the same SKU share one.
    pub pool: Vec<usize>,
    /// Units there are, by node and pool: see [`Problem::supply_mut`].
    pub(super) supply: Vec<i64>,
    /// Cost of a unit, by node and row: see [`Problem::unit_cost_mut`].
    pub(super) unit_cost: Vec<i64>,
    /// Cost of leaving anything unserved, once.
    pub unserved_fixed: i64,
    /// Cost of a unit left unserved, by row.
    pub unserved_unit: Vec<i64>,
    /// Most nodes that may ship.
    pub max_shipments: usize,
    /// A row is shipped by one node or not at all. Without it each pool has one row.
    pub whole_rows: bool,
    /// What a unit weighs, by row: of shipments that have a price by weight.
    pub weight: Vec<i64>,
    pub(super) tables: Tables,
}

impl Problem {
    /// Sets the size. Everything is 0 then, every row has its own pool, any number of nodes may
    /// ship, and rows may be split.
    pub fn reset(&mut self, nodes: usize, rows: usize) {
        (self.nodes, self.rows, self.pools) = (nodes, rows, rows);
        refill(&mut self.fixed, nodes);
        refill(&mut self.units, rows);
        self.pool.clear();
        self.pool.extend(0..rows);
        refill(&mut self.supply, nodes * rows);
        refill(&mut self.unit_cost, nodes * rows);
        self.unserved_fixed = 0;
        refill(&mut self.unserved_unit, rows);
        self.max_shipments = nodes;
        self.whole_rows = false;
        refill(&mut self.weight, rows);
        self.tables.clear();
    }

    /// Makes it the problem of another one's order and some of its nodes, in that order, with what they have.
    pub(crate) fn narrow(&mut self, of: &Problem, nodes: &[usize]) {
        self.reset(nodes.len(), of.rows);
        (self.pools, self.max_shipments) = (of.pools, of.max_shipments.min(nodes.len()));
        (self.whole_rows, self.unserved_fixed) = (of.whole_rows, of.unserved_fixed);
        self.units.clone_from(&of.units);
        self.pool.clone_from(&of.pool);
        self.unserved_unit.clone_from(&of.unserved_unit);
        self.weight.clone_from(&of.weight);
        for (place, &node) in nodes.iter().enumerate() {
            self.fixed[place] = of.fixed[node];
            let costs = &of.unit_cost[node * of.rows..][..of.rows];
            self.unit_cost[place * of.rows..][..of.rows].copy_from_slice(costs);
            let supply = &of.supply[node * of.pools..][..of.pools];
            self.supply[place * of.pools..][..of.pools].copy_from_slice(supply);
        }
        self.tables.narrow(&of.tables, nodes);
    }

    /// Adds a table of prices by weight, the lightest bracket first, and says its number. A problem has
    /// few: nodes share them.
    ///
    /// # Panics
    /// Where the brackets do not grow, or a heavier shipment costs less than a lighter one.
    pub fn add_table(
        &mut self,
        steps: impl IntoIterator<Item = Bracket>,
        beyond: Option<Beyond>,
    ) -> usize {
        self.tables.add(steps, beyond)
    }

    /// Prices the shipment of a node by its weight, beside its fixed cost.
    pub fn price_by(&mut self, node: usize, table: usize) {
        self.tables.set(self.nodes, node, table);
    }

    /// The table of a node.
    pub(super) fn table(&self, node: usize) -> Table<'_> {
        self.tables.of(node)
    }

    /// What all units weigh.
    pub(super) fn total_weight(&self) -> i64 {
        let rows = self.units.iter().zip(&self.weight);
        rows.fold(0, |sum, (units, weight)| sum.saturating_add(units.saturating_mul(*weight)))
    }

    /// Whether it depends on the plan what some shipment costs by its weight.
    pub(super) fn is_weighed(&self) -> bool {
        !self.tables.is_empty() && self.tables.matter(self.total_weight())
    }

    /// What a node's lightest shipment costs.
    pub(crate) fn lightest_shipment(&self, node: usize) -> i64 {
        self.fixed[node] + self.table(node).first_price()
    }

    /// The most that shipments cost by their weight, all nodes together.
    pub(crate) fn most_by_weight(&self) -> i64 {
        if self.tables.is_empty() {
            return 0;
        }
        let weight = self.total_weight();
        (0..self.nodes).map(|node| self.table(node).most(weight)).sum()
    }

    /// What a shipment costs by its weight.
    fn price_of(&self, node: usize, flows: &[Flow]) -> i64 {
        let its = flows.iter().filter(|flow| flow.node == node);
        let weights = its.map(|flow| flow.units.saturating_mul(self.weight[flow.row]));
        let weight = weights.fold(0, i64::saturating_add);
        self.table(node).price_at(weight).unwrap_or(TOO_HEAVY)
    }

    /// What the shipments of a plan cost by their weight.
    pub(super) fn prices_of(&self, flows: &[Flow]) -> i64 {
        if self.tables.is_empty() {
            return 0;
        }
        let first =
            |&place: &usize| flows[..place].iter().all(|other| other.node != flows[place].node);
        let nodes = (0..flows.len()).filter(first).map(|place| flows[place].node);
        nodes.map(|node| self.price_of(node, flows)).sum()
    }

    /// Units that a node has of a pool.
    pub fn supply_mut(&mut self, node: usize, pool: usize) -> &mut i64 {
        &mut self.supply[node * self.pools + pool]
    }

    /// What a unit of a row costs at a node.
    pub fn unit_cost_mut(&mut self, node: usize, row: usize) -> &mut i64 {
        &mut self.unit_cost[node * self.rows + row]
    }

    /// What a unit of a row costs at a node.
    pub(crate) fn unit_cost(&self, node: usize, row: usize) -> i64 {
        self.unit_cost[node * self.rows + row]
    }

    /// What serving all of it from one node costs.
    pub(crate) fn cost_alone(&self, node: usize) -> i64 {
        let units = (0..self.rows).map(|row| self.units[row] * self.unit_cost(node, row));
        let by_weight = self.table(node).price_at(self.total_weight()).unwrap_or(TOO_HEAVY);
        units.sum::<i64>() + self.fixed[node] + by_weight
    }

    /// Units wanted of a pool.
    pub(crate) fn wanted(&self, pool: usize) -> i64 {
        let rows = (0..self.rows).filter(|row| self.pool[*row] == pool);
        rows.map(|row| self.units[row]).sum()
    }

    /// What a plan costs: every node once, its shipment by weight, every unit, and what it leaves of the
    /// rows.
    pub fn cost_of(&self, flows: &[Flow]) -> i64 {
        let first = |&(place, flow): &(usize, &Flow)| {
            flows[..place].iter().all(|other| other.node != flow.node)
        };
        let nodes = flows.iter().enumerate().filter(first).map(|(_, flow)| self.fixed[flow.node]);
        let unit = |flow: &Flow| flow.units * self.unit_cost[flow.node * self.rows + flow.row];
        let left = (0..self.rows).map(|row| {
            let served: i64 = flows.iter().filter(|flow| flow.row == row).map(|f| f.units).sum();
            self.units[row] - served
        });
        let (missing, of_units) = left.enumerate().fold((0, 0), |(missing, cost), (row, units)| {
            (missing + units, cost + units * self.unserved_unit[row])
        });
        let of_rest = if missing > 0 { self.unserved_fixed } else { 0 };
        let of_rest = of_rest + self.prices_of(flows);
        nodes.sum::<i64>() + flows.iter().map(unit).sum::<i64>() + of_units + of_rest
    }

    /// Takes away what a node has.
    pub(crate) fn take_supply(&mut self, node: usize) -> Vec<i64> {
        let cells = &mut self.supply[node * self.pools..][..self.pools];
        let taken = cells.to_vec();
        cells.fill(0);
        taken
    }

    /// Gives a node what was taken away.
    pub(crate) fn give_supply(&mut self, node: usize, supply: &[i64]) {
        self.supply[node * self.pools..][..self.pools].copy_from_slice(supply);
    }

    pub(super) fn supply(&self, node: usize, row: usize) -> i64 {
        self.supply[node * self.pools + self.pool[row]]
    }

    /// Units of a row that a node can give, were it alone.
    pub(crate) fn reach(&self, node: usize, row: usize) -> i64 {
        self.reach_of(row, self.supply(node, row))
    }

    /// Units of a row that a node can give that has so many.
    pub(crate) fn reach_of(&self, row: usize, there: i64) -> i64 {
        let wanted = self.units[row];
        if self.whole_rows && there < wanted { 0 } else { there.min(wanted) }
    }
}

/// `len` zeros, without giving up the memory.
pub(super) fn refill(cells: &mut Vec<i64>, len: usize) {
    cells.clear();
    cells.resize(len, 0);
}

/// Units of one row that one node ships.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// The node.
    pub node: usize,
    /// The row.
    pub row: usize,
    /// More than 0.
    pub units: i64,
}

/// The cheapest plan found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Solution {
    /// By row, then node.
    pub flows: Vec<Flow>,
    /// (row, units) that nobody ships.
    pub unserved: Vec<(usize, i64)>,
    /// What it costs.
    pub cost: i64,
    /// No plan costs less than this; equal to `cost` unless the bound on the work was hit.
    pub at_least: i64,
    /// Counted steps.
    pub steps: u32,
    /// The bound on the work was hit: the plan is the best found, not proven best.
    pub bound_hit: bool,
}
