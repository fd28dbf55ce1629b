//! Whether a return is taken, where it goes, and what is due for what came back. No rule here looks
//! at a clock: now is the time of the event that asked.

use omnifold_domain::money::{due_for, paid_for};
use omnifold_domain::{
    Decision, Order, Reason, Repay, RepayLine, Return, ReturnKey, ReturnLine, Settings, View,
};
use omnifold_events::v1::{self, ItemCondition, ReturnResponse};

use crate::{Turn, haversine_m};

/// Judges a return that was asked for.
///
/// # Panics
/// Where there is no such return, or no settings: both are the caller's to know.
pub fn authorise<V: View>(view: &mut V, turn: Turn, key: ReturnKey) -> Vec<Decision> {
    let row = view.return_of(key).cloned().expect("work names returns that are there");
    let order = view.shared_order(row.order).expect("a return has its order");
    let settings = view.settings().expect("a market with orders has settings");
    let fault = fault_of(view, settings, &order, &row);
    let node = nearest_return_node(view, &row);
    let decision = match (fault, node) {
        (Some((reason, line)), _) => refused(turn, &order, &row, reason, Some(line)),
        (None, None) => refused(turn, &order, &row, Reason::NoReturnNode, None),
        (None, Some((node, distance_m))) => authorised(view, turn, &order, &row, node, distance_m),
    };
    vec![decision]
}

/// The first line that the policy does not take, and why.
fn fault_of<V: View>(
    view: &V,
    settings: &Settings,
    order: &Order,
    row: &Return,
) -> Option<(Reason, usize)> {
    row.lines.iter().find_map(|line| {
        let place = line.line as usize;
        let known = &order.lines[place];
        let announced = order.line_details(place).announced;
        let returnable = known.shipped - known.undelivered - known.returned - announced;
        let faulty = line.condition == i32::from(ItemCondition::Faulty);
        let worst = settings.worst_return_condition;
        let reason = if line.units > returnable {
            Reason::MoreThanReturnable
        } else if is_over(settings, order, row.requested_at) {
            Reason::ReturnWindowOver
        } else if view.item(known.sku).final_sale && !faulty {
            Reason::FinalSale
        } else if worst != 0 && line.condition > worst && !faulty {
            Reason::ConditionNotAccepted
        } else {
            return None;
        };
        Some((reason, place))
    })
}

/// Rule S3: a return may be asked for while now < completed + window; an order that is not complete
/// has no window yet.
fn is_over(settings: &Settings, order: &Order, now: i64) -> bool {
    let arrived_at = order.details.as_ref().map_or(0, |details| details.arrived_at);
    let complete = order.lines.iter().all(|line| {
        line.open + line.allocated == 0 && line.delivered + line.undelivered == line.shipped
    });
    complete && arrived_at > 0 && now >= arrived_at.saturating_add(settings.return_window_ms)
}

/// The nearest enabled node that takes returns; without a place the smaller id.
fn nearest_return_node<V: View>(view: &V, row: &Return) -> Option<(usize, u32)> {
    let metres = |node: &omnifold_domain::Node| match (row.from, node.location) {
        (Some(from), Some(to)) => haversine_m(from, to),
        _ => u32::MAX,
    };
    let takers = view.nodes().iter().enumerate();
    let takers = takers.filter(|(_, node)| node.takes_work() && node.takes_returns);
    let best = takers.map(|(place, node)| (metres(node), &node.id, place)).min()?;
    Some((best.2, if best.0 == u32::MAX { 0 } else { best.0 }))
}

fn refused(
    turn: Turn,
    order: &Order,
    row: &Return,
    reason: Reason,
    line: Option<usize>,
) -> Decision {
    Decision::ReturnRefused(v1::ReturnRefused {
        channel: order.channel.clone(),
        order_id: order.order_id.clone(),
        return_id: row.return_id.clone(),
        reason: reason.code().to_owned(),
        line_id: line.map(|place| order.lines[place].line_id.clone()).unwrap_or_default(),
        revision: order.revision,
        decision: order.decisions + 1,
        step: turn.step,
        cause: turn.cause.into(),
        timer: turn.timer,
    })
}

