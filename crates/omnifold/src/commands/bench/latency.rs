//! From produced to visible at a steady rate: the engine, and beside it in the same run a bare
//! transactional echo by the same client library, with the same topics and the same wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, anyhow, ensure};
use omnifold_events::{ContentType, v1};
use omnifold_log::{Headers, Log, RecordBuf, TopicKind, topic_name};
use omnifold_projector::topic_specs;
use omnifold_simulation::workload::{Play, Workload};
use serde::Serialize;

use super::child::{Running, command, server_of, standing, wait_for};
use super::{MARKET, Work, load, throughput};
use crate::context::Context;

/// Seconds at the start that do not count.
const WARM_UP: u64 = 5;
/// Longest wait for more input, of the engine and of the echo.
const WAIT: Duration = Duration::from_millis(5);
/// Orders are sent this often, all that are due together.
const TICK: Duration = Duration::from_millis(2);
/// Outcomes may take this long after the last order.
const LATEST: Duration = Duration::from_secs(30);
const FETCH: usize = 1 << 20;

/// Both, side by side.
#[derive(Debug, Serialize)]
pub struct Latency {
    /// Orders a second.
    pub rate: u64,
    /// Seconds that count.
    pub seconds: u64,
    /// Order produced to its outcome visible.
    pub engine: Quantiles,
    /// The same record produced to its copy visible.
    pub echo: Quantiles,
}

