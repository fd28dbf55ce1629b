//! A whole engine on the embedded log in a temporary folder, driven one event at a time.

#![allow(dead_code)] // each test file uses its part

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use omnifold_events::jsonl::FileEvent;
use omnifold_events::{ContentType, Envelope, Event, v1};
use omnifold_log::embedded::EmbeddedLog;
use omnifold_log::{HeadersBuilder, Log, RecordBuf, TopicKind, topic_name};
use omnifold_projector::{
    Answer, Options, Query, RunSummary, StateAt, query_offline, run_until_idle, topic_specs,
};
use omnifold_simulation::output::Output;
use omnifold_state::{Backend as _, Checkpoint, Images, RocksBackend, Table};

pub const PREFIX: &str = "omnifold";
pub const MARKET: &str = "test";
/// 2025-06-02T10:00:00Z.
pub const TEN: i64 = 1_748_858_400_000;

/// Memory that passes for a disk where there is enough of it: what is decided does not depend on the
/// disk, and thousands of flushes of small files take most of the time of these tests on a real one.
fn scratch() -> tempfile::TempDir {
    const MEMORY: &str = "/dev/shm";
    const ENOUGH: u64 = 1 << 30;
    let room = rustix::fs::statvfs(MEMORY).map_or(0, |at| at.f_bavail * at.f_frsize);
    let folder = if room < ENOUGH { tempfile::tempdir() } else { tempfile::tempdir_in(MEMORY) };
    folder.expect("a temporary folder")
}

pub struct Engine {
    pub folder: tempfile::TempDir,
    pub log: Arc<dyn Log>,
    pub options: Options,
    assignments_next: u64,
    rejected_next: u64,
    notices_next: u64,
}

impl Engine {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(adjust: impl FnOnce(&mut Options)) -> Self {
        let folder = scratch();
        let log: Arc<dyn Log> = EmbeddedLog::open(&folder.path().join("log")).expect("a log");
        log.create_topics(&topic_specs(PREFIX, MARKET)).expect("topics");
        let state = StateAt::Folder(folder.path().join("state"));
        let mut options = Options { state, ..Options::default() };
        options.slice.wait = Duration::from_millis(1);
        adjust(&mut options);
        Engine { folder, log, options, assignments_next: 0, rejected_next: 0, notices_next: 0 }
    }

    pub fn state_folder(&self) -> PathBuf {
        self.folder.path().join("state").join(MARKET)
    }

    /// Publishes events without running the engine.
    pub fn publish(&self, events: &[FileEvent]) {
        for event in events {
            let kind = TopicKind::parse(event.event.topic()).expect("an input topic");
            let time = event.time_ms.unwrap_or(TEN);
            let mut headers = HeadersBuilder::default();
            envelope(event).to_headers(|name, value| headers.put(name, value));
            self.publish_raw(kind, time, &headers, &event.event.encode());
        }
    }

    /// Publishes any bytes with any headers.
    pub fn publish_raw(
        &self,
        kind: TopicKind,
        time_ms: i64,
        headers: &HeadersBuilder,
        value: &[u8],
    ) {
        let mut batch = RecordBuf::default();
        batch.push(0, 0, time_ms, headers.as_headers(), b"k", Some(value));
        let producer = self.log.producer().expect("a producer");
        producer.append(&[topic_name(PREFIX, MARKET, kind)], &batch).expect("an append");
    }

    /// As `publish`, in one append: for many events.
    pub fn publish_together(&self, events: &[FileEvent]) {
        let mut batch = RecordBuf::default();
        let topics: Vec<String> =
            TopicKind::INPUTS.iter().map(|&kind| topic_name(PREFIX, MARKET, kind)).collect();
        for event in events {
            let kind = TopicKind::parse(event.event.topic()).expect("an input topic");
            let place = TopicKind::INPUTS.iter().position(|&input| input == kind);
            let mut headers = HeadersBuilder::default();
            envelope(event).to_headers(|name, value| headers.put(name, value));
            let (time, value) = (event.time_ms.unwrap_or(TEN), event.event.encode());
            let topic = place.expect("an input");
            batch.push(topic, 0, time, headers.as_headers(), b"k", Some(&value));
        }
        self.log.producer().expect("a producer").append(&topics, &batch).expect("an append");
    }

