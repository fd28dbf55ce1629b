//! `omnifold topics`.

use anyhow::Result;
use clap::Subcommand;
use omnifold_projector::{check_topics, topic_specs};
use serde_json::json;

use crate::context::{Context, OpenLog};
use crate::exit::Exit;

const CREATE: &str = "\
Each market has ten topics of one partition each, {prefix}.{market}.orders and so on, kept for
ever. Topics that are there already are left as they are.

Example:
  omnifold --kafka localhost:9092 topics create --market de --market at";

const CHECK: &str = "\
Looks for what would destroy or reorder history: a missing topic, several partitions, compaction,
limited retention. Ends with exit code 3 where it finds something.

Example:
  omnifold --kafka localhost:9092 topics check --market de";

/// The topics of markets.
#[derive(Debug, Subcommand)]
pub enum Topics {
    /// Create the topics that are missing
    #[command(after_help = CREATE)]
    Create,
    /// Say what is wrong with the topics
    #[command(after_help = CHECK)]
    Check,
}

impl Topics {
    /// Creates or checks.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        match self {
            Topics::Create => create(context),
            Topics::Check => check(context),
        }
    }
}

fn create(context: &Context) -> Result<Exit> {
    let log = context.open_log()?;
    let mut made = Vec::new();
    for market in context.markets(&log)? {
        made.extend(create_for(context, &log, &market)?);
    }
    context.output.show(&json!({ "created": made }), |_| match made.len() {
        0 => "every topic is there already".to_owned(),
        count => format!("created {count} topics:\n  {}", made.join("\n  ")),
    })?;
    Ok(Exit::Done)
}

/// Makes the missing topics of a market; returns their names.
pub fn create_for(context: &Context, log: &OpenLog, market: &str) -> Result<Vec<String>> {
    let specs = topic_specs(&context.config().prefix, market);
    Ok(log.log().create_topics(&specs)?)
}

fn check(context: &Context) -> Result<Exit> {
    let log = context.open_existing_log()?;
    let markets = context.markets(&log)?;
    let faults = check_topics(&*log.log(), &context.config().prefix, &markets)?;
    let result = json!({ "ok": faults.is_empty(), "markets": markets, "faults": faults });
    context.output.show(&result, |_| match faults.len() {
        0 => format!("the topics of {} are as they must be", markets.join(", ")),
        _ => faults.join("\n"),
    })?;
    Ok(if faults.is_empty() { Exit::Done } else { Exit::Violations })
}
