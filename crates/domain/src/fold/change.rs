//! The customer changes their mind: other quantities, other lines, another address, other terms; or
//! wants back what was cancelled.

use omnifold_events::v1;
use prost::Message as _;

use super::{Context, check, kits, order_class, orders, promises};
use crate::standing::{Standing, push_once, settle};
use crate::timer::change_order;
use crate::{Line, Location, Order, OrderKey, Reason, Refusal, State, Work};

/// A change, checked and ready to be made.
struct Change {
    /// (place of the line, units on top).
    more: Vec<(usize, i64)>,
    /// (place of the line, units to be cancelled).
    fewer: Vec<(usize, i64)>,
    added: Vec<Line>,
    /// Where the order goes from now on, as far as the engine can see.
    moved_to: Option<Option<Location>>,
    /// The terms of delivery from now on, encoded.
    delivery: Option<Vec<u8>>,
}

pub(super) fn change<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::OrderChanged,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let key = orders::find(state, &event.channel, &event.order_id)?;
    check_revision(state.order(key).expect("found before"), event.expected_revision)?;
    let change = check_change(state, key, event)?;
    let order = state.order(key).expect("found before");
    let before = Standing::of(order);
    let mut changed = order.clone();
    let first_added = changed.lines.len();
    make(&mut changed, &change);
    if let Some(to) = &event.destination {
        let settings = state.settings().expect("checked before every fold");
        order_class::move_to(settings, &mut changed, to);
    }
    kits::resolve(state, &mut changed, first_added)?;
    changed.settle_release(context.now_ms);
    check_due(&changed)?;
    change_order(state, key, &mut |order| order.clone_from(&changed));
    if let Some(to) = &event.destination {
        promises::goes_to(state, key, to);
    }
    if !change.fewer.is_empty() {
        work.push(Work::Cancel { order: key, lines: change.fewer, cause: v1::Cause::Cancelled });
    }
    settle(state, key, &before, v1::Cause::Changed, work);
    if change.delivery.is_some() {
        tell_all(&changed, key, work);
    }
    // Who is wanted on another day may be put off no longer.
    let is_due_anew = change.delivery.is_some() && changed.deferred_until().is_some();
    if !change.more.is_empty() || !change.added.is_empty() || is_due_anew {
        push_once(work, Work::Route { order: key, cause: v1::Cause::Changed });
    }
    Ok(())
}

fn check_revision(order: &Order, expected: u32) -> Result<(), Refusal> {
    if expected == 0 || expected == order.revision {
        return Ok(());
    }
    let detail = format!(
        "the change was made on revision {expected}, order `{}` is at {}",
        order.order_id, order.revision
    );
    Err(Refusal::new(Reason::StaleRevision, detail))
}

fn check_change<S: State>(
    state: &mut S,
    key: OrderKey,
    event: &v1::OrderChanged,
) -> Result<Change, Refusal> {
    let order = state.order(key).expect("found before").clone();
    let (more, fewer) =
        check_quantities(state, key, &kits::of_customer(&order, &event.quantities)?)?;
    orders::check_line_count(order.lines.len() + event.added.len())?;
    let mut added = Vec::new();
    for line in &event.added {
        let known = |row: &Line| row.line_id == line.line_id;
        let is_kit = order.kits().iter().any(|kit| kit.line_id == line.line_id);
        if is_kit || order.lines.iter().chain(&added).any(known) {
            let detail = format!("line `{}` stands in the order already", line.line_id);
            return Err(Refusal::new(Reason::DuplicateLine, detail));
        }
        added.push(orders::line_from(state, line)?);
    }
    let moved_to = check_destination(&order, event.destination.as_ref())?;
    let delivery = terms_after(&order, event)?;
    let change = Change { more, fewer, added, moved_to, delivery };
    if change.says_nothing() {
        return Err(Refusal::new(Reason::NothingToChange, "the order is so already"));
    }
    Ok(change)
}

impl Change {
    fn says_nothing(&self) -> bool {
        let lines = self.more.is_empty() && self.fewer.is_empty() && self.added.is_empty();
        lines && self.delivery.is_none()
    }
}

type Units = Vec<(usize, i64)>;

/// Units on top and units to cancel, per line named.
fn check_quantities<S: State>(
    state: &mut S,
    key: OrderKey,
    wanted: &[v1::LineQuantity],
) -> Result<(Units, Units), Refusal> {
    let (mut more, mut fewer, mut seen) = (Units::new(), Units::new(), Vec::new());
    for line in wanted {
        let order = state.order(key).expect("found before");
        let place = orders::line_place(order, &line.line_id)?;
        if seen.contains(&place) {
            let detail = format!("line `{}` is named twice", line.line_id);
            return Err(Refusal::new(Reason::DuplicateLine, detail));
        }
        seen.push(place);
        let row = order.lines[place].clone();
        let left = orders::left_of(order, place);
        // Units that a node was asked for count as gone: the customer gave them up.
        let wanted = row.ordered - row.cancelled - order.asked_back(place);
        let shipped = orders::nothing_left(order, row.shipped > 0);
        check::quantity("quantity", line.quantity_milli, 0, state.item(row.sku))?;
        let difference = line.quantity_milli - wanted;
        if -difference > left {
            return Err(shipped);
        }
        match difference {
            0 => {}
            1.. => more.push((place, check_growth(&row, difference)?)),
            _ => fewer.push((place, -difference)),
        }
    }
    Ok((more, fewer))
}

