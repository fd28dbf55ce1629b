//! Waves: what planning assignments again did to their orders. No order loses a unit, and what the
//! orders that changed cost together is counted again from the policy's own words, the published prices
//! and the metres that assignments state.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use omnifold_events::v1::{self, Cause};
use rustc_hash::FxBuildHasher;
use serde::Deserialize;

use super::audit::{Audit, Key};
use super::ledger::Order;
use super::names::pair_hash;
use super::report::Rule;
use crate::output::Output;

/// What a policy says of costs.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Costs {
    groups: BTreeMap<String, Vec<String>>,
    /// For rules that say nothing of it.
    cost: Option<Cost>,
    rule: Vec<RuleCost>,
}

#[derive(Deserialize)]
struct RuleCost {
    name: String,
    #[serde(default)]
    mode: String,
    cost: Option<Cost>,
}

impl Costs {
    /// The rule's name and costs, where plans are compared by them.
    fn charged_by(&self, rule: RuleCost) -> Option<(String, Cost)> {
        let cost = rule.cost.or_else(|| self.cost.clone())?;
        (rule.mode == "least_cost").then_some((rule.name, cost))
    }
}

/// 1/1000 of the minor unit.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Cost {
    shipment: i64,
    shipment_of: BTreeMap<String, i64>,
    unit: i64,
    unit_km: i64,
    zones: Vec<Zone>,
}

#[derive(Clone, Deserialize)]
struct Zone {
    up_to_km: Option<i64>,
    #[serde(default)]
    unit: i64,
}

/// What the checker keeps for waves.
#[derive(Default)]
pub struct WaveBook {
    /// Orders that the wave of this step touched, as they stood before.
    touched: Vec<(Key, Vec<Held>)>,
    /// The costs of the rules in force, by name.
    costs: BTreeMap<String, Cost>,
    groups: BTreeMap<String, Vec<String>>,
    /// Shadow prices by (node, SKU); without a SKU of an order at the node.
    prices: HashMap<(u32, Option<u32>), Price, FxBuildHasher>,
}

#[derive(Clone, Copy)]
struct Price {
    from: i64,
    until: i64,
    milli: i64,
}

/// Units of a line that are promised at a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    node: u32,
    line: u32,
    sku: u32,
    units: i64,
    metres: u32,
}

/// What plans come to: 1/1,000,000 of the minor unit, or shipments and metres.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Sum {
    cost: i128,
    shipments: i64,
    metres: i64,
}

impl Audit {
    /// Another policy rules, or none.
    pub(super) fn policy_ruled(&mut self, document: &str) {
        let mut policy: Costs = toml::from_str(document).unwrap_or_default();
        let rules = std::mem::take(&mut policy.rule);
        let costs = rules.into_iter().filter_map(|rule| policy.charged_by(rule)).collect();
        (self.waves.costs, self.waves.groups) = (costs, policy.groups);
    }

    pub(super) fn priced(&mut self, event: &v1::PricesPublished) {
        let (from, until) = (event.valid_from_ms, event.valid_until_ms);
        let of_stock = event.stock.iter().map(|row| (Some(row.sku.as_str()), &row.nodes));
        let of_days = event.capacity.iter().map(|row| (None, &row.nodes));
        for (sku, nodes) in of_stock.chain(of_days) {
            let sku = sku.map(|sku| self.names.number(sku));
            self.waves.prices.retain(|(_, of), _| *of != sku);
            for price in nodes {
                let node = self.names.number(&price.node_id);
                let price = Price { from, until, milli: price.price_milli };
                self.waves.prices.insert((node, sku), price);
            }
        }
    }

    /// A wave was closed: it must be answered in this step.
    pub(super) fn wave_asked(&mut self, event: &v1::WaveClosed) {
        self.now.wave = Some(event.wave_id.clone());
        self.waves.touched.clear();
    }

    /// Remembers how an order stood before a wave touched it: one that was routed with it, before it was
    /// planned again, which takes something back first.
    pub(super) fn before_wave(&mut self, key: Key, output: &Output) {
        if output.cause() != Cause::WaveClosed {
            return;
        }
        let Some(order) = self.orders.get(&key) else { return };
        let takes_back = matches!(output, Output::Released(_) | Output::Changed(_));
        match self.waves.touched.iter_mut().find(|row| row.0 == key) {
            None => self.waves.touched.push((key, held(order))),
            Some((_, before)) if before.is_empty() && takes_back => *before = held(order),
            Some(_) => {}
        }
    }

    /// Nothing that a wave plans again is promised without stock.
    pub(super) fn check_in_stock(&mut self, key: Key, name: &str, told: &v1::FulfilmentAssigned) {
        let had_work = |(of, before): &(Key, Vec<Held>)| *of == key && !before.is_empty();
        let lacks_stock = told.lines.iter().any(|line| line.backordered_milli > 0);
        if lacks_stock
            && told.cause() == Cause::WaveClosed
            && self.waves.touched.iter().any(had_work)
        {
            self.violation(Rule::Wave, name, "a wave promised it units without stock");
        }
    }

