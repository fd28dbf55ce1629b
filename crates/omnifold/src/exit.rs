//! How a command ended.

use anyhow::Error;
use serde_json::json;

use crate::config::ConfigFaults;
use crate::output::{Output, OutputClosed};

/// Exit codes. `--help` and docs/OPERATIONS.md list them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Something failed.
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// A verification found violations, or a check faults.
    Violations = 3,
    /// What was asked for does not exist.
    NotFound = 4,
    /// A comparison went beyond a limit that was given.
    LimitBroken = 5,
}

/// The list for `--help`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed: the message says what, where and what to do
  2  the command line or the configuration is wrong
  3  a verification or check found something that does not hold
  4  what was asked for does not exist
  5  a comparison went beyond a limit that was given";

/// The command cannot be carried out as it was given.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// What was asked for does not exist.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotFound(pub String);

/// Says what failed on standard error, and gives the code for it.
pub fn report(error: &Error, output: &Output) -> Exit {
    if error.is::<OutputClosed>() {
        return Exit::Done;
    }
    let exit = code_of(error);
    let message = words(error.as_ref());
    if output.is_json() {
        eprintln!("{}", json!({ "error": message, "exit_code": exit as u8 }));
    } else {
        eprintln!("error: {message}");
    }
    exit
}

fn code_of(error: &Error) -> Exit {
    let is_usage = error.is::<Usage>() || error.is::<ConfigFaults>();
    match () {
        () if is_usage => Exit::Usage,
        () if error.is::<NotFound>() => Exit::NotFound,
        () => Exit::Failed,
    }
}

/// The message and its causes, leaving out a cause that the text before ends with.
pub fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_code_is_found_under_any_context() {
        let error = Err::<(), _>(NotFound("order web/1 is not known".into()));
        let error = error.context("asking the server").expect_err("an error");
        assert_eq!(code_of(&error), Exit::NotFound);
        assert_eq!(code_of(&anyhow::anyhow!("disk full")), Exit::Failed);
        assert_eq!(code_of(&ConfigFaults(Vec::new()).into()), Exit::Usage);
    }

    #[test]
    fn a_cause_is_not_said_twice() {
        let error = anyhow::anyhow!("no space").context("cannot write: no space").context("serve");
        assert_eq!(words(error.as_ref()), "serve: cannot write: no space");
    }
}
