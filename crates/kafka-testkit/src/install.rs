//! Where the jars of the broker are.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::BrokerError;

/// The folder that `deploy/kafka/fetch.sh` fills: `OMNIFOLD_KAFKA_HOME`, or `omnifold/kafka-4.1.0`
/// in the user's cache folder.
pub fn kafka_home() -> PathBuf {
    if let Some(home) = std::env::var_os("OMNIFOLD_KAFKA_HOME") {
        return PathBuf::from(home);
    }
    let cache = match std::env::var_os("XDG_CACHE_HOME") {
        Some(cache) => PathBuf::from(cache),
        None => PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache"),
    };
    cache.join("omnifold").join("kafka-4.1.0")
}

/// The Java class path of an installed broker.
pub(crate) fn class_path() -> Result<OsString, BrokerError> {
    let home = kafka_home();
    if !home.join("complete").exists() {
        return Err(BrokerError::NotInstalled { home });
    }
    Ok(home.join("lib").join("*").into_os_string())
}
