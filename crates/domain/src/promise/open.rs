//! One order that is waited for: what was promised, and what becomes of it.

use serde::{Deserialize, Serialize};

use super::facts::{Facts, Moment};
use super::feedback::Counted;
use super::learner::{self, Learner};
use super::memory::{Learned, Learning};
use super::track::Issued;
use super::{Look, Promised, Settings};

/// Days after its promise on which an order that has not come is taken for lost.
const LOST_AFTER_DAYS: i32 = 45;

/// Days after which an open order is forgotten, and its delivery not learned from.
const FORGOTTEN_AFTER_DAYS: i32 = 200;

/// An order that was placed with a node and has not come.
///
/// Everything is told in the order in which it happens, and a promise is made of what was told
/// before it: nothing else is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    facts: Facts,
    first: Issued,
    second: Option<Issued>,
    /// Other nodes have it than those that it was placed with: how long it took there tells nothing
    /// of the node that has it now.
    rerouted: bool,
}

/// What happens to an open order because days pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Overdue(Look),
    Lost(Look),
    Forgotten,
}

const LOOKS: [Look; 2] = [Look::First, Look::Second];

impl Open {
    /// An order was placed with a node, or with several.
    pub fn placed<M: Learning>(
        memory: &mut M,
        settings: Settings,
        facts: Facts,
        at: Moment,
    ) -> Self {
        let mut learner = Learner::of(memory, settings);
        let first = learner.placed(&facts, at);
        learner.done();
        Open { facts, first, second: None, rerouted: false }
    }

    /// The day on which it was placed with a node.
    pub fn placed_day(&self) -> i32 {
        self.first.from.day
    }

    /// What was promised then; `None` while too little was known.
    pub fn promised(&self) -> Option<Promised> {
        self.first.promised
    }

    /// Whether it was handed over.
    pub fn is_handed_over(&self) -> bool {
        self.second.is_some()
    }

    /// Other nodes have it now. What has left is not told anew.
    pub fn rerouted<M: Learning>(
        &mut self,
        memory: &mut M,
        settings: Settings,
        facts: Facts,
        at: Moment,
    ) {
        if self.second.is_some() {
            return;
        }
        if facts.node != self.facts.node {
            let mut learner = Learner::of(memory, settings);
            learner.left(&self.facts, self.first.from, at);
            // As old as it is: when it leaves, as much is taken off.
            learner.waits(&facts, self.first.from);
            learner.done();
            self.rerouted = true;
        }
        self.facts = facts;
    }

    /// It was handed to the carrier: the promise of what remains, dated from now. Only the first
    /// hand-over counts.
    pub fn handed_over<M: Learning>(
        &mut self,
        memory: &mut M,
        settings: Settings,
        at: Moment,
    ) -> Option<Promised> {
        if self.second.is_some() {
            return None;
        }
        let placed = self.first.from;
        let mut learner = Learner::of(memory, settings);
        learner.left(&self.facts, placed, at);
        if !self.rerouted {
            learner.learn_processing(&self.facts, placed, at);
        }
        let second = learner.handed_over(&self.facts, placed, at);
        learner.done();
        self.second = Some(second);
        second.promised
    }

    /// It was delivered.
    pub fn delivered<M: Learning>(&self, memory: &mut M, settings: Settings, at: Moment) {
        let mut learner = Learner::of(memory, settings);
        learner.delivered(&self.facts, &self.first, self.second.as_ref(), at);
        learner.done();
    }

    /// It was called off, or will not come: its promise counts for nothing. `None`: on the newest day
    /// that was told.
    pub fn cancelled<M: Learning>(
        &mut self,
        memory: &mut M,
        settings: Settings,
        at: Option<Moment>,
    ) {
        let day = learner::newest_day(memory);
        let at = at.unwrap_or(Moment { ms: 0, day });
        let mut learner = Learner::of(memory, settings);
        if self.second.is_none() {
            learner.left(&self.facts, self.first.from, at);
        }
        for look in LOOKS {
            if let Some(issued) = self.issued_mut(look) {
                learner.given_up(look, &mut issued.counted, false);
            }
        }
        learner.done();
    }

    /// What is promised of it where it has not come by the start of a day; `None` where too few
    /// orders ever took so long.
    pub fn still_to_come<M: Learned>(
        &self,
        memory: &M,
        settings: Settings,
        today: i32,
    ) -> Option<Promised> {
        let (look, issued) = match &self.second {
            Some(second) => (Look::Second, second),
            None => (Look::First, &self.first),
        };
        learner::still_to_come(memory, settings, look, (issued, today))
    }

    /// The day at whose end something becomes of it next.
    pub fn due_day(&self) -> i32 {
        self.next_due().0
    }

    fn next_due(&self) -> (i32, Due) {
        let forgotten = self.first.from.day.saturating_add(FORGOTTEN_AFTER_DAYS);
        let due = LOOKS.into_iter().filter_map(|look| {
            let issued = self.issued(look)?;
            let latest_day = issued.promised?.latest_day;
            match issued.counted {
                Counted::No => Some((latest_day, Due::Overdue(look))),
                Counted::InPart(_) => {
                    Some((latest_day.saturating_add(LOST_AFTER_DAYS), Due::Lost(look)))
                }
                Counted::GivenUp => None,
            }
        });
        due.fold((forgotten, Due::Forgotten), Ord::min)
    }

    /// The days before this one are over: what was due in them and is not there is late. False: it is
    /// not waited for any longer.
    pub fn advance<M: Learning>(&mut self, memory: &mut M, settings: Settings, today: i32) -> bool {
        let mut learner = Learner::of(memory, settings);
        let mut is_open = true;
        while is_open {
            let (day, due) = self.next_due();
            if day >= today {
                break;
            }
            is_open = self.fall_due(&mut learner, due);
        }
        learner.done();
        is_open
    }

    fn fall_due<M: Learning>(&mut self, learner: &mut Learner<'_, M>, due: Due) -> bool {
        let (look, is_lost) = match due {
            Due::Overdue(look) => (look, false),
            Due::Lost(look) => (look, true),
            Due::Forgotten => return false,
        };
        if let Some(issued) = self.issued_mut(look) {
            if is_lost {
                learner.given_up(look, &mut issued.counted, true);
            } else {
                learner.overdue(look, &mut issued.counted);
            }
        }
        true
    }

    fn issued(&self, look: Look) -> Option<&Issued> {
        match look {
            Look::First => Some(&self.first),
            Look::Second => self.second.as_ref(),
        }
    }

    fn issued_mut(&mut self, look: Look) -> Option<&mut Issued> {
        match look {
            Look::First => Some(&mut self.first),
            Look::Second => self.second.as_mut(),
        }
    }
}
