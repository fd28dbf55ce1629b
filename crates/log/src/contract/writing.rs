//! What becomes of an append.

use std::collections::HashMap;
use std::slice::from_ref;

use super::Make;
use super::harness::{TIME_MS, batch, headers, new_topic, put, read_all, texts, unique};
use crate::{Headers, RecordBuf};

pub(super) fn records_come_back_unchanged_and_in_order(make: Make<'_>) {
    let log = make();
    let topic = new_topic(log.as_ref());
    let mut owner = log.owner(&unique("market")).expect("an owner");
    let head = headers(&[("ce_id", b"1"), ("content-type", b"application/protobuf")]);
    let mut sent = RecordBuf::default();
    sent.push(0, 0, TIME_MS, head.as_headers(), b"web/1", Some(b"first"));
    sent.push(0, 0, TIME_MS - 7, Headers::default(), b"", Some(&[0, 255, 10]));
    owner.append(from_ref(&topic), &sent).expect("appended");
    owner.append(from_ref(&topic), &batch(["third"])).expect("appended");
    let seen = read_all(log.as_ref(), &topic, 3);
    let head = vec![
        (b"ce_id".to_vec(), b"1".to_vec()),
        (b"content-type".to_vec(), b"application/protobuf".to_vec()),
    ];
    assert_eq!((seen[0].time_ms, &seen[0].headers), (TIME_MS, &head));
    assert_eq!((&seen[0].key[..], seen[0].text().as_str()), (&b"web/1"[..], "first"));
    assert_eq!((seen[1].time_ms, seen[1].headers.len()), (TIME_MS - 7, 0));
    assert_eq!((&seen[1].key[..], seen[1].value.as_deref()), (&b""[..], Some(&[0, 255, 10][..])));
    assert_eq!(seen[2].text(), "third");
}

pub(super) fn an_empty_value_is_not_a_tombstone(make: Make<'_>) {
    let log = make();
    let topic = new_topic(log.as_ref());
    let mut sent = RecordBuf::default();
    sent.push(0, 0, TIME_MS, Headers::default(), b"empty", Some(b""));
    sent.push(0, 0, TIME_MS, Headers::default(), b"gone", None);
    let producer = log.producer().expect("a producer");
    producer.append(from_ref(&topic), &sent).expect("appended");
    let seen = read_all(log.as_ref(), &topic, 2);
    assert_eq!((&seen[0].key[..], seen[0].value.as_deref()), (&b"empty"[..], Some(&b""[..])));
    assert_eq!((&seen[1].key[..], seen[1].value.as_deref()), (&b"gone"[..], None));
}

pub(super) fn repeated_and_empty_headers_are_kept(make: Make<'_>) {
    let log = make();
    let topic = new_topic(log.as_ref());
    let pairs: [(&str, &[u8]); 4] = [("a", b"1"), ("b", b""), ("a", b"2"), ("c", &[0, 255])];
    let mut sent = RecordBuf::default();
    sent.push(0, 0, TIME_MS, headers(&pairs).as_headers(), b"key", Some(b"value"));
    let mut owner = log.owner(&unique("market")).expect("an owner");
    owner.append(from_ref(&topic), &sent).expect("appended");
    let seen = read_all(log.as_ref(), &topic, 1);
    let expected: Vec<(Vec<u8>, Vec<u8>)> =
        pairs.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec())).collect();
    assert_eq!(seen[0].headers, expected);
}

pub(super) fn an_append_reaches_every_topic_it_names(make: Make<'_>) {
    let log = make();
    let topics = [new_topic(log.as_ref()), new_topic(log.as_ref()), new_topic(log.as_ref())];
    let mut sent = RecordBuf::default();
    for (topic, text) in [(0, "a0"), (2, "c0"), (0, "a1"), (2, "c1")] {
        put(&mut sent, topic, text);
    }
    let mut owner = log.owner(&unique("market")).expect("an owner");
    let next = owner.append(&topics, &sent).expect("appended");
    assert_eq!(next.len(), 3);
    assert_eq!(next[1], 0, "a topic the batch has nothing for keeps its position");
    assert_eq!(texts(&read_all(log.as_ref(), &topics[0], 2)), ["a0", "a1"]);
    read_all(log.as_ref(), &topics[1], 0);
    assert_eq!(texts(&read_all(log.as_ref(), &topics[2], 2)), ["c0", "c1"]);
}

