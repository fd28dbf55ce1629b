//! Questions about a market's state and decisions. Every answer carries the position it stands for.

mod kits;
mod late;
mod nodes;
mod parcel;
mod promise;
mod serial;
mod supply;

use std::sync::Arc;

use omnifold_domain::{
    Decision, Fulfilment, FulfilmentId, Ledger, NodeIx, Order, OrderKey, Payment, SkuIx, Stock,
    SuggestedMove, View, channel_atp,
};
use omnifold_events::format_time;
use omnifold_events::v1;
use omnifold_log::{Log, RecordBuf};
use omnifold_state::Store;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::ProjectorError;
use crate::explained::add_explanation;
use crate::follower::{Follower, How};
use crate::machine::{decode_decision, reading};
use crate::mark::Standing;
use crate::market::open_backend;
use crate::options::Options;
use crate::priced::with_prices;
use crate::recorded::Tail;
use late::{feedback_body, returns_body, tickets_body};
use parcel::parcel_body;
pub use promise::PromiseAsked;
use promise::promise_body;
use serial::lots_body;
use supply::{dispatch_by, expected_body, inbound_of, phased_body, purchase_order_body};

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Query {
    /// Settings, nodes, sizes.
    Market,
    /// One node, and what it made of its work.
    Node {
        /// Its id.
        id: String,
    },
    /// One order.
    Order {
        /// Its channel.
        channel: String,
        /// The channel's id for it.
        order_id: String,
    },
    /// Stock rows, by SKU then node.
    Stock {
        /// Only this node.
        node: Option<String>,
        /// Only this SKU.
        sku: Option<String>,
        /// At most this many rows.
        limit: usize,
    },
    /// What a defined channel may sell of a SKU (rule Q4).
    Availability {
        /// The channel.
        channel: String,
        /// The SKU.
        sku: String,
    },
    /// One fulfilment.
    Fulfilment {
        /// `channel/order_id/fN`.
        id: String,
    },
    /// One purchase order.
    PurchaseOrder {
        /// Its id.
        id: String,
    },
    /// Where a unit is, and where it has been.
    Serial {
        /// Its item.
        sku: String,
        /// Its serial number.
        serial: String,
    },
    /// What would be promised, before anything is bought.
    Promise(PromiseAsked),
    /// Every decision on one order, explained; read from the log.
    Decisions {
        /// Its channel.
        channel: String,
        /// The channel's id for it.
        order_id: String,
    },
}

/// An answer.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// What the answer stands for.
    pub position: Standing,
    /// The answer itself; its shape belongs to the query.
    pub body: Value,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// This instance does not know the market.
    #[error("no market `{0}` here")]
    NoMarket(String),
    /// There is no such thing in the market.
    #[error("{0}")]
    NotFound(String),
    /// The market's thread is stopped or did not answer in time.
    #[error("market `{0}` gave no answer; it may be stopped, see its status")]
    NoAnswer(String),
    /// The log or the state failed.
    #[error("{0}")]
    Failed(String),
}

/// Opens a market where no instance runs on it, folds what its checkpoint lacks, and answers.
pub fn query_offline(
    log: Arc<dyn Log>,
    market: &str,
    options: Options,
    query: Query,
) -> Result<Result<Answer, QueryError>, ProjectorError> {
    let backend = open_backend(market, &options)?;
    let mut follower = Follower::open(&log, market, &options, backend)?;
    follower.catch_up(How::Follow, Tail::Settled)?;
    let answered = answer(&*log, &options, &mut follower, &query);
    follower.checkpointer.wait(&mut follower.machine.store)?;
    Ok(answered)
}

/// Answers from a market's state as it stands.
pub(crate) fn answer(
    log: &dyn Log,
    options: &Options,
    follower: &mut Follower,
    query: &Query,
) -> Result<Answer, QueryError> {
    reading(|| body_of(log, options, follower, query))
        .map_err(|error| QueryError::Failed(error.to_string()))?
        .map(|body| Answer { position: Standing::of(&follower.head.body), body })
}

