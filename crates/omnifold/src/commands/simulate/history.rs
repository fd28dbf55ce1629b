//! What was recorded of one market, and what it is priced by.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use omnifold_domain::Policy;
use omnifold_domain::policy::{Lifecycle, Parcel, Tariff};
use omnifold_events::jsonl::FileEvent;
use omnifold_events::{Event, parse_time, v1};
use omnifold_log::{Log, TopicKind, topic_name};
use omnifold_simulation::output::Output;
use omnifold_simulation::what_if::account::Account;
use omnifold_simulation::what_if::change::Ruling;
use omnifold_simulation::what_if::couriers::Couriers;
use omnifold_simulation::what_if::days::Days;
use omnifold_simulation::what_if::demand::Window;
use omnifold_simulation::what_if::figures::{Figures, Prices};
use omnifold_simulation::what_if::nodes::Learned;

use crate::commands::policy::{label, read as read_policy};
use crate::exit::{NotFound, Usage};
use crate::history::{each_event, each_record};

/// Which part of the history is replayed, and how.
#[derive(Debug, Args)]
pub struct Part {
    /// The change begins, and orders count from here on [default: the beginning]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<i64>,
    /// Orders count until before this time, and the replay ends [default: the end]
    #[arg(long, value_name = "TIME", value_parser = parse_time, visible_alias = "to")]
    until: Option<i64>,
    /// How late a modelled node may speak: smaller is finer and slower
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(i64).range(1..=10_080))]
    step_minutes: i64,
    /// Policy whose cost model prices every side [default: the policy given, else the one in force]
    #[arg(long, value_name = "FILE")]
    costs: Option<PathBuf>,
}

impl Part {
    /// The same for a span that is known, with defaults.
    pub fn of(window: Window) -> Self {
        let (from, until) = (Some(window.from_ms), Some(window.until_ms));
        Part { from, until, step_minutes: 60, costs: None }
    }

    /// Length of a step, milliseconds.
    pub fn step_ms(&self) -> i64 {
        self.step_minutes * 60_000
    }

    fn window(&self) -> Result<Window> {
        let window = Window {
            from_ms: self.from.unwrap_or(i64::MIN),
            until_ms: self.until.unwrap_or(i64::MAX),
        };
        if window.from_ms >= window.until_ms {
            bail!(Usage("--until must be later than --from".to_owned()));
        }
        Ok(window)
    }
}

/// What was recorded of one market.
pub struct History {
    pub market: String,
    pub window: Window,
    pub step_ms: i64,
    /// Input events before the window's end but those of nodes, topic by topic.
    pub inputs: Vec<FileEvent>,
    pub learned: Learned,
    /// What happened.
    pub account: Account,
    pub unreadable: u64,
    shipping: Option<Shipping>,
    couriers: Couriers,
    days: Days,
}

impl History {
    /// Reads a market's topics. `policies`: those that may have a cost model, the first with one counts;
    /// that of the command line comes before them, the one in force after.
    pub fn read(
        log: &dyn Log,
        of: (&str, &str),
        part: &Part,
        policies: &[&Policy],
    ) -> Result<Self> {
        let window = part.window()?;
        let mut inputs = Vec::new();
        let mut unreadable = 0;
        for kind in TopicKind::INPUTS.into_iter().filter(|kind| *kind != TopicKind::Fulfilment) {
            unreadable += each_event(log, of, kind, |published| {
                if published.time_ms >= window.until_ms {
                    return;
                }
                inputs.push(FileEvent {
                    id: published.envelope.id.to_owned(),
                    source: published.envelope.source.to_owned(),
                    time_ms: Some(published.time_ms),
                    event: published.event,
                });
            })?;
        }
        if inputs.is_empty() {
            return Err(NotFound(format!("nothing was recorded of market `{}`", of.1)).into());
        }
        let shipping = shipping(part, policies, &inputs)?;
        let (couriers, days) = (Couriers::of(&inputs), Days::of(&inputs));
        let mut history = History {
            market: of.1.to_owned(),
            window,
            step_ms: part.step_ms(),
            inputs,
            learned: Learned::new(couriers.clone()),
            couriers,
            days,
            account: Account::default(),
            unreadable,
            shipping,
        };
        history.account = history.orders();
        history.hear(log, of)?;
        Ok(history)
    }

