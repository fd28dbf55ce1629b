//! A policy made ready for decisions.

use omnifold_domain::policy::expression::{Expression, Subject};
use omnifold_domain::policy::{Area, Cost, Mode, Policy, Ranker, Rule, Spanned};
use omnifold_domain::{ActivePolicy, Node, NodeIx, Order, View};

use super::facts::{NodeFacts, kind_name};

/// A policy, its expressions read, what depends on nodes only worked out.
pub(super) struct Compiled {
    pub hash: String,
    /// In the order in which they are tried.
    pub rules: Vec<CompiledRule>,
    policy: Policy,
    /// Of which the nodes were looked at.
    network_version: Option<u64>,
    /// Groups of each node.
    pub groups: Vec<Vec<String>>,
}

/// One rule.
pub(super) struct CompiledRule {
    /// Its costs are those of the policy where it states none itself.
    pub rule: Rule,
    pub when: Option<Expression>,
    /// The node predicate, where it looks at more than the node.
    pub node_when: Option<Expression>,
    node_only: Option<Expression>,
    /// Whether each node passes what depends on it alone.
    pub passes: Vec<bool>,
    pub rankers: Vec<CompiledRanker>,
    pub default_node: Option<NodeIx>,
    /// Cost of a shipment from each node.
    pub shipment: Vec<i64>,
    /// Where each node serves, where the rule asks.
    areas: Vec<Vec<Area>>,
}

/// One ranker, or term of a sum.
pub(super) struct CompiledRanker {
    pub ranker: Ranker,
    pub when: Option<Expression>,
    /// What the table says of each node.
    pub table: Vec<Option<i32>>,
    pub terms: Vec<CompiledRanker>,
}

impl Compiled {
    pub(super) fn of(active: &ActivePolicy) -> Self {
        let policy = Policy::read(&active.document).expect("checked when it was activated");
        let compiled = |rule: &Spanned<Rule>| {
            let rule = rule.get_ref();
            CompiledRule::of(&Rule { cost: policy.cost_of(rule).cloned(), ..rule.clone() })
        };
        let mut rules: Vec<CompiledRule> = policy.rules.iter().map(compiled).collect();
        rules.sort_by_key(|rule| rule.rule.precedence());
        let (hash, groups, network_version) = (active.hash.clone(), Vec::new(), None);
        Compiled { hash, rules, policy, network_version, groups }
    }

    /// Looks at the nodes again where the network has changed.
    pub(super) fn prepare<V: View>(&mut self, view: &V) {
        let version = Some(view.network_version());
        if self.network_version == version && self.groups.len() == view.nodes().len() {
            return;
        }
        self.network_version = version;
        let groups_of = |node: &Node| {
            let groups = self.policy.groups.iter();
            let its = groups.filter(|(_, members)| members.contains(&node.id));
            its.map(|(name, _)| name.clone()).collect::<Vec<String>>()
        };
        self.groups = view.nodes().iter().map(groups_of).collect();
        for rule in &mut self.rules {
            rule.prepare(view, &self.groups);
            rule.prepare_areas(view.nodes(), &self.policy);
        }
    }
}

impl CompiledRule {
    fn of(rule: &Rule) -> Self {
        let node_when = read(rule.nodes.when.as_ref());
        let is_node_only = node_when.as_ref().is_some_and(|it| it.subject() == Subject::Node);
        let (node_only, node_when) =
            if is_node_only { (node_when, None) } else { (None, node_when) };
        CompiledRule {
            when: read(rule.when.as_ref()),
            node_when,
            node_only,
            passes: Vec::new(),
            rankers: rule.rank.iter().map(|ranker| CompiledRanker::of(ranker.get_ref())).collect(),
            default_node: None,
            shipment: Vec::new(),
            areas: Vec::new(),
            rule: rule.clone(),
        }
    }

    fn prepare<V: View>(&mut self, view: &V, groups: &[Vec<String>]) {
        let nodes = view.nodes().iter().zip(groups);
        self.passes = nodes.clone().map(|(node, groups)| self.takes(node, groups)).collect();
        self.default_node = self.rule.default_node.as_deref().and_then(|id| view.node_named(id));
        if let Some(cost) = &self.rule.cost {
            self.shipment = groups.iter().map(|its| cost.of_shipment(its)).collect();
        }
        for ranker in &mut self.rankers {
            ranker.prepare(view.nodes());
        }
    }

    fn prepare_areas(&mut self, nodes: &[Node], policy: &Policy) {
        if !self.rule.nodes.in_area {
            return;
        }
        let area = |text: &Spanned<String>| {
            Area::parse(text.get_ref()).expect("checked when it was activated")
        };
        let of_node = |node: &Node| {
            let areas = policy.areas.get(&node.id);
            areas.map_or(Vec::new(), |areas| areas.iter().map(area).collect())
        };
        self.areas = nodes.iter().map(of_node).collect();
    }

    /// What plans are compared by; `None`: not by costs, though nodes may be ranked by them.
    pub fn charged(&self) -> Option<&Cost> {
        self.rule.cost.as_ref().filter(|_| self.rule.mode == Mode::LeastCost)
    }

    /// Whether an order goes to an area of the node.
    pub fn serves(&self, node: usize, order: &Order) -> bool {
        order.class().is_some_and(|class| {
            self.areas[node].iter().any(|area| area.holds(&class.country, &class.postcode))
        })
    }

    /// Whether the rule takes a node, as far as that depends on the node alone.
    fn takes(&self, node: &Node, groups: &[String]) -> bool {
        let filter = &self.rule.nodes;
        let is_in = |wanted: &[Spanned<String>]| {
            wanted.iter().any(|group| groups.contains(group.get_ref()))
        };
        let kinds = &filter.kinds;
        (filter.groups.is_empty() || is_in(&filter.groups))
            && !is_in(&filter.not_groups)
            && (kinds.is_empty() || kinds.iter().any(|kind| i32::from(kind.number()) == node.kind))
            && (filter.countries.is_empty() || filter.countries.contains(&node.country))
            && self.node_only.as_ref().is_none_or(|when| {
                when.holds(&NodeFacts { node, groups, kind: kind_name(node.kind) })
            })
    }
}

impl CompiledRanker {
    fn of(ranker: &Ranker) -> Self {
        CompiledRanker {
            when: read(ranker.when.as_ref()),
            table: Vec::new(),
            terms: ranker.terms.iter().map(CompiledRanker::of).collect(),
            ranker: ranker.clone(),
        }
    }

    fn prepare(&mut self, nodes: &[Node]) {
        let said = |node: &Node| self.ranker.table.get(&node.id).copied();
        self.table = nodes.iter().map(said).collect();
        for term in &mut self.terms {
            term.prepare(nodes);
        }
    }
}

fn read(text: Option<&Spanned<String>>) -> Option<Expression> {
    text.map(|text| Expression::parse(text.get_ref()).expect("checked when it was activated"))
}
