//! docs/PEER_STATES.md is true: each row of its tables is played on the real engine.

mod engine;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use engine::Engine;
use omnifold_events::jsonl::FileEvent;
use omnifold_projector::{Query, StateAt};
use omnifold_simulation::scenario::{Action, parse};
use serde_json::Value;

/// One row: a state of another system, ours, and how it is reached.
struct Row {
    table: String,
    theirs: String,
    ours: String,
    commands: String,
}

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/PEER_STATES.md");
    std::fs::read_to_string(path).expect("docs/PEER_STATES.md")
}

/// The words that stand for several commands.
fn shorthand(page: &str) -> BTreeMap<&str, &str> {
    let (_, rest) = page.split_once("```text\n").expect("the shorthand");
    let (block, _) = rest.split_once("```").expect("its end");
    block.lines().map(|line| line.split_once(" = ").expect("a word and its commands")).collect()
}

fn rows(page: &str) -> Vec<Row> {
    let words = shorthand(page);
    let mut table = String::new();
    let mut rows = Vec::new();
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            title.clone_into(&mut table);
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", theirs, ours, commands, ""] = cells[..] else { continue };
        if !theirs.starts_with('`') {
            continue;
        }
        let commands: Vec<&str> = commands
            .split(';')
            .map(|command| *words.get(command.trim()).unwrap_or(&command.trim()))
            .collect();
        rows.push(Row {
            table: table.clone(),
            theirs: theirs.trim_matches('`').to_owned(),
            ours: ours.to_owned(),
            commands: commands.join(";"),
        });
    }
    rows
}

/// The market that every row begins on, with a carrier whose table is the rows' own.
fn preface(codes: &BTreeMap<&str, &str>) -> String {
    let codes: Vec<String> = codes.iter().map(|(code, ours)| format!("{code}:{ours}")).collect();
    let codes = codes.join(" ");
    format!(
        "market coverage=ship_complete shortage=wait;node N at 48.1,2.0 takes_returns;\
         node M at 48.2,2.0;item S;count N S 10;carrier peer {codes};"
    )
}

/// The codes of one table that mean a status of a parcel.
fn codes<'r>(rows: &'r [Row], table: &str) -> BTreeMap<&'r str, &'r str> {
    let of_table = rows.iter().filter(|row| row.table == table);
    of_table
        .filter_map(|row| {
            let (_, status) = row.ours.split_once("parcel ")?;
            (status != "unspecified").then_some((row.theirs.as_str(), status))
        })
        .collect()
}

fn play(row: &Row, codes: &BTreeMap<&str, &str>) -> Engine {
    let text = format!("{}{}", preface(codes), row.commands).replace(';', "\n");
    let steps = parse(&text).unwrap_or_else(|error| panic!("{}: {error}", row.theirs));
    let engine = Engine::with(|options| options.state = StateAt::Memory);
    let events: Vec<FileEvent> = steps
        .into_iter()
        .filter_map(|step| match step.action {
            Action::Event(event) => Some(*event),
            _ => None,
        })
        .collect();
    engine.publish_together(&events);
    engine.run();
    engine
}

fn order_body(engine: &Engine) -> Value {
    let (channel, order_id) = ("web".to_owned(), "O".to_owned());
    engine.query(Query::Order { channel, order_id }).expect("the order").body
}

/// What the engine says of one condition of a row: `fulfilment Packed`, `parcel delivered` ...
fn found(engine: &Engine, condition: &str) -> String {
    let (what, _) = condition.split_once(' ').expect("two words");
    let fulfilment = || {
        engine.query(Query::Fulfilment { id: "web/O/f1".to_owned() }).expect("the fulfilment").body
    };
    let value = match what {
        "order" => order_body(engine)["status"].clone(),
        "fulfilment" => fulfilment()["state"].clone(),
        "parcel" => fulfilment()["parcels"][0]["status"].clone(),
        "hold" => order_body(engine)["holds"][0]["reason"].clone(),
        "release" => order_body(engine)["release_at"].clone(),
        "asked" => fulfilment()["lines"][0]["asked_back"].clone(),
        "return" => order_body(engine)["returns"][0]["state"].clone(),
        "quarantine" => {
            let (node, sku) = (Some("N".to_owned()), Some("S".to_owned()));
            let stock = engine.query(Query::Stock { node, sku, limit: 1 }).expect("the stock");
            stock.body["rows"][0]["quarantine"].clone()
        }
        other => panic!("`{other}` is nothing that can be looked at"),
    };
    format!("{what} {}", value.as_str().unwrap_or_default())
}

#[test]
fn every_row_is_reached_by_its_commands() {
    let page = page();
    let rows = rows(&page);
    assert!(rows.len() > 60, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let engine = play(row, &codes(&rows, &row.table));
        let said: Vec<String> =
            row.ours.split(", ").map(|condition| found(&engine, condition)).collect();
        if said.join(", ") != row.ours {
            wrong.push(format!(
                "{} {}: {} and not {}",
                row.table,
                row.theirs,
                said.join(", "),
                row.ours
            ));
        }
        if row.table.starts_with("Courier") {
            let parcel = engine.query(Query::Fulfilment { id: "web/O/f1".to_owned() });
            let code =
                parcel.expect("the fulfilment").body["parcels"][0]["history"][0]["code"].clone();
            assert_eq!(code, row.theirs.as_str(), "the carrier's own code is kept");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_lost_two_states_of_theirs_are_two_of_ours() {
    let page = page();
    let mut met = BTreeSet::new();
    for row in rows(&page).iter().filter(|row| !row.table.starts_with("Courier")) {
        assert!(met.insert((row.table.clone(), row.ours.clone())), "{} {}", row.table, row.theirs);
    }
}
