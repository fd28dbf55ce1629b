//! Lots, as events name them: what came of each to which node, and the instant at which its last day
//! ends there.
//!
//! What leaves without a lot's name is not followed here, so the books bound a lot's units from above;
//! when it ends they know exactly.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use omnifold_events::{Event, v1};
use rustc_hash::FxBuildHasher;

use super::audit::Audit;
use super::report::Rule;

/// What came of one lot.
#[derive(Debug, Clone, Copy, Default)]
struct Came {
    /// Units, 1/1000.
    units: i64,
    /// Its last day; `None`: it does not expire.
    last_day: Option<Date>,
    /// The instant at which that day is over at the node. Where the node's zone changed since, the
    /// later one.
    over_ms: Option<i64>,
}

/// What came of lots, by (node, SKU, lot), and the zones of the nodes that have one.
#[derive(Debug, Default)]
pub struct LotBook {
    came: HashMap<(u32, u32, u32), Came, FxBuildHasher>,
    zones: HashMap<u32, TimeZone, FxBuildHasher>,
    /// Nodes whose zone changed while they had lots: there a day may end at two instants.
    moved: HashSet<u32, FxBuildHasher>,
}

impl LotBook {
    /// Whether any lot of a SKU is known.
    pub(super) fn knows(&self, sku: u32) -> bool {
        self.came.keys().any(|key| key.1 == sku)
    }

    /// Whether a lot, by node, SKU and name, may be sold at an instant and later.
    pub(super) fn lasts_beyond(&self, key: (u32, u32, u32), at_ms: i64) -> bool {
        self.came.get(&key).is_some_and(|came| came.over_ms.is_none_or(|over| over > at_ms))
    }

    fn over(&self, node: u32, last_day: Date) -> Option<i64> {
        let zone = self.zones.get(&node).cloned().unwrap_or(TimeZone::UTC);
        let next = last_day.tomorrow().ok()?.to_zoned(zone).ok()?;
        Some(next.start_of_day().ok()?.timestamp().as_millisecond())
    }

    fn add(&mut self, key: (u32, u32, u32), last_day: Option<Date>, units: i64) {
        let over = last_day.and_then(|day| self.over(key.0, day));
        let came = self.came.entry(key).or_default();
        came.units += units;
        came.last_day = came.last_day.or(last_day);
        came.over_ms = came.over_ms.max(over);
    }
}

impl Audit {
    /// Takes what an event says of lots into the books.
    pub(super) fn lots_came(&mut self, event: &Event) {
        match event {
            Event::NodeCalendarSet(calendar) => self.zone_set(calendar),
            Event::StockReceived(received) => {
                let place = (&*received.node_id, &*received.sku);
                self.units_came(place, received.units.as_ref(), received.quantity_milli);
            }
            Event::StockMoved(moved) => {
                let place = (&*moved.node_id, &*moved.sku);
                self.units_came(place, moved.units.as_ref(), moved.quantity_milli);
            }
            Event::StockAdjusted(delta) => {
                let place = (&*delta.node_id, &*delta.sku);
                self.units_came(place, delta.units.as_ref(), delta.delta_milli.max(0));
            }
            Event::StockCounted(count) => {
                for row in &count.lots {
                    let units = (&*row.lot, &*row.expires_on, row.quantity_milli);
                    self.lot_came((&*count.node_id, &*count.sku), units);
                }
            }
            Event::TransferReceived(arrived) => self.lots_arrived(arrived),
            Event::ReceiptBooked(receipt) => self.goods_came(receipt),
            Event::ReturnReceived(back) => self.lots_came_back(back),
            Event::ReturnInspected(back) => {
                let v1::ReturnInspected { channel, order_id, node_id, lines, .. } = back.clone();
                let back =
                    v1::ReturnReceived { channel, order_id, node_id, lines, ..Default::default() };
                self.lots_came_back(&back);
            }
            Event::BlindReturnReceived(back) => {
                let place = (&*back.node_id, &*back.sku);
                self.units_came(place, back.units.as_ref(), back.quantity_milli);
            }
            _ => {}
        }
    }

    fn zone_set(&mut self, calendar: &v1::NodeCalendarSet) {
        let node = self.names.number(&calendar.node_id);
        if self.lots.came.keys().any(|key| key.0 == node) {
            self.lots.moved.insert(node);
        }
        match TimeZone::get(&calendar.zone) {
            Ok(zone) if !calendar.week.is_empty() => drop(self.lots.zones.insert(node, zone)),
            _ => drop(self.lots.zones.remove(&node)),
        }
    }

