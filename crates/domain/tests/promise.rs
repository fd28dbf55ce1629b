//! Promises learned on made-up histories: they hold what they state, know nothing of the future,
//! and stand every order of events.

use omnifold_domain::promise::{Book, DeliveryDays, Facts, Moment, Promised, Settings, Spending};
use proptest::prelude::*;

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

const EVEN: Settings = Settings { late_ppm: 100_000, early_ppm: 50_000, spending: Spending::Even };

fn moment(ms: i64) -> Moment {
    Moment { ms, day: ms.div_euclid(DAY_MS) as i32 }
}

/// Numbers that look random (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % limit
    }
}

#[derive(Debug, Clone, Copy)]
struct Order {
    facts: Facts,
    placed: i64,
    handed_over: i64,
    delivered: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Told {
    first: Option<Promised>,
    second: Option<Promised>,
}

/// Twenty orders a day, on the way for weeks: where durations hardly vary, whole days are kept more
/// often than stated. Far areas take longer and vary more; one in eight takes up to thrice as
/// long. From `slow_from` on, everything takes twice as long.
fn history(days: i64, slow_from: i64, lost_percent: u64) -> Vec<Order> {
    let mut chance = Chance(7);
    let mut orders = Vec::new();
    for number in 0..days * 20 {
        let placed = number * DAY_MS / 20;
        let (node, area) = (chance.below(6), chance.below(8));
        let facts = Facts {
            node,
            origin: node / 3,
            areas: [area / 4, area / 2, area],
            distance_m: 100_000 * (1 + area as u32 * 2),
            weight_g: 500 + chance.below(5_000) as u32,
            nodes: 1,
            units: 1 + chance.below(3) as u32,
        };
        let pace = if placed >= slow_from * DAY_MS { 2 } else { 1 };
        let mut transit = 96 + 48 * area;
        transit += (0..4).map(|_| chance.below(48 + 24 * area)).sum::<u64>();
        transit += if chance.below(8) == 0 { chance.below(2 * transit) } else { 0 };
        let processing = 12 + 12 * node + chance.below(240);
        let handed_over = placed + processing as i64 * pace * HOUR_MS;
        let delivered = handed_over + transit as i64 * pace * HOUR_MS;
        let is_lost = chance.below(100) < lost_percent;
        let delivered = (!is_lost).then_some(delivered);
        orders.push(Order { facts, placed, handed_over, delivered });
    }
    orders
}

fn replay(orders: &[Order], settings: Settings) -> Vec<Told> {
    let mut events: Vec<(i64, u8, usize)> = Vec::new();
    for (number, order) in orders.iter().enumerate() {
        events.push((order.placed, 2, number));
        events.push((order.handed_over, 1, number));
        events.extend(order.delivered.map(|time| (time, 0, number)));
    }
    events.sort_unstable();
    let mut book = Book::new(settings, DeliveryDays::EVERY);
    let mut told = vec![Told { first: None, second: None }; orders.len()];
    for (time, what, number) in events {
        let (at, order) = (moment(time), number as u64);
        match what {
            0 => book.delivered(order, at),
            1 => told[number].second = book.handed_over(order, at),
            _ => {
                book.advance(at.day);
                let asked = book.foresee(&orders[number].facts, at).promised;
                told[number].first = book.placed(order, orders[number].facts, at);
                assert_eq!(asked, told[number].first, "a query tells what a placing promises");
            }
        }
    }
    told
}

/// Late orders of a thousand, and mean days, over those placed in `days` of a kind.
fn late(
    orders: &[Order],
    told: &[Told],
    days: std::ops::Range<i64>,
    of: impl Fn(&Order) -> bool,
) -> (i64, f64) {
    let (mut count, mut late, mut sum) = (0, 0, 0);
    for (order, told) in orders.iter().zip(told) {
        let (Some(promised), Some(delivered)) = (told.first, order.delivered) else { continue };
        if days.contains(&(order.placed / DAY_MS)) && of(order) {
            count += 1;
            late += i64::from(moment(delivered).day > promised.latest_day);
            sum += promised.latest_day - moment(order.placed).day;
        }
    }
    assert!(count > 100, "only {count} promises");
    (late * 1_000 / count, f64::from(sum) / count as f64)
}

#[test]
fn the_stated_rate_is_kept_near_and_far() {
    let orders = history(400, i64::MAX / DAY_MS, 2);
    for (late_ppm, limits) in [(100_000, 60..=115), (50_000, 30..=60), (10_000, 2..=18)] {
        let told = replay(&orders, Settings { late_ppm, ..EVEN });
        let (all, _) = late(&orders, &told, 100..360, |_| true);
        assert!(limits.contains(&all), "{late_ppm} ppm: {all} of a thousand");
    }
    let told = replay(&orders, EVEN);
    for area in 0..8 {
        let (rate, _) = late(&orders, &told, 100..360, |order| order.facts.areas[2] == area);
        assert!((40..=140).contains(&rate), "area {area}: {rate} of a thousand");
    }
}

#[test]
fn thrift_promises_fewer_days_at_the_same_rate() {
    let orders = history(400, i64::MAX / DAY_MS, 0);
    let thrifty = replay(&orders, Settings { spending: Spending::Thrifty, ..EVEN });
    let even = replay(&orders, EVEN);
    let (even_late, even_days) = late(&orders, &even, 100..360, |_| true);
    let (thrifty_late, thrifty_days) = late(&orders, &thrifty, 100..360, |_| true);
    assert!((even_late - thrifty_late).abs() <= 15, "{even_late} {thrifty_late}");
    assert!(thrifty_days < even_days, "{thrifty_days} {even_days}");
}

#[test]
fn a_lasting_slowdown_is_learned() {
    let orders = history(500, 200, 0);
    let told = replay(&orders, EVEN);
    let (at_once, _) = late(&orders, &told, 200..220, |_| true);
    let (later, _) = late(&orders, &told, 330..450, |_| true);
    assert!(at_once > 250, "nobody knows before it is felt: {at_once}");
    assert!(later <= 100, "{later} of a thousand");
}

#[test]
fn the_second_look_is_narrower() {
    let orders = history(300, i64::MAX / DAY_MS, 0);
    let told = replay(&orders, EVEN);
    let width = |promised: Promised| promised.latest_day - promised.earliest_day;
    let both = told.iter().filter_map(|told| Some((width(told.first?), width(told.second?))));
    let (first, second) = both.fold((0, 0), |sum, both| (sum.0 + both.0, sum.1 + both.1));
    assert!(second < first && second > 0, "{first} {second}");
}

/// The future is planted: two histories are one up to a day and differ in all that comes after,
/// outcomes of earlier orders included. No promise made before that day may tell them apart.
#[test]
fn nothing_is_known_of_the_future() {
    const DAY: i64 = 150;
    let orders = history(300, i64::MAX / DAY_MS, 3);
    let mut planted = orders.clone();
    for order in &mut planted {
        for time in [&mut order.handed_over].into_iter().chain(&mut order.delivered) {
            if *time >= DAY * DAY_MS {
                *time += 25 * DAY_MS;
            }
        }
    }
    let (told, other) = (replay(&orders, EVEN), replay(&planted, EVEN));
    let mut promised = 0;
    let mut differ = 0;
    for ((order, told), other) in orders.iter().zip(&told).zip(&other) {
        if order.placed < DAY * DAY_MS {
            assert_eq!(told.first, other.first);
            promised += usize::from(told.first.is_some());
        } else {
            differ += usize::from(told.first != other.first);
        }
        if order.handed_over < DAY * DAY_MS {
            assert_eq!(told.second, other.second);
        }
    }
    assert!(promised > 1_000, "{promised}");
    assert!(differ > 1_000, "what was planted is seen when its time comes: {differ}");
}

#[test]
fn nothing_is_promised_before_anything_is_known() {
    let mut book = Book::new(EVEN, DeliveryDays::EVERY);
    let facts = history(1, 0, 0)[0].facts;
    assert_eq!(book.placed(1, facts, moment(0)), None);
    assert_eq!(book.handed_over(1, moment(DAY_MS)), None);
    assert_eq!(book.handed_over(2, moment(DAY_MS)), None, "never placed");
    book.delivered(1, moment(2 * DAY_MS));
    book.delivered(1, moment(2 * DAY_MS));
    assert_eq!(book.open_orders(), 0);
}

#[test]
fn what_never_ends_is_forgotten() {
    let mut book = Book::new(EVEN, DeliveryDays::EVERY);
    let facts = history(1, 0, 0)[0].facts;
    for order in 0..100 {
        book.placed(order, facts, moment(0));
    }
    book.advance(200);
    assert_eq!(book.open_orders(), 100);
    book.advance(201);
    assert_eq!(book.open_orders(), 0);
}

/// On its days off a carrier delivers nothing: no promise ends on one, and an order on whose way one
/// falls is not late for it.
#[test]
fn days_off_are_counted_around() {
    let days = DeliveryDays { weekdays: 0b1_1111, off: (0..40).map(|week| 7 * week + 4).collect() };
    let delivers = |day: i32| day.rem_euclid(7) != 4 && (day + 3).rem_euclid(7) < 5;
    let nth = |day: i32, count: usize| {
        (day + 1..).filter(|day| delivers(*day)).nth(count).expect("days go on")
    };
    let facts = history(1, 0, 0)[0].facts;
    let mut book = Book::new(Settings { late_ppm: 100_000, ..EVEN }, days);
    let mut due: Vec<(i32, u64)> = Vec::new();
    let mut widths = Vec::new();
    for order in 0..2_000 {
        let at = moment(order * DAY_MS / 10);
        due.sort_unstable();
        while due.first().is_some_and(|(day, _)| *day < at.day) {
            let (day, order) = due.remove(0);
            book.delivered(order, moment(i64::from(day) * DAY_MS + 12 * HOUR_MS));
        }
        // Three or, of a tenth, five delivery days on the way.
        due.push((nth(at.day, if order % 10 == 0 { 4 } else { 2 }), order as u64));
        let promised = book.placed(order as u64, facts, at);
        if let Some(promised) = promised.filter(|_| at.day > 150) {
            assert!(delivers(promised.latest_day) && delivers(promised.earliest_day));
            let counted = (at.day + 1..=promised.latest_day).filter(|day| delivers(*day)).count();
            widths.push(counted);
        }
    }
    assert!(widths.len() > 300, "{}", widths.len());
    let fitting = widths.iter().filter(|days| (3..=5).contains(*days)).count();
    assert_eq!(fitting, widths.len(), "whatever lies between: {widths:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Events in any order, of any time, twice or never: no failure, and L18 holds.
    #[test]
    fn any_order_of_events_is_borne(
        seed in any::<u64>(), thrifty in any::<bool>(), late_ppm in 1u32..400_000,
    ) {
        let spending = if thrifty { Spending::Thrifty } else { Spending::Even };
        let settings = Settings { late_ppm, early_ppm: 50_000, spending };
        let mut book = Book::new(settings, DeliveryDays::EVERY);
        let facts: Vec<Facts> = history(2, 0, 0).iter().map(|order| order.facts).collect();
        let mut chance = Chance(seed);
        let mut time = 0i64;
        for _ in 0..2_000 {
            time += chance.below(DAY_MS as u64) as i64 - DAY_MS / 5;
            let (order, at) = (chance.below(300), moment(time));
            let facts = facts[chance.below(facts.len() as u64) as usize];
            let promised = match chance.below(8) {
                0 | 1 => book.placed(1_000 + chance.below(1 << 40), facts, at),
                2 => book.placed(order, facts, at).filter(|_| false),
                3 => book.handed_over(order, at),
                4 => { book.cancelled(order, at); None }
                _ => { book.delivered(order, at); None }
            };
            if let Some(promised) = promised {
                prop_assert!(promised.earliest_day <= promised.latest_day);
                prop_assert!(promised.earliest_day >= at.day, "{promised:?} at {at:?}");
            }
        }
    }
}
