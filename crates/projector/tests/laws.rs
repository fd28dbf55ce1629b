//! Laws about one event at a time (L1, L3, L5, L7, L8, L11, L12, L13), on the fold and the router alone:
//! a store in memory, no log, every stock row compared before and after each event.

mod serials;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use omnifold_domain::fold::{Context, fold};
use omnifold_domain::{
    Decision, NodeIx, OrderKey, Refusal, SkuIx, Stock, View as _, WaitingKey, Work, decision, rules,
};
use omnifold_events::Event;
use omnifold_events::v1::{self, Cause};
use omnifold_routing::{Router, Turn, authorise, relocate, repay};
use omnifold_state::{MemoryBackend, Store};
use proptest::prelude::*;
use serials::{of_serials, with_serials};

const TEN: i64 = 1_748_858_400_000;
const NODES: usize = 3;
const SKUS: usize = 2;
const UNIT: i64 = 1_000;

/// The market of a step without log, marks or threads.
struct Bench {
    store: Store,
    router: Router,
    step: u64,
}

/// What one event did.
struct Done {
    refused: Option<Refusal>,
    decisions: Vec<Decision>,
}

impl Bench {
    fn new(market: v1::MarketConfigured) -> Self {
        let backend = Arc::new(MemoryBackend::default());
        let store = Store::open(backend, 1 << 20).expect("a store");
        let mut bench = Bench { store, router: Router::default(), step: 0 };
        bench.give(market.into());
        for place in 0..NODES {
            let location = Some(v1::Location { lat_e6: 48_000_000 + place as i32, lon_e6: 0 });
            let node_id = format!("n{place}");
            bench.give(v1::NodeDefined { node_id, location, ..Default::default() }.into());
        }
        for place in 0..SKUS {
            let sku = format!("s{place}");
            // The first has serial numbers.
            let serialised = place == 0;
            bench.give(v1::ItemDefined { sku, serialised, ..Default::default() }.into());
        }
        bench
    }

    fn give(&mut self, event: Event) -> Done {
        self.step += 1;
        self.store.begin_step();
        let now_ms = TEN + self.step as i64;
        let context =
            Context { step: self.step, time_ms: now_ms, now_ms, known_rules: rules::KNOWN };
        let mut work = Vec::new();
        if let Err(refusal) = fold(&mut self.store, context, &event, &mut work) {
            assert!(work.is_empty(), "a refused event opens no work");
            return Done { refused: Some(refusal), decisions: Vec::new() };
        }
        Done { refused: None, decisions: self.work_off(work.into()) }
    }

    fn work_off(&mut self, mut work: VecDeque<Work>) -> Vec<Decision> {
        let mut all = Vec::new();
        while let Some(next) = work.pop_front() {
            match next {
                Work::Route { order, cause } => {
                    let decisions =
                        self.router.route(&mut self.store, turn(self.step, cause), order);
                    self.carry_out(decisions, &mut work, &mut all);
                }
                Work::Cancel { order, lines, cause } => {
                    let turn = turn(self.step, cause);
                    let decisions = self.router.cancel(&mut self.store, turn, order, &lines);
                    self.carry_out(decisions, &mut work, &mut all);
                }
                // Told to the outside, and nothing else.
                Work::Report { .. } | Work::SupplyNotice(_) => {}
                Work::Move { order, fulfilment, to, lines } => {
                    let turn = turn(self.step, Cause::Moved);
                    let decisions = relocate(&mut self.store, turn, order, fulfilment, to, &lines);
                    self.carry_out(decisions, &mut work, &mut all);
                }
                Work::Authorise(key) => {
                    let turn = turn(self.step, Cause::Returned);
                    let decisions = authorise(&mut self.store, turn, key);
                    self.carry_out(decisions, &mut work, &mut all);
                }
                Work::Repay(due) => {
                    let turn = turn(self.step, due.cause);
                    let decisions = repay(&mut self.store, turn, &due);
                    self.carry_out(decisions, &mut work, &mut all);
                }
                Work::Tell { order, fulfilments, cause } => {
                    let turn = turn(self.step, cause);
                    let told = self.router.tell(&mut self.store, turn, order, &fulfilments);
                    self.carry_out(told, &mut work, &mut all);
                }
                Work::Release { order, fulfilment, lines } => {
                    let turn = turn(self.step, Cause::Cancelled);
                    let decisions =
                        self.router.release(&mut self.store, turn, order, fulfilment, &lines);
                    self.carry_out(decisions, &mut work, &mut all);
                }
                Work::Keep { order, lines, reason } => {
                    let turn = turn(self.step, Cause::Cancelled);
                    let kept = self.router.keep(&mut self.store, turn, order, &lines, reason);
                    self.carry_out(kept, &mut work, &mut all);
                }
                Work::Serve { sku, .. } => self.serve(sku, &mut work, &mut all),
                other => panic!("these histories have neither holds nor deadlines: {other:?}"),
            }
        }
        all
    }

