//! Events on `orders`: placed and cancelled.

use omnifold_events::v1;
use prost::Message as _;

use super::{Context, check, kits, order_class, promises};
use crate::decision::sla::note_cancellation;
use crate::timer;
use crate::{
    Due, Handling, Line, NodeIx, Order, OrderKey, Reason, Refusal, Settings, SoftHoldKey, State,
    Timing, Work,
};

/// Most lines an order may have.
pub(super) const MAX_LINES: usize = 1_000;

pub(super) fn place<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::OrderPlaced,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    check::channel(&event.channel)?;
    check::name("order_id", &event.order_id)?;
    let key = OrderKey::of(&event.channel, &event.order_id);
    if let Some(order) = state.order(key) {
        let detail = format!("order `{}/{}` was placed before", order.channel, order.order_id);
        return Err(Refusal::new(Reason::DuplicateOrder, detail));
    }
    let mut order = order_from(state, context, event)?;
    let mut consumed = consumed_hold(state, event, &order)?;
    if consumed.is_some() && order.is_held() {
        // The units stay held for it: it takes them when it is routed.
        order.handling_mut().soft_hold = consumed.take();
    }
    let is_timed = order.timing.is_some();
    if state.settings().is_some_and(|settings| settings.promise.is_some()) {
        promises::begin(state, key, &order, event.destination.as_ref());
    }
    state.put_order(key, order);
    if is_timed {
        timer::settle(state, key, &[]);
    }
    // Its units are free again before the order is routed, and nobody comes between.
    if let Some(hold) = consumed {
        let (status, order_id) = (v1::StockHoldStatus::Consumed, event.order_id.clone());
        work.push(Work::EndSoftHold { hold, status, order_id });
    }
    work.push(Work::Route { order: key, cause: v1::Cause::Placed });
    Ok(())
}

fn order_from<S: State>(
    state: &S,
    context: Context<'_>,
    event: &v1::OrderPlaced,
) -> Result<Order, Refusal> {
    let settings = state.settings().expect("checked before every fold");
    let destination = event.destination.as_ref();
    check::country(destination.map_or("", |to| &to.country))?;
    let mut order = Order {
        channel: event.channel.clone(),
        order_id: event.order_id.clone(),
        revision: 1,
        decisions: 0,
        placed_step: context.step,
        placed_at: context.time_ms,
        priority: event.priority,
        destination: check::location(destination.and_then(|to| to.location.as_ref()))?,
        allow_partial: match event.coverage() {
            v1::Coverage::Unspecified => settings.allow_partial,
            v1::Coverage::ShipComplete => false,
            v1::Coverage::AllowPartial => true,
        },
        fulfil_from: nodes_named(state, &event.fulfil_from)?,
        excluded: Vec::new(),
        lines: lines_from(state, event)?,
        fulfilments: Vec::new(),
        details: None,
        handling: None,
        timing: timing_of(event, context.now_ms)?,
    };
    if !event.pickup_node.is_empty() {
        collect_at(state, &mut order, event, settings.supplies_pickups)?;
    }
    for charges in &event.line_charges {
        add_charges(settings, &mut order, charges)?;
    }
    if let Some(class) = order_class::class_of(settings, event)? {
        order.details.get_or_insert_default().class = Some(class);
    }
    kits::resolve(state, &mut order, 0)?;
    kits::add_substitutes(state, &mut order, &event.substitutes)?;
    order.handling = handling_from(state, event, &order)?;
    Ok(order)
}

/// Rule R10: that node serves the whole order, or nobody does. Where any node may supply it, the others
/// send there what they ship, and the nearest to it come first.
fn collect_at<S: State>(
    state: &S,
    order: &mut Order,
    event: &v1::OrderPlaced,
    market_supplies: bool,
) -> Result<(), Refusal> {
    let node = check::node(state, &event.pickup_node)?;
    let any_node = match event.pickup_supply() {
        v1::PickupSupply::Unspecified => market_supplies,
        v1::PickupSupply::NodeOnly => false,
        v1::PickupSupply::AnyNode => true,
    };
    let details = order.details.get_or_insert_default();
    details.pickup = true;
    if any_node {
        details.gathers_at = Some(node);
        order.destination = state.nodes()[node.0 as usize].location;
        return Ok(());
    }
    if !order.fulfil_from.is_empty() {
        let detail = "a pick-up order that its node serves names no `fulfil_from`";
        return Err(Refusal::new(Reason::PickupOrder, detail));
    }
    order.fulfil_from.push(node);
    order.allow_partial = false;
    Ok(())
}

