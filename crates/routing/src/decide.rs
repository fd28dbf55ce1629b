//! One order in, the messages that say what becomes of it out.

use omnifold_domain::{Decision, FulfilmentState, Line, Order, OrderKey, Reason, Rules, View};
use omnifold_events::v1::{self, Cause, ExplanationLevel, OutcomeStatus};

use crate::candidates::{Candidates, Demand};
use crate::cover;
use crate::distance::{Distances, UNKNOWN};
use crate::explain;
use crate::fill::{Shipment, fill};

/// What is decided now: in which step, under which rules, and why.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// Number of the input record that caused it.
    pub step: u64,
    /// Which of the timers that fired after that record; 0: the record itself.
    pub timer: u32,
    /// The market's clock, milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// The rules in force.
    pub rules: Rules,
    /// What made the engine decide.
    pub cause: Cause,
}

/// Takes decisions. Holds memory for reuse and nothing that a decision depends on.
#[derive(Default)]
pub struct Router {
    candidates: Candidates,
    distances: Distances,
    ranked: Vec<usize>,
}

/// Who ships what, and what nobody ships.
pub(crate) struct Plan {
    /// Best rank first.
    pub(crate) shipments: Vec<Shipment>,
    /// (place of the order line, units).
    pub(crate) uncovered: Vec<(usize, i64)>,
    pub(crate) shortages: Vec<v1::SkuShortage>,
    pub(crate) reason: Reason,
    explanation: Option<v1::Explanation>,
}

impl Router {
    /// Routes the open units of an order. No message: nothing changes (a waiting order for which
    /// nothing appeared).
    ///
    /// # Panics
    /// Where there is no such order, or no settings: both are the caller's to know.
    pub fn route<V: View>(&mut self, view: &mut V, turn: Turn, key: OrderKey) -> Vec<Decision> {
        let order = view.shared_order(key).expect("work names orders that are there");
        let settings = view.settings().expect("a market with orders has settings");
        let (wait, explanation, max_steps) =
            (settings.wait, settings.explanation, settings.solver_steps);
        let level = ExplanationLevel::try_from(explanation).unwrap_or_default();
        if order.is_scheduled() {
            return Writer { view, turn, order: &order, distances: &[] }.write_scheduled();
        }
        let plan = self.plan(view, turn, &order, level, max_steps);
        Writer { view, turn, order: &order, distances: &self.candidates.distances }
            .write(plan, wait)
    }

    pub(crate) fn plan<V: View>(
        &mut self,
        view: &mut V,
        turn: Turn,
        order: &Order,
        level: ExplanationLevel,
        max_steps: u32,
    ) -> Plan {
        self.candidates.gather(view, order, turn.now_ms, &mut self.distances);
        let shortages = self.shortages(view);
        let mut plan = Plan {
            shipments: Vec::new(),
            uncovered: self.candidates.demands.iter().map(|d| (d.line, d.units)).collect(),
            reason: self.reason(),
            shortages,
            explanation: None,
        };
        let (mut steps, mut bound_hit) = (0, false);
        if let Some(node) = self.nearest_with_all(view) {
            steps = view.nodes().len() as u32;
            plan.uncovered.clear();
            let whole = |demand: &Demand| (demand.line, demand.units, 0);
            let lines = self.candidates.demands.iter().map(whole).collect();
            plan.shipments.push(Shipment { node, lines });
            explain::judge_losers_of_one(view, &mut self.candidates, node);
        } else if plan.shortages.is_empty() || order.allow_partial {
            let (from_stock, without_stock, uncovered) = self.ration();
            plan.uncovered = uncovered;
            let need = self.need(&from_stock);
            self.candidates.ranked(view, &mut self.ranked);
            let cover = cover::find(&self.candidates, &from_stock, &self.ranked, &need, max_steps);
            (steps, bound_hit) = (cover.steps, cover.bound_hit);
            let (shipments, cut_short) =
                fill(&self.candidates, &from_stock, &cover.nodes, turn.rules);
            plan.shipments = shipments;
            bound_hit |= cut_short;
            explain::judge_losers(view, &mut self.candidates, &need, &plan.shipments);
            self.add_backorders(view, without_stock, &mut plan);
        }
        plan.explanation = explain::explanation(&self.candidates, level, steps, bound_hit);
        plan
    }

