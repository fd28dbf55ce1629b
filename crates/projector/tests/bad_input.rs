//! Input that is wrong in every way we could think of: each is refused with its reason and where it
//! stood, answers the order request it was, changes no row, and the market goes on.

mod engine;

use engine::{
    Engine, MARKET, PREFIX, TEN, count, event, item, market, node, order, small_world, tamper,
};
use omnifold_events::jsonl::FileEvent;
use omnifold_events::{Event, v1};
use omnifold_log::embedded::EmbeddedLog;
use omnifold_log::{Compaction, HeadersBuilder, Log as _, RecordBuf, TopicKind, topic_name};
use omnifold_projector::{
    ProjectorError, Query, StateAt, rebuild, run_until_idle, topic_specs, verify,
};
use omnifold_simulation::output::Output;
use omnifold_state::Table;

const HOUR: i64 = 3_600_000;
/// 2099-01-01T00:00:00Z.
const YEAR_2099: i64 = 4_070_908_800_000;
const DAY: i64 = 24 * HOUR;

/// A record as it comes, and the reason for which it must be refused.
struct Bad {
    name: String,
    kind: TopicKind,
    headers: Vec<(&'static str, Vec<u8>)>,
    value: Option<Vec<u8>>,
    reason: &'static str,
    /// The order whose refusal must be told.
    answers: Option<&'static str>,
}

impl Bad {
    /// An event that can be read and must not be taken.
    fn event(name: &str, reason: &'static str, event: impl Into<Event>) -> Self {
        let event = event.into();
        let answers = match &event {
            Event::OrderPlaced(_) | Event::OrderCancelled(_) => Some("bad"),
            _ => None,
        };
        Bad {
            kind: TopicKind::parse(event.topic()).expect("an input topic"),
            headers: headers(name, event.type_name()),
            value: Some(event.encode()),
            name: name.to_owned(),
            reason,
            answers,
        }
    }

    /// An order that is fine but for what is done to it.
    fn order(name: &str, reason: &'static str, spoil: impl FnOnce(&mut v1::OrderPlaced)) -> Self {
        let mut order = good("bad");
        spoil(&mut order);
        Self::event(name, reason, order)
    }

    /// A record that is fine but for what is done to it; it cannot be read as an order.
    fn record(name: &str, reason: &'static str, spoil: impl FnOnce(&mut Bad)) -> Self {
        let mut bad = Self::event(name, reason, good("bad"));
        bad.answers = None;
        spoil(&mut bad);
        bad
    }

    fn header(&mut self, name: &str, value: &[u8]) {
        let header = self.headers.iter_mut().find(|header| header.0 == name);
        header.expect("a header to spoil").1 = value.to_vec();
    }

    fn publish(&self, engine: &Engine) {
        let mut headers = HeadersBuilder::default();
        for (name, value) in &self.headers {
            headers.put(name, value);
        }
        engine.publish_record(self.kind, TEN, &headers, self.value.as_deref());
    }
}

fn headers(id: &str, type_name: &str) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("ce_specversion", b"1.0".to_vec()),
        ("ce_id", id.as_bytes().to_vec()),
        ("ce_source", b"test".to_vec()),
        ("ce_type", type_name.as_bytes().to_vec()),
        ("ce_time", b"2025-06-02T10:00:00Z".to_vec()),
        ("content-type", b"application/protobuf".to_vec()),
    ]
}

fn line(line_id: &str, sku: &str, quantity_milli: i64) -> v1::OrderLine {
    v1::OrderLine { line_id: line_id.into(), sku: sku.into(), quantity_milli, unit_price: None }
}

fn good(order_id: &str) -> v1::OrderPlaced {
    v1::OrderPlaced {
        channel: "web".into(),
        order_id: order_id.into(),
        lines: vec![line("1", "S", 1_000)],
        ..Default::default()
    }
}

fn counted(node: &str, sku: &str, on_hand_milli: i64) -> v1::StockCounted {
    let (node_id, sku) = (node.into(), sku.into());
    v1::StockCounted { node_id, sku, on_hand_milli, ..Default::default() }
}

fn configured() -> v1::MarketConfigured {
    let Event::MarketConfigured(event) = market(TEN).event else { unreachable!() };
    event
}

fn target(id: &str) -> Option<v1::FulfilmentTarget> {
    let target = v1::fulfilment_target::Target::FulfilmentId(id.into());
    Some(v1::FulfilmentTarget { target: Some(target) })
}

