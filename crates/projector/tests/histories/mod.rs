//! Laws on random histories.

use omnifold_simulation::output::Output;
use proptest::prelude::*;

use super::*;

/// What may happen next; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Happening {
    Count(u8, u8, i8),
    Adjust(u8, u8, i8),
    Settings(u8, u8, u8, u8, bool),
    /// A count for an instant so many seconds before its own.
    LateCount(u8, u8, i8, u8),
    Move(u8, u8, i8, u8, u8),
    Transfer(u8, u8, u8, u8, i8),
    /// Cancelled, or so many of the SKU arrived and the rest is lost, or all arrived.
    Arrived(u8, u8, i8),
    Order(Vec<(u8, i8)>, bool),
    Cancel(u8, Option<(u8, i8)>),
    Reject(u8, u8, u8),
    Ship(u8, u8, Option<(u8, i8)>),
    Deliver(u8, u8),
    Accept(u8, u8),
    Node(u8, bool),
    /// The same event as one before, again.
    Again(u8),
    /// Any bytes under a fulfilment's name.
    Junk(Vec<u8>),
}

const NODES: [&str; 3] = ["A", "B", "C"];
const SKUS: [&str; 3] = ["S", "T", "U"];

fn a_happening() -> impl Strategy<Value = Happening> {
    use Happening::*;
    let line = || prop::option::of((0u8..3, -1i8..4));
    prop_oneof![
        3 => (any::<u8>(), any::<u8>(), -1i8..12).prop_map(|(n, s, q)| Count(n, s, q)),
        3 => (any::<u8>(), any::<u8>(), -6i8..8).prop_map(|(n, s, q)| Adjust(n, s, q)),
        1 => (any::<u8>(), any::<u8>(), 0u8..3, 0u8..3, any::<bool>())
            .prop_map(|(n, s, b, l, f)| Settings(n, s, b, l, f)),
        2 => (any::<u8>(), any::<u8>(), 0i8..12, 0u8..60).prop_map(|(n, s, q, t)| LateCount(n, s, q, t)),
        3 => (any::<u8>(), any::<u8>(), 0i8..4, 0u8..5, 0u8..5)
            .prop_map(|(n, s, q, f, t)| Move(n, s, q, f, t)),
        3 => (0u8..3, any::<u8>(), any::<u8>(), any::<u8>(), 0i8..4)
            .prop_map(|(t, f, n, s, q)| Transfer(t, f, n, s, q)),
        2 => (0u8..3, any::<u8>(), -2i8..3).prop_map(|(t, s, q)| Arrived(t, s, q)),
        8 => (prop::collection::vec((any::<u8>(), 0i8..6), 0..4), any::<bool>())
            .prop_map(|(l, p)| Order(l, p)),
        3 => (any::<u8>(), line()).prop_map(|(o, l)| Cancel(o, l)),
        3 => (any::<u8>(), 1u8..4, any::<u8>()).prop_map(|(o, f, r)| Reject(o, f, r)),
        4 => (any::<u8>(), 1u8..4, line()).prop_map(|(o, f, l)| Ship(o, f, l)),
        2 => (any::<u8>(), 0u8..4).prop_map(|(o, f)| Deliver(o, f)),
        1 => (any::<u8>(), 1u8..4).prop_map(|(o, f)| Accept(o, f)),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(n, d)| Node(n, d)),
        2 => any::<u8>().prop_map(Again),
        1 => prop::collection::vec(any::<u8>(), 0..20).prop_map(Junk),
    ]
}

