//! Zip prefixes to places.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use omnifold_events::v1;

use super::tables::Point;
use crate::decimal::{Finer, scaled};

/// Brazil with its islands, in microdegrees: south, north, west, east. Points outside are slips.
const BRAZIL: [i64; 4] = [-34_000_000, 6_000_000, -74_000_000, -28_000_000];

/// Centroids by zip prefix.
pub(super) struct Places {
    centroids: BTreeMap<u32, v1::Location>,
    /// Points left out because they are not in Brazil.
    pub(super) points_outside: u64,
}

/// A centroid, and whether it is another prefix's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    pub(super) location: v1::Location,
    pub(super) is_nearest: bool,
}

#[derive(Default)]
struct Sum {
    lat: i64,
    lon: i64,
    points: i64,
}

impl Places {
    pub(super) fn of(points: &[Point]) -> anyhow::Result<Self> {
        let mut sums: BTreeMap<u32, Sum> = BTreeMap::new();
        let mut points_outside = 0;
        for point in points {
            let degrees = |text: &str| {
                scaled(text, 6, Finer::Round).with_context(|| format!("coordinate `{text}`"))
            };
            let lat = degrees(&point.geolocation_lat)?;
            let lon = degrees(&point.geolocation_lng)?;
            let [south, north, west, east] = BRAZIL;
            if !(south..=north).contains(&lat) || !(west..=east).contains(&lon) {
                points_outside += 1;
                continue;
            }
            let sum = sums.entry(point.geolocation_zip_code_prefix).or_default();
            sum.lat += lat;
            sum.lon += lon;
            sum.points += 1;
        }
        ensure!(!sums.is_empty(), "the geolocation file holds no point in Brazil");
        let centroids = sums.iter().map(|(&prefix, sum)| (prefix, sum.centroid())).collect();
        Ok(Places { centroids, points_outside })
    }

    /// Number of prefixes with a centroid.
    pub(super) fn len(&self) -> usize {
        self.centroids.len()
    }

    /// The centroid of a prefix; of the numerically nearest (the lower of two) where it has none.
    pub(super) fn locate(&self, prefix: u32) -> Found {
        if let Some(&location) = self.centroids.get(&prefix) {
            return Found { location, is_nearest: false };
        }
        let below = self.centroids.range(..prefix).next_back();
        let above = self.centroids.range(prefix..).next();
        let nearest =
            below.into_iter().chain(above).min_by_key(|(known, _)| known.abs_diff(prefix));
        let (_, &location) = nearest.expect("there is at least one prefix");
        Found { location, is_nearest: true }
    }
}

impl Sum {
    fn centroid(&self) -> v1::Location {
        let mean = |sum: i64| i32::try_from(sum / self.points).expect("a mean of microdegrees");
        v1::Location { lat_e6: mean(self.lat), lon_e6: mean(self.lon) }
    }
}

/// A place rounded to 0.01 degree, halves away from zero.
pub(super) fn coarse(place: v1::Location) -> v1::Location {
    let round = |e6: i32| (e6 + 5_000 * e6.signum()) / 10_000 * 10_000;
    v1::Location { lat_e6: round(place.lat_e6), lon_e6: round(place.lon_e6) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(prefix: u32, lat: &str, lng: &str) -> Point {
        Point {
            geolocation_zip_code_prefix: prefix,
            geolocation_lat: lat.to_owned(),
            geolocation_lng: lng.to_owned(),
        }
    }

    fn places() -> Places {
        Places::of(&[
            point(1_000, "-23.5", "-46.6"),
            point(1_000, "-23.7", "-46.2"),
            point(1_000, "38.4", "-6.3"),
            point(1_010, "-10.0000005", "-50.0"),
        ])
        .expect("good points")
    }

    #[test]
    fn a_prefix_stands_at_the_mean_of_its_points_in_brazil() {
        let places = places();
        let found = places.locate(1_000);
        assert_eq!(found.location, v1::Location { lat_e6: -23_600_000, lon_e6: -46_400_000 });
        assert!(!found.is_nearest);
        assert_eq!((places.len(), places.points_outside), (2, 1));
    }

    #[test]
    fn a_missing_prefix_stands_at_the_numerically_nearest() {
        let places = places();
        for (prefix, known) in
            [(1_004, 1_000), (1_005, 1_000), (1_006, 1_010), (99_999, 1_010), (1, 1_000)]
        {
            let found = places.locate(prefix);
            assert_eq!(found.location, places.locate(known).location, "{prefix}");
            assert!(found.is_nearest);
        }
    }

    #[test]
    fn a_coarse_place_has_two_decimals() {
        let place = v1::Location { lat_e6: -23_545_000, lon_e6: -46_634_999 };
        assert_eq!(coarse(place), v1::Location { lat_e6: -23_550_000, lon_e6: -46_630_000 });
    }

    #[test]
    fn a_coordinate_that_is_no_number_is_named() {
        let error = Places::of(&[point(1, "north", "-46")]).err().expect("refused");
        assert!(format!("{error:#}").contains("`north`"), "{error:#}");
    }
}
