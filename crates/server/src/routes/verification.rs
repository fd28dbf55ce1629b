//! Checking the state against itself and against the log.

use axum::Json;
use axum::extract::{Path, State};
use omnifold_projector::{StateReport, VerifyReport};

use crate::{Problem, Server};

/// Recomputes the digest from the rows.
pub(super) async fn state(
    State(server): State<Server>,
    Path(market): Path<String>,
) -> Result<Json<StateReport>, Problem> {
    server.blocking(move |markets| markets.verify_state(&market)).await.map(Json)
}

/// Decides the whole log again and compares.
pub(super) async fn log(
    State(server): State<Server>,
    Path(market): Path<String>,
) -> Result<Json<VerifyReport>, Problem> {
    server.blocking(move |markets| markets.verify(&market)).await.map(Json)
}
