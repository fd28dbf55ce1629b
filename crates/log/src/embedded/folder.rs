//! The folder of a log: one process at a time, and nothing of it lost unnoticed.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::LogError;

/// Held by the process that has the log open; says which one that is.
const LOCK_FILE: &str = "omnifold.lock";

/// The locked folder. Dropping it lets the next one in.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder where it is missing, and locks it. The lock comes before anything is read,
    /// because repairing the tail of a log that another process is writing would destroy it.
    pub fn lock(path: &Path) -> Result<Self, LogError> {
        let unusable = |error: std::io::Error| unavailable(path, &error);
        fs::create_dir_all(path).map_err(unusable)?;
        let path_of_lock = path.join(LOCK_FILE);
        let mut lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path_of_lock)
            .map_err(unusable)?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(in_use(path, &mut lock));
        }
        write_holder(&mut lock).map_err(unusable)?;
        let folder = Self { path: path.to_owned(), _lock: lock };
        folder.check_complete()?;
        Ok(folder)
    }

    /// The folder as it is named in messages.
    pub fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// The write-ahead log files, oldest first.
    pub fn wal_files(&self) -> Result<Vec<PathBuf>, LogError> {
        let mut numbered = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(|error| unavailable(&self.path, &error))? {
            let path = entry.map_err(|error| unavailable(&self.path, &error))?.path();
            if let Some(number) = number_of(&path, "log") {
                numbered.push((number, path));
            }
        }
        numbered.sort();
        Ok(numbered.into_iter().map(|(_, path)| path).collect())
    }

    /// Bytes of the files of each kind.
    pub fn bytes(&self) -> FolderBytes {
        let mut bytes = FolderBytes::default();
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            // A file may go between being listed and being looked at.
            let length = entry.metadata().map_or(0, |metadata| metadata.len());
            bytes.all += length;
            if number_of(&entry.path(), "log").is_some() {
                bytes.wal += length;
            }
        }
        bytes
    }

    /// RocksDB takes a folder without `CURRENT` for a new one, and one without its newest
    /// write-ahead log for one that had nothing in it, whatever else lies there.
    fn check_complete(&self) -> Result<(), LogError> {
        let entries = fs::read_dir(&self.path).map_err(|error| unavailable(&self.path, &error))?;
        let files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        let any = |extension| files.iter().any(|path| number_of(path, extension).is_some());
        let (wal, data) = (any("log"), any("sst") || any("blob"));
        if (data || wal) && !self.path.join("CURRENT").exists() {
            return Err(self.missing("CURRENT"));
        }
        if data && !wal {
            return Err(self.missing("*.log"));
        }
        Ok(())
    }

    fn missing(&self, name: &str) -> LogError {
        LogError::DamagedFile {
            file: self.path.join(name).display().to_string(),
            position: None,
            detail: format!("the file is missing while others are there; {NOTHING_WAS_CUT}"),
        }
    }
}

/// What a folder holds.
#[derive(Debug, Default, Clone, Copy)]
pub struct FolderBytes {
    /// Every file.
    pub all: u64,
    /// Write-ahead log files.
    pub wal: u64,
}

/// The end of every message about damage.
pub const NOTHING_WAS_CUT: &str =
    "nothing was cut; restore the folder from a backup, or remove it and publish the inputs again";

/// Something about the folder itself cannot be done.
pub fn unavailable(path: &Path, error: &std::io::Error) -> LogError {
    LogError::Unavailable {
        what: format!("the log in {} cannot be used", path.display()),
        detail: error.to_string(),
    }
}

fn in_use(path: &Path, lock: &mut File) -> LogError {
    let mut holder = String::new();
    let known = lock.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
    let by = if known { format!("process {}", holder.trim()) } else { "a process".to_owned() };
    LogError::Unavailable {
        what: format!("the log in {} is in use by {by}", path.display()),
        detail: "stop that one first, ask it over HTTP, or give another folder".to_owned(),
    }
}

fn write_holder(lock: &mut File) -> std::io::Result<()> {
    lock.set_len(0)?;
    lock.seek(SeekFrom::Start(0))?;
    writeln!(lock, "{}", std::process::id())
}

/// The number of a RocksDB file such as `000012.log`.
fn number_of(path: &Path, extension: &str) -> Option<u64> {
    let fits = path.extension()?.to_str()? == extension;
    let stem = path.file_stem()?.to_str()?;
    let digits = !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_digit());
    (fits && digits).then(|| stem.parse().ok()).flatten()
}
