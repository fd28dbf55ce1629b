//! What the checker found.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// What must hold for the topics of a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Every order request has its outcome, in its own step.
    OutcomeMissing,
    /// No order request has two outcomes, and no outcome answers no request.
    OutcomeExtra,
    /// The outcome's status and quantities agree with what was assigned in its step.
    OutcomeDisagrees,
    /// Fulfilments of an order are numbered 1, 2, 3 ... without gap or repeat.
    FulfilmentNumber,
    /// Decision numbers of an order grow: none is repeated.
    DecisionRepeated,
    /// The `seq` of a fulfilment grows.
    SequenceRepeated,
    /// Key and headers of an output say what its message says.
    Labels,
    /// An output can be read and is about an order, a line and a fulfilment that exist.
    UnknownSubject,
    /// Ordered = assigned + shipped + waiting + cancelled, for every line after every step.
    Accounting,
    /// Nothing is promised that the node does not have, beyond its backorder limit.
    Oversold,
    /// Nothing of what is on hold is assigned or shipped.
    OnHold,
    /// A node is told to take lots that came there and have not expired, no more than its units.
    Lots,
    /// No unit leaves twice, and no event names more serial numbers than units.
    Serials,
    /// No node gets a part of a kit without the others.
    HalfKit,
    /// A hold is gone at the instant it was to end (rule H3).
    HoldOutlived,
    /// No node serves an order that it may not serve or has turned down.
    NodeNotAllowed,
    /// Decisions stand in the order of the steps that caused them.
    StepOrder,
    /// A mark counts the records between its frontiers and the ones before.
    MarkCount,
    /// An assignment without its mark is taken again, byte for byte, or answered by a release.
    VoidUnanswered,
    /// Received and billed units keep within what was ordered and allowed (law L21).
    Purchasing,
    /// What cannot be read is refused into `rejected`.
    UnreadableAccepted,
    /// A wave takes no unit from an order, makes the orders it changes no dearer together, and says so.
    Wave,
    /// Units that are suggested to be moved wait for, and are free where they are to come from.
    Transfers,
    /// A promised interval is upright, dated from its decision, and not in the past; a wave makes none
    /// end later.
    Promise,
    /// What a policy puts off until a time is not served before, unless somebody asks again.
    Deferred,
}

/// One thing that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// What must hold.
    pub rule: Rule,
    /// The order, fulfilment, shelf or record.
    pub subject: String,
    /// What was found in place of it.
    pub detail: String,
    /// Number of the input record at which it showed; 0: at the end.
    pub step: u64,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at step {}: {}: {}", self.rule, self.step, self.subject, self.detail)
    }
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Input records, every one a step.
    pub inputs: u64,
    /// Of those, records that had come before.
    pub duplicates: u64,
    /// Of those, refused events.
    pub rejected: u64,
    /// Order requests (placed, first of their id).
    pub orders: u64,
    /// Outcomes of orders that were placed, by status.
    pub outcomes: BTreeMap<String, u64>,
    /// Orders whose units went to more than one node when they were placed.
    pub split: u64,
    /// Fulfilments assigned.
    pub assigned: u64,
    /// Fulfilments assigned because a node turned the work down.
    pub rerouted: u64,
    /// Fulfilments assigned because stock appeared.
    pub served_from_waiting: u64,
    /// Fulfilments changed or released.
    pub taken_back: u64,
    /// Decisions without their mark: published, never effective.
    pub void: u64,
    /// Marks of the journal that stand in its chain.
    pub marks: u64,
    /// Marks that do not: their owner had been fenced. Their decisions are void.
    pub stray_marks: u64,
    /// Units that wait at the end, in 1/1000 unit.
    pub waiting_milli: i64,
}

/// What the checker found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// What was read.
    pub counts: Counts,
    /// What does not hold, the first of them.
    pub violations: Vec<Violation>,
    /// How many there are in all.
    pub violation_count: u64,
}

impl CheckReport {
    /// Whether everything holds.
    pub fn is_clean(&self) -> bool {
        self.violation_count == 0
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        write!(
            f,
            "{} orders in {} records, {} fulfilments assigned: ",
            counts.orders, counts.inputs, counts.assigned
        )?;
        if self.is_clean() {
            return write!(f, "everything holds");
        }
        write!(f, "{} violations", self.violation_count)?;
        self.violations.iter().try_for_each(|violation| write!(f, "\n  {violation}"))
    }
}
