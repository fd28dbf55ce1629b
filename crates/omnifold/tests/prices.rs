//! Shadow prices: learned, solved, published; once, and again as the market moves.

mod support;

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use omnifold_kafka_testkit::shared;
use serde_json::{Deserializer, Value, json};
use support::{Home, scarce, scarce_market};

/// Nothing is cheaper than a shipment from `far`, whatever the way.
const FAR: &str = r#"
name = "far"
version = 3
state = "active"
[groups]
far = ["far"]
[[rule]]
name = "some"
channels = ["shop"]
mode = "least_cost"
[rule.cost]
shipment = 9000
[[rule]]
name = "all others"
mode = "least_cost"
[rule.cost]
shipment = 500000
shipment_of = { far = 200000 }
unit = 10000
"#;

#[test]
fn prices_are_learned_published_and_stand_beside_the_stock() {
    let home = scarce(6);
    let prices = |flags: &[&str]| {
        let args =
            [&["prices", "--horizon-days", "0.05", "--data", "d", "--output", "json"], flags];
        home.run(&args.concat()).json()
    };
    let tried = prices(&["--dry-run"]);
    assert_eq!((&tried["orders_learned"], &tried["events_published"]), (&json!(6), &json!(0)));
    let found = prices(&[]);
    assert_eq!(found["prices"], tried["prices"]);
    assert_eq!(found["complete"], true, "{found}");
    // What is left of B at the near store makes an order of both whole there.
    let first = &found["prices"][0];
    assert_eq!((&first["node"], &first["sku"]), (&json!("near"), &json!("B")), "{found}");
    // It saves the way from the far one, 430 km, for one unit or for two.
    let price = first["price_minor"].as_f64().expect("a number");
    assert!((5.0..60.0).contains(&price), "{found}");

    home.run(&["run", "--until-idle", "--data", "d"]).done();
    let rows = home.run(&["show", "stock", "--sku", "B", "--data", "d", "--output", "json"]).json();
    let near =
        rows["body"]["rows"].as_array().expect("rows").iter().find(|row| row["node"] == "near");
    let shown: f64 =
        near.expect("a row")["shadow_price"].as_str().expect("a price").parse().unwrap();
    assert!((shown - first["price_minor"].as_f64().unwrap()).abs() < 1e-3, "{rows}");
    assert_eq!(home.run(&["verify", "--data", "d", "--output", "json"]).json()["ok"], true);
}

#[test]
fn prices_follow_the_costs_of_the_policy_in_force_unless_others_are_named() {
    let home = scarce(6);
    fs::write(home.path().join("far.toml"), FAR).expect("a file");
    let at = ["--at", "2025-06-02T07:00:00Z", "--market", "fr", "--data", "d"];
    assert_eq!(home.run(&[&["policy", "activate", "far.toml"], &at[..]].concat()).code, 0);
    home.run(&["run", "--until-idle", "--data", "d"]).done();
    let prices = |flags: &[&str]| {
        let asked = ["prices", "--dry-run", "--horizon-days", "0.5", "--data", "d"];
        home.run(&[&asked[..], &["--output", "json"], flags].concat())
    };
    let found = prices(&[]).json();
    assert_eq!(found["cost_model"], "`far` version 3", "{found}");
    let price = |report: &Value, node: &str, sku: &str| {
        let rows = report["prices"].as_array().expect("prices").clone();
        let row = rows.into_iter().find(|row| row["node"] == node && row["sku"] == sku);
        row.map_or(0.0, |row| row["price_minor"].as_f64().expect("a number"))
    };
    // Some 80 orders are expected: the 60 units of B at the far store run out, those at the near one do not.
    // Each spares a shipment from there, which is 3.00 dearer.
    assert!((250.0..=300.0).contains(&price(&found, "far", "B")), "{found}");
    assert!(price(&found, "near", "B") < 10.0, "{found}");
    let named = prices(&["--costs", "far.toml"]).json();
    assert_eq!(named["prices"], found["prices"]);
    let flat = prices(&["--shipment", "500"]).json();
    assert_eq!(flat["cost_model"], "`flat` version 1");
    assert!(price(&flat, "near", "B") > 0.0, "the near one saves the way: {flat}");
    let fault = prices(&["--costs", "far.toml", "--unit", "1"]);
    assert_eq!(fault.code, 2, "{fault:?}");
    let fault = prices(&["--every-minutes", "90", "--valid-hours", "1.5"]);
    assert_eq!(fault.code, 2, "{fault:?}");
    assert!(fault.err.contains("--valid-hours"), "{fault:?}");
}

