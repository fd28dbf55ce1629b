//! Which of the chosen nodes gives which units (rule R2 b and d): a line that one of them can ship
//! whole is never split; a line that must be split takes all it can from the first node, then the
//! next. "First" is the best-ranked, or what the rules in force say.

use omnifold_domain::Rules;
use omnifold_domain::rules::SplitFrom;

use crate::candidates::{Candidates, Demand};

/// What one node is to ship.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shipment {
    /// The node's number.
    pub node: usize,
    /// (place of the order line, units, of which without stock), in line order.
    pub lines: Vec<(usize, i64, i64)>,
}

impl Shipment {
    pub(crate) fn add(&mut self, line: usize, units: i64, backordered: i64) {
        match self.lines.iter_mut().find(|part| part.0 == line) {
            Some(part) => {
                part.1 += units;
                part.2 += backordered;
            }
            None => self.lines.push((line, units, backordered)),
        }
    }
}

/// Distributes the demands over the chosen nodes (rank order), which have enough together. Says too
/// whether placing whole lines hit its bound.
pub(crate) fn fill(
    candidates: &Candidates,
    demands: &[Demand],
    chosen: &[usize],
    rules: Rules,
) -> (Vec<Shipment>, bool) {
    let mut shipments: Vec<Shipment> =
        chosen.iter().map(|&node| Shipment { node, lines: Vec::new() }).collect();
    let mut left: Vec<Vec<i64>> =
        chosen.iter().map(|&node| candidates.free(node).to_vec()).collect();
    let mut cut_short = false;
    for sku in 0..candidates.skus.len() {
        cut_short |= fill_sku(demands, sku, rules, &mut left, &mut shipments);
    }
    for shipment in &mut shipments {
        shipment.lines.sort_unstable_by_key(|part| part.0);
    }
    shipments.retain(|shipment| !shipment.lines.is_empty());
    (shipments, cut_short)
}

fn fill_sku(
    demands: &[Demand],
    sku: usize,
    rules: Rules,
    left: &mut [Vec<i64>],
    shipments: &mut [Shipment],
) -> bool {
    let of_sku = demands.iter().filter(|demand| demand.sku == sku && demand.units > 0);
    let lines = largest_first(of_sku.copied());
    let (whole, cut_short) = place_whole(&lines, sku, left);
    for (demand, place) in lines.iter().zip(whole) {
        match place {
            Some(place) => {
                shipments[place].add(demand.line, demand.units, 0);
            }
            None => split(demand, sku, rules, left, shipments),
        }
    }
    cut_short
}

/// The largest line first: it has the fewest places where it fits whole.
pub(crate) fn largest_first(lines: impl Iterator<Item = Demand>) -> Vec<Demand> {
    let mut lines: Vec<Demand> = lines.collect();
    lines.sort_by_key(|demand| (std::cmp::Reverse(demand.units), demand.line));
    lines
}

/// Steps of the search that places lines of one SKU whole.
const MAX_PLACINGS: u32 = 10_000;

/// For each line the chosen node that ships it whole, as many lines as possible: a search, since
/// lines of the same SKU compete for the same units. Takes the placed units from `left`.
fn place_whole(lines: &[Demand], sku: usize, left: &mut [Vec<i64>]) -> (Vec<Option<usize>>, bool) {
    let mut free: Vec<i64> = left.iter().map(|units| units[sku]).collect();
    let search = Placing::run(lines, &mut free);
    for (demand, place) in lines.iter().zip(&search.best) {
        if let Some(place) = place {
            left[*place][sku] -= demand.units;
        }
    }
    let cut_short = search.is_spent();
    (search.best, cut_short)
}

/// How many lines of one SKU can be shipped whole.
pub(crate) struct Placed {
    pub lines: usize,
    /// Counted steps.
    pub steps: u32,
    /// The bound was hit: there may be a better placing.
    pub cut_short: bool,
}

/// Counts the lines of one SKU (largest first) that nodes with these units can ship whole.
pub(crate) fn most_whole(lines: &[Demand], free: &mut [i64]) -> Placed {
    let search = Placing::run(lines, free);
    let cut_short = search.is_spent();
    Placed { lines: search.best_whole.unwrap_or(0), steps: search.steps, cut_short }
}

struct Placing<'a> {
    lines: &'a [Demand],
    current: Vec<Option<usize>>,
    best: Vec<Option<usize>>,
    best_whole: Option<usize>,
    steps: u32,
}

impl<'a> Placing<'a> {
    fn run(lines: &'a [Demand], free: &mut [i64]) -> Self {
        let mut search = Placing {
            lines,
            current: vec![None; lines.len()],
            best: vec![None; lines.len()],
            best_whole: None,
            steps: 0,
        };
        search.place(0, 0, free);
        search
    }

    fn is_spent(&self) -> bool {
        self.steps >= MAX_PLACINGS
    }

    fn place(&mut self, at: usize, whole: usize, free: &mut [i64]) {
        let possible = whole + (self.lines.len() - at);
        if self.best_whole.is_some_and(|best| possible <= best) || self.is_spent() {
            return;
        }
        self.steps += 1;
        if at == self.lines.len() {
            self.best_whole = Some(whole);
            self.best.clone_from(&self.current);
            return;
        }
        let units = self.lines[at].units;
        for place in 0..free.len() {
            if free[place] >= units {
                free[place] -= units;
                self.current[at] = Some(place);
                self.place(at + 1, whole + 1, free);
                self.current[at] = None;
                free[place] += units;
            }
        }
        self.place(at + 1, whole, free);
    }
}

fn split(
    demand: &Demand,
    sku: usize,
    rules: Rules,
    left: &mut [Vec<i64>],
    shipments: &mut [Shipment],
) {
    let mut order: Vec<usize> = (0..left.len()).collect();
    if rules.split_from == SplitFrom::MostFree {
        order.sort_by_key(|&place| std::cmp::Reverse(left[place][sku]));
    }
    let mut missing = demand.units;
    for place in order {
        let units = left[place][sku].min(missing);
        if units > 0 {
            left[place][sku] -= units;
            missing -= units;
            shipments[place].add(demand.line, units, 0);
        }
    }
    assert_eq!(missing, 0, "the chosen nodes cover the demand");
}
