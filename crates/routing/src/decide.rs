//! One order in, the messages that say what becomes of it out.

use std::sync::Arc;

use omnifold_domain::{
    Decision, Hold, Location, NodeIx, Order, OrderKey, Reason, Rules, SuggestedMove, View,
};
use omnifold_events::v1::{self, Cause, ExplanationLevel, OutcomeStatus};

use crate::candidates::{Candidates, Demand};
use crate::cover;
use crate::distance::{Distances, UNKNOWN};
use crate::explain;
use crate::fill::{Shipment, fill};
use crate::gathering;
use crate::lots;
use crate::policy::{Desk, Until};
use crate::promise;

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

/// An order to be planned, and what that may take.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub turn: Turn,
    pub order: &'a Order,
    /// What is kept of the reasons.
    pub level: ExplanationLevel,
    /// Most counted steps.
    pub max_steps: u32,
}

/// Takes decisions. Holds memory for reuse and nothing that a decision depends on.
#[derive(Default)]
pub struct Router {
    pub(crate) candidates: Candidates,
    pub(crate) distances: Distances,
    pub(crate) ranked: Vec<usize>,
    pub(crate) desk: Desk,
}

/// Who ships what, and what nobody ships.
pub(crate) struct Plan {
    /// Best rank first.
    pub(crate) shipments: Vec<Shipment>,
    /// (place of the order line, units).
    pub(crate) uncovered: Vec<(usize, i64)>,
    pub(crate) shortages: Vec<v1::SkuShortage>,
    pub(crate) reason: Reason,
    pub(crate) explanation: Option<v1::Explanation>,
    /// What is served otherwise than it was ordered.
    pub(crate) stand_ins: Vec<v1::StandIn>,
    /// How long what is uncovered waits, milliseconds; 0: as long as the market says.
    pub(crate) waits_ms: i64,
    /// Where the parts of the order become one parcel, if there are several.
    pub(crate) merge_at: Option<NodeIx>,
    /// When what is uncovered is tried again: a node that is left out for a time may serve then. 0: no
    /// such instant is known.
    pub(crate) back_at: i64,
    /// What is uncovered is put on hold, and neither waits nor is refused.
    pub(crate) holds: bool,
    /// How many days the lots that it takes are to last, as the rule says; 0: it does not.
    pub(crate) min_shelf_days: u32,
    /// What of the uncovered units is suggested to be moved.
    pub(crate) moves: Vec<SuggestedMove>,
}

/// What became of the demands in [`Candidates`].
#[derive(Default)]
pub(crate) struct Covered {
    pub(crate) shipments: Vec<Shipment>,
    pub(crate) uncovered: Vec<(usize, i64)>,
    pub(crate) steps: u32,
    pub(crate) bound_hit: bool,
}

impl Router {
    /// Fetches what routing to a destination will read into the processor's caches; nothing depends
    /// on it but time.
    pub fn warm(&self, destination: Location) {
        std::hint::black_box(self.distances.warm(destination));
    }