#[test]
fn a_server_keeps_the_prices_of_its_markets_solved() {
    let home = scarce(30);
    let settings = "[prices]\nevery_minutes = 60\nhorizon_days = 1\n";
    fs::write(home.path().join("omnifold.toml"), settings).expect("a file");
    let serving = home.serve("d", &["--market", "fr"]);
    let ask = ["show", "stock", "--sku", "B", "--data", "d", "--output", "json"];
    let price = || {
        let shown = home.run(&ask).json();
        let rows = shown["body"]["rows"].as_array().expect("rows").clone();
        rows.into_iter().find_map(|row| row["shadow_price"].as_str().map(str::to_owned))
    };
    let priced = (0..300).find_map(|_| {
        thread::sleep(Duration::from_millis(100));
        price()
    });
    assert!(
        priced.is_some_and(|price| price != "0"),
        "30 orders in half an hour, and more to come"
    );
    let (code, took) = serving.stop();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(30), "took {took:?}");
    let faults = home.run_with(&[("OMNIFOLD_PRICES__DRIFT_PERCENT", "0")], &["config", "print"]);
    assert!(faults.code == 2 && faults.err.contains("prices.drift_percent"), "{faults:?}");
}

#[test]
fn prices_are_solved_again_when_stock_has_gone_and_when_another_policy_rules() {
    let Some(broker) = shared() else { return };
    let (home, address) = (Home::new(), broker.address());
    let on_kafka = |args: &[&str]| {
        let log = ["--data", "k", "--kafka", &address, "--prefix", "cli-prices", "--market", "fr"];
        [args, &log].concat().into_iter().map(str::to_owned).collect::<Vec<String>>()
    };
    let run = |args: &[&str]| {
        let all = on_kafka(args);
        home.run(&all.iter().map(String::as_str).collect::<Vec<_>>()).done();
    };
    let publish = |orders: usize| {
        fs::write(home.path().join("more.jsonl"), scarce_market(orders, Value::Null))
            .expect("a file");
        run(&["publish", "more.jsonl"]);
        run(&["run", "--until-idle"]);
    };
    publish(6);
    let watch = on_kafka(&[
        "prices",
        "--horizon-days",
        "0.05",
        "--every-minutes",
        "1000",
        "--drift-percent",
        "20",
        "--times",
        "3",
        "--output",
        "json",
    ]);
    let watch = watch.iter().map(String::as_str).collect::<Vec<_>>();
    let mut watching = home.command(&watch).stdout(Stdio::piped()).spawn().expect("it starts");
    let out = watching.stdout.take().expect("piped");
    let mut reports = Deserializer::from_reader(out).into_iter::<Value>();
    let mut next = || reports.next().expect("another report").expect("JSON");
    let first = next();
    assert_eq!((&first["because"], &first["orders_learned"]), (&json!("asked"), &json!(6)));
    assert_ne!(first["events_published"], 0, "{first}");
    publish(30);
    let second = next();
    assert_eq!((&second["because"], &second["orders_learned"]), (&json!("drift"), &json!(30)));
    assert!(second["drift_percent"].as_f64().expect("a number") >= 20.0, "{second}");
    fs::write(home.path().join("far.toml"), FAR).expect("a file");
    run(&["policy", "activate", "far.toml", "--at", "2025-06-02T07:00:00Z"]);
    run(&["run", "--until-idle"]);
    let third = next();
    assert_eq!(
        (&third["because"], &third["cost_model"]),
        (&json!("policy"), &json!("`far` version 3"))
    );
    assert!(watching.wait().expect("it ends by itself").success());
}
