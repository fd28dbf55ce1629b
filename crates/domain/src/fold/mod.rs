//! Folding one input event into the state.
//!
//! Every function here has the same shape: look up and check, refuse or go on, then write. All
//! refusals come before the first write, so a refused event leaves the state as it was.

mod change;
mod check;
mod fulfilment;
mod holds;
pub(crate) mod network;
mod orders;
mod payments;
mod soft_holds;
mod stock;

use omnifold_events::Event;

use crate::work::serve_if_waited;
use crate::{Reason, Refusal, Rules, State, Work};

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
    match event {
        Event::MarketConfigured(event) => network::configure(state, event),
        Event::RulesActivated(event) => network::activate_rules(state, context, event),
        Event::NodeDefined(event) => network::define_node(state, event, work),
        Event::NodeCapacitySet(event) => network::set_capacity(state, event, work),
        Event::ItemDefined(event) => network::define_item(state, event),
        Event::StockSettingsSet(event) => stock::set(state, event, work),
        Event::StockCounted(event) => stock::count(state, context, event, work),
        Event::StockAdjusted(event) => stock::adjust(state, context, event, work),
        Event::OrderPlaced(event) => orders::place(state, context, event, work),
        Event::OrderCancelled(event) => orders::cancel(state, event, work),
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
        Event::FulfilmentRejected(event) => fulfilment::reject(state, event, work),
        Event::FulfilmentShipped(event) => fulfilment::ship(state, event, work),
        Event::FulfilmentDelivered(event) => fulfilment::deliver(state, event),
        Event::FulfilmentReleaseConfirmed(event) => fulfilment::give_up(state, event, work),
        Event::FulfilmentReleaseRefused(event) => fulfilment::keep(state, event, work),
    }
}
