//! The publisher of input events: one idempotent producer, shared by threads.
//!
//! Each batch has a counter of records on their way. Whoever appends sleeps until it is down; a
//! thread serves the delivery reports of all. A batch is not atomic: where some of its records
//! were delivered and some were not, the answer is `Unknown`.
#![allow(unsafe_code)] // calls librdkafka's C interface

use std::ffi::c_void;
use std::sync::atomic::{AtomicI32, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use omnifold_log::{LogError, Producer, RecordBuf};
use rdkafka::bindings::{rd_kafka_message_t, rd_kafka_t};

use crate::admin::Admin;
use crate::client::{Client, Topic};
use crate::ends::{Ends, raise};
use crate::error::{Code, code_of, describe};
use crate::options::{KafkaOptions, Role};
use crate::sending::{TopicCache, check_times, refusal, send};

/// How long a record may wait for room in the producer's queue.
const QUEUE_PATIENCE: Duration = Duration::from_secs(30);
/// How often the thread that serves reports looks whether it is still needed.
const POLL: Duration = Duration::from_millis(100);

/// A handle on the log's one sender.
pub(crate) struct SharedProducer(Arc<Sender>);

impl SharedProducer {
    pub(crate) fn new(sender: Arc<Sender>) -> SharedProducer {
        SharedProducer(sender)
    }
}

impl Producer for SharedProducer {
    fn append(&self, topics: &[String], batch: &RecordBuf) -> Result<(), LogError> {
        self.0.append(topics, batch)
    }
}

/// The producer itself, made anew after a fatal error.
pub(crate) struct Sender {
    options: KafkaOptions,
    admin: Arc<Admin>,
    ends: Arc<Ends>,
    current: Mutex<Connection>,
}

/// A client and the topics it knows.
struct Connection {
    client: Arc<Client>,
    topics: TopicCache,
}

impl Connection {
    fn open(options: &KafkaOptions) -> Result<Connection, LogError> {
        let client = Arc::new(Client::new(options, &Role::Producer, Some(on_delivery))?);
        serve_reports(Arc::downgrade(&client))?;
        Ok(Connection { client, topics: TopicCache::default() })
    }
}

/// Serves delivery reports as long as someone uses the client.
fn serve_reports(client: Weak<Client>) -> Result<(), LogError> {
    let thread = std::thread::Builder::new().name("kafka-producer".to_owned());
    let serve = move || {
        while let Some(client) = client.upgrade() {
            client.poll(POLL);
        }
    };
    thread.spawn(serve).map(drop).map_err(|fault| LogError::Unavailable {
        what: "starting the producer's thread".to_owned(),
        detail: fault.to_string(),
    })
}

impl Sender {
    pub(crate) fn new(
        options: &KafkaOptions,
        admin: &Arc<Admin>,
        ends: &Arc<Ends>,
    ) -> Result<Sender, LogError> {
        Ok(Sender {
            options: options.clone(),
            admin: Arc::clone(admin),
            ends: Arc::clone(ends),
            current: Mutex::new(Connection::open(options)?),
        })
    }

    fn append(&self, topics: &[String], batch: &RecordBuf) -> Result<(), LogError> {
        if batch.is_empty() {
            return Ok(());
        }
        check_times(batch.iter())?;
        let (client, handles) = self.connection(topics)?;
        let delivery = Delivery::new(topics.len());
        let queued = enqueue(&client, &handles, batch, &delivery);
        delivery.wait();
        for (topic, target) in topics.iter().zip(&delivery.targets) {
            if let Some(next) = target.next() {
                raise(&self.ends.of(topic), next);
            }
        }
        let refused = queued.err().or_else(|| delivery.first_failure());
        match refused {
            None => Ok(()),
            Some((place, code)) if delivery.anything_sent() => Err(unknown(&topics[place], code)),
            Some((place, code)) => Err(refusal(&topics[place], code)),
        }
    }

    /// The client and its topics; those not used before must be there.
    fn connection(&self, names: &[String]) -> Result<(Arc<Client>, Vec<Arc<Topic>>), LogError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.client.fatal().is_some() {
            *current = Connection::open(&self.options)?;
        }
        let new: Vec<&str> =
            names.iter().filter(|name| !current.topics.has(name)).map(String::as_str).collect();
        if !new.is_empty() {
            self.admin.check_writable(&new)?;
        }
        let client = Arc::clone(&current.client);
        let topics = names.iter().map(|name| current.topics.get(&client, name));
        let topics = topics.collect::<Result<_, _>>()?;
        Ok((client, topics))
    }
}

