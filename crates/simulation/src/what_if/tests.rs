//! The parts of a replay, one by one. The whole is tested with the command.

mod money;

use omnifold_events::v1::fulfilment_target::Target;
use omnifold_events::{Event, v1};

use super::account::Account;
use super::change::{Change, Ruling};
use super::demand::{Window, demand};
use super::figures::{Figures, Load, Prices};
use super::limits::{Limit, LimitError};
use super::nodes::Learned;
use super::settings::{Settings, SettingsError};
use super::*;
use crate::output::Output;

const HOUR_MS: i64 = 3_600_000;

fn at(time_ms: i64, event: Event) -> FileEvent {
    FileEvent { id: format!("e{time_ms}"), source: "test".into(), time_ms: Some(time_ms), event }
}

fn market(shortage: v1::Shortage) -> Event {
    v1::MarketConfigured {
        clock: v1::ClockKind::Wall.into(),
        currency: "EUR".into(),
        shortage: shortage.into(),
        max_ahead_ms: 5,
        ..Default::default()
    }
    .into()
}

fn order(id: &str) -> Event {
    let line = v1::OrderLine {
        line_id: "1".into(),
        sku: "S".into(),
        quantity_milli: 2_000,
        ..Default::default()
    };
    v1::OrderPlaced {
        channel: "web".into(),
        order_id: id.into(),
        lines: vec![line],
        ..Default::default()
    }
    .into()
}

fn assigned(order: &str, fulfilment: u32, node: &str, units: i64) -> v1::FulfilmentAssigned {
    let quantity_milli = units * 1_000;
    let line = v1::AssignedLine { sku: "S".into(), quantity_milli, ..Default::default() };
    v1::FulfilmentAssigned {
        channel: "web".into(),
        order_id: order.into(),
        fulfilment,
        node_id: node.into(),
        lines: vec![line],
        distance_m: 10_000,
        ..Default::default()
    }
}

fn target(id: &str) -> Option<v1::FulfilmentTarget> {
    Some(v1::FulfilmentTarget { target: Some(Target::FulfilmentId(id.to_owned())) })
}

fn shipped(id: &str) -> Event {
    v1::FulfilmentShipped { target: target(id), ..Default::default() }.into()
}

fn settings(words: &[&str]) -> Result<Settings, SettingsError> {
    Settings::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
}

#[test]
fn a_change_of_settings_is_read_by_the_schema() {
    let change = settings(&["shortage=wait", "acceptWithinMs=60000"]).expect("it is one");
    let Event::MarketConfigured(before) = market(v1::Shortage::Refuse) else { unreachable!() };
    let after = change.applied(before);
    assert_eq!((after.shortage(), after.accept_within_ms), (v1::Shortage::Wait, 60_000));
    assert_eq!(after.currency, "EUR");
    assert_eq!(change.name().as_deref(), Some("shortage=SHORTAGE_WAIT acceptWithinMs=60000"));
    for (word, fault) in [
        ("shortage", "Form"),
        ("clock=wall", "Fixed"),
        ("shortage=maybe", "Value"),
        ("no_such=1", "Value"),
    ] {
        let error = settings(&[word]).expect_err(word);
        assert!(format!("{error:?}").starts_with(fault), "{word}: {error:?}");
    }
}

