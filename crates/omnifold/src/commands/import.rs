//! `omnifold import`.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use omnifold_channels::olist::{OlistOptions, OlistSummary, import};
use omnifold_channels::publish::{Publisher, PublisherOptions};
use omnifold_channels::sealing::Keyring;
use omnifold_events::v1::PromiseSpending;

use crate::commands::topics::create_for;
use crate::context::Context;
use crate::exit::Exit;
use crate::output::{pairs, thousands};
use crate::progress::Line;

const OLIST: &str = "\
DIR holds the CSV files of the public Olist data set (Brazil, 2016 to 2018). Orders, shipments,
deliveries and cancellations become events in time order; sellers become nodes. The data has no
stock: it is derived by a seeded rule, which the summary tells. Personal data is sealed under keys
in the folder of `keys` (`omnifold config print`). Importing again publishes the same events, which
have no effect twice.

Example:
  omnifold import olist data/olist --market br
  omnifold run --until-idle --market br --output json
With promises learned from the history as it happens, and what became of them:
  omnifold import olist data/olist --market br --promise-late 6.5
  omnifold run --until-idle --market br && omnifold show market --market br";

/// The history of a marketplace as events.
#[derive(Debug, Subcommand)]
pub enum Import {
    /// The Olist marketplace
    #[command(after_help = OLIST)]
    Olist(Olist),
}

/// The Olist marketplace.
#[derive(Debug, Args)]
pub struct Olist {
    /// Folder of the CSV files
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Seed of the rule that derives stock
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Promise every order a day that this share comes after, in per cent, at most 40. Orders are then
    /// limited to the sellers that shipped them, who have all of it in stock
    #[arg(long, value_name = "PERCENT", value_parser = parts_per_million)]
    promise_late: Option<u32>,
    /// Spend that share where it saves the most promised days, and not evenly over all kinds of orders
    #[arg(long, requires = "promise_late")]
    promise_thrifty: bool,
}

/// `6.5` per cent in millionths.
fn parts_per_million(text: &str) -> Result<u32, String> {
    let fault = || format!("`{text}` is no share from above 0 to 40 per cent");
    let percent: f64 = text.parse().map_err(|_| fault())?;
    let ppm = (percent * 10_000.0).round();
    if (1.0..=400_000.0).contains(&ppm) { Ok(ppm as u32) } else { Err(fault()) }
}

impl Import {
    /// Imports.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        let Import::Olist(olist) = self;
        let log = context.open_log()?;
        let market = context.market(&log)?;
        create_for(context, &log, &market)?;
        let keyring = Keyring::open_or_create(&context.config().keys)?;
        let prefix = &context.config().prefix;
        let options = PublisherOptions::default();
        let mut publisher = Publisher::new(&log.log(), prefix, &market, options)?;
        let line = Line::of(&context.output, "publishing", 0);
        let progress = |done, of| line.at_of(done, of);
        let (seed, promise_late_ppm) = (olist.seed, olist.promise_late);
        let promise_spending = match olist.promise_thrifty {
            true => PromiseSpending::Thrifty,
            false => PromiseSpending::Even,
        };
        let options =
            OlistOptions { seed, promise_late_ppm, promise_spending, ..OlistOptions::default() };
        let summary = import(&olist.dir, &options, &mut publisher, &keyring, &progress)?;
        drop(line);
        context.output.show(&summary, |summary| summary_text(summary, &market))?;
        Ok(Exit::Done)
    }
}

fn summary_text(summary: &OlistSummary, market: &str) -> String {
    let count = |name: &str, value: u64| (name.to_owned(), thousands(value));
    let OlistSummary { stock, places, odd_times, .. } = summary;
    let mut rows = vec![
        ("market".to_owned(), market.to_owned()),
        ("history".to_owned(), format!("{} to {}", summary.first_time, summary.last_time)),
        count("orders", summary.orders),
        count("  with lines", summary.orders_with_lines),
        count("  without (the engine refuses them)", summary.orders_without_lines),
        count("order lines", summary.lines),
        count("units", summary.units),
        count("nodes (sellers)", summary.nodes),
        count("items", summary.items),
        count("persons, sealed", summary.persons),
        count("orders at the nearest known place", places.orders_at_nearest_prefix),
        count("nodes at the nearest known place", places.nodes_at_nearest_prefix),
        count("shipped before bought", odd_times.shipped_before_bought),
        count("delivered before shipped", odd_times.delivered_before_shipped),
        count("cancelled after shipped", odd_times.cancelled_after_shipped),
        count("shipped without lines", odd_times.shipped_without_lines),
        count("stock rows derived", stock.rows),
        count("  with enough", stock.enough),
        count("  scarce", stock.scarce),
        count("  with none", stock.none),
        count("events published", summary.events),
    ];
    let types = summary.events_by_type.iter();
    rows.extend(types.map(|(name, value)| {
        count(&format!("  {}", name.trim_start_matches("omnifold.v1.")), *value)
    }));
    format!(
        "{}\nStock is derived (seed {}): {}\n\nNext: omnifold run --until-idle --market {market}",
        pairs(rows),
        stock.seed,
        stock.rule
    )
}