    /// What was decided about the orders that are replayed, and what nodes said of them.
    fn hear(&mut self, log: &dyn Log, of: (&str, &str)) -> Result<()> {
        let known: HashSet<(&str, &str)> =
            placed(&self.inputs).map(|(order, _)| name_of(order)).collect();
        let (account, learned) = (&mut self.account, &mut self.learned);
        each_record(log, topic_name(of.0, of.1, TopicKind::Assignments), |record| {
            // Outputs that a replay has no use for are of other types.
            let Ok(output) = Output::from_record(record) else { return };
            let of_replayed = |assigned: &v1::FulfilmentAssigned| {
                known.contains(&(assigned.channel.as_str(), assigned.order_id.as_str()))
            };
            if let Output::Assigned(assigned) = &output
                && of_replayed(assigned)
            {
                learned.told(assigned, record.time_ms);
            }
            account.hear(&output, record.time_ms);
        })?;
        self.unreadable += each_event(log, of, TopicKind::Fulfilment, |published| {
            learned.heard(&published.event, published.time_ms);
            account.said(&published.event, published.time_ms);
        })?;
        Ok(())
    }

    /// The orders that count, with nothing decided. An order counts by the first event that places it.
    pub fn orders(&self) -> Account {
        let mut account = Account::new(self.couriers.clone(), self.days.clone());
        let mut first: HashMap<(&str, &str), i64> = HashMap::new();
        for (order, at_ms) in placed(&self.inputs) {
            let first = *first.entry(name_of(order)).or_insert(at_ms);
            if first == at_ms && self.window.holds(at_ms) {
                let rate = self.shipping.as_ref().and_then(|shipping| shipping.rate_of(order));
                account.placed(order, at_ms, rate);
            }
        }
        account
    }

    /// What became of the orders, in figures.
    pub fn figures(&self, account: &Account) -> Figures {
        account.figures(self.shipping.as_ref().map(|shipping| shipping as &dyn Prices))
    }

    /// Whose cost model prices every side.
    pub fn cost_model(&self) -> Option<String> {
        self.shipping.as_ref().map(|shipping| label(shipping.tariff.policy()))
    }
}

/// Every order of the history, with when it was placed.
fn placed(inputs: &[FileEvent]) -> impl Iterator<Item = (&v1::OrderPlaced, i64)> {
    inputs.iter().filter_map(|input| match &input.event {
        Event::OrderPlaced(order) => Some((order, input.time_ms.unwrap_or_default())),
        _ => None,
    })
}

fn name_of(order: &v1::OrderPlaced) -> (&str, &str) {
    (&order.channel, &order.order_id)
}

/// A policy ready to rule a replay: whatever its state and validity, beside any policy of the history.
pub fn ruling(policy: &Policy) -> Ruling {
    let label = label(policy);
    let mut policy = policy.clone();
    policy.state = Lifecycle::Active;
    (policy.valid_from, policy.valid_until) = (None, None);
    policy.name = "what-if".to_owned();
    Ruling { label, document: policy.canonical() }
}

/// A cost model, and what it asks of the network.
struct Shipping {
    tariff: Tariff,
    final_sale: BTreeSet<String>,
    /// Grams of a unit, by SKU.
    weights: BTreeMap<String, u32>,
    /// Nodes that nobody said the place of.
    unplaced: BTreeSet<String>,
    markdowns: Markdowns,
}

impl Prices for Shipping {
    fn rate_of(&self, order: &v1::OrderPlaced) -> Option<usize> {
        self.tariff.rate_of(order, &|sku| self.final_sale.contains(sku))
    }

    fn price(&self, rate: usize, node: &str, metres: Option<u32>, contents: &[(&str, i64)]) -> i64 {
        let metres = metres.filter(|_| !self.unplaced.contains(node));
        let grams = |sku: &str| i64::from(self.weights.get(sku).copied().unwrap_or(0));
        let weight = contents.iter().map(|(sku, units)| units.saturating_mul(grams(sku)));
        let weight_mg = weight.fold(0, i64::saturating_add);
        let units_milli = contents.iter().map(|(_, units)| units).sum();
        self.tariff.price(rate, Parcel { node, metres, units_milli, weight_mg })
    }

    fn late_day(&self, rate: usize) -> Option<i64> {
        self.tariff.has_late_day().then(|| self.tariff.late_day(rate))
    }

