//! What is to be ordered of a supplier because its node was given work: the purchase order of a
//! fulfilment. A function of the fold, told on `notices`; the fulfilment is what is acknowledged.

use omnifold_events::v1::{self, PurchaseOrderDueStatus};

use crate::{FulfilmentId, NodeIx, Order, OrderKey, SkuIx, State, SupplyNotice, Work};

/// A fulfilment as a decision leaves it.
pub(super) struct Asked<'m> {
    /// N of its id.
    pub fulfilment: u32,
    /// Number of the decision.
    pub decision: u32,
    pub status: PurchaseOrderDueStatus,
    /// What is left to send.
    pub lines: &'m [v1::AssignedLine],
    pub held: bool,
}

impl<'m> Asked<'m> {
    /// As an assignment's message says it.
    pub fn assigned(message: &'m v1::FulfilmentAssigned, decision: u32) -> Self {
        let status = PurchaseOrderDueStatus::Due;
        let (fulfilment, lines) = (message.fulfilment, &message.lines);
        Asked { fulfilment, decision, status, lines, held: false }
    }

    /// As a change's message says it.
    pub fn changed(message: &'m v1::FulfilmentChanged) -> Self {
        let status = PurchaseOrderDueStatus::Changed;
        let (fulfilment, decision) = (message.fulfilment, message.decision);
        let held = !message.holds.is_empty();
        Asked { fulfilment, decision, status, lines: &message.lines, held }
    }

    /// As a release's message says it: its lines are what was taken back.
    pub fn released(message: &v1::FulfilmentReleased) -> Self {
        let status = PurchaseOrderDueStatus::Withdrawn;
        let (fulfilment, decision) = (message.fulfilment, message.decision);
        Asked { fulfilment, decision, status, lines: &[], held: false }
    }
}

/// Tells what a supplier is to be asked for. Of a partner that keeps our stock for us, nothing.
pub(super) fn tell<S: State>(
    state: &mut S,
    key: OrderKey,
    asked: &Asked<'_>,
    work: &mut Vec<Work>,
) {
    let place = asked.fulfilment as usize - 1;
    let Some(node) = state.order(key).map(|order| order.fulfilments[place].node) else { return };
    if !state.nodes()[node.0 as usize].is_partner() {
        return;
    }
    let Some(order) = state.shared_order(key) else { return };
    let rows = &order.fulfilments[place].lines;
    let skus: Vec<SkuIx> = rows.iter().map(|row| order.lines[row.line as usize].sku).collect();
    if !skus.into_iter().any(|sku| sells_its_own(state, node, sku)) {
        return;
    }
    let lines: Vec<v1::DropshipLine> =
        asked.lines.iter().filter_map(|line| line_of(state, &order, node, line)).collect();
    let clock = order.slas().iter().find(|clock| clock.fulfilment as usize == place);
    let withdrawn = lines.is_empty();
    let status = if withdrawn { PurchaseOrderDueStatus::Withdrawn } else { asked.status };
    let (channel, order_id) = (&*order.channel, &*order.order_id);
    let id = FulfilmentId { channel, order_id, number: asked.fulfilment };
    let told = v1::PurchaseOrderDue {
        channel: channel.to_owned(),
        order_id: order_id.to_owned(),
        fulfilment_id: id.to_string(),
        node_id: state.nodes()[node.0 as usize].id.clone(),
        status: status.into(),
        lines,
        held: asked.held && !withdrawn,
        dispatch_by_ms: clock.filter(|_| !withdrawn).map_or(0, |clock| clock.due_at),
        decision: asked.decision,
        step: 0,
    };
    work.push(Work::SupplyNotice(Box::new(SupplyNotice::PurchaseOrderDue(told))));
}

/// A supplier's shelves are its own. A partner's are where it listed or fed the item itself.
fn sells_its_own<S: State>(state: &mut S, node: NodeIx, sku: SkuIx) -> bool {
    let kind = state.nodes()[node.0 as usize].kind;
    kind == v1::NodeKind::Supplier as i32 || state.supplier_item(sku, node).is_some()
}

fn line_of<S: State>(
    state: &mut S,
    order: &Order,
    node: NodeIx,
    line: &v1::AssignedLine,
) -> Option<v1::DropshipLine> {
    let sku = order.lines[order.line_named(&line.line_id)?].sku;
    if line.quantity_milli == 0 || !sells_its_own(state, node, sku) {
        return None;
    }
    let item = state.supplier_item(sku, node).cloned().unwrap_or_default();
    let currency = state.settings().map(|settings| settings.currency.clone()).unwrap_or_default();
    Some(v1::DropshipLine {
        line_id: line.line_id.clone(),
        sku: line.sku.clone(),
        quantity_milli: line.quantity_milli,
        supplier_sku: item.supplier_sku,
        unit_cost: item.unit_cost.map(|minor| v1::Money { minor, currency }),
    })
}
