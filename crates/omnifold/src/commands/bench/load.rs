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
const BATCH: usize = 4 << 20;

/// Writes a backlog into the embedded log of a new data folder.
pub fn into_folder(data: &Path, mix: &Mix, orders: u64, form: ContentType) -> Result<Written> {
    std::fs::create_dir_all(data.join("log"))?;
    let log: Arc<dyn Log> = EmbeddedLog::open(&data.join("log"))?;
    into_log(&*log, "omnifold", mix, orders, form)
}

/// Writes a backlog into a log.
pub fn into_log(
    log: &dyn Log,
    prefix: &str,
    mix: &Mix,
    orders: u64,
    form: ContentType,
) -> Result<Written> {
    log.create_topics(&topic_specs(prefix, MARKET))?;
    let mut workload = Workload::new(mix, Play::backlog(orders, form));
    let topics = Workload::topics(prefix, MARKET);
    Ok(workload.load(&*log.producer()?, &topics, BATCH)?)
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
