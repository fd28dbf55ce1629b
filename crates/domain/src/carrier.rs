//! Carriers and the meaning of their codes (rule S4).

use omnifold_events::v1;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

/// A carrier's key: XXH3-128 of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CarrierKey(pub u128);

impl CarrierKey {
    /// The key of a carrier.
    pub fn of(carrier: &str) -> Self {
        CarrierKey(xxh3_128(carrier.as_bytes()))
    }
}

/// A carrier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carrier {
    /// The operator's short name for it.
    pub id: String,
    /// For people.
    pub name: String,
    /// Code and `v1::TrackingStatus`, by code.
    pub codes: Vec<(String, i32)>,
}

impl Carrier {
    /// What a code of this carrier means.
    pub fn status_of(&self, code: &str) -> v1::TrackingStatus {
        let place = self.codes.binary_search_by(|(known, _)| known.as_str().cmp(code));
        let status = place.ok().and_then(|place| self.codes[place].1.try_into().ok());
        status.unwrap_or(v1::TrackingStatus::Unknown)
    }
}
