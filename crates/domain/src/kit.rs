//! Kits: sold as one, stocked as parts; and what is served in place of what was ordered.
//!
//! A kit line of an order is replaced by a line for each of its parts, named `{line}/{sku}`, so that
//! promises, picks and returns speak of what lies on the shelf. The order remembers which lines make
//! up which kit: the customer orders, cancels and gives back whole kits, and whole kits are routed.
//! Quantities are in 1/1000 unit.

use serde::{Deserialize, Serialize};

use crate::{Line, Order, SkuIx, View};

/// One whole unit.
pub const UNIT_MILLI: i64 = 1_000;

/// What an item is made of, where it is a kit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kit {
    /// Its parts, each SKU once.
    pub components: Vec<Component>,
    /// Stocked as itself too; served as parts only where no assembled stock covers a line.
    pub assembled_first: bool,
    /// The parts of one kit may come from several nodes.
    pub may_split: bool,
}

/// A part of a kit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// The part.
    pub sku: SkuIx,
    /// Units in one kit.
    pub quantity: i64,
}

/// A line of an order that is served as the parts of a kit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KitLine {
    /// The line as the customer knows it. No row of [`Order::lines`] has this name.
    pub line_id: String,
    /// The kit.
    pub sku: SkuIx,
    /// The parts of one kit may come from several nodes.
    pub may_split: bool,
    /// Its parts; the first has the kit's money.
    pub parts: Vec<KitPart>,
}

/// The line of one part of a kit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KitPart {
    /// Place in [`Order::lines`].
    pub line: u32,
    /// Units in one kit.
    pub per_kit: i64,
}

/// What the customer takes in place of a line's SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Substitutes {
    /// Place in [`Order::lines`].
    pub line: u32,
    /// Best first.
    pub skus: Vec<SkuIx>,
    /// What the line asked for, once one of them stands in for it.
    pub ordered: Option<SkuIx>,
}

/// How a line may be served otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandIn {
    /// The parts of the kit.
    Parts,
    /// Another SKU.
    Sku(SkuIx),
}

impl Kit {
    /// How many whole kits can be made where `there` says how much of each part there is.
    pub fn whole(&self, there: impl Fn(SkuIx) -> i64) -> i64 {
        let kits = self.components.iter().map(|part| there(part.sku).max(0) / part.quantity);
        kits.min().unwrap_or(0).saturating_mul(UNIT_MILLI)
    }

    /// Whether so many kits (1/1000 kit) are quantities of their parts that an event may name.
    pub fn fits(&self, kits: i64) -> bool {
        self.components.iter().all(|part| {
            let units = (kits / UNIT_MILLI).checked_mul(part.quantity);
            units.is_some_and(|units| units <= crate::MAX_QUANTITY_MILLI)
        })
    }
}

impl KitLine {
    /// Whole kits (a count) that units of its parts make up.
    pub fn kits_of(&self, units: impl Fn(usize) -> i64) -> i64 {
        let kits = self.parts.iter().map(|part| units(part.line as usize) / part.per_kit);
        kits.min().unwrap_or(0)
    }
}

impl Order {
    /// The lines that are served as parts.
    pub fn kits(&self) -> &[KitLine] {
        self.details.as_ref().map_or(&[], |details| &details.kits)
    }

    /// The kit that a line is a part of.
    pub fn kit_of(&self, line: usize) -> Option<&KitLine> {
        let has = |kit: &&KitLine| kit.parts.iter().any(|part| part.line as usize == line);
        self.kits().iter().find(has)
    }

    /// What the customer takes in place of a line's SKU.
    pub fn substitutes(&self, line: usize) -> Option<&Substitutes> {
        let mut rows = self.details.iter().flat_map(|details| &details.substitutes);
        rows.find(|row| row.line as usize == line)
    }

    /// How a line may be served otherwise, best first. Only a line of which nothing is promised and
    /// nothing left can be: what is under way stays what it is.
    pub fn stand_ins<V: View>(&self, view: &V, line: usize) -> Vec<StandIn> {
        let row = &self.lines[line];
        if row.open == 0 || row.allocated > 0 || row.shipped > 0 {
            return Vec::new();
        }
        let mut found = Vec::new();
        if view.item(row.sku).kit.is_some() {
            found.push(StandIn::Parts);
        }
        let others = self.substitutes(line).into_iter().flat_map(|row| &row.skus);
        found.extend(others.filter(|&&sku| sku != row.sku).map(|&sku| StandIn::Sku(sku)));
        found
    }

    /// Serves a line otherwise from now on.
    pub fn stand_in<V: View>(&mut self, view: &V, line: usize, by: StandIn) {
        match by {
            StandIn::Parts => self.serve_as_parts(view, line),
            StandIn::Sku(sku) => {
                let was = std::mem::replace(&mut self.lines[line].sku, sku);
                let rows = self.details.iter_mut().flat_map(|details| &mut details.substitutes);
                for row in rows.filter(|row| row.line as usize == line) {
                    row.ordered = row.ordered.or(Some(was));
                }
            }
        }
    }

