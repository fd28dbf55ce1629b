//! Events on `fulfilment`: what nodes and couriers did.
//!
//! An event names one fulfilment, or the units of an order wherever they stand (`any_node`). Either
//! way it is turned into *moves*: so many units of one line of one fulfilment. All moves are found
//! and checked before the first is made.

use omnifold_events::v1::{self, fulfilment_target::Target};

use super::{Context, check, serve_if_waited};
use crate::timer::change_order;
use crate::transitions::{self, FulfilmentEvent};
use crate::{
    Fulfilment, FulfilmentId, FulfilmentLine, FulfilmentState, NodeIx, Order, OrderKey, Reason,
    Refusal, SkuIx, State, Work,
};

/// Units of one line of one fulfilment.
struct Move {
    fulfilment: usize,
    /// Place in the fulfilment's lines.
    line: usize,
    units: i64,
}

/// The order that an event is about, and which of its fulfilments it may touch.
struct Subject {
    key: OrderKey,
    /// `None`: any of them.
    fulfilment: Option<usize>,
}

impl Subject {
    fn covers(&self, place: usize) -> bool {
        self.fulfilment.is_none_or(|only| only == place)
    }
}

pub(super) fn accept<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::FulfilmentAccepted,
) -> Result<(), Refusal> {
    let subject = find(state, event.target.as_ref())?;
    let order = order(state, &subject);
    let accepted = open_to(order, &subject, FulfilmentEvent::Accept)?;
    let due: Vec<i64> =
        accepted.iter().map(|&place| pick_by(state, &subject, place, context)).collect();
    change_order(state, subject.key, &mut |order| {
        for (&place, &due_at) in accepted.iter().zip(&due) {
            happen(&mut order.fulfilments[place], FulfilmentEvent::Accept);
            order.fulfilments[place].due_at = due_at;
        }
    });
    Ok(())
}

/// When a node that accepts now must have picked; 0: no deadline.
fn pick_by<S: State>(state: &mut S, subject: &Subject, place: usize, context: Context<'_>) -> i64 {
    let node = order(state, subject).fulfilments[place].node;
    let market = state.settings().expect("checked before every fold").deadlines;
    match state.nodes()[node.0 as usize].deadlines.or(market).pick_within_ms {
        0 => 0,
        within => context.now_ms + within,
    }
}

/// Rule R11: the allocation is released, then the reason's stock effect is booked; the node is
/// excluded for this order, whose units are routed again before anybody else is served.
pub(super) fn reject<S: State>(
    state: &mut S,
    event: &v1::FulfilmentRejected,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    if event.reason() == v1::RejectionReason::Unspecified {
        let detail = "a rejection needs a reason";
        return Err(Refusal::new(Reason::Malformed, detail));
    }
    let subject = find(state, event.target.as_ref())?;
    let order = order(state, &subject);
    let rejected = open_to(order, &subject, FulfilmentEvent::Reject)?;
    let stock = allocated_stock(order, &rejected);
    let mut asked = Vec::new();
    change_order(state, subject.key, &mut |order| {
        for &place in &rejected {
            give_back(order, place);
            asked.extend(order.take_asked_back(place));
        }
    });
    if !asked.is_empty() {
        // The node was asked for them: they are cancelled, not sent elsewhere.
        work.push(Work::Cancel { order: subject.key, lines: by_line(asked) });
    }
    work.push(Work::Route { order: subject.key, cause: v1::Cause::Rerouted });
    for (sku, node, units) in stock {
        release_rejected(state, sku, node, units, event.reason());
        serve_if_waited(state, sku, work);
    }
    Ok(())
}

/// Sums units by line.
fn by_line(units: Vec<(usize, i64)>) -> Vec<(usize, i64)> {
    let mut sums: Vec<(usize, i64)> = Vec::with_capacity(units.len());
    for (line, units) in units {
        match sums.iter_mut().find(|(other, _)| *other == line) {
            Some((_, sum)) => *sum += units,
            None => sums.push((line, units)),
        }
    }
    sums
}

fn happen(fulfilment: &mut Fulfilment, event: FulfilmentEvent) {
    fulfilment.state =
        transitions::fulfilment(fulfilment.state, event).expect("the fold checked that it may");
}

fn give_back(order: &mut Order, place: usize) {
    let fulfilment = &mut order.fulfilments[place];
    happen(fulfilment, FulfilmentEvent::Reject);
    fulfilment.due_at = 0;
    for line in &mut fulfilment.lines {
        let units = std::mem::take(&mut line.allocated);
        line.backordered = 0;
        order.lines[line.line as usize].allocated -= units;
        order.lines[line.line as usize].open += units;
    }
    if !order.excluded.contains(&fulfilment.node) {
        order.excluded.push(fulfilment.node);
    }
}

