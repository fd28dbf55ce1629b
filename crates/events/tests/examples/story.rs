//! Examples of when nodes work, of notices, feedback and tickets.

use omnifold_events::{Event, v1};

use super::{extensions, line_quantity, promise, sealed, text};

fn hours() -> v1::DayHours {
    v1::DayHours { opens_minute: 600, closes_minute: 840 }
}

/// When a node works.
pub fn nodes() -> Vec<Event> {
    let node_id = || text("berlin-1");
    vec![
        v1::NodeCalendarSet {
            node_id: node_id(),
            zone: text("Europe/Berlin"),
            week: vec![v1::OpeningHours {
                weekday: v1::Weekday::Saturday.into(),
                opens_minute: 540,
                closes_minute: 1_080,
            }],
            special_days: vec![v1::SpecialDay { date: text("2025-12-24"), hours: vec![hours()] }],
            cut_off_minute: Some(900),
            processing_ms: 14_400_000,
            extensions: extensions(),
        }
        .into(),
        v1::NodePaused {
            node_id: node_id(),
            reason: text("strike"),
            until_ms: 1_748_944_800_000,
            open_work: v1::PausedWork::Keep.into(),
            extensions: extensions(),
        }
        .into(),
        v1::NodeResumed { node_id: node_id(), extensions: extensions() }.into(),
        v1::NodeOffboarded {
            node_id: node_id(),
            reason: text("lease_ended"),
            extensions: extensions(),
        }
        .into(),
    ]
}

/// What is said of orders afterwards.
pub fn afterwards() -> Vec<Event> {
    vec![
        v1::OrderFeedback {
            channel: text("web"),
            order_id: text("1001"),
            feedback_id: text("review-9"),
            score: 4,
            text: Some(sealed()),
            extensions: extensions(),
        }
        .into(),
        v1::TicketClosed {
            channel: text("web"),
            order_id: text("1001"),
            ticket: 3,
            resolution: text("claim_paid"),
            extensions: extensions(),
        }
        .into(),
    ]
}

/// Stock kept for one channel.
pub fn reserved_for_a_channel() -> Event {
    v1::ChannelStockReserved {
        channel: text("web"),
        node_id: text("berlin-1"),
        sku: text("tea-500"),
        quantity_milli: 20_000,
        extensions: extensions(),
    }
    .into()
}

/// What somebody is to be told or has to do.
pub fn notice() -> v1::Notice {
    v1::Notice {
        kind: v1::NoticeKind::Shipped.into(),
        channel: text("web"),
        order_id: text("1001"),
        fulfilment: 2,
        lines: vec![line_quantity("1", 2_000)],
        amount: Some(v1::Money { minor: 1_299, currency: text("EUR") }),
        carrier: text("dhl"),
        tracking_number: text("JD0146"),
        reference: text("R1"),
        ticket: 3,
        ticket_kind: v1::TicketKind::Lost.into(),
        reason: text("claim_paid"),
        due_ms: 1_748_944_800_000,
        step: 90_003,
        timer: 2,
        promised_before: Some(promise()),
        promised: Some(promise()),
    }
}
