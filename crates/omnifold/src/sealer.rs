//! Seals the bytes of refused events under a key of the day, which is dropped later.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use omnifold_channels::sealing::Keyring;
use omnifold_events::v1::Sealed;
use omnifold_projector::Sealer;

/// Bound into the ciphertext: a refused event cannot be passed off as something else.
pub const PURPOSE: &str = "omnifold.v1.RejectedEvent.sealed_value";

/// Opens the keyring when the first event is refused: most runs refuse none, and only one process
/// at a time may write a keyring.
pub struct RefusedSealer {
    folder: PathBuf,
    keyring: Mutex<Option<Keyring>>,
}

impl RefusedSealer {
    /// A sealer with the keyring in this folder.
    pub fn new(folder: PathBuf) -> Self {
        RefusedSealer { folder, keyring: Mutex::new(None) }
    }
}

impl Sealer for RefusedSealer {
    fn seal(&self, day: i64, bytes: &[u8]) -> Result<Sealed, String> {
        let mut kept = self.keyring.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none() {
            let opened = Keyring::open_or_create(&self.folder);
            *kept = Some(opened.map_err(|error| error.to_string())?);
        }
        let keyring = kept.as_ref().expect("just opened");
        keyring.seal_expiring(day, PURPOSE, bytes).map_err(|error| error.to_string())
    }
}
