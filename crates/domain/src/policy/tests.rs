//! Documents come back from their canonical form, and faults say where they are.

use super::*;

const WHOLE: &str = r#"
name = "near stores, then the warehouse"
version = 3
state = "active"
valid_from = "2025-01-01T00:00:00Z"

[groups]
stores = ["s1", "s2"]
depots = ["w1"]

[[rule]]
name = "stores"          # a comment
sequence = 10
channels = ["web"]
services = ["express"]
when = "order.value > 1000"
mode = "least_cost"
split = { allow = "line", max_shipments = 2, min_shipment_value = 500 }
outcome = { partial = "next" }

  [rule.nodes]
  groups = ["stores"]
  radius_km = 50
  when = "node.whole_lines > 0"
  leave_units = 2

  [rule.cost]
  shipment = 8759
  shipment_of = { stores = 4000 }
  unit = 423
  zones = [{ up_to_km = 100, unit = 10 }, { unit = 90 }]

  [[rule.rank]]
  by = "sum"
  terms = [{ by = "table", table = { s1 = 1, s2 = 2 } }, { by = "distance", unit_m = 1609, weight = 100 }]

[[rule]]
name = "the rest"
outcome = { none = "wait", backorder = false }
  [[rule.rank]]
  by = "distance"
  band = 10000
"#;

#[test]
fn a_policy_comes_back_from_its_canonical_form() {
    let policy = Policy::read(WHOLE).unwrap_or_else(|fault| panic!("{fault}"));
    let canonical = policy.canonical();
    let again = Policy::read(&canonical).unwrap_or_else(|fault| panic!("{fault}\n{canonical}"));
    assert_eq!(again, policy);
    assert_eq!(again.canonical(), canonical);
    let uncommented = WHOLE.replace("          # a comment", "");
    let same = Policy::read(&uncommented).expect("the same policy").activated();
    assert_eq!(same.hash, policy.activated().hash, "comments change nothing");
    let other = Policy::read(&WHOLE.replace("8759", "8760")).expect("another policy").activated();
    assert_ne!(other.hash, policy.activated().hash);
}

#[test]
fn a_policy_rules_while_it_is_valid() {
    let policy = Policy::read(WHOLE).expect("a policy").activated();
    assert!(!policy.rules_at(1_735_689_599_999));
    assert!(policy.rules_at(1_735_689_600_000));
    assert!(policy.rules_at(i64::MAX - 1));
}

#[test]
fn a_policy_says_what_waits_and_who_is_served_first() {
    let plain = Policy::read(WHOLE).expect("a policy").activated();
    assert_eq!((plain.serve_by, plain.has_waves), (vec![], false));
    let waves = WHOLE.replace("[groups]", "serve_by = [\"wanted\", \"age\"]\n[groups]").replacen(
        "mode = \"least_cost\"",
        "mode = \"least_cost\"\nschedule = \"wave\"",
        1,
    );
    let policy = Policy::read(&waves).expect("a policy");
    assert_eq!(Policy::read(&policy.canonical()).as_ref(), Ok(&policy));
    let active = policy.activated();
    assert_eq!(active.serve_by, [ServeBy::Wanted, ServeBy::Age]);
    assert!(active.has_waves);
    let (line, what) = fault("[groups]", "serve_by = [\"age\", \"promise\", \"age\"]\n[groups]");
    assert_eq!((line, what.as_str()), (7, "`serve_by` names it twice"));
}

/// The document with one change, and the place of the fault in it.
fn fault(from: &str, to: &str) -> (usize, String) {
    assert!(WHOLE.contains(from), "{from}");
    let fault = Policy::read(&WHOLE.replacen(from, to, 1)).expect_err(to);
    (fault.line, fault.what)
}