    /// Routes the open units of an order. No message: nothing changes (a waiting order for which
    /// nothing appeared).
    ///
    /// # Panics
    /// Where there is no such order, or no settings: both are the caller's to know.
    pub fn route<V: View>(&mut self, view: &mut V, turn: Turn, key: OrderKey) -> Vec<Decision> {
        let order = view.shared_order(key).expect("work names orders that are there");
        if order.lines.iter().all(|line| line.open == 0) {
            return Vec::new();
        }
        if order.is_held() {
            return vec![Decision::Outcome(outcome_of_held(turn, &order))];
        }
        let settings = view.settings().expect("a market with orders has settings");
        let (explanation, max_steps) = (settings.explanation, settings.solver_steps);
        let level = ExplanationLevel::try_from(explanation).unwrap_or_default();
        if order.is_scheduled() {
            return Writer { view, turn, order: &order, distances: &[] }.write_scheduled(None);
        }
        if settings.policy.is_some()
            && let Some(until) = self.put_off(view, turn, &order)
        {
            if turn.cause == Cause::PolicyChanged && until.stands(&order) {
                return Vec::new();
            }
            let writer = Writer { view, turn, order: &order, distances: &[] };
            return writer.write_scheduled(Some(until));
        }
        let task = Task { turn, order: &order, level, max_steps };
        let (mut plan, wait) = self.plan_ruled(view, task);
        let otherwise = self.stand_in(view, task, &plan);
        let order = match otherwise {
            None => order,
            Some((changed, better)) => {
                plan = better;
                Arc::new(changed)
            }
        };
        let min_days = plan.min_shelf_days;
        let writer =
            Writer { view: &*view, turn, order: &order, distances: &self.candidates.distances };
        let mut decisions = writer.write(plan, wait);
        lots::name(view, turn, &order, min_days, &mut decisions);
        promise::attach(view, turn, &order, &mut decisions);
        decisions
    }

    pub(crate) fn plan<V: View>(&mut self, view: &mut V, task: Task<'_>) -> Plan {
        let Task { turn, order, level, max_steps } = task;
        self.candidates.gather(view, order, turn.now_ms, &mut self.distances);
        let shortages = self.shortages(view);
        let mut plan = Plan {
            shipments: Vec::new(),
            uncovered: self.candidates.demands.iter().map(|d| (d.line, d.units)).collect(),
            reason: self.reason(),
            shortages,
            explanation: None,
            stand_ins: Vec::new(),
            waits_ms: 0,
            merge_at: None,
            back_at: 0,
            holds: false,
            min_shelf_days: 0,
            moves: Vec::new(),
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
            let covered = if order.kits().is_empty() {
                self.cover_demands(view, turn, max_steps)
            } else {
                self.cover_kits(view, turn, order, max_steps, &mut plan.shortages)
            };
            (steps, bound_hit) = (covered.steps, covered.bound_hit);
            (plan.shipments, plan.uncovered) = (covered.shipments, covered.uncovered);
        }
        plan.explanation = explain::explanation(&self.candidates, level, steps, bound_hit);
        plan
    }

    /// Serves the demands of the candidates as far as they can be.
    pub(crate) fn cover_demands<V: View>(
        &mut self,
        view: &V,
        turn: Turn,
        max_steps: u32,
    ) -> Covered {
        let (from_stock, without_stock, uncovered) = self.ration();
        let need = self.need(&from_stock);
        self.candidates.ranked(view, &mut self.ranked);
        let cover = cover::find(&self.candidates, &from_stock, &self.ranked, &need, max_steps);
        let (shipments, cut_short) = fill(&self.candidates, &from_stock, &cover.nodes, turn.rules);
        let (steps, bound_hit) = (cover.steps, cover.bound_hit || cut_short);
        explain::judge_losers(view, &mut self.candidates, &need, &shipments);
        let mut covered = Covered { shipments, uncovered, steps, bound_hit };
        let Covered { shipments, uncovered, .. } = &mut covered;
        self.add_backorders(view, without_stock, shipments, uncovered);
        covered
    }

    /// What was asked and what was there, where it was not enough (rule Q7).
    pub(crate) fn shortages<V: View>(&self, view: &V) -> Vec<v1::SkuShortage> {
        let short = |d: &&crate::candidates::SkuDemand| d.wanted > d.on_hand + d.backorder;
        let skus = self.candidates.skus.iter().filter(short);
        skus.map(|demand| v1::SkuShortage {
            sku: view.item(demand.sku).sku.clone(),
            requested_milli: demand.wanted,
            available_milli: demand.on_hand + demand.backorder,
        })
        .collect()
    }

    pub(crate) fn reason(&self) -> Reason {
        let none_stocks = self.candidates.skus.iter().any(|demand| !demand.stocked);
        if none_stocks { Reason::NotStocked } else { Reason::Unfillable }
    }

