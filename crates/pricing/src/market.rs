//! The linear program of one market: its forecast against the stock and capacity that it has now.

use std::collections::{BTreeMap, BTreeSet};

use omnifold_domain::{Item, Location, NodeIx, Priced, SkuIx, View};
use omnifold_events::v1;
use omnifold_routing::haversine_m;

use crate::costs::Costs;
use crate::forecast::{Forecast, Kind, Seen};
use crate::problem::{Class, IMPOSSIBLE, Line, MilliMinor, Problem, Resource};
use crate::solve::{Settings, Solved, Solver};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The costs that routing minimises.
    pub costs: Costs,
    /// How far ahead demand counts against what is there now.
    pub horizon_ms: i64,
    /// How the program is solved.
    pub solver: Settings,
}

/// Prices found for a market.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Positive prices, 1/1000 of a minor unit, by thing and node.
    pub prices: BTreeMap<Priced, Vec<(NodeIx, i64)>>,
    /// What could run out, with what there was of it: units, or orders of a node's capacity.
    pub supplies: Vec<(Resource, f64)>,
    /// What stood in the program.
    pub figures: Figures,
}

/// The size of the program, and how it was solved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Kinds of orders.
    pub classes: usize,
    /// Orders expected within the horizon.
    pub orders: f64,
    /// Orders expected of kinds beyond the bound, which are not in the program.
    pub orders_left_out: f64,
    /// Rows of stock and capacity that could run out.
    pub scarce: usize,
    /// Of which beyond the bound: taken as plentiful.
    pub scarce_left_out: usize,
    /// The solver's own words.
    pub solved: Solved,
}

/// Kinds of orders in one program: those expected most often.
const MOST_CLASSES: usize = 5_000;
/// Nodes that a line is looked for at: the nearest that stock it.
const MOST_NODES: usize = 24;
/// Rows of a program that may have a price: the Newton steps take the cube of it.
const MOST_SCARCE: usize = 600;
/// A price below a thousandth of a shipment, or of a unit, moves no decision worth the event.
const LEAST_SHARE: f64 = 0.001;

/// The node that stands for "not served": in no group.
const NOBODY: &str = "";

const DAY_MS: f64 = 86_400_000.0;
const MILLI: f64 = 1_000.0;

/// Solves the shadow prices of a market as it stands.
pub fn find(view: &mut dyn View, forecast: &Forecast, terms: &Terms) -> Found {
    let mut program = Program::new(view, terms);
    let expected = forecast.expected(terms.horizon_ms);
    let left_out: f64 = expected.iter().skip(MOST_CLASSES).map(|row| row.1.orders).sum();
    for (kind, seen) in expected.iter().take(MOST_CLASSES) {
        program.add(view, kind, seen);
    }
    program.solve(terms, left_out)
}

struct Program<'a> {
    costs: &'a Costs,
    names: Vec<String>,
    enabled: Vec<bool>,
    places: Vec<Option<Location>>,
    /// Orders that a node with a limit takes within the horizon.
    limits: Vec<Option<f64>>,
    /// Units that can be promised, by SKU and node.
    stock: BTreeMap<u32, BTreeMap<u16, f64>>,
    classes: Vec<Class>,
}

impl<'a> Program<'a> {
    fn new(view: &dyn View, terms: &'a Terms) -> Self {
        let days = terms.horizon_ms as f64 / DAY_MS;
        let nodes = view.nodes();
        let limit = |node: &omnifold_domain::Node| {
            node.capacity.as_ref().map(|capacity| f64::from(capacity.orders_per_day) * days)
        };
        Program {
            costs: &terms.costs,
            names: nodes.iter().map(|node| node.id.clone()).collect(),
            enabled: nodes.iter().map(|node| node.enabled).collect(),
            places: nodes.iter().map(|node| node.location).collect(),
            limits: nodes.iter().map(limit).collect(),
            stock: BTreeMap::new(),
            classes: Vec::new(),
        }
    }

