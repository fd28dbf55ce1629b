//! The end of an epoch: marks chained by hash, and the position a checkpoint stands for.

use omnifold_domain::decision::Moment;
use omnifold_domain::{SkuIx, WaitingKey};
use omnifold_events::v1;
use omnifold_log::TopicKind;
use omnifold_state::Digest;
use prost::Message;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::machine::{LeftOver, Machine};
use crate::torn::Torn;

/// Next offset to read of each input topic, in the order of [`TopicKind::INPUTS`].
pub(crate) type Frontier = [u64; TopicKind::INPUTS.len()];

/// A mark with the hash that the next one must name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mark {
    pub body: v1::EpochMark,
    pub hash: u128,
}

impl Mark {
    /// The mark that stands before a market's first.
    pub(crate) fn genesis(market: &str) -> Self {
        let body = v1::EpochMark { market: market.to_owned(), ..v1::EpochMark::default() };
        Mark { body, hash: 0 }
    }

    pub(crate) fn of(body: v1::EpochMark) -> Self {
        let hash = xxh3_128(&body.encode_to_vec());
        Mark { body, hash }
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<Self, prost::DecodeError> {
        Ok(Mark { body: v1::EpochMark::decode(payload)?, hash: xxh3_128(payload) })
    }

    pub(crate) fn follows(&self, previous: &Mark) -> bool {
        self.body.previous_mark == previous.hash.to_be_bytes()
    }

    pub(crate) fn frontier(&self) -> Frontier {
        let mut frontier = Frontier::default();
        for (next, topic) in frontier.iter_mut().zip(&self.body.frontiers) {
            *next = topic.next;
        }
        frontier
    }

    pub(crate) fn left_over(&self) -> impl Iterator<Item = LeftOver> {
        self.body.open_work.iter().map(|open| {
            let sku = SkuIx(open.sku);
            let (rank, placed_step) = (open.after_rank, open.after_placed_step);
            let after = open.has_after.then_some(WaitingKey { sku, rank, placed_step });
            LeftOver { sku, after }
        })
    }
}

/// What the mark of an epoch says besides the machine's own figures.
pub(crate) struct Ending<'a> {
    pub incarnation: u64,
    pub previous: &'a Mark,
    pub topics: &'a [String],
    pub identities: &'a [String],
    pub frontier: Frontier,
    pub wall_ms: i64,
    pub decisions: u32,
    pub decisions_hash: u128,
}

/// The mark of the epoch that the machine just ended.
pub(crate) fn mark_of(machine: &Machine, ending: &Ending<'_>) -> Mark {
    let on_wall = machine.settings().is_some_and(|settings| !settings.events_clock);
    let rules_version = machine.settings().map_or(1, |settings| settings.rules_version);
    let named = ending.topics.iter().zip(ending.identities).zip(ending.frontier);
    Mark::of(v1::EpochMark {
        market: ending.previous.body.market.clone(),
        incarnation: ending.incarnation,
        epoch: ending.previous.body.epoch + 1,
        previous_mark: ending.previous.hash.to_be_bytes().to_vec(),
        frontiers: named
            .map(|((topic, identity), next)| v1::Frontier {
                topic: topic.clone(),
                identity: identity.clone(),
                next,
            })
            .collect(),
        inputs_hash: machine.inputs_hash.to_be_bytes().to_vec(),
        steps: machine.steps,
        decisions: ending.decisions,
        decisions_hash: ending.decisions_hash.to_be_bytes().to_vec(),
        clock_ms: machine.clock_ms,
        wall_ms: if on_wall { ending.wall_ms } else { 0 },
        policy_hash: policy_hash(machine).to_be_bytes().to_vec(),
        rules_version,
        state_digest: machine.digest().to_bytes().to_vec(),
        open_work: machine.left_over.iter().map(open_work).collect(),
        undone_steps: machine.undone_steps.clone(),
        republished_epochs: Vec::new(),
        availability_next: machine.availability_next.map(|sku| sku.0),
        timers: machine.timers,
        undone_timers: machine.undone_timers.iter().map(timer_moment).collect(),
    })
}

fn timer_moment(&(step, timer): &Moment) -> v1::TimerMoment {
    v1::TimerMoment { step, timer }
}

fn open_work(left: &LeftOver) -> v1::OpenWork {
    v1::OpenWork {
        sku: left.sku.0,
        has_after: left.after.is_some(),
        after_rank: left.after.map_or(0, |after| after.rank),
        after_placed_step: left.after.map_or(0, |after| after.placed_step),
    }
}

/// The hash of the settings that decide: today's policy.
fn policy_hash(machine: &Machine) -> u128 {
    machine.settings().map_or(0, |settings| xxh3_128(format!("{settings:?}").as_bytes()))
}

/// What a checkpoint says of itself: the last mark it holds, and where the engine's own topics went
/// on after it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The mark's payload.
    pub mark: Vec<u8>,
    /// Next offset of `journal` after the mark.
    pub journal_next: u64,
    /// Next offset of `assignments` after the mark's decisions.
    pub assignments_next: u64,
    /// What torn transactions left open before that.
    #[serde(default, skip_serializing_if = "Torn::is_empty")]
    pub torn: Torn,
}

impl Position {
    pub(crate) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain data")
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    pub(crate) fn mark(&self) -> Result<Mark, String> {
        Mark::decode(&self.mark).map_err(|error| error.to_string())
    }
}

/// Where a market's state stands, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The market.
    pub market: String,
    /// How often the market was taken over.
    pub incarnation: u64,
    /// Epochs so far.
    pub epoch: u64,
    /// Input records folded so far.
    pub step: u64,
    /// The market's clock, RFC 3339.
    pub clock: String,
    /// The state's digest, hex.
    pub digest: String,
}

impl Standing {
    pub(crate) fn of(mark: &v1::EpochMark) -> Self {
        let digest = mark.state_digest.as_slice().try_into().map_or(0, u128::from_be_bytes);
        Standing {
            market: mark.market.clone(),
            incarnation: mark.incarnation,
            epoch: mark.epoch,
            step: mark.steps,
            clock: omnifold_events::format_time(mark.clock_ms),
            digest: Digest(digest).to_string(),
        }
    }
}
