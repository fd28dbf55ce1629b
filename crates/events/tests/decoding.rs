//! What a payload may and may not be.

mod examples;

use omnifold_events::{ContentType, DecodeError, Event, MAX_EVENT_BYTES, decode, v1};
use prost::Message;

const PLACED: &str = "omnifold.v1.OrderPlaced";

fn order() -> Event {
    examples::inputs().into_iter().find(|event| event.type_name() == PLACED).expect("an order")
}

fn refused(type_name: &str, form: ContentType, bytes: &[u8]) -> DecodeError {
    decode(type_name, form, bytes).expect_err("refused")
}

fn undeclared(bytes: &[u8]) -> String {
    match refused(PLACED, ContentType::Protobuf, bytes) {
        DecodeError::UndeclaredField { field } => field,
        other => panic!("{other}"),
    }
}

/// A field of the given number holding these bytes.
fn field(number: u8, inside: &[u8]) -> Vec<u8> {
    let mut bytes = vec![];
    prost::encoding::encode_varint(u64::from(number) << 3 | 2, &mut bytes);
    prost::encoding::encode_varint(inside.len() as u64, &mut bytes);
    bytes.extend_from_slice(inside);
    bytes
}

#[test]
fn an_undeclared_field_is_refused_by_its_number() {
    let bytes = [order().encode(), field(14, b"Ada Lovelace")].concat();
    assert_eq!(undeclared(&bytes), "#14");
    let first = [field(99, b"Ada Lovelace"), order().encode()].concat();
    assert_eq!(undeclared(&first), "#99");
}

#[test]
fn an_undeclared_field_is_found_at_any_depth() {
    let line = [field(1, b"1"), field(9, b"engraving")].concat();
    assert_eq!(undeclared(&field(3, &line)), "lines.#9");
    let recipient = field(4, &field(5, b"Ada"));
    assert_eq!(undeclared(&field(4, &recipient)), "destination.recipient.#5");
}

#[test]
fn an_undeclared_field_in_a_map_entry_is_refused() {
    let entry = [field(1, b"gift"), field(2, b"yes"), field(3, b"Ada")].concat();
    assert_eq!(undeclared(&field(15, &entry)), "extensions.#3");
}

#[test]
fn an_undeclared_field_of_any_wire_type_is_refused() {
    for (tag, content) in
        [(0, &[5][..]), (1, &[0; 8]), (2, &[0]), (3, &[14 << 3 | 4]), (5, &[0; 4])]
    {
        let bytes = [&[14 << 3 | tag], content].concat();
        assert_eq!(undeclared(&bytes), "#14", "wire type {tag}");
    }
}

#[test]
fn a_field_cannot_hide_behind_a_value_that_is_written_longer() {
    // A negative enum value in five bytes is written again in ten: the lengths would agree.
    let short_negative = [&[7 << 3][..], &[0xff, 0xff, 0xff, 0xff, 0x0f]].concat();
    let bytes = [short_negative, field(14, b"Ada")].concat();
    assert_eq!(undeclared(&bytes), "#14");
}

#[test]
fn what_other_languages_write_differently_is_the_same_event() {
    let Event::OrderPlaced(placed) = order() else { unreachable!() };
    let mut plain = placed.clone();
    plain.priority = 0;
    plain.coverage = 0;
    plain.customer_ref.clear();
    let explicit_defaults = [5 << 3, 0, 7 << 3, 0, 8 << 3 | 2, 0];
    let bytes = [&plain.encode_to_vec()[..], &explicit_defaults].concat();
    assert_eq!(decode(PLACED, ContentType::Protobuf, &bytes), Ok(plain.into()));

    let overlong = [&placed.encode_to_vec()[..], &[5 << 3, 0x85, 0x80, 0x00]].concat();
    assert_eq!(decode(PLACED, ContentType::Protobuf, &overlong), Ok(placed.into()));
}

#[test]
fn fields_in_another_order_are_the_same_event() {
    let Event::OrderPlaced(placed) = order() else { unreachable!() };
    let tail = v1::OrderPlaced { priority: 5, ..Default::default() }.encode_to_vec();
    let rest = v1::OrderPlaced { priority: 0, ..placed.clone() }.encode_to_vec();
    let bytes = [tail, rest].concat();
    assert_eq!(decode(PLACED, ContentType::Protobuf, &bytes), Ok(placed.into()));
}

#[test]
fn a_payload_cut_at_any_byte_is_an_event_or_malformed() {
    for event in examples::inputs() {
        let bytes = event.encode();
        for end in 0..bytes.len() {
            let result = decode(event.type_name(), ContentType::Protobuf, &bytes[..end]);
            assert!(matches!(result, Ok(_) | Err(DecodeError::Malformed { .. })), "{result:?}");
            assert_ne!(result.as_ref(), Ok(&event), "{end} bytes of {}", event.type_name());
        }
        let json = event.to_json().to_string();
        for end in 0..json.len() {
            let result = decode(event.type_name(), ContentType::Json, &json.as_bytes()[..end]);
            assert!(matches!(result, Err(DecodeError::Malformed { .. })), "{result:?}");
        }
    }
}

