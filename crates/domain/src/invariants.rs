//! What every build must hold (DESIGN section 9), one predicate each. Tests, the simulator and
//! `omnifold verify` use the same ones; I3, I4, I5 and I7 speak of runs and stand in the projector
//! and the state crate.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Expected, Fulfilment, Inbound, Ledger, Lot, Lots, NodeIx, Order, OrderKey, PurchaseOrder,
    Scorecard, Serial, SerialPlace, SerialShelf, SkuIx, State, Stock, TimerKey, Transfer,
    whole_units,
};

/// A broken promise, with its id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{id}: {what}")]
pub struct Violation {
    /// `I1` to `I7`, or the law: `L21`.
    pub id: &'static str,
    /// What is broken, and where.
    pub what: String,
}

impl Violation {
    /// A violation with its explanation.
    pub fn new(id: &'static str, what: impl Into<String>) -> Self {
        Violation { id, what: what.into() }
    }
}

/// I1, per (node, SKU): every unit that entered is on hand, in quarantine or shipped.
pub fn i1_stock_is_conserved(stock: &Stock) -> bool {
    stock.is_conserved()
        && stock.allocated >= 0
        && stock.held >= 0
        && stock.quarantine >= 0
        && stock.shipped >= 0
}

/// I1, per (node, SKU): what stock says is set aside is what its ledger row tells apart.
pub fn i1_aside_is_told(stock: &Stock, ledger_aside: i64) -> bool {
    stock.aside == ledger_aside
}

/// I1: units in transit belong to transfers under way, and none of a row's buckets is below zero.
/// `under_way` is the sum over all transfers from that row.
pub fn i1_transit_has_a_transfer(ledger: &Ledger, under_way: i64) -> bool {
    ledger.in_transit == under_way
        && ledger.in_transit >= 0
        && ledger.written_off >= 0
        && ledger.returned_to_supplier >= 0
}

/// I1: units that are of a lot are there, on hand and in quarantine, and no lot has less than none.
pub fn i1_lots_are_there(lots: &Lots, stock: &Stock) -> bool {
    let there = |lot: &Lot| lot.on_hand >= 0 && lot.quarantine >= 0 && lot.promised >= 0;
    lots.rows.iter().all(there)
        && lots.on_hand() <= stock.on_hand.max(0)
        && lots.quarantined() <= stock.quarantine.max(0)
}

/// I6: what a lot says is promised, and to whom, is what orders hold of it. `held` says what each order
/// holds.
pub fn i6_lots_have_owners(lot: &Lot, held: &BTreeMap<OrderKey, i64>) -> bool {
    let named: BTreeMap<OrderKey, i64> = lot.orders.iter().copied().collect();
    lot.promised == held.values().sum::<i64>()
        && named.len() == lot.orders.len()
        && named.iter().eq(held.iter().filter(|row| *row.1 != 0))
}

/// I1: lots and serial numbers under way are units under way.
pub fn i1_cargo_is_under_way(transfer: &Transfer) -> bool {
    let units = |sku: SkuIx| -> i64 {
        transfer.under_way.iter().filter(|row| row.0 == sku).map(|row| row.1).sum()
    };
    let lots = |sku: SkuIx| -> i64 {
        transfer.lots.iter().filter(|row| row.0 == sku).map(|row| row.2).sum()
    };
    let serials = |sku: SkuIx| transfer.serials.iter().filter(|row| row.0 == sku).count();
    transfer.lots.iter().all(|row| row.2 > 0 && lots(row.0) <= units(row.0))
        && transfer.serials.iter().all(|row| serials(row.0) <= whole_units(units(row.0)))
}

/// I1: a place has no more serial numbers than units.
pub fn i1_serials_are_units(shelf: &SerialShelf, stock: &Stock) -> bool {
    shelf.on_hand.len() <= whole_units(stock.on_hand)
        && shelf.quarantine.len() <= whole_units(stock.quarantine)
}

/// I1: no more serial numbers of a line are with its customer than units.
pub fn i1_serials_left_with_units(order: &Order) -> bool {
    let of_line = |line: u32| order.serials().iter().filter(|share| share.line == line).count();
    let fits = |line: u32| of_line(line) <= whole_units(order.units_out(line as usize));
    order.serials().iter().all(|share| fits(share.line))
}

