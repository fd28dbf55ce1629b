//! The stock ledger: every movement of units as an entry, and what few readers need of a stock row.
//!
//! An entry moves units between buckets or lets them in and out of the market; its changes sum to
//! zero with the outside (law L1). A count is an entry too: its variance is what it found more or
//! less than the ledger. A movement acts at its own time, so one that arrives after a count for a
//! later time was already in what was counted: it is booked, and the count's variance gives it back
//! (rule E2). A late count is treated in the same way. Whatever the order of arrival, the stock is
//! then the newest count and the movements after it.

use omnifold_events::v1;
use serde::{Deserialize, Serialize};

use crate::Stock;

/// Newest movements of on_hand that a row remembers: so far back may a count speak.
pub const MAX_RECENT: usize = 32;

/// What an entry of the ledger is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // the event of that name
pub enum EntryKind {
    Count,
    /// What a late movement or count takes from the variance of the count that saw it already.
    VarianceCorrected,
    Adjust,
    Move,
    Receive,
    Allocate,
    Release,
    /// Kept for a cart or a checkout.
    Hold,
    /// A soft hold was given up, expired, or gave way to its order.
    HoldEnded,
    Reject,
    /// The node found fewer units than it had promised.
    ShortPick,
    Ship,
    /// Lost or damaged on their way to the customer.
    Lost,
    /// Called back, and at the node that they left from.
    ReturnedToOrigin,
    /// Came back from a customer.
    Return,
    Inspect,
    /// Came back without a receipt.
    BlindReturn,
    TransferDispatched,
    /// Units of a transfer reached the other node.
    TransferArrived,
    TransferReceived,
    TransferLost,
    TransferCancelled,
    /// Goods of a purchase order arrived.
    PurchaseReceived,
    /// A receipt of a purchase order was booked by mistake.
    PurchaseReversed,
}

/// One entry of a row's ledger: by how much each bucket changed, in 1/1000 unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // as in `Stock` and `Ledger`
pub struct Entry {
    pub kind: EntryKind,
    /// The reason's name in the schema; empty where the event has none.
    pub reason: &'static str,
    /// The instant at which it acts, milliseconds since the Unix epoch; 0: that of its record.
    pub time_ms: i64,
    pub on_hand: i64,
    pub allocated: i64,
    pub held: i64,
    pub quarantine: i64,
    pub in_transit: i64,
    pub shipped: i64,
    pub written_off: i64,
    pub returned_to_supplier: i64,
    /// Units that came from outside the market, or went there.
    pub entered: i64,
}

impl Entry {
    /// An entry that changes nothing yet.
    pub fn new(kind: EntryKind, reason: &'static str, time_ms: i64) -> Self {
        Entry {
            kind,
            reason,
            time_ms,
            on_hand: 0,
            allocated: 0,
            held: 0,
            quarantine: 0,
            in_transit: 0,
            shipped: 0,
            written_off: 0,
            returned_to_supplier: 0,
            entered: 0,
        }
    }

    /// L1: what the buckets gained came from outside.
    pub fn is_balanced(&self) -> bool {
        let places = [self.on_hand, self.quarantine, self.shipped];
        places.iter().sum::<i64>() + self.aside() == self.entered
    }

    /// Change of the buckets that [`Stock::aside`] sums up.
    fn aside(&self) -> i64 {
        self.in_transit + self.written_off + self.returned_to_supplier
    }

    /// Whether any of those buckets changes; two may, and their sum not.
    fn moves_aside(&self) -> bool {
        [self.in_transit, self.written_off, self.returned_to_supplier] != [0; 3]
    }

    /// The count that saw this entry's units already gives them back.
    fn correction(&self, count_ms: i64) -> Entry {
        let (on_hand, entered) = (-self.on_hand, -self.on_hand);
        Entry { on_hand, entered, ..Entry::new(EntryKind::VarianceCorrected, "", count_ms) }
    }

    /// The row after this entry; `None` where a sum would not fit 64 bits.
    fn applied_to(&self, stock: &Stock) -> Option<Stock> {
        Some(Stock {
            on_hand: stock.on_hand.checked_add(self.on_hand)?,
            allocated: stock.allocated.checked_add(self.allocated)?,
            held: stock.held.checked_add(self.held)?,
            quarantine: stock.quarantine.checked_add(self.quarantine)?,
            shipped: stock.shipped.checked_add(self.shipped)?,
            aside: stock.aside.checked_add(self.aside())?,
            entered: stock.entered.checked_add(self.entered)?,
            ..*stock
        })
    }
}

/// What a remembered movement was, as far as later counts ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MovementKind {
    /// Units came or went.
    Moved,
    /// Promised units left with a courier.
    Shipped,
    /// A count; with the reason it gave (`v1::CountReason`).
    Counted {
        /// Whether open orders had been taken off (rule Q5).
        net: bool,
        /// Why somebody counted.
        reason: i32,
    },
}

/// A movement of on_hand that a row remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// The instant at which it acts.
    pub time_ms: i64,
    /// Change of on_hand; of a count, its variance as known by now.
    pub delta: i64,
    /// What it was.
    pub kind: MovementKind,
}

