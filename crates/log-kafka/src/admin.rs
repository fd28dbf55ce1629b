//! Topics: made, described, trimmed.

mod request;

use std::sync::Arc;
use std::time::{Duration, Instant};

use omnifold_log::{Compaction, LogError, TopicDescription, TopicSpec};

use crate::client::Client;
use crate::ends::{Ends, known};
use crate::error::{Code, describe as describe_code, is_missing_topic, is_unsettled};
use crate::options::{KafkaOptions, MAX_RECORD_BYTES, Role};

pub(crate) use request::Isolation;
use request::{Configs, FoundTopic, NewTopic, Which};

/// How long the end of a topic may lag behind what this process has committed there: the markers
/// of a transaction are written after its commit has been answered.
const MARKER_PATIENCE: Duration = Duration::from_secs(5);
const MARKER_PAUSE: Duration = Duration::from_millis(2);
/// How long the leader of a topic may still be on its way.
const SETTLE_PATIENCE: Duration = Duration::from_secs(5);
const SETTLE_PAUSE: Duration = Duration::from_millis(50);

/// A client for administrative requests.
pub(crate) struct Admin {
    client: Client,
    brokers: String,
    timeout: Duration,
    batch_bytes: u64,
    replication: i32,
    ends: Arc<Ends>,
}

impl Admin {
    /// Makes the client and waits until a broker has answered.
    pub(crate) fn connect(options: &KafkaOptions, ends: Arc<Ends>) -> Result<Admin, LogError> {
        let client = Client::new(options, &Role::Admin, None)?;
        client.connect(&options.brokers, options.request_timeout)?;
        Ok(Admin {
            client,
            brokers: options.brokers.clone(),
            timeout: options.request_timeout,
            batch_bytes: options.batch_bytes(),
            replication: options.replication.map_or(-1, i32::from),
            ends,
        })
    }

    /// Names of all topics of the cluster.
    pub(crate) fn topic_names(&self) -> Result<Vec<String>, LogError> {
        let names = self.client.topic_names(self.timeout);
        names.map_err(|code| self.unavailable("listing topics", code))
    }

    /// Where the brokers are, for messages.
    pub(crate) fn brokers(&self) -> &str {
        &self.brokers
    }

    /// Makes what is missing and returns the names; waits until the new topics can be used.
    pub(crate) fn create_topics(&self, specs: &[TopicSpec]) -> Result<Vec<String>, LogError> {
        let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        let found = self.find(&names)?;
        let missing = specs.iter().zip(&found).filter(|(_, found)| found.is_none());
        let wanted: Vec<NewTopic> = missing.map(|(spec, _)| self.new_topic(spec)).collect();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let made = self.create(&wanted)?;
        self.wait_until_found(&made)?;
        for name in &made {
            self.ends.forget(name);
        }
        Ok(made)
    }

    fn create(&self, wanted: &[NewTopic]) -> Result<Vec<String>, LogError> {
        let results = request::create_topics(&self.client, wanted, self.timeout)
            .map_err(|code| self.unavailable("creating topics", code))?;
        let mut made = Vec::new();
        for (name, code, reason) in results {
            match code {
                Code::RD_KAFKA_RESP_ERR_NO_ERROR => made.push(name),
                Code::RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS => {}
                _ => {
                    let what = format!("creating topic `{name}`");
                    let detail = if reason.is_empty() { describe_code(code) } else { reason };
                    return Err(LogError::Unavailable { what, detail });
                }
            }
        }
        Ok(made)
    }

    fn new_topic(&self, spec: &TopicSpec) -> NewTopic {
        let policy = match spec.compaction {
            Compaction::None => "delete",
            Compaction::Compacted => "compact",
        };
        let config = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        NewTopic {
            name: spec.name.clone(),
            replication: self.replication,
            configs: vec![
                config("cleanup.policy", policy),
                config("retention.ms", "-1"),
                config("retention.bytes", "-1"),
                config("message.timestamp.type", "CreateTime"),
                // A record's own time may lie far from the broker's: imports, simulated days. The
                // engine judges it; a broker would refuse an hour ahead with the whole batch.
                config("message.timestamp.after.max.ms", &i64::MAX.to_string()),
                config("message.timestamp.before.max.ms", &i64::MAX.to_string()),
                config("max.message.bytes", &MAX_RECORD_BYTES.to_string()),
            ],
        }
    }

