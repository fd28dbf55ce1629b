//! Files of JSON lines.

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;

use omnifold_channels::files::{FileError, FileOptions, FileReport, publish_json_lines};
use omnifold_channels::publish::{Publisher, PublisherOptions};
use omnifold_log::Log;
use support::{KeepingLog, Kept};
use tempfile::TempDir;

fn line(id: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"shop","type":"omnifold.v1.OrderPlaced","time":"2025-06-02T10:00:00Z","data":{{"channel":"web","orderId":"{id}"}}}}"#
    )
}

/// Publishes the bytes as a file; also the records.
fn publish(dir: &Path, bytes: &[u8], strict: bool) -> (Result<FileReport, FileError>, Vec<Kept>) {
    let file = dir.join("orders.jsonl");
    std::fs::write(&file, bytes).expect("written");
    let log = KeepingLog::default();
    let batches = log.batches.clone();
    let log: Arc<dyn Log> = Arc::new(log);
    let mut publisher =
        Publisher::new(&log, "omnifold", "eu", PublisherOptions::default()).expect("a publisher");
    let options = FileOptions { strict, rejects: None };
    let report = publish_json_lines(&file, &options, &mut publisher, &|_, _| ());
    let records = batches.lock().expect("no panic").concat();
    (report, records)
}

fn ids(records: &[Kept]) -> Vec<&str> {
    records.iter().map(|record| record.id.as_str()).collect()
}

fn read(path: &Option<PathBuf>) -> Vec<u8> {
    std::fs::read(path.as_ref().expect("a file")).expect("readable")
}

#[test]
fn every_line_is_an_event_in_order() {
    let dir = TempDir::new().expect("a folder");
    let text = format!("\u{feff}{}\r\n\n  \n{}\n{}", line("1"), line("2"), line("3"));
    let (report, records) = publish(dir.path(), text.as_bytes(), false);
    let report = report.expect("published");
    assert_eq!(ids(&records), ["shop#1", "shop#2", "shop#3"]);
    assert_eq!((report.lines, report.events, report.rejected), (3, 3, 0));
    assert_eq!((report.rejects_file, report.reasons_file), (None, None));
    assert!(!dir.path().join("orders.jsonl.rejects").exists());
}

#[test]
fn a_bad_line_is_kept_with_its_bytes_and_reason_and_the_rest_is_published() {
    let dir = TempDir::new().expect("a folder");
    let not_utf8 = b"{\"id\":\"\xff\"}".to_vec();
    let undeclared = line("3").replace("orderId", "orderNo").into_bytes();
    let bytes = [line("1").as_bytes(), &not_utf8, &undeclared, line("4").as_bytes()].join(&b'\n');
    let (report, records) = publish(dir.path(), &bytes, false);
    let report = report.expect("published");
    assert_eq!(ids(&records), ["shop#1", "shop#4"]);
    assert_eq!((report.lines, report.events, report.rejected), (4, 2, 2));
    assert_eq!((report.reasons["malformed"], report.reasons["undeclared_field"]), (1, 1));
    assert_eq!(read(&report.rejects_file), [&not_utf8[..], b"\n", &undeclared, b"\n"].concat());
    let reasons = String::from_utf8(read(&report.reasons_file)).expect("text");
    let lines: Vec<&str> = reasons.lines().collect();
    assert!(lines[0].ends_with("orders.jsonl:2: byte 8: not UTF-8"), "{reasons}");
    assert!(lines[1].contains("orders.jsonl:3: `data`: undeclared field `orderNo`"), "{reasons}");
    assert_eq!(report.first_rejected, lines);
}

#[test]
fn rejects_of_an_earlier_run_are_kept() {
    let dir = TempDir::new().expect("a folder");
    let first = publish(dir.path(), b"one", false).0.expect("published");
    let second = publish(dir.path(), b"two", false).0.expect("published");
    assert_eq!(read(&first.rejects_file), b"one\n");
    assert_eq!(read(&second.rejects_file), b"two\n");
    assert!(second.rejects_file.expect("a file").ends_with("orders.jsonl.rejects.2"));
}

