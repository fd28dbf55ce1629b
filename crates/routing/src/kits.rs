//! Orders with kits: whole kits only, each from one node unless it may be split.
//!
//! Where no part of a kit is asked for by another line too, kits are demands like any other, and the
//! plan is as good as one without kits. Where lines compete for the same part (rule H1), they are
//! served one after the other, kits first: the plan is then found and not proven, and says so.

use omnifold_domain::{Order, UNIT_MILLI, View};
use omnifold_events::v1;

use crate::candidates::{Candidates, Demand, Whole};
use crate::decide::{Covered, Router, Turn, shipment_of};

/// What is planned together.
struct Group {
    wholes: Vec<Whole>,
    units: Vec<Demand>,
}

impl Router {
    /// Serves the demands of an order with kits as far as whole kits can be. Kits that cannot are
    /// added to the shortages.
    pub(crate) fn cover_kits<V: View>(
        &mut self,
        view: &V,
        turn: Turn,
        order: &Order,
        max_steps: u32,
        shortages: &mut Vec<v1::SkuShortage>,
    ) -> Covered {
        let mut base = std::mem::take(&mut self.candidates);
        let (wholes, loose) = base.wholes(order);
        let groups = groups_of(order, wholes, loose);
        let first_kit = order.lines.len();
        let mut all = Covered { bound_hit: groups.len() > 1, ..Covered::default() };
        for group in &groups {
            let group = within_reach(&base, group, &mut all.uncovered);
            self.candidates = base.of_group(&group.wholes, &group.units, first_kit);
            let covered = self.cover_demands(view, turn, max_steps.saturating_sub(all.steps));
            all.steps += covered.steps;
            all.bound_hit |= covered.bound_hit;
            book(&mut base, order, covered, &mut all);
            base.verdicts.clone_from(&self.candidates.verdicts);
        }
        self.candidates = base;
        for shipment in &mut all.shipments {
            self.candidates.verdicts[shipment.node] = v1::Verdict::Chosen;
            shipment.lines.sort_unstable_by_key(|part| part.0);
        }
        let rank = |node: usize| (self.candidates.distances[node], &view.nodes()[node].id);
        all.shipments.sort_by(|a, b| rank(a.node).cmp(&rank(b.node)));
        add_shortages(view, order, &all.uncovered, shortages);
        if !order.allow_partial && !all.uncovered.is_empty() {
            let demands = self.candidates.demands.iter();
            all.uncovered = demands.map(|demand| (demand.line, demand.units)).collect();
            all.shipments.clear();
        }
        all
    }
}

/// One group where nothing competes; else each kit by itself, then the rest.
fn groups_of(order: &Order, wholes: Vec<Whole>, loose: Vec<Demand>) -> Vec<Group> {
    let (split, one_node): (Vec<Whole>, Vec<Whole>) =
        wholes.into_iter().partition(|whole| whole.may_split);
    let competes =
        competes(&one_node, &split, &loose) || (order.allow_partial && !split.is_empty());
    let units = |wholes: &[Whole]| wholes.iter().flat_map(units_of).collect::<Vec<Demand>>();
    if !competes {
        let mut together = units(&split);
        together.extend(loose);
        return vec![Group { wholes: one_node, units: together }];
    }
    let alone = |whole: Whole| Group { wholes: vec![whole], units: Vec::new() };
    let mut groups: Vec<Group> = one_node.into_iter().chain(split).map(alone).collect();
    groups.push(Group { wholes: Vec::new(), units: loose });
    groups
}

/// Whether a part of a kit that one node serves is asked for twice.
fn competes(one_node: &[Whole], split: &[Whole], loose: &[Demand]) -> bool {
    let of_kits = one_node.iter().flat_map(|whole| whole.parts.iter().map(|part| part.sku));
    let mut asked: Vec<usize> = of_kits.collect();
    let kits = asked.len();
    asked.extend(split.iter().flat_map(|whole| whole.parts.iter().map(|part| part.sku)));
    asked.extend(loose.iter().map(|demand| demand.sku));
    (0..kits)
        .any(|place| (0..asked.len()).any(|other| other != place && asked[other] == asked[place]))
}

/// The parts of a kit that may be split, each for itself.
fn units_of(whole: &Whole) -> Vec<Demand> {
    let kits = whole.kits / UNIT_MILLI;
    let unit = |part: &crate::candidates::Part| Demand {
        line: part.line,
        sku: part.sku,
        units: kits * part.per_kit,
    };
    whole.parts.iter().map(unit).collect()
}

/// A kit that may be split and stands alone: as many as all nodes together have the parts of.
fn within_reach(base: &Candidates, group: &Group, uncovered: &mut Vec<(usize, i64)>) -> Group {
    let [whole] = &group.wholes[..] else {
        return Group { wholes: group.wholes.clone(), units: group.units.clone() };
    };
    if !whole.may_split {
        return Group { wholes: group.wholes.clone(), units: group.units.clone() };
    }
    let kits = whole.kits.min(base.makes_together(whole));
    let rest = Whole { kits: whole.kits - kits, ..whole.clone() };
    uncovered
        .extend(units_of(&rest).iter().map(|unit| (unit.line, unit.units)).filter(|u| u.1 > 0));
    Group { wholes: Vec::new(), units: units_of(&Whole { kits, ..whole.clone() }) }
}

/// Turns kits back into their parts, and takes them from what is left for the next group.
fn book(base: &mut Candidates, order: &Order, covered: Covered, all: &mut Covered) {
    let parts = |line: usize, units: i64| -> Vec<(usize, i64)> {
        let Some(kit) = line.checked_sub(order.lines.len()) else { return vec![(line, units)] };
        let kit = &order.kits()[kit];
        let of_part = |part: &omnifold_domain::KitPart| {
            (part.line as usize, units / UNIT_MILLI * part.per_kit)
        };
        kit.parts.iter().map(of_part).collect()
    };
    for shipment in covered.shipments {
        for (line, units, _) in shipment.lines {
            for (line, units) in parts(line, units) {
                let sku = base.sku_of_line(line);
                let without_stock = base.take(shipment.node, sku, units);
                shipment_of(&mut all.shipments, shipment.node).add(line, units, without_stock);
            }
        }
    }
    for (line, units) in covered.uncovered {
        all.uncovered.extend(parts(line, units));
    }
}

/// Kits of which parts are there, and no whole one more (rule Q7).
fn add_shortages<V: View>(
    view: &V,
    order: &Order,
    uncovered: &[(usize, i64)],
    shortages: &mut Vec<v1::SkuShortage>,
) {
    let lacking = |line: usize| -> i64 {
        uncovered.iter().filter(|part| part.0 == line).map(|part| part.1).sum()
    };
    for kit in order.kits() {
        let kits = kit.kits_of(lacking) * UNIT_MILLI;
        if kits > 0 {
            let asked = order.open_kits(kit) * UNIT_MILLI;
            shortages.push(v1::SkuShortage {
                sku: view.item(kit.sku).sku.clone(),
                requested_milli: asked,
                available_milli: asked - kits,
            });
        }
    }
}
