//! Files to events: JSON lines, and CSV through a mapping.
//!
//! A file is read as a stream and published as it is read. A line that is no event does not stop
//! the import: it is kept, byte for byte, in a file of rejects beside its reason, to be corrected
//! and published again. With [`FileOptions::strict`] the first such line ends the import; what
//! stood before it is published, and publishing the corrected file again has no effect twice.

mod cells;
mod json_lines;
mod lines;
mod mapping;
mod rejects;
mod rows;
mod schema;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use omnifold_events::jsonl::FileEvent;
use serde::Serialize;

pub use json_lines::publish_json_lines;
pub use mapping::{Mapping, MappingError};
pub use rows::publish_csv;

use crate::publish::{PublishError, Publisher};
use crate::sealing::KeyringError;
use rejects::Rejects;

/// How a file is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileOptions {
    /// The first line that is no event ends the import.
    pub strict: bool,
    /// Where rejected lines are kept. Default: the file's name with `.rejects` added, numbered
    /// where that is taken.
    pub rejects: Option<PathBuf>,
}

/// What an import of a file came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// The file.
    pub file: PathBuf,
    /// Lines of JSON or rows of CSV, empty ones not counted.
    pub lines: u64,
    /// Events published.
    pub events: u64,
    /// Lines that are no event, kept in the rejects file.
    pub rejected: u64,
    /// Rejected lines by reason (docs/EVENTS.md).
    pub reasons: BTreeMap<&'static str, u64>,
    /// The first of them, as `FILE:LINE: what is wrong`; the rest stand in `reasons_file`.
    pub first_rejected: Vec<String>,
    /// The rejected lines as they came.
    pub rejects_file: Option<PathBuf>,
    /// One `FILE:LINE: what is wrong` for each of them.
    pub reasons_file: Option<PathBuf>,
}

/// What ends the import of a file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be read, or its rejects cannot be written.
    #[error("{}: {detail}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What was being done.
        detail: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A line is no event, and the import is strict.
    #[error("{place}: {detail}; {published} events before it were published")]
    Line {
        /// `FILE:LINE`.
        place: String,
        /// What is wrong.
        detail: String,
        /// Events published before.
        published: u64,
    },
    /// The file's header and the mapping do not fit; every fault at once.
    #[error("{}", faults.join("\n"))]
    Header {
        /// One `FILE:LINE: what is wrong` each.
        faults: Vec<String>,
    },
    /// The mapping seals personal data and there is no keyring.
    #[error("{} seals personal data; give the keyring's folder", mapping.display())]
    NoKeyring {
        /// The mapping.
        mapping: PathBuf,
    },
    /// The keyring failed.
    #[error("sealing")]
    Sealing(#[from] KeyringError),
    /// The log failed.
    #[error("publishing {}", file.display())]
    Publish {
        /// The file.
        file: PathBuf,
        /// What failed.
        #[source]
        source: PublishError,
    },
}

/// Rejected lines that are repeated in the report itself.
const FIRST_REJECTED: usize = 20;

/// Why a line is no event.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    reason: &'static str,
    detail: String,
}

impl Fault {
    fn malformed(detail: impl Into<String>) -> Self {
        Fault { reason: "malformed", detail: detail.into() }
    }
}

/// A running import: publishes what is good and keeps what is not.
struct Import<'a> {
    publisher: &'a mut Publisher,
    strict: bool,
    rejects: Rejects,
    report: FileReport,
}

impl<'a> Import<'a> {
    fn new(file: &Path, options: &FileOptions, publisher: &'a mut Publisher) -> Self {
        let report = FileReport { file: file.to_owned(), ..FileReport::default() };
        let rejects = Rejects::new(file, options.rejects.clone());
        Import { publisher, strict: options.strict, rejects, report }
    }

    /// Publishes the event that began at `line`; `raw` are the bytes to keep if it is none.
    fn take(
        &mut self,
        line: u64,
        raw: &[u8],
        event: Result<FileEvent, Fault>,
    ) -> Result<(), FileError> {
        let fault = match event {
            Err(fault) => fault,
            Ok(event) => match self.publisher.publish(&event) {
                Ok(()) => {
                    self.report.events += 1;
                    return Ok(());
                }
                Err(error) => match error.reason() {
                    Some(reason) => Fault { reason, detail: error.to_string() },
                    None => return Err(self.failed(error)),
                },
            },
        };
        self.reject(line, raw, &fault)
    }

    fn reject(&mut self, line: u64, raw: &[u8], fault: &Fault) -> Result<(), FileError> {
        self.reject_begun(line, raw, fault)?;
        self.rejects.more(b"\n")
    }

    /// Rejects a line of which `raw` is the first part; the rest goes to the rejects directly.
    fn reject_begun(&mut self, line: u64, raw: &[u8], fault: &Fault) -> Result<(), FileError> {
        let place = format!("{}:{line}", self.report.file.display());
        if self.strict {
            let (detail, published) = (fault.detail.clone(), self.report.events);
            self.publisher.flush().map_err(|source| self.failed(source))?;
            return Err(FileError::Line { place, detail, published });
        }
        let sentence = format!("{place}: {}", fault.detail);
        self.rejects.begin(&sentence)?;
        self.rejects.more(raw)?;
        self.report.rejected += 1;
        *self.report.reasons.entry(fault.reason).or_default() += 1;
        if self.report.first_rejected.len() < FIRST_REJECTED {
            self.report.first_rejected.push(sentence);
        }
        Ok(())
    }

    fn failed(&self, source: PublishError) -> FileError {
        FileError::Publish { file: self.report.file.clone(), source }
    }

    fn finish(mut self) -> Result<FileReport, FileError> {
        self.publisher.flush().map_err(|source| self.failed(source))?;
        (self.report.rejects_file, self.report.reasons_file) = self.rejects.finish()?;
        Ok(self.report)
    }
}

/// Opens a file, or the standard input for `-`. Also its size, 0 where that is not known.
fn open(file: &Path) -> Result<(Box<dyn Read>, u64), FileError> {
    if file == Path::new("-") {
        return Ok((Box::new(io::stdin().lock()), 0));
    }
    let opened = File::open(file).map_err(|source| read_error(file, source))?;
    let bytes = opened.metadata().map_or(0, |metadata| metadata.len());
    Ok((Box::new(opened), bytes))
}

fn read_error(file: &Path, source: io::Error) -> FileError {
    FileError::Io { file: file.to_owned(), detail: "cannot be read".to_owned(), source }
}
