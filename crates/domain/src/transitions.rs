//! Which event may happen to what, and what comes of it: the one place where the stages of a
//! fulfilment and of an order line's units are defined. The fold obeys these tables, and
//! docs/STATES.md is drawn from them.

mod purchase_order;

pub use purchase_order::{
    PURCHASE_ORDER, PURCHASE_ORDER_EVENTS, PurchaseOrderEvent, PurchaseOrderRow, purchase_order,
};

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
    /// Nothing is under way any more, and units arrived.
    DeliverRest,
    /// Units were taken back, others stay.
    TakeBackPart,
    /// Everything that had not left was taken back.
    TakeBackRest,
    /// The node is asked to give units up.
    AskBack,
    /// Some units are off the shelf.
    PickPart,
    /// All units are off the shelf.
    PickRest,
    /// Some units stand in parcels.
    PackPart,
    /// All units stand in parcels.
    PackRest,
    /// It lies ready for its customer.
    MakeReady,
    /// The customer took some units away.
    CollectPart,
    /// The customer took the last units away.
    CollectRest,
    /// The customer did not come in time.
    ExpirePickup,
    /// What nobody came for lies on the shelf again, to be taken back.
    Reshelve,
    /// The rest of what was collected in part was taken back.
    TakeBackUncollected,
    /// Units under way will not arrive; others are under way or still to leave.
    GiveUpPart,
    /// Nothing is under way any more, and nothing arrived.
    GiveUpRest,
    /// Units reached the node that they were sent to, others are to come or to leave.
    ReachPart,
    /// The last units reached the node that they were sent to.
    ReachRest,
    /// What lies at that node leaves it for its customer.
    Forward,
}

/// What comes of an event: the state after it, or why it is refused.
pub type Next<S> = Result<S, Reason>;

use FulfilmentEvent::{
    Accept, AskBack, CollectPart, CollectRest, DeliverPart, DeliverRest, ExpirePickup, Forward,
    GiveUpPart, GiveUpRest, MakeReady, PackPart, PackRest, PickPart, PickRest, ReachPart,
    ReachRest, Reject, Reshelve, ShipPart, ShipRest, TakeBackPart, TakeBackRest,
    TakeBackUncollected,
};
use FulfilmentState::{
    Accepted, Assigned, AtNode, Collected, Delivered, Packed, PartlyShipped, Picked, Picking,
    PickupExpired, ReadyAtNode, ReadyForPickup, Rejected, Released, Shipped, Undelivered,
};
use Reason::{
    AlreadyRejected, AlreadyShipped, NotPickup, NothingLeft, PickupOrder, StandsElsewhere,
    WrongState,
};

/// The columns of [`FULFILMENT`].
pub const FULFILMENT_EVENTS: [FulfilmentEvent; 24] = [
    Accept,
    Reject,
    ShipPart,
    ShipRest,
    DeliverPart,
    DeliverRest,
    TakeBackPart,
    TakeBackRest,
    AskBack,
    PickPart,
    PickRest,
    PackPart,
    PackRest,
    MakeReady,
    CollectPart,
    CollectRest,
    ExpirePickup,
    Reshelve,
    TakeBackUncollected,
    GiveUpPart,
    GiveUpRest,
    ReachPart,
    ReachRest,
    Forward,
];

/// What comes of each event in one state, in the order of [`FULFILMENT_EVENTS`].
pub type FulfilmentRow = (FulfilmentState, [Next<FulfilmentState>; 24]);

