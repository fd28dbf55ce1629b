//! What an event on `fulfilment` is about: one fulfilment, or the units of an order wherever they
//! stand (`any_node`). Either way it is turned into *moves*: so many units of one line of one
//! fulfilment. All moves are found and checked before the first is made.

use omnifold_events::v1::{self, fulfilment_target::Target};

use super::kits;
use crate::transitions::{self, FulfilmentEvent};
use crate::{
    Fulfilment, FulfilmentId, FulfilmentLine, FulfilmentState, NodeIx, Order, OrderKey, Reason,
    Refusal, SkuIx, State,
};

/// Units of one line of one fulfilment.
#[derive(Clone)]
pub(super) struct Move {
    /// Place in the order's fulfilments.
    pub fulfilment: usize,
    /// Place in the fulfilment's lines.
    pub line: usize,
    pub units: i64,
}

/// The order that an event is about, and which of its fulfilments it may touch.
pub(super) struct Subject {
    pub key: OrderKey,
    /// Place in the order's fulfilments; `None`: any of them.
    pub fulfilment: Option<usize>,
}

impl Subject {
    pub(super) fn covers(&self, place: usize) -> bool {
        self.fulfilment.is_none_or(|only| only == place)
    }
}

pub(super) fn find<S: State>(
    state: &mut S,
    target: Option<&v1::FulfilmentTarget>,
) -> Result<Subject, Refusal> {
    match target.and_then(|target| target.target.as_ref()) {
        None => Err(Refusal::new(Reason::UnknownFulfilment, "the event names no target")),
        Some(Target::FulfilmentId(id)) => find_fulfilment(state, id),
        Some(Target::AnyNode(any)) => {
            let key = OrderKey::of(&any.channel, &any.order_id);
            if state.order(key).is_none() {
                let detail = format!("no order `{}/{}`", any.channel, any.order_id);
                return Err(Refusal::new(Reason::UnknownOrder, detail));
            }
            Ok(Subject { key, fulfilment: None })
        }
    }
}

pub(super) fn find_fulfilment<S: State>(state: &mut S, text: &str) -> Result<Subject, Refusal> {
    let unknown = || Refusal::new(Reason::UnknownFulfilment, format!("no fulfilment `{text}`"));
    let id = FulfilmentId::parse(text).ok_or_else(unknown)?;
    let key = OrderKey::of(id.channel, id.order_id);
    let order = state.order(key).ok_or_else(unknown)?;
    let place = id.number as usize - 1;
    if place >= order.fulfilments.len() {
        return Err(unknown());
    }
    Ok(Subject { key, fulfilment: Some(place) })
}

pub(super) fn order<'s, S: State>(state: &'s mut S, subject: &Subject) -> &'s Order {
    state.order(subject.key).expect("found before")
}

/// The subject's fulfilments to which the event may happen; none at all is a refusal that says why
/// not, for the newest of them.
pub(super) fn open_to(
    order: &Order,
    subject: &Subject,
    event: FulfilmentEvent,
) -> Result<Vec<usize>, Refusal> {
    let covered = || (0..order.fulfilments.len()).filter(|&place| subject.covers(place));
    let next = |place: usize| transitions::fulfilment(order.fulfilments[place].state, event);
    let found: Vec<usize> = covered().filter(|&place| next(place).is_ok()).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let name = format!("`{}/{}`", order.channel, order.order_id);
    let Some(newest) = covered().next_back() else {
        let detail = format!("no node holds units of {name}");
        return Err(Refusal::new(Reason::StandsElsewhere, detail));
    };
    let reason = next(newest).expect_err("none is open to it");
    let state = order.fulfilments[newest].state;
    Err(Refusal::new(reason, format!("the fulfilment of {name} is {state:?}")))
}

/// Units of a line that the node still holds for the customer and has not taken from the shelf yet.
pub(super) fn unpicked(fulfilment: &Fulfilment, line: usize) -> i64 {
    fulfilment.lines[line].allocated - fulfilment.line_progress(line).picked
}

/// Units of a line that left and neither reached their customer nor were given up, wherever they are.
pub(super) fn outstanding(fulfilment: &Fulfilment, line: usize) -> i64 {
    fulfilment.outstanding(line)
}

/// Of those, the units that are under way to their customer.
pub(super) fn to_customer(fulfilment: &Fulfilment, line: usize) -> i64 {
    if fulfilment.send_to().is_some() { 0 } else { fulfilment.outstanding(line) }
}

/// Of those, the units that are under way to the node they were sent to.
pub(super) fn to_node(fulfilment: &Fulfilment, line: usize) -> i64 {
    if fulfilment.send_to().is_none() {
        return 0;
    }
    fulfilment.outstanding(line) - fulfilment.line_progress(line).at_node
}

/// Units of a line that a carrier may have: all that its node holds, where its customer does not
/// collect it there.
pub(super) fn sendable(order: &Order) -> impl Fn(&Fulfilment, usize) -> i64 {
    let is_pickup = order.is_pickup();
    move |part, line| {
        if is_pickup && part.send_to().is_none() { 0 } else { part.lines[line].allocated }
    }
}

