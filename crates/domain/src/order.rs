//! The order, its lines and its fulfilments. Quantities are in 1/1000 unit.

use omnifold_events::v1;
use serde::{Deserialize, Serialize};

use crate::{
    Channel, Fulfilment, FulfilmentState, Handling, KitLine, Location, LotShare, NodeIx, OrderKey,
    ReturnKey, SerialShare, SkuIx, SlaClock, Substitutes, SuggestedMove,
};

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
    /// What few orders have, or only late in their life.
    pub details: Option<Box<OrderDetails>>,
    /// What few orders have: instants at which something becomes of them.
    pub timing: Option<Box<Timing>>,
}

/// What few orders have, or only late in their life.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OrderDetails {
    /// The customer collects it at a node (rule R10).
    pub pickup: bool,
    /// The node to which others send what they ship: where it is collected, or where its parts become
    /// one parcel. `None`: they ship to the customer.
    pub gathers_at: Option<NodeIx>,
    /// Nodes that could not find a SKU when they picked for this order (rule S8).
    pub not_found_at: Vec<(SkuIx, NodeIx)>,
    /// When the newest of its units arrived, milliseconds since the Unix epoch; 0: none has.
    pub arrived_at: i64,
    /// When its undelivered units were called back to their origin (rule S5); 0: they were not.
    pub recalled_at: i64,
    /// Money and returns, for lines that have any.
    pub lines: Vec<LineDetails>,
    /// Returns that were asked for.
    pub returns: Vec<ReturnKey>,
    /// Tickets that are open.
    pub tickets: Vec<Ticket>,
    /// Tickets opened so far.
    pub tickets_opened: u32,
    /// What the customer said, oldest first.
    pub feedback: Vec<Feedback>,
    /// Lines that are served as the parts of kits.
    pub kits: Vec<KitLine>,
    /// What the customer takes in place of lines' own SKUs.
    pub substitutes: Vec<Substitutes>,
    /// The clocks of its fulfilments at nodes that have an SLA (rule T4).
    pub slas: Vec<SlaClock>,
    /// Its units that are of a lot, in the order in which they leave.
    pub lots: Vec<LotShare>,
    /// What policies choose rules and nodes by, where anything is known.
    pub class: Option<Box<OrderClass>>,
    /// Serial numbers that left with it and have not come back, first shipped first.
    pub serials: Vec<SerialShare>,
    /// What is suggested to be moved for it, or is on its way since.
    pub moves: Vec<SuggestedMove>,
}

/// What policies choose rules and nodes by. Empty: not known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OrderClass {
    /// Who sells.
    pub seller: String,
    /// The channel's code of the kind of order.
    pub order_type: String,
    /// The kind of customer.
    pub segment: String,
    /// Where it goes, ISO 3166-1 alpha-2; kept where the policy in force asks for it.
    pub country: String,
    /// Leading part of the postcode it goes to: letters and digits only, upper case. Kept like `country`.
    pub postcode: String,
}

/// What somebody has to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Of the order, from 1.
    pub number: u32,
    /// `v1::TicketKind`.
    pub kind: i32,
    /// Number of the fulfilment it is about, from 1; 0: the whole order.
    pub fulfilment: u32,
}

/// What the customer said of an order. What was written is sealed, and stays in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// Unique in the order.
    pub id: String,
    /// 1 to 5, 5 best.
    pub score: u32,
}

/// What few lines have, or only late in their life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LineDetails {
    /// Place in [`Order::lines`].
    pub line: u32,
    /// Off the whole line, minor units.
    pub discount: i64,
    /// On the whole line, minor units.
    pub tax: i64,
    /// Units that authorised returns announce and that have not come in.
    pub announced: i64,
    /// Units whose money was said to be due.
    pub repaid_units: i64,
    /// That money, minor units (law L20).
    pub repaid: i64,
    /// Units that the line's price is for, where it is not the price of one: of a kit's first part,
    /// as many as a kit holds; 0: one.
    pub price_for: i64,
}

