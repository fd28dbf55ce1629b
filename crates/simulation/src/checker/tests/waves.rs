//! A wave that holds, and what breaks it.

use omnifold_events::v1::{self, Cause};

use super::super::*;
use super::report;
use super::story::*;

const COSTS: &str = "name = \"costs\"\nversion = 1\nstate = \"active\"\n[[rule]]\nname = \"cheapest\"\n\
                     mode = \"least_cost\"\ncost = { shipment = 400, unit = 10, unit_km = 1 }\n";

fn far(metres: u32, from: v1::FulfilmentAssigned) -> v1::FulfilmentAssigned {
    v1::FulfilmentAssigned { distance_m: metres, ..from }
}

/// An order of two lines at two nodes, which a wave gives to one of them: `units` of the second line.
/// Two parcels of one unit, 10 and 20 km far, cost 850; one of two, 20 km far, 460.
fn wave(units: i64, said: v1::WavePlanned) -> Story {
    wave_by(COSTS, units, said)
}

/// The same by another policy; a unit weighs 1.5 kg, and one of S at B loses 3 minor units where it is not
/// sold.
fn wave_by(document: &str, units: i64, said: v1::WavePlanned) -> Story {
    let mut story = Story::default();
    story.input(market());
    for sku in ["S", "T"] {
        story.input(v1::ItemDefined { sku: sku.into(), weight_g: 1_500, ..Default::default() });
    }
    let (node_id, sku) = ("B".to_owned(), "S".to_owned());
    story.input(v1::MarkdownSet { node_id, sku, amount_minor: 3, ..Default::default() });
    story.input(count("A", "S", 1_000));
    story.input(count("B", "T", 1_000));
    story.input(v1::PolicyActivated { document: document.to_owned(), ..Default::default() });
    let step = story.input(order("O", &[("S", 1_000), ("T", 1_000)]));
    let status = v1::OutcomeStatus::Assigned;
    story.decide(Output::Outcome(outcome(("O", 1, step, Cause::Placed), status)));
    let at = |nth, cause| ("O", nth, step, cause);
    let first = assigned(at(2, Cause::Placed), 1, "A", &[("1", "S", 1_000)]);
    story.decide(Output::Assigned(far(10_000, first)));
    let second = assigned(at(3, Cause::Placed), 2, "B", &[("2", "T", 1_000)]);
    story.decide(Output::Assigned(far(20_000, second)));
    story.input(count("B", "S", 1_000));
    let step = story.input(v1::WaveClosed { wave_id: "W".into(), ..Default::default() });
    let at = |nth| ("O", nth, step, Cause::WaveClosed);
    story.decide(Output::Released(released(at(4), 1, "A", &[("1", "S", 1_000)])));
    story.decide(Output::Released(released(at(5), 2, "B", &[("2", "T", 1_000)])));
    let lines = [("1", "S", 1_000), ("2", "T", units)];
    story.decide(Output::Assigned(far(20_000, assigned(at(6), 3, "B", &lines))));
    story.decide(Output::Wave(Box::new(v1::WavePlanned { step, ..said })));
    story
}

fn said() -> v1::WavePlanned {
    let changed = v1::WaveOrder {
        channel: "web".into(),
        order_id: "O".into(),
        rule: "cheapest".into(),
        cost_before: 850,
        cost_after: 460,
    };
    v1::WavePlanned {
        wave_id: "W".into(),
        cause: Cause::WaveClosed.into(),
        orders_planned: 1,
        changed: vec![changed],
        cost_before: 850,
        cost_after: 460,
        ..Default::default()
    }
}

fn breaks(rule: Rule, story: &Story) {
    let report = report(story);
    let found = report.violations.iter().any(|violation| violation.rule == rule);
    assert!(found, "{rule:?} is not among {report}");
}

#[test]
fn a_wave_that_spares_a_parcel_holds() {
    let report = report(&wave(1_000, said()));
    assert!(report.is_clean(), "{report}");
}

