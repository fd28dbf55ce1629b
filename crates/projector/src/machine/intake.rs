//! From what a record says to its effect: time, identity, fold, work.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use omnifold_domain::fold::{Context, fold};
use omnifold_domain::{Decision, Reason, Refusal};
use omnifold_events::{Envelope, Event, MAX_TIME_MS, format_time, v1};
use omnifold_log::TopicKind;
use omnifold_state::StateFault;
use xxhash_rust::xxh3::xxh3_128;

use super::arrival::{Arrival, Message};
use super::emit::rejected_event;
use super::{Halt, Judge, Machine, Output};

/// How a record's event got on.
enum Fate {
    Applied,
    Duplicate,
    /// Refused, and its id is remembered.
    Refused(Refusal),
    /// Refused, and its id is not: it was never this event's.
    Turned(Refusal),
}

impl Machine {
    pub(super) fn take(
        &mut self,
        arrival: &Arrival<'_>,
        wall_ms: i64,
        judge: &mut Judge<'_>,
        out: &mut Output,
    ) -> Result<bool, Halt> {
        let message = match &arrival.message {
            Ok(message) => message,
            Err(refusal) => {
                self.begin_record();
                let value = arrival.record.value.unwrap_or_default();
                let headers = arrival.record.headers.as_bytes();
                self.chain_input(arrival.topic, xxh3_128(headers), xxh3_128(value));
                self.reject(arrival, None, refusal, out);
                return Ok(true);
            }
        };
        let timely = self.check_time(message.time_ms, wall_ms);
        // What is due by the record's time comes before it (rule H3).
        if timely.is_ok() && !self.fire_due(message.time_ms, judge, out)? {
            return Ok(false);
        }
        self.begin_record();
        let mut refused_request = None;
        let fate = match timely {
            Err(refusal) => Fate::Turned(refusal),
            Ok(()) => self.receive(message, wall_ms, judge, out, &mut refused_request)?,
        };
        self.remember(arrival.topic, message, &fate);
        if let Fate::Refused(refusal) | Fate::Turned(refusal) = &fate {
            if let Some(answer) = refused_request {
                self.answer_refused(answer, judge, out)?;
            }
            self.reject(arrival, Some(&message.envelope), refusal, out);
        }
        Ok(true)
    }

    fn begin_record(&mut self) {
        self.steps += 1;
        self.timers = 0;
        self.store.begin_step();
        self.tally.records += 1;
    }

    fn receive(
        &mut self,
        message: &Message<'_>,
        wall_ms: i64,
        judge: &mut Judge<'_>,
        out: &mut Output,
        refused_request: &mut Option<Decision>,
    ) -> Result<Fate, Halt> {
        self.advance(message.time_ms);
        match self.store.seen(message.id) {
            Some(known) if known == message.content => Ok(Fate::Duplicate),
            Some(_) => Ok(Fate::Turned(id_reused(&message.envelope))),
            None => self.apply(message, wall_ms, judge, out, refused_request),
        }
    }

    fn remember(&mut self, topic: TopicKind, message: &Message<'_>, fate: &Fate) {
        self.chain_input(topic, message.id, u128::from(message.content));
        match fate {
            // The market's first event sets its clock.
            Fate::Applied => self.advance(message.time_ms),
            Fate::Refused(_) => {}
            Fate::Duplicate => {
                self.tally.duplicates += 1;
                return;
            }
            Fate::Turned(_) => return,
        }
        // Before the market's first event there is no horizon, and nothing to remember.
        if let Some(horizon) = self.settings().map(|settings| settings.dedupe_horizon_ms) {
            self.store.remember(message.id, message.content, self.clock_ms, horizon);
            self.refused_or_applied += 1;
        }
    }

    /// The running hash of the inputs: kind, identity and content, never a log position, so that
    /// both logs agree.
    fn chain_input(&mut self, topic: TopicKind, id: u128, content: u128) {
        let mut link = [0u8; 49];
        link[..16].copy_from_slice(&self.inputs_hash.to_be_bytes());
        link[16..32].copy_from_slice(&id.to_be_bytes());
        link[32..48].copy_from_slice(&content.to_be_bytes());
        link[48] = topic as u8;
        self.inputs_hash = xxh3_128(&link);
    }

    /// A record ahead of the clock by more than the market allows is refused and moves nothing; one
    /// older than the horizon is refused because its id may be forgotten.
    fn check_time(&self, time: i64, wall_ms: i64) -> Result<(), Refusal> {
        if !(0..=MAX_TIME_MS).contains(&time) {
            let detail = format!("record time {time} ms is outside the years 1970 to 9999");
            return Err(Refusal::new(Reason::FromTheFuture, detail));
        }
        let Some(settings) = self.settings() else { return Ok(()) };
        let now = if settings.events_clock { self.clock_ms } else { wall_ms.max(self.clock_ms) };
        if time > now.saturating_add(settings.max_ahead_ms) {
            return Err(Refusal::new(
                Reason::FromTheFuture,
                format!(
                    "record time {} is more than {} ms ahead of the market's clock {}",
                    format_time(time),
                    settings.max_ahead_ms,
                    format_time(now)
                ),
            ));
        }
        if time < self.clock_ms - settings.dedupe_horizon_ms {
            return Err(Refusal::new(
                Reason::TooLate,
                format!(
                    "record time {} is older than the horizon of {} ms before the market's clock {}",
                    format_time(time),
                    settings.dedupe_horizon_ms,
                    format_time(self.clock_ms)
                ),
            ));
        }
        Ok(())
    }