fn add_charges(
    settings: &Settings,
    order: &mut Order,
    charges: &v1::LineCharges,
) -> Result<(), Refusal> {
    let Some(place) = order.line_named(&charges.line_id) else {
        let detail = format!("charges for line `{}`, which is none", charges.line_id);
        return Err(Refusal::new(Reason::UnknownLine, detail));
    };
    let discount = amount(settings, "discount", charges.discount.as_ref())?;
    let tax = amount(settings, "tax", charges.tax.as_ref())?;
    let details = order.line_details_mut(place);
    (details.discount, details.tax) = (discount, tax);
    Ok(())
}

/// What the order needs beyond its lines; most orders need nothing.
fn handling_from<S: State>(
    state: &S,
    event: &v1::OrderPlaced,
    order: &Order,
) -> Result<Option<Box<Handling>>, Refusal> {
    let settings = state.settings().expect("checked before every fold");
    let charges = charges(settings, event.charges.as_deref())?;
    let pays_first = settings.payment > v1::PaymentRule::Nothing.into();
    if !pays_first && event.delivery.is_none() {
        return Ok(None);
    }
    let mut handling = Box::<Handling>::default();
    if let Some(terms) = &event.delivery {
        check::delivery(terms)?;
        check::delivery_size(terms)?;
        handling.delivery = terms.encode_to_vec();
    }
    if pays_first {
        let due = Due { rule: settings.payment, charges };
        if due.amount(order).is_none() {
            let detail = "the amount due does not fit 64 bits";
            return Err(Refusal::new(Reason::InvalidMoney, detail));
        }
        handling.due = Some(due);
    }
    Ok((*handling != Handling::default()).then_some(handling))
}

/// Shipping and tax less discount, minor units.
fn charges(settings: &Settings, charges: Option<&v1::Charges>) -> Result<i64, Refusal> {
    let Some(charges) = charges else { return Ok(0) };
    let amount = |money: &Option<v1::Money>| amount(settings, "charge", money.as_ref());
    let (shipping, tax) = (amount(&charges.shipping)?, amount(&charges.tax)?);
    let discount = amount(&charges.discount)?;
    let sum = shipping.checked_add(tax).map(|sum| sum - discount);
    sum.ok_or_else(|| Refusal::new(Reason::InvalidMoney, "the charges do not fit 64 bits"))
}

/// An amount in the market's currency, or none.
fn amount(settings: &Settings, what: &str, money: Option<&v1::Money>) -> Result<i64, Refusal> {
    money.map_or(Ok(0), |money| check::money_of(settings, what, money, 0))
}

/// The active hold that an order takes the place of. A hold that has ended is no reason to refuse
/// the order: it competes like any other (rule H4).
fn consumed_hold<S: State>(
    state: &S,
    event: &v1::OrderPlaced,
    order: &Order,
) -> Result<Option<SoftHoldKey>, Refusal> {
    if event.hold_id.is_empty() {
        return Ok(None);
    }
    check::name("hold_id", &event.hold_id)?;
    if order.is_scheduled() {
        let detail = "a pre-order is routed later and cannot take the place of a hold";
        return Err(Refusal::new(Reason::InvalidTime, detail));
    }
    let key = SoftHoldKey::of(&event.channel, &event.hold_id);
    Ok(state.soft_hold(key).map(|_| key))
}

/// A pre-order's release date; one that has passed is none.
fn timing_of(event: &v1::OrderPlaced, now_ms: i64) -> Result<Option<Box<Timing>>, Refusal> {
    let release_at = event.release_at_ms;
    if release_at == 0 || (1..=now_ms).contains(&release_at) {
        return Ok(None);
    }
    check::instant("release_at_ms", release_at)?;
    Ok(Some(Box::new(Timing { release_at, ..Timing::default() })))
}

fn nodes_named<S: State>(state: &S, ids: &[String]) -> Result<Vec<NodeIx>, Refusal> {
    ids.iter().map(|id| check::node(state, id)).collect()
}

