//! European cities with their true places, and the leading parts of their postcodes.
//! Places: city centres, WGS 84. Populations: municipalities, rounded, in thousands.

use omnifold_events::v1;

/// A city: where customers live and stores stand.
#[derive(Debug)]
pub struct City {
    /// English name.
    pub name: &'static str,
    /// ISO 3166-1 alpha-2.
    pub country: &'static str,
    /// Microdegrees, north positive.
    pub lat_e6: i32,
    /// Microdegrees, east positive.
    pub lon_e6: i32,
    /// In thousands.
    pub population: u64,
    /// Leading parts of its postcodes, separated by spaces.
    areas: &'static str,
}

const fn city(
    name: &'static str,
    country: &'static str,
    (lat_e6, lon_e6): (i32, i32),
    population: u64,
    areas: &'static str,
) -> City {
    City { name, country, lat_e6, lon_e6, population, areas }
}

/// The cities, by country.
pub const CITIES: &[City] = &[
    city("Vienna", "AT", (48_208_300, 16_372_500), 1_950, "10 11 12"),
    city("Antwerp", "BE", (51_217_800, 4_400_300), 530, "20 21"),
    city("Brussels", "BE", (50_846_700, 4_352_500), 1_200, "10 11"),
    city("Sofia", "BG", (42_700_000, 23_330_000), 1_240, "10 11 14"),
    city("Zurich", "CH", (47_374_400, 8_541_100), 430, "80"),
    city("Prague", "CZ", (50_087_500, 14_421_400), 1_350, "11 12 14 15 18"),
    city("Berlin", "DE", (52_520_000, 13_405_000), 3_700, "10 12 13 14"),
    city("Cologne", "DE", (50_936_400, 6_952_800), 1_080, "50 51"),
    city("Frankfurt", "DE", (50_110_600, 8_682_200), 760, "60 65"),
    city("Hamburg", "DE", (53_550_000, 10_000_000), 1_850, "20 21 22"),
    city("Leipzig", "DE", (51_340_000, 12_375_000), 600, "04"),
    city("Munich", "DE", (48_137_500, 11_575_000), 1_500, "80 81"),
    city("Copenhagen", "DK", (55_676_100, 12_568_300), 650, "1 21 22 23"),
    city("Barcelona", "ES", (41_382_800, 2_176_900), 1_640, "080"),
    city("Madrid", "ES", (40_416_900, -3_703_300), 3_300, "280"),
    city("Seville", "ES", (37_390_000, -5_990_000), 680, "410"),
    city("Valencia", "ES", (39_470_000, -376_400), 790, "460"),
    city("Helsinki", "FI", (60_170_800, 24_937_500), 660, "00"),
    city("Bordeaux", "FR", (44_840_000, -580_000), 260, "33"),
    city("Lille", "FR", (50_627_800, 3_058_300), 235, "59"),
    city("Lyon", "FR", (45_760_000, 4_840_000), 520, "69"),
    city("Marseille", "FR", (43_296_400, 5_370_000), 870, "13"),
    city("Paris", "FR", (48_856_700, 2_352_200), 2_100, "75 92 93 94"),
    city("Toulouse", "FR", (43_604_500, 1_444_000), 500, "31"),
    city("Birmingham", "GB", (52_480_000, -1_902_500), 1_150, "B"),
    city("Glasgow", "GB", (55_861_100, -4_250_000), 630, "G"),
    city("London", "GB", (51_507_200, -127_500), 8_900, "E EC N NW SE SW W WC"),
    city("Manchester", "GB", (53_479_000, -2_245_200), 560, "M"),
    city("Athens", "GR", (37_984_200, 23_728_100), 640, "10 11"),
    city("Budapest", "HU", (47_492_500, 19_051_400), 1_700, "10 11"),
    city("Dublin", "IE", (53_350_000, -6_260_300), 590, "D01 D02 D04 D08"),
    city("Milan", "IT", (45_466_900, 9_190_000), 1_370, "201"),
    city("Naples", "IT", (40_833_300, 14_250_000), 910, "801"),
    city("Rome", "IT", (41_893_300, 12_482_800), 2_750, "001"),
    city("Turin", "IT", (45_079_200, 7_676_100), 850, "101"),
    city("Amsterdam", "NL", (52_372_800, 4_893_600), 920, "10 11"),
    city("Rotterdam", "NL", (51_920_000, 4_480_000), 650, "30"),
    city("Oslo", "NO", (59_913_300, 10_738_900), 700, "01 02 03 05"),
    city("Krakow", "PL", (50_061_400, 19_937_200), 800, "30 31"),
    city("Warsaw", "PL", (52_230_000, 21_011_100), 1_860, "00 01 02 03 04"),
    city("Wroclaw", "PL", (51_110_000, 17_032_500), 670, "50 51"),
    city("Lisbon", "PT", (38_725_300, -9_150_000), 550, "10 11 12 15 17"),
    city("Porto", "PT", (41_162_100, -8_622_000), 230, "40 41 42 43"),
    city("Bucharest", "RO", (44_432_500, 26_103_900), 1_720, "01 02 03 04 05 06"),
    city("Gothenburg", "SE", (57_707_500, 11_967_500), 590, "41"),
    city("Stockholm", "SE", (59_329_400, 18_068_600), 980, "10 11 12"),
];

/// Steps from a city's centre to its postcode areas, in hundredths of a degree (north, east).
const AREA_STEPS: [(i32, i32); 8] =
    [(1, 1), (4, -3), (-3, 6), (-5, -4), (6, 5), (2, -8), (-7, 1), (0, 9)];

impl City {
    /// The city of that name.
    ///
    /// # Panics
    /// Where the table has none: the callers' names are constants too.
    pub fn named(name: &str) -> &'static City {
        CITIES.iter().find(|city| city.name == name).unwrap_or_else(|| panic!("no city {name}"))
    }

    /// Its centre.
    pub fn location(&self) -> v1::Location {
        v1::Location { lat_e6: self.lat_e6, lon_e6: self.lon_e6 }
    }

    /// How many postcode areas it has.
    pub fn area_count(&self) -> u64 {
        self.areas.split(' ').count() as u64
    }

    /// One of its postcode areas, with a place for it some kilometres off the centre.
    pub fn area(&self, number: u64) -> (&'static str, v1::Location) {
        let number = number as usize;
        let code = self.areas.split(' ').nth(number).expect("a number below area_count");
        let (north, east) = AREA_STEPS[number % AREA_STEPS.len()];
        let lat_e6 = self.lat_e6 + north * 10_000;
        (code, v1::Location { lat_e6, lon_e6: self.lon_e6 + east * 10_000 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_city_lies_in_europe_and_has_its_own_name() {
        for city in CITIES {
            assert!((35_000_000..62_000_000).contains(&city.lat_e6), "{}", city.name);
            assert!((-11_000_000..30_000_000).contains(&city.lon_e6), "{}", city.name);
        }
        let mut names: Vec<&str> = CITIES.iter().map(|city| city.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CITIES.len());
    }

    #[test]
    fn areas_lie_near_the_centre_and_apart_from_each_other() {
        let london = City::named("London");
        let mut places: Vec<(i32, i32)> = (0..london.area_count())
            .map(|number| london.area(number).1)
            .map(|place| (place.lat_e6, place.lon_e6))
            .collect();
        assert!(places.iter().all(|(lat, lon)| {
            lat.abs_diff(london.lat_e6) <= 100_000 && lon.abs_diff(london.lon_e6) <= 100_000
        }));
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), 8);
        assert_eq!(london.area(1).0, "EC");
    }
}
