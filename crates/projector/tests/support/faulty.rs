//! A log that breaks on purpose: it passes everything on to a real one, except the appends that a
//! plan names.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use omnifold_log::{
    Appender, Log, LogError, Membership, OwnershipHandler, Producer, Reader, RecordBuf,
    TopicDescription, TopicSpec,
};

use super::push;

/// What happens to one append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It happens, and the answer is lost.
    UnknownHappened,
    /// The answer is lost, and it happens once the next owner has begun to take over.
    UnknownLandsLater,
    /// The answer is lost, and it never happens.
    UnknownNever,
    /// Torn: the decisions can be read, their mark cannot.
    DecisionsAlone,
    /// Torn: the mark can be read, its decisions cannot.
    MarkAlone,
    /// As [`Fault::MarkAlone`], and the owner is told that all is well.
    MarkAloneUnnoticed,
    /// A stale owner fences this one right before.
    FencedByStale,
}

impl Fault {
    pub const ALL: [Fault; 6] = [
        Fault::UnknownHappened,
        Fault::UnknownLandsLater,
        Fault::UnknownNever,
        Fault::DecisionsAlone,
        Fault::MarkAlone,
        Fault::FencedByStale,
    ];
}

/// Called at a point of the log's life.
pub type Hook = Box<dyn FnMut() + Send>;
/// Called before a taking over, which it may refuse.
pub type OwnerHook = Box<dyn FnMut() -> Result<(), LogError> + Send>;
/// Called before an append, with its number.
pub type AppendHook = Box<dyn FnMut(u64) + Send>;

/// What a test does at points of the log's life.
#[derive(Default)]
pub struct Hooks {
    pub before_owner: Option<OwnerHook>,
    pub after_owner: Option<Hook>,
    pub before_append: Option<AppendHook>,
    pub after_fault: Option<Hook>,
}

#[derive(Default)]
struct Shared {
    /// By the number of the append, all owners counted together from 0.
    plan: BTreeMap<u64, Fault>,
    appends: u64,
    landing: Option<(Box<dyn Appender>, Vec<String>, RecordBuf)>,
}

/// See the module's head.
pub struct FaultyLog {
    inner: Arc<dyn Log>,
    shared: Arc<Mutex<Shared>>,
    hooks: Arc<Mutex<Hooks>>,
}

impl FaultyLog {
    /// Breaks the appends of these numbers.
    pub fn new(inner: Arc<dyn Log>, plan: impl IntoIterator<Item = (u64, Fault)>) -> FaultyLog {
        let shared = Shared { plan: plan.into_iter().collect(), ..Shared::default() };
        FaultyLog { inner, shared: Arc::new(Mutex::new(shared)), hooks: Arc::default() }
    }

    pub fn with(self, hooks: Hooks) -> Self {
        *self.hooks.lock().expect("not poisoned") = hooks;
        self
    }

    /// How many faults of the plan never came.
    pub fn faults_left(&self) -> usize {
        self.shared.lock().expect("not poisoned").plan.len()
    }
}

impl Log for FaultyLog {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn create_topics(&self, specs: &[TopicSpec]) -> Result<Vec<String>, LogError> {
        self.inner.create_topics(specs)
    }

    fn describe(&self, topics: &[&str]) -> Result<Vec<Option<TopicDescription>>, LogError> {
        self.inner.describe(topics)
    }

    fn reader(&self, topics: &[(String, u64)]) -> Result<Box<dyn Reader>, LogError> {
        self.inner.reader(topics)
    }

    fn owner(&self, market: &str) -> Result<Box<dyn Appender>, LogError> {
        if let Some(hook) = self.hooks.lock().expect("not poisoned").before_owner.as_mut() {
            hook()?;
        }
        let landing = self.shared.lock().expect("not poisoned").landing.take();
        if let Some((mut late, topics, batch)) = landing {
            late.append(&topics, &batch).expect("it lands");
        }
        let inner = self.inner.owner(market)?;
        if let Some(hook) = self.hooks.lock().expect("not poisoned").after_owner.as_mut() {
            hook();
        }
        Ok(Box::new(FaultyAppender {
            inner: Some(inner),
            log: self.inner.clone(),
            market: market.to_owned(),
            shared: self.shared.clone(),
            hooks: self.hooks.clone(),
        }))
    }

