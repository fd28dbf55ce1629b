//! Folding one input event into the state.
//!
//! Every function here has the same shape: look up and check, refuse or go on, then write. All
//! refusals come before the first write, so a refused event leaves the state as it was.

mod booking;
mod cargo;
mod change;
mod check;
mod due;
mod fulfilment;
mod gathering;
mod goods;
mod holds;
mod inspections;
mod invoices;
pub(crate) mod kits;
mod losses;
pub(crate) mod lots;
mod moves;
pub(crate) mod network;
pub(crate) mod nodes;
mod order_class;
mod orders;
mod parcels;
mod payments;
mod picking;
pub(crate) mod pickup;
mod policy;
mod prices;
pub(crate) mod promises;
mod purchasing;
mod questions;
mod receipts;
mod reservations;
pub(crate) mod returns;
pub(crate) mod serials;
mod soft_holds;
mod stock;
mod subject;
pub(crate) mod suggestions;
pub(crate) mod supplier_stock;
pub(crate) mod tickets;
mod transfers;
mod waves;

use omnifold_events::Event;

use crate::work::serve_if_waited;
use crate::{Reason, Refusal, Rules, State, Work};

/// Law L21, for the invariants.
pub(crate) fn within_bounds(order: &crate::PurchaseOrder) -> bool {
    purchasing::check_bounds(order).is_ok()
}

/// Where and when an event stands.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Number of the record, counted from the market's first.
    pub step: u64,
    /// The record's time, milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// The market's clock at the record: what every rule means by "now". Never behind `time_ms`,
    /// except before the market's first event, which sets it.
    pub now_ms: i64,
    /// The rules that this build knows.
    pub known_rules: &'a [Rules],
}

/// Folds one event and adds the work it opens to `work`.
pub fn fold<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &Event,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    if state.settings().is_none() && !matches!(event, Event::MarketConfigured(_)) {
        let detail = format!(
            "the first event of a market is MarketConfigured on `network`, not {}",
            event.type_name()
        );
        return Err(Refusal::new(Reason::NoMarket, detail));
    }
    if !due::may_change(state, event) {
        return apply(state, context, event, work); // nearly every event
    }
    let mut expected = due::skus(state, event);
    apply(state, context, event, work)?;
    expected.extend(due::skus(state, event));
    due::look_again(state, expected, work);
    Ok(())
}

