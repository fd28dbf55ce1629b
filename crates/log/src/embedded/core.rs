//! What all handles of one open log share: its topics, floors and owners.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::chunk::Fault;
use super::commit::{Committer, Work};
use super::store::{RowChange, Store, check_chunk};
use super::topic::{Topic, TopicRow, key, lock};
use crate::{LogError, TopicSpec};

/// One open log.
pub struct Core {
    pub committer: Committer,
    /// Whether chunks are compressed.
    pub compress: bool,
    topics: RwLock<HashMap<String, Arc<Topic>>>,
    /// Generation of each market's newest owner.
    owners: Mutex<HashMap<String, Arc<AtomicU64>>>,
    /// Held while topics and their rows are changed, so that each change stands on the one before.
    changing: Mutex<()>,
}

impl Core {
    /// Starts with what is stored.
    pub fn start(store: Store, compress: bool) -> Result<Self, LogError> {
        let topics = store.load_topics()?;
        Ok(Self {
            committer: Committer::start(store)?,
            compress,
            topics: RwLock::new(topics),
            owners: Mutex::default(),
            changing: Mutex::default(),
        })
    }

    /// The topic of a name.
    pub fn topic(&self, name: &str) -> Result<Arc<Topic>, LogError> {
        self.find(name).ok_or_else(|| LogError::NoTopic { topic: name.to_owned() })
    }

    /// The topic of a name, if there is one.
    pub fn find(&self, name: &str) -> Option<Arc<Topic>> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics.get(name).cloned()
    }

    /// Every topic, by name.
    pub fn all_topics(&self) -> Vec<Arc<Topic>> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = topics.values().cloned().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    fn change_topics(&self, change: impl FnOnce(&mut HashMap<String, Arc<Topic>>)) {
        change(&mut self.topics.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// The counter of a market's owners.
    pub fn newest_owner(&self, market: &str) -> Arc<AtomicU64> {
        Arc::clone(lock(&self.owners).entry(market.to_owned()).or_default())
    }

    /// Makes the topics that are missing and names them.
    pub fn create_topics(&self, specs: &[TopicSpec]) -> Result<Vec<String>, LogError> {
        let _changing = lock(&self.changing);
        let mut number = self.next_number()?;
        let mut made: HashMap<String, Arc<Topic>> = HashMap::new();
        let mut names = Vec::new();
        let mut rows = Vec::new();
        for spec in specs {
            if self.find(&spec.name).is_some() || made.contains_key(&spec.name) {
                continue;
            }
            check_name(&spec.name)?;
            let compaction = spec.compaction;
            let row = TopicRow { number, compaction, start: 0, identity: new_identity()? };
            rows.push(RowChange::Put(key::topic(&spec.name), row.encode()));
            let topic = Arc::new(Topic::new(row, &spec.name, 0, Default::default()));
            made.insert(spec.name.clone(), topic);
            names.push(spec.name.clone());
            number += 1;
        }
        if !rows.is_empty() {
            rows.push(RowChange::Put(key::NEXT_NUMBER.to_vec(), number.to_be_bytes().to_vec()));
            self.committer.commit(Work { rows, ..Work::default() })?;
        }
        self.change_topics(|topics| topics.extend(made));
        Ok(names)
    }

    fn next_number(&self) -> Result<u32, LogError> {
        let Some(row) = self.committer.store().row(key::NEXT_NUMBER)? else { return Ok(0) };
        row.try_into().map(u32::from_be_bytes).map_err(|_| LogError::Damaged {
            place: self.committer.store().place(),
            topic: String::new(),
            offset: 0,
            detail: "the number of the next topic cannot be read".to_owned(),
        })
    }

    /// Removes a topic and all it holds. Readers and writers of it get [`LogError::NoTopic`].
    pub fn delete_topic(&self, name: &str) -> Result<(), LogError> {
        let _changing = lock(&self.changing);
        let topic = self.topic(name)?;
        topic.delete();
        self.change_topics(|topics| drop(topics.remove(name)));
        // What was handed over before the topic was marked is written before this.
        let floors = lock(&topic.floors);
        let floors = floors.keys().map(|holder| key::floor(topic.number, holder));
        let mut rows: Vec<_> = floors.map(RowChange::Delete).collect();
        rows.push(RowChange::Delete(key::topic(name)));
        rows.push(RowChange::DeleteChunks(topic.number, 0, u64::MAX));
        self.committer.commit(Work { rows, ..Work::default() }).map(drop)
    }

    /// Stores a holder's floor.
    pub fn set_floor(&self, holder: &str, name: &str, offset: u64) -> Result<(), LogError> {
        let _changing = lock(&self.changing);
        let topic = self.topic(name)?;
        if lock(&topic.floors).get(holder) == Some(&offset) {
            return Ok(());
        }
        let put = RowChange::Put(key::floor(topic.number, holder), offset.to_be_bytes().to_vec());
        self.committer.commit(Work { rows: vec![put], ..Work::default() })?;
        lock(&topic.floors).insert(holder.to_owned(), offset);
        Ok(())
    }

    /// Removes records before an offset. The chunk that holds the last record stays, because the
    /// end of the topic is read from it; what is before the start is out of reach all the same.
    pub fn trim(&self, name: &str, offset: u64) -> Result<(), LogError> {
        let _changing = lock(&self.changing);
        let topic = self.topic(name)?;
        self.check_trim(&topic, offset)?;
        if offset == topic.start() {
            return Ok(());
        }
        let before = self.last_base_at_or_before(&topic, offset)?;
        let row = RowChange::Put(key::topic(name), topic.row(offset).encode());
        let chunks = RowChange::DeleteChunks(topic.number, 0, before);
        self.committer.commit(Work { rows: vec![row, chunks], ..Work::default() })?;
        topic.set_start(offset);
        self.committer.store().reclaim(topic.number, before)
    }

    fn check_trim(&self, topic: &Topic, offset: u64) -> Result<(), LogError> {
        topic.check_position(offset)?;
        let floors = lock(&topic.floors);
        let lowest = floors.iter().filter(|(_, floor)| **floor < offset).min_by_key(|(_, f)| **f);
        lowest.map_or(Ok(()), |(holder, floor)| {
            Err(LogError::StillNeeded {
                topic: topic.name.clone(),
                offset,
                holder: holder.clone(),
                floor: *floor,
            })
        })
    }

    /// Base of the chunk that holds the record at `offset`, or of the last chunk.
    fn last_base_at_or_before(&self, topic: &Topic, offset: u64) -> Result<u64, LogError> {
        let store = self.committer.store();
        let mut chunks = store.chunks(topic.number, 0, u64::MAX);
        chunks.iterator.seek_for_prev(key::chunk(topic.number, offset.min(topic.end() - 1)));
        let current = chunks.current().map_err(|e| store.scan_failed(&topic.name, offset, &e))?;
        Ok(current.map_or(0, |(base, _)| base))
    }

    /// Reads every record and checks it. Returns how many there are.
    pub fn verify(&self) -> Result<u64, LogError> {
        self.all_topics().iter().map(|topic| self.verify_topic(topic)).sum()
    }

    fn verify_topic(&self, topic: &Topic) -> Result<u64, LogError> {
        let store = self.committer.store();
        let (start, end) = (topic.start(), topic.end());
        let mut chunks = store.chunks(topic.number, 0, end);
        chunks.iterator.seek_for_prev(key::chunk(topic.number, start));
        let mut next = start;
        while next < end {
            let current = chunks.current().map_err(|e| store.scan_failed(&topic.name, next, &e))?;
            let missing = Fault { offset: next, detail: "the record is missing" };
            let head = current
                .ok_or(missing)
                .and_then(|(base, bytes)| check_chunk(bytes, topic.number, base, None))
                .and_then(|head| if head.holds(next) { Ok(head) } else { Err(missing) })
                .map_err(|fault| store.damaged(&topic.name, &fault))?;
            next = head.end();
            chunks.iterator.next();
        }
        Ok(end - start)
    }
}

/// Kafka's rule, so that every market can move from one log to the other.
fn check_name(name: &str) -> Result<(), LogError> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if (1..=249).contains(&name.len()) && name.bytes().all(legal) {
        return Ok(());
    }
    Err(LogError::Configuration(format!(
        "`{name}` cannot be a topic's name: give 1 to 249 letters, digits, dots, `_` or `-`"
    )))
}