    /// The wave's own account, after all it did.
    pub(super) fn wave_planned(&mut self, said: &v1::WavePlanned, now_ms: i64) {
        let name = format!("wave {}", said.wave_id);
        if self.now.wave.take().is_none_or(|asked| asked != said.wave_id) {
            self.violation(Rule::OutcomeExtra, &name, "nobody closed it in this step");
        }
        let mut touched = std::mem::take(&mut self.waves.touched);
        touched.retain(|(_, before)| !before.is_empty()); // the others were routed with it
        let named: BTreeSet<Key> =
            said.changed.iter().map(|row| pair_hash(&row.channel, &row.order_id)).collect();
        if named != touched.iter().map(|row| row.0).collect() || named.len() != said.changed.len() {
            let detail = format!("names {} orders, changed {}", said.changed.len(), touched.len());
            self.violation(Rule::Wave, &name, detail);
        }
        let (mut before, mut after) = (Sum::default(), Sum::default());
        for row in &said.changed {
            let key = pair_hash(&row.channel, &row.order_id);
            let Some((_, old)) = touched.iter().find(|known| known.0 == key) else { continue };
            let sums = self.compare(row, old, now_ms);
            before = before.plus(sums.0);
            after = after.plus(sums.1);
        }
        self.compare_sums(&name, said, before, after);
    }

    fn compare_sums(&mut self, name: &str, said: &v1::WavePlanned, before: Sum, after: Sum) {
        let more_parcels = after.shipments > before.shipments;
        let farther = after.shipments == before.shipments && after.metres > before.metres;
        if after.cost > before.cost || more_parcels || farther {
            self.violation(Rule::Wave, name, format!("{before:?} before, {after:?} now"));
        }
        let saved = i64::from(said.shipments_before) - i64::from(said.shipments_after);
        let dearer = said.cost_after > said.cost_before;
        if saved != before.shipments - after.shipments || dearer {
            let detail = format!("says it saved {saved} shipments: {before:?}, {after:?}");
            self.violation(Rule::Wave, name, detail);
        }
    }

    /// One order before and now; nothing where its costs cannot be counted from here.
    fn compare(&mut self, row: &v1::WaveOrder, old: &[Held], now_ms: i64) -> (Sum, Sum) {
        let key = pair_hash(&row.channel, &row.order_id);
        let name = format!("{}/{}", row.channel, row.order_id);
        let Some(order) = self.orders.get(&key) else { return Default::default() };
        let new = held(order);
        if by_line(old) != by_line(&new) {
            let detail = "a wave left it other units than it had";
            self.violation(Rule::Wave, &name, detail);
        }
        let Some(cost) = self.waves.costs.get(&row.rule).cloned() else {
            let far = row.rule.is_empty();
            return (parcels(old, far), parcels(&new, far));
        };
        if old.iter().chain(&new).any(|part| part.metres == 0) {
            return Default::default(); // how far it is was not known, or was not said
        }
        let (before, after) = (self.price(&cost, old, now_ms), self.price(&cost, &new, now_ms));
        let said = (i128::from(row.cost_before), i128::from(row.cost_after));
        if (before / 1_000, after / 1_000) != said {
            let detail = format!("costs {before} and {after} by the policy, said {said:?} x 1000");
            self.violation(Rule::Wave, &name, detail);
        }
        let sum = |cost| Sum { cost, ..Sum::default() };
        (sum(before), sum(after))
    }

    /// What a plan costs by a rule and the prices of now.
    fn price(&self, cost: &Cost, plan: &[Held], now_ms: i64) -> i128 {
        let scarce = |node: u32, sku: Option<u32>| {
            let price = self.waves.prices.get(&(node, sku));
            let price = price.filter(|price| (price.from..price.until).contains(&now_ms));
            i128::from(price.map_or(0, |price| price.milli))
        };
        let parcels: BTreeSet<u32> = plan.iter().map(|part| part.node).collect();
        let parcel = |&node: &u32| {
            let id = self.names.text(node);
            let mut groups =
                self.waves.groups.iter().filter(|(_, nodes)| nodes.iter().any(|node| node == id));
            let own = groups.find_map(|(group, _)| cost.shipment_of.get(group));
            (i128::from(*own.unwrap_or(&cost.shipment)) + scarce(node, None)) * 1_000
        };
        let unit = |part: &Held| {
            let km = i64::from(part.metres.div_ceil(1_000));
            let reaches = |zone: &&Zone| zone.up_to_km.is_none_or(|reach| km <= reach);
            let way = cost.zones.iter().find(reaches).map_or(cost.unit_km * km, |zone| zone.unit);
            let each = i128::from(cost.unit + way) + scarce(part.node, Some(part.sku));
            each * i128::from(part.units)
        };
        parcels.iter().map(parcel).sum::<i128>() + plan.iter().map(unit).sum::<i128>()
    }
}

impl Sum {
    fn plus(self, other: Sum) -> Sum {
        Sum {
            cost: self.cost + other.cost,
            shipments: self.shipments + other.shipments,
            metres: self.metres + other.metres,
        }
    }
}

/// What nodes hold of an order now.
fn held(order: &Order) -> Vec<Held> {
    let live = order.shares.iter().filter(|share| share.live > 0);
    live.map(|share| {
        let part = &order.fulfilments[share.fulfilment as usize - 1];
        let (node, metres, line) = (part.node, part.metres, share.line);
        let sku = order.lines[line as usize].sku;
        Held { node, line, sku, units: share.live, metres }
    })
    .collect()
}

fn by_line(plan: &[Held]) -> BTreeMap<u32, i64> {
    let mut units = BTreeMap::new();
    plan.iter().for_each(|part| *units.entry(part.line).or_default() += part.units);
    units
}

/// Parcels of a plan, and where they count how far they go.
fn parcels(plan: &[Held], far: bool) -> Sum {
    let ways: BTreeMap<u32, u32> = plan.iter().map(|part| (part.node, part.metres)).collect();
    let known = far && plan.iter().all(|part| part.metres > 0);
    let metres = if known { ways.values().map(|&metres| i64::from(metres)).sum() } else { 0 };
    Sum { cost: 0, shipments: ways.len() as i64, metres }
}
