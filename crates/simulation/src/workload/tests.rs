//! The shares are checked with a router of a dozen lines: the nearest node that has everything,
//! else as many nodes as it takes. It knows nothing of the engine.

use std::collections::{HashMap, HashSet, VecDeque};

use omnifold_events::{Envelope, Event, decode};
use omnifold_log::Record;

use super::*;

fn mix() -> Mix {
    Mix::parse(include_str!("../../../../benches/mix.toml")).expect("the file of the repository")
}

fn play(orders: u64, form: ContentType) -> (Written, RecordBuf) {
    let mut workload = Workload::new(&mix(), Play::backlog(orders, form));
    let mut records = RecordBuf::default();
    while workload.setup(&mut records, 1 << 20) {}
    while workload.order(&mut records) {}
    workload.finish(&mut records);
    (workload.written(), records)
}

fn event_of(record: &Record<'_>) -> (String, Event) {
    let envelope = Envelope::from_headers(record.headers.iter()).expect("an envelope");
    let value = record.value.expect("a value");
    let event = decode(envelope.type_name, envelope.content_type, value).expect("an event");
    (format!("{}#{}", envelope.source, envelope.id), event)
}

/// Nearest first, greedily. Stock per SKU and node.
#[derive(Default)]
struct TinyRouter {
    stock: HashMap<String, HashMap<String, i64>>,
    waiting: HashMap<String, VecDeque<i64>>,
    split: u64,
    waited: u64,
    runs_out: u64,
}

impl TinyRouter {
    fn place(&mut self, order: &v1::OrderPlaced) {
        if let Some(node) = self.whole(order) {
            for line in &order.lines {
                self.take(&line.sku, &node, line.quantity_milli);
            }
            return;
        }
        let mut nodes = HashSet::new();
        let mut waits = false;
        for line in &order.lines {
            match self.any_with(&line.sku, line.quantity_milli) {
                Some(node) => {
                    self.take(&line.sku, &node, line.quantity_milli);
                    nodes.insert(node);
                }
                None => {
                    waits = true;
                    let queue = self.waiting.entry(line.sku.clone()).or_default();
                    queue.push_back(line.quantity_milli);
                }
            }
        }
        self.waited += u64::from(waits);
        self.split += u64::from(!waits && nodes.len() > 1);
    }

    fn whole(&self, order: &v1::OrderPlaced) -> Option<String> {
        let has = |node: &String, line: &v1::OrderLine| {
            self.stock[&line.sku].get(node).is_some_and(|&units| units >= line.quantity_milli)
        };
        let nodes = self.stock.get(&order.lines[0].sku)?.keys();
        nodes.filter(|node| order.lines.iter().all(|line| has(node, line))).min().cloned()
    }

    fn any_with(&self, sku: &str, units: i64) -> Option<String> {
        let nodes = self.stock.get(sku)?.iter();
        nodes.filter(|(_, have)| **have >= units).map(|(node, _)| node).min().cloned()
    }

    fn take(&mut self, sku: &str, node: &str, units: i64) {
        let have = self.stock.get_mut(sku).and_then(|nodes| nodes.get_mut(node)).expect("stocked");
        *have -= units;
        self.runs_out += u64::from(*have == 0);
    }

    fn receive(&mut self, sku: &str, node: &str, units: i64) {
        *self.stock.entry(sku.to_owned()).or_default().entry(node.to_owned()).or_default() += units;
        while let Some(&wanted) = self.waiting.get(sku).and_then(VecDeque::front) {
            let Some(from) = self.any_with(sku, wanted) else { break };
            self.take(sku, &from, wanted);
            self.waiting.get_mut(sku).map(VecDeque::pop_front);
        }
    }

    fn run(records: &RecordBuf) -> (TinyRouter, u64) {
        let mut router = TinyRouter::default();
        let (mut seen, mut duplicates) = (HashSet::new(), 0);
        for record in records.iter() {
            let (id, event) = event_of(&record);
            if !seen.insert(id) {
                duplicates += 1;
                continue;
            }
            match event {
                Event::StockCounted(count) => {
                    router.receive(&count.sku, &count.node_id, count.on_hand_milli);
                }
                Event::StockAdjusted(delta) => {
                    router.receive(&delta.sku, &delta.node_id, delta.delta_milli);
                }
                Event::OrderPlaced(order) => router.place(&order),
                _ => {}
            }
        }
        (router, duplicates)
    }
}

