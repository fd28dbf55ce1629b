//! CSV files through a mapping.

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use omnifold_channels::files::{
    FileError, FileOptions, FileReport, Mapping, MappingError, publish_csv,
};
use omnifold_channels::publish::{Publisher, PublisherOptions};
use omnifold_channels::sealing::{Keyring, recipient_purpose};
use omnifold_events::{Event, v1};
use omnifold_log::Log;
use support::{KeepingLog, Kept};
use tempfile::TempDir;

const STOCK: &str = r#"event = "StockCounted"
source = "erp"
id = "{wh}-{art}-{no}"
delimiter = ";"
decimal_mark = ","
time = { column = "counted", format = "%d.%m.%Y %H:%M", zone = "Europe/Berlin" }

[fields]
node_id = "wh"
sku = "art"
on_hand_milli = { column = "qty", unit = "decimal" }
extensions.batch = { column = "batch", optional = true }
"#;

const ORDERS: &str = r#"event = "OrderPlaced"
source = "shop-export"
id = "placed/{order}"
group_by = "order"
time = { column = "created", zone = "America/Sao_Paulo" }

[fields]
channel = { value = "web" }
order_id = "order"
priority = { column = "prio", default = "0" }
coverage = { column = "how", values = { "alles" = "SHIP_COMPLETE", "teils" = "allow_partial" } }
fulfil_from = { column = "from", optional = true }
destination.country = "country"
destination.location.lat_e6 = { column = "lat", unit = "decimal" }
destination.location.lon_e6 = { column = "lon", unit = "decimal" }

[repeated.lines]
line_id = "pos"
sku = "sku"
quantity_milli = { column = "qty", unit = "decimal" }
unit_price.minor = { column = "price", unit = "decimal" }
unit_price.currency = "cur"

[seal]
person = "customer"
columns = ["name", "street"]
"#;

const ORDER_ROWS: &str = "order,created,prio,how,from,country,lat,lon,pos,sku,qty,price,cur,customer,name,street
1001,2018-01-01 10:00:00,,alles,a|b,BR,-23.5456219,-46.6,1,tea,1.5,12.50,BRL,c1,Ada,5 High St
1001,2018-01-01 10:00:00,,alles,a|b,BR,-23.5456219,-46.6,2,mug,2,1250,JPY,c1,Ada,5 High St
1002,2018-01-02 10:00:00,7,teils,,BR,-23.5,-46.6,1,tea,1,3.125,KWD,c2,\"Bob, Jr.\",\"1 \"\"A\"\" St\"
";

fn mapping(text: &str) -> Mapping {
    Mapping::parse(Path::new("map.toml"), text).expect("a good mapping")
}

fn faults(text: &str) -> Vec<String> {
    match Mapping::parse(Path::new("map.toml"), text) {
        Err(MappingError::Faults { faults }) => faults,
        other => panic!("{other:?}"),
    }
}

struct Outcome {
    report: Result<FileReport, FileError>,
    records: Vec<Kept>,
    ring: Keyring,
    _dir: TempDir,
}

impl Outcome {
    fn report(&self) -> &FileReport {
        self.report.as_ref().expect("published")
    }

    fn rejected(&self) -> &str {
        assert_eq!(self.report().rejected, 1, "{:?}", self.report);
        &self.report().first_rejected[0]
    }

    fn ids(&self) -> Vec<&str> {
        self.records.iter().map(|record| record.id.as_str()).collect()
    }

    fn order(&self, at: usize) -> &v1::OrderPlaced {
        match &self.records[at].event {
            Event::OrderPlaced(order) => order,
            other => panic!("{other:?}"),
        }
    }
}

fn publish_with(map: &str, rows: impl AsRef<[u8]>, strict: bool) -> Outcome {
    let dir = TempDir::new().expect("a folder");
    let file = dir.path().join("rows.csv");
    std::fs::write(&file, rows).expect("written");
    let ring = Keyring::open_or_create(&dir.path().join("keys")).expect("a keyring");
    let log = KeepingLog::default();
    let batches = log.batches.clone();
    let log: Arc<dyn Log> = Arc::new(log);
    let mut publisher =
        Publisher::new(&log, "omnifold", "eu", PublisherOptions::default()).expect("a publisher");
    let options = FileOptions { strict, rejects: None };
    let mapping = mapping(map);
    let report = publish_csv(&file, &mapping, Some(&ring), &options, &mut publisher, &|_, _| ());
    let records = batches.lock().expect("no panic").concat();
    Outcome { report, records, ring, _dir: dir }
}

