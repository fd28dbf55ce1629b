//! What came of the demand of a window, in figures.

use std::collections::{BTreeMap, BTreeSet};

use omnifold_events::v1::{self, OutcomeStatus};
use serde::Serialize;

use super::account::{Account, Part, Standing};
use super::days::Days;

/// What shipping costs: the same for everything that is compared.
pub trait Prices {
    /// The rate that an order's parcels are priced by; `None`: they have no price.
    fn rate_of(&self, order: &v1::OrderPlaced) -> Option<usize>;

    /// What a parcel costs at a rate, in 1/1000 of the minor unit. `metres`: how far it goes, where
    /// that is known. `contents`: SKUs and their units, in 1/1000.
    fn price(&self, rate: usize, node: &str, metres: Option<u32>, contents: &[(&str, i64)]) -> i64;

    /// What a parcel costs at a rate for each day after the one it was expected on, in 1/1000 of the minor
    /// unit. `None`: no rate has a price for that.
    fn late_day(&self, rate: usize) -> Option<i64>;

    /// What giving units to a node at that time saves of markdowns, as far as a rate counts it, in 1/1000 of
    /// the minor unit. `None`: no rate counts any.
    fn saved(&self, rate: usize, node: &str, contents: &[(&str, i64)], at_ms: i64) -> Option<i64>;
}

/// What is counted, of orders placed within the window.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Orders with an outcome.
    pub orders: u64,
    /// Wholly promised by the first decision.
    pub filled_at_once: u64,
    /// In part.
    pub filled_in_part: u64,
    /// Not at all, and waiting.
    pub waiting_at_first: u64,
    /// Refused by the first decision.
    pub refused: u64,
    /// Units asked for.
    pub units: f64,
    /// Units that a node has, or has shipped, at the end.
    pub units_assigned: f64,
    /// Of the units asked for, in per cent.
    pub fill_rate_percent: f64,
    /// Times that a SKU was short for an order.
    pub stock_outs: u64,
    /// SKUs that were short for some order.
    pub skus_short: u64,
    /// Orders at more than one node at the end.
    pub split: u64,
    /// Fulfilments with units at the end: parcels, at the least.
    pub fulfilments: u64,
    /// Kilometres from node to customer, over fulfilments at the end, where they are known.
    pub mean_distance_km: f64,
    /// What shipping costs, in minor units of the market's currency; absent where nothing has a price.
    pub cost_minor: Option<f64>,
    /// For each fulfilment that has a price.
    pub cost_per_fulfilment_minor: Option<f64>,
    /// For each unit of fulfilments that have a price.
    pub cost_per_unit_minor: Option<f64>,
    /// What days too late cost of fulfilments that have a price, in minor units; absent where the cost model
    /// has no price for it, or nothing was delivered at all.
    pub late_cost_minor: Option<f64>,
    /// What selling units where they lose most saved of markdowns, as far as the cost model counts it, in
    /// minor units; absent where it does not.
    pub markdown_saved_minor: Option<f64>,
    /// Cost and lateness, less the markdowns saved: what policies minimise, shadow prices apart. Absent where
    /// it is the cost alone.
    pub cost_in_all_minor: Option<f64>,
    /// Fulfilments of orders that the cost model is not for.
    pub fulfilments_unpriced: u64,
    /// Fulfilments with a time by which they must have left, and that has come or that have left.
    pub dispatch_due: u64,
    /// Of those, the ones that had not wholly left by then.
    pub dispatched_late: u64,
    /// Of those due, in per cent; absent where none was.
    pub late_percent: Option<f64>,
    /// Hours from the order to when the last of a fulfilment left; absent where nothing left.
    pub mean_hours_to_dispatch: Option<f64>,
    /// Orders of which the customer has all that nodes have of it.
    pub delivered: u64,
    /// Days from such an order to the last of it; absent where there is none.
    pub mean_days_to_delivery: Option<f64>,
    /// Days from the order to the last day that it was promised first, over all that were promised one.
    pub mean_days_promised: Option<f64>,
    /// Orders that are expected by a day (the one asked for, else the last promised first) and that were
    /// delivered, or are not though that day is over.
    pub delivery_due: u64,
    /// Of those, the ones that were not there by the end of that day.
    pub delivered_late: u64,
    /// Of those due, in per cent; absent where none was.
    pub delivered_late_percent: Option<f64>,
    /// Units and fulfilments of each node at the end.
    pub load: BTreeMap<String, Load>,
}

