//! One record in, decisions out: the step of the epoch loop, without I/O, clock or thread.
//!
//! A step advances the market's clock, folds the record (at most once by source and id) and routes
//! at once the work it opened. [`Judge`] says where decisions come from: the router, or the log.
//! What a step did is undone as a whole when anything in it overflows or fails an assertion; the
//! market goes on, and the event is refused.

mod arrival;
mod emit;
mod feed;
mod intake;
mod listener;
mod scribe;
mod supply;
mod tally;
mod timers;
mod warm;
mod work;
mod writing;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use omnifold_domain::decision::Moment;
use omnifold_domain::{Entry, OrderKey, Rules, Settings, SkuIx, View, rules};
use omnifold_log::{Record, TopicKind};
use omnifold_routing::Router;
use omnifold_state::{Digest, Images, StateError, StateFault, Store};

use crate::voids::Voids;

pub(crate) use arrival::Arrival;
pub(crate) use emit::{ASSIGNMENTS, Output, Told};
pub(crate) use feed::{Feed, Recorded};
pub(crate) use listener::{Chapter, Fate, Listener};
pub(crate) use scribe::{decode as decode_decision, type_of};
pub use tally::Tally;
pub(crate) use work::LeftOver;

/// Where the decisions of a step come from.
pub(crate) enum Judge<'a> {
    /// The router takes them.
    Decide,
    /// They were taken before: fold what the log says.
    Follow(&'a mut Feed),
    /// Take them again and compare with what the log says.
    Verify(&'a mut Feed),
}

/// Why a market cannot go on. Nothing of the step under way is kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Halt {
    /// The state's medium failed.
    #[error("the state cannot be read")]
    State(#[source] omnifold_state::StateError),
    /// A recorded decision does not fit the state.
    #[error("the log's decisions do not fit its inputs")]
    Misfit(#[source] omnifold_domain::decision::Misfit),
    /// I5: a decision taken again is not the one recorded.
    #[error("I5: at step {step} decision {decision} on `{order}` taken again gives other bytes")]
    DecidedOtherwise {
        /// The step.
        step: u64,
        /// The decision's number.
        decision: u32,
        /// Its order.
        order: String,
    },
    /// The rules of the log are not known to this build.
    #[error("rules version {0} is not known to this build; run a build that knows it")]
    UnknownRules(u32),
}

/// Deliberate failures, for tests: the order that trips an assertion while it is decided.
pub type TripWire = fn(&str) -> bool;

/// One market's fold: the state and what moves it.
pub(crate) struct Machine {
    pub store: Store,
    router: Router,
    known_rules: &'static [Rules],
    trip_wire: Option<TripWire>,
    source: String,
    pub clock_ms: i64,
    pub steps: u64,
    /// Timers fired since the record `steps`.
    pub timers: u32,
    pub inputs_hash: u128,
    /// Queues still to be served before the next record is taken.
    pub left_over: VecDeque<LeftOver>,
    /// Steps of this epoch that were undone while deciding.
    pub undone_steps: Vec<u64>,
    /// Timers of this epoch that were undone and put off.
    pub undone_timers: Vec<Moment>,
    pub tally: Tally,
    /// Decisions of a torn transaction that wait for an answer.
    pub voids: Voids,
    /// Whose availability is told next, where all of it is told again.
    pub availability_next: Option<SkuIx>,
    /// The entries of a watched stock row, with the records that caused them.
    pub heard: Option<Vec<Heard>>,
    /// What happened to the order that is listened to.
    pub listener: Option<Box<Listener>>,
    /// Work units left in this slice.
    budget: u32,
    refused_or_applied: u64,
    forgotten: u64,
}

/// An entry of the watched row, and what caused it.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub entry: Entry,
    pub step: u64,
    /// The market's clock at that step.
    pub clock_ms: i64,
    /// Topic and offset of the record; none for orders that an earlier slice left to be served.
    pub place: Option<(TopicKind, u64)>,
    /// Its CloudEvents type.
    pub event: String,
}

/// Waiting orders tried in one slice: what is left over is served before the next record.
pub(crate) const WORK_BUDGET: u32 = 10_000;

impl Machine {
    pub(crate) fn new(
        store: Store,
        market: &str,
        known_rules: &'static [Rules],
        trip_wire: Option<TripWire>,
    ) -> Self {
        Machine {
            store,
            router: Router::default(),
            known_rules,
            trip_wire,
            source: format!("omnifold/{market}"),
            clock_ms: 0,
            steps: 0,
            timers: 0,
            inputs_hash: 0,
            left_over: VecDeque::new(),
            undone_steps: Vec::new(),
            undone_timers: Vec::new(),
            tally: Tally::default(),
            voids: Voids::default(),
            availability_next: None,
            heard: None,
            listener: None,
            budget: WORK_BUDGET,
            refused_or_applied: 0,
            forgotten: 0,
        }
    }

    pub(crate) fn settings(&self) -> Option<&Settings> {
        self.store.settings()
    }

    /// The CloudEvents source of what the market publishes.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// The rules in force.
    pub(crate) fn rules(&self) -> Result<Rules, Halt> {
        let version = self.settings().map_or(1, |settings| settings.rules_version);
        rules::find(self.known_rules, version).ok_or(Halt::UnknownRules(version))
    }

    /// Begins a slice: serves what the last one left over. Returns whether records may be taken.
    pub(crate) fn begin_slice(
        &mut self,
        judge: &mut Judge<'_>,
        out: &mut Output,
    ) -> Result<bool, Halt> {
        self.budget = WORK_BUDGET;
        self.undone_steps.clear();
        self.undone_timers.clear();
        reading(|| self.serve_left_over(judge, out)).map_err(Halt::State)??;
        if self.heard.is_some() {
            self.hear(None);
        }
        if self.listener.is_some() {
            self.listen(None, out);
        }
        Ok(self.left_over.is_empty())
    }

    /// Whether the slice's work is used up: no further record is taken in it.
    pub(crate) fn is_cut(&self) -> bool {
        !self.left_over.is_empty()
    }

    /// Takes one record, and before it the timers due at or before its time. `wall_ms` is the
    /// machine's time noted for the slice. False: the slice's work was used up before the record
    /// was taken.
    pub(crate) fn step(
        &mut self,
        arrival: &Arrival<'_>,
        wall_ms: i64,
        judge: &mut Judge<'_>,
        out: &mut Output,
    ) -> Result<bool, Halt> {
        let taken = reading(|| self.take(arrival, wall_ms, judge, out));
        if self.heard.is_some() {
            self.hear(Some((arrival.topic, &arrival.record)));
        }
        if self.listener.is_some() {
            self.listen(Some((arrival.topic, &arrival.record)), out);
        }
        taken.map_err(Halt::State)?
    }

    /// Keeps what the step did to the watched row.
    fn hear(&mut self, cause: Option<(TopicKind, &Record<'_>)>) {
        let entries = self.store.take_entries();
        let (step, clock_ms) = (self.steps, self.clock_ms);
        let Some(heard) = &mut self.heard else { return };
        let caused = |(topic, record): (TopicKind, &Record<'_>)| (topic, record.offset);
        let event = cause.and_then(|(_, record)| record.headers.get("ce_type"));
        let event = event.map(|name| String::from_utf8_lossy(name).into_owned());
        heard.extend(entries.into_iter().map(|entry| Heard {
            entry,
            step,
            clock_ms,
            place: cause.map(caused),
            event: event.clone().unwrap_or_default(),
        }));
    }

    /// Ends a slice: under a wall clock the clock moves to the time noted for it.
    pub(crate) fn end_slice(&mut self, wall_ms: i64) -> Arc<Images> {
        let on_wall = self.settings().is_some_and(|settings| !settings.events_clock);
        if on_wall && wall_ms > self.clock_ms {
            // Where the work was used up, what is due stays ahead of the clock.
            let due = self.store.next_timer().map_or(i64::MAX, |(timer, _)| timer.due_ms);
            self.advance(wall_ms.min(due - 1));
        }
        self.store.end_epoch()
    }

    /// The digest as of the last slice's end.
    pub(crate) fn digest(&self) -> Digest {
        self.store.digest()
    }

    /// A market without settings has no clock: what comes before its first event moves nothing.
    fn advance(&mut self, to_ms: i64) {
        let Some(settings) = self.store.settings() else { return };
        let (horizon, ahead) = (settings.dedupe_horizon_ms, settings.max_ahead_ms);
        self.clock_ms = self.clock_ms.max(to_ms);
        self.forgotten += self.store.forget_ids(self.clock_ms, horizon, ahead);
    }

    fn trips(&mut self, key: OrderKey) -> bool {
        let Some(trips) = self.trip_wire else { return false };
        self.store.order(key).is_some_and(|order| trips(&order.order_id))
    }
}

/// Does work that may read the state: a fault of its medium, which the domain cannot see, comes out
/// as an error.
pub(crate) fn reading<T>(work: impl FnOnce() -> T) -> Result<T, StateError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| match payload.downcast::<StateFault>() {
        Ok(fault) => fault.0,
        Err(payload) => resume_unwind(payload),
    })
}