/// I1: a serial number stands at one place. `book` is the place whose books have it: a shelf, a
/// transfer, an order; other places keep none.
pub fn i1_serial_stands_at_one_place(row: &Serial, book: Option<&SerialPlace>) -> bool {
    let place = &row.newest().place;
    let kept = !matches!(
        place,
        SerialPlace::WrittenOff(_)
            | SerialPlace::ReturnedToSupplier(_)
            | SerialPlace::Gone(_)
            | SerialPlace::Unaccounted(_)
    );
    book == kept.then_some(place)
}

/// I1: what a (node, SKU) may expect is what the purchase orders, announced deliveries and transfers
/// under way hold for it.
pub fn i1_inbound_has_sources(row: &Inbound, expected: &[Expected]) -> bool {
    *row == Inbound::of(expected)
}

/// L21: no line has more received or billed than its order allows, and its figures are those of the
/// receipts that stand.
pub fn l21_purchase_is_within_bounds(order: &PurchaseOrder) -> bool {
    let received = |place: usize, units: fn(&crate::purchase::ReceiptLine) -> i64| -> i64 {
        let standing = order.receipts.iter().filter(|receipt| !receipt.reversed);
        let rows = standing.flat_map(|receipt| &receipt.lines);
        rows.filter(|row| row.line == Some(place as u32)).map(units).sum()
    };
    crate::fold::within_bounds(order)
        && order.lines.iter().enumerate().all(|(place, line)| {
            line.received == received(place, |row| row.received())
                && line.accepted == received(place, |row| row.accepted)
        })
}

/// I1, per order: every unit of every line is somewhere, and its fulfilments say the same.
pub fn i1_order_is_accounted(order: &Order) -> bool {
    let lines_add_up = order.lines.iter().all(crate::Line::is_accounted);
    let agrees = |place: usize, units: &dyn Fn(&crate::FulfilmentLine) -> i64| -> i64 {
        let lines = order.fulfilments.iter().flat_map(|f| &f.lines);
        lines.filter(|line| line.line as usize == place).map(units).sum()
    };
    lines_add_up
        && order.lines.iter().enumerate().all(|(place, line)| {
            line.allocated == agrees(place, &|l| l.allocated)
                && line.shipped == agrees(place, &|l| l.shipped)
                && line.delivered == agrees(place, &|l| l.delivered)
                && late_units_agree(order, place)
        })
}

/// L5: what came back or never arrived, summed over the fulfilments.
fn late_units_agree(order: &Order, place: usize) -> bool {
    let line = &order.lines[place];
    let (mut undelivered, mut returned) = (0, 0);
    for fulfilment in order.fulfilments.iter().filter(|fulfilment| fulfilment.progress.is_some()) {
        for (part, row) in fulfilment.lines.iter().enumerate() {
            if row.line as usize == place {
                let progress = fulfilment.line_progress(part);
                undelivered += progress.undelivered;
                returned += progress.returned;
            }
        }
    }
    line.undelivered == undelivered && line.returned == returned
}

/// I2: before a promise of so many units from stock and so many without, the node has them.
pub fn i2_promise_is_covered(before: &Stock, from_stock: i64, backordered: i64) -> bool {
    !before.flagged_out
        && from_stock <= before.on_hand_available()
        && from_stock + backordered <= before.on_hand_available() + before.backorder_available()
}

/// I6: what stock says is promised is what open fulfilments hold, and no closed one holds any.
/// `allocated` is the sum over all orders' open fulfilments at that node.
pub fn i6_promises_have_owners(stock: &Stock, allocated: i64) -> bool {
    stock.allocated == allocated
}

/// I6: what stock says is held is what active holds say. `held` is the sum over all holds at that
/// node.
pub fn i6_soft_holds_have_owners(stock: &Stock, held: i64) -> bool {
    stock.held == held
}

/// I6: what must end has a timer that ends it, at its time or, where its work failed, put off.
pub fn i6_will_end(needed: &TimerKey, timers: &BTreeSet<TimerKey>) -> bool {
    let of_same = |timer: &&TimerKey| (timer.kind, timer.step) == (needed.kind, needed.step);
    timers.range(needed..).any(|timer| of_same(&timer))
}

