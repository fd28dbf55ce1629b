//! The one writer of a market: a transactional producer.
//!
//! What a failed append means:
//!
//! | what happened | answer | this appender |
//! |---|---|---|
//! | another owner took over | `Fenced` | of no more use |
//! | a record was refused, and the transaction was aborted | `Refused` or `NoTopic` | goes on |
//! | records or the commit were not answered in time, or an abort failed | `Unknown` | of no more use |
#![allow(unsafe_code)] // calls librdkafka's C interface

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use omnifold_log::{Appender, LogError, RecordBuf, TopicKind, topic_name};
use rdkafka::bindings::{self, rd_kafka_message_t, rd_kafka_t};

use crate::admin::{Admin, Isolation};
use crate::client::{Client, Topic, millis};
use crate::ends::{Ends, known, raise};
use crate::error::{Code, TransactionFault, code_of, describe, is_fenced};
use crate::options::{KafkaOptions, Role};
use crate::sending::{check_times, refusal, send};

/// Added to the broker's own limit of a transaction: by then the broker has aborted it.
const SLACK: Duration = Duration::from_secs(2);
/// How long an abort may take; the broker answers, or it would not be tried.
const ABORT_PATIENCE: Duration = Duration::from_secs(5);
/// How long one try to become the owner may take.
const TAKEOVER_TRY: Duration = Duration::from_secs(10);
const TAKEOVER_PAUSE: Duration = Duration::from_millis(100);

/// A market's appender. It is the owner until another one takes over.
pub(crate) struct Owner {
    market: String,
    client: Arc<Client>,
    admin: Arc<Admin>,
    ends: Arc<Ends>,
    /// By name. Boxed: delivery reports point at them.
    targets: HashMap<String, Box<Target>>,
    /// How long producing and committing may take.
    patience: Duration,
    over: Option<Over>,
}

/// Why this appender is of no more use.
#[derive(Debug, Clone)]
enum Over {
    Fenced,
    Unknown(String),
}

/// A topic appended to.
struct Target {
    topic: Topic,
    /// Shared with the readers of this process.
    end: Arc<AtomicU64>,
    /// Next offset after the last record appended here, or where the topic stood before.
    next: u64,
    /// Offset of the last record delivered in this transaction; -1: none.
    delivered: AtomicI64,
    /// Code of the first record that failed in this transaction; 0: none.
    failed: AtomicI32,
}

impl Owner {
    /// Becomes the owner and fences the one before.
    pub(crate) fn take_over(
        options: &KafkaOptions,
        admin: &Arc<Admin>,
        ends: &Arc<Ends>,
        market: &str,
    ) -> Result<Owner, LogError> {
        let deadline = Instant::now() + options.takeover_timeout;
        loop {
            let client = Client::new(options, &Role::Owner { market }, Some(on_delivery))?;
            match init_transactions(&client, deadline) {
                Ok(()) => {
                    note_ends(options, admin, ends, market)?;
                    return Ok(Owner {
                        market: market.to_owned(),
                        client: Arc::new(client),
                        admin: Arc::clone(admin),
                        ends: Arc::clone(ends),
                        targets: HashMap::new(),
                        patience: options.transaction_timeout + SLACK,
                        over: None,
                    });
                }
                Err(fault) if Instant::now() >= deadline => {
                    client.poll(Duration::ZERO);
                    return Err(LogError::Unavailable {
                        what: format!("taking over market `{market}` at {}", options.brokers),
                        detail: format!("{} ({})", fault.text, client.status().last_error()),
                    });
                }
                // Another instance was quicker, or the coordinator moved: with a new client.
                Err(fault) => {
                    tracing::debug!(market, error = fault.text, "taking over again");
                    std::thread::sleep(TAKEOVER_PAUSE);
                }
            }
        }
    }