#[test]
fn faults_say_line_and_what() {
    for (from, to, line, what) in [
        ("version = 3", "version = \"x\"", 3, "invalid type"),
        ("sequence = 10", "sequenze = 10", 13, "unknown field"),
        ("channels = [\"web\"]", "channels = [\"web\"", 15, "array"),
        ("order.value > 1000", "order.colour > 1000", 16, "no `order.colour`"),
        ("order.value > 1000", "node.kind == 'store'", 16, "the order only"),
        ("groups = [\"stores\"]", "groups = [\"shops\"]", 22, "no group `shops`"),
        ("\"node.whole_lines > 0\"", "\"node.whole_lines\"", 24, "true or false"),
        ("{ unit = 90 }", "{ up_to_km = 90, unit = 90 }", 11, "do not grow"),
        ("by = \"distance\"\n  band", "by = \"table\"\n  band", 40, "need it"),
        ("name = \"the rest\"", "name = \"stores\"", 37, "two rules"),
        ("version = 3", "version = 0", 1, "counts from 1"),
        (
            "[groups]",
            "areas = { s1 = [\"DE 10\", \"Berlin\"] }\n[groups]",
            7,
            "`Berlin` is no area",
        ),
        ("none = \"wait\"", "none = \"refuse\", cancel_after_hours = 1", 37, "lets nothing wait"),
        ("none = \"wait\"", "none = \"hold\", cancel_after_hours = 1", 37, "lets nothing wait"),
        ("none = \"wait\"", "none = \"wait\", cancel_after_hours = 87601", 37, "ten years"),
        ("radius_km = 50", "begins_within_hours = 87601", 11, "ten years"),
        ("radius_km = 50", "min_score = 1001", 11, "more than 1000"),
        ("radius_km = 50", "leave_weeks = 521", 11, "more than 520"),
        ("radius_km = 50", "min_shelf_days = 3654", 11, "more than 3653"),
        ("unit = 423", "unit = 423\n  markdown = 1001", 11, "0 to 1000 per mille"),
        (
            "by = \"distance\"\n  band",
            "by = \"distance\"\n  weeks = 2\n  band",
            40,
            "weeks_of_supply",
        ),
        ("unit = 423", "unit = 423\n  late_day = -1", 11, "a cost of -1"),
        ("2025-01-01T", "yesterday T", 5, ""),
    ] {
        let (at, said) = fault(from, to);
        assert_eq!(at, line, "{to}: {said}");
        assert!(said.contains(what), "{to}: {said}");
    }
    let column = Policy::read(&WHOLE.replace("order.value > 1000", "order.value > 'x'"));
    let column = column.expect_err("a text is no number").column;
    assert_eq!(column, 21, "of the operator whose sides do not fit");
}

const HEAD: &str = "name = 'heavy'\nversion = 1\n";

/// A unit costs by its weight, rounded to the nearest thousandth; a zone has its own price of weight.
#[test]
fn a_unit_costs_by_weight_and_distance() {
    let cost = |text: &str| toml::from_str::<Cost>(text).expect("costs");
    let flat = cost("shipment = 1\nunit = 7\nkg = 100\nkg_km = 2");
    let km = |km: u32| Some(km * 1_000);
    assert_eq!([0, 1_000, 1_005, 1_004].map(|g| flat.of_unit(km(50), g)), [7, 207, 208, 208]);
    assert_eq!(flat.of_unit(km(1), 4), 7, "less than half a thousandth");
    let zones = "shipment = 1\nkg = 10\nzones = [{ up_to_km = 9, unit = 1, kg = 5 }, { unit = 2 }]";
    let zones = cost(zones);
    assert_eq!([9, 10].map(|far| zones.of_unit(km(far), 2_000)), [31, 22]);
    assert_eq!(zones.of_unit(None, u32::MAX), 2 + 42_949_673);
}

