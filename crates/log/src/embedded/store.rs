//! RocksDB as the log uses it: options, scans and errors.
//!
//! Two column families: `topics` (a few small rows) and `records` (chunks). Chunks of 1 KiB and
//! more go to blob files when a memtable is flushed, so compaction moves only their keys.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType,
    DBRawIterator, DBRecoveryMode, ErrorKind, Options, ReadOptions, WriteBatch, WriteOptions,
};

use super::chunk::{Fault, Head, Place, Want, copy_records};
use super::folder::{Folder, FolderBytes, NOTHING_WAS_CUT};
use super::topic::{Topic, TopicRow, key};
use super::{EmbeddedOptions, wal};
use crate::{LogError, RecordBuf};

const TOPICS: &str = "topics";
const RECORDS: &str = "records";
const FORMAT: u8 = 1;
/// Chunks looked at when a topic is opened, from its end backwards.
const CHUNKS_CHECKED_AT_OPEN: usize = 4;

/// The database of one folder. The database is closed before the folder's lock is let go.
pub struct Store {
    db: DB,
    options: Options,
    cache: Cache,
    folder: Folder,
    sync: bool,
    /// Bytes of a torn tail that were cut off when it was opened.
    pub repaired_bytes: u64,
}

/// Key and value of a row of `topics`.
type Row = (Vec<u8>, Vec<u8>);

/// A change of a row that goes with a commit.
#[derive(Debug)]
pub enum RowChange {
    /// Writes a row of `topics`.
    Put(Vec<u8>, Vec<u8>),
    /// Removes a row of `topics`.
    Delete(Vec<u8>),
    /// Removes the chunks of a topic from the first base to before the second.
    DeleteChunks(u32, u64, u64),
}

impl Store {
    /// Locks the folder, repairs its tail and opens it.
    pub fn open(path: &Path, settings: &EmbeddedOptions) -> Result<Self, LogError> {
        let folder = Folder::lock(path)?;
        let repaired_bytes = wal::repair(&folder.wal_files()?)?;
        let cache = Cache::new_lru_cache(settings.block_cache_bytes);
        let options = database_options(settings);
        let families = [
            ColumnFamilyDescriptor::new("default", Options::default()),
            ColumnFamilyDescriptor::new(TOPICS, family_options(settings, &cache)),
            ColumnFamilyDescriptor::new(RECORDS, record_options(settings, &cache)),
        ];
        let db = DB::open_cf_descriptors(&options, path, families)
            .map_err(|error| open_failed(&folder, &error))?;
        let sync = settings.sync;
        let store = Self { db, options, cache, folder, sync, repaired_bytes };
        store.check_format()?;
        Ok(store)
    }

    /// The folder as it is named in messages.
    pub fn place(&self) -> String {
        self.folder.name()
    }

    fn topics(&self) -> &ColumnFamily {
        self.db.cf_handle(TOPICS).expect("opened with it")
    }

    fn records(&self) -> &ColumnFamily {
        self.db.cf_handle(RECORDS).expect("opened with it")
    }

    fn check_format(&self) -> Result<(), LogError> {
        let stored = self.row(key::FORMAT)?;
        match stored.as_deref() {
            Some([FORMAT]) => Ok(()),
            None => {
                let mut batch = WriteBatch::default();
                batch.put_cf(self.topics(), key::FORMAT, [FORMAT]);
                self.write(batch).map_err(|error| self.unavailable("opened", &error))
            }
            Some(other) => Err(LogError::Configuration(format!(
                "the log in {} has format {other:?}, this program knows {FORMAT}; use the \
                 program that wrote it, or a newer one",
                self.place()
            ))),
        }
    }

    /// A row of `topics`.
    pub fn row(&self, key: &[u8]) -> Result<Option<Vec<u8>>, LogError> {
        let row = self.db.get_cf(self.topics(), key);
        row.map_err(|error| self.unavailable("read", &error))
    }

