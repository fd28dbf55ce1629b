//! What if the same demand had met other settings, or another routing policy?
//!
//! *Recorded*, and replayed as it was: what operators declared, stock (counts, receipts, adjustments),
//! transfers, and what customers asked for (orders, changes, cancellations, holds, payments).
//! *Modelled*: what nodes do with their work ([`nodes`]): where a node had the order in reality it
//! does the same again, as long after it was told; elsewhere it ships after its own median time. Then
//! it is under way as long as it was, or as others are over about that distance ([`transit`]). So
//! what is late in a replay is modelled too.
//! *Left out*: returns, pick-ups, parts that meet at a node, losses. A count is replayed as it was
//! counted, so it knows of the units that left in reality; the error this makes shows when the market
//! as it was is replayed too.
//!
//! * [`change`]: what is otherwise, a policy or [`settings`] of the market.
//! * [`demand`]: the recorded part, in the order in which the engine took it.
//! * [`nodes`] and [`transit`]: the modelled part; [`couriers`]: what was delivered when.
//! * [`account`]: what became of each order, from the topics alone.
//! * [`figures`]: what it comes to; [`limits`]: what a figure must keep to.

pub mod account;
pub mod change;
pub mod couriers;
pub mod days;
pub mod demand;
pub mod figures;
pub mod limits;
pub mod nodes;
pub mod settings;
mod transit;

use omnifold_events::jsonl::FileEvent;

use crate::output::Output;

/// What a replay has from what was recorded, for people.
pub const RECORDED: &str = "network, stock, transfers, orders with changes, holds and payments; \
                            what happened, when it left and when it was delivered";
/// What it models.
pub const MODELLED: &str = "nodes in replays: as they did with the same order, else shipped after their \
                            median time, and delivered after that of their distance; \
                            so when orders leave and arrive there, and how late";
/// What it has not at all.
pub const LEFT_OUT: &str = "returns, pick-ups, parts that meet at a node, losses";

/// Recorded and modelled events in the order of their times.
pub struct Feed {
    recorded: std::iter::Peekable<std::vec::IntoIter<FileEvent>>,
    nodes: nodes::Nodes,
    step_ms: i64,
}

impl Feed {
    /// A feed. What nodes do is published at most `step_ms` after its time: a node's answer may
    /// come that much later than the model says.
    ///
    /// # Panics
    /// Where the step is not positive.
    pub fn new(recorded: Vec<FileEvent>, nodes: nodes::Nodes, step_ms: i64) -> Self {
        assert!(step_ms > 0, "a step of {step_ms} ms");
        Feed { recorded: recorded.into_iter().peekable(), nodes, step_ms }
    }

    /// Fulfilments that went as recorded so far, and those that were modelled.
    pub fn counts(&self) -> (u64, u64) {
        self.nodes.counts()
    }

    /// The next step's events; nothing at the end. `told` is what the engine published since the
    /// last step, each with the clock it was published at, and `now_ms` its clock now.
    pub fn next(&mut self, told: &[(i64, Output)], now_ms: i64) -> Vec<FileEvent> {
        for (at_ms, output) in told {
            self.nodes.hear(output, *at_ms);
        }
        // A step in which only work that was taken back is due has no events, and is not the end.
        while let Some(first) = self.next_time() {
            let end = first.max(now_ms) + self.step_ms;
            let mut events = self.nodes.due_before(end, now_ms);
            while let Some(event) = self.recorded.next_if(|event| time_of(event) < end) {
                events.push(event);
            }
            if !events.is_empty() {
                events.sort_by_key(time_of);
                return events;
            }
        }
        Vec::new()
    }

    fn next_time(&mut self) -> Option<i64> {
        let recorded = self.recorded.peek().map(time_of);
        recorded.into_iter().chain(self.nodes.next_due()).min()
    }
}

fn time_of(event: &FileEvent) -> i64 {
    event.time_ms.unwrap_or_default()
}

#[cfg(test)]
mod tests;
