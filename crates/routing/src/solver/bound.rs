//! A cost that no plan can beat.
//!
//! Every row gets a price. At those prices a node earns, over its fixed cost, at most what its reach
//! is worth above its unit costs; a plan costs at least what its rows are worth less what its nodes
//! earn. The prices are raised row by row while that gains more than it lets nodes earn: the dual
//! ascent known from locating uncapacitated facilities, here with limited stock.

use super::scale::{Offer, Scaled};

/// What the search has said of a node so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    Free,
    Open,
    Closed,
}

/// Rounds in which each row rises by one break, so that rows share what nodes they have in common.
const MAX_ROUNDS: usize = 24;
/// The bound where some row can be served by nobody.
pub(super) const INFEASIBLE: i64 = i64::MAX / 2;

/// The price of one row.
#[derive(Debug, Clone, Copy)]
struct Price {
    now: i64,
    wanted: i64,
    /// Places of the row's offers: where they begin, which are at or below the price, the end.
    start: usize,
    below: usize,
    end: usize,
}

/// Prices and what is left of each node's fixed cost. Memory for reuse.
#[derive(Debug, Clone, Default)]
pub(super) struct Bound {
    prices: Vec<Price>,
    /// Offers of places that are not closed, row by row, the cheapest first.
    offers: Vec<Offer>,
    /// Fixed cost of each place that no price has used up; an open one has none.
    pub slack: Vec<i64>,
    /// The bound.
    pub value: i64,
    /// Cells looked at.
    pub cells: u64,
}

impl Bound {
    /// The price of a unit of a row.
    pub(super) fn price(&self, row: usize) -> i64 {
        self.prices[row].now
    }

    /// Finds the bound where some nodes are open and some closed; one that is more than enough need not be
    /// the best.
    pub(super) fn find(&mut self, scaled: &Scaled, gates: &[Gate], enough: i64) {
        self.start(scaled, gates);
        for _ in 0..MAX_ROUNDS {
            let before = self.value;
            for row in 0..self.prices.len() {
                self.raise(gates, row);
            }
            if self.value == before || self.value > enough {
                return;
            }
        }
        for row in 0..self.prices.len() {
            while self.raise(gates, row) {}
        }
    }

    fn start(&mut self, scaled: &Scaled, gates: &[Gate]) {
        self.slack.clear();
        self.value = 0;
        for (fixed, gate) in scaled.fixed.iter().zip(gates) {
            self.slack.push(if *gate == Gate::Free { *fixed } else { 0 });
            self.value += if *gate == Gate::Open { *fixed } else { 0 };
        }
        self.prices.clear();
        self.offers.clear();
        for row in 0..scaled.rows {
            let start = self.offers.len();
            let live = |offer: &&Offer| gates[offer.place as usize] != Gate::Closed;
            self.offers.extend(scaled.row(row).iter().filter(live));
            let now = self.offers.get(start).map_or(0, |offer| offer.cost);
            let (wanted, end) = (scaled.wanted[row], self.offers.len());
            self.prices.push(Price { now, wanted, start, below: start, end });
            self.value += now * wanted;
        }
        self.cells += (self.offers.len() + gates.len()) as u64;
    }

    /// Raises the price of a row to the next break, if the bound gains by it.
    fn raise(&mut self, gates: &[Gate], row: usize) -> bool {
        let Price { now, wanted, start, mut below, end } = self.prices[row];
        while below < end && self.offers[below].cost <= now {
            below += 1;
        }
        self.prices[row].below = below;
        let mut step = if below < end { self.offers[below].cost - now } else { i64::MAX };
        let (mut gain, mut tight) = (wanted, false);
        for offer in &self.offers[start..below] {
            let slack = self.slack[offer.place as usize];
            if slack <= 0 {
                gain -= offer.reach;
            } else if step > slack / offer.reach {
                step = slack / offer.reach;
                tight = step == 0;
                step = step.max(1);
            }
        }
        self.cells += 2 * (below - start) as u64 + 1;
        if gain <= 0 || self.value >= INFEASIBLE {
            return false;
        }
        if step == i64::MAX {
            self.value = INFEASIBLE;
            return false;
        }
        let lost = if tight { self.lost_by_one(gates, start, below) } else { 0 };
        if step * gain <= lost {
            return false;
        }
        self.value += step * gain - lost;
        self.prices[row].now += step;
        for offer in &self.offers[start..below] {
            if gates[offer.place as usize] == Gate::Free {
                self.slack[offer.place as usize] -= step * offer.reach;
            }
        }
        true
    }

    /// What nodes earn when a price rises by one and that is more than is left of their fixed cost.
    fn lost_by_one(&self, gates: &[Gate], start: usize, below: usize) -> i64 {
        let lost = self.offers[start..below].iter().map(|offer| {
            let (slack, gate) = (self.slack[offer.place as usize], gates[offer.place as usize]);
            let over = gate == Gate::Free && slack > 0;
            if over { (offer.reach - slack).max(0) } else { 0 }
        });
        lost.sum()
    }
}