fn apply<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &Event,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    match event {
        Event::MarketConfigured(event) => network::configure(state, context, event),
        Event::RulesActivated(event) => network::activate_rules(state, context, event),
        Event::NodeDefined(event) => network::define_node(state, context, event, work),
        Event::NodeCapacitySet(event) => network::set_capacity(state, event, work),
        Event::NodeCalendarSet(event) => nodes::set_calendar(state, context, event, work),
        Event::NodePaused(event) => nodes::pause(state, context, event, work),
        Event::NodeResumed(event) => nodes::resume(state, event, work),
        Event::NodeOffboarded(event) => nodes::offboard(state, event, work),
        Event::ItemDefined(event) => network::define_item(state, event),
        Event::StockSettingsSet(event) => stock::set(state, event, work),
        Event::SalesRateSet(event) => stock::set_sales_rate(state, event, work),
        Event::ChannelDefined(event) => network::define_channel(state, event, work),
        Event::PricesPublished(event) => prices::publish(state, event),
        Event::MarkdownSet(event) => prices::set_markdown(state, event),
        Event::StockCounted(event) => stock::count(state, context, event, work),
        Event::StockAdjusted(event) => stock::adjust(state, context, event, work),
        Event::StockMoved(event) => moves::relocate(state, context, event, work),
        Event::StockReceived(event) => moves::receive(state, context, event, work),
        Event::TransferDispatched(event) => transfers::dispatch(state, context, event, work),
        Event::TransferReceived(event) => transfers::receive(state, context, event, work),
        Event::TransferCancelled(event) => transfers::cancel(state, context, event, work),
        Event::PurchaseOrderIssued(event) => purchasing::issue(state, event),
        Event::PurchaseOrderAcknowledged(event) => purchasing::acknowledge(state, event),
        Event::PurchaseOrderHeld(event) => purchasing::hold(state, event),
        Event::PurchaseOrderHoldReleased(event) => purchasing::release(state, event),
        Event::PurchaseOrderChanged(event) => purchasing::change(state, event),
        Event::PurchaseOrderClosed(event) => purchasing::close(state, event),
        Event::PurchaseOrderCancelled(event) => purchasing::cancel(state, event),
        Event::ShipNoticeReceived(event) => purchasing::announce(state, event),
        Event::ReceiptBooked(event) => receipts::book(state, context, event, work),
        Event::ReceiptReversed(event) => receipts::reverse(state, context, event, work),
        Event::SupplierInvoiceReceived(event) => invoices::bill(state, event, work),
        Event::SupplierInvoiceReleased(event) => invoices::release(state, event, work),
        Event::SupplierItemListed(event) => supplier_stock::list(state, event, work),
        Event::SupplierStockFed(event) => supplier_stock::feed(state, context, event, work),
        Event::ChannelStockReserved(event) => reservations::reserve(state, event, work),
        Event::OrderPlaced(event) => orders::place(state, context, event, work),
        Event::OrderCancelled(event) => orders::cancel(state, context, event, work),
        Event::OrderResumed(event) => change::resume(state, context, event, work),
        Event::OrderChanged(event) => change::change(state, context, event, work),
        Event::OrderHeld(event) => holds::hold(state, event, work),
        Event::OrderHoldReleased(event) => holds::release(state, event, work),
        Event::PaymentAuthorised(event) => payments::authorise(state, event, work),
        Event::PaymentCaptured(event) => payments::capture(state, event, work),
        Event::PaymentFailed(event) => payments::fail(state, event, work),
        Event::PaymentVoided(event) => payments::void(state, event, work),
        Event::PaymentRefunded(event) => payments::refund(state, event, work),
        Event::StockHeld(event) => soft_holds::hold(state, context, event, work),
        Event::StockHoldReleased(event) => soft_holds::release(state, event, work),
        Event::FulfilmentAccepted(event) => fulfilment::accept(state, context, event),
        Event::FulfilmentRejected(event) => fulfilment::reject(state, context, event, work),
        Event::FulfilmentShipped(event) => fulfilment::ship(state, context, event, work),
        Event::FulfilmentDelivered(event) => fulfilment::deliver(state, context, event, work),
        Event::OrderFeedback(event) => tickets::take_feedback(state, event),
        Event::TicketClosed(event) => tickets::close(state, event, work),
        Event::FulfilmentReleaseConfirmed(event) => questions::give_up(state, event, work),
        Event::FulfilmentReleaseRefused(event) => questions::keep(state, event, work),
        Event::CarrierDefined(event) => network::define_carrier(state, event),
        Event::ReturnRequested(event) => returns::request(state, context, event, work),
        Event::ReturnExpired(event) => returns::expire(state, event, work),
        Event::FulfilmentPicked(event) => picking::pick(state, context, event),
        Event::FulfilmentShortPicked(event) => picking::short_pick(state, context, event, work),
        Event::FulfilmentPacked(event) => picking::pack(state, event),
        Event::FulfilmentHandedOver(event) => picking::hand_over(state, context, event, work),
        Event::FulfilmentReadyForPickup(event) => pickup::ready(state, context, event, work),
        Event::FulfilmentCollected(event) => pickup::collect(state, context, event, work),
        Event::FulfilmentPickupExpired(event) => pickup::expire(state, event),
        Event::FulfilmentReturnedToStock(event) => {
            pickup::return_to_stock(state, context, event, work)
        }
        Event::FulfilmentArrivedAtNode(event) => gathering::arrive(state, event, work),
        Event::FulfilmentForwarded(event) => gathering::forward(state, event, work),
        Event::FulfilmentMoved(event) => picking::relocate(state, event, work),
        Event::TrackingUpdated(event) => parcels::track(state, context, event, work),
        Event::ParcelHandedOn(event) => parcels::hand_on(state, event),
        Event::FulfilmentLost(event) => losses::lose(state, context, event, work),
        Event::FulfilmentReturnedToOrigin(event) => {
            losses::return_to_origin(state, context, event, work)
        }
        Event::ReturnReceived(event) => returns::receive(state, context, event, work),
        Event::ReturnInspected(event) => inspections::inspect(state, context, event, work),
        Event::BlindReturnReceived(event) => returns::receive_blind(state, context, event, work),
        Event::PolicyActivated(event) => policy::activate(state, event, work),
        Event::PolicyRetired(event) => policy::retire(state, event, work),
        Event::WaveClosed(event) => waves::close(state, context, event, work),
    }
}
