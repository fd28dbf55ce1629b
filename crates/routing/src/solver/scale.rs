//! The problem as the search works on it: only nodes that may be needed, costs scaled so that the
//! rules for ties are part of them, rows sorted by cost.

use super::problem::Problem;

/// What a place could give of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer {
    pub place: u32,
    /// Cost of a unit.
    pub cost: i64,
    /// Units, were it alone; more than 0.
    pub reach: i64,
}

/// Nodes by number in the search; the last is nobody: what leaving units unserved costs.
#[derive(Debug, Clone, Default)]
pub(super) struct Scaled {
    /// Nodes, nobody included.
    pub places: usize,
    pub rows: usize,
    pub fixed: Vec<i64>,
    /// Units wanted, by row.
    pub wanted: Vec<i64>,
    /// Units of all rows that a place could give, were it alone.
    pub worth: Vec<i64>,
    /// By row, the cheapest first.
    pub offers: Vec<Offer>,
    /// Where each row's offers begin; one more at the end.
    pub row_starts: Vec<usize>,
    /// Differences of less than this are no differences: prices are whole numbers, costs multiples.
    pub grain: i64,
    /// What one unit of the caller's cost counts here.
    pub factor: i64,
}

/// Room for whole prices below a difference of one.
const GRAIN: i64 = 256;
/// No sum of costs comes near the end of 64 bits.
const MAX_COST: i128 = 1 << 60;

impl Scaled {
    pub(super) fn nobody(&self) -> usize {
        self.places - 1
    }

    /// Chooses the scale and puts the fixed costs to it.
    pub(super) fn measure(&mut self, problem: &Problem, kept: &[usize]) {
        (self.places, self.rows) = (kept.len() + 1, problem.rows);
        self.choose_factor(problem, kept);
        self.fill_fixed(problem, kept);
    }

    /// A shipment counts as much as all ranks together, and all that less than a unit of cost: of
    /// equal cost fewer shipments win, then better ranks. Costs so large that this does not fit
    /// are compared as they are.
    fn choose_factor(&mut self, problem: &Problem, kept: &[usize]) {
        let worst = worst_cost(problem, kept);
        let ranks = kept.len() as i128;
        let ties = ranks * (ranks * ranks + ranks) + 1;
        (self.factor, self.grain) = (1, 1);
        if worst * ties * i128::from(GRAIN) < MAX_COST {
            (self.factor, self.grain) = (ties as i64 * GRAIN, GRAIN);
        } else if worst * i128::from(GRAIN) < MAX_COST {
            (self.factor, self.grain) = (GRAIN, GRAIN);
        }
        assert!(worst < MAX_COST, "the costs of the order do not fit 64 bits");
    }

    fn fill_fixed(&mut self, problem: &Problem, kept: &[usize]) {
        let shipment = (kept.len() * kept.len()) as i64 * self.grain;
        let has_ties = self.factor > self.grain;
        let tie = |place: usize| if has_ties { shipment + place as i64 * self.grain } else { 0 };
        self.fixed.clear();
        let fixed = |(place, &node): (usize, &usize)| {
            problem.lightest_shipment(node) * self.factor + tie(place)
        };
        let fixed = kept.iter().enumerate().map(fixed);
        self.fixed.extend(fixed);
        self.fixed.push(problem.unserved_fixed * self.factor);
    }

    /// Sorts who could give what.
    pub(super) fn fill_offers(&mut self, problem: &Problem, kept: &[usize]) {
        self.offers.clear();
        self.row_starts.clear();
        super::problem::refill(&mut self.worth, self.places);
        self.wanted.clone_from(&problem.units);
        for row in 0..self.rows {
            let start = self.offers.len();
            self.row_starts.push(start);
            for (place, &node) in kept.iter().enumerate() {
                let reach = problem.reach(node, row);
                if reach > 0 {
                    let cost = problem.unit_cost[node * self.rows + row] * self.factor;
                    self.offers.push(Offer { place: place as u32, cost, reach });
                    self.worth[place] += reach;
                }
            }
            let (place, cost) = (kept.len() as u32, problem.unserved_unit[row] * self.factor);
            if self.wanted[row] > 0 {
                self.offers.push(Offer { place, cost, reach: self.wanted[row] });
            }
            self.offers[start..].sort_unstable_by_key(|offer| (offer.cost, offer.place));
        }
        self.row_starts.push(self.offers.len());
    }

    /// Who could give any of a row, the cheapest first.
    pub(super) fn row(&self, row: usize) -> &[Offer] {
        &self.offers[self.row_starts[row]..self.row_starts[row + 1]]
    }
}

/// More than any plan costs.
fn worst_cost(problem: &Problem, kept: &[usize]) -> i128 {
    let fixed: i128 = kept.iter().map(|&node| i128::from(problem.fixed[node])).sum();
    let rows = (0..problem.rows).map(|row| {
        let costs = kept.iter().map(|&node| problem.unit_cost[node * problem.rows + row]);
        let dearest = costs.chain([problem.unserved_unit[row]]).max().unwrap_or(0);
        i128::from(dearest) * i128::from(problem.units[row])
    });
    let by_weight = i128::from(problem.most_by_weight());
    fixed + by_weight + rows.sum::<i128>() + i128::from(problem.unserved_fixed) + 1
}
