//! Topics in memory, as much of a log as the checker reads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use omnifold_log::{
    Appender, Compaction, Fetched, HeadersBuilder, Log, LogError, Membership, OwnershipHandler,
    Producer, Reader, RecordBuf, TopicDescription, TopicSpec,
};

/// One record, owned.
#[derive(Debug, Clone)]
pub struct Stored {
    pub offset: u64,
    pub time_ms: i64,
    pub headers: Vec<(String, Vec<u8>)>,
    pub key: Vec<u8>,
    pub value: Vec<u8>,
}

/// Topics in memory.
#[derive(Debug, Default, Clone)]
pub struct MemoryLog {
    pub topics: BTreeMap<String, Vec<Stored>>,
    pub start: u64,
}

fn cannot<T>() -> Result<T, LogError> {
    Err(LogError::Configuration("records in memory are only read".to_owned()))
}

impl Log for MemoryLog {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn create_topics(&self, _: &[TopicSpec]) -> Result<Vec<String>, LogError> {
        cannot()
    }

    fn describe(&self, topics: &[&str]) -> Result<Vec<Option<TopicDescription>>, LogError> {
        let describe = |name: &&str| {
            let records = self.topics.get(*name)?;
            Some(TopicDescription {
                name: (*name).to_owned(),
                identity: "1".to_owned(),
                start: self.start,
                end: records.last().map_or(0, |record| record.offset + 1),
                partitions: 1,
                compaction: Compaction::None,
                retention_ms: None,
                retention_bytes: None,
            })
        };
        Ok(topics.iter().map(describe).collect())
    }

    fn reader(&self, topics: &[(String, u64)]) -> Result<Box<dyn Reader>, LogError> {
        let topics = topics.iter().map(|(name, from)| (self.topics[name].clone(), *from)).collect();
        Ok(Box::new(MemoryReader { topics }))
    }

    fn owner(&self, _: &str) -> Result<Box<dyn Appender>, LogError> {
        cannot()
    }

    fn producer(&self) -> Result<Box<dyn Producer>, LogError> {
        cannot()
    }

    fn join(
        &self,
        _: &[String],
        _: Arc<dyn OwnershipHandler>,
    ) -> Result<Box<dyn Membership>, LogError> {
        cannot()
    }

    fn set_floor(&self, _: &str, _: &str, _: u64) -> Result<(), LogError> {
        cannot()
    }

    fn trim(&self, _: &str, _: u64) -> Result<(), LogError> {
        cannot()
    }
}

struct MemoryReader {
    topics: Vec<(Vec<Stored>, u64)>,
}

impl Reader for MemoryReader {
    /// Two records at a time, so that the checker has to come back.
    fn fetch(&mut self, topic: usize, _: usize, into: &mut RecordBuf) -> Result<Fetched, LogError> {
        let (records, next) = &mut self.topics[topic];
        let end = records.last().map_or(0, |record| record.offset + 1);
        let found: Vec<&Stored> =
            records.iter().filter(|record| record.offset >= *next).take(2).collect();
        for record in &found {
            let mut headers = HeadersBuilder::default();
            record.headers.iter().for_each(|(name, value)| headers.put(name, value));
            let (key, value) = (&record.key, Some(&record.value[..]));
            into.push(topic, record.offset, record.time_ms, headers.as_headers(), key, value);
            *next = record.offset + 1;
        }
        Ok(Fetched { records: found.len(), next: *next, at_end: *next >= end, end })
    }

    fn wait(&mut self, _: Duration) -> Result<(), LogError> {
        Ok(())
    }
}
