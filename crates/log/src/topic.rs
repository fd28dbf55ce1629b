//! The topics of one market.

/// The topics of one market. The order of the variants is the order in which records of the same
/// time are taken (DESIGN section 3), then the engine's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // DESIGN section 2 and docs/EVENTS.md say what each carries
pub enum TopicKind {
    Network,
    Supply,
    Stock,
    Fulfilment,
    Orders,
    Assignments,
    Availability,
    Notices,
    Rejected,
    Journal,
}

impl TopicKind {
    /// Topics that others write and the engine reads, in merge order.
    pub const INPUTS: [TopicKind; 5] = [
        TopicKind::Network,
        TopicKind::Supply,
        TopicKind::Stock,
        TopicKind::Fulfilment,
        TopicKind::Orders,
    ];

    /// Topics that the engine writes.
    pub const OUTPUTS: [TopicKind; 5] = [
        TopicKind::Assignments,
        TopicKind::Availability,
        TopicKind::Notices,
        TopicKind::Rejected,
        TopicKind::Journal,
    ];

    /// Last part of the topic's name.
    pub fn name(self) -> &'static str {
        match self {
            TopicKind::Network => "network",
            TopicKind::Supply => "supply",
            TopicKind::Stock => "stock",
            TopicKind::Fulfilment => "fulfilment",
            TopicKind::Orders => "orders",
            TopicKind::Assignments => "assignments",
            TopicKind::Availability => "availability",
            TopicKind::Notices => "notices",
            TopicKind::Rejected => "rejected",
            TopicKind::Journal => "journal",
        }
    }

    /// The kind whose [`TopicKind::name`] this is.
    pub fn parse(name: &str) -> Option<TopicKind> {
        Self::INPUTS.into_iter().chain(Self::OUTPUTS).find(|kind| kind.name() == name)
    }

    /// How the topic must be set up.
    pub fn spec(self, prefix: &str, market: &str) -> TopicSpec {
        TopicSpec {
            name: topic_name(prefix, market, self),
            compaction: match self {
                TopicKind::Availability => Compaction::Compacted,
                _ => Compaction::None,
            },
        }
    }
}

/// `{prefix}.{market}.{name}`.
pub fn topic_name(prefix: &str, market: &str, kind: TopicKind) -> String {
    format!("{prefix}.{market}.{}", kind.name())
}

/// A topic as it must be: one partition, kept for ever unless trimmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Full name.
    pub name: String,
    /// Whether only the newest record of each key is kept.
    pub compaction: Compaction,
}

/// Whether old records of a key are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compaction {
    /// Every record is kept.
    None,
    /// The newest record of each key is kept.
    Compacted,
}

/// A topic as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicDescription {
    /// Full name.
    pub name: String,
    /// Differs when the topic was deleted and made again.
    pub identity: String,
    /// First offset held.
    pub start: u64,
    /// Next offset to be read by a reader of committed records.
    pub end: u64,
    /// Number of partitions; must be 1.
    pub partitions: usize,
    /// Whether it is compacted.
    pub compaction: Compaction,
    /// How long records are kept, milliseconds; `None`: for ever.
    pub retention_ms: Option<i64>,
    /// How many bytes are kept; `None`: without limit.
    pub retention_bytes: Option<i64>,
}

impl TopicDescription {
    /// Everything about the topic that would destroy or reorder history, one sentence each.
    pub fn faults(&self, spec: &TopicSpec) -> Vec<String> {
        let mut faults = Vec::new();
        let name = &self.name;
        if self.partitions != 1 {
            faults.push(format!("topic `{name}` has {} partitions, must have 1", self.partitions));
        }
        if self.compaction != spec.compaction {
            faults.push(match spec.compaction {
                Compaction::None => {
                    format!("topic `{name}` is compacted, which destroys history; set cleanup.policy=delete")
                }
                Compaction::Compacted => {
                    format!("topic `{name}` must be compacted; set cleanup.policy=compact")
                }
            });
        }
        if spec.compaction == Compaction::None {
            if let Some(ms) = self.retention_ms {
                faults.push(format!(
                    "topic `{name}` drops records after {ms} ms; set retention.ms=-1"
                ));
            }
            if let Some(bytes) = self.retention_bytes {
                faults.push(format!(
                    "topic `{name}` drops records beyond {bytes} bytes; set retention.bytes=-1"
                ));
            }
        }
        faults
    }
}