/// What a node has to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Load {
    /// Fulfilments.
    pub fulfilments: u64,
    /// Units.
    pub units: f64,
}

/// A figure by name.
pub struct Named {
    /// As in JSON.
    pub name: &'static str,
    /// For people.
    pub label: &'static str,
    /// Decimals that people want to see.
    pub decimals: usize,
    /// Its value; `None` where there is none to say.
    pub of: fn(&Figures) -> Option<f64>,
}

const fn named(
    name: &'static str,
    label: &'static str,
    decimals: usize,
    of: fn(&Figures) -> Option<f64>,
) -> Named {
    Named { name, label, decimals, of }
}

/// Every figure but the load of nodes, in the order of reports.
pub const FIGURES: [Named; 29] = [
    named("orders", "orders", 0, |f| Some(f.orders as f64)),
    named("filled_at_once", "filled at once", 0, |f| Some(f.filled_at_once as f64)),
    named("filled_in_part", "filled in part", 0, |f| Some(f.filled_in_part as f64)),
    named("waiting_at_first", "waiting at first", 0, |f| Some(f.waiting_at_first as f64)),
    named("refused", "refused", 0, |f| Some(f.refused as f64)),
    named("units_assigned", "units assigned", 0, |f| Some(f.units_assigned)),
    named("fill_rate_percent", "fill rate, %", 1, |f| Some(f.fill_rate_percent)),
    named("stock_outs", "stock-outs", 0, |f| Some(f.stock_outs as f64)),
    named("skus_short", "SKUs short", 0, |f| Some(f.skus_short as f64)),
    named("fulfilments", "fulfilments", 0, |f| Some(f.fulfilments as f64)),
    named("split", "split orders", 0, |f| Some(f.split as f64)),
    named("mean_distance_km", "mean distance, km", 1, |f| Some(f.mean_distance_km)),
    named("cost_minor", "cost, minor units", 0, |f| f.cost_minor),
    named("cost_per_fulfilment_minor", "  a fulfilment", 2, |f| f.cost_per_fulfilment_minor),
    named("cost_per_unit_minor", "  a unit", 2, |f| f.cost_per_unit_minor),
    named("late_cost_minor", "  days too late", 0, |f| f.late_cost_minor),
    named("markdown_saved_minor", "  markdowns saved", 0, |f| f.markdown_saved_minor),
    named("cost_in_all_minor", "  in all", 0, |f| f.cost_in_all_minor),
    named("fulfilments_unpriced", "fulfilments without a price", 0, |f| {
        Some(f.fulfilments_unpriced as f64)
    }),
    named("dispatch_due", "with a time to leave by", 0, |f| Some(f.dispatch_due as f64)),
    named("dispatched_late", "  that left late", 0, |f| Some(f.dispatched_late as f64)),
    named("late_percent", "  in %", 1, |f| f.late_percent),
    named("mean_hours_to_dispatch", "hours from order to leaving", 1, |f| f.mean_hours_to_dispatch),
    named("delivered", "delivered orders", 0, |f| Some(f.delivered as f64)),
    named("mean_days_to_delivery", "  days from order to delivery", 2, |f| f.mean_days_to_delivery),
    named("mean_days_promised", "days promised", 2, |f| f.mean_days_promised),
    named("delivery_due", "expected by a day that is over", 0, |f| Some(f.delivery_due as f64)),
    named("delivered_late", "  not there by then", 0, |f| Some(f.delivered_late as f64)),
    named("delivered_late_percent", "  in %", 1, |f| f.delivered_late_percent),
];