    /// Shares what is there among the lines, earlier lines first: units from stock, units without
    /// (rule R6: only after all on-hand stock of all candidates), and (line, units) of neither.
    pub(crate) fn ration(&self) -> (Vec<Demand>, Vec<Demand>, Vec<(usize, i64)>) {
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

    pub(crate) fn need(&self, demands: &[Demand]) -> Vec<i64> {
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
    pub(crate) fn add_backorders<V: View>(
        &mut self,
        view: &V,
        demands: Vec<Demand>,
        shipments: &mut Vec<Shipment>,
        uncovered: &mut Vec<(usize, i64)>,
    ) {
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
                    shipment_of(shipments, node).add(demand.line, units, units);
                    self.candidates.verdicts[node] = v1::Verdict::Chosen;
                }
            }
            if missing > 0 {
                uncovered.push((demand.line, missing));
            }
        }
        let rank = |node: usize| self.ranked.iter().position(|&ranked| ranked == node);
        shipments.sort_by_key(|shipment| rank(shipment.node));
    }
}

pub(crate) fn shipment_of(shipments: &mut Vec<Shipment>, node: usize) -> &mut Shipment {
    let place = shipments.iter().position(|shipment| shipment.node == node);
    let place = place.unwrap_or_else(|| {
        shipments.push(Shipment { node, lines: Vec::new() });
        shipments.len() - 1
    });
    &mut shipments[place]
}

/// The order waits for its holds, and its open units with it.
fn outcome_of_held(turn: Turn, order: &Order) -> v1::OrderOutcome {
    v1::OrderOutcome {
        channel: order.channel.clone(),
        order_id: order.order_id.clone(),
        revision: order.revision,
        decision: order.decisions + 1,
        step: turn.step,
        cause: turn.cause.into(),
        status: OutcomeStatus::Held.into(),
        holds: order.holds_of_order(),
        timer: turn.timer,
        ..v1::OrderOutcome::default()
    }
}

/// Whether somebody asked for the units and is owed an answer, whatever comes of it.
pub(crate) fn is_asked(cause: Cause) -> bool {
    use Cause::{Changed, HoldReleased, Payment, Placed, PolicyChanged, ReleaseDate, Resumed};
    use Cause::{Returned, WaveClosed};
    matches!(cause, Placed | Returned | ReleaseDate | HoldReleased | Payment | Changed | Resumed)
        || matches!(cause, WaveClosed | PolicyChanged)
}

/// Turns a plan into messages. Each message is a decision of its own number.
pub(crate) struct Writer<'a, V> {
    pub view: &'a V,
    pub turn: Turn,
    pub order: &'a Order,
    /// Metres by node; empty where no node is looked for.
    pub distances: &'a [u32],
}

