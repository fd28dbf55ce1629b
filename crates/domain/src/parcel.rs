//! A parcel on its way, and what carriers said about it (rules S4 and S6).

use omnifold_events::v1::TrackingStatus;
use serde::{Deserialize, Serialize};

use crate::{NodeIx, OrderKey, ParcelKey};

/// Most messages of carriers that a parcel keeps: the newest by the time they happened.
pub const MAX_HISTORY: usize = 64;
/// Most carriers that may have a parcel in hand one after the other.
pub const MAX_LEGS: usize = 8;

/// A parcel under one carrier's number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// The carrier that has this number.
    pub carrier: String,
    /// The carrier's number.
    pub tracking_number: String,
    /// Its order.
    pub order: OrderKey,
    /// The node it is sent to; `None`: its customer.
    pub to_node: Option<NodeIx>,
    /// The parcel that this is another number of: everything is kept there. `None`: it is its own.
    pub part_of: Option<ParcelKey>,
    /// The node's name for it, where it gave one.
    pub parcel_id: String,
    /// The carrier's list it was handed over on, where there was one.
    pub manifest_id: String,
    /// Grams; 0: unknown.
    pub weight_g: u32,
    /// What is in it.
    pub contents: Vec<Content>,
    /// Numbers that other carriers gave it, in the order of their hand-overs.
    pub legs: Vec<ParcelKey>,
    /// What carriers said.
    pub tracking: Tracking,
}

impl Parcel {
    /// Whether units of an order that go to a node, or to their customer, may share it.
    pub(crate) fn takes(&self, order: OrderKey, to_node: Option<NodeIx>) -> bool {
        self.order == order && self.part_of.is_none() && self.to_node == to_node
    }
}

/// Units in a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Place in the order's fulfilments.
    pub fulfilment: u32,
    /// Place in the fulfilment's lines.
    pub line: u32,
    /// Units.
    pub units: i64,
}

/// What carriers said, and what follows from it: a function of the set of their messages, whatever
/// the order they came in (law L19), except for the pick-up time, which the first fixes (rule S6).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tracking {
    /// `v1::TrackingStatus`; 0 before the first message that means something.
    pub status: i32,
    /// When that happened, milliseconds since the Unix epoch.
    pub status_at: i64,
    /// When the first carrier took it.
    pub picked_up_at: Option<i64>,
    /// When the customer got it: the earliest that a carrier says.
    pub delivered_at: Option<i64>,
    /// By the time it happened, oldest first.
    pub history: Vec<Entry>,
    /// Older messages that are not kept any more.
    pub forgotten: u32,
}

/// One message of a carrier.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// When it happened, milliseconds since the Unix epoch.
    pub at: i64,
    /// `v1::TrackingStatus`.
    pub status: i32,
    /// The carrier's code.
    pub code: String,
    /// The carrier that said it.
    pub carrier: String,
    /// Where, as the carrier wrote it.
    pub place: String,
}

impl Tracking {
    /// Takes one message. Returns whether it is new.
    pub fn take(&mut self, entry: Entry) -> bool {
        let Err(place) = self.history.binary_search(&entry) else { return false };
        self.judge(&entry);
        self.history.insert(place, entry);
        if self.history.len() > MAX_HISTORY {
            self.history.remove(0);
            self.forgotten = self.forgotten.saturating_add(1);
        }
        true
    }

    /// The newest by event time is the state; delivered ends it; of the same instant the higher
    /// status counts, so that the order of arrival does not.
    fn judge(&mut self, entry: &Entry) {
        let status = TrackingStatus::try_from(entry.status).unwrap_or_default();
        match status {
            TrackingStatus::Unknown | TrackingStatus::Unspecified => return,
            TrackingStatus::PickedUp => {
                self.picked_up_at.get_or_insert(entry.at);
            }
            TrackingStatus::Delivered => {
                let earliest = self.delivered_at.map_or(entry.at, |known| known.min(entry.at));
                self.delivered_at = Some(earliest);
            }
            _ => {}
        }
        if let Some(delivered_at) = self.delivered_at {
            (self.status, self.status_at) = (TrackingStatus::Delivered.into(), delivered_at);
        } else if (entry.at, entry.status) > (self.status_at, self.status) {
            (self.status, self.status_at) = (entry.status, entry.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at: i64, status: TrackingStatus) -> Entry {
        let text = |word: &str| word.to_owned();
        let code = format!("{status:?}");
        Entry { at, status: status.into(), code, carrier: text("ups"), place: text("Lyon") }
    }

    /// L10 (a) and L19: every order of arrival of four messages gives one state and one history.
    #[test]
    fn the_state_is_a_function_of_the_set_of_messages() {
        use TrackingStatus as T;
        let entries = [
            entry(10, T::PickedUp),
            entry(30, T::OutForDelivery),
            entry(40, T::Delivered),
            entry(50, T::InTransit),
        ];
        let mut expected = Tracking::default();
        entries.iter().for_each(|entry| assert!(expected.take(entry.clone())));
        assert_eq!((expected.status, expected.status_at), (T::Delivered.into(), 40));
        for first in 0..4 {
            for second in (0..4).filter(|&place| place != first) {
                let rest = (0..4).rev().filter(|&place| place != first && place != second);
                let mut tracking = Tracking::default();
                for place in [first, second].into_iter().chain(rest) {
                    tracking.take(entries[place].clone());
                }
                assert_eq!(tracking, expected, "{first} {second}");
            }
        }
    }

    #[test]
    fn an_unknown_code_is_kept_and_changes_no_state() {
        let mut tracking = Tracking::default();
        tracking.take(entry(10, TrackingStatus::InTransit));
        tracking.take(entry(20, TrackingStatus::Unknown));
        assert_eq!(tracking.status, i32::from(TrackingStatus::InTransit));
        assert_eq!(tracking.history.len(), 2);
    }

    #[test]
    fn the_pick_up_time_is_fixed_by_the_first_message_and_the_history_is_bounded() {
        let mut tracking = Tracking::default();
        assert!(tracking.take(entry(10, TrackingStatus::PickedUp)));
        assert!(tracking.take(entry(5, TrackingStatus::PickedUp)));
        assert_eq!(tracking.picked_up_at, Some(10));
        assert!(!tracking.take(entry(5, TrackingStatus::PickedUp)), "the same again");
        (100..300).for_each(|at| {
            tracking.take(entry(at, TrackingStatus::InTransit));
        });
        assert_eq!((tracking.history.len(), tracking.forgotten), (MAX_HISTORY, 138));
        assert_eq!(tracking.history[0].at, 236);
    }
}
