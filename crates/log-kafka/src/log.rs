//! The log itself: what it is opened with, and what it hands out.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use omnifold_log::{
    Appender, Log, LogError, Membership, OwnershipHandler, Producer, Reader, TopicDescription,
    TopicSpec,
};

use crate::admin::Admin;
use crate::ends::Ends;
use crate::floors::Floors;
use crate::group::GroupMembership;
use crate::options::KafkaOptions;
use crate::owner::Owner;
use crate::producer::{Sender, SharedProducer};
use crate::reader::KafkaReader;

/// A log on Apache Kafka. The rules are at the head of this crate.
pub struct KafkaLog {
    options: KafkaOptions,
    admin: Arc<Admin>,
    ends: Arc<Ends>,
    floors: Floors,
    sender: Mutex<Weak<Sender>>,
}

impl KafkaLog {
    /// Opens the log: checks the options and that a broker answers.
    ///
    /// # Errors
    /// [`LogError::Configuration`] naming everything that cannot be used;
    /// [`LogError::Unavailable`] with the address where no broker answers within
    /// `request_timeout`, or one refuses us.
    pub fn connect(options: KafkaOptions) -> Result<KafkaLog, LogError> {
        let faults = options.faults();
        if !faults.is_empty() {
            return Err(LogError::Configuration(faults.join("; ")));
        }
        let ends = Arc::new(Ends::default());
        let admin = Arc::new(Admin::connect(&options, Arc::clone(&ends))?);
        Ok(KafkaLog { options, admin, ends, floors: Floors::default(), sender: Mutex::default() })
    }

    /// What the log was opened with.
    pub fn options(&self) -> &KafkaOptions {
        &self.options
    }

    /// Names of all topics of the cluster, whosever they are.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] where no broker answers.
    pub fn topics(&self) -> Result<Vec<String>, LogError> {
        self.admin.topic_names()
    }

    fn sender(&self) -> Result<Arc<Sender>, LogError> {
        let mut kept = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = kept.upgrade() {
            return Ok(sender);
        }
        let sender = Arc::new(Sender::new(&self.options, &self.admin, &self.ends)?);
        *kept = Arc::downgrade(&sender);
        Ok(sender)
    }
}

impl Log for KafkaLog {
    fn kind(&self) -> &'static str {
        "kafka"
    }

    fn create_topics(&self, specs: &[TopicSpec]) -> Result<Vec<String>, LogError> {
        self.admin.create_topics(specs)
    }

    fn describe(&self, topics: &[&str]) -> Result<Vec<Option<TopicDescription>>, LogError> {
        self.admin.describe(topics)
    }

    fn reader(&self, topics: &[(String, u64)]) -> Result<Box<dyn Reader>, LogError> {
        Ok(Box::new(KafkaReader::open(&self.options, &self.admin, &self.ends, topics)?))
    }

    fn owner(&self, market: &str) -> Result<Box<dyn Appender>, LogError> {
        Ok(Box::new(Owner::take_over(&self.options, &self.admin, &self.ends, market)?))
    }

    fn producer(&self) -> Result<Box<dyn Producer>, LogError> {
        Ok(Box::new(SharedProducer::new(self.sender()?)))
    }

    fn join(
        &self,
        markets: &[String],
        handler: Arc<dyn OwnershipHandler>,
    ) -> Result<Box<dyn Membership>, LogError> {
        Ok(Box::new(GroupMembership::join(&self.options, &self.admin, markets, handler)?))
    }

    fn set_floor(&self, holder: &str, topic: &str, offset: u64) -> Result<(), LogError> {
        self.floors.set(holder, topic, offset);
        Ok(())
    }

    fn trim(&self, topic: &str, offset: u64) -> Result<(), LogError> {
        self.floors.check(topic, offset)?;
        self.admin.delete_before(topic, offset)
    }
}
