//! Where the figures of one stock row come from: its ledger, replayed from the log.
//!
//! The log is folded from its start into a store in memory that listens to the row. The entries are
//! added up and compared with the row that the fold left (law L2).

use std::collections::VecDeque;
use std::sync::Arc;

use omnifold_domain::{Entry, EntryKind, Ledger, NodeIx, SkuIx, Stock, View as _};
use omnifold_events::format_time;
use omnifold_log::Log;
use omnifold_state::MemoryBackend;
use serde_json::{Value, json};

use crate::error::ProjectorError;
use crate::follower::{Follower, How};
use crate::machine::Heard;
use crate::mark::Standing;
use crate::options::{Options, StateAt};
use crate::query::{Answer, QueryError, units};
use crate::recorded::Tail;

/// A question about one stock row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The node.
    pub node: String,
    /// The SKU.
    pub sku: String,
    /// Only what acts at or before this instant, milliseconds since the Unix epoch, with everything
    /// known by now.
    pub as_of_ms: Option<i64>,
    /// At most this many of the newest entries are listed; all are added up.
    pub limit: usize,
}

/// Lists the entries that sum to each bucket of a row, oldest first. Reads the whole log.
pub fn why(
    log: Arc<dyn Log>,
    market: &str,
    options: Options,
    question: &Why,
) -> Result<Result<Answer, QueryError>, ProjectorError> {
    let backend = Arc::new(MemoryBackend::default());
    let options = Options { state: StateAt::Memory, ..options };
    let mut follower = Follower::open(&log, market, &options, backend)?;
    follower.machine.heard = Some(Vec::new());
    follower.machine.store.watch(&question.node, &question.sku);
    let mut account = Account::new(question);
    while follower.follow_one(How::Follow, Tail::Growing)? {
        account.take(follower.machine.heard.as_mut().expect("it was set"));
    }
    let Some((sku, node)) = find(&follower, question) else {
        let missing = format!("`{}` does not stock `{}`", question.node, question.sku);
        return Ok(Err(QueryError::NotFound(missing)));
    };
    let stock = follower.machine.store.stock_at(sku, node).unwrap_or_default();
    let ledger = follower.machine.store.ledger(sku, node).cloned().unwrap_or_default();
    let body = account.body(question, &stock, &ledger);
    Ok(Ok(Answer { position: Standing::of(&follower.head.body), body }))
}

fn find(follower: &Follower, question: &Why) -> Option<(SkuIx, NodeIx)> {
    let store = &follower.machine.store;
    Some((store.item_named(&question.sku)?, store.node_named(&question.node)?))
}

/// What the entries add up to.
struct Account {
    as_of_ms: Option<i64>,
    limit: usize,
    listed: VecDeque<Value>,
    total: Entry,
    as_of: Entry,
    entries: u64,
}

impl Account {
    fn new(question: &Why) -> Self {
        let nothing = Entry::new(EntryKind::Count, "", 0);
        Account {
            as_of_ms: question.as_of_ms,
            limit: question.limit,
            listed: VecDeque::new(),
            total: nothing,
            as_of: nothing,
            entries: 0,
        }
    }

    fn take(&mut self, heard: &mut Vec<Heard>) {
        for heard in heard.drain(..) {
            let time_ms =
                if heard.entry.time_ms == 0 { heard.clock_ms } else { heard.entry.time_ms };
            add(&mut self.total, &heard.entry);
            if self.as_of_ms.is_some_and(|as_of| time_ms > as_of) {
                continue;
            }
            add(&mut self.as_of, &heard.entry);
            self.entries += 1;
            self.listed.push_back(line(&heard, time_ms));
            if self.listed.len() > self.limit {
                self.listed.pop_front();
            }
        }
    }

    /// The entries, their sums, and whether those are the row's own figures (L2).
    fn body(self, question: &Why, stock: &Stock, ledger: &Ledger) -> Value {
        let mut body = json!({
            "node": question.node,
            "sku": question.sku,
            "entries": self.listed,
            "not_listed": self.entries - self.listed.len() as u64,
            "sum": buckets(&self.as_of),
            "row": buckets(&row_of(stock, ledger)),
            "agrees": is_sum_of(&self.total, stock, ledger),
        });
        if let Some(as_of) = question.as_of_ms {
            body["as_of"] = json!(format_time(as_of));
        }
        body
    }
}

