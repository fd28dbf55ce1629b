//! What suppliers and partners sell from their own shelves: item feeds and stock feeds.

use omnifold_events::v1;

use super::booking::{Shelf, put};
use super::purchasing::price;
use super::{Context, check, network, stock};
use crate::supplier::{StockFeed, shelf_of, subject_of};
use crate::{NodeIx, Reason, Refusal, SkuIx, State, Stock, SupplierItem, Work};

/// Longest life of a feed's figure: a year.
const MAX_STALE_AFTER_MS: i64 = 366 * 86_400_000;

/// A row of an item feed. It defines an item that the market does not know; one that it knows stays
/// as the operator described it.
pub(super) fn list<S: State>(
    state: &mut S,
    event: &v1::SupplierItemListed,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let node = partner(state, &event.node_id)?;
    if !event.supplier_sku.is_empty() {
        check::name("supplier_sku", &event.supplier_sku)?;
    }
    let unit_cost = price(state, event.unit_cost.as_ref())?;
    if state.item_named(&event.sku).is_none() {
        let (sku, name) = (event.sku.clone(), event.name.clone());
        let item = v1::ItemDefined { sku, name, scale: event.scale, ..Default::default() };
        network::define_item(state, &item)?;
    }
    let shelf = Shelf { sku: check::sku(state, &event.sku)?, node };
    let old = item_at(state, shelf);
    let was_withdrawn = old.withdrawn;
    let supplier_sku = event.supplier_sku.clone();
    let row = SupplierItem { supplier_sku, unit_cost, withdrawn: event.withdrawn, ..old };
    state.put_supplier_item(shelf.sku, shelf.node, row);
    if was_withdrawn != event.withdrawn {
        let old = state.stock_at(shelf.sku, shelf.node).unwrap_or_default();
        put(state, shelf, &old, Stock { flagged_out: event.withdrawn, ..old }, work);
    }
    Ok(())
}

fn partner<S: State>(state: &S, id: &str) -> Result<NodeIx, Refusal> {
    let node = check::node(state, id)?;
    if state.nodes()[node.0 as usize].is_partner() {
        return Ok(node);
    }
    let detail = format!("node `{id}` is neither a partner's nor a supplier's");
    Err(Refusal::new(Reason::NotASupplier, detail))
}

fn item_at<S: State>(state: &mut S, shelf: Shelf) -> SupplierItem {
    state.supplier_item(shelf.sku, shelf.node).cloned().unwrap_or_default()
}

/// A row of a stock feed: a count that the supplier made, and a timer that ends its life.
pub(super) fn feed<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::SupplierStockFed,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let node = partner(state, &event.node_id)?;
    let shelf = Shelf { sku: check::sku(state, &event.sku)?, node };
    let new = feed_from(context, event)?;
    let item = item_at(state, shelf);
    if let Some(old) = item.feed.filter(|old| old.as_of > new.as_of) {
        let detail = format!("the feed speaks for {}, a newer one for {}", new.as_of, old.as_of);
        return Err(Refusal::new(Reason::StaleFeed, detail));
    }
    let basis = match event.basis() {
        v1::CountBasis::Unspecified => v1::CountBasis::NetOfOpenOrders,
        said => said,
    };
    book(state, context, shelf, &new, basis, work)?;
    replace(state, shelf, item, Some(new));
    Ok(())
}

fn feed_from(context: Context<'_>, event: &v1::SupplierStockFed) -> Result<StockFeed, Refusal> {
    let as_of = if event.as_of_ms == 0 { context.time_ms } else { event.as_of_ms };
    let life = event.stale_after_ms;
    if !(0..=MAX_STALE_AFTER_MS).contains(&life) {
        let detail = format!("stale_after_ms {life} is not in 0 to {MAX_STALE_AFTER_MS}");
        return Err(Refusal::new(Reason::InvalidTime, detail));
    }
    let stale_at = if life == 0 { 0 } else { as_of.saturating_add(life) };
    if life != 0 && stale_at <= context.now_ms {
        let detail = format!("the figure for {as_of} was to be believed until {stale_at}");
        return Err(Refusal::new(Reason::StaleFeed, detail));
    }
    Ok(StockFeed { step: context.step, units: event.quantity_milli, as_of, stale_at })
}

/// Booked as the count that it is; a supplier's figures are expected to differ from ours, so nobody is
/// told of a variance.
fn book<S: State>(
    state: &mut S,
    context: Context<'_>,
    shelf: Shelf,
    feed: &StockFeed,
    basis: v1::CountBasis,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let count = v1::StockCounted {
        node_id: state.nodes()[shelf.node.0 as usize].id.clone(),
        sku: state.item(shelf.sku).sku.clone(),
        on_hand_milli: feed.units,
        as_of_ms: feed.as_of,
        basis: basis.into(),
        reason: v1::CountReason::SupplierFeed.into(),
        ..Default::default()
    };
    stock::count(state, context, &count, work)
}

/// A feed has its timer exactly while it is believed.
fn replace<S: State>(state: &mut S, shelf: Shelf, item: SupplierItem, feed: Option<StockFeed>) {
    if let Some(timer) = item.feed.and_then(|feed| feed.timer()) {
        state.remove_timer(timer);
    }
    if let Some(timer) = feed.and_then(|feed| feed.timer()) {
        state.put_timer(timer, subject_of(shelf.sku, shelf.node));
    }
    state.put_supplier_item(shelf.sku, shelf.node, SupplierItem { feed, ..item });
}

/// Nobody repeated the figure in time: what is not promised yet is not there to be sold.
///
/// # Panics
/// Where the ledger cannot take the count: the timer is undone and put off.
pub(crate) fn decay<S: State>(state: &mut S, subject: u128, due_ms: i64, work: &mut Vec<Work>) {
    let (sku, node): (SkuIx, NodeIx) = shelf_of(subject);
    let shelf = Shelf { sku, node };
    let item = item_at(state, shelf);
    let Some(feed) = item.feed.filter(|feed| (1..=due_ms).contains(&feed.stale_at)) else { return };
    let nothing = StockFeed { units: 0, as_of: feed.stale_at, ..feed };
    let context = Context { step: feed.step, time_ms: due_ms, now_ms: due_ms, known_rules: &[] };
    let basis = v1::CountBasis::NetOfOpenOrders;
    book(state, context, shelf, &nothing, basis, work)
        .unwrap_or_else(|refusal| panic!("{refusal}"));
    replace(state, shelf, item, None);
}