    fn apply(
        &mut self,
        message: &Message<'_>,
        wall_ms: i64,
        judge: &mut Judge<'_>,
        out: &mut Output,
        refused_request: &mut Option<Decision>,
    ) -> Result<Fate, Halt> {
        let event = match &message.event {
            Ok(event) => event,
            Err(refusal) => return Ok(Fate::Refused(refusal.clone())),
        };
        if let Err(refusal) = self.check_first(message.time_ms, wall_ms, event) {
            return Ok(Fate::Turned(refusal));
        }
        Ok(match self.fold_and_decide(message.time_ms, event, judge, out)? {
            Ok(()) => Fate::Applied,
            Err(refusal) => {
                *refused_request = answer_of(event, &refusal, self.steps);
                Fate::Refused(refusal)
            }
        })
    }

    /// The first event of a market on a wall clock is held to that clock too.
    fn check_first(&self, time_ms: i64, wall_ms: i64, event: &Event) -> Result<(), Refusal> {
        if self.settings().is_some() {
            return Ok(());
        }
        if let Event::MarketConfigured(first) = event {
            let on_wall = first.clock() == v1::ClockKind::Wall;
            if on_wall && time_ms > wall_ms.saturating_add(FIRST_AHEAD_MS) {
                let detail = "the market's first event is ahead of the machine's clock";
                return Err(Refusal::new(Reason::FromTheFuture, detail));
            }
        }
        Ok(())
    }

    /// Folds and decides; a panic on the way undoes the step and becomes a refusal.
    fn fold_and_decide(
        &mut self,
        time_ms: i64,
        event: &Event,
        judge: &mut Judge<'_>,
        out: &mut Output,
    ) -> Result<Result<(), Refusal>, Halt> {
        let attempt =
            |machine: &mut Machine, out: &mut Output| machine.attempt(time_ms, event, judge, out);
        match self.guarded(out, attempt)? {
            Ok(done) => {
                if done.is_ok() {
                    self.tally_event(event);
                }
                Ok(done)
            }
            Err(refusal) => {
                self.undone_steps.push(self.steps);
                Ok(Err(refusal))
            }
        }
    }

    /// Does a step's work; a panic on the way undoes all of it and becomes a refusal.
    pub(super) fn guarded<T>(
        &mut self,
        out: &mut Output,
        attempt: impl FnOnce(&mut Machine, &mut Output) -> Result<T, Halt>,
    ) -> Result<Result<T, Refusal>, Halt> {
        let bookmark = out.bookmark();
        let left_over = self.left_over.len();
        let voids = (!self.voids.is_empty()).then(|| self.voids.clone());
        let payload = match catch_unwind(AssertUnwindSafe(|| attempt(self, out))) {
            Ok(done) => return done.map(Ok),
            Err(payload) => payload,
        };
        if let Some(fault) = payload.downcast_ref::<StateFault>() {
            return Err(Halt::State(fault.0.clone()));
        }
        let Some(refusal) = refusal_of_panic(&*payload) else { resume_unwind(payload) };
        self.store.roll_back();
        out.cut(bookmark);
        self.left_over.truncate(left_over);
        self.voids = voids.unwrap_or_default();
        Ok(Err(refusal))
    }

    fn attempt(
        &mut self,
        time_ms: i64,
        event: &Event,
        judge: &mut Judge<'_>,
        out: &mut Output,
    ) -> Result<Result<(), Refusal>, Halt> {
        let context = Context {
            step: self.steps,
            time_ms,
            now_ms: self.clock_ms,
            known_rules: self.known_rules,
        };
        if let Judge::Follow(feed) = judge
            && feed.undone_steps.contains(&self.steps)
        {
            // It failed while deciding: fail in the same way, having changed nothing.
            return Ok(Err(feed.refusal_of(self.steps)));
        }
        let mut work = Vec::new();
        if let Err(refusal) = fold(&mut self.store, context, event, &mut work) {
            return Ok(Err(refusal));
        }
        match judge {
            // What was decided before the failure was never published: there is nothing to compare.
            Judge::Verify(feed) if feed.undone_steps.contains(&self.steps) => {
                self.work_off(work, &mut Judge::Decide, out)?;
            }
            _ => self.work_off(work, judge, out)?,
        }
        Ok(Ok(()))
    }