    fn serve(&mut self, sku: SkuIx, work: &mut VecDeque<Work>, all: &mut Vec<Decision>) {
        let mut after: Option<WaitingKey> = None;
        while let Some((place, order)) = self.store.next_waiting(sku, after) {
            after = Some(place);
            let turn = turn(self.step, Cause::StockAppeared);
            let decisions = self.router.route(&mut self.store, turn, order);
            self.carry_out(decisions, work, all);
        }
    }

    fn carry_out(
        &mut self,
        decisions: Vec<Decision>,
        work: &mut VecDeque<Work>,
        all: &mut Vec<Decision>,
    ) {
        let mut opened = Vec::new();
        for decision in decisions {
            decision::fold(&mut self.store, &decision, &mut opened).expect("it fits");
            all.push(decision);
        }
        work.extend(opened);
    }

    fn shelves(&mut self) -> BTreeMap<(u32, u32), Stock> {
        let mut shelves = BTreeMap::new();
        for sku in 0..SKUS as u32 {
            for row in self.store.stock_of(SkuIx(sku)) {
                shelves.insert((sku, row.node.0), row.stock);
            }
        }
        shelves
    }

    fn orders(&mut self, count: usize) -> Vec<Option<omnifold_domain::Order>> {
        let key = |place: usize| OrderKey::of("web", &format!("o{place}"));
        (0..count).map(|place| self.store.order(key(place)).cloned()).collect()
    }
}

fn turn(step: u64, cause: Cause) -> Turn {
    Turn { step, timer: 0, now_ms: 0, rules: rules::KNOWN[0], cause }
}

fn a_market() -> impl Strategy<Value = v1::MarketConfigured> {
    (1i32..3, 1i32..3, 1i32..4, 1i32..3).prop_map(|(coverage, shortage, payment, release)| {
        v1::MarketConfigured {
            clock: v1::ClockKind::Events.into(),
            currency: "EUR".into(),
            coverage,
            shortage,
            payment,
            release,
            ..Default::default()
        }
    })
}

