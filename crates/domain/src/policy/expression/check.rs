//! What type an expression has, and what it looks at.

use super::{Fault, Node, Operator, Subject, Tree, Type};

/// The type of a tree, or what in it does not fit. `in_list`: where a list may stand.
pub(super) fn type_of(node: &Node, in_list: bool) -> Result<Type, Fault> {
    let fault = |what: &str| Err(Fault { at: node.at, what: what.to_owned() });
    let wants = |operand: &Node, kind: Type, what: &str| {
        if type_of(operand, false)? == kind {
            return Ok(());
        }
        Err(Fault { at: operand.at, what: what.to_owned() })
    };
    let kind = match &node.tree {
        Tree::Int(_) => Type::Int,
        Tree::Bool(_) => Type::Bool,
        Tree::Text(_) => Type::Text,
        Tree::Ints(_) => Type::Ints,
        Tree::Texts(_) => Type::Texts,
        Tree::Fact(fact) => fact.kind(),
        Tree::Not(operand) => {
            wants(operand, Type::Bool, "`!` stands before true or false")?;
            Type::Bool
        }
        Tree::Minus(operand) => {
            wants(operand, Type::Int, "`-` stands before a number")?;
            Type::Int
        }
        Tree::Binary(operator, left, right) => binary(node, *operator, left, right)?,
        Tree::If(condition, then, other) => {
            wants(condition, Type::Bool, "what stands before `?` is true or false")?;
            let kind = type_of(then, false)?;
            wants(other, kind, "both answers of `?` have one type")?;
            kind
        }
        Tree::Size(text) => {
            wants(text, Type::Text, "`size` counts the characters of a text")?;
            Type::Int
        }
        Tree::Call(_, text, argument) => {
            wants(text, Type::Text, "only texts have this method")?;
            wants(argument, Type::Text, "this method takes a text")?;
            Type::Bool
        }
        Tree::Lines(_, body) => {
            wants(body, Type::Bool, "what is asked of each line is true or false")?;
            Type::Bool
        }
    };
    match kind {
        Type::Texts | Type::Ints if !in_list => fault("a list stands to the right of `in` only"),
        kind => Ok(kind),
    }
}

fn binary(node: &Node, operator: Operator, left: &Node, right: &Node) -> Result<Type, Fault> {
    use Operator::{And, Equal, In, Less, LessOrEqual, More, MoreOrEqual, Or, Unequal};
    let (kind, other) = (type_of(left, false)?, type_of(right, operator == In)?);
    let fits = match operator {
        Or | And => (kind, other) == (Type::Bool, Type::Bool),
        Equal | Unequal => kind == other,
        Less | LessOrEqual | More | MoreOrEqual => (kind, other) == (Type::Int, Type::Int),
        In => matches!((kind, other), (Type::Text, Type::Texts) | (Type::Int, Type::Ints)),
        _ => (kind, other) == (Type::Int, Type::Int),
    };
    if !fits {
        let what = format!("the two sides are {kind:?} and {other:?}, which do not go together");
        return Err(Fault { at: node.at, what });
    }
    let is_number = !matches!(
        operator,
        Or | And | Equal | Unequal | Less | LessOrEqual | More | MoreOrEqual | In
    );
    Ok(if is_number { Type::Int } else { Type::Bool })
}

pub(super) fn subject_of(node: &Node) -> Subject {
    let both = |one: Subject, other: Subject| if one == other { one } else { Subject::Pair };
    let of = |parts: &[&Node]| {
        let subjects = parts.iter().filter(|part| !is_constant(part)).map(|part| subject_of(part));
        subjects.reduce(both).unwrap_or(Subject::Node)
    };
    match &node.tree {
        Tree::Fact(fact) => fact.subject(),
        Tree::Not(one) | Tree::Minus(one) | Tree::Size(one) => subject_of(one),
        Tree::Lines(_, body) => {
            both(Subject::Order, if is_constant(body) { Subject::Order } else { subject_of(body) })
        }
        Tree::Binary(_, one, other) | Tree::Call(_, one, other) => of(&[one, other]),
        Tree::If(one, two, three) => of(&[one, two, three]),
        _ => Subject::Node,
    }
}

fn is_constant(node: &Node) -> bool {
    match &node.tree {
        Tree::Fact(_) | Tree::Lines(..) => false,
        Tree::Not(one) | Tree::Minus(one) | Tree::Size(one) => is_constant(one),
        Tree::Binary(_, one, other) | Tree::Call(_, one, other) => {
            is_constant(one) && is_constant(other)
        }
        Tree::If(one, two, three) => is_constant(one) && is_constant(two) && is_constant(three),
        _ => true,
    }
}
