//! The books, and what is compared after every step.

use std::collections::{BTreeSet, HashMap, HashSet};

use omnifold_events::v1::{OutcomeStatus, PaymentRule};
use rustc_hash::FxBuildHasher;

use super::gathering::Pickups;
use super::kits::Kit;
use super::ledger::Order;
use super::lots::LotBook;
use super::names::Names;
use super::promises::LastDays;
use super::purchasing::{Purchase, Stale};
use super::report::{CheckReport, Rule, Violation};
use super::serials::SerialBook;
use super::shelves::Shelves;
use super::soft_holds::{HeldUnits, SoftHoldAsked};
use super::supply::UnderWay;
use super::waves::WaveBook;

/// Key of an order: a hash of channel and order id.
pub type Key = u128;

/// The books of one market.
pub struct Audit {
    pub(super) report: CheckReport,
    pub(super) names: Names,
    pub(super) orders: HashMap<Key, Order, FxBuildHasher>,
    pub(super) shelves: Shelves,
    /// What came of each lot.
    pub(super) lots: LotBook,
    /// Where serial numbers were named last.
    pub(super) serials: SerialBook,
    /// Transfers under way, by the number of their id.
    pub(super) transfers: HashMap<u32, UnderWay, FxBuildHasher>,
    /// Purchase orders, by the number of their id.
    pub(super) purchases: HashMap<u32, Purchase, FxBuildHasher>,
    /// When suppliers' figures end.
    pub(super) stale: BTreeSet<Stale>,
    /// (node, SKU) that suppliers no longer sell.
    pub(super) withdrawn: HashSet<(u32, u32), FxBuildHasher>,
    /// What each defined channel sells from.
    pub(super) channels: HashMap<u32, Sells, FxBuildHasher>,
    /// (node, group) of the nodes that belong to groups.
    pub(super) groups: HashSet<(u32, u32), FxBuildHasher>,
    /// Nodes that are paused without an end.
    pub(super) absent: HashSet<u32, FxBuildHasher>,
    /// Nodes that left the network.
    pub(super) gone: HashSet<u32, FxBuildHasher>,
    /// What each kit is made of, by the number of its SKU.
    pub(super) kits: HashMap<u32, Kit, FxBuildHasher>,
    pub(super) soft_holds: HashMap<Key, HeldUnits, FxBuildHasher>,
    /// When each active soft hold ends.
    pub(super) soft_hold_ends: BTreeSet<(i64, Key)>,
    /// (source, id) of every event.
    pub(super) seen: HashSet<u128, FxBuildHasher>,
    /// Void assignments not answered yet: (fulfilment, hash of the message).
    pub(super) void: Vec<(u128, u128)>,
    pub(super) last_decided: u64,
    pub(super) now: Step,
    /// What waves are judged by.
    pub(super) waves: WaveBook,
    /// Orders that their policy does not route before an instant, milliseconds since the Unix epoch.
    pub(super) deferred: HashMap<Key, i64, FxBuildHasher>,
    /// What customers were promised last.
    pub(super) last_days: LastDays,
    /// What routing waits for now.
    pub(super) payment_rule: PaymentRule,
    /// What the market says of pick-ups.
    pub(super) pickups: Pickups,
    most_violations: usize,
}

/// What a channel sells from; nothing named: every node.
#[derive(Default)]
pub struct Sells {
    pub nodes: Vec<u32>,
    pub groups: Vec<u32>,
}

/// What happened in the current step.
#[derive(Default)]
pub struct Step {
    pub number: u64,
    /// The order that was asked for in this step.
    pub request: Option<Request>,
    /// The soft hold that was asked for in this step, until it is answered.
    pub soft_hold: Option<SoftHoldAsked>,
    /// The wave that was closed in this step, until it is answered.
    pub wave: Option<String>,
    /// Orders whose lines changed.
    pub touched: Vec<(Key, String)>,
}

/// An order request of this step.
pub struct Request {
    pub key: Key,
    /// `channel/order_id`.
    pub name: String,
    /// Whether it asked for something that must be answered.
    pub must_answer: bool,
    /// The status of its outcome.
    pub outcome: Option<OutcomeStatus>,
}

impl Audit {
    pub fn new(most_violations: usize, rejected: u64) -> Self {
        let mut report = CheckReport::default();
        report.counts.rejected = rejected;
        Audit {
            report,
            names: Names::default(),
            orders: HashMap::default(),
            shelves: Shelves::default(),
            lots: LotBook::default(),
            serials: SerialBook::default(),
            transfers: HashMap::default(),
            purchases: HashMap::default(),
            stale: BTreeSet::new(),
            withdrawn: HashSet::default(),
            channels: HashMap::default(),
            groups: HashSet::default(),
            absent: HashSet::default(),
            gone: HashSet::default(),
            kits: HashMap::default(),
            soft_holds: HashMap::default(),
            soft_hold_ends: BTreeSet::new(),
            seen: HashSet::default(),
            void: Vec::new(),
            last_decided: 0,
            now: Step::default(),
            waves: WaveBook::default(),
            deferred: HashMap::default(),
            last_days: LastDays::default(),
            payment_rule: PaymentRule::Unspecified,
            pickups: Pickups::default(),
            most_violations,
        }
    }

