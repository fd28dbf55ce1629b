//! Publishing in a thread of its own: epoch n is on its way while n+1 is folded. One batch is under
//! way at a time, because one transaction is open at a time.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use omnifold_log::{Appender, LogError, RecordBuf};

use crate::options::{Options, Phase};

/// What became of a batch.
pub(crate) struct Ack {
    /// Next offset of each output topic, or why the batch failed.
    pub result: Result<Vec<u64>, LogError>,
    /// The batch's memory, to be used again.
    pub batch: RecordBuf,
    /// How long the append took.
    pub took: Duration,
}

/// A market's publishing thread. Dropping it drops the owner.
pub(crate) struct Publisher {
    /// `None` once it is being dropped.
    jobs: Option<Sender<RecordBuf>>,
    acks: Receiver<Ack>,
    busy: bool,
    thread: JoinHandle<()>,
}

/// How long the end of the thread is waited for: an embedded log takes no time, and a broker that does not
/// answer holds up nobody.
const LONGEST_END: Duration = Duration::from_secs(1);

/// The log is free again when the thread has ended: nothing of it is closed while the program exits.
impl Drop for Publisher {
    fn drop(&mut self) {
        self.jobs = None;
        let began = Instant::now();
        while !self.thread.is_finished() && began.elapsed() < LONGEST_END {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Publisher {
    pub(crate) fn start(
        market: &str,
        topics: Vec<String>,
        mut appender: Box<dyn Appender>,
        options: &Options,
    ) -> Self {
        let (jobs, inbox) = bounded::<RecordBuf>(1);
        let (outbox, acks) = bounded(1);
        let (options, name) = (options.clone(), market.to_owned());
        let thread = std::thread::Builder::new()
            .name(format!("publish {market}"))
            .spawn(move || {
                for batch in inbox {
                    options.observe(&name, Phase::Publish);
                    let began = Instant::now();
                    let result = appender.append(&topics, &batch);
                    options.observe(&name, Phase::Acknowledge);
                    let failed = result.is_err();
                    let ack = Ack { result, batch, took: began.elapsed() };
                    if outbox.send(ack).is_err() || failed {
                        return; // a failed owner is dropped, never used again
                    }
                }
            })
            .expect("a thread can be started");
        Publisher { jobs: Some(jobs), acks, busy: false, thread }
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.busy
    }

    /// Hands a batch over.
    ///
    /// # Panics
    /// Where one is under way.
    pub(crate) fn submit(&mut self, batch: RecordBuf) {
        assert!(!self.busy, "one batch is under way at a time");
        self.busy = true;
        // A dead thread shows when its answer is waited for.
        let _ = self.jobs.as_ref().map(|jobs| jobs.send(batch));
    }

    /// The answer to the batch under way, if it comes in time.
    pub(crate) fn wait(&mut self, timeout: Duration) -> Option<Ack> {
        if !self.busy {
            return None;
        }
        let ack = match self.acks.recv_timeout(timeout) {
            Ok(ack) => ack,
            Err(RecvTimeoutError::Timeout) => return None,
            Err(RecvTimeoutError::Disconnected) => Ack {
                result: Err(LogError::Unknown { detail: "the publishing thread died".into() }),
                batch: RecordBuf::default(),
                took: Duration::ZERO,
            },
        };
        self.busy = false;
        Some(ack)
    }
}
