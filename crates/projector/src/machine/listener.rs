//! Listens to one order while the log is folded: every record that is about it, taken or not, every
//! change that others made to it, and every decision on it.

use std::sync::Arc;

use omnifold_domain::{Order, OrderKey, ParcelKey, View};
use omnifold_events::{Envelope, decode};
use omnifold_log::{Record, TopicKind};
use serde_json::Value;

use super::{Machine, Output, Recorded, type_of};

/// What is heard of one order.
pub(crate) struct Listener {
    key: OrderKey,
    /// `channel/order_id`.
    name: String,
    /// As the step before left it.
    seen: Option<Arc<Order>>,
    duplicates: u64,
    /// Decisions of the step under way.
    decided: Vec<Chapter>,
    /// What happened, oldest first.
    pub chapters: Vec<Chapter>,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub(crate) struct Chapter {
    /// Number of the record, and of the timers that fired since.
    pub moment: (u64, u32),
    /// The market's clock.
    pub clock_ms: i64,
    /// Topic and offset; `None` where time or an earlier slice's work caused it.
    pub place: Option<(&'static str, u64)>,
    /// The type without its package; empty where nobody said anything.
    pub event: String,
    /// The message.
    pub body: Value,
    pub fate: Fate,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    Taken,
    Decided,
    Duplicate,
    /// The code, and the sentence for a person.
    Refused(String, String),
}

impl Listener {
    pub(crate) fn new(channel: &str, order_id: &str) -> Self {
        Listener {
            key: OrderKey::of(channel, order_id),
            name: format!("{channel}/{order_id}"),
            seen: None,
            duplicates: 0,
            decided: Vec::new(),
            chapters: Vec::new(),
        }
    }

    /// Keeps a decision that is folded, where it is on the order.
    pub(super) fn hear_decision(&mut self, next: &Recorded, clock_ms: i64) {
        let (channel, order_id) = next.decision.order();
        if OrderKey::of(channel, order_id) != self.key {
            return;
        }
        let type_name = type_of(&next.decision);
        let body = omnifold_events::output_json(type_name, &next.payload).unwrap_or_default();
        self.decided.push(Chapter {
            moment: next.decision.moment(),
            clock_ms,
            place: Some((TopicKind::Assignments.name(), next.offset)),
            event: short(type_name),
            body,
            fate: Fate::Decided,
        });
    }

    /// Whether a message names the order, or a parcel of it.
    fn is_about(&self, body: &Value, store: &mut impl View) -> bool {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let pair =
            |value: &Value| format!("{}/{}", text(&value["channel"]), text(&value["orderId"]));
        let ids = [&body["fulfilmentId"], &body["target"]["fulfilmentId"]];
        let of_order = |id: &&Value| {
            let id = text(id);
            id.rsplit_once("/f").is_some_and(|(order, _)| order == self.name)
        };
        if pair(body) == self.name || pair(&body["target"]["anyNode"]) == self.name {
            return true;
        }
        if ids.iter().any(of_order) {
            return true;
        }
        let (carrier, number) = (text(&body["carrier"]), text(&body["trackingNumber"]));
        let parcel = store.parcel(ParcelKey::of(&carrier, &number));
        parcel.is_some_and(|parcel| parcel.order == self.key)
    }
}

fn short(type_name: &str) -> String {
    type_name.trim_start_matches("omnifold.v1.").to_owned()
}

fn read(record: &Record<'_>) -> Option<(String, Value)> {
    let envelope = Envelope::from_headers(record.headers.iter()).ok()?;
    let value = record.value.unwrap_or_default();
    let event = decode(envelope.type_name, envelope.content_type, value).ok()?;
    Some((short(event.type_name()), event.to_json()))
}

impl Machine {
    /// Keeps what the step just done means to the order that is listened to.
    pub(super) fn listen(&mut self, cause: Option<(TopicKind, &Record<'_>)>, out: &Output) {
        let Some(mut listener) = self.listener.take() else { return };
        let now = self.store.shared_order(listener.key);
        let changed = now != listener.seen;
        let decided = std::mem::take(&mut listener.decided);
        let chapter = match cause {
            Some((topic, record)) => self.heard_of(&listener, topic, record, out),
            None => None,
        };
        let silent = || Chapter {
            moment: self.moment(),
            clock_ms: self.clock_ms,
            place: cause.map(|(topic, record)| (topic.name(), record.offset)),
            event: cause
                .and_then(|(_, record)| read(record))
                .map(|read| read.0)
                .unwrap_or_default(),
            body: Value::Null,
            fate: Fate::Taken,
        };
        let chapter = chapter.or_else(|| (changed || !decided.is_empty()).then(silent));
        listener.chapters.extend(chapter);
        listener.chapters.extend(decided);
        listener.seen = now;
        listener.duplicates = self.tally.duplicates;
        self.listener = Some(listener);
    }

    /// A record that is about the order, whatever became of it.
    fn heard_of(
        &mut self,
        listener: &Listener,
        topic: TopicKind,
        record: &Record<'_>,
        out: &Output,
    ) -> Option<Chapter> {
        if !matches!(topic, TopicKind::Orders | TopicKind::Fulfilment | TopicKind::Supply) {
            return None;
        }
        let (event, body) = read(record)?;
        if !listener.is_about(&body, &mut self.store) {
            return None;
        }
        let refused = out.rejections.last().map(|rejection| &rejection.event);
        let refused = refused.filter(|refused| refused.step == self.steps);
        let fate = match refused {
            Some(refused) => Fate::Refused(refused.reason.clone(), refused.detail.clone()),
            None if self.tally.duplicates > listener.duplicates => Fate::Duplicate,
            None => Fate::Taken,
        };
        let place = Some((topic.name(), record.offset));
        let (moment, clock_ms) = (self.moment(), self.clock_ms);
        Some(Chapter { moment, clock_ms, place, event, body, fate })
    }
}