/// The events of a history, in order, one a second.
fn history(happenings: &[Happening], wait: bool) -> Vec<FileEvent> {
    let mut events = vec![market_that(wait)];
    for (place, name) in NODES.iter().enumerate() {
        events.push(node(name, 48_000_000 + place as i32 * 100_000, 2_000_000, TEN));
    }
    for sku in SKUS {
        events.push(engine::item(sku, TEN));
        for name in NODES {
            events.push(count(&format!("count {name} {sku}"), name, sku, 4, TEN));
        }
    }
    let mut orders = 0usize;
    for (place, happening) in happenings.iter().enumerate() {
        let time = TEN + 1_000 * (place as i64 + 1);
        if let Happening::Again(which) = happening {
            let again = events[usize::from(*which) % events.len()].clone();
            events.push(FileEvent { time_ms: Some(time), ..again });
        } else if let Some(next) = event_of(happening, place, time, &mut orders) {
            events.push(next);
        }
    }
    events
}

fn market_that(waits: bool) -> FileEvent {
    let shortage = if waits { v1::Shortage::Wait } else { v1::Shortage::Refuse };
    let settings = v1::MarketConfigured {
        clock: v1::ClockKind::Events.into(),
        currency: "EUR".into(),
        shortage: shortage.into(),
        ..Default::default()
    };
    FileEvent { event: settings.into(), ..market(TEN) }
}

