//! `omnifold demo`.

mod ending;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use omnifold_channels::publish::{Publisher, PublisherOptions, record_key};
use omnifold_events::Event;
use omnifold_log::Log;
use omnifold_projector::{Progress, RunSummary, Standing, run_market};
use omnifold_simulation::checker::{CheckOptions, CheckReport, check};
use omnifold_simulation::retailer::{Options as RetailerOptions, Retailer};
use serde::Serialize;

use self::ending::{Ending, REPLAYED};
use crate::commands::topics::create_for;
use crate::config::LogKind;
use crate::context::Context;
use crate::exit::{Exit, Usage};
use crate::output::{pairs, percent, thousands};
use crate::progress::Line;

const EXAMPLE: &str = "\
A retailer with warehouses, stores and dropship partners in named cities, a few thousand SKUs and
one day of orders with an evening peak: stock runs out and comes back, nodes turn work down,
customers cancel. Everything follows from the seed. A thread publishes the day to an embedded log
while the engine decides it. At the end a checker that shares no code with the engine reads the
topics and says whether everything holds. Then one decision is explained, and the day's beginning is
replayed under another policy.

Example:
  omnifold demo
  omnifold demo --orders 500000 --seed 7 --keep ./demo";

/// Market of the demo.
const MARKET: &str = "demo";

/// Plays a day of a made-up retailer through the engine.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Demo {
    /// Orders of the day
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    orders: u64,
    /// Another seed is another day
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keep log and state in this folder, which must be new or empty [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// What came out.
#[derive(Serialize)]
struct Report {
    orders: u64,
    lines: u64,
    nodes: usize,
    skus: usize,
    assigned_at_once: u64,
    partly_assigned: u64,
    waiting_at_first: u64,
    still_waiting_units: f64,
    refused: u64,
    split: u64,
    fulfilments: u64,
    rerouted: u64,
    served_from_waiting: u64,
    mean_distance_km: f64,
    seconds: f64,
    orders_per_second: f64,
    records: u64,
    refused_events: u64,
    position: Standing,
    checker: Verdict,
    #[serde(flatten)]
    ending: Ending,
    data: PathBuf,
    try_next: Vec<String>,
}

#[derive(Serialize)]
struct Verdict {
    ok: bool,
    violations: u64,
    first: Vec<String>,
}

impl Demo {
    /// Plays the day.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        if context.config().log.kind == LogKind::Kafka {
            bail!(Usage("the demo runs on an embedded log; leave --kafka out".to_owned()));
        }
        let (temporary, folder) = self.folder()?;
        let context = context.with_data(&folder, MARKET);
        let report = self.play(&context, &folder)?;
        let verdict = report.checker.ok;
        context.output.show(&report, report_text)?;
        if let Some(temporary) = temporary {
            // Kept, so that the commands shown work; the system's own cleaning takes it later.
            let _ = temporary.keep();
        }
        Ok(if verdict { Exit::Done } else { Exit::Violations })
    }

    fn folder(&self) -> Result<(Option<tempfile::TempDir>, PathBuf)> {
        let Some(keep) = &self.keep else {
            let made = tempfile::Builder::new().prefix("omnifold-demo-").tempdir()?;
            let path = made.path().to_path_buf();
            return Ok((Some(made), path));
        };
        let is_used = std::fs::read_dir(keep).is_ok_and(|mut entries| entries.next().is_some());
        if is_used {
            let text = format!("--keep {} is not empty; name a new folder", keep.display());
            bail!(Usage(text));
        }
        std::fs::create_dir_all(keep)
            .with_context(|| format!("cannot make the folder {}", keep.display()))?;
        Ok((None, std::path::absolute(keep)?))
    }

    fn play(&self, context: &Context, folder: &Path) -> Result<Report> {
        let opened = context.open_log()?;
        create_for(context, &opened, MARKET)?;
        let log = opened.log();
        let begun = Instant::now();
        let feed = Feed::start(log.clone(), context, self.options());
        let decided = decide(context, &log, &feed, self.orders)?;
        let seconds = begun.elapsed().as_secs_f64();
        let first = feed.finish()?;
        context.output.note("checking the topics ...");
        let checked = check(&*log, &context.config().prefix, MARKET, &CheckOptions::default())?;
        let ending = Ending::read(context, &log, (&first.name, first.sample_ends_ms))?;
        self.report(decided, seconds, &checked, (folder, ending))
    }

    fn options(&self) -> RetailerOptions {
        RetailerOptions { orders: self.orders, seed: self.seed, ..RetailerOptions::default() }
    }

    fn report(
        &self,
        RunSummary { tally, position, .. }: RunSummary,
        seconds: f64,
        checked: &CheckReport,
        (folder, ending): (&Path, Ending),
    ) -> Result<Report> {
        let retailer = Retailer::new(&self.options())?;
        Ok(Report {
            orders: tally.orders,
            lines: tally.lines,
            nodes: retailer.node_count(),
            skus: retailer.sku_count(),
            assigned_at_once: tally.outcomes_assigned,
            partly_assigned: tally.outcomes_partly,
            waiting_at_first: tally.outcomes_waiting,
            still_waiting_units: checked.counts.waiting_milli as f64 / 1_000.0,
            refused: tally.outcomes_refused,
            split: tally.split_orders,
            fulfilments: tally.fulfilments,
            rerouted: tally.rerouted,
            served_from_waiting: tally.served_waiting,
            mean_distance_km: mean(tally.distance_m_total, tally.fulfilments) / 1_000.0,
            seconds,
            orders_per_second: tally.orders as f64 / seconds,
            records: tally.records,
            refused_events: tally.rejected,
            position,
            checker: Verdict {
                ok: checked.is_clean(),
                violations: checked.violation_count,
                first: checked.violations.iter().take(10).map(ToString::to_string).collect(),
            },
            data: folder.to_path_buf(),
            try_next: try_next(folder, ending.order()),
            ending,
        })
    }
}

