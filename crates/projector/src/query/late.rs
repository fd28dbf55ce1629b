//! What an order has late in its life, for people: parcels, returns, tickets, feedback.

use omnifold_domain::{Order, Return, Ticket, View};
use omnifold_events::{format_time, v1};
use serde_json::{Value, json};

use super::{instant, node_id, units};

pub(super) fn tickets_body(order: &Order) -> Vec<Value> {
    let tickets = order.details.iter().flat_map(|details| &details.tickets);
    let ticket = |ticket: &Ticket| {
        let kind = v1::TicketKind::try_from(ticket.kind).unwrap_or_default();
        let (number, fulfilment) = (ticket.number, ticket.fulfilment);
        json!({ "ticket": number, "kind": kind.as_str_name(), "fulfilment": fulfilment })
    };
    tickets.map(ticket).collect()
}

pub(super) fn feedback_body(order: &Order) -> Vec<Value> {
    let said = order.details.iter().flat_map(|details| &details.feedback);
    said.map(|said| json!({ "feedback_id": said.id, "score": said.score })).collect()
}

pub(super) fn returns_body<V: View>(store: &mut V, order: &Order) -> Vec<Value> {
    let keys = order.details.as_ref().map(|details| details.returns.clone()).unwrap_or_default();
    let rows: Vec<Return> =
        keys.into_iter().filter_map(|key| store.return_of(key).cloned()).collect();
    rows.iter().map(|row| return_body(store, order, row)).collect()
}

fn return_body<V: View>(store: &V, order: &Order, row: &Return) -> Value {
    let lines: Vec<Value> = row
        .lines
        .iter()
        .map(|line| {
            let response = v1::ReturnResponse::try_from(line.response).unwrap_or_default();
            json!({
                "line_id": order.lines[line.line as usize].line_id, "announced": units(line.units),
                "received": units(line.received), "response": response.as_str_name(),
            })
        })
        .collect();
    json!({
        "return_id": row.return_id, "state": format!("{:?}", row.state),
        "requested_at": format_time(row.requested_at),
        "node": row.node.map(|node| node_id(store, node)), "replacement": row.replacement,
        "expires_at": instant(row.expires_at), "lines": lines,
    })
}