/// Instants of an order, milliseconds since the Unix epoch; 0: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Timing {
    /// A pre-order: not routed before.
    pub release_at: i64,
    /// Units that wait at this instant are cancelled.
    pub waiting_until: i64,
    /// The customer is reminded of a pick-up order that still lies ready then.
    pub remind_at: i64,
    /// A pick-up order that still lies ready then expires.
    pub ready_until: i64,
    /// Units that wait are tried again: a node that the policy leaves out for a time may serve then.
    pub retry_at: i64,
    /// Its units wait for the next wave, whatever stock there is.
    pub for_wave: bool,
    /// The earliest schedule time: its policy does not route it before, for the day it is wanted on.
    pub schedule_at: i64,
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
    /// Of the shipped ones, those that will not arrive: lost, damaged, or back at their origin.
    pub undelivered: i64,
    /// Of the delivered ones, those that came back.
    pub returned: i64,
    /// Price of a unit in minor units of the market's currency.
    pub unit_price: i64,
}

impl Line {
    /// A line of which everything is still open.
    pub fn ordered(line_id: String, sku: SkuIx, units: i64, unit_price: i64) -> Self {
        Line {
            line_id,
            sku,
            ordered: units,
            open: units,
            waiting: 0,
            allocated: 0,
            shipped: 0,
            delivered: 0,
            cancelled: 0,
            undelivered: 0,
            returned: 0,
            unit_price,
        }
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
    /// Nothing is on its way any more and nothing arrived.
    Undelivered,
    /// Every unit that left came back.
    Returned,
}

impl Order {
    /// Whether its channel (`None`: not defined, every node) and the order itself let it go to a node. Nodes
    /// that have turned it down are another question (`excluded`).
    #[inline]
    pub fn permits(&self, channel: Option<&Channel>, node: NodeIx) -> bool {
        channel.is_none_or(|channel| channel.exposes(node))
            && (self.fulfil_from.is_empty() || self.fulfil_from.contains(&node))
    }

    /// Units that a node held are open again. Places: of the fulfilment, and of the line in it.
    pub(crate) fn reopen(&mut self, fulfilment: usize, line: usize, units: i64) {
        let Fulfilment { lines, progress, .. } = &mut self.fulfilments[fulfilment];
        let part = &mut lines[line];
        part.allocated -= units;
        part.backordered = part.backordered.min(part.allocated);
        let row = &mut self.lines[part.line as usize];
        row.allocated -= units;
        row.open += units;
        if let Some(progress) = progress {
            let picked = &mut progress.lines[line].picked;
            *picked = part.allocated.min(*picked);
        }
    }

    /// Its key.
    pub fn key(&self) -> OrderKey {
        OrderKey::of(&self.channel, &self.order_id)
    }

    /// Its status, from its lines.
    pub fn status(&self) -> OrderStatus {
        let total = |units: fn(&Line) -> i64| self.lines.iter().map(units).sum::<i64>();
        let (open, allocated) = (total(|l| l.open), total(|l| l.allocated));
        let (shipped, delivered) = (total(|l| l.shipped), total(|l| l.delivered));
        let ended = delivered + total(|l| l.undelivered) == shipped;
        match (open, allocated, shipped) {
            (0, 0, 0) => OrderStatus::Cancelled,
            (0, 0, _) if total(|l| l.returned) == shipped => OrderStatus::Returned,
            (0, 0, _) if ended && delivered == 0 => OrderStatus::Undelivered,
            (0, 0, _) if ended => OrderStatus::Delivered,
            (0, 0, _) => OrderStatus::Shipped,
            (0, _, 0) => OrderStatus::Assigned,
            (0, _, _) => OrderStatus::PartlyShipped,
            (_, 0, 0) => OrderStatus::Waiting,
            _ => OrderStatus::PartlyAssigned,
        }
    }

    /// Whether the customer collects it (rule R10).
    pub fn is_pickup(&self) -> bool {
        self.details.as_ref().is_some_and(|details| details.pickup)
    }

    /// What policies choose by, where anything is known.
    pub fn class(&self) -> Option<&OrderClass> {
        self.details.as_ref()?.class.as_deref()
    }

    /// Whether a node could not find a SKU when it picked for this order (rule S8).
    pub fn was_not_found_at(&self, sku: SkuIx, node: NodeIx) -> bool {
        self.details.as_ref().is_some_and(|details| details.not_found_at.contains(&(sku, node)))
    }

    /// What few lines have.
    pub fn line_details(&self, line: usize) -> LineDetails {
        let rows = self.details.iter().flat_map(|details| &details.lines);
        let none = LineDetails { line: line as u32, ..LineDetails::default() };
        rows.copied().find(|row| row.line as usize == line).unwrap_or(none)
    }