    /// Notes what does not hold.
    pub fn violation(&mut self, rule: Rule, subject: &str, detail: impl Into<String>) {
        self.report.violation_count += 1;
        if self.report.violations.len() < self.most_violations {
            let (subject, detail) = (subject.to_owned(), detail.into());
            let step = self.now.number;
            self.report.violations.push(Violation { rule, subject, detail, step });
        }
    }

    /// Whether a channel sells a node's stock.
    pub(super) fn is_exposed(&self, channel: u32, node: u32) -> bool {
        let Some(sells) = self.channels.get(&channel) else { return true };
        let belongs = |group: &u32| self.groups.contains(&(node, *group));
        (sells.nodes.is_empty() && sells.groups.is_empty())
            || sells.nodes.contains(&node)
            || sells.groups.iter().any(belongs)
    }

    /// A new step begins.
    pub fn begin_step(&mut self, number: u64) {
        self.now.number = number;
        self.now.request = None;
        self.now.soft_hold = None;
        self.now.wave = None;
        self.now.touched.clear();
    }

    /// Remembers that an order's lines changed in this step.
    pub(super) fn touch(&mut self, key: Key, name: &str) {
        if self.now.touched.iter().all(|(touched, _)| *touched != key) {
            self.now.touched.push((key, name.to_owned()));
        }
    }

    /// All facts and decisions of the step are in the books: does everything add up?
    pub fn close_step(&mut self) {
        if let Some(request) = self.now.request.take() {
            self.close_request(&request);
        }
        if let Some(asked) = self.now.soft_hold.take() {
            self.violation(
                Rule::OutcomeMissing,
                &asked.name,
                "no outcome of the soft hold in its step",
            );
        }
        if let Some(wave) = self.now.wave.take() {
            self.violation(Rule::OutcomeMissing, &wave, "the wave has no answer in its step");
        }
        for (key, name) in std::mem::take(&mut self.now.touched) {
            self.close_order(key, &name);
        }
    }

    fn close_request(&mut self, request: &Request) {
        let Some(status) = request.outcome else {
            if request.must_answer {
                self.violation(Rule::OutcomeMissing, &request.name, "no outcome in its step");
            }
            return;
        };
        let Some(order) = self.orders.get(&request.key) else { return };
        let sum = |units: fn(&Order, usize) -> i64| {
            (0..order.lines.len()).map(|line| units(order, line)).sum::<i64>()
        };
        let promised = sum(Order::live);
        let (waiting, cancelled) =
            (sum(|o, l| o.lines[l].waiting), sum(|o, l| o.lines[l].cancelled));
        let agrees = match status {
            OutcomeStatus::Unspecified
            | OutcomeStatus::Cancelled
            | OutcomeStatus::ReleaseRequested => false,
            OutcomeStatus::Held => promised + waiting + cancelled == 0 && order.is_held(),
            OutcomeStatus::Assigned => promised > 0 && waiting == 0 && cancelled == 0,
            OutcomeStatus::PartlyAssigned => {
                promised > 0 && (waiting + cancelled > 0 || order.is_held())
            }
            OutcomeStatus::Waiting | OutcomeStatus::Scheduled => promised == 0 && waiting > 0,
            OutcomeStatus::Refused => promised == 0 && waiting == 0,
        };
        let mut nodes: Vec<u32> = order.fulfilments.iter().map(|part| part.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        self.report.counts.split += u64::from(nodes.len() > 1);
        if !agrees {
            let found = format!("{promised} promised, {waiting} waiting, {cancelled} cancelled");
            let detail = format!("{} with {found}", status.as_str_name());
            self.violation(Rule::OutcomeDisagrees, &request.name, detail);
        }
    }

    fn close_order(&mut self, key: Key, name: &str) {
        let Some(order) = self.orders.get_mut(&key) else { return };
        let mut faults = Vec::new();
        let held = order.is_held();
        for line in 0..order.lines.len() {
            let open = order.open(line);
            let row = &mut order.lines[line];
            // The engine says when units begin to wait; that they found a node says enough.
            row.waiting = row.waiting.min(open.max(0));
            if held {
                // It stands in no queue until it may go on.
                row.waiting = open.max(0);
            }
            if open != row.waiting {
                faults.push((line, open, *row));
            }
        }
        for (line, open, row) in faults {
            let line_id = self.names.text(row.line_id);
            let detail = if open < 0 {
                format!("line {line_id}: {} more than the {} ordered", -open, row.ordered)
            } else {
                format!(
                    "line {line_id}: of {} ordered, {open} are neither promised, shipped nor \
                     cancelled, and {} of those wait",
                    row.ordered, row.waiting
                )
            };
            self.violation(Rule::Accounting, name, detail);
            // Told once: what follows is judged from here.
            if let Some(order) = self.orders.get_mut(&key) {
                order.lines[line].waiting = open.max(0);
            }
        }
    }

    /// The end of all topics.
    pub fn finish(mut self) -> CheckReport {
        self.begin_step(0);
        let unanswered = self.void.len();
        if unanswered > 0 {
            let detail = format!("{unanswered} void assignments neither repeated nor released");
            self.violation(Rule::VoidUnanswered, "assignments", detail);
        }
        let waiting = self.orders.values().flat_map(|order| &order.lines).map(|line| line.waiting);
        self.report.counts.waiting_milli = waiting.sum();
        self.report
    }
}
