//! kill -9 under load, many times over, on the embedded log and on a real Kafka.
//!
//! Each round starts the engine as a process of its own, sends it more of a seeded backlog (and
//! again what a dead round may or may not have sent), and kills it: most rounds at a chosen
//! occurrence of a chosen place of the epoch loop, or some microseconds after it, the rest from
//! outside at any time. In the end nothing may be lost, doubled or oversold, and every place must
//! have been hit.
//!
//! `OMNIFOLD_KILL_ROUNDS` and `OMNIFOLD_KILL_SEED` run more rounds, or others.

mod support;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use omnifold_projector::{Options, Phase, run_market};
use omnifold_simulation::random::Random;
use support::child::{self, Notes};
use support::{Backlog, Place, options, reckon, setting};

const MARKET: &str = "m";
const PLACES: [Phase; 7] = [
    Phase::Gather,
    Phase::Step,
    Phase::Publish,
    Phase::Acknowledge,
    Phase::CheckpointBatch,
    Phase::CheckpointFlush,
    Phase::Recovery,
];
/// Longest time a round may take before it counts as hanging.
const ROUND_LIMIT: Duration = Duration::from_secs(60);

// Places in the notes of a child.
const PHASE: u64 = 0;
const FIRST_DECISION: u64 = 1;

#[test]
fn nothing_is_lost_or_doubled_by_kill_9_on_the_embedded_log() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = Place::Embedded(folder.path().join("log"));
    Ordeal::new(&place, folder.path(), setting("OMNIFOLD_KILL_ROUNDS", 56)).endure();
}

#[test]
fn nothing_is_lost_or_doubled_by_kill_9_on_kafka() {
    let Some(place) = Place::on_kafka("kill") else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    Ordeal::new(&place, folder.path(), setting("OMNIFOLD_KILL_ROUNDS", 24)).endure();
}

/// All rounds of one log.
struct Ordeal<'a> {
    place: &'a Place,
    folder: &'a Path,
    rounds: u64,
    random: Random,
    landed: BTreeMap<Phase, u64>,
    restarts: Vec<u64>,
    killed_at: Option<u64>,
}

impl<'a> Ordeal<'a> {
    fn new(place: &'a Place, folder: &'a Path, rounds: u64) -> Self {
        let seed = setting("OMNIFOLD_KILL_SEED", 1);
        let random = Random::of_part(seed, rounds);
        let (landed, restarts) = (BTreeMap::new(), Vec::new());
        Ordeal { place, folder, rounds, random, landed, restarts, killed_at: None }
    }

    fn endure(mut self) {
        drop(self.place.with_topics(&[MARKET]));
        let began = Instant::now();
        for round in 0..self.rounds {
            self.round(round);
        }
        let rounds_took = began.elapsed();
        self.tell(rounds_took);
        let log = self.place.open();
        let backlog = backlog(self.rounds);
        // What the last rounds sent is not known either.
        backlog.send_all(&*log, self.place.prefix(), MARKET);
        let state = self.folder.join("state");
        reckon(self.place, &log, MARKET, &state, backlog.orders);
        for place in PLACES {
            assert!(self.landed.contains_key(&place), "no kill landed in {place:?}; more rounds?");
        }
    }

    fn round(&mut self, round: u64) {
        let notes = Notes::at(&self.folder.join("notes"));
        notes.write(PHASE, 0);
        notes.write(FIRST_DECISION, 0);
        let aim = self.aim(round);
        let state = self.folder.join("state");
        let variables = [
            ("CHILD_STATE", state.display().to_string()),
            ("CHILD_NOTES", self.folder.join("notes").display().to_string()),
            ("CHILD_ROUND", round.to_string()),
            ("CHILD_ROUNDS", self.rounds.to_string()),
            ("CHILD_AIM", aim.place.to_string()),
            ("CHILD_COUNT", aim.count.to_string()),
            ("CHILD_DELAY_US", aim.delay_us.to_string()),
        ];
        let output = self.folder.join("output");
        let mut process = child::spawn("one_round", self.place, &variables, &output);
        if let Some(after) = aim.from_outside {
            std::thread::sleep(after);
            child::signal(&process, rustix::process::Signal::KILL);
        }
        let status = wait(&mut process, &output);
        let died = child::now();
        assert_eq!(status.signal(), Some(9), "round {round}: {status}\n{}", text_of(&output));
        let landed = usize::try_from(notes.read(PHASE)).expect("small");
        if let Some(place) = landed.checked_sub(1) {
            *self.landed.entry(PLACES[place]).or_default() += 1;
        }
        let (killed, decided) = (self.killed_at.replace(died), notes.read(FIRST_DECISION));
        if let (Some(killed), true) = (killed, decided > 0) {
            self.restarts.push((decided - killed) / 1_000_000);
        }
    }

