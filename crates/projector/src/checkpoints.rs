//! Checkpoints: images of acknowledged epochs gathered, and written by a thread of their own.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};
use omnifold_state::{Backend, Checkpoint, Images, StateError, Store};

use crate::error::ProjectorError;
use crate::mark::Position;
use crate::options::{CheckpointLimits, Options, Phase};

/// A checkpoint being written: the store's epoch it reaches, and when it began.
struct UnderWay {
    store_epoch: u64,
    began: Instant,
}

/// Gathers images and writes checkpoints, one at a time.
pub(crate) struct Checkpointer {
    market: String,
    limits: CheckpointLimits,
    gathered: Vec<Arc<Images>>,
    gathered_bytes: usize,
    /// The store's epoch up to which images are gathered.
    store_epoch: u64,
    under_way: Option<UnderWay>,
    last: Instant,
    /// `None` once it is being dropped.
    jobs: Option<Sender<Checkpoint>>,
    results: Receiver<Result<(), StateError>>,
    thread: Option<JoinHandle<()>>,
}

/// The folder is free again when the thread has ended.
impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Checkpointer {
    pub(crate) fn start(market: &str, backend: Arc<dyn Backend>, options: &Options) -> Self {
        let (jobs, inbox) = bounded::<Checkpoint>(1);
        let (outbox, results) = bounded(1);
        let (options, name) = (options.clone(), market.to_owned());
        let limits = options.checkpoint;
        let thread = std::thread::Builder::new()
            .name(format!("checkpoint {market}"))
            .spawn(move || {
                for checkpoint in inbox {
                    options.observe(&name, Phase::CheckpointBatch);
                    let between = || options.observe(&name, Phase::CheckpointFlush);
                    if outbox.send(backend.write(&checkpoint, &between)).is_err() {
                        return;
                    }
                }
            })
            .expect("a thread can be started");
        Checkpointer {
            market: market.to_owned(),
            limits,
            gathered: Vec::new(),
            gathered_bytes: 0,
            store_epoch: 0,
            under_way: None,
            last: Instant::now(),
            jobs: Some(jobs),
            results,
            thread: Some(thread),
        }
    }

    /// Takes the images of an acknowledged epoch.
    pub(crate) fn add(&mut self, store_epoch: u64, images: Arc<Images>) {
        self.store_epoch = store_epoch;
        if !images.is_empty() {
            self.gathered_bytes += images.byte_len();
            self.gathered.push(images);
        }
    }

    /// Starts a checkpoint where one is due and none is under way.
    pub(crate) fn start_if_due(
        &mut self,
        store: &mut Store,
        position: impl FnOnce() -> Position,
    ) -> Result<(), ProjectorError> {
        self.poll(store)?;
        let due = self.gathered_bytes >= self.limits.bytes
            || (self.last.elapsed() >= self.limits.interval && !self.gathered.is_empty());
        if due && self.under_way.is_none() {
            self.start_now(position())?;
        } else if self.gathered_bytes >= 2 * self.limits.bytes {
            // Full means back-pressure: the images of two checkpoints are the most memory holds.
            self.wait(store)?;
        }
        Ok(())
    }

    /// Writes all that is gathered and waits for it.
    pub(crate) fn finish(
        &mut self,
        store: &mut Store,
        position: Position,
    ) -> Result<(), ProjectorError> {
        self.wait(store)?;
        if !self.gathered.is_empty() {
            self.start_now(position)?;
            self.wait(store)?;
        }
        Ok(())
    }

    fn start_now(&mut self, position: Position) -> Result<(), ProjectorError> {
        let images = std::mem::take(&mut self.gathered);
        metrics::gauge!("omnifold_checkpoint_bytes", "market" => self.market.clone())
            .set(self.gathered_bytes as f64);
        self.gathered_bytes = 0;
        self.under_way = Some(UnderWay { store_epoch: self.store_epoch, began: Instant::now() });
        self.last = Instant::now();
        let jobs = self.jobs.as_ref().ok_or_else(|| self.died())?;
        jobs.send(Checkpoint::new(images, position.encode())).map_err(|_| self.died())
    }

    fn poll(&mut self, store: &mut Store) -> Result<(), ProjectorError> {
        match self.results.try_recv() {
            Ok(result) => self.settle(result, store),
            Err(_) => Ok(()),
        }
    }

    /// Waits for the checkpoint under way.
    pub(crate) fn wait(&mut self, store: &mut Store) -> Result<(), ProjectorError> {
        if self.under_way.is_none() {
            return Ok(());
        }
        let result = self.results.recv().map_err(|_| self.died())?;
        self.settle(result, store)
    }

    fn settle(
        &mut self,
        result: Result<(), StateError>,
        store: &mut Store,
    ) -> Result<(), ProjectorError> {
        let done = self.under_way.take().expect("a result answers a checkpoint");
        result?;
        store.flushed(done.store_epoch);
        metrics::histogram!("omnifold_checkpoint_seconds", "market" => self.market.clone())
            .record(done.began.elapsed().as_secs_f64());
        Ok(())
    }

    fn died(&self) -> ProjectorError {
        ProjectorError::Died { market: self.market.clone() }
    }
}
