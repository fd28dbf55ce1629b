//! Faults as problem documents (RFC 9457).

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::{LineFault, MarketsError};

/// A fault as it is answered, `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable name of the kind of fault: `urn:omnifold:problem:unknown_market` ...
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What and where, and what to do.
    pub detail: String,
    /// Faults of single lines of a body.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<LineFault>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, kind: &str, title: &str, detail: String) -> Self {
        Problem {
            kind: format!("urn:omnifold:problem:{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail,
            faults: Vec::new(),
        }
    }

    pub(crate) fn internal(detail: &str) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Problem::new(status, "failed", "The request failed", detail.to_owned())
    }

    pub(crate) fn bad_request(detail: String) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, "bad_request", "The request is not valid", detail)
    }

    pub(crate) fn no_route(path: &str) -> Self {
        let detail = format!("there is nothing at `{path}`; `/` lists what there is");
        Problem::new(StatusCode::NOT_FOUND, "no_route", "No such address", detail)
    }

    /// The last part of [`Problem::kind`].
    pub fn code(&self) -> &str {
        self.kind.rsplit(':').next().unwrap_or_default()
    }
}

impl From<MarketsError> for Problem {
    fn from(error: MarketsError) -> Self {
        let (status, kind, title) = match &error {
            MarketsError::UnknownMarket { .. } => {
                (StatusCode::NOT_FOUND, "unknown_market", "The market is not served here")
            }
            MarketsError::NotFound { .. } => {
                (StatusCode::NOT_FOUND, "not_found", "The market has no such thing")
            }
            MarketsError::NotReady(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "not_ready", "The market cannot answer now")
            }
            MarketsError::Failed(_) => return Problem::internal(&error.to_string()),
        };
        Problem::new(status, kind, title, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).expect("made from a status");
        let body = serde_json::to_vec(&self).expect("strings and numbers");
        (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
    }
}
