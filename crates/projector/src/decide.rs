//! What would be decided about an order, before anything happens.

use std::sync::Arc;

use omnifold_domain::fold::{Context, fold};
use omnifold_domain::{Decision, Refusal, View as _, Work, rules};
use omnifold_events::v1::{self, Cause};
use omnifold_events::{Event, Output as _};
use omnifold_log::Log;
use omnifold_routing::{Router, Turn};
use omnifold_state::Store;
use serde_json::json;

use crate::error::ProjectorError;
use crate::follower::{Follower, How};
use crate::machine::{Machine, reading};
use crate::mark::Standing;
use crate::market::open_backend;
use crate::options::Options;
use crate::query::{Answer, QueryError, decision_body};
use crate::recorded::Tail;

/// An order that was not placed, and the policy that would rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Supposed {
    /// The document; `None`: the policy in force.
    pub policy: Option<String>,
    /// The order.
    pub order: v1::OrderPlaced,
}

/// Decides about an order on the state as it stands, and takes it all back: nothing is published or
/// stored. The answer has the form of the decisions of an order.
pub fn decide(
    log: Arc<dyn Log>,
    market: &str,
    options: Options,
    supposed: &Supposed,
) -> Result<Result<Answer, QueryError>, ProjectorError> {
    let backend = open_backend(market, &options)?;
    let mut follower = Follower::open(&log, market, &options, backend)?;
    follower.catch_up(How::Follow, Tail::Settled)?;
    let answered = reading(|| answer(&mut follower, supposed));
    follower.checkpointer.wait(&mut follower.machine.store)?;
    Ok(answered.unwrap_or_else(|error| Err(QueryError::Failed(error.to_string()))))
}

fn answer(follower: &mut Follower, supposed: &Supposed) -> Result<Answer, QueryError> {
    let machine = &mut follower.machine;
    machine.store.begin_step();
    let decided = decisions(machine, supposed, 0);
    machine.store.roll_back();
    let decided = decided.map_err(|refusal| QueryError::Failed(refusal.to_string()))?;
    let bodies: Vec<_> = decided
        .iter()
        .map(|decision| {
            let name = match decision {
                Decision::Assigned(_) => v1::FulfilmentAssigned::TYPE,
                _ => v1::OrderOutcome::TYPE,
            };
            let name = name.trim_start_matches("omnifold.v1.");
            decision_body(&machine.store, name, 0, decision)
        })
        .collect();
    let order = format!("{}/{}", supposed.order.channel, supposed.order.order_id);
    let body = json!({ "order": order, "decisions": bodies });
    Ok(Answer { position: Standing::of(&follower.head.body), body })
}

/// What folding the events would have the router decide, at an instant that is not behind the clock.
pub(crate) fn decisions(
    machine: &mut Machine,
    supposed: &Supposed,
    at_ms: i64,
) -> Result<Vec<Decision>, Refusal> {
    let moment = (machine.steps + 1, machine.clock_ms.max(at_ms));
    if let Some(document) = &supposed.policy {
        let activated =
            v1::PolicyActivated { document: document.clone(), ..v1::PolicyActivated::default() };
        tell(&mut machine.store, moment, &Event::from(activated))?;
    }
    tell(&mut machine.store, moment, &Event::from(supposed.order.clone()))
}

/// Folds an event and decides about the orders that it has routed; what waits is not served. The
/// decisions are not folded.
pub(crate) fn tell(
    store: &mut Store,
    (step, now_ms): (u64, i64),
    event: &Event,
) -> Result<Vec<Decision>, Refusal> {
    let context = Context { step, time_ms: now_ms, now_ms, known_rules: rules::KNOWN };
    let mut work = Vec::new();
    fold(store, context, event, &mut work)?;
    let version = store.settings().map_or(1, |settings| settings.rules_version);
    let Some(rules) = rules::find(rules::KNOWN, version) else { return Ok(Vec::new()) };
    let turn = Turn { step, timer: 0, now_ms, rules, cause: Cause::Placed };
    let mut decided = Vec::new();
    for work in work {
        if let Work::Route { order, .. } = work {
            decided.extend(Router::default().route(store, turn, order));
        }
    }
    Ok(decided)
}
