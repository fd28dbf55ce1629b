//! What is to be bought in because customers wait for it: a figure of each item that names a supplier,
//! told on `notices` whenever it is another. It is looked at when units of the item begin to wait, are
//! promised without stock, or wait no longer.

use omnifold_events::v1;
use serde::{Deserialize, Serialize};

use crate::{NodeIx, Order, OrderKey, SkuIx, State, SupplyNotice, View, Work};

/// How an item is bought in. Quantities in 1/1000 unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replenishment {
    /// Of whom.
    pub supplier: String,
    /// It is ordered in whole multiples of this; 1 or more.
    pub multiple: i64,
    /// Units of the item that wait, over all orders.
    pub waiting: i64,
    /// The figure that was told last; 0: none.
    pub told: i64,
}

impl Replenishment {
    /// Rounds up to whole multiples, as far as a quantity goes.
    fn whole(&self, units: i64) -> i64 {
        let multiples = units / self.multiple + i64::from(units % self.multiple > 0);
        multiples.saturating_mul(self.multiple)
    }
}

/// Units of an order that wait, by SKU.
pub(crate) fn waiting_of(order: &Order) -> Vec<(SkuIx, i64)> {
    let mut waiting: Vec<(SkuIx, i64)> = Vec::new();
    for line in order.lines.iter().filter(|line| line.waiting > 0) {
        match waiting.iter_mut().find(|row| row.0 == line.sku) {
            Some(row) => row.1 += line.waiting,
            None => waiting.push((line.sku, line.waiting)),
        }
    }
    waiting
}

/// An order's waiting units are others than before.
pub(crate) fn settle<S: State>(
    state: &mut S,
    key: OrderKey,
    before: &[(SkuIx, i64)],
    work: &mut Vec<Work>,
) {
    let after = state.order(key).map(waiting_of).unwrap_or_default();
    let units =
        |rows: &[(SkuIx, i64)], sku| rows.iter().find(|row| row.0 == sku).map_or(0, |row| row.1);
    let mut skus: Vec<SkuIx> = before.iter().chain(&after).map(|row| row.0).collect();
    skus.sort_unstable();
    skus.dedup();
    for sku in skus {
        let change = units(&after, sku) - units(before, sku);
        if change != 0 {
            look(state, sku, change, work);
        }
    }
}

/// Tells what is to be bought of an item, where that is another figure than was told last. `change`:
/// by how much its waiting units grew.
pub(crate) fn look<S: State>(state: &mut S, sku: SkuIx, change: i64, work: &mut Vec<Work>) {
    if state.item(sku).purchase.is_none() {
        return; // nearly every item
    }
    let mut item = state.item(sku).clone();
    let purchase = item.purchase.as_mut().expect("just seen");
    purchase.waiting += change;
    let told = suggestion(state, sku, purchase);
    if told.quantity_milli != purchase.told {
        purchase.told = told.quantity_milli;
        let notice = v1::PurchaseSuggested { sku: item.sku.clone(), ..told };
        work.push(Work::SupplyNotice(Box::new(SupplyNotice::PurchaseSuggested(notice))));
    }
    state.put_item(sku, item);
}

/// What waits and is free nowhere, and what is promised and not there, beyond what is inbound.
fn suggestion<S: State>(
    state: &mut S,
    sku: SkuIx,
    purchase: &Replenishment,
) -> v1::PurchaseSuggested {
    let sum = |sum: i64, units: i64| sum.saturating_add(units);
    let backordered = state.stock_of(sku).iter().map(|row| row.stock.short()).fold(0, sum);
    let free = state.offers_of(sku).iter().map(|offer| offer.on_hand).fold(0, sum);
    let nodes = u32::try_from(state.nodes().len()).expect("nodes fit a u32");
    let mut expected = |node| state.inbound(sku, NodeIx(node)).map_or(0, |row| row.units());
    let inbound = (0..nodes).map(&mut expected).fold(0, sum);
    let missing = (purchase.waiting - free).max(0).saturating_add(backordered);
    v1::PurchaseSuggested {
        sku: String::new(),
        supplier_id: purchase.supplier.clone(),
        quantity_milli: purchase.whole(missing.saturating_sub(inbound).max(0)),
        waiting_milli: purchase.waiting,
        backordered_milli: backordered,
        inbound_milli: inbound,
        step: 0,
    }
}

/// Units of a SKU that wait, counted. Reads its whole queue: for rare events of operators.
pub(crate) fn count_waiting<V: View>(view: &mut V, sku: SkuIx) -> i64 {
    let (mut sum, mut after) = (0i64, None);
    while let Some((place, key)) = view.next_waiting(sku, after) {
        let of_sku = |order: &Order| waiting_of(order).into_iter().find(|row| row.0 == sku);
        let units = view.order(key).and_then(of_sku).map_or(0, |row| row.1);
        sum = sum.saturating_add(units);
        after = Some(place);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_of_whole_multiples() {
        let supplier = "ACME".to_owned();
        let bought = Replenishment { supplier, multiple: 6_000, waiting: 0, told: 0 };
        let whole = [0, 1, 6_000, 6_001].map(|units| bought.whole(units));
        assert_eq!(whole, [0, 6_000, 6_000, 12_000]);
        assert_eq!(bought.whole(i64::MAX), i64::MAX);
    }
}
