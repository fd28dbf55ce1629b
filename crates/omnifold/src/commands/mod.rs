//! The commands: one file each.

mod bench;
mod completions;
mod config;
mod decide;
mod demo;
mod events;
mod explain;
mod import;
mod policy;
mod prices;
mod promise;
mod publish;
mod rebuild;
mod redrive;
mod run;
mod serve;
mod show;
mod simulate;
mod topics;
mod verify;

use anyhow::Result;
use clap::Subcommand;

use crate::cli::Cli;
use crate::context::Context;
use crate::exit::Exit;
use crate::logging;
use crate::output::Output;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play a day of a made-up retailer through the engine
    Demo(demo::Demo),
    /// Run the engine and the HTTP listener until told to stop
    Serve(serve::Serve),
    /// Process all there is, print a summary, exit
    Run(run::Run),
    /// Create or check the topics of markets
    #[command(subcommand)]
    Topics(topics::Topics),
    /// Publish events from files
    Publish(publish::Publish),
    /// Import the history of a marketplace
    #[command(subcommand)]
    Import(import::Import),
    /// Publish refused events again
    Redrive(redrive::Redrive),
    /// Fold the log from nothing and replace the state
    Rebuild(rebuild::Rebuild),
    /// Decide the whole log again and compare
    Verify(verify::Verify),
    /// Show an order, stock, a fulfilment, decisions or a market
    #[command(subcommand)]
    Show(show::Show),
    /// Replay what happened under other settings or another policy
    Simulate(simulate::Simulate),
    /// Solve shadow prices of scarce stock and publish them
    Prices(prices::Prices),
    /// Say why an order's nodes were chosen, and what the others lacked
    Explain(explain::Explain),
    /// Say what would be decided about an order, before anything happens
    Decide(decide::Decide),
    /// Say what would be promised, before anything is bought
    Promise(promise::Promise),
    /// Check, show, compare, activate or retire the routing policy
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Look at the topics
    #[command(subcommand)]
    Events(events::Events),
    /// Measure the engine on the fixed mix of orders
    Bench(bench::Bench),
    /// Check or print the configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Print completions for a shell
    Completions(completions::Completions),
}

/// Carries the command out.
///
/// # Errors
/// Whatever failed; [`crate::exit::report`] says it and finds the exit code.
pub fn run(cli: Cli, output: &Output) -> Result<Exit> {
    if let Command::Completions(command) = &cli.command {
        return command.run(output);
    }
    let context = Context::new(&cli.globals, output)?;
    let level = if matches!(cli.command, Command::Serve(_)) { "info" } else { "warn" };
    logging::start(&context.config().trace, level);
    match cli.command {
        Command::Demo(command) => command.run(&context),
        Command::Serve(command) => command.run(&context),
        Command::Run(command) => command.run(&context),
        Command::Topics(command) => command.run(&context),
        Command::Publish(command) => command.run(&context),
        Command::Import(command) => command.run(&context),
        Command::Redrive(command) => command.run(&context),
        Command::Rebuild(command) => command.run(&context),
        Command::Verify(command) => command.run(&context),
        Command::Show(command) => command.run(&context),
        Command::Simulate(command) => command.run(&context),
        Command::Prices(command) => command.run(&context),
        Command::Explain(command) => command.run(&context),
        Command::Decide(command) => command.run(&context),
        Command::Promise(command) => command.run(&context),
        Command::Policy(command) => command.run(&context),
        Command::Events(command) => command.run(&context),
        Command::Bench(command) => command.run(&context),
        Command::Config(command) => command.run(&context),
        Command::Completions(_) => unreachable!("carried out above"),
    }
}
