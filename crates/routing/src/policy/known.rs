//! What few rules ask for and nobody else looks at: weeks of sales, markdowns, lots, what delivering costs,
//! and days too late.
//! Looked up for the nodes in the running, where the rule asks.

use omnifold_domain::policy::{By, Cost};
use omnifold_domain::{Ledger, NodeIx, Order, View, calendar};
use omnifold_events::v1::Verdict;

use super::compile::CompiledRule;
use super::facts::value_of;
use super::least_cost::known as known_metres;
use super::shelf_life::ShelfLife;
use crate::candidates::Candidates;
use crate::promise::{From, from_calendar, learned_day};

const DAY_MS: i64 = 86_400_000;

/// Most days that anything is late: more are as bad.
const MOST_LATE_DAYS: i32 = 365;

/// A day that does not come, and that of a node nobody asked about: it is not late.
const NEVER: i32 = i32::MAX;
const UNASKED: i32 = i32::MIN;

/// What the rule that is tried asked for. Its memory is reused from order to order.
#[derive(Default)]
pub(crate) struct Known {
    /// Units sold in a week, by node and place of the SKU; empty where the rule does not ask. 0: not
    /// known.
    weekly_sales: Vec<i64>,
    skus: usize,
    /// The day on which the customer has what a node gets now, by node; empty where the rule does not ask.
    there: Vec<i32>,
    today: i32,
    /// The day that the customer wants it on; `None`: the rule does not ask, or nobody knows.
    wanted: Option<i32>,
    /// What a unit loses if it is not sold there, by node and place of the SKU, minor units; empty where the
    /// rule does not ask. 0: nothing.
    markdowns: Vec<i64>,
    /// What delivering the whole order from each node would cost, 1/1000 of the minor unit; empty where the
    /// rule does not ask. `None`: nobody can say.
    landed: Vec<Option<i64>>,
    pub(super) shelf_life: ShelfLife,
}

impl Known {
    /// Looks up what the rule asks.
    pub(super) fn gather<V: View>(
        &mut self,
        view: &mut V,
        order: &Order,
        now_ms: i64,
        candidates: &Candidates,
        rule: &CompiledRule,
    ) {
        let has_free_stock = |node| candidates.has_free_stock(node);
        self.gather_where(view, order, now_ms, candidates, rule, has_free_stock);
    }

    /// The same of an order that may be given what others hold now.
    pub(super) fn gather_for_wave<V: View>(
        &mut self,
        view: &mut V,
        order: &Order,
        now_ms: i64,
        candidates: &Candidates,
        rule: &CompiledRule,
    ) {
        let stocks = |node: usize| candidates.verdicts[node] != Verdict::NotStocked;
        self.gather_where(view, order, now_ms, candidates, rule, stocks);
    }

    fn gather_where<V: View>(
        &mut self,
        view: &mut V,
        order: &Order,
        now_ms: i64,
        candidates: &Candidates,
        rule: &CompiledRule,
        may_serve: impl Fn(usize) -> bool,
    ) {
        self.weekly_sales.clear();
        self.there.clear();
        self.wanted = None;
        self.markdowns.clear();
        self.landed.clear();
        self.shelf_life.clear();
        self.skus = candidates.skus.len();
        if asks_sales(rule) {
            of_ledgers(&mut self.weekly_sales, view, candidates, |row| row.weekly_sales);
        }
        if asks_markdowns(rule) {
            of_ledgers(&mut self.markdowns, view, candidates, |row| row.markdown_at(now_ms));
        }
        if let Some(cost) = rule.rule.cost.as_ref().filter(|_| rule.rule.ranks_by(By::LandedCost)) {
            self.gather_landed(view, candidates, rule, cost);
        }
        self.shelf_life.gather(view, now_ms, candidates, rule);
        self.gather_days(view, order, now_ms, candidates, rule, may_serve);
    }