#[test]
fn rejects_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().expect("a folder");
    let report = publish(dir.path(), b"one", false).0.expect("published");
    for path in [report.rejects_file, report.reasons_file].into_iter().flatten() {
        let mode = std::fs::metadata(path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_strict_import_ends_at_the_first_bad_line() {
    let dir = TempDir::new().expect("a folder");
    let text = [line("1"), "{".to_owned(), line("3")].join("\n");
    let (report, records) = publish(dir.path(), text.as_bytes(), true);
    let error = report.expect_err("ended");
    assert!(matches!(error, FileError::Line { published: 1, .. }), "{error}");
    assert!(error.to_string().contains("orders.jsonl:2: "), "{error}");
    assert_eq!(ids(&records), ["shop#1"]);
    assert!(!dir.path().join("orders.jsonl.rejects").exists());
}

#[test]
fn a_line_beyond_all_bounds_is_kept_whole_and_the_next_is_read() {
    let dir = TempDir::new().expect("a folder");
    let long = vec![b'x'; 5 << 20];
    let bytes = [&long[..], line("2").as_bytes()].join(&b'\n');
    let (report, records) = publish(dir.path(), &bytes, false);
    let report = report.expect("published");
    assert_eq!(ids(&records), ["shop#2"]);
    assert_eq!(report.reasons["too_large"], 1);
    assert!(read(&report.rejects_file) == [&long[..], b"\n"].concat(), "all its bytes");
    assert!(report.first_rejected[0].contains(":1: the line is longer"), "{report:?}");
}

#[test]
fn only_the_first_faults_stand_in_the_report_and_all_in_the_file() {
    let dir = TempDir::new().expect("a folder");
    let report = publish(dir.path(), &b"no\n".repeat(100), false).0.expect("published");
    assert_eq!((report.rejected, report.first_rejected.len()), (100, 20));
    assert_eq!(String::from_utf8(read(&report.reasons_file)).expect("text").lines().count(), 100);
}

#[test]
fn a_missing_file_is_named() {
    let log: Arc<dyn Log> = Arc::new(KeepingLog::default());
    let mut publisher =
        Publisher::new(&log, "omnifold", "eu", PublisherOptions::default()).expect("a publisher");
    let options = FileOptions::default();
    let error = publish_json_lines(Path::new("none.jsonl"), &options, &mut publisher, &|_, _| ())
        .expect_err("no file");
    assert!(error.to_string().contains("none.jsonl"), "{error}");
}

#[test]
fn a_log_that_fails_ends_the_import() {
    let dir = TempDir::new().expect("a folder");
    let file = dir.path().join("orders.jsonl");
    std::fs::write(&file, line("1")).expect("written");
    let log: Arc<dyn Log> = Arc::new(KeepingLog { fail_at: Some(0), ..KeepingLog::default() });
    let mut publisher =
        Publisher::new(&log, "omnifold", "eu", PublisherOptions::default()).expect("a publisher");
    let result = publish_json_lines(&file, &FileOptions::default(), &mut publisher, &|_, _| ());
    assert!(matches!(result, Err(FileError::Publish { .. })));
}

#[test]
fn progress_ends_at_the_size_of_the_file() {
    let dir = TempDir::new().expect("a folder");
    let file = dir.path().join("orders.jsonl");
    let text = [line("1"), line("2"), String::new()].join("\n");
    std::fs::write(&file, &text).expect("written");
    let log: Arc<dyn Log> = Arc::new(KeepingLog::default());
    let mut publisher =
        Publisher::new(&log, "omnifold", "eu", PublisherOptions::default()).expect("a publisher");
    let seen = Mutex::new(Vec::new());
    let progress = |done, total| seen.lock().expect("no panic").push((done, total));
    publish_json_lines(&file, &FileOptions::default(), &mut publisher, &progress)
        .expect("published");
    let size = text.len() as u64;
    assert_eq!(seen.into_inner().expect("no panic"), [(size / 2, size), (size, size)]);
}
