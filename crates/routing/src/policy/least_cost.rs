//! The cheapest plan, by what the rule says that shipping costs.

use omnifold_domain::policy::{Cost, Mode, Spanned, Splits, Step};
use omnifold_domain::{NodeIx, Priced as Scarce, View, shadow_price};
use omnifold_events::v1::Verdict;

use super::attempt::Tried;
use super::compile::CompiledRule;
use super::facts::Asked;
use crate::candidates::{Candidates, Demand};
use crate::decide::{Plan, Router};
use crate::distance::UNKNOWN;
use crate::fill::Shipment;
use crate::solver::{Beyond, Bracket, Problem, Solution};

/// Chosen nodes beyond which no runner-up is looked for: each takes a search.
const MAX_COMPARED: usize = 8;

/// What all units left unserved cost together at most, beside what leaving anything costs.
const MOST_UNSERVED: i64 = 1 << 50;

/// Milligrams in a kilogram.
const KG_MG: i64 = 1_000_000;

/// What the plan costs, shadow prices included, and the best other one, in 1/1000 of the minor unit.
#[derive(Debug, Clone, Default)]
pub(super) struct Priced {
    pub cost: i64,
    pub runner_up_cost: i64,
    pub runner_up: Vec<u32>,
}

/// Whole units where every quantity is one, else 1/1000: the smaller the numbers, the finer ties are
/// told apart.
fn grain_of(candidates: &Candidates, demands: &[Demand]) -> i64 {
    let fine = demands.iter().any(|d| candidates.skus[d.sku].step < 1_000 || d.units % 1_000 != 0);
    if fine { 1 } else { 1_000 }
}

/// `None`: not known.
pub(super) fn known(metres: u32) -> Option<u32> {
    (metres != UNKNOWN).then_some(metres)
}

impl Router {
    /// Asks the solver: under `least_cost` with the rule's costs and the shadow prices in force, else
    /// a shipment costs one and nothing else does.
    pub(super) fn solve<V: View>(
        &mut self,
        rule: &CompiledRule,
        asked: Asked<'_, V>,
        demands: &[Demand],
        max_steps: u32,
        tried: &mut Tried,
    ) {
        let wanted: Vec<Demand> = demands.iter().copied().filter(|d| d.units > 0).collect();
        let whole = rule.rule.split.allow != Splits::Quantity;
        let rows = if whole { wanted.clone() } else { by_sku(&wanted) };
        let grain = grain_of(&self.candidates, &rows);
        let mut problem = std::mem::take(&mut self.desk.problem);
        self.state(&mut problem, rule, asked, &rows, grain);
        if let Some(cost) = rule.charged().filter(|cost| cost.has_steps()) {
            let weight = |d: &Demand| asked.view.item(self.candidates.skus[d.sku].sku).weight_g;
            let metres = self.ranked.iter().map(|&node| self.candidates.distances[node]);
            price_by_weight(&mut problem, cost, rows.iter().map(weight), metres, grain);
            forbid_unserved(&mut problem);
        }
        if rule.charged().is_some() {
            self.charge_prices(&mut problem, asked, &rows, grain);
            self.charge_markdowns(&mut problem, rule, asked, &rows);
        }
        let solution = self.desk.solver.solve(&problem, max_steps).clone();
        (tried.steps, tried.bound_hit) = (solution.steps, solution.bound_hit);
        tried.plan.shipments = self.shipments(&solution, &rows, &wanted, grain);
        let left = uncovered(&solution, &rows, &wanted, &tried.plan.shipments);
        tried.plan.uncovered.extend(left);
        if rule.rule.mode == Mode::LeastCost {
            tried.priced = self.price(&mut problem, &solution, max_steps, 1_000 / grain);
        }
        let may_be_heavy = rule.charged().is_some_and(Cost::has_steps) && !solution.bound_hit;
        if may_be_heavy && !solution.unserved.is_empty() {
            self.state(&mut problem, rule, asked, &rows, grain);
            let weightless = self.desk.solver.solve(&problem, max_steps);
            tried.steps = tried.steps.saturating_add(weightless.steps);
            tried.too_heavy = left_by(weightless) < left_by(&solution);
        }
        self.desk.problem = problem;
    }