fn an_event() -> impl Strategy<Value = Event> {
    let node = || (0..NODES).prop_map(|place| format!("n{place}"));
    let sku = || (0..=SKUS).prop_map(|place| format!("s{place}")); // the last is unknown
    let order_id = || (0u8..8).prop_map(|place| format!("o{place}"));
    let target = || {
        ((0u8..8), 0u32..4).prop_map(|(order, number)| {
            use v1::fulfilment_target::Target;
            let target = match number {
                0 => Target::AnyNode(v1::AnyNode {
                    channel: "web".into(),
                    order_id: format!("o{order}"),
                }),
                number => Target::FulfilmentId(format!("web/o{order}/f{number}")),
            };
            Some(v1::FulfilmentTarget { target: Some(target) })
        })
    };
    let lines = || {
        prop::collection::vec((0u8..3, -1i64..4), 0..2).prop_map(|lines| {
            let line = |(line, units): (u8, i64)| v1::LineQuantity {
                line_id: line.to_string(),
                quantity_milli: units * UNIT,
            };
            lines.into_iter().map(line).collect::<Vec<_>>()
        })
    };
    prop_oneof![
        3 => (node(), sku(), -1i64..10).prop_map(|(node_id, sku, units)| v1::StockCounted {
            node_id, sku, on_hand_milli: units * UNIT, ..Default::default()
        }.into()),
        2 => (node(), sku(), -1i64..10, 0i64..40, any::<bool>()).prop_map(
            |(node_id, sku, units, steps, net)| v1::StockCounted {
                node_id, sku, on_hand_milli: units * UNIT, as_of_ms: TEN + steps,
                basis: if net { v1::CountBasis::NetOfOpenOrders } else { v1::CountBasis::Physical }
                    .into(),
                ..Default::default()
            }.into()),
        4 => (node(), sku(), 0i64..5, (0i32..5, 0i32..5), lot()).prop_map(
            |(node_id, sku, units, (from, to), lot)| v1::StockMoved {
                node_id, sku, quantity_milli: units * UNIT, from, to, units: of_lot(&lot),
                ..Default::default()
            }.into()),
        4 => (node(), sku(), 0i64..6, 0i32..4, lot()).prop_map(
            |(node_id, sku, units, into, lot)| v1::StockReceived {
                node_id, sku, quantity_milli: units * UNIT, into, units: of_lot(&lot),
                ..Default::default()
            }.into()),
        2 => (node(), sku(), 0i64..9, prop::collection::vec((lot(), 0i64..4), 0..3)).prop_map(
            |(node_id, sku, units, lots)| v1::StockCounted {
                node_id, sku, on_hand_milli: units * UNIT,
                lots: lots.into_iter().map(|(lot, units)| v1::LotQuantity {
                    lot, quantity_milli: units * UNIT, ..Default::default()
                }).collect(),
                ..Default::default()
            }.into()),
        4 => (target(), lines(), lot(), 0i64..3).prop_map(|(target, lines, lot, units)| {
            let (line_id, quantity_milli) = ("1".to_owned(), units * UNIT);
            let lots = vec![v1::LineLot { line_id, lot, quantity_milli }];
            v1::FulfilmentShipped { target, lines, lots, ..Default::default() }.into()
        }),
        6 => (node(), of_serials(), 0i64..3, 0u8..6).prop_map(|(node_id, serials, more, kind)| {
            with_serials(node_id, serials, more, kind)
        }),
        4 => (target(), 0u8..3, of_serials(), any::<bool>()).prop_map(|(target, line, serials, lost)| {
            let quantity_milli = serials.len().max(1) as i64 * UNIT;
            let line_id = line.to_string();
            let lines = vec![v1::LineQuantity { line_id: line_id.clone(), quantity_milli }];
            let serials = vec![v1::LineSerials { line_id, serials }];
            let kind = v1::LossKind::Lost.into();
            if lost {
                v1::FulfilmentLost { target, lines, serials, kind, ..Default::default() }.into()
            } else {
                v1::FulfilmentShipped { target, lines, serials, ..Default::default() }.into()
            }
        }),
        3 => ((0u8..3), node(), node(), prop::collection::vec((sku(), 0i64..4), 0..3), of_serials())
            .prop_map(|(transfer, from_node, to_node, lines, serials)| v1::TransferDispatched {
                transfer_id: format!("t{transfer}"), from_node, to_node,
                lines: lines.into_iter().map(|(sku, units)| v1::TransferLine {
                    serials: if sku == "s0" { serials.clone() } else { Vec::new() },
                    sku, quantity_milli: units * UNIT, ..Default::default()
                }).collect(),
                ..Default::default()
            }.into()),
        3 => ((0u8..3), prop::collection::vec((sku(), 0i64..4, 0i64..2), 0..2), any::<bool>(), of_serials())
            .prop_map(|(transfer, lines, closes, serials)| v1::TransferReceived {
                transfer_id: format!("t{transfer}"), closes,
                lines: lines.into_iter().map(|(sku, units, damaged)| v1::TransferReceipt {
                    serials: if sku == "s0" { serials.clone() } else { Vec::new() },
                    sku, quantity_milli: units * UNIT, damaged_milli: damaged * UNIT,
                    ..Default::default()
                }).collect(),
                ..Default::default()
            }.into()),
        1 => (0u8..3).prop_map(|transfer| v1::TransferCancelled {
            transfer_id: format!("t{transfer}"), ..Default::default()
        }.into()),
        3 => (node(), sku(), -5i64..6).prop_map(|(node_id, sku, units)| v1::StockAdjusted {
            node_id, sku, delta_milli: units * UNIT, ..Default::default()
        }.into()),
        1 => (node(), sku(), 0i64..3, 0i64..3, any::<bool>()).prop_map(
            |(node_id, sku, buffer, limit, flagged_out)| v1::StockSettingsSet {
                node_id, sku, buffer_milli: buffer * UNIT, buffer_percent: buffer as u32 * 15,
                backorder_limit_milli: limit * UNIT, flagged_out, ..Default::default()
            }.into()),
        6 => (order_id(), prop::collection::vec((sku(), 0i64..5), 0..4)).prop_map(
            |(order_id, lines)| v1::OrderPlaced {
                channel: "web".into(),
                order_id,
                lines: lines.into_iter().enumerate().map(|(place, (sku, units))| v1::OrderLine {
                    line_id: place.to_string(), sku, quantity_milli: units * UNIT,
                    unit_price: Some(v1::Money { minor: 2, currency: "EUR".into() }),
                }).collect(),
                ..Default::default()
            }.into()),
        3 => (order_id(), lines()).prop_map(|(order_id, lines)| v1::OrderCancelled {
            channel: "web".into(), order_id, lines, ..Default::default()
        }.into()),
        3 => (target(), 0i32..5).prop_map(|(target, reason)| v1::FulfilmentRejected {
            target, reason, ..Default::default()
        }.into()),
        4 => (target(), lines()).prop_map(|(target, lines)| v1::FulfilmentShipped {
            target, lines, ..Default::default()
        }.into()),
        2 => (target(), lines()).prop_map(|(target, lines)| v1::FulfilmentDelivered {
            target, lines, ..Default::default()
        }.into()),
        2 => target().prop_map(|target| v1::FulfilmentAccepted {
            target, ..Default::default()
        }.into()),
        2 => (target(), any::<bool>()).prop_map(|(target, gives_up)| if gives_up {
            v1::FulfilmentReleaseConfirmed { target, ..Default::default() }.into()
        } else {
            v1::FulfilmentReleaseRefused { target, ..Default::default() }.into()
        }),
        12 => (order_id(), 0u8..9, lines(), 0u32..3, -1i64..12).prop_map(
            |(order_id, kind, lines, number, minor)| {
                change_of(order_id, kind, lines, number, minor)
            }),
    ]
}

