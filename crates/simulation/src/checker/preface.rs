//! What is read before the inputs: which epochs count, and which events were refused.

use std::collections::{HashMap, HashSet};

use anyhow::Context;
use omnifold_events::v1::{EpochMark, RejectedEvent};
use omnifold_log::{Headers, TopicKind};
use prost::Message;
use rustc_hash::FxBuildHasher;
use xxhash_rust::xxh3::xxh3_128;

use super::topics::{Cursor, INPUTS, Topics};

/// An epoch: (incarnation, epoch).
type Epoch = (u64, u64);

/// Where one epoch ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Next offset to read of each input topic.
    pub frontier: [u64; INPUTS],
    /// Records folded since the market's first.
    pub steps: u64,
}

impl Cut {
    fn after(before: Option<&Cut>, mark: &EpochMark) -> anyhow::Result<Cut> {
        let frontier = before.map_or([0; INPUTS], |before| before.frontier);
        let mut cut = Cut { frontier, steps: mark.steps };
        for frontier in &mark.frontiers {
            cut.frontier[input_named(&frontier.topic)?] = frontier.next;
        }
        Ok(cut)
    }
}

/// The epochs that have a mark in the chain: each mark names the hash of the one before.
#[derive(Debug, Default)]
pub struct Journal {
    epochs: HashSet<Epoch>,
    /// Hash of the newest mark of the chain; 0 before the first.
    newest: u128,
    /// Marks that do not follow it.
    pub stray_marks: u64,
}

impl Journal {
    /// Reads the journal to its end: the epochs, and where each one ends, in order.
    pub fn read(cursor: &mut Cursor, topics: &mut Topics) -> anyhow::Result<(Journal, Vec<Cut>)> {
        let (mut journal, mut cuts) = (Journal::default(), Vec::new());
        while cursor.load(topics)? {
            let record = cursor.record();
            let payload = record.value.unwrap_or_default();
            let mark = EpochMark::decode(payload)
                .with_context(|| format!("mark at offset {} of the journal", record.offset))?;
            if mark.previous_mark == journal.newest.to_be_bytes() {
                journal.newest = xxh3_128(payload);
                journal.epochs.insert((mark.incarnation, mark.epoch));
                cuts.push(Cut::after(cuts.last(), &mark)?);
            } else {
                journal.stray_marks += 1;
            }
            cursor.advance();
        }
        Ok((journal, cuts))
    }

    /// Whether a decision took effect: its epoch has a mark. Without a journal every one did.
    pub fn is_effective(&self, headers: Headers<'_>) -> bool {
        let Some(epoch) = headers.get("epoch").and_then(parse_epoch) else { return true };
        self.epochs.is_empty() || self.epochs.contains(&epoch)
    }
}

fn parse_epoch(bytes: &[u8]) -> Option<Epoch> {
    let (incarnation, epoch) = bytes.split_first_chunk::<8>()?;
    let epoch: [u8; 8] = epoch.try_into().ok()?;
    Some((u64::from_be_bytes(*incarnation), u64::from_be_bytes(epoch)))
}

/// Place of a topic in [`TopicKind::INPUTS`], by its full name or the last part of it.
fn input_named(name: &str) -> anyhow::Result<usize> {
    let last = name.rsplit('.').next().unwrap_or(name);
    TopicKind::INPUTS
        .iter()
        .position(|kind| kind.name() == last)
        .with_context(|| format!("`{name}` is no input topic"))
}

/// Why an event was refused, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It was turned away before it was looked at, and its id was not remembered.
    Turned,
    /// Nobody could read it.
    Unreadable,
    /// An order that was placed before.
    PlacedBefore,
    /// It could be read, and what it says was refused.
    Content,
}

impl Refused {
    fn parse(reason: &str) -> Self {
        match reason {
            "missing_header"
            | "unknown_version"
            | "unknown_content_type"
            | "malformed_header"
            | "id_reused"
            | "too_late"
            | "from_the_future"
            | "no_market" => Refused::Turned,
            "unknown_type" | "too_large" | "malformed" | "undeclared_field" | "wrong_topic" => {
                Refused::Unreadable
            }
            "duplicate_order" => Refused::PlacedBefore,
            _ => Refused::Content,
        }
    }
}

/// The events that were refused, by topic and offset.
#[derive(Debug, Default)]
pub struct Rejected(HashMap<(usize, u64), Refused, FxBuildHasher>);

impl Rejected {
    /// Reads `rejected` to its end.
    pub fn read(cursor: &mut Cursor, topics: &mut Topics) -> anyhow::Result<Rejected> {
        let mut rejected = Rejected::default();
        while cursor.load(topics)? {
            let record = cursor.record();
            let event = RejectedEvent::decode(record.value.unwrap_or_default())
                .with_context(|| format!("offset {} of `rejected`", record.offset))?;
            let place = (input_named(&event.topic)?, event.offset);
            rejected.0.insert(place, Refused::parse(&event.reason));
            cursor.advance();
        }
        Ok(rejected)
    }

    /// Why the record was refused; `None`: it was not.
    pub fn get(&self, topic: usize, offset: u64) -> Option<Refused> {
        self.0.get(&(topic, offset)).copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}
