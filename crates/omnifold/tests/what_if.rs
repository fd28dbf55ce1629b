//! Replays of recorded demand: under other settings, under another policy, under two policies.

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Home, scarce, scarce_promising};

#[test]
fn a_replay_compares_what_happened_with_what_would_have() {
    let home = scarce(140);
    let ran = home.run(&[
        "simulate",
        "--settings",
        "shortage=WAIT",
        "--settings",
        "coverage=ALLOW_PARTIAL",
        "--data",
        "d",
        "--output",
        "json",
    ]);
    let report = ran.json();
    let (happened, same) = (&report["happened"], &report["as_it_was"]);
    assert_eq!(happened["orders"], 140, "{report}");
    assert!(happened["refused"].as_u64().expect("a count") > 0, "{report}");
    for figure in ["orders", "refused", "filled_at_once", "fulfilments", "mean_distance_km", "load"]
    {
        assert_eq!(happened[figure], same[figure], "{figure}: the same settings decide the same");
    }
    assert_eq!(same["moved_from_what_happened"], 0);
    let changed = &report["changed"];
    assert_eq!(changed["refused"], 0, "{report}");
    assert!(changed["waiting_at_first"].as_u64().expect("a count") > 0, "{report}");
    assert!(report["moved"].as_u64().expect("a count") > 0, "{report}");
    assert_eq!(home.run(&["simulate", "--settings", "clock=WALL", "--data", "d"]).code, 2);
    let text = home.run(&["simulate", "--settings", "shortage=WAIT", "--data", "d"]).out;
    assert!(text.contains("modelled") && text.contains("near"), "{text}");
}

/// Shipping from `far` is cheaper, whatever the way.
const FAR: &str = r#"
name = "far"
version = 3
[groups]
far = ["far"]
[[rule]]
name = "cheapest"
mode = "least_cost"
outcome = { none = "wait" }
[rule.cost]
shipment = 500000
shipment_of = { far = 200000 }
unit = 10000
"#;

const NEAR: &str = r#"
name = "near"
version = 1
[[rule]]
name = "nearest"
  [[rule.rank]]
  by = "distance"
"#;

fn replayed(home: &Home, args: &[&str]) -> Value {
    home.run(&[args, &["--data", "d", "--output", "json"]].concat()).json()
}

fn policies(home: &Home) {
    fs::write(home.path().join("far.toml"), FAR).expect("a file");
    fs::write(home.path().join("near.toml"), NEAR).expect("a file");
}

