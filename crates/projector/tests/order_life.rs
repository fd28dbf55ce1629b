//! Random lives of orders, written in the language of the scenarios so that what fails is a scenario:
//! held, paid, changed, cancelled, asked back, resumed, in any order and however often, while carts come
//! and go, deadlines pass and dates come. Whatever comes:
//! the books of the independent checker add up, `verify` holds, and moving the cuts changes nothing.

mod engine;

use engine::{Engine, MARKET, PREFIX};
use omnifold_events::format_time;
use omnifold_events::jsonl::FileEvent;
use omnifold_projector::{Query, StateAt, verify};
use omnifold_simulation::checker::{CheckOptions, check};
use omnifold_simulation::scenario::{Action, parse};
use proptest::prelude::*;

const START: &str = "at 2025-06-02T10:00:00Z
node A at 48.1,2.0
node B at 48.2,2.0
item S
item T
count A S 6
count B S 3
count B T 4
";

/// The instant of [`START`].
const STARTED_MS: i64 = 1_748_858_400_000;

fn a_market() -> impl Strategy<Value = String> {
    let payment = prop::sample::select(vec!["nothing", "authorised", "captured"]);
    let release = prop::sample::select(vec!["at_once", "ask_once_accepted"]);
    let coverage = prop::sample::select(vec!["ship_complete", "allow_partial"]);
    let shortage = prop::sample::select(vec!["refuse", "wait"]);
    let deadlines = prop::sample::select(vec![
        "",
        "accept_within=30m pick_within=2h",
        "accept_within=1h cancel_waiting_after=3h",
        "pick_within=40m cancel_waiting_after=90m",
    ]);
    let rules = (payment, release, coverage, shortage, deadlines);
    rules.prop_map(|(payment, release, coverage, shortage, deadlines)| {
        format!(
            "market payment={payment} release={release} coverage={coverage} shortage={shortage} \
             {deadlines}\n"
        )
    })
}

/// One command about one of four orders, or about one of two carts, or time that goes by.
fn a_command() -> impl Strategy<Value = String> {
    let order = || (0u8..4).prop_map(|number| format!("o{number}"));
    let fulfilment = || (order(), 1u8..4).prop_map(|(order, number)| format!("{order}/f{number}"));
    let about = |verb: &'static str, rest: &'static [&'static str]| {
        (order(), prop::sample::select(rest))
            .prop_map(move |(o, rest)| format!("{verb} {o} {rest}"))
    };
    let told = |verb: &'static str, rest: &'static [&'static str]| {
        (fulfilment(), prop::sample::select(rest))
            .prop_map(move |(f, rest)| format!("{verb} {f} {rest}"))
    };
    let cart =
        (0u8..2, prop::sample::select(vec!["S:2 ttl=45m", "S:3 T:1 ttl=2h", "T:2 from=B ttl=1h"]));
    let cart = cart.prop_map(|(number, lines)| format!("hold_stock c{number} lines {lines}"));
    prop_oneof![
        6 => about("order", &["lines S:3@2 T:1@3", "lines S:5@1.50", "lines T:2@4 shipping=1"]),
        4 => about("order", &[
            "lines S:2@2 hold=c0",
            "lines T:1@3 S:1@1 hold=c1",
            "lines S:2@2 release_at=2025-06-02T11:00:00Z",
            "lines T:2@2 release_at=2025-06-02T14:00:00Z",
        ]),
        4 => cart,
        1 => (0u8..2).prop_map(|number| format!("unhold_stock c{number}")),
        1 => prop::sample::select(vec!["A 1", "A 0", "B 2"])
            .prop_map(|rest| format!("capacity {rest} zone=Europe/Berlin")),
        8 => prop::sample::select(vec!["pass 5", "pass 31", "pass 61", "pass 200"])
            .prop_map(str::to_owned),
        3 => about("hold", &["h1 fraud", "h2 manual", "h1 customer"]),
        1 => told("hold", &["h1 fraud", "h3 payment"]),
        4 => about("unhold", &["h1", "h2", "h3"]),
        5 => about("pay", &["p1 authorised 9", "p2 authorised 4", "p3 captured 9"]),
        4 => about("pay", &["p1 captured 9", "p1 captured 2", "p2 captured 4"]),
        3 => about("pay", &["p1 failed", "p2 voided", "p1 voided 2", "p1 refunded 2"]),
        4 => about("change", &["line 1 x1", "line 1 x4", "line 2 x0", "line 1 x2 line 2 x2"]),
        2 => about("change", &["add 3 T:1@1", "to 48.3,2.0", "date=2025-06-05", "revision=2 gift"]),
        3 => about("cancel", &["", "line 1 x1", "line 2", "line 1 x2 line 2 x1"]),
        2 => about("resume", &["", "line 1 x1", "line 2"]),
        5 => told("accept", &[""]),
        2 => told("reject", &["no_variance", "mismatch", "damaged"]),
        4 => told("ship", &["", "line 1 x1", "line 2"]),
        1 => told("deliver", &[""]),
        2 => told("give_up", &[""]),
        2 => told("keep", &[""]),
        2 => prop::sample::select(vec!["A S 2", "B T 3", "A S -2"])
            .prop_map(|rest| format!("adjust {rest}")),
    ]
}

/// Replaces `pass 31` by the time it is then: so many minutes later, and one for each command.
fn timed(commands: &[String]) -> Vec<String> {
    let mut minutes = 0;
    let at = |command: &String| {
        minutes += 1;
        let Some(passed) = command.strip_prefix("pass ") else { return command.clone() };
        minutes += passed.parse::<i64>().expect("minutes");
        format!("at {}\ntick", format_time(STARTED_MS + minutes * 60_000))
    };
    commands.iter().map(at).collect()
}

fn events_of(text: &str) -> Vec<FileEvent> {
    let steps = parse(text).unwrap_or_else(|error| panic!("{error}"));
    let event = |action| match action {
        Action::Event(event) => Some(*event),
        _ => None,
    };
    steps.into_iter().filter_map(|step| event(step.action)).collect()
}

/// Runs a history cut into slices of so many records.
fn ran(events: &[FileEvent], records: usize) -> Engine {
    let engine = Engine::with(|options| {
        options.state = StateAt::Memory;
        options.slice.records = records;
    });
    engine.publish_together(events);
    engine.run();
    engine
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48, max_shrink_iters: 300, ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_to_orders_the_books_add_up(
        market in a_market(),
        commands in prop::collection::vec(a_command(), 1..90),
    ) {
        let text = format!("{market}{START}{}", timed(&commands).join("\n"));
        let events = events_of(&text);
        let whole = ran(&events, 10_000);
        let cut = ran(&events, 3);
        let books = check(&*whole.log, PREFIX, MARKET, &CheckOptions::default()).expect("topics");
        prop_assert!(books.is_clean(), "{}\n{}", books, text);
        let options = whole.options.clone();
        let verified = verify(whole.log.clone(), MARKET, options, &mut |_| {}).expect("a log");
        prop_assert!(verified.ok, "{:?}\n{}", verified.violations, text);
        let digest = |engine: &Engine| engine.query(Query::Market).expect("an answer").position.digest;
        prop_assert_eq!(digest(&whole), digest(&cut), "cuts changed the state\n{}", text);
        prop_assert_eq!(whole.assignments(), cut.assignments(), "cuts changed decisions\n{}", text);
    }
}