    /// Writes the problem down, but for what shipments cost by their weight: nodes in rank order.
    fn state<V: View>(
        &self,
        problem: &mut Problem,
        rule: &CompiledRule,
        asked: Asked<'_, V>,
        rows: &[Demand],
        grain: i64,
    ) {
        problem.reset(self.ranked.len(), rows.len());
        problem.whole_rows = rule.rule.split.allow != Splits::Quantity;
        problem.max_shipments = match (rule.rule.split.allow, rule.rule.split.max_shipments) {
            (Splits::None, _) => 1,
            (_, 0) => self.ranked.len(),
            (_, most) => most as usize,
        };
        for (row, demand) in rows.iter().enumerate() {
            problem.units[row] = demand.units / grain;
            let pool = rows.iter().position(|other| other.sku == demand.sku);
            problem.pool[row] = pool.expect("the row itself");
        }
        let scale = 1_000 / grain; // a milli-unit costs a thousandth, so fixed costs count more
        for (place, &node) in self.ranked.iter().enumerate() {
            let cost = rule.charged();
            let late = asked.known.late_days(node);
            let shipment = cost.map_or(1, |cost| rule.shipment[node] + cost.late_day * late);
            problem.fixed[place] = shipment * scale;
            let metres = known(self.candidates.distances[node]);
            for (row, demand) in rows.iter().enumerate() {
                let weight_g = asked.view.item(self.candidates.skus[demand.sku].sku).weight_g;
                let unit = cost.map_or(0, |cost| cost.of_unit(metres, weight_g));
                *problem.unit_cost_mut(place, row) = unit;
                let free = self.candidates.free(node)[demand.sku].max(0);
                *problem.supply_mut(place, problem.pool[row]) = free / grain;
            }
        }
        forbid_unserved(problem);
    }

    /// What scarce stock and a scarce day are worth to later orders is charged like a real cost.
    fn charge_prices<V: View>(
        &self,
        problem: &mut Problem,
        asked: Asked<'_, V>,
        rows: &[Demand],
        grain: i64,
    ) {
        let price =
            |of, node: usize| shadow_price(asked.view, of, NodeIx(node as u32), asked.now_ms);
        for (place, &node) in self.ranked.iter().enumerate() {
            problem.fixed[place] += price(Scarce::Capacity, node) * (1_000 / grain);
            for (row, demand) in rows.iter().enumerate() {
                let sku = self.candidates.skus[demand.sku].sku;
                *problem.unit_cost_mut(place, row) += price(Scarce::Stock(sku), node);
            }
        }
        forbid_unserved(problem);
    }

    /// What a unit will lose where it is makes it dearer to serve the order from elsewhere: by as much as
    /// the node that saves most saves more. So nothing costs less than 0, and plans that serve as many units
    /// compare as if what each saves were taken off its cost.
    fn charge_markdowns<V: View>(
        &self,
        problem: &mut Problem,
        rule: &CompiledRule,
        asked: Asked<'_, V>,
        rows: &[Demand],
    ) {
        let share = rule.charged().map_or(0, |cost| cost.markdown);
        if share == 0 {
            return;
        }
        for (row, demand) in rows.iter().enumerate() {
            let saves = |node: usize| match self.candidates.free(node)[demand.sku] {
                1.. => asked.known.markdown(node, demand.sku),
                _ => 0,
            };
            let most = self.ranked.iter().map(|&node| saves(node)).max().unwrap_or(0);
            for (place, &node) in self.ranked.iter().enumerate() {
                // Minor units by the per mille are 1/1000 of a minor unit.
                *problem.unit_cost_mut(place, row) += (most - saves(node)) * share;
            }
        }
        forbid_unserved(problem);
    }

    fn shipments(
        &self,
        solution: &Solution,
        rows: &[Demand],
        wanted: &[Demand],
        grain: i64,
    ) -> Vec<Shipment> {
        let shipment = |&node: &usize| Shipment { node, lines: Vec::new() };
        let mut shipments: Vec<Shipment> = self.ranked.iter().map(shipment).collect();
        let mut open: Vec<i64> = wanted.iter().map(|demand| demand.units).collect();
        let by_line = rows.len() == wanted.len();
        for flow in &solution.flows {
            let mut units = flow.units * grain;
            for (place, demand) in wanted.iter().enumerate() {
                let mine =
                    if by_line { place == flow.row } else { demand.sku == rows[flow.row].sku };
                let taken = if mine { units.min(open[place]) } else { 0 };
                if taken > 0 {
                    open[place] -= taken;
                    units -= taken;
                    shipments[flow.node].add(demand.line, taken, 0);
                }
            }
        }
        shipments.retain(|shipment| !shipment.lines.is_empty());
        for shipment in &mut shipments {
            shipment.lines.sort_unstable_by_key(|part| part.0);
        }
        shipments
    }

