//! Brokers that die, hang and come back.

mod common;

use std::slice::from_ref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{PATIENCE, batch, new_topic, read_all, wait_until};
use omnifold_log::{Appender, Log, LogError, RecordBuf};
use omnifold_log_kafka::{KafkaLog, KafkaOptions};

const RECORDS: usize = 500;

/// Appends numbered batches until one fails; how many were acknowledged, and the failure.
fn append_until_it_fails(
    owner: &mut dyn Appender,
    topic: &String,
    first: usize,
    appending: &AtomicBool,
) -> (usize, LogError) {
    for number in first.. {
        let texts = (0..RECORDS).map(|_| number.to_string());
        if let Err(fault) = owner.append(from_ref(topic), &batch(texts)) {
            return (number, fault);
        }
        appending.store(true, Ordering::Release);
    }
    unreachable!("numbers do not end")
}

#[test]
fn a_broker_killed_in_mid_append_loses_nothing_acknowledged_and_tears_no_batch() {
    let Some(mut broker) = omnifold_kafka_testkit::own() else { return };
    let mut options = KafkaOptions::new(broker.address());
    options.transaction_timeout = Duration::from_secs(2);
    let log = KafkaLog::connect(options).expect("the broker answers");
    let topic = new_topic(&log);
    let mut acknowledged = Vec::new();
    let mut next = 0;
    for round in 0..3 {
        let mut owner = log.owner("br").expect("an owner");
        let appending = AtomicBool::new(false);
        let first = next;
        let (failed, fault) = std::thread::scope(|scope| {
            let thread =
                scope.spawn(|| append_until_it_fails(owner.as_mut(), &topic, first, &appending));
            wait_until("appends go well", || appending.load(Ordering::Acquire));
            std::thread::sleep(Duration::from_millis(40 * round));
            broker.kill();
            thread.join().expect("appends end with an error, not a panic")
        });
        assert!(
            matches!(fault, LogError::Unknown { .. } | LogError::Refused { .. }),
            "round {round}: {fault:?}"
        );
        acknowledged.extend(first..failed);
        next = failed + 1; // `failed` itself may or may not be there
        broker.restart().expect("the broker comes up again");
    }
    log.owner("br").expect("an owner").append(from_ref(&topic), &batch(["end"])).expect("appended");
    let texts = read_all(&log, &topic);
    let (end, batches) = texts.split_last().expect("records");
    assert_eq!(end, "end");
    let mut seen = Vec::new();
    for whole in batches.chunks(RECORDS) {
        assert!(whole.len() == RECORDS && whole.iter().all(|text| *text == whole[0]), "torn");
        seen.push(whole[0].parse::<usize>().expect("a number"));
    }
    assert!(seen.is_sorted_by(|a, b| a < b), "doubled or out of order: {seen:?}");
    assert!(acknowledged.iter().all(|number| seen.contains(number)), "lost something acknowledged");
}

#[test]
fn a_hanging_broker_fails_an_append_in_bounded_time_and_a_reader_says_so() {
    let Some(broker) = omnifold_kafka_testkit::own() else { return };
    let mut options = KafkaOptions::new(broker.address());
    options.transaction_timeout = Duration::from_secs(3);
    options.reader_patience = Duration::from_secs(2);
    options.properties.insert("socket.timeout.ms".to_owned(), "2000".to_owned());
    let log = KafkaLog::connect(options).expect("the broker answers");
    let topic = new_topic(&log);
    let mut owner = log.owner("br").expect("an owner");
    owner.append(from_ref(&topic), &batch(["before"])).expect("appended");
    let mut reader = log.reader(&[(topic.clone(), 0)]).expect("a reader");
    broker.pause();
    let began = Instant::now();
    let fault = owner.append(from_ref(&topic), &batch(["during"])).expect_err("nobody answers");
    assert!(matches!(fault, LogError::Unknown { .. } | LogError::Refused { .. }), "{fault:?}");
    assert!(began.elapsed() < Duration::from_secs(20), "took {:?}", began.elapsed());
    wait_until("the reader says so", || {
        let result = reader.wait(Duration::from_millis(100));
        matches!(result, Err(LogError::Unavailable { .. }))
    });
    let dropping = Instant::now();
    drop(owner);
    assert!(dropping.elapsed() < Duration::from_secs(1), "dropped in {:?}", dropping.elapsed());
    broker.resume();
    let mut owner = log.owner("br").expect("the next owner");
    owner.append(from_ref(&topic), &batch(["after"])).expect("appended");
    // A reader that said so is dropped and a new one opened, as the engine does.
    drop(reader);
    let mut reader = log.reader(&[(topic, 0)]).expect("a new reader");
    let mut buffer = RecordBuf::default();
    let deadline = Instant::now() + PATIENCE;
    while buffer.iter().last().is_none_or(|record| record.value != Some(b"after")) {
        assert!(Instant::now() < deadline, "the reader has {} records", buffer.len());
        // Until it has found the broker it may say that it is away.
        let _ = reader.wait(Duration::from_millis(100));
        let _ = reader.fetch(0, 1 << 20, &mut buffer);
    }
    let first = buffer.get(0).value;
    assert_eq!(first, Some(&b"before"[..]));
}
