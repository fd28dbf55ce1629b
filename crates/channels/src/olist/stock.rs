//! Stock, which the data does not have, by a seeded rule.
//!
//! The rule looks only at hashes of ids under the seed and at what was ordered, so the same files
//! and seed give the same stock on any machine, whatever the order of their rows.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::StockSummary;
use super::tables::Tables;

/// How much of what was ordered a seller holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Enough,
    Scarce,
    None,
}

/// One product at one seller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Carried<'a> {
    pub(super) seller: &'a str,
    pub(super) product: &'a str,
    pub(super) units: i64,
    pub(super) level: Level,
}

/// Units of one product ordered from each of its sellers.
type Ordered<'a> = BTreeMap<&'a str, i64>;

/// Every product at every seller that carries it, by product, its own sellers first.
pub(super) fn derive(tables: &Tables, seed: u64) -> Vec<Carried<'_>> {
    let ordered = ordered(tables);
    let mut sellers: Vec<&str> = tables.sellers.iter().map(|s| s.seller_id.as_str()).collect();
    sellers.sort_unstable();
    let draw = Draw(seed);
    ordered
        .iter()
        .flat_map(|(product, own)| {
            let mut carried = own_sellers(draw, product, own);
            carried.extend(other_sellers(draw, product, own, &sellers));
            carried
        })
        .collect()
}

fn ordered(tables: &Tables) -> BTreeMap<&str, Ordered<'_>> {
    let mut ordered: BTreeMap<&str, Ordered> = BTreeMap::new();
    for item in &tables.items {
        let of_product = ordered.entry(&item.product_id).or_default();
        *of_product.entry(&item.seller_id).or_default() += 1;
    }
    ordered
}

/// Every product at the sellers that shipped it, with all that they shipped.
pub(super) fn as_shipped(tables: &Tables) -> Vec<Carried<'_>> {
    let mut stock = Vec::new();
    for (product, own) in ordered(tables) {
        let rows = own.into_iter();
        stock.extend(rows.map(|(seller, units)| carried(seller, product, Level::Enough, units)));
    }
    stock
}

fn own_sellers<'a>(draw: Draw, product: &'a str, own: &Ordered<'a>) -> Vec<Carried<'a>> {
    let level = match draw.below(10, &[product, "own"]) {
        0..=6 => Level::Enough,
        7..=8 => Level::Scarce,
        _ => Level::None,
    };
    let carried = |(&seller, &ordered): (&&'a str, &i64)| carried(seller, product, level, ordered);
    own.iter().map(carried).collect()
}

fn other_sellers<'a>(
    draw: Draw,
    product: &'a str,
    own: &Ordered<'a>,
    sellers: &[&'a str],
) -> Vec<Carried<'a>> {
    let ordered: i64 = own.values().sum();
    let mut others: Vec<Carried> = Vec::new();
    for number in ["1", "2", "3"].iter().take(draw.below(4, &[product, "others"])) {
        let seller = sellers[draw.below(sellers.len(), &[product, "other", number])];
        if own.contains_key(seller) || others.iter().any(|other| other.seller == seller) {
            continue;
        }
        let level =
            [Level::Enough, Level::Scarce, Level::None][draw.below(3, &[product, "level", number])];
        others.push(carried(seller, product, level, ordered));
    }
    others
}

fn carried<'a>(seller: &'a str, product: &'a str, level: Level, ordered: i64) -> Carried<'a> {
    let units = match level {
        Level::Enough => ordered,
        Level::Scarce => ordered / 2,
        Level::None => 0,
    };
    Carried { seller, product, units, level }
}

/// Draws that depend on the seed and on what they are for, and on nothing else.
#[derive(Clone, Copy)]
struct Draw(u64);

impl Draw {
    /// A number from 0 up to, and without, `bound`.
    fn below(self, bound: usize, purpose: &[&str]) -> usize {
        let hash = xxh3_64_with_seed(purpose.join("\0").as_bytes(), self.0);
        usize::try_from(hash % bound as u64).expect("less than a usize")
    }
}

pub(super) fn summary(stock: &[Carried], seed: u64) -> StockSummary {
    let count = |level| stock.iter().filter(|row| row.level == level).count() as u64;
    StockSummary {
        seed,
        rule: rule(seed),
        rows: stock.len() as u64,
        enough: count(Level::Enough),
        scarce: count(Level::Scarce),
        none: count(Level::None),
        units: stock.iter().map(|row| row.units.unsigned_abs()).sum(),
    }
}

/// As [`summary`], of stock as it was shipped.
pub(super) fn summary_as_shipped(stock: &[Carried]) -> StockSummary {
    let rule = "The data has no stock. Every seller has all that it shipped. Counted once, before the \
                first order.";
    StockSummary { rule: rule.to_owned(), ..summary(stock, 0) }
}

fn rule(seed: u64) -> String {
    format!(
        "The data has no stock. By a hash under seed {seed}: of 10 products, 7 are held by their \
         own sellers with all the units ordered from each, 2 with half of them (rounded down), 1 \
         with none; each product is also carried by up to 3 other sellers, each with all the units \
         ordered of it, half of them, or none, at equal odds. Counted once, before the first order."
    )
}
