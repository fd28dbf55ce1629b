//! Every pair of the transition tables, legal and illegal, on the fold itself: an input event is
//! refused with the reason that the table gives, a decision that does not fit is a misfit, and what is
//! legal ends in the state that the table names.

use std::sync::Arc;

use omnifold_domain::fold::{Context, fold};
use omnifold_domain::transitions::{
    FULFILMENT, FULFILMENT_EVENTS, FulfilmentEvent, LINE, LINE_EVENTS, LineEvent, LinePart, Next,
};
use omnifold_domain::{
    Decision, FulfilmentState, Order, OrderKey, Reason, View as _, decision, rules,
};
use omnifold_events::Event;
use omnifold_events::v1::fulfilment_target::Target;
use omnifold_events::v1::{self, Cause};
use omnifold_state::{MemoryBackend, Store};

const TEN: i64 = 1_748_858_400_000;
const UNIT: i64 = 1_000;

/// Why something did not happen: a refusal has a reason, a misfit has none.
type Stopped = Option<Reason>;

/// A market with one node, one SKU in stock, and one order whose decisions the test takes itself.
struct Desk {
    store: Store,
    step: u64,
}

impl Desk {
    fn new(ordered: i64) -> Self {
        Desk::placed(ordered, "")
    }

    /// `pickup_node`: where the customer collects; empty: it is sent. From M it may be supplied by N.
    fn placed(ordered: i64, pickup_node: &str) -> Self {
        let store = Store::open(Arc::new(MemoryBackend::default()), 1 << 20).expect("a store");
        let mut desk = Desk { store, step: 0 };
        let (node_id, sku) = ("N".to_owned(), "S".to_owned());
        let market = v1::MarketConfigured {
            clock: v1::ClockKind::Events.into(),
            currency: "EUR".into(),
            ..Default::default()
        };
        let line = v1::OrderLine {
            line_id: "1".into(),
            sku: sku.clone(),
            quantity_milli: ordered * UNIT,
            unit_price: None,
        };
        let any_node = pickup_node == "M";
        let events: [Event; 6] = [
            market.into(),
            v1::NodeDefined { node_id: node_id.clone(), ..Default::default() }.into(),
            v1::NodeDefined { node_id: "M".into(), ..Default::default() }.into(),
            v1::ItemDefined { sku: sku.clone(), ..Default::default() }.into(),
            v1::StockCounted { node_id, sku, on_hand_milli: 9 * UNIT, ..Default::default() }.into(),
            v1::OrderPlaced {
                channel: "web".into(),
                order_id: "O".into(),
                lines: vec![line],
                pickup_node: pickup_node.to_owned(),
                pickup_supply: i32::from(any_node) * v1::PickupSupply::AnyNode as i32,
                ..Default::default()
            }
            .into(),
        ];
        for event in events {
            desk.give(event).expect("a good event");
        }
        desk
    }

    fn give(&mut self, event: impl Into<Event>) -> Result<(), Stopped> {
        self.step += 1;
        self.store.begin_step();
        let time_ms = TEN + self.step as i64;
        let (step, known_rules) = (self.step, rules::KNOWN);
        let context = Context { step, time_ms, now_ms: time_ms, known_rules };
        fold(&mut self.store, context, &event.into(), &mut Vec::new())
            .map_err(|refusal| Some(refusal.reason))
    }

    fn decide(&mut self, decision: Decision) -> Result<(), Stopped> {
        decision::fold(&mut self.store, &decision, &mut Vec::new()).map_err(|_| None)
    }

    fn order(&mut self) -> Order {
        self.store.order(OrderKey::of("web", "O")).expect("the order").clone()
    }

    fn next(&mut self) -> u32 {
        self.order().decisions + 1
    }

    fn assign(&mut self, units: i64) -> Result<(), Stopped> {
        self.assign_over(units, "")
    }

