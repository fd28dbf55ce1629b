//! Orders a second through the embedded log, from encoded events to durable decisions.
//!
//! `cargo run --release -p omnifold-projector --example throughput -- 1000000 [json]`

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use omnifold_events::ContentType;
use omnifold_log::Log;
use omnifold_log::embedded::EmbeddedLog;
use omnifold_projector::{Options, StateAt, rebuild, run_until_idle, topic_specs, verify};
use omnifold_simulation::workload::{Mix, Play, Workload};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let orders: u64 = args.next().map_or(Ok(200_000), |text| text.parse())?;
    let json = args.next().is_some_and(|form| form == "json");
    let form = if json { ContentType::Json } else { ContentType::Protobuf };
    let folder = tempfile::tempdir()?;
    let log: Arc<dyn Log> = EmbeddedLog::open(&folder.path().join("log"))?;
    log.create_topics(&topic_specs("omnifold", "bench"))?;

    let mix = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/mix.toml");
    let mix = Mix::parse(&std::fs::read_to_string(mix)?)?;
    let mut workload = Workload::new(&mix, Play::backlog(orders, form));
    let topics = Workload::topics("omnifold", "bench");
    let markets = ["bench".to_owned()];
    let state = StateAt::Folder(folder.path().join("state"));
    let options = Options { state, ..Options::default() };
    let producer = log.producer()?;
    workload.load_setup(&*producer, &topics, 4 << 20)?;
    run_until_idle(log.clone(), &markets, options.clone(), &mut |_| ())?;
    let began = Instant::now();
    let written = workload.load_orders(&*producer, &topics, 4 << 20)?;
    println!("loaded in {:.1} s: {written:?}", began.elapsed().as_secs_f64());
    println!("processor {:.2} s", processor_seconds());

    let summary = run_until_idle(log.clone(), &markets, options.clone(), &mut |now| {
        eprintln!("{} orders, {} waiting, lag {}", now.orders, now.waiting, now.lag);
    })?;
    println!("{summary:#?}");
    println!("peak memory {}, processor {:.2} s", peak_memory(), processor_seconds());
    if std::env::args().any(|word| word == "brief") {
        return Ok(());
    }
    let again = rebuild(log.clone(), "bench", options.clone(), &mut |_| {})?;
    println!("{again:#?}");
    println!("{:#?}", verify(log, "bench", options, &mut |_| {})?);
    println!("peak memory {}", peak_memory());
    Ok(())
}

/// User and system time of this process.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.map_or_else(String::new, |line| line.replace("VmHWM:", "").trim().to_owned())
}
