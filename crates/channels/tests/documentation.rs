//! The CSV example of docs/EVENTS.md does what the page says.

mod support;

use std::path::Path;
use std::sync::Arc;

use omnifold_channels::files::{FileOptions, Mapping, publish_csv};
use omnifold_channels::publish::{Publisher, PublisherOptions};
use omnifold_channels::sealing::{Keyring, recipient_purpose};
use omnifold_events::Event;
use omnifold_log::Log;
use support::KeepingLog;
use tempfile::TempDir;

fn block(language: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/EVENTS.md");
    let page = std::fs::read_to_string(path).expect("docs/EVENTS.md");
    let (_, after) = page.split_once(&format!("```{language}\n")).expect("a block");
    after.split_once("```").expect("its end").0.to_owned()
}

#[test]
fn the_example_file_becomes_two_orders_by_the_example_mapping() {
    let dir = TempDir::new().expect("a folder");
    let file = dir.path().join("orders.csv");
    std::fs::write(&file, block("csv")).expect("written");
    let mapping = Mapping::parse(Path::new("EVENTS.md"), &block("toml")).expect("a good mapping");
    let ring = Keyring::open_or_create(&dir.path().join("keys")).expect("a keyring");
    let log = KeepingLog::default();
    let batches = log.batches.clone();
    let log: Arc<dyn Log> = Arc::new(log);
    let mut publisher =
        Publisher::new(&log, "omnifold", "eu", PublisherOptions::default()).expect("a publisher");
    let options = FileOptions { strict: true, ..FileOptions::default() };
    let report = publish_csv(&file, &mapping, Some(&ring), &options, &mut publisher, &|_, _| ());
    assert_eq!(report.expect("published").events, 2);

    let records = batches.lock().expect("no panic").concat();
    let Event::OrderPlaced(order) = &records[0].event else { panic!("{:?}", records[0]) };
    let quantities: Vec<i64> = order.lines.iter().map(|line| line.quantity_milli).collect();
    assert_eq!((&order.order_id[..], quantities), ("4711", vec![2_000, 1_500]));
    let recipient = order.destination.as_ref().and_then(|to| to.recipient.as_ref());
    let opened = ring.unseal(&recipient_purpose("web", "4711"), recipient.expect("sealed"));
    assert_eq!(opened.expect("opened"), br#"{"name":"Ada Lovelace","street":"5 High St"}"#);
}
