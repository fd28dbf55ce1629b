//! One node's share of an order, and how far it has come. Quantities are in 1/1000 unit.

use serde::{Deserialize, Serialize};

use crate::{NodeIx, ParcelKey};

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
