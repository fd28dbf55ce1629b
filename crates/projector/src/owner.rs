//! The epoch loop of the one owner of a market: gather, step, publish, acknowledge, checkpoint.
//!
//! Epoch n+1 is gathered and folded while n is being published. Nothing leaves the process on the
//! strength of an unacknowledged epoch: its images reach a checkpoint only after its answer, and a
//! failed or unknown answer drops everything in memory ([`Exit::TakeOver`]).

use std::sync::Arc;
use std::time::{Duration, Instant};

use omnifold_domain::SkuIx;
use omnifold_events::{ContentType, Envelope, Output as _, v1};
use omnifold_log::{Appender, HeadersBuilder, LogError, RecordBuf};
use omnifold_state::Images;
use prost::Message;

use crate::availability::Availability;
use crate::error::ProjectorError;
use crate::figures::{Figures, Took};
use crate::follower::Follower;
use crate::machine::{ASSIGNMENTS, Judge, Output, Recorded};
use crate::mark::{Ending, Mark, Position, mark_of};
use crate::options::{Options, Phase};
use crate::publisher::{Ack, Publisher};
use crate::topics::{JOURNAL, REJECTED};
use crate::torn::Torn;

/// Why the loop ended.
#[derive(Debug)]
pub(crate) enum Exit {
    /// As asked: drained and checkpointed.
    Stopped,
    /// The log says that another owner took over, or what became of an append is unknown: what is
    /// in memory is worthless.
    TakeOver(LogError),
}

/// What the loop should do next, in the words of whoever runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    GoOn,
    Drain,
}

/// What the loop tells whoever runs it, once a turn.
pub(crate) struct Turned<'a> {
    pub follower: &'a mut Follower,
    /// All inputs were read, and nothing is under way.
    pub idle: bool,
}

/// An epoch that was submitted and not answered.
struct UnderWay {
    /// When its slice was gathered.
    gathered: Instant,
    mark: Mark,
    store_epoch: u64,
    images: Arc<Images>,
    decisions: u32,
    newest_ms: i64,
    /// Void decisions that this epoch leaves unanswered.
    voids: Vec<Recorded>,
}

pub(crate) struct Owner<'a> {
    follower: &'a mut Follower,
    options: &'a Options,
    publisher: Publisher,
    incarnation: u64,
    /// The newest mark, acknowledged or not.
    tip: Mark,
    under_way: Option<UnderWay>,
    out: Output,
    spare: RecordBuf,
    headers: HeadersBuilder,
    figures: Figures,
    availability: Availability,
    last_slice: usize,
    /// When the newest slice was gathered.
    gathered: Instant,
}

impl<'a> Owner<'a> {
    /// Takes a market over: the follower stands at the journal's end, the appender was opened
    /// before that end was read. Publishes the new incarnation's first mark.
    pub(crate) fn take_over(
        follower: &'a mut Follower,
        appender: Box<dyn Appender>,
        options: &'a Options,
    ) -> Result<Result<Self, Exit>, ProjectorError> {
        follower.machine.voids = follower.read_voids()?;
        if !follower.missing.is_empty() {
            // What a torn transaction told is not known: all of it is told again.
            follower.machine.availability_next = Some(SkuIx(0));
        }
        let availability = Availability::of(&follower.machine);
        let market = follower.market.clone();
        let outputs = follower.topics.outputs.clone();
        let out = Output::writing(&market, follower.machine.source());
        let mut owner = Owner {
            publisher: Publisher::start(&market, outputs, appender, options),
            incarnation: follower.head.body.incarnation + 1,
            tip: follower.head.clone(),
            follower,
            options,
            under_way: None,
            out,
            spare: RecordBuf::default(),
            headers: HeadersBuilder::default(),
            figures: Figures::new(&market),
            availability,
            last_slice: 0,
            gathered: Instant::now(),
        };
        let exit = owner.begin_incarnation()?;
        Ok(match exit {
            None => Ok(owner),
            Some(exit) => Err(exit),
        })
    }

    /// The first mark of an incarnation reads nothing. With it go the decisions that an earlier
    /// mark names and the log lacks.
    fn begin_incarnation(&mut self) -> Result<Option<Exit>, ProjectorError> {
        self.out.begin(self.incarnation, self.tip.body.epoch + 1);
        self.follower.machine.undone_steps.clear();
        self.follower.machine.undone_timers.clear();
        for record in self.follower.missing.values().flat_map(RecordBuf::iter) {
            if record.topic == ASSIGNMENTS {
                self.out.note(record.value.unwrap_or_default());
            }
            self.headers.clear();
            let kept = record.headers.iter().filter(|(name, _)| *name != b"epoch");
            for (name, value) in kept {
                self.headers.put(&String::from_utf8_lossy(name), value);
            }
            self.headers.put("epoch", &self.out.epoch());
            self.headers.put("again", b"1");
            let (headers, time) = (self.headers.as_headers(), record.time_ms);
            self.out.records.push(record.topic, 0, time, headers, record.key, record.value);
        }
        let images = self.follower.machine.end_slice(0);
        let republished: Vec<u64> = self.follower.missing.keys().copied().collect();
        self.submit(0, images, republished);
        let exit = self.settle(Duration::MAX)?;
        if exit.is_none() {
            self.follower.missing.clear();
        }
        Ok(exit)
    }

