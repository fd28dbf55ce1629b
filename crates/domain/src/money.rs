//! What was paid for units, in whole minor units. No rounding on the way, none lost at the end.

use crate::{Line, LineDetails};

/// What was paid for so many units of a line: the line's price, less its discount, and its tax,
/// prorated and rounded once, half up. Never below 0.
pub fn paid_for(line: &Line, details: &LineDetails, units: i64) -> i64 {
    let paid = worth(line, details, units).and_then(|paid| i64::try_from(paid).ok());
    paid.expect("overflow: more was paid than fits 64 bits")
}

/// As [`paid_for`]; `None` where a product on the way does not fit 128 bits.
pub(crate) fn worth(line: &Line, details: &LineDetails, units: i64) -> Option<i128> {
    let ordered = i128::from(line.ordered);
    // In 1/1000 minor unit, for the whole line.
    let mut price = i128::from(line.unit_price) * ordered;
    if details.price_for != 0 {
        // Kits are ordered whole, so nothing is left over.
        price = price.checked_mul(1_000)? / i128::from(details.price_for);
    }
    let charges = (i128::from(details.tax) - i128::from(details.discount)) * 1_000;
    let whole = (price + charges).max(0);
    let parts = ordered * 1_000;
    let exact = whole.checked_mul(i128::from(units))?.checked_add(parts / 2)?;
    exact.checked_div(parts)
}

/// What is due for further units of a line: what they and all before them are worth together, less
/// what was said to be due before. So the parts sum to the whole (law L20).
pub fn due_for(line: &Line, details: &LineDetails, units: i64) -> i64 {
    paid_for(line, details, details.repaid_units + units) - details.repaid
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SkuIx;

    fn line(units: i64, unit_price: i64) -> Line {
        Line {
            line_id: "1".into(),
            sku: SkuIx(0),
            ordered: units * 1_000,
            open: 0,
            waiting: 0,
            allocated: 0,
            shipped: units * 1_000,
            delivered: 0,
            cancelled: 0,
            undelivered: 0,
            returned: 0,
            unit_price,
        }
    }

    /// RN-01.
    #[test]
    fn amounts_are_prorated_by_units_and_rounded_at_the_end() {
        let whole = LineDetails { discount: 246, tax: 92, ..LineDetails::default() };
        assert_eq!(paid_for(&line(2, 777), &whole, 2_000), 1_400);
        let part = LineDetails { discount: 402, tax: 226, ..LineDetails::default() };
        assert_eq!(paid_for(&line(3, 1_212), &part, 2_000), 2_307);
    }

    /// L20: whatever the parts, they sum to what was paid.
    #[test]
    fn the_parts_sum_to_the_whole() {
        for (units, price, discount, tax) in [(3, 1_212, 402, 226), (7, 99, 0, 1), (3, 100, 1, 0)] {
            let line = line(units, price);
            let mut details = LineDetails { discount, tax, ..LineDetails::default() };
            for _ in 0..units {
                let due = due_for(&line, &details, 1_000);
                assert!(due >= 0);
                details.repaid_units += 1_000;
                details.repaid += due;
            }
            assert_eq!(details.repaid, price * units - discount + tax);
        }
    }

    /// A kit of three at 10.00: its first part has the price of three units.
    #[test]
    fn a_kits_price_is_for_as_many_units_as_it_holds() {
        let details = LineDetails { price_for: 3_000, ..LineDetails::default() };
        assert_eq!(paid_for(&line(6, 1_000), &details, 3_000), 1_000);
        assert_eq!(paid_for(&line(6, 1_000), &details, 6_000), 2_000);
    }

    #[test]
    fn a_discount_over_the_price_leaves_nothing_due() {
        let details = LineDetails { discount: 5_000, ..LineDetails::default() };
        assert_eq!(paid_for(&line(2, 100), &details, 1_000), 0);
    }
}