    /// Adds a kind of orders. SKUs that the market does not define are left out.
    fn add(&mut self, view: &mut dyn View, kind: &Kind, seen: &Seen) {
        let named = kind.skus.iter().zip(&seen.units);
        let lines: Vec<Line> = named
            .filter_map(|(sku, &units)| view.item_named(sku).map(|ix| Line { sku: ix.0, units }))
            .collect();
        if lines.is_empty() {
            return;
        }
        for line in &lines {
            self.stock.entry(line.sku).or_insert_with(|| offers(view, SkuIx(line.sku)));
        }
        // The last node stands for "not served".
        let nodes = self.places.len() + 1;
        let far = self.metres(seen.place);
        let shipments = self.names.iter().zip(&far);
        let mut fixed: Vec<MilliMinor> =
            shipments.map(|(node, &metres)| self.costs.shipment(node, metres)).collect();
        fixed.push(self.costs.unserved);
        let farthest = far.iter().copied().max().unwrap_or(0);
        let mut costs = vec![IMPOSSIBLE; lines.len() * nodes];
        for (line, costs) in lines.iter().zip(costs.chunks_mut(nodes)) {
            let item: &Item = view.item(SkuIx(line.sku));
            for node in self.nearest(line.sku, &far) {
                costs[node] = self.costs.line(&self.names[node], far[node], line.units, item);
            }
            costs[nodes - 1] = self.costs.line(NOBODY, farthest, line.units, item);
        }
        self.classes.push(Class { lines, orders: seen.orders, fixed, costs });
    }

    /// The nearest nodes that stock a SKU.
    fn nearest(&self, sku: u32, far: &[u32]) -> Vec<usize> {
        let stocking = self.stock[&sku].keys().map(|&node| usize::from(node));
        let mut nodes: Vec<usize> = stocking.filter(|&node| self.enabled[node]).collect();
        nodes.sort_unstable_by_key(|&node| (far[node], node));
        nodes.truncate(MOST_NODES);
        nodes
    }

    /// Metres to each node; where either place is unknown, as far as the farthest that is known.
    fn metres(&self, to: Option<Location>) -> Vec<u32> {
        let metres = |place: &Option<Location>| Some(haversine_m((*place)?, to?));
        let known: Vec<Option<u32>> = self.places.iter().map(metres).collect();
        let farthest = known.iter().flatten().max().copied().unwrap_or(0);
        known.iter().map(|metres| metres.unwrap_or(farthest)).collect()
    }

    fn solve(self, terms: &Terms, orders_left_out: f64) -> Found {
        let (supplies, scarce) = self.supplies();
        let orders = self.classes.iter().map(|class| class.orders).sum();
        let classes = self.classes.len();
        let scarce_left_out = scarce - supplies.len();
        let least = self.costs.least() as f64 * LEAST_SHARE;
        let mut solver = Solver::new(Problem::new(self.classes, supplies));
        let solved = solver.solve_cold(&terms.solver);
        let figures = Figures { classes, orders, orders_left_out, scarce, scarce_left_out, solved };
        let supplies = solver.problem().supplies.clone();
        Found { prices: worth_telling(&solver, least), supplies, figures }
    }

    /// What could run out: less is there than every order that can go there would use. The tightest
    /// rows, and how many there are.
    fn supplies(&self) -> (Vec<(Resource, f64)>, usize) {
        let mut wanted: BTreeMap<u32, f64> = BTreeMap::new();
        let mut orders = 0.0;
        for class in &self.classes {
            orders += class.orders;
            for line in &class.lines {
                *wanted.entry(line.sku).or_default() += line.units * class.orders;
            }
        }
        let of_stock = self.stock.iter().flat_map(|(&sku, nodes)| {
            let wanted = wanted.get(&sku).copied().unwrap_or(0.0);
            nodes.iter().map(move |(&node, &units)| (Resource::Stock { node, sku }, units, wanted))
        });
        let of_capacity = self.limits.iter().zip(0u16..).filter_map(|(limit, node)| {
            limit.map(|limit| (Resource::Capacity { node }, limit, orders))
        });
        let could_run_out = |row: &(Resource, f64, f64)| row.1 < row.2;
        let mut rows: Vec<_> = of_stock.chain(of_capacity).filter(could_run_out).collect();
        let scarce = rows.len();
        let missing = |row: &(Resource, f64, f64)| row.2 - row.1;
        rows.sort_by(|a, b| missing(b).total_cmp(&missing(a)).then_with(|| a.0.cmp(&b.0)));
        rows.truncate(MOST_SCARCE);
        (rows.into_iter().map(|(resource, supply, _)| (resource, supply)).collect(), scarce)
    }
}

