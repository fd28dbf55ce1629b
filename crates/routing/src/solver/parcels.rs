//! Prices by weight in the search: which brackets each place may still use, and a line below them.
//!
//! A price by steps is no price of units. But every line below the steps is one: what it says at
//! nothing is added to the fixed cost, and its slope times a unit's weight to the unit's cost. So the
//! bound and the cheapest assignment are found as ever, for costs that no plan can beat. The line touches
//! the lower hull of the steps at the weight that the place is expected to ship, and where the search
//! leaves a place a single bracket, line and price are the same.

use super::assign::Assignment;
use super::bound::Gate;
use super::problem::{Problem, refill};
use super::scale::{Offer, Scaled};
use super::tables::Table;

/// The cost of a plan in which a shipment is too heavy: no real one comes near.
const IMPOSSIBLE: i64 = i64::MAX / 2;

/// A line below the prices of a place, over what it costs to ship anything. Scaled.
#[derive(Debug, Clone, Copy, Default)]
struct Line {
    base: i64,
    rise: i64,
    run: i64,
}

impl Line {
    /// What it says of a unit, rounded down: so it stays below.
    fn unit(&self, weight: i64) -> i64 {
        if self.rise == 0 || weight == 0 {
            return 0;
        }
        let cost = i128::from(self.rise) * i128::from(weight) / i128::from(self.run);
        i64::try_from(cost).unwrap_or(i64::MAX)
    }
}

/// What the search knows of one place.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slot {
    /// The lightest and the heaviest bracket that it may still use.
    pub low: usize,
    pub high: usize,
    /// The most weight that it could ship at all.
    most: i64,
    /// The weight at which the line touches the hull.
    pub aim: i64,
    /// What the units weigh that it must ship.
    held: i64,
    line: Line,
}

/// How the search goes on where a plan costs more than its lines say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Division {
    /// A place ships no more than this bracket holds, or more.
    Bracket { place: usize, bracket: usize, heavy_first: bool, weight: i64 },
    /// A place ships fewer units of a row than this, or at least so many.
    Units { place: usize, row: usize, units: i64 },
}

/// Memory for reuse.
#[derive(Debug, Clone, Default)]
pub(super) struct Parcels {
    rows: usize,
    whole_rows: bool,
    /// The cost of shipping anything, the lightest parcel included. Scaled.
    base: Vec<i64>,
    pub slots: Vec<Slot>,
    /// Units that a place must and may ship, by place and row.
    pub least: Vec<i64>,
    pub most: Vec<i64>,
    /// Cost of a unit, by place and row; nobody's at the end. Scaled.
    unit: Vec<i64>,
    /// The newest plan: units by place and row, and weight by place.
    plan: Vec<i64>,
    load: Vec<i64>,
    /// What the units cost by the lines that places must ship.
    pub held_cost: i64,
    /// Cells looked at.
    pub cells: u64,
}

impl Parcels {
    /// Every place may use every bracket that it can fill.
    pub fn begin(&mut self, problem: &Problem, kept: &[usize], scaled: &Scaled) {
        (self.rows, self.whole_rows) = (problem.rows, problem.whole_rows);
        self.base.clone_from(&scaled.fixed);
        refill(&mut self.least, kept.len() * self.rows);
        self.most.clear();
        self.unit.clear();
        self.slots.clear();
        let total = problem.total_weight();
        for &node in kept {
            let (table, start) = (problem.table(node), self.most.len());
            self.most.extend((0..self.rows).map(|row| problem.reach(node, row)));
            let costs = &problem.unit_cost[node * self.rows..][..self.rows];
            self.unit.extend(costs.iter().map(|cost| cost * scaled.factor));
            let reach = self.most[start..].iter().zip(&problem.weight);
            let could = reach.fold(0i64, |sum, (units, weight)| {
                sum.saturating_add(units.saturating_mul(*weight))
            });
            let most = could.min(total).min(table.heaviest());
            let high = table.bracket(most).unwrap_or(0);
            let slot = Slot { low: 0, high, most, aim: most, ..Slot::default() };
            self.slots.push(slot);
        }
        self.unit.extend(problem.unserved_unit.iter().map(|cost| cost * scaled.factor));
        (0..kept.len()).for_each(|place| self.draw(problem, kept, scaled, place));
    }

    /// Draws the line of a place again, after its brackets or its aim have changed.
    pub fn draw(&mut self, problem: &Problem, kept: &[usize], scaled: &Scaled, place: usize) {
        let table = problem.table(kept[place]);
        let slot = self.slots[place];
        let hull = Hull { table, slot, factor: scaled.factor, base: self.base[place] };
        self.slots[place].line = hull.line();
    }

