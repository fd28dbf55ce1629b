//! What is learned of processing and transit, and the promises made of it.

use serde::{Deserialize, Serialize};

use super::effects::{self, Room, Stage, Sum, sum_on};
use super::facts::{Facts, Group, Moment};
use super::feedback::Counted;
use super::fixed::{ONE, exp2, left_after, log2, times};
use super::memory::{Learned, LearnedKey, LearnedRow, Learning, Row};
use super::scores::Bins;
use super::track::{DAY_MS, Issued, Plan, Seen, Track};
use super::{Look, Promised, Settings};

/// A stage, at a slot of its group's row that no other stage of that group has.
const fn stage(slot: usize, group: Group, half_days: i32, shrink: i64) -> Stage {
    Stage { group, slot, half_days, shrink }
}

/// From purchase to hand-over.
const PROCESSING: [Stage; 4] = [
    stage(0, Group::All, 120, 1),
    stage(0, Group::Weekday, 400, 10),
    stage(0, Group::Node, 120, 2),
    stage(0, Group::Weight, 400, 20),
];

/// From hand-over to delivery.
const TRANSIT: [Stage; 8] = [
    stage(1, Group::All, 120, 1),
    stage(0, Group::Distance, 400, 3),
    stage(0, Group::Area(0), 300, 8),
    stage(0, Group::Lane, 300, 8),
    stage(0, Group::Area(1), 300, 10),
    stage(0, Group::Area(2), 400, 8),
    stage(1, Group::Node, 300, 8),
    stage(1, Group::Weight, 400, 20),
];

/// What both parts together leave over.
const WHOLE: [Stage; 4] = [
    stage(2, Group::All, 120, 20),
    stage(1, Group::Area(0), 300, 30),
    stage(0, Group::Parts, 300, 30),
    stage(1, Group::Weekday, 300, 30),
];

const WHOLE_SPREAD: [Stage; 2] = [stage(3, Group::All, 300, 1), stage(2, Group::Area(0), 400, 10)];

/// What transit leaves over, at the second look.
const REST: [Stage; 3] = [
    stage(4, Group::All, 60, 20),
    stage(3, Group::Area(0), 300, 30),
    stage(2, Group::Weekday, 300, 30),
];

const REST_SPREAD: [Stage; 2] = [stage(5, Group::All, 300, 1), stage(4, Group::Area(0), 400, 10)];

/// Counts what a node has not handed over yet. A backlogged order that never leaves is forgotten by
/// half after so many days.
const BACKLOG: Stage = stage(2, Group::Node, 20, 0);

/// Places of [`TRANSIT`] that name where an order goes, the narrowest first.
const LEVELS: [usize; 6] = [5, 4, 3, 2, 1, 0];

const FIRST: Plan =
    Plan { centre: &WHOLE, spread: &WHOLE_SPREAD, bins: Bins { track: 0, half_days: 400 } };
const SECOND: Plan =
    Plan { centre: &REST, spread: &REST_SPREAD, bins: Bins { track: 1, half_days: 400 } };

/// Added to a part before its logarithm is taken.
const HALF_DAY_MS: i64 = DAY_MS / 2;

/// What is learned beside the sums of the groups and the bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Figures {
    tracks: [Track; 2],
    load: Load,
    room: Room,
}

impl Figures {
    pub(super) fn read<M: Learned>(memory: &M) -> Self {
        match memory.learned(LearnedKey::FIGURES) {
            Some(LearnedRow(Row::Figures(figures))) => **figures,
            _ => Figures::default(),
        }
    }

    fn track(&mut self, look: Look) -> &mut Track {
        &mut self.tracks[look as usize]
    }
}

/// The newest day that was told.
pub(super) fn newest_day<M: Learned>(memory: &M) -> i32 {
    Figures::read(memory).load.day
}

/// What would be promised, and from what it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foreseen {
    /// `None` while too few orders have been delivered to state such a rate.
    pub promised: Option<Promised>,
    /// The narrowest group that the way is known by: believed by half or more. 0: all orders, 1: a
    /// band of distance, 2: the region, 3: the lane, 4: the area, 5: an area of that.
    pub level: u8,
    /// Deliveries that group knows of, older ones counting less.
    pub deliveries: u32,
}

