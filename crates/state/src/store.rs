//! One market's state: rows in memory over a backend, with undo by step and images by epoch.

mod open;
mod view;
mod warm;

use std::sync::Arc;

use omnifold_domain::promise::{
    DeliveryDays, Learned, LearnedKey, LearnedRow, Learning, OrderPromise, PromiseRules,
};
use omnifold_domain::{
    Carrier, CarrierKey, Entry, Inbound, Item, Ledger, Lots, Node, NodeDay, NodeIx, Offer, Order,
    OrderKey, Parcel, ParcelKey, Priced, PurchaseOrder, PurchaseOrderKey, Return, ReturnKey,
    Scorecard, Serial, SerialKey, SerialShelf, Settings, ShadowPrices, SkuIx, SoftHold,
    SoftHoldKey, State, Stock, StockAt, Supplier, SupplierItem, SupplierKey, TimerKey, Transfer,
    TransferKey, View, WaitingKey,
};

use crate::backend::{Backend, StateError};
use crate::digest::Digest;
use crate::images::Images;
use crate::known::Reading;
use crate::named_rows::NamedRows;
use crate::open_rows::OpenRows;
use crate::order_table::{OrderTable, Rows, Undone};
use crate::recent::Recent;
use crate::rocks::POSITION_KEY;
use crate::rows::{self, Key, Table, key_u32, key_u64};
use crate::seen::{SeenAt, SeenTable};
use crate::side_table::{SideUndo, Sides};
use crate::stock_table::StockTable;
use crate::undo::Undo;
use crate::watch::Watch;

/// The medium failed while a row was read. Reads cannot fail in the domain's eyes, so this is
/// thrown as a panic's payload; the projector stops the market on it.
#[derive(Debug, Clone)]
pub struct StateFault(pub StateError);

/// What memory holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheFigures {
    /// Orders kept in memory as they are.
    pub orders: usize,
    /// Places of orders in images that no checkpoint holds yet, those kept included.
    pub order_places: usize,
    /// Stock rows in memory.
    pub stock_rows: usize,
    /// Event ids that no checkpoint holds yet.
    pub unflushed_ids: usize,
    /// Orders that wait.
    pub waiting: usize,
    /// Orders found in memory.
    pub hits: u64,
    /// Orders looked for in the backend.
    pub misses: u64,
}

/// One market's state.
pub struct Store {
    _reading: Reading,
    backend: Arc<dyn Backend>,
    settings: Option<Settings>,
    settings_digest: u128,
    settings_dirty: bool,
    nodes: NamedRows<Node>,
    network_version: u64,
    items: NamedRows<Item>,
    stock: StockTable,
    sides: Sides,
    watch: Option<Box<Watch>>,
    /// SKUs whose stock the epoch changed, where channels are told of it.
    changed_skus: Vec<SkuIx>,
    orders: OrderTable,
    waiting: OpenRows<WaitingKey, OrderKey>,
    timers: OpenRows<TimerKey, u128>,
    soft_holds: OpenRows<SoftHoldKey, SoftHold>,
    node_days: OpenRows<NodeIx, NodeDay>,
    scorecards: OpenRows<NodeIx, Scorecard>,
    prices: OpenRows<Priced, ShadowPrices>,
    learned: OpenRows<LearnedKey, LearnedRow>,
    seen: SeenTable,
    undo: Vec<Undo>,
    step: u64,
    digest: Digest,
    recent: Recent,
    flushed_epoch: u64,
    max_stock_rows: usize,
}

/// About what an order takes in memory, bytes.
const ORDER_BYTES: usize = 900;
/// About what a stock row takes in memory, bytes.
const STOCK_ROW_BYTES: usize = 160;
/// About what a row of a side table takes in memory, bytes.
const SIDE_ROW_BYTES: usize = 500;

