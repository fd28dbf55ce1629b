//! Promises that are learned from what happens to orders, through the whole engine: while little is
//! known they are made by calendar, then by what was seen, by lane; a changed address moves them.

mod engine;

use engine::Engine;
use omnifold_events::format_time;
use omnifold_events::v1::{Promise, PromiseSource};
use omnifold_simulation::output::Output;
use omnifold_simulation::scenario::{Action, parse};

const STARTED_MS: i64 = 1_748_858_400_000;
const DAY_MS: i64 = 86_400_000;
const PREFACE: &str = "
market notices=promise_moved promise_late=100000 promise_early=50000 transit=1-9
node N at 50.0,8.0
item S
count N S 1000
";

/// Two lanes: near ones take two days, far ones six. An order a lane and day, each delivered in time.
fn history(days: i64) -> String {
    let mut text = format!("{PREFACE}\n");
    for day in 0..days {
        let at = |offset: i64| format_time(STARTED_MS + (day + offset) * DAY_MS);
        let open = [("A", "10", "50.1,8.1", 2), ("B", "90", "41.0,2.0", 6)];
        text += &format!("at {}\n", at(0));
        for (lane, postcode, place, takes) in open {
            text += &format!("order {lane}{day} lines S:1 to {place} postcode={postcode}\n");
            text += &format!("ship {lane}{day}/f1\n");
            if day >= takes {
                text += &format!("deliver {lane}{}/f1\n", day - takes);
            }
        }
    }
    text
}

/// What the last decision about an order promises.
fn promised(outputs: &[Output], order_id: &str) -> Option<Promise> {
    let told = |output: &Output| match output {
        Output::Assigned(m) if m.order_id == order_id => {
            m.outcome.as_ref().and_then(|m| m.promise.as_deref()).or(m.promise.as_deref()).copied()
        }
        Output::Changed(m) if m.order_id == order_id => m.promise.as_deref().copied(),
        _ => None,
    };
    outputs.iter().filter_map(told).next_back()
}

fn run(text: &str) -> Vec<Output> {
    let steps = parse(text).unwrap_or_else(|error| panic!("{error}"));
    let events = steps.into_iter().filter_map(|step| match step.action {
        Action::Event(event) => Some(*event),
        _ => None,
    });
    let mut engine = Engine::new();
    engine.publish_together(&events.collect::<Vec<_>>());
    engine.run();
    engine.outputs()
}

#[test]
fn what_was_seen_is_promised_and_a_changed_address_moves_it() {
    const DAYS: i64 = 100;
    let text = history(DAYS);
    let next = format!(
        "at {}\n\
         order NEAR lines S:1 to 50.1,8.1 postcode=10\n\
         order FAR lines S:1 to 41.0,2.0 postcode=90\n\
         order MOVES lines S:1 to 50.1,8.1 postcode=10\n\
         change MOVES to 41.0,2.0 postcode=90\n\
         order STAYS lines S:1 to 50.1,8.1 postcode=10\n\
         change STAYS to 50.1,8.1 postcode=10\n",
        format_time(STARTED_MS + DAYS * DAY_MS)
    );
    let outputs = run(&(text + &next));
    let of = |order_id: &str| promised(&outputs, order_id).expect("a promise");
    let today = (STARTED_MS / DAY_MS + DAYS) as i32;
    let days = |promise: Promise| (promise.earliest_day - today, promise.latest_day - today);

    assert_eq!(of("A0").source(), PromiseSource::Calendar, "nothing was known");
    let (near, far, moved) = (of("NEAR"), of("FAR"), of("MOVES"));
    assert_eq!([near, far].map(|promise| promise.source()), [PromiseSource::Learned; 2]);
    assert!(days(near).1 <= 3, "seen: two days; promised {:?}", days(near));
    assert!((6..=8).contains(&days(far).1), "seen: six days; promised {:?}", days(far));
    assert_eq!(moved.source(), PromiseSource::Learned);
    assert_eq!(days(moved).1, days(far).1, "it goes the far way now");
    let notices = outputs.iter().filter(|output| match output {
        Output::Notice(notice) => notice.order_id == "MOVES" && notice.promised.is_some(),
        _ => false,
    });
    assert_eq!(notices.count(), 1, "its customer is told");
    let told_again = outputs.iter().any(|output| match output {
        Output::Changed(message) => message.order_id == "STAYS" && message.promise.is_some(),
        _ => false,
    });
    assert!(!told_again, "the same address promises nothing new");
}

