//! Predicates come to what CEL says, and faults say where they are.

use super::*;

struct Order;

impl Facts for Order {
    fn fact(&self, fact: Fact, line: usize) -> Value<'_> {
        match fact {
            Fact::OrderChannel => Value::Text("web"),
            Fact::OrderValue => Value::Int(9_900),
            Fact::NodeKind => Value::Text("store"),
            Fact::NodeDistance => Value::Int(12_000),
            Fact::LineSku => Value::Text(["TEA-1", "TEA-2"][line]),
            Fact::LineUnits => Value::Int([1_000, 3_000][line]),
            Fact::LineFinalSale => Value::Bool(line == 1),
            other => panic!("{} is not asked for here", other.name()),
        }
    }

    fn lines(&self) -> usize {
        2
    }
}

fn holds(text: &str) -> bool {
    Expression::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}")).holds(&Order)
}

#[test]
fn predicates_come_to_what_cel_says() {
    for text in [
        "true || false && false",
        "1 + 2 * 3 == 7 && (1 + 2) * 3 == 9 && 7 / 2 == 3 && -7 % 4 == -3 && 10 - 3 - 2 == 5",
        "order.channel == 'web' && order.value >= 9900",
        "node.kind in [\"store\", \"partner\"] && !(node.distance_m > 20000)",
        "order.lines.all(l, l.sku.startsWith('TEA-')) && order.lines.exists(l, l.units_milli > 2000)",
        "order.value > 5000 ? node.distance_m < 20000 : false",
        "size(order.channel) == 3 && order.channel.contains('e') && order.channel.endsWith('b')",
        "3 in [1, 2, 3]",
    ] {
        assert!(holds(text), "{text}");
        assert!(!holds(&format!("!({text})")), "{text}");
    }
    assert!(!holds("order.lines.all(l, l.final_sale)"));
}

#[test]
fn what_cannot_be_calculated_does_not_hold() {
    assert!(!holds("1 / (order.value - 9900) == 0"));
    assert!(!holds("!(9223372036854775807 + order.value > 0)"));
    assert!(holds("true || 1 / 0 == 0"), "what decides alone needs no other side");
}

#[test]
fn faults_say_where_they_are() {
    let fault = |text: &str| Expression::parse(text).map(|_| ()).expect_err(text);
    for (text, at, what) in [
        ("order.color == 'red'", 0, "there is no `order.color`"),
        ("order.channel == 5", 14, "do not go together"),
        ("order.value + 1", 0, "neither"),
        ("order.value > ", 14, "missing"),
        ("order.value > 1.5", 14, "no fractions"),
        ("line.sku == 'A'", 0, "there is no `line.sku`"),
        ("order.channel == 'web", 17, "has no end"),
        ("order.channel.upper() == 'A'", 14, "no `upper`"),
        ("node.groups == node.groups", 0, "right of `in`"),
        ("true true", 5, "should end"),
        ("order.lines.some(l, true)", 12, "`all` or `exists`"),
        ("1 in ['a']", 2, "do not go together"),
    ] {
        let fault = fault(text);
        assert_eq!(fault.at, at, "{text}: {}", fault.what);
        assert!(fault.what.contains(what), "{text}: {}", fault.what);
    }
    let deep = format!("{}true{}", "(".repeat(60), ")".repeat(60));
    assert!(fault(&deep).what.contains("nested"));
    assert!(fault(&format!("{}true", "!".repeat(60))).what.contains("nested"));
}

#[test]
fn what_an_expression_looks_at() {
    let subject = |text: &str| Expression::parse(text).expect(text).subject();
    assert_eq!(subject("true"), Subject::Node);
    assert_eq!(subject("node.kind == 'store' && 1 < 2"), Subject::Node);
    assert_eq!(subject("order.value > 100"), Subject::Order);
    assert_eq!(subject("order.lines.all(l, l.units_milli < 5000)"), Subject::Order);
    assert_eq!(subject("order.lines.all(l, l.free_milli > 5000)"), Subject::Pair);
    assert_eq!(subject("order.value > 100 && node.kind == 'store'"), Subject::Pair);
    assert_eq!(subject("node.distance_m < 100"), Subject::Pair);
}
