//! Publishes through a running `omnifold serve`, which holds the embedded log.

use std::sync::Mutex;

use omnifold_events::jsonl::{FileEvent, to_line};
use omnifold_events::{Envelope, decode};
use omnifold_log::{LogError, Producer, Record, RecordBuf};

use crate::client::{Client, escaped};

/// Bytes of one request; below the server's bound on bodies.
const BODY_BYTES: usize = 4 << 20;

/// A producer that sends each batch as JSON lines. The server answers when they are durable.
pub struct ServerProducer {
    client: Mutex<Client>,
    path: String,
}

impl ServerProducer {
    /// A producer to a market of a server.
    pub fn new(client: Client, market: &str) -> Self {
        let path = format!("/v1/markets/{}/events", escaped(market));
        ServerProducer { client: Mutex::new(client), path }
    }

    fn send(&self, body: &str) -> Result<(), LogError> {
        let client = self.client.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let sent = client.post(&self.path, body);
        sent.map(|_| ()).map_err(|error| LogError::Unavailable {
            what: format!("publishing to {}", client.base()),
            detail: format!("{error:#}"),
        })
    }
}

impl Producer for ServerProducer {
    fn append(&self, _topics: &[String], batch: &RecordBuf) -> Result<(), LogError> {
        let mut body = String::new();
        for record in batch.iter() {
            body.push_str(&line_of(&record)?);
            body.push('\n');
            if body.len() >= BODY_BYTES {
                self.send(&body)?;
                body.clear();
            }
        }
        if body.is_empty() { Ok(()) } else { self.send(&body) }
    }
}

fn line_of(record: &Record<'_>) -> Result<String, LogError> {
    let unfit = |detail: String| LogError::Refused { detail };
    let envelope = Envelope::from_headers(record.headers.iter());
    let envelope = envelope.map_err(|error| unfit(error.to_string()))?;
    let bytes = record.value.unwrap_or_default();
    let event = decode(envelope.type_name, envelope.content_type, bytes);
    Ok(to_line(&FileEvent {
        id: envelope.id.to_owned(),
        source: envelope.source.to_owned(),
        time_ms: envelope.time_ms,
        event: event.map_err(|error| unfit(error.to_string()))?,
    }))
}
