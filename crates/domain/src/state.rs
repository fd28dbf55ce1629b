//! The state as the domain sees it. Two implementations live in the state crate.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::promise::{Learned, Learning, OrderPromise};
use crate::{
    Carrier, CarrierKey, Entry, Inbound, Item, Ledger, Lots, Node, NodeDay, NodeIx, Offer, Order,
    OrderKey, Parcel, ParcelKey, Priced, PurchaseOrder, PurchaseOrderKey, Return, ReturnKey,
    Scorecard, Serial, SerialKey, SerialShelf, Settings, ShadowPrices, SkuIx, SoftHold,
    SoftHoldKey, Stock, StockAt, Supplier, SupplierItem, SupplierKey, TimerKey, Transfer,
    TransferKey,
};

/// Place of a waiting order in the queue of one SKU: higher priority first, then the older order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WaitingKey {
    /// The SKU waited for.
    pub sku: SkuIx,
    /// `u32::MAX - priority`, so that ascending order is the order of service.
    pub rank: u32,
    /// The order's age: the step that placed it.
    pub placed_step: u64,
}

impl WaitingKey {
    /// Where this order stands in the queue of that SKU.
    pub fn of(order: &Order, sku: SkuIx) -> Self {
        WaitingKey { sku, rank: u32::MAX - order.priority, placed_step: order.placed_step }
    }
}

/// Reads of one market's state. They take `&mut self` because a row may have to be brought into
/// the cache, and always see the writes before them.
pub trait View: Learned {
    /// The market's settings; `None` before its first event.
    fn settings(&self) -> Option<&Settings>;

    /// Every node, by number.
    fn nodes(&self) -> &[Node];
    /// The number of a node.
    fn node_named(&self, id: &str) -> Option<NodeIx>;
    /// Grows whenever a node is defined: what was derived from the nodes is stale then.
    fn network_version(&self) -> u64;

    /// The item of that number.
    fn item(&self, sku: SkuIx) -> &Item;
    /// The number of an item.
    fn item_named(&self, sku: &str) -> Option<SkuIx>;
    /// How many items there are.
    fn item_count(&self) -> u32;

    /// Stock of one SKU at every node that stocks it, by node number.
    fn stock_of(&mut self, sku: SkuIx) -> &[StockAt];
    /// What every node that stocks one SKU can promise of it, by node number.
    fn offers_of(&mut self, sku: SkuIx) -> &[Offer];
    /// Stock of a (SKU, node); `None` where the node does not stock the SKU.
    fn stock_at(&mut self, sku: SkuIx, node: NodeIx) -> Option<Stock> {
        let rows = self.stock_of(sku);
        rows.binary_search_by_key(&node, |row| row.node).ok().map(|place| rows[place].stock)
    }

    /// What few stock rows have.
    fn ledger(&mut self, sku: SkuIx, node: NodeIx) -> Option<&Ledger>;

    /// An order.
    fn order(&mut self, key: OrderKey) -> Option<&Order>;
    /// An order, to be read while the state is read.
    fn shared_order(&mut self, key: OrderKey) -> Option<Arc<Order>> {
        self.order(key).cloned().map(Arc::new)
    }

    /// Orders of which a node holds units that have not left, the oldest first. Reads every order: for
    /// rare events of operators.
    fn orders_open_at(&mut self, node: NodeIx) -> Vec<OrderKey>;

    /// Orders placed before an instant with work at a node that has not been begun there, the oldest
    /// first. Reads every order: for rare events of operators.
    fn orders_not_begun(&mut self, placed_before: i64) -> Vec<OrderKey>;

    /// A parcel that was handed over.
    fn parcel(&mut self, key: ParcelKey) -> Option<&Parcel>;
    /// The lots of a (SKU, node); `None`: it has none.
    fn lots(&mut self, sku: SkuIx, node: NodeIx) -> Option<&Lots>;
    /// What a (SKU, node) may expect; `None`: nothing.
    fn inbound(&mut self, sku: SkuIx, node: NodeIx) -> Option<&Inbound>;
    /// A return.
    fn return_of(&mut self, key: ReturnKey) -> Option<&Return>;
    /// A carrier.
    fn carrier(&mut self, key: CarrierKey) -> Option<&Carrier>;

    /// Orders that a node took on its newest local day; counted for nodes with a limit only.
    fn node_day(&self, node: NodeIx) -> NodeDay;

    /// What a node made of its work; `None`: nothing yet.
    fn scorecard(&self, node: NodeIx) -> Option<&Scorecard>;

    /// Shadow prices as last published, whether or not they hold now.
    fn prices(&self, of: Priced) -> Option<&ShadowPrices>;

    /// An active hold.
    fn soft_hold(&self, key: SoftHoldKey) -> Option<&SoftHold>;
    /// The timer that fires next, with the key of its subject.
    fn next_timer(&self) -> Option<(TimerKey, u128)>;

    /// What was promised for an order; `None`: the market promised nothing when it was placed.
    fn promise_of(&mut self, key: OrderKey) -> Option<&OrderPromise>;

    /// The next waiting order of a SKU after a place, or the first.
    fn next_waiting(
        &mut self,
        sku: SkuIx,
        after: Option<WaitingKey>,
    ) -> Option<(WaitingKey, OrderKey)>;
    /// The next SKU that some order waits for, after the given one; not those of [`SkuIx::is_put_off`].
    fn next_waited_sku(&mut self, after: Option<SkuIx>) -> Option<SkuIx>;
}