fn release_rejected<S: State>(
    state: &mut S,
    sku: SkuIx,
    node: NodeIx,
    units: i64,
    reason: v1::RejectionReason,
) {
    let mut stock = state.stock_at(sku, node).expect("what is allocated is stocked");
    stock.allocated -= units;
    let before = stock.on_hand;
    match reason {
        v1::RejectionReason::NotInStock => stock.on_hand = stock.on_hand.min(0),
        v1::RejectionReason::Mismatch => stock.on_hand -= units,
        v1::RejectionReason::Damaged => {
            stock.on_hand -= units;
            stock.quarantine += units;
            stock.entered += units;
        }
        v1::RejectionReason::NoVariance | v1::RejectionReason::Unspecified => {}
    }
    stock.entered += stock.on_hand - before;
    state.put_stock(sku, node, stock);
}

/// Rule S2: what is dispatched must be there, however validly it was promised.
pub(super) fn ship<S: State>(
    state: &mut S,
    event: &v1::FulfilmentShipped,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let subject = find(state, event.target.as_ref())?;
    let moves = moves(order(state, &subject), &subject, &event.lines, |line| line.allocated)?;
    refuse_held(order(state, &subject), &moves)?;
    let stock = moved_stock(order(state, &subject), &moves);
    for &(sku, node, units) in &stock {
        check_dispatch(state, sku, node, units)?;
    }
    let mut kept = Vec::new();
    change_order(state, subject.key, &mut |order| {
        for step in &moves {
            ship_move(order, step);
            kept.extend(shipped_though_asked(order, step));
        }
    });
    if !kept.is_empty() {
        let (order, reason) = (subject.key, Reason::AlreadyShipped);
        work.push(Work::Keep { order, lines: by_line(kept), reason });
    }
    for (sku, node, units) in stock {
        let mut row = state.stock_at(sku, node).expect("what is allocated is stocked");
        row.on_hand -= units;
        row.allocated -= units;
        row.shipped += units;
        state.put_stock(sku, node, row);
    }
    Ok(())
}

fn refuse_held(order: &Order, moves: &[Move]) -> Result<(), Refusal> {
    let held = |step: &&Move| order.is_fulfilment_held(step.fulfilment);
    let Some(step) = moves.iter().find(held) else { return Ok(()) };
    let holds = order.holds_of_fulfilment(step.fulfilment);
    let detail = format!("f{} is on hold: {holds:?}", step.fulfilment + 1);
    Err(Refusal::new(Reason::OnHold, detail))
}

/// The node was asked for units and shipped them: the question is answered for those.
fn shipped_though_asked(order: &mut Order, step: &Move) -> Option<(usize, i64)> {
    let line = *line_of(order, step);
    let mut over = order.asked_back_of(step.fulfilment, &line) - line.allocated;
    if over <= 0 {
        return None;
    }
    let answered = (line.line as usize, over);
    let asked = &mut order.handling_mut().asked_back;
    for question in asked.iter_mut().filter(|question| {
        question.fulfilment as usize == step.fulfilment && question.line == line.line
    }) {
        let units = question.units.min(over);
        question.units -= units;
        over -= units;
    }
    asked.retain(|question| question.units > 0);
    order.tidy_handling();
    Some(answered)
}

/// The node gives up what it was asked for: it is taken back and cancelled.
pub(super) fn give_up<S: State>(
    state: &mut S,
    event: &v1::FulfilmentReleaseConfirmed,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    let (key, fulfilment, lines) = answered(state, event.target.as_ref())?;
    work.push(Work::Release { order: key, fulfilment, lines });
    Ok(())
}

/// The node keeps what it was asked for: the cancellation is refused for those units.
pub(super) fn keep<S: State>(
    state: &mut S,
    event: &v1::FulfilmentReleaseRefused,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    if !event.reason.is_empty() {
        check::name("reason", &event.reason)?;
    }
    let (order, _, lines) = answered(state, event.target.as_ref())?;
    work.push(Work::Keep { order, lines, reason: Reason::ReleaseRefused });
    Ok(())
}

/// An order, the place of one of its fulfilments, and (place of the line, units).
type Answered = (OrderKey, usize, Vec<(usize, i64)>);

/// The units that one node was asked for, off the books now.
fn answered<S: State>(
    state: &mut S,
    target: Option<&v1::FulfilmentTarget>,
) -> Result<Answered, Refusal> {
    let subject = find(state, target)?;
    let Some(place) = subject.fulfilment else {
        let detail = "an answer to a request names one fulfilment";
        return Err(Refusal::new(Reason::UnknownFulfilment, detail));
    };
    let handling = order(state, &subject).handling.as_ref();
    let asked = handling.map_or(&[][..], |handling| &handling.asked_back);
    if !asked.iter().any(|asked| asked.fulfilment as usize == place) {
        let detail = "the node was not asked to give up anything of it";
        return Err(Refusal::new(Reason::ReleaseNotRequested, detail));
    }
    let mut lines = Vec::new();
    state.change_order(subject.key, &mut |order| lines = order.take_asked_back(place));
    Ok((subject.key, place, by_line(lines)))
}

