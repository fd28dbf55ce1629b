//! Recomputing the digest from the stored rows, and looking at each row's invariants.

mod lots;
mod moves;
mod serials;
mod supply;

use std::collections::{BTreeMap, BTreeSet};

use omnifold_domain::invariants::{self, Violation};
use omnifold_domain::promise::OrderPromise;
use omnifold_domain::{
    Absence, Ledger, Node, NodeIx, Order, Return, Scorecard, SoftHold, Stock, TimerKey, TimerKind,
    Transfer, timer,
};

use crate::backend::{Backend, StateError};
use crate::digest::Digest;
use crate::rows::{Table, decode, key_timer, key_u32};

/// What a scan of the stored rows found.
#[derive(Debug, Default)]
pub struct ScanReport {
    /// Rows read.
    pub rows: u64,
    /// The digest they add up to.
    pub digest: Digest,
    /// Broken invariants, at most [`MAX_VIOLATIONS`].
    pub violations: Vec<Violation>,
}

/// Violations kept: enough to see what is wrong.
pub const MAX_VIOLATIONS: usize = 100;

/// Reads every stored row once. Memory grows with the stock rows, not with the orders.
pub fn scan(backend: &dyn Backend) -> Result<ScanReport, StateError> {
    let mut report = ScanReport::default();
    let mut promised: BTreeMap<(u32, u32), i64> = BTreeMap::new();
    let mut held: BTreeMap<(u32, u32), i64> = BTreeMap::new();
    let mut ends = Ends::default();
    let mut of_lots = lots::Sums::default();
    let mut of_serials = serials::Books::default();
    let mut suggested = moves::Suggested::default();
    let gone = scan_nodes(backend, &mut ends)?;
    for table in Table::ALL.into_iter().filter(|table| table.is_digested()) {
        backend.scan(table, &[], &[], &mut |key, value| {
            report.rows += 1;
            let canonical = if table == Table::Seen { value } else { &value[1.min(value.len())..] };
            report.digest.replace(0, Digest::of_row(table, key, canonical));
            match table {
                Table::Order => {
                    let order: Order = decode(table, key, value)?;
                    check_order(&order, &mut promised, &mut report.violations);
                    of_lots.add(&order);
                    suggested.add(&order, &mut report.violations);
                    of_serials.add(&order, &mut report.violations);
                    check_stranded(&order, &gone, &mut report.violations);
                    ends.needed.extend(timer::timers_of(&order));
                }
                Table::SoftHold => {
                    let hold: SoftHold = decode(table, key, value)?;
                    ends.needed.push(hold.timer());
                    for part in &hold.units {
                        *held.entry((part.sku.0, part.node.0)).or_default() += part.quantity;
                    }
                }
                Table::Return => ends.needed.extend(decode::<Return>(table, key, value)?.timer()),
                Table::Promise => {
                    ends.needed.extend(decode::<OrderPromise>(table, key, value)?.timer());
                }
                Table::Scorecard => {
                    let card: Scorecard = decode(table, key, value)?;
                    check_scorecard(key, &card, &mut report.violations);
                }
                Table::Timer => ends.timers.extend(key_timer(key)),
                _ => {}
            }
            Ok(())
        })?;
    }
    of_lots.read(backend, &mut report, &mut ends.needed)?;
    of_serials.read(backend, &mut report)?;
    let mut aside = scan_ledgers(backend, &mut suggested, &mut report)?;
    suggested.end(&mut report.violations);
    backend.scan(Table::Stock, &[], &[], &mut |key, value| {
        let stock: Stock = decode(Table::Stock, key, value)?;
        let place = (key_u32(key, 0).unwrap_or(0), key_u32(key, 4).unwrap_or(0));
        of_lots.check_on_hand(place, &stock, &mut report.violations);
        of_serials.check_units(place, &stock, &mut report.violations);
        let owned = promised.remove(&place).unwrap_or(0);
        check_stock(place, &stock, owned, &mut report.violations);
        let told = aside.remove(&place).unwrap_or(0);
        if !invariants::i1_aside_is_told(&stock, told) {
            let what = format!(
                "SKU {} at node {}: {} set aside, its ledger says {told}",
                place.0, place.1, stock.aside
            );
            note(&mut report.violations, Violation::new("I1", what));
        }
        check_held(place, &stock, held.remove(&place).unwrap_or(0), &mut report.violations);
        Ok(())
    })?;
    for (place, units) in aside {
        let what =
            format!("{units} set aside of SKU {} at node {} that has no row", place.0, place.1);
        note(&mut report.violations, Violation::new("I1", what));
    }
    of_serials.end(&mut report.violations);
    supply::scan(backend, &mut report, &mut ends.needed)?;
    ends.check(&mut report.violations);
    for (place, units) in promised.into_iter().chain(held).filter(|&(_, units)| units != 0) {
        let what = format!(
            "{units} promised or held of SKU {} at node {} that has no row",
            place.0, place.1
        );
        note(&mut report.violations, Violation::new("I6", what));
    }
    Ok(report)
}