/// Queues every record; stops at the first that cannot be, and names its topic's place.
fn enqueue(
    client: &Client,
    topics: &[Arc<Topic>],
    batch: &RecordBuf,
    delivery: &Delivery,
) -> Result<(), (usize, Code)> {
    let deadline = Instant::now() + QUEUE_PATIENCE;
    for record in batch.iter() {
        let opaque = std::ptr::from_ref(&delivery.targets[record.topic]).cast_mut();
        delivery.count.add();
        let sent = send(client, &topics[record.topic], &record, opaque.cast::<c_void>(), deadline);
        if let Err(code) = sent {
            delivery.count.done();
            return Err((record.topic, code));
        }
    }
    Ok(())
}

/// Some records may have been appended.
fn unknown(topic: &str, code: Code) -> LogError {
    LogError::Unknown { detail: format!("record for `{topic}`: {}", describe(code)) }
}

/// What became of one batch. It is not moved or dropped before [`Delivery::wait`] has returned:
/// delivery reports point into it.
struct Delivery {
    count: Arc<Count>,
    targets: Vec<Target>,
}

/// One topic's part of a batch.
struct Target {
    count: Arc<Count>,
    last: AtomicI64,
    failed: AtomicI32,
}

impl Delivery {
    fn new(topics: usize) -> Delivery {
        let count = Arc::new(Count::default());
        count.add(); // for the queueing itself: reports may come in before it is over
        let target = |_| Target {
            count: Arc::clone(&count),
            last: AtomicI64::new(-1),
            failed: AtomicI32::new(0),
        };
        Delivery { targets: (0..topics).map(target).collect(), count }
    }

    /// Waits for every report. They all come: librdkafka fails a record after `delivery.timeout.ms`.
    fn wait(&self) {
        self.count.done();
        self.count.wait();
    }

    fn first_failure(&self) -> Option<(usize, Code)> {
        let codes = self.targets.iter().map(|target| target.failed.load(Ordering::Relaxed));
        codes.enumerate().find(|(_, code)| *code != 0).map(|(place, code)| (place, code_of(code)))
    }

    /// Whether any record was appended, or may have been.
    fn anything_sent(&self) -> bool {
        self.targets.iter().any(|target| {
            let failed = code_of(target.failed.load(Ordering::Relaxed));
            target.next().is_some() || failed == Code::RD_KAFKA_RESP_ERR__MSG_TIMED_OUT
        })
    }
}

impl Target {
    /// Next offset after the last record delivered.
    fn next(&self) -> Option<u64> {
        u64::try_from(self.last.load(Ordering::Relaxed)).ok().map(|last| last + 1)
    }
}

/// Counts what is on its way.
#[derive(Default)]
struct Count {
    waiting: AtomicUsize,
    none: Mutex<bool>,
    changed: Condvar,
}

impl Count {
    fn add(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    fn done(&self) {
        if self.waiting.fetch_sub(1, Ordering::AcqRel) == 1 {
            *self.none.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.changed.notify_all();
        }
    }

    fn wait(&self) {
        let mut none = self.none.lock().unwrap_or_else(PoisonError::into_inner);
        while !*none {
            none = self.changed.wait(none).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

unsafe extern "C" fn on_delivery(
    _client: *mut rd_kafka_t,
    message: *const rd_kafka_message_t,
    _opaque: *mut c_void,
) {
    // SAFETY: the report is valid during the call. Its opaque is the target it was sent to: the
    // append waits, and keeps it alive, until the count is down, which this call is counted in.
    let (message, target) = unsafe { (&*message, &*(*message)._private.cast::<Target>()) };
    if message.err == Code::RD_KAFKA_RESP_ERR_NO_ERROR {
        target.last.fetch_max(message.offset, Ordering::Relaxed);
    } else {
        let order = Ordering::Relaxed;
        let _ = target.failed.compare_exchange(0, message.err as i32, order, order);
    }
    let count = Arc::clone(&target.count); // the target may be gone once the count is down
    count.done();
}
