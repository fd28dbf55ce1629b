//! One market's state: rows in memory over a backend, with undo by step and images by epoch.

mod open;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use omnifold_domain::{
    Hold, HoldKey, Item, Node, NodeDay, NodeIx, Order, OrderKey, Settings, SkuIx, State, Stock,
    StockAt, TimerKey, View, WaitingKey,
};
use rustc_hash::FxHashMap;

use crate::backend::{Backend, StateError};
use crate::digest::Digest;
use crate::images::Images;
use crate::open_rows::OpenRows;
use crate::rocks::POSITION_KEY;
use crate::rows::{self, Key, Table, key_u32, key_u64};
use crate::seen::SeenTable;
use crate::stock_table::StockTable;
use crate::undo::Undo;

/// The medium failed while a row was read. Reads cannot fail in the domain's eyes, so this is
/// thrown as a panic's payload; the projector stops the market on it.
#[derive(Debug, Clone)]
pub struct StateFault(pub StateError);

/// What memory holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheFigures {
    /// Orders in memory.
    pub orders: usize,
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

struct OrderCell {
    order: Option<Arc<Order>>,
    digest: u128,
    dirty: bool,
    changed_epoch: u64,
    /// The step whose undo already holds the earlier image.
    undone_step: u64,
}

/// One market's state.
pub struct Store {
    backend: Arc<dyn Backend>,
    settings: Option<Settings>,
    settings_digest: u128,
    settings_dirty: bool,
    nodes: Vec<Node>,
    node_digests: Vec<u128>,
    node_names: FxHashMap<String, NodeIx>,
    dirty_nodes: Vec<NodeIx>,
    network_version: u64,
    items: Vec<Item>,
    item_digests: Vec<u128>,
    item_names: FxHashMap<String, SkuIx>,
    dirty_items: Vec<SkuIx>,
    stock: StockTable,
    orders: FxHashMap<OrderKey, OrderCell>,
    dirty_orders: Vec<OrderKey>,
    order_ages: VecDeque<OrderKey>,
    waiting: BTreeMap<WaitingKey, OrderKey>,
    /// Places of the queue that the epoch changed, with what stood there before it.
    dirty_waiting: FxHashMap<WaitingKey, Option<OrderKey>>,
    timers: OpenRows<TimerKey, u128>,
    holds: OpenRows<HoldKey, Hold>,
    node_days: OpenRows<NodeIx, NodeDay>,
    seen: SeenTable,
    undo: Vec<Undo>,
    step: u64,
    digest: Digest,
    epoch: u64,
    flushed_epoch: u64,
    max_orders: usize,
    max_stock_rows: usize,
    hits: u64,
    misses: u64,
}

/// About what an order takes in memory, bytes.
const ORDER_BYTES: usize = 900;
/// Orders looked at for eviction an epoch: more than an epoch can add.
const MAX_EVICTION_TRIES: usize = 65_536;
/// About what a stock row takes in memory, bytes.
const STOCK_ROW_BYTES: usize = 160;