impl Store {
    /// Opens the state that the backend holds. `cache_bytes` bounds what is kept in memory of rows
    /// that a checkpoint holds already.
    pub fn open(backend: Arc<dyn Backend>, cache_bytes: usize) -> Result<Self, StateError> {
        let (seen, mut unread) = SeenTable::load(&*backend)?;
        let (orders, keys) = OrderTable::open(cache_bytes / 2 / ORDER_BYTES);
        unread.push(keys);
        let (sides, keys) = Sides::open(cache_bytes / 8 / SIDE_ROW_BYTES);
        unread.extend(keys);
        let mut store = Store {
            _reading: Reading::start(backend.clone(), unread),
            seen,
            orders,
            backend,
            settings: None,
            settings_digest: 0,
            settings_dirty: false,
            nodes: NamedRows::default(),
            network_version: 1,
            items: NamedRows::default(),
            stock: StockTable::default(),
            sides,
            watch: None,
            changed_skus: Vec::new(),
            waiting: OpenRows::new(Table::Waiting, Key::waiting),
            timers: OpenRows::new(Table::Timer, Key::timer),
            soft_holds: OpenRows::new(Table::SoftHold, Key::soft_hold),
            node_days: OpenRows::new(Table::NodeDay, Key::node),
            scorecards: OpenRows::new(Table::Scorecard, Key::node),
            prices: OpenRows::new(Table::Price, Key::priced),
            learned: OpenRows::new(Table::Learned, Key::learned),
            undo: Vec::new(),
            step: 1,
            digest: Digest::default(),
            recent: Recent::new(),
            flushed_epoch: 0,
            max_stock_rows: cache_bytes / 2 / STOCK_ROW_BYTES,
        };
        store.load()?;
        Ok(store)
    }

    /// Settings, nodes, items, queues, timers and holds are always in memory: they grow with the network and
    /// with open work, not with history.
    fn load(&mut self) -> Result<(), StateError> {
        let backend = self.backend.clone();
        backend.scan(Table::Settings, &[], &[], &mut |key, value| {
            self.settings = Some(rows::decode(Table::Settings, key, value)?);
            self.settings_digest = Digest::of_small_row(Table::Settings, key, &value[1..]);
            Ok(())
        })?;
        self.nodes = NamedRows::load(&*backend)?;
        self.items = NamedRows::load(&*backend)?;
        backend.scan(Table::Waiting, &[], &[], &mut |key, value| {
            if let (Some(sku), Some(rank), Some(placed_step)) =
                (key_u32(key, 0), key_u32(key, 4), key_u64(key, 8))
            {
                let place = WaitingKey { sku: SkuIx(sku), rank, placed_step };
                self.waiting.load(place, rows::decode(Table::Waiting, key, value)?);
            }
            Ok(())
        })?;
        self.load_open(&*backend)
    }

    /// The position that the last checkpoint stands for, as it was given.
    pub fn stored_position(&self) -> Result<Option<Vec<u8>>, StateError> {
        self.backend.get(Table::Meta, POSITION_KEY)
    }

    /// Takes the digest that the stored position speaks of.
    pub fn resume(&mut self, digest: Digest) {
        self.digest = digest;
    }

    /// The backend, for checkpoints and scans.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// Begins a step: what it changes can be taken back until the next.
    pub fn begin_step(&mut self) {
        self.settle_step();
        self.step += 1;
    }

    /// Encodes the stock and the orders that the step changed, while they are warm; the other rows
    /// change rarely, and are encoded at the epoch's end.
    fn settle_step(&mut self) {
        let told = self.settings.as_ref().is_some_and(|settings| !settings.channels.is_empty());
        let mut undo = std::mem::take(&mut self.undo);
        for entry in undo.drain(..) {
            let (recent, digest) = (&mut self.recent, &mut self.digest);
            match entry {
                Undo::Stock(sku, node, _) => {
                    self.stock.settle(sku, node, recent, digest);
                    if told {
                        self.changed_skus.push(sku);
                    }
                }
                Undo::Order(key, _) => self.orders.settle(key, recent, digest),
                Undo::Item(sku, old) if told => {
                    // A kit of other parts may be sold in other numbers.
                    let new = &self.items.all()[sku.0 as usize];
                    if new.kit.is_some() || old.is_some_and(|old| old.kit.is_some()) {
                        self.changed_skus.push(sku);
                    }
                }
                _ => {}
            }
        }
        self.undo = undo;
    }

    /// Takes back everything since [`Store::begin_step`], event ids excepted: they are noted last.
    pub fn roll_back(&mut self) {
        while let Some(entry) = self.undo.pop() {
            self.take_back(entry);
        }
        self.step += 1;
        if let Some(watch) = &mut self.watch {
            watch.entries.clear();
        }
    }

    /// Listens to the ledger of one stock row from now on.
    pub fn watch(&mut self, node: &str, sku: &str) {
        let (node, sku) = (node.to_owned(), sku.to_owned());
        self.watch = Some(Box::new(Watch { node, sku, entries: Vec::new() }));
    }

    /// The entries of the watched row since they were last asked for. To be asked after each step.
    pub fn take_entries(&mut self) -> Vec<Entry> {
        self.watch.as_mut().map(|watch| std::mem::take(&mut watch.entries)).unwrap_or_default()
    }

    /// SKUs whose stock this epoch changed, each once, since a channel was defined. To be asked at
    /// its end: the newest step cannot be taken back any more.
    pub fn changed_skus(&mut self) -> Vec<SkuIx> {
        self.settle_step();
        let mut skus = std::mem::take(&mut self.changed_skus);
        skus.sort_unstable();
        skus.dedup();
        skus
    }

