//! Folding a market's log mark by mark: recovery, rebuild, standby and verification are this one
//! thing, with an end or without.
//!
//! For each mark the inputs up to its frontier are folded and its decisions at their steps; then
//! every figure of the mark is compared. A mark whose decisions are missing has them decided again,
//! which must give the hash it names.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use omnifold_domain::SkuIx;
use omnifold_events::v1::EpochMark;
use omnifold_log::{Log, RecordBuf};
use omnifold_state::{Digest, Images, Store};

use crate::checkpoints::Checkpointer;
use crate::error::ProjectorError;
use crate::gather::Gatherer;
use crate::machine::{ASSIGNMENTS, Judge, Machine, Output, Recorded};
use crate::mark::{Mark, Position};
use crate::options::{Options, Phase};
use crate::recorded::{Epoch, RecordedReader, Tail};
use crate::topics::Topics;
use crate::torn::Torn;
use crate::voids::Voids;

/// How recorded decisions are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// Folded.
    Follow,
    /// Taken again, compared, then folded.
    Verify,
}

/// A market's state and where it stands in the log.
pub(crate) struct Follower {
    pub market: String,
    pub machine: Machine,
    pub gatherer: Gatherer,
    pub head: Mark,
    pub topics: Topics,
    pub checkpointer: Checkpointer,
    pub position: Position,
    recorded: RecordedReader,
    out: Output,
    /// Decisions that a mark speaks of and the log lacks, decided again, by epoch.
    pub missing: BTreeMap<u64, RecordBuf>,
    options: Options,
}

impl Follower {
    /// Opens the market at its stored checkpoint, or at the log's beginning.
    pub(crate) fn open(
        log: &Arc<dyn Log>,
        market: &str,
        options: &Options,
        backend: Arc<dyn omnifold_state::Backend>,
    ) -> Result<Self, ProjectorError> {
        options.observe(market, Phase::Recovery);
        let topics = Topics::look_up(&**log, &options.prefix, market)?;
        let mut store = Store::open(backend.clone(), options.cache_bytes)?;
        let (position, head) = stored_position(&store, market)?;
        check_journal(&**log, market, &topics, &position, &head)?;
        check_identities(&topics, &head)?;
        check_rules(market, options, &head)?;
        store.resume(digest_of(&head));
        let mut machine = Machine::new(store, market, options.known_rules, options.trip_wire);
        resume(&mut machine, &head);
        let inputs = topics.inputs.iter().cloned().zip(head.frontier()).collect::<Vec<_>>();
        let gatherer = Gatherer::new(log.reader(&inputs)?, head.frontier());
        let (journal, assignments) = (position.journal_next, position.assignments_next);
        let mut recorded = RecordedReader::open(&**log, market, &topics, journal, assignments)?;
        let unreadable = |detail| unreadable_position(market, detail);
        recorded.voids = position.torn.voids().map_err(unreadable)?;
        let missing = position.torn.missing().map_err(unreadable)?;
        Ok(Follower {
            market: market.to_owned(),
            machine,
            gatherer,
            head,
            topics,
            checkpointer: Checkpointer::start(market, backend, options),
            position,
            recorded,
            out: Output::new(),
            missing,
            options: options.clone(),
        })
    }

    /// Folds the next epoch of the journal. False: the journal's end as of now.
    pub(crate) fn follow_one(&mut self, how: How, tail: Tail) -> Result<bool, ProjectorError> {
        let Some(epoch) = self.recorded.next(&self.head, tail)? else { return Ok(false) };
        self.apply(epoch, how)?;
        self.checkpoint_if_due()?;
        Ok(true)
    }

    /// Folds the journal to its end as of now. Returns the number of epochs.
    pub(crate) fn catch_up(&mut self, how: How, tail: Tail) -> Result<u64, ProjectorError> {
        let mut epochs = 0;
        while self.follow_one(how, tail)? {
            epochs += 1;
        }
        Ok(epochs)
    }

    pub(crate) fn checkpoint_if_due(&mut self) -> Result<(), ProjectorError> {
        let (position, voids, missing) = (&self.position, &self.recorded.voids, &self.missing);
        let stored = || Position { torn: Torn::new(voids, missing), ..position.clone() };
        self.checkpointer.start_if_due(&mut self.machine.store, stored)
    }

    /// Writes a checkpoint of all there is and waits for it.
    pub(crate) fn checkpoint_now(&mut self) -> Result<(), ProjectorError> {
        let torn = Torn::new(&self.recorded.voids, &self.missing);
        let position = Position { torn, ..self.position.clone() };
        self.checkpointer.finish(&mut self.machine.store, position)
    }

    /// Waits for more of the journal.
    pub(crate) fn wait(&mut self, timeout: Duration) -> Result<(), ProjectorError> {
        self.recorded.wait(timeout)
    }

    /// The decisions that no mark speaks of. Called by a new owner at the journal's end.
    pub(crate) fn read_voids(&mut self) -> Result<Voids, ProjectorError> {
        self.position.assignments_next = self.recorded.read_voids()?;
        Ok(Voids::new(self.recorded.voids.clone()))
    }

