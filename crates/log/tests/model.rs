//! Whatever is appended, trimmed and reopened, reads give what a plain list would give.

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{create, names};
use omnifold_log::embedded::{EmbeddedLog, EmbeddedOptions};
use omnifold_log::{HeadersBuilder, Log, LogError, RecordBuf};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    /// Topic and sizes of key and value (no value: tombstone) of each record.
    Append(Vec<(usize, usize, Option<usize>)>),
    /// Topic, where from as a share of what it holds, and bytes a fetch.
    Read(usize, f64, usize),
    /// Topic, and how much of what it holds as a share.
    Trim(usize, f64),
    Flush,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![
        1 => Just(None),
        8 => (0_usize..300).prop_map(Some),
        1 => (0_usize..400_000).prop_map(Some),
    ];
    let records = prop::collection::vec((0_usize..2, 0_usize..20, value), 0..40);
    prop_oneof![
        6 => records.prop_map(Step::Append),
        6 => (0_usize..2, 0.0..=1.0, 1_usize..200_000).prop_map(|(t, at, max)| Step::Read(t, at, max)),
        1 => (0_usize..2, 0.0..=1.0).prop_map(|(t, share)| Step::Trim(t, share)),
        1 => Just(Step::Flush),
        1 => Just(Step::Reopen),
    ]
}

/// What the log must hold: for each topic its start and all records ever appended.
#[derive(Default)]
struct Model {
    start: [usize; 2],
    records: [RecordBuf; 2],
}

impl Model {
    fn at(&self, topic: usize, share: f64) -> usize {
        let held = self.records[topic].len() - self.start[topic];
        self.start[topic] + (held as f64 * share) as usize
    }
}

fn open(dir: &Path, compress: bool) -> Arc<EmbeddedLog> {
    let write_buffer_bytes = 256 << 10; // so that tables and blobs are written as well
    let options = EmbeddedOptions { write_buffer_bytes, compress, ..EmbeddedOptions::default() };
    EmbeddedLog::open_with(dir, &options).expect("the log opens")
}

fn append(log: &EmbeddedLog, model: &mut Model, sizes: &[(usize, usize, Option<usize>)]) {
    let mut batch = RecordBuf::default();
    let mut headers = HeadersBuilder::default();
    for (n, (topic, key, value)) in sizes.iter().enumerate() {
        headers.clear();
        headers.put("n", &n.to_be_bytes());
        let time = n as i64 - 20;
        let bytes = |length: &usize| vec![n as u8; *length];
        let (key, value) = (bytes(key), value.as_ref().map(bytes));
        batch.push(*topic, 0, time, headers.as_headers(), &key, value.as_deref());
        let offset = model.records[*topic].len() as u64;
        let expected = &mut model.records[*topic];
        expected.push(0, offset, time, headers.as_headers(), &key, value.as_deref());
    }
    let mut owner = log.owner("m").expect("an owner");
    let next = owner.append(&names(), &batch).expect("appended");
    assert_eq!(next, model.records.each_ref().map(|records| records.len() as u64));
}

fn read(log: &EmbeddedLog, model: &Model, topic: usize, from: usize, max_bytes: usize) {
    let mut reader = log.reader(&[(names()[topic].clone(), from as u64)]).expect("a reader");
    let mut buffer = RecordBuf::default();
    let mut fetched = reader.fetch(0, max_bytes, &mut buffer).expect("a fetch");
    while !fetched.at_end {
        assert!(fetched.records > 0, "a fetch before the end gave nothing");
        let before = buffer.byte_len();
        fetched = reader.fetch(0, max_bytes, &mut buffer).expect("a fetch");
        assert!(fetched.records == 1 || buffer.byte_len() - before <= max_bytes);
    }
    let expected = &model.records[topic];
    assert_eq!(fetched.next, expected.len() as u64);
    assert!(buffer.iter().eq((from..expected.len()).map(|index| expected.get(index))));
}

fn trim(log: &EmbeddedLog, model: &mut Model, topic: usize, to: usize) {
    log.trim(&names()[topic], to as u64).expect("trimmed");
    model.start[topic] = to;
    for outside in [to.checked_sub(1), Some(model.records[topic].len() + 1)].into_iter().flatten() {
        let refused = log.reader(&[(names()[topic].clone(), outside as u64)]).err();
        assert!(matches!(refused, Some(LogError::OutOfRange { .. })), "{refused:?}");
    }
}

/// Few, because each opens a log several times; more by `PROPTEST_CASES`.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").map_or(16, |cases| cases.parse().expect("a number"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_log_reads_like_a_list(
        steps in prop::collection::vec(step(), 1..40),
        compress in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().expect("a folder");
        let mut log = open(dir.path(), compress);
        create(&log);
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Append(sizes) => append(&log, &mut model, &sizes),
                Step::Read(topic, share, max) => read(&log, &model, topic, model.at(topic, share), max),
                Step::Trim(topic, share) => {
                    let to = model.at(topic, share);
                    trim(&log, &mut model, topic, to);
                }
                Step::Flush => log.flush().expect("flushed"),
                Step::Reopen => {
                    drop(log);
                    log = open(dir.path(), !compress);
                }
            }
        }
        drop(log);
        let log = open(dir.path(), compress);
        for topic in 0..2 {
            read(&log, &model, topic, model.start[topic], 50_000);
        }
        let held: usize = (0..2).map(|topic| model.records[topic].len() - model.start[topic]).sum();
        prop_assert_eq!(log.verify().expect("good"), held as u64);
    }
}
