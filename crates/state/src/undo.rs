//! What a step changed, so that a step that fails leaves nothing behind.

use std::sync::Arc;

use omnifold_domain::promise::{LearnedKey, LearnedRow};
use omnifold_domain::{
    Item, Node, NodeDay, NodeIx, Order, OrderKey, Priced, Scorecard, Settings, ShadowPrices, SkuIx,
    SoftHold, SoftHoldKey, Stock, TimerKey, WaitingKey,
};

use crate::side_table::SideUndo;

/// The earlier image of one row. Every step of an order writes some: what is large and rare is boxed.
#[derive(Debug)]
pub(crate) enum Undo {
    Settings(Option<Box<Settings>>),
    Node(NodeIx, Option<Box<Node>>),
    Item(SkuIx, Option<Box<Item>>),
    Stock(SkuIx, NodeIx, Option<Stock>),
    Side(SideUndo),
    Order(OrderKey, Option<Arc<Order>>),
    Waiting(WaitingKey, Option<OrderKey>),
    Timer(TimerKey, Option<u128>),
    SoftHold(SoftHoldKey, Option<SoftHold>),
    NodeDay(NodeIx, Option<NodeDay>),
    Scorecard(NodeIx, Option<Scorecard>),
    Prices(Priced, Option<ShadowPrices>),
    Learned(LearnedKey, Option<LearnedRow>),
}

const _: () = assert!(size_of::<Undo>() <= 112);