/// Lots of which one does not expire, and none.
fn lot() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "A", "B", "C"]).prop_map(str::to_owned)
}

fn of_lot(lot: &str) -> Option<v1::UnitAttributes> {
    let expires_on = match lot {
        "" => return None,
        "A" => "",
        "B" => "2031-01-01",
        _ => "2030-01-01",
    };
    let (lot, expires_on) = (lot.to_owned(), expires_on.to_owned());
    Some(v1::UnitAttributes { lot, expires_on, serials: Vec::new() })
}

/// Something that happens to an order that stands: holds, money, changes.
fn change_of(
    order_id: String,
    kind: u8,
    lines: Vec<v1::LineQuantity>,
    number: u32,
    minor: i64,
) -> Event {
    let channel = "web".to_owned();
    let (hold_id, payment_id) = (format!("h{number}"), format!("p{number}"));
    let amount = Some(v1::Money { minor, currency: "EUR".into() });
    macro_rules! event {
        ($type:ident, $($field:ident),+) => {
            v1::$type { channel, order_id, $($field),+, ..Default::default() }.into()
        };
    }
    match kind {
        0 => {
            let (reason, fulfilment) = (v1::HoldReason::Manual.into(), number);
            event!(OrderHeld, hold_id, reason, fulfilment)
        }
        1 => event!(OrderHoldReleased, hold_id),
        2 => event!(PaymentAuthorised, payment_id, amount),
        3 => event!(PaymentCaptured, payment_id, amount),
        4 => event!(PaymentFailed, payment_id),
        5 => event!(PaymentVoided, payment_id, amount),
        6 => event!(PaymentRefunded, payment_id, amount),
        7 => event!(OrderResumed, lines),
        _ => {
            let (quantities, expected_revision) = (lines, number);
            event!(OrderChanged, quantities, expected_revision)
        }
    }
}

