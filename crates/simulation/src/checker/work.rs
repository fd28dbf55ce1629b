//! What happened to the work given to nodes, and what came back, taken into the books.

use omnifold_events::v1;

use super::audit::{Audit, Key};
use super::ledger::{Line, Order, Packed};
use super::names::pair_hash;
use super::report::Rule;

impl Audit {
    pub(super) fn picked(&mut self, event: &v1::FulfilmentPicked) {
        let Some((key, only)) = self.target(event.target.as_ref()) else {
            return self.violation(Rule::UnknownSubject, "a pick", "names nothing known");
        };
        for (place, units) in self.shares(key, only, &event.lines, |s| s.live - s.picked) {
            if let Some(order) = self.orders.get_mut(&key) {
                order.shares[place].picked += units;
                order.begun.push(order.shares[place].fulfilment);
            }
        }
    }

    /// The missing units are promised no more, and the node is not asked for them again.
    pub(super) fn short(&mut self, event: &v1::FulfilmentShortPicked, time_ms: i64) {
        let Some((key, only)) = self.target(event.target.as_ref()) else {
            return self.violation(Rule::UnknownSubject, "a short pick", "names nothing known");
        };
        let missing = self.shares(key, only, &event.lines, |s| s.live - s.picked);
        let freed = self.left_incomplete(key, &missing);
        for (place, units) in freed {
            self.freed(key, place, units);
        }
        let Some(order) = self.orders.get_mut(&key) else { return };
        let mut given_back: Vec<((u32, u32), i64)> = Vec::new();
        for (place, units) in missing {
            let share = &mut order.shares[place];
            share.live -= units;
            // What the node was asked for and does not have is cancelled.
            let answered = share.asked - share.asked.min(share.live);
            share.asked -= answered;
            order.lines[share.line as usize].cancelled += answered;
            let node = order.fulfilments[share.fulfilment as usize - 1].node;
            let shelf = (node, order.lines[share.line as usize].sku);
            match given_back.iter_mut().find(|(other, _)| *other == shelf) {
                Some((_, sum)) => *sum += units,
                None => given_back.push((shelf, units)),
            }
        }
        for ((node, sku), units) in given_back {
            let in_hand = picked_of(order, node, sku);
            order.limits.get_or_insert_default().not_found.push((node, sku));
            self.shelves.at(node, sku).given_back(units, event.reason(), in_hand, time_ms);
        }
    }

    pub(super) fn packed(&mut self, event: &v1::FulfilmentPacked) {
        let parcel = self.names.number(&event.parcel_id);
        let Some((key, number)) = self.fulfilment(&event.fulfilment_id) else {
            return self.violation(Rule::UnknownSubject, "a parcel", "names nothing known");
        };
        let lines = self.with_parts(key, &event.lines);
        let named = self.numbered(&lines);
        let Some(order) = self.orders.get_mut(&key) else { return };
        order.packed.retain(|known| (known.fulfilment, known.parcel) != (number, parcel));
        let mut contents = Vec::with_capacity(named.len());
        for (place, share) in order.shares.iter().enumerate() {
            let line_id = order.lines[share.line as usize].line_id;
            let wanted = named.iter().find(|(line, _)| *line == line_id);
            let Some(&(_, units)) = wanted.filter(|_| share.fulfilment == number) else { continue };
            let rest = share.live - order.packed_of(place);
            contents.push((place as u32, if units == 0 { rest } else { units }));
        }
        let contents = contents.into();
        order.begun.push(number);
        order.packed.push(Packed { fulfilment: number, parcel, contents });
    }

    pub(super) fn handed_over(&mut self, event: &v1::FulfilmentHandedOver, time_ms: i64) {
        let Some((key, number)) = self.fulfilment(&event.fulfilment_id) else {
            return self.violation(Rule::UnknownSubject, "a hand-over", "names nothing known");
        };
        for row in &event.parcels {
            let parcel = self.names.number(&row.parcel_id);
            let Some(order) = self.orders.get_mut(&key) else { return };
            let known = order
                .packed
                .iter()
                .position(|known| (known.fulfilment, known.parcel) == (number, parcel));
            let Some(place) = known else {
                let detail = format!("parcel `{}` was never packed", row.parcel_id);
                return self.violation(Rule::UnknownSubject, &event.fulfilment_id, detail);
            };
            let contents = order.packed.remove(place).contents;
            for &(share, units) in &contents {
                self.share_left(key, share as usize, units, time_ms);
            }
        }
    }

    fn fulfilment(&mut self, id: &str) -> Option<(Key, u32)> {
        use v1::fulfilment_target::Target;
        let target = v1::FulfilmentTarget { target: Some(Target::FulfilmentId(id.to_owned())) };
        let (key, number) = self.target(Some(&target))?;
        Some((key, number?))
    }

    /// Units on their way will not arrive.
    pub(super) fn given_up(
        &mut self,
        target: Option<&v1::FulfilmentTarget>,
        lines: &[v1::LineQuantity],
    ) {
        let Some((key, only)) = self.target(target) else {
            return self.violation(Rule::UnknownSubject, "a loss", "names nothing known");
        };
        let is_named = !lines.is_empty() && lines.iter().all(|line| line.quantity_milli > 0);
        let lost = self.shares_where(key, only, lines, |order, share| {
            Audit::can_be_lost(order, share, is_named)
        });
        for (place, units) in lost {
            if let Some(order) = self.orders.get_mut(&key) {
                order.shares[place].ended += units;
            }
            self.settle_lying(key, place, 0);
        }
    }