fn body_of(
    log: &dyn Log,
    options: &Options,
    follower: &mut Follower,
    query: &Query,
) -> Result<Value, QueryError> {
    let (store, now_ms) = (&mut follower.machine.store, follower.machine.clock_ms);
    Ok(match query {
        Query::Market => nodes::market_body(store),
        Query::Node { id } => nodes::node_body(store, now_ms, id)?,
        Query::Order { channel, order_id } => {
            let order = find_order(store, channel, order_id)?;
            let mut body = order_body(store, &order);
            body["serials"] = json!(serial::of_order(store, &order));
            body
        }
        Query::Stock { node, sku, limit } => {
            let body = stock_body(store, node.as_deref(), sku.as_deref(), *limit)?;
            with_prices(store, now_ms, body)
        }
        Query::Availability { channel, sku } => availability_body(store, channel, sku)?,
        Query::Fulfilment { id } => fulfilment_answer(store, id)?,
        Query::PurchaseOrder { id } => purchase_order_body(store, id)?,
        Query::Serial { sku, serial } => serial::serial_body(store, sku, serial)?,
        Query::Promise(asked) => promise::foreseen_body(&mut follower.machine, asked)?,
        Query::Decisions { channel, order_id } => {
            find_order(store, channel, order_id)?;
            decisions_body(log, options, follower, channel, order_id)?
        }
    })
}

/// A quantity in units, as decimal text.
pub(crate) fn units(milli: i64) -> String {
    let (sign, milli) = (if milli < 0 { "-" } else { "" }, milli.unsigned_abs());
    match milli % 1_000 {
        0 => format!("{sign}{}", milli / 1_000),
        rest => {
            let text = format!("{sign}{}.{rest:03}", milli / 1_000);
            text.trim_end_matches('0').to_owned()
        }
    }
}

fn find_order<V: View>(store: &mut V, channel: &str, order_id: &str) -> Result<Order, QueryError> {
    let found = store.order(OrderKey::of(channel, order_id)).cloned();
    found.ok_or_else(|| QueryError::NotFound(format!("no order `{channel}/{order_id}`")))
}

fn node_id<V: View>(store: &V, node: NodeIx) -> String {
    store.nodes()[node.0 as usize].id.clone()
}

fn order_body<V: View>(store: &mut V, order: &Order) -> Value {
    let lines: Vec<Value> = order
        .lines
        .iter()
        .enumerate()
        .map(|(place, line)| {
            let ordered_sku = order.substitutes(place).and_then(|row| row.ordered);
            json!({
                "line_id": line.line_id, "sku": store.item(line.sku).sku,
                "kit_line": order.kit_of(place).map(|kit| &kit.line_id),
                "ordered_sku": ordered_sku.map(|sku| &store.item(sku).sku),
                "ordered": units(line.ordered), "open": units(line.open),
                "waiting": units(line.waiting), "allocated": units(line.allocated),
                "shipped": units(line.shipped), "delivered": units(line.delivered),
                "cancelled": units(line.cancelled), "undelivered": units(line.undelivered),
                "returned": units(line.returned),
            })
        })
        .collect();
    let fulfilments: Vec<Value> = (1..)
        .zip(&order.fulfilments)
        .map(|(number, fulfilment)| fulfilment_body(store, order, number, fulfilment))
        .collect();
    let excluded: Vec<String> = order.excluded.iter().map(|&node| node_id(store, node)).collect();
    let timing = order.timing.as_deref().copied().unwrap_or_default();
    let mut body = json!({
        "channel": order.channel, "order_id": order.order_id, "status": order.status(),
        "revision": order.revision, "decisions": order.decisions, "priority": order.priority,
        "placed_at": format_time(order.placed_at), "lines": lines, "fulfilments": fulfilments,
        "excluded": excluded, "class": order.class(), "returns": returns_body(store, order),
        "holds": order.holds_of_order().iter().map(hold_body).collect::<Vec<_>>(),
        "kits": kits::kits_body(store, order),
        "payment": payment_body(order), "release_at": instant(timing.release_at),
        "earliest_schedule": instant(timing.schedule_at),
        "waiting_until": instant(timing.waiting_until), "remind_at": instant(timing.remind_at),
        "ready_until": instant(timing.ready_until),
        "tickets": tickets_body(order), "feedback": feedback_body(order),
        "promise": promise::of_order(store, order.key()),
    });
    if !order.moves().is_empty() {
        body["transfers"] = order.moves().iter().map(|row| move_body(store, row)).collect();
    }
    body
}

/// What is suggested to be moved for an order, and what is on its way for it since.
fn move_body<V: View>(store: &V, row: &SuggestedMove) -> Value {
    json!({
        "sku": store.item(row.sku).sku, "from": node_id(store, row.from),
        "to": node_id(store, row.to), "suggested": units(row.units),
        "under_way": units(row.under_way),
    })
}

