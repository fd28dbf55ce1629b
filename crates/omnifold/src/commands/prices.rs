//! `omnifold prices`.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use clap::Args;
use omnifold_channels::publish::{Publisher, PublisherOptions};
use omnifold_domain::{OrderKey, Priced, View};
use omnifold_events::jsonl::FileEvent;
use omnifold_events::{Event, format_time, v1};
use omnifold_log::{Log, TopicKind};
use omnifold_pricing::market::{self, Costs, Found, Terms};
use omnifold_pricing::{Forecast, Settings};
use omnifold_projector::{Standing, read_market};
use serde::Serialize;

use crate::context::Context;
use crate::exit::Exit;
use crate::history::each_event;
use crate::output::{pairs, table, thousands};

const EXAMPLE: &str = "\
Learns from `orders` how often which SKUs are ordered together and where to, solves what that would
need against the stock and capacity there is now, and publishes on `network` what one more unit of
scarce stock would save. Run it on a schedule, and when much stock has come or gone: prices end by
themselves. Reads the whole log; an embedded log must not be in use by `omnifold serve`.

Costs are in minor units of the market's currency. Stock that is on its way is not counted.

Example:
  omnifold prices --market de --dry-run
  omnifold prices --kafka 127.0.0.1:9092 --market de --horizon-days 14 --valid-hours 6";

/// Solves shadow prices of scarce stock and publishes them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Prices {
    /// Days after which an order counts half in the forecast
    #[arg(long, default_value_t = 14.0, value_parser = positive)]
    half_life_days: f64,
    /// Days of demand that today's stock is to last for
    #[arg(long, default_value_t = 7.0, value_parser = positive)]
    horizon_days: f64,
    /// Hours for which the prices hold
    #[arg(long, default_value_t = 24.0, value_parser = positive)]
    valid_hours: f64,
    /// Cost of a shipment
    #[arg(long, default_value_t = 875.9, value_parser = money)]
    shipment: f64,
    /// Cost of a unit
    #[arg(long, default_value_t = 42.3, value_parser = money)]
    unit: f64,
    /// Cost of a unit for a thousand kilometres
    #[arg(long, default_value_t = 34.0, value_parser = money)]
    unit_1000km: f64,
    /// Cost of not serving an order [default: two shipments]
    #[arg(long, value_parser = money)]
    unserved: Option<f64>,
    /// Only show the prices
    #[arg(long)]
    dry_run: bool,
}

/// What was found, and what was published of it.
#[derive(Serialize)]
struct Report {
    position: Standing,
    orders_learned: u64,
    kinds_given_up: u64,
    kinds: usize,
    orders_expected: f64,
    orders_expected_left_out: f64,
    scarce_rows: usize,
    scarce_rows_left_out: usize,
    complete: bool,
    expected_cost_at_least_minor: f64,
    valid_until: String,
    events_published: usize,
    prices: Vec<Row>,
}

/// One price.
#[derive(Serialize)]
struct Row {
    node: String,
    /// Absent: an order of the node's capacity.
    sku: Option<String>,
    price_minor: f64,
}

const DAY_MS: f64 = 86_400_000.0;
const HOUR_MS: f64 = 3_600_000.0;
/// Prices are in 1/1000 of a minor unit.
const MILLI: f64 = 1_000.0;
/// Prices shown as text.
const SHOWN: usize = 20;

fn positive(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if value > 0.0 && value <= 36_500.0 { Ok(value) } else { Err("must be 0 to 36,500".into()) }
}

fn money(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if (0.0..=1e9).contains(&value) { Ok(value) } else { Err("must be 0 to 1,000,000,000".into()) }
}

/// What one solve gave.
struct Solved {
    found: Found,
    events: Vec<v1::PricesPublished>,
    rows: Vec<Row>,
    now_ms: i64,
}

