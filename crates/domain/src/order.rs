//! The order, its lines and its fulfilments. Quantities are in 1/1000 unit.

use serde::{Deserialize, Serialize};

use crate::{Handling, Location, NodeIx, OrderKey, SkuIx};

/// A customer's order. Its status is derived ([`Order::status`]), never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Where it was placed.
    pub channel: String,
    /// The channel's name for it.
    pub order_id: String,
    /// Counts its changes, from 1.
    pub revision: u32,
    /// Decisions taken on it so far.
    pub decisions: u32,
    /// Number of the input record that placed it: its age.
    pub placed_step: u64,
    /// When it was placed, milliseconds since the Unix epoch.
    pub placed_at: i64,
    /// Higher is served first among waiting orders.
    pub priority: u32,
    /// Where it goes, where that is known.
    pub destination: Option<Location>,
    /// May be served in part (rule R5).
    pub allow_partial: bool,
    /// Only these nodes may serve it; empty: any.
    pub fulfil_from: Vec<NodeIx>,
    /// Nodes that turned it down (rule R11).
    pub excluded: Vec<NodeIx>,
    /// Its lines, as placed.
    pub lines: Vec<Line>,
    /// Its fulfilments; number N stands at place N-1.
    pub fulfilments: Vec<Fulfilment>,
    /// Holds, payments and what else few orders need.
    pub handling: Option<Box<Handling>>,
    /// What few orders have: instants at which something becomes of them.
    pub timing: Option<Box<Timing>>,
}

/// Instants of an order, milliseconds since the Unix epoch; 0: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Timing {
    /// A pre-order: not routed before.
    pub release_at: i64,
    /// Units that wait at this instant are cancelled.
    pub waiting_until: i64,
}

/// One line. `ordered = open + allocated + shipped + cancelled` (law L5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Unique in the order.
    pub line_id: String,
    /// What is wanted.
    pub sku: SkuIx,
    /// Units wanted.
    pub ordered: i64,
    /// Units promised by no node.
    pub open: i64,
    /// Of the open ones, those that stand in the queue of waiting orders.
    pub waiting: i64,
    /// Units promised at a node and not shipped.
    pub allocated: i64,
    /// Units that left.
    pub shipped: i64,
    /// Of the shipped ones, those that arrived.
    pub delivered: i64,
    /// Units taken back by the customer, or refused for want of stock.
    pub cancelled: i64,
}

/// One node's share of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfilment {
    /// Who ships it.
    pub node: NodeIx,
    /// Where it stands.
    pub state: FulfilmentState,
    /// Records published about it so far.
    pub seq: u32,
    /// Its units.
    pub lines: Vec<FulfilmentLine>,
    /// When the node must have taken the next step (accepted, then picked), milliseconds since the
    /// Unix epoch; 0: no deadline.
    pub due_at: i64,
}

/// Units of one order line in a fulfilment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FulfilmentLine {
    /// Place in [`Order::lines`].
    pub line: u32,
    /// Still to ship.
    pub allocated: i64,
    /// Of those, promised without stock when they were assigned.
    pub backordered: i64,
    /// Left the node.
    pub shipped: i64,
    /// Arrived.
    pub delivered: i64,
}

/// Where a fulfilment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FulfilmentState {
    /// The node was told.
    Assigned,
    /// The node said yes.
    Accepted,
    /// The node said no; nothing is left on it.
    Rejected,
    /// Taken back by us; nothing is left on it.
    Released,
    /// Some units left the node.
    PartlyShipped,
    /// All units left the node.
    Shipped,
    /// All shipped units arrived and none is left to ship.
    Delivered,
}

impl FulfilmentState {
    /// Whether the node may still ship units of it.
    pub fn is_open(self) -> bool {
        use FulfilmentState::{Accepted, Assigned, PartlyShipped};
        matches!(self, Assigned | Accepted | PartlyShipped)
    }
}

