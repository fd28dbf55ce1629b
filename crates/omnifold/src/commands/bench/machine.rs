//! The machine, and what its disk allows at best.

use std::fs::{File, read_to_string};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use serde::Serialize;

/// The machine that was measured on.
#[derive(Debug, Default, Serialize)]
pub struct Machine {
    /// As the kernel names it.
    pub processor: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Memory of the machine.
    pub memory_bytes: u64,
    /// The kernel.
    pub kernel: String,
    /// Writes of 4 KiB with a sync after each, a second, one after the other.
    pub syncs_per_second: f64,
    /// One write of 256 MiB with one sync at the end, bytes a second.
    pub write_bytes_per_second: f64,
    /// Version of this build.
    pub version: String,
}

/// Looks at the machine; writes into the folder to measure its disk.
pub fn look(folder: &Path) -> Machine {
    let field = |file: &str, name: &str| {
        let text = read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let memory = field("/proc/meminfo", "MemTotal");
    let kibibytes: u64 = memory.trim_end_matches(" kB").trim().parse().unwrap_or_default();
    let kernel = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Machine {
        processor: field("/proc/cpuinfo", "model name"),
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        memory_bytes: kibibytes * 1_024,
        kernel: kernel.trim().to_owned(),
        syncs_per_second: syncs(&folder.join("syncs")).unwrap_or_default(),
        write_bytes_per_second: writes(&folder.join("writes")).unwrap_or_default(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

const SYNCS: u32 = 200;
const BLOCK: usize = 1 << 20;
const BLOCKS: usize = 256;

fn syncs(file: &Path) -> std::io::Result<f64> {
    let mut out = File::create(file)?;
    let begun = Instant::now();
    for _ in 0..SYNCS {
        out.write_all(&[7; 4_096])?;
        out.sync_data()?;
    }
    let rate = f64::from(SYNCS) / begun.elapsed().as_secs_f64();
    std::fs::remove_file(file)?;
    Ok(rate)
}

fn writes(file: &Path) -> std::io::Result<f64> {
    let mut out = File::create(file)?;
    let block = vec![7; BLOCK];
    let begun = Instant::now();
    for _ in 0..BLOCKS {
        out.write_all(&block)?;
    }
    out.sync_data()?;
    let rate = (BLOCK * BLOCKS) as f64 / begun.elapsed().as_secs_f64();
    std::fs::remove_file(file)?;
    Ok(rate)
}
