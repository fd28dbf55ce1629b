//! The work that a fold opened: route, cancel, serve the queues. Each decision is folded before the
//! next is taken.

use std::collections::VecDeque;

use omnifold_domain::{Decision, OrderKey, SkuIx, View, WaitingKey, Work, decision};
use omnifold_events::v1::Cause;
use omnifold_routing::Turn;

use super::{Feed, Halt, Judge, Machine, Output};

/// A queue that a slice could not serve to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeftOver {
    pub sku: SkuIx,
    pub after: Option<WaitingKey>,
}

impl Machine {
    /// Does the work of one step, or folds what was decided in it.
    pub(super) fn work_off(
        &mut self,
        work: Vec<Work>,
        judge: &mut Judge<'_>,
        out: &mut Output,
    ) -> Result<(), Halt> {
        match judge {
            Judge::Decide => self.decide_all(work.into(), None, out),
            Judge::Verify(feed) => self.decide_all(work.into(), Some(feed), out),
            Judge::Follow(feed) => self.follow(feed, out),
        }
    }

    /// Serves what earlier slices left over, before any record is taken.
    pub(super) fn serve_left_over(
        &mut self,
        judge: &mut Judge<'_>,
        out: &mut Output,
    ) -> Result<(), Halt> {
        self.store.begin_step();
        let rest: Vec<Work> = std::mem::take(&mut self.left_over)
            .into_iter()
            .map(|left| Work::Serve { sku: left.sku, after: left.after })
            .collect();
        self.work_off(rest, judge, out)
    }

    fn follow(&mut self, feed: &mut Feed, out: &mut Output) -> Result<(), Halt> {
        let mut ignored = Vec::new();
        while let Some(recorded) = feed.next_of(self.moment()) {
            out.note(&recorded.payload);
            self.tally.decide(&recorded.decision);
            ignored.clear();
            decision::fold(&mut self.store, &recorded.decision, &mut ignored)
                .map_err(Halt::Misfit)?;
        }
        Ok(())
    }

    fn decide_all(
        &mut self,
        mut work: VecDeque<Work>,
        mut feed: Option<&mut Feed>,
        out: &mut Output,
    ) -> Result<(), Halt> {
        while let Some(next) = work.pop_front() {
            if let Work::Serve { sku, after } = next {
                self.serve(sku, after, &mut work, feed.as_deref_mut(), out)?;
            } else {
                let decisions = self.decide(next)?;
                self.carry_out(decisions, &mut work, feed.as_deref_mut(), out)?;
            }
        }
        Ok(())
    }

    /// What the router decides about one piece of work; the queue of a SKU is served order by order.
    fn decide(&mut self, work: Work) -> Result<Vec<Decision>, Halt> {
        let turn = self.turn(cause_of(&work))?;
        let (router, store) = (&mut self.router, &mut self.store);
        Ok(match work {
            Work::Route { order, cause } => self.route(order, cause)?,
            Work::Cancel { order, lines } => router.cancel(store, turn, order, &lines),
            Work::Tell { order, fulfilments, .. } => router.tell(store, turn, order, &fulfilments),
            Work::Release { order, fulfilment, lines } => {
                router.release(store, turn, order, fulfilment, &lines)
            }
            Work::Keep { order, lines, reason } => router.keep(store, turn, order, &lines, reason),
            Work::SoftHold(request) => router.soft_hold(store, turn, &request),
            Work::EndSoftHold { hold, status, order_id } => {
                router.end_soft_hold(store, turn, hold, status, order_id)
            }
            Work::TimeOut { order, due_ms } => router.time_out(store, turn, order, due_ms),
            Work::EndWaiting { order } => router.end_waiting(store, turn, order),
            Work::Serve { .. } => unreachable!("served order by order"),
        })
    }

    fn turn(&self, cause: Cause) -> Result<Turn, Halt> {
        let (step, timer) = self.moment();
        Ok(Turn { step, timer, now_ms: self.clock_ms, rules: self.rules()?, cause })
    }

