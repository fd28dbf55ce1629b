//! Rows in an ordered map: for simulation, scenarios and verification.

use std::collections::BTreeMap;
use std::sync::RwLock;

use crate::{Backend, Checkpoint, EachRow, StateError, Table};

type Rows = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

/// A backend that forgets everything with the process.
#[derive(Default)]
pub struct MemoryBackend {
    rows: RwLock<Rows>,
}

impl Backend for MemoryBackend {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let rows = self.rows.read().expect("no writer panics");
        Ok(rows.get(&(table, key.to_vec())).cloned())
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        each: EachRow<'_>,
    ) -> Result<(), StateError> {
        let rows = self.rows.read().expect("no writer panics");
        for ((row_table, key), value) in rows.range((table, from.to_vec())..) {
            if *row_table != table || (!to.is_empty() && key.as_slice() >= to) {
                break;
            }
            each(key, value)?;
        }
        Ok(())
    }

    fn write(&self, checkpoint: &Checkpoint, between: &dyn Fn()) -> Result<(), StateError> {
        between();
        let mut rows = self.rows.write().expect("no writer panics");
        for (table, key, value) in checkpoint.newest_rows() {
            match value {
                Some(value) => rows.insert((table, key.to_vec()), value.to_vec()),
                None => rows.remove(&(table, key.to_vec())),
            };
        }
        for bucket in checkpoint.dropped_buckets() {
            let in_bucket = |key: &[u8]| key.starts_with(&bucket.to_be_bytes());
            rows.retain(|(table, key), _| *table != Table::Seen || !in_bucket(key));
        }
        let key = (Table::Meta, crate::rocks::POSITION_KEY.to_vec());
        rows.insert(key, checkpoint.position.clone());
        Ok(())
    }
}