    /// The plan's price, and the cheapest plan without one of its nodes.
    fn price(
        &mut self,
        problem: &mut Problem,
        solution: &Solution,
        max_steps: u32,
        scale: i64,
    ) -> Priced {
        let mut chosen: Vec<usize> = solution.flows.iter().map(|flow| flow.node).collect();
        chosen.sort_unstable();
        chosen.dedup();
        let mut priced = Priced { cost: solution.cost / scale, ..Priced::default() };
        if chosen.len() > MAX_COMPARED || !solution.unserved.is_empty() {
            return priced;
        }
        let mut best: Option<Solution> = None;
        for &node in &chosen {
            let supply = problem.take_supply(node);
            let other = self.desk.solver.solve(problem, max_steps / MAX_COMPARED as u32);
            let better = best.as_ref().is_none_or(|best| other.cost < best.cost);
            if other.unserved.is_empty() && better {
                best = Some(other.clone());
            }
            problem.give_supply(node, &supply);
        }
        if let Some(best) = best {
            priced.runner_up_cost = best.cost / scale;
            priced.runner_up = best.flows.iter().map(|f| self.ranked[f.node] as u32).collect();
            priced.runner_up.sort_unstable();
            priced.runner_up.dedup();
        }
        priced
    }

    /// Under costs, who could have served and was not chosen was not cheap enough.
    pub(super) fn name_costlier(&mut self, mode: Mode, plan: &Plan) {
        if mode != Mode::LeastCost || plan.shipments.is_empty() {
            return;
        }
        for &node in &self.ranked {
            if self.candidates.verdicts[node] != Verdict::Chosen {
                self.candidates.verdicts[node] = Verdict::Costlier;
            }
        }
    }
}

/// A carrier's tables, in milligrams; each node has that of its zone. `weights`: grams of a unit, by row;
/// `metres` by node.
pub(crate) fn price_by_weight(
    problem: &mut Problem,
    cost: &Cost,
    weights: impl Iterator<Item = u32>,
    metres: impl Iterator<Item = u32>,
    grain: i64,
) {
    let scale = 1_000 / grain;
    for rates in cost.tables() {
        let heaviest = rates.heaviest_mg();
        let beyond =
            rates.over_kg.map(|over| Beyond { each: KG_MG, price: over * scale, heaviest });
        let bracket = |step: &Spanned<Step>| {
            let Step { up_to_kg, price } = *step.get_ref();
            Bracket { up_to: i64::from(up_to_kg.grams) * 1_000, price: price * scale }
        };
        problem.add_table(rates.steps.iter().map(bracket), beyond);
    }
    for (row, grams) in weights.enumerate() {
        problem.weight[row] = i64::from(grams) * grain;
    }
    for (node, metres) in metres.enumerate() {
        if let Some(table) = cost.table_at(known(metres)) {
            problem.price_by(node, table);
        }
    }
}

/// What stock covers is served wherever it lies: leaving anything costs more than any plan, and then
/// each unit more than any place.
pub(crate) fn forbid_unserved(problem: &mut Problem) {
    let nodes = problem.fixed.len();
    let mut whole = 1 + problem.fixed.iter().sum::<i64>() + problem.most_by_weight();
    for row in 0..problem.units.len() {
        let costs = (0..nodes).map(|node| *problem.unit_cost_mut(node, row));
        let dearest = costs.max().unwrap_or(0);
        whole += dearest * problem.units[row];
    }
    let units = problem.units.iter().sum::<i64>().max(1);
    problem.unserved_fixed = whole;
    problem.unserved_unit.fill(whole.min(MOST_UNSERVED / units));
}

/// Units that a plan leaves.
fn left_by(solution: &Solution) -> i64 {
    solution.unserved.iter().map(|row| row.1).sum()
}

/// Rows of the same SKU as one.
fn by_sku(demands: &[Demand]) -> Vec<Demand> {
    let mut rows: Vec<Demand> = Vec::new();
    for demand in demands {
        match rows.iter_mut().find(|row| row.sku == demand.sku) {
            Some(row) => row.units += demand.units,
            None => rows.push(*demand),
        }
    }
    rows
}

/// What the solver left, by line.
fn uncovered(
    solution: &Solution,
    rows: &[Demand],
    wanted: &[Demand],
    shipments: &[Shipment],
) -> Vec<(usize, i64)> {
    if solution.unserved.is_empty() || rows.is_empty() {
        return Vec::new();
    }
    let shipped = |line: usize| -> i64 {
        let parts = shipments.iter().flat_map(|shipment| &shipment.lines);
        parts.filter(|part| part.0 == line).map(|part| part.1).sum()
    };
    let left = wanted.iter().map(|demand| (demand.line, demand.units - shipped(demand.line)));
    left.filter(|&(_, units)| units > 0).collect()
}