/// Units kept back beside the absolute buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SafetyStock {
    /// The absolute buffer of the same settings.
    pub absolute: i64,
    /// Share of on_hand, per cent.
    pub percent: u32,
    /// Weeks of sales, 1/1000 week.
    pub weeks_milli: i64,
}

impl SafetyStock {
    /// Units kept back: the largest of the three, in whole steps of the item, rounded up.
    fn buffer(&self, on_hand: i64, weekly_sales: i64, step: i64) -> i64 {
        let share = (i128::from(on_hand.max(0)) * i128::from(self.percent)).div_ceil_of(100);
        let weeks = (i128::from(weekly_sales) * i128::from(self.weeks_milli)).div_ceil_of(1_000);
        let most = share.max(weeks).div_ceil_of(i128::from(step)) * i128::from(step);
        i64::try_from(most).unwrap_or(i64::MAX / 4).max(self.absolute)
    }
}

/// Division of what is not negative, rounded up.
trait DivCeil {
    fn div_ceil_of(self, by: Self) -> Self;
}

impl DivCeil for i128 {
    fn div_ceil_of(self, by: Self) -> Self {
        (self + by - 1) / by
    }
}

/// What few stock rows have, and routing reads only where a policy's rule asks. Quantities in 1/1000 unit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Left for another node and not yet there: owned by neither (rule S7).
    pub in_transit: i64,
    /// Lost, destroyed, expired.
    pub written_off: i64,
    /// Sent back to who supplied them.
    pub returned_to_supplier: i64,
    /// Units kept back by more than an absolute figure.
    pub safety: Option<SafetyStock>,
    /// Units sold in a week, as told from outside.
    pub weekly_sales: i64,
    /// The newest movements of on_hand, by the time at which they act; counts after movements.
    pub recent: Vec<Movement>,
    /// The instant of the newest count that had not taken open orders off; 0 before the first.
    pub physical_as_of: i64,
    /// Newest time among the movements no longer remembered.
    pub forgotten_until: Option<i64>,
    /// Units kept for channels, by channel.
    pub reserved: Vec<(String, i64)>,
    /// What units lose if they are not sold here soon.
    pub markdown: Option<Markdown>,
    /// Units that orders suggest to move from here to other nodes.
    pub suggested: i64,
}

/// What a unit loses if it is not sold at its node soon, as told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Markdown {
    /// Minor units of the market's currency.
    pub amount: i64,
    /// From this instant on nothing, milliseconds since the Unix epoch; 0: it has no end.
    pub until: i64,
}

/// Who saw a movement already.
#[derive(Debug, PartialEq, Eq)]
enum SeenBy {
    Nobody,
    /// A remembered count, by its place.
    Count(usize),
    /// A count no longer remembered.
    Forgotten,
}

/// The variance of a count, and what it was before a late event corrected it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variance {
    /// The instant for which the count spoke.
    pub as_of_ms: i64,
    /// Counted less expected.
    pub units: i64,
    /// What it was; `None` for a count just booked.
    pub corrected_from: Option<i64>,
    /// `v1::CountReason`.
    pub reason: i32,
}

impl Ledger {
    /// The ledger of a row that has none yet. Most rows are counted once and then only sold from:
    /// their one movement of on_hand is that count, and the stock row tells it.
    pub fn opened_by(stock: &Stock) -> Self {
        if stock.counted_as_of == 0 {
            return Ledger::default();
        }
        let kind = MovementKind::Counted { net: false, reason: v1::CountReason::Opening.into() };
        let count = Movement { time_ms: stock.counted_as_of, delta: stock.on_hand, kind };
        let physical_as_of = stock.counted_as_of;
        Ledger { recent: vec![count], physical_as_of, ..Ledger::default() }
    }

    /// What a unit loses if it is not sold here, as it holds at an instant; 0: nothing.
    pub fn markdown_at(&self, at_ms: i64) -> i64 {
        let holds = |it: &&Markdown| it.until == 0 || at_ms < it.until;
        self.markdown.as_ref().filter(holds).map_or(0, |it| it.amount)
    }

    /// Sum of the buckets that [`Stock::aside`] stands for.
    pub fn aside(&self) -> i64 {
        self.in_transit + self.written_off + self.returned_to_supplier
    }

    /// What happened to on_hand after an instant, and how much of it was shipped. `None` where
    /// that is no longer remembered.
    pub fn since(&self, instant_ms: i64) -> Option<(i64, i64)> {
        if self.forgotten_until.is_some_and(|until| instant_ms < until) {
            return None;
        }
        let later = || self.recent.iter().filter(|movement| movement.time_ms > instant_ms);
        let shipped = later().filter(|movement| movement.kind == MovementKind::Shipped);
        Some((later().map(|m| m.delta).sum(), shipped.map(|m| -m.delta).sum()))
    }

    /// Whether a count saw already what happened at this time.
    pub fn was_counted(&self, stock: &Stock, time_ms: i64, kind: MovementKind) -> bool {
        let movement = Movement { time_ms, delta: 0, kind };
        self.seen_by(&movement, stock.counted_as_of) != SeenBy::Nobody
    }

