//! Rows, keys, write-back cache, digest and checkpoints of one market.
//!
//! RocksDB is a cache of the log's fold, so its write-ahead log is off. Rows change in memory; when
//! a step ends, the rows it changed are encoded while they are warm, the newest of an epoch counts
//! ([`Images`]), and the digest moves by the difference. Images of acknowledged epochs are gathered
//! until a checkpoint writes them, with the position they stand for, as one batch and flushes it.
//! Until then a row is read from memory or from the images; so memory is bounded by how often
//! checkpoints are made, and what RocksDB holds is always exactly one acknowledged epoch.
//!
//! Nothing here knows Kafka, and nothing here knows what an event means.

mod backend;
mod digest;
mod filter;
mod images;
mod known;
mod memory;
mod named_rows;
mod open_rows;
mod order_table;
mod recent;
mod rocks;
mod rows;
mod scan;
mod seen;
mod side_table;
mod stock_table;
mod store;
mod undo;
mod watch;

pub use backend::{Backend, EachRow, StateError};
pub use digest::Digest;
pub use images::{Checkpoint, Images, RowImage};
pub use memory::MemoryBackend;
pub use rocks::{RocksBackend, RocksFigures};
pub use rows::Table;
pub use scan::{ScanReport, scan};
pub use store::{CacheFigures, StateFault, Store};
