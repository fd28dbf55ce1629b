//! The commit thread: everything written to the log goes through it.
//!
//! Callers encode their records on their own threads, hand them over and wait. The commit thread
//! takes all that is waiting (a *group*), gives offsets in the order of arrival, writes the group
//! as one RocksDB batch with one sync, shows it to readers and answers. So many markets and
//! producers share one sync, and while it runs the next group gathers.
//!
//! Rules:
//! * An append is in one group, hence atomic; a group is synced before the next is written.
//! * Nothing is shown to readers before its sync has returned.
//! * A fenced append is refused here, at the only place that writes. Because a new owner waits for
//!   an empty request of its own, nothing of an earlier owner can appear after it.
//! * After a write or sync has failed nothing more is written: whether its bytes are on the disk
//!   is not known, and a second sync of the same file may falsely succeed. The log must be opened
//!   again, which reads what is really there.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use rocksdb::WriteBatch;

use super::chunk::Chunk;
use super::store::{RowChange, Store};
use super::topic::{Topic, key};
use crate::LogError;

/// Most bytes in a group, beyond which the rest waits for the next one. One append may be larger.
const GROUP_BYTES: usize = 8 << 20;
/// Most requests that wait. Each caller waits for its own, so this bounds nothing but threads.
const QUEUE: usize = 1024;

/// Records of one topic in one append.
#[derive(Debug)]
pub struct Part {
    pub topic: Arc<Topic>,
    pub chunks: Vec<Chunk>,
}

/// An owner's right to write.
#[derive(Debug, Clone)]
pub struct Fence {
    pub market: Arc<str>,
    /// The newest owner's generation.
    pub newest: Arc<AtomicU64>,
    /// This owner's.
    pub generation: u64,
}

/// Something to be written. An empty one waits for all before it.
#[derive(Debug, Default)]
pub struct Work {
    pub fence: Option<Fence>,
    pub parts: Vec<Part>,
    /// Topics whose next offsets are asked for.
    pub asked: Vec<Arc<Topic>>,
    pub rows: Vec<RowChange>,
}

impl Work {
    fn byte_len(&self) -> usize {
        self.parts.iter().flat_map(|part| &part.chunks).map(Chunk::byte_len).sum()
    }
}

struct Request {
    work: Work,
    answer: Sender<Result<Vec<u64>, LogError>>,
}

/// Counters of the commit thread.
#[derive(Debug, Default)]
pub struct Counters {
    pub appends: AtomicU64,
    pub records: AtomicU64,
    pub bytes: AtomicU64,
    pub syncs: AtomicU64,
}

/// What callers and the commit thread share.
struct Shared {
    store: Store,
    counters: Counters,
    /// Why nothing more is written.
    failure: OnceLock<String>,
}

/// The store with its commit thread.
pub struct Committer {
    shared: Arc<Shared>,
    requests: Option<Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    /// Starts the thread.
    pub fn start(store: Store) -> Result<Self, LogError> {
        let place = store.place();
        let shared =
            Arc::new(Shared { store, counters: Counters::default(), failure: OnceLock::new() });
        let (requests, received) = bounded(QUEUE);
        let on_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("log-commit".to_owned())
            .spawn(move || run(&on_thread, &received))
            .map_err(|error| LogError::Unavailable {
                what: format!("the log in {place} cannot start its commit thread"),
                detail: error.to_string(),
            })?;
        Ok(Self { shared, requests: Some(requests), thread: Some(thread) })
    }

    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// Writes and waits for the sync. Returns the next offset of each topic that was asked for.
    pub fn commit(&self, work: Work) -> Result<Vec<u64>, LogError> {
        let (answer, answered) = bounded(1);
        let requests = self.requests.as_ref().expect("there until dropped");
        let sent = requests.send(Request { work, answer });
        sent.ok().and_then(|()| answered.recv().ok()).unwrap_or_else(|| {
            Err(LogError::Unknown {
                detail: format!("the commit thread of {} has ended", self.shared.store.place()),
            })
        })
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        drop(self.requests.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!(folder = self.shared.store.place(), "the commit thread panicked");
        }
    }
}

fn run(shared: &Shared, requests: &Receiver<Request>) {
    let mut group = Vec::new();
    while let Ok(first) = requests.recv() {
        gather(first, requests, &mut group);
        shared.commit_group(&mut group);
    }
    shared.mark_closed();
}

