//! `omnifold simulate`.

mod compare;
mod history;
mod replay;

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use omnifold_domain::Policy;
use omnifold_log::Log;
use omnifold_simulation::what_if::change::Change;
use omnifold_simulation::what_if::settings::Settings;

pub use self::compare::{Basis, Report, Side, figure_cell, load_rows, summary};
pub use self::history::{History, Part, ruling};
pub use self::replay::play;
use crate::commands::policy;
use crate::context::Context;
use crate::exit::{Exit, Usage};

const EXAMPLE: &str = "\
Plays what customers asked for through the same engine under other settings, another policy, or both,
in a scratch log, and compares with what happened. Recorded and replayed: the network, counts and
receipts, transfers, orders with their changes, holds and payments. Modelled: nodes, which do with an
order what they did with it, and ship other work after their median time; so when a replay's orders
leave, and which are late, is modelled. Left out: returns, pick-ups, couriers. The market as it was is
replayed too: what differs there from what happened is the model's error.

A setting is a field of MarketConfigured. A policy rules from --from on, whatever its state and its
validity. Cost is what the cost model of one policy makes of every side. Holds the demand in memory; an
embedded log must not be in use by `omnifold serve`.

Example:
  omnifold simulate --policy deploy/policies/cost-based.toml --market de
  omnifold simulate --settings shortage=WAIT --market de
  omnifold simulate --settings coverage=ALLOW_PARTIAL --from 2025-06-02T00:00:00Z --output json";

/// Replays what happened against other settings or another policy.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Simulate {
    /// Setting that is otherwise; repeat it for several
    #[arg(long = "settings", value_name = "NAME=VALUE", required_unless_present = "policy")]
    settings: Vec<String>,
    /// Policy that rules instead
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    part: Part,
}

impl Simulate {
    /// Replays and compares.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        let settings = Settings::parse(&self.settings).map_err(|fault| Usage(fault.to_string()))?;
        let policy = self.policy.as_deref().map(policy::read).transpose()?;
        let opened = context.open_existing_log()?;
        let market = context.market(&opened)?;
        let costs: Vec<&Policy> = policy.iter().collect();
        let (of, change) = ((market.as_str(), &self.part), (settings, policy.as_ref()));
        let report = report(context, &*opened.log(), of, change, &costs)?;
        context.output.show(&report, compare::text)?;
        Ok(Exit::Done)
    }
}

/// What happened, the market as it was with modelled nodes, and the change. `costs`: policies that may
/// have a cost model, as [`History::read`] takes them.
pub fn report(
    context: &Context,
    log: &dyn Log,
    (market, part): (&str, &Part),
    (settings, policy): (Settings, Option<&Policy>),
    costs: &[&Policy],
) -> Result<Report> {
    let history = History::read(log, (&context.config().prefix, market), part, costs)?;
    let change = Change::default().with_settings(settings).with_policy(policy.map(ruling));
    let same = play(context, &history, &Change::default())?;
    let other = play(context, &history, &change)?;
    Ok(Report::new(&history, change.name(), same, other))
}
