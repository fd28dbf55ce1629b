//! Lots: units of a (SKU, node) that came together and expire together. They leave first expired
//! first out.
//!
//! Lots are a second book beside the stock row, which stays the truth: the sum of a row's lots is
//! never more than what is on hand or in quarantine, and units of no lot are the rest. An assignment
//! names the lots to take; the order keeps them in the order in which they leave, and a lot counts what
//! orders were told of it.

use omnifold_events::v1;
use serde::{Deserialize, Serialize};

use crate::supplier::subject_of;
use crate::{Node, NodeIx, Opening, Order, OrderKey, SkuIx, State, TimerKey, TimerKind, calendar};

/// Most lots of one (SKU, node).
pub const MAX_LOTS: usize = 100;
/// Days of shelf life.
const DAY_MS: i64 = 86_400_000;

/// What a lot is known by, and when it ends.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LotId {
    /// The seller's name for it. Empty, in an order: units of no lot.
    pub name: String,
    /// Its last day, in days since 1970-01-01; `None`: it does not expire.
    pub expires_on: Option<i32>,
    /// The instant at which that day is over at the node, milliseconds since the Unix epoch; 0: it
    /// does not expire.
    pub ends_at: i64,
}

impl LotId {
    /// Whether it may not be sold or shipped at an instant.
    pub fn is_expired(&self, at_ms: i64) -> bool {
        (1..=at_ms).contains(&self.ends_at)
    }

    /// Its last day as `YYYY-MM-DD`; empty: it does not expire.
    pub fn last_day(&self) -> String {
        let date = self.expires_on.and_then(calendar::date_of);
        date.map_or_else(String::new, |date| date.to_string())
    }

    /// Units of it, as they are told.
    pub fn told(&self, units: i64) -> v1::LotQuantity {
        let (lot, expires_on) = (self.name.clone(), self.last_day());
        v1::LotQuantity { lot, quantity_milli: units, expires_on }
    }

    /// First expired first out; what never expires comes last, and the name decides a tie.
    pub(crate) fn place(&self) -> (i64, &str) {
        (if self.ends_at == 0 { i64::MAX } else { self.ends_at }, &self.name)
    }
}

/// One lot on its shelf. Quantities in 1/1000 unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// What it is.
    pub id: LotId,
    /// Its units on hand.
    pub on_hand: i64,
    /// Its units in quarantine.
    pub quarantine: i64,
    /// Units that nodes were told to take of it. More than `on_hand` where units were lost or
    /// expired since.
    pub promised: i64,
    /// The orders that hold those, the first to be told first.
    pub orders: Vec<(OrderKey, i64)>,
}

/// The instant up to which units that a node is given at an instant have to last: it is done with them by
/// its calendar, and so many days of 24 hours pass after that.
pub fn lasts_until(node: &Node, at_ms: i64, days: u32) -> i64 {
    let done = |opening: &Opening| opening.after(at_ms, opening.processing_ms);
    let done_ms = node.opening.as_deref().map_or(at_ms, done);
    done_ms.saturating_add(i64::from(days) * DAY_MS)
}

impl Lot {
    /// Units on hand that nobody was told to take; 0 where more was told than is there.
    pub fn free(&self) -> i64 {
        (self.on_hand - self.promised).max(0)
    }

    fn is_nothing(&self) -> bool {
        self.on_hand == 0 && self.quarantine == 0 && self.promised == 0
    }

    /// Whether only quarantine holds units of it.
    fn is_set_aside(&self) -> bool {
        self.on_hand == 0 && self.promised == 0
    }

    /// An order was told to take units of it, or holds them no more (less than 0).
    pub(crate) fn promise(&mut self, order: OrderKey, units: i64) {
        self.promised += units;
        match self.orders.iter_mut().find(|row| row.0 == order) {
            Some(row) => row.1 += units,
            None => self.orders.push((order, units)),
        }
        self.orders.retain(|row| row.1 != 0);
    }
}

