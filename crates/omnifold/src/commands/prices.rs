//! `omnifold prices`.

mod demand;
mod report;
mod solve;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use clap::Args;
use omnifold_pricing::{Costs, PUBLISHED};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::commands::policy::read as read_policy;
use crate::context::Context;
use crate::exit::{Exit, Usage};
use report::{Because, MILLI, Report, text};
use solve::{Ask, Source};
use watch::Schedule;
pub use watch::keep;

const EXAMPLE: &str = "\
Learns from `orders` how often which SKUs are ordered together and where to, solves what that would
need against the stock and capacity there is now, and publishes on `network` what one more unit of
scarce stock would save. Prices end by themselves. Reads the whole log; an embedded log must not be
in use by `omnifold serve`.

With --every-minutes it stays, follows the log, and solves again when that time is over by the
market's clock, when so much of what was scarce has gone or come (--drift-percent), or when another
policy rules. One such process a market is enough. Ctrl-C ends it.

What is minimised are the costs of the policy in force: of its rule with `[rule.cost]` that says
least about the orders it takes. Without one, or where --shipment, --unit or --unit-1000km are
given: 875.9 a shipment, 42.3 a unit, 34 a unit and 1,000 km. Stock that is on its way is not counted.

Example:
  omnifold prices --market de --dry-run
  omnifold prices --kafka 127.0.0.1:9092 --market de --every-minutes 30 --drift-percent 5";

/// Solves shadow prices of scarce stock and publishes them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Prices {
    /// Days after which an order counts half in the forecast
    #[arg(long, default_value_t = HALF_LIFE_DAYS, value_parser = positive)]
    half_life_days: f64,
    /// Days of demand that today's stock is to last for
    #[arg(long, default_value_t = 7.0, value_parser = positive)]
    horizon_days: f64,
    /// Hours for which the prices hold
    #[arg(long, default_value_t = VALID_HOURS, value_parser = positive)]
    valid_hours: f64,
    /// Policy whose costs are minimised [default: the one in force]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["shipment", "unit", "unit_1000km"])]
    costs: Option<PathBuf>,
    /// Cost of a shipment, in minor units
    #[arg(long, value_parser = money)]
    shipment: Option<f64>,
    /// Cost of a unit, in minor units
    #[arg(long, value_parser = money)]
    unit: Option<f64>,
    /// Cost of a unit for a thousand kilometres, in minor units
    #[arg(long, value_parser = money)]
    unit_1000km: Option<f64>,
    /// Cost of not serving an order, in minor units [default: two shipments]
    #[arg(long, value_parser = money)]
    unserved: Option<f64>,
    /// Stay, and solve again after so many minutes
    #[arg(long, value_name = "MINUTES", value_parser = positive)]
    every_minutes: Option<f64>,
    /// Solve sooner when this share of what was scarce has gone or come
    #[arg(long, value_name = "PERCENT", default_value_t = 10.0, requires = "every_minutes")]
    #[arg(value_parser = positive)]
    drift_percent: f64,
    /// End after so many solves
    #[arg(long, value_name = "SOLVES", requires = "every_minutes")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    times: Option<u64>,
    /// Only show the prices
    #[arg(long)]
    dry_run: bool,
}

const MINUTE_MS: f64 = 60_000.0;
const HOUR_MS: f64 = 60.0 * MINUTE_MS;
const DAY_MS: f64 = 24.0 * HOUR_MS;
const HALF_LIFE_DAYS: f64 = 14.0;
const VALID_HOURS: f64 = 24.0;

fn positive(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if value > 0.0 && value <= 36_500.0 { Ok(value) } else { Err("must be 0 to 36,500".into()) }
}

fn money(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if (0.0..=1e9).contains(&value) { Ok(value) } else { Err("must be 0 to 1,000,000,000".into()) }
}

impl Prices {
    /// Learns, solves, publishes; once, or again and again.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        let ask = self.ask()?;
        let opened = context.open_existing_log()?;
        let (market, log) = (context.market(&opened)?, opened.log());
        let half_life_ms = span(self.half_life_days, DAY_MS);
        let mut source = Source::open(&log, &market, &context.options(), half_life_ms)?;
        let mut tell = |report: &Report| context.output.show(report, text);
        let Some(minutes) = self.every_minutes else {
            source.catch_up()?;
            let (_, report) = source.solve(&ask, (Because::Asked, 0.0))?;
            tell(&report)?;
            return Ok(Exit::Done);
        };
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            signal_hook::flag::register(signal, stop.clone())
                .context("cannot watch for signals")?;
        }
        let schedule = Schedule {
            every_ms: span(minutes, MINUTE_MS),
            drift: self.drift_percent / 100.0,
            times: self.times,
        };
        source.watch(&ask, &schedule, &|| stop.load(Ordering::Relaxed), &mut tell)?;
        Ok(Exit::Done)
    }

    fn ask(&self) -> Result<Ask> {
        if self.every_minutes.is_some_and(|every| every >= 60.0 * self.valid_hours) {
            let text = "prices would end before they are solved again: give --valid-hours more \
                        than --every-minutes";
            return Err(Usage(text.to_owned()).into());
        }
        Ok(Ask {
            costs: self.named_costs()?,
            unserved: self.unserved.map(milli),
            horizon_ms: span(self.horizon_days, DAY_MS),
            valid_ms: span(self.valid_hours, HOUR_MS),
            publishes: !self.dry_run,
        })
    }

    fn named_costs(&self) -> Result<Option<Costs>> {
        if let Some(file) = &self.costs {
            let fault = || Usage(format!("{}: no `[rule.cost]` and no `[cost]`", file.display()));
            return Ok(Some(Costs::of(read_policy(file)?).ok_or_else(fault)?));
        }
        if self.shipment.is_none() && self.unit.is_none() && self.unit_1000km.is_none() {
            return Ok(None);
        }
        // What is not said is as in the published benchmark.
        let (shipment, unit, unit_km) = PUBLISHED;
        let of_km = |minor_1000km: f64| (minor_1000km * MILLI / 1_000.0).round() as i64;
        let flat = Costs::flat(
            self.shipment.map_or(shipment, milli),
            self.unit.map_or(unit, milli),
            self.unit_1000km.map_or(unit_km, of_km),
        );
        Ok(Some(flat.map_err(|fault| Usage(format!("these costs: {fault}")))?))
    }
}

fn milli(minor: f64) -> i64 {
    (minor * MILLI).round() as i64
}

fn span(count: f64, of_ms: f64) -> i64 {
    (count * of_ms).round() as i64
}