fn lines_from<S: State>(state: &S, event: &v1::OrderPlaced) -> Result<Vec<Line>, Refusal> {
    let count = event.lines.len();
    if count == 0 {
        return Err(Refusal::new(Reason::NoLines, "the order has no lines"));
    }
    check_line_count(count)?;
    refuse_duplicate_lines(&event.lines)?;
    event.lines.iter().map(|line| line_from(state, line)).collect()
}

pub(super) fn check_line_count(count: usize) -> Result<(), Refusal> {
    if count <= MAX_LINES {
        return Ok(());
    }
    let detail = format!("the order has {count} lines, {MAX_LINES} are allowed");
    Err(Refusal::new(Reason::TooManyLines, detail))
}

fn refuse_duplicate_lines(lines: &[v1::OrderLine]) -> Result<(), Refusal> {
    let mut ids: Vec<&str> = lines.iter().map(|line| line.line_id.as_str()).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => {
            let detail = format!("line `{}` stands twice in the order", pair[0]);
            Err(Refusal::new(Reason::DuplicateLine, detail))
        }
    }
}

pub(super) fn line_from<S: State>(state: &S, line: &v1::OrderLine) -> Result<Line, Refusal> {
    check::name("line_id", &line.line_id)?;
    let sku = check::sku(state, &line.sku)?;
    check::quantity("quantity", line.quantity_milli, 1, state.item(sku))?;
    let settings = state.settings().expect("checked before every fold");
    let unit_price = amount(settings, "unit price", line.unit_price.as_ref())?;
    Ok(Line::ordered(line.line_id.clone(), sku, line.quantity_milli, unit_price))
}

/// Cancelling takes back what has not left (rule S1); the units that have stay sold.
pub(super) fn cancel<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::OrderCancelled,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    if event.return_to_origin {
        return call_back(state, context, event, work);
    }
    let key = find(state, &event.channel, &event.order_id)?;
    let order = state.order(key).expect("found before");
    let lines = if event.lines.is_empty() {
        all_that_is_left(order)?
    } else {
        named_lines(order, &kits::of_customer(order, &event.lines)?)?
    };
    check_steps(state, key, &lines)?;
    note_cancellation(state, key, context.now_ms);
    work.push(Work::Cancel { order: key, lines, cause: v1::Cause::Cancelled });
    Ok(())
}

/// Rule S5: what has not left is cancelled; what is under way is called back, and no stock changes
/// until it is there.
fn call_back<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::OrderCancelled,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let key = find(state, &event.channel, &event.order_id)?;
    let order = state.order(key).expect("found before");
    if !event.lines.is_empty() {
        let detail = "an order is called back as a whole, no lines are named";
        return Err(Refusal::new(Reason::Malformed, detail));
    }
    let under_way = |line: &Line| line.shipped - line.delivered - line.undelivered;
    if order.lines.iter().all(|line| under_way(line) == 0) {
        let shipped = order.lines.iter().any(|line| line.shipped > 0);
        return Err(nothing_left(order, shipped));
    }
    let left = (0..order.lines.len()).map(|place| (place, left_of(order, place)));
    let lines: Vec<(usize, i64)> = left.filter(|&(_, units)| units > 0).collect();
    let was_called_back = order.details.as_ref().is_some_and(|details| details.recalled_at > 0);
    if was_called_back && lines.is_empty() {
        return Err(nothing_left(order, false));
    }
    state.change_order(key, &mut |order| {
        let recalled_at = &mut order.details.get_or_insert_default().recalled_at;
        if *recalled_at == 0 {
            *recalled_at = context.time_ms;
        }
    });
    work.push(Work::Cancel { order: key, lines, cause: v1::Cause::Cancelled });
    Ok(())
}

/// The order of that name.
pub(super) fn find<S: State>(
    state: &mut S,
    channel: &str,
    order_id: &str,
) -> Result<OrderKey, Refusal> {
    let key = OrderKey::of(channel, order_id);
    if state.order(key).is_some() {
        return Ok(key);
    }
    Err(Refusal::new(Reason::UnknownOrder, format!("no order `{channel}/{order_id}`")))
}

