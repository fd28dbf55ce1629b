//! `omnifold show`.

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use omnifold_events::format_time;
use omnifold_events::parse_time;
use omnifold_projector::{
    History, PromiseAsked, Query, QueryError, Why, history, query_offline, why,
};
use serde_json::Value;

use crate::client::{Client, escaped};
use crate::context::Context;
use crate::exit::{Exit, NotFound, Usage};
use crate::render::{answer_text, history_text, ledger_text};

const ORDER: &str = "\
Example:
  omnifold show order web/1001 --market de
  omnifold show order web/1001 --history";
const STOCK: &str = "\
`atp` is what may still be promised: on_hand - allocated - buffer + backorder_limit.

Example:
  omnifold show stock --sku TEA-GREEN-100 --market de
  omnifold show stock --node berlin --limit 20
  omnifold show stock berlin TEA-GREEN-100 --why
  omnifold show stock berlin TEA-GREEN-100 --why --as-of 2025-06-02T13:25:00Z";
const FULFILMENT: &str = "\
Example:
  omnifold show fulfilment web/1001/f1 --market de";
const PURCHASE_ORDER: &str = "\
Its lines with what was acknowledged, received, billed and is on order, what arrived and was billed,
and how punctual the supplier is.

Example:
  omnifold show purchase-order PO-4711 --market de";
const NODE: &str = "\
Its score is the share of fulfilments that it kept, in per mille of those that were settled in the last
28 days: kept, late, rejected, timed out or picked short.

Example:
  omnifold show node berlin --market de";
const SERIAL: &str = "\
Where a unit is and where it has been, oldest first: of items that are defined as serialised.

Example:
  omnifold show serial PHONE-128 SN-4711 --market de";
const DECISION: &str = "\
Every decision about the order, with each node that was looked at and why it won or lost.

Example:
  omnifold show decision web/1001 --market de";
const MARKET: &str = "\
Example:
  omnifold show market --market de";

/// What the state says, and for which position. A running `omnifold serve` on the same folder is
/// asked; otherwise the stored state is opened, and brought up to the log first.
#[derive(Debug, Subcommand)]
pub enum Show {
    /// An order: its lines and fulfilments
    #[command(after_help = ORDER)]
    Order(OrderArgs),
    /// Stock rows of a node, a SKU or all
    #[command(after_help = STOCK)]
    Stock(Stock),
    /// One node's share of an order
    #[command(after_help = FULFILMENT)]
    Fulfilment(FulfilmentId),
    /// A node, and what it made of its work
    #[command(after_help = NODE)]
    Node(NodeId),
    /// A purchase order: its lines, deliveries, receipts and bills
    #[command(after_help = PURCHASE_ORDER)]
    PurchaseOrder(PurchaseOrderId),
    /// A unit by its serial number: where it is, and where it has been
    #[command(after_help = SERIAL)]
    Serial(SerialName),
    /// The decisions about an order, explained
    #[command(after_help = DECISION)]
    Decision(OrderId),
    /// A market: settings, nodes, counts
    #[command(after_help = MARKET)]
    Market,
}

/// An order.
#[derive(Debug, Args)]
pub struct OrderId {
    /// The order: its channel and its id
    #[arg(value_name = "CHANNEL/ORDER_ID")]
    order: String,
}

/// An order, as it stands or as it came about.
#[derive(Debug, Args)]
pub struct OrderArgs {
    #[command(flatten)]
    id: OrderId,
    /// Tell its story: every event about it, taken or refused, and every decision, with their
    /// places; reads the whole log
    #[arg(long)]
    history: bool,
    /// Entries of the story at most, the newest
    #[arg(
        long,
        requires = "history",
        default_value_t = 1_000,
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    limit: u32,
}

/// A fulfilment.
#[derive(Debug, Args)]
pub struct FulfilmentId {
    /// The fulfilment, as it stands on `assignments`
    #[arg(value_name = "CHANNEL/ORDER_ID/fN")]
    id: String,
}

