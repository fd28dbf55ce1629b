//! What torn transactions left open, kept with a checkpoint: what is not answered when it is made
//! must be known when it is opened.

use std::collections::BTreeMap;

use omnifold_log::{Headers, RecordBuf};
use serde::{Deserialize, Serialize};

use crate::machine::{Recorded, decode_decision, type_of};

/// Decisions without a mark that wait for an answer, and marks without their decisions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Torn {
    voids: Vec<StoredVoid>,
    missing: Vec<StoredEpoch>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredVoid {
    type_name: String,
    payload: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredEpoch {
    epoch: u64,
    records: Vec<StoredRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredRecord {
    topic: usize,
    time_ms: i64,
    headers: Vec<u8>,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl Torn {
    pub(crate) fn new(voids: &[Recorded], missing: &BTreeMap<u64, RecordBuf>) -> Self {
        let void = |void: &Recorded| StoredVoid {
            type_name: type_of(&void.decision).to_owned(),
            payload: void.payload.clone(),
        };
        let epoch = |(epoch, records): (&u64, &RecordBuf)| StoredEpoch {
            epoch: *epoch,
            records: stored(records),
        };
        Torn {
            voids: voids.iter().map(void).collect(),
            missing: missing.iter().map(epoch).collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.voids.is_empty() && self.missing.is_empty()
    }

    /// The decisions without a mark.
    pub(crate) fn voids(&self) -> Result<Vec<Recorded>, String> {
        let void = |void: &StoredVoid| {
            let decision = decode_decision(&void.type_name, &void.payload)?;
            Ok(Recorded { decision, payload: void.payload.clone(), offset: 0 })
        };
        self.voids.iter().map(void).collect()
    }

    /// The decisions of marks that stand without them, by epoch.
    pub(crate) fn missing(&self) -> Result<BTreeMap<u64, RecordBuf>, String> {
        let epoch = |epoch: &StoredEpoch| Ok((epoch.epoch, restored(&epoch.records)?));
        self.missing.iter().map(epoch).collect()
    }
}

fn stored(records: &RecordBuf) -> Vec<StoredRecord> {
    let record = |record: omnifold_log::Record<'_>| StoredRecord {
        topic: record.topic,
        time_ms: record.time_ms,
        headers: record.headers.as_bytes().to_vec(),
        key: record.key.to_vec(),
        value: record.value.unwrap_or_default().to_vec(),
    };
    records.iter().map(record).collect()
}

fn restored(records: &[StoredRecord]) -> Result<RecordBuf, String> {
    let mut buffer = RecordBuf::default();
    for StoredRecord { topic, time_ms, headers, key, value } in records {
        let headers = Headers::from_bytes(headers).ok_or("stored headers cannot be read")?;
        buffer.push(*topic, 0, *time_ms, headers, key, Some(value));
    }
    Ok(buffer)
}