    /// What was asked and what was there, where it was not enough (rule Q7).
    fn shortages<V: View>(&self, view: &V) -> Vec<v1::SkuShortage> {
        let short = |d: &&crate::candidates::SkuDemand| d.wanted > d.on_hand + d.backorder;
        let skus = self.candidates.skus.iter().filter(short);
        skus.map(|demand| v1::SkuShortage {
            sku: view.item(demand.sku).sku.clone(),
            requested_milli: demand.wanted,
            available_milli: demand.on_hand + demand.backorder,
        })
        .collect()
    }

    fn reason(&self) -> Reason {
        let none_stocks = self.candidates.skus.iter().any(|demand| !demand.stocked);
        if none_stocks { Reason::NotStocked } else { Reason::Unfillable }
    }

    /// Shares what is there among the lines, earlier lines first: units from stock, units without
    /// (rule R6: only after all on-hand stock of all candidates), and (line, units) of neither.
    fn ration(&self) -> (Vec<Demand>, Vec<Demand>, Vec<(usize, i64)>) {
        let skus = &self.candidates.skus;
        let whole_steps = |units: i64, step: i64| units - units % step;
        let mut on_hand: Vec<i64> = skus.iter().map(|d| whole_steps(d.on_hand, d.step)).collect();
        let mut backorder: Vec<i64> =
            skus.iter().map(|d| whole_steps(d.backorder, d.step)).collect();
        let (mut from_stock, mut without_stock, mut uncovered) = (vec![], vec![], vec![]);
        for &demand in &self.candidates.demands {
            let there = demand.units.min(on_hand[demand.sku]);
            let promised = (demand.units - there).min(backorder[demand.sku]);
            on_hand[demand.sku] -= there;
            backorder[demand.sku] -= promised;
            from_stock.push(Demand { units: there, ..demand });
            if promised > 0 {
                without_stock.push(Demand { units: promised, ..demand });
            }
            let rest = demand.units - there - promised;
            if rest > 0 {
                uncovered.push((demand.line, rest));
            }
        }
        (from_stock, without_stock, uncovered)
    }

    fn need(&self, demands: &[Demand]) -> Vec<i64> {
        let mut need = vec![0; self.candidates.skus.len()];
        for demand in demands {
            need[demand.sku] += demand.units;
        }
        need
    }

    /// The nearest node that has the whole order in stock; of the same distance, the smaller id.
    fn nearest_with_all<V: View>(&self, view: &V) -> Option<usize> {
        let candidates = &self.candidates;
        let nodes = view.nodes();
        let has_all = |&node: &usize| candidates.has_all(node);
        (0..nodes.len()).filter(has_all).min_by(|&a, &b| {
            let by_distance = candidates.distances[a].cmp(&candidates.distances[b]);
            by_distance.then_with(|| nodes[a].id.cmp(&nodes[b].id))
        })
    }

    /// Rule R6: what no stock covers is promised at the best-ranked node that allows it.
    fn add_backorders<V: View>(&mut self, view: &V, demands: Vec<Demand>, plan: &mut Plan) {
        if demands.is_empty() {
            return;
        }
        self.candidates.ranked_with_backorder(view, &mut self.ranked);
        let skus = self.candidates.skus.len();
        let mut used = vec![0; self.candidates.verdicts.len() * skus];
        for demand in demands {
            let mut missing = demand.units;
            for &node in &self.ranked {
                let cell = node * skus + demand.sku;
                let step = self.candidates.skus[demand.sku].step;
                let limit = self.candidates.backorder(node, demand.sku) - used[cell];
                let units = missing.min(limit - limit % step);
                if units > 0 {
                    used[cell] += units;
                    missing -= units;
                    shipment_of(&mut plan.shipments, node).add(demand.line, units, units);
                    self.candidates.verdicts[node] = v1::Verdict::Chosen;
                }
            }
            if missing > 0 {
                plan.uncovered.push((demand.line, missing));
            }
        }
        let rank = |node: usize| self.ranked.iter().position(|&ranked| ranked == node);
        plan.shipments.sort_by_key(|shipment| rank(shipment.node));
    }

