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

mod availability;
pub mod calendar;
mod carrier;
pub mod decision;
pub mod fold;
mod fulfilment;
mod handling;
mod ids;
pub mod inbound;
pub mod invariants;
mod kit;
mod ledger;
mod lots;
pub mod money;
mod network;
mod notice;
mod opening;
mod order;
pub mod parcel;
mod payment;
mod phased;
pub mod policy;
mod prices;
pub mod promise;
pub mod purchase;
mod queues;
mod refusal;
mod replenishment;
mod reservation;
mod returns;
pub mod rules;
pub mod scorecard;
mod serials;
pub mod serving;
pub mod sla;
mod soft_hold;
mod stages;
mod standing;
mod state;
mod stock;
mod stock_due;
mod supplier;
mod supply_notice;
pub mod timer;
mod transfer;
pub mod transitions;
mod work;

pub use availability::channel_atp;
pub use carrier::{Carrier, CarrierKey};
pub use decision::Decision;
pub use fold::serials::whereabouts as serial_whereabouts;
pub use fulfilment::{
    Fulfilment, FulfilmentLine, FulfilmentState, LineProgress, PackedParcel, Progress,
};
pub use handling::{AskedBack, Handling, Hold};
pub use ids::{FulfilmentId, NodeIx, OrderKey, ParcelKey, ReturnKey, SkuIx};
pub use inbound::{Expected, Inbound};
pub use kit::{Component, Kit, KitLine, KitPart, StandIn, Substitutes, UNIT_MILLI};
pub use ledger::{
    Entry, EntryKind, Ledger, MAX_RECENT, Markdown, Movement, MovementKind, SafetyStock, Variance,
};
pub use lots::{Lot, LotId, LotShare, Lots, MAX_LOTS, lasts_until};
pub use network::{Absence, Capacity, Channel, Deadlines, Item, Location, Node, NodeDay, Settings};
pub use opening::{DAY_MINUTES, Hours, Opening, Presence};
pub use order::{
    Feedback, Line, LineDetails, Order, OrderClass, OrderDetails, OrderStatus, Ticket, Timing,
};
pub use parcel::Parcel;
pub use payment::{Due, Payment};
pub use phased::{Period, Phasing, atp_by_date, period_for, time_phased_atp};
pub use policy::{ActivePolicy, Policy};
pub use prices::{Priced, ShadowPrices, shadow_price};
pub use purchase::{PurchaseOrder, PurchaseOrderKey, PurchaseOrderState};
pub use refusal::{Reason, Refusal};
pub use replenishment::Replenishment;
pub use reservation::reserved_for_others;
pub use returns::{Return, ReturnLine, ReturnState};
pub use rules::Rules;
pub use scorecard::{Scorecard, Settled};
pub use serials::{
    MAX_SERIALS, MAX_STOPS, Serial, SerialEvent, SerialKey, SerialPlace, SerialShare, SerialShelf,
    Stop, whole_units,
};
pub use sla::{SlaClock, SlaTerms};
pub use soft_hold::{HeldUnits, SoftHold, SoftHoldKey, SoftHoldRequest};
pub use state::{State, View, WaitingKey};
pub use stock::{Offer, Stock, StockAt};
pub use stock_due::{MOST_DATED, StockDue, stock_due};
pub use supplier::{StockFeed, Supplier, SupplierItem, SupplierKey};
pub use supply_notice::SupplyNotice;
pub use timer::{TimerKey, TimerKind};
pub use transfer::{SuggestedMove, Transfer, TransferKey};
pub use work::{Repay, RepayLine, WaveRequest, Work};

/// Largest quantity an event may name: sums of a few cannot be told from a mistake any more.
pub const MAX_QUANTITY_MILLI: i64 = i64::MAX / 4;