/// What an order's lines say about it, most open first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Nothing promised yet, everything waits.
    Waiting,
    /// Some units promised or shipped, others wait.
    PartlyAssigned,
    /// Every unit that is not cancelled is promised.
    Assigned,
    /// Some units left, others are promised.
    PartlyShipped,
    /// Every unit that is not cancelled left.
    Shipped,
    /// Every unit that is not cancelled arrived.
    Delivered,
    /// Every unit is cancelled.
    Cancelled,
}

impl Order {
    /// Its key.
    pub fn key(&self) -> OrderKey {
        OrderKey::of(&self.channel, &self.order_id)
    }

    /// Its status, from its lines.
    pub fn status(&self) -> OrderStatus {
        let total = |units: fn(&Line) -> i64| self.lines.iter().map(units).sum::<i64>();
        let (open, allocated) = (total(|l| l.open), total(|l| l.allocated));
        let (shipped, delivered) = (total(|l| l.shipped), total(|l| l.delivered));
        match (open, allocated, shipped) {
            (0, 0, 0) => OrderStatus::Cancelled,
            (0, 0, _) if delivered == shipped => OrderStatus::Delivered,
            (0, 0, _) => OrderStatus::Shipped,
            (0, _, 0) => OrderStatus::Assigned,
            (0, _, _) => OrderStatus::PartlyShipped,
            (_, 0, 0) => OrderStatus::Waiting,
            _ => OrderStatus::PartlyAssigned,
        }
    }

    /// Units of a SKU that wait, over its lines.
    pub fn waiting_of(&self, sku: SkuIx) -> i64 {
        self.lines.iter().filter(|line| line.sku == sku).map(|line| line.waiting).sum()
    }

    /// Whether it waits for its release date.
    pub fn is_scheduled(&self) -> bool {
        self.timing.as_ref().is_some_and(|timing| timing.release_at != 0)
    }

    /// Places of the fulfilments whose deadline is at or before an instant.
    pub fn overdue(&self, at_ms: i64) -> impl Iterator<Item = usize> {
        let numbered = self.fulfilments.iter().enumerate();
        numbered.filter(move |(_, part)| (1..=at_ms).contains(&part.due_at)).map(|(place, _)| place)
    }

    /// Changes its instants; where none is left, it has no timing.
    pub(crate) fn change_timing(&mut self, change: impl FnOnce(&mut Timing)) {
        let mut timing = self.timing.take().map(|timing| *timing).unwrap_or_default();
        change(&mut timing);
        self.timing = (timing != Timing::default()).then(|| Box::new(timing));
    }

    /// What waits no longer has no end of waiting.
    pub(crate) fn settle_timing(&mut self) {
        if self.timing.is_none() {
            return;
        }
        let waits = self.lines.iter().any(|line| line.waiting > 0);
        self.change_timing(|timing| {
            timing.waiting_until = if waits { timing.waiting_until } else { 0 };
        });
    }

    /// A release date that came while nothing was open holds nothing back that is opened later.
    pub(crate) fn settle_release(&mut self, now_ms: i64) {
        if self.timing.is_some() {
            self.change_timing(|timing| {
                timing.release_at = if timing.release_at > now_ms { timing.release_at } else { 0 };
            });
        }
    }

    /// Place of the line of that name.
    pub fn line_named(&self, line_id: &str) -> Option<usize> {
        self.lines.iter().position(|line| line.line_id == line_id)
    }
}

impl Line {
    /// L5 and L4: every unit is somewhere, and nowhere twice.
    pub fn is_accounted(&self) -> bool {
        let parts = [self.open, self.waiting, self.allocated, self.shipped, self.delivered];
        self.ordered == self.open + self.allocated + self.shipped + self.cancelled
            && self.waiting <= self.open
            && self.delivered <= self.shipped
            && self.cancelled >= 0
            && parts.iter().all(|&units| units >= 0)
    }
}