/// What would be promised for an order placed at that moment. Every step is integer arithmetic, a few
/// dozen look-ups and a scan of 1,024 bins: the same rows give the same promise on any machine.
pub fn foresee<M: Learned>(
    memory: &M,
    settings: Settings,
    facts: &Facts,
    placed: Moment,
) -> Foreseen {
    let settings = settings.within_limits();
    let issued = first_look(memory, &Figures::read(memory), &settings, facts, placed);
    let (level, deliveries) = level_of(memory, facts, placed);
    Foreseen { promised: issued.promised, level, deliveries }
}

fn level_of<M: Learned>(memory: &M, facts: &Facts, placed: Moment) -> (u8, u32) {
    let weight = |stage: &Stage| {
        sum_on(memory, stage, stage.group.key(facts, placed), placed.day).weight >> 16
    };
    let known = |&place: &usize| weight(&TRANSIT[place]) >= TRANSIT[place].shrink;
    let place = LEVELS.into_iter().find(known).unwrap_or(0);
    (place as u8, weight(&TRANSIT[place]) as u32)
}

/// The promise of an order that reaches its node at that moment.
pub(super) fn first_look<M: Learned>(
    memory: &M,
    figures: &Figures,
    settings: &Settings,
    facts: &Facts,
    placed: Moment,
) -> Issued {
    let part = |stages| part_ms(effects::tell(memory, stages, facts, placed, placed.day));
    let backlog = sum_on(memory, &BACKLOG, BACKLOG.group.key(facts, placed), placed.day).weight;
    let waiting = log2((backlog + i64::from(ONE)) as u64) - 16 * ONE;
    let loads = [figures.load.pressure(placed.day), waiting];
    let parts_ms = part(&PROCESSING) + part(&TRANSIT);
    let seen = Seen { facts, placed, from: placed, parts_ms, loads };
    figures.tracks[0].promise(memory, &FIRST, settings, &seen)
}

/// Learns: what one event says, on the rows of a memory.
pub(super) struct Learner<'m, M> {
    memory: &'m mut M,
    settings: Settings,
    figures: Figures,
}

impl<'m, M: Learning> Learner<'m, M> {
    /// Takes the figures up. Shares beyond their limits are taken for the limits.
    pub(super) fn of(memory: &'m mut M, settings: Settings) -> Self {
        let figures = Figures::read(memory);
        Learner { memory, settings: settings.within_limits(), figures }
    }

    /// Puts the figures back.
    pub(super) fn done(self) {
        let row = LearnedRow(Row::Figures(Box::new(self.figures)));
        self.memory.put_learned(LearnedKey::FIGURES, Some(row));
    }

    /// An order was placed: its promise.
    pub(super) fn placed(&mut self, facts: &Facts, placed: Moment) -> Issued {
        let issued = first_look(self.memory, &self.figures, &self.settings, facts, placed);
        self.figures.tracks[0].given(self.memory, &FIRST, &self.settings, &issued);
        self.figures.load.placed(placed.day);
        self.waits(facts, placed);
        issued
    }

    /// An order waits at a node.
    pub(super) fn waits(&mut self, facts: &Facts, at: Moment) {
        self.change_backlog(facts, at, |backlog| backlog.with(0));
    }

    /// An order was handed to the carrier: the promise of what remains.
    pub(super) fn handed_over(&mut self, facts: &Facts, placed: Moment, at: Moment) -> Issued {
        let parts_ms = part_ms(effects::tell(self.memory, &TRANSIT, facts, placed, at.day));
        let seen = Seen { facts, placed, from: at, parts_ms, loads: [0; 2] };
        let track = &mut self.figures.tracks[1];
        let issued = track.promise(self.memory, &SECOND, &self.settings, &seen);
        track.given(self.memory, &SECOND, &self.settings, &issued);
        issued
    }

    /// What happened between purchase and hand-over.
    pub(super) fn learn_processing(&mut self, facts: &Facts, placed: Moment, at: Moment) {
        let room = &mut self.figures.room;
        learn_part((self.memory, room), &PROCESSING, (facts, placed), (placed, at));
    }