/// Writes of one market's state.
pub trait State: View + Learning {
    /// Replaces the settings.
    fn put_settings(&mut self, settings: Settings);
    /// Replaces a node, or adds it: its number is then `nodes().len()`.
    fn put_node(&mut self, node: NodeIx, row: Node);
    /// Replaces an item, or adds it: its number is then `item_count()`.
    fn put_item(&mut self, sku: SkuIx, row: Item);
    /// Replaces the stock of a (SKU, node), or adds it.
    fn put_stock(&mut self, sku: SkuIx, node: NodeIx, stock: Stock);
    /// Replaces the ledger row of a (SKU, node), or adds it.
    fn put_ledger(&mut self, sku: SkuIx, node: NodeIx, ledger: Ledger);
    /// Replaces the lots of a (SKU, node); `None` takes the row out.
    fn put_lots(&mut self, sku: SkuIx, node: NodeIx, lots: Option<Lots>);
    /// A transfer that is under way.
    fn transfer(&mut self, key: TransferKey) -> Option<&Transfer>;
    /// Replaces a transfer, or adds it; `None` takes it out.
    fn put_transfer(&mut self, key: TransferKey, transfer: Option<Transfer>);
    /// A purchase order.
    fn purchase_order(&mut self, key: PurchaseOrderKey) -> Option<&PurchaseOrder>;
    /// Replaces a purchase order, or adds it.
    fn put_purchase_order(&mut self, key: PurchaseOrderKey, order: PurchaseOrder);
    /// A supplier's record with a buying company.
    fn supplier(&mut self, key: SupplierKey) -> Option<&Supplier>;
    /// Replaces a supplier's record, or adds it.
    fn put_supplier(&mut self, key: SupplierKey, record: Supplier);
    /// Replaces what a (SKU, node) may expect; `None` takes the row out.
    fn put_inbound(&mut self, sku: SkuIx, node: NodeIx, inbound: Option<Inbound>);
    /// What a supplier's or partner's node says of a SKU.
    fn supplier_item(&mut self, sku: SkuIx, node: NodeIx) -> Option<&SupplierItem>;
    /// Replaces what such a node says of a SKU, or adds it.
    fn put_supplier_item(&mut self, sku: SkuIx, node: NodeIx, item: SupplierItem);
    /// A serial number; `None`: nobody has named it.
    fn serial(&mut self, key: SerialKey) -> Option<&Serial>;
    /// Replaces a serial number's row, or adds it.
    fn put_serial(&mut self, key: SerialKey, row: Serial);
    /// The serial numbers of a (SKU, node); `None`: none is there.
    fn serial_shelf(&mut self, sku: SkuIx, node: NodeIx) -> Option<&SerialShelf>;
    /// Replaces the serial numbers of a (SKU, node); `None` takes the row out.
    fn put_serial_shelf(&mut self, sku: SkuIx, node: NodeIx, shelf: Option<SerialShelf>);
    /// Told every entry of the ledger as it is booked. For who explains a figure; most need not.
    fn note(&mut self, sku: SkuIx, node: NodeIx, entry: &Entry) {
        let _ = (sku, node, entry);
    }
    /// Adds an order.
    fn put_order(&mut self, key: OrderKey, order: Order);
    /// Changes an order in place. Does nothing where there is none.
    fn change_order(&mut self, key: OrderKey, change: &mut dyn FnMut(&mut Order));
    /// Replaces a parcel, or adds it.
    fn put_parcel(&mut self, key: ParcelKey, parcel: Parcel);
    /// Replaces a return, or adds it.
    fn put_return(&mut self, key: ReturnKey, row: Return);
    /// Replaces a carrier, or adds it.
    fn put_carrier(&mut self, key: CarrierKey, carrier: Carrier);
    /// Puts an order into the queue of a SKU. No effect where it stands there.
    fn enqueue(&mut self, place: WaitingKey, order: OrderKey);
    /// Takes an order out of the queue of a SKU. No effect where it does not stand there.
    fn dequeue(&mut self, place: WaitingKey);
    /// Replaces the count of a node's newest day.
    fn put_node_day(&mut self, node: NodeIx, day: NodeDay);
    /// Replaces what a node made of its work.
    fn put_scorecard(&mut self, node: NodeIx, card: Scorecard);
    /// Replaces the shadow prices of something; `None` takes them away.
    fn put_prices(&mut self, of: Priced, prices: Option<ShadowPrices>);
    /// Replaces what was promised for an order, or adds it.
    fn put_promise(&mut self, key: OrderKey, promise: OrderPromise);
    /// Adds or replaces a hold.
    fn put_soft_hold(&mut self, key: SoftHoldKey, hold: SoftHold);
    /// Takes a hold away. No effect where there is none.
    fn remove_soft_hold(&mut self, key: SoftHoldKey);
    /// Sets a timer for a subject: an order's or a hold's key.
    fn put_timer(&mut self, timer: TimerKey, subject: u128);
    /// Takes a timer away. No effect where there is none.
    fn remove_timer(&mut self, timer: TimerKey);
}
