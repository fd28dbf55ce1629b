//! What an order has late in its life, for people: parcels, returns, tickets, feedback.

use omnifold_domain::{Order, Parcel, Return, Ticket, View};
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

/// A parcel, its chain of carriers, and what they said, oldest first.
pub(super) fn parcel_body<V: View>(store: &mut V, parcel: &Parcel) -> Value {
    let word = |status: i32| {
        let status = v1::TrackingStatus::try_from(status).unwrap_or_default();
        status.as_str_name().trim_start_matches("TRACKING_STATUS_").to_lowercase()
    };
    let tracking = &parcel.tracking;
    let history: Vec<Value> = tracking
        .history
        .iter()
        .map(|entry| {
            json!({
                "at": format_time(entry.at), "status": word(entry.status), "code": entry.code,
                "carrier": entry.carrier, "place": entry.place,
            })
        })
        .collect();
    let legs: Vec<Value> = parcel
        .legs
        .iter()
        .filter_map(|&key| {
            let leg = store.parcel(key)?;
            Some(json!({"carrier": leg.carrier, "tracking_number": leg.tracking_number}))
        })
        .collect();
    json!({
        "carrier": parcel.carrier, "tracking_number": parcel.tracking_number,
        "parcel_id": parcel.parcel_id, "manifest_id": parcel.manifest_id,
        "weight_g": parcel.weight_g, "status": word(tracking.status),
        "picked_up_at": tracking.picked_up_at.map(format_time),
        "delivered_at": tracking.delivered_at.map(format_time),
        "handed_on_to": legs, "history": history, "forgotten": tracking.forgotten,
    })
}
