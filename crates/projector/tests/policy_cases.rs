//! A policy's own cases, decided by the engine: those of the ready-made policies hold, and a case can
//! say everything that rules look at.

use std::path::Path;

use omnifold_domain::Policy;
use omnifold_projector::failed_cases;

fn faults(document: &str) -> Vec<String> {
    let policy = Policy::read(document).unwrap_or_else(|fault| panic!("{fault}"));
    let faults = failed_cases(document, &policy).expect("cases that can be played");
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn the_cases_of_every_ready_made_policy_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/policies");
    for entry in std::fs::read_dir(folder).expect("the ready-made policies") {
        let path = entry.expect("an entry").path();
        let document = std::fs::read_to_string(&path).expect("a readable policy");
        assert_eq!(faults(&document), [""; 0], "{}", path.display());
    }
}

const EVERYTHING: &str = r#"
name = "everything"
version = 1
state = "active"

[[rule]]
name = "freight"
order_types = ["freight"]
mode = "least_cost"
cost = { shipment = 100000, unit_km = 10, kg = 5, kg_km = 100, late_day = 50000 }

[[rule]]
name = "cover"
nodes = { leave_weeks = 2, min_score = 900 }
rank = [{ by = "weeks_of_supply", weeks = 4 }, { by = "score", otherwise = 0 }]
outcome = { none = "hold" }

[[case]]
name = "a heavy unit comes from near"
nodes = { near = { at = "48.1,2.0" }, far = { at = "49.8,2.0" } }
stock = { near = { anvil = 1 }, far = { anvil = 1, feather = 1 } }
weight_g = { anvil = 20000 }
order = { to = "48.0,2.0", order_type = "freight", lines = [
  { sku = "anvil", units = 1 }, { sku = "feather", units = 1 },
] }
expect = { plan = { near = { anvil = 1 }, far = { feather = 1 } } }

[[case]]
name = "a light one does not"
nodes = { near = { at = "48.1,2.0" }, far = { at = "49.8,2.0" } }
stock = { near = { anvil = 1 }, far = { anvil = 1, feather = 1 } }
order = { to = "48.0,2.0", order_type = "freight", lines = [
  { sku = "anvil", units = 1 }, { sku = "feather", units = 1 },
] }
expect = { plan = { far = { anvil = 1, feather = 1 } } }

[[case]]
name = "a node that takes three days is too late for tomorrow"
nodes = { near = { at = "48.1,2.0", processing_hours = 72 }, far = { at = "49.8,2.0" } }
stock = { near = { S = 1 }, far = { S = 1 } }
order = { to = "48.0,2.0", order_type = "freight", date = "2025-01-02", lines = [{ sku = "S", units = 1 }] }
expect = { plan = { far = { S = 1 } } }

[[case]]
name = "and in time for next week"
nodes = { near = { at = "48.1,2.0", processing_hours = 72 }, far = { at = "49.8,2.0" } }
stock = { near = { S = 1 }, far = { S = 1 } }
order = { to = "48.0,2.0", order_type = "freight", date = "2025-01-08", lines = [{ sku = "S", units = 1 }] }
expect = { plan = { near = { S = 1 } } }

[[case]]
name = "who has it for longer gives it"
nodes = { a = {}, b = {} }
stock = { a = { S = 30 }, b = { S = 20 } }
weekly_sales = { a = { S = 10 }, b = { S = 4 } }
order = { lines = [{ sku = "S", units = 1 }] }
expect = { plan = { b = { S = 1 } } }

[[case]]
name = "and keeps two weeks of it"
nodes = { a = {}, b = {} }
stock = { a = { S = 30 }, b = { S = 9 } }
weekly_sales = { a = { S = 10 }, b = { S = 4 } }
order = { lines = [{ sku = "S", units = 2 }] }
expect = { plan = { a = { S = 2 } } }

[[case]]
name = "what only a bad node has is looked at"
nodes = { a = { kept = 17, failed = 3 } }
stock = { a = { S = 9 } }
order = { lines = [{ sku = "S", units = 1 }] }
expect = { plan = {}, status = "held" }
"#;

#[test]
fn cases_know_scores_sales_weight_and_dates() {
    assert_eq!(faults(EVERYTHING), [""; 0]);
    let kept = EVERYTHING.replace("failed = 3", "failed = 1");
    assert_eq!(faults(&kept).len(), 1, "it is good enough then, and serves the order");
    let light = EVERYTHING.replace("anvil = 20000", "anvil = 20");
    assert_eq!(faults(&light).len(), 1, "one parcel is cheaper then");
}

const STOCK_THAT_LOSES: &str = r#"
name = "stock that loses"
version = 1
state = "active"

[[rule]]
name = "fresh"
segments = ["wholesale"]
nodes = { min_shelf_days = 14 }
rank = [{ by = "expiry", otherwise = 1000 }]

[[rule]]
name = "by cost"
order_types = ["freight"]
mode = "least_cost"
cost = { shipment = 1000, unit_km = 1000, markdown = 1000 }

[[rule]]
name = "warehouses, what loses most first"
nodes = { kinds = ["warehouse"] }
rank = [{ by = "markdown", otherwise = 0 }, { by = "distance" }]
outcome = { none = "transfer" }

[[case]]
name = "the lot that ends first of those that last"
nodes = { a = {}, b = {}, c = {} }
lots = { a = { S = [{ units = 2, last_day = "2025-02-20" }] }, b = { S = [
  { units = 9, last_day = "2025-01-08" }, { units = 2, last_day = "2025-01-20" },
] } }
stock = { c = { S = 9 } }
order = { segment = "wholesale", lines = [{ sku = "S", units = 2 }] }
expect = { plan = { b = { S = 2 } } }

[[case]]
name = "what loses is worth the way"
nodes = { near = { at = "48.1,2.0" }, far = { at = "48.8,2.0" } }
stock = { near = { S = 9 }, far = { S = 1 } }
markdown = { far = { S = 500 } }
order = { to = "48.0,2.0", order_type = "freight", lines = [{ sku = "S", units = 2 }] }
expect = { plan = { near = { S = 1 }, far = { S = 1 } } }

[[case]]
name = "a store's last unit is moved"
nodes = { w = {}, s = { kind = "store" } }
stock = { s = { S = 3 } }
order = { lines = [{ sku = "S", units = 2 }] }
expect = { plan = {}, status = "waiting", moves = { s = { S = 2 } } }

[[case]]
name = "the dearest first"
nodes = { near = { at = "48.1,2.0" }, far = { at = "48.8,2.0" } }
stock = { near = { S = 9 }, far = { S = 9 } }
markdown = { near = { S = 100 }, far = { S = 101 } }
order = { to = "48.0,2.0", lines = [{ sku = "S", units = 2 }] }
expect = { plan = { far = { S = 2 } }, moves = {} }
"#;

#[test]
fn cases_know_lots_markdowns_and_what_is_to_be_moved() {
    assert_eq!(faults(STOCK_THAT_LOSES), [""; 0]);
    let short = STOCK_THAT_LOSES.replace("2025-01-20", "2025-01-14");
    assert_eq!(faults(&short).len(), 1, "it does not last two weeks then");
    let cheap = STOCK_THAT_LOSES.replace("S = 500", "S = 5");
    assert_eq!(faults(&cheap).len(), 1, "it loses less than the way costs");
    let kept = STOCK_THAT_LOSES.replace("none = \"transfer\"", "none = \"wait\"");
    let told = faults(&kept);
    assert!(told.len() == 1 && told[0].contains("expected to be moved from s S:2"), "{told:?}");
}
