//! Whether an order is routed when it comes or with the next wave.

use omnifold_domain::policy::Schedule;
use omnifold_domain::{Order, View};
use omnifold_events::v1::Cause;

use super::facts::{Asked, service_of};
use super::known::Known;
use crate::decide::{Router, Turn, is_asked};

impl Router {
    /// Whether the order waits for the next wave: the first rule that takes it says so. What was in a
    /// wave once is routed at once from then on.
    pub(crate) fn goes_with_a_wave<V: View>(
        &mut self,
        view: &mut V,
        turn: Turn,
        order: &Order,
    ) -> bool {
        let settings = view.settings().expect("a market with orders has settings");
        let policy = settings.policy.as_deref().filter(|policy| policy.rules_at(turn.now_ms));
        let Some(policy) = policy.filter(|policy| policy.has_waves) else { return false };
        let may_wait = turn.cause != Cause::WaveClosed && is_asked(turn.cause);
        if !may_wait || order.is_pickup() || !order.fulfilments.is_empty() {
            return false;
        }
        let compiled = self.compiled(view, policy);
        let (service, groups, now_ms) = (service_of(order), &compiled.groups[..], turn.now_ms);
        let known = &Known::default();
        let asked = Asked { view: &*view, order, service: &service, groups, now_ms, known };
        let first = compiled.rules.iter().find(|rule| self.takes(rule, asked));
        let waits = first.is_some_and(|rule| rule.rule.schedule == Schedule::Wave);
        self.desk.compiled = Some(compiled);
        waits
    }
}
