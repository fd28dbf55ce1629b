//! Diagnostics on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{TraceConfig, TraceFormat};

/// Starts diagnostics for this process.
pub fn start(config: &TraceConfig, default_level: &str) {
    let level = config.level.as_deref().unwrap_or(default_level);
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new(default_level));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // Set once per process; a second start (none today) would keep the first.
    let _ = match config.format {
        TraceFormat::Text => lines.try_init(),
        TraceFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}
