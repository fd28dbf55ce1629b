//! The commands on a real broker, beside the tools that everybody has for one.

mod support;

use std::process::Command;
use std::thread;
use std::time::Duration;

use omnifold_kafka_testkit::shared;
use serde_json::Value;
use support::Home;

const EXAMPLE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/examples/first-orders.jsonl");
const ORDER: &str = r#"{"channel":"web","orderId":"3001","lines":[{"lineId":"1","sku":"TEA-GREEN-100","quantityMilli":"2000"}],"destination":{"country":"DE","postcodeArea":"80","location":{"latE6":48137000,"lonE6":11575000}}}"#;

/// kcat, under the name it has here.
fn kcat(args: &[&str]) -> Command {
    let names = ["kcat", "kafkacat"];
    let found = names.iter().find(|name| Command::new(name).arg("-V").output().is_ok());
    let mut command = Command::new(found.expect("kcat is installed (make deps-test)"));
    command.args(args);
    command
}

fn produce(broker: &str, topic: &str) {
    let home = Home::new();
    let file = home.file("order.json", ORDER);
    let status = kcat(&["-P", "-b", broker, "-t", topic, "-k", "web/3001"])
        .args(["-H", "ce_specversion=1.0", "-H", "ce_id=kcat-3001", "-H", "ce_source=kcat"])
        .args(["-H", "ce_type=omnifold.v1.OrderPlaced", "-H", "ce_time=2025-06-02T13:00:00Z"])
        .args(["-H", "content-type=application/json", &file])
        .status()
        .expect("kcat runs");
    assert!(status.success());
}

/// A topic as somebody makes it who does not know better: seven days of history, three partitions.
fn create_with_defaults(broker: &str, topic: &str) {
    let jars = omnifold_kafka_testkit::kafka_home().join("lib/*");
    let status = Command::new("java")
        .args(["-cp", &jars.display().to_string(), "org.apache.kafka.tools.TopicCommand"])
        .args(["--bootstrap-server", broker, "--create", "--topic", topic, "--partitions", "3"])
        .args(["--config", "retention.ms=604800000"])
        .status();
    assert!(status.expect("java runs").success());
}

fn digest(run: &Value) -> String {
    run["markets"][0]["position"]["digest"].as_str().expect("a digest").to_owned()
}

#[test]
fn a_json_order_of_kcat_is_routed_kcat_reads_the_assignment_and_both_logs_agree() {
    let Some(broker) = shared() else { return };
    let (home, address) = (Home::new(), broker.address());
    let on_kafka = |args: &[&str]| {
        let all = [args, &["--data", "k", "--kafka", &address, "--prefix", "cli"]].concat();
        home.run(&all)
    };
    let published = on_kafka(&["publish", EXAMPLE, "--market", "de"]);
    assert_eq!(published.code, 0, "{published:?}");
    let checked = on_kafka(&["topics", "check"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    let first = digest(&on_kafka(&["run", "--until-idle", "--output", "json"]).json());

    home.run(&["publish", EXAMPLE, "--market", "de", "--data", "e"]);
    let embedded = home.run(&["run", "--until-idle", "--output", "json", "--data", "e"]).json();
    assert_eq!(digest(&embedded), first, "the same events give the same state on both logs");

    produce(&address, "cli.de.orders");
    let run = on_kafka(&["run", "--until-idle", "--output", "json"]).json();
    assert_eq!(run["markets"][0]["tally"]["outcomes_assigned"], 1, "{run}");
    let read = kcat(&["-C", "-e", "-q", "-o", "beginning", "-b", &address])
        .args(["-t", "cli.de.assignments", "-X", "isolation.level=read_committed"])
        .args(["-f", "%k %h\\n"])
        .output()
        .expect("kcat runs");
    let read = String::from_utf8_lossy(&read.stdout).into_owned();
    let line = read.lines().find(|line| line.starts_with("web/3001/f1 "));
    let line = line.unwrap_or_else(|| panic!("no assignment of 3001 in:\n{read}"));
    assert!(line.contains("ce_type=omnifold.v1.FulfilmentAssigned"), "{line}");
    assert!(line.contains("node=munich"), "{line}");

    let verified = on_kafka(&["verify"]);
    assert_eq!(verified.code, 0, "{verified:?}");
    let rebuilt = on_kafka(&["rebuild", "--output", "json"]).json();
    assert_eq!(digest(&rebuilt), digest(&run));
}

#[test]
fn serve_on_kafka_decides_what_comes_and_leaves_in_time() {
    let Some(broker) = shared() else { return };
    let (home, address) = (Home::new(), broker.address());
    let flags = ["--kafka", &address, "--prefix", "cli-serve", "--market", "de"];
    let all = [&["publish", EXAMPLE, "--data", "k"][..], &flags[..]].concat();
    assert_eq!(home.run(&all).code, 0);
    let serving = home.serve("k", &flags);
    let show = [&["show", "order", "web/3001", "--data", "k", "--output", "json"][..], &flags[..]];
    produce(&address, "cli-serve.de.orders");
    let mut shown = home.run(&show.concat());
    for _ in 0..300 {
        if shown.code == 0 {
            break;
        }
        thread::sleep(Duration::from_millis(100));
        shown = home.run(&show.concat());
    }
    assert_eq!(shown.json()["body"]["fulfilments"][0]["node"], "munich");
    let (code, took) = serving.stop();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(30), "took {took:?}");
}

#[test]
fn a_topic_that_would_lose_history_is_named_and_refused() {
    let Some(broker) = shared() else { return };
    let (home, address) = (Home::new(), broker.address());
    create_with_defaults(&address, "cli-bad.de.orders");
    let flags = ["--data", "k", "--kafka", &address, "--prefix", "cli-bad", "--market", "de"];
    home.run(&[&["topics", "create"][..], &flags[..]].concat());
    let checked = home.run(&[&["topics", "check"][..], &flags[..]].concat());
    assert_eq!(checked.code, 3, "{checked:?}");
    assert!(checked.out.contains("has 3 partitions, must have 1"), "{}", checked.out);
    assert!(checked.out.contains("retention.ms=-1"), "{}", checked.out);
    let refused = home.run(&[&["run", "--until-idle"][..], &flags[..]].concat());
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("cli-bad.de.orders"), "{}", refused.err);
}
