//! Publishing events: a body of JSON lines, each one CloudEvent.
//!
//! All or nothing: a line that is not an event refuses the body with every line's fault, unless
//! the caller says `partial=true`. An answer says that the events are durably in the log, not what
//! was decided about them.

use std::error::Error;

use axum::Json;
use axum::extract::rejection::{QueryRejection, StringRejection};
use axum::extract::{Path, Query as Parameters, State};
use axum::http::StatusCode;
use omnifold_events::jsonl::{FileEvent, LineError, parse_line};
use serde::{Deserialize, Serialize};

use super::health::status_of;
use crate::{Problem, Server};

/// Most faults told in one answer.
const FAULTS_TOLD: usize = 100;

/// What became of a body of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Events in the log now.
    pub published: usize,
    /// Lines that were no events.
    pub refused: usize,
    /// Why, line by line, the first hundred.
    pub faults: Vec<LineFault>,
}

/// A line that is not an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineFault {
    /// Number of the line, from 1.
    pub line: usize,
    /// Stable code, as in topic `rejected`.
    pub reason: String,
    /// What and where. Names fields, never repeats values.
    pub detail: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PublishParameters {
    #[serde(default)]
    partial: bool,
}

/// Publishes a body of JSON lines.
pub(super) async fn publish(
    State(server): State<Server>,
    Path(market): Path<String>,
    parameters: Result<Parameters<PublishParameters>, QueryRejection>,
    body: Result<String, StringRejection>,
) -> Result<Json<Published>, Problem> {
    let Parameters(parameters) =
        parameters.map_err(|fault| Problem::bad_request(fault.body_text()))?;
    let body = body.map_err(|fault| unreadable(&server, &fault))?;
    status_of(server.blocking(|markets| Ok(markets.status())).await?, &market)?;
    let (events, mut faults) = parse(&body);
    let refused = faults.len();
    faults.truncate(FAULTS_TOLD);
    if refused > 0 && !parameters.partial {
        return Err(refusal(refused, events.len() + refused, faults));
    }
    let published = events.len();
    if published > 0 {
        server.blocking(move |markets| markets.publish(&market, events)).await?;
    }
    Ok(Json(Published { published, refused, faults }))
}

fn parse(body: &str) -> (Vec<FileEvent>, Vec<LineFault>) {
    let (mut events, mut faults) = (Vec::new(), Vec::new());
    let lines = body.lines().enumerate().filter(|(_, text)| !text.trim().is_empty());
    for (index, text) in lines {
        match parse_line(text) {
            Ok(event) => events.push(event),
            Err(error) => faults.push(line_fault(index + 1, &error)),
        }
    }
    (events, faults)
}

fn line_fault(line: usize, error: &LineError) -> LineFault {
    let mut detail = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Some messages end with their cause already.
        let text = cause.to_string();
        if !detail.ends_with(&text) {
            detail = format!("{detail}: {text}");
        }
        source = cause.source();
    }
    LineFault { line, reason: error.reason().to_owned(), detail }
}

fn refusal(refused: usize, lines: usize, faults: Vec<LineFault>) -> Problem {
    let detail = format!(
        "{refused} of {lines} lines are not events, nothing was published; \
         correct them, or publish the others with `partial=true`"
    );
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let mut problem = Problem::new(status, "not_events", "Some lines are not events", detail);
    problem.faults = faults;
    problem
}

fn unreadable(server: &Server, fault: &StringRejection) -> Problem {
    if fault.status() != StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::bad_request(fault.body_text());
    }
    let most = server.limits.body_bytes;
    let detail = format!("the body is longer than {most} bytes; publish it in parts");
    Problem::new(fault.status(), "too_large", "The body is too large", detail)
}
