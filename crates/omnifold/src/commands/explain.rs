//! `omnifold explain`.

use anyhow::Result;
use clap::Args;
use omnifold_projector::{Query, query_offline};
use serde_json::Value;

use crate::client::escaped;
use crate::context::Context;
use crate::exit::{Exit, NotFound};
use crate::render::explanation_text;

const EXAMPLE: &str = "\
For each decision about the order: the rule that decided and those passed over, each node that
stocks something of it with what ruled it out, and what the best other plan would have cost.

Example:
  omnifold explain web 1001 --market de";

/// Says why an order's nodes were chosen.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Explain {
    /// The order's channel
    #[arg(value_name = "CHANNEL")]
    channel: String,
    /// The channel's id for the order
    #[arg(value_name = "ORDER_ID")]
    order_id: String,
}

impl Explain {
    /// Asks and shows.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        let answer: Value = match context.remote()? {
            Some(client) => {
                let market = context.market_of(&client)?;
                let (channel, order_id) = (escaped(&self.channel), escaped(&self.order_id));
                let market = escaped(&market);
                client.get(&format!("/v1/markets/{market}/decisions/{channel}/{order_id}"))?
            }
            None => {
                let log = context.open_existing_log()?;
                let market = context.market(&log)?;
                let (channel, order_id) = (self.channel.clone(), self.order_id.clone());
                let query = Query::Decisions { channel, order_id };
                let answer = query_offline(log.log(), &market, context.options(), query)?;
                serde_json::to_value(answer.map_err(|error| NotFound(error.to_string()))?)?
            }
        };
        context.output.show(&answer, explanation_text)?;
        Ok(Exit::Done)
    }
}
