//! Is the process alive, and is it of use.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use omnifold_projector::{MarketStatus, Role};
use serde_json::{Value, json};

use crate::{Problem, Server};

/// The process answers.
pub(super) async fn health() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// Every market is owned here, or followed closely enough to be taken over at once.
pub(super) async fn ready(State(server): State<Server>) -> (StatusCode, Json<Value>) {
    let allowed = server.limits.ready_lag;
    let statuses = match server.blocking(|markets| Ok(markets.status())).await {
        Ok(statuses) => statuses,
        Err(problem) => return not_ready(vec![problem.detail]),
    };
    let reasons: Vec<String> =
        statuses.iter().filter_map(|status| why_not_ready(status, allowed)).collect();
    if statuses.is_empty() {
        return not_ready(vec!["no market is served".to_owned()]);
    }
    match reasons.is_empty() {
        true => (StatusCode::OK, Json(json!({ "ready": true, "markets": statuses.len() }))),
        false => not_ready(reasons),
    }
}

fn not_ready(reasons: Vec<String>) -> (StatusCode, Json<Value>) {
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "ready": false, "reasons": reasons })))
}

fn why_not_ready(status: &MarketStatus, allowed: Duration) -> Option<String> {
    let market = &status.market;
    if let Some(why) = &status.stopped_because {
        return Some(format!("market `{market}` stopped: {why}"));
    }
    match status.role {
        Role::Owner | Role::Standby => {}
        Role::Starting => return Some(format!("market `{market}` is starting")),
        Role::Stopped => return Some(format!("market `{market}` stopped")),
    }
    let behind = status.lag_events > 0 && status.lag_seconds > allowed.as_secs_f64();
    behind.then(|| {
        format!(
            "market `{market}` is {} events and {:.1} s behind (allowed: {:.1} s)",
            status.lag_events,
            status.lag_seconds,
            allowed.as_secs_f64()
        )
    })
}

/// The status of one market.
pub(super) fn status_of(
    statuses: Vec<MarketStatus>,
    market: &str,
) -> Result<MarketStatus, Problem> {
    let known = statuses.iter().map(|status| status.market.clone()).collect();
    statuses.into_iter().find(|status| status.market == market).ok_or_else(|| {
        crate::MarketsError::UnknownMarket { market: market.to_owned(), known }.into()
    })
}
