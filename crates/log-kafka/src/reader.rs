//! Reads topics at explicit positions, committed records only.
//!
//! librdkafka fetches ahead into one bounded queue a topic; a fetch takes from it what is there.
//! Whether a topic stands at its end is told by the high watermark that came with the last fetch; by
//! the end-of-partition event where markers of transactions or an open transaction stand before that
//! watermark (it comes only with a fetch that found nothing, so up to `fetch.wait.max.ms` later). It
//! is believed only where this process knows of nothing beyond it.
//!
//! A topic that is deleted while it is read is reported as missing; one that was deleted and made
//! again is told by its identity, looked at every [`IDENTITY_EVERY`] and whenever librdkafka has
//! doubts: its records are others, whatever their offsets.

mod fetching;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use omnifold_log::{Fetched, HeadersBuilder, LogError, Reader, RecordBuf};

use crate::admin::{Admin, Isolation};
use crate::client::Client;
use crate::ends::{Ends, known};
use crate::error::{Code, describe, is_missing_topic, is_out_of_range};
use crate::options::{KafkaOptions, Role};
use fetching::{Item, Signal, Source};

/// How often the identities of the topics are looked at.
const IDENTITY_EVERY: Duration = Duration::from_secs(10);
/// How long no news may mean that there is none, before a broker is asked.
const PROBE_AFTER: Duration = Duration::from_secs(5);
/// How often brokers are asked whether they are there, where they are not heard of.
const PROBE_EVERY: Duration = Duration::from_secs(1);
const PROBE_PATIENCE: Duration = Duration::from_millis(300);

/// A reader of some topics.
pub(crate) struct KafkaReader {
    topics: Vec<TopicReader>,
    headers: HeadersBuilder,
    signal: Arc<Signal>,
    admin: Arc<Admin>,
    patience: Duration,
    checked: Instant,
    probed: Instant,
    /// When a broker last answered.
    heard: Instant,
    /// Last: the topics are stopped before their client goes.
    client: Arc<Client>,
}

/// Where the reading of one topic stands.
struct TopicReader {
    name: String,
    identity: String,
    source: Source,
    /// Next offset to read.
    next: u64,
    /// The position at which the broker last said that nothing follows.
    end_at: Option<u64>,
    /// Appends of this process.
    own_end: Arc<AtomicU64>,
    /// A fault met after records that the same fetch returned.
    fault: Option<LogError>,
}

impl KafkaReader {
    /// Checks the positions and starts to fetch.
    pub(crate) fn open(
        options: &KafkaOptions,
        admin: &Arc<Admin>,
        ends: &Arc<Ends>,
        positions: &[(String, u64)],
    ) -> Result<KafkaReader, LogError> {
        let names: Vec<&str> = positions.iter().map(|(name, _)| name.as_str()).collect();
        let identities = admin.identities(&names)?;
        check_positions(admin, positions, &names)?;
        let client = Arc::new(Client::new(options, &Role::Reader, None)?);
        let signal = Arc::new(Signal::default());
        let mut topics = Vec::with_capacity(positions.len());
        for ((name, next), identity) in positions.iter().zip(identities) {
            topics.push(TopicReader {
                name: name.clone(),
                identity,
                source: Source::start(&client, name, *next, &signal)?,
                next: *next,
                end_at: None,
                own_end: ends.of(name),
                fault: None,
            });
        }
        let now = Instant::now();
        Ok(KafkaReader {
            topics,
            headers: HeadersBuilder::default(),
            signal,
            admin: Arc::clone(admin),
            patience: options.reader_patience,
            checked: now,
            probed: now,
            heard: now,
            client,
        })
    }

    /// Serves librdkafka's events and looks after what it does not report by itself.
    fn look_after(&mut self) -> Result<(), LogError> {
        self.client.poll(Duration::ZERO);
        if self.checked.elapsed() > IDENTITY_EVERY {
            self.check_identities()?;
        }
        self.check_brokers()
    }

    fn check_identities(&mut self) -> Result<(), LogError> {
        self.checked = Instant::now();
        let names: Vec<&str> = self.topics.iter().map(|topic| topic.name.as_str()).collect();
        let found = match self.admin.identities(&names) {
            Ok(found) => found,
            Err(LogError::NoTopic { topic }) => return Err(LogError::NoTopic { topic }),
            Err(_) => return Ok(()), // no broker answers: that is reported in its own time
        };
        let changed = self.topics.iter().zip(&found).find(|(topic, id)| topic.identity != **id);
        match changed {
            None => Ok(()),
            Some((topic, identity)) => Err(made_again(topic, identity)),
        }
    }

    /// Reports brokers that have not answered for too long. Silence may also mean that there is
    /// nothing new, so a broker is asked. (librdkafka tells of lost connections, but a broker that
    /// hangs keeps its connections.)
    fn check_brokers(&mut self) -> Result<(), LogError> {
        let silent = self.heard.elapsed();
        if silent < PROBE_AFTER.min(self.patience / 2) || self.probed.elapsed() < PROBE_EVERY {
            return Ok(());
        }
        self.probed = Instant::now();
        if self.client.request_metadata(PROBE_PATIENCE) == Code::RD_KAFKA_RESP_ERR_NO_ERROR {
            self.heard = Instant::now();
            return Ok(());
        }
        if silent < self.patience {
            return Ok(());
        }
        Err(LogError::Unavailable {
            what: format!("no broker at {} has answered for {silent:.0?}", self.admin.brokers()),
            detail: self.client.status().last_error(),
        })
    }

