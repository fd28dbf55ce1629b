//! Decisions and refusals as records, ready to be published.

use omnifold_domain::decision::Moment;
use omnifold_domain::{Decision, Refusal};
use omnifold_events::{ContentType, Envelope, Output as _, v1};
use omnifold_log::{HeadersBuilder, RecordBuf};
use prost::Message;
use xxhash_rust::xxh3::xxh3_128;

/// An event that was refused, with its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Rejection {
    pub event: v1::RejectedEvent,
    pub value: Vec<u8>,
}

/// A message for the outside.
pub(crate) struct Told<'a> {
    pub type_name: &'static str,
    pub id: &'a str,
    pub key: &'a [u8],
    pub payload: &'a [u8],
}

/// What one epoch publishes, mark excepted.
pub(crate) struct Output {
    /// Topic numbers are places in the epoch's list of output topics.
    pub records: RecordBuf,
    pub rejections: Vec<Rejection>,
    pub decisions: u32,
    hash: u128,
    headers: HeadersBuilder,
    payload: Vec<u8>,
    text: String,
    /// Incarnation and epoch, as the `epoch` header has them.
    epoch: [u8; 16],
}

/// Place of `assignments` in an epoch's list of output topics.
pub(crate) const ASSIGNMENTS: usize = 0;

impl Output {
    pub(crate) fn new() -> Self {
        Output {
            records: RecordBuf::default(),
            rejections: Vec::new(),
            decisions: 0,
            hash: 0,
            headers: HeadersBuilder::default(),
            payload: Vec::new(),
            text: String::new(),
            epoch: [0; 16],
        }
    }

    /// Starts an epoch. The memory stays.
    pub(crate) fn begin(&mut self, incarnation: u64, epoch: u64) {
        self.records.clear();
        self.rejections.clear();
        self.decisions = 0;
        self.hash = 0;
        self.epoch[..8].copy_from_slice(&incarnation.to_be_bytes());
        self.epoch[8..].copy_from_slice(&epoch.to_be_bytes());
    }

    /// Incarnation and epoch, as the `epoch` header has them.
    pub(crate) fn epoch(&self) -> [u8; 16] {
        self.epoch
    }

    /// The hash over the payloads of the decisions so far.
    pub(crate) fn decisions_hash(&self) -> u128 {
        self.hash
    }

    /// Encodes a decision's payload into the scratch buffer, counts and hashes it.
    pub(crate) fn encode(&mut self, decision: &Decision) -> &[u8] {
        self.preview(decision);
        self.count_payload();
        &self.payload
    }

    /// Encodes a decision's payload into the scratch buffer.
    pub(crate) fn preview(&mut self, decision: &Decision) -> &[u8] {
        match decision {
            Decision::Outcome(m) => write(m, &mut self.payload),
            Decision::Assigned(m) => write(m, &mut self.payload),
            Decision::Changed(m) => write(m, &mut self.payload),
            Decision::ReleaseRequested(m) => write(m, &mut self.payload),
            Decision::Released(m) => write(m, &mut self.payload),
            Decision::ReturnAuthorised(m) => write(&**m, &mut self.payload),
            Decision::ReturnRefused(m) => write(m, &mut self.payload),
            Decision::RefundDue(m) => write(&**m, &mut self.payload),
            Decision::SoftHold(m) => write(m, &mut self.payload),
        }
        &self.payload
    }

    /// Counts and hashes a payload as it stands in the log.
    pub(crate) fn note(&mut self, payload: &[u8]) {
        self.payload.clear();
        self.payload.extend_from_slice(payload);
        self.count_payload();
    }

    fn count_payload(&mut self) {
        self.decisions += 1;
        let mut link = [0u8; 32];
        link[..16].copy_from_slice(&self.hash.to_be_bytes());
        link[16..].copy_from_slice(&xxh3_128(&self.payload).to_be_bytes());
        self.hash = xxh3_128(&link);
    }

