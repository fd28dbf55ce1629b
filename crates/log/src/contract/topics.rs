//! Creating, describing and trimming topics.

use std::slice::from_ref;
use std::time::{Duration, Instant};

use super::harness::{
    batch, is_no_topic, new_topic, put, read_all, read_from, start_of, texts, unique,
};
use super::{Make, PATIENCE, PREFIX};
use crate::{Compaction, Log, LogError, RecordBuf, TopicDescription, TopicKind};

fn describe(log: &dyn Log, topic: &str) -> TopicDescription {
    let described = log.describe(&[topic]).expect("topics are described");
    described[0].clone().expect("the topic is there")
}

pub(super) fn creating_topics_is_idempotent_and_names_what_was_made(make: Make<'_>) {
    let log = make();
    let market = unique("m");
    let orders = TopicKind::Orders.spec(PREFIX, &market);
    let availability = TopicKind::Availability.spec(PREFIX, &market);
    let made = log.create_topics(from_ref(&orders)).expect("created");
    assert_eq!(made, from_ref(&orders.name));
    let identity = describe(log.as_ref(), &orders.name).identity;
    let both = [orders.clone(), availability.clone()];
    assert_eq!(log.create_topics(&both).expect("created"), from_ref(&availability.name));
    assert!(log.create_topics(&both).expect("nothing to do").is_empty());
    assert_eq!(describe(log.as_ref(), &orders.name).identity, identity);
    for spec in both {
        assert_eq!(describe(log.as_ref(), &spec.name).faults(&spec), Vec::<String>::new());
    }
}

pub(super) fn a_topic_is_described_as_it_stands(make: Make<'_>) {
    let log = make();
    let topic = new_topic(log.as_ref());
    let empty = describe(log.as_ref(), &topic);
    assert_eq!((empty.name.as_str(), empty.partitions), (topic.as_str(), 1));
    assert_eq!((empty.start, empty.end), (0, 0));
    assert_eq!(empty.compaction, Compaction::None);
    assert!(!empty.identity.is_empty());
    let mut owner = log.owner(&unique("market")).expect("an owner");
    owner.append(from_ref(&topic), &batch(["a", "b"])).expect("appended");
    let filled = describe(log.as_ref(), &topic);
    assert_eq!((filled.start, &filled.identity), (0, &empty.identity));
    assert!(filled.end >= 2, "end {} after two records", filled.end);
    let other = new_topic(log.as_ref());
    assert_ne!(describe(log.as_ref(), &other).identity, filled.identity);
}

pub(super) fn a_missing_topic_is_named(make: Make<'_>) {
    let log = make();
    let missing = format!("{PREFIX}.{}.orders", unique("missing"));
    let there = new_topic(log.as_ref());
    let described = log.describe(&[&missing, &there]).expect("topics are described");
    assert!(described[0].is_none() && described[1].is_some());
    let reader = log.reader(&[(missing.clone(), 0)]).err().expect("no reader");
    assert!(is_no_topic(&reader, &missing), "{reader}");
    let mut both = RecordBuf::default();
    put(&mut both, 0, "void");
    put(&mut both, 1, "void");
    let mut owner = log.owner(&unique("market")).expect("an owner");
    let append = owner.append(&[there.clone(), missing.clone()], &both).expect_err("no append");
    assert!(is_no_topic(&append, &missing), "{append}");
    drop(owner);
    read_all(log.as_ref(), &there, 0);
}

pub(super) fn trimming_is_refused_while_a_holder_needs_the_records(make: Make<'_>) {
    let log = make();
    let topic = new_topic(log.as_ref());
    let producer = log.producer().expect("a producer");
    let values = (0..10).map(|n| n.to_string());
    producer.append(from_ref(&topic), &batch(values)).expect("appended");
    let offsets: Vec<u64> =
        read_all(log.as_ref(), &topic, 10).iter().map(|record| record.offset).collect();
    log.set_floor("checkpoint", &topic, offsets[4]).expect("a floor");
    log.set_floor("standby", &topic, offsets[8]).expect("a floor");
    let refused = log.trim(&topic, offsets[5]).expect_err("still needed");
    match refused {
        LogError::StillNeeded { topic: named, holder, floor, offset } => {
            assert_eq!((named, holder.as_str()), (topic.clone(), "checkpoint"));
            assert_eq!((floor, offset), (offsets[4], offsets[5]));
        }
        other => panic!("not refused as still needed: {other}"),
    }
    assert_eq!(texts(&read_from(log.as_ref(), &topic, offsets[0], 10))[0], "0");
    log.trim(&topic, offsets[4]).expect("nobody needs these");
    wait_for_start(log.as_ref(), &topic, offsets[4]);
    assert_eq!(texts(&read_from(log.as_ref(), &topic, offsets[4], 6))[0], "4");
    log.set_floor("checkpoint", &topic, offsets[8]).expect("the floor rises");
    log.trim(&topic, offsets[8]).expect("nobody needs these either");
    wait_for_start(log.as_ref(), &topic, offsets[8]);
}

/// A broker may tell a new start a moment after it took the trim.
fn wait_for_start(log: &dyn Log, topic: &str, start: u64) {
    let deadline = Instant::now() + PATIENCE;
    while start_of(log, topic) != start {
        assert!(Instant::now() < deadline, "start is {}, not {start}", start_of(log, topic));
        std::thread::sleep(Duration::from_millis(20));
    }
}