    /// No more comes back than left (law L5), and what is restocked is there again.
    pub(super) fn received(&mut self, event: &v1::ReturnReceived, time_ms: i64) {
        let key = pair_hash(&event.channel, &event.order_id);
        let name = format!("{}/{}", event.channel, event.order_id);
        for line in &self.received_parts(key, &event.lines) {
            let line_id = self.names.number(&line.line_id);
            let Some(order) = self.orders.get_mut(&key) else {
                return self.violation(Rule::UnknownSubject, &name, "came back, never placed");
            };
            let Some(place) = order.line_named(line_id) else {
                return self.violation(Rule::UnknownSubject, &name, "a line that it has not");
            };
            let mut missing = line.quantity_milli;
            let mut came: Vec<(usize, i64)> = Vec::new();
            let shares = order.shares.iter_mut().enumerate();
            for (at, share) in shares.filter(|(_, share)| share.line as usize == place) {
                let units = missing.min(share.shipped - share.ended);
                share.ended += units;
                missing -= units;
                came.push((at, units));
            }
            let sku = order.lines[place].sku;
            came.into_iter().for_each(|(at, units)| self.settle_lying(key, at, units));
            if missing > 0 {
                let detail = format!("line {}: {missing} came back beyond what left", line.line_id);
                self.violation(Rule::Accounting, &name, detail);
            }
            self.restock(&event.node_id, sku, line, time_ms);
        }
    }

    pub(super) fn inspected(&mut self, event: &v1::ReturnInspected, time_ms: i64) {
        let key = pair_hash(&event.channel, &event.order_id);
        for line in &self.received_parts(key, &event.lines) {
            let line_id = self.names.number(&line.line_id);
            let order = self.orders.get(&key);
            let found = order.and_then(|o| o.line_named(line_id).map(|place| o.lines[place].sku));
            if let Some(sku) = found {
                self.restock(&event.node_id, sku, line, time_ms);
            }
        }
    }

    fn restock(&mut self, node: &str, sku: u32, line: &v1::ReceivedLine, time_ms: i64) {
        if line.disposition() == v1::Disposition::Restock {
            let node = self.names.number(node);
            self.shelves.at(node, sku).moved(line.quantity_milli, time_ms);
        }
    }

    /// The replacement of goods that never came is cancelled as far as it has not left.
    pub(super) fn return_expired(&mut self, event: &v1::ReturnExpired) {
        let order_id = format!("{}/{}", event.order_id, event.return_id);
        let key = pair_hash(&event.channel, &order_id);
        let Some(order) = self.orders.get_mut(&key) else { return };
        for line in 0..order.lines.len() {
            let row = order.lines[line];
            order.lines[line].cancelled += row.ordered - row.cancelled - order.shipped(line);
        }
        self.touch(key, &format!("{}/{order_id}", event.channel));
    }

    /// A replacement is an order of its own from here on.
    pub(super) fn return_authorised(&mut self, name: &str, message: &v1::ReturnAuthorised) {
        let Some(placed) = &message.replacement else { return };
        let key = pair_hash(&message.channel, &placed.order_id);
        let order = Order::replacing(placed, &mut self.names);
        if self.orders.insert(key, order).is_some() {
            self.violation(Rule::OutcomeExtra, name, "replaced by an order that stands");
        }
        self.touch(key, &format!("{}/{}", message.channel, placed.order_id));
    }

    /// Law L20: what is due for a line never exceeds what was paid for it.
    pub(super) fn refund_due(&mut self, key: Key, name: &str, message: &v1::RefundDue) {
        for line in &message.lines {
            let line_id = self.names.number(&line.line_id);
            let Some(order) = self.orders.get_mut(&key) else { return };
            let Some(place) = order.line_named(line_id) else {
                return self.violation(Rule::UnknownSubject, name, "due for a line it has not");
            };
            let paid = whole_price(&order.lines[place]);
            let row = order.repaid.iter().position(|(known, _)| *known as usize == place);
            let row = row.unwrap_or_else(|| {
                order.repaid.push((place as u32, 0));
                order.repaid.len() - 1
            });
            order.repaid[row].1 += line.amount_minor;
            let repaid = order.repaid[row].1;
            if line.amount_minor < 0 || i128::from(repaid) > paid {
                let detail = format!("line {}: {repaid} due of {paid} paid", line.line_id);
                self.violation(Rule::Accounting, name, detail);
            }
        }
    }
}

fn picked_of(order: &Order, node: u32, sku: u32) -> i64 {
    let at_node = |number: u32| order.fulfilments[number as usize - 1].node == node;
    let shares = order.shares.iter().filter(|share| at_node(share.fulfilment));
    shares
        .filter(|share| order.lines[share.line as usize].sku == sku)
        .map(|share| share.picked)
        .sum()
}

/// What was paid for all units of a line, rounded up.
fn whole_price(line: &Line) -> i128 {
    let price = i128::from(line.unit_price) * i128::from(line.ordered);
    let per = if line.price_for == 0 { 1_000 } else { i128::from(line.price_for) };
    ((price + per - 1) / per + i128::from(line.charges)).max(0)
}