/// Units that each node can promise from stock.
fn offers(view: &mut dyn View, sku: SkuIx) -> BTreeMap<u16, f64> {
    let offers = view.offers_of(sku).iter().filter(|offer| !offer.flagged_out);
    offers
        .filter_map(|offer| {
            let node = u16::try_from(offer.node.0).ok()?;
            Some((node, offer.on_hand.max(0) as f64 / MILLI))
        })
        .collect()
}

fn worth_telling(solver: &Solver, least: f64) -> BTreeMap<Priced, Vec<(NodeIx, i64)>> {
    let mut found: BTreeMap<Priced, Vec<(NodeIx, i64)>> = BTreeMap::new();
    for (&(resource, _), &price) in solver.problem().supplies.iter().zip(solver.prices()) {
        if price < least {
            continue;
        }
        let (of, node) = match resource {
            Resource::Stock { node, sku } => (Priced::Stock(SkuIx(sku)), node),
            Resource::Capacity { node } => (Priced::Capacity, node),
        };
        found.entry(of).or_default().push((NodeIx(node.into()), price.round() as i64));
    }
    found.values_mut().for_each(|nodes| nodes.sort_unstable());
    found
}

/// Prices in one event: far below what the fold refuses and what a message may hold.
const PRICES_AN_EVENT: usize = 2_000;

/// The events that publish what was found, and take away what has no price any more.
pub fn events(
    view: &dyn View,
    found: &Found,
    (from_ms, until_ms): (i64, i64),
) -> Vec<v1::PricesPublished> {
    let empty = v1::PricesPublished {
        valid_from_ms: from_ms,
        valid_until_ms: until_ms,
        ..Default::default()
    };
    let named = |nodes: &[(NodeIx, i64)]| -> Vec<v1::NodePrice> {
        let id = |node: NodeIx| view.nodes()[node.0 as usize].id.clone();
        let price = |&(node, price_milli)| v1::NodePrice { node_id: id(node), price_milli };
        nodes.iter().map(price).collect()
    };
    let mut events = vec![empty.clone()];
    let mut room = PRICES_AN_EVENT;
    for sku in skus_to_tell(view, found) {
        let nodes = found.prices.get(&Priced::Stock(sku)).map_or(&[][..], Vec::as_slice);
        let size = nodes.len().max(1);
        if size > room {
            events.push(empty.clone());
            room = PRICES_AN_EVENT;
        }
        room = room.saturating_sub(size);
        let sku = view.item(sku).sku.clone();
        let event = events.last_mut().expect("never empty");
        event.stock.push(v1::StockPrices { sku, nodes: named(nodes) });
    }
    let capacity = found.prices.get(&Priced::Capacity);
    if capacity.is_some() || view.prices(Priced::Capacity).is_some() {
        let nodes = named(capacity.map_or(&[], Vec::as_slice));
        events[0].capacity = Some(v1::CapacityPrices { nodes });
    }
    events.retain(|event| !event.stock.is_empty() || event.capacity.is_some());
    events
}

fn skus_to_tell(view: &dyn View, found: &Found) -> BTreeSet<SkuIx> {
    let known = (0..view.item_count()).map(SkuIx);
    let outdated = known.filter(|&sku| view.prices(Priced::Stock(sku)).is_some());
    let priced = found.prices.keys().filter_map(|of| match of {
        Priced::Stock(sku) => Some(*sku),
        Priced::Capacity => None,
    });
    outdated.chain(priced).collect()
}
