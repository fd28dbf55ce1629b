//! What each crate must not do (the table of crates in docs/ARCHITECTURE.md), checked on the
//! resolved dependencies and on the lists of banned calls.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

/// Direct dependencies of each package by name, development and build ones left out.
static DEPENDENCIES: LazyLock<BTreeMap<String, BTreeSet<String>>> = LazyLock::new(dependencies);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The platform this runs on: what others would need besides is not downloaded.
fn host() -> String {
    let output = Command::new(env!("CARGO")).arg("-vV").output().expect("cargo runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("cargo names its host").to_owned()
}

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", &host()])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let list = |value: &Value| value.as_array().cloned().expect("a list");
    let packages = list(&metadata["packages"]);
    let names: BTreeMap<String, String> =
        packages.iter().map(|package| (text(&package["id"]), text(&package["name"]))).collect();
    let is_normal = |dependency: &Value| {
        list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null())
    };
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in list(&metadata["resolve"]["nodes"]) {
        let direct = list(&node["deps"]);
        let direct = direct.iter().filter(|dependency| is_normal(dependency));
        let direct = direct.map(|dependency| names[&text(&dependency["pkg"])].clone());
        found.entry(names[&text(&node["id"])].clone()).or_default().extend(direct);
    }
    found
}

/// Everything a crate is linked with.
fn linked(package: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut ahead = vec![package.to_owned()];
    while let Some(name) = ahead.pop() {
        for dependency in DEPENDENCIES.get(&name).into_iter().flatten() {
            if found.insert(dependency.clone()) {
                ahead.push(dependency.clone());
            }
        }
    }
    found
}

fn ours(package: &str) -> BTreeSet<String> {
    linked(package).into_iter().filter(|name| name.starts_with("omnifold-")).collect()
}

fn assert_links_none(package: &str, banned: &[&str]) {
    assert!(DEPENDENCIES.contains_key(package), "there is no crate `{package}`");
    let linked = linked(package);
    let found: Vec<&&str> = banned.iter().filter(|name| linked.contains(**name)).collect();
    assert!(found.is_empty(), "`{package}` must not be linked with {found:?}");
}

fn users_of(dependency: &str) -> BTreeSet<&'static str> {
    let uses = DEPENDENCIES.iter().filter(|(_, direct)| direct.contains(dependency));
    uses.map(|(name, _)| name.as_str()).collect()
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

const OUTSIDE: [&str; 9] = [
    "tokio",
    "rocksdb",
    "rdkafka",
    "axum",
    "ureq",
    "rand",
    "metrics",
    "omnifold-log",
    "omnifold-state",
];

#[test]
fn the_core_does_no_io_and_knows_no_log() {
    assert_links_none("omnifold-domain", &OUTSIDE);
    assert_links_none("omnifold-routing", &OUTSIDE);
    assert_eq!(ours("omnifold-domain"), set(["omnifold-events"]));
    assert_eq!(ours("omnifold-routing"), set(["omnifold-domain", "omnifold-events"]));
}

#[test]
fn events_know_no_rules_and_the_log_knows_no_events() {
    assert_eq!(ours("omnifold-events"), set([]));
    assert_links_none("omnifold-events", &OUTSIDE);
    assert_eq!(ours("omnifold-log"), set([]));
    assert_eq!(ours("omnifold-log-kafka"), set(["omnifold-log"]));
}

#[test]
fn only_the_kafka_log_and_the_binary_know_kafka() {
    assert_links_none("omnifold-log", &["rdkafka"]);
    assert_links_none("omnifold-state", &["rdkafka", "omnifold-log", "omnifold-log-kafka"]);
    assert_links_none("omnifold-projector", &["rdkafka", "omnifold-log-kafka"]);
    let known = BTreeSet::from(["omnifold", "omnifold-kafka-testkit", "omnifold-log-kafka"]);
    let users = users_of("rdkafka");
    assert!(users.is_subset(&known), "rdkafka is used by {users:?}");
    assert_eq!(users_of("omnifold-log-kafka"), BTreeSet::from(["omnifold"]));
}

#[test]
fn adapters_and_the_server_reach_state_only_through_the_projector() {
    assert_links_none("omnifold-channels", &["omnifold-state", "omnifold-projector", "axum"]);
    let direct = &DEPENDENCIES["omnifold-server"];
    for banned in ["omnifold-state", "omnifold-routing", "omnifold-channels", "rocksdb", "rdkafka"]
    {
        assert!(!direct.contains(banned), "the server must not use `{banned}`");
    }
    assert_links_none("omnifold-projector", &["tokio", "axum", "omnifold-channels"]);
}

#[test]
fn prices_are_solved_outside_the_engine_and_enter_it_as_events() {
    let core = set(["omnifold-domain", "omnifold-events", "omnifold-routing"]);
    assert_eq!(ours("omnifold-pricing"), core);
    assert_links_none("omnifold-pricing", &OUTSIDE);
    assert_eq!(users_of("omnifold-pricing"), BTreeSet::from(["omnifold"]));
}

#[test]
fn simulation_shares_no_code_with_the_engine_and_is_linked_by_the_binary_alone() {
    assert_eq!(ours("omnifold-simulation"), set(["omnifold-events", "omnifold-log"]));
    assert_eq!(users_of("omnifold-simulation"), BTreeSet::from(["omnifold"]));
    assert_eq!(users_of("omnifold-kafka-testkit"), BTreeSet::new());
}

#[test]
fn clocks_chance_threads_and_platform_floats_are_banned_from_the_core() {
    for name in ["domain", "routing"] {
        let file = root().join("crates").join(name).join("clippy.toml");
        let bans = std::fs::read_to_string(&file).expect("the list of bans");
        for call in [
            "std::time::SystemTime::now",
            "std::time::Instant::now",
            "std::hash::RandomState",
            "std::thread::spawn",
            "std::fs::File::open",
            "f64::sin",
        ] {
            assert!(bans.contains(&format!("\"{call}\"")), "{}: no ban on {call}", file.display());
        }
    }
}
