//! Stock under way between nodes, as the topics tell it. Quantities in 1/1000 unit.

use omnifold_events::v1;

use super::audit::Audit;
use super::report::Rule;

/// A transfer under way.
#[derive(Debug, Default)]
pub struct UnderWay {
    from: u32,
    to: u32,
    /// (number of the SKU, units).
    units: Vec<(u32, i64)>,
}

impl UnderWay {
    /// The node that it goes to, and what is under way: (number of the SKU, units).
    pub(super) fn arriving(&self) -> (u32, Vec<(u32, i64)>) {
        (self.to, self.units.clone())
    }
}

impl Audit {
    pub(super) fn dispatched(&mut self, event: &v1::TransferDispatched, time_ms: i64) {
        let (from, to) = (self.names.number(&event.from_node), self.names.number(&event.to_node));
        let mut transfer = UnderWay { from, to, units: Vec::new() };
        for line in &event.lines {
            let sku = self.names.number(&line.sku);
            self.shelves.at(from, sku).moved(-line.quantity_milli, time_ms);
            match transfer.units.iter_mut().find(|(other, _)| *other == sku) {
                Some((_, units)) => *units += line.quantity_milli,
                None => transfer.units.push((sku, line.quantity_milli)),
            }
        }
        self.transfers.insert(self.names.number(&event.transfer_id), transfer);
    }

    pub(super) fn transfer_received(&mut self, event: &v1::TransferReceived, time_ms: i64) {
        let Some(mut transfer) = self.take_transfer(&event.transfer_id) else { return };
        let mut arrived: Vec<(u32, i64, i64)> = Vec::new();
        for line in &event.lines {
            let sku = self.names.number(&line.sku);
            arrived.push((sku, line.quantity_milli, line.quantity_milli + line.damaged_milli));
        }
        if event.lines.is_empty() {
            arrived = transfer.units.iter().map(|&(sku, units)| (sku, units, units)).collect();
        }
        for (sku, good, all) in arrived {
            self.shelves.at(transfer.to, sku).moved(good, time_ms);
            for (_, units) in transfer.units.iter_mut().filter(|(other, _)| *other == sku) {
                *units = (*units - all).max(0);
            }
        }
        transfer.units.retain(|(_, units)| *units > 0);
        if !event.closes && !transfer.units.is_empty() {
            self.transfers.insert(self.names.number(&event.transfer_id), transfer);
        }
    }

    pub(super) fn transfer_cancelled(&mut self, event: &v1::TransferCancelled, time_ms: i64) {
        let Some(transfer) = self.take_transfer(&event.transfer_id) else { return };
        for (sku, units) in transfer.units {
            self.shelves.at(transfer.from, sku).moved(units, time_ms);
        }
    }

    fn take_transfer(&mut self, id: &str) -> Option<UnderWay> {
        let found = self.transfers.remove(&self.names.number(id));
        if found.is_none() {
            let detail = "not under way, and what was said of it was not refused";
            self.violation(Rule::UnknownSubject, id, detail);
        }
        found
    }
}
