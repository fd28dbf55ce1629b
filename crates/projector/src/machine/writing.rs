//! Writing decisions in a thread of its own: the writer of the market folds the next orders meanwhile.
//! What is written, and its order, are the same as without.

use crossbeam_channel::{Receiver, Sender, bounded};
use omnifold_log::RecordBuf;

use super::scribe::{Scribe, Timed, Written};

/// Chunks that may wait before whoever hands them over waits too.
const CHUNKS: usize = 16;

enum Job {
    Write(Chunk),
    /// The epoch ends: what was written is asked for. The memory is for the next one.
    Finish(RecordBuf),
}

struct Chunk {
    decisions: Vec<Timed>,
    /// The `epoch` header.
    epoch: [u8; 16],
    /// The hash that the epoch's first decision is chained to.
    first_hash: u128,
}

/// The thread of one market's owner. It ends when it is dropped.
pub(crate) struct Writing {
    jobs: Sender<Job>,
    written: Receiver<Written>,
    /// The chunks of decisions that were written, to be used again.
    empty: Receiver<Vec<Timed>>,
    /// Something was handed over since the last answer.
    began: bool,
}

impl Writing {
    pub(crate) fn start(market: &str, source: &str) -> Self {
        let (jobs, inbox) = bounded(CHUNKS);
        let (outbox, written) = bounded(1);
        let (used, empty) = bounded(CHUNKS);
        let source = source.to_owned();
        std::thread::Builder::new()
            .name(format!("write {market}"))
            .spawn(move || run(&inbox, &outbox, &used, &source))
            .expect("a thread can be started");
        Writing { jobs, written, empty, began: false }
    }

    /// Hands decisions over, in their order. They are taken out of the list.
    pub(crate) fn write(&mut self, decisions: &mut Vec<Timed>, epoch: [u8; 16], first_hash: u128) {
        let next = self.empty.try_recv().unwrap_or_default();
        let decisions = std::mem::replace(decisions, next);
        self.began = true;
        self.send(Job::Write(Chunk { decisions, epoch, first_hash }));
    }

    /// Everything handed over since the last time, written; `None` where that is nothing.
    pub(crate) fn finish(&mut self, spare: &mut RecordBuf) -> Option<Written> {
        if !std::mem::take(&mut self.began) {
            return None;
        }
        self.send(Job::Finish(std::mem::take(spare)));
        Some(self.written.recv().expect("the writing thread ends last"))
    }

    fn send(&self, job: Job) {
        self.jobs.send(job).expect("the writing thread ends last");
    }
}

fn run(inbox: &Receiver<Job>, outbox: &Sender<Written>, used: &Sender<Vec<Timed>>, source: &str) {
    let mut scribe = Scribe::default();
    let (mut records, mut hash) = (RecordBuf::default(), None);
    for job in inbox {
        match job {
            Job::Write(Chunk { mut decisions, epoch, first_hash }) => {
                let mut last = hash.unwrap_or(first_hash);
                for timed in &decisions {
                    last = scribe.write(timed, source, &epoch, last, &mut records);
                }
                hash = Some(last);
                decisions.clear();
                let _ = used.try_send(decisions);
            }
            Job::Finish(spare) => {
                let records = std::mem::replace(&mut records, spare);
                let hash = hash.take().unwrap_or_default();
                if outbox.send(Written { records, hash }).is_err() {
                    return;
                }
            }
        }
    }
}
