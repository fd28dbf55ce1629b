//! Who may serve an order, what each has of it, and how far each is (rule R1).

use omnifold_domain::{Absence, Node, NodeIx, Order, SkuIx, View, reserved_for_others};
use omnifold_events::v1::Verdict;

use crate::closed::Closed;
use crate::distance::Distances;

mod wholes;

pub(crate) use wholes::{Part, Whole};

/// The open units of one line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demand {
    /// Place in the order's lines.
    pub line: usize,
    /// Place in [`Candidates::skus`].
    pub sku: usize,
    /// Units wanted.
    pub units: i64,
}

/// What is wanted and what is there of one SKU.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SkuDemand {
    pub sku: SkuIx,
    /// Units wanted over all lines.
    pub wanted: i64,
    /// On-hand units that the candidates can promise together.
    pub on_hand: i64,
    /// Units that the candidates can promise without stock together.
    pub backorder: i64,
    /// Some candidate stocks it, with or without units free.
    pub stocked: bool,
    /// Smallest quantity that can be moved.
    pub step: i64,
}

/// When it is asked who could serve an order, and whether their capacity counts (rule R8).
#[derive(Clone, Copy)]
pub(crate) struct Asking {
    pub now_ms: i64,
    pub counts_capacity: bool,
}

/// The demand of one order against the whole network. Its memory is reused from order to order.
#[derive(Default, Clone)]
pub(crate) struct Candidates {
    pub demands: Vec<Demand>,
    pub skus: Vec<SkuDemand>,
    /// One per node, by number.
    pub verdicts: Vec<Verdict>,
    pub distances: Vec<u32>,
    /// Nodes that stock some of it, whatever else is said against them.
    pub stocking: Vec<bool>,
    /// Place of each node in the ranking of a policy; empty where distance ranks.
    pub places: Vec<u32>,
    /// On-hand units free, node by node: `free[node * skus + sku]`.
    free: Vec<i64>,
    backorder: Vec<i64>,
    pub(crate) closed: Closed,
    /// The first instant at which a node that has some of it and is left out for a time may serve again,
    /// milliseconds since the Unix epoch; 0: none is left out so.
    pub(crate) back_at: i64,
}

impl Candidates {
    /// Looks at every node for the open units of an order.
    pub(crate) fn gather<V: View>(
        &mut self,
        view: &mut V,
        order: &Order,
        now_ms: i64,
        far: &mut Distances,
    ) {
        self.gather_within(view, order, Asking { now_ms, counts_capacity: true }, far);
    }

    /// The same, where the nodes' capacity may not count.
    pub(crate) fn gather_within<V: View>(
        &mut self,
        view: &mut V,
        order: &Order,
        asking: Asking,
        far: &mut Distances,
    ) {
        self.places.clear();
        self.back_at = 0;
        self.gather_demand(view, order);
        self.judge_nodes(view, order, asking);
        let version = view.network_version();
        far.measure(order.destination, view.nodes(), version, &mut self.distances);
        self.gather_stock(view, order);
        self.judge_stock();
    }

    /// Lines of the same SKU add up (rule H1).
    fn gather_demand<V: View>(&mut self, view: &V, order: &Order) {
        self.demands.clear();
        self.skus.clear();
        for (line, row) in order.lines.iter().enumerate().filter(|(_, row)| row.open > 0) {
            let known = self.skus.iter().position(|demand| demand.sku == row.sku);
            let sku = known.unwrap_or_else(|| {
                let step = view.item(row.sku).step_milli();
                let nothing = (0, 0, 0, false);
                let (wanted, on_hand, backorder, stocked) = nothing;
                self.skus.push(SkuDemand {
                    sku: row.sku,
                    wanted,
                    on_hand,
                    backorder,
                    stocked,
                    step,
                });
                self.skus.len() - 1
            });
            self.skus[sku].wanted += row.open;
            self.demands.push(Demand { line, sku, units: row.open });
        }
    }

