//! A market's topics, written by hand: inputs, and what an engine without fault decides on them.

use omnifold_events::v1::{self, Cause, OutcomeStatus};
use omnifold_events::{Envelope, Event};
use omnifold_log::{TopicKind, topic_name};
use prost::Message;
use xxhash_rust::xxh3::xxh3_128;

use super::memory_log::{MemoryLog, Stored};
use crate::output::Output;

/// An engine's record with its labels.
#[derive(Debug, Clone)]
pub struct Decided {
    pub output: Output,
    pub key: String,
    pub node: Option<String>,
    pub seq: Option<u32>,
    pub epoch: (u64, u64),
    /// The market's clock when it was decided.
    pub time_ms: i64,
}

/// What stands in the topics.
#[derive(Debug, Clone, Default)]
pub struct Story {
    /// (id, time, event), in the engine's order. The same id again is a duplicate.
    pub inputs: Vec<(String, i64, Event)>,
    pub decided: Vec<Decided>,
    pub rejected: Vec<v1::RejectedEvent>,
    pub marks: Vec<v1::EpochMark>,
}

pub const STEP_MS: i64 = 1_000;

impl Story {
    /// Adds an input a second after the one before. Returns its step.
    pub fn input(&mut self, event: impl Into<Event>) -> u64 {
        let number = self.inputs.len() as u64 + 1;
        self.inputs.push((format!("e{number}"), number as i64 * STEP_MS, event.into()));
        number
    }

    /// Refuses the newest input.
    pub fn refuse(&mut self, reason: &str) {
        let (_, _, event) = self.inputs.last().expect("an input");
        let topic = event.topic();
        let before = self.inputs.iter().filter(|(_, _, other)| other.topic() == topic).count();
        self.rejected.push(v1::RejectedEvent {
            topic: format!("t.m.{topic}"),
            offset: before as u64 - 1,
            step: self.inputs.len() as u64,
            reason: reason.to_owned(),
            ..Default::default()
        });
    }

    /// Adds a decision with the labels it should have.
    pub fn decide(&mut self, output: Output) {
        let (channel, order_id) = output.order();
        let order = format!("{channel}/{order_id}");
        let key = match (&output, output.fulfilment()) {
            (Output::SoftHold(_), _) => format!("/hold/{order}"),
            (Output::Wave(_), _) => format!("/wave{order}"),
            (_, Some(number)) => format!("{order}/f{number}"),
            (_, None) => order,
        };
        let before = self.decided.iter().filter(|decided| decided.key == key).count() as u32;
        let node = output.node().map(str::to_owned);
        let seq = node.is_some().then_some(before + 1);
        let time_ms = self.inputs.last().map_or(0, |(_, time_ms, _)| *time_ms);
        self.decided.push(Decided { output, key, node, seq, epoch: (1, 1), time_ms });
    }

    /// Ends an epoch here: every input so far is folded.
    pub fn mark(&mut self, incarnation: u64, epoch: u64) {
        let frontiers = TopicKind::INPUTS.map(|kind| v1::Frontier {
            topic: topic_name("t", "m", kind),
            identity: String::new(),
            next: self.inputs.iter().filter(|(_, _, e)| e.topic() == kind.name()).count() as u64,
        });
        self.marks.push(v1::EpochMark {
            market: "m".to_owned(),
            incarnation,
            epoch,
            previous_mark: self.newest_mark().to_be_bytes().to_vec(),
            frontiers: frontiers.to_vec(),
            steps: self.inputs.len() as u64,
            ..Default::default()
        });
    }

    fn newest_mark(&self) -> u128 {
        self.marks.last().map_or(0, |mark| xxh3_128(&mark.encode_to_vec()))
    }

    /// The topics.
    pub fn log(&self) -> MemoryLog {
        let mut log = MemoryLog::default();
        for kind in TopicKind::INPUTS.into_iter().chain(TopicKind::OUTPUTS) {
            log.topics.insert(topic_name("t", "m", kind), Vec::new());
        }
        for (id, time_ms, event) in &self.inputs {
            push(&mut log, event.topic(), input_record(id, *time_ms, event));
        }
        self.decided.iter().for_each(|decided| push(&mut log, "assignments", decided.record()));
        for event in &self.rejected {
            push(&mut log, "rejected", plain_record(event.encode_to_vec()));
        }
        for mark in &self.marks {
            push(&mut log, "journal", plain_record(mark.encode_to_vec()));
        }
        log
    }
}

fn push(log: &mut MemoryLog, topic: &str, mut record: Stored) {
    let records = log.topics.get_mut(&format!("t.m.{topic}")).expect("made before");
    record.offset = records.len() as u64;
    records.push(record);
}