    /// An order was delivered.
    pub(super) fn delivered(
        &mut self,
        facts: &Facts,
        first: &Issued,
        second: Option<&Issued>,
        at: Moment,
    ) {
        let (placed, late_ppm) = (first.from, self.settings.late_ppm);
        let Figures { tracks: [whole, rest], load, room } = &mut self.figures;
        load.delivered(at.day);
        whole.learn((self.memory, room), &FIRST, (facts, placed), first, (at, late_ppm));
        let Some(second) = second else { return self.left(facts, placed, at) };
        learn_part((self.memory, room), &TRANSIT, (facts, placed), (second.from, at));
        rest.learn((self.memory, room), &SECOND, (facts, placed), second, (at, late_ppm));
    }

    /// An order is not waited for at its node any longer.
    pub(super) fn left(&mut self, facts: &Facts, placed: Moment, at: Moment) {
        let left = left_after(at.day.saturating_sub(placed.day), BACKLOG.half_days);
        let weight = times(i64::from(ONE), left);
        self.change_backlog(facts, at, |backlog| backlog.without(weight));
    }

    fn change_backlog(&mut self, facts: &Facts, at: Moment, change: impl FnOnce(Sum) -> Sum) {
        let node = BACKLOG.group.key(facts, at);
        let backlog = sum_on(self.memory, &BACKLOG, node, at.day);
        effects::put(self.memory, &mut self.figures.room, (node, BACKLOG.slot), change(backlog));
    }

    /// The day of a promise ended without a delivery.
    pub(super) fn overdue(&mut self, look: Look, counted: &mut Counted) {
        let late_ppm = self.settings.late_ppm;
        self.figures.track(look).feedback.overdue(late_ppm, counted);
    }

    /// An order is not waited for any longer (`is_lost`), or was called off.
    pub(super) fn given_up(&mut self, look: Look, counted: &mut Counted, is_lost: bool) {
        let late_ppm = self.settings.late_ppm;
        self.figures.track(look).feedback.given_up(late_ppm, counted, is_lost);
    }
}

/// Odd times (handed over before it was bought) are not learned from.
fn learn_part<M: Learning>(
    (memory, room): (&mut M, &mut Room),
    stages: &[Stage],
    of: (&Facts, Moment),
    (from, to): (Moment, Moment),
) {
    if to.ms >= from.ms {
        let ms = memory.delivery_days().elapsed_ms(from, to).saturating_add(HALF_DAY_MS);
        let took = log2(ms as u64) - log2(DAY_MS as u64);
        effects::learn(memory, room, stages, of, (took, to.day));
    }
}

/// What is promised of an order that has not come by the start of a day.
pub(super) fn still_to_come<M: Learned>(
    memory: &M,
    settings: Settings,
    look: Look,
    issued: (&Issued, i32),
) -> Option<Promised> {
    let figures = Figures::read(memory);
    let bins = [FIRST.bins, SECOND.bins][look as usize];
    figures.tracks[look as usize].still_to_come(memory, bins, &settings.within_limits(), issued)
}

/// A part's milliseconds of its logarithm, which is that of days: what is unknown takes a day.
fn part_ms(told: i32) -> u64 {
    exp2(told.saturating_add(log2(DAY_MS as u64)), 0).min(1 << 40)
}

/// Orders placed and delivered of late. Where more are placed than delivered, queues grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Load {
    placed: i64,
    delivered: i64,
    day: i32,
}

/// Days after which an order counts half for the load.
const LOAD_HALF_DAYS: i32 = 10;

/// Orders added to both counts: a handful says nothing.
const LOAD_LEAST: i64 = 10 << 16;

impl Load {
    fn on(&self, day: i32) -> (i64, i64) {
        let left = left_after(day.saturating_sub(self.day), LOAD_HALF_DAYS);
        (times(self.placed, left), times(self.delivered, left))
    }

    fn advance(&mut self, day: i32) {
        (self.placed, self.delivered) = self.on(day);
        self.day = self.day.max(day);
    }

    fn placed(&mut self, day: i32) {
        self.advance(day);
        self.placed += i64::from(ONE);
    }

    fn delivered(&mut self, day: i32) {
        self.advance(day);
        self.delivered += i64::from(ONE);
    }

    /// Logarithm of placed to delivered.
    fn pressure(&self, day: i32) -> i32 {
        let (placed, delivered) = self.on(day);
        log2((placed + LOAD_LEAST) as u64) - log2((delivered + LOAD_LEAST) as u64)
    }
}