pub(super) fn an_empty_batch_changes_nothing(make: Make<'_>) {
    let log = make();
    let topic = new_topic(log.as_ref());
    let mut owner = log.owner(&unique("market")).expect("an owner");
    let before = owner.append(from_ref(&topic), &batch(["one"])).expect("appended");
    let after = owner.append(from_ref(&topic), &RecordBuf::default()).expect("nothing to do");
    assert_eq!(before, after);
    log.producer()
        .and_then(|producer| producer.append(from_ref(&topic), &RecordBuf::default()))
        .expect("nothing to do");
    read_all(log.as_ref(), &topic, 1);
}

pub(super) fn ten_thousand_records_are_one_batch(make: Make<'_>) {
    let log = make();
    let topics = [new_topic(log.as_ref()), new_topic(log.as_ref())];
    let mut sent = RecordBuf::default();
    for n in 0..10_000 {
        put(&mut sent, n % 2, &format!("{n:0>200}"));
    }
    let mut owner = log.owner(&unique("market")).expect("an owner");
    owner.append(&topics, &sent).expect("appended");
    for (place, topic) in topics.iter().enumerate() {
        let seen = read_all(log.as_ref(), topic, 5_000);
        let expected: Vec<String> =
            (0..5_000).map(|n| format!("{:0>200}", 2 * n + place)).collect();
        assert_eq!(texts(&seen), expected);
    }
}

pub(super) fn records_near_one_mebibyte_fit(make: Make<'_>) {
    let log = make();
    let topic = new_topic(log.as_ref());
    let large: Vec<Vec<u8>> = (1..=3).map(large_value).collect();
    let mut sent = RecordBuf::default();
    for value in &large {
        sent.push(0, 0, TIME_MS, Headers::default(), b"large", Some(value));
        put(&mut sent, 0, "small");
    }
    let mut owner = log.owner(&unique("market")).expect("an owner");
    owner.append(from_ref(&topic), &sent).expect("appended");
    let seen = read_all(log.as_ref(), &topic, 6);
    for (place, value) in large.iter().enumerate() {
        assert!(seen[2 * place].value.as_ref() == Some(value), "large record {place} differs");
        assert_eq!(seen[2 * place + 1].text(), "small");
    }
}

/// 900 KiB that do not compress: a generator of Lehmer, good enough for that.
fn large_value(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state * 48_271 % 0x7fff_ffff;
        (state >> 8) as u8
    };
    std::iter::repeat_with(next).take(900 << 10).collect()
}

pub(super) fn producers_at_once_lose_nothing_and_keep_their_order(make: Make<'_>) {
    const PRODUCERS: usize = 4;
    const APPENDS: usize = 25;
    const RECORDS: usize = 20;
    let log = make();
    let topic = new_topic(log.as_ref());
    let producer = log.producer().expect("a producer");
    std::thread::scope(|scope| {
        for name in 0..PRODUCERS {
            let (producer, topic) = (&producer, &topic);
            scope.spawn(move || {
                for append in 0..APPENDS {
                    let values = (0..RECORDS).map(|n| format!("{name}:{}", append * RECORDS + n));
                    producer.append(from_ref(topic), &batch(values)).expect("appended");
                }
            });
        }
    });
    let seen = read_all(log.as_ref(), &topic, PRODUCERS * APPENDS * RECORDS);
    let mut next: HashMap<String, usize> = HashMap::new();
    for text in texts(&seen) {
        let (name, number) = text.split_once(':').expect("name and number");
        let expected = next.entry(name.to_owned()).or_default();
        assert_eq!(number.parse::<usize>().expect("a number"), *expected, "producer {name}");
        *expected += 1;
    }
}
