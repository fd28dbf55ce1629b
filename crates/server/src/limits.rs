//! Bounds on what a client may ask for.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use crate::Problem;

/// Bounds of the server. All are per instance.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest body of published events, bytes.
    pub body_bytes: usize,
    /// Longest time a request may take.
    pub request_time: Duration,
    /// Longest time a verification of the whole log may take.
    pub verify_time: Duration,
    /// Requests at work at the same time; more are turned away.
    pub requests: usize,
    /// Rows or records in one answer.
    pub rows: usize,
    /// A market that is further behind than this is not ready.
    pub ready_lag: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body_bytes: 16 << 20,
            request_time: Duration::from_secs(30),
            verify_time: Duration::from_secs(3_600),
            requests: 64,
            rows: 10_000,
            ready_lag: Duration::from_secs(10),
        }
    }
}

/// Turns requests away when too many are at work, and ends those that take too long.
#[derive(Clone)]
pub(crate) struct Gate {
    pub places: Arc<Semaphore>,
    pub time: Duration,
}

impl Gate {
    pub async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
        let Ok(_place) = gate.places.try_acquire() else {
            return busy().into_response();
        };
        match tokio::time::timeout(gate.time, next.run(request)).await {
            Ok(response) => response,
            Err(_) => too_slow(gate.time).into_response(),
        }
    }
}

fn busy() -> Problem {
    let detail = "too many requests are at work; try again".to_owned();
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "The server is busy", detail)
}

fn too_slow(time: Duration) -> Problem {
    let detail = format!("no answer within {} s; the work may still be done", time.as_secs_f64());
    Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", "The request took too long", detail)
}
