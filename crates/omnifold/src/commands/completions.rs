//! `omnifold completions`.

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::output::Output;

const EXAMPLE: &str = "\
Example:
  omnifold completions bash > ~/.local/share/bash-completion/completions/omnifold";

/// Prints a script that completes commands, flags and values.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    pub fn run(&self, output: &Output) -> Result<Exit> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "omnifold", &mut script);
        output.line(String::from_utf8_lossy(&script).trim_end())?;
        Ok(Exit::Done)
    }
}