/// A hold without an id is the engine's own.
fn hold_body(hold: &v1::Hold) -> Value {
    json!({ "hold_id": hold.hold_id, "reason": hold.reason().as_str_name() })
}

/// What the order costs, where the engine knows, and what was paid: minor units.
fn payment_body(order: &Order) -> Value {
    let Some(handling) = &order.handling else { return Value::Null };
    let due = handling.due.as_ref().and_then(|due| due.amount(order));
    let payment = |payment: &Payment| {
        json!({
            "payment_id": payment.id, "authorised": payment.authorised,
            "captured": payment.captured, "refunded": payment.refunded,
        })
    };
    let payments: Vec<Value> = handling.payments.iter().map(payment).collect();
    if due.is_none() && payments.is_empty() {
        Value::Null
    } else {
        json!({ "due": due, "payments": payments })
    }
}

/// An instant for people; `None` where there is none.
fn instant(at_ms: i64) -> Option<String> {
    (at_ms != 0).then(|| format_time(at_ms))
}

fn fulfilment_body<V: View>(
    store: &mut V,
    order: &Order,
    number: u32,
    fulfilment: &Fulfilment,
) -> Value {
    let id = FulfilmentId { channel: &order.channel, order_id: &order.order_id, number };
    let lines: Vec<Value> = fulfilment
        .lines
        .iter()
        .enumerate()
        .map(|(place, part)| {
            let line = &order.lines[part.line as usize];
            let progress = fulfilment.line_progress(place);
            let packed =
                fulfilment.packed_units(place, false) + fulfilment.packed_units(place, true);
            json!({
                "line_id": line.line_id, "sku": store.item(line.sku).sku,
                "allocated": units(part.allocated), "backordered": units(part.backordered),
                "picked": units(progress.picked), "packed": units(packed),
                "shipped": units(part.shipped), "delivered": units(part.delivered),
                "undelivered": units(progress.undelivered), "returned": units(progress.returned),
                "asked_back": units(order.asked_back_of(number as usize - 1, part)),
            })
        })
        .collect();
    let keys = fulfilment.progress.as_ref().map(|progress| progress.parcels.clone());
    let parcels: Vec<Value> = keys
        .unwrap_or_default()
        .into_iter()
        .filter_map(|key| {
            let parcel = store.parcel(key).cloned()?;
            Some(parcel_body(store, &parcel))
        })
        .collect();
    let holds = order.holds_of_fulfilment(number as usize - 1);
    json!({
        "id": id.to_string(), "node": node_id(store, fulfilment.node),
        "state": format!("{:?}", fulfilment.state), "lines": lines, "parcels": parcels,
        "holds": holds.iter().map(hold_body).collect::<Vec<_>>(),
        "due_at": instant(fulfilment.due_at), "dispatch_by": dispatch_by(order, number),
    })
}

fn fulfilment_answer<V: View>(store: &mut V, text: &str) -> Result<Value, QueryError> {
    let missing = || QueryError::NotFound(format!("no fulfilment `{text}`"));
    let id = FulfilmentId::parse(text).ok_or_else(missing)?;
    let order = find_order(store, id.channel, id.order_id)?;
    let place = id.number as usize - 1;
    let fulfilment = order.fulfilments.get(place).ok_or_else(missing)?;
    let mut body = fulfilment_body(store, &order, id.number, fulfilment);
    body["order"] = json!(format!("{}/{}", order.channel, order.order_id));
    Ok(body)
}

fn stock_body(
    store: &mut Store,
    node: Option<&str>,
    sku: Option<&str>,
    limit: usize,
) -> Result<Value, QueryError> {
    let only_node = match node {
        None => None,
        Some(id) => Some(
            store.node_named(id).ok_or_else(|| QueryError::NotFound(format!("no node `{id}`")))?,
        ),
    };
    let skus: Vec<SkuIx> = match sku {
        None => (0..store.item_count()).map(SkuIx).collect(),
        Some(name) => {
            let missing = || QueryError::NotFound(format!("no item `{name}`"));
            vec![store.item_named(name).ok_or_else(missing)?]
        }
    };
    let mut rows = Vec::new();
    for sku in skus {
        let of_sku = store.stock_of(sku).to_vec();
        for row in of_sku.iter().filter(|row| only_node.is_none_or(|only| only == row.node)) {
            if rows.len() == limit {
                return Ok(json!({ "rows": rows, "truncated": true }));
            }
            rows.push(stock_row(store, sku, row.node, &row.stock));
        }
    }
    Ok(json!({ "rows": rows, "truncated": false }))
}

