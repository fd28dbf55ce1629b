//! What a step changed, so that a step that fails leaves nothing behind.

use std::sync::Arc;

use omnifold_domain::{
    Carrier, CarrierKey, Item, Node, NodeIx, Order, OrderKey, Parcel, ParcelKey, Return, ReturnKey,
    Settings, SkuIx, Stock, WaitingKey,
};

/// The earlier image of one row.
#[derive(Debug)]
pub(crate) enum Undo {
    Settings(Option<Settings>),
    Node(NodeIx, Option<Node>),
    Item(SkuIx, Option<Item>),
    Stock(SkuIx, NodeIx, Option<Stock>),
    Order(OrderKey, Option<Arc<Order>>),
    Waiting(WaitingKey, Option<OrderKey>),
    Parcel(ParcelKey, Option<Arc<Parcel>>),
    Return(ReturnKey, Option<Arc<Return>>),
    Carrier(CarrierKey, Option<Arc<Carrier>>),
}
