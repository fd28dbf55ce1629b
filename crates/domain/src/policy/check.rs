//! What a document must keep to beyond its form.

use std::collections::BTreeSet;

use omnifold_events::parse_time;
use toml::Spanned;

use super::expression::{Expression, Subject};
use super::read::At;
use super::{Area, By, Cost, Mode, NodeFilter, Policy, Ranker, Rule, Splits, Unserved, rates};
use crate::scorecard::FULL_SCORE;

/// Most rules of a policy, and rankers or terms of a rule.
const MAX_RULES: usize = 100;
const MAX_RANKERS: usize = 10;
/// Largest cost, in 1/1000 minor units, and largest weight: sums of a few hundred fit 60 bits.
pub(super) const MAX_COST: i64 = 1_000_000_000_000;
const MAX_WEIGHT: i32 = 1_000_000;
/// Longest time in hours: ten years.
const MAX_HOURS: u32 = 87_600;
/// Longest shelf life asked for: ten years.
const MAX_SHELF_DAYS: u32 = 3_653;
/// All of a markdown.
const FULL_MARKDOWN: i64 = 1_000;
/// Most weeks of sales: ten years of them.
const MAX_WEEKS: u32 = 520;

pub(super) fn check(document: &str, policy: &Policy) -> Result<(), At> {
    let top = |what: &str| Err(At { offset: 0, what: what.to_owned() });
    if policy.name.is_empty() || policy.name.len() > 128 {
        return top("`name` is empty or longer than 128 bytes");
    }
    if policy.version == 0 {
        return top("`version` counts from 1");
    }
    if policy.rules.is_empty() || policy.rules.len() > MAX_RULES {
        return top("a policy has 1 to 100 of `[[rule]]`");
    }
    check_times(policy)?;
    if let Some(cost) = &policy.cost {
        check_cost(policy, cost.get_ref(), cost.span().start)?;
    }
    for (place, by) in policy.serve_by.iter().enumerate() {
        if policy.serve_by[..place].iter().any(|before| before.get_ref() == by.get_ref()) {
            let what = "`serve_by` names it twice".to_owned();
            return Err(At { offset: by.span().start, what });
        }
    }
    for area in policy.areas.values().flatten() {
        if Area::parse(area.get_ref()).is_none() {
            let what = format!("`{}` is no area: `DE`, or `DE 10`", area.get_ref());
            return Err(At { offset: area.span().start, what });
        }
    }
    let mut names = BTreeSet::new();
    for rule in &policy.rules {
        let offset = rule.span().start;
        if !names.insert(&rule.get_ref().name) {
            let what = format!("there are two rules `{}`", rule.get_ref().name);
            return Err(At { offset, what });
        }
        check_rule(document, policy, rule.get_ref(), offset)?;
    }
    Ok(())
}

fn check_times(policy: &Policy) -> Result<(), At> {
    let instant = |time: &Option<Spanned<String>>| match time {
        None => Ok(None),
        Some(time) => parse_time(time.get_ref())
            .map(Some)
            .map_err(|error| At { offset: time.span().start, what: error.to_string() }),
    };
    let (from, until) = (instant(&policy.valid_from)?, instant(&policy.valid_until)?);
    match (from, until) {
        (Some(from), Some(until)) if until <= from => {
            let offset = policy.valid_until.as_ref().map_or(0, |time| time.span().start);
            Err(At { offset, what: "`valid_until` is not after `valid_from`".to_owned() })
        }
        _ => Ok(()),
    }
}