/// Takes what is waiting, up to a bound.
fn gather(first: Request, requests: &Receiver<Request>, group: &mut Vec<Request>) {
    let mut bytes = first.work.byte_len();
    group.push(first);
    while bytes < GROUP_BYTES {
        let Ok(next) = requests.try_recv() else { return };
        bytes += next.work.byte_len();
        group.push(next);
    }
}

/// A request that is in the batch being written.
struct Written {
    request: Request,
    next: Vec<u64>,
}

impl Shared {
    fn commit_group(&self, group: &mut Vec<Request>) {
        let bytes: usize = group.iter().map(|request| request.work.byte_len()).sum();
        let mut batch = WriteBatch::with_capacity_bytes(bytes + (4 << 10));
        let mut written = Vec::with_capacity(group.len());
        for mut request in group.drain(..) {
            match self.admit(&request.work) {
                Ok(()) => {
                    let next = self.place(&mut request.work, &mut batch);
                    written.push(Written { request, next });
                }
                Err(error) => answer(&request, Err(error)),
            }
        }
        let outcome = if batch.is_empty() { Ok(()) } else { self.write(batch) };
        match outcome {
            Ok(()) => self.publish(written, bytes),
            Err(error) => self.fail(&written, &error),
        }
    }

    fn admit(&self, work: &Work) -> Result<(), LogError> {
        if let Some(failure) = self.failure.get() {
            return Err(self.refuses(failure));
        }
        if let Some(fence) = &work.fence
            && fence.newest.load(Ordering::Acquire) != fence.generation
        {
            return Err(LogError::Fenced { market: fence.market.to_string() });
        }
        work.parts.iter().try_for_each(|part| part.topic.check_there())
    }

    /// Gives the records their offsets and puts them into the batch.
    fn place(&self, work: &mut Work, batch: &mut WriteBatch) -> Vec<u64> {
        for part in &mut work.parts {
            for chunk in &mut part.chunks {
                let base = part.topic.take_offsets(u64::from(chunk.count()));
                self.store.add_chunk(batch, part.topic.number, base, chunk.stamped(base));
            }
        }
        for change in &work.rows {
            self.store.add_change(batch, change);
        }
        work.asked.iter().map(|topic| topic.next()).collect()
    }

    fn write(&self, batch: WriteBatch) -> Result<(), rocksdb::Error> {
        self.store.write(batch)?;
        self.counters.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Shows the group to readers, then answers.
    fn publish(&self, written: Vec<Written>, bytes: usize) {
        let mut records = 0;
        let mut appends = 0;
        for Part { topic, chunks } in written.iter().flat_map(|w| &w.request.work.parts) {
            topic.publish();
            records += chunks.iter().map(|chunk| u64::from(chunk.count())).sum::<u64>();
        }
        for Written { request, next } in written {
            appends += u64::from(!request.work.parts.is_empty());
            answer(&request, Ok(next));
        }
        self.counters.appends.fetch_add(appends, Ordering::Relaxed);
        self.counters.records.fetch_add(records, Ordering::Relaxed);
        self.counters.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn fail(&self, written: &[Written], error: &rocksdb::Error) {
        let place = self.store.place();
        tracing::error!(folder = place, %error, "a write of the log failed; it takes no more");
        let failure = self.failure.get_or_init(|| error.to_string());
        for Written { request, .. } in written {
            let detail = format!(
                "writing to the log in {place} failed: {failure}; free space or check the disk, \
                 then open the log again and read what there is"
            );
            answer(request, Err(LogError::Unknown { detail }));
        }
    }

    fn refuses(&self, failure: &str) -> LogError {
        LogError::Unavailable {
            what: format!("the log in {} takes no more after a failed write", self.store.place()),
            detail: format!("{failure}; free space or check the disk, then open the log again"),
        }
    }

    /// The last record of a log that was closed in good order. With it, damage to the last append
    /// is damage with a good record behind it, and can never be taken for a torn tail.
    fn mark_closed(&self) {
        let nothing_new = self.counters.syncs.load(Ordering::Relaxed) == 0;
        if nothing_new || self.failure.get().is_some() {
            return;
        }
        let mut batch = WriteBatch::default();
        self.store.add_change(&mut batch, &RowChange::Put(key::CLOSED.to_vec(), vec![1]));
        if let Err(error) = self.store.write(batch) {
            tracing::warn!(folder = self.store.place(), %error, "the log was not marked as closed");
        }
    }
}

fn answer(request: &Request, outcome: Result<Vec<u64>, LogError>) {
    // Whoever asked may be gone; what was written stays.
    let _ = request.answer.send(outcome);
}
