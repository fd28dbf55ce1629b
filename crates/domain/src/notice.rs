//! What customers are to be told and what somebody has to do: said where it happens, published only
//! where the market's settings name it. Nothing is decided here, and nothing is read back.

use omnifold_events::v1::{self, NoticeKind};

use crate::money::worth;
use crate::payment::net_captured;
use crate::{Decision, Order, OrderKey, State, View, Work};

/// Whether the market gets notices of that kind.
pub(crate) fn is_wanted<V: View>(state: &V, kind: NoticeKind) -> bool {
    state.settings().is_some_and(|settings| settings.notices & (1 << kind as i32) != 0)
}

/// Says something about an order, where the market wants to hear it.
pub(crate) fn notify<S: State>(
    state: &mut S,
    key: OrderKey,
    kind: NoticeKind,
    work: &mut Vec<Work>,
    fill: impl FnOnce(&Order, &mut v1::Notice),
) {
    if !is_wanted(state, kind) {
        return;
    }
    let order = state.order(key).expect("notices are about orders that are there");
    let (channel, order_id) = (order.channel.clone(), order.order_id.clone());
    let mut notice = v1::Notice { kind: kind.into(), channel, order_id, ..v1::Notice::default() };
    fill(order, &mut notice);
    work.push(Work::Notify(Box::new(notice)));
}

/// Units of an order's lines, as messages name them: (place of the line, units).
pub(crate) fn quantities(order: &Order, units: &[(usize, i64)]) -> Vec<v1::LineQuantity> {
    let mut rows: Vec<v1::LineQuantity> = Vec::with_capacity(units.len());
    for &(line, quantity_milli) in units {
        let line_id = &order.lines[line].line_id;
        match rows.iter_mut().find(|row| row.line_id == *line_id) {
            Some(row) => row.quantity_milli += quantity_milli,
            None => rows.push(v1::LineQuantity { line_id: line_id.clone(), quantity_milli }),
        }
    }
    rows
}

/// Money in the market's currency.
fn money<V: View>(state: &V, minor: i64) -> Option<v1::Money> {
    let currency = state.settings().map(|settings| settings.currency.clone());
    Some(v1::Money { minor, currency: currency.unwrap_or_default() })
}

/// Money about an order.
pub(crate) fn notify_money<S: State>(
    state: &mut S,
    key: OrderKey,
    kind: NoticeKind,
    minor: i64,
    about: (&str, &str),
    work: &mut Vec<Work>,
) {
    let amount = money(state, minor);
    notify(state, key, kind, work, |_, notice| {
        let (reference, reason) = about;
        notice.amount = amount;
        notice.reference = reference.to_owned();
        notice.reason = reason.to_owned();
    });
}

/// What a decision means to the customer. Called once it is folded.
pub(crate) fn of_decision<S: State>(
    state: &mut S,
    key: OrderKey,
    decision: &Decision,
    work: &mut Vec<Work>,
) {
    if state.settings().is_none_or(|settings| settings.notices == 0) {
        return; // nearly every market, nearly every order
    }
    match decision {
        Decision::Outcome(outcome) => of_outcome(state, key, outcome, work),
        Decision::Assigned(message) => {
            if let Some(outcome) = &message.outcome {
                of_outcome(state, key, outcome, work);
            }
        }
        Decision::RefundDue(message) => of_refund(state, key, message, work),
        _ => {}
    }
}

fn of_outcome<S: State>(
    state: &mut S,
    key: OrderKey,
    outcome: &v1::OrderOutcome,
    work: &mut Vec<Work>,
) {
    if outcome.decision == 0 {
        return; // a request that never became an order
    }
    let refused = outcome.status() == v1::OutcomeStatus::Refused;
    if outcome.cause() == v1::Cause::Placed && !refused {
        notify(state, key, NoticeKind::OrderConfirmed, work, |_, _| {});
    }
    if outcome.cancelled.is_empty() {
        return;
    }
    let word = outcome.cause().as_str_name().trim_start_matches("CAUSE_").to_lowercase();
    notify(state, key, NoticeKind::Cancelled, work, |_, notice| {
        notice.lines.clone_from(&outcome.cancelled);
        notice.reason = if outcome.reason.is_empty() { word } else { outcome.reason.clone() };
    });
    let due = overpaid(state, key, &outcome.cancelled);
    if due > 0 {
        notify_money(state, key, NoticeKind::RefundDue, due, ("", "cancelled"), work);
    }
}

/// What came in for units that were just cancelled, and is not owed for others.
fn overpaid<S: State>(state: &mut S, key: OrderKey, cancelled: &[v1::LineQuantity]) -> i64 {
    let order = state.order(key).expect("its decision was folded");
    let Some(handling) = &order.handling else { return 0 };
    let captured = net_captured(&handling.payments);
    let value = |line: &v1::LineQuantity| {
        let place = order.line_named(&line.line_id)?;
        worth(&order.lines[place], &order.line_details(place), line.quantity_milli)
    };
    let value: i128 = cancelled.iter().filter_map(value).sum();
    let owed = handling.due.as_ref().and_then(|due| due.amount(order)).unwrap_or(0);
    i64::try_from(value.min(captured - i128::from(owed)).max(0)).unwrap_or(i64::MAX)
}

fn of_refund<S: State>(
    state: &mut S,
    key: OrderKey,
    message: &v1::RefundDue,
    work: &mut Vec<Work>,
) {
    let ways = [(&message.refund, ""), (&message.credit, "credit")];
    for (amount, reason) in ways {
        if let Some(amount) = amount {
            let about = (message.return_id.as_str(), reason);
            notify_money(state, key, NoticeKind::RefundDue, amount.minor, about, work);
        }
    }
}

/// What has left is worth more than was captured: the rest of what is authorised for it is due.
pub(crate) fn capture_due<S: State>(state: &mut S, key: OrderKey, work: &mut Vec<Work>) {
    if !is_wanted(state, NoticeKind::CaptureDue) {
        return;
    }
    let order = state.order(key).expect("its units have left");
    let Some(handling) = &order.handling else { return };
    let sum = |part: fn(&crate::Payment) -> i64| -> i128 {
        handling.payments.iter().map(|payment| i128::from(part(payment))).sum()
    };
    let (authorised, captured) = (sum(|p| p.authorised), sum(|p| p.captured));
    let value = |(place, line): (usize, &crate::Line)| {
        worth(line, &order.line_details(place), line.shipped)
    };
    let shipped: i128 = order.lines.iter().enumerate().filter_map(value).sum();
    let due = (shipped.min(authorised) - captured).max(0);
    if let Some(due) = i64::try_from(due).ok().filter(|&due| due > 0) {
        notify_money(state, key, NoticeKind::CaptureDue, due, ("", "shipped"), work);
    }
}
