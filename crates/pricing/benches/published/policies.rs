//! The policies that are compared. All but the first decide alike: the cheapest plan on live stock,
//! with the prices in force. They differ in which prices those are.

use std::time::Duration;

use omnifold_pricing::{Class, MilliMinor, Resource, Settings, Solver};
use omnifold_routing::solver;
use rustix::time::{ClockId, clock_gettime};

use crate::instance::{ARRIVALS, CENTRES, ITEMS, Instance, NODES, Stock, UNSERVED};

/// How orders are decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Policy {
    /// Each item from the nearest centre that carries it, or not at all.
    Nearest,
    /// The cheapest plan, without prices.
    Myopic,
    /// The cheapest plan under prices.
    Priced {
        /// Prices are solved when this share of the orders to come has come since,
        share: f64,
        /// and when so many have.
        most: usize,
    },
}

/// What one sequence came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outcome {
    /// Cost of all orders, without prices.
    pub cost: MilliMinor,
    /// Units not served.
    pub unserved: u64,
    /// Processor time in decisions.
    pub deciding: Duration,
    /// Processor time in solving prices.
    pub solving: Duration,
    /// Times that prices were solved.
    pub solves: u64,
}

impl Outcome {
    /// Adds another sequence.
    pub fn add(&mut self, other: &Outcome) {
        self.cost += other.cost;
        self.unserved += other.unserved;
        self.deciding += other.deciding;
        self.solving += other.solving;
        self.solves += other.solves;
    }
}

/// Plays a sequence. `must_serve`: an item is left unserved only where no centre has it.
pub fn play(
    policy: Policy,
    must_serve: bool,
    instance: &Instance,
    cold: &Solver,
    arrivals: &[Option<u16>],
) -> Outcome {
    let mut run = Run {
        instance,
        must_serve,
        stock: instance.stock,
        prices: [[0; ITEMS]; CENTRES],
        order: solver::Problem::default(),
        router: solver::Solver::default(),
        outcome: Outcome::default(),
    };
    let (mut prices, mut left) = (cold.clone(), arrivals);
    while !left.is_empty() {
        let (orders, later) = left.split_at(policy.until_solved(left.len()));
        let begun = processor_time();
        if matches!(policy, Policy::Priced { .. }) {
            run.solve(&mut prices, left.len());
        }
        let solved = processor_time();
        run.serve(policy, orders);
        run.outcome.solving += solved - begun;
        run.outcome.deciding += processor_time() - solved;
        left = later;
    }
    run.outcome
}

impl Policy {
    /// Orders to decide before prices are solved again.
    fn until_solved(self, to_come: usize) -> usize {
        match self {
            Policy::Priced { share, most } => {
                ((to_come as f64 * share) as usize).clamp(1, most.min(to_come))
            }
            _ => to_come,
        }
    }
}

struct Run<'a> {
    instance: &'a Instance,
    must_serve: bool,
    stock: Stock,
    prices: [[MilliMinor; ITEMS]; CENTRES],
    order: solver::Problem,
    router: solver::Solver,
    outcome: Outcome,
}

/// As many steps as a market allows where it says nothing.
const STEPS: u32 = 200_000;
/// In 1/1000 minor units: what is never paid while anybody can serve.
const NEVER: MilliMinor = 10_000_000_000;

impl Run<'_> {
    fn serve(&mut self, policy: Policy, orders: &[Option<u16>]) {
        for class in orders.iter().flatten() {
            match policy {
                Policy::Nearest => self.ask_nearest(usize::from(*class)),
                _ => self.decide(usize::from(*class)),
            }
        }
    }

    /// Prices for what is still to come against what is still there.
    fn solve(&mut self, solver: &mut Solver, to_come: usize) {
        let share = to_come as f64 / ARRIVALS as f64;
        let problem = solver.problem_mut();
        for (class, whole) in problem.classes.iter_mut().zip(&self.instance.classes) {
            class.orders = whole.orders * share;
        }
        let places: Vec<(usize, usize)> = problem
            .supplies
            .iter_mut()
            .map(|(resource, supply)| {
                let (node, sku) = place_of(*resource);
                *supply = f64::from(self.stock[node][sku]);
                (node, sku)
            })
            .collect();
        solver.solve(&Settings { rounds: 2, steps: 8, tolerance: 1e-4, ..Settings::default() });
        self.outcome.solves += 1;
        for ((node, sku), price) in places.into_iter().zip(solver.prices()) {
            self.prices[node][sku] = price.round() as MilliMinor;
        }
    }

    fn decide(&mut self, number: usize) {
        let class = &self.instance.classes[number];
        self.state(class);
        let found = self.router.solve(&self.order, STEPS);
        let mut plan = [UNSERVED as u16; ITEMS];
        found.flows.iter().for_each(|flow| plan[flow.row] = flow.node as u16);
        take(&mut self.stock, &mut self.outcome, class, &plan[..class.lines.len()]);
    }

    /// States an order as the engine does: each line against what every centre has of it.
    fn state(&mut self, class: &Class) {
        let order = &mut self.order;
        order.reset(CENTRES, class.lines.len());
        order.whole_rows = true;
        order.fixed.copy_from_slice(&class.fixed[..CENTRES]);
        order.unserved_fixed = class.fixed[UNSERVED];
        for (row, (line, costs)) in class.lines.iter().zip(class.costs.chunks(NODES)).enumerate() {
            let sku = line.sku as usize;
            let mut is_somewhere = false;
            for (centre, &cost) in costs[..CENTRES].iter().enumerate() {
                *order.supply_mut(centre, row) = self.stock[centre][sku].into();
                if self.stock[centre][sku] > 0 {
                    *order.unit_cost_mut(centre, row) = cost + self.prices[centre][sku];
                    is_somewhere = true;
                }
            }
            order.units[row] = 1;
            let refuses = self.must_serve && is_somewhere;
            order.unserved_unit[row] = if refuses { NEVER } else { costs[UNSERVED] };
        }
    }

    fn ask_nearest(&mut self, number: usize) {
        let class = &self.instance.classes[number];
        let lines = class.lines.iter().zip(&self.instance.nearest[number]);
        let has = |line: u32, centre: u16| {
            let row = self.stock.get(usize::from(centre));
            row.is_some_and(|row| row[line as usize] > 0)
        };
        let plan: Vec<u16> = lines
            .map(|(line, &centre)| if has(line.sku, centre) { centre } else { UNSERVED as u16 })
            .collect();
        take(&mut self.stock, &mut self.outcome, class, &plan);
    }
}

/// Of this thread, so that what else runs on the machine does not count.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn place_of(resource: Resource) -> (usize, usize) {
    match resource {
        Resource::Stock { node, sku } => (usize::from(node), sku as usize),
        Resource::Capacity { .. } => unreachable!("centres have no limit"),
    }
}

/// Books a plan.
fn take(stock: &mut Stock, outcome: &mut Outcome, class: &Class, plan: &[u16]) {
    outcome.cost += class.cost_of(plan);
    for (line, &node) in class.lines.iter().zip(plan) {
        match stock.get_mut(usize::from(node)) {
            Some(row) => row[line.sku as usize] -= 1,
            None => outcome.unserved += 1,
        }
    }
}
