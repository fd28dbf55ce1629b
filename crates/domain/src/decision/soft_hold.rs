//! Folding what became of a hold.

use omnifold_events::v1::{self, StockHoldStatus};

use crate::work::serve_if_waited;
use crate::{Entry, EntryKind, HeldUnits, SoftHold, SoftHoldKey, State, Work};

/// Folds the outcome of a hold, and adds the work it opens: units that are free again.
pub(super) fn apply<S: State>(
    state: &mut S,
    outcome: &v1::StockHoldOutcome,
    work: &mut Vec<Work>,
) -> Result<(), String> {
    let key = SoftHoldKey::of(&outcome.channel, &outcome.hold_id);
    match outcome.status() {
        StockHoldStatus::Refused => Ok(()),
        StockHoldStatus::Held => {
            let freed = end(state, key, outcome)?;
            begin(state, key, outcome)?;
            serve(state, &freed, work);
            Ok(())
        }
        StockHoldStatus::Released | StockHoldStatus::Expired | StockHoldStatus::Consumed => {
            if state.soft_hold(key).is_none() {
                return Err("no such hold".to_owned());
            }
            let freed = end(state, key, outcome)?;
            serve(state, &freed, work);
            Ok(())
        }
        StockHoldStatus::Unspecified => Err("it has no status".to_owned()),
    }
}

/// L3: what is held leaves the node's ATP at 0 or above.
fn begin<S: State>(
    state: &mut S,
    key: SoftHoldKey,
    outcome: &v1::StockHoldOutcome,
) -> Result<(), String> {
    let units: Result<Vec<HeldUnits>, String> =
        outcome.units.iter().map(|held| held_units(state, held)).collect();
    let units = units?;
    for held in &units {
        let stock = state.stock_at(held.sku, held.node).filter(|stock| {
            let available = stock.on_hand_available() + stock.backorder_available();
            (1..=available).contains(&held.quantity)
        });
        let mut stock = stock.ok_or_else(|| format!("I2: {held:?} is not there"))?;
        stock.held += held.quantity;
        state.put_stock(held.sku, held.node, stock);
        note(state, held, EntryKind::Hold, "", held.quantity);
    }
    let hold = SoftHold {
        channel: outcome.channel.clone(),
        hold_id: outcome.hold_id.clone(),
        step: outcome.step,
        expires_at: outcome.expires_at_ms,
        units,
    };
    state.put_timer(hold.timer(), key.0);
    state.put_soft_hold(key, hold);
    Ok(())
}

fn held_units<S: State>(state: &S, held: &v1::HeldUnits) -> Result<HeldUnits, String> {
    let sku = state.item_named(&held.sku).ok_or_else(|| format!("no item `{}`", held.sku))?;
    let node =
        state.node_named(&held.node_id).ok_or_else(|| format!("no node `{}`", held.node_id))?;
    Ok(HeldUnits { sku, node, quantity: held.quantity_milli })
}

/// Ends a hold, where there is one, and returns what it held.
fn end<S: State>(
    state: &mut S,
    key: SoftHoldKey,
    outcome: &v1::StockHoldOutcome,
) -> Result<Vec<HeldUnits>, String> {
    let Some(hold) = state.soft_hold(key).cloned() else { return Ok(Vec::new()) };
    for held in &hold.units {
        let mut stock = state.stock_at(held.sku, held.node).ok_or("stock row is missing")?;
        stock.held -= held.quantity;
        state.put_stock(held.sku, held.node, stock);
        let status = outcome.status().as_str_name();
        note(state, held, EntryKind::HoldEnded, status, -held.quantity);
    }
    state.remove_timer(hold.timer());
    state.remove_soft_hold(key);
    Ok(hold.units)
}

/// The entry of a soft hold: no unit moves.
fn note<S: State>(
    state: &mut S,
    held: &HeldUnits,
    kind: EntryKind,
    reason: &'static str,
    units: i64,
) {
    let entry = Entry { held: units, ..Entry::new(kind, reason, 0) };
    state.note(held.sku, held.node, &entry);
}

fn serve<S: State>(state: &mut S, freed: &[HeldUnits], work: &mut Vec<Work>) {
    for held in freed {
        serve_if_waited(state, held.sku, work);
    }
}