const MILLI: f64 = 1_000.0;
const HOUR_MS: f64 = 3_600_000.0;
const DAY_MS: f64 = 24.0 * HOUR_MS;
/// Most days that anything is late, as in routing: more are as bad.
const MOST_LATE_DAYS: i32 = 365;

/// Sums that means are made of.
#[derive(Default)]
struct Sums {
    metres: u64,
    measured: u64,
    cost_milli: i64,
    priced: u64,
    priced_units: i64,
    /// Days too late and markdowns saved, in 1/1000 of the minor unit; `None`: they have no price.
    late_milli: Option<i64>,
    saved_milli: Option<i64>,
    waited_ms: i64,
    left: u64,
    delivered_parts: u64,
    under_way_ms: i64,
    promised_days: i64,
    promised: u64,
}

impl Account {
    /// What it all comes to. Without prices nothing has a cost.
    pub fn figures(&self, prices: Option<&dyn Prices>) -> Figures {
        let mut figures = Figures::default();
        let mut sums = Sums::default();
        let mut short = BTreeSet::new();
        for standing in self.orders.values().filter(|standing| standing.first.is_some()) {
            figures.take(standing);
            figures.take_delivery(standing, self.latest_ms, &self.days);
            sums.take_order(standing, &self.days);
            short.extend(&standing.short);
            for part in standing.parts.values().filter(|part| part.units() > 0) {
                figures.take_part(part, self.latest_ms);
                sums.take_part(standing, part);
                if let Some((prices, rate)) = prices.zip(standing.rate) {
                    sums.take_price(standing, part, (prices, rate));
                    let days = late_days(standing, part, self.latest_ms, &self.days);
                    sums.take_late(prices.late_day(rate), days);
                }
            }
        }
        figures.skus_short = short.len() as u64;
        figures.finish(&sums);
        figures
    }
}

impl Figures {
    fn take(&mut self, standing: &Standing) {
        self.orders += 1;
        match standing.first {
            Some(OutcomeStatus::Assigned) => self.filled_at_once += 1,
            Some(OutcomeStatus::PartlyAssigned) => self.filled_in_part += 1,
            Some(OutcomeStatus::Waiting) => self.waiting_at_first += 1,
            _ => self.refused += 1,
        }
        self.units += standing.ordered as f64 / MILLI;
        self.stock_outs += standing.short.len() as u64;
        self.split += u64::from(standing.nodes().len() > 1);
    }

    fn take_part(&mut self, part: &Part, latest_ms: i64) {
        let units = part.units() as f64 / MILLI;
        self.fulfilments += 1;
        self.units_assigned += units;
        let load = self.load.entry(part.node.clone()).or_default();
        load.fulfilments += 1;
        load.units += units;
        // What is still to leave is not late before its time has come.
        let left_ms = part.left_ms.unwrap_or(latest_ms);
        let is_late = left_ms >= part.due_ms;
        let is_due = part.due_ms != 0 && (part.left_ms.is_some() || is_late);
        self.dispatch_due += u64::from(is_due);
        self.dispatched_late += u64::from(is_due && is_late);
    }

    fn take_delivery(&mut self, standing: &Standing, latest_ms: i64, days: &Days) {
        let delivered_ms = standing.delivered_ms();
        self.delivered += u64::from(delivered_ms.is_some());
        // Nothing is expected of what nobody has to ship.
        let Some(due_day) = standing.due_day().filter(|_| !standing.nodes().is_empty()) else {
            return;
        };
        let is_late = days.at(delivered_ms.unwrap_or(latest_ms)).is_some_and(|day| day > due_day);
        let is_due = delivered_ms.is_some() || is_late;
        self.delivery_due += u64::from(is_due);
        self.delivered_late += u64::from(is_late);
    }

