//! What each channel may sell, told at the end of an epoch: a function of the fold, never read back.
//!
//! Only channels that a ChannelDefined names are told of, so a market without one pays a look at an
//! empty map an epoch. A changed channel or node may change every SKU: then all are told again, some
//! each epoch, and the mark says where that stands, so a take-over goes on with it.

use std::collections::BTreeMap;

use omnifold_domain::{Channel, SkuIx, View, channel_atp};
use omnifold_events::{Output as _, v1};
use prost::Message;
use rustc_hash::FxHashMap;

use crate::machine::{Machine, Output, Told};
use crate::topics::AVAILABILITY;

/// Values of (channel, SKU) looked at in one epoch while all is told again.
const SWEEP: usize = 20_000;
/// Values remembered: beyond this all are forgotten, and the next change of each is told even where
/// it comes back to what was told last.
const MAX_TOLD: usize = 1_000_000;

/// What was told of each (channel, SKU), as far as this owner knows.
#[derive(Default)]
pub(crate) struct Availability {
    told: FxHashMap<(u32, SkuIx), i64>,
    channels: BTreeMap<String, Channel>,
    network_version: u64,
}

impl Availability {
    /// As of a take-over: what stands on the topic belongs to these channels and nodes.
    pub(crate) fn of(machine: &Machine) -> Self {
        let channels = machine.settings().map(|settings| settings.channels.clone());
        Availability {
            told: FxHashMap::default(),
            channels: channels.unwrap_or_default(),
            network_version: machine.store.network_version(),
        }
    }

    /// Tells what the epoch changed. To be called before the epoch is ended.
    pub(crate) fn tell(&mut self, machine: &mut Machine, out: &mut Output) {
        if machine.settings().is_none_or(|settings| settings.channels.is_empty()) {
            machine.availability_next = None; // nobody is told, so nothing is left to tell
            return;
        }
        self.notice_definitions(machine);
        let mut skus = machine.store.changed_skus();
        add_kits(machine, &mut skus);
        if let Some(from) = machine.availability_next {
            let many = (SWEEP / self.channels.len()).max(1) as u32;
            let to = from.0.saturating_add(many).min(machine.store.item_count());
            skus.extend((from.0..to).map(SkuIx));
            skus.sort_unstable();
            skus.dedup();
            machine.availability_next = (to < machine.store.item_count()).then_some(SkuIx(to));
        }
        for sku in skus {
            self.tell_sku(machine, sku, out);
        }
        if self.told.len() > MAX_TOLD {
            self.told.clear();
        }
    }

    fn notice_definitions(&mut self, machine: &mut Machine) {
        let Some(settings) = machine.settings() else { return };
        let version = machine.store.network_version();
        if settings.channels == self.channels && version == self.network_version {
            return;
        }
        self.channels.clone_from(&settings.channels);
        self.network_version = version;
        self.told.clear();
        machine.availability_next = Some(SkuIx(0));
    }

    fn tell_sku(&mut self, machine: &mut Machine, sku: SkuIx, out: &mut Output) {
        for (place, (name, channel)) in (0..).zip(&self.channels) {
            let units = channel_atp(&mut machine.store, (name, channel), sku);
            if self.told.insert((place, sku), units) == Some(units) {
                continue;
            }
            let message = v1::AvailabilityChanged {
                channel: name.clone(),
                sku: machine.store.item(sku).sku.clone(),
                available_milli: units,
                step: machine.steps,
            };
            push(machine, &message, out);
        }
    }
}

/// What a part's stock does, the availability of its kits does too.
fn add_kits(machine: &Machine, skus: &mut Vec<SkuIx>) {
    let changed = skus.len();
    for place in 0..changed {
        skus.extend_from_slice(&machine.store.item(skus[place]).part_of);
    }
    if skus.len() > changed {
        skus.sort_unstable();
        skus.dedup();
    }
}

fn push(machine: &Machine, message: &v1::AvailabilityChanged, out: &mut Output) {
    let key = format!("{}/{}", message.channel, message.sku);
    let id = format!("available/{key}/{}", message.step);
    let payload = message.encode_to_vec();
    let type_name = v1::AvailabilityChanged::TYPE;
    let told = Told { type_name, id: &id, key: key.as_bytes(), payload: &payload };
    out.tell(AVAILABILITY, &told, machine.source(), machine.clock_ms);
}
