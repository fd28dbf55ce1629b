//! Work at nodes, parcels, and what comes back.

use omnifold_events::{Event, v1};

use super::*;

pub fn euros(minor: i64) -> Option<v1::Money> {
    Some(v1::Money { minor, currency: "EUR".to_owned() })
}

pub fn text(word: &str) -> String {
    word.to_owned()
}

pub fn carrier() -> Event {
    let status = v1::TrackingStatus::OutForDelivery.into();
    v1::CarrierDefined {
        carrier: text("ups"),
        name: text("United Parcel Service"),
        codes: vec![v1::CarrierCode { code: text("DL"), status }],
        extensions: extensions(),
    }
    .into()
}

pub fn policies() -> Vec<Event> {
    vec![
        v1::PolicyActivated {
            document: text("name = \"nearest\"\nversion = 1\n"),
            hash: text("6c62272e07bb014262b821756295c58d"),
            extensions: extensions(),
        }
        .into(),
        v1::PolicyRetired { name: text("nearest"), extensions: extensions() }.into(),
    ]
}

pub fn return_line() -> v1::ReturnLine {
    v1::ReturnLine {
        line_id: text("1"),
        quantity_milli: 1_000,
        response: v1::ReturnResponse::Replace.into(),
        condition: v1::ItemCondition::Faulty.into(),
    }
}

pub fn returns() -> Vec<Event> {
    let (channel, order_id, return_id) = (text("web"), text("1001"), text("R1"));
    vec![
        v1::ReturnRequested {
            channel: channel.clone(),
            order_id: order_id.clone(),
            return_id: return_id.clone(),
            lines: vec![return_line()],
            reason: text("too small"),
            from: location(),
            extensions: extensions(),
        }
        .into(),
        v1::ReturnExpired { channel, order_id, return_id, extensions: extensions() }.into(),
    ]
}

pub fn work_at_nodes() -> Vec<Event> {
    let lines = || vec![line_quantity("1", 1_000)];
    let (id, extensions) = (|| text("web/1001/f1"), extensions);
    vec![
        v1::FulfilmentPicked {
            target: by_id(),
            lines: lines(),
            extensions: extensions(),
            lots: taken(),
        }
        .into(),
        v1::FulfilmentShortPicked {
            target: by_id(),
            lines: lines(),
            reason: v1::RejectionReason::Mismatch.into(),
            extensions: extensions(),
        }
        .into(),
        v1::FulfilmentPacked {
            fulfilment_id: id(),
            parcel_id: text("P1"),
            lines: lines(),
            weight_g: 900,
            backordered: true,
            extensions: extensions(),
        }
        .into(),
        v1::FulfilmentHandedOver {
            fulfilment_id: id(),
            carrier: text("ups"),
            manifest_id: text("M1"),
            parcels: vec![v1::HandedParcel { parcel_id: text("P1"), tracking_number: text("1Z9") }],
            extensions: extensions(),
            serials: serials(),
        }
        .into(),
        v1::FulfilmentReadyForPickup { target: by_id(), extensions: extensions() }.into(),
        v1::FulfilmentCollected {
            target: by_id(),
            lines: lines(),
            extensions: extensions(),
            serials: serials(),
        }
        .into(),
        v1::FulfilmentPickupExpired { target: by_id(), extensions: extensions() }.into(),
        v1::FulfilmentReturnedToStock { target: by_id(), extensions: extensions() }.into(),
        v1::FulfilmentMoved {
            fulfilment_id: id(),
            to_node: text("dc-north"),
            lines: lines(),
            extensions: extensions(),
        }
        .into(),
    ]
}

pub fn gathering() -> Vec<Event> {
    let lines = vec![line_quantity("1", 1_000)];
    vec![
        v1::FulfilmentArrivedAtNode { target: by_id(), lines, extensions: extensions() }.into(),
        v1::FulfilmentForwarded {
            target: by_id(),
            carrier: text("ups"),
            tracking_number: text("1Z9"),
            extensions: extensions(),
        }
        .into(),
    ]
}

pub fn parcels() -> Vec<Event> {
    vec![
        v1::TrackingUpdated {
            carrier: text("ups"),
            tracking_number: text("1Z9"),
            code: text("DL"),
            happened_at_ms: 1_748_858_400_000,
            place: text("Köln"),
            extensions: extensions(),
        }
        .into(),
        v1::ParcelHandedOn {
            carrier: text("ups"),
            tracking_number: text("1Z9"),
            to_carrier: text("post"),
            to_tracking_number: text("L7"),
            extensions: extensions(),
        }
        .into(),
    ]
}

pub fn what_comes_back() -> Vec<Event> {
    let (channel, order_id, return_id) = (text("web"), text("1001"), text("R1"));
    let received = |disposition: v1::Disposition| v1::ReceivedLine {
        line_id: text("1"),
        quantity_milli: 1_000,
        disposition: disposition.into(),
        lot: text("L-22"),
        serials: vec![text("S-1")],
    };
    vec![
        v1::FulfilmentLost {
            target: any_node(),
            lines: vec![line_quantity("1", 1_000)],
            kind: v1::LossKind::Damaged.into(),
            extensions: extensions(),
            serials: serials(),
        }
        .into(),
        v1::FulfilmentReturnedToOrigin {
            target: any_node(),
            lines: vec![line_quantity("1", 1_000)],
            disposition: v1::Disposition::Quarantine.into(),
            extensions: extensions(),
            serials: serials(),
        }
        .into(),
        v1::ReturnReceived {
            channel: channel.clone(),
            order_id: order_id.clone(),
            return_id: return_id.clone(),
            node_id: text("berlin-1"),
            lines: vec![received(v1::Disposition::Inspect)],
            extensions: extensions(),
        }
        .into(),
        v1::ReturnInspected {
            channel,
            order_id,
            return_id,
            node_id: text("berlin-1"),
            lines: vec![received(v1::Disposition::Refurbish)],
            extensions: extensions(),
        }
        .into(),
        v1::BlindReturnReceived {
            node_id: text("berlin-1"),
            sku: text("tea-500"),
            quantity_milli: 1_000,
            disposition: v1::Disposition::Destroy.into(),
            extensions: extensions(),
            units: units(),
        }
        .into(),
    ]
}
