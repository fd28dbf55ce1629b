//! A wave planned again, and what its nodes are told.
//!
//! What is taken back stands before what is given, over all orders: an order may be given what another
//! gives up.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use omnifold_domain::{Decision, Fulfilment, Order, View, WaveRequest};
use omnifold_events::v1;

use super::gather::{Member, parts};
use super::shelves::Shelves;
use super::{Assigned, improve};
use crate::decide::{Router, Turn, Writer};
use crate::fill::Shipment;
use crate::lots;
use crate::policy::SHIPMENT;
use crate::solver::{Flow, Solver};

/// What an order is given.
struct Given {
    order: Arc<Order>,
    /// How many days it is to last.
    min_shelf_days: u32,
    decision: Decision,
}

/// What planning again came to, order by order.
struct Outcome {
    said: v1::WavePlanned,
    taken_back: Vec<Decision>,
    given: Vec<Given>,
    /// What the decisions give back of lots, and take of them.
    lots: lots::Taken,
}

impl Router {
    /// Plans assignments that nobody works on again, together, and says what came of it. Nobody gets
    /// less, and together they cost no more.
    pub fn plan_wave<V: View>(
        &mut self,
        view: &mut V,
        turn: Turn,
        request: &WaveRequest,
    ) -> Vec<Decision> {
        let wave = self.gather_wave(view, turn, request);
        let said = v1::WavePlanned {
            wave_id: request.id.clone(),
            step: turn.step,
            timer: turn.timer,
            cause: turn.cause.into(),
            orders_routed: request.routed,
            orders_planned: wave.members.len() as u32,
            orders_left_out: wave.left_out,
            bound_hit: wave.bound_hit,
            ..v1::WavePlanned::default()
        };
        let mut outcome =
            Outcome { said, taken_back: Vec::new(), given: Vec::new(), lots: Vec::new() };
        let grain = wave.grain(view);
        let shelves = Shelves::of(&wave, view);
        let mut free = wave.free(view, &shelves, grain);
        // Costs are not weighed against shipments: each kind is planned by itself.
        for by_cost in [true, false] {
            let places = wave.places(by_cost);
            let mut orders = wave.wave(view, &places, &shelves, grain, free);
            let before: Vec<i64> = orders.orders.iter().map(Assigned::cost).collect();
            let left = request.max_steps - outcome.said.steps.min(request.max_steps);
            let improved = improve(&mut orders, &mut Solver::default(), left);
            outcome.said.steps += improved.steps;
            outcome.said.bound_hit |= improved.bound_hit && !places.is_empty();
            let scale = if by_cost { 1_000 / grain } else { 1 };
            outcome.sum_up(by_cost, improved.before / scale, improved.after / scale);
            for &place in &improved.changed {
                let (member, order) = (&wave.members[places[place]], &orders.orders[place]);
                let costs = (before[place] / scale, order.cost() / scale);
                outcome.said.changed.push(changed(member, if by_cost { costs } else { (0, 0) }));
                outcome.tell(view, turn, member, &order.flows, grain);
            }
            free = orders.free;
        }
        outcome.decisions(view, turn)
    }
}

fn changed(member: &Member, (cost_before, cost_after): (i64, i64)) -> v1::WaveOrder {
    v1::WaveOrder {
        channel: member.order.channel.clone(),
        order_id: member.order.order_id.clone(),
        rule: member.model.rule.clone(),
        cost_before,
        cost_after,
    }
}

impl Outcome {
    fn sum_up(&mut self, by_cost: bool, before: i64, after: i64) {
        let said = &mut self.said;
        if by_cost {
            (said.cost_before, said.cost_after) = (before, after);
            return;
        }
        let shipments = |cost: i64| (cost / SHIPMENT) as u32;
        (said.shipments_before, said.shipments_after) = (shipments(before), shipments(after));
        (said.metres_before, said.metres_after) = (before % SHIPMENT, after % SHIPMENT);
    }

    fn tell<V: View>(
        &mut self,
        view: &mut V,
        turn: Turn,
        member: &Member,
        flows: &[Flow],
        grain: i64,
    ) {
        let mut decisions = written(view, turn, member, flows, grain);
        crate::promise::attach_in_wave(view, turn, &member.order, &mut decisions);
        let order = &member.order;
        for decision in decisions {
            if let Decision::Assigned(_) = decision {
                let (order, min_shelf_days) = (Arc::clone(order), member.model.min_shelf_days);
                self.given.push(Given { order, min_shelf_days, decision });
            } else {
                lots::give_back(order, &decision, &mut self.lots);
                self.taken_back.push(decision);
            }
        }
    }

