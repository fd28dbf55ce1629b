//! Where rejected lines go: one file with their bytes, one with the reasons.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::FileError;

/// Writes nothing until the first line is rejected.
pub(super) struct Rejects {
    asked: PathBuf,
    /// Written before the first rejected line, so that the file can be published again by itself.
    pub(super) header: Vec<u8>,
    open: Option<Open>,
}

struct Open {
    bytes_path: PathBuf,
    bytes: BufWriter<File>,
    reasons_path: PathBuf,
    reasons: BufWriter<File>,
}

impl Rejects {
    pub(super) fn new(file: &Path, asked: Option<PathBuf>) -> Self {
        let beside = || match file == Path::new("-") {
            true => PathBuf::from("stdin.rejects"),
            false => with_suffix(file, ".rejects"),
        };
        Rejects { asked: asked.unwrap_or_else(beside), header: Vec::new(), open: None }
    }

    /// Keeps the reason of a line whose bytes follow by [`Rejects::more`].
    pub(super) fn begin(&mut self, sentence: &str) -> Result<(), FileError> {
        if self.open.is_none() {
            let mut open = Open::create(&self.asked).map_err(|e| self.failed(e))?;
            open.bytes.write_all(&self.header).map_err(|e| self.failed(e))?;
            self.open = Some(open);
        }
        let open = self.open.as_mut().expect("just opened");
        let written = writeln!(open.reasons, "{}", sentence.replace('\n', "; "));
        written.map_err(|error| self.failed(error))
    }

    /// Bytes of the line begun.
    pub(super) fn more(&mut self, raw: &[u8]) -> Result<(), FileError> {
        let open = self.open.as_mut().expect("a line was begun");
        open.bytes.write_all(raw).map_err(|error| self.failed(error))
    }

    /// The two files, where there are any.
    pub(super) fn finish(mut self) -> Result<(Option<PathBuf>, Option<PathBuf>), FileError> {
        let Some(mut open) = self.open.take() else { return Ok((None, None)) };
        open.bytes.flush().and_then(|()| open.reasons.flush()).map_err(|e| self.failed(e))?;
        Ok((Some(open.bytes_path), Some(open.reasons_path)))
    }

    fn failed(&self, source: io::Error) -> FileError {
        let detail = "rejected lines cannot be written".to_owned();
        FileError::Io { file: self.asked.clone(), detail, source }
    }
}

impl Open {
    /// The first free name, so that the rejects of an earlier run are never overwritten.
    fn create(asked: &Path) -> io::Result<Open> {
        for number in 1.. {
            let bytes_path = match number {
                1 => asked.to_owned(),
                _ => with_suffix(asked, &format!(".{number}")),
            };
            let reasons_path = with_suffix(&bytes_path, ".reasons");
            match create_new(&bytes_path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
                Ok(bytes) => {
                    let reasons = create_new(&reasons_path)?;
                    return Ok(Open { bytes_path, bytes, reasons_path, reasons });
                }
            }
        }
        unreachable!("there are more numbers than files")
    }
}

/// Readable by its owner only: rejected lines may hold personal data.
fn create_new(path: &Path) -> io::Result<BufWriter<File>> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(BufWriter::new(file))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
