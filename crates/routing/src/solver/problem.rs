//! What is asked of the solver, and what it answers.

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
        units.sum::<i64>() + self.fixed[node]
    }

    /// Units wanted of a pool.
    pub(crate) fn wanted(&self, pool: usize) -> i64 {
        let rows = (0..self.rows).filter(|row| self.pool[*row] == pool);
        rows.map(|row| self.units[row]).sum()
    }

    /// A node that has less than nothing has nothing.
    pub(crate) fn forget_shortages(&mut self) {
        self.supply.iter_mut().for_each(|units| *units = (*units).max(0));
    }

    /// What a plan costs: every node once, every unit, and what it leaves of the rows.
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
        let (there, wanted) = (self.supply(node, row), self.units[row]);
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
