//! The bytes and the JSON of every message type are pinned. A file in `tests/golden/` is written
//! once and never changed: logs that hold those bytes exist.
//!
//! After adding a message or a field, run twice with `OMNIFOLD_GOLDEN=write`: it adds what is
//! missing and changes nothing that is there.

mod examples;

use examples::decisions;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use omnifold_events::{ContentType, DESCRIPTORS, Event, Output, decode, output_json};
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde::de::DeserializeOwned;

/// A message as it is written: its name without the package, its bytes and its JSON.
struct Written {
    name: &'static str,
    bytes: Vec<u8>,
    json: serde_json::Value,
}

fn written_inputs() -> Vec<Written> {
    let written = |event: &Event| (event.type_name(), event.encode(), event.to_json());
    examples::inputs().iter().map(written).map(named).collect()
}

fn written_outputs() -> Vec<Written> {
    fn output<M: Output>(message: M) -> Written {
        let bytes = message.encode_to_vec();
        let json = output_json(M::TYPE, &bytes).expect("an output message has a JSON form");
        named((M::TYPE, bytes, json))
    }
    vec![
        output(decisions::order_outcome()),
        output(decisions::fulfilment_assigned()),
        output(decisions::fulfilment_changed()),
        output(decisions::fulfilment_release_requested()),
        output(decisions::fulfilment_released()),
        output(decisions::stock_hold_outcome()),
        output(decisions::epoch_mark()),
        output(decisions::rejected_event()),
        output(decisions::availability_changed()),
        output(decisions::count_variance()),
        output(examples::story::notice()),
        output(decisions::return_authorised()),
        output(decisions::return_refused()),
        output(decisions::refund_due()),
        output(examples::purchasing::supplier_invoice_matched()),
        output(examples::purchasing::receipt_discrepancy()),
        output(examples::purchasing::sla_breached()),
        output(examples::purchasing::sla_breach_withdrawn()),
        output(examples::purchasing::purchase_order_due()),
        output(examples::purchasing::purchase_suggested()),
        output(examples::waves::wave_planned()),
        output(examples::purchasing::transfer_suggested()),
        output(examples::units::serial_discrepancy()),
        output(examples::units::lot_expired()),
    ]
}