    fn seen_by(&self, movement: &Movement, counted_as_of: i64) -> SeenBy {
        let is_count = matches!(movement.kind, MovementKind::Counted { .. });
        let covers = |other: &Movement| {
            let later = other.time_ms > movement.time_ms
                || (other.time_ms == movement.time_ms && !is_count);
            // Who counts net of open orders has not seen that a promised unit left.
            let sees = movement.kind != MovementKind::Shipped;
            matches!(other.kind, MovementKind::Counted { net, .. } if later && (sees || !net))
        };
        if let Some(place) = self.recent.iter().position(covers) {
            return SeenBy::Count(place);
        }
        let shipped = movement.kind == MovementKind::Shipped;
        let newest = if shipped { self.physical_as_of } else { counted_as_of };
        let before = movement.time_ms < newest || (movement.time_ms == newest && !is_count);
        // A count that is remembered would have been found.
        if newest != 0 && before { SeenBy::Forgotten } else { SeenBy::Nobody }
    }

    fn remember(&mut self, movement: Movement) {
        let counts = matches!(movement.kind, MovementKind::Counted { .. });
        let place = self.recent.partition_point(|other| {
            let other_counts = matches!(other.kind, MovementKind::Counted { .. });
            other.time_ms < movement.time_ms
                || (other.time_ms == movement.time_ms && (counts || !other_counts))
        });
        self.recent.insert(place, movement);
        if self.recent.len() > MAX_RECENT {
            let oldest = self.recent.remove(0).time_ms;
            self.forgotten_until = Some(self.forgotten_until.map_or(oldest, |t| t.max(oldest)));
        }
    }

    fn correct(&mut self, place: usize, units: i64) -> Variance {
        let count = &mut self.recent[place];
        let was = count.delta;
        count.delta -= units;
        let reason = match count.kind {
            MovementKind::Counted { reason, .. } => reason,
            MovementKind::Moved | MovementKind::Shipped => 0,
        };
        Variance { as_of_ms: count.time_ms, units: count.delta, corrected_from: Some(was), reason }
    }

    /// The buffer in force, where it is more than an absolute figure.
    pub fn buffer(&self, on_hand: i64, step: i64) -> Option<i64> {
        let safety = self.safety.as_ref()?;
        Some(safety.buffer(on_hand, self.weekly_sales, step))
    }
}

/// What booking an entry does to a row: computed first, written after.
#[derive(Debug, Clone)]
pub struct Booked {
    /// The stock row after it.
    pub stock: Stock,
    /// The ledger row after it, where it changed.
    pub ledger: Option<Ledger>,
    /// What the count that saw it gives back.
    pub correction: Option<Entry>,
    /// The count's variance after that.
    pub variance: Option<Variance>,
}

/// Books an entry that moves units (rule E2). `None` where a sum would not fit 64 bits.
pub fn book(
    stock: &Stock,
    ledger: Option<&Ledger>,
    entry: &Entry,
    kind: MovementKind,
    step: i64,
) -> Option<Booked> {
    let counts = matches!(kind, MovementKind::Counted { .. });
    let after = entry.applied_to(stock)?;
    let nothing = Booked { stock: after, ledger: None, correction: None, variance: None };
    if !counts && entry.on_hand == 0 && !entry.moves_aside() {
        return Some(nothing);
    }
    let opens = ledger.is_none() && stock.counted_as_of == 0 && stock.on_hand == 0;
    if opens && matches!(kind, MovementKind::Counted { net: false, .. }) {
        return Some(nothing); // as `Ledger::opened_by` will tell it
    }
    let ledger = ledger.cloned().unwrap_or_else(|| Ledger::opened_by(stock));
    ledger.book(after, entry, kind, step)
}

impl Ledger {
    fn book(
        mut self,
        mut stock: Stock,
        entry: &Entry,
        kind: MovementKind,
        step: i64,
    ) -> Option<Booked> {
        self.in_transit += entry.in_transit;
        self.written_off += entry.written_off;
        self.returned_to_supplier += entry.returned_to_supplier;
        let (mut correction, mut variance) = (None, None);
        if entry.on_hand != 0 || matches!(kind, MovementKind::Counted { .. }) {
            let movement = Movement { time_ms: entry.time_ms, delta: entry.on_hand, kind };
            match self.seen_by(&movement, stock.counted_as_of) {
                SeenBy::Nobody => {}
                SeenBy::Count(place) => {
                    correction = Some(entry.correction(self.recent[place].time_ms));
                    variance = Some(self.correct(place, entry.on_hand));
                }
                SeenBy::Forgotten => correction = Some(entry.correction(stock.counted_as_of)),
            }
            if let MovementKind::Counted { net: false, .. } = kind {
                self.physical_as_of = self.physical_as_of.max(entry.time_ms);
            }
            self.remember(movement);
        }
        if let Some(correction) = &correction {
            stock = correction.applied_to(&stock)?;
        }
        if let Some(buffer) = self.buffer(stock.on_hand, step) {
            stock.buffer = buffer;
        }
        Some(Booked { stock, ledger: Some(self), correction, variance })
    }
}

#[cfg(test)]
mod tests;
