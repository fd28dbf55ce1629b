//! Delivery promises learned online from what happened.
//!
//! A [`Book`] is told in time order when orders are placed, handed over, delivered and cancelled.
//! At each placing it promises an interval of days that holds with a stated rate, from the orders
//! delivered before; at hand-over it promises what remains.
//!
//! 1. `facts` groups an order: node, lane, areas of its destination, bands of distance and weight.
//! 2. `effects` learns processing and transit by groups from broad to narrow, so that a sparse lane
//!    falls back on its distance; `slope` learns what backlog and load add.
//! 3. `track` joins both parts to a centre and a spread, and takes a quantile of past misses from
//!    `scores`: split conformal prediction with weights that fade (Vovk; Barber and others, 2023).
//! 4. `feedback` corrects the share of late orders it aims at by what became of its promises:
//!    adaptive conformal inference (Gibbs and Candès, 2021).
//!
//! All of it is integer arithmetic on bounded state: no floats, no clock, no order of a hash map.
//! The state is rows: a sum for each (stage, group) and for each node's backlog, the bins of two
//! histograms, a few dozen figures, and one row for each open order.

mod book;
mod effects;
mod facts;
mod feedback;
mod fixed;
mod learner;
mod scores;
mod slope;
mod track;

pub use book::Book;
pub use facts::{Facts, Moment};
pub use learner::Learner;

/// What is promised, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Share of orders that may come after the last promised day, in millionths, 1 to 400,000.
    pub late_ppm: u32,
    /// Share of orders that may come before the first promised day, in millionths, at most half.
    pub early_ppm: u32,
    /// Where the share of late orders is spent.
    pub spending: Spending,
}

/// Where the stated share of late orders is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spending {
    /// The rate holds for each kind of order: far and near, in a rush and out of it.
    Even,
    /// The rate holds over all orders, with the fewest promised days: an order on which one more
    /// day avoids little lateness gets fewer days than its own rate asks for, and one on which it
    /// avoids much gets more.
    Thrifty,
}

/// An interval of local days, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promised {
    /// The first day, since 1970-01-01.
    pub earliest_day: i32,
    /// The last day: the promise. Delivered on a later day is late.
    pub latest_day: i32,
}

/// At which of its two promises an order is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Look {
    First,
    Second,
}