    /// Adds the decision just encoded as a record.
    pub(crate) fn push(&mut self, decision: &Decision, source: &str, time_ms: i64) {
        let parts = Parts::of(decision);
        self.headers.clear();
        parts.write_id(&mut self.text);
        let envelope = Envelope {
            id: &self.text,
            source,
            type_name: parts.type_name,
            time_ms: None, // the record's timestamp is the market's clock
            content_type: ContentType::Protobuf,
        };
        envelope.to_headers(|name, value| self.headers.put(name, value));
        self.headers.put("epoch", &self.epoch);
        if let Some((_, node, seq)) = parts.fulfilment {
            self.headers.put("node", node.as_bytes());
            self.headers.put("seq", itoa::Buffer::new().format(seq).as_bytes());
        }
        parts.write_key(&mut self.text);
        let headers = self.headers.as_headers();
        let value = Some(self.payload.as_slice());
        self.records.push(ASSIGNMENTS, 0, time_ms, headers, self.text.as_bytes(), value);
    }

    /// Adds a message of a topic that is never read back: no decision, and no part of the hash.
    pub(crate) fn tell(&mut self, topic: usize, told: &Told<'_>, source: &str, time_ms: i64) {
        self.headers.clear();
        let envelope = Envelope {
            id: told.id,
            source,
            type_name: told.type_name,
            time_ms: None,
            content_type: ContentType::Protobuf,
        };
        envelope.to_headers(|name, value| self.headers.put(name, value));
        self.headers.put("epoch", &self.epoch);
        let headers = self.headers.as_headers();
        self.records.push(topic, 0, time_ms, headers, told.key, Some(told.payload));
    }

    pub(crate) fn reject(&mut self, event: v1::RejectedEvent, value: &[u8]) {
        self.rejections.push(Rejection { event, value: value.to_vec() });
    }

    /// Where the epoch stands, to come back to it with [`Output::cut`].
    pub(crate) fn bookmark(&self) -> Bookmark {
        Bookmark {
            records: self.records.len(),
            rejections: self.rejections.len(),
            decisions: self.decisions,
            hash: self.hash,
        }
    }

    /// Takes back everything since a bookmark.
    pub(crate) fn cut(&mut self, bookmark: Bookmark) {
        self.records.truncate(bookmark.records);
        self.rejections.truncate(bookmark.rejections);
        self.decisions = bookmark.decisions;
        self.hash = bookmark.hash;
    }
}

/// Replaces what the buffer holds by a message. Into a slice: prost writes byte by byte, and a Vec
/// would look for room at each.
fn write(message: &impl Message, into: &mut Vec<u8>) {
    into.resize(message.encoded_len(), 0);
    message.encode(&mut into.as_mut_slice()).expect("as long as it says");
}

/// A place in an epoch's output.
pub(crate) struct Bookmark {
    records: usize,
    rejections: usize,
    decisions: u32,
    hash: u128,
}

/// What a decision's record needs besides its payload.
struct Parts<'a> {
    type_name: &'static str,
    channel: &'a str,
    order_id: &'a str,
    revision: u32,
    number: u32,
    /// Number, node, and which record about the fulfilment this is.
    fulfilment: Option<(u32, &'a str, u32)>,
    /// Of a soft hold: the moment, which names its outcome.
    soft_hold: Option<Moment>,
}

impl<'a> Parts<'a> {
    /// The decision's name, by which readers drop repeats: `channel/order_id/revision.number`, and
    /// of a soft hold `/hold/channel/hold_id/step.timer`.
    fn write_id(&self, into: &mut String) {
        let (major, minor) = match self.soft_hold {
            None => (u64::from(self.revision), self.number),
            Some(moment) => moment,
        };
        self.write_subject(into);
        into.push('/');
        into.push_str(itoa::Buffer::new().format(major));
        into.push('.');
        into.push_str(itoa::Buffer::new().format(minor));
    }

    /// The fulfilment's id, the order's or the hold's: see [`omnifold_domain::FulfilmentId`].
    fn write_key(&self, into: &mut String) {
        self.write_subject(into);
        if let Some((number, ..)) = self.fulfilment {
            into.push_str("/f");
            into.push_str(itoa::Buffer::new().format(number));
        }
    }

    /// No channel holds `/`, so no order has the name of a hold.
    fn write_subject(&self, into: &mut String) {
        into.clear();
        if self.soft_hold.is_some() {
            into.push_str("/hold/");
        }
        into.push_str(self.channel);
        into.push('/');
        into.push_str(self.order_id);
    }

