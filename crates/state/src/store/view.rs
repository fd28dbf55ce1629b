//! The rows of the store as the domain reads and writes them.

use super::*;

impl Learned for Store {
    fn learned(&self, key: LearnedKey) -> Option<&LearnedRow> {
        self.learned.get(key)
    }

    fn next_learned(&self, after: LearnedKey) -> Option<LearnedKey> {
        use std::ops::Bound::{Excluded, Unbounded};
        self.learned.first_in((Excluded(after), Unbounded)).map(|(key, _)| key)
    }

    fn delivery_days(&self) -> &DeliveryDays {
        let settings = self.settings.as_ref();
        PromiseRules::delivery_days(settings.and_then(|settings| settings.promise.as_deref()))
    }
}

impl Learning for Store {
    fn put_learned(&mut self, key: LearnedKey, row: Option<LearnedRow>) {
        self.set_learned(key, row);
    }
}

impl View for Store {
    fn settings(&self) -> Option<&Settings> {
        self.settings.as_ref()
    }

    fn nodes(&self) -> &[Node] {
        self.nodes.all()
    }

    fn node_named(&self, id: &str) -> Option<NodeIx> {
        self.nodes.named(id).map(NodeIx)
    }

    fn network_version(&self) -> u64 {
        self.network_version
    }

    fn item(&self, sku: SkuIx) -> &Item {
        &self.items.all()[sku.0 as usize]
    }

    fn item_named(&self, sku: &str) -> Option<SkuIx> {
        self.items.named(sku).map(SkuIx)
    }

    fn item_count(&self) -> u32 {
        self.items.all().len() as u32
    }

    fn stock_of(&mut self, sku: SkuIx) -> &[StockAt] {
        or_fault(self.stock.of(&*self.backend, sku))
    }

    fn offers_of(&mut self, sku: SkuIx) -> &[Offer] {
        or_fault(self.stock.offers(&*self.backend, sku))
    }

    fn stock_at(&mut self, sku: SkuIx, node: NodeIx) -> Option<Stock> {
        or_fault(self.stock.at(&*self.backend, sku, node))
    }

    fn ledger(&mut self, sku: SkuIx, node: NodeIx) -> Option<&Ledger> {
        or_fault(self.sides.ledgers.get(&*self.backend, (sku, node)))
    }

    fn order(&mut self, key: OrderKey) -> Option<&Order> {
        or_fault(self.orders.get(Rows { backend: &*self.backend, recent: &self.recent }, key))
            .map(|order| &**order)
    }

    fn shared_order(&mut self, key: OrderKey) -> Option<Arc<Order>> {
        or_fault(self.orders.get(Rows { backend: &*self.backend, recent: &self.recent }, key))
            .cloned()
    }

    fn orders_open_at(&mut self, node: NodeIx) -> Vec<OrderKey> {
        let rows = Rows { backend: &*self.backend, recent: &self.recent };
        or_fault(self.orders.open_at(rows, node))
    }

    fn orders_not_begun(&mut self, placed_before: i64) -> Vec<OrderKey> {
        let rows = Rows { backend: &*self.backend, recent: &self.recent };
        or_fault(self.orders.not_begun(rows, placed_before))
    }

    fn lots(&mut self, sku: SkuIx, node: NodeIx) -> Option<&Lots> {
        or_fault(self.sides.lots.get(&*self.backend, (sku, node)))
    }

    fn parcel(&mut self, key: ParcelKey) -> Option<&Parcel> {
        or_fault(self.sides.parcels.get(&*self.backend, key))
    }

    fn inbound(&mut self, sku: SkuIx, node: NodeIx) -> Option<&Inbound> {
        or_fault(self.sides.inbound.get(&*self.backend, (sku, node)))
    }

    fn return_of(&mut self, key: ReturnKey) -> Option<&Return> {
        or_fault(self.sides.returns.get(&*self.backend, key))
    }

    fn carrier(&mut self, key: CarrierKey) -> Option<&Carrier> {
        or_fault(self.sides.carriers.get(&*self.backend, key))
    }

    fn node_day(&self, node: NodeIx) -> NodeDay {
        self.node_days.get(node).copied().unwrap_or_default()
    }

    fn scorecard(&self, node: NodeIx) -> Option<&Scorecard> {
        self.scorecards.get(node)
    }

    fn prices(&self, of: Priced) -> Option<&ShadowPrices> {
        self.prices.get(of)
    }

    fn promise_of(&mut self, key: OrderKey) -> Option<&OrderPromise> {
        or_fault(self.sides.promises.get(&*self.backend, key))
    }

