//! One solve: prices of a market as it stands, and what is published of them.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use omnifold_channels::publish::{Publisher, PublisherOptions};
use omnifold_domain::View;
use omnifold_events::jsonl::FileEvent;
use omnifold_events::v1;
use omnifold_log::Log;
use omnifold_pricing::market::{self, Found, Terms};
use omnifold_pricing::{Costs, Forecast, Settings};
use omnifold_projector::Standing;

use super::report::{Row, rows};
use crate::context::Context;

/// What a solve is to go by.
pub struct Ask {
    /// Costs that were named; `None`: those of the policy in force, else those of the published benchmark.
    pub costs: Option<Costs>,
    /// In place of what the costs say, 1/1000 of a minor unit.
    pub unserved: Option<i64>,
    pub horizon_ms: i64,
    pub valid_ms: i64,
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
        let mut costs =
            self.costs.clone().or_else(|| Costs::in_force(view)).unwrap_or_else(Costs::default);
        costs.unserved = self.unserved.unwrap_or(costs.unserved);
        let cost_model = format!("`{}` version {}", costs.policy().name, costs.policy().version);
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

/// The id names the position that was read: solving the same position again changes nothing.
pub fn publish(
    context: &Context,
    log: &Arc<dyn Log>,
    market: &str,
    solved: &Solved,
    position: &Standing,
) -> Result<()> {
    let prefix = &context.config().prefix;
    let mut publisher = Publisher::new(log, prefix, market, PublisherOptions::default())?;
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
