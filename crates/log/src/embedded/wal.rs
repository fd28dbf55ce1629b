//! The write-ahead log, looked through before RocksDB opens it.
//!
//! RocksDB's own ways of recovering either cut silently at the first bad record (its default), or
//! refuse a torn tail that is a normal trace of a crash. Here the two are told apart first:
//!
//! * One group of appends is one logical WAL record, and it is synced before the next is written.
//!   So a crash can leave at most the *last* logical record of the *last* file incomplete. That is
//!   a torn tail. Nobody was told that its appends had happened, so it is cut off.
//! * Any other damage is in records that were acknowledged. It is reported with file and byte, and
//!   the files are left as they are:
//!   * a bad record with a whole one behind it, in the same file or in a later one;
//!   * a gap in RocksDB's sequence numbers;
//!   * a bad last record that is all there. A torn write is short, or has pages of zeros where
//!     data had not reached the disk; a record without either is damaged, not torn.
//!
//! Afterwards RocksDB opens the log in the mode that forgives nothing (`kAbsoluteConsistency`).
//!
//! The format is RocksDB's: blocks of 32 KiB; in them physical records of CRC32C (masked, u32),
//! length (u16), type (u8) and data, little endian; a logical record is one FULL, or FIRST,
//! MIDDLE ..., LAST. It holds one write batch: sequence number u64, count u32, operations.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use super::folder::{NOTHING_WAS_CUT, unavailable};
use crate::LogError;

const BLOCK: usize = 32 << 10;
const HEADER: usize = 7;
/// Unit in which a file system leaves out what had not reached the disk.
const PAGE: usize = 4 << 10;

const FULL: u8 = 1;
const FIRST: u8 = 2;
const MIDDLE: u8 = 3;
const LAST: u8 = 4;

/// Cuts a torn tail off the newest file; reports every other damage. Returns how many bytes were
/// cut.
pub fn repair(files: &[PathBuf]) -> Result<u64, LogError> {
    let mut sequence = None;
    let mut torn: Vec<(&Path, Tail)> = Vec::new();
    for path in files {
        let bytes = fs::read(path).map_err(|error| unavailable(path, &error))?;
        let scan = Scan::run(&bytes, sequence);
        if let Some((earlier, tail)) = torn.first().filter(|_| scan.holds_records(&bytes)) {
            return Err(damaged(earlier, tail.at, "the record is cut, and newer files follow"));
        }
        sequence = scan.sequence;
        match scan.tail(&bytes) {
            Ok(None) => {}
            Ok(Some(tail)) => torn.push((path, tail)),
            Err(fault) => return Err(damaged(path, fault.at, fault.what)),
        }
    }
    torn.into_iter().map(|(path, tail)| cut(path, tail)).sum()
}

/// An incomplete last record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tail {
    /// First byte that is not part of a whole record.
    at: usize,
    /// Bytes from there to the end of the file.
    length: usize,
}

/// The first thing that does not fit, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fault {
    at: usize,
    what: &'static str,
    kind: FaultKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FaultKind {
    /// The file ends before the record does.
    Short,
    /// The record is there and does not fit.
    Wrong,
    /// Good records follow what is missing or damaged.
    Hole,
}

/// One file, read until its end or its first fault.
struct Scan {
    /// Byte after the last whole logical record.
    good_end: usize,
    /// Sequence number that the next record must have, once one was seen.
    sequence: Option<u64>,
    /// Whole logical records.
    records: usize,
    fault: Option<Fault>,
}

/// A physical record.
struct Physical<'a> {
    kind: u8,
    data: &'a [u8],
    end: usize,
}

impl Scan {
    fn run(bytes: &[u8], sequence: Option<u64>) -> Self {
        let mut scan = Self { good_end: 0, sequence, records: 0, fault: None };
        let mut logical = Logical::default();
        let mut at = 0;
        while let Some(start) = next_start(at, bytes.len()) {
            match scan.step(bytes, start, &mut logical) {
                Ok(end) => at = end,
                Err(fault) => {
                    scan.fault = Some(fault);
                    return scan;
                }
            }
        }
        scan.fault = logical.unfinished(bytes.len());
        scan
    }

