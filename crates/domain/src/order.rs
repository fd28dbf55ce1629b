//! The order, its lines and its fulfilments. Quantities are in 1/1000 unit.

use omnifold_events::v1;
use serde::{Deserialize, Serialize};

use crate::{
    Handling, KitLine, Location, LotShare, NodeIx, OrderKey, ParcelKey, ReturnKey, SerialShare,
    SkuIx, SlaClock, Substitutes,
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
    /// What the node and the carriers said on the way, once they did.
    pub progress: Option<Box<Progress>>,
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

/// What is known of a fulfilment between its assignment and its end.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Beside [`Fulfilment::lines`], place by place.
    pub lines: Vec<LineProgress>,
    /// Packed and not handed over.
    pub packed: Vec<PackedParcel>,
    /// Handed over: the rows of these parcels.
    pub parcels: Vec<ParcelKey>,
    /// The node that it is sent to before its customer gets it, until it is forwarded from there.
    pub send_to: Option<NodeIx>,
    /// Its node could not find units of it, and was marked down for that.
    pub missed_units: bool,
}

/// What is known of the units of one line of a fulfilment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LineProgress {
    /// Of the allocated ones, those that were taken from the shelf.
    pub picked: i64,
    /// Of the shipped ones, those that will not arrive.
    pub undelivered: i64,
    /// Of the delivered ones, those that came back.
    pub returned: i64,
    /// Of the shipped ones, those that lie at the node they were sent to.
    pub at_node: i64,
}

/// A parcel that stands packed at its node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedParcel {
    /// The node's name for it.
    pub id: String,
    /// Grams.
    pub weight_g: u32,
    /// Its units were promised without stock (rule R13).
    pub backordered: bool,
    /// Place in [`Fulfilment::lines`], and units.
    pub contents: Vec<(u32, i64)>,
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
    /// Some units were taken from the shelf.
    Picking,
    /// All units were taken from the shelf.
    Picked,
    /// All units stand in parcels.
    Packed,
    /// The customer may come for it.
    ReadyForPickup,
    /// The customer did not come.
    PickupExpired,
    /// The customer took it away.
    Collected,
    /// What was shipped will not arrive: lost, damaged, or back at its origin.
    Undelivered,
    /// All units lie at the node that they were sent to.
    AtNode,
    /// They lie there, and the customer may come for them.
    ReadyAtNode,
}

impl FulfilmentState {
    /// Whether the node may still ship units of it.
    pub fn is_open(self) -> bool {
        use FulfilmentState as F;
        self.is_at_node() || matches!(self, F::PartlyShipped | F::ReadyForPickup | F::PickupExpired)
    }

    /// Whether the node works on it and nothing has left or lies ready.
    pub fn is_at_node(self) -> bool {
        use FulfilmentState as F;
        matches!(self, F::Assigned | F::Accepted | F::Picking | F::Picked | F::Packed)
    }

    /// Whether the customer may come for it.
    pub fn lies_ready(self) -> bool {
        matches!(self, FulfilmentState::ReadyForPickup | FulfilmentState::ReadyAtNode)
    }
}

impl Fulfilment {
    /// Units of a line that stand in parcels, counting those promised without stock or the others.
    pub fn packed_units(&self, line: usize, backordered: bool) -> i64 {
        let Some(progress) = &self.progress else { return 0 };
        let parcels = progress.packed.iter().filter(|parcel| parcel.backordered == backordered);
        let contents = parcels.flat_map(|parcel| &parcel.contents);
        contents.filter(|(place, _)| *place as usize == line).map(|(_, units)| units).sum()
    }

    /// The node that it is sent to before its customer gets it; `None`: it goes to the customer.
    pub fn send_to(&self) -> Option<NodeIx> {
        self.progress.as_ref()?.send_to
    }

    /// Units of a line that left and neither reached their customer nor were given up.
    pub fn outstanding(&self, line: usize) -> i64 {
        let row = &self.lines[line];
        row.shipped - row.delivered - self.line_progress(line).undelivered
    }

    /// What is known of a line beside its units.
    pub fn line_progress(&self, line: usize) -> LineProgress {
        let progress = self.progress.as_ref().and_then(|progress| progress.lines.get(line));
        progress.copied().unwrap_or_default()
    }

    /// Whether its node was marked down for units that it could not find.
    pub fn missed_units(&self) -> bool {
        self.progress.as_ref().is_some_and(|progress| progress.missed_units)
    }

    /// What is known of the fulfilment, with a row for each of its lines.
    pub fn progress_mut(&mut self) -> &mut Progress {
        let progress = self.progress.get_or_insert_default();
        progress.lines.resize(self.lines.len(), LineProgress::default());
        progress
    }

    /// A parcel that holds units which are not promised any more has to be packed anew.
    pub fn drop_packed_beyond_allocated(&mut self) {
        for line in 0..self.lines.len() {
            let allocated = self.lines[line].allocated;
            while self.packed_units(line, false) + self.packed_units(line, true) > allocated {
                let Some(progress) = &mut self.progress else { return };
                let holds = |parcel: &PackedParcel| {
                    parcel.contents.iter().any(|(place, _)| *place as usize == line)
                };
                let newest = progress.packed.iter().rposition(holds).expect("it is packed");
                progress.packed.remove(newest);
            }
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
            (timing.waiting_until, timing.retry_at, timing.for_wave) = (0, 0, false);
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
