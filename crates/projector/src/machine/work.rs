//! The work that a fold opened: route, cancel, serve the queues. Each decision is folded before the
//! next is taken.

use std::collections::VecDeque;

use omnifold_domain::policy::ServeBy;
use omnifold_domain::{
    Decision, MOST_DATED, NodeIx, OrderKey, SkuIx, Variance, View, WaitingKey, Work, decision,
    serving,
};
use omnifold_events::Output as _;
use omnifold_events::v1::{self, Cause};
use omnifold_routing::{Turn, authorise, redate, relocate, repay};
use prost::Message;

use crate::topics::NOTICES;

use super::{Feed, Halt, Judge, Machine, Output, Told};

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
            if let Some(listener) = &mut self.listener {
                listener.hear_decision(&recorded, self.clock_ms);
            }
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
            match next {
                Work::Serve { sku, after } => {
                    self.serve(sku, after, &mut work, feed.as_deref_mut(), out)?;
                }
                Work::Redate { sku } => {
                    self.redate(sku, &mut work, feed.as_deref_mut(), out)?;
                }
                Work::Report { sku, node, variance } => self.report(sku, node, variance, out),
                Work::Notify(notice) => self.notify(*notice, out),
                Work::SupplyNotice(notice) => self.tell_of_supply(*notice, out),
                other => {
                    let decisions = self.decide(other)?;
                    self.carry_out(decisions, &mut work, feed.as_deref_mut(), out)?;
                }
            }
        }
        Ok(())
    }

    /// Tells how far a count was from the ledger. Nothing is decided.
    fn report(&self, sku: SkuIx, node: NodeIx, variance: Variance, out: &mut Output) {
        let message = v1::CountVariance {
            node_id: self.store.nodes()[node.0 as usize].id.clone(),
            sku: self.store.item(sku).sku.clone(),
            as_of_ms: variance.as_of_ms,
            variance_milli: variance.units,
            corrected_from_milli: variance.corrected_from,
            reason: variance.reason,
            step: self.steps,
        };
        let key = format!("{}/{}", message.node_id, message.sku);
        let id = format!("variance/{key}/{}/{}", message.as_of_ms, self.steps);
        let payload = message.encode_to_vec();
        let type_name = v1::CountVariance::TYPE;
        let told = Told { type_name, id: &id, key: key.as_bytes(), payload: &payload };
        out.tell(NOTICES, &told, &self.source, self.clock_ms);
    }

    /// Tells what is to be said or done about an order. Nothing is decided.
    fn notify(&self, notice: v1::Notice, out: &mut Output) {
        let (step, timer) = self.moment();
        let notice = v1::Notice { step, timer, ..notice };
        let key = format!("{}/{}", notice.channel, notice.order_id);
        let payload = notice.encode_to_vec();
        let id = notice_id(&key, &notice);
        let type_name = v1::Notice::TYPE;
        let told = Told { type_name, id: &id, key: key.as_bytes(), payload: &payload };
        out.tell(NOTICES, &told, &self.source, self.clock_ms);
    }

    /// What the router decides about one piece of work; a queue is served order by order.
    fn decide(&mut self, work: Work) -> Result<Vec<Decision>, Halt> {
        let turn = self.turn(cause_of(&work))?;
        let (router, store) = (&mut self.router, &mut self.store);
        Ok(match work {
            Work::Route { order, cause } => self.route(order, cause)?,
            Work::Cancel { order, lines, .. } => router.cancel(store, turn, order, &lines),
            Work::TakeBack { order, node, .. } => router.take_back(store, turn, order, node),
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
            Work::PlanWave(request) => router.plan_wave(store, turn, &request),
            Work::Move { order, fulfilment, to, lines } => {
                relocate(store, turn, order, fulfilment, to, &lines)
            }
            Work::Authorise(key) => authorise(store, turn, key),
            Work::Repay(repaid) => repay(store, turn, &repaid),
            Work::Serve { .. }
            | Work::Redate { .. }
            | Work::Report { .. }
            | Work::Notify(_)
            | Work::SupplyNotice(_) => unreachable!("they decide nothing by themselves"),
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

    /// Serves the queue of one SKU while there is anything to promise: by priority and age, or so many
    /// orders at a time as the policy says. The orders that are put off are looked at again.
    fn serve(
        &mut self,
        sku: SkuIx,
        mut after: Option<WaitingKey>,
        work: &mut VecDeque<Work>,
        mut feed: Option<&mut Feed>,
        out: &mut Output,
    ) -> Result<(), Halt> {
        let by = serving::served_by(&self.store, self.clock_ms);
        while self.has_something_to_promise(sku) {
            let next = self.next_to_serve(sku, after, &by);
            let Some(last) = next.iter().map(|(place, _)| *place).max() else { return Ok(()) };
            if self.budget == 0 {
                self.left_over.push_back(LeftOver { sku, after });
                return Ok(());
            }
            self.serve_window(sku, &next, work, feed.as_deref_mut(), out)?;
            after = Some(last);
        }
        Ok(())
    }

    /// Where the policy puts them in no order of its own, one order at a time.
    fn next_to_serve(
        &mut self,
        sku: SkuIx,
        after: Option<WaitingKey>,
        by: &[ServeBy],
    ) -> Vec<(WaitingKey, OrderKey)> {
        if by.is_empty() {
            return self.store.next_waiting(sku, after).into_iter().collect();
        }
        serving::window(&mut self.store, sku, after, by)
    }

    /// A window is served as a whole: where a slice ends shows in no decision.
    fn serve_window(
        &mut self,
        sku: SkuIx,
        orders: &[(WaitingKey, OrderKey)],
        work: &mut VecDeque<Work>,
        mut feed: Option<&mut Feed>,
        out: &mut Output,
    ) -> Result<(), Halt> {
        let cause = if sku.is_put_off() { Cause::PolicyChanged } else { Cause::StockAppeared };
        for &(_, order) in orders {
            if !self.has_something_to_promise(sku) {
                return Ok(());
            }
            self.budget = self.budget.saturating_sub(1);
            let decisions = self.route(order, cause)?;
            self.carry_out(decisions, work, feed.as_deref_mut(), out)?;
        }
        Ok(())
    }

    /// Tells the first orders of a queue when they come, where that is another day than they were told.
    fn redate(
        &mut self,
        sku: SkuIx,
        work: &mut VecDeque<Work>,
        mut feed: Option<&mut Feed>,
        out: &mut Output,
    ) -> Result<(), Halt> {
        let turn = self.turn(Cause::InboundChanged)?;
        let mut after = None;
        for _ in 0..MOST_DATED {
            let Some((place, order)) = self.store.next_waiting(sku, after) else { return Ok(()) };
            after = Some(place);
            let decisions = redate(&mut self.store, turn, order);
            self.carry_out(decisions, work, feed.as_deref_mut(), out)?;
        }
        Ok(())
    }

    fn has_something_to_promise(&mut self, sku: SkuIx) -> bool {
        if sku.is_put_off() {
            return true;
        }
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
        for decision in decisions {
            // A decision of our own that does not fit is our fault: the step is undone.
            decision::fold(&mut self.store, &decision, &mut opened)
                .unwrap_or_else(|misfit| panic!("{misfit}"));
            self.publish(decision, feed.as_deref_mut(), out)?;
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
        decision: Decision,
        feed: Option<&mut Feed>,
        out: &mut Output,
    ) -> Result<(), Halt> {
        self.tally.decide(&decision);
        if let Some(feed) = feed {
            return self.compare(&decision, feed, out);
        }
        if !self.voids.is_empty() {
            let payload = out.preview(&decision).to_vec();
            for release in self.voids.before(&decision, &payload, self.moment()) {
                out.push(release, &self.source, self.clock_ms);
            }
        }
        out.push(decision, &self.source, self.clock_ms);
        Ok(())
    }

    /// Releases the void decisions that were passed without being taken again.
    pub(crate) fn answer_voids(&mut self, out: &mut Output) {
        for release in self.voids.passed(self.moment()) {
            out.push(release, &self.source, self.clock_ms);
        }
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

/// What a notice is known by, however often the market is computed again: its order, its kind, what it
/// is about, and the moment that caused it.
fn notice_id(order: &str, notice: &v1::Notice) -> String {
    let kind = notice.kind().as_str_name().trim_start_matches("NOTICE_KIND_").to_lowercase();
    let about = [&notice.tracking_number, &notice.reference, &notice.reason];
    let about: Vec<&str> = about.into_iter().map(String::as_str).collect();
    let (part, ticket) = (notice.fulfilment, notice.ticket);
    let (step, timer) = (notice.step, notice.timer);
    format!("notice/{order}/{kind}/f{part}/{}/{ticket}/{step}.{timer}", about.join("/"))
}

/// What the decisions on a piece of work say made the engine take them.
fn cause_of(work: &Work) -> Cause {
    match work {
        Work::Route { cause, .. }
        | Work::Cancel { cause, .. }
        | Work::Tell { cause, .. }
        | Work::TakeBack { cause, .. } => *cause,
        Work::Release { .. } | Work::Keep { .. } => Cause::Cancelled,
        Work::TimeOut { .. } | Work::EndWaiting { .. } => Cause::TimedOut,
        Work::Serve { .. } => Cause::StockAppeared,
        Work::Redate { .. } => Cause::InboundChanged,
        Work::PlanWave(_) => Cause::WaveClosed,
        Work::Move { .. } => Cause::Moved,
        Work::Authorise(_) => Cause::Returned,
        Work::Repay(repaid) => repaid.cause,
        Work::SoftHold(_) | Work::EndSoftHold { .. } => Cause::Unspecified,
        Work::Report { .. } | Work::Notify(_) | Work::SupplyNotice(_) => Cause::Unspecified,
    }
}
