//! The CloudEvents attributes as record headers.

use omnifold_events::{ContentType, Envelope, EnvelopeError, MAX_ATTRIBUTE_BYTES};
use proptest::prelude::*;

const GOOD: [(&str, &str); 6] = [
    ("ce_specversion", "1.0"),
    ("ce_id", "o-1"),
    ("ce_source", "shop"),
    ("ce_type", "omnifold.v1.OrderPlaced"),
    ("ce_time", "2025-06-02T10:00:00.250Z"),
    ("content-type", "application/json"),
];

fn read<'a>(headers: &'a [(&str, &str)]) -> Result<Envelope<'a>, EnvelopeError> {
    Envelope::from_headers(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
}

fn with(name: &str, value: &str) -> Result<(), EnvelopeError> {
    let replaced = GOOD.map(|(n, v)| if n == name { (n, value) } else { (n, v) });
    read(&replaced).map(|_| ())
}

#[test]
fn the_headers_are_the_envelope() {
    let envelope = read(&GOOD).expect("a good envelope");
    assert_eq!((envelope.id, envelope.source), ("o-1", "shop"));
    assert_eq!(envelope.type_name, "omnifold.v1.OrderPlaced");
    assert_eq!(envelope.time_ms, Some(1_748_858_400_250));
    assert_eq!(envelope.content_type, ContentType::Json);
}

#[test]
fn foreign_headers_are_passed_over_and_the_last_of_two_counts() {
    let headers = [&GOOD[..], &[("traceparent", "00-1"), ("ce_id", "o-2")]].concat();
    assert_eq!(read(&headers).expect("a good envelope").id, "o-2");
}

#[test]
fn each_required_header_is_missed_by_name() {
    for missing in ["ce_specversion", "ce_id", "ce_source", "ce_type", "content-type"] {
        let others: Vec<_> = GOOD.into_iter().filter(|(name, _)| *name != missing).collect();
        assert_eq!(read(&others), Err(EnvelopeError::Missing(missing)));
        assert_eq!(with(missing, ""), Err(EnvelopeError::Missing(missing)));
        assert_eq!(EnvelopeError::Missing(missing).reason(), "missing_header");
    }
}

#[test]
fn the_time_may_be_missing_but_not_wrong() {
    let others: Vec<_> = GOOD.into_iter().filter(|(name, _)| *name != "ce_time").collect();
    assert_eq!(read(&others).expect("a good envelope").time_ms, None);
    for wrong in ["", "noon", "2025-06-02 10:00", "2025-06-31T10:00:00Z"] {
        let error = with("ce_time", wrong).expect_err(wrong);
        assert!(matches!(error, EnvelopeError::Time(_)));
        assert_eq!(error.reason(), "malformed_header");
    }
}

#[test]
fn another_cloudevents_version_is_unknown() {
    for version in ["0.3", "1", "1.1", "2.0"] {
        let error = with("ce_specversion", version).expect_err(version);
        assert_eq!(error, EnvelopeError::SpecVersion(version.to_owned()));
        assert_eq!(error.reason(), "unknown_version");
    }
}

#[test]
fn content_types_are_read_with_case_and_parameters() {
    for (text, form) in [
        ("application/protobuf", ContentType::Protobuf),
        ("application/x-protobuf", ContentType::Protobuf),
        ("Application/Protobuf; proto=omnifold.v1.OrderPlaced", ContentType::Protobuf),
        ("application/json", ContentType::Json),
        ("application/json;charset=utf-8", ContentType::Json),
        (" APPLICATION/JSON ; charset=utf-8", ContentType::Json),
    ] {
        let headers = GOOD.map(|(n, v)| if n == "content-type" { (n, text) } else { (n, v) });
        assert_eq!(read(&headers).expect(text).content_type, form, "{text}");
    }
    for text in ["text/plain", "application/cloudevents+json", "json", "application/avro"] {
        let error = with("content-type", text).expect_err(text);
        assert_eq!(error.reason(), "unknown_content_type");
    }
}

#[test]
fn attributes_that_are_too_long_or_not_text_are_refused() {
    for name in ["ce_id", "ce_source", "ce_type"] {
        let longest = "x".repeat(MAX_ATTRIBUTE_BYTES);
        assert_eq!(with(name, &longest), Ok(()));
        let error = with(name, &format!("{longest}x")).expect_err(name);
        assert_eq!((error.reason(), &error), ("malformed_header", &EnvelopeError::TooLong(name)));
    }
    let headers = GOOD.iter().map(|(name, value)| {
        let value = if *name == "ce_id" { &b"\xff\xfe"[..] } else { value.as_bytes() };
        (name.as_bytes(), value)
    });
    let error = Envelope::from_headers(headers).expect_err("not text");
    assert_eq!((error.reason(), error), ("malformed_header", EnvelopeError::NotText("ce_id")));
}

proptest! {
    #[test]
    fn an_envelope_comes_back_as_it_was_written(
        id in "\\PC{1,80}",
        source in "\\PC{1,80}",
        time_ms in proptest::option::of(-62_000_000_000_000i64..250_000_000_000_000),
        json: bool,
    ) {
        let content_type = if json { ContentType::Json } else { ContentType::Protobuf };
        let type_name = "omnifold.v1.StockCounted";
        let envelope =
            Envelope { id: &id, source: &source, type_name, time_ms, content_type };
        let mut headers = Vec::new();
        envelope.to_headers(|name, value| {
            headers.push((name.as_bytes().to_vec(), value.to_vec()));
        });
        let back = Envelope::from_headers(headers.iter().map(|(n, v)| (&n[..], &v[..])));
        prop_assert_eq!(back, Ok(envelope));
    }

    #[test]
    fn any_headers_are_read_or_refused_without_a_panic(
        headers in proptest::collection::vec(
            (prop::sample::select(GOOD.map(|(name, _)| name).to_vec()),
             proptest::collection::vec(any::<u8>(), 0..40)),
            0..8,
        ),
    ) {
        let _ = Envelope::from_headers(headers.iter().map(|(n, v)| (n.as_bytes(), &v[..])));
    }
}
