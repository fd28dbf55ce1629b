//! Delivery promises: by calendars, and learned online from what happened.
//!
//! `calendar` is pure date arithmetic. The rest learns: it is told, in the order of the log, when
//! orders are placed with a node, handed over, delivered and called off. At each placing it promises
//! an interval of days that holds with a stated rate, from the orders delivered before; at hand-over
//! it promises what remains.
//!
//! 1. `delivering` counts days: only those on which parcels are delivered. `facts` groups an order: node,
//!    lane, areas of its destination, bands of distance and weight.
//! 2. `effects` learns processing and transit by groups from broad to narrow, so that a sparse lane
//!    falls back on its distance; `slope` learns what backlog and load add.
//! 3. `track` joins both parts to a centre and a spread, and takes a quantile of past misses from
//!    `scores`: split conformal prediction with weights that fade (Vovk; Barber and others, 2023).
//! 4. `feedback` corrects the share of late orders it aims at by what became of its promises:
//!    adaptive conformal inference (Gibbs and Candès, 2021).
//! 5. `open` is one order that it waits for, `book` all of them where no engine keeps them.
//! 6. `rules` is what a market asks for, `kept` what stands beside an order: `fold/promises.rs` keeps it.
//!
//! All of it is integer arithmetic on bounded rows (`memory`): no floats, no clock, no order of a
//! hash map. The rows are the market's state like any other: digested, undone, rebuilt.

mod book;
mod calendar;
mod delivering;
mod effects;
mod facts;
mod feedback;
mod fixed;
mod kept;
mod learner;
mod memory;
mod open;
mod rules;
mod scores;
mod slope;
mod tally;
mod track;

use serde::{Deserialize, Serialize};

pub use book::Book;
pub use calendar::{DayRange, Promise, Service, promise};
pub use delivering::DeliveryDays;
pub use facts::{Facts, Moment};
pub use kept::{Fate, Given, Made, OrderPromise, PromiseKind, facts, regions};
pub use learner::{Foreseen, foresee};
pub use memory::{Learned, LearnedKey, LearnedRow, Learning, Shelf};
pub use open::Open;
pub use rules::{DeliveryCalendar, PromiseRules, days_behind};
pub(crate) use tally::count;
pub use tally::{Tally, tally};

/// What is promised, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Share of orders that may come after the last promised day, in millionths, 1 to 400,000.
    pub late_ppm: u32,
    /// Share of orders that may come before the first promised day, in millionths, at most half.
    pub early_ppm: u32,
    /// Where the share of late orders is spent.
    pub spending: Spending,
}

impl Settings {
    /// Shares beyond their limits are taken for the limits.
    fn within_limits(self) -> Self {
        Settings {
            late_ppm: self.late_ppm.clamp(1, scores::MOST_LATE_PPM),
            early_ppm: self.early_ppm.min(scores::MILLION / 2),
            ..self
        }
    }
}

/// Where the stated share of late orders is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Spending {
    /// The rate holds for each kind of order: far and near, in a rush and out of it.
    Even,
    /// The rate holds over all orders, with the fewest promised days: an order on which one more
    /// day avoids little lateness gets fewer days than its own rate asks for, and one on which it
    /// avoids much gets more.
    Thrifty,
}

/// An interval of local days, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
