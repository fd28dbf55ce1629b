//! Rows that few events touch: found in memory or brought in one by one, forgotten when a flushed
//! checkpoint holds them.

use std::collections::VecDeque;
use std::hash::Hash;
use std::sync::Arc;

use omnifold_domain::promise::OrderPromise;
use omnifold_domain::{
    Carrier, CarrierKey, Inbound, Ledger, Lots, NodeIx, OrderKey, Parcel, ParcelKey, PurchaseOrder,
    PurchaseOrderKey, Return, ReturnKey, Serial, SerialKey, SerialShelf, SkuIx, Supplier,
    SupplierItem, SupplierKey, Transfer, TransferKey,
};
use rustc_hash::FxHashMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::{Backend, StateError};
use crate::digest::Digest;
use crate::known::{Known, Unread, id_of};
use crate::recent::Recent;
use crate::rows::{self, Key, Table};

/// Rows looked at for eviction an epoch.
const MAX_EVICTION_TRIES: usize = 4_096;

/// 64-byte lines of a table's filter: 2 MiB, for about 1.4 million keys.
const FILTER_LINES: usize = 32_768;

/// A row, or that there is none.
struct Cell<V> {
    row: Option<Arc<V>>,
    /// What the row adds to the digest as of the last ended epoch; 0 where there was none.
    digest: u128,
    dirty: bool,
    changed_epoch: u64,
}

/// One kind of such rows.
pub(crate) struct SideTable<K, V> {
    table: Table,
    key: fn(K) -> Key,
    cells: FxHashMap<K, Cell<V>>,
    dirty: Vec<K>,
    ages: VecDeque<K>,
    /// Which rows there may be, where most that are asked for are new.
    known: Option<Known>,
}

impl<K: Copy + Eq + Hash, V: Serialize + DeserializeOwned> SideTable<K, V> {
    pub(crate) fn new(table: Table, key: fn(K) -> Key) -> Self {
        let (cells, dirty, ages) = (FxHashMap::default(), Vec::new(), VecDeque::new());
        SideTable { table, key, cells, dirty, ages, known: None }
    }

    /// The same, of which most rows that are asked for are new, and the keys that are to be read.
    fn mostly_new(table: Table, key: fn(K) -> Key) -> (Self, Unread) {
        let (known, unread) = Known::stored(table, &[], &[], FILTER_LINES);
        (SideTable { known: Some(known), ..SideTable::new(table, key) }, unread)
    }

    fn may_hold(&self, key: &Key) -> bool {
        self.known.as_ref().is_none_or(|known| known.may_contain(id_of(key.as_bytes())))
    }

    fn cell(&mut self, backend: &dyn Backend, key: K) -> Result<&mut Cell<V>, StateError> {
        if !self.cells.contains_key(&key) {
            let bytes = (self.key)(key);
            let stored = match self.may_hold(&bytes) {
                true => backend.get(self.table, bytes.as_bytes())?,
                false => None,
            };
            let (row, digest) = match stored {
                None => (None, 0),
                Some(stored) => {
                    let row = rows::decode(self.table, bytes.as_bytes(), &stored)?;
                    let digest = Digest::of_small_row(self.table, bytes.as_bytes(), &stored[1..]);
                    (Some(Arc::new(row)), digest)
                }
            };
            let cell = Cell { row, digest, dirty: false, changed_epoch: 0 };
            self.cells.insert(key, cell);
            self.ages.push_back(key);
        }
        Ok(self.cells.get_mut(&key).expect("just brought in"))
    }

    pub(crate) fn get(&mut self, backend: &dyn Backend, key: K) -> Result<Option<&V>, StateError> {
        Ok(self.cell(backend, key)?.row.as_deref())
    }

    /// Replaces, adds or takes out a row, and returns what it was.
    pub(crate) fn put(
        &mut self,
        backend: &dyn Backend,
        key: K,
        row: Option<Arc<V>>,
    ) -> Result<Option<Arc<V>>, StateError> {
        if let Some(known) = self.known.as_mut().filter(|_| row.is_some()) {
            known.note(id_of((self.key)(key).as_bytes()));
        }
        let cell = self.cell(backend, key)?;
        let old = std::mem::replace(&mut cell.row, row);
        if !std::mem::replace(&mut cell.dirty, true) {
            self.dirty.push(key);
        }
        Ok(old)
    }

