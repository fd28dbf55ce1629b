//! What the tests of crashes, races and ownership share: a place to keep a log, a seeded backlog
//! cut into batches, and the final reckoning that every one of them ends with.

#![allow(dead_code)] // each test file uses its part

pub mod child;
pub mod faulty;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use omnifold_events::{ContentType, Envelope, Event, v1};
use omnifold_log::embedded::EmbeddedLog;
use omnifold_log::{HeadersBuilder, Log, Record, RecordBuf, TopicKind, topic_name};
use omnifold_log_kafka::{KafkaLog, KafkaOptions};
use omnifold_projector::{
    CheckpointLimits, Options, RunSummary, SliceLimits, StateAt, rebuild, run_until_idle,
    topic_specs, verify,
};
use omnifold_simulation::checker::{CheckOptions, CheckReport, check};
use omnifold_simulation::workload::{Mix, Play, Workload};

/// The mix of the benchmark in small: the same shares, few SKUs, so that a hundred orders meet
/// every case.
const SMALL_MIX: &str = "
seed = 11
nodes = 6
skus = 60
orders_per_day = 1_000_000
[market]
coverage = \"allow_partial\"
shortage = \"wait\"
explanation = \"full\"
[permille]
split = 150
wait = 100
rejected = 60
duplicate = 50
[stock]
split_skus = 8
scarce_skus = 4
scarce_run = 3
units = 25
delivery_every = 6
delivery_units = 30
";

/// Where a log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Embedded(PathBuf),
    Kafka { brokers: String, prefix: String },
}

impl Place {
    /// A place on the broker shared by the tests of this process. `None`: there is no Kafka here.
    pub fn on_kafka(prefix: &str) -> Option<Place> {
        let broker = omnifold_kafka_testkit::shared()?;
        Some(Place::Kafka { brokers: broker.address(), prefix: prefix.to_owned() })
    }

    pub fn open(&self) -> Arc<dyn Log> {
        match self {
            Place::Embedded(folder) => EmbeddedLog::open(folder).expect("the embedded log opens"),
            Place::Kafka { brokers, prefix } => {
                let mut options = KafkaOptions::new(brokers.clone());
                options.prefix.clone_from(prefix);
                options.group = format!("{prefix}-instances");
                let session = [("session.timeout.ms", "6000"), ("heartbeat.interval.ms", "500")];
                for (name, value) in session {
                    options.properties.insert(name.to_owned(), value.to_owned());
                }
                Arc::new(KafkaLog::connect(options).expect("the broker answers"))
            }
        }
    }

    pub fn prefix(&self) -> &str {
        match self {
            Place::Embedded(_) => "omnifold",
            Place::Kafka { prefix, .. } => prefix,
        }
    }

    /// Opens the log and makes the markets' topics.
    pub fn with_topics(&self, markets: &[&str]) -> Arc<dyn Log> {
        let log = self.open();
        for market in markets {
            log.create_topics(&topic_specs(self.prefix(), market)).expect("topics are made");
        }
        log
    }
}

/// Small epochs and frequent checkpoints: many of each in a short run.
pub fn options(place: &Place, state: &Path) -> Options {
    Options {
        prefix: place.prefix().to_owned(),
        state: StateAt::Folder(state.to_owned()),
        slice: SliceLimits { records: 25, bytes: 1 << 20, wait: Duration::from_millis(2) },
        checkpoint: CheckpointLimits { bytes: 8 << 10, interval: Duration::from_millis(10) },
        ..Options::default()
    }
}

/// A seeded backlog, kept whole so that any part of it can be sent again.
pub struct Backlog {
    pub records: RecordBuf,
    pub orders: u64,
}

impl Backlog {
    pub fn of(orders: u64) -> Backlog {
        let mix = Mix::parse(SMALL_MIX).expect("the small mix is sound");
        let mut workload = Workload::new(&mix, Play::backlog(orders, ContentType::Protobuf));
        let mut records = RecordBuf::default();
        while workload.setup(&mut records, 1 << 20) {}
        while workload.order(&mut records) {}
        workload.finish(&mut records);
        Backlog { records, orders }
    }

    /// Sends the records of a range, a few at a time.
    pub fn send(&self, log: &dyn Log, prefix: &str, market: &str, range: Range<usize>) {
        for start in range.clone().step_by(16) {
            self.send_at_once(log, prefix, market, start..range.end.min(start + 16));
        }
    }

    pub fn send_all(&self, log: &dyn Log, prefix: &str, market: &str) {
        self.send_at_once(log, prefix, market, 0..self.records.len());
    }

    fn send_at_once(&self, log: &dyn Log, prefix: &str, market: &str, range: Range<usize>) {
        let mut batch = RecordBuf::default();
        range.for_each(|place| push(&mut batch, &self.records.get(place)));
        let producer = log.producer().expect("a producer");
        producer.append(&Workload::topics(prefix, market), &batch).expect("appended");
    }
}