    /// Adds a change of a row to a batch.
    pub fn add_change(&self, batch: &mut WriteBatch, change: &RowChange) {
        match change {
            RowChange::Put(key, value) => batch.put_cf(self.topics(), key, value),
            RowChange::Delete(key) => batch.delete_cf(self.topics(), key),
            RowChange::DeleteChunks(topic, from, to) => {
                let range = (key::chunk(*topic, *from), key::chunk(*topic, *to));
                batch.delete_range_cf(self.records(), range.0, range.1);
            }
        }
    }

    /// Adds a chunk to a batch.
    pub fn add_chunk(&self, batch: &mut WriteBatch, topic: u32, base: u64, bytes: &[u8]) {
        batch.put_cf(self.records(), key::chunk(topic, base), bytes);
    }

    /// Writes and, unless the log is a scratch one, syncs. One call is one logical record of the
    /// write-ahead log, which is what telling a torn tail from damage stands on.
    pub fn write(&self, batch: WriteBatch) -> Result<(), rocksdb::Error> {
        let mut options = WriteOptions::default();
        options.set_sync(self.sync);
        self.db.write_opt(batch, &options)
    }

    /// Every topic, each checked at its end.
    pub fn load_topics(&self) -> Result<HashMap<String, Arc<Topic>>, LogError> {
        let mut topics = HashMap::new();
        for (row_key, value) in self.rows(&[key::TOPIC])? {
            let name = String::from_utf8_lossy(&row_key[1..]).into_owned();
            let row = TopicRow::decode(&value).ok_or_else(|| self.bad_row(&name))?;
            let end = self.end_of(&name, &row)?;
            let floors = self.floors_of(&name, row.number)?;
            topics.insert(name.clone(), Arc::new(Topic::new(row, &name, end, floors)));
        }
        Ok(topics)
    }

    fn floors_of(&self, name: &str, number: u32) -> Result<BTreeMap<String, u64>, LogError> {
        let prefix = key::floors(number);
        let rows = self.rows(&prefix)?.into_iter();
        rows.map(|(row_key, value)| {
            let holder = String::from_utf8_lossy(&row_key[prefix.len()..]).into_owned();
            let floor = value.try_into().map_err(|_| self.bad_row(name))?;
            Ok((holder, u64::from_be_bytes(floor)))
        })
        .collect()
    }

    /// Rows of `topics` whose keys begin with a prefix.
    fn rows(&self, prefix: &[u8]) -> Result<Vec<Row>, LogError> {
        let mut options = ReadOptions::default();
        options.set_iterate_range(rocksdb::PrefixRange(prefix));
        let mut rows = Vec::new();
        let mut iterator = self.db.raw_iterator_cf_opt(self.topics(), options);
        iterator.seek(prefix);
        while let Some((key, value)) = iterator.item() {
            rows.push((key.to_vec(), value.to_vec()));
            iterator.next();
        }
        iterator.status().map_err(|error| self.unavailable("read", &error))?;
        Ok(rows)
    }

    fn bad_row(&self, name: &str) -> LogError {
        LogError::Damaged {
            place: self.place(),
            topic: name.to_owned(),
            offset: 0,
            detail: format!("its row cannot be read; {NOTHING_WAS_CUT}"),
        }
    }

    /// Where a topic ends, after reading and checking its last chunks.
    fn end_of(&self, name: &str, row: &TopicRow) -> Result<u64, LogError> {
        let mut chunks = self.chunks(row.number, 0, u64::MAX);
        chunks.iterator.seek_to_last();
        let mut end = None;
        let mut after = None;
        for _ in 0..CHUNKS_CHECKED_AT_OPEN {
            let Some((base, bytes)) =
                chunks.current().map_err(|e| self.scan_failed(name, 0, &e))?
            else {
                break;
            };
            let head = check_chunk(bytes, row.number, base, after)
                .map_err(|fault| self.damaged(name, &fault))?;
            end = end.or(Some(head.end()));
            after = Some(base);
            chunks.iterator.prev();
        }
        match end {
            Some(end) if end >= row.start => Ok(end),
            None if row.start == 0 => Ok(0),
            _ => {
                let detail = "its last records are missing";
                Err(self.damaged(name, &Fault { offset: row.start, detail }))
            }
        }
    }

