//! Events that change what an order asks for, or what holds it, taken into the books.

use omnifold_events::Event;
use omnifold_events::v1::{self, PaymentRule};

use super::audit::{Audit, Key};
use super::holds::Booking;
use super::ledger::{Line, Order};
use super::names::pair_hash;
use super::report::Rule;

impl Audit {
    /// Takes one of these events.
    pub(super) fn changed_order(&mut self, event: &Event) {
        match event {
            Event::MarketConfigured(market) => {
                self.payment_rule = market.payment();
                self.pickups.configure(market);
            }
            Event::OrderResumed(resumed) => self.resumed(resumed),
            Event::OrderChanged(change) => self.changed(change),
            Event::OrderHeld(held) => {
                let Some((key, _)) = self.known(&held.channel, &held.order_id) else { return };
                let order = self.orders.get_mut(&key).expect("known");
                order.handling.get_or_insert_default().hold(held, &mut self.names);
            }
            Event::OrderHoldReleased(released) => self.let_go(released),
            Event::PaymentAuthorised(p) => {
                let booking = Booking::Authorised(minor(&p.amount));
                self.book(&p.channel, &p.order_id, &p.payment_id, booking);
            }
            Event::PaymentCaptured(p) => {
                let booking = Booking::Captured(minor(&p.amount));
                self.book(&p.channel, &p.order_id, &p.payment_id, booking);
            }
            Event::PaymentFailed(p) => {
                self.book(&p.channel, &p.order_id, &p.payment_id, Booking::GivenUp(None));
            }
            Event::PaymentVoided(p) => {
                let booking = Booking::GivenUp(p.amount.as_ref().map(|money| money.minor));
                self.book(&p.channel, &p.order_id, &p.payment_id, booking);
            }
            Event::FulfilmentReleaseConfirmed(e) => self.answered(e.target.as_ref(), true),
            Event::FulfilmentReleaseRefused(e) => self.answered(e.target.as_ref(), false),
            _ => {}
        }
    }

    /// The rule that an order placed now is under.
    pub(super) fn rule(&self) -> PaymentRule {
        self.payment_rule
    }

    fn known(&mut self, channel: &str, order_id: &str) -> Option<(Key, String)> {
        let (key, name) = (pair_hash(channel, order_id), format!("{channel}/{order_id}"));
        if !self.orders.contains_key(&key) {
            self.violation(Rule::UnknownSubject, &name, "never placed, and not refused");
            return None;
        }
        self.touch(key, &name);
        Some((key, name))
    }

    fn book(&mut self, channel: &str, order_id: &str, payment: &str, booking: Booking) {
        let Some((key, _)) = self.known(channel, order_id) else { return };
        let payment = self.names.number(payment);
        let order = self.orders.get_mut(&key).expect("known");
        order.handling.get_or_insert_default().book(payment, booking);
    }

    fn let_go(&mut self, event: &v1::OrderHoldReleased) {
        let Some((key, name)) = self.known(&event.channel, &event.order_id) else { return };
        let hold = self.names.number(&event.hold_id);
        let order = self.orders.get_mut(&key).expect("known");
        if !order.handling.get_or_insert_default().let_go(hold) {
            let detail = format!("hold `{}` released, never put on, not refused", event.hold_id);
            self.violation(Rule::UnknownSubject, &name, detail);
        }
    }

    fn resumed(&mut self, event: &v1::OrderResumed) {
        let Some((key, _)) = self.known(&event.channel, &event.order_id) else { return };
        let lines = self.with_parts(key, &event.lines);
        let named = self.numbered(&lines);
        let order = self.orders.get_mut(&key).expect("known");
        for line in &mut order.lines {
            let units = match named.iter().find(|(id, _)| *id == line.line_id) {
                Some((_, 0)) => line.cancelled,
                Some((_, units)) => *units,
                None if named.is_empty() => line.cancelled,
                None => 0,
            };
            line.cancelled -= units;
        }
    }

    fn changed(&mut self, event: &v1::OrderChanged) {
        let Some((key, _)) = self.known(&event.channel, &event.order_id) else { return };
        let wanted = self.with_parts(key, &event.quantities);
        let wanted = self.numbered(&wanted);
        let names = &mut self.names;
        let new = |line: &v1::OrderLine| Line {
            line_id: names.number(&line.line_id),
            sku: names.number(&line.sku),
            ordered: line.quantity_milli,
            unit_price: line.unit_price.as_ref().map_or(0, |price| price.minor),
            ..Line::default()
        };
        let added: Vec<Line> = event.added.iter().map(new).collect();
        let order = self.orders.get_mut(&key).expect("known");
        for (line_id, units) in wanted {
            let Some(line) = order.line_named(line_id) else { continue };
            let asked = order.asked(line);
            let row = &mut order.lines[line];
            let difference = units - (row.ordered - row.cancelled - asked);
            row.ordered += difference.max(0);
            row.cancelled += (-difference).max(0);
        }
        let first_added = order.lines.len();
        add_lines(order, added);
        let mut order = std::mem::take(order);
        self.serve_kits_as_parts(&mut order, first_added);
        self.orders.insert(key, order);
    }

    /// A node answered for the units it was asked to give up.
    fn answered(&mut self, target: Option<&v1::FulfilmentTarget>, gives_up: bool) {
        let Some((key, Some(number))) = self.target(target) else {
            let what = "an answer to a request for release";
            return self.violation(Rule::UnknownSubject, what, "names no fulfilment known");
        };
        let order = self.orders.get_mut(&key).expect("found by target");
        order.answer(number, gives_up);
    }
}

pub(super) fn add_lines(order: &mut Order, added: Vec<Line>) {
    if added.is_empty() {
        return;
    }
    let mut lines = std::mem::take(&mut order.lines).into_vec();
    lines.extend(added);
    order.lines = lines.into();
}

fn minor(money: &Option<v1::Money>) -> i64 {
    money.as_ref().map_or(0, |money| money.minor)
}
