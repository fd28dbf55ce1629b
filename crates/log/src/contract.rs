//! One contract test suite for every log.
//!
//! [`PROMISES`] lists what a [`Log`] promises, one check each, so that a failing one is named.
//! [`run_all`] runs them all and reports every failure together.
//!
//! Rules of the suite:
//! * Topics and markets are named anew in every run, because a Kafka broker keeps them. Their
//!   names begin with [`PREFIX`], which a log that knows a prefix must be set up with.
//! * Gaps between offsets are legal. No check counts on consecutive offsets.
//! * Only a [`Reader`](crate::Reader) that has waited knows that it stands at the end; every wait
//!   is bounded by [`PATIENCE`].
//! * `make` gives a client of the same log each time: another connection, or another handle.

mod fencing;
mod group;
mod harness;
mod reading;
mod topics;
mod writing;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::Log;

/// First part of every topic's name in this suite.
pub const PREFIX: &str = "contract";

/// Longest wait for anything that must happen. Generous, because a broker may share two cores with
/// the tests.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Gives a client of the log under test.
pub type Make<'a> = &'a dyn Fn() -> Arc<dyn Log>;

/// One promise of a log.
#[derive(Clone, Copy)]
pub struct Promise {
    /// The behaviour, in words joined by underscores.
    pub name: &'static str,
    /// Panics where the log breaks the promise.
    pub check: fn(Make<'_>),
}

macro_rules! promises {
    ($($module:ident :: $name:ident),* $(,)?) => {
        &[$(Promise { name: stringify!($name), check: $module::$name }),*]
    };
}

/// Everything a log promises.
pub const PROMISES: &[Promise] = promises![
    topics::creating_topics_is_idempotent_and_names_what_was_made,
    topics::a_topic_is_described_as_it_stands,
    topics::a_missing_topic_is_named,
    topics::trimming_is_refused_while_a_holder_needs_the_records,
    writing::records_come_back_unchanged_and_in_order,
    writing::an_empty_value_is_not_a_tombstone,
    writing::repeated_and_empty_headers_are_kept,
    writing::an_append_reaches_every_topic_it_names,
    writing::an_empty_batch_changes_nothing,
    writing::ten_thousand_records_are_one_batch,
    writing::records_near_one_mebibyte_fit,
    writing::producers_at_once_lose_nothing_and_keep_their_order,
    reading::a_position_is_the_next_offset_to_read,
    reading::what_an_append_returned_is_where_the_next_one_begins,
    reading::an_owner_reads_at_once_what_it_committed,
    reading::a_small_fetch_gets_at_least_one_record,
    reading::the_end_is_told_and_moves_with_new_records,
    reading::a_waiting_reader_is_woken_by_new_records,
    reading::a_wait_without_records_ends_in_time,
    reading::topics_read_together_are_kept_apart,
    reading::a_position_outside_the_topic_is_refused,
    reading::only_whole_appends_are_seen_at_the_end,
    fencing::a_new_owner_fences_the_one_before,
    fencing::what_a_fenced_owner_appended_is_never_seen,
    fencing::owners_of_other_markets_are_left_alone,
    group::a_lone_member_gets_every_market_and_gives_it_back,
];

/// Checks every promise, then names the ones that were broken.
///
/// # Panics
/// Where at least one promise was broken.
pub fn run_all(make: Make<'_>) {
    let broken: Vec<&str> =
        PROMISES.iter().filter(|promise| !holds(promise, make)).map(|p| p.name).collect();
    assert!(broken.is_empty(), "broken promises: {}", broken.join(", "));
}

fn holds(promise: &Promise, make: Make<'_>) -> bool {
    let kept = catch_unwind(AssertUnwindSafe(|| (promise.check)(make))).is_ok();
    eprintln!("contract: {} ... {}", promise.name, if kept { "ok" } else { "BROKEN" });
    kept
}
