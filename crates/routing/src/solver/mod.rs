//! The cheapest way to serve one order: which nodes ship, and which of them gives which units.
//!
//! The problem is that of locating facilities with limited stock. A node that ships anything costs
//! its fixed amount; each unit costs what its node and row say (carriage, lateness and the price
//! of scarce stock already added up by the caller); units that nobody ships cost what leaving them
//! unserved costs. [`Solver::solve`] finds the proven optimum by branch and bound:
//!
//! 1. `reduce` leaves out nodes that another one replaces at no more cost in every plan;
//! 2. `bound` raises prices of the rows until they meet the nodes' fixed costs: the dual of the linear
//!    relaxation, and so a cost that no plan can beat;
//! 3. `assign` gives rows to a set of nodes in the cheapest way: a plan, and so a cost to beat;
//! 4. `search` opens or closes one node and looks again, until the two meet;
//! 5. `last` tries every node where an order may have one more shipment only.
//!
//! `small` does without the last four where the rows are few and each is served whole.
//!
//! Where a shipment has a price by steps of its weight (`tables`), and the order is heavy enough for more
//! than the first step, `parcels` lays lines below the steps and `weighed` searches until lines and
//! prices agree. Where every step is the first one, the price is a part of the fixed cost.
//!
//! Costs are integers in a unit of the caller's choice. Nodes are numbered in rank order. Of plans of
//! equal cost the one with fewer shipments wins, then the one with the smaller sum of ranks. The
//! work is counted in steps and bounded; where the bound is hit the best plan found stands and says
//! so. All memory is reused: once it has grown to the size of the orders, nothing is allocated.

mod assign;
mod bound;
mod fixing;
mod last;
mod parcels;
mod problem;
mod reduce;
mod scale;
mod search;
mod small;
mod tables;
mod weighed;

pub(crate) use fixing::{NEVER, Prices};
pub use problem::{Flow, Problem, Solution};
pub use search::Solver;
pub use tables::{Beyond, Bracket};