/// The lots of one (SKU, node).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lots {
    /// What expires first stands first.
    pub rows: Vec<Lot>,
}

impl Lots {
    /// Units on hand that are of a lot.
    pub fn on_hand(&self) -> i64 {
        self.rows.iter().map(|lot| lot.on_hand).sum()
    }

    /// Units in quarantine that are of a lot.
    pub fn quarantined(&self) -> i64 {
        self.rows.iter().map(|lot| lot.quarantine).sum()
    }

    /// Whether no further lot can be kept: lots that only quarantine holds make room.
    pub(crate) fn is_full(&self) -> bool {
        self.rows.iter().filter(|lot| !lot.is_set_aside()).count() >= MAX_LOTS
    }

    /// The lot of that name.
    pub fn named(&self, name: &str) -> Option<&Lot> {
        self.rows.iter().find(|lot| lot.id.name == name)
    }

    /// The lot of that name, to be changed; made where there is none.
    pub(crate) fn entry(&mut self, id: &LotId) -> &mut Lot {
        let place = self.rows.iter().position(|lot| lot.id.name == id.name);
        let place = place.unwrap_or_else(|| {
            let place = self.rows.partition_point(|lot| lot.id.place() < id.place());
            let (id, orders) = (id.clone(), Vec::new());
            let lot = Lot { id, on_hand: 0, quarantine: 0, promised: 0, orders };
            self.rows.insert(place, lot);
            place
        });
        &mut self.rows[place]
    }

    /// Takes units that left without a lot's name, where more of lots is said to be there than is:
    /// those that expire first, as whoever picks is told to.
    pub(crate) fn trim(&mut self, on_hand: i64, quarantine: i64) {
        let mut excess = self.on_hand() - on_hand.max(0);
        let mut aside = self.quarantined() - quarantine.max(0);
        for lot in &mut self.rows {
            let taken = lot.on_hand.min(excess).max(0);
            lot.on_hand -= taken;
            excess -= taken;
            let taken = lot.quarantine.min(aside).max(0);
            lot.quarantine -= taken;
            aside -= taken;
        }
    }

    /// Units on hand that leave without a lot's name, by lot: those of no lot first, then what expires
    /// first, of that what nobody was told to take before the rest. `on_hand` is the stock row's.
    pub(crate) fn leaving(&self, on_hand: i64, units: i64) -> Vec<(LotId, i64)> {
        let mut missing = units - (on_hand - self.on_hand()).max(0);
        let mut taken = vec![0; self.rows.len()];
        let all = |lot: &Lot| lot.on_hand;
        for most in [Lot::free, all] {
            for (lot, taken) in self.rows.iter().zip(&mut taken) {
                let more = (most(lot) - *taken).min(missing).max(0);
                *taken += more;
                missing -= more;
            }
        }
        let rows = self.rows.iter().zip(taken).filter(|row| row.1 > 0);
        rows.map(|(lot, taken)| (lot.id.clone(), taken)).collect()
    }

    /// Forgets what is nothing any more, and where there are too many the names of what only quarantine
    /// holds, what expired first before the others.
    fn tidy(&mut self) {
        self.rows.retain(|lot| !lot.is_nothing());
        while self.rows.len() > MAX_LOTS {
            let Some(place) = self.rows.iter().position(Lot::is_set_aside) else { return };
            self.rows.remove(place);
        }
    }

    /// What ends the next of them.
    pub fn timer(&self, sku: SkuIx, node: NodeIx) -> Option<TimerKey> {
        let there = self.rows.iter().find(|lot| lot.on_hand > 0)?;
        let (due_ms, kind) = (there.id.ends_at, TimerKind::LotExpires);
        let step = (u64::from(sku.0) << 32) | u64::from(node.0);
        (due_ms != 0).then_some(TimerKey { due_ms, kind, step })
    }
}