    /// `over`: the node that the units are sent to first.
    fn assign_over(&mut self, units: i64, over: &str) -> Result<(), Stopped> {
        let (fulfilment, decision) = (self.order().fulfilments.len() as u32 + 1, self.next());
        self.decide(Decision::Assigned(v1::FulfilmentAssigned {
            channel: "web".into(),
            order_id: "O".into(),
            fulfilment,
            node_id: "N".into(),
            lines: lines(units),
            decision,
            cause: Cause::Placed.into(),
            send_to_node_id: over.to_owned(),
            ..Default::default()
        }))
    }

    /// Leaves so many units with the fulfilment.
    fn leave(&mut self, units: i64) -> Result<(), Stopped> {
        let (channel, order_id, decision) = ("web".into(), "O".into(), self.next());
        let (node_id, cause) = ("N".into(), Cause::Cancelled.into());
        self.decide(if units == 0 {
            Decision::Released(v1::FulfilmentReleased {
                channel,
                order_id,
                fulfilment: 1,
                node_id,
                decision,
                cause,
                ..Default::default()
            })
        } else {
            Decision::Changed(v1::FulfilmentChanged {
                channel,
                order_id,
                fulfilment: 1,
                node_id,
                lines: lines(units),
                decision,
                cause,
                ..Default::default()
            })
        })
    }

    fn ask_back(&mut self, units: i64) -> Result<(), Stopped> {
        let decision = self.next();
        self.decide(Decision::ReleaseRequested(v1::FulfilmentReleaseRequested {
            channel: "web".into(),
            order_id: "O".into(),
            fulfilment: 1,
            node_id: "N".into(),
            lines: lines(units),
            decision,
            cause: Cause::Cancelled.into(),
            ..Default::default()
        }))
    }

    fn say(&mut self, outcome: v1::OrderOutcome) -> Result<(), Stopped> {
        let (channel, order_id, decision) = ("web".into(), "O".into(), self.next());
        let cause = Cause::Cancelled.into();
        self.decide(Decision::Outcome(v1::OrderOutcome {
            channel,
            order_id,
            decision,
            cause,
            ..outcome
        }))
    }

    fn ship(&mut self, target: Target, units: i64) -> Result<(), Stopped> {
        let (target, lines) = (of(target), quantities(units));
        self.give(v1::FulfilmentShipped { target, lines, ..Default::default() })
    }

    fn deliver(&mut self, target: Target, units: i64) -> Result<(), Stopped> {
        let (target, lines) = (of(target), quantities(units));
        self.give(v1::FulfilmentDelivered { target, lines, ..Default::default() })
    }

    fn reject(&mut self, target: Target) -> Result<(), Stopped> {
        let reason = v1::RejectionReason::NoVariance.into();
        self.give(v1::FulfilmentRejected { target: of(target), reason, ..Default::default() })
    }

    fn pick(&mut self, units: i64) -> Result<(), Stopped> {
        let (target, lines) = (of(f1()), quantities(units));
        self.give(v1::FulfilmentPicked { target, lines, ..Default::default() })
    }

    /// Always the same parcel: what it held before is replaced.
    fn pack(&mut self, units: i64) -> Result<(), Stopped> {
        let (fulfilment_id, parcel_id) = ("web/O/f1".to_owned(), "P".to_owned());
        let lines = quantities(units);
        self.give(v1::FulfilmentPacked { fulfilment_id, parcel_id, lines, ..Default::default() })
    }

    fn ready(&mut self) -> Result<(), Stopped> {
        self.give(v1::FulfilmentReadyForPickup { target: of(f1()), ..Default::default() })
    }

    fn collect(&mut self, units: i64) -> Result<(), Stopped> {
        let (target, lines) = (of(f1()), quantities(units));
        self.give(v1::FulfilmentCollected { target, lines, ..Default::default() })
    }

    fn expire(&mut self) -> Result<(), Stopped> {
        self.give(v1::FulfilmentPickupExpired { target: of(f1()), ..Default::default() })
    }

    fn reshelve(&mut self) -> Result<(), Stopped> {
        self.give(v1::FulfilmentReturnedToStock { target: of(f1()), ..Default::default() })
    }

