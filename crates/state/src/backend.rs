//! Where rows rest between checkpoints: one small trait, two implementations.

use crate::rocks::RocksFigures;
use crate::{Checkpoint, Table};

/// A fault of the store.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The medium failed.
    #[error("{what} in {place}: {detail}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The folder.
        place: String,
        /// What the medium said.
        detail: String,
    },
    /// A row cannot be read. Delete the folder: the state is rebuilt from the log.
    #[error(
        "row {key} of table `{table}` is damaged: {detail}; delete the state folder, it is rebuilt \
         from the log"
    )]
    DamagedRow {
        /// Table.
        table: &'static str,
        /// Key in hex.
        key: String,
        /// What is wrong.
        detail: String,
    },
}

/// Told key and stored form of each row of a scan; an error ends the scan.
pub type EachRow<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<(), StateError>;

/// Rows as bytes, as the last checkpoint left them.
pub trait Backend: Send + Sync {
    /// One row.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError>;

    /// Every row with `from <= key < to`, in key order. An empty `to` means: to the end.
    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        each: EachRow<'_>,
    ) -> Result<(), StateError>;

    /// Writes a checkpoint: all of it or nothing, durable when it returns. `between` is called
    /// after the batch and before the flush (tests kill the process there).
    fn write(&self, checkpoint: &Checkpoint, between: &dyn Fn()) -> Result<(), StateError>;

    /// Figures of the medium, where it has any.
    fn figures(&self) -> Option<RocksFigures> {
        None
    }
}
