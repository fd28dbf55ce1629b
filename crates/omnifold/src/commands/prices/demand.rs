//! The forecast of a market, which learns from `orders` as they come.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::Result;
use omnifold_domain::OrderKey;
use omnifold_events::Event;
use omnifold_log::{Log, TopicKind};
use omnifold_pricing::Forecast;

use crate::history::Tail;

/// Orders of which it is remembered that they were learned, at least: what comes again comes soon.
const REMEMBERED: usize = 1_000_000;

/// What is expected, and where in the log it was learned up to.
pub struct Demand {
    pub forecast: Forecast,
    pub orders: u64,
    tail: Tail,
    known: Known,
}

/// Orders seen of late. The older half is forgotten at a time.
#[derive(Default)]
struct Known {
    newer: HashSet<OrderKey>,
    older: HashSet<OrderKey>,
}

impl Known {
    /// Whether it is new.
    fn insert(&mut self, order: OrderKey) -> bool {
        if self.newer.len() >= REMEMBERED {
            self.older = std::mem::take(&mut self.newer);
        }
        !self.older.contains(&order) && self.newer.insert(order)
    }
}

impl Demand {
    /// Nothing is learned yet.
    pub fn open(log: &Arc<dyn Log>, of: (&str, &str), half_life_ms: i64) -> Result<Self> {
        let tail = Tail::open(&**log, of, TopicKind::Orders)?;
        let forecast = Forecast::new(half_life_ms);
        Ok(Demand { forecast, orders: 0, tail, known: Known::default() })
    }

    /// Learns from the orders that came since. One that was published twice counts once.
    pub fn learn(&mut self) -> Result<()> {
        let (forecast, known, orders) = (&mut self.forecast, &mut self.known, &mut self.orders);
        self.tail.each_event(|published| {
            if let Event::OrderPlaced(order) = &published.event
                && known.insert(OrderKey::of(&order.channel, &order.order_id))
            {
                forecast.learn(order, published.time_ms);
                *orders += 1;
            }
        })?;
        Ok(())
    }
}