    fn finish(&mut self, sums: &Sums) {
        let ratio = |part: f64, whole: f64| if whole > 0.0 { Some(part / whole) } else { None };
        let cost = sums.cost_milli as f64 / MILLI;
        self.mean_distance_km =
            ratio(sums.metres as f64 / MILLI, sums.measured as f64).unwrap_or_default();
        self.fill_rate_percent = ratio(100.0 * self.units_assigned, self.units).unwrap_or_default();
        self.cost_per_fulfilment_minor = ratio(cost, sums.priced as f64);
        self.cost_minor = self.cost_per_fulfilment_minor.map(|_| cost);
        self.cost_per_unit_minor = ratio(cost, sums.priced_units as f64 / MILLI);
        let minor = |milli: i64| milli as f64 / MILLI;
        self.late_cost_minor = sums.late_milli.filter(|_| sums.delivered_parts > 0).map(minor);
        self.markdown_saved_minor = sums.saved_milli.map(minor);
        let (late, saved) = (self.late_cost_minor, self.markdown_saved_minor);
        let in_all = cost + late.unwrap_or_default() - saved.unwrap_or_default();
        self.cost_in_all_minor = late.or(saved).map(|_| in_all);
        self.fulfilments_unpriced = self.fulfilments - sums.priced;
        self.late_percent = ratio(100.0 * self.dispatched_late as f64, self.dispatch_due as f64);
        self.mean_hours_to_dispatch = ratio(sums.waited_ms as f64 / HOUR_MS, sums.left as f64);
        let due = self.delivery_due as f64;
        self.mean_days_to_delivery =
            ratio(sums.under_way_ms as f64 / DAY_MS, self.delivered as f64);
        self.mean_days_promised = ratio(sums.promised_days as f64, sums.promised as f64);
        self.delivered_late_percent = ratio(100.0 * self.delivered_late as f64, due);
    }

    /// A figure by its name in JSON; `load.NODE` is the fulfilments of a node.
    pub fn named(&self, name: &str) -> Option<f64> {
        if let Some(node) = name.strip_prefix("load.") {
            return Some(self.load.get(node).map_or(0.0, |load| load.fulfilments as f64));
        }
        FIGURES.iter().find(|figure| figure.name == name).and_then(|figure| (figure.of)(self))
    }
}

impl Sums {
    fn take_order(&mut self, standing: &Standing, days: &Days) {
        if let Some(at_ms) = standing.delivered_ms() {
            self.under_way_ms += at_ms - standing.placed_ms;
        }
        if let Some((promised, placed)) = standing.promised_day.zip(days.at(standing.placed_ms)) {
            self.promised_days += i64::from(promised - placed);
            self.promised += 1;
        }
    }

    fn take_price(
        &mut self,
        standing: &Standing,
        part: &Part,
        (prices, rate): (&dyn Prices, usize),
    ) {
        let (node, contents) = (part.node.as_str(), part.contents());
        let metres = standing.is_place_known.then_some(part.metres);
        let cost = prices.price(rate, node, metres, &contents);
        self.cost_milli = self.cost_milli.saturating_add(cost);
        self.priced += 1;
        self.priced_units += part.units();
        add(&mut self.saved_milli, prices.saved(rate, node, &contents, part.given_ms));
    }

    fn take_late(&mut self, late_day: Option<i64>, days: i64) {
        add(&mut self.late_milli, late_day.map(|price| price.saturating_mul(days)));
    }

    fn take_part(&mut self, standing: &Standing, part: &Part) {
        self.metres += u64::from(part.metres);
        self.measured += u64::from(part.metres > 0);
        self.delivered_parts += u64::from(part.delivered_ms.is_some());
        if let Some(left_ms) = part.left_ms {
            self.waited_ms += left_ms - standing.placed_ms;
            self.left += 1;
        }
    }
}

/// Adds what has a price to what has.
fn add(sum: &mut Option<i64>, more: Option<i64>) {
    if let Some(more) = more {
        *sum = Some(sum.unwrap_or_default().saturating_add(more));
    }
}

/// Days that a fulfilment came after the one its order was expected on; of one that is still to come, so far.
fn late_days(standing: &Standing, part: &Part, latest_ms: i64, days: &Days) -> i64 {
    let there = days.at(part.delivered_ms.unwrap_or(latest_ms));
    let late = there.zip(standing.due_day()).map_or(0, |(there, due)| there.saturating_sub(due));
    late.clamp(0, MOST_LATE_DAYS).into()
}
