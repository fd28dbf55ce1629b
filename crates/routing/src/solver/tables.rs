//! What a shipment costs by its weight: tables of brackets, as carriers have them.

/// A shipment that weighs no more costs this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bracket {
    /// The heaviest shipment of the bracket, in the caller's unit of weight.
    pub up_to: i64,
    /// What a shipment costs; not less than that of a lighter one.
    pub price: i64,
}

/// What a shipment costs that is heavier than the last bracket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beyond {
    /// So much weight, where it is begun,
    pub each: i64,
    /// costs so much more.
    pub price: i64,
    /// No shipment is heavier than this.
    pub heaviest: i64,
}

/// The tables of a problem. Memory for reuse.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    brackets: Vec<Bracket>,
    /// Where each table's brackets begin and end, and what is beyond them.
    tables: Vec<(usize, usize, Option<Beyond>)>,
    /// The table of each node, 0 for none, else counted from 1; empty where no node has one.
    of_node: Vec<usize>,
}

/// One table. Brackets are numbered, those beyond the last one too, one for each unit begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    pub steps: &'a [Bracket],
    beyond: Option<Beyond>,
}

/// The table of a node whose shipments have no price by weight.
const FREE: Table<'static> =
    Table { steps: &[Bracket { up_to: i64::MAX, price: 0 }], beyond: None };

impl Tables {
    pub fn clear(&mut self) {
        self.brackets.clear();
        self.tables.clear();
        self.of_node.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    pub fn add(
        &mut self,
        steps: impl IntoIterator<Item = Bracket>,
        beyond: Option<Beyond>,
    ) -> usize {
        let start = self.brackets.len();
        self.brackets.extend(steps);
        let steps = &self.brackets[start..];
        assert!(!steps.is_empty(), "a table has a bracket");
        let grows =
            |pair: &[Bracket]| pair[0].up_to < pair[1].up_to && pair[0].price <= pair[1].price;
        assert!(steps.windows(2).all(grows), "brackets grow, and their prices do not fall");
        self.tables.push((start, self.brackets.len(), beyond));
        self.tables.len() - 1
    }

    pub fn set(&mut self, nodes: usize, node: usize, table: usize) {
        self.of_node.resize(nodes, 0);
        self.of_node[node] = table + 1;
    }

    pub fn len(&self) -> usize {
        self.tables.len()
    }

    /// The number of a node's table, counted from 1; 0: it has none.
    pub fn number(&self, node: usize) -> usize {
        self.of_node.get(node).copied().unwrap_or(0)
    }

    /// Takes over another one's tables, for some of its nodes.
    pub fn narrow(&mut self, of: &Tables, nodes: &[usize]) {
        self.brackets.clone_from(&of.brackets);
        self.tables.clone_from(&of.tables);
        self.of_node.clear();
        if !of.of_node.is_empty() {
            self.of_node.extend(nodes.iter().map(|&node| of.number(node)));
        }
    }

    /// A table by its number.
    pub fn numbered(&self, number: usize) -> Table<'_> {
        let Some(number) = number.checked_sub(1) else { return FREE };
        let (start, end, beyond) = self.tables[number];
        Table { steps: &self.brackets[start..end], beyond }
    }

    /// The table of a node.
    pub fn of(&self, node: usize) -> Table<'_> {
        self.numbered(self.number(node))
    }

    /// Whether a shipment of that weight costs more by some table than a light one.
    pub fn matter(&self, weight: i64) -> bool {
        self.tables.iter().any(|&(start, ..)| self.brackets[start].up_to < weight)
    }
}

impl Table<'_> {
    fn last(&self) -> Bracket {
        self.steps[self.steps.len() - 1]
    }

    /// The heaviest shipment there may be.
    pub fn heaviest(&self) -> i64 {
        let last = self.last().up_to;
        self.beyond.map_or(last, |beyond| beyond.heaviest.max(last))
    }

    /// The bracket of a shipment; `None`: there is no shipment as heavy.
    pub fn bracket(&self, weight: i64) -> Option<usize> {
        if let Some(step) = self.steps.iter().position(|step| weight <= step.up_to) {
            return Some(step);
        }
        let beyond = self.beyond.filter(|beyond| weight <= beyond.heaviest)?;
        let begun = (weight - self.last().up_to - 1) / beyond.each;
        Some(self.steps.len() + begun as usize)
    }

    /// The heaviest shipment of a bracket.
    pub fn upper(&self, bracket: usize) -> i64 {
        let (Some(further), Some(beyond)) = (self.further(bracket), self.beyond) else {
            return self.steps[bracket].up_to;
        };
        (self.last().up_to + beyond.each * further).min(beyond.heaviest)
    }

    /// What a shipment of a bracket costs.
    pub fn price(&self, bracket: usize) -> i64 {
        let (Some(further), Some(beyond)) = (self.further(bracket), self.beyond) else {
            return self.steps[bracket].price;
        };
        self.last().price + beyond.price * further
    }

    /// Brackets beyond the last step.
    fn further(&self, bracket: usize) -> Option<i64> {
        (bracket >= self.steps.len()).then(|| (bracket - self.steps.len()) as i64 + 1)
    }

    /// What a shipment costs; `None`: it is too heavy to be one.
    pub fn price_at(&self, weight: i64) -> Option<i64> {
        self.bracket(weight).map(|bracket| self.price(bracket))
    }

    /// What the lightest shipment costs.
    pub fn first_price(&self) -> i64 {
        self.steps[0].price
    }

    /// The most that a shipment of an order of that weight costs.
    pub fn most(&self, weight: i64) -> i64 {
        self.price_at(weight.min(self.heaviest())).unwrap_or(0)
    }

    /// Visits the ends of brackets, and their prices, from a bracket on and up to a weight: as many as
    /// the lower hull of the prices may turn at. Beyond the last step the ends lie on a line.
    pub fn ends(&self, from: usize, weight: i64, mut visit: impl FnMut(i64, i64)) {
        let Some(last) = self.bracket(weight) else { return };
        let mut bracket = from;
        while bracket <= last {
            visit(self.upper(bracket).min(weight), self.price(bracket));
            let is_step = bracket + 1 < self.steps.len() || bracket + 1 >= last;
            bracket = if is_step { bracket + 1 } else { last - 1 };
        }
    }
}
