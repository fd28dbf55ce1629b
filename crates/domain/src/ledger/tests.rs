//! Laws of the ledger, over random entries in random order.

use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3_600_000;

/// What happens to a row, at a time.
#[derive(Debug, Clone, Copy)]
enum Event {
    Moved(i64),
    Quarantined(i64),
    Dispatched(i64),
    /// Under way, and never there.
    Lost(i64),
    Shipped(i64),
    Counted(i64),
}

/// One row with all its entries.
#[derive(Debug, Default, Clone)]
struct Row {
    stock: Stock,
    ledger: Option<Ledger>,
    entries: Vec<Entry>,
}

impl Row {
    fn take(&mut self, time_ms: i64, event: Event) {
        let new = |kind| Entry::new(kind, "", time_ms);
        let (entry, kind) = match event {
            Event::Moved(units) => {
                let entry = Entry { on_hand: units, entered: units, ..new(EntryKind::Adjust) };
                (entry, MovementKind::Moved)
            }
            Event::Quarantined(units) => {
                let entry = Entry { on_hand: -units, quarantine: units, ..new(EntryKind::Move) };
                (entry, MovementKind::Moved)
            }
            Event::Dispatched(units) => {
                let kind = EntryKind::TransferDispatched;
                (Entry { on_hand: -units, in_transit: units, ..new(kind) }, MovementKind::Moved)
            }
            Event::Lost(units) => {
                let kind = EntryKind::TransferLost;
                (Entry { in_transit: -units, written_off: units, ..new(kind) }, MovementKind::Moved)
            }
            Event::Shipped(units) => {
                let entry = Entry { on_hand: -units, shipped: units, ..new(EntryKind::Ship) };
                (entry, MovementKind::Shipped)
            }
            Event::Counted(units) => {
                let (after, _) = self.told().since(time_ms).expect("few enough movements");
                let variance = units - (self.stock.on_hand - after);
                let entry = Entry { on_hand: variance, entered: variance, ..new(EntryKind::Count) };
                (entry, MovementKind::Counted { net: false, reason: 0 })
            }
        };
        self.book(entry, kind);
    }

    fn book(&mut self, entry: Entry, kind: MovementKind) {
        let booked = book(&self.stock, self.ledger.as_ref(), &entry, kind, 1).expect("it fits");
        self.stock = booked.stock;
        self.ledger = booked.ledger.or(self.ledger.take());
        if let MovementKind::Counted { .. } = kind {
            self.stock.counted_as_of = self.stock.counted_as_of.max(entry.time_ms);
        }
        self.entries.push(entry);
        self.entries.extend(booked.correction);
    }

    /// The ledger, also where it has no row of its own.
    fn told(&self) -> Ledger {
        self.ledger.clone().unwrap_or_else(|| Ledger::opened_by(&self.stock))
    }

    /// The answer to "how many were on hand then", with what is known by now.
    fn as_of(&self, time_ms: i64) -> i64 {
        self.entries.iter().filter(|entry| entry.time_ms <= time_ms).map(|e| e.on_hand).sum()
    }

    fn variances(&self) -> Vec<(i64, i64)> {
        let recent = self.told().recent;
        let counts = recent.iter().filter(|m| matches!(m.kind, MovementKind::Counted { .. }));
        counts.map(|count| (count.time_ms, count.delta)).collect()
    }
}

fn an_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (-9i64..10).prop_map(Event::Moved),
        2 => (1i64..4).prop_map(Event::Quarantined),
        2 => (1i64..4).prop_map(Event::Dispatched),
        2 => (1i64..4).prop_map(Event::Lost),
        2 => (1i64..4).prop_map(Event::Shipped),
        3 => (0i64..50).prop_map(Event::Counted),
    ]
}

/// Events at distinct times, as few as a row remembers, in the order of arrival.
fn a_history() -> impl Strategy<Value = Vec<(i64, Event)>> {
    let events = prop::collection::vec(an_event(), 1..MAX_RECENT);
    let timed = |events: Vec<Event>| {
        (1..).map(|n: i64| n * HOUR).zip(events).collect::<Vec<(i64, Event)>>()
    };
    events.prop_map(timed).prop_shuffle()
}

fn row_of(history: &[(i64, Event)]) -> Row {
    let mut row = Row::default();
    for &(time, event) in history {
        row.take(time, event);
    }
    row
}

