//! What an order costs and what was paid for it. Money is in integer minor units of the market's
//! currency; every sum is checked.

use omnifold_events::v1::PaymentRule;
use serde::{Deserialize, Serialize};

use crate::Order;
use crate::money::worth;

/// What must be paid before an order is routed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// `v1::PaymentRule`: the market's, as it was when the order was placed.
    pub rule: i32,
    /// Shipping and tax less discount, minor units.
    pub charges: i64,
}

/// One payment. `refunded <= captured <= authorised`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Unique in the order.
    pub id: String,
    /// Promised and not given up since, what was captured included.
    pub authorised: i64,
    /// Came in.
    pub captured: i64,
    /// Went back.
    pub refunded: i64,
}

impl Due {
    /// The amount due for what is not cancelled; `None` where it does not fit 64 bits. An order of
    /// which everything is cancelled costs nothing, its charges included.
    pub fn amount(&self, order: &Order) -> Option<i64> {
        let mut sum = i128::from(self.charges);
        let mut any = false;
        for (place, line) in order.lines.iter().enumerate() {
            let units = line.ordered - line.cancelled;
            any |= units > 0;
            sum = sum.checked_add(worth(line, &order.line_details(place), units)?)?;
        }
        if any { i64::try_from(sum.max(0)).ok() } else { Some(0) }
    }

    /// What counts as paid under the order's rule. Refunds do not count against it: a seller who
    /// gives money back for goodwill still ships.
    pub fn paid(&self, payments: &[Payment]) -> i128 {
        let captured = self.rule == i32::from(PaymentRule::Captured);
        let counts = |p: &Payment| if captured { p.captured } else { p.authorised };
        payments.iter().map(|payment| i128::from(counts(payment))).sum()
    }
}

/// Captured less refunded, over all payments.
pub fn net_captured(payments: &[Payment]) -> i128 {
    payments.iter().map(|p| i128::from(p.captured) - i128::from(p.refunded)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Line, SkuIx};

    /// An order of (units ordered, cancelled, unit price).
    fn order(lines: &[(i64, i64, i64)]) -> Order {
        let line = |&(ordered, cancelled, unit_price): &(i64, i64, i64)| Line {
            line_id: "1".into(),
            sku: SkuIx(0),
            ordered,
            open: ordered - cancelled,
            waiting: 0,
            allocated: 0,
            shipped: 0,
            delivered: 0,
            cancelled,
            undelivered: 0,
            returned: 0,
            unit_price,
        };
        Order {
            channel: "web".into(),
            order_id: "O".into(),
            revision: 1,
            decisions: 0,
            placed_step: 1,
            placed_at: 0,
            priority: 0,
            destination: None,
            allow_partial: false,
            fulfil_from: Vec::new(),
            excluded: Vec::new(),
            lines: lines.iter().map(line).collect(),
            fulfilments: Vec::new(),
            details: None,
            handling: None,
            timing: None,
        }
    }

    fn due(charges: i64) -> Due {
        Due { rule: PaymentRule::Captured.into(), charges }
    }

    #[test]
    fn lines_are_rounded_half_up_and_charges_added() {
        let mut order = order(&[(1_500, 0, 333), (2_000, 1_000, 10)]);
        assert_eq!(due(495).amount(&order), Some(500 + 10 + 495));
        let details = order.line_details_mut(1);
        (details.discount, details.tax) = (8, 2);
        assert_eq!(due(495).amount(&order), Some(500 + 7 + 495), "half of the line's charges");
    }

    #[test]
    fn a_discount_never_makes_the_amount_negative_and_a_cancelled_order_costs_nothing() {
        assert_eq!(due(-5_000).amount(&order(&[(1_000, 0, 100)])), Some(0));
        assert_eq!(due(495).amount(&order(&[(1_000, 1_000, 100)])), Some(0));
    }

    #[test]
    fn an_amount_beyond_64_bits_is_none() {
        assert_eq!(due(0).amount(&order(&[(2_000, 0, i64::MAX)])), None);
        assert_eq!(due(0).amount(&order(&[(1_000, 0, i64::MAX)])), Some(i64::MAX));
    }

    #[test]
    fn what_counts_as_paid_is_the_rules_to_say() {
        let payment = Payment { id: "p".into(), authorised: 900, captured: 400, refunded: 100 };
        let mut due = due(0);
        assert_eq!(due.paid(std::slice::from_ref(&payment)), 400);
        due.rule = PaymentRule::Authorised.into();
        assert_eq!(due.paid(std::slice::from_ref(&payment)), 900);
        assert_eq!(net_captured(&[payment]), 300);
    }
}