fn unreadable() -> Vec<Bad> {
    vec![
        Bad::record("truncated payload", "malformed", |bad| {
            bad.value.as_mut().expect("a value").pop();
        }),
        Bad::record("not protobuf", "malformed", |bad| bad.value = Some(vec![0xff; 40])),
        Bad::record("oversized payload", "too_large", |bad| {
            bad.value = Some(vec![b' '; (1 << 20) + 1]);
        }),
        Bad::record("text that is no UTF-8", "malformed", |bad| {
            bad.value = Some(vec![0x0a, 0x02, 0xc3, 0x28]); // channel: two bytes that are no text
        }),
        Bad::record("tombstone", "malformed", |bad| bad.value = None),
        Bad::record("undeclared field", "undeclared_field", |bad| {
            bad.value.as_mut().expect("a value").extend([0xfa, 0x3f, 0x01, b'x']); // field 1023
        }),
        Bad::record("undeclared field in JSON", "undeclared_field", |bad| {
            bad.header("content-type", b"application/json");
            let json = r#"{"channel":"web","orderId":"bad","email":"someone@example.org"}"#;
            bad.value = Some(json.into());
        }),
        Bad::record("broken JSON", "malformed", |bad| {
            bad.header("content-type", b"application/json");
            bad.value = Some(b"{\"channel\":".to_vec());
        }),
        Bad::record("unknown type", "unknown_type", |bad| {
            bad.header("ce_type", b"omnifold.v1.OrderTeleported");
        }),
        Bad::record("unknown version", "unknown_version", |bad| {
            bad.header("ce_specversion", b"0.3");
        }),
        Bad::record("unknown content type", "unknown_content_type", |bad| {
            bad.header("content-type", b"text/csv");
        }),
        Bad::record("no headers", "missing_header", |bad| bad.headers.clear()),
        Bad::record("no id", "missing_header", |bad| {
            bad.headers.retain(|header| header.0 != "ce_id");
        }),
        Bad::record("an empty source", "missing_header", |bad| bad.header("ce_source", b"")),
        Bad::record("an id that is no UTF-8", "malformed_header", |bad| {
            bad.header("ce_id", &[0xc3, 0x28]);
        }),
        Bad::record("an id without end", "malformed_header", |bad| {
            bad.header("ce_id", &[b'x'; 513]);
        }),
        Bad::record("a time that is none", "malformed_header", |bad| {
            bad.header("ce_time", b"yesterday");
        }),
        Bad::record("the wrong topic", "wrong_topic", |bad| bad.kind = TopicKind::Stock),
    ]
}

fn spoiled_orders() -> Vec<Bad> {
    let quantity = |milli: i64| {
        move |order: &mut v1::OrderPlaced| {
            order.lines[0].quantity_milli = milli;
        }
    };
    vec![
        Bad::order("quantity below zero", "invalid_quantity", quantity(-1_000)),
        Bad::order("quantity of zero", "invalid_quantity", quantity(0)),
        Bad::order("half a unit of a whole item", "invalid_quantity", quantity(500)),
        Bad::order("the largest number there is", "invalid_quantity", quantity(i64::MAX)),
        Bad::order("unknown currency", "unknown_currency", |order| {
            let unit_price = Some(v1::Money { minor: 100, currency: "XXQ".into() });
            order.lines[0].unit_price = unit_price;
        }),
        Bad::order("negative price", "invalid_money", |order| {
            let unit_price = Some(v1::Money { minor: -1, currency: "EUR".into() });
            order.lines[0].unit_price = unit_price;
        }),
        Bad::order("no lines", "no_lines", |order| order.lines.clear()),
        Bad::order("too many lines", "too_many_lines", |order| {
            order.lines = (0..1_001).map(|n| line(&n.to_string(), "S", 1_000)).collect();
        }),
        Bad::order("a line twice", "duplicate_line", |order| {
            order.lines.push(line("1", "S", 1_000));
        }),
        Bad::order("a line without id", "invalid_identifier", |order| {
            order.lines[0].line_id.clear();
        }),
        Bad::order("unknown SKU", "unknown_sku", |order| order.lines[0].sku = "T".into()),
        Bad::order("unknown node", "unknown_node", |order| order.fulfil_from = vec!["M".into()]),
        Bad::order("nowhere on the globe", "invalid_location", |order| {
            let location = Some(v1::Location { lat_e6: i32::MIN, lon_e6: 0 });
            order.destination = Some(v1::Destination { location, ..Default::default() });
        }),
        Bad::event(
            "cancelling an unknown order",
            "unknown_order",
            v1::OrderCancelled {
                channel: "web".into(),
                order_id: "bad".into(),
                ..Default::default()
            },
        ),
    ]
}

