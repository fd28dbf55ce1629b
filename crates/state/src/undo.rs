//! What a step changed, so that a step that fails leaves nothing behind.

use std::sync::Arc;

use omnifold_domain::{
    Carrier, CarrierKey, Item, Ledger, Node, NodeIx, Order, OrderKey, Parcel, ParcelKey, Return,
    ReturnKey, Settings, SkuIx, Stock, Transfer, TransferKey, WaitingKey,
};

/// The earlier image of one row.
#[derive(Debug)]
pub(crate) enum Undo {
    Settings(Option<Settings>),
    Node(NodeIx, Option<Node>),
    Item(SkuIx, Option<Item>),
    Stock(SkuIx, NodeIx, Option<Stock>),
    Ledger(SkuIx, NodeIx, Option<Arc<Ledger>>),
    Transfer(TransferKey, Option<Arc<Transfer>>),
    Order(OrderKey, Option<Arc<Order>>),
    Waiting(WaitingKey, Option<OrderKey>),
    Parcel(ParcelKey, Option<Arc<Parcel>>),
    Return(ReturnKey, Option<Arc<Return>>),
    Carrier(CarrierKey, Option<Arc<Carrier>>),
}
