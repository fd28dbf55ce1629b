//! The orders of a wave that can be planned again, and what they are planned by.

use std::collections::BTreeMap;
use std::sync::Arc;

use omnifold_domain::{
    Fulfilment, FulfilmentState, NodeIx, Order, OrderKey, SkuIx, View, WaveRequest,
};

use super::days::Days;
use super::shelves::Shelves;
use super::{Assigned, Wave};
use crate::decide::{Router, Turn};
use crate::policy::{Model, forbid_unserved, price_by_weight};
use crate::solver::{Flow, Problem};

/// Orders that are looked at for each one that may be planned again: the others are left out.
const LOOKED_AT: usize = 5;
/// Cells of nodes and SKUs, over all orders: memory stays bounded however large the network is.
const MAX_CELLS: usize = 2_000_000;

/// An order that is planned again.
pub(super) struct Member {
    pub order: Arc<Order>,
    pub model: Model,
    /// What it wants of which SKU, and the lines that want it.
    pub rows: Vec<Row>,
}

/// Units that are planned as one.
pub(super) struct Row {
    pub sku: SkuIx,
    /// Places of the order's lines.
    pub lines: Vec<usize>,
    pub units: i64,
}

/// The orders of a wave.
#[derive(Default)]
pub(super) struct Gathered {
    pub members: Vec<Member>,
    /// Orders with work that could be planned again but for what they are.
    pub left_out: u32,
    /// There were more than the wave may have.
    pub bound_hit: bool,
    /// Of each SKU, its number in the wave.
    skus: BTreeMap<SkuIx, usize>,
    cells: usize,
    /// Orders that each node with a limit may still be given.
    room: BTreeMap<usize, u32>,
    days: Days,
    now_ms: i64,
}

impl Router {
    pub(super) fn gather_wave<V: View>(
        &mut self,
        view: &mut V,
        turn: Turn,
        request: &WaveRequest,
    ) -> Gathered {
        let mut wave = Gathered { now_ms: turn.now_ms, ..Gathered::default() };
        let most = request.max_orders as usize;
        for (looked_at, key) in view.orders_not_begun(request.placed_before).into_iter().enumerate()
        {
            let is_full = wave.members.len() >= most || wave.cells >= MAX_CELLS;
            if is_full || looked_at >= LOOKED_AT * most {
                wave.bound_hit = true;
                break;
            }
            self.take_in(view, turn, request, key, &mut wave);
        }
        wave
    }

    fn take_in<V: View>(
        &mut self,
        view: &mut V,
        turn: Turn,
        request: &WaveRequest,
        key: OrderKey,
        wave: &mut Gathered,
    ) {
        let order = view.shared_order(key).expect("it was found just now");
        let is_named = |node: NodeIx| request.nodes.is_empty() || request.nodes.contains(&node);
        if !parts(&order).any(|(_, part)| is_named(part.node)) {
            return; // it is of other nodes' waves
        }
        let is_within = parts(&order).all(|(_, part)| is_named(part.node));
        let member = if is_within && may_be_planned(view, &order) {
            self.member(view, turn, order)
        } else {
            None
        };
        let Some(mut member) = member else {
            wave.left_out += 1;
            return;
        };
        for (node, permitted) in member.model.permitted.iter_mut().enumerate() {
            *permitted &= is_named(NodeIx(node as u32));
        }
        member.keep_to_stockists(view);
        wave.days.keep(view, turn, &member.order, &mut member.model);
        wave.count_in(view, &mut member);
        wave.members.push(member);
    }

    fn member<V: View>(&mut self, view: &mut V, turn: Turn, order: Arc<Order>) -> Option<Member> {
        let mut opened = Order::clone(&order);
        for (_, part) in parts(&order) {
            for line in &part.lines {
                opened.lines[line.line as usize].open += line.allocated;
            }
        }
        let loads = loads(view, &order);
        let fits = |model: &Model| keeps_to(model, &order, &loads);
        let mut model = self.wave_model(view, turn, &opened, fits)?;
        if !order.kits().is_empty() {
            model.max_shipments = 1;
        }
        let rows = rows_of(&opened, model.whole_lines);
        Some(Member { order, model, rows })
    }
}

