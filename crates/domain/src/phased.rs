//! Availability period by period (rule Q6): what is still free of each period's supply once shortages
//! have taken from the surplus of other periods. Quantities in 1/1000 unit.

use crate::Stock;
use crate::inbound::Inbound;

/// What comes in and what is wanted in one period: a day, a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Period {
    /// Comes in; in the first period, what is there too.
    pub supply: i64,
    /// Is promised or waits for it.
    pub demand: i64,
}

/// How periods help each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phasing {
    /// A shortage takes from earlier surplus, the nearest first.
    pub backward: bool,
    /// What is left of it takes from later surplus, the nearest first: goods come late.
    pub forward: bool,
    /// Surplus is carried from period to period; a shortage is not.
    pub accumulation: bool,
}

/// ATP of each period. Negative where nothing covers a shortage. Sums beyond 64 bits are cut there.
pub fn time_phased_atp(periods: &[Period], phasing: Phasing) -> Vec<i64> {
    let net = periods.iter().map(|period| period.supply.saturating_sub(period.demand));
    let mut left: Vec<i64> = net.collect();
    if phasing.backward {
        for period in 0..left.len() {
            cover(&mut left, period, (0..period).rev());
        }
    }
    if phasing.forward {
        for period in 0..left.len() {
            cover(&mut left, period, period + 1..periods.len());
        }
    }
    if phasing.accumulation {
        accumulate(&mut left);
    }
    left
}

/// A shortage takes from the surplus of others, in their order.
fn cover(left: &mut [i64], period: usize, others: impl Iterator<Item = usize>) {
    for other in others {
        let missing = left[period].saturating_neg();
        if missing <= 0 {
            return;
        }
        let taken = left[other].clamp(0, missing);
        left[other] -= taken;
        left[period] += taken;
    }
}

fn accumulate(left: &mut [i64]) {
    let mut carried = 0i64;
    for units in left.iter_mut().filter(|units| **units >= 0) {
        carried = carried.saturating_add(*units);
        *units = carried;
    }
}

/// What can be promised of a stock row from each instant on: now (instant 0), then each at which
/// something is due. What is promised without stock takes from what comes; what is over is carried on.
/// What is expected without a date is left out: nobody knows when it can be promised.
pub fn atp_by_date(stock: &Stock, inbound: &Inbound) -> Vec<(i64, i64)> {
    let now = stock.free().saturating_sub(stock.buffer);
    let mut dates = vec![0];
    let mut periods = vec![Period { supply: now.max(0), demand: now.min(0).saturating_neg() }];
    for &(due_at, _, units) in inbound.rows.iter().filter(|(due_at, ..)| *due_at != 0) {
        if dates.last() != Some(&due_at) {
            dates.push(due_at);
            periods.push(Period::default());
        }
        let period = periods.last_mut().expect("it has the first");
        period.supply = period.supply.saturating_add(units);
    }
    let phasing = Phasing { backward: true, forward: true, accumulation: true };
    dates.into_iter().zip(time_phased_atp(&periods, phasing)).collect()
}

/// The period in which so many units can be promised: the one asked for, else the nearest one, of two
/// as near the earlier. `None`: in no period.
pub fn period_for(atp: &[i64], wanted: usize, units: i64) -> Option<usize> {
    let covers = (0..atp.len()).filter(|&period| atp[period] >= units);
    covers.min_by_key(|&period| (period.abs_diff(wanted), period))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::inbound::Source;

    const BACKWARD: Phasing = Phasing { backward: true, forward: false, accumulation: false };

    fn periods(net: &[i64]) -> Vec<Period> {
        net.iter().map(|&net| Period { supply: net.max(0), demand: (-net).max(0) }).collect()
    }

    #[test]
    fn what_is_left_of_a_shortage_takes_from_later_surplus() {
        let table = periods(&[1, -3, 1, 5]);
        assert_eq!(time_phased_atp(&table, BACKWARD), [0, -2, 1, 5]);
        let both = Phasing { forward: true, ..BACKWARD };
        assert_eq!(time_phased_atp(&table, both), [0, 0, 0, 4]);
        let forward = Phasing { backward: false, ..both };
        assert_eq!(time_phased_atp(&table, forward), [1, 0, 0, 3]);
    }

    #[test]
    fn what_is_promised_without_stock_waits_for_what_is_due() {
        let stock = Stock { on_hand: 2_000, allocated: 5_000, ..Stock::default() };
        let from = |id: &str| Source::PurchaseOrder(id.to_owned());
        let rows = vec![
            (100, from("A"), 2_000),
            (200, from("A"), 3_000),
            (200, from("B"), 1_000),
            (0, from("C"), 9_000),
        ];
        let phased = atp_by_date(&stock, &Inbound { rows });
        assert_eq!(phased, [(0, 0), (100, 0), (200, 3_000)]);
        let full = Stock { on_hand: 4_000, buffer: 1_000, ..Stock::default() };
        let rows = vec![(100, from("A"), 2_000)];
        assert_eq!(atp_by_date(&full, &Inbound { rows }), [(0, 3_000), (100, 5_000)]);
    }

    #[test]
    fn no_period_may_have_enough() {
        assert_eq!(period_for(&[1, 2, 2], 0, 2), Some(1));
        assert_eq!(period_for(&[2, 1, 2], 1, 2), Some(0));
        assert_eq!(period_for(&[1, 1], 0, 2), None);
    }

    fn phasings() -> impl Strategy<Value = Phasing> {
        (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
            |(backward, forward, accumulation)| Phasing { backward, forward, accumulation },
        )
    }

    proptest! {
        /// L17: more supply never lowers any period's ATP.
        #[test]
        fn l17_supply_is_monotone(
            net in prop::collection::vec(-6i64..7, 1..9),
            at in 0usize..8,
            more in 1i64..5,
            phasing in phasings(),
        ) {
            let table = periods(&net);
            let mut richer = table.clone();
            richer[at % net.len()].supply += more;
            let (before, after) =
                (time_phased_atp(&table, phasing), time_phased_atp(&richer, phasing));
            prop_assert!(before.iter().zip(&after).all(|(b, a)| a >= b), "{before:?} {after:?}");
        }

        /// Shifting surplus about makes no unit and loses none.
        #[test]
        fn shortages_take_what_surplus_gives(
            net in prop::collection::vec(-6i64..7, 1..9),
            phasing in phasings(),
        ) {
            let phasing = Phasing { accumulation: false, ..phasing };
            let left = time_phased_atp(&periods(&net), phasing);
            prop_assert_eq!(left.iter().sum::<i64>(), net.iter().sum::<i64>());
        }
    }
}
