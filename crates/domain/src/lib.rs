//! The ledger and the order: what an event does to the market's state.
//!
//! Everything is a pure function of the state, the record and the record's time. There is no I/O,
//! no clock, no randomness, no thread and no float here, and nothing depends on the order of a
//! hash map. The state is reached through [`View`] and [`State`] only.
//!
//! * [`fold`] takes one input event. It checks first and writes after: a refused event has written
//!   nothing. What it opens (units to route, waiting orders to serve) it returns as [`Work`].
//! * [`decision`] takes one decision, as published on `assignments`; the same code folds it when
//!   it was just taken and when it is replayed.
//! * [`timer`] fires what time brings: holds that expire, deadlines, release dates.
//! * [`invariants`] says what must hold, one predicate each, with the id of the promise.

pub mod calendar;
pub mod decision;
pub mod fold;
mod handling;
mod ids;
pub mod invariants;
mod network;
mod order;
mod payment;
mod refusal;
pub mod rules;
mod soft_hold;
mod standing;
mod state;
mod stock;
pub mod timer;
pub mod transitions;
mod work;

pub use decision::Decision;
pub use handling::{AskedBack, Handling, Hold};
pub use ids::{FulfilmentId, NodeIx, OrderKey, SkuIx};
pub use network::{Capacity, Deadlines, Item, Location, Node, NodeDay, Settings};
pub use order::{Fulfilment, FulfilmentLine, FulfilmentState, Line, Order, OrderStatus, Timing};
pub use payment::{Due, Payment};
pub use refusal::{Reason, Refusal};
pub use rules::Rules;
pub use soft_hold::{HeldUnits, SoftHold, SoftHoldKey, SoftHoldRequest};
pub use state::{State, View, WaitingKey};
pub use stock::{Offer, Stock, StockAt};
pub use timer::{TimerKey, TimerKind};
pub use work::Work;

/// Largest quantity an event may name: sums of a few cannot be told from a mistake any more.
pub const MAX_QUANTITY_MILLI: i64 = i64::MAX / 4;