#[test]
fn the_change_counts_from_the_window_on_and_what_nodes_did_is_left_out() {
    let recorded = vec![
        at(0, market(v1::Shortage::Refuse)),
        at(10, order("early")),
        at(20, shipped("web/early/f1")),
        at(30, order("late")),
        at(40, market(v1::Shortage::Refuse)),
        at(50, order("after")),
    ];
    let change = Change::default().with_settings(settings(&["shortage=WAIT"]).expect("it is one"));
    let window = Window { from_ms: 25, until_ms: 50 };
    let replayed = demand(recorded, &change, window);
    let told: Vec<(i64, i32)> = replayed
        .iter()
        .map(|event| match &event.event {
            Event::MarketConfigured(m) => (time_of(event), m.shortage * 10 + m.clock),
            _ => (time_of(event), 0),
        })
        .collect();
    // REFUSE is 1, WAIT is 2; the clock of a replay is 2, that of its records.
    assert_eq!(told, [(0, 12), (10, 0), (25, 22), (30, 0), (40, 22)]);
    let whole = Window { from_ms: i64::MIN, until_ms: i64::MAX };
    let replayed =
        demand(vec![at(0, market(v1::Shortage::Refuse)), at(9, order("a"))], &change, whole);
    assert_eq!(replayed.iter().map(time_of).collect::<Vec<_>>(), [0, 9], "altered where it stands");
}

#[test]
fn a_node_does_again_what_it_did_and_ships_other_work_after_its_median() {
    let mut learned = Learned::default();
    for (order, node, hours) in [("a", "N", 1), ("b", "N", 3), ("c", "N", 8), ("d", "M", 2)] {
        learned.told(&assigned(order, 1, node, 1), 0);
        learned.heard(&shipped(&format!("web/{order}/f1")), hours * HOUR_MS);
    }
    learned.told(&assigned("e", 1, "M", 1), 0);
    let no = v1::FulfilmentRejected {
        target: target("web/e/f1"),
        reason: v1::RejectionReason::Mismatch.into(),
        ..Default::default()
    };
    learned.heard(&no.into(), HOUR_MS);
    // A history that names no node: whoever had the order.
    learned.told(&assigned("f", 1, "X", 1), 0);
    let any = v1::AnyNode { channel: "web".into(), order_id: "f".into() };
    let any = Some(v1::FulfilmentTarget { target: Some(Target::AnyNode(any)) });
    let shipped_by_any = v1::FulfilmentShipped { target: any, ..Default::default() };
    learned.heard(&shipped_by_any.into(), 3 * HOUR_MS);
    let mut nodes = learned.nodes();
    // Numbers of fulfilments may differ; the order at its node counts.
    nodes.hear(&Output::Assigned(assigned("c", 2, "N", 1)), 0);
    nodes.hear(&Output::Assigned(assigned("e", 1, "M", 1)), 0);
    nodes.hear(&Output::Assigned(assigned("new", 1, "N", 1)), 0);
    nodes.hear(&Output::Assigned(assigned("new", 2, "X", 1)), 0);
    let said: Vec<(i64, &str)> = nodes
        .due_before(100 * HOUR_MS, 0)
        .iter()
        .map(|event| {
            let target = |target: &Option<v1::FulfilmentTarget>| target.clone();
            match &event.event {
                Event::FulfilmentShipped(e) => (time_of(event), target(&e.target), "shipped"),
                Event::FulfilmentRejected(e) => (time_of(event), target(&e.target), "rejected"),
                other => panic!("{other:?}"),
            }
        })
        .map(|(at, target, word)| {
            assert!(target.is_some());
            (at / HOUR_MS, word)
        })
        .collect();
    assert_eq!(said, [(1, "rejected"), (3, "shipped"), (3, "shipped"), (8, "shipped")]);
    assert_eq!(nodes.counts(), (2, 2));
}

fn delivered(id: &str) -> Event {
    v1::FulfilmentDelivered { target: target(id), ..Default::default() }.into()
}

