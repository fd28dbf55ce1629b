//! The addresses. Each group of routes is one file.

mod events;
mod health;
mod queries;
mod verification;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Uri, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

pub use events::{LineFault, Published};

use crate::limits::Gate;
use crate::{Problem, Server};

/// Every address, as `/` lists them.
const ADDRESSES: [(&str, &str); 17] = [
    ("GET /health", "the process is alive"),
    ("GET /ready", "every market is caught up; 503 with the reasons where one is not"),
    ("GET /metrics", "figures in the Prometheus text form"),
    ("GET /v1/markets", "how every market stands"),
    ("GET /v1/markets/{market}", "one market: how it stands, settings, nodes"),
    ("GET /v1/markets/{market}/orders/{channel}/{order_id}", "an order"),
    ("GET /v1/markets/{market}/decisions/{channel}/{order_id}", "its decisions, explained"),
    ("GET /v1/markets/{market}/fulfilments/{id}", "a fulfilment, channel/order_id/fN"),
    ("GET /v1/markets/{market}/purchase-orders/{id}", "a purchase order"),
    ("GET /v1/markets/{market}/stock?node=&sku=&limit=", "stock rows"),
    ("GET /v1/markets/{market}/serial?sku=&serial=", "where a unit is, and where it has been"),
    ("GET /v1/markets/{market}/availability?channel=&sku=", "what a channel may sell"),
    (
        "GET /v1/markets/{market}/promise?items=&to=&country=&area=&channel=&at=",
        "what would be promised, before anything is bought",
    ),
    ("GET /v1/markets/{market}/records/{topic}?from=&limit=", "records of a topic, decoded"),
    ("POST /v1/markets/{market}/events?partial=", "publish events, one CloudEvents JSON a line"),
    ("POST /v1/markets/{market}/verify-state", "recompute the digest from the rows"),
    ("POST /v1/markets/{market}/verify", "decide the whole log again and compare"),
];

pub(crate) fn router(server: Server) -> Router {
    let limits = server.limits.clone();
    let gate = |requests: usize, time: Duration| {
        let gate = Gate { places: Arc::new(Semaphore::new(requests)), time };
        middleware::from_fn_with_state(gate, Gate::pass)
    };
    let market = Router::new()
        .route("/v1/markets", get(queries::markets))
        .route("/v1/markets/{market}", get(queries::market))
        .route("/v1/markets/{market}/orders/{channel}/{*order_id}", get(queries::order))
        .route("/v1/markets/{market}/decisions/{channel}/{*order_id}", get(queries::decisions))
        .route("/v1/markets/{market}/fulfilments/{*id}", get(queries::fulfilment))
        .route("/v1/markets/{market}/nodes/{*id}", get(queries::node))
        .route("/v1/markets/{market}/purchase-orders/{*id}", get(queries::purchase_order))
        .route("/v1/markets/{market}/stock", get(queries::stock))
        .route("/v1/markets/{market}/serial", get(queries::serial))
        .route("/v1/markets/{market}/availability", get(queries::availability))
        .route("/v1/markets/{market}/promise", get(queries::promise))
        .route("/v1/markets/{market}/records/{topic}", get(queries::records))
        .route("/v1/markets/{market}/events", post(events::publish))
        .route("/v1/markets/{market}/verify-state", post(verification::state))
        .layer(gate(limits.requests, limits.request_time));
    // One at a time: a verification reads the whole log and decides all of it again.
    let verification = Router::new()
        .route("/v1/markets/{market}/verify", post(verification::log))
        .layer(gate(1, limits.verify_time));
    Router::new()
        .route("/", get(index))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/metrics", get(metrics))
        .merge(market)
        .merge(verification)
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(limits.body_bytes))
        .with_state(server)
}

async fn index() -> Json<Value> {
    let list = ADDRESSES.map(|(address, about)| json!({ "address": address, "about": about }));
    Json(json!({ "service": "omnifold", "addresses": list }))
}

async fn metrics(State(server): State<Server>) -> impl IntoResponse {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], server.prometheus.render())
}

async fn nowhere(uri: Uri) -> Problem {
    Problem::no_route(uri.path())
}

async fn wrong_method(uri: Uri) -> Problem {
    let mut problem = Problem::no_route(uri.path());
    problem.status = 405;
    problem.detail = format!("`{}` does not take this method; `/` lists what does", uri.path());
    problem
}
