//! `omnifold bench`: the figures of docs/benchmarks.md.
//!
//! Rules: the mix is the fixed one of benches/mix.toml. Network and stock are folded, and the orders
//! written into the log, before the clock starts. What is measured runs in a process of its own, this
//! same binary with its ordinary commands, so that memory and processor time are its own. Figures
//! that this machine's medium or broker allow at best stand beside ours.

mod child;
mod embedded;
mod latency;
mod load;
mod machine;
mod promise;
mod promise_page;
mod recovery;
mod report;
mod standby;
mod throughput;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use omnifold_events::ContentType;
use omnifold_simulation::workload::Mix;
use serde::Serialize;

use crate::config::LogKind;
use crate::context::Context;
use crate::exit::{Exit, Usage};

const EXAMPLE: &str = "\
Writes the fixed mix of orders into a log, untimed, then measures. Scenarios:
  embedded    encoded events in the log to durable decisions, protobuf and JSON; rebuild; verify
              of the rows; memory, bytes on disk
  recovery    SIGKILL under load to the next decision
  throughput  the same backlog through a Kafka, to the last assignment a reader sees
  latency     produced to assignment visible on Kafka, beside a bare transactional echo
  standby     SIGKILL of an owner to the next decision by its standby, on Kafka
  promise     delivery promises learned on the Olist history, beside those it gave
Throughput, latency and standby need --kafka, promise needs --olist. With --write the figures go
into a page of Markdown.

Example:
  omnifold bench embedded --orders 200000
  omnifold bench --kafka 127.0.0.1:9092 --broker-pid 4711 --write docs/benchmarks.md";

/// Measures the engine on the fixed mix of orders.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Bench {
    /// What to measure [default: all that the log allows]
    #[arg(value_enum)]
    scenarios: Vec<Scenario>,
    /// Orders of the backlog; repeat it to see what grows (embedded only)
    #[arg(long, default_values_t = [1_000_000], value_parser = clap::value_parser!(u64).range(1_000..))]
    orders: Vec<u64>,
    /// Another mix than the fixed one
    #[arg(long, value_name = "FILE")]
    mix: Option<PathBuf>,
    /// Folder for data, on the disk to be measured [default: the system's temporary one]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Process of the broker, for its processor time
    #[arg(long, value_name = "PID")]
    broker_pid: Option<u32>,
    /// Orders a second of the latency scenario
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    rate: u64,
    /// Seconds of the latency scenario that count
    #[arg(long, default_value_t = 30, value_name = "S")]
    seconds: u64,
    /// Folder of the Olist files, for `promise`
    #[arg(long, value_name = "DIR")]
    olist: Option<PathBuf>,
    /// Write the figures into this page
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    Embedded,
    Recovery,
    Throughput,
    Latency,
    Standby,
    Promise,
    /// The bare echo that `latency` starts beside the engine
    #[value(hide = true)]
    Echo,
}

/// The market of every scenario.
const MARKET: &str = "bench";

/// What was measured.
#[derive(Debug, Default, Serialize)]
struct Figures {
    machine: machine::Machine,
    embedded: Vec<embedded::Embedded>,
    recovery: Option<recovery::Recovery>,
    throughput: Vec<throughput::Throughput>,
    latency: Option<latency::Latency>,
    standby: Option<standby::Standby>,
    promise: Option<promise::Promises>,
}

/// What every scenario works with.
struct Work<'a> {
    context: &'a Context,
    mix: Mix,
    folder: tempfile::TempDir,
    brokers: Option<String>,
    broker_pid: Option<u32>,
}

impl Work<'_> {
    fn brokers(&self) -> Result<&str> {
        let missing = || Usage("this scenario needs --kafka HOST:PORT".to_owned());
        Ok(self.brokers.as_deref().ok_or_else(missing)?)
    }

    fn note(&self, text: &str) {
        self.context.output.note(text);
    }
}

impl Bench {
    /// Measures.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        if self.scenarios == [Scenario::Echo] {
            latency::echo(context)?;
            return Ok(Exit::Done);
        }
        if self.scenarios.contains(&Scenario::Echo) {
            bail!(Usage("`echo` runs alone".to_owned()));
        }
        let work = self.work(context)?;
        let figures = self.measure(&work)?;
        if let Some(file) = &self.write {
            std::fs::write(file, report::page(&figures))
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        context.output.show(&figures, report::page)?;
        Ok(Exit::Done)
    }

    fn work<'a>(&self, context: &'a Context) -> Result<Work<'a>> {
        let text = match &self.mix {
            None => include_str!("../../../../../benches/mix.toml").to_owned(),
            Some(file) => std::fs::read_to_string(file)
                .with_context(|| format!("cannot read {}", file.display()))?,
        };
        let builder = || tempfile::Builder::new().prefix("omnifold-bench-").to_owned();
        let folder = match &self.dir {
            Some(dir) => builder().tempdir_in(dir),
            None => builder().tempdir(),
        };
        let config = context.config();
        let is_kafka = config.log.kind == LogKind::Kafka;
        Ok(Work {
            context,
            mix: Mix::parse(&text)?,
            folder: folder.context("cannot make a folder for data")?,
            brokers: is_kafka.then(|| config.log.kafka.brokers.clone()),
            broker_pid: self.broker_pid,
        })
    }

    fn measure(&self, work: &Work<'_>) -> Result<Figures> {
        let mut figures =
            Figures { machine: machine::look(work.folder.path()), ..Figures::default() };
        let first = self.orders[0];
        for scenario in self.wanted(work) {
            match scenario {
                Scenario::Embedded => {
                    for orders in &self.orders {
                        let run = embedded::measure(work, *orders, ContentType::Protobuf)?;
                        figures.embedded.push(run);
                    }
                    figures.embedded.push(embedded::measure(work, first, ContentType::Json)?);
                }
                Scenario::Recovery => figures.recovery = Some(recovery::measure(work, first)?),
                Scenario::Throughput => {
                    for form in [ContentType::Protobuf, ContentType::Json] {
                        figures.throughput.push(throughput::measure(work, first, form)?);
                    }
                }
                Scenario::Latency => {
                    figures.latency = Some(latency::measure(work, self.rate, self.seconds)?);
                }
                Scenario::Standby => figures.standby = Some(standby::measure(work, first)?),
                Scenario::Promise => {
                    figures.promise = Some(promise::measure(work, self.olist()?)?);
                }
                Scenario::Echo => unreachable!("runs alone"),
            }
        }
        Ok(figures)
    }

    fn olist(&self) -> Result<&Path> {
        let missing =
            || Usage("`promise` needs --olist DIR, the folder of the Olist files".to_owned());
        Ok(self.olist.as_deref().ok_or_else(missing)?)
    }

    fn wanted(&self, work: &Work<'_>) -> Vec<Scenario> {
        if !self.scenarios.is_empty() {
            return self.scenarios.clone();
        }
        let mut all = vec![Scenario::Embedded, Scenario::Recovery];
        if work.brokers.is_some() {
            all.extend([Scenario::Throughput, Scenario::Latency, Scenario::Standby]);
        }
        if self.olist.is_some() {
            all.push(Scenario::Promise);
        } else {
            work.note("promise: left out, there is no --olist DIR");
        }
        all
    }
}
