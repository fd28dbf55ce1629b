//! What lies where before the day, and what is delivered and counted during it.
//!
//! Stock follows demand: a SKU expected to sell 200 times that day has about that many units, more
//! for most, too few for some. Those are the interesting ones: they run out in the course of the
//! day, and deliveries bring them back, so that waiting orders are served.

use omnifold_events::v1::NodeKind;

use super::catalogue::Catalogue;
use super::nodes::{Place, of_kind};
use super::{HOUR_MS, MINUTE_MS, PART_STOCK};
use crate::random::Random;

/// How well a SKU is supplied for the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Supply {
    /// More than will be asked for.
    Plenty,
    /// Runs out in the course of the day.
    Tight,
    /// Runs out in the morning.
    Scarce,
    /// Counted as none at all.
    StockOut,
}

impl Supply {
    fn draw(random: &mut Random) -> Self {
        match random.below(100) {
            0..80 => Supply::Plenty,
            80..92 => Supply::Tight,
            92..98 => Supply::Scarce,
            _ => Supply::StockOut,
        }
    }

    /// Share of the day's demand that is there in the morning, in percent.
    fn percent(self) -> u64 {
        match self {
            Supply::Plenty => 160,
            Supply::Tight => 70,
            Supply::Scarce => 25,
            Supply::StockOut => 0,
        }
    }
}

/// Units of an article at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shelf {
    /// Number into the places.
    pub place: usize,
    /// Rank of the article.
    pub rank: usize,
    /// Whole units.
    pub units: i64,
}

/// A change of stock that is not a customer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockMove {
    /// Units come in.
    Delivery(Shelf),
    /// Somebody counted what is there.
    Recount(Shelf),
}

/// Stock of the whole day.
#[derive(Debug)]
pub struct Stocking {
    /// Supply of each rank.
    pub supply: Vec<Supply>,
    /// What the count before the day finds, zero counts included.
    pub morning: Vec<Shelf>,
    /// Deliveries and recounts, each with its time into the day, in time order.
    pub during: Vec<(i64, StockMove)>,
}

/// Units that a thousand orders ask for over all SKUs: about two lines of one to three units.
const UNITS_PER_THOUSAND_ORDERS: u64 = 3_000;

/// When lorries arrive, milliseconds into the day, and which share of what is lacking they bring.
const DELIVERIES: [(i64, u64); 4] = [
    (10 * HOUR_MS + 30 * MINUTE_MS, 20),
    (14 * HOUR_MS, 25),
    (18 * HOUR_MS, 25),
    (21 * HOUR_MS + 30 * MINUTE_MS, 50),
];

/// Shelves that stores count again before they open.
const RECOUNTS: usize = 200;

impl Stocking {
    /// Plans the stock for so many orders.
    pub fn new(seed: u64, orders: u64, catalogue: &Catalogue, places: &[Place]) -> Self {
        let mut random = Random::of_part(seed, PART_STOCK);
        let mut plan = Stocking { supply: Vec::new(), morning: Vec::new(), during: Vec::new() };
        let carriers = Carriers::of(places);
        for rank in 0..catalogue.articles.len() {
            let supply = Supply::draw(&mut random);
            plan.supply.push(supply);
            let expected = expected_units(catalogue, rank, orders);
            let at = carriers.draw(catalogue, rank, &mut random);
            plan.stock_up(rank, &at, expected, &mut random);
            plan.deliver(rank, at[0], expected, &mut random);
        }
        plan.recount(places, &mut random);
        plan.during.sort_by_key(|(time, _)| *time);
        plan
    }

    /// Whether an article will be there whenever it is asked for.
    pub fn is_plentiful(&self, rank: usize) -> bool {
        self.supply[rank] == Supply::Plenty
    }

    /// Spreads the morning's units over the carriers, the first of which gets the most.
    fn stock_up(&mut self, rank: usize, at: &[usize], expected: u64, random: &mut Random) {
        let supply = self.supply[rank];
        let total = match supply {
            // A slow article still lies on the shelf.
            Supply::Plenty => (expected * supply.percent()).div_ceil(100).max(2),
            _ => expected * supply.percent() / 100,
        };
        let mut left = total;
        for (number, &place) in at.iter().enumerate().rev() {
            let even = total / at.len() as u64;
            let units =
                if number == 0 { left } else { (even * (50 + random.below(60)) / 100).min(left) };
            left -= units;
            if units > 0 || number == 0 {
                self.morning.push(Shelf { place, rank, units: units as i64 });
            }
        }
    }

    /// Brings what the morning lacked, and a little more, in the course of the day.
    fn deliver(&mut self, rank: usize, place: usize, expected: u64, random: &mut Random) {
        let supply = self.supply[rank];
        if supply == Supply::Plenty {
            return;
        }
        let lacking = expected * (100 - supply.percent()) / 100 + 1;
        for (time, share) in DELIVERIES {
            let units = (lacking * share).div_ceil(100) as i64;
            let time = time + random.between(0, 40 * MINUTE_MS);
            self.during.push((time, StockMove::Delivery(Shelf { place, rank, units })));
        }
    }

