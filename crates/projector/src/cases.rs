//! A policy's own cases, each decided by the engine on a market of its own in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use omnifold_domain::policy::{Case, CaseFault, CaseStatus, Expected, PolicyFault, Shelf};
use omnifold_domain::{Decision, Policy, decision};
use omnifold_events::Event;
use omnifold_events::v1::{OrderOutcome, OutcomeStatus};
use omnifold_state::{MemoryBackend, Store};

use crate::decide::tell;
use crate::error::ProjectorError;

/// What does not hold of the cases of a policy, each with its place in the document.
pub fn failed_cases(document: &str, policy: &Policy) -> Result<Vec<PolicyFault>, ProjectorError> {
    let mut faults = Vec::new();
    for case in &policy.cases {
        let told = |fault: CaseFault| {
            let what = format!("case `{}`: {}", case.get_ref().name, fault.what);
            PolicyFault::at(document, fault.offset, what)
        };
        let offset = case.span().start;
        faults.extend(fault_of(case.get_ref(), policy, offset)?.map(told));
    }
    Ok(faults)
}

/// Rows of a market of a few nodes need no more.
const CACHE_BYTES: usize = 8 << 20;

/// `offset`: of the case, for what has no nearer place.
fn fault_of(
    case: &Case,
    policy: &Policy,
    offset: usize,
) -> Result<Option<CaseFault>, ProjectorError> {
    let (events, now_ms) = match case.events(policy).and_then(|it| Ok((it, case.now_ms()?))) {
        Ok(found) => found,
        Err(fault) => return Ok(Some(fault)),
    };
    let mut store = Store::open(Arc::new(MemoryBackend::default()), CACHE_BYTES)?;
    let mut decisions = Vec::new();
    for (event, step) in events.iter().zip(1..) {
        match played(&mut store, (step, now_ms), event) {
            Ok(decided) => decisions = decided,
            Err(what) => return Ok(Some(CaseFault { offset, what })),
        }
    }
    let expected = case.expect.get_ref();
    let offset = case.expect.span().start;
    Ok(difference(expected, &decisions).map(|what| CaseFault { offset, what }))
}

/// Folds an event and what is decided about it.
fn played(store: &mut Store, moment: (u64, i64), event: &Event) -> Result<Vec<Decision>, String> {
    store.begin_step();
    let decided = tell(store, moment, event).map_err(|refusal| refusal.to_string())?;
    let mut ignored = Vec::new();
    for decision in &decided {
        decision::fold(store, decision, &mut ignored).map_err(|error| error.to_string())?;
    }
    Ok(decided)
}

/// What is otherwise than expected.
fn difference(expected: &Expected, decisions: &[Decision]) -> Option<String> {
    let outcome = decisions.iter().find_map(outcome_of);
    let explained = outcome.and_then(|outcome| outcome.explanation.as_ref()?.policy.as_ref());
    let passed_over = explained.map_or(&[][..], |policy| policy.passed_over.as_slice());
    let because = match passed_over {
        [] => String::new(),
        passed => format!("; passed over {}", passed.join("; ")),
    };
    let plan = plan_of(decisions);
    if let Some(wanted) = expected.plan.as_ref().filter(|wanted| **wanted != plan) {
        let (wanted, plan) = (words(wanted), words(&plan));
        return Some(format!("expected {wanted}, decided {plan}{because}"));
    }
    let rule = explained.map_or("", |policy| policy.rule.as_str());
    if let Some(wanted) = expected.rule.as_ref().filter(|wanted| *wanted != rule) {
        let named = |rule: &str| if rule.is_empty() { "none".into() } else { format!("`{rule}`") };
        let (wanted, rule) = (named(wanted), named(rule));
        return Some(format!("expected rule {wanted}, decided by {rule}{because}"));
    }
    let moves = moves_of(outcome);
    if let Some(wanted) = expected.moves.as_ref().filter(|wanted| **wanted != moves) {
        let (wanted, moves) = (words(wanted), words(&moves));
        return Some(format!("expected to be moved from {wanted}, suggested {moves}{because}"));
    }
    let status = outcome.map(OrderOutcome::status).unwrap_or_default();
    let wanted = expected.status.map(status_of).filter(|wanted| *wanted != status)?;
    let name = |status: OutcomeStatus| {
        status.as_str_name().trim_start_matches("OUTCOME_STATUS_").to_lowercase()
    };
    Some(format!("expected {}, decided {}{because}", name(wanted), name(status)))
}

fn outcome_of(decision: &Decision) -> Option<&OrderOutcome> {
    match decision {
        Decision::Outcome(outcome) => Some(outcome),
        Decision::Assigned(assigned) => assigned.outcome.as_ref(),
        _ => None,
    }
}

/// Whole units by node and SKU.
fn plan_of(decisions: &[Decision]) -> Shelf {
    let mut plan = Shelf::new();
    for decision in decisions {
        let Decision::Assigned(assigned) = decision else { continue };
        let skus: &mut BTreeMap<String, u32> = plan.entry(assigned.node_id.clone()).or_default();
        for line in &assigned.lines {
            let units = u32::try_from(line.quantity_milli / 1_000).unwrap_or(u32::MAX);
            *skus.entry(line.sku.clone()).or_default() += units;
        }
    }
    plan
}

/// Whole units that are suggested to be moved, by the node that has them and SKU.
fn moves_of(outcome: Option<&OrderOutcome>) -> Shelf {
    let mut moves = Shelf::new();
    let told = outcome.and_then(|outcome| outcome.transfers.as_deref());
    for row in told.map_or(&[][..], |plan| plan.moves.as_slice()) {
        let skus: &mut BTreeMap<String, u32> = moves.entry(row.from_node_id.clone()).or_default();
        let units = u32::try_from(row.quantity_milli / 1_000).unwrap_or(u32::MAX);
        *skus.entry(row.sku.clone()).or_default() += units;
    }
    moves
}

fn status_of(status: CaseStatus) -> OutcomeStatus {
    match status {
        CaseStatus::Assigned => OutcomeStatus::Assigned,
        CaseStatus::PartlyAssigned => OutcomeStatus::PartlyAssigned,
        CaseStatus::Waiting => OutcomeStatus::Waiting,
        CaseStatus::Refused => OutcomeStatus::Refused,
        CaseStatus::Held => OutcomeStatus::Held,
        CaseStatus::Scheduled => OutcomeStatus::Scheduled,
    }
}

/// `W S:3 T:1, Near S:8`.
fn words(plan: &Shelf) -> String {
    let node = |(node, skus): (&String, &BTreeMap<String, u32>)| {
        let units: String = skus.iter().map(|(sku, units)| format!(" {sku}:{units}")).collect();
        format!("{node}{units}")
    };
    let nodes: Vec<String> = plan.iter().map(node).collect();
    if nodes.is_empty() { "nobody".to_owned() } else { nodes.join(", ") }
}
