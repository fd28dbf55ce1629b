//! Decisions that readers can see and no mark speaks of (a torn transaction).
//!
//! They never took effect. Where the new owner takes the same decision again, byte for byte, readers
//! drop the repeat and all is well. Where it decides otherwise, or has passed the step without
//! deciding, it answers the void assignment with a FulfilmentReleased of cause VOID.

use omnifold_domain::Decision;
use omnifold_domain::decision::Moment;
use omnifold_events::v1;

use crate::machine::Recorded;

/// Void decisions not answered yet.
#[derive(Default, Clone)]
pub(crate) struct Voids(Vec<Recorded>);

impl Voids {
    /// The same decision may be void twice, where taking it again was torn too: one answer does.
    pub(crate) fn new(recorded: Vec<Recorded>) -> Self {
        let mut voids: Vec<Recorded> = Vec::with_capacity(recorded.len());
        for void in recorded {
            if voids.iter().all(|known| known.payload != void.payload) {
                voids.push(void);
            }
        }
        Voids(voids)
    }

    /// Those that wait for an answer.
    pub(crate) fn waiting(&self) -> &[Recorded] {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A decision is about to be published: the releases that must go before it.
    pub(crate) fn before(
        &mut self,
        decision: &Decision,
        payload: &[u8],
        now: Moment,
    ) -> Vec<Decision> {
        let same = |void: &Recorded| answers(&void.decision, decision);
        let (answered, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.0).into_iter().partition(same);
        self.0 = rest;
        let otherwise = answered.iter().filter(|void| void.payload != payload);
        otherwise.filter_map(|void| release(&void.decision, now)).collect()
    }

    /// Releases for the void decisions whose moment has passed.
    pub(crate) fn passed(&mut self, now: Moment) -> Vec<Decision> {
        let (passed, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.0).into_iter().partition(|void| void.decision.moment() <= now);
        self.0 = rest;
        passed.iter().filter_map(|void| release(&void.decision, now)).collect()
    }
}

/// Whether a decision stands in the place of a void one: the same number on the same order, or any
/// outcome of the same hold.
fn answers(void: &Decision, decision: &Decision) -> bool {
    let is_hold = |decision: &Decision| matches!(decision, Decision::SoftHold(_));
    void.order() == decision.order()
        && void.number() == decision.number()
        && is_hold(void) == is_hold(decision)
}

fn release(void: &Decision, (step, timer): Moment) -> Option<Decision> {
    match void {
        Decision::Assigned(assigned) => Some(Decision::Released(v1::FulfilmentReleased {
            channel: assigned.channel.clone(),
            order_id: assigned.order_id.clone(),
            fulfilment: assigned.fulfilment,
            node_id: assigned.node_id.clone(),
            lines: assigned.lines.clone(),
            revision: assigned.outcome.as_ref().map_or(assigned.revision, |o| o.revision),
            decision: void.number(),
            step,
            cause: v1::Cause::Void.into(),
            timer,
        })),
        Decision::SoftHold(outcome) if outcome.status() == v1::StockHoldStatus::Held => {
            Some(Decision::SoftHold(v1::StockHoldOutcome {
                status: v1::StockHoldStatus::Released.into(),
                step,
                timer,
                cause: v1::Cause::Void.into(),
                ..outcome.clone()
            }))
        }
        _ => None,
    }
}
