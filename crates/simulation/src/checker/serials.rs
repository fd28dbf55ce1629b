//! Serial numbers, as events name them: no unit leaves twice, and no event names more than there are.
//!
//! What leaves or comes back unnamed is not followed here, so only what is certain is told: a unit that
//! left with an order, of which nothing was lost or came back, does not leave with another.

use std::collections::{HashMap, HashSet};

use omnifold_events::{Event, v1};
use rustc_hash::FxBuildHasher;

use super::audit::{Audit, Key};
use super::names::pair_hash;
use super::report::Rule;

/// Where a unit was named last.
#[derive(Debug, Clone, Copy)]
struct Named {
    /// The order that it left with; `None`: it is somewhere else.
    with: Option<Key>,
    time_ms: i64,
}

/// Units by (SKU, serial number), and the items that have them.
#[derive(Debug, Default)]
pub struct SerialBook {
    items: HashSet<u32, FxBuildHasher>,
    units: HashMap<u128, Named, FxBuildHasher>,
}

impl Audit {
    /// Takes what an event says of serial numbers into the books.
    pub(super) fn serials_named(&mut self, event: &Event, time_ms: i64) {
        match event {
            Event::ItemDefined(item) if item.serialised => {
                let sku = self.names.number(&item.sku);
                self.serials.items.insert(sku);
            }
            Event::StockReceived(received) => {
                let serials = of_units(received.units.as_ref());
                self.seen_at(&received.sku, serials, received.quantity_milli, time_ms);
            }
            Event::StockMoved(moved) => {
                let serials = of_units(moved.units.as_ref());
                self.seen_at(&moved.sku, serials, moved.quantity_milli, time_ms);
            }
            Event::StockAdjusted(delta) => {
                let serials = of_units(delta.units.as_ref());
                self.seen_at(&delta.sku, serials, delta.delta_milli.abs(), time_ms);
            }
            Event::StockCounted(count) => {
                let as_of = if count.as_of_ms == 0 { time_ms } else { count.as_of_ms };
                self.seen_at(&count.sku, &count.serials, count.on_hand_milli, as_of);
            }
            Event::BlindReturnReceived(back) => {
                let serials = of_units(back.units.as_ref());
                self.seen_at(&back.sku, serials, back.quantity_milli, time_ms);
            }
            Event::TransferDispatched(transfer) => {
                for line in &transfer.lines {
                    let whole = transfer.lines.iter().filter(|other| other.sku == line.sku);
                    let units = whole.map(|line| line.quantity_milli).sum();
                    self.seen_at(&line.sku, &line.serials, units, time_ms);
                }
            }
            Event::TransferReceived(transfer) => {
                for line in &transfer.lines {
                    self.seen_at(&line.sku, &line.serials, line.quantity_milli, time_ms);
                    self.seen_at(&line.sku, &line.damaged_serials, line.damaged_milli, time_ms);
                }
            }
            Event::ReceiptBooked(receipt) => self.goods_seen(receipt, time_ms),
            Event::FulfilmentShipped(left) => {
                self.units_left(left.target.as_ref(), &left.serials, time_ms);
            }
            Event::FulfilmentCollected(left) => {
                self.units_left(left.target.as_ref(), &left.serials, time_ms);
            }
            Event::FulfilmentHandedOver(left) => {
                use v1::fulfilment_target::Target;
                let target = Some(Target::FulfilmentId(left.fulfilment_id.clone()));
                let target = v1::FulfilmentTarget { target };
                self.units_left(Some(&target), &left.serials, time_ms);
            }
            Event::FulfilmentLost(lost) => self.came_from(lost.target.as_ref()),
            Event::FulfilmentReturnedToOrigin(back) => {
                self.came_from(back.target.as_ref());
                if let Some((key, _)) = self.target(back.target.as_ref()) {
                    let read = back.serials.iter().map(|row| (&row.line_id, &row.serials));
                    self.units_back(key, read, time_ms);
                }
            }
            Event::ReturnReceived(back) => {
                let key = pair_hash(&back.channel, &back.order_id);
                self.forget_units_of(key);
                let read = back.lines.iter().map(|row| (&row.line_id, &row.serials));
                self.units_back(key, read, time_ms);
            }
            _ => {}
        }
    }

