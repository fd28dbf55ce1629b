//! Membership in the group of instances that share the markets.
//!
//! A member subscribes to the `journal` topics of the markets: the one that a journal's partition
//! is assigned to owns the market. The partitions stay paused, nothing is read by them. A thread
//! of the member's own polls librdkafka and calls the handler from there, one call at a time:
//!
//! * A revocation is answered when the handler returns, which must be within `max.poll.interval.ms`
//!   (5 minutes by default). Assignment is cooperative: markets that stay are not touched.
//! * A lost session is told by `lost`: another instance may already own those markets. The member
//!   joins again by itself.
//! * With static membership (`instance_id`) leaving does not free the markets at once: they wait
//!   for an instance of the same name until the session times out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use omnifold_log::{LogError, Membership, OwnershipHandler, TopicKind, topic_name};
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};

use crate::admin::Admin;
use crate::options::{KafkaOptions, Role};
use crate::sending::PARTITION;

/// How often the thread looks whether it should leave.
const POLL: Duration = Duration::from_millis(50);
/// How long dropping a membership may take.
const DROP_PATIENCE: Duration = Duration::from_secs(10);

/// A member of the group, until it leaves.
pub(crate) struct GroupMembership {
    consumer: Arc<BaseConsumer<Owning>>,
    leaving: Arc<AtomicBool>,
    // Locked only so that a membership can be shared; no two threads wait.
    left: Mutex<mpsc::Receiver<()>>,
    gone: bool,
}

impl GroupMembership {
    /// Joins; the handler is told what this instance owns as soon as the group has settled.
    pub(crate) fn join(
        options: &KafkaOptions,
        admin: &Admin,
        markets: &[String],
        handler: Arc<dyn OwnershipHandler>,
    ) -> Result<GroupMembership, LogError> {
        let journals: BTreeMap<String, String> = markets
            .iter()
            .map(|market| (topic_name(&options.prefix, market, TopicKind::Journal), market.clone()))
            .collect();
        let topics: Vec<&str> = journals.keys().map(String::as_str).collect();
        admin.identities(&topics)?;
        let mut config = ClientConfig::new();
        for (name, value) in options.properties_of(&Role::Member) {
            config.set(name, value);
        }
        let owning = Owning { journals: journals.clone(), handler, owned: Mutex::default() };
        let consumer: BaseConsumer<Owning> = config
            .create_with_context(owning)
            .map_err(|fault| LogError::Configuration(format!("kafka member client: {fault}")))?;
        consumer
            .subscribe(&topics)
            .map_err(|fault| LogError::Configuration(format!("joining the group: {fault}")))?;
        Self::start(Arc::new(consumer))
    }

    fn start(consumer: Arc<BaseConsumer<Owning>>) -> Result<GroupMembership, LogError> {
        let leaving = Arc::new(AtomicBool::new(false));
        let (done, left) = mpsc::channel();
        let (member, leave) = (Arc::clone(&consumer), Arc::clone(&leaving));
        let thread = std::thread::Builder::new().name("kafka-group".to_owned());
        let spawned = thread.spawn(move || {
            take_part(&member, &leave);
            let _ = done.send(());
        });
        spawned.map_err(|fault| LogError::Unavailable {
            what: "starting the group's thread".to_owned(),
            detail: fault.to_string(),
        })?;
        Ok(GroupMembership { consumer, leaving, left: Mutex::new(left), gone: false })
    }
}

impl Membership for GroupMembership {
    fn report(&self, market: &str, positions: &[(String, u64)]) {
        let mut offsets = TopicPartitionList::new();
        for (topic, next) in positions {
            let next = Offset::Offset(i64::try_from(*next).unwrap_or(i64::MAX));
            if let Err(fault) = offsets.add_partition_offset(topic, PARTITION, next) {
                tracing::debug!(market, topic, %fault, "position not reported");
            }
        }
        if let Err(fault) = self.consumer.commit(&offsets, CommitMode::Async) {
            tracing::debug!(market, %fault, "positions not reported");
        }
    }

