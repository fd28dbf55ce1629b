//! What few orders need: holds, payments, terms of delivery, units asked back from a node. It stands
//! apart from the order's row fields so that an order without it carries nothing of it.

use omnifold_events::v1;
use serde::{Deserialize, Serialize};

use crate::payment::{Due, Payment};
use crate::{FulfilmentLine, Order, SoftHoldKey, calendar};

/// The handling of one order. An order that needs none has none ([`Order::tidy_handling`]).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handling {
    /// What holds it back, oldest first. The engine's own hold is derived, never stored.
    pub holds: Vec<Hold>,
    /// What must be paid before it is routed; `None`: routing waits for no money.
    pub due: Option<Due>,
    /// Its payments, oldest first.
    pub payments: Vec<Payment>,
    /// Units that nodes were asked to give up and have not answered for.
    pub asked_back: Vec<AskedBack>,
    /// A soft hold that the order takes the place of once nothing holds it back.
    pub soft_hold: Option<SoftHoldKey>,
    /// The bytes of a `v1::DeliveryTerms`; empty: none. Carried; of them policies look at the shipping
    /// method and the day asked for.
    pub delivery: Vec<u8>,
}

/// The hold that a policy's rule puts on what nobody serves.
pub const UNSERVED_HOLD: &str = "policy";

/// Number of no fulfilment: a hold that stops routing, and no node's work.
const NO_FULFILMENT: u32 = u32::MAX;

/// One hold that was put on an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Unique among the order's holds.
    pub id: String,
    /// `v1::HoldReason`.
    pub reason: i32,
    /// Number of the fulfilment it holds, from 1; 0: the whole order; the largest number: open units
    /// only.
    pub fulfilment: u32,
}

/// Units of one line that a node was asked to give up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedBack {
    /// Place in [`Order::fulfilments`].
    pub fulfilment: u32,
    /// Place in [`Order::lines`].
    pub line: u32,
    /// Units, 1/1000.
    pub units: i64,
}

impl Hold {
    /// Keeps open units from being routed until somebody releases it.
    pub(crate) fn of_unserved() -> Self {
        let reason = v1::HoldReason::Unserved.into();
        Hold { id: UNSERVED_HOLD.to_owned(), reason, fulfilment: NO_FULFILMENT }
    }

    /// That hold, as messages name it.
    pub fn unserved_told() -> v1::Hold {
        Hold::of_unserved().told()
    }

    fn told(&self) -> v1::Hold {
        v1::Hold { hold_id: self.id.clone(), reason: self.reason }
    }
}

impl Order {
    /// Whether its open units must not be routed. A hold on one fulfilment counts too: its node may
    /// reject it, and routing the units elsewhere would get around the hold.
    pub fn is_held(&self) -> bool {
        self.handling
            .as_ref()
            .is_some_and(|handling| !handling.holds.is_empty() || handling.awaits_payment(self))
    }

    /// Whether nothing of the fulfilment at that place may be shipped.
    pub fn is_fulfilment_held(&self, place: usize) -> bool {
        self.handling.as_ref().is_some_and(|handling| {
            handling.holds.iter().any(|hold| hold.covers(place)) || handling.awaits_payment(self)
        })
    }

    /// What holds the fulfilment at that place, as its node is told.
    pub fn holds_of_fulfilment(&self, place: usize) -> Vec<v1::Hold> {
        self.holds_where(|hold| hold.covers(place))
    }

    /// What holds the order's open units back.
    pub fn holds_of_order(&self) -> Vec<v1::Hold> {
        self.holds_where(|_| true)
    }

    fn holds_where(&self, counts: impl Fn(&Hold) -> bool) -> Vec<v1::Hold> {
        let Some(handling) = &self.handling else { return Vec::new() };
        let mut told: Vec<v1::Hold> =
            handling.holds.iter().filter(|hold| counts(hold)).map(Hold::told).collect();
        if handling.awaits_payment(self) {
            let reason = v1::HoldReason::Payment.into();
            told.push(v1::Hold { hold_id: String::new(), reason });
        }
        told
    }

