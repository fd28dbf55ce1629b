//! Parcels under a carrier's number, and what carriers say about them (rules S4, S5, S6).

use omnifold_events::v1;

use super::fulfilment::{arrive, tell_arrival};
use super::subject::{Move, to_customer};
use super::{Context, check, tickets};
use crate::notice::notify;
use crate::parcel::{Content, Entry, MAX_LEGS, Tracking};
use crate::{CarrierKey, NodeIx, OrderKey, Parcel, ParcelKey, Reason, Refusal, State, Work};

/// A carrier's number.
#[derive(Clone, Copy)]
pub(super) struct Label<'a> {
    pub carrier: &'a str,
    pub tracking_number: &'a str,
}

impl<'a> Label<'a> {
    /// No number.
    pub(super) const NONE: Label<'static> = Label { carrier: "", tracking_number: "" };

    fn key(self) -> ParcelKey {
        ParcelKey::of(self.carrier, self.tracking_number)
    }

    /// The number, where an event names one; one that could not be is refused.
    pub(super) fn given(self) -> Result<Option<Label<'a>>, Refusal> {
        if self.carrier.is_empty() || self.tracking_number.is_empty() {
            return Ok(None);
        }
        check::name("carrier", self.carrier)?;
        check::name("tracking_number", self.tracking_number)?;
        Ok(Some(self))
    }
}

/// The parcel of that number with these units in it. Units of one order may share a parcel,
/// whichever fulfilment they are of; a number of another order's parcel is refused. It goes where the
/// fulfilments are sent.
pub(super) fn labelled<S: State>(
    state: &mut S,
    order: OrderKey,
    label: Label<'_>,
    moves: &[Move],
) -> Result<(ParcelKey, Parcel), Refusal> {
    let to_node = destination(state, order, moves)?;
    sent_to(state, (order, to_node), label, moves)
}

/// The same, of units that go to a node (`None`: to their customer) whatever their fulfilments say.
pub(super) fn sent_to<S: State>(
    state: &mut S,
    (order, to_node): (OrderKey, Option<NodeIx>),
    label: Label<'_>,
    moves: &[Move],
) -> Result<(ParcelKey, Parcel), Refusal> {
    let key = label.key();
    let mut parcel = match state.parcel(key) {
        Some(known) if known.takes(order, to_node) => known.clone(),
        Some(_) => return Err(taken(label)),
        None => Parcel { to_node, ..new_parcel(order, label) },
    };
    parcel.contents.extend(moves.iter().map(|step| Content {
        fulfilment: step.fulfilment as u32,
        line: step.line as u32,
        units: step.units,
    }));
    Ok((key, parcel))
}

/// The node to which all of these units are sent; `None`: their customer.
fn destination<S: State>(
    state: &mut S,
    order: OrderKey,
    moves: &[Move],
) -> Result<Option<NodeIx>, Refusal> {
    let order = state.order(order).expect("found before");
    let mut to = moves.iter().map(|step| order.fulfilments[step.fulfilment].send_to());
    let first = to.next().flatten();
    if to.all(|other| other == first) {
        return Ok(first);
    }
    let detail = "one parcel cannot go to a node and to the customer";
    Err(Refusal::new(Reason::WrongState, detail))
}

fn taken(label: Label<'_>) -> Refusal {
    let detail = format!(
        "`{}` of `{}` is the number of another parcel",
        label.tracking_number, label.carrier
    );
    Refusal::new(Reason::ParcelTaken, detail)
}

fn new_parcel(order: OrderKey, label: Label<'_>) -> Parcel {
    Parcel {
        carrier: label.carrier.to_owned(),
        tracking_number: label.tracking_number.to_owned(),
        order,
        to_node: None,
        part_of: None,
        parcel_id: String::new(),
        manifest_id: String::new(),
        weight_g: 0,
        contents: Vec::new(),
        legs: Vec::new(),
        tracking: Tracking::default(),
    }
}

/// Keeps a parcel, and its key with each fulfilment that has units in it.
pub(super) fn put_handed_over<S: State>(
    state: &mut S,
    order: OrderKey,
    key: ParcelKey,
    parcel: Parcel,
) {
    state.change_order(order, &mut |order| {
        for content in &parcel.contents {
            let parcels =
                &mut order.fulfilments[content.fulfilment as usize].progress_mut().parcels;
            if !parcels.contains(&key) {
                parcels.push(key);
            }
        }
    });
    state.put_parcel(key, parcel);
}

fn unknown(label: Label<'_>) -> Refusal {
    let detail =
        format!("no parcel `{}` of `{}` was handed over", label.tracking_number, label.carrier);
    Refusal::new(Reason::UnknownParcel, detail)
}

/// The parcel that a number stands for, whichever carrier gave it.
fn find<S: State>(state: &mut S, label: Label<'_>) -> Result<(ParcelKey, Parcel), Refusal> {
    let key = label.key();
    let key = state.parcel(key).ok_or_else(|| unknown(label))?.part_of.unwrap_or(key);
    let parcel = state.parcel(key).cloned().ok_or_else(|| unknown(label))?;
    Ok((key, parcel))
}

