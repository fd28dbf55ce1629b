//! Words to a tree, by the precedence of CEL.

use super::token::{Token, tokens};
use super::{Fact, Fault, Method, Node, Operator, Quantifier, Tree};

/// Longest expression, in bytes: with it, the depth of the tree is bounded too.
const MAX_BYTES: usize = 2_000;
/// Deepest nesting of brackets and signs.
const MAX_DEPTH: usize = 50;

/// Binary operators by precedence, the weakest first.
const LEVELS: [&[(&str, Operator)]; 5] = [
    &[("||", Operator::Or)],
    &[("&&", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("!=", Operator::Unequal),
        ("<", Operator::Less),
        ("<=", Operator::LessOrEqual),
        (">", Operator::More),
        (">=", Operator::MoreOrEqual),
        ("in", Operator::In),
    ],
    &[("+", Operator::Plus), ("-", Operator::Minus)],
    &[("*", Operator::Times), ("/", Operator::Divide), ("%", Operator::Remainder)],
];

pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    if text.len() > MAX_BYTES {
        let what = format!("the expression is longer than {MAX_BYTES} bytes");
        return Err(Fault { at: 0, what });
    }
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens, at: 0, end: text.len(), depth: 0, line: None };
    let node = parser.choice()?;
    match parser.tokens.get(parser.at) {
        None => Ok(node),
        Some((at, _)) => Err(Fault { at: *at, what: "the expression should end here".to_owned() }),
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
    end: usize,
    depth: usize,
    /// The name that `order.lines.all(name, ..)` gives to each line.
    line: Option<String>,
}