    /// What librdkafka's error about a topic means.
    fn fault(&mut self, place: usize, code: Code, text: String) -> Option<LogError> {
        let topic = &self.topics[place];
        if is_missing_topic(code) {
            // A broker that has just started may not know the topic yet: ask for certain.
            return self.check_identities().err();
        }
        if is_out_of_range(code) {
            let (name, asked) = (topic.name.clone(), topic.next);
            if let Err(changed) = self.check_identities() {
                return Some(changed);
            }
            return Some(out_of_range(&self.admin, name, asked));
        }
        if code == Code::RD_KAFKA_RESP_ERR__BAD_MSG {
            return Some(LogError::Damaged {
                place: self.admin.brokers().to_owned(),
                topic: topic.name.clone(),
                offset: topic.next,
                detail: text,
            });
        }
        if is_passing(code) {
            tracing::debug!(topic = topic.name, code = ?code, "{text}");
            return None;
        }
        Some(LogError::Unavailable {
            what: format!("reading topic `{}` on Kafka at {}", topic.name, self.admin.brokers()),
            detail: if text.is_empty() { describe(code) } else { text },
        })
    }

    /// Moves records from the queue of a topic into the buffer.
    fn take(&mut self, place: usize, max_bytes: usize, into: &mut RecordBuf) -> Option<LogError> {
        let (records, bytes) = (into.len(), into.byte_len());
        let mut heard = false;
        while into.len() == records || into.byte_len() - bytes < max_bytes {
            let topic = &mut self.topics[place];
            let item = topic.source.next(place, into, &mut self.headers);
            if item.is_some() && !std::mem::replace(&mut heard, true) {
                self.heard = Instant::now();
            }
            match item {
                None => return None,
                Some(Item::Record { offset }) => {
                    topic.next = offset + 1;
                    topic.end_at = None;
                }
                Some(Item::End { offset }) => {
                    topic.next = topic.next.max(offset);
                    topic.end_at = Some(topic.next);
                }
                Some(Item::Error { code, text }) => {
                    if let Some(fault) = self.fault(place, code, text) {
                        return Some(fault);
                    }
                }
            }
        }
        None
    }
}

impl Reader for KafkaReader {
    fn fetch(
        &mut self,
        topic: usize,
        max_bytes: usize,
        into: &mut RecordBuf,
    ) -> Result<Fetched, LogError> {
        if let Some(fault) = self.topics[topic].fault.take() {
            return Err(fault);
        }
        self.look_after()?;
        let before = into.len();
        if let Some(fault) = self.take(topic, max_bytes, into) {
            if into.len() == before {
                return Err(fault);
            }
            self.topics[topic].fault = Some(fault);
        }
        Ok(self.topics[topic].fetched(into.len() - before))
    }

    fn wait(&mut self, timeout: Duration) -> Result<(), LogError> {
        let deadline = Instant::now() + timeout;
        loop {
            self.look_after()?;
            self.signal.clear();
            if self.topics.iter().any(TopicReader::has_news) {
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            // In steps, so that unreachable brokers and changed topics are noticed.
            if left.is_zero() || self.signal.wait(left.min(PROBE_EVERY)) {
                return Ok(());
            }
        }
    }
}

impl TopicReader {
    fn has_news(&self) -> bool {
        self.fault.is_some() || self.source.has_items()
    }

    fn fetched(&self, records: usize) -> Fetched {
        let own_end = known(&self.own_end);
        // Librdkafka notes the watermark before it queues the records below it.
        let high = self.source.high_watermark();
        let is_told = self.end_at == Some(self.next) || high.is_some_and(|high| high <= self.next);
        let at_end = is_told && !self.has_news() && own_end <= self.next;
        let end = if at_end { self.next } else { high.unwrap_or(0).max(own_end) };
        Fetched { records, next: self.next, at_end, end: end.max(self.next) }
    }
}

/// Faults that librdkafka gets over by itself.
fn is_passing(code: Code) -> bool {
    matches!(
        code,
        Code::RD_KAFKA_RESP_ERR__TRANSPORT
            | Code::RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN
            | Code::RD_KAFKA_RESP_ERR__TIMED_OUT
            | Code::RD_KAFKA_RESP_ERR__RESOLVE
            | Code::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE
            | Code::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION
            | Code::RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH
            | Code::RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH
            | Code::RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR
            | Code::RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE
            | Code::RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE
    )
}

fn check_positions(
    admin: &Admin,
    positions: &[(String, u64)],
    names: &[&str],
) -> Result<(), LogError> {
    let starts = admin.starts(names)?;
    let ends = admin.ends(names, Isolation::Uncommitted)?;
    for (((name, asked), start), end) in positions.iter().zip(starts).zip(ends) {
        if *asked < start || *asked > end {
            let topic = name.clone();
            return Err(LogError::OutOfRange { topic, asked: *asked, start, end });
        }
    }
    Ok(())
}

fn out_of_range(admin: &Admin, topic: String, asked: u64) -> LogError {
    let bounds = admin.starts(&[&topic]).and_then(|starts| {
        let ends = admin.ends(&[&topic], Isolation::Uncommitted)?;
        Ok((starts[0], ends[0]))
    });
    match bounds {
        Ok((start, end)) => LogError::OutOfRange { topic, asked, start, end },
        Err(fault) => fault,
    }
}

fn made_again(topic: &TopicReader, identity: &str) -> LogError {
    LogError::Unavailable {
        what: format!("topic `{}` was deleted and made again while it was read", topic.name),
        detail: format!(
            "its id was {}, is {identity}; what it held is gone: restore the topic from a backup, \
             or start the market over on new topics",
            topic.identity
        ),
    }
}
