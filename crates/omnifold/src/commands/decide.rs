//! `omnifold decide`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use omnifold_events::v1;
use omnifold_projector::{Supposed, decide};
use serde_json::Value;

use crate::commands::policy::{read, text_of};
use crate::context::Context;
use crate::exit::{Exit, Usage};
use crate::render::explanation_text;

const EXAMPLE: &str = "\
The order is the JSON of an OrderPlaced, or a line of a file of events that holds one. It is
decided on the state as the log left it, and nothing is published or stored. A running
`omnifold serve` on the same folder must be stopped first: it owns the state.

Example:
  omnifold decide --policy deploy/policies/cost-based.toml --order order.json --market de";

/// Says what would be decided about an order.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Decide {
    /// The policy that would rule [default: the policy in force]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The order
    #[arg(long, value_name = "FILE")]
    order: PathBuf,
}

impl Decide {
    /// Decides and shows.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        let supposed = Supposed { policy: self.document()?, order: self.order()? };
        if context.remote()?.is_some() {
            let text = "a running server owns the state; stop it, or ask on a copy of its folder";
            return Err(Usage(text.to_owned()).into());
        }
        let log = context.open_existing_log()?;
        let market = context.market(&log)?;
        let answer = decide(log.log(), &market, context.options(), &supposed)??;
        context.output.show(&serde_json::to_value(answer)?, explanation_text)?;
        Ok(Exit::Done)
    }

    /// The canonical document, its state set to `active`: a draft may be tried.
    fn document(&self) -> Result<Option<String>> {
        let Some(file) = &self.policy else { return Ok(None) };
        let mut policy = read(file)?;
        policy.state = omnifold_domain::policy::Lifecycle::Active;
        Ok(Some(policy.canonical()))
    }

    fn order(&self) -> Result<v1::OrderPlaced> {
        let text = text_of(&self.order)?;
        let place = || format!("{} holds no OrderPlaced", self.order.display());
        let value: Value = serde_json::from_str(text.trim()).with_context(place)?;
        let data = value.get("data").filter(|_| value.get("specversion").is_some());
        serde_json::from_value(data.unwrap_or(&value).clone()).with_context(place)
    }
}
