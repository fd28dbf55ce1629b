//! A torn tail is cut off, every other damage is named and left alone.

mod common;

use std::fs;
use std::path::Path;

use common::{
    ORDERS, STOCK, append_to_both, copy_folder, files_with, flip, noise, open, texts, try_texts,
    wal,
};
use omnifold_log::embedded::EmbeddedLog;
use omnifold_log::{Log, LogError};

/// The error of opening a log.
fn open_error(dir: &Path) -> LogError {
    EmbeddedLog::open(dir).err().expect("the log does not open")
}

/// A crashed log whose write-ahead log holds these appends; gives where each ends in it.
fn crashed_after(appends: &[String], dir: &Path) -> Vec<u64> {
    let live = tempfile::tempdir().expect("a folder");
    let log = open(live.path());
    log.flush().expect("topics are in files");
    let length = || fs::metadata(wal(live.path())).expect("a file").len();
    let ends = appends.iter().map(|text| {
        append_to_both(log.as_ref(), text).expect("appended");
        length()
    });
    let ends = ends.collect();
    copy_folder(live.path(), dir);
    ends
}

#[test]
fn a_log_cut_anywhere_in_its_tail_keeps_every_whole_append_before() {
    let crashed = tempfile::tempdir().expect("a folder");
    let appends: Vec<String> = (0..5).map(|n| noise(n, 30 + 200 * n as usize)).collect();
    let ends = crashed_after(&appends, crashed.path());
    let around = ends.iter().flat_map(|end| [end - 1, *end, end + 1, end + 7]);
    let last = *ends.last().expect("appends");
    let cuts =
        around.chain((0..last).step_by(131)).chain([0, 3, 6, 7, 8]).filter(|cut| *cut <= last);
    for cut in cuts {
        let dir = tempfile::tempdir().expect("a folder");
        copy_folder(crashed.path(), dir.path());
        let file = fs::OpenOptions::new().write(true).open(wal(dir.path())).expect("the file");
        file.set_len(cut).expect("cut");
        let log = EmbeddedLog::open(dir.path()).expect("a torn tail is repaired");
        let kept = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(texts(log.as_ref(), ORDERS), appends[..kept], "cut at {cut}");
        assert_eq!(texts(log.as_ref(), STOCK), appends[..kept], "cut at {cut}");
        append_to_both(log.as_ref(), "next").expect("the log goes on");
        drop(log);
        let log = EmbeddedLog::open(dir.path()).expect("it opens again");
        assert_eq!(texts(log.as_ref(), STOCK).last().map(String::as_str), Some("next"));
    }
}

#[test]
fn a_damaged_append_with_good_ones_behind_it_is_named_and_nothing_is_cut() {
    let crashed = tempfile::tempdir().expect("a folder");
    let appends: Vec<String> = (0..4).map(|n| noise(n, 500)).collect();
    let ends = crashed_after(&appends, crashed.path());
    for at in [0, 5, 40, ends[0] as usize + 20, ends[1] as usize + 6, ends[2] as usize - 1] {
        let dir = tempfile::tempdir().expect("a folder");
        copy_folder(crashed.path(), dir.path());
        let file = wal(dir.path());
        flip(&file, at);
        let before = fs::read(&file).expect("readable");
        for _ in 0..2 {
            let error = open_error(dir.path());
            let LogError::DamagedFile { file: named, position: Some(position), .. } = &error else {
                panic!("byte {at}: {error}");
            };
            assert_eq!(*named, file.display().to_string());
            assert!(*position <= at as u64, "byte {at} is damaged, named was {position}");
            assert!(error.to_string().contains("nothing was cut"), "{error}");
        }
        assert_eq!(fs::read(&file).expect("readable"), before, "the file was changed");
    }
}

#[test]
fn damage_to_the_last_append_of_a_closed_log_is_no_torn_tail() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = open(dir.path());
    append_to_both(log.as_ref(), "first").expect("appended");
    append_to_both(log.as_ref(), &noise(1, 9000)).expect("appended");
    let end = fs::metadata(wal(dir.path())).expect("a file").len() as usize;
    drop(log);
    let file = wal(dir.path());
    let mut bytes = fs::read(&file).expect("readable");
    bytes[end - 8500..end - 100].fill(0); // as a torn write might look
    fs::write(&file, &bytes).expect("writable");
    let error = open_error(dir.path());
    assert!(matches!(error, LogError::DamagedFile { .. }), "{error}");
    assert_eq!(fs::read(&file).expect("readable"), bytes);
}

