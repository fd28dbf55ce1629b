//! What the demo ends with, from its own log: one decision explained, and one comparison of what
//! happened with what another policy would have made of the day's beginning.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use omnifold_domain::Policy;
use omnifold_events::v1;
use omnifold_log::{Log, TopicKind, topic_name};
use omnifold_projector::{Query, query_offline};
use omnifold_simulation::output::Output;
use omnifold_simulation::what_if::demand::Window;
use omnifold_simulation::what_if::settings::Settings;
use serde::Serialize;
use serde_json::Value;

use super::MARKET;
use crate::commands::simulate;
use crate::context::Context;
use crate::history::each_record;
use crate::output::{pairs, thousands};

/// Orders of the day that are replayed: enough to show a difference, few enough to wait for.
pub const REPLAYED: u64 = 3_000;

/// The policy that is tried, and the one whose cost model prices both sides.
const POLICY: &str = include_str!("../../../../../deploy/policies/store-protection.toml");
const COSTS: &str = include_str!("../../../../../deploy/policies/cost-based.toml");

/// The end of the report.
#[derive(Serialize)]
pub struct Ending {
    explained: Explained,
    what_if: simulate::Report,
    what_if_orders: u64,
}

/// One decision with its reasons.
#[derive(Serialize)]
struct Explained {
    channel: String,
    order_id: String,
    /// As `omnifold explain` shows it.
    decisions: Value,
}

impl Ending {
    /// Reads the log. `first`: the day's first order; `until_ms`: when the orders that are replayed end.
    pub fn read(
        context: &Context,
        log: &Arc<dyn Log>,
        (first, until_ms): (&str, i64),
    ) -> Result<Self> {
        let prefix = context.config().prefix.as_str();
        let split = split_order(&**log, prefix)?;
        let name = split.as_deref().unwrap_or(first);
        let explained = Explained::read(context, log, name)?;
        let ready_made = |text: &str| {
            Policy::read(text).map_err(|fault| anyhow!("the ready-made policy: {fault}"))
        };
        let (policy, costs) = (ready_made(POLICY)?, ready_made(COSTS)?);
        let part = simulate::Part::of(Window { from_ms: i64::MIN, until_ms });
        let change = (Settings::default(), Some(&policy));
        let what_if = simulate::report(context, &**log, (MARKET, &part), change, &[&costs])?;
        let what_if_orders = what_if.happened.orders;
        Ok(Ending { explained, what_if, what_if_orders })
    }

    /// For people.
    pub fn text(&self) -> String {
        let Explained { channel, order_id, decisions } = &self.explained;
        let reasons = decisions.as_array().and_then(|list| list.first()).map(reasons);
        format!(
            "\nWhy {channel}/{order_id} is shipped as it is:\n{}\n\
             What if `store-protection` had ruled the first {} orders (replayed; nodes are modelled;\n\
             priced by `cost-based`):\n{}",
            indented(&reasons.unwrap_or_default()),
            thousands(self.what_if_orders),
            indented(&simulate::summary(&self.what_if)),
        )
    }

    /// The order that was explained.
    pub fn order(&self) -> (&str, &str) {
        (&self.explained.channel, &self.explained.order_id)
    }
}

impl Explained {
    fn read(context: &Context, log: &Arc<dyn Log>, name: &str) -> Result<Self> {
        let (channel, order_id) = name.split_once('/').unwrap_or(("", name));
        let (channel, order_id) = (channel.to_owned(), order_id.to_owned());
        let query = Query::Decisions { channel: channel.clone(), order_id: order_id.clone() };
        let answer = query_offline(log.clone(), MARKET, context.options(), query)??;
        Ok(Explained { channel, order_id, decisions: answer.body["decisions"].clone() })
    }
}

/// The first order that was sent in two parcels.
fn split_order(log: &dyn Log, prefix: &str) -> Result<Option<String>> {
    let mut found = None;
    each_record(log, topic_name(prefix, MARKET, TopicKind::Assignments), |record| {
        if found.is_some() {
            return;
        }
        if let Ok(Output::Assigned(v1::FulfilmentAssigned {
            channel,
            order_id,
            fulfilment: 2,
            ..
        })) = Output::from_record(record)
        {
            found = Some(format!("{channel}/{order_id}"));
        }
    })?;
    Ok(found)
}

/// The nodes of a decision by verdict: those chosen by name, of the others how many and the nearest.
fn reasons(decision: &Value) -> String {
    let mut by_verdict: BTreeMap<String, Vec<(u64, &str)>> = BTreeMap::new();
    for node in decision["candidates"].as_array().into_iter().flatten() {
        let text = |name: &str| node[name].as_str().unwrap_or_default();
        let metres = node["distance_m"].as_u64().unwrap_or(u64::MAX);
        by_verdict.entry(verdict_of(node)).or_default().push((metres, text("node")));
    }
    let far = |(metres, node): &(u64, &str)| match metres {
        &u64::MAX => (*node).to_owned(),
        metres => format!("{node} ({} km)", thousands(metres / 1_000)),
    };
    let mut rows = Vec::new();
    if let Some(chosen) = by_verdict.remove("chosen") {
        rows.push(("chosen".to_owned(), chosen.iter().map(far).collect::<Vec<_>>().join(", ")));
    }
    for (verdict, mut nodes) in by_verdict {
        nodes.sort_unstable();
        let nearest = nodes.first().map(far).unwrap_or_default();
        let others = nodes.len();
        let text = if others == 1 { nearest } else { format!("{others}, nearest {nearest}") };
        rows.push((verdict, text));
    }
    pairs(rows)
}

fn verdict_of(node: &Value) -> String {
    node["verdict"].as_str().unwrap_or_default().trim_start_matches("VERDICT_").to_lowercase()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(name: &str, verdict: &str, metres: u64) -> Value {
        json!({ "node": name, "verdict": verdict, "distance_m": metres })
    }

    #[test]
    fn nodes_are_told_by_verdict_the_nearest_by_name() {
        let nodes = [
            node("a", "VERDICT_FARTHER", 9_000_000),
            node("b", "VERDICT_CHOSEN", 1_400),
            node("c", "VERDICT_FARTHER", 20_000),
            json!({"node": "d", "verdict": "VERDICT_NO_FREE_STOCK"}),
        ];
        let text = reasons(&json!({ "candidates": nodes }));
        let lines: Vec<Vec<&str>> =
            text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            lines,
            [
                vec!["chosen", "b", "(1", "km)"],
                vec!["farther", "2,", "nearest", "c", "(20", "km)"],
                vec!["no_free_stock", "d"],
            ]
        );
    }
}