    fn leave(&mut self, timeout: Duration) {
        self.leaving.store(true, Ordering::Release);
        if !self.gone {
            let left = self.left.get_mut().unwrap_or_else(PoisonError::into_inner);
            self.gone = left.recv_timeout(timeout) != Err(mpsc::RecvTimeoutError::Timeout);
        }
    }
}

impl Drop for GroupMembership {
    fn drop(&mut self) {
        self.leave(DROP_PATIENCE);
        // The last one to hold the consumer closes it, which waits for the broker: not here.
        let consumer = Arc::clone(&self.consumer);
        let thread = std::thread::Builder::new().name("kafka-close".to_owned());
        let _ = thread.spawn(move || drop(consumer));
    }
}

/// Polls until the member is to leave, then leaves: what is owned is revoked, then given up.
fn take_part(consumer: &BaseConsumer<Owning>, leaving: &AtomicBool) {
    while !leaving.load(Ordering::Acquire) {
        serve(consumer);
        if let Some((code, text)) = consumer.client().fatal_error() {
            tracing::error!(%code, "left the group for good: {text}");
            consumer.context().lose_all();
            return;
        }
    }
    consumer.unsubscribe();
    let deadline = Instant::now() + DROP_PATIENCE;
    while consumer.context().owns_any() && Instant::now() < deadline {
        serve(consumer);
    }
    consumer.context().revoke_all(); // the broker did not ask: let go all the same
}

fn serve(consumer: &BaseConsumer<Owning>) {
    match consumer.poll(POLL) {
        // Paused, so nothing comes; a record fetched before the pause is of no interest.
        None | Some(Ok(_)) => {}
        Some(Err(fault)) => tracing::debug!(%fault, "group"),
    }
}

/// Turns assignments of journals into ownership of markets.
struct Owning {
    /// Market by the name of its journal.
    journals: BTreeMap<String, String>,
    handler: Arc<dyn OwnershipHandler>,
    owned: Mutex<BTreeSet<String>>,
}

impl Owning {
    fn owned(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn owns_any(&self) -> bool {
        !self.owned().is_empty()
    }

    fn markets(&self, list: &TopicPartitionList) -> Vec<String> {
        let market = |topic: &str| self.journals.get(topic).cloned();
        list.elements().iter().filter_map(|element| market(element.topic())).collect()
    }

    fn assigned(&self, list: &TopicPartitionList) {
        for market in self.markets(list) {
            if self.owned().insert(market.clone()) {
                tracing::info!(market, "assigned");
                self.handler.assigned(&market);
            }
        }
    }

    fn give_up(&self, markets: Vec<String>, lost: bool) {
        for market in markets {
            if !self.owned().remove(&market) {
                continue;
            }
            if lost {
                tracing::warn!(market, "lost: the group's session has ended");
                self.handler.lost(&market);
            } else {
                tracing::info!(market, "revoked");
                self.handler.revoke(&market);
            }
        }
    }

    fn lose_all(&self) {
        let all = self.owned().iter().cloned().collect();
        self.give_up(all, true);
    }

    fn revoke_all(&self) {
        let all = self.owned().iter().cloned().collect();
        self.give_up(all, false);
    }
}

impl ClientContext for Owning {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        match level {
            RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, "{text}"),
            RDKafkaLogLevel::Info | RDKafkaLogLevel::Notice => {
                tracing::info!(target: "librdkafka", facility, "{text}");
            }
            _ if facility == "CONFWARN" => {
                tracing::trace!(target: "librdkafka", facility, "{text}");
            }
            _ => tracing::warn!(target: "librdkafka", facility, "{text}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, "{reason}");
    }
}

impl ConsumerContext for Owning {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        change: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let cooperative = matches!(consumer.rebalance_protocol(), RebalanceProtocol::Cooperative);
        let result = if change == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            let taken =
                if cooperative { consumer.incremental_assign(list) } else { consumer.assign(list) };
            let paused = taken.and_then(|()| consumer.pause(list));
            self.assigned(list);
            paused
        } else {
            self.give_up(self.markets(list), consumer.assignment_lost());
            if cooperative { consumer.incremental_unassign(list) } else { consumer.unassign() }
        };
        if let Err(fault) = result {
            tracing::warn!(%fault, "the group's change was not taken over");
        }
    }
}