fn check_dispatch<S: State>(
    state: &mut S,
    sku: SkuIx,
    node: NodeIx,
    units: i64,
) -> Result<(), Refusal> {
    let on_hand = state.stock_at(sku, node).map_or(0, |stock| stock.on_hand);
    check::quantity("shipped quantity", units, 1, state.item(sku))?;
    if on_hand >= units {
        return Ok(());
    }
    let (item, node) = (&state.item(sku).sku, &state.nodes()[node.0 as usize].id);
    let detail =
        format!("{units} milli-units of `{item}` cannot leave `{node}`: {on_hand} on hand");
    Err(Refusal::new(Reason::InsufficientStock, detail))
}

fn ship_move(order: &mut Order, step: &Move) {
    let fulfilment = &mut order.fulfilments[step.fulfilment];
    let line = &mut fulfilment.lines[step.line];
    line.allocated -= step.units;
    line.backordered = line.backordered.min(line.allocated);
    line.shipped += step.units;
    fulfilment.due_at = 0;
    let order_line = &mut order.lines[line.line as usize];
    order_line.allocated -= step.units;
    order_line.shipped += step.units;
    let rest = fulfilment.lines.iter().all(|line| line.allocated == 0);
    happen(fulfilment, if rest { FulfilmentEvent::ShipRest } else { FulfilmentEvent::ShipPart });
}

pub(super) fn deliver<S: State>(
    state: &mut S,
    event: &v1::FulfilmentDelivered,
) -> Result<(), Refusal> {
    let subject = find(state, event.target.as_ref())?;
    let under_way = |line: &FulfilmentLine| line.shipped - line.delivered;
    let moves = moves(order(state, &subject), &subject, &event.lines, under_way)?;
    state.change_order(subject.key, &mut |order| {
        for step in &moves {
            deliver_move(order, step);
        }
    });
    Ok(())
}

fn deliver_move(order: &mut Order, step: &Move) {
    let fulfilment = &mut order.fulfilments[step.fulfilment];
    let line = &mut fulfilment.lines[step.line];
    line.delivered += step.units;
    order.lines[line.line as usize].delivered += step.units;
    let arrived = |line: &FulfilmentLine| line.allocated == 0 && line.shipped == line.delivered;
    let rest = fulfilment.lines.iter().all(arrived);
    let event = if rest { FulfilmentEvent::DeliverRest } else { FulfilmentEvent::DeliverPart };
    happen(fulfilment, event);
}

fn find<S: State>(
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

fn find_fulfilment<S: State>(state: &mut S, text: &str) -> Result<Subject, Refusal> {
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

fn order<'s, S: State>(state: &'s mut S, subject: &Subject) -> &'s Order {
    state.order(subject.key).expect("found before")
}

/// The subject's fulfilments to which the event may happen; none at all is a refusal that says why
/// not, for the newest of them.
fn open_to(
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

/// Turns the lines of an event into moves; no lines means all there is.
fn moves(
    order: &Order,
    subject: &Subject,
    lines: &[v1::LineQuantity],
    units_of: impl Fn(&FulfilmentLine) -> i64,
) -> Result<Vec<Move>, Refusal> {
    let mut available = available_moves(order, subject, units_of);
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
    units_of: impl Fn(&FulfilmentLine) -> i64,
) -> Vec<Move> {
    let mut found = Vec::new();
    for (place, fulfilment) in order.fulfilments.iter().enumerate() {
        if !subject.covers(place) {
            continue;
        }
        for (line, row) in fulfilment.lines.iter().enumerate() {
            let units = units_of(row);
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

fn line_of<'o>(order: &'o Order, step: &Move) -> &'o FulfilmentLine {
    &order.fulfilments[step.fulfilment].lines[step.line]
}

/// The units an event is about are not where it says: why not.
fn elsewhere(order: &Order, subject: &Subject) -> Refusal {
    let name = format!("`{}/{}`", order.channel, order.order_id);
    let covered = |(place, _): &(usize, &Fulfilment)| subject.covers(*place);
    let mut states = order.fulfilments.iter().enumerate().filter(covered).map(|(_, f)| f.state);
    let done = |state: FulfilmentState| {
        matches!(state, FulfilmentState::Shipped | FulfilmentState::Delivered)
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
fn allocated_stock(order: &Order, fulfilments: &[usize]) -> Vec<(SkuIx, NodeIx, i64)> {
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
fn moved_stock(order: &Order, moves: &[Move]) -> Vec<(SkuIx, NodeIx, i64)> {
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
