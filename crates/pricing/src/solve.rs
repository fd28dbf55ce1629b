//! Shadow prices by column generation: solve the smoothed dual over the plans known, look for a
//! cheaper plan of each class under its prices, and go on until there is none.

use crate::columns::Columns;
use crate::dual::{Smoothing, Workspace};
use crate::problem::{Class, IMPOSSIBLE, MilliMinor, Problem};

/// How prices are solved. The defaults are what the published benchmark was tuned with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Temperature of the soft minimum, as a share of what an order costs on average.
    pub temperature: f64,
    /// Barrier of the prices, as a share of what an order costs on average.
    pub barrier: f64,
    /// Amount added to everything that is there: whether the last units of scarce stock will be
    /// wanted is not as certain as a program of expected orders takes it to be.
    pub spare: f64,
    /// Newton's method has arrived where it expects to gain less than this share of the orders' cost.
    pub tolerance: f64,
    /// Newton steps between two looks for plans, at most.
    pub steps: usize,
    /// Looks for plans, at most.
    pub rounds: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            temperature: 0.01,
            barrier: 0.1,
            spare: 1.0,
            tolerance: 1e-5,
            steps: 40,
            rounds: 40,
        }
    }
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Solved {
    /// No plan costs less than this in expectation: the value of the plain dual at the prices.
    pub bound: f64,
    /// Looks for plans.
    pub rounds: usize,
    /// Newton steps.
    pub steps: usize,
    /// Whether the last look found nothing new.
    pub complete: bool,
}

/// Solves a problem, and again from where it stands after stock and demand have moved.
#[derive(Debug, Clone)]
pub struct Solver {
    problem: Problem,
    columns: Columns,
    prices: Vec<f64>,
    work: Workspace,
    /// What an order costs on average when nothing is scarce: the measure of every tolerance.
    order_cost: f64,
    /// No price is driven higher.
    highest: f64,
    trial: Vec<f64>,
}

/// Share of the way to a price of 0 that a step may go.
const TO_THE_WALL: f64 = 0.95;
/// Where only a smaller part of a step helps, it led astray.
const SHORTEST: f64 = 0.01;
/// From one bounded step that did not rise to the next, and the narrowest in temperatures.
const NARROWING: f64 = 8.0;
const NARROWEST: f64 = 1e-3;
/// Temperature at which Newton's method finds its way from anywhere.
const ROUGHEST: f64 = 0.25;

impl Solver {
    /// A solver with nothing solved yet.
    pub fn new(problem: Problem) -> Self {
        let mut columns = Columns::new(problem.classes.len());
        let free = vec![0.0; problem.supplies.len()];
        let (_, total) = columns.price_out(&problem, &free);
        let orders: f64 = problem.classes.iter().map(|class| class.orders).sum();
        let order_cost = (total / orders.max(1e-9)).max(1.0);
        let prices = vec![order_cost * 0.05; free.len()];
        let (work, trial) = (Workspace::default(), Vec::new());
        let highest = 2.0 * problem.classes.iter().map(dearest).fold(order_cost, f64::max);
        Solver { problem, columns, prices, work, order_cost, highest, trial }
    }

    /// Expected orders and supplies, to be changed before the next solve. Neither lines nor costs
    /// of a class may change, nor which resources there are.
    pub fn problem_mut(&mut self) -> &mut Problem {
        &mut self.problem
    }

    /// The problem as it stands.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Prices of the resources, in the order of [`Problem::supplies`], 1/1000 minor unit an amount.
    pub fn prices(&self) -> &[f64] {
        &self.prices
    }

    /// Solves from nothing: first with much smoothing, then with a quarter of it, and so on.
    pub fn solve_cold(&mut self, settings: &Settings) -> Solved {
        let mut rough = Settings { rounds: settings.rounds.min(4), ..*settings };
        let times = (ROUGHEST / settings.temperature).log(4.0).ceil().max(0.0) as i32;
        for power in (1..=times).rev() {
            rough.temperature = settings.temperature * 4f64.powi(power);
            rough.barrier = settings.barrier * 4f64.powi(power);
            self.solve(&rough);
        }
        self.solve(settings)
    }