    /// Takes back units of an order: open ones first, then from its newest fulfilments.
    ///
    /// # Panics
    /// Where there is no such order, or it holds fewer units.
    pub fn cancel<V: View>(
        &mut self,
        view: &mut V,
        turn: Turn,
        key: OrderKey,
        lines: &[(usize, i64)],
    ) -> Vec<Decision> {
        let order = view.shared_order(key).expect("work names orders that are there");
        let mut kept = Order::clone(&order);
        for &(line, units) in lines {
            let mut missing = units - units.min(order.lines[line].open);
            let open = kept.fulfilments.iter_mut().filter(|f| f.state.is_open());
            for fulfilment in open.rev() {
                for part in fulfilment.lines.iter_mut().filter(|part| part.line as usize == line) {
                    let taken = part.allocated.min(missing);
                    part.allocated -= taken;
                    part.backordered = part.backordered.min(part.allocated);
                    missing -= taken;
                }
            }
            assert_eq!(missing, 0, "the fold checked that the units are there");
        }
        Writer { view, turn, order: &order, distances: &[] }.write_cancel(&kept, lines)
    }
}

impl Router {
    /// Takes back the fulfilments of an order whose deadline is at or before an instant. What
    /// becomes of the units is for the routing that follows.
    ///
    /// # Panics
    /// Where there is no such order.
    pub fn time_out<V: View>(
        &mut self,
        view: &mut V,
        turn: Turn,
        key: OrderKey,
        due_ms: i64,
    ) -> Vec<Decision> {
        let order = view.shared_order(key).expect("work names orders that are there");
        let writer = Writer { view, turn, order: &order, distances: &[] };
        let overdue = order.overdue(due_ms).enumerate();
        overdue.map(|(nth, place)| writer.released(place, writer.number(nth))).collect()
    }

    /// Cancels the units of an order that still wait.
    ///
    /// # Panics
    /// Where there is no such order.
    pub fn end_waiting<V: View>(
        &mut self,
        view: &mut V,
        turn: Turn,
        key: OrderKey,
    ) -> Vec<Decision> {
        let order = view.shared_order(key).expect("work names orders that are there");
        let lines = order.lines.iter().map(|line| line.waiting).enumerate();
        let lines: Vec<(usize, i64)> = lines.filter(|&(_, units)| units > 0).collect();
        if lines.is_empty() { Vec::new() } else { self.cancel(view, turn, key, &lines) }
    }
}

fn shipment_of(shipments: &mut Vec<Shipment>, node: usize) -> &mut Shipment {
    let place = shipments.iter().position(|shipment| shipment.node == node);
    let place = place.unwrap_or_else(|| {
        shipments.push(Shipment { node, lines: Vec::new() });
        shipments.len() - 1
    });
    &mut shipments[place]
}

/// Turns a plan into messages. Each message is a decision of its own number.
struct Writer<'a, V> {
    view: &'a V,
    turn: Turn,
    order: &'a Order,
    distances: &'a [u32],
}

