//! Decisions as records: their payload, their name, their headers.

use omnifold_domain::Decision;
use omnifold_domain::decision::Moment;
use omnifold_events::{ContentType, Envelope, Output as _, v1};
use omnifold_log::{HeadersBuilder, RecordBuf};
use prost::Message;
use xxhash_rust::xxh3::xxh3_128;

use super::emit::ASSIGNMENTS;

/// A decision, and the market's clock when it was taken.
pub(crate) struct Timed {
    pub decision: Decision,
    pub time_ms: i64,
}

/// Decisions of an epoch as records, and the hash over their payloads.
pub(crate) struct Written {
    pub records: RecordBuf,
    pub hash: u128,
}

/// Writes decisions. Its memory is reused.
#[derive(Default)]
pub(crate) struct Scribe {
    headers: HeadersBuilder,
    payload: Vec<u8>,
    text: String,
}

impl Scribe {
    /// The payload written last.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Takes a payload as it stands in the log.
    pub(crate) fn take(&mut self, payload: &[u8]) {
        self.payload.clear();
        self.payload.extend_from_slice(payload);
    }

    /// The hash over the payloads so far, with the one written last.
    pub(crate) fn chain(&self, hash: u128) -> u128 {
        let mut link = [0u8; 32];
        link[..16].copy_from_slice(&hash.to_be_bytes());
        link[16..].copy_from_slice(&xxh3_128(&self.payload).to_be_bytes());
        xxh3_128(&link)
    }

    /// Encodes a decision's payload.
    pub(crate) fn encode(&mut self, decision: &Decision) {
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
            Decision::Wave(m) => write(&**m, &mut self.payload),
        }
    }

    /// Adds a decision's record. Returns the hash with its payload.
    pub(crate) fn write(
        &mut self,
        timed: &Timed,
        source: &str,
        epoch: &[u8; 16],
        hash: u128,
        records: &mut RecordBuf,
    ) -> u128 {
        self.encode(&timed.decision);
        let parts = Parts::of(&timed.decision);
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
        self.headers.put("epoch", epoch);
        if let Some((_, node, seq)) = parts.fulfilment {
            self.headers.put("node", node.as_bytes());
            self.headers.put("seq", itoa::Buffer::new().format(seq).as_bytes());
        }
        parts.write_key(&mut self.text);
        let headers = self.headers.as_headers();
        let value = Some(self.payload.as_slice());
        records.push(ASSIGNMENTS, 0, timed.time_ms, headers, self.text.as_bytes(), value);
        self.chain(hash)
    }
}

/// Replaces what the buffer holds by a message. Into a slice: prost writes byte by byte, and a Vec
/// would look for room at each.
fn write(message: &impl Message, into: &mut Vec<u8>) {
    into.resize(message.encoded_len(), 0);
    message.encode_raw(&mut into.as_mut_slice());
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
    /// Of what is about no order: what it is about, and the moment, which names its outcome.
    apart: Option<(&'static str, Moment)>,
}

impl<'a> Parts<'a> {
    /// The decision's name, by which readers drop repeats: `channel/order_id/revision.number`, of a soft
    /// hold `/hold/channel/hold_id/step.timer`, and of a wave `/wave/wave_id/step.timer`.
    fn write_id(&self, into: &mut String) {
        let (major, minor) = match self.apart {
            None => (u64::from(self.revision), self.number),
            Some((_, moment)) => moment,
        };
        self.write_subject(into);
        into.push('/');
        into.push_str(itoa::Buffer::new().format(major));
        into.push('.');
        into.push_str(itoa::Buffer::new().format(minor));
    }

    /// The fulfilment's id, the order's, the hold's or the wave's: see [`omnifold_domain::FulfilmentId`].
    fn write_key(&self, into: &mut String) {
        self.write_subject(into);
        if let Some((number, ..)) = self.fulfilment {
            into.push_str("/f");
            into.push_str(itoa::Buffer::new().format(number));
        }
    }

    /// No channel holds `/`, so no order has the name of a hold or a wave.
    fn write_subject(&self, into: &mut String) {
        into.clear();
        if let Some((kind, _)) = self.apart {
            into.push('/');
            into.push_str(kind);
            if !self.channel.is_empty() {
                into.push('/');
            }
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
            Decision::Wave(_) => (v1::WavePlanned::TYPE, 0, 0, None),
        };
        let apart = match decision {
            Decision::SoftHold(_) => Some(("hold", decision.moment())),
            Decision::Wave(_) => Some(("wave", decision.moment())),
            _ => None,
        };
        Parts { type_name, channel, order_id, revision, number, fulfilment, apart }
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
        v1::WavePlanned::TYPE => v1::WavePlanned::decode(payload)
            .map(|message| Decision::Wave(Box::new(message)))
            .map_err(fault),
        other => Err(format!("`{other}` is no decision")),
    }
}
