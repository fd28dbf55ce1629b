//! The story of one order, told from the log: what was said about it, taken or not, what time and
//! others did to it, and what was decided, each with its place.

mod engine;

use engine::{Engine, MARKET};
use omnifold_projector::{History, QueryError, history};
use omnifold_simulation::scenario::{Action, parse};
use serde_json::Value;

const LIFE: &str = "
market shortage=wait coverage=allow_partial accept_within=1h
at 2025-06-02T10:00:00Z
node A at 48.1,2.0
node B at 48.9,2.0
item S
carrier ups I:in_transit D:delivered
order O lines S:2@5.00 to 48.0,2.0
order P lines S:1 to 48.0,2.0
count A S 2
hold O h1 fraud
ship O/f1
unhold O h1
at 2025-06-02T12:00:00Z
receive B S 2
ship O/f2 line 1 x1
again
ship O/f9
cancel O line 1 x1
pay O p1 captured 5
hand_on ups 1Z post 2Z
";

fn told(limit: usize) -> Value {
    let engine = played();
    let question = History { channel: "web".into(), order_id: "O".into(), limit };
    let answer = history(engine.log.clone(), MARKET, engine.options.clone(), &question);
    answer.expect("a log").expect("the order").body
}

fn played() -> Engine {
    let mut engine = Engine::new();
    for step in parse(LIFE).expect("a scenario") {
        if let Action::Event(event) = step.action {
            engine.take(&[*event]);
        }
    }
    engine
}

fn lines(body: &Value) -> Vec<String> {
    let entries = body["entries"].as_array().expect("entries");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    entries
        .iter()
        .map(|entry| format!("{} {}", text(&entry["record"]), text(&entry["what"])))
        .collect()
}

#[test]
fn it_is_told_in_plain_words_with_positions() {
    let body = told(1_000);
    assert_eq!(body["status"], "shipped");
    let expected = [
        "orders@0 the customer placed it: S x2",
        "assignments@0 the answer: waiting line 1 x2, waiting",
        "stock@0 stock counted changed it",
        "assignments@2 given to a node: f1, at A, S x2 (stock appeared)",
        "orders@2 a hold was put on it: hold h1, fraud",
        "assignments@3 the node keeps: f1, at A, S x2 (held)",
        "fulfilment@0 shipped: f1; refused, on_hold: f1 is on hold: [Hold { hold_id: \"h1\", reason: \
         Fraud }]",
        "orders@3 a hold was taken away: hold h1",
        "assignments@4 the node keeps: f1, at A, S x2 (hold released)",
        " its time came",
        "assignments@5 taken back from the node: f1, at A, S x2 (timed out)",
        "assignments@6 the answer: waiting line 1 x2, waiting (rerouted)",
        "stock@1 stock received changed it",
        "assignments@8 given to a node: f2, at B, S x2 (stock appeared)",
        "fulfilment@1 shipped: f2, line 1 x1",
        "fulfilment@2 shipped: f2, line 1 x1; said before, no effect",
        "fulfilment@3 shipped: f9; refused, unknown_fulfilment: no fulfilment `web/O/f9`",
        "orders@4 a cancellation was asked for: line 1 x1",
        "assignments@9 taken back from the node: f2, at B, S x1 (cancelled)",
        "assignments@10 the answer: cancelled line 1 x1, cancelled (cancelled)",
        "orders@5 a payment was captured: payment p1, 500 minor units of EUR",
    ];
    assert_eq!(lines(&body), expected);
    assert_eq!(body["entries"][0]["time"], "2025-06-02T10:00:04Z");
}

#[test]
fn the_newest_entries_are_told_where_not_all_are_wanted() {
    let (all, few) = (told(1_000), told(3));
    let lines = lines(&all);
    assert_eq!(few["not_listed"], lines.len() - 3);
    assert_eq!(self::lines(&few), lines[lines.len() - 3..]);
}

#[test]
fn an_order_that_nobody_spoke_of_has_no_story() {
    let engine = played();
    let question = History { channel: "web".into(), order_id: "X".into(), limit: 9 };
    let answer = history(engine.log.clone(), MARKET, engine.options.clone(), &question);
    assert!(matches!(answer.expect("a log"), Err(QueryError::NotFound(_))));
}