    /// Finds the topics not used before, and where they stand.
    fn find_targets(&mut self, topics: &[String]) -> Result<(), LogError> {
        let new: Vec<&str> = topics
            .iter()
            .map(String::as_str)
            .filter(|name| !self.targets.contains_key(*name))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        self.admin.check_writable(&new)?;
        let next = self.admin.ends(&new, Isolation::Uncommitted)?;
        for (name, next) in new.into_iter().zip(next) {
            let target = Target {
                topic: Topic::new(&self.client, name)?,
                end: self.ends.of(name),
                next,
                delivered: AtomicI64::new(-1),
                failed: AtomicI32::new(0),
            };
            self.targets.insert(name.to_owned(), Box::new(target));
        }
        Ok(())
    }

    /// One transaction.
    fn transact(&mut self, topics: &[String], batch: &RecordBuf) -> Result<(), LogError> {
        let deadline = Instant::now() + self.patience;
        // SAFETY: the client is valid.
        let begun = TransactionFault::check(unsafe {
            bindings::rd_kafka_begin_transaction(self.client.raw())
        });
        if let Err(fault) = begun {
            return Err(
                self.give_up(fault.code, format!("beginning a transaction: {}", fault.text))
            );
        }
        match self.produce(topics, batch, deadline) {
            Ok(()) => self.commit(deadline),
            // Nobody answers: the next owner has the transaction aborted, waiting here does not.
            Err(LogError::Unknown { detail }) => {
                Err(self.give_up(Code::RD_KAFKA_RESP_ERR__TIMED_OUT, detail))
            }
            Err(refused) => Err(self.abort(refused)),
        }
    }

    /// Sends every record and waits until each was delivered. `Unknown` where that takes too long.
    fn produce(
        &self,
        topics: &[String],
        batch: &RecordBuf,
        deadline: Instant,
    ) -> Result<(), LogError> {
        let targets: Vec<&Target> = topics.iter().map(|name| self.targets[name].as_ref()).collect();
        for target in &targets {
            target.delivered.store(-1, Ordering::Relaxed);
            target.failed.store(0, Ordering::Relaxed);
        }
        for record in batch.iter() {
            let target = targets[record.topic];
            let opaque = std::ptr::from_ref(target).cast_mut().cast::<c_void>();
            send(&self.client, &target.topic, &record, opaque, deadline)
                .map_err(|code| refusal(&topics[record.topic], code))?;
        }
        let flushed = flush(&self.client, deadline);
        for (name, target) in topics.iter().zip(targets) {
            let failed = target.failed.load(Ordering::Relaxed);
            if failed != 0 {
                return Err(refusal(name, code_of(failed)));
            }
        }
        flushed.map_err(|code| unanswered(describe(code)))
    }

    fn commit(&mut self, deadline: Instant) -> Result<(), LogError> {
        let left = deadline.saturating_duration_since(Instant::now()).max(SLACK);
        // SAFETY: the client is valid.
        let committed = TransactionFault::check(unsafe {
            bindings::rd_kafka_commit_transaction(self.client.raw(), millis(left))
        });
        match committed {
            Ok(()) => Ok(()),
            Err(fault) if fault.must_abort => {
                Err(self.abort(LogError::Refused { detail: fault.text }))
            }
            Err(fault) => Err(self.give_up(fault.code, format!("committing: {}", fault.text))),
        }
    }

    /// Aborts the open transaction, so that this appender can go on; returns `refused`, or what is
    /// worse.
    fn abort(&mut self, refused: LogError) -> LogError {
        if let Some((code, text)) = self.client.fatal() {
            return self.give_up(code, text);
        }
        // SAFETY: the client is valid.
        let aborted = TransactionFault::check(unsafe {
            bindings::rd_kafka_abort_transaction(self.client.raw(), millis(ABORT_PATIENCE))
        });
        match aborted {
            Ok(()) => refused,
            Err(fault) => self.give_up(fault.code, format!("{refused}; aborting: {}", fault.text)),
        }
    }

    /// Ends this appender's life and says why.
    fn give_up(&mut self, code: Code, detail: String) -> LogError {
        let fatal = self.client.fatal();
        let fenced = is_fenced(code) || fatal.as_ref().is_some_and(|(code, _)| is_fenced(*code));
        let over = match fatal {
            _ if fenced => Over::Fenced,
            Some((_, text)) => Over::Unknown(format!("{detail} ({text})")),
            None => Over::Unknown(detail),
        };
        let error = over.error(&self.market);
        self.over = Some(over);
        error
    }

