//! PricesPublished: shadow prices of stock and capacity. MarkdownSet: what units lose where they are.

use std::collections::BTreeMap;

use omnifold_events::{MAX_TIME_MS, v1};

use super::booking::{Shelf, ledger_of};
use super::check;
use crate::{Ledger, Markdown, NodeIx, Priced, Reason, Refusal, ShadowPrices, State};

/// Most prices in one event.
const MAX_PRICES: usize = 10_000;
/// Highest price: sums over an order's units cannot overflow. Ten thousand million minor units.
const MAX_PRICE_MILLI: i64 = 10_000_000_000_000;

/// Highest markdown of a unit, minor units: costs of it are no more than any other cost may be.
const MAX_MARKDOWN: i64 = 1_000_000_000;

/// Nothing is routed again by it: it counts for what is decided from now on.
pub(super) fn set_markdown<S: State>(
    state: &mut S,
    event: &v1::MarkdownSet,
) -> Result<(), Refusal> {
    let (sku, node) = (check::sku(state, &event.sku)?, check::node(state, &event.node_id)?);
    let (amount, until) = (event.amount_minor, event.until_ms);
    if !(0..=MAX_MARKDOWN).contains(&amount) {
        let detail = format!("amount_minor {amount} is not in 0 to {MAX_MARKDOWN}");
        return Err(Refusal::new(Reason::InvalidPrice, detail));
    }
    if until != 0 {
        check::instant("until_ms", until)?;
    }
    let ledger = ledger_of(state, Shelf { sku, node });
    let markdown = (amount > 0).then_some(Markdown { amount, until });
    state.put_ledger(sku, node, Ledger { markdown, ..ledger });
    Ok(())
}

pub(super) fn publish<S: State>(state: &mut S, event: &v1::PricesPublished) -> Result<(), Refusal> {
    check_span(event)?;
    check_size(event)?;
    let mut rows = BTreeMap::new();
    for prices in &event.stock {
        let of = Priced::Stock(check::sku(state, &prices.sku)?);
        if rows.insert(of, by_node(state, &prices.nodes)?).is_some() {
            let detail = format!("the prices of `{}` stand twice", prices.sku);
            return Err(Refusal::new(Reason::DuplicateLine, detail));
        }
    }
    if let Some(capacity) = &event.capacity {
        rows.insert(Priced::Capacity, by_node(state, &capacity.nodes)?);
    }
    let (from, until) = (event.valid_from_ms, event.valid_until_ms);
    for (of, nodes) in rows {
        let row = (!nodes.is_empty()).then_some(ShadowPrices { from, until, nodes });
        state.put_prices(of, row);
    }
    Ok(())
}

fn check_span(event: &v1::PricesPublished) -> Result<(), Refusal> {
    let (from, until) = (event.valid_from_ms, event.valid_until_ms);
    if from >= 0 && from < until && until <= MAX_TIME_MS {
        return Ok(());
    }
    let detail = format!("prices cannot hold from {from} until {until} (milliseconds)");
    Err(Refusal::new(Reason::InvalidTime, detail))
}

fn check_size(event: &v1::PricesPublished) -> Result<(), Refusal> {
    let capacity = event.capacity.as_ref().map_or(0, |capacity| capacity.nodes.len());
    let prices: usize = event.stock.iter().map(|prices| prices.nodes.len().max(1)).sum();
    match prices + capacity {
        count if count > MAX_PRICES => {
            let detail = format!("{count} prices, {MAX_PRICES} are allowed");
            Err(Refusal::new(Reason::TooManyLines, detail))
        }
        0 if event.capacity.is_none() => {
            Err(Refusal::new(Reason::NoLines, "there is no price of anything"))
        }
        _ => Ok(()),
    }
}

/// Prices by number of the node. A price of 0 is the same as none.
fn by_node<S: State>(
    state: &mut S,
    prices: &[v1::NodePrice],
) -> Result<Vec<(NodeIx, i64)>, Refusal> {
    let mut nodes = Vec::with_capacity(prices.len());
    for price in prices {
        if !(0..=MAX_PRICE_MILLI).contains(&price.price_milli) {
            let detail = format!(
                "price_milli {} at `{}` is not in 0 to {MAX_PRICE_MILLI}",
                price.price_milli, price.node_id
            );
            return Err(Refusal::new(Reason::InvalidPrice, detail));
        }
        nodes.push((check::node(state, &price.node_id)?, price.price_milli));
    }
    nodes.sort_unstable();
    if nodes.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(Refusal::new(Reason::DuplicateLine, "a node has two prices of one thing"));
    }
    nodes.retain(|&(_, price)| price > 0);
    Ok(nodes)
}
