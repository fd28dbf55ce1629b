//! Questions about the state and the log.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as Parameters, State};
use omnifold_log::TopicKind;
use omnifold_projector::{Answer, PromiseAsked, Query};
use serde::Deserialize;
use serde_json::{Value, json};

use super::health::status_of;
use crate::{Problem, RecordPage, Server};

type Answered = Result<Json<Answer>, Problem>;

/// Rows of one answer where nobody says how many.
const DEFAULT_ROWS: usize = 100;

/// How every market stands.
pub(super) async fn markets(State(server): State<Server>) -> Result<Json<Value>, Problem> {
    let statuses = server.blocking(|markets| Ok(markets.status())).await?;
    Ok(Json(json!({ "markets": statuses })))
}

/// One market: how it stands, and its settings and nodes where it can answer.
pub(super) async fn market(
    State(server): State<Server>,
    Path(market): Path<String>,
) -> Result<Json<Value>, Problem> {
    let statuses = server.blocking(|markets| Ok(markets.status())).await?;
    let status = status_of(statuses, &market)?;
    match ask(&server, market, Query::Market).await {
        Ok(Json(answer)) => {
            Ok(Json(json!({ "position": answer.position, "status": status, "body": answer.body })))
        }
        // A market that is starting or stopped still says why.
        Err(problem) if problem.code() == "not_ready" => {
            Ok(Json(json!({ "position": status.position, "status": status, "body": null })))
        }
        Err(problem) => Err(problem),
    }
}

/// An order.
pub(super) async fn order(
    State(server): State<Server>,
    Path((market, channel, order_id)): Path<(String, String, String)>,
) -> Answered {
    ask(&server, market, Query::Order { channel, order_id }).await
}

/// The decisions about an order, explained.
pub(super) async fn decisions(
    State(server): State<Server>,
    Path((market, channel, order_id)): Path<(String, String, String)>,
) -> Answered {
    ask(&server, market, Query::Decisions { channel, order_id }).await
}

/// A fulfilment.
pub(super) async fn fulfilment(
    State(server): State<Server>,
    Path((market, id)): Path<(String, String)>,
) -> Answered {
    ask(&server, market, Query::Fulfilment { id }).await
}

/// A node, and what it made of its work.
pub(super) async fn node(
    State(server): State<Server>,
    Path((market, id)): Path<(String, String)>,
) -> Answered {
    ask(&server, market, Query::Node { id }).await
}

/// A purchase order.
pub(super) async fn purchase_order(
    State(server): State<Server>,
    Path((market, id)): Path<(String, String)>,
) -> Answered {
    ask(&server, market, Query::PurchaseOrder { id }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StockParameters {
    node: Option<String>,
    sku: Option<String>,
    limit: Option<usize>,
}

/// Stock rows, all or of a node or a SKU.
pub(super) async fn stock(
    State(server): State<Server>,
    Path(market): Path<String>,
    parameters: Result<Parameters<StockParameters>, QueryRejection>,
) -> Answered {
    let StockParameters { node, sku, limit } = valid(parameters)?;
    let limit = bounded(&server, limit)?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    ask(&server, market, Query::Stock { node: given(node), sku: given(sku), limit }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SerialParameters {
    sku: String,
    serial: String,
}

/// Where a unit is, and where it has been.
pub(super) async fn serial(
    State(server): State<Server>,
    Path(market): Path<String>,
    parameters: Result<Parameters<SerialParameters>, QueryRejection>,
) -> Answered {
    let SerialParameters { sku, serial } = valid(parameters)?;
    ask(&server, market, Query::Serial { sku, serial }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AvailabilityParameters {
    channel: String,
    sku: String,
}

/// What a defined channel may sell of a SKU.
pub(super) async fn availability(
    State(server): State<Server>,
    Path(market): Path<String>,
    parameters: Result<Parameters<AvailabilityParameters>, QueryRejection>,
) -> Answered {
    let AvailabilityParameters { channel, sku } = valid(parameters)?;
    ask(&server, market, Query::Availability { channel, sku }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PromiseParameters {
    items: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    country: String,
    #[serde(default)]
    area: String,
    channel: Option<String>,
    #[serde(default)]
    at: String,
}

/// What would be promised, before anything is bought.
pub(super) async fn promise(
    State(server): State<Server>,
    Path(market): Path<String>,
    parameters: Result<Parameters<PromiseParameters>, QueryRejection>,
) -> Answered {
    let PromiseParameters { items, to, country, area, channel, at } = valid(parameters)?;
    let channel = channel.as_deref().unwrap_or("web");
    let asked = PromiseAsked::read(channel, &items, &to, (&country, &area), &at);
    let asked = asked.map_err(Problem::bad_request)?;
    ask(&server, market, Query::Promise(asked)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordParameters {
    from: Option<u64>,
    limit: Option<usize>,
}

/// Records of one of the market's topics.
pub(super) async fn records(
    State(server): State<Server>,
    Path((market, topic)): Path<(String, String)>,
    parameters: Result<Parameters<RecordParameters>, QueryRejection>,
) -> Result<Json<RecordPage>, Problem> {
    let kind = TopicKind::parse(&topic).ok_or_else(|| unknown_topic(&topic))?;
    let RecordParameters { from, limit } = valid(parameters)?;
    let limit = bounded(&server, limit)?;
    server.blocking(move |markets| markets.records(&market, kind, from, limit)).await.map(Json)
}

async fn ask(server: &Server, market: String, query: Query) -> Answered {
    server.blocking(move |markets| markets.query(&market, query)).await.map(Json)
}

fn valid<T>(parameters: Result<Parameters<T>, QueryRejection>) -> Result<T, Problem> {
    parameters.map(|Parameters(it)| it).map_err(|fault| Problem::bad_request(fault.body_text()))
}

fn bounded(server: &Server, limit: Option<usize>) -> Result<usize, Problem> {
    let most = server.limits.rows;
    match limit.unwrap_or(DEFAULT_ROWS.min(most)) {
        limit if (1..=most).contains(&limit) => Ok(limit),
        limit => Err(Problem::bad_request(format!("`limit` is {limit}, must be 1 to {most}"))),
    }
}

fn unknown_topic(topic: &str) -> Problem {
    let names = TopicKind::INPUTS.into_iter().chain(TopicKind::OUTPUTS).map(TopicKind::name);
    let names = names.collect::<Vec<_>>().join(", ");
    Problem::bad_request(format!("`{topic}` is no topic of a market; there are: {names}"))
}
