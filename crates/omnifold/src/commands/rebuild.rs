//! `omnifold rebuild`.

use anyhow::{Result, bail};
use clap::Args;
use omnifold_projector::{RebuildReport, rebuild};
use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::output::{pairs, thousands};
use crate::process::ProcessFigures;
use crate::progress::Line;
use crate::render::position_text;

const EXAMPLE: &str = "\
The old state stays until the new one is whole and every mark of the journal agrees with it.
Stop `omnifold serve` on the same folder first.

Example:
  omnifold rebuild --market de";

/// Folds the log from nothing, checks every mark, and replaces the state.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Rebuild {}

impl Rebuild {
    /// Rebuilds each market.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        if let Some(client) = context.remote()? {
            bail!("`omnifold serve` works on this state ({}); stop it first", client.base());
        }
        let log = context.open_existing_log()?;
        let mut reports = Vec::new();
        for market in context.markets(&log)? {
            let line = Line::new(&context.output, "rebuilding");
            let mut progress = |progress: &_| line.engine(progress);
            reports.push(rebuild(log.log(), &market, context.options(), &mut progress)?);
        }
        let process = ProcessFigures::of_self();
        context.output.show(&json!({ "markets": reports, "process": process }), |_| {
            reports.iter().map(report_text).collect::<Vec<_>>().join("\n")
        })?;
        Ok(Exit::Done)
    }
}

fn report_text(report: &RebuildReport) -> String {
    pairs([
        ("market", report.position.market.clone()),
        ("records", thousands(report.records)),
        ("decisions", thousands(report.decisions)),
        ("marks", format!("{}, all agree", thousands(report.marks))),
        ("seconds", format!("{:.2}", report.seconds)),
        ("records/s", thousands(report.events_per_second as u64)),
        ("position", position_text(&report.position)),
        ("digest", report.position.digest.clone()),
    ])
}