fn authorised<V: View>(
    view: &V,
    turn: Turn,
    order: &Order,
    row: &Return,
    node: usize,
    distance_m: u32,
) -> Decision {
    let line = |line: &ReturnLine| v1::ReturnLine {
        line_id: order.lines[line.line as usize].line_id.clone(),
        quantity_milli: line.units,
        response: line.response,
        condition: line.condition,
    };
    Decision::ReturnAuthorised(Box::new(v1::ReturnAuthorised {
        channel: order.channel.clone(),
        order_id: order.order_id.clone(),
        return_id: row.return_id.clone(),
        node_id: view.nodes()[node].id.clone(),
        lines: row.lines.iter().map(line).collect(),
        distance_m,
        revision: order.revision,
        decision: order.decisions + 1,
        step: turn.step,
        cause: turn.cause.into(),
        timer: turn.timer,
        replacement: replacement(view, order, row),
        expires_at_ms: match view.settings().map_or(0, |s| s.return_expires_after_ms) {
            0 => 0,
            after => turn.now_ms + after,
        },
    }))
}

fn replacement<V: View>(view: &V, order: &Order, row: &Return) -> Option<v1::ReplacementOrder> {
    let replaced = |line: &&ReturnLine| line.response == i32::from(ReturnResponse::Replace);
    let line = |line: &ReturnLine| {
        let known = &order.lines[line.line as usize];
        v1::AssignedLine {
            line_id: known.line_id.clone(),
            sku: view.item(known.sku).sku.clone(),
            quantity_milli: line.units,
            backordered_milli: 0,
            origin: None,
            lots: Vec::new(),
        }
    };
    Some(v1::ReplacementOrder {
        order_id: row.replacement.clone()?,
        lines: row.lines.iter().filter(replaced).map(line).collect(),
        placed_at_ms: row.requested_at,
    })
}

/// Says what is due for units that will not stay with the customer. No message where nothing was
/// paid for any of them.
///
/// # Panics
/// Where there is no such order or return, or no settings: all are the caller's to know.
pub fn repay<V: View>(view: &mut V, turn: Turn, repay: &Repay) -> Vec<Decision> {
    let order = view.shared_order(repay.order).expect("work names orders that are there");
    let row = repay.returned.map(|key| view.return_of(key).cloned().expect("it brought units"));
    let settings = view.settings().expect("a market with orders has settings");
    let was_paid_for = |due: &&RepayLine| {
        let line = &order.lines[due.line];
        paid_for(line, &order.line_details(due.line), line.ordered) > 0
    };
    let lines: Vec<v1::RefundLine> =
        repay.lines.iter().filter(was_paid_for).map(|due| refund_line(&order, due)).collect();
    if lines.is_empty() {
        return Vec::new();
    }
    let total = |response: ReturnResponse| -> i64 {
        let of_kind = lines.iter().filter(|line| line.response() == response);
        of_kind.map(|line| line.amount_minor).sum()
    };
    let (refund, credit) = (total(ReturnResponse::Refund), total(ReturnResponse::Credit));
    let fee = row.as_ref().map_or(0, |row| fee(settings, row, refund));
    let money =
        |minor: i64| (minor > 0).then(|| v1::Money { minor, currency: settings.currency.clone() });
    vec![Decision::RefundDue(Box::new(v1::RefundDue {
        channel: order.channel.clone(),
        order_id: order.order_id.clone(),
        return_id: row.map(|row| row.return_id).unwrap_or_default(),
        refund: money(refund - fee),
        credit: money(credit),
        fee: money(fee),
        lines,
        revision: order.revision,
        decision: order.decisions + 1,
        step: turn.step,
        cause: turn.cause.into(),
        timer: turn.timer,
    }))]
}

fn refund_line(order: &Order, due: &RepayLine) -> v1::RefundLine {
    let line = &order.lines[due.line];
    v1::RefundLine {
        line_id: line.line_id.clone(),
        quantity_milli: due.units,
        amount_minor: due_for(line, &order.line_details(due.line), due.units),
        response: due.response.into(),
    }
}

/// Once a return, never more than there is, and not for goods that were faulty.
fn fee(settings: &Settings, row: &Return, refund: i64) -> i64 {
    let faulty = |line: &ReturnLine| line.condition == i32::from(ItemCondition::Faulty);
    if row.fee_taken || row.lines.iter().any(faulty) {
        return 0;
    }
    settings.return_fee.min(refund)
}