    fn judge_nodes<V: View>(&mut self, view: &V, order: &Order, asking: Asking) {
        self.verdicts.clear();
        self.closed.renew(view);
        let max_closed_ms = view.settings().map_or(0, |settings| settings.max_closed_ms);
        let closed = &mut self.closed;
        let numbered = (0..).map(NodeIx).zip(view.nodes());
        let channels = view.settings().map(|settings| &settings.channels);
        let channel = channels.and_then(|channels| channels.get(order.channel.as_str()));
        self.verdicts.extend(numbered.map(|(ix, node)| {
            if !node.takes_work() {
                why_absent(node)
            } else if !order.permits(channel, ix) {
                Verdict::NotPermitted
            } else if order.excluded.contains(&ix) {
                Verdict::Excluded
            } else if node.capacity.is_some()
                && asking.counts_capacity
                && is_full(view, order, ix, asking.now_ms)
            {
                Verdict::Capacity
            } else if max_closed_ms > 0
                && closed.is_closed(ix.0 as usize, node, asking.now_ms, max_closed_ms)
            {
                Verdict::Closed
            } else {
                Verdict::NotStocked
            }
        }));
    }

    fn gather_stock<V: View>(&mut self, view: &mut V, order: &Order) {
        let (nodes, skus) = (self.verdicts.len(), self.skus.len());
        self.free.clear();
        self.free.resize(nodes * skus, 0);
        self.backorder.clear();
        self.backorder.resize(nodes * skus, 0);
        self.stocking.clear();
        self.stocking.resize(nodes, false);
        for (place, demand) in self.skus.iter_mut().enumerate() {
            let kept = reserved_for_others(view, &order.channel, demand.sku);
            for &offer in view.offers_of(demand.sku) {
                let node = offer.node.0 as usize;
                let verdict = &mut self.verdicts[node];
                self.stocking[node] = true;
                if is_ruled_out(*verdict) {
                    continue;
                }
                if order.details.is_some() && order.was_not_found_at(demand.sku, offer.node) {
                    continue; // of this SKU only: it may serve the others
                }
                if offer.flagged_out {
                    if *verdict == Verdict::NotStocked {
                        *verdict = Verdict::FlaggedOut;
                    }
                    continue;
                }
                *verdict = Verdict::NoFreeStock;
                demand.stocked = true;
                let offer = kept.get(node).map_or(offer, |&units| offer.without(units));
                let cell = node * skus + place;
                self.free[cell] = offer.on_hand;
                self.backorder[cell] = offer.backorder;
                demand.on_hand += self.free[cell];
                demand.backorder += self.backorder[cell];
            }
        }
        if order.details.is_some() {
            self.judge_not_found();
        }
    }

    /// A node that stocks nothing of the order but what it could not find is excluded.
    fn judge_not_found(&mut self) {
        let stocking = self.verdicts.iter_mut().zip(&self.stocking).filter(|(_, stocks)| **stocks);
        for (verdict, _) in stocking.filter(|(verdict, _)| **verdict == Verdict::NotStocked) {
            *verdict = Verdict::Excluded;
        }
    }

    /// Nodes that have something free are in the running until a better plan beats them.
    fn judge_stock(&mut self) {
        let skus = self.skus.len();
        for node in 0..self.verdicts.len() {
            let has = self.free[node * skus..(node + 1) * skus].iter().any(|&units| units > 0);
            if has && !is_ruled_out(self.verdicts[node]) {
                self.verdicts[node] = Verdict::MoreShipments;
            }
        }
    }

    /// Takes a node out of the running, with all it has.
    pub(crate) fn drop_node(&mut self, node: usize, verdict: Verdict) {
        if is_ruled_out(self.verdicts[node]) {
            return;
        }
        let skus = self.skus.len();
        for (sku, demand) in self.skus.iter_mut().enumerate() {
            let cell = node * skus + sku;
            demand.on_hand -= std::mem::take(&mut self.free[cell]);
            demand.backorder -= std::mem::take(&mut self.backorder[cell]);
        }
        self.verdicts[node] = verdict;
    }

    /// Takes a node out of the running for a time. `back_at`: until when, where that is known.
    pub(crate) fn drop_for_a_time(&mut self, node: usize, verdict: Verdict, back_at: Option<i64>) {
        if let Some(back_at) = back_at.filter(|_| self.is_in_the_running(node)) {
            self.back_at = sooner(self.back_at, back_at);
        }
        self.drop_node(node, verdict);
    }

