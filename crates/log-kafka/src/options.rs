//! What the log is opened with, and what of it is refused.

use std::collections::BTreeMap;
use std::time::Duration;

/// The longest a transaction may stay open: a stuck one stalls every reader of committed records.
const MAX_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(15);

/// Largest record that topics made by this log take, bytes, headers and key included.
pub const MAX_RECORD_BYTES: usize = 4 << 20;

/// How to reach and use Kafka.
#[derive(Debug, Clone)]
pub struct KafkaOptions {
    /// `HOST:PORT` of one or more brokers, separated by commas.
    pub brokers: String,
    /// Consumer group of the instances that share the markets.
    pub group: String,
    /// Static membership: a name that stays the same when this instance restarts, so that its
    /// markets wait for it (as long as the group's session timeout) instead of moving twice.
    pub instance_id: Option<String>,
    /// First part of the names of topics and transactional ids.
    pub prefix: String,
    /// Further librdkafka properties, as named there: TLS, SASL, tuning.
    pub properties: BTreeMap<String, String>,
    /// How long the broker lets a transaction stay open, at most 15 s.
    pub transaction_timeout: Duration,
    /// Replicas of topics that are made; `None` leaves it to the broker's default.
    pub replication: Option<u16>,
    /// How long connecting, and each administrative request, may take.
    pub request_timeout: Duration,
    /// How long becoming a market's owner may be tried.
    pub takeover_timeout: Duration,
    /// How long a reader waits for unreachable brokers before it says so.
    pub reader_patience: Duration,
}

impl KafkaOptions {
    /// Options for these brokers, group and prefix `omnifold`.
    pub fn new(brokers: impl Into<String>) -> KafkaOptions {
        KafkaOptions {
            brokers: brokers.into(),
            group: "omnifold".to_owned(),
            instance_id: None,
            prefix: "omnifold".to_owned(),
            properties: BTreeMap::new(),
            transaction_timeout: Duration::from_secs(10),
            replication: None,
            request_timeout: Duration::from_secs(10),
            takeover_timeout: Duration::from_secs(60),
            reader_patience: Duration::from_secs(30),
        }
    }

    /// Everything that cannot be used as given, one sentence each.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, value) in
            [("brokers", &self.brokers), ("group", &self.group), ("prefix", &self.prefix)]
        {
            if value.trim().is_empty() {
                faults.push(format!("kafka `{name}` is empty"));
            }
        }
        let longest = MAX_TRANSACTION_TIMEOUT;
        if self.transaction_timeout.is_zero() || self.transaction_timeout > longest {
            faults.push(format!(
                "kafka transaction timeout is {:?}, must be above zero and at most {longest:?}",
                self.transaction_timeout
            ));
        }
        faults.extend(self.properties.iter().filter_map(|(name, value)| refusal(name, value)));
        faults
    }

    /// Every property of a client in this role, later ones winning: defaults, then what the user
    /// set, then what the rules of the log demand.
    pub(crate) fn properties_of(&self, role: &Role<'_>) -> Vec<(String, String)> {
        let own = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>()
        };
        let mut all = own(DEFAULTS);
        all.extend(own(role.defaults()));
        match role {
            Role::Owner { .. } => all.extend(own(&[OWNER_LINGER])),
            Role::Producer => all.extend(own(&[PRODUCER_LINGER])),
            Role::Admin | Role::Reader | Role::Member => {}
        }
        if matches!(role, Role::Member) && !self.new_group_protocol() {
            all.extend(own(CLASSIC_MEMBER));
        }
        all.extend(self.properties.iter().map(|(name, value)| (name.clone(), value.clone())));
        all.extend(own(role.demands()));
        all.push(("bootstrap.servers".to_owned(), self.brokers.clone()));
        match role {
            Role::Owner { market } => {
                let millis = self.transaction_timeout.as_millis().to_string();
                all.push(("transactional.id".to_owned(), format!("{}.{market}", self.prefix)));
                all.push(("transaction.timeout.ms".to_owned(), millis));
            }
            Role::Member => {
                all.push(("group.id".to_owned(), self.group.clone()));
                if let Some(id) = &self.instance_id {
                    all.push(("group.instance.id".to_owned(), id.clone()));
                }
            }
            Role::Admin | Role::Producer | Role::Reader => {}
        }
        all
    }

    /// Largest batch that a producer may send to a topic at once.
    pub(crate) fn batch_bytes(&self) -> u64 {
        let set = self.properties.get("batch.size").and_then(|text| text.parse().ok());
        set.unwrap_or(BATCH_BYTES)
    }

    /// Whether the group uses the protocol of KIP-848, where the broker assigns.
    fn new_group_protocol(&self) -> bool {
        self.properties.get("group.protocol").is_some_and(|value| value == "consumer")
    }
}

