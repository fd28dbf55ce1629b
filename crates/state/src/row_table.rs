//! Rows of one table under a hash of their name: brought in when they are looked for, written once a
//! checkpoint, forgotten beyond a bound. For what is looked up by name only: parcels, returns,
//! carriers.

use std::collections::VecDeque;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::{Backend, StateError};
use crate::digest::Digest;
use crate::images::Images;
use crate::rows::{self, Key, Table};

/// Rows looked at for eviction an epoch.
const MAX_EVICTION_TRIES: usize = 4_096;

struct Cell<V> {
    /// `None`: there is no such row.
    row: Option<Arc<V>>,
    digest: u128,
    dirty: bool,
    changed_epoch: u64,
}

/// The rows of one table.
pub(crate) struct RowTable<V> {
    table: Table,
    cells: FxHashMap<u128, Cell<V>>,
    dirty: Vec<u128>,
    ages: VecDeque<u128>,
}

impl<V: Serialize + DeserializeOwned> RowTable<V> {
    pub(crate) fn new(table: Table) -> Self {
        let (cells, dirty, ages) = (FxHashMap::default(), Vec::new(), VecDeque::new());
        RowTable { table, cells, dirty, ages }
    }

    /// A row.
    pub(crate) fn get(
        &mut self,
        backend: &dyn Backend,
        key: u128,
    ) -> Result<Option<&V>, StateError> {
        Ok(self.cell(backend, key)?.row.as_deref())
    }

    /// Replaces a row; returns what stood there.
    pub(crate) fn put(
        &mut self,
        backend: &dyn Backend,
        key: u128,
        row: V,
    ) -> Result<Option<Arc<V>>, StateError> {
        let cell = self.cell(backend, key)?;
        let old = cell.row.replace(Arc::new(row));
        let was_dirty = std::mem::replace(&mut cell.dirty, true);
        if !was_dirty {
            self.dirty.push(key);
        }
        Ok(old)
    }

    /// Puts back what stood there before the step.
    pub(crate) fn take_back(&mut self, key: u128, old: Option<Arc<V>>) {
        if let Some(cell) = self.cells.get_mut(&key) {
            cell.row = old;
        }
    }

    /// Encodes the rows that the epoch changed and moves the digest.
    pub(crate) fn end_epoch(&mut self, epoch: u64, images: &mut Images, digest: &mut Digest) {
        for key in std::mem::take(&mut self.dirty) {
            let cell = self.cells.get_mut(&key).expect("dirty rows are in memory");
            cell.dirty = false;
            cell.changed_epoch = epoch;
            // A row that a rolled-back step had added is none.
            let Some(row) = &cell.row else { continue };
            let key = Key::hash(key);
            let start = images.buffer().len();
            let canonical = rows::encode(&**row, images.buffer());
            let hash =
                Digest::of_small_row(self.table, key.as_bytes(), &images.buffer()[canonical..]);
            images.push(self.table, &key, start);
            digest.replace(std::mem::replace(&mut cell.digest, hash), hash);
        }
    }

    /// Forgets the oldest rows beyond the bound, where a flushed checkpoint holds them.
    pub(crate) fn forget(&mut self, most: usize, flushed_epoch: u64) {
        let mut tries = self.ages.len().min(MAX_EVICTION_TRIES);
        while self.cells.len() > most && tries > 0 {
            tries -= 1;
            let Some(key) = self.ages.pop_front() else { return };
            let needed = |cell: &Cell<V>| cell.dirty || cell.changed_epoch > flushed_epoch;
            if self.cells.get(&key).is_some_and(needed) {
                self.ages.push_back(key);
            } else {
                self.cells.remove(&key);
            }
        }
    }

    fn cell(&mut self, backend: &dyn Backend, key: u128) -> Result<&mut Cell<V>, StateError> {
        if !self.cells.contains_key(&key) {
            let bytes = Key::hash(key);
            let (row, digest) = match backend.get(self.table, bytes.as_bytes())? {
                None => (None, 0),
                Some(stored) => {
                    let row = rows::decode(self.table, bytes.as_bytes(), &stored)?;
                    let hash = Digest::of_small_row(self.table, bytes.as_bytes(), &stored[1..]);
                    (Some(Arc::new(row)), hash)
                }
            };
            self.cells.insert(key, Cell { row, digest, dirty: false, changed_epoch: 0 });
            self.ages.push_back(key);
        }
        Ok(self.cells.get_mut(&key).expect("just inserted"))
    }
}
