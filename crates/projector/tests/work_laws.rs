//! Laws over random work: whatever nodes, carriers and customers say in whatever order, every unit
//! and every cent is accounted for, by the engine's own invariants and by a checker that shares no
//! code with it. A failing history is a scenario file: paste it and play it.

mod engine;

use engine::{Engine, MARKET, PREFIX};
use omnifold_events::jsonl::FileEvent;
use omnifold_projector::{Query, StateAt, verify};
use omnifold_simulation::checker::{CheckOptions, check};
use omnifold_simulation::output::Output;
use omnifold_simulation::scenario::{Action, parse};
use proptest::prelude::*;

/// A market with three nodes, two SKUs, two carriers.
const PREFACE: &str =
    "market coverage=allow_partial shortage=wait return_fee=0.50 max_parcel_g=1000
node A at 48.1,2.0 takes_returns
node B at 48.2,2.0
node C at 48.3,2.0 kind=partner
item S
item T final_sale
carrier ups PU:picked_up I:in_transit D:delivered RS:return_to_sender L:lost
carrier post Z:delivered
count A S 6
count B S 6
count C S 3
count A T 4
count B T 4
settings B T backorder_limit=3
";

/// `{o}` an order, `{f}` a fulfilment's number, `{l}` lines, `{n}` a node, `{p}` a small number.
const COMMANDS: [&str; 39] = [
    "order O{i} lines S:{x}@7.77-1.00+0.31 T:{x}@3.33 to 48.0,2.0",
    "order O{i} lines S:{x}@0.01 to 48.0,2.0",
    "order O{i} lines S:{x} T:1 to 48.0,2.0 pickup={n}",
    "order O{i} lines T:{x}@9.99 to 48.0,2.0 coverage=ship_complete",
    "accept O{o}/f{f}",
    "reject O{o}/f{f} not_in_stock",
    "pick O{o}/f{f} {l}",
    "pick any O{o}",
    "short O{o}/f{f} not_in_stock {l}",
    "short O{o}/f{f} damaged {l}",
    "short any O{o} mismatch {l}",
    "pack O{o}/f{f} P{p} {l}",
    "pack O{o}/f{f} P{p} {l} backordered",
    "pack O{o}/f{f} P1 line 1",
    "hand_over O{o}/f{f} ups P1:N{o} P{p}:N{o}{p}",
    "hand_over O{o}/f{f} ups P1:N{o}{f}",
    "ship O{o}/f{f} {l}",
    "ship any O{o}",
    "deliver O{o}/f{f} {l}",
    "deliver any O{o}",
    "ready any O{o}",
    "collect any O{o} {l}",
    "collect any O{o}",
    "uncollected any O{o}",
    "back_in_stock any O{o}",
    "relocate O{o}/f{f} {n} {l}",
    "relocate O{o}/f{f} {n}",
    "track ups N{o}{f} D",
    "track ups N{o}{f} I",
    "hand_on ups N{o}{f} post X{o}",
    "track post X{o} Z",
    "lost O{o}/f{f} {l}",
    "cancel O{o} to_origin",
    "cancel O{o} {l}",
    "back_at_origin any O{o} {l}",
    "return O{o} R{p} line 1 x{x} refund line 2 x1 credit faulty",
    "return O{o} R{p} line 1 x{x} replace",
    "came_back O{o} R{p} at={n} line 1 x1 restock",
    "came_back O{o} R{p} at={n} line 1 x{x} inspect line 2 x1 destroy",
];

/// Which command, and the numbers that it takes.
type Choice = (usize, [u8; 6]);