    fn tally_event(&mut self, event: &Event) {
        if let Event::OrderPlaced(order) = event {
            self.tally.orders += 1;
            self.tally.lines += order.lines.len() as u64;
        }
    }

    /// Every order request gets its answer on `assignments`, a refused one too.
    fn answer_refused(
        &mut self,
        answer: Decision,
        judge: &mut Judge<'_>,
        out: &mut Output,
    ) -> Result<(), Halt> {
        match judge {
            Judge::Follow(feed) => {
                if let Some(recorded) = feed.next_of((self.steps, 0)) {
                    if let Some(listener) = &mut self.listener {
                        listener.hear_decision(&recorded, self.clock_ms);
                    }
                    out.note(&recorded.payload);
                    self.tally.decide(&recorded.decision);
                }
                Ok(())
            }
            Judge::Verify(feed) => self.publish(answer, Some(&mut **feed), out),
            Judge::Decide => self.publish(answer, None, out),
        }
    }

    fn reject(
        &mut self,
        arrival: &Arrival<'_>,
        envelope: Option<&Envelope<'_>>,
        refusal: &Refusal,
        out: &mut Output,
    ) {
        self.tally.reject(refusal.reason.code());
        let mut event = rejected_event(refusal, self.steps);
        let record = &arrival.record;
        event.topic = arrival.topic.name().to_owned();
        event.offset = record.offset;
        event.record_time_ms = record.time_ms;
        event.record_key = record.key.to_vec();
        if let Some(envelope) = envelope {
            event.event_id = envelope.id.to_owned();
            event.event_source = envelope.source.to_owned();
            event.event_type = envelope.type_name.to_owned();
            event.content_type = envelope.content_type.media_type().to_owned();
        }
        out.reject(event, record.value.unwrap_or_default());
    }

    /// I3: one remembered id for each event that took effect or was refused within the horizon.
    /// Speaks of a machine that folded its market from the first record.
    pub(crate) fn i3_ids_are_complete(&self) -> bool {
        self.store.remembered() + self.forgotten == self.refused_or_applied
    }
}

/// As a wall clock's default of `max_ahead_ms`.
const FIRST_AHEAD_MS: i64 = 5_000;

fn id_reused(envelope: &Envelope<'_>) -> Refusal {
    let detail =
        format!("`{}` of `{}` was sent before with other content", envelope.id, envelope.source);
    Refusal::new(Reason::IdReused, detail)
}

/// The answer to a request that is refused. A second placing of an order that stands is no request
/// of its own.
fn answer_of(event: &Event, refusal: &Refusal, step: u64) -> Option<Decision> {
    let reason = refusal.reason.code().to_owned();
    let (order, cause) = match event {
        Event::OrderPlaced(order) if refusal.reason != Reason::DuplicateOrder => {
            ((&order.channel, &order.order_id), v1::Cause::Placed)
        }
        Event::OrderCancelled(cancel) => {
            ((&cancel.channel, &cancel.order_id), v1::Cause::Cancelled)
        }
        Event::OrderChanged(change) => ((&change.channel, &change.order_id), v1::Cause::Changed),
        Event::OrderResumed(resumed) => ((&resumed.channel, &resumed.order_id), v1::Cause::Resumed),
        Event::StockHeld(hold) => {
            return Some(Decision::SoftHold(v1::StockHoldOutcome {
                channel: hold.channel.clone(),
                hold_id: hold.hold_id.clone(),
                status: v1::StockHoldStatus::Refused.into(),
                reason,
                step,
                ..v1::StockHoldOutcome::default()
            }));
        }
        _ => return None,
    };
    Some(Decision::Outcome(v1::OrderOutcome {
        channel: order.0.clone(),
        order_id: order.1.clone(),
        step,
        cause: cause.into(),
        status: v1::OutcomeStatus::Refused.into(),
        reason,
        ..v1::OrderOutcome::default()
    }))
}

fn refusal_of_panic(payload: &(dyn std::any::Any + Send)) -> Option<Refusal> {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())?;
    let reason = if text.contains("overflow") { Reason::Overflow } else { Reason::AssertionFailed };
    Some(Refusal::new(reason, format!("failed while deciding, everything undone: {text}")))
}

impl super::Feed {
    /// The refusal of an undone step, from what was published of it.
    fn refusal_of(&self, step: u64) -> Refusal {
        let next = self.decisions.front().filter(|next| next.decision.moment() == (step, 0));
        let reason = match next.map(|next| &next.decision) {
            Some(Decision::Outcome(outcome)) => outcome.reason.as_str(),
            Some(Decision::SoftHold(outcome)) => outcome.reason.as_str(),
            _ => "",
        };
        let overflow = reason == Reason::Overflow.code();
        let reason = if overflow { Reason::Overflow } else { Reason::AssertionFailed };
        Refusal::new(reason, "failed while deciding, everything undone")
    }
}