/// Turns the lines of an event into moves; no lines means all there is.
pub(super) fn moves(
    order: &Order,
    subject: &Subject,
    lines: &[v1::LineQuantity],
    units_of: impl Fn(&Fulfilment, usize) -> i64,
) -> Result<Vec<Move>, Refusal> {
    let mut available = available_moves(order, subject, units_of);
    let lines = &*kits::with_parts(order, lines)?;
    if lines.is_empty() {
        return if available.is_empty() { Err(elsewhere(order, subject)) } else { Ok(available) };
    }
    let mut taken = Vec::new();
    for wanted in lines {
        take(order, subject, wanted, &mut available, &mut taken)?;
    }
    Ok(taken)
}

fn available_moves(
    order: &Order,
    subject: &Subject,
    units_of: impl Fn(&Fulfilment, usize) -> i64,
) -> Vec<Move> {
    let mut found = Vec::new();
    for (place, fulfilment) in order.fulfilments.iter().enumerate() {
        if !subject.covers(place) {
            continue;
        }
        for line in 0..fulfilment.lines.len() {
            let units = units_of(fulfilment, line);
            if units > 0 {
                found.push(Move { fulfilment: place, line, units });
            }
        }
    }
    found
}

/// Takes the units of one line from the first fulfilments that hold them.
fn take(
    order: &Order,
    subject: &Subject,
    wanted: &v1::LineQuantity,
    available: &mut [Move],
    taken: &mut Vec<Move>,
) -> Result<(), Refusal> {
    let Some(place) = order.line_named(&wanted.line_id) else {
        let detail = format!("order `{}` has no line `{}`", order.order_id, wanted.line_id);
        return Err(Refusal::new(Reason::UnknownLine, detail));
    };
    let of_line = |step: &&mut Move| line_of(order, step).line as usize == place;
    let all: i64 = available.iter_mut().filter(of_line).map(|step| step.units).sum();
    let mut missing = if wanted.quantity_milli == 0 { all } else { wanted.quantity_milli };
    if missing < 0 {
        let detail = format!("quantity of line `{}` is negative", wanted.line_id);
        return Err(Refusal::new(Reason::InvalidQuantity, detail));
    }
    if missing == 0 || missing > all {
        return Err(elsewhere(order, subject));
    }
    for step in available.iter_mut().filter(of_line) {
        let units = step.units.min(missing);
        if units > 0 {
            step.units -= units;
            missing -= units;
            taken.push(Move { fulfilment: step.fulfilment, line: step.line, units });
        }
    }
    Ok(())
}

pub(super) fn line_of<'o>(order: &'o Order, step: &Move) -> &'o FulfilmentLine {
    &order.fulfilments[step.fulfilment].lines[step.line]
}

/// The units an event is about are not where it says: why not.
fn elsewhere(order: &Order, subject: &Subject) -> Refusal {
    let name = format!("`{}/{}`", order.channel, order.order_id);
    let covered = |(place, _): &(usize, &Fulfilment)| subject.covers(*place);
    let mut states = order.fulfilments.iter().enumerate().filter(covered).map(|(_, f)| f.state);
    let done = |state: FulfilmentState| {
        use FulfilmentState as F;
        matches!(
            state,
            F::Shipped | F::AtNode | F::ReadyAtNode | F::Delivered | F::Collected | F::Undelivered
        )
    };
    if states.any(done) && order.lines.iter().all(|line| line.open == 0) {
        let detail = format!("the units of {name} went further already");
        return Refusal::new(Reason::AlreadyShipped, detail);
    }
    let detail = format!(
        "fewer units of {name} stand there; by line, open/allocated/shipped/delivered: {}",
        order
            .lines
            .iter()
            .map(|l| format!(
                "{} {}/{}/{}/{}",
                l.line_id, l.open, l.allocated, l.shipped, l.delivered
            ))
            .collect::<Vec<_>>()
            .join(", ")
    );
    Refusal::new(Reason::StandsElsewhere, detail)
}

/// What these fulfilments hold allocated, summed by SKU and node.
pub(super) fn allocated_stock(order: &Order, fulfilments: &[usize]) -> Vec<(SkuIx, NodeIx, i64)> {
    let mut sums = Vec::new();
    for &place in fulfilments {
        let fulfilment = &order.fulfilments[place];
        for line in &fulfilment.lines {
            add(&mut sums, order.lines[line.line as usize].sku, fulfilment.node, line.allocated);
        }
    }
    sums
}

/// What the moves take from the stock, summed by SKU and node.
pub(super) fn moved_stock(order: &Order, moves: &[Move]) -> Vec<(SkuIx, NodeIx, i64)> {
    let mut sums = Vec::new();
    for step in moves {
        let line = line_of(order, step).line as usize;
        let node = order.fulfilments[step.fulfilment].node;
        add(&mut sums, order.lines[line].sku, node, step.units);
    }
    sums
}

fn add(sums: &mut Vec<(SkuIx, NodeIx, i64)>, sku: SkuIx, node: NodeIx, units: i64) {
    match sums.iter_mut().find(|row| (row.0, row.1) == (sku, node)) {
        Some(row) => row.2 += units,
        None => sums.push((sku, node, units)),
    }
}