#[test]
fn what_a_node_ships_is_delivered_as_long_after_as_others_as_far() {
    let mut learned = Learned::default();
    learned.told(&assigned("a", 1, "N", 1), 0);
    learned.heard(&delivered("web/a/f1"), HOUR_MS); // of what has not left nothing is learned
    learned.heard(&shipped("web/a/f1"), 2 * HOUR_MS);
    learned.heard(&delivered("web/a/f1"), 7 * HOUR_MS);
    let mut nodes = learned.nodes();
    nodes.hear(&Output::Assigned(assigned("b", 1, "M", 1)), 0);
    let to_store =
        v1::FulfilmentAssigned { send_to_node_id: "S".into(), ..assigned("c", 1, "M", 1) };
    nodes.hear(&Output::Assigned(to_store), 0);
    let said = |nodes: &mut super::nodes::Nodes, until_hours: i64| -> Vec<(i64, bool)> {
        let events = nodes.due_before(until_hours * HOUR_MS, 0);
        let is_delivery = |event: &Event| matches!(event, Event::FulfilmentDelivered(_));
        events.iter().map(|it| (time_of(it) / HOUR_MS, is_delivery(&it.event))).collect()
    };
    assert_eq!(said(&mut nodes, 3), [(2, false), (2, false)], "both leave");
    assert_eq!(nodes.next_due(), Some(7 * HOUR_MS));
    assert_eq!(said(&mut nodes, 8), [(7, true)], "what is sent to a store is not modelled");
    nodes.hear(&Output::Assigned(assigned("d", 1, "M", 1)), 8 * HOUR_MS);
    assert_eq!(said(&mut nodes, 99), [(10, false), (15, true)], "one after the other in one step");
}

#[test]
fn an_order_is_late_by_the_day_it_was_asked_for_or_else_promised_first() {
    let mut account = Account::default();
    let (day, later) = (24 * HOUR_MS, 48 * HOUR_MS);
    let promise = |latest_day| {
        let source = v1::PromiseSource::Calendar.into();
        Some(Box::new(v1::Promise { latest_day, source, ..Default::default() }))
    };
    let nothing = v1::Promise::default();
    for (id, wanted, promised) in [("a", "", 1), ("b", "1970-01-02", 9), ("c", "", 1), ("d", "", 9)]
    {
        let delivery = v1::DeliveryTerms { requested_date: wanted.into(), ..Default::default() };
        account.placed(
            &v1::OrderPlaced { delivery: Some(Box::new(delivery)), ..placed(id, None) },
            0,
            None,
        );
        let outcome = v1::OrderOutcome {
            channel: "web".into(),
            order_id: id.into(),
            status: v1::OutcomeStatus::Assigned.into(),
            promise: promise(promised),
            ..Default::default()
        };
        let whole = v1::FulfilmentAssigned { outcome: Some(outcome), ..assigned(id, 1, "N", 2) };
        let none = v1::FulfilmentAssigned {
            promise: Some(Box::new(nothing)),
            lines: vec![],
            ..assigned(id, 3, "N", 0)
        };
        account.hear(&Output::Assigned(none), 0);
        account.hear(&Output::Assigned(whole), 0);
        let moved = v1::FulfilmentAssigned { promise: promise(30), ..assigned(id, 2, "M", 1) };
        account.hear(&Output::Assigned(moved), 0);
    }
    for (id, nth, at_ms) in
        [("a", 1, day - 1), ("a", 2, later - 1), ("b", 1, day), ("b", 2, later), ("c", 1, day)]
    {
        account.said(&delivered(&format!("web/{id}/f{nth}")), at_ms);
    }
    let figures = account.figures(None);
    // `a` is just in time, `b` a day after what was asked for, of `c` a part is missing, `d` has time.
    assert_eq!((figures.delivered, figures.delivery_due, figures.delivered_late), (2, 3, 2));
    assert_eq!(
        figures.mean_days_to_delivery,
        Some((2.0 * 48.0 * 3_600_000.0 - 1.0) / 2.0 / day as f64)
    );
    assert_eq!(figures.mean_days_promised, Some((1.0 + 9.0 + 1.0 + 9.0) / 4.0));
}