#[test]
fn a_parcel_costs_what_the_first_rule_with_costs_for_its_order_says() {
    use omnifold_events::v1;
    let cheap =
        "\n[[rule]]\nname = 'any'\nmode = 'least_cost'\ncost = { shipment = 10, unit_km = 3 }\n";
    let tariff = |text: &str| Tariff::of(Policy::read(text).expect("a policy"));
    let both = tariff(&format!("{WHOLE}{cheap}")).expect("costs");
    let order = |price: i64, service: &str| v1::OrderPlaced {
        channel: "web".into(),
        lines: vec![v1::OrderLine {
            quantity_milli: 1_000,
            unit_price: Some(v1::Money { minor: price, currency: "EUR".into() }),
            ..Default::default()
        }],
        delivery: Some(Box::new(v1::DeliveryTerms {
            shipping_method: service.into(),
            ..Default::default()
        })),
        ..Default::default()
    };
    let rate = |price, service| both.rate_of(&order(price, service), &|_| false);
    assert_eq!(rate(1_001, "express"), Some(0));
    assert_eq!(rate(1_000, "express"), Some(1), "the first wants more than 1000");
    assert_eq!(rate(1_001, ""), Some(1));
    let parcel = |node, metres| Parcel { node, metres, units_milli: 2_500, weight_mg: 0 };
    // A store's own price; 423 and the first zone a unit.
    assert_eq!(both.price(0, parcel("s1", Some(100_000))), 4_000 + (423 + 10) * 5 / 2);
    assert_eq!(both.price(0, parcel("w1", Some(100_001))), 8_759 + (423 + 90) * 5 / 2);
    assert_eq!(both.price(0, parcel("w1", None)), 8_759 + (423 + 90) * 5 / 2);
    assert_eq!(both.price(1, parcel("s1", Some(1))), 10 + 3 * 5 / 2);
    assert_eq!(both.price(1, parcel("s1", None)), 10 + 3 * 20_016 * 5 / 2);
    let heavy = tariff(&cheap.replace("unit_km", "kg = 500, kg_km").replacen('\n', HEAD, 1));
    let weight_mg = 1_200_000; // 1.2 kg, 8 km begun
    let parcel = Parcel { node: "s1", metres: Some(7_001), units_milli: 1_000, weight_mg };
    assert_eq!(heavy.expect("costs").price(0, parcel), 10 + (500 + 3 * 8) * 12 / 10);
    let first = tariff(WHOLE).expect("costs");
    assert_eq!(first.rate_of(&order(1_000, "express"), &|_| false), None);
    assert!(tariff("name = \"n\"\nversion = 1\n[[rule]]\nname = \"r\"\n").is_none());
}

#[test]
fn an_area_is_a_country_or_how_its_postcodes_begin() {
    for (area, country, postcode, holds) in [
        ("DE", "DE", "", true),
        ("DE", "AT", "", false),
        ("DE 10", "DE", "10115", true),
        ("DE 10", "DE", "20095", false),
        ("DE 10", "DE", "1", false), // not enough to tell
        ("GB sw1-a", "GB", "SW1A 2", true),
    ] {
        let read = Area::parse(area).unwrap_or_else(|| panic!("{area}"));
        assert_eq!(read.holds(country, &plain_postcode(postcode)), holds, "{area} {postcode}");
    }
    for text in ["", "D", "de 10", "DE ", "DE -", "Berlin", "DE10"] {
        assert_eq!(Area::parse(text), None, "{text}");
    }
}

#[test]
fn fallbacks_come_last_and_the_rest_by_what_they_say() {
    let rule = |text: &str| -> Rule { toml::from_str(text).expect("a rule") };
    let rules = [
        rule("name = 'two'\nsellers = ['a']\norder_types = ['b']\nsequence = 9"),
        rule("name = 'one'\nsegments = ['c']\nsequence = 1"),
        rule("name = 'later'\nservices = ['d']\nsequence = 2"),
        rule("name = 'none'"),
        rule("name = 'fallback'\nfallback = true\nwhen = 'true'\nchannels = ['web']"),
    ];
    assert!(rules.windows(2).all(|pair| pair[0].precedence() < pair[1].precedence()));
    let class =
        crate::OrderClass { seller: "a".into(), order_type: "b".into(), ..Default::default() };
    assert!(rules[0].selects("any", "", Some(&class)));
    assert!(!rules[0].selects("any", "", None));
    assert!(!rules[1].selects("any", "", Some(&class)));
    assert!(rules[3].selects("any", "", None));
}

#[test]
fn a_policy_asks_for_places_wherever_one_is_named() {
    let asks = |rule: &str| {
        let text = format!("name = 'n'\nversion = 1\n[[rule]]\nname = 'r'\n{rule}");
        Policy::read(&text).unwrap_or_else(|fault| panic!("{fault}")).activated().asks_place
    };
    assert!(!asks("when = 'order.seller == \"a\"'"));
    assert!(asks("when = '!(order.priority > 1 || order.country == \"DE\")'"));
    assert!(asks("nodes = { in_area = true }"));
    assert!(asks("nodes = { when = 'order.postcode.startsWith(node.id)' }"));
    let term = "{ by = 'when', when = 'order.lines.all(l, order.country == l.sku)' }";
    assert!(asks(&format!("rank = [{{ by = 'sum', terms = [{term}] }}]")));
}

