//! Why a decision came out as it did, for who asks.

use omnifold_domain::View;
use omnifold_events::v1::{self, Verdict};
use serde_json::{Value, json};

/// Adds the nodes that were looked at, and what the policy in force made of them.
pub(crate) fn add_explanation<V: View>(body: &mut Value, store: &V, explanation: &v1::Explanation) {
    body["candidates"] = candidates(store, explanation);
    body["solver_steps"] = json!(explanation.solver_steps);
    body["bound_hit"] = json!(explanation.bound_hit);
    let Some(policy) = &explanation.policy else { return };
    body["rule"] = json!(policy.rule);
    body["passed_over"] = json!(policy.passed_over);
    if policy.cost != 0 {
        body["cost"] = json!(minor(policy.cost));
    }
    if policy.runner_up_cost != 0 {
        body["runner_up_cost"] = json!(minor(policy.runner_up_cost));
        body["runner_up_costs_more"] = json!(minor(policy.runner_up_cost - policy.cost));
        let nodes = policy.runner_up.iter().map(|&node| name(store, node));
        body["runner_up"] = nodes.collect();
    }
}

fn candidates<V: View>(store: &V, explanation: &v1::Explanation) -> Value {
    let of_policy = |of: fn(&v1::PolicyExplanation) -> &[i64]| {
        explanation.policy.as_deref().map_or(&[][..], of)
    };
    let scores = of_policy(|policy| &policy.scores);
    let landed = of_policy(|policy| &policy.landed_costs);
    let rows = explanation.nodes.iter().zip(&explanation.verdicts).zip(&explanation.distances_m);
    rows.enumerate()
        .map(|(place, ((&node, &verdict), &distance))| {
            let verdict = Verdict::try_from(i32::from(verdict)).unwrap_or_default();
            let mut row = json!({
                "node": name(store, node), "verdict": verdict.as_str_name(),
                "distance_m": distance,
            });
            if let Some(score) = scores.get(place) {
                row["score"] = json!(score);
            }
            if let Some(cost) = landed.get(place).filter(|cost| **cost >= 0) {
                row["landed_cost"] = json!(minor(*cost));
            }
            row
        })
        .collect()
}

fn name<V: View>(store: &V, node: u32) -> &str {
    store.nodes().get(node as usize).map_or("?", |node| node.id.as_str())
}

/// 1/1000 of the minor unit as a decimal of the minor unit.
fn minor(milli: i64) -> String {
    let (sign, milli) = (if milli < 0 { "-" } else { "" }, milli.unsigned_abs());
    match milli % 1_000 {
        0 => format!("{sign}{}", milli / 1_000),
        part => format!("{sign}{}.{part:03}", milli / 1_000).trim_end_matches('0').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_thousandth_of_a_cent_is_told_where_there_is_one() {
        for (milli, text) in [(8_759, "8.759"), (10_000, "10"), (-500, "-0.5"), (1_050, "1.05")] {
            assert_eq!(super::minor(milli), text);
        }
    }
}
