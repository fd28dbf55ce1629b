//! The last shipment that an order may have: every node is tried for it.
//!
//! The bound knows nothing of the limit on shipments, so it says little where few are allowed. But where all
//! but one are chosen the rest is no search: beside the open nodes, what each other one saves is a sum
//! over the rows.

use super::bound::Gate;
use super::problem::{Problem, refill};
use super::scale::{Offer, Scaled};

/// Memory for reuse.
#[derive(Debug, Clone, Default)]
pub(super) struct Last {
    /// What the open places offer of one row, the cheapest first.
    base: Vec<Offer>,
    /// By place: what it saves, and how many units it brings that nobody else has.
    saved: Vec<i64>,
    brought: Vec<i64>,
    /// Cells looked at.
    pub cells: u64,
}

/// Units that are missing, and what the others cost.
fn fill(base: &[Offer], extra: Option<Offer>, wanted: i64) -> (i64, i64) {
    let dearer = base.partition_point(|offer| extra.is_none_or(|extra| offer.cost <= extra.cost));
    let all = base[..dearer].iter().chain(&extra).chain(&base[dearer..]);
    let (mut missing, mut cost) = (wanted, 0);
    for offer in all {
        let units = missing.min(offer.reach);
        missing -= units;
        cost += units * offer.cost;
    }
    (missing, cost)
}

impl Last {
    /// Whether rows can be filled one by one, whatever places are open.
    pub fn suits(problem: &Problem) -> bool {
        let shares = |row: usize| problem.pool[..row].contains(&problem.pool[row]);
        !problem.whole_rows || !(0..problem.rows).any(shares)
    }

    /// The free node that is best added to the open places, or none, and what the plan costs where every
    /// open place is paid for. Units may be left unserved or not. `None`: no node makes a plan of it.
    pub fn find(
        &mut self,
        scaled: &Scaled,
        gates: &[Gate],
        may_leave: bool,
    ) -> Option<(i64, Option<usize>)> {
        let nobody = scaled.nobody();
        refill(&mut self.saved, nobody);
        refill(&mut self.brought, nobody);
        let is_base = |place: usize| {
            if place == nobody { may_leave } else { gates[place] == Gate::Open }
        };
        let paid = (0..scaled.places).filter(|&place| is_base(place));
        let (mut cost, mut missing) = (paid.map(|place| scaled.fixed[place]).sum::<i64>(), 0);
        for row in 0..scaled.rows {
            self.base.clear();
            let offers = scaled.row(row).iter();
            self.base.extend(offers.clone().filter(|offer| is_base(offer.place as usize)));
            let alone = fill(&self.base, None, scaled.wanted[row]);
            (missing, cost) = (missing + alone.0, cost + alone.1);
            for offer in offers.filter(|offer| offer.place as usize != nobody) {
                let place = offer.place as usize;
                if gates[place] == Gate::Free {
                    let with = fill(&self.base, Some(*offer), scaled.wanted[row]);
                    self.saved[place] += alone.1 - with.1;
                    self.brought[place] += alone.0 - with.0;
                    self.cells += self.base.len() as u64 + 1;
                }
            }
            self.cells += scaled.row(row).len() as u64;
        }
        let whole = |place: &usize| gates[*place] == Gate::Free && self.brought[*place] == missing;
        let added = (0..nobody).filter(whole);
        let added =
            added.map(|place| (cost + scaled.fixed[place] - self.saved[place], Some(place)));
        let alone = (missing == 0).then_some((cost, None));
        added.chain(alone).min()
    }
}
