//! Writes a backlog of the mix into a log, untimed.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use omnifold_events::ContentType;
use omnifold_log::Log;
use omnifold_log::embedded::EmbeddedLog;
use omnifold_projector::topic_specs;
use omnifold_simulation::workload::{Mix, Play, Workload, Written};

use super::MARKET;

/// Bytes of one append.
pub const BATCH: usize = 4 << 20;

/// A mix on its way into a log: first the market with its stock, then the orders.
pub struct Backlog {
    workload: Workload,
}

impl Backlog {
    /// A backlog of this many orders.
    pub fn new(mix: &Mix, orders: u64, form: ContentType) -> Self {
        Backlog { workload: Workload::new(mix, Play::backlog(orders, form)) }
    }

    /// Writes the market, its nodes, items and stock.
    pub fn setup(&mut self, log: &dyn Log, prefix: &str) -> Result<Written> {
        log.create_topics(&topic_specs(prefix, MARKET))?;
        let topics = Workload::topics(prefix, MARKET);
        Ok(self.workload.load_setup(&*log.producer()?, &topics, BATCH)?)
    }

    /// Writes the orders, and what follows them.
    pub fn orders(&mut self, log: &dyn Log, prefix: &str) -> Result<Written> {
        let topics = Workload::topics(prefix, MARKET);
        Ok(self.workload.load_orders(&*log.producer()?, &topics, BATCH)?)
    }
}

/// Opens the embedded log of a data folder.
pub fn embedded_log(data: &Path) -> Result<Arc<dyn Log>> {
    std::fs::create_dir_all(data.join("log"))?;
    let log: Arc<dyn Log> = EmbeddedLog::open(&data.join("log"))?;
    Ok(log)
}

/// Writes a backlog into the embedded log of a new data folder.
pub fn into_folder(data: &Path, mix: &Mix, orders: u64, form: ContentType) -> Result<Written> {
    into_log(&*embedded_log(data)?, "omnifold", mix, orders, form)
}

/// Writes a backlog into a log.
pub fn into_log(
    log: &dyn Log,
    prefix: &str,
    mix: &Mix,
    orders: u64,
    form: ContentType,
) -> Result<Written> {
    let mut backlog = Backlog::new(mix, orders, form);
    backlog.setup(log, prefix)?;
    backlog.orders(log, prefix)
}

/// Bytes of all files beneath a folder.
pub fn disk_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let bytes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    bytes.sum()
}
