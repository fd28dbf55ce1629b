//! Where the retailer keeps its stock: warehouses, stores and dropship partners.

use omnifold_events::v1;

use super::cities::City;

/// A place that holds stock.
#[derive(Debug)]
pub struct Place {
    /// `WH-LILLE`, `ST-PARIS`, `DS-PORTO`.
    pub node_id: String,
    /// For people.
    pub name: String,
    /// What it is.
    pub kind: v1::NodeKind,
    /// Where it is.
    pub city: &'static City,
}

const WAREHOUSES: &[&str] = &["Lille", "Cologne", "Wroclaw", "Milan", "Madrid"];

const STORES: &[&str] = &[
    "London",
    "Manchester",
    "Dublin",
    "Paris",
    "Lyon",
    "Brussels",
    "Amsterdam",
    "Berlin",
    "Hamburg",
    "Munich",
    "Copenhagen",
    "Stockholm",
    "Warsaw",
    "Prague",
    "Vienna",
    "Zurich",
    "Rome",
    "Barcelona",
    "Lisbon",
    "Budapest",
];

const PARTNERS: &[(&str, &str)] = &[
    ("Porto", "Porto Surf and Trail"),
    ("Gothenburg", "Gothenburg Outdoor"),
    ("Naples", "Naples Travel Goods"),
    ("Krakow", "Krakow Mountain Gear"),
    ("Antwerp", "Antwerp Camping Supply"),
    ("Turin", "Turin Alpine"),
];

/// Every place, warehouses first, then stores, then partners.
pub fn places() -> Vec<Place> {
    let warehouses = WAREHOUSES.iter().map(|city| {
        place("WH", city, format!("{city} distribution centre"), v1::NodeKind::Warehouse)
    });
    let stores =
        STORES.iter().map(|city| place("ST", city, format!("{city} store"), v1::NodeKind::Store));
    let partners = PARTNERS
        .iter()
        .map(|(city, name)| place("DS", city, (*name).to_owned(), v1::NodeKind::Partner));
    warehouses.chain(stores).chain(partners).collect()
}

fn place(prefix: &str, city: &str, name: String, kind: v1::NodeKind) -> Place {
    let node_id = format!("{prefix}-{}", city.to_uppercase());
    Place { node_id, name, kind, city: City::named(city) }
}

/// Places of that kind, as numbers into the list.
pub fn of_kind(places: &[Place], kind: v1::NodeKind) -> Vec<usize> {
    (0..places.len()).filter(|&number| places[number].kind == kind).collect()
}

impl Place {
    /// Its definition.
    pub fn definition(&self) -> v1::NodeDefined {
        v1::NodeDefined {
            node_id: self.node_id.clone(),
            name: self.name.clone(),
            kind: self.kind.into(),
            location: Some(self.city.location()),
            country: self.city.country.to_owned(),
            ..Default::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_warehouses_stores_and_partners_each_with_its_own_id() {
        let places = places();
        assert_eq!(of_kind(&places, v1::NodeKind::Warehouse).len(), 5);
        assert_eq!(of_kind(&places, v1::NodeKind::Store).len(), 20);
        assert_eq!(of_kind(&places, v1::NodeKind::Partner).len(), 6);
        let mut ids: Vec<&str> = places.iter().map(|place| place.node_id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), places.len());
    }
}