fn publish(map: &str, rows: impl AsRef<[u8]>) -> Outcome {
    publish_with(map, rows, false)
}

#[test]
fn a_row_is_an_event() {
    let rows = "no;wh;art;qty;counted;batch;note\r\n7; berlin ;tea;1250,5;02.06.2025 12:00;;x\r\n\
                8;berlin;mug;-2;02.06.2025 12:00;b-1;\r\n";
    let done = publish(STOCK, rows);
    assert_eq!(done.ids(), ["erp#berlin-tea-7", "erp#berlin-mug-8"]);
    let Event::StockCounted(count) = &done.records[0].event else { panic!() };
    assert_eq!((&count.node_id[..], count.on_hand_milli), ("berlin", 1_250_500));
    assert!(count.extensions.is_empty());
    assert_eq!(done.records[0].time_ms, 1_748_858_400_000);
    let Event::StockCounted(count) = &done.records[1].event else { panic!() };
    assert_eq!((count.on_hand_milli, &count.extensions["batch"][..]), (-2_000, "b-1"));
}

#[test]
fn rows_of_one_order_are_one_event_with_its_lines() {
    let done = publish(ORDERS, ORDER_ROWS);
    assert_eq!(done.ids(), ["shop-export#placed/1001", "shop-export#placed/1002"]);
    assert_eq!((done.report().lines, done.report().events), (3, 2));
    let order = done.order(0);
    assert_eq!(done.records[0].time_ms, 1_514_808_000_000, "12:00 UTC in summer time");
    assert_eq!(order.coverage(), v1::Coverage::ShipComplete);
    assert_eq!(order.fulfil_from, ["a", "b"]);
    let line = |id: &str, sku: &str, milli, minor, currency: &str| v1::OrderLine {
        line_id: id.to_owned(),
        sku: sku.to_owned(),
        quantity_milli: milli,
        unit_price: Some(v1::Money { minor, currency: currency.to_owned() }),
    };
    let lines = [line("1", "tea", 1_500, 1_250, "BRL"), line("2", "mug", 2_000, 1_250, "JPY")];
    assert_eq!(order.lines, lines);
    let place = order.destination.as_ref().and_then(|to| to.location).expect("a place");
    assert_eq!((place.lat_e6, place.lon_e6), (-23_545_622, -46_600_000));
    let second = done.order(1);
    assert_eq!((second.priority, second.coverage()), (7, v1::Coverage::AllowPartial));
    assert_eq!(second.lines[0].unit_price.as_ref().expect("a price").minor, 3_125, "KWD has 3");
    assert!(second.fulfil_from.is_empty());
}

