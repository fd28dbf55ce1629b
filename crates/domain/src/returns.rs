//! A return: what comes back, where to, and what the customer gets for it.

use serde::{Deserialize, Serialize};

use crate::{Location, NodeIx, OrderKey, SerialKey, TimerKey, TimerKind};

/// A return of units of one order. Quantities in 1/1000 unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    /// Its order.
    pub order: OrderKey,
    /// Unique in the order.
    pub return_id: String,
    /// Where it stands.
    pub state: ReturnState,
    /// When it was asked for, milliseconds since the Unix epoch.
    pub requested_at: i64,
    /// Where the goods are.
    pub from: Option<Location>,
    /// Where they are to go, once authorised.
    pub node: Option<NodeIx>,
    /// The channel's id of the order that replaces what comes back.
    pub replacement: Option<String>,
    /// Whether the fee was taken off.
    pub fee_taken: bool,
    /// What comes back.
    pub lines: Vec<ReturnLine>,
    /// The step that asked for it: its age.
    pub requested_step: u64,
    /// What has not come in by then is not expected any more, milliseconds since the Unix epoch;
    /// 0: it is waited for until somebody says so.
    pub expires_at: i64,
    /// Units in quarantine that nobody has inspected: node, place in `lines`, units.
    pub to_inspect: Vec<(NodeIx, u32, i64)>,
    /// The serial numbers among them: node, place in `lines`, serial number.
    pub serials_to_inspect: Vec<(NodeIx, u32, SerialKey)>,
}

/// Units of one order line in a return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnLine {
    /// Place in the order's lines.
    pub line: u32,
    /// Units announced.
    pub units: i64,
    /// Units that came in.
    pub received: i64,
    /// `v1::ReturnResponse`.
    pub response: i32,
    /// `v1::ItemCondition`.
    pub condition: i32,
}

/// Where a return stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReturnState {
    /// Asked for; answered in the same step.
    Requested,
    /// May be sent in.
    Authorised,
    /// Not taken.
    Refused,
    /// Some units came in.
    PartlyReceived,
    /// All units came in.
    Received,
    /// What had not come in by then is not expected any more.
    Expired,
}

impl Return {
    /// The timer that ends the wait for it; `None` where there is none to wait for, or no end.
    pub fn timer(&self) -> Option<TimerKey> {
        let (due_ms, step) = (self.expires_at, self.requested_step);
        let waits = due_ms != 0 && self.state.is_open();
        waits.then_some(TimerKey { due_ms, kind: TimerKind::ReturnExpires, step })
    }
}

impl ReturnState {
    /// Whether units may still come in.
    pub fn is_open(self) -> bool {
        matches!(self, ReturnState::Authorised | ReturnState::PartlyReceived)
    }
}
