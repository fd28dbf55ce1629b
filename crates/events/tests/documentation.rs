//! docs/EVENTS.md is true.

use std::collections::BTreeSet;
use std::path::Path;

use omnifold_events::jsonl::parse_line;
use omnifold_events::{Event, Output, v1};
use serde::de::DeserializeOwned;

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/EVENTS.md");
    std::fs::read_to_string(path).expect("docs/EVENTS.md")
}

#[test]
fn every_input_event_has_a_row_and_an_example_that_is_read() {
    let page = page();
    let lines = page.lines().filter(|line| line.starts_with(r#"{"specversion""#));
    let events: Vec<_> = lines.map(|line| parse_line(line).expect(line)).collect();
    let shown: BTreeSet<&str> = events.iter().map(|event| event.event.type_name()).collect();
    let known: BTreeSet<&str> = Event::TYPES.iter().map(|(name, _)| *name).collect();
    assert_eq!(shown, known);
    for name in known {
        let short = name.trim_start_matches("omnifold.v1.");
        assert!(page.contains(&format!("\n| `{short}` |")), "{short} has a row");
    }
}

fn check_output<M: Output + DeserializeOwned + PartialEq>(page: &str) {
    let short = M::TYPE.trim_start_matches("omnifold.v1.");
    let (_, section) = page.split_once("## Output events").expect("the section");
    let (_, after) = section.split_once(&format!("`{short}`")).expect(short);
    let (_, example) = after.split_once("```json\n").expect(short);
    let (json, _) = example.split_once("\n```").expect(short);
    assert!(json.lines().count() == 1, "one line: {json}");
    let read: M = serde_json::from_str(json).expect(short);
    assert!(read != M::default());
}

#[test]
fn every_output_event_has_an_example_that_is_read() {
    // Each name is met first right before its example.
    let page = page().replace("\n| `", "\n| ").replace("one `OrderOutcome`: ", "one outcome: ");
    let page = page.replace("inside that `FulfilmentAssigned`", "inside the assignment");
    check_output::<v1::OrderOutcome>(&page);
    check_output::<v1::FulfilmentAssigned>(&page);
    check_output::<v1::FulfilmentChanged>(&page);
    check_output::<v1::FulfilmentReleaseRequested>(&page);
    check_output::<v1::FulfilmentReleased>(&page);
    check_output::<v1::ReturnAuthorised>(&page);
    check_output::<v1::ReturnRefused>(&page);
    check_output::<v1::RefundDue>(&page);
    check_output::<v1::StockHoldOutcome>(&page);
    check_output::<v1::RejectedEvent>(&page);
    check_output::<v1::EpochMark>(&page);
    check_output::<v1::AvailabilityChanged>(&page);
    check_output::<v1::CountVariance>(&page);
    check_output::<v1::Notice>(&page);
    check_output::<v1::SupplierInvoiceMatched>(&page);
    check_output::<v1::ReceiptDiscrepancy>(&page);
    check_output::<v1::SlaBreached>(&page);
    check_output::<v1::SlaBreachWithdrawn>(&page);
    check_output::<v1::PurchaseOrderDue>(&page);
    check_output::<v1::PurchaseSuggested>(&page);
    check_output::<v1::WavePlanned>(&page);
    check_output::<v1::SerialDiscrepancy>(&page);
    check_output::<v1::LotExpired>(&page);
    check_output::<v1::TransferSuggested>(&page);
}

#[test]
fn every_reason_this_crate_gives_is_in_the_table() {
    let page = page();
    for reason in [
        "unknown_type",
        "too_large",
        "malformed",
        "undeclared_field",
        "missing_header",
        "unknown_version",
        "unknown_content_type",
        "malformed_header",
    ] {
        assert!(page.contains(&format!("\n| `{reason}` |")), "{reason}");
    }
}