    /// Stores count some shelves before they open: mostly right, at times a unit less.
    fn recount(&mut self, places: &[Place], random: &mut Random) {
        let in_stores: Vec<Shelf> = self
            .morning
            .iter()
            .filter(|shelf| places[shelf.place].kind == NodeKind::Store)
            .copied()
            .collect();
        for _ in 0..RECOUNTS.min(in_stores.len()) {
            let shelf = *random.pick(&in_stores);
            let lost = i64::from(random.permille(300)).min(shelf.units);
            let counted = Shelf { units: shelf.units - lost, ..shelf };
            let time = 6 * HOUR_MS + random.between(0, 2 * HOUR_MS);
            self.during.push((time, StockMove::Recount(counted)));
        }
    }
}

/// Units of an article that the day is expected to ask for.
fn expected_units(catalogue: &Catalogue, rank: usize, orders: u64) -> u64 {
    let all = u128::from(orders) * u128::from(UNITS_PER_THOUSAND_ORDERS) / 1_000;
    let demand = &catalogue.demand;
    (all * u128::from(demand.weight(rank)) / u128::from(demand.total())) as u64
}

/// Which places carry which articles.
struct Carriers {
    warehouses: Vec<usize>,
    stores: Vec<usize>,
    partners: Vec<usize>,
}

impl Carriers {
    fn of(places: &[Place]) -> Self {
        Carriers {
            warehouses: of_kind(places, NodeKind::Warehouse),
            stores: of_kind(places, NodeKind::Store),
            partners: of_kind(places, NodeKind::Partner),
        }
    }

    /// The places that carry an article, its main one first. Bestsellers lie nearly everywhere,
    /// the tail in three warehouses and two stores, partners' articles with one or two partners.
    fn draw(&self, catalogue: &Catalogue, rank: usize, random: &mut Random) -> Vec<usize> {
        if catalogue.at_rank(rank).from_partner {
            return some(&self.partners, 1 + random.below(2) as usize, random);
        }
        let (warehouses, stores) = match rank * 100 / catalogue.articles.len() {
            0..25 => (5, 16),
            25..70 => (4, 6),
            _ => (3, 2),
        };
        let mut at = some(&self.warehouses, warehouses, random);
        at.extend(some(&self.stores, stores, random));
        at
    }
}

/// So many of these, in an arbitrary order.
fn some(of: &[usize], count: usize, random: &mut Random) -> Vec<usize> {
    let mut all = of.to_vec();
    random.shuffle(&mut all);
    all.truncate(count);
    all
}

#[cfg(test)]
mod tests {
    use super::super::nodes::places;
    use super::*;

    fn plan(orders: u64) -> (Catalogue, Stocking) {
        let catalogue = Catalogue::new(1);
        let stocking = Stocking::new(1, orders, &catalogue, &places());
        (catalogue, stocking)
    }

    fn morning_units(stocking: &Stocking, rank: usize) -> i64 {
        stocking.morning.iter().filter(|shelf| shelf.rank == rank).map(|shelf| shelf.units).sum()
    }

    #[test]
    fn plentiful_articles_cover_the_day_and_the_others_need_their_deliveries() {
        let (catalogue, stocking) = plan(100_000);
        let mut lacking = 0;
        for rank in 0..catalogue.articles.len() {
            let expected = expected_units(&catalogue, rank, 100_000) as i64;
            let morning = morning_units(&stocking, rank);
            let delivered: i64 =
                stocking.during.iter().map(|(_, change)| units_of(change, rank)).sum();
            assert!(morning + delivered >= expected, "rank {rank}");
            assert_eq!(stocking.is_plentiful(rank), morning >= expected, "rank {rank}");
            lacking += i64::from(!stocking.is_plentiful(rank));
        }
        let share = lacking * 100 / catalogue.articles.len() as i64;
        assert!((15..25).contains(&share), "{share} %");
    }

    fn units_of(change: &StockMove, rank: usize) -> i64 {
        match change {
            StockMove::Delivery(shelf) if shelf.rank == rank => shelf.units,
            _ => 0,
        }
    }

    #[test]
    fn moves_of_the_day_are_in_time_order_and_recounts_precede_the_first_delivery() {
        let (_, stocking) = plan(10_000);
        assert!(stocking.during.is_sorted_by_key(|(time, _)| *time));
        let kinds: Vec<bool> = stocking
            .during
            .iter()
            .map(|(_, change)| matches!(change, StockMove::Delivery(_)))
            .collect();
        assert!(kinds.is_sorted(), "recounts first: the shelves have not been sold from yet");
        assert_eq!(kinds.iter().filter(|delivery| !**delivery).count(), RECOUNTS);
    }

    #[test]
    fn partners_articles_lie_with_partners_only() {
        let (catalogue, stocking) = plan(10_000);
        let places = places();
        for shelf in &stocking.morning {
            let partner = places[shelf.place].kind == NodeKind::Partner;
            assert_eq!(partner, catalogue.at_rank(shelf.rank).from_partner);
        }
    }
}
