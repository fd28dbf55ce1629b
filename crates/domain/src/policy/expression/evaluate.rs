//! What an expression comes to.

use super::{Fact, Method, Node, Operator, Quantifier, Tree};

/// What an expression is asked about.
pub trait Facts {
    /// A fact; of a line, that of the line at this place among those to be routed.
    fn fact(&self, fact: Fact, line: usize) -> Value<'_>;
    /// Lines to be routed.
    fn lines(&self) -> usize;
}

/// A value while an expression is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// A number.
    Int(i64),
    /// True or false.
    Bool(bool),
    /// A text.
    Text(&'a str),
    /// Several texts.
    Texts(&'a [String]),
    /// Several numbers.
    Ints(&'a [i64]),
}

/// `None`: it cannot be calculated.
pub(super) fn value<'a>(
    tree: &'a Tree,
    facts: &'a dyn Facts,
    line: Option<usize>,
) -> Option<Value<'a>> {
    let of = |node: &'a Node| value(&node.tree, facts, line);
    Some(match tree {
        Tree::Int(number) => Value::Int(*number),
        Tree::Bool(truth) => Value::Bool(*truth),
        Tree::Text(text) => Value::Text(text),
        Tree::Ints(numbers) => Value::Ints(numbers),
        Tree::Texts(texts) => Value::Texts(texts),
        Tree::Fact(fact) => facts.fact(*fact, line.unwrap_or(0)),
        Tree::Not(one) => Value::Bool(!truth(of(one)?)),
        Tree::Minus(one) => Value::Int(number(of(one)?).checked_neg()?),
        Tree::Size(one) => Value::Int(i64::try_from(text(of(one)?).chars().count()).ok()?),
        Tree::If(condition, then, other) => {
            return of(if truth(of(condition)?) { then } else { other });
        }
        Tree::Call(method, on, argument) => {
            let (on, argument) = (text(of(on)?), text(of(argument)?));
            Value::Bool(match method {
                Method::StartsWith => on.starts_with(argument),
                Method::EndsWith => on.ends_with(argument),
                Method::Contains => on.contains(argument),
            })
        }
        Tree::Lines(quantifier, body) => {
            let wanted = *quantifier == Quantifier::Exists;
            for line in 0..facts.lines() {
                if truth(value(&body.tree, facts, Some(line))?) == wanted {
                    return Some(Value::Bool(wanted));
                }
            }
            Value::Bool(!wanted)
        }
        Tree::Binary(operator, left, right) => binary(*operator, of(left), || of(right))?,
    })
}

fn binary<'a>(
    operator: Operator,
    left: Option<Value<'a>>,
    right: impl FnOnce() -> Option<Value<'a>>,
) -> Option<Value<'a>> {
    match (operator, left?) {
        (Operator::And, Value::Bool(false)) => return Some(Value::Bool(false)),
        (Operator::Or, Value::Bool(true)) => return Some(Value::Bool(true)),
        (Operator::And | Operator::Or, _) => return right(),
        _ => {}
    }
    let (left, right) = (left?, right()?);
    Some(match operator {
        Operator::Equal => Value::Bool(left == right),
        Operator::Unequal => Value::Bool(left != right),
        Operator::Less => Value::Bool(number(left) < number(right)),
        Operator::LessOrEqual => Value::Bool(number(left) <= number(right)),
        Operator::More => Value::Bool(number(left) > number(right)),
        Operator::MoreOrEqual => Value::Bool(number(left) >= number(right)),
        Operator::In => Value::Bool(match (left, right) {
            (Value::Text(text), Value::Texts(texts)) => texts.iter().any(|one| one == text),
            (Value::Int(number), Value::Ints(numbers)) => numbers.contains(&number),
            _ => unreachable!("checked when it was read"),
        }),
        Operator::Plus => Value::Int(number(left).checked_add(number(right))?),
        Operator::Minus => Value::Int(number(left).checked_sub(number(right))?),
        Operator::Times => Value::Int(number(left).checked_mul(number(right))?),
        Operator::Divide => Value::Int(number(left).checked_div(number(right))?),
        Operator::Remainder => Value::Int(number(left).checked_rem(number(right))?),
        Operator::And | Operator::Or => unreachable!("answered above"),
    })
}

fn number(value: Value<'_>) -> i64 {
    let Value::Int(number) = value else { unreachable!("checked when it was read") };
    number
}

fn truth(value: Value<'_>) -> bool {
    let Value::Bool(truth) = value else { unreachable!("checked when it was read") };
    truth
}

fn text(value: Value<'_>) -> &str {
    let Value::Text(text) = value else { unreachable!("checked when it was read") };
    text
}
