//! The retailer's assortment: a few thousand SKUs with names that people can read.

use crate::random::{Random, Weighted};

/// A thing that is sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// `MER-SWE-NAV-M`.
    pub sku: String,
    /// `Merino Sweater, Navy, M`.
    pub name: String,
    /// Price in cents.
    pub price_minor: i64,
    /// Whether dropship partners stock it in place of the retailer's own nodes.
    pub from_partner: bool,
}

struct Department {
    products: &'static [&'static str],
    first: &'static [&'static str],
    second: &'static [&'static str],
    /// In cents.
    prices: (i64, i64),
    from_partner: bool,
}

const COLOURS: &[&str] = &["Navy", "Black", "White", "Olive", "Sand", "Burgundy", "Grey", "Teal"];

const DEPARTMENTS: &[Department] = &[
    Department {
        products: &[
            "Merino Sweater",
            "Linen Shirt",
            "Denim Jacket",
            "Chino Trousers",
            "Rain Jacket",
            "Cotton Tee",
            "Wool Coat",
            "Jersey Dress",
            "Pleated Skirt",
            "Fleece Hoodie",
            "Cargo Shorts",
            "Polo Shirt",
            "Quilted Vest",
            "Silk Blouse",
            "Running Tights",
            "Corduroy Overshirt",
            "Thermal Leggings",
            "Knitted Cardigan",
            "Flannel Pyjamas",
            "Swim Trunks",
        ],
        first: COLOURS,
        second: &["XS", "S", "M", "L", "XL"],
        prices: (1_490, 17_900),
        from_partner: false,
    },
    Department {
        products: &[
            "Leather Sneaker",
            "Trail Shoe",
            "Chelsea Boot",
            "Canvas Slip-On",
            "Suede Loafer",
            "Hiking Boot",
            "Running Shoe",
            "Winter Boot",
        ],
        first: &["Black", "Brown", "White", "Navy"],
        second: &["36", "37", "38", "39", "40", "41", "42", "43", "44", "45"],
        prices: (4_990, 21_900),
        from_partner: false,
    },
    Department {
        products: &[
            "Cushion Cover",
            "Bath Towel",
            "Duvet Set",
            "Table Runner",
            "Wool Throw",
            "Floor Rug",
            "Curtain Pair",
            "Storage Basket",
            "Wall Mirror",
            "Desk Lamp",
            "Candle Holder",
            "Picture Frame",
        ],
        first: &["Oak", "Linen", "Cotton", "Marble", "Brass", "Rattan"],
        second: &["Small", "Medium", "Large"],
        prices: (990, 12_900),
        from_partner: false,
    },
    Department {
        products: &[
            "Dinner Plate",
            "Coffee Mug",
            "Salad Bowl",
            "Chef Knife",
            "Cutting Board",
            "Cast Pan",
            "Tea Pot",
            "Wine Glass",
            "Spice Jar",
            "Serving Tray",
        ],
        first: &["Ivory", "Slate", "Terracotta", "Cobalt", "Walnut"],
        second: &["Single", "Pair", "Set of 4", "Set of 6"],
        prices: (790, 15_900),
        from_partner: false,
    },
    Department {
        products: &[
            "Day Pack",
            "Sleeping Bag",
            "Dome Tent",
            "Camp Stove",
            "Head Torch",
            "Water Bottle",
            "Trekking Poles",
            "Dry Bag",
            "Ski Goggles",
            "Bike Helmet",
            "Climbing Rope",
            "Yoga Mat",
        ],
        first: &["Red", "Green", "Blue", "Black", "Orange"],
        second: &["Compact", "Standard", "Pro"],
        prices: (1_290, 34_900),
        from_partner: true,
    },
    Department {
        products: &[
            "Leather Belt",
            "Wool Scarf",
            "Bucket Hat",
            "Card Wallet",
            "Weekend Bag",
            "Sunglasses Classic",
            "Winter Gloves",
            "Ankle Socks",
            "Silk Tie",
            "Canvas Tote",
        ],
        first: COLOURS,
        second: &["One Size"],
        prices: (990, 14_900),
        from_partner: false,
    },
];

/// The assortment with what is asked for how often.
#[derive(Debug)]
pub struct Catalogue {
    /// Every article.
    pub articles: Vec<Article>,
    /// Articles by how much they are asked for: place 0 is the bestseller.
    pub by_rank: Vec<usize>,
    /// Weight of each rank: demand falls off as in a real shop, few bestsellers and a long tail.
    pub demand: Weighted,
}

impl Catalogue {
    /// The assortment of a seed: the articles are the same, what sells differs.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::of_part(seed, super::PART_CATALOGUE);
        let articles: Vec<Article> =
            DEPARTMENTS.iter().flat_map(|department| department.articles(&mut random)).collect();
        let mut by_rank: Vec<usize> = (0..articles.len()).collect();
        random.shuffle(&mut by_rank);
        let demand = Weighted::new((0..articles.len() as u64).map(|rank| 1_000_000 / (rank + 40)));
        Catalogue { articles, by_rank, demand }
    }

    /// An article as customers ask for it, by its rank.
    pub fn pick_rank(&self, random: &mut Random) -> usize {
        self.demand.pick(random)
    }

    /// The article of a rank.
    pub fn at_rank(&self, rank: usize) -> &Article {
        &self.articles[self.by_rank[rank]]
    }
}

impl Department {
    fn articles(&self, random: &mut Random) -> Vec<Article> {
        let mut articles = Vec::new();
        for product in self.products {
            let price = random.between(self.prices.0 / 100, self.prices.1 / 100) * 100 - 10;
            for first in self.first {
                for second in self.second {
                    articles.push(self.article(product, first, second, price));
                }
            }
        }
        articles
    }

    fn article(&self, product: &str, first: &str, second: &str, price_minor: i64) -> Article {
        Article {
            sku: format!("{}-{}-{}", code(product), code(first), last_code(second)),
            name: format!("{product}, {first}, {second}"),
            price_minor,
            from_partner: self.from_partner,
        }
    }
}

/// `Merino Sweater` becomes `MER-SWE`.
fn code(words: &str) -> String {
    let cut = |word: &str| word.chars().take(3).collect::<String>().to_uppercase();
    words.split([' ', '-']).map(cut).collect::<Vec<_>>().join("-")
}

/// Sizes stay as they are; `Set of 4` becomes `SET4`.
fn last_code(size: &str) -> String {
    size.replace(" of ", "").replace(' ', "").to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_a_few_thousand_articles_each_with_its_own_code_and_name() {
        let catalogue = Catalogue::new(1);
        let count = catalogue.articles.len();
        assert!((1_500..4_000).contains(&count), "{count}");
        for field in [|a: &Article| a.sku.clone(), |a: &Article| a.name.clone()] {
            let mut all: Vec<String> = catalogue.articles.iter().map(field).collect();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count);
        }
        assert!(catalogue.articles.iter().any(|article| article.sku == "MER-SWE-NAV-M"));
    }

    #[test]
    fn prices_are_positive_and_bestsellers_depend_on_the_seed() {
        let (one, two) = (Catalogue::new(1), Catalogue::new(2));
        assert!(one.articles.iter().all(|article| article.price_minor > 0));
        assert_ne!(one.by_rank[..10], two.by_rank[..10]);
    }

    #[test]
    fn a_bestseller_is_asked_for_far_more_often_than_the_tail() {
        let catalogue = Catalogue::new(1);
        let last = catalogue.articles.len() - 1;
        assert!(catalogue.demand.weight(0) > 30 * catalogue.demand.weight(last));
    }
}