impl Member {
    /// Nodes that stock nothing of the order need not be looked at.
    fn keep_to_stockists<V: View>(&mut self, view: &mut V) {
        let mut stocks = vec![false; self.model.permitted.len()];
        for row in &self.rows {
            view.stock_of(row.sku).iter().for_each(|it| stocks[it.node.0 as usize] = true);
        }
        let nodes = self.model.permitted.iter_mut().zip(stocks);
        nodes.for_each(|(permitted, stocks)| *permitted &= stocks);
    }
}

/// Fulfilments with units, by place.
pub(super) fn parts(order: &Order) -> impl Iterator<Item = (usize, &Fulfilment)> {
    let has_units = |part: &Fulfilment| part.lines.iter().any(|line| line.allocated > 0);
    order.fulfilments.iter().enumerate().filter(move |(_, part)| has_units(part))
}

/// Whether all its units may be taken back without asking, and every plan for them has a price.
fn may_be_planned<V: View>(view: &V, order: &Order) -> bool {
    let Some(settings) = view.settings() else { return false };
    let is_movable = |part: &Fulfilment| match part.state {
        FulfilmentState::Assigned => true,
        FulfilmentState::Accepted => !settings.asks_release,
        _ => false,
    };
    let is_plain =
        |part: &Fulfilment| !view.nodes()[part.node.0 as usize].is_partner() && is_movable(part);
    let mut nodes: Vec<NodeIx> = parts(order).map(|(_, part)| part.node).collect();
    let count = nodes.len();
    nodes.sort_unstable();
    nodes.dedup();
    let gathers = order.gathers_at().is_some(); // its parts are told to meet
    let is_asked = order.handling.as_ref().is_some_and(|it| !it.asked_back.is_empty());
    let takes_others = order.details.as_ref().is_some_and(|it| !it.substitutes.is_empty());
    !(settings.reserves
        || order.is_held()
        || order.is_pickup()
        || gathers
        || is_asked
        || takes_others)
        && (order.kits().is_empty() || moves_whole(order))
        && nodes.len() == count
        && order.lines.iter().all(|line| line.open == 0)
        && parts(order).all(|(_, part)| is_plain(part))
}

/// Whether one node has all of an order, and nothing of it has left: given to another node in one piece
/// its kits stay whole.
fn moves_whole(order: &Order) -> bool {
    parts(order).count() == 1 && order.lines.iter().all(|line| line.shipped == 0)
}

/// What each node's shipment weighs, in milligrams. An unknown weight weighs nothing.
fn loads<V: View>(view: &V, order: &Order) -> Vec<(usize, i64)> {
    let load = |(_, part): (usize, &Fulfilment)| {
        let weights = part.lines.iter().map(|line| {
            let grams = view.item(order.lines[line.line as usize].sku).weight_g;
            line.allocated.saturating_mul(i64::from(grams))
        });
        (part.node.0 as usize, weights.fold(0, i64::saturating_add))
    };
    parts(order).map(load).collect()
}

/// Whether the present plan is one that the model could have made.
fn keeps_to(model: &Model, order: &Order, loads: &[(usize, i64)]) -> bool {
    let mut lines: Vec<u32> = parts(order)
        .flat_map(|(_, part)| part.lines.iter().filter(|line| line.allocated > 0))
        .map(|line| line.line)
        .collect();
    let count = lines.len();
    lines.sort_unstable();
    lines.dedup();
    loads.iter().all(|&(node, load)| !model.against_rule[node] && model.carries(node, load))
        && loads.len() <= model.max_shipments
        && (!model.whole_lines || lines.len() == count)
}