    /// Runs until told to drain, or until the log says that somebody else is the owner.
    pub(crate) fn run(
        mut self,
        turned: &mut dyn FnMut(Turned<'_>) -> Order,
    ) -> Result<Exit, ProjectorError> {
        loop {
            if let Some(exit) = self.turn(turned)? {
                return Ok(exit);
            }
        }
    }

    fn turn(
        &mut self,
        turned: &mut dyn FnMut(Turned<'_>) -> Order,
    ) -> Result<Option<Exit>, ProjectorError> {
        if let Some(exit) = self.settle(self.patience())? {
            return Ok(Some(exit));
        }
        self.options.observe(&self.follower.market, Phase::Gather);
        self.gathered = Instant::now();
        let gathered = self.follower.gatherer.gather(&self.options.slice)?;
        let wall_ms = wall_clock_ms();
        let machine = &self.follower.machine;
        let served = !machine.is_cut() && !machine.is_due(wall_ms);
        let nothing = gathered == 0 && served && machine.availability_next.is_none();
        let idle = nothing && self.under_way.is_none();
        match turned(Turned { follower: self.follower, idle }) {
            Order::GoOn => {}
            Order::Drain => return self.drain().map(Some),
        }
        if nothing {
            return self.rest();
        }
        let images = self.fold(wall_ms)?;
        if let Some(exit) = self.settle(Duration::MAX)? {
            return Ok(Some(exit));
        }
        self.submit(wall_ms, images, Vec::new());
        self.checkpoint_if_due()?;
        Ok(None)
    }

    /// While slices are small, waiting for the answer first makes the next one larger and costs no
    /// throughput; while there is a backlog, folding goes on meanwhile.
    fn patience(&self) -> Duration {
        let small = self.last_slice < self.options.slice.records / 4;
        if small { Duration::MAX } else { Duration::ZERO }
    }

    fn rest(&mut self) -> Result<Option<Exit>, ProjectorError> {
        if let Some(exit) = self.settle(Duration::MAX)? {
            return Ok(Some(exit));
        }
        self.checkpoint_if_due()?;
        self.figures.idle(&self.follower.gatherer);
        self.follower.gatherer.wait(self.options.slice.wait)?;
        Ok(None)
    }

    fn fold(&mut self, wall_ms: i64) -> Result<Arc<Images>, ProjectorError> {
        let market = &self.follower.market;
        self.options.observe(market, Phase::Step);
        let epoch = self.tip.body.epoch + 1;
        let span = tracing::debug_span!("epoch", %market, epoch, records = tracing::field::Empty);
        let _entered = span.enter();
        self.out.begin(self.incarnation, epoch);
        let taken = self.fold_slice(wall_ms).map_err(|source| ProjectorError::Halt {
            market: self.follower.market.clone(),
            source,
        })?;
        span.record("records", taken);
        self.follower.gatherer.give_back(taken);
        self.last_slice = taken;
        self.follower.machine.answer_voids(&mut self.out);
        self.availability.tell(&mut self.follower.machine, &mut self.out);
        Ok(self.follower.machine.end_slice(wall_ms))
    }

    fn fold_slice(&mut self, wall_ms: i64) -> Result<usize, crate::machine::Halt> {
        let Follower { machine, gatherer, .. } = &mut *self.follower;
        let mut judge = Judge::Decide;
        if !machine.begin_slice(&mut judge, &mut self.out)? {
            return Ok(0);
        }
        let (mut taken, out) = (0, &mut self.out);
        let all = machine.take_each(gatherer.slice(), |machine, arrival| {
            if !machine.step(arrival, wall_ms, &mut judge, out)? {
                return Ok(false);
            }
            taken += 1;
            Ok(!machine.is_cut())
        })?;
        if all {
            machine.fire_at_end(wall_ms, &mut judge, &mut self.out)?;
        }
        Ok(taken)
    }

    /// Hands the epoch just folded to the publisher.
    fn submit(&mut self, wall_ms: i64, images: Arc<Images>, republished: Vec<u64>) {
        self.out.finish(&mut self.spare);
        let follower = &*self.follower;
        let ending = Ending {
            incarnation: self.incarnation,
            previous: &self.tip,
            topics: &follower.topics.inputs,
            identities: &follower.topics.identities,
            frontier: follower.gatherer.frontier(),
            wall_ms,
            decisions: self.out.decisions,
            decisions_hash: self.out.decisions_hash(),
        };
        let mut mark = mark_of(&follower.machine, &ending);
        if !republished.is_empty() {
            mark.body.republished_epochs = republished;
            mark = Mark::of(mark.body);
        }
        self.push_rejections();
        self.push_mark(&mark);
        let newest_ms = self.follower.machine.clock_ms;
        let store_epoch = self.follower.machine.store.epoch();
        let decisions = self.out.decisions;
        let batch = std::mem::replace(&mut self.out.records, std::mem::take(&mut self.spare));
        let voids = self.follower.machine.voids.waiting().to_vec();
        let mark_sent = mark.clone();
        self.under_way = Some(UnderWay {
            gathered: self.gathered,
            mark: mark_sent,
            store_epoch,
            images,
            decisions,
            newest_ms,
            voids,
        });
        self.tip = mark;
        self.publisher.submit(batch);
    }

    fn push_rejections(&mut self) {
        for mut rejection in std::mem::take(&mut self.out.rejections) {
            if let Some(sealer) = &self.options.sealer {
                let day = rejection.event.record_time_ms.div_euclid(86_400_000);
                match sealer.seal(day, &rejection.value) {
                    Ok(sealed) => rejection.event.sealed_value = Some(sealed),
                    Err(detail) => tracing::error!(detail, "refused bytes could not be sealed"),
                }
            }
            let id = format!("{}.{}", self.follower.market, rejection.event.step);
            let payload = rejection.event.encode_to_vec();
            let key = rejection.event.record_key;
            self.push(REJECTED, v1::RejectedEvent::TYPE, &id, &key, &payload);
        }
    }

    fn push_mark(&mut self, mark: &Mark) {
        let id = format!("{}.{}.{}", mark.body.market, mark.body.incarnation, mark.body.epoch);
        let payload = mark.body.encode_to_vec();
        self.push(JOURNAL, v1::EpochMark::TYPE, &id, b"", &payload);
    }

    fn push(&mut self, topic: usize, type_name: &str, id: &str, key: &[u8], payload: &[u8]) {
        self.headers.clear();
        let source = format!("omnifold/{}", self.follower.market);
        let envelope = Envelope {
            id,
            source: &source,
            type_name,
            time_ms: None,
            content_type: ContentType::Protobuf,
        };
        envelope.to_headers(|name, value| self.headers.put(name, value));
        let time = self.follower.machine.clock_ms;
        let headers = self.headers.as_headers();
        self.out.records.push(topic, 0, time, headers, key, Some(payload));
    }

    /// Takes the answer to the epoch under way, waiting for it at most this long.
    fn settle(&mut self, patience: Duration) -> Result<Option<Exit>, ProjectorError> {
        if self.under_way.is_none() || !self.publisher.is_busy() {
            return Ok(None);
        }
        let deadline = Instant::now().checked_add(patience);
        loop {
            let left = deadline.map_or(Duration::from_secs(1), |deadline| {
                deadline.saturating_duration_since(Instant::now()).min(Duration::from_secs(1))
            });
            if let Some(ack) = self.publisher.wait(left) {
                return self.acknowledge(ack);
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(None);
            }
        }
    }

    fn acknowledge(&mut self, ack: Ack) -> Result<Option<Exit>, ProjectorError> {
        let done = self.under_way.take().expect("an answer to what is under way");
        let next = match ack.result {
            Ok(next) => next,
            Err(error) => return Ok(Some(Exit::TakeOver(error))),
        };
        self.spare = ack.batch;
        self.spare.clear();
        self.figures.acknowledged(
            &self.follower.gatherer,
            &self.follower.machine,
            done.decisions,
            done.newest_ms,
            &Took { append: ack.took, decision: done.gathered.elapsed() },
        );
        self.follower.position = Position {
            mark: done.mark.body.encode_to_vec(),
            journal_next: next[JOURNAL],
            assignments_next: next[0].max(self.follower.position.assignments_next),
            torn: Torn::default(), // as of a checkpoint
        };
        self.follower.set_voids(done.voids);
        self.follower.head = done.mark;
        self.follower.checkpointer.add(done.store_epoch, done.images);
        Ok(None)
    }

    fn checkpoint_if_due(&mut self) -> Result<(), ProjectorError> {
        self.follower.checkpoint_if_due()
    }

    /// Waits for what is under way, then writes a last checkpoint.
    fn drain(&mut self) -> Result<Exit, ProjectorError> {
        // What was gathered for this turn was not folded.
        self.follower.gatherer.give_back(0);
        if let Some(exit) = self.settle(Duration::MAX)? {
            return Ok(exit);
        }
        self.follower.checkpoint_now()?;
        Ok(Exit::Stopped)
    }
}

/// The machine's time, read once a slice: the only clock of the epoch loop.
fn wall_clock_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