fn input_record(id: &str, time_ms: i64, event: &Event) -> Stored {
    let mut headers = Vec::new();
    let envelope = Envelope {
        id,
        source: "story",
        type_name: event.type_name(),
        time_ms: Some(time_ms),
        content_type: omnifold_events::ContentType::Protobuf,
    };
    envelope.to_headers(|name, value| headers.push((name.to_owned(), value.to_vec())));
    Stored { headers, ..plain_record(event.encode()) }
}

fn plain_record(value: Vec<u8>) -> Stored {
    Stored { offset: 0, time_ms: 0, headers: Vec::new(), key: Vec::new(), value }
}

impl Decided {
    fn record(&self) -> Stored {
        let (type_name, value) = match &self.output {
            Output::Outcome(m) => ("OrderOutcome", m.encode_to_vec()),
            Output::Assigned(m) => ("FulfilmentAssigned", m.encode_to_vec()),
            Output::Changed(m) => ("FulfilmentChanged", m.encode_to_vec()),
            Output::ReleaseRequested(m) => ("FulfilmentReleaseRequested", m.encode_to_vec()),
            Output::Released(m) => ("FulfilmentReleased", m.encode_to_vec()),
            Output::ReturnAuthorised(m) => ("ReturnAuthorised", m.encode_to_vec()),
            Output::ReturnRefused(m) => ("ReturnRefused", m.encode_to_vec()),
            Output::RefundDue(m) => ("RefundDue", m.encode_to_vec()),
            Output::SoftHold(m) => ("StockHoldOutcome", m.encode_to_vec()),
            Output::Wave(m) => ("WavePlanned", m.encode_to_vec()),
            Output::Rejected(m) => ("RejectedEvent", m.encode_to_vec()),
            Output::Variance(m) => ("CountVariance", m.encode_to_vec()),
            Output::Notice(m) => ("Notice", m.encode_to_vec()),
            Output::Supply(notice) => (notice.name(), notice.encode()),
        };
        let mut headers = vec![("ce_type".to_owned(), format!("omnifold.v1.{type_name}").into())];
        let mut epoch = self.epoch.0.to_be_bytes().to_vec();
        epoch.extend(self.epoch.1.to_be_bytes());
        headers.push(("epoch".to_owned(), epoch));
        if let Some(node) = &self.node {
            headers.push(("node".to_owned(), node.clone().into()));
        }
        if let Some(seq) = self.seq {
            headers.push(("seq".to_owned(), seq.to_string().into()));
        }
        let (key, time_ms) = (self.key.clone().into(), self.time_ms);
        Stored { headers, key, time_ms, ..plain_record(value) }
    }
}

pub fn market() -> v1::MarketConfigured {
    v1::MarketConfigured {
        clock: v1::ClockKind::Events.into(),
        shortage: v1::Shortage::Wait.into(),
        coverage: v1::Coverage::AllowPartial.into(),
        ..Default::default()
    }
}

pub fn count(node: &str, sku: &str, units: i64) -> v1::StockCounted {
    v1::StockCounted {
        node_id: node.to_owned(),
        sku: sku.to_owned(),
        on_hand_milli: units,
        ..Default::default()
    }
}

pub fn adjust(node: &str, sku: &str, delta: i64) -> v1::StockAdjusted {
    v1::StockAdjusted {
        node_id: node.to_owned(),
        sku: sku.to_owned(),
        delta_milli: delta,
        ..Default::default()
    }
}

pub fn order(order_id: &str, lines: &[(&str, i64)]) -> v1::OrderPlaced {
    let line = |(place, (sku, units)): (usize, &(&str, i64))| v1::OrderLine {
        line_id: (place + 1).to_string(),
        sku: (*sku).to_owned(),
        quantity_milli: *units,
        ..Default::default()
    };
    v1::OrderPlaced {
        channel: "web".to_owned(),
        order_id: order_id.to_owned(),
        lines: lines.iter().enumerate().map(line).collect(),
        ..Default::default()
    }
}

pub fn held(hold_id: &str, sku: &str, units: i64, ttl_ms: i64) -> v1::StockHeld {
    v1::StockHeld {
        channel: "web".to_owned(),
        hold_id: hold_id.to_owned(),
        lines: vec![v1::StockHoldLine { sku: sku.to_owned(), quantity_milli: units }],
        ttl_ms,
        ..Default::default()
    }
}

/// (node, SKU, units) held until an instant, or what was.
pub fn hold_outcome(
    hold_id: &str,
    (step, timer): (u64, u32),
    status: v1::StockHoldStatus,
    (node, sku, units): (&str, &str, i64),
    expires_at_ms: i64,
) -> v1::StockHoldOutcome {
    let (node_id, sku) = (node.to_owned(), sku.to_owned());
    v1::StockHoldOutcome {
        channel: "web".to_owned(),
        hold_id: hold_id.to_owned(),
        status: status.into(),
        units: vec![v1::HeldUnits { sku, node_id, quantity_milli: units }],
        expires_at_ms,
        step,
        timer,
        ..Default::default()
    }
}