    /// The voids that wait for an answer at the position reached.
    pub(crate) fn set_voids(&mut self, waiting: Vec<Recorded>) {
        self.recorded.voids = waiting;
    }

    fn halt(&self, source: crate::machine::Halt) -> ProjectorError {
        ProjectorError::Halt { market: self.market.clone(), source }
    }

    fn apply(&mut self, epoch: Epoch, how: How) -> Result<(), ProjectorError> {
        let body = &epoch.mark.body;
        let number = body.epoch;
        let gap =
            |source| ProjectorError::Gap { market: self.market.clone(), epoch: number, source };
        check_rules(&self.market, &self.options, &epoch.mark)?;
        self.gatherer.gather_until(&epoch.mark.frontier()).map_err(gap)?;
        self.out.begin(body.incarnation, number);
        let is_missing = epoch.payloads.len() < body.decisions as usize;
        let begins = body.incarnation != self.head.body.incarnation;
        let mut feed = epoch.feed;
        let mut judge = match (is_missing, how) {
            (true, _) => Judge::Decide,
            (false, How::Follow) => Judge::Follow(&mut feed),
            (false, How::Verify) => Judge::Verify(&mut feed),
        };
        if is_missing && !begins {
            self.machine.voids = Voids::new(self.recorded.voids.clone());
        }
        let machine = &mut self.machine;
        if !begins {
            let begun = machine.begin_slice(&mut judge, &mut self.out);
            begun.map_err(|source| self.halt(source))?;
        }
        let machine = &mut self.machine;
        let images = fold_slice(machine, &self.gatherer, body, &mut judge, &mut self.out);
        let images = images.map_err(|source| self.halt(source))?;
        self.machine.left_over = epoch.mark.left_over().collect();
        self.machine.availability_next = epoch.mark.body.availability_next.map(SkuIx);
        self.machine.voids = Voids::default();
        if is_missing {
            self.note_missing(&epoch.mark, begins);
        } else {
            self.check_decisions(&epoch.mark, &epoch.payloads, feed.decisions.len())?;
            for again in &body.republished_epochs {
                self.missing.remove(again);
            }
        }
        self.check_figures(&epoch.mark, is_missing)?;
        if !begins {
            self.recorded.answered((body.steps, body.timers));
        }
        self.position = Position {
            mark: prost::Message::encode_to_vec(&epoch.mark.body),
            journal_next: epoch.journal_next,
            assignments_next: epoch.assignments_next,
            torn: Torn::default(), // as of a checkpoint, see `checkpoint_now`
        };
        self.head = epoch.mark;
        self.checkpointer.add(self.machine.store.epoch(), images);
        Ok(())
    }

    /// The decisions of a mark are not there: what was decided again is kept, to be published again
    /// by the next owner. The first mark of an incarnation decides nothing itself; where the
    /// decisions that it published again are gone too, they are still kept.
    fn note_missing(&mut self, mark: &Mark, begins: bool) {
        let epoch = mark.body.epoch;
        tracing::warn!(market = self.market, epoch, "decisions are missing and were decided again");
        if !begins {
            self.missing.insert(epoch, self.out.records.clone());
            return;
        }
        let kept = mark.body.republished_epochs.iter().filter_map(|again| self.missing.get(again));
        let decided = |record: &omnifold_log::Record<'_>| record.topic == ASSIGNMENTS;
        for record in kept.flat_map(RecordBuf::iter).filter(decided) {
            self.out.note(record.value.unwrap_or_default());
        }
    }

    /// The decisions in the log are those the mark counted, and each was folded.
    fn check_decisions(
        &self,
        mark: &Mark,
        payloads: &[Vec<u8>],
        unfolded: usize,
    ) -> Result<(), ProjectorError> {
        let mut written = Output::new();
        for payload in payloads {
            written.note(payload);
        }
        let expected = hash_of(&mark.body.decisions_hash);
        if written.decisions_hash() != expected {
            let found = written.decisions_hash();
            return Err(self.mismatch(mark, "hash of decisions", found, expected));
        }
        if unfolded > 0 {
            return Err(self.mismatch(mark, "decisions that belong to no step", unfolded, 0));
        }
        Ok(())
    }

    /// I4: what was folded has the figures of the mark.
    fn check_figures(&self, mark: &Mark, decided_again: bool) -> Result<(), ProjectorError> {
        let (body, machine) = (&mark.body, &self.machine);
        if machine.steps != body.steps {
            return Err(self.mismatch(mark, "number of steps", machine.steps, body.steps));
        }
        if machine.timers != body.timers {
            return Err(self.mismatch(mark, "number of timers", machine.timers, body.timers));
        }
        if machine.inputs_hash != hash_of(&body.inputs_hash) {
            let expected = hash_of(&body.inputs_hash);
            return Err(self.mismatch(mark, "hash of inputs", machine.inputs_hash, expected));
        }
        if machine.clock_ms != body.clock_ms {
            return Err(self.mismatch(mark, "clock", machine.clock_ms, body.clock_ms));
        }
        let hash = hash_of(&body.decisions_hash);
        if decided_again && self.out.decisions_hash() != hash {
            let found = self.out.decisions_hash();
            return Err(self.mismatch(mark, "hash of decisions taken again", found, hash));
        }
        let expected = digest_of(mark);
        if machine.digest() != expected {
            return Err(self.mismatch(mark, "state digest", machine.digest(), expected));
        }
        Ok(())
    }