    /// Where this round is to die: the place hit least so far, and every eighth round anywhere.
    fn aim(&mut self, round: u64) -> Aim {
        let slow = matches!(self.place, Place::Kafka { .. });
        if round % 8 == 7 {
            let most = if slow { 1_500 } else { 300 };
            let after = Duration::from_millis(self.random.below(most));
            return Aim { place: PLACES.len(), count: 0, delay_us: 0, from_outside: Some(after) };
        }
        let hits = |place: &Phase| self.landed.get(place).copied().unwrap_or(0);
        let place = (0..PLACES.len()).min_by_key(|place| hits(&PLACES[*place])).expect("seven");
        let count = match PLACES[place] {
            Phase::Recovery => 1,
            Phase::CheckpointBatch | Phase::CheckpointFlush => 1 + self.random.below(2),
            _ => 1 + self.random.below(8),
        };
        // Half of the kills come as the phase begins, half somewhat into it.
        let into = if slow { 3_000 } else { 300 };
        let at_once = hits(&PLACES[place]) == 0 || self.random.permille(500);
        let delay_us = if at_once { 0 } else { self.random.below(into) };
        Aim { place, count, delay_us, from_outside: None }
    }

    fn tell(&mut self, took: Duration) {
        self.restarts.sort_unstable();
        let at = |share: usize| self.restarts.get(self.restarts.len() * share / 100).copied();
        let last = self.restarts.last().copied();
        eprintln!(
            "{} rounds in {took:.1?}; landed: {:?}; from SIGKILL to the next decision, ms: p50 \
             {:?}, p90 {:?}, most {last:?}",
            self.rounds,
            self.landed,
            at(50),
            at(90),
        );
    }
}

struct Aim {
    /// Place in [`PLACES`], or beyond it.
    place: usize,
    /// Which occurrence.
    count: u64,
    delay_us: u64,
    from_outside: Option<Duration>,
}

fn wait(process: &mut std::process::Child, output: &Path) -> std::process::ExitStatus {
    let deadline = Instant::now() + ROUND_LIMIT;
    loop {
        if let Some(status) = process.try_wait().expect("the child can be waited for") {
            return status;
        }
        if Instant::now() > deadline {
            let _ = process.kill();
            let _ = process.wait();
            panic!("a round hangs:\n{}", text_of(output));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn text_of(output: &Path) -> String {
    std::fs::read_to_string(output).unwrap_or_default()
}

/// Orders of each round.
const ORDERS_A_ROUND: u64 = 24;

fn backlog(rounds: u64) -> Backlog {
    Backlog::of(rounds * ORDERS_A_ROUND)
}

/// The child: sends the round's part of the backlog, runs the engine meanwhile, and dies.
#[test]
#[ignore = "run by the other tests as a process of its own"]
fn one_round() {
    let Some(place) = child::place() else { return };
    let notes = Arc::new(Notes::at(child::variable("CHILD_NOTES").expect("a path").as_ref()));
    let state = child::variable("CHILD_STATE").expect("a path");
    let log = place.open();
    let sent = Arc::new(AtomicBool::new(false));
    let (sender_log, sender_place, all_sent) = (log.clone(), place.clone(), sent.clone());
    std::thread::spawn(move || {
        let (round, rounds) = (child::number("CHILD_ROUND"), child::number("CHILD_ROUNDS"));
        let backlog = backlog(rounds);
        let cut = |round: u64| (backlog.records.len() as u64 * round / rounds) as usize;
        // The part of the round before comes again: nobody knows how much of it arrived.
        let range = cut(round.saturating_sub(1))..cut(round + 1);
        backlog.send(&*sender_log, sender_place.prefix(), MARKET, range);
        all_sent.store(true, Ordering::Release);
    });
    let options = Options { observer: Some(observer(notes)), ..options(&place, state.as_ref()) };
    let mut idle_turns = 0;
    run_market(&log, MARKET, &options, &mut |_| {}, &mut |_| {
        // Nothing is left to die in: die here.
        idle_turns += u32::from(sent.load(Ordering::Acquire));
        if idle_turns > 20 {
            child::kill_myself();
        }
        false
    })
    .expect("the market runs until it is killed");
}

/// Notes each phase as it begins, and kills this process at the chosen one.
fn observer(notes: Arc<Notes>) -> omnifold_projector::Observer {
    let aim = child::number("CHILD_AIM") as usize;
    let delay = Duration::from_micros(child::number("CHILD_DELAY_US"));
    let left = AtomicU64::new(child::number("CHILD_COUNT"));
    let acknowledged = AtomicU64::new(0);
    Arc::new(move |_: &str, phase: Phase| {
        let place = PLACES.iter().position(|known| *known == phase).expect("a known phase");
        notes.write(PHASE, place as u64 + 1);
        // The first acknowledgement is that of the taking over.
        if phase == Phase::Acknowledge && acknowledged.fetch_add(1, Ordering::Relaxed) == 1 {
            notes.write(FIRST_DECISION, child::now());
        }
        if place == aim && left.fetch_sub(1, Ordering::Relaxed) == 1 {
            if delay.is_zero() {
                child::kill_myself();
            }
            std::thread::spawn(move || {
                std::thread::sleep(delay);
                child::kill_myself();
            });
        }
    })
}