    /// Writes down what places offer by their lines. `false`: some place must ship more than it may.
    pub fn write(
        &mut self,
        problem: &Problem,
        kept: &[usize],
        gates: &[Gate],
        scaled: &mut Scaled,
    ) -> bool {
        self.held_cost = 0;
        for (place, &node) in kept.iter().enumerate() {
            scaled.fixed[place] = self.base[place] + self.slots[place].line.base;
            let least = &self.least[place * self.rows..][..self.rows];
            let held = least.iter().zip(&problem.weight).map(|(units, weight)| units * weight);
            let held = held.sum();
            let slot = &mut self.slots[place];
            slot.held = held;
            if held > problem.table(node).upper(slot.high) && gates[place] != Gate::Closed {
                return false;
            }
        }
        scaled.offers.clear();
        scaled.row_starts.clear();
        for row in 0..self.rows {
            scaled.row_starts.push(scaled.offers.len());
            if !self.write_row(problem, kept, gates, scaled, row) {
                return false;
            }
        }
        scaled.row_starts.push(scaled.offers.len());
        true
    }

    fn write_row(
        &mut self,
        problem: &Problem,
        kept: &[usize],
        gates: &[Gate],
        scaled: &mut Scaled,
        row: usize,
    ) -> bool {
        let (places, rows, start) = (kept.len(), self.rows, scaled.offers.len());
        let least = |place: usize| self.least[place * rows + row];
        let owner = (0..places).find(|&place| self.whole_rows && least(place) > 0);
        let mut wanted = problem.units[row];
        if owner.is_none() {
            wanted -= (0..places).map(least).sum::<i64>();
        }
        if wanted < 0 {
            return false;
        }
        scaled.wanted[row] = wanted;
        self.cells += places as u64;
        for place in 0..places {
            let is_out = owner.is_some_and(|owner| owner != place);
            if gates[place] == Gate::Closed || is_out || wanted == 0 && least(place) == 0 {
                continue;
            }
            let line = self.slots[place].line.unit(problem.weight[row]);
            let cost = self.unit[place * rows + row].saturating_add(line);
            let held = if owner.is_some() { 0 } else { least(place) };
            self.held_cost += held * cost;
            let reach = self.room(problem, problem.table(kept[place]), place, row) - held;
            let reach = reach.min(wanted);
            if reach > 0 && (!self.whole_rows || reach == wanted) {
                scaled.offers.push(Offer { place: place as u32, cost, reach });
            }
        }
        if wanted > 0 && owner.is_none() {
            let cost = self.unit[places * rows + row];
            scaled.offers.push(Offer { place: places as u32, cost, reach: wanted });
        }
        scaled.offers[start..].sort_unstable_by_key(|offer| (offer.cost, offer.place));
        true
    }

    /// The most units of a row that a place may ship beside what it must.
    fn room(&self, problem: &Problem, table: Table<'_>, place: usize, row: usize) -> i64 {
        let cell = place * self.rows + row;
        let (slot, weight) = (&self.slots[place], problem.weight[row]);
        if weight == 0 {
            return self.most[cell];
        }
        let more = (table.upper(slot.high) - slot.held) / weight;
        self.most[cell].min(self.least[cell] + more)
    }

    /// Writes the units that must be shipped to an assignment of the others, and what all of it really
    /// costs.
    pub fn weigh(
        &mut self,
        problem: &Problem,
        kept: &[usize],
        scaled: &Scaled,
        assignment: &mut Assignment,
    ) {
        if !self.whole_rows {
            for (cell, &units) in self.least.iter().enumerate().filter(|least| *least.1 > 0) {
                let (place, row) = (cell / self.rows, cell % self.rows);
                assignment.given.push((place as u32, row as u32, units));
                assignment.used[place] = true;
            }
        }
        refill(&mut self.plan, self.unit.len());
        refill(&mut self.load, scaled.places);
        let mut cost = 0;
        for &(place, row, units) in &assignment.given {
            let (place, row) = (place as usize, row as usize);
            self.plan[place * self.rows + row] += units;
            cost += units * self.unit[place * self.rows + row];
            let weight = units.saturating_mul(problem.weight[row]);
            self.load[place] = self.load[place].saturating_add(weight);
        }
        self.cells += (assignment.given.len() + self.plan.len()) as u64;
        for (place, _) in assignment.used.iter().enumerate().filter(|used| *used.1) {
            cost += self.base[place];
            let Some(&node) = kept.get(place) else { continue };
            match more_by_weight(problem.table(node), self.load[place], scaled.factor) {
                Some(more) => cost += more,
                None => cost = IMPOSSIBLE,
            }
            if cost >= IMPOSSIBLE {
                break;
            }
        }
        assignment.cost = cost.min(IMPOSSIBLE);
    }

