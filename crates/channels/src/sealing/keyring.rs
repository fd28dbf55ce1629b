//! The keys, in a small RocksDB folder of their own.
//!
//! Rows: `m:format` and `m:secret` of the ring, `m:dropped_before` (first day whose key may exist),
//! `p:<keyed hash of the person>` > key id, `k:<key id>` > key, `d:<day>` > key of that day. Not
//! even the folder holds a person's id in clear.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use chacha20poly1305::aead::Generate;
use omnifold_events::v1;
use rocksdb::{BottommostLevelCompaction, CompactOptions, DB, Options, WriteBatch, WriteOptions};

use super::cipher::{self, Secret, hex};

const FORMAT: &[u8] = b"m:format";
const RING_SECRET: &[u8] = b"m:secret";
const DROPPED_BEFORE: &[u8] = b"m:dropped_before";
/// The format this build writes and reads.
const FORMAT_VERSION: &[u8] = &[1];
/// Key ids of days start with this; those of persons are 32 hex digits.
const DAY_PREFIX: &str = "day";

/// What a keyring cannot do.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// There is none in that folder.
    #[error("no keyring in {dir}; sealed data cannot be read or written without it")]
    Missing {
        /// The folder.
        dir: PathBuf,
    },
    /// Another process has it open.
    #[error("the keyring in {dir} is open in another process; only one may write it at a time")]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// It was opened for reading and a new key is needed.
    #[error("the keyring in {dir} is open read-only and has no key for this; open it for writing")]
    ReadOnly {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder holds something else, or was written by a later build.
    #[error("{dir} does not hold a keyring of this build: {detail}")]
    Format {
        /// The folder.
        dir: PathBuf,
        /// What does not fit.
        detail: String,
    },
    /// The key was deleted: the person was forgotten, or the day has passed.
    #[error("key `{key_id}` is not in this keyring: it was deleted, and what it sealed is erased")]
    Erased {
        /// The key.
        key_id: String,
    },
    /// The key is there and does not open the bytes.
    #[error(
        "key `{key_id}` does not open this: the bytes were changed or sealed for another purpose"
    )]
    NotAuthentic {
        /// The key.
        key_id: String,
    },
    /// Keys of that day were dropped and are not made again.
    #[error(
        "keys before day {dropped_before} were dropped; day {day} cannot be sealed for any more"
    )]
    DayDropped {
        /// Day asked for, counted from 1970-01-01.
        day: i64,
        /// First day that can still be sealed for.
        dropped_before: i64,
    },
    /// The folder cannot be read or written.
    #[error("keyring in {dir}: {detail}")]
    Storage {
        /// The folder.
        dir: PathBuf,
        /// What the storage said.
        detail: String,
    },
    /// The machine has no random bytes to give.
    #[error("the system's random source failed: {detail}")]
    Random {
        /// What it said.
        detail: String,
    },
}

/// One key a person, and one a day for what expires. Shared by threads.
pub struct Keyring {
    db: DB,
    dir: PathBuf,
    ring_secret: Secret,
    read_only: bool,
    /// Held while a key is made, so that two threads never make two keys of one person.
    making: Mutex<()>,
}

impl Keyring {
    /// Opens the keyring of a folder, making it first where there is none.
    pub fn open_or_create(dir: &Path) -> Result<Self, KeyringError> {
        make_private_dir(dir)?;
        let db = DB::open(&options(true), dir).map_err(|error| storage(dir, &error))?;
        if get(&db, dir, FORMAT)?.is_none() {
            let mut batch = WriteBatch::default();
            batch.put(FORMAT, FORMAT_VERSION);
            batch.put(RING_SECRET, random::<32>()?);
            db.write_opt(batch, &synced()).map_err(|error| storage(dir, &error))?;
        }
        Self::checked(db, dir, false)
    }

    /// Opens a keyring that must be there.
    pub fn open(dir: &Path) -> Result<Self, KeyringError> {
        must_exist(dir)?;
        let db = DB::open(&options(false), dir).map_err(|error| storage(dir, &error))?;
        Self::checked(db, dir, false)
    }

    /// Opens a keyring that must be there, to unseal and to seal for persons already known.
    /// Another process may have it open; keys that it makes later are not seen.
    pub fn open_read_only(dir: &Path) -> Result<Self, KeyringError> {
        must_exist(dir)?;
        let db = DB::open_for_read_only(&options(false), dir, false)
            .map_err(|error| storage(dir, &error))?;
        Self::checked(db, dir, true)
    }

    fn checked(db: DB, dir: &Path, read_only: bool) -> Result<Self, KeyringError> {
        let unfit =
            |detail: &str| KeyringError::Format { dir: dir.to_owned(), detail: detail.to_owned() };
        match get(&db, dir, FORMAT)? {
            None => return Err(unfit("it has no format row")),
            Some(format) if format != FORMAT_VERSION => {
                return Err(unfit(&format!("its format is {format:?}, this build knows [1]")));
            }
            Some(_) => {}
        }
        let secret = get(&db, dir, RING_SECRET)?.and_then(|bytes| bytes.try_into().ok());
        let ring_secret = secret.ok_or_else(|| unfit("its secret is missing or damaged"))?;
        Ok(Keyring { db, dir: dir.to_owned(), ring_secret, read_only, making: Mutex::new(()) })
    }

