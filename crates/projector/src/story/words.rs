//! What happened to an order, in plain words: a sentence for the kind of message, and what it says in
//! the fields that matter to a person. Fields are found by their names, so that a new kind of message
//! tells its story with no more than a sentence of its own, or none.

use serde_json::Value;

use crate::machine::{Chapter, Fate};

/// Sentences by kind of message; others are told by the words of their name.
const SENTENCES: &[(&str, &str)] = &[
    ("OrderPlaced", "the customer placed it"),
    ("OrderCancelled", "a cancellation was asked for"),
    ("OrderResumed", "a cancellation was taken back"),
    ("OrderChanged", "the customer changed it"),
    ("OrderHeld", "a hold was put on it"),
    ("OrderHoldReleased", "a hold was taken away"),
    ("PaymentAuthorised", "a payment was authorised"),
    ("PaymentCaptured", "a payment was captured"),
    ("PaymentFailed", "a payment failed"),
    ("PaymentVoided", "a payment was voided"),
    ("PaymentRefunded", "money went back"),
    ("ReturnRequested", "a return was asked for"),
    ("ReturnExpired", "a return was given up"),
    ("ReturnReceived", "a return came in"),
    ("ReturnInspected", "a return was inspected"),
    ("FulfilmentAccepted", "the node accepted"),
    ("FulfilmentRejected", "the node turned it down"),
    ("FulfilmentPicked", "taken from the shelf"),
    ("FulfilmentShortPicked", "not found on the shelf"),
    ("FulfilmentPacked", "packed"),
    ("FulfilmentHandedOver", "handed to a carrier"),
    ("FulfilmentShipped", "shipped"),
    ("FulfilmentDelivered", "delivered"),
    ("FulfilmentReadyForPickup", "ready for its customer"),
    ("FulfilmentArrivedAtNode", "reached the node it was sent to"),
    ("FulfilmentForwarded", "left that node for its customer"),
    ("FulfilmentCollected", "collected by its customer"),
    ("FulfilmentPickupExpired", "not collected in time"),
    ("FulfilmentReturnedToStock", "back on the shelf"),
    ("FulfilmentMoved", "an operator moved it"),
    ("FulfilmentLost", "lost or damaged on the way"),
    ("FulfilmentReturnedToOrigin", "back at its origin"),
    ("FulfilmentReleaseConfirmed", "the node gives up what it was asked for"),
    ("FulfilmentReleaseRefused", "the node keeps what it was asked for"),
    ("TrackingUpdated", "the carrier says"),
    ("ParcelHandedOn", "handed on to another carrier"),
    ("OrderFeedback", "the customer said what it was like"),
    ("TicketClosed", "a ticket was closed"),
    ("OrderOutcome", "the answer"),
    ("FulfilmentAssigned", "given to a node"),
    ("FulfilmentChanged", "the node keeps"),
    ("FulfilmentReleased", "taken back from the node"),
    ("FulfilmentReleaseRequested", "the node is asked to give up"),
    ("ReturnAuthorised", "the return may be sent"),
    ("ReturnRefused", "the return is not taken"),
    ("RefundDue", "money is due to the customer"),
];

/// Fields that are told as they are, in this order, with the word before each.
const PLAIN: &[(&str, &str)] = &[
    ("nodeId", "at"),
    ("toNode", "to"),
    ("holdId", "hold"),
    ("paymentId", "payment"),
    ("returnId", "return"),
    ("parcelId", "parcel"),
    ("carrier", "by"),
    ("trackingNumber", ""),
    ("code", "code"),
    ("toCarrier", "to"),
    ("toTrackingNumber", ""),
    ("feedbackId", "feedback"),
    ("score", "score"),
    ("ticket", "ticket"),
];

/// Fields of units, with the word before each.
const UNITS: &[(&str, &str)] = &[
    ("lines", ""),
    ("waiting", "waiting"),
    ("cancelled", "cancelled"),
    ("releaseRequested", "asked back"),
    ("kept", "kept"),
];

/// Fields that are a word of an enum or a code.
const CODES: &[&str] = &["status", "reason", "kind", "disposition", "resolution"];

/// One sentence.
pub(super) fn sentence(chapter: &Chapter) -> String {
    let mut text = if chapter.event.is_empty() {
        if chapter.moment.1 > 0 { "its time came" } else { "stock appeared for it" }.to_owned()
    } else if chapter.body.is_null() {
        format!("{} changed it", spaced(&chapter.event))
    } else {
        said(&chapter.event, &chapter.body)
    };
    match &chapter.fate {
        Fate::Taken | Fate::Decided => {}
        Fate::Duplicate => text += "; said before, no effect",
        Fate::Refused(reason, detail) => text += &format!("; refused, {reason}: {detail}"),
    }
    text
}

