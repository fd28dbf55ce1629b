//! What the engine itself writes: decisions, marks, refusals, what it tells.

use omnifold_events::v1;

use super::*;

/// A return that may be sent in.
pub fn return_authorised() -> v1::ReturnAuthorised {
    v1::ReturnAuthorised {
        channel: text("web"),
        order_id: text("1001"),
        return_id: text("R1"),
        node_id: text("berlin-1"),
        lines: vec![return_line()],
        distance_m: 1_250,
        revision: 1,
        decision: 5,
        step: 90_004,
        cause: v1::Cause::Returned.into(),
        replacement: Some(v1::ReplacementOrder {
            order_id: text("1001/R1"),
            lines: vec![assigned_line()],
            placed_at_ms: 1_748_858_400_000,
        }),
        timer: 2,
        expires_at_ms: 1_750_068_000_000,
    }
}

/// A return that is not taken.
pub fn return_refused() -> v1::ReturnRefused {
    v1::ReturnRefused {
        channel: text("web"),
        order_id: text("1001"),
        return_id: text("R1"),
        reason: text("final_sale"),
        line_id: text("1"),
        revision: 1,
        decision: 5,
        step: 90_004,
        cause: v1::Cause::Returned.into(),
        timer: 2,
    }
}

/// Money due to a customer.
pub fn refund_due() -> v1::RefundDue {
    v1::RefundDue {
        channel: text("web"),
        order_id: text("1001"),
        return_id: text("R1"),
        lines: vec![v1::RefundLine {
            line_id: text("1"),
            quantity_milli: 1_000,
            amount_minor: 1_400,
            response: v1::ReturnResponse::Refund.into(),
        }],
        refund: euros(905),
        credit: euros(1),
        revision: 1,
        decision: 6,
        step: 90_005,
        cause: v1::Cause::Lost.into(),
        fee: euros(495),
        timer: 2,
    }
}

fn assigned_line() -> v1::AssignedLine {
    v1::AssignedLine {
        line_id: "1".to_owned(),
        sku: "tea-500".to_owned(),
        quantity_milli: 2_000,
        backordered_milli: 500,
        origin: Some(Box::new(v1::LineOrigin {
            kit_line_id: "1".to_owned(),
            kit_sku: "tea-box".to_owned(),
            substitute_for: "tea-250".to_owned(),
        })),
        lots: super::lots(),
    }
}

fn explanation() -> Option<v1::Explanation> {
    Some(v1::Explanation {
        nodes: vec![0, 7, 300],
        verdicts: vec![1, 10, 7],
        distances_m: vec![1_250, 88_000, 0],
        solver_steps: 42,
        bound_hit: true,
        policy: Some(Box::new(v1::PolicyExplanation {
            rule: text("near stores"),
            passed_over: vec![text("express: unfillable")],
            scores: vec![-5, 0, 1_250],
            cost: 17_518,
            runner_up_cost: 18_200,
            runner_up: vec![7, 300],
            landed_costs: vec![4_900, -1, 12_345],
        })),
    })
}

/// The answer to an order.
pub fn order_outcome() -> v1::OrderOutcome {
    v1::OrderOutcome {
        channel: "web".to_owned(),
        order_id: "1001".to_owned(),
        revision: 1,
        decision: 2,
        step: 90_001,
        cause: v1::Cause::Placed.into(),
        status: v1::OutcomeStatus::PartlyAssigned.into(),
        reason: "unfillable".to_owned(),
        shortages: vec![v1::SkuShortage {
            sku: "mug-blue".to_owned(),
            requested_milli: 3_000,
            available_milli: 1_000,
        }],
        waiting: vec![line_quantity("2", 1_000)],
        cancelled: vec![line_quantity("2", 1_000)],
        explanation: explanation(),
        release_requested: vec![line_quantity("1", 1_000)],
        kept: vec![line_quantity("1", 500)],
        holds: vec![hold()],
        timer: 2,
        waiting_until_ms: 1_750_068_000_000,
        stand_ins: vec![v1::StandIn {
            line_id: "1".to_owned(),
            ordered_sku: "tea-250".to_owned(),
            sku: "tea-500".to_owned(),
            quantity_milli: 2_000,
        }],
        promise: Some(Box::new(promise())),
        retry_at_ms: 1_748_901_600_000,
        for_wave: true,
        earliest_schedule_ms: 1_748_988_000_000,
        puts_on_hold: true,
        transfers: Some(Box::new(v1::TransferPlan {
            moves: vec![v1::SuggestedTransfer {
                sku: "tea-500".to_owned(),
                from_node_id: "north".to_owned(),
                to_node_id: "berlin-1".to_owned(),
                quantity_milli: 2_000,
            }],
        })),
    }
}

/// Work given to a node.
pub fn fulfilment_assigned() -> v1::FulfilmentAssigned {
    v1::FulfilmentAssigned {
        channel: "web".to_owned(),
        order_id: "1001".to_owned(),
        fulfilment: 1,
        node_id: "berlin-1".to_owned(),
        lines: vec![assigned_line()],
        distance_m: 1_250,
        revision: 1,
        decision: 2,
        step: 90_001,
        cause: v1::Cause::Rerouted.into(),
        outcome: Some(order_outcome()),
        explanation: explanation(),
        delivery: Some(Box::new(delivery())),
        timer: 2,
        accept_by_ms: 1_748_859_300_000,
        capacity_day: 20_241,
        dispatch_by_ms: 1_749_038_400_000,
        sla_started_at_ms: 1_748_858_400_000,
        promise: Some(Box::new(promise())),
        send_to_node_id: "berlin-2".to_owned(),
    }
}