/// However often a line goes up and down, what was ever ordered stays a quantity.
fn check_growth(line: &Line, units: i64) -> Result<i64, Refusal> {
    if line.ordered.checked_add(units).is_some_and(|sum| sum <= crate::MAX_QUANTITY_MILLI) {
        return Ok(units);
    }
    let detail = format!("line `{}` was changed to too many units in all", line.line_id);
    Err(Refusal::new(Reason::InvalidQuantity, detail))
}

/// What has left goes where it was sent; only what has not can be sent elsewhere.
fn check_destination(
    order: &Order,
    to: Option<&v1::Destination>,
) -> Result<Option<Option<Location>>, Refusal> {
    let Some(to) = to else { return Ok(None) };
    check::country(&to.country)?;
    let location = check::location(to.location.as_ref())?;
    if order.lines.iter().all(|line| line.open + line.allocated == 0) {
        return Err(orders::nothing_left(order, order.lines.iter().any(|l| l.shipped > 0)));
    }
    Ok(Some(location))
}

/// The new terms with the destination that counts now, encoded; `None`: they stay.
fn terms_after(order: &Order, event: &v1::OrderChanged) -> Result<Option<Vec<u8>>, Refusal> {
    if event.delivery.is_none() && event.destination.is_none() {
        return Ok(None);
    }
    let old = order.delivery_terms().unwrap_or_default();
    let destination = event.destination.clone().or_else(|| old.destination.clone());
    let mut terms = match &event.delivery {
        None => old,
        Some(new) => {
            check::delivery(new)?;
            v1::DeliveryTerms::clone(new)
        }
    };
    terms.destination = destination;
    check::delivery_size(&terms)?;
    Ok(Some(terms.encode_to_vec()))
}

fn make(order: &mut Order, change: &Change) {
    order.revision += 1;
    for &(place, units) in &change.more {
        order.lines[place].ordered += units;
        order.lines[place].open += units;
    }
    order.lines.extend_from_slice(&change.added);
    if let Some(location) = change.moved_to {
        order.destination = location;
    }
    if let Some(delivery) = &change.delivery {
        order.handling_mut().delivery.clone_from(delivery);
        order.tidy_handling();
    }
}

/// An amount that no payment could come to is refused where it arises.
fn check_due(order: &Order) -> Result<(), Refusal> {
    let due = order.handling.as_ref().and_then(|handling| handling.due.as_ref());
    if due.is_none_or(|due| due.amount(order).is_some()) {
        return Ok(());
    }
    Err(Refusal::new(Reason::InvalidMoney, "the amount due does not fit 64 bits"))
}

fn tell_all(order: &Order, key: OrderKey, work: &mut Vec<Work>) {
    let told = |item: &Work| matches!(item, Work::Tell { .. });
    work.retain(|item| !told(item)); // they are told all at once
    let open = |place: &usize| order.fulfilments[*place].state.is_open();
    let fulfilments: Vec<usize> = (0..order.fulfilments.len()).filter(open).collect();
    if !fulfilments.is_empty() {
        work.push(Work::Tell { order: key, fulfilments, cause: v1::Cause::Changed });
    }
}

/// The cancelled units are open again, and are routed like new ones.
pub(super) fn resume<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::OrderResumed,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let key = orders::find(state, &event.channel, &event.order_id)?;
    let order = state.order(key).expect("found before");
    let named = kits::of_customer(order, &event.lines)?;
    let lines = orders::wanted_lines(order, &named, |line| line.cancelled, not_cancelled)?;
    orders::check_steps(state, key, &lines)?;
    let order = state.order(key).expect("found before");
    let before = Standing::of(order);
    let mut resumed = order.clone();
    resumed.revision += 1;
    for &(place, units) in &lines {
        resumed.lines[place].cancelled -= units;
        resumed.lines[place].open += units;
    }
    check_due(&resumed)?;
    resumed.settle_release(context.now_ms);
    change_order(state, key, &mut |order| order.clone_from(&resumed));
    settle(state, key, &before, v1::Cause::Resumed, work);
    push_once(work, Work::Route { order: key, cause: v1::Cause::Resumed });
    Ok(())
}

fn not_cancelled(order: &Order) -> Refusal {
    let detail = format!("fewer units of order `{}` are cancelled", order.order_id);
    Refusal::new(Reason::NotCancelled, detail)
}
