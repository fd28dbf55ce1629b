//! Rows that carry a name and are numbered as they come: nodes and items. All stay in memory: they
//! grow with the network and the assortment, not with history.

use omnifold_domain::{Item, Node};
use rustc_hash::FxHashMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::{Backend, StateError};
use crate::digest::Digest;
use crate::images::Images;
use crate::rows::{self, Key, Table};

/// A row with a name of its own.
pub(crate) trait Named: Serialize + DeserializeOwned {
    /// The table it is kept in.
    const TABLE: Table;

    /// What events call it.
    fn called(&self) -> &str;
}

impl Named for Node {
    const TABLE: Table = Table::Node;

    fn called(&self) -> &str {
        &self.id
    }
}

impl Named for Item {
    const TABLE: Table = Table::Item;

    fn called(&self) -> &str {
        &self.sku
    }
}

/// The rows of one table, by number and by name.
pub(crate) struct NamedRows<R> {
    rows: Vec<R>,
    digests: Vec<u128>,
    names: FxHashMap<String, u32>,
    dirty: Vec<u32>,
}

impl<R> Default for NamedRows<R> {
    fn default() -> Self {
        NamedRows {
            rows: Vec::new(),
            digests: Vec::new(),
            names: FxHashMap::default(),
            dirty: Vec::new(),
        }
    }
}

impl<R: Named> NamedRows<R> {
    /// Reads what the backend holds; the keys are the numbers, so the order is theirs.
    pub fn load(backend: &dyn Backend) -> Result<Self, StateError> {
        let mut table = Self::default();
        backend.scan(R::TABLE, &[], &[], &mut |key, value| {
            let row: R = rows::decode(R::TABLE, key, value)?;
            table.names.insert(row.called().to_owned(), table.rows.len() as u32);
            table.rows.push(row);
            table.digests.push(Digest::of_small_row(R::TABLE, key, &value[1..]));
            Ok(())
        })?;
        Ok(table)
    }

    /// All of them, by number.
    pub fn all(&self) -> &[R] {
        &self.rows
    }

    /// The number of a name.
    pub fn named(&self, name: &str) -> Option<u32> {
        self.names.get(name).copied()
    }

    /// Puts a row at its number, the next new one included; returns what stood there.
    pub fn put(&mut self, number: u32, row: R) -> Option<R> {
        let place = number as usize;
        self.dirty.push(number);
        if place < self.rows.len() {
            return Some(std::mem::replace(&mut self.rows[place], row));
        }
        self.names.insert(row.called().to_owned(), number);
        self.rows.push(row);
        self.digests.push(0);
        None
    }

    /// Puts back what [`NamedRows::put`] returned.
    pub fn take_back(&mut self, number: u32, old: Option<R>) {
        if let Some(old) = old {
            self.rows[number as usize] = old;
            return;
        }
        let row = self.rows.pop().expect("it was added");
        self.names.remove(row.called());
        self.digests.pop();
        self.dirty.pop();
    }

    /// Encodes what the epoch changed.
    pub fn end_epoch(&mut self, images: &mut Images, digest: &mut Digest) {
        for number in std::mem::take(&mut self.dirty) {
            let place = number as usize;
            let (_, hash) = images.encode(R::TABLE, &Key::number(number), None, &self.rows[place]);
            digest.replace(std::mem::replace(&mut self.digests[place], hash), hash);
        }
    }
}
