//! What was delivered when, read from what couriers and nodes said.

use std::collections::{HashMap, HashSet};

use omnifold_events::jsonl::FileEvent;
use omnifold_events::v1::fulfilment_target::Target;
use omnifold_events::{Event, v1};

/// Follows parcels to their customers.
#[derive(Debug, Clone, Default)]
pub struct Couriers {
    /// Carriers and their codes for "delivered".
    codes: HashSet<(String, String)>,
    /// What is in a parcel, by carrier and tracking number.
    parcels: HashMap<(String, String), Vec<Target>>,
}

impl Couriers {
    /// Knows the newest codes that carriers were defined with.
    pub fn of(network: &[FileEvent]) -> Self {
        let mut couriers = Couriers::default();
        for event in network {
            if let Event::CarrierDefined(carrier) = &event.event {
                couriers.define(carrier);
            }
        }
        couriers
    }

    fn define(&mut self, carrier: &v1::CarrierDefined) {
        self.codes.retain(|(name, _)| *name != carrier.carrier);
        let delivered = v1::TrackingStatus::Delivered;
        for code in carrier.codes.iter().filter(|code| code.status() == delivered) {
            self.codes.insert((carrier.carrier.clone(), code.code.clone()));
        }
    }

    /// What an event says was delivered, and when. Of what comes in several pieces each is said by
    /// itself: all of it is there with the last.
    pub fn delivered(&mut self, event: &Event, at_ms: i64) -> (Vec<Target>, i64) {
        match event {
            Event::FulfilmentDelivered(delivered) => (named(&delivered.target), at_ms),
            Event::FulfilmentCollected(collected) => (named(&collected.target), at_ms),
            Event::TrackingUpdated(update) => (self.tracked(update), update.happened_at_ms),
            _ => {
                self.left(event);
                (Vec::new(), at_ms)
            }
        }
    }

    fn tracked(&self, update: &v1::TrackingUpdated) -> Vec<Target> {
        let code = (update.carrier.clone(), update.code.clone());
        if !self.codes.contains(&code) {
            return Vec::new();
        }
        let parcel = (update.carrier.clone(), update.tracking_number.clone());
        self.parcels.get(&parcel).cloned().unwrap_or_default()
    }

    fn left(&mut self, event: &Event) {
        match event {
            Event::FulfilmentShipped(shipped) => {
                let number = &shipped.tracking_number;
                self.put_in(&shipped.carrier, number, named(&shipped.target));
            }
            Event::FulfilmentForwarded(forwarded) => {
                let number = &forwarded.tracking_number;
                self.put_in(&forwarded.carrier, number, named(&forwarded.target));
            }
            Event::FulfilmentHandedOver(handed) => {
                for parcel in &handed.parcels {
                    let target = Target::FulfilmentId(handed.fulfilment_id.clone());
                    self.put_in(&handed.carrier, &parcel.tracking_number, vec![target]);
                }
            }
            Event::ParcelHandedOn(handed) => {
                let from = (handed.carrier.clone(), handed.tracking_number.clone());
                let content = self.parcels.get(&from).cloned().unwrap_or_default();
                self.put_in(&handed.to_carrier, &handed.to_tracking_number, content);
            }
            _ => {}
        }
    }

    fn put_in(&mut self, carrier: &str, number: &str, content: Vec<Target>) {
        if !number.is_empty() {
            self.parcels
                .entry((carrier.to_owned(), number.to_owned()))
                .or_default()
                .extend(content);
        }
    }
}

fn named(target: &Option<v1::FulfilmentTarget>) -> Vec<Target> {
    target.iter().filter_map(|target| target.target.clone()).collect()
}
