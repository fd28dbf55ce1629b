//! Records a second of the embedded log: `throughput [FOLDER] [MILLIONS] [WRITERS] [plain]`.
//!
//! First single records, each append synced, by one thread and by 32 that share syncs.
//! Then records of 200 bytes in batches of 10,000, each append synced; then everything is read by one
//! thread. The values look like small JSON events, so they compress about as those do.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use omnifold_log::embedded::{EmbeddedLog, EmbeddedOptions};
use omnifold_log::{Compaction, Headers, HeadersBuilder, Log, RecordBuf, TopicSpec};

const BATCH: usize = 10_000;
const VALUE_BYTES: usize = 140;

fn main() {
    let argument = |place: usize| std::env::args().nth(place);
    let number =
        |place: usize, default| argument(place).map_or(default, |a| a.parse().expect("a number"));
    let temporary = tempfile::tempdir().expect("a folder");
    let dir = argument(1).map_or(temporary.path().to_owned(), PathBuf::from);
    let (records, writers) = (number(2, 2) * 1_000_000, number(3, 1));
    let compress = argument(4).is_none_or(|a| a != "plain");
    let log = EmbeddedLog::open_with(&dir, &EmbeddedOptions { compress, ..Default::default() });
    let log = log.expect("a log");
    let topics: Vec<String> = (0..writers).map(|n| format!("bench.m{n}.orders")).collect();
    let specs =
        topics.iter().map(|name| TopicSpec { name: name.clone(), compaction: Compaction::None });
    log.create_topics(&specs.collect::<Vec<_>>()).expect("topics");
    append_single_records(log.as_ref(), &topics[0], 1);
    append_single_records(log.as_ref(), &topics[0], 32);
    append(log.as_ref(), &topics, records);
    read(log.as_ref(), &topics);
    println!("{:#?}", log.stats());
    reopen(log, &dir);
}

fn append_single_records(log: &EmbeddedLog, topic: &String, threads: usize) {
    const APPENDS: usize = 200;
    let before = log.stats();
    let producer = log.producer().expect("a producer");
    let began = Instant::now();
    let append = || {
        let mut batch = RecordBuf::default();
        batch.push(0, 0, 1, Headers::default(), b"key", Some(&[b'v'; VALUE_BYTES]));
        let once = |_| {
            let began = Instant::now();
            producer.append(std::slice::from_ref(topic), &batch).expect("appended");
            began.elapsed()
        };
        (0..APPENDS).map(once).collect::<Vec<_>>()
    };
    let mut waits: Vec<Duration> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(append)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a thread")).collect()
    });
    waits.sort();
    say(&format!("{threads} threads: appended singly"), waits.len() as u64, began);
    let syncs = log.stats().syncs - before.syncs;
    println!(
        "  {syncs} syncs, p50 {:?}, p99 {:?}",
        waits[waits.len() / 2],
        waits[waits.len() * 99 / 100]
    );
}

fn append(log: &EmbeddedLog, topics: &[String], records: usize) {
    let began = Instant::now();
    std::thread::scope(|scope| {
        for topic in topics {
            scope.spawn(move || {
                let batch = batch();
                let mut owner = log.owner(topic).expect("an owner");
                for _ in 0..records / topics.len() / BATCH {
                    owner.append(std::slice::from_ref(topic), &batch).expect("appended");
                }
            });
        }
    });
    say("appended", log.stats().records, began);
}

fn batch() -> RecordBuf {
    let mut batch = RecordBuf::default();
    let mut headers = HeadersBuilder::default();
    let mut state: u64 = 1;
    for n in 0..BATCH {
        headers.clear();
        headers.put("ce_id", format!("{n:012}").as_bytes());
        headers.put("ce_type", b"OrderPlaced");
        let mut value = String::new();
        while value.len() < VALUE_BYTES {
            state = state * 48_271 % 0x7fff_ffff;
            value += &format!("{{\"sku\":\"SKU-{:05}\",\"qty\":{}}},", state % 10_000, state % 5);
        }
        value.truncate(VALUE_BYTES);
        let key = format!("web/{n:06}");
        batch.push(
            0,
            0,
            1_750_000_000_000,
            headers.as_headers(),
            key.as_bytes(),
            Some(value.as_bytes()),
        );
    }
    println!("bytes a record: {}", batch.byte_len() / BATCH);
    batch
}

fn read(log: &EmbeddedLog, topics: &[String]) {
    let began = Instant::now();
    let positions: Vec<_> = topics.iter().map(|name| (name.clone(), 0)).collect();
    let mut reader = log.reader(&positions).expect("a reader");
    let mut buffer = RecordBuf::default();
    let mut read = 0;
    for topic in 0..topics.len() {
        loop {
            buffer.clear();
            let fetched = reader.fetch(topic, 1 << 20, &mut buffer).expect("a fetch");
            read += fetched.records as u64;
            if fetched.at_end {
                break;
            }
        }
    }
    say("read", read, began);
}

fn reopen(log: std::sync::Arc<EmbeddedLog>, dir: &Path) {
    drop(log);
    let began = Instant::now();
    let log = EmbeddedLog::open(dir).expect("the log opens again");
    println!("reopened in {:?}", began.elapsed());
    let began = Instant::now();
    let records = log.verify().expect("every record is good");
    say("verified", records, began);
}

fn say(what: &str, records: u64, began: Instant) {
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{what} {records} records in {seconds:.2} s: {:.0} a second",
        records as f64 / seconds
    );
}