/// A closed log whose records lie in table and blob files.
fn flushed(dir: &Path, records: usize) -> Vec<String> {
    let log = open(dir);
    let values: Vec<String> = (0..records).map(|n| noise(n as u64, 1500)).collect();
    for value in &values {
        append_to_both(log.as_ref(), value).expect("appended");
    }
    log.flush().expect("flushed");
    values
}

#[test]
fn a_damaged_blob_is_named_by_topic_and_offset_after_the_records_before_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let values = flushed(dir.path(), 30);
    let blob = files_with(dir.path(), "blob").pop().expect("a blob file");
    let bytes = fs::read(&blob).expect("readable");
    let needle = values[10].as_bytes();
    let at = bytes.windows(needle.len()).position(|window| window == needle).expect("stored plain");
    flip(&blob, at + 700);
    let log = EmbeddedLog::open(dir.path()).expect("its end is good");
    let mut reader = log.reader(&[(ORDERS.to_owned(), 0)]).expect("a reader");
    let mut buffer = omnifold_log::RecordBuf::default();
    let fetched = reader.fetch(0, 1 << 20, &mut buffer).expect("what is good");
    assert_eq!((fetched.records, fetched.next, fetched.at_end), (10, 10, false));
    match reader.fetch(0, 1 << 20, &mut buffer).expect_err("damaged") {
        LogError::Damaged { place, topic, offset, detail } => {
            assert_eq!(
                (place, topic.as_str(), offset),
                (dir.path().display().to_string(), ORDERS, 10)
            );
            assert!(detail.contains("nothing was cut"), "{detail}");
        }
        other => panic!("{other}"),
    }
    assert_eq!(texts(log.as_ref(), STOCK), values, "the other topic is good");
    let error = log.verify().expect_err("a damaged record");
    assert!(matches!(error, LogError::Damaged { offset: 10, .. }), "{error}");
}

#[test]
fn a_damaged_last_record_in_a_file_is_told_when_the_log_is_opened() {
    let dir = tempfile::tempdir().expect("a folder");
    let values = flushed(dir.path(), 5);
    let blob = files_with(dir.path(), "blob").pop().expect("a blob file");
    let bytes = fs::read(&blob).expect("readable");
    let needle = values[4].as_bytes();
    let at = bytes.windows(needle.len()).position(|window| window == needle).expect("stored plain");
    flip(&blob, at);
    let error = open_error(dir.path());
    assert!(matches!(&error, LogError::Damaged { topic, .. } if topic == ORDERS), "{error}");
}

#[test]
fn no_changed_byte_of_a_table_file_changes_a_record_or_hides_one() {
    let good = tempfile::tempdir().expect("a folder");
    let values = flushed(good.path(), 20);
    let tables = files_with(good.path(), "sst");
    let mut told = 0;
    for table in &tables {
        let length = fs::metadata(table).expect("a file").len() as usize;
        for at in (0..length).step_by(length / 12) {
            let dir = tempfile::tempdir().expect("a folder");
            copy_folder(good.path(), dir.path());
            flip(&dir.path().join(table.file_name().expect("a name")), at);
            let read = EmbeddedLog::open(dir.path())
                .and_then(|log| Ok((log.verify()?, try_texts(log.as_ref(), ORDERS)?)));
            match read {
                Ok((_, read)) => assert_eq!(read, values, "{} byte {at}", table.display()),
                Err(error) => {
                    assert!(error.to_string().contains("nothing was cut"), "{error}");
                    told += 1;
                }
            }
        }
    }
    assert!(told > 0, "no change was told");
}

#[test]
fn a_missing_file_is_told() {
    let good = tempfile::tempdir().expect("a folder");
    flushed(good.path(), 20);
    let missing = |name: &Path| {
        let dir = tempfile::tempdir().expect("a folder");
        copy_folder(good.path(), dir.path());
        fs::remove_file(dir.path().join(name.file_name().expect("a name"))).expect("removed");
        let opened = EmbeddedLog::open(dir.path()).and_then(|log| log.verify());
        let error = opened.expect_err("a file is missing").to_string();
        assert!(error.contains(&dir.path().display().to_string()), "{error}");
    };
    for extension in ["sst", "blob", "log"] {
        let files = files_with(good.path(), extension);
        assert!(!files.is_empty(), "no {extension} file");
        files.iter().filter(|_| extension != "log" || files.len() == 1).for_each(|f| missing(f));
    }
    missing(Path::new("CURRENT"));
}
