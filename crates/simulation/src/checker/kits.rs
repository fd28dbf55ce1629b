//! Kits as the topics tell them: which lines are the parts of which, and that no node gets half of
//! one.

use std::borrow::Cow;

use omnifold_events::v1;

use super::audit::{Audit, Key};
use super::changes::add_lines;
use super::ledger::{Line, Order};
use super::report::Rule;

/// What an item is made of.
#[derive(Debug, Clone, Default)]
pub struct Kit {
    /// (SKU, units in one kit).
    pub parts: Vec<(u32, i64)>,
    pub assembled_first: bool,
    pub may_split: bool,
}

/// A line that is served as the parts of a kit.
#[derive(Debug, Clone)]
pub struct KitLine {
    /// Number of its name.
    pub line_id: u32,
    pub may_split: bool,
    /// (place of the part's line, units in one kit).
    pub parts: Vec<(usize, i64)>,
}

impl Audit {
    pub(super) fn item_defined(&mut self, item: &v1::ItemDefined) {
        let sku = self.names.number(&item.sku);
        if item.components.is_empty() {
            self.kits.remove(&sku);
            return;
        }
        let part = |part: &v1::KitComponent| (self.names.number(&part.sku), part.quantity_milli);
        let parts = item.components.iter().map(part).collect();
        let assembled_first = item.picking() == v1::KitPicking::AssembledFirst;
        self.kits.insert(sku, Kit { parts, assembled_first, may_split: item.may_split });
    }

    /// Lines of kits that are never stocked as themselves are lines of their parts.
    pub(super) fn serve_kits_as_parts(&mut self, order: &mut Order, from: usize) {
        for place in from..order.lines.len() {
            let kit = self.kits.get(&order.lines[place].sku);
            if kit.is_some_and(|kit| !kit.assembled_first) {
                self.serve_as_parts(order, place);
            }
        }
    }

    fn serve_as_parts(&mut self, order: &mut Order, place: usize) {
        let whole = order.lines[place];
        let Some(kit) = self.kits.get(&whole.sku).cloned() else { return };
        let mut parts = Vec::new();
        for (nth, &(sku, per_kit)) in kit.parts.iter().enumerate() {
            let name = format!("{}/{}", self.names.text(whole.line_id), self.names.text(sku));
            let units = |kits: i64| kits / 1_000 * per_kit;
            let part = Line {
                line_id: self.names.number(&name),
                sku,
                ordered: units(whole.ordered),
                cancelled: units(whole.cancelled),
                waiting: units(whole.waiting),
                ..Line::default()
            };
            parts.push((if nth == 0 { place } else { order.lines.len() }, per_kit));
            if nth == 0 {
                let (unit_price, charges) = (whole.unit_price, whole.charges);
                order.lines[place] = Line { unit_price, charges, price_for: per_kit, ..part };
            } else {
                add_lines(order, vec![part]);
            }
        }
        let (line_id, may_split) = (whole.line_id, kit.may_split);
        order.kits.push(KitLine { line_id, may_split, parts });
    }

    /// A line is served by something else than was ordered, as the customer or the kit allows.
    pub(super) fn stand_in(&mut self, key: Key, name: &str, by: &v1::StandIn) {
        let (line_id, sku) = (self.names.number(&by.line_id), self.names.number(&by.sku));
        let Some(mut order) = self.orders.remove(&key) else { return };
        let place = order.line_named(line_id).filter(|&p| order.live(p) + order.shipped(p) == 0);
        let allowed = order.substitutes.contains(&(line_id, sku));
        match place {
            Some(place) if by.sku.is_empty() => self.serve_as_parts(&mut order, place),
            Some(place) if allowed => order.lines[place].sku = sku,
            _ => {
                let detail = format!("line {}: `{}` stands in for it", by.line_id, by.sku);
                self.violation(Rule::UnknownSubject, name, detail);
            }
        }
        self.orders.insert(key, order);
    }

