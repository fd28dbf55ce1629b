//! Instances that share markets, leave and die.

mod common;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{unique, wait_until};
use omnifold_log::{Log, Membership, OwnershipHandler, TopicKind};
use omnifold_log_kafka::{KafkaLog, KafkaOptions};

/// Session timeout of these tests' groups; the broker allows it from 1 s.
const SESSION: Duration = Duration::from_secs(3);

/// Every market's owner, to see that there is never more than one.
#[derive(Default)]
struct Owners {
    owned: Mutex<BTreeSet<(String, &'static str)>>,
    lost: Mutex<Vec<String>>,
}

impl Owners {
    fn of(&self, member: &str) -> Vec<String> {
        let owned = self.owned.lock().expect("a lock");
        owned.iter().filter(|(_, by)| *by == member).map(|(market, _)| market.clone()).collect()
    }

    fn count(&self, member: &str) -> usize {
        self.of(member).len()
    }
}

struct Member {
    name: &'static str,
    owners: Arc<Owners>,
}

impl OwnershipHandler for Member {
    fn assigned(&self, market: &str) {
        let mut owned = self.owners.owned.lock().expect("a lock");
        let other = owned.iter().find(|(named, _)| named == market);
        assert!(other.is_none(), "{market} goes to {} while it is {other:?}'s", self.name);
        owned.insert((market.to_owned(), self.name));
    }

    fn revoke(&self, market: &str) {
        // Letting go takes a moment; the market must not be given to another one meanwhile.
        std::thread::sleep(Duration::from_millis(100));
        self.owners.owned.lock().expect("a lock").remove(&(market.to_owned(), self.name));
    }

    fn lost(&self, market: &str) {
        self.owners.owned.lock().expect("a lock").remove(&(market.to_owned(), self.name));
        self.owners.lost.lock().expect("a lock").push(market.to_owned());
    }
}

fn log(address: &str, group: &str, properties: &[(&str, &str)]) -> KafkaLog {
    let mut options = KafkaOptions::new(address);
    options.group = group.to_owned();
    for (name, value) in properties {
        options.properties.insert((*name).to_owned(), (*value).to_owned());
    }
    KafkaLog::connect(options).expect("the broker answers")
}

fn session() -> Vec<(&'static str, &'static str)> {
    vec![("session.timeout.ms", "3000"), ("heartbeat.interval.ms", "300")]
}

fn make_markets(log: &KafkaLog) -> Vec<String> {
    let markets: Vec<String> = (0..4).map(|_| unique("shared")).collect();
    let journals: Vec<_> =
        markets.iter().map(|market| TopicKind::Journal.spec("omnifold", market)).collect();
    log.create_topics(&journals).expect("journals");
    markets
}

fn join(
    log: &KafkaLog,
    markets: &[String],
    name: &'static str,
    owners: &Arc<Owners>,
) -> Box<dyn Membership> {
    let member = Arc::new(Member { name, owners: Arc::clone(owners) });
    log.join(markets, member).expect("a member")
}

fn two_members_share_and_the_one_left_gets_all(properties: &[(&str, &str)]) {
    let Some(broker) = omnifold_kafka_testkit::shared() else { return };
    let group = unique("group");
    let here = log(&broker.address(), &group, properties);
    let there = log(&broker.address(), &group, properties);
    let markets = make_markets(&here);
    let owners = Arc::new(Owners::default());
    let first = join(&here, &markets, "here", &owners);
    wait_until("the first member owns all", || owners.count("here") == 4);
    first.report(&markets[0], &[(format!("omnifold.{}.journal", markets[0]), 0)]);
    let mut second = join(&there, &markets, "there", &owners);
    wait_until("each owns two", || owners.count("here") == 2 && owners.count("there") == 2);
    let kept = owners.of("here");
    let began = Instant::now();
    second.leave(Duration::from_secs(20));
    assert_eq!(owners.count("there"), 0, "what is owned is let go of before leaving");
    wait_until("the first member owns all again", || owners.count("here") == 4);
    println!("moved {:?} after the leave began", began.elapsed());
    assert!(kept.iter().all(|market| owners.of("here").contains(market)));
    assert!(owners.lost.lock().expect("a lock").is_empty(), "nothing was lost");
}

#[test]
fn a_member_that_leaves_hands_its_markets_over() {
    two_members_share_and_the_one_left_gets_all(&session());
}

#[test]
fn the_broker_side_protocol_of_kip_848_shares_markets_too() {
    two_members_share_and_the_one_left_gets_all(&[
        ("group.protocol", "consumer"),
        ("group.remote.assignor", "uniform"),
    ]);
}

#[test]
fn the_markets_of_a_killed_member_move_when_its_session_times_out() {
    let Some(broker) = omnifold_kafka_testkit::shared() else { return };
    let group = unique("group");
    let here = log(&broker.address(), &group, &session());
    let markets = make_markets(&here);
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "member_to_be_killed", "--ignored", "--nocapture"])
        .env("MEMBER_ADDRESS", broker.address())
        .env("MEMBER_GROUP", &group)
        .env("MEMBER_MARKETS", markets.join(","))
        .stdout(Stdio::piped())
        .spawn()
        .expect("another process");
    let output = BufReader::new(child.stdout.take().expect("its output"));
    let mut lines = output.lines().map(|line| line.expect("a line"));
    assert!(lines.any(|line| line.ends_with("owns all")), "the other process owns all");
    let owners = Arc::new(Owners::default());
    let _member = join(&here, &markets, "here", &owners);
    wait_until("each owns two", || owners.count("here") == 2);
    child.kill().expect("it runs");
    let began = Instant::now();
    child.wait().expect("it is gone");
    wait_until("the survivor owns all", || owners.count("here") == 4);
    println!("moved {:?} after the kill, session timeout {SESSION:?}", began.elapsed());
}