    /// Solves from the last prices.
    pub fn solve(&mut self, settings: &Settings) -> Solved {
        let by = Smoothing {
            temperature: settings.temperature * self.order_cost,
            barrier: settings.barrier * self.order_cost,
            spare: settings.spare,
        };
        let mut solved = Solved { bound: 0.0, rounds: 0, steps: 0, complete: false };
        while solved.rounds < settings.rounds && !solved.complete {
            solved.rounds += 1;
            solved.steps += self.climb(settings, by);
            let (added, served) = self.columns.price_out(&self.problem, &self.prices);
            let supplies = self.problem.supplies.iter().zip(&self.prices);
            let rent: f64 = supplies.map(|(&(_, supply), price)| supply * price).sum();
            (solved.bound, solved.complete) = (served - rent, added == 0);
        }
        solved
    }

    /// Newton's method on the smoothed dual; the prices are where it is highest.
    fn climb(&mut self, settings: &Settings, by: Smoothing) -> usize {
        let orders: f64 = self.problem.classes.iter().map(|class| class.orders).sum();
        let enough = settings.tolerance * self.order_cost * orders;
        for step in 0..settings.steps {
            let value = self.work.differentiate(&self.problem, &self.columns, &self.prices, by);
            self.work.hold_at(&self.prices, self.highest);
            if self.work.head_for_the_top(0.0) < enough {
                return step;
            }
            if !self.moves(value, by) && !self.moves_carefully(value, by) {
                return step;
            }
        }
        settings.steps
    }

    /// Where Newton's step leads astray, as it does beside a kink that is nearly sharp, the slope is
    /// followed a bounded way: as far as it rises.
    fn moves_carefully(&mut self, value: f64, by: Smoothing) -> bool {
        let steepest = self.work.slope.iter().fold(0.0, |most: f64, by| most.max(by.abs()));
        let mut radius = self.highest;
        while radius > NARROWEST * by.temperature {
            self.work.head_for_the_top(steepest / radius);
            if self.moves(value, by) {
                return true;
            }
            radius /= NARROWING;
        }
        false
    }

    /// Goes where the workspace heads for, or part of the way, if the dual is higher there.
    fn moves(&mut self, value: f64, by: Smoothing) -> bool {
        let Solver { problem, columns, prices, work, trial, highest, .. } = self;
        let mut length = longest(prices, &work.direction);
        while length >= SHORTEST {
            trial.clear();
            let moved = prices.iter().zip(&work.direction);
            trial.extend(moved.map(|(price, by)| (price + length * by).min(*highest)));
            if work.value(problem, columns, trial, by) > value {
                std::mem::swap(prices, trial);
                return true;
            }
            length *= 0.5;
        }
        false
    }
}

/// What an amount can save at most: an order's dearest plan, for the smallest amount it may be about.
fn dearest(class: &Class) -> f64 {
    let most = |costs: &[MilliMinor]| {
        costs.iter().copied().filter(|&cost| cost < IMPOSSIBLE).max().unwrap_or(0) as f64
    };
    let lines = class.costs.chunks(class.fixed.len()).map(most).sum::<f64>();
    let fixed = most(&class.fixed) * class.lines.len() as f64;
    let units = class.lines.iter().map(|line| line.units).fold(1.0, f64::min);
    (lines + fixed) / units.max(1e-3)
}

/// The whole step, or as much of it as keeps every price positive.
fn longest(prices: &[f64], direction: &[f64]) -> f64 {
    let falling = prices.iter().zip(direction).filter(|(_, by)| **by < 0.0);
    falling.map(|(price, by)| TO_THE_WALL * price / -by).fold(1.0, f64::min)
}
