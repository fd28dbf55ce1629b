//! Which event may happen to a purchase order, and what comes of it.

use super::Next;
use crate::{PurchaseOrderState, Reason};

/// What may happen to a purchase order. *Part*: something is left to receive; *rest*: nothing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PurchaseOrderEvent {
    /// The supplier says what it will send.
    Acknowledge,
    /// The buyer changes it, and something is left to receive.
    ChangePart,
    /// The buyer changes it, and nothing is left to receive.
    ChangeRest,
    /// It is stopped.
    Hold,
    /// It goes on.
    Release,
    /// The supplier announces a delivery.
    Announce,
    /// Goods arrive, others are still to come.
    ReceivePart,
    /// The last goods arrive, or more than were ordered.
    ReceiveRest,
    /// A receipt is reversed; others stand, and something is to come again.
    ReversePart,
    /// The only receipt that stood is reversed.
    ReverseRest,
    /// A receipt is reversed, and as much as was ordered is here nevertheless.
    ReverseExcess,
    /// The supplier sends a bill.
    Bill,
    /// A bill in dispute goes on.
    ReleaseBill,
    /// Nothing more is expected.
    Close,
    /// The goods are not wanted any more.
    Cancel,
}

use PurchaseOrderEvent::{
    Acknowledge, Announce, Bill, Cancel, ChangePart, ChangeRest, Close, Hold, ReceivePart,
    ReceiveRest, Release, ReleaseBill, ReverseExcess, ReversePart, ReverseRest,
};
use PurchaseOrderState::{Acknowledged, Cancelled, Closed, Issued, PartlyReceived, Received};
use Reason::{AlreadyReceived, StandsElsewhere, UnknownReceipt, WrongState};

/// The columns of [`PURCHASE_ORDER`].
pub const PURCHASE_ORDER_EVENTS: [PurchaseOrderEvent; 15] = [
    Acknowledge,
    ChangePart,
    ChangeRest,
    Hold,
    Release,
    Announce,
    ReceivePart,
    ReceiveRest,
    ReversePart,
    ReverseRest,
    ReverseExcess,
    Bill,
    ReleaseBill,
    Close,
    Cancel,
];

/// What comes of each event in one state, in the order of [`PURCHASE_ORDER_EVENTS`].
pub type PurchaseOrderRow = (PurchaseOrderState, [Next<PurchaseOrderState>; 15]);

/// Every state of a purchase order, and what comes of each event in it.
#[rustfmt::skip]
pub const PURCHASE_ORDER: [PurchaseOrderRow; 6] = [
    (Issued, [
        Ok(Acknowledged), Ok(Issued), Err(StandsElsewhere), Ok(Issued), Ok(Issued),
        Ok(Acknowledged), Ok(PartlyReceived), Ok(Received),
        Err(UnknownReceipt), Err(UnknownReceipt), Err(UnknownReceipt),
        Ok(Issued), Ok(Issued), Ok(Closed), Ok(Cancelled),
    ]),
    (Acknowledged, [
        Ok(Acknowledged), Ok(Acknowledged), Err(StandsElsewhere), Ok(Acknowledged), Ok(Acknowledged),
        Ok(Acknowledged), Ok(PartlyReceived), Ok(Received),
        Err(UnknownReceipt), Err(UnknownReceipt), Err(UnknownReceipt),
        Ok(Acknowledged), Ok(Acknowledged), Ok(Closed), Ok(Cancelled),
    ]),
    (PartlyReceived, [
        Ok(PartlyReceived), Ok(PartlyReceived), Ok(Received), Ok(PartlyReceived), Ok(PartlyReceived),
        Ok(PartlyReceived), Ok(PartlyReceived), Ok(Received),
        Ok(PartlyReceived), Ok(Acknowledged), Err(StandsElsewhere),
        Ok(PartlyReceived), Ok(PartlyReceived), Ok(Closed), Err(AlreadyReceived),
    ]),
    (Received, [
        Err(WrongState), Ok(PartlyReceived), Ok(Received), Ok(Received), Ok(Received),
        Err(WrongState), Err(StandsElsewhere), Ok(Received),
        Ok(PartlyReceived), Ok(Acknowledged), Ok(Received),
        Ok(Received), Ok(Received), Ok(Closed), Err(AlreadyReceived),
    ]),
    (Closed, [
        Err(WrongState), Err(WrongState), Err(WrongState), Err(WrongState), Err(WrongState),
        Err(WrongState), Err(WrongState), Err(WrongState),
        Ok(Closed), Ok(Closed), Ok(Closed),
        Ok(Closed), Ok(Closed), Err(WrongState), Err(WrongState),
    ]),
    (Cancelled, [
        Err(WrongState), Err(WrongState), Err(WrongState), Err(WrongState), Err(WrongState),
        Err(WrongState), Err(WrongState), Err(WrongState),
        Err(UnknownReceipt), Err(UnknownReceipt), Err(UnknownReceipt),
        Err(WrongState), Err(WrongState), Err(WrongState), Err(WrongState),
    ]),
];

/// What comes of an event that happens to a purchase order.
pub fn purchase_order(
    state: PurchaseOrderState,
    event: PurchaseOrderEvent,
) -> Next<PurchaseOrderState> {
    let row = PURCHASE_ORDER.iter().find(|(of, _)| *of == state).expect("every state has a row");
    row.1[event as usize]
}