impl Store {
    /// Opens the state that the backend holds. `cache_bytes` bounds what is kept in memory of rows
    /// that a checkpoint holds already.
    pub fn open(backend: Arc<dyn Backend>, cache_bytes: usize) -> Result<Self, StateError> {
        let mut store = Store {
            seen: SeenTable::load(&*backend)?,
            backend,
            settings: None,
            settings_digest: 0,
            settings_dirty: false,
            nodes: Vec::new(),
            node_digests: Vec::new(),
            node_names: FxHashMap::default(),
            dirty_nodes: Vec::new(),
            network_version: 1,
            items: Vec::new(),
            item_digests: Vec::new(),
            item_names: FxHashMap::default(),
            dirty_items: Vec::new(),
            stock: StockTable::default(),
            orders: FxHashMap::default(),
            dirty_orders: Vec::new(),
            order_ages: VecDeque::new(),
            waiting: BTreeMap::new(),
            dirty_waiting: FxHashMap::default(),
            timers: OpenRows::new(Table::Timer, Key::timer),
            holds: OpenRows::new(Table::Hold, Key::hold),
            node_days: OpenRows::new(Table::NodeDay, Key::node),
            undo: Vec::new(),
            step: 1,
            digest: Digest::default(),
            epoch: 0,
            flushed_epoch: 0,
            max_orders: cache_bytes / 2 / ORDER_BYTES,
            max_stock_rows: cache_bytes / 2 / STOCK_ROW_BYTES,
            hits: 0,
            misses: 0,
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
        backend.scan(Table::Node, &[], &[], &mut |key, value| {
            let node: Node = rows::decode(Table::Node, key, value)?;
            self.node_names.insert(node.id.clone(), NodeIx(self.nodes.len() as u32));
            self.nodes.push(node);
            self.node_digests.push(Digest::of_small_row(Table::Node, key, &value[1..]));
            Ok(())
        })?;
        backend.scan(Table::Item, &[], &[], &mut |key, value| {
            let item: Item = rows::decode(Table::Item, key, value)?;
            self.item_names.insert(item.sku.clone(), SkuIx(self.items.len() as u32));
            self.items.push(item);
            self.item_digests.push(Digest::of_small_row(Table::Item, key, &value[1..]));
            Ok(())
        })?;
        backend.scan(Table::Waiting, &[], &[], &mut |key, value| {
            if let (Some(sku), Some(rank), Some(placed_step)) =
                (key_u32(key, 0), key_u32(key, 4), key_u64(key, 8))
            {
                let place = WaitingKey { sku: SkuIx(sku), rank, placed_step };
                self.waiting.insert(place, rows::decode(Table::Waiting, key, value)?);
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
        self.undo.clear();
        self.step += 1;
    }

    /// Takes back everything since [`Store::begin_step`], event ids excepted: they are noted last.
    pub fn roll_back(&mut self) {
        while let Some(entry) = self.undo.pop() {
            self.take_back(entry);
        }
        self.step += 1;
    }

    fn take_back(&mut self, entry: Undo) {
        match entry {
            Undo::Settings(old) => self.settings = old,
            Undo::Node(ix, Some(old)) => self.nodes[ix.0 as usize] = old,
            Undo::Node(..) => {
                let node = self.nodes.pop().expect("it was added");
                self.node_names.remove(&node.id);
                self.node_digests.pop();
                self.dirty_nodes.pop();
            }
            Undo::Item(ix, Some(old)) => self.items[ix.0 as usize] = old,
            Undo::Item(..) => {
                let item = self.items.pop().expect("it was added");
                self.item_names.remove(&item.sku);
                self.item_digests.pop();
                self.dirty_items.pop();
            }
            Undo::Stock(sku, node, Some(old)) => {
                let backend = self.backend.clone();
                or_fault(self.stock.put(&*backend, sku, node, old));
            }
            Undo::Stock(sku, node, None) => self.stock.remove(sku, node),
            Undo::Order(key, old) => {
                if let Some(cell) = self.orders.get_mut(&key) {
                    cell.order = old;
                }
            }
            Undo::Waiting(place, Some(order)) => {
                self.waiting.insert(place, order);
            }
            Undo::Waiting(place, None) => {
                self.waiting.remove(&place);
            }
            open => self.take_back_open(open),
        }
    }

    /// The content hash under which an event id was seen within the horizon.
    pub fn seen(&self, id: u128) -> Option<u64> {
        or_fault(self.seen.get(&*self.backend, id))
    }

    /// Remembers an event id.
    pub fn remember(&mut self, id: u128, content: u64, clock_ms: i64, horizon_ms: i64) {
        self.seen.insert(id, content, clock_ms, horizon_ms, &mut self.digest);
    }

    /// Event ids remembered now.
    pub fn remembered(&self) -> u64 {
        self.seen.total()
    }

    /// Forgets event ids past the horizon; returns how many.
    pub fn forget_ids(&mut self, clock_ms: i64, horizon_ms: i64, max_ahead_ms: i64) -> u64 {
        self.seen.drop_old(clock_ms, horizon_ms, max_ahead_ms, &mut self.digest)
    }

    /// Ends an epoch: encodes every row it changed and moves the digest.
    pub fn end_epoch(&mut self, mut images: Images) -> Images {
        self.undo.clear();
        self.epoch += 1;
        self.end_settings(&mut images);
        self.end_nodes(&mut images);
        self.end_items(&mut images);
        self.stock.end_epoch(self.epoch, &mut images, &mut self.digest);
        self.end_orders(&mut images);
        self.end_waiting(&mut images);
        self.end_open(&mut images);
        self.seen.end_epoch(self.epoch, &mut images);
        self.forget_rows();
        images
    }

    fn end_settings(&mut self, images: &mut Images) {
        if !std::mem::take(&mut self.settings_dirty) {
            return;
        }
        let Some(settings) = &self.settings else { return };
        let hash = image(images, Table::Settings, &Key::settings(), settings);
        self.digest.replace(std::mem::replace(&mut self.settings_digest, hash), hash);
    }

    fn end_nodes(&mut self, images: &mut Images) {
        for ix in std::mem::take(&mut self.dirty_nodes) {
            let place = ix.0 as usize;
            let hash = image(images, Table::Node, &Key::number(ix.0), &self.nodes[place]);
            self.digest.replace(std::mem::replace(&mut self.node_digests[place], hash), hash);
        }
    }

    fn end_items(&mut self, images: &mut Images) {
        for ix in std::mem::take(&mut self.dirty_items) {
            let place = ix.0 as usize;
            let hash = image(images, Table::Item, &Key::number(ix.0), &self.items[place]);
            self.digest.replace(std::mem::replace(&mut self.item_digests[place], hash), hash);
        }
    }

    fn end_orders(&mut self, images: &mut Images) {
        for key in std::mem::take(&mut self.dirty_orders) {
            let cell = self.orders.get_mut(&key).expect("dirty orders are in memory");
            cell.dirty = false;
            cell.changed_epoch = self.epoch;
            // An order that a rolled-back step had added is none.
            let Some(order) = &cell.order else { continue };
            let hash = image(images, Table::Order, &Key::order(key), &**order);
            self.digest.replace(std::mem::replace(&mut cell.digest, hash), hash);
        }
    }

    fn end_waiting(&mut self, images: &mut Images) {
        let mut changed: Vec<_> = std::mem::take(&mut self.dirty_waiting).into_iter().collect();
        changed.sort_unstable_by_key(|&(place, _)| place);
        for (place, before) in changed {
            let now = self.waiting.get(&place).copied();
            if before == now {
                continue;
            }
            let key = Key::waiting(place);
            let hash_of = |order: Option<OrderKey>| {
                let mut scratch = Images::default();
                order.map_or(0, |order| image(&mut scratch, Table::Waiting, &key, &order))
            };
            self.digest.replace(hash_of(before), hash_of(now));
            match now {
                Some(order) => {
                    image(images, Table::Waiting, &key, &order);
                }
                None => images.push_deleted(Table::Waiting, &key),
            }
        }
    }

    /// Forgets the oldest orders and unused stock beyond the bounds, where a flushed checkpoint
    /// holds them.
    fn forget_rows(&mut self) {
        let mut tries = self.order_ages.len().min(MAX_EVICTION_TRIES);
        while self.orders.len() > self.max_orders && tries > 0 {
            tries -= 1;
            let Some(key) = self.order_ages.pop_front() else { break };
            let keep = self
                .orders
                .get(&key)
                .is_some_and(|cell| cell.dirty || cell.changed_epoch > self.flushed_epoch);
            if keep {
                self.order_ages.push_back(key);
            } else {
                self.orders.remove(&key);
            }
        }
        self.stock.forget(self.max_stock_rows, self.flushed_epoch);
    }

    /// Epochs ended so far.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// A checkpoint up to this epoch is on the medium.
    pub fn flushed(&mut self, epoch: u64) {
        self.flushed_epoch = epoch;
        self.seen.flushed(epoch);
    }

    /// The digest as of the last ended epoch.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What memory holds.
    pub fn figures(&self) -> CacheFigures {
        CacheFigures {
            orders: self.orders.len(),
            stock_rows: self.stock.loaded_rows(),
            unflushed_ids: self.seen.unflushed(),
            waiting: self.waiting.len(),
            hits: self.hits,
            misses: self.misses,
        }
    }

    fn cell(&mut self, key: OrderKey) -> &mut OrderCell {
        if self.orders.contains_key(&key) {
            self.hits += 1;
        } else {
            self.misses += 1;
            let stored = or_fault(self.backend.get(Table::Order, Key::order(key).as_bytes()));
            let (order, digest) = match stored {
                None => (None, 0),
                Some(bytes) => {
                    let key_bytes = Key::order(key);
                    let order = or_fault(rows::decode(Table::Order, key_bytes.as_bytes(), &bytes));
                    let hash =
                        Digest::of_small_row(Table::Order, key_bytes.as_bytes(), &bytes[1..]);
                    (Some(Arc::new(order)), hash)
                }
            };
            let cell = OrderCell { order, digest, dirty: false, changed_epoch: 0, undone_step: 0 };
            self.orders.insert(key, cell);
            self.order_ages.push_back(key);
        }
        self.orders.get_mut(&key).expect("just inserted")
    }

    /// Marks an order as changed in this step, and keeps its earlier image once a step.
    fn touch_order(&mut self, key: OrderKey) -> &mut OrderCell {
        let step = self.step;
        self.cell(key);
        let cell = self.orders.get_mut(&key).expect("just brought in");
        if cell.undone_step != step {
            cell.undone_step = step;
            self.undo.push(Undo::Order(key, cell.order.clone()));
        }
        if !std::mem::replace(&mut cell.dirty, true) {
            self.dirty_orders.push(key);
        }
        cell
    }

    fn set_waiting(&mut self, place: WaitingKey, order: Option<OrderKey>) {
        let old = match order {
            Some(order) => self.waiting.insert(place, order),
            None => self.waiting.remove(&place),
        };
        if old != order {
            self.undo.push(Undo::Waiting(place, old));
            self.dirty_waiting.entry(place).or_insert(old);
        }
    }
}

/// Encodes a row into the images and returns what it adds to the digest.
fn image<V: serde::Serialize>(images: &mut Images, table: Table, key: &Key, value: &V) -> u128 {
    let start = images.buffer().len();
    let canonical = rows::encode(value, images.buffer());
    let hash = Digest::of_small_row(table, key.as_bytes(), &images.buffer()[canonical..]);
    images.push(table, key, start);
    hash
}

fn or_fault<T>(result: Result<T, StateError>) -> T {
    result.unwrap_or_else(|error| std::panic::panic_any(StateFault(error)))
}

impl View for Store {
    fn settings(&self) -> Option<&Settings> {
        self.settings.as_ref()
    }

    fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    fn node_named(&self, id: &str) -> Option<NodeIx> {
        self.node_names.get(id).copied()
    }

    fn network_version(&self) -> u64 {
        self.network_version
    }

    fn item(&self, sku: SkuIx) -> &Item {
        &self.items[sku.0 as usize]
    }

    fn item_named(&self, sku: &str) -> Option<SkuIx> {
        self.item_names.get(sku).copied()
    }

    fn item_count(&self) -> u32 {
        self.items.len() as u32
    }

    fn stock_of(&mut self, sku: SkuIx) -> &[StockAt] {
        or_fault(self.stock.of(&*self.backend, sku))
    }

    fn order(&mut self, key: OrderKey) -> Option<&Order> {
        self.cell(key).order.as_deref()
    }

    fn shared_order(&mut self, key: OrderKey) -> Option<Arc<Order>> {
        self.cell(key).order.clone()
    }

    fn node_day(&self, node: NodeIx) -> NodeDay {
        self.node_days.get(node).copied().unwrap_or_default()
    }

    fn hold(&self, key: HoldKey) -> Option<&Hold> {
        self.holds.get(key)
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
        self.waiting.range((from, Included(last))).next().map(|(&place, &order)| (place, order))
    }

    fn next_waited_sku(&mut self, after: Option<SkuIx>) -> Option<SkuIx> {
        let first = after.map_or(Some(0), |sku| sku.0.checked_add(1))?;
        let from = WaitingKey { sku: SkuIx(first), rank: 0, placed_step: 0 };
        self.waiting.range(from..).next().map(|(place, _)| place.sku)
    }
}

impl State for Store {
    fn put_settings(&mut self, settings: Settings) {
        self.undo.push(Undo::Settings(self.settings.replace(settings)));
        self.settings_dirty = true;
    }

    fn put_node(&mut self, node: NodeIx, row: Node) {
        let place = node.0 as usize;
        self.network_version += 1;
        self.dirty_nodes.push(node);
        if place < self.nodes.len() {
            let old = std::mem::replace(&mut self.nodes[place], row);
            self.undo.push(Undo::Node(node, Some(old)));
        } else {
            self.node_names.insert(row.id.clone(), node);
            self.nodes.push(row);
            self.node_digests.push(0);
            self.undo.push(Undo::Node(node, None));
        }
    }

    fn put_item(&mut self, sku: SkuIx, row: Item) {
        let place = sku.0 as usize;
        self.dirty_items.push(sku);
        if place < self.items.len() {
            let old = std::mem::replace(&mut self.items[place], row);
            self.undo.push(Undo::Item(sku, Some(old)));
        } else {
            self.item_names.insert(row.sku.clone(), sku);
            self.items.push(row);
            self.item_digests.push(0);
            self.undo.push(Undo::Item(sku, None));
        }
    }

    fn put_stock(&mut self, sku: SkuIx, node: NodeIx, stock: Stock) {
        let old = or_fault(self.stock.put(&*self.backend, sku, node, stock));
        self.undo.push(Undo::Stock(sku, node, old));
    }

    fn put_order(&mut self, key: OrderKey, order: Order) {
        self.touch_order(key).order = Some(Arc::new(order));
    }

    fn change_order(&mut self, key: OrderKey, change: &mut dyn FnMut(&mut Order)) {
        if let Some(order) = &mut self.touch_order(key).order {
            // The step's undo shares the earlier image: the first change of a step copies it.
            change(Arc::make_mut(order));
        }
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

    fn put_hold(&mut self, key: HoldKey, hold: Hold) {
        self.set_hold(key, Some(hold));
    }

    fn remove_hold(&mut self, key: HoldKey) {
        self.set_hold(key, None);
    }

    fn put_timer(&mut self, timer: TimerKey, subject: u128) {
        self.set_timer(timer, Some(subject));
    }

    fn remove_timer(&mut self, timer: TimerKey) {
        self.set_timer(timer, None);
    }
}