    /// Publishes a record that may have no value.
    pub fn publish_record(
        &self,
        kind: TopicKind,
        time_ms: i64,
        headers: &HeadersBuilder,
        value: Option<&[u8]>,
    ) {
        let mut batch = RecordBuf::default();
        batch.push(0, 0, time_ms, headers.as_headers(), b"k", value);
        let producer = self.log.producer().expect("a producer");
        producer.append(&[topic_name(PREFIX, MARKET, kind)], &batch).expect("an append");
    }

    /// What the market says of itself, its stock and these orders: all that a refused event must
    /// leave as it was.
    pub fn rows(&self, orders: &[&str]) -> String {
        let mut bodies = vec![self.query(Query::Market).expect("a market").body];
        let all = Query::Stock { node: None, sku: None, limit: 1_000 };
        bodies.push(self.query(all).expect("stock").body);
        for order_id in orders {
            let (channel, order_id) = ("web".to_owned(), (*order_id).to_owned());
            let order = self.query(Query::Order { channel, order_id });
            bodies.push(order.map(|answer| answer.body).unwrap_or_default());
        }
        serde_json::to_string(&bodies).expect("plain JSON")
    }

    /// Works off all there is.
    pub fn run(&self) -> RunSummary {
        let markets = [MARKET.to_owned()];
        let run = run_until_idle(self.log.clone(), &markets, self.options.clone(), &mut |_| {});
        run.expect("a run").remove(0)
    }

    /// What was published on a topic since the last call.
    fn read(&self, kind: TopicKind, next: u64) -> (Vec<Output>, u64) {
        let topic = topic_name(PREFIX, MARKET, kind);
        let mut reader = self.log.reader(&[(topic, next)]).expect("a reader");
        let mut buffer = RecordBuf::default();
        let next = loop {
            let fetched = reader.fetch(0, 1 << 20, &mut buffer).expect("a fetch");
            if fetched.at_end {
                break fetched.next;
            }
        };
        let outputs = buffer.iter().map(|record| Output::from_record(&record).expect("an output"));
        (outputs.collect(), next)
    }

    /// New decisions, then new refusals, then new notices.
    pub fn outputs(&mut self) -> Vec<Output> {
        let (mut outputs, next) = self.read(TopicKind::Assignments, self.assignments_next);
        self.assignments_next = next;
        let (rejected, next) = self.read(TopicKind::Rejected, self.rejected_next);
        self.rejected_next = next;
        outputs.extend(rejected);
        let (notices, next) = self.read(TopicKind::Notices, self.notices_next);
        self.notices_next = next;
        outputs.extend(notices);
        outputs
    }

    /// Publishes, runs, and returns what came out.
    pub fn take(&mut self, events: &[FileEvent]) -> Vec<Output> {
        self.publish(events);
        self.run();
        self.outputs()
    }

    /// Codes of the refusals among the new outputs.
    pub fn refusals(&mut self) -> Vec<String> {
        let codes = self.outputs().into_iter().filter_map(|output| match output {
            Output::Rejected(rejected) => Some(rejected.reason),
            _ => None,
        });
        codes.collect()
    }

    pub fn query(&self, query: Query) -> Option<Answer> {
        query_offline(self.log.clone(), MARKET, self.options.clone(), query)
            .expect("a readable market")
            .ok()
    }