fn spoiled_events() -> Vec<Bad> {
    let adjusted = |node: &str, delta_milli: i64| v1::StockAdjusted {
        node_id: node.into(),
        sku: "S".into(),
        delta_milli,
        ..Default::default()
    };
    let settings = |buffer_milli: i64, backorder_limit_milli: i64| v1::StockSettingsSet {
        node_id: "N".into(),
        sku: "S".into(),
        buffer_milli,
        backorder_limit_milli,
        ..Default::default()
    };
    let item = |scale: u32| v1::ItemDefined { sku: "K".into(), scale, ..Default::default() };
    let future = v1::StockCounted { as_of_ms: TEN + DAY, ..counted("N", "S", 1_000) };
    let rejected = |id: &str, reason: v1::RejectionReason| v1::FulfilmentRejected {
        target: target(id),
        reason: reason.into(),
        ..Default::default()
    };
    let no_reason = v1::RejectionReason::Unspecified;
    let shipped = |lines: Vec<v1::LineQuantity>| v1::FulfilmentShipped {
        target: target("web/first/f1"),
        lines,
        ..Default::default()
    };
    let units = |line_id: &str, quantity_milli: i64| {
        vec![v1::LineQuantity { line_id: line_id.into(), quantity_milli }]
    };
    vec![
        Bad::event("count below zero", "invalid_quantity", counted("N", "S", -1)),
        Bad::event("count of half a unit", "invalid_quantity", counted("N", "S", 1_500)),
        Bad::event("count at an unknown node", "unknown_node", counted("M", "S", 0)),
        Bad::event("count of an unknown SKU", "unknown_sku", counted("N", "T", 0)),
        Bad::event("count of tomorrow", "from_the_future", future),
        Bad::event("movement of everything", "invalid_quantity", adjusted("N", i64::MIN)),
        Bad::event("negative buffer", "invalid_quantity", settings(-1_000, 0)),
        Bad::event("negative limit", "invalid_quantity", settings(0, -1_000)),
        Bad::event("scale of four", "invalid_scale", item(4)),
        Bad::event("coarser scale", "invalid_scale", item(0)),
        Bad::event("nameless node", "invalid_identifier", v1::NodeDefined::default()),
        Bad::event(
            "unknown rules",
            "unknown_rules",
            v1::RulesActivated { version: 77, ..Default::default() },
        ),
        Bad::event(
            "another clock",
            "clock_fixed",
            v1::MarketConfigured { clock: v1::ClockKind::Wall.into(), ..configured() },
        ),
        Bad::event(
            "another horizon",
            "clock_fixed",
            v1::MarketConfigured { dedupe_horizon_ms: DAY, ..configured() },
        ),
        Bad::event(
            "a horizon of a second",
            "invalid_quantity",
            v1::MarketConfigured { dedupe_horizon_ms: 1_000, ..configured() },
        ),
        Bad::event(
            "ahead without end",
            "invalid_quantity",
            v1::MarketConfigured { max_ahead_ms: i64::MAX, ..configured() },
        ),
        Bad::event(
            "money that does not exist",
            "unknown_currency",
            v1::MarketConfigured { currency: "GOLD".into(), ..configured() },
        ),
        Bad::event("no target", "unknown_fulfilment", v1::FulfilmentAccepted::default()),
        Bad::event(
            "unknown fulfilment",
            "unknown_fulfilment",
            v1::FulfilmentAccepted { target: target("web/first/f2"), ..Default::default() },
        ),
        Bad::event(
            "delivered, never shipped",
            "stands_elsewhere",
            v1::FulfilmentDelivered { target: target("web/first/f1"), ..Default::default() },
        ),
        Bad::event("rejected for no reason", "malformed", rejected("web/first/f1", no_reason)),
        Bad::event("shipped: unknown line", "unknown_line", shipped(units("7", 1_000))),
        Bad::event("shipped: below zero", "invalid_quantity", shipped(units("1", -1_000))),
        Bad::event("shipped: half a unit", "invalid_quantity", shipped(units("1", 500))),
    ]
}