    fn of(decision: &'a Decision) -> Self {
        let (channel, order_id) = decision.order();
        let (type_name, revision, number, fulfilment) = match decision {
            Decision::Outcome(m) => (v1::OrderOutcome::TYPE, m.revision, m.decision, None),
            Decision::Assigned(m) => {
                let (revision, number) = m
                    .outcome
                    .as_ref()
                    .map_or((m.revision, m.decision), |o| (o.revision, o.decision));
                let fulfilment = Some((m.fulfilment, m.node_id.as_str(), 1));
                (v1::FulfilmentAssigned::TYPE, revision, number, fulfilment)
            }
            // Decisions on an order are numbered, so a later record has the higher number: it
            // serves as the sequence within each of its fulfilments.
            Decision::Changed(m) => {
                let fulfilment = Some((m.fulfilment, m.node_id.as_str(), m.decision));
                (v1::FulfilmentChanged::TYPE, m.revision, m.decision, fulfilment)
            }
            Decision::ReleaseRequested(m) => {
                let fulfilment = Some((m.fulfilment, m.node_id.as_str(), m.decision));
                (v1::FulfilmentReleaseRequested::TYPE, m.revision, m.decision, fulfilment)
            }
            Decision::Released(m) => {
                let fulfilment = Some((m.fulfilment, m.node_id.as_str(), m.decision));
                (v1::FulfilmentReleased::TYPE, m.revision, m.decision, fulfilment)
            }
            Decision::ReturnAuthorised(m) => {
                (v1::ReturnAuthorised::TYPE, m.revision, m.decision, None)
            }
            Decision::ReturnRefused(m) => (v1::ReturnRefused::TYPE, m.revision, m.decision, None),
            Decision::RefundDue(m) => (v1::RefundDue::TYPE, m.revision, m.decision, None),
            Decision::SoftHold(_) => (v1::StockHoldOutcome::TYPE, 0, 0, None),
        };
        let soft_hold = matches!(decision, Decision::SoftHold(_)).then(|| decision.moment());
        Parts { type_name, channel, order_id, revision, number, fulfilment, soft_hold }
    }
}

/// The name of a decision's type.
pub(crate) fn type_of(decision: &Decision) -> &'static str {
    Parts::of(decision).type_name
}

/// Reads a decision back from its record.
pub(crate) fn decode(type_name: &str, payload: &[u8]) -> Result<Decision, String> {
    let fault = |error: prost::DecodeError| format!("{type_name} cannot be read: {error}");
    match type_name {
        v1::OrderOutcome::TYPE => {
            v1::OrderOutcome::decode(payload).map(Decision::Outcome).map_err(fault)
        }
        v1::FulfilmentAssigned::TYPE => {
            v1::FulfilmentAssigned::decode(payload).map(Decision::Assigned).map_err(fault)
        }
        v1::FulfilmentChanged::TYPE => {
            v1::FulfilmentChanged::decode(payload).map(Decision::Changed).map_err(fault)
        }
        v1::FulfilmentReleaseRequested::TYPE => v1::FulfilmentReleaseRequested::decode(payload)
            .map(Decision::ReleaseRequested)
            .map_err(fault),
        v1::FulfilmentReleased::TYPE => {
            v1::FulfilmentReleased::decode(payload).map(Decision::Released).map_err(fault)
        }
        v1::ReturnAuthorised::TYPE => v1::ReturnAuthorised::decode(payload)
            .map(|message| Decision::ReturnAuthorised(Box::new(message)))
            .map_err(fault),
        v1::ReturnRefused::TYPE => {
            v1::ReturnRefused::decode(payload).map(Decision::ReturnRefused).map_err(fault)
        }
        v1::RefundDue::TYPE => v1::RefundDue::decode(payload)
            .map(|message| Decision::RefundDue(Box::new(message)))
            .map_err(fault),
        v1::StockHoldOutcome::TYPE => {
            v1::StockHoldOutcome::decode(payload).map(Decision::SoftHold).map_err(fault)
        }
        other => Err(format!("`{other}` is no decision")),
    }
}

/// What a refusal says on `rejected`.
pub(crate) fn rejected_event(refusal: &Refusal, step: u64) -> v1::RejectedEvent {
    v1::RejectedEvent {
        step,
        reason: refusal.reason.code().to_owned(),
        detail: refusal.detail.clone(),
        ..v1::RejectedEvent::default()
    }
}
