//! `omnifold verify`.

use anyhow::Result;
use clap::Args;
use omnifold_projector::{verify, verify_state};
use serde_json::{Value, json};

use crate::client::{Client, escaped};
use crate::context::Context;
use crate::exit::Exit;
use crate::progress::Line;
use crate::render::verification_text;

const EXAMPLE: &str = "\
Without --state the log is folded again into a second store, every decision is made again and
compared byte for byte, every mark's digest is compared, and every invariant is evaluated.
With --state only the rows are read: their digest is computed again, the invariants of the rows
are evaluated. A running `omnifold serve` on the same folder is asked to do it.
Ends with exit code 3 where something does not hold.

Example:
  omnifold verify --market de
  omnifold verify --state";

/// Decides the whole log again and compares.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Verify {
    /// Check only the stored rows, which is quick
    #[arg(long)]
    state: bool,
}

impl Verify {
    /// Verifies each market.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        let reports = match context.remote()? {
            Some(client) => self.ask(context, &client)?,
            None => self.work(context)?,
        };
        let is_ok = reports.iter().all(|report| report["ok"] == json!(true));
        context.output.show(&json!({ "ok": is_ok, "markets": reports }), |_| {
            reports.iter().map(verification_text).collect::<Vec<_>>().join("\n")
        })?;
        Ok(if is_ok { Exit::Done } else { Exit::Violations })
    }

    fn ask(&self, context: &Context, client: &Client) -> Result<Vec<Value>> {
        let named = &context.config().markets;
        let markets = if named.is_empty() { client.markets()? } else { named.clone() };
        let what = if self.state { "verify-state" } else { "verify" };
        let _line = Line::new(&context.output, "verifying");
        let ask =
            |market: &String| client.post(&format!("/v1/markets/{}/{what}", escaped(market)), "");
        markets.iter().map(ask).collect()
    }

    fn work(&self, context: &Context) -> Result<Vec<Value>> {
        let log = context.open_existing_log()?;
        let mut reports = Vec::new();
        for market in context.markets(&log)? {
            let line = Line::new(&context.output, "verifying");
            let mut progress = |progress: &_| line.engine(progress);
            reports.push(match self.state {
                true => serde_json::to_value(verify_state(&market, &context.options())?)?,
                false => {
                    let options = context.options();
                    serde_json::to_value(verify(log.log(), &market, options, &mut progress)?)?
                }
            });
        }
        Ok(reports)
    }
}
