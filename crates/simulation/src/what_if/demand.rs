//! The recorded part: everything but what nodes and couriers did.

use omnifold_events::jsonl::FileEvent;
use omnifold_events::{Event, v1};

use super::change::Change;

/// The instants between which the change counts, milliseconds since the Unix epoch: `from` until
/// before `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First instant.
    pub from_ms: i64,
    /// First instant after it.
    pub until_ms: i64,
}

impl Window {
    /// Whether an instant is in it.
    pub fn holds(&self, at_ms: i64) -> bool {
        (self.from_ms..self.until_ms).contains(&at_ms)
    }
}

/// The events to be replayed, oldest first, with the change from the window's beginning on. They are
/// given topic by topic, in the engine's order of topics for events of the same time.
pub fn demand(recorded: Vec<FileEvent>, change: &Change, window: Window) -> Vec<FileEvent> {
    let mut recorded: Vec<FileEvent> =
        recorded.into_iter().filter(|event| is_replayed(&event.event)).collect();
    recorded.sort_by_key(|event| event.time_ms);
    let mut replayed = Vec::with_capacity(recorded.len() + 2);
    let mut settings = None;
    let mut begun = false;
    for event in recorded {
        let time_ms = event.time_ms.unwrap_or_default();
        if time_ms >= window.until_ms {
            break;
        }
        let told = on_record_times(event.event);
        let counts = time_ms >= window.from_ms;
        if let Some(settings) = settings.as_ref().filter(|_| counts && !begun) {
            begin(&mut replayed, change.begin(settings), window.from_ms);
            begun = true;
        }
        if let Event::MarketConfigured(configured) = &told {
            settings = Some(configured.clone());
        }
        let told = if counts { change.alter(told) } else { Some(told) };
        replayed.extend(told.map(|told| FileEvent { event: told, ..event }));
        // The market's first settings are of the window: they were altered as they were told.
        if counts && !begun && settings.is_some() {
            begin(&mut replayed, change.rule(), time_ms);
            begun = true;
        }
    }
    replayed
}

fn begin(replayed: &mut Vec<FileEvent>, events: impl IntoIterator<Item = Event>, at_ms: i64) {
    replayed.extend(events.into_iter().zip(1..).map(|(event, nth): (Event, u32)| FileEvent {
        id: format!("change-{nth}"),
        source: "what-if".to_owned(),
        time_ms: Some(at_ms),
        event,
    }));
}

/// What a customer, a supplier or an operator did; not what nodes and couriers did with work that
/// may be elsewhere now, and no returns of goods that may not have left.
fn is_replayed(event: &Event) -> bool {
    match event {
        Event::ReturnRequested(_) | Event::ReturnExpired(_) => false,
        other => other.topic() != "fulfilment",
    }
}

/// The replay's clock moves with its records, whatever moved it in reality.
fn on_record_times(event: Event) -> Event {
    match event {
        Event::MarketConfigured(mut configured) => {
            configured.set_clock(v1::ClockKind::Events);
            configured.max_ahead_ms = 0;
            configured.into()
        }
        other => other,
    }
}
