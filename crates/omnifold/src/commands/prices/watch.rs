//! Prices that are solved again: on a schedule, as stock drifts, and when another policy rules.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use omnifold_domain::View;
use omnifold_log::Log;
use omnifold_pricing::Scarce;
use omnifold_projector::Options;
use tracing::info;

use super::report::{Because, Report};
use super::solve::{Ask, Solved, Source, now_ms};
use super::{DAY_MS, HALF_LIFE_DAYS, MINUTE_MS, VALID_HOURS, span};
use crate::config::PricesConfig;

/// How long a signal may wait.
const LOOK: Duration = Duration::from_millis(200);

/// When prices are solved again.
pub struct Schedule {
    /// After so many milliseconds by the market's clock.
    pub every_ms: i64,
    /// After so much of what was scarce has gone or come, as a share.
    pub drift: f64,
    /// So many times in all; `None`: until it is told to stop.
    pub times: Option<u64>,
}

/// Where prices were solved last.
struct Last {
    at_ms: i64,
    scarce: Scarce,
    /// Of the policy that ruled.
    policy: Option<String>,
}

/// When the next solve is due.
struct Next<'a> {
    schedule: &'a Schedule,
    last: Option<Last>,
}

/// Keeps a market's prices solved, as the configuration of a server says, until it is told to stop.
pub fn keep(
    log: &Arc<dyn Log>,
    market: &str,
    (options, config): (&Options, &PricesConfig),
    is_over: &dyn Fn() -> bool,
) -> Result<()> {
    let every_minutes = config.every_minutes as f64;
    // Longer than until the next solve, whatever that is.
    let valid_ms = span((60.0 * VALID_HOURS).max(2.0 * every_minutes), MINUTE_MS);
    let horizon_ms = span(config.horizon_days as f64, DAY_MS);
    let ask = Ask { costs: None, unserved: None, horizon_ms, valid_ms, publishes: true };
    let schedule = Schedule {
        every_ms: span(every_minutes, MINUTE_MS),
        drift: config.drift_percent as f64 / 100.0,
        times: None,
    };
    let mut source = Source::open(log, market, options, span(HALF_LIFE_DAYS, DAY_MS))?;
    source.watch(&ask, &schedule, is_over, &mut |report| {
        info!(
            market,
            because = ?report.around.because,
            costs = report.around.cost_model,
            orders = report.around.orders_learned,
            events = report.around.events_published,
            "prices solved"
        );
        Ok(())
    })
}

impl Source {
    /// Follows the market and solves whenever it is due.
    pub fn watch(
        &mut self,
        ask: &Ask,
        schedule: &Schedule,
        is_over: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Report) -> Result<()>,
    ) -> Result<()> {
        let mut next = Next { schedule, last: None };
        let mut solves = 0;
        while !is_over() && schedule.times.is_none_or(|times| solves < times) {
            self.catch_up()?;
            let (due, _) = self.reading.read(|view, clock_ms| next.due(view, clock_ms));
            let Some(why) = due else {
                self.reading.wait(LOOK)?;
                continue;
            };
            let (solved, report) = self.solve(ask, why)?;
            self.reading.read(|view, _| next.solved(view, &solved));
            tell(&report)?;
            solves += 1;
        }
        Ok(())
    }
}

impl Next<'_> {
    /// Whether it is due, why, and how far what was scarce has drifted.
    fn due(&self, view: &mut dyn View, clock_ms: i64) -> Option<(Because, f64)> {
        // A market that nobody has configured has nothing to price.
        view.settings()?;
        let Some(last) = &self.last else { return Some((Because::Asked, 0.0)) };
        let drift = last.scarce.drift(view);
        let because = if last.policy != policy_of(view) {
            Because::Policy
        } else if drift >= self.schedule.drift {
            Because::Drift
        } else if now_ms(view, clock_ms) - last.at_ms >= self.schedule.every_ms {
            Because::Time
        } else {
            return None;
        };
        Some((because, drift))
    }

    fn solved(&mut self, view: &mut dyn View, solved: &Solved) {
        let scarce = Scarce::of(&solved.found);
        self.last = Some(Last { at_ms: solved.now_ms, scarce, policy: policy_of(view) });
    }
}

fn policy_of(view: &dyn View) -> Option<String> {
    Some(view.settings()?.policy.as_deref()?.hash.clone())
}