    fn producer(&self) -> Result<Box<dyn Producer>, LogError> {
        self.inner.producer()
    }

    fn join(
        &self,
        markets: &[String],
        handler: Arc<dyn OwnershipHandler>,
    ) -> Result<Box<dyn Membership>, LogError> {
        self.inner.join(markets, handler)
    }

    fn set_floor(&self, holder: &str, topic: &str, offset: u64) -> Result<(), LogError> {
        self.inner.set_floor(holder, topic, offset)
    }

    fn trim(&self, topic: &str, offset: u64) -> Result<(), LogError> {
        self.inner.trim(topic, offset)
    }
}

struct FaultyAppender {
    /// `None` once it waits to land.
    inner: Option<Box<dyn Appender>>,
    log: Arc<dyn Log>,
    market: String,
    shared: Arc<Mutex<Shared>>,
    hooks: Arc<Mutex<Hooks>>,
}

impl Appender for FaultyAppender {
    fn append(&mut self, topics: &[String], batch: &RecordBuf) -> Result<Vec<u64>, LogError> {
        let (number, fault) = {
            let mut shared = self.shared.lock().expect("not poisoned");
            let number = shared.appends;
            shared.appends += 1;
            (number, shared.plan.remove(&number))
        };
        if let Some(hook) = self.hooks.lock().expect("not poisoned").before_append.as_mut() {
            hook(number);
        }
        let Some(fault) = fault else { return self.pass_on(topics, batch) };
        let result = self.fail(fault, topics, batch);
        if let Some(hook) = self.hooks.lock().expect("not poisoned").after_fault.as_mut() {
            hook();
        }
        result
    }
}

/// Place of the journal among an epoch's topics, see `crates/projector/src/topics.rs`.
const ASSIGNMENTS: usize = 0;
const JOURNAL: usize = 2;

impl FaultyAppender {
    fn pass_on(&mut self, topics: &[String], batch: &RecordBuf) -> Result<Vec<u64>, LogError> {
        match &mut self.inner {
            Some(inner) => inner.append(topics, batch),
            None => Err(unknown("the owner was dropped")),
        }
    }

    fn fail(
        &mut self,
        fault: Fault,
        topics: &[String],
        batch: &RecordBuf,
    ) -> Result<Vec<u64>, LogError> {
        match fault {
            Fault::UnknownHappened => drop(self.pass_on(topics, batch)?),
            Fault::UnknownNever => {}
            Fault::UnknownLandsLater => {
                let inner = self.inner.take().expect("an owner that was not given up");
                let late = (inner, topics.to_vec(), batch.clone());
                self.shared.lock().expect("not poisoned").landing = Some(late);
            }
            Fault::DecisionsAlone => {
                drop(self.pass_on(topics, &part(batch, |topic| topic != JOURNAL))?);
            }
            Fault::MarkAlone => {
                drop(self.pass_on(topics, &part(batch, |topic| topic != ASSIGNMENTS))?);
            }
            Fault::MarkAloneUnnoticed => {
                return self.pass_on(topics, &part(batch, |topic| topic != ASSIGNMENTS));
            }
            Fault::FencedByStale => {
                drop(self.log.owner(&self.market)?);
                return self.pass_on(topics, batch);
            }
        }
        // A moment, as a timeout takes: the next epoch is folded meanwhile.
        std::thread::sleep(Duration::from_millis(5));
        Err(unknown("planned by a test"))
    }
}

fn unknown(detail: &str) -> LogError {
    LogError::Unknown { detail: detail.to_owned() }
}

fn part(batch: &RecordBuf, wanted: impl Fn(usize) -> bool) -> RecordBuf {
    let mut part = RecordBuf::default();
    for record in batch.iter().filter(|record| wanted(record.topic)) {
        push(&mut part, &record);
    }
    part
}