pub fn cancel(order_id: &str, lines: &[(&str, i64)]) -> v1::OrderCancelled {
    v1::OrderCancelled {
        channel: "web".to_owned(),
        order_id: order_id.to_owned(),
        lines: quantities(lines),
        ..Default::default()
    }
}

pub fn target(id: &str) -> Option<v1::FulfilmentTarget> {
    let target = Some(v1::fulfilment_target::Target::FulfilmentId(id.to_owned()));
    Some(v1::FulfilmentTarget { target })
}

pub fn any_node(order_id: &str) -> Option<v1::FulfilmentTarget> {
    let (channel, order_id) = ("web".to_owned(), order_id.to_owned());
    let any = v1::fulfilment_target::Target::AnyNode(v1::AnyNode { channel, order_id });
    Some(v1::FulfilmentTarget { target: Some(any) })
}

pub fn reject(id: &str, reason: v1::RejectionReason) -> v1::FulfilmentRejected {
    v1::FulfilmentRejected { target: target(id), reason: reason.into(), ..Default::default() }
}

pub fn ship(target: Option<v1::FulfilmentTarget>) -> v1::FulfilmentShipped {
    v1::FulfilmentShipped { target, ..Default::default() }
}

pub fn quantities(lines: &[(&str, i64)]) -> Vec<v1::LineQuantity> {
    let row = |(line, units): &(&str, i64)| v1::LineQuantity {
        line_id: (*line).to_owned(),
        quantity_milli: *units,
    };
    lines.iter().map(row).collect()
}

fn assigned_lines(lines: &[(&str, &str, i64)]) -> Vec<v1::AssignedLine> {
    let row = |(line, sku, units): &(&str, &str, i64)| v1::AssignedLine {
        line_id: (*line).to_owned(),
        sku: (*sku).to_owned(),
        quantity_milli: *units,
        backordered_milli: 0,
        origin: None,
        lots: Vec::new(),
    };
    lines.iter().map(row).collect()
}

/// Order, decision number, step, cause.
pub type What<'a> = (&'a str, u32, u64, Cause);

pub fn outcome(what: What<'_>, status: OutcomeStatus) -> v1::OrderOutcome {
    let (order_id, decision, step, cause) = what;
    v1::OrderOutcome {
        channel: "web".to_owned(),
        order_id: order_id.to_owned(),
        revision: 1,
        decision,
        step,
        cause: cause.into(),
        status: status.into(),
        ..Default::default()
    }
}

pub fn assigned(
    what: What<'_>,
    fulfilment: u32,
    node: &str,
    lines: &[(&str, &str, i64)],
) -> v1::FulfilmentAssigned {
    let (order_id, decision, step, cause) = what;
    v1::FulfilmentAssigned {
        channel: "web".to_owned(),
        order_id: order_id.to_owned(),
        fulfilment,
        node_id: node.to_owned(),
        lines: assigned_lines(lines),
        revision: 1,
        decision,
        step,
        cause: cause.into(),
        ..Default::default()
    }
}

/// The one fulfilment that covers an order, with the order's outcome inside.
pub fn whole(
    order_id: &str,
    step: u64,
    node: &str,
    lines: &[(&str, &str, i64)],
) -> v1::FulfilmentAssigned {
    let what = (order_id, 1, step, Cause::Placed);
    let outcome = outcome(what, OutcomeStatus::Assigned);
    let bare = assigned((order_id, 0, 0, Cause::Unspecified), 1, node, lines);
    v1::FulfilmentAssigned { outcome: Some(outcome), ..bare }
}

pub fn changed(
    what: What<'_>,
    fulfilment: u32,
    node: &str,
    lines: &[(&str, &str, i64)],
) -> v1::FulfilmentChanged {
    let from = assigned(what, fulfilment, node, lines);
    v1::FulfilmentChanged {
        channel: from.channel,
        order_id: from.order_id,
        fulfilment,
        node_id: from.node_id,
        lines: from.lines,
        revision: 1,
        decision: from.decision,
        step: from.step,
        cause: from.cause,
        ..Default::default()
    }
}

pub fn released(
    what: What<'_>,
    fulfilment: u32,
    node: &str,
    lines: &[(&str, &str, i64)],
) -> v1::FulfilmentReleased {
    let from = changed(what, fulfilment, node, lines);
    v1::FulfilmentReleased {
        channel: from.channel,
        order_id: from.order_id,
        fulfilment,
        node_id: from.node_id,
        lines: from.lines,
        revision: 1,
        decision: from.decision,
        step: from.step,
        cause: from.cause,
        timer: 0,
    }
}
