//! Answers as text for people. JSON output shows the same answers whole.

use omnifold_projector::{Query, Standing};
use serde_json::Value;

use crate::output::{pairs, table};

/// A position in one line.
pub fn position_text(position: &Standing) -> String {
    let Standing { epoch, step, clock, .. } = position;
    format!("epoch {epoch}, step {step}, clock {clock}")
}

/// An answer with the position it stands for.
pub fn answer_text(query: &Query, answer: &Value) -> String {
    let body = &answer["body"];
    let text = match query {
        Query::Market => market_text(answer),
        Query::Order { .. } => order_text(body),
        Query::Fulfilment { .. } => fulfilment_text(body),
        Query::PurchaseOrder { .. } => purchase_order_text(body),
        Query::Stock { .. } => stock_text(body),
        Query::Serial { .. } => serial_text(body),
        Query::Node { .. } | Query::Availability { .. } => {
            pairs(fields(body).into_iter().map(|(name, value)| (name.clone(), plain(value))))
        }
        Query::Promise(_) => promise_text(body),
        Query::Decisions { .. } => decisions_text(body),
    };
    format!("{}\n\n{}", text.trim_end(), position_of(answer))
}

/// A report of `verify` or `verify --state`.
pub fn verification_text(report: &Value) -> String {
    let names = [
        ("market", &report["position"]["market"]),
        ("records", &report["records"]),
        ("marks compared", &report["marks"]),
        ("decisions made again", &report["decisions"]),
        ("rows read", &report["rows"]),
        ("digest marked", &report["digest_marked"]),
        ("digest of the rows", &report["digest_scanned"]),
        ("seconds", &report["seconds"]),
    ];
    let rows = names.iter().filter(|(_, value)| !value.is_null());
    let mut text = pairs(rows.map(|(name, value)| ((*name).to_owned(), plain(value))));
    let verdict =
        if report["ok"] == true { "everything holds" } else { "something does not hold:" };
    text.push_str(&format!("  {verdict}\n"));
    for violation in list(&report["violations"]) {
        text.push_str(&format!("    {}\n", plain(violation)));
    }
    format!("{text}\n{}", position_of(report))
}

fn position_of(answer: &Value) -> String {
    let position = &answer["position"];
    if position.is_null() {
        return "no position yet".to_owned();
    }
    let part = |name: &str| plain(&position[name]);
    format!(
        "as of epoch {}, step {}, clock {}, digest {}",
        part("epoch"),
        part("step"),
        part("clock"),
        part("digest")
    )
}

fn market_text(answer: &Value) -> String {
    let body = &answer["body"];
    let mut rows: Vec<(String, String)> = Vec::new();
    for (name, value) in fields(&answer["status"]) {
        if !value.is_object() && !value.is_null() {
            rows.push((name.clone(), plain(value)));
        }
    }
    for (name, value) in fields(&body["settings"]) {
        rows.push((name.clone(), plain(value)));
    }
    for (name, value) in fields(body) {
        if !value.is_object() && !value.is_array() {
            rows.push((name.clone(), plain(value)));
        }
    }
    let promises = rows_text(&body["promises"]);
    let promises = if promises.is_empty() { promises } else { format!("{promises}\n") };
    format!("{}\n{promises}{}", pairs(rows), rows_text(&body["nodes"]))
}

/// What would be promised: who would serve it, and between which days it comes.
fn promise_text(body: &Value) -> String {
    let nodes: Vec<String> = list(&body["nodes"]).iter().map(plain).collect();
    let mut rows = vec![
        ("status".to_owned(), plain(&body["status"])),
        ("served by".to_owned(), nodes.join(", ")),
    ];
    match &body["promise"] {
        Value::Null => rows.push(("promised".to_owned(), "nothing".to_owned())),
        promise => rows
            .extend(fields(promise).into_iter().map(|(name, value)| (name.clone(), plain(value)))),
    }
    pairs(rows)
}

