//! The fulfilment linear program: expected orders against stock and capacity.
//!
//! For each kind of order that is expected (the SKUs of one order, to one region) choose how many of
//! them go by which plan, so that the cost is least and no node gives more than it has. Its dual
//! values are the shadow prices: what one more unit of stock there would save. The published form
//! (Jasin and Sinha 2015) couples lines by "node used at least as often as each of its lines"; ours
//! has a variable for each plan of an order and is never below it, so its prices are no worse.

use rustc_hash::FxHashMap;

/// Money in 1/1000 of a minor unit, as shadow prices are, so that no decision rests on a float.
pub type MilliMinor = i64;

/// The cost of what cannot be: a node that does not have the line. Far above any sum of real costs,
/// far below where a sum of a few of them would overflow.
pub const IMPOSSIBLE: MilliMinor = 1 << 55;

/// What plans use up: the stock of a SKU at a node in units, or the orders that a node takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// Units of a SKU at a node.
    Stock {
        /// Number of the node.
        node: u16,
        /// Number of the SKU.
        sku: u32,
    },
    /// Orders at a node.
    Capacity {
        /// Number of the node.
        node: u16,
    },
}

/// One line of an expected order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Number of the SKU.
    pub sku: u32,
    /// Units that an order asks for.
    pub units: f64,
}

/// Orders that are alike: the same SKUs to the same region.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// What one order asks for, each SKU once; best at most [`crate::MAX_LINES`].
    pub lines: Vec<Line>,
    /// Orders expected while the prices are to hold.
    pub orders: f64,
    /// Cost of using a node, by node.
    pub fixed: Vec<MilliMinor>,
    /// Cost of a whole line at a node, `line * nodes + node`; [`IMPOSSIBLE`] where the node
    /// never has it.
    pub costs: Vec<MilliMinor>,
}

impl Class {
    /// What a plan costs without shadow prices: the node of each line. Not less than [`IMPOSSIBLE`]
    /// where a node does not have its line.
    pub fn cost_of(&self, plan: &[u16]) -> MilliMinor {
        let lines = self.costs.chunks(self.fixed.len()).zip(plan);
        let served: MilliMinor = lines.map(|(costs, &node)| costs[usize::from(node)]).sum();
        served + nodes_of(plan).map(|node| self.fixed[usize::from(node)]).sum::<MilliMinor>()
    }
}

/// The nodes of a plan, each once.
pub fn nodes_of(plan: &[u16]) -> impl Iterator<Item = u16> {
    let first = |&(place, node): &(usize, &u16)| !plan[..place].contains(node);
    plan.iter().enumerate().filter(first).map(|(_, &node)| node)
}

/// Expected orders and what there is for them. A resource that is not named never runs out. Every
/// order can be served: a node that stands for "not served" has everything, at a high cost.
#[derive(Debug, Clone, Default)]
pub struct Problem {
    /// Expected orders.
    pub classes: Vec<Class>,
    /// What can run out, and how much of it there is, by place.
    pub supplies: Vec<(Resource, f64)>,
    places: FxHashMap<Resource, u32>,
}

impl Problem {
    /// A problem. Of a resource that is named twice the last supply counts.
    pub fn new(classes: Vec<Class>, supplies: Vec<(Resource, f64)>) -> Self {
        let numbered = supplies.iter().zip(0..);
        let places = numbered.map(|(&(resource, _), place)| (resource, place)).collect();
        Problem { classes, supplies, places }
    }

    /// Where a resource stands in [`Problem::supplies`].
    pub fn place(&self, resource: Resource) -> Option<usize> {
        self.places.get(&resource).map(|&place| place as usize)
    }

    /// What one order of a class uses by a plan: places and amounts.
    pub(crate) fn uses(&self, class: &Class, plan: &[u16]) -> Vec<(u32, f64)> {
        let mut uses = Vec::with_capacity(plan.len());
        for (line, &node) in class.lines.iter().zip(plan) {
            let stock = Resource::Stock { node, sku: line.sku };
            uses.extend(self.places.get(&stock).map(|&place| (place, line.units)));
        }
        for node in nodes_of(plan) {
            let capacity = Resource::Capacity { node };
            uses.extend(self.places.get(&capacity).map(|&place| (place, 1.0)));
        }
        uses
    }
}
