//! What an event opens and a decision answers, in the step that opened it.

use omnifold_events::v1;

use crate::{NodeIx, OrderKey, SkuIx, Variance, View, WaitingKey};

/// Work that a fold opens. It is done in this order: units given back are routed first, then
/// waiting orders are served, then the new order is routed (DESIGN section 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Route the open units of an order.
    Route {
        /// The order.
        order: OrderKey,
        /// Why.
        cause: v1::Cause,
    },
    /// Take back what the order still holds of these lines: (place of the line, units).
    Cancel {
        /// The order.
        order: OrderKey,
        /// Units to take back, per line.
        lines: Vec<(usize, i64)>,
    },
    /// Say how far a count was from the ledger; nothing is decided.
    Report {
        /// The counted SKU.
        sku: SkuIx,
        /// Where it was counted.
        node: NodeIx,
        /// By how much.
        variance: Variance,
    },
    /// Stock of a SKU appeared: serve its waiting orders by priority and age.
    Serve {
        /// The SKU.
        sku: SkuIx,
        /// Go on after this one; `None`: from the first.
        after: Option<WaitingKey>,
    },
}

/// Serves the queue of a SKU where somebody stands in it.
pub(crate) fn serve_if_waited<V: View>(state: &mut V, sku: SkuIx, work: &mut Vec<Work>) {
    let serve = Work::Serve { sku, after: None };
    if state.next_waiting(sku, None).is_some() && !work.contains(&serve) {
        work.push(serve);
    }
}