    /// Where the newest plan costs most more than the lines of places that are open say.
    pub fn division(
        &self,
        problem: &Problem,
        kept: &[usize],
        gates: &[Gate],
        scaled: &Scaled,
    ) -> Option<Division> {
        let mut loosest = (0, None);
        for (place, &node) in kept.iter().enumerate() {
            let plan = &self.plan[place * self.rows..][..self.rows];
            if gates[place] != Gate::Open || plan.iter().all(|units| *units == 0) {
                continue;
            }
            let line = &self.slots[place].line;
            let weighs = plan.iter().zip(&problem.weight).filter(|(units, _)| **units > 0);
            let said: i64 = weighs.map(|(units, weight)| units * line.unit(*weight)).sum();
            let real = more_by_weight(problem.table(node), self.load[place], scaled.factor);
            let gap = real.map_or(IMPOSSIBLE, |real| real - line.base - said);
            if gap > loosest.0 {
                loosest = (gap, Some(place));
            }
        }
        let place = loosest.1?;
        let table = problem.table(kept[place]);
        self.divide(problem, table, place)
    }

    /// Brackets are divided so that the plan is priced right by one part and impossible in the other;
    /// where one is left, and the plan is too heavy for it, its units are.
    fn divide(&self, problem: &Problem, table: Table<'_>, place: usize) -> Option<Division> {
        let Slot { low, high, .. } = self.slots[place];
        let weight = self.load[place];
        if low < high {
            let (bracket, heavy_first) = match table.bracket(weight) {
                Some(at) if at <= low => (low, false),
                Some(at) if at <= high => (at - 1, true),
                _ => (low.midpoint(high), true),
            };
            return Some(Division::Bracket { place, bracket, heavy_first, weight });
        }
        let more = |row: usize| {
            let cell = place * self.rows + row;
            (self.plan[cell] - self.least[cell]).saturating_mul(problem.weight[row])
        };
        let row = (0..self.rows).max_by_key(|&row| (more(row), std::cmp::Reverse(row)))?;
        let (cell, excess) = (place * self.rows + row, weight - table.upper(high));
        if more(row) == 0 {
            return None;
        }
        // Of many small units not one by one: half of what is too much goes, or the rest stays.
        let many = if self.whole_rows { 0 } else { excess / (2 * problem.weight[row]) };
        let units = (self.plan[cell] - many).max(self.least[cell] + 1);
        Some(Division::Units { place, row, units })
    }
}

/// What a shipment costs more than the lightest one, scaled; `None`: there is none as heavy.
fn more_by_weight(table: Table<'_>, weight: i64, factor: i64) -> Option<i64> {
    table.price_at(weight).map(|price| (price - table.first_price()) * factor)
}

/// The prices of a place, as points: the ends of its brackets, none below the line.
struct Hull<'a> {
    table: Table<'a>,
    slot: Slot,
    factor: i64,
    /// The fixed cost under them.
    base: i64,
}

impl Hull<'_> {
    /// The edge of the lower hull over the aim; the steepest line from nothing where that edge would
    /// make the fixed cost negative.
    fn line(&self) -> Line {
        let low = self.height(self.table.price(self.slot.low));
        let end = self.slot.most.min(self.table.upper(self.slot.high));
        let (mut from, mut line) = ((0, low), Line { base: low, rise: 0, run: 1 });
        while from.0 < self.slot.aim.min(end) {
            let next = self.next(from, end);
            let (run, rise) = (next.0 - from.0, next.1 - from.1);
            let below = (i128::from(rise) * i128::from(from.0)).div_euclid(i128::from(run)) + 1;
            let base = i64::try_from(i128::from(from.1) - below).unwrap_or(i64::MIN);
            line = Line { base: if rise == 0 { from.1 } else { base }, rise, run };
            from = next;
        }
        if line.base.saturating_add(self.base) >= 0 { line } else { self.ray(end) }
    }

    fn height(&self, price: i64) -> i64 {
        (price - self.table.first_price()) * self.factor
    }

    /// The next corner of the hull: the least slope, of equal ones the farthest.
    fn next(&self, from: (i64, i64), end: i64) -> (i64, i64) {
        let mut best: Option<(i64, i64)> = None;
        self.table.ends(self.slot.low, end, |weight, price| {
            if weight <= from.0 {
                return;
            }
            let point = (weight, self.height(price));
            let slope = |point: (i64, i64), other: (i64, i64)| {
                i128::from(point.1 - from.1) * i128::from(other.0 - from.0)
            };
            if best.is_none_or(|best| slope(point, best) <= slope(best, point)) {
                best = Some(point);
            }
        });
        best.unwrap_or((end, from.1))
    }

    /// The steepest line from nothing that stays below.
    fn ray(&self, end: i64) -> Line {
        let mut best: Option<(i64, i64)> = None;
        self.table.ends(self.slot.low, end, |weight, price| {
            let point = (weight, self.height(price) + self.base);
            let cross =
                |one: (i64, i64), other: (i64, i64)| i128::from(one.1) * i128::from(other.0);
            if best.is_none_or(|best| cross(point, best) < cross(best, point)) {
                best = Some(point);
            }
        });
        let (run, rise) = best.unwrap_or((1, 0));
        Line { base: -self.base, rise, run: run.max(1) }
    }
}