/// Units of an order that are of one lot. Quantities in 1/1000 unit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LotShare {
    /// Place in [`Order::fulfilments`].
    pub fulfilment: u32,
    /// Place in the fulfilment's lines.
    pub line: u32,
    /// The lot.
    pub lot: LotId,
    /// Still to ship.
    pub promised: i64,
    /// Left the node.
    pub shipped: i64,
}

impl LotShare {
    fn is_of(&self, fulfilment: usize, line: usize) -> bool {
        (self.fulfilment as usize, self.line as usize) == (fulfilment, line)
    }
}

impl Order {
    /// Its units that are of a lot.
    pub fn lots(&self) -> &[LotShare] {
        self.details.as_ref().map_or(&[], |details| &details.lots)
    }

    /// The lots of the first units that a fulfilment's line still holds, in the order in which they
    /// leave.
    pub fn lots_held(&self, fulfilment: usize, line: usize, units: i64) -> Vec<(LotId, i64)> {
        let mut left = units;
        let mut held = Vec::new();
        for share in self.lots().iter().filter(|share| share.is_of(fulfilment, line)) {
            let taken = share.promised.min(left);
            if taken > 0 {
                left -= taken;
                held.push((share.lot.clone(), taken));
            }
        }
        held
    }

    /// The lots of which units of an order line left, and units of no lot as one without a name.
    pub fn lots_shipped(&self, line: usize) -> Vec<&LotId> {
        let of_line = |share: &&LotShare| {
            let part = &self.fulfilments[share.fulfilment as usize].lines[share.line as usize];
            part.line as usize == line && share.shipped > 0
        };
        let mut found: Vec<&LotId> = Vec::new();
        for share in self.lots().iter().filter(of_line) {
            if !found.contains(&&share.lot) {
                found.push(&share.lot);
            }
        }
        found
    }

    /// Units of a line are of this lot and leave before others. Returns how many more of it are
    /// promised now.
    pub(crate) fn take_from_lot(
        &mut self,
        fulfilment: usize,
        line: usize,
        lot: &LotId,
        units: i64,
    ) -> i64 {
        let shipped = self.fulfilments[fulfilment].lines[line].shipped;
        let lots = &mut self.details.get_or_insert_default().lots;
        let of_line = |share: &LotShare| share.is_of(fulfilment, line);
        let key =
            LotShare { fulfilment: fulfilment as u32, line: line as u32, ..LotShare::default() };
        if shipped > 0 && !lots.iter().any(of_line) {
            lots.push(LotShare { shipped, ..key.clone() });
        }
        let known = lots.iter().position(|share| of_line(share) && share.lot.name == lot.name);
        let known = known.map(|place| lots.remove(place));
        let mut share = known.unwrap_or(LotShare { lot: lot.clone(), ..key });
        let more = (units - share.promised).max(0);
        share.promised += more;
        lots.insert(0, share);
        more
    }

    /// Brings the lots in line with the units: what left since is taken from the first of them, and
    /// what is no longer promised from the last.
    fn settle_lots(&mut self) -> Vec<Gone> {
        let Some(details) = self.details.as_mut().filter(|details| !details.lots.is_empty()) else {
            return Vec::new();
        };
        let mut gone = Vec::new();
        for (place, fulfilment) in self.fulfilments.iter().enumerate() {
            for (part, row) in fulfilment.lines.iter().enumerate() {
                let of_line = |share: &LotShare| share.is_of(place, part);
                if !details.lots.iter().any(of_line) {
                    continue;
                }
                let before = gone.len();
                settle_line(&mut details.lots, of_line, row.shipped, row.allocated, &mut gone);
                for gone in &mut gone[before..] {
                    (gone.sku, gone.node) = (self.lines[row.line as usize].sku, fulfilment.node);
                }
            }
        }
        details.lots.retain(|share| share.promised > 0 || share.shipped > 0);
        gone
    }
}

/// Units of a lot that an order holds no more.
struct Gone {
    sku: SkuIx,
    node: NodeIx,
    lot: String,
    shipped: i64,
    released: i64,
}

