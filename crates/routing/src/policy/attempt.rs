//! A rule's plan for an order, and whether it keeps to the rule.

use omnifold_domain::policy::{Mode, Partial, Splits, Unserved};
use omnifold_domain::{NodeIx, Order, Reason, View};
use omnifold_events::v1::{Explanation, PolicyExplanation, Verdict};

use super::Ruled;
use super::compile::{Compiled, CompiledRule};
use super::facts::{Asked, PairFacts, service_of, value_of};
use super::filter::filter;
use super::known::Known;
use super::least_cost::Priced;
use super::rank::Ranking;
use crate::candidates::{Asking, Demand, sooner};
use crate::cover;
use crate::decide::{Plan, Router, Task};
use crate::explain;
use crate::fill::{Shipment, fill};

/// What trying a rule came to.
pub(super) struct Tried {
    pub plan: Plan,
    pub steps: u32,
    pub bound_hit: bool,
    pub priced: Priced,
    /// More would be served if nothing weighed anything.
    pub too_heavy: bool,
    /// Why the plan does not keep to the rule.
    fault: Option<&'static str>,
}

impl Router {
    /// The plan of the first rule that has one, or of the last one tried. `None`: no rule takes the
    /// order.
    pub(super) fn plan_by<V: View>(
        &mut self,
        compiled: &Compiled,
        view: &mut V,
        task: Task<'_>,
    ) -> Option<Ruled> {
        let Task { turn, order, level, max_steps } = task;
        let market_waits = view.settings().is_some_and(|settings| settings.wait);
        let service = service_of(order);
        let mut passed_over = Vec::new();
        let (mut left, mut back_at) = (max_steps, 0);
        let mut last: Option<Ruled> = None;
        let mut known = std::mem::take(&mut self.desk.known);
        for rule in &compiled.rules {
            let counts_capacity = !rule.rule.nodes.ignore_capacity;
            let asking = Asking { now_ms: turn.now_ms, counts_capacity };
            self.candidates.gather_within(view, order, asking, &mut self.distances);
            let (groups, now_ms) = (compiled.groups.as_slice(), turn.now_ms);
            known.gather(view, order, now_ms, &self.candidates, rule);
            let known = &known;
            let asked = Asked { view: &*view, order, service: &service, groups, now_ms, known };
            if !self.takes(rule, asked) {
                continue;
            }
            filter(&mut self.candidates, rule, asked);
            back_at = sooner(back_at, self.candidates.back_at);
            Ranking(asked).run(&mut self.candidates, rule, &mut self.desk.scores);
            let tried = self.attempt(rule, asked, Task { max_steps: left, ..task });
            left = left.saturating_sub(tried.steps).max(1);
            let (fault, mut plan) = (tried.fault, tried.plan);
            if let Some(fault) = fault {
                passed_over.push(format!("{}: {fault}", rule.rule.name));
            }
            let explanation =
                explain::explanation(&self.candidates, level, tried.steps, tried.bound_hit);
            let named = fault.map_or(Some(rule), |_| None);
            plan.explanation =
                explanation.map(|it| self.explained(it, named, &passed_over, tried.priced, known));
            let wait = match rule.rule.outcome.none {
                Unserved::AsMarket => market_waits,
                Unserved::Wait | Unserved::Transfer => true,
                Unserved::Refuse | Unserved::Hold => false,
            };
            plan.merge_at = merge_at(asked.view, rule);
            plan.back_at = back_at;
            plan.holds = rule.rule.outcome.none == Unserved::Hold;
            plan.waits_ms = i64::from(rule.rule.outcome.cancel_after_hours) * 3_600_000;
            if let Some(to) = self.move_to(rule, asked, &plan) {
                plan.moves = self.moves(view, order, &plan.uncovered, to);
            }
            last = Some((plan, wait));
            if fault.is_none() {
                break;
            }
        }
        self.desk.known = known;
        last
    }

    /// Whether the rule is for this order.
    pub(super) fn takes<V: View>(&self, rule: &CompiledRule, asked: Asked<'_, V>) -> bool {
        let order = asked.order;
        let facts = PairFacts { asked, candidates: &self.candidates, node: 0 };
        rule.rule.selects(&order.channel, asked.service, order.class())
            && rule.when.as_ref().is_none_or(|when| when.holds(&facts))
    }