    fn route(&mut self, order: OrderKey, cause: Cause) -> Result<Vec<Decision>, Halt> {
        assert!(!self.trips(order), "the trip wire of this run names the order");
        let turn = self.turn(cause)?;
        Ok(self.router.route(&mut self.store, turn, order))
    }

    /// Serves the queue of one SKU by priority and age while there is anything to promise.
    fn serve(
        &mut self,
        sku: SkuIx,
        mut after: Option<WaitingKey>,
        work: &mut VecDeque<Work>,
        mut feed: Option<&mut Feed>,
        out: &mut Output,
    ) -> Result<(), Halt> {
        while self.has_something_to_promise(sku) {
            let Some((place, order)) = self.store.next_waiting(sku, after) else { return Ok(()) };
            if self.budget == 0 {
                self.left_over.push_back(LeftOver { sku, after });
                return Ok(());
            }
            self.budget -= 1;
            after = Some(place);
            let decisions = self.route(order, Cause::StockAppeared)?;
            self.carry_out(decisions, work, feed.as_deref_mut(), out)?;
        }
        Ok(())
    }

    fn has_something_to_promise(&mut self, sku: SkuIx) -> bool {
        let offers = self.store.offers_of(sku);
        offers.iter().any(|offer| offer.on_hand + offer.backorder > 0)
    }

    fn carry_out(
        &mut self,
        decisions: Vec<Decision>,
        work: &mut VecDeque<Work>,
        mut feed: Option<&mut Feed>,
        out: &mut Output,
    ) -> Result<(), Halt> {
        let mut opened = Vec::new();
        for decision in &decisions {
            self.publish(decision, feed.as_deref_mut(), out)?;
            // A decision of our own that does not fit is our fault: the step is undone.
            decision::fold(&mut self.store, decision, &mut opened)
                .unwrap_or_else(|misfit| panic!("{misfit}"));
        }
        for new in opened {
            if !work.contains(&new) {
                work.push_back(new);
            }
        }
        Ok(())
    }

    /// Adds a decision to the output; when verifying, compares it with the recorded one.
    pub(super) fn publish(
        &mut self,
        decision: &Decision,
        feed: Option<&mut Feed>,
        out: &mut Output,
    ) -> Result<(), Halt> {
        self.tally.decide(decision);
        if let Some(feed) = feed {
            return self.compare(decision, feed, out);
        }
        if !self.voids.is_empty() {
            let payload = out.preview(decision).to_vec();
            for release in self.voids.before(decision, &payload, self.moment()) {
                self.push(&release, out);
            }
        }
        self.push(decision, out);
        Ok(())
    }

    /// Releases the void decisions that were passed without being taken again.
    pub(crate) fn answer_voids(&mut self, out: &mut Output) {
        for release in self.voids.passed(self.moment()) {
            self.push(&release, out);
        }
    }

    fn push(&mut self, decision: &Decision, out: &mut Output) {
        out.encode(decision);
        out.push(decision, &self.source, self.clock_ms);
    }

    fn compare(
        &mut self,
        decision: &Decision,
        feed: &mut Feed,
        out: &mut Output,
    ) -> Result<(), Halt> {
        let payload = out.encode(decision);
        let recorded = feed.next_of(self.moment());
        if recorded.is_some_and(|recorded| recorded.payload == payload) {
            return Ok(());
        }
        let (channel, order_id) = decision.order();
        Err(Halt::DecidedOtherwise {
            step: self.steps,
            decision: decision.number(),
            order: format!("{channel}/{order_id}"),
        })
    }
}

/// What the decisions on a piece of work say made the engine take them.
fn cause_of(work: &Work) -> Cause {
    match work {
        Work::Route { cause, .. } | Work::Tell { cause, .. } => *cause,
        Work::Cancel { .. } | Work::Release { .. } | Work::Keep { .. } => Cause::Cancelled,
        Work::TimeOut { .. } | Work::EndWaiting { .. } => Cause::TimedOut,
        Work::Serve { .. } => Cause::StockAppeared,
        Work::SoftHold(_) | Work::EndSoftHold { .. } => Cause::Unspecified,
    }
}
