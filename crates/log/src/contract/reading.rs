//! Positions, ends and waits.

use std::slice::from_ref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::harness::{
    batch, fetch_some, new_topic, put, read_all, read_exactly, read_from, reader_at, texts, unique,
};
use super::{Make, PATIENCE};
use crate::{Log, LogError, Reader, RecordBuf};

pub(super) fn a_position_is_the_next_offset_to_read(make: Make<'_>) {
    let log = make();
    let topic = new_topic(log.as_ref());
    let mut owner = log.owner(&unique("market")).expect("an owner");
    owner.append(from_ref(&topic), &batch(["a", "b"])).expect("appended");
    owner.append(from_ref(&topic), &batch(["c", "d"])).expect("appended");
    let all = read_all(log.as_ref(), &topic, 4);
    for (place, record) in all.iter().enumerate() {
        let from = read_from(log.as_ref(), &topic, record.offset, 4 - place);
        assert_eq!(from, all[place..], "from offset {}", record.offset);
        let after = read_from(log.as_ref(), &topic, record.offset + 1, 3 - place);
        assert_eq!(after, all[place + 1..], "after offset {}", record.offset);
    }
}

pub(super) fn what_an_append_returned_is_where_the_next_one_begins(make: Make<'_>) {
    let log = make();
    let topic = new_topic(log.as_ref());
    let mut owner = log.owner(&unique("market")).expect("an owner");
    let first = owner.append(from_ref(&topic), &batch(["a", "b"])).expect("appended");
    let second = owner.append(from_ref(&topic), &batch(["c"])).expect("appended");
    assert!(first[0] >= 2 && second[0] > first[0], "{first:?} then {second:?}");
    assert_eq!(texts(&read_from(log.as_ref(), &topic, first[0], 1)), ["c"]);
    read_from(log.as_ref(), &topic, second[0], 0);
}

pub(super) fn an_owner_reads_at_once_what_it_committed(make: Make<'_>) {
    let log = make();
    let topic = new_topic(log.as_ref());
    let mut owner = log.owner(&unique("market")).expect("an owner");
    for count in 1..=20 {
        owner.append(from_ref(&topic), &batch([count.to_string()])).expect("appended");
        let described = log.describe(&[&topic]).expect("described");
        let end = described[0].as_ref().expect("the topic").end;
        assert!(end >= count, "the end is {end} after {count} appends");
        let seen = read_all(log.as_ref(), &topic, usize::try_from(count).expect("few"));
        assert_eq!(seen.last().expect("a record").text(), count.to_string());
    }
}

pub(super) fn a_small_fetch_gets_at_least_one_record(make: Make<'_>) {
    let log = make();
    let topic = new_topic(log.as_ref());
    let producer = log.producer().expect("a producer");
    let values: Vec<String> = (0..200).map(|n| format!("{n:0>1000}")).collect();
    producer.append(from_ref(&topic), &batch(&values)).expect("appended");
    let mut reader = reader_at(log.as_ref(), &topic, 0);
    let mut buffer = RecordBuf::default();
    let deadline = Instant::now() + PATIENCE;
    let mut fetches = 0;
    while buffer.len() < values.len() {
        let before = buffer.len();
        let fetched = reader.fetch(0, 10, &mut buffer).expect("a fetch");
        assert_eq!(buffer.len() - before, fetched.records, "the fetch appends and counts");
        fetches += usize::from(fetched.records > 0);
        if fetched.records == 0 {
            reader.wait(Duration::from_millis(100)).expect("a wait");
        }
        assert!(Instant::now() < deadline, "{} of {} records", buffer.len(), values.len());
    }
    assert!(fetches > 1, "a fetch of 10 bytes returned 200 records of 1,000 bytes");
    let read = buffer.iter().map(|record| record.value.expect("a value").to_vec());
    assert!(read.eq(values.iter().map(|value| value.as_bytes().to_vec())));
}

pub(super) fn the_end_is_told_and_moves_with_new_records(make: Make<'_>) {
    let log = make();
    let topic = new_topic(log.as_ref());
    let mut owner = log.owner(&unique("market")).expect("an owner");
    let mut reader = reader_at(log.as_ref(), &topic, 0);
    read_exactly(reader.as_mut(), 0);
    owner.append(from_ref(&topic), &batch(["a", "b", "c"])).expect("appended");
    assert_eq!(texts(&read_exactly(reader.as_mut(), 3)), ["a", "b", "c"]);
    owner.append(from_ref(&topic), &batch(["d"])).expect("appended");
    assert_eq!(texts(&read_exactly(reader.as_mut(), 1)), ["d"]);
    read_exactly(reader.as_mut(), 0);
}

pub(super) fn a_waiting_reader_is_woken_by_new_records(make: Make<'_>) {
    let log = make();
    let topic = new_topic(log.as_ref());
    let mut reader = reader_at(log.as_ref(), &topic, 0);
    read_exactly(reader.as_mut(), 0);
    let producer = log.producer().expect("a producer");
    let began = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(200));
            producer.append(from_ref(&topic), &batch(["late"])).expect("appended");
        });
        let mut seen = Vec::new();
        while seen.is_empty() {
            assert!(began.elapsed() < PATIENCE, "no record in {PATIENCE:?}");
            reader.wait(PATIENCE).expect("a wait");
            fetch_some(reader.as_mut(), 0, &mut seen);
        }
        assert_eq!(texts(&seen), ["late"]);
    });
    assert!(began.elapsed() < PATIENCE / 2, "woken only after {:?}", began.elapsed());
}