const CASES: &str = r#"
name = "with cases"
version = 1
[[rule]]
name = "r"
[[case]]
name = "c"
nodes = { N = { at = "-0.5,12.345678", capacity = 3, taken = 2, kept = 1, failed = 1 } }
weekly_sales = { N = { S = 7 } }
stock = { N = { S = 4 } }
buffer = { N = { S = 1 } }
order = { to = "1,-2", lines = [{ sku = "S", units = 2, price = 5 }] }
expect = { plan = { N = { S = 2 } } }
"#;

#[test]
fn cases_are_no_part_of_what_is_activated() {
    use omnifold_events::{Event, v1};
    let policy = Policy::read(CASES).unwrap_or_else(|fault| panic!("{fault}"));
    let bare = Policy::read(CASES.split("[[case]]").next().expect("a half")).expect("a policy");
    assert_eq!(policy.activated(), bare.activated());
    let events = policy.cases[0].get_ref().events(&policy).expect("a case");
    let node = events.iter().find_map(|event| match event {
        Event::NodeDefined(node) => node.location,
        _ => None,
    });
    assert_eq!(node, Some(v1::Location { lat_e6: -500_000, lon_e6: 12_345_678 }));
    let orders = events.iter().filter(|event| matches!(event, Event::OrderPlaced(_))).count();
    assert_eq!(orders, 5, "two were taken before, and two settled");
    for (from, to, what) in [
        ("taken = 2", "taken = 4", "at most the capacity"),
        ("-0.5,", "-0.5", "is not `latitude,longitude`"),
        ("12.345678", "12.3456789", "is not `latitude,longitude`"),
        ("1,-2", "1,--2", "is not `latitude,longitude`"),
    ] {
        let policy = Policy::read(&CASES.replacen(from, to, 1)).expect("read all the same");
        let fault = policy.cases[0].get_ref().events(&policy).expect_err(to);
        assert!(fault.what.contains(what), "{to}: {}", fault.what);
    }
}

const CARRIER: &str = "
name = 'carrier'
version = 1
[[rule]]
name = 'parcels'
mode = 'least_cost'
[rule.cost]
shipment = 100
[[rule.cost.zones]]
up_to_km = 50
steps = [{ up_to_kg = 2, price = 4900 }, { up_to_kg = 10, price = 6900 }, { up_to_kg = 31.5, price = 9900 }]
over_kg = 700
[[rule.cost.zones]]
up_to_km = 300
unit = 30
[[rule.cost.zones]]
unit = 5
steps = [{ up_to_kg = 31.5, price = 19900 }]
";

/// Grams stay grams, and a table that is written otherwise is the same policy.
#[test]
fn a_carriers_table_comes_back_from_its_canonical_form() {
    let read = |text: &str| Policy::read(text).unwrap_or_else(|fault| panic!("{fault}\n{text}"));
    let policy = read(CARRIER);
    let canonical = policy.canonical();
    assert_eq!(read(&canonical), policy, "{canonical}");
    assert_eq!(read(&canonical).canonical(), canonical);
    assert!(canonical.contains("up_to_kg = 31.5\n") && canonical.contains("up_to_kg = 2\n"));
    let same = CARRIER.replace("up_to_kg = 2,", "up_to_kg = 2.000,");
    assert_eq!(read(&same).activated().hash, policy.activated().hash);
    let other = CARRIER.replace("31.5, price = 9900", "31.501, price = 9900");
    assert_ne!(read(&other).activated().hash, policy.activated().hash);
    let cost = policy.rules[0].get_ref().cost.clone().expect("costs");
    let grams = cost.tables().next().map(|rates| rates.steps[2].get_ref().up_to_kg.grams);
    assert_eq!(grams, Some(31_500));
}