fn check_rule(document: &str, policy: &Policy, rule: &Rule, offset: usize) -> Result<(), At> {
    let fault = |what: &str| Err(At { offset, what: format!("rule `{}`: {what}", rule.name) });
    if rule.name.is_empty() || rule.name.len() > 128 {
        return fault("`name` is empty or longer than 128 bytes");
    }
    predicate(document, rule.when.as_ref(), |subject| subject == Subject::Order, "the order only")?;
    check_filter(document, policy, &rule.nodes, offset)?;
    if rule.rank.len() > MAX_RANKERS {
        return fault("more than 10 rankers");
    }
    for ranker in &rule.rank {
        if ranker.get_ref().weight.is_some() {
            let what = "`weight` is for the terms of a `sum`".to_owned();
            return Err(At { offset: ranker.span().start, what });
        }
        check_ranker(document, ranker.get_ref(), ranker.span().start)?;
    }
    check_asks_costs(policy, rule, offset)?;
    if rule.mode == Mode::PriorityFill && rule.split.allow == Splits::Line {
        return fault("`priority_fill` splits lines; use another mode");
    }
    let ends = rule.outcome.cancel_after_hours;
    if rule.nodes.cool_down_minutes > MAX_HOURS * 60 {
        return fault("`cool_down_minutes` is more than ten years");
    }
    if ends > MAX_HOURS || rule.nodes.begins_within_hours.is_some_and(|hours| hours > MAX_HOURS) {
        return fault("more than 87600 hours, which are ten years");
    }
    if rule.days_ahead > MAX_HOURS / 24 {
        return fault("`days_ahead` is more than ten years");
    }
    if ends > 0 && matches!(rule.outcome.none, Unserved::Refuse | Unserved::Hold) {
        return fault("`cancel_after_hours` is for what waits, and this `none` lets nothing wait");
    }
    if rule.split.min_shipment_value < 0 {
        return fault("`min_shipment_value` is negative");
    }
    Ok(())
}

/// A rule that looks at costs has some, and one that does not states none.
fn check_asks_costs(policy: &Policy, rule: &Rule, offset: usize) -> Result<(), At> {
    let fault = |offset: usize, what: &str| {
        Err(At { offset, what: format!("rule `{}`: {what}", rule.name) })
    };
    let has_none = policy.cost_of(rule).is_none();
    if has_none && rule.mode == Mode::LeastCost {
        return fault(offset, "`least_cost` needs `[rule.cost]`, or the policy's `[cost]`");
    }
    let ranker = rule.rank.iter().find(|ranker| ranker.get_ref().looks_at(By::LandedCost));
    if let Some(ranker) = ranker.filter(|_| has_none) {
        let what = "`landed_cost` needs `[rule.cost]`, or the policy's `[cost]`";
        return fault(ranker.span().start, what);
    }
    match &rule.cost {
        Some(_) if rule.mode != Mode::LeastCost && ranker.is_none() => {
            fault(offset, "`[rule.cost]` is for `least_cost` and the ranker `landed_cost`")
        }
        Some(cost) => check_cost(policy, cost, offset),
        None => Ok(()),
    }
}

fn check_filter(
    document: &str,
    policy: &Policy,
    nodes: &NodeFilter,
    offset: usize,
) -> Result<(), At> {
    for group in nodes.groups.iter().chain(&nodes.not_groups) {
        if !policy.groups.contains_key(group.get_ref()) {
            let what = format!("there is no group `{}` in `[groups]`", group.get_ref());
            return Err(At { offset: group.span().start, what });
        }
    }
    if nodes.min_score > FULL_SCORE {
        return Err(At { offset, what: "`min_score` is more than 1000 per mille".to_owned() });
    }
    if nodes.leave_weeks > MAX_WEEKS {
        return Err(At { offset, what: format!("`leave_weeks` is more than {MAX_WEEKS}") });
    }
    if nodes.min_shelf_days > MAX_SHELF_DAYS {
        return Err(At { offset, what: format!("`min_shelf_days` is more than {MAX_SHELF_DAYS}") });
    }
    if nodes.leave_percent > 100 {
        return Err(At { offset, what: "`leave_percent` is more than 100".to_owned() });
    }
    predicate(document, nodes.when.as_ref(), |_| true, "anything")
}

