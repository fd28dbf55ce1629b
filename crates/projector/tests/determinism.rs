//! The same inputs give the same decisions: however they are cut into epochs, on whichever log, and
//! however often any of them come.

mod support;

use omnifold_log::{Record, TopicKind};
use omnifold_projector::{Options, SliceLimits, StateAt, rebuild};
use omnifold_simulation::output::Output;
use omnifold_simulation::random::Random;
use support::{Backlog, Decided, Place, decisions, options, read_topic, reckon, run};

const MARKET: &str = "m";
const ORDERS: u64 = 60;

/// Decides a backlog in slices of so many records: every payload and key in order, and the digest.
fn decide(place: &Place, records: usize) -> (Vec<Decided>, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = place.with_topics(&[MARKET]);
    Backlog::of(ORDERS).send_all(&*log, place.prefix(), MARKET);
    let mut options = options(place, folder.path());
    options.slice = SliceLimits { records, ..options.slice };
    let live = run(&log, MARKET, &options);
    assert!(live.epochs as usize >= 370 / records, "{} epochs", live.epochs);
    let in_memory = Options { state: StateAt::Memory, ..options };
    let rebuilt = rebuild(log.clone(), MARKET, in_memory, &mut |_| {}).expect("a rebuild");
    assert_eq!(rebuilt.position.digest, live.position.digest);
    (decisions(&*log, place.prefix(), MARKET), live.position.digest)
}

#[test]
fn epochs_of_1_7_and_10_000_records_decide_alike_on_both_logs() {
    let embedded = |records| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        decide(&Place::Embedded(folder.path().to_owned()), records)
    };
    let whole = embedded(10_000);
    assert!(whole.0.len() as u64 > ORDERS, "every order has at least one decision");
    for records in [1, 7] {
        assert!(embedded(records) == whole, "embedded, epochs of {records}");
    }
    for records in [1, 7, 10_000] {
        let Some(place) = Place::on_kafka(&format!("cut-{records}")) else { return };
        assert!(decide(&place, records) == whole, "Kafka, epochs of {records}");
    }
}

#[test]
fn any_part_of_the_inputs_sent_again_changes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = Place::Embedded(folder.path().join("log"));
    let log = place.with_topics(&[MARKET]);
    let backlog = Backlog::of(ORDERS);
    backlog.send_all(&*log, place.prefix(), MARKET);
    let state = folder.path().join("state");
    let options = options(&place, &state);
    let digest = run(&log, MARKET, &options).position.digest;
    let decided = decisions(&*log, place.prefix(), MARKET);
    let (mut random, all) = (Random::new(5), backlog.records.len());
    for round in 0..12 {
        // Prefixes first, then any range; each run is a restart.
        let until = 1 + random.below(all as u64) as usize;
        let from = if round < 6 { 0 } else { random.below(until as u64) as usize };
        backlog.send(&*log, place.prefix(), MARKET, from..until);
        let again = run(&log, MARKET, &options);
        assert_eq!(again.position.digest, digest, "{from}..{until} came again");
        assert_eq!(again.tally.duplicates, (until - from) as u64, "{from}..{until}");
    }
    assert!(decisions(&*log, place.prefix(), MARKET) == decided, "no new decision");
    assert_eq!(reckon(&place, &log, MARKET, &state, ORDERS), digest);
}

#[test]
fn inputs_sent_twice_before_anyone_reads_them_are_taken_once() {
    let once = decide_sent(&[1.0]);
    assert!(decide_sent(&[1.0, 1.0]) == once, "everything twice");
    assert!(decide_sent(&[0.4, 0.8, 1.0]) == once, "growing prefixes, as after lost answers");
}

/// The decisions where these shares of the inputs are sent one after the other, each from the
/// start. Steps count every record that came, so they are left out.
fn decide_sent(shares: &[f64]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = Place::Embedded(folder.path().join("log"));
    let log = place.with_topics(&[MARKET]);
    let backlog = Backlog::of(ORDERS);
    for share in shares {
        let until = (backlog.records.len() as f64 * share) as usize;
        backlog.send(&*log, place.prefix(), MARKET, 0..until);
    }
    reckon(&place, &log, MARKET, &folder.path().join("state"), ORDERS);
    let decided = read_topic(&*log, place.prefix(), MARKET, TopicKind::Assignments);
    decided.iter().map(|record| without_step(&record)).collect()
}

fn without_step(record: &Record<'_>) -> String {
    let mut output = Output::from_record(record).expect("an output");
    match &mut output {
        Output::Assigned(assigned) => {
            assigned.step = 0;
            assigned.outcome.iter_mut().for_each(|outcome| outcome.step = 0);
        }
        Output::Outcome(outcome) => outcome.step = 0,
        Output::Changed(changed) => changed.step = 0,
        Output::ReleaseRequested(asked) => asked.step = 0,
        Output::Released(released) => released.step = 0,
        Output::SoftHold(hold) => hold.step = 0,
        Output::ReturnAuthorised(message) => message.step = 0,
        Output::ReturnRefused(message) => message.step = 0,
        Output::RefundDue(message) => message.step = 0,
        Output::Wave(message) => message.step = 0,
        Output::Rejected(_) | Output::Variance(_) | Output::Notice(_) | Output::Supply(_) => {}
    }
    format!("{output:?}")
}
