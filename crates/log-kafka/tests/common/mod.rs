//! What the tests on a broker share.
#![allow(dead_code)] // each test binary uses its part

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use omnifold_log::{Compaction, Headers, Log, RecordBuf, TopicSpec};
use omnifold_log_kafka::{KafkaLog, KafkaOptions};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

/// Longest wait for anything that must happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn connect(address: &str) -> KafkaLog {
    KafkaLog::connect(KafkaOptions::new(address)).expect("the broker answers")
}

/// A name not used before on a broker of this process.
pub fn unique(what: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("{what}{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A topic as the log makes it.
pub fn new_topic(log: &KafkaLog) -> String {
    let name = format!("omnifold.{}.orders", unique("m"));
    let spec = TopicSpec { name: name.clone(), compaction: Compaction::None };
    log.create_topics(&[spec]).expect("a topic is made");
    name
}

/// Records without headers for the first topic.
pub fn batch<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> RecordBuf {
    let mut batch = RecordBuf::default();
    for text in texts {
        let value = Some(text.as_ref().as_bytes());
        batch.push(0, 0, 1_750_000_000_000, Headers::default(), b"key", value);
    }
    batch
}

/// The values of a topic from its start to its end.
pub fn read_all(log: &KafkaLog, topic: &str) -> Vec<String> {
    let mut reader = log.reader(&[(topic.to_owned(), 0)]).expect("a reader");
    let deadline = Instant::now() + PATIENCE;
    let mut buffer = RecordBuf::default();
    while !reader.fetch(0, 1 << 20, &mut buffer).expect("a fetch").at_end {
        assert!(Instant::now() < deadline, "no end after {} records", buffer.len());
        reader.wait(Duration::from_millis(100)).expect("a wait");
    }
    let text = |value: Option<&[u8]>| String::from_utf8(value.expect("a value").to_vec());
    buffer.iter().map(|record| text(record.value).expect("text")).collect()
}

/// Waits until something holds.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A client that can set topics up in ways the log itself never would.
pub struct Saboteur(AdminClient<DefaultClientContext>);

impl Saboteur {
    pub fn new(address: &str) -> Saboteur {
        let client = ClientConfig::new().set("bootstrap.servers", address).create();
        Saboteur(client.expect("an admin client"))
    }

    pub fn create(&self, name: &str, partitions: i32, configs: &[(&str, &str)]) {
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        for (name, value) in configs {
            topic = topic.set(name, value);
        }
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        let made = block_on(self.0.create_topics([&topic], &options)).expect("asked");
        made.into_iter().for_each(|result| drop(result.expect("made")));
    }

    pub fn delete(&self, name: &str) {
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        let gone = block_on(self.0.delete_topics(&[name], &options)).expect("asked");
        gone.into_iter().for_each(|result| drop(result.expect("deleted")));
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