/// What a client is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Role<'a> {
    Admin,
    Owner { market: &'a str },
    Producer,
    Reader,
    Member,
}

impl Role<'_> {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Owner { .. } => "owner",
            Role::Producer => "producer",
            Role::Reader => "reader",
            Role::Member => "member",
        }
    }

    pub(crate) fn is_producer(&self) -> bool {
        matches!(self, Role::Owner { .. } | Role::Producer)
    }

    fn defaults(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Role::Owner { .. } | Role::Producer => SENDING,
            Role::Reader => READING,
            Role::Admin | Role::Member => &[],
        }
    }

    fn demands(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Role::Owner { .. } | Role::Producer => &[("enable.idempotence", "true")],
            Role::Reader | Role::Member => EXACT_READING,
            Role::Admin => &[],
        }
    }
}

/// * Reconnecting backs off to 1 s, not 10: a broker that is back should be found.
/// * Metrics pushed to the broker (KIP-714) would delay closing a client.
const DEFAULTS: &[(&str, &str)] = &[
    ("client.id", "omnifold"),
    ("enable.metrics.push", "false"),
    ("log.connection.close", "false"),
    ("reconnect.backoff.ms", "50"),
    ("reconnect.backoff.max.ms", "1000"),
    ("socket.keepalive.enable", "true"),
    ("socket.nagle.disable", "true"),
    ("topic.metadata.propagation.max.ms", "5000"),
    ("topic.metadata.refresh.interval.ms", "30000"),
];

/// An idempotent producer of librdkafka has one request a partition on its way, and its thread
/// spins while more is ready: an append that is one request costs a third less than one of four.
/// So batches are large, and the owner lingers, because it flushes when all is handed over.
const SENDING: &[(&str, &str)] = &[
    ("compression.type", "lz4"),
    ("batch.num.messages", "50000"),
    ("batch.size", "4000000"),
    ("message.max.bytes", "4194304"),
    ("queue.buffering.max.messages", "200000"),
    ("queue.buffering.max.kbytes", "131072"),
];
const OWNER_LINGER: (&str, &str) = ("linger.ms", "200");
const PRODUCER_LINGER: (&str, &str) = ("linger.ms", "1");
/// As set above.
const BATCH_BYTES: u64 = 4_000_000;

/// * After a full queue librdkafka waits a second before it fetches again; 2 ms keeps up.
/// * Memory is bounded per topic by `queued.max.messages.kbytes`.
/// * A fetch of idle topics holds up the first fetch of others on the same broker, hence 100 ms.
const READING: &[(&str, &str)] = &[
    ("fetch.queue.backoff.ms", "2"),
    ("fetch.error.backoff.ms", "100"),
    ("fetch.wait.max.ms", "100"),
    ("fetch.message.max.bytes", "2097152"),
    ("queued.min.messages", "100000"),
    ("queued.max.messages.kbytes", "16384"),
];

