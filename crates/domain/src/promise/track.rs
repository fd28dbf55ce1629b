//! One kind of promise: from purchase to delivery, or what remains from hand-over.
//!
//! A duration of whole delivery days is predicted as `centre + spread x score` of its logarithm: the centre
//! is what its stages, its node's backlog and the load tell; the spread how far off such orders
//! usually are; the score a quantile of how far off, in spreads, past predictions were.

use serde::{Deserialize, Serialize};

use super::effects::{self, Room, Stage};
use super::facts::{Facts, Moment};
use super::feedback::{Counted, Feedback};
use super::fixed::{ONE, clamp, exp2, log2, product};
use super::memory::{Learned, Learning};
use super::scores::{Bins, Scores};
use super::slope::Slope;
use super::{Promised, Settings, Spending};

pub(super) const DAY_MS: i64 = 86_400_000;

/// Delivery days added to a duration before its logarithm is taken: short ones vary by days, long ones
/// by shares of themselves.
const OFFSET_DAYS: u64 = 4;

/// Deliveries, and days since the first order, after which an order's miss says how well it was
/// predicted. Those before say only how little was known: first nothing, then only the quick ones,
/// while the slow ones were still on the way.
const WARM: u32 = 50;
const WARM_DAYS: i32 = 60;

/// No promise is longer, ten years.
const MOST_DAYS: u64 = 3_660;

/// Added to a miss before its logarithm is taken, 0.07 of a doubling: a hit is not infinitely good.
const LEAST_MISS: u64 = 4_727;

/// At which a slope believes in itself by half: of the load, and of a node's backlog.
const SHRINK_SLOPES: [i64; 2] = [5, 20];

/// Which stages a track is made of.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) centre: &'static [Stage],
    /// The first tells how far off all are; the others how much more or less such orders.
    pub(super) spread: &'static [Stage],
    pub(super) bins: Bins,
}

/// What was known when a promise was made, kept until its outcome is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Issued {
    pub(super) from: Moment,
    /// Logarithm of the days (and [`OFFSET_DAYS`]) that the parts came to, before the stages.
    base: i32,
    centre: i32,
    spread: i32,
    loads: [i32; 2],
    is_warm: bool,
    pub(super) promised: Option<Promised>,
    pub(super) counted: Counted,
}

impl Issued {
    /// Logarithm of the days (and [`OFFSET_DAYS`]) at a score.
    fn at(&self, score: i32) -> i32 {
        clamp(i64::from(self.centre) + i64::from(product(score, self.spread())))
    }

    fn days_at(&self, score: i32) -> i32 {
        let days = exp2(self.at(score), 0) / DAY_MS as u64;
        days.saturating_sub(OFFSET_DAYS).min(MOST_DAYS) as i32
    }

    /// How many spreads a miss is.
    fn score(&self, miss: i32) -> i32 {
        clamp((i64::from(miss) << 16) / i64::from(self.spread()))
    }

    /// The spread itself, in 1/65536; at least a sixteenth, at most sixteen.
    fn spread(&self) -> i32 {
        exp2(self.spread.clamp(-4 * ONE, 4 * ONE), 16) as i32
    }
}

/// The running mean of the logarithm of what orders' risk costs in days, over some 500 orders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Effort {
    /// In 1/2^24.
    mean: i64,
    orders: i64,
}

impl Effort {
    fn mean(&self) -> i64 {
        self.mean >> 8
    }

    fn follow(&mut self, effort: i32) {
        self.orders = (self.orders + 1).min(512);
        self.mean += ((i64::from(effort) << 8) - self.mean) / self.orders;
    }
}

/// What one kind of promise has learned, its sums and bins excepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Track {
    slopes: [Slope; 2],
    scores: Scores,
    /// Deliveries, counted up to [`WARM`].
    delivered: u32,
    first_day: Option<i32>,
    effort: Effort,
    pub(super) feedback: Feedback,
}

/// What is known of an order at a look.
pub(super) struct Seen<'a> {
    pub(super) facts: &'a Facts,
    pub(super) placed: Moment,
    pub(super) from: Moment,
    /// What its parts usually take together.
    pub(super) parts_ms: u64,
    pub(super) loads: [i32; 2],
}

impl Track {
    /// What is promised for an order whose parts take so long, from a moment on.
    pub(super) fn promise<M: Learned>(
        &self,
        memory: &M,
        plan: &Plan,
        settings: &Settings,
        seen: &Seen<'_>,
    ) -> Issued {
        let &Seen { facts, placed, from, parts_ms, loads } = seen;
        let base = log2(parts_ms.saturating_add((OFFSET_DAYS - 1) * DAY_MS as u64));
        let stages = effects::tell(memory, plan.centre, facts, placed, from.day);
        let told = self.slopes.iter().zip(SHRINK_SLOPES).zip(loads);
        let told = told.map(|((slope, shrink), load)| i64::from(slope.tell(load, shrink)));
        let slopes: i64 = told.sum();
        let centre = clamp(i64::from(base) + i64::from(stages) + slopes);
        let spread = effects::tell(memory, &plan.spread[1..], facts, placed, from.day);
        let days = from.day.saturating_sub(self.first_day.unwrap_or(from.day));
        let is_warm = self.delivered >= WARM && days >= WARM_DAYS;
        let (promised, counted) = (None, Counted::No);
        let mut issued = Issued { from, base, centre, spread, loads, is_warm, promised, counted };
        issued.promised = self.interval(memory, plan.bins, settings, &issued);
        issued
    }