    /// The chunks of a topic whose bases lie in `from..to`. The scan ends at the explicit bound,
    /// so it never walks over another topic's tombstones.
    pub fn chunks(&self, topic: u32, from: u64, to: u64) -> Chunks<'_> {
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(key::chunk(topic, from));
        options.set_iterate_upper_bound(key::chunk(topic, to));
        // A log is read once and in order; the cache is for what is read again.
        options.fill_cache(false);
        Chunks { iterator: self.db.raw_iterator_cf_opt(self.records(), options) }
    }

    /// Gives the space of removed chunks back to the disk.
    pub fn reclaim(&self, topic: u32, before: u64) -> Result<(), LogError> {
        let range = (key::chunk(topic, 0), key::chunk(topic, before));
        let reclaimed = self.reclaim_range(range.0, range.1);
        reclaimed.map_err(|error| self.unavailable("trimmed", &error))
    }

    /// Compaction drops the removed keys. Only here it also moves what still lives in the oldest
    /// blob files, so that these can go: in everyday work that would copy records over and over.
    fn reclaim_range(&self, from: [u8; 12], to: [u8; 12]) -> Result<(), rocksdb::Error> {
        let oldest = self.share_of_oldest_blobs();
        let collect = [
            ("blob_garbage_collection_age_cutoff", oldest.as_str()),
            ("enable_blob_garbage_collection", "true"),
        ];
        self.db.delete_file_in_range_cf(self.records(), from, to)?;
        self.db.set_options_cf(self.records(), &collect)?;
        self.db.compact_range_cf(self.records(), None::<&[u8]>, None::<&[u8]>);
        self.db.set_options_cf(self.records(), &[("enable_blob_garbage_collection", "false")])
    }

    /// A quarter of the blob files, and never fewer than four: bounds what one trim copies.
    fn share_of_oldest_blobs(&self) -> String {
        let files = self.db.property_int_value_cf(self.records(), "rocksdb.num-blob-files");
        let files = files.ok().flatten().unwrap_or(0).max(1);
        format!("{:.3}", (4.0 / files as f64).clamp(0.25, 1.0))
    }

    /// A scan of a topic failed at an offset.
    pub fn scan_failed(&self, topic: &str, offset: u64, error: &rocksdb::Error) -> LogError {
        if !is_damage(error) {
            return self.unavailable("read", error);
        }
        LogError::Damaged {
            place: self.place(),
            topic: topic.to_owned(),
            offset,
            detail: format!("{error}; {NOTHING_WAS_CUT}"),
        }
    }

    /// A record of a topic does not fit.
    pub fn damaged(&self, topic: &str, fault: &Fault) -> LogError {
        LogError::Damaged {
            place: self.place(),
            topic: topic.to_owned(),
            offset: fault.offset,
            detail: format!("{}; {NOTHING_WAS_CUT}", fault.detail),
        }
    }

    fn unavailable(&self, action: &str, error: &rocksdb::Error) -> LogError {
        if is_damage(error) {
            return damaged_file(&self.folder, error);
        }
        LogError::Unavailable {
            what: format!("the log in {} cannot be {action}", self.place()),
            detail: error.to_string(),
        }
    }

    /// The write-ahead log files, oldest first.
    #[cfg(test)]
    pub fn wal_files(&self) -> Result<Vec<std::path::PathBuf>, LogError> {
        self.folder.wal_files()
    }

    /// Bytes of its files.
    pub fn folder_bytes(&self) -> FolderBytes {
        self.folder.bytes()
    }

    /// Memory and stall figures.
    pub fn figures(&self) -> StoreFigures {
        let property = |name: &rocksdb::properties::PropName| {
            let families = [self.topics(), self.records()];
            let values = families.map(|cf| self.db.property_int_value_cf(cf, name));
            values.into_iter().filter_map(|value| value.ok().flatten()).sum()
        };
        StoreFigures {
            memtable_bytes: property(rocksdb::properties::CUR_SIZE_ALL_MEM_TABLES),
            block_cache_bytes: self.cache.get_usage() as u64,
            stall_micros: self.options.get_ticker_count(rocksdb::statistics::Ticker::StallMicros),
            writes_stopped: property(rocksdb::properties::IS_WRITE_STOPPED) > 0,
        }
    }

    /// Writes what is in memory to its files. For tests and backups; nothing needs it to be
    /// durable.
    pub fn flush(&self) -> Result<(), LogError> {
        let flushed =
            self.db.flush_cf(self.records()).and_then(|()| self.db.flush_cf(self.topics()));
        flushed.map_err(|error| self.unavailable("flushed", &error))
    }
}