/// Times in milliseconds.
#[derive(Debug, Serialize)]
pub struct Quantiles {
    /// Orders counted.
    pub orders: usize,
    /// Half are quicker.
    pub p50_ms: f64,
    /// 90 of 100 are quicker.
    pub p90_ms: f64,
    /// 99 of 100 are quicker.
    pub p99_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

/// Runs the scenario.
pub fn measure(work: &Work<'_>, rate: u64, seconds: u64) -> Result<Latency> {
    work.note("latency: the engine ...");
    let engine = one(work, "engine", rate, seconds)?;
    work.note("latency: the bare echo ...");
    let echo = one(work, "echo", rate, seconds)?;
    Ok(Latency { rate, seconds, engine, echo })
}

fn one(work: &Work<'_>, who: &str, rate: u64, seconds: u64) -> Result<Quantiles> {
    let prefix = format!("bench-{}-{who}", std::process::id());
    let log = throughput::open(work, &prefix)?;
    log.create_topics(&topic_specs(&prefix, MARKET))?;
    let play = Play {
        orders: rate * (WARM_UP + seconds),
        form: ContentType::Protobuf,
        clock: v1::ClockKind::Wall,
        start_ms: now_ms(),
    };
    let mut workload = Workload::new(&work.mix, play);
    let topics = Workload::topics(&prefix, MARKET);
    workload.load_setup(&*log.producer()?, &topics, load::BATCH)?;
    let records = workload.written().records;
    let _running = match who {
        "engine" => start_engine(work, &prefix, records)?,
        _ => start_echo(work, &*log, &prefix)?,
    };
    drive(&log, &prefix, workload, rate, seconds)
}

fn start_engine(work: &Work<'_>, prefix: &str, records: u64) -> Result<Running> {
    let folder = work.folder.path().join(prefix);
    std::fs::create_dir_all(&folder)?;
    let args = ["serve", "--kafka", work.brokers()?, "--prefix", prefix];
    let mut command = command(&folder, &args)?;
    command.env("OMNIFOLD_LOG__KAFKA__GROUP", prefix);
    command.env("OMNIFOLD_SLICE__WAIT_MS", WAIT.as_millis().to_string());
    let running = Running::start(command)?;
    let client = server_of(&folder)?;
    wait_for("the engine to be ready", || {
        standing(&client).filter(|(role, _, step)| role == "owner" && *step >= records)
    })?;
    Ok(running)
}

fn start_echo(work: &Work<'_>, log: &dyn Log, prefix: &str) -> Result<Running> {
    let folder = work.folder.path().join(prefix);
    std::fs::create_dir_all(&folder)?;
    let args = ["bench", "echo", "--kafka", work.brokers()?, "--prefix", prefix];
    let running = Running::start(command(&folder, &args)?)?;
    let journal = topic_name(prefix, MARKET, TopicKind::Journal);
    wait_for("the echo to be ready", || {
        let described = log.describe(&[&journal]).ok()?.pop().flatten()?;
        (described.end > 0).then_some(())
    })?;
    Ok(running)
}

/// Sends orders at the rate and watches for what answers them.
fn drive(
    log: &Arc<dyn Log>,
    prefix: &str,
    workload: Workload,
    rate: u64,
    seconds: u64,
) -> Result<Quantiles> {
    let total = rate * (WARM_UP + seconds);
    let topic = topic_name(prefix, MARKET, TopicKind::Assignments);
    let end = log.describe(&[&topic])?.pop().flatten().context("assignments")?.end;
    let begun = Instant::now();
    let sent: Arc<Vec<AtomicU64>> = Arc::new((0..total).map(|_| AtomicU64::new(0)).collect());
    let feeder = {
        let (log, sent, topics) = (log.clone(), sent.clone(), Workload::topics(prefix, MARKET));
        thread::spawn(move || feed(&*log, &topics, workload, rate, begun, &sent))
    };
    let deadline = begun + Duration::from_secs(WARM_UP + seconds) + LATEST;
    let times = watch(&**log, (topic, end), begun, deadline, &sent)?;
    feeder.join().map_err(|_| anyhow!("the sending thread died"))??;
    let counted: Vec<u64> =
        times[(rate * WARM_UP) as usize..].iter().copied().filter(|time| *time > 0).collect();
    let expected = (rate * seconds) as usize;
    ensure!(counted.len() == expected, "{} of {expected} orders were answered", counted.len());
    Ok(quantiles(counted))
}

fn feed(
    log: &dyn Log,
    topics: &[String],
    mut workload: Workload,
    rate: u64,
    begun: Instant,
    sent: &[AtomicU64],
) -> Result<()> {
    let producer = log.producer()?;
    let mut batch = RecordBuf::default();
    let mut next = 0;
    while next < sent.len() {
        let due = (begun.elapsed().as_secs_f64() * rate as f64) as usize;
        let (time_ms, micros) = (now_ms(), begun.elapsed().as_micros() as u64);
        while next < due.min(sent.len()) {
            workload.order_at(time_ms, &mut batch);
            sent[next].store(micros.max(1), Ordering::Release);
            next += 1;
        }
        if !batch.is_empty() {
            producer.append(topics, &batch)?;
            batch.clear();
        }
        thread::sleep(TICK);
    }
    Ok(())
}

/// Microseconds from sent to first seen, for each order; 0 where it was never seen.
fn watch(
    log: &dyn Log,
    position: (String, u64),
    begun: Instant,
    deadline: Instant,
    sent: &[AtomicU64],
) -> Result<Vec<u64>> {
    let mut reader = log.reader(&[position])?;
    let mut buffer = RecordBuf::default();
    let (mut times, mut seen) = (vec![0; sent.len()], 0);
    while seen < sent.len() && Instant::now() < deadline {
        buffer.clear();
        if reader.fetch(0, FETCH, &mut buffer)?.records == 0 {
            reader.wait(Duration::from_millis(1))?;
            continue;
        }
        let now = begun.elapsed().as_micros() as u64;
        for record in buffer.iter() {
            let Some(order) = order_of(record.key).filter(|order| *order < sent.len()) else {
                continue;
            };
            if times[order] == 0 {
                times[order] = (now - sent[order].load(Ordering::Acquire)).max(1);
                seen += 1;
            }
        }
    }
    Ok(times)
}

/// Number of the order in `web/2025-00000042` or `web/2025-00000042/f1`.
fn order_of(key: &[u8]) -> Option<usize> {
    let order_id = std::str::from_utf8(key).ok()?.split('/').nth(1)?;
    order_id.rsplit('-').next()?.parse().ok()
}

fn quantiles(mut micros: Vec<u64>) -> Quantiles {
    micros.sort_unstable();
    let at = |share: f64| {
        let place = ((micros.len() as f64 * share) as usize).min(micros.len() - 1);
        micros[place] as f64 / 1_000.0
    };
    Quantiles {
        orders: micros.len(),
        p50_ms: at(0.50),
        p90_ms: at(0.90),
        p99_ms: at(0.99),
        max_ms: at(1.0),
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as i64
}

/// The bare echo: copies every order to `assignments` in transactions, until it is killed.
pub fn echo(context: &Context) -> Result<()> {
    let (log, prefix) = (context.open_log()?.log(), &context.config().prefix);
    let inputs = Workload::topics(prefix, MARKET);
    let names: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let described = log.describe(&names)?;
    let ends = described.into_iter().map(|topic| topic.map_or(0, |topic| topic.end));
    let positions: Vec<(String, u64)> = inputs.iter().cloned().zip(ends).collect();
    let outputs =
        [TopicKind::Assignments, TopicKind::Journal].map(|kind| topic_name(prefix, MARKET, kind));
    let mut reader = log.reader(&positions)?;
    let mut owner = log.owner(MARKET)?;
    let (mut input, mut batch) = (RecordBuf::default(), RecordBuf::default());
    let mut is_ready = false;
    loop {
        batch.clear();
        for place in 0..inputs.len() {
            input.clear();
            reader.fetch(place, FETCH, &mut input)?;
            for record in input.iter() {
                batch.push(0, 0, record.time_ms, record.headers, record.key, record.value);
            }
        }
        if batch.is_empty() && is_ready {
            reader.wait(WAIT)?;
            continue;
        }
        // The first mark says that the echo is ready.
        is_ready = true;
        batch.push(1, 0, now_ms(), Headers::default(), b"", Some(b"mark"));
        owner.append(&outputs, &batch)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_names_its_orders_as_this_expects() {
        let mix = include_str!("../../../../../benches/mix.toml");
        let mix = omnifold_simulation::workload::Mix::parse(mix).expect("the fixed mix");
        let mut workload = Workload::new(&mix, Play::backlog(3, ContentType::Protobuf));
        let mut batch = RecordBuf::default();
        for order in 0..3 {
            batch.clear();
            workload.order(&mut batch);
            assert_eq!(order_of(batch.get(0).key), Some(order));
            let fulfilment = [batch.get(0).key, b"/f1"].concat();
            assert_eq!(order_of(&fulfilment), Some(order));
        }
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_times() {
        let found = quantiles((1..=1_000).rev().map(|micros| micros * 1_000).collect());
        assert_eq!((found.p50_ms, found.p99_ms, found.max_ms), (501.0, 991.0, 1_000.0));
    }
}