#[test]
fn a_policy_is_replayed_beside_what_happened_and_every_side_is_priced_alike() {
    let home = scarce(40);
    policies(&home);
    let report = replayed(&home, &["simulate", "--policy", "far.toml"]);
    let (happened, same, changed) = (&report["happened"], &report["as_it_was"], &report["changed"]);
    assert_eq!(happened["load"], json!({"near": {"fulfilments": 40, "units": 60.0}}));
    assert_eq!(changed["load"], json!({"far": {"fulfilments": 40, "units": 60.0}}), "{report}");
    assert_eq!((&report["moved"], &changed["moved_from_what_happened"]), (&json!(40), &json!(40)));
    // 40 parcels and 60 units at 0.10: 5.00 a parcel from near, 2.00 from far.
    assert_eq!(happened["cost_minor"], 40.0 * 500.0 + 60.0 * 10.0);
    assert_eq!(same["cost_minor"], happened["cost_minor"]);
    assert_eq!(changed["cost_minor"], 40.0 * 200.0 + 60.0 * 10.0);
    assert_eq!(report["cost_model"], "`far` version 3");
    // From the 21st order on: each is placed a minute after the one before, the first at 06:09.
    let later = replayed(
        &home,
        &[
            "simulate",
            "--policy",
            "far.toml",
            "--from",
            "2025-06-02T06:29:00Z",
            "--to",
            "2025-06-02T06:39:00Z",
        ],
    );
    assert_eq!(
        (&later["happened"]["orders"], &later["moved"]),
        (&json!(10), &json!(10)),
        "{later}"
    );
    assert_eq!(later["changed"]["fulfilments"], 10);
    // Nothing is priced by a policy without costs; --costs says what by.
    let near = replayed(&home, &["simulate", "--policy", "near.toml"]);
    assert_eq!(
        (&near["cost_model"], &near["happened"]["cost_minor"]),
        (&json!(null), &json!(null))
    );
    let priced = replayed(&home, &["simulate", "--policy", "near.toml", "--costs", "far.toml"]);
    assert_eq!(priced["changed"]["cost_minor"], happened["cost_minor"]);
    let text = home.run(&["simulate", "--policy", "far.toml", "--data", "d"]).out;
    for word in ["cost, minor units", "priced by `far` version 3", "modelled  nodes", "recorded  "]
    {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert_eq!(home.run(&["simulate", "--data", "d"]).code, 2, "a change is needed");
    let bare =
        home.run(&["simulate", "--policy", "far.toml", "--costs", "near.toml", "--data", "d"]);
    assert_eq!(bare.code, 2, "{bare:?}");
}

#[test]
fn a_policy_in_force_gives_way_to_the_one_that_is_tried() {
    let home = scarce(4);
    let active = FAR.replace("version = 3", "version = 9\nstate = \"active\"");
    fs::write(home.path().join("active.toml"), active).expect("a file");
    policies(&home);
    let at = ["--at", "2025-06-02T07:00:00Z"];
    let activate =
        [&["policy", "activate", "active.toml", "--data", "d", "--market", "fr"], &at[..]];
    assert_eq!(home.run(&activate.concat()).code, 0);
    let mut order = json!({"channel":"web","orderId":"later",
        "lines":[{"lineId":"1","sku":"A","quantityMilli":"1000"}],
        "destination":{"location":{"latE6":48_100_000,"lonE6":2_000_000}}});
    order = json!({"specversion":"1.0","id":"later","source":"test","type":"omnifold.v1.OrderPlaced",
        "time":"2025-06-02T08:00:00Z","data":order});
    fs::write(home.path().join("later.jsonl"), format!("{order}\n")).expect("a file");
    assert_eq!(home.run(&["publish", "later.jsonl", "--data", "d", "--market", "fr"]).code, 0);
    home.run(&["run", "--until-idle", "--data", "d"]).done();
    let since = ["--from", "2025-06-02T07:30:00Z"];
    let near = replayed(&home, &[&["simulate", "--policy", "near.toml"], &since[..]].concat());
    assert_eq!(near["as_it_was"]["load"]["far"]["fulfilments"], 1, "{near}");
    assert_eq!(near["changed"]["load"]["near"]["fulfilments"], 1);
    // Priced by the one in force; an older version of it can be tried as well.
    assert_eq!(near["cost_model"], "`far` version 9");
    let older = replayed(&home, &[&["simulate", "--policy", "far.toml"], &since[..]].concat());
    assert_eq!((&older["moved"], &older["changed"]["events_refused"]), (&json!(0), &json!(0)));
}

#[test]
fn two_policies_are_compared_and_a_broken_limit_has_its_own_exit_code() {
    let home = scarce(40);
    policies(&home);
    let diff = |limits: &[&str]| {
        let mut args = vec!["policy", "diff", "near.toml", "far.toml", "--data", "d"];
        limits.iter().for_each(|limit| args.extend(["--limit", limit]));
        home.run(&[&args[..], &["--output", "json"]].concat())
    };
    let report =
        diff(&["change.cost_minor<=-50%", "fill_rate_percent>=100", "load.far<=40"]).json();
    assert_eq!((&report["moved"], &report["ok"]), (&json!(40), &json!(true)), "{report}");
    assert_eq!(report["old"]["cost_minor"], 40.0 * 500.0 + 60.0 * 10.0);
    assert_eq!(report["change"]["cost_minor"], -40.0 * 300.0);
    assert_eq!(report["change"]["fulfilments"], 0.0);
    assert!(report["change"]["mean_distance_km"].as_f64().expect("a number") > 400.0, "{report}");
    let broken = diff(&["change.mean_distance_km<=10", "moved<=40"]);
    assert_eq!(broken.code, 5, "{broken:?}");
    let shown: Value = serde_json::from_str(&broken.out).expect("the report all the same");
    assert_eq!(
        (&shown["limits"][0]["ok"], &shown["limits"][1]["ok"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(diff(&["late_percent<=5"]).code, 5, "no node has a time to leave by");
    assert_eq!(diff(&["distance<=5"]).code, 2, "no such figure");
    let text = home.run(&[
        "policy",
        "diff",
        "near.toml",
        "far.toml",
        "--limit",
        "moved<=1",
        "--data",
        "d",
    ]);
    assert!(text.out.contains("BROKEN   moved<=1: is 40.000"), "{}", text.out);
}

/// What became of 46 orders: `near`, which has 40 of them, is a day away; `far` three, and says so by a
/// carrier's code.
fn deliveries() -> String {
    let event = |id: String, time: &str, kind: &str, data: Value| {
        let kind = format!("omnifold.v1.{kind}");
        let event = json!({"specversion":"1.0","id":id,"source":"test","type":kind,"time":time,"data":data});
        format!("{event}\n")
    };
    let codes = json!([{"code":"DL","status":"TRACKING_STATUS_DELIVERED"},
        {"code":"IT","status":"TRACKING_STATUS_IN_TRANSIT"}]);
    let carrier = json!({"carrier":"post","codes":codes});
    let mut text = event("carrier".into(), "2025-06-02T08:00:00Z", "CarrierDefined", carrier);
    for number in 0..46 {
        let name = json!({"target":{"fulfilmentId":format!("web/{number}/f1")},
            "carrier":"post","trackingNumber":format!("T{number}")});
        text += &event(format!("s{number}"), "2025-06-02T10:00:00Z", "FulfilmentShipped", name);
    }
    for number in 0..40 {
        let name = json!({"target":{"fulfilmentId":format!("web/{number}/f1")}});
        text += &event(format!("d{number}"), "2025-06-03T10:00:00Z", "FulfilmentDelivered", name);
    }
    // Milliseconds of two mornings.
    for (day, code, at_ms) in [(3, "IT", 1_748_944_800_000_i64), (5, "DL", 1_749_117_600_000)] {
        for number in 40..46 {
            let update = json!({"carrier":"post","trackingNumber":format!("T{number}"),"code":code,
                "happenedAtMs":at_ms.to_string()});
            let time = format!("2025-06-0{day}T20:00:00Z");
            text += &event(format!("t{day}-{number}"), &time, "TrackingUpdated", update);
        }
    }
    text
}

#[test]
fn what_is_delivered_late_is_told_of_every_side() {
    let promise = json!({"calendar":{"transitLeastDays":1,"transitMostDays":2}});
    let home = scarce_promising(46, promise);
    policies(&home);
    fs::write(home.path().join("deliveries.jsonl"), deliveries()).expect("a file");
    let published = home.run(&["publish", "deliveries.jsonl", "--data", "d", "--market", "fr"]);
    assert_eq!(published.code, 0, "{published:?}");
    home.run(&["run", "--until-idle", "--data", "d"]).done();
    let report = replayed(&home, &["simulate", "--policy", "far.toml"]);
    let figures = |side: &str| {
        let figure = |name: &str| report[side][name].clone();
        ["delivered", "delivery_due", "delivered_late", "mean_days_promised"].map(figure)
    };
    let six_late = [json!(46), json!(46), json!(6), json!(2.0)];
    assert_eq!(figures("happened"), six_late, "{report}");
    assert_eq!(figures("as_it_was"), six_late, "{report}");
    // Three days from there to anybody, as the six took; promised by the same calendar.
    let all_late = [json!(46), json!(46), json!(46), json!(2.0)];
    assert_eq!(figures("changed"), all_late, "{report}");
    assert_eq!(report["changed"]["delivered_late_percent"], 100.0);
    let days = report["changed"]["mean_days_to_delivery"].as_f64().expect("a figure");
    assert!((3.0..3.2).contains(&days), "{days}");
    let text = home.run(&["simulate", "--policy", "far.toml", "--data", "d"]).out;
    assert!(text.contains("days promised") && text.contains("not there by then"), "{text}");
    // In money, where the cost model prices a day: one too late each.
    assert_eq!(report["happened"]["late_cost_minor"], json!(null), "it has no price");
    fs::write(home.path().join("late.toml"), FAR.replace("unit =", "late_day = 30000\nunit ="))
        .expect("a file");
    let priced = ["policy", "diff", "near.toml", "late.toml", "--limit", "late_cost_minor<=1379"];
    let priced = home.run(&[&priced[..], &["--data", "d", "--output", "json"]].concat());
    assert_eq!(priced.code, 5, "{priced:?}");
    let priced: Value = serde_json::from_str(&priced.out).expect("the report all the same");
    let late = |side: &str| priced[side]["late_cost_minor"].clone();
    assert_eq!((late("old"), late("new")), (json!(6.0 * 30.0), json!(46.0 * 30.0)), "{priced}");
    let cost = priced["new"]["cost_minor"].as_f64().expect("a cost");
    assert_eq!(priced["new"]["cost_in_all_minor"], json!(cost + 46.0 * 30.0));
    assert_eq!(priced["change"]["late_cost_minor"], json!(40.0 * 30.0));
    assert_eq!(priced["new"]["markdown_saved_minor"], json!(null), "it counts none");
}
