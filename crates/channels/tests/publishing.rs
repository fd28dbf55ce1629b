//! Events to records.

mod support;

use std::sync::Arc;

use omnifold_channels::publish::{PublishError, Publisher, PublisherOptions, record_key};
use omnifold_events::jsonl::FileEvent;
use omnifold_events::v1::fulfilment_target::Target;
use omnifold_events::{ContentType, Event, v1};
use omnifold_log::Log;
use support::{KeepingLog, Kept};

fn publisher(log: KeepingLog, options: PublisherOptions) -> Publisher {
    let log: Arc<dyn Log> = Arc::new(log);
    Publisher::new(&log, "omnifold", "eu", options).expect("a publisher")
}

fn counted(number: i64) -> FileEvent {
    let count = v1::StockCounted {
        node_id: "berlin".to_owned(),
        sku: "tea".to_owned(),
        on_hand_milli: number,
        ..Default::default()
    };
    FileEvent {
        id: format!("c-{number}"),
        source: "erp".to_owned(),
        time_ms: Some(1_000 * number),
        event: count.into(),
    }
}

fn placed(order_id: &str) -> FileEvent {
    let order = v1::OrderPlaced {
        channel: "web".to_owned(),
        order_id: order_id.to_owned(),
        ..Default::default()
    };
    let (id, source) = (order_id.to_owned(), "shop".to_owned());
    FileEvent { id, source, time_ms: Some(5), event: order.into() }
}

fn publish_all(events: &[FileEvent], options: PublisherOptions) -> Vec<Vec<Kept>> {
    let log = KeepingLog::default();
    let batches = log.batches.clone();
    let mut publisher = publisher(log, options);
    for event in events {
        publisher.publish(event).expect("published");
    }
    publisher.flush().expect("flushed");
    publisher.flush().expect("nothing left to flush");
    batches.lock().expect("no panic").clone()
}

#[test]
fn an_event_goes_to_its_topic_with_its_envelope_and_key() {
    for content_type in [ContentType::Protobuf, ContentType::Json] {
        let options = PublisherOptions { content_type, ..PublisherOptions::default() };
        let batches = publish_all(&[counted(7), placed("1001")], options);
        let records = &batches[0];
        assert_eq!(records[0].topic, "omnifold.eu.stock");
        assert_eq!((&records[0].key[..], &records[0].id[..]), ("berlin/tea", "erp#c-7"));
        assert_eq!(
            (records[0].time_ms, records[0].content_type),
            (7_000, content_type.media_type())
        );
        assert_eq!(records[0].event, counted(7).event);
        assert_eq!(
            (&records[1].topic[..], &records[1].key[..]),
            ("omnifold.eu.orders", "web/1001")
        );
    }
}

#[test]
fn records_are_appended_in_batches_and_in_order() {
    let events: Vec<FileEvent> = (0..25).map(counted).collect();
    let by_count = PublisherOptions { batch_records: 10, ..PublisherOptions::default() };
    let batches = publish_all(&events, by_count);
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5]);
    let ids: Vec<String> = batches.concat().into_iter().map(|record| record.id).collect();
    assert!(ids.iter().eq(&(0..25).map(|n| format!("erp#c-{n}")).collect::<Vec<_>>()));
    let by_bytes = PublisherOptions { batch_bytes: 1, ..PublisherOptions::default() };
    assert_eq!(publish_all(&events, by_bytes).len(), 25);
}

#[test]
fn what_was_published_is_counted_by_topic_and_type() {
    let mut publisher = publisher(KeepingLog::default(), PublisherOptions::default());
    for event in [counted(1), counted(2), placed("1")] {
        publisher.publish(&event).expect("published");
    }
    assert_eq!(publisher.published().events, 0, "nothing is durable before the flush");
    publisher.flush().expect("flushed");
    let published = publisher.published();
    assert_eq!((published.events, published.batches), (3, 1));
    assert_eq!((published.by_topic["stock"], published.by_topic["orders"]), (2, 1));
    assert_eq!(published.by_type["omnifold.v1.OrderPlaced"], 1);
}

#[test]
fn an_event_without_a_time_carries_the_machines() {
    let event = FileEvent { time_ms: None, ..counted(1) };
    let batches = publish_all(&[event], PublisherOptions::default());
    let year_2020 = 1_577_836_800_000;
    assert!(batches[0][0].time_ms > year_2020);
}

#[test]
fn a_log_that_fails_says_how_much_is_durable() {
    let log = KeepingLog { fail_at: Some(1), ..KeepingLog::default() };
    let options = PublisherOptions { batch_records: 10, ..PublisherOptions::default() };
    let mut publisher = publisher(log, options);
    let failed = (0..20).map(counted).find_map(|event| publisher.publish(&event).err());
    let error = failed.expect("the second batch fails");
    assert!(matches!(error, PublishError::Log { published: 10, .. }), "{error}");
    assert_eq!(publisher.published().events, 10);
}

#[test]
fn an_event_the_engine_would_refuse_for_its_envelope_or_size_is_refused_here() {
    let mut publisher = publisher(KeepingLog::default(), PublisherOptions::default());
    let no_id = FileEvent { id: String::new(), ..counted(1) };
    let error = publisher.publish(&no_id).expect_err("refused");
    assert!(matches!(error, PublishError::Attribute { name: "id", bytes: 0, .. }), "{error}");
    let long_source = FileEvent { source: "x".repeat(513), ..counted(1) };
    let error = publisher.publish(&long_source).expect_err("refused");
    assert!(matches!(error, PublishError::Attribute { name: "source", bytes: 513, .. }));
    let huge = placed(&"x".repeat(2 << 20));
    let huge = FileEvent { id: "huge".to_owned(), ..huge };
    let error = publisher.publish(&huge).expect_err("refused");
    assert!(matches!(error, PublishError::TooLarge { .. }), "{error}");
}

#[test]
fn all_events_of_an_order_share_a_key() {
    let target = |target| Some(v1::FulfilmentTarget { target: Some(target) });
    let any = v1::AnyNode { channel: "web".to_owned(), order_id: "10/01".to_owned() };
    let events: [Event; 4] = [
        placed("10/01").event,
        v1::OrderCancelled {
            channel: "web".to_owned(),
            order_id: "10/01".to_owned(),
            ..Default::default()
        }
        .into(),
        v1::FulfilmentShipped { target: target(Target::AnyNode(any)), ..Default::default() }.into(),
        v1::FulfilmentAccepted {
            target: target(Target::FulfilmentId("web/10/01/f2".to_owned())),
            ..Default::default()
        }
        .into(),
    ];
    assert!(events.iter().all(|event| record_key(event) == "web/10/01"));
}
