//! The JSON-lines form for files.

mod examples;

use omnifold_events::jsonl::{FileEvent, LineError, parse_line, to_line};
use omnifold_events::{ContentType, Event, decode, v1};
use proptest::prelude::*;

const PLACED: &str = r#"{"specversion":"1.0","id":"o-1","source":"shop","type":"omnifold.v1.OrderPlaced","time":"2025-06-02T10:00:00Z","data":{"channel":"web","orderId":"1001"}}"#;

#[test]
fn a_line_is_a_cloudevents_object() {
    let event = parse_line(PLACED).expect("a good line");
    assert_eq!((&event.id[..], &event.source[..]), ("o-1", "shop"));
    assert_eq!(event.time_ms, Some(1_748_858_400_000));
    assert_eq!(event.event.topic(), "orders");
    assert_eq!(to_line(&event), PLACED);
}

#[test]
fn every_type_comes_back_from_its_line() {
    for event in examples::inputs() {
        let event = FileEvent { id: "e".to_owned(), source: "s".to_owned(), time_ms: None, event };
        let line = to_line(&event);
        assert!(!line.contains('\n'));
        assert_eq!(parse_line(&line).expect("own line"), event);
    }
}

#[test]
fn each_fault_of_a_line_has_its_reason() {
    let without = |part: &str| PLACED.replace(part, "");
    for (line, reason) in [
        (PLACED.replace("1.0", "0.3"), "unknown_version"),
        (PLACED.replace(r#""o-1""#, r#""""#), "malformed_header"),
        (PLACED.replace("shop", &"x".repeat(513)), "malformed_header"),
        (PLACED.replace("10:00:00Z", "noon"), "malformed_header"),
        (PLACED.replace("OrderPlaced", "OrderEaten"), "unknown_type"),
        (PLACED.replace("orderId", "orderNo"), "undeclared_field"),
        (PLACED.replace(r#""1001""#, "1001"), "malformed"),
        (
            PLACED.replace(r#""source""#, r#""datacontenttype":"text/xml","source""#),
            "unknown_content_type",
        ),
        (PLACED.replace(r#""source""#, r#""person":"Ada","source""#), "malformed"),
        (without(r#""id":"o-1","#), "malformed"),
        (without("}}"), "malformed"),
        (String::new(), "malformed"),
    ] {
        let error = parse_line(&line).expect_err(&line);
        assert_eq!(error.reason(), reason, "{line}");
    }
}

#[test]
fn the_cause_of_a_fault_is_its_source() {
    let error = parse_line(&PLACED.replace("orderId", "orderNo")).expect_err("undeclared");
    assert!(matches!(error, LineError::Data(_)));
    let source = std::error::Error::source(&error).expect("a source").to_string();
    assert!(source.contains("`orderNo`"), "{source}");
}

fn any_order() -> impl Strategy<Value = v1::OrderPlaced> {
    let line = ("\\PC{0,12}", "\\PC{0,12}", any::<i64>(), any::<i64>()).prop_map(
        |(line_id, sku, quantity_milli, minor)| v1::OrderLine {
            line_id,
            sku,
            quantity_milli,
            unit_price: Some(v1::Money { minor, currency: "EUR".to_owned() }),
        },
    );
    let place = proptest::option::of((any::<i32>(), any::<i32>()));
    let bytes = proptest::collection::vec(any::<u8>(), 0..60);
    let destination = (place, bytes).prop_map(|(place, ciphertext)| v1::Destination {
        country: "BR".to_owned(),
        postcode_area: "01".to_owned(),
        location: place.map(|(lat_e6, lon_e6)| v1::Location { lat_e6, lon_e6 }),
        recipient: Some(v1::Sealed { key_id: "k".to_owned(), nonce: vec![7; 24], ciphertext }),
    });
    (
        ("\\PC{0,12}", any::<String>(), any::<u32>(), 0..3i32),
        proptest::collection::vec(line, 0..5),
        proptest::option::of(destination),
        proptest::collection::vec("\\PC{0,8}", 0..3),
        proptest::collection::btree_map(any::<String>(), any::<String>(), 0..3),
    )
        .prop_map(
            |((channel, order_id, priority, coverage), lines, destination, from, more)| {
                v1::OrderPlaced {
                    channel,
                    order_id,
                    lines,
                    destination,
                    priority,
                    fulfil_from: from,
                    coverage,
                    customer_ref: String::new(),
                    hold_id: String::new(),
                    release_at_ms: 0,
                    extensions: more,
                    ..Default::default()
                }
            },
        )
}

proptest! {
    #[test]
    fn an_order_comes_back_from_a_line_from_bytes_and_from_json(
        order in any_order(),
        id in "\\PC{1,40}",
        time_ms in proptest::option::of(-62_000_000_000_000i64..250_000_000_000_000),
    ) {
        let event = Event::from(order);
        let name = event.type_name();
        let from_bytes = decode(name, ContentType::Protobuf, &event.encode());
        prop_assert_eq!(from_bytes.as_ref(), Ok(&event));
        let json = event.to_json().to_string();
        let from_json = decode(name, ContentType::Json, json.as_bytes());
        prop_assert_eq!(from_json.as_ref(), Ok(&event));
        let line = FileEvent { id, source: "s".to_owned(), time_ms, event };
        prop_assert_eq!(parse_line(&to_line(&line)).expect("own line"), line);
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        place in 0..Event::TYPES.len(),
    ) {
        let (name, _) = Event::TYPES[place];
        let _ = decode(name, ContentType::Protobuf, &bytes);
        let _ = decode(name, ContentType::Json, &bytes);
        let _ = parse_line(&String::from_utf8_lossy(&bytes));
    }
}