    fn lose(&mut self, units: i64) -> Result<(), Stopped> {
        let (target, lines) = (of(f1()), quantities(units));
        let kind = v1::LossKind::Lost.into();
        self.give(v1::FulfilmentLost { target, lines, kind, ..Default::default() })
    }

    fn reach(&mut self, units: i64) -> Result<(), Stopped> {
        let (target, lines) = (of(f1()), quantities(units));
        self.give(v1::FulfilmentArrivedAtNode { target, lines, ..Default::default() })
    }

    fn forward(&mut self) -> Result<(), Stopped> {
        self.give(v1::FulfilmentForwarded { target: of(f1()), ..Default::default() })
    }

    fn accept(&mut self) -> Result<(), Stopped> {
        self.give(v1::FulfilmentAccepted { target: of(f1()), ..Default::default() })
    }
}

fn f1() -> Target {
    Target::FulfilmentId("web/O/f1".into())
}

fn anywhere() -> Target {
    Target::AnyNode(v1::AnyNode { channel: "web".into(), order_id: "O".into() })
}

fn of(target: Target) -> Option<v1::FulfilmentTarget> {
    Some(v1::FulfilmentTarget { target: Some(target) })
}

fn lines(units: i64) -> Vec<v1::AssignedLine> {
    vec![v1::AssignedLine {
        origin: None,
        line_id: "1".into(),
        sku: "S".into(),
        quantity_milli: units * UNIT,
        backordered_milli: 0,
        lots: Vec::new(),
    }]
}

fn quantities(units: i64) -> Vec<v1::LineQuantity> {
    vec![v1::LineQuantity { line_id: "1".into(), quantity_milli: units * UNIT }]
}

/// Whether the event happens to pick-up orders only.
fn is_of_pickups(event: FulfilmentEvent) -> bool {
    use FulfilmentEvent as E;
    matches!(event, E::MakeReady | E::CollectPart | E::CollectRest | E::ExpirePickup | E::Reshelve)
}

/// A fulfilment of three units in that state, of a pick-up order where the state or the event that
/// is to come asks for one.
fn fulfilment_in(state: FulfilmentState, event: FulfilmentEvent) -> Desk {
    use FulfilmentState as F;
    let lies_ready = matches!(state, F::ReadyForPickup | F::PickupExpired | F::Collected);
    let is_sent = matches!(state, F::PartlyShipped | F::Shipped | F::Delivered | F::Undelivered);
    let at_node = matches!(state, F::AtNode | F::ReadyAtNode);
    let reaches = matches!(event, FulfilmentEvent::ReachPart | FulfilmentEvent::ReachRest);
    let is_forwarded = state == F::AtNode && event == FulfilmentEvent::Forward;
    let pickup_node = match () {
        () if lies_ready || is_of_pickups(event) && !is_sent && !at_node => "N",
        () if at_node && !is_forwarded => "M",
        () => "",
    };
    let mut desk = Desk::placed(3, pickup_node);
    let goes_over = at_node || reaches && matches!(state, F::PartlyShipped | F::Shipped);
    desk.assign_over(3, if goes_over { "M" } else { "" }).expect("assigned");
    let reached = match state {
        FulfilmentState::Assigned => Ok(()),
        FulfilmentState::Accepted => desk.accept(),
        FulfilmentState::Rejected => desk.reject(f1()),
        FulfilmentState::Released => desk.leave(0),
        FulfilmentState::PartlyShipped => desk.ship(f1(), 1),
        FulfilmentState::Shipped => desk.ship(f1(), 3),
        FulfilmentState::Delivered => desk.ship(f1(), 3).and_then(|()| desk.deliver(f1(), 3)),
        FulfilmentState::Picking => desk.pick(1),
        FulfilmentState::Picked => desk.pick(3),
        FulfilmentState::Packed => desk.pack(3),
        FulfilmentState::ReadyForPickup => desk.ready(),
        FulfilmentState::PickupExpired => desk.ready().and_then(|()| desk.expire()),
        FulfilmentState::Collected => desk.ready().and_then(|()| desk.collect(3)),
        FulfilmentState::Undelivered => desk.ship(f1(), 3).and_then(|()| desk.lose(3)),
        FulfilmentState::AtNode => desk.ship(f1(), 3).and_then(|()| desk.reach(3)),
        FulfilmentState::ReadyAtNode => {
            desk.ship(f1(), 3).and_then(|()| desk.reach(3)).and_then(|()| desk.ready())
        }
    };
    reached.expect("a legal way into the state");
    assert_eq!(desk.order().fulfilments[0].state, state);
    desk
}