/// An expression, its place found in the document.
fn predicate(
    document: &str,
    text: Option<&Spanned<String>>,
    may: impl Fn(Subject) -> bool,
    what: &str,
) -> Result<(), At> {
    let Some(text) = text else { return Ok(()) };
    // Past the quotes: one, or three where the text goes over several lines.
    let quoted = &document[text.span()];
    let quotes = quoted.len() - quoted.trim_start_matches(['"', '\'']).len();
    let start = text.span().start + quotes.min(3);
    let expression = Expression::parse(text.get_ref())
        .map_err(|fault| At { offset: start + fault.at, what: fault.what })?;
    if may(expression.subject()) || expression.subject() == Subject::Order {
        return Ok(());
    }
    Err(At { offset: start, what: format!("this predicate may look at {what}") })
}

fn check_ranker(document: &str, ranker: &Ranker, offset: usize) -> Result<(), At> {
    let fault = |what: &str| Err(At { offset, what: what.to_owned() });
    let has_table = !ranker.table.is_empty();
    let needs_table = matches!(ranker.by, By::Table | By::Quota);
    if has_table != needs_table {
        return fault("`table` is for `table` and `quota`, which need it");
    }
    if ranker.by == By::Quota && ranker.table.values().any(|share| *share < 1) {
        return fault("a share is 1 or more");
    }
    if ranker.unit_m.is_some() && (ranker.by != By::Distance || ranker.unit_m == Some(0)) {
        return fault("`unit_m` is for `distance`, and 1 or more");
    }
    if ranker
        .weeks
        .is_some_and(|weeks| ranker.by != By::WeeksOfSupply || !(1..=MAX_WEEKS).contains(&weeks))
    {
        return fault("`weeks` is for `weeks_of_supply`, and 1 to 520");
    }
    if ranker.when.is_some() != (ranker.by == By::When) {
        return fault("`when` is for `when`, which needs it");
    }
    if ranker.terms.is_empty() == (ranker.by == By::Sum) {
        return fault("`terms` are for `sum`, which needs them");
    }
    if ranker.terms.len() > MAX_RANKERS {
        return fault("more than 10 terms");
    }
    for term in &ranker.terms {
        let weight = term.weight.unwrap_or(1);
        if term.by == By::Sum || !(-MAX_WEIGHT..=MAX_WEIGHT).contains(&weight) {
            return fault("a term is no `sum`, and its weight 1000000 at most");
        }
        check_ranker(document, term, offset)?;
    }
    predicate(document, ranker.when.as_ref(), |_| true, "anything")
}

fn check_cost(policy: &Policy, cost: &Cost, offset: usize) -> Result<(), At> {
    let fault = |what: String| Err(At { offset, what });
    let zones = || cost.zones.iter().map(|zone| zone.get_ref());
    let of_zones = zones().flat_map(|zone| [zone.unit.unwrap_or(0), zone.kg]);
    let one = [cost.shipment, cost.unit, cost.unit_km, cost.kg, cost.kg_km, cost.late_day];
    let all = one.into_iter();
    let mut all = all.chain(of_zones).chain(cost.shipment_of.values().copied());
    if let Some(bad) = all.find(|cost| !(0..=MAX_COST).contains(cost)) {
        return fault(format!("a cost of {bad} is not in 0 to {MAX_COST}"));
    }
    if !(0..=FULL_MARKDOWN).contains(&cost.markdown) {
        return fault("`markdown` is not in 0 to 1000 per mille".to_owned());
    }
    if let Some(group) = cost.shipment_of.keys().find(|group| !policy.groups.contains_key(*group)) {
        return fault(format!("there is no group `{group}` in `[groups]`"));
    }
    let reach = |zone: &super::Zone| zone.up_to_km.unwrap_or(u32::MAX);
    if zones().zip(zones().skip(1)).any(|(near, far)| reach(near) >= reach(far)) {
        return fault("the zones do not grow".to_owned());
    }
    if zones().next_back().is_some_and(|zone| zone.up_to_km.is_some()) {
        return fault("the last zone has no `up_to_km`: it holds for the rest".to_owned());
    }
    rates::check(cost, offset)
}