    fn units_came(&mut self, place: (&str, &str), of: Option<&v1::UnitAttributes>, units: i64) {
        if let Some(of) = of {
            self.lot_came(place, (&of.lot, &of.expires_on, units));
        }
    }

    /// A lot without a name is named by its last day.
    fn lot_came(&mut self, place: (&str, &str), (lot, last_day, units): (&str, &str, i64)) {
        let lot = if lot.is_empty() { last_day } else { lot };
        if lot.is_empty() {
            return;
        }
        let [node, sku, lot] = [place.0, place.1, lot].map(|text| self.names.number(text));
        self.lots.add((node, sku, lot), last_day.parse().ok(), units);
    }

    /// Units that are not named may be of any lot of their SKU that is known anywhere.
    fn any_lot_came(&mut self, node: u32, sku: u32, units: i64) {
        let known = self.lots.came.iter().filter(|(at, _)| at.1 == sku);
        let known: Vec<(u32, Option<Date>)> = known.map(|(at, c)| (at.2, c.last_day)).collect();
        for (lot, last_day) in known {
            self.lots.add((node, sku, lot), last_day, units);
        }
    }

    fn lots_arrived(&mut self, arrived: &v1::TransferReceived) {
        let transfer = self.names.number(&arrived.transfer_id);
        let Some(transfer) = self.transfers.get(&transfer) else { return };
        let (node, all) = transfer.arriving();
        for line in &arrived.lines {
            for row in &line.lots {
                let node = self.names.text(node).to_owned();
                let units = (&*row.lot, &*row.expires_on, row.quantity_milli);
                self.lot_came((&node, &line.sku), units);
            }
            let sku = self.names.number(&line.sku);
            self.any_lot_came(node, sku, line.quantity_milli + line.damaged_milli);
        }
        if arrived.lines.is_empty() {
            all.into_iter().for_each(|(sku, units)| self.any_lot_came(node, sku, units));
        }
    }

    fn goods_came(&mut self, receipt: &v1::ReceiptBooked) {
        for line in receipt.lines.iter().filter(|line| line.units.is_some()) {
            let Some((node, sku)) = self.goods_place(&receipt.purchase_order_id, line) else {
                continue;
            };
            let [node, sku] = [node, sku].map(|number| self.names.text(number).to_owned());
            let units = line.accepted_milli + line.damaged_milli;
            self.units_came((&node, &sku), line.units.as_ref(), units);
        }
    }

    fn lots_came_back(&mut self, back: &v1::ReturnReceived) {
        let key = super::names::pair_hash(&back.channel, &back.order_id);
        let node = self.names.number(&back.node_id);
        for line in &self.received_parts(key, &back.lines) {
            let line_id = self.names.number(&line.line_id);
            let Some(order) = self.orders.get(&key) else { return };
            let Some(place) = order.line_named(line_id) else { continue };
            let sku = order.lines[place].sku;
            self.any_lot_came(node, sku, line.quantity_milli);
        }
    }

    /// An assignment names lots that are there and can be sold, what expires first before the others,
    /// and no more units than it has.
    pub(super) fn check_lots(&mut self, name: &str, message: &v1::FulfilmentAssigned, now_ms: i64) {
        for line in message.lines.iter().filter(|line| !line.lots.is_empty()) {
            let named: i64 = line.lots.iter().map(|row| row.quantity_milli).sum();
            if named > line.quantity_milli - line.backordered_milli {
                let detail = format!("{named} of lots for line {}", line.line_id);
                self.violation(Rule::Lots, name, detail);
            }
            let mut before = None;
            for row in &line.lots {
                let place = [&message.node_id, &line.sku, &row.lot];
                let [node, sku, lot] = place.map(|text| self.names.number(text));
                let came = self.lots.came.get(&(node, sku, lot)).copied().unwrap_or_default();
                let over = came.over_ms.is_some_and(|over| over <= now_ms);
                let ends = came.over_ms.unwrap_or(i64::MAX);
                let late = before.is_some_and(|before| before > ends);
                let late = late && !self.lots.moved.contains(&node);
                before = Some(ends);
                if over || late || row.quantity_milli > came.units || row.quantity_milli <= 0 {
                    let detail = format!("{} of lot {}: {came:?}", row.quantity_milli, row.lot);
                    self.violation(Rule::Lots, name, detail);
                }
            }
        }
    }
}
