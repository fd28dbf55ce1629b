//! The omnifold command: one file per command, one configuration, documented exit codes.
//!
//! This crate holds no logic of the engine: it reads the configuration, opens the log, calls the
//! projector, the adapters and the simulation, and shows what they say.

mod cli;
mod client;
mod commands;
mod config;
mod context;
mod exit;
mod history;
mod live;
mod log_figures;
mod logging;
mod output;
mod process;
mod progress;
mod render;
mod sealer;
mod server_producer;

use std::process::ExitCode;

use clap::Parser;

// RocksDB and the engine free on other threads than they allocate on; jemalloc keeps memory flat.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let output = output::Output::new(&cli.globals);
    let exit = match commands::run(cli, &output) {
        Ok(exit) => exit,
        Err(error) => exit::report(&error, &output),
    };
    ExitCode::from(exit as u8)
}
