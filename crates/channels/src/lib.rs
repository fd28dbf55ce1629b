//! Inbound adapters: files and marketplace histories to events.
//!
//! * [`publish`]: events to the topics of a market, with their envelope, in batches.
//! * [`files`]: JSON lines, and CSV through a mapping, to events.
//! * [`sealing`]: personal data under one key a person; deleting the key erases the person.
//! * [`olist`]: the history of a marketplace, replayed as events in time order.
//!
//! An adapter turns what others write into events and publishes them. It never looks into the
//! engine's state: what an event does is decided where it is folded.

mod decimal;
pub mod files;
pub mod olist;
pub mod publish;
pub mod sealing;