    /// Seals a text for a person. The purpose is bound into the ciphertext and must be given again
    /// to unseal. A person's first text makes and syncs a key: see [`Keyring::prepare`].
    pub fn seal(
        &self,
        person: &str,
        purpose: &str,
        text: &[u8],
    ) -> Result<v1::Sealed, KeyringError> {
        let (key_id, secret) = self.person_key(person)?;
        Ok(cipher::seal(&secret, &key_id, purpose, text))
    }

    /// Makes the keys of many persons with one sync.
    pub fn prepare<'a>(
        &self,
        persons: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), KeyringError> {
        let _making = self.making.lock().expect("no panic while making keys");
        let mut rows: Vec<Vec<u8>> = persons.into_iter().map(|p| self.person_row(p)).collect();
        rows.sort_unstable();
        rows.dedup();
        let mut batch = WriteBatch::default();
        for row in rows {
            if self.get(&row)?.is_none() {
                let (key_id, secret) = new_key()?;
                batch.put(&row, &key_id);
                batch.put(key_row(&key_id), secret);
            }
        }
        if batch.is_empty() { Ok(()) } else { self.write(batch) }
    }

    /// A name that stands for the person in clear fields. It is derived from the person's key, so
    /// once the person is forgotten nobody can tell whose it was.
    pub fn pseudonym(&self, person: &str) -> Result<String, KeyringError> {
        Ok(cipher::pseudonym(&self.person_key(person)?.1))
    }

    /// Opens what was sealed, for a person or for a day.
    pub fn unseal(&self, purpose: &str, sealed: &v1::Sealed) -> Result<Vec<u8>, KeyringError> {
        let key_id = &sealed.key_id;
        let row = match parse_day(key_id) {
            Some(day) => day_row(day),
            None => key_row(key_id),
        };
        let secret =
            self.secret(&row)?.ok_or_else(|| KeyringError::Erased { key_id: key_id.clone() })?;
        cipher::unseal(&secret, purpose, sealed)
            .ok_or_else(|| KeyringError::NotAuthentic { key_id: key_id.clone() })
    }

    /// Deletes a person's key, also from the files of this folder. Returns whether there was one.
    /// What the person sends later is sealed under a new key.
    pub fn forget(&self, person: &str) -> Result<bool, KeyringError> {
        let _making = self.making.lock().expect("no panic while making keys");
        let row = self.person_row(person);
        let Some(key_id) = self.get(&row)? else { return Ok(false) };
        let mut batch = WriteBatch::default();
        batch.delete(&row);
        batch.delete(key_row(&text(&self.dir, key_id)?));
        self.write(batch)?;
        self.purge()?;
        Ok(true)
    }

    /// Seals bytes under the key of a UTC day (days since 1970-01-01).
    pub fn seal_expiring(
        &self,
        day: i64,
        purpose: &str,
        bytes: &[u8],
    ) -> Result<v1::Sealed, KeyringError> {
        let dropped_before = self.dropped_before()?;
        if day < dropped_before {
            return Err(KeyringError::DayDropped { day, dropped_before });
        }
        let secret = match self.secret(&day_row(day))? {
            Some(secret) => secret,
            None => self.make_day_key(day)?,
        };
        Ok(cipher::seal(&secret, &format!("{DAY_PREFIX}{day}"), purpose, bytes))
    }

    /// Deletes the keys of all days before this one, for good. Returns how many there were.
    pub fn drop_expired(&self, before_day: i64) -> Result<u64, KeyringError> {
        let _making = self.making.lock().expect("no panic while making keys");
        let mut batch = WriteBatch::default();
        let mut dropped = 0;
        for item in
            self.db.iterator(rocksdb::IteratorMode::From(b"d:", rocksdb::Direction::Forward))
        {
            let (key, _) = item.map_err(|error| storage(&self.dir, &error))?;
            if !key.starts_with(b"d:") || key[..] >= day_row(before_day)[..] {
                break;
            }
            batch.delete(&key);
            dropped += 1;
        }
        if before_day > self.dropped_before()? {
            batch.put(DROPPED_BEFORE, before_day.to_be_bytes());
        }
        if !batch.is_empty() {
            self.write(batch)?;
            self.purge()?;
        }
        Ok(dropped)
    }

    fn person_key(&self, person: &str) -> Result<(String, Secret), KeyringError> {
        let row = self.person_row(person);
        if self.get(&row)?.is_none() {
            self.prepare([person])?;
        }
        let key_id = self.get(&row)?.ok_or_else(|| self.damaged("a key just made"))?;
        let key_id = text(&self.dir, key_id)?;
        let secret = self.secret(&key_row(&key_id))?;
        Ok((key_id, secret.ok_or_else(|| self.damaged("the key of a known person"))?))
    }

    fn make_day_key(&self, day: i64) -> Result<Secret, KeyringError> {
        let _making = self.making.lock().expect("no panic while making keys");
        if let Some(secret) = self.secret(&day_row(day))? {
            return Ok(secret);
        }
        let secret = random::<32>()?;
        let mut batch = WriteBatch::default();
        batch.put(day_row(day), secret);
        self.write(batch)?;
        Ok(secret)
    }

    fn dropped_before(&self) -> Result<i64, KeyringError> {
        let bytes = self.get(DROPPED_BEFORE)?.and_then(|bytes| bytes.try_into().ok());
        Ok(bytes.map_or(i64::MIN, i64::from_be_bytes))
    }

    fn person_row(&self, person: &str) -> Vec<u8> {
        let hash = blake3::keyed_hash(&self.ring_secret, person.as_bytes());
        [b"p:", &hash.as_bytes()[..]].concat()
    }

    fn secret(&self, row: &[u8]) -> Result<Option<Secret>, KeyringError> {
        let Some(bytes) = self.get(row)? else { return Ok(None) };
        bytes.try_into().map(Some).map_err(|_| self.damaged("a key of 32 bytes"))
    }

    fn get(&self, row: &[u8]) -> Result<Option<Vec<u8>>, KeyringError> {
        get(&self.db, &self.dir, row)
    }

    fn write(&self, batch: WriteBatch) -> Result<(), KeyringError> {
        if self.read_only {
            return Err(KeyringError::ReadOnly { dir: self.dir.clone() });
        }
        // Synced: an event must never be published whose key could still be lost.
        self.db.write_opt(batch, &synced()).map_err(|error| storage(&self.dir, &error))
    }

    /// Rewrites the files, so that deleted keys are in none of them.
    fn purge(&self) -> Result<(), KeyringError> {
        self.db.flush().map_err(|error| storage(&self.dir, &error))?;
        let mut options = CompactOptions::default();
        options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        self.db.compact_range_opt(None::<&[u8]>, None::<&[u8]>, &options);
        Ok(())
    }

    fn damaged(&self, what: &str) -> KeyringError {
        let detail = format!("{what} is missing or damaged; restore the folder from its backup");
        KeyringError::Format { dir: self.dir.clone(), detail }
    }
}

