//! Predicates of a policy: the part of the Common Expression Language (CEL) that needs no floats,
//! no time and no maps.
//!
//! An expression is checked when the policy is read, types and names included, so that nothing is left
//! to go wrong when an order is decided but the size of a number: where arithmetic leaves 64 bits,
//! or divides by nothing, the predicate does not hold. Evaluation allocates nothing.
//!
//! What there is: `&& || ! == != < <= > >= + - * / % ?:`, `in`, lists, `size(text)`,
//! `text.startsWith(..)`, `.endsWith(..)`, `.contains(..)`, and over the lines of the order
//! `order.lines.all(l, ..)` and `order.lines.exists(l, ..)`. The names are in [`Fact`].

mod check;
mod evaluate;
mod parse;
mod token;

pub use evaluate::{Facts, Value};

/// A fault in an expression, and where it begins, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Offset into the expression.
    pub at: usize,
    /// What is wrong.
    pub what: String,
}

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// 64 bits, signed.
    Int,
    /// True or false.
    Bool,
    /// Text.
    Text,
    /// Several texts: only for `in`.
    Texts,
    /// Several numbers: only for `in`.
    Ints,
}

macro_rules! facts {
    ($($(#[doc = $doc:literal])+ $name:ident $text:literal $kind:ident of $subject:ident,)+) => {
        /// What an expression may name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Fact { $($(#[doc = $doc])+ $name,)+ }

        impl Fact {
            /// Every fact.
            pub const ALL: &'static [Fact] = &[$(Fact::$name,)+];

            /// Its name in expressions.
            pub fn name(self) -> &'static str {
                match self { $(Fact::$name => $text,)+ }
            }

            pub(super) fn kind(self) -> Type {
                match self { $(Fact::$name => Type::$kind,)+ }
            }

            pub(super) fn subject(self) -> Subject {
                match self { $(Fact::$name => Subject::$subject,)+ }
            }
        }
    };
}

facts! {
    /// The channel it was placed on.
    OrderChannel "order.channel" Text of Order,
    /// Higher is served first.
    OrderPriority "order.priority" Int of Order,
    /// Units of all lines that are to be routed, in 1/1000.
    OrderUnits "order.units_milli" Int of Order,
    /// Their value, in minor units of the market's currency.
    OrderValue "order.value" Int of Order,
    /// How many lines are to be routed.
    OrderLineCount "order.line_count" Int of Order,
    /// Shipping method; empty where the order names none.
    OrderService "order.service" Text of Order,
    /// Who sells; empty where the order names nobody.
    OrderSeller "order.seller" Text of Order,
    /// The channel's code of the kind of order; empty where it names none.
    OrderType "order.type" Text of Order,
    /// The kind of customer; empty where the order names none.
    OrderSegment "order.segment" Text of Order,
    /// Where it goes, ISO 3166-1 alpha-2.
    OrderCountry "order.country" Text of Order,
    /// Leading part of the postcode it goes to: letters and digits, upper case.
    OrderPostcode "order.postcode" Text of Order,
    /// Whether it is known where the order goes.
    OrderPlaceKnown "order.place_known" Bool of Order,
    /// The node's name.
    NodeId "node.id" Text of Node,
    /// `warehouse`, `store`, `partner` or `supplier`.
    NodeKind "node.kind" Text of Node,
    /// ISO 3166-1 alpha-2.
    NodeCountry "node.country" Text of Node,
    /// Names of the policy's groups it is in.
    NodeGroups "node.groups" Texts of Node,
    /// Metres from the order's destination; the largest number where either place is unknown.
    NodeDistance "node.distance_m" Int of Pair,
    /// Orders it took today; counted for nodes with a capacity.
    NodeOrdersToday "node.orders_today" Int of Pair,
    /// Fulfilments that it kept, in per mille of those that were settled lately; 1000 where these are
    /// too few to say.
    NodeScore "node.score" Int of Pair,
    /// Whether there are enough of them.
    NodeScored "node.scored" Bool of Pair,
    /// Lines of the order that it has whole.
    NodeWholeLines "node.whole_lines" Int of Pair,
    /// The line's SKU.
    LineSku "line.sku" Text of Order,
    /// Units of the line to be routed, in 1/1000.
    LineUnits "line.units_milli" Int of Order,
    /// Price of a unit, in minor units.
    LinePrice "line.unit_price" Int of Order,
    /// Whether the item is not taken back.
    LineFinalSale "line.final_sale" Bool of Order,
    /// Units of the line's SKU that the node can promise from stock, in 1/1000.
    LineFree "line.free_milli" Int of Pair,
}

/// What an expression looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Nothing, or nodes: the same until the network changes.
    Node,
    /// The order alone: once an order.
    Order,
    /// Both: for each node and order.
    Pair,
}

/// A predicate that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    root: Tree,
    subject: Subject,
}

impl Expression {
    /// Reads and checks a predicate.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let root = parse::parse(text)?;
        let kind = check::type_of(&root, false)?;
        if kind != Type::Bool {
            let what = "a predicate is true or false; this is neither".to_owned();
            return Err(Fault { at: 0, what });
        }
        Ok(Expression { subject: check::subject_of(&root), root: root.tree })
    }

    /// What it looks at.
    pub fn subject(&self) -> Subject {
        self.subject
    }

    /// Whether it asks for a fact.
    pub fn names(&self, fact: Fact) -> bool {
        self.root.names(fact)
    }

    /// Whether it holds. What cannot be calculated does not.
    pub fn holds(&self, facts: &dyn Facts) -> bool {
        matches!(evaluate::value(&self.root, facts, None), Some(Value::Bool(true)))
    }
}

/// A tree and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    at: usize,
    tree: Tree,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Tree {
    Int(i64),
    Bool(bool),
    Text(String),
    Ints(Vec<i64>),
    Texts(Vec<String>),
    Fact(Fact),
    Not(Box<Node>),
    Minus(Box<Node>),
    Binary(Operator, Box<Node>, Box<Node>),
    If(Box<Node>, Box<Node>, Box<Node>),
    Size(Box<Node>),
    Call(Method, Box<Node>, Box<Node>),
    Lines(Quantifier, Box<Node>),
}

impl Tree {
    fn names(&self, fact: Fact) -> bool {
        match self {
            Tree::Fact(own) => *own == fact,
            Tree::Not(one) | Tree::Minus(one) | Tree::Size(one) | Tree::Lines(_, one) => {
                one.tree.names(fact)
            }
            Tree::Binary(_, one, two) | Tree::Call(_, one, two) => {
                one.tree.names(fact) || two.tree.names(fact)
            }
            Tree::If(one, two, three) => [one, two, three].iter().any(|it| it.tree.names(fact)),
            Tree::Int(_) | Tree::Bool(_) | Tree::Text(_) | Tree::Ints(_) | Tree::Texts(_) => false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
    In,
    Plus,
    Minus,
    Times,
    Divide,
    Remainder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    StartsWith,
    EndsWith,
    Contains,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    All,
    Exists,
}

#[cfg(test)]
mod tests;
