//! HTTP API, metrics and health of a running instance.
//!
//! Rules:
//!
//! * The server reads through [`Markets`] and writes only by publishing events to the log; it
//!   never changes state itself.
//! * Every answer about a market carries the position (epoch, step, clock, digest) it stands for.
//! * Every fault is a problem document (RFC 9457) with a stable `type`.
//! * Bodies, answers, time and the number of requests at work are bounded ([`Limits`]).
//!
//! There is no authentication: listen on 127.0.0.1, or put a proxy in front.

mod limits;
mod markets;
mod problem;
mod prometheus;
mod records;
mod routes;

use std::future::Future;
use std::io;
use std::sync::Arc;

pub use limits::Limits;
pub use markets::{Markets, MarketsError};
pub use problem::Problem;
pub use prometheus::{Prometheus, PrometheusError};
pub use records::{DEFAULT_TAIL, RecordPage, read_records, record_json};
pub use routes::{LineFault, Published};

/// What the routes work with.
#[derive(Clone)]
pub struct Server {
    markets: Arc<dyn Markets>,
    prometheus: Prometheus,
    limits: Limits,
}

impl Server {
    /// A server for these markets.
    pub fn new(markets: Arc<dyn Markets>, prometheus: Prometheus, limits: Limits) -> Self {
        Server { markets, prometheus, limits }
    }

    /// Answers requests on the listener until `shutdown` is ready, then finishes those at work.
    ///
    /// # Errors
    /// Where the listener fails.
    pub async fn run(
        self,
        listener: tokio::net::TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let upkeep = tokio::spawn(self.prometheus.clone().keep_up());
        let served = axum::serve(listener, routes::router(self)).with_graceful_shutdown(shutdown);
        let result = served.await;
        upkeep.abort();
        result
    }

    /// Runs work that may block (queries wait for the market's writer thread) off the
    /// asynchronous threads.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Markets) -> Result<T, MarketsError> + Send + 'static,
    ) -> Result<T, Problem> {
        let markets = self.markets.clone();
        match tokio::task::spawn_blocking(move || work(&*markets)).await {
            Ok(result) => result.map_err(Problem::from),
            Err(panic) => Err(Problem::internal(&panic.to_string())),
        }
    }
}
