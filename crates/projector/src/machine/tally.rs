//! What was counted while running: for people and metrics, never part of the state.

use std::collections::BTreeMap;

use omnifold_domain::Decision;
use omnifold_events::v1::{Cause, OutcomeStatus, StockHoldStatus};
use serde::Serialize;

/// Counts of one run.
#[derive(Debug, Clone, Default, Serialize, PartialEq, Eq)]
pub struct Tally {
    /// Input records taken.
    pub records: u64,
    /// Events known already by source and id.
    pub duplicates: u64,
    /// Events refused.
    pub rejected: u64,
    /// Orders that entered the state.
    pub orders: u64,
    /// Their lines.
    pub lines: u64,
    /// Orders assigned as a whole at once.
    pub outcomes_assigned: u64,
    /// Orders assigned in part at once.
    pub outcomes_partly: u64,
    /// Orders that wait as a whole.
    pub outcomes_waiting: u64,
    /// Orders that wait for a payment.
    pub outcomes_held: u64,
    /// Orders refused, invalid ones included.
    pub outcomes_refused: u64,
    /// Orders whose first assignment took more than one node.
    pub split_orders: u64,
    /// Fulfilments assigned.
    pub fulfilments: u64,
    /// Fulfilments assigned after a node gave units back.
    pub rerouted: u64,
    /// Fulfilments assigned to waiting orders.
    pub served_waiting: u64,
    /// Cancellations carried out.
    pub cancelled: u64,
    /// Sum of the distances of the fulfilments, metres.
    pub distance_m_total: u64,
    /// Decisions published.
    pub decisions: u64,
    /// Timers fired.
    pub timers: u64,
    /// Soft holds granted.
    pub soft_held: u64,
    /// Refused events by reason.
    pub rejected_by: BTreeMap<String, u64>,
}

impl Tally {
    pub(crate) fn reject(&mut self, reason: &str) {
        self.rejected += 1;
        *self.rejected_by.entry(reason.to_owned()).or_default() += 1;
    }

    pub(crate) fn decide(&mut self, decision: &Decision) {
        self.decisions += 1;
        match decision {
            Decision::Outcome(outcome) => self.outcome(outcome.status(), outcome.cause()),
            Decision::Assigned(assigned) => {
                self.fulfilments += 1;
                self.distance_m_total += u64::from(assigned.distance_m);
                match decision.cause() {
                    Cause::Rerouted => self.rerouted += 1,
                    Cause::StockAppeared => self.served_waiting += 1,
                    Cause::Placed if assigned.fulfilment == 2 => self.split_orders += 1,
                    _ => {}
                }
                if let Some(outcome) = &assigned.outcome {
                    self.outcome(outcome.status(), outcome.cause());
                }
            }
            Decision::SoftHold(hold) => {
                self.soft_held += u64::from(hold.status() == StockHoldStatus::Held);
            }
            Decision::Changed(_)
            | Decision::ReleaseRequested(_)
            | Decision::Released(_)
            | Decision::ReturnAuthorised(_)
            | Decision::ReturnRefused(_)
            | Decision::RefundDue(_)
            | Decision::Wave(_) => {}
        }
    }

    fn outcome(&mut self, status: OutcomeStatus, cause: Cause) {
        if cause != Cause::Placed {
            self.cancelled += u64::from(status == OutcomeStatus::Cancelled);
            return;
        }
        match status {
            OutcomeStatus::Assigned => self.outcomes_assigned += 1,
            OutcomeStatus::PartlyAssigned => self.outcomes_partly += 1,
            OutcomeStatus::Waiting => self.outcomes_waiting += 1,
            OutcomeStatus::Refused => self.outcomes_refused += 1,
            OutcomeStatus::Held => self.outcomes_held += 1,
            OutcomeStatus::Cancelled
            | OutcomeStatus::ReleaseRequested
            | OutcomeStatus::Scheduled
            | OutcomeStatus::Unspecified => {}
        }
    }
}
