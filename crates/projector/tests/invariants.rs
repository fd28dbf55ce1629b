//! One planted violation of each invariant that a run can break, and the predicate that must catch
//! it; and the laws of the conformance cases on random histories.

mod engine;
mod histories;

use engine::{Engine, MARKET, PREFIX, TEN, count, event, market, node, order, small_world, tamper};
use omnifold_domain::{NodeIx, Order, SkuIx, SoftHold, Stock, SuggestedMove};
use omnifold_events::jsonl::FileEvent;
use omnifold_events::v1;
use omnifold_log::embedded::EmbeddedLog;
use omnifold_log::{HeadersBuilder, Log, RecordBuf, TopicKind, topic_name};
use omnifold_projector::{
    Options, ProjectorError, Query, StateAt, VerifyReport, rebuild, topic_specs, verify,
    verify_state,
};
use omnifold_state::Table;
use prost::Message as _;
use std::sync::Arc;

fn engine_with_an_order() -> Engine {
    let mut engine = Engine::new();
    engine.take(&small_world(10));
    engine.take(&[order("first", &[("S", 2)], TEN)]);
    let stored = verify_state(MARKET, &engine.options).expect("a scan");
    assert!(stored.ok, "{:?}", stored.violations);
    engine
}

/// Plants a changed row under its right format version; returns what the scan says.
fn planted<T>(table: Table, change: impl Fn(&mut T)) -> String
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    let engine = engine_with_an_order();
    tamper(&engine.state_folder(), table, |stored| {
        let mut row: T = postcard::from_bytes(&stored[1..]).expect("a row");
        change(&mut row);
        stored.truncate(1);
        stored.extend(postcard::to_allocvec(&row).expect("plain data"));
    });
    let report = verify_state(MARKET, &engine.options).expect("a scan");
    assert!(!report.ok);
    report.violations.join("\n")
}

#[test]
fn i1_a_unit_that_vanished_from_stock_is_caught() {
    let found = planted(Table::Stock, |stock: &mut Stock| stock.on_hand -= 1_000);
    assert!(found.contains("I1: stock of SKU 0 at node 0"), "{found}");
}

#[test]
fn i1_a_unit_that_vanished_from_an_order_is_caught() {
    let found = planted(Table::Order, |order: &mut Order| order.lines[0].ordered += 1_000);
    assert!(found.contains("I1: order `web/first`"), "{found}");
}

#[test]
fn i4_a_row_that_is_not_what_the_log_says_is_caught() {
    let found = planted(Table::Order, |order: &mut Order| order.priority = 7);
    assert!(found.starts_with("I4"), "every sum still holds; the digest does not: {found}");
}

#[test]
fn i6_a_promise_without_an_owner_is_caught() {
    let found = planted(Table::Stock, |stock: &mut Stock| stock.allocated += 1_000);
    assert!(found.contains("I6") && found.contains("orders hold 2000"), "{found}");
    let found = planted(Table::Order, |order: &mut Order| {
        order.lines[0].open += 1_000;
        order.lines[0].ordered += 1_000;
    });
    assert!(found.contains("I6: order `web/first` has open units in no queue"), "{found}");
}

#[test]
fn i6_a_suggested_transfer_that_nobody_waits_for_or_no_ledger_knows_is_caught() {
    let found = planted(Table::Order, |order: &mut Order| {
        let (sku, from, to) = (SkuIx(0), NodeIx(0), NodeIx(1));
        let row = SuggestedMove { sku, from, to, units: 1_000, under_way: 0 };
        order.details.get_or_insert_default().moves.push(row);
    });
    assert!(found.contains("I6: order first") && found.contains("more than waits"), "{found}");
    assert!(found.contains("orders suggest 1000"), "{found}");
}

/// A running engine with a hold on three units.
fn engine_with_a_hold() -> Engine {
    let mut engine = Engine::new();
    engine.take(&small_world(10));
    let held = v1::StockHeld {
        channel: "web".into(),
        hold_id: "cart".into(),
        lines: vec![v1::StockHoldLine { sku: "S".into(), quantity_milli: 3_000 }],
        ttl_ms: 420_000,
        ..Default::default()
    };
    engine.take(&[event("hold", TEN, held)]);
    let stored = verify_state(MARKET, &engine.options).expect("a scan");
    assert!(stored.ok, "{:?}", stored.violations);
    engine
}

#[test]
fn i6_a_hold_that_stock_does_not_know_or_that_never_ends_is_caught() {
    let engine = engine_with_a_hold();
    tamper(&engine.state_folder(), Table::Stock, |stored| {
        let mut stock: Stock = postcard::from_bytes(&stored[1..]).expect("a row");
        stock.held -= 1_000;
        stored.truncate(1);
        stored.extend(postcard::to_allocvec(&stock).expect("plain data"));
    });
    let found = verify_state(MARKET, &engine.options).expect("a scan").violations.join("\n");
    assert!(found.contains("I6") && found.contains("2000 held, holds say 3000"), "{found}");

    let engine = engine_with_a_hold();
    tamper(&engine.state_folder(), Table::SoftHold, |stored| {
        let mut hold: SoftHold = postcard::from_bytes(&stored[1..]).expect("a row");
        hold.expires_at += 1;
        stored.truncate(1);
        stored.extend(postcard::to_allocvec(&hold).expect("plain data"));
    });
    let found = verify_state(MARKET, &engine.options).expect("a scan").violations.join("\n");
    assert!(found.contains("I6: no timer ends"), "{found}");
}

