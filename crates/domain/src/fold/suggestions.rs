//! Transfers that are suggested for orders that wait (`v1::TransferPlan` of an outcome). Nothing is booked
//! by a suggestion: it stands beside the order until units move, or nobody waits for them any more.
//! Whatever becomes of it is told as `TransferSuggested`.
//!
//! Each unit that waits is suggested from one place at most: the ledger of where it is to leave counts what
//! is suggested from there, over all orders, and an order keeps what is on its way for it.

use omnifold_events::v1;

use super::booking::{Shelf, ledger_of};
use super::serve_if_waited;
use crate::{Ledger, NodeIx, OrderKey, SkuIx, State, SuggestedMove, SupplyNotice, Transfer, Work};

/// Most orders of a queue that one dispatch or arrival looks at.
const MAX_LOOKED: usize = 1_000;

/// A decision says what is suggested for an order now. What is on its way for it stays.
pub(crate) fn replace<S: State>(
    state: &mut S,
    key: OrderKey,
    plan: &v1::TransferPlan,
    work: &mut Vec<Work>,
) -> Result<(), String> {
    let before = state.order(key).map_or(Vec::new(), |order| order.moves().to_vec());
    let mut moves: Vec<SuggestedMove> = Vec::with_capacity(plan.moves.len());
    for told in &plan.moves {
        let new = read(state, told)?;
        if moves.iter().any(|row| row.is_like(&new)) {
            return Err(format!("it is said twice what is to be moved: {told:?}"));
        }
        let known = before.iter().find(|row| row.is_like(&new));
        moves.push(SuggestedMove { under_way: known.map_or(0, |row| row.under_way), ..new });
    }
    for row in before {
        if !moves.iter().any(|new| new.is_like(&row)) {
            moves.push(SuggestedMove { units: 0, ..row });
        }
    }
    let order = state.order(key).expect("the decision is on it");
    let too_many = |row: &&SuggestedMove| {
        let of_sku = moves.iter().filter(|other| other.sku == row.sku);
        row.units > 0 && of_sku.map(SuggestedMove::awaited).sum::<i64>() > order.waiting_of(row.sku)
    };
    if let Some(row) = moves.iter().find(too_many) {
        return Err(format!("more is to be moved than waits: {row:?}"));
    }
    put(state, key, moves, work);
    settle(state, key, work);
    Ok(())
}

fn read<S: State>(state: &S, told: &v1::SuggestedTransfer) -> Result<SuggestedMove, String> {
    let node = |id: &str| state.node_named(id).ok_or_else(|| format!("no node `{id}`"));
    let sku = state.item_named(&told.sku).ok_or_else(|| format!("no item `{}`", told.sku))?;
    let (from, to) = (node(&told.from_node_id)?, node(&told.to_node_id)?);
    let units = told.quantity_milli;
    if from == to || units <= 0 {
        return Err(format!("nothing can be moved so: {told:?}"));
    }
    Ok(SuggestedMove { sku, from, to, units, under_way: 0 })
}

/// An order's waiting units may be fewer than before: what nobody waits for is not suggested any more, the
/// last first.
pub(crate) fn settle<S: State>(state: &mut S, key: OrderKey, work: &mut Vec<Work>) {
    let Some(order) = state.order(key).filter(|order| !order.moves().is_empty()) else {
        return; // nearly every order
    };
    let mut moves = order.moves().to_vec();
    for place in (0..moves.len()).rev() {
        let sku = moves[place].sku;
        let awaited = moves.iter().filter(|row| row.sku == sku).map(SuggestedMove::awaited);
        let mut excess = (awaited.sum::<i64>() - order.waiting_of(sku)).max(0);
        let row = &mut moves[place];
        for units in [&mut row.units, &mut row.under_way] {
            let gone = excess.min(*units);
            *units -= gone;
            excess -= gone;
        }
    }
    put(state, key, moves, work);
}

