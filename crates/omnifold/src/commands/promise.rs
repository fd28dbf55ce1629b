//! `omnifold promise`.

use anyhow::Result;
use clap::Args;
use omnifold_projector::{PromiseAsked, Query};

use crate::commands::show;
use crate::context::Context;
use crate::exit::{Exit, Usage};

const EXAMPLE: &str = "\
What the customer would be promised if the order were placed now: the nodes that would serve it, the
days, and from what they are known. Nothing is published or stored. A running `omnifold serve` answers
at GET /v1/markets/MARKET/promise with the same parameters.

Example:
  omnifold promise --market br --items tea-500=2,mug --to -23.55,-46.63 --country BR --area 013";

/// Says what would be promised, before anything is bought.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Promise {
    /// SKUs and units
    #[arg(long, value_name = "SKU=UNITS,...")]
    items: String,
    /// Where it is to go, in degrees
    #[arg(long, value_name = "LAT,LON", default_value = "", allow_hyphen_values = true)]
    to: String,
    /// Country it is to go to, two letters
    #[arg(long, default_value = "")]
    country: String,
    /// Leading part of the postcode it is to go to
    #[arg(long, default_value = "")]
    area: String,
    /// The channel that sells it
    #[arg(long, default_value = "web")]
    channel: String,
    /// When it would be bought [default: now by the market's clock]
    #[arg(long, value_name = "TIME", default_value = "")]
    at: String,
}

impl Promise {
    /// Asks and shows.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        let to = (self.country.as_str(), self.area.as_str());
        let asked = PromiseAsked::read(&self.channel, &self.items, &self.to, to, &self.at);
        show::answer(context, &Query::Promise(asked.map_err(Usage)?))
    }
}
