//! Lots, as stock events and returns name them: what came of each, and its last day.
//!
//! What leaves without a lot's name is not followed here, so the books bound a lot from above.

use std::collections::HashMap;

use omnifold_events::{Event, parse_time, v1};
use rustc_hash::FxBuildHasher;

use super::audit::Audit;
use super::report::Rule;

/// What came of one lot.
#[derive(Debug, Clone, Copy, Default)]
struct Came {
    /// Units, 1/1000.
    units: i64,
    /// From here on it is over in every zone; `None`: it does not expire.
    over_ms: Option<i64>,
}

/// By (node, SKU, lot).
#[derive(Debug, Default)]
pub struct LotBook(HashMap<(u32, u32, u32), Came, FxBuildHasher>);

/// A day lasts until its end in the westernmost zone.
const LAST_DAY_MS: i64 = (24 + 12) * 3_600_000;

impl Audit {
    /// Takes what an event says of lots into the books.
    pub(super) fn lots_came(&mut self, event: &Event) {
        match event {
            Event::StockReceived(received) => {
                let (node, sku) = (&received.node_id, &received.sku);
                self.units_came(node, sku, received.units.as_ref(), received.quantity_milli);
            }
            Event::StockMoved(moved) if moved.to() == v1::StockBucket::OnHand => {
                let (node, sku) = (&moved.node_id, &moved.sku);
                self.units_came(node, sku, moved.units.as_ref(), moved.quantity_milli);
            }
            Event::StockCounted(count) => {
                for row in &count.lots {
                    let lot = if row.lot.is_empty() { &row.expires_on } else { &row.lot };
                    let place = (count.node_id.as_str(), count.sku.as_str(), lot.as_str());
                    self.lot_came(place, &row.expires_on, row.quantity_milli);
                }
            }
            Event::ReturnReceived(back) => self.lots_came_back(back),
            Event::ReturnInspected(back) => {
                let v1::ReturnInspected { channel, order_id, node_id, lines, .. } = back.clone();
                let back =
                    v1::ReturnReceived { channel, order_id, node_id, lines, ..Default::default() };
                self.lots_came_back(&back);
            }
            _ => {}
        }
    }

    fn units_came(&mut self, node: &str, sku: &str, of: Option<&v1::UnitAttributes>, units: i64) {
        let Some(of) = of else { return };
        let lot = if of.lot.is_empty() { &of.expires_on } else { &of.lot };
        if !lot.is_empty() {
            self.lot_came((node, sku, lot), &of.expires_on, units);
        }
    }

    fn lot_came(&mut self, place: (&str, &str, &str), last_day: &str, units: i64) {
        let (node, sku, lot) = place;
        let key = (self.names.number(node), self.names.number(sku), self.names.number(lot));
        let over = parse_time(&format!("{last_day}T00:00:00Z")).ok().map(|day| day + LAST_DAY_MS);
        let came = self.lots.0.entry(key).or_default();
        came.units += units;
        came.over_ms = came.over_ms.or(over);
    }

    /// Units on the shelf again may be of any lot of their SKU that is known anywhere.
    fn lots_came_back(&mut self, back: &v1::ReturnReceived) {
        let key = super::names::pair_hash(&back.channel, &back.order_id);
        let node = self.names.number(&back.node_id);
        let restocked = |line: &&v1::ReceivedLine| line.disposition() == v1::Disposition::Restock;
        for line in back.lines.iter().filter(restocked) {
            let line_id = self.names.number(&line.line_id);
            let Some(order) = self.orders.get(&key) else { return };
            let Some(place) = order.line_named(line_id) else { continue };
            let sku = order.lines[place].sku;
            let known = self.lots.0.iter().filter(|(at, _)| at.1 == sku);
            let known: Vec<(u32, Option<i64>)> = known.map(|(at, c)| (at.2, c.over_ms)).collect();
            for (lot, over_ms) in known {
                let came = self.lots.0.entry((node, sku, lot)).or_default();
                came.units += line.quantity_milli;
                came.over_ms = came.over_ms.or(over_ms);
            }
        }
    }

    /// An assignment names lots that are there and can be sold, and no more units than it has.
    pub(super) fn check_lots(&mut self, name: &str, message: &v1::FulfilmentAssigned, now_ms: i64) {
        for line in message.lines.iter().filter(|line| !line.lots.is_empty()) {
            let named: i64 = line.lots.iter().map(|row| row.quantity_milli).sum();
            if named > line.quantity_milli - line.backordered_milli {
                let detail = format!("{named} of lots for line {}", line.line_id);
                self.violation(Rule::Lots, name, detail);
            }
            for row in &line.lots {
                let place = [&message.node_id, &line.sku, &row.lot];
                let [node, sku, lot] = place.map(|text| self.names.number(text));
                let came = self.lots.0.get(&(node, sku, lot)).copied().unwrap_or_default();
                let over = came.over_ms.is_some_and(|over| over <= now_ms);
                if over || row.quantity_milli > came.units || row.quantity_milli <= 0 {
                    let detail = format!("{} of lot {}: {came:?}", row.quantity_milli, row.lot);
                    self.violation(Rule::Lots, name, detail);
                }
            }
        }
    }
}
