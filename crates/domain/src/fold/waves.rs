//! WaveClosed: what waits for a wave is routed, then assignments that nobody works on are planned again
//! together.

use omnifold_events::v1;

use super::{Context, check};
use crate::serving::{served_by, window};
use crate::{NodeIx, OrderKey, Reason, Refusal, SkuIx, State, WaveRequest, Work};

/// Most orders of a wave, and how many where the event does not say.
const MAX_ORDERS: u32 = 1_000;
const USUAL_ORDERS: u32 = 200;
/// Most counted steps of planning a wave again, and how many where the event does not say.
const MAX_STEPS: u32 = 5_000_000;
const USUAL_STEPS: u32 = 200_000;

pub(super) fn close<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::WaveClosed,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    check::name("wave_id", &event.wave_id)?;
    let max_orders = bound("max_orders", event.max_orders, USUAL_ORDERS, MAX_ORDERS)?;
    let max_steps = bound("max_steps", event.max_steps, USUAL_STEPS, MAX_STEPS)?;
    let placed_before = match event.placed_before_ms {
        0 => i64::MAX,
        at => check::instant("placed_before_ms", at).map(|()| at)?,
    };
    let nodes = event.node_ids.iter().map(|id| check::node(state, id));
    let nodes = nodes.collect::<Result<Vec<NodeIx>, Refusal>>()?;
    let routed = waiting_for_it(state, context.now_ms, placed_before, max_orders);
    let request = WaveRequest {
        id: event.wave_id.clone(),
        nodes,
        placed_before,
        max_orders,
        max_steps,
        routed: routed.len() as u32,
    };
    let cause = v1::Cause::WaveClosed;
    work.extend(routed.into_iter().map(|order| Work::Route { order, cause }));
    work.push(Work::PlanWave(Box::new(request)));
    Ok(())
}

fn bound(what: &str, asked: u32, usual: u32, most: u32) -> Result<u32, Refusal> {
    match asked {
        0 => Ok(usual),
        asked if asked <= most => Ok(asked),
        asked => {
            let detail = format!("{what} {asked}, {most} are allowed");
            Err(Refusal::new(Reason::WaveTooLarge, detail))
        }
    }
}

/// The orders that wait for a wave and are old enough, first come those that the policy serves first.
fn waiting_for_it<S: State>(
    state: &mut S,
    now_ms: i64,
    placed_before: i64,
    most: u32,
) -> Vec<OrderKey> {
    let by = served_by(state, now_ms);
    let waiting = window(state, SkuIx::WAVE, None, &by);
    let mut is_old_enough =
        |key: OrderKey| state.order(key).is_some_and(|order| order.placed_at < placed_before);
    let found = waiting.into_iter().map(|(_, key)| key).filter(|key| is_old_enough(*key));
    found.take(most as usize).collect()
}