    fn wait_until_found(&self, names: &[String]) -> Result<(), LogError> {
        let deadline = Instant::now() + self.timeout;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        loop {
            let found = self.find(&names)?;
            if found.iter().all(|topic| topic.as_ref().is_some_and(|topic| topic.has_leader)) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(LogError::Unavailable {
                    what: format!("creating topics {}", names.join(", ")),
                    detail: "they were made, but no broker leads them yet".to_owned(),
                });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The topics that are there, with their identities, in the order asked.
    pub(crate) fn find(&self, names: &[&str]) -> Result<Vec<Option<FoundTopic>>, LogError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let found = request::describe_topics(&self.client, names, self.timeout)
            .map_err(|code| self.unavailable("describing topics", code))?;
        names
            .iter()
            .zip(found)
            .map(|(name, result)| match result {
                Ok(topic) => Ok(Some(topic)),
                Err(code) if is_missing_topic(code) => Ok(None),
                Err(code) => Err(self.unavailable(&format!("describing topic `{name}`"), code)),
            })
            .collect()
    }

    /// Identities of topics that must be there.
    pub(crate) fn identities(&self, names: &[&str]) -> Result<Vec<String>, LogError> {
        let found = self.find(names)?;
        names
            .iter()
            .zip(found)
            .map(|(name, topic)| match topic {
                Some(topic) => Ok(topic.identity),
                None => Err(LogError::NoTopic { topic: (*name).to_owned() }),
            })
            .collect()
    }

    /// Makes sure that topics are there and take batches as large as producers send them.
    pub(crate) fn check_writable(&self, names: &[&str]) -> Result<(), LogError> {
        self.identities(names)?;
        for (name, config) in names.iter().zip(self.configs(names)?) {
            let taken: Option<u64> =
                value_of(&config, "max.message.bytes").and_then(|text| text.parse().ok());
            match taken {
                Some(bytes) if bytes < self.batch_bytes => {
                    return Err(LogError::Configuration(format!(
                        "topic `{name}` takes batches of up to {bytes} bytes; set its \
                         max.message.bytes to {MAX_RECORD_BYTES}, or the kafka property \
                         batch.size to {bytes} or less"
                    )));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// How the topics stand, in the order asked; `None` for those that are not there.
    pub(crate) fn describe(
        &self,
        names: &[&str],
    ) -> Result<Vec<Option<TopicDescription>>, LogError> {
        match self.describe_once(names) {
            // It went away between two of the questions: ask again.
            Err(LogError::NoTopic { .. }) => self.describe_once(names),
            other => other,
        }
    }

    fn describe_once(&self, names: &[&str]) -> Result<Vec<Option<TopicDescription>>, LogError> {
        let found = self.find(names)?;
        let there: Vec<&str> =
            names.iter().zip(&found).filter(|(_, f)| f.is_some()).map(|(name, _)| *name).collect();
        let configs = self.configs(&there)?;
        let starts = self.starts(&there)?;
        let ends = self.committed_ends(&there)?;
        let mut figures = configs.into_iter().zip(starts).zip(ends);
        let described = names.iter().zip(found).map(|(name, topic)| {
            let topic = topic?;
            let ((config, start), end) = figures.next()?;
            Some(describe_one(name, topic, &config, start, end))
        });
        Ok(described.collect())
    }

    fn configs(&self, names: &[&str]) -> Result<Vec<Configs>, LogError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        request::describe_configs(&self.client, names, self.timeout).map_err(|code| match code {
            code if is_missing_topic(code) => LogError::NoTopic { topic: names.join("`, `") },
            code => self.unavailable("reading the settings of topics", code),
        })
    }

    /// First offsets held.
    pub(crate) fn starts(&self, names: &[&str]) -> Result<Vec<u64>, LogError> {
        self.offsets(names, Which::First, Isolation::Uncommitted)
    }

    /// Next offsets to be written, or to be read by a reader of committed records.
    pub(crate) fn ends(&self, names: &[&str], isolation: Isolation) -> Result<Vec<u64>, LogError> {
        self.offsets(names, Which::Next, isolation)
    }

    fn offsets(
        &self,
        names: &[&str],
        which: Which,
        isolation: Isolation,
    ) -> Result<Vec<u64>, LogError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let deadline = Instant::now() + SETTLE_PATIENCE;
        let results = loop {
            let timeout = self.timeout;
            let results = request::list_offsets(&self.client, names, which, isolation, timeout)
                .map_err(|code| self.unavailable("asking for the ends of topics", code))?;
            let unsettled = |result: &Result<u64, Code>| result.is_err_and(is_unsettled);
            if !results.iter().any(unsettled) || Instant::now() > deadline {
                break results;
            }
            std::thread::sleep(SETTLE_PAUSE);
        };
        results
            .into_iter()
            .zip(names)
            .map(|(result, name)| match result {
                Ok(offset) => Ok(offset),
                Err(code) if is_missing_topic(code) => {
                    Err(LogError::NoTopic { topic: (*name).to_owned() })
                }
                Err(code) => {
                    Err(self.unavailable(&format!("asking for the end of topic `{name}`"), code))
                }
            })
            .collect()
    }

    /// Ends for readers of committed records, once they include what this process committed.
    fn committed_ends(&self, names: &[&str]) -> Result<Vec<u64>, LogError> {
        let own: Vec<u64> = names.iter().map(|name| known(&self.ends.of(name))).collect();
        let deadline = Instant::now() + MARKER_PATIENCE;
        loop {
            let ends = self.ends(names, Isolation::Committed)?;
            let settled = ends.iter().zip(&own).all(|(end, own)| end >= own);
            if settled || Instant::now() > deadline {
                return Ok(ends);
            }
            std::thread::sleep(MARKER_PAUSE);
        }
    }

    /// Removes the records before `offset`.
    pub(crate) fn delete_before(&self, topic: &str, offset: u64) -> Result<(), LogError> {
        let code = request::delete_records(&self.client, topic, offset, self.timeout);
        match code {
            Code::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
            Code::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE => Err(LogError::OutOfRange {
                topic: topic.to_owned(),
                asked: offset,
                start: self.starts(&[topic])?[0],
                end: self.ends(&[topic], Isolation::Uncommitted)?[0],
            }),
            code if is_missing_topic(code) => Err(LogError::NoTopic { topic: topic.to_owned() }),
            code => Err(self.unavailable(&format!("trimming topic `{topic}`"), code)),
        }
    }

    fn unavailable(&self, doing: &str, code: Code) -> LogError {
        LogError::Unavailable {
            what: format!("{doing} on Kafka at {}", self.brokers),
            detail: describe_code(code),
        }
    }
}

fn describe_one(
    name: &str,
    topic: FoundTopic,
    config: &Configs,
    start: u64,
    end: u64,
) -> TopicDescription {
    let limit = |wanted: &str| {
        value_of(config, wanted)
            .and_then(|text| text.parse::<i64>().ok())
            .filter(|limit| *limit >= 0)
    };
    let compacted =
        value_of(config, "cleanup.policy").is_some_and(|policy| policy.contains("compact"));
    TopicDescription {
        name: name.to_owned(),
        identity: topic.identity,
        start,
        end,
        partitions: topic.partitions,
        compaction: if compacted { Compaction::Compacted } else { Compaction::None },
        retention_ms: limit("retention.ms"),
        retention_bytes: limit("retention.bytes"),
    }
}

fn value_of<'a>(config: &'a Configs, wanted: &str) -> Option<&'a str> {
    config.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
}
