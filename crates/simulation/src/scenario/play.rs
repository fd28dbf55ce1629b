//! Playing a scenario on an engine.

use std::fmt;

use omnifold_events::jsonl::FileEvent;

use super::render::{render, render_fulfilment, render_phased, render_stock};
use super::{Action, PromiseQuestion, Step};
use crate::output::Output;

/// An engine that a scenario is played on.
pub trait Player {
    /// Takes one event; returns what it published for it: messages of `assignments` in their
    /// order, then those of `rejected`, then those of `notices`.
    fn take(&mut self, event: &FileEvent) -> anyhow::Result<Vec<Output>>;

    /// The stock of a (node, SKU); `None` where the node does not stock it.
    fn stock(&mut self, node: &str, sku: &str) -> anyhow::Result<Option<StockFigures>>;

    /// The entries of its ledger that act at or before an instant, then their sum.
    fn ledger(
        &mut self,
        node: &str,
        sku: &str,
        as_of_ms: Option<i64>,
    ) -> anyhow::Result<Vec<String>>;

    /// What a channel may sell of a SKU, as a decimal.
    fn available(&mut self, channel: &str, sku: &str) -> anyhow::Result<String>;

    /// The ATP of each period of a table, and the period in which its order can be promised, as a
    /// place in the table.
    fn time_phased(&mut self, table: &PhasedTable) -> anyhow::Result<(Vec<i64>, Option<usize>)>;

    /// What a (node, SKU) may expect, by date: one line a source.
    fn inbound(&mut self, node: &str, sku: &str) -> anyhow::Result<Vec<String>>;

    /// Where a purchase order stands, its lines and its bills; empty where there is none.
    fn purchase_order(&mut self, id: &str) -> anyhow::Result<Vec<String>>;

    /// Where a unit is, then where it has been, the newest last; nothing where nobody has named it.
    fn serial(&mut self, sku: &str, serial: &str) -> anyhow::Result<Vec<String>>;

    /// The first and the last date, `YYYY-MM-DD`, of a delivery promise by calendars; `None` where
    /// none can be given.
    fn promise(&mut self, asked: &PromiseQuestion) -> anyhow::Result<Option<[String; 2]>>;

    /// The score of a node, and what it made of its work lately: one line.
    fn score(&mut self, node: &str) -> anyhow::Result<String>;

    /// Where a fulfilment stands; `None` where there is none of that name.
    fn fulfilment(&mut self, id: &str) -> anyhow::Result<Option<FulfilmentFigures>>;

    /// Why the newest explained decision on an order came out as it did: the rule, then the nodes.
    fn why(&mut self, channel: &str, order_id: &str) -> anyhow::Result<Vec<String>>;

    /// Stops, and starts on what was left on disk.
    fn restart(&mut self) -> anyhow::Result<()>;
}

/// Supply and demand by period, in 1/1000 unit (rule Q6).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PhasedTable {
    /// (supply, demand) of each period.
    pub periods: Vec<(i64, i64)>,
    /// A shortage takes from earlier surplus.
    pub backward: bool,
    /// What is left of it takes from later surplus.
    pub forward: bool,
    /// Surplus is carried on.
    pub accumulation: bool,
    /// Units wanted, and place of the period they are wanted in.
    pub order: Option<(i64, usize)>,
}

/// Stock of one (node, SKU), in 1/1000 unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)] // rules Q2 and Q3 of the conformance cases
pub struct StockFigures {
    pub on_hand_milli: i64,
    pub allocated_milli: i64,
    pub held_milli: i64,
    pub quarantine_milli: i64,
    pub in_transit_milli: i64,
    pub written_off_milli: i64,
    pub returned_to_supplier_milli: i64,
    pub inbound_milli: i64,
    pub short_milli: i64,
    pub atp_milli: i64,
    /// Shadow price of a unit, 1/1000 of a minor unit; 0: none.
    pub price_milli: i64,
    /// Lots on hand, first to expire first: `L1 3`.
    pub lots: Vec<String>,
    /// Lots in quarantine.
    pub quarantined: Vec<String>,
    /// Serial numbers known to be on hand and in quarantine, where any are.
    pub serials: Option<(u64, u64)>,
}

/// Where a fulfilment stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FulfilmentFigures {
    /// The node.
    pub node: String,
    /// As queries name it.
    pub state: String,
    /// Parcels that were handed over.
    pub parcels: Vec<ParcelFigures>,
}

/// What is known of a parcel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParcelFigures {
    /// The carrier it was given to.
    pub carrier: String,
    /// That carrier's number.
    pub tracking_number: String,
    /// What carriers say of it.
    pub status: String,
    /// When the customer got it.
    pub delivered_at: Option<String>,
    /// What each message of a carrier meant, oldest first.
    pub history: Vec<String>,
}

/// A command whose output was not what stands below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Line of the file.
    pub line: usize,
    /// The command.
    pub text: String,
    /// What it should have printed.
    pub expected: Vec<String>,
    /// What it printed.
    pub printed: Vec<String>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "line {}: {}", self.line, self.text)?;
        self.expected.iter().try_for_each(|line| writeln!(f, "  - {line}"))?;
        self.printed.iter().try_for_each(|line| writeln!(f, "  + {line}"))
    }
}

/// Plays every step, to the end. Returns the steps whose output differed.
pub fn play(steps: &[Step], player: &mut dyn Player) -> anyhow::Result<Vec<Mismatch>> {
    let mut mismatches = Vec::new();
    for step in steps {
        let printed = print(&step.action, player)?;
        if printed != step.expected {
            mismatches.push(Mismatch {
                line: step.line,
                text: step.text.clone(),
                expected: step.expected.clone(),
                printed,
            });
        }
    }
    Ok(mismatches)
}

fn print(action: &Action, player: &mut dyn Player) -> anyhow::Result<Vec<String>> {
    Ok(match action {
        Action::Event(event) => render(&player.take(event)?),
        Action::Restart => {
            player.restart()?;
            Vec::new()
        }
        Action::ShowInbound { node, sku } => player.inbound(node, sku)?,
        Action::ShowSerial { sku, serial } => player.serial(sku, serial)?,
        Action::ShowPurchaseOrder { id } => player.purchase_order(id)?,
        Action::ShowLedger { node, sku, as_of_ms } => player.ledger(node, sku, *as_of_ms)?,
        Action::ShowAvailable { channel, sku } => {
            vec![format!("{channel} {sku} {}", player.available(channel, sku)?)]
        }
        Action::ShowPhased(table) => {
            let (atp, offered) = player.time_phased(table)?;
            render_phased(table, &atp, offered)
        }
        Action::Promise(asked) => match player.promise(asked)? {
            Some([earliest, latest]) => vec![format!("earliest {earliest} latest {latest}")],
            None => vec!["no promise".to_owned()],
        },
        Action::ShowStock { node, sku } => match player.stock(node, sku)? {
            Some(figures) => vec![render_stock(node, sku, &figures)],
            None => vec![format!("{node} {sku} not stocked")],
        },
        Action::ShowScore { node } => vec![format!("{node} {}", player.score(node)?)],
        Action::ShowWhy { channel, order_id } => player.why(channel, order_id)?,
        Action::ShowFulfilment { id } => match player.fulfilment(id)? {
            Some(figures) => render_fulfilment(id, &figures),
            None => vec![format!("no fulfilment {id}")],
        },
    })
}