#[test]
fn every_flipped_byte_is_read_or_refused_without_a_panic() {
    for event in examples::inputs() {
        for form in [ContentType::Protobuf, ContentType::Json] {
            let good = match form {
                ContentType::Protobuf => event.encode(),
                ContentType::Json => event.to_json().to_string().into_bytes(),
            };
            for at in 0..good.len() {
                for mask in [0x01, 0x08, 0x80, 0xff] {
                    let mut bytes = good.clone();
                    bytes[at] ^= mask;
                    let _ = decode(event.type_name(), form, &bytes);
                }
            }
        }
    }
}

#[test]
fn text_that_is_not_utf8_is_malformed() {
    let bytes = field(1, b"w\xffb");
    let error = refused(PLACED, ContentType::Protobuf, &bytes);
    assert_eq!(error.reason(), "malformed");
    assert!(error.to_string().contains("OrderPlaced.channel"), "{error}");
    let error = refused(PLACED, ContentType::Json, b"{\"channel\":\"w\xffb\"}");
    assert_eq!(error.reason(), "malformed");
}

#[test]
fn a_payload_over_the_limit_is_refused_before_it_is_read() {
    let largest = vec![0xff; MAX_EVENT_BYTES];
    assert_eq!(refused(PLACED, ContentType::Protobuf, &largest).reason(), "malformed");
    let larger = vec![0xff; MAX_EVENT_BYTES + 1];
    let error = refused(PLACED, ContentType::Protobuf, &larger);
    assert_eq!(error, DecodeError::TooLarge { bytes: MAX_EVENT_BYTES + 1 });
    assert_eq!(error.reason(), "too_large");
}

#[test]
fn a_type_that_is_not_an_input_is_unknown() {
    for name in ["omnifold.v2.OrderPlaced", "OrderPlaced", "", "omnifold.v1.EpochMark"] {
        for form in [ContentType::Protobuf, ContentType::Json] {
            assert_eq!(refused(name, form, b"{}"), DecodeError::UnknownType(name.to_owned()));
        }
    }
}

#[test]
fn json_may_name_fields_either_way_and_write_quantities_as_numbers() {
    let canonical = r#"{"channel":"web","orderId":"7","lines":
        [{"lineId":"1","sku":"tea","quantityMilli":"2000"}]}"#;
    let by_hand = r#"{"channel":"web","order_id":"7","lines":
        [{"line_id":"1","sku":"tea","quantity_milli":2000}]}"#;
    let read = |text: &str| decode(PLACED, ContentType::Json, text.as_bytes()).expect(text);
    assert_eq!(read(canonical), read(by_hand));
}

#[test]
fn an_undeclared_field_in_json_is_refused_by_its_name() {
    for text in [
        r#"{"channel":"web","customerName":"Ada"}"#,
        r#"{"channel":"web","lines":[{"customerName":"Ada"}]}"#,
        r#"{"destination":{"recipient":{"customerName":"Ada"}}}"#,
    ] {
        let error = refused(PLACED, ContentType::Json, text.as_bytes());
        assert_eq!(error, DecodeError::UndeclaredField { field: "customerName".to_owned() });
        assert_eq!(error.reason(), "undeclared_field");
    }
}

#[test]
fn what_is_not_the_events_json_is_malformed() {
    for text in [
        "",
        "[]",
        "7",
        "null",
        "{} {}",
        r#"{"priority":-1}"#,
        r#"{"priority":4294967296}"#,
        r#"{"lines":[{"quantityMilli":1.5}]}"#,
        r#"{"coverage":"SOME"}"#,
        r#"{"channel":"a","channel":"b"}"#,
        r#"{"lines":[{"quantityMilli":"9223372036854775808"}]}"#,
    ] {
        let error = refused(PLACED, ContentType::Json, text.as_bytes());
        assert_eq!(error.reason(), "malformed", "{text}: {error}");
    }
}

#[test]
fn deep_nesting_is_refused_and_does_not_exhaust_the_stack() {
    let json = "[".repeat(500_000);
    assert_eq!(refused(PLACED, ContentType::Json, json.as_bytes()).reason(), "malformed");
    let groups = vec![14 << 3 | 3; 500_000];
    assert_eq!(refused(PLACED, ContentType::Protobuf, &groups).reason(), "malformed");
}

#[test]
fn an_error_never_repeats_a_value() {
    for text in [
        r#"{"destination":"Ada Lovelace, 5 High St"}"#,
        r#"{"destination":"Ada, expected at noon"}"#,
        r#"{"coverage":"Ada Lovelace"}"#,
        r#"{"customerRef":4917012345}"#,
        r#"{"priority":"Ada Lovelace"}"#,
        r#"{"destination":{"recipient":{"nonce":"Ada Lovelace"}}}"#,
        r#"{"extensions":"Ada Lovelace"}"#,
    ] {
        let error = refused(PLACED, ContentType::Json, text.as_bytes()).to_string();
        assert!(!error.contains("Ada") && !error.contains("4917"), "{error}");
        assert!(error.contains("line 1"), "says where: {error}");
    }
}

#[test]
fn a_foreign_name_is_quoted_only_in_part() {
    let long = "x".repeat(100_000);
    let error = refused(&long, ContentType::Json, b"{}").to_string();
    assert!(error.len() < 200, "{} bytes", error.len());
}