fn settle_line(
    lots: &mut Vec<LotShare>,
    of_line: impl Fn(&LotShare) -> bool,
    shipped: i64,
    allocated: i64,
    gone: &mut Vec<Gone>,
) {
    let known: i64 = lots.iter().filter(|share| of_line(share)).map(|share| share.shipped).sum();
    let mut left = shipped - known;
    for share in lots.iter_mut().filter(|share| of_line(share)) {
        let taken = share.promised.min(left);
        share.promised -= taken;
        share.shipped += taken;
        left -= taken;
        gone.extend(Gone::of(share, taken, 0));
    }
    if left > 0 {
        let plain = lots.iter().position(|share| of_line(share) && share.lot.name.is_empty());
        let plain = plain.unwrap_or_else(|| {
            let of = lots.iter().find(|share| of_line(share)).cloned().expect("the caller saw one");
            lots.push(LotShare { lot: LotId::default(), promised: 0, shipped: 0, ..of });
            lots.len() - 1
        });
        lots[plain].shipped += left;
    }
    let promised = lots.iter().filter(|share| of_line(share)).map(|share| share.promised);
    let mut excess = promised.sum::<i64>() - allocated;
    for share in lots.iter_mut().rev().filter(|share| of_line(share)) {
        let released = share.promised.min(excess).max(0);
        share.promised -= released;
        excess -= released;
        gone.extend(Gone::of(share, 0, released));
    }
}

impl Gone {
    fn of(share: &LotShare, shipped: i64, released: i64) -> Option<Gone> {
        let (sku, node, lot) = (SkuIx(0), NodeIx(0), share.lot.name.clone());
        (shipped + released > 0).then_some(Gone { sku, node, lot, shipped, released })
    }
}

/// After an order changed: what left is no longer in its lots, and what was given up is promised no
/// more.
pub(crate) fn settle<S: State>(state: &mut S, key: OrderKey) {
    if state.order(key).is_none_or(|order| order.lots().is_empty()) {
        return;
    }
    let mut gone = Vec::new();
    state.change_order(key, &mut |order| gone.extend(order.settle_lots()));
    for Gone { sku, node, lot, shipped, released } in gone {
        change(state, sku, node, |lots| {
            if let Some(row) = lots.rows.iter_mut().find(|row| row.id.name == lot) {
                row.promise(key, -(shipped + released));
                row.on_hand -= shipped.min(row.on_hand);
            }
        });
    }
}

