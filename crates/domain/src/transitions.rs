//! Which event may happen to what, and what comes of it: the one place where the stages of a
//! fulfilment and of an order line's units are defined. The fold obeys these tables, and
//! docs/STATES.md is drawn from them.

use crate::{FulfilmentState, Reason};

/// What may happen to a fulfilment. *Part*: something like it is left to happen; *rest*: nothing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FulfilmentEvent {
    /// The node says yes.
    Accept,
    /// The node says no.
    Reject,
    /// Units left, others are still to leave.
    ShipPart,
    /// The last units left.
    ShipRest,
    /// Units arrived, others are under way or still to leave.
    DeliverPart,
    /// The last units arrived.
    DeliverRest,
    /// Units were taken back, others stay.
    TakeBackPart,
    /// Everything that had not left was taken back.
    TakeBackRest,
    /// The node is asked to give units up.
    AskBack,
}

/// What comes of an event: the state after it, or why it is refused.
pub type Next<S> = Result<S, Reason>;

use FulfilmentEvent::{
    Accept, AskBack, DeliverPart, DeliverRest, Reject, ShipPart, ShipRest, TakeBackPart,
    TakeBackRest,
};
use FulfilmentState::{Accepted, Assigned, Delivered, PartlyShipped, Rejected, Released, Shipped};
use Reason::{AlreadyRejected, AlreadyShipped, NothingLeft, StandsElsewhere, WrongState};

/// The columns of [`FULFILMENT`].
pub const FULFILMENT_EVENTS: [FulfilmentEvent; 9] = [
    Accept,
    Reject,
    ShipPart,
    ShipRest,
    DeliverPart,
    DeliverRest,
    TakeBackPart,
    TakeBackRest,
    AskBack,
];

/// What comes of each event in one state, in the order of [`FULFILMENT_EVENTS`].
pub type FulfilmentRow = (FulfilmentState, [Next<FulfilmentState>; 9]);

/// Every state of a fulfilment, and what comes of each event in it.
#[rustfmt::skip]
pub const FULFILMENT: [FulfilmentRow; 7] = [
    (Assigned, [
        Ok(Accepted), Ok(Rejected),
        Ok(PartlyShipped), Ok(Shipped), Err(StandsElsewhere), Err(StandsElsewhere),
        Ok(Assigned), Ok(Released), Err(WrongState),
    ]),
    (Accepted, [
        Err(WrongState), Ok(Rejected),
        Ok(PartlyShipped), Ok(Shipped), Err(StandsElsewhere), Err(StandsElsewhere),
        Ok(Accepted), Ok(Released), Ok(Accepted),
    ]),
    (Rejected, [
        Err(AlreadyRejected), Err(AlreadyRejected),
        Err(StandsElsewhere), Err(StandsElsewhere), Err(StandsElsewhere), Err(StandsElsewhere),
        Err(NothingLeft), Err(NothingLeft), Err(NothingLeft),
    ]),
    (Released, [
        Err(WrongState), Err(WrongState),
        Err(StandsElsewhere), Err(StandsElsewhere), Err(StandsElsewhere), Err(StandsElsewhere),
        Err(NothingLeft), Err(NothingLeft), Err(NothingLeft),
    ]),
    (PartlyShipped, [
        Err(AlreadyShipped), Err(AlreadyShipped),
        Ok(PartlyShipped), Ok(Shipped), Ok(PartlyShipped), Err(StandsElsewhere),
        Ok(PartlyShipped), Ok(Shipped), Ok(PartlyShipped),
    ]),
    (Shipped, [
        Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Ok(Shipped), Ok(Delivered),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
    ]),
    (Delivered, [
        Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
    ]),
];

/// What comes of an event that happens to a fulfilment.
pub fn fulfilment(state: FulfilmentState, event: FulfilmentEvent) -> Next<FulfilmentState> {
    let row = FULFILMENT.iter().find(|(of, _)| *of == state).expect("every state has a row");
    row.1[event as usize]
}

/// Where a unit of an order line stands. `Waiting` units are open ones that stand in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // crate::Line documents each
pub enum LinePart {
    Open,
    Waiting,
    Allocated,
    Shipped,
    Delivered,
    Cancelled,
}

/// What may happen to a unit of an order line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEvent {
    /// A node is to ship it.
    Promise,
    /// No node has it: it joins the queue of its SKU.
    Wait,
    /// The order is held: it leaves the queue.
    Hold,
    /// The node gave it back, or it was taken back.
    GiveBack,
    /// It left the node.
    Ship,
    /// It arrived.
    Deliver,
    /// The customer, or the policy, does not want it any more.
    Cancel,
    /// A cancellation is taken back.
    Resume,
}

/// The columns of [`LINE`].
pub const LINE_EVENTS: [LineEvent; 8] = {
    use LineEvent::{Cancel, Deliver, GiveBack, Hold, Promise, Resume, Ship, Wait};
    [Promise, Wait, Hold, GiveBack, Ship, Deliver, Cancel, Resume]
};

/// Every place where a unit may stand, and what comes of each event there.
#[rustfmt::skip]
pub const LINE: [(LinePart, [Next<LinePart>; 8]); 6] = {
    use LinePart::{Allocated, Cancelled, Delivered, Open, Shipped, Waiting};
    use Reason::NotCancelled;
    [
        (Open, [
            Ok(Allocated), Ok(Waiting), Ok(Open), Err(StandsElsewhere),
            Err(StandsElsewhere), Err(StandsElsewhere), Ok(Cancelled), Err(NotCancelled),
        ]),
        (Waiting, [
            Ok(Allocated), Ok(Waiting), Ok(Open), Err(StandsElsewhere),
            Err(StandsElsewhere), Err(StandsElsewhere), Ok(Cancelled), Err(NotCancelled),
        ]),
        (Allocated, [
            Err(StandsElsewhere), Err(StandsElsewhere), Ok(Allocated), Ok(Open),
            Ok(Shipped), Err(StandsElsewhere), Ok(Cancelled), Err(NotCancelled),
        ]),
        (Shipped, [
            Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
            Err(AlreadyShipped), Ok(Delivered), Err(AlreadyShipped), Err(NotCancelled),
        ]),
        (Delivered, [
            Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
            Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped), Err(NotCancelled),
        ]),
        (Cancelled, [
            Err(NothingLeft), Err(NothingLeft), Err(NothingLeft), Err(StandsElsewhere),
            Err(StandsElsewhere), Err(StandsElsewhere), Err(NothingLeft), Ok(Open),
        ]),
    ]
};