fn event_of(
    happening: &Happening,
    place: usize,
    time: i64,
    orders: &mut usize,
) -> Option<FileEvent> {
    let id = format!("e{place}");
    let node_id = |n: &u8| NODES[usize::from(*n) % 3].to_owned();
    let sku_of = |s: &u8| SKUS[usize::from(*s) % 3].to_owned();
    let order_id = |o: &u8| format!("o{}", usize::from(*o) % (*orders + 1));
    let fulfilment = |o: &u8, f: &u8| {
        use v1::fulfilment_target::Target;
        let target = match f {
            0 => Target::AnyNode(v1::AnyNode { channel: "web".into(), order_id: order_id(o) }),
            f => Target::FulfilmentId(format!("web/{}/f{f}", order_id(o))),
        };
        Some(v1::FulfilmentTarget { target: Some(target) })
    };
    let lines = |line: &Option<(u8, i8)>| -> Vec<v1::LineQuantity> {
        let quantity = |(line, units): &(u8, i8)| v1::LineQuantity {
            line_id: (line + 1).to_string(),
            quantity_milli: i64::from(*units) * 1_000,
        };
        line.iter().map(quantity).collect()
    };
    Some(match happening {
        Happening::Count(n, s, units) => {
            count(&id, &node_id(n), &sku_of(s), i64::from(*units), time)
        }
        Happening::Adjust(n, s, units) => event(
            &id,
            time,
            v1::StockAdjusted {
                node_id: node_id(n),
                sku: sku_of(s),
                delta_milli: i64::from(*units) * 1_000,
                ..Default::default()
            },
        ),
        Happening::Settings(n, s, buffer, limit, flagged_out) => event(
            &id,
            time,
            v1::StockSettingsSet {
                node_id: node_id(n),
                sku: sku_of(s),
                buffer_milli: i64::from(*buffer) * 1_000,
                backorder_limit_milli: i64::from(*limit) * 1_000,
                flagged_out: *flagged_out,
                ..Default::default()
            },
        ),
        Happening::LateCount(n, s, units, seconds) => event(
            &id,
            time,
            v1::StockCounted {
                node_id: node_id(n),
                sku: sku_of(s),
                on_hand_milli: i64::from(*units) * 1_000,
                as_of_ms: time - i64::from(*seconds) * 1_000,
                ..Default::default()
            },
        ),
        Happening::Move(n, s, units, from, to) => event(
            &id,
            time,
            v1::StockMoved {
                node_id: node_id(n),
                sku: sku_of(s),
                quantity_milli: i64::from(*units) * 1_000,
                from: i32::from(*from),
                to: i32::from(*to),
                ..Default::default()
            },
        ),
        Happening::Transfer(transfer, from, to, s, units) => {
            let quantity_milli = i64::from(*units) * 1_000;
            event(
                &id,
                time,
                v1::TransferDispatched {
                    transfer_id: format!("t{transfer}"),
                    from_node: node_id(from),
                    to_node: node_id(to),
                    lines: vec![v1::TransferLine {
                        sku: sku_of(s),
                        quantity_milli,
                        ..Default::default()
                    }],
                    ..Default::default()
                },
            )
        }
        Happening::Arrived(transfer, s, units) => {
            let transfer_id = format!("t{transfer}");
            let (sku, quantity_milli) = (sku_of(s), i64::from(*units) * 1_000);
            let line = v1::TransferReceipt { sku, quantity_milli, ..Default::default() };
            let (lines, closes) = if *units < 0 { (vec![], false) } else { (vec![line], true) };
            if *units == -2 {
                event(&id, time, v1::TransferCancelled { transfer_id, ..Default::default() })
            } else {
                let received =
                    v1::TransferReceived { transfer_id, lines, closes, ..Default::default() };
                event(&id, time, received)
            }
        }
        Happening::Order(wanted, partial) => {
            let coverage =
                if *partial { v1::Coverage::AllowPartial } else { v1::Coverage::ShipComplete };
            let line = |(place, (sku, units)): (usize, &(u8, i8))| v1::OrderLine {
                line_id: (place + 1).to_string(),
                sku: sku_of(sku),
                quantity_milli: i64::from(*units) * 1_000,
                unit_price: None,
            };
            let placed = v1::OrderPlaced {
                channel: "web".into(),
                order_id: format!("o{orders}"),
                lines: wanted.iter().enumerate().map(line).collect(),
                coverage: coverage.into(),
                ..Default::default()
            };
            *orders += 1;
            event(&id, time, placed)
        }
        Happening::Cancel(o, line) => event(
            &id,
            time,
            v1::OrderCancelled {
                channel: "web".into(),
                order_id: order_id(o),
                lines: lines(line),
                ..Default::default()
            },
        ),
        Happening::Reject(o, f, reason) => event(
            &id,
            time,
            v1::FulfilmentRejected {
                target: fulfilment(o, f),
                reason: i32::from(*reason % 5),
                ..Default::default()
            },
        ),
        Happening::Ship(o, f, line) => event(
            &id,
            time,
            v1::FulfilmentShipped {
                target: fulfilment(o, f),
                lines: lines(line),
                ..Default::default()
            },
        ),
        Happening::Deliver(o, f) => {
            let target = fulfilment(o, f);
            event(&id, time, v1::FulfilmentDelivered { target, ..Default::default() })
        }
        Happening::Accept(o, f) => {
            let target = fulfilment(o, f);
            event(&id, time, v1::FulfilmentAccepted { target, ..Default::default() })
        }
        Happening::Node(n, disabled) => {
            let node_id = node_id(n);
            event(&id, time, v1::NodeDefined { node_id, disabled: *disabled, ..Default::default() })
        }
        Happening::Again(_) | Happening::Junk(_) => return None,
    })
}

fn in_memory(records: usize) -> Engine {
    Engine::with(|options| {
        options.state = StateAt::Memory;
        options.slice.records = records;
    })
}

/// Runs a history through a market cut into slices of so many records.
fn ran(events: &[FileEvent], junk: &[Vec<u8>], records: usize) -> Engine {
    let engine = in_memory(records);
    engine.publish_together(events);
    for bytes in junk {
        let mut headers = HeadersBuilder::default();
        headers.put("ce_type", bytes);
        engine.publish_raw(TopicKind::Fulfilment, TEN, &headers, bytes);
    }
    engine.run();
    engine
}

fn digest(engine: &Engine) -> String {
    engine.query(Query::Market).expect("an answer").position.digest
}