    fn saved(&self, rate: usize, node: &str, contents: &[(&str, i64)], at_ms: i64) -> Option<i64> {
        let share = self.tariff.markdown(rate);
        let saved = contents.iter().map(|&(sku, units)| {
            // Minor units by the per mille are 1/1000 of a minor unit.
            self.markdowns.at(node, sku, at_ms).saturating_mul(share).saturating_mul(units) / 1_000
        });
        self.tariff.has_markdown().then(|| saved.fold(0, i64::saturating_add))
    }
}

/// What units lose if they are not sold where they are, as MarkdownSet said it, by node and SKU: oldest
/// first.
#[derive(Default)]
struct Markdowns(BTreeMap<(String, String), Vec<Markdown>>);

struct Markdown {
    from_ms: i64,
    /// 0: it has no end.
    until_ms: i64,
    minor: i64,
}

impl Markdowns {
    fn hear(&mut self, told: &v1::MarkdownSet, from_ms: i64) {
        let row = Markdown { from_ms, until_ms: told.until_ms, minor: told.amount_minor };
        self.0.entry((told.node_id.clone(), told.sku.clone())).or_default().push(row);
    }

    /// Of a unit, in minor units.
    fn at(&self, node: &str, sku: &str, at_ms: i64) -> i64 {
        let rows = self.0.get(&(node.to_owned(), sku.to_owned()));
        let told = rows.and_then(|rows| rows.iter().rfind(|row| row.from_ms <= at_ms));
        let holds = told.filter(|row| row.until_ms == 0 || at_ms < row.until_ms);
        holds.map_or(0, |row| row.minor)
    }
}

fn shipping(part: &Part, policies: &[&Policy], inputs: &[FileEvent]) -> Result<Option<Shipping>> {
    let tariff = match &part.costs {
        Some(file) => {
            let fault = || Usage(format!("{}: no `[rule.cost]` and no `[cost]`", file.display()));
            Some(Tariff::of(read_policy(file)?).ok_or_else(fault)?)
        }
        None => {
            let given = policies.iter().find_map(|policy| Tariff::of((*policy).clone()));
            given.or_else(|| Tariff::of(in_force(inputs)?))
        }
    };
    Ok(tariff.map(|tariff| Shipping::new(tariff, inputs)))
}

impl Shipping {
    fn new(tariff: Tariff, inputs: &[FileEvent]) -> Self {
        let (mut final_sale, mut unplaced) = (BTreeSet::new(), BTreeSet::new());
        let (mut weights, mut markdowns) = (BTreeMap::new(), Markdowns::default());
        let set = |set: &mut BTreeSet<String>, name: &String, is_in: bool| match is_in {
            true => drop(set.insert(name.clone())),
            false => drop(set.remove(name)),
        };
        for input in inputs {
            match &input.event {
                Event::ItemDefined(item) => {
                    set(&mut final_sale, &item.sku, item.final_sale);
                    weights.insert(item.sku.clone(), item.weight_g);
                }
                Event::NodeDefined(node) => {
                    set(&mut unplaced, &node.node_id, node.location.is_none());
                }
                Event::MarkdownSet(told) => {
                    markdowns.hear(told, input.time_ms.unwrap_or_default());
                }
                _ => {}
            }
        }
        Shipping { tariff, final_sale, weights, unplaced, markdowns }
    }
}

/// The policy that ruled at the end of the window.
fn in_force(inputs: &[FileEvent]) -> Option<Policy> {
    let mut policy: Option<Policy> = None;
    for input in inputs {
        match &input.event {
            Event::PolicyActivated(event) => policy = Policy::read(&event.document).ok().or(policy),
            Event::PolicyRetired(retired) => {
                policy = policy.filter(|policy| policy.name != retired.name);
            }
            _ => {}
        }
    }
    policy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_markdown_holds_from_when_it_was_set_until_its_end_or_the_next() {
        let set = |amount_minor, until_ms| v1::MarkdownSet {
            node_id: "N".into(),
            sku: "S".into(),
            amount_minor,
            until_ms,
            ..Default::default()
        };
        let mut markdowns = Markdowns::default();
        markdowns.hear(&set(500, 0), 10);
        markdowns.hear(&set(700, 40), 20);
        let at = [9, 10, 19, 20, 39, 40].map(|at_ms| markdowns.at("N", "S", at_ms));
        assert_eq!(at, [0, 500, 500, 700, 700, 0]);
        assert_eq!((markdowns.at("M", "S", 30), markdowns.at("N", "T", 30)), (0, 0));
    }
}