    /// Takes one physical record and returns where it ends.
    fn step(&mut self, bytes: &[u8], at: usize, logical: &mut Logical) -> Result<usize, Fault> {
        let record = physical(bytes, at)?;
        if let Some(batch) = logical.add(at, &record)? {
            if self.sequence.is_some_and(|expected| batch.sequence > expected) {
                let what = "records are missing before this one";
                return Err(Fault { at, what, kind: FaultKind::Hole });
            }
            self.sequence = Some(batch.sequence + u64::from(batch.count));
            self.good_end = record.end;
            self.records += 1;
        }
        Ok(record.end)
    }

    /// Whether anything in the file is, or begins, a record.
    fn holds_records(&self, bytes: &[u8]) -> bool {
        self.records > 0 || good_record_follows(bytes, 0)
    }

    /// What stands behind the last whole record: nothing, a torn tail, or damage.
    fn tail(&self, bytes: &[u8]) -> Result<Option<Tail>, Fault> {
        let Some(fault) = self.fault else { return Ok(None) };
        if fault.kind == FaultKind::Hole {
            return Err(fault);
        }
        if good_record_follows(bytes, fault.at + 1) {
            return Err(Fault { what: "the record is damaged, and good ones follow it", ..fault });
        }
        if fault.kind == FaultKind::Wrong && !has_page_of_zeros(bytes, self.good_end) {
            return Err(fault);
        }
        Ok(Some(Tail { at: self.good_end, length: bytes.len() - self.good_end }))
    }
}

/// Sequence number and count of a write batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct BatchHead {
    sequence: u64,
    count: u32,
}

/// The logical record being put together.
#[derive(Default)]
struct Logical {
    started: Option<usize>,
    head: Vec<u8>,
}

impl Logical {
    /// Adds a physical record; gives the head of the batch once it is whole.
    fn add(&mut self, at: usize, record: &Physical<'_>) -> Result<Option<BatchHead>, Fault> {
        let wrong = |what| Fault { at, what, kind: FaultKind::Wrong };
        match (record.kind, self.started) {
            (FULL | FIRST, Some(_)) => {
                let what = "the record before this one has no end";
                return Err(Fault { at, what, kind: FaultKind::Hole });
            }
            (FULL | FIRST, None) => {
                self.started = Some(at);
                self.head.clear();
            }
            (MIDDLE | LAST, None) => return Err(wrong("the record's beginning is missing")),
            (MIDDLE | LAST, Some(_)) => {}
            // What RocksDB says about the file itself.
            _ => return Ok(None),
        }
        let missing = 12_usize.saturating_sub(self.head.len()).min(record.data.len());
        self.head.extend_from_slice(&record.data[..missing]);
        if matches!(record.kind, FIRST | MIDDLE) {
            return Ok(None);
        }
        self.started = None;
        batch_head(&self.head).map(Some).ok_or(wrong("the record is no write batch"))
    }

    fn unfinished(&self, file_end: usize) -> Option<Fault> {
        let what = "the file ends within a record";
        self.started.map(|_| Fault { at: file_end, what, kind: FaultKind::Short })
    }
}

fn batch_head(head: &[u8]) -> Option<BatchHead> {
    let (sequence, rest) = head.split_first_chunk::<8>()?;
    let count = rest.first_chunk::<4>()?;
    Some(BatchHead { sequence: u64::from_le_bytes(*sequence), count: u32::from_le_bytes(*count) })
}

/// Where the next physical record begins: a block's last bytes are left empty where no header
/// fits. `None` at the end of the file.
fn next_start(at: usize, file_end: usize) -> Option<usize> {
    let left = BLOCK - at % BLOCK;
    let start = if left < HEADER { at + left } else { at };
    (start < file_end).then_some(start)
}

fn physical(bytes: &[u8], at: usize) -> Result<Physical<'_>, Fault> {
    let short = Fault { at, what: "the file ends within a record", kind: FaultKind::Short };
    let wrong = |what| Fault { at, what, kind: FaultKind::Wrong };
    let header = bytes.get(at..at + HEADER).ok_or(short)?;
    let kind = header[6];
    let length = usize::from(u16::from_le_bytes([header[4], header[5]]));
    let end = at + HEADER + length;
    if end > (at / BLOCK + 1) * BLOCK {
        return Err(wrong("the record's length does not fit"));
    }
    let expected = u32::from_le_bytes(header[..4].try_into().expect("four bytes"));
    let Some(checked) = bytes.get(at + 6..end) else {
        // A record that is whole up to the end of the file has a damaged length.
        let is_whole = masked(crc32c::crc32c(&bytes[at + 6..])) == expected;
        return Err(if is_whole { wrong("the record's length does not fit") } else { short });
    };
    if kind == 0 || masked(crc32c::crc32c(checked)) != expected {
        return Err(wrong("the record's checksum does not fit"));
    }
    Ok(Physical { kind, data: &checked[1..], end })
}