    /// Takes units of a SKU at a node out of what can be promised from stock.
    pub(crate) fn leave(&mut self, node: usize, sku: usize, units: i64) {
        self.free[node * self.skus.len() + sku] -= units;
        self.skus[sku].on_hand -= units;
    }

    /// Nothing is promised without stock.
    pub(crate) fn forget_backorders(&mut self) {
        self.backorder.fill(0);
        for demand in &mut self.skus {
            demand.backorder = 0;
        }
    }

    /// Whether the node may still be chosen.
    pub(crate) fn is_in_the_running(&self, node: usize) -> bool {
        self.has_free_stock(node) || (0..self.skus.len()).any(|sku| self.backorder(node, sku) > 0)
    }

    /// On-hand units of each SKU that a node can promise.
    pub(crate) fn free(&self, node: usize) -> &[i64] {
        let skus = self.skus.len();
        &self.free[node * skus..(node + 1) * skus]
    }

    /// Whether the node has the whole demand in stock.
    pub(crate) fn has_all(&self, node: usize) -> bool {
        self.has_free_stock(node)
            && self.free(node).iter().zip(&self.skus).all(|(free, demand)| *free >= demand.wanted)
    }

    /// Units of a SKU that a node can promise without stock.
    pub(crate) fn backorder(&self, node: usize, sku: usize) -> i64 {
        self.backorder[node * self.skus.len() + sku]
    }

    /// Whether the node is in the running with stock.
    pub(crate) fn has_free_stock(&self, node: usize) -> bool {
        self.verdicts[node] == Verdict::MoreShipments
    }

    /// Nodes that have something of the order free, in rank order: nearest first, then smaller id.
    pub(crate) fn ranked<V: View>(&self, view: &V, into: &mut Vec<usize>) {
        self.rank(view, into, |node| self.has_free_stock(node));
    }

    /// Nodes that may promise something of the order without stock, in rank order.
    pub(crate) fn ranked_with_backorder<V: View>(&self, view: &V, into: &mut Vec<usize>) {
        let skus = self.skus.len();
        self.rank(view, into, |node| {
            self.verdicts[node] == Verdict::Chosen
                || self.backorder[node * skus..(node + 1) * skus].iter().any(|&units| units > 0)
        });
    }

    fn rank<V: View>(&self, view: &V, into: &mut Vec<usize>, wanted: impl Fn(usize) -> bool) {
        into.clear();
        into.extend((0..self.verdicts.len()).filter(|&node| wanted(node)));
        if !self.places.is_empty() {
            into.sort_unstable_by_key(|&node| self.places[node]);
            return;
        }
        let nodes = view.nodes();
        into.sort_unstable_by(|&a, &b| {
            self.distances[a].cmp(&self.distances[b]).then_with(|| nodes[a].id.cmp(&nodes[b].id))
        });
    }
}

/// The sooner of two instants; 0 is none.
pub(crate) fn sooner(one: i64, other: i64) -> i64 {
    if one == 0 || other == 0 { one.max(other) } else { one.min(other) }
}

/// Whether a node takes no further order today (rule R8). One that it has already is none.
fn is_full<V: View>(view: &V, order: &Order, node: NodeIx, now_ms: i64) -> bool {
    let Some(capacity) = &view.nodes()[node.0 as usize].capacity else { return false };
    let taken = view.node_day(node);
    taken.orders >= capacity.orders_per_day
        && taken.day == capacity.day_of(now_ms)
        && order.fulfilments.iter().all(|part| part.node != node)
}

fn why_absent(node: &Node) -> Verdict {
    match node.absence.as_deref() {
        None => Verdict::Disabled,
        Some(Absence::Paused { .. }) => Verdict::Paused,
        Some(Absence::Offboarded { .. }) => Verdict::Offboarded,
    }
}

pub(crate) fn is_ruled_out(verdict: Verdict) -> bool {
    use Verdict::{Capacity, Closed, Disabled, Excluded, NotPermitted, Offboarded, Paused};
    matches!(verdict, Disabled | NotPermitted | Excluded | Capacity | Closed | Paused | Offboarded)
}
