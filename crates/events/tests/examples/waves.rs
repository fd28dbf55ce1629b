//! Waves.

use omnifold_events::{Event, v1};

use super::*;

/// A wave of two nodes.
pub fn wave_closed() -> Event {
    v1::WaveClosed {
        wave_id: text("morning-1"),
        node_ids: vec![text("berlin-1"), text("munich-1")],
        placed_before_ms: 1_748_858_400_000,
        max_orders: 500,
        max_steps: 1_000_000,
        extensions: extensions(),
    }
    .into()
}

/// What planning it again came to.
pub fn wave_planned() -> v1::WavePlanned {
    v1::WavePlanned {
        wave_id: text("morning-1"),
        step: 90_005,
        timer: 1,
        cause: v1::Cause::WaveClosed.into(),
        orders_routed: 12,
        orders_planned: 80,
        changed: vec![v1::WaveOrder {
            channel: text("web"),
            order_id: text("1001"),
            rule: text("cheapest"),
            cost_before: 980_000,
            cost_after: 490_000,
        }],
        cost_before: 39_000_000,
        cost_after: 38_510_000,
        shipments_before: 14,
        shipments_after: 13,
        metres_before: 4_200_000,
        metres_after: 4_150_000,
        orders_left_out: 3,
        steps: 4_711,
        bound_hit: true,
    }
}