#[test]
fn a_carriers_code_delivers_what_is_in_its_parcel() {
    use super::couriers::Couriers;
    let code = |code: &str, status: v1::TrackingStatus| v1::CarrierCode {
        code: code.into(),
        status: status.into(),
    };
    let carrier = v1::CarrierDefined {
        carrier: "post".into(),
        codes: vec![
            code("DL", v1::TrackingStatus::Delivered),
            code("IT", v1::TrackingStatus::InTransit),
        ],
        ..Default::default()
    };
    let other = v1::CarrierDefined { carrier: "other".into(), ..carrier.clone() };
    let redefined = v1::CarrierDefined { codes: Vec::new(), ..other.clone() };
    let mut couriers =
        Couriers::of(&[at(0, carrier.into()), at(1, other.into()), at(2, redefined.into())]);
    let parcel = |parcel: &str, number: &str| v1::HandedParcel {
        parcel_id: parcel.into(),
        tracking_number: number.into(),
    };
    let handed = v1::FulfilmentHandedOver {
        fulfilment_id: "web/a/f1".into(),
        carrier: "other".into(),
        parcels: vec![parcel("1", "O1"), parcel("2", "")],
        ..Default::default()
    };
    assert_eq!(couriers.delivered(&handed.into(), 1), (vec![], 1));
    let on = v1::ParcelHandedOn {
        carrier: "other".into(),
        tracking_number: "O1".into(),
        to_carrier: "post".into(),
        to_tracking_number: "P1".into(),
        ..Default::default()
    };
    assert_eq!(couriers.delivered(&on.into(), 2), (vec![], 2));
    let mut said = |carrier: &str, number: &str, code: &str| {
        let update = v1::TrackingUpdated {
            carrier: carrier.into(),
            tracking_number: number.into(),
            code: code.into(),
            happened_at_ms: 5,
            ..Default::default()
        };
        couriers.delivered(&update.into(), 9)
    };
    assert_eq!(said("other", "O1", "DL"), (vec![], 5), "not its code any more");
    assert_eq!(said("post", "P1", "IT"), (vec![], 5));
    assert_eq!(said("post", "", "DL"), (vec![], 5), "a parcel without a number");
    assert_eq!(said("post", "P1", "DL"), (vec![Target::FulfilmentId("web/a/f1".into())], 5));
}

#[test]
fn work_that_was_taken_back_is_not_shipped() {
    let mut nodes = Learned::default().nodes();
    nodes.hear(&Output::Assigned(assigned("a", 1, "N", 1)), 0);
    let released = v1::FulfilmentReleased {
        channel: "web".into(),
        order_id: "a".into(),
        fulfilment: 1,
        ..Default::default()
    };
    nodes.hear(&Output::Released(released), 5);
    assert_eq!(nodes.due_before(i64::MAX, 0), []);
}

#[test]
fn a_feed_hands_out_each_event_once_and_in_order_of_time() {
    let recorded = vec![at(0, order("a")), at(10, order("b")), at(10_000, order("c"))];
    let mut feed = Feed::new(recorded, Learned::default().nodes(), 100);
    let times = |events: Vec<FileEvent>| events.iter().map(time_of).collect::<Vec<_>>();
    assert_eq!(times(feed.next(&[], 0)), [0, 10]);
    let told = [(10, Output::Assigned(assigned("a", 1, "N", 1)))];
    assert_eq!(times(feed.next(&told, 10)), [10_000]);
    assert_eq!(times(feed.next(&[], 10_000)), [10 + 86_400_000]);
    assert_eq!(feed.next(&[], 86_400_010), []);
}

#[test]
fn a_feed_goes_on_where_only_work_that_was_taken_back_is_due() {
    let day = 86_400_000;
    let recorded = vec![at(0, order("a")), at(3 * day, order("b"))];
    let mut feed = Feed::new(recorded, Learned::default().nodes(), 100);
    assert_eq!(feed.next(&[], 0).len(), 1);
    let released = v1::FulfilmentReleased {
        channel: "web".into(),
        order_id: "a".into(),
        fulfilment: 1,
        ..Default::default()
    };
    let told = [(0, Output::Assigned(assigned("a", 1, "N", 1))), (1, Output::Released(released))];
    assert_eq!(feed.next(&told, 0).iter().map(time_of).collect::<Vec<_>>(), [3 * day]);
}

