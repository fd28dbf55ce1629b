//! Rows in RocksDB: one column family a table, no write-ahead log, atomic flush.

use std::path::{Path, PathBuf};

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB,
    DBCompactionStyle, DBCompressionType, FlushOptions, LruCacheOptions, Options, ReadOptions,
    WriteBatch, WriteOptions,
};

use crate::{Backend, Checkpoint, EachRow, StateError, Table};

/// Where the position stands in the meta table.
pub(crate) const POSITION_KEY: &[u8] = b"position";

const MIB: usize = 1 << 20;
/// All column families share one block cache.
const BLOCK_CACHE: usize = 24 * MIB;
/// The cache's shards, as a power of two. RocksDB's own choice, 64, leaves each less than a
/// filter takes: every look-up of an absent key would then read that filter anew.
const BLOCK_CACHE_SHARD_BITS: i32 = 2;
const WRITE_BUFFER: usize = 8 * MIB;
/// Sorted runs that a table may have before some are merged. A look-up asks each run's filter.
const MAX_RUNS: i32 = 10;
/// Bits of Bloom filter a key: about 1 % of absent keys cost a read.
const BLOOM_BITS: f64 = 10.0;

/// A backend that survives the process.
pub struct RocksBackend {
    db: DB,
    dir: PathBuf,
}

/// Figures of RocksDB itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RocksFigures {
    /// Bytes of live table files.
    pub live_bytes: u64,
    /// Bytes in memtables.
    pub memtable_bytes: u64,
    /// Whether writes are stopped, and 0 where they are not.
    pub write_stopped: u64,
    /// Delayed write rate, bytes/s; 0 where writes are not delayed.
    pub delayed_write_rate: u64,
}

impl RocksBackend {
    /// Opens or makes the folder.
    pub fn open(dir: &Path) -> Result<Self, StateError> {
        let fault = |detail: String| StateError::Io {
            what: "opening the state",
            place: dir.display().to_string(),
            detail,
        };
        std::fs::create_dir_all(dir).map_err(|error| fault(error.to_string()))?;
        let mut cache = LruCacheOptions::default();
        cache.set_capacity(BLOCK_CACHE);
        cache.set_num_shard_bits(BLOCK_CACHE_SHARD_BITS);
        let cache = Cache::new_lru_cache_opts(&cache);
        let families = Table::ALL
            .map(|table| ColumnFamilyDescriptor::new(table.name(), family_options(table, &cache)));
        let db = DB::open_cf_descriptors(&db_options(), dir, families)
            .map_err(|error| fault(error.to_string()))?;
        Ok(RocksBackend { db, dir: dir.to_owned() })
    }

    fn family(&self, table: Table) -> &ColumnFamily {
        self.db.cf_handle(table.name()).expect("every table's family was opened")
    }

    fn fault(&self, what: &'static str, error: &rocksdb::Error) -> StateError {
        let place = self.dir.display().to_string();
        StateError::Io { what, place, detail: error.to_string() }
    }
}

fn db_options() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_atomic_flush(true);
    options.set_max_background_jobs(2);
    options.set_keep_log_file_num(2);
    options.set_max_open_files(256);
    // Written to the disk as it comes: a burst at the end would hold up the log's own syncs.
    options.set_bytes_per_sync(1 << 20);
    options
}

fn family_options(table: Table, cache: &Cache) -> Options {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
    // In pieces, so that what is read and kept is the piece a key needs and not the whole of a
    // file's index and filter, which grow with the file.
    blocks.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    blocks.set_partition_filters(true);
    blocks.set_pin_top_level_index_and_filter(true);
    blocks.set_format_version(5);
    if matches!(table, Table::Order | Table::Seen | Table::Stock) {
        blocks.set_bloom_filter(BLOOM_BITS, false);
        blocks.set_whole_key_filtering(true);
    }
    let mut options = Options::default();
    options.set_block_based_table_factory(&blocks);
    // Rows are written once or a few times and mostly never read again, and their keys are spread
    // evenly: merging runs of like age writes each fewer times than levels do.
    options.set_compaction_style(DBCompactionStyle::Universal);
    options.set_level_zero_file_num_compaction_trigger(MAX_RUNS);
    // What was just flushed is soon merged: compressing it would be done twice. Hashes do not
    // compress at all.
    let (fresh, merged) = match table {
        Table::Seen => (DBCompressionType::None, DBCompressionType::None),
        _ => (DBCompressionType::None, DBCompressionType::Lz4),
    };
    options.set_compression_type(merged);
    options.set_compression_per_level(&[fresh, merged]);
    options.set_write_buffer_size(WRITE_BUFFER);
    options.set_max_write_buffer_number(3);
    options
}

impl Backend for RocksBackend {
    fn figures(&self) -> Option<RocksFigures> {
        let sum = |name: &str| {
            let families = Table::ALL.iter().map(|&table| self.family(table));
            families
                .filter_map(|family| self.db.property_int_value_cf(family, name).ok().flatten())
                .sum()
        };
        let one = |name: &str| self.db.property_int_value(name).ok().flatten().unwrap_or(0);
        Some(RocksFigures {
            live_bytes: sum("rocksdb.live-sst-files-size"),
            memtable_bytes: sum("rocksdb.cur-size-all-mem-tables"),
            write_stopped: one("rocksdb.is-write-stopped"),
            delayed_write_rate: one("rocksdb.actual-delayed-write-rate"),
        })
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.db.get_cf(self.family(table), key).map_err(|error| self.fault("reading a row", &error))
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: &[u8],
        each: EachRow<'_>,
    ) -> Result<(), StateError> {
        let mut bounds = ReadOptions::default();
        if !to.is_empty() {
            bounds.set_iterate_upper_bound(to.to_vec());
        }
        let mut rows = self.db.raw_iterator_cf_opt(self.family(table), bounds);
        rows.seek(from);
        while let Some((key, value)) = rows.item() {
            each(key, value)?;
            rows.next();
        }
        rows.status().map_err(|error| self.fault("scanning rows", &error))
    }

    fn write(&self, checkpoint: &Checkpoint, between: &dyn Fn()) -> Result<(), StateError> {
        let mut batch = WriteBatch::default();
        for (table, key, value) in checkpoint.newest_rows() {
            match value {
                Some(value) => batch.put_cf(self.family(table), key, value),
                None => batch.delete_cf(self.family(table), key),
            }
        }
        for bucket in checkpoint.dropped_buckets() {
            let (from, to) = (bucket.to_be_bytes(), (bucket + 1).to_be_bytes());
            batch.delete_range_cf(self.family(Table::Seen), from, to);
        }
        batch.put_cf(self.family(Table::Meta), POSITION_KEY, &checkpoint.position);
        let mut unlogged = WriteOptions::default();
        unlogged.disable_wal(true);
        self.db
            .write_opt(batch, &unlogged)
            .map_err(|error| self.fault("writing a checkpoint", &error))?;
        between();
        let families = Table::ALL.map(|table| self.family(table));
        let mut wait = FlushOptions::default();
        wait.set_wait(true);
        self.db
            .flush_cfs_opt(&families, &wait)
            .map_err(|error| self.fault("flushing a checkpoint", &error))
    }
}
