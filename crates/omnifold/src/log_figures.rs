//! Figures of the embedded log for `/metrics`. A Kafka has its own.

use std::io;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use metrics::{describe_counter, describe_gauge};
use omnifold_log::embedded::{EmbeddedLog, EmbeddedStats};

/// How often they are read: some of them look at the files.
const EVERY: Duration = Duration::from_secs(5);

/// Records the figures of a log until it is closed.
///
/// # Errors
/// Where no thread can be started.
pub fn watch(log: &Arc<EmbeddedLog>) -> io::Result<()> {
    describe();
    let log = Arc::downgrade(log);
    thread::Builder::new()
        .name("log-figures".to_owned())
        .spawn(move || record_until_closed(&log))?;
    Ok(())
}

fn record_until_closed(log: &Weak<EmbeddedLog>) {
    while let Some(stats) = log.upgrade().map(|log| log.stats()) {
        record(&stats);
        thread::sleep(EVERY);
    }
}

fn record(stats: &EmbeddedStats) {
    for (name, total) in [
        ("omnifold_log_appends_total", stats.appends),
        ("omnifold_log_records_total", stats.records),
        ("omnifold_log_bytes_total", stats.bytes),
        ("omnifold_log_syncs_total", stats.syncs),
    ] {
        metrics::counter!(name).absolute(total);
    }
    for (name, value) in [
        ("omnifold_log_repaired_bytes", stats.repaired_bytes as f64),
        ("omnifold_log_disk_bytes", stats.disk_bytes as f64),
        ("omnifold_log_wal_bytes", stats.wal_bytes as f64),
        ("omnifold_log_memtable_bytes", stats.memtable_bytes as f64),
        ("omnifold_log_block_cache_bytes", stats.block_cache_bytes as f64),
        ("omnifold_log_stall_seconds", stats.stall_micros as f64 / 1e6),
        ("omnifold_log_writes_stopped", f64::from(u8::from(stats.writes_stopped))),
    ] {
        metrics::gauge!(name).set(value);
    }
}

fn describe() {
    describe_counter!("omnifold_log_appends_total", "Appends since the log was opened");
    describe_counter!("omnifold_log_records_total", "Records appended since it was opened");
    describe_counter!("omnifold_log_bytes_total", "Bytes appended since it was opened, as stored");
    describe_counter!("omnifold_log_syncs_total", "Syncs since it was opened");
    describe_gauge!("omnifold_log_repaired_bytes", "Torn tail cut off when it was opened");
    describe_gauge!("omnifold_log_disk_bytes", "Bytes of all files of the log");
    describe_gauge!("omnifold_log_wal_bytes", "Bytes that are read when it is opened");
    describe_gauge!("omnifold_log_memtable_bytes", "Bytes in memtables");
    describe_gauge!("omnifold_log_block_cache_bytes", "Bytes in the block cache");
    describe_gauge!("omnifold_log_stall_seconds", "Time for which RocksDB held writes back");
    describe_gauge!("omnifold_log_writes_stopped", "1 while RocksDB holds all writes back");
}