    /// Serial numbers of so many units were read somewhere in the market.
    fn seen_at(&mut self, sku: &str, serials: &[String], units: i64, time_ms: i64) {
        let number = self.names.number(sku);
        if !self.serials.items.contains(&number) {
            return;
        }
        self.check_count(sku, serials, units);
        for serial in serials {
            self.name_unit(sku, serial, Named { with: None, time_ms });
        }
    }

    fn check_count(&mut self, sku: &str, serials: &[String], units: i64) {
        let different: HashSet<&String> = serials.iter().collect();
        let many = serials.len() as i64 * 1_000 > units;
        if many || different.len() != serials.len() {
            let detail = format!("{serials:?} named of {units} units");
            self.violation(Rule::Serials, sku, detail);
        }
    }

    /// What is told for an earlier time than is known moves nothing.
    fn name_unit(&mut self, sku: &str, serial: &str, named: Named) {
        let unit = self.serials.units.entry(pair_hash(sku, serial)).or_insert(named);
        if unit.time_ms <= named.time_ms {
            *unit = named;
        }
    }

    fn goods_seen(&mut self, receipt: &v1::ReceiptBooked, time_ms: i64) {
        for line in &receipt.lines {
            let Some((_, sku)) = self.goods_place(&receipt.purchase_order_id, line) else {
                continue;
            };
            let sku = self.names.text(sku).to_owned();
            self.seen_at(&sku, of_units(line.units.as_ref()), line.accepted_milli, time_ms);
            self.seen_at(&sku, &line.damaged_serials, line.damaged_milli, time_ms);
        }
    }

    fn units_left(
        &mut self,
        target: Option<&v1::FulfilmentTarget>,
        lines: &[v1::LineSerials],
        time_ms: i64,
    ) {
        if lines.is_empty() {
            return;
        }
        let Some((key, _)) = self.target(target) else { return };
        for row in lines {
            let line_id = self.names.number(&row.line_id);
            let Some(order) = self.orders.get(&key) else { return };
            let sku = order.line_named(line_id).map(|place| order.lines[place].sku);
            let Some(sku) = sku.filter(|sku| self.serials.items.contains(sku)) else { continue };
            let sku = self.names.text(sku).to_owned();
            for serial in &row.serials {
                let known = self.serials.units.get(&pair_hash(&sku, serial)).copied();
                let out = known.filter(|unit| unit.with.is_some() && unit.time_ms <= time_ms);
                if out.is_some() {
                    let detail = format!("`{serial}` is with a customer and leaves once more");
                    self.violation(Rule::Serials, &sku, detail);
                }
                self.name_unit(&sku, serial, Named { with: Some(key), time_ms });
            }
        }
    }

    fn came_from(&mut self, target: Option<&v1::FulfilmentTarget>) {
        if let Some((key, _)) = self.target(target) {
            self.forget_units_of(key);
        }
    }

    /// Units that were read when they came back, whatever order they had left with.
    fn units_back<'e>(
        &mut self,
        key: Key,
        read: impl Iterator<Item = (&'e String, &'e Vec<String>)>,
        time_ms: i64,
    ) {
        for (line_id, serials) in read {
            let line_id = self.names.number(line_id);
            let Some(order) = self.orders.get(&key) else { return };
            let Some(place) = order.line_named(line_id) else { continue };
            let sku = self.names.text(order.lines[place].sku).to_owned();
            for serial in serials {
                self.name_unit(&sku, serial, Named { with: None, time_ms });
            }
        }
    }

    /// Units of an order are lost or back, named or not: any of them may be elsewhere.
    fn forget_units_of(&mut self, key: Key) {
        for unit in self.serials.units.values_mut().filter(|unit| unit.with == Some(key)) {
            unit.with = None;
        }
    }
}

fn of_units(units: Option<&v1::UnitAttributes>) -> &[String] {
    units.map_or(&[], |units| &units.serials)
}
