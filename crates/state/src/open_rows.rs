//! Rows that are always in memory because they stand for open work (queues, timers, holds), with
//! what
//! stood in their place before the epoch.

use std::collections::BTreeMap;
use std::ops::RangeBounds;

use serde::Serialize;

use crate::digest::Digest;
use crate::images::Images;
use crate::rows::{self, Key, Table};

pub(crate) struct OpenRows<K, V> {
    table: Table,
    key: fn(K) -> Key,
    rows: BTreeMap<K, V>,
    /// Places that the epoch changed, with what a digest held of each before it; 0: nothing.
    changed: BTreeMap<K, u128>,
}

impl<K: Ord + Copy, V: Serialize> OpenRows<K, V> {
    pub(crate) fn new(table: Table, key: fn(K) -> Key) -> Self {
        OpenRows { table, key, rows: BTreeMap::new(), changed: BTreeMap::new() }
    }

    /// A row as a checkpoint holds it.
    pub(crate) fn load(&mut self, key: K, row: V) {
        self.rows.insert(key, row);
    }

    pub(crate) fn get(&self, key: K) -> Option<&V> {
        self.rows.get(&key)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The first row of a range of keys.
    pub(crate) fn first_in(&self, keys: impl RangeBounds<K>) -> Option<(K, &V)> {
        self.rows.range(keys).next().map(|(&key, row)| (key, row))
    }

    pub(crate) fn first(&self) -> Option<(K, &V)> {
        self.rows.first_key_value().map(|(&key, row)| (key, row))
    }

    /// Puts a row, or takes it away, and returns what stood there.
    pub(crate) fn set(&mut self, key: K, row: Option<V>) -> Option<V> {
        if !self.changed.contains_key(&key) {
            let before = self.rows.get(&key).map_or(0, |old| self.hash(key, old));
            self.changed.insert(key, before);
        }
        match row {
            Some(row) => self.rows.insert(key, row),
            None => self.rows.remove(&key),
        }
    }

    fn hash(&self, key: K, row: &V) -> u128 {
        let mut stored = Vec::new();
        let canonical = rows::encode(row, &mut stored);
        Digest::of_small_row(self.table, (self.key)(key).as_bytes(), &stored[canonical..])
    }

    pub(crate) fn end_epoch(&mut self, images: &mut Images, digest: &mut Digest) {
        for (key, before) in std::mem::take(&mut self.changed) {
            let bytes = (self.key)(key);
            let Some(row) = self.rows.get(&key) else {
                if before != 0 {
                    digest.replace(before, 0);
                    images.push_deleted(self.table, &bytes);
                }
                continue;
            };
            let (_, hash) = images.encode(self.table, &bytes, None, row);
            digest.replace(before, hash);
        }
    }
}
