//! Decisions on returns and on money due.

use omnifold_events::v1;

use crate::fold::kits::same_kits;
use crate::money::paid_for;
use crate::{Line, Order, OrderKey, Return, ReturnKey, ReturnState, State, Work};

fn find<S: State>(
    state: &mut S,
    order: OrderKey,
    return_id: &str,
) -> Result<(ReturnKey, Return), String> {
    let key = ReturnKey::of(order, return_id);
    let row = state.return_of(key).cloned().ok_or_else(|| format!("no return `{return_id}`"))?;
    Ok((key, row))
}

/// The units are announced, and what replaces them is placed.
pub(super) fn authorised<S: State>(
    state: &mut S,
    key: OrderKey,
    message: &v1::ReturnAuthorised,
    work: &mut Vec<Work>,
) -> Result<(), String> {
    let (return_key, mut row) = find(state, key, &message.return_id)?;
    let node = state.node_named(&message.node_id);
    row.node = Some(node.ok_or_else(|| format!("no node `{}`", message.node_id))?);
    row.state = ReturnState::Authorised;
    row.expires_at = message.expires_at_ms;
    if let Some(timer) = row.timer() {
        state.put_timer(timer, return_key.0);
    }
    let order = state.order(key).expect("checked by fold").clone();
    let replacement = match &message.replacement {
        Some(placed) => Some(replacement_order(state, &order, message, placed)?),
        None => None,
    };
    let lines = row.lines.clone();
    state.change_order(key, &mut |order| {
        order.decisions = message.decision;
        for line in &lines {
            order.line_details_mut(line.line as usize).announced += line.units;
        }
    });
    state.put_return(return_key, row);
    if let Some(order) = replacement {
        let key = order.key();
        state.put_order(key, order);
        work.push(Work::Route { order: key, cause: v1::Cause::Returned });
    }
    Ok(())
}

fn replacement_order<S: State>(
    state: &S,
    order: &Order,
    message: &v1::ReturnAuthorised,
    placed: &v1::ReplacementOrder,
) -> Result<Order, String> {
    let line = |line: &v1::AssignedLine| -> Result<Line, String> {
        let sku = state.item_named(&line.sku).ok_or_else(|| format!("no item `{}`", line.sku))?;
        Ok(Line::ordered(line.line_id.clone(), sku, line.quantity_milli, 0))
    };
    let mut replacing = Order {
        channel: order.channel.clone(),
        order_id: placed.order_id.clone(),
        revision: 1,
        decisions: 0,
        placed_step: message.step,
        placed_at: placed.placed_at_ms,
        priority: order.priority,
        destination: order.destination,
        allow_partial: order.allow_partial,
        fulfil_from: Vec::new(),
        excluded: Vec::new(),
        lines: placed.lines.iter().map(line).collect::<Result<_, _>>()?,
        fulfilments: Vec::new(),
        details: None,
        handling: None,
        timing: None,
    };
    same_kits(order, &mut replacing);
    Ok(replacing)
}

pub(super) fn refused<S: State>(
    state: &mut S,
    key: OrderKey,
    message: &v1::ReturnRefused,
) -> Result<(), String> {
    let (return_key, mut row) = find(state, key, &message.return_id)?;
    row.state = ReturnState::Refused;
    row.replacement = None;
    state.change_order(key, &mut |order| order.decisions = message.decision);
    state.put_return(return_key, row);
    Ok(())
}

/// Law L20: no more is due for a line than was paid for the units that it is due for.
pub(super) fn refund_due<S: State>(
    state: &mut S,
    key: OrderKey,
    message: &v1::RefundDue,
) -> Result<(), String> {
    let order = state.order(key).expect("checked by fold");
    let mut due = Vec::with_capacity(message.lines.len());
    for line in &message.lines {
        let place = order.line_named(&line.line_id);
        let place = place.ok_or_else(|| format!("no line `{}`", line.line_id))?;
        let details = order.line_details(place);
        let (units, repaid) = (line.quantity_milli, details.repaid + line.amount_minor);
        if repaid > paid_for(&order.lines[place], &details, details.repaid_units + units) {
            return Err(format!("L20: {repaid} due for line `{}`", line.line_id));
        }
        due.push((place, units, repaid));
    }
    state.change_order(key, &mut |order| {
        order.decisions = message.decision;
        for &(place, units, repaid) in &due {
            let details = order.line_details_mut(place);
            details.repaid_units += units;
            details.repaid = repaid;
        }
    });
    if message.fee.is_some() {
        let (return_key, mut row) = find(state, key, &message.return_id)?;
        row.fee_taken = true;
        state.put_return(return_key, row);
    }
    Ok(())
}
