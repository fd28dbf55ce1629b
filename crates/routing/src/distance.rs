//! Distance on the globe, the same on every machine.

use omnifold_domain::{Location, Node};
use rustc_hash::FxHashMap;

/// Mean radius of the earth (IUGG), metres.
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// Rank of a node whose distance is unknown: after every known one.
pub(crate) const UNKNOWN: u32 = u32::MAX;

/// Great-circle distance in whole metres, by the haversine formula. The sines are libm's because
/// the platform's own differ in the last bit between machines.
pub fn haversine_m(from: Location, to: Location) -> u32 {
    let radians = |e6: i32| f64::from(e6) * (std::f64::consts::PI / 180e6);
    let half_lat = libm::sin(radians(to.lat_e6 - from.lat_e6) / 2.0);
    let half_lon = libm::sin((radians(to.lon_e6) - radians(from.lon_e6)) / 2.0);
    let across = libm::cos(radians(from.lat_e6)) * libm::cos(radians(to.lat_e6));
    let h = half_lat * half_lat + across * half_lon * half_lon;
    let metres = 2.0 * EARTH_RADIUS_M * libm::asin(libm::sqrt(h.min(1.0)));
    libm::round(metres) as u32 // at most half the circumference, 20 million
}

/// Distances from a destination to every node. Orders of one postcode area share a destination, so
/// most are found here; forgetting them costs time only.
#[derive(Default)]
pub(crate) struct Distances {
    network_version: u64,
    cells: usize,
    known: FxHashMap<Location, Box<[u32]>>,
}

/// Distances kept before all are forgotten: 4 bytes each.
const MAX_CELLS: usize = 4 << 20;

impl Distances {
    /// Metres from the destination to each node, by number; [`UNKNOWN`] where either has no place.
    pub(crate) fn measure(
        &mut self,
        destination: Option<Location>,
        nodes: &[Node],
        network_version: u64,
        into: &mut Vec<u32>,
    ) {
        into.clear();
        let Some(from) = destination else {
            into.resize(nodes.len(), UNKNOWN);
            return;
        };
        if self.network_version != network_version || self.cells > MAX_CELLS {
            self.known.clear();
            self.cells = 0;
            self.network_version = network_version;
        }
        let row = self.known.entry(from).or_insert_with(|| {
            self.cells += nodes.len();
            nodes
                .iter()
                .map(|node| node.location.map_or(UNKNOWN, |place| haversine_m(from, place)))
                .collect()
        });
        into.extend_from_slice(row);
    }

    /// Reads what [`Distances::measure`] will read, where it is known.
    pub(crate) fn warm(&self, destination: Location) -> u32 {
        let row = self.known.get(&destination);
        row.and_then(|row| row.first()).map_or(0, |metres| *metres)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(lat: f64, lon: f64) -> Location {
        Location { lat_e6: (lat * 1e6) as i32, lon_e6: (lon * 1e6) as i32 }
    }

    #[test]
    fn known_distances_come_out() {
        let (paris, berlin) = (place(48.8566, 2.3522), place(52.52, 13.405));
        let metres = haversine_m(paris, berlin);
        assert!((877_000..879_000).contains(&metres), "{metres}");
        assert_eq!(haversine_m(paris, paris), 0);
        assert_eq!(haversine_m(paris, berlin), haversine_m(berlin, paris));
    }

    #[test]
    fn a_quarter_of_the_globe_and_its_far_side() {
        let quarter = haversine_m(place(0.0, 0.0), place(0.0, 90.0));
        assert_eq!(quarter, 10_007_557);
        assert_eq!(haversine_m(place(0.0, -90.0), place(0.0, 90.0)), 20_015_114);
        assert_eq!(haversine_m(place(90.0, 0.0), place(-90.0, 0.0)), 20_015_114);
    }

    #[test]
    fn the_date_line_is_not_a_wall() {
        assert!(haversine_m(place(0.0, 179.9), place(0.0, -179.9)) < 23_000);
    }
}
