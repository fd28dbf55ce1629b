//! Which event of the transition tables has happened to a fulfilment, by what its units say once
//! they have moved.

use crate::transitions::{self, FulfilmentEvent};
use crate::{Fulfilment, FulfilmentState};

impl Fulfilment {
    /// Takes the next state from the table. A deadline ends with the step it was for: acceptance
    /// with the first thing that the node says, picking when everything is picked.
    ///
    /// # Panics
    /// Where the table refuses the event: the fold checked that it may happen.
    pub(crate) fn happen(&mut self, event: FulfilmentEvent) {
        use FulfilmentState::{Accepted, Assigned, Picking};
        let next = transitions::fulfilment(self.state, event).unwrap_or_else(|reason| {
            panic!("{event:?} on {:?} is refused: {}", self.state, reason.code())
        });
        let still_due = match self.state {
            Assigned => next == Assigned,
            _ => matches!(next, Accepted | Picking),
        };
        if !still_due {
            self.due_at = 0;
        }
        self.state = next;
    }

    /// Units left the node.
    pub(crate) fn have_left(&mut self) {
        self.drop_packed_beyond_allocated();
        let rest = self.units_left() == 0;
        self.happen(if rest { FulfilmentEvent::ShipRest } else { FulfilmentEvent::ShipPart });
    }

    /// All units that left lie at the node they were sent to, or others are to come.
    pub(crate) fn have_reached_node(&mut self) {
        let rest = self.units_left() == 0 && self.units_on_the_road() == 0;
        self.happen(if rest { FulfilmentEvent::ReachRest } else { FulfilmentEvent::ReachPart });
    }

    /// Nothing is to come any more to the node where other units lie.
    fn settle_at_node(&mut self) {
        let all_there = self.units_under_way() > 0 && self.units_on_the_road() == 0;
        if self.state == FulfilmentState::Shipped && self.send_to().is_some() && all_there {
            self.happen(FulfilmentEvent::ReachRest);
        }
    }

    /// The customer took units away.
    pub(crate) fn were_collected(&mut self) {
        self.drop_packed_beyond_allocated();
        let at_node = (0..self.lines.len()).map(|line| self.line_progress(line).at_node);
        let rest = self.units_left() + at_node.sum::<i64>() == 0;
        self.happen(if rest { FulfilmentEvent::CollectRest } else { FulfilmentEvent::CollectPart });
    }

    /// Shipped units arrived, or will not arrive any more.
    pub(crate) fn have_ended(&mut self, arrived: bool) {
        let rest = self.units_left() == 0 && self.units_under_way() == 0;
        self.happen(match (arrived, rest) {
            (true, false) => FulfilmentEvent::DeliverPart,
            (false, false) => FulfilmentEvent::GiveUpPart,
            (_, true) => self.end_of_shipped(),
        });
        self.settle_at_node();
    }

    /// The node has fewer units to ship: they were taken back, or it could not find them.
    pub(crate) fn were_taken_back(&mut self) {
        self.drop_packed_beyond_allocated();
        let lies_ready =
            matches!(self.state, FulfilmentState::ReadyForPickup | FulfilmentState::PickupExpired);
        if self.units_left() > 0 {
            self.happen(FulfilmentEvent::TakeBackPart);
            if !lies_ready {
                self.were_worked_on();
            }
            return;
        }
        if lies_ready && self.lines.iter().any(|line| line.shipped > 0) {
            return self.happen(FulfilmentEvent::TakeBackUncollected);
        }
        self.happen(FulfilmentEvent::TakeBackRest);
        if self.state == FulfilmentState::Shipped && self.units_under_way() == 0 {
            self.happen(self.end_of_shipped());
        }
        self.settle_at_node();
    }

    /// Units were picked or packed, or fewer are than were.
    pub(crate) fn were_worked_on(&mut self) {
        let lines = 0..self.lines.len();
        let picked: i64 = lines.clone().map(|line| self.line_progress(line).picked).sum();
        let packed = |line: usize| self.packed_units(line, true) + self.packed_units(line, false);
        let packed: i64 = lines.map(packed).sum();
        let left = self.units_left();
        let all_were = matches!(self.state, FulfilmentState::Picked | FulfilmentState::Packed);
        self.happen(match () {
            () if packed == left => FulfilmentEvent::PackRest,
            () if all_were => FulfilmentEvent::PackPart,
            () if picked == left => FulfilmentEvent::PickRest,
            () if picked > 0 => FulfilmentEvent::PickPart,
            () => return,
        });
    }

    fn end_of_shipped(&self) -> FulfilmentEvent {
        let arrived = self.lines.iter().any(|line| line.delivered > 0);
        let at_node = matches!(self.state, FulfilmentState::AtNode | FulfilmentState::ReadyAtNode);
        match (arrived, at_node) {
            (false, _) => FulfilmentEvent::GiveUpRest,
            (true, false) => FulfilmentEvent::DeliverRest,
            (true, true) => FulfilmentEvent::TakeBackUncollected,
        }
    }

    /// Units that have not left its node.
    pub(crate) fn units_left(&self) -> i64 {
        self.lines.iter().map(|line| line.allocated).sum()
    }

    fn units_under_way(&self) -> i64 {
        (0..self.lines.len()).map(|line| self.outstanding(line)).sum()
    }

    fn units_on_the_road(&self) -> i64 {
        let road = |line: usize| self.outstanding(line) - self.line_progress(line).at_node;
        (0..self.lines.len()).map(road).sum()
    }
}