#[test]
fn figures_follow_an_order_to_where_it_ends() {
    let mut recorded = Account::default();
    let mut other = Account::default();
    for account in [&mut recorded, &mut other] {
        for id in ["a", "b"] {
            let Event::OrderPlaced(placed) = order(id) else { unreachable!() };
            account.placed(&placed, 0, None);
        }
    }
    let outcome = |id: &str, status: v1::OutcomeStatus| v1::OrderOutcome {
        channel: "web".into(),
        order_id: id.into(),
        status: status.into(),
        ..Default::default()
    };
    let whole = v1::FulfilmentAssigned {
        outcome: Some(outcome("a", v1::OutcomeStatus::Assigned)),
        ..assigned("a", 1, "N", 2)
    };
    recorded.hear(&Output::Assigned(whole.clone()), 0);
    other.hear(&Output::Assigned(whole), 0);
    let mut refused = outcome("b", v1::OutcomeStatus::Refused);
    refused.shortages.push(v1::SkuShortage { sku: "S".into(), ..Default::default() });
    recorded.hear(&Output::Outcome(refused), 0);
    // The replay serves b from two nodes, and a from another node after it was taken back.
    other.hear(&Output::Outcome(outcome("b", v1::OutcomeStatus::Assigned)), 0);
    other.hear(&Output::Assigned(assigned("b", 1, "N", 1)), 0);
    other.hear(&Output::Assigned(assigned("b", 2, "M", 1)), 0);
    let back = v1::FulfilmentReleased {
        channel: "web".into(),
        order_id: "a".into(),
        fulfilment: 1,
        lines: assigned("a", 1, "N", 2).lines,
        ..Default::default()
    };
    other.hear(&Output::Released(back), 0);
    other.hear(&Output::Assigned(assigned("a", 2, "M", 2)), 0);
    // N turns its part of b down, and M gets that too.
    let no = v1::FulfilmentRejected { target: target("web/b/f1"), ..Default::default() };
    other.said(&no.into(), 1);
    other.hear(&Output::Assigned(assigned("b", 3, "M", 1)), 0);
    let (before, after) = (recorded.figures(None), other.figures(None));
    assert_eq!((before.refused, before.stock_outs, before.split), (1, 1, 0));
    assert_eq!((after.filled_at_once, after.stock_outs, after.split), (2, 0, 0));
    assert_eq!((before.fill_rate_percent, after.fill_rate_percent), (50.0, 100.0));
    assert_eq!(after.load["M"], Load { fulfilments: 3, units: 4.0 });
    assert_eq!(after.mean_distance_km, 10.0);
    assert_eq!(recorded.moved(&other), 2);
    assert_eq!(recorded.moved(&recorded), 0);
}

#[test]
fn a_policy_rules_from_the_window_on_and_those_of_the_history_do_not() {
    let ruling = || Ruling { label: "`new` version 2".into(), document: "new".into() };
    let old = || v1::PolicyActivated { document: "old".into(), ..Default::default() };
    let history = || {
        vec![
            at(0, market(v1::Shortage::Refuse)),
            at(10, old().into()),
            at(30, order("late")),
            at(40, old().into()),
            at(50, v1::PolicyRetired { name: "old".into(), ..Default::default() }.into()),
        ]
    };
    let change = Change::default().with_policy(Some(ruling()));
    let told = |window: Window| -> Vec<(i64, String)> {
        let replayed = demand(history(), &change, window);
        let word = |event: &FileEvent| match &event.event {
            Event::PolicyActivated(policy) => policy.document.clone(),
            Event::PolicyRetired(_) => "retired".to_owned(),
            other => other.topic().to_owned(),
        };
        replayed.iter().map(|event| (time_of(event), word(event))).collect()
    };
    let words = |list: &[(i64, &str)]| -> Vec<(i64, String)> {
        list.iter().map(|(at, word)| (*at, (*word).to_owned())).collect()
    };
    let half = Window { from_ms: 25, until_ms: i64::MAX };
    let expected = [(0, "network"), (10, "old"), (25, "new"), (30, "orders")];
    assert_eq!(told(half), words(&expected));
    let whole = Window { from_ms: i64::MIN, until_ms: i64::MAX };
    let expected = [(0, "network"), (0, "new"), (30, "orders")];
    assert_eq!(told(whole), words(&expected), "once the market has settings");
    assert_eq!(change.name(), "policy `new` version 2");
    assert_eq!(Change::default().name(), "as it was");
    assert_eq!(demand(history(), &Change::default(), whole), history_on_record_times(history()));
}

