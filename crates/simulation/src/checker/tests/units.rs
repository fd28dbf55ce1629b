//! Units told apart: lots that end, serial numbers that leave twice.

use super::*;

const DAY_MS: i64 = 86_400_000;

/// An order that is told to take a lot so long before the lot's last day is over, at a node whose
/// zone is so far from UTC.
fn told_of_lot(before_end_ms: i64, zone: &str, offset_ms: i64) -> CheckReport {
    let mut story = story();
    let (node_id, sku) = ("B".to_owned(), "S".to_owned());
    let span = v1::OpeningHours { weekday: 1, opens_minute: 0, closes_minute: 60 };
    let week = vec![span];
    let zone = zone.to_owned();
    let hours = v1::NodeCalendarSet { node_id: node_id.clone(), week, zone, ..Default::default() };
    story.input(hours);
    let (lot, expires_on) = ("L1".to_owned(), "1970-01-02".to_owned());
    let units = Some(v1::UnitAttributes { lot, expires_on, ..Default::default() });
    let quantity_milli = 5;
    let received = v1::StockReceived { node_id, sku, quantity_milli, ..Default::default() };
    story.input(v1::StockReceived { units, ..received });
    let at_ms = 2 * DAY_MS - offset_ms - before_end_ms;
    story.inputs.push(("late".to_owned(), at_ms, order("O8", &[("S", 1)]).into()));
    let mut message = whole("O8", story.inputs.len() as u64, "B", &[("1", "S", 1)]);
    let (lot, quantity_milli) = ("L1".to_owned(), 1);
    message.lines[0].lots.push(v1::LotQuantity { lot, quantity_milli, ..Default::default() });
    story.decide(Output::Assigned(message));
    report(&story)
}

#[test]
fn a_lot_ends_to_the_instant_with_its_day_at_its_node() {
    for (zone, offset_ms) in [("UTC", 0), ("Asia/Kolkata", 19_800_000)] {
        let report = told_of_lot(1, zone, offset_ms);
        assert!(report.is_clean(), "{zone}: {report}");
        let report = told_of_lot(0, zone, offset_ms);
        assert_eq!(report.violations[0].rule, Rule::Lots, "{zone}");
    }
}

/// A story in which a unit is received and leaves with an order that B was assigned.
fn with_a_unit(more: impl FnOnce(&mut Story)) -> CheckReport {
    let mut story = story();
    let sku = "S".to_owned();
    story.input(v1::ItemDefined { sku, serialised: true, ..Default::default() });
    for name in ["O8", "O9"] {
        let step = story.input(order(name, &[("S", 2)]));
        story.decide(Output::Assigned(whole(name, step, "B", &[("1", "S", 2)])));
    }
    leave(&mut story, "web/O8/f1");
    more(&mut story);
    report(&story)
}

fn leave(story: &mut Story, id: &str) {
    let (line_id, serials) = ("1".to_owned(), vec!["A".to_owned()]);
    let serials = vec![v1::LineSerials { line_id: line_id.clone(), serials }];
    let lines = vec![v1::LineQuantity { line_id, quantity_milli: 1 }];
    let target = target(id);
    story.input(v1::FulfilmentShipped { target, lines, serials, ..Default::default() });
}

#[test]
fn a_unit_that_leaves_twice_is_noticed() {
    assert!(with_a_unit(|_| ()).is_clean());
    let twice = with_a_unit(|story| leave(story, "web/O9/f1"));
    assert_eq!(twice.violations[0].rule, Rule::Serials);
    let lost = with_a_unit(|story| {
        let (target, kind) = (target("web/O8/f1"), v1::LossKind::Lost.into());
        story.input(v1::FulfilmentLost { target, kind, ..Default::default() });
        leave(story, "web/O9/f1");
    });
    assert!(lost.is_clean(), "which unit was lost nobody said: {lost}");
}

#[test]
fn more_serial_numbers_than_units_are_noticed() {
    let counted = |on_hand_milli: i64, serials: &[&str]| {
        with_a_unit(|story| {
            let serials = serials.iter().map(|&serial| serial.to_owned()).collect();
            let (node_id, sku) = ("A".to_owned(), "S".to_owned());
            let count = v1::StockCounted { node_id, sku, on_hand_milli, ..Default::default() };
            story.input(v1::StockCounted { serials, ..count });
        })
    };
    assert!(counted(2_000, &["X", "Y"]).is_clean());
    assert_eq!(counted(1_999, &["X", "Y"]).violations[0].rule, Rule::Serials);
    assert_eq!(counted(2_000, &["X", "X"]).violations[0].rule, Rule::Serials);
}