/// Copies every topic into another log, with what is planted on the way.
fn copied(engine: &Engine, mut plant: impl FnMut(TopicKind, &mut Vec<u8>)) -> Arc<dyn Log> {
    let log: Arc<dyn Log> =
        EmbeddedLog::open(&engine.folder.path().join("copied")).expect("another log");
    let specs = topic_specs(PREFIX, MARKET);
    log.create_topics(&specs).expect("topics");
    for kind in TopicKind::INPUTS.into_iter().chain(TopicKind::OUTPUTS) {
        let topic = topic_name(PREFIX, MARKET, kind);
        let mut reader = engine.log.reader(&[(topic.clone(), 0)]).expect("a reader");
        let mut records = RecordBuf::default();
        while !reader.fetch(0, 1 << 20, &mut records).expect("a fetch").at_end {}
        let mut batch = RecordBuf::default();
        for record in records.iter() {
            let mut value = record.value.unwrap_or_default().to_vec();
            plant(kind, &mut value);
            batch.push(0, 0, record.time_ms, record.headers, record.key, Some(&value));
        }
        if !batch.is_empty() {
            log.producer().expect("a producer").append(&[topic], &batch).expect("an append");
        }
    }
    log
}

fn verified(log: Arc<dyn Log>, options: &Options) -> Result<VerifyReport, ProjectorError> {
    let options = Options { state: StateAt::Memory, ..options.clone() };
    verify(log, MARKET, options, &mut |_| {})
}

/// Changes the decisions on the way, and what the marks say of their hash with them.
fn with_decisions(engine: &Engine, mut change: impl FnMut(&mut v1::FulfilmentAssigned)) -> String {
    let log = copied(engine, |kind, value| {
        if kind == TopicKind::Assignments {
            let mut message = v1::FulfilmentAssigned::decode(&**value).expect("an assignment");
            change(&mut message);
            *value = message.encode_to_vec();
        }
    });
    let report = verified(log, &engine.options).expect("a readable log");
    assert!(!report.ok);
    report.violations.join("\n")
}

#[test]
fn an_honest_copy_of_a_log_verifies() {
    let engine = engine_with_an_order();
    let log = copied(&engine, |_, _| ());
    let report = verified(log, &engine.options).expect("a readable log");
    assert!(report.ok, "{:?}", report.violations);
    assert_eq!(report.decisions, 1);
}

#[test]
fn i5_a_decision_that_is_not_the_one_taken_again_is_caught() {
    let engine = engine_with_an_order();
    let found = with_decisions(&engine, |message| message.distance_m += 1);
    assert!(found.contains("I5") && found.contains("web/first"), "{found}");
}

#[test]
fn i2_a_recorded_promise_of_more_than_is_there_does_not_fit() {
    let mut engine = Engine::new();
    engine.take(&small_world(10));
    // Two of five units are there for the second order.
    engine.take(&[order("first", &[("S", 8)], TEN), order("second", &[("S", 5)], TEN)]);
    let log = copied(&engine, |kind, value| {
        if kind != TopicKind::Assignments {
            return;
        }
        if let Ok(mut message) = v1::FulfilmentAssigned::decode(&**value)
            && message.order_id == "second"
        {
            message.lines[0].quantity_milli = 5_000;
            *value = message.encode_to_vec();
        }
    });
    let options = Options { state: StateAt::Memory, ..engine.options.clone() };
    let fault = rebuild(log, MARKET, options, &mut |_| {}).expect_err("a misfit");
    let text = format!("{fault:?}");
    assert!(text.contains("I2"), "{text}");
}

#[test]
fn i4_an_input_that_changed_after_it_was_folded_is_caught() {
    let engine = engine_with_an_order();
    let log = copied(&engine, |kind, value| {
        if kind == TopicKind::Stock {
            let mut count = v1::StockCounted::decode(&**value).expect("a count");
            count.on_hand_milli += 1_000;
            *value = count.encode_to_vec();
        }
    });
    let report = verified(log, &engine.options).expect("a readable log");
    assert!(report.violations.join("\n").contains("I4"), "{:?}", report.violations);
}

#[test]
fn i3_an_event_of_a_mark_that_was_lost_or_doubled_is_caught() {
    let engine = engine_with_an_order();
    let mut seen = 0;
    let log = copied(&engine, |kind, value| {
        // The second mark claims a record more than there was.
        if kind == TopicKind::Journal {
            seen += 1;
            if seen == 2 {
                let mut mark = v1::EpochMark::decode(&**value).expect("a mark");
                mark.steps += 1;
                *value = mark.encode_to_vec();
            }
        }
    });
    let report = verified(log, &engine.options).expect("a readable log");
    let found = report.violations.join("\n");
    assert!(found.contains("number of steps"), "{found}");
}