/// Units of a line that can be taken back: they have not left, and no node was asked for them yet.
pub(super) fn left_of(order: &Order, place: usize) -> i64 {
    let line = &order.lines[place];
    line.open + line.allocated - order.asked_back(place)
}

pub(super) fn all_that_is_left(order: &Order) -> Result<Vec<(usize, i64)>, Refusal> {
    let left = (0..order.lines.len()).map(|place| (place, left_of(order, place)));
    let lines: Vec<(usize, i64)> = left.filter(|&(_, units)| units > 0).collect();
    if lines.is_empty() {
        return Err(nothing_left(order, order.lines.iter().any(|line| line.shipped > 0)));
    }
    Ok(lines)
}

fn named_lines(order: &Order, named: &[v1::LineQuantity]) -> Result<Vec<(usize, i64)>, Refusal> {
    let mut lines: Vec<(usize, i64)> = Vec::with_capacity(named.len());
    for wanted in named {
        let place = line_place(order, &wanted.line_id)?;
        let units = wanted_units(wanted, left_of(order, place))?
            .ok_or_else(|| nothing_left(order, order.lines[place].shipped > 0))?;
        refuse_twice(&lines, place, &wanted.line_id)?;
        lines.push((place, units));
    }
    Ok(lines)
}

/// The lines named, or all of which there are any units of that kind.
pub(super) fn wanted_lines(
    order: &Order,
    named: &[v1::LineQuantity],
    there: impl Fn(&Line) -> i64,
    missing: impl Fn(&Order) -> Refusal,
) -> Result<Vec<(usize, i64)>, Refusal> {
    let mut lines: Vec<(usize, i64)> = Vec::new();
    for wanted in named {
        let place = line_place(order, &wanted.line_id)?;
        let units = wanted_units(wanted, there(&order.lines[place]))?;
        refuse_twice(&lines, place, &wanted.line_id)?;
        lines.push((place, units.ok_or_else(|| missing(order))?));
    }
    if named.is_empty() {
        let all = order.lines.iter().map(there).enumerate();
        lines.extend(all.filter(|&(_, units)| units > 0));
    }
    if lines.is_empty() { Err(missing(order)) } else { Ok(lines) }
}

fn refuse_twice(lines: &[(usize, i64)], place: usize, line_id: &str) -> Result<(), Refusal> {
    if lines.iter().all(|&(other, _)| other != place) {
        return Ok(());
    }
    Err(Refusal::new(Reason::DuplicateLine, format!("line `{line_id}` is named twice")))
}

/// Place of the line of that name.
pub(super) fn line_place(order: &Order, line_id: &str) -> Result<usize, Refusal> {
    let unknown = || {
        let detail = format!("order `{}` has no line `{line_id}`", order.order_id);
        Refusal::new(Reason::UnknownLine, detail)
    };
    order.line_named(line_id).ok_or_else(unknown)
}

/// The units asked for, 0 meaning all there are; `None` where there are fewer.
fn wanted_units(wanted: &v1::LineQuantity, there: i64) -> Result<Option<i64>, Refusal> {
    let units = if wanted.quantity_milli == 0 { there } else { wanted.quantity_milli };
    if units < 0 {
        let detail = format!("quantity {units} of line `{}` is negative", wanted.line_id);
        return Err(Refusal::new(Reason::InvalidQuantity, detail));
    }
    Ok((units > 0 && units <= there).then_some(units))
}

pub(super) fn nothing_left(order: &Order, shipped: bool) -> Refusal {
    let name = format!("order `{}/{}`", order.channel, order.order_id);
    if shipped {
        let detail =
            format!("{name}: the units have left the node; only a return brings them back");
        Refusal::new(Reason::AlreadyShipped, detail)
    } else {
        Refusal::new(Reason::NothingLeft, format!("{name}: fewer units are left to cancel"))
    }
}

/// Quantities in whole steps of their items.
pub(super) fn check_steps<S: State>(
    state: &mut S,
    key: OrderKey,
    lines: &[(usize, i64)],
) -> Result<(), Refusal> {
    for &(place, units) in lines {
        let sku = state.order(key).expect("looked up before").lines[place].sku;
        check::quantity("quantity", units, 1, state.item(sku))?;
    }
    Ok(())
}