fn command(place: usize, (which, n): &Choice) -> String {
    let line = match n[2] % 4 {
        0 => "line 1 x1".to_owned(),
        1 => "line 2 x1".to_owned(),
        2 => format!("line 1 x{}", n[3] % 3 + 1),
        _ => "line 1 x1 line 2 x1".to_owned(),
    };
    let mut text = COMMANDS[which % COMMANDS.len()].to_owned();
    for (word, value) in [
        ("{i}", (place % 5).to_string()),
        ("{o}", (n[0] % 5).to_string()),
        ("{f}", (n[1] % 3 + 1).to_string()),
        ("{l}", line),
        ("{x}", (n[3] % 4 + 1).to_string()),
        ("{p}", (n[4] % 3 + 1).to_string()),
        ("{n}", ["A", "B", "C"][usize::from(n[5] % 3)].to_owned()),
    ] {
        text = text.replace(word, &value);
    }
    text
}

fn scenario(choices: &[Choice]) -> String {
    let mut text = PREFACE.to_owned();
    for place in 0..5 {
        text += &format!("order O{place} lines S:2@7.77-1.00+0.31 T:1@3.33 to 48.0,2.0\n");
    }
    for (place, choice) in choices.iter().enumerate() {
        text += &command(place, choice);
        text.push('\n');
    }
    text
}

fn events(text: &str) -> Vec<FileEvent> {
    let steps = parse(text).unwrap_or_else(|error| panic!("{error}"));
    steps
        .into_iter()
        .filter_map(|step| match step.action {
            Action::Event(event) => Some(*event),
            _ => None,
        })
        .collect()
}

fn ran(events: &[FileEvent], records: usize) -> Engine {
    let engine = Engine::with(|options| {
        options.state = StateAt::Memory;
        options.slice.records = records;
    });
    engine.publish_together(events);
    engine.run();
    engine
}

fn digest(engine: &Engine) -> String {
    engine.query(Query::Market).expect("an answer").position.digest
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, max_shrink_iters: 300, ..ProptestConfig::default() })]

    /// L1, L2, L4 to L6, L12, L13, L16, L20 and I1 to I6.
    #[test]
    fn any_work_keeps_every_law(
        choices in prop::collection::vec((0..COMMANDS.len(), any::<[u8; 6]>()), 1..80),
    ) {
        let text = scenario(&choices);
        let events = events(&text);
        let mut engine = ran(&events, 10_000);
        let options = engine.options.clone();
        let report = verify(engine.log.clone(), MARKET, options, &mut |_| {}).expect("a log");
        prop_assert!(report.ok, "{:?}\n{text}", report.violations);
        let checked = check(&*engine.log, PREFIX, MARKET, &CheckOptions::default());
        let checked = checked.expect("readable topics");
        prop_assert!(checked.violations.is_empty(), "{:?}\n{text}", checked.violations);
        let failed = engine.outputs().into_iter().find(|output| matches!(output, Output::Rejected(m)
            if ["overflow", "assertion_failed"].contains(&m.reason.as_str())));
        prop_assert!(failed.is_none(), "no assertion fails here: {failed:?}\n{text}");
        prop_assert_eq!(digest(&ran(&events, 3)), digest(&engine), "L16");
    }
}

/// The commands are not so wild that nothing of them is ever taken.
#[test]
fn the_random_work_reaches_what_it_is_about() {
    let choices: Vec<Choice> = (0..800u32)
        .map(|place| {
            let mixed = u64::from(place).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
            (place as usize * 7, [mixed[0], mixed[1], mixed[2], mixed[3], mixed[4], mixed[5]])
        })
        .collect();
    let mut engine = ran(&events(&scenario(&choices)), 10_000);
    let outputs = engine.outputs();
    let count = |wanted: fn(&Output) -> bool| outputs.iter().filter(|o| wanted(o)).count();
    assert!(count(|o| matches!(o, Output::ReturnAuthorised(_))) > 0);
    assert!(count(|o| matches!(o, Output::ReturnRefused(_))) > 0);
    assert!(count(|o| matches!(o, Output::RefundDue(_))) > 0);
    assert!(count(|o| matches!(o, Output::Changed(_) | Output::Released(_))) > 0);
}