    /// Every node is priced for the whole order, whatever it has of it: what a part costs is cheaper where
    /// less is there, and says nothing of the node.
    fn gather_landed<V: View>(
        &mut self,
        view: &V,
        candidates: &Candidates,
        rule: &CompiledRule,
        cost: &Cost,
    ) {
        let wanted = || candidates.skus.iter().map(|row| (row.wanted, view.item(row.sku).weight_g));
        let units = wanted().fold(0, |sum: i64, row| sum.saturating_add(row.0));
        let weight_of = |(units, grams): (i64, u32)| units.saturating_mul(i64::from(grams));
        let weight_mg = wanted().map(weight_of).fold(0, i64::saturating_add);
        let heaviest_g = wanted().map(|row| row.1).max().unwrap_or(0);
        self.landed.extend(rule.shipment.iter().zip(&candidates.distances).map(
            |(own, &metres)| {
                let metres = known_metres(metres);
                let is_said = metres.is_some() || !cost.asks_distance();
                let said = is_said && cost.can_ship(metres, heaviest_g);
                said.then(|| own.saturating_add(cost.of_contents(metres, units, weight_mg)))
            },
        ));
    }

    /// The day that each node's customer would have it on, where the rule ranks by it, or charges for days
    /// too late of an order that is wanted by a day.
    fn gather_days<V: View>(
        &mut self,
        view: &mut V,
        order: &Order,
        now_ms: i64,
        candidates: &Candidates,
        rule: &CompiledRule,
        may_serve: impl Fn(usize) -> bool,
    ) {
        let charges = rule.charged().is_some_and(|cost| cost.late_day > 0);
        let ranks = rule.rule.ranks_by(By::Promise);
        if !charges && !ranks {
            return; // nearly every rule
        }
        self.wanted = if charges { wanted_day(view, order) } else { None };
        if !ranks && self.wanted.is_none() {
            return;
        }
        self.today = today(view, now_ms);
        self.there.resize(candidates.verdicts.len(), UNASKED);
        let promised = view.promise_of(order.key()).map(|row| row.areas);
        let view = &*view;
        for node in (0..candidates.verdicts.len()).filter(|&node| may_serve(node)) {
            let metres = known_metres(candidates.distances[node]).unwrap_or(0);
            let from = From { node: NodeIx(node as u32), metres, nodes: 1, now_ms };
            let learned = promised.and_then(|areas| learned_day(view, order, areas, from));
            let there = learned.or_else(|| day_there(view, from.node, now_ms));
            self.there[node] = there.unwrap_or(NEVER);
        }
    }

    /// Units of a SKU that a node sells in a week; 0 where nobody said, or the rule does not ask.
    pub(super) fn weekly_sales(&self, node: usize, sku: usize) -> i64 {
        self.weekly_sales.get(node * self.skus + sku).copied().unwrap_or(0)
    }

    /// Days by which a shipment of a node would be too late; 0 where the rule does not ask.
    pub(super) fn late_days(&self, node: usize) -> i64 {
        let there = self.there.get(node).copied().zip(self.wanted);
        there.map_or(0, |(day, wanted)| day.saturating_sub(wanted).clamp(0, MOST_LATE_DAYS).into())
    }

    /// Days from today until the customer has what a node gets now; `None`: it never would, or the rule
    /// does not ask.
    pub(super) fn days_until_there(&self, node: usize) -> Option<i64> {
        let is_known = |day: &i32| ![UNASKED, NEVER].contains(day);
        let there = self.there.get(node).copied().filter(is_known)?;
        Some(there.saturating_sub(self.today).into())
    }

    /// What delivering the whole order from a node would cost, in 1/1000 of the minor unit; `None`: nobody
    /// can say, or the rule does not ask.
    pub(super) fn landed_cost(&self, node: usize) -> Option<i64> {
        self.landed.get(node).copied().flatten()
    }

    /// The same of some nodes, as an explanation tells it: -1 where nobody can say; nothing where the rule
    /// does not ask.
    pub(super) fn landed_costs(&self, nodes: &[u32]) -> Vec<i64> {
        let told = |node: &u32| self.landed_cost(*node as usize).unwrap_or(-1);
        if self.landed.is_empty() { Vec::new() } else { nodes.iter().map(told).collect() }
    }

    /// What a unit of a SKU loses if it is not sold at a node, minor units; 0 where nobody said, or the
    /// rule does not ask.
    pub(super) fn markdown(&self, node: usize, sku: usize) -> i64 {
        self.markdowns.get(node * self.skus + sku).copied().unwrap_or(0)
    }