    /// The lines that an event names, each kit by the lines of its parts.
    pub(super) fn with_parts<'l>(
        &mut self,
        key: Key,
        lines: &'l [v1::LineQuantity],
    ) -> Cow<'l, [v1::LineQuantity]> {
        if self.orders.get(&key).is_none_or(|order| order.kits.is_empty()) {
            return Cow::Borrowed(lines);
        }
        let mut named = Vec::new();
        for line in lines {
            match self.parts_of(key, &line.line_id) {
                None => named.push(line.clone()),
                Some(parts) => named.extend(parts.into_iter().map(|(line_id, per_kit)| {
                    let quantity_milli = line.quantity_milli / 1_000 * per_kit;
                    v1::LineQuantity { line_id, quantity_milli }
                })),
            }
        }
        Cow::Owned(named)
    }

    /// As [`Audit::with_parts`], for what came back.
    pub(super) fn received_parts(
        &mut self,
        key: Key,
        lines: &[v1::ReceivedLine],
    ) -> Vec<v1::ReceivedLine> {
        let mut named = Vec::new();
        for line in lines {
            match self.parts_of(key, &line.line_id) {
                None => named.push(line.clone()),
                Some(parts) => named.extend(parts.into_iter().map(|(line_id, per_kit)| {
                    let quantity_milli = line.quantity_milli / 1_000 * per_kit;
                    v1::ReceivedLine { line_id, quantity_milli, ..line.clone() }
                })),
            }
        }
        named
    }

    /// Names of the lines of a kit's parts, and units in one kit. `None`: the line is no kit.
    fn parts_of(&mut self, key: Key, line_id: &str) -> Option<Vec<(String, i64)>> {
        let line_id = self.names.number(line_id);
        let order = self.orders.get(&key)?;
        let kit = order.kits.iter().find(|kit| kit.line_id == line_id)?;
        let name = |&(place, per_kit): &(usize, i64)| {
            (self.names.text(order.lines[place].line_id).to_owned(), per_kit)
        };
        Some(kit.parts.iter().map(name).collect())
    }

    /// Whether an item is a kit that may stand assembled.
    pub(super) fn may_be_assembled(&mut self, sku: &str) -> bool {
        let sku = self.names.number(sku);
        self.kits.get(&sku).is_some_and(|kit| kit.assembled_first)
    }

    /// What units of a SKU are held as.
    pub(super) fn stocked_as(&self, sku: u32, units: i64) -> Vec<(u32, i64)> {
        match self.kits.get(&sku) {
            None => vec![(sku, units)],
            Some(kit) => {
                kit.parts.iter().map(|&(part, per_kit)| (part, units / 1_000 * per_kit)).collect()
            }
        }
    }

    /// A fulfilment holds whole kits, and beyond them only units whose kit is elsewhere in part.
    pub(super) fn check_whole_kits(
        &mut self,
        key: Key,
        name: &str,
        message: &v1::FulfilmentAssigned,
    ) {
        let lines = message.lines.iter();
        let given: Vec<(u32, i64)> =
            lines.map(|l| (self.names.number(&l.line_id), l.quantity_milli)).collect();
        let Some(order) = self.orders.get(&key) else { return };
        let units = |place: usize| -> i64 {
            let line_id = order.lines[place].line_id;
            given.iter().filter(|row| row.0 == line_id).map(|row| row.1).sum()
        };
        let half = order.kits.iter().filter(|kit| !kit.may_split).any(|kit| {
            let least = |of: &dyn Fn(usize) -> i64| {
                kit.parts.iter().map(|&(place, per)| of(place) / per).min().unwrap_or(0)
            };
            let (kits, open) = (least(&units), least(&|place| order.open(place)));
            let beyond = |&(place, per): &(usize, i64)| {
                units(place) - kits * per > order.open(place) - open * per
            };
            kit.parts.iter().any(beyond)
        });
        if half {
            let detail = format!("f{} holds a part of a kit alone", message.fulfilment);
            self.violation(Rule::HalfKit, name, detail);
        }
    }

    /// Shares of the other parts at nodes where a kit misses one now, with the units that go back.
    pub(super) fn left_incomplete(&self, key: Key, missing: &[(usize, i64)]) -> Vec<(usize, i64)> {
        let Some(order) = self.orders.get(&key) else { return Vec::new() };
        let mut freed = Vec::new();
        let kits = order.kits.iter().filter(|kit| !kit.may_split);
        for (kit, number) in
            kits.flat_map(|kit| (1..=order.fulfilments.len()).map(move |n| (kit, n)))
        {
            let share_of = |place: usize| {
                let of_it = |share: &super::ledger::Share| {
                    (share.fulfilment as usize, share.line as usize) == (number, place)
                };
                order.shares.iter().position(of_it)
            };
            let gone = |share: usize| -> i64 {
                missing.iter().filter(|row| row.0 == share).map(|row| row.1).sum()
            };
            let broken = |&(place, per): &(usize, i64)| {
                share_of(place).map_or(0, |share| (gone(share) + per - 1) / per)
            };
            let broken = kit.parts.iter().map(broken).max().unwrap_or(0);
            for &(place, per) in &kit.parts {
                let Some(share) = share_of(place) else { continue };
                let there = order.shares[share].live - gone(share);
                let units = (broken * per - gone(share)).min(there);
                if units > 0 {
                    freed.push((share, units));
                }
            }
        }
        freed
    }

    /// A node gives units back that are there.
    pub(super) fn freed(&mut self, key: Key, place: usize, units: i64) {
        let Some(order) = self.orders.get_mut(&key) else { return };
        let share = &mut order.shares[place];
        share.live -= units;
        share.picked = share.picked.min(share.live);
        let answered = share.asked - share.asked.min(share.live);
        share.asked -= answered;
        order.lines[share.line as usize].cancelled += answered;
        let node = order.fulfilments[share.fulfilment as usize - 1].node;
        let sku = order.lines[share.line as usize].sku;
        self.shelves.at(node, sku).promised -= units;
    }
}