/// I6: open units stand in the queue of their SKU, and nothing else does; of an order on hold,
/// nothing stands in a queue.
pub fn i6_open_units_wait(order: &Order) -> bool {
    let held = order.is_held();
    order.lines.iter().all(|line| line.waiting == if held { 0 } else { line.open })
}

/// I6: units that a node was asked to give up are units that it holds.
pub fn i6_asked_units_are_held(order: &Order) -> bool {
    (0..).zip(&order.fulfilments).all(|(place, fulfilment)| {
        fulfilment.lines.iter().all(|line| order.asked_back_of(place, line) <= line.allocated)
    })
}

/// I6: a node that left the network has nothing left to pick. `gone` says which those are.
pub fn i6_nothing_is_stranded(order: &Order, gone: impl Fn(NodeIx) -> bool) -> bool {
    let left = |part: &Fulfilment| gone(part.node) && part.state.is_open();
    order.fulfilments.iter().filter(|part| left(part)).all(|part| {
        (0..).zip(&part.lines).all(|(line, row)| row.allocated <= part.line_progress(line).picked)
    })
}

/// I7: a node's scorecard keeps the days of one window, each once.
pub fn i7_scorecard_is_bounded(card: &Scorecard) -> bool {
    card.is_bounded()
}

/// Checks one order row on its own.
pub fn check_order<S: State>(state: &mut S, key: OrderKey) -> Vec<Violation> {
    let Some(order) = state.order(key) else { return Vec::new() };
    let name = format!("order `{}/{}`", order.channel, order.order_id);
    let mut found = Vec::new();
    if !i1_order_is_accounted(order) {
        found.push(Violation::new("I1", format!("{name} does not add up: {order:?}")));
    }
    if !i6_open_units_wait(order) {
        found.push(Violation::new("I6", format!("{name} has open units that no queue holds")));
    }
    if !i6_asked_units_are_held(order) {
        found.push(Violation::new("I6", format!("{name} asks for units its nodes do not hold")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AskedBack, FulfilmentLine, FulfilmentState, Hold, Line, SkuIx, TimerKind};

    fn stock() -> Stock {
        Stock {
            on_hand: 5_000,
            allocated: 2_000,
            shipped: 1_000,
            entered: 6_000,
            ..Stock::default()
        }
    }

    fn order() -> Order {
        let line = Line {
            line_id: "1".into(),
            sku: SkuIx(0),
            ordered: 3_000,
            open: 0,
            waiting: 0,
            allocated: 2_000,
            shipped: 1_000,
            delivered: 0,
            cancelled: 0,
            undelivered: 0,
            returned: 0,
            unit_price: 0,
        };
        let held = FulfilmentLine {
            line: 0,
            allocated: 2_000,
            backordered: 0,
            shipped: 1_000,
            delivered: 0,
        };
        Order {
            channel: "web".into(),
            order_id: "1".into(),
            revision: 1,
            decisions: 1,
            placed_step: 1,
            placed_at: 0,
            priority: 0,
            destination: None,
            allow_partial: false,
            fulfil_from: vec![],
            excluded: vec![],
            lines: vec![line],
            fulfilments: vec![Fulfilment {
                node: NodeIx(0),
                state: FulfilmentState::PartlyShipped,
                seq: 1,
                lines: vec![held],
                progress: None,
                due_at: 0,
            }],
            details: None,
            handling: None,
            timing: None,
        }
    }

    #[test]
    fn i1_catches_a_unit_that_vanished_from_stock() {
        assert!(i1_stock_is_conserved(&stock()));
        assert!(!i1_stock_is_conserved(&Stock { on_hand: 4_000, ..stock() }));
    }

    #[test]
    fn i1_catches_a_unit_that_vanished_on_the_way() {
        let ledger = Ledger { in_transit: 2_000, written_off: 500, ..Ledger::default() };
        let row = Stock { aside: 2_500, entered: 8_500, ..stock() };
        assert!(i1_stock_is_conserved(&row));
        assert!(i1_aside_is_told(&row, ledger.aside()));
        assert!(!i1_aside_is_told(&row, ledger.aside() - 1));
        assert!(i1_transit_has_a_transfer(&ledger, 2_000));
        assert!(!i1_transit_has_a_transfer(&ledger, 1_999));
        let broken = Ledger { written_off: -1, ..ledger };
        assert!(!i1_transit_has_a_transfer(&broken, 2_000));
    }

    #[test]
    fn i1_catches_a_unit_that_vanished_from_a_line() {
        assert!(i1_order_is_accounted(&order()));
        let mut broken = order();
        broken.lines[0].shipped -= 1_000;
        assert!(!i1_order_is_accounted(&broken));
        let mut broken = order();
        broken.fulfilments[0].lines[0].allocated += 1_000;
        assert!(!i1_order_is_accounted(&broken));
    }

    #[test]
    fn i1_catches_a_unit_that_came_back_to_no_fulfilment() {
        let mut broken = order();
        broken.lines[0].delivered = 1_000;
        broken.fulfilments[0].lines[0].delivered = 1_000;
        broken.lines[0].returned = 1_000;
        assert!(!i1_order_is_accounted(&broken));
        broken.fulfilments[0].progress_mut().lines[0].returned = 1_000;
        assert!(i1_order_is_accounted(&broken));
        broken.lines[0].returned = 2_000;
        broken.fulfilments[0].progress_mut().lines[0].returned = 2_000;
        assert!(!i1_order_is_accounted(&broken), "L5: more came back than arrived");
    }

    #[test]
    fn i2_catches_a_promise_of_air() {
        assert!(i2_promise_is_covered(&stock(), 3_000, 0));
        assert!(!i2_promise_is_covered(&stock(), 3_001, 0));
        assert!(!i2_promise_is_covered(&stock(), 3_000, 1));
        let limited = Stock { backorder_limit: 2_000, ..stock() };
        assert!(i2_promise_is_covered(&limited, 3_000, 2_000));
        assert!(!i2_promise_is_covered(&limited, 3_000, 2_001));
        assert!(!i2_promise_is_covered(&Stock { flagged_out: true, ..stock() }, 1, 0));
    }

    #[test]
    fn i6_catches_a_promise_without_an_owner() {
        assert!(i6_promises_have_owners(&stock(), 2_000));
        assert!(!i6_promises_have_owners(&stock(), 1_000));
        let held = Stock { held: 2_000, ..stock() };
        assert!(
            i6_soft_holds_have_owners(&held, 2_000) && !i6_soft_holds_have_owners(&held, 1_000)
        );
        let mut stranded = order();
        stranded.lines[0].open = 1_000;
        assert!(!i6_open_units_wait(&stranded));
    }

    #[test]
    fn i6_catches_a_held_order_in_a_queue_and_a_question_for_units_that_left() {
        let mut held = order();
        held.lines[0].open = 1_000;
        let hold = Hold { id: "h".into(), reason: 1, fulfilment: 0 };
        held.handling_mut().holds.push(hold);
        assert!(i6_open_units_wait(&held));
        held.lines[0].waiting = 1_000;
        assert!(!i6_open_units_wait(&held));

        let mut asked = order();
        let question = AskedBack { fulfilment: 0, line: 0, units: 2_000 };
        asked.handling_mut().asked_back.push(question);
        assert!(i6_asked_units_are_held(&asked));
        asked.fulfilments[0].lines[0].allocated = 1_000;
        assert!(!i6_asked_units_are_held(&asked));
    }

    #[test]
    fn i6_catches_work_that_is_stranded_at_a_node_that_left() {
        let gone = |node: NodeIx| node == NodeIx(0);
        let mut left = order();
        assert!(!i6_nothing_is_stranded(&left, gone));
        left.fulfilments[0].progress_mut().lines[0].picked = 2_000;
        assert!(i6_nothing_is_stranded(&left, gone), "what is picked drains");
        assert!(i6_nothing_is_stranded(&order(), |_| false));
    }

    #[test]
    fn i6_catches_a_deadline_that_no_timer_ends() {
        let timer = |due_ms, step| TimerKey { due_ms, kind: TimerKind::FulfilmentDue, step };
        let set = |timers: &[TimerKey]| timers.iter().copied().collect::<BTreeSet<_>>();
        assert!(i6_will_end(&timer(5, 1), &set(&[timer(5, 1)])));
        assert!(i6_will_end(&timer(5, 1), &set(&[timer(9, 1)])), "put off");
        assert!(!i6_will_end(&timer(5, 1), &set(&[])));
        assert!(!i6_will_end(&timer(5, 1), &set(&[timer(4, 1), timer(5, 2)])));
    }
}
