//! Every race of taking a market over, driven on purpose. The whole backlog is there before the
//! engine starts, so whatever goes wrong on the way, a reader that drops repeats must end up with
//! the very decisions of a run in which nothing went wrong.

mod support;

use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use omnifold_events::v1::Cause;
use omnifold_log::{Log, LogError, TopicKind};
use omnifold_projector::{Options, StateAt, rebuild, run_until_idle, verify};
use omnifold_simulation::output::Output;
use omnifold_simulation::random::Random;
use support::faulty::{Fault, FaultyLog, Hooks};
use support::{Backlog, Decided, Place, decisions, options, read_topic, reckon, report, run};

const MARKET: &str = "m";
const ORDERS: u64 = 40;

/// One market with its backlog on a fresh log.
struct World {
    folder: tempfile::TempDir,
    place: Place,
    log: Arc<dyn Log>,
}

impl World {
    fn embedded() -> World {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = Place::Embedded(folder.path().join("log"));
        World::at(place, folder)
    }

    fn kafka(prefix: &str) -> Option<World> {
        let place = Place::on_kafka(prefix)?;
        Some(World::at(place, tempfile::tempdir().expect("a temporary folder")))
    }

    fn at(place: Place, folder: tempfile::TempDir) -> World {
        let log = place.with_topics(&[MARKET]);
        Backlog::of(ORDERS).send_all(&*log, place.prefix(), MARKET);
        World { folder, place, log }
    }

    fn state(&self) -> std::path::PathBuf {
        self.folder.path().join("state")
    }

    /// Works everything off while the plan's faults happen; how many of them never came.
    fn run_with(&self, plan: &[(u64, Fault)]) -> usize {
        let faulty = Arc::new(FaultyLog::new(self.log.clone(), plan.iter().copied()));
        let as_log: Arc<dyn Log> = faulty.clone();
        run(&as_log, MARKET, &options(&self.place, &self.state()));
        faulty.faults_left()
    }

    fn reckon(&self) -> String {
        reckon(&self.place, &self.log, MARKET, &self.state(), ORDERS)
    }

    /// What a reader that drops repeats has seen; releases of void decisions take back what they
    /// name.
    fn seen_by_readers(&self) -> Vec<Decided> {
        let mut seen: Vec<Decided> = Vec::new();
        for decision in decisions(&*self.log, self.place.prefix(), MARKET) {
            if !seen.contains(&decision) {
                seen.push(decision);
            }
        }
        seen
    }
}

/// What the backlog comes to when nothing goes wrong.
fn undisturbed() -> (Vec<Decided>, String) {
    let world = World::embedded();
    run(&world.log, MARKET, &options(&world.place, &world.state()));
    let digest = world.reckon();
    (decisions(&*world.log, world.place.prefix(), MARKET), digest)
}

fn assert_undisturbed(world: &World, plan: &[(u64, Fault)], expected: &(Vec<Decided>, String)) {
    let left = world.run_with(plan);
    assert_eq!(left, 0, "{plan:?}: the run was too short for its faults");
    assert_eq!(world.reckon(), expected.1, "{plan:?}");
    assert!(world.seen_by_readers() == expected.0, "{plan:?}: readers saw other decisions");
}

#[test]
fn one_fault_at_any_append_changes_no_decision() {
    let expected = undisturbed();
    for fault in Fault::ALL {
        // The first mark, a mark without decisions, and the epoch with most of them.
        for number in [0, 7, 14] {
            assert_undisturbed(&World::embedded(), &[(number, fault)], &expected);
        }
    }
}

#[test]
fn a_fault_while_another_is_being_recovered_from_changes_no_decision() {
    let expected = undisturbed();
    use Fault::{DecisionsAlone, MarkAlone, UnknownHappened, UnknownLandsLater};
    let (torn, lost) = ([DecisionsAlone, MarkAlone], [UnknownHappened, UnknownLandsLater]);
    for first in torn {
        // Append 15 is the first mark of the new incarnation, 16 its first epoch.
        for second in torn.into_iter().chain(lost) {
            assert_undisturbed(&World::embedded(), &[(14, first), (15, second)], &expected);
        }
        assert_undisturbed(&World::embedded(), &[(14, first), (16, first)], &expected);
    }
}

#[test]
fn a_storm_of_faults_changes_no_decision() {
    let expected = undisturbed();
    for seed in 0..4 {
        let mut random = Random::new(seed);
        let numbers = (0..8).map(|_| random.below(14)).collect::<std::collections::BTreeSet<_>>();
        let plan: Vec<_> =
            numbers.into_iter().map(|number| (number, *random.pick(&Fault::ALL))).collect();
        assert_undisturbed(&World::embedded(), &plan, &expected);
    }
}