/// Units left one node for another: those that were suggested are on their way, for the orders that are
/// served first. Returns how many are.
pub(super) fn sent<S: State>(
    state: &mut S,
    transfer: &Transfer,
    work: &mut Vec<Work>,
) -> Vec<(SkuIx, i64)> {
    let mut awaited = Vec::new();
    for &(sku, units) in &transfer.under_way {
        let suggested = state.ledger(sku, transfer.from).map_or(0, |ledger| ledger.suggested);
        let way = (sku, transfer.from, transfer.to);
        let sent = follow(state, way, units.min(suggested), work, |row, left| {
            let sent = row.units.min(left);
            row.units -= sent;
            row.under_way += sent;
            sent
        });
        if sent > 0 {
            awaited.push((sku, sent));
        }
    }
    awaited
}

/// Units that orders await are on their way no more: they came, were lost, or went back. Orders that go on
/// waiting are looked at again.
pub(super) fn ended<S: State>(
    state: &mut S,
    (from, to): (NodeIx, NodeIx),
    awaited: &[(SkuIx, i64)],
    work: &mut Vec<Work>,
) {
    for &(sku, units) in awaited {
        follow(state, (sku, from, to), units, work, |row, left| {
            let ended = row.under_way.min(left);
            row.under_way -= ended;
            ended
        });
        serve_if_waited(state, sku, work);
    }
}

/// Changes what orders that wait for a SKU have of units that go from one node to another, in the order of
/// their queue. `change` returns how many units it took, and this how many all took.
fn follow<S: State>(
    state: &mut S,
    (sku, from, to): (SkuIx, NodeIx, NodeIx),
    units: i64,
    work: &mut Vec<Work>,
    change: impl Fn(&mut SuggestedMove, i64) -> i64,
) -> i64 {
    let (mut left, mut after) = (units, None);
    for _ in 0..MAX_LOOKED {
        let Some((place, key)) = state.next_waiting(sku, after).filter(|_| left > 0) else { break };
        after = Some(place);
        let moves = state.order(key).map_or(&[][..], |order| order.moves());
        let is_ours = |row: &SuggestedMove| (row.sku, row.from, row.to) == (sku, from, to);
        let Some(at) = moves.iter().position(is_ours) else { continue };
        let mut moves = moves.to_vec();
        left -= change(&mut moves[at], left);
        put(state, key, moves, work);
    }
    units - left
}

/// Writes what is suggested for an order, and tells what is another figure.
fn put<S: State>(
    state: &mut S,
    key: OrderKey,
    mut moves: Vec<SuggestedMove>,
    work: &mut Vec<Work>,
) {
    let order = state.order(key).expect("the caller saw it");
    let before = order.moves().to_vec();
    let known = |row: &SuggestedMove| {
        before.iter().find(|other| other.is_like(row)).map_or(0, |other| other.units)
    };
    let changed: Vec<(SuggestedMove, i64)> =
        moves.iter().map(|row| (*row, row.units - known(row))).filter(|row| row.1 != 0).collect();
    let told = v1::TransferSuggested {
        channel: order.channel.clone(),
        order_id: order.order_id.clone(),
        decision: order.decisions,
        ..v1::TransferSuggested::default()
    };
    moves.retain(|row| row.awaited() > 0);
    if moves != before {
        state.change_order(key, &mut |order| {
            order.details.get_or_insert_default().moves.clone_from(&moves);
        });
    }
    for (row, change) in changed {
        count(state, row.sku, row.from, change);
        let node = |node: NodeIx| state.nodes()[node.0 as usize].id.clone();
        let notice = v1::TransferSuggested {
            sku: state.item(row.sku).sku.clone(),
            from_node_id: node(row.from),
            to_node_id: node(row.to),
            quantity_milli: row.units,
            ..told.clone()
        };
        work.push(Work::SupplyNotice(Box::new(SupplyNotice::TransferSuggested(notice))));
    }
}

/// So many more units are suggested to leave a node.
fn count<S: State>(state: &mut S, sku: SkuIx, node: NodeIx, change: i64) {
    let ledger = ledger_of(state, Shelf { sku, node });
    let suggested = ledger.suggested + change;
    assert!(suggested >= 0, "I6: fewer units are suggested to leave a node than orders say");
    state.put_ledger(sku, node, Ledger { suggested, ..ledger });
}
