//! Shadow prices of scarce stock.
//!
//! The router takes the best plan for the order in hand. What it cannot see is that the last unit at
//! the only node near the coast will be worth more to tomorrow's order. That is what a shadow price
//! says: what one more unit of a SKU at a node, or one more order of a node's capacity, would save.
//! The router charges it like any other cost, and stays a function of the order and the state.
//!
//! The path: `forecast` learns from the log which SKUs are ordered together and where to > `market`
//! builds the linear program (`problem`) of what is expected against what is there > `solve` finds
//! its dual values, by `columns` (plans worth looking at, each the optimum of one order that
//! the engine's own solver finds) and `dual` (the smoothed dual, by Newton's method) > they are published as
//! PricesPublished on `network`. `costs` are those of the policy in force; `drift` says how much of what
//! was scarce has gone or come since.
//!
//! This crate stands outside the core: it uses floats, and what it finds enters only as events, in
//! whole numbers. Deciding again needs the prices, never this code.

mod cholesky;
mod columns;
mod costs;
mod drift;
mod dual;
mod forecast;
pub mod market;
mod problem;
mod solve;

pub use costs::{Costs, PUBLISHED};
pub use drift::Scarce;
pub use forecast::{Forecast, Kind, MAX_LINES, Seen};
pub use problem::{Class, IMPOSSIBLE, Line, MilliMinor, Problem, Resource, nodes_of};
pub use solve::{Settings, Solved, Solver};
