//! `FILE.jsonl`: one event a line, as CloudEvents JSON.

use std::io::BufReader;
use std::path::Path;

use omnifold_events::MAX_EVENT_BYTES;
use omnifold_events::jsonl::{FileEvent, LineError, parse_line};

use super::lines::{Lines, Read};
use super::{Fault, FileError, FileOptions, FileReport, Import, open, read_error};
use crate::publish::Publisher;

/// The largest event with its attributes around it.
const MAX_LINE_BYTES: usize = MAX_EVENT_BYTES + (64 << 10);

/// Publishes the events of a file of JSON lines; `-` is the standard input. `progress` is told how
/// many of how many bytes were read (0 where the size is not known).
pub fn publish_json_lines(
    file: &Path,
    options: &FileOptions,
    publisher: &mut Publisher,
    progress: &dyn Fn(u64, u64),
) -> Result<FileReport, FileError> {
    let (reader, size) = open(file)?;
    let mut lines = Lines::new(BufReader::with_capacity(1 << 18, reader), MAX_LINE_BYTES);
    let mut import = Import::new(file, options, publisher);
    let mut line = Vec::new();
    while let Some(read) = lines.next(&mut line).map_err(|error| read_error(file, error))? {
        if read == Read::Part {
            keep_long_line(&mut import, &mut lines, &mut line)?;
        } else if !line.trim_ascii().is_empty() {
            import.report.lines += 1;
            import.take(lines.number, &line, event(&line))?;
        }
        progress(lines.bytes, size);
    }
    import.finish()
}

fn event(line: &[u8]) -> Result<FileEvent, Fault> {
    let text = std::str::from_utf8(line).map_err(|error| {
        Fault::malformed(format!("byte {}: not UTF-8", error.valid_up_to() + 1))
    })?;
    parse_line(text).map_err(|error| Fault { reason: error.reason(), detail: sentence(&error) })
}

/// The error and what caused it, in one sentence.
fn sentence(error: &LineError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        _ => error.to_string(),
    }
}

/// A line beyond the bound is passed to the rejects in parts, so that it never stands in memory.
fn keep_long_line(
    import: &mut Import,
    lines: &mut Lines<impl std::io::BufRead>,
    line: &mut Vec<u8>,
) -> Result<(), FileError> {
    let detail = format!("the line is longer than the {MAX_LINE_BYTES} bytes allowed");
    import.report.lines += 1;
    let fault = Fault { reason: "too_large", detail };
    import.reject_begun(lines.number, line, &fault)?;
    loop {
        let last = lines.rest(line).map_err(|error| read_error(&import.report.file, error))?;
        import.rejects.more(line)?;
        if last {
            return import.rejects.more(b"\n");
        }
    }
}
