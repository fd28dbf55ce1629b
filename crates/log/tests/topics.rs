//! Topics of the embedded log over openings, deletions and trims.

mod common;

use common::{ORDERS, STOCK, append_to_both, create, names, open, texts};
use omnifold_log::embedded::EmbeddedLog;
use omnifold_log::{Log, LogError, RecordBuf, TopicSpec};

fn identity(log: &EmbeddedLog) -> String {
    log.describe(&[ORDERS]).expect("described")[0].clone().expect("the topic").identity
}

#[test]
fn a_folder_in_use_is_refused_with_who_uses_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let first = open(dir.path());
    let error = EmbeddedLog::open(dir.path()).err().expect("in use").to_string();
    let process = format!("in use by process {}", std::process::id());
    assert!(error.contains(&process) && error.contains("give another folder"), "{error}");
    assert!(error.contains(&dir.path().display().to_string()), "{error}");
    drop(first);
    EmbeddedLog::open(dir.path()).expect("free again");
}

#[test]
fn the_log_stays_open_until_what_was_made_from_it_is_dropped() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = open(dir.path());
    let producer = log.producer().expect("a producer");
    drop(log);
    producer.append(&names(), &common::batch([(0, "late")])).expect("appended");
    EmbeddedLog::open(dir.path()).err().expect("in use");
    drop(producer);
    let log = EmbeddedLog::open(dir.path()).expect("free again");
    assert_eq!(texts(log.as_ref(), ORDERS), ["late"]);
}

#[test]
fn topics_keep_identity_records_and_floors_over_openings() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = open(dir.path());
    append_to_both(log.as_ref(), "kept").expect("appended");
    log.set_floor("checkpoint", ORDERS, 0).expect("a floor");
    let before = identity(&log);
    drop(log);
    let log = open(dir.path());
    assert_eq!((identity(&log), texts(log.as_ref(), STOCK)), (before, vec!["kept".to_owned()]));
    let error = log.trim(ORDERS, 1).expect_err("the floor is still there");
    assert!(matches!(error, LogError::StillNeeded { floor: 0, .. }), "{error}");
}

#[test]
fn a_topic_deleted_and_made_again_is_another_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = open(dir.path());
    append_to_both(log.as_ref(), "old").expect("appended");
    log.set_floor("checkpoint", ORDERS, 1).expect("a floor");
    let before = identity(&log);
    let mut reader = log.reader(&[(ORDERS.to_owned(), 0)]).expect("a reader");
    log.delete_topic(ORDERS).expect("deleted");
    let mut buffer = RecordBuf::default();
    let error = reader.fetch(0, 1 << 20, &mut buffer).expect_err("the topic is gone");
    assert!(matches!(&error, LogError::NoTopic { topic } if topic == ORDERS), "{error}");
    append_to_both(log.as_ref(), "void").expect_err("the topic is gone");
    create(&log);
    assert_ne!(identity(&log), before);
    assert_eq!(texts(log.as_ref(), ORDERS), Vec::<String>::new());
    assert_eq!(texts(log.as_ref(), STOCK), ["old"], "nothing of the refused append is there");
    append_to_both(log.as_ref(), "new").expect("appended");
    let after = identity(&log);
    drop((log, reader));
    let log = open(dir.path());
    assert_eq!((identity(&log), texts(log.as_ref(), ORDERS)), (after, vec!["new".to_owned()]));
    log.trim(ORDERS, 1).expect("the old topic's floor is gone too");
}

#[test]
fn a_trimmed_topic_keeps_its_end_and_gives_its_space_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = open(dir.path());
    for n in 0..200 {
        append_to_both(log.as_ref(), &common::noise(n, 20_000)).expect("appended");
    }
    log.flush().expect("flushed");
    let full = log.stats().disk_bytes;
    log.trim(ORDERS, 200).expect("trimmed to the end");
    log.trim(STOCK, 190).expect("trimmed");
    assert!(log.stats().disk_bytes < full / 2, "{} of {full} bytes", log.stats().disk_bytes);
    let check = |log: &EmbeddedLog| {
        let topics = log.describe(&[ORDERS, STOCK]).expect("described");
        let ends = topics.iter().flatten().map(|topic| (topic.start, topic.end));
        assert_eq!(ends.collect::<Vec<_>>(), [(200, 200), (190, 200)]);
        assert_eq!(texts(log, STOCK).len(), 10);
        log.verify().expect("what is left is good");
    };
    check(&log);
    drop(log);
    let log = open(dir.path());
    check(&log);
    append_to_both(log.as_ref(), "next").expect("appended");
    assert_eq!(texts(log.as_ref(), ORDERS), ["next"]);
}

#[test]
fn a_name_kafka_would_refuse_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = open(dir.path());
    for name in ["", "with space", "ü", &"x".repeat(250)] {
        let spec = TopicSpec { name: name.to_owned(), compaction: omnifold_log::Compaction::None };
        let error = log.create_topics(&[spec]).expect_err("no such name");
        assert!(matches!(error, LogError::Configuration(_)), "{error}");
    }
}
