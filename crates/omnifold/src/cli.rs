//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};

use crate::commands::Command;
use crate::config::{Flags, Sources};
use crate::exit::EXIT_CODES;

/// Order fulfilment on an event log.
///
/// Orders, stock counts and what happens at nodes are events on topics; omnifold folds them,
/// decides which node ships which units, and writes every decision back as an event. The topics
/// are the truth: state can be deleted and rebuilt from them, to the same bytes.
#[derive(Debug, Parser)]
#[command(name = "omnifold", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Start with `omnifold demo`. `omnifold help COMMAND` teaches a command.")]
#[command(after_long_help = EXIT_CODES)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Configuration file [default: ./omnifold.toml where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of the embedded log and the state
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Use this Kafka instead of the embedded log; several brokers with commas
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub kafka: Option<String>,
    /// First part of every topic's name
    #[arg(long, global = true, value_name = "NAME")]
    pub prefix: Option<String>,
    /// Market to work on; repeat it for several [default: every market in the log]
    #[arg(long = "market", global = true, value_name = "NAME")]
    pub markets: Vec<String>,
    /// Form of results on standard output
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, value_name = "FORM")]
    pub output: Format,
    /// Results only: no progress, no notes
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Ask a running `omnifold serve` at this address
    #[arg(long, global = true, value_name = "URL")]
    pub server: Option<String>,
}

/// Form of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

impl Globals {
    /// Where the configuration comes from.
    pub fn sources(&self) -> Sources {
        Sources {
            file: self.config.clone(),
            flags: Flags {
                data: self.data.clone(),
                kafka: self.kafka.clone(),
                prefix: self.prefix.clone(),
                markets: self.markets.clone(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        fn examine(command: &clap::Command, path: &str) {
            for inner in command.get_subcommands() {
                let path = format!("{path} {}", inner.get_name());
                if inner.get_subcommands().next().is_none() {
                    let help = inner.get_after_help().map(ToString::to_string).unwrap_or_default();
                    assert!(help.contains("omnifold"), "`{path}` shows no example");
                }
                examine(inner, &path);
            }
        }
        examine(&Cli::command(), "omnifold");
    }
}
