//! Kits among the candidates: a kit that one node serves whole is a SKU of its own, of which each
//! node has as many as its parts make up.

use omnifold_domain::{KitLine, Order, SkuIx, UNIT_MILLI};
use omnifold_events::v1::Verdict;

use super::{Candidates, Demand, SkuDemand, is_ruled_out};

/// The open kits of one line.
#[derive(Debug, Clone)]
pub(crate) struct Whole {
    /// Place in [`Order::kits`].
    pub kit: usize,
    /// How many, in 1/1000 kit.
    pub kits: i64,
    /// The parts of one kit may come from several nodes.
    pub may_split: bool,
    pub parts: Vec<Part>,
}

/// A part of a kit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    /// Place in the order's lines.
    pub line: usize,
    /// Place in [`Candidates::skus`].
    pub sku: usize,
    /// Units in one kit.
    pub per_kit: i64,
}

/// What a node has, or all of them have, of the parts of a kit, as whole kits.
fn makes(parts: &[Part], there: impl Fn(usize) -> i64) -> i64 {
    let kits = parts.iter().map(|part| there(part.sku).max(0) / part.per_kit);
    kits.min().unwrap_or(0).saturating_mul(UNIT_MILLI)
}

/// A sum that is cut at what fits: nobody orders more.
fn total(kits: impl Iterator<Item = i64>) -> i64 {
    kits.fold(0, i64::saturating_add)
}

impl Candidates {
    /// The open kits of an order, and the open units that belong to none of them.
    pub(crate) fn wholes(&self, order: &Order) -> (Vec<Whole>, Vec<Demand>) {
        let numbered = order.kits().iter().enumerate();
        let wholes = numbered.map(|(place, kit)| self.whole(order, place, kit));
        let wholes: Vec<Whole> = wholes.filter(|whole| whole.kits > 0).collect();
        let in_kits = |line: usize| -> i64 {
            let parts = wholes.iter().flat_map(|whole| {
                whole.parts.iter().map(|part| (part.line, whole.kits / UNIT_MILLI * part.per_kit))
            });
            parts.filter(|part| part.0 == line).map(|part| part.1).sum()
        };
        let rest =
            |demand: &Demand| Demand { units: demand.units - in_kits(demand.line), ..*demand };
        let loose = self.demands.iter().map(rest).filter(|demand| demand.units > 0).collect();
        (wholes, loose)
    }

    fn whole(&self, order: &Order, place: usize, kit: &KitLine) -> Whole {
        let kits = order.open_kits(kit) * UNIT_MILLI;
        let part = |part: &omnifold_domain::KitPart| {
            let line = part.line as usize;
            let demand = self.demands.iter().find(|demand| demand.line == line)?;
            Some(Part { line, sku: demand.sku, per_kit: part.per_kit })
        };
        let parts: Option<Vec<Part>> = kit.parts.iter().map(part).collect();
        // A part of which nothing is open leaves no kit open.
        let (kits, parts) = parts.map_or((0, Vec::new()), |parts| (kits, parts));
        Whole { kit: place, kits, may_split: kit.may_split, parts }
    }

    /// The same nodes for these kits and these units only. The line of a kit is `first_kit` and its
    /// place among the order's kits.
    pub(crate) fn of_group(
        &self,
        wholes: &[Whole],
        units: &[Demand],
        first_kit: usize,
    ) -> Candidates {
        let mut group = Candidates {
            verdicts: self.verdicts.clone(),
            distances: self.distances.clone(),
            stocking: self.stocking.clone(),
            places: self.places.clone(),
            ..Candidates::default()
        };
        let (nodes, skus) = (self.verdicts.len(), self.skus.len());
        let kits = wholes.len();
        for (place, whole) in wholes.iter().enumerate() {
            let line = first_kit + whole.kit;
            group.demands.push(Demand { line, sku: place, units: whole.kits });
            group.skus.push(self.skus_of_kit(whole));
        }
        for (place, demand) in self.skus.iter().enumerate() {
            let wanted = units.iter().filter(|unit| unit.sku == place).map(|unit| unit.units).sum();
            let (on_hand, backorder) = (self.all_free(place), self.all_backorder(place));
            group.skus.push(SkuDemand { wanted, on_hand, backorder, ..*demand });
        }
        group.demands.extend(units.iter().map(|unit| Demand { sku: kits + unit.sku, ..*unit }));
        for node in 0..nodes {
            let free = |sku: usize| self.free[node * skus + sku];
            let all = |sku: usize| free(sku) + self.backorder[node * skus + sku];
            let whole_free = wholes.iter().map(|whole| makes(&whole.parts, free));
            group.free.extend(whole_free.chain((0..skus).map(free)));
            let beyond = |whole: &Whole| makes(&whole.parts, all) - makes(&whole.parts, free);
            let without = wholes.iter().map(beyond);
            group.backorder.extend(without.chain((0..skus).map(|sku| all(sku) - free(sku))));
        }
        group.judge_group();
        group
    }

    fn skus_of_kit(&self, whole: &Whole) -> SkuDemand {
        let (nodes, skus) = (self.verdicts.len(), self.skus.len());
        let free = |node: usize, sku: usize| self.free[node * skus + sku];
        let all = |node: usize, sku: usize| free(node, sku) + self.backorder[node * skus + sku];
        let on_hand = total((0..nodes).map(|n| makes(&whole.parts, |sku| free(n, sku))));
        let promised = total((0..nodes).map(|n| makes(&whole.parts, |sku| all(n, sku))));
        SkuDemand {
            sku: SkuIx(u32::MAX), // the kit's own stock is not asked for
            wanted: whole.kits,
            on_hand,
            backorder: promised - on_hand,
            stocked: true,
            step: UNIT_MILLI,
        }
    }

    /// Only a node that has something of the group is in the running for it.
    fn judge_group(&mut self) {
        let skus = self.skus.len();
        for node in 0..self.verdicts.len() {
            let wanted = |place: &usize| self.skus[*place].wanted > 0;
            let has = (0..skus).filter(wanted).any(|sku| self.free[node * skus + sku] > 0);
            let verdict = &mut self.verdicts[node];
            if has && !is_ruled_out(*verdict) {
                *verdict = Verdict::MoreShipments;
            } else if *verdict == Verdict::MoreShipments {
                *verdict = Verdict::NoFreeStock;
            }
        }
    }

    /// Whole kits that all nodes together have the parts of.
    pub(crate) fn makes_together(&self, whole: &Whole) -> i64 {
        makes(&whole.parts, |sku| self.all_free(sku) + self.all_backorder(sku))
    }

    fn all_free(&self, sku: usize) -> i64 {
        self.free.iter().skip(sku).step_by(self.skus.len()).sum()
    }

    fn all_backorder(&self, sku: usize) -> i64 {
        self.backorder.iter().skip(sku).step_by(self.skus.len()).sum()
    }

    /// Takes units from what a node can promise, stock first. Returns how many are without stock.
    pub(crate) fn take(&mut self, node: usize, sku: usize, units: i64) -> i64 {
        let cell = node * self.skus.len() + sku;
        let from_stock = units.min(self.free[cell]);
        self.free[cell] -= from_stock;
        self.backorder[cell] -= units - from_stock;
        units - from_stock
    }

    /// Place of a SKU that a line asks for.
    pub(crate) fn sku_of_line(&self, line: usize) -> usize {
        let demand = self.demands.iter().find(|demand| demand.line == line);
        demand.expect("a shipment is of lines that are open").sku
    }
}
