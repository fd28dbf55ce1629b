//! Units of a fulfilment go to another node: one node is told that it keeps less, the other that it
//! has more. Both messages stand in one step (rule R12).

use omnifold_domain::{Decision, NodeIx, Order, OrderKey, View};
use omnifold_events::v1;

use crate::decide::Writer;
use crate::{Turn, haversine_m};

/// Gives units, as (place in the fulfilment's lines, units), to a node that has them.
///
/// # Panics
/// Where there is no such order or fulfilment: the fold checked both.
pub fn relocate<V: View>(
    view: &mut V,
    turn: Turn,
    key: OrderKey,
    fulfilment: usize,
    to: NodeIx,
    lines: &[(usize, i64)],
) -> Vec<Decision> {
    let order = view.shared_order(key).expect("work names orders that are there");
    let before = &order.fulfilments[fulfilment];
    let mut after = before.clone();
    for &(line, units) in lines {
        let part = &mut after.lines[line];
        part.allocated -= units;
        part.backordered = part.backordered.min(part.allocated);
    }
    let writer = Writer { view: &*view, turn, order: &order, distances: &[] };
    let taken_back = writer.keeps(fulfilment, before, &after, 0);
    let moved = |&(line, units): &(usize, i64)| {
        writer.assigned_line(before.lines[line].line as usize, units, 0)
    };
    let (sla_started_at_ms, dispatch_by_ms) = writer.sla(to.0 as usize);
    let assigned = v1::FulfilmentAssigned {
        channel: order.channel.clone(),
        order_id: order.order_id.clone(),
        fulfilment: order.fulfilments.len() as u32 + 1,
        node_id: view.nodes()[to.0 as usize].id.clone(),
        lines: lines.iter().map(moved).collect(),
        distance_m: distance_to(&*view, &order, to),
        revision: order.revision,
        decision: writer.number(1),
        step: turn.step,
        cause: turn.cause.into(),
        outcome: None,
        explanation: None,
        delivery: order.delivery_terms().map(Box::new),
        timer: turn.timer,
        accept_by_ms: writer.accept_by(to.0 as usize),
        capacity_day: writer.capacity_day(to.0 as usize),
        dispatch_by_ms,
        sla_started_at_ms,
        promise: None,
        send_to_node_id: writer.send_to(to.0 as usize, before.send_to()),
    };
    let mut decisions = vec![taken_back, Decision::Assigned(assigned)];
    crate::lots::name(view, turn, &order, 0, &mut decisions);
    crate::promise::attach(view, turn, &order, &mut decisions);
    decisions
}

fn distance_to<V: View>(view: &V, order: &Order, node: NodeIx) -> u32 {
    match (order.destination, view.nodes()[node.0 as usize].location) {
        (Some(from), Some(to)) => haversine_m(from, to),
        _ => 0,
    }
}