/// The other process of the test above; of no use by itself.
#[test]
#[ignore = "started by another test"]
fn member_to_be_killed() {
    let given = |name: &str| std::env::var(name).expect("started by another test");
    let log = log(&given("MEMBER_ADDRESS"), &given("MEMBER_GROUP"), &session());
    let markets: Vec<String> = given("MEMBER_MARKETS").split(',').map(str::to_owned).collect();
    let owners = Arc::new(Owners::default());
    let _member = join(&log, &markets, "child", &owners);
    wait_until("all are owned", || owners.count("child") == 4);
    println!("owns all");
    std::thread::sleep(common::PATIENCE);
    panic!("nobody killed this process");
}

#[test]
fn a_static_member_that_comes_back_in_time_keeps_its_markets() {
    let Some(broker) = omnifold_kafka_testkit::shared() else { return };
    let group = unique("group");
    let named = |id: &str| {
        let mut options = KafkaOptions::new(broker.address());
        options.group.clone_from(&group);
        options.instance_id = Some(id.to_owned());
        let wait = [("session.timeout.ms", "20000"), ("heartbeat.interval.ms", "300")];
        let pairs = wait.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        options.properties.extend(pairs);
        KafkaLog::connect(options).expect("the broker answers")
    };
    let (here, there) = (named("one"), named("two"));
    let markets = make_markets(&here);
    let owners = Arc::new(Owners::default());
    let _first = join(&here, &markets, "here", &owners);
    wait_until("the first member owns all", || owners.count("here") == 4);
    let mut second = join(&there, &markets, "there", &owners);
    wait_until("each owns two", || owners.count("here") == 2 && owners.count("there") == 2);
    let before = owners.of("there");
    second.leave(Duration::from_secs(10));
    drop(second);
    let began = Instant::now();
    let _again = join(&named("two"), &markets, "there", &owners);
    wait_until("the second member is back", || owners.count("there") == 2);
    assert_eq!(owners.of("there"), before, "its own markets waited for it");
    assert_eq!(owners.count("here"), 2, "the other member was left alone");
    assert!(began.elapsed() < Duration::from_secs(15), "took {:?}", began.elapsed());
}
