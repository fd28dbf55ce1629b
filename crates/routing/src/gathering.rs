//! Where the parts of an order come together before its customer gets them: at the node where it is
//! collected (rule R10), or where its rule makes one parcel of them.

use omnifold_domain::{Fulfilment, NodeIx, Order};

use crate::decide::Plan;

/// The node to which the others send what they ship for a plan; `None`: to the customer.
pub(crate) fn node_for(order: &Order, plan: &Plan, wait: bool) -> Option<NodeIx> {
    if order.is_pickup() {
        return order.gathers_at();
    }
    // Parts that are under way to a node decide for those that follow.
    let under_way =
        order.fulfilments.iter().filter(|part| is_live(part)).find_map(Fulfilment::send_to);
    let node = under_way.or(plan.merge_at)?;
    let live = order.fulfilments.iter().filter(|part| is_live(part)).count();
    let to_come = usize::from(wait && !plan.uncovered.is_empty());
    (live + plan.shipments.len() + to_come > 1).then_some(node)
}

/// Whether its customer has not got all of it.
fn is_live(part: &Fulfilment) -> bool {
    (0..part.lines.len()).any(|line| part.lines[line].allocated + part.outstanding(line) > 0)
}