/// Memory and stall figures of RocksDB.
#[derive(Debug, Clone, Copy, Default)]
pub struct StoreFigures {
    pub memtable_bytes: u64,
    pub block_cache_bytes: u64,
    pub stall_micros: u64,
    pub writes_stopped: bool,
}

/// A scan over chunks.
pub struct Chunks<'a> {
    pub iterator: DBRawIterator<'a>,
}

impl Chunks<'_> {
    /// Base and bytes of the chunk the scan stands at; `None` behind the last.
    pub fn current(&self) -> Result<Option<(u64, &[u8])>, rocksdb::Error> {
        let Some((key, bytes)) = self.iterator.item() else {
            return self.iterator.status().map(|()| None);
        };
        let (_, base) = key::parse_chunk(key).expect("the column family holds chunks only");
        Ok(Some((base, bytes)))
    }
}

/// Reads a whole chunk and checks everything about it, and that it ends where the one after it
/// begins.
pub fn check_chunk(bytes: &[u8], topic: u32, base: u64, after: Option<u64>) -> Result<Head, Fault> {
    let head = Head::read(bytes, topic, base)?;
    let want = Want { topic: 0, from: u64::MAX, max_bytes: 0, held: 0 };
    let mut scratch = Vec::new();
    let records = head.records(bytes, &mut scratch)?;
    copy_records(records, head, &mut { Place::FIRST }, &want, &mut RecordBuf::default())?;
    if after.is_some_and(|after| after != head.end()) {
        return Err(Fault { offset: head.end(), detail: "records are missing from here on" });
    }
    Ok(head)
}

fn is_damage(error: &rocksdb::Error) -> bool {
    // A missing blob or table file is told as an I/O error.
    error.kind() == ErrorKind::Corruption || error.as_ref().contains("No such file")
}

fn open_failed(folder: &Folder, error: &rocksdb::Error) -> LogError {
    if is_damage(error) {
        return damaged_file(folder, error);
    }
    LogError::Unavailable {
        what: format!("the log in {} cannot be opened", folder.name()),
        detail: error.to_string(),
    }
}

/// RocksDB names the file and the place in its message.
fn damaged_file(folder: &Folder, error: &rocksdb::Error) -> LogError {
    LogError::DamagedFile {
        file: folder.name(),
        position: None,
        detail: format!("{error}; {NOTHING_WAS_CUT}"),
    }
}

fn database_options(settings: &EmbeddedOptions) -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    // `wal::repair` has cut what may be cut; RocksDB shall cut nothing.
    options.set_wal_recovery_mode(DBRecoveryMode::AbsoluteConsistency);
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_max_total_wal_size(settings.wal_bytes);
    options.set_max_background_jobs(2);
    options.set_max_open_files(512);
    // Blob and table files reach the disk bit by bit; else they delay the syncs of appends.
    options.set_bytes_per_sync(1 << 20);
    options.set_stats_dump_period_sec(0);
    options.set_keep_log_file_num(2);
    options.set_max_log_file_size(1 << 20);
    options.enable_statistics();
    options.set_statistics_level(rocksdb::statistics::StatsLevel::ExceptTimers);
    options
}

fn family_options(settings: &EmbeddedOptions, cache: &Cache) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_format_version(6);
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_write_buffer_size(settings.write_buffer_bytes);
    options.set_max_write_buffer_number(settings.write_buffers);
    options.set_compression_type(DBCompressionType::Lz4);
    options
}

fn record_options(settings: &EmbeddedOptions, cache: &Cache) -> Options {
    let mut options = family_options(settings, cache);
    options.set_enable_blob_files(true);
    options.set_min_blob_size(1 << 10);
    options.set_blob_file_size(256 << 20);
    // Chunks come compressed.
    options.set_blob_compression_type(DBCompressionType::None);
    options.set_enable_blob_gc(false);
    options
}
