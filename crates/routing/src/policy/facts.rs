//! What the predicates of a policy ask: of a node alone, of an order, of both.

use omnifold_domain::policy::expression::{Fact, Facts, Value};
use omnifold_domain::scorecard::FULL_SCORE;
use omnifold_domain::{Node, NodeIx, Order, OrderClass, View};
use omnifold_events::v1;
use prost::Message as _;

use super::known::Known;
use crate::candidates::Candidates;
use crate::distance::UNKNOWN;

/// The shipping method an order names; empty: none.
pub(super) fn service_of(order: &Order) -> String {
    let handling = order.handling.as_ref().filter(|handling| !handling.delivery.is_empty());
    let terms = handling.and_then(|it| v1::DeliveryTerms::decode(it.delivery.as_slice()).ok());
    terms.map_or_else(String::new, |terms| terms.shipping_method)
}

/// A node's kind as policies write it.
pub(super) fn kind_name(kind: i32) -> &'static str {
    match v1::NodeKind::try_from(kind).unwrap_or_default() {
        v1::NodeKind::Unspecified => "",
        v1::NodeKind::Warehouse => "warehouse",
        v1::NodeKind::Store => "store",
        v1::NodeKind::Partner => "partner",
        v1::NodeKind::Supplier => "supplier",
    }
}

/// A node alone.
pub(super) struct NodeFacts<'a> {
    pub node: &'a Node,
    pub groups: &'a [String],
    pub kind: &'static str,
}

impl Facts for NodeFacts<'_> {
    fn fact(&self, fact: Fact, _: usize) -> Value<'_> {
        match fact {
            Fact::NodeId => Value::Text(&self.node.id),
            Fact::NodeKind => Value::Text(self.kind),
            Fact::NodeCountry => Value::Text(&self.node.country),
            Fact::NodeGroups => Value::Texts(self.groups),
            other => unreachable!("`{}` is not of a node alone", other.name()),
        }
    }

    fn lines(&self) -> usize {
        0
    }
}

/// An order in its market.
pub(super) struct Asked<'a, V> {
    pub view: &'a V,
    pub order: &'a Order,
    pub service: &'a str,
    /// Groups of each node.
    pub groups: &'a [Vec<String>],
    pub now_ms: i64,
    /// What the rule that is tried asked for.
    pub known: &'a Known,
}

impl<V> Clone for Asked<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Asked<'_, V> {}

impl<V: View> Asked<'_, V> {
    /// Orders that a node took today; 0 where nobody counts them.
    pub(super) fn orders_today(&self, node: usize) -> i64 {
        let Some(capacity) = &self.view.nodes()[node].capacity else { return 0 };
        let taken = self.view.node_day(NodeIx(node as u32));
        let today = taken.day == capacity.day_of(self.now_ms);
        if today { i64::from(taken.orders) } else { 0 }
    }

    /// What a node kept of its work lately, in per mille; `None`: too little is known.
    pub(super) fn score(&self, node: usize) -> Option<u32> {
        self.view.scorecard(NodeIx(node as u32))?.score(self.now_ms)
    }
}

/// An order, and beside it a node.
pub(super) struct PairFacts<'a, V> {
    pub asked: Asked<'a, V>,
    pub candidates: &'a Candidates,
    /// Of a predicate that looks at the order only: any.
    pub node: usize,
}

impl<V: View> PairFacts<'_, V> {
    fn units(&self) -> i64 {
        self.candidates.demands.iter().map(|demand| demand.units).sum()
    }

    fn value(&self) -> i64 {
        let of = |demand: &crate::candidates::Demand| {
            value_of(self.asked.order.lines[demand.line].unit_price, demand.units)
        };
        self.candidates.demands.iter().map(of).fold(0, i64::saturating_add)
    }

    fn class(&self, part: fn(&OrderClass) -> &str) -> Value<'_> {
        Value::Text(self.asked.order.class().map_or("", part))
    }

    fn whole_lines(&self) -> i64 {
        let free = self.candidates.free(self.node);
        self.candidates.demands.iter().filter(|demand| free[demand.sku] >= demand.units).count()
            as i64
    }
}

/// Minor units for units at a price, rounded down. Amounts beyond 64 bits count as the largest.
pub(super) fn value_of(unit_price: i64, units_milli: i64) -> i64 {
    let value = i128::from(unit_price) * i128::from(units_milli) / 1_000;
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl<V: View> Facts for PairFacts<'_, V> {
    fn fact(&self, fact: Fact, line: usize) -> Value<'_> {
        let demand = |line: usize| self.candidates.demands[line];
        let row = |line: usize| &self.asked.order.lines[demand(line).line];
        let node = || &self.asked.view.nodes()[self.node];
        match fact {
            Fact::OrderChannel => Value::Text(&self.asked.order.channel),
            Fact::OrderPriority => Value::Int(i64::from(self.asked.order.priority)),
            Fact::OrderUnits => Value::Int(self.units()),
            Fact::OrderValue => Value::Int(self.value()),
            Fact::OrderLineCount => Value::Int(self.candidates.demands.len() as i64),
            Fact::OrderService => Value::Text(self.asked.service),
            Fact::OrderSeller => self.class(|class| &class.seller),
            Fact::OrderType => self.class(|class| &class.order_type),
            Fact::OrderSegment => self.class(|class| &class.segment),
            Fact::OrderCountry => self.class(|class| &class.country),
            Fact::OrderPostcode => self.class(|class| &class.postcode),
            Fact::OrderPlaceKnown => Value::Bool(self.asked.order.destination.is_some()),
            Fact::NodeId => Value::Text(&node().id),
            Fact::NodeKind => Value::Text(kind_name(node().kind)),
            Fact::NodeCountry => Value::Text(&node().country),
            Fact::NodeGroups => Value::Texts(&self.asked.groups[self.node]),
            Fact::NodeDistance => Value::Int(match self.candidates.distances[self.node] {
                UNKNOWN => i64::MAX,
                metres => i64::from(metres),
            }),
            Fact::NodeOrdersToday => Value::Int(self.asked.orders_today(self.node)),
            Fact::NodeScore => {
                Value::Int(i64::from(self.asked.score(self.node).unwrap_or(FULL_SCORE)))
            }
            Fact::NodeScored => Value::Bool(self.asked.score(self.node).is_some()),
            Fact::NodeWholeLines => Value::Int(self.whole_lines()),
            Fact::LineSku => Value::Text(&self.asked.view.item(row(line).sku).sku),
            Fact::LineUnits => Value::Int(demand(line).units),
            Fact::LinePrice => Value::Int(row(line).unit_price),
            Fact::LineFinalSale => Value::Bool(self.asked.view.item(row(line).sku).final_sale),
            Fact::LineFree => Value::Int(self.candidates.free(self.node)[demand(line).sku]),
        }
    }

    fn lines(&self) -> usize {
        self.candidates.demands.len()
    }
}