fn named((full, bytes, json): (&'static str, Vec<u8>, serde_json::Value)) -> Written {
    let name = full.strip_prefix("omnifold.v1.").expect("our package");
    Written { name, bytes, json }
}

fn golden(name: &str, extension: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    folder.join(format!("{name}.{extension}"))
}

/// The committed text of a file.
fn committed(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The committed text of a file, written first where it is missing and that was asked for.
fn committed_or_new(path: &Path, current: &str) -> String {
    if !path.exists() && writing() {
        std::fs::write(path, current).expect("golden file written");
    }
    committed(path)
}

fn writing() -> bool {
    std::env::var("OMNIFOLD_GOLDEN").is_ok_and(|value| value == "write")
}

/// Sixteen bytes a line, so that a change shows where it is.
fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.chunks(16) {
        let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(text, "{}", hex.join(" ")).expect("a string takes all");
    }
    text
}

fn from_hex(text: &str) -> Vec<u8> {
    let byte = |pair| u8::from_str_radix(pair, 16).expect("two hex digits");
    text.split_whitespace().map(byte).collect()
}

fn check_against_committed(message: &Written) {
    let hex = committed_or_new(&golden(message.name, "hex"), &to_hex(&message.bytes));
    assert_eq!(to_hex(&message.bytes), hex, "the bytes of {} changed", message.name);
    let pretty = format!("{:#}\n", message.json);
    let json = committed_or_new(&golden(message.name, "json"), &pretty);
    assert_eq!(pretty, json, "the JSON of {} changed", message.name);
}

#[test]
fn every_message_is_written_as_ever() {
    written_inputs().iter().chain(&written_outputs()).for_each(check_against_committed);
}

#[test]
fn every_golden_input_is_read_from_bytes_and_from_json() {
    let examples = examples::inputs();
    assert!(examples.iter().map(Event::type_name).eq(Event::TYPES.iter().map(|(name, _)| *name)));
    for (event, written) in examples.iter().zip(written_inputs()) {
        let bytes = from_hex(&committed(&golden(written.name, "hex")));
        let json = committed(&golden(written.name, "json"));
        let name = event.type_name();
        assert_eq!(decode(name, ContentType::Protobuf, &bytes).as_ref(), Ok(event));
        assert_eq!(decode(name, ContentType::Json, json.as_bytes()).as_ref(), Ok(event));
    }
}

#[test]
fn every_golden_output_is_read_from_bytes_and_from_json() {
    fn check<M: Output + PartialEq + DeserializeOwned + std::fmt::Debug>(example: M) {
        let name = M::TYPE.strip_prefix("omnifold.v1.").expect("our package");
        let bytes = from_hex(&committed(&golden(name, "hex")));
        assert_eq!(M::decode(&bytes[..]).expect("golden bytes"), example);
        let json = committed(&golden(name, "json"));
        assert_eq!(serde_json::from_str::<M>(&json).expect("golden JSON"), example);
    }
    check(decisions::order_outcome());
    check(decisions::fulfilment_assigned());
    check(decisions::fulfilment_changed());
    check(decisions::fulfilment_release_requested());
    check(decisions::fulfilment_released());
    check(decisions::stock_hold_outcome());
    check(decisions::epoch_mark());
    check(decisions::rejected_event());
    check(decisions::availability_changed());
    check(decisions::count_variance());
    check(examples::story::notice());
    check(decisions::return_authorised());
    check(decisions::return_refused());
    check(decisions::refund_due());
    check(examples::purchasing::supplier_invoice_matched());
    check(examples::purchasing::receipt_discrepancy());
    check(examples::purchasing::sla_breached());
    check(examples::purchasing::sla_breach_withdrawn());
    check(examples::purchasing::purchase_order_due());
    check(examples::purchasing::purchase_suggested());
    check(examples::waves::wave_planned());
    check(examples::purchasing::transfer_suggested());
    check(examples::units::serial_discrepancy());
    check(examples::units::lot_expired());
}

fn pool() -> DescriptorPool {
    DescriptorPool::decode(DESCRIPTORS).expect("our own schema is valid")
}

fn collect_set_fields(message: &DynamicMessage, seen: &mut BTreeSet<String>) {
    for (field, value) in message.fields() {
        seen.insert(field.full_name().to_owned());
        let list = value.as_list().unwrap_or(std::slice::from_ref(value));
        let nested = list.iter().filter_map(|value| value.as_message());
        nested.for_each(|inner| collect_set_fields(inner, seen));
    }
}

#[test]
fn the_examples_leave_no_field_out() {
    let pool = pool();
    let mut seen = BTreeSet::new();
    for message in written_inputs().iter().chain(&written_outputs()) {
        let name = format!("omnifold.v1.{}", message.name);
        let descriptor = pool.get_message_by_name(&name).expect("a message of the schema");
        let parsed = DynamicMessage::decode(descriptor, &message.bytes[..]).expect("own bytes");
        collect_set_fields(&parsed, &mut seen);
    }
    let declared = pool
        .all_messages()
        .filter(|message| !message.is_map_entry())
        .flat_map(|message| message.fields().map(|f| f.full_name().to_owned()).collect::<Vec<_>>());
    assert_eq!(declared.collect::<BTreeSet<_>>(), seen);
}

/// One line for each field and enum value: its number, name and type.
fn schema_lines(pool: &DescriptorPool) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for message in pool.all_messages() {
        for field in message.fields() {
            let repeated = if field.is_list() { "repeated " } else { "" };
            let kind = field.kind();
            let line = format!("{} = {} {repeated}{kind:?}", field.full_name(), field.number());
            lines.insert(line);
        }
        let reserved = message.reserved_ranges().flatten();
        lines.extend(reserved.map(|number| format!("{} reserved {number}", message.full_name())));
    }
    for kind in pool.all_enums() {
        for value in kind.values() {
            lines.insert(format!("{}.{} = {}", kind.full_name(), value.name(), value.number()));
        }
        let reserved = kind.reserved_ranges().flatten();
        lines.extend(reserved.map(|number| format!("{} reserved {number}", kind.full_name())));
    }
    lines
}

/// A field or value that was retired: gone, and its number reserved for ever.
fn is_retired(line: &str, current: &BTreeSet<String>) -> bool {
    let mut words = line.split(' ');
    let owner = words.next().and_then(|name| name.rsplit_once('.')).map(|(owner, _)| owner);
    let number = words.nth(1);
    owner
        .zip(number)
        .is_some_and(|(owner, number)| current.contains(&format!("{owner} reserved {number}")))
}

#[test]
fn no_field_number_or_enum_value_is_removed_or_renumbered() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto/omnifold/v1/schema.golden");
    let current = schema_lines(&pool());
    let pinned: BTreeSet<String> =
        std::fs::read_to_string(&path).unwrap_or_default().lines().map(str::to_owned).collect();
    let gone: Vec<_> =
        pinned.difference(&current).filter(|line| !is_retired(line, &current)).collect();
    assert!(gone.is_empty(), "logs hold these; mark them `reserved` instead: {gone:#?}");
    if writing() {
        let text: String = pinned.union(&current).map(|line| format!("{line}\n")).collect();
        std::fs::write(&path, text).expect("schema.golden written");
        return;
    }
    let new: Vec<_> = current.difference(&pinned).collect();
    assert!(new.is_empty(), "new in the schema; run with OMNIFOLD_GOLDEN=write: {new:#?}");
}