fn world() -> Vec<FileEvent> {
    let mut events = small_world(1_000);
    let fine = v1::ItemDefined { sku: "K".into(), scale: 3, ..Default::default() };
    events.push(event("item K", TEN, fine));
    events.push(count("count K", "N", "K", 5, TEN));
    events.push(order("first", &[("S", 2)], TEN));
    events
}

fn in_memory() -> Engine {
    Engine::with(|options| options.state = StateAt::Memory)
}

fn rejections(outputs: &[Output]) -> Vec<&v1::RejectedEvent> {
    let rejected = outputs.iter().filter_map(|output| match output {
        Output::Rejected(rejected) => Some(rejected),
        _ => None,
    });
    rejected.collect()
}

fn refused_orders(outputs: &[Output]) -> Vec<(&str, &str)> {
    let refused = outputs.iter().filter_map(|output| match output {
        Output::Outcome(m) if m.status() == v1::OutcomeStatus::Refused => {
            Some((m.order_id.as_str(), m.reason.as_str()))
        }
        _ => None,
    });
    refused.collect()
}

fn is_assigned(outputs: &[Output], order_id: &str) -> bool {
    outputs.iter().any(|output| matches!(output, Output::Assigned(m) if m.order_id == order_id))
}

fn check_whole_run(engine: &Engine) {
    let options = engine.options.clone();
    let verified = verify(engine.log.clone(), MARKET, options.clone(), &mut |_| {}).expect("read");
    assert!(verified.ok, "{:?}", verified.violations);
    let live = engine.query(Query::Market).expect("an answer").position;
    let rebuilt = rebuild(engine.log.clone(), MARKET, options, &mut |_| {}).expect("a rebuild");
    assert_eq!(rebuilt.position.digest, live.digest);
}

#[test]
fn what_is_wrong_is_refused_with_its_reason_and_changes_nothing() {
    let mut engine = in_memory();
    assert!(is_assigned(&engine.take(&world()), "first"));
    let mut offsets = std::collections::BTreeMap::new();
    offsets.extend([(TopicKind::Orders, 1), (TopicKind::Stock, 2), (TopicKind::Network, 4)]);
    let all = unreadable().into_iter().chain(spoiled_orders()).chain(spoiled_events());
    for bad in all {
        let name = bad.name.as_str();
        let before = engine.rows(&["first", "bad"]);
        bad.publish(&engine);
        engine.run();
        let outputs = engine.outputs();
        assert_eq!(engine.rows(&["first", "bad"]), before, "{name}");
        let rejected = rejections(&outputs);
        assert_eq!(rejected.len(), 1, "{name}: {outputs:?}");
        let offset = offsets.entry(bad.kind).or_insert(0);
        assert_eq!(rejected[0].reason, bad.reason, "{name}: {}", rejected[0].detail);
        assert_eq!((rejected[0].topic.as_str(), rejected[0].offset), (bad.kind.name(), *offset));
        assert!(rejected[0].detail.len() > 5, "{name} says nothing: {}", rejected[0].detail);
        if !["missing_header", "malformed_header", "unknown_version", "unknown_content_type"]
            .contains(&bad.reason)
        {
            assert_eq!(rejected[0].event_id, name);
        }
        let answered: Vec<_> = bad.answers.iter().map(|&id| (id, bad.reason)).collect();
        assert_eq!(refused_orders(&outputs), answered, "{name}");
        assert_eq!(outputs.len(), 1 + answered.len(), "{name}: {outputs:?}");
        *offset += 1;
    }
    assert!(is_assigned(&engine.take(&[order("last", &[("S", 1)], TEN)]), "last"));
    check_whole_run(&engine);
}

#[test]
fn a_json_payload_is_taken_like_a_protobuf_one() {
    let mut engine = in_memory();
    engine.take(&world());
    let mut json = Bad::record("json", "", |bad| bad.header("content-type", b"application/json"));
    let payload = r#"{"channel":"web","orderId":"json","lines":[{"lineId":"1","sku":"S","quantityMilli":"1000"}]}"#;
    json.value = Some(payload.into());
    json.publish(&engine);
    engine.run();
    let outputs = engine.outputs();
    assert!(is_assigned(&outputs, "json"), "{outputs:?}");
    assert!(rejections(&outputs).is_empty());
}

