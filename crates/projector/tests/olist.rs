//! The real history of a marketplace through the engine: with its approvals, hand-overs, deliveries,
//! cancellations and reviews, every unit of every line is accounted for.

mod engine;

use std::path::{Path, PathBuf};

use engine::{Engine, MARKET, PREFIX};
use omnifold_channels::olist::{OlistOptions, events};
use omnifold_channels::sealing::Keyring;
use omnifold_projector::{Query, StateAt, query_offline, verify};
use omnifold_simulation::checker::{CheckOptions, check};

/// The real data: `OMNIFOLD_DATA`, or `../shared/data` beside the repository.
fn real_data() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("OMNIFOLD_DATA").map_or_else(beside, PathBuf::from);
    let dir = data.join("olist");
    if dir.join("olist_orders_dataset.csv").is_file() {
        return Some(dir);
    }
    eprintln!("skipped: no Olist data in {}; set OMNIFOLD_DATA to its parent", dir.display());
    None
}

/// What may be said about histories that contradict themselves; anything else would be a fault.
const EXPECTED: [&str; 6] = [
    "no_lines",
    "unknown_order",
    "already_shipped",
    "insufficient_stock",
    "stands_elsewhere",
    "too_late",
];

#[test]
fn every_unit_of_the_real_history_is_accounted_for() {
    let Some(data) = real_data() else { return };
    let mut engine = Engine::with(|options| options.state = StateAt::Memory);
    let keyring = Keyring::open_or_create(&engine.folder.path().join("keys")).expect("a keyring");
    let (history, summary) = events(&data, &OlistOptions::default(), &keyring).expect("a history");
    let approvals = summary.events_by_type["omnifold.v1.PaymentCaptured"];
    let reviews = summary.events_by_type["omnifold.v1.OrderFeedback"];
    assert!(approvals > summary.orders / 2 && reviews > summary.orders / 2, "{summary:?}");
    engine.publish_together(&history);
    let run = engine.run();
    assert_eq!(run.tally.orders + summary.orders_without_lines, summary.orders);

    // I1 for every order line and stock row at every epoch, and each decision taken again.
    let options = engine.options.clone();
    let verified = verify(engine.log.clone(), MARKET, options, &mut |_| {}).expect("a log");
    assert!(verified.ok, "{:?}", verified.violations);
    // The books of a checker that shares no code with the fold.
    let books = check(&*engine.log, PREFIX, MARKET, &CheckOptions::default()).expect("topics");
    assert!(books.is_clean(), "{books}");
    for code in engine.refusals() {
        assert!(EXPECTED.contains(&code.as_str()), "{code}");
    }
}

/// The engine learns from its own fold what to promise, and is held to what it stated.
#[test]
fn what_is_promised_holds_as_often_as_it_states() {
    let Some(data) = real_data() else { return };
    let engine = Engine::with(|options| options.state = StateAt::Memory);
    let keyring = Keyring::open_or_create(&engine.folder.path().join("keys")).expect("a keyring");
    let asked = OlistOptions { promise_late_ppm: Some(65_000), ..OlistOptions::default() };
    let (history, _) = events(&data, &asked, &keyring).expect("a history");
    engine.publish_together(&history);
    engine.run();
    let options = engine.options.clone();
    let verified = verify(engine.log.clone(), MARKET, options.clone(), &mut |_| {}).expect("a log");
    assert!(verified.ok, "{:?}", verified.violations);
    let books = check(&*engine.log, PREFIX, MARKET, &CheckOptions::default()).expect("topics");
    assert!(books.is_clean(), "{books}");

    let answer = query_offline(engine.log.clone(), MARKET, options, Query::Market);
    let body = answer.expect("a market").expect("an answer").body;
    for kind in ["learned", "at_hand_over"] {
        let rows = body["promises"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["promises"] == kind).expect("such promises");
        let late = row["late"].as_str().expect("a share").trim_end_matches(" %");
        let late: f64 = late.parse().expect("per cent");
        assert!((5.0..=8.0).contains(&late), "{row}");
        assert!(row["delivered"].as_u64() > Some(4_000), "{row}");
    }
}