    fn mismatch(
        &self,
        mark: &Mark,
        what: &'static str,
        found: impl ToString,
        expected: impl ToString,
    ) -> ProjectorError {
        ProjectorError::Mismatch {
            market: self.market.clone(),
            epoch: mark.body.epoch,
            what,
            found: found.to_string(),
            expected: expected.to_string(),
        }
    }
}

/// Steps through a gathered slice and ends the epoch. What was left over is served before, except
/// where an incarnation begins: its first mark decides nothing.
fn fold_slice(
    machine: &mut Machine,
    gatherer: &Gatherer,
    mark: &EpochMark,
    judge: &mut Judge<'_>,
    out: &mut Output,
) -> Result<Arc<Images>, crate::machine::Halt> {
    machine.take_each(gatherer.slice(), |machine, arrival| {
        // One that is not taken shows in the number of steps.
        machine.step(arrival, mark.wall_ms, judge, out)?;
        Ok(true)
    })?;
    machine.fire_up_to(mark.timers, judge, out)?;
    machine.answer_voids(out);
    Ok(machine.end_slice(mark.wall_ms))
}

fn hash_of(bytes: &[u8]) -> u128 {
    bytes.try_into().map_or(0, u128::from_be_bytes)
}

fn digest_of(mark: &Mark) -> Digest {
    Digest(hash_of(&mark.body.state_digest))
}

fn resume(machine: &mut Machine, head: &Mark) {
    machine.clock_ms = head.body.clock_ms;
    machine.steps = head.body.steps;
    machine.timers = head.body.timers;
    machine.inputs_hash = hash_of(&head.body.inputs_hash);
    machine.left_over = head.left_over().collect();
    machine.availability_next = head.body.availability_next.map(SkuIx);
}

fn stored_position(store: &Store, market: &str) -> Result<(Position, Mark), ProjectorError> {
    let unreadable = |detail| unreadable_position(market, detail);
    match store.stored_position()? {
        None => Ok((Position::default(), Mark::genesis(market))),
        Some(bytes) => {
            let position = Position::decode(&bytes).map_err(unreadable)?;
            let mark = position.mark().map_err(unreadable)?;
            Ok((position, mark))
        }
    }
}

fn unreadable_position(market: &str, detail: String) -> ProjectorError {
    ProjectorError::Unreadable { market: market.to_owned(), what: "the stored position", detail }
}

/// The journal holds the mark that the stored state stands for, at its place.
fn check_journal(
    log: &dyn Log,
    market: &str,
    topics: &Topics,
    position: &Position,
    head: &Mark,
) -> Result<(), ProjectorError> {
    if position.mark.is_empty() {
        return Ok(());
    }
    let ahead =
        || ProjectorError::AheadOfJournal { market: market.to_owned(), epoch: head.body.epoch };
    let journal = &topics.outputs[crate::topics::JOURNAL];
    let described = log.describe(&[journal])?.pop().flatten();
    if described.is_none_or(|topic| topic.end < position.journal_next) {
        return Err(ahead());
    }
    let mut reader = log.reader(&[(journal.clone(), position.journal_next - 1)])?;
    let mut buffer = RecordBuf::default();
    for _ in 0..100 {
        if reader.fetch(0, 1, &mut buffer)?.records > 0 {
            break;
        }
        reader.wait(Duration::from_millis(50))?;
    }
    let same = buffer.iter().next().is_some_and(|record| {
        record.offset == position.journal_next - 1 && record.value == Some(&position.mark)
    });
    if same { Ok(()) } else { Err(ahead()) }
}

/// This build knows the rules that the mark stands for. Before its first mark a market has none.
fn check_rules(market: &str, options: &Options, mark: &Mark) -> Result<(), ProjectorError> {
    let version = mark.body.rules_version;
    if version == 0 || omnifold_domain::rules::find(options.known_rules, version).is_some() {
        return Ok(());
    }
    let source = crate::machine::Halt::UnknownRules(version);
    Err(ProjectorError::Halt { market: market.to_owned(), source })
}

/// The input topics are the ones that the state was folded from.
fn check_identities(topics: &Topics, head: &Mark) -> Result<(), ProjectorError> {
    for (marked, identity) in head.body.frontiers.iter().zip(&topics.identities) {
        if marked.identity != *identity {
            return Err(ProjectorError::TopicReplaced {
                topic: marked.topic.clone(),
                expected: marked.identity.clone(),
                found: identity.clone(),
            });
        }
    }
    Ok(())
}