fn history_on_record_times(mut history: Vec<FileEvent>) -> Vec<FileEvent> {
    let Event::MarketConfigured(configured) = &mut history[0].event else { unreachable!() };
    configured.set_clock(v1::ClockKind::Events);
    configured.max_ahead_ms = 0;
    history
}

/// 100 a parcel, 1 a kilometre; from farther than anybody where nobody knows.
struct ByKilometre;

impl Prices for ByKilometre {
    fn rate_of(&self, order: &v1::OrderPlaced) -> Option<usize> {
        (order.order_id != "free").then_some(7)
    }

    fn price(&self, rate: usize, _: &str, metres: Option<u32>, contents: &[(&str, i64)]) -> i64 {
        assert_eq!((rate, contents), (7, &[("S", 2_000)][..]));
        100_000 + metres.map_or(900_000, i64::from)
    }

    fn late_day(&self, _: usize) -> Option<i64> {
        None
    }

    fn saved(&self, _: usize, _: &str, _: &[(&str, i64)], _: i64) -> Option<i64> {
        None
    }
}

fn placed(id: &str, location: Option<v1::Location>) -> v1::OrderPlaced {
    let Event::OrderPlaced(order) = order(id) else { unreachable!() };
    let destination = Some(v1::Destination { location, ..Default::default() });
    v1::OrderPlaced { destination, ..order }
}

#[test]
fn parcels_are_priced_and_late_when_they_leave_after_their_time() {
    let mut account = Account::default();
    let place = Some(v1::Location { lat_e6: 1, lon_e6: 1 });
    for (id, place, due_hours) in
        [("a", place, 5), ("b", None, 2), ("free", place, 0), ("c", place, 50)]
    {
        let order = placed(id, place);
        account.placed(&order, HOUR_MS, ByKilometre.rate_of(&order));
        let outcome = v1::OrderOutcome {
            channel: "web".into(),
            order_id: id.into(),
            status: v1::OutcomeStatus::Assigned.into(),
            ..Default::default()
        };
        account.hear(
            &Output::Assigned(v1::FulfilmentAssigned {
                outcome: Some(outcome),
                dispatch_by_ms: due_hours * HOUR_MS,
                ..assigned(id, 1, "N", 2)
            }),
            0,
        );
    }
    for (id, hours) in [("a", 4), ("b", 2), ("free", 9)] {
        account.said(&shipped(&format!("web/{id}/f1")), hours * HOUR_MS);
    }
    let figures = account.figures(Some(&ByKilometre));
    // 10 km twice, and once nobody knows how far.
    assert_eq!(figures.cost_minor, Some(110.0 + 1_000.0 + 110.0));
    assert_eq!(figures.fulfilments_unpriced, 1);
    assert_eq!(figures.cost_per_unit_minor, Some(1_220.0 / 6.0));
    // Nobody waits for `free`; what waits for `c` has until later.
    assert_eq!((figures.dispatch_due, figures.dispatched_late), (2, 1));
    assert_eq!(figures.late_percent, Some(50.0));
    assert_eq!(figures.mean_hours_to_dispatch, Some((3.0 + 1.0 + 8.0) / 3.0));
    account.said(&shipped("web/other/f1"), 50 * HOUR_MS);
    let later = account.figures(None);
    assert_eq!((later.dispatch_due, later.dispatched_late), (3, 2), "its time has come");
    assert_eq!((later.cost_minor, later.fulfilments_unpriced), (None, 4));
}

