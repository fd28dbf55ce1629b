//! How fast the log writes transactions and reads them back, on a broker of its own.
//!
//! `cargo run --release -p omnifold-log-kafka --example kafka_throughput [RECORDS [BATCH [BYTES]]] \
//!  [NAME=VALUE]...`
//!
//! Pairs are librdkafka properties. Prints records/s, and CPU seconds a million records of this
//! process and of the broker.

use std::error::Error;
use std::time::{Duration, Instant};

use omnifold_kafka_testkit::{Broker, BrokerOptions};
use omnifold_log::{Compaction, HeadersBuilder, Log, RecordBuf, TopicSpec};
use omnifold_log_kafka::{KafkaLog, KafkaOptions};

const TOPIC: &str = "omnifold.bench.orders";

fn main() -> Result<(), Box<dyn Error>> {
    let (pairs, numbers): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.contains('='));
    let number = |place: usize, default: usize| {
        numbers.get(place).map_or(Ok(default), |text| text.parse::<usize>())
    };
    let (records, batch, bytes) = (number(0, 2_000_000)?, number(1, 10_000)?, number(2, 200)?);
    let broker = Broker::start(BrokerOptions::default())?;
    let mut options = KafkaOptions::new(broker.address());
    for pair in pairs {
        let (name, value) = pair.split_once('=').expect("partitioned by it");
        options.properties.insert(name.to_owned(), value.to_owned());
    }
    let log = KafkaLog::connect(options)?;
    let spec = TopicSpec { name: TOPIC.to_owned(), compaction: Compaction::None };
    log.create_topics(&[spec])?;
    println!("{records} records of {bytes} bytes in transactions of {batch}");
    let sent = records.div_ceil(batch) * batch;
    measure(&broker, "write", sent, || write(&log, sent, batch, bytes))?;
    measure(&broker, "read", sent, || read(&log, sent))?;
    measure(&broker, "read again", sent, || read(&log, sent))?;
    latency(&log)
}

fn write(log: &KafkaLog, records: usize, batch: usize, bytes: usize) -> Result<(), Box<dyn Error>> {
    let mut owner = log.owner("bench")?;
    let topics = [TOPIC.to_owned()];
    let mut headers = HeadersBuilder::default();
    headers.put("ce_id", b"4711");
    headers.put("ce_type", b"omnifold.v1.OrderPlaced");
    headers.put("ce_source", b"/channels/web");
    let mut buffer = RecordBuf::default();
    for first in (0..records).step_by(batch) {
        buffer.clear();
        for n in first..first + batch {
            let value = value(n as u64, bytes);
            let key = n.to_be_bytes();
            buffer.push(0, 0, 1_750_000_000_000, headers.as_headers(), &key, Some(&value));
        }
        owner.append(&topics, &buffer)?;
    }
    Ok(())
}

/// Half of it compresses, half does not, as with protobuf.
fn value(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..bytes)
        .map(|place| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if place % 2 == 0 { (state >> 56) as u8 } else { b'0' }
        })
        .collect()
}

fn read(log: &KafkaLog, records: usize) -> Result<(), Box<dyn Error>> {
    let mut reader = log.reader(&[(TOPIC.to_owned(), 0)])?;
    let mut buffer = RecordBuf::default();
    let mut seen = 0;
    while seen < records {
        buffer.clear();
        let fetched = reader.fetch(0, 1 << 20, &mut buffer)?;
        seen += fetched.records;
        if fetched.records == 0 {
            reader.wait(Duration::from_secs(1))?;
        }
    }
    assert_eq!(seen, records);
    Ok(())
}

/// From before a one-record append to its arrival at a waiting reader.
fn latency(log: &KafkaLog) -> Result<(), Box<dyn Error>> {
    let topic = "omnifold.bench.journal".to_owned();
    let spec = TopicSpec { name: topic.clone(), compaction: Compaction::None };
    log.create_topics(&[spec])?;
    let mut owner = log.owner("latency")?;
    let mut reader = log.reader(&[(topic.clone(), 0)])?;
    let (mut commits, mut visible) = (Vec::new(), Vec::new());
    let mut buffer = RecordBuf::default();
    for n in 0..500_u64 {
        let mut one = RecordBuf::default();
        one.push(0, 0, 1, Default::default(), b"key", Some(&n.to_be_bytes()));
        let began = Instant::now();
        owner.append(std::slice::from_ref(&topic), &one)?;
        commits.push(began.elapsed());
        while reader.fetch(0, 1, &mut buffer)?.records == 0 {
            reader.wait(Duration::from_secs(1))?;
        }
        visible.push(began.elapsed());
    }
    print_percentiles("append of one record", &mut commits);
    print_percentiles("until a reader has it", &mut visible);
    Ok(())
}

fn print_percentiles(what: &str, times: &mut [Duration]) {
    times.sort();
    let at = |percent: usize| times[times.len() * percent / 100];
    println!("{what}: p50 {:.2?}, p99 {:.2?}", at(50), at(99));
}

fn measure(
    broker: &Broker,
    what: &str,
    records: usize,
    work: impl FnOnce() -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let (own, theirs, began) = (own_cpu_seconds(), broker.cpu_seconds(), Instant::now());
    work()?;
    let seconds = began.elapsed().as_secs_f64();
    let millions = records as f64 / 1e6;
    println!(
        "{what}: {:.0} records/s; CPU s a million: {:.2} here, {:.2} broker",
        records as f64 / seconds,
        (own_cpu_seconds() - own) / millions,
        (broker.cpu_seconds() - theirs) / millions
    );
    Ok(())
}

fn own_cpu_seconds() -> f64 {
    omnifold_kafka_testkit::cpu_seconds(std::process::id()).expect("this process is there")
}