#[test]
fn one_fault_of_each_kind_on_kafka_changes_no_decision() {
    let expected = undisturbed();
    for (number, fault) in Fault::ALL.into_iter().enumerate() {
        let Some(world) = World::kafka(&format!("race-{number}")) else { return };
        assert_undisturbed(&world, &[(14, fault)], &expected);
    }
}

#[test]
fn decisions_lost_unnoticed_are_found_by_a_rebuild_and_published_again() {
    let (expected, digest) = undisturbed();
    let world = World::embedded();
    assert_eq!(world.run_with(&[(14, Fault::MarkAloneUnnoticed)]), 0);
    assert!(world.seen_by_readers().len() < expected.len(), "something was lost");
    let options = options(&world.place, &world.state());
    let rebuilt =
        rebuild(world.log.clone(), MARKET, options.clone(), &mut |_| {}).expect("rebuilt");
    assert_eq!(rebuilt.position.digest, digest);
    assert!(world.seen_by_readers().len() < expected.len(), "a rebuild publishes nothing");
    // The next owner opens the checkpoint that the rebuild left.
    assert_eq!(run(&world.log, MARKET, &options).position.digest, digest);
    let (mut seen, mut expected) = (world.seen_by_readers(), expected);
    seen.sort();
    expected.sort();
    assert!(seen == expected, "readers have every decision");
    // And once is enough.
    run(&world.log, MARKET, &options);
    let again = decisions(&*world.log, world.place.prefix(), MARKET);
    assert_eq!(again.len(), expected.len());
    let verified = verify(world.log.clone(), MARKET, options, &mut |_| {}).expect("verified");
    assert!(verified.ok, "{:?}", verified.violations);
}

/// A torn epoch is decided otherwise the second time, because a record came late: what readers saw
/// is taken back.
#[test]
fn a_void_decision_that_is_not_taken_again_is_released() {
    let mut taken_back_in_all = 0;
    for number in [42, 43, 44] {
        let world = World::embedded();
        let (log, prefix) = (world.log.clone(), world.place.prefix().to_owned());
        let mut late = 0;
        let news = move || {
            late += 1;
            support::late_news(&*log, &prefix, MARKET, late);
        };
        let hooks = Hooks { after_fault: Some(Box::new(news)), ..Hooks::default() };
        let plan = [(number, Fault::DecisionsAlone), (number + 2, Fault::DecisionsAlone)];
        let faulty: Arc<dyn Log> = Arc::new(FaultyLog::new(world.log.clone(), plan).with(hooks));
        // Small slices: checkpoints are made while voids wait for their step.
        let mut options = options(&world.place, &world.state());
        options.slice.records = 8;
        run(&faulty, MARKET, &options);
        world.reckon();
        let report = report(&*world.log, world.place.prefix(), MARKET);
        assert!(report.counts.void > 0, "decisions without a mark");
        let (taken_back, left) = taken_back_and_left(&world);
        taken_back_in_all += taken_back;
        assert_eq!(left, effective(&world), "what readers hold is what took effect");
        go_on_from_nothing(&world);
        assert_eq!(taken_back_and_left(&world).0, taken_back, "each is taken back once");
    }
    assert!(taken_back_in_all > 0, "the late records changed no decision");
}

/// A recovery that reads past void decisions of long ago must know that they were answered.
#[test]
fn a_void_decision_that_was_taken_again_is_never_released() {
    let world = World::embedded();
    assert_eq!(world.run_with(&[(14, Fault::DecisionsAlone), (16, Fault::DecisionsAlone)]), 0);
    go_on_from_nothing(&world);
    assert_eq!(taken_back_and_left(&world).0, 0, "a live assignment was taken back");
    world.reckon();
}

/// Recovers without a checkpoint, and takes more records.
fn go_on_from_nothing(world: &World) {
    support::late_news(&*world.log, world.place.prefix(), MARKET, 9);
    let options = options(&world.place, &world.state());
    let from_nothing = Options { state: StateAt::Memory, ..options };
    assert!(run(&world.log, MARKET, &from_nothing).tally.records > 0, "more records");
}

