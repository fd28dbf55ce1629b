//! The story of one order: what was said about it, taken or refused, what time did to it, and what the
//! engine decided, in the order in which it happened and with the place of each in the log.
//!
//! The log is folded from its start into a store in memory that listens to the order.

mod words;

use std::sync::Arc;

use omnifold_domain::{OrderKey, View as _};
use omnifold_events::format_time;
use omnifold_log::Log;
use omnifold_state::MemoryBackend;
use serde_json::{Value, json};

use crate::error::ProjectorError;
use crate::follower::{Follower, How};
use crate::machine::{Chapter, Fate, Listener};
use crate::mark::Standing;
use crate::options::{Options, StateAt};
use crate::query::{Answer, QueryError};
use crate::recorded::Tail;

/// A question about one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Its channel.
    pub channel: String,
    /// The channel's id for it.
    pub order_id: String,
    /// At most this many of the newest entries are listed.
    pub limit: usize,
}

/// Tells what happened to an order, oldest first. Reads the whole log.
pub fn history(
    log: Arc<dyn Log>,
    market: &str,
    options: Options,
    question: &History,
) -> Result<Result<Answer, QueryError>, ProjectorError> {
    let backend = Arc::new(MemoryBackend::default());
    let options = Options { state: StateAt::Memory, ..options };
    let mut follower = Follower::open(&log, market, &options, backend)?;
    let listener = Listener::new(&question.channel, &question.order_id);
    follower.machine.listener = Some(Box::new(listener));
    while follower.follow_one(How::Follow, Tail::Growing)? {}
    let chapters = follower.machine.listener.take().expect("it was set").chapters;
    let key = OrderKey::of(&question.channel, &question.order_id);
    let status = follower.machine.store.order(key).map(|order| order.status());
    if status.is_none() && chapters.is_empty() {
        let missing = format!("no order `{}/{}`", question.channel, question.order_id);
        return Ok(Err(QueryError::NotFound(missing)));
    }
    let not_listed = chapters.len().saturating_sub(question.limit);
    let entries: Vec<Value> = chapters.iter().skip(not_listed).map(line).collect();
    let body = json!({
        "channel": question.channel, "order_id": question.order_id, "status": status,
        "entries": entries, "not_listed": not_listed,
    });
    Ok(Ok(Answer { position: Standing::of(&follower.head.body), body }))
}

/// One entry for a person.
fn line(chapter: &Chapter) -> Value {
    let place = chapter.place.map(|(topic, offset)| format!("{topic}@{offset}"));
    let (step, timer) = chapter.moment;
    let (fate, reason) = match &chapter.fate {
        Fate::Taken => ("taken", ""),
        Fate::Decided => ("decided", ""),
        Fate::Duplicate => ("duplicate", ""),
        Fate::Refused(reason, _) => ("refused", reason.as_str()),
    };
    json!({
        "step": step,
        "timer": timer,
        "record": place.unwrap_or_default(),
        "time": format_time(chapter.clock_ms),
        "event": chapter.event,
        "fate": fate,
        "reason": reason,
        "what": words::sentence(chapter),
    })
}
