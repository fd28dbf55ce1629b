//! What a process has used, from the kernel's /proc.

use serde::{Deserialize, Serialize};

/// What a process has used. Zero where the kernel does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ProcessFigures {
    /// User and system time of all its threads.
    pub cpu_seconds: f64,
    /// Most memory it ever had resident.
    pub peak_memory_bytes: u64,
}

impl ProcessFigures {
    /// Of this process.
    pub fn of_self() -> Self {
        Self::of(std::process::id())
    }

    /// Of any process.
    pub fn of(pid: u32) -> Self {
        ProcessFigures {
            cpu_seconds: cpu_seconds(pid).unwrap_or_default(),
            peak_memory_bytes: peak_memory(pid).unwrap_or_default(),
        }
    }
}

/// Clock ticks a second in /proc/PID/stat; the same on every Linux this runs on.
const TICKS: f64 = 100.0;

fn cpu_seconds(pid: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold blanks; the figures come after it.
    let (_, figures) = stat.rsplit_once(')')?;
    let mut figures = figures.split_whitespace().skip(11);
    let user: f64 = figures.next()?.parse().ok()?;
    let system: f64 = figures.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

fn peak_memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_something() {
        let figures = ProcessFigures::of_self();
        assert!(figures.peak_memory_bytes > 1 << 20, "{figures:?}");
        assert_eq!(ProcessFigures::of(u32::MAX), ProcessFigures::default());
    }
}