fn availability_body(store: &mut Store, channel: &str, sku: &str) -> Result<Value, QueryError> {
    let defined = store.settings().and_then(|settings| settings.channels.get(channel)).cloned();
    let defined = defined
        .ok_or_else(|| QueryError::NotFound(format!("no channel `{channel}` is defined")))?;
    let missing = || QueryError::NotFound(format!("no item `{sku}`"));
    let ix = store.item_named(sku).ok_or_else(missing)?;
    let available = units(channel_atp(store, (channel, &defined), ix));
    Ok(json!({ "channel": channel, "sku": sku, "available": available }))
}

fn stock_row(store: &mut Store, sku: SkuIx, node: NodeIx, stock: &Stock) -> Value {
    let inbound = inbound_of(store, sku, node);
    let reserves = store.settings().is_some_and(|settings| settings.reserves);
    let ledger = match stock.aside {
        0 if !reserves => Ledger::default(),
        _ => store.ledger(sku, node).cloned().unwrap_or_default(),
    };
    let lots: Vec<Value> = store.lots(sku, node).map_or(Vec::new(), lots_body);
    json!({
        "node": node_id(store, node), "sku": store.item(sku).sku, "lots": lots,
        "serials": serial::of_shelf(store, sku, node),
        "on_hand": units(stock.on_hand), "allocated": units(stock.allocated),
        "held": units(stock.held),
        "quarantine": units(stock.quarantine), "shipped": units(stock.shipped),
        "in_transit": units(ledger.in_transit), "written_off": units(ledger.written_off),
        "returned_to_supplier": units(ledger.returned_to_supplier),
        "buffer": units(stock.buffer), "backorder_limit": units(stock.backorder_limit),
        "inbound": units(inbound.units()), "expected": expected_body(&inbound),
        "atp_by_date": phased_body(stock, &inbound),
        "atp": units(stock.atp()), "short": units(stock.short()),
        "flagged_out": stock.flagged_out, "reserved": reserved_body(&ledger),
    })
}

/// Units kept for channels.
fn reserved_body(ledger: &Ledger) -> Value {
    let row = |row: &(String, i64)| json!({ "channel": row.0, "units": units(row.1) });
    ledger.reserved.iter().map(row).collect()
}

/// Decisions read at once.
const FETCH: usize = 4 << 20;

fn decisions_body(
    log: &dyn Log,
    options: &Options,
    follower: &mut Follower,
    channel: &str,
    order_id: &str,
) -> Result<Value, QueryError> {
    let failed = |error: omnifold_log::LogError| QueryError::Failed(error.to_string());
    let kind = omnifold_log::TopicKind::Assignments;
    let topic = omnifold_log::topic_name(&options.prefix, &follower.market, kind);
    let start = log.describe(&[&topic]).map_err(failed)?.pop().flatten().map_or(0, |t| t.start);
    let mut reader = log.reader(&[(topic, start)]).map_err(failed)?;
    let mut buffer = RecordBuf::default();
    let prefix = format!("{channel}/{order_id}");
    let mut found = Vec::new();
    loop {
        buffer.clear();
        let fetched = reader.fetch(0, FETCH, &mut buffer).map_err(failed)?;
        for record in buffer.iter().filter(|record| record.key.starts_with(prefix.as_bytes())) {
            let type_name = record.headers.get("ce_type").unwrap_or_default();
            let type_name = String::from_utf8_lossy(type_name);
            let Ok(decision) = decode_decision(&type_name, record.value.unwrap_or_default()) else {
                continue;
            };
            let of_hold = matches!(decision, Decision::SoftHold(_));
            if !of_hold && decision.order() == (channel, order_id) {
                let name = type_name.trim_start_matches("omnifold.v1.");
                found.push(decision_body(&follower.machine.store, name, record.offset, &decision));
            }
        }
        if fetched.at_end && fetched.records == 0 {
            return Ok(json!({ "order": prefix, "decisions": found }));
        }
        if fetched.records == 0 {
            reader.wait(std::time::Duration::from_millis(20)).map_err(failed)?;
        }
    }
}