#[test]
fn the_same_id_with_other_content_is_refused_and_the_same_event_is_nothing() {
    let mut engine = in_memory();
    engine.take(&world());
    let before = engine.rows(&["first"]);
    assert!(engine.take(&[order("first", &[("S", 2)], TEN)]).is_empty());
    let reused = FileEvent { event: good("other").into(), ..order("first", &[], TEN) };
    let outputs = engine.take(&[reused]);
    assert_eq!(rejections(&outputs)[0].reason, "id_reused");
    assert_eq!(engine.rows(&["first"]), before);
    check_whole_run(&engine);
}

#[test]
fn an_event_from_2099_moves_no_clock_on_either_kind_of_market() {
    for clock in [v1::ClockKind::Events, v1::ClockKind::Wall] {
        let mut engine = in_memory();
        let now = match clock {
            v1::ClockKind::Events => TEN,
            _ => i64::try_from(
                std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_millis(),
            )
            .expect("a time"),
        };
        // Before its first event a market has no clock that could be moved.
        let early = engine.take(&[order("early", &[("S", 1)], YEAR_2099)]);
        assert_eq!(rejections(&early)[0].reason, "no_market", "{clock:?}");
        let first = v1::MarketConfigured { clock: clock.into(), ..configured() };
        let world = [
            event("market", now, first),
            node("N", 48_850_000, 2_350_000, now),
            item("S", now),
            count("count", "N", "S", 10, now),
        ];
        assert!(engine.take(&world).is_empty(), "{clock:?}");
        let clock_before = engine.query(Query::Market).expect("a market").position.clock;
        let outputs = engine.take(&[order("late", &[("S", 1)], YEAR_2099)]);
        assert_eq!(rejections(&outputs)[0].reason, "from_the_future", "{clock:?}");
        let clock_after = engine.query(Query::Market).expect("a market").position.clock;
        if clock == v1::ClockKind::Events {
            assert_eq!(clock_after, clock_before);
        }
        assert!(clock_after.as_str() < "2090", "{clock_after}");
        assert!(is_assigned(&engine.take(&[order("next", &[("S", 1)], now)]), "next"));
        check_whole_run(&engine);
    }
}

#[test]
fn what_is_older_than_the_horizon_is_too_late_and_never_taken_twice() {
    let mut engine = in_memory();
    engine.take(&world());
    engine.take(&[order("young", &[("S", 1)], TEN + 30 * DAY)]);
    let again = engine.take(&[order("first", &[("S", 2)], TEN)]);
    assert_eq!(rejections(&again)[0].reason, "too_late");
    let edge = engine.take(&[order("edge", &[("S", 1)], TEN + 23 * DAY)]);
    assert!(is_assigned(&edge, "edge"), "exactly as old as the horizon is in time");
    check_whole_run(&engine);
}

#[test]
fn a_market_takes_nothing_before_its_first_event_and_takes_it_afterwards() {
    let mut engine = in_memory();
    let first = engine.take(&[order("first", &[("S", 2)], TEN)]);
    assert_eq!(rejections(&first)[0].reason, "no_market");
    assert_eq!(refused_orders(&first), [("first", "no_market")]);
    // Without a market there is no horizon, so the id was not remembered.
    assert!(is_assigned(&engine.take(&world()), "first"));
}

fn run_fault(engine: &Engine) -> ProjectorError {
    let markets = [MARKET.to_owned()];
    run_until_idle(engine.log.clone(), &markets, engine.options.clone(), &mut |_| {})
        .expect_err("a market that cannot go on")
}

fn embedded(folder: &std::path::Path) -> std::sync::Arc<EmbeddedLog> {
    EmbeddedLog::open(folder).expect("a log")
}

#[test]
fn topics_that_are_missing_or_set_up_to_lose_history_are_all_named_at_once() {
    let mut engine = in_memory();
    let folder = tempfile::tempdir().expect("a folder");
    let log = embedded(folder.path());
    let mut specs = topic_specs(PREFIX, MARKET);
    specs.retain(|spec| !spec.name.ends_with("supply"));
    for spec in specs.iter_mut().filter(|spec| spec.name.ends_with("orders")) {
        spec.compaction = Compaction::Compacted;
    }
    log.create_topics(&specs).expect("topics");
    engine.log = log;
    let ProjectorError::Topics(faults) = run_fault(&engine) else { panic!("another fault") };
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults.iter().any(|fault| fault.contains("supply") && fault.contains("create")));
    assert!(faults.iter().any(|fault| fault.contains("orders") && fault.contains("compacted")));
}