pub(super) fn a_wait_without_records_ends_in_time(make: Make<'_>) {
    let log = make();
    let topic = new_topic(log.as_ref());
    let mut reader = reader_at(log.as_ref(), &topic, 0);
    read_exactly(reader.as_mut(), 0);
    let began = Instant::now();
    reader.wait(Duration::from_millis(300)).expect("a wait");
    assert!(began.elapsed() < Duration::from_secs(10), "waited {:?}", began.elapsed());
}

pub(super) fn topics_read_together_are_kept_apart(make: Make<'_>) {
    let log = make();
    let topics = [new_topic(log.as_ref()), new_topic(log.as_ref())];
    let mut owner = log.owner(&unique("market")).expect("an owner");
    let mut sent = RecordBuf::default();
    for n in 0..100 {
        put(&mut sent, n % 2, &n.to_string());
    }
    let next = owner.append(&topics, &sent).expect("appended");
    owner.append(&topics, &sent).expect("appended");
    let positions = [(topics[0].clone(), 0), (topics[1].clone(), next[1])];
    let mut reader = log.reader(&positions).expect("a reader");
    assert_eq!(read_topic(reader.as_mut(), 1, 50), (1..100).step_by(2).collect::<Vec<_>>());
    let twice = (0..100).step_by(2).chain((0..100).step_by(2));
    assert_eq!(read_topic(reader.as_mut(), 0, 100), twice.collect::<Vec<_>>());
}

fn read_topic(reader: &mut dyn Reader, topic: usize, expected: usize) -> Vec<usize> {
    let deadline = Instant::now() + PATIENCE;
    let mut seen = Vec::new();
    while !(fetch_some(reader, topic, &mut seen) && seen.len() >= expected) {
        assert!(Instant::now() < deadline, "{} of {expected} records", seen.len());
        reader.wait(Duration::from_millis(100)).expect("a wait");
    }
    texts(&seen).iter().map(|text| text.parse().expect("a number")).collect()
}

pub(super) fn a_position_outside_the_topic_is_refused(make: Make<'_>) {
    let log = make();
    let topic = new_topic(log.as_ref());
    let producer = log.producer().expect("a producer");
    producer.append(from_ref(&topic), &batch(["0", "1", "2", "3"])).expect("appended");
    let offsets: Vec<u64> = read_all(log.as_ref(), &topic, 4).iter().map(|r| r.offset).collect();
    let beyond = offsets[3] + 1_000_000;
    assert_refused(log.as_ref(), &topic, beyond);
    log.trim(&topic, offsets[2]).expect("trimmed");
    assert_refused(log.as_ref(), &topic, offsets[0]);
    assert_eq!(texts(&read_from(log.as_ref(), &topic, offsets[2], 2)), ["2", "3"]);
}

/// The reader, or its first fetches, must say that the position is outside of the topic.
fn assert_refused(log: &dyn Log, topic: &str, position: u64) {
    let deadline = Instant::now() + PATIENCE;
    let refused = loop {
        let fetched = log.reader(&[(topic.to_owned(), position)]).and_then(|mut reader| {
            reader.wait(Duration::from_millis(100))?;
            reader.fetch(0, 1 << 20, &mut RecordBuf::default())
        });
        match fetched {
            Err(error) => break error,
            Ok(fetched) => assert_eq!(fetched.records, 0, "position {position} was moved"),
        }
        assert!(Instant::now() < deadline, "position {position} was not refused");
    };
    match refused {
        LogError::OutOfRange { topic: named, asked, .. } => {
            assert_eq!((named.as_str(), asked), (topic, position));
        }
        other => panic!("position {position}: {other}"),
    }
}

pub(super) fn only_whole_appends_are_seen_at_the_end(make: Make<'_>) {
    const APPENDS: usize = 40;
    const RECORDS: usize = 50;
    let log = make();
    let topic = new_topic(log.as_ref());
    let mut owner = log.owner(&unique("market")).expect("an owner");
    let mut reader = reader_at(log.as_ref(), &topic, 0);
    let stopped = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for append in 0..APPENDS {
                let values = (0..RECORDS).map(|n| (append * RECORDS + n).to_string());
                owner.append(from_ref(&topic), &batch(values)).expect("appended");
            }
            stopped.store(true, Ordering::Release);
        });
        let mut seen = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let over = stopped.load(Ordering::Acquire);
            if fetch_some(reader.as_mut(), 0, &mut seen) {
                assert_eq!(seen.len() % RECORDS, 0, "the end cuts an append");
            }
            if over && seen.len() >= APPENDS * RECORDS {
                break;
            }
            assert!(Instant::now() < deadline, "{} records", seen.len());
            reader.wait(Duration::from_millis(20)).expect("a wait");
        }
        let expected: Vec<String> = (0..APPENDS * RECORDS).map(|n| n.to_string()).collect();
        assert_eq!(texts(&seen), expected);
    });
}