/// Fulfilments by id, as a reader has them that takes every record as it comes; and how many void
/// ones were taken back.
fn taken_back_and_left(world: &World) -> (usize, BTreeMap<String, Vec<u8>>) {
    let (mut taken_back, mut held) = (0, BTreeMap::new());
    let records = read_topic(&*world.log, world.place.prefix(), MARKET, TopicKind::Assignments);
    for record in records.iter() {
        let key = String::from_utf8_lossy(record.key).into_owned();
        match Output::from_record(&record).expect("an output") {
            Output::Assigned(_) => {
                let said = record.value.unwrap_or_default().to_vec();
                let before = held.insert(key.clone(), said.clone());
                assert!(before.is_none_or(|before| before == said), "{key} changed its mind");
            }
            Output::Released(released) => {
                taken_back += usize::from(released.cause() == Cause::Void);
                held.remove(&key);
            }
            _ => {}
        }
    }
    (taken_back, held)
}

/// The same of the decisions that have their mark.
fn effective(world: &World) -> BTreeMap<String, Vec<u8>> {
    let marks = read_topic(&*world.log, world.place.prefix(), MARKET, TopicKind::Journal);
    let epochs: std::collections::BTreeSet<Vec<u8>> = marks
        .iter()
        .map(|record| {
            let mark: omnifold_events::v1::EpochMark =
                prost::Message::decode(record.value.unwrap_or_default()).expect("a mark");
            [mark.incarnation.to_be_bytes(), mark.epoch.to_be_bytes()].concat()
        })
        .collect();
    let mut held = BTreeMap::new();
    let records = read_topic(&*world.log, world.place.prefix(), MARKET, TopicKind::Assignments);
    for record in records.iter() {
        if !epochs.contains(record.headers.get("epoch").expect("an epoch")) {
            continue;
        }
        let key = String::from_utf8_lossy(record.key).into_owned();
        match Output::from_record(&record).expect("an output") {
            Output::Assigned(_) => {
                held.insert(key, record.value.unwrap_or_default().to_vec());
            }
            Output::Released(released) if released.cause() != Cause::Void => {
                held.remove(&key);
            }
            _ => {}
        }
    }
    held
}

/// The old owner commits one epoch after the new one has read the journal and before its fence
/// stands, and tries another after that.
fn the_old_owner_goes_on_around_the_fence(old: &World, new_log: Arc<dyn Log>) {
    let expected = undisturbed();
    let limit = Duration::from_secs(60);
    let (holds, held) = channel();
    let (release, released) = channel();
    let mut owned = false;
    let old_hooks = Hooks {
        before_owner: Some(Box::new(move || {
            let again = std::mem::replace(&mut owned, true);
            if again { Err(LogError::Configuration("once is enough".into())) } else { Ok(()) }
        })),
        before_append: Some(Box::new(move |number| {
            if number >= 14 {
                holds.send(()).expect("the test goes on");
                released.recv_timeout(limit).expect("it is let go");
            }
        })),
        ..Hooks::default()
    };
    let old_log = Arc::new(FaultyLog::new(old.log.clone(), []).with(old_hooks));
    let old_options = options(&old.place, &old.folder.path().join("old state"));
    let old_owner = std::thread::spawn(move || {
        run_until_idle(old_log, &[MARKET.to_owned()], old_options, &mut |_| {})
    });
    held.recv_timeout(limit).expect("the old owner is about to commit");

    let held = Arc::new(Mutex::new(held));
    let (held_again, release_again) = (held.clone(), release.clone());
    let new_hooks = Hooks {
        before_owner: Some(Box::new(move || {
            // It commits now, and stands before its next commit when this returns.
            release.send(()).expect("the old owner lives");
            held.lock().expect("alone").recv_timeout(limit).expect("it goes on");
            Ok(())
        })),
        after_owner: Some(Box::new(move || {
            release_again.send(()).expect("the old owner lives");
            let ended = held_again.lock().expect("alone").recv_timeout(limit);
            assert_eq!(ended, Err(RecvTimeoutError::Disconnected), "it is fenced and gives up");
        })),
        ..Hooks::default()
    };
    let new: Arc<dyn Log> = Arc::new(FaultyLog::new(new_log, []).with(new_hooks));
    run(&new, MARKET, &options(&old.place, &old.state()));
    let ended = old_owner.join().expect("no panic");
    assert!(ended.is_err(), "the old owner was fenced");
    assert_eq!(old.reckon(), expected.1);
    assert!(old.seen_by_readers() == expected.0, "readers saw other decisions");
}

#[test]
fn an_epoch_committed_before_the_fence_is_read_and_one_after_it_is_not_written() {
    let world = World::embedded();
    the_old_owner_goes_on_around_the_fence(&world, world.log.clone());
}

#[test]
fn the_same_between_two_clients_of_a_kafka() {
    let Some(world) = World::kafka("race-fence") else { return };
    the_old_owner_goes_on_around_the_fence(&world, world.place.open());
}