fn happen(desk: &mut Desk, event: FulfilmentEvent) -> Result<(), Stopped> {
    let fulfilment = desk.order().fulfilments.remove(0);
    let left = fulfilment.lines[0].allocated / UNIT;
    let unpicked = left - fulfilment.line_progress(0).picked / UNIT;
    let at_node = fulfilment.line_progress(0).at_node / UNIT;
    match event {
        FulfilmentEvent::Accept => desk.accept(),
        FulfilmentEvent::Reject => desk.reject(f1()),
        FulfilmentEvent::ShipPart => desk.ship(f1(), 1),
        FulfilmentEvent::ShipRest => desk.ship(f1(), left.max(1)),
        FulfilmentEvent::DeliverPart => desk.deliver(f1(), 1),
        FulfilmentEvent::DeliverRest => desk.deliver(f1(), 3),
        FulfilmentEvent::TakeBackPart => desk.leave((left - 1).max(1)),
        FulfilmentEvent::TakeBackRest => desk.leave(0),
        FulfilmentEvent::AskBack => desk.ask_back(1),
        FulfilmentEvent::PickPart => desk.pick(1),
        FulfilmentEvent::PickRest => desk.pick(unpicked.max(1)),
        FulfilmentEvent::PackPart => desk.pack(1),
        FulfilmentEvent::PackRest => desk.pack(left.max(1)),
        FulfilmentEvent::MakeReady => desk.ready(),
        FulfilmentEvent::CollectPart => desk.collect(1),
        FulfilmentEvent::CollectRest => desk.collect((left + at_node).max(1)),
        FulfilmentEvent::ExpirePickup => desk.expire(),
        FulfilmentEvent::Reshelve => desk.reshelve(),
        FulfilmentEvent::TakeBackUncollected => take_back_uncollected(desk, fulfilment.state),
        FulfilmentEvent::GiveUpPart => desk.lose(1),
        FulfilmentEvent::GiveUpRest => desk.lose(3),
        FulfilmentEvent::ReachPart => desk.reach(1),
        FulfilmentEvent::ReachRest => desk.reach(3),
        FulfilmentEvent::Forward => desk.forward(),
    }
}

/// One of three units was collected, and the others are taken back. It never happens where nothing
/// can be collected.
fn take_back_uncollected(desk: &mut Desk, state: FulfilmentState) -> Result<(), Stopped> {
    match state {
        FulfilmentState::ReadyForPickup => desk.collect(1)?,
        FulfilmentState::PickupExpired => {
            *desk = fulfilment_in(FulfilmentState::ReadyForPickup, FulfilmentEvent::CollectPart);
            desk.collect(1)?;
            desk.expire()?;
        }
        FulfilmentState::ReadyAtNode => {
            desk.collect(1)?;
            return desk.lose(2);
        }
        FulfilmentState::AtNode => {
            *desk = fulfilment_in(FulfilmentState::ReadyAtNode, FulfilmentEvent::CollectPart);
            desk.collect(1)?;
            desk.expire()?;
            return desk.lose(2);
        }
        _ => return Err(None),
    }
    desk.leave(0)
}

/// What the table says and what happened are the same: a decision that may not be is a misfit.
fn agrees<S: PartialEq + Copy>(next: Next<S>, done: Result<(), Stopped>, now: S) -> bool {
    match (next, done) {
        (Ok(next), Ok(())) => next == now,
        (Err(reason), Err(Some(refused))) => reason == refused,
        (Err(_), Err(None)) => true,
        _ => false,
    }
}