/// Nodes that left the network; pauses that end by themselves have a timer.
fn scan_nodes(backend: &dyn Backend, ends: &mut Ends) -> Result<BTreeSet<NodeIx>, StateError> {
    let mut gone = BTreeSet::new();
    backend.scan(Table::Node, &[], &[], &mut |key, value| {
        let node: Node = decode(Table::Node, key, value)?;
        let number = key_u32(key, 0).unwrap_or(0);
        match node.absence.as_deref() {
            Some(Absence::Offboarded { .. }) => drop(gone.insert(NodeIx(number))),
            Some(&Absence::Paused { until_ms: due_ms @ 1.., .. }) => {
                let (kind, step) = (TimerKind::NodeResumes, u64::from(number));
                ends.needed.push(TimerKey { due_ms, kind, step });
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(gone)
}

fn check_stranded(order: &Order, gone: &BTreeSet<NodeIx>, violations: &mut Vec<Violation>) {
    if !invariants::i6_nothing_is_stranded(order, |node| gone.contains(&node)) {
        let name = format!("order `{}/{}`", order.channel, order.order_id);
        note(violations, Violation::new("I6", format!("{name} is stranded at a node that left")));
    }
}

/// What each row's ledger says is set aside, where it is anything; in transit is what transfers hold.
fn scan_ledgers(
    backend: &dyn Backend,
    suggested: &mut moves::Suggested,
    report: &mut ScanReport,
) -> Result<BTreeMap<(u32, u32), i64>, StateError> {
    let mut under_way: BTreeMap<(u32, u32), i64> = BTreeMap::new();
    backend.scan(Table::Transfer, &[], &[], &mut |key, value| {
        let transfer: Transfer = decode(Table::Transfer, key, value)?;
        for (sku, units) in transfer.under_way {
            *under_way.entry((sku.0, transfer.from.0)).or_default() += units;
        }
        Ok(())
    })?;
    let mut aside = BTreeMap::new();
    backend.scan(Table::Movement, &[], &[], &mut |key, value| {
        let ledger: Ledger = decode(Table::Movement, key, value)?;
        let place = (key_u32(key, 0).unwrap_or(0), key_u32(key, 4).unwrap_or(0));
        let carried = under_way.remove(&place).unwrap_or(0);
        if !invariants::i1_transit_has_a_transfer(&ledger, carried) {
            let what = format!(
                "SKU {} at node {}: {ledger:?}, transfers hold {carried}",
                place.0, place.1
            );
            note(&mut report.violations, Violation::new("I1", what));
        }
        suggested.check(place, &ledger, &mut report.violations);
        if ledger.aside() != 0 {
            aside.insert(place, ledger.aside());
        }
        Ok(())
    })?;
    for (place, units) in under_way {
        let what =
            format!("{units} under way from SKU {} at node {} without a ledger", place.0, place.1);
        note(&mut report.violations, Violation::new("I1", what));
    }
    Ok(aside)
}

fn note(violations: &mut Vec<Violation>, violation: Violation) {
    if violations.len() < MAX_VIOLATIONS {
        violations.push(violation);
    }
}

fn check_order(
    order: &Order,
    promised: &mut BTreeMap<(u32, u32), i64>,
    violations: &mut Vec<Violation>,
) {
    let name = format!("order `{}/{}`", order.channel, order.order_id);
    if !invariants::i1_order_is_accounted(order) {
        note(violations, Violation::new("I1", format!("{name} does not add up: {order:?}")));
    }
    if !invariants::i6_open_units_wait(order) {
        note(violations, Violation::new("I6", format!("{name} has open units in no queue")));
    }
    if !invariants::i6_asked_units_are_held(order) {
        note(violations, Violation::new("I6", format!("{name} asks for units nobody holds")));
    }
    for fulfilment in &order.fulfilments {
        for line in &fulfilment.lines {
            let sku = order.lines[line.line as usize].sku;
            *promised.entry((sku.0, fulfilment.node.0)).or_default() += line.allocated;
        }
    }
}

fn check_scorecard(key: &[u8], card: &Scorecard, violations: &mut Vec<Violation>) {
    if !invariants::i7_scorecard_is_bounded(card) {
        let node = key_u32(key, 0).unwrap_or(0);
        note(violations, Violation::new("I7", format!("node {node} has {card:?}")));
    }
}

fn check_stock(place: (u32, u32), stock: &Stock, owned: i64, violations: &mut Vec<Violation>) {
    let name = format!("stock of SKU {} at node {}", place.0, place.1);
    if !invariants::i1_stock_is_conserved(stock) {
        note(violations, Violation::new("I1", format!("{name} does not add up: {stock:?}")));
    }
    if !invariants::i6_promises_have_owners(stock, owned) {
        let what = format!("{name}: {} allocated, orders hold {owned}", stock.allocated);
        note(violations, Violation::new("I6", what));
    }
}

fn check_held(place: (u32, u32), stock: &Stock, owned: i64, violations: &mut Vec<Violation>) {
    if !invariants::i6_soft_holds_have_owners(stock, owned) {
        let (sku, node) = place;
        let what =
            format!("stock of SKU {sku} at node {node}: {} held, holds say {owned}", stock.held);
        note(violations, Violation::new("I6", what));
    }
}

/// What must end, and the timers there are.
#[derive(Default)]
struct Ends {
    needed: Vec<TimerKey>,
    timers: BTreeSet<TimerKey>,
}

impl Ends {
    /// I6: every hold, deadline, release date and end of waiting has its timer.
    fn check(&self, violations: &mut Vec<Violation>) {
        for needed in &self.needed {
            if !invariants::i6_will_end(needed, &self.timers) {
                note(violations, Violation::new("I6", format!("no timer ends {needed:?}")));
            }
        }
    }
}