/// L3: what was promised in this event was there, at each node.
fn check_promises(
    event: &Event,
    before: &BTreeMap<(u32, u32), Stock>,
    after: &BTreeMap<(u32, u32), Stock>,
) -> Result<(), TestCaseError> {
    for (place, stock) in after {
        let old = before.get(place).copied().unwrap_or_default();
        let is_fact = matches!(
            event,
            Event::StockCounted(_)
                | Event::StockAdjusted(_)
                | Event::StockSettingsSet(_)
                | Event::FulfilmentRejected(_)
        );
        if stock.allocated > old.allocated && !is_fact {
            prop_assert!(stock.atp() >= 0, "L3: {:?} at {:?} after {:?}", stock, place, event);
        }
        prop_assert!(stock.is_conserved(), "L1: {:?}", stock);
        prop_assert!(stock.allocated >= 0 && stock.quarantine >= 0 && stock.shipped >= 0, "L4");
    }
    Ok(())
}

/// I1 and I6 of lots: never more than is on hand, and promised to orders that hold them.
fn check_lots(
    bench: &mut Bench,
    shelves: &BTreeMap<(u32, u32), Stock>,
    orders: &[Option<omnifold_domain::Order>],
) -> Result<(), TestCaseError> {
    use omnifold_domain::invariants::{i1_lots_are_there, i6_lots_have_owners};
    let mut held: BTreeMap<(u32, u32, String), BTreeMap<OrderKey, i64>> = BTreeMap::new();
    for order in orders.iter().flatten() {
        for share in order.lots() {
            let fulfilment = &order.fulfilments[share.fulfilment as usize];
            let sku = order.lines[fulfilment.lines[share.line as usize].line as usize].sku;
            let place = (sku.0, fulfilment.node.0, share.lot.name.clone());
            *held.entry(place).or_default().entry(order.key()).or_default() += share.promised;
        }
    }
    for (&(sku, node), stock) in shelves {
        let lots = bench.store.lots(SkuIx(sku), NodeIx(node)).cloned().unwrap_or_default();
        prop_assert!(i1_lots_are_there(&lots, stock), "I1: {:?} of {:?}", lots, stock);
        for lot in &lots.rows {
            let owned = held.remove(&(sku, node, lot.id.name.clone())).unwrap_or_default();
            prop_assert!(i6_lots_have_owners(lot, &owned), "I6: {:?}, held {:?}", lot, owned);
        }
    }
    let left = held.values().flat_map(BTreeMap::values).sum::<i64>();
    prop_assert!(left == 0, "I6: {:?}", held);
    Ok(())
}

/// L1: what stock rows say is set aside is what their ledgers tell apart, and a transfer loses none
/// on the way: only what came in or went out changes the sum over the nodes.
fn check_ledgers(
    bench: &mut Bench,
    before: &BTreeMap<(u32, u32), Stock>,
    after: &BTreeMap<(u32, u32), Stock>,
    event: &Event,
) -> Result<(), TestCaseError> {
    for (&(sku, node), stock) in after {
        let ledger = bench.store.ledger(SkuIx(sku), NodeIx(node)).cloned().unwrap_or_default();
        prop_assert_eq!(stock.aside, ledger.aside(), "L1");
        let least = ledger.in_transit.min(ledger.written_off).min(ledger.returned_to_supplier);
        prop_assert!(least >= 0, "L4: {:?}", ledger);
        prop_assert!(ledger.recent.len() <= omnifold_domain::MAX_RECENT);
    }
    let entered = |rows: &BTreeMap<_, Stock>| rows.values().map(|row| row.entered).sum::<i64>();
    let inside = [
        matches!(event, Event::TransferDispatched(_) | Event::TransferCancelled(_)),
        matches!(event, Event::StockMoved(_) | Event::FulfilmentDelivered(_)),
    ];
    if inside.contains(&true) {
        prop_assert_eq!(entered(before), entered(after), "L1: {:?}", event);
    }
    Ok(())
}