/// Every state of a fulfilment, and what comes of each event in it.
#[rustfmt::skip]
pub const FULFILMENT: [FulfilmentRow; 16] = [
    (Assigned, [
        Ok(Accepted), Ok(Rejected),
        Ok(PartlyShipped), Ok(Shipped), Err(StandsElsewhere), Err(StandsElsewhere),
        Ok(Assigned), Ok(Released), Err(WrongState),
        Ok(Picking), Ok(Picked), Ok(Picking), Ok(Packed),
        Ok(ReadyForPickup), Err(WrongState), Err(WrongState),
        Err(WrongState), Err(WrongState), Err(WrongState),
        Err(StandsElsewhere), Err(StandsElsewhere),
        Err(StandsElsewhere), Err(StandsElsewhere), Err(WrongState),
    ]),
    (Accepted, [
        Err(WrongState), Ok(Rejected),
        Ok(PartlyShipped), Ok(Shipped), Err(StandsElsewhere), Err(StandsElsewhere),
        Ok(Accepted), Ok(Released), Ok(Accepted),
        Ok(Picking), Ok(Picked), Ok(Picking), Ok(Packed),
        Ok(ReadyForPickup), Err(WrongState), Err(WrongState),
        Err(WrongState), Err(WrongState), Err(WrongState),
        Err(StandsElsewhere), Err(StandsElsewhere),
        Err(StandsElsewhere), Err(StandsElsewhere), Err(WrongState),
    ]),
    (Picking, [
        Err(WrongState), Err(WrongState),
        Ok(PartlyShipped), Ok(Shipped), Err(StandsElsewhere), Err(StandsElsewhere),
        Ok(Picking), Ok(Released), Ok(Picking),
        Ok(Picking), Ok(Picked), Ok(Picking), Ok(Packed),
        Ok(ReadyForPickup), Err(WrongState), Err(WrongState),
        Err(WrongState), Err(WrongState), Err(WrongState),
        Err(StandsElsewhere), Err(StandsElsewhere),
        Err(StandsElsewhere), Err(StandsElsewhere), Err(WrongState),
    ]),
    (Picked, [
        Err(WrongState), Err(WrongState),
        Ok(PartlyShipped), Ok(Shipped), Err(StandsElsewhere), Err(StandsElsewhere),
        Ok(Picked), Ok(Released), Ok(Picked),
        Err(StandsElsewhere), Err(StandsElsewhere), Ok(Picked), Ok(Packed),
        Ok(ReadyForPickup), Err(WrongState), Err(WrongState),
        Err(WrongState), Err(WrongState), Err(WrongState),
        Err(StandsElsewhere), Err(StandsElsewhere),
        Err(StandsElsewhere), Err(StandsElsewhere), Err(WrongState),
    ]),
    (Packed, [
        Err(WrongState), Err(WrongState),
        Ok(PartlyShipped), Ok(Shipped), Err(StandsElsewhere), Err(StandsElsewhere),
        Ok(Picked), Ok(Released), Ok(Packed),
        Err(StandsElsewhere), Err(StandsElsewhere), Ok(Picked), Ok(Packed),
        Ok(ReadyForPickup), Err(WrongState), Err(WrongState),
        Err(WrongState), Err(WrongState), Err(WrongState),
        Err(StandsElsewhere), Err(StandsElsewhere),
        Err(StandsElsewhere), Err(StandsElsewhere), Err(WrongState),
    ]),
    (ReadyForPickup, [
        Err(WrongState), Err(WrongState),
        Err(PickupOrder), Err(PickupOrder), Err(StandsElsewhere), Err(StandsElsewhere),
        Ok(ReadyForPickup), Ok(Released), Ok(ReadyForPickup),
        Err(WrongState), Err(WrongState), Err(WrongState), Err(WrongState),
        Err(WrongState), Ok(ReadyForPickup), Ok(Collected),
        Ok(PickupExpired), Err(WrongState), Ok(Collected),
        Err(StandsElsewhere), Err(StandsElsewhere),
        Err(StandsElsewhere), Err(StandsElsewhere), Err(WrongState),
    ]),
    (PickupExpired, [
        Err(WrongState), Err(WrongState),
        Err(PickupOrder), Err(PickupOrder), Err(StandsElsewhere), Err(StandsElsewhere),
        Ok(PickupExpired), Ok(Released), Ok(PickupExpired),
        Err(WrongState), Err(WrongState), Err(WrongState), Err(WrongState),
        Err(WrongState), Err(WrongState), Err(WrongState),
        Err(WrongState), Ok(PickupExpired), Ok(Collected),
        Err(StandsElsewhere), Err(StandsElsewhere),
        Err(StandsElsewhere), Err(StandsElsewhere), Err(WrongState),
    ]),
    (Rejected, [
        Err(AlreadyRejected), Err(AlreadyRejected),
        Err(StandsElsewhere), Err(StandsElsewhere), Err(StandsElsewhere), Err(StandsElsewhere),
        Err(NothingLeft), Err(NothingLeft), Err(NothingLeft),
        Err(AlreadyRejected), Err(AlreadyRejected), Err(AlreadyRejected), Err(AlreadyRejected),
        Err(AlreadyRejected), Err(AlreadyRejected), Err(AlreadyRejected),
        Err(AlreadyRejected), Err(AlreadyRejected), Err(NothingLeft),
        Err(StandsElsewhere), Err(StandsElsewhere),
        Err(StandsElsewhere), Err(StandsElsewhere), Err(WrongState),
    ]),
    (Released, [
        Err(WrongState), Err(WrongState),
        Err(StandsElsewhere), Err(StandsElsewhere), Err(StandsElsewhere), Err(StandsElsewhere),
        Err(NothingLeft), Err(NothingLeft), Err(NothingLeft),
        Err(WrongState), Err(WrongState), Err(WrongState), Err(WrongState),
        Err(WrongState), Err(WrongState), Err(WrongState),
        Err(WrongState), Err(WrongState), Err(NothingLeft),
        Err(StandsElsewhere), Err(StandsElsewhere),
        Err(StandsElsewhere), Err(StandsElsewhere), Err(WrongState),
    ]),
    (PartlyShipped, [
        Err(AlreadyShipped), Err(AlreadyShipped),
        Ok(PartlyShipped), Ok(Shipped), Ok(PartlyShipped), Err(StandsElsewhere),
        Ok(PartlyShipped), Ok(Shipped), Ok(PartlyShipped),
        Ok(PartlyShipped), Ok(PartlyShipped), Ok(PartlyShipped), Ok(PartlyShipped),
        Err(NotPickup), Err(NotPickup), Err(NotPickup),
        Err(NotPickup), Err(NotPickup), Err(AlreadyShipped),
        Ok(PartlyShipped), Err(StandsElsewhere),
        Ok(PartlyShipped), Err(StandsElsewhere), Err(WrongState),
    ]),
    (Shipped, [
        Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Ok(Shipped), Ok(Delivered),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
        Err(NotPickup), Err(NotPickup), Err(NotPickup),
        Err(NotPickup), Err(NotPickup), Err(AlreadyShipped),
        Ok(Shipped), Ok(Undelivered),
        Ok(Shipped), Ok(AtNode), Err(WrongState),
    ]),
    (Delivered, [
        Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
        Err(NotPickup), Err(NotPickup), Err(NotPickup),
        Err(NotPickup), Err(NotPickup), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
    ]),
    (Collected, [
        Err(AlreadyShipped), Err(AlreadyShipped),
        Err(PickupOrder), Err(PickupOrder), Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
    ]),
    (Undelivered, [
        Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
        Err(NotPickup), Err(NotPickup), Err(NotPickup),
        Err(NotPickup), Err(NotPickup), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
    ]),
    (AtNode, [
        Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
        Ok(ReadyAtNode), Err(WrongState), Err(WrongState),
        Err(WrongState), Ok(Undelivered), Ok(Collected),
        Ok(AtNode), Ok(Undelivered),
        Err(AlreadyShipped), Err(AlreadyShipped), Ok(Shipped),
    ]),
    (ReadyAtNode, [
        Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped), Err(AlreadyShipped),
        Err(WrongState), Ok(ReadyAtNode), Ok(Collected),
        Ok(AtNode), Err(WrongState), Ok(Collected),
        Ok(ReadyAtNode), Ok(Undelivered),
        Err(AlreadyShipped), Err(AlreadyShipped), Err(PickupOrder),
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
