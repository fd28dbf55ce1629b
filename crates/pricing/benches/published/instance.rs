//! The random instances of the published benchmark of multi-item e-commerce fulfilment: Jasin and
//! Sinha (2015), in the form that Ma (2023) used.

use omnifold_pricing::{Class, IMPOSSIBLE, Line, MilliMinor, Problem, Resource};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

/// Centres that hold stock.
pub const CENTRES: usize = 5;
/// The centre that stands for "not served".
pub const UNSERVED: usize = CENTRES;
/// All of them.
pub const NODES: usize = CENTRES + 1;
/// Items.
pub const ITEMS: usize = 20;
/// Arrivals of a sequence.
pub const ARRIVALS: usize = 10_000;

const LARGEST_ORDER: usize = 5;
const TYPES_A_SIZE: usize = 5;
const CARRIES: f64 = 0.75;
/// Minor units are US cents; costs are in 1/1000 of one.
const DOLLAR: f64 = 100_000.0;
const FIXED: f64 = 8.759;
const UNIT: f64 = 0.423;
const UNIT_A_MILE: f64 = 0.000_541;
const EARTH_KM: f64 = 6_371.0;
const KM_A_MILE: f64 = 1.61;

/// OAK4, IND1, AVP3, CAE1, DFW7: degrees north and east.
const CENTRE_AT: [(f64, f64); CENTRES] = [
    (37.7448, -121.3985),
    (39.9797, -86.3833),
    (41.2776, -75.4973),
    (33.9114, -81.0501),
    (32.9709, -97.3348),
];

/// New York, Los Angeles, Chicago, Miami, Dallas, Houston, Philadelphia, Atlanta, Washington,
/// Boston: degrees north and east, inhabitants.
const CITIES: [(f64, f64, f64); 10] = [
    (40.6943, -73.9249, 18_680_025.0),
    (34.1141, -118.4068, 12_531_334.0),
    (41.8375, -87.6866, 8_586_888.0),
    (25.7840, -80.2101, 6_076_316.0),
    (32.7935, -96.7667, 5_910_669.0),
    (29.7860, -95.3885, 5_724_418.0),
    (40.0077, -75.1339, 5_540_199.0),
    (33.7628, -84.4220, 5_151_496.0),
    (38.9047, -77.0163, 5_066_973.0),
    (42.3188, -71.0852, 4_465_966.0),
];

/// Uniform numbers from a seed, the same on every machine.
pub struct Random(Xoshiro256PlusPlus);

impl Random {
    /// The sequence of one part of a seeded whole.
    pub fn of_part(seed: u64, part: u64) -> Self {
        let mixed = (seed ^ part.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Random(Xoshiro256PlusPlus::seed_from_u64(mixed ^ part))
    }

    /// From 0 to 1, 1 left out.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn shares(&mut self, count: usize) -> Vec<f64> {
        let drawn: Vec<f64> = (0..count).map(|_| self.uniform()).collect();
        let total: f64 = drawn.iter().sum();
        drawn.iter().map(|share| share / total).collect()
    }

    fn subset(&mut self, size: usize) -> Vec<u32> {
        let mut items: Vec<u32> = (0..ITEMS as u32).collect();
        for place in 0..size {
            let other = place + (self.uniform() * (ITEMS - place) as f64) as usize;
            items.swap(place, other);
        }
        items.truncate(size);
        items
    }
}

/// Stock by centre and item.
pub type Stock = [[u32; ITEMS]; CENTRES];

/// One instance. The empty order needs no class: nothing is served and nothing costs.
pub struct Instance {
    /// Order types by city; `orders` are those expected of a whole sequence.
    pub classes: Vec<Class>,
    /// Centre that the nearest policy asks, by class and line.
    pub nearest: Vec<Vec<u16>>,
    /// Stock at the start.
    pub stock: Stock,
}

impl Instance {
    /// The instance of a random sequence.
    pub fn draw(random: &mut Random) -> Self {
        let types = draw_types(random);
        let people: f64 = CITIES.iter().map(|city| city.2).sum();
        let costs = unit_costs();
        let (mut classes, mut cities) = (Vec::new(), Vec::new());
        for (items, share) in &types {
            for (city, (at, costs)) in CITIES.iter().zip(&costs).enumerate() {
                let orders = share * at.2 / people * ARRIVALS as f64;
                classes.push(class_of(items, orders, costs));
                cities.push(city);
            }
        }
        let mut instance = Instance { classes, nearest: Vec::new(), stock: [[0; ITEMS]; CENTRES] };
        instance.stock_up(random, &cities);
        instance
    }