    /// What serving the order from a node saves of markdowns, minor units, as far as it has the units.
    /// `None`: nobody said that they lose anything.
    pub(super) fn saved(&self, candidates: &Candidates, node: usize) -> Option<i64> {
        let saves = |(sku, &free): (usize, &i64)| {
            let loses = self.markdown(node, sku);
            let units = free.clamp(0, candidates.skus[sku].wanted);
            (loses > 0 && free > 0).then(|| value_of(loses, units))
        };
        let saved = candidates.free(node).iter().enumerate().filter_map(saves);
        saved.reduce(i64::saturating_add)
    }

    /// How long the node's stock lasts, in 1/1000 week times the configured weeks (rule R9): of an order
    /// of several SKUs, that of the one that runs out first. `None`: nobody said what it sells of them.
    pub(super) fn weeks_of_supply(
        &self,
        candidates: &Candidates,
        node: usize,
        weeks: u32,
    ) -> Option<i64> {
        let lasts = |(sku, &free): (usize, &i64)| {
            let sold = self.weekly_sales(node, sku);
            let lasts = i128::from(free.max(0)) * i128::from(weeks) * 1_000;
            (sold > 0).then(|| i64::try_from(lasts / i128::from(sold)).unwrap_or(i64::MAX))
        };
        candidates.free(node).iter().enumerate().filter_map(lasts).min()
    }
}

/// The market's day: where it promises, else UTC.
fn today<V: View>(view: &V, now_ms: i64) -> i32 {
    let rules = view.settings().and_then(|settings| settings.promise.as_deref());
    let utc = now_ms.div_euclid(DAY_MS) as i32;
    rules.map_or(utc, |rules| rules.day_of(now_ms))
}

fn asks_markdowns(rule: &CompiledRule) -> bool {
    let is_charged = rule.charged().is_some_and(|cost| cost.markdown > 0);
    is_charged || rule.rule.ranks_by(By::Markdown)
}

fn asks_sales(rule: &CompiledRule) -> bool {
    rule.rule.nodes.leave_weeks > 0 || rule.rule.ranks_by(By::WeeksOfSupply)
}

/// What the ledger of every SKU says at every node with free stock, by node; 0 where there is none.
fn of_ledgers<V: View>(
    rows: &mut Vec<i64>,
    view: &mut V,
    candidates: &Candidates,
    says: impl Fn(&Ledger) -> i64,
) {
    let skus = candidates.skus.len();
    rows.resize(candidates.verdicts.len() * skus, 0);
    for node in (0..candidates.verdicts.len()).filter(|&node| candidates.has_free_stock(node)) {
        for (place, demand) in candidates.skus.iter().enumerate() {
            let ledger = view.ledger(demand.sku, NodeIx(node as u32));
            rows[node * skus + place] = ledger.map_or(0, &says);
        }
    }
}

/// The last day on which the customer wants it: the one asked for, else the one promised before.
fn wanted_day<V: View>(view: &mut V, order: &Order) -> Option<i32> {
    let promised =
        |view: &mut V| view.promise_of(order.key())?.given.map(|given| given.promised.latest_day);
    order.requested_day().or_else(|| promised(view))
}

/// The day on which a node's customer has what it gets now: by the market's delivery calendar; without
/// one, the node's own day on which it is done with it. `None`: never.
pub(crate) fn day_there<V: View>(view: &V, node: NodeIx, now_ms: i64) -> Option<i32> {
    let rules = view.settings().and_then(|settings| settings.promise.as_deref());
    if let Some(rules) = rules.filter(|rules| rules.plan().is_some()) {
        return from_calendar(view, rules, node, now_ms).map(|promised| promised.latest_day);
    }
    let (zone, done_ms) = match view.nodes()[node.0 as usize].opening.as_deref() {
        Some(opening) => (opening.zone.as_str(), opening.after(now_ms, opening.processing_ms)),
        None => ("UTC", now_ms),
    };
    calendar::local_day(&calendar::zone(zone)?, done_ms)
}