#[test]
fn a_topic_that_was_deleted_and_made_again_stops_the_market_with_its_name() {
    let mut engine = Engine::new();
    let folder = tempfile::tempdir().expect("a folder");
    let log = embedded(folder.path());
    log.create_topics(&topic_specs(PREFIX, MARKET)).expect("topics");
    engine.log = log.clone();
    engine.take(&world());
    let stock = topic_name(PREFIX, MARKET, TopicKind::Stock);
    log.delete_topic(&stock).expect("a deletion");
    log.create_topics(&topic_specs(PREFIX, MARKET)).expect("topics");
    match run_fault(&engine) {
        ProjectorError::TopicReplaced { topic, expected, found } => {
            assert_eq!(topic, stock);
            assert_ne!(expected, found);
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_state_that_is_ahead_of_the_journal_stops_the_market_with_what_to_do() {
    let mut engine = Engine::new();
    engine.take(&world());
    let folder = tempfile::tempdir().expect("a folder");
    let log = embedded(folder.path());
    log.create_topics(&topic_specs(PREFIX, MARKET)).expect("topics");
    engine.log = log;
    let fault = run_fault(&engine);
    assert!(matches!(fault, ProjectorError::AheadOfJournal { .. }), "{fault}");
    assert!(fault.to_string().contains("delete the state folder"), "{fault}");
}

#[test]
fn a_deleted_state_folder_is_rebuilt_from_the_log_by_itself() {
    let mut engine = Engine::new();
    engine.take(&world());
    let before = engine.query(Query::Market).expect("a market").position;
    std::fs::remove_dir_all(engine.state_folder()).expect("a folder to delete");
    let after = engine.query(Query::Market).expect("a market").position;
    assert_eq!(after.digest, before.digest);
    let again = engine.take(&[order("first", &[("S", 2)], TEN), order("next", &[("S", 1)], TEN)]);
    assert!(is_assigned(&again, "next") && !is_assigned(&again, "first"));
    check_whole_run(&engine);
}

#[test]
fn a_damaged_row_stops_the_market_with_its_name_and_never_with_a_panic() {
    let mut engine = Engine::new();
    engine.take(&world());
    tamper(&engine.state_folder(), Table::Order, |row| row.truncate(3));
    let fault = engine_query(&engine, "first");
    assert!(
        fault.contains("table `order`") && fault.contains("delete the state folder"),
        "{fault}"
    );
    engine.publish(&[event(
        "cancel",
        TEN,
        v1::OrderCancelled {
            channel: "web".into(),
            order_id: "first".into(),
            ..Default::default()
        },
    )]);
    let fault = format!("{:?}", run_fault(&engine));
    assert!(fault.contains("DamagedRow"), "{fault}");
    std::fs::remove_dir_all(engine.state_folder()).expect("a folder to delete");
    engine.run();
    check_whole_run(&engine);
}

fn engine_query(engine: &Engine, order_id: &str) -> String {
    let query = Query::Order { channel: "web".into(), order_id: order_id.into() };
    let log = engine.log.clone();
    let answer = omnifold_projector::query_offline(log, MARKET, engine.options.clone(), query)
        .expect("open");
    answer.expect_err("a damaged row").to_string()
}

#[test]
fn records_of_one_batch_are_refused_one_by_one() {
    let mut engine = in_memory();
    engine.take(&world());
    let mut batch = RecordBuf::default();
    let mut headers = HeadersBuilder::default();
    headers.put("ce_id", b"x");
    for _ in 0..100 {
        batch.push(0, 0, TEN, headers.as_headers(), b"", Some(b"junk"));
    }
    let producer = engine.log.producer().expect("a producer");
    let orders = topic_name(PREFIX, MARKET, TopicKind::Orders);
    producer.append(&[orders], &batch).expect("an append");
    engine.publish(&[order("last", &[("S", 1)], TEN)]);
    engine.run();
    let outputs = engine.outputs();
    assert_eq!(rejections(&outputs).len(), 100);
    assert!(is_assigned(&outputs, "last"));
}
