//! One solve: prices of a market as it stands, and what is published of them.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use omnifold_channels::publish::{Publisher, PublisherOptions};
use omnifold_domain::View;
use omnifold_events::jsonl::FileEvent;
use omnifold_events::{format_time, v1};
use omnifold_log::Log;
use omnifold_pricing::market::{self, Found, Terms};
use omnifold_pricing::{Costs, Forecast, Settings};
use omnifold_projector::{Options, Reading, Standing};

use super::demand::Demand;
use super::report::{Around, Because, Report, Row, rows};
use crate::commands::policy::label;

/// What a solve is to go by.
pub struct Ask {
    /// Costs that were named; `None`: those of the policy in force, else those of the published benchmark.
    pub costs: Option<Costs>,
    /// In place of what the costs say, 1/1000 of a minor unit.
    pub unserved: Option<i64>,
    pub horizon_ms: i64,
    pub valid_ms: i64,
    /// Or only shows them.
    pub publishes: bool,
}

/// What one solve gave.
pub struct Solved {
    pub found: Found,
    pub events: Vec<v1::PricesPublished>,
    pub rows: Vec<Row>,
    pub now_ms: i64,
    pub until_ms: i64,
    pub cost_model: String,
}

impl Ask {
    /// Solves the market as it stands.
    pub fn solve(&self, view: &mut dyn View, clock_ms: i64, forecast: &Forecast) -> Solved {
        let mut costs = self.costs.clone().or_else(|| Costs::in_force(view)).unwrap_or_default();
        costs.unserved = self.unserved.unwrap_or(costs.unserved);
        let cost_model = label(costs.policy());
        let terms = Terms { costs, horizon_ms: self.horizon_ms, solver: Settings::default() };
        let found = market::find(view, forecast, &terms);
        let now_ms = now_ms(view, clock_ms);
        let until_ms = now_ms + self.valid_ms;
        let events = market::events(view, &found, (0, until_ms));
        let rows = rows(view, &found);
        Solved { found, events, rows, now_ms, until_ms, cost_model }
    }
}

/// A market on the machine's clock may have been idle for long.
pub fn now_ms(view: &dyn View, clock_ms: i64) -> i64 {
    match view.settings() {
        Some(settings) if !settings.events_clock => {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            clock_ms.max(since.as_millis() as i64)
        }
        _ => clock_ms,
    }
}

/// What a solve reads: the state, and what is expected.
pub struct Source {
    log: Arc<dyn Log>,
    prefix: String,
    market: String,
    pub reading: Reading,
    demand: Demand,
}

impl Source {
    /// From the beginning of the log; nothing is read yet.
    pub fn open(
        log: &Arc<dyn Log>,
        market: &str,
        options: &Options,
        half_life_ms: i64,
    ) -> Result<Self> {
        Ok(Source {
            demand: Demand::open(log, (&options.prefix, market), half_life_ms)?,
            reading: Reading::open(log, market, options)?,
            log: log.clone(),
            prefix: options.prefix.clone(),
            market: market.to_owned(),
        })
    }

    /// Reads what came since.
    pub fn catch_up(&mut self) -> Result<()> {
        self.reading.catch_up()?;
        self.demand.learn()
    }

    /// Solves what it stands at, and publishes it.
    pub fn solve(
        &mut self,
        ask: &Ask,
        (because, drift): (Because, f64),
    ) -> Result<(Solved, Report)> {
        let forecast = &mut self.demand.forecast;
        let (mut solved, position) = self.reading.read(|view, clock_ms| {
            forecast.advance(clock_ms);
            ask.solve(view, clock_ms, forecast)
        });
        if ask.publishes {
            self.publish(&solved, &position)?;
        }
        let around = Around {
            because,
            drift_percent: 100.0 * drift,
            position,
            cost_model: solved.cost_model.clone(),
            orders_learned: self.demand.orders,
            kinds_given_up: self.demand.forecast.dropped(),
            valid_until: format_time(solved.until_ms),
            events_published: if ask.publishes { solved.events.len() } else { 0 },
        };
        let rows = std::mem::take(&mut solved.rows);
        let report = Report::new(&solved.found, rows, around);
        Ok((solved, report))
    }

    /// The id names the position that was read: solving the same position again changes nothing.
    fn publish(&self, solved: &Solved, position: &Standing) -> Result<()> {
        let options = PublisherOptions::default();
        let mut publisher = Publisher::new(&self.log, &self.prefix, &self.market, options)?;
        for (part, event) in solved.events.iter().enumerate() {
            publisher.publish(&FileEvent {
                id: format!("prices-{}-{}-{part}", position.epoch, event.valid_until_ms),
                source: "omnifold-prices".to_owned(),
                time_ms: Some(solved.now_ms),
                event: event.clone().into(),
            })?;
        }
        Ok(publisher.flush()?)
    }
}