fn order_text(body: &Value) -> String {
    let names = ["channel", "order_id", "status", "revision", "priority", "placed_at"];
    let mut text = pairs(names.map(|name| (name, plain(&body[name]))));
    text.push('\n');
    text.push_str(&rows_text(&body["lines"]));
    for fulfilment in list(&body["fulfilments"]) {
        text.push('\n');
        text.push_str(&fulfilment_text(fulfilment));
    }
    let holds = holds_text(&body["holds"]);
    if !holds.is_empty() {
        text.push_str(&format!("\nheld by: {holds}\n"));
    }
    if body["payment"].is_object() {
        let due = plain(&body["payment"]["due"]);
        text.push_str(&format!("\namount due, minor units: {due}\n"));
        text.push_str(&rows_text(&body["payment"]["payments"]));
    }
    let class: Vec<String> = fields(&body["class"])
        .into_iter()
        .filter(|(_, value)| !plain(value).is_empty())
        .map(|(name, value)| format!("{name} {}", plain(value)))
        .collect();
    if !class.is_empty() {
        text.push_str(&format!("\nclass: {}\n", class.join(", ")));
    }
    text.push_str(&promised_text(&body["promise"]));
    let excluded: Vec<String> = list(&body["excluded"]).iter().map(plain).collect();
    if !excluded.is_empty() {
        text.push_str(&format!("\nnodes that turned it down: {}\n", excluded.join(", ")));
    }
    text
}

/// `promised 2018-05-02 to 2018-05-14 (learned), moved later 0 times, delivered 2018-05-09`.
fn promised_text(body: &Value) -> String {
    if !body.is_object() {
        return String::new();
    }
    let now = match &body["now"] {
        Value::Null => "nothing".to_owned(),
        now => format!(
            "{} to {} ({})",
            plain(&now["earliest"]),
            plain(&now["latest"]),
            plain(&now["source"])
        ),
    };
    let mut text = format!("\npromised {now}, moved later {} times", plain(&body["moved_later"]));
    if body["delivered"].is_string() {
        text += &format!(", delivered {}", plain(&body["delivered"]));
    }
    text + "\n"
}

/// `risk-7 fraud, payment`: the engine's own hold has no name.
fn holds_text(holds: &Value) -> String {
    let text = |hold: &Value| {
        let words = format!("{} {}", plain(&hold["hold_id"]), plain(&hold["reason"]));
        words.trim().to_owned()
    };
    list(holds).iter().map(text).collect::<Vec<_>>().join(", ")
}

fn fulfilment_text(body: &Value) -> String {
    let head = format!(
        "fulfilment {} at {}: {}\n",
        plain(&body["id"]),
        plain(&body["node"]),
        plain(&body["state"])
    );
    let holds = holds_text(&body["holds"]);
    let held = if holds.is_empty() { holds } else { format!("held by: {holds}\n") };
    head + &held + &rows_text(&body["lines"])
}

fn serial_text(body: &Value) -> String {
    let names = ["sku", "serial", "place", "node", "with", "since", "by"];
    let mut text = pairs(names.map(|name| (name.to_owned(), plain(&body[name]))));
    let heads = ["at", "by", "place", "node", "with"];
    let stop = |row: &Value| heads.map(|name| plain(&row[name])).to_vec();
    let rows: Vec<Vec<String>> = list(&body["history"]).iter().map(stop).collect();
    text.push_str(&format!("\n{}", table(&heads, &[], rows)));
    text
}

fn purchase_order_text(body: &Value) -> String {
    let lists = ["lines", "ship_notices", "receipts", "invoices"];
    let single = fields(body).into_iter().filter(|(name, _)| !lists.contains(&name.as_str()));
    let mut text = pairs(single.map(|(name, value)| (name.clone(), plain(value))));
    for name in lists {
        if !list(&body[name]).is_empty() {
            text.push_str(&format!("\n  {name}\n{}", rows_text(&body[name])));
        }
    }
    text
}

fn stock_text(body: &Value) -> String {
    let mut text = match list(&body["rows"]).len() {
        0 => "no rows\n".to_owned(),
        _ => rows_text(&body["rows"]),
    };
    if body["truncated"] == true {
        text.push_str("there are more rows; ask for a node or a SKU, or raise --limit\n");
    }
    text
}