/// The stock by the rule itself: the newest count, and the movements after it.
fn newest_count_and_what_followed(history: &[(i64, Event)]) -> i64 {
    let mut sorted = history.to_vec();
    sorted.sort_unstable_by_key(|&(time, _)| time);
    sorted.iter().fold(0, |on_hand, &(_, event)| match event {
        Event::Moved(units) => on_hand + units,
        Event::Lost(_) => on_hand,
        Event::Quarantined(units) | Event::Dispatched(units) | Event::Shipped(units) => {
            on_hand - units
        }
        Event::Counted(units) => units,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// L1 and L2: every entry is balanced, units are conserved, each bucket is its entries' sum.
    #[test]
    fn units_are_conserved_and_every_bucket_is_the_sum_of_its_entries(history in a_history()) {
        let mut row = Row::default();
        for &(time, event) in &history {
            row.take(time, event);
            prop_assert!(row.entries.iter().all(Entry::is_balanced));
            prop_assert!(row.stock.is_conserved(), "{row:?}");
            prop_assert_eq!(row.stock.aside, row.told().aside());
            let sum = |part: fn(&Entry) -> i64| row.entries.iter().map(part).sum::<i64>();
            prop_assert_eq!(sum(|e| e.on_hand), row.stock.on_hand);
            prop_assert_eq!(sum(|e| e.quarantine), row.stock.quarantine);
            prop_assert_eq!(sum(|e| e.shipped), row.stock.shipped);
            prop_assert_eq!(sum(|e| e.in_transit), row.told().in_transit);
            prop_assert_eq!(sum(|e| e.written_off), row.told().written_off);
            prop_assert_eq!(sum(|e| e.entered), row.stock.entered);
        }
    }

    /// L10 b: movements and counts with distinct times give one stock in whatever order they come,
    /// the one that rule E2 says, and the same variances of the counts.
    #[test]
    fn the_order_of_arrival_does_not_matter(
        (history, other) in a_history().prop_flat_map(|h| (Just(h.clone()), Just(h).prop_shuffle())),
    ) {
        let (row, again) = (row_of(&history), row_of(&other));
        prop_assert_eq!(row.stock.on_hand, newest_count_and_what_followed(&history));
        prop_assert_eq!(row.stock, Stock { entered: row.stock.entered, ..again.stock });
        prop_assert_eq!(row.variances(), again.variances());
    }

    /// L22: what is answered for a time changes only through entries that act at or before it.
    #[test]
    fn the_past_changes_only_through_what_happened_in_it(history in a_history(), hour in 0i64..40) {
        let asked = hour * HOUR + 1;
        let mut row = Row::default();
        for &(time, event) in &history {
            let before = row.as_of(asked);
            row.take(time, event);
            if time > asked {
                prop_assert_eq!(row.as_of(asked), before);
            }
        }
        let past: Vec<(i64, Event)> =
            history.iter().copied().filter(|&(time, _)| time <= asked).collect();
        prop_assert_eq!(row.as_of(asked), newest_count_and_what_followed(&past));
    }

    /// What a row remembers is bounded, and how far back it can tell is known.
    #[test]
    fn memory_of_movements_is_bounded(times in prop::collection::vec(1i64..1_000, 1..100)) {
        let mut row = Row::default();
        for &time in &times {
            row.take(time, Event::Moved(1));
        }
        prop_assert!(row.told().recent.len() <= MAX_RECENT);
        prop_assert!(row.told().recent.is_sorted_by_key(|movement| movement.time_ms));
        for instant in 0..1_000 {
            let after = times.iter().filter(|&&time| time > instant).count() as i64;
            if let Some((told, _)) = row.told().since(instant) {
                prop_assert_eq!(told, after);
            } else {
                prop_assert!(times.len() > MAX_RECENT);
            }
        }
    }
}

#[test]
fn an_unbalanced_entry_is_caught() {
    let lost = Entry { on_hand: -2, quarantine: 1, ..Entry::new(EntryKind::Move, "", 1) };
    assert!(!lost.is_balanced());
    assert!(Entry { written_off: 1, ..lost }.is_balanced());
}

#[test]
fn a_row_counted_once_needs_no_ledger_row() {
    let mut row = Row::default();
    row.take(HOUR, Event::Counted(10));
    assert_eq!(row.ledger, None);
    assert_eq!(row.variances(), [(HOUR, 10)]);
    row.take(2 * HOUR, Event::Moved(-1));
    assert_eq!(row.ledger.as_ref().map(|ledger| ledger.recent.len()), Some(2));
    row.take(HOUR - 1, Event::Moved(-3));
    assert_eq!((row.stock.on_hand, row.variances()), (9, vec![(HOUR, 13)]));
}

#[test]
fn a_net_count_has_not_seen_that_a_promised_unit_left() {
    let shipped_before_a_count = |net: bool| {
        let mut row = Row::default();
        row.take(HOUR, Event::Counted(10));
        let entry = Entry::new(EntryKind::Count, "", 3 * HOUR);
        row.book(entry, MovementKind::Counted { net, reason: 0 });
        row.take(2 * HOUR, Event::Shipped(3));
        row.stock.on_hand
    };
    assert_eq!((shipped_before_a_count(false), shipped_before_a_count(true)), (10, 7));
}

#[test]
fn a_count_that_is_forgotten_still_holds_back_what_came_before_it() {
    let mut row = Row::default();
    row.take(HOUR, Event::Counted(100));
    for n in 0..MAX_RECENT as i64 {
        row.take(2 * HOUR + n, Event::Moved(-1));
    }
    assert_eq!(row.variances(), []);
    row.take(HOUR - 1, Event::Moved(-50));
    row.take(HOUR - 2, Event::Shipped(5));
    assert_eq!(row.stock.on_hand, 100 - MAX_RECENT as i64);
    assert!(row.stock.is_conserved());
    assert_eq!(row.told().since(HOUR - 1), None);
}

#[test]
fn the_safety_stock_is_the_largest_of_three_in_whole_steps() {
    let safety = SafetyStock { absolute: 5_000, percent: 12, weeks_milli: 1_500 };
    assert_eq!(safety.buffer(10_000, 0, 1_000), 5_000);
    assert_eq!(safety.buffer(99_000, 0, 1_000), 12_000);
    assert_eq!(safety.buffer(99_000, 0, 1), 11_880);
    assert_eq!(safety.buffer(99_000, 20_000, 1_000), 30_000);
    assert_eq!(safety.buffer(-99_000, 0, 1_000), 5_000);
}