    /// Lots are named last: an order may be told one that another gives up. Those that ask for units that
    /// last are told first, so that nobody else is told what they need.
    fn decisions<V: View>(mut self, view: &mut V, turn: Turn) -> Vec<Decision> {
        let mut places: Vec<usize> = (0..self.given.len()).collect();
        places.sort_by_key(|&place| Reverse(self.given[place].min_shelf_days));
        for place in places {
            let Given { order, min_shelf_days, decision } = &mut self.given[place];
            let (when, given) = ((turn.now_ms, *min_shelf_days), std::slice::from_mut(decision));
            lots::name_next(view, when, order, given, &mut self.lots);
        }
        let mut decisions = self.taken_back;
        decisions.extend(self.given.into_iter().map(|given| given.decision));
        decisions.push(Decision::Wave(Box::new(self.said)));
        decisions
    }
}

/// What an order's nodes give up, then what they get. A node that gets more of an order gets all of its
/// share anew, because a fulfilment never grows; and so does one that keeps less where units were promised
/// without stock, because what it keeps is there.
fn written<V: View>(
    view: &V,
    turn: Turn,
    member: &Member,
    flows: &[Flow],
    grain: i64,
) -> Vec<Decision> {
    let order = &*member.order;
    let mut wanted = by_line(member, flows, grain);
    let writer = Writer { view, turn, order, distances: &member.model.metres };
    let mut decisions = Vec::new();
    for (place, part) in parts(order) {
        let node = part.node.0 as usize;
        let has = |line: u32| wanted.get(&(node, line as usize)).copied().unwrap_or(0);
        let held = |line: u32| {
            let row = part.lines.iter().find(|row| row.line == line);
            row.map_or(0, |row| row.allocated)
        };
        let mut lines = 0..order.lines.len() as u32;
        let lacks_stock = part.lines.iter().any(|row| row.backordered > 0);
        let is_anew = |line: u32| has(line) > held(line) || lacks_stock && has(line) < held(line);
        let grows = lines.any(is_anew);
        let mut after = Fulfilment::clone(part);
        for row in &mut after.lines {
            row.allocated = if grows { 0 } else { has(row.line) };
        }
        if !grows {
            wanted.retain(|&(at, _), _| at != node);
        }
        if after.lines != part.lines {
            decisions.push(writer.keeps(place, part, &after, decisions.len()));
        }
    }
    for (nth, shipment) in (1..).zip(shipments(&wanted)) {
        let mut assigned = writer.assigned(&shipment, nth, None);
        assigned.decision = writer.number(decisions.len());
        decisions.push(Decision::Assigned(assigned));
    }
    decisions
}

fn shipments(wanted: &BTreeMap<(usize, usize), i64>) -> Vec<Shipment> {
    let mut shipments: Vec<Shipment> = Vec::new();
    for (&(node, line), &units) in wanted {
        if shipments.last().is_none_or(|shipment| shipment.node != node) {
            shipments.push(Shipment { node, lines: Vec::new() });
        }
        let shipment = shipments.last_mut().expect("just made");
        shipment.add(line, units, 0);
    }
    shipments
}

/// Units by node and line. Lines of one SKU keep what they have at a node before others get it.
fn by_line(member: &Member, flows: &[Flow], grain: i64) -> BTreeMap<(usize, usize), i64> {
    let mut held: BTreeMap<(usize, usize), i64> = BTreeMap::new();
    for (_, part) in parts(&member.order) {
        for row in part.lines.iter().filter(|row| row.allocated > 0) {
            *held.entry((part.node.0 as usize, row.line as usize)).or_default() += row.allocated;
        }
    }
    let mut open: BTreeMap<usize, i64> = BTreeMap::new();
    held.iter().for_each(|(&(_, line), units)| *open.entry(line).or_default() += units);
    let mut left: Vec<i64> = flows.iter().map(|flow| flow.units * grain).collect();
    let mut wanted: BTreeMap<(usize, usize), i64> = BTreeMap::new();
    for keeps in [true, false] {
        for (flow, left) in flows.iter().zip(&mut left) {
            for &line in &member.rows[flow.row].lines {
                let open = open.get_mut(&line).expect("its lines have units");
                let most = held.get(&(flow.node, line)).copied().unwrap_or(0);
                let most = if keeps { most } else { *open };
                let units = most.min(*open).min(*left);
                if units > 0 {
                    *open -= units;
                    *left -= units;
                    *wanted.entry((flow.node, line)).or_default() += units;
                }
            }
        }
    }
    wanted
}