/// A node.
#[derive(Debug, Args)]
pub struct NodeId {
    /// The node, as NodeDefined names it
    #[arg(value_name = "NODE_ID")]
    id: String,
}

/// A purchase order.
#[derive(Debug, Args)]
pub struct PurchaseOrderId {
    /// The purchase order, as PurchaseOrderIssued names it
    #[arg(value_name = "PURCHASE_ORDER_ID")]
    id: String,
}

/// A unit.
#[derive(Debug, Args)]
pub struct SerialName {
    /// Its item
    #[arg(value_name = "SKU")]
    sku: String,
    /// Its serial number
    #[arg(value_name = "SERIAL")]
    serial: String,
}

/// Which stock rows.
#[derive(Debug, Args)]
pub struct Stock {
    /// The node and the SKU of one row
    #[arg(value_names = ["NODE", "SKU"], num_args = 2, conflicts_with_all = ["node", "sku"])]
    row: Vec<String>,
    /// List the entries that sum to each bucket of the row; reads the whole log
    #[arg(long, requires = "row")]
    why: bool,
    /// Only what acts at or before this time, with everything known by now (RFC 3339)
    #[arg(long, requires = "why", value_parser = parse_time)]
    as_of: Option<i64>,
    /// Only this node
    #[arg(long)]
    node: Option<String>,
    /// Only this SKU
    #[arg(long)]
    sku: Option<String>,
    /// Rows at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

impl Show {
    /// Asks and shows.
    pub fn run(&self, context: &Context) -> Result<Exit> {
        if let Show::Stock(stock) = self
            && stock.why
        {
            return stock.explain(context);
        }
        if let Show::Order(order) = self
            && order.history
        {
            return order.tell(context);
        }
        answer(context, &self.query()?)
    }

