//! Policies in scenarios: ready-made ones by name, others written below the command.

use omnifold_events::{Event, v1};

use super::words::{Fault, Words};
use super::{Action, Step};

/// The ready-made policies, as they are delivered.
const READY_MADE: [(&str, &str); 7] = [
    ("nearest", include_str!("../../../../deploy/policies/nearest.toml")),
    ("priority-list", include_str!("../../../../deploy/policies/priority-list.toml")),
    ("fewest-splits", include_str!("../../../../deploy/policies/fewest-splits.toml")),
    ("ranked-with-radius", include_str!("../../../../deploy/policies/ranked-with-radius.toml")),
    ("cost-based", include_str!("../../../../deploy/policies/cost-based.toml")),
    ("store-protection", include_str!("../../../../deploy/policies/store-protection.toml")),
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
