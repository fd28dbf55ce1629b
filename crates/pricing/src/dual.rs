//! The dual of the fulfilment linear program, smoothed: value, slope and curvature.
//!
//! The plain dual, `sum over classes of orders * (cost of the cheapest plan at prices p) - p * stock`, has
//! kinks where plans tie. At a kink the linear program mixes plans in exact shares, and a router that
//! takes the cheapest of equals cannot: it sends everything one way until prices are solved again. So
//! the minimum over plans is replaced by the soft minimum of a small temperature, which is what orders
//! of slightly different cost would give, and the bound `p >= 0` by a logarithmic barrier, which leaves
//! a price on stock that could run out although it is not expected to. The prices then move smoothly
//! as stock drifts, and Newton's method finds them in a few steps from the last ones.

use crate::cholesky::Lower;
use crate::columns::{Columns, priced};
use crate::problem::{Problem, Resource};

/// How much is smoothed, in money.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Smoothing {
    /// Plans whose costs differ by less are taken side by side.
    pub temperature: f64,
    /// Money times amount: a resource with this much over for each unit of money has that price.
    pub barrier: f64,
    /// Added to every amount that there is.
    pub spare: f64,
}

/// Memory of an evaluation, reused.
#[derive(Debug, Clone, Default)]
pub(crate) struct Workspace {
    shares: Vec<f64>,
    /// Expected use of one order, for the resources that its plans touch.
    mean: Vec<f64>,
    touched: Vec<u32>,
    pub slope: Vec<f64>,
    pub curvature: Lower,
    factor: Lower,
    /// The step to the top, as slope and curvature have it.
    pub direction: Vec<f64>,
}

/// What has run out counts as this much: without it its price would grow for ever.
const LEAST_SUPPLY: f64 = 0.01;

fn supply(row: &(Resource, f64), spare: f64) -> f64 {
    if row.1 > 0.0 { row.1 + spare } else { LEAST_SUPPLY }
}

/// The barrier's part of the value, less what the supplies cost at these prices.
fn barrier_less_rent(problem: &Problem, prices: &[f64], by: Smoothing) -> f64 {
    let supplies = problem.supplies.iter().zip(prices);
    supplies.map(|(row, p)| by.barrier * p.ln() - supply(row, by.spare) * p).sum()
}

/// A curvature beside which no other is felt.
const HELD: f64 = 1e18;

/// Shares below it move nothing.
const LEAST_SHARE: f64 = 1e-9;

impl Workspace {
    /// The value of the smoothed dual.
    pub fn value(
        &mut self,
        problem: &Problem,
        columns: &Columns,
        prices: &[f64],
        by: Smoothing,
    ) -> f64 {
        let mut value = 0.0;
        for (class, columns) in problem.classes.iter().zip(&columns.of_class) {
            if class.orders > 0.0 && !columns.is_empty() {
                value += class.orders * self.soft_minimum(columns, prices, by.temperature);
            }
        }
        value + barrier_less_rent(problem, prices, by)
    }

    /// The value, and with it slope and curvature (its sign turned, so that it is positive definite).
    pub fn differentiate(
        &mut self,
        problem: &Problem,
        columns: &Columns,
        prices: &[f64],
        by: Smoothing,
    ) -> f64 {
        self.curvature.clear(prices.len());
        self.mean.clear();
        self.mean.resize(prices.len(), 0.0);
        self.slope.clear();
        let supplies = problem.supplies.iter().zip(prices);
        self.slope.extend(supplies.map(|(row, p)| by.barrier / p - supply(row, by.spare)));
        for (place, p) in prices.iter().enumerate() {
            self.curvature.add(place, place, by.barrier / (p * p));
        }
        let mut value = 0.0;
        for (class, columns) in problem.classes.iter().zip(&columns.of_class) {
            if class.orders > 0.0 && !columns.is_empty() {
                value += class.orders * self.soft_minimum(columns, prices, by.temperature);
                self.add_class(columns, class.orders, by.temperature);
            }
        }
        value + barrier_less_rent(problem, prices, by)
    }

    /// Prices that stand at the highest and would go on stay there: a step that is cut off there is none
    /// for the others.
    pub fn hold_at(&mut self, prices: &[f64], highest: f64) {
        for (place, &price) in prices.iter().enumerate() {
            if price >= highest && self.slope[place] > 0.0 {
                self.slope[place] = 0.0;
                self.curvature.add(place, place, HELD);
            }
        }
    }

    /// Finds Newton's direction, with so much curvature added that no price moves farther than the
    /// slope over it. Returns twice what the whole step is to gain.
    pub fn head_for_the_top(&mut self, damping: f64) -> f64 {
        self.factor.clone_from(&self.curvature);
        for place in 0..self.slope.len() {
            self.factor.add(place, place, damping);
        }
        self.factor.factorise();
        self.direction.clone_from(&self.slope);
        self.factor.solve(&mut self.direction)
    }

    /// The soft minimum over the plans of a class; leaves the share of each plan behind.
    fn soft_minimum(
        &mut self,
        columns: &[crate::columns::Column],
        prices: &[f64],
        temperature: f64,
    ) -> f64 {
        self.shares.clear();
        self.shares.extend(columns.iter().map(|column| priced(column, prices)));
        let least = self.shares.iter().copied().fold(f64::INFINITY, f64::min);
        let mut total = 0.0;
        for share in &mut self.shares {
            *share = ((least - *share) / temperature).exp();
            total += *share;
        }
        self.shares.iter_mut().for_each(|share| *share /= total);
        least - temperature * total.ln()
    }

    /// What a class adds: its mean use to the slope, the covariance of its uses to the curvature.
    fn add_class(&mut self, columns: &[crate::columns::Column], orders: f64, temperature: f64) {
        let weight = orders / temperature;
        for (column, &share) in columns.iter().zip(&self.shares) {
            if share < LEAST_SHARE {
                continue;
            }
            for (nth, &(row, amount)) in column.uses.iter().enumerate() {
                if self.mean[row as usize] == 0.0 {
                    self.touched.push(row);
                }
                self.mean[row as usize] += share * amount;
                for &(other, times) in &column.uses[..=nth] {
                    let both = weight * share * amount * times;
                    self.curvature.add(row as usize, other as usize, both);
                }
            }
        }
        for (nth, &row) in self.touched.iter().enumerate() {
            let mean = self.mean[row as usize];
            self.slope[row as usize] += orders * mean;
            for &other in &self.touched[..=nth] {
                let both = weight * mean * self.mean[other as usize];
                self.curvature.add(row as usize, other as usize, -both);
            }
        }
        self.touched.drain(..).for_each(|row| self.mean[row as usize] = 0.0);
    }
}
