//! Which node serves which units of an order, and why.
//!
//! Pure: reads the state through [`View`], writes nothing, does no I/O. The path of one order is
//! `decide` > `candidates` (who may serve, what they have, how far they are) > `cover` (the fewest
//! nodes that together have it all) > `fill` (which node gives which units) > `explain` > messages.
//!
//! The rules are R1, R2, R5, R6 of the conformance cases, with distance as the rank: the one node
//! that serves the whole order at the least distance; else the fewest nodes, then the fewest split
//! lines, then the best ranks compared best first. Ties go to the smaller node id. The work of a
//! decision is bounded in counted steps, never in time: where the bound is hit the best plan found
//! stands, and the decision says so.
//!
//! Where a policy rules, `policy` filters and ranks the nodes by its rules and may ask `solver` for the
//! cheapest plan; without one, nothing of that is touched. `wave` plans orders again, several together,
//! before they are picked, when a wave is closed.
//!
//! [`View`]: omnifold_domain::View

mod candidates;
mod closed;
mod cover;
mod decide;
mod distance;
mod explain;
mod fill;
mod gathering;
mod kits;
mod lots;
mod policy;
mod promise;
mod relocate;
mod returns;
mod soft_hold;
pub mod solver;
mod stand_in;
pub mod wave;
mod withdraw;

pub use decide::{Router, Turn};
pub use distance::haversine_m;
pub use promise::redate;
pub use relocate::relocate;
pub use returns::{authorise, repay};
