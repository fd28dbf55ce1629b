//! Topics that are not as they must be, and topics that go away.

mod common;

use std::slice::from_ref;
use std::time::Duration;

use common::{Saboteur, batch, connect, new_topic, read_all, unique, wait_until};
use omnifold_log::{Log, LogError, RecordBuf, TopicKind};

#[test]
fn topics_that_would_lose_or_reorder_history_are_told_with_every_fault() {
    let Some(broker) = omnifold_kafka_testkit::shared() else { return };
    let (log, saboteur) = (connect(&broker.address()), Saboteur::new(&broker.address()));
    let market = unique("wrong");
    let spec = TopicKind::Orders.spec("omnifold", &market);
    let configs =
        [("cleanup.policy", "compact,delete"), ("retention.ms", "1000"), ("retention.bytes", "5")];
    saboteur.create(&spec.name, 3, &configs);
    assert_eq!(log.create_topics(from_ref(&spec)).expect("left alone"), Vec::<String>::new());
    let described = log.describe(&[&spec.name]).expect("described").remove(0).expect("there");
    let faults = described.faults(&spec);
    assert_eq!(faults.len(), 4, "{faults:#?}");
    for part in ["3 partitions", "compacted", "1000 ms", "5 bytes"] {
        assert!(faults.iter().any(|fault| fault.contains(part)), "{part}: {faults:#?}");
    }
}

#[test]
fn a_topic_made_again_has_another_identity_and_its_old_reader_says_so() {
    let Some(broker) = omnifold_kafka_testkit::shared() else { return };
    let (log, saboteur) = (connect(&broker.address()), Saboteur::new(&broker.address()));
    let topic = new_topic(&log);
    let producer = log.producer().expect("a producer");
    producer.append(from_ref(&topic), &batch(["a", "b"])).expect("appended");
    let identity = || {
        let described = log.describe(&[&topic]).expect("described").remove(0);
        described.map(|topic| topic.identity)
    };
    let before = identity().expect("there");
    let mut reader = log.reader(&[(topic.clone(), 0)]).expect("a reader");
    let mut buffer = RecordBuf::default();
    wait_until("both records are read", || {
        reader.wait(Duration::from_millis(50)).expect("a wait");
        reader.fetch(0, 1 << 20, &mut buffer).expect("a fetch");
        buffer.len() == 2
    });
    saboteur.delete(&topic);
    wait_until("the topic is gone", || identity().is_none());
    saboteur.create(&topic, 1, &[]);
    wait_until("the topic is back", || identity().is_some());
    assert_ne!(identity(), Some(before.clone()));
    let mut fault = None;
    wait_until("the reader notices", || {
        fault = reader
            .wait(Duration::from_millis(50))
            .and_then(|()| reader.fetch(0, 1 << 20, &mut buffer))
            .err();
        fault.is_some()
    });
    let text = fault.expect("noticed").to_string();
    assert!(text.contains("made again") && text.contains(&before), "{text}");
    assert_eq!(buffer.len(), 2, "nothing of the new topic was taken for the old one's");
}

#[test]
fn a_topic_deleted_while_it_is_read_is_named() {
    let Some(broker) = omnifold_kafka_testkit::shared() else { return };
    let (log, saboteur) = (connect(&broker.address()), Saboteur::new(&broker.address()));
    let topic = new_topic(&log);
    let mut reader = log.reader(&[(topic.clone(), 0)]).expect("a reader");
    reader.wait(Duration::from_millis(200)).expect("a wait");
    saboteur.delete(&topic);
    let mut fault = None;
    wait_until("the reader notices", || {
        let fetched = reader.fetch(0, 1 << 20, &mut RecordBuf::default());
        fault = fetched.err().or_else(|| reader.wait(Duration::from_millis(50)).err());
        fault.is_some()
    });
    let fault = fault.expect("noticed");
    assert!(matches!(&fault, LogError::NoTopic { topic: named } if *named == topic), "{fault:?}");
}

#[test]
fn a_record_too_large_is_refused_and_the_owner_goes_on() {
    let Some(broker) = omnifold_kafka_testkit::shared() else { return };
    let log = connect(&broker.address());
    let topic = new_topic(&log);
    let mut owner = log.owner(&unique("market")).expect("an owner");
    let large = "x".repeat(omnifold_log_kafka::MAX_RECORD_BYTES + 1);
    let refused = owner.append(from_ref(&topic), &batch(["fits", &large])).expect_err("too large");
    assert!(matches!(refused, LogError::Refused { .. }), "{refused:?}");
    owner.append(from_ref(&topic), &batch(["next"])).expect("the owner goes on");
    assert_eq!(read_all(&log, &topic), ["next"]);
    let producer = log.producer().expect("a producer");
    let refused = producer.append(from_ref(&topic), &batch([&large])).expect_err("too large");
    assert!(matches!(refused, LogError::Refused { .. }), "{refused:?}");
}

#[test]
fn a_topic_that_takes_only_small_batches_is_named_before_anything_is_sent() {
    let Some(broker) = omnifold_kafka_testkit::shared() else { return };
    let (log, saboteur) = (connect(&broker.address()), Saboteur::new(&broker.address()));
    let topic = format!("omnifold.{}.orders", unique("small"));
    saboteur.create(&topic, 1, &[("max.message.bytes", "1000000")]);
    let mut owner = log.owner(&unique("market")).expect("an owner");
    for refused in [
        owner.append(from_ref(&topic), &batch(["one"])).err(),
        log.producer().and_then(|p| p.append(from_ref(&topic), &batch(["one"]))).err(),
    ] {
        let refused = refused.expect("too small a topic");
        assert!(matches!(refused, LogError::Configuration(_)), "{refused:?}");
        let text = refused.to_string();
        assert!(text.contains(&topic) && text.contains("max.message.bytes"), "{text}");
    }
    assert!(read_all(&log, &topic).is_empty());
    let mut options = omnifold_log_kafka::KafkaOptions::new(broker.address());
    options.properties.insert("batch.size".to_owned(), "900000".to_owned());
    let small = omnifold_log_kafka::KafkaLog::connect(options).expect("the broker answers");
    let producer = small.producer().expect("a producer");
    producer.append(from_ref(&topic), &batch(["one"])).expect("small batches fit");
    assert_eq!(read_all(&log, &topic), ["one"]);
}

#[test]
fn a_record_from_before_1970_is_refused_and_one_of_2099_is_kept() {
    let Some(broker) = omnifold_kafka_testkit::shared() else { return };
    const IN_2099: i64 = 4_070_908_800_000;
    let log = connect(&broker.address());
    let topic = new_topic(&log);
    let producer = log.producer().expect("a producer");
    let mut early = RecordBuf::default();
    early.push(0, 0, -1, Default::default(), b"", Some(b"early"));
    let refused = producer.append(from_ref(&topic), &early).expect_err("before 1970");
    assert!(matches!(refused, LogError::Refused { .. }), "{refused:?}");
    let mut late = RecordBuf::default();
    late.push(0, 0, IN_2099, Default::default(), b"", Some(b"late"));
    producer.append(from_ref(&topic), &late).expect("kept: the engine judges it");
    assert_eq!(read_all(&log, &topic), ["late"]);
}