    /// What few lines have, to be changed.
    pub fn line_details_mut(&mut self, line: usize) -> &mut LineDetails {
        let none = LineDetails { line: line as u32, ..LineDetails::default() };
        let rows = &mut self.details.get_or_insert_default().lines;
        let known = rows.iter().position(|row| row.line == none.line);
        let place = known.unwrap_or_else(|| {
            rows.push(none);
            rows.len() - 1
        });
        &mut rows[place]
    }

    /// The clocks of its fulfilments.
    pub fn slas(&self) -> &[SlaClock] {
        self.details.as_ref().map_or(&[], |details| &details.slas)
    }

    /// Units of a fulfilment that have not left.
    pub(crate) fn late_units(&self, clock: &SlaClock) -> i64 {
        let lines = &self.fulfilments[clock.fulfilment as usize].lines;
        lines.iter().map(|line| line.allocated).sum()
    }

    /// Units of a SKU that wait, over its lines.
    pub fn waiting_of(&self, sku: SkuIx) -> i64 {
        self.lines.iter().filter(|line| line.sku == sku).map(|line| line.waiting).sum()
    }

    /// What is suggested to be moved for it, or is on its way since.
    pub fn moves(&self) -> &[SuggestedMove] {
        self.details.as_ref().map_or(&[], |details| &details.moves)
    }

    /// The same, of one SKU.
    pub fn moves_of(&self, sku: SkuIx) -> impl Iterator<Item = &SuggestedMove> {
        self.moves().iter().filter(move |row| row.sku == sku)
    }

    /// Whether it waits for its release date.
    pub fn is_scheduled(&self) -> bool {
        self.timing.as_ref().is_some_and(|timing| timing.release_at != 0)
    }

    /// The node to which others send what they ship for it.
    pub fn gathers_at(&self) -> Option<NodeIx> {
        self.details.as_ref()?.gathers_at
    }

    /// Whether it is served whole by the node where it is collected, or by nobody (rule R10).
    pub fn is_supplied_by_its_node(&self) -> bool {
        self.is_pickup() && self.gathers_at().is_none()
    }

    /// Whether it waits for the next wave.
    pub fn awaits_wave(&self) -> bool {
        self.timing.as_ref().is_some_and(|timing| timing.for_wave)
    }

    /// Until when its policy does not route it, milliseconds since the Unix epoch.
    pub fn deferred_until(&self) -> Option<i64> {
        self.timing.as_ref().map(|timing| timing.schedule_at).filter(|&at_ms| at_ms != 0)
    }

    /// Whether something of it lies ready for its customer.
    pub fn lies_ready(&self) -> bool {
        self.fulfilments.iter().any(|part| part.state.lies_ready())
    }

    /// What a node gives up when it is paused (cause NODE_PAUSED) or leaves: place of the fulfilment,
    /// with (place in its lines, units). Units taken from the shelf stay. A pause moves what was not
    /// accepted; what its customer collects there stays too.
    pub fn leaving(&self, node: NodeIx, cause: v1::Cause) -> Vec<(usize, Vec<(usize, i64)>)> {
        let paused = cause == v1::Cause::NodePaused;
        if paused && self.is_pickup() {
            return Vec::new();
        }
        let gives_up = |part: &Fulfilment| {
            part.node == node
                && part.state.is_open()
                && (!paused || part.state == FulfilmentState::Assigned)
        };
        let unpicked = |part: &Fulfilment| -> Vec<(usize, i64)> {
            let left = |line: usize| part.lines[line].allocated - part.line_progress(line).picked;
            let lines = (0..part.lines.len()).map(|line| (line, left(line)));
            lines.filter(|&(_, units)| units > 0).collect()
        };
        let parts = self.fulfilments.iter().enumerate().filter(|(_, part)| gives_up(part));
        let rows = parts.map(|(place, part)| (place, unpicked(part)));
        rows.filter(|(_, lines)| !lines.is_empty()).collect()
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

    /// What waits no longer has no end of waiting, and nothing to wait for.
    pub(crate) fn settle_timing(&mut self) {
        if self.timing.is_none() || self.lines.iter().any(|line| line.waiting > 0) {
            return;
        }
        self.change_timing(|timing| {
            (timing.waiting_until, timing.retry_at) = (0, 0);
            (timing.for_wave, timing.schedule_at) = (false, 0);
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
        let late = [self.undelivered, self.returned];
        self.ordered == self.open + self.allocated + self.shipped + self.cancelled
            && self.waiting <= self.open
            && self.delivered + self.undelivered <= self.shipped
            && self.returned <= self.delivered
            && self.cancelled >= 0
            && parts.iter().chain(&late).all(|&units| units >= 0)
    }
}