/// L3, L4 and L5 on every order as it stands.
fn check_orders(engine: &Engine, orders: usize) -> Result<(), TestCaseError> {
    for place in 0..orders {
        let (channel, order_id) = ("web".to_owned(), format!("o{place}"));
        let Some(answer) = engine.query(Query::Order { channel, order_id }) else { continue };
        for line in answer.body["lines"].as_array().expect("lines") {
            let units = |name: &str| -> i64 {
                line[name].as_str().expect("units").parse().expect("whole units")
            };
            let parts = ["open", "allocated", "shipped", "cancelled"].map(units);
            prop_assert_eq!(units("ordered"), parts.iter().sum::<i64>(), "L5: {}", line);
            prop_assert!(parts.iter().all(|&part| part >= 0), "L4: {}", line);
            prop_assert_eq!(units("waiting"), units("open"), "I6: {}", line);
        }
    }
    Ok(())
}

/// Every order placed has one outcome.
fn check_outcomes(events: &[FileEvent], outputs: &[Output]) -> Result<(), TestCaseError> {
    let mut placed = std::collections::BTreeSet::new();
    for event in events {
        if let omnifold_events::Event::OrderPlaced(order) = &event.event {
            placed.insert(order.order_id.clone());
        }
    }
    for order_id in placed {
        let outcomes = outputs.iter().filter(|output| {
            let has_outcome = match output {
                Output::Outcome(_) => true,
                Output::Assigned(m) => m.outcome.is_some(),
                _ => false,
            };
            has_outcome && output.order().1 == order_id && output.cause() == v1::Cause::Placed
        });
        prop_assert_eq!(outcomes.count(), 1, "{}", order_id);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 200, ..ProptestConfig::default() })]

    /// L1, L2, L4, L5, L6, L16 and I1 to I6 after any history; any cuts give the same.
    #[test]
    fn any_history_keeps_every_law(
        happenings in prop::collection::vec(a_happening(), 1..60), wait: bool,
    ) {
        let events = history(&happenings, wait);
        let junk: Vec<Vec<u8>> = happenings
            .iter()
            .filter_map(|happening| match happening {
                Happening::Junk(bytes) => Some(bytes.clone()),
                _ => None,
            })
            .collect();
        let mut engine = ran(&events, &junk, 10_000);
        let options = engine.options.clone();
        let report = verify(engine.log.clone(), MARKET, options, &mut |_| {}).expect("a log");
        prop_assert!(report.ok, "{:?}", report.violations);
        let live = digest(&engine);
        check_orders(&engine, happenings.len())?;
        let outputs = engine.outputs();
        check_outcomes(&events, &outputs)?;
        let overflowed = outputs.iter().find(|output| matches!(output, Output::Rejected(m)
            if ["overflow", "assertion_failed"].contains(&m.reason.as_str())));
        prop_assert!(overflowed.is_none(), "no assertion fails here: {:?}", overflowed);
        let cut = ran(&events, &junk, 3);
        prop_assert_eq!(digest(&cut), live, "L16");
        prop_assert!(cut.assignments() == engine.assignments(), "L16: decisions");
    }

    /// L8 and L9: any part of a history again changes no row and decides nothing.
    #[test]
    fn any_part_of_a_history_again_changes_nothing(
        happenings in prop::collection::vec(a_happening(), 1..40), from: u8, length: u8,
    ) {
        let events = history(&happenings, true);
        let mut engine = ran(&events, &[], 10_000);
        let names: Vec<String> = (0..happenings.len()).map(|place| format!("o{place}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (before, decided) = (engine.rows(&names), engine.assignments().len());
        let digest_before = digest(&engine);
        let from = usize::from(from) % events.len();
        let to = (from + usize::from(length)).min(events.len());
        engine.outputs();
        engine.publish_together(&events[from..to]);
        engine.run();
        prop_assert_eq!(engine.rows(&names), before);
        prop_assert_eq!(digest(&engine), digest_before);
        prop_assert_eq!(engine.assignments().len(), decided);
        prop_assert!(engine.outputs().is_empty(), "a repeat is not even refused");
    }
}