fn said(event: &str, body: &Value) -> String {
    let known = SENTENCES.iter().find(|(name, _)| *name == event);
    let mut text = known.map_or_else(|| spaced(event), |(_, words)| (*words).to_owned());
    let details = details(body);
    if !details.is_empty() {
        text += &format!(": {}", details.join(", "));
    }
    let cause = body["outcome"]["cause"].as_str().or(body["cause"].as_str()).unwrap_or_default();
    match word(cause).as_str() {
        "" | "placed" | "unspecified" => text,
        cause => format!("{text} ({cause})"),
    }
}

fn details(body: &Value) -> Vec<String> {
    let mut details: Vec<String> = fulfilment(body).into_iter().collect();
    for (field, before) in PLAIN {
        if let Some(value) = plain(&body[*field]) {
            details.push(format!("{before} {value}").trim_start().to_owned());
        }
    }
    for (field, before) in UNITS {
        let units: Vec<String> = rows(&body[*field]).iter().filter_map(units).collect();
        if !units.is_empty() {
            details.push(format!("{before} {}", units.join(" and ")).trim_start().to_owned());
        }
    }
    for field in ["amount", "refund", "credit", "fee"] {
        details.extend(money(&body[field]).map(|money| match field {
            "amount" => money,
            other => format!("{other} {money}"),
        }));
    }
    let codes = CODES.iter().filter_map(|field| body[*field].as_str());
    details.extend(codes.map(word).filter(|word| !word.is_empty()));
    details
}

/// `f2`, however the message names it.
fn fulfilment(body: &Value) -> Option<String> {
    if let Some(number) = body["fulfilment"].as_u64() {
        return Some(format!("f{number}"));
    }
    let id = body["fulfilmentId"].as_str().or(body["target"]["fulfilmentId"].as_str())?;
    id.rsplit_once('/').map(|(_, part)| part.to_owned())
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// `S x2`, `line 1 x2`, or `line 1` where all of it is meant.
fn units(row: &Value) -> Option<String> {
    let line = || row["lineId"].as_str().map(|line| format!("line {line}"));
    let name = row["sku"].as_str().map(str::to_owned).or_else(line)?;
    let milli = row["quantityMilli"].as_str().and_then(|milli| milli.parse::<i64>().ok());
    Some(match milli {
        None | Some(0) => name,
        Some(milli) => format!("{name} x{}", crate::query::units(milli)),
    })
}

fn money(value: &Value) -> Option<String> {
    let minor: i64 = value["minor"].as_str()?.parse().ok()?;
    let currency = value["currency"].as_str().unwrap_or_default();
    Some(format!("{minor} minor units of {currency}"))
}

/// `OUTCOME_STATUS_PARTLY_ASSIGNED` as `partly assigned`, `unfillable` as it is.
fn word(name: &str) -> String {
    const PREFIXES: [&str; 8] = [
        "OUTCOME_STATUS_",
        "CAUSE_",
        "REJECTION_REASON_",
        "HOLD_REASON_",
        "LOSS_KIND_",
        "DISPOSITION_",
        "RETURN_RESPONSE_",
        "TICKET_KIND_",
    ];
    let short = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    short.to_lowercase().replace('_', " ")
}

/// `StockCounted` as `stock counted`.
fn spaced(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnifold_events::{Event, Output as _, v1};
    use serde_json::json;

    #[test]
    fn every_sentence_is_of_a_kind_that_there_is() {
        let outputs = [
            v1::OrderOutcome::TYPE,
            v1::FulfilmentAssigned::TYPE,
            v1::FulfilmentChanged::TYPE,
            v1::FulfilmentReleased::TYPE,
            v1::FulfilmentReleaseRequested::TYPE,
            v1::ReturnAuthorised::TYPE,
            v1::ReturnRefused::TYPE,
            v1::RefundDue::TYPE,
        ];
        let inputs = Event::TYPES.iter().map(|(name, _)| *name);
        let known: Vec<&str> =
            inputs.chain(outputs).map(|name| name.trim_start_matches("omnifold.v1.")).collect();
        for (name, _) in SENTENCES {
            assert!(known.contains(name), "{name}");
        }
    }

    #[test]
    fn a_message_is_told_by_what_it_says() {
        let body = json!({
            "fulfilment": 2, "nodeId": "N", "cause": "CAUSE_REROUTED",
            "lines": [{ "lineId": "1", "sku": "S", "quantityMilli": "1500" }],
        });
        let told = said("FulfilmentAssigned", &body);
        assert_eq!(told, "given to a node: f2, at N, S x1.5 (rerouted)");
        let body = json!({ "paymentId": "p1", "amount": { "minor": "900", "currency": "EUR" } });
        assert_eq!(
            said("PaymentCaptured", &body),
            "a payment was captured: payment p1, 900 minor units of EUR"
        );
        assert_eq!(said("SomethingNew", &json!({})), "something new");
    }
}
