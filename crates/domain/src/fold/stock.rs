//! Events about what is physically there, and what of it is offered.

use omnifold_events::v1;

use super::{Context, check, serve_if_waited};
use crate::{MAX_QUANTITY_MILLI, NodeIx, Reason, Refusal, SkuIx, State, Stock, Work};

pub(super) fn set<S: State>(
    state: &mut S,
    event: &v1::StockSettingsSet,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let (sku, node, old) = row(state, &event.sku, &event.node_id)?;
    let item = state.item(sku);
    check::quantity("buffer", event.buffer_milli, 0, item)?;
    check::quantity("backorder limit", event.backorder_limit_milli, 0, item)?;
    let new = Stock {
        buffer: event.buffer_milli,
        backorder_limit: event.backorder_limit_milli,
        flagged_out: event.flagged_out,
        ..old
    };
    put(state, sku, node, old, new, work);
    Ok(())
}

/// A physical count at a time is the truth for that time (rule E2). A count older than one that
/// was already booked says nothing new.
pub(super) fn count<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::StockCounted,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let (sku, node, old) = row(state, &event.sku, &event.node_id)?;
    check::quantity("on_hand", event.on_hand_milli, 0, state.item(sku))?;
    let as_of = if event.as_of_ms == 0 { context.time_ms } else { event.as_of_ms };
    check_as_of(as_of, context.time_ms)?;
    if as_of < old.counted_as_of {
        return Ok(());
    }
    let variance = event.on_hand_milli.checked_sub(old.on_hand).ok_or_else(|| overflow(event))?;
    let new = Stock {
        on_hand: event.on_hand_milli,
        entered: old.entered.checked_add(variance).ok_or_else(|| overflow(event))?,
        counted_as_of: as_of,
        ..old
    };
    put(state, sku, node, old, new, work);
    Ok(())
}

/// Nobody has counted tomorrow's stock; a count that said so would hide every movement until then.
fn check_as_of(as_of: i64, time_ms: i64) -> Result<(), Refusal> {
    if (0..=time_ms).contains(&as_of) {
        return Ok(());
    }
    let detail = format!("as_of_ms {as_of} is not between 1970 and the event's own time {time_ms}");
    Err(Refusal::new(Reason::FromTheFuture, detail))
}

/// A movement stamped at or before the newest count was already seen by who counted (rule E2).
pub(super) fn adjust<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::StockAdjusted,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let (sku, node, old) = row(state, &event.sku, &event.node_id)?;
    check::quantity("delta", event.delta_milli, -MAX_QUANTITY_MILLI, state.item(sku))?;
    if context.time_ms <= old.counted_as_of && old.counted_as_of != 0 {
        return Ok(());
    }
    let new = Stock {
        on_hand: old.on_hand.checked_add(event.delta_milli).ok_or_else(|| overflow(event))?,
        entered: old.entered.checked_add(event.delta_milli).ok_or_else(|| overflow(event))?,
        ..old
    };
    put(state, sku, node, old, new, work);
    Ok(())
}

fn row<S: State>(state: &mut S, sku: &str, node: &str) -> Result<(SkuIx, NodeIx, Stock), Refusal> {
    let node = check::node(state, node)?;
    let sku = check::sku(state, sku)?;
    Ok((sku, node, state.stock_at(sku, node).unwrap_or_default()))
}

fn put<S: State>(
    state: &mut S,
    sku: SkuIx,
    node: NodeIx,
    old: Stock,
    new: Stock,
    work: &mut Vec<Work>,
) {
    state.put_stock(sku, node, new);
    let promisable = |stock: &Stock| stock.on_hand_available() + stock.backorder_available();
    if promisable(&new) > promisable(&old) {
        serve_if_waited(state, sku, work);
    }
}

fn overflow(event: &impl std::fmt::Debug) -> Refusal {
    Refusal::new(Reason::Overflow, format!("the stock would not fit 64 bits: {event:?}"))
}
