//! One kind of promise: from purchase to delivery, or what remains from hand-over.
//!
//! A duration of whole days is predicted as `centre + spread x score` of its logarithm: the centre
//! is what its stages, its node's backlog and the load tell; the spread how far off such orders
//! usually are; the score a quantile of how far off, in spreads, past predictions were.

use super::effects::{Effects, Stage};
use super::facts::{Facts, Moment};
use super::feedback::{Counted, Feedback};
use super::fixed::{ONE, clamp, exp2, log2, product};
use super::scores::Scores;
use super::slope::Slope;
use super::{Promised, Settings, Spending};

pub(super) const DAY_MS: i64 = 86_400_000;

/// Days added to a duration before its logarithm is taken: short ones vary by days, long ones by
/// shares of themselves.
const OFFSET_DAYS: u64 = 5;

/// Deliveries, and days since the first order, after which an order's miss says how well it was
/// predicted. Those before say only how little was known: first nothing, then only the quick ones,
/// while the slow ones were still on the way.
const WARM: u32 = 50;
const WARM_DAYS: i32 = 60;

/// No promise is longer, ten years.
const MOST_DAYS: u64 = 3_660;

/// Added to a miss before its logarithm is taken, 0.07 of a doubling: a hit is not infinitely good.
const LEAST_MISS: u64 = 4_727;

/// Which stages a track is made of.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) centre: &'static [Stage],
    /// The first tells how far off all are; the others how much more or less such orders.
    pub(super) spread: &'static [Stage],
    /// Days after which a score counts half.
    pub(super) score_half_days: i32,
}

/// What was known when a promise was made, kept until its outcome is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Default)]
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

/// One kind of promise and what it has learned.
#[derive(Debug)]
pub(super) struct Track {
    plan: Plan,
    slopes: [Slope; 2],
    scores: Scores,
    /// Deliveries, counted up to [`WARM`].
    delivered: u32,
    first_day: Option<i32>,
    effort: Effort,
    pub(super) feedback: Feedback,
}

impl Track {
    /// A track that has learned nothing.
    pub(super) fn new(plan: Plan, settings: &Settings) -> Self {
        Track {
            slopes: [Slope::new(5), Slope::new(20)],
            scores: Scores::new(plan.score_half_days),
            delivered: 0,
            first_day: None,
            effort: Effort::default(),
            feedback: Feedback::new(settings.late_ppm),
            plan,
        }
    }

    /// What is promised for an order whose parts take so long, from a moment on.
    pub(super) fn promise(
        &self,
        effects: &Effects,
        settings: &Settings,
        facts: &Facts,
        (placed, from): (Moment, Moment),
        parts_ms: u64,
        loads: [i32; 2],
    ) -> Issued {
        let base = log2(parts_ms.saturating_add((OFFSET_DAYS - 1) * DAY_MS as u64));
        let stages = effects.tell(self.plan.centre, facts, placed, from.day);
        let slopes: i64 =
            self.slopes.iter().zip(loads).map(|(slope, load)| i64::from(slope.tell(load))).sum();
        let centre = clamp(i64::from(base) + i64::from(stages) + slopes);
        let spread = effects.tell(&self.plan.spread[1..], facts, placed, from.day);
        let days = from.day.saturating_sub(self.first_day.unwrap_or(from.day));
        let is_warm = self.delivered >= WARM && days >= WARM_DAYS;
        let (promised, counted) = (None, Counted::No);
        let mut issued = Issued { from, base, centre, spread, loads, is_warm, promised, counted };
        issued.promised = self.interval(settings, &issued);
        issued
    }

    fn interval(&self, settings: &Settings, issued: &Issued) -> Option<Promised> {
        let day = issued.from.day;
        let tilt = match settings.spending {
            Spending::Even => 0,
            Spending::Thrifty => {
                clamp(i64::from(self.effort_of(settings, issued)?) - self.effort.mean())
            }
        };
        let upper = self.scores.upper(self.feedback.aim_ppm(tilt), day)?;
        let lower = self.scores.lower(settings.early_ppm)?;
        let latest_day = day.saturating_add(issued.days_at(upper));
        let earliest_day = day.saturating_add(issued.days_at(lower)).min(latest_day);
        Some(Promised { earliest_day, latest_day })
    }

    /// Logarithm of the days that halving an order's risk costs, but for a constant: what a day
    /// less saves in lateness is least where this is most.
    fn effort_of(&self, settings: &Settings, issued: &Issued) -> Option<i32> {
        let upper = self.scores.upper(settings.late_ppm, issued.from.day)?;
        Some(clamp(i64::from(issued.at(upper)) + i64::from(issued.spread)))
    }

    /// A promise was given: the running mean of what such promises cost follows.
    pub(super) fn given(&mut self, settings: &Settings, issued: &Issued) {
        self.first_day.get_or_insert(issued.from.day);
        if let Some(effort) = self.effort_of(settings, issued) {
            self.effort.follow(effort);
        }
    }

    /// Learns how long it took.
    pub(super) fn learn(
        &mut self,
        effects: &mut Effects,
        facts: &Facts,
        placed: Moment,
        issued: &Issued,
        delivered: Moment,
    ) {
        let (day, days) = (delivered.day, delivered.day.saturating_sub(issued.from.day).max(0));
        let took = log2((days as u64 + OFFSET_DAYS) * DAY_MS as u64);
        self.delivered = (self.delivered + 1).min(WARM);
        if issued.is_warm {
            let miss = took - issued.centre;
            self.scores.add(issued.score(miss), day);
            let size = log2(u64::from(miss.unsigned_abs()) + LEAST_MISS) - log2(ONE as u64);
            effects.learn(self.plan.spread, facts, placed, size, day);
        }
        let mut rest = effects.learn(self.plan.centre, facts, placed, took - issued.base, day);
        for (slope, load) in self.slopes.iter_mut().zip(issued.loads) {
            let known = slope.tell(load);
            slope.learn(load, rest, day);
            rest -= known;
        }
        self.count(issued, delivered);
    }

    fn count(&mut self, issued: &Issued, delivered: Moment) {
        match issued.promised {
            Some(promised) if delivered.day > promised.latest_day => {
                self.feedback.arrived_late(issued.counted);
            }
            Some(_) => self.feedback.in_time(),
            None => {}
        }
    }
}