impl<V: View> Writer<'_, V> {
    fn write(&self, plan: Plan, wait: bool) -> Vec<Decision> {
        let mut decisions = Vec::with_capacity(plan.shipments.len() + 1);
        let mut explanation = plan.explanation.clone();
        let one_covers_all = plan.shipments.len() == 1 && plan.uncovered.is_empty();
        let placed = matches!(self.turn.cause, Cause::Placed | Cause::ReleaseDate);
        let embedded = if placed && one_covers_all {
            Some(self.outcome(&plan, wait, explanation.take()))
        } else {
            if placed || (self.turn.cause == Cause::Rerouted && !plan.uncovered.is_empty()) {
                let outcome = self.outcome(&plan, wait, explanation.take());
                decisions.push(Decision::Outcome(outcome));
            }
            None
        };
        if let Some(outcome) = embedded {
            let mut assigned = self.assigned(&plan.shipments[0], 1);
            (assigned.revision, assigned.decision, assigned.step, assigned.cause) = (0, 0, 0, 0);
            assigned.timer = 0;
            assigned.outcome = Some(outcome);
            decisions.push(Decision::Assigned(assigned));
            return decisions;
        }
        for (place, shipment) in plan.shipments.iter().enumerate() {
            let mut assigned = self.assigned(shipment, place as u32 + 1);
            assigned.decision = self.number(decisions.len());
            assigned.explanation = explanation.take();
            decisions.push(Decision::Assigned(assigned));
        }
        decisions
    }

    fn number(&self, place: usize) -> u32 {
        self.order.decisions + place as u32 + 1
    }

    fn outcome(
        &self,
        plan: &Plan,
        wait: bool,
        explanation: Option<v1::Explanation>,
    ) -> v1::OrderOutcome {
        let uncovered = quantities(self.order, &plan.uncovered);
        let status = match (plan.shipments.is_empty(), plan.uncovered.is_empty(), wait) {
            (_, true, _) => OutcomeStatus::Assigned,
            (false, false, _) => OutcomeStatus::PartlyAssigned,
            (true, false, true) => OutcomeStatus::Waiting,
            (true, false, false) => OutcomeStatus::Refused,
        };
        let refused = status == OutcomeStatus::Refused;
        let (waiting, cancelled) =
            if wait { (uncovered, Vec::new()) } else { (Vec::new(), uncovered) };
        let waiting_until_ms = if waiting.is_empty() { 0 } else { self.waiting_until() };
        v1::OrderOutcome {
            channel: self.order.channel.clone(),
            order_id: self.order.order_id.clone(),
            revision: self.order.revision,
            decision: self.number(0),
            step: self.turn.step,
            cause: self.turn.cause.into(),
            status: status.into(),
            reason: if refused { plan.reason.code().to_owned() } else { String::new() },
            shortages: plan.shortages.clone(),
            waiting,
            cancelled,
            explanation,
            timer: self.turn.timer,
            waiting_until_ms,
        }
    }

    /// When units that wait are cancelled: what waits already keeps its time.
    fn waiting_until(&self) -> i64 {
        let settings = self.view.settings().expect("a market with orders has settings");
        let known = self.order.timing.as_ref().map_or(0, |timing| timing.waiting_until);
        match (known, settings.cancel_waiting_after_ms) {
            (0, 0) => 0,
            (0, after) => self.turn.now_ms + after,
            (known, _) => known,
        }
    }

    /// A pre-order is routed at its release date: until then its units wait.
    fn write_scheduled(&self) -> Vec<Decision> {
        let open = self.order.lines.iter().map(|line| line.open).enumerate();
        let open: Vec<(usize, i64)> = open.filter(|&(_, units)| units > 0).collect();
        vec![Decision::Outcome(v1::OrderOutcome {
            channel: self.order.channel.clone(),
            order_id: self.order.order_id.clone(),
            revision: self.order.revision,
            decision: self.number(0),
            step: self.turn.step,
            cause: self.turn.cause.into(),
            status: OutcomeStatus::Scheduled.into(),
            waiting: quantities(self.order, &open),
            timer: self.turn.timer,
            ..v1::OrderOutcome::default()
        })]
    }

    /// The local date that an order counts against; 0 where the node has no limit.
    fn capacity_day(&self, node: usize) -> i32 {
        let capacity = self.view.nodes()[node].capacity.as_deref();
        capacity.map_or(0, |capacity| capacity.day_of(self.turn.now_ms))
    }

    fn accept_by(&self, node: usize) -> i64 {
        let settings = self.view.settings().expect("a market with orders has settings");
        match self.view.nodes()[node].deadlines.or(settings.deadlines).accept_within_ms {
            0 => 0,
            within => self.turn.now_ms + within,
        }
    }

    fn assigned(&self, shipment: &Shipment, nth: u32) -> v1::FulfilmentAssigned {
        let metres = self.distances[shipment.node];
        let line = |&(place, units, backordered): &(usize, i64, i64)| {
            self.assigned_line(&self.order.lines[place], units, backordered)
        };
        v1::FulfilmentAssigned {
            channel: self.order.channel.clone(),
            order_id: self.order.order_id.clone(),
            fulfilment: self.order.fulfilments.len() as u32 + nth,
            node_id: self.view.nodes()[shipment.node].id.clone(),
            lines: shipment.lines.iter().map(line).collect(),
            distance_m: if metres == UNKNOWN { 0 } else { metres },
            revision: self.order.revision,
            decision: 0,
            step: self.turn.step,
            cause: self.turn.cause.into(),
            outcome: None,
            explanation: None,
            timer: self.turn.timer,
            accept_by_ms: self.accept_by(shipment.node),
            capacity_day: self.capacity_day(shipment.node),
        }
    }

    fn assigned_line(&self, line: &Line, units: i64, backordered: i64) -> v1::AssignedLine {
        v1::AssignedLine {
            line_id: line.line_id.clone(),
            sku: self.view.item(line.sku).sku.clone(),
            quantity_milli: units,
            backordered_milli: backordered,
        }
    }

    fn write_cancel(&self, kept: &Order, lines: &[(usize, i64)]) -> Vec<Decision> {
        let mut decisions = Vec::new();
        let pairs = self.order.fulfilments.iter().zip(&kept.fulfilments).enumerate();
        for (place, (before, after)) in pairs.filter(|(_, (before, after))| before != after) {
            let nothing_left = after.lines.iter().all(|line| line.allocated == 0);
            let number = self.number(decisions.len());
            debug_assert!(before.state != FulfilmentState::Rejected);
            decisions.push(if nothing_left {
                self.released(place, number)
            } else {
                Decision::Changed(v1::FulfilmentChanged {
                    channel: self.order.channel.clone(),
                    order_id: self.order.order_id.clone(),
                    fulfilment: place as u32 + 1,
                    node_id: self.view.nodes()[before.node.0 as usize].id.clone(),
                    lines: self.held_lines(after),
                    revision: self.order.revision,
                    decision: number,
                    step: self.turn.step,
                    cause: self.turn.cause.into(),
                    timer: self.turn.timer,
                })
            });
        }
        let number = self.number(decisions.len());
        decisions.push(Decision::Outcome(self.cancelled_outcome(number, lines)));
        decisions
    }

    /// Takes a whole fulfilment back.
    fn released(&self, place: usize, number: u32) -> Decision {
        let fulfilment = &self.order.fulfilments[place];
        Decision::Released(v1::FulfilmentReleased {
            channel: self.order.channel.clone(),
            order_id: self.order.order_id.clone(),
            fulfilment: place as u32 + 1,
            node_id: self.view.nodes()[fulfilment.node.0 as usize].id.clone(),
            lines: self.held_lines(fulfilment),
            revision: self.order.revision,
            decision: number,
            step: self.turn.step,
            cause: self.turn.cause.into(),
            timer: self.turn.timer,
        })
    }

    fn held_lines(&self, fulfilment: &omnifold_domain::Fulfilment) -> Vec<v1::AssignedLine> {
        let held = fulfilment.lines.iter().filter(|line| line.allocated > 0);
        held.map(|part| {
            let line = &self.order.lines[part.line as usize];
            self.assigned_line(line, part.allocated, part.backordered)
        })
        .collect()
    }

    fn cancelled_outcome(&self, number: u32, lines: &[(usize, i64)]) -> v1::OrderOutcome {
        v1::OrderOutcome {
            channel: self.order.channel.clone(),
            order_id: self.order.order_id.clone(),
            revision: self.order.revision,
            decision: number,
            step: self.turn.step,
            cause: self.turn.cause.into(),
            status: OutcomeStatus::Cancelled.into(),
            cancelled: quantities(self.order, lines),
            timer: self.turn.timer,
            ..v1::OrderOutcome::default()
        }
    }
}

/// Units by line, one row a line, in line order.
fn quantities(order: &Order, units: &[(usize, i64)]) -> Vec<v1::LineQuantity> {
    let mut rows: Vec<(usize, i64)> = Vec::with_capacity(units.len());
    for &(line, units) in units {
        match rows.iter_mut().find(|row| row.0 == line) {
            Some(row) => row.1 += units,
            None => rows.push((line, units)),
        }
    }
    rows.sort_unstable_by_key(|row| row.0);
    rows.into_iter()
        .map(|(line, units)| v1::LineQuantity {
            line_id: order.lines[line].line_id.clone(),
            quantity_milli: units,
        })
        .collect()
}