fn options(create: bool) -> Options {
    let mut options = Options::default();
    options.create_if_missing(create);
    options.set_compression_type(rocksdb::DBCompressionType::None);
    options.set_keep_log_file_num(2);
    options.set_max_open_files(32);
    options.set_write_buffer_size(4 << 20);
    options
}

fn synced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    options
}

fn get(db: &DB, dir: &Path, row: &[u8]) -> Result<Option<Vec<u8>>, KeyringError> {
    db.get(row).map_err(|error| storage(dir, &error))
}

fn must_exist(dir: &Path) -> Result<(), KeyringError> {
    if dir.join("CURRENT").is_file() {
        return Ok(());
    }
    Err(KeyringError::Missing { dir: dir.to_owned() })
}

/// Only the owner may read the folder.
fn make_private_dir(dir: &Path) -> Result<(), KeyringError> {
    use std::os::unix::fs::DirBuilderExt;
    if dir.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| KeyringError::Storage { dir: dir.to_owned(), detail: error.to_string() })
}

fn storage(dir: &Path, error: &rocksdb::Error) -> KeyringError {
    let detail = error.to_string();
    // RocksDB has no error kind of its own for a held lock.
    if detail.contains("lock file") || detail.contains("/LOCK") {
        return KeyringError::InUse { dir: dir.to_owned() };
    }
    KeyringError::Storage { dir: dir.to_owned(), detail }
}

fn random<const N: usize>() -> Result<[u8; N], KeyringError> {
    <[u8; N]>::try_generate().map_err(|error| KeyringError::Random { detail: error.to_string() })
}

fn new_key() -> Result<(String, Secret), KeyringError> {
    Ok((hex(&random::<16>()?), random::<32>()?))
}

fn key_row(key_id: &str) -> Vec<u8> {
    [b"k:", key_id.as_bytes()].concat()
}

/// Big-endian with the sign bit turned, so that rows sort by day.
fn day_row(day: i64) -> Vec<u8> {
    let sorted = day.cast_unsigned() ^ (1 << 63);
    [&b"d:"[..], &sorted.to_be_bytes()].concat()
}

fn parse_day(key_id: &str) -> Option<i64> {
    key_id.strip_prefix(DAY_PREFIX)?.parse().ok()
}

fn text(dir: &Path, bytes: Vec<u8>) -> Result<String, KeyringError> {
    String::from_utf8(bytes).map_err(|_| KeyringError::Format {
        dir: dir.to_owned(),
        detail: "a key id is not text".to_owned(),
    })
}
