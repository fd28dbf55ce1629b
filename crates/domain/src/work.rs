//! What an event opens and a decision answers, in the step that opened it.

use omnifold_events::v1;

use crate::{
    NodeIx, OrderKey, Reason, ReturnKey, SkuIx, SoftHoldKey, SoftHoldRequest, SupplyNotice,
    Variance, View, WaitingKey,
};

/// Work that a fold opens. It is done in this order: units given back are routed first, then
/// waiting orders are served, then the new order is routed (DESIGN section 3).
#[derive(Debug, Clone, PartialEq)]
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
        /// Why.
        cause: v1::Cause,
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
    /// Tell what purchasing or a supplier's work came to; nothing is decided.
    SupplyNotice(Box<SupplyNotice>),
    /// Give units of a fulfilment to another node. The fold checked that it has them (rule R12).
    Move {
        /// The order.
        order: OrderKey,
        /// Place in the order's fulfilments.
        fulfilment: usize,
        /// Who is to have them.
        to: NodeIx,
        /// (place in the fulfilment's lines, units).
        lines: Vec<(usize, i64)>,
    },
    /// Judge a return that was asked for.
    Authorise(ReturnKey),
    /// Say what is due for units that will not stay with the customer.
    Repay(Repay),
    /// Tell the nodes of these fulfilments how their work stands now.
    Tell {
        /// The order.
        order: OrderKey,
        /// Places in its fulfilments.
        fulfilments: Vec<usize>,
        /// Why.
        cause: v1::Cause,
    },
    /// A node gave units up when it was asked: take them back from it and cancel them.
    Release {
        /// The order.
        order: OrderKey,
        /// Place in its fulfilments.
        fulfilment: usize,
        /// (place of the line, units).
        lines: Vec<(usize, i64)>,
    },
    /// A cancellation comes too late for these units: say that they stay.
    Keep {
        /// The order.
        order: OrderKey,
        /// (place of the line, units).
        lines: Vec<(usize, i64)>,
        /// Why.
        reason: Reason,
    },
    /// Hold units for a cart, in place of the earlier hold of that id.
    SoftHold(Box<SoftHoldRequest>),
    /// End a hold.
    EndSoftHold {
        /// The hold.
        hold: SoftHoldKey,
        /// Released, expired or consumed.
        status: v1::StockHoldStatus,
        /// The order that consumes it, of the same channel.
        order_id: String,
    },
    /// Take back the fulfilments whose deadline has passed.
    TimeOut {
        /// The order.
        order: OrderKey,
        /// Deadlines at or before this instant.
        due_ms: i64,
    },
    /// Take back what a node gives up: [`crate::Order::leaving`].
    TakeBack {
        /// The order.
        order: OrderKey,
        /// The node.
        node: NodeIx,
        /// NODE_PAUSED or NODE_OFFBOARDED.
        cause: v1::Cause,
    },
    /// Publish a notice; nothing is decided.
    Notify(Box<v1::Notice>),
    /// Cancel the units that still wait.
    EndWaiting {
        /// The order.
        order: OrderKey,
    },
    /// Other units of a SKU are inbound: say when its waiting orders can be served.
    Redate {
        /// The SKU.
        sku: SkuIx,
    },
    /// Plan assignments that nobody works on again, together.
    PlanWave(Box<WaveRequest>),
    /// Stock of a SKU appeared: serve its waiting orders by priority and age, or as the policy says.
    Serve {
        /// The SKU; one of [`SkuIx::is_put_off`]: another policy rules, and orders that were put off may not
        /// have to wait.
        sku: SkuIx,
        /// Go on after this one; `None`: from the first.
        after: Option<WaitingKey>,
    },
}

/// Which assignments are planned again, and how much work that may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaveRequest {
    /// The operator's name for the wave.
    pub id: String,
    /// Only among these nodes; empty: all.
    pub nodes: Vec<NodeIx>,
    /// Only orders placed before this instant, milliseconds since the Unix epoch.
    pub placed_before: i64,
    /// Most orders.
    pub max_orders: u32,
    /// Most counted steps.
    pub max_steps: u32,
    /// Orders that waited for the wave and are routed before.
    pub routed: u32,
}

/// Units to be paid back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repay {
    /// The order.
    pub order: OrderKey,
    /// The return that brought them, where it was one.
    pub returned: Option<ReturnKey>,
    /// One row a line.
    pub lines: Vec<RepayLine>,
    /// Why.
    pub cause: v1::Cause,
}

/// Units of one line to be paid back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepayLine {
    /// Place in the order's lines.
    pub line: usize,
    /// Units.
    pub units: i64,
    /// In money or in credit.
    pub response: v1::ReturnResponse,
}

/// Serves the queue of a SKU where somebody stands in it.
pub(crate) fn serve_if_waited<V: View>(state: &mut V, sku: SkuIx, work: &mut Vec<Work>) {
    let serve = Work::Serve { sku, after: None };
    if state.next_waiting(sku, None).is_some() && !work.contains(&serve) {
        work.push(serve);
    }
}
