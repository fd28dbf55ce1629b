//! What a market's settings and nodes are, and what a node made of its work.

use omnifold_domain::scorecard::WINDOW_DAYS;
use omnifold_domain::{Absence, Node, NodeIx, Scorecard, View as _};
use omnifold_events::format_time;
use omnifold_events::v1;
use omnifold_state::Store;
use serde_json::{Value, json};

use super::{QueryError, promise};

/// Why it gets no work although it is enabled.
fn absence_word(node: &Node) -> String {
    match node.absence.as_deref() {
        None => String::new(),
        Some(Absence::Paused { until_ms: 0, .. }) => "paused".to_owned(),
        Some(Absence::Paused { until_ms, .. }) => {
            format!("paused until {}", format_time(*until_ms))
        }
        Some(Absence::Offboarded { .. }) => "offboarded".to_owned(),
    }
}

fn row(number: usize, node: &Node) -> Value {
    let kind = v1::NodeKind::try_from(node.kind).unwrap_or_default();
    json!({
        "number": number, "id": node.id, "name": node.name, "country": node.country,
        "kind": kind.as_str_name(), "enabled": node.enabled,
        "absence": absence_word(node), "has_hours": node.opening.is_some(),
    })
}

pub(super) fn market_body(store: &mut Store) -> Value {
    let numbered = store.nodes().iter().enumerate();
    let nodes: Vec<Value> = numbered.map(|(number, node)| row(number, node)).collect();
    let mut skus_waited = 0;
    let mut after = None;
    while let Some(sku) = store.next_waited_sku(after) {
        skus_waited += 1;
        after = Some(sku);
    }
    json!({
        "settings": store.settings(),
        "nodes": nodes,
        "items": store.item_count(),
        "skus_waited_for": skus_waited,
        "promises": promise::of_market(store),
    })
}

/// A node, and its score with the counts that it is a share of.
pub(super) fn node_body(store: &Store, now_ms: i64, id: &str) -> Result<Value, QueryError> {
    let number = store.node_named(id);
    let number = number.ok_or_else(|| QueryError::NotFound(format!("no node `{id}`")))?;
    let node = &store.nodes()[number.0 as usize];
    let mut body = row(number.0 as usize, node);
    body["groups"] = json!(node.groups);
    body["orders_per_day"] = json!(node.capacity.as_ref().map(|it| it.orders_per_day));
    body["orders_today"] = json!(orders_today(store, number, now_ms));
    let settled = store.scorecard(number).map(|card| Scorecard::settled(card, now_ms));
    let settled = settled.unwrap_or_default();
    body["score_permille"] = json!(settled.score());
    body["score_days"] = json!(WINDOW_DAYS);
    body["fulfilments"] = json!({
        "kept": settled.kept, "late": settled.late, "rejected": settled.rejected,
        "timed_out": settled.timed_out, "short": settled.short,
    });
    Ok(body)
}

/// Orders that a node took on its local day; `None` where nobody counts them.
fn orders_today(store: &Store, number: NodeIx, now_ms: i64) -> Option<u32> {
    let capacity = store.nodes()[number.0 as usize].capacity.as_deref()?;
    let taken = store.node_day(number);
    Some(if taken.day == capacity.day_of(now_ms) { taken.orders } else { 0 })
}