    fn interval<M: Learned>(
        &self,
        memory: &M,
        bins: Bins,
        settings: &Settings,
        issued: &Issued,
    ) -> Option<Promised> {
        let day = issued.from.day;
        let tilt = match settings.spending {
            Spending::Even => 0,
            Spending::Thrifty => {
                let effort = self.effort_of(memory, bins, settings, issued)?;
                clamp(i64::from(effort) - self.effort.mean())
            }
        };
        let aim_ppm = self.feedback.aim_ppm(settings.late_ppm, tilt);
        let upper = self.scores.upper(memory, bins, aim_ppm, day)?;
        let lower = self.scores.lower(memory, bins, settings.early_ppm)?;
        let days = memory.delivery_days();
        let latest_day = days.after(day, issued.days_at(upper));
        let earliest_day = days.after(day, issued.days_at(lower)).min(latest_day);
        Some(Promised { earliest_day, latest_day })
    }

    /// What is promised of an order that has not come by the start of a day: the stated rate holds
    /// among those that took as long. `None` where too few ever did.
    pub(super) fn still_to_come<M: Learned>(
        &self,
        memory: &M,
        bins: Bins,
        settings: &Settings,
        (issued, today): (&Issued, i32),
    ) -> Option<Promised> {
        let days = memory.delivery_days();
        let taken = days.taken(issued.from.day, today);
        let score = issued.score(took(taken).saturating_sub(issued.centre));
        let stated = (settings.late_ppm, today);
        let upper = self.scores.upper_beyond(memory, bins, score, stated)?;
        let latest_day = days.after(issued.from.day, issued.days_at(upper)).max(today);
        Some(Promised { earliest_day: today, latest_day })
    }

    /// Logarithm of the days that halving an order's risk costs, but for a constant: what a day
    /// less saves in lateness is least where this is most.
    fn effort_of<M: Learned>(
        &self,
        memory: &M,
        bins: Bins,
        settings: &Settings,
        issued: &Issued,
    ) -> Option<i32> {
        let upper = self.scores.upper(memory, bins, settings.late_ppm, issued.from.day)?;
        Some(clamp(i64::from(issued.at(upper)) + i64::from(issued.spread)))
    }

    /// A promise was given: the running mean of what such promises cost follows.
    pub(super) fn given<M: Learned>(
        &mut self,
        memory: &M,
        plan: &Plan,
        settings: &Settings,
        issued: &Issued,
    ) {
        self.first_day.get_or_insert(issued.from.day);
        if let Some(effort) = self.effort_of(memory, plan.bins, settings, issued) {
            self.effort.follow(effort);
        }
    }

    /// Learns how long it took.
    pub(super) fn learn<M: Learning>(
        &mut self,
        (memory, room): (&mut M, &mut Room),
        plan: &Plan,
        of: (&Facts, Moment),
        issued: &Issued,
        (delivered, late_ppm): (Moment, u32),
    ) {
        let day = delivered.day;
        let took = took(memory.delivery_days().taken(issued.from.day, day));
        self.delivered = (self.delivered + 1).min(WARM);
        if issued.is_warm {
            let miss = took - issued.centre;
            self.scores.add(memory, plan.bins, issued.score(miss), day);
            let size = log2(u64::from(miss.unsigned_abs()) + LEAST_MISS) - log2(ONE as u64);
            effects::learn(memory, room, plan.spread, of, (size, day));
        }
        let stages = (took - issued.base, day);
        let mut rest = effects::learn(memory, room, plan.centre, of, stages);
        for ((slope, shrink), load) in self.slopes.iter_mut().zip(SHRINK_SLOPES).zip(issued.loads) {
            let known = slope.tell(load, shrink);
            slope.learn(load, rest, day);
            rest -= known;
        }
        self.count(issued, delivered, late_ppm);
    }

    fn count(&mut self, issued: &Issued, delivered: Moment, late_ppm: u32) {
        match issued.promised {
            Some(promised) if delivered.day > promised.latest_day => {
                self.feedback.arrived_late(late_ppm, issued.counted);
            }
            Some(_) => self.feedback.in_time(late_ppm),
            None => {}
        }
    }
}

/// Logarithm of a duration of whole delivery days (and [`OFFSET_DAYS`]).
fn took(days: i32) -> i32 {
    log2((days as u64 + OFFSET_DAYS) * DAY_MS as u64)
}