    fn soft_hold(&self, key: SoftHoldKey) -> Option<&SoftHold> {
        self.soft_holds.get(key)
    }

    fn next_timer(&self) -> Option<(TimerKey, u128)> {
        self.timers.first().map(|(timer, &subject)| (timer, subject))
    }

    fn next_waiting(
        &mut self,
        sku: SkuIx,
        after: Option<WaitingKey>,
    ) -> Option<(WaitingKey, OrderKey)> {
        use std::ops::Bound::{Excluded, Included};
        let first = WaitingKey { sku, rank: 0, placed_step: 0 };
        let from = after.map_or(Included(first), Excluded);
        let last = WaitingKey { sku, rank: u32::MAX, placed_step: u64::MAX };
        self.waiting.first_in((from, Included(last))).map(|(place, &order)| (place, order))
    }

    fn next_waited_sku(&mut self, after: Option<SkuIx>) -> Option<SkuIx> {
        let first = after.map_or(Some(0), |sku| sku.0.checked_add(1))?;
        let from = WaitingKey { sku: SkuIx(first), rank: 0, placed_step: 0 };
        let next = self.waiting.first_in(from..).map(|(place, _)| place.sku);
        next.filter(|sku| !sku.is_put_off())
    }
}

impl State for Store {
    fn put_settings(&mut self, settings: Settings) {
        self.undo.push(Undo::Settings(self.settings.replace(settings).map(Box::new)));
        self.settings_dirty = true;
    }

    fn put_node(&mut self, node: NodeIx, row: Node) {
        self.network_version += 1;
        let old = self.nodes.put(node.0, row);
        self.undo.push(Undo::Node(node, old.map(Box::new)));
    }

    fn put_item(&mut self, sku: SkuIx, row: Item) {
        let old = self.items.put(sku.0, row);
        self.undo.push(Undo::Item(sku, old.map(Box::new)));
    }

    fn put_stock(&mut self, sku: SkuIx, node: NodeIx, stock: Stock) {
        let row = StockAt { node, stock };
        let old = or_fault(self.stock.put(&*self.backend, sku, row, self.recent.epoch));
        self.undo.push(Undo::Stock(sku, node, old));
    }

    fn put_ledger(&mut self, sku: SkuIx, node: NodeIx, ledger: Ledger) {
        let row = Some(Arc::new(ledger));
        let old = or_fault(self.sides.ledgers.put(&*self.backend, (sku, node), row));
        self.undo.push(Undo::Side(SideUndo::Ledger(sku, node, old)));
    }

    fn transfer(&mut self, key: TransferKey) -> Option<&Transfer> {
        or_fault(self.sides.transfers.get(&*self.backend, key))
    }

    fn put_transfer(&mut self, key: TransferKey, transfer: Option<Transfer>) {
        let row = transfer.map(Arc::new);
        let old = or_fault(self.sides.transfers.put(&*self.backend, key, row));
        self.undo.push(Undo::Side(SideUndo::Transfer(key, old)));
    }

    fn purchase_order(&mut self, key: PurchaseOrderKey) -> Option<&PurchaseOrder> {
        or_fault(self.sides.purchase_orders.get(&*self.backend, key))
    }

    fn put_purchase_order(&mut self, key: PurchaseOrderKey, order: PurchaseOrder) {
        let row = Some(Arc::new(order));
        let old = or_fault(self.sides.purchase_orders.put(&*self.backend, key, row));
        self.undo.push(Undo::Side(SideUndo::PurchaseOrder(key, old)));
    }

    fn supplier(&mut self, key: SupplierKey) -> Option<&Supplier> {
        or_fault(self.sides.suppliers.get(&*self.backend, key))
    }

    fn put_supplier(&mut self, key: SupplierKey, record: Supplier) {
        let old = or_fault(self.sides.suppliers.put(&*self.backend, key, Some(Arc::new(record))));
        self.undo.push(Undo::Side(SideUndo::Supplier(key, old)));
    }

    fn put_inbound(&mut self, sku: SkuIx, node: NodeIx, inbound: Option<Inbound>) {
        let (key, row) = ((sku, node), inbound.map(Arc::new));
        let old = or_fault(self.sides.inbound.put(&*self.backend, key, row));
        self.undo.push(Undo::Side(SideUndo::Inbound(key, old)));
    }

    fn put_lots(&mut self, sku: SkuIx, node: NodeIx, lots: Option<Lots>) {
        let (key, row) = ((sku, node), lots.map(Arc::new));
        let old = or_fault(self.sides.lots.put(&*self.backend, key, row));
        self.undo.push(Undo::Side(SideUndo::Lots(key, old)));
    }

