//! The cheapest plan of one order: which node serves which line.
//!
//! Exact, by dynamic programming over sets of lines: after node k, `best[s]` is the least that the
//! lines of set s cost when only the nodes up to k serve them, each whole line at one node. That
//! takes 3^lines steps a node however many nodes there are, and no memory but two small tables.
//!
//! Money is in 1/1000 of a minor unit, as shadow prices are, so that no decision rests on a float.

/// Money in 1/1000 of a minor unit.
pub type MilliMinor = i64;

/// The cost of what cannot be: a node that does not have the line. Far above any sum of real costs,
/// far below where a sum of a few of them would overflow.
pub const IMPOSSIBLE: MilliMinor = 1 << 55;

/// Most lines of an order that are looked at together.
pub const MAX_LINES: usize = 8;

/// What an order would cost at each node, shadow prices included where they are to be charged.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Cost of using a node at all, by node.
    pub fixed: &'a [MilliMinor],
    /// Cost of a line at a node, line by line: `line * nodes + node`.
    pub lines: &'a [MilliMinor],
}

impl Ask<'_> {
    fn line_count(&self) -> usize {
        if self.fixed.is_empty() { 0 } else { self.lines.len() / self.fixed.len() }
    }
}

/// Finds plans. Its memory is reused from order to order.
#[derive(Debug, Default, Clone)]
pub struct Planner {
    /// Least cost of each set of lines with the nodes so far.
    best: Vec<MilliMinor>,
    /// What each set of lines costs at the node in hand.
    here: Vec<MilliMinor>,
    /// The lines that a node takes of each set, node by node.
    taken: Vec<u8>,
    choice: Vec<u16>,
}

impl Planner {
    /// The cheapest plan: its cost, and the node of each line. `None` where some line can be had
    /// nowhere. Of plans that cost the same, the one that leaves out later nodes.
    ///
    /// # Panics
    /// Where the order has more than [`MAX_LINES`] lines.
    pub fn cheapest(&mut self, ask: Ask<'_>) -> Option<(MilliMinor, &[u16])> {
        let lines = ask.line_count();
        assert!(lines <= MAX_LINES, "{lines} lines are more than {MAX_LINES}");
        let sets = 1 << lines;
        self.best.clear();
        self.best.resize(sets, IMPOSSIBLE);
        self.best[0] = 0;
        self.taken.clear();
        self.taken.resize(sets * ask.fixed.len(), 0);
        for node in 0..ask.fixed.len() {
            if (0..lines).any(|line| ask.lines[line * ask.fixed.len() + node] < IMPOSSIBLE) {
                self.sum_up(ask, node, lines);
                self.admit(node, sets);
            }
        }
        let cost = self.best[sets - 1];
        (cost < IMPOSSIBLE).then(|| (cost, self.choose(ask.fixed.len(), lines)))
    }

    /// What each set of lines costs at a node, its fixed cost included.
    fn sum_up(&mut self, ask: Ask<'_>, node: usize, lines: usize) {
        let nodes = ask.fixed.len();
        self.here.clear();
        self.here.push(ask.fixed[node]);
        for line in 0..lines {
            let cost = ask.lines[line * nodes + node];
            for set in 0..1 << line {
                self.here.push((self.here[set] + cost).min(IMPOSSIBLE));
            }
        }
    }

    /// Lets a node serve what it serves more cheaply. Larger sets first: a set reads only smaller
    /// ones, which must still be those without this node.
    fn admit(&mut self, node: usize, sets: usize) {
        let taken = &mut self.taken[node * sets..(node + 1) * sets];
        for set in (1..sets).rev() {
            let (mut least, mut served) = (self.best[set], 0);
            let mut part = set;
            while part > 0 {
                let cost = self.best[set & !part] + self.here[part];
                if cost < least {
                    (least, served) = (cost, part);
                }
                part = (part - 1) & set;
            }
            self.best[set] = least;
            taken[set] = served as u8;
        }
    }

