//! Availability period by period (rule Q6): what is still free of each period's supply once shortages
//! have taken from the surplus of other periods. Quantities in 1/1000 unit.

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