pub(crate) fn decision_body<V: View>(
    store: &V,
    name: &str,
    offset: u64,
    decision: &Decision,
) -> Value {
    let mut body = json!({
        "type": name, "offset": offset, "decision": decision.number(), "step": decision.step(),
        "cause": decision.cause().as_str_name(),
    });
    let lines = |lines: &[v1::AssignedLine]| -> Value {
        lines
            .iter()
            .map(|line| {
                json!({
                    "line_id": line.line_id, "sku": line.sku,
                    "quantity": units(line.quantity_milli),
                    "backordered": units(line.backordered_milli),
                })
            })
            .collect()
    };
    let (outcome, explanation) = match decision {
        Decision::Outcome(m) => (Some(m), m.explanation.as_ref()),
        Decision::Assigned(m) => {
            body["fulfilment"] = json!(m.fulfilment);
            body["node"] = json!(m.node_id);
            body["distance_m"] = json!(m.distance_m);
            body["send_to"] = json!(m.send_to_node_id);
            body["lines"] = lines(&m.lines);
            body["promise"] = told_promise(store, m.promise.as_deref());
            let of_outcome = m.outcome.as_ref().and_then(|outcome| outcome.explanation.as_ref());
            (m.outcome.as_ref(), m.explanation.as_ref().or(of_outcome))
        }
        Decision::Changed(m) => {
            body["fulfilment"] = json!(m.fulfilment);
            body["node"] = json!(m.node_id);
            body["lines"] = lines(&m.lines);
            body["holds"] = m.holds.iter().map(hold_body).collect();
            (None, None)
        }
        Decision::ReleaseRequested(m) => {
            body["fulfilment"] = json!(m.fulfilment);
            body["node"] = json!(m.node_id);
            body["lines"] = lines(&m.lines);
            (None, None)
        }
        Decision::Released(m) => {
            body["fulfilment"] = json!(m.fulfilment);
            body["node"] = json!(m.node_id);
            body["lines"] = lines(&m.lines);
            (None, None)
        }
        Decision::ReturnAuthorised(m) => {
            body["return"] = json!(m.return_id);
            body["node"] = json!(m.node_id);
            body["replacement"] = json!(m.replacement.as_ref().map(|order| &order.order_id));
            (None, None)
        }
        Decision::ReturnRefused(m) => {
            body["return"] = json!(m.return_id);
            body["reason"] = json!(m.reason);
            (None, None)
        }
        Decision::RefundDue(m) => {
            body["return"] = json!(m.return_id);
            body["refund"] = json!(m.refund);
            body["credit"] = json!(m.credit);
            body["fee"] = json!(m.fee);
            (None, None)
        }
        Decision::SoftHold(_) | Decision::Wave(_) => (None, None), // about no order
    };
    if let Some(outcome) = outcome {
        add_outcome(&mut body, outcome);
        if outcome.promise.is_some() {
            body["promise"] = told_promise(store, outcome.promise.as_deref());
        }
    }
    if let Some(explanation) = explanation {
        add_explanation(&mut body, store, explanation);
    }
    body
}

fn told_promise<V: View>(store: &V, promise: Option<&v1::Promise>) -> Value {
    promise.map_or(Value::Null, |promise| promise_body(store, promise))
}

fn add_outcome(body: &mut Value, outcome: &v1::OrderOutcome) {
    let quantities = |lines: &[v1::LineQuantity]| -> Value {
        lines
            .iter()
            .map(|line| json!({"line_id": line.line_id, "quantity": units(line.quantity_milli)}))
            .collect()
    };
    let shortages: Value = outcome
        .shortages
        .iter()
        .map(|short| {
            json!({
                "sku": short.sku, "requested": units(short.requested_milli),
                "available": units(short.available_milli),
            })
        })
        .collect();
    body["status"] = json!(outcome.status().as_str_name());
    body["reason"] = json!(outcome.reason);
    body["shortages"] = shortages;
    body["waiting"] = quantities(&outcome.waiting);
    if !outcome.holds.is_empty() {
        body["holds"] = outcome.holds.iter().map(hold_body).collect();
    }
    for (name, lines) in
        [("release_requested", &outcome.release_requested), ("kept", &outcome.kept)]
    {
        if !lines.is_empty() {
            body[name] = quantities(lines);
        }
    }
    body["cancelled"] = quantities(&outcome.cancelled);
    if let Some(plan) = &outcome.transfers {
        let told = |row: &v1::SuggestedTransfer| {
            json!({
                "sku": row.sku, "from": row.from_node_id, "to": row.to_node_id,
                "quantity": units(row.quantity_milli),
            })
        };
        body["transfers"] = plan.moves.iter().map(told).collect();
    }
}
