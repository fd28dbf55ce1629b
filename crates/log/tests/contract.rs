//! The embedded log keeps every promise of a log.

use std::sync::Arc;

use omnifold_log::embedded::EmbeddedLog;
use omnifold_log::{Log, contract};

#[test]
fn the_embedded_log_keeps_every_promise() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = EmbeddedLog::open(dir.path()).expect("a log");
    contract::run_all(&|| Arc::clone(&log) as Arc<dyn Log>);
    log.verify().expect("every record is good");
    drop(log);
    let reopened = EmbeddedLog::open(dir.path()).expect("the log opens again");
    reopened.verify().expect("every record is still good");
}
