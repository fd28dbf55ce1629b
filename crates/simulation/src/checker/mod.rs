//! The independent checker: what must hold for the topics of a market, whatever the engine did
//! inside.
//!
//! It shares no code with the engine, only the schema and the log. It reads each topic once, as a
//! reader of committed records: the journal and `rejected` first, then the inputs in the engine's
//! order with the decisions of each step beside them. Out of these it keeps its own books, an
//! order row per order and a shelf per (node, SKU), and compares after every step. [`Rule`] lists
//! what must hold.
//!
//! Memory grows with orders (about 250 bytes each), event ids (16 bytes) and the movements of each
//! shelf since its newest count (24 bytes), not with records.
//!
//! Limits: ids are remembered for ever, so a market that reuses an id after its horizon looks like
//! a duplicate here.

mod audit;
mod changes;
mod decisions;
mod deferred;
mod facts;
mod gathering;
mod holds;
mod kits;
mod ledger;
mod lots;
mod names;
mod preface;
mod promises;
mod purchasing;
mod report;
mod serials;
mod shelves;
mod soft_holds;
mod supply;
mod tariff;
mod topics;
mod transfers;
mod waves;
mod work;

use omnifold_log::{Log, TopicKind};

pub use report::{CheckReport, Counts, Rule, Violation};

use crate::output::Output;
use audit::Audit;
use preface::{Cut, Journal, Rejected};
use topics::{Cursor, INPUTS, Merge, Topics};

/// What is checked, and how much is told.
#[derive(Debug, Clone)]
pub struct CheckOptions {
    /// Violations that the report lists; all are counted.
    pub most_violations: usize,
    /// Whether orders beyond the last mark may still lack their outcome: the engine is running.
    pub may_lag: bool,
    /// Number of the market's first record.
    pub first_step: u64,
}

impl Default for CheckOptions {
    fn default() -> Self {
        CheckOptions { most_violations: 50, may_lag: false, first_step: 1 }
    }
}

/// Checks a market from the start of its topics to their end.
///
/// # Errors
/// Where a topic is missing, was trimmed or cannot be read. What does not hold is no error: it
/// stands in the report.
pub fn check(
    log: &dyn Log,
    prefix: &str,
    market: &str,
    options: &CheckOptions,
) -> anyhow::Result<CheckReport> {
    let own = [TopicKind::Assignments, TopicKind::Rejected, TopicKind::Journal];
    let kinds: Vec<TopicKind> = TopicKind::INPUTS.into_iter().chain(own).collect();
    let (mut topics, mut cursors) = Topics::open(log, prefix, market, &kinds)?;
    let mut journal_cursor = cursors.pop().expect("eight topics");
    let mut rejected_cursor = cursors.pop().expect("eight topics");
    let decisions = cursors.pop().expect("eight topics");
    let (journal, cuts) = Journal::read(&mut journal_cursor, &mut topics)?;
    let rejected = Rejected::read(&mut rejected_cursor, &mut topics)?;

    let mut run = Run {
        topics,
        merge: Merge::new(cursors),
        decisions,
        audit: Audit::new(options.most_violations, rejected.len() as u64),
        step: options.first_step - 1,
        journal,
        cuts,
        rejected,
    };
    run.all(options)?;
    Ok(run.audit.finish())
}

struct Run {
    topics: Topics,
    merge: Merge,
    decisions: Cursor,
    audit: Audit,
    step: u64,
    journal: Journal,
    cuts: Vec<Cut>,
    rejected: Rejected,
}

impl Run {
    fn all(&mut self, options: &CheckOptions) -> anyhow::Result<()> {
        let before_first = options.first_step - 1;
        let cuts = std::mem::take(&mut self.cuts);
        self.audit.report.counts.marks = cuts.len() as u64;
        self.audit.report.counts.stray_marks = self.journal.stray_marks;
        for cut in &cuts {
            self.slice(cut.frontier)?;
            self.compare_count(cut, before_first);
        }
        if !options.may_lag || cuts.is_empty() {
            self.slice([u64::MAX; INPUTS])?;
        }
        self.rest_of_decisions()
    }

    fn slice(&mut self, limits: [u64; INPUTS]) -> anyhow::Result<()> {
        self.merge.cut_at(limits);
        while let Some(input) = self.merge.next(&mut self.topics)? {
            self.step += 1;
            let refused = self.rejected.get(input.topic, input.record.offset);
            self.audit.fact(self.step, &input, refused);
            // What the record caused, then what time brought after it: each adds up on its own.
            for until in [(self.step, 0), (self.step, u32::MAX)] {
                self.decisions_until(until)?;
                self.audit.close_step();
            }
        }
        Ok(())
    }

    fn compare_count(&mut self, cut: &Cut, before_first: u64) {
        let folded = self.step - before_first;
        if folded != cut.steps {
            let detail = format!("the mark says {} records, its frontiers {folded}", cut.steps);
            self.audit.violation(Rule::MarkCount, "journal", detail);
        }
    }

    fn rest_of_decisions(&mut self) -> anyhow::Result<()> {
        self.audit.begin_step(self.step + 1);
        self.decisions_until((u64::MAX, u32::MAX))?;
        self.audit.close_step();
        Ok(())
    }

    fn decisions_until(&mut self, until: (u64, u32)) -> anyhow::Result<()> {
        let Run { decisions, topics, journal, audit, .. } = self;
        take_decisions(decisions, topics, journal, audit, until)
    }
}

/// Hands the decisions up to and including a moment (step, timers after it) to the audit.
fn take_decisions(
    cursor: &mut Cursor,
    topics: &mut Topics,
    journal: &Journal,
    audit: &mut Audit,
    until: (u64, u32),
) -> anyhow::Result<()> {
    while cursor.load(topics)? {
        let record = cursor.record();
        let output = match Output::from_record(&record) {
            Ok(output) => output,
            Err(error) => {
                let subject = format!("assignments offset {}", record.offset);
                audit.violation(Rule::UnknownSubject, &subject, error.to_string());
                cursor.advance();
                continue;
            }
        };
        // What never took effect belongs to no step, and stands before what was decided instead.
        let effective = journal.is_effective(record.headers);
        if effective && (output.step(), output.timer()) > until {
            break;
        }
        audit.decision(&record, &output, effective);
        cursor.advance();
    }
    Ok(())
}

#[cfg(test)]
mod tests;