impl<V: View> Writer<'_, V> {
    fn write(&self, plan: Plan, wait: bool) -> Vec<Decision> {
        let mut decisions = Vec::with_capacity(plan.shipments.len() + 1);
        let mut explanation = plan.explanation.clone();
        let one_covers_all = plan.shipments.len() == 1 && plan.uncovered.is_empty();
        let gathers_at = gathering::node_for(self.order, &plan, wait);
        // The order that replaces a return has its first decision here, as one that was placed.
        let placed =
            matches!(self.turn.cause, Cause::Placed | Cause::ReleaseDate | Cause::Returned);
        let as_ordered = plan.stand_ins.is_empty();
        let embedded = if placed && one_covers_all && as_ordered {
            Some(self.outcome(&plan, wait, explanation.take()))
        } else {
            let asked = is_asked(self.turn.cause);
            let lacks = self.turn.cause == Cause::Rerouted && !plan.uncovered.is_empty();
            let is_told =
                self.waits_for_a_node(&plan, wait) || self.transfers(&plan, wait).is_some();
            if asked || lacks || !as_ordered || is_told {
                let outcome = self.outcome(&plan, wait, explanation.take());
                decisions.push(Decision::Outcome(outcome));
            }
            None
        };
        if let Some(outcome) = embedded {
            let mut assigned = self.assigned(&plan.shipments[0], 1, gathers_at);
            (assigned.revision, assigned.decision, assigned.step, assigned.cause) = (0, 0, 0, 0);
            assigned.timer = 0;
            assigned.outcome = Some(outcome);
            decisions.push(Decision::Assigned(assigned));
            return decisions;
        }
        for (place, shipment) in plan.shipments.iter().enumerate() {
            let mut assigned = self.assigned(shipment, place as u32 + 1, gathers_at);
            assigned.decision = self.number(decisions.len());
            assigned.explanation = explanation.take();
            decisions.push(Decision::Assigned(assigned));
        }
        decisions
    }

    /// Whether what waits has to be told that it is tried again sooner than it knows.
    fn waits_for_a_node(&self, plan: &Plan, wait: bool) -> bool {
        let known = self.order.timing.as_ref().map_or(0, |timing| timing.retry_at);
        let sooner = plan.back_at != 0 && (known == 0 || plan.back_at < known);
        sooner && wait && !plan.uncovered.is_empty()
    }

    /// What is suggested to be moved, where that is not what was suggested before.
    fn transfers(&self, plan: &Plan, wait: bool) -> Option<Box<v1::TransferPlan>> {
        if !wait || plan.uncovered.is_empty() {
            return None; // what waits no longer needs nothing moved
        }
        let known = self.order.moves().iter().filter(|row| row.units > 0);
        let place = |row: &SuggestedMove| (row.sku, row.from, row.to, row.units);
        if known.map(place).eq(plan.moves.iter().map(place)) {
            return None;
        }
        let node = |node: NodeIx| self.view.nodes()[node.0 as usize].id.clone();
        let told = |row: &SuggestedMove| v1::SuggestedTransfer {
            sku: self.view.item(row.sku).sku.clone(),
            from_node_id: node(row.from),
            to_node_id: node(row.to),
            quantity_milli: row.units,
        };
        Some(Box::new(v1::TransferPlan { moves: plan.moves.iter().map(told).collect() }))
    }

    /// Number of the decision at that place among those taken now.
    pub fn number(&self, place: usize) -> u32 {
        self.order.decisions + place as u32 + 1
    }

    fn outcome(
        &self,
        plan: &Plan,
        wait: bool,
        explanation: Option<v1::Explanation>,
    ) -> v1::OrderOutcome {
        let puts_on_hold = plan.holds && !plan.uncovered.is_empty();
        let uncovered = match puts_on_hold {
            true => Vec::new(),
            false => quantities(self.order, &plan.uncovered),
        };
        let status = match (plan.shipments.is_empty(), plan.uncovered.is_empty(), wait) {
            (_, true, _) => OutcomeStatus::Assigned,
            (true, ..) if puts_on_hold => OutcomeStatus::Held,
            (false, false, _) => OutcomeStatus::PartlyAssigned,
            (true, false, true) => OutcomeStatus::Waiting,
            (true, false, false) => OutcomeStatus::Refused,
        };
        let refused = status == OutcomeStatus::Refused;
        let (waiting, cancelled) =
            if wait { (uncovered, Vec::new()) } else { (Vec::new(), uncovered) };
        let waiting_until_ms =
            if waiting.is_empty() { 0 } else { self.waiting_until(plan.waits_ms) };
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
            retry_at_ms: if waiting.is_empty() { 0 } else { plan.back_at },
            waiting,
            cancelled,
            explanation,
            timer: self.turn.timer,
            waiting_until_ms,
            stand_ins: plan.stand_ins.clone(),
            puts_on_hold,
            transfers: self.transfers(plan, wait),
            holds: if puts_on_hold { vec![Hold::unserved_told()] } else { Vec::new() },
            ..v1::OrderOutcome::default()
        }
    }

    /// When units that wait are cancelled: what waits already keeps its time. `waits_ms`: how long, where
    /// the market does not say it; else 0.
    fn waiting_until(&self, waits_ms: i64) -> i64 {
        let settings = self.view.settings().expect("a market with orders has settings");
        let known = self.order.timing.as_ref().map_or(0, |timing| timing.waiting_until);
        let after_ms = if waits_ms > 0 { waits_ms } else { settings.cancel_waiting_after_ms };
        match (known, after_ms) {
            (0, 0) => 0,
            (0, after) => self.turn.now_ms + after,
            (known, _) => known,
        }
    }

    /// A pre-order is routed at its release date, others when their policy says: until then units wait.
    fn write_scheduled(&self, until: Option<Until>) -> Vec<Decision> {
        let earliest_schedule_ms = match until {
            Some(Until::Time(at_ms)) => at_ms,
            Some(Until::Wave) | None => 0,
        };
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
            for_wave: until == Some(Until::Wave),
            earliest_schedule_ms,
            ..v1::OrderOutcome::default()
        })]
    }

    /// The local date that an order counts against; 0 where the node has no limit.
    pub fn capacity_day(&self, node: usize) -> i32 {
        let capacity = self.view.nodes()[node].capacity.as_deref();
        capacity.map_or(0, |capacity| capacity.day_of(self.turn.now_ms))
    }

    pub fn accept_by(&self, node: usize) -> i64 {
        let settings = self.view.settings().expect("a market with orders has settings");
        let node = &self.view.nodes()[node];
        match node.deadlines.or(settings.deadlines).accept_within_ms {
            0 => 0,
            within => node.deadline(self.turn.now_ms, within),
        }
    }

    /// When a node's SLA began and ends (rule T4); 0: it has none.
    pub fn sla(&self, node: usize) -> (i64, i64) {
        let by = self.view.nodes()[node].dispatch_by(self.order.placed_at, self.turn.now_ms);
        if by == 0 { (0, 0) } else { (self.turn.now_ms, by) }
    }

    pub(crate) fn assigned(
        &self,
        shipment: &Shipment,
        nth: u32,
        gathers_at: Option<NodeIx>,
    ) -> v1::FulfilmentAssigned {
        let (sla_started_at_ms, dispatch_by_ms) = self.sla(shipment.node);
        let metres = self.distances[shipment.node];
        let line = |&(place, units, backordered): &(usize, i64, i64)| {
            self.assigned_line(place, units, backordered)
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
            delivery: self.order.delivery_terms().map(Box::new),
            timer: self.turn.timer,
            accept_by_ms: self.accept_by(shipment.node),
            capacity_day: self.capacity_day(shipment.node),
            dispatch_by_ms,
            sla_started_at_ms,
            promise: None,
            send_to_node_id: self.send_to(shipment.node, gathers_at),
        }
    }

    /// Where a node sends what it ships; empty: to the customer.
    pub fn send_to(&self, node: usize, gathers_at: Option<NodeIx>) -> String {
        let other = gathers_at.filter(|to| to.0 as usize != node);
        other.map_or_else(String::new, |to| self.view.nodes()[to.0 as usize].id.clone())
    }

    pub fn assigned_line(&self, place: usize, units: i64, backordered: i64) -> v1::AssignedLine {
        let line = &self.order.lines[place];
        let origin = self.order.details.is_some().then(|| self.origin(place)).flatten();
        v1::AssignedLine {
            origin,
            line_id: line.line_id.clone(),
            sku: self.view.item(line.sku).sku.clone(),
            quantity_milli: units,
            backordered_milli: backordered,
            lots: Vec::new(),
        }
    }
}

/// Units by line, one row a line, in line order.
pub(crate) fn quantities(order: &Order, units: &[(usize, i64)]) -> Vec<v1::LineQuantity> {
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
