//! Faults planted with RocksDB itself, below the log, where every file is whole: only the log's own
//! sequence and checksums can tell them.

mod common;

use std::path::Path;

use common::{ORDERS, append_to_both, open, texts};
use omnifold_log::embedded::EmbeddedLog;
use omnifold_log::{Log, LogError, RecordBuf};
use rocksdb::{DB, IteratorMode, Options};

/// A closed log with eight appends, changed behind its back. The first topic's chunks are the
/// first eight keys.
fn plant(change: impl FnOnce(&DB, &[(Box<[u8]>, Box<[u8]>)])) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let log = open(dir.path());
    for n in 0..8 {
        append_to_both(log.as_ref(), &format!("value {n}")).expect("appended");
    }
    drop(log);
    let db = raw(dir.path());
    let chunks = db.iterator_cf(db.cf_handle("records").expect("there"), IteratorMode::Start);
    let chunks: Vec<_> = chunks.collect::<Result<_, _>>().expect("readable");
    assert_eq!(chunks.len(), 16);
    change(&db, &chunks);
    drop(db);
    dir
}

fn raw(dir: &Path) -> DB {
    DB::open_cf(&Options::default(), dir, ["default", "topics", "records"]).expect("opened")
}

/// What the first topic gives before the damage, and the damage.
fn read(dir: &Path) -> (usize, LogError) {
    let log = EmbeddedLog::open(dir).expect("its end is good");
    let verified = log.verify().expect_err("damaged");
    let mut reader = log.reader(&[(ORDERS.to_owned(), 0)]).expect("a reader");
    let mut buffer = RecordBuf::default();
    let error = loop {
        match reader.fetch(0, 1 << 20, &mut buffer) {
            Ok(fetched) => assert!(fetched.records > 0 && !fetched.at_end, "{fetched:?}"),
            Err(error) => break error,
        }
    };
    assert_eq!(verified.to_string(), error.to_string(), "verify and read say the same");
    (buffer.len(), error)
}

fn assert_damaged_at(error: &LogError, expected: u64) {
    let named = matches!(error, LogError::Damaged { topic, offset, .. }
        if topic == ORDERS && *offset == expected);
    assert!(named, "not damaged at {expected}: {error}");
}

#[test]
fn a_removed_record_is_missed() {
    let dir = plant(|db, chunks| {
        db.delete_cf(db.cf_handle("records").expect("there"), &chunks[2].0).expect("removed");
    });
    let (good, error) = read(dir.path());
    assert_eq!(good, 2);
    assert_damaged_at(&error, 2);
    assert!(error.to_string().contains("missing"), "{error}");
}

#[test]
fn a_record_in_the_place_of_another_is_told() {
    let dir = plant(|db, chunks| {
        let records = db.cf_handle("records").expect("there");
        db.put_cf(records, &chunks[1].0, &chunks[3].1).expect("replaced");
    });
    let (good, error) = read(dir.path());
    assert_eq!(good, 1);
    assert_damaged_at(&error, 1);
}

#[test]
fn a_record_of_another_topic_is_told() {
    let dir = plant(|db, chunks| {
        let records = db.cf_handle("records").expect("there");
        db.put_cf(records, &chunks[1].0, &chunks[9].1).expect("replaced");
    });
    assert_damaged_at(&read(dir.path()).1, 1);
}

#[test]
fn a_changed_record_is_told() {
    let dir = plant(|db, chunks| {
        let mut changed = chunks[3].1.to_vec();
        let last = changed.len() - 1;
        changed[last] ^= 1;
        db.put_cf(db.cf_handle("records").expect("there"), &chunks[3].0, changed)
            .expect("replaced");
    });
    let (good, error) = read(dir.path());
    assert_eq!(good, 3);
    assert_damaged_at(&error, 3);
    assert!(error.to_string().contains("checksum"), "{error}");
}

#[test]
fn a_hole_near_the_end_is_told_when_the_log_is_opened() {
    let dir = plant(|db, chunks| {
        db.delete_cf(db.cf_handle("records").expect("there"), &chunks[6].0).expect("removed");
    });
    let error = EmbeddedLog::open(dir.path()).err().expect("damaged");
    assert_damaged_at(&error, 6);
}

#[test]
fn a_log_of_a_newer_program_is_refused() {
    let dir = plant(|db, _| {
        db.put_cf(db.cf_handle("topics").expect("there"), b"v", [9]).expect("replaced");
    });
    let error = EmbeddedLog::open(dir.path()).err().expect("a newer format");
    assert!(matches!(error, LogError::Configuration(_)), "{error}");
    assert!(error.to_string().contains("use the program that wrote it"), "{error}");
}

#[test]
fn an_untouched_log_is_good() {
    let dir = plant(|_, _| {});
    let log = EmbeddedLog::open(dir.path()).expect("opened");
    assert_eq!(log.verify().expect("good"), 16);
    assert_eq!(texts(log.as_ref(), ORDERS).len(), 8);
}
