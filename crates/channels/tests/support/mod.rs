//! A log that keeps what it is given, for tests of what adapters publish.
#![allow(dead_code)] // each test uses its part

use std::sync::{Arc, Mutex};

use omnifold_events::{Envelope, Event, decode};
use omnifold_log::{
    Appender, Log, LogError, Membership, OwnershipHandler, Producer, Reader, RecordBuf,
    TopicDescription, TopicSpec,
};

/// One record as it was appended.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub topic: String,
    pub key: String,
    pub time_ms: i64,
    pub id: String,
    pub content_type: &'static str,
    pub event: Event,
    pub value: Vec<u8>,
}

/// Keeps every batch. Refuses the appends from the one numbered `fail_at` on.
#[derive(Default)]
pub struct KeepingLog {
    pub batches: Arc<Mutex<Vec<Vec<Kept>>>>,
    pub fail_at: Option<usize>,
}

impl KeepingLog {
    pub fn records(&self) -> Vec<Kept> {
        self.batches.lock().expect("no panic").concat()
    }
}

struct KeepingProducer {
    batches: Arc<Mutex<Vec<Vec<Kept>>>>,
    fail_at: Option<usize>,
}

impl Producer for KeepingProducer {
    fn append(&self, topics: &[String], batch: &RecordBuf) -> Result<(), LogError> {
        let mut batches = self.batches.lock().expect("no panic");
        if self.fail_at.is_some_and(|at| batches.len() >= at) {
            return Err(LogError::Refused { detail: "disk full".to_owned() });
        }
        batches.push(batch.iter().map(|record| kept(topics, record)).collect());
        Ok(())
    }
}

fn kept(topics: &[String], record: omnifold_log::Record<'_>) -> Kept {
    let envelope = Envelope::from_headers(record.headers.iter()).expect("a CloudEvents envelope");
    let value = record.value.expect("a value");
    if let Some(time_ms) = envelope.time_ms {
        assert_eq!(time_ms, record.time_ms, "ce_time is the record's timestamp");
    }
    Kept {
        topic: topics[record.topic].clone(),
        key: String::from_utf8(record.key.to_vec()).expect("a key of text"),
        time_ms: record.time_ms,
        id: format!("{}#{}", envelope.source, envelope.id),
        content_type: envelope.content_type.media_type(),
        event: decode(envelope.type_name, envelope.content_type, value).expect("an event"),
        value: value.to_vec(),
    }
}

fn not_here<T>() -> Result<T, LogError> {
    Err(LogError::Configuration("this log only keeps".to_owned()))
}

impl Log for KeepingLog {
    fn kind(&self) -> &'static str {
        "keeping"
    }
    fn create_topics(&self, _: &[TopicSpec]) -> Result<Vec<String>, LogError> {
        not_here()
    }
    fn describe(&self, _: &[&str]) -> Result<Vec<Option<TopicDescription>>, LogError> {
        not_here()
    }
    fn reader(&self, _: &[(String, u64)]) -> Result<Box<dyn Reader>, LogError> {
        not_here()
    }
    fn owner(&self, _: &str) -> Result<Box<dyn Appender>, LogError> {
        not_here()
    }
    fn producer(&self) -> Result<Box<dyn Producer>, LogError> {
        let (batches, fail_at) = (self.batches.clone(), self.fail_at);
        Ok(Box::new(KeepingProducer { batches, fail_at }))
    }
    fn join(
        &self,
        _: &[String],
        _: Arc<dyn OwnershipHandler>,
    ) -> Result<Box<dyn Membership>, LogError> {
        not_here()
    }
    fn set_floor(&self, _: &str, _: &str, _: u64) -> Result<(), LogError> {
        not_here()
    }
    fn trim(&self, _: &str, _: u64) -> Result<(), LogError> {
        not_here()
    }
}