#[test]
fn a_wave_that_loses_units_or_miscounts_is_noticed() {
    breaks(Rule::Wave, &wave(500, said()));
    breaks(Rule::Wave, &wave(1_000, v1::WavePlanned { changed: Vec::new(), ..said() }));
    let mut dearer = said();
    dearer.changed[0].cost_after = 459;
    breaks(Rule::Wave, &wave(1_000, dearer));
    breaks(Rule::Wave, &wave(1_000, v1::WavePlanned { cost_after: 851, ..said() }));
    breaks(Rule::OutcomeExtra, &wave(1_000, v1::WavePlanned { wave_id: "V".into(), ..said() }));
    let mut unanswered = wave(1_000, said());
    unanswered.decided.pop();
    breaks(Rule::OutcomeMissing, &unanswered);
}

#[test]
fn a_wave_that_promises_units_without_stock_is_noticed() {
    let mut story = wave(1_000, said());
    let outputs = story.decided.iter_mut().rev().map(|decided| &mut decided.output);
    let last = outputs.filter_map(|output| match output {
        Output::Assigned(message) => Some(message),
        _ => None,
    });
    last.take(1).for_each(|message| message.lines[0].backordered_milli = 1_000);
    breaks(Rule::Wave, &story);
}

#[test]
fn a_wave_that_makes_parcels_dearer_is_noticed() {
    // A unit at B is worth 500 to later orders: the wave should have left it there.
    let mut story = wave(1_000, said());
    let price = v1::NodePrice { node_id: "B".into(), price_milli: 500 };
    let prices = v1::PricesPublished {
        valid_until_ms: 1_000_000,
        stock: vec![v1::StockPrices { sku: "S".into(), nodes: vec![price] }],
        ..Default::default()
    };
    let (_, time, _) = story.inputs[8].clone();
    story.inputs[8] = ("p".to_owned(), time, prices.into());
    breaks(Rule::Wave, &story);
}

/// Whether the checker agrees with a wave by other costs that says these.
fn agrees(costs: &str, before: i64, after: i64) -> bool {
    let document = COSTS.replace(" }", &format!(", {costs} }}"));
    let mut said = said();
    let row = &mut said.changed[0];
    (row.cost_before, row.cost_after) = (before, after);
    report(&wave_by(&document, 1_000, said)).is_clean()
}

#[test]
fn a_wave_is_priced_by_weights_steps_and_markdowns_too() {
    // 1.5 kg each.
    assert!(agrees("kg = 100", 1_150, 760) && !agrees("kg = 100", 850, 460));
    let steps = "steps = [{ up_to_kg = 2, price = 100 }, { up_to_kg = 3.0, price = 320 }]";
    assert!(agrees(steps, 1_050, 780) && !agrees(steps, 1_050, 560));
    assert!(!agrees("steps = [{ up_to_kg = 2.999, price = 100 }]", 1_050, 560), "too heavy");
    assert!(agrees("markdown = 500", 2_350, 460) && !agrees("markdown = 500", 850, 460));
    assert!(agrees("late_day = 50", 850, 510), "a day too late");
    assert!(!agrees("late_day = 50", 850, 509) && !agrees("late_day = 50", 850, 410));
}

/// A wave by a rule that asks for units that last 14 days, one of whose lines is told a lot.
fn lasting(last_day: &str) -> Story {
    let document = COSTS.replace("mode =", "nodes = { min_shelf_days = 14 }\nmode =");
    let mut story = wave_by(&document, 1_000, said());
    let units =
        v1::UnitAttributes { lot: "L".into(), expires_on: last_day.into(), ..Default::default() };
    let came = v1::StockReceived {
        node_id: "B".into(),
        sku: "S".into(),
        quantity_milli: 1_000,
        units: Some(units),
        ..Default::default()
    };
    let (_, time, _) = story.inputs[8].clone();
    story.inputs[8] = ("r".to_owned(), time, came.into());
    let Output::Assigned(message) = &mut story.decided[5].output else { panic!("given") };
    let lot = v1::LotQuantity { lot: "L".into(), quantity_milli: 1_000, ..Default::default() };
    message.lines[0].lots.push(lot);
    story
}