const EXACT_READING: &[(&str, &str)] = &[
    ("isolation.level", "read_committed"),
    ("auto.offset.reset", "error"),
    ("enable.partition.eof", "true"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("check.crcs", "true"),
];

/// The classic group protocol. Under KIP-848 the broker holds these settings.
const CLASSIC_MEMBER: &[(&str, &str)] = &[
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("session.timeout.ms", "10000"),
    ("heartbeat.interval.ms", "1000"),
];

/// Properties that have one right value: name, values allowed, why.
const ONLY: &[(&str, &[&str], &str)] = &[
    ("enable.idempotence", &["true"], "records could be doubled or change order"),
    ("acks", &["all", "-1"], "an append could be lost after it was acknowledged"),
    ("request.required.acks", &["all", "-1"], "an append could be lost after it was acknowledged"),
    ("isolation.level", &["read_committed"], "decisions that never happened would be read"),
    ("auto.offset.reset", &["error"], "a lost position would be moved in silence"),
    ("enable.partition.eof", &["true"], "the end of a topic would not be seen"),
    ("check.crcs", &["true"], "damaged records would be taken for good"),
    ("enable.auto.commit", &["false"], "positions come from checkpoints"),
    ("enable.auto.offset.store", &["false"], "positions come from checkpoints"),
    ("delivery.report.only.error", &["false"], "an append needs the offsets it was given"),
    (
        "partition.assignment.strategy",
        &["cooperative-sticky"],
        "range gives every market to one member, and the eager ones take all markets away to move one",
    ),
    ("group.remote.assignor", &["uniform"], "range gives every market to one member"),
];

/// Properties that the log sets itself: name, what to use instead.
const OURS: &[(&str, &str)] = &[
    ("bootstrap.servers", "set `brokers`"),
    ("metadata.broker.list", "set `brokers`"),
    ("group.id", "set `group`"),
    ("group.instance.id", "set `instance_id`"),
    ("transactional.id", "it is `{prefix}.{market}`, always"),
    ("transaction.timeout.ms", "set the transaction timeout"),
];

fn refusal(name: &str, value: &str) -> Option<String> {
    if let Some((_, instead)) = OURS.iter().find(|(ours, _)| *ours == name) {
        return Some(format!("kafka property `{name}` is not yours to set: {instead}"));
    }
    let (_, allowed, why) = ONLY.iter().find(|(only, ..)| *only == name)?;
    if allowed.contains(&value) {
        return None;
    }
    Some(format!("kafka property `{name}={value}` is refused, must be `{}`: {why}", allowed[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_that_breaks_a_rule_is_named_at_once() {
        let mut options = KafkaOptions::new("");
        options.transaction_timeout = Duration::from_secs(16);
        for (name, value) in [
            ("enable.idempotence", "false"),
            ("isolation.level", "read_uncommitted"),
            ("auto.offset.reset", "earliest"),
            ("partition.assignment.strategy", "range"),
            ("transactional.id", "mine"),
            ("ssl.ca.location", "ca.pem"),
        ] {
            options.properties.insert(name.to_owned(), value.to_owned());
        }
        let faults = options.faults();
        assert_eq!(faults.len(), 7, "{faults:#?}");
        for part in ["brokers", "16s", "idempotence", "isolation", "reset", "range", "al.id"] {
            assert!(faults.iter().any(|fault| fault.contains(part)), "{part}: {faults:#?}");
        }
    }

    #[test]
    fn what_the_log_demands_wins_over_what_the_user_set() {
        let mut options = KafkaOptions::new("broker:9092");
        options.properties.insert("linger.ms".to_owned(), "50".to_owned());
        options.properties.insert("isolation.level".to_owned(), "read_uncommitted".to_owned());
        let last = |role: Role<'_>, wanted: &str| {
            let all = options.properties_of(&role);
            all.into_iter().filter(|(name, _)| name == wanted).map(|(_, value)| value).next_back()
        };
        assert_eq!(last(Role::Producer, "linger.ms").as_deref(), Some("50"));
        assert_eq!(last(Role::Reader, "isolation.level").as_deref(), Some("read_committed"));
        let owner = Role::Owner { market: "br" };
        assert_eq!(last(owner, "transactional.id").as_deref(), Some("omnifold.br"));
        assert_eq!(last(Role::Producer, "transactional.id"), None);
    }
}