fn rows_of(opened: &Order, whole_lines: bool) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (place, line) in opened.lines.iter().enumerate().filter(|(_, line)| line.open > 0) {
        match rows.iter_mut().find(|row| !whole_lines && row.sku == line.sku) {
            Some(row) => {
                row.lines.push(place);
                row.units += line.open;
            }
            None => rows.push(Row { sku: line.sku, lines: vec![place], units: line.open }),
        }
    }
    rows
}

impl Gathered {
    /// A node with a limit is given no more orders than it has room for: so many of the wave's orders,
    /// the oldest, may go to it. One that has a part of an order is not given another by more of it.
    fn count_in<V: View>(&mut self, view: &V, member: &mut Member) {
        let Member { order, model, rows } = member;
        let count = self.skus.len();
        for row in rows.iter() {
            let next = self.skus.len();
            self.skus.entry(row.sku).or_insert(next);
        }
        let nodes = view.nodes().len();
        self.cells += nodes * (self.skus.len() - count + 2 * rows.len());
        for (node, permitted) in model.permitted.iter_mut().enumerate() {
            let ix = NodeIx(node as u32);
            let is_there = order.fulfilments.iter().any(|part| part.node == ix);
            let Some(capacity) = view.nodes()[node].capacity.as_deref() else { continue };
            if !*permitted || is_there || !model.counts_capacity {
                continue;
            }
            let room = self.room.entry(node).or_insert_with(|| {
                let taken = view.node_day(ix);
                let today = taken.day == capacity.day_of(self.now_ms);
                capacity.orders_per_day.saturating_sub(if today { taken.orders } else { 0 })
            });
            *permitted = *room > 0;
            *room = room.saturating_sub(1);
        }
    }

    /// Places of the members that are planned by costs, or of the others.
    pub fn places(&self, by_cost: bool) -> Vec<usize> {
        let is_such = |place: &usize| self.members[*place].model.by_cost == by_cost;
        (0..self.members.len()).filter(is_such).collect()
    }

    /// Whole units where every quantity of the wave is one, else 1/1000.
    pub fn grain<V: View>(&self, view: &V) -> i64 {
        let is_fine = |row: &Row| view.item(row.sku).step_milli() < 1_000 || row.units % 1_000 != 0;
        let fine = self.members.iter().flat_map(|member| &member.rows).any(is_fine);
        if fine { 1 } else { 1_000 }
    }

    /// What no order holds of the wave's SKUs, above buffers, and of the shelves; less than nothing where a
    /// node is short.
    pub fn free<V: View>(&self, view: &mut V, shelves: &Shelves, grain: i64) -> Vec<i64> {
        let columns = self.skus.len() + shelves.count();
        let mut free = vec![0; view.nodes().len() * columns];
        for (&sku, &number) in &self.skus {
            for row in view.stock_of(sku) {
                let units = row.stock.free() - row.stock.buffer;
                let cell = row.node.0 as usize * columns + number;
                free[cell] = if row.stock.flagged_out { 0 } else { units.div_euclid(grain) };
            }
        }
        for (node, number, units) in shelves.free(view, self.now_ms) {
            free[node * columns + self.skus.len() + number] = units.div_euclid(grain);
        }
        free
    }

    /// The problem of some members, as they are served now.
    pub fn wave<V: View>(
        &self,
        view: &mut V,
        places: &[usize],
        shelves: &Shelves,
        grain: i64,
        free: Vec<i64>,
    ) -> Wave {
        let assigned = |&place: &usize| {
            let member = &self.members[place];
            Assigned {
                shelves: self.shelves_of(member, shelves),
                ..self.assigned(view, member, grain)
            }
        };
        let orders = places.iter().map(assigned).collect();
        Wave { columns: self.skus.len() + shelves.count(), free, orders }
    }