#[test]
fn a_wave_that_gives_units_that_do_not_last_is_noticed() {
    let report = report(&lasting("1970-01-15"));
    assert!(report.is_clean(), "{report}");
    breaks(Rule::Lots, &lasting("1970-01-14"));
    let mut unnamed = lasting("1970-01-15");
    let Output::Assigned(message) = &mut unnamed.decided[5].output else { panic!("given") };
    message.lines[0].lots.clear();
    breaks(Rule::Lots, &unnamed);
}

/// The wave's order was promised day 12 when it was placed, and is promised another one, or none, by the
/// wave.
fn promised(by_wave: v1::Promise) -> Story {
    let mut story = wave(1_000, said());
    let source = v1::PromiseSource::Calendar.into();
    let days = v1::Promise { earliest_day: 10, latest_day: 12, nodes: 2, source, ..by_wave };
    let mut told = [days, days, v1::Promise { nodes: 1, ..by_wave }].into_iter();
    for decided in &mut story.decided {
        if let Output::Assigned(message) = &mut decided.output {
            let promise = told.next().expect("three assignments");
            let made_at_ms = decided.time_ms;
            message.promise = Some(Box::new(v1::Promise { made_at_ms, ..promise }));
        }
    }
    story
}

#[test]
fn a_wave_that_makes_a_promised_day_later_is_noticed() {
    let source = v1::PromiseSource::Calendar.into();
    let day =
        |latest_day| v1::Promise { earliest_day: 10, latest_day, source, ..Default::default() };
    let report = report(&promised(day(12)));
    assert!(report.is_clean(), "{report}");
    breaks(Rule::Promise, &promised(day(13)));
    breaks(Rule::Promise, &promised(v1::Promise::default()));
}

/// An order that waited for the wave, is routed with it, and is planned again by it.
fn routed_and_planned(said: v1::WavePlanned) -> Story {
    let mut story = Story::default();
    story.input(market());
    story.input(count("A", "S", 1_000));
    story.input(count("B", "T", 1_000));
    story.input(v1::PolicyActivated { document: COSTS.to_owned(), ..Default::default() });
    let step = story.input(order("O", &[("S", 1_000), ("T", 1_000)]));
    let told = outcome(("O", 1, step, Cause::Placed), v1::OutcomeStatus::Scheduled);
    let waiting = quantities(&[("1", 1_000), ("2", 1_000)]);
    story.decide(Output::Outcome(v1::OrderOutcome { waiting, for_wave: true, ..told }));
    story.input(count("B", "S", 1_000));
    let step = story.input(v1::WaveClosed { wave_id: "W".into(), ..Default::default() });
    let at = |nth| ("O", nth, step, Cause::WaveClosed);
    story.decide(Output::Outcome(outcome(at(2), v1::OutcomeStatus::Assigned)));
    let first = assigned(at(3), 1, "A", &[("1", "S", 1_000)]);
    story.decide(Output::Assigned(far(10_000, first)));
    let second = assigned(at(4), 2, "B", &[("2", "T", 1_000)]);
    story.decide(Output::Assigned(far(20_000, second)));
    story.decide(Output::Released(released(at(5), 1, "A", &[("1", "S", 1_000)])));
    story.decide(Output::Released(released(at(6), 2, "B", &[("2", "T", 1_000)])));
    let lines = [("1", "S", 1_000), ("2", "T", 1_000)];
    story.decide(Output::Assigned(far(20_000, assigned(at(7), 3, "B", &lines))));
    story.decide(Output::Wave(Box::new(v1::WavePlanned { step, ..said })));
    story
}

#[test]
fn an_order_may_be_routed_with_a_wave_and_planned_again_by_it() {
    let report = report(&routed_and_planned(said()));
    assert!(report.is_clean(), "{report}");
    breaks(Rule::Wave, &routed_and_planned(v1::WavePlanned { changed: Vec::new(), ..said() }));
}