    /// Every payload on `assignments`, with its key.
    pub fn assignments(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let topic = topic_name(PREFIX, MARKET, TopicKind::Assignments);
        let mut reader = self.log.reader(&[(topic, 0)]).expect("a reader");
        let mut buffer = RecordBuf::default();
        while !reader.fetch(0, 1 << 20, &mut buffer).expect("a fetch").at_end {}
        let pair = |record: omnifold_log::Record<'_>| {
            (record.key.to_vec(), record.value.unwrap_or_default().to_vec())
        };
        buffer.iter().map(pair).collect()
    }
}

/// Changes one stored row behind the engine's back: the last of its table.
pub fn tamper(folder: &std::path::Path, table: Table, change: impl Fn(&mut Vec<u8>)) {
    let backend = RocksBackend::open(folder).expect("the state");
    let mut found = None;
    let keep = &mut |key: &[u8], value: &[u8]| {
        found = Some((key.to_vec(), value.to_vec()));
        Ok(())
    };
    backend.scan(table, &[], &[], keep).expect("a scan");
    let (key, mut value) = found.expect("a row");
    change(&mut value);
    let mut images = Images::default();
    images.plant(table, &key, &value);
    let position = backend.get(Table::Meta, b"position").expect("a read").expect("a position");
    backend.write(&Checkpoint::new(vec![images.into()], position), &|| ()).expect("a write");
}

fn envelope(event: &FileEvent) -> Envelope<'_> {
    Envelope {
        id: &event.id,
        source: &event.source,
        type_name: event.event.type_name(),
        time_ms: event.time_ms,
        content_type: ContentType::Protobuf,
    }
}

pub fn event(id: &str, time_ms: i64, event: impl Into<Event>) -> FileEvent {
    let (id, source) = (id.to_owned(), "test".to_owned());
    FileEvent { id, source, time_ms: Some(time_ms), event: event.into() }
}

/// A market on the events clock with `allow_partial` and `wait`.
pub fn market(time_ms: i64) -> FileEvent {
    event(
        "market",
        time_ms,
        v1::MarketConfigured {
            clock: v1::ClockKind::Events.into(),
            currency: "EUR".into(),
            coverage: v1::Coverage::AllowPartial.into(),
            shortage: v1::Shortage::Wait.into(),
            ..Default::default()
        },
    )
}

pub fn node(id: &str, lat_e6: i32, lon_e6: i32, time_ms: i64) -> FileEvent {
    event(
        &format!("node {id}"),
        time_ms,
        v1::NodeDefined {
            node_id: id.into(),
            kind: v1::NodeKind::Warehouse.into(),
            location: Some(v1::Location { lat_e6, lon_e6 }),
            ..Default::default()
        },
    )
}

pub fn item(sku: &str, time_ms: i64) -> FileEvent {
    event(
        &format!("item {sku}"),
        time_ms,
        v1::ItemDefined { sku: sku.into(), ..Default::default() },
    )
}

pub fn count(id: &str, node: &str, sku: &str, units: i64, time_ms: i64) -> FileEvent {
    event(
        id,
        time_ms,
        v1::StockCounted {
            node_id: node.into(),
            sku: sku.into(),
            on_hand_milli: units * 1_000,
            ..Default::default()
        },
    )
}

pub fn order(order_id: &str, lines: &[(&str, i64)], time_ms: i64) -> FileEvent {
    let lines = (1..).zip(lines).map(|(number, (sku, units))| v1::OrderLine {
        line_id: number.to_string(),
        sku: (*sku).into(),
        quantity_milli: units * 1_000,
        unit_price: None,
    });
    event(
        &format!("order {order_id}"),
        time_ms,
        v1::OrderPlaced {
            channel: "web".into(),
            order_id: order_id.into(),
            lines: lines.collect(),
            ..Default::default()
        },
    )
}

/// A market with one node N and one SKU S, so many units of it.
pub fn small_world(units: i64) -> Vec<FileEvent> {
    vec![
        market(TEN),
        node("N", 48_850_000, 2_350_000, TEN),
        item("S", TEN),
        count("count", "N", "S", units, TEN),
    ]
}