/// L12: shipping takes as much off on_hand as off allocated, so free does not change.
fn check_shipping(
    before: &BTreeMap<(u32, u32), Stock>,
    after: &BTreeMap<(u32, u32), Stock>,
) -> Result<(), TestCaseError> {
    for (place, stock) in after {
        let old = before[place];
        prop_assert_eq!(stock.free(), old.free(), "L12");
        prop_assert!(stock.on_hand >= 0 || stock.on_hand == old.on_hand, "L4: dispatched air");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn each_event_keeps_the_laws_about_one_event(
        events in prop::collection::vec(an_event(), 1..80), market in a_market(),
    ) {
        let mut bench = Bench::new(market);
        for event in events {
            let (before, orders_before) = (bench.shelves(), bench.orders(8));
            let done = bench.give(event.clone());
            let (after, orders_after) = (bench.shelves(), bench.orders(8));
            if let Some(refusal) = &done.refused {
                prop_assert_eq!(&after, &before, "L8: {}", refusal);
                prop_assert_eq!(&orders_after, &orders_before, "L8: {}", refusal);
            }
            check_promises(&event, &before, &after)?;
            check_ledgers(&mut bench, &before, &after, &event)?;
            check_lots(&mut bench, &after, &orders_after)?;
            serials::check(&mut bench, &after, &orders_after)?;
            match &event {
                Event::FulfilmentShipped(_) => check_shipping(&before, &after)?,
                Event::FulfilmentDelivered(_) => prop_assert_eq!(&after, &before, "L11"),
                _ => {}
            }
            for (old, new) in orders_before.iter().zip(&orders_after) {
                let Some(new) = new else { continue };
                prop_assert!(new.lines.iter().all(omnifold_domain::Line::is_accounted), "L5: {:?}", new);
                check_whole_orders(old.is_none(), new)?;
                check_holds(old.as_ref(), new)?;
                check_money(new)?;
                check_exclusion(new, &done.decisions)?;
            }
        }
    }
}

/// What is on hold is promised nowhere and leaves nowhere, and stands in no queue.
fn check_holds(
    old: Option<&omnifold_domain::Order>,
    new: &omnifold_domain::Order,
) -> Result<(), TestCaseError> {
    use omnifold_domain::invariants::{i6_asked_units_are_held, i6_open_units_wait};
    prop_assert!(i6_open_units_wait(new), "I6: {:?}", new);
    prop_assert!(i6_asked_units_are_held(new), "I6: {:?}", new);
    let Some(old) = old.filter(|old| old.is_held() && new.is_held()) else { return Ok(()) };
    prop_assert_eq!(new.fulfilments.len(), old.fulfilments.len(), "routed on hold: {:?}", new);
    for (place, before) in old.fulfilments.iter().enumerate() {
        let shipped = |order: &omnifold_domain::Order| -> i64 {
            order.fulfilments[place].lines.iter().map(|line| line.shipped).sum()
        };
        if old.is_fulfilment_held(place) && new.is_fulfilment_held(place) {
            prop_assert_eq!(shipped(new), shipped(old), "shipped on hold: {:?}", before);
        }
    }
    Ok(())
}

/// L20: refunded <= captured <= authorised for every payment; no more captured than is due.
fn check_money(order: &omnifold_domain::Order) -> Result<(), TestCaseError> {
    for payment in order.handling.iter().flat_map(|handling| &handling.payments) {
        let ordered = 0 <= payment.refunded
            && payment.refunded <= payment.captured
            && payment.captured <= payment.authorised;
        prop_assert!(ordered, "L20: {:?}", payment);
    }
    Ok(())
}

/// L7: an order that must ship complete gets all of its units at once, or none.
fn check_whole_orders(
    just_placed: bool,
    order: &omnifold_domain::Order,
) -> Result<(), TestCaseError> {
    if just_placed && !order.allow_partial {
        let open = order.lines.iter().all(|line| line.allocated == 0);
        let whole = order.lines.iter().all(|line| line.allocated == line.ordered);
        prop_assert!(open || whole, "L7: {:?}", order);
    }
    Ok(())
}

/// R11: a node that turned the order down gets none of it again.
fn check_exclusion(
    order: &omnifold_domain::Order,
    decisions: &[Decision],
) -> Result<(), TestCaseError> {
    for decision in decisions {
        if let Decision::Assigned(m) = decision
            && m.order_id == order.order_id
        {
            let number: u32 = m.node_id[1..].parse().expect("a node");
            prop_assert!(!order.excluded.contains(&NodeIx(number)), "R11: {:?}", order);
        }
    }
    Ok(())
}