fn mean(total: u64, count: u64) -> f64 {
    if count == 0 { 0.0 } else { total as f64 / count as f64 }
}

/// A thread that publishes the day.
struct Feed {
    orders: Arc<AtomicU64>,
    is_done: Arc<AtomicBool>,
    thread: thread::JoinHandle<Result<Beginning>>,
}

/// How the day began.
struct Beginning {
    /// The first order, `channel/order_id`.
    name: String,
    /// When the orders that are replayed at the end are over: the time of the one after them.
    sample_ends_ms: i64,
}

impl Feed {
    fn start(log: Arc<dyn Log>, context: &Context, options: RetailerOptions) -> Feed {
        let (orders, is_done) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (counted, done) = (orders.clone(), is_done.clone());
        let prefix = context.config().prefix.clone();
        let thread = thread::spawn(move || {
            let result = publish_day(&log, &prefix, &options, &counted);
            done.store(true, Ordering::Release);
            result
        });
        Feed { orders, is_done, thread }
    }

    fn is_done(&self) -> bool {
        self.is_done.load(Ordering::Acquire)
    }

    fn orders(&self) -> u64 {
        self.orders.load(Ordering::Relaxed)
    }

    /// Waits for the end of the day.
    fn finish(self) -> Result<Beginning> {
        self.thread.join().map_err(|_| anyhow!("the publishing thread died"))?
    }
}

fn publish_day(
    log: &Arc<dyn Log>,
    prefix: &str,
    options: &RetailerOptions,
    orders: &AtomicU64,
) -> Result<Beginning> {
    let mut beginning = Beginning { name: String::new(), sample_ends_ms: i64::MAX };
    let mut publisher = Publisher::new(log, prefix, MARKET, PublisherOptions::default())?;
    for event in Retailer::new(options)? {
        publisher.publish(&event)?;
        if !matches!(event.event, Event::OrderPlaced(_)) {
            continue;
        }
        match orders.fetch_add(1, Ordering::Relaxed) {
            0 => beginning.name = record_key(&event.event),
            REPLAYED => beginning.sample_ends_ms = event.time_ms.unwrap_or(i64::MAX),
            _ => {}
        }
    }
    publisher.flush()?;
    Ok(beginning)
}

/// Runs the engine until the day is published and decided.
fn decide(context: &Context, log: &Arc<dyn Log>, feed: &Feed, orders: u64) -> Result<RunSummary> {
    let line = Line::of(&context.output, "orders", orders);
    let mut show = |progress: &Progress| {
        line.at(progress.orders);
        let behind = feed.orders().saturating_sub(progress.orders);
        line.say(format!(
            "({} orders waiting for stock, {} not yet decided)",
            thousands(progress.waiting),
            thousands(behind)
        ));
    };
    // Idle is not the end while the feed goes on. Asked before the engine looks for more, so that
    // what the feed wrote last is taken too.
    let mut was_done = false;
    let mut until = |_: &Progress| std::mem::replace(&mut was_done, feed.is_done());
    Ok(run_market(log, MARKET, &context.options(), &mut show, &mut until)?)
}

fn try_next(folder: &Path, (channel, order_id): (&str, &str)) -> Vec<String> {
    let data = folder.join("data");
    let data = quoted(&data.display().to_string());
    let program = std::env::args().next().unwrap_or_else(|| "omnifold".to_owned());
    let program = quoted(&program);
    vec![
        format!("{program} --data {data} explain {} {}", quoted(channel), quoted(order_id)),
        format!("{program} --data {data} simulate --settings shortage=REFUSE"),
        format!("{program} --data {data} events tail --topic assignments"),
        format!("{program} --data {data} verify"),
    ]
}

/// A word for a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@+".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

fn report_text(report: &Report) -> String {
    let share = |count: u64| format!("{} ({})", thousands(count), percent(count, report.orders));
    let rows = pairs([
        ("orders", format!("{} with {} lines", thousands(report.orders), thousands(report.lines))),
        ("retailer", format!("{} nodes, {} SKUs", report.nodes, thousands(report.skus as u64))),
        ("filled at once", share(report.assigned_at_once)),
        ("filled in part", share(report.partly_assigned)),
        ("waiting at first", share(report.waiting_at_first)),
        ("refused", share(report.refused)),
        ("split", share(report.split)),
        ("fulfilments", thousands(report.fulfilments)),
        ("rerouted", thousands(report.rerouted)),
        ("served from waiting", thousands(report.served_from_waiting)),
        ("still waiting", format!("{} units", report.still_waiting_units)),
        ("mean distance", format!("{:.0} km", report.mean_distance_km)),
        ("time", format!("{:.1} s, publishing included", report.seconds)),
        ("speed", format!("{} orders/s", thousands(report.orders_per_second as u64))),
        ("digest", report.position.digest.clone()),
        ("checker", verdict_text(&report.checker)),
    ]);
    let violations: String =
        report.checker.first.iter().map(|violation| format!("    {violation}\n")).collect();
    let next = report.try_next.join("\n  ");
    format!("{rows}{violations}{}\nTry next:\n  {next}", report.ending.text())
}

fn verdict_text(verdict: &Verdict) -> String {
    match verdict.ok {
        true => "everything holds (one outcome an order, nothing lost, doubled or oversold)".into(),
        false => format!("{} violations", verdict.violations),
    }
}
