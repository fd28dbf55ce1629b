//! What few rules ask for and nobody else looks at: weeks of sales, and days too late. Looked up for
//! the nodes in the running, where the rule asks.

use omnifold_domain::policy::By;
use omnifold_domain::promise::PromiseRules;
use omnifold_domain::{Node, NodeIx, Order, OrderKey, View, calendar};
use omnifold_events::v1::Verdict;

use super::compile::{CompiledRanker, CompiledRule};
use crate::candidates::Candidates;

/// Most days that anything is late: more are as bad.
const MOST_LATE_DAYS: i32 = 365;

/// What the rule that is tried asked for. Its memory is reused from order to order.
#[derive(Default)]
pub(crate) struct Known {
    /// Units sold in a week, by node and place of the SKU; empty where the rule does not ask. 0: not
    /// known.
    weekly_sales: Vec<i64>,
    skus: usize,
    /// Days too late, by node; empty where the rule does not ask.
    late_days: Vec<i32>,
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
        self.weekly_sales.clear();
        self.late_days.clear();
        if asks_sales(rule) {
            self.gather_sales(view, candidates);
        }
        if asks_lateness(rule) {
            self.gather_lateness(view, order, now_ms, candidates, |node| {
                candidates.has_free_stock(node)
            });
        }
    }

    /// Looks up what the rule asks of an order that may be given what others hold now.
    pub(super) fn gather_for_wave<V: View>(
        &mut self,
        view: &mut V,
        order: &Order,
        now_ms: i64,
        candidates: &Candidates,
        rule: &CompiledRule,
    ) {
        self.gather(view, order, now_ms, candidates, rule);
        if asks_lateness(rule) {
            self.gather_lateness(view, order, now_ms, candidates, |node| {
                candidates.verdicts[node] != Verdict::NotStocked
            });
        }
    }

    fn gather_sales<V: View>(&mut self, view: &mut V, candidates: &Candidates) {
        self.skus = candidates.skus.len();
        self.weekly_sales.resize(candidates.verdicts.len() * self.skus, 0);
        for node in (0..candidates.verdicts.len()).filter(|&node| candidates.has_free_stock(node)) {
            for (place, demand) in candidates.skus.iter().enumerate() {
                let ledger = view.ledger(demand.sku, NodeIx(node as u32));
                let sold = ledger.map_or(0, |ledger| ledger.weekly_sales);
                self.weekly_sales[node * self.skus + place] = sold;
            }
        }
    }

    fn gather_lateness<V: View>(
        &mut self,
        view: &mut V,
        order: &Order,
        now_ms: i64,
        candidates: &Candidates,
        may_serve: impl Fn(usize) -> bool,
    ) {
        self.late_days.resize(candidates.verdicts.len(), 0);
        let Some(wanted) = wanted_day(view, order) else { return };
        let rules = view.settings().and_then(|settings| settings.promise.as_deref());
        for node in (0..candidates.verdicts.len()).filter(|&node| may_serve(node)) {
            let there = day_there(rules, &view.nodes()[node], now_ms);
            let late = there.map_or(MOST_LATE_DAYS, |day| day.saturating_sub(wanted));
            self.late_days[node] = late.clamp(0, MOST_LATE_DAYS);
        }
    }

    /// Units of a SKU that a node sells in a week; 0 where nobody said, or the rule does not ask.
    pub(super) fn weekly_sales(&self, node: usize, sku: usize) -> i64 {
        self.weekly_sales.get(node * self.skus + sku).copied().unwrap_or(0)
    }

    /// Days by which a shipment of a node would be too late; 0 where the rule does not ask.
    pub(super) fn late_days(&self, node: usize) -> i64 {
        self.late_days.get(node).copied().map_or(0, i64::from)
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

fn asks_lateness(rule: &CompiledRule) -> bool {
    rule.rule.cost.as_ref().is_some_and(|cost| cost.late_day > 0)
}

fn asks_sales(rule: &CompiledRule) -> bool {
    fn ranks_by_weeks(ranker: &CompiledRanker) -> bool {
        ranker.ranker.by == By::WeeksOfSupply || ranker.terms.iter().any(ranks_by_weeks)
    }
    rule.rule.nodes.leave_weeks > 0 || rule.rankers.iter().any(ranks_by_weeks)
}

/// The last day on which the customer wants it: the one asked for, else the one promised before.
fn wanted_day<V: View>(view: &mut V, order: &Order) -> Option<i32> {
    let promised = |view: &mut V| {
        let key = OrderKey::of(&order.channel, &order.order_id);
        view.promise_of(key)?.given.map(|given| given.promised.latest_day)
    };
    asked_day(order).or_else(|| promised(view))
}

/// The last day on which the customer asked to have it.
pub(crate) fn asked_day(order: &Order) -> Option<i32> {
    order.delivery_terms().and_then(|it| calendar::day_named(&it.requested_date))
}

/// The day on which a node's customer has what it gets now: by the market's delivery calendar; without
/// one, the node's own day on which it is done with it. `None`: never.
pub(crate) fn day_there(rules: Option<&PromiseRules>, node: &Node, now_ms: i64) -> Option<i32> {
    if let Some(rules) = rules.filter(|rules| rules.calendar.is_some()) {
        return rules.by_calendar(node, now_ms).map(|promised| promised.latest_day);
    }
    let (zone, done_ms) = match node.opening.as_deref() {
        Some(opening) => (opening.zone.as_str(), opening.after(now_ms, opening.processing_ms)),
        None => ("UTC", now_ms),
    };
    calendar::local_day(&calendar::zone(zone)?, done_ms)
}
