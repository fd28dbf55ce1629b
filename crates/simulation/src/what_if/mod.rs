//! What if the same demand had met other settings?
//!
//! *Recorded*, and replayed as it was: what operators declared, stock (counts, receipts, adjustments),
//! transfers, and what customers asked for (orders, changes, cancellations, holds, payments).
//! *Modelled*: what nodes do with their work ([`nodes`]): where a node had the order in reality it
//! does the same again, as long after it was told; elsewhere it ships after its own median time.
//! *Left out*: returns, pick-ups, couriers and losses. A count is replayed as it was counted, so it knows
//! of the units that left in reality; the error this makes shows when the settings as they were are
//! replayed too.
//!
//! * [`Variant`]: what is otherwise. [`settings`] is the one that changes the market's settings.
//! * [`demand`]: the recorded part, in the order in which the engine took it.
//! * [`nodes`]: the modelled part.
//! * [`figures`]: what came out of either, from the topics alone.

pub mod demand;
pub mod figures;
pub mod nodes;
pub mod settings;

use omnifold_events::Event;
use omnifold_events::jsonl::FileEvent;

use crate::output::Output;

/// What is to be otherwise.
pub trait Variant {
    /// For people: `coverage=ALLOW_PARTIAL`.
    fn name(&self) -> String;

    /// A recorded event as it is to be replayed from the beginning of the change on; `None` leaves
    /// it out.
    fn alter(&self, event: Event) -> Option<Event>;

    /// Events on `network` that begin the change, given the newest settings before it.
    fn begin(&self, settings: &omnifold_events::v1::MarketConfigured) -> Vec<Event>;
}

/// Nothing is otherwise: shows what the model alone changes.
#[derive(Debug, Clone, Copy)]
pub struct AsItWas;

impl Variant for AsItWas {
    fn name(&self) -> String {
        "as it was".to_owned()
    }

    fn alter(&self, event: Event) -> Option<Event> {
        Some(event)
    }

    fn begin(&self, _: &omnifold_events::v1::MarketConfigured) -> Vec<Event> {
        Vec::new()
    }
}

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
        let recorded = self.recorded.peek().map(time_of);
        let Some(first) = recorded.into_iter().chain(self.nodes.next_due()).min() else {
            return Vec::new();
        };
        let end = first.max(now_ms) + self.step_ms;
        let mut events = self.nodes.due_before(end, now_ms);
        while let Some(event) = self.recorded.next_if(|event| time_of(event) < end) {
            events.push(event);
        }
        events.sort_by_key(time_of);
        events
    }
}

fn time_of(event: &FileEvent) -> i64 {
    event.time_ms.unwrap_or_default()
}

#[cfg(test)]
mod tests;