    fn supplier_item(&mut self, sku: SkuIx, node: NodeIx) -> Option<&SupplierItem> {
        or_fault(self.sides.supplier_items.get(&*self.backend, (sku, node)))
    }

    fn put_supplier_item(&mut self, sku: SkuIx, node: NodeIx, item: SupplierItem) {
        let (key, row) = ((sku, node), Some(Arc::new(item)));
        let old = or_fault(self.sides.supplier_items.put(&*self.backend, key, row));
        self.undo.push(Undo::Side(SideUndo::SupplierItem(key, old)));
    }

    fn serial(&mut self, key: SerialKey) -> Option<&Serial> {
        or_fault(self.sides.serials.get(&*self.backend, key))
    }

    fn put_serial(&mut self, key: SerialKey, row: Serial) {
        let old = or_fault(self.sides.serials.put(&*self.backend, key, Some(Arc::new(row))));
        self.undo.push(Undo::Side(SideUndo::Serial(key, old)));
    }

    fn serial_shelf(&mut self, sku: SkuIx, node: NodeIx) -> Option<&SerialShelf> {
        or_fault(self.sides.serial_shelves.get(&*self.backend, (sku, node)))
    }

    fn put_serial_shelf(&mut self, sku: SkuIx, node: NodeIx, shelf: Option<SerialShelf>) {
        let (key, row) = ((sku, node), shelf.map(Arc::new));
        let old = or_fault(self.sides.serial_shelves.put(&*self.backend, key, row));
        self.undo.push(Undo::Side(SideUndo::SerialShelf(key, old)));
    }

    fn note(&mut self, sku: SkuIx, node: NodeIx, entry: &Entry) {
        if let Some(watch) = &mut self.watch {
            let named = self.nodes.all()[node.0 as usize].id == watch.node;
            if named && self.items.all()[sku.0 as usize].sku == watch.sku {
                watch.entries.push(*entry);
            }
        }
    }

    fn put_order(&mut self, key: OrderKey, order: Order) {
        *self.touch_order(key) = Some(Arc::new(order));
    }

    fn change_order(&mut self, key: OrderKey, change: &mut dyn FnMut(&mut Order)) {
        if let Some(order) = self.touch_order(key) {
            // The step's undo shares the earlier image: the first change of a step copies it.
            change(Arc::make_mut(order));
        }
    }

    fn put_parcel(&mut self, key: ParcelKey, parcel: Parcel) {
        let old = or_fault(self.sides.parcels.put(&*self.backend, key, Some(Arc::new(parcel))));
        self.undo.push(Undo::Side(SideUndo::Parcel(key, old)));
    }

    fn put_return(&mut self, key: ReturnKey, row: Return) {
        let old = or_fault(self.sides.returns.put(&*self.backend, key, Some(Arc::new(row))));
        self.undo.push(Undo::Side(SideUndo::Return(key, old)));
    }

    fn put_carrier(&mut self, key: CarrierKey, carrier: Carrier) {
        let old = or_fault(self.sides.carriers.put(&*self.backend, key, Some(Arc::new(carrier))));
        self.undo.push(Undo::Side(SideUndo::Carrier(key, old)));
    }

    fn enqueue(&mut self, place: WaitingKey, order: OrderKey) {
        self.set_waiting(place, Some(order));
    }

    fn dequeue(&mut self, place: WaitingKey) {
        self.set_waiting(place, None);
    }

    fn put_node_day(&mut self, node: NodeIx, day: NodeDay) {
        self.set_node_day(node, day);
    }

    fn put_scorecard(&mut self, node: NodeIx, card: Scorecard) {
        self.set_scorecard(node, card);
    }

    fn put_prices(&mut self, of: Priced, prices: Option<ShadowPrices>) {
        self.set_prices(of, prices);
    }

    fn put_promise(&mut self, key: OrderKey, promise: OrderPromise) {
        let old = or_fault(self.sides.promises.put(&*self.backend, key, Some(Arc::new(promise))));
        self.undo.push(Undo::Side(SideUndo::Promise(key, old)));
    }

    fn put_soft_hold(&mut self, key: SoftHoldKey, hold: SoftHold) {
        self.set_soft_hold(key, Some(hold));
    }

    fn remove_soft_hold(&mut self, key: SoftHoldKey) {
        self.set_soft_hold(key, None);
    }

    fn put_timer(&mut self, timer: TimerKey, subject: u128) {
        self.set_timer(timer, Some(subject));
    }

    fn remove_timer(&mut self, timer: TimerKey) {
        self.set_timer(timer, None);
    }
}
