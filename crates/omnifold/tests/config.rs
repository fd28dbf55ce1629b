//! The configuration as a user meets it: precedence, all faults at once, unknown keys, secrets.

mod support;

use std::fs;

use serde_json::Value;
use support::{Home, Ran};

fn printed(ran: &Ran) -> Value {
    assert_eq!(ran.code, 0, "{ran:?}");
    serde_json::from_str(&ran.out).expect("JSON")
}

#[test]
fn flags_win_over_the_environment_which_wins_over_the_file() {
    let home = Home::new();
    let file =
        home.file("own.toml", "prefix = \"file\"\nshutdown_seconds = 3\ncache_bytes = 9_000_000\n");
    let ran = home.run_with(
        &[("OMNIFOLD_PREFIX", "variable"), ("OMNIFOLD_SHUTDOWN_SECONDS", "4")],
        &["config", "print", "--output", "json", "--config", &file, "--prefix", "flag"],
    );
    let keys = printed(&ran);
    let told = |key: &str| (keys[key]["value"].clone(), keys[key]["from"].as_str().unwrap_or(""));
    assert_eq!(told("prefix"), ("flag".into(), "flag --prefix"));
    assert_eq!(told("shutdown_seconds"), (4.into(), "variable OMNIFOLD_SHUTDOWN_SECONDS"));
    assert_eq!(told("cache_bytes").0, 9_000_000);
    assert!(told("cache_bytes").1.ends_with("own.toml"), "{keys}");
    assert_eq!(told("http.listen"), ("127.0.0.1:7171".into(), "default"));
}

#[test]
fn the_file_in_the_current_folder_is_read_without_asking() {
    let home = Home::new();
    home.file("omnifold.toml", "markets = [\"de\", \"at\"]\n");
    let keys = printed(&home.run(&["config", "print", "--output", "json"]));
    assert_eq!(keys["markets"]["value"], serde_json::json!(["de", "at"]));
    let keys = printed(&home.run(&["config", "print", "--output", "json", "--market", "fr"]));
    assert_eq!(keys["markets"]["value"], serde_json::json!(["fr"]));
}

#[test]
fn naming_a_kafka_switches_the_log() {
    let home = Home::new();
    let args = ["config", "print", "--output", "json", "--kafka", "broker:9092"];
    let keys = printed(&home.run(&args));
    assert_eq!(keys["log.kind"]["value"], "kafka");
    assert_eq!(keys["log.kafka.brokers"]["value"], "broker:9092");
    assert_eq!(keys["log.kafka.brokers"]["from"], "flag --kafka");
}

#[test]
fn all_faults_are_told_at_once_with_key_value_origin_and_what_is_allowed() {
    let home = Home::new();
    let file = home.file(
        "bad.toml",
        "prefx = \"x\"\nmarkets = [\"de\", \"d/e\"]\n[log]\nkind = \"zookeeper\"\n[slice]\nrecords = 0\n",
    );
    let ran = home.run_with(
        &[
            ("OMNIFOLD_HTTP__LISTEN", "everywhere"),
            ("OMNIFOLD_LOG__KAFKA__TRANSACTION_TIMEOUT_MS", "60000"),
        ],
        &["config", "check", "--config", &file],
    );
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("has 6 faults"), "{}", ran.err);
    for told in [
        "`prefx` = \"x\" (file ",
        "perhaps `prefix`",
        "`markets` = [\"de\", \"d/e\"]",
        "market `d/e` holds '/'",
        "`log.kind` = \"zookeeper\"",
        "allowed: `embedded` or `kafka`",
        "`slice.records` = 0",
        "is too small",
        "(variable OMNIFOLD_HTTP__LISTEN)",
        "(variable OMNIFOLD_LOG__KAFKA__TRANSACTION_TIMEOUT_MS): is too large",
    ] {
        assert!(ran.err.contains(told), "`{told}` is not in:\n{}", ran.err);
    }
}

#[test]
fn a_file_that_is_no_toml_or_not_there_is_named() {
    let home = Home::new();
    let broken = home.file("broken.toml", "prefix = \n");
    for (file, told) in
        [(broken.as_str(), "broken.toml"), ("nowhere.toml", "there is no such file")]
    {
        let ran = home.run(&["config", "check", "--config", file]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains(told), "{}", ran.err);
    }
}

#[test]
fn properties_go_to_librdkafka_and_secrets_are_never_printed() {
    let home = Home::new();
    let file = home.file(
        "kafka.toml",
        "[log.kafka.properties]\n\"sasl.password\" = \"hunter2\"\nsecurity.protocol = \"SSL\"\n",
    );
    let ran = home.run(&["config", "print", "--output", "json", "--config", &file]);
    let keys = printed(&ran);
    assert_eq!(keys["log.kafka.properties.security.protocol"]["value"], "SSL");
    assert_eq!(keys["log.kafka.properties.sasl.password"]["value"], "(hidden)");
    assert!(!ran.out.contains("hunter2"), "{}", ran.out);
}

#[test]
fn keys_inside_the_data_are_refused() {
    let home = Home::new();
    let ran =
        home.run_with(&[("OMNIFOLD_KEYS", "shop/keys")], &["config", "check", "--data", "shop"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("is inside `data`"), "{}", ran.err);
}

#[test]
fn variables_of_the_development_tools_are_no_keys() {
    let home = Home::new();
    let tools = [("OMNIFOLD_REQUIRE_KAFKA", "1"), ("OMNIFOLD_TEST_SEED", "7")];
    assert_eq!(home.run_with(&tools, &["config", "check"]).code, 0);
    assert_eq!(home.run_with(&[("OMNIFOLD_MARKTES", "de")], &["config", "check"]).code, 2);
}

#[test]
fn the_example_shows_every_key_with_its_default() {
    let home = Home::new();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let example = format!("{root}/deploy/omnifold.toml");
    let text = fs::read_to_string(&example).expect("the example");
    let with = printed(&home.run(&["config", "print", "--output", "json", "--config", &example]));
    let without = printed(&home.run(&["config", "print", "--output", "json"]));
    for (key, told) in with.as_object().expect("keys") {
        assert!(told["from"].as_str().expect("text").starts_with("file"), "`{key}` is not shown");
        if !["data", "keys"].contains(&key.as_str()) {
            assert_eq!(told["value"], without[key]["value"], "`{key}` has another default");
        }
    }
    assert!(text.contains("OMNIFOLD_"), "the environment is explained");
}
