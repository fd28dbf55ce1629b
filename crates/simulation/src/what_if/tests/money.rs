//! Lateness and markdowns in the money of the rest.

use super::*;

/// As [`ByKilometre`], 5 for each day too late, and 2 a unit saved at N from an hour on.
struct WithLateness;

impl Prices for WithLateness {
    fn rate_of(&self, order: &v1::OrderPlaced) -> Option<usize> {
        ByKilometre.rate_of(order)
    }

    fn price(&self, rate: usize, node: &str, far: Option<u32>, contents: &[(&str, i64)]) -> i64 {
        ByKilometre.price(rate, node, far, contents)
    }

    fn late_day(&self, _: usize) -> Option<i64> {
        Some(5_000)
    }

    fn saved(&self, _: usize, node: &str, contents: &[(&str, i64)], at_ms: i64) -> Option<i64> {
        let units: i64 = contents.iter().map(|(_, units)| units).sum();
        Some(if node == "N" && at_ms >= HOUR_MS { 2 * units } else { 0 })
    }
}

#[test]
fn lateness_and_markdowns_are_told_in_money_where_they_have_a_price() {
    let mut account = Account::default();
    let place = Some(v1::Location { lat_e6: 1, lon_e6: 1 });
    for (id, node, given_hours) in
        [("a", "N", 1), ("b", "M", 1), ("c", "N", 0), ("free", "N", 1), ("d", "M", 1)]
    {
        let day = if id == "d" { "" } else { "1970-01-01" };
        let terms = v1::DeliveryTerms { requested_date: day.into(), ..Default::default() };
        let order = v1::OrderPlaced { delivery: Some(Box::new(terms)), ..placed(id, place) };
        account.placed(&order, 0, WithLateness.rate_of(&order));
        let outcome = v1::OrderOutcome {
            channel: "web".into(),
            order_id: id.into(),
            status: v1::OutcomeStatus::Assigned.into(),
            ..Default::default()
        };
        let told = v1::FulfilmentAssigned { outcome: Some(outcome), ..assigned(id, 1, node, 2) };
        account.hear(&Output::Assigned(told), given_hours * HOUR_MS);
    }
    let before = account.figures(Some(&WithLateness));
    assert_eq!(before.late_cost_minor, None, "nothing was delivered: nobody knows");
    assert_eq!(
        before.markdown_saved_minor,
        Some(4.0),
        "a unit of `a`, given in time, and no other"
    );
    assert_eq!(before.cost_in_all_minor, Some(4.0 * 110.0 - 4.0));
    // `a` comes two days late; of the others nothing is said by the end of the fourth day.
    let delivered = |id: &str| v1::FulfilmentDelivered {
        target: Some(v1::FulfilmentTarget { target: Some(Target::FulfilmentId(id.into())) }),
        ..Default::default()
    };
    account.said(&delivered("web/a/f1").into(), 3 * 24 * HOUR_MS - 1);
    account.said(&shipped("web/other/f1"), 4 * 24 * HOUR_MS - 1);
    let after = account.figures(Some(&WithLateness));
    assert_eq!(after.late_cost_minor, Some(5.0 * (2.0 + 3.0 + 3.0)), "`d` is expected by no day");
    assert_eq!(after.cost_in_all_minor, Some(440.0 + 40.0 - 4.0));
    assert_eq!(after.cost_minor, Some(440.0));
    let plain = account.figures(Some(&ByKilometre));
    assert_eq!((plain.late_cost_minor, plain.markdown_saved_minor), (None, None));
    assert_eq!((plain.cost_in_all_minor, plain.cost_minor), (None, Some(440.0)));
}
