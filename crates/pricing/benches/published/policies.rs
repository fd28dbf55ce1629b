//! The policies that are compared. All but the first decide alike: the cheapest plan on live stock,
//! with the prices in force. They differ in which prices those are.

use std::time::Duration;

use omnifold_pricing::plan::{self, Ask, Planner};
use omnifold_pricing::{Class, IMPOSSIBLE, MilliMinor, Resource, Settings, Solver};

use rustix::time::{ClockId, clock_gettime};

use crate::instance::{ARRIVALS, CENTRES, ITEMS, Instance, NODES, Stock, UNSERVED};

/// How orders are decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Policy {
    /// Each item from the nearest centre that carries it, or not at all.
    Nearest,
    /// The cheapest plan, without prices.
    Myopic,
    /// The cheapest plan under prices that are solved so many times a sequence.
    Priced {
        /// Solves a sequence.
        solves: usize,
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
        planner: Planner::default(),
        costs: Vec::new(),
        outcome: Outcome::default(),
    };
    let solves = if let Policy::Priced { solves } = policy { solves } else { 1 };
    let mut solver = cold.clone();
    for (part, orders) in arrivals.chunks(ARRIVALS.div_ceil(solves)).enumerate() {
        if matches!(policy, Policy::Priced { .. }) {
            let begun = processor_time();
            run.solve(&mut solver, arrivals.len() - part * ARRIVALS.div_ceil(solves));
            run.outcome.solving += processor_time() - begun;
        }
        let begun = processor_time();
        for class in orders.iter().flatten() {
            match policy {
                Policy::Nearest => run.ask_nearest(usize::from(*class)),
                _ => run.decide(usize::from(*class)),
            }
        }
        run.outcome.deciding += processor_time() - begun;
    }
    run.outcome
}

struct Run<'a> {
    instance: &'a Instance,
    must_serve: bool,
    stock: Stock,
    prices: [[MilliMinor; ITEMS]; CENTRES],
    planner: Planner,
    costs: Vec<MilliMinor>,
    outcome: Outcome,
}

impl Run<'_> {
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
        solver.solve(&Settings { rounds: 2, steps: 8, ..Settings::default() });
        for ((node, sku), price) in places.into_iter().zip(solver.prices()) {
            self.prices[node][sku] = price.round() as MilliMinor;
        }
    }

    fn decide(&mut self, number: usize) {
        let class = &self.instance.classes[number];
        self.costs.clear();
        for (line, costs) in class.lines.iter().zip(class.costs.chunks(NODES)) {
            let sku = line.sku as usize;
            let from = self.costs.len();
            for (centre, &cost) in costs[..CENTRES].iter().enumerate() {
                let has = self.stock[centre][sku] > 0;
                self.costs.push(if has { cost + self.prices[centre][sku] } else { IMPOSSIBLE });
            }
            let is_somewhere = self.costs[from..].iter().any(|&cost| cost < IMPOSSIBLE);
            let refuses = self.must_serve && is_somewhere;
            self.costs.push(if refuses { IMPOSSIBLE } else { costs[UNSERVED] });
        }
        let ask = Ask { fixed: &class.fixed, lines: &self.costs };
        let (_, plan) = self.planner.cheapest(ask).expect("not serving is possible");
        take(&mut self.stock, &mut self.outcome, class, plan);
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
    let real = Ask { fixed: &class.fixed, lines: &class.costs };
    outcome.cost += plan::cost_of(real, plan);
    for (line, &node) in class.lines.iter().zip(plan) {
        match stock.get_mut(usize::from(node)) {
            Some(row) => row[line.sku as usize] -= 1,
            None => outcome.unserved += 1,
        }
    }
}