#[test]
fn what_names_no_node_left_from_every_node_of_the_order() {
    let mut account = Account::default();
    account.placed(&placed("a", None), 0, None);
    account.hear(&Output::Assigned(assigned("a", 1, "N", 1)), 0);
    account.hear(&Output::Assigned(assigned("a", 2, "M", 1)), 0);
    let any = v1::AnyNode { channel: "web".into(), order_id: "a".into() };
    let target = Some(v1::FulfilmentTarget { target: Some(Target::AnyNode(any)) });
    account.said(&v1::FulfilmentShipped { target, ..Default::default() }.into(), HOUR_MS);
    let outcome = v1::OrderOutcome {
        channel: "web".into(),
        order_id: "a".into(),
        status: v1::OutcomeStatus::Assigned.into(),
        ..Default::default()
    };
    account.hear(&Output::Outcome(outcome), 0);
    assert_eq!(account.figures(None).mean_hours_to_dispatch, Some(1.0));
}

#[test]
fn a_limit_is_on_a_figure_or_on_its_change() {
    let side = |cost: f64, at_n: u64| Figures {
        cost_minor: Some(cost),
        late_cost_minor: Some(2.0 * cost),
        fill_rate_percent: 97.5,
        load: [("N".to_owned(), Load { fulfilments: at_n, units: 1.0 })].into(),
        ..Figures::default()
    };
    let (old, new) = (side(1_000.0, 10), side(1_020.0, 4));
    for (text, measured, holds) in [
        ("cost_minor<=1020", Some(1_020.0), true),
        ("cost_minor <= 1019.9", Some(1_020.0), false),
        ("change.cost_minor<=2%", Some(2.0), true),
        ("change.cost_minor<=1.9%", Some(2.0), false),
        ("change.cost_minor<=-1", Some(20.0), false),
        ("late_cost_minor<=2039", Some(2_040.0), false),
        ("change.late_cost_minor<=2%", Some(2.0), true),
        ("markdown_saved_minor>=0", None, false),
        ("fill_rate_percent>=98", Some(97.5), false),
        ("change.fill_rate_percent>=0%", Some(0.0), true),
        ("load.N<=4", Some(4.0), true),
        ("change.load.N>=-5", Some(-6.0), false),
        ("load.other<=0", Some(0.0), true),
        ("moved<=3", Some(3.0), true),
        ("late_percent<=5", None, false),
        ("change.load.other<=1%", Some(0.0), true),
    ] {
        let limit = Limit::parse(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(limit.measure(&old, &new, 3), measured, "{text}");
        assert_eq!(limit.holds(measured), holds, "{text}");
    }
    let grown = Limit::parse("change.refused<=10%").expect("a limit");
    let refused = Figures { refused: 1, ..old.clone() };
    assert_eq!(
        grown.measure(&old, &refused, 0),
        None,
        "from nothing, any growth is beyond a share"
    );
    for (text, fault) in [
        ("cost_minor=5", LimitError::Form("cost_minor=5".into())),
        ("cost_minor<=much", LimitError::Form("cost_minor<=much".into())),
        ("cost_minor<=inf", LimitError::Form("cost_minor<=inf".into())),
        ("cost<=5", LimitError::Figure("cost".into())),
        ("change.moved<=5", LimitError::Figure("moved".into())),
        ("cost_minor<=5%", LimitError::Share("cost_minor<=5%".into())),
    ] {
        assert_eq!(Limit::parse(text), Err(fault), "{text}");
    }
}
