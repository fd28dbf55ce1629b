//! A backlog through a real Kafka: from the engine's start to the last assignment that a reader of
//! committed records sees; then rebuild.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use omnifold_events::ContentType;
use omnifold_log::{Log, RecordBuf, TopicKind, topic_name};
use serde::Serialize;

use super::child::{Running, command};
use super::{MARKET, Work, load};
use crate::process::ProcessFigures;

/// One run.
#[derive(Debug, Serialize)]
pub struct Throughput {
    /// `protobuf` or `json`.
    pub form: &'static str,
    /// Orders of the backlog.
    pub orders: u64,
    /// Records on `assignments`.
    pub assignments: u64,
    /// From the start of the engine's process to the last of them seen.
    pub seconds: f64,
    /// Orders a second over that time.
    pub orders_per_second: f64,
    /// What the engine's process used.
    pub engine: ProcessFigures,
    /// What the broker used meanwhile; nothing where its process was not named.
    pub broker_cpu_seconds: Option<f64>,
    /// Reading everything from the broker again and comparing every mark.
    pub rebuild_records_per_second: f64,
}

/// Bytes of one fetch of the reader.
const FETCH: usize = 1 << 20;
/// The end of the topic, this long after the engine has ended, is the end.
const QUIET: Duration = Duration::from_millis(500);

/// Runs the scenario.
pub fn measure(work: &Work<'_>, orders: u64, form: ContentType) -> Result<Throughput> {
    let name = match form {
        ContentType::Protobuf => "protobuf",
        ContentType::Json => "json",
    };
    let brokers = work.brokers()?;
    let prefix = format!("bench-{}-{name}", std::process::id());
    let log = open(work, &prefix)?;
    work.note(&format!("throughput, {name}: writing {orders} orders ..."));
    let folder = work.folder.path().join(&prefix);
    std::fs::create_dir_all(&folder)?;
    let args = ["run", "--until-idle", "--kafka", brokers, "--prefix", &prefix];
    let mut backlog = load::Backlog::new(&work.mix, orders, form);
    backlog.setup(&*log, &prefix)?;
    super::child::answer(command(&folder, &args)?)?;
    backlog.orders(&*log, &prefix)?;
    let broker_before = work.broker_pid.map(|pid| ProcessFigures::of(pid).cpu_seconds);
    work.note("throughput: deciding ...");
    let begun = Instant::now();
    let mut engine = Running::start(command(&folder, &args)?)?;
    let (assignments, last) = watch(&*log, &prefix, &mut engine)?;
    let run = engine.answer()?;
    let after = work.broker_pid.map(|pid| ProcessFigures::of(pid).cpu_seconds);
    ensure!(assignments >= orders, "{assignments} assignments for {orders} orders");
    let seconds = last.duration_since(begun).as_secs_f64();
    work.note("throughput: rebuilding ...");
    let args = ["rebuild", "--kafka", brokers, "--prefix", &prefix];
    let rebuilt = super::child::answer(command(&folder, &args)?)?;
    let [digest, again] = [&run, &rebuilt].map(|it| &it["markets"][0]["position"]["digest"]);
    ensure!(digest == again, "the rebuilt digest {again} is not {digest}");
    Ok(Throughput {
        form: name,
        orders,
        assignments,
        seconds,
        orders_per_second: orders as f64 / seconds,
        engine: serde_json::from_value(run["process"].clone())?,
        broker_cpu_seconds: after.zip(broker_before).map(|(after, before)| after - before),
        rebuild_records_per_second: rebuilt["markets"][0]["events_per_second"]
            .as_f64()
            .unwrap_or_default(),
    })
}

/// The log of the configured Kafka under another prefix.
pub fn open(work: &Work<'_>, prefix: &str) -> Result<Arc<dyn Log>> {
    Ok(work.context.with_prefix(prefix).open_log()?.log())
}

/// Counts what comes on `assignments` until the engine has ended and nothing more comes. Returns
/// the count and when the last was seen.
fn watch(log: &dyn Log, prefix: &str, engine: &mut Running) -> Result<(u64, Instant)> {
    let topic = topic_name(prefix, MARKET, TopicKind::Assignments);
    let mut reader = log.reader(&[(topic, 0)])?;
    let mut buffer = RecordBuf::default();
    let (mut count, mut last) = (0, Instant::now());
    loop {
        buffer.clear();
        let fetched = reader.fetch(0, FETCH, &mut buffer)?;
        count += fetched.records as u64;
        if fetched.records > 0 {
            last = Instant::now();
        } else {
            reader.wait(Duration::from_millis(20))?;
        }
        let is_quiet = fetched.at_end && last.elapsed() > QUIET;
        if is_quiet && !engine.is_running()? {
            return Ok((count, last));
        }
    }
}