pub(super) fn track<S: State>(
    state: &mut S,
    context: Context<'_>,
    event: &v1::TrackingUpdated,
    work: &mut Vec<Work>,
) -> Result<(), Refusal> {
    check::name("code", &event.code)?;
    if !event.place.is_empty() {
        check::name("place", &event.place)?;
    }
    check_happened(event.happened_at_ms, context.time_ms)?;
    let Some(carrier) = state.carrier(CarrierKey::of(&event.carrier)) else {
        let detail = format!("no carrier `{}` in this market", event.carrier);
        return Err(Refusal::new(Reason::UnknownCarrier, detail));
    };
    let status = carrier.status_of(&event.code);
    let label = Label { carrier: &event.carrier, tracking_number: &event.tracking_number };
    let (key, mut parcel) = find(state, label)?;
    // What it brought was told with the first such message. What it brings to a node, that node says.
    let brings = status == v1::TrackingStatus::Delivered
        && parcel.tracking.delivered_at.is_none()
        && parcel.to_node.is_none();
    let arrivals = if brings { arrivals(state, &parcel)? } else { Vec::new() };
    let entry = Entry {
        at: event.happened_at_ms,
        status: status.into(),
        code: event.code.clone(),
        carrier: event.carrier.clone(),
        place: event.place.clone(),
    };
    let before = parcel.tracking.status;
    if !parcel.tracking.take(entry) {
        return Ok(());
    }
    if !arrivals.is_empty() {
        arrive(state, parcel.order, &arrivals, event.happened_at_ms);
        tell_arrival(state, parcel.order, &arrivals, label, work);
    }
    if parcel.tracking.status != before {
        tell_status(state, &parcel, work);
    }
    state.put_parcel(key, parcel);
    Ok(())
}

/// What a new status of a parcel means to its customer, and to who looks after parcels.
fn tell_status<S: State>(state: &mut S, parcel: &Parcel, work: &mut Vec<Work>) {
    use v1::{NoticeKind as N, TicketKind as K, TrackingStatus as T};
    let status = T::try_from(parcel.tracking.status).unwrap_or_default();
    let ticket = match status {
        T::Lost => Some(K::Lost),
        T::Damaged => Some(K::Damaged),
        T::DeliveryFailed => Some(K::DeliveryFailed),
        _ => None,
    };
    let fulfilment = parcel.contents.first().map_or(0, |content| content.fulfilment + 1);
    match ticket {
        Some(kind) => tickets::open(state, parcel.order, kind, fulfilment, work),
        None => {
            let word = status.as_str_name().trim_start_matches("TRACKING_STATUS_").to_lowercase();
            tickets::settle_way(state, parcel.order, fulfilment, &word, work);
        }
    }
    if parcel.to_node.is_some() {
        return; // its customer does not wait for it
    }
    let kind = match status {
        T::OutForDelivery => N::OutForDelivery,
        T::DeliveryDelayed => N::Delayed,
        T::ReadyForPickup => N::ReadyForPickup,
        _ => return,
    };
    notify(state, parcel.order, kind, work, |_, notice| {
        notice.fulfilment = fulfilment;
        notice.carrier.clone_from(&parcel.carrier);
        notice.tracking_number.clone_from(&parcel.tracking_number);
    });
}

/// Rule S6: no carrier has seen tomorrow.
fn check_happened(happened_at: i64, time_ms: i64) -> Result<(), Refusal> {
    if (1..=time_ms).contains(&happened_at) {
        return Ok(());
    }
    let detail = format!(
        "happened_at_ms {happened_at} is not between 1970 and the event's own time {time_ms}"
    );
    Err(Refusal::new(Reason::FromTheFuture, detail))
}

/// The units that a delivered parcel brings: those of its contents that are still under way. A
/// parcel whose units were all given up cannot arrive.
fn arrivals<S: State>(state: &mut S, parcel: &Parcel) -> Result<Vec<Move>, Refusal> {
    let order = state.order(parcel.order).expect("a parcel has its order");
    let mut found: Vec<Move> = Vec::new();
    let mut arrived_before = false;
    for content in &parcel.contents {
        let (fulfilment, line) = (content.fulfilment as usize, content.line as usize);
        let row = &order.fulfilments[fulfilment];
        arrived_before |= row.lines[line].delivered > 0;
        let same = |step: &&Move| (step.fulfilment, step.line) == (fulfilment, line);
        let promised: i64 = found.iter().filter(same).map(|step| step.units).sum();
        let units = content.units.min(to_customer(row, line) - promised);
        if units > 0 {
            found.push(Move { fulfilment, line, units });
        }
    }
    if found.is_empty() && !arrived_before {
        let detail = format!("the units of parcel `{}` were given up", parcel.tracking_number);
        return Err(Refusal::new(Reason::WrongState, detail));
    }
    Ok(found)
}

/// A sub-contractor's number becomes another name of the same parcel.
pub(super) fn hand_on<S: State>(state: &mut S, event: &v1::ParcelHandedOn) -> Result<(), Refusal> {
    check::name("to_carrier", &event.to_carrier)?;
    check::name("to_tracking_number", &event.to_tracking_number)?;
    let from = Label { carrier: &event.carrier, tracking_number: &event.tracking_number };
    let to = Label { carrier: &event.to_carrier, tracking_number: &event.to_tracking_number };
    let (key, mut parcel) = find(state, from)?;
    if state.parcel(to.key()).is_some() {
        return Err(taken(to));
    }
    if parcel.legs.len() >= MAX_LEGS {
        let detail = format!("a parcel may be handed on {MAX_LEGS} times");
        return Err(Refusal::new(Reason::TooManyParcels, detail));
    }
    let leg = Parcel { part_of: Some(key), ..new_parcel(parcel.order, to) };
    parcel.legs.push(to.key());
    state.put_parcel(to.key(), leg);
    state.put_parcel(key, parcel);
    Ok(())
}