    /// Takes over the offsets that were delivered; next offsets, one a topic.
    fn settle(&mut self, topics: &[String]) -> Vec<u64> {
        let targets = &mut self.targets;
        let settle_one = |name: &String| {
            let target = targets.get_mut(name).expect("found before the append");
            if let Ok(last) = u64::try_from(target.delivered.swap(-1, Ordering::Relaxed)) {
                target.next = last + 1;
                raise(&target.end, target.next);
            }
            target.next
        };
        topics.iter().map(settle_one).collect()
    }
}

impl Over {
    fn error(&self, market: &str) -> LogError {
        match self {
            Over::Fenced => LogError::Fenced { market: market.to_owned() },
            Over::Unknown(detail) => LogError::Unknown { detail: detail.clone() },
        }
    }
}

impl Appender for Owner {
    fn append(&mut self, topics: &[String], batch: &RecordBuf) -> Result<Vec<u64>, LogError> {
        if let Some(over) = &self.over {
            return Err(over.error(&self.market));
        }
        check_times(batch.iter())?;
        self.find_targets(topics)?;
        if !batch.is_empty() {
            self.transact(topics, batch)?;
        }
        let next = self.settle(topics);
        debug_assert!(topics.iter().zip(&next).all(|(t, n)| known(&self.targets[t].end) <= *n));
        Ok(next)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // The topics hold the client: they go first, or it would be closed by the last of them.
        self.targets.clear();
    }
}

/// From here on the engine's own topics change no more, except by the new owner. A reader may have
/// been told that nothing follows just before the last commit of the owner before: its end is
/// believed only up to where the topics end now.
fn note_ends(
    options: &KafkaOptions,
    admin: &Admin,
    ends: &Ends,
    market: &str,
) -> Result<(), LogError> {
    let names = [TopicKind::Assignments, TopicKind::Rejected, TopicKind::Journal]
        .map(|kind| topic_name(&options.prefix, market, kind));
    let asked: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = admin.find(&asked)?;
    let there: Vec<&str> =
        asked.into_iter().zip(found).filter_map(|(name, found)| found.map(|_| name)).collect();
    let reached = admin.ends(&there, Isolation::Committed)?;
    for (name, end) in there.into_iter().zip(reached) {
        raise(&ends.of(name), end);
    }
    Ok(())
}

/// Fences the owner before, waiting for what it left open to be aborted.
fn init_transactions(client: &Client, deadline: Instant) -> Result<(), TransactionFault> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let patience = left.min(TAKEOVER_TRY);
        // SAFETY: the client is valid.
        let result = TransactionFault::check(unsafe {
            bindings::rd_kafka_init_transactions(client.raw(), millis(patience))
        });
        match result {
            Err(fault) if fault.retriable && !fault.fatal && Instant::now() < deadline => {
                tracing::debug!(error = fault.text, "initialising transactions again");
            }
            other => return other,
        }
    }
}

fn unanswered(text: String) -> LogError {
    LogError::Unknown { detail: format!("records were not acknowledged: {text}") }
}

/// Waits until every record was delivered or failed.
fn flush(client: &Client, deadline: Instant) -> Result<(), Code> {
    let left = deadline.saturating_duration_since(Instant::now());
    // SAFETY: the client is valid.
    match unsafe { bindings::rd_kafka_flush(client.raw(), millis(left)) } {
        Code::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        code => Err(code),
    }
}

unsafe extern "C" fn on_delivery(
    _client: *mut rd_kafka_t,
    message: *const rd_kafka_message_t,
    _opaque: *mut c_void,
) {
    // SAFETY: the report is valid during the call; its opaque is the target it was sent to, which
    // lives as long as the owner, and only the owner's own calls serve reports.
    let (message, target) = unsafe { (&*message, &*(*message)._private.cast::<Target>()) };
    if message.err == Code::RD_KAFKA_RESP_ERR_NO_ERROR {
        target.delivered.fetch_max(message.offset, Ordering::Relaxed);
    } else {
        let first = Ordering::Relaxed;
        let _ = target.failed.compare_exchange(0, message.err as i32, first, first);
    }
}