/// How RocksDB stores a checksum.
fn masked(sum: u32) -> u32 {
    sum.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Whether a logical record begins anywhere from `from` on. Within the damaged block every byte is
/// tried; later blocks begin with a physical record, so there only that one and those behind it.
fn good_record_follows(bytes: &[u8], from: usize) -> bool {
    let block_end = (from / BLOCK + 1) * BLOCK;
    let begins = |at: usize| {
        matches!(bytes.get(at + 6), Some(&(FULL | FIRST))) && physical(bytes, at).is_ok()
    };
    (from..block_end.min(bytes.len())).any(begins)
        || (block_end..bytes.len()).step_by(BLOCK).any(|block| begins_in_block(bytes, block))
}

fn begins_in_block(bytes: &[u8], block: usize) -> bool {
    let mut at = block;
    while let Some(start) = next_start(at, bytes.len()).filter(|start| *start < block + BLOCK) {
        match physical(bytes, start) {
            Ok(record) if matches!(record.kind, FULL | FIRST) => return true,
            Ok(record) => at = record.end,
            Err(_) => return false,
        }
    }
    false
}

/// Whether a page of the file from `from` on, as far as it lies there, holds only zeros. A part
/// too small to tell anything counts only where there is nothing else.
fn has_page_of_zeros(bytes: &[u8], from: usize) -> bool {
    const TELLING: usize = 64;
    let first = from / PAGE * PAGE;
    (first..bytes.len()).step_by(PAGE).any(|page| {
        let part = &bytes[page.max(from)..(page + PAGE).min(bytes.len())];
        let tells = part.len() >= TELLING || part.len() == bytes.len() - from;
        tells && part.iter().all(|byte| *byte == 0)
    })
}

fn cut(path: &Path, tail: Tail) -> Result<u64, LogError> {
    let file = OpenOptions::new().write(true).open(path);
    let length = tail.length as u64;
    file.and_then(|file| {
        file.set_len(tail.at as u64)?;
        file.sync_all()
    })
    .map_err(|error| unavailable(path, &error))?;
    tracing::warn!(
        file = %path.display(),
        at = tail.at,
        bytes = length,
        "cut an append off that was never acknowledged"
    );
    Ok(length)
}

fn damaged(path: &Path, at: usize, what: &str) -> LogError {
    LogError::DamagedFile {
        file: path.display().to_string(),
        position: Some(at as u64),
        detail: format!("{what}; {NOTHING_WAS_CUT}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::EmbeddedLog;
    use crate::{Headers, Log, RecordBuf, TopicKind};

    /// A write-ahead log as RocksDB writes it: one append for each of these sizes. Gives its bytes
    /// and where each append ends.
    fn written(sizes: &[usize]) -> (Vec<u8>, Vec<usize>) {
        let dir = tempfile::tempdir().expect("a folder");
        let log = EmbeddedLog::open(dir.path()).expect("a log");
        let spec = TopicKind::Orders.spec("wal", "m");
        log.create_topics(std::slice::from_ref(&spec)).expect("a topic");
        log.flush().expect("a new file begins");
        let producer = log.producer().expect("a producer");
        let bytes = || {
            let files = log.core.committer.store().wal_files().expect("a folder");
            fs::read(files.last().expect("a file")).expect("readable")
        };
        let ends = sizes.iter().map(|size| {
            let mut batch = RecordBuf::default();
            batch.push(0, 0, 1, Headers::default(), b"k", Some(&noise(*size)));
            producer.append(std::slice::from_ref(&spec.name), &batch).expect("appended");
            bytes().len()
        });
        let ends = ends.collect();
        (bytes(), ends)
    }

    /// Bytes without zeros that do not compress.
    fn noise(size: usize) -> Vec<u8> {
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8 | 1
        };
        std::iter::repeat_with(&mut next).take(size).collect()
    }

    fn tail_of(bytes: &[u8]) -> Result<Option<Tail>, Fault> {
        Scan::run(bytes, None).tail(bytes)
    }

    #[test]
    fn a_whole_file_has_no_tail() {
        let (bytes, ends) = written(&[10, 100, 70_000, 10]);
        assert_eq!(tail_of(&bytes), Ok(None));
        assert_eq!(Scan::run(&bytes, None).records, ends.len());
    }

    #[test]
    fn a_file_cut_at_any_byte_keeps_the_appends_before_it() {
        let (bytes, ends) = written(&[10, 70_000, 10]);
        let near_an_end = |at: &usize| ends.iter().any(|end| at.abs_diff(*end) < 200);
        let cuts = (0..bytes.len()).filter(|at| near_an_end(at) || at % 97 == 0 || *at < 100);
        for at in cuts {
            let kept = ends.iter().copied().filter(|end| *end <= at).max().unwrap_or(0);
            let tail = (kept < at).then_some(Tail { at: kept, length: at - kept });
            assert_eq!(tail_of(&bytes[..at]), Ok(tail), "cut at {at}");
        }
    }

    #[test]
    fn a_changed_byte_anywhere_is_damage() {
        let (bytes, ends) = written(&[10, 40_000, 300]);
        let near_an_end = |at: &usize| ends.iter().any(|end| at.abs_diff(*end) < 400);
        let places = (0..bytes.len()).filter(|at| near_an_end(at) || at % 61 == 0 || *at < 200);
        for at in places {
            for flip in [0x01, 0x80, 0xff] {
                let mut bad = bytes.clone();
                bad[at] ^= flip;
                assert!(tail_of(&bad).is_err(), "byte {at} of {} ^ {flip}", bytes.len());
            }
        }
    }

    #[test]
    fn pages_of_zeros_in_the_last_append_are_a_torn_tail() {
        let (bytes, ends) = written(&[10, 70_000]);
        let pages = (ends[0] / PAGE + 1)..(ends[1] / PAGE);
        for page in pages {
            let mut torn = bytes.clone();
            torn[page * PAGE..(page + 1) * PAGE].fill(0);
            let tail = Tail { at: ends[0], length: bytes.len() - ends[0] };
            assert_eq!(tail_of(&torn), Ok(Some(tail)), "page {page}");
        }
        let zeros = [&bytes[..], &[0; 5000]].concat();
        assert_eq!(tail_of(&zeros), Ok(Some(Tail { at: bytes.len(), length: 5000 })));
    }

    #[test]
    fn pages_of_zeros_before_a_good_append_are_damage() {
        let (mut bytes, _) = written(&[10, 70_000, 10]);
        bytes[8 * PAGE..9 * PAGE].fill(0);
        let fault = tail_of(&bytes).expect_err("good records follow");
        assert_eq!(fault.what, "the record is damaged, and good ones follow it");
    }

    #[test]
    fn an_append_cut_out_of_the_middle_is_told() {
        let (bytes, ends) = written(&[10, 10, 10, 10]);
        let holed = [&bytes[..ends[1]], &bytes[ends[2]..]].concat();
        assert_eq!(tail_of(&holed).expect_err("a gap").what, "records are missing before this one");
    }

    #[test]
    fn only_the_newest_file_may_have_a_torn_tail() {
        let (bytes, ends) = written(&[10, 10, 10, 10]);
        let dir = tempfile::tempdir().expect("a folder");
        let files = [dir.path().join("000001.log"), dir.path().join("000002.log")];
        fs::write(&files[0], &bytes[..ends[1] - 1]).expect("written");
        fs::write(&files[1], &bytes[ends[1]..]).expect("written");
        repair(&files).expect_err("an acknowledged append is cut");
        assert_eq!(fs::read(&files[0]).expect("readable").len(), ends[1] - 1, "nothing was cut");
        fs::write(&files[1], []).expect("written");
        assert_eq!(repair(&files).expect("a torn tail"), (ends[1] - 1 - ends[0]) as u64);
        assert_eq!(fs::read(&files[0]).expect("readable"), &bytes[..ends[0]]);
        assert_eq!(repair(&files).expect("nothing to do"), 0);
    }
}