    fn end_epoch(&mut self, recent: &mut Recent, digest: &mut Digest) {
        for key in std::mem::take(&mut self.dirty) {
            let cell = self.cells.get_mut(&key).expect("dirty rows are in memory");
            cell.dirty = false;
            cell.changed_epoch = recent.epoch;
            let bytes = (self.key)(key);
            let hash = match &cell.row {
                None => {
                    recent.current.push_deleted(self.table, &bytes);
                    0
                }
                Some(row) => recent.current.encode(self.table, &bytes, None, &**row).1,
            };
            digest.replace(std::mem::replace(&mut cell.digest, hash), hash);
        }
    }

    /// Forgets the oldest rows beyond the bound, where a flushed checkpoint holds them.
    fn forget(&mut self, max_rows: usize, flushed_epoch: u64) {
        let mut tries = self.ages.len().min(MAX_EVICTION_TRIES);
        while self.cells.len() > max_rows && tries > 0 {
            tries -= 1;
            let Some(key) = self.ages.pop_front() else { break };
            let unflushed = |cell: &Cell<V>| cell.dirty || cell.changed_epoch > flushed_epoch;
            if self.cells.get(&key).is_some_and(unflushed) {
                self.ages.push_back(key);
            } else {
                self.cells.remove(&key);
            }
        }
    }
}

/// All tables of that kind.
pub(crate) struct Sides {
    pub ledgers: SideTable<(SkuIx, NodeIx), Ledger>,
    pub transfers: SideTable<TransferKey, Transfer>,
    pub parcels: SideTable<ParcelKey, Parcel>,
    pub returns: SideTable<ReturnKey, Return>,
    pub carriers: SideTable<CarrierKey, Carrier>,
    pub purchase_orders: SideTable<PurchaseOrderKey, PurchaseOrder>,
    pub suppliers: SideTable<SupplierKey, Supplier>,
    pub inbound: SideTable<(SkuIx, NodeIx), Inbound>,
    pub supplier_items: SideTable<(SkuIx, NodeIx), SupplierItem>,
    pub lots: SideTable<(SkuIx, NodeIx), Lots>,
    pub promises: SideTable<OrderKey, OrderPromise>,
    pub serials: SideTable<SerialKey, Serial>,
    pub serial_shelves: SideTable<(SkuIx, NodeIx), SerialShelf>,
    /// Rows of each that memory keeps although a checkpoint holds them.
    max_rows: usize,
}

/// The earlier image of one row.
#[derive(Debug)]
pub(crate) enum SideUndo {
    Ledger(SkuIx, NodeIx, Option<Arc<Ledger>>),
    Transfer(TransferKey, Option<Arc<Transfer>>),
    Parcel(ParcelKey, Option<Arc<Parcel>>),
    Return(ReturnKey, Option<Arc<Return>>),
    Carrier(CarrierKey, Option<Arc<Carrier>>),
    PurchaseOrder(PurchaseOrderKey, Option<Arc<PurchaseOrder>>),
    Supplier(SupplierKey, Option<Arc<Supplier>>),
    Inbound((SkuIx, NodeIx), Option<Arc<Inbound>>),
    SupplierItem((SkuIx, NodeIx), Option<Arc<SupplierItem>>),
    Lots((SkuIx, NodeIx), Option<Arc<Lots>>),
    Promise(OrderKey, Option<Arc<OrderPromise>>),
    Serial(SerialKey, Option<Arc<Serial>>),
    SerialShelf((SkuIx, NodeIx), Option<Arc<SerialShelf>>),
}