/// The ledger of one stock row: its entries, oldest first, and what they add up to.
pub fn ledger_text(answer: &Value) -> String {
    let body = &answer["body"];
    let mut text = String::new();
    if body["not_listed"] != 0 {
        let count = plain(&body["not_listed"]);
        text.push_str(&format!("  {count} older entries are not listed; raise --limit\n"));
    }
    text.push_str(&rows_text(&body["entries"]));
    let sums = fields(&body["sum"]).into_iter().filter(|(_, units)| **units != "0");
    let sums = sums.map(|(name, units)| (name.clone(), plain(units)));
    text.push_str("\n  together\n");
    text.push_str(&pairs(sums));
    if body["agrees"] != true {
        text.push_str("  L2 does not hold: the row has other figures than its ledger\n");
        text.push_str(&pairs(
            fields(&body["row"]).into_iter().map(|(name, units)| (name.clone(), plain(units))),
        ));
    }
    format!("{}\n\n{}", text.trim_end(), position_of(answer))
}

/// An order's story: when, where in the log, and what.
pub fn history_text(answer: &Value) -> String {
    let body = &answer["body"];
    let mut text = String::new();
    if body["not_listed"] != 0 {
        let count = plain(&body["not_listed"]);
        text.push_str(&format!("  {count} older entries are not listed; raise --limit\n"));
    }
    for entry in list(&body["entries"]) {
        let (time, record) = (plain(&entry["time"]), plain(&entry["record"]));
        text.push_str(&format!("  {time}  {record:<16}  {}\n", plain(&entry["what"])));
    }
    let status = plain(&body["status"]);
    text.push_str(&format!("\n  it is {}\n", if status.is_empty() { "none" } else { &status }));
    format!("{}\n\n{}", text.trim_end(), position_of(answer))
}

fn decisions_text(body: &Value) -> String {
    let decisions = list(&body["decisions"]);
    if decisions.is_empty() {
        return "no decisions\n".to_owned();
    }
    decisions.iter().map(decision_text).collect::<Vec<_>>().join("\n")
}

fn decision_text(decision: &Value) -> String {
    let lists = ["lines", "candidates", "shortages", "waiting", "cancelled"];
    let rows = fields(decision)
        .into_iter()
        .filter(|(name, value)| !lists.contains(&name.as_str()) && !plain(value).is_empty())
        .map(|(name, value)| (name.clone(), plain(value)));
    let mut text = pairs(rows);
    for name in lists {
        if !list(&decision[name]).is_empty() {
            text.push_str(&format!("  {name}\n{}", rows_text(&decision[name])));
        }
    }
    text
}

/// Why each decision came out as it did, for a planner.
pub fn explanation_text(answer: &Value) -> String {
    let decisions = list(&answer["body"]["decisions"]).iter();
    let explained = decisions.filter(|it| it["candidates"] != Value::Null);
    let texts: Vec<String> = explained.map(reasoning_text).collect();
    let text = match texts.is_empty() {
        true => "no decision of this order keeps its reasoning\n".to_owned(),
        false => texts.join("\n"),
    };
    format!("{}\n\n{}", text.trim_end(), position_of(answer))
}

fn reasoning_text(decision: &Value) -> String {
    let names = ["decision", "cause", "status", "reason", "rule", "passed_over", "cost"];
    let more = ["runner_up", "runner_up_costs_more", "bound_hit"];
    let told = |name: &&str| {
        let value = &decision[*name];
        let is_said = *value != Value::Null && *value != false && !plain(value).is_empty();
        is_said.then(|| ((*name).to_owned(), plain(value)))
    };
    let mut text = pairs(names.iter().chain(&more).filter_map(told));
    text.push_str(&rows_text(&decision["candidates"]));
    text
}

