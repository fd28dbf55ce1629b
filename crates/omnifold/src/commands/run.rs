//! `omnifold run --until-idle`.

use anyhow::Result;
use clap::Args;
use omnifold_projector::{RunSummary, Tally, run_until_idle};
use serde_json::json;

use crate::commands::topics::create_for;
use crate::context::Context;
use crate::exit::Exit;
use crate::output::{pairs, percent, thousands};
use crate::process::ProcessFigures;
use crate::progress::Line;
use crate::render::position_text;

const EXAMPLE: &str = "\
Every record that is there when the engine gets to it is decided; what still waits for stock is
left waiting. Run again after more events have come. For an engine that stays, see `omnifold serve`.

Example:
  omnifold publish deploy/examples/first-orders.jsonl --market de
  omnifold run --until-idle
  omnifold run --until-idle --market de --output json";

/// Processes all there is, prints a summary of each market, and exits.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Run {
    /// Stop when there is nothing left to do
    #[arg(long, required = true)]
    until_idle: bool,
}

impl Run {
    /// Runs the engine.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        debug_assert!(self.until_idle, "clap requires it");
        let log = context.open_existing_log()?;
        let markets = context.markets(&log)?;
        for market in &markets {
            create_for(context, &log, market)?;
        }
        let line = Line::new(&context.output, "running");
        let mut progress = |progress: &_| line.engine(progress);
        let summaries = run_until_idle(log.log(), &markets, context.options(), &mut progress)?;
        drop(line);
        let process = ProcessFigures::of_self();
        context.output.show(&json!({ "markets": summaries, "process": process }), |_| {
            summaries.iter().map(summary_text).collect::<Vec<_>>().join("\n")
        })?;
        Ok(Exit::Done)
    }
}

fn summary_text(summary: &RunSummary) -> String {
    let mut rows = vec![("market".to_owned(), summary.position.market.clone())];
    rows.extend(tally_rows(&summary.tally));
    rows.push(("seconds".to_owned(), format!("{:.2}", summary.seconds)));
    rows.push(("orders/s".to_owned(), thousands(summary.orders_per_second as u64)));
    rows.push(("records/s".to_owned(), thousands(summary.events_per_second as u64)));
    rows.push(("position".to_owned(), position_text(&summary.position)));
    rows.push(("digest".to_owned(), summary.position.digest.clone()));
    pairs(rows)
}

/// The counts of a run, for people.
pub fn tally_rows(tally: &Tally) -> Vec<(String, String)> {
    let count = |name: &str, value: u64| (name.to_owned(), thousands(value));
    let share = |name: &str, value: u64, of: u64| {
        (name.to_owned(), format!("{} ({})", thousands(value), percent(value, of)))
    };
    let mut rows = vec![
        count("records", tally.records),
        count("came again", tally.duplicates),
        count("orders", tally.orders),
        count("order lines", tally.lines),
        share("assigned at once", tally.outcomes_assigned, tally.orders),
        share("partly assigned", tally.outcomes_partly, tally.orders),
        share("waiting at first", tally.outcomes_waiting, tally.orders),
        share("refused", tally.outcomes_refused, tally.orders),
        share("split", tally.split_orders, tally.orders),
        count("fulfilments", tally.fulfilments),
        count("rerouted", tally.rerouted),
        count("served from waiting", tally.served_waiting),
        count("cancelled", tally.cancelled),
        count("refused events", tally.rejected),
    ];
    let reasons = tally.rejected_by.iter();
    rows.extend(reasons.map(|(reason, value)| count(&format!("  {reason}"), *value)));
    rows
}