/// Changes the lots of a (SKU, node), and the timer with them. Lots of which nothing is there and
/// nothing promised are forgotten.
pub(crate) fn change<S: State>(
    state: &mut S,
    sku: SkuIx,
    node: NodeIx,
    change: impl FnOnce(&mut Lots),
) {
    let mut lots = state.lots(sku, node).cloned().unwrap_or_default();
    let before = lots.timer(sku, node);
    change(&mut lots);
    lots.tidy();
    let after = lots.timer(sku, node);
    if before != after {
        before.into_iter().for_each(|timer| state.remove_timer(timer));
        after.into_iter().for_each(|timer| state.put_timer(timer, subject_of(sku, node)));
    }
    state.put_lots(sku, node, (!lots.rows.is_empty()).then_some(lots));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(name: &str, promised: i64, shipped: i64) -> LotShare {
        let lot = LotId { name: name.to_owned(), ..LotId::default() };
        LotShare { lot, promised, shipped, ..LotShare::default() }
    }

    fn settled(mut lots: Vec<LotShare>, shipped: i64, allocated: i64) -> Vec<LotShare> {
        settle_line(&mut lots, |_| true, shipped, allocated, &mut Vec::new());
        lots
    }

    #[test]
    fn what_leaves_is_taken_from_the_first_lot_and_what_is_given_up_from_the_last() {
        let told = || vec![share("A", 2, 0), share("B", 3, 0)];
        assert_eq!(settled(told(), 3, 2), [share("A", 0, 2), share("B", 2, 1)]);
        assert_eq!(settled(told(), 0, 4), [share("A", 2, 0), share("B", 2, 0)]);
        assert_eq!(settled(told(), 0, 1), [share("A", 1, 0), share("B", 0, 0)]);
        let (mixed, later) = (settled(told(), 6, 0), settled(told(), 5, 1));
        assert_eq!(mixed, [share("A", 0, 2), share("B", 0, 3), share("", 0, 1)]);
        assert_eq!(settled(later, 6, 0), mixed, "a unit of no lot left last");
    }

    #[test]
    fn lots_stand_first_expired_first_and_are_trimmed_so() {
        let mut lots = Lots::default();
        for (name, ends_at, units) in [("C", 0, 4), ("B", 20, 3), ("A", 20, 2), ("D", 10, 1)] {
            let id = LotId { name: name.to_owned(), expires_on: None, ends_at };
            lots.entry(&id).on_hand = units;
        }
        let there = |lots: &Lots| -> Vec<(String, i64)> {
            lots.rows.iter().map(|lot| (lot.id.name.clone(), lot.on_hand)).collect()
        };
        let row = |name: &str, units: i64| (name.to_owned(), units);
        assert_eq!(there(&lots), [row("D", 1), row("A", 2), row("B", 3), row("C", 4)]);
        lots.trim(5, 0);
        assert_eq!(there(&lots), [row("D", 0), row("A", 0), row("B", 1), row("C", 4)]);
        let due = |lots: &Lots| lots.timer(SkuIx(1), NodeIx(2)).map(|timer| timer.due_ms);
        assert_eq!(due(&lots), Some(20));
        lots.trim(-1, 0);
        assert_eq!((lots.on_hand(), due(&lots)), (0, None));
    }

    #[test]
    fn what_leaves_unnamed_is_of_no_lot_then_free_then_what_expires_first() {
        let mut lots = Lots::default();
        for (name, ends_at, units) in [("A", 10, 3), ("B", 20, 2)] {
            let id = LotId { name: name.to_owned(), expires_on: None, ends_at };
            lots.entry(&id).on_hand = units;
        }
        lots.rows[0].promise(OrderKey(7), 2);
        let leaving = |on_hand, units| -> Vec<(String, i64)> {
            let taken = lots.leaving(on_hand, units).into_iter();
            taken.map(|(lot, units)| (lot.name, units)).collect()
        };
        let row = |name: &str, units: i64| (name.to_owned(), units);
        assert_eq!(leaving(6, 1), []);
        assert_eq!(leaving(6, 3), [row("A", 1), row("B", 1)]);
        assert_eq!(leaving(6, 5), [row("A", 2), row("B", 2)]);
        assert_eq!(leaving(5, 9), [row("A", 3), row("B", 2)]);
    }

    #[test]
    fn a_lot_that_only_quarantine_holds_makes_room() {
        let mut lots = Lots::default();
        for number in 0..MAX_LOTS as i64 {
            let id = LotId { name: format!("{number:03}"), expires_on: None, ends_at: number + 1 };
            lots.entry(&id).on_hand = 1;
        }
        assert!(lots.is_full());
        (lots.rows[3].on_hand, lots.rows[3].quarantine) = (0, 1);
        assert!(!lots.is_full());
        lots.entry(&LotId { name: "new".to_owned(), ..LotId::default() }).on_hand = 1;
        lots.tidy();
        assert!(lots.named("003").is_none() && lots.named("new").is_some() && lots.is_full());
    }

    #[test]
    fn a_lot_knows_the_orders_that_hold_it() {
        let mut lots = Lots::default();
        let lot = lots.entry(&LotId::default());
        lot.promise(OrderKey(1), 3);
        lot.promise(OrderKey(2), 1);
        lot.promise(OrderKey(1), -3);
        assert_eq!((lot.promised, &lot.orders), (1, &vec![(OrderKey(2), 1)]));
    }
}
