//! What is learned of processing and transit, and the promises made of it.

use super::effects::{Effects, Stage, Sum};
use super::facts::{Facts, Group, Moment};
use super::feedback::Counted;
use super::fixed::{ONE, exp2, left_after, log2, times};
use super::scores::{MILLION, MOST_LATE_PPM};
use super::track::{DAY_MS, Issued, Plan, Track};
use super::{Look, Promised, Settings};

const fn stage(number: u8, group: Group, half_days: i32, shrink: i64) -> Stage {
    Stage { number, group, half_days, shrink }
}

/// From purchase to hand-over.
const PROCESSING: [Stage; 4] = [
    stage(0, Group::All, 60, 1),
    stage(1, Group::Weekday, 400, 10),
    stage(2, Group::Node, 120, 2),
    stage(3, Group::Weight, 400, 20),
];

/// From hand-over to delivery.
const TRANSIT: [Stage; 8] = [
    stage(10, Group::All, 60, 1),
    stage(11, Group::Distance, 400, 3),
    stage(12, Group::Area(0), 300, 8),
    stage(13, Group::Lane, 300, 8),
    stage(14, Group::Area(1), 300, 10),
    stage(15, Group::Area(2), 400, 8),
    stage(16, Group::Node, 300, 8),
    stage(17, Group::Weight, 400, 20),
];

/// What both parts together leave over.
const WHOLE: [Stage; 4] = [
    stage(20, Group::All, 120, 20),
    stage(21, Group::Area(0), 300, 30),
    stage(22, Group::Parts, 300, 30),
    stage(23, Group::Weekday, 300, 30),
];

const WHOLE_SPREAD: [Stage; 2] =
    [stage(24, Group::All, 300, 1), stage(25, Group::Area(0), 400, 10)];

/// What transit leaves over, at the second look.
const REST: [Stage; 3] = [
    stage(30, Group::All, 60, 20),
    stage(31, Group::Area(0), 300, 30),
    stage(32, Group::Weekday, 300, 30),
];

const REST_SPREAD: [Stage; 2] = [stage(33, Group::All, 300, 1), stage(34, Group::Area(0), 400, 10)];

/// Number of the rows that count what a node has not handed over yet.
const BACKLOG: u8 = 40;

/// A backlogged order that never leaves is forgotten by half after so many days.
const BACKLOG_HALF_DAYS: i32 = 20;

/// Added to a part before its logarithm is taken.
const HALF_DAY_MS: i64 = DAY_MS / 2;

/// Learns online and promises. Every step is integer arithmetic over bounded state, a few dozen
/// look-ups and one scan of 1,024 bins: the same events give the same promises on any machine.
#[derive(Debug)]
pub struct Learner {
    settings: Settings,
    effects: Effects,
    first: Track,
    second: Track,
    load: Load,
}

impl Learner {
    /// A learner that has seen nothing, and so promises nothing. Shares beyond their limits are
    /// taken for the limits.
    pub fn new(settings: Settings) -> Self {
        let settings = Settings {
            late_ppm: settings.late_ppm.clamp(1, MOST_LATE_PPM),
            early_ppm: settings.early_ppm.min(MILLION / 2),
            ..settings
        };
        let first = Plan { centre: &WHOLE, spread: &WHOLE_SPREAD, score_half_days: 100 };
        let second = Plan { centre: &REST, spread: &REST_SPREAD, score_half_days: 100 };
        Learner {
            effects: Effects::default(),
            first: Track::new(first, &settings),
            second: Track::new(second, &settings),
            load: Load::default(),
            settings,
        }
    }

    /// What would be promised for an order placed at that moment. Changes nothing. `None` while too
    /// few orders have been delivered to state such a rate.
    pub fn query(&self, facts: &Facts, placed: Moment) -> Option<Promised> {
        self.first_look(facts, placed).promised
    }