impl Parser {
    fn offset(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |token| token.0)
    }

    fn fault<T>(&self, what: impl Into<String>) -> Result<T, Fault> {
        Err(Fault { at: self.offset(), what: what.into() })
    }

    fn take(&mut self, sign: &str) -> bool {
        let there = match self.tokens.get(self.at) {
            Some((_, Token::Sign(found))) => *found == sign,
            Some((_, Token::Name(found))) => sign == "in" && found == sign,
            _ => false,
        };
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, sign: &str) -> Result<(), Fault> {
        if self.take(sign) { Ok(()) } else { self.fault(format!("`{sign}` is missing")) }
    }

    fn name(&mut self, what: &str) -> Result<String, Fault> {
        let Some((_, Token::Name(name))) = self.tokens.get(self.at) else {
            return self.fault(format!("{what} is missing"));
        };
        self.at += 1;
        Ok(name.clone())
    }

    fn choice(&mut self) -> Result<Node, Fault> {
        let at = self.offset();
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.fault(format!("nested deeper than {MAX_DEPTH}"));
        }
        let condition = self.binary(0)?;
        let node = if self.take("?") {
            let then = self.choice()?;
            self.expect(":")?;
            let other = self.choice()?;
            Node { at, tree: Tree::If(Box::new(condition), Box::new(then), Box::new(other)) }
        } else {
            condition
        };
        self.depth -= 1;
        Ok(node)
    }

    fn binary(&mut self, level: usize) -> Result<Node, Fault> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        loop {
            let at = self.offset();
            let found = operators.iter().find(|(sign, _)| self.take(sign));
            let Some((_, operator)) = found else { return Ok(left) };
            let right = self.binary(level + 1)?;
            left = Node { at, tree: Tree::Binary(*operator, Box::new(left), Box::new(right)) };
        }
    }

    fn unary(&mut self) -> Result<Node, Fault> {
        let at = self.offset();
        let not = self.take("!");
        if !not && !self.take("-") {
            return self.member();
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.fault(format!("nested deeper than {MAX_DEPTH}"));
        }
        let operand = Box::new(self.unary()?);
        self.depth -= 1;
        let tree = if not { Tree::Not(operand) } else { Tree::Minus(operand) };
        Ok(Node { at, tree })
    }

    /// A value and the methods called on it.
    fn member(&mut self) -> Result<Node, Fault> {
        let mut node = self.primary()?;
        while self.take(".") {
            let at = self.offset();
            let name = self.name("a method")?;
            let method = match name.as_str() {
                "startsWith" => Method::StartsWith,
                "endsWith" => Method::EndsWith,
                "contains" => Method::Contains,
                other => return Err(Fault { at, what: format!("there is no `{other}` here") }),
            };
            self.expect("(")?;
            let argument = self.choice()?;
            self.expect(")")?;
            node = Node { at, tree: Tree::Call(method, Box::new(node), Box::new(argument)) };
        }
        Ok(node)
    }

    fn primary(&mut self) -> Result<Node, Fault> {
        let at = self.offset();
        let Some((_, token)) = self.tokens.get(self.at).cloned() else {
            return self.fault("something is missing here");
        };
        self.at += 1;
        let tree = match token {
            Token::Int(value) => Tree::Int(value),
            Token::Text(text) => Tree::Text(text),
            Token::Sign("(") => {
                let inner = self.choice()?;
                self.expect(")")?;
                return Ok(inner);
            }
            Token::Sign("[") => self.list(at)?,
            Token::Name(name) => self.named(&name, at)?,
            Token::Sign(sign) => {
                return Err(Fault { at, what: format!("`{sign}` cannot stand here") });
            }
        };
        Ok(Node { at, tree })
    }

    fn list(&mut self, at: usize) -> Result<Tree, Fault> {
        let (mut ints, mut texts) = (Vec::new(), Vec::new());
        while !self.take("]") {
            match self.tokens.get(self.at) {
                Some((_, Token::Int(value))) => ints.push(*value),
                Some((_, Token::Text(text))) => texts.push(text.clone()),
                _ => return self.fault("a list holds texts or whole numbers"),
            }
            self.at += 1;
            if !self.take(",") {
                self.expect("]")?;
                break;
            }
        }
        match (ints.is_empty(), texts.is_empty()) {
            (true, _) => Ok(Tree::Texts(texts)),
            (false, true) => Ok(Tree::Ints(ints)),
            _ => Err(Fault { at, what: "a list holds texts or numbers, not both".to_owned() }),
        }
    }

    fn named(&mut self, name: &str, at: usize) -> Result<Tree, Fault> {
        match name {
            "true" => return Ok(Tree::Bool(true)),
            "false" => return Ok(Tree::Bool(false)),
            "size" => {
                self.expect("(")?;
                let text = self.choice()?;
                self.expect(")")?;
                return Ok(Tree::Size(Box::new(text)));
            }
            _ => {}
        }
        let is_line = self.line.as_deref() == Some(name);
        self.expect(".")?;
        let field = self.name("a name")?;
        if name == "order" && field == "lines" {
            return self.lines();
        }
        let full = format!("{}.{field}", if is_line { "line" } else { name });
        let known = |fact: &&Fact| fact.name() == full && (is_line || name != "line");
        let fact = Fact::ALL.iter().find(known);
        let what = || format!("there is no `{name}.{field}` here");
        fact.map(|fact| Tree::Fact(*fact)).ok_or_else(|| Fault { at, what: what() })
    }

    fn lines(&mut self) -> Result<Tree, Fault> {
        self.expect(".")?;
        let at = self.offset();
        let quantifier = match self.name("`all` or `exists`")?.as_str() {
            "all" => Quantifier::All,
            "exists" => Quantifier::Exists,
            other => return Err(Fault { at, what: format!("`{other}` is not `all` or `exists`") }),
        };
        if self.line.is_some() {
            let what = "the lines of an order are looked through once".to_owned();
            return Err(Fault { at, what });
        }
        self.expect("(")?;
        self.line = Some(self.name("a name for each line")?);
        self.expect(",")?;
        let body = self.choice()?;
        self.expect(")")?;
        self.line = None;
        Ok(Tree::Lines(quantifier, Box::new(body)))
    }
}
