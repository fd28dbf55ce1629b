//! Which records are still needed, and by whom.
//!
//! Floors are kept by this process only: an instance protects what its own checkpoints, standbys
//! and exports need. Kafka has no place for another instance's floors, so trimming is for the one
//! instance (or operator) that has set the floors of every holder.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use omnifold_log::LogError;

/// Lowest offset needed, by topic and holder.
#[derive(Debug, Default)]
pub(crate) struct Floors(Mutex<HashMap<String, BTreeMap<String, u64>>>);

impl Floors {
    pub(crate) fn set(&self, holder: &str, topic: &str, offset: u64) {
        let mut floors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        floors.entry(topic.to_owned()).or_default().insert(holder.to_owned(), offset);
    }

    /// Refuses to remove records before `offset` where someone needs one of them.
    pub(crate) fn check(&self, topic: &str, offset: u64) -> Result<(), LogError> {
        let floors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lowest =
            floors.get(topic).and_then(|holders| holders.iter().min_by_key(|(_, at)| **at));
        match lowest {
            Some((holder, &floor)) if floor < offset => Err(LogError::StillNeeded {
                topic: topic.to_owned(),
                offset,
                holder: holder.clone(),
                floor,
            }),
            _ => Ok(()),
        }
    }
}