impl Sides {
    /// The tables, and the keys that are to be read.
    pub(crate) fn open(max_rows: usize) -> (Self, Vec<Unread>) {
        let (ledgers, movements) = SideTable::mostly_new(Table::Movement, Key::movement);
        let (parcels, numbers) =
            SideTable::mostly_new(Table::Parcel, |key: ParcelKey| Key::hash(key.0));
        let sides = Sides {
            ledgers,
            transfers: SideTable::new(Table::Transfer, Key::transfer),
            parcels,
            returns: SideTable::new(Table::Return, |key| Key::hash(key.0)),
            carriers: SideTable::new(Table::Carrier, |key| Key::hash(key.0)),
            purchase_orders: SideTable::new(Table::PurchaseOrder, |key| Key::hash(key.0)),
            suppliers: SideTable::new(Table::Supplier, |key| Key::hash(key.0)),
            inbound: SideTable::new(Table::Inbound, |(sku, node)| Key::stock(sku, node)),
            supplier_items: SideTable::new(Table::SupplierItem, |(sku, node)| {
                Key::stock(sku, node)
            }),
            lots: SideTable::new(Table::Lots, |(sku, node)| Key::stock(sku, node)),
            promises: SideTable::new(Table::Promise, Key::order),
            serials: SideTable::new(Table::Serial, |key| Key::hash(key.0)),
            serial_shelves: SideTable::new(Table::SerialShelf, |(sku, node)| Key::stock(sku, node)),
            max_rows,
        };
        (sides, vec![movements, numbers])
    }

    pub(crate) fn take_back(
        &mut self,
        backend: &dyn Backend,
        old: SideUndo,
    ) -> Result<(), StateError> {
        match old {
            SideUndo::Ledger(sku, node, old) => {
                self.ledgers.put(backend, (sku, node), old).map(drop)
            }
            SideUndo::Transfer(key, old) => self.transfers.put(backend, key, old).map(drop),
            SideUndo::Parcel(key, old) => self.parcels.put(backend, key, old).map(drop),
            SideUndo::Return(key, old) => self.returns.put(backend, key, old).map(drop),
            SideUndo::Carrier(key, old) => self.carriers.put(backend, key, old).map(drop),
            SideUndo::PurchaseOrder(key, old) => {
                self.purchase_orders.put(backend, key, old).map(drop)
            }
            SideUndo::Supplier(key, old) => self.suppliers.put(backend, key, old).map(drop),
            SideUndo::Inbound(key, old) => self.inbound.put(backend, key, old).map(drop),
            SideUndo::SupplierItem(key, old) => {
                self.supplier_items.put(backend, key, old).map(drop)
            }
            SideUndo::Lots(key, old) => self.lots.put(backend, key, old).map(drop),
            SideUndo::Promise(key, old) => self.promises.put(backend, key, old).map(drop),
            SideUndo::Serial(key, old) => self.serials.put(backend, key, old).map(drop),
            SideUndo::SerialShelf(key, old) => self.serial_shelves.put(backend, key, old).map(drop),
        }
    }

    /// Encodes the rows that the epoch changed and moves the digest.
    pub(crate) fn end_epoch(&mut self, recent: &mut Recent, digest: &mut Digest) {
        self.ledgers.end_epoch(recent, digest);
        self.transfers.end_epoch(recent, digest);
        self.parcels.end_epoch(recent, digest);
        self.returns.end_epoch(recent, digest);
        self.carriers.end_epoch(recent, digest);
        self.purchase_orders.end_epoch(recent, digest);
        self.suppliers.end_epoch(recent, digest);
        self.inbound.end_epoch(recent, digest);
        self.supplier_items.end_epoch(recent, digest);
        self.lots.end_epoch(recent, digest);
        self.promises.end_epoch(recent, digest);
        self.serials.end_epoch(recent, digest);
        self.serial_shelves.end_epoch(recent, digest);
    }

    /// Forgets the oldest rows beyond the bound, where a flushed checkpoint holds them.
    pub(crate) fn forget(&mut self, flushed_epoch: u64) {
        self.ledgers.forget(self.max_rows, flushed_epoch);
        self.transfers.forget(self.max_rows, flushed_epoch);
        self.parcels.forget(self.max_rows, flushed_epoch);
        self.returns.forget(self.max_rows, flushed_epoch);
        self.carriers.forget(self.max_rows, flushed_epoch);
        self.purchase_orders.forget(self.max_rows, flushed_epoch);
        self.suppliers.forget(self.max_rows, flushed_epoch);
        self.inbound.forget(self.max_rows, flushed_epoch);
        self.supplier_items.forget(self.max_rows, flushed_epoch);
        self.lots.forget(self.max_rows, flushed_epoch);
        self.promises.forget(self.max_rows, flushed_epoch);
        self.serials.forget(self.max_rows, flushed_epoch);
        self.serial_shelves.forget(self.max_rows, flushed_epoch);
    }
}
