//! The commands end to end on the embedded log: files in, decisions out, questions, verification,
//! a running server.

mod support;

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use support::{Home, Serving};

const EXAMPLE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/examples/first-orders.jsonl");

fn lines(ran: &support::Ran) -> Vec<Value> {
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.out.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

fn decided() -> Home {
    let home = Home::new();
    let ran = home.run(&["publish", EXAMPLE, "--data", "d", "--market", "de", "--output", "json"]);
    assert_eq!(ran.json()["published"]["events"], 22);
    home
}

#[test]
fn a_file_of_events_is_decided_shown_and_verified() {
    let home = decided();
    let run = home.run(&["run", "--until-idle", "--data", "d", "--output", "json"]).json();
    let tally = &run["markets"][0]["tally"];
    assert_eq!((&tally["orders"], &tally["rerouted"]), (&json!(4), &json!(1)), "{run}");
    let digest = run["markets"][0]["position"]["digest"].clone();

    let shown = home.run(&["show", "order", "web/1004", "--data", "d", "--output", "json"]).json();
    assert_eq!(shown["body"]["fulfilments"][0]["node"], "berlin", "{shown}");
    assert_eq!(shown["position"]["digest"], digest, "an answer carries its position");
    let text = home.run(&["show", "decision", "web/1001", "--data", "d"]).out;
    assert!(text.contains("rerouted") && text.contains("excluded"), "{text}");
    let stock = home.run(&["show", "stock", "--sku", "POT-GLASS-1L", "--data", "d"]).out;
    assert!(stock.contains("berlin") && stock.contains("as of epoch"), "{stock}");

    let outcomes = lines(&home.run(&["events", "tail", "--from", "0", "--data", "d"]));
    assert_eq!(outcomes[0]["data"]["nodeId"], "hamburg", "{:?}", outcomes[0]);
    let journal = home.run(&["events", "tail", "--topic", "journal", "--data", "d"]);
    assert!(!lines(&journal).is_empty());

    for args in [vec!["verify"], vec!["verify", "--state"]] {
        let ran = home.run(&[&args[..], &["--data", "d", "--output", "json"]].concat()).json();
        assert_eq!(ran["ok"], true, "{args:?}: {ran}");
    }
    let rebuilt = home.run(&["rebuild", "--data", "d", "--output", "json"]).json();
    assert_eq!(rebuilt["markets"][0]["position"]["digest"], digest);
}

#[test]
fn publishing_and_running_again_changes_nothing() {
    let home = decided();
    let digest = |home: &Home| {
        let run = home.run(&["run", "--until-idle", "--data", "d", "--output", "json"]).json();
        run["markets"][0]["position"]["digest"].clone()
    };
    let first = digest(&home);
    home.run(&["publish", EXAMPLE, "--data", "d"]).done();
    let again = home.run(&["run", "--until-idle", "--data", "d", "--output", "json"]).json();
    assert_eq!(again["markets"][0]["tally"]["duplicates"], 22, "{again}");
    assert_eq!(again["markets"][0]["position"]["digest"], first);
}

#[test]
fn what_is_asked_for_and_not_there_ends_with_code_four() {
    let home = decided();
    for args in [
        vec!["show", "order", "web/none", "--data", "d"],
        vec!["show", "fulfilment", "web/1001/f9", "--data", "d"],
        vec!["show", "market", "--data", "empty"],
    ] {
        let ran = home.run(&args);
        assert_eq!(ran.code, 4, "{args:?}: {ran:?}");
        assert!(ran.err.starts_with("error: "), "{ran:?}");
    }
    assert_eq!(home.run(&["show", "order", "1001", "--data", "d"]).code, 2, "no channel");
    let told = home.run(&["show", "order", "web/none", "--data", "d", "--output", "json"]);
    let error: Value = serde_json::from_str(&told.err).expect("JSON on standard error");
    assert_eq!(error["exit_code"], 4);
}

#[test]
fn lines_that_are_no_events_are_kept_aside_and_the_others_published() {
    let home = Home::new();
    let good = fs::read_to_string(EXAMPLE).expect("the example");
    let file = home.file("mixed.jsonl", &format!("{{\"name\":\"Ada\"}}\n{good}"));
    let ran = home.run(&["publish", &file, "--data", "d", "--market", "de"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("1 of 23 lines") && ran.out.contains(".rejects"), "{}", ran.out);
    assert!(home.path().join("mixed.jsonl.rejects").is_file());
    let strict = home.run(&["publish", &file, "--strict", "--data", "e", "--market", "de"]);
    assert_eq!(strict.code, 1, "{strict:?}");
}

#[test]
fn an_event_that_was_refused_can_be_published_again() {
    let home = Home::new();
    let all = fs::read_to_string(EXAMPLE).expect("the example");
    let without = |word: &str| -> String {
        all.lines().filter(|line| !line.contains(word)).map(|line| format!("{line}\n")).collect()
    };
    let file = home.file("partly.jsonl", &without("item-POT-GLASS-1L"));
    assert_eq!(home.run(&["publish", &file, "--data", "d", "--market", "de"]).code, 0);
    let run = home.run(&["run", "--until-idle", "--data", "d", "--output", "json"]).json();
    assert!(run["markets"][0]["tally"]["rejected"].as_u64() > Some(2), "{run}");

    let item = all.lines().find(|line| line.contains("item-POT-GLASS-1L")).expect("the item");
    let file = home.file("item.jsonl", item);
    assert_eq!(home.run(&["publish", &file, "--data", "d"]).code, 0);
    home.run(&["run", "--until-idle", "--data", "d"]);
    let redriven = home.run(&["redrive", "--data", "d", "--output", "json"]).json();
    assert!(redriven["published"].as_u64() > Some(2), "{redriven}");
    let run = home.run(&["run", "--until-idle", "--data", "d", "--output", "json"]).json();
    assert_eq!(run["markets"][0]["tally"]["records"], redriven["published"], "{run}");
    let stock = ["show", "stock", "--sku", "POT-GLASS-1L", "--data", "d", "--output", "json"];
    assert!(!home.run(&stock).json()["body"]["rows"].as_array().expect("rows").is_empty());
}

#[test]
fn while_serve_runs_the_other_commands_ask_it_and_sigterm_ends_it_in_time() {
    let home = decided();
    let serving = home.serve("d", &[]);
    wait_until_idle(&home, 22);
    let shown = home.run(&["show", "order", "web/1002", "--data", "d", "--output", "json"]).json();
    assert_eq!(shown["body"]["fulfilments"][0]["node"], "munich", "{shown}");
    assert_eq!(home.run(&["show", "order", "web/none", "--data", "d"]).code, 4);

    let order = fs::read_to_string(EXAMPLE).expect("the example");
    let order = order.lines().find(|line| line.contains("order-1001")).expect("an order");
    let order = order.replace("1001", "2001").replace("09:00:00Z", "12:00:00Z");
    let file = home.file("more.jsonl", &order);
    let ran = home.run(&["publish", &file, "--data", "d", "--output", "json"]).json();
    assert_eq!(ran["published"]["events"], 1);
    wait_until_idle(&home, 23);
    let shown = home.run(&["show", "order", "web/2001", "--data", "d", "--output", "json"]).json();
    assert_eq!(shown["position"]["step"], 23, "{shown}");

    for args in [["verify", "--data", "d"].as_slice(), &["verify", "--state", "--data", "d"]] {
        let ran = home.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
    }
    assert!(!lines(&home.run(&["events", "tail", "--data", "d"])).is_empty());
    let metrics = ureq::get(format!("{}/metrics", serving.url())).call().expect("an answer");
    let metrics = metrics.into_body().read_to_string().expect("text");
    for name in
        ["omnifold_orders_total{market=\"de\"}", "omnifold_log_disk_bytes", "omnifold_lag_events"]
    {
        assert!(metrics.contains(name), "{name} is not in:\n{metrics}");
    }
    let refused = home.run(&["rebuild", "--data", "d"]);
    assert!(refused.code == 1 && refused.err.contains("stop it first"), "{refused:?}");
    ends_well(serving);
}

fn wait_until_idle(home: &Home, step: u64) {
    for _ in 0..600 {
        let market = home.run(&["show", "market", "--data", "d", "--output", "json"]);
        if market.code == 0 && market.json()["position"]["step"] == step {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("step {step} is not reached: {:?}", home.run(&["show", "market", "--data", "d"]));
}

fn ends_well(serving: Serving) {
    let file = serving.address_file().to_owned();
    let (code, took) = serving.stop();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(30), "took {took:?}");
    assert!(!file.exists(), "the address is taken away");
}

#[test]
fn a_killed_server_leaves_an_address_that_fools_nobody() {
    let home = decided();
    let serving = home.serve("d", &[]);
    wait_until_idle(&home, 22);
    serving.kill();
    let shown = home.run(&["show", "order", "web/1002", "--data", "d", "--output", "json"]).json();
    assert_eq!(shown["position"]["step"], 22, "{shown}");
    assert_eq!(home.run(&["verify", "--data", "d"]).code, 0);
}

#[test]
fn the_demo_ends_in_a_report_and_commands_that_work() {
    let home = Home::new();
    let args = ["demo", "--orders", "3000", "--seed", "5", "--keep", "kept", "--output", "json"];
    let report = home.run(&args).json();
    assert_eq!(
        (&report["orders"], &report["checker"]["ok"]),
        (&json!(3000), &json!(true)),
        "{report}"
    );
    let again = home
        .run(&["demo", "--orders", "3000", "--seed", "5", "--keep", "again", "--output", "json"]);
    assert_eq!(again.json()["position"]["digest"], report["position"]["digest"]);
    for command in report["try_next"].as_array().expect("commands") {
        let words: Vec<&str> = command.as_str().expect("text").split(' ').skip(1).collect();
        let ran = home.run(&words);
        assert_eq!(ran.code, 0, "{command}: {ran:?}");
    }
    assert_eq!(home.run(&["demo", "--keep", "kept"]).code, 2, "a folder in use is not touched");
}

#[test]
fn a_broker_that_is_not_there_is_named() {
    let home = Home::new();
    let ran = home.run(&["topics", "check", "--kafka", "127.0.0.1:1", "--market", "de"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("127.0.0.1:1"), "{}", ran.err);
}
