//! Whether an order is routed when it comes, at a time before the day it is wanted, or with the next wave.

use omnifold_domain::policy::{Rule, Schedule};
use omnifold_domain::{Order, View};
use omnifold_events::v1::Cause;

use super::facts::{Asked, service_of};
use super::known::Known;
use crate::decide::{Router, Turn, is_asked};

/// Until when an order is not routed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// The next wave.
    Wave,
    /// An instant, milliseconds since the Unix epoch.
    Time(i64),
}

impl Until {
    /// Whether the order is put off until then already.
    pub fn stands(self, order: &Order) -> bool {
        match self {
            Until::Wave => order.awaits_wave(),
            Until::Time(at_ms) => order.deferred_until() == Some(at_ms),
        }
    }
}

const DAY_MS: i64 = 86_400_000;

impl Router {
    /// Until when the order is put off, where the first rule that takes it says so. What was in a wave
    /// once is routed at once from then on.
    pub(crate) fn put_off<V: View>(
        &mut self,
        view: &mut V,
        turn: Turn,
        order: &Order,
    ) -> Option<Until> {
        let settings = view.settings().expect("a market with orders has settings");
        let policy = settings.policy.as_deref().filter(|policy| policy.rules_at(turn.now_ms));
        let policy = policy.filter(|policy| policy.has_waves)?;
        let may_wait = turn.cause != Cause::WaveClosed && is_asked(turn.cause);
        if !may_wait || order.is_pickup() || !order.fulfilments.is_empty() {
            return None;
        }
        let compiled = self.compiled(view, policy);
        let (service, groups, now_ms) = (service_of(order), &compiled.groups[..], turn.now_ms);
        let known = &Known::default();
        let asked = Asked { view: &*view, order, service: &service, groups, now_ms, known };
        let first = compiled.rules.iter().find(|rule| self.takes(rule, asked));
        let until = first.and_then(|rule| until(&*view, &rule.rule, order, now_ms));
        self.desk.compiled = Some(compiled);
        until
    }
}

fn until<V: View>(view: &V, rule: &Rule, order: &Order, now_ms: i64) -> Option<Until> {
    let wanted = order.requested_day().filter(|_| rule.days_ahead > 0);
    let first_day = wanted.map(|day| day.saturating_sub_unsigned(rule.days_ahead));
    let at_ms = first_day.map(|day| start_of(view, day)).filter(|at_ms| *at_ms > now_ms);
    let wave = (rule.schedule == Schedule::Wave).then_some(Until::Wave);
    at_ms.map(Until::Time).or(wave)
}

/// When a day begins where the market promises; else in UTC.
fn start_of<V: View>(view: &V, day: i32) -> i64 {
    let rules = view.settings().and_then(|settings| settings.promise.as_deref());
    let utc = i64::from(day) * DAY_MS;
    rules.map_or(utc, |rules| rules.end_of(day.saturating_sub(1)))
}