/// Work made smaller.
pub fn fulfilment_changed() -> v1::FulfilmentChanged {
    v1::FulfilmentChanged {
        channel: "web".to_owned(),
        order_id: "1001".to_owned(),
        fulfilment: 1,
        node_id: "berlin-1".to_owned(),
        lines: vec![assigned_line()],
        revision: 1,
        decision: 3,
        step: 90_002,
        cause: v1::Cause::Cancelled.into(),
        holds: vec![hold()],
        delivery: Some(Box::new(delivery())),
        timer: 2,
        promise: Some(Box::new(promise())),
    }
}

/// A node asked to give work up.
pub fn fulfilment_release_requested() -> v1::FulfilmentReleaseRequested {
    v1::FulfilmentReleaseRequested {
        channel: "web".to_owned(),
        order_id: "1001".to_owned(),
        fulfilment: 1,
        node_id: "berlin-1".to_owned(),
        lines: vec![assigned_line()],
        revision: 1,
        decision: 5,
        step: 90_004,
        cause: v1::Cause::Cancelled.into(),
        timer: 2,
    }
}

/// Work taken back.
pub fn fulfilment_released() -> v1::FulfilmentReleased {
    v1::FulfilmentReleased {
        channel: "web".to_owned(),
        order_id: "1001".to_owned(),
        fulfilment: 1,
        node_id: "berlin-1".to_owned(),
        lines: vec![assigned_line()],
        revision: 1,
        decision: 4,
        step: 90_003,
        cause: v1::Cause::Void.into(),
        timer: 2,
    }
}

/// What became of a hold.
pub fn stock_hold_outcome() -> v1::StockHoldOutcome {
    v1::StockHoldOutcome {
        channel: "web".to_owned(),
        hold_id: "cart-7".to_owned(),
        status: v1::StockHoldStatus::Consumed.into(),
        reason: "unfillable".to_owned(),
        shortages: vec![v1::SkuShortage {
            sku: "mug-blue".to_owned(),
            requested_milli: 3_000,
            available_milli: 1_000,
        }],
        units: vec![v1::HeldUnits {
            sku: "tea-500".to_owned(),
            node_id: "berlin-1".to_owned(),
            quantity_milli: 2_000,
        }],
        expires_at_ms: 1_748_858_820_000,
        order_id: "1001".to_owned(),
        step: 90_001,
        timer: 2,
        cause: v1::Cause::Void.into(),
    }
}

/// The end of an epoch.
pub fn epoch_mark() -> v1::EpochMark {
    v1::EpochMark {
        market: "eu".to_owned(),
        incarnation: 3,
        epoch: 1_000,
        previous_mark: vec![1; 16],
        frontiers: vec![v1::Frontier {
            topic: "omnifold.eu.orders".to_owned(),
            identity: "b7c1".to_owned(),
            next: 70_000,
        }],
        inputs_hash: vec![2; 16],
        steps: 90_003,
        decisions: 12,
        decisions_hash: vec![3; 16],
        clock_ms: 1_748_858_400_000,
        wall_ms: 1_748_858_400_123,
        policy_hash: vec![4; 16],
        rules_version: 1,
        state_digest: vec![5; 16],
        open_work: vec![v1::OpenWork {
            sku: 9,
            has_after: true,
            after_rank: 4_294_967_290,
            after_placed_step: 88_000,
        }],
        undone_steps: vec![90_001, 90_002],
        republished_epochs: vec![998],
        availability_next: Some(20_000),
        timers: 3,
        undone_timers: vec![v1::TimerMoment { step: 90_003, timer: 1 }],
    }
}

/// A refused event.
pub fn rejected_event() -> v1::RejectedEvent {
    v1::RejectedEvent {
        topic: "omnifold.eu.orders".to_owned(),
        offset: 69_999,
        step: 90_000,
        reason: "unknown_sku".to_owned(),
        detail: "no item `tea-501` in this market".to_owned(),
        event_id: "o-1".to_owned(),
        event_source: "shop".to_owned(),
        event_type: "omnifold.v1.OrderPlaced".to_owned(),
        content_type: "application/json".to_owned(),
        record_time_ms: 1_748_858_400_000,
        sealed_value: Some(sealed()),
        record_key: b"web/1001".to_vec(),
    }
}

/// What a channel may sell of a SKU.
pub fn availability_changed() -> v1::AvailabilityChanged {
    v1::AvailabilityChanged {
        channel: "web".to_owned(),
        sku: "tea-500".to_owned(),
        available_milli: 8_500,
        step: 90_003,
    }
}

/// How far a count was from the ledger, after a late event.
pub fn count_variance() -> v1::CountVariance {
    v1::CountVariance {
        node_id: "berlin-1".to_owned(),
        sku: "tea-500".to_owned(),
        as_of_ms: 1_748_858_400_000,
        variance_milli: -1_000,
        corrected_from_milli: Some(-3_000),
        reason: v1::CountReason::Cycle.into(),
        step: 90_003,
    }
}
