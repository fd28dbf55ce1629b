//! Orders that wait may be told another date when what is inbound changes.

use omnifold_events::Event;

use crate::{PurchaseOrderKey, SkuIx, State, TransferKey, Work};

/// Whether an event may change what is inbound, in a market that promises.
pub(super) fn may_change<S: State>(state: &S, event: &Event) -> bool {
    let promises = state.settings().is_some_and(|settings| settings.promise.is_some());
    promises && event.topic() == "supply"
}

/// SKUs of which other units may be inbound once an event is folded; looked at before it, and after.
pub(super) fn skus<S: State>(state: &mut S, event: &Event) -> Vec<SkuIx> {
    match event {
        Event::PurchaseOrderIssued(e) => of_purchase_order(state, &e.purchase_order_id),
        Event::PurchaseOrderAcknowledged(e) => of_purchase_order(state, &e.purchase_order_id),
        Event::PurchaseOrderChanged(e) => of_purchase_order(state, &e.purchase_order_id),
        Event::PurchaseOrderClosed(e) => of_purchase_order(state, &e.purchase_order_id),
        Event::PurchaseOrderCancelled(e) => of_purchase_order(state, &e.purchase_order_id),
        Event::ShipNoticeReceived(e) => of_purchase_order(state, &e.purchase_order_id),
        Event::ReceiptBooked(e) => of_purchase_order(state, &e.purchase_order_id),
        Event::ReceiptReversed(e) => of_purchase_order(state, &e.purchase_order_id),
        Event::TransferDispatched(e) => of_transfer(state, &e.transfer_id),
        Event::TransferReceived(e) => of_transfer(state, &e.transfer_id),
        Event::TransferCancelled(e) => of_transfer(state, &e.transfer_id),
        _ => Vec::new(),
    }
}

fn of_purchase_order<S: State>(state: &mut S, id: &str) -> Vec<SkuIx> {
    let order = state.purchase_order(PurchaseOrderKey::of(id));
    order.map_or(Vec::new(), |order| order.expected().iter().map(|row| row.sku).collect())
}

fn of_transfer<S: State>(state: &mut S, id: &str) -> Vec<SkuIx> {
    let transfer = state.transfer(TransferKey::of(id));
    transfer.map_or(Vec::new(), |row| row.under_way.iter().map(|row| row.0).collect())
}

/// The orders that wait for these SKUs are looked at again, once what appeared was given out.
pub(super) fn look_again<S: State>(state: &mut S, mut skus: Vec<SkuIx>, work: &mut Vec<Work>) {
    skus.sort_unstable();
    skus.dedup();
    skus.retain(|&sku| state.next_waiting(sku, None).is_some());
    work.extend(skus.into_iter().map(|sku| Work::Redate { sku }));
}
