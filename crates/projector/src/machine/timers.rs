//! Timers: what is due at or before an instant is fired before anything of that instant is taken.
//!
//! A timer is a step of its own, small: it fires, the work it opened is done, and what it did is
//! undone as a whole where anything in it fails. Its decisions name the record before it and its
//! number since that record, so where an epoch is cut shows in no decision. What of them belongs to
//! an epoch is in its mark: those before a record follow from the record, those after the last
//! record are counted.

use omnifold_domain::decision::Moment;
use omnifold_domain::{State as _, TimerKey, View as _, timer};

use super::{Halt, Judge, Machine, Output, reading};

impl Machine {
    /// The record taken last, and how many timers fired since.
    pub(crate) fn moment(&self) -> Moment {
        (self.steps, self.timers)
    }

    /// Whether a timer is due by the machine's time. On an events clock only records bring time.
    pub(crate) fn is_due(&self, wall_ms: i64) -> bool {
        let on_wall = self.settings().is_some_and(|settings| !settings.events_clock);
        on_wall && self.due_at(wall_ms).is_some()
    }

    fn due_at(&self, until_ms: i64) -> Option<(TimerKey, u128)> {
        self.store.next_timer().filter(|(timer, _)| timer.due_ms <= until_ms)
    }

    /// Fires every timer due at or before an instant, while the slice's work lasts. Returns whether
    /// all fired and all their work is done.
    pub(super) fn fire_due(
        &mut self,
        until_ms: i64,
        judge: &mut Judge<'_>,
        out: &mut Output,
    ) -> Result<bool, Halt> {
        while let Some((timer, subject)) = self.due_at(until_ms) {
            if self.is_cut() || self.budget == 0 {
                return Ok(false);
            }
            self.budget -= 1;
            self.fire(timer, subject, judge, out)?;
        }
        Ok(!self.is_cut())
    }

    /// After the slice's last record: under a wall clock, what is due by the time noted for it.
    pub(crate) fn fire_at_end(
        &mut self,
        wall_ms: i64,
        judge: &mut Judge<'_>,
        out: &mut Output,
    ) -> Result<(), Halt> {
        if self.is_due(wall_ms) {
            reading(|| self.fire_due(wall_ms, judge, out)).map_err(Halt::State)??;
        }
        Ok(())
    }

    /// After the slice's last record, as its owner did: up to the number that the mark names.
    pub(crate) fn fire_up_to(
        &mut self,
        timers: u32,
        judge: &mut Judge<'_>,
        out: &mut Output,
    ) -> Result<(), Halt> {
        while self.timers < timers {
            // None left: the mark's figures will not hold.
            let Some((timer, subject)) = self.store.next_timer() else { return Ok(()) };
            self.budget = self.budget.saturating_sub(1);
            reading(|| self.fire(timer, subject, judge, out)).map_err(Halt::State)??;
        }
        Ok(())
    }

    fn fire(
        &mut self,
        timer: TimerKey,
        subject: u128,
        judge: &mut Judge<'_>,
        out: &mut Output,
    ) -> Result<(), Halt> {
        self.timers += 1;
        self.tally.timers += 1;
        self.store.begin_step();
        self.advance(timer.due_ms);
        let undone = match judge {
            Judge::Follow(feed) => feed.undone_timers.contains(&self.moment()),
            _ => false,
        };
        let attempt = |machine: &mut Machine, out: &mut Output| {
            machine.fire_and_decide(timer, subject, judge, out)
        };
        if undone || self.guarded(out, attempt)?.is_err() {
            self.put_off(timer, subject);
        }
        if self.heard.is_some() {
            self.hear(None);
        }
        if self.listener.is_some() {
            self.listen(None, out);
        }
        Ok(())
    }

    fn fire_and_decide(
        &mut self,
        timer: TimerKey,
        subject: u128,
        judge: &mut Judge<'_>,
        out: &mut Output,
    ) -> Result<(), Halt> {
        let mut work = Vec::new();
        timer::fire(&mut self.store, timer, subject, &mut work);
        match judge {
            // What was decided before the failure was never published: there is nothing to compare.
            Judge::Verify(feed) if feed.undone_timers.contains(&self.moment()) => {
                self.work_off(work, &mut Judge::Decide, out)
            }
            _ => self.work_off(work, judge, out),
        }
    }

    /// What a timer would end must still end, so one that failed is tried again.
    fn put_off(&mut self, timer: TimerKey, subject: u128) {
        self.undone_timers.push(self.moment());
        self.store.remove_timer(timer);
        let due_ms = self.clock_ms.saturating_add(timer::PUT_OFF_MS);
        self.store.put_timer(TimerKey { due_ms, ..timer }, subject);
    }
}