pub fn push(into: &mut RecordBuf, record: &Record<'_>) {
    let Record { topic, offset, time_ms, headers, key, value } = *record;
    into.push(topic, offset, time_ms, headers, key, value);
}

/// Time of the first order of a [`Backlog`]: 2025-06-02.
pub const START_MS: i64 = 1_748_822_400_000;

/// One event as a record, for the place of its topic among the inputs.
pub fn put(batch: &mut RecordBuf, id: &str, time_ms: i64, event: impl Into<Event>) {
    let event = event.into();
    let envelope = Envelope {
        id,
        source: "test",
        type_name: event.type_name(),
        time_ms: Some(time_ms),
        content_type: ContentType::Protobuf,
    };
    let mut headers = HeadersBuilder::default();
    envelope.to_headers(|name, value| headers.put(name, value));
    let kind = TopicKind::parse(event.topic()).expect("a topic");
    let place = TopicKind::INPUTS.iter().position(|input| *input == kind).expect("an input");
    batch.push(place, 0, time_ms, headers.as_headers(), id.as_bytes(), Some(&event.encode()));
}

/// Records that come late: dated before the first order, they take one node out of the market,
/// another one each time.
pub fn late_news(log: &dyn Log, prefix: &str, market: &str, time: u64) {
    let mut batch = RecordBuf::default();
    for sku in 0..60 {
        let out = v1::StockSettingsSet {
            node_id: format!("node-{:02}", time % 6),
            sku: format!("sku-{sku:05}-black-m"),
            flagged_out: true,
            ..Default::default()
        };
        put(&mut batch, &format!("late-{time}-{sku}"), START_MS - 1_000, out);
    }
    let producer = log.producer().expect("a producer");
    producer.append(&Workload::topics(prefix, market), &batch).expect("appended");
}

/// Works one market off.
pub fn run(log: &Arc<dyn Log>, market: &str, options: &Options) -> RunSummary {
    let markets = [market.to_owned()];
    let mut done = run_until_idle(log.clone(), &markets, options.clone(), &mut |_| {})
        .unwrap_or_else(|error| panic!("the market runs: {error:?}"));
    done.remove(0)
}

/// Everything that a topic of the engine holds, committed records only.
pub fn read_topic(log: &dyn Log, prefix: &str, market: &str, kind: TopicKind) -> RecordBuf {
    let topic = topic_name(prefix, market, kind);
    let mut reader = log.reader(&[(topic, 0)]).expect("a reader");
    let mut records = RecordBuf::default();
    while !reader.fetch(0, 1 << 20, &mut records).expect("a fetch").at_end {
        reader.wait(Duration::from_millis(20)).expect("a wait");
    }
    records
}

/// Key and payload of a decision.
pub type Decided = (Vec<u8>, Vec<u8>);

/// Every decision, in order.
pub fn decisions(log: &dyn Log, prefix: &str, market: &str) -> Vec<Decided> {
    let records = read_topic(log, prefix, market, TopicKind::Assignments);
    let pair = |r: Record<'_>| (r.key.to_vec(), r.value.unwrap_or_default().to_vec());
    records.iter().map(pair).collect()
}

/// The independent checker's word on a market.
pub fn report(log: &dyn Log, prefix: &str, market: &str) -> CheckReport {
    check(log, prefix, market, &CheckOptions::default()).expect("the topics can be checked")
}

/// The end of every such test: the checker finds nothing, each of so many orders has one outcome,
/// and live, recovered, rebuilt and verified state have one digest.
pub fn reckon(
    place: &Place,
    log: &Arc<dyn Log>,
    market: &str,
    state: &Path,
    orders: u64,
) -> String {
    let options = options(place, state);
    let live = run(log, market, &options).position.digest;
    let report = report(&**log, place.prefix(), market);
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.counts.orders, orders, "order requests");
    assert_eq!(report.counts.outcomes.values().sum::<u64>(), orders, "{:?}", report.counts);

    assert_eq!(run(log, market, &options).position.digest, live, "recovered from the checkpoint");
    let in_memory = Options { state: StateAt::Memory, ..options.clone() };
    assert_eq!(run(log, market, &in_memory).position.digest, live, "recovered from nothing");
    let again = rebuild(log.clone(), market, options.clone(), &mut |_| {}).expect("a rebuild");
    assert_eq!(again.position.digest, live, "rebuilt");
    let verified = verify(log.clone(), market, options, &mut |_| {}).expect("a verification");
    assert!(verified.ok, "{:?}", verified.violations);
    assert_eq!(verified.position.digest, live, "verified");
    live
}

/// A figure from the environment, to run longer or with another seed.
pub fn setting(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => otherwise,
    }
}