    /// Walks back through what each node took.
    fn choose(&mut self, nodes: usize, lines: usize) -> &[u16] {
        let sets = 1 << lines;
        self.choice.clear();
        self.choice.resize(lines, 0);
        let mut left = sets - 1;
        for node in (0..nodes).rev() {
            let served = usize::from(self.taken[node * sets + left]);
            for line in (0..lines).filter(|line| served >> line & 1 == 1) {
                self.choice[line] = node as u16;
            }
            left &= !served;
        }
        &self.choice
    }
}

/// What a plan costs: the node of each line against the costs of an order.
pub fn cost_of(ask: Ask<'_>, plan: &[u16]) -> MilliMinor {
    let nodes = ask.fixed.len();
    let lines = plan.iter().enumerate();
    let served: MilliMinor =
        lines.map(|(line, &node)| ask.lines[line * nodes + usize::from(node)]).sum();
    served + nodes_of(plan).map(|node| ask.fixed[node]).sum::<MilliMinor>()
}

/// The nodes of a plan, each once.
pub fn nodes_of(plan: &[u16]) -> impl Iterator<Item = usize> {
    let first = |&(place, node): &(usize, &u16)| !plan[..place].contains(node);
    plan.iter().enumerate().filter(first).map(|(_, &node)| usize::from(node))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every way to give each line a node.
    fn by_trying_all(ask: Ask<'_>) -> Option<MilliMinor> {
        let (nodes, lines) = (ask.fixed.len(), ask.line_count());
        let plans = (0..nodes.pow(lines as u32)).map(|mut number| {
            let plan: Vec<u16> = (0..lines)
                .map(|_| {
                    let node = number % nodes;
                    number /= nodes;
                    node as u16
                })
                .collect();
            cost_of(ask, &plan)
        });
        plans.min().filter(|&cost| cost < IMPOSSIBLE)
    }

    fn costs() -> impl Strategy<Value = (Vec<MilliMinor>, Vec<MilliMinor>)> {
        let cell = prop_oneof![4 => 0..2_000i64, 1 => Just(IMPOSSIBLE)];
        (1..6usize, 1..5usize).prop_flat_map(move |(nodes, lines)| {
            let fixed = prop::collection::vec(0..3_000i64, nodes);
            (fixed, prop::collection::vec(cell.clone(), nodes * lines))
        })
    }

    proptest! {
        #[test]
        fn no_plan_is_cheaper_and_the_plan_costs_what_is_said((fixed, lines) in costs()) {
            let ask = Ask { fixed: &fixed, lines: &lines };
            let mut planner = Planner::default();
            let found = planner.cheapest(ask).map(|(cost, plan)| (cost, plan.to_vec()));
            prop_assert_eq!(found.as_ref().map(|found| found.0), by_trying_all(ask));
            if let Some((cost, plan)) = found {
                prop_assert_eq!(cost, cost_of(ask, &plan));
            }
        }
    }

    #[test]
    fn a_second_parcel_is_opened_only_where_it_pays() {
        let mut planner = Planner::default();
        let fixed = [100, 100];
        let apart = [0, 150, 150, 0];
        let (cost, plan) = planner.cheapest(Ask { fixed: &fixed, lines: &apart }).unwrap();
        assert_eq!((cost, plan), (200, &[0, 1][..]));
        let near = [0, 90, 90, 0];
        let (cost, plan) = planner.cheapest(Ask { fixed: &fixed, lines: &near }).unwrap();
        assert_eq!((cost, plan), (190, &[0, 0][..]));
    }

    #[test]
    fn what_no_node_has_has_no_plan() {
        let ask = Ask { fixed: &[5, 5], lines: &[IMPOSSIBLE, 1, IMPOSSIBLE, IMPOSSIBLE] };
        assert!(Planner::default().cheapest(ask).is_none());
    }
}