    fn query(&self) -> Result<Query> {
        Ok(match self {
            Show::Market => Query::Market,
            Show::Fulfilment(FulfilmentId { id }) => Query::Fulfilment { id: id.clone() },
            Show::Node(NodeId { id }) => Query::Node { id: id.clone() },
            Show::PurchaseOrder(PurchaseOrderId { id }) => Query::PurchaseOrder { id: id.clone() },
            Show::Serial(SerialName { sku, serial }) => {
                Query::Serial { sku: sku.clone(), serial: serial.clone() }
            }
            Show::Stock(Stock { row, node, sku, limit, .. }) => {
                let (node, sku) = (row.first().or(node.as_ref()), row.get(1).or(sku.as_ref()));
                Query::Stock { node: node.cloned(), sku: sku.cloned(), limit: *limit as usize }
            }
            Show::Order(OrderArgs { id: OrderId { order }, .. }) => {
                let (channel, order_id) = parts(order)?;
                Query::Order { channel, order_id }
            }
            Show::Decision(OrderId { order }) => {
                let (channel, order_id) = parts(order)?;
                Query::Decisions { channel, order_id }
            }
        })
    }
}

/// Asks a question, of a running server or of the log, and shows the answer.
pub fn answer(context: &Context, query: &Query) -> Result<Exit> {
    let answer = match context.remote()? {
        Some(client) => ask(&client, &context.market_of(&client)?, query)?,
        None => {
            let log = context.open_existing_log()?;
            let market = context.market(&log)?;
            let answer = query_offline(log.log(), &market, context.options(), query.clone())?;
            serde_json::to_value(answer.map_err(explained)?)?
        }
    };
    context.output.show(&answer, |answer| answer_text(query, answer))?;
    Ok(Exit::Done)
}

/// Only who opens the log can read all of it.
fn refuse_server(context: &Context) -> Result<()> {
    if context.remote()?.is_none() {
        return Ok(());
    }
    let detail = "a running server does not read the whole log for one answer; stop it, or ask \
                  where its log can be opened beside it";
    Err(Usage(detail.to_owned()).into())
}

impl OrderArgs {
    fn tell(&self, context: &Context) -> Result<Exit> {
        refuse_server(context)?;
        let log = context.open_existing_log()?;
        let market = context.market(&log)?;
        let (channel, order_id) = parts(&self.id.order)?;
        let question = History { channel, order_id, limit: self.limit as usize };
        let answer = history(log.log(), &market, context.options(), &question)?;
        let answer = serde_json::to_value(answer.map_err(explained)?)?;
        context.output.show(&answer, history_text)?;
        Ok(Exit::Done)
    }
}

impl Stock {
    fn explain(&self, context: &Context) -> Result<Exit> {
        refuse_server(context)?;
        let [node, sku] = &self.row[..] else {
            return Err(Usage("name the NODE and the SKU".to_owned()).into());
        };
        let log = context.open_existing_log()?;
        let market = context.market(&log)?;
        let (node, sku, limit) = (node.clone(), sku.clone(), self.limit as usize);
        let question = Why { node, sku, as_of_ms: self.as_of, limit };
        let answer = why(log.log(), &market, context.options(), &question)?;
        let answer = serde_json::to_value(answer.map_err(explained)?)?;
        let agrees = answer["body"]["agrees"] == true;
        context.output.show(&answer, ledger_text)?;
        Ok(if agrees { Exit::Done } else { Exit::Violations })
    }
}

fn parts(order: &str) -> Result<(String, String)> {
    let parts = order.split_once('/').filter(|(channel, id)| !channel.is_empty() && !id.is_empty());
    let (channel, id) = parts
        .ok_or_else(|| Usage(format!("`{order}` is not CHANNEL/ORDER_ID, such as `web/1001`")))?;
    Ok((channel.to_owned(), id.to_owned()))
}

fn explained(error: QueryError) -> anyhow::Error {
    match error {
        QueryError::NoMarket(_) | QueryError::NotFound(_) => NotFound(error.to_string()).into(),
        other => other.into(),
    }
}

fn ask(client: &Client, market: &str, query: &Query) -> Result<Value> {
    let what = match query {
        Query::Market => String::new(),
        Query::Order { channel, order_id } => format!("/orders/{}", path(channel, order_id)),
        Query::Decisions { channel, order_id } => format!("/decisions/{}", path(channel, order_id)),
        Query::Fulfilment { id } => format!("/fulfilments/{}", escaped(id)),
        Query::Node { id } => format!("/nodes/{}", escaped(id)),
        Query::PurchaseOrder { id } => format!("/purchase-orders/{}", escaped(id)),
        Query::Availability { channel, sku } => {
            format!("/availability?channel={}&sku={}", escaped(channel), escaped(sku))
        }
        Query::Serial { sku, serial } => {
            format!("/serial?sku={}&serial={}", escaped(sku), escaped(serial))
        }
        Query::Promise(asked) => format!("/promise?{}", promise_parameters(asked)),
        Query::Stock { node, sku, limit } => {
            let given = |text: &Option<String>| escaped(text.as_deref().unwrap_or_default());
            format!("/stock?node={}&sku={}&limit={limit}", given(node), given(sku))
        }
    };
    client
        .get(&format!("/v1/markets/{}{what}", escaped(market)))
        .with_context(|| format!("asking {}", client.base()))
}

fn promise_parameters(asked: &PromiseAsked) -> String {
    let milli = |milli: i64| format!("{}.{:03}", milli / 1_000, milli % 1_000);
    let item = |(sku, units): &(String, i64)| format!("{sku}={}", milli(*units));
    let items = asked.items.iter().map(item).collect::<Vec<_>>().join(",");
    let degrees = |e6: i32| f64::from(e6) / 1e6;
    let to = asked.to.map(|(lat, lon)| format!("{},{}", degrees(lat), degrees(lon)));
    let at = if asked.at_ms == 0 { String::new() } else { format_time(asked.at_ms) };
    let parameters = [
        ("items", items),
        ("to", to.unwrap_or_default()),
        ("country", asked.country.clone()),
        ("area", asked.area.clone()),
        ("channel", asked.channel.clone()),
        ("at", at),
    ];
    parameters.map(|(name, value)| format!("{name}={}", escaped(&value))).join("&")
}

fn path(channel: &str, order_id: &str) -> String {
    format!("{}/{}", escaped(channel), escaped(order_id))
}