    fn attempt<V: View>(
        &mut self,
        rule: &CompiledRule,
        asked: Asked<'_, V>,
        task: Task<'_>,
    ) -> Tried {
        let shortages = self.shortages(asked.view);
        let everything = self.candidates.demands.iter().map(|d| (d.line, d.units)).collect();
        let nothing = Plan {
            shipments: Vec::new(),
            uncovered: everything,
            reason: self.reason(),
            shortages,
            explanation: None,
            stand_ins: Vec::new(),
            waits_ms: 0,
            merge_at: None,
            back_at: 0,
            holds: false,
            moves: Vec::new(),
            min_shelf_days: rule.rule.nodes.min_shelf_days,
        };
        let (steps, priced) = (0, Priced::default());
        let mut tried =
            Tried { plan: nothing, steps, bound_hit: false, priced, too_heavy: false, fault: None };
        if !tried.plan.shortages.is_empty() && !asked.order.allow_partial {
            tried.fault = Some(Reason::Unfillable.code());
            return tried;
        }
        self.combine(rule, asked, task, &mut tried);
        tried.fault = fault_of(rule, asked.order, &tried.plan);
        if tried.too_heavy && tried.fault.is_some() && !tried.plan.uncovered.is_empty() {
            tried.plan.reason = Reason::TooHeavy;
            tried.fault = Some(Reason::TooHeavy.code());
        }
        if tried.fault.is_some() {
            self.drop_plan(&mut tried);
        }
        tried
    }

    /// A plan that does not keep to its rule allocates nothing.
    fn drop_plan(&mut self, tried: &mut Tried) {
        for shipment in tried.plan.shipments.drain(..) {
            self.candidates.verdicts[shipment.node] = Verdict::AgainstRule;
        }
        let demands = self.candidates.demands.iter();
        tried.plan.uncovered = demands.map(|d| (d.line, d.units)).collect();
        tried.priced = Priced::default();
    }

    /// Finds who ships what.
    fn combine<V: View>(
        &mut self,
        rule: &CompiledRule,
        asked: Asked<'_, V>,
        task: Task<'_>,
        tried: &mut Tried,
    ) {
        if !asked.order.kits().is_empty() {
            return self.combine_kits(asked, task, tried);
        }
        let (from_stock, without_stock, uncovered) = self.ration();
        tried.plan.uncovered = uncovered;
        let need = self.need(&from_stock);
        self.candidates.ranked(asked.view, &mut self.ranked);
        match (rule.rule.mode, rule.rule.split.allow) {
            (Mode::PriorityFill, Splits::Quantity) => self.fill_by_rank(&from_stock, tried),
            (Mode::FewestShipments, Splits::Quantity) => {
                let cover =
                    cover::find(&self.candidates, &from_stock, &self.ranked, &need, task.max_steps);
                let (shipments, cut_short) =
                    fill(&self.candidates, &from_stock, &cover.nodes, task.turn.rules);
                tried.plan.shipments = shipments;
                (tried.steps, tried.bound_hit) = (cover.steps, cover.bound_hit || cut_short);
            }
            _ => self.solve(rule, asked, &from_stock, task.max_steps, tried),
        }
        explain::judge_losers(asked.view, &mut self.candidates, &need, &tried.plan.shipments);
        self.name_costlier(rule.rule.mode, &tried.plan);
        let Plan { shipments, uncovered, .. } = &mut tried.plan;
        self.add_backorders(asked.view, without_stock, shipments, uncovered);
    }

    /// Kits go whole from one node, so they are combined by one rule whatever the policy's mode: of
    /// the nodes that it leaves, the fewest shipments.
    fn combine_kits<V: View>(&mut self, asked: Asked<'_, V>, task: Task<'_>, tried: &mut Tried) {
        let Task { turn, max_steps, .. } = task;
        let shortages = &mut tried.plan.shortages;
        let covered = self.cover_kits(asked.view, turn, asked.order, max_steps, shortages);
        (tried.steps, tried.bound_hit) = (covered.steps, covered.bound_hit);
        (tried.plan.shipments, tried.plan.uncovered) = (covered.shipments, covered.uncovered);
    }