#[test]
fn personal_columns_are_sealed_and_the_customer_is_a_pseudonym() {
    let done = publish(ORDERS, ORDER_ROWS);
    let order = done.order(1);
    let sealed = order.destination.as_ref().and_then(|to| to.recipient.as_ref()).expect("sealed");
    let opened = done.ring.unseal(&recipient_purpose("web", "1002"), sealed).expect("opened");
    let text = String::from_utf8(opened).expect("text");
    assert_eq!(text, r#"{"name":"Bob, Jr.","street":"1 \"A\" St"}"#);
    assert_eq!(order.customer_ref, done.ring.pseudonym("c2").expect("a pseudonym"));
    let clear = String::from_utf8_lossy(&done.records[0].value).into_owned();
    assert!(!clear.contains("High St"));
}

#[test]
fn a_mapping_that_seals_needs_the_keyring() {
    let log: Arc<dyn Log> = Arc::new(KeepingLog::default());
    let mut publisher =
        Publisher::new(&log, "omnifold", "eu", PublisherOptions::default()).expect("a publisher");
    let (map, options) = (mapping(ORDERS), FileOptions::default());
    let result = publish_csv(Path::new("x"), &map, None, &options, &mut publisher, &|_, _| ());
    let error = result.expect_err("refused");
    assert!(matches!(error, FileError::NoKeyring { .. }), "{error}");
}

#[test]
fn every_fault_of_a_row_is_named_by_its_column() {
    let rows = ORDER_ROWS.replace("7,teils,,BR,-23.5", "high,some,,BR,north");
    let done = publish(ORDERS, rows);
    assert_eq!(done.ids(), ["shop-export#placed/1001"]);
    let text = done.rejected();
    for part in [
        "rows.csv:4: ",
        "column `prio`: `high` is not a whole number",
        "column `how`: `some` is none of",
        "column `lat`: `north` is not a decimal number",
    ] {
        assert!(text.contains(part), "`{part}` in: {text}");
    }
}

#[test]
fn money_and_quantities_are_never_cut() {
    for (from, to, expected) in [
        ("1250,JPY", "1250.5,JPY", "column `price`: `1250.5` has more than 0 decimals"),
        ("12.50,BRL", "12.505,BRL", "column `price`: `12.505` has more than 2 decimals"),
        ("1.5,12.50", "1.0005,12.50", "column `qty`: `1.0005` has more than 3 decimals"),
        ("12.50,BRL", "12.50,EURO", "which is no ISO 4217 currency"),
        ("12.50,BRL", "99999999999999999999,BRL", "is too large"),
    ] {
        let done = publish(ORDERS, ORDER_ROWS.replace(from, to));
        assert!(done.rejected().contains(expected), "{}", done.rejected());
    }
}

#[test]
fn a_rejected_group_keeps_all_its_rows_and_can_be_published_again() {
    let rows = ORDER_ROWS.replace("2,mug,2", "2,mug,two");
    let done = publish(ORDERS, &rows);
    assert!(done.rejected().contains("rows.csv:2: line 3: column `qty`"), "{}", done.rejected());
    assert_eq!(done.ids(), ["shop-export#placed/1002"]);
    let kept = std::fs::read_to_string(done.report().rejects_file.as_ref().expect("a file"))
        .expect("readable");
    let lines: Vec<&str> = rows.lines().take(3).collect();
    assert_eq!(kept.lines().collect::<Vec<_>>(), lines, "with the header");
    let again = publish(ORDERS, kept.replace(",two,", ",2,"));
    assert_eq!(again.ids(), ["shop-export#placed/1001"]);
}

#[test]
fn rows_of_one_order_must_agree() {
    let rows = ORDER_ROWS.replacen(
        "alles,a|b,BR,-23.5456219,-46.6,2",
        "alles,a|b,DE,-23.5456219,-46.6,2",
        1,
    );
    let done = publish(ORDERS, rows);
    assert!(
        done.rejected().contains("line 3: `destination` differs from line 2"),
        "{}",
        done.rejected()
    );
    let rows = ORDER_ROWS.replacen("1001,2018-01-01 10", "1001,2018-01-01 11", 1);
    assert!(publish(ORDERS, rows).rejected().contains("the time differs from line 2"));
}

#[test]
fn rows_of_one_order_must_stand_together() {
    let mut rows: Vec<&str> = ORDER_ROWS.lines().collect();
    rows.swap(2, 3);
    let done = publish(ORDERS, rows.join("\n"));
    assert_eq!(done.ids(), ["shop-export#placed/1001", "shop-export#placed/1002"]);
    let text = done.rejected();
    assert!(text.contains("rows.csv:4: rows of `order` `1001` do not stand together"), "{text}");
}

#[test]
fn a_row_of_another_width_or_encoding_is_rejected() {
    let done = publish(STOCK, "no;wh;art;qty;counted;batch\n7;berlin;tea\n");
    assert!(done.rejected().contains("rows.csv:2: 3 cells, the header has 6"));
    let done =
        publish(STOCK, b"no;wh;art;qty;counted;batch\n7;M\xfcnchen;tea;1;02.06.2025 12:00;\n");
    assert!(done.rejected().contains("column `wh` is not UTF-8"), "{}", done.rejected());
    let kept = std::fs::read(done.report().rejects_file.as_ref().expect("a file")).expect("read");
    assert!(kept.windows(8).any(|window| window == b"M\xfcnchen;"), "byte for byte");
}

#[test]
fn an_empty_cell_is_a_fault_unless_it_is_optional_or_has_a_default() {
    let done = publish(STOCK, "no;wh;art;qty;counted;batch\n7;berlin;;;02.06.2025 12:00;\n");
    let text = done.rejected();
    assert!(text.contains("column `art` is empty; column `qty` is empty"), "{text}");
    assert!(text.contains("part of the id"), "{text}");
}

#[test]
fn a_strict_import_ends_at_the_first_bad_row() {
    let rows = ORDER_ROWS.replace("1,tea,1,3.125", "1,tea,one,3.125");
    let done = publish_with(ORDERS, rows, true);
    let error = done.report.as_ref().expect_err("ended");
    assert!(matches!(error, FileError::Line { published: 1, .. }), "{error}");
    assert_eq!(done.ids(), ["shop-export#placed/1001"]);
}

#[test]
fn every_column_the_file_lacks_is_named_with_the_line_of_the_mapping() {
    let done = publish(STOCK, "no;wh;art;art;batch\n");
    let Err(FileError::Header { faults }) = &done.report else { panic!("{:?}", done.report) };
    assert_eq!(faults.len(), 3, "{faults:#?}");
    for (part, fault) in [
        ("more than one column `art` (map.toml:3)", &faults[0]),
        ("no column `counted` (map.toml:6)", &faults[1]),
        ("no column `qty` (map.toml:11); columns are art, batch, no, wh", &faults[2]),
    ] {
        assert!(fault.contains("rows.csv:1: ") && fault.contains(part), "{fault}");
    }
}

#[test]
fn a_quote_left_open_does_not_fill_the_memory() {
    let mut rows = b"no;wh;art;qty;counted;batch\n7;\"berlin;".to_vec();
    rows.resize(6 << 20, b'x');
    let done = publish(STOCK, rows);
    let Err(FileError::Io { source, .. }) = &done.report else { panic!("{:?}", done.report) };
    assert!(source.to_string().contains("quote left open"), "{source}");
}

#[test]
fn an_empty_file_and_a_file_of_only_a_header() {
    let done = publish(STOCK, "no;wh;art;qty;counted;batch\n");
    assert_eq!((done.report().lines, done.report().events), (0, 0));
    assert!(matches!(publish(STOCK, "").report, Err(FileError::Header { .. })));
}

#[test]
fn everything_wrong_with_a_mapping_is_said_at_once_with_its_line() {
    let text = r#"event = "OrderPlaced"
source = "s"
id = "constant"
delimiter = "||"
time = { column = "t", zone = "Mars/North" }

[fields]
colour = "c"
priority = { column = "p", unit = "decimal" }
channel = { column = "a", value = "b" }
order_id = 7
destination = "d"
coverage = { column = "x", format = "%Y" }
customer_ref = { colum = "x" }

[repeated.lines]
quantity_milli = "q"
unit_price.minor = { column = "m", unit = "decimal" }

[repeated.fulfil_from]
x = "y"
"#;
    let expected = [
        (3, "names no column"),
        (4, "one ASCII character"),
        (5, "`Mars/North` is no zone"),
        (8, "OrderPlaced has no field `colour`"),
        (9, "`priority` has no unit `decimal`"),
        (10, "either `column` or `value`"),
        (11, "must be a column's name"),
        (12, "has fields of its own"),
        (13, "`format` and `zone` are for times"),
        (14, "unknown field `colum`"),
        (20, "a row can add to one list only"),
    ];
    let faults = faults(text);
    for (line, part) in expected {
        let place = format!("map.toml:{line}: ");
        let found = faults.iter().any(|fault| fault.starts_with(&place) && fault.contains(part));
        assert!(found, "{place}{part} in {faults:#?}");
    }
}

#[test]
fn units_are_asked_for_so_that_two_is_never_two_thousandths() {
    let lines = "[repeated.lines]\nquantity_milli = \"q\"\nunit_price.minor = { column = \"m\", unit = \"decimal\" }\n";
    let text = format!("event = \"OrderPlaced\"\nsource = \"s\"\nid = \"{{o}}\"\n{lines}");
    let faults = faults(&text);
    assert!(faults[0].contains("map.toml:5: `quantityMilli` needs `unit`"), "{faults:?}");
    assert!(faults[1].contains("map.toml:6: a decimal amount needs its `currency`"), "{faults:?}");
}

#[test]
fn a_mapping_that_is_no_toml_or_no_event_is_named_by_line() {
    assert!(faults("event = \n")[0].starts_with("map.toml:1: "));
    assert!(
        faults("event = \"OrderEaten\"\nsource = \"s\"\nid = \"{a}\"\n")[0]
            .contains("OrderPlaced, ")
    );
    assert!(faults("source = \"s\"\n")[0].contains("`event`"));
    let seal = "event = \"NodeDefined\"\nsource = \"s\"\nid = \"{a}\"\n[seal]\nperson = \"p\"\ncolumns = []\n";
    assert!(faults(seal)[0].contains("carries no personal data"));
    let missing = Mapping::read(&PathBuf::from("none.toml")).expect_err("no file");
    assert!(missing.to_string().contains("none.toml"), "{missing}");
}
