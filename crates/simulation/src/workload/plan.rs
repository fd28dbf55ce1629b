//! What each order of the mix is. Everything about order N follows from the seed and N, so that a
//! duplicate can be written again without keeping the first.
//!
//! SKU numbers, in this order: *plain* ones, stocked at every node; three *split* groups, stocked
//! at three disjoint groups of nodes, so that an order for two of them needs two nodes; *scarce*
//! ones, each at one node, which serve `scarce_run` orders, run out, let as many wait, and come
//! back. Half of the orders for scarce SKUs wait.

use super::mix::Mix;
use crate::random::Random;

/// What kind of order it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// One node serves it.
    Plain,
    /// Needs two or three nodes.
    Split,
    /// Asks for a scarce SKU; the number counts such orders.
    Scarce(u64),
    /// One node is asked and turns it down, then another serves it.
    Rejected,
}

/// One line of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    pub sku: usize,
    pub units: i64,
}

/// The plan of a mix.
#[derive(Debug)]
pub(super) struct Plan {
    mix: Mix,
    /// Class of each order of a thousand, and whether it comes twice.
    slots: Vec<(Slot, bool)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Plain,
    Split,
    /// The how-manieth scarce order of the thousand it is.
    Scarce(u64),
    Rejected,
}

/// Orders after which the shares come out exactly.
const BLOCK: u64 = 1_000;

impl Plan {
    pub fn new(mix: &Mix) -> Self {
        let mut random = Random::of_part(mix.seed, u64::MAX);
        let mut slots = vec![Slot::Plain; BLOCK as usize];
        let mut rest = &mut slots[..];
        for (slot, count) in [
            (Slot::Split, mix.permille.split),
            (Slot::Scarce(0), mix.scarce_permille()),
            (Slot::Rejected, mix.permille.rejected),
        ] {
            let (these, after) = rest.split_at_mut(count);
            these.fill(slot);
            rest = after;
        }
        random.shuffle(&mut slots);
        number_the_scarce(&mut slots);
        let mut twice: Vec<bool> = (0..BLOCK).map(|n| n < mix.permille.duplicate as u64).collect();
        random.shuffle(&mut twice);
        Plan { mix: mix.clone(), slots: slots.into_iter().zip(twice).collect() }
    }

    pub fn class(&self, order: u64) -> Class {
        match self.slots[(order % BLOCK) as usize].0 {
            Slot::Plain => Class::Plain,
            Slot::Split => Class::Split,
            Slot::Rejected => Class::Rejected,
            Slot::Scarce(number) => {
                let per_block = self.mix.scarce_permille() as u64;
                Class::Scarce(order / BLOCK * per_block + number)
            }
        }
    }

    pub fn comes_twice(&self, order: u64) -> bool {
        self.slots[(order % BLOCK) as usize].1
    }

    /// The three lines of an order. No SKU comes twice.
    pub fn lines(&self, order: u64, class: Class, random: &mut Random) -> [Wanted; 3] {
        let mut lines = [Wanted { sku: 0, units: 0 }; 3];
        for (place, line) in lines.iter_mut().enumerate() {
            // A third of the plain SKUs for each place, so that they differ without a search.
            let third = (self.mix.plain_skus() / 3) as u64;
            let sku = place as u64 * third + random.below(third);
            let units = [1, 1, 1, 2][random.below(4) as usize];
            *line = Wanted { sku: sku as usize, units };
        }
        match class {
            Class::Plain | Class::Rejected => {}
            Class::Scarce(number) => {
                lines[2] = Wanted { sku: self.scarce_sku(number), units: 1 };
            }
            Class::Split => {
                let groups = if order.is_multiple_of(5) { 3 } else { 2 };
                for (group, line) in lines.iter_mut().enumerate().take(groups) {
                    let within = random.below(self.mix.stock.split_skus as u64) as usize;
                    line.sku = self.first_split_sku(group) + within;
                }
            }
        }
        lines
    }

    fn first_split_sku(&self, group: usize) -> usize {
        self.mix.plain_skus() + group * self.mix.stock.split_skus
    }

    fn first_scarce_sku(&self) -> usize {
        self.first_split_sku(3)
    }

    fn scarce_sku(&self, number: u64) -> usize {
        self.first_scarce_sku() + (number % self.mix.stock.scarce_skus as u64) as usize
    }

    /// Place of a scarce order in the cycle of its SKU: the first `scarce_run` are served at once,
    /// as many then wait.
    fn turn(&self, number: u64) -> u64 {
        number / self.mix.stock.scarce_skus as u64 % (2 * self.run())
    }

    fn run(&self) -> u64 {
        self.mix.stock.scarce_run as u64
    }

    pub fn waits(&self, number: u64) -> bool {
        self.turn(number) >= self.run()
    }

    /// What comes in right after a scarce order: (SKU, units), enough for those that wait and for
    /// the next that will not.
    pub fn delivery_after(&self, number: u64) -> Option<(usize, i64)> {
        let last = self.turn(number) == 2 * self.run() - 1;
        last.then(|| (self.scarce_sku(number), 2 * self.run() as i64))
    }

    /// Units of each scarce SKU that still wait after so many scarce orders.
    pub fn still_waiting(&self, scarce_orders: u64) -> Vec<(usize, i64)> {
        let skus = self.mix.stock.scarce_skus as u64;
        let of = |sku: u64| {
            let asked = (scarce_orders + skus - 1 - sku) / skus;
            (self.scarce_sku(sku), (asked % (2 * self.run())) as i64 - self.run() as i64)
        };
        (0..skus).map(of).filter(|(_, units)| *units > 0).collect()
    }

    /// The nodes that stock a SKU.
    pub fn nodes_of(&self, sku: usize) -> std::ops::Range<usize> {
        let nodes = self.mix.nodes;
        if sku < self.first_split_sku(0) {
            0..nodes
        } else if sku < self.first_scarce_sku() {
            let group = (sku - self.first_split_sku(0)) / self.mix.stock.split_skus;
            group * nodes / 3..(group + 1) * nodes / 3
        } else {
            let node = sku % nodes;
            node..node + 1
        }
    }

    /// Units of a SKU at each of its nodes before the first order.
    pub fn opening_units(&self, sku: usize) -> i64 {
        if sku < self.first_scarce_sku() { self.mix.stock.units } else { self.run() as i64 }
    }

    /// (node, SKU) of a delivery: they go round all that are not scarce, a SKU at a time.
    pub fn delivery(&self, number: u64) -> (usize, usize) {
        let skus = self.first_scarce_sku() as u64;
        let sku = (number % skus) as usize;
        let nodes = self.nodes_of(sku);
        // Each round starts at another node, so that no node's shelves come back all at once.
        let shift = (number / skus + number % skus) as usize % nodes.len();
        (nodes.start + shift, sku)
    }
}

fn number_the_scarce(slots: &mut [Slot]) {
    let mut number = 0;
    for slot in slots {
        if let Slot::Scarce(place) = slot {
            *place = number;
            number += 1;
        }
    }
}