fn new_identity() -> Result<[u8; 16], LogError> {
    let mut identity = [0; 16];
    getrandom::fill(&mut identity).map_err(|error| LogError::Unavailable {
        what: "no random number for a topic's identity".to_owned(),
        detail: error.to_string(),
    })?;
    Ok(identity)
}

/// Counts and figures of an open log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EmbeddedStats {
    /// Appends committed since it was opened.
    pub appends: u64,
    /// Records committed since it was opened.
    pub records: u64,
    /// Bytes committed since it was opened, as stored.
    pub bytes: u64,
    /// Syncs since it was opened. Fewer than appends where appends shared one.
    pub syncs: u64,
    /// Bytes of a torn tail that were cut off when it was opened.
    pub repaired_bytes: u64,
    /// Bytes of all its files.
    pub disk_bytes: u64,
    /// Bytes of its write-ahead log files, which are read when it is opened.
    pub wal_bytes: u64,
    /// Bytes in memtables.
    pub memtable_bytes: u64,
    /// Bytes in the block cache.
    pub block_cache_bytes: u64,
    /// Microseconds for which RocksDB held writes back.
    pub stall_micros: u64,
    /// Whether RocksDB holds all writes back at the moment.
    pub writes_stopped: bool,
}

impl Core {
    /// Counts and figures.
    pub fn stats(&self) -> EmbeddedStats {
        let (store, counters) = (self.committer.store(), self.committer.counters());
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (folder, figures) = (store.folder_bytes(), store.figures());
        EmbeddedStats {
            appends: count(&counters.appends),
            records: count(&counters.records),
            bytes: count(&counters.bytes),
            syncs: count(&counters.syncs),
            repaired_bytes: store.repaired_bytes,
            disk_bytes: folder.all,
            wal_bytes: folder.wal,
            memtable_bytes: figures.memtable_bytes,
            block_cache_bytes: figures.block_cache_bytes,
            stall_micros: figures.stall_micros,
            writes_stopped: figures.writes_stopped,
        }
    }
}
