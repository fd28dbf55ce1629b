//! Personal data, sealed at the edge under one key a person.
//!
//! * [`Keyring::seal`] encrypts with XChaCha20-Poly1305 under the person's own random key. What
//!   travels in events names the key by a random id, which says nothing about the person.
//! * [`Keyring::forget`] deletes the key. That erases the person from every topic, snapshot and
//!   backup at once, because none of them holds the key.
//! * The same text under the same key and purpose gives the same bytes: an import that is run
//!   again publishes the same events. The nonce is a keyed hash of the text, so it repeats only
//!   where the whole message does.
//! * [`Keyring::seal_expiring`] seals under a key of a day, for bytes nobody may read for ever
//!   (refused events); [`Keyring::drop_expired`] deletes the keys of the days before.
//!
//! The keyring is a folder of its own. Keep it apart from the log and its backups, on a disk that
//! is encrypted: a copy of it made before a person was forgotten still opens that person's data.

mod cipher;
mod keyring;

pub use keyring::{Keyring, KeyringError};

/// The purpose under which an order's recipient is sealed. It is bound into the ciphertext, so one
/// order's recipient cannot be passed off as another's.
pub fn recipient_purpose(channel: &str, order_id: &str) -> String {
    format!("omnifold.v1.OrderPlaced.destination.recipient/{channel}/{order_id}")
}

/// The purpose under which a customer's words about an order are sealed.
pub fn feedback_purpose(channel: &str, order_id: &str, feedback_id: &str) -> String {
    format!("omnifold.v1.OrderFeedback.text/{channel}/{order_id}/{feedback_id}")
}
