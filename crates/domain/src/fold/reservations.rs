//! Stock reserved for channels.

use omnifold_events::v1;

use super::booking::{Shelf, ledger_of};
use super::{check, serve_if_waited};
use crate::{Reason, Refusal, State, Work};

/// Channels that units of one (SKU, node) may be kept for.
const MAX_RESERVATIONS: usize = 20;

/// Replaces what is kept for a channel.
pub(super) fn reserve<S: State>(
    state: &mut S,
    event: &v1::ChannelStockReserved,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    check::channel(&event.channel)?;
    let node = check::node(state, &event.node_id)?;
    let sku = check::sku(state, &event.sku)?;
    check::quantity("reservation", event.quantity_milli, 0, state.item(sku))?;
    let mut ledger = ledger_of(state, Shelf { sku, node });
    ledger.reserve(&event.channel, event.quantity_milli);
    if ledger.reserved.len() > MAX_RESERVATIONS {
        let detail = format!("units of `{}` are kept for {MAX_RESERVATIONS} channels", event.sku);
        return Err(Refusal::new(Reason::TooManyReservations, detail));
    }
    let mut settings = state.settings().expect("checked before every fold").clone();
    if !settings.reserves {
        settings.reserves = true;
        state.put_settings(settings);
    }
    state.put_ledger(sku, node, ledger);
    // The row stays as it is; what channels may sell of it does not.
    let stock = state.stock_at(sku, node).unwrap_or_default();
    state.put_stock(sku, node, stock);
    serve_if_waited(state, sku, work);
    Ok(())
}