/// A list of objects as a table: a column for each field of the first.
fn rows_text(rows: &Value) -> String {
    let rows = list(rows);
    let Some(first) = rows.first() else { return String::new() };
    let names: Vec<&String> = fields(first).into_iter().map(|(name, _)| name).collect();
    if names.is_empty() {
        return rows.iter().map(|row| format!("  {}\n", plain(row))).collect();
    }
    let is_number = |text: String| text.parse::<f64>().is_ok();
    let right: Vec<usize> =
        (0..names.len()).filter(|at| is_number(plain(&first[names[*at]]))).collect();
    let header: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    let cells = rows.iter().map(|row| names.iter().map(|name| plain(&row[*name])).collect());
    table(&header, &right, cells)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Fields in the order people read them; the others follow by name.
const READING_ORDER: &[&str] = &[
    "market",
    "role",
    "type",
    "decision",
    "cause",
    "status",
    "step",
    "line_id",
    "number",
    "id",
    "node",
    "state",
    "sku",
    "name",
    "kind",
    "enabled",
    "verdict",
    "record",
    "event",
    "time",
    "entry",
    "changes",
    "distance_m",
    "score",
    "landed_cost",
    "rule",
    "passed_over",
    "fulfilment",
    "on_hand",
    "ordered",
    "open",
    "waiting",
    "quantity",
    "allocated",
    "quarantine",
    "in_transit",
    "shipped",
    "written_off",
    "returned_to_supplier",
    "entered",
    "buffer",
    "backorder_limit",
    "atp",
    "shadow_price",
    "short",
    "flagged_out",
    "backordered",
    "delivered",
    "cancelled",
    "requested",
    "available",
    "reason",
    "order",
    "lag_events",
    "lag_seconds",
    "items",
    "orders_waiting",
    "rules_version",
];

fn fields(value: &Value) -> Vec<(&String, &Value)> {
    let place = |name: &str| READING_ORDER.iter().position(|it| *it == name).unwrap_or(usize::MAX);
    let object = value.as_object();
    let mut fields: Vec<_> = object.map(|object| object.iter().collect()).unwrap_or_default();
    fields.sort_by_key(|(name, _)| place(name));
    fields
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => short_name(text),
        Value::Number(number) if number.is_f64() => {
            format!("{:.2}", number.as_f64().unwrap_or_default())
        }
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let pairs = fields.iter().map(|(name, value)| format!("{name} {}", plain(value)));
            pairs.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// Names of the schema's enumerations without their prefix: `VERDICT_FARTHER` is `farther`.
fn short_name(text: &str) -> String {
    const PREFIXES: [&str; 7] = [
        "VERDICT_",
        "CAUSE_",
        "OUTCOME_STATUS_",
        "NODE_KIND_",
        "HOLD_REASON_",
        "BILLING_BASIS_",
        "MATCH_RESULT_",
    ];
    match PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        Some(name) => name.to_lowercase(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn position() -> Value {
        json!({ "market": "de", "epoch": 3, "step": 9, "clock": "2025-06-02T10:00:00Z", "digest": "ab" })
    }

    #[test]
    fn an_order_is_told_with_its_lines_fulfilments_and_position() {
        let answer = json!({ "position": position(), "body": {
            "channel": "web", "order_id": "1", "status": "assigned", "revision": 1, "priority": 0,
            "placed_at": "2025-06-02T09:00:00Z",
            "lines": [{ "line_id": "1", "sku": "TEA", "ordered": "2", "open": "0" }],
            "fulfilments": [{ "id": "web/1/f1", "node": "berlin", "state": "accepted",
                              "lines": [{ "line_id": "1", "allocated": "2" }] }],
            "excluded": ["munich"] } });
        let query = Query::Order { channel: "web".into(), order_id: "1".into() };
        insta::assert_snapshot!(answer_text(&query, &answer));
    }

    #[test]
    fn a_verification_that_fails_lists_what_does_not_hold() {
        let report = json!({ "position": position(), "marks": 4, "records": 9,
            "decisions": 5, "seconds": 1.5, "ok": false,
            "violations": ["I1 at step 7: SKU TEA has 3 units too many"] });
        insta::assert_snapshot!(verification_text(&report));
    }
}