#[test]
fn a_shipment_costs_by_the_step_of_its_weight() {
    let policy = Policy::read(CARRIER).expect("a policy");
    let cost = policy.rules[0].get_ref().cost.clone().expect("costs");
    let table = |km: u32| cost.table_at(Some(km * 1_000));
    assert_eq!([50, 51, 301].map(table), [Some(0), None, Some(1)]);
    assert_eq!(cost.table_at(None), Some(1), "an unknown way is the longest");
    let rates: Vec<Rates<'_>> = cost.tables().collect();
    for (weight_mg, price) in [
        (0, Some(4_900)),
        (2_000_000, Some(4_900)),
        (2_000_001, Some(6_900)),
        (31_500_000, Some(9_900)),
        (31_500_001, Some(10_600)),
        (32_500_001, Some(11_300)),
        (10_000_000_000, Some(9_900 + 9_969 * 700)),
        (10_000_000_001, None),
        (i64::MAX, None),
    ] {
        assert_eq!(rates[0].price(weight_mg), price, "{weight_mg}");
    }
    assert_eq!([31_500_000, 31_500_001].map(|mg| rates[1].price(mg)), [Some(19_900), None]);
    let tariff = Tariff::of(policy.clone()).expect("costs");
    let parcel = |metres, weight_mg| {
        let parcel = Parcel { node: "n", metres: Some(metres), units_milli: 2_000, weight_mg };
        tariff.price(0, parcel)
    };
    assert_eq!(parcel(50_000, 3_000_000), 100 + 6_900);
    assert_eq!(parcel(50_001, 3_000_000), 100 + 2 * 30);
    assert_eq!(parcel(300_001, 3_000_000), 100 + 2 * 5 + 19_900);
    // Shipped elsewhere, and too heavy for one parcel here: 31.5 kg twice, and the rest.
    assert_eq!(parcel(300_001, 63_000_000), 100 + 2 * 5 + 2 * 19_900);
    assert_eq!(parcel(300_001, 63_000_001), 100 + 2 * 5 + 3 * 19_900);
}

#[test]
fn faults_of_a_carriers_table_say_line_and_what() {
    let steps = |many: usize| {
        let step = |nth| format!("{{ up_to_kg = {nth}, price = {nth} }}");
        format!("steps = [{}]", (1..=many).map(step).collect::<Vec<_>>().join(", "))
    };
    let any = |steps: &str| {
        let rule = "[[rule]]\nname = 'r'\nmode = 'least_cost'\n[rule.cost]\nshipment = 1";
        format!("name = 'c'\nversion = 1\n{rule}\n{steps}")
    };
    assert!(Policy::read(&any(&steps(20))).is_ok());
    let change = |from: &str, to: &str| {
        assert!(CARRIER.contains(from), "{from}");
        CARRIER.replacen(from, to, 1)
    };
    for (text, line, what) in [
        (change("up_to_kg = 10,", "up_to_kg = 2.0,"), 11, "do not grow"),
        (change("price = 6900", "price = 4899"), 11, "less than a lighter one"),
        (change("price = 6900", "price = -1"), 11, "a price of -1 is not"),
        (change("price = 19900", "price = 1000000000001"), 18, "is not in 0 to 1000000000000"),
        (change("up_to_kg = 2,", "up_to_kg = 0.0,"), 11, "more than 0"),
        (change("up_to_kg = 31.5, price = 19900", "up_to_kg = 10000.001, price = 1"), 18, "10000"),
        (change("up_to_kg = 2,", "up_to_kg = 1.0005,"), 11, "three decimals"),
        (change("up_to_kg = 2,", "up_to_kg = -2,"), 11, "is no weight"),
        (change("up_to_kg = 2,", "up_to_kg = 'two',"), 11, "kilograms"),
        (change("over_kg = 700", "over_kg = 100000001"), 11, "`over_kg` of 100000001"),
        (change("over_kg = 700", "over_gram = 1"), 12, "unknown field"),
        (change("unit = 30", "over_kg = 1"), 13, "the last of `steps`"),
        (change("unit = 30", "kg = 1"), 13, "`unit` or `steps`"),
        (change("shipment = 100", &format!("shipment = 1\n{}", steps(2))), 9, "in the zones"),
        (any(&steps(21)), 8, "more than 20 steps"),
        (any("over_kg = 5"), 3, "the last of `steps`"),
        (any("steps = []\nover_kg = 5"), 3, "the last of `steps`"),
    ] {
        let fault = Policy::read(&text).expect_err(what);
        assert!(fault.what.contains(what), "{what}: {fault}");
        assert_eq!(fault.line, line, "{fault}");
    }
}

const LANDED: &str = "
name = 'landed'
version = 1
[groups]
stores = ['s1']
[cost]
shipment = 100
shipment_of = { stores = 40 }
unit_km = 2
[[rule]]
name = 'own'
channels = ['web']
rank = [{ by = 'sum', terms = [{ by = 'missing', weight = 9 }, { by = 'landed_cost' }] }]
cost = { shipment = 7 }
[[rule]]
name = 'cheapest'
mode = 'least_cost'
[[rule]]
name = 'plain'
rank = [{ by = 'distance' }, { by = 'landed_cost', band = 5 }]
";

