//! Looking ahead: what the next records will read is fetched for several of them at once.

use omnifold_domain::{Location, OrderKey, SkuIx};
use omnifold_events::{Event, v1};
use omnifold_log::{Record, TopicKind};

use super::{Arrival, Halt, Machine};

/// Records that are looked at together. Enough for their waits for memory to overlap, and few enough
/// for what was fetched to be still there when its turn comes.
const AHEAD: usize = 8;

impl Machine {
    /// Reads records and takes them one after the other, until one is the last to be taken. Whether
    /// all were.
    pub(crate) fn take_each<'a>(
        &mut self,
        slice: impl Iterator<Item = (TopicKind, Record<'a>)>,
        mut take: impl FnMut(&mut Machine, &Arrival<'a>) -> Result<bool, Halt>,
    ) -> Result<bool, Halt> {
        let mut records = slice.map(|(topic, record)| Arrival::of(topic, record));
        let (mut ahead, mut skus) = (Vec::with_capacity(AHEAD), Vec::new());
        loop {
            ahead.clear();
            ahead.extend(records.by_ref().take(AHEAD));
            if ahead.is_empty() {
                return Ok(true);
            }
            self.warm(&ahead, &mut skus);
            for arrival in &ahead {
                if !take(self, arrival)? {
                    return Ok(false);
                }
            }
        }
    }

    /// Fetches what these records will read into the processor's caches.
    fn warm(&self, arrivals: &[Arrival<'_>], skus: &mut Vec<SkuIx>) {
        skus.clear();
        for message in arrivals.iter().filter_map(|arrival| arrival.message.as_ref().ok()) {
            self.store.warm_id(message.id);
            if let Ok(Event::OrderPlaced(order)) = &message.event {
                self.store.warm_order(OrderKey::of(&order.channel, &order.order_id));
                let place = order.destination.as_ref().and_then(|at| at.location.as_ref());
                if let Some(&v1::Location { lat_e6, lon_e6 }) = place {
                    self.router.warm(Location { lat_e6, lon_e6 });
                }
                let names = order.lines.iter().map(|line| line.sku.as_str());
                skus.extend(names.filter_map(|sku| self.store.warm_item(sku)));
            }
        }
        for &sku in &*skus {
            self.store.warm_stock(sku);
        }
    }
}