    fn take_back(&mut self, entry: Undo) {
        match entry {
            Undo::Settings(old) => self.settings = old.map(|old| *old),
            Undo::Node(ix, old) => self.nodes.take_back(ix.0, old.map(|old| *old)),
            Undo::Item(ix, old) => self.items.take_back(ix.0, old.map(|old| *old)),
            Undo::Stock(sku, node, Some(old)) => {
                let (epoch, row) = (self.recent.epoch, StockAt { node, stock: old });
                or_fault(self.stock.put(&*self.backend, sku, row, epoch));
            }
            Undo::Stock(sku, node, None) => self.stock.remove(sku, node),
            Undo::Side(old) => or_fault(self.sides.take_back(&*self.backend, old)),
            Undo::Order(key, old) => self.orders.take_back(key, old),
            open => self.take_back_open(open),
        }
    }

    /// The content hash under which an event id was seen within the horizon.
    pub fn seen(&self, id: u128) -> Option<u64> {
        or_fault(self.seen.get(&*self.backend, id))
    }

    /// Remembers an event id.
    pub fn remember(&mut self, id: u128, content: u64, clock_ms: i64, horizon_ms: i64) {
        let at = SeenAt { clock_ms, horizon_ms };
        self.seen.insert(id, content, &at, &mut self.recent, &mut self.digest);
    }

    /// Event ids remembered now.
    pub fn remembered(&self) -> u64 {
        self.seen.total()
    }

    /// Forgets event ids past the horizon; returns how many.
    pub fn forget_ids(&mut self, clock_ms: i64, horizon_ms: i64, max_ahead_ms: i64) -> u64 {
        self.seen.drop_old(clock_ms, horizon_ms, max_ahead_ms, &mut self.digest)
    }

    /// Ends an epoch: every row it changed is encoded, and the digest has moved.
    pub fn end_epoch(&mut self) -> Arc<Images> {
        self.settle_step();
        self.end_settings();
        self.nodes.end_epoch(&mut self.recent.current, &mut self.digest);
        self.items.end_epoch(&mut self.recent.current, &mut self.digest);
        self.sides.end_epoch(&mut self.recent, &mut self.digest);
        self.changed_skus.clear();
        self.end_open();
        self.seen.end_epoch(&mut self.recent.current);
        self.orders.forget(self.flushed_epoch);
        self.stock.forget(self.max_stock_rows, self.flushed_epoch);
        self.sides.forget(self.flushed_epoch);
        self.recent.end()
    }

    fn end_settings(&mut self) {
        if !std::mem::take(&mut self.settings_dirty) {
            return;
        }
        let images = &mut self.recent.current;
        let Some(settings) = &self.settings else { return };
        let (_, hash) = images.encode(Table::Settings, &Key::settings(), None, settings);
        self.digest.replace(std::mem::replace(&mut self.settings_digest, hash), hash);
    }

    /// Epochs ended so far.
    pub fn epoch(&self) -> u64 {
        self.recent.epoch - 1
    }

    /// A checkpoint up to this epoch is on the medium.
    pub fn flushed(&mut self, epoch: u64) {
        self.flushed_epoch = epoch;
        self.seen.flushed(epoch);
        self.orders.flushed(epoch);
        self.recent.flushed(epoch);
    }

    /// The digest as of the last ended epoch.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What memory holds.
    pub fn figures(&self) -> CacheFigures {
        CacheFigures {
            orders: self.orders.len(),
            order_places: self.orders.cells(),
            stock_rows: self.stock.loaded_rows(),
            unflushed_ids: self.seen.unflushed(),
            waiting: self.waiting.len(),
            hits: self.orders.hits,
            misses: self.orders.misses,
        }
    }

    /// An order to be changed; its earlier image is kept once a step.
    fn touch_order(&mut self, key: OrderKey) -> &mut Option<Arc<Order>> {
        let (order, undone) = or_fault(self.orders.touch(
            Rows { backend: &*self.backend, recent: &self.recent },
            key,
            self.step,
        ));
        self.undo.extend(undone.map(|Undone(old)| Undo::Order(key, old)));
        order
    }

    fn set_waiting(&mut self, place: WaitingKey, order: Option<OrderKey>) {
        if self.waiting.get(place).copied() != order {
            let old = self.waiting.set(place, order);
            self.undo.push(Undo::Waiting(place, old));
        }
    }
}

fn or_fault<T>(result: Result<T, StateError>) -> T {
    result.unwrap_or_else(|error| std::panic::panic_any(StateFault(error)))
}