#[test]
fn rules_without_costs_take_those_of_the_policy() {
    use omnifold_events::v1;
    let policy = Policy::read(LANDED).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(Policy::read(&policy.canonical()).as_ref(), Ok(&policy));
    let rule = |nth: usize| policy.rules[nth].get_ref();
    let shipments = [0, 1, 2].map(|nth| policy.cost_of(rule(nth)).map(|cost| cost.shipment));
    assert_eq!(shipments, [Some(7), Some(100), Some(100)]);
    assert!(rule(0).ranks_by(By::LandedCost) && rule(0).ranks_by(By::Missing));
    assert!(!rule(1).ranks_by(By::LandedCost));
    let tariff = Tariff::of(policy.clone()).expect("costs");
    let order = |channel: &str| v1::OrderPlaced { channel: channel.into(), ..Default::default() };
    let price = |channel: &str| {
        let rate = tariff.rate_of(&order(channel), &|_| false).expect("a rate");
        let parcel = Parcel { node: "s1", metres: Some(3_000), units_milli: 2_000, weight_mg: 0 };
        tariff.price(rate, parcel)
    };
    assert_eq!((price("web"), price("shop")), (7, 40 + 2 * 2 * 3));
    assert_eq!(tariff.broadest(), 3, "what the policy says for all orders");
    let unused = "name = 'n'\nversion = 1\ncost = { shipment = 5 }\n[[rule]]\nname = 'r'\nchannels = ['web']";
    let unused = Tariff::of(Policy::read(unused).expect("a policy")).expect("costs");
    assert_eq!(unused.rate_of(&order("shop"), &|_| false), Some(1), "no rule takes it");
}

#[test]
fn faults_of_costs_say_whether_somebody_looks_at_them() {
    let change = |from: &str, to: &str| {
        assert!(LANDED.contains(from), "{from}");
        LANDED.replacen(from, to, 1)
    };
    let none = change("[cost]\nshipment = 100\nshipment_of = { stores = 40 }\nunit_km = 2\n", "");
    for (text, line, what) in [
        (none.clone(), 11, "`least_cost` needs `[rule.cost]`, or the policy's `[cost]`"),
        (none.replace("mode = 'least_cost'\n", ""), 15, "`landed_cost` needs `[rule.cost]`"),
        (change("{ by = 'landed_cost' }", "{ by = 'load' }"), 10, "and the ranker `landed_cost`"),
        (change("unit_km = 2", "unit_km = -2"), 6, "a cost of -2"),
        (change("shipment = 7 }", "shipment = 7, markdown = 1001 }"), 10, "per mille"),
        (change("stores = 40", "shops = 40"), 6, "no group `shops`"),
        (change("[cost]", "[costs]"), 6, "unknown field"),
    ] {
        let fault = Policy::read(&text).expect_err(what);
        assert!(fault.what.contains(what), "{what}: {fault}");
        assert_eq!(fault.line, line, "{fault}");
    }
}

/// What a ranker and the what-ifs price a parcel by, and whether it can be priced.
#[test]
fn what_is_sent_together_is_priced_where_it_can_be() {
    let policy = Policy::read(CARRIER).expect("a policy");
    let cost = policy.rules[0].get_ref().cost.clone().expect("costs");
    let km = |km: u32| Some(km * 1_000);
    assert!(cost.asks_distance());
    assert_eq!(cost.of_contents(km(50), 2_000, 3_000_000), 6_900);
    assert_eq!(cost.of_contents(km(300), 2_000, 3_000_000), 60);
    assert!(cost.can_ship(km(301), 31_500) && !cost.can_ship(km(301), 31_501));
    assert!(cost.can_ship(km(50), 10_000_000) && !cost.can_ship(km(50), 10_000_001));
    assert!(cost.can_ship(km(300), u32::MAX), "a zone without steps");
    let flat: Cost = toml::from_str("shipment = 5\nunit = 3\nkg = 2").expect("costs");
    assert!(!flat.asks_distance());
    assert_eq!(flat.of_contents(None, 2_000, 1_500_000), 6 + 3);
}