    /// Replaces the line of a kit by lines of its parts. The first part takes its place and its
    /// money: what a kit costs is the price of as many units as a kit holds of it.
    pub fn serve_as_parts<V: View>(&mut self, view: &V, place: usize) {
        let whole = self.lines[place].clone();
        let kit = view.item(whole.sku).kit.as_deref().expect("only a kit has parts");
        let mut parts = Vec::with_capacity(kit.components.len());
        for (nth, component) in kit.components.iter().enumerate() {
            let name = &view.item(component.sku).sku;
            let mut part = part_line(&whole, format!("{}/{name}", whole.line_id), component);
            let line = if nth == 0 { place } else { self.lines.len() };
            parts.push(KitPart { line: line as u32, per_kit: component.quantity });
            if nth == 0 {
                self.lines[place] = part;
            } else {
                part.unit_price = 0;
                self.lines.push(part);
            }
        }
        let per_kit = kit.components[0].quantity;
        if whole.unit_price != 0 && per_kit != UNIT_MILLI {
            self.line_details_mut(place).price_for = per_kit;
        }
        let (line_id, sku, may_split) = (whole.line_id, whole.sku, kit.may_split);
        let details = self.details.get_or_insert_default();
        details.substitutes.retain(|row| row.line as usize != place);
        details.kits.push(KitLine { line_id, sku, may_split, parts });
    }

    /// Replaces the lines of all kits that are never stocked as themselves.
    pub fn serve_kits_as_parts<V: View>(&mut self, view: &V) {
        for place in 0..self.lines.len() {
            let kit = view.item(self.lines[place].sku).kit.as_deref();
            if kit.is_some_and(|kit| !kit.assembled_first) {
                self.serve_as_parts(view, place);
            }
        }
    }

    /// Whole kits of a line that are open, as a count; what is open beyond them belongs to kits of
    /// which a part has left or is promised.
    pub fn open_kits(&self, kit: &KitLine) -> i64 {
        kit.kits_of(|line| self.lines[line].open)
    }

    /// Units left of a kit's parts that no whole kit needs any more, since others were cancelled:
    /// (place of the line, units).
    pub fn beyond_whole_kits(&self) -> Vec<(usize, i64)> {
        let wanted = |line: usize| self.lines[line].ordered - self.lines[line].cancelled;
        let mut beyond = Vec::new();
        for kit in self.kits() {
            let whole = kit.kits_of(wanted);
            for part in &kit.parts {
                let line = part.line as usize;
                let row = &self.lines[line];
                let left = row.open + row.allocated - self.asked_back(line);
                let units = (wanted(line) - whole * part.per_kit).min(left);
                if units > 0 {
                    beyond.push((line, units));
                }
            }
        }
        beyond
    }

    /// Whether these open units hold no part of a kit without the others. Units that no whole open
    /// kit needs may be alone: the rest of their kit is elsewhere already.
    pub fn are_whole_kits(&self, units: impl Fn(usize) -> i64) -> bool {
        self.kits().iter().filter(|kit| !kit.may_split).all(|kit| {
            let (kits, open) = (kit.kits_of(&units), self.open_kits(kit));
            kit.parts.iter().all(|part| {
                let line = part.line as usize;
                let alone = self.lines[line].open - open * part.per_kit;
                units(line) - kits * part.per_kit <= alone
            })
        })
    }
}

fn part_line(whole: &Line, line_id: String, component: &Component) -> Line {
    let units = |kits: i64| kits / UNIT_MILLI * component.quantity;
    Line {
        line_id,
        sku: component.sku,
        ordered: units(whole.ordered),
        open: units(whole.open),
        waiting: units(whole.waiting),
        cancelled: units(whole.cancelled),
        ..whole.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kit() -> Kit {
        let part = |sku: u32, quantity: i64| Component { sku: SkuIx(sku), quantity };
        Kit {
            components: vec![part(0, 1_000), part(1, 2_000)],
            assembled_first: false,
            may_split: false,
        }
    }

    #[test]
    fn the_scarcest_part_says_how_many_kits_there_are() {
        assert_eq!(kit().whole(|sku| if sku == SkuIx(0) { 5_000 } else { 7_000 }), 3_000);
        assert_eq!(kit().whole(|sku| if sku == SkuIx(0) { 5_000 } else { -1 }), 0);
    }

    #[test]
    fn kits_whose_parts_are_no_quantity_do_not_fit() {
        assert!(kit().fits(3_000));
        assert!(!kit().fits(crate::MAX_QUANTITY_MILLI));
    }
}
