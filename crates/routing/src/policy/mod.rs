//! Orders routed by the policy in force.
//!
//! The rules that take an order are tried one after the other, the more specific first. A rule
//! filters the nodes (`filter`), ranks them (`rank`) and combines them (`attempt`, `least_cost`); the
//! first whose plan keeps to it decides. What was tried and why it was passed over is kept with
//! the decision.
//!
//! The document is compiled once (`compile`), and what depends on nodes only is worked out when the
//! network changes. Pick-up orders are not routed by policies: their node is chosen (rule R10).

mod attempt;
mod compile;
mod facts;
mod filter;
mod known;
mod least_cost;
mod model;
mod rank;
mod schedule;
mod shelf_life;
mod transfers;

use omnifold_domain::{ActivePolicy, View};
use omnifold_events::v1::PolicyExplanation;

use crate::decide::{Plan, Router, Task};
use crate::solver::{Problem, Solver};
use compile::Compiled;
use known::Known;
pub(crate) use known::day_there;
pub(crate) use least_cost::{forbid_unserved, price_by_weight};
pub(crate) use model::{Model, SHIPMENT};
pub(crate) use schedule::Until;

/// What routing by policies keeps from order to order: nothing that a decision depends on.
#[derive(Default)]
pub(crate) struct Desk {
    compiled: Option<Box<Compiled>>,
    problem: Problem,
    solver: Solver,
    /// First ranker's number of each node; 0 where it says nothing.
    scores: Vec<i64>,
    known: Known,
}

/// A plan, and whether what it leaves uncovered waits.
pub(crate) type Ruled = (Plan, bool);

impl Router {
    /// The plan of the policy in force, or of the market's settings where none is.
    pub(crate) fn plan_ruled<V: View>(&mut self, view: &mut V, task: Task<'_>) -> Ruled {
        let Task { turn, order, .. } = task;
        let settings = view.settings().expect("a market with orders has settings");
        let wait = settings.wait && !order.is_supplied_by_its_node(); // rule R10: served whole or refused
        let policy = settings.policy.as_deref().filter(|policy| policy.rules_at(turn.now_ms));
        let Some(policy) = policy.filter(|_| !order.is_pickup()) else {
            return (self.plan(view, task), wait);
        };
        let compiled = self.compiled(view, policy);
        let ruled = self.plan_by(&compiled, view, task);
        self.desk.compiled = Some(compiled);
        ruled.unwrap_or_else(|| {
            let mut plan = self.plan(view, task);
            if let Some(explanation) = &mut plan.explanation {
                explanation.policy = Some(Box::<PolicyExplanation>::default());
            }
            (plan, wait)
        })
    }

    /// The policy made ready; whoever takes it puts it back.
    fn compiled<V: View>(&mut self, view: &V, policy: &ActivePolicy) -> Box<Compiled> {
        let known = self.desk.compiled.take().filter(|known| known.hash == policy.hash);
        let mut compiled = known.unwrap_or_else(|| Box::new(Compiled::of(policy)));
        compiled.prepare(view);
        compiled
    }
}
