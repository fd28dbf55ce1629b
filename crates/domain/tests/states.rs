//! docs/STATES.md is drawn from the transition tables. After changing a table, run this test with
//! `OMNIFOLD_GOLDEN=write`.

#![allow(clippy::disallowed_methods)] // the test draws the page; the core does no I/O

use std::fmt::{Debug, Write as _};
use std::path::Path;

use omnifold_domain::transitions::{
    FULFILMENT, FULFILMENT_EVENTS, LINE, LINE_EVENTS, Next, PURCHASE_ORDER, PURCHASE_ORDER_EVENTS,
};

const HEAD: &str = "\
# States

What may happen to what, and what comes of it. This page is drawn from the tables in
`crates/domain/src/transitions.rs` by the test of `crates/domain/tests/states.rs`, and every pair is
tried on the fold by `crates/projector/tests/transitions.rs`. A cell is the state after the event, or
in italics the reason for which it is refused; where the engine itself would have to decide it, it
never does.

Beside these states stand two that stop things and end by themselves: an order or a fulfilment *on
hold* is not shipped (`on_hold`), and units that a node was *asked back* stay allocated until it
answers. A deadline that a node misses takes back the rest; on hold it is put off.

Units wait for stock, or because their order is put off: a pre-order until its release date, others
until their policy's earliest schedule time or the next wave. To a unit it is the same state; the order
says which.
";

const PURCHASE_ORDER_FOOT: &str = "
Beside these states stands a hold: while it lasts nothing is received, reversed or billed (`on_hold`),
and nothing is expected.
";

fn table<S: Debug + Copy, E: Debug, const N: usize>(
    title: &str,
    events: &[E; N],
    rows: &[(S, [Next<S>; N])],
) -> String {
    let mut text = format!("\n## {title}\n\n| |");
    for event in events {
        write!(text, " {} |", words(event)).expect("a string takes all");
    }
    text += "\n|---|";
    text += &"---|".repeat(N);
    for (state, nexts) in rows {
        write!(text, "\n| **{}** |", words(state)).expect("a string takes all");
        for next in nexts {
            let cell = match next {
                Ok(state) => words(state),
                Err(reason) => format!("*{}*", reason.code()),
            };
            write!(text, " {cell} |").expect("a string takes all");
        }
    }
    text + "\n"
}

/// `PartlyShipped` is `partly shipped`.
fn words(name: &impl Debug) -> String {
    let mut text = String::new();
    for letter in format!("{name:?}").chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

#[test]
fn the_page_of_states_is_what_the_tables_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/STATES.md");
    let fulfilment = table("A fulfilment", &FULFILMENT_EVENTS, &FULFILMENT);
    let line = table("A unit of an order line", &LINE_EVENTS, &LINE);
    let purchase = table("A purchase order", &PURCHASE_ORDER_EVENTS, &PURCHASE_ORDER);
    let drawn = format!("{HEAD}{fulfilment}{line}{purchase}{PURCHASE_ORDER_FOOT}");
    if std::env::var("OMNIFOLD_GOLDEN").is_ok_and(|value| value == "write") {
        std::fs::write(&path, &drawn).expect("docs/STATES.md written");
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(page, drawn, "run this test with OMNIFOLD_GOLDEN=write");
}
