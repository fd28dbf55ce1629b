//! Answers about parcels.

use omnifold_domain::{Parcel, View};
use omnifold_events::{format_time, v1};
use serde_json::{Value, json};

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