    /// Units of a line that nodes were asked to give up, over its fulfilments.
    pub fn asked_back(&self, line: usize) -> i64 {
        self.asked_where(|asked| asked.line as usize == line)
    }

    /// Units of a fulfilment's line that its node was asked to give up.
    pub fn asked_back_of(&self, fulfilment: usize, line: &FulfilmentLine) -> i64 {
        self.asked_where(|asked| asked.fulfilment as usize == fulfilment && asked.line == line.line)
    }

    /// Units that the nodes of these fulfilments were asked to give up: (place of the order line,
    /// units).
    pub(crate) fn asked_back_by(&self, fulfilments: &[usize]) -> Vec<(usize, i64)> {
        let by_it = |asked: &AskedBack| fulfilments.contains(&(asked.fulfilment as usize));
        let units_of =
            |line: usize| self.asked_where(|asked| by_it(asked) && asked.line as usize == line);
        let lines = (0..self.lines.len()).map(|line| (line, units_of(line)));
        lines.filter(|&(_, units)| units > 0).collect()
    }

    fn asked_where(&self, counts: impl Fn(&AskedBack) -> bool) -> i64 {
        let asked = self.handling.iter().flat_map(|handling| &handling.asked_back);
        asked.filter(|asked| counts(asked)).map(|asked| asked.units).sum()
    }

    /// Takes the questions to one node off the books: (place of the order line, units).
    pub(crate) fn take_asked_back(&mut self, fulfilment: usize) -> Vec<(usize, i64)> {
        let Some(handling) = &mut self.handling else { return Vec::new() };
        let of_it = |asked: &mut AskedBack| asked.fulfilment as usize == fulfilment;
        let taken = handling.asked_back.extract_if(.., of_it);
        let taken = taken.map(|asked| (asked.line as usize, asked.units)).collect();
        self.tidy_handling();
        taken
    }

    /// Takes units of one line off the questions to one node.
    pub(crate) fn answer_asked(&mut self, fulfilment: usize, line: usize, mut units: i64) {
        let Some(handling) = &mut self.handling else { return };
        for asked in handling.asked_back.iter_mut() {
            if (asked.fulfilment as usize, asked.line as usize) == (fulfilment, line) {
                let answered = asked.units.min(units);
                asked.units -= answered;
                units -= answered;
            }
        }
        handling.asked_back.retain(|asked| asked.units > 0);
        self.tidy_handling();
    }

    /// The terms of delivery that a node is told; `None` where the order has none.
    pub fn delivery_terms(&self) -> Option<v1::DeliveryTerms> {
        use prost::Message as _;
        let bytes = &self.handling.as_ref()?.delivery;
        let terms = || v1::DeliveryTerms::decode(&bytes[..]).expect("written by the fold");
        (!bytes.is_empty()).then(terms)
    }

    /// The last day on which its customer asked to have it, in days since 1970-01-01.
    pub fn requested_day(&self) -> Option<i32> {
        calendar::day_named(&self.delivery_terms()?.requested_date)
    }

    /// The handling, made where there is none.
    pub(crate) fn handling_mut(&mut self) -> &mut Handling {
        self.handling.get_or_insert_default()
    }

    /// One state has one form: handling that says nothing is none.
    pub(crate) fn tidy_handling(&mut self) {
        if self.handling.as_deref() == Some(&Handling::default()) {
            self.handling = None;
        }
    }
}

impl Hold {
    fn covers(&self, place: usize) -> bool {
        self.fulfilment == 0 || self.fulfilment as usize == place + 1
    }
}

impl Handling {
    /// The engine's own hold: less is paid than the market's rule asks for.
    pub fn awaits_payment(&self, order: &Order) -> bool {
        let Some(due) = &self.due else { return false };
        let Some(amount) = due.amount(order) else { return true };
        due.paid(&self.payments) < i128::from(amount)
    }
}