    /// Each centre gets what the cities to which it is the nearest that carries an item will ask
    /// for, and half a standard deviation more.
    fn stock_up(&mut self, random: &mut Random, cities: &[usize]) {
        let nearest: Vec<_> = (0..ITEMS).map(|_| nearest_of_item(random)).collect();
        let mut shares = [[0.0; ITEMS]; NODES];
        for (class, &city) in self.classes.iter().zip(cities) {
            let asked: Vec<u16> =
                class.lines.iter().map(|line| nearest[line.sku as usize][city]).collect();
            for (line, &centre) in class.lines.iter().zip(&asked) {
                shares[usize::from(centre)][line.sku as usize] += class.orders / ARRIVALS as f64;
            }
            self.nearest.push(asked);
        }
        for (row, shares) in self.stock.iter_mut().zip(&shares) {
            for (units, share) in row.iter_mut().zip(shares) {
                let mean = ARRIVALS as f64 * share;
                *units = (mean + 0.5 * (mean * (1.0 - share)).sqrt()).round() as u32;
            }
        }
        for class in &mut self.classes {
            for (line, costs) in class.lines.iter().zip(class.costs.chunks_mut(NODES)) {
                for (centre, cost) in costs[..CENTRES].iter_mut().enumerate() {
                    if self.stock[centre][line.sku as usize] == 0 {
                        *cost = IMPOSSIBLE;
                    }
                }
            }
        }
    }

    /// The linear program of what is expected against the stock.
    pub fn problem(&self) -> Problem {
        let mut supplies = Vec::new();
        for (node, row) in (0..).zip(&self.stock) {
            for (sku, &units) in (0..).zip(row).filter(|(_, units)| **units > 0) {
                supplies.push((Resource::Stock { node, sku }, f64::from(units)));
            }
        }
        Problem::new(self.classes.clone(), supplies)
    }

    /// A sequence of arrivals: classes, `None` for an empty order.
    pub fn arrivals(&self, random: &mut Random) -> Vec<Option<u16>> {
        let mut sum = 0.0;
        let rates = self.classes.iter().map(|class| class.orders / ARRIVALS as f64);
        let sums: Vec<f64> = rates
            .map(|rate| {
                sum += rate;
                sum
            })
            .collect();
        let draw = |_| {
            let drawn = random.uniform();
            let class = sums.partition_point(|&sum| sum <= drawn);
            (class < sums.len()).then_some(class as u16)
        };
        (0..ARRIVALS).map(draw).collect()
    }
}

/// Five random sets of items of each size, with their probabilities; what is missing to 1 is the
/// empty order.
fn draw_types(random: &mut Random) -> Vec<(Vec<u32>, f64)> {
    let sizes = random.shares(1 + LARGEST_ORDER);
    let mut types = Vec::new();
    for (size, of_size) in sizes.iter().enumerate().skip(1) {
        let within = random.shares(TYPES_A_SIZE);
        types.extend(within.iter().map(|share| (random.subset(size), of_size * share)));
    }
    types
}

/// Cost of a unit by city and node; the last is the cost of not serving it.
fn unit_costs() -> Vec<[MilliMinor; NODES]> {
    let of_city = |&(north, east, _): &(f64, f64, f64)| {
        let mut costs = [0; NODES];
        let mut farthest: f64 = 0.0;
        for (cost, &centre) in costs.iter_mut().zip(&CENTRE_AT) {
            let miles = miles((north, east), centre);
            farthest = farthest.max(miles);
            *cost = money(UNIT + UNIT_A_MILE * miles);
        }
        costs[UNSERVED] = money(UNIT + UNIT_A_MILE * farthest);
        costs
    };
    CITIES.iter().map(of_city).collect()
}

fn money(dollars: f64) -> MilliMinor {
    (dollars * DOLLAR).round() as MilliMinor
}

fn miles(from: (f64, f64), to: (f64, f64)) -> f64 {
    let (north, other) = (from.0.to_radians(), to.0.to_radians());
    let (rise, turn) = ((other - north) / 2.0, (to.1 - from.1).to_radians() / 2.0);
    let bow = rise.sin().powi(2) + north.cos() * other.cos() * turn.sin().powi(2);
    2.0 * EARTH_KM * bow.sqrt().asin() / KM_A_MILE
}

fn class_of(items: &[u32], orders: f64, costs: &[MilliMinor; NODES]) -> Class {
    let mut fixed = vec![money(FIXED); NODES];
    fixed[UNSERVED] = money(2.0 * FIXED);
    Class {
        lines: items.iter().map(|&sku| Line { sku, units: 1.0 }).collect(),
        orders,
        fixed,
        costs: items.iter().flat_map(|_| costs).copied().collect(),
    }
}

/// By city, the nearest of the centres that were drawn to carry an item.
fn nearest_of_item(random: &mut Random) -> Vec<u16> {
    let carries: Vec<bool> = CENTRE_AT.iter().map(|_| random.uniform() < CARRIES).collect();
    let of_city = |&(north, east, _): &(f64, f64, f64)| {
        let carrying = (0..CENTRES).filter(|&centre| carries[centre]);
        let far = carrying.map(|centre| (miles((north, east), CENTRE_AT[centre]), centre));
        let nearest = far.min_by(|a, b| a.0.total_cmp(&b.0));
        nearest.map_or(UNSERVED, |(_, centre)| centre) as u16
    };
    CITIES.iter().map(of_city).collect()
}