impl Prices {
    /// Learns, solves, publishes.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        let opened = context.open_existing_log()?;
        let (market, log) = (context.market(&opened)?, opened.log());
        let (mut forecast, learned) = self.learn(&*log, &context.config().prefix, &market)?;
        let (solved, position) =
            read_market(&log, &market, &context.options(), |view, clock_ms| {
                forecast.advance(clock_ms);
                self.solve(view, clock_ms, &forecast)
            })?;
        if !self.dry_run {
            publish(context, &log, &market, &solved, &position)?;
        }
        let report = self.report(solved, position, (learned, forecast.dropped()));
        context.output.show(&report, text)?;
        Ok(Exit::Done)
    }

    fn solve(&self, view: &mut dyn View, clock_ms: i64, forecast: &Forecast) -> Solved {
        let found = market::find(view, forecast, &self.terms());
        let now_ms = now_ms(view, clock_ms);
        let until_ms = now_ms + span(self.valid_hours, HOUR_MS);
        let events = market::events(view, &found, (0, until_ms));
        let rows = rows(view, &found);
        Solved { found, events, rows, now_ms }
    }

    fn report(
        &self,
        solved: Solved,
        position: Standing,
        (learned, given_up): (u64, u64),
    ) -> Report {
        let figures = &solved.found.figures;
        Report {
            position,
            orders_learned: learned,
            kinds_given_up: given_up,
            kinds: figures.classes,
            orders_expected: figures.orders,
            orders_expected_left_out: figures.orders_left_out,
            scarce_rows: figures.scarce,
            scarce_rows_left_out: figures.scarce_left_out,
            complete: figures.solved.complete,
            expected_cost_at_least_minor: figures.solved.bound / MILLI,
            valid_until: format_time(solved.now_ms + span(self.valid_hours, HOUR_MS)),
            events_published: if self.dry_run { 0 } else { solved.events.len() },
            prices: solved.rows,
        }
    }

    fn terms(&self) -> Terms {
        let milli = |minor: f64| (minor * MILLI).round() as i64;
        let shipment = milli(self.shipment);
        Terms {
            costs: Costs {
                shipment,
                unit: milli(self.unit),
                unit_km: (self.unit_1000km * MILLI / 1_000.0).round() as i64,
                unserved: self.unserved.map_or(2 * shipment, milli),
            },
            horizon_ms: span(self.horizon_days, DAY_MS),
            solver: Settings::default(),
        }
    }

    /// An order that was published twice counts once.
    fn learn(&self, log: &dyn Log, prefix: &str, market: &str) -> Result<(Forecast, u64)> {
        let mut forecast = Forecast::new(span(self.half_life_days, DAY_MS));
        let mut known = HashSet::new();
        each_event(log, (prefix, market), TopicKind::Orders, |published| {
            if let Event::OrderPlaced(order) = &published.event
                && known.insert(OrderKey::of(&order.channel, &order.order_id))
            {
                forecast.learn(order, published.time_ms);
            }
        })?;
        Ok((forecast, known.len() as u64))
    }
}

/// A market on the machine's clock may have been idle for long.
fn now_ms(view: &dyn View, clock_ms: i64) -> i64 {
    match view.settings() {
        Some(settings) if !settings.events_clock => {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            clock_ms.max(since.as_millis() as i64)
        }
        _ => clock_ms,
    }
}

fn span(count: f64, of_ms: f64) -> i64 {
    (count * of_ms).round() as i64
}

fn rows(view: &dyn View, found: &Found) -> Vec<Row> {
    let mut rows = Vec::new();
    for (of, nodes) in &found.prices {
        for &(node, price) in nodes {
            rows.push(Row {
                node: view.nodes()[node.0 as usize].id.clone(),
                sku: match of {
                    Priced::Stock(sku) => Some(view.item(*sku).sku.clone()),
                    Priced::Capacity => None,
                },
                price_minor: price as f64 / MILLI,
            });
        }
    }
    rows.sort_by(|a, b| b.price_minor.total_cmp(&a.price_minor));
    rows
}

/// The id names the position that was read: solving the same position again changes nothing.
fn publish(
    context: &Context,
    log: &std::sync::Arc<dyn Log>,
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

fn text(report: &Report) -> String {
    let head = pairs([
        ("learned from", format!("{} orders", thousands(report.orders_learned))),
        ("expected", format!("{:.0} orders of {} kinds", report.orders_expected, report.kinds)),
        ("scarce", format!("{} rows of stock and capacity", thousands(report.scarce_rows as u64))),
        ("prices", thousands(report.prices.len() as u64)),
        ("hold until", report.valid_until.clone()),
        ("published", format!("{} events", report.events_published)),
    ]);
    let rows = report.prices.iter().take(SHOWN).map(|row| {
        let sku = row.sku.clone().unwrap_or_else(|| "(an order)".to_owned());
        vec![row.node.clone(), sku, format!("{:.2}", row.price_minor)]
    });
    format!("{head}\n{}", table(&["node", "sku", "price, minor units"], &[2], rows))
}