    fn shelves_of(&self, member: &Member, shelves: &Shelves) -> Vec<Vec<usize>> {
        let days = member.model.min_shelf_days;
        if days == 0 {
            return Vec::new();
        }
        let of_row = |row: &Row| shelves.up_to(row.sku, days).map(|it| self.skus.len() + it);
        member.rows.iter().map(|row| of_row(row).collect()).collect()
    }

    fn assigned<V: View>(&self, view: &mut V, member: &Member, grain: i64) -> Assigned {
        let Member { order, model, rows } = member;
        let (nodes, count) = (view.nodes().len(), rows.len());
        let mut problem = Problem::default();
        problem.reset(nodes, count);
        problem.whole_rows = model.whole_lines;
        problem.max_shipments = model.max_shipments.min(nodes);
        let scale = if model.by_cost { 1_000 / grain } else { 1 };
        let mut blocked = vec![false; nodes * count];
        for (number, row) in rows.iter().enumerate() {
            problem.units[number] = row.units / grain;
            let pool = rows.iter().position(|other| other.sku == row.sku);
            problem.pool[number] = pool.expect("the row itself");
            for node in 0..nodes {
                let unit = model.unit_of(&*view, self.now_ms, row.sku, node);
                *problem.unit_cost_mut(node, number) = unit;
                blocked[node * count + number] = !model.permitted[node]
                    || order.was_not_found_at(row.sku, NodeIx(node as u32))
                    || is_flagged_out(view, row.sku, node);
            }
        }
        (0..nodes).for_each(|node| problem.fixed[node] = model.shipment[node] * scale);
        if let Some(cost) = model.tables() {
            let weights = rows.iter().map(|row| view.item(row.sku).weight_g);
            price_by_weight(&mut problem, cost, weights, model.metres.iter().copied(), grain);
        }
        charge_markdowns(view, &mut problem, member, self.now_ms);
        forbid_unserved(&mut problem);
        let skus = rows.iter().map(|row| self.skus[&row.sku]).collect();
        let flows = flows_of(order, rows, grain);
        Assigned { order: problem, skus, shelves: Vec::new(), flows, blocked }
    }
}

/// A unit costs more by as much as one loses more where it loses most, if it is not sold there. So plans
/// compare as if what they save were taken off.
fn charge_markdowns<V: View>(view: &mut V, problem: &mut Problem, member: &Member, now_ms: i64) {
    let share = member.model.markdown();
    if share == 0 {
        return;
    }
    let nodes = view.nodes().len();
    for (number, row) in member.rows.iter().enumerate() {
        let mut loses = |node: usize| {
            let ledger = view.ledger(row.sku, NodeIx(node as u32));
            ledger.map_or(0, |ledger| ledger.markdown_at(now_ms))
        };
        let saved: Vec<i64> = (0..nodes).map(&mut loses).collect();
        let most = saved.iter().max().copied().unwrap_or(0);
        for (node, saved) in saved.into_iter().enumerate() {
            *problem.unit_cost_mut(node, number) += (most - saved) * share;
        }
    }
}

fn is_flagged_out<V: View>(view: &mut V, sku: SkuIx, node: usize) -> bool {
    view.stock_at(sku, NodeIx(node as u32)).is_none_or(|stock| stock.flagged_out)
}

/// How an order is served now.
fn flows_of(order: &Order, rows: &[Row], grain: i64) -> Vec<Flow> {
    let mut flows = Vec::new();
    for (row, wanted) in rows.iter().enumerate() {
        for (_, part) in parts(order) {
            let lines = part.lines.iter().filter(|it| wanted.lines.contains(&(it.line as usize)));
            let units: i64 = lines.map(|line| line.allocated).sum();
            if units > 0 {
                flows.push(Flow { node: part.node.0 as usize, row, units: units / grain });
            }
        }
    }
    flows.sort_unstable_by_key(|flow| (flow.row, flow.node));
    flows
}