#[test]
fn every_event_on_every_state_of_a_fulfilment_does_what_the_table_says() {
    for (state, row) in FULFILMENT {
        for (event, next) in FULFILMENT_EVENTS.into_iter().zip(row) {
            let mut desk = fulfilment_in(state, event);
            let before = desk.order();
            let done = happen(&mut desk, event);
            let now = desk.order().fulfilments[0].state;
            assert!(agrees(next, done, now), "{event:?} on {state:?}: {done:?}, now {now:?}");
            assert!(done.is_ok() || desk.order() == before, "{event:?} on {state:?} left a trace");
        }
    }
}

/// An order of one unit that stands there.
fn unit_at(part: LinePart) -> Desk {
    let mut desk = Desk::new(1);
    let waiting = v1::OrderOutcome { waiting: quantities(1), ..Default::default() };
    let cancelled = v1::OrderOutcome { cancelled: quantities(1), ..Default::default() };
    let reached = match part {
        LinePart::Open => Ok(()),
        LinePart::Waiting => desk.say(waiting),
        LinePart::Allocated => desk.assign(1),
        LinePart::Shipped => desk.assign(1).and_then(|()| desk.ship(f1(), 1)),
        LinePart::Delivered => {
            desk.assign(1).and_then(|()| desk.ship(f1(), 1)).and_then(|()| desk.deliver(f1(), 1))
        }
        LinePart::Cancelled => desk.say(cancelled),
    };
    reached.expect("a legal way there");
    assert_eq!(part_of(&desk.order()), part);
    desk
}

fn part_of(order: &Order) -> LinePart {
    let line = &order.lines[0];
    assert!(line.is_accounted(), "{line:?}");
    let places = [
        (line.waiting, LinePart::Waiting),
        (line.open, LinePart::Open),
        (line.allocated, LinePart::Allocated),
        (line.delivered, LinePart::Delivered),
        (line.shipped, LinePart::Shipped),
        (line.cancelled, LinePart::Cancelled),
    ];
    places.into_iter().find(|(units, _)| *units > 0).expect("it is somewhere").1
}

fn move_unit(desk: &mut Desk, event: LineEvent) -> Result<(), Stopped> {
    let (channel, order_id) = ("web".to_owned(), "O".to_owned());
    match event {
        LineEvent::Promise => desk.assign(1),
        LineEvent::Wait => {
            desk.say(v1::OrderOutcome { waiting: quantities(1), ..Default::default() })
        }
        LineEvent::Hold => desk.give(v1::OrderHeld {
            channel,
            order_id,
            hold_id: "h".into(),
            reason: v1::HoldReason::Manual.into(),
            ..Default::default()
        }),
        LineEvent::GiveBack => desk.reject(anywhere()),
        LineEvent::Ship => desk.ship(anywhere(), 1),
        LineEvent::Deliver => desk.deliver(anywhere(), 1),
        LineEvent::Cancel => cancel(desk),
        LineEvent::Resume => {
            desk.give(v1::OrderResumed { channel, order_id, ..Default::default() })
        }
    }
}

/// The event, and the decisions that it leads to.
fn cancel(desk: &mut Desk) -> Result<(), Stopped> {
    let (channel, order_id) = ("web".to_owned(), "O".to_owned());
    desk.give(v1::OrderCancelled { channel, order_id, ..Default::default() })?;
    if desk.order().lines[0].allocated > 0 {
        desk.leave(0)?;
    }
    desk.say(v1::OrderOutcome { cancelled: quantities(1), ..Default::default() })
}

#[test]
fn every_event_on_a_unit_of_a_line_does_what_the_table_says() {
    for (part, row) in LINE {
        for (event, next) in LINE_EVENTS.into_iter().zip(row) {
            let mut desk = unit_at(part);
            let before = desk.order();
            let done = move_unit(&mut desk, event);
            if matches!(done, Err(Some(_))) {
                assert_eq!(desk.order(), before, "{event:?} on {part:?} left a trace");
            }
            // A misfit stops the market: what it left in memory is dropped with it.
            let now = if done.is_ok() { part_of(&desk.order()) } else { part };
            assert!(agrees(next, done, now), "{event:?} on {part:?}: {done:?}, now {now:?}");
        }
    }
}
