//! Waves: what planning assignments again did to their orders. No order loses a unit, and what the
//! orders that changed cost together is counted again from the policy's own words, the published prices,
//! markdowns, the weights of items and the metres that assignments state. What its orders are told of lots
//! lasts as long as their rule asks.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use omnifold_events::v1::{self, Cause};
use rustc_hash::FxBuildHasher;

use super::audit::{Audit, Key};
use super::ledger::Order;
use super::names::pair_hash;
use super::report::Rule;
use super::tariff::{Cost, Tariff};
use crate::output::Output;

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
    /// How many days units are to last, by the names of rules in force that ask.
    min_shelf_days: BTreeMap<String, i64>,
    /// What the wave of this step told nodes to take.
    told: Vec<(Key, v1::FulfilmentAssigned)>,
    /// What units lose if they are not sold: minor units, and until when, by SKU and node.
    markdowns: HashMap<u32, BTreeMap<u32, (i64, i64)>, FxBuildHasher>,
    /// Grams of a unit, by SKU.
    weights: HashMap<u32, u32, FxBuildHasher>,
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
        let mut policy: Tariff = toml::from_str(document).unwrap_or_default();
        let days = policy.rule.iter().map(|rule| (rule.name.clone(), rule.nodes.min_shelf_days));
        self.waves.min_shelf_days = days.filter(|(_, days)| *days > 0).collect();
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

    pub(super) fn item_weighs(&mut self, item: &v1::ItemDefined) {
        let sku = self.names.number(&item.sku);
        self.waves.weights.insert(sku, item.weight_g);
    }

    pub(super) fn marked_down(&mut self, event: &v1::MarkdownSet) {
        let [node, sku] = [&event.node_id, &event.sku].map(|name| self.names.number(name));
        let until = if event.until_ms == 0 { i64::MAX } else { event.until_ms };
        let of_sku = self.waves.markdowns.entry(sku).or_default();
        of_sku.insert(node, (event.amount_minor, until));
    }

    /// A wave was closed: it must be answered in this step.
    pub(super) fn wave_asked(&mut self, event: &v1::WaveClosed) {
        self.now.wave = Some(event.wave_id.clone());
        self.waves.touched.clear();
        self.waves.told.clear();
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

    /// Nothing that a wave plans again is promised without stock. What it is told is looked at when the
    /// wave says by which rule.
    pub(super) fn check_in_stock(&mut self, key: Key, name: &str, told: &v1::FulfilmentAssigned) {
        if told.cause() == Cause::WaveClosed {
            self.waves.told.push((key, told.clone()));
        }
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
            self.check_lasting(row, key, now_ms);
            let sums = self.compare(row, old, now_ms);
            before = before.plus(sums.0);
            after = after.plus(sums.1);
        }
        self.waves.told.clear();
        self.compare_sums(&name, said, before, after);
    }

    /// Of SKUs that have lots an order is told such as last as long as its rule asks. When its node is done
    /// with it is not counted, which is later than now.
    fn check_lasting(&mut self, row: &v1::WaveOrder, key: Key, now_ms: i64) {
        let Some(&days) = self.waves.min_shelf_days.get(&row.rule) else { return };
        let until_ms = now_ms.saturating_add(days.saturating_mul(86_400_000));
        let told = std::mem::take(&mut self.waves.told);
        for (_, told) in told.iter().filter(|(of, _)| *of == key) {
            for line in &told.lines {
                let [node, sku] = [&told.node_id, &line.sku].map(|name| self.names.number(name));
                let (mut lasting, units) = (0, line.quantity_milli);
                for row in &line.lots {
                    let lot = (node, sku, self.names.number(&row.lot));
                    let lasts = self.lots.lasts_beyond(lot, until_ms);
                    lasting += if lasts { row.quantity_milli } else { 0 };
                }
                if self.lots.knows(sku) && lasting < units {
                    let name = format!("{}/{}", row.channel, row.order_id);
                    let detail = format!("{lasting} of {units} of {} last {days} days", line.sku);
                    self.violation(Rule::Lots, &name, detail);
                }
            }
        }
        self.waves.told = told;
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
            let known = old.iter().chain(&new).all(|part| part.metres > 0);
            let far = row.rule.is_empty() && known;
            return (parcels(old, far), parcels(&new, far));
        };
        if old.iter().chain(&new).any(|part| part.metres == 0) {
            return Default::default(); // how far it is was not known, or was not said
        }
        let priced = self.price(&cost, old, now_ms).zip(self.price(&cost, &new, now_ms));
        let Some((before, after)) = priced else {
            let detail = "a parcel of it is heavier than its carrier takes by the policy";
            self.violation(Rule::Wave, &name, detail);
            return Default::default();
        };
        let late = |said: i64, own: i128| i128::from(said) - own / 1_000;
        let late = (late(row.cost_before, before), late(row.cost_after, after));
        if !cost.may_be_late(late.0) || !cost.may_be_late(late.1) {
            let said = (row.cost_before, row.cost_after);
            let detail = format!("costs {before} and {after} by the policy, said {said:?} x 1000");
            self.violation(Rule::Wave, &name, detail);
        }
        let (before, after) = (before + late.0 * 1_000, after + late.1 * 1_000);
        let sum = |cost| Sum { cost, ..Sum::default() };
        (sum(before), sum(after))
    }

    /// What a plan costs by a rule and the prices of now, in 1/1,000,000 of the minor unit. `None`: a parcel
    /// is too heavy to be one.
    fn price(&self, cost: &Cost, plan: &[Held], now_ms: i64) -> Option<i128> {
        let scarce = |node: u32, sku: Option<u32>| {
            let price = self.waves.prices.get(&(node, sku));
            let price = price.filter(|price| (price.from..price.until).contains(&now_ms));
            i128::from(price.map_or(0, |price| price.milli))
        };
        let grams = |part: &Held| self.waves.weights.get(&part.sku).copied().unwrap_or(0);
        let mut total = 0;
        let mut parcels: BTreeMap<u32, (u32, i128)> = BTreeMap::new();
        for part in plan {
            let each = cost.of_unit(part.metres, grams(part)) + scarce(part.node, Some(part.sku));
            let each = each + cost.of_markdown(self.loses_less(part, now_ms));
            total += each * i128::from(part.units);
            let parcel = parcels.entry(part.node).or_insert((part.metres, 0));
            parcel.1 += i128::from(part.units) * i128::from(grams(part));
        }
        for (node, (metres, weight_mg)) in parcels {
            let of_node = cost.of_shipment(&self.waves.groups, self.names.text(node));
            let of_weight = cost.of_parcel(metres, weight_mg)?;
            total += (of_node + of_weight + scarce(node, None)) * 1_000;
        }
        Some(total)
    }
}

impl Audit {
    /// How much less a unit loses at a node, if it is not sold there, than where it loses most.
    fn loses_less(&self, part: &Held, now_ms: i64) -> i64 {
        let Some(of_sku) = self.waves.markdowns.get(&part.sku) else { return 0 };
        let in_force = |&(amount, until): &(i64, i64)| if now_ms < until { amount } else { 0 };
        let most = of_sku.values().map(in_force).max().unwrap_or(0);
        most - of_sku.get(&part.node).map_or(0, in_force)
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

/// Parcels of a plan, and where it counts how far they go.
fn parcels(plan: &[Held], far: bool) -> Sum {
    let ways: BTreeMap<u32, u32> = plan.iter().map(|part| (part.node, part.metres)).collect();
    let metres = if far { ways.values().map(|&metres| i64::from(metres)).sum() } else { 0 };
    Sum { cost: 0, shipments: ways.len() as i64, metres }
}
