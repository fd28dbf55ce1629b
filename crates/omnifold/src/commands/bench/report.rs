//! The figures as a page of Markdown, with what the machine allows beside them.

use super::Figures;
use super::embedded::Embedded;
use super::latency::{Latency, Quantiles};
use super::machine::Machine;
use super::recovery::Recovery;
use super::standby::Standby;
use super::throughput::Throughput;
use crate::output::thousands;

const HEAD: &str = "\
# Benchmarks

Written by `make bench`. The mix is fixed in benches/mix.toml: three-line orders over 20 nodes and
10,000 SKUs; 10 % need a split, 3 % wait, 2 % are rejected and rerouted, 1 % come twice, stock runs
out and comes back. Explanations, digest, dedupe and checkpoints are on. Network and stock are folded,
and the orders are in the log, before the clock starts; the engine runs in a process of its own, with
its defaults.
";

/// The page.
pub fn page(figures: &Figures) -> String {
    let mut page = format!("{HEAD}\n{}", machine(&figures.machine));
    if !figures.embedded.is_empty() {
        page.push_str(&embedded(&figures.embedded));
    }
    if let Some(figures) = &figures.recovery {
        page.push_str(&recovery(figures));
    }
    if !figures.throughput.is_empty() {
        page.push_str(&throughput(&figures.throughput));
    }
    if let Some(figures) = &figures.latency {
        page.push_str(&latency(figures));
    }
    if let Some(figures) = &figures.standby {
        page.push_str(&standby(figures));
    }
    if let Some(figures) = &figures.promise {
        page.push_str(&super::promise_page::section(figures));
    }
    page
}

/// A table of Markdown.
pub fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(&header.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    text.push_str(&format!("|{}\n", " --- |".repeat(header.len())));
    text.extend(rows.into_iter().map(|row| line(&row)));
    text
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.0} MiB", bytes as f64 / (1 << 20) as f64)
}

fn whole(value: f64) -> String {
    thousands(value.max(0.0) as u64)
}

/// Processor seconds of a million orders.
fn per_million(seconds: f64, orders: u64) -> String {
    format!("{:.1}", seconds * 1e6 / orders as f64)
}

fn machine(machine: &Machine) -> String {
    format!(
        "## Machine\n\n\
         {} ({} cores, {} memory), Linux {}, omnifold {}.\n\n\
         What its disk allows: {} syncs of 4 KiB a second, {} MiB/s written in one go.\n",
        machine.processor,
        machine.cores,
        mebibytes(machine.memory_bytes),
        machine.kernel,
        machine.version,
        whole(machine.syncs_per_second),
        whole(machine.write_bytes_per_second / f64::from(1 << 20)),
    )
}

fn embedded(runs: &[Embedded]) -> String {
    let header = [
        "form",
        "orders",
        "bytes/order",
        "orders/s",
        "seconds",
        "CPU s/M orders",
        "peak memory",
        "rebuild records/s",
        "log bytes/order",
        "state bytes/order",
    ];
    let row = |run: &Embedded| {
        vec![
            run.form.to_owned(),
            thousands(run.orders),
            whole(run.payload_bytes_per_order),
            whole(run.orders_per_second),
            format!("{:.2}", run.seconds),
            per_million(run.process.cpu_seconds, run.orders),
            mebibytes(run.process.peak_memory_bytes),
            whole(run.rebuild_records_per_second),
            thousands(run.log_bytes / run.orders),
            thousands(run.state_bytes / run.orders),
        ]
    };
    format!(
        "\n## Embedded log, end to end\n\n\
         Encoded events in the log to durable decisions and a checkpoint.\n\
         `omnifold bench embedded`\n\n{}",
        table(&header, runs.iter().map(row))
    )
}

fn recovery(figures: &Recovery) -> String {
    let mut sorted = figures.seconds.clone();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    let slowest = sorted.last().copied().unwrap_or_default();
    format!(
        "\n## Killed and started again\n\n\
         SIGKILL of `serve` while it works off {} orders, started again at once; until its next\n\
         decision is durable. `omnifold bench recovery`\n\n\
         {} kills: median {median:.2} s, slowest {slowest:.2} s. {} checkpoints, {:.0} ms each on\n\
         average.\n",
        thousands(figures.orders),
        figures.seconds.len(),
        thousands(figures.checkpoints),
        figures.checkpoint_seconds * 1_000.0,
    )
}

fn throughput(runs: &[Throughput]) -> String {
    let header = [
        "form",
        "orders",
        "orders/s",
        "seconds",
        "engine CPU s/M orders",
        "broker CPU s/M orders",
        "peak memory",
        "rebuild records/s",
    ];
    let row = |run: &Throughput| {
        let broker = run.broker_cpu_seconds;
        vec![
            run.form.to_owned(),
            thousands(run.orders),
            whole(run.orders_per_second),
            format!("{:.2}", run.seconds),
            per_million(run.engine.cpu_seconds, run.orders),
            broker.map_or("-".to_owned(), |seconds| per_million(seconds, run.orders)),
            mebibytes(run.engine.peak_memory_bytes),
            whole(run.rebuild_records_per_second),
        ]
    };
    format!(
        "\n## Through Kafka\n\n\
         A backlog on a broker on the same machine, from the start of the engine's process to the\n\
         last assignment that a reader of committed records sees. Broker, engine and reader share\n\
         the cores. `omnifold bench throughput --kafka HOST:PORT`\n\n{}",
        table(&header, runs.iter().map(row))
    )
}

fn latency(figures: &Latency) -> String {
    let row = |name: &str, of: &Quantiles| {
        let ms = |value: f64| format!("{value:.1} ms");
        vec![name.to_owned(), ms(of.p50_ms), ms(of.p90_ms), ms(of.p99_ms), ms(of.max_ms)]
    };
    let rows = [row("omnifold", &figures.engine), row("bare transactional echo", &figures.echo)];
    format!(
        "\n## Latency through Kafka\n\n\
         Order produced to its outcome visible to a reader of committed records, at {} orders/s\n\
         for {} s, beside an echo that copies records in transactions by the same client library,\n\
         with the same topics and the same wait, in the same run.\n\
         `omnifold bench latency --kafka HOST:PORT`\n\n{}",
        thousands(figures.rate),
        figures.seconds,
        table(&["", "p50", "p90", "p99", "slowest"], rows)
    )
}

fn standby(figures: &Standby) -> String {
    format!(
        "\n## Taken over by a standby\n\n\
         Two instances on one Kafka; SIGKILL of the owner to the next decision by the other.\n\
         `omnifold bench standby --kafka HOST:PORT`\n\n\
         {:.2} s, of which {:.0} s are the group's session timeout, before which it notices nothing.\n",
        figures.seconds, figures.session_seconds,
    )
}