fn add(sum: &mut Entry, entry: &Entry) {
    sum.on_hand += entry.on_hand;
    sum.allocated += entry.allocated;
    sum.held += entry.held;
    sum.quarantine += entry.quarantine;
    sum.in_transit += entry.in_transit;
    sum.shipped += entry.shipped;
    sum.written_off += entry.written_off;
    sum.returned_to_supplier += entry.returned_to_supplier;
    sum.entered += entry.entered;
}

/// The row's figures in the form of the entry that would make them from nothing.
fn row_of(stock: &Stock, ledger: &Ledger) -> Entry {
    Entry {
        on_hand: stock.on_hand,
        allocated: stock.allocated,
        held: stock.held,
        quarantine: stock.quarantine,
        in_transit: ledger.in_transit,
        shipped: stock.shipped,
        written_off: ledger.written_off,
        returned_to_supplier: ledger.returned_to_supplier,
        entered: stock.entered,
        ..Entry::new(EntryKind::Count, "", 0)
    }
}

/// L2: each bucket of the row is the sum of its entries.
fn is_sum_of(total: &Entry, stock: &Stock, ledger: &Ledger) -> bool {
    *total == row_of(stock, ledger)
}

fn figures(entry: &Entry) -> [(&'static str, i64); 9] {
    [
        ("on_hand", entry.on_hand),
        ("allocated", entry.allocated),
        ("held", entry.held),
        ("quarantine", entry.quarantine),
        ("in_transit", entry.in_transit),
        ("shipped", entry.shipped),
        ("written_off", entry.written_off),
        ("returned_to_supplier", entry.returned_to_supplier),
        ("entered", entry.entered),
    ]
}

fn buckets(entry: &Entry) -> Value {
    figures(entry).into_iter().map(|(name, milli)| (name.to_owned(), json!(units(milli)))).collect()
}

/// One entry for a person: what changed, and the record that caused it.
fn line(heard: &Heard, time_ms: i64) -> Value {
    let entry = &heard.entry;
    let changes =
        figures(entry).into_iter().filter(|&(name, milli)| milli != 0 && name != "entered");
    let changes: Vec<String> = changes.map(|(name, milli)| change(name, milli)).collect();
    let place = heard.place.map(|(topic, offset)| format!("{}@{offset}", topic.name()));
    json!({
        "step": heard.step,
        "record": place.unwrap_or_default(),
        "event": heard.event.trim_start_matches("omnifold.v1."),
        "time": format_time(time_ms),
        "entry": entry.kind,
        "reason": reason(entry.reason),
        "changes": changes.join(", "),
    })
}

fn change(bucket: &str, milli: i64) -> String {
    let sign = if milli > 0 { "+" } else { "" };
    format!("{bucket} {sign}{}", units(milli))
}

/// `ADJUSTMENT_REASON_SALE` as `sale`; nothing where none was given.
fn reason(name: &str) -> String {
    let name = name.trim_start_matches("STOCK_HOLD_STATUS_");
    let word = name.split_once("_REASON_").map_or(name, |(_, word)| word);
    if word == "UNSPECIFIED" { String::new() } else { word.to_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l2_catches_an_entry_that_was_lost() {
        let stock =
            Stock { on_hand: 5, held: 1, shipped: 2, aside: 3, entered: 10, ..Stock::default() };
        let ledger = Ledger { in_transit: 1, written_off: 2, ..Ledger::default() };
        let total = row_of(&stock, &ledger);
        assert!(is_sum_of(&total, &stock, &ledger));
        assert!(!is_sum_of(&Entry { on_hand: 4, ..total }, &stock, &ledger));
        assert!(!is_sum_of(&Entry { written_off: 1, ..total }, &stock, &ledger));
        assert!(!is_sum_of(&Entry { held: 0, ..total }, &stock, &ledger));
    }

    #[test]
    fn reasons_read_as_words() {
        assert_eq!(reason("ADJUSTMENT_REASON_SALE"), "sale");
        assert_eq!(reason("REJECTION_REASON_NOT_IN_STOCK"), "not_in_stock");
        assert_eq!(reason("COUNT_REASON_UNSPECIFIED"), "");
        assert_eq!(reason("STOCK_HOLD_STATUS_EXPIRED"), "expired");
    }
}
