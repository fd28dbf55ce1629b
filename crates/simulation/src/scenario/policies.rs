//! Policies in scenarios: ready-made ones by name, others written below the command.

use omnifold_events::{Event, v1};

use super::parse::shelf;
use super::render::{order_name, units};
use super::words::{Fault, Words, minor, number};
use super::{Action, Step};

/// The ready-made policies, as they are delivered.
const READY_MADE: [(&str, &str); 9] = [
    ("nearest", include_str!("../../../../deploy/policies/nearest.toml")),
    ("priority-list", include_str!("../../../../deploy/policies/priority-list.toml")),
    ("fewest-splits", include_str!("../../../../deploy/policies/fewest-splits.toml")),
    ("ranked-with-radius", include_str!("../../../../deploy/policies/ranked-with-radius.toml")),
    ("cost-based", include_str!("../../../../deploy/policies/cost-based.toml")),
    ("store-protection", include_str!("../../../../deploy/policies/store-protection.toml")),
    ("landed-cost", include_str!("../../../../deploy/policies/landed-cost.toml")),
    ("in-waves", include_str!("../../../../deploy/policies/in-waves.toml")),
    ("partner-fairness", include_str!("../../../../deploy/policies/partner-fairness.toml")),
];

/// `policy NAME`, or `policy` with the document below it; `retire_policy NAME`.
pub(super) fn event(verb: &str, words: &mut Words<'_>) -> Result<Event, Fault> {
    if verb == "retire_policy" {
        let name = words.next("a policy")?.to_owned();
        return Ok(v1::PolicyRetired { name, ..Default::default() }.into());
    }
    let document = match words.take_if(|_| true) {
        None => String::new(),
        Some(name) => {
            let found = READY_MADE.iter().find(|ready| ready.0 == name);
            let found = found.ok_or_else(|| format!("there is no ready-made policy `{name}`"))?;
            found.1.to_owned()
        }
    };
    Ok(v1::PolicyActivated { document, ..Default::default() }.into())
}

/// `[seller=acme] [type=wholesale] [segment=staff]` of an order.
pub(super) fn class(words: &mut Words<'_>) -> Option<v1::OrderClass> {
    let mut option = |name: &str| words.option(name).unwrap_or_default().to_owned();
    let class = v1::OrderClass {
        seller_id: option("seller"),
        order_type: option("type"),
        customer_segment: option("segment"),
    };
    (class != v1::OrderClass::default()).then_some(class)
}

/// Adds a line to the document of the newest command.
pub(super) fn add_line(steps: &mut [Step], text: &str) -> Result<Event, Fault> {
    let newest = steps.last_mut().map(|step| &mut step.action);
    let Some(Action::Event(event)) = newest else {
        return Err("a line of a document below no policy".to_owned());
    };
    let Event::PolicyActivated(activated) = &mut event.event else {
        return Err("a line of a document below no policy".to_owned());
    };
    activated.document.push_str(text);
    activated.document.push('\n');
    Ok(event.event.clone())
}

/// `markdown N S 5.00 [until=TIME]`: what a unit loses there, in euros.
pub(super) fn markdown(words: &mut Words<'_>) -> Result<Event, Fault> {
    let (node_id, sku) = shelf(words)?;
    Ok(v1::MarkdownSet {
        node_id,
        sku,
        amount_minor: minor(words.next("an amount")?)?,
        until_ms: words.time_option("until")?,
        ..Default::default()
    }
    .into())
}

/// `close_wave W [nodes=N,M] [before=TIME] [orders=50] [steps=1000]`.
pub(super) fn wave(words: &mut Words<'_>) -> Result<Event, Fault> {
    let count = |word: Option<&str>| word.map_or(Ok(0), number);
    let nodes = words.option("nodes").unwrap_or_default().split(',');
    Ok(v1::WaveClosed {
        wave_id: words.next("a wave")?.to_owned(),
        node_ids: nodes.filter(|node| !node.is_empty()).map(str::to_owned).collect(),
        placed_before_ms: words.time_option("before")?,
        max_orders: count(words.option("orders"))?,
        max_steps: count(words.option("steps"))?,
        ..Default::default()
    }
    .into())
}

/// `wave W routed 3, planned 5, left out 1; cost 17.5 to 9; shipments 4 to 3, 120 m to 90 m; changed A`.
pub(super) fn wave_line(message: &v1::WavePlanned) -> String {
    let routed = message.orders_routed;
    let (planned, left_out) = (message.orders_planned, message.orders_left_out);
    let mut text = format!("wave {} routed {routed}, planned {planned}", message.wave_id);
    if left_out > 0 {
        text += &format!(", left out {left_out}");
    }
    if message.cost_before > 0 {
        let (before, after) = (units(message.cost_before), units(message.cost_after));
        text += &format!("; cost {before} to {after}");
    }
    if message.shipments_before > 0 {
        let (before, after) = (message.shipments_before, message.shipments_after);
        text += &format!("; shipments {before} to {after}");
    }
    if message.metres_before > 0 {
        text += &format!(", {} m to {} m", message.metres_before, message.metres_after);
    }
    if !message.changed.is_empty() {
        let names = message.changed.iter().map(|row| order_name(&row.channel, &row.order_id));
        text += &format!("; changed {}", names.collect::<Vec<_>>().join(", "));
    }
    if message.bound_hit { text + "; bound hit" } else { text }
}