#[test]
fn the_shares_of_the_mix_come_out_of_its_stock() {
    let orders = 40_000;
    let (written, records) = play(orders, ContentType::Protobuf);
    assert_eq!(written.orders, orders);
    let (router, duplicates) = TinyRouter::run(&records);
    let near =
        |share: u64, permille: u64| share.abs_diff(orders * permille / 1_000) <= orders / 250;
    assert!(near(router.split, 100), "{} split", router.split);
    assert!(near(router.waited, 30), "{} wait", router.waited);
    assert_eq!((written.split, written.rejected, duplicates), (4_000, 800, 400));
    assert_eq!(written.duplicates, duplicates);
    assert!(router.waited.abs_diff(written.wait) < 40, "{} {}", router.waited, written.wait);
    assert!(router.runs_out > orders / 100, "stock runs out: {}", router.runs_out);
    let left: usize = router.waiting.values().map(VecDeque::len).sum();
    assert_eq!(left, 0, "everything that waited was served");
}

#[test]
fn a_duplicate_is_the_same_record_byte_for_byte() {
    let (_, records) = play(3_000, ContentType::Protobuf);
    let mut first: HashMap<String, Record<'_>> = HashMap::new();
    let mut duplicates = 0;
    for record in records.iter() {
        let (id, _) = event_of(&record);
        if let Some(before) = first.get(&id) {
            assert_eq!(*before, record);
            duplicates += 1;
        } else {
            first.insert(id, record);
        }
    }
    assert_eq!(duplicates, 30);
}

#[test]
fn every_rejection_names_an_order_that_one_node_got_before() {
    let (_, records) = play(3_000, ContentType::Protobuf);
    let mut placed = HashSet::new();
    let mut rejections = 0;
    for record in records.iter() {
        match event_of(&record).1 {
            Event::OrderPlaced(order) => {
                placed.insert(format!("{}/{}/f1", order.channel, order.order_id));
            }
            Event::FulfilmentRejected(rejected) => {
                let target = rejected.target.and_then(|target| target.target);
                let Some(v1::fulfilment_target::Target::FulfilmentId(id)) = target else {
                    panic!("a fulfilment id")
                };
                assert!(placed.contains(&id), "{id}");
                rejections += 1;
            }
            _ => {}
        }
    }
    assert_eq!(rejections, 60);
}

#[test]
fn an_order_has_about_two_hundred_bytes_and_json_says_the_same() {
    let (written, records) = play(1_000, ContentType::Protobuf);
    let mean = written.payload_bytes / written.orders;
    assert!((185..=215).contains(&mean), "{mean} bytes");
    let (_, json) = play(1_000, ContentType::Json);
    assert_eq!(records.len(), json.len());
    for (one, other) in records.iter().zip(json.iter()) {
        assert_eq!(event_of(&one), event_of(&other));
    }
}

#[test]
fn record_times_never_go_back_except_in_duplicates() {
    let (_, records) = play(2_000, ContentType::Protobuf);
    let mut seen = HashSet::new();
    let times: Vec<i64> = records
        .iter()
        .filter(|record| seen.insert(event_of(record).0))
        .map(|record| record.time_ms)
        .collect();
    assert!(times.is_sorted());
}

#[test]
fn the_same_mix_gives_the_same_bytes() {
    assert_eq!(play(500, ContentType::Json).1, play(500, ContentType::Json).1);
    let other = Mix { seed: 4, ..mix() };
    let mut records = RecordBuf::default();
    let mut workload = Workload::new(&other, Play::backlog(500, ContentType::Json));
    while workload.setup(&mut records, 1 << 20) {}
    while workload.order(&mut records) {}
    workload.finish(&mut records);
    assert_ne!(records, play(500, ContentType::Json).1);
}