    /// Rule R3: nodes strictly in rank order, line by line, each as much as it has.
    fn fill_by_rank(&mut self, demands: &[Demand], tried: &mut Tried) {
        let skus = self.candidates.skus.len();
        let mut left: Vec<i64> = Vec::with_capacity(self.ranked.len() * skus);
        for &node in &self.ranked {
            left.extend_from_slice(self.candidates.free(node));
        }
        let shipment = |&node: &usize| Shipment { node, lines: Vec::new() };
        let mut shipments: Vec<Shipment> = self.ranked.iter().map(shipment).collect();
        for demand in demands {
            let mut missing = demand.units;
            for (place, shipment) in shipments.iter_mut().enumerate() {
                let there = &mut left[place * skus + demand.sku];
                let units = missing.min(*there).max(0);
                if units > 0 {
                    *there -= units;
                    missing -= units;
                    shipment.add(demand.line, units, 0);
                }
            }
        }
        shipments.retain(|shipment| !shipment.lines.is_empty());
        tried.plan.shipments = shipments;
        tried.steps = self.ranked.len() as u32;
    }

    /// `rule`: the one that decided; `None`: none has a plan.
    fn explained(
        &self,
        mut explanation: Explanation,
        rule: Option<&CompiledRule>,
        passed_over: &[String],
        priced: Priced,
        known: &Known,
    ) -> Explanation {
        let score = |node: &u32| self.desk.scores[*node as usize];
        let scored = rule.is_some_and(|rule| !rule.rankers.is_empty());
        explanation.policy = Some(Box::new(PolicyExplanation {
            rule: rule.map_or_else(String::new, |rule| rule.rule.name.clone()),
            passed_over: passed_over.to_vec(),
            scores: if scored { explanation.nodes.iter().map(score).collect() } else { vec![] },
            cost: priced.cost,
            runner_up_cost: priced.runner_up_cost,
            runner_up: priced.runner_up,
            landed_costs: rule.map_or(vec![], |_| known.landed_costs(&explanation.nodes)),
        }));
        explanation
    }
}

/// Where the parts of a split order become one parcel, where that node takes work.
fn merge_at<V: View>(view: &V, rule: &CompiledRule) -> Option<NodeIx> {
    let node = view.node_named(rule.rule.split.merge_at.as_deref()?)?;
    view.nodes()[node.0 as usize].takes_work().then_some(node)
}

/// Why a plan does not keep to its rule.
fn fault_of(rule: &CompiledRule, order: &Order, plan: &Plan) -> Option<&'static str> {
    let split = &rule.rule.split;
    let whole = plan.uncovered.is_empty();
    let most = if split.allow == Splits::None { 1 } else { split.max_shipments as usize };
    if plan.shipments.is_empty() || !whole && !order.allow_partial {
        Some(Reason::Unfillable.code())
    } else if !whole && rule.rule.outcome.partial == Partial::Next {
        Some("only a part")
    } else if most > 0 && plan.shipments.len() > most {
        Some("too many shipments")
    } else if split.min_shipment_value > 0 && is_below(split.min_shipment_value, order, plan) {
        Some("below the least value of a shipment")
    } else {
        None
    }
}

/// Rule R7: one complete shipment is exempt; else each shipment and the remainder must reach the floor.
fn is_below(floor: i64, order: &Order, plan: &Plan) -> bool {
    if plan.shipments.len() == 1 && plan.uncovered.is_empty() {
        return false;
    }
    let value = |line: usize, units: i64| value_of(order.lines[line].unit_price, units);
    let of_shipment = |shipment: &Shipment| -> i64 {
        shipment.lines.iter().map(|&(line, units, _)| value(line, units)).sum()
    };
    let remainder: i64 = plan.uncovered.iter().map(|&(line, units)| value(line, units)).sum();
    plan.shipments.iter().any(|shipment| of_shipment(shipment) < floor)
        || !plan.uncovered.is_empty() && remainder < floor
}
