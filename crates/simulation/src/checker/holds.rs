//! What holds orders back, as the topics tell it: holds, and money that has not come. Amounts in
//! minor units, quantities in 1/1000 unit.

use omnifold_events::v1::{self, PaymentRule};

use super::ledger::{Line, Order};
use super::names::Names;

/// What few orders have.
#[derive(Debug, Default)]
pub struct Handling {
    /// (number of the hold's name, number of the fulfilment or 0 for the whole order).
    holds: Vec<(u32, u32)>,
    /// What must be paid before anything is assigned.
    bill: Option<Bill>,
    payments: Vec<Payment>,
    /// The step whose outcome put open units on hold: what that same step assigns it assigns beside it.
    unserved_since: Option<u64>,
}

#[derive(Debug)]
struct Bill {
    on_capture: bool,
    charges: i128,
}

#[derive(Debug, Clone, Copy, Default)]
struct Payment {
    name: u32,
    promised: i128,
    came_in: i128,
}

/// What a payment event does to its payment.
#[derive(Debug, Clone, Copy)]
pub enum Booking {
    Authorised(i64),
    Captured(i64),
    /// `None`: all that did not come in.
    GivenUp(Option<i64>),
}

impl Handling {
    /// The handling of an order placed under a rule of payment.
    pub fn placed(event: &v1::OrderPlaced, rule: PaymentRule) -> Option<Box<Handling>> {
        if !matches!(rule, PaymentRule::Authorised | PaymentRule::Captured) {
            return None;
        }
        let minor = |money: &Option<v1::Money>| money.as_ref().map_or(0, |money| money.minor);
        let charges = event.charges.clone().unwrap_or_default();
        let sum = i128::from(minor(&charges.shipping)) + i128::from(minor(&charges.tax));
        let bill = Bill {
            on_capture: rule == PaymentRule::Captured,
            charges: sum - i128::from(minor(&charges.discount)),
        };
        Some(Box::new(Handling { bill: Some(bill), ..Handling::default() }))
    }

    /// A hold is put on.
    pub fn hold(&mut self, event: &v1::OrderHeld, names: &mut Names) {
        self.holds.push((names.number(&event.hold_id), event.fulfilment));
    }

    /// The engine keeps what nobody serves for somebody to look at. No fulfilment has that number.
    pub fn hold_unserved(&mut self, hold: u32, step: u64) {
        self.holds.push((hold, u32::MAX));
        self.unserved_since = Some(step);
    }

    /// A hold is taken away. Returns whether it was there.
    pub fn let_go(&mut self, hold: u32) -> bool {
        let before = self.holds.len();
        self.holds.retain(|(name, _)| *name != hold);
        self.holds.len() < before
    }

    /// Money moves.
    pub fn book(&mut self, name: u32, booking: Booking) {
        let place = self.payments.iter().position(|payment| payment.name == name);
        let place = place.unwrap_or_else(|| {
            self.payments.push(Payment { name, ..Payment::default() });
            self.payments.len() - 1
        });
        let payment = &mut self.payments[place];
        match booking {
            Booking::Authorised(amount) => payment.promised += i128::from(amount),
            Booking::Captured(amount) => {
                payment.came_in += i128::from(amount);
                payment.promised = payment.promised.max(payment.came_in);
            }
            Booking::GivenUp(Some(amount)) => payment.promised -= i128::from(amount),
            Booking::GivenUp(None) => payment.promised = payment.came_in,
        }
    }

    fn is_unpaid(&self, lines: &[Line]) -> bool {
        let Some(bill) = &self.bill else { return false };
        let wanted: Vec<i64> = lines.iter().map(|line| line.ordered - line.cancelled).collect();
        if wanted.iter().all(|&units| units == 0) {
            return false;
        }
        let goods: i128 = wanted.iter().zip(lines).map(|(&units, line)| price(line, units)).sum();
        let counts = |p: &Payment| if bill.on_capture { p.came_in } else { p.promised };
        self.payments.iter().map(counts).sum::<i128>() < (goods + bill.charges).max(0)
    }
}

/// What so many units of a line cost: their share of its price and its charges, rounded half up.
fn price(line: &Line, units: i64) -> i128 {
    let ordered = i128::from(line.ordered);
    let whole = i128::from(line.unit_price) * ordered + i128::from(line.charges) * 1_000;
    (whole.max(0) * i128::from(units) + ordered * 500) / (ordered * 1_000)
}

impl Order {
    /// Whether nothing more of it may be assigned.
    pub fn is_held(&self) -> bool {
        self.handling.as_ref().is_some_and(|h| !h.holds.is_empty() || h.is_unpaid(&self.lines))
    }

    /// Whether a step may assign units although the order is on hold: it was put on hold by that step, for
    /// others of its units.
    pub fn is_put_on_hold_by(&self, step: u64) -> bool {
        let since = self.handling.as_ref().and_then(|handling| handling.unserved_since);
        since == Some(step)
    }

    /// Whether nothing more of a fulfilment (its number, from 1) may be shipped.
    pub fn is_fulfilment_held(&self, number: u32) -> bool {
        self.handling.as_ref().is_some_and(|handling| {
            handling.holds.iter().any(|(_, on)| *on == 0 || *on == number)
                || handling.is_unpaid(&self.lines)
        })
    }
}
