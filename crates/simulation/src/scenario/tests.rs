//! The scenario files themselves, and what is wrong with ones that are not.

mod render;

use std::path::PathBuf;

use omnifold_events::{Event, v1};
use v1::fulfilment_target::Target;

use super::words::{Words, place, quantity};
use super::*;
use crate::output::Output;

fn files() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios");
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the folder of scenarios")
        .map(|entry| entry.expect("a file").path())
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("text"))
        })
        .collect();
    files.sort();
    files
}

fn only_event(text: &str) -> FileEvent {
    let mut steps = parse(text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(steps.len(), 1, "{text}");
    match steps.remove(0).action {
        Action::Event(event) => *event,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_scenario_file_can_be_read_and_names_its_case_first() {
    let files = files();
    assert!(files.len() >= 14, "{} files", files.len());
    for (name, text) in files {
        let steps = parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let first = text.lines().next().and_then(|line| line.strip_prefix("# "));
        let case = first.and_then(|line| line.split([' ', ',']).next()).expect("a first comment");
        assert!(name.starts_with(&format!("{case}-")), "{name} begins with its case, {case}");
        assert!(steps.iter().any(|step| !step.expected.is_empty()), "{name} expects nothing");
        let opens = matches!(&steps[0].action, Action::Event(event)
            if matches!(event.event, Event::MarketConfigured(_)));
        assert!(opens, "{name} begins with its market");
    }
}

#[test]
fn the_required_cases_have_their_files() {
    let names: Vec<String> = files().into_iter().map(|(name, _)| name).collect();
    for case in [
        "RS-01", "RS-02", "RS-03", "RS-04", "RS-05", "RT-01", "RT-02", "RT-03", "RT-10", "EV-01",
        "EV-02", "LG-01", "AT-01", "AT-02", "AT-03", "AT-04", "AT-05", "PD-01", "PD-02",
    ] {
        assert!(names.iter().any(|name| name.starts_with(case)), "{case}");
    }
}

#[test]
fn each_event_is_a_second_after_the_one_before_and_has_its_line_as_its_id() {
    let steps = parse("at 2025-06-02T10:00:00Z\n\nitem S\nitem T # a comment\n").expect("valid");
    let [one, two] = &steps[..] else { panic!("{steps:?}") };
    let (Action::Event(one), Action::Event(two)) = (&one.action, &two.action) else { panic!() };
    assert_eq!((one.id.as_str(), two.id.as_str()), ("line-3", "line-4"));
    assert_eq!(one.time_ms.map(|time| time + 1_000), two.time_ms);
}

#[test]
fn again_is_the_same_event_to_the_last_byte() {
    let steps = parse("item S id=e1 source=shop\nagain\nrestart\nagain").expect("valid");
    assert_eq!(steps[0].action, steps[1].action);
    assert_eq!(steps[2].action, Action::Restart);
    assert_eq!(steps[0].action, steps[3].action);
    assert!(parse("again").is_err());
}

#[test]
fn an_order_has_its_lines_numbered_and_its_options() {
    let text = "order O lines S:3 T:0.5 to -48.8,2.3 from=N1,N2 priority=5 coverage=allow_partial";
    let Event::OrderPlaced(order) = only_event(text).event else { panic!() };
    let lines: Vec<(&str, &str, i64)> = order
        .lines
        .iter()
        .map(|line| (line.line_id.as_str(), line.sku.as_str(), line.quantity_milli))
        .collect();
    assert_eq!(lines, [("1", "S", 3_000), ("2", "T", 500)]);
    assert_eq!(order.fulfil_from, ["N1", "N2"]);
    assert_eq!((order.priority, order.coverage()), (5, v1::Coverage::AllowPartial));
    let location = order.destination.and_then(|to| to.location).expect("a place");
    assert_eq!((location.lat_e6, location.lon_e6), (-48_800_000, 2_300_000));
}

#[test]
fn an_order_has_prices_charges_and_terms_of_delivery() {
    let text = "order O lines S:3@9.90 T:1 shipping=4.95 discount=5 method=express gift \
                date=2025-06-05 since=2025-06-05T08:00:00Z";
    let Event::OrderPlaced(order) = only_event(text).event else { panic!() };
    let price = |line: &v1::OrderLine| line.unit_price.as_ref().map(|money| money.minor);
    assert_eq!(order.lines.iter().map(price).collect::<Vec<_>>(), [Some(990), None]);
    let charges = order.charges.expect("charges");
    let minor = |money: Option<v1::Money>| money.map(|money| money.minor);
    assert_eq!((minor(charges.shipping), minor(charges.tax)), (Some(495), None));
    assert_eq!(minor(charges.discount), Some(500));
    let terms = order.delivery.expect("terms");
    assert_eq!((terms.shipping_method.as_str(), terms.gift), ("express", true));
    assert_eq!(terms.window.map(|window| window.from_ms), Some(1_749_110_400_000));
}

#[test]
fn a_change_names_what_is_wanted_now() {
    let text = "change O line 1 x3 line 2 x0 add 7 S:2@1 to 48.8,2.3 revision=4 method=slow";
    let Event::OrderChanged(change) = only_event(text).event else { panic!() };
    let wanted: Vec<(&str, i64)> =
        change.quantities.iter().map(|l| (l.line_id.as_str(), l.quantity_milli)).collect();
    assert_eq!(wanted, [("1", 3_000), ("2", 0)]);
    assert_eq!((change.added[0].line_id.as_str(), change.added[0].quantity_milli), ("7", 2_000));
    assert_eq!(change.expected_revision, 4);
    assert!(change.destination.is_some_and(|to| to.location.is_some()));
    assert!(change.delivery.is_some_and(|terms| terms.shipping_method == "slow"));
}

#[test]
fn a_hold_is_on_an_order_or_on_one_fulfilment() {
    let held = |text: &str| match only_event(text).event {
        Event::OrderHeld(held) => (held.order_id.clone(), held.fulfilment, held.reason()),
        other => panic!("{other:?}"),
    };
    let fraud = v1::HoldReason::Fraud;
    assert_eq!(held("hold O h1 fraud"), ("O".to_owned(), 0, fraud));
    assert_eq!(held("hold O/f2 h1 fraud"), ("O".to_owned(), 2, fraud));
}

#[test]
fn payments_are_in_cents_of_the_currency_named() {
    let text = "pay O card captured 12.50 currency=USD";
    let Event::PaymentCaptured(paid) = only_event(text).event else { panic!() };
    let amount = v1::Money { minor: 1_250, currency: "USD".to_owned() };
    assert_eq!((paid.payment_id.as_str(), paid.amount), ("card", Some(amount)));
    let Event::PaymentVoided(all) = only_event("pay O card voided").event else { panic!() };
    assert_eq!(all.amount, None);
    assert!(parse("pay O card captured 0.001").is_err());
    assert!(parse("pay O card promised 1").is_err());
}

#[test]
fn holds_deadlines_and_dates_are_read() {
    let Event::StockHeld(hold) = only_event("hold_stock H lines S:3 T:0.5 from=N ttl=7m").event
    else {
        panic!()
    };
    let lines: Vec<(&str, i64)> =
        hold.lines.iter().map(|line| (line.sku.as_str(), line.quantity_milli)).collect();
    assert_eq!(lines, [("S", 3_000), ("T", 500)]);
    assert_eq!((hold.hold_id.as_str(), hold.node_id.as_str(), hold.ttl_ms), ("H", "N", 420_000));
    let Event::MarketConfigured(market) = only_event("market pick_within=2h").event else {
        panic!()
    };
    assert_eq!((market.accept_within_ms, market.pick_within_ms), (0, 7_200_000));
    let text = "order O lines S:1 hold=H release_at=2025-06-02T00:00:01Z";
    let Event::OrderPlaced(order) = only_event(text).event else { panic!() };
    assert_eq!((order.hold_id.as_str(), order.release_at_ms), ("H", 1_748_822_401_000));
    for (text, span) in [("30s", 30_000), ("24h", 86_400_000), ("3d", 259_200_000)] {
        assert_eq!(super::words::span(text), Ok(span));
    }
    for text in ["", "7", "m", "7w", "1.5h", "99999999999999999d"] {
        assert!(super::words::span(text).is_err(), "{text}");
    }
}

#[test]
fn shipments_name_a_fulfilment_or_an_order_and_lines() {
    let Event::FulfilmentShipped(one) = only_event("ship O/f1 line 1 x2 line 2").event else {
        panic!()
    };
    let target = one.target.and_then(|target| target.target);
    assert_eq!(target, Some(Target::FulfilmentId("web/O/f1".to_owned())));
    let lines: Vec<(&str, i64)> =
        one.lines.iter().map(|line| (line.line_id.as_str(), line.quantity_milli)).collect();
    assert_eq!(lines, [("1", 2_000), ("2", 0)]);
    let Event::FulfilmentDelivered(any) = only_event("deliver any O channel=app").event else {
        panic!()
    };
    let target = any.target.and_then(|target| target.target);
    let named = v1::AnyNode { channel: "app".to_owned(), order_id: "O".to_owned() };
    assert_eq!(target, Some(Target::AnyNode(named)));
}

#[test]
fn stock_moves_and_transfers_say_from_where_to_where() {
    let Event::StockMoved(moved) =
        only_event("move N S 1.5 from on_hand to quarantine reason=damage").event
    else {
        panic!()
    };
    assert_eq!((moved.node_id.as_str(), moved.quantity_milli), ("N", 1_500));
    let way = (moved.from(), moved.to(), moved.reason());
    let damage = v1::MoveReason::Damage;
    assert_eq!(way, (v1::StockBucket::OnHand, v1::StockBucket::Quarantine, damage));
    let Event::TransferReceived(came) = only_event("arrived T S:4 damaged=1 closes").event else {
        panic!()
    };
    assert!(came.closes && came.transfer_id == "T");
    assert_eq!((came.lines[0].quantity_milli, came.lines[0].damaged_milli), (4_000, 1_000));
    let Event::ChannelDefined(channel) = only_event("channel C nodes=N,M threshold=10").event
    else {
        panic!()
    };
    assert_eq!((channel.nodes.len(), channel.threshold_milli), (2, 10_000));
}

#[test]
fn work_and_returns_have_their_words() {
    let Event::OrderPlaced(order) = only_event("order O lines S:2@7.77-2.46+0.92 pickup=N").event
    else {
        panic!()
    };
    assert_eq!(order.pickup_node, "N");
    assert_eq!(order.lines[0].unit_price.as_ref().map(|price| price.minor), Some(777));
    let minor = |money: &Option<v1::Money>| money.as_ref().map(|money| money.minor);
    let charges = &order.line_charges[0];
    assert_eq!((minor(&charges.discount), minor(&charges.tax)), (Some(246), Some(92)));

    let Event::FulfilmentHandedOver(handed) =
        only_event("hand_over O/f1 ups P1:1Z1 P2:1Z2 manifest=M1").event
    else {
        panic!()
    };
    assert_eq!((handed.fulfilment_id.as_str(), handed.parcels.len()), ("web/O/f1", 2));
    assert_eq!(handed.parcels[1].tracking_number, "1Z2");

    let text = "track ups 1Z9 DL happened=2026-08-13T14:20:00Z place=Lyon";
    let Event::TrackingUpdated(told) = only_event(text).event else { panic!() };
    assert_eq!((told.happened_at_ms, told.place.as_str()), (1_786_630_800_000, "Lyon"));

    let text = "return O R1 line 1 x2 refund line 2 x1 replace faulty";
    let Event::ReturnRequested(asked) = only_event(text).event else { panic!() };
    assert_eq!(asked.lines[0].response(), v1::ReturnResponse::Refund);
    assert_eq!(asked.lines[0].condition(), v1::ItemCondition::Unspecified);
    assert_eq!(asked.lines[1].condition(), v1::ItemCondition::Faulty);
    for (text, what) in [
        ("return O R1 line 1 refund", "a quantity is missing"),
        ("came_back O R1 line 1 x1 restock", "`at=` names the node"),
        ("carrier ups DL:flying", "`flying`"),
        ("order O lines S:2@7.777", "at most two places"),
        ("lost", "a fulfilment is missing"),
    ] {
        let error = parse(text).expect_err(text);
        assert!(error.what.contains(what), "{text}: {error}");
    }
}

#[test]
fn answers_about_returns_are_one_line_each() {
    let (channel, order_id, return_id) = ("web".to_owned(), "O".to_owned(), "R1".to_owned());
    let line = |line: &str, minor, response: v1::ReturnResponse| v1::RefundLine {
        line_id: line.to_owned(),
        quantity_milli: 1_000,
        amount_minor: minor,
        response: response.into(),
    };
    let money = |minor| Some(v1::Money { minor, currency: "EUR".to_owned() });
    let due = v1::RefundDue {
        channel: channel.clone(),
        order_id: order_id.clone(),
        return_id: return_id.clone(),
        lines: vec![
            line("2", 1_400, v1::ReturnResponse::Refund),
            line("3", 2_307, v1::ReturnResponse::Credit),
        ],
        refund: money(905),
        credit: money(2_307),
        fee: money(495),
        cause: v1::Cause::Returned.into(),
        ..Default::default()
    };
    let refused = v1::ReturnRefused {
        channel,
        order_id,
        return_id,
        reason: "final_sale".to_owned(),
        line_id: "2".to_owned(),
        ..Default::default()
    };
    assert_eq!(
        render(&[Output::RefundDue(Box::new(due)), Output::ReturnRefused(refused)]),
        [
            "O due for R1 line 2 14.00, line 3 23.07 credit (returned); refund 9.05 credit 23.07 \
             fee 4.95",
            "O return R1 refused final_sale line 2",
        ]
    );
}

#[test]
fn a_line_that_is_no_command_is_named_with_its_number() {
    for (text, what) in [
        ("item S\nfly away", "there is no command `fly`"),
        ("count N S", "a quantity is missing"),
        ("count N S 1.2345", "no quantity"),
        ("count N S 5 6", "one word too many"),
        ("count N S 5 colour=red", "no option `colour`"),
        ("node N at 48.8", "no place"),
        ("reject O/f1 bored", "`bored`"),
        ("move N S 1 from shelf to bin", "`shelf`"),
        ("arrived T damaged=1", "needs a SKU"),
        ("count N S 1 as_of=noon", "RFC 3339"),
        ("market shortage=steal", "`steal`"),
        ("at noon", "RFC 3339"),
        ("> output", "output before any command"),
    ] {
        let error = parse(text).expect_err(text);
        assert!(error.what.contains(what), "{text}: {error}");
        assert_eq!(error.line, text.lines().count());
    }
}

#[test]
fn quantities_and_places_are_exact() {
    for (text, milli) in [("5", 5_000), ("5.5", 5_500), ("-0.001", -1), ("0", 0), ("12.34", 12_340)]
    {
        assert_eq!(quantity(text), Ok(milli), "{text}");
    }
    for text in ["", ".", "5.", "-", "1e3", "+1", "0.0001", "99999999999999999999"] {
        assert!(quantity(text).is_err(), "{text}");
    }
    assert_eq!(place("0.3,-0.1").map(|at| (at.lat_e6, at.lon_e6)), Ok((300_000, -100_000)));
    assert!(Words::of("a b").next("a word").is_ok());
}

/// Answers every order with one line, and has five of everything until it is restarted.
#[derive(Default)]
struct Parrot {
    restarts: i64,
}

impl Player for Parrot {
    fn take(&mut self, event: &FileEvent) -> anyhow::Result<Vec<Output>> {
        Ok(match &event.event {
            Event::OrderPlaced(_) => {
                vec![Output::Outcome(render::outcome(
                    v1::OutcomeStatus::Assigned,
                    v1::Cause::Placed,
                ))]
            }
            _ => Vec::new(),
        })
    }

    fn stock(&mut self, node: &str, _: &str) -> anyhow::Result<Option<StockFigures>> {
        let on_hand_milli = 5_000 - self.restarts;
        let figures = StockFigures { on_hand_milli, short_milli: 1, ..Default::default() };
        Ok((node == "N").then_some(figures))
    }

    fn ledger(
        &mut self,
        node: &str,
        sku: &str,
        as_of_ms: Option<i64>,
    ) -> anyhow::Result<Vec<String>> {
        Ok(vec![format!("{node} {sku} {}", as_of_ms.unwrap_or(0))])
    }

    fn time_phased(&mut self, table: &PhasedTable) -> anyhow::Result<(Vec<i64>, Option<usize>)> {
        let atp = table.periods.iter().map(|(supply, demand)| supply - demand).collect();
        Ok((atp, table.order.map(|(_, period)| period)))
    }

    fn available(&mut self, _: &str, _: &str) -> anyhow::Result<String> {
        Ok("8.5".to_owned())
    }

    fn score(&mut self, _: &str) -> anyhow::Result<String> {
        Ok("score 900".to_owned())
    }

    fn inbound(&mut self, node: &str, sku: &str) -> anyhow::Result<Vec<String>> {
        Ok(vec![format!("{node} expects {sku}")])
    }

    fn purchase_order(&mut self, id: &str) -> anyhow::Result<Vec<String>> {
        Ok(vec![format!("{id} issued")])
    }

    fn serial(&mut self, sku: &str, serial: &str) -> anyhow::Result<Vec<String>> {
        Ok(vec![format!("{sku} {serial} on_hand N")])
    }

    fn promise(&mut self, asked: &PromiseQuestion) -> anyhow::Result<Option<[String; 2]>> {
        let dates = [asked.transit.0, asked.transit.1].map(|days| format!("2025-01-{days:02}"));
        Ok((asked.works != 0b1_1111).then_some(dates))
    }

    fn fulfilment(&mut self, id: &str) -> anyhow::Result<Option<FulfilmentFigures>> {
        let parcel = ParcelFigures {
            carrier: "ups".to_owned(),
            tracking_number: "1Z9".to_owned(),
            status: "delivered".to_owned(),
            delivered_at: Some("2026-08-13T14:20:00Z".to_owned()),
            history: vec!["picked_up".to_owned(), "delivered".to_owned()],
        };
        let (node, state) = ("N".to_owned(), "Delivered".to_owned());
        let figures = FulfilmentFigures { node, state, parcels: vec![parcel] };
        Ok((id == "web/O/f1").then_some(figures))
    }

    fn why(&mut self, channel: &str, order_id: &str) -> anyhow::Result<Vec<String>> {
        Ok(vec![format!("{channel}/{order_id} by chance")])
    }

    fn restart(&mut self) -> anyhow::Result<()> {
        self.restarts += 1;
        Ok(())
    }
}

#[test]
fn playing_compares_every_command_with_what_stands_below_it() {
    let text = "item S\norder O lines S:1\n> O assigned\nstock N S\n\
                > N S on_hand 5 allocated 0 short 0.001 atp 0\nstock M S\n> M S not stocked\nrestart\n\
                ledger N S as_of=1970-01-01T00:00:01Z\n> N S 1000\navailable C S\n> C S 8.5\n";
    let steps = parse(text).expect("valid");
    assert_eq!(play(&steps, &mut Parrot::default()).expect("no fault"), []);

    let shown = "show O/f1\n> O/f1 N Delivered\n> parcel ups 1Z9 delivered at 2026-08-13T14:20:00Z; \
                 picked_up, delivered\nshow P/f1\n> no fulfilment web/P/f1\n";
    let steps = parse(shown).expect("valid");
    assert_eq!(play(&steps, &mut Parrot::default()).expect("no fault"), []);

    let why = "why O\n> web/O by chance\nwhy O channel=till\n> till/O by chance\n";
    assert_eq!(play(&parse(why).expect("valid"), &mut Parrot::default()).expect("no fault"), []);

    let promised = "promise 2025-01-01T00:00:00Z transit=3-5\n> earliest 2025-01-03 latest 2025-01-05\n\
                    promise 2025-01-01T00:00:00Z transit=3 works=mon-fri\n> no promise\n";
    let steps = parse(promised).expect("valid");
    assert_eq!(play(&steps, &mut Parrot::default()).expect("no fault"), []);

    let serial = "serial S A\n> S A on_hand N\n";
    assert_eq!(play(&parse(serial).expect("valid"), &mut Parrot::default()).expect("no fault"), []);

    let wrong =
        parse("item S\n> something\norder O lines S:1\nrestart\nstock N S\n> N S on_hand 5")
            .expect("valid");
    let mismatches = play(&wrong, &mut Parrot::default()).expect("no fault");
    let lines: Vec<usize> = mismatches.iter().map(|mismatch| mismatch.line).collect();
    assert_eq!(lines, [1, 3, 5]);
    let text = mismatches[2].to_string();
    assert!(text.contains("- N S on_hand 5\n"), "{text}");
    assert!(text.contains("+ N S on_hand 4.999 allocated 0 short 0.001 atp 0\n"), "{text}");
}

#[test]
fn a_policy_is_ready_made_or_stands_below_its_command() {
    let Event::PolicyActivated(ready) = only_event("policy nearest").event else { panic!() };
    assert!(ready.document.contains("name = \"nearest\""), "{}", ready.document);
    let Event::PolicyRetired(retired) = only_event("retire_policy nearest").event else { panic!() };
    assert_eq!(retired.name, "nearest");
    assert!(parse("policy farthest").is_err());

    let steps = parse("policy\n| name = \"x\" # kept\n|   by = 1\nagain\n").expect("valid");
    let [Action::Event(first), Action::Event(again)] = [&steps[0].action, &steps[1].action] else {
        panic!("{steps:?}")
    };
    let Event::PolicyActivated(inline) = &first.event else { panic!() };
    assert_eq!(inline.document, "name = \"x\" # kept\n  by = 1\n");
    assert_eq!(first, again);
    assert!(parse("| name = 1").is_err());
    assert!(parse("item S\n| name = 1").is_err());
}

#[test]
fn a_wave_is_closed_and_its_account_told() {
    let text = "close_wave W nodes=N,M before=2025-06-02T00:00:01Z orders=5 steps=9";
    let Event::WaveClosed(closed) = only_event(text).event else { panic!() };
    assert_eq!((closed.wave_id.as_str(), closed.node_ids.len()), ("W", 2));
    assert_eq!((closed.max_orders, closed.max_steps), (5, 9));
    assert_eq!(closed.placed_before_ms, 1_748_822_401_000);
    assert!(parse("close_wave").is_err());
    let order = |order_id: &str| v1::WaveOrder {
        channel: "web".into(),
        order_id: order_id.into(),
        ..Default::default()
    };
    let planned = v1::WavePlanned {
        wave_id: "W".into(),
        orders_routed: 3,
        orders_planned: 5,
        orders_left_out: 1,
        changed: vec![order("A"), order("B")],
        cost_before: 17_500,
        cost_after: 9_000,
        shipments_before: 4,
        shipments_after: 3,
        metres_before: 120,
        metres_after: 90,
        bound_hit: true,
        ..Default::default()
    };
    assert_eq!(
        render(&[Output::Wave(Box::new(planned))]),
        [
            "wave W routed 3, planned 5, left out 1; cost 17.5 to 9; shipments 4 to 3, 120 m to 90 m; \
          changed A, B; bound hit"
        ]
    );
}