/// A policy by which a shipment from M costs less, and what else costs.
fn cheapest(more: &str) -> String {
    format!(
        "policy\n\
         | name = \"cheap\"\n\
         | version = 1\n\
         | state = \"active\"\n\
         | groups = {{ far = [\"M\"] }}\n\
         | [[rule]]\n\
         | name = \"cheapest\"\n\
         | mode = \"least_cost\"\n\
         | cost = {{ shipment = 5000, shipment_of = {{ far = 4000 }}{more} }}\n"
    )
}

/// Who gets an order that is wanted in four days, after so many days of history: the near node, or a
/// cheaper one far away.
fn sent_from(days: i64) -> String {
    let at = |offset: i64| format_time(STARTED_MS + (days + offset) * DAY_MS);
    let text = format!(
        "{}at {}\n\
         node M at 41.5,2.5\n\
         count M S 10\n\
         {}\
         order SOON lines S:1 to 50.1,8.1 postcode=10 date={}\n",
        history(days),
        at(0),
        cheapest(", late_day = 5000"),
        &at(4)[..10],
    );
    let outputs = run(&text);
    let node = |output: &Output| match output {
        Output::Assigned(message) if message.order_id == "SOON" => Some(message.node_id.clone()),
        _ => None,
    };
    outputs.iter().find_map(node).expect("somebody has it")
}

#[test]
fn lateness_is_reckoned_by_what_was_learned_where_that_is_known() {
    assert_eq!(sent_from(0), "M", "by calendar both come in nine days");
    assert_eq!(sent_from(100), "N", "the near way takes two days, the far one six");
}

/// The nodes to which an order goes, first and by a wave, and the last days that it was promised: after so
/// many days of history, when a cheaper node far away gets stock that it had not when the order came.
fn waved(days: i64) -> (Vec<String>, Vec<i32>) {
    let text = format!(
        "{}at {}\n\
         node M at 41.5,2.5\n\
         {}\
         order SOON lines S:1 to 50.1,8.1 postcode=10\n\
         count M S 10\n\
         close_wave W\n",
        history(days),
        format_time(STARTED_MS + days * DAY_MS),
        cheapest(""),
    );
    let outputs = run(&text);
    let assigned = outputs.iter().filter_map(|output| match output {
        Output::Assigned(message) if message.order_id == "SOON" => Some(message),
        _ => None,
    });
    let nodes = assigned.clone().map(|message| message.node_id.clone()).collect();
    let promise = |message: &omnifold_events::v1::FulfilmentAssigned| {
        let of_outcome = message.outcome.as_ref().and_then(|outcome| outcome.promise.as_deref());
        of_outcome.or(message.promise.as_deref()).map(|promise| promise.latest_day)
    };
    let planned =
        |output: &&Output| matches!(output, Output::Wave(said) if said.orders_planned > 0);
    assert_eq!(outputs.iter().filter(planned).count(), 1, "the wave looked at it");
    (nodes, assigned.filter_map(promise).collect())
}

#[test]
fn a_wave_moves_no_day_that_was_promised_by_what_was_learned() {
    let today = (STARTED_MS / DAY_MS) as i32;
    let (nodes, days) = waved(0);
    assert_eq!(
        nodes,
        ["N", "M"],
        "by calendar it comes as soon from far away, and that is cheaper"
    );
    assert_eq!(days, [today + 9, today + 9]);
    let (nodes, days) = waved(100);
    assert_eq!(nodes, ["N"], "learned: from far away it would take six days");
    assert!(days.len() == 1 && days[0] <= today + 100 + 3, "{days:?}");
}