    fn first_look(&self, facts: &Facts, placed: Moment) -> Issued {
        let effects = &self.effects;
        let part = |stages| part_ms(effects.tell(stages, facts, placed, placed.day));
        let backlog = effects.on(BACKLOG, facts.node, placed.day, BACKLOG_HALF_DAYS).weight;
        let loads =
            [self.load.pressure(placed.day), log2((backlog + i64::from(ONE)) as u64) - 16 * ONE];
        let parts_ms = part(&PROCESSING) + part(&TRANSIT);
        let moments = (placed, placed);
        self.first.promise(effects, &self.settings, facts, moments, parts_ms, loads)
    }

    /// An order was placed: its promise.
    pub(super) fn placed(&mut self, facts: &Facts, placed: Moment) -> Issued {
        let issued = self.first_look(facts, placed);
        self.first.given(&self.settings, &issued);
        self.load.placed(placed.day);
        self.change_backlog(facts, placed.day, |backlog| backlog.with(0));
        issued
    }

    /// An order was handed to the carrier: the promise of what remains.
    pub(super) fn handed_over(&mut self, facts: &Facts, placed: Moment, at: Moment) -> Issued {
        self.left(facts, placed, at);
        self.learn_part(&PROCESSING, facts, placed, (placed, at));
        let transit = self.effects.tell(&TRANSIT, facts, placed, at.day);
        let parts_ms = part_ms(transit);
        let issued = self.second.promise(
            &self.effects,
            &self.settings,
            facts,
            (placed, at),
            parts_ms,
            [0; 2],
        );
        self.second.given(&self.settings, &issued);
        issued
    }

    /// An order was delivered.
    pub(super) fn delivered(
        &mut self,
        facts: &Facts,
        first: &Issued,
        second: Option<&Issued>,
        at: Moment,
    ) {
        let placed = first.from;
        self.load.delivered(at.day);
        self.first.learn(&mut self.effects, facts, placed, first, at);
        if let Some(second) = second {
            self.learn_part(&TRANSIT, facts, placed, (second.from, at));
            self.second.learn(&mut self.effects, facts, placed, second, at);
        } else {
            self.left(facts, placed, at);
        }
    }

    /// An order is not waited for at its node any longer.
    pub(super) fn left(&mut self, facts: &Facts, placed: Moment, at: Moment) {
        let left = left_after(at.day.saturating_sub(placed.day), BACKLOG_HALF_DAYS);
        let weight = times(i64::from(ONE), left);
        self.change_backlog(facts, at.day, |backlog| backlog.without(weight));
    }

    fn change_backlog(&mut self, facts: &Facts, day: i32, change: impl FnOnce(Sum) -> Sum) {
        let backlog = self.effects.on(BACKLOG, facts.node, day, BACKLOG_HALF_DAYS);
        self.effects.put(BACKLOG, facts.node, change(backlog), BACKLOG_HALF_DAYS);
    }

    /// Odd times (handed over before it was bought) are not learned from.
    fn learn_part(
        &mut self,
        stages: &[Stage],
        facts: &Facts,
        placed: Moment,
        (from, to): (Moment, Moment),
    ) {
        if to.ms >= from.ms {
            let ms = to.ms.saturating_sub(from.ms).saturating_add(HALF_DAY_MS);
            let took = log2(ms as u64);
            self.effects.learn(stages, facts, placed, took - log2(DAY_MS as u64), to.day);
        }
    }

    /// The day of a promise ended without a delivery.
    pub(super) fn overdue(&mut self, look: Look, counted: &mut Counted) {
        self.track(look).feedback.overdue(counted);
    }

    /// An order is not waited for any longer (`is_lost`), or was called off.
    pub(super) fn given_up(&mut self, look: Look, counted: &mut Counted, is_lost: bool) {
        self.track(look).feedback.given_up(counted, is_lost);
    }

    fn track(&mut self, look: Look) -> &mut Track {
        match look {
            Look::First => &mut self.first,
            Look::Second => &mut self.second,
        }
    }
}

/// A part's milliseconds of its logarithm, which is that of days: what is unknown takes a day.
fn part_ms(told: i32) -> u64 {
    exp2(told.saturating_add(log2(DAY_MS as u64)), 0).min(1 << 40)
}

/// Orders placed and delivered of late. Where more are placed than delivered, queues grow.
#[derive(Debug, Default)]
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
